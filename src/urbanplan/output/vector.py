"""Answers as files of places, in the system that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.base.crs import CGCS2000, WGS84, require_metric
from urbanplan.catalog import load_catalog
from urbanplan.city.profile import City
from urbanplan.errors import CrsError, InputError, require
from urbanplan.files import (
    is_city_folder,
    write_csv,
    write_geojson,
    write_geopackage,
    write_parquet,
    write_records,
    write_xlsx,
)
from urbanplan.files.manifest import read_manifest

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


#: What `--crs projected` stands for is the city's own metric system.
PROJECTED = "projected"


def require_output_crs(city: City, name: str) -> str:
    """The coordinate system that is meant, as ``EPSG:…``, or raise.

    Parameters
    ----------
    city : City
    name : str
        ``projected`` (the city's own zone), CGCS2000 (``EPSG:4490``), WGS84 (``EPSG:4326``), or a
        projected system in metres.

    Raises
    ------
    CrsError
        If it is neither, or Web Mercator.
    """
    if name == PROJECTED:
        return city.metric_crs
    if name.lower() in ("gcj02", "bd09"):
        raise CrsError(
            f"{name} is no coordinate system that this can be stored in",
            where="--crs",
            remedy="for a map service that is in it, use 'urbanplan publish formats --crs gcj02'",
        )
    code = f"EPSG:{name}" if name.isdigit() else name.upper()
    return code if code in (CGCS2000, WGS84) else require_metric(code, where="--crs")


def projected(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """A frame in WGS84 as it is stored in `crs`.

    WGS84 and CGCS2000 differ by less than a decimetre, far below any layer's accuracy, so between
    those two the numbers stay as they are and only the system's name changes.
    """
    if crs in (CGCS2000, WGS84):
        return frame.set_crs(crs, allow_override=True)
    return frame.to_crs(crs)


_MAPS = {
    ".geojson": write_geojson,
    ".gpkg": lambda path, frame: write_geopackage(path, {Path(path).stem: frame}),
    ".parquet": write_parquet,
}
_TABLES = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".xlsx": write_xlsx,
    ".json": write_records,
}


def require_ending(path: Path | str, *, table: bool = False) -> str:
    """Return the path's ending if a map (or a table) can be written so, and over no file of a city; else say why not."""
    ending, writers = Path(path).suffix.lower(), _TABLES if table else _MAPS
    if ending not in writers:
        raise InputError(
            f"files ending in '{ending}' are not written",
            where=path,
            remedy=f"use one of {', '.join(writers)}",
        )
    if ending == ".xlsx":
        require("excel", "openpyxl", instead=", or write .csv")
    require_no_input(path)
    return ending


#: A map that people open: the atlas's own page.
PAGES = (".html", ".htm")


def require_map(path: Path | str) -> bool:
    """Whether a path is that of a page; raise unless that, or a map, can be written there."""
    if Path(path).suffix.lower() in PAGES:
        require_no_input(path)
        return True
    require_ending(path)
    return False


def require_no_input(path: Path | str) -> None:
    """Raise `InputError` if a path is a layer or table that a city reads; other files may lie beside them."""
    path, own = Path(path), {"facts.csv", *(f"{name}.geojson" for name in load_catalog().layers)}
    read = is_city_folder(path.parent) and path.name in own
    if read or path.name in read_manifest(path.parent)["files"]:
        raise InputError(
            "belongs to a city's folder and is not written over",
            where=path,
            remedy="choose another name or folder",
        )


def write(frame: gpd.GeoDataFrame, path: Path | str) -> Path:
    """Write a frame as GeoJSON, GeoPackage or GeoParquet.

    Parameters
    ----------
    frame : GeoDataFrame
        In WGS84.
    path : path
        Its ending chooses the format.
    """
    writer = _MAPS[require_ending(path)]
    if frame.crs is None:
        raise CrsError("declares no coordinate system", where=path, remedy="name the system the file is really in with --crs, e.g. EPSG:4326")  # fmt: skip
    return writer(path, frame.rename(columns=str))


def write_table(table: pd.DataFrame, path: Path | str) -> Path:
    """Write a plain table as Parquet, CSV, XLSX or JSON."""
    return _TABLES[require_ending(path, table=True)](path, table)
