"""A run: from a city's folder to results, stage by stage, with what each stage cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanplan.catalog import Mode, load_catalog
from urbanplan.city import City
from urbanplan.coverage import coverage, minutes_to_nearest
from urbanplan.crs import WGS84, require_fit, to_crs
from urbanplan.demand import blocks, spread
from urbanplan.errors import InputError, UnknownNameError
from urbanplan.layers import Layer, check_city, load_layers
from urbanplan.layers.model import require, require_usable
from urbanplan.surface import Ground, Surface, build_ground, build_surface
from urbanplan.traveltime import Placed, Starts, isochrones, margin_min, nearest, place

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from shapely import MultiPolygon

    from urbanplan.grid import Grid


_BANDS = ["facilities", "mode", "minutes", "area_km2", "quality", "geometry"]
_ISOCHRONES = [*_BANDS[:1], "origin", "name_zh", "name_en", *_BANDS[1:]]


@dataclass(frozen=True)
class Results:
    """What a run found; publishers turn it into files and compute nothing themselves.

    Attributes
    ----------
    city : City
    layers : dict of str to Layer
        Input layers in the catalogue's order.
    checks : DataFrame
        See `urbanplan.layers.check_city`.
    coverage : DataFrame
        Columns ``facilities, mode, minutes, area, persons, persons_covered, share, km2,
        km2_covered, km2_share``; `area` is a district's name or ``ALL``.
    what_ifs : DataFrame
        The headline's coverage with planned features added: ``what_if, name_zh, name_en,
        facilities, mode, minutes, area, persons, persons_covered, persons_gained``.
    bands : GeoDataFrame
        WGS84; ``facilities, mode, minutes, area_km2, quality``: everywhere within `minutes` of any facility.
    isochrones : GeoDataFrame
        WGS84; ``facilities, origin, name_zh, name_en, mode, minutes, area_km2``: one per facility.
    demand : GeoDataFrame
        WGS84 squares of 500 m: ``persons``, ``area`` and one ``<facilities>_<mode>_min`` column
        (person-weighted mean minutes to the nearest facility, NaN where nobody lives).
    minutes : dict of (str, str) to ndarray
        (facilities, mode) to minutes per cell of `grid`; NaN where there is no way.
    grid : Grid
    findings : tuple of str
        What the reader must know: facilities without a place, points that were moved, and so on.
    """

    city: City
    layers: Mapping[str, Layer]
    checks: pd.DataFrame
    coverage: pd.DataFrame
    what_ifs: pd.DataFrame
    bands: gpd.GeoDataFrame
    isochrones: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    minutes: Mapping[tuple[str, str], np.ndarray]
    grid: Grid
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """A city made ready for analysis: layers, ground and demand in its metric system."""

    city: City
    layers: Mapping[str, Layer]
    ground: Ground
    demand: pd.DataFrame

    def metric(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """`frame` in the city's metric system."""
        return to_crs(frame, self.city.metric_crs)

    def surface(self, mode: Mode, opened: tuple[str, ...] = ()) -> Surface:
        """Surface of one mode on existing roads and bridges, and on planned ones in `opened`."""
        roads, bridges = require(self.layers, "roads", "bridges")
        return build_surface(
            self.ground,
            mode,
            self.metric(roads.with_status("existing", also=opened)),
            self.metric(bridges.with_status("existing", also=opened)),
        )

    def placed(self, surface: Surface, facilities: str) -> Placed:
        """Existing facilities of one kind, put on a surface."""
        (layer,) = require(self.layers, facilities)
        here = self.metric(layer.with_status("existing"))
        return place(surface, here, self.city.analysis.snap_m)


def prepare(city: City, layers: Mapping[str, Layer] | None = None) -> Ready:
    """Read a city and lay out its ground and its people.

    Parameters
    ----------
    city : City
    layers : mapping, optional
        Its layers, when they are already loaded.
    """
    layers = load_layers(city) if layers is None else layers
    area, districts = (require_usable(x) for x in require(layers, "study_area", "districts"))
    zones = require_usable(*require(layers, "population"), "persons")
    require_fit(area.geometry.union_all(), city.metric_crs, city.id)
    # A city may have no river, and no land that is marked as built up.
    water, built_up = (
        require_usable(x) if len(x.located) else x.located
        for x in require(layers, "water", "built_up")
    )
    existing = built_up[built_up["status"] == "existing"]
    area, water, existing, zones, districts = (
        to_crs(frame, city.metric_crs) for frame in (area, water, existing, zones, districts)
    )
    ground = build_ground(area, water, existing, city.analysis.cell_m)
    people = spread(zones, districts, ground.grid, ground.passable)
    return Ready(city, layers, ground, people)


def check_opened(layers: Mapping[str, Layer], opened: tuple[str, ...]) -> None:
    """Raise `UnknownNameError` unless every id is a located road or bridge that is not there yet."""
    for fid in opened:
        known = [
            row
            for layer in require(layers, "roads", "bridges")
            for row in layer.located.loc[layer.located["id"] == fid, "status"]
        ]
        planned = sorted(
            f
            for n in ("bridges", "roads")
            for f in layers[n].with_status("planned", "announced")["id"]
        )
        if not known or known == ["existing"]:
            raise UnknownNameError(
                f"'{fid}' is not a planned road or bridge",
                remedy=f"use one of {', '.join(planned)}",
            )


def coverage_of(
    ready: Ready, surface: Surface, facilities: str, limits_min: Sequence[float]
) -> tuple[pd.DataFrame, np.ndarray, Placed]:
    """Coverage table, minutes per cell and placed features of one facility kind on one surface."""
    placed = ready.placed(surface, facilities)
    minutes = nearest(surface, list(placed.starts.values()))
    column = minutes_to_nearest(ready.demand, minutes, f"{facilities}_{surface.mode.id}_min")
    table = coverage(ready.demand, column, limits_min)
    table.insert(0, "mode", surface.mode.id)
    table.insert(0, "facilities", facilities)
    return table, minutes, placed


#: Called with a stage's name; the context it returns is left when the stage is done.
Watch = Callable[[str], AbstractContextManager]


def run(city: City, watch: Watch = nullcontext) -> Results:
    """Compute everything that a city's profile asks for.

    Parameters
    ----------
    city : City
    watch : callable, optional
        Called with each stage's name; returns a context manager (progress, timing).

    Returns
    -------
    Results
    """
    import geopandas as gpd
    import pandas as pd

    plan, modes = city.analysis, load_catalog().modes
    with watch("layers"):
        layers = load_layers(city)
    with watch("checks"):
        checks = check_city(city, layers)
    with watch("ground"):
        ready = prepare(city, layers)
        for what_if in plan.what_ifs:
            check_opened(layers, what_if.features)
    tables, minutes, bands, single, findings = [], {}, [], [], []
    for name in plan.modes:
        with watch(f"surface {name}"):
            surface = ready.surface(modes[name])
        with watch(f"travel times {name}"):
            for facilities in plan.facilities:
                table, cells, placed = coverage_of(ready, surface, facilities, plan.minutes)
                tables.append(table)
                minutes[facilities, name] = cells
                bands += _bands(surface, facilities, cells, plan.minutes)
                findings += _moved(ready, facilities, placed)
        with watch(f"isochrones {name}"):
            for facilities in plan.facilities:
                single += _single(ready, surface, facilities)
    with watch("what if"):
        base = pd.concat(tables, ignore_index=True)
        what_ifs = _what_ifs(ready, base)
    with watch("demand"):
        columns = {f"{f}_{m}_min": cells for (f, m), cells in minutes.items()}
        squares = blocks(ready.demand, ready.ground.grid, columns, max(1, round(500 / plan.cell_m)))
    findings = [*_unlocated(layers, plan.facilities), *dict.fromkeys(findings)]
    return Results(
        city=city,
        layers=layers,
        checks=checks,
        coverage=base,
        what_ifs=what_ifs,
        bands=gpd.GeoDataFrame(bands, columns=_BANDS, crs=WGS84),
        isochrones=gpd.GeoDataFrame(single, columns=_ISOCHRONES, crs=WGS84),
        demand=to_crs(squares, WGS84),
        minutes=minutes,
        grid=ready.ground.grid,
        findings=tuple(findings),
    )


def _lonlat(surface: Surface, shapes: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    # A straight edge bends a little when it is reprojected, so nesting is made exact once more.
    import geopandas as gpd
    import shapely

    done: list[MultiPolygon] = []
    for shape in gpd.GeoSeries(shapes, crs=surface.grid.crs).to_crs(WGS84):
        shape = shapely.union(shape, done[-1]) if done else shape
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        done.append(shapely.MultiPolygon(parts))
    return done


def _bands(surface: Surface, facilities: str, minutes: np.ndarray, limits: Sequence[float]):
    shapes = isochrones(surface, minutes, limits)
    return [
        {
            "facilities": facilities,
            "mode": surface.mode.id,
            "minutes": float(limit),
            "area_km2": metric.area / 1e6,
            "quality": "modelled",
            "geometry": shape,
        }
        for limit, metric, shape in zip(limits, shapes, _lonlat(surface, shapes))
    ]


def isochrones_of(
    surface: Surface, starts: Starts, limits: Sequence[float]
) -> list[tuple[float, MultiPolygon, MultiPolygon]]:
    """Isochrones of one start, searched no farther than its largest limit needs.

    Returns
    -------
    list of (minutes, polygon in metres, polygon in WGS84)
    """
    reach = max(limits) + margin_min(surface)
    shapes = isochrones(surface, nearest(surface, [starts], reach), limits)
    return list(zip(limits, shapes, _lonlat(surface, shapes)))


def isochrones_at(
    ready: Ready, surface: Surface, places: Sequence[tuple[float, float]], limits: Sequence[float]
) -> gpd.GeoDataFrame:
    """Isochrones of places given as (longitude, latitude).

    Returns
    -------
    GeoDataFrame
        WGS84; ``origin, minutes, mode, area_km2, quality``: one row per place and limit.

    Raises
    ------
    InputError
        If a place lies farther from passable land than the city's ``snap_m``.
    """
    import geopandas as gpd
    import shapely

    names = [f"{lon},{lat}" for lon, lat in places]
    points = gpd.GeoDataFrame({"id": names}, geometry=shapely.points(places), crs=WGS84)
    placed = place(surface, ready.metric(points), ready.city.analysis.snap_m)
    if placed.unplaced:
        raise InputError(
            f"{placed.unplaced[0]} is outside the study area or far from land",
            where=ready.city.id,
            remedy="give longitude first, inside the city",
        )
    rows = [
        {
            "origin": name,
            "minutes": float(limit),
            "mode": surface.mode.id,
            "area_km2": metric.area / 1e6,
            "quality": "modelled",
            "geometry": shape,
        }
        for name in names
        for limit, metric, shape in isochrones_of(surface, placed.starts[name], limits)
    ]
    return gpd.GeoDataFrame(rows, crs=WGS84)


def _single(ready: Ready, surface: Surface, facilities: str):
    names = ready.layers[facilities].frame.set_index("id")
    rows = []
    for fid, starts in ready.placed(surface, facilities).starts.items():
        for limit, metric, shape in isochrones_of(surface, starts, ready.city.analysis.minutes):
            rows.append(
                {
                    "facilities": facilities,
                    "origin": fid,
                    "name_zh": names.at[fid, "name_zh"],
                    "name_en": names.at[fid, "name_en"],
                    "mode": surface.mode.id,
                    "minutes": float(limit),
                    "area_km2": metric.area / 1e6,
                    "quality": "modelled",
                    "geometry": shape,
                }
            )
    return rows


def _what_ifs(ready: Ready, base: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    plan, rows = ready.city.analysis, []
    facilities = plan.headline_facilities
    for what_if in plan.what_ifs:
        for mode in plan.modes:
            surface = ready.surface(load_catalog().mode(mode), what_if.features)
            table, _, _ = coverage_of(ready, surface, facilities, plan.minutes)
            before = base[(base["facilities"] == facilities) & (base["mode"] == mode)]
            before = before.set_index(["minutes", "area"])["persons_covered"]
            table = table.set_index(["minutes", "area"])
            table["persons_gained"] = table["persons_covered"] - before
            table["what_if"], table["name_zh"] = what_if.id, what_if.name_zh
            table["name_en"] = what_if.name_en
            rows.append(table.reset_index())
    columns = [
        "what_if", "name_zh", "name_en", "facilities", "mode", "minutes", "area", "persons",
        "persons_covered", "persons_gained",
    ]  # fmt: skip
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _unlocated(layers: Mapping[str, Layer], facilities: Sequence[str]) -> list[str]:
    notes = []
    for name in facilities:
        layer = layers[name]
        lost = len(layer.frame) - len(layer.located)
        if lost:
            notes.append(
                f"{layer.kind.name_zh}：{lost} 处已公布名称但未公布位置，未计入覆盖 / "
                f"{layer.kind.name_en}: {lost} published without a location, not counted"
            )
    return notes


def _moved(ready: Ready, facilities: str, placed: Placed) -> list[str]:
    names = ready.layers[facilities].frame.set_index("id")["name_zh"]
    notes = [
        f"{names[fid]}：示意位置落在不可通行处，移至 {metres:.0f} 米外的岸上计算 / "
        f"{fid}: drawn where nobody can stand, counted from land {metres:.0f} m away"
        for fid, metres in placed.moved_m.items()
        if metres
    ]
    return notes + [
        f"{names[fid]}：距可通行处过远，未计入 / {fid}: too far from passable land, not counted"
        for fid in placed.unplaced
    ]
