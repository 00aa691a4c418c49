"""A table or view of a PostGIS database, read within limits and without trust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanplan import database
from urbanplan.errors import InputError, UnknownNameError, WebError

if TYPE_CHECKING:
    import geopandas as gpd

#: More rows than this are refused.
MAX_ROWS = 2_000_000
#: A question that takes longer is given up.
MAX_SECONDS = 120.0

_COLUMNS = """
SELECT a.attname, coalesce(b.typname, t.typname), pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEY = """
SELECT a.attname FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey)
WHERE n.nspname = $1 AND c.relname = $2 AND x.indisprimary ORDER BY a.attnum
"""


def read(
    dsn: str | database.Dsn,
    schema: str,
    table: str,
    *,
    columns: Sequence[str] | None = None,
    geometry: str | None = None,
    limit_rows: int = MAX_ROWS,
    max_seconds: float = MAX_SECONDS,
) -> gpd.GeoDataFrame:
    """Read a table or view with geometry.

    Parameters
    ----------
    dsn : str or Dsn
        See `urbanplan.database.parse_dsn`.
    schema, table : str
    columns : sequence of str, optional
        Besides the geometry; all by default.
    geometry : str, optional
        The column of geometry, where there are several.
    limit_rows : int
        More rows than this are refused.
    max_seconds : float
        What one question may take.

    Returns
    -------
    GeoDataFrame
        In the coordinate system that the rows are in, ordered by the table's key.

    Raises
    ------
    UnknownNameError
        If there is no such table or column.
    InputError
        If it has no geometry, several columns of it, or too many rows.
    CrsError
        If the system of its coordinates is not known, or differs between rows.
    WebError
        If the server cannot be reached, takes too long or refuses.
    """
    with (
        database.connect(dsn, max_seconds=max_seconds) as server,
        server.transaction(read_only=True),
    ):
        where = f"{schema}.{table}"
        there = {name: (kind, full) for name, kind, full in server.ask(_COLUMNS, schema, table)}
        if not there:
            raise UnknownNameError(
                f"has no table or view '{where}' that may be seen",
                where=str(server.dsn),
                remedy="check the names, and ask for the right to read it",
            )
        place = _geometry(there, geometry, where)
        wanted = [n for n in there if there[n][0] not in ("geometry", "geography")]
        if columns is not None:
            wanted = [_known(n, there, where) for n in columns if n != place]
        postgis = database.postgis_schema(server)
        if postgis is None:
            raise WebError("has no PostGIS", where=str(server.dsn), remedy="name another database")
        types = [*((n, there[n][0]) for n in wanted), (place, "geometry")]
        parts = [database.identifier(n) for n in wanted]
        # What is measured on the ellipsoid is stored in degrees like the rest.
        cast = database.identifier(postgis, "geometry")
        # Arcs are drawn out, as GDAL does with those of a file; what is straight stays as it is.
        drawn = database.identifier(postgis, "st_curvetoline")
        parts.append(f"{drawn}({database.identifier(place)}::{cast})")
        order = ", ".join(database.identifier(row[0]) for row in server.ask(_KEY, schema, table))
        query = f"SELECT {', '.join(parts)} FROM {database.identifier(schema, table)}"
        # A view may call functions that look for names of their own.
        server.do("RESET search_path")
        frame, srids = database.read_query(
            server, f"{query} ORDER BY {order}" if order else query, types, place, limit_rows
        )
        return frame.set_crs(database.crs_of(server, srids, there[place][1], postgis, where))


def _geometry(there: dict[str, tuple[str, str]], named: str | None, where: str) -> str:
    found = [n for n, (kind, _) in there.items() if kind in ("geometry", "geography")]
    if named is not None:
        _known(named, there, where)
        found = [n for n in found if n == named]
    if not found:
        raise InputError("has no geometry", where=where, remedy="name a table that has")
    if len(found) > 1:
        raise InputError(
            f"has several columns of geometry ({', '.join(found)})",
            where=where,
            remedy="name one of them with geometry=",
        )
    return found[0]


def _known(name: str, there: dict[str, tuple[str, str]], where: str) -> str:
    if name not in there:
        raise UnknownNameError(
            f"has no column '{name}'", where=where, remedy=f"use one of {', '.join(there)}"
        )
    return name
