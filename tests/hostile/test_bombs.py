"""Small files that would become large are refused in seconds and below a gigabyte of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import bombs

CHILD = Path(__file__).with_name("child.py")
#: The most memory that a refusal may take, as the kernel counted it.
MEMORY_MIB = 1024


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """How reading each bomb ends, each in a process of its own."""
    folder = tmp_path_factory.mktemp("bombs")

    def run(name: str) -> dict:
        path = bombs.BOMBS[name](folder / name)
        command = [sys.executable, CHILD, "read", "", path]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        path.unlink()
        if done.returncode:
            return {"end": "crash", "said": done.stderr[-2000:]}
        return json.loads(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(bombs.BOMBS, pool.map(run, bombs.BOMBS)))


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_a_bomb_is_refused_small_and_soon(ends, name, capsys):
    end = ends[name]
    assert end["end"] == "refused", end
    with capsys.disabled():
        print(f"\n{name}: {end['peak_mib']:.0f} MiB, {end['s']:.1f} s", end="")
    assert end["peak_mib"] < MEMORY_MIB and end["s"] < 30


def test_reading_takes_little_more_than_the_frame_itself(tmp_path, capsys):
    n = 400_000
    numbers = np.arange(n, dtype="float64")
    frame = gpd.GeoDataFrame(
        {"a": numbers, "b": numbers, "c": numbers, "d": numbers},
        geometry=shapely.points(numbers, numbers),
        crs=4490,
    )
    for name, rows in (("large", frame), ("small", frame.head(10))):
        pyogrio.write_dataframe(rows, tmp_path / f"{name}.fgb", SPATIAL_INDEX="NO")
    command = [sys.executable, CHILD, "weigh", tmp_path / "small.fgb", tmp_path / "large.fgb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    found = json.loads(done.stdout)
    with capsys.disabled():
        print(
            f"\n{n:,} points: {found['kept_mib']:.0f} MiB kept, {found['peak_mib']:.0f} at most",
            end="",
        )
    assert found["rows"] == n
    # A batch of Python objects and the joining of one column at a time come on top.
    assert found["peak_mib"] < 2 * found["kept_mib"] + 150
