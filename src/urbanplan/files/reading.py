"""Reading: drivers by name, limits, hashes."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from urbanplan.errors import InputError, MissingFileError
from urbanplan.files.deliveries.checks import check_geojson, inspect_geopackage, refuse_services
from urbanplan.files.deliveries.vectors import read_features

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np

#: Marks of a Chinese keyboard, and those that TOML knows.
_TYPED: Mapping[str, str] = {"，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "＝": "=", "【": "[", "】": "]", "｛": "{", "｝": "}", "＃": "#"}  # fmt: skip
#: Drivers by file ending; a file is never opened with any other, whatever it contains.
VECTOR_DRIVERS: Mapping[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
}
#: Larger vector files are refused before they are read.
MAX_VECTOR_BYTES = 512 * 2**20
#: Larger rasters are refused before they are read.
MAX_CELLS = 200_000_000


def require_inside(path: Path, folder: Path) -> Path:
    """Return `path` if it lies in `folder` once every link is followed, else raise `InputError`."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"leads out of the folder {folder}",
            where=path,
            remedy="put the file itself there instead of a link to it",
        )
    return path


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
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as err:
        raise InputError(
            f"is not valid TOML ({err})", where=path, remedy=_punctuation(text)
        ) from None


def _punctuation(text: str) -> str:
    """What to do about a file that is no TOML: a Chinese keyboard writes marks that look like TOML's."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", line)
        for mark in bare:
            if mark in _TYPED:
                return f"line {number} has '{mark}': write {_TYPED[mark]} from the keyboard's English half"
    return "correct that line"


def read_csv(path: Path | str) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file with a header, as dictionaries of text."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline=""), strict=False))
    except csv.Error as err:
        raise InputError(
            f"is no table ({err})", where=path, remedy="correct it in a table program"
        ) from None
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
    path = existing(refuse_services(path))
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
    if driver == "GeoJSON":
        check_geojson(path, large=False)
    elif driver == "GPKG":
        inspect_geopackage(path)
    return read_features(path, driver).frame


class Raster(NamedTuple):
    """First band of a raster (float64, NaN where nodata), its affine transform and its system."""

    band: np.ndarray
    transform: Any
    crs: str | None


def read_raster(
    path: Path | str,
    around: tuple[float, float, float, float] | None = None,
    crs: str | None = None,
) -> Raster:
    """First band of a GeoTIFF, read with that driver and no other, without files beside it.

    Parameters
    ----------
    path : path
    around : (west, south, east, north), optional
        Only this part is read, in degrees of WGS84, and the cells that it touches.
    crs : str, optional
        System of the raster, before the one that it declares.

    Raises
    ------
    InputError
        If it cannot be read, is too large, or does not meet `around`.
    """
    import numpy as np
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    path = existing(path)
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            rasterio.open(path, driver="GTiff") as src,
        ):
            own = crs or (src.crs.to_string() if src.crs else None)
            window = Window(0, 0, src.width, src.height)
            if around is not None and own:
                from rasterio.warp import transform_bounds

                west, south, east, north = transform_bounds("EPSG:4326", own, *around)
                corners = np.array([west, west, east, east]), np.array([south, north] * 2)
                columns, rows = at_cells(~src.transform, *corners)
                left, top = max(np.floor(columns.min()), 0), max(np.floor(rows.min()), 0)
                right = min(np.ceil(columns.max()), src.width)
                bottom = min(np.ceil(rows.max()), src.height)
                if right <= left or bottom <= top:
                    raise InputError(
                        "does not cover the city", where=path, remedy="give the part that does"
                    )
                window = Window(left, top, right - left, bottom - top)
            if window.width * window.height > MAX_CELLS:
                raise InputError(
                    f"has more than {MAX_CELLS:,} cells", where=path, remedy="cut it to the city"
                )
            band = src.read(1, window=window, masked=True).astype("float64").filled(np.nan)
            return Raster(band, _shifted(src.transform, window.col_off, window.row_off), own)
    except RasterioError as err:
        raise InputError(
            f"cannot be read as GeoTIFF ({str(err).splitlines()[0][:120]})",
            where=path,
            remedy="export it again as GeoTIFF",
        ) from None


def _shifted(turn: Any, columns: float, rows: float) -> Any:
    from affine import Affine

    west, north = at_cells(turn, columns, rows)
    return Affine(turn.a, turn.b, west, turn.d, turn.e, north)


def at_cells(turn: Any, columns: Any, rows: Any) -> tuple[Any, Any]:
    """x and y at places counted in columns and rows (arrays or numbers) from a raster's corner."""
    return turn.a * columns + turn.b * rows + turn.c, turn.d * columns + turn.e * rows + turn.f


def read_arrays(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and what was said about them, from `write_arrays`; nothing in the file is executed.

    Raises
    ------
    InputError
        If the file is something else, or its content is not what its hash says.
    """
    import zipfile

    import numpy as np

    path = existing(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        about = json.loads(bytes(arrays.pop("about")).decode())
        said = about.pop("sha256")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as err:
        raise InputError(
            f"does not hold arrays of urbanplan ({str(err).splitlines()[0][:120]})",
            where=path,
            remedy="write it again with the command that made it",
        ) from None
    if said != digest(arrays, about):
        raise InputError("is damaged (its hash differs)", where=path, remedy="write it again")
    return arrays, about


def read_bytes(path: Path | str) -> bytes:
    """Bytes of a file."""
    return existing(path).read_bytes()


def unpacked(path: Path | str) -> IO[bytes]:
    """A file opened for its bytes; those that end in ``.gz`` or ``.bz2`` are unpacked as they are read."""
    path = existing(path)
    if path.suffix.lower() == ".gz":
        return gzip.open(path)
    return bz2.open(path) if path.suffix.lower() == ".bz2" else open(path, "rb")


def sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def size_bytes(path: Path | str) -> int:
    """Bytes that a file takes."""
    return existing(path).stat().st_size


def is_city_folder(path: Path | str) -> bool:
    """Whether `path` is a folder that holds a ``city.toml``."""
    return (Path(path) / "city.toml").is_file()


def list_folders(path: Path | str) -> list[Path]:
    """Sub-folders of `path`, sorted; none if it is missing."""
    path = Path(path)
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def list_files(folder: Path | str, ending: str) -> list[Path]:
    """Files of a folder with an ending, sorted; none if it is missing."""
    folder = Path(folder)
    return sorted(p for p in folder.glob(f"*{ending}") if p.is_file()) if folder.is_dir() else []


def is_folder(path: Path | str) -> bool:
    """Whether `path` is a folder."""
    return Path(path).is_dir()


def has(path: Path | str) -> bool:
    """Whether a file is there."""
    return Path(path).is_file()


def digest(arrays: Mapping[str, np.ndarray], about: Mapping) -> str:
    """SHA-256 over arrays and what is said about them, whatever their order."""
    found = hashlib.sha256(json.dumps(about, ensure_ascii=False, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(memoryview(array.tobytes()))
    return found.hexdigest()


def hash_folder(folder: Path | str, ending: str) -> str:
    """SHA-256 over the names and bytes of a folder's files with an ending."""
    found = hashlib.sha256()
    for path in sorted(Path(folder).glob(f"*{ending}")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
