"""Isochrones of facilities and of places, in metres for measuring and in degrees for maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanplan.crs import WGS84
from urbanplan.errors import InputError
from urbanplan.study.ready import Ready
from urbanplan.surface import Surface
from urbanplan.traveltime import isochrones, place, service_areas

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    from shapely import MultiPolygon

#: Columns of the dissolved bands.
BAND_COLUMNS = ["facilities", "mode", "minutes", "area_km2", "quality", "geometry"]
#: Columns of one facility's isochrones.
ISOCHRONE_COLUMNS = [*BAND_COLUMNS[:1], "origin", "name_zh", "name_en", *BAND_COLUMNS[1:]]


def bands_of(
    surface: Surface, facilities: str, minutes: np.ndarray, limits: Sequence[float]
) -> list[dict]:
    """Everywhere within each limit of any facility, as rows with `BAND_COLUMNS`."""
    shapes = service_areas(surface, minutes, limits)
    return [
        {
            "facilities": facilities,
            "mode": surface.mode.id,
            "minutes": float(limit),
            "area_km2": metric.area / 1e6,
            "quality": "modelled",
            "geometry": shape,
        }
        for limit, metric, shape in zip(limits, shapes, _lonlat(surface, shapes))
    ]


def isochrones_at(
    ready: Ready,
    surface: Surface,
    places: gpd.GeoDataFrame,
    limits: Sequence[float],
    direction: str = "from",
) -> gpd.GeoDataFrame:
    """Isochrones of places with an ``id``.

    Returns
    -------
    GeoDataFrame
        WGS84; ``origin, minutes, mode, area_km2, direction, quality``: one row per place and limit.

    Raises
    ------
    InputError
        If a place lies farther from passable land than the city's ``snap_m``.
    """
    import geopandas as gpd

    placed = place(surface, ready.metric(places), ready.city.analysis.snap_m)
    if placed.unplaced:
        raise InputError(
            f"{placed.unplaced[0]} is outside the study area or far from land",
            where=ready.city.id,
            remedy="give longitude first, inside the city",
        )
    rows = [
        {
            "origin": name,
            "minutes": float(limit),
            "mode": surface.mode.id,
            "area_km2": metric.area / 1e6,
            "direction": direction,
            "quality": "modelled",
            "accuracy_m": surface.grid.cell_m,
            "geometry": shape,
        }
        for name, shapes in zip(
            placed.ids, isochrones(surface, placed, limits, direction=direction)
        )
        for limit, metric, shape in zip(limits, shapes, _lonlat(surface, shapes))
    ]
    return gpd.GeoDataFrame(rows, crs=WGS84)


def isochrones_by_facility(ready: Ready, surface: Surface, facilities: str) -> list[dict]:
    """Isochrones of each facility of one kind, as rows with `ISOCHRONE_COLUMNS`."""
    names = ready.layers[facilities].frame.set_index("id")
    rows = []
    placed, limits = ready.placed(surface, facilities), ready.city.analysis.minutes
    for fid, shapes in zip(placed.ids, isochrones(surface, placed, limits)):
        for limit, metric, shape in zip(limits, shapes, _lonlat(surface, shapes)):
            rows.append(
                {
                    "facilities": facilities,
                    "origin": fid,
                    "name_zh": names.at[fid, "name_zh"],
                    "name_en": names.at[fid, "name_en"],
                    "mode": surface.mode.id,
                    "minutes": float(limit),
                    "area_km2": metric.area / 1e6,
                    "quality": "modelled",
                    "geometry": shape,
                }
            )
    return rows


def _lonlat(surface: Surface, shapes: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    # A straight edge bends a little when it is reprojected, so nesting is made exact once more.
    import geopandas as gpd
    import shapely

    done: list[MultiPolygon] = []
    for shape in gpd.GeoSeries(shapes, crs=surface.grid.crs).to_crs(WGS84):
        shape = shapely.union(shape, done[-1]) if done else shape
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        done.append(shapely.MultiPolygon(parts))
    return done
