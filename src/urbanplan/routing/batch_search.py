"""Searches from several neighbouring origins at once, each in its own lane.

Origins close to each other reach the same nodes by the same arcs. One scan of an arc therefore
serves a whole batch of them with a few vector instructions, where one search per origin would
fetch it once for each. Labels are corrected until nothing improves, so every lane ends with the
very same float64 sums as a search of its own would give: results do not depend on who shares
the batch.
"""

from __future__ import annotations

import numpy as np

from urbanplan.files.compiled import njit

#: Buckets of the circular queue; a label farther ahead waits in the last one.
_BUCKETS = 256
_MASK = _BUCKETS - 1


def workspace(nodes: int, lanes: int, items: int = 0) -> tuple:
    """Arrays that one thread searches with: labels by lane, queue, and what has been touched."""
    return (
        np.full(nodes * lanes, np.inf),
        np.full(nodes, -1, np.int64),
        np.empty(nodes, np.int32),
        np.empty(nodes, np.int32),
        np.full(_BUCKETS, -1, np.int32),
        np.zeros(nodes, np.bool_),
        np.empty(nodes, np.int32),
        np.full(items, -1, np.int64),
    )


@njit(nogil=True, cache=True)
def search(first, to, minutes, limit, width, lanes, seed_first, seed_node, seed_min, work):
    """Minutes from each lane's origin to every node within the limit.

    Parameters
    ----------
    first, to, minutes
        Arrays of a `Graph`.
    limit : float
        Labels beyond it are not kept.
    width : float
        Minutes per bucket; it changes the speed, never the result.
    lanes : ndarray of int
        Origin of each lane, at most as many as the workspace has.
    seed_first, seed_node, seed_min
        Nodes that each origin starts from, with the minutes already spent.
    work : tuple
        From `workspace`; `work[0]` holds the labels afterwards.

    Returns
    -------
    int
        How many nodes were touched; their numbers are in `work[6]`.
    """
    label, queued, after, before, head, marked, touched, _ = work
    wide, inverse, waiting = np.uint64(len(label) // len(queued)), 1.0 / width, 0
    count, now = _sow(limit, inverse, lanes, seed_first, seed_node, seed_min, work)
    for i in range(count):
        waiting += queued[touched[i]] >= 0
    # Calls that pass arrays would count them in and out of use at every arc: all is done here.
    while waiting > 0:
        u = head[now & _MASK]
        if u < 0:
            now += 1
            continue
        head[now & _MASK] = after[u]
        if after[u] >= 0:
            before[after[u]] = -1
        queued[u] = -1
        waiting -= 1
        mine = np.uint64(u) * wide
        for a in range(first[u], first[u + 1]):
            v, step, changed = to[a], minutes[a], False
            theirs = np.uint64(v) * wide
            # A count unknown to the compiler and unsigned indices become vector instructions.
            for lane in range(wide):
                there, old = label[mine + lane] + step, label[theirs + lane]
                better = (there < old) & (there <= limit)
                label[theirs + lane] = there if better else old
                changed |= better
            if not changed:
                continue
            best = np.inf
            for lane in range(wide):
                there = label[mine + lane] + step
                if there == label[theirs + lane] and there < best:
                    best = there
            q = now + _BUCKETS - 1
            if best * inverse < q:
                q = max(np.int64(best * inverse), now)
            if queued[v] >= 0:
                # A node waits in one bucket at most, the earliest that it was put into.
                if q >= queued[v]:
                    continue
                if before[v] >= 0:
                    after[before[v]] = after[v]
                else:
                    head[queued[v] & _MASK] = after[v]
                if after[v] >= 0:
                    before[after[v]] = before[v]
            else:
                waiting += 1
                if not marked[v]:
                    marked[v] = True
                    touched[count] = v
                    count += 1
            queued[v], before[v], after[v] = q, -1, head[q & _MASK]
            if head[q & _MASK] >= 0:
                before[head[q & _MASK]] = v
            head[q & _MASK] = v
    return count


@njit(nogil=True, cache=True)
def _sow(limit, inverse, lanes, seed_first, seed_node, seed_min, work):
    # Puts every lane's seeds into the first bucket: to scan them early is never wrong.
    label, queued, after, before, head, marked, touched, _ = work
    wide = np.uint64(len(label) // len(queued))
    count, least = 0, np.inf
    for lane in range(len(lanes)):
        for i in range(seed_first[lanes[lane]], seed_first[lanes[lane] + 1]):
            v, m = seed_node[i], seed_min[i]
            at = np.uint64(v) * wide + np.uint64(lane)
            if m > limit or m >= label[at]:
                continue
            label[at] = m
            least = min(least, m)
            if not marked[v]:
                marked[v] = True
                touched[count] = v
                count += 1
    now = np.int64(least * inverse) if count else np.int64(0)
    for i in range(count):
        v = touched[i]
        queued[v], before[v], after[v] = now, -1, head[now & _MASK]
        if head[now & _MASK] >= 0:
            before[head[now & _MASK]] = v
        head[now & _MASK] = v
    return count, now


@njit(nogil=True, cache=True)
def clear(count, work):
    """Make the workspace ready for the next batch."""
    label, marked, touched = work[0], work[5], work[6]
    wide = np.uint64(len(label) // len(marked))
    for i in range(count):
        marked[touched[i]] = False
        at = np.uint64(touched[i]) * wide
        for lane in range(wide):
            label[at + lane] = np.inf


@njit(nogil=True, cache=True)
def _item(j, item_first, item_node, item_min, label, found):
    # Minutes of every lane to one item, over all nodes that it hangs on.
    wide = np.uint64(len(found))
    for lane in range(wide):
        found[lane] = np.inf
    for i in range(item_first[j], item_first[j + 1]):
        at, more = np.uint64(item_node[i]) * wide, item_min[i]
        for lane in range(wide):
            there = label[at + lane] + more
            found[lane] = there if there < found[lane] else found[lane]


@njit(nogil=True, cache=True)
def _add(sums, minutes, begin, limits, values, row):
    # A value counts in every lane that is within the limit; sums is (limits, values, lanes), flat.
    columns = values.shape[1]
    wide = np.uint64(len(sums) // (len(limits) * columns))
    for c in range(columns):
        value = values[row, c]
        if value == 0:
            continue
        for g in range(len(limits)):
            limit, at = limits[g], np.uint64(g * columns + c) * wide
            for lane in range(wide):
                sums[at + lane] += value if minutes[begin + lane] <= limit else 0


@njit(nogil=True, cache=True)
def sum_within(graph, seeds, items, hangs, known, origins, limits, width, node_value, value, work):
    """For each origin, the sum of values within each limit.

    Parameters
    ----------
    graph : (first, to, minutes)
    seeds : (first, node, minutes)
        Of the origins: nodes they start from.
    items : (first, node, minutes)
        The same of the items.
    hangs : (first, item)
        Items that hang on each node.
    known : (first, item, minutes)
        Of each of `origins`: items to which the minutes of another way are known, each once.
    origins : ndarray of int
        Origins to do, neighbours next to each other.
    limits : ndarray, shape (k,)
        Ascending.
    width
        See `search`.
    node_value : ndarray of int64, shape (nodes, m)
        Values that stand on the nodes themselves.
    value : ndarray of int64, shape (items, m)
        Values of the items.
    work : tuple

    Returns
    -------
    ndarray of int64, shape (len(origins), k, m)
    """
    label, touched, stamp = work[0], work[6], work[7]
    k, m = len(limits), node_value.shape[1]
    out = np.zeros((len(origins), k, m), np.int64)
    wide = len(label) // len(touched)
    sums = np.zeros(k * m * wide, np.int64)
    lane_count = np.uint64(wide)
    found = np.empty(wide)
    hung_first, hung_item = hangs
    for begin in range(0, len(origins), wide):
        lanes = origins[begin : begin + wide]
        count = search(*graph, limits[-1], width, lanes, *seeds[:3], work)
        sums[:] = 0
        for i in range(count):
            v = touched[i]
            for c in range(m):
                one = node_value[v, c]
                if one == 0:
                    continue
                for g in range(k):
                    limit, at = limits[g], np.uint64(v) * lane_count
                    total = np.uint64(g * m + c) * lane_count
                    for lane in range(lane_count):
                        sums[total + lane] += one if label[at + lane] <= limit else 0
            for h in range(hung_first[v], hung_first[v + 1]):
                j = hung_item[h]
                if stamp[j] == lanes[0]:
                    continue
                stamp[j] = lanes[0]
                _item(j, items[0], items[1], items[2], label, found)
                _add(sums, found, np.uint64(0), limits, value, j)
        for lane in range(len(lanes)):
            for g in range(k):
                for c in range(m):
                    out[begin + lane, g, c] = sums[(g * m + c) * wide + lane]
            # Somebody may be nearer along the same edge, or straight, than over nodes.
            for h in range(known[0][begin + lane], known[0][begin + lane + 1]):
                j, there = known[1][h], known[2][h]
                _item(j, items[0], items[1], items[2], label, found)
                for g in range(k):
                    if there <= limits[g] < found[lane]:
                        for c in range(m):
                            out[begin + lane, g, c] += value[j, c]
        clear(count, work)
    return out


@njit(nogil=True, cache=True)
def pairs_within(graph, seeds, items, hangs, origins, limit, width, work):
    """Minutes of every pair of origin and item within a limit.

    Parameters
    ----------
    graph, seeds, items, hangs
        See `sum_within`.
    origins, width, work
        See `sum_within`.
    limit : float

    Returns
    -------
    origin, item : ndarray of int32, shape (pairs,)
        `origin` numbers into the whole list of origins.
    minutes : ndarray of float64, shape (pairs,)
        Over nodes.
    """
    label, touched, stamp = work[0], work[6], work[7]
    wide = len(label) // len(touched)
    found = np.empty(wide)
    hung_first, hung_item = hangs
    room, filled = 1024, 0
    who, what, long = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    for begin in range(0, len(origins), wide):
        lanes = origins[begin : begin + wide]
        count = search(*graph, limit, width, lanes, *seeds[:3], work)
        for i in range(count):
            for h in range(hung_first[touched[i]], hung_first[touched[i] + 1]):
                j = hung_item[h]
                if stamp[j] == lanes[0]:
                    continue
                stamp[j] = lanes[0]
                _item(j, items[0], items[1], items[2], label, found)
                if filled + wide > room:
                    room *= 2
                    who, what, long = _grown(who, room), _grown(what, room), _longer(long, room)
                for lane in range(len(lanes)):
                    if found[lane] <= limit and found[lane] < np.inf:
                        who[filled], what[filled], long[filled] = lanes[lane], j, found[lane]
                        filled += 1
        clear(count, work)
    return who[:filled], what[:filled], long[:filled]


@njit(nogil=True, cache=True)
def _grown(old, room):
    new = np.empty(room, np.int32)
    new[: len(old)] = old
    return new


@njit(nogil=True, cache=True)
def _longer(old, room):
    new = np.empty(room, np.float64)
    new[: len(old)] = old
    return new
