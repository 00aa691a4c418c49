"""A run that is killed goes on from its last finished stage; two at a time are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from patience import PATIENCE_S
from townfolder import write_town

URBANPLAN = [sys.executable, "-m", "urbanplan"]


def started(*args) -> subprocess.Popen:
    return subprocess.Popen(
        [*URBANPLAN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path, process, seconds=PATIENCE_S):
    """Wait until a file is there while a process runs."""
    until = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_from_its_last_stage(tmp_path, how):
    town, whole, broken = write_town(tmp_path / "town"), tmp_path / "whole", tmp_path / "broken"
    first = started("-q", "run", town, "--out", broken)
    wait_for(broken / ".stages" / "mode_walk.npz", first)
    os.kill(first.pid, how)
    _, err = first.communicate()
    assert first.returncode == (130 if how == signal.SIGINT else -9), err
    assert not (broken / "run.json").exists()
    again = subprocess.run(
        [*URBANPLAN, "run", str(town), "--out", str(broken)], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert "went on from an interrupted run: mode walk" in again.stderr
    assert not (broken / ".stages").exists()
    if how == signal.SIGKILL:
        subprocess.run([*URBANPLAN, "-q", "run", str(town), "--out", str(whole)], check=True)
        names = sorted(p.name for p in whole.iterdir() if p.name[0] != "." and p.name != "run.json")
        assert len(names) == 10 and names == sorted(
            p.name for p in broken.iterdir() if p.name[0] != "." and p.name != "run.json"
        )
        for name in names:
            assert (whole / name).read_bytes() == (broken / name).read_bytes(), name


def test_two_at_a_time_in_one_folder_are_refused(tmp_path):
    town, out = write_town(tmp_path / "town"), tmp_path / "out"
    from urbanplan.files import lock

    with lock(out):
        second = subprocess.run(
            [*URBANPLAN, "run", str(town), "--out", str(out)], capture_output=True, text=True
        )
        assert second.returncode == 2 and str(os.getpid()) in second.stderr
        assert str(out) in second.stderr and "→" in second.stderr
        assert not (out / "index.html").exists()
    third = subprocess.run([*URBANPLAN, "-q", "run", str(town), "--out", str(out)])
    assert third.returncode == 0
