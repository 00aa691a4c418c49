"""What a run looks like as layers of a map: names, chapter, rules, and which rows of which table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.catalog import load_catalog
from urbanplan.publish.content import tables_of
from urbanplan.publish.symbols import (
    Rule,
    band_rules,
    change_rules,
    conflict_rules,
    gap_rules,
    label_scale,
    outside_rules,
    rules_of,
    shaded,
)
from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

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
    only: tuple[tuple[str, object], ...] = ()
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


def drawn_of(results: Results) -> list[Drawn]:
    """Every layer of a run, input first, in the order of the catalogue."""
    plan = results.city.analysis
    found = [_input(layer, plan.headline_facilities) for layer in results.layers.values()]
    return [
        *found, *_outside(results), *_bands(results), *_isochrones(results), *_gaps(results), *_conflicts(results),
        *_scenarios(results), *_others(results),
    ]  # fmt: skip


def _input(layer, headline: str) -> Drawn:
    kind = layer.kind
    height = {"polygon": 4, "line": 5, "point": 9}.get(kind.geometry, 0)
    return Drawn(
        layer.id, layer.id, kind.name_zh, kind.name_en, kind.chapter, kind.geometry,
        rules_of(kind, layer.located) if kind.geometry != "none" else (),
        label_scale=label_scale(kind), shown=layer.id in OPEN or layer.id == headline,
        rank=_RANK.get(kind.role, 4) if kind.geometry == "polygon" else height + (kind.role == "crossing"),
    )  # fmt: skip


def _pairs(results: Results):
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
