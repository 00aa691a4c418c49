"""The same input gives the same bytes, whoever writes them, when and where."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import fault_writers
import pytest

#: Two processes that have as little in common as two machines with one set of libraries.
SETTINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8", "GDAL_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Shanghai", "LC_ALL": "C", "GDAL_NUM_THREADS": "4"},
)


@pytest.fixture(scope="module")
def twice(tmp_path_factory) -> list[Path]:
    """The folders that two processes wrote everything into."""
    found = []
    for setting, mask in zip(SETTINGS, ("022", "077")):
        folder = tmp_path_factory.mktemp("same" + setting["PYTHONHASHSEED"])
        subprocess.run(
            [sys.executable, "-W", "error", fault_writers.__file__, str(folder), mask],
            check=True,
            cwd=folder,
            env={**os.environ, **setting},
        )
        found.append(folder)
    return found


@pytest.mark.parametrize("size", ["new", "large"])
@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_two_processes_write_the_same_bytes(writer, size, twice):
    name = fault_writers.writers()[writer][0]
    a, b = (hashlib.sha256((f / size / name).read_bytes()).hexdigest() for f in twice)
    assert a == b
