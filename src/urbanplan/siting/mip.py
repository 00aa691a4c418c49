"""The core as a mixed model, as small as it gets, and handed to HiGHS.

A row that saves 9 with site a, 5 with b and 2 with c is written as 4 for {a}, 3 for {a, b} and 2 for
{a, b, c}: for each set, whether any of it is open. Sets that many rows share become one column, and
each set needs only what it adds to a smaller one (Cornuéjols, Nemhauser & Wolsey 1980, Operations
Research Letters 1; García, Labbé & Marín 2011, INFORMS Journal on Computing 23). The relaxation is as
tight as with one column per pair, in a fraction of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urbanplan.siting.core import Core
from urbanplan.siting.highs import Answer, Ask, Model, minimise
from urbanplan.siting.rows import Rows, same_sets


@dataclass(frozen=True)
class Sets:
    """Sets of sites of which any one will do.

    Attributes
    ----------
    weight : ndarray of float64, shape (sets,)
        What it brings that one of them is open.
    alone : ndarray of float64, shape (sites,)
        The same for sets of a single site.
    parent : ndarray of int64, shape (sets,)
        A set that this one holds, or -1.
    start, site : ndarray of int64
        The sites that it adds to its parent, set by set.
    row : ndarray of int64, shape (sets,)
        A row that has this set,
    level : ndarray of float64, shape (sets,)
        and what its sites are worth to that row at least.
    """

    weight: np.ndarray
    alone: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    site: np.ndarray
    row: np.ndarray
    level: np.ndarray


def sets(rows: Rows) -> Sets:
    """Take rows apart into sets."""
    ends_row = np.zeros(len(rows.site), bool)
    ends_row[rows.start[1:] - 1] = True
    below = np.where(ends_row, 0.0, np.r_[rows.value[1:], 0.0])
    step = rows.value - below
    ends = np.flatnonzero(step > 0)
    first, group = same_sets(rows, ends)
    weight = np.bincount(group, step[ends], minlength=len(first))
    end, begin = ends[first], rows.start[rows.row[ends[first]]]
    single = end == begin
    alone = np.bincount(rows.site[end[single]], weight[single], minlength=rows.sites)
    # The set before in the same row is the parent, if it is more than one site.
    before = first - 1
    inside = (before >= 0) & (ends[before] > begin)
    parent = np.where(inside, group[before], -1)
    begin = np.where(inside, ends[before] + 1, begin)
    keep = np.flatnonzero(~single)
    number = np.cumsum(~single) - 1
    size = (end - begin + 1)[keep]
    start = np.r_[0, np.cumsum(size)]
    at = np.repeat(begin[keep] - start[:-1], size) + np.arange(start[-1])
    parent = np.where(parent[keep] >= 0, number[parent[keep]], -1)
    end = end[keep]
    return Sets(weight[keep], alone, parent, start, rows.site[at], rows.row[end], rows.value[end])


def model(core: Core) -> tuple[Model, Sets]:
    """Columns for sites, then for sets; minimised, so signs are turned."""
    from scipy.sparse import csr_matrix, hstack, vstack

    found = sets(core.savings)
    count, sites = len(found.weight), core.sites
    row = np.arange(count)
    has = found.parent >= 0
    adds = csr_matrix((-np.ones(len(found.site)), found.site, found.start), shape=(count, sites))
    own = csr_matrix(
        (
            np.r_[np.ones(count), -np.ones(has.sum())],
            (np.r_[row, row[has]], np.r_[row, found.parent[has]]),
        ),
        shape=(count, count),
    )
    rules, limit = core.rules
    rules = vstack([rules, csr_matrix(np.ones((1, sites)))])
    none = csr_matrix((rules.shape[0], count))
    high = np.r_[np.zeros(count), limit, float(core.most)]
    columns = sites + count
    return (
        Model(
            cost=np.r_[core.fee - found.alone, -found.weight],
            lower=np.zeros(columns),
            upper=np.ones(columns),
            whole=np.arange(columns) < sites,
            matrix=vstack([hstack([adds, own]), hstack([rules, none])], format="csr"),
            low=np.full(len(high), -np.inf),
            high=high,
        ),
        found,
    )


def start(found: Sets, rows: Rows, chosen: np.ndarray) -> np.ndarray:
    """The columns of a choice of sites."""
    opened = np.zeros(rows.sites)
    opened[chosen] = 1.0
    return np.r_[opened, rows.best(chosen)[found.row] >= found.level]


def solve(core: Core, chosen: np.ndarray | None, ask: Ask) -> Answer:
    """Solve the core to the end, or as far as the time goes.

    Parameters
    ----------
    core : Core
        With at least one site.
    chosen : ndarray of int64 or None
        A choice to begin with.
    ask : Ask
        Its `start` is set here.

    Returns
    -------
    Answer
        Values are 1 for sites that are opened; the bound is that of the core, from above.
    """
    built, found = model(core)
    begin = None if chosen is None else start(found, core.savings, chosen)
    answer = minimise(
        built,
        replace(ask, start=begin, tell=ask.tell and _turned(ask.tell), tight=begin is not None),
    )
    values = None if answer.values is None else np.round(answer.values[: core.sites])
    return Answer(values, -answer.bound, answer.how, answer.seconds)


def _turned(tell):
    return lambda best, bound: tell(-best, -bound)
