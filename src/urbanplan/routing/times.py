"""Minutes between places: to the nearest, from many to many, within a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from urbanplan.errors import InputError, one_of
from urbanplan.routing.graph import Graph, ragged
from urbanplan.routing.places import Ground, Links, Placed, Strolls

if TYPE_CHECKING:
    import pandas as pd


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
    ground : Network or Surface
    facilities : Placed
    direction : str
    limit_min : float
    """

    minutes: np.ndarray
    facility: np.ndarray | None
    ground: Ground
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
        known = Direct(self.ground, self.facilities, turned=not to)
        rows, _, direct = known.pairs(places, self.limit_min)
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
        known = Direct(self.ground, self.facilities, turned=not to)
        rows, others, direct = known.pairs(places, self.limit_min)
        feature = places.feature[np.r_[row, rows]]
        minutes = np.r_[self.minutes[links.node, 0] + links.minutes, direct]
        assert self.facility is not None
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
            f"unknown direction '{direction}'", remedy=one_of(str(direction), DIRECTIONS)
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
        return Nearest(labels[:, None], None, ground, facilities, direction, limit_min)
    graph, links = search_graph(ground, to), facilities.arrive if to else facilities.leave
    from urbanplan.routing.search import sweep_ranked

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
    return Nearest(minutes, which, ground, facilities, direction, limit_min)


def search(
    ground: Ground, places: Placed, limit_min: float, to: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Minutes between every node and the nearest of some places.

    Returns
    -------
    label : ndarray of float64, shape (nodes,)
        Infinity beyond the limit.
    reached : ndarray of int32
        Nodes within it.
    """
    from urbanplan.routing.search import sweep, workspace

    graph, links = search_graph(ground, to), places.arrive if to else places.leave
    arrays, width = (graph.first, graph.to, graph.minutes), graph.mean_min
    room = graph.nodes + len(links.node)
    while True:
        work = workspace(graph.nodes, room)
        count = sweep(*arrays, limit_min, width, links.node, links.minutes, work)
        if count >= 0:
            return work[0], work[1][:count]
        room *= 2


#: Rows of places, rows of others, and the minutes between.
_Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


class Direct:
    """What needs no search: minutes along the edge that two places stand on, or straight from one to the other.

    Parameters
    ----------
    ground : Network or Surface
    others : Placed
        Where `pairs` lead to.
    turned : bool
        Whether travel goes from the others to the places.
    """

    def __init__(self, ground: Ground, others: Placed, turned: bool) -> None:
        self.ground, self.others, self.turned = ground, others, turned
        on = np.flatnonzero(others.edge >= 0)
        self._on = on[np.argsort(others.edge[on], kind="stable")]
        self._edge = others.edge[self._on]
        self._strolls = Strolls.of(ground, others)

    def pairs(self, places: Placed, limit_min: float) -> _Pairs:
        """Pairs of rows within a limit; the same two may occur twice.

        Returns
        -------
        row, other_row : ndarray of int
        minutes : ndarray of float64
        """
        along = self._along(places)
        near = (along[2] <= limit_min) & np.isfinite(along[2])
        across = Strolls.of(self.ground, places).to(self._strolls, limit_min)
        row, other, minutes = (np.concatenate([a[near], b]) for a, b in zip(along, across))
        return row, other, minutes

    def _along(self, a: Placed) -> _Pairs:
        # Infinity where the edge is closed that way.
        first = np.searchsorted(self._edge, a.edge, "left")
        end = np.searchsorted(self._edge, a.edge, "right")
        count = np.where(a.edge >= 0, end - first, 0)
        rows = np.repeat(np.arange(len(a.edge)), count)
        others = self._on[ragged(first, first + count)]
        p, q = a.spot[rows], self.others.spot[others]
        if self.turned:
            p, q = q, p
        with np.errstate(invalid="ignore"):
            ahead, back = q[:, 1] - p[:, 1], p[:, 2] - q[:, 2]
        there = np.where(p[:, 0] < q[:, 0], ahead, back)
        there[p[:, 0] == q[:, 0]] = 0.0
        there[np.isnan(there)] = np.inf
        return rows, others, a.beside_min[rows] + there + self.others.beside_min[others]


def _least(links: Links, values: np.ndarray) -> np.ndarray:
    out = np.full(len(links.first) - 1, np.inf)
    np.minimum.at(out, np.repeat(np.arange(len(out)), np.diff(links.first)), values)
    return out


#: Minutes are sums of many steps: 0.1 + 0.2 is still within 0.3.
NOISE_MIN = 1e-9
#: Origins per task: short enough for progress and for stopping, long enough to be worth a thread.
_TASK = 256
#: Origins searched from together: many when they are neighbours, fewer when they lie far apart.
_LANES_DENSE, _LANES_SPARSE = 16, 8
#: Origins are neighbours if every so many-th node is one.
_DENSE = 8
#: Bits of a sum; values are added as integers, so that their order does not matter.
_BITS = 62
#: Called with (done, all) after every task.
Progress = Callable[[int, int], None]


def reach(
    ground: Ground,
    origins: Placed,
    demand: Placed,
    values: np.ndarray,
    limits_min: Sequence[float],
    *,
    direction: str = "from",
    progress: Progress | None = None,
    threads: int | None = None,
) -> np.ndarray:
    """How many people (jobs, pupils, beds) are within so many minutes of each origin?

    Parameters
    ----------
    ground : Network or Surface
    origins, demand : Placed
        See `at_nodes` for every node of the ground.
    values : ndarray of float, shape (features of demand,) or (features, m)
        What is summed.
    limits_min : sequence of float
        Ascending; a place exactly at a limit is within.
    direction : {"from", "to"}
        From the origin to the demand, or from the demand to the origin.
    progress : callable, optional
        Called with (done, all) origins.
    threads : int, optional
        One per core by default; the result does not depend on it.

    Returns
    -------
    ndarray of float64, shape (origins, limits) or (origins, limits, m)

    Notes
    -----
    Sums are made while searching; no matrix is ever held. They are exact for whole numbers, and
    to 2**-62 of the total of all values otherwise.
    """
    to = require_direction(direction)
    limits = require_limits(limits_min)
    table = np.asarray(values, np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if len(table) != len(demand) or not np.isfinite(table).all():
        raise InputError(
            "values must be finite, one for each place of demand", remedy="fill or drop the rest"
        )
    from urbanplan.routing.batch_search import sum_within, workspace

    scale = 2.0 ** np.floor(_BITS - np.log2(np.abs(table).sum(0) + 1))
    whole = np.rint(table * scale).astype(np.int64)
    graph = search_graph(ground, to)
    links = demand.leave if to else demand.arrive
    # What stands on a node is summed there; the rest is looked up by the nodes that it hangs on.
    single = np.bincount(demand.feature, minlength=len(demand))[demand.feature] == 1
    alone = (np.diff(links.first) == 1) & (demand.edge < 0) & single
    alone[alone] = links.minutes[links.first[:-1][alone]] == 0
    on_node = np.zeros((graph.nodes, table.shape[1]), np.int64)
    np.add.at(on_node, links.node[links.first[:-1][alone]], whole[demand.feature[alone]])
    apart = np.flatnonzero(~alone)
    value, hung = whole[np.unique(demand.feature[apart])], demand.of(apart)
    items, seeds = _ways(hung, leave=to), _ways(origins, leave=not to)
    hangs, order = _by_node(graph, items), _neighbours(seeds)
    noisy, width = limits + NOISE_MIN, graph.mean_min
    direct, by_feature = Direct(ground, hung, turned=to), _by_feature(origins)

    def task(rows: np.ndarray, work: tuple) -> np.ndarray:
        return sum_within(
            (graph.first, graph.to, graph.minutes),
            seeds,
            items,
            hangs,
            _known(direct, origins, by_feature, rows, noisy[-1]),
            rows,
            noisy,
            width,
            on_node,
            value,
            work,
        )

    out = np.empty((len(origins), len(limits), table.shape[1]))
    make = partial(workspace, graph.nodes, _lanes(graph, len(origins)), len(hung))
    for rows, part in _in_threads(task, order, make, progress, threads):
        out[rows] = part / scale
    return out[:, :, 0] if np.ndim(values) == 1 else out


def matrix(
    ground: Ground,
    origins: Placed,
    destinations: Placed,
    *,
    limit_min: float = np.inf,
    direction: str = "from",
    progress: Progress | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """How long does it take from each origin to each destination?

    Parameters
    ----------
    ground : Network or Surface
    origins, destinations : Placed
    limit_min : float
        Pairs farther apart are left out, which also makes it quick.
    direction : {"from", "to"}
        From origin to destination, or back.
    progress, threads
        See `reach`.

    Returns
    -------
    DataFrame
        ``origin, destination`` (numbers of the features in their `ids`) and ``minutes``; one row
        per pair within the limit, sorted.
    """
    import pandas as pd

    to = require_direction(direction)
    graph = search_graph(ground, to)
    from urbanplan.routing import batch_search

    items, seeds = _ways(destinations, leave=to), _ways(origins, leave=not to)
    hangs, order = _by_node(graph, items), _neighbours(seeds)
    limit, width = limit_min + NOISE_MIN, graph.mean_min

    def task(rows: np.ndarray, work: tuple) -> tuple[np.ndarray, ...]:
        return batch_search.pairs_within(
            (graph.first, graph.to, graph.minutes),
            seeds,
            items,
            hangs,
            rows,
            limit,
            width,
            work,
        )

    make = partial(
        batch_search.workspace,
        graph.nodes,
        _lanes(graph, len(origins.feature)),
        len(destinations.feature),
    )
    parts = [part for _, part in _in_threads(task, order, make, progress, threads)]
    row, other, there = Direct(ground, destinations, turned=to).pairs(origins, limit)
    parts.append((origins.feature[row], destinations.feature[other], there))
    origin, item, minutes = (np.concatenate(p) for p in zip(*parts))
    shape = (len(origins), len(destinations))
    pair, minutes = _least_per_pair(origin.astype(np.int64) * shape[1] + item, minutes, shape)
    first, second = np.divmod(pair, max(shape[1], 1))
    return pd.DataFrame({"origin": first, "destination": second, "minutes": minutes})


def _least_per_pair(
    pair: np.ndarray, minutes: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    # Sorted pairs, and the least minutes of each; a table that is mostly full needs no sorting.
    size = shape[0] * shape[1]
    if size <= 4 * len(pair):
        table = np.full(size, np.inf)
        np.minimum.at(table, pair, minutes)
        found = np.flatnonzero(np.isfinite(table))
        return found, table[found]
    order = np.lexsort((minutes, pair))
    pair, minutes = pair[order], minutes[order]
    first = np.ones(len(pair), bool)
    first[1:] = pair[1:] != pair[:-1]
    return pair[first], minutes[first]


def require_limits(limits_min: Sequence[float] | np.ndarray) -> np.ndarray:
    """Limits as an array; raise unless they are above zero, finite and ascending."""
    limits = np.asarray(list(limits_min), float)
    fine = (
        len(limits) and np.isfinite(limits).all() and limits[0] > 0 and (np.diff(limits) > 0).all()
    )
    if not fine:
        raise InputError("minutes must be positive and ascending", remedy="e.g. 5,10,15,30")
    return limits


def _lanes(graph: Graph, origins: int) -> int:
    return _LANES_DENSE if origins * _DENSE >= graph.nodes else _LANES_SPARSE


def _by_feature(places: Placed) -> tuple[np.ndarray, np.ndarray]:
    # The rows of each feature: where they begin, one after the other.
    rows = np.argsort(places.feature, kind="stable")
    return np.searchsorted(places.feature[rows], np.arange(len(places) + 1)), rows


def _ways(places: Placed, leave: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # The links of all rows of each feature.
    first, rows = _by_feature(places)
    links: Links = (places.leave if leave else places.arrive).of(rows)
    return links.first[first], links.node, links.minutes


def _known(
    direct: Direct,
    origins: Placed,
    by_feature: tuple[np.ndarray, np.ndarray],
    chosen: np.ndarray,
    limit: float,
) -> _Pairs:
    # Of each chosen origin, the others that it reaches without a search, and the least minutes of each.
    first, rows = by_feature
    some = origins.of(rows[ragged(first[chosen], first[chosen + 1])])
    size = len(direct.others)
    row, other, minutes = direct.pairs(some, limit)
    origin = np.argsort(chosen)[some.feature[row]]
    pair = origin * size + direct.others.feature[other]
    pair, minutes = _least_per_pair(pair, minutes, (len(chosen), size))
    origin, other = np.divmod(pair, max(size, 1))
    return np.searchsorted(origin, np.arange(len(chosen) + 1)), other, minutes


def _by_node(graph: Graph, items: tuple) -> tuple[np.ndarray, np.ndarray]:
    # Items that hang on each node.
    first, node, _ = items
    item = np.repeat(np.arange(len(first) - 1), np.diff(first))
    by_node = np.argsort(node, kind="stable")
    return np.searchsorted(node[by_node], np.arange(graph.nodes + 1)), item[by_node]


def _neighbours(seeds: tuple) -> np.ndarray:
    # In the order of the node that each starts from: nodes lie along a space-filling curve.
    first, node, _ = seeds[:3]
    start = np.full(len(first) - 1, -1, np.int64)
    some = np.diff(first) > 0
    start[some] = node[first[:-1][some]]
    return np.argsort(start, kind="stable")


_Room = TypeVar("_Room")
_Found = TypeVar("_Found")


def _in_threads(
    task: Callable[[np.ndarray, _Room], _Found],
    order: np.ndarray,
    make: Callable[[], _Room],
    progress: Progress | None,
    threads: int | None,
) -> Iterator[tuple[np.ndarray, _Found]]:
    # Kernels release the lock, so threads run side by side; Ctrl-C stops after the running tasks.
    import numba

    config: Any = numba.config  # it makes its names as it loads
    threads = threads or int(config.NUMBA_DEFAULT_NUM_THREADS)
    chunks = [order[i : i + _TASK] for i in range(0, len(order), _TASK)]
    spare: SimpleQueue = SimpleQueue()
    for _ in range(min(threads, len(chunks))):
        spare.put(make())

    def run(rows: np.ndarray) -> tuple[np.ndarray, _Found]:
        work = spare.get()
        try:
            return rows, task(rows, work)
        finally:
            spare.put(work)

    pool, done = ThreadPoolExecutor(threads), 0
    try:
        left = {pool.submit(run, rows) for rows in chunks}
        while left:
            ready, left = wait(left, return_when=FIRST_COMPLETED)
            for future in ready:
                rows, part = future.result()
                done += len(rows)
                if progress:
                    progress(done, len(order))
                yield rows, part
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
