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


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_more_than_fits_is_refused(writer, mounter, tmp_path):
    asked = {"writer": writer, "folder": str(tmp_path), "version": "large"}
    told_and_unharmed(mounter.ask("small_disk", **asked, free_pages=None))


@pytest.mark.parametrize("writer", fault_writers.NAMES)
def test_a_disk_that_is_full_at_any_page_is_told(writer, mounter, tmp_path, count):
    asked = {"writer": writer, "folder": str(tmp_path), "version": "new"}
    for free in range(100):
        answer = mounter.ask("small_disk", **asked, free_pages=free)
        if answer["error"] is None:
            break
        told_and_unharmed(answer)
    count(full_disks=free)
    # The last page too: whoever swallows its loss would have ended one page earlier.
    assert answer["now"] != answer["old"] and answer["left"] == [] and free > 0
    size = fault_writers.write(writer, tmp_path, "new").stat().st_size
    assert free * 4096 >= size
