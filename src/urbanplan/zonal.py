"""How much of each cell lies in an area: exact fractions, never the cell's centre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError, InputError
from urbanplan.grid import Grid

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


def fractions(grid: Grid, shapes: list[BaseGeometry]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each shape, the cells that it covers any of, and what fraction of each.

    Parameters
    ----------
    grid : Grid
    shapes : list of shapely geometry
        Polygons in the grid's system.

    Returns
    -------
    list of (ndarray of int64, ndarray of float64)
        Flat cells, ascending, and fractions above 0 and at most 1. Over a partition they add up to 1.

    References
    ----------
    Fractions as by exactextract (https://isciences.github.io/exactextract).
    """
    import geopandas as gpd
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    west, north = grid.west, grid.north
    east, south = west + grid.columns * grid.cell_m, north - grid.rows * grid.cell_m
    frame = gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=grid.crs)
    nothing = NumPyRasterSource(
        np.zeros(grid.shape, np.int8), west, south, east, north, srs_wkt=frame.crs.to_wkt()
    )
    found: list[tuple[np.ndarray, np.ndarray]] = []
    table = exact_extract(nothing, frame, ["cell_id", "coverage"], output="pandas")
    for cells, part in zip(table["cell_id"], table["coverage"]):
        cells, part = np.asarray(cells, np.int64), np.asarray(part, float)
        order = np.argsort(cells)
        keep = order[part[order] > 0]
        found.append((cells[keep], np.minimum(part[keep], 1.0)))
    return found


def parts(
    cells: np.ndarray, grid: Grid, areas: gpd.GeoDataFrame, names: str
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

    Returns
    -------
    mapping of str to (ndarray of int64, ndarray of float64)
        Positions in `cells`, and shares.

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
    shapes = list(shapely.make_valid(together.values))
    out = {}
    for name, (cell, part) in zip(together.index, fractions(grid, shapes)):
        at = np.searchsorted(cells, cell)
        known = at < len(cells)
        known[known] = cells[at[known]] == cell[known]
        out[name] = at[known], part[known]
    return out
