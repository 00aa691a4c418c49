"""Minutes: from everywhere to the nearest facility, and the isochrones that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import InputError
from urbanplan.grid import Grid
from urbanplan.surface import Surface

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import MultiPolygon, Point
    from shapely.geometry.base import BaseGeometry

#: Isochrone vertices are rounded to this many metres before bands are nested.
_PRECISION_M = 0.01
#: So many of the nearest cells are tried for one on the same bank.
_NEIGHBOURS = 16


@dataclass(frozen=True)
class Starts:
    """Where a search begins: graph nodes, and the minutes already spent on reaching each."""

    nodes: np.ndarray
    minutes: np.ndarray


@dataclass(frozen=True)
class Placed:
    """Features on a surface.

    Attributes
    ----------
    starts : dict
        Feature id to its `Starts`.
    moved_m : dict
        Feature id to metres it had to be moved to passable land (0 where it stands on it).
    unplaced : tuple of str
        Ids farther from passable land than the limit: reported, never silently dropped.
    """

    starts: dict[str, Starts]
    moved_m: dict[str, float]
    unplaced: tuple[str, ...]


def place(surface: Surface, frame: gpd.GeoDataFrame, snap_m: float) -> Placed:
    """Put features on the surface: points in their cell, polygons on every cell that they touch.

    Parameters
    ----------
    surface : Surface
    frame : GeoDataFrame
        Points, lines or polygons with an ``id``, in the surface's system.
    snap_m : float
        A feature standing where nobody can (its drawn place is in the river, say) is moved to
        the nearest passable cell centre if that is no farther than this; the walk there counts.
    """
    grid, flat = surface.grid, surface.node_of.ravel()
    starts, moved, unplaced, tree = {}, {}, [], None
    for fid, geometry in frame[["id", "geometry"]].values:
        if geometry.geom_type == "Point":
            cells = grid.cells_at(np.array([geometry.x]), np.array([geometry.y]))
        else:
            cells = np.flatnonzero(grid.covered([geometry], touched=True).ravel())
        cells = cells[cells >= 0]
        cells = cells[flat[cells] >= 0]
        nodes = flat[cells[_same_bank(surface, geometry, cells)]]
        if len(nodes):
            starts[fid], moved[fid] = Starts(nodes, np.zeros(len(nodes))), 0.0
            continue
        tree = tree or _centre_tree(surface)
        distance, node = _nearest_land(surface, tree, geometry.representative_point())
        if not distance <= snap_m:
            unplaced.append(fid)
            continue
        pace = surface.mode.open_land.pace_min_per_m
        starts[fid] = Starts(np.array([node]), np.array([distance * pace]))
        moved[fid] = float(distance)
    return Placed(starts, moved, tuple(unplaced))


def _centre_tree(surface: Surface):
    from scipy.spatial import KDTree

    return KDTree(np.c_[surface.grid.centres(surface.cells)])


def _nearest_land(surface: Surface, tree, at: Point) -> tuple[float, int]:
    # The nearest cell on the same bank; for a place in the river the nearest of any bank.
    distance, node = (np.atleast_1d(v) for v in tree.query([at.x, at.y], k=_NEIGHBOURS))
    found = np.isfinite(distance)
    if not found.any():
        return np.inf, -1
    distance, node = distance[found], node[found]
    first = int(np.argmax(_same_bank(surface, at, surface.cells[node])))
    return float(distance[first]), int(node[first])


def _same_bank(surface: Surface, geometry: BaseGeometry, cells: np.ndarray) -> np.ndarray:
    # Whether no water lies between what is dry of a shape and the centre of each cell.
    import shapely

    dry = shapely.make_valid(geometry)
    if surface.barrier.intersects(dry):
        dry = dry.difference(surface.barrier)
    if dry.is_empty or not len(cells):
        return np.ones(len(cells), bool)
    paths = shapely.shortest_line(dry, shapely.points(np.c_[surface.grid.centres(cells)]))
    clear = ~shapely.intersects(surface.barrier, paths)
    # A path that starts on the bank touches the water without crossing it.
    wet = shapely.intersection(surface.barrier, paths[~clear])
    clear[~clear] = shapely.length(wet) <= _PRECISION_M
    return clear


def nearest(surface: Surface, starts: Sequence[Starts], limit_min: float = np.inf) -> np.ndarray:
    """Minutes from every cell to the nearest of the given starts.

    Parameters
    ----------
    surface : Surface
    starts : sequence of Starts
        From `place`; the quickest of all of them counts.
    limit_min : float, optional
        Cells farther away are left at infinity.

    Returns
    -------
    ndarray of float, shape (rows, columns)
        Minutes; infinity beyond the limit or where there is no way, NaN where nobody can stand.

    Notes
    -----
    Dijkstra (1959), by scipy, from a virtual node joined to every start. Minutes hold in both
    directions: the surface is symmetric.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    out = np.full(surface.node_of.shape, np.nan)
    here = surface.node_of >= 0
    out[here] = np.inf
    if not starts:
        return out
    nodes = np.concatenate([s.nodes for s in starts])
    spent = np.concatenate([s.minutes for s in starts])
    graph, count = surface.graph, surface.graph.shape[0]
    joined = csr_array(
        (
            np.r_[graph.data, spent],
            np.r_[graph.indices, nodes.astype(np.int32)],
            np.r_[graph.indptr, np.int32(graph.indptr[-1] + len(nodes))],
        ),
        shape=(count + 1, count + 1),
    )
    found = dijkstra(joined, directed=True, indices=count, limit=limit_min)
    out[here] = found[: here.sum()]
    return out


def isochrones(
    surface: Surface, minutes: np.ndarray, limits_min: Sequence[float]
) -> list[MultiPolygon]:
    """Everywhere within each limit, as nested polygons that stop at the water.

    Parameters
    ----------
    surface : Surface
    minutes : ndarray, shape (rows, columns)
        From `nearest`, complete a little beyond the largest limit (see `margin_min`).
    limits_min : sequence of float
        Ascending.

    Returns
    -------
    list of MultiPolygon
        One per limit in the grid's system, possibly empty; each contains the one before.

    Notes
    -----
    Marching squares (contourpy) between cell centres; holes are kept. Water takes the minutes
    of the nearest land for interpolation and is then cut out, so that banks follow the river;
    what interpolation leaves on a far bank, where no cell is within the limit, is dropped.
    """
    import contourpy
    import shapely

    limits = list(limits_min)
    if not limits or limits != sorted(set(limits)) or limits[0] <= 0:
        raise InputError("minutes must be positive and ascending", remedy="e.g. 5,10,15,30")
    rows, columns, part = _window(surface, minutes, limits[-1])
    if part is None:
        return [shapely.MultiPolygon() for _ in limits]
    cap = limits[-1] + margin_min(surface)
    # One more ring of cells: the land reaches half a cell beyond the outermost centres.
    z = np.pad(np.minimum(_filled(part), cap), 1, mode="edge")
    grid = surface.grid
    x = grid.west + (np.arange(columns.start - 1, columns.stop + 1) + 0.5) * grid.cell_m
    y = grid.north - (np.arange(rows.start - 1, rows.stop + 1) + 0.5) * grid.cell_m
    contours = contourpy.contour_generator(x, y, z, fill_type="OuterOffset")
    window = shapely.box(x[0], y[-1], x[-1], y[0])
    land = surface.area.intersection(window).difference(surface.barrier.intersection(window))
    bands: list[MultiPolygon] = []
    for limit in limits:
        shape = _polygons(*contours.filled(-1.0, limit)).intersection(land)
        shape = _reached(grid, shapely.set_precision(shape, _PRECISION_M), minutes <= limit)
        # A saddle may split the smaller band's cell the other way: nesting is made exact.
        shape = shape.union(bands[-1]) if bands else shape
        bands.append(_areas(shape))
    return bands


def margin_min(surface: Surface) -> float:
    """Minutes beyond a limit that a search must go for its contour to be exact: one land step."""
    pace = max(surface.mode.open_land.pace_min_per_m, surface.mode.built_up.pace_min_per_m)
    return 2 * np.sqrt(2) * surface.grid.cell_m * pace


def _window(surface: Surface, minutes: np.ndarray, limit: float):
    hit = np.argwhere(minutes <= limit)
    if not len(hit):
        return slice(0, 0), slice(0, 0), None
    (top, left), (bottom, right) = np.maximum(hit.min(0) - 2, 0), hit.max(0) + 3
    rows = slice(int(top), min(int(bottom), surface.grid.rows))
    columns = slice(int(left), min(int(right), surface.grid.columns))
    part = minutes[rows, columns]
    return rows, columns, part


def _filled(part: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    blank = np.isnan(part)
    if not blank.any():
        return part
    index = distance_transform_edt(blank, return_distances=False, return_indices=True)
    return part[tuple(index)]


def _reached(grid: Grid, shape: BaseGeometry, reached: np.ndarray) -> MultiPolygon:
    # Only the parts that hold the centre of a cell within the limit.
    import shapely

    parts = _areas(shape).geoms
    if len(parts) <= 1:
        return _areas(shape)
    labels = grid.labels(zip(parts, range(1, len(parts) + 1)))
    held = set(np.unique(labels[reached]).tolist())
    return shapely.MultiPolygon([p for n, p in enumerate(parts, 1) if n in held])


def _polygons(points: list[np.ndarray], offsets: list[np.ndarray]) -> BaseGeometry:
    import shapely

    shapes = []
    for xy, cut in zip(points, offsets):
        rings = [xy[a:b] for a, b in zip(cut[:-1], cut[1:])]
        shapes.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.union_all(shapely.make_valid(shapes))


def _areas(shape: BaseGeometry) -> MultiPolygon:
    # Differences may leave points and lines behind; only areas are a place to be.
    import shapely

    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > 0]
    return shapely.MultiPolygon(parts)
