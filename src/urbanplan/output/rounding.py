"""Counts of people that nobody can be told by: every figure of one release, rounded to a base.

Rounding to a base (Willenborg & de Waal 2001, Elements of Statistical Disclosure Control, section
5.4; Cox 1987, JASA 82(398), for rounding that keeps sums). A count `x` of the `P` people of an area
falls into one of the classes ``[0, N), [N, 2N), …, [.., P]``, each at least `N` wide even to whoever
knows `P`, and is told as the class's lower end (the last one as all of `P`). Sums, shares, gains
and verdicts are made of what is told and of nothing else, so they tell no more: any town that has
the same rounded counts would have given the same release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.catalog.standards import PART_BORROWED, Indicator, meets
from urbanplan.city.layers import Layer
from urbanplan.measures.ledger import book
from urbanplan.study import Results
from urbanplan.study.checkup import standards_of

if TYPE_CHECKING:
    import pandas as pd

#: The area that all others make up, as tables call it.
ALL = "ALL"
#: A count of people in a sentence.
_IN_TEXT = re.compile(r"(?<!\d)(?<!\d,)\d[\d,]*+(?:\.\d++)?(?= ?(?:人|people\b|persons\b))")
#: Areas add up to the whole if they miss it by less than this many people.
_SAME = 0.5


def rounded(results: Results, least: int) -> Results:
    """A run in which no figure tells of fewer than `least` people; the run itself with 0.

    Parameters
    ----------
    results : Results
    least : int
        Persons; the base that counts are rounded to.

    Returns
    -------
    Results
        Everything that a publisher writes, made of rounded counts. Its findings say what it costs.
    """
    if least == results.least or results.coverage["persons"].isna().all():
        return results
    totals = _totals(results.coverage)
    table = coverage(results.coverage, least)
    layers = {name: _layer(layer, least) for name, layer in results.layers.items()}
    indicators = _indicators(results.indicators, totals, least, standards_of(results.city))
    return replace(
        results,
        least=least,
        layers=layers,
        checks=_checks(results.checks, least),
        coverage=table,
        scenario_coverage=scenario_coverage(results.scenario_coverage, results.coverage, least),
        indicators=indicators,
        gaps=_gaps(results, table, least),
        differences=floored(results.differences, least),
        demand=floored(results.demand, least),
        plan=book(results.plan.plan, layers, indicators, results.city.metric_crs),
        findings=(_cost(table, least), *(_said(text, least) for text in results.findings)),
    )


def told(persons: np.ndarray, of: np.ndarray, least: float) -> np.ndarray:
    """Counts as they are told, among so many people each.

    Parameters
    ----------
    persons, of : ndarray of float
        Of each area: those who are counted, and all.
    least : float

    Returns
    -------
    ndarray of float
        Multiples of `least`, from 0 to `of` rounded down. NaN where that is less than twice
        `least`: no two classes would be wide enough.
    """
    whole = _down(of, least)
    # A sum of fractions that misses a multiple by noise is that multiple.
    lower = np.where(persons >= whole - least - 1e-6, whole, _down(persons, least))
    return np.where(whole < 2 * least, np.nan, lower)


def coverage(table: pd.DataFrame, least: float) -> pd.DataFrame:
    """A coverage table of rounded counts, and of land that says no more than they do.

    Land is told to the area that `least` people of its district have on average.
    """
    of, land = table["persons"].to_numpy(float), table["km2"].to_numpy(float)
    held = _down(of, least)
    people = told(table["persons_covered"].to_numpy(float), of, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        as_people = table["km2_covered"].to_numpy(float) / land * of
        covered = told(as_people, of, least) / held * land
    out = table.assign(persons=held, persons_covered=people, km2_covered=covered)
    keys = [c for c in ("scenario", "facilities", "mode", "minutes") if c in table]
    out = _added_up(out, table, keys, ["persons", "persons_covered", "km2_covered"])
    return _with_shares(out)


def scenario_coverage(table: pd.DataFrame, base: pd.DataFrame, least: float) -> pd.DataFrame:
    """Coverage under scenarios, and gains as the difference of two rounded counts.

    Where a scenario changes who lives in an area, what is covered of them is not told: beside the
    baseline's count and a rate of growth it would be a second measure of the same people.
    """
    if not len(table):
        return table
    keys = ["facilities", "mode", "minutes", "area"]
    before = table[keys].merge(base, on=keys, how="left", validate="many_to_one")
    of = before["persons"].to_numpy(float)
    was = before["persons_covered"].to_numpy(float)
    after = told(was + table["persons_gained"].to_numpy(float), of, least)
    same = np.abs(table["persons"].to_numpy(float) - of) < _SAME
    out = table.assign(
        persons=np.where(same, _down(of, least), _down(table["persons"].to_numpy(float), least)),
        persons_covered=np.where(same, after, np.nan),
        persons_gained=after - told(was, of, least),
    )
    columns = ["persons", "persons_covered", "persons_gained"]
    exact = table.assign(persons=of)
    out = _added_up(out, exact, ["scenario", "facilities", "mode", "minutes"], columns)
    # A whole of which a part is not told is not told either.
    changed = ~same & (table["area"] == ALL).to_numpy()
    out.loc[changed, "persons_covered"] = np.nan
    return _with_shares(out)


def _down(values: np.ndarray | float, least: float) -> np.ndarray:
    return np.floor((np.asarray(values, float) + 1e-6) / least) * least


def _added_up(
    out: pd.DataFrame, exact: pd.DataFrame, keys: list[str], columns: list[str]
) -> pd.DataFrame:
    # The whole is the sum of what is told of its parts, where its parts make it up.
    whole = (exact["area"] == ALL).to_numpy()
    for _, rows in exact.groupby(keys, sort=False).indices.items():
        parts, alls = rows[~whole[rows]], rows[whole[rows]]
        held = exact["persons"].to_numpy(float)
        for all_ in alls[np.abs(held[parts].sum() - held[alls]) < _SAME]:
            for column in columns:
                # Where nothing can be told of any part, nothing can of the whole.
                values = out[column].to_numpy(float)
                known = not np.isnan(exact[column].to_numpy(float)[all_])
                out.iloc[all_, out.columns.get_loc(column)] = np.nansum(values[parts]) if known else np.nan  # fmt: skip
    return out


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    of = table["persons"].where(table["persons"] > 0)
    out = table.assign(share=table["persons_covered"] / of)
    if "km2" in table:
        out["km2_share"] = table["km2_covered"] / table["km2"].where(table["km2"] > 0)
    return out


def _totals(table: pd.DataFrame) -> Mapping[str, float]:
    return dict(zip(table["area"], table["persons"]))


def floored(frame: pd.DataFrame, least: float) -> pd.DataFrame:
    """A table whose counts of people are rounded down, without the land that they live on."""
    own = [c for c in frame if str(c).startswith("persons")]
    out = frame.assign(**{c: _down(frame[c].to_numpy(float), least) for c in own})
    # Land times a density is a count.
    return out.assign(km2=np.nan) if own and "km2" in out else out


def _layer(layer: Layer, least: float) -> Layer:
    own = [c for c, unit in layer.kind.columns.items() if unit == "persons"]
    frame = layer.frame
    return replace(
        layer,
        frame=frame.assign(**{c: _down(frame[c].astype(float).to_numpy(), least) for c in own}),
    )


def _checks(table: pd.DataFrame, least: float) -> pd.DataFrame:
    people = table["unit"] == "persons"
    drawn = table["drawn"].mask(people, _down(table["drawn"].astype(float), least))
    return table.assign(drawn=drawn, difference=table["difference"].mask(people))


def _gaps(results: Results, table: pd.DataFrame, least: float) -> pd.DataFrame:
    # Gaps of an area share out the people that its table leaves out of reach.
    gaps, plan = results.gaps, results.city.analysis
    if not len(gaps) or gaps["persons"].isna().all():
        return gaps
    near = table[
        (table["facilities"] == plan.headline_facilities)
        & (table["minutes"] == plan.headline_minutes)
    ].set_index(["mode", "area"])
    left = (near["persons"] - near["persons_covered"]).to_dict()
    persons = gaps["persons"].to_numpy(float)
    out = np.zeros(len(gaps))
    for key, rows in gaps.groupby(["mode", "area"], sort=False).indices.items():
        target = left.get(key, np.nan)
        out[rows] = _shared_out(persons[rows], target, least)
    return gaps.assign(persons=out, km2=np.nan)


def _shared_out(persons: np.ndarray, total: float, least: float) -> np.ndarray:
    # Each rounded down or up so that they add up to a total of rounded counts (Cox 1987).
    out = _down(persons, least)
    if np.isnan(total):
        return out * np.nan
    steps = round((total - out.sum()) / least)
    if steps > 0:
        rest = np.argsort(out - persons, kind="stable")[:steps]
        out[rest[persons[rest] > out[rest]]] += least
    while out.sum() > total:
        # Less is left out than they hold together: the last to be above nothing gives way.
        out[np.flatnonzero(out > 0)[-1]] -= least
    return out


def _indicators(
    table: pd.DataFrame,
    totals: Mapping[str, float],
    least: float,
    standards: Mapping[str, Indicator],
) -> pd.DataFrame:
    known = [standards.get(i) for i in table["indicator"]]
    of = table["area"].map(totals).to_numpy(float)
    value = table["value"].to_numpy(float)
    share = np.array([k is not None and k.unit == "share" and k.of != "villages" for k in known])
    people = share & np.array([k is not None and k.of == "people" for k in known])
    count = (table["unit"] == "persons").to_numpy()
    head = np.array([k is not None and k.measure == "per_head" for k in known])
    dense = ~count & np.array([k is not None and "persons" in (k.figure or "") for k in known])
    out = table.assign(held=_down(of, least))
    out["held"] = _whole(out, "held", of)
    held = out["held"].where(out["held"] > 0).to_numpy(float)
    covered = told(value * of, of, least)
    out["value"] = np.select(
        [count, share, head, dense],
        [_down(value, least), covered, value * of / held, value * held / of],
        value,
    )
    summed = out[people | count].assign(held=np.where(people, of, value)[people | count])
    out.loc[summed.index, "value"] = _whole(summed, "value", summed["held"].to_numpy())
    out["value"] = np.where(share, out["value"] / held, out["value"])
    judged = out["verdict"].str.startswith(("met", "not met"))
    out.loc[judged, "verdict"] = [
        meets(row.value, row.threshold, row.direction)
        + (PART_BORROWED if row.verdict.endswith(PART_BORROWED) else "")
        for row in out[judged].itertuples()
    ]
    hidden = out["value"].isna() & table["value"].notna()
    why = "人数太少，不显示 / too few people: not shown"
    return out.assign(why=out["why"].mask(hidden, why)).drop(columns="held")


def _whole(table: pd.DataFrame, column: str, exact: np.ndarray) -> np.ndarray:
    # Of every indicator, what is told of its areas added up for the whole.
    about = table.reset_index(drop=True)
    known = about.assign(persons=exact, **{column: exact})
    return _added_up(about, known, ["indicator"], [column])[column].to_numpy(float)


def _said(text: str, least: int) -> str:
    def down(found: re.Match[str]) -> str:
        persons = float(_down(float(found[0].replace(",", "")), least))
        return f"{persons:,.0f}" if persons else f"<{least}"

    return _IN_TEXT.sub(down, text)


def _cost(table: pd.DataFrame, least: int) -> str:
    # Only of what is told: how many counts happen to be round would tell of them.
    few = int((table["persons_covered"] == 0).sum())
    untold = int(table["persons_covered"].isna().sum())
    return (
        f"人数均向下取整为{least}的倍数，份额由此算出：共{len(table)}个，其中{few}个少于{least}（记为0），"
        f"{untold}个不显示；不足{2 * least}人未覆盖的按全部覆盖计 / counts of people are rounded down to"
        f" multiples of {least}, and shares made of those: {len(table)} counts, {few} of them below {least}"
        f" (told as 0), {untold} not told; where fewer than {2 * least} are left out, all count as reached"
    )
