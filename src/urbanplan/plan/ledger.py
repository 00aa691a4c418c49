"""The ledger: each promise beside what is on the map and what is measured, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.catalog import QUALITIES, STATUSES, load_catalog, read_consistency
from urbanplan.coverage import ALL
from urbanplan.crs import WGS84
from urbanplan.indicators import figure_text
from urbanplan.layers import Layer
from urbanplan.layers.select import select
from urbanplan.plan.conflicts import conflicts
from urbanplan.plan.model import Item, Plan, Task
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: Roles of layers that carry the map rather than the plan.
_GROUND = ("boundary",)
#: The layer of goals, whose published values are held against them.
TARGETS = "targets"
LEDGER = (
    "task", "item", "part", "name_zh", "name_en", "agencies", "published", "promised_zh", "promised_en", "layers",
    "layers_en", "features", "located", *STATUSES, "indicators", "values_zh", "values_en", "distance_zh", "distance_en",
    "quality", "accuracy_m", "missing_zh", "missing_en", "note_zh", "note_en",
)  # fmt: skip


@dataclass(frozen=True)
class PlanBook:
    """A plan and everything that is told of it.

    Attributes
    ----------
    plan : Plan
        Without tasks where a city has none.
    ledger : DataFrame
        See `ledger`.
    targets : DataFrame
        See `target_table`.
    conflicts : GeoDataFrame
        See `urbanplan.plan.conflicts`.
        WGS84.
    shown : dict of str to dict of str to list of str
        By item, the features that show it: layer to ids.
    findings : tuple of str
        Tasks without layer or indicator, layers and indicators without task, rules that could not be asked.
    """

    plan: Plan
    ledger: pd.DataFrame
    targets: pd.DataFrame
    conflicts: gpd.GeoDataFrame
    shown: Mapping[str, Mapping[str, list[str]]]
    findings: tuple[str, ...]


def book(
    plan: Plan, layers: Mapping[str, Layer], indicators: pd.DataFrame, metric_crs: str
) -> PlanBook:
    """Everything that is told of a plan.

    Parameters
    ----------
    plan : Plan
    layers : dict of str to Layer
    indicators : DataFrame
        From `urbanplan.indicators.check_up`.
    metric_crs : str
        Metric system to measure conflicts in.
    """
    goals = layers[TARGETS].frame if TARGETS in layers else None
    targets = target_table(plan, goals)
    found, untold = conflicts(read_consistency(), layers, metric_crs)
    shown = {
        item.id: {n: f["id"].astype(str).tolist() for n, f in features_of(item, layers).items()}
        for _, item in plan.items
    }
    findings = (*orphans(plan, layers, indicators), *_disputed(targets), *untold)
    findings = findings if plan.tasks else ()
    told = ledger(plan, layers, indicators, targets)
    return PlanBook(plan, told, targets, found.to_crs(WGS84), shown, findings)


def ledger(
    plan: Plan, layers: Mapping[str, Layer], indicators: pd.DataFrame, targets: pd.DataFrame
) -> pd.DataFrame:
    """Each item of a plan against the city's layers and check-up.

    Parameters
    ----------
    plan : Plan
    layers : dict of str to Layer
    indicators : DataFrame
        From `urbanplan.indicators.check_up`.
    targets : DataFrame
        From `target_table`.

    Returns
    -------
    DataFrame
        `LEDGER`; one row per item, and one per task that has none. ``features`` are those of layers with places,
        of which ``located`` have one.
    """
    import pandas as pd

    rows = []
    for task in plan.tasks:
        for item in task.items:
            rows.append(_row(task, item, layers, indicators, targets))
        if not task.items:
            rows.append(_empty(task))
    return pd.DataFrame(rows, columns=list(LEDGER))


def _empty(task: Task) -> dict[str, Any]:
    none = dict.fromkeys(("features", "located", *STATUSES), 0)
    words = dict.fromkeys(("promised_zh", "promised_en", "layers", "layers_en", "indicators", "values_zh", "values_en", "distance_zh", "distance_en", "quality", "note_zh", "note_en"), "")  # fmt: skip
    missing = ("任务内容未公布", "the task is not published") if not task.published else ("没有事项", "it has no item")  # fmt: skip
    return _about(task, str(task.number), task.name_zh, task.name_en, task.agencies, task.published) | none | words | {
        "accuracy_m": np.nan, "missing_zh": missing[0], "missing_en": missing[1],
    }  # fmt: skip


def _about(task: Task, item: str, zh: str, en: str, agencies, published: bool) -> dict[str, Any]:
    return {
        "task": task.number, "item": item, "part": task.part, "name_zh": zh, "name_en": en,
        "agencies": "；".join(agencies), "published": published and task.published,
    }  # fmt: skip


def features_of(item: Item, layers: Mapping[str, Layer]) -> dict[str, gpd.GeoDataFrame]:
    """Features that show an item, by layer; several conditions on one layer add up."""
    import pandas as pd

    found: dict[str, Any] = {}
    for name, condition in item.layers:
        if name in layers:
            part = select(layers[name].frame, condition)
            found[name] = pd.concat([found[name], part]) if name in found else part
    return {n: f[~f.index.duplicated()] for n, f in found.items()}


def _row(task: Task, item: Item, layers, indicators, targets) -> dict[str, Any]:
    found = features_of(item, layers)
    frames = list(found.values())
    placed = [f for n, f in found.items() if layers[n].kind.geometry != "none"]
    located = [_located(f) for f in placed]
    count = {s: sum(int((f["status"] == s).sum()) for f in frames) for s in STATUSES}
    said = {q for f in frames for q in f["quality"]}
    worst = [f["accuracy_m"].astype(float).max() for f in located if len(f)]
    values_zh, values_en, known = _values(item, indicators)
    distance_zh, distance_en = _distance(item, targets)
    missing_zh, missing_en = _missing(item, layers, found, known)
    own = (task, item.id, item.name_zh, item.name_en, item.agencies, item.published)
    return _about(*own) | {
        "promised_zh": item.promised_zh, "promised_en": item.promised_en,
        "layers": "；".join(f"{layers[n].kind.name_zh} {len(f)}" for n, f in found.items()),
        "layers_en": "; ".join(f"{layers[n].kind.name_en} {len(f)}" for n, f in found.items()),
        "features": sum(map(len, placed)), "located": sum(map(len, located)), **count,
        "indicators": "；".join(item.indicators), "values_zh": values_zh, "values_en": values_en,
        "distance_zh": distance_zh, "distance_en": distance_en,
        "quality": "+".join(q for q in QUALITIES if q in said),
        "accuracy_m": float(np.nanmax(worst)) if worst else np.nan,
        "missing_zh": missing_zh, "missing_en": missing_en, "note_zh": item.note_zh, "note_en": item.note_en,
    }  # fmt: skip


def _values(item: Item, indicators: pd.DataFrame) -> tuple[str, str, dict[str, Any]]:
    # What is measured, in both languages, and the row of each indicator.
    words = load_catalog().symbols.values["verdict"]
    zh, en, known = [], [], {}
    for name in item.indicators:
        hit = indicators[(indicators["indicator"] == name) & (indicators["area"] == ALL)]
        for row in hit.itertuples():
            known[name] = row
            said = words[row.verdict]
            zh.append(f"{row.name_zh} {figure_text(row.value, row.unit, 'zh')}（{said['zh']}）")
            en.append(f"{row.name_en} {figure_text(row.value, row.unit, 'en')} ({said['en']})")
    return "；".join(zh), "; ".join(en), known


def _distance(item: Item, targets: pd.DataFrame) -> tuple[str, str]:
    ids = [c.partition("=")[2] for n, c in item.layers if n == TARGETS and c.startswith("id=")]
    rows = targets[targets["target"].isin(ids) & targets["still_needed"].notna()]
    zh, en = [], []
    for r in rows.itertuples():
        needed = [figure_text(r.still_needed, r.unit, lang) for lang in ("zh", "en")]
        if r.still_needed <= 0:
            zh.append(f"{r.name_zh}：{r.latest_year:.0f}年已达到")
            en.append(f"{r.name_en}: reached in {r.latest_year:.0f}")
            continue
        until = (f"至{r.year:.0f}年", f" to {r.year:.0f}") if r.year == r.year else ("起", "")
        zh.append(f"{r.name_zh}：{r.latest_year:.0f}年{until[0]}尚需 {needed[0]}")
        en.append(f"{r.name_en}: {needed[1]} still needed from {r.latest_year:.0f}{until[1]}")
    return "；".join(zh), "; ".join(en)


def _missing(item: Item, layers, found, known: Mapping[str, Any]) -> tuple[str, str]:
    said, kinds = [], load_catalog().layers
    if not item.published:
        said.append(("措施未公布", "measures not published"))
    for name in dict.fromkeys(n for n, _ in item.layers):
        zh, en = kinds[name].name_zh, kinds[name].name_en
        if name not in layers:
            said.append((f"没有图层“{zh}”", f"no layer of {en}"))
        elif not len(found[name]):
            said.append((f"“{zh}”没有这样的要素", f"nothing such in {en}"))
        elif layers[name].kind.geometry != "none" and _lost(found[name]):
            count = _lost(found[name])
            said.append((f"{zh} {count} 处位置未公布", f"{en}: {count} without a published place"))
    kept = [n for n in found if len(found[n])]
    if kept and all(layers[n].kind.geometry == "none" for n in kept):
        said.append(("只有表格记录，没有上图", "in a table only, not on the map"))
    for name in item.indicators:
        if name not in known:
            said.append((f"没有指标 {name}", f"no indicator '{name}'"))
        elif known[name].value != known[name].value:
            zh, _, en = str(known[name].why).partition(" / ")
            said.append((f"{known[name].name_zh}：{zh}", f"{known[name].name_en}: {en or zh}"))
    if not item.layers and not item.indicators:
        said.append(("没有图层或指标能说明", "neither layer nor indicator shows it"))
    return "；".join(zh for zh, _ in said), "; ".join(en for _, en in said)


def _lost(frame: gpd.GeoDataFrame) -> int:
    return len(frame) - len(_located(frame))


def _located(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    import shapely

    shapes = frame.geometry.values
    return frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]


def orphans(plan: Plan, layers: Mapping[str, Layer], indicators: pd.DataFrame) -> tuple[str, ...]:
    """Tasks that nothing shows; layers and the city's own indicators that serve none: "Chinese / English"."""
    said = []
    for task in plan.tasks:
        if task.published and not any(i.layers or i.indicators for i in task.items):
            said.append(f"任务{task.number}没有图层或指标 / task {task.number} has neither layer nor indicator")  # fmt: skip
    for name, layer in layers.items():
        if layer.kind.role not in _GROUND and len(layer.frame) and not plan.tasks_of(name):
            said.append(f"图层“{layer.kind.name_zh}”不属于任何任务 / layer '{name}' serves no task")
    own = indicators[indicators["own"] & (indicators["area"] == ALL)]
    for row in own.itertuples():
        if not plan.tasks_of_indicator(row.indicator):
            said.append(f"指标“{row.name_zh}”不属于任何任务 / indicator '{row.indicator}' serves no task")  # fmt: skip
    return tuple(said)


def _disputed(targets: pd.DataFrame) -> Iterator[str]:
    for r in targets[targets["other_goals"] != ""].itertuples():
        yield (
            f"目标“{r.name_zh}”：各文件不一致，以 {r.goal:g} 为准（{r.other_goals}）/"
            f" goal '{r.target}': documents differ; {r.goal:g} goes first ({r.other_goals})"
        )


def target_table(plan: Plan, targets: pd.DataFrame | None) -> pd.DataFrame:
    """Published values by year against the goals, and the growth that is still needed.

    Parameters
    ----------
    plan : Plan
    targets : DataFrame or None
        Rows of the targets layer: ``id, name_zh, name_en, metric, value, unit, year, baseline_value,
        baseline_year``.

    Returns
    -------
    DataFrame
        ``target, name_zh, name_en, unit, goal, other_goals, year, baseline, baseline_year, latest, latest_year,
        latest_source, values, still_needed, needed_share, per_year, past_per_year, note_zh, note_en``. Where several documents set a
        goal, that of the first by precedence is `goal`. `values` are all published points. Nothing is
        forecast: `per_year` is what is needed each year from the latest value, `past_per_year` what came
        each year between the first and the latest published one.
    """
    import pandas as pd

    columns = [
        "target", "name_zh", "name_en", "unit", "goal", "other_goals", "year", "baseline", "baseline_year", "latest",
        "latest_year", "latest_source", "values", "still_needed", "needed_share", "per_year",
        "past_per_year", "note_zh", "note_en",
    ]  # fmt: skip
    if targets is None:
        return pd.DataFrame(columns=columns)
    rows = [_target(plan, row) for row in targets.to_dict("records")]
    return pd.DataFrame(rows, columns=columns)


def _target(plan: Plan, row: Mapping[str, Any]) -> dict[str, Any]:
    def number(value: Any) -> float:
        return np.nan if is_missing(value) else float(value)

    own = plan.series.get(str(row["id"]), {"points": [], "note_zh": "", "note_en": ""})
    points = [(p["year"], float(p["value"]), p["source"]) for p in own["points"]]
    goal, others = _goal(plan, row, number(row["value"]))
    year = number(row["year"])
    baseline, since = number(row["baseline_value"]), number(row["baseline_year"])
    if not points and baseline == baseline and since == since:
        points = [(int(since), baseline, str(row["source"]))]
    latest = points[-1] if points else (np.nan, np.nan, "")
    needed = goal - latest[1]
    left = year - latest[0]
    first = points[0] if len(points) > 1 else None
    past = (latest[1] - first[1]) / (latest[0] - first[0]) if first else np.nan
    return {
        "target": row["id"], "name_zh": row["name_zh"], "name_en": row["name_en"], "unit": row["unit"],
        "goal": goal, "other_goals": others, "year": year, "baseline": baseline, "baseline_year": since, "latest": latest[1],
        "latest_year": latest[0], "latest_source": latest[2],
        "values": "；".join(f"{y}: {figure_text(v, '', 'zh')}" for y, v, _ in points),
        "still_needed": needed, "needed_share": needed / latest[1] if latest[1] else np.nan,
        "per_year": needed / left if left > 0 else np.nan, "past_per_year": past,
        "note_zh": own["note_zh"], "note_en": own["note_en"],
    }  # fmt: skip


def _goal(plan: Plan, row: Mapping[str, Any], own: float) -> tuple[float, str]:
    # The goal of the document that goes first, and what others say otherwise.
    mine = [d["precedence"] for d in plan.documents if d["id"] == plan.about.get("id")]
    said = [(min(mine, default=0), plan.about.get("document", ""), own)] if own == own else []
    for document in plan.documents:
        for goal in document["goals"]:
            if goal["target"] == row["id"]:
                name = document["document"] or document["name_zh"]
                said.append((document["precedence"], name, float(goal["value"])))
    if not said:
        return own, ""
    first, *rest = sorted(said, key=lambda x: x[0])
    return first[2], "；".join(
        f"{name}: {figure_text(v, '', 'zh')}" for _, name, v in rest if v != first[2]
    )
