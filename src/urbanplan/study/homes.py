"""Who is to be served and where sites could be: a city's people in squares, a grid of places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.crs import WGS84, to_crs
from urbanplan.errors import InputError
from urbanplan.study.ready import Ready, Ways
from urbanplan.traveltime import Placed

if TYPE_CHECKING:
    import geopandas as gpd

#: A city's people are gathered into squares until they stand at about so many places.
_MOST_HOMES = 12_000


@dataclass(frozen=True)
class Homes:
    """People gathered at places of a ground, with their area and group."""

    placed: Placed
    persons: np.ndarray
    area: np.ndarray
    group: np.ndarray
    notes: tuple[str, ...]
    square_m: float = float("nan")


def grid_candidates(
    ready: Ready, spacing_m: float, exclude: gpd.GeoDataFrame | None = None, anywhere: bool = False
) -> gpd.GeoDataFrame:
    """A square grid of places that could take a facility, in WGS84.

    Parameters
    ----------
    ready : Ready
    spacing_m : float
    exclude : GeoDataFrame, optional
        Areas where nothing may be built.
    anywhere : bool
        Open land too; otherwise built-up land only. Water never.
    """
    import geopandas as gpd
    import shapely

    grid, ground = ready.ground.grid, ready.ground
    if not spacing_m >= grid.cell_m:
        raise InputError(
            f"candidates {spacing_m:g} m apart are finer than the city's cells",
            where="--candidates",
            remedy=f"use grid:{grid.cell_m:g} or more",
        )
    step = round(spacing_m / grid.cell_m)
    row, column = np.mgrid[step // 2 : grid.rows : step, step // 2 : grid.columns : step]
    row, column = row.ravel(), column.ravel()
    allowed = ground.passable if anywhere else ground.passable & ground.built_up
    keep = allowed[row, column]
    x, y = grid.centres(row[keep] * grid.columns + column[keep])
    points = shapely.points(np.c_[x, y])
    if exclude is not None:
        shut = ready.metric(exclude).geometry.union_all()
        points = points[~shapely.intersects(shut, points)]
    if not len(points):
        raise InputError(
            "no place is left for a facility",
            where="--candidates",
            remedy="allow open land with --anywhere, or exclude less",
        )
    frame = gpd.GeoDataFrame({"id": [f"c{i}" for i in range(len(points))]}, geometry=points, crs=grid.crs)  # fmt: skip
    return to_crs(frame, WGS84)


def gathered(ready: Ready, ways: Ways) -> Homes:
    """A city's people in squares, each at the cell where most of them live."""
    grid, demand = ready.ground.grid, ready.demand
    persons = demand["persons"].to_numpy(float)
    if not np.nansum(persons) > 0:
        raise InputError(
            "nobody is known to live there",
            where=ready.city.id,
            remedy="import a population layer or raster, or give --demand",
        )
    cells = demand.index.to_numpy()
    side = max(1, math.ceil(math.sqrt((persons > 0).sum() / _MOST_HOMES)))
    row, column = np.divmod(cells, grid.columns)
    block = row // side * (-(-grid.columns // side)) + column // side
    # Town and country of one square stay apart, and so do districts.
    area, group = demand["area"].to_numpy(str), demand["group"].to_numpy(str)
    _, key = np.unique(np.char.add(np.char.add(area, "|"), group), return_inverse=True)
    there = np.flatnonzero((persons > 0) & (area != ""))
    order = there[np.lexsort((cells[there], -persons[there], key[there], block[there]))]
    first = np.r_[True, (np.diff(block[order]) != 0) | (np.diff(key[order]) != 0)]
    lead, number = order[first], np.cumsum(first) - 1
    sums = np.bincount(number, persons[order])
    placed = ready.homes(ways)
    at = {int(c): i for i, c in enumerate(placed.ids)}
    here = np.array([at.get(int(c), -1) for c in cells[lead]])
    lost = sums[here < 0].sum()
    note = (f"{lost:,.0f} 人所在处不可通行，未计入 / {lost:,.0f} people live where nobody can stand, not counted",)  # fmt: skip
    notes = note if lost >= 1 else ()
    if side > 1:
        metres = side * grid.cell_m
        notes += (f"人口归并到 {metres:.0f} 米方格，因此与 coverage 的人数略有出入 / people are gathered into squares of {metres:.0f} m, so counts differ a little from those of 'coverage'",)  # fmt: skip
    kept = here >= 0
    sorted_rows = np.argsort(here[kept], kind="stable")
    rows = np.flatnonzero(np.isin(placed.feature, here[kept]))
    take = np.flatnonzero(kept)[sorted_rows]
    return Homes(
        placed.of(rows), sums[take], area[lead][take], group[lead][take], notes,
        side * grid.cell_m,
    )  # fmt: skip
