"""The searches against independent ones, on random graphs and on real streets."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

import streettown as town
from urbanplan import routing as tt
from urbanplan.catalog import load_catalog
from urbanplan.errors import InputError
from urbanplan.routing import build_graph, build_network
from urbanplan.sources.osm import read_osm


def ground(nodes: int, arcs) -> SimpleNamespace:
    tail, head, minutes = (np.array(c) for c in zip(*arcs)) if arcs else (np.zeros(0, int),) * 3
    return SimpleNamespace(graph=build_graph(nodes, tail, head, minutes.astype(float)))


def dense(nodes: int, arcs) -> np.ndarray:
    """All-pairs minutes by Floyd and Warshall, written out: it shares nothing with the engine."""
    table = np.full((nodes, nodes), np.inf)
    np.fill_diagonal(table, 0.0)
    for a, b, m in arcs:
        table[a, b] = min(table[a, b], m)
    for k in range(nodes):
        table = np.minimum(table, table[:, k : k + 1] + table[k : k + 1, :])
    return table


def square(table: pd.DataFrame, shape) -> np.ndarray:
    out = np.full(shape, np.inf)
    out[table["origin"], table["destination"]] = table["minutes"]
    return out


#: Zero-length arcs, loops, parallel arcs and lonely nodes all occur.
GRAPHS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.tuples(
                st.integers(0, n - 1),
                st.integers(0, n - 1),
                st.one_of(st.just(0.0), st.floats(0.001, 50), st.integers(1, 9).map(float)),
            ),
            max_size=160,
        ),
    )
)


@settings(max_examples=120)
@given(GRAPHS, st.data())
def test_equal_to_independent_searches_on_random_graphs(drawn, data):
    nodes, arcs = drawn
    some, truth = ground(nodes, arcs), dense(nodes, arcs)
    everybody = tt.at_nodes(some)
    for direction, expected in (("from", truth), ("to", truth.T)):
        table = tt.matrix(some, everybody, everybody, direction=direction)
        np.testing.assert_allclose(square(table, truth.shape), expected, rtol=1e-9, atol=1e-12)
    picked = data.draw(st.lists(st.integers(0, nodes - 1), min_size=1, max_size=5, unique=True))
    facilities = tt.at_nodes(some, picked)
    found = tt.nearest(some, facilities)
    np.testing.assert_allclose(found.minutes[:, 0], truth[:, picked].min(1), rtol=1e-9, atol=1e-12)
    away = tt.nearest(some, facilities, direction="from")
    np.testing.assert_allclose(away.minutes[:, 0], truth[picked].min(0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.at(everybody), found.minutes[:, 0])
    ranked = tt.nearest(some, facilities, ranks=3)
    wanted = np.sort(truth[:, picked], axis=1)[:, :3]
    np.testing.assert_allclose(ranked.minutes[:, : wanted.shape[1]], wanted, rtol=1e-9, atol=1e-12)
    for node in range(nodes):
        for rank, who in enumerate(ranked.facility[node]):
            minutes = ranked.minutes[node, rank]
            assert (who < 0) == np.isinf(minutes)
            if who >= 0:
                assert truth[node, picked[who]] == pytest.approx(minutes, rel=1e-9, abs=1e-12)
        known = [w for w in ranked.facility[node] if w >= 0]
        assert len(set(known)) == len(known)


@settings(max_examples=80)
@given(GRAPHS, st.data())
def test_sums_within_a_limit_are_those_of_the_matrix(drawn, data):
    nodes, arcs = drawn
    some, truth = ground(nodes, arcs), dense(nodes, arcs)
    people = np.array(data.draw(st.lists(st.integers(0, 9999), min_size=nodes, max_size=nodes)))
    limits = sorted(data.draw(st.sets(st.integers(1, 60), min_size=1, max_size=3)))
    everybody = tt.at_nodes(some)
    sums = tt.reach(some, everybody, everybody, people, limits)
    for k, limit in enumerate(limits):
        # A label within rounding of the limit could fall either way; none is drawn that near.
        sure = np.abs(truth - limit) > 1e-6
        low = ((truth <= limit) & sure) @ people
        high = ((truth <= limit) | ~sure) @ people
        assert ((low <= sums[:, k]) & (sums[:, k] <= high)).all()
    both = tt.reach(some, everybody, everybody, np.c_[people, people * 2], limits)
    np.testing.assert_array_equal(both[:, :, 0], sums)
    np.testing.assert_array_equal(both[:, :, 1], sums * 2)


def random_ground(nodes: int, seed: int = 3):
    rng = np.random.default_rng(seed)
    arcs = 3 * nodes
    tail = rng.integers(0, nodes, arcs)
    head = np.clip(tail + rng.integers(-40, 41, arcs), 0, nodes - 1)
    return SimpleNamespace(graph=build_graph(nodes, tail, head, rng.exponential(1.0, arcs)))


def test_equal_to_scipy_on_a_larger_graph_bit_for_bit():
    some = random_ground(6000)
    graph = town_scipy(some.graph)
    everybody, picked = tt.at_nodes(some), np.arange(0, 6000, 97)
    found = tt.nearest(some, tt.at_nodes(some, picked), direction="from").minutes[:, 0]
    np.testing.assert_array_equal(found, dijkstra(graph, indices=picked, min_only=True))
    for origins in (picked, np.arange(2000, 4000)):  # far apart, and side by side
        table = tt.matrix(some, tt.at_nodes(some, origins), everybody, limit_min=9.0)
        truth = dijkstra(graph, indices=origins, limit=9.0)
        np.testing.assert_array_equal(square(table, truth.shape), truth)


def town_scipy(graph):
    from scipy.sparse import csr_array

    return csr_array((graph.minutes, graph.to, graph.first), shape=(graph.nodes,) * 2)


def test_results_do_not_depend_on_threads_or_row_order():
    some = random_ground(3000)
    rng = np.random.default_rng(0)
    people = rng.random(3000) * 100  # fractions: sums must not feel their order
    everybody = tt.at_nodes(some)
    one = tt.reach(some, everybody, everybody, people, [2, 8], threads=1)
    many = tt.reach(some, everybody, everybody, people, [2, 8], threads=5)
    assert one.tobytes() == many.tobytes()
    order = rng.permutation(3000)
    mixed = tt.reach(
        some, tt.at_nodes(some, order), tt.at_nodes(some, order), people[order], [2, 8]
    )
    assert mixed.tobytes() == one[order].tobytes()
    truth = dijkstra(town_scipy(some.graph), indices=np.arange(50), limit=8)
    np.testing.assert_allclose(one[:50, 1], (truth <= 8) @ people, rtol=1e-12)
    tables = [
        tt.matrix(some, tt.at_nodes(some, order[:200]), everybody, limit_min=3, threads=t)
        for t in (1, 4)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_the_backward_graph_is_the_transpose():
    graph = random_ground(500).graph
    assert abs(town_scipy(graph.backward) - town_scipy(graph).T).max() == 0
    assert graph.backward.backward.arcs == graph.arcs


@pytest.mark.parametrize("minutes", [-1.0, np.nan])
def test_an_arc_that_takes_less_than_no_time_is_refused(minutes):
    with pytest.raises(InputError, match="less than no time"):
        build_graph(2, np.array([0]), np.array([1]), np.array([minutes]))


def test_bad_questions_are_refused():
    some = ground(3, [(0, 1, 1.0)])
    everybody = tt.at_nodes(some)
    with pytest.raises(InputError, match="direction"):
        tt.nearest(some, everybody, direction="up")
    with pytest.raises(InputError, match="ranks"):
        tt.nearest(some, everybody, ranks=0)
    for limits in ([], [5, 5], [9, 3], [0], [np.inf]):
        with pytest.raises(InputError, match="ascending"):
            tt.reach(some, everybody, everybody, np.ones(3), limits)
    with pytest.raises(InputError, match="finite"):
        tt.reach(some, everybody, everybody, [1, np.nan, 1], [5])
    with pytest.raises(InputError, match="one for each"):
        tt.reach(some, everybody, everybody, np.ones(2), [5])


def test_progress_is_told_and_a_stop_stops():
    some = random_ground(2000)
    everybody, told = tt.at_nodes(some), []
    tt.reach(some, everybody, everybody, np.ones(2000), [1], progress=lambda *n: told.append(n))
    assert told[-1] == (2000, 2000) and [d for d, _ in told] == sorted(d for d, _ in told)
    assert len(told) > 3

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tt.reach(some, everybody, everybody, np.ones(2000), [1], progress=stop)


# ---------------------------------------------------------------- places on edges


def cross() -> town.Network:
    """A street of four units from west to east, one of two units north from its middle."""
    return town.network(((0, 0), (2, 0), (4, 0)), ((2, 0), (2, 2)))


def test_places_stand_on_edges_and_pay_the_walk():
    net = cross()
    spots = town.places((1, 0.5), (2.25, 1), (9, 9), ids=["a", "b", "far"], network=net)
    placed = tt.place(net, spots, 250)
    assert list(placed.ids) == ["a", "b"] and placed.unplaced == ("far",)
    assert placed.moved_m == pytest.approx([50, 25], rel=1e-3)
    assert placed.beside_min == pytest.approx([0.5, 0.25], rel=1e-3)
    table = tt.matrix(net, placed, placed)
    minutes = square(table, (2, 2))
    # a: 0.5 beside, 1 along, then 1 up, 0.25 beside.
    assert minutes[0, 1] == pytest.approx(0.5 + 1 + 1 + 0.25, rel=1e-3)
    assert minutes[1, 0] == minutes[0, 1]


def test_two_places_on_one_edge_do_not_walk_round_by_its_ends():
    net = cross()
    pair = tt.place(net, town.places((0.5, 0), (1.5, 0), network=net), 50)
    assert square(tt.matrix(net, pair, pair), (2, 2))[0, 1] == pytest.approx(1, rel=1e-3)
    assert tt.nearest(net, pair.only(1)).at(pair) == pytest.approx([1, 0], rel=1e-3, abs=1e-9)
    assert tt.reach(net, pair, pair, np.ones(2), [0.9, 1.1]).tolist() == [[1, 2], [1, 2]]
    # The edge is entered at no end within the limit, yet its places see each other.
    assert len(tt.matrix(net, pair, pair, limit_min=0.4)) == 2
    near = tt.place(net, town.places((0.9, 0), (1.1, 0), network=net), 50)
    assert len(tt.matrix(net, near, near, limit_min=0.3)) == 4
    assert tt.reach(net, near, near, np.ones(2), [0.3]).tolist() == [[2], [2]]


def test_a_one_way_street_is_left_forwards_only():
    net = town.network(
        ((0, 0), (2, 0), {"oneway": "yes"}), ((2, 0), (2, 2)), ((2, 2), (0, 2)), ((0, 2), (0, 0))
    )
    pair = tt.place(net, town.places((0.5, 0), (1.5, 0), ids=["w", "e"], network=net), 50)
    minutes = square(tt.matrix(net, pair, pair), (2, 2))
    assert minutes[0, 1] == pytest.approx(1, rel=1e-3)
    assert minutes[1, 0] == pytest.approx(0.5 + 6 + 0.5, rel=1e-3)
    back = square(tt.matrix(net, pair, pair, direction="to"), (2, 2))
    np.testing.assert_allclose(back, minutes.T)
    to, away = tt.nearest(net, pair.only(1)), tt.nearest(net, pair.only(1), direction="from")
    assert to.at(pair)[0] == pytest.approx(1, rel=1e-3)
    assert away.at(pair)[0] == pytest.approx(7, rel=1e-3)
    assert tt.reach(net, pair, pair, np.ones(2), [2]).tolist() == [[2], [1]]
    assert tt.reach(net, pair, pair, np.ones(2), [2], direction="to").tolist() == [[1], [2]]


def test_a_place_at_the_end_of_a_one_way_street_uses_every_street_there():
    net = town.network(((0, 0), (2, 0), {"oneway": "yes"}), ((2, 0), (3, 0)), ((0, 0), (0, 1)))
    ends = tt.place(net, town.places((0, 0), (2, 0), (3, 0), (0, 1), network=net), 50)
    minutes = square(tt.matrix(net, ends, ends), (4, 4))
    assert minutes[1, 2] == pytest.approx(1, rel=1e-3) and minutes[0, 3] == pytest.approx(
        1, rel=1e-3
    )
    assert minutes[0, 2] == pytest.approx(3, rel=1e-3) and np.isinf(minutes[2, 0])


def test_a_polygon_is_entered_wherever_a_street_meets_it():
    net = cross()
    corners = town.places((2.5, -0.5), (5, -0.5), (5, 0.5), (2.5, 0.5), network=net).geometry
    park = town.places((0, 0), ids=["park"], network=net)
    park.loc[0, "geometry"] = type(corners.iloc[0].buffer(1))([p.coords[0] for p in corners])
    placed = tt.place(net, park, 250)
    assert len(placed) == 1 and len(placed.feature) > 2
    people = tt.place(net, town.places((2, 2), (2.2, 0), (3.5, 0), network=net), 50)
    # From the north two units down and half a unit on; on the same street straight along it; who is inside is there.
    assert tt.nearest(net, placed).at(people) == pytest.approx([2.5, 0.3, 0.0], abs=0.05)
    # A feature with several rows counts once, by the least of them, on either side of a sum.
    sums = tt.reach(net, placed, people, np.array([1, 10, 100]), [0.2, 1, 3])
    assert sums.tolist() == [[100, 110, 111]]
    sums = tt.reach(net, people, placed, np.array([7]), [0.2, 1, 3])
    assert sums.tolist() == [[0, 0, 7], [0, 7, 7], [7, 7, 7]]


def ring_town(**extra):
    """A block of 6 by 6 units, and 0.2 units inside it a parcel on every side; one home on each."""
    corners = ((0, 0), (6, 0), (6, 6), (0, 6), (0, 0))
    ways = [((x, 0), (x, 6)) for x in (-2, 8)] + [((-2, y), (0, y)) for y in (0, 6)]
    drawn = town.streets(corners, *ways, ((6, 0), (8, 0)))
    drawn = replace(drawn, **extra)
    net = build_network(drawn, town.MODE, crs=town.CRS)
    outline = town.places((0.2, 0.2), (5.8, 0.2), (5.8, 5.8), (0.2, 5.8), network=net).geometry
    parcel = town.places((0, 0), ids=["parcel"], network=net)
    parcel.loc[0, "geometry"] = shapely.Polygon([p.coords[0] for p in outline])
    homes = town.places((3, -0.1), (6.1, 3), (3, 6.1), (-0.1, 3), network=net)
    return net, parcel, tt.place(net, homes, 250)


def lines(*ways):
    flat = np.array([town.lonlat(*p) for way in ways for p in way])
    return {
        "fence_lonlat": flat,
        "fence_first": np.r_[0, np.cumsum([len(way) for way in ways])].astype(np.int64),
    }


def test_an_area_is_entered_from_every_street_at_its_kerb():
    net, parcel, homes = ring_town()
    placed = tt.place(net, parcel, 250)
    # 10 m to the street, and 20 m across it.
    assert tt.nearest(net, placed).at(homes) == pytest.approx([0.3] * 4, abs=0.03)
    assert tt.nearest(net, placed, direction="from").at(homes) == pytest.approx([0.3] * 4, abs=0.03)
    table = square(tt.matrix(net, homes, placed), (4, 1))
    assert table == pytest.approx(np.full((4, 1), 0.3), abs=0.03)
    assert tt.reach(net, placed, homes, np.ones(4), [0.29, 0.35]).tolist() == [[0, 4]]
    assert tt.reach(net, homes, placed, np.array([5]), [0.29, 0.35]).tolist() == [[0, 5]] * 4
    # Farther than a kerb, all that are about as far as the nearest are as good.
    parcel.geometry = parcel.geometry.buffer(-30, join_style="mitre")
    far = tt.nearest(net, tt.place(net, parcel, 250)).at(homes)
    assert far == pytest.approx([0.6] * 4, abs=0.02)
    assert tt.place(net, parcel, 40).unplaced == ("parcel",)


def test_a_street_that_ends_just_where_a_kerb_begins_is_one_way_in():
    net = town.network(((0, 0), (3, 0)), ((0, 0), (0, 3)))
    (x, y) = max(map(tuple, net.xy.tolist()))
    box = shapely.box(x + 25, y - 50, x + 100, y + 50)
    assert shapely.intersection(net.lines, box.buffer(25))[0].geom_type == "Point"
    parcel = town.places((0, 0), ids=["parcel"], network=net)
    parcel.loc[0, "geometry"] = box
    placed = tt.place(net, parcel, 250)
    assert placed.moved_m == pytest.approx([25.0] * len(placed.moved_m), abs=0.01)


FENCE = ((0.2, 0.2), (5.8, 0.2), (5.8, 5.8), (0.2, 5.8), (0.2, 0.2))


def test_fences_close_an_area_and_gates_open_it():
    # Fenced on three sides: everybody goes round to the west.
    net, parcel, homes = ring_town(**lines(FENCE[3::-1]))
    west = tt.nearest(net, tt.place(net, parcel, 250)).at(homes)
    # At the corners they step in slantwise.
    assert west == pytest.approx([0.1 + 3 + 0.1, 0.1 + 3 + 6 + 0.1, 0.1 + 3 + 0.1, 0.3], abs=0.1)
    # Fenced all round, with a gate in the east.
    gate = {"entrances": np.array([town.lonlat(5.8, 3), town.lonlat(3, 3)])}
    net, parcel, homes = ring_town(**lines(FENCE), **gate)
    east = tt.nearest(net, tt.place(net, parcel, 250)).at(homes)
    assert east == pytest.approx([0.1 + 6 + 0.2, 0.3, 0.1 + 6 + 0.2, 0.1 + 12 + 0.2], rel=1e-3)
    # Without any gate they get in somehow, as if there were no fence; and a gate without a fence closes nothing.
    net, parcel, homes = ring_town(**lines(FENCE))
    assert tt.nearest(net, tt.place(net, parcel, 250)).at(homes) == pytest.approx(
        [0.3] * 4, abs=0.03
    )
    net, parcel, homes = ring_town(**gate)
    assert tt.nearest(net, tt.place(net, parcel, 250)).at(homes) == pytest.approx(
        [0.3] * 4, abs=0.03
    )


def test_a_street_leads_through_a_fence():
    net, parcel, homes = ring_town(**lines(FENCE))
    drawn = town.streets(
        ((0, 0), (3, 0), (6, 0), (6, 6), (0, 6), (0, 0)), ((3, 0), (3, 1)), ((3, 1), (3, 2))
    )
    net = build_network(replace(drawn, **lines(FENCE)), town.MODE, crs=town.CRS)
    homes = tt.place(net, town.places((1, 0), (6, 3), (3, 1.5), network=net), 250)
    found = tt.nearest(net, tt.place(net, parcel, 250)).at(homes)
    assert found == pytest.approx([2 + 0.2, 6 + 0.2, 0.0], abs=0.06)


def test_two_islands_each_have_their_own():
    grid = [((x, y), (x + 1, y)) for x in range(3) for y in range(3)]
    grid += [((x, y), (x, y + 1)) for x in range(3) for y in range(3)]
    far = [tuple((x + 20, y) for x, y in way) for way in grid]
    net = town.network(*grid, *far)
    homes = tt.place(net, town.places((0.5, 0), (20.5, 0), (22, 1.5), network=net), 250)
    clinics = tt.place(net, town.places((0, 2), (20, 2), network=net), 250)
    assert tt.nearest(net, clinics).at(homes) == pytest.approx([2.5, 2.5, 2.5], rel=1e-3)
    pairs = tt.matrix(net, homes, clinics)
    assert list(zip(pairs["origin"], pairs["destination"])) == [(0, 0), (1, 1), (2, 1)]
    people = np.array([1, 10, 100])
    assert tt.reach(net, clinics, homes, people, [3]).tolist() == [[1], [110]]


def test_who_stands_beside_a_fragment_may_step_onto_the_next_street_too():
    # A path of 100 m that the map joins to nothing, 50 m from a long street.
    net = town.network(((0, 0), (12, 0)), ((1, 0.5), (2, 0.5)), ((6, 0), (6, 1)))
    homes = tt.place(net, town.places((1.25, 0.5), (1.75, 0.6), (3, 0.1), network=net), 250)
    at = tt.place(net, town.places((4, 0), (1.5, 0.5), network=net), 250)
    table = square(tt.matrix(net, homes, at), (3, 2))
    # Along the path to its own, over the grass to the street, and from the street to the path's.
    wanted = [[0.5 + 2.75, 0.25], [0.6 + 2.25, 0.1 + 0.25], [0.1 + 1, 0.1 + 1.5 + 0.5]]
    np.testing.assert_allclose(table, wanted, rtol=1e-3)
    # Each counts once, by the quickest of its ways.
    sums = tt.reach(net, homes, at, np.array([1, 10]), [0.3, 1.2, 3])
    assert sums.tolist() == [[10, 10, 10], [0, 10, 11], [0, 1, 11]]
    alone = tt.place(net, town.places((1.25, 0.5), network=net), 20)
    assert len(alone.feature) == 1


def test_ids_and_systems_are_checked():
    net = cross()
    with pytest.raises(InputError, match="'x' occurs twice"):
        tt.place(net, town.places((0, 0), (1, 0), ids=["x", "x"], network=net), 50)
    with pytest.raises(ValueError, match="reproject"):
        tt.place(net, town.places((0, 0), network=net).to_crs(4326), 50)


# ---------------------------------------------------------------- real streets


@pytest.fixture(scope="module")
def helsinki(helsinki_pbf):
    return read_osm(helsinki_pbf)


@pytest.mark.parametrize("mode", ["walk", "bike", "drive"])
def test_a_thousand_pairs_of_real_street_corners(helsinki, mode):
    # Private streets, forbidden turns and squares have tests of their own: test_turns.py, test_tags.py.
    way = load_catalog().mode(mode)
    way = replace(way, streets=replace(way.streets, own=(), turns=(), squares=False))
    plain = town.segments_of(helsinki, way)
    net = build_network(helsinki, way)
    number = {int(i): n for n, i in enumerate(helsinki.point_ids)}
    rng = np.random.default_rng(11)
    # A gate that stops the mode is a dead end for each street there: it has no one number.
    corners = [n for n, i in enumerate(net.node_ids) if number[int(i)] in plain]
    pairs = rng.choice(corners, (1000, 2))
    origins, ends = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
    table = tt.matrix(net, tt.at_nodes(net, origins), tt.at_nodes(net, ends))
    minutes = square(table, (len(origins), len(ends)))
    truth = {
        int(o): nx.single_source_dijkstra_path_length(
            plain, number[int(net.node_ids[o])], weight="minutes"
        )
        for o in origins
    }
    for o, d in pairs:
        expected = truth[int(o)].get(number[int(net.node_ids[d])], np.inf)
        ours = minutes[np.searchsorted(origins, o), np.searchsorted(ends, d)]
        assert ours == pytest.approx(expected, rel=2e-6, abs=1e-9)
    main, inner = np.zeros(net.nodes, bool), np.zeros(net.nodes, bool)
    main[net.tail[net.part == 0]] = main[net.head[net.part == 0]] = True
    assert np.isinf(minutes[np.ix_(main[origins], ~main[ends])]).all()
    # What one gets to and away from.
    whole = (net.part == 0) & net.joined.all(axis=1)
    inner[net.tail[whole]] = inner[net.head[whole]] = True
    assert np.isfinite(minutes[np.ix_(inner[origins], inner[ends])]).mean() > 0.9


def test_triangle_inequality_and_symmetry_on_real_streets(helsinki):
    net = build_network(helsinki, load_catalog().mode("walk"))
    some = tt.at_nodes(net, np.arange(0, net.nodes, net.nodes // 60))
    minutes = square(tt.matrix(net, some, some), (len(some),) * 2)
    np.testing.assert_allclose(minutes, minutes.T, rtol=1e-12)
    for k in range(len(some)):
        assert (minutes <= minutes[:, k : k + 1] + minutes[k : k + 1, :] + 1e-9).all()


def test_reach_of_places_beside_real_streets_is_that_of_the_matrix(helsinki):
    net = build_network(helsinki, load_catalog().mode("bike"))
    import geopandas as gpd

    rng = np.random.default_rng(5)
    low, high = net.xy.min(0), net.xy.max(0)
    xy = low + rng.random((700, 2)) * (high - low)
    frame = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(700)]}, geometry=gpd.points_from_xy(*xy.T), crs=net.crs
    )
    people = rng.integers(0, 100, 700)
    placed = tt.place(net, frame, 60)
    assert 100 < len(placed) < 700 and len(placed) + len(placed.unplaced) == 700
    amount = people[placed.ids.astype(int)]
    for direction in ("from", "to"):
        table = tt.matrix(net, placed, placed, limit_min=4, direction=direction)
        table["people"] = amount[table["destination"]]
        expected = table.groupby("origin")["people"].sum().reindex(range(len(placed)), fill_value=0)
        sums = tt.reach(net, placed, placed, amount, [4], direction=direction)
        np.testing.assert_array_equal(sums[:, 0], expected)
        assert set(zip(table["origin"], table["destination"])) >= {
            (i, i) for i in range(len(placed))
        }
    facilities = placed.of(np.arange(0, len(placed), 50))
    full = square(tt.matrix(net, placed, facilities), (len(placed), len(facilities)))
    np.testing.assert_allclose(tt.nearest(net, facilities).at(placed), full.min(1), rtol=1e-12)
