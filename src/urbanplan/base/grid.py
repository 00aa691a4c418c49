"""Square cells on a metric system: which cell a place is in, and how much of each cell an area covers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    from rasterio import Affine
    from shapely.geometry.base import BaseGeometry


#: A grid larger than this is refused: it would not fit beside its graph in memory.
MAX_CELLS = 20_000_000


@dataclass(frozen=True)
class Grid:
    """Square cells of `cell_m` metres in a projected system; row 0 is the northernmost.

    Attributes
    ----------
    crs : str
        Projected coordinate system in metres.
    west, north : float
        Corner of the first cell.
    rows, columns : int
    cell_m : float
        Side of a cell in metres.
    """

    crs: str
    west: float
    north: float
    rows: int
    columns: int
    cell_m: float

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def transform(self) -> Affine:
        """Affine transform from (column, row) to (x, y)."""
        from rasterio import Affine

        return Affine(self.cell_m, 0, self.west, 0, -self.cell_m, self.north)

    def cells_at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Flat index of the cell at each place, -1 outside the grid; its far edges are in it."""
        east, south = (np.asarray(x) - self.west) / self.cell_m, (self.north - np.asarray(y)) / self.cell_m  # fmt: skip
        column, row = (np.floor(v).astype(np.int64) for v in (east, south))
        column, row = column - (east == self.columns), row - (south == self.rows)
        hit = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(hit, row * self.columns + column, -1)

    def centres(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the centres of flat cell indices."""
        row, column = np.divmod(np.asarray(cells), self.columns)
        return self.west + (column + 0.5) * self.cell_m, self.north - (row + 0.5) * self.cell_m

    def covered(self, shapes: Iterable[BaseGeometry], *, touched: bool = False) -> np.ndarray:
        """Cells whose centre a shape covers (or that it touches at all).

        Returns
        -------
        ndarray of bool, shape (rows, columns)
        """
        return self.labels(((s, 1) for s in shapes), touched=touched) > 0

    def labels(
        self, shapes: Iterable[tuple[BaseGeometry, int]], *, touched: bool = False
    ) -> np.ndarray:
        """Number of the shape that covers each cell's centre, 0 where there is none.

        Returns
        -------
        ndarray of int32, shape (rows, columns)
        """
        from rasterio.features import rasterize

        pairs = [(s, n) for s, n in shapes if s is not None and not s.is_empty]
        if not pairs:
            return np.zeros(self.shape, np.int32)
        return rasterize(
            pairs, self.shape, transform=self.transform, all_touched=touched, dtype="int32"
        )


def grid_over(shape: BaseGeometry, crs: str, cell_m: float) -> Grid:
    """Smallest grid over a shape whose corners lie on multiples of the cell.

    Raises
    ------
    InputError
        If it would have more than `MAX_CELLS` cells, or the shape is empty.
    """
    if shape is None or shape.is_empty:
        raise InputError("there is no area to lay a grid over", remedy="draw the study area")
    west, south, east, north = shape.bounds
    left, top = math.floor(west / cell_m) * cell_m, math.ceil(north / cell_m) * cell_m
    columns = math.ceil((east - left) / cell_m)
    rows = math.ceil((top - south) / cell_m)
    if columns * rows > MAX_CELLS:
        raise InputError(
            f"{columns * rows:,} cells of {cell_m:g} m are too many", remedy="use a larger cell_m"
        )
    return Grid(crs, left, top, rows, columns, cell_m)


#: Name of the row that sums all areas.
ALL = "ALL"
#: Areas may overlap by this share of their ground before it is more than float noise.
_SLACK_SHARE = 1e-9


def fractions(grid: Grid, shapes: list[BaseGeometry]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each shape, the cells that it covers any of, and what fraction of each.

    Parameters
    ----------
    grid : Grid
    shapes : list of shapely geometry
        Polygons in the grid's system. What is missing, empty or has no area covers nothing.

    Returns
    -------
    list of (ndarray of int64, ndarray of float64)
        Flat cells, ascending, and fractions above 0 and at most 1. Over a partition they add up to 1.

    References
    ----------
    Fractions as by exactextract (https://isciences.github.io/exactextract).
    """
    import geopandas as gpd
    import shapely

    nowhere = (np.zeros(0, np.int64), np.zeros(0))
    found = [nowhere] * len(shapes)
    every = np.fromiter(shapes, object, len(shapes))
    # The library refuses what is empty, missing or no number; none of these covers anything.
    rows = np.flatnonzero(np.nan_to_num(shapely.area(every)) > 0)
    if not len(rows) or not grid.rows or not grid.columns:
        return found
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    west, north = grid.west, grid.north
    east, south = west + grid.columns * grid.cell_m, north - grid.rows * grid.cell_m
    areas = shapely.force_2d([_areas(shape) for shape in every[rows]])
    frame = gpd.GeoDataFrame({"n": rows}, geometry=areas, crs=grid.crs)
    nothing = NumPyRasterSource(
        np.zeros(grid.shape, np.int8), west, south, east, north, srs_wkt=frame.crs.to_wkt()
    )
    table = exact_extract(nothing, frame, ["cell_id", "coverage"], output="pandas")
    for row, cells, part in zip(rows, table["cell_id"], table["coverage"]):
        cells, part = np.asarray(cells, np.int64), np.asarray(part, float)
        order = np.argsort(cells)
        keep = order[part[order] > 0]
        found[row] = cells[keep], np.minimum(part[keep], 1.0)
    return found


def _areas(shape: BaseGeometry) -> BaseGeometry:
    # A collection's points and lines cover nothing.
    import shapely

    if shape.geom_type != "GeometryCollection":
        return shape
    parts = [q for p in shapely.get_parts(shape) for q in shapely.get_parts(p)]
    return shapely.union_all([p for p in parts if p.geom_type == "Polygon"])


def parts(
    cells: np.ndarray,
    grid: Grid,
    areas: gpd.GeoDataFrame,
    names: str,
    within: BaseGeometry | None = None,
) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """For each area, which of some cells lie in it, and with what share of each.

    Parameters
    ----------
    cells : ndarray of int
        Flat cells, ascending: the demand's index.
    grid : Grid
    areas : GeoDataFrame
        Polygons in the grid's system.
    names : str
        Column that names them; areas of one name count as one.
    within : geometry, optional
        What the cells stand for, such as the city: of a cell at its edge, shares are those of the
        part that lies in it, so that nobody who lives there is lost.

    Returns
    -------
    mapping of str to (ndarray of int64, ndarray of float64)
        Positions in `cells`, and shares. Where areas overlap, each holds the whole of its own, and
        `ALL` comes last: the shares in any of them, once.

    Raises
    ------
    CrsError
        If the areas are in another system.
    InputError
        If an area has no polygon.
    """
    import shapely

    if areas.crs != grid.crs:
        raise CrsError("areas and grid differ in their system", remedy="reproject the areas")
    odd = ~areas.geom_type.isin(["Polygon", "MultiPolygon"])
    if odd.any():
        raise InputError(
            f"area '{areas[names][odd].iloc[0]}' is no polygon", remedy="draw its outline"
        )
    together = areas.dissolve(areas[names].astype(str)).geometry.sort_index()
    named = dict(zip(together.index, shapely.make_valid(together.values)))
    if (whole := union_of(list(named.values()))) is not None:
        named[ALL] = whole
    out, whole_cell = {}, np.ones(grid.rows * grid.columns)
    if within is not None:
        ((cell, part),) = fractions(grid, [within])
        whole_cell[cell] = part
    for name, (cell, part) in zip(named, fractions(grid, list(named.values()))):
        part = np.minimum(part / whole_cell[cell], 1.0)
        at = np.searchsorted(cells, cell)
        known = at < len(cells)
        known[known] = cells[at[known]] == cell[known]
        out[name] = at[known], part[known]
    return out


def union_of(areas: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """The ground of areas that overlap, once; None where they do not (a sum then is the whole)."""
    import shapely

    whole = shapely.union_all(list(areas))
    overlap = float(np.nansum(shapely.area(list(areas)))) > whole.area * (1 + _SLACK_SHARE)
    return whole if overlap else None
