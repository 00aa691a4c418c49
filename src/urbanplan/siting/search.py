"""From a problem's core to the best choice and its bound: start, prices, and what is left to HiGHS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from urbanplan.siting import highs
from urbanplan.siting.core import Core, Searcher, reduced, rounds
from urbanplan.siting.highs import Ask, Prices, prices

#: What one entry of a table costs in a round of search and in a step of prices, in seconds. Estimates:
#: a clock here would make the result depend on what else the computer does.
_ROUND_S, _STEP_S, _FLAT_STEP_S = 8e-8, 1.5e-8, 2e-9
#: Shares of the time that is left which a phase of rounds or steps may take.
_SHARE = 0.25


@dataclass(frozen=True)
class Effort:
    """How hard to try.

    Attributes
    ----------
    seconds : float, optional
        Time for the solver; steps before it are held to what they are estimated to take. No limit
        by default: until it is proven.
    gap : float
        A choice proven to be within this share of the best will do.
    rounds : int
        Rounds of local search.
    steps : int
        Steps towards the best prices.
    presolve : bool
        Are sites and rows left out that another makes superfluous?
    """

    seconds: float | None = None
    gap: float = 0.0
    rounds: int = 500
    steps: int = 1500
    presolve: bool = True


@dataclass
class Watch:
    """The best choice and bound so far, and when to stop; values are to be maximised.

    Attributes
    ----------
    effort : Effort
    objective : callable
        From a value to the objective that the user knows.
    tell : callable or None
        Gets the value of the best choice and the bound whenever one of them gets better.
    how : str
        Why the search ended: ``"optimal"``, ``"time"`` or ``"interrupted"``.
    first : bool
        Is any choice enough?
    hope : float
        What the solver says that it has found, until it hands it over.
    """

    effort: Effort
    objective: Callable[[float], float] = float
    tell: Callable[[float, float], None] | None = None
    first: bool = False
    how: str = "optimal"
    best: np.ndarray | None = None
    value: float = -np.inf
    bound: float = np.inf
    step: float = 0.0
    spent: float = 0.0
    hope: float = -np.inf

    @property
    def slack(self) -> float:
        """How far from the bound will do."""
        if self.best is None:
            return self.step
        wide = max(self.effort.gap, 1e-9) * abs(self.objective(self.value))
        return max(self.step, wide, 1e-14 * abs(self.value))

    @property
    def closed(self) -> bool:
        """Is nothing left to look for?"""
        return (self.first and self.best is not None) or self.bound <= self.value + self.slack

    @property
    def left(self) -> float:
        """Seconds that are left."""
        limit = self.effort.seconds
        return np.inf if limit is None else max(limit - self.spent, 0.0)

    def offer(self, chosen: np.ndarray, value: float) -> bool:
        """Take note of a choice; is nothing left to look for?"""
        if value > self.value:
            self.best, self.value = np.sort(np.asarray(chosen, np.int64)), value
            self.say()
        return self.closed

    def limit(self, bound: float) -> bool:
        """Take note of a bound; is nothing left to look for?"""
        if self.step and np.isfinite(bound):
            # Between two whole numbers there is no objective.
            bound = np.floor(bound + 1e-6)
        if bound < self.bound:
            self.bound = float(bound)
            self.say()
        return self.closed

    def say(self) -> None:
        """Pass on how things stand."""
        if self.tell is not None:
            value = max(self.value, self.hope)
            self.tell(value, max(self.bound, value))

    def ration(self, wanted: int, each_s: float) -> int:
        """How many turns of so many seconds may be taken, and their estimated time."""
        count = int(min(wanted, _SHARE * self.left / each_s)) if each_s > 0 else wanted
        self.spent += count * each_s
        return count


@dataclass(frozen=True)
class _Rest:
    """What is left of a core: sites still open to choice, and those already taken."""

    core: Core
    keep: np.ndarray
    taken: np.ndarray
    offset: float
    watch: Watch
    whole: Core

    def offer(self, chosen: Sequence[int] | np.ndarray) -> bool:
        """Offer a choice of the sites that are left, with those that are taken."""
        every = np.r_[self.taken, self.keep[np.asarray(chosen, np.int64)]]
        if not self.whole.allows(every):
            return False
        return self.watch.offer(every, self.whole.value(every))

    def limit(self, bound: float) -> bool:
        """Offer a bound of what is left; is nothing left to look for?"""
        return self.watch.limit(bound + self.offset)

    @property
    def mine(self) -> np.ndarray | None:
        """The best choice so far, in the numbers of the sites that are left."""
        best = self.watch.best
        if best is None or not np.isin(best, np.r_[self.taken, self.keep]).all():
            return None
        if not np.isin(self.taken, best).all():
            return None
        return np.searchsorted(self.keep, np.setdiff1d(best, self.taken))

    def after(self, taken: np.ndarray, keep: np.ndarray) -> _Rest:
        """What is left of this once some more sites are taken, and others ruled out."""
        core, keep, offset = self.core.after(taken, keep)
        taken = np.r_[self.taken, self.keep[taken]]
        return _Rest(core, self.keep[keep], taken, self.offset + offset, self.watch, self.whole)


def maximise(core: Core, watch: Watch, known: np.ndarray | None = None) -> None:
    """Find the best choice of sites; all that is found is left with the watch, whatever ends it.

    Parameters
    ----------
    core : Core
    watch : Watch
    known : ndarray of int64, optional
        A choice to begin with.
    """
    nothing = np.empty(0, np.int64)
    rest = _Rest(core, np.arange(core.sites), nothing, 0.0, watch, core)
    watch.step = 1 - 1e-6 if core.whole else 0.0
    watch.limit(-np.inf if core.hopeless else core.savings.most.sum())
    if core.allows(nothing):
        rest.offer(nothing)
    if known is not None:
        rest.offer(known)
    if watch.closed:
        return
    if watch.effort.presolve:
        small, keep = reduced(core)
        rest = _Rest(small, keep, nothing, 0.0, watch, core)
        if small.hopeless:
            watch.limit(watch.value)
            return
    if not rest.core.sites or watch.closed:
        watch.limit(watch.value)
        return
    searcher = Searcher(rest.core, rest.core.most)
    if not rest.offer(searcher.exchange(searcher.greedy([]))):
        _finish(rest, watch)


def _rounds(rest: _Rest, watch: Watch, profit: np.ndarray) -> None:
    """Search among what is left, with the best choice known to begin with."""
    searcher, mine = Searcher(rest.core, rest.core.most), rest.mine
    chosen = searcher.exchange(searcher.greedy([])) if mine is None else mine.tolist()
    if rest.core.fee:
        _thin(rest, chosen, watch, profit)
        return
    size = len(searcher.table.site) + (len(chosen) + 1) * rest.core.sites
    count = watch.ration(watch.effort.rounds, _ROUND_S * size)
    if chosen and count:
        rounds(searcher, chosen, count, rest.offer, profit)


def _thin(rest: _Rest, chosen: list[int], watch: Watch, profit: np.ndarray) -> None:
    """Serve every row with one site less, as long as that can be found."""
    core = rest.core
    size = len(core.need.site) + len(chosen) * core.sites
    turns = watch.ration(watch.effort.rounds, _ROUND_S * size)
    while chosen and turns > 0:
        if (core.need.best(chosen) > 0).all():
            chosen = _without_least(core, chosen)
        fewer = Searcher(core, len(chosen))
        served: list[list[int]] = []

        def enough(found: list[int], served: list[list[int]] = served) -> bool:
            if core.allows(np.array(found, np.int64)):
                served.append(found)
            return bool(served)

        chosen = fewer.exchange(chosen)
        if not enough(chosen):
            count = min(turns, max(watch.effort.rounds // 4, 1))
            turns -= count
            chosen = rounds(fewer, chosen, count, enough, profit)
        if not served or rest.offer(served[-1]):
            break
        chosen = list(served[-1])


def _without_least(core: Core, chosen: list[int]) -> list[int]:
    """Without the site whose rows are served by others for the most part."""
    rows = core.need.count
    each = (np.bincount(core.need.column(j)[0], minlength=rows) for j in chosen)
    hits = sum(each, np.zeros(rows, np.int64))
    alone = [int((hits[core.need.column(j)[0]] == 1).sum()) for j in chosen]
    least = int(np.argmin(alone))
    return [*chosen[:least], *chosen[least + 1 :]]


def _priced(rest: _Rest, watch: Watch, begin: np.ndarray | None) -> Prices:
    core = rest.core
    each = _FLAT_STEP_S if core.savings.uniform else _STEP_S
    entries = len(core.savings.site) + core.rules[0].nnz + core.sites
    steps = watch.ration(watch.effort.steps, each * entries)
    target = watch.value - rest.offset

    def enough(bound: float) -> bool:
        # Whatever heeds the rules is worth this much; with a lower bound nothing does.
        impossible = bound < -core.fee * core.most - 1e-6
        return rest.limit(-np.inf if impossible else bound)

    return prices(core, target, steps, enough, begin)


@dataclass(frozen=True)
class _Settled:
    """What the prices leave open, and what they are for it."""

    rest: _Rest
    rows: np.ndarray
    profit: np.ndarray


def _settled(rest: _Rest, watch: Watch, found: Prices) -> _Settled | None:
    """Without sites that the prices rule out or in; None if nothing better can be left."""
    if watch.best is None:
        return _Settled(rest, found.rows, found.profit)
    # Choices as good as the best so far stay, so that HiGHS can begin with it.
    floor = watch.value - rest.offset
    floor -= 1e-7 * (1 + abs(floor))
    taken, keep = found.settled(floor)
    smaller = rest.after(taken, keep)
    if np.isin(rest.core.clash, taken).all(1).any():
        return None
    if smaller.core.hopeless or not smaller.core.sites:
        smaller.offer([])
        return None
    still = np.searchsorted(rest.keep, smaller.keep)
    _, rows, base = rest.core.savings.after(taken, still)
    price = np.maximum(found.rows - base, 0)[rows]
    if smaller.core.savings.uniform:
        savings, group = smaller.core.savings.merged()
        price = np.bincount(group, price, minlength=savings.count)
        smaller = replace(smaller, core=replace(smaller.core, savings=savings))
    price = np.minimum(price, smaller.core.savings.most)
    return _Settled(smaller, price, found.profit[still])


def _finish(rest: _Rest, watch: Watch) -> None:
    """Prices, search among what they leave, prices again, and the rest to HiGHS."""
    begin = None
    for last in (False, True):
        found = _priced(rest, watch, begin)
        if watch.closed:
            return
        left = _settled(rest, watch, found)
        if left is None:
            watch.limit(watch.value)
            return
        rest, begin = left.rest, left.rows
        if not last:
            _rounds(rest, watch, left.profit)
            if watch.closed:
                return
    _solve(rest, watch)


def _solve(rest: _Rest, watch: Watch) -> None:
    mine = rest.mine
    seconds = None if watch.effort.seconds is None else watch.left

    def tell(best: float, bound: float) -> None:
        watch.hope = max(watch.hope, best + rest.offset)
        watch.limit(max(bound + rest.offset, watch.value))
        watch.say()

    answer = highs.solve(
        rest.core, mine, Ask(seconds, watch.slack, tell=tell, first=watch.first and mine is None)
    )
    watch.spent += answer.seconds
    if answer.values is not None:
        rest.offer(np.flatnonzero(answer.values > 0.5))
    bound = answer.bound + rest.offset
    # What was left out of the core is no better than the best choice known by then.
    watch.limit(max(bound, watch.value) if watch.best is not None else bound)
    if answer.how == "interrupted" or not watch.closed:
        watch.how = answer.how
