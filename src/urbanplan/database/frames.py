"""Frames as columns of a table, and back: types, cells, and geometry in EWKB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from urbanplan.database.server import Server
from urbanplan.database.text import NULL, cell, cells, identifier, lines
from urbanplan.errors import InputError, WebError
from urbanplan.files.deliveries.vectors import refuse_nested

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

#: So many rows are turned into text at once.
_ROWS = 4096
#: Names that every table of PostgreSQL has for itself.
_TAKEN = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
#: What pandas sees in a column of objects, and the type that holds it.
_SEEN = {"boolean": "boolean", "integer": "bigint", "floating": "double precision",
         "mixed-integer-float": "double precision", "date": "date", "decimal": "numeric"}  # fmt: skip


class Column(NamedTuple):
    """A column of a table: its SQL type, and how its values are written."""

    name: str
    type: str
    cells: Callable[[int, int], list[str]]


@dataclass(frozen=True)
class Shape:
    """The geometry column of a table.

    Attributes
    ----------
    type : str
        OGC type of all rows; what is of its single type is made a part of it.
    srid : int
        Number of the coordinate system, which the frame is in.
    """

    type: str
    srid: int


def columns_of(
    frame: pd.DataFrame,
    where: str,
    shape: Shape | None,
    postgis: str,
    numbers: Sequence[str] = (),
) -> list[Column]:
    """How each column of a frame is stored.

    Parameters
    ----------
    frame : DataFrame
        A GeoDataFrame if there is a `shape`.
    where : str
        The table, for messages.
    shape : Shape, optional
    postgis : str
        The schema that PostGIS is in.
    numbers : sequence of str
        Columns that hold numbers even if all their cells are empty.

    Raises
    ------
    InputError
        If a column's name occurs twice, or cannot be one.
    """
    names = [str(c) for c in frame.columns]
    wrong = next((n for n in names if names.count(n) > 1 or n in _TAKEN), None)
    if wrong is not None:
        what = "is PostgreSQL's own" if wrong in _TAKEN else "occurs twice"
        raise InputError(f"the column name '{wrong}' {what}", where=where, remedy="rename it")
    place = frame.geometry.name if shape else None
    found = []
    for i, name in enumerate(names):
        series = frame.iloc[:, i]
        identifier(name)
        if shape and frame.columns[i] == place:
            found.append(_geometry(name, series, shape, postgis))
        else:
            found.append(_values(name, series, name in numbers, where))
    return found


def rows_of(columns: Sequence[Column], count: int) -> Iterator[bytes]:
    """The rows of a table as text for ``COPY``, some at a time."""
    for start in range(0, count, _ROWS):
        yield lines([c.cells(start, start + _ROWS) for c in columns])


def _values(name: str, series: pd.Series, number: bool, where: str) -> Column:
    from pandas.api import types

    kind = series.dtype
    if types.is_bool_dtype(kind):
        return _plain(name, "boolean", series, lambda v: "t" if v else "f")
    if types.is_integer_dtype(kind):
        big = str(kind).lower() == "uint64"
        return _plain(name, "numeric" if big else "bigint", series, lambda v: str(int(v)))
    if types.is_float_dtype(kind):
        return _plain(name, "double precision", series, lambda v: repr(float(v)))
    if types.is_datetime64_any_dtype(kind):
        zone = "timestamptz" if getattr(kind, "tz", None) else "timestamp"
        return _plain(name, zone, series, lambda v: v.isoformat())
    return _objects(name, series, number, where)


def _objects(name: str, series: pd.Series, number: bool, where: str) -> Column:
    from pandas.api import types

    values = series.dropna()
    seen = types.infer_dtype(values, skipna=True) if len(values) else "empty"
    kind = _SEEN.get(seen, "text")
    if seen == "empty" and number:
        kind = "double precision"
    if kind == "bigint" and not values.between(-(2**63), 2**63 - 1).all():
        kind = "numeric"
    writers = {
        "boolean": lambda v: "t" if v else "f",
        "bigint": lambda v: str(int(v)),
        "double precision": lambda v: repr(float(v)),
    }
    return _plain(name, kind, series, writers.get(kind) or _text(name, where))


def _text(name: str, where: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if not isinstance(value, str):
            packed = isinstance(value, dict | list | tuple)
            value = json.dumps(value, ensure_ascii=False, default=str) if packed else str(value)
        # PostgreSQL holds no null character, and UTF-8 no half of a surrogate pair.
        if "\0" in value or not (value.isascii() or _whole(value)):
            raise InputError(
                f"column '{name}' holds the text {value[:60]!a}, which no database can hold",
                where=where,
                remedy="remove null characters and halves of characters",
            )
        return cell(value)

    return write


def _whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(name: str, kind: str, series: pd.Series, write: Callable[[Any], str]) -> Column:
    missing = series.isna().to_numpy()

    def cells_between(start: int, stop: int) -> list[str]:
        values = series.iloc[start:stop].tolist()
        return [NULL if m else write(v) for v, m in zip(values, missing[start:stop].tolist())]

    return Column(name, kind, cells_between)


def _geometry(name: str, series: pd.Series, shape: Shape, postgis: str) -> Column:
    import shapely

    shapes = _promoted(shapely.force_2d(series.to_numpy()), shape.type)
    fits = set(shapely.get_type_id(shapes).tolist()) <= {-1, _TYPES[shape.type.upper()]}
    named = identifier(postgis, "geometry")
    kind = f"{named}({shape.type if fits else 'Geometry'},{shape.srid})"

    def cells_between(start: int, stop: int) -> list[str]:
        some = shapely.set_srid(shapes[start:stop], shape.srid)
        found = shapely.to_wkb(some, include_srid=True).tolist()
        # Python writes hexadecimals four times as fast as GEOS.
        return [NULL if w is None else w.hex() for w in found]

    return Column(name, kind, cells_between)


_TYPES = {"POINT": 0, "LINESTRING": 1, "POLYGON": 3, "MULTIPOINT": 4, "MULTILINESTRING": 5,
          "MULTIPOLYGON": 6, "GEOMETRYCOLLECTION": 7}  # fmt: skip


def _promoted(shapes: np.ndarray, wanted: str) -> np.ndarray:
    """Shapes, each single one a part of a whole where that is wanted, None where there is nothing."""
    import numpy as np
    import shapely

    shapes = np.where(shapely.is_empty(shapes), None, shapes)
    whole = _TYPES[wanted.upper()]
    make = {4: shapely.multipoints, 5: shapely.multilinestrings, 6: shapely.multipolygons}.get(
        whole
    )
    single = np.flatnonzero(shapely.get_type_id(shapes) == {4: 0, 5: 1, 6: 3}.get(whole, -2))
    if make is not None and len(single):
        shapes[single] = make(shapes[single], indices=np.arange(len(single)))
    return shapes


def read_query(
    server: Server, query: str, types: Sequence[tuple[str, str]], geometry: str, max_rows: int
) -> tuple[gpd.GeoDataFrame, set[int]]:
    """Rows of a query as a frame without a system, and the numbers of the systems they are in.

    Parameters
    ----------
    server : Server
    query : str
        Gives the columns of `types` in that order.
    types : sequence of (str, str)
        Name and PostgreSQL's type of each column, domains resolved.
    geometry : str
        The column that holds geometry.
    max_rows : int
        More rows than this are refused.

    Raises
    ------
    InputError
        If there are more rows.
    WebError
        If what comes cannot be read.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    text = server.copy_out(f"{query} LIMIT {max_rows + 1}")
    try:
        rows = list(cells(text, len(types)))
        if len(rows) > max_rows:
            raise InputError(
                f"has more than {max_rows:,} rows", where=str(server.dsn),
                remedy="cut it to the city with a view, or raise the limit",
            )  # fmt: skip
        values = list(zip(*rows)) if rows else [()] * len(types)
        frame = {n: _series(v, kind) for (n, kind), v in zip(types, values) if n != geometry}
        at = [n for n, _ in types].index(geometry)
        refuse_nested(str(server.dsn), values[at])
        shapes = shapely.from_wkb([None if v is None else bytes.fromhex(v) for v in values[at]])
    except InputError:
        raise
    # Libraries raise errors of many kinds on what they do not know, such as surfaces of triangles.
    except (ValueError, OverflowError, NotImplementedError, shapely.errors.ShapelyError) as err:
        raise WebError(
            "gives rows that cannot be read",
            where=str(server.dsn),
            remedy="make a view of plain points, lines and areas, and look at it in another program",
        ) from err
    srids = set(shapely.get_srid(shapes[~pd.isna(shapes)]).tolist()) if len(shapes) else set()
    place = gpd.GeoSeries(shapely.set_srid(shapes, 0), name=geometry)
    made = gpd.GeoDataFrame({**frame, geometry: place}, geometry=geometry)
    return made[[n for n, _ in types]], srids


def _series(values: Sequence[str | None], kind: str) -> pd.Series:
    import pandas as pd

    if kind in ("int2", "int4", "int8", "oid"):
        whole = [None if v is None else int(v) for v in values]
        return pd.Series(whole, dtype="Int64" if None in whole else "int64")
    if kind in ("float4", "float8", "numeric"):
        return pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
    if kind == "bool":
        flags = [None if v is None else v == "t" for v in values]
        return pd.Series(flags, dtype=object if None in flags else bool)
    if kind in ("date", "timestamp", "timestamptz"):
        # Years before 1 and `infinity` are dates to PostgreSQL only, and stay as text.
        try:
            return pd.Series(pd.to_datetime(list(values), format="ISO8601", utc=kind[-2:] == "tz"))
        except ValueError:
            pass
    return pd.Series(list(values), dtype="str")
