"""A regular metric grid: which cell a place falls in, and which cells a shape covers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import InputError

if TYPE_CHECKING:
    from affine import Affine
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
        from affine import Affine

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
