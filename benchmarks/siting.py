"""Choosing sites, beside PySAL's spopt with the same solver: python benchmarks/siting.py [--only 1,3].

Each side runs alone in a process of its own, from the pairs (or spopt's table of costs) to the answer;
the memory is the most that the process ever held. Both solve with HiGHS, spopt by way of pulp, and are
asked for the same gap. spopt takes minutes, so each side runs once.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

from side_by_side import ms, need

FAR = 1e9


@dataclass(frozen=True)
class Case:
    """One question: a town's size and the candidates in reach of a home, or a graph's nodes; p."""

    model: str
    size: int
    reach: int
    p: int
    gap: float
    target: float
    #: Seconds after which the peer is told to stop.
    patience_s: float = 300.0

    @property
    def title(self) -> str:
        """As it stands in the table."""
        goal = f"to within {self.gap:.0%}" if self.gap else "to the optimum"
        if self.model == "mclp":
            return f"MCLP, 500 sites × {self.size:,} homes, {self.reach} in reach, p = {self.p}, {goal}"
        return f"p-median, graph of {self.size} nodes, p = {self.p}, {goal}"


CASES = {
    1: Case("mclp", 20_000, 15, 20, 0.0, 5, 1200.0),
    2: Case("mclp", 20_000, 10, 20, 0.0, 5, 1200.0),
    3: Case("mclp", 20_000, 25, 20, 0.02, 5),
    4: Case("p_median", 400, 0, 5, 0.01, 1),
    5: Case("p_median", 400, 0, 40, 0.01, 1),
    6: Case("p_median", 400, 0, 133, 0.01, 1),
    7: Case("p_median", 400, 0, 5, 0.0, 1),
    8: Case("p_median", 400, 0, 40, 0.0, 1),
}


def town(homes: int, reach: int):
    """Homes and 500 sites, most of them in 25 quarters; the limit is such that `reach` are near.

    Returns
    -------
    demand, site, minutes : ndarray
        Pairs within the limit.
    persons : ndarray
    """
    from scipy.spatial import cKDTree

    random = np.random.default_rng(0)
    quarters = random.uniform(0, 20_000, (25, 2))

    def places(count: int, in_quarters: int, spread_m: float) -> np.ndarray:
        middle = quarters[random.integers(0, 25, in_quarters)]
        inside = middle + random.normal(0, spread_m, (in_quarters, 2))
        return np.concatenate([inside, random.uniform(0, 20_000, (count - in_quarters, 2))])

    home, site = places(homes, homes * 4 // 5, 1500), places(500, 250, 2000)
    persons = random.integers(1, 60, homes) * 1.0
    near, far = 100.0, 10_000.0
    tree, some = cKDTree(site), home[:2000]
    for _ in range(30):
        limit = (near + far) / 2
        count = np.mean([len(found) for found in tree.query_ball_point(some, limit)])
        near, far = (limit, far) if count < reach else (near, limit)
    pairs = cKDTree(home).sparse_distance_matrix(tree, limit, output_type="coo_matrix")
    return pairs.row, pairs.col, pairs.data / 80.0, persons


def graph(nodes: int) -> np.ndarray:
    """Shortest paths of a graph like those of OR-Library's p-median problems (Beasley 1985).

    n²/50 edges at random over a path through all nodes, with whole costs from 1 to 100.
    """
    from scipy.sparse.csgraph import shortest_path

    random, edges = np.random.default_rng(1), nodes * nodes // 50
    a = np.r_[np.arange(nodes - 1), random.integers(0, nodes, edges - nodes + 1)]
    b = np.r_[np.arange(1, nodes), random.integers(0, nodes, edges - nodes + 1)]
    cost = np.full((nodes, nodes), np.inf)
    cost[a, b] = cost[b, a] = random.integers(1, 101, edges)
    return shortest_path(np.minimum(cost, cost.T), directed=False)


def ours(case: Case) -> dict:
    """urbanplan's answer, and how long it took."""
    from urbanplan.measures.accessibility import Pairs
    from urbanplan.siting import Effort, Problem, solve

    if case.model == "mclp":
        demand, site, minutes, persons = town(case.size, case.reach)
        sites = 500
    else:
        table = graph(case.size)
        demand, site = (index.ravel() for index in np.indices(table.shape))
        minutes, persons, sites = table.ravel(), np.ones(case.size), case.size
    began = time.perf_counter()
    problem = Problem(Pairs(demand, site, minutes), persons, sites)
    found = solve(problem, case.model, case.p, effort=Effort(gap=case.gap))
    return {
        "seconds": time.perf_counter() - began,
        "objective": found.objective,
        "gap": found.gap,
        "done": found.stopped == "optimal",
    }


def theirs(case: Case) -> dict:
    """spopt's answer, how long it took, and how much of that went into writing the model."""
    pulp, locate = need("pulp", "pulp"), need("spopt.locate", "spopt")
    if case.model == "mclp":
        demand, site, minutes, persons = town(case.size, case.reach)
        table = np.full((case.size, 500), FAR)
        table[demand, site] = minutes
        began = time.perf_counter()
        model = locate.MCLP.from_cost_matrix(table, persons, FAR / 2, case.p)
    else:
        table = graph(case.size)
        began = time.perf_counter()
        model = locate.PMedian.from_cost_matrix(table, np.ones(case.size), case.p)
    written = time.perf_counter() - began
    # Not spopt's own `solve`, which raises when the time is over.
    model.problem.solve(pulp.HiGHS(msg=False, timeLimit=case.patience_s, gapRel=case.gap))
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "written": written,
        "objective": pulp.value(model.problem.objective),
        "done": seconds - written < case.patience_s,
    }


def alone(side: str, number: int) -> dict:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--only", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(number: int) -> str:
    """One line of the table."""
    case = CASES[number]
    print(f"{case.title} …", file=sys.stderr, flush=True)
    mine, peer = alone("ours", number), alone("theirs", number)
    ratio = peer["seconds"] / mine["seconds"]
    verdict = "" if ratio >= case.target else " **(missed)**"
    more = "" if peer["done"] else "stopped after "
    same = abs(mine["objective"] - peer["objective"]) <= max(case.gap, 1e-6) * mine["objective"]
    answer = "same" if same else "not the same"
    if not peer["done"]:
        answer = f"peer has {peer['objective']:,.0f} by then"
    return (
        f"| {case.title} | {ms(mine['seconds'])} | {mine['gap']:.2%} | {mine['mib']:,.0f} MiB"
        f" | {more}{ms(peer['seconds'])} ({ms(peer['written'])}) | {peer['mib']:,.0f} MiB"
        f" | {'> ' if not peer['done'] else ''}{ratio:,.1f} ×{verdict} | {case.target:g} ×"
        f" | {mine['objective']:,.0f}; {answer} |"
    )


def main() -> None:
    """Measure and print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--only", default=",".join(map(str, CASES)), help="numbers of the lines")
    ask.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    asked = ask.parse_args()
    numbers = [int(number) for number in asked.only.split(",")]
    if asked.side:
        found = {"ours": ours, "theirs": theirs}[asked.side](CASES[numbers[0]])
        found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print("\n" + json.dumps(found))
        return
    head = (
        "work | urbanplan | gap proven | memory | spopt + HiGHS (of it writing the model) | memory"
    )
    print(f"| {head} | faster | at least | objective |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|", flush=True)
    for number in numbers:
        print(row(number), flush=True)


if __name__ == "__main__":
    main()
