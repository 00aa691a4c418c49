"""Writing: beside the old file, then in its place; the same input gives the same bytes."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.crs import WGS84, unwrapped
from urbanplan.errors import UrbanplanError, WriteError
from urbanplan.files.deliveries.texts import as_cell
from urbanplan.files.locking import MOVING, TEMPORARY_PREFIX, sweep, temporary_folder
from urbanplan.files.reading import digest
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd


@contextlib.contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; replace `path` with it only if all went well.

    The bytes are on disk (fsync) before the rename, and the folder's entry after it, so a reader
    sees the old file or the new one, never a part of either, and a full disk leaves the old one
    as it was. That holds for writers that report every failed write; GDAL's do not, so they
    write to memory first (see `made`).

    Raises
    ------
    WriteError
        If anything on the way could not be written.
    """
    path = Path(path)
    what, remedy = "cannot be written", "free some space or choose another folder with --out"
    try:
        missing = [p for p in path.parents if not p.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path.parent) as folder:
            tmp = folder / path.name
            yield tmp
            with open(tmp, "rb+") as f:
                os.fsync(f.fileno())
            tmp.replace(path)
            what = "is written, but the disk does not confirm that it will stay"
            remedy = "check the disk, and write it again"
            for parent in (path.parent, *(p.parent for p in missing)):
                _sync_folder(parent)
    except UrbanplanError:
        raise
    except OSError as err:
        raise WriteError(f"{what} ({err.strerror or err})", where=path, remedy=remedy) from err


def _sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk: a rename that is only in memory is lost in a power cut."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as err:
        # Some network folders have nothing to sync, which they say in this way.
        if err.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


@contextlib.contextmanager
def made(path: Path | str) -> Iterator[None]:
    """Make a file's content with GDAL, in memory; turn its errors into one of ours.

    GDAL's drivers swallow a write that fails late (when a file is closed, or an index built), so
    they are not let near the disk: Python writes what they made.
    """
    try:
        yield
    except Exception as err:
        if type(err).__module__.split(".")[0] not in ("pyogrio", "rasterio", "sqlite3"):
            raise
        raise WriteError(
            f"cannot be made ({str(err).splitlines()[0][:160]})",
            where=path,
            remedy="check the values and the geometry that it is made of",
        ) from err


@contextlib.contextmanager
def new_files(folder: Path | str, last: str) -> Iterator[Path]:
    """Yield a folder to write new files to; they all move to `folder` if all went well.

    A folder that is missing or empty appears whole, by one rename. Where it holds files already,
    they stay as they are; if the process is killed while the new ones move in, the next start in
    the folder takes them out again.

    Parameters
    ----------
    folder : path
        Created if it is missing.
    last : str
        The file that says that the folder is complete: it moves after all others.

    Raises
    ------
    WriteError
        If the folder cannot be written to, or one of the files is there already; nothing has
        moved then.
    """
    folder = Path(folder)
    try:
        if folder.is_dir():
            sweep(folder)
        with _whole(folder) if _is_vacant(folder) else _moved(folder, last) as new:
            yield new
    except UrbanplanError:
        raise
    except OSError as err:
        raise WriteError(
            f"cannot be written to ({err.strerror or err})",
            where=folder,
            remedy="check its permissions, free some space, or choose another folder",
        ) from err


def _is_vacant(folder: Path) -> bool:
    # Nothing stands at the name, or a folder of its own that holds nothing.
    return not folder.exists() or (not folder.is_symlink() and not any(folder.iterdir()))


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    parent = folder.absolute().parent
    missing = [p for p in (parent, *parent.parents) if not p.exists()]
    if parent.exists() and not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary_folder(parent) as made:
            new = made / folder.resolve().name
            new.mkdir()
            yield new
            _sync_tree(new)
            new.replace(folder)
            missing.clear()
            _sync_folder(parent)
    finally:
        # What is not empty stays.
        with contextlib.suppress(OSError):
            for empty in missing:
                empty.rmdir()


@contextlib.contextmanager
def _moved(folder: Path, last: str) -> Iterator[Path]:
    with temporary_folder(folder) as made:
        new = made / folder.resolve().name
        new.mkdir()
        yield new
        files = sorted(p.relative_to(new) for p in new.rglob("*") if p.is_file())
        for name in files:
            if (folder / name).exists():
                raise WriteError(
                    "is there already",
                    where=folder / name,
                    remedy="move it, or choose another folder",
                )
        files.sort(key=lambda name: name.as_posix() == last)
        write_text(made / MOVING, "".join(f"{name.as_posix()}\n" for name in files))
        _sync_tree(new)
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(folder / name)
        _sync_tree(folder)
        remove_file(made / MOVING)


def _sync_tree(folder: Path) -> None:
    # Entries of a folder and of those in it; the files' bytes are on disk since they were written.
    for below, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(TEMPORARY_PREFIX)]
        _sync_folder(Path(below))


def own_folder(folder: Path, mode: int = 0o777) -> bool:
    """Make a folder if it is missing; can its owner, and nobody else, write to it?

    Parameters
    ----------
    folder : path
    mode : int
        Permissions of a folder that is made.

    Returns
    -------
    bool
        Also False if somebody else may write to a folder above it that is not sticky (as /tmp is).
    """
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
        place = folder.resolve()
        return os.access(place, os.W_OK | os.X_OK) and all(map(_is_own, (place, *place.parents)))
    except OSError:
        return False


def _is_own(folder: Path) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    found = folder.stat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (0, os.geteuid()) and not shared


@contextlib.contextmanager
def in_memory() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield a path that leads to memory, and a function that gives what was written to it.

    For libraries that cannot bear a full disk: what they made is then written by Python.
    """
    if not hasattr(os, "memfd_create"):
        with scratch_folder() as folder:
            path = folder / "made"
            yield str(path), path.read_bytes
        return
    fd = os.memfd_create("urbanplan")
    try:
        path = Path(f"/proc/self/fd/{fd}")
        yield str(path), path.read_bytes
    finally:
        os.close(fd)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for files that nobody needs afterwards."""
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as folder:
        yield Path(folder)


#: Bytes of a file's name that every file system takes.
_MAX_NAME_BYTES = 240


def file_name(stem: str, ending: str) -> str:
    """A file's name; of one longer than file systems take, the begin and a hash of the whole.

    Examples
    --------
    >>> file_name("bands_hospitals_walk", ".sld"), len(file_name("字" * 160, ".sld").encode()) <= 240
    ('bands_hospitals_walk.sld', True)
    """
    if len(f"{stem}{ending}".encode()) <= _MAX_NAME_BYTES:
        return f"{stem}{ending}"
    tail = f"_{hashlib.sha256(stem.encode()).hexdigest()[:8]}{ending}"
    return stem.encode()[: _MAX_NAME_BYTES - len(tail.encode())].decode(errors="ignore") + tail


def remove_file(path: Path | str) -> None:
    """Remove a file of our own, if it is there."""
    Path(path).unlink(missing_ok=True)


def remove_folder(folder: Path | str) -> None:
    """Remove a folder of our own with all that is in it; a link to one is left alone."""
    folder = Path(folder)
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


def write_bytes(path: Path | str, data: bytes | memoryview) -> Path:
    """Write bytes atomically."""
    with atomic(path) as tmp:
        tmp.write_bytes(data)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    """Write UTF-8 text atomically."""
    return write_bytes(path, text.encode("utf-8"))


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of named parts; the same parts give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            # A fixed day: an archive's entries carry one.
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def write_csv(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as CSV with a byte-order mark, so that Excel shows Chinese.

    Texts that a spreadsheet would compute have a quote before them, which our readers take off
    again; figures stay figures.
    """
    cells = table.set_axis([_cell(name) for name in table.columns], axis=1)
    for i, kind in enumerate(table.dtypes):
        if kind.kind not in "biufcmM":
            cells.isetitem(i, table.iloc[:, i].astype(object).map(_cell))
    # Only quotes keep a lone return within its cell.
    text = cells.to_csv(index=False, lineterminator="\n")
    if "\r" in text:
        text = cells.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return write_bytes(path, ("\ufeff" + text).encode("utf-8", "replace"))


def _cell(value: Any) -> Any:
    return as_cell(value) if isinstance(value, str) else value


def write_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], about: Mapping) -> Path:
    """Write arrays and a few words about them, with a SHA-256 over both; same input, same bytes."""
    import numpy as np

    said = {**about, "sha256": digest(arrays, about)}
    text = np.frombuffer(json.dumps(said, ensure_ascii=False, sort_keys=True).encode(), np.uint8)
    with atomic(path) as tmp, open(tmp, "wb") as f:
        np.savez(f, about=text, **arrays)
    return Path(path)


def write_parquet(path: Path | str, frame: pd.DataFrame) -> Path:
    """Write a frame as Parquet, with geometry as GeoParquet 1.1."""
    import geopandas as gpd

    options = {"schema_version": "1.1.0"} if isinstance(frame, gpd.GeoDataFrame) else {}
    # What was found out while it was made is told, not stored.
    frame = frame.copy(deep=False)
    frame.attrs = {}
    for name in [c for c in frame.columns if frame[c].dtype == object]:
        frame[name] = _of_one_kind(frame[name])
    with atomic(path) as tmp:
        frame.to_parquet(tmp, index=False, **options)
    return Path(path)


def _of_one_kind(column: pd.Series) -> pd.Series:
    # Parquet has one kind of value in a column: where there are several, all are texts.
    import pyarrow as pa

    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return column.map(lambda cell: None if is_missing(cell) else str(cell))
    return column


def write_toml(path: Path | str, value: Mapping[str, Any], title: str = "") -> Path:
    """Write a mapping as TOML below a line of comment."""
    import tomli_w

    head = "".join(f"# {line}\n" for line in title.splitlines())
    return write_text(path, f"{head}\n{tomli_w.dumps(value)}" if head else tomli_w.dumps(value))


def write_json(path: Path | str, value: Any) -> Path:
    """Write a value as indented JSON."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_geojson(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as RFC 7946 GeoJSON (WGS84, 6 decimals), cut at the 180th meridian."""
    out = io.BytesIO()
    with made(path):
        unwrapped(frame.to_crs(WGS84)).to_file(
            out,
            driver="GeoJSON",
            engine="pyogrio",
            layer=Path(path).stem,
            RFC7946="YES",
            COORDINATE_PRECISION=6,
        )
    return write_bytes(path, out.getbuffer())


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
    with made(path), MemoryFile() as plain, MemoryFile(ext=".tif") as cog:
        with plain.open(
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
        with rasterio.open(plain.name) as src:
            copy(
                src,
                cog.name,
                driver="COG",
                compress="DEFLATE",
                predictor=3,
                overview_resampling="nearest",
            )
        content = cog.read()
    return write_bytes(path, content)
