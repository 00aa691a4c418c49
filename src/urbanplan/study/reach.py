"""Isochrones of facilities and of places, in metres for measuring and in degrees for maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanplan.crs import WGS84, to_crs
from urbanplan.network import Network
from urbanplan.study.ready import Ready, Ways
from urbanplan.study.streets import Answer, put
from urbanplan.surface import Surface
from urbanplan.traveltime import Placed, isochrones

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import MultiPolygon
    from shapely.geometry.base import BaseGeometry

#: Where there are more facilities of a kind, they are only drawn together.
MOST_SINGLE = 100
#: Outlines around streets are no finer than this.
_OUTLINE_M = 10.0
#: They are smoothed by this share of that spacing.
_BEND = 0.25
#: Columns of the dissolved bands.
BAND_COLUMNS = ["facilities", "mode", "minutes", "area_km2", "quality", "geometry"]
#: Columns of one facility's isochrones.
ISOCHRONE_COLUMNS = [*BAND_COLUMNS[:1], "origin", "name_zh", "name_en", *BAND_COLUMNS[1:]]


def bands_of(ready: Ready, ways: Ways, facilities: str, placed: Placed) -> list[dict]:
    """From where one gets to any facility within each limit, as rows with `BAND_COLUMNS`."""
    limits = ready.city.analysis.minutes
    (shapes,) = _drawn(ready, ways, placed, limits, "to", together=True)
    return [
        {
            "facilities": facilities,
            "mode": ways.mode.id,
            "minutes": float(limit),
            "area_km2": metric.area / 1e6,
            "quality": "modelled",
            "geometry": shape,
        }
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes))
    ]


def isochrones_at(
    ready: Ready,
    ways: Ways,
    places: gpd.GeoDataFrame,
    limits: Sequence[float],
    direction: str = "from",
    snap_m: float | None = None,
) -> Answer:
    """Isochrones of places with an ``id``.

    Returns
    -------
    Answer
        GeoDataFrame in WGS84; ``origin, minutes, mode, area_km2, direction, quality``: one row per place and
        limit. Places farther from passable land than `snap_m` (the city's own limit) are left out and said.

    Raises
    ------
    InputError
        If all of them are.
    """
    import geopandas as gpd

    limit_m = ready.city.analysis.snap_m if snap_m is None else snap_m
    placed, notes = put(ways.ground, places, limit_m, "places")
    rows = [
        {
            "origin": name,
            "minutes": float(limit),
            "mode": ways.mode.id,
            "area_km2": metric.area / 1e6,
            "direction": direction,
            "quality": "modelled",
            "accuracy_m": _outline_m(ready, ways),
            "geometry": shape,
        }
        for name, shapes in zip(placed.ids, _drawn(ready, ways, placed, limits, direction))
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes))
    ]
    columns = ["origin", "minutes", "mode", "area_km2", "direction", "quality", "accuracy_m", "geometry"]  # fmt: skip
    return Answer(gpd.GeoDataFrame(rows, columns=columns, crs=WGS84), notes)


def isochrones_by_facility(ready: Ready, ways: Ways, facilities: str) -> list[dict]:
    """Isochrones of each facility of one kind, as rows with `ISOCHRONE_COLUMNS`.

    None where there are more than `MOST_SINGLE` of them, and on streets, where outlines are long,
    only those of the headline. Those beyond the city's boundary are not its own.
    """
    own = ready.layers[facilities].with_status("existing")
    names, limits = own.set_index("id"), ready.city.analysis.minutes
    rows: list[dict] = []
    placed = ready.put(ways, ready.metric(own))
    headline = facilities == ready.city.analysis.headline_facilities
    on_streets = isinstance(ways.ground, Network)
    if len(placed) > MOST_SINGLE or (on_streets and not headline):
        return rows
    for fid, shapes in zip(placed.ids, _drawn(ready, ways, placed, limits, "from")):
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes)):
            rows.append(
                {
                    "facilities": facilities,
                    "origin": fid,
                    "name_zh": names.at[fid, "name_zh"],
                    "name_en": names.at[fid, "name_en"],
                    "mode": ways.mode.id,
                    "minutes": float(limit),
                    "area_km2": metric.area / 1e6,
                    "quality": "modelled",
                    "geometry": shape,
                }
            )
    return rows


def _outline_m(ready: Ready, ways: Ways) -> float:
    # Spacing of the grid that outlines are drawn on.
    cell_m = ready.ground.grid.cell_m
    return cell_m if isinstance(ways.ground, Surface) else max(_OUTLINE_M, cell_m / 4)


def _drawn(ready: Ready, ways: Ways, placed: Placed, limits, direction: str, together=False):
    # Outlines in metres; around streets they still have to stop at the water and the city's edge.
    import shapely

    cell_m = None if isinstance(ways.ground, Surface) else _outline_m(ready, ways)
    drawn = isochrones(
        ways.ground, placed, limits, direction=direction, cell_m=cell_m, together=together
    )
    if cell_m is None:
        return drawn
    land = ready.ground.area.difference(ready.ground.barrier)
    shapely.prepare(land)
    # Keeping the topology would cost twenty times what drawing does; `_areas` repairs it.
    bend_m = _BEND * cell_m
    return [
        [_areas(shapely.simplify(s, bend_m, preserve_topology=False), land) for s in shapes]
        for shapes in drawn
    ]


def _areas(shape: MultiPolygon, land: BaseGeometry) -> MultiPolygon:
    import shapely

    if not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shape if land.covers(shape) else shape.intersection(land))
    flat = [q for p in parts for q in shapely.get_parts(p)]
    return shapely.MultiPolygon([p for p in flat if p.geom_type == "Polygon"])


def _lonlat(ready: Ready, shapes: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    # A straight edge bends a little when it is reprojected, so nesting is made exact once more.
    import geopandas as gpd
    import shapely

    done: list[MultiPolygon] = []
    drawn = gpd.GeoDataFrame(geometry=list(shapes), crs=ready.city.metric_crs)
    for shape in to_crs(drawn, WGS84).geometry:
        shape = shapely.union(shape, done[-1]) if done else shape
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        done.append(shapely.MultiPolygon(parts))
    return done
