"""Heights from a digital elevation model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from urbanplan.crs import WGS84, transform
from urbanplan.errors import InputError
from urbanplan.files import read_raster


def heights_at(path: Path | str, xy: np.ndarray, crs: str = WGS84) -> np.ndarray:
    """Height of each place, between the four nearest cells of a raster.

    Parameters
    ----------
    path : path
        A GeoTIFF with heights in metres in its first band.
    xy : ndarray, shape (n, 2)
    crs : str
        System of `xy`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Metres; NaN outside the raster and where a neighbouring cell is nodata.

    Raises
    ------
    InputError
        If the raster has no coordinate system, or covers none of the places.
    """
    band, affine, raster_crs = read_raster(path)
    if not raster_crs:
        raise InputError(
            "has no coordinate system", where=path, remedy="declare it, e.g. with gdal_edit"
        )
    x, y = transform(xy, crs, raster_crs).T
    back = ~affine
    column, row = back.a * x + back.b * y + back.c - 0.5, back.d * x + back.e * y + back.f - 0.5
    # Up to half a cell outside the outer centres still counts as the rim.
    inside = (row >= -0.5) & (row <= band.shape[0] - 0.5)
    inside &= (column >= -0.5) & (column <= band.shape[1] - 0.5)
    if not inside.any():
        raise InputError(
            "covers none of the streets", where=path, remedy="use a raster of the city"
        )
    row = np.clip(np.where(inside, row, 0), 0, band.shape[0] - 1)
    column = np.clip(np.where(inside, column, 0), 0, band.shape[1] - 1)
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    low, right = np.minimum(top + 1, band.shape[0] - 1), np.minimum(left + 1, band.shape[1] - 1)
    down, across = row - top, column - left
    upper = band[top, left] * (1 - across) + band[top, right] * across
    lower = band[low, left] * (1 - across) + band[low, right] * across
    return np.where(inside, upper * (1 - down) + lower * down, np.nan)
