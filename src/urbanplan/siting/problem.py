"""A siting question, its models, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.measures.accessibility import Pairs
from urbanplan.siting.core import Core, Rows

#: A gap up to this counts as none: the solver holds its constraints to a millionth.
PROVEN_GAP = 1e-6


@dataclass(frozen=True)
class Flows:
    """Who is served where.

    Attributes
    ----------
    demand, site : ndarray of int64, shape (flows,)
        Row of the demand, and the site; in the order of rows.
    persons : ndarray of float64, shape (flows,)
        All persons of the row, or a part of them where capacity splits it.
    """

    demand: np.ndarray
    site: np.ndarray
    persons: np.ndarray

    def at(self, site: int) -> Flows:
        """Those of one site."""
        mine = self.site == site
        return Flows(self.demand[mine], self.site[mine], self.persons[mine])


@dataclass(frozen=True)
class Siting:
    """A choice of sites, with what is proven about it.

    Attributes
    ----------
    model : str
        One of `MODELS`.
    p : int or None
        How many sites were asked for.
    sites : ndarray of int64
        The chosen ones, existing facilities left out, the one that brings most first: each next
        brings the most beside those before it. With limited capacity, by the persons they serve.
        A site that brings nothing is not chosen, so there may be fewer than p.
    objective : float
        lscp: number of chosen sites; mclp: worth served; p_median: worth times minutes;
        p_center: the most minutes that anybody needs. Without any choice yet: the worst there is.
    bound : float
        No choice is better than this.
    gap : float
        Distance of the two as a share of the objective.
    proven : bool
        Is the gap nil, up to rounding?
    stopped : str
        ``"optimal"``, ``"time"`` or ``"interrupted"``.
    assignment : ndarray of int64, shape (n,)
        The nearest open site of each demand row, or -1; with limited capacity, the one that
        serves most of it.
    flows : Flows
        Who is served where, by existing and chosen sites.
    gains : ndarray of float64, shape (chosen,)
        What each site adds beside the existing and those before it: worth newly served (for lscp
        and p_center, persons); for p_median, worth times minutes saved by those who were within
        reach before, nan with limited capacity.
    newly : Flows
        Whom each chosen site serves newly: for coverage, those that no existing facility and no
        site before it serves; for p_median, those to whom it is nearer than every other. With
        limited capacity and everybody to be served, simply those that it serves.
    persons_new : ndarray of float64, shape (chosen,)
        Their number.
    served, unserved : float
        Persons with and without a site.
    unreachable : ndarray of int64
        Demand rows with people that no site reaches; lscp leaves them out.
    """

    model: str
    p: int | None
    sites: np.ndarray
    objective: float
    bound: float
    gap: float
    proven: bool
    stopped: str
    assignment: np.ndarray
    flows: Flows
    gains: np.ndarray
    newly: Flows
    persons_new: np.ndarray
    served: float
    unserved: float
    unreachable: np.ndarray


def gap(objective: float, bound: float) -> float:
    """Distance of the bound as a share of the objective."""
    if objective == bound:
        return 0.0
    apart = abs(objective - bound)
    return apart / abs(objective) if objective and np.isfinite(apart) else np.inf


#: Two years. A figure that stands for "not reached" would drown the others in rounding.
_LONGEST_MIN = 1e6


#: None by the caller, an array once a problem is made.
_WHERE_GIVEN: Any = None


@dataclass(frozen=True)
class Problem:
    """Demand, candidate sites, and the rules of the choice; arrays are checked and put in order.

    Attributes
    ----------
    pairs : Pairs
        Minutes from demand rows to sites (`supply` is the site), cut at the limit for coverage.
        Their order does not matter; of pairs given twice the nearer counts.
    weights : ndarray of float64, shape (n,)
        Persons per demand row, at 0 or above.
    sites : int
        Number of sites, existing ones included. Forbidden places are left out by the caller.
    fixed : ndarray of bool, shape (sites,), optional
        Facilities that exist: always open, free of charge, not counted in p, and not moved by
        spacing. Candidates too near to one of them are not chosen.
    capacity : ndarray of float64, shape (sites,), optional
        Persons that a site can serve; infinite where there is no limit. A demand row may then be
        split between sites.
    cost : ndarray of float64, shape (sites,), optional
        Cost of opening; needs a `budget`.
    budget : float, optional
        What the chosen sites may cost together, in the unit of `cost`. Kept to a millionth.
    conflicts : ndarray of int64, shape (k, 2), optional
        Pairs of sites of which at most one may be chosen; see `conflicts`.
    worth : ndarray of float64, shape (n,), optional
        What the objective counts for a row instead of its persons; see `equity_weights`.

    Raises
    ------
    InputError
        If a figure is missing, below 0 or does not fit the others.
    """

    pairs: Pairs
    weights: np.ndarray
    sites: int
    fixed: np.ndarray = _WHERE_GIVEN
    capacity: np.ndarray | None = None
    cost: np.ndarray | None = None
    budget: float | None = None
    conflicts: np.ndarray = _WHERE_GIVEN
    worth: np.ndarray = _WHERE_GIVEN

    def __post_init__(self) -> None:
        weights = _figures("weights", self.weights, len(self.weights))
        if not weights.any():
            raise InputError("nobody is to be served", where="weights", remedy="give persons")
        n, m = len(weights), self.sites
        fixed = np.zeros(m, bool) if self.fixed is None else np.asarray(self.fixed, bool)
        if fixed.shape != (m,):
            raise InputError(
                f"there are {m} sites and {fixed.size} marks", where="fixed", remedy="mark each"
            )
        given = {
            "weights": weights,
            "fixed": fixed,
            "pairs": _ordered(self.pairs, n, m),
            "worth": weights if self.worth is None else _figures("worth", self.worth, n),
            "conflicts": _couples(self.conflicts, m),
        }
        if self.capacity is not None:
            given["capacity"] = _figures("capacity", self.capacity, m, endless=True)
        if (self.cost is None) != (self.budget is None):
            raise InputError(
                "costs and a budget go together", where="budget", remedy="give both, or neither"
            )
        if self.cost is not None:
            given["cost"] = _figures("cost", self.cost, m)
            given["budget"] = float(_figures("budget", [self.budget], 1)[0])
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def room(self) -> np.ndarray:
        """Persons that each site can serve, infinite where there is no limit."""
        return np.full(self.sites, np.inf) if self.capacity is None else self.capacity

    @property
    def candidates(self) -> np.ndarray:
        """Sites that may be chosen: those that do not exist yet."""
        return np.flatnonzero(~self.fixed)

    @property
    def unreachable(self) -> np.ndarray:
        """Demand rows with people that no site reaches."""
        reached = np.zeros(len(self.weights), bool)
        reached[self.pairs.demand] = True
        return np.flatnonzero(~reached & (self.weights > 0))


def conflicts(xy: np.ndarray, spacing_m: float) -> np.ndarray:
    """Pairs of sites nearer to each other than a minimum spacing.

    Parameters
    ----------
    xy : ndarray, shape (sites, 2)
        Metric coordinates.
    spacing_m : float
        Sites exactly so far apart may both be chosen.

    Returns
    -------
    ndarray of int64, shape (k, 2)
        Sorted, the lower site first.

    Raises
    ------
    InputError
        If a coordinate is missing or the spacing is below 0.
    """
    from scipy.spatial import cKDTree

    xy = np.asarray(xy, float).reshape(-1, 2)
    if not (np.isfinite(xy).all() and spacing_m >= 0):
        raise InputError(
            "a coordinate is missing or the spacing below 0", where="spacing", remedy="correct it"
        )
    near = cKDTree(xy).query_pairs(spacing_m, output_type="ndarray").astype(np.int64)
    near = near[np.hypot(*(xy[near[:, 0]] - xy[near[:, 1]]).T) < spacing_m]
    return _couples(near, len(xy))


def equity_weights(
    weights: np.ndarray, minutes_now: np.ndarray, share: float = 0.1, factor: float = 2.0
) -> np.ndarray:
    """Persons, of whom the worst-off share counts `factor` times.

    The worst off are those with the most minutes to what exists today. Where the share ends
    amid people with the same minutes, the same part of each of their rows belongs to it, so that
    exactly `share` of all people count more and the order of rows does not matter.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Persons per row.
    minutes_now : ndarray, shape (n,)
        Minutes to the nearest facility; infinite where none is reached.
    share : float
        Of all people, from 0 to 1.
    factor : float
        At 0 or above; 1 changes nothing.

    Returns
    -------
    ndarray of float64, shape (n,)
        The `worth` of a `Problem`. Sums to ``persons * (1 + (factor - 1) * share)``.

    Raises
    ------
    InputError
        If a figure is missing or out of range.

    Notes
    -----
    Weights that fall with welfare, in two steps (Atkinson 1970, Journal of Economic Theory 2).
    """
    weights = _figures("weights", weights, len(weights))
    minutes = _figures("minutes_now", minutes_now, len(weights), endless=True)
    if not (0 <= share <= 1 and 0 <= factor < np.inf):
        raise InputError(
            f"a share of {share:g} and a factor of {factor:g} make no weights",
            where="equity",
            remedy="use a share from 0 to 1 and a factor of 0 or more",
        )
    _, group = np.unique(-minutes, return_inverse=True)
    people = np.bincount(group, weights)
    before = np.r_[0.0, np.cumsum(people)[:-1]]
    left = np.clip(share * people.sum() - before, 0, people)
    part = np.divide(left, people, out=np.zeros(len(people)), where=people > 0)
    return weights * (1 + (factor - 1) * part[group])


def _figures(what: str, given: Any, size: int, *, endless: bool = False) -> np.ndarray:
    found = np.asarray(given, float)
    if found.shape != (size,):
        raise InputError(
            f"{size} figures are needed, not {found.size}", where=what, remedy="give one per row"
        )
    bad = ~(found >= 0) | (np.isinf(found) & (not endless))
    if bad.any():
        raise InputError(
            f"{found[bad][0]:g} in row {int(bad.argmax())} is not a figure of 0 or more",
            where=what,
            remedy="correct or leave out the row",
        )
    return found


def _couples(given: Any, sites: int) -> np.ndarray:
    pairs = np.empty((0, 2), np.int64) if given is None else np.asarray(given).reshape(-1, 2)
    bad = (pairs < 0).any(1) | (pairs >= sites).any(1) | (pairs[:, 0] == pairs[:, 1])
    if bad.any():
        raise InputError(
            f"{pairs[bad][0].tolist()} are not two of the {sites} sites",
            where="conflicts",
            remedy="number sites from 0",
        )
    return np.unique(np.sort(pairs.astype(np.int64), 1), axis=0)


def _ordered(pairs: Pairs, rows: int, sites: int) -> Pairs:
    demand, site = np.asarray(pairs.demand, np.int64), np.asarray(pairs.supply, np.int64)
    minutes = np.asarray(pairs.minutes, float)
    if not len(demand):
        raise InputError(
            "no site reaches anybody", where="pairs", remedy="raise the limit or add sites"
        )
    if not len(demand) == len(site) == len(minutes):
        raise InputError("columns differ in length", where="pairs", remedy="give three of a length")
    for what, found, size in (("demand row", demand, rows), ("site", site, sites)):
        if found.min() < 0 or found.max() >= size:
            raise InputError(
                f"{what} {found.max() if found.min() >= 0 else found.min()} is not one of {size}",
                where="pairs",
                remedy="number rows and sites from 0",
            )
    _figures("minutes", minutes, len(minutes))
    if minutes.max() > _LONGEST_MIN:
        raise InputError(
            f"{minutes.max():g} minutes are no way to anywhere",
            where="pairs",
            remedy="leave out pairs that do not reach each other",
        )
    order = np.lexsort((minutes, site, demand))
    demand, site, minutes = demand[order], site[order], minutes[order]
    first = np.r_[True, (np.diff(demand) != 0) | (np.diff(site) != 0)]
    return Pairs(demand[first], site[first], minutes[first])


#: Name of each model, and whether its objective is to be as large as can be.
MODELS: Mapping[str, bool] = MappingProxyType(
    {"lscp": False, "mclp": True, "p_median": False, "p_center": False}
)


@dataclass(frozen=True)
class Task:
    """A problem, what is asked of it, and choices that are not wanted again.

    Attributes
    ----------
    problem : Problem
    model : str
        One of `MODELS`.
    p : int or None
        How many sites may be chosen.
    cuts : tuple of ndarray of int64
        Sets of sites that must not all be chosen.
    known : ndarray of int64 or None
        A choice to begin with.
    """

    problem: Problem
    model: str
    p: int | None = None
    cuts: tuple[np.ndarray, ...] = ()
    known: np.ndarray | None = None

    @property
    def largest(self) -> bool:
        """Is the objective to be as large as can be?"""
        return MODELS[self.model]

    @property
    def most(self) -> int:
        """How many sites may be chosen at most."""
        candidates = len(self.problem.candidates)
        return candidates if self.p is None else self.p

    @property
    def pairs(self) -> Pairs:
        """The pairs of rows where somebody lives."""
        pairs = self.problem.pairs
        lived = self.problem.weights[pairs.demand] > 0
        return Pairs(pairs.demand[lived], pairs.supply[lived], pairs.minutes[lived])


@dataclass(frozen=True)
class Built:
    """A core without the existing facilities, and how to read its values.

    Attributes
    ----------
    core : Core
    keep : ndarray of int64
        The problem's number of each of the core's sites.
    objective : callable
        From the core's value to the model's objective.
    """

    core: Core
    keep: np.ndarray
    objective: Callable[[float], float]


def checked(problem: Problem, model: str, p: int | None) -> Task:
    """A task that makes sense.

    Raises
    ------
    UnknownNameError
        For an unknown model.
    InputError
        If p is missing, too large or not asked for, if the budget buys nothing, or if people
        whom the model must serve are out of reach.
    """
    if model not in MODELS:
        raise UnknownNameError(
            f"unknown model '{model}'", where="siting", remedy=one_of(model, MODELS)
        )
    candidates = problem.candidates
    if model == "lscp" and p is not None:
        raise InputError("lscp finds the number of sites itself", where="p", remedy="leave p out")
    if model != "lscp" and p is None and problem.budget is None:
        raise InputError(f"{model} needs a limit", where="p", remedy="give p or a budget")
    if p is not None and not (isinstance(p, int | np.integer) and not isinstance(p, bool)):
        raise InputError(f"{p} is no number of sites", where="p", remedy="give a whole number")
    if p is not None and not 0 <= p <= len(candidates):
        raise InputError(
            f"{p} of {len(candidates)} candidate sites cannot be chosen",
            where="p",
            remedy=f"choose 0 to {len(candidates)}",
        )
    cost, budget = problem.cost, problem.budget
    if cost is not None and budget is not None and p != 0 and len(candidates):
        cheapest = cost[candidates].min()
        if cheapest > budget * (1 + 1e-6):
            raise InputError(
                f"{budget:g} buys no site: the cheapest costs {cheapest:g}",
                where="budget",
                remedy="raise the budget or add cheaper sites",
            )
    lost = problem.unreachable
    if model in ("p_median", "p_center") and len(lost):
        raise InputError(
            f"{problem.weights[lost].sum():,.0f} people in {len(lost)} rows reach no site",
            where=model,
            remedy="raise the limit of the pairs, or leave these rows out and say so",
        )
    return Task(problem, model, p)


def build(task: Task, within_min: float | None = None) -> Built:
    """The core of a task.

    Parameters
    ----------
    task : Task
    within_min : float, optional
        For p_center: everybody must have a site so near.
    """
    problem, pairs = task.problem, task.pairs
    m, ones = problem.sites, np.ones(len(pairs.demand))
    none = Rows.of(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), m)
    if task.model == "mclp":
        worth = problem.worth[pairs.demand]
        core, offset, keep = _ruled(task, Rows.of(pairs.demand, pairs.supply, worth, m), none, 0.0)
        return Built(core, keep, lambda value: offset + value)
    if task.model == "p_median":
        savings, total = saved(task)
        need = Rows.of(pairs.demand, pairs.supply, ones, m)
        core, offset, keep = _ruled(task, savings, need, 0.0)
        # Minutes are never less than none, but for rounding.
        return Built(core, keep, lambda value: max(total - offset - value, 0.0))
    near = ones if within_min is None else (pairs.minutes <= within_min) * 1.0
    need = Rows.of(pairs.demand, pairs.supply, near, m)
    core, _, keep = _ruled(task, none, need, 1.0)
    if len(np.unique(pairs.demand)) > need.count:
        core = _hopeless(core)
    return Built(core, keep, lambda value: 0.0 - value)


def saved(task: Task) -> tuple[Rows, float]:
    """What each site saves each row against the farthest in its reach, and that in all."""
    pairs, worth = task.pairs, task.problem.worth
    first = np.flatnonzero(np.r_[True, np.diff(pairs.demand) != 0])
    far = np.maximum.reduceat(pairs.minutes, first)
    base = np.repeat(far, np.diff(np.r_[first, len(pairs.demand)]))
    value = worth[pairs.demand] * (base - pairs.minutes)
    total = float((worth[pairs.demand[first]] * far).sum())
    return Rows.of(pairs.demand, pairs.supply, value, task.problem.sites), total


def _ruled(task: Task, savings: Rows, need: Rows, fee: float) -> tuple[Core, float, np.ndarray]:
    """With the rules, and without the existing facilities and whatever they rule out."""
    whole = site_rules(task, savings, need, fee)
    fixed = np.flatnonzero(task.problem.fixed)
    keep = task.problem.candidates
    if whole.cost is not None:
        keep = keep[whole.cost[keep] <= whole.budget + whole.slack]
    core, keep, offset = whole.after(fixed, keep)
    return core, offset + fee * len(fixed), keep


def site_rules(task: Task, savings: Rows, need: Rows, fee: float) -> Core:
    """A core over all sites, in which existing facilities cost nothing."""
    problem = task.problem
    budget = np.inf if problem.budget is None else problem.budget
    return Core(
        savings=savings,
        need=need,
        fee=fee,
        most=task.most + int(problem.fixed.sum()),
        cost=None if problem.cost is None else np.where(problem.fixed, 0.0, problem.cost),
        budget=budget,
        slack=0.0 if problem.budget is None else 1e-6 * budget,
        clash=problem.conflicts,
        cuts=task.cuts,
    )


def _hopeless(core: Core) -> Core:
    from dataclasses import replace

    need = core.need
    return replace(
        core, need=Rows(np.r_[need.start, need.start[-1]], need.site, need.value, need.sites)
    )
