"""Every command that takes a file or a city, given faults that look real: one sentence, never a traceback."""

from __future__ import annotations

import mutations

#: Files for each of 21 commands; `python tests/hostile/mutations.py --times 2000` is the long run.
TIMES = 1


def test_no_mutation_reaches_a_traceback_or_the_last_resort(monkeypatch):
    monkeypatch.setenv("URBANPLAN_DEBUG", "1")
    monkeypatch.setenv("URBANPLAN_LANG", "en")
    ends = list(mutations.fuzz(mutations.COMMANDS, TIMES, 7, warm=False))
    faults = [fault for _, fault in ends if fault]
    assert not faults, "\n\n".join(faults)
    assert len(ends) == TIMES * len(mutations.COMMANDS)
    assert {code for code, _ in ends} >= {0, 2}


def test_the_list_of_commands_is_whole(tmp_path):
    assert set(mutations.Ground(tmp_path / "g").commands()) == set(mutations.COMMANDS)
