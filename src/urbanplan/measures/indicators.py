"""Named measures with a definition and a clause: is it met, for whom not, and on what data?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.base import crs
from urbanplan.base.grid import ALL, fractions
from urbanplan.catalog import QUALITIES, Mode, load_catalog
from urbanplan.catalog.standards import Indicator, judge
from urbanplan.city.layers import Layer, measure, select
from urbanplan.errors import InputError
from urbanplan.measures.coverage import Parts, share_in
from urbanplan.routing.times import NOISE_MIN

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    from urbanplan.base.grid import Grid
    from urbanplan.routing import Network

__all__ = ["COLUMNS", "Scene", "change_text", "check_up", "figure_text", "wide"]


#: No verdict rests on data that covers less of the city's area.
COVERED_ENOUGH = 0.95
#: Data may be wrong by this share of the distance that a clause names; beyond it nothing is told.
ACCURATE_ENOUGH = 0.3


class CannotTellError(InputError):
    """An indicator's data is missing, or too rough for the distance that its clause names."""


@dataclass(frozen=True)
class Trust:
    """What a figure rests on: every quality among its data, best first, and the worst accuracy.

    `covered_share` is the share of the city's area that all of its data covers, 0-1.
    """

    qualities: frozenset[str]
    accuracy_m: float
    covered_share: float = 1.0

    def __and__(self, other: Trust) -> Trust:
        """Both together."""
        worst = float(np.nanmax([self.accuracy_m, other.accuracy_m, 0.0]))
        covered = min(self.covered_share, other.covered_share)
        return Trust(self.qualities | other.qualities, worst, covered)

    @property
    def quality(self) -> str:
        """Qualities as text, such as ``derived+modelled``."""
        return "+".join(q for q in QUALITIES if q in self.qualities)


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
        trust = replace(trust_of(frame), covered_share=self.covered(name))
        if (frame["quality"] == "schematic").all():
            zh, en = self.called(name)
            raise CannotTellError(f"{zh}仅有示意数据 / {en} is only schematic")
        require_accurate(trust, reach_m, self.called(name))
        return frame.to_crs(self.crs), trust

    def polygons(self, of: str, reach_m: float = np.inf) -> tuple[BaseGeometry, Trust]:
        """The land that a clause takes as denominator, and what it is worth."""
        frame, trust = self.features(of, reach_m=reach_m)
        return frame.geometry.union_all(), trust


def trust_of(frame: pd.DataFrame) -> Trust:
    """Qualities and worst accuracy of some features."""
    return Trust(frozenset(frame["quality"]), float(frame["accuracy_m"].astype(float).max()))


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


#: Origins and destinations of the detour are nodes this many apart in the network's own order.
_SAMPLES = 100
#: Nearer pairs say more about where the nodes lie than about the streets, in metres.
_NEAREST_M = 500.0


def length_km_per_km2(network: Network, land: BaseGeometry) -> float:
    """Kilometres of street per km² of land; a street along the border counts with what lies inside.

    Parameters
    ----------
    network : Network
    land : shapely geometry
        In the network's system.
    """
    import shapely

    inside = shapely.intersection(network.lines, land)
    # On the ellipsoid: the drawn length is scaled by each edge's own ratio.
    drawn = shapely.length(network.lines)
    ratio = np.divide(network.length_m, drawn, out=np.ones(len(drawn)), where=drawn > 0)
    return float((shapely.length(inside) * ratio).sum() / 1e3 / (land.area / 1e6))


def intersections_per_km2(network: Network, land: BaseGeometry) -> float:
    """Nodes where three or more street ends meet, per km² of land."""
    import shapely

    ends = np.bincount(np.r_[network.tail, network.head], minlength=len(network.xy))
    here = shapely.points(network.xy[ends >= 3])
    shapely.prepare(land)
    return float(shapely.intersects(land, here).sum() / (land.area / 1e6))


def block_ha(network: Network, land: BaseGeometry) -> float:
    """Median size in hectares of the blocks that streets enclose and that lie in the land.

    NaN where streets enclose nothing. A block belongs where a point inside it lies.
    """
    import shapely

    near = network.lines[shapely.intersects(land.envelope, network.lines)]
    noded = shapely.union_all(near)
    blocks = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    if not len(blocks):
        return float("nan")
    here = blocks[shapely.intersects(land, shapely.point_on_surface(blocks))]
    return float(np.median(shapely.area(here)) / 1e4) if len(here) else float("nan")


def detour_ratio(network: Network, land: BaseGeometry) -> float:
    """Mean way along the streets over the straight line, between crossings of the land.

    Of pairs at least 500 m apart; 1 would be straight (circuity; Boeing 2019, Papers in Applied
    Geography 5). About a hundred crossings are taken evenly along the network's space-filling
    order, so the figure is the same at every run.
    """
    picked, along, _ = _ways(network, land)
    if len(picked) < 2:
        return float("nan")
    along = along[:, picked]
    straight = np.hypot(*(network.xy[picked][:, None] - network.xy[picked]).transpose(2, 0, 1))
    pairs = (straight >= _NEAREST_M) & np.isfinite(along)
    return float(along[pairs].sum() / straight[pairs].sum()) if pairs.any() else float("nan")


def busiest_share(network: Network, land: BaseGeometry) -> float:
    """Share of shortest ways between crossings of the land that pass its busiest crossing.

    Betweenness (Freeman 1977, Sociometry 40) of the node that has most of it, estimated from
    the pairs of about a hundred nodes (Brandes & Pich 2007); a way's own ends do not count.
    """
    picked, along, before = _ways(network, land)
    if len(picked) < 3:
        return float("nan")
    passed, ways = np.zeros(len(network.xy) + 1), 0
    for row in range(len(picked)):
        # All ways from one crossing are followed back together, a step at a time.
        at = picked[np.isfinite(along[row, picked]) & (picked != picked[row])]
        ways += len(at)
        at = before[row, at]
        while len(at := at[at != picked[row]]):
            np.add.at(passed, at, 1)
            at = before[row, at]
    return float(passed.max() / ways) if ways else float("nan")


def _ways(network: Network, land: BaseGeometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Sampled nodes inside the land, metres from each of them to every node, and the node before.
    import shapely
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    from urbanplan.routing import build_graph

    shapely.prepare(land)
    inside = np.flatnonzero(shapely.intersects(land, shapely.points(network.xy)))
    if len(inside) < 2:
        return inside, np.empty((0, 0)), np.empty((0, 0), int)
    picked = inside[np.unique(np.linspace(0, len(inside) - 1, _SAMPLES).astype(int))]
    tail, head = np.r_[network.tail, network.head], np.r_[network.head, network.tail]
    # Metres take the place of minutes: form is measured on foot, both ways.
    graph = build_graph(len(network.xy), tail, head, np.tile(network.length_m, 2))
    ways = csr_matrix((graph.minutes, graph.to, graph.first), shape=(graph.nodes,) * 2)
    along, before = dijkstra(ways, indices=picked, return_predecessors=True)
    return picked, along, before


#: Figures of the street network by the name that standards call them, each of (network, land).
FIGURES: Mapping[str, Callable[[Network, BaseGeometry], float]] = MappingProxyType(
    {
        "length_km": length_km_per_km2,
        "intersections": intersections_per_km2,
        "block_ha": block_ha,
        "detour": detour_ratio,
        "betweenness": busiest_share,
    }
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
    limit = indicator.minutes + NOISE_MIN
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


#: One row per indicator and area.
COLUMNS = (
    "indicator", "name_zh", "name_en", "standard", "document", "edition", "clause", "page",
    "level", "applies_to", "area", "value", "unit", "threshold", "direction", "verdict", "metric",
    "of", "quality", "accuracy_m", "grade", "source", "why", "note", "own", "replaces",
)  # fmt: skip
#: What stands beside a standard that another country made.
_ABROAD = "他国标准，仅列数值 / a standard of another country: the value only"


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
        ``indicative`` (schematic data), ``threshold unverified``, ``no threshold``, ``not
        applicable`` (another country's) or ``cannot be told`` (then `value` is NaN and `why` says what is missing). Totals are judged for all areas together only.
    """
    import pandas as pd

    rows = [row for one in standards.values() for row in rows_of(one, scene)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(indicator: Indicator, scene: Scene) -> list[dict]:
    """One indicator for every area, as rows of the table of `check_up`."""
    about = {c: getattr(indicator, c) for c in COLUMNS if hasattr(indicator, c)}
    about |= {"indicator": indicator.id, "why": "", "quality": "", "accuracy_m": np.nan}
    about["threshold"] = np.nan if indicator.threshold is None else float(indicator.threshold)
    if indicator.abroad == "hidden":
        about["threshold"], about["direction"] = np.nan, ""
    if indicator.abroad:
        about["note"] = "；".join(filter(None, (_ABROAD, indicator.note)))
    try:
        found = compute(indicator, scene)
        require_covered(found.trust)
    except CannotTellError as err:
        nothing = {"value": np.nan, "verdict": "cannot be told", "why": err.what}
        return [about | nothing | {"area": area} for area in scene.outlines]
    about |= {"quality": found.trust.quality, "accuracy_m": found.trust.accuracy_m}
    rows = []
    for area in scene.outlines:
        value = found.values[area]
        whole = indicator.measure != "total" or area == ALL
        sketched = "schematic" in found.trust.qualities
        verdict = judge(indicator, value, sketched) if whole else "part of a total"
        why = "此处没有分母 / there is nothing to count here" if np.isnan(value) else ""
        rows.append(about | {"area": area, "value": value, "verdict": verdict, "why": why})
    return rows


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
    mark = "" if row["grade"] == "V" else "（待核）" if lang == "zh" else " (unverified)"
    return f"{sign} {figure_text(row['threshold'], row['unit'], lang)}{mark}"


def _trust(row: pd.Series, lang: str) -> str:
    if row["why"]:
        return row["why"]
    known = load_catalog().symbols.values["quality"]
    quality = "+".join(known[q][lang] for q in row["quality"].split("+") if q)
    metres = row["accuracy_m"]
    return f"{quality} ±{metres:,.0f} m" if metres > 0 else quality
