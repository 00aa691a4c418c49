"""A run: from a city to results, stage by stage, each kept under what it depends on."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan import __version__, catalog
from urbanplan.base.crs import WGS84, to_crs
from urbanplan.catalog import COMMON_COLUMNS
from urbanplan.city.checks import check_city
from urbanplan.city.layers import GROUNDS, Layer, data_gaps, load_layers
from urbanplan.city.profile import City
from urbanplan.errors import InputError
from urbanplan.files import has, hash_folder, read_arrays, read_toml, sha256, write_arrays
from urbanplan.measures.ledger import PlanBook, book
from urbanplan.measures.plan import Plan, parse_plan
from urbanplan.measures.population import blocks, unassigned
from urbanplan.measures.scenarios import BASELINE, Scenario
from urbanplan.routing import Network, Placed
from urbanplan.study.checkup import standards_of
from urbanplan.study.compare import scenario_tables
from urbanplan.study.model import Ready, Ways, prepare
from urbanplan.study.streets import (
    BAND_COLUMNS,
    ISOCHRONE_COLUMNS,
    MOST_SINGLE,
    bands_of,
    cut_off,
    isochrones_by_facility,
    stranded,
)
from urbanplan.study.supply import gaps_of
from urbanplan.study.variants import Variants, scenarios_of

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from urbanplan.base.grid import Grid


#: Called with a stage's name; the context it returns is left when the stage is done.
Watch = Callable[[str], AbstractContextManager]


class Timed:
    """A `Watch` that passes each stage on, and remembers in `stages` its seconds and the peak of memory so far."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.stages: list[dict[str, Any]] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Name what is going on."""
        import resource

        began = time.perf_counter()
        with self._watch(name):
            yield
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        seconds = round(time.perf_counter() - began, 3)
        self.stages.append({"stage": name, "seconds": seconds, "peak_mib": round(peak / 2**20)})


@dataclass(frozen=True)
class Inputs:
    """A city's layers as they are, for outputs that need no run.

    Attributes
    ----------
    city : City
    layers : dict of str to Layer
        In the catalogue's order.
    """

    city: City
    layers: Mapping[str, Layer]

    @property
    def planned(self) -> Plan:
        """The city's plan; one without tasks if its folder holds none."""
        return plan_of(self.city)


@dataclass(frozen=True)
class Results(Inputs):
    """What a run found; publishers turn it into files and compute nothing themselves.

    Attributes
    ----------
    city : City
    layers : dict of str to Layer
        Input layers in the catalogue's order.
    checks : DataFrame
        See `urbanplan.city.checks.check_city`.
    coverage : DataFrame
        Columns ``facilities, mode, minutes, area, persons, persons_covered, share, km2,
        km2_covered, km2_share``; `area` is a district's name or ``ALL``.
    scenarios : dict of str to Scenario
        The baseline first.
    scenario_coverage : DataFrame
        Coverage under each scenario: ``scenario, name_zh, name_en, facilities, mode, minutes, area, persons,
        persons_covered, share, persons_gained`` (of the baseline's people, against the baseline).
    scenario_bands : GeoDataFrame
        As `bands`, with ``scenario``: the headline's mode, where a scenario changes the minutes.
    differences : GeoDataFrame
        WGS84; where minutes change under a scenario, in classes: see `urbanplan.study.compare`.
    bands : GeoDataFrame
        WGS84; ``facilities, mode, minutes, area_km2, quality``: everywhere within `minutes` of any facility.
    isochrones : GeoDataFrame
        WGS84; ``facilities, origin, name_zh, name_en, mode, minutes, area_km2``: one per facility.
    indicators : DataFrame
        The city check-up; see `urbanplan.measures.indicators.check_up`.
    gaps : GeoDataFrame
        WGS84; clusters of people farther than the headline's limit, per mode: ``mode, rank, area,
        persons, km2, minutes, nearest_min, quality, accuracy_m``.
    demand : GeoDataFrame
        WGS84 squares of five by five cells: ``persons``, ``area`` and one ``<facilities>_<mode>_min`` column
        (person-weighted mean minutes to the nearest facility, NaN where nobody lives).
    plan : PlanBook
        The plan's ledger, targets, and conflicts; see `urbanplan.measures.ledger`.
    minutes : dict of (str, str) to ndarray
        (facilities, mode) to minutes per cell of `grid`; NaN where there is no way.
    grid : Grid
    findings : tuple of str
        What the reader must know: facilities without a place, points that were moved, and so on.
    resumed : tuple of str
        Stages that an interrupted run had finished before.
    least : int
        Counts of people are multiples of it; 0 where they are exact. See `urbanplan.output.rounding`.
    written : dict of str to Path
        Files that were made of it, by what they are.
    """

    checks: pd.DataFrame
    coverage: pd.DataFrame
    scenarios: Mapping[str, Scenario]
    scenario_coverage: pd.DataFrame
    scenario_bands: gpd.GeoDataFrame
    differences: gpd.GeoDataFrame
    bands: gpd.GeoDataFrame
    isochrones: gpd.GeoDataFrame
    indicators: pd.DataFrame
    gaps: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    plan: PlanBook
    minutes: Mapping[tuple[str, str], np.ndarray]
    grid: Grid
    findings: tuple[str, ...]
    resumed: tuple[str, ...] = ()
    least: int = 0
    written: Mapping[str, Path] = field(default_factory=dict)

    @property
    def planned(self) -> Plan:
        """The plan that `plan` is about."""
        return self.plan.plan

    @property
    def outside(self) -> gpd.GeoDataFrame:
        """Facilities beyond the boundary that count in travel times: points, and in ``facilities`` their layer."""
        import geopandas as gpd
        import pandas as pd

        frames = [
            layer.outside.assign(
                facilities=name, geometry=layer.outside.geometry.representative_point()
            )
            for name, layer in self.layers.items()
            if layer.outside is not None
        ]
        columns = ["facilities", *COMMON_COLUMNS, "geometry"]
        if not frames:
            return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=WGS84)
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True)[columns], crs=WGS84)

    @property
    def data_gaps(self) -> pd.DataFrame:
        """What the city's files lack; see `urbanplan.city.layers.data_gaps`."""
        return data_gaps(self.city)


_FILE = "plan.toml"


def plan_of(city: City) -> Plan:
    """A city's plan; one without tasks if its folder holds none.

    Raises
    ------
    InputError
        If the file breaks its form.
    """
    if not city.has(_FILE):
        return Plan()
    path = city.find(_FILE)
    return parse_plan(read_toml(path), path)


#: Files beside the layers that a run reads.
INPUTS = (
    "city.toml", "study.toml", "standards.toml", "scenarios.toml", "plan.toml", "streets.osm.pbf", "population.tif", "heights.tif",
    GROUNDS,
)  # fmt: skip
#: Libraries whose version can change a stage.
_LIBRARIES = (
    "numpy", "scipy", "shapely", "pyproj", "geopandas", "contourpy", "numba", "exactextract",
)  # fmt: skip


def inputs_of(city: City, layers: Mapping[str, Layer]) -> dict[str, str]:
    """SHA-256 of every file that a run reads, by layer or file name."""
    inputs = {name: layer.sha256 for name, layer in layers.items()}
    return inputs | {name: sha256(city.find(name)) for name in INPUTS if city.has(name)}


def run_key(city: City, layers: Mapping[str, Layer]) -> str:
    """SHA-256 of all that a stage depends on: inputs, settings, versions."""
    folder = Path(catalog.__file__).parent
    about = {
        "urbanplan": __version__,
        "catalogue": [hash_folder(f, ".toml") for f in (folder, folder / "standards")],
        "libraries": {name: version(name) for name in _LIBRARIES},
        "inputs": inputs_of(city, layers),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class Keep:
    """Finished stages of a run in a folder.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        From `run_key`; stages of another key are not used.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder, self._key = folder, key
        self.resumed: list[str] = []

    def stage(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a stage found: from disk if it was finished before, else computed and kept.

        Parameters
        ----------
        name : str
        compute : callable
            Gives a mapping of name to DataFrame, GeoDataFrame, ndarray or list of text.
        """
        if self._folder is None:
            return compute()
        path = self._folder / f"{name.replace(' ', '_')}.npz"
        if has(path):
            try:
                arrays, about = read_arrays(path)
            except InputError:
                arrays, about = {}, {}
            if about.get("key") == self._key:
                self.resumed.append(name)
                return _unpacked(arrays, about)
        found = compute()
        arrays, kinds = _packed(found)
        write_arrays(path, arrays, {"key": self._key, **kinds})
        return found


def _packed(found: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    import geopandas as gpd
    import pandas as pd

    arrays, kinds, texts = {}, {}, {}
    for number, (name, value) in enumerate(found.items()):
        if isinstance(value, list):
            texts[name] = value
            continue
        kinds[f"v{number}"] = [name, "array"]
        if isinstance(value, pd.DataFrame):
            shapes = isinstance(value, gpd.GeoDataFrame)
            kinds[f"v{number}"][1] = "shapes" if shapes else "table"
            out = io.BytesIO()
            value.to_parquet(out)
            value = np.frombuffer(out.getvalue(), np.uint8)
        arrays[f"v{number}"] = value
    return arrays, {"kinds": kinds, "texts": texts}


def _unpacked(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    import geopandas as gpd
    import pandas as pd

    found: dict[str, Any] = dict(about["texts"])
    for number, (name, kind) in about["kinds"].items():
        value = arrays[number]
        if kind != "array":
            read = gpd.read_parquet if kind == "shapes" else pd.read_parquet
            value = read(io.BytesIO(value.tobytes()))
        found[name] = value
    return found


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
        cells, km = (
            cut_off(ways.ground, ways.homes, placed)
            if ways.homes is not None and len(placed)
            else ((), 0.0)
        )
        alone = (
            f"{kind.name_zh}：{len(cells)} 个人口格网只连着 {km:.1f} 公里与任何设施都不相通的街道 /"
            f" {kind.name_en}: {len(cells)} cells of people are on {km:.1f} km of streets that no facility is on"
        )
        shut = stranded(ways.ground, placed, leave=False)
        pocket = (
            f"{kind.name_zh}：{len(shut)} 处所在的街道只能出不能进，{ways.mode.name_zh}到不了 /"
            f" {kind.name_en}: {len(shut)} on streets that no way leads to by {ways.mode.name_en}, not reached"
        )
        return [
            *notes,
            *[text] * bool(lost),
            *[alone] * bool(len(cells)),
            *[pocket] * bool(len(shut)),
        ]
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
