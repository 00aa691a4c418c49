"""One urbanplan per folder: held by the kernel for a living process, and swept after a dead one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from urbanplan import files
from urbanplan.errors import BusyError, UrbanplanError, WriteError

#: Each begins in a process of its own, says that it is so far, and goes on when its input ends.
HOLD = """
import sys
from urbanplan import files
with files.lock(sys.argv[1]):
    print("ready", flush=True)
    sys.stdin.read()
"""
HOLD_AND_LEAVE_CHILDREN = """
import os, subprocess, sys, time
from urbanplan import files
with files.lock(sys.argv[1]):
    spawned = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    forked = os.fork()
    if not forked:
        time.sleep(60)
        os._exit(0)
    print(spawned.pid, forked, flush=True)
    sys.stdin.read()
"""
FORK_INSIDE = """
import os, sys
from urbanplan import files
child = 1
with files.lock(sys.argv[1]):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print("ready", flush=True)
        sys.stdin.read()
"""
WRITE_SLOWLY = """
import sys
from pathlib import Path
from urbanplan import files
with files.atomic(Path(sys.argv[1]) / "a.txt") as tmp:
    tmp.write_text("whole")
    print("ready", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys
from pathlib import Path
from urbanplan import files
from urbanplan.errors import BusyError
folder, tally, done = Path(sys.argv[1]), Path(sys.argv[2]), 0
while done < int(sys.argv[3]):
    try:
        with files.lock(folder):
            seen = int(tally.read_text())
            tally.write_text(str(seen + 1))
            done += 1
    except BusyError:
        pass
"""


@contextlib.contextmanager
def running(code: str, *args: object) -> Iterator[tuple[subprocess.Popen, str]]:
    """A process that has said its first line; it is killed in the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, "the process ended before it was ready"
            yield process, line.strip()
        finally:
            process.kill()


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_holder_gets_one_sentence_with_folder_process_and_remedy(tmp_path):
    with (
        running(HOLD, tmp_path) as (process, _),
        pytest.raises(BusyError) as caught,
        files.lock(tmp_path),
    ):
        pass
    text = str(caught.value)
    assert text == (
        f"{tmp_path}: another urbanplan (process {process.pid}) is working in this folder "
        "→ wait until it has ended, or choose another folder with --out"
    )
    assert isinstance(caught.value, UrbanplanError) and isinstance(caught.value, OSError)
    assert caught.value.where == tmp_path


def test_a_second_holder_in_the_same_process_is_refused_too(tmp_path):
    with files.lock(tmp_path):
        with pytest.raises(BusyError, match=f"process {os.getpid()}"), files.lock(tmp_path):
            pass
        with files.lock(tmp_path / "another"):
            pass
        with pytest.raises(BusyError), files.lock(tmp_path):
            pass


def test_the_lock_ends_with_its_block_and_leaves_nothing(tmp_path):
    for _ in range(3):
        with files.lock(tmp_path / "made" / "deep") as folder:
            assert folder == tmp_path / "made" / "deep"
            assert [p.name for p in folder.iterdir()] == [".urbanplan.lock"]
        assert list(folder.iterdir()) == []
    with pytest.raises(KeyError), files.lock(tmp_path):
        raise KeyError
    with files.lock(tmp_path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path):
    for _ in range(5):
        with running(HOLD, tmp_path) as (process, _):
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert (tmp_path / ".urbanplan.lock").read_text() == f"{process.pid}\n"
            with files.lock(tmp_path):
                text = (tmp_path / ".urbanplan.lock").read_text()
                assert text == f"{os.getpid()}\n"


def test_children_of_a_killed_holder_do_not_keep_the_lock(tmp_path):
    with running(HOLD_AND_LEAVE_CHILDREN, tmp_path) as (process, line):
        children = [int(pid) for pid in line.split()]
        try:
            with pytest.raises(BusyError, match=f"process {process.pid}"), files.lock(tmp_path):
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert all(is_running(pid) for pid in children)
            with files.lock(tmp_path):
                assert all(is_running(pid) for pid in children)
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)


def test_a_child_that_leaves_the_block_does_not_free_its_parent(tmp_path):
    with running(FORK_INSIDE, tmp_path) as (process, _):
        assert (tmp_path / ".urbanplan.lock").is_file()
        with pytest.raises(BusyError, match=f"process {process.pid}"), files.lock(tmp_path):
            pass


def test_a_dead_process_is_not_blamed_for_a_living_one(tmp_path):
    path = tmp_path / ".urbanplan.lock"
    with running(HOLD, tmp_path) as (process, _):
        ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
        for text in (ended.stdout.decode(), "", "12", "nonsense\n"):
            path.write_text(text)
            began = time.monotonic()
            with pytest.raises(BusyError, match=r"\(process of unknown id\)"), files.lock(tmp_path):
                pass
            assert time.monotonic() - began < 60
        assert process.poll() is None


def test_only_one_process_at_a_time(tmp_path):
    tally, rounds = tmp_path / "tally", 60
    tally.write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "folder"), str(tally), str(rounds)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [p.wait(60) for p in processes] == [0] * 4
    assert int(tally.read_text()) == 4 * rounds
    assert list((tmp_path / "folder").iterdir()) == []


def test_the_sweep_removes_folders_only_and_follows_no_link(tmp_path):
    work, outside = tmp_path / "work", tmp_path / "outside"
    for folder in (work / ".urbanplan-dead", work / "below" / ".urbanplan-other", outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("x")
    (work / ".urbanplan-dead" / "inner").symlink_to(outside)
    (work / ".urbanplan-link").symlink_to(outside)
    (work / ".urbanplan-file").write_text("x")
    (work / "urbanplan-mine").mkdir()
    with files.lock(work):
        pass
    assert sorted(p.name for p in work.iterdir()) == [
        ".urbanplan-file",
        ".urbanplan-link",
        "below",
        "urbanplan-mine",
    ]
    assert (outside / "a.txt").read_text() == "x"
    assert (work / "below" / ".urbanplan-other" / "a.txt").read_text() == "x"


def test_the_sweep_leaves_a_living_writer_alone_and_takes_a_dead_ones(tmp_path):
    with running(WRITE_SLOWLY, tmp_path) as (process, _):
        with files.lock(tmp_path):
            pass
        process.communicate()
        assert process.returncode == 0
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 1
    with running(WRITE_SLOWLY, tmp_path) as (process, _):
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(list(tmp_path.iterdir())) == 2
    with files.lock(tmp_path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_cannot_be_locked_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    below = tmp_path / "file" / "below"
    with pytest.raises(WriteError, match=r"cannot be locked \(.*\) → check") as caught:
        files.lock(below).__enter__()
    assert str(caught.value).startswith(f"{below}: ")
    (tmp_path / ".urbanplan.lock").symlink_to(tmp_path / "file")
    with pytest.raises(WriteError, match="cannot be locked"), files.lock(tmp_path):
        pass
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_of_too_long_a_name_is_refused(tmp_path):
    with pytest.raises(WriteError, match="cannot be locked"), files.lock(tmp_path / ("x" * 256)):
        pass
