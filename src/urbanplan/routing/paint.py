"""Geometry of streets in numba: places on edges, and minutes painted on a grid around them."""

from __future__ import annotations

import numpy as np

from urbanplan.files.compiled import njit

#: Minutes that stand for never in single precision.
_NEVER = 1e9


@njit(nogil=True, cache=True)
def locate(edge, xy, bend, vertex_xy, spent):
    """The place on an edge nearest to a point.

    Parameters
    ----------
    edge : ndarray of int, shape (n,)
    xy : ndarray of float64, shape (n, 2)
    bend, vertex_xy, spent
        Of a `Network`.

    Returns
    -------
    spot : ndarray of float64, shape (n, 3)
        Share of the edge's length, minutes along it from its tail, minutes back to its tail;
        infinity where the edge is closed in that direction.
    off : ndarray of float64, shape (n,)
        Metres from the point to that place.
    """
    count = len(edge)
    spot, off = np.zeros((count, 3)), np.full(count, np.inf)
    for i in range(count):
        first, last = bend[edge[i]], bend[edge[i] + 1] - 1
        along = best_along = 0.0
        for k in range(first, last):
            x, y = vertex_xy[k]
            dx, dy = vertex_xy[k + 1, 0] - x, vertex_xy[k + 1, 1] - y
            square = dx * dx + dy * dy
            share = 0.0
            if square > 0:
                share = ((xy[i, 0] - x) * dx + (xy[i, 1] - y) * dy) / square
                share = min(max(share, 0.0), 1.0)
            far = np.hypot(xy[i, 0] - x - share * dx, xy[i, 1] - y - share * dy)
            length = np.sqrt(square)
            if far < off[i]:
                off[i] = far
                best_along = along + share * length
                for d in range(2):
                    a, b = spent[k, d], spent[k + 1, d]
                    spot[i, 1 + d] = a + share * (b - a) if np.isfinite(spent[last, d]) else np.inf
            along += length
        spot[i, 0] = min(best_along / along, 1.0) if along > 0 else 0.0
    return spot, off


@njit(nogil=True, cache=True)
def reached_segments(
    nodes, doors, through, bend, vertex_xy, spent, label, limit, turned, tolerance_m
):
    """Straight pieces of street that can be reached within a limit from labelled nodes.

    Parameters
    ----------
    nodes : ndarray of int
        Nodes with a label.
    doors : tuple
        Of `Network.doors`.
    through, bend, vertex_xy, spent
        Of the `Network`; edges that are only passed along are left out.
    label : ndarray of float64, shape (nodes,)
        Minutes at each node.
    limit : float
    turned : bool
        Whether labels are minutes *to* somewhere.
    tolerance_m : float
        Bends that lie no farther than this from a straight line are left out.

    Returns
    -------
    ndarray of float64, shape (n, 8)
        x, y, x, y of the two ends; minutes there by way of the edge's tail; by way of its head.
    """
    room, filled = 1024, 0
    out = np.empty((room, 8))
    tail, head = doors[0], doors[1]
    for i in range(len(nodes)):
        v = nodes[i]
        outward = doors[2][v + 1] - doors[2][v]
        inward = doors[4][v + 1] - doors[4][v]
        for h in range(outward + inward):
            if h < outward:
                e = doors[3][doors[2][v] + h]
            else:
                e = doors[5][doors[4][v] + h - outward]
                # Its tail has a label too, and lists it.
                if label[tail[e]] < np.inf:
                    continue
            if through[e]:
                continue
            first, last = bend[e], bend[e + 1] - 1
            if filled + last - first > room:
                room = 2 * room + last - first
                grown = np.empty((room, 8))
                grown[:filled] = out[:filled]
                out = grown
            ahead, back = (1, 0) if turned else (0, 1)
            at_tail, at_head = label[tail[e]], label[head[e]]
            end = first
            while end < last:
                # On to the farthest vertex that one straight line reaches past all bends between.
                k, end, straight = end, end + 1, True
                while straight and end < last:
                    ax, ay = vertex_xy[k, 0], vertex_xy[k, 1]
                    dx, dy = vertex_xy[end + 1, 0] - ax, vertex_xy[end + 1, 1] - ay
                    square = dx * dx + dy * dy
                    for j in range(k + 1, end + 1):
                        ex, ey = vertex_xy[j, 0] - ax, vertex_xy[j, 1] - ay
                        along, across = ex * dx + ey * dy, ex * dy - ey * dx
                        straight &= 0 <= along <= square
                        straight &= across * across <= tolerance_m**2 * square
                    end += straight
                tail_a, tail_b = at_tail + spent[k, ahead], at_tail + spent[end, ahead]
                head_a = at_head + spent[last, back] - spent[k, back]
                head_b = at_head + spent[last, back] - spent[end, back]
                if not spent[last, ahead] < np.inf:
                    tail_a = tail_b = _NEVER
                if not spent[last, back] < np.inf:
                    head_a = head_b = _NEVER
                if min(min(tail_a, tail_b), min(head_a, head_b)) > limit:
                    continue
                out[filled, 0], out[filled, 1] = vertex_xy[k, 0], vertex_xy[k, 1]
                out[filled, 2], out[filled, 3] = vertex_xy[end, 0], vertex_xy[end, 1]
                out[filled, 4], out[filled, 5] = min(tail_a, _NEVER), min(tail_b, _NEVER)
                out[filled, 6], out[filled, 7] = min(head_a, _NEVER), min(head_b, _NEVER)
                filled += 1
    return out[:filled]


@njit(nogil=True, cache=True)
def own_segments(edge, spot, beside, bend, vertex_xy, spent, turned):
    """Pieces of the edges that places stand on, with the minutes from (or to) the place itself.

    Returns
    -------
    ndarray of float64, shape (n, 8)
        As `reached_segments`.
    """
    total = 0
    for i in range(len(edge)):
        if edge[i] >= 0:
            total += bend[edge[i] + 1] - bend[edge[i]]
    out = np.full((total, 8), _NEVER)
    filled = 0
    for i in range(len(edge)):
        if edge[i] < 0:
            continue
        first, last = bend[edge[i]], bend[edge[i] + 1] - 1
        length = along = 0.0
        for k in range(first, last):
            length += np.hypot(
                vertex_xy[k + 1, 0] - vertex_xy[k, 0], vertex_xy[k + 1, 1] - vertex_xy[k, 1]
            )
        stop = spot[i, 0] * length
        for k in range(first, last):
            ax, ay = vertex_xy[k]
            bx, by = vertex_xy[k + 1]
            step = np.hypot(bx - ax, by - ay)
            share = (stop - along) / step if step > 0 else 0.0
            share = min(max(share, 0.0), 1.0)
            px, py = ax + share * (bx - ax), ay + share * (by - ay)
            # Towards the head from the place on, and towards the tail up to it.
            for part in range(2):
                if (part == 0 and share == 1.0) or (part == 1 and share == 0.0):
                    continue
                d = part if not turned else 1 - part
                if not spent[last, d] < np.inf:
                    continue
                here = spot[i, 1 + d]
                near = spent[k + 1, d] if part == 0 else spent[k, d]
                middle = spent[k, d] + share * (spent[k + 1, d] - spent[k, d])
                out[filled, 0], out[filled, 1] = px, py
                out[filled, 2], out[filled, 3] = (bx, by) if part == 0 else (ax, ay)
                out[filled, 4] = beside[i] + abs(middle - here)
                out[filled, 5] = beside[i] + abs(near - here)
                filled += 1
            along += step
    return out[:filled]


def paint(segments, limit, pace, width_m, west, south, cell_m, field):
    """How far each grid point is inside (below 0) or outside the area within a limit.

    Parameters
    ----------
    segments : ndarray of float64, shape (n, 8)
    limit : float
        Minutes.
    pace : float
        Minutes per metre beside the streets.
    width_m : float
        Nobody is counted farther than this from a street, however much time is left.
    west, south, cell_m : float
        Lower left point of the grid, and its spacing.
    field : ndarray of float32, shape (rows, columns)
        Written to: the larger of minutes missing and of walking minutes too far from the street.

    Notes
    -----
    Minutes at a point are the least over all places of a segment of the minutes there plus the
    walk from it. Along a straight segment with pace q < p beside it, the best place to step off
    lies h q / sqrt(p² - q²) before the foot of the perpendicular h (as light is refracted), but
    no farther from the point than `width_m`. Where a segment and all beside it are within the
    limit anyway, only the width matters.
    """
    first = np.minimum(segments[:, 4], segments[:, 6])
    second = np.minimum(segments[:, 5], segments[:, 7])
    length = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    whole = np.maximum(first, second) + (width_m + length) * pace <= limit
    some = ~whole & (np.minimum(first, second) <= limit)
    rows, columns = field.shape
    xs, ys = (np.arange(n, dtype=np.float32) * np.float32(cell_m) for n in (columns, rows))
    segments = segments - np.array([west, south, west, south, limit, limit, limit, limit])
    _paint_width(segments[whole], pace, width_m, cell_m, xs, ys, field)
    _paint_minutes(segments[some], pace, width_m, cell_m, xs, ys, field)


# Every kernel holds its loops itself: handing arrays on for each segment would cost more than
# painting it.


@njit(nogil=True, cache=True, fastmath=True)
def _paint_width(segments, pace, width_m, cell_m, xs, ys, field):
    one, zero = np.float32(1), np.float32(0)
    p, w, reach = np.float32(pace), np.float32(width_m), width_m + 1.5 * cell_m
    for n in range(len(segments)):
        x, y = np.float32(segments[n, 0]), np.float32(segments[n, 1])
        dx, dy = np.float32(segments[n, 2]) - x, np.float32(segments[n, 3]) - y
        left = max(0, int((min(x, x + dx) - reach) / cell_m))
        right = min(len(xs) - 1, int((max(x, x + dx) + reach) / cell_m) + 1) + 1
        low = max(0, int((min(y, y + dy) - reach) / cell_m))
        high = min(len(ys) - 1, int((max(y, y + dy) + reach) / cell_m) + 1) + 1
        square = dx * dx + dy * dy
        inverse = one / square if square > 0 else zero
        across = dx * inverse
        if left >= right:
            continue
        places = xs[left:right]
        for r in range(low, high):
            qy = ys[r] - y
            start = (qy * dy - x * dx) * inverse
            row = field[r, left:right]
            for i in range(len(places)):
                share = places[i] * across + start
                share = zero if share < zero else share
                share = one if share > one else share
                ex, ey = places[i] - x - share * dx, qy - share * dy
                far = (np.sqrt(ex * ex + ey * ey) - w) * p
                old = row[i]
                row[i] = far if far < old else old


@njit(nogil=True, cache=True, fastmath=True)
def _paint_minutes(segments, pace, width_m, cell_m, xs, ys, field):
    one, zero = np.float32(1), np.float32(0)
    p, w, reach = np.float32(pace), np.float32(width_m), width_m + 1.5 * cell_m
    for n in range(len(segments)):
        x, y = np.float32(segments[n, 0]), np.float32(segments[n, 1])
        dx, dy = np.float32(segments[n, 2]) - x, np.float32(segments[n, 3]) - y
        ta, ha = np.float32(segments[n, 4]), np.float32(segments[n, 6])
        td, hd = np.float32(segments[n, 5]) - ta, np.float32(segments[n, 7]) - ha
        left = max(0, int((min(x, x + dx) - reach) / cell_m))
        right = min(len(xs) - 1, int((max(x, x + dx) + reach) / cell_m) + 1) + 1
        low = max(0, int((min(y, y + dy) - reach) / cell_m))
        high = min(len(ys) - 1, int((max(y, y + dy) + reach) / cell_m) + 1) + 1
        square = dx * dx + dy * dy
        inverse = one / square if square > 0 else zero
        across, unit = dx * inverse, np.sqrt(inverse)
        bend_t, bend_h = _bend(td, square, p), _bend(-hd, square, p)
        if left >= right:
            continue
        places = xs[left:right]
        for r in range(low, high):
            qy = ys[r] - y
            start = (qy * dy - x * dx) * inverse
            row = field[r, left:right]
            for i in range(len(places)):
                qx = places[i] - x
                foot = places[i] * across + start
                hx, hy = qx - foot * dx, qy - foot * dy
                h2 = hx * hx + hy * hy
                room = w * w - h2
                most, h = np.sqrt(room if room > zero else zero) * unit, np.sqrt(h2) * unit
                back, on = h * bend_t, h * bend_h
                near = foot
                near = zero if near < zero else near
                near = one if near > one else near
                st = foot - (back if back < most else most)
                st = zero if st < zero else st
                st = one if st > one else st
                sh = foot + (on if on < most else most)
                sh = zero if sh < zero else sh
                sh = one if sh > one else sh
                tx, ty = qx - st * dx, qy - st * dy
                by_tail = ta + st * td + np.sqrt(tx * tx + ty * ty) * p
                ux, uy = qx - sh * dx, qy - sh * dy
                by_head = ha + sh * hd + np.sqrt(ux * ux + uy * uy) * p
                missing = by_tail if by_tail < by_head else by_head
                ex, ey = qx - near * dx, qy - near * dy
                far = (np.sqrt(ex * ex + ey * ey) - w) * p
                value = missing if missing > far else far
                old = row[i]
                row[i] = value if value < old else old


@njit(nogil=True, cache=True, fastmath=True)
def _bend(minutes, square, pace):
    # Metres before the foot of the perpendicular per metre of it, where stepping off is best.
    ratio = minutes / (np.sqrt(square) * pace) if square > 0 else 0.0
    if ratio <= 0:
        return np.float32(0)
    return np.float32(ratio / np.sqrt(1 - ratio * ratio) if ratio < 0.999 else 1e6)


@njit(nogil=True, cache=True)
def without_slivers(xy, rings, outer, least_m2):
    """Drop rings smaller than the grid can tell, and the holes of polygons that go.

    Parameters
    ----------
    xy : ndarray of float64, shape (points, 2)
    rings, outer : ndarray of uint32
        Where each ring begins in `xy`, and each polygon in `rings`; both with their ends.
    least_m2 : float

    Returns
    -------
    xy, rings, outer
        The same of what is kept; offsets are int64.
    """
    points, first_point = np.empty_like(xy), np.zeros(len(rings), np.int64)
    first_ring = np.zeros(len(outer), np.int64)
    ring = polygon = filled = 0
    for p in range(len(outer) - 1):
        for r in range(outer[p], outer[p + 1]):
            begin, end = np.int64(rings[r]), np.int64(rings[r + 1])
            twice = 0.0
            for k in range(begin, end - 1):
                ax, ay = xy[k, 0] - xy[begin, 0], xy[k, 1] - xy[begin, 1]
                bx, by = xy[k + 1, 0] - xy[begin, 0], xy[k + 1, 1] - xy[begin, 1]
                twice += ax * by - bx * ay
            if abs(twice) / 2 < least_m2:
                if r == outer[p]:
                    break
                continue
            for k in range(begin, end):
                points[filled] = xy[k]
                filled += 1
            ring += 1
            first_point[ring] = filled
        if ring > first_ring[polygon]:
            polygon += 1
            first_ring[polygon] = ring
    return points[:filled], first_point[: ring + 1], first_ring[: polygon + 1]
