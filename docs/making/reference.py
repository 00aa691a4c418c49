"""Pages of the Python reference, read from the source without running it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from making.markdown import escaped, table

#: What most readers need first, and why.
_FIRST = {
    "door": "`City`, `Streets`, `create_city`, `explore`: the way in, as `urbanplan.City` and so on",
    "city": "`load_city`: a city's profile and folders",
    "study": "`run`, `prepare`, `Variants`, `compare`, `city_sites`: the questions of the guide, from Python",
    "output": "`page.write`, `page.page`, `formats.write_atlas`, `formats.write_formats`: results and frames into files",
    "sources": "streets, places, heights and tables from files and databases",
    "routing": "minutes over any network: nearest, matrix, sums, isochrones",
    "catalog": "layer kinds, modes and standards as values",
}  # fmt: skip
_SECTIONS = ("Parameters", "Returns", "Yields", "Raises", "Attributes", "Notes", "Examples", "See Also")  # fmt: skip


@dataclass(frozen=True)
class Module:
    """A module of the package: its dotted name, its tree, and the names that it makes public."""

    name: str
    tree: ast.Module

    @property
    def listed(self) -> list[str] | None:
        """What ``__all__`` lists; None without one."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return list(ast.literal_eval(node.value))
        return None

    @property
    def own(self) -> dict[str, ast.stmt]:
        """Public names that are made here: functions, classes, constants."""
        found: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                        if isinstance(name, ast.Name):
                            found[name.id] = node
        return {k: v for k, v in found.items() if not k.startswith("_")}

    @property
    def passed_on(self) -> dict[str, str]:
        """Names of ``__all__`` that another module makes, and that module."""
        sources = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        return {n: sources[n] for n in self.listed or () if n in sources}


def modules(package: Path) -> Iterator[Module]:
    """Every module of a package but ``__main__``, packages before what they hold."""
    for path in sorted(package.rglob("*.py"), key=_order):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        if parts[-1] != "__main__":
            name = ".".join(p for p in parts if p != "__init__")
            yield Module(name, ast.parse(path.read_text("utf-8")))


def _order(path: Path) -> tuple[str, ...]:
    # A package stands where its folder does, before what it holds.
    return path.parent.parts if path.stem == "__init__" else (*path.parent.parts, path.stem)


def pages(package: Path) -> dict[str, str]:
    """A page per room of the package, by its file name, and ``index.md``."""
    rooms: dict[str, list[Module]] = {}
    for module in modules(package):
        rooms.setdefault([*module.name.split("."), package.name][1], []).append(module)
    made = {f"{room}.md": _room(room, held) for room, held in rooms.items()}
    first = [(f"[`{room}`]({room}.md)", why) for room, why in _FIRST.items()]
    rest = [(f"[`{r}`]({r}.md)", _summary(m[0])) for r, m in rooms.items()]
    parts = [_HEAD, table(["start here", "for"], first), "## Every module\n"]
    parts += [table(["module", ""], rest), "```{toctree}\n:hidden:\n", *sorted(rooms), "```"]
    made["index.md"] = "\n".join(parts)
    return made


def _summary(module: Module) -> str:
    return (ast.get_docstring(module.tree) or "").splitlines()[0]


def _room(room: str, held: list[Module]) -> str:
    parts = [f"# {held[0].name}\n"]
    for module in held:
        parts.append(f"(module-{module.name})=\n## {module.name}\n")
        parts.append(_text(ast.get_docstring(module.tree) or ""))
        passed = module.passed_on
        if passed:
            shown = (f"[`{n}`](#module-{a.rpartition('.')[0]})" for n, a in passed.items())
            parts.append("From here: " + ", ".join(shown) + ".\n")
        for name, node in module.own.items():
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                parts.append(_thing(name, node))
        parts.append(_constants(module))
    return "\n".join(parts)


def _constants(module: Module) -> str:
    rows = [
        (f"`{name}`", _short(ast.unparse(node.value)) if node.value else "")
        for name, node in module.own.items()
        if isinstance(node, ast.Assign | ast.AnnAssign)
    ]
    return table([f"constants of {module.name}", "value"], rows)


def _short(code: str) -> str:
    code = " ".join(code.split()).replace("`", "'")
    return f"`{code}`" if len(code) <= 100 else f"`{code[:97]}…`"


def _thing(name: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    parts = [f"### {name}\n"]
    if isinstance(node, ast.FunctionDef):
        parts.append(_code(_signature(node)))
        parts.append(_text(ast.get_docstring(node) or ""))
        return "\n".join(parts)
    bases = ", ".join(map(ast.unparse, node.bases))
    fields = [
        f"    {ast.unparse(line)}"
        for line in node.body
        if isinstance(line, ast.AnnAssign) and not ast.unparse(line.target).startswith("_")
    ]
    parts.append(_code("\n".join([f"class {name}" + (f"({bases})" if bases else ""), *fields])))
    parts.append(_text(ast.get_docstring(node) or ""))
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            read = any("property" in ast.unparse(d) for d in method.decorator_list)
            shown = f"{name}.{method.name}" if read else _signature(method, f"{name}.")
            parts.append(_code(shown))
            parts.append(_text(ast.get_docstring(method) or ""))
    return "\n".join(parts)


def _signature(node: ast.FunctionDef, before: str = "") -> str:
    if not before:
        args = ast.unparse(node.args)
    else:
        args = re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args))
    gives = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{before}{node.name}({args}){gives}"
    if len(line) <= 100:
        return line
    # Commas inside brackets separate nothing.
    pieces = re.split(r", (?![^\[(]*[\])])", args)
    return f"{before}{node.name}(\n    " + ",\n    ".join(pieces) + f",\n){gives}"


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _text(docstring: str) -> str:
    # numpydoc's sections become bold words and lists; examples stay code.
    out: list[str] = []
    for title, lines in _parts(inspect.cleandoc(docstring).splitlines()):
        if title:
            out.append(f"**{title}**\n")
        if title in ("Parameters", "Returns", "Yields", "Raises", "Attributes"):
            out.append(_listed(lines))
        elif title == "Examples":
            out.append(_code("\n".join(lines).strip()))
        else:
            out.append(_plain("\n".join(lines)) + "\n")
    return "\n".join(out)


def _parts(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    title, held = "", []
    for at, line in enumerate(lines):
        below = lines[at + 1] if at + 1 < len(lines) else ""
        if line in _SECTIONS and set(below) == {"-"}:
            if title or held:
                yield title, held
            title, held = line, []
        elif not (held == [] and title and set(line) == {"-"}):
            held.append(line)
    yield title, held


def _listed(lines: list[str]) -> str:
    items: list[list[str]] = []
    for line in lines:
        if not line.strip():
            continue
        if not line.startswith(" "):
            items.append([line])
        else:
            items[-1].append(line.strip())
    rows = []
    for head, *body in items:
        name, _, kind = head.partition(" : ")
        said = f" ({_plain(kind)})" if kind else ""
        text = f": {_plain(' '.join(body))}" if body else ""
        rows.append(f"- `{name}`{said}{text}")
    return "\n".join(rows) + "\n"


def _plain(text: str) -> str:
    # Asterisks are never emphasis in a docstring; double backticks are code.
    parts = re.split(r"(`+[^`]*`+)", text.replace("``", "`"))
    return escaped("".join(p if i % 2 else p.replace("*", "\\*") for i, p in enumerate(parts)))


_HEAD = """# Python

Read from the source. Values go in and come out as pandas and geopandas frames; nothing is set globally, and nothing but `urbanplan.files` touches the
disk. What goes wrong on purpose is an `UrbanplanError` that says what, where, and what to do. Names that begin with an underscore are not listed and may
change; the version is 0.x, so others may too, and the [changes](../changelog.md) say so.

```python
import urbanplan as up

city = up.City("luzhou")
city.coverage("hospitals", mode="drive", minutes=[15, 30])
results = city.run("maps/luzhou")
```
"""
