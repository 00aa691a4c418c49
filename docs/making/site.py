"""The site's sources: written pages, guides split by question, and links that fit."""

from __future__ import annotations

import json
import os
import posixpath
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from making import catalog as catalogue
from making import commands, reference
from making.markdown import LINK, outside_code, sections, slug

#: Pages that lie elsewhere in the repository, and what they are called here.
PAGES: Mapping[str, str] = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "DESIGN.md": "design.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
    "benchmarks/README.md": "benchmarks-method.md",
    "data/README.md": "data.md",
}
#: Files and folders that are told of by a page of their own.
TOLD: Mapping[str, str] = {
    "src/urbanplan/catalog/standards": "indicators.md",
    "src/urbanplan/catalog/layers.toml": "layers.md",
    "src/urbanplan/catalog/modes.toml": "modes.md",
    "notebooks": "notebooks.md",
}
#: Guides by language: the file, where its pages go, and the words around them.
GUIDES = {
    "en": ("docs/guide.md", "guide", "[中文]({there}) · [all questions](index.md)"),
    "zh": ("docs/zh/guide.md", "zh/guide", "[English]({there}) · [全部问题](index.md)"),
}


def write_sources(root: Path, out: Path) -> None:
    """Write everything that Sphinx reads into a new folder.

    Parameters
    ----------
    root : path
        The repository.
    out : path
        The folder; what it held is removed.
    """
    from urbanplan.catalog import load_catalog
    from urbanplan.cli import cli

    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(root / "docs" / "images", out / "images")
    site = Site(root, out)
    for source, page in PAGES.items():
        if (root / source).is_file():
            text = (root / source).read_text("utf-8")
            site.put(page, text + (_TREE if page == "index.md" else ""), source)
    for language in GUIDES:
        site.guide(language)
    known, packed = load_catalog(), root / "src" / "urbanplan"
    own = {p.parent.name: p for p in sorted((root / "data/boundaries").glob("*/standards.toml"))}
    site.put("indicators.md", catalogue.indicators(known, packed / "catalog" / "standards", own))
    site.put("layers.md", catalogue.layers(known))
    site.copy("src/urbanplan/catalog/modes.toml")
    site.put("modes.md", catalogue.modes(known))
    site.put("cli.md", commands.commands(cli))
    site.put("notebooks.md", _notebooks(root / "notebooks"))
    for name, text in reference.pages(packed).items():
        site.put(f"python/{name}", text)


class Site:
    """A folder of pages; knows which page tells of which file of the repository."""

    def __init__(self, root: Path, out: Path) -> None:
        self.root, self.out = root, out
        self.questions = {k: self._questions(v[0]) for k, v in GUIDES.items()}

    def _questions(self, source: str) -> list[str]:
        _, parts = sections((self.root / source).read_text("utf-8"))
        return [slug(heading) for heading, _ in parts]

    def put(self, page: str, text: str, source: str = "") -> None:
        """Write a page; with the file that it came from, its links are made to fit."""
        path = self.out / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.fitted(text, source, page) if source else text, "utf-8")

    def guide(self, language: str) -> None:
        """Split a guide by question: pages of both languages have the same names, in order."""
        source, folder, around = GUIDES[language]
        (other,) = set(GUIDES) - {language}
        head, parts = sections((self.root / source).read_text("utf-8"))
        names = self.questions["en"]
        if len(parts) != len(names):
            raise SystemExit(
                f"{source} has {len(parts)} questions, {GUIDES['en'][0]} has {len(names)}"
            )
        titles = []
        for name, (heading, body) in zip(names, parts):
            there = posixpath.relpath(f"{GUIDES[other][1]}/{name}.md", folder)
            top = around.format(there=there)
            # Links of the guide are made to fit first: the line above is the site's own.
            page = f"{folder}/{name}.md"
            self.put(page, f"# {heading}\n\n{top}\n\n" + self.fitted(body, source, page))
            titles.append(name)
        tree = "\n".join(["```{toctree}\n:maxdepth: 1\n", *titles, "```"])
        page = f"{folder}/index.md"
        there = posixpath.relpath(f"{GUIDES[other][1]}/index.md", folder)
        top = around.format(there=there).split(" · ")[0]
        self.put(page, self.fitted(head, source, page) + f"\n\n{top}\n\n{tree}\n")

    def fitted(self, text: str, source: str, page: str) -> str:
        """A text whose relative links lead to pages or copies of files."""

        def link(found) -> str:
            picture, shown, target = found.groups()
            fit = self._target(target, source, page)
            return f"{picture}[{shown}]({fit})" if fit else shown

        return "\n".join(
            LINK.sub(link, line) if outside else line for line, outside in outside_code(text)
        )

    def _target(self, target: str, source: str, page: str) -> str:
        if "://" in target or target.startswith("mailto:"):
            return target
        path, _, anchor = target.partition("#")
        at = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        to, anchor = self._page_of(at, anchor)
        if to is None:
            return ""
        if to == page and anchor:
            return f"#{anchor}"
        return os.path.relpath(to, PurePosixPath(page).parent) + (f"#{anchor}" if anchor else "")

    def _page_of(self, at: str, anchor: str) -> tuple[str | None, str]:
        for language, (source, folder, _) in GUIDES.items():
            if at == source:
                if anchor not in self.questions[language]:
                    return f"{folder}/index.md", ""
                place = self.questions[language].index(anchor)
                return f"{folder}/{self.questions['en'][place]}.md", ""
        if at in PAGES and (self.root / at).is_file():
            return PAGES[at], anchor
        for told, to in TOLD.items():
            if at == told or at.startswith(told + "/"):
                return to, ""
        if at.startswith("docs/images/"):
            return at.removeprefix("docs/"), ""
        if (self.root / at).is_file():
            return self.copy(at), ""
        # A folder has no page: its name stays, without a link.
        return None, ""

    def copy(self, at: str) -> str:
        """Bring a file of the repository along, and say where it lies."""
        to = self.out / "files" / at
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / at, to)
        return f"files/{at}"


def _notebooks(folder: Path) -> str:
    parts = ["# Notebooks\n", "Each plays one question from layers to answer. The tests execute all of them.\n"]  # fmt: skip
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        for number, one in enumerate(cells):
            text = "".join(one["source"])
            if one["cell_type"] == "code":
                parts.append(f"```python\n{text}\n```\n")
                continue
            # A notebook's title is a section here.
            parts.append(f"#{text}\n\n`notebooks/{path.name}`\n" if number == 0 else text + "\n")
    return "\n".join(parts)


_TREE = """

```{toctree}
:hidden:

guide/index
zh/guide/index
indicators
layers
modes
cli
python/index
notebooks
contributing
design
security
changelog
benchmarks
benchmarks-method
data
```
"""
