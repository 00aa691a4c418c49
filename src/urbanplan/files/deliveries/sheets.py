"""Excel workbooks: weighed as an archive of XML first, then read row by row."""

from __future__ import annotations

import html
import itertools
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.errors import InputError
from urbanplan.files.deliveries import archives, texts
from urbanplan.files.deliveries.heads import (
    HEADER_WITHIN,
    MAX_COLUMNS,
    Head,
    coordinate_columns,
    distinct,
    head_of,
    without_blank,
)
from urbanplan.files.deliveries.tables import placed
from urbanplan.files.deliveries.vectors import Found, LayerInfo, choose, guarded

if TYPE_CHECKING:
    import pandas as pd

#: Rows that a sheet of Excel can have.
MAX_ROWS = 1_048_576
#: Sheets of a workbook.
MAX_SHEETS = 255
#: Bytes of a member that may be the list of its sheets.
MAX_LIST = 8 * 2**20
#: Bytes of XML between the starts of two rows or texts, and texts in the workbook.
MAX_ROW_BYTES, MAX_TEXTS = 6 * 2**20, 5_000_000
#: Columns without a name that are read right of the last one with a name.
BEYOND = 32
#: Empty rows after which a sheet is taken to have ended.
MAX_EMPTY = 100_000
_ROW = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]")
_FAR = re.compile(rb"""<(?:[\w.-]+:)?row\s[^<>]*?\br\s*=\s*["']\s*0*[1-9]\d{7}""")
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f[\s/>]")
#: What Excel shows where it cannot calculate.
_ERRORS = frozenset(("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!"))
_TEXT = re.compile(rb"<(?:[\w.-]+:)?si[\s/>]")
#: Where a workbook names its sheets, and where it says which members they are.
_SHEET = re.compile(rb"""<(?:[\w.-]+:)?sheet\s[^<>]*?:id\s*=\s*["']([^"'<>]*)["']""")
_LINK = re.compile(rb"<(?:[\w.-]+:)?Relationship\s[^<>]*>")
_TARGET = re.compile(rb"""\sTarget\s*=\s*["']([^"'<>]*)["']""")


def read_xlsx(path: Path, *, layer: str | None = None, crs: str | None = None) -> Found:
    """Read the sheet of a workbook that has coordinate columns.

    Parameters
    ----------
    path : path
        An ``.xlsx`` file.
    layer : str, optional
        Name of the sheet; needed where several have coordinate columns.
    crs : str, optional
        The system that the user named.
    """
    import openpyxl

    formulas = _weigh(path)
    with guarded(path, "an Excel workbook", "Excel"), warnings.catch_warnings():
        # It warns of charts, styles and validations that it does not keep.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            heads = {sheet.title: _head(sheet) for sheet in book.worksheets}
            spatial = {n: bool(coordinate_columns(head.names)) for n, head in heads.items()}
            counted = sum(spatial.values()) > 1 or layer is not None
            layers = [
                LayerInfo(
                    n, _count(book[n], heads[n].last + 1, path) if counted else None, spatial[n]
                )
                for n in heads
            ]
            index, notes = choose(path, layers, layer)
            name = layers[index].name
            table, said = _table(book[name], heads[name], path)
        finally:
            book.close()
        empty = _uncalculated(path, name, heads[name]) if formulas else []
    if empty:
        some = ", ".join(empty[:3]) + " …" * (len(empty) > 3)
        said += (
            f"{len(empty):,} {'formula has' if len(empty) == 1 else 'formulas have'} no stored result and"
            f" {'was' if len(empty) == 1 else 'were'} read as empty: {some}; open it in Excel and save it",
        )
    try:
        found = placed(path, table, notes + heads[name].notes() + said, crs)
    except InputError as err:
        if not empty or not coordinate_columns(table.columns):
            raise
        raise InputError(
            f"{err.what}; formulas without a stored result: {', '.join(empty[:3])}",
            where=path,
            remedy="open it in Excel and save it: then its formulas have results",
        ) from None
    return replace(found, layer=name if len(layers) > 1 else None)


def _uncalculated(path: Path, name: str, head: Head) -> list[str]:
    """Cells below the head that hold a formula but no result: programs other than Excel write such."""
    import openpyxl
    from openpyxl.utils import get_column_letter

    books = [
        openpyxl.load_workbook(path, read_only=True, data_only=only, keep_links=False)
        for only in (False, True)
    ]
    found = []
    try:
        sheets = [book[name] for book in books]
        for sheet in sheets:
            sheet.reset_dimensions()
        both = (
            s.iter_rows(min_row=head.last + 2, max_col=MAX_COLUMNS, values_only=True)
            for s in sheets
        )
        for row, (formulas, values) in enumerate(zip(*both), head.last + 2):
            for column, (formula, value) in enumerate(itertools.zip_longest(formulas, values), 1):
                written = formula is not None and (
                    not isinstance(formula, str) or formula[:1] == "="
                )
                if value is None and written:
                    found.append(f"{get_column_letter(column)}{row}")
    finally:
        for book in books:
            book.close()
    return found


def _weigh(path: Path) -> bool:
    """Refuse a workbook by its directory and its XML, before a parser sees it; whether it has formulas."""
    formulas = False
    kept, _ = archives.members(path)
    with guarded(path, "an Excel workbook", "Excel"), zipfile.ZipFile(path) as archive:
        if not any(name == "[Content_Types].xml" for _, name in kept):
            archives.refuse(path, "is not an Excel workbook", "save it as .xlsx again")
        for info, name in kept:
            # Which members are sheets is up to the workbook, so none is trusted for its name.
            if info.file_size <= MAX_LIST:
                _refuse_same_sheets(path, archive.read(info))
            elif name.endswith((".rels", "workbook.xml")):
                archives.refuse(path, f"has too much of one thing in '{name}'", "save it again")
            with archive.open(info) as member:
                texts.refuse_declarations(path, iter(lambda m=member: m.read(2**20), b""), name)
            with archive.open(info) as member:
                if member.read(64).lstrip(b"\xef\xbb\xfe\xff\0 \t\r\n")[:1] == b"<":
                    pieces = iter(lambda m=member: m.read(2**20), b"")
                    formulas |= _refuse_long_rows(path, pieces, name)
    return formulas


def _refuse_same_sheets(path: Path, raw: bytes) -> None:
    """Refuse sheets without number, and several that are one member: each would be read anew."""
    named = [html.unescape(m[1].decode(errors="replace")) for m in _SHEET.finditer(raw)]
    held = [_TARGET.search(m[0]) for m in _LINK.finditer(raw) if b"/worksheet" in m[0]]
    members = [html.unescape(t[1].decode(errors="replace")) for t in held if t]
    members = [posixpath.normpath(one).rpartition("xl/")[2].lstrip("/") for one in members]
    for some in (named, members):
        if len(some) > MAX_SHEETS:
            archives.refuse(path, f"has more than {MAX_SHEETS} sheets", "cut it")
        if len(set(some)) < len(some):
            archives.refuse(path, "has several sheets that are one and the same", "save it again")


def _refuse_long_rows(path: Path, pieces: Iterator[bytes], name: str) -> bool:
    """Refuse more rows and texts than Excel can have, and much XML without any; whether it has formulas."""
    formulas = False
    counts, since, tail = {_ROW: 0, _TEXT: 0}, 0, b""
    for piece in pieces:
        seen, last = tail + piece, -1
        formulas |= bool(_FORMULA.search(seen))
        for pattern in counts:
            for match in pattern.finditer(seen):
                if match.end() > len(tail):
                    counts[pattern] += 1
                    last = max(last, match.start())
        since = since + len(piece) if last < 0 else len(seen) - last
        if counts[_ROW] > MAX_ROWS or counts[_TEXT] > MAX_TEXTS:
            archives.refuse(path, f"has more rows or texts in '{name}' than Excel can", "cut it")
        if since > MAX_ROW_BYTES:
            archives.refuse(path, f"has too much of one thing in '{name}'", "save it as CSV UTF-8")
        if _FAR.search(seen):
            archives.refuse(
                path, f"has a row in '{name}' beyond the last of Excel", "save it again"
            )
        tail = seen[-256:]
    return formulas


def _rows(sheet: Any, start: int, width: int | None, path: Path) -> Iterator[tuple]:
    """Rows of a sheet from number `start`, up to the last that is filled."""
    empty = 0
    # Dimensions are what the writer claims; the rows themselves are counted instead.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(min_row=start, max_col=width, values_only=True)
    for n, row in enumerate(rows):
        if n > MAX_ROWS:
            archives.refuse(path, f"has more than {MAX_ROWS:,} rows in '{sheet.title}'", "cut it")
        if any(cell is not None for cell in row):
            # Gaps between filled rows say nothing.
            empty = 0
            yield row
        else:
            empty += 1
            if empty > MAX_EMPTY:
                return


def _head(sheet: Any) -> Head:
    """The head of a sheet."""
    sheet.reset_dimensions()
    first = itertools.islice(
        sheet.iter_rows(max_row=HEADER_WITHIN, max_col=MAX_COLUMNS, values_only=True), HEADER_WITHIN
    )
    rows = []
    for row in first:
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        rows.append(cells)
    return head_of(rows)


def _count(sheet: Any, at: int, path: Path) -> int:
    return sum(1 for _ in _rows(sheet, at + 1, 64, path))


def _table(sheet: Any, head: Head, path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows below the head, with every column that has a name or a filled cell, and notes."""
    import pandas as pd

    named, most = len(head.names), min(len(head.names) + BEYOND, MAX_COLUMNS)
    rows, width, nothing = [], named, (None,) * (most - named)
    for row in _rows(sheet, head.last + 2, max(1, most), path):
        if all(cell is None for cell in row[:named]):
            # What stands beside the table only is no row of it.
            continue
        end = named if row[named:] == nothing else len(row)
        while end > named and row[end - 1] is None:
            end -= 1
        rows.append(row[:end])
        width = max(width, end)
    names = [*head.names, *[None] * (width - named)]
    errors = sum(cell in _ERRORS for row in rows for cell in row if type(cell) is str)
    if errors:
        rows = [tuple(None if type(c) is str and c in _ERRORS else c for c in row) for row in rows]
    said = (f"{errors:,} {'cell holds an error' if errors == 1 else 'cells hold errors'} of Excel such as #N/A, read as empty",)  # fmt: skip
    filled = [row + (None,) * (width - len(row)) for row in rows]
    table = pd.DataFrame(filled, columns=distinct(names), dtype=object)
    return (without_blank(table, names) if rows else table).infer_objects(), said * bool(errors)
