"""Putting layers into a city's folder, each with its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan import manifest
from urbanplan.catalog import LayerKind
from urbanplan.crs import WGS84
from urbanplan.files import write_geojson, write_text
from urbanplan.layers import OUTSIDE

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: A line or area belongs to a district if this share of it, at least, lies there.
_SHARE = 0.02


def empty_layer(folder: Path, kind: LayerKind, columns: list[str]) -> Path:
    """Write the slot of a layer: no feature yet, and the columns that each will carry."""
    import json

    schema = {c: kind.columns.get(c, "") for c in columns}
    content = {"type": "FeatureCollection", "columns": schema, "features": []}
    return write_text(folder / f"{kind.id}.geojson", json.dumps(content, ensure_ascii=False) + "\n")


def write_layer(
    folder: Path, kind: LayerKind, rows: pd.DataFrame, shapes, said: Mapping[str, Any], origins
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
