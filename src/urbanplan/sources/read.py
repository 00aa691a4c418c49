"""The one reader: places from any layer or table that planners have, in WGS84, and what must be known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanplan import servers
from urbanplan.base.crs import SHIFTED, WGS84
from urbanplan.base.schema import is_missing
from urbanplan.errors import InputError, UnknownNameError, WebError
from urbanplan.files import Delivery, cell_text, read_delivery
from urbanplan.sources.crs_of_file import divisions_near, settle

if TYPE_CHECKING:
    import geopandas as gpd


#: Columns that are an id, the surest first, in small letters.
_IDS = ("id", "objectid", "fid", "gid", "stop_id", "osm_id", "编号", "代码", "标识码")
#: Rows left out that are named.
_NAMED = 3
#: Plain tables: with longitude and latitude they say no more than that.
_TABLES = ("CSV", "XLSX", "Parquet", "JSON")


def read(
    path: Path | str,
    *,
    layer: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    large: bool = False,
) -> gpd.GeoDataFrame:
    """Read places, lines or areas from any file that planners have, as every question and `import` do.

    Parameters
    ----------
    path : path
        GeoJSON, GeoPackage, Shapefile, GeoParquet, FlatGeobuf, file geodatabase, KML, KMZ, GML, DXF, or a table
        (CSV, Excel, Parquet, JSON) with columns of coordinates; also in a ``.zip``. What the arguments say may
        stand behind it: ``FILE|layername=NAME|crs=gcj02|encoding=gbk``.
    layer : str, optional
        Which layer, sheet or folder; needed where there are several.
    crs : str, optional
        Its coordinate system, before the one that it declares: ``gcj02``, ``bd09`` or a code such as
        ``EPSG:4490``. A table that names none is taken as longitude and latitude in WGS84.
    encoding : str, optional
        Of its text; UTF-8 and GB18030 are told apart without it.
    large : bool
        Whether a file of more than 5,000,000 features or 512 MiB is meant.

    Returns
    -------
    GeoDataFrame
        In WGS84 (degrees), with an ``id`` (of text): the file's ``id``, ``OBJECTID`` or ``fid`` in any case, else
        the row's number. Rows without a place are left out. ``.attrs["findings"]`` is a tuple of sentences that
        the reader must know: layers not read, rows left out, a system that is only supposed.

    Raises
    ------
    InputError
        If it cannot be read safely and wholly, has several layers and none is named (`LayersError`),
        nothing has a place, or an id occurs twice.
    CrsError
        If its coordinates are in no system, or not in the one that is named.
    MissingFileError
        If it is not there.

    Examples
    --------
    >>> read("parks.shp", crs="gcj02", encoding="gbk")  # doctest: +SKIP
    """
    delivery = read_delivery(path, layer=layer, crs=crs, encoding=encoding, large=large)
    path, findings = delivery.path, []

    def say(text: str) -> None:
        findings.append(f"{path.name}: {text}")

    frame, notes = in_wgs84(delivery)
    for note in notes:
        say(note)
    if not len(frame):
        raise InputError("holds no place", where=path, remedy="add a row")
    frame = _identified(_plain_cells(frame), path, say)
    empty = (frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    if empty.all():
        raise InputError("holds no row with a place", where=path, remedy="draw them, or fill their coordinates")  # fmt: skip
    if empty.any():
        rows = np.flatnonzero(empty)
        some = ", ".join(f"row {i + 1} ({frame['id'].iloc[i]})" for i in rows[:_NAMED])
        more = " …" * (len(rows) > _NAMED)
        say(f"{len(rows):,} of {len(frame):,} rows have no place and are left out: {some}{more}")
        frame = frame[~empty].reset_index(drop=True)
    frame.attrs["findings"] = tuple(findings)
    return frame


def in_wgs84(delivery: Delivery) -> tuple[gpd.GeoDataFrame, list[str]]:
    """What was delivered in WGS84, and what must be known of it: its system where that is not plain."""
    otherwise = WGS84 if delivery.driver in _TABLES else ""
    settled = settle(
        delivery.frame, delivery.crs_from, delivery.system, None, delivery.path, otherwise=otherwise
    )
    near, notes, (own, *more) = divisions_near(settled.frame), list(delivery.notes), settled.notes()
    if settled.system in SHIFTED:
        more.insert(0, own)
    elif not settled.declared_by and near is not None:
        # Where systems are shifted, whoever reads which columns were taken reads that too.
        notes[:1] = ["; ".join((*notes[:1], own))]
    suspicion = settled.suspicion(near)
    return settled.frame, [*notes, *more, *[suspicion] * bool(suspicion)]


def _plain_cells(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The frame with lists and records as their JSON."""
    import pandas as pd

    for name in frame.columns.drop(frame.geometry.name):
        if frame[name].dtype == object:
            cells = [cell_text(cell) for cell in frame[name]]
            frame[name] = pd.Series(cells, frame.index, object)
    return frame


def _identified(
    frame: gpd.GeoDataFrame, path: Path, say: Callable[[str], None]
) -> gpd.GeoDataFrame:
    """The frame with its ids as text in a column ``id``."""
    named = {
        str(c).strip().lower(): c for c in reversed(list(frame.columns)) if c != frame.geometry.name
    }
    column = next((named[n] for n in _IDS if n in named), None)
    own = None if column is None else [_text(v) for v in frame[column]]
    if own is None or "" in own:
        if own is not None and any(own):
            say(f"the column '{column}' is not filled in every row: rows are called by their number")  # fmt: skip
        elif own is None:
            say("no column of ids such as id or OBJECTID: rows are called by their number")
        own = [str(i + 1) for i in range(len(frame))]
    elif len(set(own)) < len(own):
        twice = next(v for v in own if own.count(v) > 1)
        if str(column).strip().lower() != "id":
            say(f"'{twice}' stands twice in '{column}': rows are called by their number")
            own = [str(i + 1) for i in range(len(frame))]
        else:
            raise InputError(
                f"id '{twice}' occurs twice", where=path, remedy="give every row its own id"
            )
    others = [c for c in frame.columns if str(c).strip().lower() != "id"]
    return frame[others].assign(id=own)[["id", *others]]


def _text(value: object) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def places_at(lonlat: Sequence[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Places given as (longitude, latitude), with that as their ``id``; each once."""
    import geopandas as gpd
    import shapely

    lonlat = list(dict.fromkeys(lonlat))
    names = [f"{lon},{lat}" for lon, lat in lonlat]
    return gpd.GeoDataFrame({"id": names}, geometry=shapely.points(lonlat), crs=WGS84)


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


def read_postgis(
    dsn: str | servers.Dsn,
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
        See `urbanplan.servers.parse_dsn`.
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
        servers.connect(dsn, max_seconds=max_seconds) as server,
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
        postgis = servers.postgis_schema(server)
        if postgis is None:
            raise WebError("has no PostGIS", where=str(server.dsn), remedy="name another database")
        types = [*((n, there[n][0]) for n in wanted), (place, "geometry")]
        parts = [servers.identifier(n) for n in wanted]
        # What is measured on the ellipsoid is stored in degrees like the rest.
        cast = servers.identifier(postgis, "geometry")
        # Arcs are drawn out, as GDAL does with those of a file; what is straight stays as it is.
        drawn = servers.identifier(postgis, "st_curvetoline")
        parts.append(f"{drawn}({servers.identifier(place)}::{cast})")
        order = ", ".join(servers.identifier(row[0]) for row in server.ask(_KEY, schema, table))
        query = f"SELECT {', '.join(parts)} FROM {servers.identifier(schema, table)}"
        # A view may call functions that look for names of their own.
        server.do("RESET search_path")
        frame, srids = servers.read_query(
            server, f"{query} ORDER BY {order}" if order else query, types, place, limit_rows
        )
        return frame.set_crs(servers.crs_of(server, srids, there[place][1], postgis, where))


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
