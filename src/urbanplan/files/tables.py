"""Plain tables for people and programs: XLSX with the same bytes at every run, JSON records."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.files.deliveries.texts import NOT_XML, as_cell
from urbanplan.files.writing import write_bytes, write_json
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import pandas as pd

#: When every part of a workbook says that it was made: the first moment a ZIP archive can hold.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
#: Widest column, in characters.
_WIDEST = 60


def write_xlsx(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as one sheet; texts stay texts, even those that begin like a formula."""
    return write_workbook(path, {"Sheet": table})


def write_workbook(path: Path | str, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write tables as sheets of one workbook, by name."""
    from datetime import datetime

    from openpyxl import Workbook

    book = Workbook()
    book.properties.created = book.properties.modified = datetime(*_NO_DATE[:3])
    book.remove(book.active)
    for name, table in tables.items():
        _fill(book.create_sheet(name[:31]), table)
    return write_bytes(path, _undated(book))


def _fill(sheet: Any, table: pd.DataFrame) -> None:
    from openpyxl.styles import Font

    sheet.freeze_panes = "A2"
    rows = [list(table.columns), *table.itertuples(index=False)]
    for r, row in enumerate(rows, start=1):
        for c, value in enumerate(row, start=1):
            value = _plain(value)
            cell = sheet.cell(r, c)
            if isinstance(value, str):
                cell.value = NOT_XML.sub("", value)
                cell.data_type = "s"
                # A text it stays, also where somebody edits the cell.
                cell.quotePrefix = as_cell(value) != value
            else:
                cell.value = value
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        longest = max((len(str(x.value or "")) for x in sheet[cell.column_letter]), default=8)
        sheet.column_dimensions[cell.column_letter].width = min(max(longest + 2, 8), _WIDEST)


def _undated(book: Any) -> bytes:
    # openpyxl stamps the parts with the time of writing; the same table must give the same bytes.
    from openpyxl.writer.excel import ExcelWriter

    raw, out = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        modified = book.properties.modified
        writer = ExcelWriter(book, archive)
        book.properties.modified = modified
        writer.write_data()
    with zipfile.ZipFile(raw) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            archive.writestr(
                zipfile.ZipInfo(name, _NO_DATE), parts.read(name), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def write_records(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as a JSON list of records; what is missing is null."""
    text = table.to_json(orient="records", force_ascii=False, date_format="iso")
    return write_json(path, json.loads(text))


def _plain(value: Any) -> Any:
    if hasattr(value, "__len__") and not isinstance(value, str):
        return str(value)
    if getattr(value, "tzinfo", None) is not None and not is_missing(value):
        # A sheet knows no zones of time.
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if is_missing(value):
        return None
    # A sheet has no infinity.
    return str(value) if value in (float("inf"), float("-inf")) else value
