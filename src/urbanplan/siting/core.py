"""The one problem behind coverage and distance: the most that a few sites can add.

Coverage counts what a site is worth to a row as the row's people; distance counts the person-minutes
that it saves. Either way a row gets the best of the sites that are opened, and the sum is sought:
the maximal covering problem (Church & ReVelle 1974, Papers of the RSA 32) and the p-median problem
(Hakimi 1964, Operations Research 12) in the form of the uncapacitated location problem (Cornuéjols,
Fisher & Nemhauser 1977, Management Science 23). The set covering problem (Toregas et al. 1971,
Operations Research 19) has nothing to add, must serve every row, and pays for each site.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from urbanplan.siting.rows import Rows


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
    def touching(self):
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
    def rules(self):
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
