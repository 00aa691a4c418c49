"""Every command that takes a file, given files with real-looking faults: one sentence, never a traceback."""

from __future__ import annotations

import mutations
import pytest

#: Files for each command; `python tests/hostile/mutations.py --times 2000` is the long run.
TIMES = 8
COMMANDS = (
    "import",
    "init",
    "matrix",
    "coverage",
    "isochrone",
    "access",
    "reach",
    "siting",
    "streets",
    "city",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_mutation_reaches_a_traceback_or_the_last_resort(command, tmp_path, monkeypatch):
    monkeypatch.setenv("URBANPLAN_DEBUG", "1")
    codes, faults = mutations.fuzz(command, TIMES, 7, tmp_path)
    assert not faults, "\n\n".join(faults)
    assert sum(codes.values()) == TIMES


def test_the_list_of_commands_is_whole(tmp_path):
    assert set(mutations.Ground(tmp_path / "g").commands()) == set(COMMANDS)
