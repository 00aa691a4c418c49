"""numba's compiler, with a cache that is found where it may be written and that nobody else can write to."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from urbanplan.files.reading import own_cache, own_folder

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
