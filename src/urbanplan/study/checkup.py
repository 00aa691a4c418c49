"""The city check-up of a folder: its layers, people and ways made ready for the indicators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import to_crs
from urbanplan.base.grid import ALL, parts
from urbanplan.catalog import load_catalog
from urbanplan.catalog.standards import GRADES, Indicator, held_in, read_standards
from urbanplan.city.layers import covered_share, require, require_usable, told_apart
from urbanplan.city.profile import City
from urbanplan.errors import InputError
from urbanplan.measures.coverage import Parts, minutes_to_nearest
from urbanplan.measures.indicators import (
    CERTAIN,
    CannotTellError,
    Scene,
    Trust,
    borrowed_text,
    no_slopes,
    trust_of,
)
from urbanplan.routing import Network, nearest
from urbanplan.sources.rasters import heights_at
from urbanplan.study.model import STREETS, Ready, Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: What a city's own indicators are called.
OWN = "standards.toml"
#: Columns that may name an area, likeliest first.
_NAMES = ("name_zh", "name", "xzqmc", "名称", "area", "district", "name_en", "id")
#: Columns that may hold an area's code: parts of one area have one.
_CODES = ("adcode", "XZQDM", "行政区代码", "区划代码")


def standards_of(city: City, asked: tuple[str, ...] = ()) -> Mapping[str, Indicator]:
    """Shipped indicators, with those of the city's folder added or in their place.

    Those of another country judge nothing there; their thresholds are told if `asked` names them.
    """
    known = read_standards(city.find(OWN) if city.has(OWN) else None)
    return held_in(known, city.country, asked)


def listed(standards: Mapping[str, Indicator]) -> pd.DataFrame:
    """What standards ask for, one row per indicator."""
    import pandas as pd

    columns = [
        "id", "name_zh", "name_en", "standard", "document", "clause", "level", "measure", "of",
        "threshold", "direction", "unit", "applies_to", "grade", "source", "quote", "note",
    ]  # fmt: skip
    rows = [
        {**{c: getattr(one, c) for c in columns}, "borrowed": borrowed_text(one)}
        for one in standards.values()
    ]
    table = pd.DataFrame(rows, columns=[*columns, "borrowed"])
    return table.assign(threshold=table["threshold"].astype(float))


def untold(table: pd.DataFrame) -> pd.DataFrame:
    """Why indicators cannot be told, most of them first.

    Parameters
    ----------
    table : DataFrame
        From `urbanplan.measures.indicators.check_up`.

    Returns
    -------
    DataFrame
        ``why, count, indicators``; one row per reason, "Chinese / English".
    """
    known = table.loc[table["verdict"] != "cannot be told", "indicator"]
    rest = table[~table["indicator"].isin(known)].drop_duplicates("indicator")
    found = rest.groupby("why", sort=False)["indicator"].agg(["size", ", ".join]).reset_index()
    found.columns = ["why", "count", "indicators"]
    return found.sort_values(["count", "why"], ascending=[False, True]).reset_index(drop=True)


def counted(table: pd.DataFrame) -> str:
    """How many indicators of a check-up can be told."""
    every = table["indicator"].nunique()
    return f"{every} indicators, {every - int(untold(table)['count'].sum())} can be told from this data"


def grade_notes(grades: Iterable[str]) -> list[str]:
    """What each of some grades is called and allows: "Chinese / English"."""
    words = load_catalog().symbols.values
    pairs = ((words["grade"][g], words["grade_means"][f"grade {g}"]) for g in GRADES if g in grades)
    return [f"{name['zh']}：{means['zh']} / {name['en']}: {means['en']}" for name, means in pairs]


def named_areas(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """Areas of any file as ``name`` and outline in a metric system; equal names are told apart.

    Raises
    ------
    InputError
        If there is none, no column names them, a name is empty, or one is no polygon.
    """
    import geopandas as gpd
    import shapely

    if not len(frame):
        raise InputError("there are no areas", remedy="draw at least one")

    # In any case, as KML says Name; a column of figures, such as an area in km², names nothing.
    held = {str(c).casefold(): c for c in reversed(list(frame.columns))}
    known = [held[n] for n in _NAMES if n in held]
    column = next((c for c in known if frame[c].map(lambda v: isinstance(v, str)).all()), None)
    if column is None:
        raise InputError(
            "no column names the areas", remedy=f"add a column such as {', '.join(_NAMES[:3])}"
        )
    odd = ~frame.geom_type.isin(["Polygon", "MultiPolygon"])
    if odd.any():
        raise InputError(
            f"area '{frame[column][odd].iloc[0]}' is no polygon", remedy="draw its outline"
        )
    frame = to_crs(frame, crs).reset_index(drop=True)
    shapes = shapely.make_valid(frame.geometry.values)
    if (frame[column].str.strip() == ALL).any():
        raise InputError(f"an area is called '{ALL}', which is what the whole is called", remedy="call it otherwise")  # fmt: skip
    code = next((frame[c] for c in _CODES if c in frame), None)
    names = told_apart(frame[column].str.strip(), code).rename("name")
    whole = gpd.GeoDataFrame(geometry=shapes, crs=frame.crs).dissolve(names)
    return whole.sort_index().reset_index()[["name", "geometry"]]


def areas_of(ready: Ready, own: gpd.GeoDataFrame | None) -> tuple[gpd.GeoDataFrame, Parts]:
    """Reporting areas of a city (its districts, or `own`), and which people live in each.

    In areas that are not the districts, each cell counts with the exact share that lies there.
    """
    if own is not None:
        areas = named_areas(own, ready.city.metric_crs)
        cells, ground = ready.demand.index.to_numpy(), ready.ground
        return areas, parts(cells, ground.grid, areas, "name", ground.area)
    (districts,) = require(ready.layers, "districts")
    return named_areas(require_usable(districts, "name_zh"), ready.city.metric_crs), ready.parts


def scene_of(
    ready: Ready,
    own: gpd.GeoDataFrame | None = None,
    ways: Callable[[str], Ways] | None = None,
) -> Scene:
    """A city as indicators see it.

    Parameters
    ----------
    ready : Ready
    own : GeoDataFrame, optional
        Reporting areas in place of the districts.
    ways : callable, optional
        Mode's id to how it gets about; where it was made before, it need not be made again.
    """
    areas, share = areas_of(ready, own)
    catalog = load_catalog()
    if ways is None:
        ways = cache(lambda mode: ready.ways(catalog.mode(mode)))

    def cells(facilities: gpd.GeoDataFrame, mode: str) -> np.ndarray:
        found = nearest(ways(mode).ground, ready.put(ways(mode), facilities))
        grid = ways(mode).per_cell(ready.ground.grid, found)
        return minutes_to_nearest(ready.demand, grid, mode).to_numpy()

    def at(points: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, mode: str) -> np.ndarray:
        placed = ready.put(ways(mode), points)
        found = nearest(ways(mode).ground, ready.put(ways(mode), facilities)).at(placed)
        return dict_of(placed.ids, found, points["id"])

    def streets() -> Network:
        ground = None if ready.streets is None else ways("drive").ground
        if not isinstance(ground, Network):
            raise CannotTellError("没有街道网络数据 / there are no streets to measure")
        return ground

    def slopes() -> tuple[np.ndarray, Trust]:
        grid = ready.ground.grid
        if ready.heights is None or min(grid.shape) < 2:
            return no_slopes()
        at = np.c_[grid.centres(np.arange(grid.rows * grid.columns))]
        metres = heights_at(ready.heights, at, ready.city.metric_crs).reshape(grid.shape)
        down, across = np.gradient(metres, grid.cell_m)
        covered = covered_share(ready.city, "heights.tif")
        steep = 100 * np.hypot(down, across).ravel()
        return steep, Trust(frozenset({"derived"}), float(grid.cell_m), covered)

    return Scene(
        layers=ready.layers,
        demand=ready.demand,
        grid=ready.ground.grid,
        crs=ready.city.metric_crs,
        areas=areas,
        parts=share,
        cells=cells,
        at=at,
        mode=catalog.mode,
        streets=streets,
        people_trust=_people_trust(ready),
        ground_trust=_ground_trust(ready),
        covered=lambda layer: covered_share(ready.city, f"{layer}.geojson"),
        slopes=slopes,
    )


def dict_of(ids: np.ndarray, values: np.ndarray, wanted: Iterable[str]) -> np.ndarray:
    """Values in the order of the ids that are wanted; infinity for those that have none."""
    known = dict(zip(ids, values))
    return np.array([known.get(i, np.inf) for i in wanted], float)


def _people_trust(ready: Ready) -> Trust:
    if ready.city.has("population.tif"):
        # A raster of counts is a model; its accuracy is that of the cells that it is laid on.
        covered = covered_share(ready.city, "population.tif")
        return Trust(frozenset({"modelled"}), float(ready.ground.grid.cell_m), covered)
    census = ready.layers.get("population")
    if census is None or not len(census.located):
        return CERTAIN
    covered = covered_share(ready.city, "population.geojson")
    return replace(trust_of(census.located), covered_share=covered)


def _ground_trust(ready: Ready) -> Trust:
    # Without water, land is where none may be.
    files = ["water.geojson"]
    if ready.streets is not None:
        files += [STREETS, *["heights.tif"] * (ready.heights is not None)]
        return Trust(frozenset({"derived"}), 0.0, covered_share(ready.city, *files))
    # Minutes over land are modelled, whatever its roads are drawn after.
    files += [f"{name}.geojson" for name in ("built_up", "roads", "bridges")]
    covered = covered_share(ready.city, *files)
    return Trust(frozenset({"modelled"}), float(ready.ground.grid.cell_m), covered)
