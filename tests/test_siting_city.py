"""Siting in a city: forbidden land, fixed facilities, whom each site serves, and the shipped scenarios."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import gridtown
from townfolder import write_town
from urbanplan import study
from urbanplan.catalog import load_catalog
from urbanplan.cli import cli, main
from urbanplan.errors import InputError
from urbanplan.measures.scenarios import BASELINE, parse_scenarios


@pytest.fixture(scope="module")
def city(luzhou):
    ready = study.prepare(luzhou)
    return ready, ready.ways(load_catalog().mode("drive"))


def asked(model="mclp", p=3, minutes=15.0, **more):
    return study.SitingQuestion(model, p, minutes, **more)


@pytest.fixture(scope="module")
def answer(city):
    ready, ways = city
    there = ready.layers["hospitals"].with_status("existing")
    candidates = study.grid_candidates(ready, 1000)
    found = study.city_sites(ready, ways, asked(curve=4, alternatives=2), candidates, there)
    return found, candidates


def test_candidates_stand_on_built_up_land_never_in_the_river_nor_where_it_is_forbidden(city):
    ready, _ = city
    points = ready.metric(study.grid_candidates(ready, 1000))
    built = ready.metric(ready.layers["built_up"].with_status("existing")).geometry.union_all()
    assert (points.distance(built) <= ready.ground.grid.cell_m).all()
    assert not points.intersects(ready.ground.barrier).any()
    open_land = study.grid_candidates(ready, 1000, anywhere=True)
    assert len(open_land) > 3 * len(points)
    assert not ready.metric(open_land).intersects(ready.ground.barrier).any()
    shut = gpd.GeoDataFrame(geometry=[points.geometry.iloc[0].buffer(3000)], crs=points.crs)
    left = ready.metric(study.grid_candidates(ready, 1000, shut))
    assert len(left) < len(points) and not left.intersects(shut.geometry.iloc[0]).any()
    with pytest.raises(InputError, match="finer"):
        study.grid_candidates(ready, 50)
    everything = gpd.GeoDataFrame(geometry=[ready.ground.area], crs=ready.ground.grid.crs)
    with pytest.raises(InputError, match="no place is left"):
        study.grid_candidates(ready, 1000, everything)


def test_the_answer_is_proven_ranked_and_adds_up(answer):
    found, candidates = answer
    sites = found.sites
    assert sites["proven"].all() and (sites["gap"] < 1e-6).all() and list(sites["rank"]) == [1, 2, 3]  # fmt: skip
    assert set(sites["site"]) <= set(candidates["id"])
    assert sites["persons_new"].is_monotonic_decreasing
    base = found.curve.set_index("p")["objective"]
    assert sites["persons_new"].sum() == pytest.approx(sites["objective"].iloc[0] - base[0])
    whole = found.served[found.served["area"] == "ALL"].set_index("site")["persons"]
    parts = found.served[found.served["area"] != "ALL"].groupby("site")["persons"].sum()
    for site, persons in zip(sites["site"], sites["persons_new"]):
        assert whole[site] == pytest.approx(persons) and parts[site] == pytest.approx(persons)
    assert set(found.served["group"]) <= {"urban", "rural", ""}
    assert found.curve["objective"].is_monotonic_increasing and found.curve["proven"].all()
    assert (found.others["objective"] <= sites["objective"].iloc[0] + 1e-6).all()


def test_what_the_sites_bring_is_what_coverage_says_when_they_are_built(city, answer):
    """Squares of 500 m against every cell: within a per cent of the people gained."""
    ready, _ = city
    rows = [
        {"do": "add", "layer": "hospitals", "id": f"n{i}", "at": [p.x, p.y]}
        for i, p in enumerate(answer[0].sites.geometry)
    ]
    known = parse_scenarios({"scenario": [{"id": "built", "name_zh": "b", "name_en": "b", "change": rows}]})  # fmt: skip
    v = study.Variants(ready.city, known, ready)
    gained = [
        v.coverage(n, "hospitals", "drive").query("minutes == 15 and area == 'ALL'")["persons_covered"].iloc[0]
        for n in (BASELINE, "built")
    ]  # fmt: skip
    told = answer[0].sites["persons_new"].sum()
    assert gained[1] - gained[0] == pytest.approx(told, rel=0.05)


@pytest.mark.parametrize(
    ("name", "layer", "minutes"), [("sites_sport", "culture_sport", 30.0), ("sites_hospitals", "hospitals", 15.0)]
)  # fmt: skip
def test_the_shipped_sites_are_the_best_three(city, name, layer, minutes):
    ready, ways = city
    there = ready.layers[layer].with_status("existing")
    found = study.city_sites(ready, ways, asked(minutes=minutes), study.grid_candidates(ready, 500), there)  # fmt: skip
    assert found.siting.proven
    wanted = [c.get("at") for c in study.scenarios_of(ready.city)[name].changes]
    there = [[round(p.x, 6), round(p.y, 6)] for p in found.sites.geometry]
    assert there == [pytest.approx(w, abs=2e-6) for w in wanted]


def test_a_worst_off_tenth_that_counts_more_draws_the_sites_to_it(city):
    ready, ways = city
    there = ready.layers["hospitals"].with_status("existing")
    candidates = study.grid_candidates(ready, 2000)
    plain, fair = (
        study.city_sites(ready, ways, asked(minutes=30, equity=e), candidates, there)
        for e in (1.0, 20.0)
    )
    # In persons the fair choice cannot be better, and it is one that counts the far away.
    assert fair.sites["persons_new"].sum() <= plain.sites["persons_new"].sum() + 1e-6


def test_p_median_says_whom_nothing_reaches(city):
    ready, ways = city
    there = ready.layers["hospitals"].with_status("existing")
    found = study.city_sites(ready, ways, asked("p_median", 2), study.grid_candidates(ready, 2000), there)  # fmt: skip
    assert found.siting.proven and any("no site reaches" in f for f in found.findings)


# The command ----------------------------------------------------------------------------------


def run(*args):
    done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


def noted(*args):
    """What is said beside the result."""
    done = CliRunner().invoke(cli, list(map(str, args)), standalone_mode=False)
    assert done.exception is None
    return done.stderr


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return write_town(tmp_path_factory.mktemp("siting") / "town")


def places(tmp_path, *cells, **columns):
    points = [shapely.Point(gridtown.centre(*c)) for c in cells]
    frame = gpd.GeoDataFrame({"id": [f"s{i}" for i in range(len(points))], **columns}, geometry=points, crs=gridtown.CRS)  # fmt: skip
    path = tmp_path / "places.gpkg"
    frame.to_file(path)
    return path


def test_the_command_in_a_town_of_arithmetic(town, tmp_path):
    """North and south with one hospital in the north: the best new site is the one in the south."""
    file = places(tmp_path, (1, 5), (5, 4), (0, 9))
    out = tmp_path / "sites.gpkg"
    told = run("siting", town, "--candidates", file, "--p", 1, "--minutes", 5, "--mode", "walk", "--facilities", "hospitals", "--curve", 2, "--out", out)  # fmt: skip
    sites = gpd.read_file(out)
    assert list(sites["site"]) == ["s1"] and sites["proven"].all()
    fields = {"site", "rank", "persons_new", "objective", "bound", "gap", "proven"}
    assert fields <= set(sites) and str(out) in told
    curve = pd.read_csv(tmp_path / "sites_curve.csv")
    assert list(curve["p"]) == [0, 1, 2] and (tmp_path / "sites_served.csv").is_file()
    ask = ("siting", town, "--candidates", file, "--p", 1, "--minutes", 5, "--mode", "walk", "--facilities", "hospitals", "--out", out)  # fmt: skip
    for model, more, unit in (
        ("mclp", (), "persons within the limit"),
        ("mclp", ("--equity", 3), "weighted persons within the limit"),
        ("p_median", ("--minutes", 60), "person-minutes"),
        ("p_center", ("--minutes", 60), "minutes of the farthest"),
    ):
        remarks = noted(*ask, "--model", model, *more)
        assert f" ({unit}), bound" in remarks and remarks.rstrip().endswith(": proven")
    told = json.loads(run("siting", town, "--candidates", file, "--model", "lscp", "--minutes", 60, "--mode", "walk", "--json"))  # fmt: skip
    assert len(told["sites"]) == 1


def test_a_budget_buys_what_it_can(town, tmp_path):
    file = places(tmp_path, (1, 5), (5, 4), (5, 6), cost=[1.0, 5.0, 2.0])
    args = ("siting", town, "--candidates", file, "--minutes", 5, "--mode", "walk", "--json")
    rich, poor = (json.loads(run(*args, "--budget", b))["sites"] for b in (8, 2))
    assert len(rich) > len(poor) >= 1
    cost = {"s0": 1, "s1": 5, "s2": 2}
    assert sum(cost[s["site"]] for s in rich) <= 8 and sum(cost[s["site"]] for s in poor) <= 2


def test_on_streets_alone(helsinki_pbf, tmp_path):
    rng = np.random.default_rng(3)
    for name, count in (("homes", 60), ("sites", 12)):
        lon, lat = rng.uniform(24.935, 24.955, count), rng.uniform(60.165, 60.175, count)
        pd.DataFrame({"id": range(count), "lon": lon, "lat": lat, "population": rng.integers(1, 90, count)}).to_csv(tmp_path / f"{name}.csv", index=False)  # fmt: skip
    told = json.loads(run("siting", "--streets", helsinki_pbf, "--candidates", tmp_path / "sites.csv", "--demand", tmp_path / "homes.csv", "--p", 2, "--minutes", 6, "--json"))  # fmt: skip
    assert len(told["sites"]) == 2 and all(s["proven"] for s in told["sites"])
    # The same by hand: every pair of sites, by the minutes of the matrix.
    run("matrix", "--streets", helsinki_pbf, "--origins", tmp_path / "homes.csv", "--destinations", tmp_path / "sites.csv", "--max-minutes", 6, "--out", tmp_path / "m.csv")  # fmt: skip
    pairs = pd.read_csv(tmp_path / "m.csv")
    people = pd.read_csv(tmp_path / "homes.csv").set_index("id")["population"]
    best = 0
    for a in range(12):
        for b in range(a):
            best = max(best, people[sorted(set(pairs.loc[pairs["destination"].isin([a, b]), "origin"]))].sum())  # fmt: skip
    assert told["sites"][0]["objective"] == pytest.approx(best)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--candidates", "grid:500"), "--p"),
        (("--candidates", "grid:x", "--p", "1"), "no grid"),
        (("--candidates", "nowhere.gpkg", "--p", "1"), "nowhere.gpkg"),
        (("--candidates", "grid:100", "--p", "0"), "--p"),
        (("--candidates", "grid:100", "--p", "1", "--facilities", "roads"), "not a facility layer"),
        (("--candidates", "grid:100", "--p", "1", "--out", "x.doc"), ".doc"),
        (("--candidates", "grid:100", "--p", "1", "--demand", "x.csv"), "x.csv"),
        (("--candidates", "grid:100", "--p", "900"), "900"),
        (("--candidates", "grid:100", "--p", "1", "--budget", "5"), "cost"),
    ],
)
def test_bad_questions_are_answered_in_one_sentence(town, capsys, args, said):
    with pytest.raises(SystemExit) as end:
        main(["-q", "siting", str(town), "--mode", "walk", *args])
    told = capsys.readouterr().err.strip()
    assert end.value.code == 2 and len(told.splitlines()) == 1 and said in told


def asked_in(town, file, p, minutes):
    """A question of walking, as it is typed."""
    given = {"candidates": file, "p": p, "minutes": minutes, "mode": "walk"}
    return ("siting", town, *(word for k, v in given.items() for word in (f"--{k}", v)))


def chosen(*args):
    return {s["site"]: s["persons_new"] for s in json.loads(run(*args, "--json"))["sites"]}


def test_new_sites_keep_their_distance_from_each_other_and_from_what_exists(town, tmp_path):
    file = places(tmp_path, (5, 3), (5, 4), (0, 1), (6, 8))
    ask = (*asked_in(town, file, 4, 1), "--facilities", "hospitals")
    assert set(chosen(*ask)) == {"s0", "s1", "s2", "s3"}
    # s0 and s1 are 100 m apart, s2 is 100 m from the hospital.
    assert set(chosen(*ask, "--spacing", 150)) in ({"s0", "s3"}, {"s1", "s3"})


def test_a_site_serves_no_more_than_it_holds(town, tmp_path):
    file = places(tmp_path, (5, 4), (1, 5), beds=[40.0, 25.0])
    ask = (*asked_in(town, file, 2, 60), "--capacity", "beds")
    assert chosen(*ask) == pytest.approx({"s0": 40, "s1": 25})


def test_equity_draws_the_site(town, tmp_path):
    # h1 is in the north-west: the farthest tenth live in the south-east.
    file = places(tmp_path, (5, 4), (6, 9))
    ask = (*asked_in(town, file, 1, 3), "--facilities", "hospitals")
    assert list(chosen(*ask)) == ["s0"] and list(chosen(*ask, "--equity", 50)) == ["s1"]


def test_seconds_end_it_with_the_gap_stated(city):
    ready, ways = city
    # With all of them there, the first places are the best at once.
    there = ready.layers["hospitals"].with_status("existing").iloc[:1]
    found = study.city_sites(
        ready, ways, asked(p=25, seconds=0.01), study.grid_candidates(ready, 500), there
    )
    assert found.siting.stopped == "time" and not found.sites["proven"].any()
    assert (found.sites["gap"] > 0).all() and (
        found.sites["bound"] > found.sites["objective"]
    ).all()
