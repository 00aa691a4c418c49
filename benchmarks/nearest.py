"""Minutes to the nearest facility from every node."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import dijkstra

from ground import M_PER_MIN, Ground
from side_by_side import Row, alternate, apart
from urbanplan import routing as tt

FACILITIES = 50
_FAR_M = 60_000.0


def rows(ground: Ground) -> list[Row]:
    """Against pandana, and against scipy on the contracted network and on every street point."""
    net, picked = ground.network, ground.some_nodes(FACILITIES)
    placed = tt.at_nodes(net, picked)

    def ours():
        return tt.nearest(net, placed, direction="from").minutes[:, 0]

    work = f"minutes to the nearest of {len(picked)} facilities, every node"
    found = [_pandana(ground, picked, work, ours)]
    points, point_of = ground.points

    def every_point():
        return dijkstra(points, indices=point_of[picked], min_only=True)[point_of]

    mine, theirs, a, b = alternate(ours, every_point)
    reached = np.isfinite(b)  # but for the closed gates themselves
    a, b = a[reached], b[reached]
    found.append(Row(work, "scipy `dijkstra`, every street point", mine, theirs, apart(a, b), 5))
    mine, theirs, a, b = alternate(
        ours, lambda: dijkstra(ground.matrix, indices=picked, min_only=True)
    )
    found.append(Row(work, "scipy `dijkstra`, given our contraction", mine, theirs, apart(a, b), 5))
    return found


def _pandana(ground: Ground, picked, work: str, ours) -> Row:
    net = ground.network
    # pandana looks from the node to the facility: the same arcs turned round.
    network = ground.pandana(turned=True)

    def peer():
        x, y = (pd.Series(c) for c in net.xy[picked].T)
        network.set_pois("facility", _FAR_M, 1, x, y)
        return network.nearest_pois(_FAR_M, "facility", 1)[1].to_numpy() / M_PER_MIN

    mine, theirs, a, b = alternate(ours, peer)
    return Row(work, "pandana `set_pois` + `nearest_pois`", mine, theirs, apart(a, b), 5)
