"""A planner's file becomes a layer: mapped, repaired or refused, and said."""

from __future__ import annotations

import hashlib
import json
import random
import tomllib

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from test_init import command
from urbanplan.base import crs as china
from urbanplan.catalog import load_catalog
from urbanplan.city import repair as desk
from urbanplan.city.checks import check_city
from urbanplan.city.layers import load_layer
from urbanplan.city.profile import load_city
from urbanplan.sources.crs_of_file import shape_of

PARKS = load_catalog().layer("parks")
#: Lon/lat in the middle of the test city, 江阳区.
LON, LAT = 105.2977, 28.8436


@pytest.fixture
def folder(tmp_path, capsys):
    """江阳区, as init leaves it."""
    assert command(capsys, "init", tmp_path / "city", "--adcode", "510502")[0] == 0
    return tmp_path / "city"


def square(east=0.0, north=0.0, side=0.01) -> shapely.Polygon:
    """A square near the city's middle, turned as RFC 7946 has it."""
    x, y = LON + east, LAT + north
    return shapely.Polygon([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def deliver(path, shapes, crs="EPSG:4326", **columns):
    """A file of shapes with some columns."""
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)
    frame.to_file(path)
    return path


def raw(path, *features):
    """A GeoJSON file as text, however wrong; features are (geometry, properties)."""
    rows = [{"type": "Feature", "properties": p, "geometry": g} for g, p in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), "utf-8")
    return path


def bring(capsys, folder, path, kind="parks", *args):
    return command(capsys, "import", path, "--kind", kind, "--into", folder, *args)


def layer(folder, kind="parks"):
    return load_layer(load_city(folder), kind).frame


def test_columns_are_recognised_and_the_rest_is_named(folder, tmp_path, capsys):
    path = deliver(
        tmp_path / "p.geojson",
        [square()],
        名称=["忠山公园"],
        面积公顷=["12.5 公顷"],
        状态=["规划"],
        x1=[1],
    )
    code, out, err = bring(capsys, folder, path)
    assert code == 0 and "1 row in, 1 feature out" in out
    assert "name_zh ← 名称" in err and "columns not taken: x1" in err
    (row,) = layer(folder).to_dict("records")
    assert row["name_zh"] == "忠山公园" and row["area_ha_published"] == 12.5
    assert row["status"] == "planned" and row["district"] == "江阳区"
    # Nobody said how well it is placed: it says so itself.
    assert row["accuracy_m"] == 100 and "not stated" in row["note_en"]
    assert not (check_city(load_city(folder))["verdict"] == "fail").any()


def test_a_map_of_columns_goes_before_what_is_recognised(folder, tmp_path, capsys):
    path = deliver(tmp_path / "p.geojson", [square()], 名称=["a"], 别名=["b"])
    assert bring(capsys, folder, path, "parks", "--map", "name_zh=别名")[0] == 0
    assert layer(folder)["name_zh"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("name_zh=没有", "has no column '没有'"),
        ("nothing=名称", "is no column of the layer"),
        ("name_zh", "is no pair"),
    ],
)
def test_a_map_that_cannot_be_is_refused(folder, tmp_path, capsys, pair, says):
    path = deliver(tmp_path / "p.geojson", [square()], 名称=["a"])
    code, _, err = bring(capsys, folder, path, "parks", "--map", pair)
    assert code == 2 and says in err


BOWTIE = {"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]]}  # fmt: skip
CLOCKWISE = shapely.geometry.mapping(square().reverse())
FLAT = {"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.01, LAT], [LON + 0.02, LAT], [LON, LAT]]]}  # fmt: skip
LOOP = {"type": "LineString", "coordinates": shapely.geometry.mapping(square())["coordinates"][0]}
HIGH = {"type": "Polygon", "coordinates": [[[*xy, 300.0] for xy in square().exterior.coords]]}
FAR = shapely.geometry.mapping(square(5, 5))
HALF = shapely.geometry.mapping(shapely.Point(LON, LAT).buffer(1))


@pytest.mark.parametrize(
    ("geometry", "says", "kept"),
    [
        (BOWTIE, "repaired 1 × make_valid", True),
        (CLOCKWISE, "repaired 1 × winding", True),
        (HIGH, "repaired 1 × heights", True),
        (LOOP, "a closed line became an area", True),
        (HALF, "repaired 1 × cut", True),
        (FLAT, "refused 1 × make_valid", False),
        (FAR, "refused 1 × outside", False),
        ({"type": "Point", "coordinates": [LON, LAT]}, "is a Point, the layer holds polygons", False),
        ({"type": "LineString", "coordinates": [[LON, LAT], [LON + 1, LAT]]}, "is a LineString", False),
        (None, "unlocated", True),
    ],
    ids=["bowtie", "clockwise", "high", "loop", "half", "flat", "far", "point", "line", "nowhere"],
)  # fmt: skip
def test_each_fault_is_repaired_or_refused_by_name(folder, tmp_path, capsys, geometry, says, kept):
    good = shapely.geometry.mapping(square(0.03, 0.03))
    path = raw(tmp_path / "p.geojson", (geometry, {"name": "odd"}), (good, {"name": "good"}))
    code, out, err = bring(capsys, folder, path)
    assert code == 0 and f"2 rows in, {1 + kept} feature{'s' * kept} out" in out
    assert says in err or geometry is None
    frame = layer(folder)
    assert ("odd" in set(frame["name_zh"])) is kept
    assert frame.geometry.dropna().is_valid.all() and not frame.geometry.dropna().has_z.any()
    if geometry is not None:
        before = (folder / "layers/parks.geojson").read_bytes()
        code, _, err = bring(capsys, folder, path, "parks", "--strict", "--replace")
        assert code == 2 and "--strict found" in err
        assert before == (folder / "layers/parks.geojson").read_bytes()


def test_people_of_a_zone_that_is_cut_go_with_its_land(folder, tmp_path, capsys):
    """Half of a zone hangs over the edge: half of its people are brought, and that is said."""
    area = layer(folder, "study_area").geometry.union_all()
    west = area.bounds[0]
    y = shapely.intersection(area, shapely.LineString([(west, 0), (west, 60)])).centroid.y
    zones = [shapely.box(west - 0.2, y - 0.1, west + 0.2, y + 0.1), square(side=0.001)]
    path = deliver(tmp_path / "z.geojson", zones, 人口=[4000, 70])
    code, _, err = bring(capsys, folder, path, "population")
    assert code == 0
    rows = layer(folder, "population").set_index("persons")
    whole, inside = zones[0].area, shapely.intersection(zones[0], area).area
    assert 0 < inside < whole / 2
    assert sorted(rows.index) == pytest.approx([70, 4000 * inside / whole])
    assert f"lost with the land {4000 * (1 - inside / whole):,.0f} of its 4,000 persons" in err
    # A park has no people to lose.
    path = deliver(tmp_path / "p.geojson", zones[:1], 面积公顷=[50])
    code, _, err = bring(capsys, folder, path)
    assert code == 0 and "lost" not in err
    assert layer(folder)["area_ha_published"].tolist() == [50]


def test_figures_stay_figures_when_more_is_added(folder, tmp_path, capsys):
    for k, keep in enumerate(((), ("--append",))):
        path = deliver(
            tmp_path / f"{k}.geojson", [square(k / 50)], 名称=[f"园{k}"], 面积公顷=[3 + k]
        )
        assert bring(capsys, folder, path, "parks", *keep)[0] == 0
    features = json.loads((folder / "layers" / "parks.geojson").read_text("utf-8"))["features"]
    assert [f["properties"]["area_ha_published"] for f in features] == [3, 4]
    assert [f["properties"]["accuracy_m"] for f in features] == [100, 100]


@pytest.mark.parametrize("head", ["医院名称", "名  称", "HospitalName"])
def test_a_column_that_ends_as_names_do_holds_the_names(folder, tmp_path, capsys, head):
    path = deliver(tmp_path / "h.geojson", [shapely.Point(LON, LAT)], **{head: ["一院"]})
    code, _, err = bring(capsys, folder, path, "hospitals")
    assert code == 0
    if head == "HospitalName":
        assert "no column was taken for the names" in err and "--map name_zh=COLUMN" in err
        assert layer(folder, "hospitals")["name_zh"].tolist() == ["医院（未命名）"]
    else:
        assert layer(folder, "hospitals")["name_zh"].tolist() == ["一院"] and "no column" not in err


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2024", "2024"), ("2024年", "2024"), ("2024-3", "2024-03"), ("2024年3月", "2024-03"),
        ("2024/03/09", "2024-03-09"), ("2024年3月9日", "2024-03-09"), ("2024-13", ""), ("2024-02-30", ""),
        ("去年", ""), ("24", ""), ("2024-1-1-1", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_date_is_one_or_is_refused(folder, tmp_path, capsys, given, kept):
    path = deliver(tmp_path / "p.geojson", [square()], 名称=["园"])
    code, _, err = bring(capsys, folder, path, "parks", "--as-of", given)
    if kept:
        assert code == 0 and layer(folder)["as_of"].tolist() == [kept]
    else:
        assert code == 2 and "is no date such as 2024, 2024-03" in err


@pytest.mark.parametrize("system", ["EPSG:4326", "EPSG:4490", "gcj02", "bd09"])
def test_latitude_first_is_told_whatever_the_system(folder, tmp_path, capsys, system):
    path = tmp_path / "h.csv"
    path.write_text(f"名称,经度,纬度\n一院,{LAT},{LON}\n", "utf-8")
    code, _, err = bring(capsys, folder, path, "hospitals", "--crs", system)
    assert code == 2 and "latitude and longitude are swapped: put longitude first" in err


def test_an_edited_profile_can_be_kept(folder, capsys):
    """What the profile says was edited is no reason to refuse to keep the edit."""
    path = folder / "city.toml"
    path.write_text(path.read_text("utf-8").replace("江阳区", "江阳", 1), "utf-8")
    (folder / "layers" / "manifest.toml").read_text("utf-8")
    assert command(capsys, "accept", folder)[0] == 0
    assert command(capsys, "layers", folder)[0] == 0


def test_what_repeats_is_dropped_once(folder, tmp_path, capsys):
    turned = shapely.Polygon([*square().exterior.coords[2:], *square().exterior.coords[1:3]])
    path = deliver(tmp_path / "p.geojson", [square(), turned, square()], name=["a", "a", "b"])
    _, out, err = bring(capsys, folder, path)
    assert "3 rows in, 2 features out" in out and "repaired 1 × duplicate" in err


def test_rings_that_are_open_are_closed(folder, tmp_path, capsys):
    points = [f"{x} {y}" for x, y in square().exterior.coords[:-1]]
    path = tmp_path / "p.csv"
    path.write_text(f'name,wkt\n开口,"POLYGON(({", ".join(points)}))"\n坏,POLYGON((1\n', "utf-8")
    code, _, err = bring(capsys, folder, path, "parks", "--crs", "EPSG:4490")
    assert code == 0 and "1 rows had rings that were not closed" in err
    assert "1 rows have geometry that is neither WKT nor WKB: row 2" in err
    shape = layer(folder).set_index("name_zh").at["开口", "geometry"]
    assert shape.equals_exact(square(), 2e-6, normalize=True)


def test_slivers_fall_off(folder, tmp_path, capsys):
    x, y = LON + 0.03, LAT
    sliver = shapely.Polygon([(x, y), (x + 0.01, y), (x + 0.01, y + 1e-8)])
    path = deliver(tmp_path / "p.geojson", [shapely.MultiPolygon([square(), sliver])], name=["a"])
    assert "1 parts thinner than 5 cm" in bring(capsys, folder, path)[2]
    assert layer(folder).geometry.iloc[0].equals_exact(square(), 1e-6)


def test_a_hospital_drawn_as_a_building_is_the_point_inside_it(folder, tmp_path, capsys):
    path = deliver(tmp_path / "h.geojson", [square()], name=["医院"], 床位=[300])
    assert bring(capsys, folder, path, "hospitals")[0] == 0
    (row,) = layer(folder, "hospitals").to_dict("records")
    assert square().contains(row["geometry"]) and row["beds"] == 300


def test_a_figure_that_is_none_is_left_empty_and_said(folder, tmp_path, capsys):
    path = deliver(tmp_path / "h.geojson", [square()], name=["医院"], 床位=["若干"])
    assert "beds '若干' is no figure" in bring(capsys, folder, path, "hospitals")[2]
    assert np.isnan(layer(folder, "hospitals")["beds"].iloc[0])


@pytest.mark.parametrize("word", ["合计", "总 计：", "小计", "Total", "SUM"])
@pytest.mark.parametrize("first", [True, False])
def test_a_row_of_totals_is_no_feature(folder, tmp_path, capsys, word, first):
    path = tmp_path / "h.csv"
    # In the column of names, or before it.
    last = f"{word},,,,300" if first else f",{word},,,300"
    path.write_text(
        f"序号,名称,lon,lat,床位\n一,甲,{LON},{LAT},100\n二,乙,,,200\n{last}\n", "utf-8"
    )
    code, out, err = bring(capsys, folder, path, "hospitals", "--crs", "EPSG:4490")
    assert code == 0 and "3 rows in, 2 features out" in out
    assert f"1 row of totals left out: {word}" in err and "1 row without coordinates: 乙" in err
    assert sorted(layer(folder, "hospitals")["name_zh"]) == ["乙", "甲"]
    args = ("--crs", "EPSG:4490", "--strict", "--replace")
    code, _, err = bring(capsys, folder, path, "hospitals", *args)
    assert code == 2 and "--strict found 1 repairs" in err and word in err


def test_a_place_that_is_called_total_stays(folder, tmp_path, capsys):
    path = deliver(tmp_path / "f.geojson", [square()], name=["Total"])
    assert bring(capsys, folder, path)[0] == 0
    assert layer(folder)["name_zh"].tolist() == ["Total"]


def test_points_with_people_become_persons_per_cell(folder, tmp_path, capsys):
    path = deliver(tmp_path / "p.geojson", [shapely.Point(LON, LAT)], name=["a"], persons=[9])
    code, _, err = bring(capsys, folder, path, "population")
    assert code == 0 and "9 people at 1 places in the city" in err
    from urbanplan import study

    assert study.prepare(load_city(folder)).demand["persons"].sum() == pytest.approx(9)


def test_lines_with_people_are_no_population(folder, tmp_path, capsys):
    line = shapely.LineString([(LON, LAT), (LON + 0.01, LAT)])
    path = deliver(tmp_path / "p.geojson", [line], name=["a"], persons=[9])
    code, _, err = bring(capsys, folder, path, "population")
    assert code == 2 and "→ bring zones with people, points with people, or a raster" in err


def test_a_layer_is_not_lost_by_accident(folder, tmp_path, capsys):
    one = deliver(tmp_path / "1.geojson", [square()], name=["a"])
    two = deliver(tmp_path / "2.geojson", [square(0.02)], name=["b"])
    assert bring(capsys, folder, one)[0] == 0
    before = (folder / "layers/parks.geojson").read_bytes()
    code, _, err = bring(capsys, folder, two)
    assert code == 2 and "holds 1 features already" in err and "--append" in err
    assert before == (folder / "layers/parks.geojson").read_bytes()
    code, out, _ = bring(capsys, folder, two, "parks", "--append")
    assert code == 0 and "1 row in, 1 added, 2 in the layer" in out
    assert sorted(layer(folder)["name_zh"]) == ["a", "b"]
    # The same file again changes nothing: what comes under its id takes its own place.
    code, out, _ = bring(capsys, folder, two, "parks", "--append")
    assert code == 0 and "already there: nothing added" in out
    assert sorted(layer(folder)["name_zh"]) == ["a", "b"]
    code, out, _ = bring(capsys, folder, two, "parks", "--append", "--as-of", "2025")
    assert code == 0 and "1 row in, 0 added, 1 changed, 2 in the layer" in out
    assert sorted(layer(folder)["name_zh"]) == ["a", "b"]
    assert bring(capsys, folder, two, "parks", "--replace")[0] == 0
    assert layer(folder)["name_zh"].tolist() == ["b"]


def test_the_manifest_says_where_a_layer_comes_from(folder, tmp_path, capsys):
    path = deliver(tmp_path / "p.geojson", [square()], name=["a"])
    bring(
        capsys,
        folder,
        path,
        "parks",
        "--source",
        "江阳区园林局",
        "--licence",
        "internal",
        "--as-of",
        "2025-06",
    )
    said = tomllib.loads((folder / "layers/manifest.toml").read_text("utf-8"))
    (name,) = said["files"]["parks.geojson"]["built_from"]
    origin = said["origins"][name]
    assert origin["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin["coordinates"] == "EPSG:4326" and origin["coordinates_declared_by"] in (
        "file",
        "format",
    )
    assert origin["source"] == "江阳区园林局" and len(origin["imported"]) == 10
    row = layer(folder).iloc[0]
    assert (row["source"], row["licence"], row["as_of"]) == ("江阳区园林局", "internal", "2025-06")


def test_shuffled_rows_give_the_same_bytes(folder, tmp_path, capsys):
    shapes = [square(i / 50, j / 50) for i in range(3) for j in range(3)]
    rows = [(s, f"公园{n}") for n, s in enumerate(shapes)]
    found = set()
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        path = deliver(
            tmp_path / f"{seed}.geojson", [r[0] for r in rows], name=[r[1] for r in rows]
        )
        assert bring(capsys, folder, path, "parks", "--replace", "--source", "x")[0] == 0
        found.add((folder / "layers/parks.geojson").read_bytes())
    assert len(found) == 1


def test_an_edit_is_noticed_until_it_is_accepted(folder, tmp_path, capsys):
    bring(capsys, folder, deliver(tmp_path / "p.geojson", [square()], name=["a"]))
    path = folder / "layers/parks.geojson"
    path.write_text(path.read_text("utf-8").replace('"a"', '"b"'), "utf-8")
    code, _, err = command(capsys, "layers", folder)
    assert code == 2 and "parks.geojson: differs from what manifest.toml lists" in err
    assert command(capsys, "accept", folder)[1].strip() == "parks.geojson"
    assert command(capsys, "layers", folder)[0] == 0
    assert command(capsys, "accept", folder)[1].strip() == "nothing has changed"
    path.unlink()
    code, _, err = command(capsys, "layers", folder)
    assert code == 2 and "is gone" in err


# ---------------------------------------------------------------- coordinates


def test_gcj02_and_bd09_come_back_to_where_they_are(folder, tmp_path, capsys):
    at = np.array([[LON, LAT], [LON + 0.05, LAT + 0.02]])
    for system, there in (
        ("gcj02", china.wgs84_to_gcj02(at)),
        ("bd09", china.gcj02_to_bd09(china.wgs84_to_gcj02(at))),
    ):
        path = deliver(tmp_path / f"{system}.geojson", shapely.points(there), name=["a", "b"])
        args = ("hospitals", "--crs", system, "--replace")
        assert bring(capsys, folder, path, *args)[0] == 0
        got = shapely.get_coordinates(layer(folder, "hospitals").sort_values("name_zh").geometry)
        assert np.abs(got - at).max() <= 0.5e-6 + 1e-9


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_a_shifted_layer_is_suspected_by_the_districts(folder, tmp_path, capsys, system):
    shape = shapely.transform(shape_of("510502"), china.wgs84_to_gcj02)
    if system == "bd09":
        shape = shapely.transform(shape, china.gcj02_to_bd09)
    path = deliver(tmp_path / "d.geojson", [shape], name=["江阳"])
    code, _, err = bring(capsys, folder, path, "built_up")
    assert code == 0 and f"looks like {system}" in err and f"--crs {system}" in err
    if system == "gcj02":
        metres = int(err.split("undoing it moves it by ")[1].split(" m")[0])
        assert metres == pytest.approx(484, abs=35)
    assert bring(capsys, folder, path, "built_up", "--strict", "--replace")[0] == 2
    err = bring(capsys, folder, path, "built_up", "--crs", system, "--replace")[2]
    assert "looks like" not in err


def test_a_true_layer_is_not_suspected(folder, tmp_path, capsys):
    shapes = [shape_of("510502").buffer(-0.0003), square(), shape_of("510502")]
    for n, shape in enumerate(shapes):
        path = deliver(tmp_path / f"{n}.geojson", [shape], name=["a"])
        assert "looks like" not in bring(capsys, folder, path, "built_up", "--replace")[2]


@pytest.mark.parametrize("code", ["EPSG:4523", "EPSG:4544", "EPSG:4490", "EPSG:32648"])
def test_projected_deliveries_meet_their_place(folder, tmp_path, capsys, code):
    at = gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326).to_crs(code)
    path = deliver(tmp_path / "p.gpkg", list(at), crs=code, name=["a"])
    assert bring(capsys, folder, path, "hospitals")[0] == 0
    got = layer(folder, "hospitals").geometry.iloc[0]
    assert abs(got.x - LON) < 2e-6 and abs(got.y - LAT) < 2e-6


@pytest.mark.parametrize(
    ("code", "proposed"), [("EPSG:4523", "EPSG:4523"), ("EPSG:4544", "EPSG:4544")]
)
def test_degrees_that_are_metres_get_a_proposal_and_no_guess(
    folder, tmp_path, capsys, code, proposed
):
    (at,) = gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326).to_crs(code)
    path = raw(tmp_path / "p.geojson", (shapely.geometry.mapping(at), {"name": "a"}))
    slot = (folder / "layers/hospitals.geojson").read_bytes()
    exit_code, _, err = bring(capsys, folder, path, "hospitals")
    assert exit_code == 2 and f"--crs {proposed}" in err
    assert slot == (folder / "layers/hospitals.geojson").read_bytes()
    assert bring(capsys, folder, path, "hospitals", "--crs", proposed)[0] == 0
    assert layer(folder, "hospitals").geometry.iloc[0].distance(shapely.Point(LON, LAT)) < 2e-6


@pytest.mark.parametrize(
    ("shape", "args", "says"),
    [
        (shapely.Point(LAT, LON - 20), (), "none of its 1 features lies in the city"),
        (shapely.Point(24.9, 60.2), (), "none of its 1 features lies in the city"),
        (shapely.Point(24.9, 60.2), ("--crs", "gcj02"), "not a longitude and latitude in China"),
        (shapely.Point(LON, LAT), ("--crs", "EPSG:99999"), "unknown coordinate system"),
        (shapely.Point(LON, LAT), ("--crs", "wgs85"), "unknown coordinate system"),
    ],
)
def test_coordinates_that_cannot_be_are_refused(folder, tmp_path, capsys, shape, args, says):
    path = deliver(tmp_path / "p.geojson", [shape], name=["a"])
    code, _, err = bring(capsys, folder, path, "hospitals", *args)
    assert code == 2 and says in err and str(path) in err


def test_latitude_before_longitude_is_told(folder, tmp_path, capsys):
    path = raw(
        tmp_path / "p.geojson", ({"type": "Point", "coordinates": [LAT, 90.0]}, {"name": "a"})
    )
    assert bring(capsys, folder, path, "hospitals")[0] == 2
    city = load_city(folder)
    from urbanplan.errors import CrsError
    from urbanplan.sources.crs_of_file import require_near

    frame = gpd.GeoDataFrame(geometry=[shapely.Point(LAT, LON)], crs=4326)
    with pytest.raises(CrsError, match="swapped"):
        require_near(frame, load_layer(city, "study_area").frame.geometry.iloc[0], "x", "f")


def test_metres_cannot_be_gcj02(folder, tmp_path, capsys):
    path = deliver(tmp_path / "p.gpkg", [shapely.Point(5e5, 3e6)], crs="EPSG:4544", name=["a"])
    code, _, err = bring(capsys, folder, path, "hospitals", "--crs", "gcj02")
    assert code == 2 and "whose metres cannot be gcj02" in err


# ---------------------------------------------------------------- rasters


def tif(path, values, west=LON - 0.05, north=LAT + 0.05, step=0.01, crs="EPSG:4326", nodata=None):
    values = np.asarray(values, "float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype="float32", crs=crs, nodata=nodata,
        transform=Affine(step, 0, west, 0, -step, north),
    ) as dst:  # fmt: skip
        dst.write(values, 1)
    return path


def test_a_raster_of_people_is_cut_and_its_people_stay(folder, tmp_path, capsys):
    values = np.arange(100.0).reshape(10, 10)
    values[0, 0] = -99999
    path = tif(tmp_path / "pop.tif", values)
    code, _, err = bring(capsys, folder, path, "population", "--source", "WorldPop")
    assert code == 0 and "1 cells below 0 were taken as nodata" in err
    city = load_city(folder)
    from urbanplan import study

    ready = study.prepare(city)
    # All ten by ten cells lie inside the district.
    assert ready.demand["persons"].sum() == pytest.approx(values[values > 0].sum(), rel=1e-6)
    assert bring(capsys, folder, path, "population")[0] != 0
    assert bring(capsys, folder, path, "population", "--replace")[0] == 0


def test_people_counted_in_another_projection_stay_as_many(folder, tmp_path, capsys):
    # GHSL comes in Mollweide, 100 m.
    (at,) = gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326).to_crs("ESRI:54009")
    values = np.random.default_rng(1).uniform(0, 50, (40, 40))
    path = tif(tmp_path / "g.tif", values, at.x - 2000, at.y + 2000, 100.0, "ESRI:54009", -200.0)
    assert bring(capsys, folder, path, "population", "--source", "GHSL")[0] == 0
    from urbanplan import study

    demand = study.prepare(load_city(folder)).demand
    assert demand["persons"].sum() == pytest.approx(values.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda p: tif(p, np.ones((3, 3)), west=10, north=50), "population", "does not cover the city"),
        (lambda p: tif(p, np.zeros((3, 3))), "population", "holds nobody"),
        (lambda p: tif(p, np.full((3, 3), np.nan)), "heights", "holds no height"),
        (lambda p: tif(p, np.ones((3, 3)), crs=None), "population", "--crs EPSG:4490"),
        (lambda p: tif(p, np.ones((3, 3))), "parks", "--kind population or heights"),
        (lambda p: p.write_text("no raster", "utf-8") and p, "population", "cannot be read as GeoTIFF"),
        (lambda p: p, "population", "no such file"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_that_cannot_be_used_is_refused(folder, tmp_path, capsys, make, kind, says):
    path = make(tmp_path / "r.tif")
    code, _, err = bring(capsys, folder, path, kind)
    assert code == 2 and says in err and "r.tif" in err
    assert not list((folder / "layers").glob("*.tif"))


# ---------------------------------------------------------------- properties


rings = st.lists(
    st.tuples(st.floats(0, 0.02), st.floats(0, 0.02)), min_size=3, max_size=9, unique=True
)


@settings(max_examples=150)
@given(st.lists(rings, min_size=1, max_size=6))
def test_any_ring_becomes_valid_or_is_refused(rows):
    shapes = np.array([shapely.Polygon([(LON + x, LAT + y) for x, y in r]) for r in rows], object)
    labels = np.array([f"row {i}" for i in range(len(rows))], object)
    done = desk.repair(shapes, labels, PARKS)
    kept = [s for s, k in zip(done.shapes, done.keep) if k]
    assert all(s.is_valid and s.area > 0 for s in kept)
    assert all(s.geom_type in ("Polygon", "MultiPolygon") for s in kept)
    assert len(kept) + len({f.feature for f in done.refused}) == len(rows)
    for before, after, keep in zip(shapes, done.shapes, done.keep):
        if keep and before.is_valid:
            # Nothing but slivers may be lost of what was right.
            assert after.symmetric_difference(before).area <= 1e-9
        for part in shapely.get_parts(after) if keep else ():
            assert part.exterior.is_ccw and not any(i.is_ccw for i in part.interiors)
    # What was repaired needs no repair.
    again = desk.repair(done.shapes[done.keep], labels[done.keep], PARKS)
    assert not again.repaired and not again.refused


def test_a_line_that_leaves_an_area_and_comes_back_is_kept_in_both_parts():
    area = shapely.box(0, 0, 3, 1)
    line = shapely.LineString([(0, 0.5), (1, 0.5), (1, 2), (2, 2), (2, 0.5), (3, 0.5)])
    (inside,) = desk.cut(np.array([line], object), area, "line")
    assert inside.geom_type == "MultiLineString" and inside.length == pytest.approx(3)
    (beyond,) = desk.cut_beyond(np.array([line], object), area, area.buffer(5), "line")
    assert beyond.length == pytest.approx(line.length - 3)


@settings(max_examples=60)
@given(rings, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_what_is_cut_lies_inside(ring, east, north):
    area = shapely.box(LON, LAT, LON + 0.01, LAT + 0.01)
    shape = shapely.make_valid(
        shapely.Polygon([(LON + x + east, LAT + y + north) for x, y in ring])
    )
    (part,) = desk.cut(np.array([shape], object), area, "polygon")
    inside = shape.intersection(area)
    # Slivers, of some centimetres, are no places.
    thin = 1e-12 + desk._SLIVER_DEG * inside.length / 2
    assert (part.area if part is not None else 0.0) == pytest.approx(inside.area, abs=thin)
    assert part is None or part.difference(area).area < 1e-12
