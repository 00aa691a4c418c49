"""Streets as arrays: who may go where, what contraction must not change, what is kept."""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

import streettown as town
import urbanplan as up
from urbanplan.base.crs import WGS84, transform
from urbanplan.catalog import load_catalog, power, read_modes, tobler
from urbanplan.errors import InputError
from urbanplan.files import read_arrays, write_arrays
from urbanplan.routing import build_network, network
from urbanplan.routing.street_rules import at_ends_only, carries, speeds_kmh, stops
from urbanplan.sources.osm import read_osm, write_osm
from urbanplan.sources.streets import Streets
from urbanplan.study import model
from urbanplan.study import streets as study_streets

WALK, BIKE, DRIVE = (load_catalog().mode(m).streets for m in ("walk", "bike", "drive"))


@pytest.mark.parametrize(
    ("tags", "walk", "bike", "drive"),
    [
        ({"highway": "residential"}, (5, 5), (15, 15), (25, 25)),
        ({"highway": "residential", "oneway": "yes"}, (5, 5), (15, 0), (25, 0)),
        ({"highway": "residential", "oneway": "-1"}, (5, 5), (0, 15), (0, 25)),
        (
            {"highway": "residential", "oneway": "yes", "oneway:bicycle": "no"},
            (5, 5), (15, 15), (25, 0),
        ),
        (
            {"highway": "residential", "oneway": "yes", "cycleway": "opposite_lane"},
            (5, 5), (15, 15), (25, 0),
        ),
        ({"highway": "motorway"}, (0, 0), (0, 0), (90, 0)),
        ({"highway": "motorway_link", "oneway": "no"}, (0, 0), (0, 0), (75, 75)),
        ({"highway": "tertiary", "junction": "roundabout"}, (5, 5), (15, 0), (40, 0)),
        ({"highway": "primary", "maxspeed": "50"}, (5, 5), (15, 15), (50, 50)),
        (
            {"highway": "primary", "maxspeed": "50", "maxspeed:backward": "30"},
            (5, 5), (15, 15), (50, 30),
        ),
        ({"highway": "primary", "maxspeed": "CN:urban"}, (5, 5), (15, 15), (50, 50)),
        ({"highway": "footway"}, (5, 5), (0, 0), (0, 0)),
        ({"highway": "footway", "bicycle": "yes"}, (5, 5), (15, 15), (0, 0)),
        ({"highway": "footway", "bicycle": "dismount"}, (5, 5), (4, 4), (0, 0)),
        ({"highway": "footway", "access": "yes"}, (5, 5), (0, 0), (0, 0)),
        ({"highway": "cycleway"}, (0, 0), (15, 15), (0, 0)),
        ({"highway": "cycleway", "foot": "yes"}, (5, 5), (15, 15), (0, 0)),
        ({"highway": "steps"}, (5, 5), (0, 0), (0, 0)),
        ({"highway": "path"}, (5, 5), (13, 13), (0, 0)),
        ({"highway": "track"}, (5, 5), (12, 12), (0, 0)),
        ({"highway": "service", "access": "private"}, (5, 5), (15, 15), (15, 15)),
        ({"highway": "service", "access": "private", "foot": "yes"}, (5, 5), (15, 15), (15, 15)),
        ({"highway": "service", "access": "destination"}, (5, 5), (15, 15), (15, 15)),
        ({"highway": "residential", "vehicle": "no"}, (5, 5), (0, 0), (0, 0)),
        ({"highway": "residential", "vehicle": "no", "bicycle": "yes"}, (5, 5), (15, 15), (0, 0)),
        ({"highway": "residential", "motor_vehicle": "private"}, (5, 5), (15, 15), (25, 25)),
        ({"highway": "pedestrian", "motor_vehicle": "yes"}, (5, 5), (0, 0), (10, 10)),
        ({"highway": "primary", "bicycle": "use_sidepath"}, (5, 5), (0, 0), (65, 65)),
        ({"highway": "residential", "oneway": "reversible"}, (5, 5), (0, 0), (0, 0)),
        ({"highway": "residential", "oneway:foot": "yes"}, (5, 0), (15, 15), (25, 25)),
        ({"highway": "construction"}, (0, 0), (0, 0), (0, 0)),
        ({"highway": "construction", "foot": "yes"}, (0, 0), (0, 0), (0, 0)),
        ({"highway": "pedestrian", "area": "yes"}, (0, 0), (0, 0), (0, 0)),
        ({"route": "ferry"}, (0, 0), (0, 0), (0, 0)),
    ],
)  # fmt: skip
def test_access_rules(tags, walk, bike, drive):
    assert [speeds_kmh(tags, r) for r in (WALK, BIKE, DRIVE)] == [walk, bike, drive]


@pytest.mark.parametrize(
    ("tags", "own"),
    [
        ({"highway": "service", "access": "private"}, (True, True, True)),
        ({"highway": "service", "access": "private", "foot": "yes"}, (False, True, True)),
        ({"highway": "residential", "motor_vehicle": "destination"}, (False, False, True)),
        ({"highway": "residential", "access": "customers;delivery"}, (True, True, True)),
        ({"highway": "residential", "access": "private;yes"}, (False, False, False)),
        ({"barrier": "gate", "access": "residents"}, (True, True, True)),
        ({"barrier": "gate"}, (False, False, False)),
    ],
)
def test_what_is_open_at_the_ends_of_a_trip_only(tags, own):
    assert tuple(at_ends_only(tags, r) for r in (WALK, BIKE, DRIVE)) == own


@pytest.mark.parametrize(
    ("tags", "stopped"),
    [
        ({"barrier": "bollard"}, (False, False, True)),
        ({"barrier": "gate"}, (False, False, False)),
        ({"barrier": "gate", "access": "private"}, (False, False, False)),
        ({"barrier": "gate", "access": "no"}, (True, True, True)),
        ({"barrier": "gate", "access": "no", "foot": "yes"}, (False, True, True)),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, (False, False, False)),
        ({"barrier": "kissing_gate"}, (False, True, True)),
        ({"barrier": "wall"}, (True, True, True)),
    ],
)
def test_points_that_stop_somebody(tags, stopped):
    assert tuple(stops(tags, r) for r in (WALK, BIKE, DRIVE)) == stopped


def test_a_users_file_changes_one_figure_and_adds_a_mode(tmp_path):
    path = tmp_path / "modes.toml"
    path.write_text(
        "[walk.streets.kmh]\nsteps = 2.5\n[stroller]\nname_zh = '童车'\nname_en = 'stroller'\n"
        "built_up = { speed_kmh = 4.0, detour = 1.3 }\nopen_land = { speed_kmh = 4.0, detour = 1.3 }\n"
        "on_roads = 4.0\nforbidden_classes = []\nsource = 'assumption'\n"
    )
    modes = read_modes(path)
    assert modes["walk"].streets.kmh["steps"] == 2.5 and modes["walk"].streets.kmh["path"] == 5
    assert modes["drive"] == load_catalog().mode("drive") and modes["stroller"].streets is None
    with pytest.raises(InputError, match="no rules for streets"):
        build_network(town.streets(((0, 0), (1, 0))), modes["stroller"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[walk.streets]\nslope = 'steep'", "steep.*tobler"),
        ("[walk.streets]\nkmhs = 3", "kmhs"),
        ("[walk.streets.kmh]\nsteps = -1", "above 0"),
        ("[walk.streets.kmh]\nsteps = 'slow'", "'steps' of mode walk.streets.kmh cannot be 'slow'"),
        ("[walk]\non_roads = 'fast'", "on_roads is 'fast'"),
        (
            "[walk.built_up]\ndetour = 0.9",
            "'detour' of mode walk.built_up cannot be 0.9 → write a number of 1",
        ),
        ("[fly]\nname_zh = 'x'", "mode fly has no name_en"),
    ],
)
def test_a_bad_mode_is_refused_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "modes.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_modes(path)


def test_every_shipped_mode_names_its_source():
    for mode in load_catalog().modes.values():
        assert len(mode.source) > 20
        for one in filter(None, (mode, mode.streets)):
            assert re.search("[\u4e00-\u9fff]{3}", one.source_zh), mode.id
        assert mode.streets is None or "OSRM" in mode.streets.source


@settings(max_examples=30)
@given(st.floats(-75, 75), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_lengths_are_those_of_the_ellipsoid(lat, east, north):
    lon, up, _ = town.GEOD.fwd(105, lat, 0, north)
    lon, up, _ = town.GEOD.fwd(lon, up, 90, east)
    metres = town.GEOD.inv(105, lat, lon, up)[2]
    if metres < 0.1:
        return
    drawn = Streets(
        np.array([[105, lat], [lon, up]]), np.array([0, 1], np.int32), np.array([0, 2]),
        ({"highway": "path"},), np.zeros(1, np.int32), np.arange(2),
    )  # fmt: skip
    built = build_network(drawn, town.MODE)
    # Five kilometres at 75 degrees north are the worst that a street could be.
    assert built.length_m[0] == pytest.approx(metres, rel=3e-6)
    assert built.minutes[0] == pytest.approx(0.06 * metres / 6, rel=3e-6)


def test_bends_are_no_nodes_and_keep_their_shape():
    bent = town.network(((0, 0), (1, 0), (1, 1), (2, 1)), ((2, 1), (3, 1)), ((2, 1), (2, 2)))
    assert (bent.nodes, bent.edges) == (4, 3)
    long = int(bent.length_m.argmax())
    assert bent.length_m[long] == pytest.approx(300, rel=1e-5)
    assert np.diff(bent.bend)[long] == 4 and bent.minutes[long] == pytest.approx(3, rel=1e-5)
    np.testing.assert_allclose(
        bent.spent[bent.bend[long] : bent.bend[long + 1], 0], range(4), rtol=1e-5
    )
    assert bent.lines[long].length == pytest.approx(300, rel=1e-3)


def test_a_change_of_speed_is_a_bend_a_change_of_direction_is_a_node():
    slow = town.network(((0, 0), (1, 0)), ((1, 0), (3, 0), {"maxspeed": "12"}))
    assert slow.edges == 1 and slow.minutes[0] == pytest.approx(2.0, rel=1e-5)
    assert slow.spent[:, 0] == pytest.approx([0, 1, 2], rel=1e-5)
    turn = town.network(((0, 0), (1, 0)), ((1, 0), (3, 0), {"oneway": "yes"}))
    assert turn.edges == 2 and turn.nodes == 3
    chain = town.network(((0, 0), (1, 0), {"oneway": "yes"}), ((1, 0), (3, 0), {"oneway": "yes"}))
    assert chain.edges == 1 and np.isinf(chain.minutes[0, 1])


def test_rules_for_certain_hours_are_counted_not_followed():
    ways = [((0, 0), (1, 0), {"maxspeed:conditional": "30 @ (22:00-06:00)"}),
            ((1, 0), (3, 0), {"foot:conditional": "no @ (Mo-Fr)"}), ((3, 0), (4, 0))]  # fmt: skip
    drive, walk = (town.network(*ways, mode=load_catalog().mode(m)) for m in ("drive", "walk"))
    assert "0.1 km of streets" in drive.findings[0] and "conditional" in drive.findings[0]
    assert "0.2 km of streets" in walk.findings[0]


def test_a_ring_without_any_junction_is_one_edge():
    ring = town.network(((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)))
    assert (ring.nodes, ring.edges, ring.graph.arcs) == (1, 1, 0)
    assert ring.minutes[0] == pytest.approx(4, rel=1e-5)


def test_nothing_passes_a_gate_but_both_sides_stay_in_reach():
    way = ((0, 0), (1, 0), (2, 0), (3, 0))
    gated = town.network(way, gates=[((1, 0), {"barrier": "gate", "access": "no"})])
    assert (gated.nodes, gated.edges) == (4, 2)
    assert connected_components(_scipy(gated.graph), directed=True, connection="strong")[0] == 2
    assert town.network(way, gates=[((1, 0), {"barrier": "gate"})]).edges == 1


def shut(net) -> dict[tuple[bool, bool], float]:
    """Units of street by whether one gets there from the rest, and away from there."""
    kinds = {}
    for joined, metres in zip(map(tuple, net.joined.tolist()), net.length_m):
        kinds[joined] = kinds.get(joined, 0) + round(metres / 100)
    return kinds


def test_every_part_and_every_pocket_is_kept_and_told():
    ways = [((0, 0), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (1, 1)), ((9, 9), (9, 10))]
    trap = ((2, 0), (3, 0), {"oneway": "yes"})  # nobody comes back from its end
    kept = town.network(*ways, trap)
    assert kept.nodes == 7 and shut(kept) == {(True, True): 4, (True, False): 1}
    assert "0.1 km of 0.5 km" in kept.findings[0] and "20.0%" in kept.findings[0]
    assert "0.1 km of 0.5 km of streets (20.0%) are not joined" in kept.findings[1]
    assert kept.part.tolist().count(0) == 4 and kept.part_m == pytest.approx([400, 100], rel=1e-4)
    assert len(town.network(*ways).findings) == 1


def test_large_parts_that_lead_one_way_into_another_are_no_pockets_nor_what_lies_between():
    a = [((0, 0), (3, 0)), ((3, 0), (3, 3)), ((3, 0), (3, -1))]
    b = [((6, 0), (9, 0)), ((6, 0), (6, 3)), ((6, 0), (6, -1))]
    small = [((3, 3), (3, 4), {"oneway": "yes"}), ((3, 4), (4, 4)), ((3, 4), (2, 4))]
    link = [((3, 0), (4, 0), (6, 0), {"oneway": "yes"}), ((4, 0), (4, 1), {"oneway": "yes"})]
    kept = town.network(*a, *b, *small, *link)
    # Never left: the small part (300 m), and the branch that ends nowhere (100 m).
    assert shut(kept) == {(True, True): 7 + 7 + 3, (True, False): 4}
    assert kept.part.max() == 0


def test_one_way_streets_alone_are_no_pocket():
    kept = town.network(((0, 0), (1, 0), {"oneway": "yes"}))
    assert shut(kept) == {(True, True): 1} and not kept.findings


#: A street of four units, a spur that only leads in from its middle, one that only leads out to it, and a court that is both.
SPURS = [
    ((0, 0), (2, 0)), ((2, 0), (4, 0)), ((2, 0), (2, 3), {"oneway": "yes"}), ((4, 3), (4, 0), {"oneway": "yes"}),
    ((9, 0), (9, 1), (8, 1), (9, 0)),
]  # fmt: skip


def test_a_place_on_a_one_way_spur_is_reached_or_left_that_way_only():
    from urbanplan import routing as tt

    net = town.network(*SPURS)
    at = tt.place(net, town.places((0, 0), (2, 2), (4, 2), network=net), 50)
    table = tt.matrix(net, at, at).set_index(["origin", "destination"])["minutes"]
    assert table.to_dict() == pytest.approx(
        {(0, 0): 0, (0, 1): 4, (1, 1): 0, (2, 0): 6, (2, 1): 6, (2, 2): 0}, rel=1e-4
    )


def test_nobody_changes_ships_at_sea():
    """GraphHopper issue 3238: two ferries over one point of the map, far from land."""
    from urbanplan import routing as tt

    sea = {"route": "ferry"}
    land = [((0, 0), (1, 0)), ((9, 0), (10, 0)), ((5, 5), (5, 6))]
    ways = [*land, ((1, 0), (5, 0), (9, 0), sea), ((5, -5), (5, 0), (5, 5), sea)]
    mode = replace(load_catalog().mode("walk"), streets=replace(WALK, ferries=True))
    ends = [(0, 0), (10, 0), (5, 6)]
    for joined, extra in ((False, []), (True, [((5, 0), (5.5, 0))])):
        # A landing stage in the middle is a place to change.
        drawn = town.streets(*ways, *extra)
        tags = tuple({k: v for k, v in t.items() if not ("route" in t and k == "highway")} for t in drawn.tags)  # fmt: skip
        net = build_network(replace(drawn, tags=tags), mode, crs=town.CRS)
        at = tt.place(net, town.places(*ends, network=net), 1)
        pairs = set(map(tuple, tt.matrix(net, at, at, limit_min=1e4)[["origin", "destination"]].to_numpy()))  # fmt: skip
        assert ((0, 1) in pairs) and (((0, 2) in pairs) == joined)


def test_the_nearest_is_told_by_its_true_reason():
    from urbanplan.study.streets import nearest_on

    net = town.network(*SPURS)
    spots = [(0, 0), (2, 2), (4, 2), (9, 0.5)]
    homes = town.places(*spots, ids=["street", "inward", "outward", "court"], network=net)
    shop = town.places((4, 0), ids=["shop"], network=net)
    answer = nearest_on(net, homes, shop, 3, snap_m=50)
    assert answer.rows["minutes"].tolist() == pytest.approx([np.inf, np.inf, 2, np.inf])
    told = answer.findings[-4:]
    assert (
        "1 of 4 origins are on parts of the streets (0.3 km) that no destination is on: court"
        in told
    )
    assert "1 of 4 origins are on streets that no way leaves: inward" in told
    assert "1 of 4 origins reach no destination within 3 minutes: street" in told
    assert "2 of 4 origins are joined to no destination by any way: inward, court" in told
    back = nearest_on(net, shop, homes[2:3], 3, snap_m=50)
    assert back.rows["destination"].tolist() == [None]
    assert "1 of 1 destinations are on streets that no way leads to: outward" in back.findings


def test_no_street_open_to_the_mode_is_one_sentence():
    with pytest.raises(InputError, match="no street is open to mode 'drive'"):
        town.network(((0, 0), (1, 0), {"highway": "steps"}), mode=load_catalog().mode("drive"))


def _scipy(graph):
    from scipy.sparse import csr_array

    return csr_array((graph.minutes, graph.to, graph.first), shape=(graph.nodes,) * 2)


SPOT = st.tuples(st.integers(0, 4), st.integers(0, 4))
WAY = st.tuples(
    st.lists(SPOT, min_size=2, max_size=6),
    st.sampled_from([{}, {}, {"oneway": "yes"}, {"oneway": "-1"}, {"maxspeed": "20"}]),
)


@settings(max_examples=60)
@given(st.lists(WAY, min_size=1, max_size=9), st.sets(SPOT, max_size=2), st.randoms())
def test_contraction_changes_no_travel_time(ways, gates, chance):
    ways = [(*spots, tags) for spots, tags in ways]
    gates = [(g, {"barrier": "gate", "access": "no"}) for g in gates]
    drawn = town.streets(*ways, gates=gates)
    plain = town.segments_of(drawn, town.MODE)
    if not any(minutes > 0 for _, _, minutes in plain.edges(data="minutes")):
        return
    built = build_network(drawn, town.MODE, crs=town.CRS)
    open_ids = [int(i) for i in built.node_ids if i in plain]
    truth = dict(nx.all_pairs_dijkstra_path_length(plain, weight="minutes"))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(built.nodes))
    graph.add_weighted_edges_from(
        zip(built.graph.tails.tolist(), built.graph.to.tolist(), built.graph.minutes.tolist())
    )
    ours = dict(nx.all_pairs_dijkstra_path_length(graph))
    place = {int(i): n for n, i in enumerate(built.node_ids)}
    for a in open_ids:
        for b in open_ids:
            expected = truth[a].get(b, np.inf)
            assert ours[place[a]].get(place[b], np.inf) == pytest.approx(
                expected, rel=1e-6, abs=1e-9
            )
    # The order of the ways does not matter.
    chance.shuffle(ways)
    again = build_network(town.streets(*ways, gates=gates), town.MODE, crs=town.CRS)
    assert again.nodes == built.nodes and again.edges == built.edges
    assert again.length_m.sum() == pytest.approx(built.length_m.sum())
    assert sorted(again.graph.minutes) == pytest.approx(sorted(built.graph.minutes), rel=1e-9)


def test_nodes_lie_along_a_space_filling_curve():
    lines = [((x, y), (x + 1, y)) for x in range(16) for y in range(17)]
    lines += [((x, y), (x, y + 1)) for x in range(17) for y in range(16)]
    grid = town.network(*lines)
    steps = np.hypot(*np.diff(grid.xy, axis=0).T)
    assert grid.nodes == 17 * 17 - 4  # the corners are bends
    # In rows, one step in seventeen is seventeen units long; along the curve nearly all are one.
    assert np.median(steps) < 101 and np.percentile(steps, 90) < 250


def test_a_stored_network_is_the_same_and_damage_is_refused(tmp_path):
    built = town.network(((0, 0), (1, 0), (1, 1)), ((1, 0), (2, 0), {"oneway": "yes"}))
    one, two = network.save(built, tmp_path / "a.npz"), network.save(built, tmp_path / "b.npz")
    assert one.read_bytes() == two.read_bytes()
    back = network.load(one)
    for name in (
        "xy",
        "tail",
        "head",
        "through",
        "spent",
        "vertex_xy",
        "length_m",
        "node_ids",
        "bend",
    ):
        np.testing.assert_array_equal(getattr(back, name), getattr(built, name))
    assert back.mode == built.mode and back.findings == built.findings and back.crs == built.crs
    assert (back.source, back.licence, back.as_of) == ("drawn for a test", "CC0-1.0", "2026-01-01")
    np.testing.assert_array_equal(back.graph.minutes, built.graph.minutes)
    data = np.load(one)
    arrays = {k: data[k] for k in data.files}
    arrays["spent"] = arrays["spent"] * 2
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(InputError, match=r"changed.npz.*hash differs"):
        network.load(tmp_path / "changed.npz")
    np.savez(tmp_path / "pickled.npz", about=np.array([{"a": 1}], object))
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    for name in ("pickled", "text", "other"):
        with pytest.raises(InputError, match=f"{name}.npz"):
            network.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("private", np.zeros(3, np.uint8)),
        ("private", np.zeros(1, bool)),
        ("private", np.zeros((3, 1), bool)),
        ("forbidden", np.array([[0, 99]])),
        ("forbidden", np.array([[-2, 0]])),
        ("forbidden", np.array([[0, -1]])),
        ("forbidden", np.array([[0]])),
        ("forbidden", np.array([0, 2])),
        ("forbidden", np.array([[0, 2]], np.float64)),
        ("forbidden", np.array([[2, 0]])),
        ("mode", {"off_street_kmh": 0.0}),
        ("mode", {"kmh": {"residential": -1.0}}),
        ("mode", None),
        ("source", 5),
    ],
)
def test_a_stored_network_whose_arrays_do_not_fit_is_refused(tmp_path, name, wrong):
    """Compiled searches trust them; the hash is right, as a stranger's would be."""
    built = town.network(((0, 0), (1, 0), (1, 1)), ((1, 0), (2, 0)), ((1, 0), (1, -1)))
    path = network.save(built, tmp_path / "a.npz")
    arrays, about = read_arrays(path)
    if name == "mode" and wrong is None:
        del about["mode"]["streets"]
    elif name == "mode":
        about["mode"]["streets"] |= wrong
    elif name in about:
        about[name] = wrong
    else:
        assert name in arrays
        arrays[name] = wrong
    write_arrays(path, arrays, about)
    with pytest.raises(InputError, match="holds a street network that is broken"):
        network.load(path)


def test_every_array_of_a_network_is_judged(tmp_path):
    built = town.network(((0, 0), (1, 0), (1, 1)))
    path = network.save(built, tmp_path / "a.npz")
    arrays, about = read_arrays(path)
    for name, array in arrays.items():
        write_arrays(path, {**arrays, name: array.astype("c16")}, about)
        with pytest.raises(InputError, match="broken"):
            network.load(path)


def test_slopes_change_speeds_by_the_published_functions():
    drawn = town.streets(((0, 0), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (1, 1)))
    heights = np.array([0.0, 10.0, 10.0, 5.0])  # 10 % up, flat, 5 % down
    built = build_network(drawn, load_catalog().mode("walk"), heights_m=heights)
    flat = 0.06 * 100 / 5
    found = {
        tuple(sorted((int(built.node_ids[t]), int(built.node_ids[h])))): (t, h, m)
        for t, h, m in zip(built.tail, built.head, built.minutes)
    }
    for (a, b), slope in (((0, 1), 0.1), ((1, 2), 0.0), ((1, 3), -0.05)):
        tail, _, (ahead, back) = found[a, b]
        if int(built.node_ids[tail]) != a:
            ahead, back = back, ahead
        assert ahead == pytest.approx(flat / float(tobler(slope)), rel=1e-5)
        assert back == pytest.approx(flat / float(tobler(-slope)), rel=1e-5)
    bare = build_network(drawn, load_catalog().mode("walk"))
    level = build_network(drawn, load_catalog().mode("walk"), heights_m=np.full(4, 240.0))
    np.testing.assert_array_equal(bare.spent, level.spent)


@given(st.floats(-0.6, 0.6), st.floats(0.0001, 0.1))
def test_steeper_is_never_faster_uphill(slope, more):
    assert power(slope + more) <= power(slope) + 1e-9
    if slope >= -0.05:
        assert tobler(slope + more) < tobler(slope)
    # The power on the slope is that on the flat, unless the rider brakes or pushes.
    flat_ms = max(np.roots([0.3, 0, 90 * 9.81 * 0.005, -150]).real)
    share = float(power(slope))
    if 4 / 15 + 1e-6 < share < 25 / 22 - 1e-6:
        v = share * flat_ms
        assert v * (90 * 9.81 * (0.005 + slope) + 0.3 * v**2) == pytest.approx(150, rel=1e-6)


def test_edges_know_their_nodes():
    built = town.network(((0, 0), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (1, 1)), ((1, 1), (1, 0)))
    for tail, head, out, leaving, into, coming in built.doors.values():
        for v in range(built.nodes):
            assert set(leaving[out[v] : out[v + 1]]) == set(np.flatnonzero(built.tail == v))
            assert set(coming[into[v] : into[v + 1]]) == set(np.flatnonzero(built.head == v))
        np.testing.assert_array_equal((tail, head), (built.tail, built.head))
    for e in range(built.edges):
        line = shapely.get_coordinates(built.lines[e])
        np.testing.assert_array_equal(line[0], built.xy[built.tail[e]])
        np.testing.assert_array_equal(line[-1], built.xy[built.head[e]])


#: A square of four units with a street in the west, one in the east, and a notch cut in from the south.
SQUARE = ((0, 0), (0, 4), (4, 4), (4, 0), (0, 0))
PLAZA = {"highway": "pedestrian", "area": "yes"}
WEST, EAST = ((-1, 2), (0, 2)), ((4, 2), (5, 2))


def plaza(*ring, mode=WALK, tags=PLAZA, ways=(WEST, EAST)):
    return town.network((*ring, tags), *ways, mode=load_catalog().mode("walk"))


def crossing(net, a, b) -> float:
    """Metres from one place to another on foot at 5 km/h."""
    from urbanplan import routing as tt

    at = tt.place(net, town.places(a, b, network=net), 1)
    table = tt.matrix(net, at, at, limit_min=1e3).set_index(["origin", "destination"])["minutes"]
    return float(table.get((0, 1), np.inf)) * 5 / 0.06


@pytest.mark.parametrize(
    ("ring", "units"),
    [
        # Straight across, where streets meet the outline.
        (((0, 0), (0, 2), (0, 4), (4, 4), (4, 2), (4, 0), (0, 0)), 6.0),
        # The same drawn the other way round.
        (((0, 0), (4, 0), (4, 2), (4, 4), (0, 4), (0, 2), (0, 0)), 6.0),
        # Round the inward corners of a notch that comes up to (1..3, 3).
        (((0, 0), (0, 2), (0, 4), (4, 4), (4, 2), (4, 0), (3, 0), (3, 3), (1, 3), (1, 0), (0, 0)), 4 + 2 * 2**0.5),
    ],
)  # fmt: skip
def test_a_square_is_crossed_in_the_shortest_way_inside_it(ring, units):
    assert crossing(plaza(*ring), (-1, 2), (5, 2)) == pytest.approx(100 * units, rel=1e-4)


def test_squares_are_for_those_who_may_walk_there():
    ring = ((0, 0), (0, 2), (0, 4), (4, 4), (4, 2), (4, 0), (0, 0))
    ways = ((*ring, PLAZA), WEST, EAST)
    bike = town.network(*ways, mode=load_catalog().mode("bike"))
    assert bike.length_m.sum() == pytest.approx(200, rel=1e-4)
    opened = town.network((*ring, {**PLAZA, "bicycle": "yes"}), WEST, EAST, mode=load_catalog().mode("bike"))  # fmt: skip
    assert opened.length_m.sum() == pytest.approx(200 + 1600 + 400, rel=1e-4)
    shut = plaza(*ring, tags={**PLAZA, "access": "no"})
    assert shut.length_m.sum() == pytest.approx(200, rel=1e-4)
    # Somebody on the outline, between its corners, is on the street.
    assert crossing(plaza(*ring), (1, 4), (-1, 2)) == pytest.approx(100 * (1 + 2 + 1), rel=1e-4)


def test_a_square_that_is_too_intricate_is_passed_along_its_outline():
    comb = [(x, y) for i in range(0, 80, 2) for x, y in ((i, 0), (i, 5), (i + 1, 5), (i + 1, 0))]
    ring = ((-1, -1), *comb, (80, -1), (-1, -1))
    net = plaza(*ring, ways=(((-2, -1), (-1, -1)), ((80, -1), (81, -1))))
    assert any("1 of 1 squares" in finding for finding in net.findings)
    assert crossing(net, (-2, -1), (81, -1)) == pytest.approx(8300, rel=1e-3)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.6, 3.0), st.booleans()), min_size=5, max_size=12))
def test_nobody_crosses_a_square_shorter_than_straight_or_outside_it(spokes):
    angle = np.linspace(0, 2 * np.pi, len(spokes), endpoint=False)
    ring = [(r * np.cos(a), r * np.sin(a)) for a, (r, _) in zip(angle, spokes)]
    doors = [i for i, (_, door) in enumerate(spokes) if door]
    ways = [((2 * ring[i][0], 2 * ring[i][1]), ring[i]) for i in doors]
    net = plaza(*ring, ring[0], ways=ways)
    area = shapely.Polygon(ring)
    for i in doors:
        for j in doors:
            straight = shapely.LineString([ring[i], ring[j]]) if i != j else None
            if straight is None:
                continue
            got = crossing(net, ring[i], ring[j]) / 100
            around = shapely.line_locate_point(area.exterior, shapely.points([ring[i], ring[j]]))
            outline = abs(around[0] - around[1])
            outline = min(outline, area.exterior.length - outline)
            assert straight.length * (1 - 1e-4) <= got <= outline * (1 + 1e-4)
            if area.buffer(1e-6).covers(straight):
                assert got == pytest.approx(straight.length, rel=1e-3)


def test_a_cliff_of_a_height_model_is_level_and_said():
    walk = load_catalog().mode("walk")
    drawn = town.streets(((0, 0), (1, 0), (2, 0)), ((1, 0), (1, 1)))
    heights = np.array([0.0, 1500.0, 1500.0, np.nan])
    with np.errstate(all="raise"):
        built = build_network(drawn, walk, heights_m=heights)
    np.testing.assert_allclose(built.minutes, 0.06 * 100 / 5, rtol=1e-5)
    assert any("1 of 4 street points have no height" in f for f in built.findings)
    assert any("0.10 km of streets would be steeper than 100%" in f for f in built.findings)


def test_ferries_are_an_option_with_their_duration():
    ways = [
        ((0, 0), (0, 5)), ((20, 0), (20, 5)),
        ((0, 0), (10, 3), (20, 0), {"route": "ferry", "highway": "", "duration": "00:12", "motor_vehicle": "no"}),
        ((0, 5), (20, 5), {"route": "ferry", "highway": ""}),
    ]  # fmt: skip
    drawn = town.streets(*ways)
    drawn = replace(drawn, tags=tuple({k: v for k, v in t.items() if v} for t in drawn.tags))
    left_out = build_network(drawn, town.MODE, crs=town.CRS)
    assert left_out.part.max() == 1 and any("2 ferries (4.1 km) are left out" in f for f in left_out.findings)  # fmt: skip
    mode = replace(town.MODE, streets=replace(town.MODE.streets, ferries=True))
    taken = build_network(drawn, mode, crs=town.CRS)
    assert taken.part.max() == 0 and any("are taken" in f for f in taken.findings)
    found = {round(m, 2) for m in taken.minutes[taken.through][:, 0]}
    assert found == {12.0, 8.0}  # 2 km at 15 km/h
    car = load_catalog().mode("drive")
    assert not any("ferries" in f for f in build_network(drawn, car, crs=town.CRS).findings)
    carried = {"route": "ferry", "motor_vehicle": "yes"}
    assert [carries(carried, r) for r in (WALK, BIKE, DRIVE)] == [True, True, True]
    assert [carries({"route": "ferry", "foot": "no"}, r) for r in (WALK, BIKE, DRIVE)] == [False, True, False]  # fmt: skip


# ---------------------------------------------------------------- networks that are kept


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of one's own; how often a network is built."""
    monkeypatch.setenv("URBANPLAN_CACHE", str(tmp_path / "cache"))
    built = []
    real = study_streets.build_network
    monkeypatch.setattr(
        study_streets, "build_network", lambda *a, **k: built.append(1) or real(*a, **k)
    )
    return tmp_path / "cache" / "networks", built


def asked(path, mode="walk", **given):
    """Minutes between two corners of the streets, and what is said."""
    streets = up.Streets(path, **given)
    own = streets.network(mode)
    ends = [shapely.Point(*transform(own.xy[[i]], own.crs, WGS84)[0]) for i in (0, -1)]
    ends = gpd.GeoSeries(ends, crs=4326)
    table = streets.matrix(ends, ends, mode=mode, minutes=600)
    return table["minutes"].tolist(), table.attrs["findings"], own.source


def wider(streets):
    """The same streets, a tenth longer."""
    middle = streets.lonlat.mean(axis=0)
    return replace(streets, lonlat=middle + 1.1 * (streets.lonlat - middle))


def test_a_network_is_built_once_and_answers_the_same(cache, tmp_path):
    folder, built = cache
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"
    first = asked(path)
    assert built == [1] and len(list(folder.iterdir())) == 1
    assert asked(path) == first and built == [1]
    assert folder.stat().st_mode & 0o077 == 0
    # Another mode and other bytes are other networks, another name is not.
    asked(path, "bike")
    assert len(built) == 2
    other = shutil.copy(path, tmp_path / "other.osm.pbf")
    assert asked(other) == first and len(built) == 2
    ways = read_osm(path)
    write_osm(path, wider(ways))
    assert asked(path)[0] != first[0] and len(built) == 3
    assert asked(other)[0] == first[0] and len(built) == 3


def test_another_program_builds_it_anew(cache, tmp_path, monkeypatch):
    _, built = cache
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"
    asked(path)
    monkeypatch.setattr(network, "_program", lambda: ["another"])
    asked(path)
    assert len(built) == 2


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "another's"])
def test_a_kept_network_that_is_damaged_is_built_again(cache, tmp_path, harm):
    folder, built = cache
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"
    first = asked(path)
    (kept,) = folder.iterdir()
    raw = bytearray(kept.read_bytes())
    raw[len(raw) // 2] ^= 255
    kept.write_bytes({"cut": raw[:-50], "flip": raw, "empty": b"", "another's": b"PK"}[harm])
    assert asked(path) == first and len(built) == 2
    assert asked(path) == first and len(built) == 2


def test_a_folder_that_others_may_write_to_keeps_nothing(cache, tmp_path):
    folder, built = cache
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"
    assert asked(path) == asked(path) and len(built) == 2 and not list(folder.iterdir())


def test_what_was_asked_for_longest_ago_makes_room(cache, tmp_path, monkeypatch):
    folder, _ = cache
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"
    asked(path, "walk")
    (oldest,) = folder.iterdir()
    os.utime(oldest, (1, 1))
    monkeypatch.setattr(network, "_KEPT_BYTES", int(1.5 * oldest.stat().st_size))
    asked(path, "bike")
    assert not oldest.exists() and len(list(folder.iterdir())) == 1
    # What does not fit at all is answered all the same.
    monkeypatch.setattr(network, "_KEPT_BYTES", 10)
    assert asked(path, "drive")[0] and not list(folder.iterdir())


def test_a_full_disk_costs_no_answer(cache, tmp_path, monkeypatch):
    folder, _ = cache
    path = town.write_street_city(tmp_path / "town") / "streets.osm.pbf"

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(network, "write_arrays", full)
    assert asked(path)[0] and not list(folder.iterdir())


def test_a_city_keeps_its_networks_until_its_streets_or_water_change(cache, tmp_path, monkeypatch):
    folder, _ = cache
    built, real = [], model.build_network
    monkeypatch.setattr(model, "build_network", lambda *a, **k: built.append(1) or real(*a, **k))
    city = town.write_street_city(tmp_path / "town")

    def covered():
        return up.City(city).coverage("hospitals", mode="walk", minutes=[5, 15]).to_csv()

    first = covered()
    assert covered() == first and len(built) == 1 and len(list(folder.iterdir())) == 1
    # What a scenario joins on is built for it alone.
    table = up.City(city).coverage("hospitals", mode="walk", minutes=5, opened=["new"])
    assert len(table) and len(built) == 2 and len(list(folder.iterdir())) == 1
    ways = read_osm(city / "streets.osm.pbf")
    write_osm(city / "streets.osm.pbf", wider(ways))
    assert covered() != first and len(built) == 3
