"""Scenarios beside each other: tables, figures and maps of what changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, to_crs
from urbanplan.base.grid import ALL
from urbanplan.city.layers import accuracy_under, measure
from urbanplan.measures.coverage import LEAST_MIN, share_in
from urbanplan.measures.scenarios import BASELINE, chain
from urbanplan.study.streets import BAND_COLUMNS, bands_of
from urbanplan.study.variants import Variants

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanplan.study.model import Ready


#: What a cost for each person is told in, and how much of it the unit of the whole is.
_PER_PERSON = {"亿元": ("元", 1e8), "万元": ("元", 1e4)}
#: Borders of the classes of a map of change, in minutes; more is slower.
STEPS_MIN = (-10.0, -5.0, -LEAST_MIN, LEAST_MIN, 5.0, 10.0)


@dataclass(frozen=True)
class Comparison:
    """What is different in scenario `b` from scenario `a`.

    Attributes
    ----------
    a, b : str
    indicators : DataFrame
        ``indicator, name_zh, name_en, area, unit, value_a, value_b, difference, threshold_a, threshold_b, verdict_a, verdict_b,
        quality, accuracy_m, why`` (``b`` cannot be told).
    coverage : DataFrame
        ``facilities, mode, minutes, area, persons_a, persons_b, covered_a, covered_b, gained, share_a,
        share_b``.
    people : DataFrame
        ``facilities, mode, area``: ``persons_faster, minutes_saved`` (mean over them), ``persons_slower,
        minutes_lost``, ``persons_connected`` (had no way), ``persons_cut_off`` (have none any more). Who
        lives where is that of `b`.
    layers : DataFrame
        Layers that the scenarios hold differently: ``layer, name_zh, name_en``, and of existing features
        ``features_a, features_b, length_km_a, length_km_b, area_km2_a, area_km2_b``.
    costs : DataFrame
        If costs are known, a row for each kind of facility that `b` holds otherwise, or for the headline's: ``facilities,
        mode, minutes, cost, cost_unit, persons_gained`` (of `a`'s people)``, cost_per_person, per_unit``.
    """

    a: str
    b: str
    indicators: pd.DataFrame
    coverage: pd.DataFrame
    people: pd.DataFrame
    layers: pd.DataFrame
    costs: pd.DataFrame


def compare(variants: Variants, a: str, b: str) -> Comparison:
    """Compare two scenarios of a city.

    Parameters
    ----------
    variants : Variants
    a, b : str
        Scenarios; `b` is what is looked at, `a` what it is measured against.
    """
    return Comparison(
        a, b, _indicators(variants, a, b), _coverage(variants, a, b), _people(variants, a, b),
        _layers(variants, a, b), _costs(variants, a, b),
    )  # fmt: skip


def _indicators(variants: Variants, a: str, b: str) -> pd.DataFrame:
    import pandas as pd

    one, other = variants.indicators(a), variants.indicators(b)
    keys = ["indicator", "area"]
    about = ["name_zh", "name_en", "unit", "quality", "accuracy_m", "why"]
    both = other[[*keys, *about, "value", "threshold", "verdict"]].merge(
        one[[*keys, "value", "threshold", "verdict"]], on=keys, suffixes=("_b", "_a"), how="left"
    )
    both["difference"] = both["value_b"] - both["value_a"]
    columns = [
        "indicator", "name_zh", "name_en", "area", "unit", "value_a", "value_b", "difference",
        "threshold_a", "threshold_b", "verdict_a", "verdict_b", "quality", "accuracy_m", "why",
    ]  # fmt: skip
    return pd.DataFrame(both[columns])


def _coverage(variants: Variants, a: str, b: str) -> pd.DataFrame:
    import pandas as pd

    plan, tables = variants.city.analysis, []
    for facilities in plan.facilities:
        for mode in plan.modes:
            one, other = (variants.coverage(n, facilities, mode) for n in (a, b))
            table = one[["facilities", "mode", "minutes", "area"]].copy()
            table["persons_a"], table["persons_b"] = one["persons"], other["persons"]
            table["covered_a"], table["covered_b"] = one["persons_covered"], other["persons_covered"]  # fmt: skip
            table["gained"] = table["covered_b"] - table["covered_a"]
            table["share_a"], table["share_b"] = one["share"], other["share"]
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _layers(variants: Variants, a: str, b: str) -> pd.DataFrame:
    import pandas as pd

    one, other, rows = variants.layers(a), variants.layers(b), []
    for name, layer in other.items():
        if one[name].sha256 == layer.sha256:
            continue
        row: dict[str, Any] = {
            "layer": name,
            "name_zh": layer.kind.name_zh,
            "name_en": layer.kind.name_en,
        }
        for which, held in (("a", one[name]), ("b", layer)):
            here = held.frame[held.frame["status"] == "existing"]
            drawn = held.with_status("existing") if layer.kind.geometry != "none" else here
            row[f"features_{which}"] = len(here)
            for what, family in (("length_km", "line"), ("area_km2", "polygon")):
                fits = layer.kind.geometry == family and len(drawn)
                row[f"{what}_{which}"] = measure(drawn, what) if fits else np.nan
        rows.append(row)
    columns = ["layer", "name_zh", "name_en", *(f"{w}_{x}" for w in ("features", "length_km", "area_km2") for x in "ab")]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _people(variants: Variants, a: str, b: str) -> pd.DataFrame:
    import pandas as pd

    plan, ready, rows = variants.city.analysis, variants.ready(b), []
    persons = ready.demand["persons"].to_numpy(float)
    within = {x: share_in(ready.parts, x, len(ready.demand)) for x in [*ready.parts, ALL]}
    for facilities in plan.facilities:
        for mode in plan.modes:
            before, after = (variants.minutes(n, facilities, mode) for n in (a, b))
            there, then = np.isfinite(before), np.isfinite(after)
            shift = np.where(there & then, np.where(then, after, 0) - np.where(there, before, 0), 0)
            for area, share in within.items():
                held = persons * share
                fast, slow = shift < -LEAST_MIN, shift > LEAST_MIN
                rows.append(
                    {
                        "facilities": facilities,
                        "mode": mode,
                        "area": area,
                        "persons_faster": held[fast].sum(),
                        "minutes_saved": _mean(-shift, held, fast),
                        "persons_slower": held[slow].sum(),
                        "minutes_lost": _mean(shift, held, slow),
                        "persons_connected": held[~there & then].sum(),
                        "persons_cut_off": held[there & ~then].sum(),
                    }
                )
    return pd.DataFrame(rows)


def _mean(values: np.ndarray, weights: np.ndarray, hit: np.ndarray) -> float:
    total = weights[hit].sum()
    return float((values * weights)[hit].sum() / total) if total > 0 else 0.0


def _costs(variants: Variants, a: str, b: str) -> pd.DataFrame:
    import pandas as pd

    columns = ["facilities", "mode", "minutes", "cost", "cost_unit", "persons_gained", "cost_per_person", "per_unit"]  # fmt: skip
    before = {s.id for s in chain(variants.known, a)}
    own = [s for s in chain(variants.known, b) if s.id not in before and s.id != BASELINE]
    units = {s.cost_unit for s in own if s.changes or s.cost is not None}
    if not own or any(s.cost is None for s in own if s.changes) or len(units) != 1:
        return pd.DataFrame(columns=columns)
    plan, unit = variants.city.analysis, units.pop()
    one, other = variants.layers(a), variants.layers(b)
    changed = [f for f in plan.facilities if one[f].sha256 != other[f].sha256]
    cost, (per, scale) = float(sum(s.cost or 0 for s in own)), _PER_PERSON.get(unit, (unit, 1.0))
    rows = []
    for facilities in changed or [plan.headline_facilities]:
        gained = _newly(variants, a, b, facilities)
        price = cost * scale / gained if gained > 0 else np.nan
        rows.append([facilities, plan.headline_mode, plan.headline_minutes, cost, unit, gained, price, per])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _newly(variants: Variants, a: str, b: str, facilities: str) -> float:
    # More people alone are no better reach: the same people before and after.
    plan, covered = variants.city.analysis, []
    for name in (a, b):
        table = variants.coverage(name, facilities, plan.headline_mode, a)
        whole = table[(table["area"] == ALL) & (table["minutes"] == plan.headline_minutes)]
        covered.append(float(whole["persons_covered"].iloc[0]))
    return covered[1] - covered[0]


def difference_map(
    variants: Variants, a: str, b: str, facilities: str, mode: str
) -> gpd.GeoDataFrame:
    """Where the minutes to the nearest facility change, in classes, with the people who live there.

    Returns
    -------
    GeoDataFrame
        WGS84; ``class`` (0 most saved to 6 most lost; 3, no change, is left out), ``from_min`` and ``to_min``
        of the class, ``persons``, ``km2``, ``quality``, ``accuracy_m``.
    """
    ready = variants.ready(b)
    before, after = (variants.cells(n, facilities, mode) for n in (a, b))
    with np.errstate(invalid="ignore"):
        shift = after - before
    # A way where there was none is a gain beyond every class, and the other way round.
    shift = np.where(np.isinf(before) & np.isfinite(after), -np.inf, shift)
    shift = np.where(np.isfinite(before) & np.isinf(after), np.inf, shift)
    shift = np.where(np.isnan(shift), 0.0, shift)
    classes = np.digitize(shift, STEPS_MIN)
    persons = np.zeros(classes.size)
    persons[ready.demand.index] = np.nan_to_num(ready.demand["persons"].to_numpy(float))
    return to_crs(_outlined(classes, persons.reshape(classes.shape), ready), WGS84)


def before_and_after(
    variants: Variants, a: str, b: str, facilities: str, mode: str
) -> dict[str, gpd.GeoDataFrame]:
    """What a page shows of two scenarios, by the name that readers see.

    Returns
    -------
    dict of str to GeoDataFrame
        Where minutes change, and from where one gets to a facility within each limit before and after; all with
        a column ``minutes``, in WGS84.
    """
    import geopandas as gpd

    found = {}
    for name, said in ((a, f"之前 / Before: {a}"), (b, f"之后 / After: {b}")):
        ways, placed = variants.ways(name, mode), variants.placed(name, facilities, mode)
        rows = bands_of(variants.ready(name), ways, facilities, placed)
        # The widest first, so that none hides another.
        found[said] = gpd.GeoDataFrame(rows[::-1], columns=BAND_COLUMNS, crs=WGS84)
    change = difference_map(variants, a, b, facilities, mode)
    words = [_span(row.from_min, row.to_min) for row in change.itertuples()]
    found["时间变化 / Change of minutes"] = change.assign(minutes=words)
    there = variants.layers(b)[facilities]
    found[f"{there.kind.name_zh} / {there.kind.name_en}"] = there.reachable()
    return {name: frame for name, frame in found.items() if len(frame)}


def _span(low: float, high: float) -> str:
    # Minutes saved are below 0.
    near, far = sorted((abs(low), abs(high)))
    many = f"{near:g}+" if np.isinf(far) else f"{near:g}–{far:g}"
    return f"{many} 分钟{'更快' if high <= 0 else '更慢'} / {many} min {'sooner' if high <= 0 else 'later'}"


def _outlined(classes: np.ndarray, persons: np.ndarray, ready: Ready) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely
    from rasterio.features import shapes

    middle, rows, grid = len(STEPS_MIN) // 2, [], ready.ground.grid
    rough = accuracy_under(ready.layers, ready.city.analysis.facilities, grid.cell_m)
    drawn: dict[int, list] = {}
    for shape, number in shapes(classes.astype(np.uint8), classes != middle, transform=grid.transform):  # fmt: skip
        drawn.setdefault(int(number), []).append(shapely.geometry.shape(shape))
    edges = [-np.inf, *STEPS_MIN, np.inf]
    for number in sorted(drawn):
        hit = classes == number
        rows.append(
            {
                "class": number,
                "from_min": edges[number],
                "to_min": edges[number + 1],
                "persons": float(persons[hit].sum()),
                "km2": float(hit.sum() * grid.cell_m**2 / 1e6),
                "quality": "modelled",
                "accuracy_m": rough,
                "geometry": shapely.MultiPolygon(drawn[number]),
            }
        )
    columns = ["class", "from_min", "to_min", "persons", "km2", "quality", "accuracy_m", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=grid.crs)


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
