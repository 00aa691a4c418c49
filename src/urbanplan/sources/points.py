"""Places from any layer or table that planners have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.crs import BALLPARK_M, CGCS2000, WGS84, china, datum_error_m, parse_crs, to_crs
from urbanplan.errors import CrsError, InputError
from urbanplan.files import Delivery, cell_text, read_delivery

if TYPE_CHECKING:
    import geopandas as gpd

#: Columns that are an id, the surest first, in small letters.
_IDS = ("id", "objectid", "fid", "gid", "stop_id", "osm_id", "编号", "代码", "标识码")
#: Rows left out that are named.
_NAMED = 3


def read_places(path: Path | str, note: Callable[[str], None] | None = None) -> gpd.GeoDataFrame:
    """Read places with whatever columns they have.

    Parameters
    ----------
    path : path
        Any file that `urbanplan.files.read_delivery` reads, with ``|layername=NAME`` behind it where it
        has several layers, and ``|crs=SYSTEM`` where it declares none. A table with columns ``lon``
        and ``lat`` is in WGS84 unless the file or the names of its columns say otherwise.
    note : callable, optional
        Takes each sentence that the reader must know: layers not read, rows left out.

    Returns
    -------
    GeoDataFrame
        In WGS84, with an ``id`` (of text): the file's ``id``, ``OBJECTID`` or ``fid`` in any case, else
        the row's number. Rows without a place are left out and said.

    Raises
    ------
    InputError
        If nothing has a place, or an id occurs twice.
    CrsError
        If its coordinates are in no system, or not in the one that is named.
    """
    say = note or (lambda text: None)
    delivery = read_delivery(path)
    path = delivery.path
    for text in delivery.notes:
        say(f"{path.name}: {text}")
    frame = _in_wgs84(delivery, say)
    if not len(frame):
        raise InputError("holds no place", where=path, remedy="add a row")
    frame = _identified(frame, path, say)
    empty = (frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    if empty.all():
        raise InputError("holds no row with a place", where=path, remedy="draw them, or fill their coordinates")  # fmt: skip
    if empty.any():
        rows = np.flatnonzero(empty)
        some = ", ".join(f"row {i + 1} ({frame['id'].iloc[i]})" for i in rows[:_NAMED])
        more = " …" * (len(rows) > _NAMED)
        say(f"{path.name}: {len(rows):,} of {len(frame):,} rows have no place and are left out: {some}{more}")  # fmt: skip
        frame = frame[~empty].reset_index(drop=True)
    return frame


def _in_wgs84(delivery: Delivery, say: Callable[[str], None]) -> gpd.GeoDataFrame:
    import pandas as pd
    import shapely

    frame, path, system = delivery.frame, delivery.path, delivery.system
    for name in frame.columns.drop(frame.geometry.name):
        if frame[name].dtype == object:
            cells = [cell_text(cell) for cell in frame[name]]
            frame[name] = pd.Series(cells, frame.index, object)
    shifted = system.lower().replace("-", "").replace("_", "")
    if shifted in china.SHIFTED:
        shapes = shapely.transform(
            shapely.force_2d(np.asarray(frame.geometry.values)),
            lambda xy: china.unshift(xy, shifted, path),
        )
        say(f"{path.name}: coordinates read as {shifted}, brought to WGS84")
        return frame.set_geometry(list(shapes), crs=WGS84)
    if system:
        code = {"wgs84": WGS84, "cgcs2000": CGCS2000}.get(shifted, system)
        frame = frame.set_crs(parse_crs(code, path), allow_override=True)
    elif frame.crs is None and delivery.driver in ("CSV", "XLSX", "Parquet"):
        # Tables with longitude and latitude say no more than that.
        frame = frame.set_crs(WGS84)
    own = frame.crs
    if own is None or own.is_geographic:
        _require_degrees(frame, path, own is None)
    frame = to_crs(frame, WGS84, path)
    xy = shapely.get_coordinates(frame.geometry.values)
    if not np.isfinite(xy).all():
        raise CrsError(
            f"has coordinates that are outside '{own.name}'",
            where=path,
            remedy="name the system they are really in behind the file, as FILE|crs=EPSG:4490",
        )
    if len(xy) and datum_error_m(own, xy) >= BALLPARK_M:
        say(f"{path.name}: no transformation from {own.name} to WGS84 is known here: places may be {BALLPARK_M:g} m off")  # fmt: skip
    return frame


def _require_degrees(frame: gpd.GeoDataFrame, path: Path, undeclared: bool) -> None:
    import shapely

    if undeclared:
        # No system says what the numbers are: told by the caller.
        return
    xy, rows = shapely.get_coordinates(frame.geometry.values, return_index=True)
    west, south, east, north = -180, -90, 360, 90
    wrong = ~((xy >= (west, south)) & (xy <= (east, north))).all(axis=1)
    if not wrong.any():
        return
    bounds = (*xy.min(axis=0), *xy.max(axis=0))
    remedy = "put longitude first, or name their system behind the file, as FILE|crs=EPSG:4490"
    if likely := china.proposals(bounds, None):
        remedy = f"write FILE|crs={likely[0]} if that is right: its coordinates look like it"
    elif ((np.abs(xy[wrong]) <= (90, 180)).all(axis=1)).all():
        remedy = china.SWAPPED
    row, (x, y) = rows[wrong][0] + 1, xy[wrong][0]
    raise InputError(
        f"row {row} is at {x:g}, {y:g}, which is not longitude and latitude in degrees",
        where=path,
        remedy=remedy,
    )


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
            say(f"{path.name}: the column '{column}' is not filled in every row: rows are called by their number")  # fmt: skip
        elif own is None:
            say(
                f"{path.name}: no column of ids such as id or OBJECTID: rows are called by their number"
            )
        own = [str(i + 1) for i in range(len(frame))]
    elif len(set(own)) < len(own):
        twice = next(v for v in own if own.count(v) > 1)
        if str(column).strip().lower() != "id":
            say(
                f"{path.name}: '{twice}' stands twice in '{column}': rows are called by their number"
            )
            own = [str(i + 1) for i in range(len(frame))]
        else:
            raise InputError(
                f"id '{twice}' occurs twice", where=path, remedy="give every row its own id"
            )
    others = [c for c in frame.columns if str(c).strip().lower() != "id"]
    return frame[others].assign(id=own)[["id", *others]]


def _text(value: object) -> str:
    if value is None or value != value:
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
