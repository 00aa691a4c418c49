"""Each row gets the best of the opened sites: rows and sites as arrays, what can be left out, first solutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Rows:
    """Entries of a sparse table; within a row the most valuable first, then the lowest site.

    Attributes
    ----------
    start : ndarray of int64, shape (rows + 1,)
        Where each row's entries begin.
    site : ndarray of int64, shape (entries,)
    value : ndarray of float64, shape (entries,)
        Above 0.
    sites : int
        Number of columns.
    """

    start: np.ndarray
    site: np.ndarray
    value: np.ndarray
    sites: int

    @staticmethod
    def of(row: np.ndarray, site: np.ndarray, value: np.ndarray, sites: int) -> Rows:
        """From loose entries; entries of no value and rows without entries are dropped."""
        keep = value > 0
        row, site, value = row[keep], site[keep], value[keep]
        order = np.lexsort((site, -value, row))
        row, site, value = row[order], site[order], value[order]
        start = (
            np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, np.int64)
        )
        return Rows(np.r_[start, len(row)].astype(np.int64), site, value, sites)

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    @cached_property
    def row(self) -> np.ndarray:
        """Row of each entry."""
        return np.repeat(np.arange(self.count), np.diff(self.start))

    @cached_property
    def most(self) -> np.ndarray:
        """The best value in each row."""
        return self.value[self.start[:-1]]

    @cached_property
    def uniform(self) -> bool:
        """Is every site of a row worth the same to it, as in coverage?"""
        return bool((self.value == self.most[self.row]).all())

    @cached_property
    def pattern(self) -> tuple[csr_matrix, csr_matrix]:
        """Which site is in which row, as a sparse matrix of ones, and its transpose."""
        from scipy.sparse import csr_matrix

        found = csr_matrix(
            (np.ones(len(self.site)), self.site, self.start), shape=(self.count, self.sites)
        )
        return found, found.T.tocsr()

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same entries site by site: where each site begins, rows, values."""
        order = np.argsort(self.site, kind="stable")
        start = np.r_[0, np.cumsum(np.bincount(self.site, minlength=self.sites))]
        return start, self.row[order], self.value[order]

    def column(self, site: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and values of one site."""
        start, row, value = self.columns
        inside = slice(start[site], start[site + 1])
        return row[inside], value[inside]

    def best(self, chosen: Iterable[int]) -> np.ndarray:
        """What the best of the chosen sites is worth to each row."""
        found = np.zeros(self.count)
        for site in chosen:
            row, value = self.column(site)
            found[row] = np.maximum(found[row], value)
        return found

    def gains(self, best: np.ndarray) -> np.ndarray:
        """What each site would add to what the rows have."""
        more = np.maximum(self.value - best[self.row], 0)
        return np.bincount(self.site, more, minlength=self.sites).astype(float)

    def after(self, taken: np.ndarray, keep: np.ndarray) -> tuple[Rows, np.ndarray, np.ndarray]:
        """What the kept sites can still add once others are open.

        Parameters
        ----------
        taken : ndarray of int64
            Sites that are open.
        keep : ndarray of int64
            Sites that are left, in their new numbering.

        Returns
        -------
        Rows
        rows : ndarray of int64
            Which of the old rows are left.
        base : ndarray of float64
            What the open sites are worth to each of the old rows.
        """
        base = self.best(taken)
        number = np.full(self.sites, -1)
        number[keep] = np.arange(len(keep))
        value = self.value - base[self.row]
        held = (value > 0) & (number[self.site] >= 0)
        count = np.bincount(self.row[held], minlength=self.count)
        rows = np.flatnonzero(count)
        start = np.r_[0, np.cumsum(count[rows])]
        return Rows(start, number[self.site[held]], value[held], len(keep)), rows, base

    def merged(self) -> tuple[Rows, np.ndarray]:
        """Rows with the same sites made one; each must be uniform.

        Returns
        -------
        Rows
            In the order in which their sites first appear; values are added.
        group : ndarray of int64
            Which of them each old row went into.
        """
        last = self.start[1:] - 1
        first, group = same_sets(self, last)
        value = np.bincount(group, self.most, minlength=len(first))
        size = np.diff(self.start)[first]
        start = np.r_[0, np.cumsum(size)]
        at = np.repeat(self.start[first] - start[:-1], size) + np.arange(start[-1])
        return Rows(start, self.site[at], np.repeat(value, size), self.sites), group


def same_sets(rows: Rows, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which beginnings of rows hold the same set of sites.

    A set's key is the sum of random numbers drawn for its sites (Zobrist 1970, A new hashing
    method); a second sum confirms every match, so that two sets are told apart but for a
    chance of 2⁻¹²⁸.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int64
        The last entry of each beginning.

    Returns
    -------
    first : ndarray of int64
        For each distinct set, the index into `ends` where it first appears.
    group : ndarray of int64
        The set of each of `ends`.
    """
    seed = 0
    while True:
        draw = np.random.default_rng(seed).integers(0, 2**64, (2, rows.sites), dtype=np.uint64)
        key, check = (_prefix_sums(rows, numbers)[ends] for numbers in draw)
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        if (check == check[first[group]]).all():
            break
        seed += 1
    order = np.argsort(first, kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return first[order], number[group]


def _prefix_sums(rows: Rows, numbers: np.ndarray) -> np.ndarray:
    # Unsigned sums wrap around, and so do their differences.
    sums = np.cumsum(numbers[rows.site])
    before = np.r_[np.zeros(1, np.uint64), sums][rows.start[:-1]]
    return sums - before[rows.row]


@dataclass(frozen=True)
class Core:
    """Maximise the sum over `savings` of the best opened site, less `fee` per opened site.

    Attributes
    ----------
    savings : Rows
        What a site is worth to a row.
    need : Rows
        Of each of these rows at least one site must be opened.
    fee : float
        1 where the number of sites is to be least, else 0.
    most : int
        How many sites may be opened.
    cost : ndarray of float64 or None
    budget : float
    slack : float
        What rounding may add to the budget.
    clash : ndarray of int64, shape (k, 2)
        Sites of which at most one may be opened.
    cuts : tuple of ndarray
        Sets of sites that must not all be opened.
    """

    savings: Rows
    need: Rows
    fee: float
    most: int
    cost: np.ndarray | None
    budget: float
    slack: float
    clash: np.ndarray
    cuts: tuple[np.ndarray, ...] = ()

    @property
    def sites(self) -> int:
        """Number of candidate sites."""
        return self.savings.sites

    @property
    def ruled(self) -> bool:
        """Is there any rule but the number of sites?"""
        return bool(self.need.count or self.cost is not None or len(self.clash) or self.cuts)

    @cached_property
    def whole(self) -> bool:
        """Are all values whole numbers, so that the objective is one too?"""
        value = self.savings.value
        return bool((value == np.round(value)).all() and self.fee == round(self.fee))

    @cached_property
    def touching(self) -> csr_matrix:
        """Which sites clash, as a symmetric sparse matrix."""
        from scipy.sparse import csr_matrix

        a, b = self.clash.T
        ones = np.ones(2 * len(a))
        return csr_matrix((ones, (np.r_[a, b], np.r_[b, a])), shape=(self.sites, self.sites))

    def value(self, chosen: np.ndarray) -> float:
        """The objective of a choice of sites."""
        return float(self.savings.best(chosen).sum() - self.fee * len(chosen))

    def allows(self, chosen: np.ndarray) -> bool:
        """Does a choice of sites heed every rule?"""
        mark = np.zeros(self.sites, bool)
        mark[chosen] = True
        return bool(
            mark.sum() <= self.most
            and not mark[self.clash].all(1).any()
            and (self.cost is None or self.cost[mark].sum() <= self.budget + self.slack)
            and not any(mark[cut].all() for cut in self.cuts)
            and (self.need.best(chosen) > 0).all()
        )

    @cached_property
    def rules(self) -> tuple[csr_matrix, np.ndarray]:
        """All rules but the number of sites, as ``matrix @ opened <= limit``.

        Returns
        -------
        matrix : scipy.sparse.csr_matrix
        limit : ndarray of float64
        """
        from scipy.sparse import csr_matrix, vstack

        sets = [(c, 1.0) for c in cliques(self.clash)] + [(c, len(c) - 1.0) for c in self.cuts]
        start = np.r_[0, np.cumsum([len(s) for s, _ in sets])].astype(np.int64)
        site = np.concatenate([s for s, _ in sets]) if sets else np.empty(0, np.int64)
        parts = [csr_matrix((np.ones(len(site)), site, start), shape=(len(sets), self.sites))]
        limits = [np.array([limit for _, limit in sets])]
        if self.cost is not None:
            # In shares of the budget, so that the solver's tolerance is a share too.
            scale = 1 / max(self.budget, self.cost.max(initial=0.0), 1e-12)
            parts.append(csr_matrix(self.cost[None, :] * scale))
            limits.append(np.array([self.budget * scale]))
        parts.append(-self.need.pattern[0])
        limits.append(-np.ones(self.need.count))
        return vstack(parts, format="csr"), np.concatenate(limits)

    def after(self, taken: np.ndarray, keep: np.ndarray) -> tuple[Core, np.ndarray, float]:
        """The problem that is left once some sites are open and only some others may follow.

        Parameters
        ----------
        taken : ndarray of int64
            Sites that are opened.
        keep : ndarray of int64
            Sites that are still open to choice, sorted; those that clash with a taken one go.

        Returns
        -------
        Core
        keep : ndarray of int64
            The old number of each of its sites.
        offset : float
            What the taken sites add to its objective.
        """
        mark = np.zeros(self.sites, bool)
        mark[taken] = True
        barred = self.touching @ mark > 0 if len(self.clash) else np.zeros(self.sites, bool)
        keep = keep[~(barred | mark)[keep]]
        number = np.full(self.sites, -1)
        number[keep] = np.arange(len(keep))
        savings, _, base = self.savings.after(taken, keep)
        need = self._need_after(taken, keep)
        clash = number[self.clash]
        # A set is no longer to be avoided once one of its sites cannot be opened.
        cuts = tuple(
            number[cut[~mark[cut]]] for cut in self.cuts if (mark[cut] | (number[cut] >= 0)).all()
        )
        spent = 0.0 if self.cost is None else self.cost[taken].sum()
        core = replace(
            self,
            savings=savings,
            need=need,
            most=self.most - len(taken),
            cost=None if self.cost is None else self.cost[keep],
            budget=self.budget - spent,
            clash=clash[(clash >= 0).all(1)],
            cuts=cuts,
        )
        return core, keep, float(base.sum() - self.fee * len(taken))

    def _need_after(self, taken: np.ndarray, keep: np.ndarray) -> Rows:
        left, rows, base = self.need.after(taken, keep)
        lost = int((base == 0).sum()) - len(rows)
        if not lost:
            return left
        # One row without a site says that what is left cannot be done.
        return Rows(np.r_[left.start, left.start[-1]], left.site, left.value, left.sites)

    @property
    def hopeless(self) -> bool:
        """Is it plain that no choice heeds the rules?"""
        empty = (np.diff(self.need.start) == 0).any() or any(not len(cut) for cut in self.cuts)
        return bool(empty or self.most < 0 or self.budget + self.slack < 0)


def cliques(clash: np.ndarray) -> list[np.ndarray]:
    """Sets of sites of which at most one may be opened, such that each clash is in one of them.

    Far tighter in the relaxation than pair by pair (Padberg 1973, Mathematical Programming 5).
    Grown greedily, lowest sites first.
    """
    near: dict[int, set[int]] = {}
    for a, b in clash.tolist():
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    covered: set[tuple[int, int]] = set()
    found = []
    for a, b in sorted(map(tuple, clash.tolist())):
        if (a, b) in covered:
            continue
        members, common = [a, b], near[a] & near[b]
        while common:
            members.append(min(common))
            common = common & near[members[-1]]
        members.sort()
        covered |= {(i, j) for n, i in enumerate(members) for j in members[n + 1 :]}
        found.append(np.array(members))
    return found


#: Beyond so many comparisons of entries it would take longer than it saves.
_COMPARISONS = 3e8
#: Rows may make sites superfluous, and those rows again; it seldom goes on for longer.
_TURNS = 5


def reduced(core: Core) -> tuple[Core, np.ndarray]:
    """A smaller core with the same optimum (Toregas & ReVelle 1972, Papers of the RSA 28).

    Returns
    -------
    Core
    keep : ndarray of int64
        The old number of each of its sites.
    """
    core, keep = _merged(core), np.arange(core.sites)
    for _ in range(_TURNS):
        rows, sites = core.need.count, core.sites
        core = _fewer_needs(core)
        left = np.setdiff1d(np.arange(core.sites), dominated(core))
        core, left, _ = core.after(np.empty(0, np.int64), left)
        core, keep = _merged(core), keep[left]
        if core.need.count == rows and core.sites == sites:
            break
    return core, keep


def dominated(core: Core) -> np.ndarray:
    """Sites that can be left out, since another does all that they do, and more or as much.

    The other must save as much for each row, serve the same rows, cost no more and clash with no
    site that the first does not clash with. Of sites that are alike the lowest stays. Sites in a
    set to be avoided stay, or their replacement could complete it.
    """
    savings, need = core.savings, core.need
    if core.cuts or not savings.uniform or _work(savings) + _work(need) > _COMPARISONS:
        return np.empty(0, np.int64)
    from scipy.sparse import vstack

    (saves, _), (serves, _) = savings.pattern, need.pattern
    does = vstack([saves, serves], format="csr")
    shared = (does.T @ does).tocoo()
    size = shared.tocsr().diagonal()
    a, b = shared.row, shared.col
    # All that site a does is also done by site b.
    inside = (a != b) & (shared.data == size[a])
    a, b = a[inside].astype(np.int64), b[inside].astype(np.int64)
    if core.cost is not None:
        cheap = core.cost[b] <= core.cost[a]
        a, b = a[cheap], b[cheap]
    if len(core.clash):
        tame = _clashes_within(core, a, b)
        a, b = a[tame], b[tame]
    return _out(a, b, size, core)


def _work(rows: Rows) -> float:
    return float((np.diff(rows.start).astype(float) ** 2).sum())


def _clashes_within(core: Core, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Does b clash with no other sites than a does, but for a itself?"""
    touching = core.touching
    shared = np.asarray(touching[b].multiply(touching[a]).sum(1)).ravel()
    degree = np.asarray(touching.sum(1)).ravel()
    to_a = np.asarray(touching[b, a]).ravel() if len(a) else np.empty(0)
    return degree[b] - to_a == shared


def _out(a: np.ndarray, b: np.ndarray, size: np.ndarray, core: Core) -> np.ndarray:
    """Of pairs "a is no better than b", the sites that go; of sites that are alike, not the lowest."""
    back = set(zip(b.tolist(), a.tolist()))
    out = {i for i, j in zip(a.tolist(), b.tolist()) if j < i or (i, j) not in back}
    idle = np.flatnonzero(size == 0)
    # A site that does nothing is never worth opening.
    return np.array(sorted(out | set(idle.tolist())), np.int64)


def _merged(core: Core) -> Core:
    if not core.savings.uniform:
        return core
    return replace(core, savings=core.savings.merged()[0])


def _fewer_needs(core: Core) -> Core:
    """Leave out rows that are served whenever another one is."""
    need = core.need
    if not need.count or (np.diff(need.start) == 0).any():
        return core
    first, _ = same_sets(need, need.start[1:] - 1)
    need = _only(need, first)
    if _work_of_sites(need) <= _COMPARISONS:
        pattern = need.pattern[0]
        shared = (pattern @ pattern.T).tocoo()
        size = np.diff(need.start)
        a, b = shared.row, shared.col
        holds = (a != b) & (shared.data == size[b])
        # Row a holds all sites of row b, so serving b serves a; no two rows are alike any more.
        need = _only(need, np.setdiff1d(np.arange(need.count), a[holds]))
    return replace(core, need=need)


def _work_of_sites(rows: Rows) -> float:
    return float((np.bincount(rows.site, minlength=rows.sites).astype(float) ** 2).sum())


def _only(rows: Rows, which: np.ndarray) -> Rows:
    size = np.diff(rows.start)[which]
    start = np.r_[0, np.cumsum(size)]
    at = np.repeat(rows.start[which] - start[:-1], size) + np.arange(start[-1])
    return Rows(start, rows.site[at], rows.value[at], rows.sites)


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

    def value(self, chosen: Iterable[int]) -> float:
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

            def swapped(k: int, now: list[int] = chosen) -> list[int]:
                out, site = divmod(k, self.core.sites)
                return [*now[:out], *now[out + 1 :], site]

            k = self._first_uncut(delta.ravel(), swapped)
            if k is None or delta.ravel()[k] <= self.noise:
                break
            chosen = swapped(k)
        return chosen

    def _first_uncut(self, gain: np.ndarray, choice: Callable[[int], list[int]]) -> int | None:
        """The best entry whose choice is not one of the sets to be avoided."""
        gain = gain.copy() if self.core.cuts else gain
        while gain.size:
            k = int(gain.argmax())
            if gain[k] == -np.inf:
                return None
            chosen = set(choice(k)) if self.core.cuts else set()
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
    searcher: Searcher,
    chosen: list[int],
    count: int,
    offer: Callable[[list[int]], bool],
    profit: np.ndarray | None = None,
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
