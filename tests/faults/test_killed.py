"""kill -9 at any moment of any writer: the old file or the new one, never a part of either."""

from __future__ import annotations

import random
from statistics import median

import fault_writers
import pytest
from fault_writers import sha

from urbanplan import files

KILLS = 100
CALLS = "?mkdir,?mkdirat,?write,?pwrite64,?fsync,?rename,?renameat,?renameat2,?rmdir,?unlinkat"


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_a_hundred_kills_leave_old_or_new(writer, worker, tmp_path, pair, count):
    asked = {"writer": writer, "folder": str(tmp_path), "version": "new"}
    runs = [worker.ask("plain", **asked) for _ in range(5)]
    pair.path.write_bytes(pair.bytes)
    whole_s = median(r["seconds"] for r in runs)
    disk_s = median(r["seconds"] - r["until_disk_s"] for r in runs)
    chance, ends, left = random.Random(f"kill {writer}"), [], 0
    for n in range(20 * KILLS):
        # Every other one while it is at the disk, which for some writers is a small part.
        at_disk = n % 2 == 1
        after_s = chance.uniform(0, disk_s if at_disk else whole_s)
        seen = len(list(tmp_path.iterdir()))
        ended = worker.ask("kill", **asked, after_s=after_s, at_disk=at_disk)
        found = sha(pair.path)
        assert found in (pair.old, pair.new), f"half a file after {after_s} s, {at_disk=}"
        # One that ended before it was killed is no kill.
        if ended["signal"] == 9:
            ends.append(found == pair.new)
            left += len(list(tmp_path.iterdir())) - seen
            if len(ends) == KILLS:
                break
        if found == pair.new:
            pair.path.write_bytes(pair.bytes)
    assert len(ends) == KILLS
    count(kills=f"{KILLS}, of which {sum(ends)} left the new file and {left} a temporary folder")
    # The kills were in the middle of things, and the next holder of the folder tidies up.
    assert left > 0
    with files.lock(tmp_path):
        assert {p.name for p in tmp_path.iterdir()} == {pair.path.name, ".urbanplan.lock"}


@pytest.mark.parametrize("writer", fault_writers.ORDERLY)
def test_a_kill_at_every_system_call_leaves_old_or_new(writer, tracer, tmp_path, pair, count):
    asked = {"writer": writer, "folder": str(tmp_path), "version": "new"}
    log = tracer.trace(**asked, calls=CALLS)["log"]
    calls = [line.split()[1].split("(")[0] for line in log.splitlines() if "(" in line]
    pair.path.write_bytes(pair.bytes)
    for call in dict.fromkeys(calls):
        for n in range(1, calls.count(call) + 1):
            how = f"{call}:signal=SIGKILL:when={n}"
            assert tracer.trace(**asked, calls=call, inject=how)["signal"] == 9, how
            assert sha(pair.path) in (pair.old, pair.new), how
            pair.path.write_bytes(pair.bytes)
    count(kills_at_calls=len(calls))
