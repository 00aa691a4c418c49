"""Getting about where no street map is had: land cells, exact roads over them, rivers in between.

Land is a grid of cells joined to their eight neighbours; roads and bridges are links laid over
it with their true length and speed. Roads are entered and left in any cell they pass, bridges at
their two heads, roads with limited access only where they share a vertex with another road.
Water joins nothing: only bridges cross it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.base.crs import require_same
from urbanplan.base.grid import Grid, grid_over
from urbanplan.base.schema import is_missing
from urbanplan.catalog import SPEED_FACTORS, Mode
from urbanplan.errors import InputError
from urbanplan.routing.graph import Graph, both, build_graph

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import LineString, STRtree
    from shapely.geometry.base import BaseGeometry

#: Road classes entered only at interchanges, that is at vertices shared with other roads.
LIMITED_ACCESS = ("expressway",)
#: Half of the neighbours (down, right); the other half follow by symmetry.
_STEPS: dict[int, tuple] = {0: (), 8: ((0, 1), (1, 0), (1, 1), (1, -1))}
_STEPS[16] = (*_STEPS[8], (1, 2), (2, 1), (1, -2), (2, -1))
#: A line is sampled this many times per cell to find the cells that it passes.
_SAMPLES_PER_CELL = 10
#: A path that is wet for no longer than this touches the bank.
_TOUCH_M = 0.01


@dataclass(frozen=True)
class Surface:
    """A friction surface for one mode.

    Attributes
    ----------
    grid : Grid
    mode : Mode
    node_of : ndarray of int, shape (rows, columns)
        Graph node of each cell, -1 where there is no way (water, outside).
    graph : Graph
        Minutes between neighbouring nodes; nodes behind the cells are road vertices.
    area, barrier : geometry
        Study area and water in the grid's system.
    step_min : float
        Minutes of the longest single step over land.
    """

    grid: Grid
    mode: Mode
    node_of: np.ndarray
    graph: Graph
    area: BaseGeometry
    barrier: BaseGeometry
    step_min: float

    @property
    def crs(self) -> str:
        """The metric system of all coordinates."""
        return self.grid.crs

    @property
    def cells(self) -> np.ndarray:
        """Flat cell index of each cell node, in node order."""
        return np.flatnonzero(self.node_of.ravel() >= 0)

    @cached_property
    def walls(self) -> STRtree:
        """Spatial index of what nobody walks across: water. Land steps cross every drawn road."""
        import shapely

        found = shapely.get_parts([self.barrier])
        shapely.prepare(found)
        return shapely.STRtree(found)

    def on_grid(self, minutes: np.ndarray) -> np.ndarray:
        """Minutes per node as minutes per cell; NaN where nobody can stand."""
        out = np.full(self.node_of.shape, np.nan)
        here = self.node_of >= 0
        out[here] = minutes[: here.sum()]
        return out


class Step(NamedTuple):
    """All steps of one direction over land: flat cells from first to last, shape (passed, n)."""

    cells: np.ndarray
    length_m: float


@dataclass(frozen=True)
class Ground:
    """What every mode's surface has in common: the grid, where one can stand, and the water.

    `steps` lead from cell to cell without getting wet; `heights_m`, where it is given, is the
    height of each cell in metres.
    """

    grid: Grid
    passable: np.ndarray
    built_up: np.ndarray
    area: BaseGeometry
    barrier: BaseGeometry
    steps: tuple[Step, ...]
    heights_m: np.ndarray | None = None
    _land: dict[tuple, tuple[Graph, float]] = field(default_factory=dict, init=False, compare=False)

    def land(self, mode: Mode) -> tuple[Graph, float]:
        """Steps over land by one mode, without any road, and the minutes of the longest.

        Most of a surface is the same under every scenario: it is built once.
        """
        paces = (mode.built_up.pace_min_per_m, mode.open_land.pace_min_per_m)
        key = (*paces, mode.streets and mode.streets.slope)
        if key not in self._land:
            a, b, there, back = _land_edges(self, mode, self.node_of.ravel())
            tail, head = np.concatenate([a, b]), np.concatenate([b, a])
            minutes = np.concatenate([there, back])
            same = there is back
            graph = build_graph(int(self.passable.sum()), tail, head, minutes, symmetric=same)
            self._land[key] = graph, float(minutes.max(initial=0.0))
        return self._land[key]

    @cached_property
    def node_of(self) -> np.ndarray:
        """Graph node of each cell, -1 where nobody can stand, shape (rows, columns)."""
        nodes = np.full(self.passable.shape, -1, np.int32)
        nodes[self.passable] = np.arange(self.passable.sum())
        return nodes


def build_ground(
    study_area: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    built_up: gpd.GeoDataFrame,
    cell_m: float,
    *,
    neighbours: int = 16,
) -> Ground:
    """Lay a grid over the study area, mark land, water and built-up land, and find the dry steps.

    Parameters
    ----------
    study_area, water, built_up : GeoDataFrame
        Polygons in one projected system.
    cell_m : float
        Side of a cell in metres.
    neighbours : {16, 8, 0}
        Cells that a step over land may lead to. Eight make straight lines up to 8.2 % too long,
        sixteen 2.8 % (Goodchild 1977, Environment and Planning A 9).

    Raises
    ------
    InputError
        If `neighbours` is neither.
    """
    import shapely

    require_same(study_area, water, built_up)
    if neighbours not in _STEPS:
        raise InputError(f"{neighbours} neighbours are not possible", remedy="use 8 or 16")
    area = study_area.geometry.union_all()
    barrier = water.geometry.union_all()
    shapely.prepare(barrier)
    grid = grid_over(area, str(study_area.crs), cell_m)
    passable = grid.covered([area]) & ~grid.covered([barrier])
    steps = _dry_steps(grid, passable, barrier, _STEPS[neighbours])
    return Ground(grid, passable, grid.covered(built_up.geometry), area, barrier, steps)


def build_surface(
    ground: Ground, mode: Mode, roads: gpd.GeoDataFrame, bridges: gpd.GeoDataFrame
) -> Surface:
    """How long does it take from each place to the next, by one mode?

    Parameters
    ----------
    ground : Ground
        From `build_ground`.
    mode : Mode
    roads, bridges : GeoDataFrame
        Lines in the grid's system with ``class`` and ``speed_kmh``; bridges are the only lines
        that may pass over water.

    Returns
    -------
    Surface

    Raises
    ------
    InputError
        If a road that the mode drives at its posted speed has none.
    """
    require_same(roads, bridges)
    lines = [*_roads(ground, mode, roads), *_bridges(mode, bridges)]
    a, b, linked, count = _links(ground, ground.node_of, lines)
    ways = build_graph(count, np.r_[a, b], np.r_[b, a], np.r_[linked, linked], symmetric=True)
    land, step = ground.land(mode)
    graph = both(land, ways)
    return Surface(ground.grid, mode, ground.node_of, graph, ground.area, ground.barrier, step)


def _dry_steps(
    grid: Grid, passable: np.ndarray, barrier: BaseGeometry, steps: Iterable[tuple[int, int]]
) -> tuple[Step, ...]:
    near_water = _near(grid, barrier).ravel()
    rows, columns = grid.shape
    flat = np.arange(rows * columns, dtype=np.int32).reshape(grid.shape)
    found = []
    for down, right in steps:
        span = (rows - down, columns - abs(right))
        if min(span) <= 0:
            continue
        at = [_shifted(span, *cell) for cell in _passed(down, right)]
        land = np.logical_and.reduce([passable[s] for s in at])
        cells = np.stack([flat[s][land] for s in at])
        doubt = np.flatnonzero(near_water[cells].any(0))
        wet = _over_water(grid, barrier, cells[0, doubt], cells[-1, doubt])
        found.append(
            Step(np.delete(cells, doubt[wet], axis=1), grid.cell_m * np.hypot(down, right))
        )
    return tuple(found)


def _land_edges(
    ground: Ground, mode: Mode, node_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # Pace per cell; a step costs equal parts at the pace of every cell that it passes.
    pace = np.where(ground.built_up, mode.built_up.pace_min_per_m, mode.open_land.pace_min_per_m)
    pace, found = pace.ravel(), []
    for cells, length_m in ground.steps:
        there = back = sum(pace[row] for row in cells) * (length_m / len(cells))
        if ground.heights_m is not None and mode.streets is not None:
            height = ground.heights_m.ravel()
            slope = np.nan_to_num((height[cells[-1]] - height[cells[0]]) / length_m)
            factor = SPEED_FACTORS[mode.streets.slope]
            there, back = there / factor(slope), back / factor(-slope)
        found.append((node_of[cells[0]], node_of[cells[-1]], there, back))
    if not found:
        return (np.zeros(0, np.int32),) * 2 + (np.zeros(0),) * 2
    a, b, there, back = (np.concatenate(part) for part in zip(*found))
    return a, b, there, there if ground.heights_m is None else back


def _passed(down: int, right: int) -> list[tuple[int, int]]:
    # Cells between and including the ends of a step, from the top left one of its box.
    from_column, sign = max(0, -right), 1 if right >= 0 else -1
    between = []
    if abs(down) == 1 and abs(right) == 2:
        between = [(0, sign), (1, sign)]
    elif abs(down) == 2 and abs(right) == 1:
        between = [(1, 0), (1, sign)]
    return [(r, from_column + c) for r, c in [(0, 0), *between, (down, right)]]


def _shifted(span: tuple[int, int], row: int, column: int) -> tuple[slice, slice]:
    return slice(row, row + span[0]), slice(column, column + span[1])


def _near(grid: Grid, barrier: BaseGeometry) -> np.ndarray:
    if barrier.is_empty:
        return np.zeros(grid.shape, bool)
    return grid.covered([barrier.boundary.buffer(2.5 * grid.cell_m)], touched=True)


def _over_water(grid: Grid, barrier: BaseGeometry, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # A step between two land cells may still cut a river narrower than a cell, or its bend.
    import shapely

    if not len(a):
        return np.zeros(0, bool)
    ends = [np.c_[grid.centres(cells)] for cells in (a, b)]
    return shapely.intersects(barrier, shapely.linestrings(np.stack(ends, axis=1)))


class _Way(NamedTuple):
    """A line with its pace, and where it is entered: `anywhere`, at its `ends`, or at `junctions`."""

    line: LineString
    minutes_per_m: float
    entered: str


def _roads(ground: Ground, mode: Mode, roads: gpd.GeoDataFrame) -> Iterator[_Way]:
    # What a drawn road does over water is not a crossing: only bridges are.
    for line, pace, limited in _usable(mode, roads):
        for part in _lines(line.difference(ground.barrier)):
            yield _Way(part, pace, "junctions" if limited else "anywhere")


def _bridges(mode: Mode, bridges: gpd.GeoDataFrame) -> Iterator[_Way]:
    for line, pace, limited in _usable(mode, bridges):
        for part in _lines(line):
            yield _Way(part, pace, "junctions" if limited else "ends")


def _lines(shape: BaseGeometry) -> list[LineString]:
    return [p for p in getattr(shape, "geoms", [shape]) if p.geom_type == "LineString" and p.length]


def _usable(mode: Mode, frame: gpd.GeoDataFrame) -> Iterator[tuple[BaseGeometry, float, bool]]:
    # (geometry, minutes per metre, limited access) of every line that the mode may use.
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    for row, road_class, line in zip(frame.itertuples(), frame["class"], frame.geometry):
        if is_missing(road_class):
            raise _lacks(row, "class")
        if road_class in mode.forbidden_classes:
            continue
        speed = row.speed_kmh if mode.on_roads == "posted" else mode.on_roads
        if is_missing(speed) or not speed > 0:
            raise _lacks(row, "speed_kmh")
        if line.geom_type not in ("LineString", "MultiLineString"):
            raise _lacks(row, "line")
        yield line, 0.06 / speed, road_class in LIMITED_ACCESS


def _lacks(row: Any, column: str) -> InputError:
    return InputError(
        f"'{getattr(row, 'id', row.Index)}' has no {column}",
        where="roads",
        remedy=f"give every road and bridge a {column}",
    )


def _links(
    ground: Ground, node_of: np.ndarray, ways: list[_Way]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    vertex_node = _shared_vertices([w.line for w in ways], start=int(node_of.max()) + 1)
    flat, found = node_of.ravel(), []
    for way in ways:
        at, node = _vertex_stops(way.line, vertex_node)
        if way.entered != "junctions":
            cell_at, cell_node = _cell_stops(ground, flat, way.line)
            if way.entered == "ends":
                heads = np.unique([0, len(cell_at) - 1]) if len(cell_at) else np.zeros(0, int)
                cell_at, cell_node = cell_at[heads], cell_node[heads]
            at, node = np.r_[at, cell_at], np.r_[node, cell_node]
        by_distance = np.argsort(at, kind="stable")
        at, node = at[by_distance], node[by_distance]
        found.append((node[:-1], node[1:], np.diff(at) * way.minutes_per_m))
    count = int(node_of.max()) + 1 + len(vertex_node)
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), count
    a, b, minutes = (np.concatenate(part) for part in zip(*found))
    return a, b, minutes, count


def _key(x: float, y: float) -> tuple[float, float]:
    # Lines that share a vertex in degrees share it in metres; a millimetre absorbs rounding.
    return round(x, 3), round(y, 3)


def _shared_vertices(lines: list[LineString], start: int) -> dict[tuple[float, float], int]:
    # Line ends, and vertices that two lines have in common, become nodes of their own.
    seen: dict[tuple[float, float], int] = {}
    for line in lines:
        coords = [_key(*xy[:2]) for xy in line.coords]
        for xy in set(coords):
            seen[xy] = seen.get(xy, 0) + 1
        for xy in (coords[0], coords[-1]):
            seen[xy] += 1
    return {xy: start + i for i, xy in enumerate(sorted(k for k, n in seen.items() if n > 1))}


def _vertex_stops(line: LineString, vertex_node: dict) -> tuple[np.ndarray, np.ndarray]:
    xy = np.asarray(line.coords)[:, :2]
    along = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T).cumsum()]
    stops = [(d, vertex_node.get(_key(*p), -1)) for d, p in zip(along, xy)]
    stops = [s for s in stops if s[1] >= 0]
    return np.array([s[0] for s in stops]), np.array([s[1] for s in stops], np.int64)


def _cell_stops(
    ground: Ground, flat: np.ndarray, line: LineString
) -> tuple[np.ndarray, np.ndarray]:
    # A cell is met where its centre projects onto the part of the line that runs through it,
    # unless water lies between the two.
    import shapely

    grid = ground.grid
    samples = max(2, int(line.length / grid.cell_m * _SAMPLES_PER_CELL) + 1)
    along = np.linspace(0, line.length, samples)
    points = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    cell = grid.cells_at(points[:, 0], points[:, 1])
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
    ends = np.r_[starts[1:] - 1, samples - 1]
    cell = cell[starts]
    inside = cell >= 0
    starts, ends, cell = starts[inside], ends[inside], cell[inside]
    node = flat[cell]
    x, y = grid.centres(cell)
    at = np.clip(shapely.line_locate_point(line, shapely.points(x, y)), along[starts], along[ends])
    met = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    path = shapely.linestrings(np.stack([np.c_[x, y], met], axis=1))
    land = (node >= 0) & ~shapely.intersects(ground.barrier, path)
    return at[land], node[land]


def same_bank(surface: Surface, geometry: BaseGeometry, cells: np.ndarray) -> np.ndarray:
    """Whether no water lies between what is dry of a shape and the centre of each cell."""
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
    clear[~clear] = shapely.length(wet) <= _TOUCH_M
    return clear
