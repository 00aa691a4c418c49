"""Who is within a limit: people and land, by area and in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Name of the row that sums all areas.
ALL = "ALL"
#: Minutes are sums of many steps: 0.1 + 0.2 is still within 0.3.
_NOISE_MIN = 1e-9


def minutes_to_nearest(demand: pd.DataFrame, minutes: np.ndarray, name: str) -> pd.Series:
    """Minutes to the nearest facility as a column on the demand's own index.

    Parameters
    ----------
    demand : DataFrame
        Indexed by flat cell, from `urbanplan.demand.spread`.
    minutes : ndarray, shape (rows, columns)
        From `urbanplan.traveltime.nearest`.
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


def coverage(demand: pd.DataFrame, minutes: pd.Series, limits_min: Sequence[float]) -> pd.DataFrame:
    """How many people, and how much land, are within each limit of the nearest facility?

    Parameters
    ----------
    demand : DataFrame
        ``persons``, ``area``, ``km2`` per cell; cells outside every area (``""``) do not count.
    minutes : Series
        Minutes to the nearest facility on the same index.
    limits_min : sequence of float
        Limits in minutes; a place exactly at the limit is within.

    Returns
    -------
    DataFrame
        ``minutes, area, persons, persons_covered, share, km2, km2_covered, km2_share``; one row
        per limit and area in order of appearance, then one for `ALL`. Shares are 0 to 1, NaN where
        there is nobody.
    """
    import pandas as pd

    inside = demand[demand["area"] != ""]
    minutes = minutes.reindex(inside.index)
    areas = list(dict.fromkeys(sorted(inside["area"])))
    known = not inside["persons"].isna().any()
    rows = []
    for limit in limits_min:
        hit = minutes <= limit + _NOISE_MIN
        for area in [*areas, ALL]:
            here = inside if area == ALL else inside[inside["area"] == area]
            within = here[hit.loc[here.index]]
            rows.append(
                {
                    "minutes": float(limit),
                    "area": area,
                    # Nobody being known is not nobody being there.
                    "persons": here["persons"].sum(skipna=False),
                    "persons_covered": within["persons"].sum() if known else np.nan,
                    "km2": here["km2"].sum(),
                    "km2_covered": within["km2"].sum(),
                }
            )
    table = pd.DataFrame(rows)
    table["share"] = table["persons_covered"] / table["persons"].where(table["persons"] > 0)
    table["km2_share"] = table["km2_covered"] / table["km2"].where(table["km2"] > 0)
    return table[
        [
            "minutes",
            "area",
            "persons",
            "persons_covered",
            "share",
            "km2",
            "km2_covered",
            "km2_share",
        ]
    ]
