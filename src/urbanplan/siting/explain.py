"""Why these sites: in which order they matter, and whom each of them serves newly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanplan.access import Pairs
from urbanplan.siting import capacity
from urbanplan.siting.result import PROVEN_GAP, Flows, Siting, gap
from urbanplan.siting.rows import Rows
from urbanplan.siting.tasks import Task, saved


@dataclass(frozen=True)
class Outcome:
    """What a search came to.

    Attributes
    ----------
    chosen : ndarray of int64 or None
        Candidate sites.
    bound : float
        Of the model's objective.
    how : str
        Why it ended.
    within_min : float or None
        For p_center, the minutes within which the sites serve everybody.
    """

    chosen: np.ndarray | None
    bound: float
    how: str
    within_min: float | None = None


def siting(task: Task, outcome: Outcome) -> Siting:
    """The full answer to a task."""
    parts = _free(task, outcome) if task.problem.capacity is None else _limited(task, outcome)
    sites, flows, gains, newly, objective = parts
    return _put_together(task, outcome, sites, flows, gains, newly, objective)


def _put_together(task, outcome, sites, flows, gains, newly, objective) -> Siting:
    problem = task.problem
    bound = outcome.bound
    # The bound comes from a solver that rounds, the objective is added up here.
    if outcome.chosen is not None:
        bound = max(bound, objective) if task.largest else min(bound, objective)
    apart = gap(objective, bound)
    served = float(flows.persons.sum())
    place = np.full(problem.sites, -1)
    place[sites] = np.arange(len(sites))
    return Siting(
        model=task.model,
        p=task.p,
        sites=sites,
        objective=objective,
        bound=bound,
        gap=apart,
        proven=apart <= PROVEN_GAP,
        stopped=outcome.how if apart > PROVEN_GAP else "optimal",
        assignment=_assignment(flows, len(problem.weights)),
        flows=flows,
        gains=gains,
        newly=newly,
        persons_new=np.bincount(place[newly.site], newly.persons, minlength=len(sites)),
        served=served,
        unserved=max(float(problem.weights.sum()) - served, 0.0),
        unreachable=problem.unreachable,
    )


def _assignment(flows: Flows, rows: int) -> np.ndarray:
    order = np.lexsort((flows.site, -flows.persons, flows.demand))
    demand, first = np.unique(flows.demand[order], return_index=True)
    found = np.full(rows, -1)
    found[demand] = flows.site[order][first]
    return found


def _objective(task: Task, flows: Flows, minutes: np.ndarray, sites: np.ndarray) -> float:
    """From who is served where; the worst there is where somebody must be served and is not."""
    problem = task.problem
    part = flows.persons / problem.weights[flows.demand]
    worth = problem.worth[flows.demand] * part
    if task.model == "mclp":
        return float(worth.sum())
    due = problem.weights.copy()
    due[problem.unreachable] = 0
    if flows.persons.sum() < due.sum() * (1 - 1e-6):
        return np.inf
    if task.model == "lscp":
        return float(len(sites))
    if task.model == "p_median":
        return float((worth * minutes).sum())
    return float(minutes.max(initial=0.0))


def _minutes(pairs: Pairs, flows: Flows, sites: int) -> np.ndarray:
    key = pairs.demand * sites + pairs.supply
    return pairs.minutes[np.searchsorted(key, flows.demand * sites + flows.site)]


# ---- without capacities: everybody goes to the nearest


def _free(task: Task, outcome: Outcome):
    pairs, problem = task.pairs, task.problem
    if outcome.within_min is not None:
        pairs = pairs.within(outcome.within_min)
    chosen = np.empty(0, np.int64) if outcome.chosen is None else outcome.chosen
    fixed = np.flatnonzero(problem.fixed)
    if task.model == "p_median":
        table = saved(task)[0]
    else:
        worth = problem.worth if task.model == "mclp" else problem.weights
        table = Rows.of(pairs.demand, pairs.supply, worth[pairs.demand], problem.sites)
    need = Rows.of(pairs.demand, pairs.supply, np.ones(len(pairs.demand)), problem.sites)
    sites, gains = ranked(table, need if task.model != "mclp" else None, fixed, chosen)
    flows, minutes = _nearest(pairs, problem.weights, fixed, sites)
    if task.model == "p_median":
        mine = np.isin(flows.site, sites)
        newly = Flows(flows.demand[mine], flows.site[mine], flows.persons[mine])
        gains = _minutes_saved(pairs, problem.worth, fixed, sites)
    else:
        newly = _first_served(pairs, problem.weights, fixed, sites)
    return sites, flows, gains, newly, _objective(task, flows, minutes, sites)


def ranked(
    table: Rows, need: Rows | None, fixed: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The chosen sites, each next the one that adds most, and what it adds.

    A site that adds nothing is left out, unless a row of `need` has no other.
    """
    left, order, gains = np.sort(chosen).tolist(), [], []
    best = table.best(fixed)
    met = None if need is None else need.best(fixed)
    while left:
        gain = [float(np.maximum(v - best[r], 0).sum()) for r, v in map(table.column, left)]
        if met is not None and max(gain) <= 0:
            gain = [float((met[need.column(j)[0]] == 0).sum()) for j in left]
        k = int(np.argmax(gain))
        if gain[k] <= 0:
            break
        site = left.pop(k)
        row, value = table.column(site)
        best[row] = np.maximum(best[row], value)
        if met is not None:
            met[need.column(site)[0]] = 1.0
        order.append(site)
        gains.append(gain[k])
    return np.array(order, np.int64), np.array(gains)


def _nearest(pairs: Pairs, weights, fixed, sites) -> tuple[Flows, np.ndarray]:
    """Each row's nearest open site; of two as near an existing one, then the one ranked first."""
    size = int(pairs.supply.max(initial=-1)) + 1
    size = max(size, int(max(fixed.max(initial=-1), sites.max(initial=-1))) + 1)
    rank = np.full(size, -1)
    rank[fixed] = 0
    rank[sites] = 1 + np.arange(len(sites))
    held = rank[pairs.supply] >= 0
    demand, site, minutes = pairs.demand[held], pairs.supply[held], pairs.minutes[held]
    order = np.lexsort((rank[site], minutes, demand))
    demand, site, minutes = demand[order], site[order], minutes[order]
    first = np.r_[True, demand[1:] != demand[:-1]] if len(demand) else np.zeros(0, bool)
    return Flows(demand[first], site[first], weights[demand[first]]), minutes[first]


def _first_served(pairs: Pairs, weights, fixed, sites) -> Flows:
    served = np.zeros(len(weights), bool)
    served[pairs.demand[np.isin(pairs.supply, fixed)]] = True
    demand, site = [], []
    for j in sites.tolist():
        mine = pairs.demand[pairs.supply == j]
        mine = mine[~served[mine]]
        served[mine] = True
        demand.append(mine)
        site.append(np.full(len(mine), j))
    demand = np.concatenate([np.empty(0, np.int64), *demand])
    site = np.concatenate([np.empty(0, np.int64), *site])
    order = np.argsort(demand, kind="stable")
    return Flows(demand[order], site[order], weights[demand[order]])


def _minutes_saved(pairs: Pairs, worth, fixed, sites) -> np.ndarray:
    """What each site saves those who were within reach of one before."""
    now = np.full(len(worth), np.inf)
    found = []
    for j in [*fixed.tolist(), *sites.tolist()]:
        mine = pairs.supply == j
        row, minutes = pairs.demand[mine], pairs.minutes[mine]
        had = np.isfinite(now[row])
        found.append(float((worth[row] * np.maximum(now[row] - minutes, 0))[had].sum()))
        now[row] = np.minimum(now[row], minutes)
    return np.array(found[len(fixed) :])


# ---- with capacities


def _limited(task: Task, outcome: Outcome):
    problem, within = task.problem, outcome.within_min
    chosen = np.empty(0, np.int64) if outcome.chosen is None else outcome.chosen
    fixed = np.flatnonzero(problem.fixed)
    found = capacity.flows(task, np.r_[fixed, chosen], within)
    nobody = Flows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    flows = nobody if found is None else found
    serves = np.bincount(flows.site, flows.persons, minlength=problem.sites)
    order = np.lexsort((chosen, -serves[chosen]))
    sites = chosen[order] if task.model == "lscp" else chosen[order][serves[chosen[order]] > 0]
    minutes = _minutes(problem.pairs, flows, problem.sites)
    objective = _objective(task, flows, minutes, sites)
    if task.model == "mclp":
        gains, newly = _one_by_one(task, fixed, sites)
        return sites, flows, gains, newly, objective
    mine = np.isin(flows.site, sites)
    newly = Flows(flows.demand[mine], flows.site[mine], flows.persons[mine])
    gains = np.full(len(sites), np.nan) if task.model == "p_median" else serves[sites]
    return sites, flows, gains, newly, objective


def _one_by_one(task: Task, fixed, sites) -> tuple[np.ndarray, Flows]:
    """Open the sites in turn; nobody who is served is turned away for the next one's sake."""
    problem = task.problem
    before = np.zeros(len(problem.worth))
    gains, demand, site, persons = [], [], [], []
    for k in range(len(sites) + 1):
        after = capacity.served(task, np.r_[fixed, sites[:k]], before)
        if k:
            more = after - before
            rows = np.flatnonzero(more > 1e-9)
            gains.append(float((problem.worth * more).sum()))
            demand.append(rows)
            site.append(np.full(len(rows), sites[k - 1]))
            persons.append((problem.weights * more)[rows])
        before = after
    demand = np.concatenate([np.empty(0, np.int64), *demand])
    order = np.argsort(demand, kind="stable")
    site = np.concatenate([np.empty(0, np.int64), *site])
    persons = np.concatenate([np.empty(0), *persons])
    return np.array(gains), Flows(demand[order], site[order], persons[order])
