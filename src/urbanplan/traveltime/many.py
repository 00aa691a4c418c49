"""From many to many: matrices, and sums within a limit that never hold one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import InputError
from urbanplan.graph import Graph
from urbanplan.traveltime.nearest import require_direction, search_graph
from urbanplan.traveltime.places import Ground, Links, Placed

if TYPE_CHECKING:
    import pandas as pd

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
    from urbanplan.graph.lanes import sum_within, workspace

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
    items, seeds = _by_feature(hung, leave=to), _by_feature(origins, leave=not to)
    edges, order = _by_place(graph, seeds[4], items), _neighbours(seeds)
    noisy, width = limits + NOISE_MIN, graph.mean_min

    def task(rows: np.ndarray, work: tuple) -> np.ndarray:
        return sum_within(
            (graph.first, graph.to, graph.minutes),
            seeds,
            items,
            edges,
            rows,
            noisy,
            width,
            to,
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
    from urbanplan.graph import lanes

    items, seeds = _by_feature(destinations, leave=to), _by_feature(origins, leave=not to)
    edges, order = _by_place(graph, seeds[4], items), _neighbours(seeds)
    limit, width = limit_min + NOISE_MIN, graph.mean_min

    def task(rows: np.ndarray, work: tuple):
        return lanes.pairs_within(
            (graph.first, graph.to, graph.minutes),
            seeds,
            items,
            edges,
            rows,
            limit,
            width,
            to,
            work,
        )

    make = partial(
        lanes.workspace, graph.nodes, _lanes(graph, len(origins.feature)), len(destinations.feature)
    )
    parts = [part for _, part in _in_threads(task, order, make, progress, threads)]
    origin, item, minutes = (
        (np.concatenate(p) for p in zip(*parts)) if parts else (np.zeros(0, int),) * 3
    )
    shape = (len(origins), len(destinations))
    pair, minutes = _least_per_pair(origin.astype(np.int64) * shape[1] + item, minutes, shape)
    first, second = np.divmod(pair, max(shape[1], 1))
    return pd.DataFrame({"origin": first, "destination": second, "minutes": minutes})


def _least_per_pair(pair: np.ndarray, minutes: np.ndarray, shape: tuple[int, int]):
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


def require_limits(limits_min: Sequence[float]) -> np.ndarray:
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


def _by_feature(places: Placed, leave: bool) -> tuple:
    # Of each feature: the links of all its rows; where its rows begin; and of those the edge that they stand on,
    # where, how far beside, and the feature.
    order = np.argsort(places.feature, kind="stable")
    row_first = np.searchsorted(places.feature[order], np.arange(len(places) + 1))
    links: Links = (places.leave if leave else places.arrive).of(order)
    return (
        links.first[row_first],
        links.node,
        links.minutes,
        row_first,
        places.edge[order],
        places.spot[order],
        places.beside_min[order],
        places.feature[order],
    )


def _by_place(graph: Graph, origin_edge: np.ndarray, items: tuple) -> tuple:
    # Rows on each edge that anybody stands on, and items that hang on each node.
    edge = items[4]
    on_edge = np.flatnonzero(edge >= 0)
    on_edge = on_edge[np.argsort(edge[on_edge], kind="stable")]
    edges = int(max(edge.max(initial=-1), origin_edge.max(initial=-1))) + 1
    first, node, _ = items[:3]
    item = np.repeat(np.arange(len(first) - 1), np.diff(first))
    by_node = np.argsort(node, kind="stable")
    return (
        np.searchsorted(edge[on_edge], np.arange(edges + 2)),
        on_edge,
        np.searchsorted(node[by_node], np.arange(graph.nodes + 1)),
        item[by_node],
    )


def _neighbours(seeds: tuple) -> np.ndarray:
    # In the order of the node that each starts from: nodes lie along a space-filling curve.
    first, node, _ = seeds[:3]
    start = np.full(len(first) - 1, -1, np.int64)
    some = np.diff(first) > 0
    start[some] = node[first[:-1][some]]
    return np.argsort(start, kind="stable")


def _in_threads(task, order: np.ndarray, make, progress: Progress | None, threads: int | None):
    # Kernels release the lock, so threads run side by side; Ctrl-C stops after the running tasks.
    import numba

    threads = threads or numba.config.NUMBA_DEFAULT_NUM_THREADS
    chunks = [order[i : i + _TASK] for i in range(0, len(order), _TASK)]
    spare: SimpleQueue = SimpleQueue()
    for _ in range(min(threads, len(chunks))):
        spare.put(make())

    def run(rows: np.ndarray):
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
