"""What a run tells of each scenario: the headline's coverage, its bands, and where minutes change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan.crs import WGS84
from urbanplan.scenarios import BASELINE
from urbanplan.study.compare import difference_map
from urbanplan.study.reach import BAND_COLUMNS, bands_of
from urbanplan.study.variants import Variants

if TYPE_CHECKING:
    import pandas as pd

#: One row per scenario, mode, limit and area.
COLUMNS = (
    "scenario", "name_zh", "name_en", "facilities", "mode", "minutes", "area", "persons",
    "persons_covered", "share", "persons_gained",
)  # fmt: skip


def scenario_tables(variants: Variants) -> dict[str, Any]:
    """Every scenario of a city against the baseline, for the headline's facilities.

    Returns
    -------
    dict
        ``coverage`` (`COLUMNS`), ``bands`` (as a run's, with ``scenario``; the headline's mode),
        ``differences`` (`urbanplan.study.compare.difference_map` with ``scenario, facilities, mode``). Facilities
        other than the headline's appear where a scenario changes them.
    """
    import geopandas as gpd
    import pandas as pd

    plan, tables, bands, maps = variants.city.analysis, [], [], []
    for name in variants.names():
        for facilities in _asked(variants, name):
            tables += [_table(variants, name, facilities, mode) for mode in plan.modes]
            mode = plan.headline_mode
            if variants.cells_key(name, facilities, mode) == variants.cells_key(BASELINE, facilities, mode):  # fmt: skip
                continue
            ways, placed = variants.ways(name, mode), variants.placed(name, facilities, mode)
            rows = bands_of(variants.ready(name), ways, facilities, placed)
            bands += [{"scenario": name, **row} for row in rows]
            change = difference_map(variants, BASELINE, name, facilities, mode)
            if len(change):
                maps.append(change.assign(scenario=name, facilities=facilities, mode=mode))
    columns = ["scenario", *BAND_COLUMNS]
    empty = difference_columns()
    return {
        "coverage": pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS)),
        "bands": gpd.GeoDataFrame(bands, columns=columns, crs=WGS84),
        "differences": gpd.GeoDataFrame(pd.concat(maps, ignore_index=True)[empty], crs=WGS84)
        if maps
        else gpd.GeoDataFrame(columns=empty, geometry="geometry", crs=WGS84),
    }  # fmt: skip


def difference_columns() -> list[str]:
    """Columns of the maps of change."""
    return ["scenario", "facilities", "mode", "class", "from_min", "to_min", "persons", "km2", "quality", "accuracy_m", "geometry"]  # fmt: skip


def _asked(variants: Variants, name: str) -> list[str]:
    # The headline's facilities, and those that the scenario itself changes.
    plan = variants.city.analysis
    base, own = variants.state(BASELINE).layers, variants.state(name).layers
    changed = [f for f in plan.facilities if base[f].sha256 != own[f].sha256]
    return list(dict.fromkeys([plan.headline_facilities, *changed]))


def _table(variants: Variants, name: str, facilities: str, mode: str) -> pd.DataFrame:
    before = variants.coverage(BASELINE, facilities, mode)
    table = variants.coverage(name, facilities, mode).copy()
    # Among the people of the baseline: that more people live somewhere is no better reach.
    table["persons_gained"] = variants.coverage(name, facilities, mode, BASELINE)["persons_covered"] - before["persons_covered"]  # fmt: skip
    known = variants.known[name]
    table["scenario"], table["name_zh"], table["name_en"] = name, known.name_zh, known.name_en
    return table[list(COLUMNS)]
