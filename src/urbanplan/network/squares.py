"""Squares: areas of street that are crossed, not only walked around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanplan.catalog import StreetRules
from urbanplan.network.rules import speeds_kmh
from urbanplan.sources.streets import Streets

#: A square with more ways in and inner corners than this is walked along its outline.
_MOST_CORNERS = 40
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
        A square is a closed way with ``area=yes`` of a class open to the mode. Where it has two
        entrances (points shared with other open ways), straight ways join all pairs of entrances
        and inward corners that see each other inside it: the shortest way across is among them
        (Lozano-Pérez and Wesley 1979, the visibility graph).
    notes : tuple of str
        How many squares are passed along their outline only, being too intricate or broken.
    """
    if not rules.squares:
        return streets, ()
    opened = {
        kind: {k: v for k, v in tags.items() if k != "area"}
        for kind, tags in enumerate(streets.tags)
        if tags.get("area") == "yes"
    }
    opened = {kind: tags for kind, tags in opened.items() if any(speeds_kmh(tags, rules))}
    squares = np.flatnonzero(np.isin(streets.tags_of, list(opened)))
    if not len(squares):
        return streets, ()
    entrance = _entrances(streets, rules, squares)
    number = {kind: len(streets.tags) + i for i, kind in enumerate(opened)}
    tags_of, across, kinds, around = streets.tags_of.copy(), [], [], 0
    for way in squares.tolist():
        tags_of[way] = number[int(streets.tags_of[way])]
        ring = streets.refs[streets.first[way] : streets.first[way + 1]]
        pairs = _sight_lines(ring, streets.lonlat[ring], entrance)
        around += pairs is None
        if pairs is not None and len(pairs):
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


def _entrances(streets: Streets, rules: StreetRules, squares: np.ndarray) -> np.ndarray:
    # Points of squares that another way open to the mode shares, shape (points,).
    open_kind = np.array([any(speeds_kmh(tags, rules)) for tags in streets.tags], bool)
    usable = open_kind[streets.tags_of]
    usable[squares] = True
    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    here = usable[way]
    both = np.unique(np.c_[streets.refs[here], way[here]], axis=0)
    return np.bincount(both[:, 0], minlength=len(streets.lonlat)) > 1


def _sight_lines(ring: np.ndarray, lonlat: np.ndarray, entrance: np.ndarray) -> np.ndarray | None:
    # Pairs of points of a ring that see each other inside it, shape (n, 2); None if it is not crossed.
    import shapely

    if len(ring) < 4 or ring[0] != ring[-1]:
        return None
    east = np.cos(np.radians(lonlat[:, 1].mean()))
    xy = ((lonlat - lonlat[0]) * [east, 1] * 111_195)[:-1]
    area = shapely.polygons(np.r_[xy, xy[:1]])
    if not shapely.is_valid(area) or shapely.area(area) == 0:
        return None
    into, out = xy - np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0) - xy
    turn = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    if not shapely.is_ccw(shapely.get_exterior_ring(area)):
        turn = -turn
    door = entrance[ring[:-1]]
    if door.sum() < 2:
        return np.zeros((0, 2), ring.dtype)
    corner = np.flatnonzero(door | (turn < -1e-9))
    if len(corner) > _MOST_CORNERS:
        return None
    a, b = (corner[i] for i in np.triu_indices(len(corner), 1))
    # Neighbours on the outline are joined by it.
    apart = (b - a) % len(xy)
    far = (apart > 1) & (apart < len(xy) - 1)
    a, b = a[far], b[far]
    wide = shapely.buffer(area, _GRAZE_M)
    shapely.prepare(wide)
    seen = shapely.covers(wide, shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
    return np.c_[ring[a], ring[b]][seen]
