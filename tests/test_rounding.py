"""--min-persons hides: a release attacked with linear programming, by whoever knows the rule."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

import pagereader
from test_init import command
from townfolder import write_town
from urbanplan import study
from urbanplan.base.grid import ALL
from urbanplan.city.profile import load_city
from urbanplan.measures.coverage import coverage
from urbanplan.output import page as html
from urbanplan.output import rounding
from urbanplan.output.page.content import content
from urbanplan.output.rounding import rounded, told

INF = np.inf


class Attack:
    """Every linear relation that a page gives: variables with bounds, and rows between them."""

    def __init__(self) -> None:
        self.names: dict[tuple, int] = {}
        self.bounds: list[list[float]] = []
        self.rows: list[tuple[dict[int, float], float]] = []

    def var(self, name: tuple, low: float = 0.0, high: float = INF) -> int:
        """A variable; bounds that are given again narrow it."""
        at = self.names.setdefault(name, len(self.names))
        if at == len(self.bounds):
            self.bounds.append([0.0, INF])
        self.bounds[at] = [max(low, self.bounds[at][0]), min(high, self.bounds[at][1])]
        return at

    def at_most(self, terms: dict[int, float], limit: float) -> None:
        self.rows.append((terms, limit))

    def equal(self, terms: dict[int, float], value: float) -> None:
        self.at_most(terms, value)
        self.at_most({k: -v for k, v in terms.items()}, -value)

    def width(self, terms: dict[int, float]) -> float:
        """How wide a sum is bounded: the larger the less is known."""
        cost = np.zeros(len(self.bounds))
        for at, factor in terms.items():
            cost[at] += factor
        data = [(i, j, f) for i, (row, _) in enumerate(self.rows) for j, f in row.items()]
        i, j, f = zip(*data)
        matrix = csr_array((f, (i, j)), shape=(len(self.rows), len(cost)))
        limits = [limit for _, limit in self.rows]
        ends = []
        for sign in (1, -1):
            done = linprog(sign * cost, A_ub=matrix, b_ub=limits, bounds=self.bounds)
            assert done.status == 0, done.message
            ends.append(sign * done.fun)
        return ends[1] - ends[0]


def number(text: str) -> float:
    return np.nan if text in ("–", "") else float(text.replace(",", ""))


def in_class(attack: Attack, name: tuple, shown: float, of: float, people: int, least: int) -> int:
    """A count as the rule tells it: in its class, or among all but fewer than twice the base."""
    if np.isnan(shown):
        at = attack.var(name)
    elif shown == of:
        at = attack.var(name, of - least)
    else:
        at = attack.var(name, shown, shown + least)
    attack.at_most({at: 1, people: -1}, 0)
    return at


def attack_page(page: dict, known: dict | None = None, *, gaps: bool = True) -> tuple:
    """Relations of a page's tables, gaps and zones, and the sums that nobody may know.

    `known` are totals of areas that the attacker has from elsewhere.
    """
    attack, least, sums = Attack(), page["least"], {}
    cells: dict[tuple, list[tuple[float, int]]] = {}
    totals = {row["area"]: number(row["of"]) for row in page["coverage"]}
    for row in page["coverage"]:
        area, of = row["area"], number(row["of"])
        if area == ALL:
            continue
        people = attack.var(("P", area), of, of + least)
        if known:
            attack.var(("P", area), known[area], known[area])
        key = (row["facilities"], row["mode"], row["minutes"], area)
        at = in_class(attack, key, number(row["persons"]), of, people, least)
        sums[key], sums[("left", *key)] = {at: 1}, {people: 1, at: -1}
        cells.setdefault((row["facilities"], row["mode"], area), []).append(
            (float(row["minutes"]), at)
        )
    for limits in cells.values():
        limits.sort()
        for (_, near), (_, far) in zip(limits, limits[1:]):
            attack.at_most({near: 1, far: -1}, 0)
    minutes = page["headline"]["minutes"]
    for row in page["scenario_rows"]:
        if row["area"] == ALL:
            continue
        base = attack.names[(row["facilities"], row["mode"], minutes, row["area"])]
        people = attack.names["P", row["area"]]
        of = totals[row["area"]]
        key = ("scenario", row["id"], row["facilities"], row["mode"], row["area"])
        at = in_class(attack, key, number(row["persons"]), of, people, least)
        sums[key], sums[("gain", *key)] = {at: 1}, {at: 1, base: -1}
    _gaps_and_zones(attack, page, sums, minutes, known, gaps)
    return attack, sums


def _gaps_and_zones(attack, page, sums, minutes, known, gaps) -> None:
    least = page["least"]
    for layer in page["layers"]:
        name = layer["id"]
        if name.startswith("gaps:") and gaps:
            mode, parts = name.split(":")[1], {}
            for i, feature in enumerate(layer["features"]):
                own = feature["properties"]
                shown = own.get("persons") or 0.0
                at = attack.var((name, i), max(shown - least, 0), shown + least)
                parts.setdefault(own["area"], []).append(at)
            for area, ats in parts.items():
                near = attack.names[(page["selected"][0], mode, minutes, area)]
                people = attack.names["P", area]
                if attack.bounds[near][1] == INF:
                    # All but fewer than twice the base are reached: any of the gaps holds them.
                    for at in ats:
                        attack.bounds[at] = [0.0, 2.0 * least]
                attack.equal({near: 1, people: -1, **dict.fromkeys(ats, 1)}, 0)
                sums |= {(name, area, at): {at: 1} for at in ats}
        if name == "population" and not known:
            zones = {}
            for i, feature in enumerate(layer["features"]):
                own = feature["properties"]
                shown = float(own.get("persons") or 0)
                at = attack.var((name, i), shown, shown + least)
                zones.setdefault(own["district"], []).append(at)
            for area, ats in zones.items():
                if ("P", area) in attack.names:
                    attack.equal({attack.names["P", area]: -1, **dict.fromkeys(ats, 1)}, 0)
                    sums |= {(name, at): {at: 1} for at in ats}


def require_hidden(page: dict, known: dict | None = None, **how) -> int:
    """Raise unless nothing can be bounded narrower than the threshold; how many were tried."""
    attack, sums = attack_page(page, known, **how)
    for key, terms in sums.items():
        # Of fewer people than that there is no more to be known than that there are so few.
        wide = min([page["least"], *[v for a, v in (known or {}).items() if a in key]])
        assert attack.width(terms) >= wide * (1 - 1e-6) - 1e-6, key
    return len(sums)


# ---------------------------------------------------------------- the rule


@given(of=st.floats(0, 1e4), share=st.floats(0, 1), least=st.integers(1, 500), exact=st.booleans())
def test_every_class_is_as_wide_as_the_threshold_even_to_whoever_knows_the_total(
    of, share, least, exact
):
    of = round(of) if exact else of
    steps = np.unique(np.r_[np.linspace(0, of, 400), np.arange(0, of, least), of * share, of])
    classes = told(steps, np.full(len(steps), of), least)
    if of < 2 * least:
        assert np.isnan(classes).all()
        return
    # Counts rise with the persons, and a class's ends are at least the threshold apart.
    assert (np.diff(classes) >= 0).all() and classes[0] == 0
    assert classes[-1] == of // least * least
    starts = steps[np.unique(classes, return_index=True)[1]].tolist()
    ends = [*starts[1:], of]
    assert all(b - a >= least - 1e-3 for a, b in zip(starts, ends))
    # Nothing is off by twice the threshold.
    assert (np.abs(classes - steps) <= 2 * least).all()


@given(st.lists(st.floats(0, 400), min_size=1, max_size=8), st.integers(1, 100), st.data())
def test_gaps_share_out_exactly_what_the_table_leaves_out(persons, least, data):
    persons, whole = np.array(persons), sum(persons)
    total = least * data.draw(st.integers(max(int(whole // least) - 1, 0), int(whole // least)))
    shared = rounding._shared_out(persons, total, least)
    assert shared.sum() == total or (shared >= persons).all()
    assert (shared >= 0).all() and not (shared % least).any()
    assert (np.abs(shared - persons) < 2 * least).all() or total < whole - least


# ---------------------------------------------------------------- towns


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_town(tmp_path_factory.mktemp("town") / "c")
    return study.run(load_city(folder))


AREAS = ("北岸", "南岸")
MODES = ("walk", "drive")
cell = st.tuples(
    st.sampled_from(AREAS),
    st.one_of(st.integers(0, 40), st.floats(0, 40)),
    *[st.floats(0, 8)] * len(MODES),
    st.floats(0.2, 1.0),
    st.integers(0, 2),
)


def town_of(run, cells):
    """The run with tables of these people: area, persons, minutes by mode, a scenario's factor, cluster."""
    frame = pd.DataFrame(cells, columns=["area", "persons", *MODES, "factor", "cluster"])
    # Either bank always holds somebody, so that it has a row.
    demand = frame.assign(km2=0.01, persons=frame["persons"].astype(float))
    limits, plan = [1, 2, 5], run.city.analysis
    parts = {a: (r := np.flatnonzero(demand["area"] == a), np.ones(len(r))) for a in AREAS}
    tables, after, gaps = [], [], []
    for mode in MODES:
        own = coverage(demand, demand[mode], limits, parts)
        tables.append(own.assign(facilities="hospitals", mode=mode))
        then = coverage(demand, demand[mode] * demand["factor"], limits, parts)
        gained = then["persons_covered"] - own["persons_covered"]
        about = {"scenario": "second_bridge", "name_zh": "二桥", "name_en": "b"}
        after.append(then.assign(persons_gained=gained, facilities="hospitals", mode=mode, **about))
        far = demand[(demand[mode] > plan.headline_minutes + 1e-9) & (demand["persons"] > 0)]
        for (area, _), part in far.groupby(["area", "cluster"]):
            gaps.append(
                {"mode": mode, "rank": 1, "area": area, "persons": part["persons"].sum(), "km2": 0.1,
                 "minutes": 2.0, "nearest_min": 3.0, "quality": "modelled", "accuracy_m": 100.0,
                 "geometry": shapely.box(105.0, 28.8, 105.1, 28.9)}
            )  # fmt: skip
    people = run.layers["population"]
    held = [demand.loc[demand["area"] == a, "persons"].sum() for a in AREAS]
    zones = people.frame.assign(persons=held, district=list(AREAS))
    columns = ["mode", "rank", "area", "persons", "km2", "minutes", "nearest_min", "quality", "accuracy_m", "geometry"]  # fmt: skip
    return replace(
        run,
        coverage=pd.concat(tables, ignore_index=True)[list(run.coverage.columns)],
        scenario_coverage=pd.concat(after, ignore_index=True)[list(run.scenario_coverage.columns)],
        gaps=gpd.GeoDataFrame(gaps, columns=columns, geometry="geometry", crs=4326),
        layers={**run.layers, "population": replace(people, frame=zones)},
    )


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),
)
@given(st.lists(cell, min_size=2, max_size=14), st.integers(2, 30))
def test_no_count_of_any_town_can_be_bounded_narrower_than_the_threshold(run, cells, least):
    town = town_of(run, cells)
    page = content(town, html.Options(min_persons=least))
    totals = dict(zip(town.coverage["area"], town.coverage["persons"]))
    assert require_hidden(page) > 12
    # Nor by whoever knows how many live in every district, to the person.
    assert require_hidden(page, totals) > 12


def as_it_was(town, least: int) -> tuple[Attack, list[dict]]:
    """The page with small counts left out and all others exact: what is hidden, and what is known."""
    attack, hidden = Attack(), []
    for row in town.coverage.itertuples():
        key, of = (row.mode, row.minutes, row.area), row.persons
        small = 0 < row.persons_covered < least or 0 < of - row.persons_covered < least
        at = attack.var(key, 0 if small else row.persons_covered, of if small else row.persons_covered)  # fmt: skip
        if small:
            hidden.append({at: 1})
    for mode in MODES:
        for minutes in (1.0, 2.0, 5.0):
            whole = {attack.names[mode, minutes, a]: 1 for a in AREAS}
            attack.equal({**whole, attack.names[mode, minutes, ALL]: -1}, 0)
    return attack, hidden


def test_the_attack_succeeds_where_only_small_counts_are_left_out(run):
    # Three of the south bank are reached, and 500 of the north: ALL minus the others is three.
    cells = [
        ("北岸", 500, 1.0, 1.0, 1.0, 0),
        ("南岸", 3, 1.0, 1.0, 1.0, 0),
        ("南岸", 600, 9, 9, 1, 1),
    ]
    town = town_of(run, cells)
    attack, hidden = as_it_was(town, 100)
    assert hidden and all(attack.width(one) < 1e-6 for one in hidden)
    page = content(town, html.Options(min_persons=100))
    assert require_hidden(page) and not any(r["persons"] == "3" for r in page["coverage"])


def test_rounded_figures_add_up_and_are_near(run):
    least = 40
    small = rounded(run, least)
    for exact, table in ((run.coverage, small.coverage), (run.scenario_coverage, small.scenario_coverage)):  # fmt: skip
        for column in ("persons", "persons_covered"):
            assert not (table[column] % least).any()
            off = (table[column] - exact[column]).abs()
            assert (off[table["area"] != ALL] < 2 * least).all() and off.max() < 4 * least
        keys = [c for c in ("scenario", "facilities", "mode", "minutes") if c in table]
        for _, part in table.groupby(keys):
            by = part.set_index("area")
            for column in ("persons", "persons_covered"):
                assert by.loc[ALL, column] == by.drop(ALL)[column].sum()
        assert np.allclose(table["share"], table["persons_covered"] / table["persons"])
    # A gain is the difference of what is told of both.
    keys = ["facilities", "mode", "minutes", "area"]
    both = small.scenario_coverage.merge(small.coverage, on=keys, suffixes=("", "_before"))
    assert (
        both["persons_gained"] == both["persons_covered"] - both["persons_covered_before"]
    ).all()
    # Rounding once more changes nothing, and without a threshold nothing changes at all.
    assert rounded(small, least) is small and rounded(run, 0) is run


def test_land_says_no_more_than_people(run):
    least = 40
    table = rounded(run, least).coverage
    here = table[table["area"] != ALL]
    steps = here["km2_covered"] / here["km2"] * here["persons"] / least
    assert np.allclose(steps, steps.round(), atol=1e-6)


def test_whoever_is_reached_by_nothing_known_is_still_not_told(run):
    table = run.coverage.assign(persons_covered=np.nan, share=np.nan)
    small = rounded(replace(run, coverage=table), 40).coverage
    assert small["persons_covered"].isna().all() and small["share"].isna().all()


def test_what_grew_is_not_told_twice(run):
    grown = run.scenario_coverage.assign(
        persons=run.scenario_coverage["persons"] * 1.1,
        persons_covered=run.scenario_coverage["persons_covered"] * 1.1,
    )
    small = rounded(replace(run, scenario_coverage=grown), 40).scenario_coverage
    assert small["persons_covered"].isna().all() and small["share"].isna().all()
    exact = rounded(run, 40).scenario_coverage
    assert (small["persons_gained"] == exact["persons_gained"]).all()


def test_indicators_are_made_of_rounded_counts(run):
    # Areas reach 101 of 300 and 499 of 600; parks give 2,700 m².
    rows = []
    for name, values, unit in (
        ("hospital_15_drive", (101 / 300, 499 / 600, 600 / 900), "share"),
        ("own_total", (300.0, 600.0, 900.0), "persons"),
    ):
        for area, value in zip((*AREAS, ALL), values):
            rows.append({**run.indicators.iloc[0], "indicator": name, "area": area, "value": value,
                         "unit": unit, "threshold": 0.334, "direction": "at_least", "grade": "V",
                         "verdict": "met"})  # fmt: skip
    own = replace(run, indicators=pd.DataFrame(rows))
    about = next(k for k in study.standards_of(run.city).values() if k.unit == "share" and k.of == "people")  # fmt: skip
    own.indicators["indicator"] = own.indicators["indicator"].replace("hospital_15_drive", about.id)
    table = rounded(own, 50).indicators.set_index(["indicator", "area"])
    assert table.loc[(about.id, AREAS[0]), "value"] == pytest.approx(100 / 300)
    assert table.loc[(about.id, AREAS[1]), "value"] == pytest.approx(450 / 600)
    assert table.loc[(about.id, ALL), "value"] == pytest.approx(550 / 900)
    # 33.7 % were enough, 33.3 % are not: a verdict of the exact figure would tell of it.
    assert table.loc[(about.id, AREAS[0]), "verdict"] == "not met"
    assert table.loc[("own_total", ALL), "value"] == 900


@pytest.mark.parametrize(
    ("text", "least", "rest"),
    [
        ("3 人居住在各区范围之外 / 3 people live outside", 10, "<10 人居住在各区范围之外 / <10 people live outside"),
        ("1,234 人 / 1,234 people", 100, "1,200 人 / 1,200 people"),
        ("第3区，12.5 分钟 / 12.5 minutes", 10, "第3区，12.5 分钟 / 12.5 minutes"),
    ],
)  # fmt: skip
def test_counts_in_sentences_are_rounded_too(text, least, rest):
    assert rounding._said(text, least) == rest


def test_a_folder_that_is_given_away_obeys_as_a_whole(tmp_path, capsys):
    town, out, least = write_town(tmp_path / "c"), tmp_path / "out", 70
    code, _, err = command(capsys, "run", town, "--out", out, "--min-persons", least)
    assert code == 0 and f"rounded down to multiples of {least}" in err
    persons = 0
    with sqlite3.connect(out / "gridtown.gpkg") as base:
        for (table,) in base.execute("SELECT table_name FROM gpkg_contents").fetchall():
            columns = [r[1] for r in base.execute(f'PRAGMA table_info("{table}")')]
            for column in (c for c in columns if c.startswith("persons")):
                values = [r[0] for r in base.execute(f'SELECT "{column}" FROM "{table}"') if r[0]]
                assert not any(v % least for v in values), (table, column)
                persons += len(values)
    assert persons > 20
    for name in ("coverage", "scenarios"):
        table = pd.read_csv(out / f"{name}.csv")
        for column in (c for c in table if c.startswith("persons")):
            assert not (table[column].dropna() % least).any(), (name, column)
    checks = pd.read_csv(out / "checks.csv").set_index("id")
    assert checks.loc["people", "drawn"] % least == 0 and np.isnan(checks.loc["people", "difference"])  # fmt: skip
    log = json.loads((out / "run.json").read_text("utf-8"))
    page = pagereader.values((out / "index.html").read_text("utf-8"))
    assert log["findings"][0] == page["findings"][0] and "向下取整" in page["findings"][0]
    assert page["least"] == least and require_hidden(page, gaps=False)
    # A page that is rounded beside tables that are not is said to be.
    command(capsys, "run", town, "--out", out)
    args = ("publish", "html", town, "--out", out / "index.html", "--min-persons", least)
    assert "tables of a run with every count" in command(capsys, *args)[2]
    assert (
        "tables of a run"
        not in command(
            capsys, *args[:3], "--out", tmp_path / "alone/i.html", "--min-persons", least
        )[2]
    )


def test_luzhou_hides_at_every_threshold(atlas):
    results = atlas[0]
    for least in (10, 1000):
        page = content(results, html.Options(min_persons=least))
        # Of its 216 counts, every third, and all gains.
        page["coverage"] = [r for r in page["coverage"] if r["minutes"] in ("5", "15", "30")]
        assert require_hidden(page, gaps=False) > 100
