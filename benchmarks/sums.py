"""People within so many metres of every node."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ground import M_PER_MIN, SEED, Ground
from side_by_side import Row, alternate
from urbanplan import routing as tt

#: pandana sums distances in single precision and in another order: this much is the same.
_SAME = 1e-3


def rows(ground: Ground, metres: float, target: float) -> list[Row]:
    """Against pandana's precompute and aggregate, on the same contracted network."""
    net = ground.network
    people = np.random.default_rng(SEED).integers(0, 50, net.nodes).astype(float)
    everybody = tt.at_nodes(net)

    def ours():
        return tt.reach(net, everybody, everybody, people, [metres / M_PER_MIN])[:, 0]

    def fresh():
        # pandana adds a second precompute, and a variable set again, to the first.
        network = ground.pandana()
        network.set(pd.Series(np.arange(net.nodes)), variable=pd.Series(people), name="people")
        return network

    def peer(network):
        network.precompute(metres)
        return network.aggregate(metres, type="sum", decay="flat", name="people").to_numpy()

    mine, theirs, sums, others = alternate(ours, peer, fresh)
    off = np.abs(sums - others) / np.maximum(others, 1)
    return [
        Row(
            f"people within {metres / 1000:g} km for every node",
            "pandana `precompute` + `aggregate`",
            mine,
            theirs,
            f"{np.mean(sums == others):.2%} of nodes equal, {np.mean(off <= _SAME):.3%} within"
            f" 0.1 %, totals {abs(sums.sum() / others.sum() - 1):.1e} apart",
            target,
        )
    ]
