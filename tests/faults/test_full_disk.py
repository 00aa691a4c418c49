"""A full disk costs nothing: one sentence, the old file as it was, and nothing left behind."""

from __future__ import annotations

import fault_writers
import pytest


def told_and_unharmed(answer: dict) -> None:
    """Fail unless the write was refused in one sentence and the old file is whole."""
    assert answer["error"], "the disk was full, and the writer said nothing"
    assert answer["kinds"][0] == "WriteError" and "UrbanplanError" in answer["kinds"]
    assert answer["where"] == answer["path"] and answer["path"] in answer["error"]
    assert "→ free some space" in answer["error"] and "\n" not in answer["error"]
    assert answer["now"] == answer["old"] and answer["left"] == []


def full_disk(mounter, tracer, writer: str, tmp_path, version: str, free: int | None) -> dict:
    """Let a writer replace an old file on a disk with so many free pages (None: 400 kB)."""
    if mounter is not None:
        asked = {"writer": writer, "folder": str(tmp_path), "version": version}
        return mounter.ask("small_disk", **asked, free_pages=free)
    # What libosmium makes in memory with its threads is then written like any bytes.
    writer = writer if writer in fault_writers.ORDERLY else "bytes"
    path = fault_writers.write(writer, tmp_path, "old")
    old, calls = fault_writers.sha(path), "write,pwrite64"
    how = f"{calls}:error=ENOSPC:when={(free or 0) + 1}+"
    asked = {"writer": writer, "folder": str(tmp_path), "version": version}
    ended = tracer.trace(**asked, calls=calls, inject=how)
    left = sorted({p.name for p in tmp_path.iterdir()} - {path.name})
    return {**ended, "old": old, "now": fault_writers.sha(path), "left": left, "path": str(path)}


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_more_than_fits_is_refused(writer, mounter, tracer, tmp_path):
    told_and_unharmed(full_disk(mounter, tracer, writer, tmp_path, "large", None))


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_a_disk_that_is_full_at_any_page_is_told(writer, mounter, tracer, tmp_path, count):
    for free in range(100):
        answer = full_disk(mounter, tracer, writer, tmp_path, "new", free)
        if answer["error"] is None:
            break
        told_and_unharmed(answer)
    count(full_disks=free)
    # The last page too: whoever swallows its loss would have ended one page earlier.
    assert answer["now"] != answer["old"] and answer["left"] == [] and free > 0
    if mounter is not None:
        size = fault_writers.write(writer, tmp_path, "new").stat().st_size
        assert free * 4096 >= size
