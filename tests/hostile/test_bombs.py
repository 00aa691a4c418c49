"""Small files that would become large are refused in seconds and below a gigabyte of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
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
