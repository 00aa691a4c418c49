"""Facilities against people: who is covered, and what falls to each; of a city or of streets alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import WGS84, to_crs
from urbanplan.base.grid import ALL, union_of
from urbanplan.base.schema import is_missing
from urbanplan.city.layers import accuracy_under
from urbanplan.errors import InputError
from urbanplan.measures.accessibility import Pairs, access
from urbanplan.measures.coverage import (
    Parts,
    coverage,
    coverage_by,
    gap_areas,
    inequality,
    minutes_to_nearest,
    with_outside,
)
from urbanplan.routing import Ground, Placed, matrix, nearest
from urbanplan.routing.times import Progress
from urbanplan.study.checkup import areas_of, dict_of, named_areas
from urbanplan.study.model import Ready, Ways, cover, minutes_to_rank
from urbanplan.study.streets import (
    Answer,
    apart,
    as_points,
    findings_of,
    numbers,
    put,
    sums_around,
    worth,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: The group of people whose group nobody stated.
_UNSTATED = "not stated"
#: Columns of a coverage table where people are points rather than cells of land.
_OF_PEOPLE = ["area", "minutes", "persons", "persons_covered", "share"]


def city_coverage(
    ready: Ready,
    ways: Ways,
    facilities: gpd.GeoDataFrame,
    limits_min: Sequence[float],
    areas: gpd.GeoDataFrame | None = None,
    rank: int = 1,
    by: str | None = None,
) -> tuple[pd.DataFrame, Placed, np.ndarray]:
    """Coverage of a city's people and land by any facilities, by district or any areas.

    Parameters
    ----------
    ready, ways
        The city, and how one gets about.
    facilities : GeoDataFrame
        With ``id``.
    limits_min : sequence of float
    areas : GeoDataFrame, optional
        Reporting areas in place of the districts; cells on a border count with their exact share.
    rank : int
        Who reaches so many facilities is covered.
    by : str, optional
        Groups of people: ``settlement``, where the population layer says town or country.

    Returns
    -------
    table : DataFrame
        As from `urbanplan.measures.coverage.coverage`; with `areas`, those who live in none of them have a
        row `urbanplan.measures.coverage.OUTSIDE`.
    placed : Placed
        The facilities, on streets or surface.
    minutes : ndarray, shape (rows, columns)
        Per cell.
    """
    _, share = areas_of(ready, areas)
    if areas is not None:
        share = with_outside(share, ready.demand["persons"].to_numpy(float))
    groups = None
    if by is not None:
        if by != "settlement" or not (ready.demand["group"] != "").any():
            raise InputError(
                f"the city's people are not told apart by '{by}'",
                where=ready.city.id,
                remedy="fill 'settlement' of the population layer, or give --demand with the column",
            )
        groups = ready.demand["group"].to_numpy(str)
    metric = ready.metric(facilities)
    table, cells, placed = cover(ready, ways, metric, limits_min, share, rank, groups)
    return table, placed, cells


def _uncounted(table: pd.DataFrame, persons: pd.Series) -> tuple[str, ...]:
    # Who is in no row of the whole, at any one limit, lives in no area.
    whole = table[(table["area"] == ALL) & (table["minutes"] == table["minutes"].min())]
    lost = float(persons.sum() - whole["persons"].sum())
    if lost < 0.5:
        return ()
    return (f"{lost:,.0f} 人不在任何区内，未计入 / {lost:,.0f} people live outside every area, not counted",)  # fmt: skip


def gaps_of(
    ready: Ready, cells: np.ndarray, mode: str, limits_min: Sequence[float]
) -> gpd.GeoDataFrame:
    """Clusters of people farther than each limit, in WGS84, with what they are worth."""
    import pandas as pd

    column = minutes_to_nearest(ready.demand, cells, mode)
    grid = ready.ground.grid
    found = [gap_areas(ready.demand, column, limit, grid) for limit in limits_min]
    frame = to_crs(pd.concat(found, ignore_index=True), WGS84)
    frame.insert(0, "mode", mode)
    at = frame.columns.get_loc("geometry")
    frame.insert(at, "accuracy_m", accuracy_under(ready.layers, ready.city.analysis.facilities, grid.cell_m))  # fmt: skip
    frame.insert(at, "quality", "modelled")
    return frame


def point_coverage(
    ways: Ways,
    facilities: Placed,
    people: gpd.GeoDataFrame,
    persons: pd.Series,
    placed: Placed,
    limits_min: Sequence[float],
    areas: gpd.GeoDataFrame | None,
    rank: int = 1,
    by: str | None = None,
) -> pd.DataFrame:
    """Coverage of people given as places of their own.

    Parameters
    ----------
    ways : Ways
    facilities, placed : Placed
        Facilities, and the people's places; who has no place is counted as not covered.
    people : GeoDataFrame
        In the metric system; polygons on a border count with the share of their area.
    persons : Series
        By id.
    limits_min : sequence of float
    areas : GeoDataFrame, optional
        From `named_areas`; without them there is one row per limit.
    rank, by
        As for `city_coverage`; `by` is any column of the people.

    Returns
    -------
    DataFrame
        ``area, minutes, persons, persons_covered, share``, behind a ``group`` if there is any.
    """
    import pandas as pd

    if rank == 1:
        found = nearest(ways.ground, facilities).at(placed)
    else:
        found = minutes_to_rank(ways, facilities, placed, rank, max(limits_min))
    minutes = pd.Series(dict_of(placed.ids, found, people["id"]))
    frame = pd.DataFrame({"persons": persons[people["id"]].to_numpy(), "area": ALL, "km2": 0.0})
    share: Parts = {ALL: (np.arange(len(frame)), np.ones(len(frame)))}
    if areas is not None:
        share = with_outside(shares_in(people, areas), frame["persons"].to_numpy(float))
    if by is None:
        return coverage(frame, minutes, limits_min, share)[_OF_PEOPLE]
    require_group(people, by)
    # Whose group nobody stated is a group of its own: the whole must add up.
    groups = people[by].fillna("").astype(str).replace("", _UNSTATED).to_numpy()
    table = coverage_by(frame, minutes, limits_min, groups, share)
    return table[["group", *_OF_PEOPLE]]


def require_group(people: gpd.GeoDataFrame, by: str | None) -> None:
    """Raise `InputError` unless the people have the column that tells their groups apart."""
    if by is not None and by not in people:
        raise InputError(f"the demand has no column '{by}'", remedy="choose one that it has")


def shares_in(people: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> Parts:
    """For each area, which features lie in it and with what share: of area, of length, or wholly.

    A point counts in every area that it lies inside of; one that only lies on borders, in the
    first of them by name. Where areas overlap, `ALL` holds each feature once.
    """
    import shapely

    tree = shapely.STRtree(people.geometry.values)
    shapes = np.asarray(people.geometry.values)
    flat = shapely.get_dimensions(shapes) == 2
    size = np.where(flat, shapely.area(shapes), shapely.length(shapes))
    there = ~(areas.geometry.isna() | areas.geometry.is_empty)
    outlines = dict(zip(areas["name"][there], areas.geometry[there]))
    if (whole := union_of(list(outlines.values()))) is not None:
        outlines[ALL] = whole
    taken = np.zeros(len(people), bool)
    for outline in list(outlines.values()):
        taken[tree.query(outline, "contains")] = True
    out = {}
    for name, outline in outlines.items():
        rows = np.sort(tree.query(outline, "intersects"))
        inside = shapely.intersection(shapes[rows], outline)
        part = np.where(flat[rows], shapely.area(inside), shapely.length(inside))
        share = np.divide(part, size[rows], out=np.ones(len(rows)), where=size[rows] > 0)
        held = shapely.contains(outline, shapes[rows]) | ~taken[rows] | (name == ALL)
        taken[rows] = True
        keep = held | (size[rows] > 0)
        out[name] = rows[keep], share[keep]
    return out


def coverage_on(
    ground: Ground,
    facilities: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    value: str,
    limits_min: Sequence[float],
    *,
    snap_m: float,
    beside: bool = False,
    areas: gpd.GeoDataFrame | None = None,
    rank: int = 1,
    by: str | None = None,
) -> Answer:
    """Who is within so many minutes of a facility, of people given as places of their own?

    They are `beside` streets as `urbanplan.study.streets.put` says.

    Returns
    -------
    Answer
        ``area, minutes, persons, persons_covered, share``; people too far from any way count
        as not covered, and are said.
    """
    persons = _amounts(demand, value)
    people = to_crs(demand, ground.crs)
    homes, notes = _homes(ground, demand, snap_m, beside)
    there, more = put(ground, facilities, snap_m, "facilities", beside=beside)
    named = None if areas is None else named_areas(areas, ground.crs)
    ways = Ways(ground, homes)
    asked = (limits_min, named, rank, by)
    table = point_coverage(ways, there, people, persons, homes, *asked)
    alone = (
        *apart(ground, homes, there, "places of demand", "facility", leave=True),
        *apart(ground, there, homes, "facilities", "place of demand", leave=False),
    )
    lost = _uncounted(table, persons)
    return Answer(table, (*findings_of(ground), *notes, *more, *alone, *lost))


def _homes(
    ground: Ground, demand: gpd.GeoDataFrame, snap_m: float, beside: bool
) -> tuple[Placed, tuple[str, ...]]:
    points, areas = as_points(demand)
    homes, lost = put(ground, points, snap_m, "places of demand", beside=beside)
    return homes, (*areas, *(note.replace("left out", "counted as not covered") for note in lost))


def access_of(
    ways: Ways,
    supply: Placed,
    capacity: pd.Series,
    homes: Placed,
    persons: pd.Series,
    method: str,
    limit_min: float,
    decay: str | None = None,
    figure: float | None = None,
) -> pd.Series:
    """Access of every home that `persons` names; 0 for those that reach nothing or have no place.

    Parameters
    ----------
    ways : Ways
    supply, homes : Placed
    capacity, persons : Series
        By the ids of both.
    method, limit_min, decay, figure
        See `urbanplan.measures.accessibility.access`.

    Returns
    -------
    Series
        ``access`` on the index of `persons`.
    """
    import pandas as pd

    # People travel to the supply; searching from the few is quicker than from the many.
    table = matrix(ways.ground, supply, homes, limit_min=limit_min, direction="to")
    pairs = Pairs(
        table["destination"].to_numpy(), table["origin"].to_numpy(), table["minutes"].to_numpy()
    )
    people, amount = persons[homes.ids].to_numpy(float), capacity[supply.ids].to_numpy(float)
    found = access(pairs, people, amount, method, limit_min, decay, figure)
    return pd.Series(found, homes.ids, name="access").reindex(persons.index, fill_value=0.0)


def access_on(
    ground: Ground,
    supply: gpd.GeoDataFrame,
    capacity: str,
    demand: gpd.GeoDataFrame,
    value: str,
    method: str,
    limit_min: float,
    *,
    snap_m: float,
    beside: bool = False,
    decay: str | None = None,
    figure: float | None = None,
) -> Answer:
    """What of a supply falls to each home given as a place of its own: the demand's columns and ``access``."""
    persons, amount = _amounts(demand, value), _amounts(supply, capacity)
    homes, notes = _homes(ground, demand, snap_m, beside)
    there, more = put(ground, supply, snap_m, "facilities", beside=beside)
    ways = Ways(ground, homes)
    found = access_of(ways, there, amount, homes, persons, method, limit_min, decay, figure)
    frame = to_crs(demand, WGS84).copy()
    frame["access"] = found[frame["id"]].to_numpy()
    frame["mode"] = ground.mode.id
    return Answer(worth(ground, frame), (*findings_of(ground), *notes, *more))


def city_access(
    ready: Ready,
    ways: Ways,
    supply: gpd.GeoDataFrame,
    capacity: str,
    method: str,
    limit_min: float,
    *,
    decay: str | None = None,
    figure: float | None = None,
) -> Answer:
    """What of a supply falls to the people of each cell: squares with ``persons, area, group, access``.

    Facilities whose capacity nobody published are left out and listed, so access is a floor.
    """
    import geopandas as gpd
    import shapely

    demand = require_people(ready)
    demand = demand[demand["persons"] > 0]
    supply, notes = require_supply(supply, capacity)
    there, persons = ready.put(ways, ready.metric(supply)), ready.demand["persons"].fillna(0.0)
    amount, homes = _amounts(supply, capacity), ready.homes(ways)
    found = access_of(ways, there, amount, homes, persons, method, limit_min, decay, figure)
    grid = ready.ground.grid
    x, y = grid.centres(demand.index.to_numpy())
    half = grid.cell_m / 2
    table = demand[["persons", "area", "group"]].reset_index()
    table["access"] = found[demand.index].to_numpy()
    rough = accuracy_under(ready.layers, (), grid.cell_m)
    if "accuracy_m" in supply:
        rough = float(np.nanmax([rough, *supply["accuracy_m"].astype(float)]))
    table["mode"], table["quality"], table["accuracy_m"] = ways.mode.id, "modelled", rough
    squares = shapely.box(x - half, y - half, x + half, y + half)
    frame = to_crs(gpd.GeoDataFrame(table, geometry=squares, crs=grid.crs), WGS84)
    return Answer(frame, (*ready.findings, *notes))


def city_reach(
    ready: Ready,
    ways: Ways,
    origins: gpd.GeoDataFrame,
    value: str,
    limits_min: Sequence[float],
    *,
    snap_m: float,
    direction: str = "from",
    progress: Progress | None = None,
) -> Answer:
    """How many of a city's own people are within each limit of each origin; as `urbanplan.study.streets.reach_on`."""
    persons, homes = require_people(ready)["persons"].fillna(0.0), ready.homes(ways)
    frame, notes = sums_around(
        ways.ground, origins, homes, persons[homes.ids].to_numpy(float), value, limits_min,
        snap_m=snap_m, direction=direction, progress=progress,
    )  # fmt: skip
    return Answer(frame, (*ready.findings, *notes))


def require_people(ready: Ready) -> pd.DataFrame:
    """The demand of a city; raise `InputError` if nobody knows who lives where."""
    if not (ready.demand["persons"] > 0).any():
        raise InputError(
            "nobody knows who lives where", where=ready.city.id, remedy="import a population layer"
        )
    return ready.demand


def require_supply(supply: gpd.GeoDataFrame, column: str) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:  # fmt: skip
    """Facilities whose capacity is known, and a sentence about the others.

    Raises
    ------
    InputError
        If nobody's is, or one is no figure of 0 or more.
    """
    if column in supply and supply[column].isna().all():
        raise InputError(f"no facility has a figure for '{column}'", remedy="fill it in")
    empty = supply[column].isna() if column in supply else np.zeros(len(supply), bool)
    known = supply[~empty]
    _amounts(known, column)
    if not empty.any():
        return known, ()
    lost = supply[empty]
    called = [str(fid) for fid in lost["id"]]
    if "name_zh" in lost:
        called = [fid if is_missing(n) else n or fid for n, fid in zip(lost["name_zh"], called)]
    text = f"{len(lost)} of {len(supply)} have no published '{column}' and are left out: {', '.join(called)}"
    return known, (text,)


def fairness(frame: pd.DataFrame, value: str, people: str, area: str | None = None) -> pd.Series:
    """How unequally a column is spread over people; see `urbanplan.measures.coverage.inequality`."""
    areas = np.full(len(frame), ALL) if area is None else frame[area].to_numpy(str)
    amount, heads = frame[value].to_numpy(float), frame[people].to_numpy(float)
    urban = (frame["group"] == "urban").to_numpy() if "group" in frame else None
    return inequality(amount, heads, areas, urban)


def require_amounts(frame: gpd.GeoDataFrame, column: str, some: str = "") -> None:
    """Raise before anything is computed unless a column holds figures of 0 or more.

    Parameters
    ----------
    frame : GeoDataFrame
        With ``id``.
    column : str
    some : str
        What the rows are called where not all of the figures may be 0.

    Raises
    ------
    InputError
        Naming the column, the row, or that all are 0.
    """
    if not _amounts(frame, column).sum() > 0 and some:
        raise InputError(f"the {some} have no '{column}' above 0", remedy="fill the column, or name another")  # fmt: skip


def _amounts(frame: gpd.GeoDataFrame, column: str) -> pd.Series:
    amount = numbers(frame, column)
    if (amount < 0).any():
        raise InputError(
            f"'{column}' of '{amount.index[amount < 0][0]}' is below 0", remedy="correct it"
        )
    return amount
