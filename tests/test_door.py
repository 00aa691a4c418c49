"""The way in from Python: what a notebook types works, and what is wrong gets one sentence."""

from __future__ import annotations

import inspect
import logging
import os
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

import urbanplan as up
from streettown import MODE, lonlat, write_street_city
from townfolder import write_town
from urbanplan.door.model import Model
from urbanplan.output import vector

QUESTIONS = ("isochrones", "coverage", "access", "matrix", "nearest", "reach", "site", "siting")


@pytest.fixture(scope="module")
def luzhou_city():
    return up.City("luzhou")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return up.City(write_town(tmp_path_factory.mktemp("door") / "town"))


@pytest.fixture(scope="module")
def streets(helsinki_pbf):
    return up.Streets(helsinki_pbf)


@pytest.fixture(scope="module")
def people():
    """Homes in Helsinki in a national system, their geometry and index called as somebody likes."""
    rng = np.random.default_rng(4)
    lon, lat = 24.935 + rng.random(40) * 0.018, 60.163 + rng.random(40) * 0.008
    frame = gpd.GeoDataFrame(
        {"population": rng.integers(1, 90, 40), "doctors": 2.0},
        geometry=gpd.points_from_xy(lon, lat), crs=4326, index=[f"h{i}" for i in rng.permutation(40)],
    )  # fmt: skip
    return frame.to_crs(3067).rename_geometry("shape")


@pytest.fixture(scope="module")
def clinics(people):
    return people.iloc[[3, 17, 30]].copy()


# ---------------------------------------------------------------- the contract


def test_the_contract_of_a_city(luzhou_city):
    city = luzhou_city
    assert re.fullmatch(r"<City luzhou: .{3,60}>", repr(city)) and "<table>" in city._repr_html_()
    assert "hospitals" in city.layers and isinstance(city["hospitals"], gpd.GeoDataFrame)
    table = city.coverage("hospitals", mode="drive", minutes=[15, 30])
    assert type(table) is pd.DataFrame and {15, 30} == set(table["minutes"])
    drawn = city.isochrones(city["hospitals"].iloc[:3], mode="walk", minutes=15)
    assert isinstance(drawn, gpd.GeoDataFrame) and drawn.crs == 4326 and list(drawn.index) == [0, 1, 2]  # fmt: skip


def test_the_farthest_townships_are_told_and_those_without_a_place_counted(luzhou_city):
    found = luzhou_city.nearest("townships", "hospitals", mode="drive")
    every = luzhou_city["townships"]
    assert {"name_zh", "district", "destination_zh"} <= set(found.columns)
    assert (every.loc[found.index, "id"] == found["origin"]).all()
    lost = int((~every.index.isin(found.index)).sum())
    assert any(f"Townships: {lost} published without" in text for text in found.attrs["findings"])
    pairs = luzhou_city.matrix("townships", "hospitals", mode="drive", minutes=None)
    least = pairs.groupby("origin")["minutes"].min()
    np.testing.assert_allclose(least[found["origin"]], found["minutes"])


def test_the_contract_of_streets(helsinki_pbf, people, clinics):
    streets = up.Streets(str(helsinki_pbf))
    assert repr(streets) == "<Streets Helsinki.osm.pbf>"
    drawn = streets.isochrones(clinics, mode="walk", minutes=[5, 15])
    assert repr(streets) == "<Streets Helsinki.osm.pbf: 2,780 ways>"
    assert list(drawn.index) == [i for i in clinics.index for _ in range(2)]
    assert list(drawn["origin"]) == list(drawn.index)
    pairs = streets.matrix(people, clinics, mode="bike", minutes=30)
    assert set(pairs["origin"]) <= set(people.index) and (pairs["minutes"] <= 30).all()
    reached = streets.reach(clinics, demand=people, value="population", minutes=15)
    assert list(reached.index) == list(clinics.index)
    total = people["population"].sum()
    assert (reached["population_15min"] <= total).all()
    table = streets.coverage(clinics, demand=people, value="population", minutes=15)
    assert table["persons"].tolist() == [total]
    shared = streets.access(
        clinics, capacity="doctors", demand=people, value="population", method="e2sfca", minutes=30
    )
    assert list(shared.index) == list(people.index) and "id" not in shared
    # Who gets it together get all that there is.
    assert (shared["access"] * people["population"]).sum() == pytest.approx(6.0)
    sites = streets.site(people, demand=people, value="population", p=2, minutes=10)
    assert set(sites["site"]) == set(sites.index) <= set(people.index) and sites["proven"].all()
    assert "<table>" in streets._repr_html_()


def test_one_protocol():
    for name in QUESTIONS:
        assert getattr(up.City, name) is getattr(up.Streets, name) is getattr(Model, name)


# ---------------------------------------------------------------- ten uses of a notebook


def test_minutes_become_a_column_whatever_the_index(streets, people, clinics):
    homes = people.sample(frac=1, random_state=1)
    homes["minutes"] = streets.nearest(homes, clinics)["minutes"]
    other = homes.set_index(pd.Index(np.arange(40) * 0.5))
    other["again"] = streets.nearest(other, clinics)["minutes"]
    assert homes["minutes"].notna().all()
    np.testing.assert_array_equal(homes["minutes"], other["again"])
    assert homes.loc[clinics.index, "minutes"].max() < 5


def test_a_tuple_of_labels_is_an_index(streets, people, clinics):
    deep = people.set_index(pd.MultiIndex.from_product([["a", "b"], range(20)]))
    found = streets.nearest(deep, clinics)
    assert found.index.equals(deep.index) and found["origin"].iloc[0] == ("a", 0)


@pytest.mark.parametrize("plain", [False, True])
def test_two_columns_of_one_name_are_refused(streets, people, clinics, plain):
    """geopandas issue 2091: a column named twice by its maker is written under another's name."""
    lonlat = people.to_crs(4326).geometry
    twice = people.assign(w=1.0)[[*people.columns, "w", "w"]]
    if plain:
        twice = pd.DataFrame(twice.drop(columns=people.active_geometry_name))
        twice = twice.assign(lon=lonlat.x, lat=lonlat.y)
    for ask in (lambda: streets.nearest(twice, clinics), lambda: streets.reach(clinics, demand=twice, value="w")):  # fmt: skip
        with pytest.raises(up.InputError, match="column 'w' is there twice"):
            ask()


def test_ids_of_a_column_are_kept_as_they_are(streets, people, clinics):
    named = people.assign(id=np.arange(40) + 100)
    pairs = streets.matrix(named, clinics, minutes=30)
    assert pairs["origin"].between(100, 139).all()
    assert streets.nearest(named, clinics)["origin"].tolist() == named["id"].tolist()


def test_places_in_every_form_are_the_same_places(streets, people, clinics, tmp_path):
    degrees = people.to_crs(4326)
    xy = shapely.get_coordinates(degrees.geometry.values)
    table = pd.DataFrame(xy, columns=["lon", "lat"])
    table.assign(id=people.index).to_csv(tmp_path / "homes.csv", index=False)
    forms = [
        people, people.geometry, degrees, xy, xy.tolist(), [tuple(p) for p in xy], table,
        tmp_path / "homes.csv", str(tmp_path / "homes.csv"),
    ]  # fmt: skip
    expected = streets.nearest(people, clinics)["minutes"].to_numpy()
    for form in forms:
        np.testing.assert_allclose(streets.nearest(form, clinics)["minutes"], expected, atol=1e-6)
    one = streets.nearest(tuple(xy[0]), clinics)
    assert len(one) == 1 and one["minutes"].iloc[0] == pytest.approx(expected[0])


def test_minutes_in_every_form(streets, clinics):
    for given in (5, 5.0, np.int64(5), [5], (5,), {5}, np.array([5]), pd.Series([5]), range(5, 6)):
        assert streets.isochrones(clinics, minutes=given)["minutes"].tolist() == [5.0] * 3
    assert streets.isochrones(clinics.iloc[:1], minutes=[9, 3, 3])["minutes"].tolist() == [3, 9]


def test_a_mode_of_ones_own(streets, people, clinics):
    same = streets.nearest(people, clinics, mode=up.read_modes()["bike"])
    pd.testing.assert_frame_equal(same, streets.nearest(people, clinics, mode="bike"))


def test_a_row_without_a_place_stays_and_is_empty(streets, people, clinics, caplog):
    holed = people.copy()
    holed.loc["h7", "shape"] = None
    with caplog.at_level(logging.INFO, logger="urbanplan"):
        found = streets.nearest(holed, clinics)
    assert found.index.equals(people.index) and np.isnan(found.loc["h7", "minutes"])
    (told,) = [t for t in found.attrs["findings"] if "no place" in t]
    assert told == "1 of 40 origins have no place and are left out: h7" and told in caplog.messages


def test_who_is_far_is_said_and_empty(streets, people, clinics):
    far = pd.concat([people, gpd.GeoDataFrame({"population": [5]}, geometry=[shapely.Point(10, 50)], crs=4326, index=["far"]).to_crs(3067).rename_geometry("shape")])  # fmt: skip
    found = streets.nearest(far, clinics)
    assert np.isnan(found.loc["far", "minutes"]) and found["minutes"].notna().sum() == 40
    assert any("far" in text and "1 of 41" in text for text in found.attrs["findings"])
    reached = streets.reach(far, demand=people, minutes=10)
    assert np.isnan(reached.loc["far", "population_10min"])


def test_a_graph_of_osmnx_comes_in_and_goes_out(streets, people, clinics):
    import osmnx

    graph = streets.to_networkx()
    assert isinstance(graph, nx.MultiDiGraph) and graph.graph["crs"] == "EPSG:4326"
    nodes, edges = osmnx.graph_to_gdfs(graph)
    assert len(nodes) == len(graph) and (edges["length"] > 0).all()
    back = up.Streets.from_osmnx(graph)
    one, two = (s.nearest(people, clinics)["minutes"] for s in (streets, back))
    # Squares, gates and private streets have no place in a graph.
    assert (one - two).abs().median() < 0.1 and two.notna().all()


def test_a_graph_keeps_one_way_streets_and_minutes():
    line = [lonlat(0, 0), lonlat(4, 0), lonlat(8, 0)]
    frame = gpd.GeoDataFrame({"highway": ["residential"], "oneway": ["yes"]}, geometry=[shapely.LineString(line)], crs=4326)  # fmt: skip
    back = up.Streets(up.Streets(frame).to_networkx())
    for model in (up.Streets(frame), back):
        ahead = model.matrix([line[0]], [line[2]], mode=MODE, minutes=None)
        assert ahead["minutes"].round(6).tolist() == [8.0]
        assert not len(model.matrix([line[2]], [line[0]], mode=MODE, minutes=None))


def test_a_map_of_any_answer(streets, clinics, tmp_path):
    drawn = streets.isochrones(clinics, minutes=[5, 10])
    view = up.explore(drawn, by="minutes", out=tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text("utf-8")
    assert type(view).__name__ == "Map" and "</html>" in text
    assert not re.search(r"""<(?:script|link|img)[^>]*(?:src|href)=["']https?://""", text)


def test_a_city_of_ones_own(helsinki_pbf, tmp_path):
    boundary = gpd.GeoDataFrame({"name": ["Keskusta"]}, geometry=[shapely.box(24.935, 60.163, 24.955, 60.172)], crs=4326)  # fmt: skip
    boundary.to_file(tmp_path / "b.gpkg")
    city = up.create_city(tmp_path / "hki", boundary=tmp_path / "b.gpkg", name="Helsinki")
    assert city["hospitals"].empty
    found = city.fetch(helsinki_pbf)
    assert found.ways > 1000
    parks = gpd.GeoDataFrame({"name_en": ["New park"]}, geometry=[shapely.box(24.94, 60.165, 24.941, 60.166)], crs=4326)  # fmt: skip
    parks.to_file(tmp_path / "parks.gpkg")
    before = len(city["parks"])
    report = city.add(tmp_path / "parks.gpkg", kind="parks", keep="append")
    assert report.added == 1 and len(city["parks"]) == before + 1
    assert city.coverage("parks", minutes=5)["km2_share"].iloc[-1] > 0


# ---------------------------------------------------------------- one model


def test_a_city_and_its_streets_answer_the_same(tmp_path):
    city = up.City(write_street_city(tmp_path / "town"))
    streets = up.Streets(city.profile.find("streets.osm.pbf"))
    rng = np.random.default_rng(0)
    # Beside the three streets of that town.
    along = rng.uniform(105.401, 105.419, 12)
    xy = list(zip(along, rng.choice([28.9, 28.909], 12) + rng.uniform(-5e-4, 5e-4, 12)))
    homes = gpd.GeoDataFrame({"population": np.arange(12.0)}, geometry=gpd.points_from_xy(*zip(*xy)), crs=4326)  # fmt: skip
    stops = homes.iloc[:4].assign(beds=[3.0, 5, 7, 2])
    area = gpd.GeoDataFrame({"name": ["all"]}, geometry=[homes.union_all().convex_hull.buffer(0.01)], crs=4326)  # fmt: skip
    mode = up.read_modes()["walk"]
    for ask in (
        lambda m: m.matrix(homes, stops, mode=mode, snap_m=300),
        lambda m: m.nearest(homes, stops, mode=mode, snap_m=300),
        lambda m: m.reach(stops, demand=homes, mode=mode, minutes=[5, 10], snap_m=300).drop(columns="geometry"),
        lambda m: m.coverage(stops, demand=homes, areas=area, mode=mode, minutes=[9, 18], snap_m=300),
        lambda m: m.access(stops, demand=homes, mode=mode, minutes=20, snap_m=300).drop(columns="geometry"),
        lambda m: m.site(homes, demand=homes, mode=mode, p=2, minutes=15, snap_m=300).drop(columns="geometry"),
    ):  # fmt: skip
        one, two = ask(city), ask(streets)
        assert len(one) and list(one.columns) == list(two.columns)
        pd.testing.assert_frame_equal(one, two, rtol=1e-6, atol=1e-6)


def test_land_without_streets_has_no_corners_to_ask_about(town):
    people = gpd.GeoDataFrame(
        {"population": [3]}, geometry=town["hospitals"].geometry[:1], crs=4326
    )
    with pytest.raises(up.InputError, match="has no corners of streets"):
        town.reach(demand=people, minutes=5)


def test_a_citys_own_people_add_up(town):
    reached = town.reach("hospitals", mode="walk", minutes=[1, 1000])
    whole = town.coverage("hospitals", mode="walk", minutes=1000)
    assert (reached["population_1min"] <= reached["population_1000min"]).all()
    assert reached["population_1000min"].max() <= whole["persons"].max() + 1e-6
    sites = town.siting(
        "grid:100", existing="hospitals", p=1, minutes=5, mode="drive", anywhere=True
    )
    assert len(sites.sites) <= 1 and sites.sites.attrs["findings"] == list(sites.findings)


# ---------------------------------------------------------------- what is wrong gets one sentence

WRONG = {
    "no such city": lambda c, s, f: up.City("atlantis"),
    "a number as city": lambda c, s, f: up.City(7),
    "no city": lambda c, s, f: up.City(None),
    "no such layer": lambda c, s, f: c["hospital"],
    "a layer by number": lambda c, s, f: c[3],
    "no such facilities": lambda c, s, f: c.coverage("spaceports"),
    "a layer nobody has": lambda c, s, f: c.coverage("parks"),
    "no facilities": lambda c, s, f: c.coverage(None),
    "no such mode": lambda c, s, f: c.coverage("hospitals", mode="fly"),
    "a number as mode": lambda c, s, f: c.coverage("hospitals", mode=5),
    "no such area file": lambda c, s, f: c.coverage("hospitals", areas="no.gpkg"),
    "rank of nothing": lambda c, s, f: c.coverage("hospitals", rank=0),
    "no such group": lambda c, s, f: c.coverage("hospitals", by="age"),
    "minutes of text": lambda c, s, f: s.isochrones(f, minutes="15"),
    "minutes below 0": lambda c, s, f: s.isochrones(f, minutes=[-5]),
    "no minutes": lambda c, s, f: s.isochrones(f, minutes=[]),
    "true as minutes": lambda c, s, f: s.isochrones(f, minutes=True),
    "many limits of one": lambda c, s, f: s.matrix(f, f, minutes=[5, 15]),
    "no direction": lambda c, s, f: s.matrix(f, f, direction="back"),
    "no system": lambda c, s, f: s.isochrones(f.set_crs(None, allow_override=True)),
    "no geometry": lambda c, s, f: s.isochrones(gpd.GeoDataFrame({"a": [1]})),
    "no row": lambda c, s, f: s.isochrones(f.iloc[:0]),
    "a label twice": lambda c, s, f: s.isochrones(f.set_axis([1, 1, 2])),
    "an id twice": lambda c, s, f: s.isochrones(f.assign(id="x")),
    "a table without places": lambda c, s, f: s.isochrones(pd.DataFrame({"a": [1]})),
    "a dict": lambda c, s, f: s.isochrones({"lon": 1, "lat": 2}),
    "a number": lambda c, s, f: s.isochrones(7),
    "latitude first": lambda c, s, f: s.isochrones([(60.17, 124.94)]),
    "three numbers": lambda c, s, f: s.isochrones([(24.9, 60.1, 3)]),
    "far away": lambda c, s, f: s.isochrones([(1.0, 1.0)]),
    "a layer of streets": lambda c, s, f: s.isochrones("hospitals"),
    "no such file": lambda c, s, f: s.isochrones("places.csv"),
    "no demand": lambda c, s, f: s.coverage(f),
    "no such column": lambda c, s, f: s.reach(f, demand=f, value="pupils"),
    "a number as column": lambda c, s, f: s.reach(f, demand=f, value=3),
    "text as figures": lambda c, s, f: s.reach(f, demand=f.assign(population="many")),
    "no capacity": lambda c, s, f: s.access(f, capacity="beds", demand=f),
    "no such method": lambda c, s, f: s.access(f, capacity="doctors", demand=f, method="magic"),
    "opened on streets": lambda c, s, f: s.nearest(f, f, opened=["b"]),
    "nothing to open": lambda c, s, f: c.coverage("hospitals", opened=["b"]),
    "a run of streets": lambda c, s, f: s.run("out"),
    "layers of streets": lambda c, s, f: s["hospitals"],
    "no such streets": lambda c, s, f: up.Streets("nowhere.osm.pbf"),
    "a number as streets": lambda c, s, f: up.Streets(7),
    "points as streets": lambda c, s, f: up.Streets(f),
    "no graph": lambda c, s, f: up.Streets.from_osmnx(7),
    "how many sites": lambda c, s, f: s.site(f, demand=f),
    "half a site": lambda c, s, f: s.site(f, demand=f, p=0.5),
    "no such model": lambda c, s, f: s.site(f, demand=f, p=1, model="best"),
    "an argument misspelt": lambda c, s, f: s.site(f, demand=f, n=1),
    "a grid of streets": lambda c, s, f: s.site("grid:500", demand=f, p=1),
    "snap below 0": lambda c, s, f: s.nearest(f, f, snap_m=-1),
    "a city's own grid": lambda c, s, f: c.isochrones("hospitals", cell_m=10),
    "corners of a city": lambda c, s, f: c.reach(),
    "no such scenario": lambda c, s, f: c.compare("baseline", "moon"),
    "an atlas over a city": lambda c, s, f: c.run(c.profile.folders[0]),
    "a map of nothing": lambda c, s, f: up.explore(7),
    "a map by nothing": lambda c, s, f: up.explore(f, by="colour"),
    "a map as picture": lambda c, s, f: up.explore(f, out="map.png"),
    "a city of nothing": lambda c, s, f: up.create_city("new"),
    "a city twice": lambda c, s, f: up.create_city(c.profile.folders[0], name="x"),
    "two sources": lambda c, s, f: c.fetch("a.osm.pbf", overpass="https://x"),
    "a shipped city": lambda c, s, f: up.City("luzhou").add("a.gpkg", kind="parks"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_told_in_one_sentence(town, streets, clinics, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(up.UrbanplanError) as told:
        WRONG[name](town, streets, clinics)
    assert told.value.remedy and told.value.what and "\n" not in str(told.value)


def test_many_calls_are_wrong_in_many_ways():
    assert len(WRONG) >= 30


# ---------------------------------------------------------------- names


def test_names_are_listed_and_lead_somewhere():
    assert set(up.__all__) | {"__version__"} == set(dir(up))
    for name in up.__all__:
        thing = getattr(up, name)
        assert inspect.getdoc(thing), name
    with pytest.raises(AttributeError):
        up.nothing  # noqa: B018
    typed = (Path(up.__file__).parent / "__init__.py").read_text("utf-8").split("TYPE_CHECKING:")[1]
    assert not [n for n in up.__all__ if not re.search(rf"\b{n}\b", typed.split("__version__")[0])]


def public_methods():
    for owner in (up.City, up.Streets):
        for name, member in inspect.getmembers(owner):
            if not name.startswith("_") and callable(member):
                yield pytest.param(member, id=f"{owner.__name__}.{name}")
    yield from (pytest.param(getattr(up, n), id=n) for n in ("create_city", "explore"))


#: They write, ask servers or run for minutes; the guide shows them.
SHOWN_ELSEWHERE = {"run", "report", "fetch", "add", "changes", "take"}


@pytest.mark.parametrize("method", list(public_methods()))
def test_a_method_explains_itself(method):
    text, signature = inspect.getdoc(method), inspect.signature(method)
    for title in ("Parameters", "Returns", "Raises"):
        if title != "Parameters" or set(signature.parameters) - {"self"}:
            assert f"\n{title}\n---" in text, title
    assert "\nExamples\n" in text or method.__name__ in SHOWN_ELSEWHERE
    for name, parameter in signature.parameters.items():
        if name != "self":
            assert re.search(rf"\b{name}\b", text), name
            assert parameter.annotation is not inspect.Parameter.empty, name
    assert signature.return_annotation is not inspect.Signature.empty


def test_import_costs_next_to_nothing():
    def best(code: str) -> float:
        times = []
        for _ in range(5):
            process = subprocess.Popen([sys.executable, "-c", code])
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            times.append(used.ru_utime + used.ru_stime)
        return min(times)

    heavy = "import sys, urbanplan; assert not {'numpy', 'pandas', 'geopandas', 'shapely'} & set(sys.modules)"
    assert best(heavy) <= 2 * best("pass") + 0.05


@pytest.mark.parametrize("name", ["r.html", "r.xlsx"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_report_is_that_of_the_command(town, tmp_path, name, lang):
    from click.testing import CliRunner

    from urbanplan.cli import cli

    path = town.report(tmp_path / name, lang=lang, min_persons=10)
    args = ["-q", "report", town.profile.folders[0], "--lang", lang, "--out", tmp_path / f"c{name}"]
    done = CliRunner().invoke(cli, [*map(str, args), "--min-persons", "10"], standalone_mode=False)
    assert done.exception is None, done.exception
    assert path == tmp_path / name and path.read_bytes() == (tmp_path / f"c{name}").read_bytes()


# What others reported ----------------------------------------------------------------------------

#: Degrees of one metre on the equator.
METRE = 1 / 111_194.9266


@pytest.mark.parametrize("oneway", [True, False])
def test_a_graph_is_read_in_the_direction_in_which_its_edges_are_drawn(oneway):
    """osmnx issues 356 and 847: an undirected graph names an edge's nodes in any order."""
    import osmnx

    # 900 m and hypot(1000, 900) m: 2,245 m.
    bent = [(0, 0), (0, 500 * METRE), (0, 900 * METRE), (1000 * METRE, 0)]
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_node(2, x=1000 * METRE, y=0.0)
    graph.add_node(1, x=0.0, y=0.0)
    street = {"osmid": 9, "highway": "residential", "oneway": oneway, "length": 2245.4}
    graph.add_edge(1, 2, key=0, **street, reversed=False, geometry=shapely.LineString(bent))
    if not oneway:
        back = shapely.LineString(bent[::-1])
        graph.add_edge(2, 1, key=0, **street, reversed=True, geometry=back)
    a, b = [(0, 0)], [(1000 * METRE, 0)]
    for one in (graph, osmnx.convert.to_undirected(graph)):
        streets = up.Streets(one)
        # 25 km/h on a residential street: 5.4 minutes; nothing against the one-way.
        assert streets.matrix(a, b, mode="drive")["minutes"].item() == pytest.approx(5.37, abs=0.03)
        against = streets.matrix(b, a, mode="drive")
        assert len(against) == (not oneway)
        walked = streets.matrix(a, b, mode="walk")["minutes"].item()
        assert walked == pytest.approx(2245.4 / 5000 * 60, rel=0.01)


def test_a_geometry_that_runs_back_is_turned():
    bent = [(0, 0), (0, 500 * METRE), (0, 900 * METRE), (1000 * METRE, 0)]
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_node(1, x=0.0, y=0.0)
    graph.add_node(2, x=1000 * METRE, y=0.0)
    drawn = shapely.LineString(bent)
    graph.add_edge(2, 1, highway="residential", oneway=True, length=2245.4, geometry=drawn)
    found = up.Streets(graph).matrix([(1000 * METRE, 0)], [(0, 0)], mode="drive")
    assert found["minutes"].item() == pytest.approx(5.37, abs=0.03)


def _street() -> up.Streets:
    line = shapely.LineString([(0, 0), (1000 * METRE, 0)])
    return up.Streets(gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[line], crs=4326))


def test_a_place_of_missing_coordinates_is_no_place():
    """geopandas issue 1805: points_from_xy makes POINT (NaN NaN) of them."""
    points = gpd.GeoDataFrame(
        {"n": [1, 2]}, geometry=gpd.points_from_xy([0.0, np.nan], [0.0, np.nan]), crs=4326
    )
    found = _street().matrix(points, [(1000 * METRE, 0)])
    assert len(found) == 1 and any("have no place" in f for f in found.attrs["findings"])
    assert len(_street().isochrones(points, minutes=5)) == 1


def test_a_missing_integer_is_a_missing_figure():
    """geopandas issue 1335: a nullable column says pandas.NA."""
    people = gpd.GeoDataFrame(
        {"n": pd.array([3, None], "Int64")},
        geometry=gpd.points_from_xy([0.0, 500 * METRE], [0.0, 0.0]),
        crs=4326,
    )
    with pytest.raises(up.InputError, match=r"'n' of '1' .* is not a number: empty"):
        _street().coverage([(1000 * METRE, 0)], demand=people, value="n", minutes=15)


@pytest.mark.parametrize(
    ("unit", "metres"), [("", 1.0), ("ft", 0.3048), ("US survey foot", 0.3048006)]
)
def test_heights_in_feet_are_heights(tmp_path, unit, metres):
    """OpenTripPlanner issue 2651: tiles of 3DEP that declare feet."""
    import rasterio
    from affine import Affine

    cell, n = 100 * METRE, 30
    z = np.repeat((np.arange(n)[::-1] - 9.5)[:, None] * 5 / metres, n, axis=1).astype("float32")
    with rasterio.open(
        tmp_path / "z.tif", "w", driver="GTiff", height=n, width=n, count=1, dtype="float32",
        crs=4326, transform=Affine(cell, 0, -10 * cell, 0, -cell, (n - 10) * cell),
    ) as sink:  # fmt: skip
        sink.write(z, 1)
        sink.units = (unit,)
    line = shapely.LineString([(0.0005, y * METRE) for y in (0, 500, 1000)])
    frame = gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[line], crs=4326)
    ends = [(0.0005, 0)], [(0.0005, 1000 * METRE)]
    found = up.Streets(frame, dem=tmp_path / "z.tif").matrix(*ends, mode="bike")
    # 5 % up, whatever the unit; 14.9 minutes were feet taken for metres.
    assert found["minutes"].item() == pytest.approx(9.97, abs=0.05)


def test_heights_in_an_unknown_unit_are_refused(tmp_path):
    from affine import Affine

    from urbanplan.files import Raster
    from urbanplan.sources.rasters import in_metres

    with pytest.raises(up.InputError, match="declares heights in 'K'"):
        in_metres(Raster(np.zeros((2, 2)), Affine.identity(), "EPSG:4326", unit="K"), tmp_path)


def _with_holes(kind: str) -> gpd.GeoDataFrame:
    """Four places of which the last has nothing in any column but ``n``, in pandas' own kinds or as objects."""
    frame = gpd.GeoDataFrame(
        {"name": pd.array(["a", "b", "c", pd.NA], "string"), "gaps": pd.array([1, 2, 3, pd.NA], "Int64"),
         "open": pd.array([True, False, True, pd.NA], "boolean"), "flag": [np.True_] * 3 + [pd.NA],
         "share": [Decimal("0.5")] * 3 + [None], "day": [date(2026, 1, 2)] * 3 + [pd.NaT],
         "kind": pd.Categorical(["x", "y", "x", None]), "n": pd.array([1, 2, 3, 4], "Int64"),
         "moment": pd.to_datetime(["2026-01-02"] * 3 + [None]).tz_localize("Asia/Shanghai")},
        geometry=gpd.points_from_xy(np.array([50, 350, 650, 950]) * METRE, [0.0] * 4), crs=4326,
    )  # fmt: skip
    return (
        frame.astype({c: object for c in frame if c != "geometry"}) if kind == "object" else frame
    )


@pytest.mark.parametrize("kind", ["nullable", "object"])
def test_a_cell_that_holds_nothing_stands_in_no_ones_way(kind, tmp_path):
    f, here = _with_holes(kind), _street()
    whole = f[["n", "geometry"]].astype({"n": int})
    zone = gpd.GeoDataFrame({"name": [pd.NA, "W"]}, geometry=[shapely.box(-1, -1, 500 * METRE, 1), shapely.box(500 * METRE, -1, 1, 1)], crs=4326)  # fmt: skip
    asked = {
        "isochrones": lambda x: here.isochrones(x, minutes=5)[["minutes"]],
        "matrix": lambda x: here.matrix(x, x)[["origin", "destination", "minutes"]],
        "nearest": lambda x: here.nearest(x, x)["minutes"],
        "reach": lambda x: here.reach(x, demand=x, value="n", minutes=5),
        "coverage": lambda x: here.coverage(x.iloc[:1], demand=x, value="n", minutes=5, areas=zone),
        "access": lambda x: here.access(x, capacity="n", demand=x, value="n", minutes=5)["access"],
        "site": lambda x: here.site(x, demand=x, value="n", minutes=5, p=1)["site"],
    }
    for question, ask in asked.items():
        got, right = (pd.DataFrame(ask(x)).select_dtypes("number") for x in (f, whole))
        assert got.to_numpy() == pytest.approx(right.to_numpy(), nan_ok=True), question
    with pytest.raises(up.InputError, match=r"'gaps' of '3' \(row 4\) is not a number: empty"):
        here.coverage(f.iloc[:1], demand=f, value="gaps", minutes=5)
    up.explore({"f": f, "zone": zone})
    for name in ("t.csv", "t.xlsx", "t.json", "t.parquet"):
        vector.write_table(pd.DataFrame(f.drop(columns="geometry")), tmp_path / name)
    for name in ("t.gpkg", "t.geojson", "g.parquet"):
        vector.write(f, tmp_path / name)
        assert len(up.read(tmp_path / name)) == 4
    mixed = f.assign(mixed=[Decimal(1), 2.5, "x", None])
    vector.write(mixed, tmp_path / "m.parquet")
    assert up.read(tmp_path / "m.parquet")["mixed"].tolist() == ["1", "2.5", "x", None]


def test_candidates_that_all_lie_where_nothing_may_be_built_are_a_sentence():
    f = _with_holes("nullable")
    shut = gpd.GeoDataFrame(geometry=[shapely.box(-1, -1, 1, 1)], crs=4326)
    with pytest.raises(up.InputError, match="all 4 candidates lie where nothing may be built"):
        _street().site(f, demand=f, value="n", minutes=5, p=1, exclude=shut)


def test_areas_that_cross_themselves_are_what_they_enclose():
    def area(*xy):
        return shapely.Polygon(np.array(xy) * METRE)

    bow = area((0, -100), (1000, 100), (1000, -100), (0, 100))
    wings = [area((0, -100), (0, 100), (500, 0)), area((1000, -100), (1000, 100), (500, 0))]
    xy = np.array([(100, 0), (500, 40), (900, 0)]) * METRE
    f = gpd.GeoDataFrame({"n": [5, 5, 5]}, geometry=gpd.points_from_xy(*xy.T), crs=4326)

    def sited(shut):
        table = _street().site(f, demand=f, value="n", minutes=30, p=1, exclude=shut)
        return table.drop(columns=["geometry", "accuracy_m"]).to_dict("list"), table.attrs[
            "findings"
        ]

    given = gpd.GeoDataFrame(geometry=[bow, area((0, 900), (9, 900), (9, 909))], crs=4326)
    before = given.copy()
    crossed, said = sited(given)
    assert "1 of 2 exclude cross themselves: the areas that they enclose are taken" in said
    # Both wings are shut; beside the middle it is open.
    assert crossed == sited(gpd.GeoSeries(wings, crs=4326))[0]
    assert crossed["site"] == [1]
    assert given.geometry.geom_equals_exact(before.geometry, 0).all()
