"""The report as a page and as a workbook."""

from __future__ import annotations

import base64
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.base.schema import is_missing
from urbanplan.files import read_text
from urbanplan.output.report.model import (
    Block,
    Facts,
    Figure,
    Report,
    Table,
    Text,
    Words,
    clean,
    grouped,
    heading,
    label,
)

if TYPE_CHECKING:
    import pandas as pd


_KINDS = {Text: "text", Facts: "facts", Figure: "figure", Table: "table", list: "points"}


def page(report: Report) -> str:
    """The report as HTML; its pictures must be SVG."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    here, words = Path(__file__).parent, Words(report.lang)
    # Every text is escaped; only our own style sheet is not.
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(read_text(here / "report.html"))
    return template.render(
        report=report,
        words=words,
        style=Markup(read_text(here / "report.css")),
        heading=heading,
        label=partial(label, words),
        grouped=grouped,
        kind_of=_kind_of,
        data_of=_data_of,
        rows_of=_rows_of,
    )


def _kind_of(block: Block | list[str]) -> str:
    return _KINDS[type(block)]


def _data_of(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.image).decode()


def _rows_of(table: Table) -> list[tuple[list[tuple[str, Any]], bool]]:
    return [
        (list(zip(row, table.columns)), total) for row, total in zip(table.cells(), table.totals())
    ]


#: What a sheet's name may not hold, and how long it may be.
_ODD, _LONGEST = re.compile(r"[\[\]:*?/\\']"), 31


def book(report: Report) -> dict[str, pd.DataFrame]:
    """Sheets by name: what the report says, and then its tables."""
    import pandas as pd

    words = Words(report.lang)
    said = [report.title, report.subtitle, report.made, report.notice or words("internal"), ""]
    for section in report.sections:
        said += [f"{section.number} {section.heading}"]
        for block in section.blocks:
            if isinstance(block, Text):
                said.append(block.text)
            elif isinstance(block, Facts):
                said += [f"{what}{words('colon')}{figure}" for figure, what in block.items]
            elif isinstance(block, Table):
                said.append(f"{label(words, block)} {block.caption}")
                said += [block.note] if block.note else []
    sheets = {words("h_summary"): pd.DataFrame({report.title: said[1:]})}
    for table in report.tables():
        name = _ODD.sub(" ", f"{label(words, table)} {table.caption}")[:_LONGEST].strip()
        sheets[name] = _frame(table, words)
    return sheets


def _frame(table: Table, words: Words) -> pd.DataFrame:
    import pandas as pd

    found: dict[str, list] = {}

    def put(title: str, values: list) -> None:
        while title in found:
            title += " "
        found[title] = [None if is_missing(v) else v for v in values]

    for column in table.columns:
        values = table.frame[column.name].tolist()
        texts = column.is_text or column.kind == "figure"
        put(column.title, [clean(v) for v in values] if texts else values)
        if column.raw:
            put(f"{column.title} {words('bare')}", table.frame[column.raw].tolist())
    return pd.DataFrame(found, columns=list(found), dtype=object)
