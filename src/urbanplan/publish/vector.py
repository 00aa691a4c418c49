"""One frame as one file, by its ending."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import InputError
from urbanplan.files import write_geojson, write_geopackage

if TYPE_CHECKING:
    import geopandas as gpd

_WRITERS = {
    ".geojson": write_geojson,
    ".gpkg": lambda path, frame: write_geopackage(path, {Path(path).stem: frame}),
}


def require_ending(path: Path | str) -> str:
    """Return the path's ending if it can be written, else say which can."""
    ending = Path(path).suffix.lower()
    if ending not in _WRITERS:
        raise InputError(
            f"files ending in '{ending}' are not written",
            where=path,
            remedy=f"use one of {', '.join(_WRITERS)}",
        )
    return ending


def write(frame: gpd.GeoDataFrame, path: Path | str) -> Path:
    """Write a frame as GeoJSON or GeoPackage.

    Parameters
    ----------
    frame : GeoDataFrame
        In WGS84.
    path : path
        Its ending chooses the format.
    """
    return _WRITERS[require_ending(path)](path, frame)
