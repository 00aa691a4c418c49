"""Who lives where: census totals spread over the land of their zone, to the last person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import require_same
from urbanplan.base.grid import Grid
from urbanplan.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

#: Where more than this share of the people stands so far out in the water, the water is drawn wrong. Rasters of
#: people are coarse, and models spread them over harbours: fewer are put on the nearest land.
DROWNED_M, DROWNED_SHARE = 500.0, 0.5


def spread(
    zones: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, grid: Grid, passable: np.ndarray
) -> pd.DataFrame:
    """Spread each zone's persons evenly over its passable cells (binary dasymetric mapping).

    Parameters
    ----------
    zones : GeoDataFrame
        Polygons with ``id`` and ``persons``, in the grid's system; they do not overlap.
    areas : GeoDataFrame
        Reporting areas (districts) with ``name_zh``; each cell belongs to the one that covers
        its centre.
    grid : Grid
    passable : ndarray of bool, shape (rows, columns)
        Land.

    Returns
    -------
    DataFrame
        One row per cell of any area, indexed by flat cell: ``persons`` (may be fractions; the sum
        over a zone is the zone's total), ``area`` (name, ``""`` outside all areas), ``km2``, and
        ``group``: the zone's ``settlement`` (urban, rural), if it says one.

    Raises
    ------
    InputError
        If a zone has persons but no passable cell to hold them.

    References
    ----------
    Eicher & Brewer (2001), Dasymetric mapping and areal interpolation, CaGIS 28(2).
    """
    require_same(zones, areas)
    zone = grid.labels(zip(zones.geometry, range(1, len(zones) + 1))).ravel()
    zone = np.where(passable.ravel(), zone, 0)
    cells_in = np.bincount(zone, minlength=len(zones) + 1)
    persons = zones["persons"].to_numpy(float)
    homeless = [i for i, n, p in zip(zones["id"], cells_in[1:], persons) if p > 0 and n == 0]
    if homeless:
        raise InputError(
            f"zone '{homeless[0]}' has people but no land cell of {grid.cell_m:g} m",
            where="population",
            remedy="use a smaller cell_m, or join the zone to its neighbour",
        )
    per_cell = np.r_[0.0, np.divide(persons, cells_in[1:], where=cells_in[1:] > 0, out=persons * 0)]
    table = _table(per_cell[zone], areas, grid, passable.ravel(), also=zone > 0)
    if "settlement" in zones:
        names = np.array(["", *zones["settlement"].fillna("")], dtype=object)
        table["group"] = names[zone[table.index]]
    return table


def gather(
    xy: np.ndarray,
    persons: np.ndarray,
    areas: gpd.GeoDataFrame,
    grid: Grid,
    inside: BaseGeometry,
    passable: np.ndarray,
) -> pd.DataFrame:
    """Persons at points as persons per cell; who stands in the water is put on the nearest land.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        In the grid's system.
    persons : ndarray, shape (n,)
    areas : GeoDataFrame
        Reporting areas, as for `spread`.
    grid : Grid
    inside : geometry
        The study area in the grid's system. Persons outside it are left out.
    passable : ndarray of bool, shape (rows, columns)
        The land in it.

    Returns
    -------
    DataFrame
        As from `spread`; its sum is that of the persons inside, to the last one.

    Raises
    ------
    InputError
        If more than `DROWNED_SHARE` of them stand more than `DROWNED_M` out in the water.
    """
    import shapely
    from scipy.ndimage import distance_transform_edt

    shapely.prepare(inside)
    keep = shapely.intersects_xy(inside, xy[:, 0], xy[:, 1])
    cell, persons = grid.cells_at(xy[keep, 0], xy[keep, 1]), persons[keep]
    if not passable.all() and passable.any():
        far, (row, column) = distance_transform_edt(~passable, return_indices=True)
        out = persons[far.ravel()[cell] * grid.cell_m > DROWNED_M].sum()
        if out > DROWNED_SHARE * persons.sum():
            raise InputError(
                f"{out / persons.sum():.0%} of the people stand in the water, more than {DROWNED_M:g} m out",
                where="population",
                remedy="correct the layer 'water' (`import --kind water --replace`), or the people's"
                " coordinates",
            )
        cell = (row * grid.columns + column).ravel()[cell]
    held = np.bincount(cell, persons, minlength=grid.rows * grid.columns)
    return _table(held, areas, grid, passable.ravel())


def unpeopled(areas: gpd.GeoDataFrame, grid: Grid, passable: np.ndarray) -> pd.DataFrame:
    """Cells of land where it is not known who lives there: ``persons`` is NaN."""
    held = np.full(grid.rows * grid.columns, np.nan)
    return _table(held, areas, grid, passable.ravel())


def _table(
    held: np.ndarray,
    areas: gpd.GeoDataFrame,
    grid: Grid,
    land: np.ndarray,
    also: np.ndarray | bool = False,
) -> pd.DataFrame:
    import pandas as pd

    area = grid.labels(zip(areas.geometry, range(1, len(areas) + 1))).ravel()
    wanted = np.flatnonzero(((area > 0) & land) | (held > 0) | also)
    names = np.array(["", *areas["name_zh"]], dtype=object)
    return pd.DataFrame(
        {
            "persons": held[wanted],
            "area": names[area[wanted]],
            "km2": (grid.cell_m / 1000) ** 2,
            "group": "",
        },
        index=pd.Index(wanted, name="cell"),
    )


def unassigned(demand: pd.DataFrame) -> list[str]:
    """What the reader must know: people who live outside every reporting area count nowhere."""
    lost = demand.loc[demand["area"] == "", "persons"].sum()
    if lost < 0.5:
        return []
    return [
        f"{lost:,.0f} 人居住在各区范围之外，未计入 / "
        f"{lost:,.0f} people live outside every district, not counted"
    ]


def blocks(
    demand: pd.DataFrame, grid: Grid, minutes: dict[str, np.ndarray], side: int
) -> gpd.GeoDataFrame:
    """Gather cells into squares of `side` × `side` cells for a map.

    Parameters
    ----------
    demand : DataFrame
        From `spread`.
    grid : Grid
    minutes : dict of str to ndarray
        Column name to minutes per cell, shape (rows, columns).
    side : int
        Cells per side of a square.

    Returns
    -------
    GeoDataFrame
        Squares in the grid's system that hold anybody: ``block`` (id), ``persons``, ``area`` (the
        one most of its people live in) and the person-weighted mean of each minutes column.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    row, column = np.divmod(demand.index.to_numpy(), grid.columns)
    width = -(-grid.columns // side)
    table = demand[["persons", "area"]].assign(block=row // side * width + column // side)
    table = table[table["persons"] > 0]
    by = table.groupby("block")
    out = pd.DataFrame({"persons": by["persons"].sum()})
    main = table.groupby(["block", "area"])["persons"].sum().reset_index()
    main = main.sort_values(["block", "persons", "area"]).drop_duplicates("block", keep="last")
    out["area"] = main.set_index("block")["area"]
    for name, values in minutes.items():
        here = pd.Series(values.ravel()[table.index], index=table.index) * table["persons"]
        mean = here.groupby(table["block"]).sum(min_count=1) / out["persons"]
        out[name] = mean.where(np.isfinite(mean))
    r, c = np.divmod(out.index.to_numpy(), width)
    step = side * grid.cell_m
    west, north = grid.west + c * step, grid.north - r * step
    squares = shapely.box(west, north - step, west + step, north)
    return gpd.GeoDataFrame(out.reset_index(), geometry=squares, crs=grid.crs)
