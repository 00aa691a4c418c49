"""Reading: drivers by name, limits, hashes."""

from __future__ import annotations

import bz2
import contextlib
import csv
import errno
import gzip
import hashlib
import io
import json
import math
import os
import re
import threading
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from urbanplan.base.crs import parse_crs
from urbanplan.errors import InputError, MissingFileError, UrbanplanError
from urbanplan.files.checks import judge_netcdf, refuse_services
from urbanplan.files.deliveries import read_delivery, split_name
from urbanplan.files.texts import of_cell

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np

_limiting = threading.Lock()
#: Marks of a Chinese keyboard, and those that TOML knows.
_TYPED: Mapping[str, str] = {"，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "＝": "=", "【": "[", "】": "]", "｛": "{", "｝": "}", "＃": "#"}  # fmt: skip
#: Drivers by file ending; a file is never opened with any other, whatever it contains.
VECTOR_DRIVERS: Mapping[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
}
#: The same for rasters.
RASTER_DRIVERS: Mapping[str, str] = {
    ".tif": "GTiff",
    ".tiff": "GTiff",
    ".asc": "AAIGrid",
    ".nc": "netCDF",
}
_SPOKEN = {"GTiff": "GeoTIFF", "AAIGrid": "an ESRI ASCII grid", "netCDF": "NetCDF"}
#: Larger TOML is refused before it is parsed; the largest of an embedded city has 20 kB.
_MAX_TOML_BYTES = 4 * 2**20
#: Dotted keys in one line, whose parsing takes the square of their number.
_MAX_DOTS = 1000
#: Deepest nesting and largest number of a TOML file: no figure of a city is near it.
_MAX_TOML_DEPTH, _MAX_NUMBER = 32, 1e15
#: Longest tag of an XML file, and its deepest nesting; so much of it is parsed at a time.
_MAX_XML_TAG, _MAX_XML_DEPTH, _XML_CHUNK = 2**20, 16, 2**18
#: Values of a raster from here on are no measurement (voids are often written as 3.4e38).
_ABSURD = 1e30
#: Larger rasters are refused before they are read.
MAX_CELLS = 200_000_000
#: Cells of two parts of a raster meet, if they are off by less than this share of one.
_OFF_CELL = 0.01
#: So many cells may any raster have, a larger one so many for each byte of its file; so many are read at once.
_FREE_CELLS, _CELLS_A_BYTE, _CELLS_AT_ONCE = 20_000_000, 100, 2**24


@contextmanager
def memory_limit(most_bytes: int) -> Iterator[None]:
    """Let what happens inside take so much more memory at most, then raise `MemoryError`.

    For readers in Python of files that may grow beyond what can be told beforehand. Where the
    system knows no such limit, or another thread has set one, nothing happens.
    """
    try:
        import resource
    except ImportError:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    now = Path("/proc/self/statm")
    if not now.exists() or not _limiting.acquire(blocking=False):
        yield
        return
    try:
        held = int(now.read_text().split()[0]) * resource.getpagesize()
        most = held + most_bytes
        if before[1] != resource.RLIM_INFINITY:
            most = min(most, before[1])
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        _limiting.release()


def require_inside(path: Path, folder: Path) -> Path:
    """Return `path` if it lies in `folder` once every link is followed, else raise `InputError`."""
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        path.exists()
    except (OSError, ValueError):
        # Longer than any file system takes, or with a NUL.
        raise InputError(
            "cannot be the name of a file", where=path, remedy="correct it where it is named"
        ) from None
    if not inside:
        raise InputError(
            f"leads out of the folder {folder}",
            where=path,
            remedy="put the file itself there instead of a link to it",
        )
    return path


def require_own(path: Path, folder: Path, *, whole: bool = False) -> Path:
    """Return `path` if it lies in `folder` and no part of it is a link.

    For files and folders that are written to, or that say what else is read.

    Parameters
    ----------
    path, folder : path
    whole : bool
        Whether what the folder `path` holds must be no link either.

    Raises
    ------
    InputError
        Naming what is a link, or leads out.
    """
    require_inside(path, folder)
    straight = Path(os.path.normpath(folder.resolve() / os.path.relpath(path, folder)))
    for part in (straight, *(straight.iterdir() if whole and straight.is_dir() else ())):
        if part.resolve() != part:
            raise _linked(path if part is straight else part)
    return path


def _linked(path: Path) -> InputError:
    return InputError(
        "is a link, which is not followed",
        where=path,
        remedy="put the file or folder itself there",
    )


def require_still(folder: Path) -> Path:
    """Return a folder, named as it is once every link is followed, if none has been put in the way since."""
    if folder.resolve() != folder:
        raise _linked(folder)
    return folder


def existing(path: Path | str) -> Path:
    """Return `path` as a `Path` to an existing file, else raise `MissingFileError`."""
    path = Path(path)
    if not has(path):
        raise MissingFileError("no such file", where=path, remedy="check the name and the folder")
    return path


def read_text(path: Path | str, *, links: bool = True, newline: str | None = None) -> str:
    """Text of a UTF-8 file without its byte-order mark.

    Parameters
    ----------
    path : path
    links : bool
        Whether a link is followed.
    newline : str, optional
        As for `open`: with an empty text, returns within cells stay what they are.
    """
    path = Path(path)
    if not links and path.is_symlink():
        raise _linked(path)
    path = existing(path)
    # What became a link meanwhile is not followed either.
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)
    try:
        fd = os.open(path, flags)
        with open(fd, encoding="utf-8-sig", newline=newline) as file:
            return file.read()
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", where=path, remedy="save it as UTF-8") from None
    except OSError as err:
        raise InputError(
            f"cannot be read ({err.strerror})", where=path, remedy="check its permissions"
        ) from None


def read_toml(path: Path | str, *, links: bool = True) -> dict[str, Any]:
    """Content of a TOML file; a link is followed only if `links` says so.

    Raises
    ------
    InputError
        If it is no TOML, is larger or deeper than such a file is, or holds a number without bound.
    """
    if size_bytes(path) > _MAX_TOML_BYTES:
        raise InputError(
            f"is larger than {_MAX_TOML_BYTES >> 20} MiB",
            where=path,
            remedy="it is no file of settings: give the right one",
        )
    text = read_text(path, links=links)
    try:
        if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
            raise ValueError("a line has too many dots")
        return _bounded(tomllib.loads(text))
    except RecursionError:
        reason = "it is nested too deeply"
    except tomllib.TOMLDecodeError as err:
        # Where it stopped helps; what the parser expected there is said of its own insides.
        at = re.search(r"at line (\d+), column (\d+)", str(err))
        reason = f"at line {at[1]}, column {at[2]}" if at else "at its end"
    except ValueError as err:
        reason = str(err)[:160]
    raise InputError(f"is not valid TOML ({reason})", where=path, remedy=_punctuation(text))


def _bounded(table: dict[str, Any]) -> dict[str, Any]:
    """The table, if none of its numbers is beyond what anybody counts and nothing lies too deep."""
    todo: list[tuple[str, Any, int]] = [("", table, 0)]
    while todo:
        name, value, depth = todo.pop()
        if depth > _MAX_TOML_DEPTH:
            raise ValueError("it is nested too deeply")
        if isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else ((name, v) for v in value)
            todo += ((key, part, depth + 1) for key, part in inner)
        elif isinstance(value, int | float) and not abs(value) <= _MAX_NUMBER:
            raise ValueError(f"'{name}' has a number without bound, or none (nan)")
    return table


def _punctuation(text: str) -> str:
    """What to do about a file that is no TOML: a Chinese keyboard writes marks that look like TOML's."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", line)
        for mark in bare:
            if mark in _TYPED:
                return f"line {number} has '{mark}': write {_TYPED[mark]} from the keyboard's English half"
    return "correct that line"


def scan_xml(
    path: Path | str,
    begin: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    most_bytes: int,
) -> int:
    """Tell of each element of an XML file (that may be packed), and return how many bytes it has.

    Parameters
    ----------
    path : path
    begin, end : callable
        Told of an element's name and attributes, and of its end.
    most_bytes : int
        What it may unpack to.

    Raises
    ------
    ValueError
        If it is no XML, or declares a document type (which may declare entities, which grow).
    MemoryError
        If it is larger than `most_bytes`, has a tag of more than 1 MiB, or nests too deeply.
    """
    from xml.parsers import expat

    total, depth = 0, 0

    def deeper(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_XML_DEPTH:
            raise MemoryError
        begin(name, attributes)

    def higher(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def refuse(*_: Any) -> None:
        raise ValueError("it has a document type of its own")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = deeper, higher
    parser.StartDoctypeDeclHandler = refuse
    try:
        with unpacked(path) as file:
            while chunk := file.read(_XML_CHUNK):
                total += len(chunk)
                parser.Parse(chunk)
                if total > most_bytes or total - parser.CurrentByteIndex > _MAX_XML_TAG:
                    raise MemoryError
        parser.Parse(b"", True)
    except expat.ExpatError as err:
        raise ValueError(str(err)) from None
    except EOFError:
        raise ValueError("it is cut off") from None
    return total


def read_csv(path: Path | str, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file with a header that has `columns`, as dictionaries of text; see `write_csv` for quotes."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, newline=""), newline="")))
    except csv.Error as err:
        raise InputError("is no table", where=path, remedy="correct it in a table program") from err
    for n, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(
                f"line {n} has a different number of cells than the header",
                where=path,
                remedy="quote cells that hold commas",
            )
    found = [{of_cell(k): of_cell(v) for k, v in row.items()} for row in rows]
    missing = [name for name in columns if found and name not in found[0]]
    if missing:
        raise InputError(
            f"lacks the column(s) {', '.join(missing)}",
            where=path,
            remedy=f"its first line holds {', '.join(columns)}",
        )
    return found


def read_vector(path: Path | str) -> gpd.GeoDataFrame:
    """Read one vector layer with the driver that its ending names, and with no other.

    A file of several layers is refused unless the path names one, see `split_name`; one that is really something else (a GDAL VRT naming other files, say) is refused
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
    plain = existing(split_name(refuse_services(path))[0])
    if plain.suffix.lower() not in VECTOR_DRIVERS:
        raise InputError(
            f"files ending in '{plain.suffix}' are not read as layers",
            where=plain,
            remedy=f"use one of {', '.join(VECTOR_DRIVERS)}",
        )
    return read_delivery(path).frame


class Raster(NamedTuple):
    """One band of a raster.

    Attributes
    ----------
    band : ndarray of float64, shape (rows, columns)
        Values by the band's own scale and offset, NaN where there is none.
    transform : affine.Affine
    crs : str or None
    about : str
        What the file says of the band: unit, description, tags.
    voids : int
        Cells taken as without a value though the file does not declare it: infinite, absurdly
        large, or the largest number that its type can hold.
    unit : str
        What the band declares its values to be in.
    """

    band: np.ndarray
    transform: Any
    crs: str | None
    about: str = ""
    voids: int = 0
    unit: str = ""

    @property
    def system(self) -> str:
        """Its coordinate system, once it is known to have one."""
        assert self.crs is not None
        return self.crs


def read_raster(
    path: Path | str,
    around: tuple[float, float, float, float] | None = None,
    crs: str | None = None,
    number: int | None = None,
) -> Raster:
    """One band of a raster, read with the driver of its ending and no other, without files beside it.

    Parameters
    ----------
    path : path
        Ending in one of `RASTER_DRIVERS`; ``FILE.nc|layername=NAME`` names a variable of NetCDF, and
        ``|crs=SYSTEM`` the system of a grid that declares none.
    around : (west, south, east, north), optional
        Only this part is read, in degrees of WGS84, and the cells that it touches.
    crs : str, optional
        System of the raster, before the one that it declares.
    number : int, optional
        Which band, from 1; needed where there are several.

    Raises
    ------
    InputError
        If it cannot be read, is too large, does not meet `around`, or has several bands and none
        is named.
    """
    import rasterio
    from rasterio.windows import Window

    path, said = split_name(refuse_services(path))
    path, crs = existing(path), crs or said.get("crs")
    driver = RASTER_DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise InputError(
            f"files ending in '{path.suffix}' are not read as rasters",
            where=path,
            remedy=f"use one of {', '.join(RASTER_DRIVERS)}",
        )
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            warnings.catch_warnings(),
            contextlib.ExitStack() as held,
        ):
            # That a file has no georeference is told below.
            warnings.simplefilter("ignore")
            name = _variable(path, driver, said.get("layername"))
            src = held.enter_context(rasterio.open(name, driver=driver))
            if src.transform.is_identity:
                raise InputError(
                    "is a picture without a place: it has no georeference",
                    where=path,
                    remedy="export it again as GeoTIFF",
                )
            own = crs or (src.crs.to_string() if src.crs else None)
            if own:
                parse_crs(own, path)
            number = _one_band(src, number, path)
            windows = [(0.0, Window(0, 0, src.width, src.height))]
            if around is not None and own:
                windows = _windows(src, own, around, path)
            cells = sum(window.width * window.height for _, window in windows)
            if cells > MAX_CELLS:
                raise InputError(
                    f"has more than {MAX_CELLS:,} cells", where=path, remedy="cut it to the city"
                )
            if cells > max(_FREE_CELLS, _CELLS_A_BYTE * size_bytes(path)):
                raise InputError(
                    "is far too small for so many cells", where=path, remedy="cut it to the city"
                )
            band, voids = _joined_bands(src, number, windows, path)
            degrees, window = windows[0]
            turn = _shifted(src.transform, window.col_off, window.row_off, degrees)
            unit = src.units[number - 1] or ""
            return Raster(band, turn, own, _about(src, number), voids, unit)
    except UrbanplanError:
        raise
    # Libraries raise errors of every kind on damaged bytes.
    except Exception as err:
        raise InputError(
            f"cannot be read as {_SPOKEN.get(driver, driver)}: it is damaged, or something else",
            where=path,
            remedy="export it again as GeoTIFF",
        ) from err


def _band(src: Any, number: int, window: Any) -> tuple[np.ndarray, int]:
    """Values of a band, NaN where there is none, and how many are none though nothing says so."""
    import numpy as np
    from rasterio.windows import Window

    left, top, columns, rows = map(int, window.flatten())
    band, voids = np.empty((rows, columns)), 0
    # Some rows at a time: what is read and what is kept of it would take three times the memory.
    step = max(1, _CELLS_AT_ONCE // max(columns, 1))
    for at in range(0, rows, step):
        part = Window(left, top + at, columns, min(step, rows - at))
        raw = src.read(number, window=part, masked=True)
        nothing = np.ma.getmaskarray(raw)
        void = _void(raw.data) & ~nothing
        voids += int(void.sum())
        band[at : at + step] = np.where(void | nothing, np.nan, raw.data)
    band *= src.scales[number - 1]
    band += src.offsets[number - 1]
    return band, voids


def _joined_bands(
    src: Any, number: int, windows: list[tuple[float, Any]], path: Path
) -> tuple[np.ndarray, int]:
    """Values of one window, or of two side by side that the 180th meridian parts in the file."""
    import numpy as np

    read = [_band(src, number, window) for _, window in windows]
    if len(read) == 1:
        return read[0]
    (one, first), (other, second) = windows
    # Columns from the beginning of the first to that of the second.
    between = second.col_off - first.col_off + (one - other) / src.transform.a
    if abs(between - round(between)) > _OFF_CELL:
        raise InputError(
            "its cells do not meet at the 180th meridian",
            where=path,
            remedy="cut it to the city, with longitudes that go on beyond 180",
        )
    start = round(between)
    band = np.full((int(first.height), start + int(second.width)), np.nan)
    band[:, start:] = read[1][0]
    # What both hold is the same place.
    band[:, : min(int(first.width), start)] = read[0][0][:, :start]
    return band, read[0][1] + read[1][1]


def _windows(
    src: Any, own: str, around: tuple[float, float, float, float], path: Path
) -> list[tuple[float, Any]]:
    # The cells that a box of degrees touches, from west to east, each with the degrees that the file counts more than the box.
    turns = (360.0, 0.0, -360.0) if parse_crs(own, path).is_geographic else (0.0,)
    found = []
    for turn in turns:
        west, south, east, north = around
        window = _window(src, own, (west + turn, south, east + turn, north))
        if window is not None:
            found.append((turn, window))
    if not found:
        raise InputError("does not cover the city", where=path, remedy="give the part that does")
    # A raster of more than the whole earth would hold a place twice.
    return found[:2]


def _window(src: Any, own: str, around: tuple[float, float, float, float]) -> Any | None:
    import numpy as np
    from rasterio.warp import transform_bounds
    from rasterio.windows import Window

    west, south, east, north = around
    if own != "EPSG:4326":
        west, south, east, north = transform_bounds("EPSG:4326", own, *around)
    corners = np.array([west, west, east, east]), np.array([south, north] * 2)
    columns, rows = at_cells(~src.transform, *corners)
    left, top = max(np.floor(columns.min()), 0), max(np.floor(rows.min()), 0)
    right, bottom = min(np.ceil(columns.max()), src.width), min(np.ceil(rows.max()), src.height)
    if right <= left or bottom <= top:
        return None
    return Window(left, top, right - left, bottom - top)


def _variable(path: Path, driver: str, name: str | None) -> str:
    """What GDAL is to open: the file, or the one variable of a NetCDF that is meant."""
    import rasterio

    if driver != "netCDF":
        return str(path)
    judge_netcdf(path)
    with rasterio.open(path, driver=driver) as src:
        held = {one.rpartition(":")[2]: one for one in src.subdatasets}
    if not held and name is None:
        return str(path)
    if name in held or (name is None and len(held) == 1):
        return held[name] if name is not None else next(iter(held.values()))
    raise InputError(
        f"has no variable '{name}'" if name is not None else f"has {len(held)} variables",
        where=path,
        remedy=f"name one as FILE|layername=NAME: {', '.join(held) or 'it has one only'}",
    )


def _one_band(src: Any, number: int | None, path: Path) -> int:
    # Which band is meant is not for us to choose.
    if number is None and src.count == 1:
        return 1
    if number is not None and 1 <= number <= src.count:
        return number
    called = ", ".join(f"{i} {d}" if d else str(i) for i, d in enumerate(src.descriptions[:12], 1))
    what = f"has {src.count} bands ({called})" if number is None else f"has no band {number}"
    raise InputError(what, where=path, remedy="say which with --band, or export that band alone")


def _void(raw: np.ndarray) -> np.ndarray:
    # What no raster means as a value, whether it says so or not.
    import numpy as np

    if raw.dtype.kind == "f":
        return ~(np.abs(raw) < _ABSURD) & ~np.isnan(raw)
    return (raw == np.iinfo(raw.dtype).max) & (raw.dtype.itemsize > 1)


def _about(src: Any, number: int) -> str:
    said = {**src.tags(), **src.tags(number)}
    return "; ".join(filter(None, (src.units[number - 1], src.descriptions[number - 1], *(f"{k}={v}" for k, v in said.items()))))  # fmt: skip


def _shifted(turn: Any, columns: float, rows: float, degrees: float = 0.0) -> Any:
    from rasterio import Affine

    west, north = at_cells(turn, columns, rows)
    return Affine(turn.a, turn.b, west - degrees, turn.d, turn.e, north)


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

    import numpy as np

    path = existing(path)
    try:
        with open(path, "rb") as file:
            _judge_arrays(file, path)
            file.seek(0)
            with np.load(file, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
        about = json.loads(bytes(arrays.pop("about")).decode())
        if not isinstance(about, dict):
            raise ValueError("nothing is said about them")
        damaged = about.pop("sha256") != digest(arrays, about)
    except InputError:
        raise
    # NumPy, zipfile and json raise errors of every kind on damaged bytes.
    except Exception as err:
        raise InputError(
            "does not hold arrays of urbanplan",
            where=path,
            remedy="write it again with the command that made it",
        ) from err
    if damaged:
        raise InputError("is damaged (its hash differs)", where=path, remedy="write it again")
    return arrays, about


def _judge_arrays(file: IO[bytes], path: Path) -> None:
    """Refuse an ``.npz`` whose arrays would take more memory than the file itself."""
    import zipfile

    import numpy as np

    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = {member.filename for member in members}
        if len(names) < len(members) or any(not name.endswith(".npy") for name in names):
            raise ValueError("it holds something else than arrays")
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        # We never compress: nothing can be larger than it is in the file.
        if not stored or sum(member.file_size for member in members) > size_bytes(path):
            raise InputError(
                "holds arrays that would take more memory than the file",
                where=path,
                remedy="write it again with the command that made it",
            )
        for member in members:
            with archive.open(member) as array:
                version = np.lib.format.read_magic(array)
                header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, _, dtype = header(array)
                count = math.prod(shape) * dtype.itemsize
                if min(shape, default=0) < 0 or array.tell() + count != member.file_size:
                    raise ValueError("an array has another size than it states")


def read_bytes(path: Path | str) -> bytes:
    """Bytes of a file."""
    return existing(path).read_bytes()


def unpacked(path: Path | str) -> io.BufferedIOBase:
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
    return has(Path(path) / "city.toml")


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
    try:
        return Path(path).is_file()
    except OSError as err:
        if err.errno == errno.ENAMETOOLONG:
            return False
        raise


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
