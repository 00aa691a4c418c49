"""The building code of DESIGN.md, checked against the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "urbanplan"
MODULES = sorted(SRC.rglob("*.py"))
#: What takes values and gives values: no disk, clock, sockets or chance.
COMPUTE = {"base", "routing", "measures", "siting"}
#: Compiled kernels: the only modules that import `compiled`, and so numba, as they load, and only where they are used.
KERNELS = {
    "routing/batch_search.py",
    "routing/paint.py",
    "routing/search.py",
    "sources/pbf.py",
}


def room(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def third_party(path: Path, *, at_import_only: bool) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if at_import_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


def test_there_are_few_rooms_and_modules():
    rooms = {room(p) for p in MODULES} - {"__init__", "__main__", "errors"}
    assert len(rooms) <= 13 and len(MODULES) <= 130


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 800
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            doc = ast.get_docstring(node) is not None
            start = body[1].lineno if doc and len(body) > 1 else body[0].lineno
            length = (node.end_lineno or start) - start + 1
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_public_names_have_docstrings(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            inner = any(
                isinstance(up, ast.FunctionDef) and node in ast.walk(up) and up is not node
                for up in ast.walk(tree)
            )
            assert inner or ast.get_docstring(node), f"{node.name} has no docstring"


def test_only_files_touches_disk():
    touch = re.compile(
        r"(?<![\w.])open\(|\.(read_text|write_text|read_bytes|write_bytes|unlink|mkdir|is_file|is_dir|iterdir|exists|to_file|to_csv\([^i])\b"
    )
    for path in MODULES:
        if room(path) != "files":
            code = "\n".join(
                line
                for line in path.read_text("utf-8").splitlines()
                if not line.strip().startswith("#")
            )
            hits = [
                m.group()
                for m in touch.finditer(code)
                if "files." not in code[max(0, m.start() - 6) : m.end()]
            ]
            assert not hits, f"{path.name}: {hits}"


def test_only_servers_open_a_socket():
    for path in MODULES:
        used, here = third_party(path, at_import_only=False), str(path.relative_to(SRC))
        if here != "servers/web.py":
            assert not used & {"socket", "urllib", "urllib3", "requests", "http"}, here
        # pg8000 opens its own: it is met with our limits, in one room.
        assert not used & {"pg8000", "scramp"} or room(path) == "servers", here
        # osmnx would download by itself: it is met with our limits, in one room.
        assert "osmnx" not in used or room(path) == "sources", here


def test_compute_modules_know_no_clock_and_no_chance():
    for path in MODULES:
        # A schema has days among its kinds of fields; a network is kept in a file, by way of `files`.
        if room(path) in COMPUTE and path.name not in ("schema.py", "network.py"):
            names = third_party(path, at_import_only=False)
            assert not names & {"time", "datetime", "random", "os", "pathlib", "sys"}, path.name


def test_heavy_libraries_are_imported_where_they_are_used():
    heavy = {
        "geopandas",
        "pandas",
        "shapely",
        "rasterio",
        "scipy",
        "fiona",
        "pyogrio",
        "folium",
        "rich",
        "pyproj",
        "numba",
        "osmium",
        "osmnx",
        "networkx",
        "pyarrow",
    }
    for path in MODULES:
        kernel = {"numba"} if path.name == "compiled.py" else set()
        assert third_party(path, at_import_only=True) & heavy == kernel, path.name


def test_kernels_are_loaded_where_they_are_used():
    names = {"urbanplan." + k.removesuffix(".py").replace("/", ".") for k in KERNELS}
    for path in MODULES:
        for node in ast.parse(path.read_text("utf-8")).body:
            loaded = getattr(node, "module", None) if isinstance(node, ast.ImportFrom) else None
            assert loaded not in names, f"{path.name} loads {loaded} with itself"
            kernel = str(path.relative_to(SRC)) in KERNELS
            assert loaded != "urbanplan.files.compiled" or kernel, f"{path.name} is no kernel"


def test_no_city_is_named_in_the_source():
    names = ["泸州", "江阳", "龙马潭", "纳溪", "沱江", "成都"]
    for path in MODULES:
        text = path.read_text("utf-8")
        assert not [n for n in names if n in text], path.name
        # The default of the command line is the one place an embedded city's id may stand.
        allowed = room(path) == "cli" and path.name in ("options.py", "__init__.py")
        assert "luzhou" not in text.lower() or allowed


def test_help_answers_before_a_person_notices():
    """What takes time at a start is loading modules: help loads few (133), a bare interpreter 26."""
    line = [sys.executable, "-X", "importtime", "-m", "urbanplan", "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    loaded = [row.rpartition("|")[2].strip() for row in done.stderr.splitlines()]
    assert "urbanplan.cli" in loaded and len(loaded) < 200
    assert not {name.split(".")[0] for name in loaded} & {"numpy", "pandas", "pyproj", "rich"}


def test_licences_of_dependencies_are_free_of_copyleft():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    core = text.split("dependencies = [")[1].split("]")[0]
    assert "GPL" not in core
    for line in core.strip().splitlines():
        assert re.search(r"# (MIT|BSD|Apache-2\.0)", line), line
