"""What all writers of a report share: labels of captions, points gathered into lists, widths of columns."""

from __future__ import annotations

from collections.abc import Iterator

from urbanplan.publish.report.model import Block, Figure, Report, Section, Table, Text
from urbanplan.publish.report.words import Words


def label(words: Words, block: Table | Figure) -> str:
    """The number of a table or picture, in words."""
    key = "table" if isinstance(block, Table) else "figure"
    return f"{words(key)} {block.number}"


def grouped(section: Section) -> Iterator[Block | list[str]]:
    """Blocks of a section; points that follow one another come as one list of texts."""
    points: list[str] = []
    for block in section.blocks:
        if isinstance(block, Text) and block.role == "point":
            points.append(block.text)
            continue
        if points:
            yield points
            points = []
        yield block
    if points:
        yield points


def heading(section: Section) -> str:
    """A section's number and heading."""
    return f"{section.number} {section.heading}"


def texts(report: Report) -> Iterator[str]:
    """Every text of a report, for who must know which characters it takes."""
    yield from (report.title, report.subtitle, report.notice, report.made)
    for section in report.sections:
        yield section.heading
        for block in section.blocks:
            yield from _texts(block)


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield block.text
    elif isinstance(block, Figure):
        yield from (block.caption, block.alt)
    elif isinstance(block, Table):
        yield from (block.caption, block.note, *(c.title for c in block.columns))
        yield from (cell for row in block.cells() for cell in row)
    else:
        yield from (text for item in block.items for text in item)
