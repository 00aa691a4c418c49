"""Scenarios: an empty one is the baseline, adding helps, the base stays; and numbers from arithmetic."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import gridtown
from streettown import write_street_city
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.city.layers import load_layer, validate
from urbanplan.city.profile import load_city
from urbanplan.cli import cli, main
from urbanplan.errors import InputError, UnknownNameError, UrbanplanError
from urbanplan.measures.scenarios import (
    BASELINE,
    State,
    applied,
    chain,
    parse_scenarios,
    pick_scenario,
)
from urbanplan.study import scenarios_of


def lonlat(row, column):
    point = gpd.GeoSeries([shapely.Point(gridtown.centre(row, column))], crs=gridtown.CRS)
    there = point.to_crs(4326).iloc[0]
    return [there.x, there.y]


def known(*rows):
    return parse_scenarios({"scenario": [{"name_zh": r["id"], "name_en": r["id"], **r} for r in rows]})  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return load_city(write_town(tmp_path_factory.mktemp("scenarios") / "town"))


@pytest.fixture(scope="module")
def ready(town):
    return study.prepare(town)


def variants(town, ready, *rows):
    return study.Variants(town, known(*rows), ready)


# The same -----------------------------------------------------------------------------------


def test_an_empty_scenario_is_the_baseline_byte_for_byte(town, ready):
    v = variants(town, ready, {"id": "empty"}, {"id": "above", "base": "empty"})
    for name in ("empty", "above"):
        for mode in town.analysis.modes:
            assert v.cells(name, "hospitals", mode).tobytes() == v.cells(BASELINE, "hospitals", mode).tobytes()  # fmt: skip
        one, other = (v.indicators(n) for n in (BASELINE, name))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        found = study.compare(v, BASELINE, name)
        assert found.coverage["gained"].eq(0).all() and len(found.layers) == 0
        assert found.people.drop(columns=["facilities", "mode", "area"]).eq(0).all().all()
        assert not len(study.difference_map(v, BASELINE, name, "hospitals", "drive"))


def test_the_baseline_is_what_a_run_finds_and_an_empty_one_computed_afresh_is_it_too(town):
    results = study.run(town)
    v = study.Variants(town, known({"id": "empty"}))
    for mode in town.analysis.modes:
        assert v.cells("empty", "hospitals", mode).tobytes() == results.minutes["hospitals", mode].tobytes()  # fmt: skip
    pd.testing.assert_frame_equal(v.indicators("empty"), results.indicators, check_exact=True)


def test_the_base_is_unchanged_whatever_is_done_to_copies(town, ready):
    before = {n: x.frame.to_wkb().to_csv() for n, x in ready.layers.items()}
    people = ready.demand.to_csv()
    v = variants(
        town,
        ready,
        {
            "id": "all",
            "change": [
                {"do": "open", "layer": "bridges", "status": "planned"},
                {"do": "add", "layer": "hospitals", "id": "new", "at": lonlat(5, 3)},
                {"do": "move", "layer": "hospitals", "ids": ["h1"], "at": lonlat(1, 3)},
                {"do": "set", "layer": "hospitals", "ids": ["h1"], "column": "beds", "value": 7},
                {"do": "close", "layer": "roads", "ids": ["north"]},
                {"do": "speed", "class": "primary", "factor": 0.5},
                {"do": "grow", "factor": 2},
            ],
        },
    )
    v.coverage("all", "hospitals", "drive")
    v.indicators("all")
    assert {n: x.frame.to_wkb().to_csv() for n, x in ready.layers.items()} == before
    assert ready.demand.to_csv() == people


# Arithmetic ---------------------------------------------------------------------------------


def test_a_bridge_saves_the_minutes_that_the_way_round_costs(town, ready):
    """From (5,1) to the hospital at (1,1): over the new bridge instead of round by the old one."""
    v = variants(town, ready, {"id": "b", "change": [{"do": "open", "layer": "bridges", "ids": ["bridge_new"]}]})  # fmt: skip
    cell = (6, 1)  # row 5, column 1: the grid begins one row above the town
    before, after = (v.cells(n, "hospitals", "drive")[cell] for n in (BASELINE, "b"))
    assert after < before - 0.5
    found = study.compare(v, BASELINE, "b").people.set_index(["facilities", "mode", "area"])
    row = found.loc["hospitals", "walk", "南岸"]
    held = ready.demand["persons"].to_numpy()
    shift = v.minutes("b", "hospitals", "walk") - v.minutes(BASELINE, "hospitals", "walk")
    hit = (shift < -0.5) & (ready.demand["area"] == "南岸").to_numpy()
    assert row["persons_faster"] == pytest.approx(held[hit].sum()) and row["persons_faster"] > 0
    assert row["minutes_saved"] == pytest.approx((-shift * held)[hit].sum() / held[hit].sum())
    assert row["persons_slower"] == row["persons_cut_off"] == 0


def test_growth_multiplies_people_and_to_reaches_its_number(town, ready):
    v = variants(
        town,
        ready,
        {"id": "double", "change": [{"do": "grow", "factor": 2}]},
        {"id": "to", "change": [{"do": "grow", "to": 1800}]},
        {"id": "north", "change": [{"do": "grow", "factor": 3, "district": "北岸"}]},
    )
    base = v.coverage(BASELINE, "hospitals", "walk").set_index(["minutes", "area"])
    for name in ("double", "to"):
        table = v.coverage(name, "hospitals", "walk").set_index(["minutes", "area"])
        for column in ("persons", "persons_covered"):
            assert table[column].to_numpy() == pytest.approx(2 * base[column].to_numpy())
        assert table["share"].to_numpy() == pytest.approx(base["share"].to_numpy())


def test_a_growth_that_names_nobody_is_refused(town, ready):
    v = variants(town, ready, {"id": "x", "change": [{"do": "grow", "factor": 2, "district": "月球"}]})  # fmt: skip
    with pytest.raises(UnknownNameError, match="scenario 'x': nobody lives"):
        v.coverage("x", "hospitals", "walk")


def _kept(folder, name):
    """A file of a scenario that closes the town's only hospital."""
    path = folder / "own.toml"
    path.write_text(
        f'[[scenario]]\nid = "{name}"\nname_zh = "关"\nname_en = "shut"\n'
        'change = [{ do = "close", layer = "hospitals", ids = ["h1"] }]\n',
        "utf-8",
    )
    return path


def test_a_second_facility_is_nearer_and_a_closed_one_is_gone(town, ready, tmp_path):
    v = variants(
        town,
        ready,
        {"id": "more", "change": [{"do": "add", "layer": "hospitals", "id": "n", "at": lonlat(5, 4)}]},
        {"id": "none", "change": [{"do": "close", "layer": "hospitals", "ids": ["h1"]}]},
        {"id": "moved", "change": [{"do": "move", "layer": "hospitals", "ids": ["h1"], "at": lonlat(5, 4)}]},
    )  # fmt: skip
    here = (6, 4)
    assert v.cells("more", "hospitals", "walk")[here] == pytest.approx(0, abs=0.1)
    # What was known and is closed serves nobody; that is known, too.
    assert (v.coverage("none", "hospitals", "walk")[["persons_covered", "share"]] == 0).all(
        axis=None
    )
    told = run(
        "compare", town.layers_folder, "baseline", "none", "--scenarios", _kept(tmp_path, "none")
    )
    lost = v.coverage(BASELINE, "hospitals", "walk").query("minutes == 2 and area == 'ALL'")
    assert f"-{lost['persons_covered'].iloc[0]:,.0f} " in told and " 0.0% " in told
    # Moved: the south is near, the north is far; more: the lesser of both, everywhere.
    least = np.fmin(v.cells(BASELINE, "hospitals", "walk"), v.cells("moved", "hospitals", "walk"))
    assert np.allclose(v.cells("more", "hospitals", "walk"), least, equal_nan=True)


def test_speed_changes_minutes_on_roads_of_its_class_only(town, ready):
    v = variants(town, ready, {"id": "slow", "change": [{"do": "speed", "class": "primary", "factor": 0.5}]})  # fmt: skip
    before, after = (v.cells(n, "hospitals", "drive") for n in (BASELINE, "slow"))
    assert (after >= before - 1e-9)[np.isfinite(before)].all() and np.nanmax(after - before) > 0
    assert np.array_equal(v.cells("slow", "hospitals", "walk"), v.cells(BASELINE, "hospitals", "walk"), equal_nan=True)  # fmt: skip
    with pytest.raises(UnknownNameError, match="class"):
        variants(town, ready, {"id": "x", "change": [{"do": "speed", "class": "canal", "kmh": 5}]}).state("x")  # fmt: skip


def test_a_standard_is_judged_by_what_the_scenario_says(luzhou):
    rows = known({"id": "half", "change": [{"do": "standard", "id": "double_two_hundred_people", "threshold": 1_000_000}]})  # fmt: skip
    found = study.compare(study.Variants(luzhou, rows), BASELINE, "half").indicators
    row = found[(found["indicator"] == "double_two_hundred_people") & (found["area"] == "ALL")].iloc[0]  # fmt: skip
    assert row["difference"] == 0 and (row["threshold_a"], row["threshold_b"]) == (2e6, 1e6)
    assert (row["verdict_a"], row["verdict_b"]) == ("not met", "met")


# Adding never harms ---------------------------------------------------------------------------

PLACES = st.tuples(st.sampled_from([0, 1, 2, 4, 5, 6]), st.integers(0, 9))


@settings(max_examples=25)
@given(st.lists(PLACES, min_size=1, max_size=3, unique=True))
def test_adding_facilities_never_lowers_coverage_nor_lengthens_a_way(town, ready, places):
    changes = [{"do": "add", "layer": "hospitals", "id": f"n{i}", "at": lonlat(*p)} for i, p in enumerate(places)]  # fmt: skip
    v = variants(town, ready, {"id": "more", "change": changes})
    for mode in town.analysis.modes:
        before, after = (v.coverage(n, "hospitals", mode) for n in (BASELINE, "more"))
        assert (after["persons_covered"] >= before["persons_covered"] - 1e-9).all()
        one, other = (v.minutes(n, "hospitals", mode) for n in (BASELINE, "more"))
        assert (other <= one + 1e-9).all()


def test_scenarios_stack_and_branch(town, ready):
    open_bridge = {"do": "open", "layer": "bridges", "ids": ["bridge_new"]}
    add = {"do": "add", "layer": "hospitals", "id": "n", "at": lonlat(5, 4)}
    v = variants(
        town, ready, {"id": "a", "change": [open_bridge]}, {"id": "b", "base": "a", "change": [add]},
        {"id": "c", "base": "a"}, {"id": "flat", "change": [open_bridge, add]},
    )  # fmt: skip
    assert [s.id for s in chain(v.known, "b")] == [BASELINE, "a", "b"]
    assert v.cells("b", "hospitals", "walk").tobytes() == v.cells("flat", "hospitals", "walk").tobytes()  # fmt: skip
    assert v.cells("c", "hospitals", "walk").tobytes() == v.cells("a", "hospitals", "walk").tobytes()  # fmt: skip


def test_shipped_scenarios_of_luzhou(atlas):
    results = atlas[0]
    names = set(results.scenarios)
    bridges = results.layers["bridges"].frame
    planned = set(bridges.loc[bridges["status"] == "planned", "id"])
    alone = {
        i for s in results.scenarios.values() if s.base == BASELINE and len(s.changes) == 2
        for c in s.changes if c.get("layer") == "bridges" and len(c.get("ids")) == 1 for i in c.get("ids")
    }  # fmt: skip
    assert alone == planned
    assert {"all_bridges", "greenway", "targets_2025", "horizon_2035"} <= names
    table = results.scenario_coverage.query("area == 'ALL' and minutes == 30 and mode == 'drive'")
    table = table[table["facilities"] == "culture_sport"].set_index("scenario")
    assert (table["persons_gained"] >= -1e-6).all() and set(table.index) == names - {BASELINE}
    assert table.loc["targets_2025", "persons"] == pytest.approx(2_000_000)
    assert table.loc["all_bridges", "persons_gained"] >= table.loc["yangtze_5", "persons_gained"]
    assert set(results.scenario_bands["scenario"]) == set(results.differences["scenario"])
    assert "greenway" not in set(results.differences["scenario"])


def test_a_map_of_change_holds_the_people_whose_minutes_change(town, ready):
    v = variants(town, ready, {"id": "b", "change": [{"do": "open", "layer": "bridges", "ids": ["bridge_new"]}]})  # fmt: skip
    frame = study.difference_map(v, BASELINE, "b", "hospitals", "walk")
    people = study.compare(v, BASELINE, "b").people.set_index(["facilities", "mode", "area"])
    faster = frame.loc[frame["class"] < 3, "persons"].sum()
    # Classes begin at half a minute, as the table does.
    assert faster == pytest.approx(people.loc[("hospitals", "walk", "ALL"), "persons_faster"])
    assert set(frame["quality"]) == {"modelled"} and (frame["class"] < 3).all()


def test_costs_are_per_person_that_is_newly_served(tmp_path):
    city = load_city(write_town(tmp_path / "town"))
    found = study.compare(study.Variants(city), BASELINE, "second_bridge")
    row = found.costs.iloc[0]
    table = found.coverage
    gained = table.query("facilities == 'hospitals' and mode == 'drive' and minutes == 2 and area == 'ALL'")["gained"].iloc[0]  # fmt: skip
    assert row["cost"] == 3 and row["cost_unit"] == "亿元" and row["persons_gained"] == gained > 0
    # Three hundred million yuan, told in yuan for each.
    assert row["cost_per_person"] == pytest.approx(3e8 / gained) and row["per_unit"] == "元"
    assert (row["facilities"], row["mode"], row["minutes"]) == ("hospitals", "drive", 2)
    # A scenario whose costs nobody stated has none, rather than nought.
    v = study.Variants(city, known({"id": "x", "change": [{"do": "grow", "factor": 2}]}))
    assert not len(study.compare(v, BASELINE, "x").costs)


#: Some gain and some lose: the old bridge shut, another opened; a second hospital, a road gone.
GIVE_AND_TAKE = (
    {"do": "close", "layer": "bridges", "ids": ["bridge_old"]},
    {"do": "open", "layer": "bridges", "ids": ["bridge_new"]},
    {"do": "add", "layer": "hospitals", "id": "n", "at": lonlat(0, 7)},
)


@pytest.fixture(scope="module")
def swap(town, ready):
    return variants(
        town,
        ready,
        {"id": "x", "change": list(GIVE_AND_TAKE), "cost": 10, "cost_unit": "万元"},
        {"id": "cut", "change": [GIVE_AND_TAKE[0]]},
        {"id": "half", "change": [{"do": "grow", "factor": 0.5, "district": "南岸"}]},
    )


@pytest.mark.parametrize("b", ["x", "cut", "half"])
def test_a_comparison_read_backwards_is_its_mirror(swap, b):
    one, other = study.compare(swap, BASELINE, b), study.compare(swap, b, BASELINE)
    assert (one.a, one.b, other.a, other.b) == (BASELINE, b, b, BASELINE)

    def mirrored(table):
        return table.rename(columns={c: f"{c[:-1]}{'b' if c[-1] == 'a' else 'a'}" for c in table if c[-2:] in ("_a", "_b")})  # fmt: skip

    for name, opposite in (("indicators", "difference"), ("coverage", "gained"), ("layers", None)):
        here, there = getattr(one, name), mirrored(getattr(other, name))
        if opposite:
            there = there.assign(**{opposite: -there[opposite]})
        # Quality is that of what is looked at.
        kept = [c for c in here if c not in ("quality", "accuracy_m", "why")]
        pd.testing.assert_frame_equal(here[kept], there[kept], check_dtype=False)
    if b != "half":
        turned = {"persons_faster": "persons_slower", "minutes_saved": "minutes_lost", "persons_connected": "persons_cut_off"}  # fmt: skip
        both = {**turned, **{v: k for k, v in turned.items()}}
        pd.testing.assert_frame_equal(one.people, other.people.rename(columns=both)[one.people.columns])  # fmt: skip
        here, there = (
            study.difference_map(swap, *pair, "hospitals", "walk").set_index("class")
            for pair in ((BASELINE, b), (b, BASELINE))
        )
        there = there.set_index(6 - there.index).sort_index()
        assert here["persons"].to_dict() == there["persons"].to_dict() and len(here)
        assert here["from_min"].tolist() == (-there["to_min"]).tolist()
        assert here["km2"].tolist() == there["km2"].tolist()


def test_winners_and_losers_are_those_whose_minutes_say_so(swap, ready):
    """Every row of the table against minutes cell by cell, with people and areas of its own."""
    found = study.compare(swap, BASELINE, "x").people
    persons, area = ready.demand["persons"].to_numpy(), ready.demand["area"].to_numpy()
    seen = dict.fromkeys(("persons_faster", "persons_slower", "persons_cut_off"), 0)
    for row in found.itertuples():
        here = np.ones(len(area), bool) if row.area == "ALL" else area == row.area
        before, after = (
            swap.minutes(n, row.facilities, row.mode)[here] for n in (BASELINE, "x")
        )  # fmt: skip
        held = persons[here]
        fast = [p for p, a, b in zip(held, before, after) if np.isfinite(b) and b < a - 0.5 and np.isfinite(a)]  # fmt: skip
        slow = [(p, b - a) for p, a, b in zip(held, before, after) if np.isfinite(b) and b > a + 0.5]  # fmt: skip
        lost = [p for p, a, b in zip(held, before, after) if np.isfinite(a) and not np.isfinite(b)]
        assert row.persons_faster == pytest.approx(sum(fast))
        assert row.persons_slower == pytest.approx(sum(p for p, _ in slow))
        assert row.persons_cut_off == pytest.approx(sum(lost)) and row.persons_connected == 0
        if slow and row.persons_slower:
            mean = sum(p * m for p, m in slow) / sum(p for p, _ in slow)
            assert row.minutes_lost == pytest.approx(mean) and mean > 0.5
        for key in seen:
            seen[key] += getattr(row, key)
    assert seen["persons_faster"] and seen["persons_slower"]


def test_whose_people_stand_under_a_and_b(swap):
    found = study.compare(swap, BASELINE, "half").coverage
    south = found[found["area"] == "南岸"]
    assert (south["persons_b"] == south["persons_a"] / 2).all() and (
        south["persons_a"] == 600
    ).all()
    north = found[found["area"] == "北岸"]
    assert (north["persons_b"] == north["persons_a"]).all()
    assert (found["gained"] == found["covered_b"] - found["covered_a"]).all()
    assert (found["gained"] < 0).any() and not (found["gained"] > 0).any()


def test_who_gains_is_counted_among_the_people_of_what_is_looked_at(town, ready):
    """Twice the people, the same bridge: twice as many gain, in the table as on the map."""
    bridge = {"do": "open", "layer": "bridges", "ids": ["bridge_new"]}
    v = variants(
        town, ready, {"id": "b", "change": [bridge]},
        {"id": "both", "change": [bridge, {"do": "grow", "factor": 2}]},
    )  # fmt: skip
    one, two = (study.compare(v, BASELINE, n).people for n in ("b", "both"))
    assert (one["persons_faster"] > 0).any()
    assert two["persons_faster"].to_numpy() == pytest.approx(2 * one["persons_faster"].to_numpy())
    assert two["minutes_saved"].to_numpy() == pytest.approx(one["minutes_saved"].to_numpy())
    here, there = (
        study.difference_map(v, BASELINE, n, "hospitals", "walk")["persons"] for n in ("b", "both")
    )
    assert there.to_numpy() == pytest.approx(2 * here.to_numpy())


def test_layers_that_differ_count_what_is_there(town, ready):
    """A planned bridge that is opened is one more; what stays planned is none."""
    bridge = {"do": "open", "layer": "bridges", "ids": ["bridge_new"]}
    plan = {"do": "add", "layer": "hospitals", "id": "n", "at": lonlat(5, 4), "values": {"status": "planned"}}  # fmt: skip
    v = variants(town, ready, {"id": "x", "change": [bridge, plan]})
    told = study.compare(v, BASELINE, "x").layers.set_index("layer")
    assert told.loc["bridges", ["features_a", "features_b"]].tolist() == [1, 2]
    assert told.loc["bridges", "length_km_b"] > told.loc["bridges", "length_km_a"] > 0
    there = int((ready.layers["hospitals"].frame["status"] == "existing").sum())
    assert told.loc["hospitals", ["features_a", "features_b"]].tolist() == [there, there]


def test_growth_of_a_settlement_where_no_layer_knows_them(town, ready):
    none = replace(ready.layers["population"], frame=ready.layers["population"].frame.iloc[:0], sha256="none")  # fmt: skip
    group = np.where(ready.demand["area"] == "北岸", "rural", "urban")
    bare = replace(ready, layers={**ready.layers, "population": none}, demand=ready.demand.assign(group=group))  # fmt: skip
    v = variants(town, bare, {"id": "x", "change": [{"do": "grow", "factor": 3, "settlement": "rural"}]})  # fmt: skip
    table = v.coverage("x", "hospitals", "walk").query("minutes == 5").set_index("area")["persons"]
    assert table.to_dict() == pytest.approx({"北岸": 900, "南岸": 600, "ALL": 1500})


def test_nobody_newly_served_has_no_price(swap):
    row = study.compare(swap, BASELINE, "x").costs.iloc[0]
    assert row["cost"] == 10 and row["cost_unit"] == "万元"
    assert np.isnan(row["cost_per_person"]) == (row["persons_gained"] <= 0)
    # Backwards nothing is built: there is nothing to pay.
    assert not len(study.compare(swap, "x", BASELINE).costs)


def test_costs_add_up_along_a_branch_and_units_do_not_mix(town, ready):
    shut = {"do": "close", "layer": "bridges", "ids": ["bridge_old"]}
    rows = (
        {"id": "one", "change": [shut], "cost": 4, "cost_unit": "万元"},
        {"id": "two", "base": "one", "change": [{"do": "grow", "factor": 2}], "cost": 3, "cost_unit": "万元"},
        {"id": "yuan", "base": "one", "change": [{"do": "grow", "factor": 2}], "cost": 3, "cost_unit": "元"},
        {"id": "free", "base": "one", "change": [{"do": "grow", "factor": 2}]},
    )  # fmt: skip
    v = variants(town, ready, *rows)
    assert study.compare(v, BASELINE, "two").costs["cost"].tolist() == [7]
    # From its base, a scenario costs what it adds itself.
    assert study.compare(v, "one", "two").costs["cost"].tolist() == [3]
    assert not len(study.compare(v, BASELINE, "yuan").costs)
    assert not len(study.compare(v, BASELINE, "free").costs)


def test_one_facility_more_builds_no_network_again(luzhou, monkeypatch):
    """One search for each kind of facility that changes and each mode; all else is the baseline's."""
    add = {"do": "add", "layer": "culture_sport", "id": "n", "at": [105.35, 28.78]}
    v = study.Variants(luzhou, known({"id": "one", "change": [add]}))
    study.compare(v, BASELINE, BASELINE)
    made = {"build_surface": 0, "nearest": 0}
    for name in made:
        real = getattr(study.model, name)

        def counted(*args, name=name, real=real, **kwargs):
            made[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(study.model, name, counted)
    for facilities in luzhou.analysis.facilities:
        for mode in luzhou.analysis.modes:
            v.coverage("one", facilities, mode)
    v.indicators("one")
    assert made == {"build_surface": 0, "nearest": len(luzhou.analysis.modes)}


# Mapped streets --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return load_city(write_street_city(tmp_path_factory.mktemp("mapped") / "city"))


def test_on_mapped_streets_a_planned_bridge_is_joined_and_a_street_is_closed(streets):
    v = study.Variants(
        streets,
        known(
            {"id": "bridge", "change": [{"do": "open", "layer": "bridges", "ids": ["new"]}]},
            {"id": "shut", "change": [{"do": "close", "layer": "streets", "at": streets_middle(streets)}]},
        ),
    )  # fmt: skip
    facilities, mode = streets.analysis.headline_facilities, "walk"
    before = v.minutes(BASELINE, facilities, mode)
    joined, shut = (v.minutes(n, facilities, mode) for n in ("bridge", "shut"))
    assert (joined <= before + 1e-9).all() and (joined < before - 1).any()
    # The south has no way left; the north goes as before.
    ready = v.ready(BASELINE)
    _, north = ready.ground.grid.centres(ready.demand.index.to_numpy())
    south, top = north < north.min() + 300, north > north.max() - 300
    assert south.sum() > 50 and np.isfinite(before[south]).all() and np.isinf(shut[south]).all()
    assert shut[top] == pytest.approx(before[top], abs=1e-6)


def streets_middle(city):
    from streettown import CLOSED

    return list(CLOSED)


def test_a_bridge_that_leads_nowhere_is_refused(streets):
    add = {"do": "add", "layer": "bridges", "id": "lost", "along": [[105.9, 28.9], [105.91, 28.9]], "values": {"class": "primary", "speed_kmh": 40}}  # fmt: skip
    v = study.Variants(streets, known({"id": "x", "change": [add]}))
    with pytest.raises(InputError, match="from any street"):
        v.minutes("x", streets.analysis.headline_facilities, "walk")
    shut = {"do": "close", "layer": "streets", "at": [105.9, 28.9]}
    v = study.Variants(streets, known({"id": "y", "change": [shut]}))
    with pytest.raises(InputError, match="no street passes"):
        v.minutes("y", streets.analysis.headline_facilities, "walk")


# What is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": ""}, "no id"),
        ({"id": "baseline"}, "no id of its own"),
        ({"id": "x", "name_zh": ""}, "no name_zh"),
        ({"id": "x", "colour": 1}, "unknown field 'colour'"),
        ({"id": "x", "cost": -1, "cost_unit": "元"}, "cost"),
        ({"id": "x", "cost": 5}, "cost_unit"),
        ({"id": "x", "base": "y"}, "no scenario 'y'"),
        ({"id": "x", "base": "x"}, "stands on itself"),
        ({"id": "x", "change": [{"do": "paint"}]}, "'paint'"),
        ({"id": "x", "change": [{"do": "open"}]}, "'open' of scenario x has no layer"),
        ({"id": "x", "change": [{"do": "open", "layer": "bridges"}]}, "ids or a status"),
        ({"id": "x", "change": [{"do": "open", "layer": "moats", "ids": ["a"]}]}, "moats"),
        ({"id": "x", "change": [{"do": "add", "layer": "hospitals", "id": "n"}]}, "one of at"),
        ({"id": "x", "change": [{"do": "add", "layer": "hospitals", "id": "n", "at": [28, 105, 1]}]}, "lon, lat"),
        ({"id": "x", "change": [{"do": "add", "layer": "hospitals", "id": "n", "at": [105, 128]}]}, "lon, lat"),
        ({"id": "x", "change": [{"do": "speed", "class": "primary"}]}, "kmh or a factor"),
        ({"id": "x", "change": [{"do": "grow", "factor": -1}]}, "'factor' of 'grow' of scenario x cannot be -1 → write a number above 0"),
        ({"id": "x", "change": [{"do": "grow", "factor": 1, "to": 2}]}, "to .persons. or a factor"),
        ({"id": "x", "change": [{"do": "standard"}]}, "'standard' of scenario x has no id"),
        ({"id": "x", "change": [{"do": "close", "layer": "streets", "ids": ["1"]}]}, "the place at which"),
    ],
)  # fmt: skip
def test_a_scenario_that_cannot_be_read_is_refused_in_one_sentence(row, said):
    with pytest.raises(UrbanplanError, match=said) as caught:
        known(row)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"do": "open", "layer": "bridges", "ids": ["bridge_old"]}, "there already"),
        ({"do": "open", "layer": "bridges", "ids": ["nothing"]}, "'nothing' is no feature"),
        ({"do": "close", "layer": "hospitals", "ids": ["nothing"]}, "'nothing' is no feature"),
        ({"do": "add", "layer": "hospitals", "id": "h1", "at": [105.4, 28.8]}, "already"),
        ({"do": "add", "layer": "hospitals", "id": "n", "along": [[105, 28], [105, 29]]}, "holds points"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"stars": 5}}, "'stars'"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [24.9, 60.2]}, "far outside the city"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [28.8, 80.4]}, "longitude first"),
        ({"do": "move", "layer": "hospitals", "ids": ["h1"], "at": [0, 0]}, "far outside the city"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"accuracy_m": "abc"}}, "accuracy_m = 'abc'"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"accuracy_m": 0}}, "not above 0"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"beds": -1}}, "beds = '-1'"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"status": "someday"}}, "status 'someday'"),
        ({"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"name_zh": [1]}}, "cannot be .1."),
        ({"do": "add", "layer": "built_up", "id": "n", "around": [[105.4, 28.8], [105.41, 28.81], [105.41, 28.8], [105.4, 28.81]]}, "not valid"),
        ({"do": "set", "layer": "hospitals", "ids": ["h1"], "column": "status", "value": "someday"}, "someday"),
        ({"do": "move", "layer": "built_up", "ids": ["core"], "at": [105.4, 28.8]}, "no points"),
        ({"do": "set", "layer": "hospitals", "ids": ["h1"], "column": "source", "value": "x"}, "not set"),
        ({"do": "set", "layer": "hospitals", "ids": ["h1"], "column": "beds", "value": "many"}, "figure"),
        ({"do": "standard", "id": "nothing", "minutes": 5}, "no indicator"),
        ({"do": "close", "layer": "water", "ids": ["brook"]}, "everything stands"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_done_says_whose_it_is(town, ready, change, said):
    v = variants(town, ready, {"id": "x", "change": [change]})
    with pytest.raises(UrbanplanError, match=said) as caught:
        v.state("x")
    assert "scenario 'x'" in str(caught.value)


def test_what_is_added_has_the_geometry_of_its_layer(luzhou):
    at = [105.44, 28.87]
    rows = (
        {"do": "add", "layer": "hospitals", "id": "n", "at": at},
        # A park may be known by its middle alone.
        {"do": "add", "layer": "parks", "id": "n", "at": at},
        {"do": "add", "layer": "roads", "id": "n", "along": [at, [105.45, 28.87]], "values": {"class": "primary", "speed_kmh": 40}},
    )  # fmt: skip
    layers = {row["layer"]: load_layer(luzhou, row["layer"]) for row in rows}
    state = applied(State(layers, {}, {}), [known({"id": "x", "change": list(rows)})["x"]])
    for name, kind in (("hospitals", "Point"), ("parks", "Polygon"), ("roads", "LineString")):
        layer = state.layers[name]
        new = layer.frame.set_index("id").loc["n"]
        assert new.geometry.geom_type == kind and len(layer.frame) == len(layers[name].frame) + 1
        assert validate(layer) == validate(layers[name])
        assert new.geometry.distance(shapely.Point(at)) < 1e-9


# The command ----------------------------------------------------------------------------------


def run(*args):
    done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


def test_compare_writes_every_table_and_the_map(tmp_path):
    folder = write_town(tmp_path / "town")
    out = tmp_path / "out"
    run("compare", folder, "baseline", "second_bridge", "--out", out, "--map", tmp_path / "m.gpkg")
    assert {p.stem for p in out.iterdir()} == {"indicators", "coverage", "people", "layers", "costs"}  # fmt: skip
    told = json.loads(run("compare", folder, "baseline", "second_bridge", "--json"))
    again = pd.read_csv(out / "coverage.csv")
    assert [r["gained"] for r in told["coverage"]] == pytest.approx(again["gained"].tolist())
    assert len(gpd.read_file(tmp_path / "m.gpkg"))
    run("compare", folder, "baseline", "second_bridge", "--out", tmp_path / "all.xlsx")
    sheets = pd.read_excel(tmp_path / "all.xlsx", sheet_name=None)
    assert list(sheets) == ["indicators", "coverage", "people", "layers", "costs"]
    assert "Second bridge" in run("scenarios", folder)
    with pytest.raises(UnknownNameError, match="did you mean 'second_bridge'"):
        pick_scenario(scenarios_of(load_city(folder)), "second_brige")


def test_scenarios_of_ones_own_stand_on_the_citys(tmp_path):
    folder = write_town(tmp_path / "town")
    write_layer(folder, "hospitals", [("h1", shapely.Point(gridtown.centre(1, 1)), {"beds": 1})])
    own = tmp_path / "mine.toml"
    own.write_text(
        '[[scenario]]\nid = "mine"\nname_zh = "我"\nname_en = "mine"\nbase = "second_bridge"\n'
        'change = [{ do = "set", layer = "hospitals", ids = ["h1"], column = "beds", value = 9 }]\n',
        "utf-8",
    )
    rows = json.loads(run("scenarios", folder, "--scenarios", own, "--json"))
    assert [r["scenario"] for r in rows] == ["baseline", "second_bridge", "mine"]
    told = json.loads(run("compare", folder, "second_bridge", "mine", "--scenarios", own, "--json"))
    assert {r["layer"] for r in told["layers"]} == {"hospitals"}


@pytest.mark.parametrize(
    "args", [("baseline", "nothing"), ("nothing", "baseline"), ("baseline", "second_bridge", "--map", "m.doc"), ("baseline", "second_bridge", "--facilities", "roads")]
)  # fmt: skip
def test_bad_input_is_one_sentence_and_exit_2(tmp_path, capsys, args):
    folder = write_town(tmp_path / "town")
    with pytest.raises(SystemExit) as end:
        main(["-q", "compare", str(folder), *args])
    said = capsys.readouterr().err.strip()
    assert end.value.code == 2 and len(said.splitlines()) == 1 and "→" in said
    assert not re.search("Traceback", said)


def test_two_like_changes_elsewhere_are_not_taken_for_one(town, ready):
    def at(*p):
        return [{"do": "add", "layer": "hospitals", "id": "n", "at": lonlat(*p)}]

    v = variants(town, ready, {"id": "a", "change": at(5, 4)}, {"id": "b", "change": at(0, 9)})
    one, other = (v.cells(n, "hospitals", "walk") for n in "ab")
    assert one[6, 4] == pytest.approx(0, abs=0.1) and other[1, 9] == pytest.approx(0, abs=0.1)
    assert other[6, 4] > 1


def test_growth_of_a_district_leaves_the_others_alone(town, ready):
    frame = ready.layers["population"].frame.assign(
        district=["北岸", "南岸"], settlement=["rural", "urban"]
    )
    layers = {
        **ready.layers,
        "population": replace(ready.layers["population"], frame=frame, sha256="p"),
    }
    for where in ({"district": "北岸"}, {"settlement": "rural"}):
        rows = known({"id": "x", "change": [{"do": "grow", "factor": 3, **where}]})
        state = applied(State(layers, {}, {}), [rows["x"]])
        assert state.layers["population"].frame["persons"].tolist() == [900, 600]


def test_growth_of_people_of_a_raster(town, ready):
    none = replace(
        ready.layers["population"], frame=ready.layers["population"].frame.iloc[:0], sha256="none"
    )
    bare = replace(ready, layers={**ready.layers, "population": none})
    v = variants(
        town,
        bare,
        {
            "id": "x",
            "change": [
                {"do": "grow", "factor": 2, "district": "北岸"},
                {"do": "grow", "to": 1800, "district": "南岸"},
            ],
        },
    )
    before, after = (
        v.coverage(n, "hospitals", "walk").query("minutes == 5").set_index("area")["persons"]
        for n in (BASELINE, "x")
    )
    assert after["北岸"] == pytest.approx(2 * before["北岸"]) and after["南岸"] == pytest.approx(
        1800
    )
    assert v.coverage("x", "hospitals", "drive").query("minutes == 5").set_index("area")["persons"][
        "南岸"
    ] == pytest.approx(1800)


def test_growth_goes_on_from_what_was_changed_before(town, ready):
    """Zones that name no district: the layer doubles, then one bank grows where people live."""
    steps = [
        {"do": "grow", "factor": 2},
        {"do": "grow", "factor": 3, "district": "北岸"},
        {"do": "grow", "to": 600, "district": "南岸"},
    ]
    v = variants(town, ready, {"id": "x", "change": steps})
    table = v.coverage("x", "hospitals", "walk").query("minutes == 5").set_index("area")["persons"]
    assert table.to_dict() == pytest.approx({"北岸": 300 * 2 * 3, "南岸": 600, "ALL": 2400})


def test_a_status_opens_what_is_as_sure_and_no_more(town, ready):
    frame = ready.layers["bridges"].frame.copy()
    frame.loc[len(frame)] = frame.iloc[1].to_dict() | {"id": "far", "status": "announced"}
    layers = {**ready.layers, "bridges": replace(ready.layers["bridges"], frame=frame, sha256="b")}
    for status, opened in (("planned", {"bridge_new"}), ("announced", {"bridge_new", "far"})):
        rows = known({"id": "x", "change": [{"do": "open", "layer": "bridges", "status": status}]})
        assert {i for _, i in applied(State(layers, {}, {}), [rows["x"]]).opened} == opened


def test_speed_of_mapped_streets(town):
    v = study.Variants(
        town,
        known(
            {"id": "f", "change": [{"do": "speed", "class": "primary", "factor": 0.5}]},
            {"id": "k", "change": [{"do": "speed", "class": "primary", "kmh": 20}]},
        ),
    )
    base = v.state(BASELINE).modes
    for name, want in (("f", base["drive"].streets.kmh["primary"] / 2), ("k", 20)):
        state = v.state(name)
        assert state.modes["drive"].streets.kmh["primary"] == want
        assert state.modes["walk"] == base["walk"]
        roads = state.layers["roads"].frame.set_index("class")["speed_kmh"]
        assert (roads.loc[["primary"]] == (30 if name == "f" else 20)).all()


@pytest.mark.parametrize(
    "change",
    [
        "x", {"do": "open"}, [5], [{"do": ["grow"], "factor": 2}], [{"do": "open", "layer": 5, "status": "planned"}],
        [{"do": "close", "layer": "bridges", "ids": 5}], [{"do": "close", "layer": ["bridges"], "ids": ["b"]}],
        [{"do": "speed", "class": ["primary"], "kmh": 20}], [{"do": "standard", "id": ["x"], "minutes": 5}],
        [{"do": "add", "layer": "hospitals", "id": "", "at": [105.0, 28.0]}],
        [{"do": "add", "layer": "hospitals", "id": "n", "along": 5}],
        [{"do": "add", "layer": "hospitals", "id": "n", "at": [105.0, 28.0], "values": "abc"}],
    ],
)  # fmt: skip
def test_a_change_of_the_wrong_kind_is_one_sentence(change):
    row = {"id": "x", "name_zh": "甲", "name_en": "A", "change": change}
    with pytest.raises(UrbanplanError, match=r"scenario (x|'x') "):
        parse_scenarios({"scenario": [row]})


@pytest.mark.parametrize("table", ["x", {"id": "x"}, [5]])
def test_scenarios_of_the_wrong_kind_are_one_sentence(table):
    with pytest.raises(InputError, match="array of tables"):
        parse_scenarios({"scenario": table})


def test_an_empty_base_is_the_baseline():
    row = {"id": "x", "name_zh": "甲", "name_en": "A", "base": ""}
    assert parse_scenarios({"scenario": [row]})["x"].base == BASELINE


def test_people_below_nobody_are_refused(town, ready):
    bad = [{"do": "set", "layer": "population", "ids": ["north"], "column": "persons", "value": -3}]
    bad[0]["ids"] = [str(ready.layers["population"].frame["id"].iloc[0])]
    rows = known({"id": "x", "change": bad})
    with pytest.raises(InputError, match="0 or more"):
        applied(State(ready.layers, {}, {}), [rows["x"]])


def test_a_long_chain_of_scenarios_is_read_at_once_and_a_longer_one_refused():
    rows = [
        {"id": f"s{i}", "name_zh": "a", "name_en": "a", **({"base": f"s{i - 1}"} if i else {})}
        for i in range(1000)
    ]
    known = parse_scenarios({"scenario": rows})
    assert len(known) == 1001 and len(chain(known, "s999")) == 1001
    with pytest.raises(InputError, match="more than 1,000 scenarios"):
        parse_scenarios({"scenario": [*rows, rows[0] | {"id": "t"}]})
    rows[0]["base"] = "s999"
    with pytest.raises(InputError, match="stands on itself"):
        parse_scenarios({"scenario": rows})
