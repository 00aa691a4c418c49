"""Rasters of people and of heights, cut to a city."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from urbanplan import manifest
from urbanplan.city import City
from urbanplan.crs import WGS84, china, transform
from urbanplan.errors import CrsError, InputError
from urbanplan.files import Raster, at_cells, has, read_raster, sha256, write_cog
from urbanplan.intake.fetch import area_of, around
from urbanplan.intake.fields import Worth

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Rasters that a city may hold: their file, and what a cell says.
RASTERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "population": ("population.tif", "persons per cell"),
        "heights": ("heights.tif", "height in metres"),
    }
)
#: Rows and columns of places at which a raster is looked at.
_ROWS = 200
#: A raster with values at this share of the places between them has no gaps.
_FULL_SHARE = 0.95


def bring_raster(
    city: City,
    path: Path | str,
    name: str,
    worth: Worth,
    *,
    crs: str | None,
    replace: bool,
    day: str,
    variable: str | None = None,
) -> tuple[Path, list[str]]:
    """Cut a raster to a city and put it into the city's folder, as it is otherwise.

    Parameters
    ----------
    city : City
    path : path
        GeoTIFF, ESRI ASCII grid or NetCDF: counts of people (WorldPop, GHSL), or heights in metres.
    name : {"population", "heights"}
    worth : Worth
    crs : str, optional
        Its system, before the one that it declares.
    replace : bool
        Whether one that is there already may go.
    day : str
        Today, for the manifest.
    variable : str, optional
        Which one of a NetCDF that holds several.

    Returns
    -------
    path : Path
    notes : list of str

    Raises
    ------
    InputError
        If it holds nothing of the city, or densities rather than counts were given.
    """
    if name not in RASTERS:
        raise InputError(
            f"a raster cannot be a layer of '{name}'",
            where=path,
            remedy=f"use --kind {' or '.join(RASTERS)}",
        )
    target, says = RASTERS[name]
    folder = city.layers_folder
    if has(folder / target) and not replace:
        raise InputError(
            "is there already",
            where=folder / target,
            remedy="say --replace to put this in its place",
        )
    area = area_of(city) if name == "population" else around(city)
    named = path if variable is None else f"{path}|layername={variable}"
    found = read_raster(named, area.bounds, crs)
    if found.crs is None:
        raise _undeclared(found, area, path)
    band, notes = found.band, [f"coordinates: {found.crs}"]
    if name == "population":
        band = _counts(band, path, notes)
    elif np.isnan(band).all():
        raise InputError("holds no height of the city", where=path, remedy="check the file")
    origin = f"{Path(path).name}-{sha256(path)[:8]}"
    row = {
        "title": Path(path).name,
        "format": "GTiff",
        "sha256": sha256(path),
        "coordinates": found.crs,
        "source": worth.source,
        "licence": worth.licence,
        "as_of": worth.as_of,
        "imported": day,
    }
    tags = {
        "quality": worth.quality,
        "unit": says,
        "source": worth.source,
        "licence": worth.licence,
    }
    gaps = _gaps(band, found, area_of(city), origin)
    notes += [gap.sentence("该栅格", "the raster") for gap in gaps]
    said = manifest.with_gaps({"cells": int(band.size), "built_from": [origin]}, gaps)
    with manifest.replacing(folder, target, said, {origin: row}) as new:
        write_cog(new, band[None], [says], crs=found.crs, transform=found.transform, tags=tags)
    return folder / target, notes


def _gaps(
    band: np.ndarray, raster: Raster, area: BaseGeometry, origin: str
) -> list[manifest.DataGap]:
    # What the raster does not cover looks like land where nobody lives, or like flat land.
    import shapely

    xy = _spread_over(area)
    x, y = transform(xy, WGS84, raster.crs).T
    column, row = (np.floor(v).astype(int) for v in at_cells(~raster.transform, x, y))
    on = (row >= 0) & (row < band.shape[0]) & (column >= 0) & (column < band.shape[1])
    valued = np.zeros(len(xy), bool)
    valued[on] = ~np.isnan(band[row[on], column[on]])
    hull = shapely.convex_hull(shapely.multipoints(xy[valued]))
    reached = float(shapely.intersects_xy(hull, *xy.T).mean())
    share, void = float(on.mean()), 0.0
    if valued.mean() >= _FULL_SHARE * reached:
        # It has values without a break: where they end, the raster ends.
        share = float(valued.mean())
    else:
        void = share - float(valued.mean())
    gaps = [*manifest.covered_gap(share, origin)]
    if void > 1 - _FULL_SHARE:
        gaps.append(manifest.DataGap("void", round(void, 4), origin=origin))
    return gaps


def _spread_over(area: BaseGeometry) -> np.ndarray:
    # Places in even rows over an area, in degrees.
    import shapely

    west, south, east, north = area.bounds
    step = (np.arange(_ROWS) + 0.5) / _ROWS
    x, y = (v.ravel() for v in np.meshgrid(west + step * (east - west), south + step * (north - south)))  # fmt: skip
    inside = shapely.intersects_xy(area, x, y)
    if not inside.any():
        return np.array([area.representative_point().coords[0]])
    return np.stack([x[inside], y[inside]], axis=1)


def _counts(band: np.ndarray, path: Path | str, notes: list[str]) -> np.ndarray:
    below = int((band < 0).sum())
    if below:
        notes.append(f"{below:,} cells below 0 were taken as nodata")
        band = np.where(band < 0, np.nan, band)
    held = float(np.nansum(band))
    if not held > 0:
        raise InputError("holds nobody in the city", where=path, remedy="check the file")
    notes.append(f"{held:,.0f} persons in the box around the city")
    return band


def _undeclared(found: Raster, area: BaseGeometry, path: Path | str) -> CrsError:
    middle, (rows, columns) = area.representative_point(), found.band.shape
    x, y = at_cells(found.transform, np.array([0, columns]), np.array([0, rows]))
    bounds = (x.min(), y.min(), x.max(), y.max())
    likely = china.proposals(bounds, (middle.x, middle.y))
    return CrsError(
        "declares no coordinate system",
        where=path,
        remedy=f"add --crs {likely[0]} if that is right" if likely else "name it with --crs",
    )
