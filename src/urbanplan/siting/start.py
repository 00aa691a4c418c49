"""A good choice to begin with: greedy, exchanges of one site for another, and repeated shaking.

Greedy adds what gains most (Nemhauser, Wolsey & Fisher 1978, Mathematical Programming 14: at least
63 % of the best cover). Exchange takes the best of all swaps at once (Teitz & Bart 1968, Operations
Research 16) from sums per pair of sites (Resende & Werneck 2007, European Journal of Operational
Research 182). Shaking replaces some sites at random and repairs (iterated local search: Lourenço,
Martin & Stützle 2003), and puts up with losses as in annealing (Kirkpatrick, Gelatt & Vecchi 1983,
Science 220). Numbers are drawn with a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanplan.siting.core import Core
from urbanplan.siting.rows import Rows

#: At most so many sites are replaced in one shake, and so many exchanges follow it.
_SHAKEN, _EXCHANGES = 10, 1000
#: How much worse a choice may become for a while, as a share, and the rounds until none may.
_LOSS, _COOLING = 0.001, 100


@dataclass(frozen=True)
class Searcher:
    """Looks for good choices of at most `most` sites under the core's rules.

    Rows that must be served are worth more than all else together, so that the search heads for
    choices that serve them; whether one does is for `Core.allows` to say.
    """

    core: Core
    most: int

    @cached_property
    def table(self) -> Rows:
        """What the core's sites save, and a great deal for each row that must be served."""
        savings, need = self.core.savings, self.core.need
        if not need.count:
            return savings
        great = 1 + savings.most.sum() if savings.count else 1.0
        return Rows(
            np.r_[savings.start, savings.start[-1] + need.start[1:]],
            np.r_[savings.site, need.site],
            np.r_[savings.value, np.full(len(need.site), great)],
            savings.sites,
        )

    @cached_property
    def noise(self) -> float:
        """A gain below this is rounding."""
        return 1e-10 * (1 + self.core.savings.most.sum()) + 1e-14 * self.table.most.sum()

    def value(self, chosen) -> float:
        """What the choice saves and serves."""
        return float(self.table.best(chosen).sum())

    def greedy(self, chosen: list[int]) -> list[int]:
        """Add the site that gains most, per cost where there is a budget, until none may follow."""
        chosen = list(chosen)
        best = self.table.best(chosen)
        while len(chosen) < self.most:
            gain = self.table.gains(best)
            gain[~self.may_join(chosen)] = 0
            if self.core.cost is not None:
                gain = gain / np.maximum(self.core.cost, 1e-9 * (1 + self.core.cost.max()))
            site = self._first_uncut(gain, lambda j: [*chosen, j])
            if site is None or gain[site] <= 0:
                break
            chosen.append(site)
            row, value = self.table.column(site)
            best[row] = np.maximum(best[row], value)
        return chosen

    def may_join(self, chosen: list[int]) -> np.ndarray:
        """Which sites the budget and spacing let in beside those chosen."""
        core = self.core
        ok = np.ones(core.sites, bool)
        ok[chosen] = False
        if core.cost is not None:
            ok &= core.cost[chosen].sum() + core.cost <= core.budget + core.slack
        if len(core.clash):
            ok &= core.touching @ (np.bincount(chosen, minlength=core.sites) * 1.0) == 0
        return ok

    def exchange(self, chosen: list[int]) -> list[int]:
        """Swap one site for another, or add one, as long as that gains; the best swap first."""
        chosen = list(chosen)
        for _ in range(_EXCHANGES):
            delta = self._swaps(chosen)

            def swapped(k: int, now=chosen) -> list[int]:
                out, site = divmod(k, self.core.sites)
                return [*now[:out], *now[out + 1 :], site]

            k = self._first_uncut(delta.ravel(), swapped)
            if k is None or delta.ravel()[k] <= self.noise:
                break
            chosen = swapped(k)
        return chosen

    def _first_uncut(self, gain: np.ndarray, choice) -> int | None:
        """The best entry whose choice is not one of the sets to be avoided."""
        gain = gain.copy() if self.core.cuts else gain
        while gain.size:
            k = int(gain.argmax())
            if gain[k] == -np.inf:
                return None
            chosen = set(choice(k)) if self.core.cuts else ()
            if not any(chosen.issuperset(cut.tolist()) for cut in self.core.cuts):
                return k
            gain[k] = -np.inf
        return None

    def _swaps(self, chosen: list[int]) -> np.ndarray:
        """Gain of putting each site in the place of each chosen one, and, last, of adding it."""
        table, sites = self.table, self.core.sites
        best, second, who = self._two_best(chosen)
        # What is no better than a row's second best changes nothing, whichever site goes.
        at = np.flatnonzero(table.value > np.repeat(second, np.diff(table.start)))
        row, site, value = table.row[at], table.site[at], table.value[at]
        more = np.maximum(value - best[row], 0)
        delta = np.tile(_sums(site, more, sites), (len(chosen) + 1, 1))
        # If a row's best site goes, each other makes good what it is worth beyond the second.
        good, key = value - second[row] - more, np.maximum(who[row], 0) * sites + site
        size = max(len(chosen), 1) * sites
        made = _sums(key, good, size).reshape(-1, sites)
        delta[:-1] += made[: len(chosen)]
        has = who >= 0
        lost = _sums(who[has], (best - second)[has], len(chosen))
        delta[:-1] -= lost[:, None]
        if len(chosen) >= self.most:
            delta[-1] = -np.inf
        delta[~self._may_replace(chosen)] = -np.inf
        return delta

    def _two_best(self, chosen: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        best, second = np.zeros(self.table.count), np.zeros(self.table.count)
        who = np.full(self.table.count, -1)
        for place, site in enumerate(chosen):
            row, value = self.table.column(site)
            had = best[row]
            better = value > had
            second[row] = np.where(better, had, np.maximum(second[row], value))
            best[row[better]] = value[better]
            who[row[better]] = place
        return best, second, who

    def _may_replace(self, chosen: list[int]) -> np.ndarray:
        """As `may_join`, with each of the chosen sites gone in turn, and with none gone."""
        core = self.core
        ok = np.ones((len(chosen) + 1, core.sites), bool)
        ok[:, chosen] = False
        if core.cost is not None:
            freed = np.r_[core.cost[chosen], 0.0]
            left = core.budget + core.slack - core.cost[chosen].sum() + freed
            ok &= core.cost <= left[:, None]
        if len(core.clash):
            mine = core.touching[chosen].toarray()
            ok &= mine.sum(0) - np.vstack([mine, np.zeros(core.sites)]) == 0
        return ok

    def shaken(
        self, chosen: list[int], random: np.random.Generator, favour: np.ndarray
    ) -> list[int]:
        """Replace up to half of the sites, but not too many, by others drawn in favour, and mend."""
        out = int(random.integers(1, max(2, min(len(chosen) // 2, _SHAKEN) + 1)))
        kept = [chosen[k] for k in random.permutation(len(chosen))[out:].tolist()]
        may = self.may_join(kept)
        for site in random.choice(len(favour), len(favour), replace=False, p=favour).tolist():
            if len(kept) == len(chosen):
                break
            if may[site] and not self._cut([*kept, site]):
                kept.append(site)
                may = self.may_join(kept) if self.core.ruled else may
        return self.exchange(self.greedy(kept))

    def _cut(self, chosen: list[int]) -> bool:
        return any(set(chosen).issuperset(cut.tolist()) for cut in self.core.cuts)


def rounds(
    searcher: Searcher, chosen: list[int], count: int, offer, profit: np.ndarray | None = None
) -> list[int]:
    """Shake and improve a choice so many times.

    Parameters
    ----------
    searcher : Searcher
    chosen : list of int
        Where to begin.
    count : int
        How many shakes.
    offer : callable
        Gets each choice that is better than all before, and says whether that will do.
    profit : ndarray of float64, optional
        What sites promise; those that promise more are drawn more often.

    Returns
    -------
    list of int
        The best choice found.
    """
    random = np.random.default_rng(0)
    favour = np.ones(searcher.core.sites) if profit is None else np.maximum(profit, 0)
    favour = favour + 1e-6 * max(favour.max(initial=0.0), 1e-6)
    favour /= favour.sum()
    here, here_value = chosen, searcher.value(chosen)
    best, best_value = here, here_value
    for turn in range(count):
        there = searcher.shaken(here, random, favour)
        value = searcher.value(there)
        # Ever less of a loss is put up with, then it all begins again from the best.
        cooling = 1 - (turn % _COOLING) / _COOLING
        if value >= here_value or random.random() < np.exp(
            (value - here_value) / (_LOSS * cooling * max(best_value, searcher.noise))
        ):
            here, here_value = there, value
        if value > best_value + searcher.noise:
            best, best_value = there, value
            if offer(best):
                break
        if turn % _COOLING == _COOLING - 1:
            here, here_value = best, best_value
    return best


def _sums(of: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    # Of nothing at all, numpy counts in whole numbers.
    return np.bincount(of, values, minlength=size).astype(float)
