"""How much of each cell lies in an area: exact fractions, never the cell's centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError, InputError
from urbanplan.grid import Grid

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

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
