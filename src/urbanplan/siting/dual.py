"""How good could it get at best: prices for rows and rules, and the sites that these rule in or out.

A row may be served by many sites but counts once; with a price on counting it again the sites fall
apart, and the best of them are simply picked. For any prices this bounds the objective from above
(Lagrangian relaxation: Cornuéjols, Fisher & Nemhauser 1977, Management Science 23; for coverage
Galvão & ReVelle 1996, European Journal of Operational Research 88). Prices follow the subgradient
(Held, Wolfe & Crowder 1974, Mathematical Programming 6), smoothed by the one before (Camerini,
Fratta & Maffioli 1975).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanplan.siting.core import Core

#: Share of the last direction that is kept, and the steps without progress that halve the stride.
_MEMORY, _PATIENCE = 0.7, 30
#: The first stride and the last.
_STRIDE, _LEAST = 1.5, 1e-4


@dataclass(frozen=True)
class Prices:
    """Prices, and the bound that they prove.

    Attributes
    ----------
    rows : ndarray of float64
        Price of each row of the savings.
    rules : ndarray of float64
        Price of each rule, at 0 or above.
    profit : ndarray of float64
        What each site brings at these prices.
    bound : float
        No choice is better than this.
    """

    core: Core
    rows: np.ndarray
    rules: np.ndarray
    profit: np.ndarray
    bound: float

    @cached_property
    def _edge(self) -> tuple[np.ndarray, float, float]:
        """The sites picked, the profit a newcomer must beat, and that of the best left out."""
        picked = _pick(self.profit, self.core.most)
        order = np.sort(self.profit)[::-1]
        full = len(picked) == self.core.most
        last = max(order[self.core.most - 1], 0.0) if full and self.core.most else 0.0
        runner_up = max(order[self.core.most], 0.0) if self.core.most < len(order) else 0.0
        return picked, last, runner_up

    def settled(self, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Sites that every choice better than `floor` holds, and those that it may hold besides.

        Returns
        -------
        taken, keep : ndarray of int64
            Sorted.
        """
        picked, last, runner_up = self._edge
        bound = self.bound + self.profit - last
        bound[picked] = np.inf
        without = np.full(len(self.profit), np.inf)
        without[picked] = self.bound - self.profit[picked] + runner_up
        taken = without <= floor
        return np.flatnonzero(taken), np.flatnonzero((bound > floor) & ~taken)


def _pick(profit: np.ndarray, most: int) -> np.ndarray:
    if most < len(profit):
        best = np.argpartition(-profit, most - 1)[:most] if most else np.empty(0, np.int64)
    else:
        best = np.arange(len(profit))
    return best[profit[best] > 0]


@dataclass(frozen=True)
class _Table:
    """The two sums of a step: profits of sites at given prices, and how often rows are counted."""

    core: Core

    def profits(self, price: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What each site brings beyond the prices, and, unless all rows are uniform, from whom."""
        savings = self.core.savings
        if savings.uniform:
            return savings.pattern[1] @ np.maximum(savings.most - price, 0), None
        margin = savings.value - price[savings.row]
        above = np.maximum(margin, 0)
        return np.bincount(savings.site, above, minlength=savings.sites), margin > 0

    def counted(self, mark: np.ndarray, above: np.ndarray | None) -> np.ndarray:
        """How many of the picked sites bring something to each row."""
        savings = self.core.savings
        if above is None:
            return savings.pattern[0] @ mark
        held = mark[savings.site] * above
        return np.bincount(savings.row, held, minlength=savings.count)


def prices(
    core: Core,
    target: float,
    steps: int,
    enough,
    begin: np.ndarray | None = None,
) -> Prices:
    """Search for the prices with the least bound.

    Parameters
    ----------
    core : Core
    target : float
        The best objective known, which sets the stride; -inf where none is.
    steps : int
        At most so many.
    enough : callable
        Gets each better bound, and says whether it will do.
    begin : ndarray of float64, optional
        Prices of the rows to begin with.
    """
    table, (matrix, limit) = _Table(core), core.rules
    upright = matrix.T.tocsr()
    savings = core.savings
    row = savings.most / np.diff(savings.start) if begin is None else begin
    rule = _first_rules(core, len(limit))
    # Where no choice heeds the rules their prices would grow until sums lose all digits.
    highest = 100 * (1 + core.fee * core.sites + savings.most.sum())
    stride, waited, drift = _STRIDE if begin is None else _STRIDE / 4, 0, 0.0
    found = None
    for _ in range(max(steps, 1)):
        saved, above = table.profits(row)
        profit = saved - core.fee - upright @ rule
        picked = _pick(profit, core.most)
        bound = _sum(row, rule * limit, profit[picked])
        waited += 1
        if found is None or bound < found.bound:
            if found is None or bound < found.bound - 1e-5 * abs(found.bound):
                waited = 0
            found = Prices(core, row, rule, profit, bound)
            if enough(bound):
                break
        if waited > _PATIENCE:
            stride, waited = stride / 1.5, 0
        mark = np.zeros(core.sites)
        mark[picked] = 1.0
        slope = np.r_[1 - table.counted(mark, above), limit - matrix @ mark]
        drift = _MEMORY * drift + slope
        at, top = np.r_[row, rule], np.r_[savings.most, np.full(len(rule), highest)]
        # Where a price can go no further, its direction does not lengthen the step.
        way = np.where(((at <= 0) & (drift > 0)) | ((at >= top) & (drift < 0)), 0, drift)
        length = way @ way
        if length == 0 or stride < _LEAST:
            break
        aim = target if np.isfinite(target) else bound - 0.05 * (abs(bound) + 1)
        at = np.clip(at - stride * max(bound - aim, 1e-12) / length * way, 0, top)
        row, rule = at[: len(row)], at[len(row) :]
    assert found is not None
    return found


def _first_rules(core: Core, count: int) -> np.ndarray:
    """Nothing for rules that limit; rows that must be served share out the fee of a site."""
    first, need = np.zeros(count), core.need
    if core.fee and need.count:
        served = np.bincount(need.site, minlength=need.sites)
        share = core.fee / served[need.site]
        first[count - need.count :] = np.minimum.reduceat(share, need.start[:-1])
    return first


def _sum(*parts: np.ndarray) -> float:
    """A sum of sums, and what rounding may have taken from it."""
    return float(sum(p.sum() for p in parts) + 1e-13 * sum(np.abs(p).sum() for p in parts))
