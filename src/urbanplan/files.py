"""The only module that touches disk: drivers by name, limits, atomic writes, hashes."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.errors import InputError, MissingFileError, UrbanplanError, WriteError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

#: Drivers by file ending; a file is never opened with any other, whatever it contains.
VECTOR_DRIVERS: Mapping[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
}
#: Larger vector files are refused before they are read.
MAX_VECTOR_BYTES = 512 * 2**20


# ---------------------------------------------------------------- reading


def existing(path: Path | str) -> Path:
    """Return `path` as a `Path` to an existing file, else raise `MissingFileError`."""
    path = Path(path)
    if not path.is_file():
        raise MissingFileError("no such file", where=path, remedy="check the name and the folder")
    return path


def read_text(path: Path | str) -> str:
    """Text of a UTF-8 file (a byte-order mark is dropped)."""
    path = existing(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", where=path, remedy="save it as UTF-8") from None
    except OSError as err:
        raise InputError(
            f"cannot be read ({err.strerror})", where=path, remedy="check its permissions"
        ) from None


def read_toml(path: Path | str) -> dict[str, Any]:
    """Content of a TOML file."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as err:
        raise InputError(
            f"is not valid TOML ({err})", where=path, remedy="correct that line"
        ) from None


def read_csv(path: Path | str) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file with a header, as dictionaries of text."""
    rows = list(csv.DictReader(read_text(path).splitlines(), strict=False))
    for n, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(
                f"line {n} has a different number of cells than the header",
                where=path,
                remedy="quote cells that hold commas",
            )
    return rows


def read_vector(path: Path | str) -> gpd.GeoDataFrame:
    """Read one vector layer with the driver that its ending names, and with no other.

    A file that is really something else (a GDAL VRT naming other files, say) is refused
    because only that driver is enabled.

    Parameters
    ----------
    path : path
        A file ending in one of `VECTOR_DRIVERS`.

    Returns
    -------
    GeoDataFrame
        The features with the file's coordinate system.
    """
    import fiona
    import geopandas as gpd
    from fiona.errors import FionaError
    from shapely.errors import ShapelyError

    path = existing(path)
    driver = VECTOR_DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise InputError(
            f"files ending in '{path.suffix}' are not read as layers",
            where=path,
            remedy=f"use one of {', '.join(VECTOR_DRIVERS)}",
        )
    if path.stat().st_size > MAX_VECTOR_BYTES:
        raise InputError(
            f"is larger than {MAX_VECTOR_BYTES >> 20} MiB", where=path, remedy="cut it to the city"
        )
    try:
        with fiona.open(path, enabled_drivers=[driver], allow_unsupported_drivers=False) as src:
            columns = [*src.schema["properties"], "geometry"]
            return gpd.GeoDataFrame.from_features(src, crs=src.crs or None, columns=columns)
    except (FionaError, ShapelyError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(
            f"cannot be read as {driver} ({str(err).splitlines()[0][:160]})",
            where=path,
            remedy="open it in QGIS and export it again, or restore it from its source",
        ) from None


def read_bytes(path: Path | str) -> bytes:
    """Bytes of a file."""
    return existing(path).read_bytes()


def sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def is_city_folder(path: Path | str) -> bool:
    """Whether `path` is a folder that holds a ``city.toml``."""
    return (Path(path) / "city.toml").is_file()


def list_folders(path: Path | str) -> list[Path]:
    """Sub-folders of `path`, sorted; none if it is missing."""
    path = Path(path)
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def is_folder(path: Path | str) -> bool:
    """Whether `path` is a folder."""
    return Path(path).is_dir()


def has(path: Path | str) -> bool:
    """Whether a file is there."""
    return Path(path).is_file()


# ---------------------------------------------------------------- writing


@contextlib.contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; replace `path` with it only if all went well.

    The bytes are on disk (fsync) before the rename, so a reader sees the old file or the new
    one, never a part of either, and a full disk leaves the old one as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".urbanplan-", dir=path.parent) as folder:
            tmp = Path(folder) / path.name
            yield tmp
            with open(tmp, "rb+") as f:
                os.fsync(f.fileno())
            tmp.replace(path)
    except (OSError, RuntimeError) as err:
        # GDAL's writers report a full disk as errors of their own.
        foreign = type(err).__module__.split(".")[0] in ("pyogrio", "rasterio")
        if isinstance(err, UrbanplanError) or not (isinstance(err, OSError) or foreign):
            raise
        raise WriteError(
            f"cannot be written ({getattr(err, 'strerror', None) or err})",
            where=path,
            remedy="free some space or choose another folder with --out",
        ) from err


def write_bytes(path: Path | str, data: bytes) -> Path:
    """Write bytes atomically."""
    with atomic(path) as tmp:
        tmp.write_bytes(data)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    """Write UTF-8 text atomically."""
    return write_bytes(path, text.encode("utf-8"))


def write_csv(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as CSV with a byte-order mark, so that Excel shows Chinese."""
    text = table.to_csv(index=False, lineterminator="\n")
    return write_bytes(path, ("\ufeff" + text).encode("utf-8"))


def write_json(path: Path | str, value: Any) -> Path:
    """Write a value as indented JSON."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_geojson(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as RFC 7946 GeoJSON (WGS84, 6 decimals)."""
    with atomic(path) as tmp:
        frame.to_crs("EPSG:4326").to_file(
            tmp, driver="GeoJSON", engine="pyogrio", RFC7946="YES", COORDINATE_PRECISION=6
        )
    return Path(path)


def write_geopackage(
    path: Path | str, layers: Mapping[str, pd.DataFrame], types: Mapping[str, str] | None = None
) -> Path:
    """Write frames as the layers of one GeoPackage 1.3, in order; plain tables stay tables.

    Parameters
    ----------
    path : path
        The ``.gpkg`` to write.
    layers : mapping of str to DataFrame or GeoDataFrame
        Layer name to rows.
    types : mapping of str to str, optional
        Layer name to geometry type, for layers where the rows alone cannot tell.

    Notes
    -----
    Version 1.3 because QGIS 3.22 warns about 1.4. The file's time stamps are fixed, so that
    the same input gives the same bytes.
    """
    import geopandas as gpd
    import pyogrio

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        with atomic(path) as tmp:
            for i, (name, frame) in enumerate(layers.items()):
                options: dict[str, Any] = {"layer_options": {"SPATIAL_INDEX": "YES"}}
                if types and name in types:
                    options |= {
                        "geometry_type": types[name],
                        "promote_to_multi": "Multi" in types[name],
                    }
                if not isinstance(frame, gpd.GeoDataFrame):
                    options = {}
                if i == 0:
                    options["dataset_options"] = {"VERSION": "1.3"}
                pyogrio.write_dataframe(
                    frame, tmp, layer=name, driver="GPKG", append=i > 0, **options
                )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return Path(path)


def write_cog(
    path: Path | str, bands: np.ndarray, names: list[str], *, crs: str, transform, tags: Mapping
) -> Path:
    """Write a Cloud Optimized GeoTIFF (float32, NaN is nodata) with named bands.

    Parameters
    ----------
    path : path
        The ``.tif`` to write.
    bands : ndarray, shape (n, rows, columns)
        One value per cell and band.
    names : list of str
        One description per band.
    crs, transform
        Coordinate system and affine transform of the grid.
    tags : mapping
        Written into the file's metadata.
    """
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    count, height, width = bands.shape
    size = {"count": count, "height": height, "width": width}
    with atomic(path) as tmp, MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            dtype="float32",
            **size,
            crs=crs,
            transform=transform,
            nodata=float("nan"),
        ) as dst:
            dst.write(bands.astype("float32"))
            dst.update_tags(**tags)
            for i, name in enumerate(names, 1):
                dst.set_band_description(i, name)
        with rasterio.open(memory.name) as src:
            copy(
                src,
                tmp,
                driver="COG",
                compress="DEFLATE",
                predictor=3,
                overview_resampling="nearest",
            )
    return Path(path)
