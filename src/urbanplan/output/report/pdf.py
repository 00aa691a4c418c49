"""A report as PDF: typeset from a template of our own that takes all text as values, never as code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from urbanplan.errors import UrbanplanError
from urbanplan.files import read_text, scratch_folder
from urbanplan.output.report.fonts import Font, font_of
from urbanplan.output.report.model import (
    Block,
    Facts,
    Figure,
    Report,
    Text,
    Words,
    grouped,
    heading,
    label,
)

#: Archival, and readable by screen readers: text, tables and pictures are tagged.
STANDARDS: tuple[Literal["a-2a"], Literal["ua-1"]] = ("a-2a", "ua-1")
#: Runs of Latin text longer than this may break after a mark, or anywhere; Chinese does so by itself.
_LONG = 14
_TOKEN = re.compile(rf"[^\s\u2e80-\uffef]{{{_LONG + 1},}}")
_HASH = re.compile("[0-9a-f]{64}")
_MARKS = re.compile(r"([/?&=_:;@%+\-]|[.,](?!\d))(?=\S)")
_RUN = re.compile(rf"[^\u200b]{{{_LONG}}}(?=[^\u200b])")
_ZERO_WIDTH = "\u200b"


def pdf(report: Report) -> bytes:
    """The report as PDF; its pictures must be SVG.

    Raises
    ------
    UrbanplanError
        If no font with Chinese is installed for a Chinese one, or it cannot be typeset.
    """
    return typeset(report, "pdf")


def typeset(report: Report, form: Literal["pdf", "png"], ppi: float = 60.0) -> Any:
    """The report as ``pdf`` bytes, or as a list of ``png`` pages to look at."""
    import typst

    font = font_of(report.lang)
    template = read_text(Path(__file__).parent / "report.typ")
    # A folder with nothing in it: even code that slipped in could read nothing.
    with scratch_folder() as nowhere:
        try:
            return typst.compile(  # type: ignore[type-var]  # root must be what the template is, says the stub
                template.encode(),
                root=str(nowhere),
                font_paths=typst.Fonts(
                    include_system_fonts=False,
                    include_embedded_fonts=False,
                    font_paths=[str(font.folder)],
                ),
                format=form,
                ppi=ppi,
                sys_inputs={"report": json.dumps(_values(report, font), ensure_ascii=False)},
                pdf_standards=[*STANDARDS] if form == "pdf" else [],
                timestamp=int(datetime(*report.date, tzinfo=UTC).timestamp()),
            )
        except typst.TypstError as err:
            raise UrbanplanError(
                f"cannot be typeset ({str(err).splitlines()[0][:160]})",
                where="report.pdf",
                remedy="write it as .html or .docx, and report this",
            ) from err


def _values(report: Report, font: Font) -> dict[str, Any]:
    words = Words(report.lang)
    return {
        "lang": report.lang,
        "font": font.family,
        "title": font.fit(report.title),
        "subtitle": font.fit(report.subtitle),
        "notice": font.fit(report.notice),
        "internal": words("internal"),
        "made": font.fit(report.made),
        "date": report.date,
        "contents": words("contents"),
        "page": words("page", n="{n}", of="{of}"),
        "sections": [
            {
                "heading": font.fit(heading(section)),
                "blocks": [_block(block, words, font) for block in grouped(section)],
            }
            for section in report.sections
        ],
    }


def _block(block: Block | list[str], words: Words, font: Font) -> dict[str, Any]:
    def fit(text: str) -> str:
        return breakable(font.fit(text))

    if isinstance(block, list):
        return {"is": "points", "items": [fit(t) for t in block]}
    if isinstance(block, Text):
        return {"is": "text", "role": block.role, "text": fit(block.text)}
    if isinstance(block, Facts):
        return {"is": "facts", "items": [[fit(a), fit(b)] for a, b in block.items]}
    caption = {"label": label(words, block), "caption": font.fit(block.caption)}
    if isinstance(block, Figure):
        own = {"image": block.image.decode(), "alt": font.fit(block.alt), "width": block.width_mm}
        return {"is": "figure", **caption, **own}
    return {
        "is": "table",
        **caption,
        "columns": [
            {"title": fit(c.title), "right": not c.is_text, "weight": c.weight, "code": c.kind == "code"}
            for c in block.columns
        ],
        "rows": [[fit(cell) for cell in row] for row in block.cells()],
        "totals": block.totals(),
        "note": fit(block.note),
    }  # fmt: skip


def breakable(text: str) -> str:
    """A text whose long tokens (addresses, ids) may break, at places that are not seen."""
    return _TOKEN.sub(lambda found: _broken(found.group()), text)


def _broken(token: str) -> str:
    if _HASH.fullmatch(token):
        return token
    marked = _MARKS.sub(rf"\1{_ZERO_WIDTH}", token)
    return _RUN.sub(lambda m: m.group() + _ZERO_WIDTH, marked)
