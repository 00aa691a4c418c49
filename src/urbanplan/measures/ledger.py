"""A plan as a ledger: what each task, goal and document is answered by, and where its layers contradict each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.base.crs import WGS84
from urbanplan.base.grid import ALL
from urbanplan.base.schema import is_missing
from urbanplan.catalog import QUALITIES, STATUSES, Consistency, load_catalog, read_consistency
from urbanplan.city.layers import Layer, select
from urbanplan.measures.indicators import figure_text
from urbanplan.measures.plan import Item, Plan, Task, parse_plan

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

__all__ = [
    "LEDGER",
    "Item",
    "Plan",
    "PlanBook",
    "Task",
    "book",
    "conflicts",
    "ledger",
    "orphans",
    "parse_plan",
    "target_table",
]


#: Ends of lines this near to a district's border end at it; ends this near to each other meet.
_AT_BORDER_M, _MEET_M = 300.0, 100.0
#: How much of a line before its end tells whether it runs along a border; and how finely a line is looked at.
_ALONG_M, _STEP_M = 1500.0, 10.0
#: Half the width of the strip that shows a conflict without an area.
_STRIP_M = 15.0
#: Points of one kind nearer than this are likely the same thing, whatever they are called.
_SAME_M = 50.0
#: Points of one name nearer than this may be: GCJ-02 lies up to about 700 m beside WGS84.
_SAME_NAME_M = 700.0
#: A name that more features have is a common one ("kindergarten"): it tells of no thing twice.
_MOST_OF_A_NAME = 3
#: What a feature is called that has no name (`urbanplan.city.repair`).
_UNNAMED = "未命名"
#: Half the width up to which a space between neighbours is a gap rather than land outside.
_GAP_M = 100.0
COLUMNS = (
    "rank", "rule", "name_zh", "name_en", "layer_a", "feature_a", "feature_a_zh", "feature_a_en", "layer_b",
    "feature_b", "feature_b_zh", "feature_b_en", "district", "area_ha", "length_km", "within_accuracy", "accuracy_m", "quality",
)  # fmt: skip


@dataclass(frozen=True)
class _Hit:
    # Two features (or one and a border) and what they have in conflict.
    a: Any
    b: Any
    shape: Any
    depth_m: float


def conflicts(
    rules: Mapping[str, Consistency], layers: Mapping[str, Layer], crs: str
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Find where plan layers contradict each other.

    Parameters
    ----------
    rules : dict of str to Consistency
        From `urbanplan.catalog.read_consistency`.
    layers : dict of str to Layer
    crs : str
        Metric system to measure in.

    Returns
    -------
    frame : GeoDataFrame
        In that system; `COLUMNS` and the area of each conflict (a strip 30 m wide where it is along a line), the gravest
        first: what is deeper than the accuracy of what is drawn goes before what may be a matter of
        drawing (``within_accuracy``), then by size.
    findings : tuple of str
        What is lacking for rules that could not be asked, as "Chinese / English".
    """
    import geopandas as gpd

    rows, shapes, lacking = [], [], []
    known: dict[str, _Rows] = {}
    for name, rule in rules.items():
        missing = [x for x in (rule.a, rule.b) if x and not _has(layers, x)]
        if missing:
            lacking += missing
            continue
        there = [x for x in (rule.a, rule.b, *rule.joins) if x and _has(layers, x)]
        known |= {x: _metric(layers[x], crs) for x in there if x not in known}
        frames = {x: known[x] for x in there}
        for hit in _KINDS[rule.kind](rule, frames):
            rows.append(_conflict_row(name, rule, hit))
            shapes.append(hit.shape if hit.shape.area else hit.shape.buffer(_STRIP_M))
    frame = gpd.GeoDataFrame(rows, columns=list(COLUMNS[1:]), geometry=shapes, crs=crs)
    size = frame["area_ha"].fillna(0) * 1e4 + frame["length_km"].fillna(0) * 1e3
    frame["_size"] = size
    frame = frame.sort_values(["within_accuracy", "_size"], ascending=[True, False], kind="stable")
    frame = frame.drop(columns="_size").reset_index(drop=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame[[*COLUMNS, "geometry"]], tuple(_untold(lacking))


def _untold(lacking: list[str]) -> Iterator[str]:
    kinds = load_catalog().layers
    for name, count in Counter(lacking).items():
        yield (
            f"没有“{kinds[name].name_zh}”图层：{count} 条一致性规则无法判断 /"
            f" no layer of {kinds[name].name_en}: {count} rules of consistency cannot be told"
        )


def _has(layers: Mapping[str, Layer], name: str) -> bool:
    return name in layers and len(layers[name].located) > 0


class _Rows(NamedTuple):
    # A layer's shapes in metres, and what is known of each: thousands are met one by one.
    shapes: np.ndarray
    about: list[dict[str, Any]]


def _metric(layer: Layer, crs: str) -> _Rows:
    frame = layer.located.to_crs(crs)
    shapes = frame.geometry.make_valid()
    # Mending an area may leave threads beside it, which have no inside to measure.
    if layer.kind.geometry == "polygon":
        shapes = shapes.map(partial(_of_family, lines=False))
    about = frame.drop(columns=frame.geometry.name).to_dict("records")
    return _Rows(np.array(list(shapes), object), about)


def _conflict_row(name: str, rule: Consistency, hit: _Hit) -> dict[str, Any]:
    a, b = hit.a, hit.b
    accuracy = [float(x["accuracy_m"]) for x in (a, b) if x is not None and not is_missing(x["accuracy_m"])]  # fmt: skip
    worst = max(accuracy, default=np.nan)
    said = {str(x["quality"]) for x in (a, b) if x is not None}
    area, length = hit.shape.area, hit.shape.length
    return {
        "rule": name, "name_zh": rule.name_zh, "name_en": rule.name_en,
        "layer_a": rule.a, "feature_a": a["id"], "feature_a_zh": a["name_zh"], "feature_a_en": a["name_en"],
        "layer_b": rule.b or rule.a, "feature_b": "" if b is None else b["id"],
        "feature_b_zh": "" if b is None else b["name_zh"],
        "feature_b_en": "" if b is None else b["name_en"], "district": a["district"],
        "area_ha": area / 1e4 if area else np.nan,
        "length_km": length / 1e3 if not area and length else np.nan,
        "within_accuracy": bool(hit.depth_m <= worst), "accuracy_m": worst,
        # No better known than the worse of the two.
        "quality": [q for q in QUALITIES if q in said][-1],
    }  # fmt: skip


def _depth_m(shape: Any) -> float:
    # How far in the conflict reaches: the greatest circle that fits, or a line's length.
    import shapely

    if shape.area:
        parts = shapely.get_parts(shape)
        biggest = parts[int(shapely.area(parts).argmax())]
        return 2 * float(shapely.length(shapely.maximum_inscribed_circle(biggest)))
    return float(shape.length)


def _meetings(a: _Rows, b: _Rows) -> Iterator[tuple[int, int, Any]]:
    # Which of one meet which of the other, and what they share.
    import shapely

    left, right = shapely.STRtree(b.shapes).query(a.shapes, predicate="intersects")
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    yield from zip(left, right, shapely.intersection(a.shapes[left], b.shapes[right]))


def _of_family(shape: Any, lines: bool) -> Any:
    import shapely

    # What two shapes share, or a mended one is made of, does not overlap itself: it is gathered, not united.
    parts = shapely.get_parts(shape)
    parts = parts[shapely.get_type_id(parts) == (1 if lines else 3)]
    if len(parts) == 1:
        return parts[0]
    gather = shapely.multilinestrings if lines else shapely.multipolygons
    return gather(parts) if len(parts) else shapely.Polygon()


def _overlap(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    a, b = frames[rule.a], frames[rule.b]
    for i, j, shared in _meetings(a, b):
        shape = _of_family(shared, lines=False)
        if shape.area >= rule.least:
            yield _Hit(a.about[i], b.about[j], shape, _depth_m(shape))


def _through(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    import shapely

    a, b = frames[rule.a], frames[rule.b]
    rims = shapely.boundary(b.shapes)
    for i, j, shared in _meetings(a, b):
        shape = _of_family(shared, lines=True)
        if shape.length >= rule.least:
            # A line is in conflict as deep as it runs from the edge, not as long as it is.
            points = shapely.points(shapely.get_coordinates(shapely.segmentize(shape, _STEP_M)))
            deep = shapely.distance(points, rims[j]).max()
            yield _Hit(a.about[i], b.about[j], shape, float(deep))


def _outside(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    import shapely

    a, limit = frames[rule.a], shapely.union_all(frames[rule.b].shapes)
    shapely.prepare(limit)
    for i in np.flatnonzero(~shapely.covers(limit, a.shapes)):
        rest = _of_family(a.shapes[i].difference(limit), lines=False)
        if rest.area >= rule.least:
            yield _Hit(a.about[i], None, rest, _depth_m(rest))


def _gap(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    # Slivers and small holes between neighbours.
    import shapely

    a = frames[rule.a]
    whole = shapely.union_all(a.shapes)
    closed = whole.buffer(_GAP_M).buffer(-_GAP_M)
    edge = closed.boundary
    for part in shapely.get_parts(_of_family(closed.difference(whole), lines=False)):
        # What closing rounds off at the outer edge is mostly edge.
        if part.area < rule.least:
            continue
        rim = shapely.buffer(shapely.clip_by_rect(edge, *part.buffer(1).bounds), 0.1)
        if part.boundary.intersection(rim).length < 0.2 * part.length:
            nearest = int(shapely.distance(a.shapes, part).argmin())
            yield _Hit(a.about[nearest], None, part, _depth_m(part))


def _twice(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    import shapely

    a = frames[rule.a]
    for i, j in sorted(_alike(a)):
        one, other = a.shapes[i], a.shapes[j]
        if one.area and other.area:
            shape = _of_family(one.intersection(other), lines=False)
            if shape.area >= rule.least:
                yield _Hit(a.about[i], a.about[j], shape, _depth_m(shape))
        else:
            ends = [one.representative_point(), other.representative_point()]
            # The same thing twice is no matter of how well it is placed.
            yield _Hit(a.about[i], a.about[j], shapely.LineString(ends), np.inf)


def _alike(a: _Rows) -> set[tuple[int, int]]:
    # Pairs that may be one thing: areas that meet, and points that are near enough for their names.
    import shapely

    shapes = a.shapes
    flat = shapely.area(shapes) > 0
    areas, points = np.flatnonzero(flat), np.flatnonzero(~flat)
    left, right = shapely.STRtree(shapes[areas]).query(shapes[areas], predicate="intersects")
    found = list(zip(areas[left].tolist(), areas[right].tolist()))
    if len(points):
        # The nearest one of each is enough: of many in one place, every one is told, not every pair.
        at, area = shapely.STRtree(shapes[areas]).query_nearest(
            shapes[points], max_distance=_SAME_M, all_matches=False
        )
        found += zip(points[at].tolist(), areas[area].tolist())
        found += _near(points, shapely.get_coordinates(shapely.point_on_surface(shapes[points])))
    named: dict[str, list[int]] = {}
    for row, about in enumerate(a.about):
        name = about["name_zh"]
        named.setdefault("" if is_missing(name) else re.sub(r"[\s（）()·]", "", name), []).append(
            row
        )
    for name, rows in named.items():
        if name and _UNNAMED not in name and 1 < len(rows) <= _MOST_OF_A_NAME:
            found += [
                (int(i), int(j))
                for i, j in combinations(rows, 2)
                if not (flat[i] and flat[j]) and shapes[i].distance(shapes[j]) <= _SAME_NAME_M
            ]
    return {(min(i, j), max(i, j)) for i, j in found if i != j}


def _near(points: np.ndarray, xy: np.ndarray) -> Iterator[tuple[int, int]]:
    # Each point and the nearest other, if that is near; those in one place one after another.
    from scipy.spatial import cKDTree

    first, place = np.unique(xy, axis=0, return_index=True, return_inverse=True)[1:]
    order = np.argsort(place.ravel(), kind="stable")
    same = np.diff(place.ravel()[order]) == 0
    yield from zip(points[order[:-1][same]].tolist(), points[order[1:][same]].tolist())
    if len(first) > 1:
        far, other = cKDTree(xy[first]).query(xy[first], k=2)
        close = far[:, 1] <= _SAME_M
        yield from zip(points[first[close]].tolist(), points[first[other[close, 1]]].tolist())


def _broken(rule: Consistency, frames: Mapping[str, _Rows]) -> Iterator[_Hit]:
    # Ends near a border between two districts that meet no other line of the layer.
    import shapely

    a, areas = frames[rule.a], frames[rule.b]
    inner = _inner_borders(areas)
    # One district, or several that do not touch: there is no border to break off at.
    if inner.is_empty:
        return
    shapely.prepare(inner)
    trees = [shapely.STRtree(frames[x].shapes) for x in (rule.a, *rule.joins) if x in frames]
    parts, of = shapely.get_parts(a.shapes, return_index=True)
    ends = shapely.get_point(parts[:, None], [0, -1])
    for row, side in np.argwhere(shapely.dwithin(inner, ends, _AT_BORDER_M)):
        end, i = ends[row, side], of[row]
        near = [tree.query(end, predicate="dwithin", distance=_MEET_M) for tree in trees]
        if (near[0] != i).any() or any(map(len, near[1:])) or _along(parts[row], end, inner):
            continue
        gap = shapely.shortest_line(end, inner)
        yield _Hit(a.about[i], None, gap if gap.length else end, _AT_BORDER_M)


def _along(line: Any, end: Any, border: Any) -> bool:
    # A way along a river that is a border does not break off there: looked at every 10 m.
    import shapely

    near = shapely.get_parts(line.intersection(end.buffer(_ALONG_M)))
    steps = [np.arange(_STEP_M / 2, max(p.length, _STEP_M), _STEP_M) for p in near]
    places = [shapely.line_interpolate_point(p, s) for p, s in zip(near, steps)]
    return bool(shapely.dwithin(border, np.concatenate(places), _AT_BORDER_M).mean() > 0.7)


def _inner_borders(areas: _Rows) -> Any:
    import shapely

    shapes = areas.shapes
    # Corners need not be round: a border within 50 m is another's, give or take a metre.
    wider = shapely.buffer(shapes, 50, quad_segs=3)
    i, j = shapely.STRtree(shapes).query(wider, predicate="intersects")
    i, j = i[i != j], j[i != j]
    return shapely.union_all(shapely.intersection(wider[i], shapely.boundary(shapes[j])))


_KINDS = {"overlap": _overlap, "through": _through, "outside": _outside, "gap": _gap, "twice": _twice, "broken": _broken}  # fmt: skip


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
        See `urbanplan.measures.ledger`.
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
        From `urbanplan.measures.indicators.check_up`.
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
        From `urbanplan.measures.indicators.check_up`.
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


def _about(
    task: Task, item: str, zh: str, en: str, agencies: Sequence[str], published: bool
) -> dict[str, Any]:
    return {
        "task": task.number, "item": item, "part": task.part, "name_zh": zh, "name_en": en,
        "agencies": "; ".join(agencies), "published": published and task.published,
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


def _row(
    task: Task,
    item: Item,
    layers: Mapping[str, Layer],
    indicators: pd.DataFrame,
    targets: pd.DataFrame,
) -> dict[str, Any]:
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
        "indicators": "; ".join(item.indicators), "values_zh": values_zh, "values_en": values_en,
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


def _missing(
    item: Item,
    layers: Mapping[str, Layer],
    found: Mapping[str, gpd.GeoDataFrame],
    known: Mapping[str, Any],
) -> tuple[str, str]:
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
        "values": "; ".join(f"{y}: {figure_text(v, '', 'zh')}" for y, v, _ in points),
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
    return first[2], "; ".join(
        f"{name}: {figure_text(v, '', 'zh')}" for _, name, v in rest if v != first[2]
    )
