"""Streets as they were drawn, before any way of travelling looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.base.crs import meridian_of, metric_crs_of, near_meridian, transform
from urbanplan.errors import InputError

if TYPE_CHECKING:
    from shapely import LineString
    from shapely.geometry.base import BaseGeometry


class Restriction(NamedTuple):
    """A turn that is forbidden, or the only one allowed, by the ids of the source.

    Attributes
    ----------
    kind : str
        Value of ``restriction``, such as ``no_left_turn``; empty if only some modes are named.
    from_way, to_way : int
    via : tuple of int
        The node between the two, or the ways.
    via_ways : bool
        Whether `via` names ways.
    tags : mapping
        All tags of the relation, such as ``except`` and ``restriction:bicycle``.

    References
    ----------
    OpenStreetMap wiki, Relation:restriction.
    """

    kind: str
    from_way: int
    via: tuple[int, ...]
    via_ways: bool
    to_way: int
    tags: Mapping[str, str]


#: Ids of ways of a source that names none, until they are numbered.
_UNNAMED = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Streets:
    """Ways through shared points, with their tags.

    Attributes
    ----------
    lonlat : ndarray of float64, shape (points, 2)
        Longitude and latitude in WGS84 degrees; on both sides of the 180th meridian, longitudes go on beyond it.
    refs : ndarray of int32, shape (n,)
        Points of every way, one way after the other; ways meet where they share a point.
    first : ndarray of int64, shape (ways + 1,)
        Where each way begins in `refs`.
    tags : tuple of mappings
        The different sets of tags that occur; keys and values as in OpenStreetMap.
    tags_of : ndarray of int32, shape (ways,)
        Which of `tags` each way has.
    point_tags : mapping of int to mapping
        Tags of the points that may stop somebody (gates, bollards).
    point_ids : ndarray of int64, shape (points,)
        Ids of the points in their source.
    way_ids : ndarray of int64, shape (ways,)
        Ids of the ways in their source; numbered from 1 if it names none. Pieces of a way of which
        the source lacks a point share its id.
    restrictions : tuple of Restriction
        Turns that are forbidden between ways that are here.
    fence_lonlat : ndarray of float64, shape (n, 2)
        Vertices of fences and walls, one after the other.
    fence_first : ndarray of int64, shape (fences + 1,)
        Where each begins.
    entrances : ndarray of float64, shape (m, 2)
        Longitude and latitude of gates and entrances that anybody may use.
    source, licence, as_of : str
        Where the streets come from, and how old they are.
    findings : tuple of str
        What of the source was not understood, or how it was read.
    """

    lonlat: np.ndarray
    refs: np.ndarray
    first: np.ndarray
    tags: tuple[Mapping[str, str], ...]
    tags_of: np.ndarray
    point_ids: np.ndarray
    point_tags: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    fence_lonlat: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    fence_first: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    entrances: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    source: str = ""
    licence: str = ""
    as_of: str = ""
    findings: tuple[str, ...] = ()
    way_ids: np.ndarray = field(default_factory=lambda: _UNNAMED)
    restrictions: tuple[Restriction, ...] = ()

    def __post_init__(self) -> None:
        if self.way_ids is _UNNAMED:
            object.__setattr__(self, "way_ids", np.arange(1, self.ways + 1))

    @property
    def ways(self) -> int:
        """Number of ways."""
        return len(self.tags_of)


def collect(
    ways: Iterable[tuple[Mapping[str, str], Sequence[int] | np.ndarray]],
    point_ids: np.ndarray,
    lonlat: np.ndarray,
    **about: Any,
) -> Streets:
    """Streets from (tags, points) pairs whose points number into `lonlat`.

    Parameters
    ----------
    ways : iterable of (mapping, sequence of int)
        Tags of each way and the points it runs through.
    point_ids : ndarray, shape (points,)
    lonlat : ndarray, shape (points, 2)
    **about
        Further fields of `Streets`.
    """
    kinds: dict[tuple, int] = {}
    tags_of, first, refs = [], [0], []
    for tags, points in ways:
        tags_of.append(kinds.setdefault(tuple(sorted(tags.items())), len(kinds)))
        refs.append(np.asarray(points, np.int32))
        first.append(first[-1] + len(points))
    return Streets(
        lonlat=continuous(lonlat),
        refs=np.concatenate(refs) if refs else np.zeros(0, np.int32),
        first=np.array(first, np.int64),
        tags=tuple(dict(k) for k in kinds),
        tags_of=np.array(tags_of, np.int32),
        point_ids=point_ids,
        **about,
    )


def continuous(lonlat: np.ndarray, about: float | None = None) -> np.ndarray:
    """Places in degrees, shape (n, 2), without a jump at the 180th meridian (beside `about`, or by themselves)."""
    about = meridian_of(lonlat[:, 0]) if about is None else about
    return lonlat if about is None else np.c_[near_meridian(lonlat[:, 0], about), lonlat[:, 1]]


def require_lonlat(lonlat: np.ndarray, where: object = None) -> np.ndarray:
    """Return places, shape (n, 2), if all are longitudes and latitudes in degrees; else raise `InputError`."""
    wrong = ~((np.abs(lonlat[:, 0]) <= 360) & (np.abs(lonlat[:, 1]) <= 90))
    if wrong.any():
        x, y = lonlat[wrong.argmax()]
        raise InputError(
            f"has a point at {x:g}, {y:g}, which is no longitude and latitude in degrees",
            where=where,
            remedy="correct it, or name the system that the coordinates are in",
        )
    return lonlat


def clipped(streets: Streets, area: BaseGeometry) -> Streets:
    """The ways that come into an area, each whole; points keep their ids.

    Parameters
    ----------
    streets : Streets
    area : geometry
        Lon/lat polygon.
    """
    import shapely

    shapely.prepare(area)
    west, _, east, _ = area.bounds
    about = (west + east) / 2
    streets = replace(
        streets,
        lonlat=continuous(streets.lonlat, about),
        fence_lonlat=continuous(streets.fence_lonlat, about),
        entrances=continuous(streets.entrances, about),
    )
    inside = shapely.intersects_xy(area, *streets.lonlat.T)
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    keep = np.zeros(streets.ways, bool)
    keep[way[inside[streets.refs]]] = True
    refs, counts = streets.refs[keep[way]], np.diff(streets.first)[keep]
    used, refs = np.unique(refs, return_inverse=True)
    fence = np.repeat(np.arange(len(streets.fence_first) - 1), np.diff(streets.fence_first))
    near = np.unique(fence[shapely.intersects_xy(area, *streets.fence_lonlat.T)])
    lengths = np.diff(streets.fence_first)[near]
    number = {int(old): new for new, old in enumerate(used)}
    way_ids, point_ids = streets.way_ids[keep], streets.point_ids[used]
    return replace(
        streets,
        lonlat=streets.lonlat[used],
        refs=refs.astype(np.int32),
        first=np.r_[0, np.cumsum(counts)].astype(np.int64),
        tags_of=streets.tags_of[keep],
        point_ids=point_ids,
        point_tags={number[p]: t for p, t in streets.point_tags.items() if p in number},
        fence_lonlat=streets.fence_lonlat[np.isin(fence, near)],
        fence_first=np.r_[0, np.cumsum(lengths)].astype(np.int64),
        entrances=streets.entrances[shapely.intersects_xy(area, *streets.entrances.T)],
        way_ids=way_ids,
        restrictions=between(streets.restrictions, way_ids, point_ids),
    )


def between(
    restrictions: Iterable[Restriction], way_ids: np.ndarray, point_ids: np.ndarray
) -> tuple[Restriction, ...]:
    """Those restrictions whose ways and points are all there."""
    restrictions = tuple(restrictions)
    if not restrictions:
        return ()
    ways, points = set(way_ids.tolist()), set(point_ids.tolist())
    return tuple(
        r
        for r in restrictions
        if {r.from_way, r.to_way} <= ways and set(r.via) <= (ways if r.via_ways else points)
    )


#: Tags of ways that do not lie on dry ground.
_ALOFT = ("bridge", "tunnel", "ford", "ice_road", "floating", "man_made", "route")


def dry_ways(streets: Streets) -> np.ndarray:
    """Which ways lie on dry ground: no bridges, tunnels, fords, piers, ferries; bool, shape (ways,)."""
    dry = np.array([all(t.get(k, "no") == "no" for k in _ALOFT) for t in streets.tags], bool)
    return dry[streets.tags_of]


def aground(streets: Streets) -> np.ndarray:
    """Streets on dry ground (`dry_ways`) as lines in degrees; ndarray of LineString."""
    import shapely

    keep = dry_ways(streets) & (np.diff(streets.first) > 1)
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    at = keep[way]
    return shapely.linestrings(streets.lonlat[streets.refs[at]], indices=np.unique(way[at], return_inverse=True)[1])  # fmt: skip


#: Ends of a new way are joined to a street point at most so many metres away.
JOIN_M = 100.0
#: A place names the way that passes within so many metres of it.
NEAR_M = 50.0


def _metric(streets: Streets) -> tuple[np.ndarray, str]:
    crs = metric_crs_of(streets.lonlat)
    return transform(streets.lonlat, "EPSG:4326", crs), crs


def with_ways(
    streets: Streets, lines: Mapping[str, tuple[LineString, Mapping[str, str]]]
) -> Streets:
    """Streets with new ways, each joined at both ends to the nearest street point.

    Parameters
    ----------
    streets : Streets
        Stays as it is.
    lines : dict of str to (line, tags)
        Lon/lat line and OpenStreetMap's tags, by id. Between its ends a new way meets nothing and
        nobody steps onto it, as on a bridge: otherwise people would be put on it in place of their
        own street, and a new way could make theirs longer.

    Raises
    ------
    InputError
        If an end is farther than 100 m from any street: it would lead nowhere.
    """
    from scipy.spatial import cKDTree

    if not lines:
        return streets
    xy, crs = _metric(streets)
    used = np.unique(streets.refs)
    tree = cKDTree(xy[used])
    refs, first, points = [streets.refs], list(streets.first), [streets.lonlat]
    tags, tags_of, count = list(streets.tags), list(streets.tags_of), len(streets.lonlat)
    for name, (line, own) in lines.items():
        lonlat = np.asarray(line.coords)[:, :2]
        apart, hit = tree.query(transform(lonlat[[0, -1]], "EPSG:4326", crs))
        if apart.max() > JOIN_M:
            raise InputError(
                f"'{name}' ends {apart.max():.0f} m from any street",
                remedy=f"draw its ends within {JOIN_M:.0f} m of one, with its approaches",
            )
        inner = np.arange(count, count + len(lonlat) - 2)
        refs.append(np.r_[used[hit[0]], inner, used[hit[1]]].astype(np.int32))
        points.append(lonlat[1:-1])
        count += len(inner)
        first.append(first[-1] + len(lonlat))
        tags_of.append(len(tags))
        tags.append({**own, "stopping": "no"})
    new = int(streets.point_ids.max(initial=0)) + 1 + np.arange(count - len(streets.lonlat))
    new_ways = int(streets.way_ids.max(initial=0)) + 1 + np.arange(len(lines))
    return replace(
        streets,
        lonlat=np.concatenate(points),
        refs=np.concatenate(refs),
        first=np.array(first, np.int64),
        tags=tuple(tags),
        tags_of=np.array(tags_of, np.int32),
        point_ids=np.r_[streets.point_ids, new],
        way_ids=np.r_[streets.way_ids, new_ways],
    )


def without_ways(streets: Streets, places: Sequence[tuple[float, float]]) -> Streets:
    """Streets without the ways that pass nearest to some places.

    Parameters
    ----------
    streets : Streets
        Stays as it is.
    places : sequence of (lon, lat)

    Raises
    ------
    InputError
        If no way passes within 50 m of a place.
    """
    import shapely

    if not places:
        return streets
    xy, crs = _metric(streets)
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    lines = shapely.linestrings(xy[streets.refs], indices=way)
    tree = shapely.STRtree(lines)
    points = shapely.points(transform(np.array(places, float), "EPSG:4326", crs))
    keep = np.ones(streets.ways, bool)
    for place, point in zip(places, points):
        hit = tree.query_nearest(point, max_distance=NEAR_M, all_matches=False)
        if not len(hit):
            raise InputError(
                f"no street passes within {NEAR_M:.0f} m of {place[0]:g}, {place[1]:g}",
                remedy="name a place on the street",
            )
        keep[hit[0]] = False
    lengths = np.diff(streets.first)[keep]
    return replace(
        streets,
        refs=streets.refs[keep[way]],
        first=np.r_[0, np.cumsum(lengths)].astype(np.int64),
        tags_of=streets.tags_of[keep],
        way_ids=streets.way_ids[keep],
        restrictions=between(streets.restrictions, streets.way_ids[keep], streets.point_ids),
    )
