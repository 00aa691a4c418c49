"""Compiled searches from all places at once, and what turns lists of arcs into rows."""

from __future__ import annotations

import numpy as np

from urbanplan.files.compiled import njit


@njit(nogil=True, cache=True)
def into_rows(nodes, tail, head, minutes):
    """Arcs by tail, then head; the quickest of parallel ones; no loops, nothing closed.

    Returns
    -------
    first : ndarray of int32, shape (nodes + 1,)
    to : ndarray of int32, shape (arcs,)
    minutes : ndarray of float64, shape (arcs,)
    """
    first = np.zeros(nodes + 1, np.int32)
    for i in range(len(tail)):
        if tail[i] != head[i] and minutes[i] < np.inf:
            first[tail[i] + 1] += 1
    for v in range(nodes):
        first[v + 1] += first[v]
    end = first[:-1].copy()
    to, cost = np.empty(first[nodes], np.int32), np.empty(first[nodes], np.float64)
    for i in range(len(tail)):
        if tail[i] == head[i] or not minutes[i] < np.inf:
            continue
        # Rows are short: each arc is put in its place as it comes.
        v, w, c = tail[i], head[i], minutes[i]
        k = end[v]
        while k > first[v] and (to[k - 1] > w or (to[k - 1] == w and cost[k - 1] > c)):
            to[k], cost[k] = to[k - 1], cost[k - 1]
            k -= 1
        to[k], cost[k] = w, c
        end[v] += 1
    filled = 0
    for v in range(nodes):
        begin, stop, last = first[v], end[v], np.int32(-1)
        first[v] = filled
        for k in range(begin, stop):
            if to[k] != last:
                last = to[k]
                to[filled], cost[filled] = last, cost[k]
                filled += 1
    first[nodes] = filled
    return first, to[:filled].copy(), cost[:filled].copy()


@njit(nogil=True, cache=True)
def merge_rows(first_a, to_a, minutes_a, first_b, to_b, minutes_b):
    """Rows of two graphs as `into_rows` leaves them, together; the second may have more nodes."""
    nodes, shared = len(first_b) - 1, len(first_a) - 1
    first = np.zeros(nodes + 1, np.int32)
    to = np.empty(len(to_a) + len(to_b), np.int32)
    cost = np.empty(len(to), np.float64)
    filled = 0
    for v in range(nodes):
        first[v] = filled
        i, last = (first_a[v], first_a[v + 1]) if v < shared else (0, 0)
        j, end = first_b[v], first_b[v + 1]
        while i < last or j < end:
            if j == end or (i < last and to_a[i] < to_b[j]):
                to[filled], cost[filled] = to_a[i], minutes_a[i]
                i += 1
            elif i == last or to_b[j] < to_a[i]:
                to[filled], cost[filled] = to_b[j], minutes_b[j]
                j += 1
            else:
                to[filled], cost[filled] = to_a[i], min(minutes_a[i], minutes_b[j])
                i += 1
                j += 1
            filled += 1
    first[nodes] = filled
    return first, to[:filled].copy(), cost[:filled].copy()


#: Buckets of the circular queue; a label farther ahead waits in the last one.
_BUCKETS = 1024
_MASK = _BUCKETS - 1


def workspace(nodes: int, room: int) -> tuple:
    """Arrays of one sweep: labels, what has been reached, and `room` cells of the queue."""
    return (
        np.full(nodes, np.inf),
        np.empty(nodes, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.full(_BUCKETS, -1, np.int32),
    )


@njit(nogil=True, cache=True)
def sweep(first, to, minutes, limit, width, seed_node, seed_min, work):
    """Minutes from the nearest seed to every node within the limit.

    Parameters
    ----------
    first, to, minutes
        Arrays of a `Graph`.
    limit : float
    width : float
        Minutes per bucket; it changes the speed, never the result.
    seed_node, seed_min : ndarray
        Nodes to start from, and the minutes already spent.
    work : tuple
        From `workspace`; `work[0]` holds the labels afterwards.

    Returns
    -------
    int
        How many nodes were reached; their numbers are in `work[1]`. -1 if the queue was too
        small: try again with a fresh, larger workspace.

    Notes
    -----
    Dial (1969), Algorithm 360, Comm. ACM 12(11), with buckets wider than the shortest arc and
    labels corrected inside them.
    """
    label, touched, cell, after, head = work
    inverse, room = 1.0 / width, len(cell)
    count = waiting = used = 0
    free = -1
    now = np.int64(2**62)
    for i in range(len(seed_node)):
        if seed_min[i] <= limit:
            now = min(now, np.int64(seed_min[i] * inverse))
    # Beyond this label a node waits in the last bucket; it is scanned again if that was too early.
    last = np.float64(now + _BUCKETS - 1) * width
    for i in range(len(seed_node)):
        v, m = seed_node[i], seed_min[i]
        if m > limit or m >= label[v]:
            continue
        if label[v] == np.inf:
            touched[count] = v
            count += 1
        label[v] = m
        s = (np.int64(m * inverse) if m < last else now + _BUCKETS - 1) & _MASK
        cell[used], after[used] = v, head[s]
        head[s] = used
        used += 1
        waiting += 1
    while waiting > 0:
        c = head[now & _MASK]
        if c < 0:
            now += 1
            last = np.float64(now + _BUCKETS - 1) * width
            continue
        head[now & _MASK] = after[c]
        u = cell[c]
        after[c] = free
        free = c
        waiting -= 1
        here = label[u]
        # A label from an earlier bucket was scanned there; the cell is a leftover.
        if here * inverse < now:
            continue
        for a in range(first[u], first[u + 1]):
            there, v = here + minutes[a], to[a]
            old = label[v]
            if there < old and there <= limit:
                if old == np.inf:
                    touched[count] = v
                    count += 1
                label[v] = there
                s = (np.int64(there * inverse) if there < last else now + _BUCKETS - 1) & _MASK
                if free >= 0:
                    c = free
                    free = after[c]
                else:
                    if used == room:
                        return -1
                    c = used
                    used += 1
                cell[c], after[c] = v, head[s]
                head[s] = c
                waiting += 1
    return count


@njit(nogil=True, cache=True)
def clear(count, work):
    """Make the workspace ready for the next sweep."""
    label, touched = work[0], work[1]
    for i in range(count):
        label[touched[i]] = np.inf


@njit(nogil=True, cache=True)
def sweep_ranked(first, to, minutes, limit, ranks, facility, seed_node, seed_min, room):
    """Minutes to each node's k nearest facilities, and which they are.

    Parameters
    ----------
    first, to, minutes, limit
        See `sweep`.
    ranks : int
        k.
    facility, seed_node, seed_min : ndarray
        Facility behind each seed.
    room : int
        Cells that the heap begins with.

    Returns
    -------
    label : ndarray of float64, shape (nodes, k)
        Ascending; infinity where there are fewer.
    which : ndarray of int32, shape (nodes, k)
        Facility of each, -1 where there are fewer; of equally near ones the lower number first.

    Notes
    -----
    Dijkstra's algorithm on a 4-ary heap in which a node is settled once for each of its k nearest
    facilities.
    """
    nodes = len(first) - 1
    label = np.full((nodes, ranks), np.inf)
    which = np.full((nodes, ranks), -1, np.int32)
    settled = np.zeros(nodes, np.int32)
    key, who = np.empty(room), np.empty((room, 2), np.int32)
    size = 0
    for i in range(len(seed_node)):
        if seed_min[i] <= limit:
            _up(key, who, size, seed_min[i], facility[i], seed_node[i])
            size += 1
    while size > 0:
        here, f, u = key[0], who[0, 0], who[0, 1]
        size -= 1
        _down(key, who, size)
        rank = settled[u]
        known = rank == ranks
        for r in range(rank):
            known = known or which[u, r] == f
        if known:
            continue
        label[u, rank], which[u, rank] = here, f
        settled[u] = rank + 1
        if size + first[u + 1] - first[u] > len(key):
            key, who = _grown(key, who, size)
        for a in range(first[u], first[u + 1]):
            there, v = here + minutes[a], to[a]
            if there <= limit and settled[v] < ranks:
                _up(key, who, size, there, f, v)
                size += 1
    return label, which


@njit(nogil=True, cache=True)
def _grown(key, who, size):
    room = 2 * len(key) + 1024
    new_key, new_who = np.empty(room), np.empty((room, 2), np.int32)
    new_key[:size], new_who[:size] = key[:size], who[:size]
    return new_key, new_who


@njit(nogil=True, cache=True)
def _sooner(a, f, b, g):
    return a < b or (a == b and f < g)


@njit(nogil=True, cache=True)
def _up(key, who, i, k, f, v):
    while i > 0:
        p = (i - 1) >> 2
        if not _sooner(k, f, key[p], who[p, 0]):
            break
        key[i] = key[p]
        who[i, 0], who[i, 1] = who[p, 0], who[p, 1]
        i = p
    key[i] = k
    who[i, 0], who[i, 1] = f, v


@njit(nogil=True, cache=True)
def _down(key, who, size):
    # The last cell moves to the top and sinks to its place.
    k, f, v = key[size], who[size, 0], who[size, 1]
    i = 0
    while True:
        child = 4 * i + 1
        if child >= size:
            break
        least = child
        for j in range(child + 1, min(child + 4, size)):
            if _sooner(key[j], who[j, 0], key[least], who[least, 0]):
                least = j
        if not _sooner(key[least], who[least, 0], k, f):
            break
        key[i] = key[least]
        who[i, 0], who[i, 1] = who[least, 0], who[least, 1]
        i = least
    key[i] = k
    who[i, 0], who[i, 1] = f, v


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
