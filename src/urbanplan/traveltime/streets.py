"""Putting places on the edges of a street network."""

from __future__ import annotations

import numpy as np

from urbanplan.network import FRAGMENT_M, Network
from urbanplan.traveltime.places import Links, Placed

#: An area is entered from every street within so many metres of its outline: a kerb, a pavement, a verge.
KERB_M = 25.0
#: Places along such a street are so many metres apart, and more where there would be more of them than this.
_STEP_M, _MOST_STEPS = 5.0, 400
#: What is drawn within so many metres of an outline is on it.
_OUTLINE_M = 3.0


def place_on_streets(network: Network, ids, shapes, limit_m: float, beside_m: np.ndarray) -> Placed:
    """See `urbanplan.traveltime.place`."""
    import shapely

    points = shapely.get_type_id(shapes) == 0
    feature, edge, xy = _points(network, shapes, np.flatnonzero(points), limit_m, beside_m)
    spot, moved = _spots(network, edge, xy)
    ways = [(feature, edge, xy, spot, moved)]
    for i in np.flatnonzero(~points):
        edge, street, into, apart = _entrances(network, shapes[i], limit_m)
        spot = _spots(network, edge, street)[0]
        ways.append((np.full(len(edge), i), edge, into, spot, apart))
    feature, edge, xy, spot, moved = map(np.concatenate, zip(*ways))
    order = np.lexsort((spot[:, 0], edge, feature))
    feature, edge, xy, spot, moved = (a[order] for a in (feature, edge, xy, spot, moved))
    beside = moved * network.mode.streets.off_street_min_per_m
    placed, number = np.unique(feature, return_inverse=True)
    leave, arrive = _links(network, edge, spot, beside)
    return Placed(
        ids=ids[placed],
        feature=number,
        leave=leave,
        arrive=arrive,
        edge=edge,
        spot=spot,
        beside_min=beside,
        moved_m=moved,
        xy=xy,
        unplaced=tuple(str(i) for i in np.delete(ids, placed)),
    )


def _points(network: Network, shapes, rows, limit_m: float, beside_m: np.ndarray):
    # The nearest edge of each point; of equally near ones the first. Or every edge beside it.
    import shapely

    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
    which, edge = _nearest_edges(network.index, network.kerb, shapes[rows], limit_m)
    if (beside_m[rows] > 0).any():
        near_m = np.minimum(beside_m[rows], limit_m)
        more, others = network.index.query(shapes[rows], predicate="dwithin", distance=near_m)
        which, edge = np.r_[which, more], np.r_[edge, network.kerb[others]]
    on_main = np.isin(np.arange(len(rows)), which[network.part_m[network.part[edge]] >= FRAGMENT_M])
    lost = np.flatnonzero(~on_main & np.isin(np.arange(len(rows)), which))
    if len(lost):
        more, others = _nearest_edges(
            network.main_index, network.main_kerb, shapes[rows[lost]], limit_m
        )
        which, edge = np.r_[which, lost[more]], np.r_[edge, others]
    # One number a pair sorts faster than two columns do.
    which, edge = np.divmod(np.unique(which * network.edges + edge), network.edges)
    rows = rows[which]
    return rows, edge, shapely.get_coordinates(shapes[rows])


def _nearest_edges(index, kerb, shapes, limit_m: float):
    which, edge = index.query_nearest(shapes, max_distance=max(limit_m, 1e-9), all_matches=True)
    edge = kerb[edge]
    order = np.lexsort((edge, which))
    which, first = np.unique(which[order], return_index=True)
    return which, edge[order][first]


def _entrances(network: Network, shape, limit_m: float):
    # Edges from which a line or polygon is entered: where on each, where into the shape, and the metres between.
    import shapely

    nothing = np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    hit, apart = network.index.query_nearest(
        shape, max_distance=max(limit_m, 1e-9), return_distance=True
    )
    if not len(hit):
        return nothing
    # Where no street is at the kerb, all that are hardly farther than the nearest are as good.
    near_m = KERB_M if apart[0] <= KERB_M else min(apart[0] + KERB_M, limit_m)
    edges = network.kerb[np.sort(network.index.query(shape, predicate="dwithin", distance=near_m))]
    edge, street = _along(network, edges, shape, near_m)
    into = shapely.get_coordinates(shapely.shortest_line(shapely.points(street), shape)).reshape(
        -1, 2, 2
    )[:, 1]
    ways = edge, street, into, np.hypot(*(into - street).T)
    shut = _fenced(network, shape, ways, near_m)
    gates = _gates(network, shape, limit_m)
    if shut.all() and not len(gates[0]):
        return ways  # people get in somewhere, though no gate is mapped
    return tuple(np.concatenate([w[~shut], g]) for w, g in zip(ways, gates))


def _along(network: Network, edges, shape, near_m: float):
    # Places on the stretches of some edges that lie near a shape: their ends, what is nearest, and between.
    import shapely

    lines = network.lines[edges]
    stretch, whose = shapely.get_parts(
        shapely.intersection(lines, shape.buffer(near_m)), return_index=True
    )
    # Where an edge only touches, its nearest place says all.
    long = shapely.length(stretch) > 0
    stretch, whose = stretch[long], whose[long]
    length = shapely.length(stretch)
    step = max(_STEP_M, length.sum() / _MOST_STEPS)
    count = np.ceil(length / step).astype(np.int64) + 1
    k = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    share = k / np.repeat(np.maximum(count - 1, 1), count)
    between = (
        shapely.line_interpolate_point(np.repeat(stretch, count), share, normalized=True)
        if len(stretch)
        else stretch
    )
    nearest = shapely.get_coordinates(shapely.shortest_line(lines, shape))[::2]
    edge = np.concatenate([edges[np.repeat(whose, count)], edges]).astype(np.int64)
    return edge, np.concatenate([shapely.get_coordinates(between).reshape(-1, 2), nearest])


def _fenced(network: Network, shape, ways, near_m: float) -> np.ndarray:
    # Steps from a street into a shape that a fence crosses; who is on a street inside is in.
    import shapely

    _, street, into, apart = ways
    shut = np.zeros(len(street), bool)
    if not len(network.fences):
        return shut
    fences = network.fences[network.fence_index.query(shape, predicate="dwithin", distance=near_m)]
    outside = np.flatnonzero(apart > 0)
    if not len(fences) or not len(outside):
        return shut
    # A little beyond the outline, on which fences are drawn.
    beyond = into + (into - street) * (_OUTLINE_M / np.maximum(apart, 1e-9))[:, None]
    steps = shapely.linestrings(np.stack([street, beyond], axis=1)[outside])
    shut[outside] = shapely.intersects(steps, shapely.union_all(fences))
    return shut


def _gates(network: Network, shape, limit_m: float):
    # From the nearest street to every gate on the outline.
    import shapely

    on = network.entrance_index.query(shape.boundary, predicate="dwithin", distance=_OUTLINE_M)
    gate = network.entrances[np.sort(on)]
    which, edge = _nearest_edges(network.index, network.kerb, shapely.points(gate), limit_m)
    gate = gate[which]
    street = shapely.get_coordinates(
        shapely.shortest_line(network.lines[edge], shapely.points(gate))
    )[::2]
    return edge, street, gate, np.hypot(*(gate - street).T)


def _spots(network: Network, edge, xy):
    # (share, minutes along, minutes back) of the place on each edge nearest to xy, and how far off.
    from urbanplan.traveltime.paint import locate

    return locate(edge, xy, network.bend, network.vertex_xy, network.spent)


def _links(network: Network, edge, spot, beside) -> tuple[Links, Links]:
    # Both ends of the edge, in the directions that are open.
    total = network.minutes[edge]
    at_tail, at_head = spot[:, 0] == 0, spot[:, 0] == 1
    with np.errstate(invalid="ignore"):
        to_tail = np.where(at_tail, 0.0, spot[:, 2])
        to_head = np.where(at_head, 0.0, total[:, 0] - spot[:, 1])
        from_tail = np.where(at_tail, 0.0, spot[:, 1])
        from_head = np.where(at_head, 0.0, total[:, 1] - spot[:, 2])
    arcs = network.arcs
    return (
        _open(arcs.leave[edge], np.stack([to_tail, to_head], axis=1) + beside[:, None]),
        _open(arcs.enter[edge], np.stack([from_tail, from_head], axis=1) + beside[:, None]),
    )


def _open(ends, minutes) -> Links:
    use = np.isfinite(minutes)
    return Links(np.r_[0, np.cumsum(use.sum(1))], ends[use], np.maximum(minutes[use], 0.0))
