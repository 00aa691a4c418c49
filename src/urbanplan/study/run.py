"""The run, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.city import City
from urbanplan.crs import WGS84, to_crs
from urbanplan.demand import blocks, unassigned
from urbanplan.layers import Layer, check_city, load_layers
from urbanplan.network import Network
from urbanplan.plan import book
from urbanplan.scenarios import BASELINE
from urbanplan.study.checkup import standards_of
from urbanplan.study.keep import Keep, run_key
from urbanplan.study.planned import plan_of
from urbanplan.study.reach import (
    BAND_COLUMNS,
    ISOCHRONE_COLUMNS,
    MOST_SINGLE,
    bands_of,
    isochrones_by_facility,
)
from urbanplan.study.ready import Ready, Ways, prepare
from urbanplan.study.results import Results, Watch
from urbanplan.study.streets import cut_off
from urbanplan.study.supply import gaps_of
from urbanplan.study.variants import Variants, scenarios_of
from urbanplan.study.varied import scenario_tables
from urbanplan.traveltime import Placed

if TYPE_CHECKING:
    import geopandas as gpd

#: Sides of the map's squares, in cells.
_CELLS_PER_SQUARE = 5


def run(
    city: City,
    watch: Watch = nullcontext,
    stages: Path | None = None,
    layers: Mapping[str, Layer] | None = None,
) -> Results:
    """Compute everything that a city's profile asks for.

    Parameters
    ----------
    city : City
    watch : callable, optional
        Called with each stage's name; returns a context manager (progress, timing).
    stages : path, optional
        Folder for finished stages. A run that was interrupted goes on from the last of them;
        whoever gave the folder removes it once all is written.
    layers : dict of str to Layer, optional
        In place of the city's own, such as edited ones.

    Returns
    -------
    Results
    """
    import pandas as pd

    plan = city.analysis
    # What is wrong with the city's own settings is said before anything is computed.
    known, planned, _ = scenarios_of(city), plan_of(city), standards_of(city)
    with watch("layers"):
        layers = load_layers(city) if layers is None else layers
        keep = Keep(stages, run_key(city, layers) if stages else "")
    with watch("checks"):
        checks = check_city(city, layers)
    with watch("ground"):
        ready = prepare(city, layers)
        variants = Variants(city, known, ready)
        for name in variants.names():
            variants.state(name)
    found = [
        keep.stage(f"mode {name}", partial(_mode, variants, name, watch)) for name in plan.modes
    ]
    base = pd.concat([f["coverage"] for f in found], ignore_index=True)
    with watch("scenarios"):
        varied = keep.stage("scenarios", partial(scenario_tables, variants))
    minutes = {
        (facilities, name): one[facilities]
        for name, one in zip(plan.modes, found)
        for facilities in plan.facilities
    }
    with watch("demand"):
        columns = {f"{f}_{m}_min": cells for (f, m), cells in minutes.items()}
        squares = blocks(ready.demand, ready.ground.grid, columns, _CELLS_PER_SQUARE)
    with watch("indicators"):
        indicators = keep.stage("indicators", lambda: {"table": variants.indicators(BASELINE)})[
            "table"
        ]
        gaps = _all(
            gaps_of(ready, minutes[plan.headline_facilities, m], m, [plan.headline_minutes])
            for m in plan.modes
        )
    with watch("plan"):
        told = book(planned, layers, indicators, city.metric_crs)
    notes = [*unassigned(ready.demand), *_counted(layers, plan.facilities), *ready.findings]
    return Results(
        city=city,
        layers=layers,
        checks=checks,
        coverage=base,
        scenarios=variants.known,
        scenario_coverage=varied["coverage"],
        scenario_bands=varied["bands"],
        differences=varied["differences"],
        bands=_all(f["bands"] for f in found),
        isochrones=_all(f["isochrones"] for f in found),
        indicators=indicators,
        gaps=gaps,
        demand=to_crs(squares, WGS84),
        plan=told,
        minutes=minutes,
        grid=ready.ground.grid,
        findings=tuple(dict.fromkeys([*notes, *(n for f in found for n in f["findings"])])),
        resumed=tuple(keep.resumed),
    )


def _mode(variants: Variants, name: str, watch: Watch) -> dict[str, Any]:
    # Everything that is asked of one mode.
    import geopandas as gpd
    import pandas as pd

    ready = variants.ready(BASELINE)
    plan, tables, bands, single = ready.city.analysis, [], [], []
    found: dict[str, Any] = {}
    with watch(f"ways {name}"):
        ways = variants.ways(BASELINE, name)
        findings = [*getattr(ways.ground, "findings", ()), *ready.stranded(ways)]
    with watch(f"travel times {name}"):
        for facilities in plan.facilities:
            tables.append(variants.coverage(BASELINE, facilities, name))
            found[facilities] = variants.cells(BASELINE, facilities, name)
            placed = variants.placed(BASELINE, facilities, name)
            bands += bands_of(ready, ways, facilities, placed)
            findings += _moved(ready, ways, facilities, placed)
    with watch(f"isochrones {name}"):
        for facilities in plan.facilities:
            single += isochrones_by_facility(ready, ways, facilities)
    return {
        **found,
        "coverage": pd.concat(tables, ignore_index=True),
        "bands": gpd.GeoDataFrame(bands, columns=BAND_COLUMNS, crs=WGS84),
        "isochrones": gpd.GeoDataFrame(single, columns=ISOCHRONE_COLUMNS, crs=WGS84),
        "findings": findings,
    }


def _all(frames: Iterable[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    # Empty frames have columns of another type: they would change those of the others.
    import pandas as pd

    frames = list(frames)
    full = [f for f in frames if len(f)]
    return pd.concat(full, ignore_index=True) if full else frames[0]


def _counted(layers: Mapping[str, Layer], facilities: Sequence[str]) -> list[str]:
    notes = []
    for name in facilities:
        layer = layers[name]
        beyond = 0 if layer.outside is None else len(layer.outside)
        if beyond:
            notes.append(
                f"{layer.kind.name_zh}：城市范围外 {beyond} 处计入出行时间，不计入城市的设施数 / "
                f"{layer.kind.name_en}: {beyond} beyond the boundary count in travel times, not among the city's"
            )
        lost = len(layer.frame) - len(layer.located)
        if lost:
            notes.append(
                f"{layer.kind.name_zh}：{lost} 处已公布名称但未公布位置，未计入覆盖 / "
                f"{layer.kind.name_en}: {lost} published without a location, not counted"
            )
    return notes


def _moved(ready: Ready, ways: Ways, facilities: str, placed: Placed) -> list[str]:
    layer = ready.layers[facilities]
    kind, names = layer.kind, layer.reachable().set_index("id")["name_zh"]
    notes = []
    headline = facilities == ready.city.analysis.headline_facilities
    own = np.isin(placed.ids, layer.frame["id"].to_numpy()).sum()
    if headline and own > MOST_SINGLE:
        notes.append(
            f"{kind.name_zh}：{own:,} 处，只绘合并等时圈 / {kind.name_en}: {own:,} of them,"
            " drawn together only"
        )
    if isinstance(ways.ground, Network):
        # On streets the walk from the kerb is part of the way.
        lost = sum(fid in layer.frame["id"].values for fid in placed.unplaced)
        text = (
            f"{kind.name_zh}：{lost} 处距可{ways.mode.name_zh}的街道过远，未计入 /"
            f" {kind.name_en}: {lost} too far from any street open to {ways.mode.name_en}, not counted"
        )
        cells, km = cut_off(ways.ground, ways.homes, placed) if len(placed) else ((), 0.0)
        alone = (
            f"{kind.name_zh}：{len(cells)} 个人口格网只连着 {km:.1f} 公里与任何设施都不相通的街道 /"
            f" {kind.name_en}: {len(cells)} cells of people are on {km:.1f} km of streets that no facility is on"
        )
        return [*notes, *[text] * bool(lost), *[alone] * bool(len(cells))]
    notes += [
        f"{names[fid]}：示意位置落在不可通行处，移至 {metres:.0f} 米外的岸上计算 / "
        f"{fid}: drawn where nobody can stand, counted from land {metres:.0f} m away"
        for fid, metres in zip(placed.ids, placed.moved_m)
        if metres
    ]
    return notes + [
        f"{names[fid]}：距可通行处过远，未计入 / {fid}: too far from passable land, not counted"
        for fid in placed.unplaced
    ]
