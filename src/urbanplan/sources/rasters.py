"""Heights and people as rasters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from urbanplan.base.crs import WGS84, near_meridian, parse_crs, transform
from urbanplan.errors import InputError
from urbanplan.files import Raster, at_cells, read_raster
from urbanplan.sources.streets import Streets

#: No land lies lower or higher, in metres: what a raster says beyond is a void that it does not declare.
_PLAUSIBLE_M = (-500.0, 9000.0)
#: Metres of the units that a band of heights may declare; an international foot, and that of the US survey.
_METRES = {
    **dict.fromkeys(("", "m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("ft", "foot", "feet", "international foot"), 0.3048),
    **dict.fromkeys(("us survey foot", "us survey feet", "us-ft", "ftus", "foot_us"), 1200 / 3937),
}
#: Values that a tag has where it does not apply.
_ABSENT = ("", "no", "0")


def street_heights(path: Path | str, streets: Streets) -> np.ndarray:
    """Height of each street point: the terrain, and the deck where a street is not on the ground.

    Parameters
    ----------
    path : path
        See `heights_at`.
    streets : Streets

    Returns
    -------
    ndarray of float64, shape (points,)
        Metres; NaN where nothing is known.

    Notes
    -----
    Bridges, tunnels, other layers, embankments and cuttings run straight between the points where
    they meet the ground, over all consecutive ways. A side street that joins a bridge or tunnel
    inside one of its ways climbs to it; one that joins where two ways end is on the ground there.
    Where decks branch, each point is the mean of its neighbours, weighted by 1 / length. What ends
    in the air, as a pier does, is level.
    """
    heights = heights_at(path, streets.lonlat)
    deck = np.array([_off_ground(tags) for tags in streets.tags], np.int8)[streets.tags_of]
    return _on_decks(streets, heights, deck) if deck.any() else heights


def _off_ground(tags: Mapping[str, str]) -> int:
    # 2: a deck or a tube, which side streets climb to; 1: an earthwork, which meets them on the ground.
    if any(tags.get(key, "") not in _ABSENT for key in ("bridge", "tunnel")):
        return 2
    return int(any(tags.get(key, "") not in _ABSENT for key in ("layer", "embankment", "cutting")))


def _on_decks(streets: Streets, heights: np.ndarray, deck: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import spsolve

    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    inner = np.flatnonzero(way[1:] == way[:-1])
    a, b, kind = streets.refs[inner], streets.refs[inner + 1], deck[way[inner]]
    moved = a != b
    a, b, kind = a[moved], b[moved], kind[moved]
    size = len(heights)
    off, ground, aloft = np.zeros((3, size), bool)
    for end in (a, b):
        off[end[kind > 0]] = ground[end[kind == 0]] = True
    within = np.ones(len(streets.refs), bool)
    within[streets.first[:-1]] = within[streets.first[1:] - 1] = False
    aloft[streets.refs[within & (deck[way] == 2)]] = True
    known = off & ground & ~aloft & np.isfinite(heights)
    a, b = a[kind > 0], b[kind > 0]
    degrees = np.radians(streets.lonlat[b] - streets.lonlat[a])
    degrees[:, 0] *= np.cos(np.radians(streets.lonlat[a, 1]))
    weight = 1 / np.maximum(np.hypot(*degrees.T), 1e-12)
    links = coo_array(
        (np.r_[weight, weight], (np.r_[a, b], np.r_[b, a])), shape=(size, size)
    ).tocsr()
    part = connected_components(links, directed=False)[1]
    anchored = np.zeros(part.max() + 1, bool)
    anchored[part[known]] = True
    free = np.flatnonzero(off & ~known & anchored[part])
    if not len(free):
        return heights
    fixed = np.flatnonzero(known)
    rows = links[free]
    laplace = (
        coo_array((rows.sum(axis=1), (np.arange(len(free)),) * 2), shape=(len(free),) * 2).tocsc()
        - rows[:, free].tocsc()
    )
    out = heights.copy()
    out[free] = spsolve(laplace, rows[:, fixed] @ heights[fixed])
    return out


def in_metres(raster: Raster, where: object) -> Raster:
    """Heights in metres, by the unit that the raster declares; metres if it declares none.

    Raises
    ------
    InputError
        If that is no unit of length known here.
    """
    factor = _METRES.get(raster.unit.strip().lower())
    if factor is None:
        raise InputError(
            f"declares heights in '{raster.unit}'",
            where=where,
            remedy="convert it to metres, e.g. with gdal_calc",
        )
    return raster if factor == 1.0 else raster._replace(band=raster.band * factor, unit="m")


def heights_at(path: Path | str, xy: np.ndarray, crs: str = WGS84) -> np.ndarray:
    """Height of each place, between the four nearest cells of a raster.

    Parameters
    ----------
    path : path
        A GeoTIFF with heights in its first band, see `in_metres`.
    xy : ndarray, shape (n, 2)
    crs : str
        System of `xy`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Metres; NaN outside the raster and where a neighbouring cell is nodata or no height of any
        land (-32768 and the like, which a raster may not declare).

    Raises
    ------
    InputError
        If the raster has no coordinate system, or covers none of the places.
    """
    raster = in_metres(read_raster(path), path)
    band, affine, raster_crs = raster.band, raster.transform, raster.crs
    band = np.where((band >= _PLAUSIBLE_M[0]) & (band <= _PLAUSIBLE_M[1]), band, np.nan)
    if not raster_crs:
        raise InputError(
            "has no coordinate system", where=path, remedy="declare it, e.g. with gdal_edit"
        )
    x, y = transform(xy, crs, raster_crs).T
    if parse_crs(raster_crs, path).is_geographic:
        # Beyond the 180th meridian, the raster may count from the other side.
        x = near_meridian(x, at_cells(affine, band.shape[1] / 2, band.shape[0] / 2)[0])
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
    at = transform(np.stack(corners, axis=1), raster.system, crs)
    side_m = max(np.hypot(*(at[1] - at[0])), np.hypot(*(at[2] - at[0])))
    parts = int(np.clip(np.ceil(side_m / spacing_m), 1, _PARTS))
    offset = (np.arange(parts) + 0.5) / parts
    x, y = np.meshgrid(offset, offset)
    columns = (column[:, None] + x.ravel()).ravel()
    rows = (row[:, None] + y.ravel()).ravel()
    places = np.stack(at_cells(affine, columns, rows), axis=1)
    persons = np.repeat(band[row, column] / parts**2, parts**2)
    return transform(places, raster.system, crs), persons
