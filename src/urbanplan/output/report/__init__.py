"""A document that can be circulated: findings first, maps, tables, method, data quality, sources, versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import InputError, require
from urbanplan.files import write_bytes, write_text, write_workbook
from urbanplan.output.report.content import report
from urbanplan.output.report.model import LANGUAGES, Report, Words
from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "LANGUAGES", "Report", "report", "require_known", "require_ready", "write"]

#: Endings that a report is written with, and how its pictures are drawn there.
FORMATS: dict[str, str | None] = {"html": "svg", "pdf": "svg", "docx": "png", "xlsx": None}
#: Libraries of the extra that each is written with.
_MODULES = {
    "html": ("matplotlib", "fontTools", "jinja2"),
    "pdf": ("matplotlib", "fontTools", "typst"),
    "docx": ("matplotlib", "fontTools", "docx"),
    "xlsx": ("openpyxl",),
}


def require_known(path: Path | str, lang: str) -> str:
    """The format that a path's ending stands for.

    Raises
    ------
    InputError
        If there is no such format or language.
    """
    Words(lang)
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise InputError(
            f"no report is written as '.{ending}'",
            where=path,
            remedy=f"end the name in one of .{', .'.join(FORMATS)}",
        )
    return ending


def require_ready(ending: str, lang: str) -> None:
    """Raise an `UrbanplanError` unless this machine has what a format needs: libraries, a font."""
    from urbanplan.output.report.fonts import font_of

    require("report", *_MODULES[ending])
    if FORMATS[ending]:
        font_of(lang)


def write(
    results: Results,
    path: Path | str,
    *,
    lang: str = "zh",
    bridges: pd.DataFrame | None = None,
) -> Path:
    """Write a report of a run; the same run gives the same bytes.

    Parameters
    ----------
    results : Results
    path : path
        Ending in ``.html``, ``.pdf``, ``.docx`` or ``.xlsx``.
    lang : {'zh', 'en'}
    bridges : DataFrame, optional
        What depends on each bridge (`urbanplan.study.bridge_dependence`); without it that section is left out.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no such format or language.
    UrbanplanError
        If no font with Chinese is installed, or a library is missing.
    """
    ending = require_known(path, lang)
    require_ready(ending, lang)
    made = report(results, lang, pictures=FORMATS[ending], bridges=bridges)
    if ending == "html":
        from urbanplan.output.report.html_xlsx import page

        return write_text(path, page(made))
    if ending == "pdf":
        from urbanplan.output.report.pdf import pdf

        return write_bytes(path, pdf(made))
    if ending == "docx":
        from urbanplan.output.report.docx import docx

        return write_bytes(path, docx(made))
    from urbanplan.output.report.html_xlsx import book

    return write_workbook(path, book(made))
