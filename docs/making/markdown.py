"""Small pieces of Markdown: cells, tables, headings and where code blocks are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: A link or a picture: what is shown, and where it leads.
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")


def cell(value: object) -> str:
    """A value as the cell of a table."""
    return escaped(str(value)).replace("|", "\\|").replace("\n", " ")


def escaped(text: str) -> str:
    """Text outside code whose angle brackets must not become elements."""
    parts = re.split(r"(`+[^`]*`+)", text)
    return "".join(p if i % 2 else p.replace("<", "&lt;") for i, p in enumerate(parts))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; empty without rows."""
    rows = [list(map(cell, row)) for row in rows]
    if not rows:
        return ""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def slug(heading: str) -> str:
    """The anchor of a heading, as code hosts and this site make it."""
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower())
    return kept.replace(" ", "-")


def outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """Lines of a text, and whether each is outside fenced code."""
    fenced = False
    for line in text.splitlines():
        edge = line.lstrip().startswith("```")
        yield line, not fenced and not edge
        fenced ^= edge


def sections(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first ``##``, and each such section as (heading, text)."""
    head: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    for line, outside in outside_code(text):
        if outside and line.startswith("## "):
            parts.append((line[3:].strip(), []))
        else:
            (parts[-1][1] if parts else head).append(line)
    return "\n".join(head).strip(), [(name, "\n".join(body).strip()) for name, body in parts]


def blocks(text: str) -> list[str]:
    """The fenced blocks of a text, without their fences."""
    found: list[list[str]] = []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            if fenced:
                found.append([])
        elif fenced:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]
