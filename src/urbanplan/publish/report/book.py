"""A report's tables as a workbook, a sheet each, with the run's own figures behind what readers see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from urbanplan.publish.report.blocks import label
from urbanplan.publish.report.model import Facts, Report, Table, Text
from urbanplan.publish.report.words import Words, clean
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import pandas as pd

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
