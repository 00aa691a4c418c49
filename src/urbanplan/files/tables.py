"""Tables as places: CSV and workbooks."""

from __future__ import annotations

import contextlib
import csv
import html
import itertools
import json
import math
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.base.crs import parse_crs
from urbanplan.base.schema import normal
from urbanplan.errors import CrsError, InputError, require
from urbanplan.files import checks, texts
from urbanplan.files.cells import (
    HEADER_WITHIN,
    MAX_COLUMNS,
    NUMBER,
    WKT,
    Head,
    coordinate_columns,
    distinct,
    head_of,
    plain,
    settled_columns,
    without_blank,
)
from urbanplan.files.vector import (
    MAX_FEATURES,
    MAX_MIXED,
    Found,
    LayerInfo,
    beside_geometry,
    choose,
    finite,
    guarded,
    refuse_nested,
    refuse_wide,
    too_many,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pyproj import CRS


#: What a row of totals is called, as `is_total` compares it.
_TOTALS = frozenset(
    ("合计", "总计", "小计", "总和", "共计", "total", "totals", "subtotal", "grandtotal", "sum")
)
#: What EWKT says before its WKT.
_SRID = re.compile(r"\s*SRID\s*=\s*(-?\d{1,9})\s*;", re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){9,}")
#: Degrees, minutes and seconds, with the marks between them.
_DMS = (
    r"(\d+(?:\.\d+)?)\s*[°度:D]\s*(?:(\d+(?:\.\d+)?)\s*(?:['′’‘分:]\s*|$))?"
    r"(?:(\d+(?:\.\d+)?)\s*(?:\"|″|”|''|′′|’’|秒)?)?"
)
#: The longest text that is read as a coordinate.
_MAX_CELL = 100
#: Rows without coordinates that are named, at most.
_NAMED = 3


def is_total(cell: Any) -> bool:
    """Whether a cell says that its row adds up the others.

    Examples
    --------
    >>> is_total("合 计："), is_total("Grand total"), is_total("合计大厦")
    (True, True, False)
    """
    return isinstance(cell, str) and re.sub(r"[\s:：_\-]", "", cell).casefold() in _TOTALS


def typed(column: pd.Series, *, decimal_comma: bool = False) -> pd.Series:
    """Text as numbers where every value is one; codes with leading zeros stay text."""
    import pandas as pd

    given = column.dropna()
    given = given[given != ""]
    pattern = NUMBER.replace(r"\.", "[.,]") if decimal_comma else NUMBER
    if not len(given) or not given.str.fullmatch(pattern).all():
        return column
    numbers = pd.to_numeric(column.where(column != "", None).str.replace(",", "."))
    if numbers.dtype.kind == "f" and (numbers.abs() > 2**53).any() and given.str.fullmatch(r"[+-]?\d+").all():  # fmt: skip
        # A float would round ids of this length.
        return column
    return numbers


def placed(
    path: Path, table: pd.DataFrame, notes: tuple[str, ...] = (), crs: str | None = None
) -> Found:
    """Rows with the geometry that their coordinate columns say, and no coordinate system.

    Without such columns no row has any, and `Found.placeless` says so.

    Parameters
    ----------
    path : path
        The file, for messages.
    table : DataFrame
        Its rows.
    notes : tuple of str
        What is known already.
    crs : str, optional
        The system that the user named: it chooses among several pairs of columns.

    Raises
    ------
    InputError
        If no row has coordinates in the columns that are there for them.
    """
    import geopandas as gpd
    import numpy as np

    found, system = settled_columns(path, table.columns, crs)
    declared = None
    if not found:
        listed = ", ".join(map(str, list(table.columns)[:20]))
        columns, renamed = beside_geometry({name: table[name] for name in table.columns})
        frame = gpd.GeoDataFrame(columns, geometry=[None] * len(table))
        why = f"has no coordinate columns (it has {listed})"
        return Found(frame.reset_index(drop=True), "", (*notes, *renamed), placeless=why)
    if len(found) == 2:
        geometry, said = _points(table[found[0]], table[found[1]], found)
    elif plain(found[0]) in WKT:
        geometry, srids, said = _from_text(path, table[found[0]])
        table = table.drop(columns=found[0])
        declared = _declared(path, srids)
        if declared is not None and crs and _known(crs) not in (None, declared):
            said += (f"its geometries name {declared.to_string()} (SRID): {crs} goes before it",)
    else:
        halves = (
            table[found[0]].astype("string").str.split(r"[,，\s]+", n=1, regex=True, expand=True)
        )
        halves = halves.reindex(columns=[0, 1])
        geometry, said = _points(halves[0], halves[1], found)
    absent = np.flatnonzero(np.equal(geometry, None))  # type: ignore[call-overload]  # of objects it may
    if len(table) and len(absent) == len(table):
        raise InputError(
            f"has no row with coordinates in {' and '.join(map(str, found))}",
            where=path,
            remedy="write them as plain numbers, such as 105.44",
        )
    said += _placeless(table, absent, found)
    columns, renamed = beside_geometry({name: table[name] for name in table.columns})
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=declared)
    by = "" if declared is None else "file"
    return Found(frame.reset_index(drop=True), by, (*notes, *said, *renamed), system=system)


def _placeless(table: pd.DataFrame, rows: Iterable[int], placing: tuple) -> tuple[str, ...]:
    """A note on the rows that no coordinate places, with the names of the first few."""
    others = [name for name in table.columns if name not in placing]
    # Whatever is called a name is one before any other text.
    others.sort(key=lambda name: not re.search("名|name", plain(name)))
    called: list[str] = []
    count = 0
    for row in rows:
        texts = [v.strip() for v in (table[n].iloc[row] for n in others) if isinstance(v, str)]
        if any(map(is_total, texts)):
            # Nobody expects them to have a place.
            continue
        count += 1
        if len(called) < _NAMED:
            called.append(next(filter(None, texts), f"row {row + 1}"))
    if not count:
        return ()
    listed = ", ".join(called) + (" …" if count > _NAMED else "")
    return (f"{count:,} {'row' if count == 1 else 'rows'} without coordinates: {listed}",)


def coordinate(text: str) -> float:
    """A coordinate as people write it; NaN where it is none.

    Examples
    --------
    >>> coordinate("东经105°26′24″"), coordinate("105.44E"), coordinate("２８．８９"), coordinate("105,44")
    (105.44, 105.44, 28.89, 105.44)
    >>> coordinate("22°54'S"), coordinate("3,195,432.5 m"), coordinate("105:26:24")
    (-22.9, 3195432.5, 105.44)
    """
    if len(text) > _MAX_CELL:
        return math.nan
    bare = normal(text).strip().upper()
    side = re.search(r"^(东经|西经|北纬|南纬|[东西北南EWNS])|([东西北南EWNS])$", bare)
    sign = -1.0 if side and side[0][0] in "西南WS" else 1.0
    if side:
        bare = (bare[: side.start()] + bare[side.end() :]).strip(" :")
    parts = re.fullmatch(_DMS, bare)
    if parts:
        degrees, minutes, seconds = (float(p or 0) for p in parts.groups())
        if minutes >= 60 or seconds >= 60:
            return math.nan
        return round(sign * (degrees + minutes / 60 + seconds / 3600), 10)
    bare = re.sub(r"\s*(?:°|度|M|米)$", "", bare)
    bare = re.sub(r"(?<=\d)[ '](?=\d{3}(?!\d))", "", bare)
    if re.fullmatch(
        r"-?\d{1,3}(?:,\d{3})+\.\d*|-?\d{1,3}(?:,\d{3}){2,}|-?\d{3},\d{3}", bare
    ) and not (bare.count(",") == 1 and "." not in bare and abs(int(bare.split(",")[0])) <= 180):
        bare = bare.replace(",", "")
    bare = bare.replace(",", ".", 1)
    return (
        sign * float(bare) if re.fullmatch(r"[+-]?\d+(?:\.\d*)?(?:E[+-]?\d+)?", bare) else math.nan
    )


def _numbers(column: pd.Series) -> np.ndarray:
    """Numbers of a column of coordinates, NaN where it has none."""
    import numpy as np
    import pandas as pd

    found = pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan).copy()
    if column.dtype == object or str(column.dtype) in ("string", "str"):
        cells = column.to_numpy(dtype=object)
        for i in np.flatnonzero(np.isnan(found)):
            if isinstance(cells[i], str):
                found[i] = coordinate(cells[i])
    return np.where(np.isfinite(found), found, np.nan)


def _points(x: pd.Series, y: pd.Series, names: tuple) -> tuple[np.ndarray, tuple[str, ...]]:
    """Points, None where either number is missing, and notes."""
    import numpy as np
    import shapely

    notes: tuple[str, ...] = (f"coordinates taken from {', '.join(map(str, names))}",)
    east, north = _numbers(x), _numbers(y)
    there = ~(np.isnan(east) | np.isnan(north))
    # Chinese surveys call the north x. No easting lies between these, and no other northing.
    if there.any() and ((east[there] > 1.9e6) & (east[there] < 6e6)).all():
        beside = north[there]
        if (((beside > 1e5) & (beside < 9e5)) | (beside > 1.3e7)).all():
            east, north = north, east
            notes += (f"{names[0]} holds the northing and {names[-1]} the easting; swapped",)
    found = np.empty(len(east), dtype=object)
    found[there] = shapely.points(east[there], north[there])
    return found, notes


def _known(said: str) -> CRS | None:
    """The system that is named, None where PROJ knows none of that name (GCJ-02, BD-09)."""
    with contextlib.suppress(CrsError):
        return parse_crs(said)
    return None


def _declared(path: Path, srids: np.ndarray) -> CRS | None:
    """The one system that rows of EWKT or EWKB name by its number; rows that name none are in it too."""
    import numpy as np

    named, first = np.unique(srids[srids > 0], return_index=True)
    if len(named) > 1:
        rows = np.flatnonzero(srids > 0)[np.sort(first)] + 1
        raise InputError(
            f"row {rows[0]} has SRID={srids[rows[0] - 1]} and row {rows[1]} SRID={srids[rows[1] - 1]}:"
            " one layer is in one system",
            where=path,
            remedy="transform them to one (ST_Transform), or write a file for each",
        )
    if not len(named):
        return None
    remedy = "correct the SRID of its geometries, or take it out and name the system with --crs"
    known = _known(f"EPSG:{named[0]}") or _known(f"ESRI:{named[0]}")
    return known or parse_crs(f"EPSG:{named[0]}", path, remedy)


def _from_text(path: Path, column: pd.Series) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Geometries from WKT or WKB (bytes, or their hexadecimals), None where it is none, their SRIDs, and notes."""
    import numpy as np
    import shapely

    cells = column.where(column.notna(), None).to_numpy(dtype=object)
    bare = np.empty(len(cells), dtype=object)
    found = np.empty(len(cells), dtype=object)
    srids = np.zeros(len(cells), np.int64)
    for i, cell in enumerate(cells):
        if isinstance(cell, bytes | bytearray | memoryview):
            bare[i] = bytes(cell)
        elif isinstance(cell, str) and cell.strip():
            srid = _SRID.match(cell)
            srids[i] = int(srid[1]) if srid else 0
            bare[i] = cell[srid.end() if srid else 0 :].strip()
    binary = np.array([isinstance(b, bytes) or bool(b and _HEX.fullmatch(b)) for b in bare], bool)
    refuse_nested(path, bare)
    with np.errstate(all="ignore"):
        found[binary] = shapely.from_wkb(bare[binary], on_invalid="ignore")
        srids[binary] = np.maximum(shapely.get_srid(found[binary]), 0)
        found[~binary] = shapely.from_wkt(bare[~binary], on_invalid="ignore")
    odd = np.array([b is not None and f is None for b, f in zip(bare, found)], bool) & ~binary
    # What fails may only be a ring that is not closed.
    found[odd] = shapely.from_wkt(bare[odd], on_invalid="fix")
    closed = sum(f is not None for f in found[odd])
    wrong = [i + 1 for i, (b, f) in enumerate(zip(bare, found)) if b is not None and f is None]
    geometry, notes = finite(found)
    some = ", ".join(map(str, wrong[:3])) + " …" * (len(wrong) > 3)
    said = (f"{len(wrong):,} rows have geometry that is neither WKT nor WKB: row {some}",)
    mended = (f"{closed:,} rows had rings that were not closed: they were closed",)
    return geometry, srids, (*notes, *said * bool(wrong), *mended * bool(closed))


def read_records(path: Path, notes: tuple[str, ...], *, crs: str | None = None) -> Found:
    """Read a table that is a JSON list of records, as `--out F.json` writes it; parameters as for `placed`."""
    import pandas as pd

    if path.stat().st_size > MAX_MIXED:
        raise InputError(
            f"is larger than {MAX_MIXED >> 20} MiB", where=path, remedy="save it as CSV UTF-8"
        )
    with guarded(path, "JSON", "a text editor"):
        rows = [dict(row) for row in json.loads(path.read_text("utf-8-sig"))]
        refuse_wide(path, len({key for row in rows for key in row}), len(rows))
        table = pd.DataFrame(rows)
        table.columns = distinct(table.columns)
    return placed(path, table, notes, crs)


def _separated(path: Path, head: list[str]) -> tuple[str, Head]:
    """What separates the cells of a table's first lines, and its head."""
    # What stands in quotes, such as the WKT of an area, separates nothing.
    bare = [re.sub(r'"[^"]*"', "", line) for line in head]
    counts = {mark: max((line.count(mark) for line in bare), default=0) for mark in ",;\t"}
    if max(counts.values()) >= MAX_COLUMNS:
        raise InputError(
            f"has more than {MAX_COLUMNS:,} columns", where=path, remedy="keep those you need"
        )
    # One line at a time: a title may hold a quotation mark that no later line closes.
    short = [line if len(line) < 100_000 else "" for line in head]
    heads = {
        mark: head_of([next(csv.reader([line], delimiter=mark), []) for line in short])
        for mark in sorted(counts, key=counts.__getitem__, reverse=True)
    }
    # A head that names coordinates tells more than commas that stand before decimals.
    known = [mark for mark, one in heads.items() if coordinate_columns([n for n in one.names if n])]
    separator = next(iter(known or heads))
    return separator, heads[separator]


def read_csv_table(
    path: Path, *, encoding: str | None = None, large: bool = False, crs: str | None = None
) -> Found:
    """Read a table of text: commas, semicolons or tabs, UTF-8 or GB18030.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.tsv`` or ``.txt`` file.
    encoding : str, optional
        Its encoding, if it is not found out rightly.
    large : bool
        Whether more than `MAX_FEATURES` rows are meant.
    crs : str, optional
        The system that the user named.
    """
    import pandas as pd

    lines = texts.refuse_odd_lines(path)
    if not large and lines > MAX_FEATURES:
        raise too_many(path, MAX_FEATURES)
    coding, notes = texts.encoding_of(path, encoding)
    with guarded(path, "CSV", "Excel"):
        with open(path, encoding=coding, errors="replace") as f:
            head = list(itertools.islice(f, HEADER_WITHIN))
        separator, found = _separated(path, head)
        two = found.last > found.first
        named = {"header": None, "names": distinct(found.names)} if two else {}
        with warnings.catch_warnings(record=True) as warned:
            # Pandas drops what stands behind the last named column, and only warns.
            warnings.simplefilter("always")
            table = pd.read_csv(
                path,
                sep=separator,
                encoding=coding,
                encoding_errors="replace",
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                skiprows=found.last + two,
                index_col=False,
                skip_blank_lines=True,
                engine="c",
                **named,
            )
        if any(issubclass(one.category, pd.errors.ParserWarning) for one in warned):
            raise InputError(
                "has rows with more cells than its head has names",
                where=path,
                remedy="quote cells that hold commas, or name every column",
            )
        if two:
            table = without_blank(table, found.names)
        empty = [n for n in table.columns if n.startswith("Unnamed:") and table[n].isna().all()]
        table = table.drop(columns=empty)
        table.columns = distinct([texts.of_cell(name) for name in table.columns])
        placing = {n for n in coordinate_columns(table.columns) if plain(n) in WKT}
        for name in table.columns:
            quoted = table[name].str.contains(r"(?:^|[;\t\r\n])'", na=False)
            if quoted.any():
                table.loc[quoted, name] = table.loc[quoted, name].map(texts.of_cell)
            if name not in placing:
                # Where semicolons part the cells, a comma stands before decimals.
                table[name] = typed(table[name], decimal_comma=separator == ";")
    return placed(path, table, notes + found.notes(), crs)


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
    require("excel", "openpyxl", instead=", or save it as CSV")
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
    kept, _ = checks.members(path)
    with guarded(path, "an Excel workbook", "Excel"), zipfile.ZipFile(path) as archive:
        if not any(name == "[Content_Types].xml" for _, name in kept):
            checks.refuse(path, "is not an Excel workbook", "save it as .xlsx again")
        for info, name in kept:
            # Which members are sheets is up to the workbook, so none is trusted for its name.
            if info.file_size <= MAX_LIST:
                _refuse_same_sheets(path, archive.read(info))
            elif name.endswith((".rels", "workbook.xml")):
                checks.refuse(path, f"has too much of one thing in '{name}'", "save it again")
            with archive.open(info) as member:
                texts.refuse_declarations(path, iter(partial(member.read, 2**20), b""), name)
            with archive.open(info) as member:
                if member.read(64).lstrip(b"\xef\xbb\xfe\xff\0 \t\r\n")[:1] == b"<":
                    pieces = iter(partial(member.read, 2**20), b"")
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
            checks.refuse(path, f"has more than {MAX_SHEETS} sheets", "cut it")
        if len(set(some)) < len(some):
            checks.refuse(path, "has several sheets that are one and the same", "save it again")


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
            checks.refuse(path, f"has more rows or texts in '{name}' than Excel can", "cut it")
        if since > MAX_ROW_BYTES:
            checks.refuse(path, f"has too much of one thing in '{name}'", "save it as CSV UTF-8")
        if _FAR.search(seen):
            checks.refuse(path, f"has a row in '{name}' beyond the last of Excel", "save it again")
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
            checks.refuse(path, f"has more than {MAX_ROWS:,} rows in '{sheet.title}'", "cut it")
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
