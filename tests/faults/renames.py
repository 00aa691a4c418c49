"""Kill commands that write many files at each of their renames, then start them again. Run as a script.

It prints one JSON object per command: how many renames it makes, how often it was killed, and what was wrong.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import fault_writers

import urbanplan
from streettown import write_street_city
from townfolder import write_town
from urbanplan.cli import main

# Every fork would import these for itself.
for found in pkgutil.walk_packages(urbanplan.__path__, "urbanplan."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in ("pyogrio", "fiona", "rasterio.features", "osmium", "numba", "scipy.sparse", "contourpy", "folium", "exactextract"):  # fmt: skip
    importlib.import_module(name)


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder; a log says how long things took."""
    return {
        p.relative_to(folder).as_posix(): fault_writers.sha(p) if p.name != "run.json" else ""
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def settled(files: dict[str, str]) -> dict[str, str]:
    """Without what writers have in hand and who holds the lock: these are another each time."""
    return {name: sha for name, sha in files.items() if ".urbanplan" not in name}


def call(work: Path, argv: list[str], stop: int = 0, copies: Path | None = None) -> int:
    """Run a command in a fork, killed before one of its renames; its exit code, -9, or 1000 + renames.

    With `copies`, the folder is copied there as it is before and after each rename: what a kill at
    that moment leaves behind.
    """
    gate = os.pipe()
    pid = os.fork()
    if pid:
        os.close(gate[1])
        _, status = os.waitpid(pid, 0)
        made = int(os.read(gate[0], 20) or b"0")
        os.close(gate[0])
        if os.WIFSIGNALED(status):
            return -os.WTERMSIG(status)
        return 1000 + made if os.WEXITSTATUS(status) == 0 else os.WEXITSTATUS(status)
    os.chdir(work)
    seen, real = [0], {name: getattr(os, name) for name in ("replace", "rename")}

    def counted(name: str) -> Callable:
        def rename(*args, **kwargs):
            if ".urbanplan-" in os.fspath(args[1]) or os.fspath(args[1]).startswith(f"{copies}/"):
                # Within a writer's own folder, which nobody else looks at.
                return real[name](*args, **kwargs)
            seen[0] += 1
            if seen[0] == stop:
                os.kill(os.getpid(), signal.SIGKILL)
            if copies:
                shutil.copytree(work, copies / f"{seen[0]} before")
            real[name](*args, **kwargs)
            if copies:
                shutil.copytree(work, copies / f"{seen[0]} after")
            return None

        return rename

    for name in real:
        setattr(os, name, counted(name))
    # A killed process loses nothing that it wrote: only a power cut would, and syncing takes most of the time.
    os.fsync = lambda _fd: None
    if stop or copies or not os.environ.get("LOUD"):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
    try:
        code = main(["-q", *argv])
    except SystemExit as err:
        code = err.code or 0
    except BaseException:
        code = 70
    os.write(gate[1], str(seen[0]).encode())
    os._exit(code)


def kill_at_each(name: str, start: Path, argv: list[str], every: int = 1) -> dict:
    """What a kill at each rename leaves behind is run again: it ends well, with the same files.

    The first rename is met by a real kill too, and what that leaves is held to the copy of that moment.
    """
    wrong, kills = [], 0
    with tempfile.TemporaryDirectory() as tmp:
        whole, copies, work = (Path(tmp) / part for part in ("whole", "copies", "work"))
        shutil.copytree(start, whole)
        renames = call(whole, argv, copies=copies) - 1000
        if renames < 1:
            return {"name": name, "renames": renames, "kills": 0, "wrong": ["does not run"]}
        right = tree(whole)
        for at in range(1, renames + 1, every):
            for when in ("before", "after"):
                if (at, when) == (1, "before"):
                    shutil.copytree(start, work)
                    killed, left = call(work, argv, at), tree(copies / f"{at} {when}")
                    if killed != -9 or settled(tree(work)) != settled(left):
                        differ = set(settled(tree(work)).items()) ^ set(settled(left).items())
                        wrong.append(f"{at} {when}: {killed}, and not as in the copy: {differ}")
                else:
                    (copies / f"{at} {when}").rename(work)
                half, kills = tree(work), kills + 1
                again = call(work, argv)
                # What was whole before it was killed needs no second start.
                done = again < 1000 and {k: v for k, v in half.items() if k in right} == right
                if not (again >= 1000 or done):
                    wrong.append(f"{at} {when}: {again}")
                elif tree(work) != right:
                    differ = set(tree(work).items()) ^ set(right.items())
                    wrong.append(f"{at} {when}: {sorted({k for k, _ in differ})[:4]}")
                shutil.rmtree(work)
    return {"name": name, "renames": renames, "kills": kills, "wrong": wrong}


def jobs(tmp: Path):
    """Name, the folder that it starts from, the command, and which renames."""
    town = write_town(tmp / "town" / "town")
    streets = write_street_city(tmp / "streets")
    init = ["init", "c", "--boundary", "b.geojson", "--name", "镇"]
    for name, city in {"new": town, "vacant": town, "taken": town, "filled": streets}.items():
        (tmp / name).mkdir()
        shutil.copy(city / "districts.geojson", tmp / name / "b.geojson")
    (tmp / "vacant" / "c").mkdir()
    (tmp / "taken" / "c" / "layers").mkdir(parents=True)
    (tmp / "taken" / "c" / "mine.txt").write_text("mine")
    yield "init", tmp / "new", init, 1
    yield "init in an empty folder", tmp / "vacant", init, 1
    yield "init beside own files", tmp / "taken", init, 3
    yield "init --copy", tmp / "town", ["init", "c", "--copy", "town"], 1
    call(tmp / "filled", init)
    for name in ("streets.osm.pbf", "hospitals.geojson"):
        shutil.copy(streets / name, tmp / "filled")
    yield "fetch", tmp / "filled", ["fetch", "c", "--pbf", "streets.osm.pbf"], 1
    take = ["import", "hospitals.geojson", "--kind", "hospitals", "--into", "c", "--replace"]
    yield "import", tmp / "filled", take, 1
    shutil.copytree(tmp / "filled", tmp / "edited")
    with open(tmp / "edited" / "c" / "layers" / "districts.geojson", "a") as file:
        file.write("\n")
    yield "accept", tmp / "edited", ["accept", "c"], 1
    yield "run", tmp / "town", ["run", "town", "--out", "atlas"], 4
    yield "formats", tmp / "town", ["publish", "formats", "town", "--out", "f"], 32


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for job, start, argv, every in jobs(Path(made)):
            print(json.dumps(kill_at_each(job, start, argv, every), ensure_ascii=False), flush=True)
