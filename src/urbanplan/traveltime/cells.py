"""Putting places on the cells of a friction surface."""

from __future__ import annotations

import numpy as np

from urbanplan.surface import Surface, same_bank
from urbanplan.traveltime.places import Links, Placed

#: So many of the nearest cells are tried for one on the same bank.
_NEIGHBOURS = 16


def place_on_cells(surface: Surface, ids, shapes, limit_m: float) -> Placed:
    """See `urbanplan.traveltime.place`."""
    found, tree = [], None
    for i, shape in enumerate(shapes):
        nodes = _cells_of(surface, shape)
        moved = 0.0
        if not len(nodes):
            tree = tree or _centre_tree(surface)
            moved, node = _nearest_land(surface, tree, shape.representative_point())
            if node < 0 or not moved <= limit_m:
                continue
            nodes = np.array([node])
        found.append((i, nodes, moved))
    kept = np.array([f[0] for f in found], np.int64)
    moved = np.array([f[2] for f in found], float)
    beside = moved * surface.mode.open_land.pace_min_per_m
    counts = np.array([len(f[1]) for f in found], np.int64)
    links = Links(
        np.r_[0, np.cumsum(counts)].astype(np.int64),
        np.concatenate([f[1] for f in found]) if found else np.zeros(0, np.int64),
        np.repeat(beside, counts),
    )
    return Placed(
        ids=ids[kept],
        feature=np.arange(len(kept)),
        leave=links,
        arrive=links,
        edge=np.full(len(kept), -1),
        spot=np.zeros((len(kept), 3)),
        beside_min=beside,
        moved_m=moved,
        xy=np.array([shapes[i].representative_point().coords[0][:2] for i in kept]).reshape(-1, 2),
        unplaced=tuple(str(i) for i in np.delete(ids, kept)),
    )


def _cells_of(surface: Surface, shape) -> np.ndarray:
    grid, flat = surface.grid, surface.node_of.ravel()
    if shape.geom_type == "Point":
        cells = grid.cells_at(np.array([shape.x]), np.array([shape.y]))
    else:
        cells = np.flatnonzero(grid.covered([shape], touched=True).ravel())
    cells = cells[cells >= 0]
    cells = cells[flat[cells] >= 0]
    return flat[cells[same_bank(surface, shape, cells)]]


def _centre_tree(surface: Surface):
    from scipy.spatial import KDTree

    return KDTree(np.c_[surface.grid.centres(surface.cells)])


def _nearest_land(surface: Surface, tree, at) -> tuple[float, int]:
    # The nearest cell on the same bank; for a place in the river the nearest of any bank.
    distance, node = (np.atleast_1d(v) for v in tree.query([at.x, at.y], k=_NEIGHBOURS))
    found = np.isfinite(distance)
    if not found.any():
        return np.inf, -1
    distance, node = distance[found], node[found]
    first = int(np.argmax(same_bank(surface, at, surface.cells[node])))
    return float(distance[first]), int(node[first])
