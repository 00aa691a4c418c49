"""Sites that can serve so many and no more: people of one row may go to several of them.

The capacitated models (Current & Storbeck 1988, Environment and Planning B 15, for coverage;
Mulvey & Beck 1984, European Journal of Operational Research 18, for distance) with shares of rows
as continuous columns, each held by its own site as well as by the sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urbanplan.siting.core import Core
from urbanplan.siting.highs import Answer, Ask, Model, minimise
from urbanplan.siting.result import Flows
from urbanplan.siting.rows import Rows, same_sets
from urbanplan.siting.tasks import Task, site_rules


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
    room = np.minimum(problem.capacity, problem.weights.sum()) * highest
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
    room = np.minimum(task.problem.capacity, max(given.persons.sum(), 1.0))[given.site]
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
    left, room = given.persons.copy(), problem.capacity
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
