"""The documentation builds without a warning, leaves nothing out, and says what the program does."""

from __future__ import annotations

import ast
import html
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import urbanplan as up
from urbanplan.catalog import GEOMETRY_TYPES, LayerKind, load_catalog, read_modes
from urbanplan.catalog.standards import read_standards
from urbanplan.cli import cli
from urbanplan.files.texts import toml_of

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "urbanplan"
sys.path.insert(0, str(ROOT / "docs"))
from making.markdown import LINK, blocks, outside_code, sections, slug  # noqa: E402

#: What a reader of the repository meets first.
WRITTEN = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
)  # fmt: skip
GUIDE = {"en": ROOT / "docs" / "guide.md", "zh": ROOT / "docs" / "zh" / "guide.md"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; `docs/build.py` ends with an error at the first warning."""
    out = tmp_path_factory.mktemp("site") / "docs"
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "build.py"), str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return out


def words(page: Path) -> str:
    """The text of a page, without its elements."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_the_site_asks_no_other_host(site):
    assets = re.compile(r"""<(?:link|script|img|iframe|source|use)\b[^>]*?(?:href|src|srcset)="([^"]*)""")  # fmt: skip
    for page in site.rglob("*.html"):
        for target in assets.findall(page.read_text("utf-8")):
            assert not target.startswith(("http:", "https:", "//")), f"{page.name}: {target}"
    for sheet in site.rglob("*.css"):
        asked = re.findall(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')]*)", sheet.read_text("utf-8"))  # fmt: skip
        assert not asked, f"{sheet.name}: {asked}"
    for script in site.rglob("*.js"):
        assert not re.search(r"(?:fetch|importScripts|import)\(\s*[\"']https?://", script.read_text("utf-8"))  # fmt: skip


def test_every_page_says_its_language(site):
    for page in site.rglob("*.html"):
        chinese = page.relative_to(site).parts[0] == "zh"
        found = re.search(r'<html[^>]* lang="([^"]*)"', page.read_text("utf-8"))
        assert found and found.group(1) == ("zh-CN" if chinese else "en"), page


def test_chinese_words_are_found(site):
    index = (site / "searchindex.js").read_text("utf-8")
    terms = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["terms"]
    assert {"覆盖", "审图", "isochron"} <= set(terms)


# Generated pages leave nothing out.


def walked(command: click.Command, name: str = "urbanplan") -> Iterator[tuple[str, click.Command]]:
    yield name, command
    for child, found in getattr(command, "commands", {}).items():
        yield from walked(found, f"{name} {child}")


def test_every_command_and_option_is_on_its_page(site):
    text = (site / "cli.html").read_text("utf-8")
    for name, command in walked(cli):
        anchor = "command-" + name.replace(" ", "-")
        part = text.split(f'id="{anchor}"')
        assert len(part) == 2, name
        part = html.unescape(re.sub(r"<[^>]+>", "", part[1].split('id="command-')[0]))
        for option in command.params:
            if isinstance(option, click.Option):
                for word in (*option.opts, *option.secondary_opts):
                    assert word in part, f"{name} {word}"
                assert " ".join((option.help or "").split()) in " ".join(part.split()), f"{name} {word}"  # fmt: skip


def made_public(tree: ast.Module) -> set[str]:
    """Names that a module makes public: what it defines, or what ``__all__`` lists."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
                if ast.unparse(target) == "__all__":
                    names |= set(ast.literal_eval(node.value))
    return {n for n in names if not n.startswith("_")}


def test_every_public_name_is_in_the_python_reference(site):
    text = {p.stem: words(p) for p in (site / "python").glob("*.html")}
    for path in SRC.rglob("*.py"):
        parts = path.relative_to(SRC).with_suffix("").parts
        if path.name == "__main__.py":
            continue
        dotted = ".".join(("urbanplan", *(p for p in parts if p != "__init__")))
        page = text[dotted.split(".")[1] if "." in dotted else "urbanplan"]
        assert dotted in page, dotted
        told = set(re.findall(r"\w+", page))
        missing = made_public(ast.parse(path.read_text("utf-8"))) - told
        assert not missing, f"{dotted}: {missing}"


def test_every_indicator_has_its_definition_and_clause(site):
    text = (site / "indicators.html").read_text("utf-8")
    own = [read_standards(p) for p in (ROOT / "data" / "boundaries").glob("*/standards.toml")]
    every = {**read_standards(), **{k: i for o in own for k, i in o.items() if i.own}}
    for one in every.values():
        (_, after) = text.split(f'id="indicator-{one.id.replace("_", "-")}"')
        part = html.unescape(re.sub(r"<[^>]+>", "", after.split('id="indicator-')[0]))
        part = " ".join(part.split())
        for word in (one.id, one.document, one.edition, one.clause, one.page, one.name_zh, one.name_en):  # fmt: skip
            assert word in part, f"{one.id}: {word}"
        for word in (one.source, one.note, one.applies_to):
            assert word in part, f"{one.id}: {word}"
        assert f"{one.grade}: " in part and ("." in part and "。" in part), one.id
        if one.threshold is not None:
            shown = f"{one.threshold:.0%}" if one.unit == "share" else f"{one.threshold:,g}"
            assert shown in part, one.id


def test_every_layer_column_and_mode_has_its_place(site):
    layers, modes = words(site / "layers.html"), words(site / "modes.html")
    for kind in load_catalog().layers.values():
        assert kind.id in layers and kind.name_zh in layers and kind.name_en in layers
        assert not [c for c in kind.columns if c not in layers], kind.id
    for mode in load_catalog().modes.values():
        assert mode.id in modes and mode.source in modes
        assert mode.streets is None or mode.streets.source in modes


# The guide in two languages.


def bare(block: str) -> str:
    """A block without its remarks, which are translated."""
    return "\n".join(re.sub(r"(^|\s+)# .*$", "", line).rstrip() for line in block.splitlines())


def shape(text: str) -> dict[str, object]:
    """What a translation must keep: rows, items, links, pictures."""
    lines = [line for line, outside in outside_code(text) if outside]
    links = [LINK.findall(line) for line in lines]
    targets = [t for found in links for _, _, t in found]
    return {
        "rows of tables": sum(line.startswith("|") for line in lines),
        "items of lists": sum(line.startswith("- ") for line in lines),
        "links": sorted(Path(t.partition("#")[0]).name for t in targets),
    }


def test_the_guide_is_the_same_in_both_languages():
    heads, parts = zip(*(sections(p.read_text("utf-8")) for p in GUIDE.values()))
    assert [bool(h) for h in heads] == [True, True]
    assert len(parts[0]) == len(parts[1]), "a question is missing in one language"
    for (name, en), (name_zh, zh) in zip(*parts):
        where = f"{name} / {name_zh}"
        assert list(map(bare, blocks(en))) == list(map(bare, blocks(zh))), where
        assert shape(en) == shape(zh), where
        # Whatever is typed is the same in every language; Chinese may say more of it.
        typed = [set(re.findall(r"`([^`\n]+)`", _prose(text))) for text in (en, zh)]
        assert not typed[0] - typed[1], where
        assert re.search(r"[\u4e00-\u9fff]", _prose(zh)), where


def _prose(text: str) -> str:
    return "\n".join(line for line, outside in outside_code(text) if outside)


# What is written leads somewhere, and can be typed.


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_resolve(path):
    for line, outside in outside_code(path.read_text("utf-8")):
        for _, _, target in LINK.findall(line) if outside else ():
            if "://" in target or target.startswith("mailto:"):
                continue
            file, _, anchor = target.partition("#")
            to = (path.parent / file) if file else path
            assert to.exists(), f"{path.name}: {target}"
            if anchor and to.suffix == ".md":
                heads = [h.lstrip("# ") for h, out in outside_code(to.read_text("utf-8")) if out and h.startswith("#")]  # fmt: skip
                assert anchor in map(slug, heads), f"{path.name}: {target}"


def quoted(path: Path, program: str) -> Iterator[tuple[str, bool]]:
    """Every command line of a program in a file, and whether it is a whole one."""
    text = path.read_text("utf-8")
    for block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"\s#\s.*$", "", line.strip().removeprefix("$ "))
            if line.startswith(program + " "):
                yield line, True
    for line, outside in outside_code(text):
        for code in re.findall(r"`([^`\n]+)`", line) if outside else ():
            if code.startswith(program + " "):
                yield code, False


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_that_are_quoted_can_be_typed(path):
    for line, whole in quoted(path, "urbanplan"):
        command, words_ = cli, shlex.split(re.sub(r"[\[\]]", "", line))[1:]
        while words_ and words_[0] in ("-q", "--quiet"):
            words_.pop(0)
        while isinstance(command, click.Group) and words_:
            assert words_[0] in command.commands or words_[0].startswith("-"), line
            if words_[0].startswith("-"):
                break
            command = command.commands[words_.pop(0)]
        if whole:
            # Everything but running it: names, kinds of values, what may not be left out.
            command.make_context(command.name, words_)
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        ours = [w for w in words_ if w.startswith("--")]
        assert not set(ours) - known - {"--version"}, line


def test_examples_of_contributing_can_be_used(tmp_path):
    layer, standard, mode = (
        tomllib.loads(b) for b in blocks((ROOT / "CONTRIBUTING.md").read_text("utf-8")) if "= " in b
    )
    ((name, row),) = layer["layers"].items()
    kind = LayerKind(id=name, **row)
    assert kind.chapter in load_catalog().chapters and kind.geometry in GEOMETRY_TYPES
    assert kind.role in {k.role for k in load_catalog().layers.values()}
    for name, table, read in (("s", standard, read_standards), ("m", mode, read_modes)):
        path = tmp_path / f"{name}.toml"
        path.write_text(toml_of(table), "utf-8")
        assert len(read(path)) > len(read(None))


def test_targets_of_make_that_are_quoted_exist():
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for path in WRITTEN:
        for line, _ in quoted(path, "make"):
            assert line.split()[1] in targets, f"{path.name}: {line}"


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "docs/zh/guide.md"])
def test_python_that_is_quoted_uses_the_door(name):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    assert blocks
    things = {"up": up, "city": up.City, "streets": up.Streets}
    for node in (n for block in blocks for n in ast.walk(ast.parse(block))):
        if isinstance(node, ast.Import):
            assert {a.name for a in node.names} <= {"folium", "urbanplan"}
        assert not isinstance(node, ast.ImportFrom), ast.unparse(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            thing = things.get(node.value.id)
            assert thing is None or hasattr(thing, node.attr), ast.unparse(node)
