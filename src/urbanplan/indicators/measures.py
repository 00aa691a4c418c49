"""One function per kind of measure: a scene and an indicator in, a figure per area out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan import crs
from urbanplan.catalog.standards import Indicator
from urbanplan.coverage import ALL
from urbanplan.indicators.form import FIGURES
from urbanplan.indicators.scene import (
    CERTAIN,
    CannotTellError,
    Scene,
    Trust,
    require_accurate,
)
from urbanplan.layers.select import measure
from urbanplan.zonal import fractions

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

#: Minutes are sums of many steps: 0.1 + 0.2 is still within 0.3.
_NOISE_MIN = 1e-9
#: Figures in a unit of their own, as one of `layers.select.measure` times a factor.
_SCALED = {"area_m2": ("area_km2", 1e6), "length_m": ("length_km", 1e3)}
#: Half the widest street that lies between two blocks of built-up land, in metres.
_BETWEEN_BLOCKS_M = 50.0
#: Stretches of a greenway that are no farther apart than this are joined, in metres.
_JOINED_M = 50.0
#: Circles are polygons of so many corners per quarter: 0.03 % of their area is lost.
_QUARTER = 32


class Measured(NamedTuple):
    """A figure per area, the amount it is a share or a ratio of, and what it rests on."""

    values: Mapping[str, float]
    base: Mapping[str, float]
    trust: Trust


def compute(indicator: Indicator, scene: Scene) -> Measured:
    """The figure of one indicator for every area and for `ALL`.

    Raises
    ------
    CannotTellError
        If the data cannot tell.
    """
    return _MEASURES[indicator.measure](indicator, scene)


def _minutes(indicator: Indicator, scene: Scene) -> Measured:
    # The distance that a clause of minutes is about: straight ahead through built-up land.
    reach_m = indicator.minutes / scene.mode(indicator.mode).built_up.pace_min_per_m
    frame, trust = scene.features(indicator.layer, indicator.where, reach_m, beyond=True)
    trust &= scene.ground_trust
    limit = indicator.minutes + _NOISE_MIN
    if indicator.of == "villages":
        villages, known = scene.features("villages", reach_m=reach_m)
        hit = scene.at(villages, frame, indicator.mode) <= limit
        return _of_points(scene, villages, hit, trust & known)
    hit = (scene.cells(frame, indicator.mode) <= limit).astype(float)
    amount, known = _amount(indicator, scene, reach_m)
    return _shares(scene, amount * hit, amount, trust & known)


def _metres(indicator: Indicator, scene: Scene) -> Measured:
    import shapely

    reach_m = indicator.reach_m
    frame, trust = scene.features(indicator.layer, indicator.where, reach_m, beyond=True)
    near = _circles(indicator, scene, frame)
    if indicator.of == "villages":
        villages, known = scene.features("villages", reach_m=reach_m)
        hit = shapely.intersects(near, np.asarray(villages.geometry.values))
        return _of_points(scene, villages, hit, trust & known)
    if indicator.of in ("built_up", "residential"):
        land, known = scene.polygons(indicator.of, reach_m)
        base = {a: land.intersection(o).area for a, o in scene.outlines.items()}
        hit = land.intersection(near)
        inside = {a: hit.intersection(o).area for a, o in scene.outlines.items()}
        return Measured(_ratios(inside, base), base, trust & known)
    # Cells that the circle's edge crosses count with the part that lies within.
    (found,) = fractions(scene.grid, [near])
    part = np.zeros(scene.grid.rows * scene.grid.columns)
    part[found[0]] = found[1]
    amount, known = _amount(indicator, scene, reach_m)
    return _shares(scene, amount * part[scene.demand.index], amount, trust & known)


def _circles(indicator: Indicator, scene: Scene, frame: gpd.GeoDataFrame) -> BaseGeometry:
    import shapely

    shapes = frame.geometry
    if not indicator.rings:
        return shapely.union_all(shapes.buffer(indicator.metres, quad_segs=_QUARTER).values)
    if not frame.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        zh, en = scene.called(indicator.layer)
        raise CannotTellError(f"{zh}没有面积 / some of {en} have no outline, so no size")
    area_ha, drawn = shapes.area / 1e4, []
    for least_ha, metres in indicator.rings:
        # A larger one has the longest radius that its size earns: rings ascend.
        drawn += list(shapes[area_ha >= least_ha].buffer(metres, quad_segs=_QUARTER))
    return shapely.union_all(drawn)


def _per_head(indicator: Indicator, scene: Scene) -> Measured:
    figures, trust = _figures(indicator, scene)
    persons = scene.persons
    return Measured(_ratios(figures, persons), persons, trust & scene.people_trust)


def _density(indicator: Indicator, scene: Scene) -> Measured:
    land, known = _closed_land(indicator.of, scene)
    places = {a: land.intersection(o) for a, o in scene.outlines.items()}
    figures, trust = _figures(indicator, scene, places)
    base = {a: _km2(place) for a, place in places.items()}
    return Measured(_ratios(figures, base), base, trust & known)


def _total(indicator: Indicator, scene: Scene) -> Measured:
    figures, trust = _figures(indicator, scene)
    return Measured(figures, dict.fromkeys(figures, np.nan), trust)


def _streets(indicator: Indicator, scene: Scene) -> Measured:
    if indicator.figure not in FIGURES:
        raise CannotTellError(f"'{indicator.figure}' is no figure of streets")
    network = scene.streets()
    land, known = _closed_land(indicator.of, scene)
    places = {a: land.intersection(o) for a, o in scene.outlines.items()}
    base = {a: _km2(place) for a, place in places.items()}
    figure = FIGURES[indicator.figure]
    values = {a: figure(network, p) if base[a] > 0 else np.nan for a, p in places.items()}
    return Measured(values, base, known & scene.ground_trust)


def _figures(
    indicator: Indicator, scene: Scene, places: Mapping[str, BaseGeometry] | None = None
) -> tuple[dict[str, float], Trust]:
    # A layer's figure in every area (or place), cut along its border, on the ellipsoid.
    frame, trust = scene.features(indicator.layer, indicator.where)
    what, factor = _SCALED.get(indicator.figure, (indicator.figure, 1.0))
    out = {}
    for area, outline in (places or scene.outlines).items():
        if what in _OF_STRETCHES:
            out[area] = _OF_STRETCHES[what](frame.geometry.intersection(outline))
            continue
        if what.startswith(("sum:", "value:", "count")):
            here = frame[frame.geometry.representative_point().within(outline)]
        else:
            here = frame.assign(geometry=frame.geometry.intersection(outline))
            here = here[~here.geometry.is_empty]
        out[area] = factor * (measure(here.to_crs(crs.WGS84), what) if len(here) else 0.0)
    return out, trust


def _stretches(lines: gpd.GeoSeries) -> np.ndarray:
    # Lines whose ends lie near each other are one stretch.
    import shapely

    near = shapely.union_all(shapely.buffer(lines[~lines.is_empty].values, _JOINED_M / 2))
    return shapely.get_parts(near)


def _gaps_km(lines: gpd.GeoSeries) -> float:
    # Least straight length that would join all stretches.
    import shapely
    from scipy.sparse.csgraph import minimum_spanning_tree

    parts = _stretches(lines)
    if len(parts) < 2:
        return 0.0
    apart = shapely.distance(parts[:, None], parts)
    # A stretch's outline is half the joining distance wider than its line, at both ends of a gap.
    return float((minimum_spanning_tree(apart).data + _JOINED_M).sum() / 1e3)


_OF_STRETCHES: Mapping[str, Callable[[gpd.GeoSeries], float]] = MappingProxyType(
    {"stretches": lambda lines: float(len(_stretches(lines))), "gaps_km": _gaps_km}
)


def _land(of: str, scene: Scene) -> tuple[BaseGeometry, Trust]:
    if of == "area":
        return scene.outlines[ALL], CERTAIN
    if of == "people":
        raise CannotTellError("people are no area")
    return scene.polygons(of)


def _closed_land(of: str, scene: Scene) -> tuple[BaseGeometry, Trust]:
    # Blocks are often drawn without the streets between them, which are what is counted here.
    land, trust = _land(of, scene)
    return land.buffer(_BETWEEN_BLOCKS_M).buffer(-_BETWEEN_BLOCKS_M), trust


def _km2(shape: BaseGeometry) -> float:
    return shape.area / 1e6


def _amount(indicator: Indicator, scene: Scene, reach_m: float) -> tuple[np.ndarray, Trust]:
    # What each row of the demand counts for.
    if indicator.of == "people":
        _ = scene.persons
        require_accurate(scene.people_trust, reach_m, scene.called("population"))
        return scene.demand["persons"].to_numpy(float), scene.people_trust
    if indicator.of == "area":
        return scene.demand["km2"].to_numpy(float), CERTAIN
    land, trust = scene.polygons(indicator.of, reach_m)
    (found,) = fractions(scene.grid, [land])
    part = np.zeros(scene.grid.rows * scene.grid.columns)
    part[found[0]] = found[1]
    return part[scene.demand.index] * scene.grid.cell_m**2 / 1e6, trust


def _shares(scene: Scene, hit: np.ndarray, amount: np.ndarray, trust: Trust) -> Measured:
    inside = {a: float((hit * s).sum()) for a, s in scene.share.items()}
    base = {a: float((amount * s).sum()) for a, s in scene.share.items()}
    return Measured(_ratios(inside, base), base, trust)


def _of_points(scene: Scene, points: gpd.GeoDataFrame, hit: np.ndarray, trust: Trust) -> Measured:
    inside, base = {}, {}
    for area, outline in scene.outlines.items():
        here = points.geometry.representative_point().within(outline).to_numpy()
        inside[area], base[area] = float(hit[here].sum()), float(here.sum())
    return Measured(_ratios(inside, base), base, trust)


def _ratios(part: Mapping[str, float], whole: Mapping[str, float]) -> dict[str, float]:
    return {a: part[a] / whole[a] if whole[a] > 0 else np.nan for a in whole}


_MEASURES: Mapping[str, Callable[[Indicator, Scene], Measured]] = MappingProxyType(
    {
        "minutes": _minutes,
        "metres": _metres,
        "per_head": _per_head,
        "density": _density,
        "total": _total,
        "streets": _streets,
    }
)
