"""Every write, sync and rename of every writer fails once: old or new, one sentence, nothing left."""

from __future__ import annotations

import re
from collections import Counter

import fault_writers
import pytest
from fault_writers import sha

from urbanplan import files

#: Whatever changes a disk; a "?" lets strace pass over what a processor does not have.
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile")
SYNCS = ("fsync", "fdatasync", "sync_file_range", "msync")
MOVES = ("rename", "renameat", "renameat2", "link", "linkat")
SIZES = ("truncate", "ftruncate", "fallocate", "mkdir", "mkdirat")
CALLS = ",".join(f"?{name}" for name in (*WRITES, *SYNCS, *MOVES, *SIZES))
#: Failing to make a folder that is there harms nobody; all others must be told.
MUST_TELL = {*WRITES, *SYNCS, *MOVES}


def called(log: str) -> list[str]:
    """Names of the system calls in a log, in order."""
    return re.findall(r"^\d+ +(\w+)\(", log, re.M)


@pytest.mark.parametrize("writer", fault_writers.ORDERLY)
def test_each_failing_call_is_told_and_costs_nothing(writer, tracer, tmp_path, pair, count):
    path = pair.path
    asked = {"writer": writer, "folder": str(tmp_path), "version": "new"}
    names = dict.fromkeys(called(tracer.trace(**asked, calls=CALLS)["log"]))
    assert {*names} & {*WRITES} and {*names} & {*SYNCS} and {*names} & {*MOVES}
    hits = Counter()
    for name in names:
        for n in range(1, 10_000):
            path.write_bytes(pair.bytes)
            ended = tracer.trace(**asked, calls=name, inject=f"{name}:error=EIO:when={n}")
            if "(INJECTED)" not in ended["log"]:
                assert ended["error"] is None and sha(path) == pair.new
                break
            hits[name] += 1
            where = f"{name} {n}"
            assert [p.name for p in tmp_path.iterdir()] == [path.name], where
            if ended["error"] is None:
                assert name not in MUST_TELL and sha(path) == pair.new, where
                continue
            assert sha(path) in (pair.old, pair.new), where
            assert ended["kinds"][0] == "WriteError" and "UrbanplanError" in ended["kinds"], where
            assert ended["where"] == str(path) and str(path) in ended["error"], where
            assert "→" in ended["error"] and "\n" not in ended["error"], where
    assert all(hits[name] for name in names)
    count(faults=dict(hits))


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_bytes_are_synced_before_the_rename_and_the_folder_after(writer, tracer, tmp_path):
    folder = tmp_path / "made" / "twice"
    calls = ",".join(f"?{name}" for name in (*WRITES, *SYNCS, *MOVES))
    log = tracer.trace(writer=writer, folder=str(folder), version="new", calls=calls)["log"]
    name = fault_writers.writers()[writer][0]
    lines = [line.split(maxsplit=1)[1] for line in log.splitlines() if "(" in line]
    rename = next(n for n, line in enumerate(lines) if line.startswith("rename"))
    wrote = [n for n, line in enumerate(lines) if line.split("(")[0] in WRITES]
    # A thread that ends meanwhile splits a call's line in two: "fsync(3</x> <unfinished ...>".
    synced = {
        found.group(1): n
        for n, line in enumerate(lines)
        if (found := re.match(r"fsync\(\d+<(.*?)>[) ]", line))
    }
    (file,) = [n for p, n in synced.items() if p.endswith(f"/{name}")]
    assert max(wrote) < file < rename
    # A folder that was made on the way is itself an entry in the one above.
    for made in (folder, folder.parent, tmp_path):
        assert synced[str(made)] > rename


@pytest.mark.parametrize("writer", ["bytes"])
def test_a_folder_that_cannot_be_tidied_is_no_failed_write(writer, tracer, tmp_path, pair):
    path = pair.path
    ended = tracer.trace(
        writer=writer,
        folder=str(tmp_path),
        version="new",
        calls="?rmdir,?unlinkat",
        inject="?rmdir,?unlinkat:error=EIO",
    )
    assert "(INJECTED)" in ended["log"] and ended["error"] is None and sha(path) == pair.new
    assert len(list(tmp_path.iterdir())) == 2
    with files.lock(tmp_path):
        assert {p.name for p in tmp_path.iterdir()} == {path.name, ".urbanplan.lock"}
