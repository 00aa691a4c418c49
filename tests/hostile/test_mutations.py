"""Every command that takes a file, given files with real-looking faults: one sentence, never a traceback."""

from __future__ import annotations

import mutations
import pytest

#: Files for each command; `python tests/hostile/mutations.py --times 2000` is the long run.
TIMES = 4


@pytest.mark.parametrize("command", mutations.COMMANDS)
def test_no_mutation_reaches_a_traceback_or_the_last_resort(command, monkeypatch):
    monkeypatch.setenv("URBANPLAN_DEBUG", "1")
    monkeypatch.setenv("URBANPLAN_LANG", "en")
    ends = list(mutations.fuzz(command, TIMES, 7))
    faults = [fault for _, fault in ends if fault]
    assert not faults, "\n\n".join(faults)
    assert len(ends) == TIMES
