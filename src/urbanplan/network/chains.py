"""Joining segments into edges: a point where nothing can be decided is a bend, not a node."""

from __future__ import annotations

import numpy as np

from urbanplan.compiled import njit


@njit(cache=True)
def join(nodes, a, b, ahead, back, kind, fixed):
    """Join segments through points of degree two into chains.

    Parameters
    ----------
    nodes : int
    a, b : ndarray of int, shape (segments,)
        End points of each segment.
    ahead, back : ndarray of bool, shape (segments,)
        Whether it may be used from a to b, and from b to a.
    kind : ndarray of int, shape (segments,)
        What a chain is as a whole or not at all: passed along only, private.
    fixed : ndarray of bool, shape (nodes,)
        Points that stay nodes whatever meets there.

    Returns
    -------
    first : ndarray, shape (chains + 1,)
        Where each chain's segments begin in `segment`.
    segment : ndarray, shape (segments,)
    turned : ndarray of bool, shape (segments,)
        Whether the chain runs through the segment from b to a.
    """
    count = len(a)
    begin = np.zeros(nodes + 1, np.int64)
    for s in range(count):
        begin[a[s] + 1] += 1
        begin[b[s] + 1] += 1
    for v in range(nodes):
        begin[v + 1] += begin[v]
    fill = begin[:-1].copy()
    at = np.empty(2 * count, np.int64)
    for s in range(count):
        at[fill[a[s]]] = s
        fill[a[s]] += 1
        at[fill[b[s]]] = s
        fill[b[s]] += 1
    node = np.zeros(nodes, np.bool_)
    for v in range(nodes):
        node[v] = fixed[v] or not _bend(v, begin, at, a, b, ahead, back, kind)
    first = np.zeros(count + 1, np.int64)
    segment = np.empty(count, np.int64)
    turned = np.zeros(count, np.bool_)
    used = np.zeros(count, np.bool_)
    chains = filled = 0
    # Junctions first; what is left then are rings without any, which start anywhere.
    for rings in range(2):
        for v in range(nodes):
            if rings == 0 and not node[v]:
                continue
            for i in range(begin[v], begin[v + 1]):
                s = at[i]
                if used[s]:
                    continue
                here = v
                while True:
                    used[s] = True
                    segment[filled] = s
                    turned[filled] = here != a[s]
                    filled += 1
                    here = a[s] if here != a[s] else b[s]
                    if node[here] or here == v:
                        break
                    s = at[begin[here]] if at[begin[here]] != s else at[begin[here] + 1]
                chains += 1
                first[chains] = filled
    return first[: chains + 1].copy(), segment, turned


@njit(cache=True)
def _bend(v, begin, at, a, b, ahead, back, kind):
    # Two segments that may be used in the same directions meet here, and nothing else does.
    if begin[v + 1] - begin[v] != 2:
        return False
    s, t = at[begin[v]], at[begin[v] + 1]
    if s == t or kind[s] != kind[t]:
        return False
    enter_s, leave_s = (ahead[s], back[s]) if b[s] == v else (back[s], ahead[s])
    enter_t, leave_t = (ahead[t], back[t]) if b[t] == v else (back[t], ahead[t])
    return enter_s == leave_t and enter_t == leave_s


@njit(cache=True)
def add_up(first, segment, turned, ahead_min, back_min):
    """Minutes from the start of each chain to each of its vertices, and back to the start.

    Returns
    -------
    ndarray of float64, shape (segments + chains, 2)
    """
    chains = len(first) - 1
    spent = np.zeros((len(segment) + chains, 2))
    k = 0
    for c in range(chains):
        k += 1
        for i in range(first[c], first[c + 1]):
            s = segment[i]
            there, here = ahead_min[s], back_min[s]
            if turned[i]:
                there, here = here, there
            spent[k, 0] = spent[k - 1, 0] + there
            spent[k, 1] = spent[k - 1, 1] + here
            k += 1
    return spent
