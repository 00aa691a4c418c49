"""The run, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from urbanplan.catalog import load_catalog
from urbanplan.city import City
from urbanplan.crs import WGS84, to_crs
from urbanplan.demand import blocks, unassigned
from urbanplan.layers import Layer, check_city, load_layers
from urbanplan.study.reach import (
    BAND_COLUMNS,
    ISOCHRONE_COLUMNS,
    bands_of,
    isochrones_by_facility,
)
from urbanplan.study.ready import Ready, check_opened, coverage_of, prepare
from urbanplan.study.results import Results, Watch
from urbanplan.traveltime import Placed

if TYPE_CHECKING:
    import pandas as pd


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
                table, found, placed = coverage_of(ready, surface, facilities, plan.minutes)
                tables.append(table)
                minutes[facilities, name] = surface.on_grid(found)
                bands += bands_of(surface, facilities, found, plan.minutes)
                findings += _moved(ready, facilities, placed)
        with watch(f"isochrones {name}"):
            for facilities in plan.facilities:
                single += isochrones_by_facility(ready, surface, facilities)
    with watch("what if"):
        base = pd.concat(tables, ignore_index=True)
        what_ifs = _what_ifs(ready, base)
    with watch("demand"):
        columns = {f"{f}_{m}_min": cells for (f, m), cells in minutes.items()}
        squares = blocks(ready.demand, ready.ground.grid, columns, max(1, round(500 / plan.cell_m)))
    notes = [*unassigned(ready.demand), *_unlocated(layers, plan.facilities)]
    findings = [*notes, *dict.fromkeys(findings)]
    return Results(
        city=city,
        layers=layers,
        checks=checks,
        coverage=base,
        what_ifs=what_ifs,
        bands=gpd.GeoDataFrame(bands, columns=BAND_COLUMNS, crs=WGS84),
        isochrones=gpd.GeoDataFrame(single, columns=ISOCHRONE_COLUMNS, crs=WGS84),
        demand=to_crs(squares, WGS84),
        minutes=minutes,
        grid=ready.ground.grid,
        findings=tuple(findings),
    )


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
        for fid, metres in zip(placed.ids, placed.moved_m)
        if metres
    ]
    return notes + [
        f"{names[fid]}：距可通行处过远，未计入 / {fid}: too far from passable land, not counted"
        for fid in placed.unplaced
    ]
