"""numba's compiler, with a cache that is found where it may be written and that nobody else can write to."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_PACKAGE = Path(__file__).parents[1]


def njit(**options: Any) -> Callable[[Callable], Callable]:
    """As `numba.njit`, with ``cache=True`` only where a cache is safe.

    A cache holds code that is run when it is read. It is kept beside the package, or else in the
    user's own cache folder; a folder that other users may write to is not used. Where there is no
    folder, kernels are compiled anew at each start, and a warning says so.

    Parameters
    ----------
    **options
        Those of `numba.njit`.
    """

    def decorate(function: Callable) -> Callable:
        folder = _cache_folder()
        config: Any = numba.config  # it makes its names as it loads
        chosen = {**options, "cache": bool(options.get("cache")) and folder is not None}
        before = config.CACHE_DIR
        config.CACHE_DIR = folder or ""
        try:
            return numba.njit(**chosen)(function)
        finally:
            config.CACHE_DIR = before

    return decorate


@functools.cache
def _cache_folder() -> str | None:
    # A path, "" for beside the package, None for nowhere.
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named and own_folder(Path(named)):
        return named
    kernels = [_PACKAGE / room / "__pycache__" for room in ("routing", "sources")]
    if not named and all(own_folder(folder) for folder in kernels):
        return ""
    home = own_cache()
    if home is not None:
        return str(home)
    logging.getLogger("urbanplan").warning(
        "no folder of one's own for compiled code: it is compiled anew at each start (set NUMBA_CACHE_DIR)"
    )
    return None


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


def own_cache(name: str = "") -> Path | None:
    """A folder for what can be made again, in the user's own cache, that nobody else may write to.

    Parameters
    ----------
    name : str
        Of a folder in it.

    Returns
    -------
    Path or None
        In ``URBANPLAN_CACHE``, else in ``XDG_CACHE_HOME`` or ``~/.cache``; None where that is not safe.
    """
    named = os.environ.get("URBANPLAN_CACHE")
    home = Path(named or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "urbanplan")
    with contextlib.suppress(RuntimeError):
        home = home.expanduser()
    return home / name if home.is_absolute() and own_folder(home / name, 0o700) else None


def _is_own(folder: Path) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    found = folder.stat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (0, os.geteuid()) and not shared
