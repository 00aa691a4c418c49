"""The four models as one core: what a site is worth to whom, and what must be heeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from urbanplan.access import Pairs
from urbanplan.errors import InputError, UnknownNameError
from urbanplan.siting.core import Core
from urbanplan.siting.problem import Problem
from urbanplan.siting.rows import Rows

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
            f"unknown model '{model}'", where="siting", remedy=f"use one of {', '.join(MODELS)}"
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
    if problem.cost is not None and p != 0 and len(candidates):
        cheapest = problem.cost[candidates].min()
        if cheapest > problem.budget * (1 + 1e-6):
            raise InputError(
                f"{problem.budget:g} buys no site: the cheapest costs {cheapest:g}",
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
