"""Places from a layer, or from a table with coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.crs import WGS84, to_crs
from urbanplan.errors import InputError
from urbanplan.files import VECTOR_DRIVERS, read_csv, read_vector

if TYPE_CHECKING:
    import geopandas as gpd

#: Names that tables give to longitude and latitude.
_LON, _LAT = ("lon", "lng", "longitude", "x", "经度"), ("lat", "latitude", "y", "纬度")


def read_places(path: Path | str) -> gpd.GeoDataFrame:
    """Read places with whatever columns they have.

    Parameters
    ----------
    path : path
        A vector layer, or a CSV table with columns ``lon`` and ``lat`` in WGS84 degrees.

    Returns
    -------
    GeoDataFrame
        In WGS84, with an ``id`` (of text; the row's number where the file has none).

    Raises
    ------
    InputError
        If a coordinate is missing or is no number, or an id occurs twice.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        frame = _table(path)
    elif path.suffix.lower() in VECTOR_DRIVERS:
        frame = read_vector(path)
    else:
        raise InputError(
            f"files ending in '{path.suffix}' are not read as places",
            where=path,
            remedy=f"use .csv with lon and lat, or one of {', '.join(VECTOR_DRIVERS)}",
        )
    empty = frame.geometry.isna() | frame.geometry.is_empty
    if empty.any():
        raise InputError(
            f"row {int(empty.values.argmax()) + 1} has no geometry", where=path, remedy="draw it"
        )
    if not len(frame):
        raise InputError("holds no place", where=path, remedy="add a row")
    lonlat = to_crs(frame, WGS84)
    west, south, east, north = frame.to_crs(WGS84).total_bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(
            f"has coordinates from {west:g}, {south:g} to {east:g}, {north:g}, which are not longitude and latitude in degrees",
            where=path,
            remedy="put longitude first, or export the layer in EPSG:4326",
        )
    frame = lonlat
    named = "id" in frame and frame["id"].notna().all()
    frame["id"] = frame["id"].astype(str) if named else [str(i + 1) for i in range(len(frame))]
    twice = frame["id"][frame["id"].duplicated()]
    if len(twice):
        raise InputError(
            f"id '{twice.iloc[0]}' occurs twice", where=path, remedy="give every row its own id"
        )
    return frame


def places_at(lonlat: Sequence[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Places given as (longitude, latitude), with that as their ``id``; each once."""
    import geopandas as gpd
    import shapely

    lonlat = list(dict.fromkeys(lonlat))
    names = [f"{lon},{lat}" for lon, lat in lonlat]
    return gpd.GeoDataFrame({"id": names}, geometry=shapely.points(lonlat), crs=WGS84)


def _table(path: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    rows = read_csv(path)
    if not rows:
        raise InputError("holds no place", where=path, remedy="add a row below the header")
    table = pd.DataFrame(rows)
    lower = {str(c).strip().lower(): c for c in table.columns}
    lon = next((lower[c] for c in _LON if c in lower), None)
    lat = next((lower[c] for c in _LAT if c in lower), None)
    if lon is None or lat is None:
        raise InputError(
            "has no columns lon and lat", where=path, remedy="name the coordinates lon and lat"
        )
    x, y = (pd.to_numeric(table[c], errors="coerce") for c in (lon, lat))
    wrong = ~(x.between(-180, 180) & y.between(-90, 90))
    if wrong.any():
        raise InputError(
            f"line {int(wrong.values.argmax()) + 2} has no longitude and latitude in degrees",
            where=path,
            remedy="correct it (longitude first, WGS84)",
        )
    for column in table.columns:
        number = pd.to_numeric(table[column], errors="coerce")
        if column.lower() != "id" and number.notna().all():
            table[column] = number
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=WGS84)
