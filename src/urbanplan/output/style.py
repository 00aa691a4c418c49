"""What a map shows of a run, and how each layer is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan import __version__
from urbanplan.catalog import LayerKind, Mode, load_catalog
from urbanplan.city.layers import Layer, accuracy_under
from urbanplan.study import Inputs, Results

if TYPE_CHECKING:
    import pandas as pd


#: OGC geometry type of a table by the family of its layer kind.
_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
#: Results that have a place, and those that are tables only.
_MAPS = (
    "bands",
    "isochrones",
    "gaps",
    "demand",
    "scenario_bands",
    "differences",
    "conflicts",
    "outside",
)
_TABLES = (
    "coverage", "scenario_coverage", "indicators", "checks", "data_gaps", "ledger", "targets",
)  # fmt: skip
#: Maps that a city without scenarios, or without conflicts, does not have.
_MAYBE = ("scenario_bands", "differences", "conflicts", "outside")
#: Results that are the plan's.
_OF_PLAN = ("conflicts", "ledger", "targets")


def tables_of(results: Inputs) -> dict[str, pd.DataFrame]:
    """Frames (WGS84) and plain tables by name: input layers first, results as ``result_…``.

    A kind without geometry is a plain table; a result that is empty is left out. Results with a
    place say what they are worth in the columns that layers do. Of a city's layers alone, those.
    """
    tables: dict[str, pd.DataFrame] = {}
    for name, layer in results.layers.items():
        bare = layer.kind.geometry == "none"
        tables[name] = layer.frame.drop(columns="geometry") if bare else layer.frame
    if not isinstance(results, Results):
        return tables
    worth = worth_of(results)
    for name in (*_MAPS, *_TABLES):
        table = _result(results, name)
        if name in _MAPS:
            own = {c: v for c, v in worth.items() if c not in table}
            at = [*(c for c in table if c != "geometry"), *own, "geometry"]
            table = table.assign(**own)[at]
        if len(table) or (name in _MAPS and name not in _MAYBE):
            tables[f"result_{name}"] = table
    return tables


def _result(results: Results, name: str) -> pd.DataFrame:
    return getattr(results.plan if name in _OF_PLAN else results, name)


def worth_of(results: Results) -> dict[str, Any]:
    """What a result is worth: computed, no better placed than the roughest thing that it rests on."""
    plan = results.city.analysis
    everything = [layer.frame for layer in results.layers.values()]
    licences = {str(x) for f in everything for x in f["licence"].dropna() if x}
    dates = {str(x) for f in everything for x in f["as_of"].dropna() if x}
    return {
        "quality": "modelled",
        "accuracy_m": accuracy_under(results.layers, plan.facilities, plan.cell_m),
        "source": f"urbanplan {__version__}",
        "licence": "; ".join(sorted(licences)),
        "as_of": max(dates, default=""),
    }


def types_of(results: Inputs) -> dict[str, str]:
    """OGC geometry type of each table that has one: one for all its rows."""
    types = {}
    if isinstance(results, Results):
        there = [n for n in _MAPS if n not in _MAYBE or len(_result(results, n))]
        types = {f"result_{n}": _TYPES["point" if n == "outside" else "polygon"] for n in there}
    for name, layer in results.layers.items():
        if layer.kind.geometry != "none":
            several = (layer.located.geom_type == "MultiPoint").any()
            types[name] = "MultiPoint" if several else _TYPES[layer.kind.geometry]
    return types


#: Millimetres of a screen's pixel at 96 dots an inch.
MM_PER_PX = 25.4 / 96
#: Dash and gap in millimetres: schematic lines, modelled lines, things that are not there yet.
_DASHES = {"schematic": (1.6, 1.1), "modelled": (0.3, 1.1), "planned": (0.5, 1.6)}
#: Names are shown once a map is at least this large in scale, by layer; facilities at the last.
_LABEL_SCALES = {
    "districts": 2_000_000, "water": 500_000, "bridges": 75_000, "parks": 75_000,
    "industrial_parks": 75_000, "townships": 150_000,
}  # fmt: skip
_FACILITY_SCALE = 75_000


@dataclass(frozen=True)
class Look:
    """How a feature is drawn; lengths in millimetres on paper, shares from 0 to 1.

    Attributes
    ----------
    geometry : {'point', 'line', 'polygon'}
    stroke, fill : str
        ``#rrggbb``.
    width_mm : float
        Of line and outline.
    dash_mm : tuple of float
        Dash and gap; empty for a solid line.
    opacity, fill_opacity : float
    hatch : bool
        Stripes over the fill: modelled surfaces.
    size_mm : float
        Of a point.
    """

    geometry: str
    stroke: str
    fill: str
    width_mm: float = 0.3
    dash_mm: tuple[float, ...] = ()
    opacity: float = 1.0
    fill_opacity: float = 0.4
    hatch: bool = False
    size_mm: float = 3.0


@dataclass(frozen=True)
class Rule:
    """Features whose columns hold one of these values, and how they are drawn.

    `where` is a tuple of (column, values); all must hold, and `between`, a column of figures with
    a lower bound that is left out and an upper one that is not (None: without). The rule that is
    `otherwise` draws what no other one does.
    """

    key: str
    name_zh: str
    name_en: str
    where: tuple[tuple[str, tuple], ...]
    look: Look
    between: tuple[str, float | None, float | None] | None = None
    otherwise: bool = False

    def holds(self, frame: pd.DataFrame) -> pd.Series:
        """Which rows of a frame the rule draws by its own condition; none for what is left over."""
        import pandas as pd

        if self.otherwise:
            return pd.Series(False, index=frame.index)

        kept = pd.Series(True, index=frame.index)
        for column, values in self.where:
            kept &= frame[column].isin(values)
        if self.between is not None:
            column, low, high = self.between
            kept &= (frame[column] > low) if low is not None else True
            kept &= (frame[column] <= high) if high is not None else True
        return kept


def ramp_of(minutes: Sequence[float]) -> dict[str, str]:
    """Colour of each limit as text, nearest darkest; more limits than colours repeat the palest."""
    ramp = load_catalog().symbols.ramp
    return {f"{m:g}": ramp[min(i, len(ramp) - 1)] for i, m in enumerate(minutes)}


def label_scale(kind: LayerKind) -> int | None:
    """The smallest scale (as its denominator) at which a layer's names are shown, if at all."""
    facility = _FACILITY_SCALE if kind.role == "facility" else None
    return _LABEL_SCALES.get(kind.id, facility)


def rules_of(kind: LayerKind, frame: pd.DataFrame) -> tuple[Rule, ...]:
    """Rules for what a layer holds: by class (roads, bridges), status and quality.

    Parameters
    ----------
    kind : LayerKind
    frame : DataFrame
        Only combinations that occur get a rule, so that a legend lists what there is; a last one
        draws what somebody adds later.

    Returns
    -------
    tuple of Rule
        Every row is drawn by exactly one.
    """
    values, found = load_catalog().symbols.values, []
    classes = list(values["class"]) if "class" in kind.columns else [None]
    columns = [*(["class"] if "class" in kind.columns else []), "status", "quality"]
    there = set(frame[columns].itertuples(index=False, name=None))
    for name, status, quality in product(classes, values["status"], values["quality"]):
        where = [("status", (status,)), ("quality", (quality,))]
        words = [("status", status), ("quality", quality)]
        if name is not None:
            where.insert(0, ("class", (name,)))
            words.insert(0, ("class", name))
        if tuple(v for _, v in words) not in there:
            continue
        found.append(
            Rule(
                key="-".join(v for _, v in words),
                name_zh=" · ".join(values[c][v]["zh"] for c, v in words),
                name_en=", ".join(values[c][v]["en"] for c, v in words),
                where=tuple(where),
                look=_look(kind, name, status, quality),
            )
        )
    plain = _look(kind, None, "existing", "derived")
    return (*found, Rule("others", "其他", "others", (), plain, otherwise=True))


def _look(kind: LayerKind, name: str | None, status: str, quality: str) -> Look:
    symbols, ahead = load_catalog().symbols, status != "existing"
    loose = quality in ("schematic", "modelled")
    dash = _DASHES.get(quality, ())
    if kind.geometry == "point":
        # Hollow: not there yet. A dashed rim: the place is rough.
        return Look(
            "point", kind.color if ahead or loose else "#ffffff", "#ffffff" if ahead else kind.color,
            0.45, (0.7, 0.5) if loose else (), 1.0, 0.95 if ahead or not loose else 0.6,
            size_mm=3.6 if kind.role == "facility" else 2.2,
        )  # fmt: skip
    if kind.geometry == "line":
        road = symbols.roads.get(name or "", {})
        width = road.get("width_px", 2.2) + (1.4 if kind.role == "crossing" else 0)
        color = road.get("color", kind.color) if kind.role == "road" else kind.color
        return Look(
            "line", color, color, round(width * MM_PER_PX, 2),
            _DASHES["planned"] if ahead else dash, 0.65 if ahead else 0.95,
        )  # fmt: skip
    return Look(
        "polygon", kind.color, kind.color, 0.45 if kind.role == "zone" else 0.2 if kind.id == "water" else 0.3,
        _DASHES["planned"] if ahead else dash, 0.9,
        symbols.fill.get(kind.id, 0.12 if ahead else 0.4), quality == "modelled",
    )  # fmt: skip


def outside_color(kind: LayerKind) -> str:
    """A facility's colour, half as strong: it lies beyond the boundary and is not the city's."""
    return "#" + "".join(f"{(int(kind.color[i : i + 2], 16) + 255) // 2:02x}" for i in (1, 3, 5))


def outside_rules(kind: LayerKind) -> tuple[Rule, ...]:
    """The one rule for facilities beyond the boundary."""
    look = Look("point", "#ffffff", outside_color(kind), 0.3, (), 0.8, 0.8, size_mm=2.8)
    return (Rule("outside", "城市范围外", "Beyond the boundary", (), look),)


def band_rules(minutes: Sequence[float]) -> tuple[Rule, ...]:
    """Rules for bands and isochrones: one per limit, farthest first so that nearer lie on top."""
    ramp = ramp_of(minutes)
    return tuple(
        Rule(
            f"{m:g}min", f"≤ {m:g} 分钟", f"≤ {m:g} min", (("minutes", (float(m),)),),
            Look("polygon", ramp[f"{m:g}"], ramp[f"{m:g}"], 0.2, (), 0.9, 0.55, True),
        )
        for m in sorted(minutes, reverse=True)
    )  # fmt: skip


def gap_rules() -> tuple[Rule, ...]:
    """The one rule for people out of reach."""
    color = load_catalog().symbols.gap
    look = Look("polygon", color, color, 0.2, (), 0.9, 0.5, True)
    return (Rule("gap", "时限内到不了的人口", "People out of reach", (), look),)


def conflict_rules() -> tuple[Rule, ...]:
    """Rules for places where plan layers contradict each other."""
    sure, maybe = load_catalog().symbols.conflict
    kinds = ((False, "sure", "超出位置精度的矛盾", "Deeper than the accuracy", sure), (True, "maybe", "可能是绘图误差", "May be a matter of drawing", maybe))  # fmt: skip
    return tuple(
        Rule(key, zh, en, (("within_accuracy", (value,)),), Look("polygon", color, color, 0.5, (), 1.0, 0.35, value))
        for value, key, zh, en, color in kinds
    )  # fmt: skip


#: Words for the classes of a change in minutes, most saved first; the middle one is no change.
_CHANGES = (
    "快10分钟以上",
    "快5–10分钟",
    "快0.5–5分钟",
    "",
    "慢0.5–5分钟",
    "慢5–10分钟",
    "慢10分钟以上",
)
_CHANGES_EN = ("> 10 min saved", "5–10 min saved", "0.5–5 min saved", "", "0.5–5 min lost", "5–10 min lost", "> 10 min lost")  # fmt: skip


def change_colors() -> tuple[str, ...]:
    """Colour of each class of a change in minutes, most saved first."""
    symbols = load_catalog().symbols
    return (*reversed(symbols.more), symbols.same, *reversed(symbols.less))


def change_words() -> list[tuple[int, str, str, str]]:
    """Number, Chinese and English words, and colour of each class that is a change."""
    rows = enumerate(zip(_CHANGES, _CHANGES_EN, change_colors(), strict=True))
    return [(i, zh, en, color) for i, (zh, en, color) in rows if zh]


def change_rules() -> tuple[Rule, ...]:
    """Rules for where minutes change under a scenario."""
    return tuple(
        Rule(f"change{i}", zh, en, (("class", (i,)),), Look("polygon", c, c, 0.05, (), 0.6, 0.8))
        for i, zh, en, c in change_words()
    )


def shaded(
    column: str, breaks: Sequence[float] | np.ndarray, colors: Sequence[str], unit: str = ""
) -> tuple[Rule, ...]:
    """Rules for areas shaded by a figure: up to each bound, and what lies above the last but one."""
    rules, low = [], None
    for i, (high, color) in enumerate(zip(breaks, colors, strict=True)):
        top = None if i == len(breaks) - 1 else float(high)
        words = f"> {low:,.4g}" if top is None and low is not None else f"≤ {high:,.4g}"
        look = Look("polygon", color, color, 0.05, (), 0.6, 0.75)
        words = f"{words} {unit}".strip()
        rules.append(Rule(f"{column}{i}", words, words, (), look, (column, low, top)))
        low = top
    return tuple(rules)


#: The chapter of what a run computed, and of its tables; and that of its scenarios.
RESULTS, SCENARIOS = "results", "scenarios"
#: Layers that are shown when a map opens, besides the headline's facilities and bands.
OPEN = ("districts", "water", "roads", "bridges", "greenway", "parks")
#: People per square, pale to dark.
_PEOPLE = ("#f3e6d8", "#e3c7a6", "#cfa274", "#b17c4a", "#855629")
#: Bottom to top: areas, what is computed, lines, points.
_RANK = {"boundary": 0, "zone": 1, "population": 2, "barrier": 3, "context": 4, "road": 6, "crossing": 7, "facility": 8}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One layer of a map.

    Attributes
    ----------
    id : str
        Unique among the run's layers.
    table : str
        The table that it shows, and in `only` the columns that choose its rows.
    name_zh, name_en, chapter : str
    geometry : {'point', 'line', 'polygon', 'none'}
    rules : tuple of Rule
        Empty for a plain table.
    only : tuple of (str, value)
    label_scale : int, optional
        The smallest scale at which names are shown.
    shown : bool
        Whether a map opens with it.
    rank : int
        Bottom to top.
    """

    id: str
    table: str
    name_zh: str
    name_en: str
    chapter: str
    geometry: str
    rules: tuple[Rule, ...] = ()
    only: tuple[tuple[str, Any], ...] = ()
    label_scale: int | None = None
    shown: bool = False
    rank: int = 5

    def rows(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows that it shows."""
        frame = tables[self.table]
        for column, value in self.only:
            frame = frame[frame[column] == value]
        return frame


def chapters() -> dict[str, dict[str, str]]:
    """The plan's chapters in order, and the results' behind them."""
    found = {k: dict(v) for k, v in load_catalog().chapters.items()}
    scenarios = {"zh": "情景对比", "en": "Scenarios"}
    return {**found, RESULTS: {"zh": "分析结果", "en": "Results"}, SCENARIOS: scenarios}


def drawn_of(results: Inputs) -> list[Drawn]:
    """Every layer of a run, or of a city alone, input first, in the order of the catalogue."""
    plan = results.city.analysis
    found = [_input(layer, plan.headline_facilities) for layer in results.layers.values()]
    if not isinstance(results, Results):
        return found
    return [
        *found, *_outside(results), *_bands(results), *_isochrones(results), *_gaps(results), *_conflicts(results),
        *_scenarios(results), *_others(results),
    ]  # fmt: skip


def _input(layer: Layer, headline: str) -> Drawn:
    kind = layer.kind
    height = {"polygon": 4, "line": 5, "point": 9}.get(kind.geometry, 0)
    return Drawn(
        layer.id, layer.id, kind.name_zh, kind.name_en, kind.chapter, kind.geometry,
        rules_of(kind, layer.located) if kind.geometry != "none" else (),
        label_scale=label_scale(kind), shown=layer.id in OPEN or layer.id == headline,
        rank=_RANK.get(kind.role, 4) if kind.geometry == "polygon" else height + (kind.role == "crossing"),
    )  # fmt: skip


def _pairs(results: Results) -> Iterator[tuple[LayerKind, Mode]]:
    plan, catalog = results.city.analysis, load_catalog()
    for facilities in plan.facilities:
        for mode in plan.modes:
            yield results.layers[facilities].kind, catalog.mode(mode)


def _outside(results: Results) -> list[Drawn]:
    there = set(results.outside["facilities"])
    return [
        Drawn(
            f"outside_{kind.id}", "result_outside", f"{kind.name_zh}（城市范围外）", f"{kind.name_en} beyond the boundary",
            RESULTS, "point", outside_rules(kind), (("facilities", kind.id),), rank=9,
            shown=kind.id == results.city.analysis.headline_facilities,
        )
        for kind in (layer.kind for layer in results.layers.values())
        if kind.id in there
    ]  # fmt: skip


def _bands(results: Results) -> list[Drawn]:
    plan = results.city.analysis
    return [
        Drawn(
            f"bands_{kind.id}_{mode.id}", "result_bands", f"{kind.name_zh}等时圈 · {mode.name_zh}",
            f"{kind.name_en}, {mode.name_en}: bands", RESULTS, "polygon", band_rules(plan.minutes),
            (("facilities", kind.id), ("mode", mode.id)),
            shown=(kind.id, mode.id) == (plan.headline_facilities, plan.headline_mode),
        )
        for kind, mode in _pairs(results)
    ]  # fmt: skip


def _isochrones(results: Results) -> list[Drawn]:
    plan = results.city.analysis
    return [
        Drawn(
            f"isochrones_{mode.id}", "result_isochrones", f"{kind.name_zh}逐设施等时圈 · {mode.name_zh}",
            f"{kind.name_en}, {mode.name_en}: each facility", RESULTS, "polygon", band_rules(plan.minutes),
            (("facilities", kind.id), ("mode", mode.id)),
        )
        for kind, mode in _pairs(results)
        if kind.id == plan.headline_facilities
    ]  # fmt: skip


def _gaps(results: Results) -> list[Drawn]:
    plan, there = results.city.analysis, set(results.gaps["mode"])
    return [
        Drawn(
            f"gaps_{mode.id}", "result_gaps", f"{kind.name_zh}未覆盖 · {mode.name_zh}",
            f"{kind.name_en}, {mode.name_en}: out of reach", RESULTS, "polygon", gap_rules(),
            (("mode", mode.id),),
        )
        for kind, mode in _pairs(results)
        if kind.id == plan.headline_facilities and mode.id in there
    ]  # fmt: skip


def _conflicts(results: Results) -> list[Drawn]:
    if not len(results.plan.conflicts):
        return []
    names = ("一致性核对", "Conflicts within the plan")
    return [Drawn("conflicts", "result_conflicts", *names, RESULTS, "polygon", conflict_rules(), rank=8)]  # fmt: skip


def _scenarios(results: Results) -> list[Drawn]:
    # Bands under each scenario, and where minutes change.
    plan, found = results.city.analysis, []
    modes = load_catalog().modes
    pairs = dict.fromkeys(zip(results.scenario_bands["scenario"], results.scenario_bands["facilities"], results.scenario_bands["mode"]))  # fmt: skip
    for name, facilities, mode in pairs:
        known, kind = results.scenarios[name], results.layers[facilities].kind
        only = (("scenario", name), ("facilities", facilities), ("mode", mode))
        own = f"{name}_{facilities}"
        titles = (f"{known.name_zh}：{kind.name_zh} · {modes[mode].name_zh}", f"{known.name_en}: {kind.name_en}, {modes[mode].name_en}")  # fmt: skip
        found.append(Drawn(f"scenario_{own}", "result_scenario_bands", titles[0], titles[1], SCENARIOS, "polygon", band_rules(plan.minutes), only))  # fmt: skip
        here = results.differences
        if ((here["scenario"] == name) & (here["facilities"] == facilities)).any():
            found.append(Drawn(f"difference_{own}", "result_differences", f"{titles[0]}（时间变化）", f"{titles[1]}: change", SCENARIOS, "polygon", change_rules(), only, rank=6))  # fmt: skip
    return found


def _others(results: Results) -> list[Drawn]:
    found = []
    persons = results.demand["persons"].dropna()
    persons = persons[persons > 0]
    if len(persons):
        breaks = np.unique(persons.quantile([0.2, 0.4, 0.6, 0.8, 1.0]).round(1))
        rules = shaded("persons", breaks, _PEOPLE[-len(breaks) :], "人 / people")
        found.append(
            Drawn("demand", "result_demand", "人口网格（推算）", "People per square (modelled)", RESULTS, "polygon", rules, rank=4)
        )  # fmt: skip
    tables = tables_of(results)
    words = {
        "coverage": ("覆盖人口表", "Coverage"),
        "scenario_coverage": ("情景覆盖人口表", "Coverage under scenarios"),
        "indicators": ("指标与标准表", "Indicators and standards"),
        "checks": ("图层核对表", "Checks"),
        "data_gaps": ("数据缺口表", "What the data lacks"),
        "ledger": ("规划任务台账", "The plan's ledger"),
        "targets": ("目标与现状表", "Targets over time"),
    }
    for name, (zh, en) in words.items():
        if f"result_{name}" in tables:
            found.append(Drawn(f"table_{name}", f"result_{name}", zh, en, RESULTS, "none"))
    return found


def titles_of(results: Results) -> dict[str, tuple[str, str]]:
    """Chinese and English name of every column of a run's tables."""
    catalog = load_catalog()
    names = {c: (f["zh"], f["en"]) for c, f in catalog.fields.items()}
    for kind, mode in _pairs(results):
        names[f"{kind.id}_{mode.id}_min"] = (
            f"{kind.name_zh} · {mode.name_zh}（分钟）",
            f"{kind.name_en}, {mode.name_en} (min)",
        )
    return names


def value_lists() -> dict[str, dict[str, str]]:
    """Columns that hold one of a few codes, and what each code means."""
    catalog = load_catalog()
    lists = {c: {k: w["zh"] for k, w in v.items()} for c, v in catalog.symbols.values.items()}
    lists["mode"] = {m.id: m.name_zh for m in catalog.modes.values()}
    lists["facilities"] = {k.id: k.name_zh for k in catalog.layers.values() if k.role == "facility"}
    return lists
