"""Mapped streets as a plan would leave them: ways joined on, ways closed; the map itself stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.crs import metric_crs_of, transform
from urbanplan.errors import InputError
from urbanplan.sources.streets import Streets, between

if TYPE_CHECKING:
    from shapely import LineString

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
