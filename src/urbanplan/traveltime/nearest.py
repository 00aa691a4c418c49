"""Minutes from everywhere to the nearest facility, or to the k nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanplan.errors import InputError
from urbanplan.graph import Graph
from urbanplan.traveltime.places import Ground, Links, Placed

#: Which way people travel, seen from the place that was asked about.
DIRECTIONS = ("to", "from")


@dataclass(frozen=True)
class Nearest:
    """Minutes between every node and the facilities nearest to it.

    Attributes
    ----------
    minutes : ndarray of float64, shape (nodes, ranks)
        Ascending; infinity where there is no way, or none within the limit.
    facility : ndarray of int32, shape (nodes, ranks), or None
        Which feature of `facilities` it is, -1 for none; only where ranks were asked for.
    facilities : Placed
    direction : str
    limit_min : float
    """

    minutes: np.ndarray
    facility: np.ndarray | None
    facilities: Placed
    direction: str
    limit_min: float

    def at(self, places: Placed) -> np.ndarray:
        """Minutes between each feature of `places` and the facility nearest to it.

        Returns
        -------
        ndarray of float64, shape (features,)
        """
        to = self.direction == "to"
        links = places.leave if to else places.arrive
        found = _least(links, self.minutes[links.node, 0] + links.minutes)
        rows, _, direct = same_edge(places, self.facilities, turned=not to)
        np.minimum.at(found, rows, direct)
        found[found > self.limit_min] = np.inf
        out = np.full(len(places), np.inf)
        np.minimum.at(out, places.feature, found)
        return out

    def which(self, places: Placed) -> tuple[np.ndarray, np.ndarray]:
        """The facility nearest to each feature of `places`, and the minutes; needs `ranks`.

        Returns
        -------
        facility : ndarray of int64, shape (features,)
            Its number in the ids of `facilities`, the first of several that are equally near; -1 for none.
        minutes : ndarray of float64, shape (features,)
        """
        to = self.direction == "to"
        links = places.leave if to else places.arrive
        row = np.repeat(np.arange(len(links.first) - 1), np.diff(links.first))
        rows, others, direct = same_edge(places, self.facilities, turned=not to)
        feature = places.feature[np.r_[row, rows]]
        minutes = np.r_[self.minutes[links.node, 0] + links.minutes, direct]
        facility = np.r_[self.facility[links.node, 0], self.facilities.feature[others]]
        near = np.flatnonzero((minutes <= self.limit_min) & (facility >= 0) & np.isfinite(minutes))
        near = near[np.lexsort((facility[near], minutes[near], feature[near]))]
        named, first = np.unique(feature[near], return_index=True)
        which, least = np.full(len(places), -1), np.full(len(places), np.inf)
        which[named], least[named] = facility[near][first], minutes[near][first]
        return which, least


def require_direction(direction: str) -> bool:
    """Whether travel goes to the places that were asked about; raise for an unknown word."""
    if direction not in DIRECTIONS:
        raise InputError(
            f"unknown direction '{direction}'", remedy=f"use one of {', '.join(DIRECTIONS)}"
        )
    return direction == "to"


def search_graph(ground: Ground, to: bool) -> Graph:
    """The graph to search from the places asked about: turned round when people travel to them."""
    return ground.graph.backward if to else ground.graph


def nearest(
    ground: Ground,
    facilities: Placed,
    *,
    direction: str = "to",
    ranks: int | None = None,
    limit_min: float = np.inf,
) -> Nearest:
    """How long does it take from everywhere to the nearest facility?

    Parameters
    ----------
    ground : Network or Surface
    facilities : Placed
        From `place`.
    direction : {"to", "from"}
        To the facility, or from it.
    ranks : int, optional
        Minutes to the nearest, second nearest ... k-th nearest, and which facility each is.
        Without it only the minutes to the nearest are found, which is quicker.
    limit_min : float
        Nothing farther is looked for.

    Returns
    -------
    Nearest
        One search from all facilities at once.
    """
    to = require_direction(direction)
    if ranks is not None and ranks < 1:
        raise InputError("ranks must be at least 1", remedy="ask for the nearest 1, 2, 3 ...")
    if ranks is None:
        labels, _ = search(ground, facilities, limit_min, to)
        return Nearest(labels[:, None], None, facilities, direction, limit_min)
    graph, links = search_graph(ground, to), facilities.arrive if to else facilities.leave
    from urbanplan.graph.sweep import sweep_ranked

    row = np.repeat(np.arange(len(links.first) - 1), np.diff(links.first))
    owner = facilities.feature[row].astype(np.int32)
    room = graph.arcs + len(owner) + 1
    minutes, which = sweep_ranked(
        graph.first,
        graph.to,
        graph.minutes,
        limit_min,
        ranks,
        owner,
        links.node,
        links.minutes,
        room,
    )
    return Nearest(minutes, which, facilities, direction, limit_min)


def search(ground: Ground, places: Placed, limit_min: float, to: bool):
    """Minutes between every node and the nearest of some places.

    Returns
    -------
    label : ndarray of float64, shape (nodes,)
        Infinity beyond the limit.
    reached : ndarray of int32
        Nodes within it.
    """
    from urbanplan.graph.sweep import sweep, workspace

    graph, links = search_graph(ground, to), places.arrive if to else places.leave
    arrays, width = (graph.first, graph.to, graph.minutes), graph.mean_min
    room = graph.nodes + len(links.node)
    while True:
        work = workspace(graph.nodes, room)
        count = sweep(*arrays, limit_min, width, links.node, links.minutes, work)
        if count >= 0:
            return work[0], work[1][:count]
        room *= 2


def same_edge(a: Placed, b: Placed, turned: bool = False):
    """Minutes straight along an edge for every two rows that stand on the same one.

    Returns
    -------
    a_row, b_row : ndarray of int
    minutes : ndarray of float64
        From a to b, or from b to a if `turned`; infinity where the edge is closed that way.
    """
    on = np.flatnonzero(b.edge >= 0)
    on = on[np.argsort(b.edge[on], kind="stable")]
    first = np.searchsorted(b.edge[on], a.edge, "left")
    count = np.where(a.edge >= 0, np.searchsorted(b.edge[on], a.edge, "right") - first, 0)
    rows = np.repeat(np.arange(len(a.edge)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    others = on[np.repeat(first, count) + offset]
    p, q = a.spot[rows], b.spot[others]
    if turned:
        p, q = q, p
    with np.errstate(invalid="ignore"):
        ahead, back = q[:, 1] - p[:, 1], p[:, 2] - q[:, 2]
    there = np.where(p[:, 0] < q[:, 0], ahead, back)
    there[p[:, 0] == q[:, 0]] = 0.0
    there[np.isnan(there)] = np.inf
    return rows, others, a.beside_min[rows] + there + b.beside_min[others]


def _least(links: Links, values: np.ndarray) -> np.ndarray:
    out = np.full(len(links.first) - 1, np.inf)
    np.minimum.at(out, np.repeat(np.arange(len(out)), np.diff(links.first)), values)
    return out
