"""OpenStreetMap files of every order, compression and editor give the same streets; what is no map is refused."""

from __future__ import annotations

import bz2
import gzip
import random

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanplan import routing as tt
from urbanplan.catalog import load_catalog, read_osm_rules
from urbanplan.errors import InputError
from urbanplan.routing import build_network
from urbanplan.sources import read_streets
from urbanplan.sources.extract import read_extract
from urbanplan.sources.osm import in_order, write_osm
from urbanplan.sources.streets import Restriction, clipped

NODES = [f"<node id='{i}' version='1' lat='50.0{i}' lon='10.0{i}'/>" for i in range(1, 7)]
WAYS = [
    "<way id='10' version='1'><nd ref='1'/><nd ref='2'/><nd ref='3'/><tag k='highway' v='residential'/></way>",
    "<way id='11' version='1'><nd ref='3'/><nd ref='4'/><tag k='highway' v='service'/></way>",
    "<way id='12' version='1'><nd ref='3'/><nd ref='5'/><nd ref='6'/><tag k='highway' v='path'/></way>",
]
TURNS = [
    "<relation id='20' version='1'><member type='way' ref='10' role='from'/><member type='node' ref='3' role='via'/>"
    "<member type='way' ref='11' role='to'/><tag k='type' v='restriction'/><tag k='restriction' v='no_left_turn'/>"
    "<tag k='except' v='bicycle'/></relation>",
    "<relation id='21' version='1'><member type='way' ref='10' role='from'/><member type='way' ref='11' role='from'/>"
    "<member type='node' ref='3' role='via'/><member type='way' ref='12' role='to'/>"
    "<tag k='type' v='restriction'/><tag k='restriction' v='no_entry'/></relation>",
    "<relation id='22' version='1'><member type='way' ref='10' role='from'/><member type='way' ref='11' role='via'/>"
    "<member type='way' ref='12' role='to'/><tag k='type' v='restriction'/>"
    "<tag k='restriction:motorcar' v='no_u_turn'/></relation>",
]  # fmt: skip
ORDERED = [*NODES, *WAYS, *TURNS]


def xml(parts, root="osm") -> bytes:
    return f"<?xml version='1.0'?><{root} version='0.6'>{''.join(parts)}</{root}>".encode()


def drawn(streets) -> set[tuple]:
    """Ways as their ids, tags and coordinates, whatever the order in which they were kept."""
    return {
        (
            int(way),
            streets.tags[streets.tags_of[i]]["highway"],
            *map(tuple, streets.lonlat[streets.refs[streets.first[i] : streets.first[i + 1]]].round(7)),
        )
        for i, way in enumerate(streets.way_ids)
    }  # fmt: skip


@pytest.fixture
def read(tmp_path):
    """Read OpenStreetMap data given as elements, under a name."""

    def reading(parts, name="town.osm", pack=bytes):
        path = tmp_path / name
        path.write_bytes(pack(xml(parts)))
        return read_streets(path)

    return reading


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_the_order_of_an_extract_changes_nothing(read, seed):
    parts = ORDERED.copy()
    random.Random(seed).shuffle(parts)
    shuffled, ordered = read(parts), read(ORDERED)
    assert drawn(shuffled) == drawn(ordered) and len(drawn(ordered)) == 3
    assert set(map(repr, shuffled.restrictions)) == set(map(repr, ordered.restrictions))


@pytest.mark.parametrize(
    ("name", "pack"),
    [("t.osm", bytes), ("t.osm.gz", gzip.compress), ("t.osm.bz2", bz2.compress)],
)
@pytest.mark.parametrize("order", [1, -1])
def test_compressed_files_hold_the_same_streets(read, name, pack, order):
    assert drawn(read(ORDERED[::order], name, pack)) == drawn(read(ORDERED))


@pytest.mark.parametrize("order", [1, -1])
def test_a_pbf_is_sorted_too(tmp_path, read, order):
    path = tmp_path / "loose.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for kind in ("way", "relation", "node")[::order]:
            if kind == "node":
                for i in (4, 1, 6, 3, 2, 5):
                    place = (10 + i / 100, 50 + i / 100)
                    writer.add_node(osmium.osm.mutable.Node(id=i, location=place))
            if kind == "way":
                for way, nodes, highway in ((12, [3, 5, 6], "path"), (11, [3, 4], "service"), (10, [1, 2, 3], "residential")):  # fmt: skip
                    writer.add_way(osmium.osm.mutable.Way(id=way, nodes=nodes, tags={"highway": highway}))  # fmt: skip
    assert drawn(read_streets(path)) == drawn(read(ORDERED))


@pytest.mark.parametrize("name", ["t.osm", "t.osm.gz", "t.osm.bz2"])
def test_a_city_is_fetched_from_any_of_them(tmp_path, name):
    lake = (
        "<way id='15' version='1'><nd ref='1'/><nd ref='2'/><nd ref='6'/><nd ref='4'/><nd ref='1'/>"
        "<tag k='natural' v='water'/></way>"
    )
    pack = {"osm": bytes, "gz": gzip.compress, "bz2": bz2.compress}[name.rpartition(".")[2]]
    path, area = tmp_path / name, shapely.box(9.9, 49.9, 10.2, 50.2)
    corner = "<node id='2' version='2' lat='50.01' lon='10.05'/>"
    path.write_bytes(pack(xml([lake, *TURNS, *WAYS[::-1], corner, *NODES])))
    extract = read_extract(path, area, area, [r for r in read_osm_rules() if r.layer == "water"])
    assert sorted(extract.streets.way_ids.tolist()) == [10, 11, 12]
    assert len(extract.streets.restrictions) == 4
    (water,) = extract.features["water"]
    assert water.id == "w15" and water.geometry.area == pytest.approx(0.001)


def test_the_last_version_of_an_object_counts(read):
    newer = "<node id='4' version='3' lat='51' lon='11'/>"
    equal = "<node id='6' version='1' lat='52' lon='12'/>"
    streets = read([newer, *NODES, equal, *WAYS])
    place = dict(zip(streets.point_ids.tolist(), map(tuple, streets.lonlat.tolist())))
    assert len(streets.point_ids) == 6
    assert place[4] == (11, 51), "a higher version wins wherever it stands"
    assert place[6] == (12, 52), "of equal versions the later in the file"


def test_what_an_editor_has_drawn_and_deleted(read):
    streets = read([
        "<node id='-1' action='modify' visible='true' lat='50' lon='10'/>",
        "<node id='-2' action='modify' visible='true' lat='50.01' lon='10'/>",
        "<node id='7' action='delete' version='2' lat='50.02' lon='10'/>",
        "<node id='8' version='2' lat='50.03' lon='10'/>",
        "<way id='-1'><nd ref='-1'/><nd ref='-2'/><nd ref='8'/><tag k='highway' v='residential'/></way>",
        "<way id='9' action='delete' version='1'><nd ref='-1'/><nd ref='8'/><tag k='highway' v='primary'/></way>",
    ])  # fmt: skip
    assert {way[1:] for way in drawn(streets)} == {
        ("residential", (10.0, 50.0), (10.0, 50.01), (10.0, 50.03))
    }
    assert len(streets.point_ids) == 3 and streets.point_ids.min() > 0


def test_a_way_without_any_node_is_left_out(read):
    lost = "<way id='13' version='1'><nd ref='98'/><nd ref='99'/><tag k='highway' v='path'/></way>"
    assert drawn(read([*NODES, *WAYS, lost])) == drawn(read(ORDERED))


def test_only_ways_without_nodes_are_no_street(read):
    with pytest.raises(InputError, match="holds no street"):
        read(WAYS)


@pytest.mark.parametrize("name", ["a.osc", "a.osc.gz", "a.osc.bz2"])
def test_changes_are_no_map(read, name):
    with pytest.raises(InputError, match="holds changes to a map, not a map"):
        read(ORDERED, name)


def test_changes_under_the_name_of_a_map(tmp_path):
    path = tmp_path / "a.osm"
    path.write_bytes(xml(["<modify>", *NODES, "</modify>"], "osmChange"))
    with pytest.raises(InputError, match="holds changes to a map, not a map"):
        read_streets(path)


@pytest.mark.parametrize("name", ["a.osh", "a.osh.pbf", "a.osh.gz"])
def test_history_is_no_map(read, name):
    with pytest.raises(InputError, match="holds a map's history, not a map"):
        read(ORDERED, name)


def test_history_under_the_name_of_a_map(tmp_path):
    gone = "<node id='9' version='2' visible='false'/>"
    path = tmp_path / "a.osm"
    path.write_bytes(xml([*NODES, gone, *WAYS]))
    with pytest.raises(InputError, match="holds a map's history, not a map"):
        read_streets(path)
    dense = tmp_path / "b.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(dense), "osh.pbf")) as writer:
        writer.add_node(osmium.osm.mutable.Node(id=1, version=1, visible=False, location=(1, 1)))
    with pytest.raises(InputError, match="holds a map's history, not a map"):
        read_streets(dense)


def test_turns_are_read_and_kept(read, tmp_path):
    streets = read(ORDERED)
    kinds = [(t.kind, t.from_way, t.via, t.via_ways, t.to_way) for t in streets.restrictions]
    assert kinds == [
        ("no_left_turn", 10, (3,), False, 11),
        ("no_entry", 10, (3,), False, 12),
        ("no_entry", 11, (3,), False, 12),
        ("", 10, (11,), True, 12),
    ]
    assert streets.restrictions[0].tags["except"] == "bicycle"
    again = read_streets(write_osm(tmp_path / "again.osm.pbf", streets))
    assert drawn(again) == drawn(streets)
    assert again.restrictions == streets.restrictions


def test_turns_go_with_their_ways(read):
    near = clipped(read(ORDERED), shapely.box(10.005, 50.005, 10.025, 50.025))
    assert near.way_ids.tolist() == [10] and near.restrictions == ()


def test_turns_follow_ways_that_get_new_numbers(read, tmp_path):
    from dataclasses import replace

    streets = read(ORDERED)
    numbers = {10: -5, 11: -6, 12: 7}
    turns = tuple(
        Restriction(t.kind, numbers[t.from_way], tuple(numbers[v] for v in t.via) if t.via_ways else t.via,
                    t.via_ways, numbers[t.to_way], t.tags)
        for t in streets.restrictions
    )  # fmt: skip
    ids = np.array([numbers[int(w)] for w in streets.way_ids])
    new = replace(streets, way_ids=ids, restrictions=turns)
    again = read_streets(write_osm(tmp_path / "again.osm.pbf", new))
    assert again.way_ids.tolist() == [1, 2, 3]
    assert [(t.from_way, t.via, t.to_way) for t in again.restrictions] == [
        (1, (3,), 2), (1, (3,), 3), (2, (3,), 3), (1, (2,), 3),
    ]  # fmt: skip


def test_an_ordered_file_is_not_copied(tmp_path):
    path = tmp_path / "a.osm"
    path.write_bytes(xml(ORDERED))
    with in_order(path) as ordered:
        assert ordered == path


def _square(first, members, tags) -> list[str]:
    """A square of 0.004 degrees with a hole of 0.002 in its middle, in two outer ways and a closed inner one, as a relation."""
    spots = [(0, 0), (0, 2), (0, 4), (4, 4), (4, 2), (4, 0), (1, 1), (1, 3), (3, 3), (3, 1), (-1, 2), (5, 2)]  # fmt: skip
    nodes = [
        f"<node id='{first + i}' version='1' lon='{10 + x / 1000}' lat='{y / 1000}'/>"
        for i, (x, y) in enumerate(spots)
    ]
    ways = [(0, 1, 2, 3), (3, 4, 5, 0), (6, 7, 8, 9, 6), (10, 1), (4, 11)]
    street = "<tag k='highway' v='footway'/>"
    parts = [
        f"<way id='{60 + n}' version='1'>" + "".join(f"<nd ref='{first + i}'/>" for i in way)
        + street * (n > 2) + "</way>"
        for n, way in enumerate(ways)
    ]  # fmt: skip
    rows = "".join(f"<member type='way' ref='{60 + n}' role='{role}'/>" for n, role in members)
    said = "".join(f"<tag k='{k}' v='{v}'/>" for k, v in {"type": "multipolygon", **tags}.items())
    return [*nodes, *parts, f"<relation id='90' version='1'>{rows}{said}</relation>"]


OUTER, HOLE = [(0, "outer"), (1, "outer")], [(2, "inner")]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("members", "tags", "units"),
    [
        (OUTER, {"highway": "pedestrian"}, 6),
        (OUTER, {"highway": "pedestrian", "area": "yes", "place": "square"}, 6),
        (OUTER, {"place": "square"}, 6),
        # Round a hole's corner, which lies one unit aside: the root of two there, straight along it, and back.
        (OUTER + HOLE, {"highway": "pedestrian"}, 2 + 2 * 2**0.5 + 2),
        # A park has its own paths, and what nobody may enter stays shut.
        (OUTER, {"place": "square", "leisure": "park"}, None),
        (OUTER, {"highway": "pedestrian", "access": "no"}, None),
    ],
)
def test_a_square_that_is_a_relation_is_crossed_round_its_holes(
    read, tmp_path, order, members, tags, units
):
    streets = read(_square(30, members, tags)[::order])
    again = read_streets(write_osm(tmp_path / "again.osm.pbf", streets))
    area = shapely.box(9.9, -0.1, 10.2, 0.1)
    city = read_extract(tmp_path / "town.osm", area, area, list(read_osm_rules())).streets
    walk = load_catalog().mode("walk")
    for one in (streets, again, city, clipped(again, area)):
        net = build_network(one, walk, crs="EPSG:32632")
        spots = gpd.points_from_xy([9.999, 10.005], [0.002, 0.002], crs=4326)
        at = tt.place(net, gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=spots).to_crs(net.crs), 5)
        table = tt.matrix(net, at, at, limit_min=1e3).set_index(["origin", "destination"])
        minutes = table["minutes"].get((0, 1))
        if units is None:
            assert minutes is None
        else:
            # A unit is 0.001 degrees: of latitude a hair less than of longitude here.
            assert minutes == pytest.approx(units * 111.32 * 0.06 / 5, rel=5e-3)


def test_a_square_drawn_twice_keeps_its_hole(read):
    once = (
        "<way id='70' version='1'>{}<tag k='highway' v='pedestrian'/><tag k='area' v='yes'/></way>"
    )
    ring = "".join(f"<nd ref='{30 + i}'/>" for i in (0, 1, 2, 3, 4, 5, 0))
    parts = _square(30, OUTER + HOLE, {"highway": "pedestrian"})
    walk = load_catalog().mode("walk")
    twice = build_network(read([*parts, once.format(ring)]), walk, crs="EPSG:32632")
    assert twice.length_m.sum() == build_network(read(parts), walk, crs="EPSG:32632").length_m.sum()
