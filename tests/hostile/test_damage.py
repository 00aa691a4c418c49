"""Damaged files: each is refused in one sentence or read; nothing else ever happens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import deliveredfiles
from patience import PATIENCE_S

CHILD = Path(__file__).with_name("child.py")
FORMATS = [
    *["geojson", "gpkg", "shp", "kml", "dxf", "fgb", "parquet", "csv", "xlsx", "gdb", "kmz", "zip"]
]
TIMES = 100


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """How 100 cuts and 100 flips of each format end, each format in a process of its own."""
    folder = tmp_path_factory.mktemp("damage")
    real = deliveredfiles.write(folder / "real")

    def run(kind: str) -> subprocess.CompletedProcess:
        place = folder / f"{kind}-copies"
        place.mkdir()
        command = [sys.executable, CHILD, "fuzz", real[kind], place, str(TIMES)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FORMATS, pool.map(run, FORMATS)))


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_is_refused_by_name_or_read(outcomes, kind, record_property, capsys):
    done = outcomes[kind]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"the process ended at {lines[-1:]}: {done.stderr[-2000:]}"
    ends = [line for line in lines if "end" in line]
    assert len(ends) == 2 * TIMES
    counted = Counter(line["end"] for line in ends)
    record_property("outcomes", dict(counted))
    with capsys.disabled():
        print(f"\n{kind}: {dict(counted)}", end="")
    wrong = [line for line in ends if line["end"] not in ("read", "refused")]
    assert not wrong, wrong[:3]
    assert "Traceback" not in done.stderr and max(line["s"] for line in ends) < 20


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "kml", "fgb", "parquet", "xlsx", "kmz", "zip"])
def test_a_cut_is_never_taken_for_the_whole(outcomes, kind):
    lines = [json.loads(line) for line in outcomes[kind].stdout.splitlines()]
    cuts = [line for line in lines if "/cut" in line.get("path", "")]
    assert len(cuts) == TIMES and {line["end"] for line in cuts} == {"refused"}


@pytest.mark.parametrize("kind", ["shp", "dxf"])
def test_a_cut_that_is_read_lost_nothing(outcomes, kind):
    lines = [json.loads(line) for line in outcomes[kind].stdout.splitlines()]
    whole = {"shp": 4, "dxf": 6}[kind]
    rows = {line["rows"] for line in lines if "/cut" in line.get("path", "") and "rows" in line}
    assert rows <= {whole}
