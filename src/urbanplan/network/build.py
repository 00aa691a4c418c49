"""From streets and a mode to a network."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from urbanplan.catalog import Mode, StreetRules
from urbanplan.catalog.slope import SPEED_FACTORS
from urbanplan.crs import WGS84, metric_crs_of, transform
from urbanplan.errors import InputError
from urbanplan.network.model import Network
from urbanplan.network.rules import classes_of, conditional, speeds_kmh, stops
from urbanplan.network.squares import with_squares
from urbanplan.sources import Streets


class _Segments(NamedTuple):
    """Straight pieces of street between two points."""

    a: np.ndarray
    b: np.ndarray
    length_m: np.ndarray
    ahead_min: np.ndarray
    back_min: np.ndarray
    through: np.ndarray


def build_network(
    streets: Streets,
    mode: Mode,
    *,
    crs: str | None = None,
    heights_m: np.ndarray | None = None,
    keep_all: bool = False,
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
    keep_all : bool
        Keep parts that cannot be reached from the rest, or not left. By default only the
        largest strongly connected part is kept, and `findings` says what was dropped.

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
    streets, around = with_squares(streets, mode.streets)
    segments, point = _segments(streets, mode.streets, heights_m)
    if not len(segments.a):
        raise InputError(
            f"no street is open to mode '{mode.id}'",
            where=streets.source or None,
            remedy="check the highway and access tags, or the mode's classes",
        )
    crs = crs or metric_crs_of(streets.lonlat)
    xy = transform(streets.lonlat[point], WGS84, crs)
    network = _assemble(streets, mode, crs, segments, point, xy, keep_all)
    notes = (*streets.findings, *around, *_hours_unread(streets, mode.streets), *network.findings)
    network = replace(network, findings=notes)
    unknown = 0 if heights_m is None else int(np.isnan(heights_m[point]).sum())
    if not unknown:
        return network
    note = (
        f"{unknown:,} of {len(point):,} street points have no height: streets there count as level"
    )
    return replace(network, findings=(*network.findings, note))


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


def _segments(streets: Streets, rules: StreetRules, heights_m) -> tuple[_Segments, np.ndarray]:
    # Segments over compact node numbers, and the point behind each node.
    kmh = np.array([speeds_kmh(tags, rules) for tags in streets.tags]).reshape(-1, 2)
    kmh = kmh[streets.tags_of]
    # What a scenario adds is entered at its ends only: see `sources.altered`.
    classes = [
        any(c in rules.no_stopping for c in classes_of(tags)) or tags.get("stopping") == "no"
        for tags in streets.tags
    ]
    through = np.array(classes, bool)[streets.tags_of]
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    inner = np.flatnonzero((way[1:] == way[:-1]) & (kmh.any(1)[way[1:]] if len(way) else False))
    a, b, way = streets.refs[inner], streets.refs[inner + 1], way[inner]
    moved = a != b
    a, b, kmh, through = a[moved], b[moved], kmh[way[moved]], through[way[moved]]
    length = _length_m(streets.lonlat, a, b)
    minutes = np.full(kmh.shape, np.inf)
    np.divide(0.06 * length[:, None], kmh, out=minutes, where=kmh > 0)
    if heights_m is not None:
        minutes *= _slope_factors(rules, heights_m[b] - heights_m[a], length)
    point = np.arange(len(streets.lonlat))
    a, b, point = _cut(a, b, point, [p for p, t in streets.point_tags.items() if stops(t, rules)])
    used, number = _numbered(len(point), a, b)
    ahead_min, back_min = minutes.T
    return _Segments(number[a], number[b], length, ahead_min, back_min, through), point[used]


def _numbered(count: int, *ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # What of 0..count-1 occurs, ascending, and the number of each among them.
    occurs = np.zeros(count, bool)
    for end in ends:
        occurs[end] = True
    return np.flatnonzero(occurs), np.cumsum(occurs) - 1


def _cut(a, b, point, gates):
    # A point that stops the mode becomes a dead end of its own for every segment that meets it.
    if not gates:
        return a, b, point
    shut = np.zeros(len(point), bool)
    shut[gates] = True
    ends = np.concatenate([a, b]).astype(np.int64)
    hit = np.flatnonzero(shut[ends])
    extra = len(point) + np.arange(len(hit))
    point = np.concatenate([point, ends[hit]])
    ends[hit] = extra
    return ends[: len(a)], ends[len(a) :], point


def _length_m(lonlat: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Radii of curvature of the WGS84 ellipsoid at mid-latitude: within 1e-6 for a few kilometres.
    semi_major, e2 = 6_378_137.0, 0.006_694_379_990_14
    (lon_a, lat_a), (lon_b, lat_b) = np.radians(lonlat[a]).T, np.radians(lonlat[b]).T
    middle = (lat_a + lat_b) / 2
    w = 1 - e2 * np.sin(middle) ** 2
    east = semi_major / np.sqrt(w) * np.cos(middle) * (lon_b - lon_a)
    north = semi_major * (1 - e2) / w**1.5 * (lat_b - lat_a)
    return np.hypot(east, north)


def _slope_factors(rules: StreetRules, rise_m, length_m) -> np.ndarray:
    slope = np.divide(rise_m, length_m, out=np.zeros_like(length_m), where=length_m > 0)
    slope = np.where(np.isfinite(slope), slope, 0.0)
    factor = SPEED_FACTORS[rules.slope]
    return 1 / np.stack([factor(slope), factor(-slope)], axis=1)


def _assemble(streets, mode, crs, segments: _Segments, point, xy, keep_all) -> Network:
    from urbanplan.network.chains import add_up, join

    ahead, back = np.isfinite(segments.ahead_min), np.isfinite(segments.back_min)
    first, segment, turned = join(len(point), segments.a, segments.b, ahead, back, segments.through)
    start = np.where(turned, segments.b[segment], segments.a[segment])
    end = np.where(turned, segments.a[segment], segments.b[segment])
    tail, head = start[first[:-1]], end[first[1:] - 1]
    length = np.add.reduceat(segments.length_m[segment], first[:-1])
    keep, findings = np.ones(len(tail), bool), ()
    if not keep_all:
        keep, findings = _largest_part(
            tail, head, ahead[segment], back[segment], turned, first, length
        )
    node, place = _hilbert_nodes(tail[keep], head[keep], xy)
    chosen = np.flatnonzero(keep)
    chosen = chosen[np.lexsort((length[chosen], place[head[chosen]], place[tail[chosen]]))]
    take = _ragged(first[chosen], first[chosen + 1])
    counts = np.diff(first)[chosen]
    first = np.concatenate([[0], np.cumsum(counts)])
    segment, turned, end = segment[take], turned[take], end[take]
    bend = first + np.arange(len(first))
    vertex = np.empty(bend[-1], np.int64)
    vertex[bend[:-1]] = tail[chosen]
    vertex[_ragged(bend[:-1] + 1, bend[1:])] = end
    spent = add_up(first, segment, turned, segments.ahead_min, segments.back_min)
    return Network(
        mode=mode,
        crs=crs,
        xy=xy[node],
        node_ids=streets.point_ids[point[node]],
        tail=place[tail[chosen]].astype(np.int32),
        head=place[head[chosen]].astype(np.int32),
        bend=bend,
        vertex_xy=xy[vertex],
        spent=spent,
        length_m=length[chosen],
        through=segments.through[segment[first[:-1]]],
        source=streets.source,
        licence=streets.licence,
        as_of=streets.as_of,
        findings=findings,
    )


def _largest_part(tail, head, ahead, back, turned, first, length):
    # Edges with both ends in the largest strongly connected part.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    begin = first[:-1]
    along = np.where(turned[begin], back[begin], ahead[begin])
    against = np.where(turned[begin], ahead[begin], back[begin])
    rows = np.concatenate([tail[along], head[against]])
    columns = np.concatenate([head[along], tail[against]])
    nodes = int(max(tail.max(), head.max())) + 1
    links = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(nodes, nodes))
    _, part = connected_components(links.tocsr(), directed=True, connection="strong")
    real, _ = _numbered(nodes, tail, head)
    largest = np.bincount(part[real]).argmax()
    keep = (part[tail] == largest) & (part[head] == largest)
    dropped = length[~keep].sum()
    if not dropped:
        return keep, ()
    count = len(np.unique(part[real])) - 1
    note = (
        f"{dropped / 1000:.1f} km of {length.sum() / 1000:.1f} km of streets"
        f" ({dropped / length.sum():.1%}) cannot be reached from the rest and back"
        f" and are left out ({count} parts)"
    )
    return keep, (note,)


def _ragged(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    # Indices begin[0]..end[0], begin[1]..end[1], ... one after the other.
    counts = end - begin
    offset = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(begin, counts) + np.arange(counts.sum()) - offset


def _hilbert_nodes(tail: np.ndarray, head: np.ndarray, xy: np.ndarray):
    # Neighbours on the ground become neighbours in memory.
    from urbanplan.graph.order import hilbert

    node, _ = _numbered(len(xy), tail, head)
    node = node[np.argsort(hilbert(xy[node]), kind="stable")]
    place = np.full(len(xy), -1, np.int64)
    place[node] = np.arange(len(node))
    return node, place
