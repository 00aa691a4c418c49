"""Who is within a limit of minutes, by any area and group, and how unequally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.grid import ALL, Grid
from urbanplan.errors import InputError
from urbanplan.routing.times import NOISE_MIN

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


#: Name of the row of those who live in none of the areas; it is no part of `ALL`.
OUTSIDE = "OUTSIDE"
#: Fewer people than this are the rounding of shares.
_NOBODY = 0.5
#: Minutes that make a difference to somebody; less is rounding.
LEAST_MIN = 0.5
#: Metres from a cluster's middle cell to its farthest: about an hour's walk (this tool's own).
GAP_RADIUS_M = 5_000.0
#: For each area, which rows of the demand lie in it (positions) and with what share of each;
#: where areas overlap, `ALL` says so for their union.
Parts = Mapping[str, tuple[np.ndarray, np.ndarray]]


def minutes_to_nearest(demand: pd.DataFrame, minutes: np.ndarray, name: str) -> pd.Series:
    """Minutes to the nearest facility as a column on the demand's own index.

    Parameters
    ----------
    demand : DataFrame
        Indexed by flat cell, from `urbanplan.measures.population.spread`.
    minutes : ndarray, shape (rows, columns)
        From `urbanplan.routing.times`.
    name : str
        Name of the Series.

    Returns
    -------
    Series
        Minutes, infinity where there is no way.
    """
    import pandas as pd

    values = minutes.ravel()[demand.index]
    return pd.Series(np.where(np.isnan(values), np.inf, values), demand.index, name=name)


def parts_of(demand: pd.DataFrame) -> Parts:
    """Each row of the demand wholly in the area that it names; ``""`` is no area."""
    names = demand["area"].to_numpy(str)
    return {
        area: (rows, np.ones(len(rows)))
        for area in sorted(set(names) - {""})
        for rows in [np.flatnonzero(names == area)]
    }


def share_in(parts: Parts, area: str, rows: int) -> np.ndarray:
    """Share of each of so many rows that lies in an area; for `ALL`, in any, at most one."""
    share = np.zeros(rows)
    every = area == ALL and ALL not in parts
    for name, (row, part) in parts.items():
        if name == area or (every and name != OUTSIDE):
            share[row] += part
    return np.minimum(share, 1.0)


def with_outside(parts: Parts, persons: np.ndarray) -> Parts:
    """Areas, and `OUTSIDE` besides where somebody lives in none of them.

    Parameters
    ----------
    parts : mapping
    persons : ndarray, shape (rows of the demand,)
    """
    outside = 1.0 - share_in(parts, ALL, len(persons))
    rows = np.flatnonzero((outside > 0) & (persons > 0))
    lost = {} if (persons * outside)[rows].sum() < _NOBODY else {OUTSIDE: (rows, outside[rows])}
    # `ALL` stays last, where the areas say what it is.
    return {k: v for k, v in parts.items() if k != ALL} | lost | {k: v for k, v in parts.items() if k == ALL}  # fmt: skip


def coverage(
    demand: pd.DataFrame,
    minutes: pd.Series,
    limits_min: Sequence[float],
    parts: Parts | None = None,
) -> pd.DataFrame:
    """How many people, and how much land, are within each limit of the nearest facility?

    Parameters
    ----------
    demand : DataFrame
        ``persons``, ``area``, ``km2`` per cell; cells outside every area (``""``) do not count.
    minutes : Series
        Minutes to the nearest facility on the same index.
    limits_min : sequence of float
        Limits in minutes; a place exactly at the limit is within.
    parts : mapping, optional
        Other areas than those in the demand's own column, with each row's exact share in them
        (`urbanplan.base.grid.parts`).

    Returns
    -------
    DataFrame
        ``minutes, area, persons, persons_covered, share, km2, km2_covered, km2_share``; one row
        per limit and area, then one for `ALL`. Shares are 0 to 1, NaN where there is nobody.
        Over a partition, areas add up to `ALL`.
    """
    import pandas as pd

    parts = parts_of(demand) if parts is None else parts
    persons, km2 = demand["persons"].to_numpy(float), demand["km2"].to_numpy(float)
    reached = minutes.reindex(demand.index).to_numpy(float)
    within = {area: share_in(parts, area, len(demand)) for area in [*parts, ALL]}
    known = not np.isnan(persons[within[ALL] > 0]).any()
    rows = []
    for limit in limits_min:
        hit = reached <= limit + NOISE_MIN
        for area, share in within.items():
            inside, near = share > 0, (share > 0) & hit
            rows.append(
                {
                    "minutes": float(limit),
                    "area": area,
                    # Nobody being known is not nobody being there.
                    "persons": (persons * share)[inside].sum(),
                    "persons_covered": (persons * share)[near].sum() if known else np.nan,
                    "km2": (km2 * share)[inside].sum(),
                    "km2_covered": (km2 * share)[near].sum(),
                }
            )
    columns = ["minutes", "area", "persons", "persons_covered", "km2", "km2_covered"]
    table = pd.DataFrame(rows, columns=columns)
    for what, of, name in (
        ("persons_covered", "persons", "share"),
        ("km2_covered", "km2", "km2_share"),
    ):
        # Sums of fractions may overshoot their total by a rounding error.
        table[name] = (table[what] / table[of].where(table[of] > 0)).clip(upper=1.0)
    people, land = ["persons", "persons_covered", "share"], ["km2", "km2_covered", "km2_share"]
    return table[["minutes", "area", *people, *land]]


def coverage_by(
    demand: pd.DataFrame,
    minutes: pd.Series,
    limits_min: Sequence[float],
    groups: np.ndarray,
    parts: Parts | None = None,
) -> pd.DataFrame:
    """As `coverage`, for each group of people on its own (town and country, old and young).

    Parameters
    ----------
    groups : ndarray of str, shape (rows of the demand,)
        ``""`` is no group.

    Returns
    -------
    DataFrame
        With a column ``group`` in front; groups add up to the whole.
    """
    import pandas as pd

    parts = parts_of(demand) if parts is None else parts
    empty = coverage(demand.iloc[:0], minutes, [], {})
    tables = [empty.assign(group="")[["group", *empty]]]
    for group in sorted(set(groups) - {""}):
        here = groups == group
        some = demand.assign(persons=demand["persons"] * here, km2=demand["km2"] * here)
        tables.append(coverage(some, minutes, limits_min, parts))
        tables[-1].insert(0, "group", group)
    return pd.concat(tables[1:] or tables, ignore_index=True)


def gap_areas(
    demand: pd.DataFrame, minutes: pd.Series, limit_min: float, grid: Grid, least_persons: float = 1
) -> gpd.GeoDataFrame:
    """Where do those live who are farther than the limit: clusters of cells, most people first.

    Parameters
    ----------
    demand, minutes
        As for `coverage`.
    limit_min : float
    grid : Grid
        The demand's grid.
    least_persons : float
        Smaller clusters are left out.

    Returns
    -------
    GeoDataFrame
        In the grid's system: ``rank`` (from 1), ``area``, ``persons``, ``km2``, ``minutes`` (the limit),
        ``nearest_min`` (person-weighted mean; NaN where one cannot get there). A cluster lies in one
        area, and none of its cells is farther than `GAP_RADIUS_M` from its middle one, which is chosen
        by its people. Cells that touch at a corner belong together, unless another's middle is nearer.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely
    from rasterio.features import shapes

    persons = demand["persons"].to_numpy(float)
    far = (minutes.reindex(demand.index).to_numpy(float) > limit_min + NOISE_MIN) & (persons > 0)
    far &= (demand["area"] != "").to_numpy()
    table = demand[far].assign(weighed=persons[far] * minutes[far])
    table["cluster"] = _clusters(table, grid)
    cluster = np.zeros(grid.rows * grid.columns, np.int32)
    cluster[table.index] = table["cluster"]
    cluster = cluster.reshape(grid.shape)
    by = table.groupby("cluster")
    out = pd.DataFrame({"persons": by["persons"].sum(), "km2": by["km2"].sum()})
    out["area"] = by["area"].first()
    mean = by["weighed"].sum() / out["persons"]
    out["nearest_min"] = mean.where(np.isfinite(mean))
    drawn: dict[int, list] = {}
    for shape, number in shapes(cluster, cluster > 0, connectivity=4, transform=grid.transform):
        drawn.setdefault(int(number), []).append(shapely.geometry.shape(shape))
    out["geometry"] = [shapely.MultiPolygon(drawn[n]) for n in out.index]
    out = out[out["persons"] >= least_persons]
    out = out.sort_values(["persons", "km2"], ascending=False, kind="stable").reset_index(drop=True)
    out["minutes"], out["rank"] = float(limit_min), np.arange(1, len(out) + 1)
    columns = ["rank", "area", "persons", "km2", "minutes", "nearest_min", "geometry"]
    return gpd.GeoDataFrame(out[columns], geometry="geometry", crs=grid.crs)


def _clusters(table: pd.DataFrame, grid: Grid) -> np.ndarray:
    # A number from 1 for each row: what hangs together in one area, and around one place.
    from scipy.ndimage import label
    from scipy.spatial import cKDTree

    cells, persons = table.index.to_numpy(), table["persons"].to_numpy(float)
    xy, areas = np.c_[grid.centres(cells)], table["area"].to_numpy()
    number, count = np.zeros(len(table), np.int32), 0
    for area in sorted(set(areas)):
        here = np.flatnonzero(areas == area)
        held = np.zeros(grid.rows * grid.columns, bool)
        held[cells[here]] = True
        whole = label(held.reshape(grid.shape), np.ones((3, 3)))[0].ravel()[cells[here]]
        order = np.argsort(whole, kind="stable")
        for rows in np.split(here[order], np.flatnonzero(np.diff(whole[order])) + 1):
            part: np.ndarray = np.zeros(len(rows), np.int32)
            if np.hypot(*np.ptp(xy[rows], axis=0)) > GAP_RADIUS_M:
                # The most populous cell first, then the most populous that no chosen one is near to.
                left, centres = rows[np.lexsort((cells[rows], -persons[rows]))], []
                while len(left):
                    centres.append(left[0])
                    left = left[np.hypot(*(xy[left] - xy[left[0]]).T) > GAP_RADIUS_M]
                nearest = cKDTree(xy[centres]).query(xy[rows])[1]
                part = np.unique(nearest, return_inverse=True)[1]
            number[rows] = count + 1 + part
            count += int(part.max()) + 1
    return number


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


def theil(
    values: np.ndarray, people: np.ndarray, groups: np.ndarray | None = None
) -> tuple[float, float, float]:
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
