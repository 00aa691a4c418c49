"""A matrix over the whole city."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import dijkstra

from ground import Ground
from side_by_side import Row, alternate, apart, need, timed
from urbanplan import routing as tt

SIZE = 1000
_SAMPLE = 5


def rows(ground: Ground) -> list[Row]:
    """Against scipy, igraph and networkx, all on the same contracted network."""
    igraph, nx = need("igraph", "python-igraph"), need("networkx", "osmnx")
    net = ground.network
    origins, ends = ground.some_nodes(SIZE, 1), ground.some_nodes(SIZE, 2)
    starts, stops = tt.at_nodes(net, origins), tt.at_nodes(net, ends)
    work = f"{len(origins):,} × {len(ends):,} matrix, whole city"

    def ours():
        return tt.matrix(net, starts, stops)["minutes"].to_numpy()

    found = []
    mine, theirs, a, b = alternate(
        ours, lambda: dijkstra(ground.matrix, indices=origins)[:, ends].ravel()
    )
    found.append(Row(work, "scipy `dijkstra`", mine, theirs, apart(a, b), 5))
    arcs = np.c_[net.graph.tails, net.graph.to]
    graph = igraph.Graph(n=net.nodes, edges=arcs, directed=True)
    mine, theirs, a, b = alternate(
        ours, lambda: np.ravel(graph.distances(origins, ends, weights=net.graph.minutes))
    )
    found.append(Row(work, "igraph `distances`", mine, theirs, apart(a, b), 5))
    plain = nx.DiGraph()
    plain.add_weighted_edges_from(
        zip(net.graph.tails.tolist(), net.graph.to.tolist(), net.graph.minutes.tolist())
    )
    part = origins[:: max(1, len(origins) // _SAMPLE)][:_SAMPLE]
    seconds, found_nx = timed(
        lambda: [nx.single_source_dijkstra_path_length(plain, int(o)) for o in part]
    )
    rows_of = [int(np.searchsorted(origins, o)) for o in part]
    table = a.reshape(len(origins), len(ends))[rows_of]
    truth = np.array([[d[int(e)] for e in ends] for d in found_nx])
    found.append(
        Row(
            work,
            f"networkx, {len(part)} origins × {len(origins) // len(part)}",
            mine,
            seconds * len(origins) / len(part),
            apart(table, truth),
            5,
        )
    )
    return found
