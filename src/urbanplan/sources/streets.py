"""Streets as they were drawn, before any way of travelling looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Streets:
    """Ways through shared points, with their tags.

    Attributes
    ----------
    lonlat : ndarray of float64, shape (points, 2)
        Longitude and latitude in WGS84 degrees.
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
    source: str = ""
    licence: str = ""
    as_of: str = ""
    findings: tuple[str, ...] = ()

    @property
    def ways(self) -> int:
        """Number of ways."""
        return len(self.tags_of)


def collect(ways, point_ids: np.ndarray, lonlat: np.ndarray, **about) -> Streets:
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
        lonlat=lonlat,
        refs=np.concatenate(refs) if refs else np.zeros(0, np.int32),
        first=np.array(first, np.int64),
        tags=tuple(dict(k) for k in kinds),
        tags_of=np.array(tags_of, np.int32),
        point_ids=point_ids,
        **about,
    )


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
    inside = shapely.intersects_xy(area, *streets.lonlat.T)
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    keep = np.zeros(streets.ways, bool)
    keep[way[inside[streets.refs]]] = True
    refs, counts = streets.refs[keep[way]], np.diff(streets.first)[keep]
    used, refs = np.unique(refs, return_inverse=True)
    number = {int(old): new for new, old in enumerate(used)}
    return replace(
        streets,
        lonlat=streets.lonlat[used],
        refs=refs.astype(np.int32),
        first=np.r_[0, np.cumsum(counts)].astype(np.int64),
        tags_of=streets.tags_of[keep],
        point_ids=streets.point_ids[used],
        point_tags={number[p]: t for p, t in streets.point_tags.items() if p in number},
    )
