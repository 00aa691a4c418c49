"""Run in a process of its own: read files, or damaged copies of one, and say how each ended."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import re
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

from urbanplan import files
from urbanplan.errors import UrbanplanError

#: Seconds that one read may take before the process is ended with a traceback.
PATIENCE = 60


def read(path: Path | str, name: str, **options) -> dict:
    """How reading one file ends."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    # Of the processor: a busy machine is no fault of the file.
    began = time.process_time()
    try:
        delivery = files.read_delivery(path, **options)
        end = {"end": "read", "rows": len(delivery.frame), "notes": delivery.notes}
    except UrbanplanError as err:
        one_line = len(str(err).splitlines()) == 1
        good = name in str(err) and err.remedy and one_line
        end = {"end": "refused" if good else "unclear", "said": str(err)}
    except BaseException as err:
        end = {"end": "foreign", "said": f"{type(err).__name__}: {err}"}
    faulthandler.cancel_dump_traceback_later()
    return {"path": str(path), **end, "s": time.process_time() - began, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """The most memory that this process held."""
    # getrusage would count what the parent held as it forked; the kernel's own mark does not.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def damaged(source: Path, target: Path, way: str, chance: random.Random) -> None:
    """Copy a file or folder to `target` with one member cut or with bytes flipped."""
    if source.is_dir():
        shutil.copytree(source, target)
        members = sorted(p for p in target.iterdir() if p.stat().st_size > 1)
    else:
        sides = (".shx", ".dbf", ".prj", ".cpg") if source.suffix == ".shp" else ()
        for ending in (source.suffix, *sides):
            shutil.copyfile(source.with_suffix(ending), target.with_suffix(ending))
        members = [target.with_suffix(e) for e in (source.suffix, *sides[:2])]
    victim = chance.choice(members)
    data = bytearray(victim.read_bytes())
    if way == "cut":
        del data[chance.randrange(len(data)) :]
    else:
        # Headers are where a flipped byte does most, so half of the flips go there.
        end = min(len(data), 256) if chance.random() < 0.5 else len(data)
        data[chance.randrange(end)] ^= 1 << chance.randrange(8)
    victim.write_bytes(data)


def fuzz(source: Path, folder: Path, times: int) -> None:
    """Read `times` cut and `times` flipped copies of a file, one line of JSON for each."""
    for way in ("cut", "flip"):
        for seed in range(times):
            place = folder / f"{way}{seed}"
            place.mkdir()
            target = place / source.name
            damaged(source, target, way, random.Random(f"{way}{seed}{source.suffix}"))
            print(json.dumps({"about": f"{way} {seed}"}), flush=True)
            print(json.dumps(read(target, source.name)), flush=True)
            shutil.rmtree(place)


def each(warm: Path, paths: list[str]) -> None:
    """Read each file in a fork, which has its libraries already, one line of JSON for each."""
    read(warm, warm.name)
    for path in paths:
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            print(json.dumps(read(path, Path(path).name)), flush=True)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            print(
                json.dumps({"path": path, "end": "crash", "said": f"status {status}"}), flush=True
            )


def weigh(small: Path, large: Path) -> None:
    """Print the memory of a frame, and the most that reading it took above a small one."""
    files.read_delivery(small)
    before = peak_mib()
    frame = files.read_delivery(large).frame
    peak = peak_mib() - before
    status = Path("/proc/self/status").read_text()
    kept = int(re.search(r"VmRSS:\s*(\d+)", status)[1]) / 1024 - before
    print(json.dumps({"rows": len(frame), "kept_mib": kept, "peak_mib": peak}))


def main() -> None:
    """Read what the command line names."""
    warnings.simplefilter("error")
    task, *rest = sys.argv[1:]
    if task == "weigh":
        weigh(Path(rest[0]), Path(rest[1]))
        return
    if task == "each":
        each(Path(rest[0]), rest[1:])
        return
    if task == "fuzz":
        fuzz(Path(rest[0]), Path(rest[1]), int(rest[2]))
        return
    # Loaded before the mark, so that what comes after it is the reading itself.
    for warm in filter(None, rest[0].split("|")):
        read(warm, Path(warm).name)
    Path("/MARK").exists()
    for path in rest[1:]:
        print(json.dumps(read(path, Path(path).name)), flush=True)


if __name__ == "__main__":
    main()
