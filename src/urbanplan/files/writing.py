"""Writing: whole or not at all, one writer per folder, the same bytes twice."""

from __future__ import annotations

import contextlib
import csv
import errno
import functools
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
import weakref
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.base.crs import WGS84, unwrapped
from urbanplan.base.schema import is_missing
from urbanplan.errors import BusyError, UrbanplanError, WriteError, require
from urbanplan.files.reading import digest
from urbanplan.files.texts import NOT_XML, as_cell, toml_of

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from affine import Affine


#: The file that carries the lock of a folder.
LOCK_NAME = ".urbanplan.lock"
#: How the temporary folders of writers begin.
TEMPORARY_PREFIX = ".urbanplan-"
#: Names of the files that move from a temporary folder into its parent, in their order, while they move.
MOVING = "moving.txt"
#: How often a lock that is just changing hands is tried, and how long between.
_TRIES, _PAUSE_S = 50, 0.01


class _Held:
    """An open descriptor with a kernel lock on it; none in a child that was forked meanwhile."""

    def __init__(self, fd: int) -> None:
        self.fd: int | None = fd
        _close_in_forks()
        _held.add(self)

    def close(self) -> None:
        """Give the lock back."""
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)


_held: weakref.WeakSet[_Held] = weakref.WeakSet()


def _close_all() -> None:
    for held in list(_held):
        held.close()


@functools.cache
def _close_in_forks() -> None:
    # A fork shares the lock and would keep it alive; closing its copy leaves the parent's alone.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_close_all)


@contextlib.contextmanager
def lock(folder: Path | str) -> Iterator[Path]:
    """Work in a folder alone, until the block or the process ends.

    The lock is the kernel's (``flock`` on `LOCK_NAME`), so a process that was killed does not
    hold it, and neither does a child of the holder. On entering, the temporary folders that
    killed writers left in `folder` are removed. The folder is made if it is missing, and removed
    again if the block fails before anything is in it.

    Parameters
    ----------
    folder : path

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    BusyError
        If another holder, in this process or in another one, is in the folder.
    WriteError
        If the folder cannot be made or locked.
    """
    folder = Path(folder)
    path = folder / LOCK_NAME
    try:
        if folder.is_file():
            raise WriteError(
                "is a file; --out takes a folder", where=folder, remedy="name a folder, new or not"
            )
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        held = _take(path)
    except UrbanplanError:
        raise
    except OSError as err:
        raise WriteError(
            f"cannot be locked ({err.strerror or err})",
            where=folder,
            remedy="check its permissions or choose another folder with --out",
        ) from err
    try:
        sweep(folder)
        yield folder
        missing = []
    finally:
        if held.fd is not None:
            # Removed while it is still held: who opened it before finds it gone, and tries again.
            with contextlib.suppress(OSError):
                if _is(path, held.fd):
                    path.unlink()
            # What is not empty stays.
            with contextlib.suppress(OSError):
                for made in missing:
                    made.rmdir()
            held.close()


@contextlib.contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder inside `parent` that no sweep removes while it is used.

    What killed writers left in `parent` is removed first.

    Parameters
    ----------
    parent : path

    Yields
    ------
    Path
    """
    sweep(Path(parent))
    for _ in range(_TRIES):
        # What cannot be removed now is left to the next sweep, not taken for a failed write.
        folder = tempfile.TemporaryDirectory(
            prefix=TEMPORARY_PREFIX, dir=parent, ignore_cleanup_errors=True
        )
        with folder, contextlib.ExitStack() as stack:
            held = _hold_folder(folder.name)
            if held is None:
                continue
            stack.callback(held.close)
            yield Path(folder.name)
            return
    raise FileNotFoundError("temporary folders are removed as soon as they are made")


def _hold_folder(name: str) -> _Held | None:
    """Lock a temporary folder; None if somebody else has it, or a sweep was there first."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        free = _flock(fd)
    except OSError:
        # Some network folders cannot be locked; then only `lock` itself keeps others out.
        free = True
    if free and _is(Path(name), fd):
        return _Held(fd)
    os.close(fd)
    return None


def _flock(fd: int) -> bool:
    """Take the kernel's lock on a descriptor without waiting; False if somebody has it."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(path: Path, fd: int) -> bool:
    """Whether a name still leads to what was opened by it."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(fd))
    except FileNotFoundError:
        return False


def _take(path: Path) -> _Held:
    """Lock the file `path` and put this process's id in it."""
    pid = None
    for _ in range(_TRIES):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            if _flock(fd):
                if not _is(path, fd):
                    continue
                # The id is a courtesy to whoever waits: a full disk may do without it.
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, 0)
                    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
                held, fd = _Held(fd), -1
                return held
            pid = _living(fd)
        finally:
            if fd >= 0:
                os.close(fd)
        if pid:
            break
        # A new holder has not yet put its id over that of a dead one, or the lock is being let go.
        time.sleep(_PAUSE_S)
    raise BusyError(
        f"another urbanplan (process {pid or 'of unknown id'}) is working in this folder",
        where=path.parent,
        remedy="wait until it has ended, or choose another folder with --out",
    )


def _living(fd: int) -> int | None:
    """The process id that a lock file names, if there is such a process."""
    text = os.pread(fd, 32, 0)
    if not (text.endswith(b"\n") and text.strip().isdigit()):
        return None
    try:
        os.kill(int(text), 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass
    return int(text)


def sweep(folder: Path) -> None:
    """Remove the temporary folders that killed writers left in a folder, and what they moved half.

    Those that somebody holds stay; a link is neither followed nor removed.
    """
    with os.scandir(folder) as entries:
        left = [
            Path(e.path)
            for e in entries
            if e.name.startswith(TEMPORARY_PREFIX) and e.is_dir(follow_symlinks=False)
        ]
    for made in left:
        # What cannot be removed is in nobody's way.
        with contextlib.suppress(OSError):
            held = _hold_folder(str(made))
            if held is not None:
                _take_out(folder, made)
                shutil.rmtree(made, ignore_errors=True)
                held.close()


def _take_out(folder: Path, made: Path) -> None:
    # Files that had moved before the last one did are of no use without it.
    try:
        names = (made / MOVING).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    new = next((path for path in made.iterdir() if path.is_dir()), None)
    if new is None or not names or not (new / names[-1]).exists():
        return
    home = folder.resolve()
    for name in names:
        target = folder / name
        here = target.parent.resolve().is_relative_to(home) and ".." not in target.parts
        if here and not (new / name).exists():
            target.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                if target.parent != folder:
                    target.parent.rmdir()


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


def make_room(folder: Path, ending: str, most_bytes: int) -> None:
    """Remove what was used longest ago of a folder's files with an ending, until the others fit."""
    used = sorted(folder.glob(f"*{ending}"), key=lambda path: -path.stat().st_mtime)
    total = 0
    for path in used:
        total += path.stat().st_size
        if total > most_bytes:
            path.unlink()


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
        np.savez(f, about=text, **arrays)  # type: ignore[arg-type]  # arrays of any name
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
    head, text = "".join(f"# {line}\n" for line in title.splitlines()), toml_of(value)
    return write_text(path, f"{head}\n{text}" if head else text)


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
    path: Path | str,
    bands: Iterable[np.ndarray],
    names: list[str],
    *,
    crs: str,
    shape: tuple[int, int],
    transform: Affine,
    tags: Mapping,
) -> Path:
    """Write a Cloud Optimized GeoTIFF (float32, NaN is nodata) with named bands.

    Parameters
    ----------
    path : path
        The ``.tif`` to write.
    bands : iterable of ndarray, shape (rows, columns)
        One value per cell and band; each is written before the next is asked for.
    names : list of str
        One description per band.
    crs, shape, transform
        Coordinate system, rows and columns, and affine transform of the grid.
    tags : mapping
        Written into the file's metadata.
    """
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    size = {"count": len(names), "height": shape[0], "width": shape[1]}
    with made(path), MemoryFile() as plain, MemoryFile(ext=".tif") as cog:
        with plain.open(
            driver="GTiff",
            dtype="float32",
            **size,
            crs=crs,
            transform=transform,
            nodata=float("nan"),
            # Most of a large grid is empty, and this copy of it lies in memory whole.
            tiled=True,
            compress="DEFLATE",
            zlevel=1,
            interleave="band",
        ) as dst:
            dst.update_tags(**tags)
            for i, (name, band) in enumerate(zip(names, bands, strict=True), 1):
                dst.write(band.astype("float32"), i)
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


#: When every part of a workbook says that it was made: the first moment a ZIP archive can hold.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
#: Widest column, in characters.
_WIDEST = 60


def write_xlsx(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as one sheet; texts stay texts, even those that begin like a formula."""
    return write_workbook(path, {"Sheet": table})


def write_workbook(path: Path | str, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write tables as sheets of one workbook, by name."""
    require("excel", "openpyxl", instead=", or write .csv")
    from datetime import datetime

    from openpyxl import Workbook

    book = Workbook()
    book.properties.created = book.properties.modified = datetime(*_NO_DATE[:3])
    book.remove(book.active)
    for name, table in tables.items():
        _fill(book.create_sheet(name[:31]), table)
    return write_bytes(path, _undated(book))


def _fill(sheet: Any, table: pd.DataFrame) -> None:
    from openpyxl.styles import Font

    sheet.freeze_panes = "A2"
    rows = [list(table.columns), *table.itertuples(index=False)]
    for r, row in enumerate(rows, start=1):
        for c, value in enumerate(row, start=1):
            value = _plain(value)
            cell = sheet.cell(r, c)
            if isinstance(value, str):
                cell.value = NOT_XML.sub("", value)
                cell.data_type = "s"
                # A text it stays, also where somebody edits the cell.
                cell.quotePrefix = as_cell(value) != value
            else:
                cell.value = value
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        longest = max((len(str(x.value or "")) for x in sheet[cell.column_letter]), default=8)
        sheet.column_dimensions[cell.column_letter].width = min(max(longest + 2, 8), _WIDEST)


def _undated(book: Any) -> bytes:
    # openpyxl stamps the parts with the time of writing; the same table must give the same bytes.
    from openpyxl.writer.excel import ExcelWriter

    raw, out = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        modified = book.properties.modified
        writer = ExcelWriter(book, archive)
        book.properties.modified = modified
        writer.write_data()
    with zipfile.ZipFile(raw) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            archive.writestr(
                zipfile.ZipInfo(name, _NO_DATE), parts.read(name), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def write_records(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as a JSON list of records; what is missing is null."""
    text = table.to_json(orient="records", force_ascii=False, date_format="iso")
    return write_json(path, json.loads(text))


def _plain(value: Any) -> Any:
    if hasattr(value, "__len__") and not isinstance(value, str):
        return str(value)
    if getattr(value, "tzinfo", None) is not None and not is_missing(value):
        # A sheet knows no zones of time.
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if is_missing(value):
        return None
    # A sheet has no infinity.
    return str(value) if value in (float("inf"), float("-inf")) else value
