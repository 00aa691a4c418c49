"""kill -9 at each rename of a command that writes many files: the next start ends well, with the same files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: One thread per process, so that it can fork.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
COMMANDS = {
    "init", "init in an empty folder", "init beside own files", "init --copy",
    "fetch", "import", "accept", "run", "formats",
}  # fmt: skip


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What became of each command, from a process of its own that forks for every kill."""
    done = subprocess.run(
        [sys.executable, str(HERE / "renames.py")],
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=True,
    )
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_kill_at_a_rename_is_gone_on_from(answers, name, count):
    answer = answers[name]
    assert not answer["wrong"]
    assert answer["kills"] >= 2 and answer["renames"] >= 1
    count(kills_at_renames=f"{answer['kills']} at {answer['renames']} renames")


def test_every_command_was_tried(answers):
    assert set(answers) == COMMANDS
    # Where files of one's own stand, the new ones move one by one.
    assert answers["init beside own files"]["renames"] > 30 > answers["init"]["renames"] == 1
