"""How unequal is it: Lorenz, Gini, Theil, Palma, concentration, best against worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def lorenz(values: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the people, worst off first, and the share of the total that they hold.

    Parameters
    ----------
    values : ndarray, shape (n,)
        What each head has (access, square metres); at 0 or above.
    people : ndarray, shape (n,)
        How many have it.

    Returns
    -------
    people_share, value_share : ndarray of float64, shape (n + 1,)
        Both from 0 to 1; the curve is straight between two points.

    Raises
    ------
    InputError
        If a figure is below 0 or missing, or there is nobody.

    References
    ----------
    Lorenz (1905), Publications of the American Statistical Association 9.
    """
    values, people = _sorted(values, people)
    held = np.r_[0.0, np.cumsum(values * people)]
    heads = np.r_[0.0, np.cumsum(people)]
    share = held / held[-1] if held[-1] > 0 else heads / heads[-1]
    return heads / heads[-1], share


def gini(values: np.ndarray, people: np.ndarray) -> float:
    """0 where all have the same, near 1 where one has all: twice the area above the Lorenz curve.

    References
    ----------
    Gini (1914); in the trapezoid form of Lerman & Yitzhaki (1989), Journal of Econometrics 42.
    """
    x, y = lorenz(values, people)
    return float(max(1.0 - np.sum(np.diff(x) * (y[1:] + y[:-1])), 0.0))


def theil(values: np.ndarray, people: np.ndarray, groups: np.ndarray | None = None):
    """Theil's T, and its parts between and within groups.

    Parameters
    ----------
    values, people : ndarray, shape (n,)
    groups : ndarray, shape (n,), optional
        Such as districts.

    Returns
    -------
    total, between, within : float
        ``total = between + within``; between is 0 without groups.

    References
    ----------
    Theil (1967), Economics and Information Theory; decomposition by Shorrocks (1980),
    Econometrica 48.
    """
    values, people = _checked(values, people)
    total = _theil(values, people)
    if groups is None:
        return total, 0.0, total
    keep = people > 0
    values, people, groups = values[keep], people[keep], np.asarray(groups)[keep]
    _, group = np.unique(groups.astype(str), return_inverse=True)
    heads = np.bincount(group, people)
    mean = np.bincount(group, values * people) / heads
    between = _theil(mean, heads)
    return total, between, total - between


def palma(values: np.ndarray, people: np.ndarray) -> float:
    """What the best-off tenth holds, per what the worst-off four tenths hold.

    References
    ----------
    Palma (2011), Development and Change 42. Infinity where the four tenths hold nothing.
    """
    x, y = lorenz(values, people)
    low, high = np.interp([0.4, 0.9], x, y)
    with np.errstate(over="ignore"):
        return float((1 - high) / low) if low > 0 else float("inf")


def concentration(values: np.ndarray, people: np.ndarray, rank: np.ndarray) -> float:
    """Whether the better off by `rank` (income, centrality) hold more: from -1 to 1.

    ``1 - 2 ∫ L(p) dp`` with people ordered by `rank` instead of by what they hold; those of equal
    rank are taken together.

    References
    ----------
    Kakwani, Wagstaff & van Doorslaer (1997), Journal of Econometrics 77.
    """
    values, people = _checked(values, people)
    if not np.isfinite(rank).all():
        raise InputError("every rank must be a number", remedy="fill or leave out the rest")
    _, step = np.unique(rank, return_inverse=True)
    heads, held = np.bincount(step, people), np.bincount(step, values * people)
    if held.sum() <= 0:
        return 0.0
    x, y = (np.r_[0.0, np.cumsum(a)] / a.sum() for a in (heads, held))
    return float(1.0 - np.sum(np.diff(x) * (y[1:] + y[:-1])))


def worst_tenth(values: np.ndarray, people: np.ndarray) -> float:
    """Mean of the worst-off tenth of the people, in the values' unit."""
    x, y = lorenz(values, people)
    values, people = _checked(values, people)
    return float(np.interp(0.1, x, y) * (values * people).sum() / people.sum() / 0.1)


def inequality(
    values: np.ndarray, people: np.ndarray, districts: np.ndarray, urban: np.ndarray | None = None
) -> pd.Series:
    """Every measure of inequality of what people have, by name.

    Parameters
    ----------
    values, people : ndarray, shape (n,)
    districts : ndarray of str, shape (n,)
    urban : ndarray of bool, shape (n,), optional
        Who lives in town; without it the gap between town and country is NaN.

    Returns
    -------
    Series
        ``mean, gini, theil, theil_between, theil_within, palma, best_to_worst, urban_rural_gap,
        worst_tenth``: the ratio of the districts' means, and town's mean less the country's.
    """
    import pandas as pd

    values, people = _checked(values, people)
    total, between, within = theil(values, people, districts)
    means = [
        _mean(values[here], people[here])
        for here in (districts == d for d in np.unique(districts.astype(str)))
        if people[here].sum() > 0
    ]
    gap = np.nan
    if urban is not None and people[urban].sum() > 0 and people[~urban].sum() > 0:
        gap = _mean(values[urban], people[urban]) - _mean(values[~urban], people[~urban])
    return pd.Series(
        {
            "mean": _mean(values, people),
            "gini": gini(values, people),
            "theil": total,
            "theil_between": between,
            "theil_within": within,
            "palma": palma(values, people),
            "best_to_worst": max(means) / min(means) if min(means) > 0 else np.inf,
            "urban_rural_gap": gap,
            "worst_tenth": worst_tenth(values, people),
        }
    )


def _mean(values: np.ndarray, people: np.ndarray) -> float:
    return float((values * people).sum() / people.sum())


def _theil(values: np.ndarray, people: np.ndarray) -> float:
    mean = _mean(values, people)
    if mean <= 0:
        return 0.0
    ratio = values / mean
    # Nobody's nothing adds nothing: x log x goes to 0.
    logs = np.log(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    return float((people * ratio * logs).sum() / people.sum())


def _checked(values: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, people = np.asarray(values, float), np.asarray(people, float)
    if not ((values >= 0) & np.isfinite(values)).all() or not (people >= 0).all():
        raise InputError("figures must be 0 or more", remedy="fill or leave out the rest")
    if not people.sum() > 0:
        raise InputError("there is nobody", remedy="give people above 0")
    return values, people


def _sorted(values: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, people = _checked(values, people)
    order = np.argsort(values, kind="stable")
    return values[order], people[order]
