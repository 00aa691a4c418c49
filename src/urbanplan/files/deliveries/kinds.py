"""Kinds of files by their endings, and the files that make up what a user names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from urbanplan.errors import InputError, MissingFileError
from urbanplan.files.deliveries import checks, texts

#: Larger files and folders are refused unless the user says that they are meant to be.
MAX_BYTES = 512 * 2**20
#: Kinds by file ending; a file is never read as any other, whatever it contains.
DELIVERY_DRIVERS: Mapping[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".kml": "KML",
    ".kmz": "KML",
    ".gml": "GML",
    ".dxf": "DXF",
    ".fgb": "FlatGeobuf",
    ".parquet": "GeoParquet",
    ".geoparquet": "GeoParquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".xlsx": "XLSX",
    ".gdb": "OpenFileGDB",
    ".zip": "zip",
}
#: Endings that say a table or a description as often as a layer: read from an archive only
#: where it holds nothing else.
SECOND_CHOICE = (".json", ".csv", ".tsv", ".txt", ".xlsx")
_REMEDIES = {
    ".xls": "save it as .xlsx",
    ".et": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".dwg": "save it as .dxf",
    ".rar": "unpack it, or pack it as .zip",
    ".7z": "unpack it, or pack it as .zip",
    ".dbf": "name its .shp",
    ".shx": "name its .shp",
    ".prj": "name its .shp",
    ".mdb": "export it to a .gdb folder or GeoPackage",
    ".tab": "export it to GeoPackage",
}


def kind_of(path: Path) -> str:
    """What a file's ending says it is."""
    ending = path.suffix.lower()
    if ending not in DELIVERY_DRIVERS:
        raise InputError(
            f"files ending in '{path.suffix}' are not read",
            where=path,
            remedy=_REMEDIES.get(ending, f"use one of {', '.join(DELIVERY_DRIVERS)}"),
        )
    return DELIVERY_DRIVERS[ending]


def members_of(path: Path) -> list[Path]:
    """Files that make up what the user named, sorted, none of them elsewhere."""
    kind = kind_of(path)
    if kind == "OpenFileGDB":
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "no such folder"
            error = InputError if path.exists() else MissingFileError
            raise error(what, where=path, remedy="name the .gdb folder, or a .zip of it")
        found = sorted(path.iterdir())
        checks.refuse_links(path, found, path)
        return [one for one in found if one.is_file() and not one.name.endswith(".lock")]
    if not path.is_file():
        what = "is not a file" if path.exists() else "no such file"
        error = InputError if path.exists() else MissingFileError
        raise error(what, where=path, remedy="check the name and the folder")
    if kind == "ESRI Shapefile":
        found = list(sidecars(path).values())
        checks.refuse_links(path, found, path.parent)
        return sorted(found)
    return [path]


def sidecars(path: Path) -> dict[str, Path]:
    """Files of one shapefile by their endings in small letters."""
    found = {".shp": path}
    for one in sorted(path.parent.iterdir()):
        ending = one.name[len(path.stem) :].lower()
        if one.name.startswith(path.stem + ".") and ending in (
            ".dbf",
            ".shx",
            ".prj",
            ".cpg",
            ".qix",
            ".sbn",
            ".sbx",
            ".idm",
            ".ind",
        ):
            found.setdefault(ending, one)
    return found


def hash_of(path: Path, members: list[Path]) -> str:
    """SHA-256 of a file's bytes, or over the names and bytes of several."""
    found = hashlib.sha256()
    for member in members:
        if len(members) > 1 or path.is_dir():
            found.update(f"{member.name}\0{member.stat().st_size}\0".encode())
        for piece in texts.chunks(member):
            found.update(piece)
    return found.hexdigest()
