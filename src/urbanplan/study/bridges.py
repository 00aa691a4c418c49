"""What depends on each bridge: minutes and people lost if it alone were closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanplan.catalog import Mode
from urbanplan.coverage import ALL, LEAST_MIN, minutes_to_nearest, share_in
from urbanplan.errors import InputError
from urbanplan.layers.model import require
from urbanplan.study.ready import Ready

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def bridge_dependence(
    ready: Ready, mode: Mode, facilities: gpd.GeoDataFrame, limit_min: float
) -> pd.DataFrame:
    """How much longer is the way to the nearest facility if one bridge is closed, and for whom?

    Parameters
    ----------
    ready : Ready
    mode : Mode
    facilities : GeoDataFrame
    limit_min : float
        People who are within it now, and no longer without the bridge, are lost.

    Returns
    -------
    DataFrame
        ``bridge, name_zh, name_en, persons_slower`` (by more than `LEAST_MIN`)``, minutes_lost`` (mean over those), ``persons_lost``
        (from within the limit), ``persons_cut_off`` (no way at all), ``quality, accuracy_m``; the
        bridge that costs most person-minutes first.

    Raises
    ------
    InputError
        If the city has no bridges, or its streets are mapped streets.
    """
    import pandas as pd

    (bridges,) = require(ready.layers, "bridges")
    existing = bridges.with_status("existing")
    if not len(existing):
        raise InputError("there is no existing bridge", where=ready.city.id, remedy="draw it; on mapped streets, close a street in a scenario (layer = 'streets', at = [lon, lat])")  # fmt: skip
    inside = share_in(ready.parts, ALL, len(ready.demand))
    persons = ready.demand["persons"].to_numpy(float) * inside
    there = ready.metric(facilities)

    def minutes(closed: tuple[str, ...]) -> np.ndarray:
        ways = ready.ways(mode, closed=closed)
        cells = ready.minutes(ways, ready.put(ways, there))
        return minutes_to_nearest(ready.demand, cells, mode.id).to_numpy()

    now, rows = minutes(()), []
    for bridge in existing.itertuples():
        then = minutes((bridge.id,))
        cut = np.isfinite(now) & np.isinf(then)
        slower = np.isfinite(then) & (then > now + LEAST_MIN)
        lost = np.where(slower, then - np.where(slower, now, 0), 0)
        people = persons[slower].sum()
        rows.append(
            {
                "bridge": bridge.id,
                "name_zh": bridge.name_zh,
                "name_en": bridge.name_en,
                "persons_slower": people,
                "minutes_lost": (persons * lost)[slower].sum() / people if people else 0.0,
                "persons_lost": persons[(now <= limit_min) & ~(then <= limit_min)].sum(),
                "persons_cut_off": persons[cut].sum(),
                "quality": f"{bridge.quality}+modelled",
                "accuracy_m": bridge.accuracy_m,
            }
        )
    table = pd.DataFrame(rows)
    cost = table["persons_slower"] * table["minutes_lost"] + 1e9 * table["persons_cut_off"]
    order = cost.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
