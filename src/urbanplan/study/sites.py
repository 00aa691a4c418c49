"""Who is to be served and where sites could be: a city's people in squares, a grid of places."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import WGS84, to_crs
from urbanplan.base.grid import ALL
from urbanplan.errors import InputError
from urbanplan.measures.accessibility import Pairs
from urbanplan.routing import Placed, matrix, nearest
from urbanplan.routing.places import Ground
from urbanplan.siting import (
    Effort,
    Problem,
    Siting,
    alternatives,
    conflicts,
    equity_weights,
    marginal_curve,
    solve,
)
from urbanplan.study.model import Ready, Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


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
    #: Where they live, in the ground's system.
    xy: np.ndarray
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
    notes: tuple[str, ...] = note if lost >= 1 else ()
    if side > 1:
        metres = side * grid.cell_m
        notes += (f"人口归并到 {metres:.0f} 米方格，因此与 coverage 的人数略有出入 / people are gathered into squares of {metres:.0f} m, so counts differ a little from those of 'coverage'",)  # fmt: skip
    kept = here >= 0
    sorted_rows = np.argsort(here[kept], kind="stable")
    rows = np.flatnonzero(np.isin(placed.feature, here[kept]))
    take = np.flatnonzero(kept)[sorted_rows]
    return Homes(
        placed.of(rows), sums[take], area[lead][take], group[lead][take], notes,
        np.stack(grid.centres(cells[lead][take]), axis=1), side * grid.cell_m,
    )  # fmt: skip


#: Models whose question is who is within a limit.
COVER = ("lscp", "mclp")
#: More pairs of homes and sites than this would not fit into memory beside the search.
_MOST_PAIRS = 60_000_000


@dataclass(frozen=True)
class SitingQuestion:
    """What is asked.

    Attributes
    ----------
    model : str
        Of `urbanplan.siting.MODELS`.
    p : int or None
        Number of new sites; lscp finds it itself.
    minutes : float
        The limit of coverage; p_median and p_center count ways of any length.
    spacing_m : float
        New sites are at least so far apart, and from existing facilities.
    budget : float, optional
        What the sites may cost, with a column ``cost`` of the candidates.
    capacity : str, optional
        Column of persons that a site can serve.
    equity : float
        The worst-off tenth counts so many times.
    seconds : float, optional
        Time limit of the solver; without one it goes on until it is proven.
    curve, alternatives : int
        Up to how many sites the marginal curve goes; how many near-optimal choices are told.
    """

    model: str
    p: int | None
    minutes: float
    spacing_m: float = 0.0
    budget: float | None = None
    capacity: str | None = None
    equity: float = 1.0
    seconds: float | None = None
    curve: int = 0
    alternatives: int = 0


@dataclass(frozen=True)
class SitingAnswer:
    """What is answered.

    Attributes
    ----------
    sites : GeoDataFrame
        WGS84: ``site, name, cost`` (where candidates have them)``, rank, persons_new, objective, bound, gap, proven, model,
        minutes, mode, quality, accuracy_m``, best first.
    served : DataFrame
        Whom each site newly serves: ``site, rank, area, group, persons``.
    homes : GeoDataFrame
        WGS84; where those live: ``rank, site, persons, area, quality, accuracy_m``; squares of a city, else points.
    curve : DataFrame
        ``p, objective, gain, bound, proven``: what the next site still brings.
    others : DataFrame
        Near-optimal choices: ``choice, sites, places`` (lon,lat of each)``, objective, worse_share``.
    siting : Siting
    findings : tuple of str
    """

    sites: gpd.GeoDataFrame
    served: pd.DataFrame
    homes: gpd.GeoDataFrame
    curve: pd.DataFrame
    others: pd.DataFrame
    siting: Siting
    findings: tuple[str, ...]


def city_sites(
    ready: Ready,
    ways: Ways,
    question: SitingQuestion,
    candidates: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame | None,
    progress: Callable[[float, float, float], None] | None = None,
) -> SitingAnswer:
    """Choose sites for a city's own people.

    Parameters
    ----------
    ready, ways
        The city, and how one gets about.
    question : SitingQuestion
    candidates : GeoDataFrame
        Points with an ``id``, such as from `grid_candidates`.
    existing : GeoDataFrame, optional
        Facilities that are there already.
    progress : callable, optional
        Called with the best objective, the bound and the gap.

    Notes
    -----
    In a large city people are gathered into squares, some 12,000 at most, at the cell where most of
    each live (500 m for a city of 2,000 km²); whom the sites reach is then a matter of squares, and the
    figures are as fine as these: see ``accuracy_m``.
    """
    homes = gathered(ready, ways)
    put = lambda frame: ready.put(ways, ready.metric(frame))  # noqa: E731
    return _answer(ways.ground, homes, question, candidates, existing, put, progress)


def sites_on(
    ground: Ground,
    question: SitingQuestion,
    candidates: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame | None,
    people: gpd.GeoDataFrame,
    value: str,
    *,
    snap_m: float,
    progress: Callable[[float, float, float], None] | None = None,
) -> SitingAnswer:
    """Choose sites for people given as places of their own, on any ground."""
    from urbanplan.study.streets import as_points, numbers
    from urbanplan.study.streets import put as put_on

    points, said = as_points(people)
    placed, notes = put_on(ground, points, snap_m, "demand")
    held = numbers(people, value).loc[list(placed.ids)].to_numpy(float)
    none = np.full(len(held), "", object)
    there = to_crs(points, ground.crs).set_index("id").loc[list(placed.ids)]
    xy = there.representative_point().get_coordinates().to_numpy()
    homes = Homes(placed, held, none, none, (*said, *notes), xy)
    put = lambda frame: put_on(ground, as_points(frame)[0], snap_m, "sites")[0]  # noqa: E731
    return _answer(ground, homes, question, candidates, existing, put, progress)


def _answer(
    ground: Ground,
    homes: Homes,
    question: SitingQuestion,
    candidates: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame | None,
    put: Callable[[gpd.GeoDataFrame], Placed],
    progress: Callable[[float, float, float], None] | None,
) -> SitingAnswer:
    there = existing if existing is not None and len(existing) else None
    placed = put(candidates)
    if not len(placed):
        raise InputError(
            "no candidate stands where one can get to", where="--candidates", remedy="move them"
        )
    fixed = None if there is None else put(there)
    notes = [*homes.notes, *_unplaced(placed, "候选点", "candidates")]
    frame = candidates.set_axis([str(i) for i in candidates["id"]], axis=0).loc[
        [str(i) for i in placed.ids]
    ]
    homes, pairs, said = _reached(ground, homes, question, placed, fixed)
    notes += said
    problem = _problem(ground, homes, pairs, question, placed, frame, fixed)
    notes += _too_near(problem, question)
    effort = Effort(seconds=question.seconds)
    found = solve(problem, question.model, question.p, effort=effort, progress=progress)
    if len(found.unreachable):
        limit = question.minutes if question.model in COVER else None
        notes.append(_beyond(homes.persons[found.unreachable].sum(), limit))
    known = len(fixed) if fixed is not None else 0
    notes += _spent(found, problem, question)
    return SitingAnswer(
        _sites(found, frame, known, question, ground, homes.square_m),
        _served(found, homes, frame, known),
        _homes(found, homes, frame, known, ground),
        _curve(problem, question, effort),
        _others(problem, question, found, frame, known, effort),
        found,
        tuple(notes),
    )


def _unplaced(placed: Placed, zh: str, en: str) -> list[str]:
    count = len(placed.unplaced)
    return [f"{count} 个{zh}距可通行处过远 / {count} {en} too far from any way"] if count else []


def _too_near(problem: Problem, question: SitingQuestion) -> list[str]:
    # The spacing holds to what is there already, too.
    if not problem.fixed.any():
        return []
    clash = problem.conflicts[problem.fixed[problem.conflicts].sum(axis=1) == 1]
    near = np.unique(clash[~problem.fixed[clash]])
    if not len(near):
        return []
    return [
        f"{len(near)} 个候选点距已有设施不足 {question.spacing_m:g} 米，不能选 /"
        f" {len(near)} candidates lie within {question.spacing_m:g} m of a facility that is there, and cannot be chosen"
    ]


def _spent(found: Siting, problem: Problem, question: SitingQuestion) -> list[str]:
    said = []
    if not len(found.sites):
        said.append("没有选出地点 / no site was chosen")
    if problem.cost is not None and len(found.sites):
        cost = float(problem.cost[found.sites].sum())
        said.append(
            f"花费 {cost:,.6g}，预算 {question.budget:,.6g} / {cost:,.6g} of the budget of {question.budget:,.6g} is spent"
        )
    return said


def _beyond(lost: float, minutes: float | None) -> str:
    zh, en = (f" {minutes:g} 分钟内", f" within {minutes:g} minutes") if minutes else ("", "")
    return f"{lost:,.0f} 人{zh}任何地点都到不了，未计入 / {lost:,.0f} people whom no site reaches{en}, not counted"  # fmt: skip


def _reached(
    ground: Ground, homes: Homes, question: SitingQuestion, placed: Placed, fixed: Placed | None
) -> tuple[Homes, Pairs, list[str]]:
    # Which homes reach which sites, existing ones first, and who reaches none.
    import pandas as pd

    limit = question.minutes if question.model in COVER else np.inf
    if question.model not in COVER and len(homes.persons) * len(placed) > _MOST_PAIRS:
        raise InputError(
            f"{len(homes.persons):,} homes and {len(placed):,} candidates are too many for {question.model}",
            where="--candidates",
            remedy="use fewer candidates, such as grid:1000",
        )
    tables, before = [], 0
    for some in [fixed, placed] if fixed is not None else [placed]:
        table = matrix(ground, some, homes.placed, limit_min=limit, direction="to")
        tables.append(table.assign(origin=table["origin"] + before))
        before += len(some)
    both = pd.concat(tables, ignore_index=True)
    pairs = Pairs(both["destination"].to_numpy(), both["origin"].to_numpy(), both["minutes"].to_numpy())  # fmt: skip
    lost = np.setdiff1d(np.arange(len(homes.persons)), pairs.demand)
    if question.model in COVER or not len(lost):
        return homes, pairs, []
    # Minutes without end would decide everything: who reaches nothing is left out, and it is said.
    keep = np.setdiff1d(np.arange(len(homes.persons)), lost)
    if not len(keep):
        raise InputError("nobody reaches any candidate", where="--candidates", remedy="move them")
    note = _beyond(homes.persons[lost].sum(), None)
    rows = np.flatnonzero(np.isin(homes.placed.feature, keep))
    left = Homes(homes.placed.of(rows), homes.persons[keep], homes.area[keep], homes.group[keep], (), homes.xy[keep], homes.square_m)  # fmt: skip
    return left, Pairs(np.searchsorted(keep, pairs.demand), pairs.supply, pairs.minutes), [note]


def _problem(
    ground: Ground,
    homes: Homes,
    pairs: Pairs,
    question: SitingQuestion,
    placed: Placed,
    frame: gpd.GeoDataFrame,
    fixed: Placed | None,
) -> Problem:
    count = 0 if fixed is None else len(fixed)
    before = count + len(placed)
    is_fixed = np.arange(before) < count
    xy = np.concatenate([_middles(p) for p in ([fixed, placed] if fixed is not None else [placed])])
    worth, none = homes.persons, np.empty((0, 2), np.int64)
    if question.equity != 1:
        now = np.full(len(homes.persons), np.inf)
        if fixed is not None and len(fixed):
            now = nearest(ground, fixed).at(homes.placed)
        worth = equity_weights(homes.persons, now, factor=question.equity)
    return Problem(
        pairs, homes.persons, before, is_fixed,
        capacity=_column(question.capacity, frame, count, np.inf),
        cost=_column("cost" if question.budget is not None else None, frame, count, 0.0),
        budget=question.budget,
        conflicts=conflicts(xy, question.spacing_m) if question.spacing_m else none,
        worth=worth,
    )  # fmt: skip


def _middles(placed: Placed) -> np.ndarray:
    count = np.bincount(placed.feature, minlength=len(placed))
    return np.stack([np.bincount(placed.feature, xy, len(placed)) / count for xy in placed.xy.T], axis=1)  # fmt: skip


def _column(
    name: str | None, frame: gpd.GeoDataFrame, fixed: int, default: float
) -> np.ndarray | None:
    import pandas as pd

    if name is None:
        return None
    if name not in frame:
        raise InputError(
            f"the candidates have no column '{name}'",
            where="--candidates",
            remedy=f"add it, one of {', '.join(map(str, frame.columns.drop('geometry')))} is there",
        )
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        raise InputError(f"'{name}' is no figure everywhere", where="--candidates", remedy="fill it in")  # fmt: skip
    return np.r_[np.full(fixed, default), values]


def _sites(
    found: Siting,
    frame: gpd.GeoDataFrame,
    fixed: int,
    question: SitingQuestion,
    ground: Ground,
    square_m: float,
) -> gpd.GeoDataFrame:
    chosen = frame.iloc[found.sites - fixed].copy()
    told = {}
    for name, known in (("name", ("name_zh", "name", "名称", "name_en")), ("cost", ("cost",))):
        column = next((c for c in known if c in chosen), None)
        if column is not None:
            told[name] = chosen[column].to_numpy()
    own = {
        "site": list(chosen.index),
        **told,
        "rank": np.arange(1, len(chosen) + 1),
        "persons_new": found.persons_new,
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "proven": found.proven,
        "model": question.model,
        "minutes": question.minutes,
        "mode": ground.mode.id,
        "quality": "modelled",
        "accuracy_m": square_m,
        "source": "urbanplan siting",
    }
    import geopandas as gpd

    places = to_crs(chosen, WGS84).geometry
    return gpd.GeoDataFrame(own, geometry=places.values, crs=WGS84)[[*own, "geometry"]]


def _served(found: Siting, homes: Homes, frame: gpd.GeoDataFrame, fixed: int) -> pd.DataFrame:
    import pandas as pd

    rank = {int(s): i + 1 for i, s in enumerate(found.sites)}
    names = frame.index.to_numpy(str)
    table = pd.DataFrame(
        {
            "site": [names[s - fixed] for s in found.newly.site],
            "rank": [rank[int(s)] for s in found.newly.site],
            "area": homes.area[found.newly.demand],
            "group": homes.group[found.newly.demand],
            "persons": found.newly.persons,
        }
    )
    keys = ["rank", "site", "area", "group"]
    parts = table.groupby(keys, as_index=False)["persons"].sum()
    whole = table.groupby(["rank", "site"], as_index=False)["persons"].sum().assign(area=ALL, group="")  # fmt: skip
    both = pd.concat([parts, whole], ignore_index=True)
    both["_last"] = both["area"] == ALL
    both = both.sort_values(["rank", "_last", "area", "group"], kind="stable", ignore_index=True)
    return both[["site", "rank", "area", "group", "persons"]]


def _homes(
    found: Siting, homes: Homes, frame: gpd.GeoDataFrame, fixed: int, ground: Ground
) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    rank = {int(s): i + 1 for i, s in enumerate(found.sites)}
    names, newly = frame.index.to_numpy(str), found.newly
    own = {
        "rank": [rank[int(s)] for s in newly.site],
        "site": [names[s - fixed] for s in newly.site],
        "persons": newly.persons,
        "area": homes.area[newly.demand],
        "quality": "modelled",
        "accuracy_m": homes.square_m,
    }
    x, y = homes.xy[newly.demand].T
    half = homes.square_m / 2
    shapes = shapely.box(x - half, y - half, x + half, y + half) if half > 0 else shapely.points(x, y)  # fmt: skip
    return to_crs(gpd.GeoDataFrame(own, geometry=shapes, crs=ground.crs), WGS84)


def _curve(problem: Problem, question: SitingQuestion, effort: Effort) -> pd.DataFrame:
    import pandas as pd

    columns = ["p", "objective", "gain", "bound", "proven"]
    if not question.curve or question.model == "lscp":
        return pd.DataFrame(columns=columns)
    found = marginal_curve(problem, question.model, question.curve, effort=effort)
    return pd.DataFrame({c: getattr(found, c) for c in columns})


def _others(
    problem: Problem,
    question: SitingQuestion,
    found: Siting,
    frame: gpd.GeoDataFrame,
    fixed: int,
    effort: Effort,
) -> pd.DataFrame:
    import pandas as pd

    columns = ["choice", "sites", "places", "objective", "worse_share"]
    if not question.alternatives:
        return pd.DataFrame(columns=columns)
    names, places = frame.index.to_numpy(str), to_crs(frame, WGS84).geometry
    at = np.array([f"{p.x:.5f},{p.y:.5f}" for p in places.representative_point()])
    rows = [
        [
            i,
            "+".join(names[one.siting.sites - fixed]),
            "; ".join(at[one.siting.sites - fixed]),
            one.siting.objective,
            one.worse_share,
        ]
        for i, one in enumerate(
            alternatives(problem, found, question.alternatives, effort=effort), 2
        )
    ]
    return pd.DataFrame(rows, columns=columns)
