"""The most minutes that anybody needs, made least: by halving, is so much enough?

The p-center problem (Hakimi 1964, Operations Research 12) as a series of set covering problems
(Minieka 1970, SIAM Review 12). The answer is one of the minutes between a row and a site.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanplan.siting import capacity
from urbanplan.siting.explain import Outcome
from urbanplan.siting.highs import Ask
from urbanplan.siting.search import Effort, Watch, maximise
from urbanplan.siting.tasks import Task, build


class Centre:
    """What is known of the least minutes: too few, and enough with these sites.

    Parameters
    ----------
    task : Task
    effort : Effort
    tell : callable or None
        Gets the minutes that are enough and those that are needed whenever one gets better.
    """

    def __init__(self, task: Task, effort: Effort, tell=None) -> None:
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


def centre(task: Task, effort: Effort, tell) -> Outcome:
    """Solve the p-center problem, or as far as the time goes."""
    state = Centre(task, effort, tell)
    try:
        state.search()
    except KeyboardInterrupt:
        state.how = "interrupted"
    return state.outcome()
