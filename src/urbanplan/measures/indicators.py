"""Named measures with a definition and a clause: is it met, for whom not, and on what data?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.base import crs
from urbanplan.base.grid import ALL, fractions
from urbanplan.catalog import QUALITIES, Mode, load_catalog
from urbanplan.catalog.standards import PART_BORROWED, Indicator, judge
from urbanplan.city.layers import Layer, are_markers, measure, select
from urbanplan.errors import InputError
from urbanplan.measures.coverage import Parts, share_in
from urbanplan.routing.network import FIGURES
from urbanplan.routing.times import NOISE_MIN

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    from urbanplan.base.grid import Grid
    from urbanplan.routing import Network

__all__ = ["COLUMNS", "FIGURES", "Scene", "change_text", "check_up", "figure_text", "wide"]


#: No verdict rests on data that covers less of the city's area.
COVERED_ENOUGH = 0.95
#: Data may be wrong by this share of the distance that a clause names; beyond it nothing is told.
ACCURATE_ENOUGH = 0.3


class CannotTellError(InputError):
    """An indicator's data is missing, or too rough for the distance that its clause names."""


@dataclass(frozen=True)
class Trust:
    """What a figure rests on: every quality among its data, best first, and the worst accuracy.

    `covered_share` is the share of the city's area that all of its data covers, 0-1; `stands_in`
    says what was taken in place of what a clause names ("Chinese / English"), if anything. From a
    `partial` register nothing follows that more features would change.
    """

    qualities: frozenset[str]
    accuracy_m: float
    covered_share: float = 1.0
    stands_in: str = ""
    partial: bool = False

    def __and__(self, other: Trust) -> Trust:
        """Both together."""
        worst = float(np.nanmax([self.accuracy_m, other.accuracy_m, 0.0]))
        covered = min(self.covered_share, other.covered_share)
        both = self.stands_in, other.stands_in
        stands_in = _paired(*both) if any(both) else ""
        partial = self.partial or other.partial
        return Trust(self.qualities | other.qualities, worst, covered, stands_in, partial)

    @property
    def quality(self) -> str:
        """Qualities as text, such as ``derived+modelled``."""
        return "+".join(q for q in QUALITIES if q in self.qualities)


def no_slopes() -> tuple[np.ndarray, Trust]:
    """The slopes of a city without heights: raises `CannotTellError`."""
    raise CannotTellError("没有高程栅格 / there are no heights")


#: Of what needs no data.
CERTAIN = Trust(frozenset(), 0.0)


@dataclass(frozen=True)
class Scene:
    """A city as indicators see it, everything in its metric system.

    Attributes
    ----------
    layers : mapping of str to Layer
    demand : DataFrame
        ``persons, area, km2`` per flat cell.
    grid : Grid
    crs : str
        The metric system.
    areas : GeoDataFrame
        Reporting areas, ``name``; one row each.
    parts : mapping
        For each area, which rows of the demand lie in it and with what share.
    cells : callable
        (facilities in the metric system with ``id``, mode's id) to minutes per row of the demand.
    at : callable
        (points in the metric system with ``id``, facilities, mode's id) to minutes of each point.
    mode : callable
        Mode by id.
    streets : callable
        The streets of motor traffic as a `Network`; raises `CannotTellError` where there are none.
    people_trust, ground_trust : Trust
        How well it is known who lives where, and how one gets about.
    covered : callable
        Layer's id to the share of the city's area that its data covers.
    slopes : callable
        Slope of every cell of the grid in per cent, and what it is worth; raises `CannotTellError`
        where there are no heights.
    """

    layers: Mapping[str, Layer]
    demand: pd.DataFrame
    grid: Grid
    crs: str
    areas: gpd.GeoDataFrame
    parts: Parts
    cells: Callable[[gpd.GeoDataFrame, str], np.ndarray]
    at: Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame, str], np.ndarray]
    mode: Callable[[str], Mode]
    streets: Callable[[], Network]
    people_trust: Trust
    ground_trust: Trust
    covered: Callable[[str], float] = lambda _: 1.0
    slopes: Callable[[], tuple[np.ndarray, Trust]] = no_slopes

    @cached_property
    def outlines(self) -> Mapping[str, BaseGeometry]:
        """Each area's polygon, and `ALL` of them together."""
        named = dict(zip(self.areas["name"], self.areas.geometry))
        return named | {ALL: self.areas.geometry.union_all()}

    @cached_property
    def share(self) -> Mapping[str, np.ndarray]:
        """Share of every row of the demand in each area, and in `ALL`."""
        return {a: share_in(self.parts, a, len(self.demand)) for a in self.outlines}

    @cached_property
    def _persons(self) -> Mapping[str, float]:
        held = self.demand["persons"].to_numpy(float)
        return {a: float((held * s)[s > 0].sum()) for a, s in self.share.items()}

    @property
    def persons(self) -> Mapping[str, float]:
        """People of each area; raises `CannotTellError` where nobody knows them."""
        if np.isnan(self._persons[ALL]):
            raise CannotTellError("没有人口数据 / nobody knows who lives where")
        return self._persons

    def called(self, layer: str) -> tuple[str, str]:
        """What readers call a layer, in both languages: reasons stand in tables for no programmers."""
        held = self.layers.get(layer)
        kind = held.kind if held is not None else load_catalog().layer(layer)
        return kind.name_zh, kind.name_en

    def features(
        self, name: str, where: str = "", reach_m: float = np.inf, *, beyond: bool = False
    ) -> tuple[gpd.GeoDataFrame, Trust]:
        """Existing, located features of a layer in the metric system, and what they are worth.

        Parameters
        ----------
        name : str
        where : str
            Condition; see `urbanplan.city.layers`.
        reach_m : float
            The distance that they are asked about: what is drawn more roughly cannot tell.
        beyond : bool
            With those beyond the boundary: where it is asked what the people inside reach.

        Raises
        ------
        CannotTellError
            If there is no such layer or feature, all are schematic, or one is too rough.
        """
        if name not in self.layers:
            zh, en = self.called(name)
            raise CannotTellError(f"没有图层“{zh}” / there is no layer of {en}")
        layer = self.layers[name]
        if layer.kind.geometry == "none":
            frame = layer.frame
        else:
            frame = layer.reachable() if beyond else layer.with_status("existing")
        frame = select(frame[frame["status"] == "existing"], where)
        if not len(frame):
            zh, en = self.called(name)
            which = (f"（{where}）", f" ({where})") if where else ("", "")
            raise CannotTellError(
                f"{zh}{which[0]}没有已知位置的现状要素 / no existing feature of {en}{which[1]} has a place"
            )
        partial = layer.completeness == "partial"
        trust = replace(trust_of(frame), covered_share=self.covered(name), partial=partial)
        if (frame["quality"] == "schematic").all():
            zh, en = self.called(name)
            raise CannotTellError(f"{zh}仅有示意数据 / {en} is only schematic")
        require_accurate(trust, reach_m, self.called(name))
        return frame.to_crs(self.crs), trust

    def polygons(
        self, of: str, reach_m: float = np.inf, where: str = ""
    ) -> tuple[BaseGeometry, Trust]:
        """The land that a clause takes as denominator, and what it is worth."""
        frame, trust = self.features(of, where, reach_m)
        require_outlines(frame, self.called(of))
        return frame.geometry.union_all(), as_base(trust)


def trust_of(frame: pd.DataFrame) -> Trust:
    """Qualities and worst accuracy of some features."""
    return Trust(frozenset(frame["quality"]), float(frame["accuracy_m"].astype(float).max()))


def as_base(trust: Trust) -> Trust:
    """What the denominator of a share is worth: of a partial register no share is a bound."""
    if not trust.partial:
        return trust
    return replace(trust, partial=False, stands_in=_paired(trust.stands_in, _PART_OF_ALL))


def has_outlines(frame: gpd.GeoDataFrame) -> bool:
    """Whether every feature (in a metric system) is drawn as an area, not as a point or the marker of a place."""
    areal = frame.geom_type.isin(["Polygon", "MultiPolygon"])
    return bool(areal.all() and not are_markers(frame.geometry.values).any())


def require_outlines(frame: gpd.GeoDataFrame, called: tuple[str, str]) -> None:
    """Raise `CannotTellError` if some features of a layer (so called) are not drawn as areas."""
    if not has_outlines(frame):
        zh, en = called
        raise CannotTellError(f"{zh}没有面积 / some of {en} have no outline, so no size")


def require_covered(trust: Trust) -> None:
    """Raise `CannotTellError` if the data covers too little of the city for a verdict."""
    if trust.covered_share < COVERED_ENOUGH:
        # 94.9 % is not 95 %.
        text = f"{np.floor(trust.covered_share * 1000) / 10:.3g}"
        raise CannotTellError(f"数据只覆盖城市面积的{text}% / the data covers {text}% of the city")


def require_accurate(trust: Trust, reach_m: float, called: tuple[str, str]) -> None:
    """Raise `CannotTellError` if a layer (so called) is too rough for the distance asked about."""
    if trust.accuracy_m > ACCURATE_ENOUGH * reach_m:
        zh, en = called
        raise CannotTellError(
            f"{zh}误差约 {trust.accuracy_m:,.0f} 米，判断不了 {reach_m:,.0f} 米 /"
            f" {en} is known to {trust.accuracy_m:,.0f} m only, which cannot tell {reach_m:,.0f} m"
        )


def figure_text(value: float, unit: str, lang: str) -> str:
    """A figure with its unit in one language: shares in per cent, thousands apart, a dash where nothing is known.

    Parameters
    ----------
    value : float
    unit : str
        As in tables; the catalogue knows what it is called. Empty for a bare figure.
    lang : {'zh', 'en'}

    Examples
    --------
    >>> figure_text(0.906, "share", "en"), figure_text(1596119, "persons", "zh"), figure_text(2.5, "ha", "en")
    ('90.6%', '1,596,119 人', '2.5 ha')
    """
    if value != value:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{text} {_word(unit, lang)}".strip()


def change_text(difference: float, unit: str, lang: str) -> str:
    """A difference of two figures with its sign; of shares in percentage points."""
    if difference != difference:
        return "–"
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    if unit == "share":
        points = f"{abs(difference) * 100:.1f}"
        return f"{sign if float(points) else ''}{points} {'个百分点' if lang == 'zh' else 'points'}"
    return sign + figure_text(abs(difference), unit, lang)


def _word(unit: str, lang: str) -> str:
    known = load_catalog().symbols.values["unit"]
    return known[unit][lang] if unit in known else unit


#: Figures in a unit of their own, as one of `layers.select.measure` times a factor.
_SCALED = {"area_m2": ("area_km2", 1e6), "length_m": ("length_km", 1e3)}
#: Square metres of the units that a feature's own size is told in.
_SIZES = {"area_m2": 1.0, "area_ha": 1e4}
#: Half the widest street that lies between two blocks of built-up land, in metres.
_BETWEEN_BLOCKS_M = 50.0
#: What stands in for land that is not drawn, and for areas that nobody gave.
_COUNTED = "{zh}仅有点位，按个数计 / {en} known as points: each counts once, whatever its size"
_PART_OF_ALL = (
    "分母登记不全：只代表已登记者 / a partial register is what it is a share of: of that alone"
)
_NEAREST = "按直线最近划分 / each has the land that it is nearest to as the crow flies"
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
    limit = indicator.minutes + NOISE_MIN
    if indicator.of == "villages":
        villages, known = scene.features("villages", reach_m=reach_m)
        hit = scene.at(villages, frame, indicator.mode) <= limit
        return _of_points(scene, villages, hit, trust & as_base(known))
    hit = (scene.cells(frame, indicator.mode) <= limit).astype(float)
    amount, known = _amount(indicator, scene, reach_m)
    return _shares(scene, amount * hit, amount, trust & known)


def _metres(indicator: Indicator, scene: Scene) -> Measured:
    import shapely

    reach_m = indicator.reach_m
    frame, trust = scene.features(indicator.layer, indicator.where, reach_m, beyond=True)
    near = _circles(indicator, scene, frame)
    if indicator.of not in ("people", "area"):
        places, known = scene.features(indicator.of, indicator.of_where, reach_m)
        if indicator.of == "villages" or not has_outlines(places):
            # Estates that are known as points are counted where their land is not drawn.
            if indicator.of != "villages":
                zh, en = scene.called(indicator.of)
                known = replace(known, stands_in=_COUNTED.format(zh=zh, en=en))
            hit = shapely.intersects(near, places.geometry.representative_point().values)
            return _of_points(scene, places, hit, trust & as_base(known))
        land = places.geometry.union_all()
        base = {a: land.intersection(o).area for a, o in scene.outlines.items()}
        hit = land.intersection(near)
        inside = {a: hit.intersection(o).area for a, o in scene.outlines.items()}
        return Measured(_ratios(inside, base), base, trust & as_base(known))
    # Cells that the circle's edge crosses count with the part that lies within.
    part = _in_cells(scene, near)[scene.demand.index]
    amount, known = _amount(indicator, scene, reach_m)
    return _shares(scene, amount * part, amount, trust & known)


def _circles(indicator: Indicator, scene: Scene, frame: gpd.GeoDataFrame) -> BaseGeometry:
    import shapely

    shapes = frame.geometry
    if not indicator.rings:
        return shapely.union_all(shapes.buffer(indicator.metres, quad_segs=_QUARTER).values)
    require_outlines(frame, scene.called(indicator.layer))
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
    land, known = _closed_land(indicator, scene)
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
    land, known = _closed_land(indicator, scene)
    places = {a: land.intersection(o) for a, o in scene.outlines.items()}
    base = {a: _km2(place) for a, place in places.items()}
    figure = FIGURES[indicator.figure]
    values = {a: figure(network, p) if base[a] > 0 else np.nan for a, p in places.items()}
    return Measured(values, base, known & scene.ground_trust)


def _least(indicator: Indicator, scene: Scene) -> Measured:
    # The smallest feature of every area, by its own size or by a column.
    frame, trust = scene.features(indicator.layer, indicator.where)
    if indicator.figure in _SIZES:
        require_outlines(frame, scene.called(indicator.layer))
        drawn = [crs.area_m2(shape) for shape in frame.to_crs(crs.WGS84).geometry]
        sizes = np.array(drawn) / _SIZES[indicator.figure]
    else:
        _require_known(frame, indicator.figure, scene.called(indicator.layer))
        sizes = frame[indicator.figure].to_numpy(float)
    middle, values = frame.geometry.representative_point(), {}
    for area, outline in scene.outlines.items():
        here = sizes[middle.within(outline).to_numpy()]
        values[area] = float(here.min()) if len(here) else np.nan
    return Measured(values, dict.fromkeys(values, np.nan), trust)


def _served(indicator: Indicator, scene: Scene) -> Measured:
    # The largest piece of land, in km², that one feature is nearest to as the crow flies.
    import shapely

    wanted, _ = scene.features(indicator.layer, indicator.where)
    # A place that is known to a third of such a district's radius tells how large it is.
    reach_m = math.sqrt((indicator.threshold or math.inf) * 1e6 / math.pi)
    frame, trust = scene.features(indicator.layer, reach_m=reach_m)
    land, known = scene.polygons(indicator.of, reach_m, indicator.of_where)
    points = shapely.union_all(frame.geometry.representative_point().values)
    frame = frame.assign(geometry=frame.geometry.representative_point())
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=land.envelope))
    # One place alone has no neighbour to share the land with.
    cells = cells if len(cells) else np.array([land.envelope])
    places = frame[frame["id"].isin(wanted["id"])].geometry
    km2 = shapely.area(shapely.intersection(cells, land)) / 1e6
    which, here = shapely.STRtree(cells).query(places.values, predicate="intersects")
    values = {}
    for area, outline in scene.outlines.items():
        inside = places.within(outline).to_numpy()[which]
        values[area] = float(km2[here[inside]].max()) if inside.any() else np.nan
    return Measured(
        values, dict.fromkeys(values, np.nan), replace(trust & known, stands_in=_NEAREST)
    )


def _slope(indicator: Indicator, scene: Scene) -> Measured:
    steep, trust = scene.slopes()
    amount, known = _amount(indicator, scene, np.inf)
    here = steep[scene.demand.index]
    if (np.isnan(here) & (amount > 0)).any():
        raise CannotTellError("部分用地没有高程 / some of the land has no height")
    return _shares(scene, amount * (here < indicator.percent), amount, trust & known)


def _unmeasured(indicator: Indicator, scene: Scene) -> Measured:
    zh, _, en = indicator.needs.partition(" / ")
    raise CannotTellError(f"需要{zh} / it takes {en or zh}")


def _require_known(frame: pd.DataFrame, column: str, called: tuple[str, str]) -> None:
    if column not in frame or frame[column].isna().any():
        words = load_catalog().fields.get(column, {"zh": column, "en": column})
        zh, en = called
        raise CannotTellError(
            f"{zh}有要素没有“{words['zh']}” / some of {en} have no {words['en'].lower()}"
        )


def _figures(
    indicator: Indicator, scene: Scene, places: Mapping[str, BaseGeometry] | None = None
) -> tuple[dict[str, float], Trust]:
    # A layer's figure in every area (or place), cut along its border, on the ellipsoid.
    frame, trust = scene.features(indicator.layer, indicator.where)
    what, factor = _SCALED.get(indicator.figure, (indicator.figure, 1.0))
    if what.startswith(("sum:", "value:")):
        _require_known(frame, what.partition(":")[2], scene.called(indicator.layer))
    if what in ("area_km2", "area_ha"):
        require_outlines(frame, scene.called(indicator.layer))
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


def _largest_km2(shapes: gpd.GeoSeries) -> float:
    # Blocks with a street between them are one piece of town.
    near = shapes.union_all().buffer(_BETWEEN_BLOCKS_M).buffer(-_BETWEEN_BLOCKS_M)
    return max((_km2(piece) for piece in getattr(near, "geoms", [near])), default=0.0)


_OF_STRETCHES: Mapping[str, Callable[[gpd.GeoSeries], float]] = MappingProxyType(
    {
        "stretches": lambda lines: float(len(_stretches(lines))),
        "gaps_km": _gaps_km,
        "largest_km2": _largest_km2,
    }
)


def _land(indicator: Indicator, scene: Scene) -> tuple[BaseGeometry, Trust]:
    if indicator.of == "area":
        return scene.outlines[ALL], CERTAIN
    if indicator.of == "people":
        raise CannotTellError("人口不是用地 / people are no area")
    return scene.polygons(indicator.of, where=indicator.of_where)


def _closed_land(indicator: Indicator, scene: Scene) -> tuple[BaseGeometry, Trust]:
    # Blocks are often drawn without the streets between them, which are what is counted here.
    land, trust = _land(indicator, scene)
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
    land, trust = scene.polygons(indicator.of, reach_m, indicator.of_where)
    return _in_cells(scene, land)[scene.demand.index] * scene.grid.cell_m**2 / 1e6, trust


def _in_cells(scene: Scene, land: BaseGeometry) -> np.ndarray:
    # Share of every cell of the grid that lies in some land.
    (found,) = fractions(scene.grid, [land])
    part = np.zeros(scene.grid.rows * scene.grid.columns)
    part[found[0]] = found[1]
    return part


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
        "least": _least,
        "served": _served,
        "slope": _slope,
        "unmeasured": _unmeasured,
    }
)


#: One row per indicator and area.
COLUMNS = (
    "indicator", "name_zh", "name_en", "standard", "document", "edition", "clause", "page",
    "level", "applies_to", "area", "value", "unit", "threshold", "direction", "verdict", "metric",
    "of", "quality", "accuracy_m", "grade", "source", "quote", "borrowed", "why", "note", "own",
    "replaces",
)  # fmt: skip
#: What stands beside a figure that rests on a partial register, and why such a figure cannot settle a verdict.
_AT_LEAST = "登记不全：此值为下限 / a partial register: the value is a lower bound"
_AT_MOST = "登记不全：此值为上限 / a partial register: the value is an upper bound"
_MORE = "登记不全：界限判断不了 / a partial register: a bound cannot tell"
#: Measures that more features can only lower.
_FALLING = ("least", "served")
#: What stands beside a standard that another country made.
_ABROAD = "他国标准，仅列数值 / a standard of another country: the value only"


def _paired(*texts: str) -> str:
    # Remarks of two languages as one, each half in its own language's marks.
    halves = [text.partition(" / ") for text in texts if text]
    zh, en = "；".join(zh for zh, _, _ in halves), "; ".join(en or zh for zh, _, en in halves)
    return f"{zh} / {en}"


def check_up(standards: Mapping[str, Indicator], scene: Scene) -> pd.DataFrame:
    """Compute every indicator that the data can tell, and say why where it cannot.

    Parameters
    ----------
    standards : mapping of str to Indicator
        From `urbanplan.catalog.standards.read_standards`.
    scene : Scene

    Returns
    -------
    DataFrame
        `COLUMNS`; one row per indicator and area, `ALL` last. `verdict` is ``met``, ``not met``,
        ``indicative`` (schematic data, or points in place of land), ``threshold unverified``, ``superseded``, ``no threshold``, ``not
        applicable`` (another country's) or ``cannot be told`` (then `value` is NaN and `why` says what is missing). Both of the first two
        end with ``, part borrowed`` where `borrowed` says which part of the entry is another text's. Totals are judged for all areas
        together only.
    """
    import pandas as pd

    rows = [row for one in standards.values() for row in rows_of(one, scene)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(indicator: Indicator, scene: Scene) -> list[dict]:
    """One indicator for every area, as rows of the table of `check_up`."""
    about = {c: getattr(indicator, c) for c in COLUMNS if hasattr(indicator, c)}
    about |= {"indicator": indicator.id, "why": "", "quality": "", "accuracy_m": np.nan}
    about["borrowed"] = borrowed_text(indicator)
    about["threshold"] = np.nan if indicator.threshold is None else float(indicator.threshold)
    if indicator.abroad == "hidden":
        about["threshold"], about["direction"] = np.nan, ""
    if indicator.abroad:
        about["note"] = _paired(_ABROAD, indicator.note)
    try:
        found = compute(indicator, scene)
        require_covered(found.trust)
    except CannotTellError as err:
        nothing = {"value": np.nan, "verdict": "cannot be told", "why": err.what}
        return [about | nothing | {"area": area} for area in scene.outlines]
    about |= {"quality": found.trust.quality, "accuracy_m": found.trust.accuracy_m}
    falls = indicator.measure in _FALLING
    bound = (_AT_MOST if falls else _AT_LEAST) if found.trust.partial else ""
    beside = (bound, found.trust.stands_in)
    if any(beside):
        about["note"] = _paired(*beside, about["note"])
    rows = []
    for area in scene.outlines:
        value = found.values[area]
        whole = indicator.measure != "total" or area == ALL
        sketched = bool(found.trust.stands_in) or "schematic" in found.trust.qualities
        verdict = judge(indicator, value, sketched) if whole else "part of a total"
        why = "此处没有分母 / there is nothing to count here" if np.isnan(value) else ""
        # More features move the value one way only: it settles what it reaches already.
        unsettled = "met" if (indicator.direction == "at_most") != falls else "not met"
        if found.trust.partial and verdict.removesuffix(PART_BORROWED) == unsettled:
            verdict, why = "cannot be told", _MORE
        rows.append(about | {"area": area, "value": value, "verdict": verdict, "why": why})
    return rows


def borrowed_text(indicator: Indicator) -> str:
    """Which parts of an entry are another text's, and whose: "Chinese / English"."""
    words = load_catalog().symbols.values["borrowed_part"]
    parts = [
        (words[f"borrowed {b.field}"], f"{b.document} {b.clause}".strip())
        for b in indicator.borrowed
    ]
    zh = "；".join(f"{word['zh']}借自{text}" for word, text in parts)
    en = "; ".join(f"{word['en']} from {text}" for word, text in parts)
    return f"{zh} / {en}" if parts else ""


def wide(table: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """One row per indicator, one column per area: as a planner reads it, figures in words of a language.

    Returns
    -------
    DataFrame
        ``indicator, name_zh, name_en, clause, threshold``, a column per area, ``verdict`` (of `ALL`), ``trust``.
    """
    import pandas as pd

    areas = list(dict.fromkeys(table["area"]))
    rows = []
    for _, part in table.groupby("indicator", sort=False):
        by = part.drop_duplicates("area").set_index("area")
        # A table of one area has no row of all of them.
        whole = by.loc[ALL if ALL in by.index else by.index[-1]]
        rows.append(
            {
                "indicator": whole["indicator"],
                "name_zh": whole["name_zh"],
                "name_en": whole["name_en"],
                "clause": " ".join(filter(None, (whole["document"], whole["clause"]))),
                "threshold": _threshold(whole, lang),
                **{a: figure_text(by["value"].get(a, np.nan), whole["unit"], lang) for a in areas},
                "verdict": whole["verdict"],
                "trust": _trust(whole, lang),
            }
        )
    columns = ["indicator", "name_zh", "name_en", "clause", "threshold", *areas, "verdict", "trust"]
    return pd.DataFrame(rows, columns=columns)


def _threshold(row: pd.Series, lang: str) -> str:
    if np.isnan(row["threshold"]):
        return ""
    sign = {"at_least": "≥", "above": ">", "at_most": "≤"}[row["direction"]]
    mark = (
        ""
        if row["grade"] == "V" or row["level"] == "superseded"
        else "（待核）"
        if lang == "zh"
        else " (unverified)"
    )
    return f"{sign} {figure_text(row['threshold'], row['unit'], lang)}{mark}"


def _trust(row: pd.Series, lang: str) -> str:
    if row["why"]:
        return row["why"]
    zh, _, en = row["borrowed"].partition(" / ")
    borrowed = zh if lang == "zh" else en
    known = load_catalog().symbols.values["quality"]
    quality = "+".join(known[q][lang] for q in row["quality"].split("+") if q)
    metres = row["accuracy_m"]
    rests_on = f"{quality} ±{metres:,.0f} m" if metres > 0 else quality
    return "; ".join(filter(None, (rests_on, borrowed)))
