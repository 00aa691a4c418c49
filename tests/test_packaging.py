"""What is handed out: the wheel alone runs its city, the source archive makes the same wheel."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement

from townfolder import write_town
from urbanplan.cli import main
from urbanplan.errors import EXTRAS
from urbanplan.files import write_xlsx
from urbanplan.sources import crs_of_file

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
#: The wheel's content before anything else, then the libraries; nothing of this tree, since
#: without `site` no editable install is on the path.
RUN = """
import runpy, sys
inside, libraries = sys.argv[1:3]
sys.path[:0] = [inside]
sys.path += libraries.split("|")
sys.argv = ["urbanplan", *sys.argv[3:]]
import urbanplan, urbanplan.city.profile
for where in (urbanplan.__file__, urbanplan.city.profile.embedded_data()):
    assert str(where).startswith(inside), where
runpy.run_module("urbanplan", run_name="__main__")
"""


def build(where: Path, out: Path, *kinds: str) -> dict[str, Path]:
    """Build with the tool that pyproject.toml names, which asks nobody for anything."""
    wanted = [word for kind in kinds for word in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out), *wanted],
        cwd=where, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return {p.suffix: p for p in out.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    found = build(ROOT, tmp_path_factory.mktemp("dist"), "wheel", "sdist")
    return found[".whl"], found[".gz"]


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_what_a_city_needs(built):
    held = names(built[0])
    for path in (ROOT / "src" / "urbanplan").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT / "src")) in held, path
    for folder in ("boundaries", "layers"):
        for path in (DATA / folder).rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                assert f"urbanplan/data/{path.relative_to(DATA)}" in held, path
    for name in ("py.typed", "output/assets/LEAFLET-LICENSE", "catalog/standards/GB55014-2021.toml"):  # fmt: skip
        assert f"urbanplan/{name}" in held
    assert {n.rpartition("/")[2] for n in held if "/licenses/" in n} == {"LICENSE", "NOTICE"}


def test_the_wheel_holds_nothing_else(built):
    for name in names(built[0]):
        assert name.startswith(("urbanplan/", "urbanplan-")), name
        assert not {"tests", "build", "__pycache__", ".stages"} & set(name.split("/")), name
        assert not name.endswith((".pyc", ".lock", ".nbc", ".nbi")), name
    # A download that somebody waits for.
    assert built[0].stat().st_size < 5 * 2**20


def test_metadata_says_what_it_needs(built):
    with zipfile.ZipFile(built[0]) as archive:
        (path,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = archive.read(path).decode("utf-8")
        (path,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        entry = archive.read(path).decode("utf-8")
    assert "urbanplan = urbanplan.cli:main" in entry
    assert "License-Expression: MIT" in text and "Requires-Python: >=3.11" in text
    assert "# urbanplan" in text, "the README is the description"


def program(wheel: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run the program from the content of a wheel, from another folder, without this tree."""
    inside, empty = folder / "inside", folder / "empty"
    if not inside.exists():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(inside)
        empty.mkdir()
    libraries = "|".join(dict.fromkeys(sysconfig.get_path(n) for n in ("purelib", "platlib")))
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, str(inside), libraries, *words],
        cwd=empty, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("installed")


def test_the_wheel_alone_lists_its_layers(built, folder):
    done = program(built[0], folder, "layers", "luzhou", "--json")
    assert done.returncode == 0 and '"hospitals"' in done.stdout, done.stderr


def test_the_wheel_alone_runs_its_city(built, folder):
    done = program(built[0], folder, "-q", "run", "luzhou", "--out", "atlas")
    assert done.returncode == 0, done.stderr
    written = {p.name for p in (folder / "empty" / "atlas").iterdir()}
    assert {"index.html", "luzhou.gpkg", "luzhou.qgz", "coverage.csv", "run.json"} <= written
    # The very table that is committed.
    table = (folder / "empty" / "atlas" / "coverage.csv").read_bytes()
    assert table == (ROOT / "maps" / "luzhou" / "coverage.csv").read_bytes()


def test_the_source_archive_makes_the_same_wheel(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    again = build(tree, tmp_path / "again", "wheel")[".whl"]
    assert names(again) == names(built[0])
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(built[0]) as other:
        for name in names(again):
            assert one.read(name) == other.read(name), name


def test_the_source_archive_holds_what_a_contributor_needs(built):
    with tarfile.open(built[1]) as archive:
        held = {n.partition("/")[2] for n in archive.getnames()}
    for name in ("pyproject.toml", "Makefile", "README.md", "LICENSE", "NOTICE", "DESIGN.md", "CHANGELOG.md"):  # fmt: skip
        assert name in held
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CITATION.cff"):
        assert name in held
    for path in ("docs/build.py", "docs/guide.md", "docs/zh/guide.md", "data/build/__main__.py"):
        assert path in held
    for folder in ("tests", "notebooks"):
        assert any(n.startswith(f"{folder}/") for n in held), folder
    assert not any("__pycache__" in n or n.startswith((".git/", "maps/", "build/")) for n in held)


# ---------------------------------------------------------------- what is installed


def required(name: str, extras: tuple[str, ...], seen: set[str]) -> Iterator[metadata.Distribution]:
    """A distribution and all that it needs here, each once."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen.add(key)
    dist = metadata.distribution(name)
    yield dist
    for line in dist.requires or []:
        need = Requirement(line)
        if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield from required(need.name, tuple(need.extras), seen)


#: Licences that allow what ours allows; MPL-2.0 covers single files that stay as they are.
PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla Public|Zlib|CC0|Kiwi|SciPy|matplotlib"
)
COPYLEFT = re.compile(r"(?<!L)\bA?GPL|Affero|GNU General Public")


def licence_of(dist: metadata.Distribution) -> str:
    """What a distribution says of its licence, the most exact statement first."""
    about = dist.metadata
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return about.get("License-Expression") or "; ".join(classifiers) or about.get("License") or ""


def test_nothing_that_runs_is_under_a_licence_that_binds():
    dists = list(required("urbanplan", ("all", *EXTRAS), set()))
    assert len(dists) > 40
    for dist in dists:
        said = licence_of(dist)
        assert PERMISSIVE.search(said) and not COPYLEFT.search(said), f"{dist.name}: {said[:80]!r}"


def test_every_version_that_is_installed_is_the_one_that_was_tried():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in pinned)
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pinned.items()}
    extras = tuple(metadata.metadata("urbanplan").get_all("Provides-Extra"))
    named = [*required("urbanplan", extras, set())][1:]
    missing = {d.name for d in named} - {d.name for d in named if re.sub(r"[-_.]+", "-", d.name).lower() in pinned}  # fmt: skip
    assert not missing
    for line in metadata.requires("urbanplan"):
        need = Requirement(line)
        version = pinned.get(re.sub(r"[-_.]+", "-", need.name).lower())
        assert version is None or need.specifier.contains(version), line


# ---------------------------------------------------------------- what is declared

#: Two distributions may hold one module; what only types name is not needed to run.
TREES = {p: ast.parse(p.read_text("utf-8")) for p in (ROOT / "src").rglob("*.py")}


def imported() -> set[str]:
    """Third-party modules that the source imports, by the name of their top."""
    found = set()
    for tree in TREES.values():
        typed = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]  # fmt: skip
        skipped = {id(inner) for node in typed for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if id(node) in skipped:
                continue
            if isinstance(node, ast.Import):
                found |= {a.name.partition(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"urbanplan"}


def declared(*extras: str) -> set[str]:
    """Distributions that pyproject.toml names, for these extras or none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] if not extras else []
    for extra in extras:
        lines = lines + project["optional-dependencies"][extra]
    return {re.sub(r"[-_.]+", "-", Requirement(line).name).lower() for line in lines}


def test_what_is_imported_is_declared():
    homes = metadata.packages_distributions()
    brought = {m: {d.lower().replace("_", "-") for d in homes.get(m, [m])} for m in imported()}
    core, extra = declared(), declared(*EXTRAS)
    assert len(core) <= 18
    undeclared = {m for m, names in brought.items() if not names & (core | extra)}
    assert not undeclared
    unused = core - set().union(*brought.values())
    assert not unused, "declared and never imported"


def test_all_means_all_extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (line,) = project["optional-dependencies"]["all"]
    assert Requirement(line).extras == set(EXTRAS)


@pytest.mark.parametrize(
    ("extra", "module", "words"),
    [
        ("postgis", "pg8000", "publish postgis {town} --dsn postgresql://u@127.0.0.1:1/x"),
        ("siting", "highspy", "siting {town} --candidates grid:300 --anywhere --facilities hospitals --p 1"),
        ("report", "matplotlib", "report {town}"),
        ("report", "fontTools", "report {town}"),
        ("report", "typst", "report {town}"),
        ("report", "jinja2", "report {town} --format html"),
        ("report", "docx", "report {town} --format docx"),
        ("report", "openpyxl", "report {town} --format xlsx"),
        ("page", "pypinyin", "run {town} --out {out}"),
        ("excel", "openpyxl", "coverage {town} --facilities hospitals --out {out}.xlsx"),
        ("excel", "openpyxl", "coverage {town} --facilities {book}"),
        ("china", "frykit", "init {out} --name 成都"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_one_sentence(tmp_path, capsys, monkeypatch, extra, module, words):
    town, out, book = write_town(tmp_path / "town"), tmp_path / "out", tmp_path / "places.xlsx"
    write_xlsx(book, pd.DataFrame({"lon": [105.4], "lat": [28.8]}))
    # What is None there is not found, even where it was loaded before.
    monkeypatch.setitem(sys.modules, module, None)
    for kept in vars(crs_of_file).values():
        # Districts that another test has read would be known without the library.
        getattr(kept, "cache_clear", lambda: None)()
    with pytest.raises(SystemExit) as stopped:
        main(["-q", *words.format(town=town, out=out, book=book).split(" ")])
    told = capsys.readouterr()
    assert stopped.value.code == 2 and not told.out
    assert f"needs {module}, which is not installed → pip install 'urbanplan[{extra}]'" in told.err
    assert told.err.count("\n") == 1 and "Traceback" not in told.err


def test_without_any_extra_the_questions_are_answered(tmp_path):
    town = write_town(tmp_path / "town")
    modules = [m for m in imported() if not {d.lower().replace("_", "-") for d in metadata.packages_distributions()[m]} & declared()]  # fmt: skip
    assert len(modules) >= 8
    asked = ("coverage {} --facilities hospitals --gaps g.geojson", "isochrone {} --points hospitals --out i.gpkg", "indicators {}", "check {}")  # fmt: skip
    words = [[w.format(town) for w in line.split(" ")] for line in asked]
    code = f"import sys; sys.modules.update(dict.fromkeys({modules})); from urbanplan.cli import cli; [cli.main(words, standalone_mode=False) for words in {words}]"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
