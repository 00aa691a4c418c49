"""Memory of sums for every node of a million-node network, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

SIDE = 1000
_SCRIPT = """
import time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from urbanplan import routing as tt
from urbanplan.routing import build_graph

side = {side}
node = np.arange(side * side, dtype=np.int32).reshape(side, side)
a = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
b = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
minutes = np.tile(np.random.default_rng(1).uniform(0.6, 1.8, len(a)), 2)
graph = build_graph(side * side, np.r_[a, b], np.r_[b, a], minutes, symmetric=True)
everybody = tt.at_nodes(SimpleNamespace(graph=graph))
began = time.perf_counter()
sums = tt.reach(SimpleNamespace(graph=graph), everybody, everybody, np.ones(graph.nodes), [28.8])
seconds = time.perf_counter() - began
status = Path("/proc/self/status").read_text()  # rusage would count the parent's memory too
peak = int(status.split("VmHWM:")[1].split()[0]) / 2**20
print(f"{{graph.nodes:,}} nodes: {{seconds:.1f}} s, {{sums.mean():,.0f}} nodes within 28.8 minutes of"
      f" each on average, {{peak:.2f}} GiB at most")
"""


def report() -> str:
    """One sentence with seconds and peak memory of the whole process."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(side=SIDE)],
        capture_output=True,
        text=True,
        check=True,
    )
    return f"Sums for every node of a grid of streets, {done.stdout.strip()}."
