"""Does the plan agree with itself: overlaps, gaps and breaks between its layers, ranked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.catalog import QUALITIES, Consistency, load_catalog
from urbanplan.layers import Layer
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import geopandas as gpd

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
#: What a feature is called that has no name (`urbanplan.intake.fields`).
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

    rows, shapes, lacking, known = [], [], [], {}
    for name, rule in rules.items():
        missing = [x for x in (rule.a, rule.b) if x and not _has(layers, x)]
        if missing:
            lacking += missing
            continue
        there = [x for x in (rule.a, rule.b, *rule.joins) if x and _has(layers, x)]
        known |= {x: _metric(layers[x], crs) for x in there if x not in known}
        frames = {x: known[x] for x in there}
        for hit in _KINDS[rule.kind](rule, frames):
            rows.append(_row(name, rule, hit))
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


def _row(name: str, rule: Consistency, hit: _Hit) -> dict[str, Any]:
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

    wanted = ("LineString",) if lines else ("Polygon",)
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in wanted]
    if len(parts) == 1:
        return parts[0]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _overlap(rule: Consistency, frames) -> Iterator[_Hit]:
    a, b = frames[rule.a], frames[rule.b]
    for i, j, shared in _meetings(a, b):
        shape = _of_family(shared, lines=False)
        if shape.area >= rule.least:
            yield _Hit(a.about[i], b.about[j], shape, _depth_m(shape))


def _through(rule: Consistency, frames) -> Iterator[_Hit]:
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


def _outside(rule: Consistency, frames) -> Iterator[_Hit]:
    import shapely

    a, limit = frames[rule.a], shapely.union_all(frames[rule.b].shapes)
    shapely.prepare(limit)
    for i in np.flatnonzero(~shapely.covers(limit, a.shapes)):
        rest = _of_family(a.shapes[i].difference(limit), lines=False)
        if rest.area >= rule.least:
            yield _Hit(a.about[i], None, rest, _depth_m(rest))


def _gap(rule: Consistency, frames) -> Iterator[_Hit]:
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


def _twice(rule: Consistency, frames) -> Iterator[_Hit]:
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


def _broken(rule: Consistency, frames) -> Iterator[_Hit]:
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
