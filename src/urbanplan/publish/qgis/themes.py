"""Map themes: what stands, what is planned, who is reached in how many minutes, who is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from urbanplan.publish.drawn import RESULTS, SCENARIOS, Drawn
from urbanplan.publish.qgis import style
from urbanplan.publish.qgis.ids import layer_id
from urbanplan.publish.xml import node
from urbanplan.study import Results

#: Layers that every theme shows, for orientation.
_BASE = ("districts", "water", "roads", "bridges")


@dataclass(frozen=True)
class Theme:
    """Which layers a theme shows, and of each which rules (all, where None)."""

    name: str
    layers: dict[str, tuple[str, ...] | None]


def themes_of(results: Results, drawn: Sequence[Drawn]) -> Iterator[Theme]:
    """A run's themes, in the order in which a list shows them."""
    plan = results.city.analysis
    inputs = {
        d.id: d for d in drawn if d.chapter not in (RESULTS, SCENARIOS) and d.geometry != "none"
    }
    near, far = _years(results)
    stages = {
        "现状 Existing": ("existing",),
        f"规划{near}（已定项目）Planned": ("existing", "planned"),
        f"远景{far}（含拟议项目）Announced": ("existing", "planned", "announced"),
    }
    areas = {"study_area", "population", "river_lines"}
    for name, statuses in stages.items():
        yield Theme(name, {k: v for k, v in _at(inputs, statuses).items() if k not in areas})
    existing = {k: v for k, v in _at(inputs, ("existing",)).items() if k in _BASE}
    headline = results.layers[plan.headline_facilities].kind
    mode = next(d for d in drawn if d.id == f"bands_{headline.id}_{plan.headline_mode}")
    here = existing | {headline.id: None}
    for minutes in plan.minutes:
        keys = tuple(r.key for r in mode.rules if r.where[0][1][0] <= minutes)
        yield Theme(f"{mode.name_zh} ≤ {minutes:g} 分钟", here | {mode.id: keys})
    for one in drawn:
        if one.table == "result_bands" and one.id != mode.id:
            facilities = dict(one.only)["facilities"]
            yield Theme(one.name_zh, existing | {facilities: None, one.id: None})
        if one.table == "result_gaps":
            yield Theme(one.name_zh, here | {one.id: None})
    yield from _of_scenarios(drawn, existing)
    yield from _of_tasks(results, inputs, existing)


def _of_scenarios(drawn: Sequence[Drawn], existing: dict) -> Iterator[Theme]:
    # A theme per scenario: its bands, with what it opens drawn too, and one of what changes.
    ways = dict.fromkeys(existing)
    for one in drawn:
        if one.chapter == SCENARIOS:
            facilities = dict(one.only)["facilities"]
            yield Theme(f"情景 {one.name_zh}", ways | {facilities: None, one.id: None})


def _of_tasks(results: Results, inputs: dict[str, Drawn], existing: dict) -> Iterator[Theme]:
    # A theme per task of the plan that anything on the map shows.
    for task in results.plan.plan.tasks:
        layers = dict.fromkeys(name for item in task.items for name, _ in item.layers)
        own = {name: None for name in layers if name in inputs}
        if own:
            yield Theme(f"任务{task.number} {task.name_zh}", existing | own)


def _years(results: Results) -> tuple[str, str]:
    # The plan's nearest and farthest horizon: what is decided is read as meant for the one, what
    # is only spoken of for the other.
    targets = results.layers.get("targets")
    if targets is None:
        return "", ""
    years = sorted({f"{y:.0f}" for y in targets.frame["year"].dropna().astype(float)})
    return (years[0], years[-1]) if years else ("", "")


def _at(inputs: dict[str, Drawn], statuses: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    # Of each layer, the rules of things that have one of these statuses.
    return {
        key: tuple(r.key for r in d.rules if r.otherwise or dict(r.where)["status"][0] in statuses)
        for key, d in inputs.items()
    }


def preset(theme: Theme, drawn: Sequence[Drawn]) -> ET.Element:
    """A theme as a project holds it."""
    by_id, parts = {d.id: d for d in drawn}, []
    for key, kept in theme.layers.items():
        if key not in by_id:
            continue
        rules = by_id[key].rules
        if kept is not None and not kept:
            continue
        parts.append(
            node("layer", {"id": layer_id(key), "visible": 1, "style": "default", "expanded": 0})
        )
        nodes = [
            node("checked-legend-node", {"id": style.rule_key(key, r)})
            for r in rules
            if kept is None or r.key in kept
        ]
        parts.append(node("checked-legend-nodes", {"id": layer_id(key)}, *nodes))
    return node("visibility-preset", {"name": theme.name, "has-checked-group-info": 0, "has-expanded-info": 0}, *parts)  # fmt: skip
