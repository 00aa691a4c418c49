"""Processes to be killed, failed, and put on a small disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fault_writers
import pytest

HERE = Path(__file__).parent
#: One thread per process, so that it can fork.
QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONDONTWRITEBYTECODE": "1",
}
NOTED = "noted"


class Worker:
    """Asks a `fault_worker` process, one question at a time."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def ask(self, do: str, **what) -> dict:
        """The answer to one question."""
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the worker ended; its own error is in the captured stderr"
        return json.loads(line)

    def trace(self, **what) -> dict:
        """The answer about a child whose system calls were listed or failed."""
        answer = self.ask("trace", **what)
        assert "refused" not in answer, (
            f"system calls cannot be failed here ({answer.get('refused')}): allow ptrace "
            "(sysctl kernel.yama.ptrace_scope at most 1; in a container --cap-add=SYS_PTRACE)"
        )
        return answer


class Pair(NamedTuple):
    """An old file, and the hash of the new one that is to replace it."""

    path: Path
    bytes: bytes
    old: str
    new: str


@contextlib.contextmanager
def working(*prefix: str) -> Iterator[Worker]:
    """A worker process, begun with a command that sets its surroundings."""
    command = [*prefix, sys.executable, "-W", "error", str(HERE / "fault_worker.py")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **QUIET},
    ) as process:
        ready = process.stdout.readline()
        assert ready, f"{' '.join(command)} did not start"
        assert json.loads(ready)["threads"] == 1, "a worker with threads cannot fork cleanly"
        yield Worker(process)
        process.stdin.close()


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A worker on the ordinary disk."""
    with working() as found:
        yield found


@pytest.fixture(scope="session")
def tracer(worker) -> Worker:
    """The same worker, once it is known that system calls can be failed here."""
    assert shutil.which("strace"), "strace is missing: run tests/clients/install.sh"
    return worker


@pytest.fixture(scope="session")
def mounter() -> Iterator[Worker | None]:
    """A worker that may mount small disks, which nobody else sees and which end with it.

    None where mounting is not allowed (a container without rights): there the disk is full as
    soon as the kernel says so, which strace makes it say.
    """
    prefix = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    tried = subprocess.run(
        [*prefix, "mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
    )
    if tried.returncode != 0:
        yield None
        return
    with working(*prefix) as found:
        yield found


@pytest.fixture
def pair(writer, worker, tmp_path) -> Pair:
    """What a test's writer left in its folder: the old version, after a look at the new one."""
    asked = {"writer": writer, "folder": str(tmp_path)}
    worker.ask("plain", **asked, version="new")
    (path,) = tmp_path.iterdir()
    new = fault_writers.sha(path)
    worker.ask("plain", **asked, version="old")
    assert fault_writers.sha(path) != new
    return Pair(path, path.read_bytes(), fault_writers.sha(path), new)


@pytest.fixture
def count(request):
    """Note what was measured, for the lines under the tests."""
    # Properties of a test reach the terminal from whichever process ran it.
    own = request.node.user_properties
    return lambda **what: own.extend(
        (NOTED, f"{k} {request.node.name}", v) for k, v in what.items()
    )


def pytest_terminal_summary(terminalreporter, config) -> None:
    """How many kills and faults there were, by writer."""
    reports = [r for held in terminalreporter.stats.values() for r in held if hasattr(r, "user_properties")]  # fmt: skip
    every = dict.fromkeys(tuple(p) for r in reports for p in r.user_properties if p[0] == NOTED)
    noted = {what: number for _, what, number in every}
    if noted:
        terminalreporter.section("measured")
    for what, number in noted.items():
        kind, _, writer = what.partition(" ")
        terminalreporter.write_line(f"{kind} {writer.split('[')[-1].strip(']')}: {number}")
