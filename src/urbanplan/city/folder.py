"""Putting layers into a city's folder, each with its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84
from urbanplan.base.grid import Grid
from urbanplan.catalog import LayerKind
from urbanplan.city.layers import OUTSIDE
from urbanplan.city.profile import City
from urbanplan.city.repair import Worth
from urbanplan.errors import InputError
from urbanplan.files import has, manifest, write_cog, write_geojson, write_text

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

#: The city's raster of people, and what its cells say.
PEOPLE, _PER_CELL = "population.tif", "persons per cell"
#: A line or area belongs to a district if this share of it, at least, lies there.
_SHARE = 0.02


def empty_layer(folder: Path, kind: LayerKind, columns: list[str]) -> Path:
    """Write the slot of a layer: no feature yet, and the columns that each will carry."""
    import json

    schema = {c: kind.columns.get(c, "") for c in columns}
    content = {"type": "FeatureCollection", "columns": schema, "features": []}
    return write_text(folder / f"{kind.id}.geojson", json.dumps(content, ensure_ascii=False) + "\n")


def write_layer(
    folder: Path,
    kind: LayerKind,
    rows: pd.DataFrame,
    shapes: Iterable[BaseGeometry | None],
    said: Mapping[str, Any],
    origins: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Write a layer in the order of its ids, and list it in the manifest.

    Parameters
    ----------
    folder : path
        The city's layers folder.
    kind : LayerKind
    rows : DataFrame
        Every column of the layer, and `OUTSIDE` where some lie beyond the city's boundary.
    shapes : sequence of geometry or None
        In WGS84.
    said : mapping
        What the manifest says of the file besides its hash.
    origins : mapping
        Origins that `said` names.
    """
    import geopandas as gpd

    frame = gpd.GeoDataFrame(rows, geometry=list(shapes), crs=WGS84)
    frame = frame.sort_values("id", kind="stable", ignore_index=True)
    name, counts = f"{kind.id}.geojson", {"features": len(frame)}
    if OUTSIDE in frame:
        outside = int(frame[OUTSIDE].sum())
        if outside:
            counts = {"features": len(frame) - outside, OUTSIDE: outside}
        else:
            frame = frame.drop(columns=OUTSIDE)
    with manifest.replacing(folder, name, {**counts, **said}, origins) as new:
        write_geojson(new, frame)
    return folder / name


def marked(frame: gpd.GeoDataFrame, outside: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """A layer's rows with those beyond the boundary behind them, marked in `OUTSIDE`."""
    import pandas as pd

    if outside is None:
        return frame
    return pd.concat(
        [frame.assign(**{OUTSIDE: False}), outside.assign(**{OUTSIDE: True})], ignore_index=True
    )


def require_free(city: City, name: str, replace: bool) -> None:
    """Raise `InputError` if the city's folder holds a file already that may not go."""
    path = city.layers_folder / name
    if has(path) and not replace:
        raise InputError(
            "is there already", where=path, remedy="say --replace to put this in its place"
        )


def write_people(
    city: City, persons: np.ndarray, grid: Grid, worth: Worth, origin: Mapping[str, Mapping]
) -> Path:
    """Write persons per cell of a grid as the city's raster of people, and list it.

    Parameters
    ----------
    city : City
    persons : ndarray, shape (rows, columns)
    grid : Grid
    worth : Worth
    origin : mapping
        The one that they are from, by its name.
    """
    tags = {
        "quality": worth.quality,
        "unit": _PER_CELL,
        "source": worth.source,
        "licence": worth.licence,
    }
    said = {"cells": int(persons.size), "built_from": sorted(origin)}
    with manifest.replacing(city.layers_folder, PEOPLE, said, origin) as new:
        write_cog(new, [persons], [_PER_CELL], crs=grid.crs, shape=grid.shape, transform=grid.transform, tags=tags)  # fmt: skip
    return city.layers_folder / PEOPLE


def district_names(shapes: np.ndarray, districts: gpd.GeoDataFrame | None) -> list[str]:
    """Names of the districts that each shape lies in, joined by ``;``.

    Parameters
    ----------
    shapes : ndarray of geometry or None
        In WGS84.
    districts : GeoDataFrame, optional
        With ``name_zh``, in WGS84.

    Returns
    -------
    list of str
        Empty for shapes in none.
    """
    import shapely

    names: list[list[str]] = [[] for _ in shapes]
    rows = np.flatnonzero([s is not None for s in shapes])
    if districts is None or not len(rows):
        return ["" for _ in shapes]
    here = shapes[rows]
    size = np.maximum(shapely.area(here), 0)
    size = np.where(size > 0, size, shapely.length(here))
    for name, area in zip(districts["name_zh"], districts.geometry):
        shapely.prepare(area)
        met = np.flatnonzero(shapely.intersects(area, here))
        part = shapely.intersection(area, here[met])
        held = np.where(shapely.area(here[met]) > 0, shapely.area(part), shapely.length(part))
        enough = (size[met] == 0) | (held >= _SHARE * size[met])
        for row in rows[met[enough]]:
            names[row].append(str(name))
    return [";".join(found) for found in names]
