"""What the next site still brings, and what would be nearly as good."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urbanplan.errors import InputError
from urbanplan.siting.explain import siting
from urbanplan.siting.problem import Problem
from urbanplan.siting.result import PROVEN_GAP, Siting, gap
from urbanplan.siting.search import Effort
from urbanplan.siting.solve import Progress, run
from urbanplan.siting.tasks import checked


@dataclass(frozen=True)
class Curve:
    """The objective against the number of sites.

    Attributes
    ----------
    model : str
    p : ndarray of int64, shape (k,)
        0, 1, 2 …; shorter than asked for if it was interrupted.
    objective, bound : ndarray of float64, shape (k,)
        As in `Siting`; infinite where so few sites cannot serve everybody.
    gain : ndarray of float64, shape (k,)
        What the last site brings beside all before; nan where there is nothing to compare with.
    proven : ndarray of bool, shape (k,)
    sites : tuple of ndarray of int64
        The choice for each p; they need not contain one another.
    """

    model: str
    p: np.ndarray
    objective: np.ndarray
    bound: np.ndarray
    gain: np.ndarray
    proven: np.ndarray
    sites: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Alternative:
    """A choice that leaves out at least one site of each better one.

    Attributes
    ----------
    siting : Siting
    worse : float
        How much worse its objective is than the best; below 0 only if that was not proven.
    worse_share : float
        The same as a share of the best.
    """

    siting: Siting
    worse: float
    worse_share: float


def marginal_curve(
    problem: Problem,
    model: str,
    most: int,
    *,
    effort: Effort | None = None,
    progress: Progress | None = None,
) -> Curve:
    """Solve for 0, 1, … `most` sites.

    Parameters
    ----------
    problem : Problem
    model : str
        Any but lscp, which finds the number itself.
    most : int
    effort : Effort, optional
        For each number of sites.
    progress : callable, optional
        As for `solve`.

    Returns
    -------
    Curve
        Never falls off: each choice begins with the one before.

    Raises
    ------
    InputError, UnknownNameError
        As for `solve`.
    """
    if model == "lscp":
        raise InputError(
            "lscp finds the number of sites itself", where="curve", remedy="use mclp or p_median"
        )
    checked(problem, model, most)
    found: list[tuple[float, float, np.ndarray]] = []
    try:
        for p in range(most + 1):
            task = replace(checked(problem, model, p), known=found[-1][2] if found else None)
            outcome = run(task, effort or Effort(), progress)
            if outcome.chosen is None and outcome.how == "optimal":
                found.append((np.inf, np.inf, np.empty(0, np.int64)))
                continue
            answer = siting(task, outcome)
            new = answer.objective, answer.bound, answer.sites
            found.append(_no_worse(found, new, task.largest))
            if outcome.how == "interrupted":
                break
    except KeyboardInterrupt:
        if not found:
            raise
    objective, bound = (np.array([row[k] for row in found]) for k in (0, 1))
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(objective))
    return Curve(
        model=model,
        p=np.arange(len(found)),
        objective=objective,
        bound=bound,
        gain=np.r_[np.nan, np.where(np.isfinite(step), step, np.nan)],
        proven=np.array([gap(o, b) <= PROVEN_GAP for o, b in zip(objective, bound)]),
        sites=tuple(row[2] for row in found),
    )


def alternatives(
    problem: Problem,
    best: Siting,
    count: int,
    *,
    effort: Effort | None = None,
    progress: Progress | None = None,
) -> list[Alternative]:
    """The next best choices, each without at least one site of every better one.

    Parameters
    ----------
    problem : Problem
    best : Siting
        The answer of `solve` to the same problem.
    count : int
        At most so many; fewer if there are no more.
    effort : Effort, optional
        For each of them.
    progress : callable, optional
        As for `solve`.

    Returns
    -------
    list of Alternative
        Best first, as far as they are proven.

    Notes
    -----
    By sets that must not all be chosen again (Balas & Jeroslow 1972, SIAM Journal on Applied
    Mathematics 23), without the term that would let a better choice return with a further site.
    """
    task = checked(problem, best.model, best.p)
    sign = 1.0 if task.largest else -1.0
    cuts, found = [best.sites], []
    try:
        while len(found) < count and len(cuts[-1]):
            asked = replace(task, cuts=tuple(cuts))
            outcome = run(asked, effort or Effort(), progress)
            if outcome.chosen is None:
                break
            answer = siting(asked, outcome)
            worse = sign * (best.objective - answer.objective)
            share = np.copysign(gap(best.objective, answer.objective), worse)
            found.append(Alternative(answer, worse, float(share)))
            cuts.append(answer.sites)
            if outcome.how == "interrupted":
                break
    except KeyboardInterrupt:
        pass
    return found


def _no_worse(found: list, new: tuple, largest: bool) -> tuple:
    """A further site takes nothing away, whatever rounding and time limits say."""
    pick = max if largest else min
    if not found or pick(found[-1][0], new[0]) == new[0]:
        return new
    objective, _, sites = found[-1]
    return objective, pick(new[1], objective), sites
