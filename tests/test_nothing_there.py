"""What is not there, is there twice, or comes in another shape: areas, people, countries, places."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from pagereader import plain
from streettown import write_street_city
from test_init import command
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.base.grid import ALL, Grid, fractions, parts
from urbanplan.catalog.standards import held_in, judge, read_standards
from urbanplan.city.layers import load_layer, told_apart
from urbanplan.city.profile import load_city
from urbanplan.measures.coverage import OUTSIDE, coverage, share_in, with_outside
from urbanplan.study.supply import shares_in

CRS = "EPSG:4544"
GRID = Grid(CRS, 500_000.0, 3_200_000.0, 8, 10, 100.0)
CELL = shapely.box(500_000, 3_199_900, 500_100, 3_200_000)


# ---------------------------------------------------------------- zones


NOTHING = {
    "missing": None,
    "empty": shapely.Polygon(),
    "empty parts": shapely.MultiPolygon(),
    "a point": shapely.Point(500_050, 3_199_950),
    "a line": shapely.LineString([(500_000, 3_199_950), (500_900, 3_199_950)]),
    "no width": shapely.Polygon([(500_000, 3_199_950), (500_900, 3_199_950), (500_000, 3_199_950)]),
    "elsewhere": shapely.box(0, 0, 1, 1),
}


@pytest.mark.parametrize("shape", NOTHING.values(), ids=NOTHING)
def test_what_has_no_area_covers_nothing_and_leaves_the_others_alone(shape):
    first, nothing, last = fractions(GRID, [CELL, shape, CELL])
    for cells, part in (first, last):
        assert cells.tolist() == [0] and part.tolist() == [1.0]
    assert [len(a) for a in nothing] == [0, 0]
    assert [len(a) for a in fractions(GRID, [shape])[0]] == [0, 0]


def test_no_shape_a_collection_and_a_grid_without_cells():
    assert fractions(GRID, []) == []
    mixed = shapely.GeometryCollection([CELL, shapely.Point(0, 0), NOTHING["a line"]])
    ((cells, part),) = fractions(GRID, [mixed])
    assert cells.tolist() == [0] and part.tolist() == [1.0]
    ((cells, _),) = fractions(Grid(CRS, 0.0, 0.0, 0, 0, 100.0), [CELL])
    assert len(cells) == 0


boxes = st.lists(
    st.tuples(*[st.integers(0, 90)] * 2, st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=5
)  # fmt: skip


@settings(max_examples=25)
@given(boxes, st.lists(st.integers(0, 50), min_size=80, max_size=80))
def test_whoever_lives_in_several_areas_counts_in_each_and_once_in_all(drawn, people):
    shapes = [
        shapely.box(500_000 + 10 * x, 3_200_000 - 8 * (y + h), 500_000 + 10 * (x + w), 3_200_000 - 8 * y)
        for x, y, w, h in drawn
    ]  # fmt: skip
    areas = gpd.GeoDataFrame(
        {"name": [f"a{i}" for i in range(len(shapes))]}, geometry=shapes, crs=CRS
    )
    cells = np.arange(80)
    held = parts(cells, GRID, areas, "name")
    demand = pd.DataFrame(
        {"persons": np.array(people, float), "area": "", "km2": 0.01}, index=cells
    )
    table = coverage(
        demand, pd.Series(0.0, index=cells), [5], with_outside(held, demand["persons"].to_numpy())
    )
    by = table.set_index("area")["persons"]
    x, y = GRID.centres(cells)
    squares = shapely.box(x - 50, y - 50, x + 50, y + 50)

    def living(shape):
        return float((shapely.area(shapely.intersection(squares, shape)) / 1e4 * people).sum())

    for name, shape in zip(areas["name"], shapes):
        assert by[name] == pytest.approx(living(shape), abs=1e-3)
    assert by[ALL] == pytest.approx(living(shapely.union_all(shapes)), abs=1e-3)
    assert by[ALL] + by.get(OUTSIDE, 0.0) == pytest.approx(sum(people), abs=0.51)
    assert table["area"].iloc[-1] == ALL


def people_at(*spots) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": range(len(spots))}, geometry=[shapely.Point(*s) for s in spots], crs=CRS)  # fmt: skip


def test_a_point_counts_in_every_area_around_it_and_on_a_border_once():
    areas = gpd.GeoDataFrame(
        {"name": ["a", "b", "c"]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(5, 0, 15, 10)],
        crs=CRS,
    )
    # On the border of a and b but inside c; inside a and c; on the outer border of a; nowhere.
    share = shares_in(people_at((10, 5), (7, 5), (0, 5), (50, 5)), areas)
    assert {k: sorted(rows) for k, (rows, _) in share.items()} == {
        "a": [1, 2], "b": [], "c": [0, 1], ALL: [0, 1, 2],
    }  # fmt: skip
    apart = shares_in(people_at((10, 5), (3, 3)), areas.iloc[:2])
    assert {k: sorted(rows) for k, (rows, _) in apart.items()} == {"a": [0, 1], "b": []}
    assert share_in(share, ALL, 4).tolist() == [1, 1, 1, 0]


def test_overlapping_areas_are_told_and_all_counts_each_once(tmp_path, capsys):
    town = write_street_city(tmp_path / "t")
    whole = load_layer(load_city(town), "districts").frame.geometry.iloc[0]
    west, south, east, north = whole.bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    areas = gpd.GeoDataFrame({"name": ["甲", "乙", "丙"]}, geometry=[whole, whole, half], crs=4326)
    areas.to_file(tmp_path / "areas.geojson")
    people = pd.DataFrame({"id": ["w", "e"], "lon": [105.4006, 105.4195], "lat": [28.9088, 28.9088], "population": [8000, 2000]})  # fmt: skip
    people.to_csv(tmp_path / "p.csv", index=False)
    hospitals = pd.DataFrame({"id": ["h"], "lon": [105.41], "lat": [28.909]})
    hospitals.to_csv(tmp_path / "h.csv", index=False)
    asked = ["coverage", "--streets", town / "streets.osm.pbf", "--facilities", tmp_path / "h.csv",
             "--demand", tmp_path / "p.csv", "--minutes", "60", "--areas"]  # fmt: skip
    code, _, err = command(capsys, *asked, tmp_path / "areas.geojson", "--out", tmp_path / "c.csv")
    assert code == 0 and "the areas overlap: 18,000 people count in more than one" in err
    by = pd.read_csv(tmp_path / "c.csv").set_index("area")["persons"]
    assert by.to_dict() == {"甲": 10_000, "乙": 10_000, "丙": 8_000, ALL: 10_000}
    areas.iloc[2:].to_file(tmp_path / "half.geojson")
    assert command(capsys, *asked, tmp_path / "half.geojson", "--out", tmp_path / "d.csv")[0] == 0
    by = pd.read_csv(tmp_path / "d.csv").set_index("area")["persons"]
    assert by.to_dict() == {"丙": 8_000, OUTSIDE: 2_000, ALL: 8_000}


def test_districts_that_overlap_each_hold_their_people(tmp_path):
    folder = write_town(tmp_path / "t")
    import gridtown as town

    box = shapely.box(town.WEST, town.NORTH - 700, town.WEST + 1000, town.NORTH)
    write_layer(folder, "districts", [("北岸", box, {}), ("南岸", box, {})])
    ready = study.prepare(load_city(folder))
    table = coverage(ready.demand, pd.Series(0.0, ready.demand.index), [5], ready.parts)
    assert table.set_index("area")["persons"].to_dict() == pytest.approx(
        {"北岸": 900, "南岸": 900, ALL: 900}
    )


# ---------------------------------------------------------------- names


def test_areas_of_one_name_are_told_apart_and_parts_of_one_are_not():
    assert told_apart(pd.Series(["A", "B", "A"])).tolist() == ["A (1)", "B", "A (2)"]
    codes = pd.Series(["1", "1", "2"])
    assert told_apart(pd.Series(["A", "A", "A"]), codes).tolist() == ["A (1)", "A (1)", "A (2)"]
    assert told_apart(pd.Series(["A", "A"]), pd.Series(["1", "1"])).tolist() == ["A", "A"]
    assert told_apart(pd.Series(["A", "A", "A (1)", ALL])).tolist() == ["A (2)", "A (3)", "A (1)", "ALL (1)"]  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["A", "A (1)", "A (2)", ALL, "", "中心"]), max_size=8))
def test_no_two_areas_are_called_the_same(names):
    told = told_apart(pd.Series(names, dtype=object)).tolist()
    assert len(set(told)) == len(names) and ALL not in told
    for before, after in zip(names, told):
        assert after == before or after.startswith(f"{before} (")


SCRIPTS = ("Κέντρο", "الوسط", "Центр", "กลาง", "Centre", "Centre")


def test_districts_of_one_name_and_of_any_script_stay_themselves_everywhere(tmp_path, capsys):
    town = write_street_city(tmp_path / "drawn")
    west, south, east, north = load_layer(load_city(town), "districts").frame.total_bounds
    edges = np.linspace(west, east, len(SCRIPTS) + 1)
    strips = [shapely.box(a, south, b, north) for a, b in zip(edges, edges[1:])]
    gpd.GeoDataFrame({"name": SCRIPTS}, geometry=strips, crs=4326).to_file(tmp_path / "b.geojson")
    city = tmp_path / "c"
    assert (
        command(capsys, "init", city, "--boundary", tmp_path / "b.geojson", "--name", "Πόλη")[0]
        == 0
    )
    pbf = town / "streets.osm.pbf"
    assert command(capsys, "fetch", city, "--pbf", pbf)[0] == 0
    pd.DataFrame({"lon": [(a + b) / 2 for a, b in zip(edges, edges[1:])], "lat": 28.9089,
                  "people": 100 * np.arange(1, 7)}).to_csv(tmp_path / "p.csv", index=False)  # fmt: skip
    code, _, err = command(
        capsys, "import", tmp_path / "p.csv", "--kind", "population", "--into", city, "--crs", "EPSG:4326",
        "--map", "persons=people",
    )  # fmt: skip
    assert code == 0 and "2,100 people at 6 places in the city" in err
    results = study.run(load_city(city))
    names = [*SCRIPTS[:4], "Centre (1)", "Centre (2)"]
    persons = (
        results.coverage.drop_duplicates("area").set_index("area")["persons"].round().to_dict()
    )
    assert {n: persons[n] for n in SCRIPTS[:4]} == {
        n: 100 * (i + 1) for i, n in enumerate(SCRIPTS[:4])
    }
    assert {persons["Centre (1)"], persons["Centre (2)"]} == {500, 600} and persons[ALL] == 2100
    assert set(results.indicators["area"]) == {*names, ALL}
    import openpyxl

    from urbanplan.output import page as html
    from urbanplan.output import report

    book = openpyxl.load_workbook(report.write(results, tmp_path / "r.xlsx", lang="en"))
    cells = {c for sheet in book for row in sheet.values for c in row if isinstance(c, str)}
    assert {"Centre (1)", "Centre (2)", "Κέντρο"} <= cells and "Centre" not in cells
    page = plain(html.page(results).text)
    assert all(f'"{name}"' in page for name in names) and '"Centre"' not in page


# ---------------------------------------------------------------- countries


def test_a_standard_of_another_country_tells_the_value_and_judges_nothing():
    known = read_standards()
    assert {one.country for one in known.values()} == {"", "CN"}
    at_home, abroad = held_in(known, "CN"), held_in(known, "", asked=("GB55014-2021",))
    name = "park_area_per_head"
    assert judge(at_home[name], 9.0) == "met" and judge(at_home[name], 7.0) == "not met"
    assert judge(abroad[name], 7.0) == "not applicable" and abroad[name].abroad == "shown"
    assert {one.abroad for one in abroad.values() if one.country == "CN"} == {"hidden", "shown"}
    assert not any(one.abroad for one in abroad.values() if not one.country)


def test_a_city_elsewhere_is_not_judged_by_the_codes_of_china(tmp_path, capsys):
    box = shapely.box(10.0, 50.0, 10.02, 50.015)
    gpd.GeoDataFrame({"name": ["Mitte"]}, geometry=[box], crs=4326).to_file(tmp_path / "b.geojson")
    city = tmp_path / "c"
    assert command(capsys, "init", city, "--boundary", tmp_path / "b.geojson")[0] == 0
    assert load_city(city).country == "" and 'country = ""' in (city / "city.toml").read_text()
    code, told, _ = command(capsys, "indicators", city, "--json")
    table = pd.DataFrame(json.loads(told))
    chinese = table[~table["document"].str.startswith("urbanplan")]
    assert code == 0 and chinese["threshold"].isna().all()
    assert not set(chinese["verdict"]) & {"met", "not met"}
    _, told, _ = command(capsys, "indicators", city, "--json", "--standard", "GB55014-2021")
    assert pd.DataFrame(json.loads(told))["threshold"].notna().any()
    profile = (city / "city.toml").read_text("utf-8")
    (city / "city.toml").write_text(profile.replace('country = ""', 'country = "CN"'), "utf-8")
    assert command(capsys, "accept", city)[0] == 0
    assert not any(one.abroad for one in study.standards_of(load_city(city)).values())


def test_a_city_of_china_is_known_by_its_boundary_its_codes_or_its_zone(tmp_path, capsys):
    from urbanplan.sources.crs_of_file import country_at, shape_of

    assert country_at(np.array([shape_of("510502")])) == "CN"
    # Vladivostok and Hanoi lie beside zones of CGCS2000, not in China.
    for x, y in ((131.9, 43.15), (105.85, 21.03), (24.9, 60.2)):
        assert country_at(np.array([shapely.box(x, y, x + 0.01, y + 0.01)])) == ""
    assert load_city(write_town(tmp_path / "t")).country == "CN"


def test_boundaries_in_gcj02_are_suspected_when_a_city_begins(tmp_path, capsys):
    from urbanplan.base import crs as china
    from urbanplan.sources.crs_of_file import shape_of

    right = shape_of("510502")
    moved = shapely.transform(right, china.wgs84_to_gcj02)
    for name, shape in (("right", right), ("moved", moved)):
        path = tmp_path / f"{name}.geojson"
        gpd.GeoDataFrame({"name": ["江阳区"]}, geometry=[shape], crs=4326).to_file(path)
        code, _, err = command(capsys, "init", tmp_path / name, "--boundary", path)
        assert code == 0 and ("looks like gcj02" in err) == (name == "moved")
    code, _, err = command(
        capsys,
        "init",
        tmp_path / "undone",
        "--boundary",
        tmp_path / "moved.geojson",
        "--crs",
        "gcj02",
    )
    assert code == 0 and "looks like" not in err


# ---------------------------------------------------------------- people


LON, LAT = 105.2977, 28.8436


@pytest.fixture
def folder(tmp_path, capsys):
    """江阳区, as init leaves it."""
    assert command(capsys, "init", tmp_path / "city", "--adcode", "510502")[0] == 0
    return tmp_path / "city"


def raster(path, *bands, dtype="float32", crs="EPSG:4326", turn=None, step=0.01, scale=None, offset=None,
           unit=None, nodata=None, tags=None):  # fmt: skip
    first = np.asarray(bands[0])
    turn = turn or Affine(step, 0, LON - 0.05, 0, -step, LAT + 0.05)
    with rasterio.open(
        path, "w", driver="GTiff", width=first.shape[1], height=first.shape[0], count=len(bands),
        dtype=dtype, crs=crs, transform=turn, nodata=nodata,
    ) as dst:  # fmt: skip
        for number, band in enumerate(bands, 1):
            dst.write(np.asarray(band, dtype), number)
        if scale is not None:
            dst.scales, dst.offsets = (scale,) * len(bands), (offset or 0.0,) * len(bands)
        if unit:
            dst.units = (unit,) * len(bands)
        dst.update_tags(**(tags or {}))
    return path


def people(folder) -> float:
    return float(study.prepare(load_city(folder)).demand["persons"].sum())


def test_scale_and_offset_of_a_raster_are_heeded(folder, tmp_path, capsys):
    path = raster(tmp_path / "p.tif", np.full((10, 10), 1190), dtype="int16", scale=0.1, offset=1.0)
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder)
    assert code == 0 and "12,000 persons in the city, 0 more" in err
    assert people(folder) == pytest.approx(12_000, rel=1e-6)


@pytest.mark.parametrize(
    ("about", "args", "per_km2"),
    [
        ({"unit": "persons/km2"}, (), 1.0),
        ({"tags": {"description": "people per hectare"}}, (), 100.0),
        ({}, ("--unit", "persons/km2"), 1.0),
        ({"tags": {"info": "Population density"}}, ("--unit", "persons/ha"), 100.0),
    ],
)
def test_densities_become_counts_by_the_size_of_each_cell(folder, tmp_path, capsys, about, args, per_km2):  # fmt: skip
    path = raster(tmp_path / "p.tif", np.full((10, 10), 250.0), **about)
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder, *args)
    assert code == 0 and "were made persons per cell, by the size of each cell" in err
    from urbanplan.base.crs import area_m2

    km2 = area_m2(shapely.box(LON - 0.05, LAT - 0.05, LON + 0.05, LAT + 0.05)) / 1e6
    assert people(folder) == pytest.approx(250 * per_km2 * km2, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: raster(p, np.ones((5, 5)), np.ones((5, 5))), "has 2 bands"),
        (lambda p: raster(p, np.ones((5, 5)), tags={"info": "density of people"}), "not per what"),
        (lambda p: raster(p, np.full((5, 5), 4e5)), "no count of people per cell"),
        (lambda p: raster(p, np.linspace(-40.5, 30, 100).reshape(10, 10)), "figures below 0"),
        (lambda p: raster(p, np.full((5, 5), np.inf)), "holds nobody in the city"),
    ],
)  # fmt: skip
def test_what_can_be_no_people_is_refused_with_a_remedy(folder, tmp_path, capsys, make, says):
    path = make(tmp_path / "p.tif")
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder)
    assert code == 2 and says in err and "→" in err
    assert not (folder / "layers" / "population.tif").exists()


def test_the_band_that_is_named_is_read(folder, tmp_path, capsys):
    path = raster(tmp_path / "p.tif", np.full((5, 5), 7.0), np.full((5, 5), 9.0))
    command(capsys, "import", path, "--kind", "population", "--into", folder, "--band", "2")
    assert people(folder) == pytest.approx(25 * 9)
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder, "--band", "3", "--replace")  # fmt: skip
    assert code == 2 and "has no band 3" in err


@pytest.mark.parametrize(
    ("void", "dtype"),
    [(-9999, "float32"), (-32768, "int16"), (3.4028235e38, "float32"), (np.inf, "float32"),
     (np.nan, "float64"), (65535, "uint16"), (-3.4e38, "float32"), (-1, "int32")],
)  # fmt: skip
def test_voids_that_nobody_declared_hold_nobody(folder, tmp_path, capsys, void, dtype):
    values = np.full((10, 10), 30.0)
    values[3:5] = void
    path = raster(tmp_path / "p.tif", values, dtype=dtype)
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder)
    assert code == 0 and "2,400 persons in the city" in err
    assert ("nodata" in err) == (void == void)
    assert people(folder) == pytest.approx(2_400)


def test_a_total_far_from_the_published_one_is_refused_unless_the_unit_is_said(folder, tmp_path, capsys):  # fmt: skip
    facts = folder / "layers" / "facts.csv"
    facts.write_text(
        facts.read_text() + "p,人口,population,,sum:persons,1000,persons,0.1,2020,census,\n"
    )
    assert command(capsys, "accept", folder)[0] == 0
    asked = ["import", raster(tmp_path / "p.tif", np.full((10, 10), 50.0)), "--kind", "population", "--into", folder]  # fmt: skip
    code, _, err = command(capsys, *asked)
    assert code == 2 and "5,000 persons where facts.csv has 1,000" in err and "--unit" in err
    code, _, err = command(capsys, *asked, "--unit", "persons")
    assert code == 0 and "5,000 persons where facts.csv has 1,000" in err


@settings(max_examples=8)
@given(st.floats(0, 360), st.floats(60, 400), st.sampled_from([CRS, "EPSG:32648", "ESRI:54009"]))
def test_people_of_a_turned_raster_of_any_system_stay_as_many(folder, tmp_path, capsys, turn, cell, crs):  # fmt: skip
    (at,) = gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326).to_crs(crs)
    cos, sin = cell * np.cos(np.radians(turn)), cell * np.sin(np.radians(turn))
    place = Affine(cos, sin, at.x, sin, -cos, at.y)
    values = np.random.default_rng(5).integers(0, 9, (12, 9)).astype(float)
    path = raster(tmp_path / "p.tif", values, crs=crs, turn=place)
    code, _, err = command(capsys, "import", path, "--kind", "population", "--into", folder, "--replace")  # fmt: skip
    assert code == 0 and f"{values.sum():,.0f} persons in the city" in err, err
    assert people(folder) == pytest.approx(values.sum(), rel=1e-6)


def test_people_at_points_are_kept_to_the_last_one(folder, tmp_path, capsys):
    rng, area = np.random.default_rng(3), load_layer(load_city(folder), "study_area").frame.geometry.iloc[0]  # fmt: skip
    x, y = rng.uniform(*np.array(area.bounds)[[0, 2]], 3000), rng.uniform(*np.array(area.bounds)[[1, 3]], 3000)  # fmt: skip
    persons = rng.integers(1, 90, 3000)
    inside = shapely.intersects_xy(area, x, y)
    pd.DataFrame({"经度": x, "纬度": y, "人口": persons}).to_csv(tmp_path / "p.csv", index=False)
    asked = ["import", tmp_path / "p.csv", "--kind", "population", "--into", folder, "--crs", "EPSG:4326"]  # fmt: skip
    code, _, err = command(capsys, *asked)
    assert code == 0 and f"{persons[inside].sum():,} people at {inside.sum():,} places" in err
    assert f"{persons[~inside].sum():,} people at {(~inside).sum():,} places outside the city are left out" in err  # fmt: skip
    assert people(folder) == pytest.approx(persons[inside].sum(), abs=0.5)
    ready = study.prepare(load_city(folder))
    table = coverage(ready.demand, pd.Series(0.0, ready.demand.index), [5], ready.parts)
    assert table.set_index("area")["persons"][ALL] == pytest.approx(persons[inside].sum(), abs=0.5)
    code, _, err = command(capsys, *asked)
    assert code == 2 and "is there already" in err
    assert command(capsys, *asked, "--replace", "--strict")[0] == 2


def test_zones_do_not_hide_behind_a_raster_of_people(folder, tmp_path, capsys):
    pd.DataFrame({"lon": [LON], "lat": [LAT], "persons": [70]}).to_csv(tmp_path / "p.csv", index=False)  # fmt: skip
    asked = ["--kind", "population", "--into", folder]
    assert command(capsys, "import", tmp_path / "p.csv", *asked, "--crs", "EPSG:4326")[0] == 0
    zone = shapely.box(LON, LAT, LON + 0.01, LAT + 0.01)
    gpd.GeoDataFrame({"persons": [500]}, geometry=[zone], crs=4326).to_file(tmp_path / "z.gpkg")
    code, _, err = command(capsys, "import", tmp_path / "z.gpkg", *asked)
    assert code == 2 and "goes before zones" in err
    assert people(folder) == pytest.approx(70)
    assert command(capsys, "import", tmp_path / "z.gpkg", *asked, "--replace")[0] == 0
    assert people(folder) == pytest.approx(500)


TABLE = """社区,街道,人口
大山坪,泸州市江阳区,1200
南城,江阳,800
江阳区,江阳区,2000
安宁,龙马潭区,500
某地,外地区,77
合计,,4577
"""


def test_a_table_of_communities_is_summed_over_the_districts_that_it_names(tmp_path, capsys):
    city = tmp_path / "c"
    assert command(capsys, "init", city, "--adcode", "510500")[0] == 0
    (tmp_path / "t.csv").write_text(TABLE, "utf-8")
    asked = ["import", tmp_path / "t.csv", "--kind", "population", "--into", city]
    assert command(capsys, *asked, "--strict")[0] == 2
    code, _, err = command(capsys, *asked)
    assert code == 0 and "3 rows without coordinates were joined to 2 districts by '街道'" in err
    assert "1 rows that sum up their district were left out" in err
    assert "no district is called 外地区: its 77 people are left out" in err
    frame = load_layer(load_city(city), "population").frame
    assert dict(zip(frame["name_zh"], frame["persons"])) == {"江阳区": 2000, "龙马潭区": 500}
    by = study.prepare(load_city(city)).demand.groupby("area")["persons"].sum()
    assert by["江阳区"] == pytest.approx(2000, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "says"),
    [("社区,人口\n甲,5\n", "no column names the city's districts"), ("社区,户\n甲,5\n", "no column holds people")],
)  # fmt: skip
def test_a_table_that_names_no_district_is_refused(folder, tmp_path, capsys, text, says):
    (tmp_path / "t.csv").write_text(text, "utf-8")
    code, _, err = command(capsys, "import", tmp_path / "t.csv", "--kind", "population", "--into", folder)  # fmt: skip
    assert code == 2 and says in err and "→" in err


# ---------------------------------------------------------------- places


PLACES = {
    "equator": (105.0, 0.0),
    "Tromsø": (18.95, 69.65),
    "Svalbard": (15.63, 78.22),
    "Ushuaia": (-68.3, -54.8),
    "Vatican": (12.453, 41.903),
}


def town_at(folder, capsys, lon, lat, side=8):
    """The same town of square blocks of 100 m anywhere: streets, a hospital, 10 people a corner."""
    from streettown import GEOD
    from urbanplan.sources.osm import write_osm
    from urbanplan.sources.streets import collect

    def at(x, y):
        place = GEOD.fwd(*GEOD.fwd(lon, lat, 90, 100 * x)[:2], 0, 100 * y)
        return place[0], place[1]

    spots = [(x, y) for y in range(side) for x in range(side)]
    number = {s: i for i, s in enumerate(spots)}
    rows = [({"highway": "residential"}, [number[x, y] for x in range(side)]) for y in range(side)]
    rows += [({"highway": "residential"}, [number[x, y] for y in range(side)]) for x in range(side)]
    drawn = collect(
        rows, np.arange(1, side**2 + 1), np.array([at(*s) for s in spots]),
        source="drawn for a test", licence="CC0-1.0", as_of="2026-01-01",
    )  # fmt: skip
    folder.mkdir()
    write_osm(folder / "x.osm.pbf", drawn)
    end = side - 0.5
    edge = [(x, -0.5) for x in np.linspace(-0.5, end, 20)] + [
        (end, y) for y in np.linspace(-0.5, end, 20)
    ]
    edge += [(x, end) for x in np.linspace(end, -0.5, 20)] + [
        (-0.5, y) for y in np.linspace(end, -0.5, 20)
    ]
    outline = shapely.Polygon([at(*s) for s in edge])
    gpd.GeoDataFrame({"name": ["Town"]}, geometry=[outline], crs=4326).to_file(folder / "b.geojson")
    table = pd.DataFrame([at(*s) for s in spots], columns=["lon", "lat"])
    table.assign(persons=10).to_csv(folder / "people.csv", index=False)
    table.iloc[[0]].assign(id="h", name="H").to_csv(folder / "hospital.csv", index=False)
    city = folder / "c"
    asked = ["--into", city, "--crs", "EPSG:4326"]
    for args in (
        ["init", city, "--boundary", folder / "b.geojson", "--name", "Town"],
        ["fetch", city, "--pbf", folder / "x.osm.pbf"],
        ["import", folder / "people.csv", "--kind", "population", *asked],
        ["import", folder / "hospital.csv", "--kind", "hospitals", *asked],
    ):
        code, _, err = command(capsys, *args)
        assert code == 0, err
    return load_city(city)


@pytest.fixture(scope="module")
def at_the_equator():
    return {}


@pytest.mark.parametrize("name", PLACES)
def test_a_town_is_the_same_town_anywhere(tmp_path, capsys, at_the_equator, name):
    city = town_at(tmp_path / "t", capsys, *PLACES[name])
    ready = study.prepare(city)
    from urbanplan.catalog import load_catalog

    ways = ready.ways(load_catalog().mode("walk"))
    told, _, _ = study.city_coverage(
        ready, ways, ready.layers["hospitals"].with_status("existing"), [5, 10, 15]
    )
    whole = told[told["area"] == ALL].set_index("minutes")
    found = {
        "km": ways.ground.length_m.sum() / 1e3,
        "persons": whole["persons"][5],
        "km2": whole["km2"][5],
        **{f"{m} min": whole["persons_covered"][m] for m in (5, 10, 15)},
    }
    assert found["km"] == pytest.approx(2 * 8 * 0.7, rel=1e-3)
    assert found["persons"] == pytest.approx(640) and found["km2"] == pytest.approx(0.64, rel=5e-3)
    at_the_equator.setdefault("equator", found)
    assert found == pytest.approx(at_the_equator["equator"], rel=5e-3)


def test_a_village_of_five_homes_runs_from_start_to_end(tmp_path, capsys):
    city = town_at(tmp_path / "v", capsys, 12.453, 41.903, side=2)
    results = study.run(city)
    by = results.coverage[(results.coverage["facilities"] == "hospitals") & (results.coverage["area"] == ALL)]  # fmt: skip
    assert (by["share"] == 1).all() and by["persons"].iloc[0] == pytest.approx(40)
    parks = results.coverage[results.coverage["facilities"] == "parks"]
    assert parks["share"].isna().all() and parks["persons"].notna().all()
