"""From streets and a mode to a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.base.crs import WGS84, metric_crs_of, transform
from urbanplan.catalog import SPEED_FACTORS, STEEPEST, Mode, StreetRules
from urbanplan.errors import InputError
from urbanplan.routing.graph import hilbert, ragged
from urbanplan.routing.network import Network
from urbanplan.routing.street_rules import (
    at_ends_only,
    carries,
    classes_of,
    conditional,
    duration_min,
    is_area,
    speeds_kmh,
    stops,
)
from urbanplan.routing.turns import Junctions, at_hours, binding, enclosed
from urbanplan.sources.osm import SQUARE
from urbanplan.sources.streets import Restriction, Streets, dry_ways

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Roads that nobody crosses on foot.
_MOTORWAYS = frozenset({"motorway", "motorway_link"})


class _Segments(NamedTuple):
    """Straight pieces of street between two points."""

    a: np.ndarray
    b: np.ndarray
    length_m: np.ndarray
    ahead_min: np.ndarray
    back_min: np.ndarray
    through: np.ndarray
    private: np.ndarray
    way: np.ndarray


def build_network(
    streets: Streets,
    mode: Mode,
    *,
    crs: str | None = None,
    heights_m: np.ndarray | None = None,
    water: BaseGeometry | None = None,
) -> Network:
    """Which streets may this mode use, and how long does each take?

    Parameters
    ----------
    streets : Streets
    mode : Mode
        With rules for streets.
    crs : str, optional
        Projected system in metres for coordinates; the UTM zone of the streets by default.
    heights_m : ndarray, shape (points,), optional
        Height of each of the streets' points; slopes then change the speed.
    water : geometry, optional
        In `crs`: nobody walks across it beside the streets.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If the mode has no rules for streets, or may use none of them.
    """
    if mode.streets is None:
        raise InputError(
            f"mode '{mode.id}' has no rules for streets", remedy=f"add [{mode.id}.streets]"
        )
    rules = mode.streets
    streets, around = with_squares(_ships_apart(streets, rules), rules)
    segments, point = _segments(streets, rules, heights_m)
    if not len(segments.a):
        raise InputError(
            f"no street is open to mode '{mode.id}'",
            where=streets.source or None,
            remedy="check the highway and access tags, or the mode's classes",
        )
    crs = crs or metric_crs_of(streets.lonlat)
    xy = transform(streets.lonlat[point], WGS84, crs)
    network = _assemble(streets, mode, rules, crs, segments, point, xy)
    notes = (
        *streets.findings,
        *around,
        *_hours_unread(streets, rules),
        *_ferry_findings(streets, rules),
    )
    notes = (*notes, *_pocket_findings(network), *network.findings)
    network = replace(network, findings=notes, water=water)
    if heights_m is None:
        return network
    notes = _heights_lacking(segments, heights_m[point])
    return replace(network, findings=(*network.findings, *notes))


def _heights_lacking(segments: _Segments, heights_m: np.ndarray) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    unknown = int(np.isnan(heights_m).sum())
    if unknown:
        notes += (
            f"{unknown:,} of {len(heights_m):,} street points have no height: streets there count as level",
        )
    rise = np.abs(heights_m[segments.b] - heights_m[segments.a])
    steep = segments.length_m[rise > STEEPEST * segments.length_m].sum()
    if steep:
        notes += (
            f"{steep / 1000:.2f} km of streets would be steeper than {STEEPEST:.0%} by these heights:"
            " they count as level",
        )
    return notes


def _hours_unread(streets: Streets, rules: StreetRules) -> tuple[str, ...]:
    # What depends on the hour is not followed: how much is that?
    marked = np.array([conditional(tags, rules) for tags in streets.tags], bool)[streets.tags_of]
    if not marked.any():
        return ()
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    inner = np.flatnonzero((way[1:] == way[:-1]) & marked[way[1:]])
    length = _length_m(streets.lonlat, streets.refs[inner], streets.refs[inner + 1]).sum()
    return (
        f"{length / 1000:.1f} km of streets have rules for certain hours or vehicles"
        " (:conditional tags): they are not followed",
    )


def _ferries(streets: Streets, rules: StreetRules) -> tuple[np.ndarray, np.ndarray, float]:
    # Ways that are ferries for the mode, their speed over the whole way, and their length.
    ferry = np.flatnonzero(
        np.array([carries(t, rules) for t in streets.tags], bool)[streets.tags_of]
    )
    kmh, total_m = np.full(len(ferry), rules.ferry_kmh), 0.0
    for n, way in enumerate(ferry.tolist()):
        refs = streets.refs[streets.first[way] : streets.first[way + 1]]
        length_m = float(_length_m(streets.lonlat, refs[:-1], refs[1:]).sum())
        minutes = duration_min(streets.tags[streets.tags_of[way]].get("duration"))
        total_m += length_m
        if minutes and length_m:
            kmh[n] = 0.06 * length_m / minutes
    return ferry, kmh, total_m


def _ships_apart(streets: Streets, rules: StreetRules) -> Streets:
    # Nobody changes ships at sea: where ferries cross, and neither lands nor ends, each has a point of its own.
    ferry = _ferries(streets, rules)[0] if rules.ferries else np.zeros(0, np.int64)
    if not len(ferry):
        return streets
    aboard = np.isin(np.repeat(np.arange(streets.ways), np.diff(streets.first)), ferry)
    held = np.zeros(len(streets.lonlat), bool)
    held[streets.refs[~aboard]] = True
    held[streets.refs[np.r_[streets.first[:-1], streets.first[1:] - 1]]] = True
    at = np.flatnonzero(aboard & ~held[streets.refs])
    at = np.delete(at, np.unique(streets.refs[at], return_index=True)[1])
    refs, points = streets.refs.copy(), streets.refs[at]
    refs[at] = len(streets.lonlat) + np.arange(len(at))
    new = int(streets.point_ids.max(initial=0)) + 1 + np.arange(len(at))
    return replace(
        streets,
        refs=refs,
        lonlat=np.concatenate([streets.lonlat, streets.lonlat[points]]),
        point_ids=np.r_[streets.point_ids, new],
    )


def _ferry_findings(streets: Streets, rules: StreetRules) -> tuple[str, ...]:
    ferry, _, total_m = _ferries(streets, rules)
    if not len(ferry):
        return ()
    km = f"{len(ferry):,} ferries ({total_m / 1000:.1f} km)"
    if rules.ferries:
        return (f"{km} are taken, without waiting for them",)
    return (f"{km} are left out: ferries = true in a mode's rules takes them",)


def _segments(
    streets: Streets, rules: StreetRules, heights_m: np.ndarray | None
) -> tuple[_Segments, np.ndarray]:
    # Segments over compact node numbers, and the point behind each node.
    kmh = np.array([speeds_kmh(tags, rules) for tags in streets.tags]).reshape(-1, 2)
    kmh = kmh[streets.tags_of]
    ferry, ferry_kmh, _ = _ferries(streets, rules)
    if rules.ferries:
        kmh[ferry] = ferry_kmh[:, None]
    # What a scenario adds is entered at its ends only: see `sources.altered`.
    classes = [
        any(c in rules.no_stopping for c in classes_of(tags)) or tags.get("stopping") == "no"
        for tags in streets.tags
    ]
    owned = [at_ends_only(tags, rules) for tags in streets.tags]
    through, private = (np.array(c, bool)[streets.tags_of] for c in (classes, owned))
    through[ferry] = True
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    inner = np.flatnonzero((way[1:] == way[:-1]) & (kmh.any(1)[way[1:]] if len(way) else False))
    a, b, way = streets.refs[inner], streets.refs[inner + 1], way[inner]
    moved = a != b
    a, b, way = a[moved], b[moved], way[moved]
    length = _length_m(streets.lonlat, a, b)
    minutes = np.full((len(way), 2), np.inf)
    np.divide(0.06 * length[:, None], kmh[way], out=minutes, where=kmh[way] > 0)
    if heights_m is not None:
        minutes *= _slope_factors(rules, heights_m[b] - heights_m[a], length)
    point = np.arange(len(streets.lonlat))
    shut = [p for p, tags in streets.point_tags.items() if stops(tags, rules)]
    guarded = [p for p, tags in streets.point_tags.items() if at_ends_only(tags, rules)]
    a, b, point = _cut(a, b, point, shut, guarded)
    more = len(a) - len(way)
    used, number = _numbered(len(point), a, b)
    ahead, back = np.r_[minutes, np.zeros((more, 2))].T
    return _Segments(
        number[a],
        number[b],
        np.r_[length, np.zeros(more)],
        ahead,
        back,
        np.r_[through[way], np.ones(more, bool)],
        np.r_[private[way], np.ones(more, bool)],
        np.r_[way, np.full(more, -1)],
    ), point[used]


def _numbered(count: int, *ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # What of 0..count-1 occurs, ascending, and the number of each among them.
    occurs = np.zeros(count, bool)
    for end in ends:
        occurs[end] = True
    return np.flatnonzero(occurs), np.cumsum(occurs) - 1


def _cut(
    a: np.ndarray, b: np.ndarray, point: np.ndarray, shut: list[int], guarded: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # A point that stops the mode becomes a dead end of its own for every segment that meets it. Through a guarded one,
    # a private step of no length leads from each of them: it is passed at the ends of a trip only.
    if not shut and not guarded:
        return a, b, point
    cut = np.zeros(len(point), bool)
    cut[shut] = cut[guarded] = True
    ends = np.concatenate([a, b]).astype(np.int64)
    hit = np.flatnonzero(cut[ends])
    extra = len(point) + np.arange(len(hit))
    gate = ends[hit].copy()
    point = np.concatenate([point, gate])
    ends[hit] = extra
    opened = np.isin(gate, guarded) & ~np.isin(gate, shut)
    return (
        np.r_[ends[: len(a)], extra[opened]],
        np.r_[ends[len(a) :], gate[opened]],
        point,
    )


def _length_m(lonlat: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Radii of curvature of the WGS84 ellipsoid at mid-latitude: within 1e-6 for a few kilometres.
    semi_major, e2 = 6_378_137.0, 0.006_694_379_990_14
    (lon_a, lat_a), (lon_b, lat_b) = np.radians(lonlat[a]).T, np.radians(lonlat[b]).T
    middle = (lat_a + lat_b) / 2
    w = 1 - e2 * np.sin(middle) ** 2
    east = semi_major / np.sqrt(w) * np.cos(middle) * (lon_b - lon_a)
    north = semi_major * (1 - e2) / w**1.5 * (lat_b - lat_a)
    return np.hypot(east, north)


def _slope_factors(rules: StreetRules, rise_m: np.ndarray, length_m: np.ndarray) -> np.ndarray:
    slope = np.divide(rise_m, length_m, out=np.zeros_like(length_m), where=length_m > 0)
    # Also what is not known.
    slope = np.where(np.abs(slope) <= STEEPEST, slope, 0.0)
    factor = SPEED_FACTORS[rules.slope]
    return 1 / np.stack([factor(slope), factor(-slope)], axis=1)


def _assemble(
    streets: Streets,
    mode: Mode,
    rules: StreetRules,
    crs: str,
    segments: _Segments,
    point: np.ndarray,
    xy: np.ndarray,
) -> Network:
    from urbanplan.routing.search import add_up, join

    ahead, back = np.isfinite(segments.ahead_min), np.isfinite(segments.back_min)
    binds = [(kind, t) for t in streets.restrictions for kind in [binding(t.tags, rules.turns)] if kind]  # fmt: skip
    kind, fixed = segments.through + 2 * segments.private, _turning(streets, binds, point)
    first, segment, turned = join(len(point), segments.a, segments.b, ahead, back, kind, fixed)
    start = np.where(turned, segments.b[segment], segments.a[segment])
    end = np.where(turned, segments.a[segment], segments.b[segment])
    tail, head = start[first[:-1]], end[first[1:] - 1]
    length = np.add.reduceat(segments.length_m[segment], first[:-1])
    node, place = _hilbert_nodes(tail, head, xy)
    part = _parts(tail, head, length)
    chosen = np.lexsort((length, place[head], place[tail]))
    take = ragged(first[chosen], first[chosen + 1])
    first = np.concatenate([[0], np.cumsum(np.diff(first)[chosen])])
    segment, turned, end = segment[take], turned[take], end[take]
    bend = first + np.arange(len(first))
    vertex = np.empty(bend[-1], np.int64)
    vertex[bend[:-1]] = tail[chosen]
    vertex[ragged(bend[:-1] + 1, bend[1:])] = end
    spent = add_up(first, segment, turned, segments.ahead_min, segments.back_min)
    tail, head = place[tail[chosen]].astype(np.int32), place[head[chosen]].astype(np.int32)
    private = enclosed(tail, head, length[chosen], segments.private[segment[first[:-1]]])
    ways = segments.way[np.stack([segment[first[:-1]], segment[first[1:] - 1]], axis=1)]
    forbidden, notes = _forbidden(
        streets, rules, binds, tail, head, spent[bend[1:] - 1], ways, point[node]
    )
    return Network(
        mode=mode,
        crs=crs,
        xy=xy[node],
        node_ids=streets.point_ids[point[node]],
        tail=tail,
        head=head,
        bend=bend,
        vertex_xy=xy[vertex],
        spent=spent,
        length_m=length[chosen],
        through=segments.through[segment[first[:-1]]],
        private=private,
        forbidden=forbidden,
        part=part[chosen],
        fence_xy=transform(streets.fence_lonlat, WGS84, crs),
        fence_first=streets.fence_first,
        **_motorways(streets, crs),
        entrances=transform(streets.entrances, WGS84, crs),
        source=streets.source,
        licence=streets.licence,
        as_of=streets.as_of,
        findings=(*_part_findings(length, part), *notes),
    )


def _motorways(streets: Streets, crs: str) -> dict[str, np.ndarray]:
    # Vertices of all motorways on the ground, and where each begins: nobody walks across one.
    shut = np.array(
        [
            t.get("motorroad") == "yes" or not _MOTORWAYS.isdisjoint(classes_of(t))
            for t in streets.tags
        ],
        bool,
    )[streets.tags_of]
    ways = np.flatnonzero(shut & dry_ways(streets) & (np.diff(streets.first) > 1))
    points = streets.refs[ragged(streets.first[ways], streets.first[ways + 1])]
    return {
        "motorway_xy": transform(streets.lonlat[points], WGS84, crs),
        "motorway_first": np.r_[0, np.cumsum(np.diff(streets.first)[ways])].astype(np.int64),
    }


def _turning(
    streets: Streets, binds: Sequence[tuple[str, Restriction]], point: np.ndarray
) -> np.ndarray:
    # Points where a turn is forbidden, or a way begins or ends that such a turn leads over: they are never bends.
    if not binds:
        return np.zeros(len(point), bool)
    at = {turn.via[0] for _, turn in binds if not turn.via_ways}
    over = {w for _, t in binds if t.via_ways for w in (t.from_way, *t.via, t.to_way)}
    ways = np.flatnonzero(np.isin(streets.way_ids, list(over)))
    ends = np.r_[streets.refs[streets.first[ways]], streets.refs[streets.first[ways + 1] - 1]]
    return np.isin(streets.point_ids[point], list(at)) | np.isin(point, ends)


def _forbidden(
    streets: Streets,
    rules: StreetRules,
    binds: Sequence[tuple[str, Restriction]],
    tail: np.ndarray,
    head: np.ndarray,
    minutes: np.ndarray,
    ways: np.ndarray,
    point: np.ndarray,
) -> tuple[np.ndarray, tuple[str, ...]]:
    # Turns that must not be taken, as rows of directed edges filled up with -1, and what is to be said of them.
    notes: tuple[str, ...] = ()
    rows: set[tuple[int, ...]] = set()
    if binds:
        ids = np.where(ways >= 0, streets.way_ids[ways], -1)
        junctions = Junctions(tail, head, minutes, ids, streets.point_ids[point])
        rows, obeyed, unclear = junctions.forbidden(binds)
        notes += (f"{obeyed:,} turn restrictions are obeyed",) * bool(obeyed)
        notes += (
            f"{unclear:,} turn restrictions are not obeyed: a way runs on where they apply",
        ) * bool(unclear)
    hours = sum(at_hours(turn.tags) for turn in streets.restrictions)
    if hours and rules.turns:
        notes += (f"{hours:,} turn restrictions for certain hours are not followed",)
    longest = max(map(len, rows), default=2)
    table = np.full((len(rows), longest), -1, np.int64)
    for n, row in enumerate(sorted(rows)):
        table[n, : len(row)] = row
    return table, notes


def _parts(tail: np.ndarray, head: np.ndarray, length: np.ndarray) -> np.ndarray:
    # Which part of the streets each edge belongs to, the longest first.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = int(max(tail.max(), head.max())) + 1
    links = coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(size, size))
    part = connected_components(links.tocsr(), directed=False)[1][tail]
    metres = np.bincount(part, length)
    order = np.argsort(-metres, kind="stable")
    return np.argsort(order, kind="stable")[part].astype(np.int32)


def _part_findings(length: np.ndarray, part: np.ndarray) -> tuple[str, ...]:
    km, apart = length.sum() / 1000, length[part > 0].sum() / 1000
    return (
        f"{apart:.1f} km of {km:.1f} km of streets ({apart / km:.1%}) are not joined to the rest"
        f" ({part.max():,} parts): ways there begin and end in the same part",
    ) * bool(apart)


def _pocket_findings(network: Network) -> tuple[str, ...]:
    km, shut = network.length_m.sum() / 1000, ~network.joined.all(axis=1)
    pocket = network.length_m[shut].sum() / 1000
    return (
        f"{pocket:.1f} km of {km:.1f} km of streets ({pocket / km:.1%}) can be entered and not left,"
        " or left and not entered: ways to places there or from there are one-way too",
    ) * bool(pocket > 1e-6)


def _hilbert_nodes(
    tail: np.ndarray, head: np.ndarray, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # Neighbours on the ground become neighbours in memory.

    node, _ = _numbered(len(xy), tail, head)
    node = node[np.argsort(hilbert(xy[node]), kind="stable")]
    place = np.full(len(xy), -1, np.int64)
    place[node] = np.arange(len(node))
    return node, place


#: A square with more ways in and inner corners than this is walked along its outline.
_MOST_CORNERS = 64
#: Lines of sight may graze the outline by so much, in metres.
_GRAZE_M = 0.05


def with_squares(streets: Streets, rules: StreetRules) -> tuple[Streets, tuple[str, ...]]:
    """Streets with every square that the mode may use opened: its outline, and straight ways across.

    Parameters
    ----------
    streets : Streets
        Stays as it is.
    rules : StreetRules
        Only modes with `squares` cross them; to others, ways with ``area=yes`` stay closed.

    Returns
    -------
    streets : Streets
        A square is a closed way with ``area=yes``, or a relation with its holes, of a class open to the
        mode. Where it has two entrances (points shared with other open ways), straight ways join all pairs of entrances
        and inward corners that see each other inside it: the shortest way across is among them
        (Lozano-Pérez and Wesley 1979, the visibility graph).
    notes : tuple of str
        How many squares are passed along their outline only, being too intricate or broken.
    """
    if not rules.squares:
        return streets, ()
    opened = {
        kind: {**tags, "area": "no"} for kind, tags in enumerate(streets.tags) if is_area(tags)
    }
    opened = {kind: tags for kind, tags in opened.items() if any(speeds_kmh(tags, rules))}
    squares, holes = _rings(streets, np.flatnonzero(np.isin(streets.tags_of, list(opened))))
    if not len(squares):
        return streets, ()
    inner = [way for rings in holes.values() for way in rings]
    entrance = _entrances(streets, rules, np.r_[squares, inner].astype(np.int64))
    number = {kind: len(streets.tags) + i for i, kind in enumerate(opened)}
    tags_of, across, kinds, around = streets.tags_of.copy(), [], [], 0
    for way in squares.tolist():
        own = holes.get(way, [])
        rings = [streets.refs[streets.first[w] : streets.first[w + 1]] for w in (way, *own)]
        pairs = _sight_lines(rings, streets.lonlat, entrance)
        around += pairs is None
        tags_of[way] = number[int(streets.tags_of[way])]
        if pairs is not None and len(pairs):
            # A hole is walked around where lines lead to it.
            tags_of[own] = [number[kind] for kind in streets.tags_of[own].tolist()]
            across.append(pairs)
            kinds += [tags_of[way]] * len(pairs)
    new = np.concatenate(across) if across else np.zeros((0, 2), np.int32)
    grown = replace(
        streets,
        refs=np.concatenate([streets.refs, new.ravel()]).astype(np.int32),
        first=np.r_[streets.first, streets.first[-1] + 2 * np.arange(1, len(new) + 1)],
        tags=(*streets.tags, *opened.values()),
        tags_of=np.r_[tags_of, np.array(kinds, np.int32)].astype(np.int32),
        way_ids=np.r_[
            streets.way_ids, int(streets.way_ids.max(initial=0)) + 1 + np.arange(len(new))
        ],
    )
    note = f"{around:,} of {len(squares):,} squares are passed along their outline only: too intricate, or not closed"
    return grown, (note,) * bool(around)


def _rings(streets: Streets, ways: np.ndarray) -> tuple[np.ndarray, dict[int, list[int]]]:
    # Outer rings of squares, and the rings of the holes in each; a way drawn once more as a relation is left to it.
    names = {way: streets.tags[streets.tags_of[way]].get(SQUARE, "") for way in ways.tolist()}
    inner = {way for way, name in names.items() if "/" in name}
    outer = {name: way for way, name in names.items() if name and way not in inner}
    holes: dict[int, list[int]] = {}
    for way in sorted(inner):
        holes.setdefault(outer.get(names[way].partition("/")[0], -1), []).append(way)
    holes.pop(-1, None)
    points = {
        way: frozenset(streets.refs[streets.first[way] : streets.first[way + 1]].tolist())
        for way in names
        if outer
    }
    drawn = {points[way] for way in outer.values()}
    kept = [w for w, name in names.items() if w not in inner and (name or points.get(w) not in drawn)]  # fmt: skip
    return np.array(kept, np.int64), holes


def _entrances(streets: Streets, rules: StreetRules, squares: np.ndarray) -> np.ndarray:
    # Points of squares that another way open to the mode shares, shape (points,).
    open_kind = np.array([any(speeds_kmh(tags, rules)) for tags in streets.tags], bool)
    usable = open_kind[streets.tags_of]
    usable[squares] = True
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    here = usable[way]
    both = np.unique(np.c_[streets.refs[here], way[here]], axis=0)
    return np.bincount(both[:, 0], minlength=len(streets.lonlat)) > 1


def _sight_lines(
    rings: list[np.ndarray], lonlat: np.ndarray, entrance: np.ndarray
) -> np.ndarray | None:
    # Pairs of points of a square's rings that see each other inside it, shape (n, 2); None if it is not crossed.
    import shapely

    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        return None
    corners = np.concatenate([ring[:-1] for ring in rings])
    east = np.cos(np.radians(lonlat[rings[0], 1].mean()))
    flat = [(lonlat[ring] - lonlat[rings[0][0]]) * [east, 1] * 111_195 for ring in rings]
    area = shapely.Polygon(flat[0], flat[1:])
    if not shapely.is_valid(area) or shapely.area(area) == 0:
        return None
    door = entrance[corners]
    if door.sum() < 2:
        return np.zeros((0, 2), corners.dtype)
    inward = np.concatenate([_inward(xy, hole=n > 0) for n, xy in enumerate(flat)])
    corner = np.flatnonzero(door | inward)
    if len(corner) > _MOST_CORNERS:
        return None
    xy, size = np.concatenate([ring[:-1] for ring in flat]), [len(ring) - 1 for ring in rings]
    ring = np.repeat(np.arange(len(rings)), size)
    a, b = (corner[i] for i in np.triu_indices(len(corner), 1))
    # Neighbours on one outline are joined by it.
    apart, whole = b - a, np.array(size)[ring[a]]
    far = (ring[a] != ring[b]) | ((apart > 1) & (apart < whole - 1))
    a, b = a[far], b[far]
    wide = shapely.buffer(area, _GRAZE_M)
    shapely.prepare(wide)
    seen = shapely.covers(wide, shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
    return np.c_[corners[a], corners[b]][seen]


def _inward(ring: np.ndarray, hole: bool) -> np.ndarray:
    # Corners of a closed ring that stick into the square: the only ones that a shortest way turns at.
    import shapely

    xy = ring[:-1]
    into, out = xy - np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0) - xy
    turn = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    return turn * (-1 if shapely.is_ccw(shapely.linearrings(ring)) != hole else 1) > 1e-9
