"""A sparse table, row by row: what each site is worth to each group of demand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


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
        start = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else []
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
    def pattern(self):
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

    def best(self, chosen) -> np.ndarray:
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
