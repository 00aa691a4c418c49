"""How far the engine is from what the machine could do at all."""

from __future__ import annotations

import time

import numpy as np
from numba import njit

from ground import M_PER_MIN, Ground
from urbanplan import routing as tt


@njit(nogil=True)
def _stream(first, to, minutes, label, rounds):
    # Every arc once per round, in order, one minimum each: what touching it costs at least.
    for _ in range(rounds):
        for u in range(len(first) - 1):
            here = label[u]
            for a in range(first[u], first[u + 1]):
                there = here + minutes[a]
                if there < label[to[a]]:
                    label[to[a]] = there


def report(ground: Ground) -> str:
    """A paragraph with measured bandwidth, arcs that must be touched, and arcs per second."""
    block = np.ones(2**27 // 8)
    copy = min(_seconds(block.copy) for _ in range(5))
    graph = ground.network.graph
    label = np.zeros(graph.nodes)
    _stream(graph.first, graph.to, graph.minutes, label, 1)
    rounds = max(1, 20_000_000 // graph.arcs)
    stream = _seconds(lambda: _stream(graph.first, graph.to, graph.minutes, label, rounds))
    net, everybody = ground.network, tt.at_nodes(ground.network)
    limit, ones = [2400 / M_PER_MIN], np.ones(net.nodes)
    seconds = min(
        _seconds(lambda: tt.reach(net, everybody, everybody, ones, limit)) for _ in range(3)
    )
    degrees = np.diff(graph.first).astype(float)
    touched = tt.reach(net, everybody, everybody, degrees, limit, direction="from").sum()
    one = tt.at_nodes(net, [ground.middle])
    sweep = min(_seconds(lambda: tt.nearest(net, one)) for _ in range(9))
    return (
        f"Memory copies at {2 * block.nbytes / copy / 1e9:.1f} GB/s. A bare loop that streams over"
        f" the arcs in order, one addition and one minimum each, does"
        f" {graph.arcs * rounds / stream / 1e6:,.0f} million arcs a second on one core. People within"
        f" 2.4 km of all {net.nodes:,} nodes touch {touched / 1e6:,.0f} million (origin, arc) pairs at"
        f" least; the engine does them in {seconds * 1000:,.0f} ms on all cores,"
        f" {touched / seconds / 1e6:,.0f} million a second: sixteen origins share each arc that is"
        f" fetched, and nodes are scanned again when a lane improves late; the rest is the queue."
        f" One sweep over all nodes touches {graph.arcs:,} arcs once in {sweep * 1000:.2f} ms,"
        f" {graph.arcs / sweep / 1e6:,.0f} million a second: its time is mispredicted branches and"
        f" the queue, not bandwidth."
    )


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
