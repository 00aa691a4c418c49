"""What is asked: who may be served from where, and what the choice of sites must heed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanplan.access import Pairs
from urbanplan.errors import InputError

#: Two years. A figure that stands for "not reached" would drown the others in rounding.
_LONGEST_MIN = 1e6


@dataclass(frozen=True)
class Problem:
    """Demand, candidate sites, and the rules of the choice; arrays are checked and put in order.

    Attributes
    ----------
    pairs : Pairs
        Minutes from demand rows to sites (`supply` is the site), cut at the limit for coverage.
        Their order does not matter; of pairs given twice the nearer counts.
    weights : ndarray of float64, shape (n,)
        Persons per demand row, at 0 or above.
    sites : int
        Number of sites, existing ones included. Forbidden places are left out by the caller.
    fixed : ndarray of bool, shape (sites,), optional
        Facilities that exist: always open, free of charge, not counted in p, and not moved by
        spacing. Candidates too near to one of them are not chosen.
    capacity : ndarray of float64, shape (sites,), optional
        Persons that a site can serve; infinite where there is no limit. A demand row may then be
        split between sites.
    cost : ndarray of float64, shape (sites,), optional
        Cost of opening; needs a `budget`.
    budget : float, optional
        What the chosen sites may cost together, in the unit of `cost`. Kept to a millionth.
    conflicts : ndarray of int64, shape (k, 2), optional
        Pairs of sites of which at most one may be chosen; see `conflicts`.
    worth : ndarray of float64, shape (n,), optional
        What the objective counts for a row instead of its persons; see `equity_weights`.

    Raises
    ------
    InputError
        If a figure is missing, below 0 or does not fit the others.
    """

    pairs: Pairs
    weights: np.ndarray
    sites: int
    fixed: np.ndarray | None = None
    capacity: np.ndarray | None = None
    cost: np.ndarray | None = None
    budget: float | None = None
    conflicts: np.ndarray | None = None
    worth: np.ndarray | None = None

    def __post_init__(self) -> None:
        weights = _figures("weights", self.weights, len(self.weights))
        if not weights.any():
            raise InputError("nobody is to be served", where="weights", remedy="give persons")
        n, m = len(weights), self.sites
        fixed = np.zeros(m, bool) if self.fixed is None else np.asarray(self.fixed, bool)
        if fixed.shape != (m,):
            raise InputError(
                f"there are {m} sites and {fixed.size} marks", where="fixed", remedy="mark each"
            )
        given = {
            "weights": weights,
            "fixed": fixed,
            "pairs": _ordered(self.pairs, n, m),
            "worth": weights if self.worth is None else _figures("worth", self.worth, n),
            "conflicts": _couples(self.conflicts, m),
        }
        if self.capacity is not None:
            given["capacity"] = _figures("capacity", self.capacity, m, endless=True)
        if (self.cost is None) != (self.budget is None):
            raise InputError(
                "costs and a budget go together", where="budget", remedy="give both, or neither"
            )
        if self.cost is not None:
            given["cost"] = _figures("cost", self.cost, m)
            given["budget"] = float(_figures("budget", [self.budget], 1)[0])
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def candidates(self) -> np.ndarray:
        """Sites that may be chosen: those that do not exist yet."""
        return np.flatnonzero(~self.fixed)

    @property
    def unreachable(self) -> np.ndarray:
        """Demand rows with people that no site reaches."""
        reached = np.zeros(len(self.weights), bool)
        reached[self.pairs.demand] = True
        return np.flatnonzero(~reached & (self.weights > 0))


def conflicts(xy: np.ndarray, spacing_m: float) -> np.ndarray:
    """Pairs of sites nearer to each other than a minimum spacing.

    Parameters
    ----------
    xy : ndarray, shape (sites, 2)
        Metric coordinates.
    spacing_m : float
        Sites exactly so far apart may both be chosen.

    Returns
    -------
    ndarray of int64, shape (k, 2)
        Sorted, the lower site first.

    Raises
    ------
    InputError
        If a coordinate is missing or the spacing is below 0.
    """
    from scipy.spatial import cKDTree

    xy = np.asarray(xy, float).reshape(-1, 2)
    if not (np.isfinite(xy).all() and spacing_m >= 0):
        raise InputError(
            "a coordinate is missing or the spacing below 0", where="spacing", remedy="correct it"
        )
    near = cKDTree(xy).query_pairs(spacing_m, output_type="ndarray").astype(np.int64)
    near = near[np.hypot(*(xy[near[:, 0]] - xy[near[:, 1]]).T) < spacing_m]
    return _couples(near, len(xy))


def equity_weights(
    weights: np.ndarray, minutes_now: np.ndarray, share: float = 0.1, factor: float = 2.0
) -> np.ndarray:
    """Persons, of whom the worst-off share counts `factor` times.

    The worst off are those with the most minutes to what exists today. Where the share ends
    amid people with the same minutes, the same part of each of their rows belongs to it, so that
    exactly `share` of all people count more and the order of rows does not matter.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Persons per row.
    minutes_now : ndarray, shape (n,)
        Minutes to the nearest facility; infinite where none is reached.
    share : float
        Of all people, from 0 to 1.
    factor : float
        At 0 or above; 1 changes nothing.

    Returns
    -------
    ndarray of float64, shape (n,)
        The `worth` of a `Problem`. Sums to ``persons * (1 + (factor - 1) * share)``.

    Raises
    ------
    InputError
        If a figure is missing or out of range.

    Notes
    -----
    Weights that fall with welfare, in two steps (Atkinson 1970, Journal of Economic Theory 2).
    """
    weights = _figures("weights", weights, len(weights))
    minutes = _figures("minutes_now", minutes_now, len(weights), endless=True)
    if not (0 <= share <= 1 and 0 <= factor < np.inf):
        raise InputError(
            f"a share of {share:g} and a factor of {factor:g} make no weights",
            where="equity",
            remedy="use a share from 0 to 1 and a factor of 0 or more",
        )
    _, group = np.unique(-minutes, return_inverse=True)
    people = np.bincount(group, weights)
    before = np.r_[0.0, np.cumsum(people)[:-1]]
    left = np.clip(share * people.sum() - before, 0, people)
    part = np.divide(left, people, out=np.zeros(len(people)), where=people > 0)
    return weights * (1 + (factor - 1) * part[group])


def _figures(what: str, given, size: int, *, endless: bool = False) -> np.ndarray:
    found = np.asarray(given, float)
    if found.shape != (size,):
        raise InputError(
            f"{size} figures are needed, not {found.size}", where=what, remedy="give one per row"
        )
    bad = ~(found >= 0) | (np.isinf(found) & (not endless))
    if bad.any():
        raise InputError(
            f"{found[bad][0]:g} in row {int(bad.argmax())} is not a figure of 0 or more",
            where=what,
            remedy="correct or leave out the row",
        )
    return found


def _couples(given, sites: int) -> np.ndarray:
    pairs = np.empty((0, 2), np.int64) if given is None else np.asarray(given).reshape(-1, 2)
    bad = (pairs < 0).any(1) | (pairs >= sites).any(1) | (pairs[:, 0] == pairs[:, 1])
    if bad.any():
        raise InputError(
            f"{pairs[bad][0].tolist()} are not two of the {sites} sites",
            where="conflicts",
            remedy="number sites from 0",
        )
    return np.unique(np.sort(pairs.astype(np.int64), 1), axis=0)


def _ordered(pairs: Pairs, rows: int, sites: int) -> Pairs:
    demand, site = np.asarray(pairs.demand, np.int64), np.asarray(pairs.supply, np.int64)
    minutes = np.asarray(pairs.minutes, float)
    if not len(demand):
        raise InputError(
            "no site reaches anybody", where="pairs", remedy="raise the limit or add sites"
        )
    if not len(demand) == len(site) == len(minutes):
        raise InputError("columns differ in length", where="pairs", remedy="give three of a length")
    for what, found, size in (("demand row", demand, rows), ("site", site, sites)):
        if found.min() < 0 or found.max() >= size:
            raise InputError(
                f"{what} {found.max() if found.min() >= 0 else found.min()} is not one of {size}",
                where="pairs",
                remedy="number rows and sites from 0",
            )
    _figures("minutes", minutes, len(minutes))
    if minutes.max() > _LONGEST_MIN:
        raise InputError(
            f"{minutes.max():g} minutes are no way to anywhere",
            where="pairs",
            remedy="leave out pairs that do not reach each other",
        )
    order = np.lexsort((minutes, site, demand))
    demand, site, minutes = demand[order], site[order], minutes[order]
    first = np.r_[True, (np.diff(demand) != 0) | (np.diff(site) != 0)]
    return Pairs(demand[first], site[first], minutes[first])
