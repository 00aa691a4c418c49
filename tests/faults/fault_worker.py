"""A process that has everything imported, and forks one child per case to be killed or failed.

It reads one JSON object per line and answers with one per line. Run as a script.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fault_writers

#: prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY): a tracer that is no ancestor may attach (Yama).
PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)
PAGE = 4096


def names(folder: Path) -> set[str]:
    """What is in a folder; nothing if it is missing."""
    return {p.name for p in folder.iterdir()} if folder.is_dir() else set()


class Child:
    """A fork that waits for `go`, writes, says through shared memory how it went, and ends."""

    def __init__(self, writer: str, folder: Path, version: str) -> None:
        self.folder = folder
        self.before, self.began = names(folder), time.perf_counter()
        self.said = mmap.mmap(-1, 1 << 16)
        ready, self.gate = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(self.gate[0])
            os.close(ready[1])
            os.read(ready[0], 1)
            os.close(ready[0])
            return
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
        os.close(self.gate[1])
        os.write(ready[1], b"r")
        os.read(self.gate[0], 1)
        try:
            fault_writers.write(writer, folder, version)
            answer = {"error": None}
        except BaseException as err:
            kinds = [k.__name__ for k in type(err).__mro__]
            answer = {"error": str(err), "kinds": kinds, "where": str(getattr(err, "where", ""))}
        # Memory, not a pipe: a write here would be one of the writes that are failed.
        self.said[:] = json.dumps(answer).encode().ljust(1 << 16)
        os._exit(0)

    def go(self) -> None:
        """Let it write."""
        self.began = time.perf_counter()
        os.close(self.gate[1])

    def wait_for_disk(self) -> float:
        """Seconds until it has made its temporary folder, or is done."""
        while not names(self.folder) - self.before:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        return time.perf_counter() - self.began

    def end(self) -> dict:
        """How it ended: the signal, and what it said unless it was killed."""
        status = os.waitpid(self.pid, 0)[1]
        text = self.said[:].strip(b"\0 ")
        self.said.close()
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return {"signal": killed, "seconds": time.perf_counter() - self.began} | (
            json.loads(text) if text else {}
        )


def plain(writer: str, folder: str, version: str) -> dict:
    """Let a child write, and time it: until it is at the disk, and until it has ended."""
    child = Child(writer, Path(folder), version)
    child.go()
    return {"until_disk_s": child.wait_for_disk(), **child.end()}


def kill(writer: str, folder: str, version: str, after_s: float, at_disk: bool) -> dict:
    """Kill a writing child so many seconds after it began, or after it came to the disk."""
    child = Child(writer, Path(folder), version)
    child.go()
    until = (child.wait_for_disk() if at_disk else 0) + after_s
    while time.perf_counter() < child.began + until:
        pass
    os.kill(child.pid, signal.SIGKILL)
    return child.end()


def trace(writer: str, folder: str, version: str, calls: str, inject: str = "") -> dict:
    """Let a child write under strace, which lists its system calls, or fails one of them."""
    child = Child(writer, Path(folder), version)
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "log"
        how = ["-e", f"inject={inject}"] if inject else []
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-p", str(child.pid), "-o", log, "-e", f"trace={calls}", *how],
            stderr=subprocess.PIPE,
            text=True,
        )
        first = tracer.stderr.readline()
        if "attached" not in first:
            os.kill(child.pid, signal.SIGKILL)
            child.end()
            tracer.communicate()
            return {"refused": first.strip()}
        child.go()
        ended = child.end()
        tracer.communicate()
        return {**ended, "log": log.read_text("utf-8", "replace")}


def small_disk(writer: str, folder: str, version: str, free_pages: int | None) -> dict:
    """Let a child replace an old file on a disk of 400 kB, or one with so many free pages."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], check=True)
    try:
        work = Path(folder) / "work"
        path = fault_writers.write(writer, work, "old")
        old = fault_writers.sha(path)
        if free_pages is not None:
            with open(Path(folder) / "filler", "wb") as f:
                f.write(bytes(PAGE) * (os.statvfs(folder).f_bavail - free_pages))
        child = Child(writer, work, version)
        child.go()
        ended = child.end()
        now = fault_writers.sha(path)
        left = sorted(names(work) - {path.name})
        return {**ended, "old": old, "now": now, "left": left, "path": str(path)}
    finally:
        subprocess.run(["umount", folder], check=True)


def main() -> None:
    """Answer one question per line until there are none."""
    with tempfile.TemporaryDirectory() as tmp:
        for writer in fault_writers.NAMES:
            for version in fault_writers.ROWS:
                fault_writers.value(writer, version)
            fault_writers.write(writer, Path(tmp), "old")
    # A fork takes one thread with it: others would leave their locks locked.
    print(json.dumps({"threads": len(names(Path("/proc/self/task")))}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        do = {"plain": plain, "kill": kill, "trace": trace, "small_disk": small_disk}
        print(json.dumps(do[asked.pop("do")](**asked)), flush=True)


if __name__ == "__main__":
    main()
