"""The one reader: places from any layer or table that planners have, in WGS84, and what must be known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.crs import WGS84, china
from urbanplan.errors import InputError
from urbanplan.files import Delivery, cell_text, read_delivery
from urbanplan.records import is_missing
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
    if settled.system in china.SHIFTED:
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
