"""Putting places on the edges of a street network."""

from __future__ import annotations

import numpy as np

from urbanplan.network import Network
from urbanplan.traveltime.places import Links, Placed


def place_on_streets(network: Network, ids, shapes, limit_m: float, beside_m: float) -> Placed:
    """See `urbanplan.traveltime.place`."""
    import shapely

    points = shapely.get_type_id(shapes) == 0
    feature, edge, xy = _points(network, shapes, np.flatnonzero(points), limit_m, beside_m)
    others = [_entrances(network, shapes[i], i, limit_m) for i in np.flatnonzero(~points)]
    feature = np.concatenate([feature, *(o[0] for o in others)])
    edge = np.concatenate([edge, *(o[1] for o in others)]).astype(np.int64)
    xy = np.concatenate([xy, *(o[2] for o in others)])
    order = np.lexsort((edge, feature))
    feature, edge, xy = feature[order], edge[order], xy[order]
    spot, moved = _spots(network, edge, xy)
    moved[~points[feature]] = shapely.distance(
        shapes[feature[~points[feature]]], shapely.points(xy[~points[feature]])
    )
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


def _points(network: Network, shapes, rows, limit_m: float, beside_m: float):
    # The nearest edge of each point; of equally near ones the first. Or every edge beside it.
    import shapely

    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
    which, edge = network.index.query_nearest(
        shapes[rows], max_distance=max(limit_m, 1e-9), all_matches=True
    )
    edge = network.kerb[edge]
    order = np.lexsort((edge, which))
    which, first = np.unique(which[order], return_index=True)
    edge = edge[order][first]
    if beside_m > 0:
        more, others = network.index.query(
            shapes[rows], predicate="dwithin", distance=min(beside_m, limit_m)
        )
        pairs = np.concatenate([np.stack([which, edge]), np.stack([more, network.kerb[others]])], 1)
        which, edge = np.unique(pairs, axis=1)
    rows = rows[which]
    return rows, edge, shapely.get_coordinates(shapes[rows])


def _entrances(network: Network, shape, feature: int, limit_m: float):
    # Where streets meet a line or polygon: its two outermost places on every edge.
    import shapely

    edges = network.kerb[np.sort(network.index.query(shape, predicate="intersects"))]
    if not len(edges):
        near = network.index.query_nearest(shape, max_distance=max(limit_m, 1e-9))
        if not len(near):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
        edge = int(network.kerb[np.min(near)])
        spot = shapely.get_coordinates(shapely.shortest_line(network.lines[edge], shape))[0]
        return np.array([feature]), np.array([edge]), spot[None]
    found, xy = [], []
    for edge in edges:
        line = network.lines[edge]
        inside = shapely.get_coordinates(shapely.intersection(line, shape))
        at = shapely.line_locate_point(line, shapely.points(inside))
        for k in sorted({int(np.argmin(at)), int(np.argmax(at))}):
            found.append(edge)
            xy.append(inside[k])
    return np.full(len(found), feature), np.array(found), np.array(xy)


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
    ends = np.stack([network.tail[edge], network.head[edge]], axis=1).astype(np.int64)
    return (
        _open(ends, np.stack([to_tail, to_head], axis=1) + beside[:, None]),
        _open(ends, np.stack([from_tail, from_head], axis=1) + beside[:, None]),
    )


def _open(ends, minutes) -> Links:
    use = np.isfinite(minutes)
    return Links(np.r_[0, np.cumsum(use.sum(1))], ends[use], np.maximum(minutes[use], 0.0))
