"""Rasters of people and of heights, cut to a city."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from urbanplan import manifest
from urbanplan.city import City
from urbanplan.crs import china
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


def bring_raster(
    city: City,
    path: Path | str,
    name: str,
    worth: Worth,
    *,
    crs: str | None,
    replace: bool,
    day: str,
) -> tuple[Path, list[str]]:
    """Cut a raster to a city and put it into the city's folder, as it is otherwise.

    Parameters
    ----------
    city : City
    path : path
        GeoTIFF: counts of people (WorldPop, GHSL), or heights in metres.
    name : {"population", "heights"}
    worth : Worth
    crs : str, optional
        Its system, before the one that it declares.
    replace : bool
        Whether one that is there already may go.
    day : str
        Today, for the manifest.

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
    found = read_raster(path, area.bounds, crs)
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
    said = {"cells": int(band.size), "built_from": [origin]}
    with manifest.replacing(folder, target, said, {origin: row}) as new:
        write_cog(new, band[None], [says], crs=found.crs, transform=found.transform, tags=tags)
    return folder / target, notes


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
