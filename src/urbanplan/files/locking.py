"""One urbanplan per folder: a kernel lock that ends with its process, and a sweep after killed ones."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from urbanplan.errors import BusyError, UrbanplanError, WriteError

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


@functools.cache
def _close_in_forks() -> None:
    # A fork shares the lock and would keep it alive; closing its copy leaves the parent's alone.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: [held.close() for held in list(_held)])


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
