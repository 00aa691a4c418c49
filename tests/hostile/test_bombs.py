"""Small files that would become large are refused in seconds and below a gigabyte of memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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
    warm = folder / "warm.geojson"
    warm.write_text(shapely.to_geojson(shapely.Point(105, 28)))
    paths = {name: bombs.BOMBS[name](folder / name) for name in bombs.BOMBS}
    done = subprocess.run(
        [sys.executable, CHILD, "each", warm, *paths.values()],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    shutil.rmtree(folder)
    ends = {row["path"]: row for row in map(json.loads, done.stdout.splitlines())}
    return {name: ends[str(path)] for name, path in paths.items()}


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
