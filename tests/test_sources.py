"""Streets and places from files: what is read, what is refused, and that nothing is made up."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

import streettown as town
from urbanplan import routing as tt
from urbanplan.catalog import load_catalog
from urbanplan.errors import CrsError, InputError, UrbanplanError
from urbanplan.routing import build_network
from urbanplan.sources import read_streets
from urbanplan.sources.rasters import heights_at, street_heights
from urbanplan.sources.read import places_at, read
from urbanplan.sources.street_layers import from_graph, from_lines

WALK, DRIVE = load_catalog().mode("walk"), load_catalog().mode("drive")

OSM = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6" generator="by hand">
 <node id="1" lon="105.000" lat="0.000" version="1"/>
 <node id="2" lon="105.001" lat="0.000" version="1"><tag k="barrier" v="bollard"/></node>
 <node id="3" lon="105.002" lat="0.000" version="1"/>
 <node id="4" lon="105.003" lat="0.000" version="1"/>
 <node id="5" lon="105.003" lat="0.001" version="1"/>
 <node id="6" lon="105.009" lat="0.009" version="1"><tag k="barrier" v="wall"/></node>
 <way id="10" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/>
   <tag k="name" v="学院路"/></way>
 <way id="11" version="1"><nd ref="3"/><nd ref="4"/><tag k="highway" v="residential"/>
   <tag k="oneway" v="yes"/></way>
 <way id="12" version="1"><nd ref="4"/><nd ref="5"/><nd ref="99"/><nd ref="1"/><nd ref="3"/>
   <tag k="highway" v="footway"/></way>
 <way id="13" version="1"><nd ref="1"/><nd ref="5"/><tag k="route" v="ferry"/></way>
 <way id="14" version="1"><nd ref="1"/><nd ref="5"/><tag k="building" v="yes"/></way>
</osm>
"""


@pytest.fixture
def osm(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(OSM, "utf-8")
    return path


def test_an_extract_is_read_as_it_is_drawn(osm):
    drawn = read_streets(osm)
    # The footway is cut where the extract lacks a point, not joined across the hole.
    ways = [
        drawn.point_ids[drawn.refs[a:b]].tolist() for a, b in zip(drawn.first[:-1], drawn.first[1:])
    ]
    assert ways == [[1, 2, 3], [3, 4], [4, 5], [1, 3], [1, 5]]
    classes = [drawn.tags[t].get("highway") for t in drawn.tags_of]
    assert classes == ["residential"] * 2 + ["footway"] * 2 + [None]
    assert drawn.tags[drawn.tags_of[4]] == {"route": "ferry"}
    assert drawn.tags[drawn.tags_of[1]]["oneway"] == "yes" and "name" not in drawn.tags[0]
    assert drawn.point_tags == {1: {"barrier": "bollard"}}  # the wall is on no street
    np.testing.assert_allclose(drawn.lonlat[4], [105.003, 0.001])
    assert drawn.source == "OpenStreetMap contributors" and drawn.licence == "ODbL-1.0"
    cars = build_network(drawn, DRIVE)
    assert cars.length_m.sum() == pytest.approx(3 * 111.32, rel=1e-3)
    assert len(cars.xy) == 5  # both sides of the bollard are dead ends
    people = build_network(drawn, WALK)
    assert people.length_m.sum() == pytest.approx(5 * 111.2 + 111.32, rel=2e-3)


def test_real_streets_are_read_in_full(helsinki_pbf):
    import osmium

    held = {n.id for n in osmium.FileProcessor(str(helsinki_pbf), osmium.osm.NODE)}
    ways = refs = 0
    other = {"route": "ferry", "railway": "platform", "public_transport": "platform", "man_made": "pier"}  # fmt: skip
    for way in osmium.FileProcessor(str(helsinki_pbf), osmium.osm.WAY):
        if "highway" in way.tags or any(way.tags.get(k) == v for k, v in other.items()):
            ways, refs = ways + 1, refs + sum(n.ref in held for n in way.nodes)
    drawn = read_streets(helsinki_pbf)
    # Rings of squares that are relations come besides.
    ring = np.array(["urbanplan:square" in drawn.tags[k] for k in drawn.tags_of])
    points = np.diff(drawn.first)
    assert (~ring).sum() >= ways > 2000 and points[~ring].sum() == refs
    assert ring.sum() > 50 and set(drawn.point_ids[drawn.refs]) <= held
    assert all("highway" in tags or other.items() & tags.items() for tags in drawn.tags)
    low, high = drawn.lonlat.min(0), drawn.lonlat.max(0)
    assert (low > [24.9, 60.1]).all() and (high < [25.0, 60.2]).all()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.osm.pbf", b"hello", "cannot be read as OpenStreetMap"),
        ("bad.osm", b"<osm><node", "cannot be read as OpenStreetMap"),
        ("empty.osm", b"<osm version='0.6'></osm>", "no street"),
        ("bad.graphml", b"<graphml", "cannot be read as an osmnx graph"),
        ("streets.docx", b"", "not read as streets"),
        ("points.geojson", b"POINTS", "Point, not lines"),
    ],
)
def test_what_is_no_street_file_is_one_sentence(tmp_path, name, content, said):
    path = tmp_path / name
    if content == b"POINTS":
        places_at([(105, 29)]).to_file(path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as raised:
        read_streets(path)
    assert name in str(raised.value) and "→" in str(raised.value)


def osmnx_graph() -> nx.MultiDiGraph:
    """As osmnx makes them: a two-way street as two edges, a one-way street as one, a bent edge."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for i, spot in enumerate([(0, 0), (2, 0), (2, 2), (0, 2)]):
        x, y = town.lonlat(*spot)
        graph.add_node(i, x=x, y=y)
    bent = shapely.LineString(
        [town.lonlat(2, 0), town.lonlat(3, 0), town.lonlat(3, 2), town.lonlat(2, 2)]
    )
    two_way = {"osmid": 7, "highway": "residential", "oneway": False, "length": 200.0}
    graph.add_edge(0, 1, **two_way, reversed=False)
    graph.add_edge(1, 0, **two_way, reversed=True)
    graph.add_edge(1, 2, osmid=8, highway=["tertiary", "residential"], oneway=True, maxspeed=["30", "50"],
                   length=400.0, geometry=bent, reversed=False)  # fmt: skip
    graph.add_edge(2, 3, osmid=9, highway="residential", oneway=False, length=200.0)
    graph.add_edge(3, 2, osmid=9, highway="residential", oneway=False, length=200.0)
    graph.add_edge(3, 0, osmid=10, highway="residential", oneway=True, length=200.0)
    return graph


def test_an_osmnx_graph_and_its_file_give_the_same_network(tmp_path):
    import osmnx

    drawn = from_graph(osmnx_graph())
    assert drawn.ways == 4 and drawn.source == "OpenStreetMap contributors"
    net = build_network(drawn, DRIVE, crs=town.CRS)
    table = tt.matrix(net, *[tt.at_nodes(net)] * 2)
    minutes = table.pivot(index="origin", columns="destination", values="minutes").to_numpy()
    at = {int(i): n for n, i in enumerate(net.node_ids)}
    per = {25: 0.06 * 200 / 25, 30: 0.06 * 400 / 30}
    # 3 and 0 are bends of one-way and two-way streets: what is left are junctions.
    assert minutes[at[0], at[1]] == pytest.approx(per[25], rel=1e-4)
    if 2 in at:
        assert minutes[at[1], at[2]] == pytest.approx(per[30], rel=1e-4)
        assert minutes[at[2], at[1]] == pytest.approx(3 * per[25], rel=1e-4)
    osmnx.save_graphml(osmnx_graph(), tmp_path / "g.graphml")
    again = build_network(read_streets(tmp_path / "g.graphml"), DRIVE, crs=town.CRS)
    np.testing.assert_allclose(again.graph.minutes, net.graph.minutes, rtol=1e-9)


def test_a_plain_networkx_graph_needs_no_more_than_coordinates():
    graph = nx.Graph()
    graph.add_node("a", x=105.0, y=0.0)
    graph.add_node("b", x=105.001, y=0.0)
    graph.add_edge("a", "b")
    net = build_network(from_graph(graph), WALK)
    assert net.edges == 1 and np.isfinite(net.minutes).all() and net.source == ""
    one_way = build_network(from_graph(graph.to_directed()), WALK)
    ends = gpd.GeoDataFrame(
        {"id": ["a", "b"]}, geometry=gpd.points_from_xy([105.0, 105.001], [0, 0]), crs=4326
    )
    both = tt.place(one_way, ends.to_crs(one_way.crs), 5)
    table = tt.matrix(one_way, both, both)
    assert table["minutes"].tolist() == pytest.approx([0, 1.3358, 1.3358, 0], rel=1e-3, abs=1e-6)
    graph.add_node("c")
    graph.add_edge("b", "c")
    with pytest.raises(InputError, match="no x or y"):
        from_graph(graph)


def test_lines_meet_where_they_share_a_vertex(tmp_path):
    lines = [
        [(0, 0), (2, 0), (4, 0)],
        [(2, 0), (2, 2)],
        [(1, -1), (1, 1)],  # crosses the first without a common vertex: a bridge
    ]
    frame = gpd.GeoDataFrame(
        {"class": ["primary", "primary", None], "speed_kmh": [60.0, np.nan, 30.0], "oneway": [False, True, None]},
        geometry=[shapely.LineString([town.lonlat(*p) for p in line]) for line in lines],
        crs=4326,
    )  # fmt: skip
    drawn = from_lines(frame)
    net = build_network(drawn, DRIVE, crs=town.CRS)
    assert net.nodes == 6 and net.edges == 4
    assert sorted(net.minutes[:, 0]) == pytest.approx(
        sorted([0.2, 0.2, 0.06 * 200 / 65, 0.4]), rel=1e-3
    )
    assert np.isinf(net.minutes).sum() == 1
    frame.to_crs(town.CRS).to_file(tmp_path / "roads.gpkg")
    again = build_network(read_streets(tmp_path / "roads.gpkg"), DRIVE, crs=town.CRS)
    assert sorted(again.graph.minutes) == pytest.approx(sorted(net.graph.minutes), rel=1e-6)


@pytest.mark.parametrize("gap", [0.0, 1e-4, 0.001, 0.011, 0.04])
def test_ends_that_lie_side_by_side_meet_wherever_rounding_parts_them(gap):
    rng = np.random.default_rng(1)
    for x in 1 + rng.uniform(0, 1e-4, 50):
        half = gap / 200  # a unit is 100 m
        lines = [[(0, 0), (x - half, 0)], [(x + half, 0), (2, 0)], [(x + half, 0), (x, 1)]]
        drawn = from_lines(roads(lines))
        assert minutes(drawn, WALK) == pytest.approx(2.4, rel=1e-3)
        # A street that ends upon another's bend.
        drawn = from_lines(roads([[(0, 0), (x, 0), (2, 0)], [(x, gap / 100), (x, 1), (2, 1)]]))
        joined = minutes(drawn, WALK, (0, 0), (2, 1))
        assert joined == (pytest.approx(3.6, rel=1e-3) if gap < 0.012 else np.inf)


def test_ends_that_do_not_touch_are_counted_and_short_lines_keep_their_length():
    apart = from_lines(roads([[(0, 0), (0.998, 0)], [(1, 0), (2, 0)]]))
    assert minutes(apart, WALK) == np.inf
    assert "2 ends of lines lie within 0.5 m of another end without touching it" in " ".join(apart.findings)  # fmt: skip
    # A street in pieces of 4 cm, each a line of its own: not one of them is a gap.
    at = np.linspace(0, 0.2, 501)
    dense = from_lines(roads([[(a, 0), (b, 0)] for a, b in zip(at, at[1:])]))
    net = build_network(dense, WALK, crs=town.CRS)
    assert net.length_m.sum() == pytest.approx(20, rel=1e-3) and "ends" not in str(dense.findings)
    # A ring that all but closes.
    ring = from_lines(roads([[(0, 0), (2, 0), (2, 1), (0, 1), (0, 0.0004)]]))
    assert minutes(ring, WALK, (0, 0), (0, 1)) == pytest.approx(1.2, rel=1e-3)


def raster(path, values, west=105.0, north=0.01, step=0.001, crs="EPSG:4326", nodata=-9999):
    values = np.asarray(values, "float32")
    rows, columns = values.shape
    options = {"driver": "GTiff", "height": rows, "width": columns, "count": 1}
    with rasterio.open(
        path, "w", **options, dtype="float32", crs=crs, nodata=nodata,
        transform=Affine(step, 0, west, 0, -step, north),
    ) as dst:  # fmt: skip
        dst.write(values, 1)
    return path


def test_heights_lie_between_the_cells(tmp_path):
    plane = np.add.outer(-10.0 * np.arange(10), 3.0 * np.arange(12))
    path = raster(tmp_path / "dem.tif", plane)
    at = np.array([[105.0035, 0.0065], [105.0040, 0.0060], [105.0001, 0.0099], [200, 0.005]])
    # Between centres a plane is itself; beyond the outer centres it is level; outside unknown.
    np.testing.assert_allclose(heights_at(path, at), [-30 + 9, -35 + 10.5, 0, np.nan], atol=1e-3)
    plane[3, 3] = -9999
    holed = raster(tmp_path / "holed.tif", plane)
    assert np.isnan(heights_at(holed, at[:2])).all()
    with pytest.raises(InputError, match=r"far.tif.*covers none"):
        heights_at(raster(tmp_path / "far.tif", plane, west=0), at[:2])
    with pytest.raises(InputError, match=r"bare.tif.*no coordinate system"):
        heights_at(raster(tmp_path / "bare.tif", plane, crs=None), at[:2])
    (tmp_path / "no.tif").write_text("x")
    with pytest.raises(InputError, match=r"no.tif.*GeoTIFF"):
        heights_at(tmp_path / "no.tif", at)


def test_places_from_tables_and_layers(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("\ufeffid,经度,纬度,population\na,105.1,29.0,12\nb,105.2,29.1,7.5\n", "utf-8")
    frame = read(table)
    assert frame["id"].tolist() == ["a", "b"] and frame["population"].tolist() == [12, 7.5]
    assert frame.geometry.x.tolist() == [105.1, 105.2] and frame.crs == 4326
    frame.drop(columns="id").to_crs(4544).to_file(tmp_path / "p.gpkg")
    layer = read(tmp_path / "p.gpkg")
    assert layer["id"].tolist() == ["1", "2"]
    np.testing.assert_allclose(layer.geometry.y, [29.0, 29.1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,lon,lat\na,105,29\na,106,29\n", "'a' occurs twice"),
        ("id,left,up\na,105,29\n", "no coordinate columns"),
        ("id,lon,lat\na,105,29\nb,29,105\n", "row 2 is at 29, 105, .*swapped"),
        ("id,lon,lat\na,,29\n", "no row with coordinates in lon and lat"),
        ("id,lon,lat\na,105,29,7\n", "more cells than its head"),
        ("id,lon,lat\n", "holds no place"),
    ],
)
def test_bad_tables_name_the_line(tmp_path, text, said):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises((InputError, CrsError), match=said):
        read(path)


def test_a_dem_slows_the_way_up(tmp_path, osm):
    from urbanplan import study

    slope = np.tile(np.arange(12) * 11.132, (10, 1))  # 10 % up to the east
    dem = raster(tmp_path / "dem.tif", slope, west=104.9995, north=0.005)
    flat, steep = study.open_streets(osm, WALK), study.open_streets(osm, WALK, dem)
    assert steep.findings == flat.findings
    half = raster(tmp_path / "half.tif", slope[:, :3], west=104.9995, north=0.005)
    assert "no height" in study.open_streets(osm, WALK, half).findings[-1]
    up = {(int(net.node_ids[a]), int(net.node_ids[b])): m
          for net in [steep] for a, b, m in zip(net.graph.tails, net.graph.to, net.graph.minutes)}  # fmt: skip
    level = {(int(flat.node_ids[a]), int(flat.node_ids[b])): m
             for a, b, m in zip(flat.graph.tails, flat.graph.to, flat.graph.minutes)}  # fmt: skip
    assert set(up) == set(level)
    from urbanplan.catalog import tobler

    for (a, b), minutes in level.items():
        if (a, b) == (1, 3):
            assert up[a, b] == pytest.approx(minutes / float(tobler(0.1)), rel=2e-3)
            assert up[b, a] == pytest.approx(minutes / float(tobler(-0.1)), rel=2e-3)
    assert pd.Series(up).sum() > pd.Series(level).sum()


def roads(lines, **columns) -> gpd.GeoDataFrame:
    """A layer of centre lines over town units, with columns as some schema has them."""
    shapes = [shapely.LineString([town.lonlat(*p) for p in line]) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


#: One street of 200 m in the middle, and a way round it of 1 + 2 + 1 units.
ROUND = [[(0, 0), (2, 0)], [(0, 0), (0, 1), (2, 1), (2, 0)]]


def minutes(drawn, mode, a=(0, 0), b=(2, 0)) -> float:
    net = build_network(drawn, mode, crs=town.CRS)
    at = town.places(a, b, network=net)
    placed = tt.place(net, at, 5)
    table = tt.matrix(net, placed, placed).set_index(["origin", "destination"])["minutes"]
    return float(table.get((0, 1), np.inf))


@pytest.mark.parametrize(
    ("columns", "walk", "there", "back"),
    [
        # Geofabrik: F along, T against, B both; a maxspeed of 0 is not known.
        ({"fclass": ["motorway", "residential"], "oneway": ["F", "B"], "maxspeed": [120, 0]}, 4.8, 0.1, 0.96),
        ({"fclass": ["secondary", "track_grade2"], "oneway": ["T", "B"], "maxspeed": [50, 0]}, 2.4, np.inf, 0.24),
        ({"道路等级": ["快速路", "支路"], "设计车速": [80, 20], "单行": ["是", "否"]}, 4.8, 0.15, 1.2),
        ({"道路等级": ["步行街", "省道"], "限速": ["", "60公里/小时"]}, 2.4, 0.4, 0.4),
        ({"mtfcc": ["S1710", "S1400"]}, 2.4, 0.96, 0.96),
        ({"class": ["motorway", "residential"], "subclass": ["link", None]}, 4.8, 0.16, 0.96),
        # ogr2ogr keeps in other_tags what has no column of its own.
        ({"highway": ["primary", "residential"], "other_tags": ['"motorroad"=>"yes","maxspeed"=>"30 mph"', None]}, 4.8, 0.2486, 0.2486),
        # osmnx: an edge of several streets is passed as each of them, at the lowest limit.
        ({"highway": ["['residential', 'tertiary']", "tertiary"], "maxspeed": ["['30', '50']", "30"]}, 2.4, 0.4, 0.4),
        ({"highway": ["['footway', 'residential']", "residential"]}, 2.4, 0.96, 0.96),
        ({"highway": ["['motorway', 'trunk']", "residential"]}, 4.8, 12 / 85, 0.96),
        ({"highway": ["residential", "residential"], "speed_kph": [12.0, 24.0]}, 2.4, 1.0, 1.0),
        # A column called type holds classes where its values are classes, and is left alone where they are not.
        ({"TYPE": ["Footway", "Residential"]}, 2.4, 0.96, 0.96),
        ({"type": ["asphalt", "gravel"], "等级": ["国道", "支路"]}, 2.4, 0.1412, 0.1412),
        # Names that a Shapefile cuts, and that other formats spell without a colon.
        ({"highway": ["residential", "tertiary"], "motor_vehi": ["no", None]}, 2.4, 0.6, 0.6),
        ({"highway": ["residential", "tertiary"], "vehicle_backward": ["no", None]}, 2.4, 0.48, 0.6),
    ],
)  # fmt: skip
def test_street_layers_in_the_schemas_people_have(columns, walk, there, back):
    drawn = from_lines(roads(ROUND, **columns))
    assert minutes(drawn, WALK) == pytest.approx(walk, rel=1e-3)
    assert minutes(drawn, DRIVE) == pytest.approx(there, rel=1e-3)
    assert minutes(drawn, DRIVE, (2, 0), (0, 0)) == pytest.approx(back, rel=1e-3)


def test_what_a_layer_says_that_is_not_understood_is_listed():
    drawn = from_lines(roads(ROUND, kind_of_road=["A", "B"], owner=["x", "y"]))
    said = " | ".join(drawn.findings)
    assert "no column holds classes" in said and "kind_of_road, owner" in said
    named = from_lines(
        roads(ROUND, kind_of_road=["A", "B"]),
        given={"highway": "kind_of_road", "highway:footway": "A", "highway:motorway": "b"},
    )
    assert [t["highway"] for t in named.tags] == ["footway", "motorway"]
    odd = from_lines(roads(ROUND, fclass=["residential", "skyway"], oneway=["B", "?"]))
    classes, directions = odd.findings[-2:]
    assert "'skyway' (1)" in classes and "closed, 66.7% of the length" in classes
    assert "'?' (1)" in directions and "two-way" in directions
    assert minutes(odd, WALK) == pytest.approx(2.4, rel=1e-3)
    for bad, what in (({"highway": "x"}, "no column 'x'"), ({"colour": "owner"}, "'colour' is no")):
        with pytest.raises(UrbanplanError, match=what):
            from_lines(roads(ROUND, owner=["x", "y"]), given=bad)


@pytest.mark.parametrize(
    "odd", [np.array([1, 2]), np.array([]), {"a": 1}, ["'", None], "[", b"x", np.inf]
)
@pytest.mark.parametrize(
    "column", ["highway", "oneway", "maxspeed", "travel_time", "other_tags", "licence", "bridge"]
)
def test_a_value_of_any_kind_costs_that_value_only(column, odd):
    frame = roads(ROUND)
    frame[column] = pd.Series([odd, None], dtype=object)
    drawn = from_lines(frame)
    assert drawn.ways == 2 and drawn.tags[drawn.tags_of[1]]["highway"] == "unclassified"


def test_an_osmnx_graph_of_ones_own_speeds_is_taken_at_its_word():
    graph = osmnx_graph()
    for *_, data in graph.edges(data=True):
        data["travel_time"] = data["length"] / 5  # 18 km/h
    drawn = from_graph(graph)
    assert any("travel_time" in finding for finding in drawn.findings)
    net = build_network(drawn, DRIVE, crs=town.CRS)
    moved = net.length_m[:, None] / np.where(np.isfinite(net.minutes), net.minutes, np.nan)
    assert np.nanmin(moved) == pytest.approx(300, rel=1e-3)
    assert np.nanmax(moved) == pytest.approx(300, rel=1e-3)


def test_what_is_no_height_of_any_land_is_a_void_though_none_is_declared(tmp_path):
    for void in (-32768, -9999, 32767, 1e20, np.inf):
        plane = np.full((10, 12), 240.0)
        plane[3, 3] = void
        path = raster(tmp_path / "void.tif", plane, nodata=None)
        at = np.array([[105.0035, 0.0065], [105.0085, 0.0025]])
        np.testing.assert_array_equal(heights_at(path, at), [np.nan, 240.0])


def decked(*ways, heights, tmp_path):
    """Heights of streets at (x, y) in units of 100 m over a valley that falls 100 m each unit of y."""
    drawn = town.streets(*ways)
    west, north = drawn.lonlat[:, 0].min() - 0.01, drawn.lonlat[:, 1].max() + 0.01
    rows = int((north - drawn.lonlat[:, 1].min() + 0.01) / 0.0001)
    columns = int((drawn.lonlat[:, 0].max() + 0.01 - west) / 0.0001)
    centres = west + (np.arange(columns) + 0.5) * 0.0001, north - (np.arange(rows) + 0.5) * 0.0001
    x = (centres[0] - town.lonlat(0, 0)[0]) / (town.lonlat(1, 0)[0] - town.lonlat(0, 0)[0])
    path = raster(
        tmp_path / "dem.tif", np.tile(heights(x), (rows, 1)), west, north, 0.0001, nodata=None
    )
    return street_heights(path, drawn)


def valley(x):
    return 10 * np.abs(x - 5)  # 50 m at 0 and at 10, 0 m at 5


@pytest.mark.parametrize(
    "tags",
    [
        {"bridge": "yes"}, {"bridge": "viaduct", "layer": "1"}, {"tunnel": "yes", "layer": "-1"},
        {"layer": "1"}, {"embankment": "yes"}, {"cutting": "both"},
    ],
)  # fmt: skip
def test_a_street_off_the_ground_runs_straight_between_its_ends(tmp_path, tags):
    found = decked(
        ((0, 0), (2, 0)), ((2, 0), (5, 0), tags), ((5, 0), (6, 0), (9, 0), tags), ((9, 0), (10, 0)),
        heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    # Points: 0, 2, 5, 6, 9, 10; from 30 m at 2 to 40 m at 9.
    at = [50, 30, 30 + 10 * 3 / 7, 30 + 10 * 4 / 7, 40, 50]
    np.testing.assert_allclose(found, at, atol=0.05)


def test_what_is_said_not_to_be_a_bridge_lies_on_the_ground(tmp_path):
    found = decked(
        ((0, 0), (2, 0)), ((2, 0), (5, 0), (9, 0), {"bridge": "no", "layer": "0"}),
        heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(found, [50, 30, 0, 40], atol=0.6)


def test_side_streets_climb_to_a_deck_and_an_island_between_two_bridges_is_ground(tmp_path):
    bridge = {"bridge": "yes"}
    stairs = decked(
        ((0, 0), (2, 0)), ((2, 0), (5, 0), (8, 0), bridge), ((8, 0), (10, 0)), ((5, 0), (5, 1)),
        heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(stairs, [50, 30, 30, 30, 50, 0], atol=0.6)
    island = decked(
        ((0, 0), (2, 0)), ((2, 0), (5, 0), bridge), ((5, 0), (8, 0), bridge), ((8, 0), (10, 0)),
        ((5, 0), (5, 1)), heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(island, [50, 30, 0, 30, 50, 0], atol=0.6)
    earth = decked(
        ((0, 0), (2, 0)), ((2, 0), (5, 0), (8, 0), {"embankment": "yes"}), ((8, 0), (10, 0)),
        ((5, 0), (5, 1)), heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(earth, [50, 30, 0, 30, 50, 0], atol=0.6)


def test_a_pier_is_level_and_a_deck_branches_evenly(tmp_path):
    bridge = {"bridge": "yes"}
    pier = decked(((0, 0), (2, 0)), ((2, 0), (5, 0), (6, 0), bridge), heights=valley, tmp_path=tmp_path)  # fmt: skip
    np.testing.assert_allclose(pier, [50, 30, 30, 30], atol=0.05)
    # Three arms of one unit, of 40, 20 and 10 m at their ends.
    fork = decked(
        ((0, 0), (1, 0)), ((1, 0), (2, 0), (3, 0), bridge), ((3, 0), (4, 0)),
        ((2, 0), (2, 1), bridge), ((2, 1), (2, 2)), heights=valley, tmp_path=tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(fork[2], (40 + 20 + 30) / 3, atol=0.05)
    alone = decked(((2, 0), (5, 0), bridge), ((5, 0), (8, 0), bridge), heights=valley, tmp_path=tmp_path)  # fmt: skip
    np.testing.assert_allclose(alone, [30, 0, 30], atol=0.6)


def test_fences_and_gates_are_read_kept_and_clipped(tmp_path):
    from urbanplan.sources.osm import read_osm, write_osm
    from urbanplan.sources.streets import clipped

    path = tmp_path / "fenced.osm"
    path.write_text(
        """<osm version="0.6">
 <node id="1" lon="105" lat="0" version="1"/><node id="2" lon="105.01" lat="0" version="1"/>
 <node id="3" lon="105" lat="0.001" version="1"/>
 <node id="4" lon="105.001" lat="0.001" version="1"><tag k="barrier" v="gate"/></node>
 <node id="5" lon="105.002" lat="0.001" version="1"><tag k="barrier" v="gate"/><tag k="access" v="private"/></node>
 <node id="6" lon="105.003" lat="0.001" version="1"><tag k="entrance" v="main"/></node>
 <node id="7" lon="105.004" lat="0.001" version="1"><tag k="entrance" v="emergency"/></node>
 <node id="8" lon="105.1" lat="0.1" version="1"><tag k="entrance" v="yes"/></node>
 <node id="9" lon="105.101" lat="0.1" version="1"/>
 <way id="10" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way>
 <way id="11" version="1"><nd ref="3"/><nd ref="4"/><nd ref="5"/><tag k="barrier" v="fence"/><tag k="leisure" v="park"/></way>
 <way id="12" version="1"><nd ref="8"/><nd ref="9"/><tag k="barrier" v="wall"/></way>
 <way id="13" version="1"><nd ref="3"/><nd ref="6"/><tag k="barrier" v="kerb"/></way>
</osm>""",
        "utf-8",
    )
    whole = read_osm(path)
    assert whole.ways == 1 and whole.fence_first.tolist() == [0, 3, 5]
    assert whole.entrances.round(3).tolist() == [[105.001, 0.001], [105.003, 0.001], [105.1, 0.1]]
    near = clipped(whole, shapely.box(104.99, -0.01, 105.02, 0.01))
    assert near.fence_first.tolist() == [0, 3] and len(near.entrances) == 2
    again = read_osm(write_osm(tmp_path / "kept.osm.pbf", near))
    np.testing.assert_allclose(again.fence_lonlat, near.fence_lonlat, atol=1e-9)
    np.testing.assert_allclose(again.entrances, near.entrances, atol=1e-9)
    assert again.fence_first.tolist() == [0, 3] and again.ways == 1
