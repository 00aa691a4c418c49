"""Rasters of people and of heights, cut to a city."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import SHIFTED, WGS84, near_meridian, parse_crs, proposals, transform
from urbanplan.city.checks import published_figures
from urbanplan.city.fetch import area_of, around
from urbanplan.city.folder import require_free
from urbanplan.city.profile import City
from urbanplan.city.repair import Worth
from urbanplan.errors import CrsError, InputError
from urbanplan.files import Raster, at_cells, manifest, read_raster, sha256, write_cog
from urbanplan.sources.rasters import in_metres, people_at

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
#: What a raster of people may count in: persons per km² by one of the unit; None: each cell's own.
UNITS: Mapping[str, float | None] = MappingProxyType(
    {"persons": None, "persons/km2": 1.0, "persons/ha": 100.0}
)
#: Whole areas that live more densely are looked at again, and refused: Manila has 43,000
#: persons per km², Mong Kok 130,000 (Hong Kong, 2021 census).
_DENSE_PER_KM2, _DENSEST_PER_KM2 = 45_000.0, 150_000.0
#: A raster whose total differs from the published one by this factor is said to, and refused.
_NEAR_TOTAL, _FAR_TOTAL = 1.25, 3.0
#: What a resampling leaves below 0 is less than this share of the people.
_NEGATIVE_SHARE = 0.01
#: Cells are taken apart into pieces of this size to tell who lives in the city: about 100 m.
_APART_DEG = 0.001


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
    band: int | None = None,
    unit: str | None = None,
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
    band : int, optional
        Which band, from 1, where there are several.
    unit : str, optional
        One of `UNITS`, for people, where the file does not say it.

    Returns
    -------
    path : Path
    notes : list of str

    Raises
    ------
    InputError
        If it holds nothing of the city, or what cannot be counts or densities of people.
    """
    if name not in RASTERS:
        raise InputError(
            f"a raster cannot be a layer of '{name}'",
            where=path,
            remedy=f"use --kind {' or '.join(RASTERS)}",
        )
    target, says = RASTERS[name]
    folder = city.layers_folder
    require_free(city, target, replace)
    area = area_of(city) if name == "population" else around(city)
    named = path if variable is None else f"{path}|layername={variable}"
    found = read_raster(named, area.bounds, _system(crs, path), band)
    if found.crs is None:
        raise _undeclared(found, area, path)
    notes = [f"coordinates: {found.crs}"]
    if found.voids:
        notes.append(f"{found.voids:,} cells that hold no figure of anything were taken as nodata")
    if name == "population":
        found = _counts(city, found, path, unit, notes)
    elif unit is not None:
        raise InputError("--unit is about people", where=path, remedy="leave it out for heights")
    elif np.isnan(found.band).all():
        raise InputError("holds no height of the city", where=path, remedy="check the file")
    else:
        unit, found = found.unit, in_metres(found, path)
        if found.unit != unit:
            notes.append(f"heights in '{unit}' were turned into metres")
    values = found.band
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
    gaps = _gaps(values, found, area_of(city), origin)
    notes += [gap.sentence("该栅格", "the raster") for gap in gaps]
    said = manifest.with_gaps({"cells": int(values.size), "built_from": [origin]}, gaps)
    with manifest.replacing(folder, target, said, {origin: row}) as new:
        write_cog(new, [values], [says], crs=found.system, shape=values.shape, transform=found.transform, tags=tags)  # fmt: skip
    return folder / target, notes


def _gaps(
    band: np.ndarray, raster: Raster, area: BaseGeometry, origin: str
) -> list[manifest.DataGap]:
    # What the raster does not cover looks like land where nobody lives, or like flat land.
    import shapely

    xy = _spread_over(area)
    x, y = transform(xy, WGS84, raster.system).T
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


def _system(crs: str | None, path: Path | str) -> str | None:
    if crs is None:
        return None
    if crs.lower().replace("-", "") in SHIFTED:
        raise CrsError(
            f"a raster cannot be moved back from {crs}", where=path,
            remedy="use the raster as its maker published it",
        )  # fmt: skip
    return parse_crs(crs, path).to_string()


def _counts(
    city: City, found: Raster, path: Path | str, unit: str | None, notes: list[str]
) -> Raster:
    # Persons per cell, if that can be what the raster holds.
    import shapely

    band = _without_negatives(found.band, path, notes)
    km2 = _cell_km2(found)
    asked = unit or _unit_of(found.about, path)
    if (per_km2 := UNITS[asked]) is not None:
        band = band * per_km2 * km2
        notes.append(f"{asked} were made persons per cell, by the size of each cell")
    found = found._replace(band=band)
    xy, persons = people_at(found, WGS84, _APART_DEG)
    area = area_of(city)
    shapely.prepare(area)
    xy[:, 0] = near_meridian(xy[:, 0], (area.bounds[0] + area.bounds[2]) / 2)
    inside = float(persons[shapely.intersects_xy(area, *xy.T)].sum())
    if not inside > 0:
        raise InputError("holds nobody in the city", where=path, remedy="check the file")
    notes.append(
        f"{inside:,.0f} persons in the city, {persons.sum() - inside:,.0f} more in the box around it"
    )
    doubts = _doubts(city, inside, float(km2[~np.isnan(band)].sum()), float(persons.sum()))
    for doubt, refused in doubts:
        if refused and unit is None:
            raise InputError(
                f"{doubt}: this can be no count of people per cell", where=path,
                remedy=f"say --unit with one of {', '.join(UNITS)}, or check --band and the file",
            )  # fmt: skip
        notes.append(doubt)
    return found


def _without_negatives(band: np.ndarray, path: Path | str, notes: list[str]) -> np.ndarray:
    # Whole figures below 0 stand for "no value"; many others are no people.
    below = band < 0
    if not below.any():
        return band
    odd = band[below & (band != np.round(band))]
    if -odd.sum() > _NEGATIVE_SHARE * np.nansum(band[~below]):
        raise InputError(
            f"has {len(odd):,} cells with figures below 0 such as {odd.min():g}", where=path,
            remedy="give counts of people; --band chooses another band",
        )  # fmt: skip
    share = below.sum() / band.size
    notes.append(f"{below.sum():,} cells below 0 were taken as nodata ({share:.1%} of the box)")
    return np.where(below, np.nan, band)


def _unit_of(about: str, path: Path | str) -> str:
    # What the file says of its figures; nothing said is counts, which the totals then test.
    about = " ".join(about.split())
    if re.search(
        r"(?i)(/|\bper\s+|\bp\.?)\s*(sq\.?\s*|square\s*)?(km|kilomet)|km\s*\^?-2|平方公里|平方千米",
        about,
    ):
        return "persons/km2"
    if re.search(r"(?i)(/|\bper\s+)\s*(hectare|ha\b)|\bha\s*\^?-1|公顷", about):
        return "persons/ha"
    if re.search(r"(?i)densit|密度", about):
        raise InputError(
            "says that it holds densities, but not per what", where=path,
            remedy=f"say --unit with one of {', '.join(UNITS)}",
        )  # fmt: skip
    return "persons"


def _doubts(city: City, inside: float, km2: float, persons: float) -> Iterator[tuple[str, bool]]:
    # Against the densest cities there are, and against published totals: what is said, and whether it is refused.
    density = persons / km2 if km2 > 0 else 0.0
    if density > _DENSE_PER_KM2:
        text = f"it has {density:,.0f} persons per km² over its whole area"
        yield text, density > _DENSEST_PER_KM2
    for row, published, _ in published_figures(city) if city.has("facts.csv") else ():
        if row["layer"] == "population" and row["measure"] == "sum:persons" and not row["where"]:
            ratio = inside / published if published > 0 else 1.0
            if not 1 / _NEAR_TOTAL <= ratio <= _NEAR_TOTAL:
                text = f"it has {inside:,.0f} persons where facts.csv has {published:,.0f}"
                yield text, not 1 / _FAR_TOTAL <= ratio <= _FAR_TOTAL


def _cell_km2(raster: Raster) -> np.ndarray:
    """Ground of each cell in km², from its corners in an equal-area projection about the middle."""
    rows, columns = raster.band.shape
    at = at_cells(raster.transform, *np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0)))
    lonlat = transform(np.stack([v.ravel() for v in at], axis=1), raster.system, WGS84)
    lon, lat = np.nanmedian(lonlat, axis=0)
    flat = transform(lonlat, WGS84, f"+proj=laea +lat_0={lat} +lon_0={lon} +ellps=WGS84")
    x, y = (v.reshape(rows + 1, columns + 1) for v in flat.T)
    across = (x[1:, 1:] - x[:-1, :-1]) * (y[1:, :-1] - y[:-1, 1:])
    return np.abs(across - (x[1:, :-1] - x[:-1, 1:]) * (y[1:, 1:] - y[:-1, :-1])) / 2e6


def _undeclared(found: Raster, area: BaseGeometry, path: Path | str) -> CrsError:
    middle, (rows, columns) = area.representative_point(), found.band.shape
    x, y = at_cells(found.transform, np.array([0, columns]), np.array([0, rows]))
    bounds = (x.min(), y.min(), x.max(), y.max())
    likely = proposals(bounds, (middle.x, middle.y))
    return CrsError(
        "declares no coordinate system",
        where=path,
        remedy=f"add --crs {likely[0]} if that is right" if likely else "name it with --crs",
    )
