"""A town on both sides of the 180th meridian is like the same town elsewhere."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from urbanplan.base.crs import WGS84, metric_crs_of, to_crs, unwrapped
from urbanplan.catalog import load_catalog
from urbanplan.city.layers import load_layer
from urbanplan.city.profile import load_city
from urbanplan.cli import cli
from urbanplan.files import write_geojson
from urbanplan.routing import build_network
from urbanplan.sources import read_streets

#: Middles of the same town: on the 180th meridian, and where nothing is special (both between UTM zones).
AT_180, ELSEWHERE = 180.0, 174.0


def lon(value: float) -> float:
    return round(value - 360 if value > 180 else value, 7)


def town(folder, middle: float):
    """Streets in a grid of 4 rows and 7 columns, a hospital, a park over the middle; boundary; homes."""
    columns = [middle + d / 100 for d in range(-3, 4)]
    nodes = [
        f"<node id='{1 + 7 * row + column}' version='1' lat='{-17 + row / 100:.7f}' lon='{lon(x):.7f}'/>"
        for row in range(4)
        for column, x in enumerate(columns)
    ]
    nodes.append(
        f"<node id='90' version='1' lat='-17.0001' lon='{lon(middle + 0.02):.7f}'>"
        "<tag k='amenity' v='hospital'/><tag k='name' v='H'/></node>"
    )
    corners = [(-0.002, -16.989), (0.002, -16.989), (0.002, -16.981), (-0.002, -16.981)]
    nodes += [
        f"<node id='{100 + i}' version='1' lat='{y:.7f}' lon='{lon(middle + x):.7f}'/>"
        for i, (x, y) in enumerate(corners)
    ]
    lines = [[1 + 7 * row + c for c in range(7)] for row in range(4)]
    lines += [[1 + 7 * row + c for row in range(4)] for c in range(7)]
    ways = [
        f"<way id='{i}' version='1'>{''.join(f'<nd ref={chr(39)}{n}{chr(39)}/>' for n in line)}"
        "<tag k='highway' v='residential'/></way>"
        for i, line in enumerate(lines, 1)
    ]
    ways.append(
        "<way id='50' version='1'><nd ref='100'/><nd ref='101'/><nd ref='102'/><nd ref='103'/>"
        "<nd ref='100'/><tag k='leisure' v='park'/><tag k='name' v='P'/></way>"
    )
    west, east = lon(middle - 0.04), lon(middle + 0.04)
    bounds = f"<bounds minlat='-17.1' maxlat='-16.9' minlon='{west}' maxlon='{east}'/>"
    (folder / "town.osm").write_text(f"<osm version='0.6'>{bounds}{''.join(nodes + ways)}</osm>")
    area = shapely.box(middle - 0.035, -17.005, middle + 0.035, -16.965)
    frame = gpd.GeoDataFrame({"name": ["Town"]}, geometry=[area], crs=WGS84)
    write_geojson(folder / "town.geojson", frame)
    for name, d in (("a", -0.02), ("b", 0.02)):
        (folder / f"{name}.csv").write_text(f"id,lon,lat\n{name},{lon(middle + d)},-17\n")
    return folder


def run(*args) -> str:
    done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
    assert done.exception is None, (args, done.exception, done.output)
    return done.output


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """The town at both places: fetched, with the minutes of a pair, and an isochrone."""
    found = {}
    for middle in (AT_180, ELSEWHERE):
        folder = town(tmp_path_factory.mktemp("town"), middle)
        streets = ("--streets", folder / "town.osm")
        run("init", folder / "city", "--boundary", folder / "town.geojson", "--name", "Town")
        run("fetch", folder / "city", "--pbf", folder / "town.osm")
        run("matrix", *streets, "--origins", folder / "a.csv", "--destinations", folder / "b.csv",
            "--mode", "walk", "--max-minutes", "200", "--out", folder / "m.csv")  # fmt: skip
        run("isochrone", *streets, "--at", f"{lon(middle - 0.001)},-17", "--minutes", "30",
            "--out", folder / "i.geojson")  # fmt: skip
        found[middle] = folder
    return found


def test_minutes_across_are_the_same(towns):
    minutes = [
        float((towns[m] / "m.csv").read_text("utf-8-sig").split()[-1].split(",")[2])
        for m in (AT_180, ELSEWHERE)
    ]
    # 0.04 degrees at 17° S are 4,259.6 m (Karney 2013): 51.1 minutes at 5 km/h.
    assert minutes == pytest.approx([51.115, 51.115], abs=0.01)


def test_the_network_is_as_long(towns):
    walk = load_catalog().mode("walk")
    lengths = [
        build_network(read_streets(towns[m] / "town.osm"), walk).length_m.sum()
        for m in (AT_180, ELSEWHERE)
    ]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-9)
    assert lengths[0] == pytest.approx(48_800, rel=0.002)


@pytest.mark.parametrize("layer", ["districts", "study_area", "parks", "hospitals"])
def test_layers_are_whole_inside_and_cut_in_the_file(towns, layer):
    for middle in (AT_180, ELSEWHERE):
        city = load_city(towns[middle] / "city")
        (shape,) = load_layer(city, layer).located.geometry
        here = shapely.transform(shape, lambda xy, m=middle: xy - [m, 0])
        assert shape.is_valid and abs(here.centroid.x) <= 0.0201
        if layer in ("districts", "study_area"):
            assert here.bounds == pytest.approx((-0.035, -17.005, 0.035, -16.965), abs=1e-6)
        if layer == "parks":
            assert here.bounds == pytest.approx((-0.002, -16.989, 0.002, -16.981), abs=1e-6)
        said = json.loads((towns[middle] / "city" / "layers" / f"{layer}.geojson").read_text())
        xy = shapely.get_coordinates(shapely.from_geojson(json.dumps(said)))
        assert np.abs(xy[:, 0]).max() <= 180


def test_every_feature_knows_its_district(towns):
    city = load_city(towns[AT_180] / "city")
    for layer in ("parks", "hospitals"):
        assert load_layer(city, layer).located["district"].tolist() == ["Town"]


def test_isochrones_are_cut_by_the_meridian(towns):
    said = [json.loads((towns[m] / "i.geojson").read_text()) for m in (AT_180, ELSEWHERE)]
    shapes = [shapely.from_geojson(json.dumps(s["features"][0]["geometry"])) for s in said]
    areas = [s["features"][0]["properties"]["area_km2"] for s in said]
    assert areas[0] == pytest.approx(areas[1], rel=0.01)
    xy = shapely.get_coordinates(shapes[0])
    assert np.abs(xy[:, 0]).max() == 180 and shapes[0].bounds[2] - shapes[0].bounds[0] == 360
    # Nothing reaches from one side around the world: each part is narrow.
    assert all(p.bounds[2] - p.bounds[0] < 0.1 for p in shapes[0].geoms)
    assert sum(p.area for p in shapes[0].geoms) == pytest.approx(shapes[1].area, rel=0.01)


def test_coverage_is_the_same(towns):
    tables = [
        run("coverage", towns[m] / "city", "--facilities", "hospitals", "--mode", "walk",
            "--minutes", "30,60", "--json")
        for m in (AT_180, ELSEWHERE)
    ]  # fmt: skip
    here, there = ([row["km2_share"] for row in json.loads(t)] for t in tables)
    assert here == pytest.approx(there, abs=0.01) and min(here) > 0.1


@given(west=st.floats(170, 180), east=st.floats(-180, -170), south=st.floats(-60, 60))
def test_points_on_both_sides_come_together_and_go_back(west, east, south):
    points = gpd.GeoDataFrame(geometry=shapely.points([west, east], [south, south]), crs=WGS84)
    moved = unwrapped(points).geometry
    assert np.ptp(moved.x) <= 20.0
    assert moved.x.tolist() == pytest.approx([west, east + 360 if west - east > 180 else east])
    zone = int(metric_crs_of(np.c_[[west, east], [south, south]])[-2:])
    assert zone in (59, 60, 1, 2)
    again = to_crs(to_crs(points, metric_crs_of(points.get_coordinates().to_numpy())), WGS84)
    assert np.ptp(again.geometry.x) <= 20.0


@given(st.lists(st.floats(-179, 179), min_size=1, max_size=9))
def test_a_wide_layer_is_left_alone(longitudes):
    longitudes = [*longitudes, 0.0]
    frame = gpd.GeoDataFrame(geometry=shapely.points(longitudes, 0), crs=WGS84)
    assert unwrapped(frame).geometry.x.tolist() == longitudes


def raster(path, west, columns, value, step=0.01):
    """A raster of 8 rows about 17 degrees south, whose value at each column follows its own longitude."""
    import rasterio
    from rasterio import Affine

    middle = (west + (np.arange(columns) + 0.5) * step) % 360
    band = np.tile(value(middle), (8, 1)).astype("float32")
    place = Affine(step, 0, west, 0, -step, -16.95)
    with rasterio.open(path, "w", driver="GTiff", dtype="float32", count=1, width=columns, height=8, crs=WGS84, transform=place) as out:  # fmt: skip
        out.write(band, 1)
    return path


@pytest.mark.parametrize(
    ("west", "columns"),
    [
        (-180.0, 36000),  # the whole earth, which ends at the meridian
        (179.0, 200),  # on beyond it
        (-181.0, 200),  # on before it
    ],
)
def test_a_raster_over_the_meridian_is_read_whole(tmp_path, west, columns):
    from urbanplan.files import read_raster
    from urbanplan.sources.rasters import heights_at

    path = raster(tmp_path / "r.tif", west, columns, lambda x: 100 * (x - 179))
    found = read_raster(path, (179.97, -17.01, 180.03, -16.96))
    # Six columns, none of them lost or twice, at the places that were asked for.
    assert found.band.shape[1] == 6 and found.transform.c == pytest.approx(179.97)
    np.testing.assert_allclose(found.band[0], 97.5 + np.arange(6), atol=0.01)
    heights = heights_at(path, np.array([[179.985, -17.0], [180.015, -17.0]]))
    assert heights == pytest.approx([98.5, 101.5], abs=0.01)


def test_a_raster_that_ends_at_the_meridian_lacks_the_other_side(tmp_path):
    from urbanplan.files import read_raster

    path = raster(tmp_path / "r.tif", 179.0, 100, lambda x: x)
    found = read_raster(path, (179.97, -17.01, 180.03, -16.96))
    assert found.band.shape[1] == 3 and found.transform.c == pytest.approx(179.97)


def test_people_on_both_sides_are_imported(towns):
    folder = towns[AT_180]
    path = raster(folder / "people.tif", -180.0, 36000, lambda x: np.where(x < 180, 10.0, 30.0))
    run("import", path, "--kind", "population", "--into", folder / "city", "--replace")
    told = json.loads(run("coverage", folder / "city", "--facilities", "hospitals", "--mode", "walk", "--minutes", "60", "--json"))  # fmt: skip
    # 7 columns of 0.01 degrees, half of each at the ends: 3.5 of 10 in the west, 3.5 of 30 in the east, 4 rows.
    assert sum(row["persons"] for row in told if row["area"] == "ALL") == pytest.approx(4 * 3.5 * 40, rel=0.02)  # fmt: skip


def test_a_server_is_asked_on_each_side():
    from urbanplan.sources.overpass import _parts

    boxes = _parts(shapely.box(179.98, -17.01, 180.03, -16.96), 1e9)
    wanted = [[-180, -17.01, -179.97, -16.96], [179.98, -17.01, 180, -16.96]]
    np.testing.assert_allclose(np.array(boxes), wanted)
    assert [tuple(b) for b in _parts(shapely.box(5, 1, 6, 2), 1e12)] == [(5, 1, 6, 2)]
    # However finely it is cut, nothing is asked for twice and nothing left out.
    wide = shapely.box(179, -18, 181, -17)
    sums = [sum(box.east - box.west for box in _parts(wide, m2)) for m2 in (1e12, 1e9)]
    assert sums[0] == pytest.approx(2) and sums[1] % 2 == pytest.approx(0, abs=1e-6)
