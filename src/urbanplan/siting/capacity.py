"""Sites with capacity, and how an answer is explained."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urbanplan.measures.accessibility import Pairs
from urbanplan.siting.core import Core, Rows, same_sets
from urbanplan.siting.highs import Answer, Ask, Model, minimise
from urbanplan.siting.problem import PROVEN_GAP, Flows, Siting, Task, gap, saved, site_rules


@dataclass(frozen=True)
class Shares:
    """Groups of demand, and the sites that each can be shared out to.

    Attributes
    ----------
    row : ndarray of int64, shape (entries,)
        Group of each entry, from 0.
    site : ndarray of int64, shape (entries,)
    minutes : ndarray of float64, shape (entries,)
    persons, worth : ndarray of float64, shape (groups,)
    of : ndarray of int64, shape (groups,)
        The problem's row that a group is, or the first of those in it.
    """

    row: np.ndarray
    site: np.ndarray
    minutes: np.ndarray
    persons: np.ndarray
    worth: np.ndarray
    of: np.ndarray

    def at(self, keep: np.ndarray) -> Shares:
        """Only some of the entries."""
        return replace(self, row=self.row[keep], site=self.site[keep], minutes=self.minutes[keep])


def shares(task: Task, within_min: float | None = None) -> Shares:
    """Every row where somebody lives and that some site reaches, each a group of its own."""
    problem, pairs = task.problem, task.pairs
    if within_min is not None:
        pairs = pairs.within(within_min)
    rows, row = np.unique(pairs.demand, return_inverse=True)
    return Shares(
        row, pairs.supply, pairs.minutes, problem.weights[rows], problem.worth[rows], rows
    )


def grouped(given: Shares, sites: int) -> Shares:
    """Rows with the same sites, and the same worth per person, as one group."""
    if not len(given.row):
        return given
    rows = Rows.of(given.row, given.site, np.ones(len(given.row)), sites)
    _, same = same_sets(rows, rows.start[1:] - 1)
    ratio = given.worth / given.persons
    _, first, group = np.unique(
        np.stack([same.astype(float), ratio]), axis=1, return_index=True, return_inverse=True
    )
    group = group.ravel()
    mine = np.isin(given.row, first)
    return Shares(
        group[given.row[mine]],
        given.site[mine],
        given.minutes[mine],
        np.bincount(group, given.persons),
        np.bincount(group, given.worth),
        given.of[first],
    )


def solve(task: Task, within_min: float | None, ask: Ask) -> tuple[np.ndarray | None, Answer]:
    """Choose sites under capacity.

    Returns
    -------
    chosen : ndarray of int64 or None
        Candidate sites that are opened.
    Answer
        Its bound is of the objective, minimised (for mclp turned).
    """
    given = shares(task, within_min)
    if task.model != "mclp" and len(given.of) < len(np.unique(task.pairs.demand)):
        return None, Answer(None, np.inf, "optimal", 0.0)
    if task.model != "p_median":
        given = grouped(given, task.problem.sites)
    rules = _rules(task)
    model = _model(task, given, rules)
    begin = _begin(task, given, rules)
    answer = minimise(model, replace(ask, start=begin))
    if answer.values is None:
        return None, answer
    opened = answer.values[: task.problem.sites] > 0.5
    return np.flatnonzero(opened & ~task.problem.fixed), answer


def loosest(task: Task) -> float:
    """A bound of the objective, minimised, from the room that there is at most."""
    problem, pairs = task.problem, task.pairs
    if task.model != "mclp":
        return 0.0
    # A site serves no more than its room, of those with most worth each, or all in its reach.
    ratio = problem.worth[pairs.demand] / problem.weights[pairs.demand]
    worth = np.bincount(pairs.supply, problem.worth[pairs.demand], minlength=problem.sites)
    highest = np.zeros(problem.sites)
    np.maximum.at(highest, pairs.supply, ratio)
    room = np.minimum(problem.room, problem.weights.sum()) * highest
    each = np.minimum(worth, room)
    picked = np.sort(each[~problem.fixed])[::-1][: task.most]
    return -float(min(each[problem.fixed].sum() + picked.sum(), problem.worth.sum()))


def _rules(task: Task) -> Core:
    """The rules among candidates; those too near to an existing facility are priced out."""
    none = Rows.of(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), task.problem.sites)
    core = site_rules(task, none, none, 0.0)
    fixed = task.problem.fixed
    return replace(core, clash=core.clash[~fixed[core.clash].any(1)])


def _barred(task: Task) -> np.ndarray:
    """Candidates that clash with an existing facility."""
    fixed, clash = task.problem.fixed, task.problem.conflicts
    barred = np.zeros(task.problem.sites, bool)
    for mine, other in ((0, 1), (1, 0)):
        barred[clash[fixed[clash[:, other]], mine]] = True
    return barred & ~fixed


def _limits(task: Task, given: Shares) -> tuple[np.ndarray, np.ndarray]:
    """Share of a site's capacity that each entry takes up whole, and the most it may be served."""
    room = np.minimum(task.problem.room, max(given.persons.sum(), 1.0))[given.site]
    some = room > 0
    persons = given.persons[given.row]
    load = np.divide(persons, room, out=np.zeros(len(room)), where=some)
    most = np.divide(room, persons, out=np.ones(len(room)), where=persons > room)
    return load, np.where(some, most, 0.0)


def _model(task: Task, given: Shares, rules: Core) -> Model:
    from scipy.sparse import coo_matrix, hstack, identity, vstack

    m, n, k = task.problem.sites, len(given.of), len(given.row)
    at, ones = np.arange(k), np.ones(k)
    load, most = _limits(task, given)
    served = coo_matrix((ones, (given.row, at)), shape=(n, k))
    loads = coo_matrix((load, (given.site, at)), shape=(m, k))
    # One row can be served by one site no more than the site is open, and than it has room.
    opened = coo_matrix((-most, (at, given.site)), shape=(k, m))
    matrix, limit = rules.rules
    parts = [
        hstack([coo_matrix((n, m)), served]),
        hstack([-identity(m), loads]),
        hstack([opened, identity(k)]),
        hstack([vstack([matrix, coo_matrix(np.ones((1, m)))]), coo_matrix((len(limit) + 1, k))]),
    ]
    every = task.model != "mclp"
    high = np.r_[np.ones(n), np.zeros(m + k), limit, float(rules.most)]
    low = np.full(len(high), -np.inf)
    low[:n] = 1.0 if every else -np.inf
    fixed = task.problem.fixed
    return Model(
        cost=_cost(task, given),
        lower=np.r_[fixed * 1.0, np.zeros(k)],
        upper=np.r_[np.where(_barred(task), 0.0, 1.0), most],
        whole=np.arange(m + k) < m,
        matrix=vstack(parts, format="csr"),
        low=low,
        high=high,
    )


def _cost(task: Task, given: Shares) -> np.ndarray:
    m, worth = task.problem.sites, given.worth[given.row]
    sites = np.where(task.problem.fixed, 0.0, 1.0) if task.model == "lscp" else np.zeros(m)
    each = {"mclp": -worth, "p_median": worth * given.minutes}.get(task.model, 0 * worth)
    return np.r_[sites, each]


def _begin(task: Task, given: Shares, rules: Core) -> np.ndarray | None:
    """The site that fills up fastest, again and again; shares by a linear model."""
    problem = task.problem
    left, room = given.persons.copy(), problem.room
    opened = np.flatnonzero(problem.fixed).tolist()
    ok = ~(_barred(task) | problem.fixed)
    for site in opened:
        _fill(left, given, room, site)
    while ok.any() and len(opened) < rules.most:
        gain = np.minimum(np.bincount(given.site, left[given.row], minlength=len(room)), room)
        gain[~ok] = 0
        site = int(gain.argmax())
        ok[site] = False
        if gain[site] <= 0:
            break
        if rules.allows(np.array([*opened, site])):
            opened.append(site)
            _fill(left, given, room, site)
    found = _shared(task, given, np.array(opened, np.int64), _cost(task, given)[problem.sites :])
    if found is None:
        return None
    mark = np.zeros(problem.sites)
    mark[opened] = 1.0
    return np.r_[mark, found]


def _fill(left: np.ndarray, given: Shares, room: np.ndarray, site: int) -> None:
    rows = given.row[given.site == site]
    before = np.r_[0.0, np.cumsum(left[rows])[:-1]]
    left[rows] -= np.clip(room[site] - before, 0, left[rows])


def _shared(
    task: Task,
    given: Shares,
    opened: np.ndarray,
    cost: np.ndarray,
    low: np.ndarray | None = None,
    least: float | None = None,
) -> np.ndarray | None:
    """The cheapest shares of each entry between open sites; None if not all can be served.

    `low` is the least share of each group that is served, `least` the least worth in all.
    """
    from scipy.sparse import coo_matrix, vstack

    held = np.flatnonzero(np.isin(given.site, opened))
    if not len(held):
        return np.zeros(len(given.row)) if task.model == "mclp" else None
    part = given.at(held)
    n, m, k = len(given.of), task.problem.sites, len(held)
    load, most = _limits(task, part)
    floor = np.full(n, 0.0 if task.model == "mclp" else 1.0) if low is None else low
    at, total = np.arange(k), max(float(given.worth.sum()), 1e-300)
    model = Model(
        cost=cost[held],
        lower=np.zeros(k),
        upper=np.minimum(most, 1.0),
        whole=np.zeros(k, bool),
        matrix=vstack(
            [
                coo_matrix((np.ones(k), (part.row, at)), shape=(n, k)),
                coo_matrix((load, (part.site, at)), shape=(m, k)),
                coo_matrix(given.worth[part.row][None, :] / total),
            ],
            format="csr",
        ),
        low=np.r_[floor, np.full(m, -np.inf), -np.inf if least is None else least / total],
        high=np.r_[np.ones(n + m), np.inf],
    )
    answer = minimise(model, Ask())
    if answer.values is None:
        return None
    found = np.zeros(len(given.row))
    found[held] = np.clip(answer.values, 0, 1)
    return found


def flows(task: Task, opened: np.ndarray, within_min: float | None = None) -> Flows | None:
    """Who is served where once the sites are open: the most worth, then the fewest minutes.

    Parameters
    ----------
    task : Task
    opened : ndarray of int64
        With the existing facilities.
    within_min : float, optional

    Returns
    -------
    Flows or None
        None if somebody must be served and cannot be.
    """
    given = shares(task, within_min)
    persons = given.persons[given.row]
    cost, least = persons * given.minutes, None
    if task.model == "mclp":
        worth = given.worth[given.row]
        first = _shared(task, given, opened, -worth)
        if first is None:
            return None
        least = float(worth @ first)
    elif task.model == "p_median":
        cost = given.worth[given.row] * given.minutes
    found = _shared(task, given, opened, cost, least=least)
    if found is None:
        # The most worth was met only to within rounding.
        found = first if task.model == "mclp" else None
    if found is None:
        return None
    some = found * persons > 1e-9 * max(persons.max(initial=0.0), 1.0)
    return Flows(given.of[given.row[some]], given.site[some], (found * persons)[some])


def served(task: Task, opened: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Share of each of the problem's rows that is served, none of them less than before."""
    given = shares(task)
    found = _shared(task, given, opened, -given.worth[given.row], before[given.of])
    after = before.copy()
    if found is not None:
        share = np.bincount(given.row, found, minlength=len(given.of))
        after[given.of] = np.clip(share, before[given.of], 1)
    return after


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


def _put_together(
    task: Task,
    outcome: Outcome,
    sites: np.ndarray,
    flows: Flows,
    gains: np.ndarray,
    newly: Flows,
    objective: float,
) -> Siting:
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


def _free(task: Task, outcome: Outcome) -> tuple[np.ndarray, Flows, np.ndarray, Flows, float]:
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
        if need is not None and met is not None and max(gain) <= 0:
            gain = [float((met[need.column(j)[0]] == 0).sum()) for j in left]
        k = int(np.argmax(gain))
        if gain[k] <= 0:
            break
        site = left.pop(k)
        row, value = table.column(site)
        best[row] = np.maximum(best[row], value)
        if need is not None and met is not None:
            met[need.column(site)[0]] = 1.0
        order.append(site)
        gains.append(gain[k])
    return np.array(order, np.int64), np.array(gains)


def _nearest(
    pairs: Pairs, weights: np.ndarray, fixed: np.ndarray, sites: np.ndarray
) -> tuple[Flows, np.ndarray]:
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


def _first_served(pairs: Pairs, weights: np.ndarray, fixed: np.ndarray, sites: np.ndarray) -> Flows:
    served = np.zeros(len(weights), bool)
    served[pairs.demand[np.isin(pairs.supply, fixed)]] = True
    who, where = [], []
    for j in sites.tolist():
        mine = pairs.demand[pairs.supply == j]
        mine = mine[~served[mine]]
        served[mine] = True
        who.append(mine)
        where.append(np.full(len(mine), j))
    demand = np.concatenate([np.empty(0, np.int64), *who])
    site = np.concatenate([np.empty(0, np.int64), *where])
    order = np.argsort(demand, kind="stable")
    return Flows(demand[order], site[order], weights[demand[order]])


def _minutes_saved(
    pairs: Pairs, worth: np.ndarray, fixed: np.ndarray, sites: np.ndarray
) -> np.ndarray:
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


def _limited(task: Task, outcome: Outcome) -> tuple[np.ndarray, Flows, np.ndarray, Flows, float]:
    problem, within = task.problem, outcome.within_min
    chosen = np.empty(0, np.int64) if outcome.chosen is None else outcome.chosen
    fixed = np.flatnonzero(problem.fixed)
    found = flows(task, np.r_[fixed, chosen], within)
    nobody = Flows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    flown = nobody if found is None else found
    serves = np.bincount(flown.site, flown.persons, minlength=problem.sites)
    order = np.lexsort((chosen, -serves[chosen]))
    sites = chosen[order] if task.model == "lscp" else chosen[order][serves[chosen[order]] > 0]
    minutes = _minutes(problem.pairs, flown, problem.sites)
    objective = _objective(task, flown, minutes, sites)
    if task.model == "mclp":
        gains, newly = _one_by_one(task, fixed, sites)
        return sites, flown, gains, newly, objective
    mine = np.isin(flown.site, sites)
    newly = Flows(flown.demand[mine], flown.site[mine], flown.persons[mine])
    gains = np.full(len(sites), np.nan) if task.model == "p_median" else serves[sites]
    return sites, flown, gains, newly, objective


def _one_by_one(task: Task, fixed: np.ndarray, sites: np.ndarray) -> tuple[np.ndarray, Flows]:
    """Open the sites in turn; nobody who is served is turned away for the next one's sake."""
    problem = task.problem
    before = np.zeros(len(problem.worth))
    gains, who, where, many = [], [], [], []
    for k in range(len(sites) + 1):
        after = served(task, np.r_[fixed, sites[:k]], before)
        if k:
            more = after - before
            rows = np.flatnonzero(more > 1e-9)
            gains.append(float((problem.worth * more).sum()))
            who.append(rows)
            where.append(np.full(len(rows), sites[k - 1]))
            many.append((problem.weights * more)[rows])
        before = after
    demand = np.concatenate([np.empty(0, np.int64), *who])
    order = np.argsort(demand, kind="stable")
    site = np.concatenate([np.empty(0, np.int64), *where])
    persons = np.concatenate([np.empty(0), *many])
    return np.array(gains), Flows(demand[order], site[order], persons[order])
