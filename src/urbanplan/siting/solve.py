"""Solve a siting question; the curve over numbers of sites, and other answers as good."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from urbanplan.errors import InputError
from urbanplan.siting import capacity
from urbanplan.siting.capacity import Outcome, siting
from urbanplan.siting.highs import Ask, prices
from urbanplan.siting.problem import PROVEN_GAP, Problem, Siting, Task, build, checked, gap
from urbanplan.siting.search import Effort, Watch, maximise


class Centre:
    """What is known of the least minutes: too few, and enough with these sites.

    Parameters
    ----------
    task : Task
    effort : Effort
    tell : callable or None
        Gets the minutes that are enough and those that are needed whenever one gets better.
    """

    def __init__(
        self, task: Task, effort: Effort, tell: Callable[[float, float], None] | None = None
    ) -> None:
        self.task, self.effort, self.tell = task, effort, tell
        pairs = task.pairs
        self.levels = np.unique(pairs.minutes)
        first = np.flatnonzero(np.r_[True, np.diff(pairs.demand) != 0])
        least = np.minimum.reduceat(pairs.minutes, first).max()
        # Nobody can be nearer to a site than to the nearest of all.
        self.low = int(np.searchsorted(self.levels, least))
        self.high = len(self.levels)
        self.chosen: np.ndarray | None = None
        self.how, self.spent = "optimal", 0.0
        if task.known is not None and task.problem.capacity is None:
            self._enough(task.known)

    def outcome(self) -> Outcome:
        """What is known by now."""
        within = self.levels[self.high] if self.chosen is not None else None
        done = self.low >= len(self.levels)
        bound = np.inf if done else float(self.levels[self.low])
        return Outcome(self.chosen, bound, self.how, None if within is None else float(within))

    def search(self) -> None:
        """Halve until both meet, or the time is over."""
        while self.low < self.high and not self._close():
            # First of all, whether everybody can be served at any distance.
            top = len(self.levels) - 1
            middle = top if self.chosen is None else (self.low + self.high - 1) // 2
            chosen, how = self._ask(float(self.levels[middle]))
            if chosen is not None:
                self.chosen = chosen
                self.high = middle
                self._enough(chosen)
            elif how == "optimal":
                self.low = middle + 1
            if how == "interrupted" or (chosen is None and how != "optimal"):
                self.how = how
                return
            if self.tell is not None and self.chosen is not None:
                self.tell(float(self.levels[self.high]), float(self.levels[self.low]))

    def _close(self) -> bool:
        if self.chosen is None:
            return False
        high, low = self.levels[self.high], self.levels[self.low]
        return high - low <= self.effort.gap * high

    def _enough(self, chosen: np.ndarray) -> None:
        """Take note of how far these sites leave people at most, if they serve all."""
        pairs, problem = self.task.pairs, self.task.problem
        if problem.capacity is not None:
            return
        opened = problem.fixed.copy()
        opened[chosen] = True
        near = np.full(len(problem.weights), np.inf)
        held = opened[pairs.supply]
        np.minimum.at(near, pairs.demand[held], pairs.minutes[held])
        far = near[np.unique(pairs.demand)].max()
        if np.isfinite(far) and np.searchsorted(self.levels, far) <= self.high:
            self.chosen, self.high = chosen, int(np.searchsorted(self.levels, far))

    def _ask(self, within_min: float) -> tuple[np.ndarray | None, str]:
        limit = self.effort.seconds
        left = None if limit is None else max(limit - self.spent, 0.0)
        if self.task.problem.capacity is not None:
            chosen, answer = capacity.solve(self.task, within_min, Ask(seconds=left))
            self.spent += answer.seconds
            return chosen, answer.how
        built = build(self.task, within_min)
        watch = Watch(replace(self.effort, seconds=left, gap=0.0), first=True)
        try:
            maximise(built.core, watch)
        finally:
            self.spent += watch.spent
        return None if watch.best is None else built.keep[watch.best], watch.how


def centre(task: Task, effort: Effort, tell: Callable[[float, float], None]) -> Outcome:
    """Solve the p-center problem, or as far as the time goes."""
    state = Centre(task, effort, tell)
    try:
        state.search()
    except KeyboardInterrupt:
        state.how = "interrupted"
    return state.outcome()


#: Gets the best objective, the bound and the gap (a share).
Progress = Callable[[float, float, float], None]
#: A bound is worth telling once it is nearer to the best by this share of the way.
_NEARER = 0.05


def solve(
    problem: Problem,
    model: str,
    p: int | None = None,
    *,
    effort: Effort | None = None,
    progress: Progress | None = None,
) -> Siting:
    """Choose the best sites.

    Parameters
    ----------
    problem : Problem
    model : str
        ``"lscp"``: fewest sites that serve everybody (Toregas et al. 1971); rows that no site
        reaches are left out and reported. ``"mclp"``: most worth served (Church & ReVelle 1974).
        ``"p_median"``: least worth times minutes; everybody is served (Hakimi 1964).
        ``"p_center"``: least minutes for whoever needs most; `worth` does not matter.
    p : int, optional
        At most so many sites beside the existing; for all but lscp, unless a budget limits them.
    effort : Effort, optional
        Time limit and the like; by default until it is proven.
    progress : callable, optional
        Called with the best objective, the bound and the gap whenever the best gets better, or
        the bound much nearer to it, and at the end.

    Returns
    -------
    Siting
        Stopped by the time limit or by Ctrl-C: the best known, with its bound.

    Raises
    ------
    UnknownNameError
        For an unknown model.
    InputError
        If the question cannot be asked so, or no choice can meet it.
    """
    task = checked(problem, model, p)
    outcome = run(task, effort or Effort(), progress)
    if outcome.chosen is None and outcome.how == "optimal":
        raise impossible(task)
    found = siting(task, outcome)
    if progress is not None:
        with suppress(KeyboardInterrupt):
            progress(found.objective, found.bound, found.gap)
    return found


def impossible(task: Task) -> InputError:
    """The error for a task that no choice of sites can meet."""
    given = {
        "capacity": task.problem.capacity is not None,
        "budget": task.problem.budget is not None,
        "spacing": len(task.problem.conflicts) > 0,
    }
    rules = " and ".join(name for name, there in given.items() if there)
    number = f"{task.p} sites" if task.p is not None else "sites"
    return InputError(
        f"no choice of {number} serves everybody" + (f" within {rules}" if rules else ""),
        where=task.model,
        remedy="allow more sites or minutes, relax the rules, or maximise cover with mclp",
    )


def run(task: Task, effort: Effort, progress: Progress | None) -> Outcome:
    """Search, and keep what is known whatever ends the search."""
    tell = _noteworthy(progress)
    if task.model == "p_center":
        return centre(task, effort, tell)
    if task.problem.capacity is not None:
        return _with_capacity(task, effort, tell)
    built = build(task)

    def told(value: float, bound: float) -> None:
        tell(built.objective(value), built.objective(bound))

    watch = Watch(effort, built.objective, told)
    try:
        maximise(built.core, watch, _numbered(task.known, built.keep))
    except KeyboardInterrupt:
        watch.how = "interrupted"
    chosen = None if watch.best is None else built.keep[watch.best]
    return Outcome(chosen, built.objective(watch.bound), watch.how)


def _noteworthy(progress: Progress | None) -> Callable[[float, float], None]:
    """Passes on what is news."""
    last: tuple[float, float] | None = None

    def tell(best: float, bound: float) -> None:
        nonlocal last
        apart = abs(best - bound)
        if progress is None:
            return
        if last is None or best != last[0] or not apart > last[1] * (1 - _NEARER):
            last = best, apart
            progress(best, bound, gap(best, bound))

    return tell


def _numbered(known: np.ndarray | None, keep: np.ndarray) -> np.ndarray | None:
    if known is None or not np.isin(known, keep).all():
        return None
    return np.searchsorted(keep, np.sort(known))


def _with_capacity(task: Task, effort: Effort, tell: Callable[[float, float], None]) -> Outcome:
    sign = -1.0 if task.largest else 1.0
    bound = capacity.loosest(task)

    def told(best: float, found: float) -> None:
        nonlocal bound
        bound = max(bound, found)
        tell(sign * best, sign * bound)

    chosen, how = None, "interrupted"
    try:
        bound = max(bound, sign * _without_capacity(task, effort))
        ask = Ask(seconds=effort.seconds, share=effort.gap, tell=told)
        chosen, answer = capacity.solve(task, None, ask)
        bound, how = max(bound, answer.bound), answer.how
    except KeyboardInterrupt:
        pass
    return Outcome(chosen, sign * bound, how)


def _without_capacity(task: Task, effort: Effort) -> float:
    """A bound from the same task with room for all everywhere."""
    built = build(replace(task, problem=replace(task.problem, capacity=None)))
    if built.core.hopeless or not built.core.sites:
        return built.objective(built.core.savings.most.sum() - built.core.fee * built.core.sites)
    return built.objective(prices(built.core, -np.inf, effort.steps // 3, lambda b: False).bound)


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
    cuts = [best.sites]
    found: list[Alternative] = []
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
