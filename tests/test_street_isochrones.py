"""Isochrones on streets: exact to the edge, nested, with their holes, and like a drawn one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import streettown as town
from urbanplan import routing as tt
from urbanplan.catalog import load_catalog
from urbanplan.errors import InputError
from urbanplan.routing import build_network
from urbanplan.sources.osm import read_osm

#: Metres per minute, on the street and beside it.
PACE_M = 100.0


def isochrones(net, spot, limits, **options):
    placed = tt.place(net, town.places(spot, network=net), 1000)
    return tt.isochrones(net, placed, limits, **options)[0]


def capsule_m2(length: float, width: float) -> float:
    return 2 * width * length + np.pi * width**2


def test_a_straight_street_ends_where_the_minutes_end():
    net = town.network(((0, 0), (10, 0)))
    (shape,) = isochrones(net, (5, 0), [2.0], cell_m=5)
    west, south, east, north = shape.bounds
    middle = town.places((5, 0), network=net).geometry.iloc[0]
    # Two minutes are 200 m of street each way; the grid cuts half a cell off a tip.
    assert (east - middle.x, middle.x - west) == pytest.approx((200, 200), abs=3)
    assert (north - middle.y, middle.y - south) == pytest.approx((50, 50), abs=1.5)
    # Whoever steps off 50 m before the end gets 50 m in every direction.
    assert shape.area == pytest.approx(capsule_m2(300, 50), rel=0.01)


def test_beside_the_street_it_is_walking_time_not_a_buffer():
    net = town.network(((0, 0), (10, 0)))
    (short,) = isochrones(net, (5, 0), [0.2], cell_m=2)
    # With 20 m to go it is the disc of 20 m, on the street and beside it.
    assert short.area == pytest.approx(np.pi * 20**2, rel=0.03)


def test_an_end_of_a_street_is_rounded_and_a_gap_is_kept():
    net = town.network(((0, 0), (1, 0)))
    (shape,) = isochrones(net, (0, 0), [30.0], cell_m=4)
    assert shape.area == pytest.approx(capsule_m2(100, 50), rel=0.01)
    ring = town.network(((0, 0), (4, 0), (4, 4), (0, 4), (0, 0)))
    (shape,) = isochrones(ring, (0, 0), [30.0], cell_m=10)
    assert len(shape.geoms) == 1 and len(shape.geoms[0].interiors) == 1
    outer = 400 * 400 + 4 * 400 * 50 + np.pi * 50**2
    assert shape.area == pytest.approx(outer - 300 * 300, rel=0.01)


def test_a_place_off_the_street_is_inside_its_own_isochrone():
    net = town.network(((0, 0), (10, 0)))
    (shape,) = isochrones(net, (5, 0.4), [1.0], cell_m=5)
    spot = town.places((5, 0.4), network=net).geometry.iloc[0]
    assert shape.covers(spot)
    # 0.4 minutes to the street leave 0.6 along it.
    line = shape.intersection(shapely.LineString(net.vertex_xy))
    assert line.length == pytest.approx(120, abs=6)


def test_one_way_streets_differ_by_direction():
    net = town.network(((0, 0), (10, 0), {"oneway": "yes"}))
    middle = town.places((5, 0), network=net).geometry.iloc[0]
    (out,) = isochrones(net, (5, 0), [3.0], cell_m=5)
    (back,) = isochrones(net, (5, 0), [3.0], cell_m=5, direction="to")
    assert out.bounds[2] - middle.x == pytest.approx(300, abs=3)
    assert middle.x - out.bounds[0] == pytest.approx(50, abs=2)
    assert back.bounds[2] - middle.x == pytest.approx(50, abs=2)
    assert middle.x - back.bounds[0] == pytest.approx(300, abs=3)


def test_nobody_gets_on_or_off_a_motorway_between_its_nodes():
    drive = load_catalog().mode("drive")
    fast = ((0, 0), (1, 0), (9, 0), (10, 0), {"highway": "motorway", "oneway": "no"})
    ends = [((0, 0), (0, 3)), ((10, 0), (10, 3)), ((0, 3), (10, 3))]
    net = town.network(fast, *ends, mode=drive)
    # Fifty metres from the motorway, 250 m from the street: it is the street that people use.
    home = tt.place(net, town.places((5, 0.5), network=net), 300)
    assert home.moved_m[0] == pytest.approx(250, rel=1e-3) and not net.through[home.edge[0]]
    assert net.through.sum() == 1 and net.edges == 2
    assert tt.place(net, town.places((5, 0.5), network=net), 200).unplaced == ("p0",)
    start = tt.place(net, town.places((0, 2), network=net), 50)
    ((shape,),) = tt.isochrones(net, start, [5.0], cell_m=5)
    middle = town.places((5, 0), (0, 1), (10, 1), network=net).geometry
    assert shapely.covers(shape, middle.values).tolist() == [False, True, True]


def test_the_way_round_meets_in_the_middle_of_an_edge():
    # A ring of 12 minutes: from a corner everything is within 6, and 5.5 leave a gap of 100 m.
    ring = town.network(((0, 0), (3, 0), (3, 3), (0, 3), (0, 0)))
    (most,) = isochrones(ring, (0, 0), [5.5], cell_m=4)
    street = shapely.linestrings(ring.vertex_xy)
    assert street.difference(most).length == pytest.approx(100, abs=4)
    assert shapely.union_all(ring.lines).difference(isochrones(ring, (0, 0), [6.1])[0]).is_empty


def test_limits_and_cells_are_checked():
    net = town.network(((0, 0), (10, 0)))
    for limits in ([], [5, 2], [0]):
        with pytest.raises(InputError, match="ascending"):
            isochrones(net, (5, 0), limits)
    with pytest.raises(InputError, match="larger cell"):
        isochrones(net, (5, 0), [5.0], cell_m=0.01)


def test_streets_far_apart_are_drawn_as_finely_as_one():
    # Two islands, a hospital each, 140 km apart: one grid over both would have 1.6 billion points.
    net = town.network(((0, 0), (10, 0)), ((1000, 1000), (1010, 1000)))
    both = tt.place(net, town.places((5, 0), (1005, 1000), network=net), 1000)
    for options in ({"cell_m": 2.5}, {}):
        short, long = tt.isochrones(net, both, [2.0, 4.0], together=True, **options)[0]
        assert len(short.geoms) == 2 and long.buffer(1e-6).covers(short)
        assert [p.area for p in short.geoms] == pytest.approx([capsule_m2(300, 50)] * 2, rel=0.01)


SPOT = st.tuples(st.integers(0, 6), st.integers(0, 6))


@settings(max_examples=40)
@given(
    st.lists(st.lists(SPOT, min_size=2, max_size=5, unique=True), min_size=1, max_size=12),
    st.tuples(st.floats(0, 6), st.floats(0, 6)),
    st.sampled_from(["from", "to"]),
)
def test_valid_nested_and_never_shorter_than_the_streets(ways, spot, direction):
    net = town.network(*[tuple(w) for w in ways])
    bands = isochrones(net, spot, [2, 5, 9], direction=direction)
    cell = 5.0
    placed = tt.place(net, town.places(spot, network=net), 1000)
    minutes = tt.nearest(net, placed, direction=direction).minutes[:, 0]
    for small, large in zip(bands, bands[1:]):
        assert small.difference(large).area < 1e-6  # rounding of common outlines
    for limit, shape in zip([2, 5, 9], bands):
        assert shape.is_valid
        for part in shape.geoms:
            assert part.area >= 0.25 * cell**2
            assert all(shapely.Polygon(r).area >= 0.25 * cell**2 for r in part.interiors)
        # Corners well within the limit are in it ...
        inside = np.flatnonzero(minutes <= limit - 0.2)
        assert shapely.covers(shape, shapely.points(net.xy[inside])).all()
        # ... and nothing is that lies farther from every reached street than one may walk.
        ends = (minutes[net.tail] <= limit) | (minutes[net.head] <= limit)
        ends[placed.edge] = True
        # Land beside a street may be nearer straight over the land than over streets.
        ends |= shapely.distance(net.lines, shapely.points(placed.xy[0])) <= limit * PACE_M + 50
        near = shapely.union_all([*net.lines[ends], *shapely.points(placed.xy)])
        assert shape.difference(near.buffer(50 + 1.5 * cell)).area == 0


def drawn_m(net, placed, limit: float, step_m: float = 4.0):
    """The same area drawn by hand: every reached piece of street buffered by the walk left over."""
    rules = net.mode.streets
    minutes = tt.nearest(net, placed, direction="from").minutes[:, 0]
    shapes = []
    for e in range(net.edges):
        here = slice(net.bend[e], net.bend[e + 1])
        xy, spent = net.vertex_xy[here], net.spent[here]
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
        at = np.linspace(0, along[-1], max(2, int(along[-1] / step_m) + 1))
        tail = minutes[net.tail[e]] + np.interp(at, along, spent[:, 0])
        head = minutes[net.head[e]] + spent[-1, 1] - np.interp(at, along, spent[:, 1])
        left = limit - np.minimum(tail, head)
        if not (left > 0).any():
            continue
        points = np.c_[np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])]
        width = np.minimum(left / rules.off_street_min_per_m, rules.off_street_m)
        for i in np.flatnonzero(left[:-1] + left[1:] > 0):
            shapes.append(
                shapely.LineString(points[i : i + 2]).buffer(
                    max((width[i] + width[i + 1]) / 2, 0.01)
                )
            )
    return shapely.union_all(shapes)


@pytest.fixture(scope="module")
def helsinki(helsinki_pbf):
    return build_network(read_osm(helsinki_pbf), load_catalog().mode("walk"))


@pytest.mark.parametrize("limit", [5.0, 10.0])
def test_like_the_exact_buffered_edges_on_real_streets(helsinki, limit):
    middle = helsinki.xy[np.argmin(np.hypot(*(helsinki.xy - np.median(helsinki.xy, 0)).T))]
    placed = tt.at_nodes(helsinki, [int(np.flatnonzero((helsinki.xy == middle).all(1))[0])])
    exact = drawn_m(helsinki, placed, limit)
    for cell, least in ((None, 0.97), (5.0, 0.985)):
        ((ours,),) = tt.isochrones(helsinki, placed, [limit], cell_m=cell)
        overlap = ours.intersection(exact).area / ours.union(exact).area
        assert overlap >= least, (cell, overlap)


def test_a_wider_walk_beside_the_street_is_a_larger_area(helsinki):
    wide = replace(
        helsinki,
        mode=replace(helsinki.mode, streets=replace(helsinki.mode.streets, off_street_m=100.0)),
    )
    placed = tt.at_nodes(helsinki, [1000])
    ((narrow,),), ((wider,),) = (tt.isochrones(n, placed, [6]) for n in (helsinki, wide))
    assert wider.covers(narrow.buffer(-1)) and wider.area > 1.1 * narrow.area
