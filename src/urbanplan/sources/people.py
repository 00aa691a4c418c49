"""Who lives where, from a raster of counts (WorldPop, GHSL)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from urbanplan.crs import transform
from urbanplan.errors import InputError
from urbanplan.files import Raster, at_cells, read_raster

#: A cell of the raster is taken apart into at most so many by so many.
_PARTS = 40


def read_people(path: Path | str, crs: str, spacing_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Persons as points, from a raster of persons per cell.

    Parameters
    ----------
    path : path
        GeoTIFF with counts (not densities) in its first band.
    crs : str
        Projected system in metres to give the points in.
    spacing_m : float
        Cells larger than this are taken apart into parts no larger, with equal shares.

    Returns
    -------
    xy : ndarray of float64, shape (n, 2)
    persons : ndarray of float64, shape (n,)
        Above 0; their sum is that of the raster.

    Raises
    ------
    InputError
        If the raster has no coordinate system, a count below 0, or nobody.
    """
    raster = read_raster(path)
    if not raster.crs:
        raise InputError("has no coordinate system", where=path, remedy="import it with --crs")
    if np.nanmin(raster.band, initial=0.0) < 0:
        raise InputError(
            "has counts below 0", where=path, remedy="declare them as nodata and import it again"
        )
    if not np.nansum(raster.band) > 0:
        raise InputError("holds nobody", where=path, remedy="import one that covers the city")
    return people_at(raster, crs, spacing_m)


def people_at(raster: Raster, crs: str, spacing_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Persons as points, from counts per cell; parameters and result as for `read_people`."""
    band, affine = raster.band, raster.transform
    row, column = np.nonzero(np.nan_to_num(band) > 0)
    if not len(row):
        return np.zeros((0, 2)), np.zeros(0)
    middle = np.array([np.median(column)]), np.array([np.median(row)])
    corners = at_cells(affine, middle[0] + np.array([0, 1, 0]), middle[1] + np.array([0, 0, 1]))
    at = transform(np.stack(corners, axis=1), raster.crs, crs)
    side_m = max(np.hypot(*(at[1] - at[0])), np.hypot(*(at[2] - at[0])))
    parts = int(np.clip(np.ceil(side_m / spacing_m), 1, _PARTS))
    offset = (np.arange(parts) + 0.5) / parts
    x, y = np.meshgrid(offset, offset)
    columns = (column[:, None] + x.ravel()).ravel()
    rows = (row[:, None] + y.ravel()).ravel()
    places = np.stack(at_cells(affine, columns, rows), axis=1)
    persons = np.repeat(band[row, column] / parts**2, parts**2)
    return transform(places, raster.crs, crs), persons
