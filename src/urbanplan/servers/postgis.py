"""Frames in PostGIS: read from a query, replaced as a schema at once."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from urbanplan.base.crs import parse_crs
from urbanplan.errors import BusyError, CrsError, InputError, WebError, WriteError
from urbanplan.files.vector import refuse_nested
from urbanplan.servers import MAX_SECONDS
from urbanplan.servers.postgres import (
    MAX_NAME_BYTES,
    NULL,
    Dsn,
    Server,
    cell,
    cells,
    connect,
    identifier,
    lines,
    literal,
    parse_dsn,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd


#: `geometry(Point,4490)` as PostgreSQL writes a type.
_SRID = re.compile(r",(\d+)\)$")


def postgis_schema(server: Server) -> str | None:
    """The schema that PostGIS is in, or None if the database has none."""
    found = server.ask(
        "SELECT nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'postgis'"
    )
    return found[0][0] if found else None


def require_postgis(server: Server, srids: set[int]) -> str:
    """The schema that PostGIS is in, added to the database if it is missing and may be added.

    Raises
    ------
    WebError
        If it is missing, or does not know one of these coordinate systems.
    """
    if not srids:
        return ""
    schema = postgis_schema(server)
    if schema is None:
        _add_postgis(server)
        schema = str(postgis_schema(server))
    table = identifier(schema, "spatial_ref_sys")
    for srid in sorted(srids):
        if not server.ask(f"SELECT 1 FROM {table} WHERE srid = $1::int", srid):
            raise WebError(
                f"does not know the coordinate system {srid}",
                where=str(server.dsn),
                remedy="update PostGIS, or publish in another system",
            )
    return schema


def _add_postgis(server: Server) -> None:
    if not server.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        raise WebError(
            "has no PostGIS", where=str(server.dsn), remedy="ask its administrator to install it"
        )
    try:
        server.do("CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public")
    except WebError:
        raise WebError(
            f"has no PostGIS in this database, and '{server.dsn.user}' may not add it",
            where=str(server.dsn),
            remedy="ask its administrator to run there: CREATE EXTENSION postgis",
        ) from None


def crs_of(server: Server, srids: set[int], declared: str, schema: str, where: str) -> str:
    """Coordinate system of rows, by the numbers that they carry and the database's list of systems.

    Parameters
    ----------
    server : Server
    srids : set of int
        What the rows carry.
    declared : str
        The column's type, such as ``geometry(Point,4490)``, which counts where there are no rows.
    schema : str
        Where PostGIS is.
    where : str
        The table, for messages.

    Raises
    ------
    CrsError
        If there is none, several, or one that cannot be understood.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError as ProjError

    if len(srids) > 1:
        raise CrsError(
            f"has rows in several coordinate systems ({', '.join(map(str, sorted(srids)))})",
            where=where,
            remedy="make a view that transforms them into one with ST_Transform",
        )
    stated = _SRID.search(declared)
    srid = next(iter(srids), int(stated[1]) if stated else 0)
    if srid <= 0:
        raise CrsError(
            "has no coordinate system",
            where=where,
            remedy="declare it in the database with UpdateGeometrySRID or ST_SetSRID",
        )
    table = identifier(schema, "spatial_ref_sys")
    sql = f"SELECT auth_name, auth_srid, srtext FROM {table} WHERE srid = $1::int"
    found = server.ask(sql, srid)
    name, number, text = found[0] if found else (None, None, None)
    try:
        if str(name).upper() == "EPSG" and number:
            return CRS.from_epsg(number).to_string()
        return parse_crs(text or "", where).to_string()
    except (ProjError, CrsError):
        raise CrsError(
            f"is in a coordinate system that is not known here (SRID {srid})",
            where=where,
            remedy="transform it into one with an EPSG code with ST_Transform",
        ) from None


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

    shapes = np.where(shapely.is_empty(shapes), None, shapes)  # type: ignore[call-overload]  # of objects it may
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


#: Ends the comment on every table of ours: only what carries it is ever replaced.
OURS = "urbanplan: 下次发布时整表替换，请勿编辑 / replaced by the next publish, do not edit"
#: Another writer is waited for as long as this.
_WAIT_MS = 5000
#: Readers are never held up for longer than this: a server looks for deadlocks after a second.
_QUEUE_MS = 400
#: For each time in the queue so many looks, a moment apart; so many rounds of it.
_LOOKS, _ROUNDS, _PAUSE_S = 25, 40, 0.02
#: What a reader must not be able to do.
_MORE = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True)
class Table:
    """A table to write.

    Attributes
    ----------
    name : str
    frame : DataFrame
        A GeoDataFrame if `shape` is given.
    shape : Shape, optional
    comment : str
    words : mapping of str to str
        Comments on columns.
    indexes : sequence of tuple of str
        Columns of each index; geometry is always indexed.
    numbers : sequence of str
        Columns that hold numbers even if all their cells are empty.
    stamps : sequence of str
        Names of columns that hold when the server wrote the row.
    """

    name: str
    frame: pd.DataFrame
    shape: Shape | None = None
    comment: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    indexes: Sequence[tuple[str, ...]] = ()
    numbers: Sequence[str] = ()
    stamps: Sequence[str] = ()


@dataclass(frozen=True)
class View:
    """A view to write; `sql` is given a function that turns a table's name into what to select from."""

    name: str
    sql: Callable[[Callable[[str], str]], str]
    comment: str = ""


def replace(
    dsn: str | Dsn,
    schema: str,
    tables: Sequence[Table],
    views: Sequence[View] = (),
    *,
    owner: str,
    about: str = "",
    readers: str | None = None,
    max_seconds: float = MAX_SECONDS,
) -> dict[str, int]:
    """Put these tables and views in the place of those that the last call left, in one transaction.

    Parameters
    ----------
    dsn : str or Dsn
    schema : str
        Made if it is missing; one that holds anything of others' is refused, unless it is ours.
    tables, views : sequence
    owner : str
        What the schema is for; a schema of another owner is refused.
    about : str
        Comment on the schema.
    readers : str, optional
        A role, made if it is missing, that may read all of it and do nothing more.
    max_seconds : float
        What one step may take.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    InputError
        If a name or a value cannot be held.
    BusyError
        If another writer is at it, or readers do not let go.
    WebError, WriteError
        If the server refuses; what was there is still there.

    Notes
    -----
    New tables grow under names of their own while readers use the old ones. At the end the old
    are locked all together, dropped, and the new take their names: whoever reads sees the old or
    the new, of all tables alike. A server that loses the connection undoes everything.
    """
    new = _Names(schema, tables, views)
    with connect(parse_dsn(dsn), max_seconds=max_seconds) as server, server.transaction():
        _lock_out(server, schema)
        _take(server, schema, owner, about)
        old = _old(server, schema, new)
        postgis = require_postgis(server, {t.shape.srid for t in tables if t.shape})
        for table in tables:
            _build(server, new, table, postgis)
        for view in views:
            at = new.at(view.name)
            told = _said(f"VIEW {at}", f"{view.comment}\n{OURS}")
            server.do(f"CREATE VIEW {at} AS {view.sql(new.at)}; {told}")
        _let_read(server, new, old, readers)
        _swap(server, schema, old, new)
        if readers is not None:
            _require_no_more(server, schema, readers)
    return {table.name: len(table.frame) for table in tables}


class _Names:
    """What new tables, views and indexes are called, while they grow and afterwards."""

    def __init__(self, schema: str, tables: Sequence[Table], views: Sequence[View]) -> None:
        self.schema = schema
        self.tables, self.views = [t.name for t in tables], [v.name for v in views]
        names = self.tables + self.views
        identifier(schema, *names)
        doubled = next((n for n in names if names.count(n) > 1), None)
        if doubled is not None:
            raise InputError(f"two tables are called '{doubled}'", remedy="rename one")
        self.staged = {name: f"__urbanplan_{i}" for i, name in enumerate(names)}
        #: New name by the name while growing, of indexes.
        self.indexes: dict[str, str] = {}

    def at(self, name: str) -> str:
        """A table or view while it grows."""
        return identifier(self.schema, self.staged[name])

    def index(self, table: str, columns: Sequence[str], ending: str) -> str:
        """Note an index, and return its name while it grows."""
        staged = f"{self.staged[table]}_{len(self.indexes)}"
        name = "_".join((table, *columns, ending))
        taken = name in self.staged or name in self.indexes.values()
        if taken or len(name.encode("utf-8")) > MAX_NAME_BYTES:
            code = hashlib.sha256("\0".join((table, *columns, ending)).encode()).hexdigest()
            name = f"{ending}_{code[:24]}"
        self.indexes[staged] = name
        return staged


def _lock_out(server: Server, schema: str) -> None:
    try:
        server.do(f"SET LOCAL lock_timeout = {_WAIT_MS}")
        sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text"
        server.ask(sql, f"urbanplan {schema}")
        server.do("SET LOCAL lock_timeout = 0")
    except BusyError:
        raise BusyError(
            f"another urbanplan is writing the schema '{schema}'",
            where=str(server.dsn),
            remedy="wait until it is done",
        ) from None


def _take(server: Server, schema: str, owner: str, about: str) -> None:
    """Make the schema, or see that it is ours or nobody's."""
    mark = f"urbanplan: {owner}"
    found = server.ask(
        "SELECT coalesce(obj_description(oid, 'pg_namespace'), ''),"
        " (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid)"
        " + (SELECT count(*) FROM pg_type WHERE typnamespace = n.oid)"
        " + (SELECT count(*) FROM pg_proc WHERE pronamespace = n.oid)"
        " FROM pg_namespace n WHERE nspname = $1",
        schema,
    )
    comment, things = found[0] if found else ("", 0)
    first = comment.split("\n")[0]
    elsewhere = "name another schema with --schema"
    if first.startswith("urbanplan: ") and first != mark:
        what = f"the schema '{schema}' holds '{first[11:]}'"
        raise WriteError(what, where=str(server.dsn), remedy=elsewhere)
    if things and first != mark:
        what = f"the schema '{schema}' holds what urbanplan did not write"
        raise WriteError(what, where=str(server.dsn), remedy=elsewhere)
    if not found:
        server.do(f"CREATE SCHEMA {identifier(schema)}")
    if comment != (text := f"{mark}\n{about}"):
        server.do(f"COMMENT ON SCHEMA {identifier(schema)} IS {literal(text)}")


def _old(server: Server, schema: str, new: _Names) -> dict[str, str]:
    """Our tables (``r``) and views (``v``) that are there; none of others' may be in the way."""
    rows = server.ask(
        "SELECT c.relname, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), ''),"
        " coalesce(obj_description(x.indrelid, 'pg_class'), '')"
        " FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid"
        " WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)",
        schema,
    )
    ours, others = {}, set()
    for name, kind, comment, above in rows:
        if kind in ("r", "v") and comment.endswith(OURS):
            ours[name] = kind
        elif not above.endswith(OURS):
            others.add(name)
    wanted = {*new.tables, *new.views, *new.staged.values()}
    if hit := sorted(others & wanted):
        raise WriteError(
            f"'{hit[0]}' in the schema '{schema}' was not written by urbanplan",
            where=str(server.dsn),
            remedy="rename it, or name another schema with --schema",
        )
    return ours


def _build(server: Server, new: _Names, table: Table, postgis: str) -> None:
    """A new table with its rows, key, indexes and comments, under its name while it grows."""
    at, frame = new.at(table.name), table.frame
    columns = columns_of(frame, table.name, table.shape, postgis, table.numbers)
    ids = frame.get("id")
    key = "id" if ids is not None and ids.notna().all() and ids.is_unique else None
    if key is None:
        taken = {c.name for c in columns}
        key = next(
            n for n in ("fid", *(f"fid_{i}" for i in range(len(taken) + 1))) if n not in taken
        )
        columns.insert(0, Column(key, "bigint", lambda a, b: _numbers(a, min(b, len(frame)))))
    defined = [f"{identifier(c.name)} {c.type}" for c in columns]
    for stamp in table.stamps:
        defined.append(f"{identifier(stamp)} timestamptz NOT NULL DEFAULT now()")
    server.do(f"CREATE TABLE {at} ({', '.join(defined)})")
    named = ", ".join(identifier(c.name) for c in columns)
    server.copy_in(f"{at} ({named})", rows_of(columns, len(frame)))
    steps = [_key(new, table, key), *(_index(new, table, c, "btree") for c in table.indexes)]
    if table.shape is not None:
        steps.append(_index(new, table, (frame.geometry.name,), "gist"))
    steps.append(_said(f"TABLE {at}", f"{table.comment}\n{OURS}"))
    for column in (*(c.name for c in columns), *table.stamps):
        if column in table.words:
            steps.append(_said(f"COLUMN {at}.{identifier(column)}", table.words[column]))
    server.do("; ".join((*steps, f"ANALYZE {at}")))


def _numbers(start: int, stop: int) -> list[str]:
    return [str(i + 1) for i in range(start, stop)]


def _key(new: _Names, table: Table, column: str) -> str:
    name = identifier(new.index(table.name, (), "pkey"))
    return (
        f"ALTER TABLE {new.at(table.name)} ADD CONSTRAINT {name} PRIMARY KEY ({identifier(column)})"
    )


def _index(new: _Names, table: Table, columns: tuple[str, ...], kind: str) -> str:
    name = identifier(new.index(table.name, columns, "idx"))
    named = ", ".join(identifier(c) for c in columns)
    return f"CREATE INDEX {name} ON {new.at(table.name)} USING {kind} ({named})"


def _said(what: str, comment: str) -> str:
    return f"COMMENT ON {what} IS {literal(comment.strip())}"


def _let_read(server: Server, new: _Names, old: Mapping[str, str], readers: str | None) -> None:
    """Who could read a table goes on reading it; `readers` read everything."""
    granted = server.ask(
        "SELECT c.relname, r.rolname FROM pg_class c"
        " CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)"
        " AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner",
        new.schema,
    )
    rights = {(name, role) for name, role in granted if name in old and name in new.staged}
    if readers is not None:
        _make_role(server, readers)
        rights |= {(name, readers) for name in new.staged}
        server.do(f"GRANT USAGE ON SCHEMA {identifier(new.schema)} TO {identifier(readers)}")
    who = {role: "PUBLIC" if role is None else identifier(role) for _, role in rights}
    server.do("; ".join(f"GRANT SELECT ON {new.at(n)} TO {who[r]}" for n, r in rights))


def _make_role(server: Server, role: str) -> None:
    if role.lower() in ("public", "none") or role.startswith("pg_"):
        raise InputError(
            f"'{role}' cannot be the name of readers", remedy="name a role of your own"
        )
    if server.ask("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        return
    made = f"CREATE ROLE {identifier(role)} NOLOGIN"
    try:
        server.do(made)
    except WebError:
        raise WebError(
            f"has no role '{role}', and '{server.dsn.user}' may not make one",
            where=str(server.dsn),
            remedy=f"ask its administrator to run: {made}",
        ) from None


def _require_no_more(server: Server, schema: str, role: str) -> None:
    may = ", ".join(f"has_table_privilege($2::name, c.oid, '{m}')" for m in _MORE)
    rows = server.ask(
        "SELECT 1 FROM pg_class c"
        f" WHERE true IN ({may}, has_schema_privilege($2::name, $1::text, 'CREATE'))"
        " AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1::text)"
        " AND c.relkind IN ('r', 'v') LIMIT 1",
        schema,
        role,
    )
    if rows:
        raise WriteError(
            f"the role '{role}' may do more than read the schema '{schema}'",
            where=str(server.dsn),
            remedy="name a role that is neither its owner nor a superuser",
        )


def _swap(server: Server, schema: str, old: Mapping[str, str], new: _Names) -> None:
    """Let the new take the old's names, once nobody reads the old."""
    steps = []
    for kind, word in (("v", "VIEW"), ("r", "TABLE")):
        if gone := [identifier(schema, name) for name, k in old.items() if k == kind]:
            steps.append(f"DROP {word} {', '.join(gone)}")
    for name in new.tables:
        steps.append(f"ALTER TABLE {new.at(name)} RENAME TO {identifier(name)}")
    for name in new.views:
        steps.append(f"ALTER VIEW {new.at(name)} RENAME TO {identifier(name)}")
    for staged, name in new.indexes.items():
        steps.append(f"ALTER INDEX {identifier(schema, staged)} RENAME TO {identifier(name)}")
    if old:
        _lock_readers(server, schema, old)
    server.do("; ".join(steps))


def _lock_readers(server: Server, schema: str, old: Mapping[str, str]) -> None:
    # All or none, and never for long: who reads one table and then another is not caught between.
    names = ", ".join(identifier(schema, name) for name in sorted(old))
    lock = f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"
    for n in range(_ROUNDS * _LOOKS):
        # A look takes what is free and nobody waits for it; now and then we stand in the queue.
        looks = n % _LOOKS
        try:
            with server.attempt(_QUEUE_MS):
                server.do(f"{lock} NOWAIT" if looks else lock)
            return
        except BusyError:
            time.sleep(_PAUSE_S)
    raise BusyError(
        f"somebody has been reading the schema '{schema}' all the time",
        where=str(server.dsn),
        remedy="end transactions that stay open (see pg_stat_activity), and write again",
    )
