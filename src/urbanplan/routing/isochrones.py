"""Everywhere within so many minutes, as polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.errors import InputError
from urbanplan.routing.network import Network
from urbanplan.routing.places import Ground, Placed, Strolls, walled
from urbanplan.routing.surface import Surface
from urbanplan.routing.times import require_direction, require_limits, search

if TYPE_CHECKING:
    from shapely import MultiPolygon
    from shapely.geometry.base import BaseGeometry

#: Vertices on a surface are rounded to this many metres before bands are nested.
_PRECISION_M = 0.01
#: Default spacing of the grid around streets: this share of the smallest limit's reach ...
_CELLS_PER_REACH = 40
#: ... but within these metres,
_CELL_M = (5.0, 30.0)
#: and no more points than these.
_MAX_POINTS = 16_000_000
#: Streets are followed to within this share of a cell.
_BEND = 0.05
#: A straight walk off the street is drawn in at most so many cells.
_STROLL_CELLS = 200
#: Parts and holes smaller than this share of a cell are noise of the grid.
_SLIVER = 0.25


def isochrones(
    ground: Ground,
    places: Placed,
    limits_min: Sequence[float],
    *,
    direction: str = "from",
    cell_m: float | None = None,
    together: bool = False,
) -> list[list[MultiPolygon]]:
    """What lies within so many minutes of each place?

    Parameters
    ----------
    ground : Network or Surface
    places : Placed
        From `place`.
    limits_min : sequence of float
        Ascending.
    direction : {"from", "to"}
        Where one gets to from the place, or from where one gets to it.
    cell_m : float, optional
        Spacing of the grid that outlines are drawn on around streets; by default a fortieth of
        the way that the smallest limit allows, between 5 and 30 m. A surface has its own cell.
    together : bool
        All places as one: what lies within so many minutes of any of them.

    Returns
    -------
    list of list of MultiPolygon
        For each feature (or for all together), one polygon per limit in the ground's system, possibly empty; each
        contains the one before (to rounding).

    Notes
    -----
    Streets: edges are followed to the very place where the limit is reached, and the land beside
    them as far as the minutes left allow on foot, at most ``off_street_m`` of the mode; around a
    place off the street also land so near a street that is a straight walk away (`Strolls`). The
    outline is the marching-squares contour (contourpy) of that measure. Surface: see
    `service_areas`.
    """
    to = require_direction(direction)
    limits = require_limits(limits_min)
    drawn = []
    for one in [places] if together else map(places.only, range(len(places))):
        if not len(one):
            drawn.append([_nothing() for _ in limits])
            continue
        if isinstance(ground, Surface):
            reach = limits[-1] + margin_min(ground)
            labels, _ = search(ground, one, reach, to)
            drawn.append(service_areas(ground, labels, limits))
        else:
            drawn.append(_around_streets(ground, one, limits, to, cell_m))
    return drawn


def service_areas(
    surface: Surface, minutes: np.ndarray, limits_min: Sequence[float] | np.ndarray
) -> list[MultiPolygon]:
    """Everywhere on a surface within each limit, as nested polygons that stop at the water.

    Parameters
    ----------
    surface : Surface
    minutes : ndarray, shape (nodes,)
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

    limits = require_limits(limits_min)
    minutes = surface.on_grid(minutes)
    rows, columns, part = _window(surface, minutes, limits[-1])
    if part is None:
        return [_nothing() for _ in limits]
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
        shape = _reached(surface, shapely.set_precision(shape, _PRECISION_M), minutes <= limit)
        # A saddle may split the smaller band's cell the other way: nesting is made exact.
        shape = shape.union(bands[-1]) if bands else shape
        bands.append(_areas(shape))
    return bands


def _nothing() -> MultiPolygon:
    import shapely

    return shapely.MultiPolygon()


def margin_min(surface: Surface) -> float:
    """Minutes beyond a limit that a search must go for its contour to be exact: one land step."""
    pace = max(surface.mode.open_land.pace_min_per_m, surface.mode.built_up.pace_min_per_m)
    return max(surface.step_min, 2 * np.sqrt(2) * surface.grid.cell_m * pace)


def default_cell_m(reach_m: float) -> float:
    """Spacing of the grid around streets, for the metres that the smallest limit allows on foot."""
    return float(np.clip(reach_m / _CELLS_PER_REACH, *_CELL_M))


# ---------------------------------------------------------------- streets


def _around_streets(
    network: Network, places: Placed, limits: np.ndarray, to: bool, cell_m: float | None
) -> list[MultiPolygon]:
    import shapely

    from urbanplan.routing.paint import own_segments, reached_segments

    pace, width = network.rules.off_street_min_per_m, network.rules.off_street_m
    cell = cell_m or default_cell_m(limits[0] / pace)
    labels, nodes = search(network, places, limits[-1], to)
    shape = (network.bend, network.vertex_xy, network.spent)
    segments = reached_segments(
        nodes,
        network.doors[to],
        network.through,
        *shape,
        labels,
        limits[-1],
        to,
        _BEND * cell,
    )
    own = own_segments(places.edge, places.spot, places.beside_min, *shape, to)
    # The place itself, wherever it was drawn: people walk off from there too.
    starts = Strolls.of(network, places)
    far = starts.off_m > cell
    close = np.isfinite(places.xy).all(1) & (places.moved_m <= cell)
    here = np.full((close.sum(), 8), 1e9)
    here[:, :2] = here[:, 2:4] = places.xy[close]
    here[:, 4:6] = 0.0
    segments = np.concatenate([segments, own, here])
    chosen, edge = cell_m is not None, width + 2.5 * cell
    # One grid over towns or islands far apart would be all sea, too coarse or too large.
    groups = [segments] if len(segments) else []
    if groups and _points(segments, edge, cell) > _MAX_POINTS:
        groups = _apart(segments, 2 * edge)
    drawn = [_bands(group, limits, pace, width, cell, chosen=chosen) for group in groups]
    drawn += [
        _strolled(network, *start, limits, cell) for start in zip(starts.xy[far], starts.off_m[far])
    ]
    return (
        drawn[0] if len(drawn) == 1 else [_areas(shapely.union_all(some)) for some in zip(*drawn)]
    )


def _strolled(
    network: Network, at: np.ndarray, off_m: float, limits: np.ndarray, cell_m: float
) -> list[MultiPolygon]:
    # Straight from a place off the street, as `Strolls` allow it, to land beside it or beside streets.
    import shapely

    rules = network.rules
    pace, width = rules.off_street_min_per_m, rules.off_street_m
    radius = min(off_m + width, limits[-1] / pace)
    cell_m = max(cell_m, radius / _STROLL_CELLS)
    count = int(radius / cell_m) + 3
    grid = (*(at - count * cell_m), 2 * count + 1, 2 * count + 1, cell_m)
    step = np.arange(-count, count + 1) * cell_m
    to = at + np.stack(np.meshgrid(step, step), axis=-1).reshape(-1, 2)
    apart = np.hypot(*(to - at).T)
    off = _metres_to_streets(network, grid, width + 2 * cell_m)
    # Beside the place; or beside a street, and nearer to the place than both are to theirs.
    over_m = np.minimum(apart - width, np.maximum(apart - off_m - off, off - width))
    # Farther out, the outline does not ask.
    near = np.flatnonzero((over_m <= 3 * cell_m) & (apart <= radius + 3 * cell_m))
    shut = near[walled(network, np.broadcast_to(at, (len(near), 2)), to[near])]
    bands: list[MultiPolygon] = []
    before = None
    for limit in limits:
        field = np.maximum(apart * pace - limit, over_m * pace)
        field[shut] = cell_m * pace
        if before is not None and np.array_equal(field, before):
            bands.append(bands[-1])
            continue
        shape = _contour(field.reshape(grid[2:4]).astype(np.float32), *grid)
        # Behind a wall, parts may meet in a point of the grid.
        bands.append(shapely.make_valid(shape, method="structure", keep_collapsed=False))
        before = field
    return bands


def _metres_to_streets(network: Network, grid: _Frame, most_m: float) -> np.ndarray:
    # From each point of a grid, row by row; beyond so many metres it does not matter.
    import shapely

    from urbanplan.routing.paint import paint

    west, south, columns, rows, cell_m = grid
    east, north = west + (columns - 1) * cell_m, south + (rows - 1) * cell_m
    tree = network.index
    hit = tree.query(shapely.box(west - most_m, south - most_m, east + most_m, north + most_m))
    xy, line = shapely.get_coordinates(tree.geometries[hit], return_index=True)
    on = np.flatnonzero(line[1:] == line[:-1])
    segments = np.zeros((len(on), 8))
    segments[:, :2], segments[:, 2:4] = xy[on], xy[on + 1]
    field = np.zeros((rows, columns), np.float32)
    paint(segments, np.inf, 1.0, most_m, west, south, cell_m, field)
    return most_m + field.ravel().astype(float)


#: West, south, columns, rows and metres of a cell.
_Frame = tuple[float, float, int, int, float]


def _bands(
    segments: np.ndarray,
    limits: np.ndarray,
    pace: float,
    width: float,
    cell_m: float,
    *,
    chosen: bool,
) -> list[MultiPolygon]:
    grid = _grid(segments, width, cell_m, chosen=chosen)
    # One grid for all limits, and no point farther inside with less time: bands are nested.
    bands, field = [], None
    for limit in limits:
        field = _painted(segments, limit, pace, width, grid, field)
        bands.append(_contour(field, *grid))
    return bands


def _apart(segments: np.ndarray, gap_m: float) -> list[np.ndarray]:
    # Groups of segments with more than so many metres of nothing between them, along either axis.
    for ends in ([0, 2], [1, 3]):
        low, high = segments[:, ends].min(axis=1), segments[:, ends].max(axis=1)
        order = np.argsort(low, kind="stable")
        cut = np.flatnonzero(low[order][1:] - np.maximum.accumulate(high[order])[:-1] > gap_m) + 1
        if len(cut):
            return [g for part in np.split(order, cut) for g in _apart(segments[part], gap_m)]
    return [segments]


def _points(segments: np.ndarray, edge: float, cell_m: float) -> float:
    # How many points a grid over some segments would have.
    wide = np.ptp(segments[:, [0, 2]]) + 2 * edge
    return wide * (np.ptp(segments[:, [1, 3]]) + 2 * edge) / cell_m**2


def _painted(
    segments: np.ndarray,
    limit: float,
    pace: float,
    width: float,
    grid: _Frame,
    before: np.ndarray | None,
) -> np.ndarray:
    from urbanplan.routing.paint import paint

    west, south, columns, rows, cell_m = grid
    field = np.full((rows, columns), 1.5 * cell_m * pace, np.float32)
    paint(segments, limit, pace, width, west, south, cell_m, field)
    return field if before is None else np.minimum(field, before, out=field)


def _grid(segments: np.ndarray, width: float, cell_m: float, *, chosen: bool) -> _Frame:
    x, y = segments[:, [0, 2]], segments[:, [1, 3]]
    west, south, east, north = x.min(), y.min(), x.max(), y.max()
    if not chosen:
        cell_m = max(cell_m, np.sqrt((east - west) * (north - south) / _MAX_POINTS))
    edge = width + 2.5 * cell_m
    columns = int((east - west + 2 * edge) / cell_m) + 2
    rows = int((north - south + 2 * edge) / cell_m) + 2
    if columns * rows > 4 * _MAX_POINTS:
        raise InputError(f"{columns * rows:,} grid points are too many", remedy="use a larger cell")
    return west - edge, south - edge, columns, rows, cell_m


def _contour(
    field: np.ndarray, west: float, south: float, columns: int, rows: int, cell_m: float
) -> MultiPolygon:
    import contourpy
    import shapely

    from urbanplan.routing.paint import without_slivers

    x, y = west + np.arange(columns) * cell_m, south + np.arange(rows) * cell_m
    # The class itself: contour_generator() would check and copy the grid for longer than it draws.
    kind: Any = contourpy.SerialContourGenerator
    contours = kind(
        np.broadcast_to(x, field.shape),
        np.broadcast_to(y[:, None], field.shape),
        field,
        None,
        corner_mask=False,
        line_type=kind.default_line_type,
        fill_type=contourpy.FillType.ChunkCombinedOffsetOffset,
        quad_as_tri=False,
        z_interp=contourpy.ZInterp.Linear,
    )
    (xy,), (rings,), (outer,) = contours.filled(-np.inf, 0.0)
    if xy is None:
        return _nothing()
    xy, rings, outer = without_slivers(xy, rings, outer, _SLIVER * cell_m**2)
    offsets = (rings, outer, np.array([0, len(outer) - 1]))
    return shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy, offsets)[0]


# ---------------------------------------------------------------- surfaces


def _window(
    surface: Surface, minutes: np.ndarray, limit: float
) -> tuple[slice, slice, np.ndarray | None]:
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


def _reached(surface: Surface, shape: BaseGeometry, reached: np.ndarray) -> MultiPolygon:
    # Only the parts that hold the centre of a cell within the limit.
    import shapely

    parts = _areas(shape).geoms
    if len(parts) <= 1:
        return _areas(shape)
    labels = surface.grid.labels(zip(parts, range(1, len(parts) + 1)))
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
