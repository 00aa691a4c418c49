"""Where should they be: one call for all models."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from urbanplan.errors import InputError
from urbanplan.siting import capacity
from urbanplan.siting.centre import centre
from urbanplan.siting.dual import prices
from urbanplan.siting.explain import Outcome, siting
from urbanplan.siting.highs import Ask
from urbanplan.siting.problem import Problem
from urbanplan.siting.result import Siting, gap
from urbanplan.siting.search import Effort, Watch, maximise
from urbanplan.siting.tasks import Task, build, checked

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


def _with_capacity(task: Task, effort: Effort, tell) -> Outcome:
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
