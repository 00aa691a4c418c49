"""coverage, access, indicators and standards as others' scripts call them."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

import gridtown
from test_cli import call
from townfolder import write_town
from urbanplan.city.layers import load_layers
from urbanplan.city.profile import load_city

#: The middle of the extract: two areas side by side.
WEST, EAST = (24.935, 60.163, 24.944, 60.171), (24.944, 60.163, 24.953, 60.171)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """People and facilities around the middle of the extract, and one of each far away."""
    folder = tmp_path_factory.mktemp("measure")
    rng = np.random.default_rng(4)
    lon, lat = 24.9352 + rng.random(40) * 0.0176, 60.1632 + rng.random(40) * 0.0076
    people = pd.DataFrame({"id": [f"p{i}" for i in range(40)], "lon": lon, "lat": lat})
    people["population"] = rng.integers(1, 90, 40)
    people["age"] = np.where(np.arange(40) % 3, "young", "old")
    people.loc[40] = ["far", 10.0, 50.0, 7, "old"]
    people.to_csv(folder / "people.csv", index=False)
    sites = people.iloc[:40:9][["id", "lon", "lat"]].assign(id=list("abcde"), beds=[3, 5, 8, 2, 9])
    sites.to_csv(folder / "sites.csv", index=False)
    gpd.GeoDataFrame(
        {"name": ["west", "east"]}, geometry=[shapely.box(*WEST), shapely.box(*EAST)], crs=4326
    ).to_file(folder / "areas.geojson")
    return folder


def table_of(path) -> pd.DataFrame:
    readers = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".xlsx": pd.read_excel,
        ".json": pd.read_json,
    }
    return readers[path.suffix](path)


def independent_minutes(capsys, town, pbf) -> pd.DataFrame:
    """Minutes of all pairs by the matrix command, people to facilities."""
    out = town / "pairs.csv"
    call(
        capsys, "-q", "matrix", "--streets", str(pbf), "--origins", str(town / "people.csv"),
        "--destinations", str(town / "sites.csv"), "--max-minutes", "90", "--out", str(out),
    )  # fmt: skip
    return pd.read_csv(out).pivot(index="origin", columns="destination", values="minutes")


def ask(capsys, town, pbf, *more, out):
    return call(
        capsys, "coverage", "--streets", str(pbf), "--facilities", str(town / "sites.csv"),
        "--demand", str(town / "people.csv"), "--minutes", "3,5,10", "--out", str(out), *more,
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "json"])
def test_coverage_on_streets_is_that_of_the_pairs(capsys, helsinki_pbf, town, tmp_path, ending):
    out = tmp_path / f"c.{ending}"
    code, printed, told = ask(
        capsys, town, helsinki_pbf, "--areas", str(town / "areas.geojson"), out=out
    )
    assert code == 0 and "ALL" in printed and printed.endswith(f"\n{out}\n")
    assert "1 of 41 places of demand" in told
    table = table_of(out)
    assert list(table) == ["area", "minutes", "persons", "persons_covered", "share"]
    assert table["area"].tolist() == ["east", "west", "OUTSIDE", "ALL"] * 3
    pairs, people = (
        independent_minutes(capsys, town, helsinki_pbf),
        pd.read_csv(town / "people.csv"),
    )
    nearest = people["id"].map(pairs.min(axis=1)).fillna(np.inf)
    for row in table.itertuples():
        areas = {"west": WEST, "east": EAST}
        west, _, east, _ = areas.get(row.area, (24.935, 0, 24.953, 0))
        here = people["lon"].between(west, east) ^ (row.area == "OUTSIDE")
        assert row.persons == people["population"][here].sum()
        assert row.persons_covered == people["population"][here & (nearest <= row.minutes)].sum()
        assert row.share == pytest.approx(row.persons_covered / row.persons)
    whole = table[table["area"] == "ALL"]["share"]
    assert 0 < whole.iloc[0] < whole.iloc[-1]


def test_areas_are_named_by_text_never_by_figures(capsys, helsinki_pbf, town, tmp_path):
    shapes = [shapely.box(*WEST), shapely.box(*EAST)]
    for columns, names in (
        ({"area": ["w", "e"]}, {"w", "e"}),
        ({"area": [1.5, 2.5], "district": ["W", "E"]}, {"W", "E"}),
        ({"area": [1.5, 2.5]}, {"1", "2"}),
    ):
        path = tmp_path / "areas.geojson"
        gpd.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(path)
        ask(capsys, town, helsinki_pbf, "--areas", str(path), out=tmp_path / "c.csv")
        assert set(pd.read_csv(tmp_path / "c.csv", dtype=str)["area"]) == {*names, "OUTSIDE", "ALL"}


def test_without_areas_everybody_counts_even_who_is_far(capsys, helsinki_pbf, town, tmp_path):
    ask(capsys, town, helsinki_pbf, out=tmp_path / "c.csv")
    table = pd.read_csv(tmp_path / "c.csv")
    people = pd.read_csv(town / "people.csv")
    assert set(table["area"]) == {"ALL"} and set(table["persons"]) == {people["population"].sum()}
    assert table["persons_covered"].max() <= people["population"].sum() - 7


def test_the_second_nearest_and_groups(capsys, helsinki_pbf, town, tmp_path):
    ask(capsys, town, helsinki_pbf, "--rank", "2", out=tmp_path / "2.csv")
    pairs = independent_minutes(capsys, town, helsinki_pbf)
    people = pd.read_csv(town / "people.csv").set_index("id")
    second = pd.Series(np.sort(pairs.fillna(np.inf), axis=1)[:, 1], pairs.index)
    table = pd.read_csv(tmp_path / "2.csv").set_index("minutes")
    for limit in (3, 5, 10):
        near = second.index[second <= limit]
        assert table.at[limit, "persons_covered"] == people.loc[near, "population"].sum()
    ask(capsys, town, helsinki_pbf, "--by", "age", out=tmp_path / "g.csv")
    ask(capsys, town, helsinki_pbf, out=tmp_path / "all.csv")
    groups, whole = pd.read_csv(tmp_path / "g.csv"), pd.read_csv(tmp_path / "all.csv")
    assert set(groups["group"]) == {"old", "young"}
    for column in ("persons", "persons_covered"):
        assert groups.groupby("minutes")[column].sum().tolist() == whole[column].tolist()


@pytest.mark.parametrize("method", ["2sfca", "e2sfca", "3sfca", "mh3sfca", "gravity", "cumulative"])
def test_access_on_streets(capsys, helsinki_pbf, town, tmp_path, method):
    out = tmp_path / "a.csv"
    code, printed, _ = call(
        capsys, "access", "--streets", str(helsinki_pbf), "--supply", str(town / "sites.csv"),
        "--capacity", "beds", "--demand", str(town / "people.csv"), "--value", "population",
        "--method", method, "--minutes", "12", "--out", str(out),
    )  # fmt: skip
    assert code == 0 and "gini" in printed
    found, people = pd.read_csv(out), pd.read_csv(town / "people.csv")
    # The mean as printed, with its unit: what falls to a person is told for a thousand.
    mean = np.average(found["access"], weights=found["population"])
    line = next(li for li in printed.splitlines() if li.startswith("│ mean"))
    _, _, value, unit = (cell.strip() for cell in line.strip("│").split("│"))
    shared = method.endswith("sfca")
    assert unit == ("beds / 1,000 persons" if shared else "beds")
    assert float(value.replace(",", "")) == pytest.approx(mean * (1000 if shared else 1), rel=0.01)
    assert list(found)[:6] == ["id", "lon", "lat", "population", "age", "access"]
    assert found["id"].tolist() == people["id"].tolist()
    assert found["access"].iloc[-1] == 0 and (found["access"] >= 0).all()
    if method.endswith("2sfca") or method == "3sfca":
        assert (found["access"] * found["population"]).sum() == pytest.approx(27, rel=1e-9)
    if method == "2sfca":
        near = independent_minutes(capsys, town, helsinki_pbf) <= 12
        heads = people.set_index("id")["population"].reindex(near.index)
        ratio = pd.Series({s: b / heads[near[s]].sum() for s, b in zip("abcde", [3, 5, 8, 2, 9])})
        by_hand = (near * ratio).sum(axis=1)
        got = found.set_index("id")["access"].reindex(near.index)
        assert np.abs(got - by_hand).max() < 1e-12


def test_access_of_a_city_hands_out_its_beds(capsys, tmp_path):
    out = tmp_path / "a.gpkg"
    code, printed, told = call(
        capsys, "access", "luzhou", "--supply", "hospitals", "--mode", "drive", "--minutes", "60",
        "--out", str(out),
    )  # fmt: skip
    there = load_layers(load_city("luzhou"))["hospitals"].reachable()
    beds = there["beds"].astype(float)
    assert code == 0 and "urban_rural_gap" in printed
    assert f"{beds.isna().sum()} of {len(there)} have no published 'beds'" in told
    assert len(there) > 10 > beds.notna().sum() > 3
    frame = gpd.read_file(out)
    assert set(frame["quality"]) == {"modelled"} and set(frame["group"]) == {"urban", "rural"}
    assert frame["persons"].sum() == pytest.approx(1_596_119)
    assert (frame["access"] * frame["persons"]).sum() == pytest.approx(beds.sum(), rel=1e-9)


def test_coverage_of_a_city_by_its_own_people_files_and_groups(capsys, tmp_path):
    gaps = tmp_path / "gaps.geojson"
    code, out, _ = call(
        capsys, "coverage", "luzhou", "--facilities", "culture_sport", "--mode", "drive",
        "--minutes", "30", "--gaps", str(gaps), "--json",
    )  # fmt: skip
    out = out.split("\n", 1)[1]
    rows = {r["area"]: r for r in json.loads(out)}
    assert code == 0 and rows["ALL"]["persons"] == pytest.approx(1_596_119)
    found = gpd.read_file(gaps)
    missing = rows["ALL"]["persons"] - rows["ALL"]["persons_covered"]
    # Clusters of less than one person are not drawn.
    assert -1e-6 <= missing - found["persons"].sum() < 60
    assert found["persons"].is_monotonic_decreasing and set(found["quality"]) == {"modelled"}
    call(
        capsys, "coverage", "luzhou", "--facilities", "culture_sport", "--mode", "drive",
        "--minutes", "30", "--by", "settlement", "--out", str(tmp_path / "g.csv"),
    )  # fmt: skip
    groups = pd.read_csv(tmp_path / "g.csv")
    whole = groups[groups["area"] == "ALL"].set_index("group")
    assert set(whole.index) == {"urban", "rural"}
    assert whole["persons_covered"].sum() == pytest.approx(rows["ALL"]["persons_covered"])
    assert whole.at["urban", "share"] > whole.at["rural", "share"]


def test_districts_given_as_areas_are_nearly_the_districts(capsys, tmp_path):
    from urbanplan.city.profile import embedded_data

    borders = embedded_data() / "boundaries/luzhou/districts.geojson"
    args = ("coverage", "luzhou", "--facilities", "parks", "--mode", "bike", "--minutes", "15")
    call(capsys, *args, "--out", str(tmp_path / "a.csv"))
    call(capsys, *args, "--areas", str(borders), "--out", str(tmp_path / "b.csv"))
    one, two = (pd.read_csv(tmp_path / n).set_index("area") for n in ("a.csv", "b.csv"))
    # Only cells on a border differ: what of them lies beyond is in none, and nobody is lost between two districts.
    assert set(two.index) - {"OUTSIDE"} == set(one.index)
    beyond = two["persons"].get("OUTSIDE", 0.0)
    assert beyond < 0.005 * two.at["ALL", "persons"]
    two = two.loc[one.index]
    assert np.abs(two["persons"] / one["persons"] - 1).max() < 0.005
    assert np.abs(two["share"] - one["share"]).max() < 0.005


def test_what_depends_on_a_bridge_is_what_closing_it_takes(capsys, tmp_path):
    """The town's only bridge: without it nobody south of the river gets across."""
    town = write_town(tmp_path / "town")
    code, out, _ = call(
        capsys,
        "bridges",
        str(town),
        "--facilities",
        "hospitals",
        "--mode",
        "drive",
        "--minutes",
        "5",
        "--json",
    )
    (row,) = json.loads(out)
    _, out, _ = call(
        capsys,
        "coverage",
        str(town),
        "--facilities",
        "hospitals",
        "--mode",
        "drive",
        "--minutes",
        "5,99",
        "--json",
    )
    south = {(r["area"], r["minutes"]): r["persons_covered"] for r in json.loads(out)}
    assert code == 0 and row["bridge"] == "bridge_old"
    assert row["persons_cut_off"] == south["南岸", 99.0] > 0
    assert row["persons_lost"] == south["南岸", 5.0] and row["persons_slower"] == 0


def test_bridges_of_the_embedded_city(capsys, tmp_path):
    out = tmp_path / "b.csv"
    code, _, _ = call(
        capsys,
        "bridges",
        "luzhou",
        "--facilities",
        "culture_sport",
        "--mode",
        "drive",
        "--out",
        str(out),
    )
    table = pd.read_csv(out)
    assert code == 0 and len(table) == 12 and (table["minutes_lost"] >= 0).all()
    assert (table["persons_slower"] * table["minutes_lost"]).is_monotonic_decreasing
    assert table["bridge"][0] == "br_yangtze_2" and set(table["quality"]) == {
        "schematic+modelled",
        "derived+modelled",
    }


def test_the_check_up_of_the_embedded_city(capsys, tmp_path):
    code, out, told = call(capsys, "indicators", "luzhou")
    assert code == 0 and "culture_sport_30" in out and "can be told from this data" in told
    # Why the others cannot be told stands below, reason by reason.
    assert "why the others cannot be told" in out and "there is no layer of" in out
    assert all(f"{name}: " in told for name in ("V seen in a public text", "D own definition"))
    for ending in ("xlsx", "csv", "parquet", "json"):
        code, printed, _ = call(
            capsys, "-q", "indicators", "luzhou", "--out", str(tmp_path / f"i.{ending}")
        )
        assert code == 0 and printed.endswith(f"\n{tmp_path / f'i.{ending}'}\n")
    table = pd.read_csv(tmp_path / "i.csv")
    assert (
        table["indicator"].nunique()
        == len(openpyxl.load_workbook(tmp_path / "i.xlsx").active["A"][1:]) / 4
    )
    by = table[table["area"] == "ALL"].set_index("indicator")
    # The plan's own measure says what the run says, and names what it rests on.
    headline = by.loc["culture_sport_30"]
    assert (
        headline["value"] == pytest.approx(0.810, abs=5e-4)
        and headline["verdict"] == "no threshold"
    )
    assert headline["quality"] == "derived+schematic+modelled"
    people = by.loc["double_two_hundred_people"]
    assert (people["value"], people["verdict"]) == (1_596_119, "not met")
    # What is only drawn after descriptions gives no number.
    for name in (
        "park_area_per_head",
        "riverside_greenway",
        "hospital_2km",
        "double_two_hundred_land",
    ):
        assert by.at[name, "verdict"] == "cannot be told" and np.isnan(by.at[name, "value"])
        assert re.search("schematic|no outline|known to [0-9,]+ m only", by.at[name, "why"])
    assert not table.loc[table["verdict"] == "cannot be told", "value"].notna().any()


def test_standards_are_listed_clause_by_clause(capsys):
    code, out, told = call(capsys, "standards", "GB55014-2021", "--json")
    rows = {r["id"]: r for r in json.loads(out)}
    assert code == 0 and {"park_area_per_head", "park_radius_share"} < set(rows)
    assert rows["park_area_per_head"]["quote"] == "人均公园绿地面积 >8.0 m²/人"
    assert "sizes and radii from" in rows["park_radius_share"]["borrowed"]
    assert (
        rows["park_area_per_head"]["threshold"] == 8 and rows["park_area_per_head"]["grade"] == "V"
    )
    assert "V seen in a public text: " in told and "own definition" not in told
    code, _, told = call(capsys, "standards", "urban-form", "--json")
    assert code == 0 and "D own definition: " in told
    code, out, _ = call(capsys, "standards", "--city", "luzhou", "--json")
    assert {"culture_sport_30", "rail_800m"} <= {r["id"] for r in json.loads(out)}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("indicators", "luzhou", "--standard", "GB1"), "unknown standard or indicator 'GB1'"),
        (("indicators", "luzhou", "--out", "x.doc"), "'.doc'"),
        (("standards", "GB1"), "GB55014-2021"),
        (("coverage", "luzhou", "--facilities", "moons"), "moons"),
        (("coverage", "luzhou", "--facilities", "nowhere.csv"), "nowhere.csv"),
        (("coverage", "luzhou", "--facilities", "parks", "--by", "age"), "'age'"),
        (("coverage", "luzhou", "--facilities", "parks", "--dem", "x.tif"), "--streets"),
        (("coverage", "--streets", "PBF", "--facilities", "SITES"), "--demand"),
        (
            (
                "coverage",
                "--streets",
                "PBF",
                "--facilities",
                "SITES",
                "--demand",
                "PEOPLE",
                "--value",
                "cats",
            ),
            "'cats'",
        ),
        (
            (
                "coverage",
                "--streets",
                "PBF",
                "--facilities",
                "SITES",
                "--demand",
                "PEOPLE",
                "--by",
                "cats",
            ),
            "'cats'",
        ),
        (
            (
                "coverage",
                "--streets",
                "PBF",
                "--facilities",
                "SITES",
                "--demand",
                "PEOPLE",
                "--areas",
                "PEOPLE",
            ),
            "no polygon",
        ),
        (
            (
                "coverage",
                "luzhou",
                "--streets",
                "PBF",
                "--facilities",
                "SITES",
                "--demand",
                "PEOPLE",
            ),
            "leave CITY",
        ),
        (
            ("access", "luzhou", "--supply", "hospitals", "--capacity", "cats", "--out", "OUT"),
            "'cats'",
        ),
        (
            ("access", "luzhou", "--supply", "hospitals", "--method", "4sfca", "--out", "OUT"),
            "4sfca",
        ),
        (
            ("access", "luzhou", "--supply", "hospitals", "--minutes", "-1", "--out", "OUT"),
            "--minutes",
        ),
        (
            ("access", "luzhou", "--supply", "hospitals", "--decay", "odd", "--out", "OUT"),
            "decay 'odd'",
        ),
        (("access", "--streets", "PBF", "--supply", "SITES", "--out", "OUT"), "--demand"),
    ],
)
def test_bad_questions_get_one_sentence(capsys, helsinki_pbf, town, tmp_path, args, said):
    real = {
        "PBF": str(helsinki_pbf), "SITES": str(town / "sites.csv"),
        "PEOPLE": str(town / "people.csv"), "OUT": str(tmp_path / "o.gpkg"),
    }  # fmt: skip
    code, _, err = call(capsys, *(real.get(a, a) for a in args))
    assert code == 2 and said in err and "Traceback" not in err
    assert len(err.strip().splitlines()[-1]) > 10 and not (tmp_path / "o.gpkg").exists()


def test_a_city_with_streets_tells_its_density(capsys, helsinki):
    code, out, _ = call(capsys, "indicators", str(helsinki), "--json")
    assert code == 0
    by = {(r["indicator"], r["area"]): r for r in json.loads(out)}
    density = by["road_density_8", "ALL"]
    # Standards of China do not judge there.
    assert density["verdict"] == "not applicable" and 5 < density["value"] < 40
    assert by["bus_stop_500m", "ALL"]["verdict"] == "not applicable"
    assert by["bus_stop_500m", "ALL"]["value"] > 0.9
    assert by["park_area_per_head", "ALL"]["why"].endswith("nobody knows who lives where")
    assert by["intersection_density", "ALL"]["value"] > 0


# What a hostile reader found --------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return write_town(tmp_path_factory.mktemp("grid") / "town")


def places(path, *rows, head="id,lon,lat,population"):
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return str(path)


def inside(row, column):
    """Longitude and latitude of a cell of the town as text."""
    point = gpd.GeoSeries([shapely.Point(gridtown.centre(row, column))], crs=gridtown.CRS)
    there = point.to_crs(4326).iloc[0]
    return f"{there.x:.6f},{there.y:.6f}"


def test_where_most_have_nothing_access_is_told_and_written(capsys, tmp_path):
    """The worst four tenths have nothing: the ratio to them is without end, and that is no reason to stop."""
    out = tmp_path / "a.gpkg"
    code, printed, _ = call(
        capsys, "access", "luzhou", "--supply", "hospitals", "--mode", "walk", "--minutes", "15", "--out", str(out),
    )  # fmt: skip
    assert code == 0 and "∞" in printed and len(gpd.read_file(out)) > 1000


def test_people_outside_all_districts_are_said(capsys, grid, tmp_path):
    file = places(tmp_path / "p.csv", f"a,{inside(5, 4)},100", "b,105.9,28.9,900")
    ask = ("coverage", str(grid), "--facilities", "hospitals", "--mode", "drive", "--minutes", "5")
    code, out, told = call(capsys, *ask, "--demand", file, "--json")
    assert code == 0 and "900 people live outside every area, not counted" in told
    assert "1 of 2 places of demand are farther than 500 m from passable land" in told
    assert "counted as not covered: b" in told
    rows = json.loads(out)
    assert [r["persons"] for r in rows if r["area"] == "ALL"] == [100]
    # Nobody outside: nothing is said.
    file = places(tmp_path / "q.csv", f"a,{inside(5, 4)},100")
    assert "outside" not in call(capsys, *ask, "--demand", file)[2]


def test_a_group_that_nobody_stated_is_a_group(capsys, grid, tmp_path):
    rows = (f"a,{inside(5, 4)},100,", f"b,{inside(1, 1)},50,u")
    file = places(tmp_path / "p.csv", *rows, head="id,lon,lat,population,g")
    ask = (
        "coverage",
        str(grid),
        "--facilities",
        "hospitals",
        "--minutes",
        "5",
        "--by",
        "g",
        "--json",
        "--demand",
    )
    table = pd.DataFrame(json.loads(call(capsys, *ask, file)[1]))
    whole = table[table["area"] == "ALL"].set_index("group")["persons"]
    assert whole.to_dict() == {"u": 50, "not stated": 100}
    file = places(tmp_path / "q.csv", rows[0], head="id,lon,lat,population,g")
    table = pd.DataFrame(json.loads(call(capsys, *ask, file)[1]))
    assert set(table["group"]) == {"not stated"}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("coverage", "{town}", "--facilities", "hospitals", "--gaps", "{town}/population.geojson"), "belongs to a city's folder"),
        (("siting", "{town}", "--candidates", "grid:100", "--p", "1", "--out", "{town}/hospitals.geojson"), "belongs to a city's folder"),
        (("coverage", "{town}", "--facilities", "hospitals", "--demand", "{file}", "--out", "{file}"), "is read and would be written over"),
        (("siting", "{town}", "--candidates", "{map}", "--p", "1", "--out", "{map}"), "is read and would be written over"),
        (("run", "{town}", "--out", "{town}"), "is a city's folder"),
        (("bridges", "{town}", "--facilities", "hospitals", "--minutes", "nan"), "above 0 and finite"),
        (("bridges", "{town}", "--facilities", "hospitals", "--minutes", "-5"), "above 0 and finite"),
        (("access", "{town}", "--supply", "hospitals", "--decay", "power", "--figure", "-3", "--out", "{new}"), "above 0 and finite"),
        (("access", "{town}", "--supply", "hospitals", "--figure", "nan", "--out", "{new}"), "above 0 and finite"),
        (("siting", "{town}", "--model", "lscp", "--p", "3", "--candidates", "grid:100"), "leave --p out"),
        (("compare", "{town}", "baseline", "second_bridge", "--mode", "bogus", "--map", "{new}"), "unknown mode 'bogus'"),
        (("compare", "{town}", "baseline", "second_bridge", "--mode", "walk"), "give --map"),
        (("coverage", "{town}", "--facilities", "hospitals", "--areas", "{whole}"), "an area is called 'ALL'"),
        (("coverage", "{town}", "--facilities", "hospitals", "--demand", "{far}"), "not longitude and latitude in degrees"),
        (("siting", "{town}", "--candidates", "{far}", "--p", "1"), "not longitude and latitude in degrees"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_nothing_is_written_over(capsys, grid, tmp_path, args, says):
    lon, lat = map(float, inside(5, 4).split(","))
    shapes = {
        "map": [shapely.Point(lon, lat)],
        "whole": [shapely.box(lon, lat, lon + 0.01, lat + 0.01)],
        "far": [shapely.Point(1000, 1000)],
    }  # fmt: skip
    paths = {"town": grid, "new": tmp_path / "new.gpkg", "file": tmp_path / "people.csv"}
    places(paths["file"], f"a,{lon},{lat},100")
    for name, geometry in shapes.items():
        paths[name] = tmp_path / f"{name}.geojson"
        frame = gpd.GeoDataFrame({"name": ["ALL"], "population": [5]}, geometry=geometry, crs=4326)
        frame.to_file(paths[name])
    before = {p: p.read_bytes() for f in (grid, tmp_path) for p in f.iterdir() if p.is_file()}
    code, _, told = call(capsys, *(a.format(**paths) for a in args))
    assert code == 2 and says in told and "Traceback" not in told
    assert {
        p: p.read_bytes() for f in (grid, tmp_path) for p in f.iterdir() if p.is_file()
    } == before


def test_a_table_of_ones_own_may_lie_in_a_citys_folder(capsys, tmp_path):
    """Somebody who works inside the folder writes there, twice if need be; only what the city reads is kept."""
    town = write_town(tmp_path / "town")
    for _ in range(2):
        code, _, told = call(capsys, "coverage", str(town), "--facilities", "hospitals", "--out", str(town / "mine.csv"))  # fmt: skip
        assert code == 0, told
    code, _, told = call(capsys, "coverage", str(town), "--facilities", "hospitals", "--out", str(town / "facts.csv"))  # fmt: skip
    assert code == 2 and "belongs to a city's folder" in told


def test_sites_may_be_areas(capsys, grid, tmp_path):
    lon, lat = map(float, inside(5, 4).split(","))
    path = tmp_path / "plots.geojson"
    gpd.GeoDataFrame({"name": ["甲地块"]}, geometry=[shapely.box(lon, lat, lon + 1e-4, lat + 1e-4)], crs=4326).to_file(path)  # fmt: skip
    code, out, _ = call(capsys, "siting", str(grid), "--candidates", str(path), "--p", "1", "--minutes", "5", "--json")  # fmt: skip
    (site,) = json.loads(out)["sites"]
    assert code == 0 and site["name"] == "甲地块"
    assert abs(site["lon"] - lon) < 2e-4 and abs(site["lat"] - lat) < 2e-4


@pytest.mark.parametrize(
    "text", ["cell_m = 1" + "0" * 400, "cell_m = 1" + "0" * 5000, "x = " + "[" * 3000 + "]" * 3000]
)
def test_a_toml_file_beyond_all_measure_is_one_sentence(capsys, tmp_path, text):
    town = write_town(tmp_path / "town")
    study = (town / "study.toml").read_text("utf-8")
    (town / "study.toml").write_text(study.replace("cell_m = 100", text), "utf-8")
    code, _, told = call(capsys, "check", str(town))
    assert code == 2 and "study.toml" in told and len(told.splitlines()) == 1


def test_a_cell_as_long_as_a_book_is_one_sentence(capsys, grid, tmp_path):
    file = places(tmp_path / "p.csv", f"a,{inside(5, 4)},{'9' * 140_000}")
    code, _, told = call(capsys, "coverage", str(grid), "--facilities", "hospitals", "--demand", file)  # fmt: skip
    # Python's own limit of a field is the whole process's, and scipy lifts it.
    assert code == 2 and len(told.splitlines()) <= 2 and len(told) < 2_000
    assert "is no table (field larger than field limit" in told or "9…9" in told


def test_people_of_an_area_that_crosses_itself_live_in_what_it_encloses(capsys, grid, tmp_path):
    lon, lat = map(float, inside(5, 4).split(","))
    bow = shapely.Polygon([(lon, lat), (lon + 0.01, lat + 0.01), (lon + 0.01, lat), (lon, lat + 0.01)])  # fmt: skip
    frame = gpd.GeoDataFrame({"name": ["a"], "population": [5]}, geometry=[bow], crs=4326)
    frame.to_file(tmp_path / "bow.geojson")
    asked = ("coverage", grid, "--facilities", "hospitals", "--demand", tmp_path / "bow.geojson")
    code, _, told = call(capsys, *map(str, asked))
    assert code == 0 and "1 of 1 demand cross themselves" in told
