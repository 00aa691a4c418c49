"""Walking off the street is counted once: 0 to oneself, straight to who is nearer than the street."""

from __future__ import annotations

import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridtown
import streettown as town
import urbanplan as up
from urbanplan import routing as tt
from urbanplan import study
from urbanplan.catalog import load_catalog
from urbanplan.city.profile import load_city
from urbanplan.routing import network as networks
from urbanplan.sources import read_streets

#: A long street, and a motorway off it that stops halfway.
STREET = ((0, 0), (20, 0))
MOTORWAY = ((10, 0.5), (10, 3), {"highway": "motorway"})
#: Two homes 20 m apart, 150 m off the street: on foot 0.2 minutes straight, 3.2 over the street.
HOMES = ((9.9, 1.5), (10.1, 1.5))
DIRECTIONS = ("from", "to")


def between(net, *spots, **options) -> np.ndarray:
    """Minutes of every pair by the engine, which must say the same in each of its questions."""
    found = tt.place(net, town.places(*spots, network=net), 5000)
    return agreed(net, found, **options)


def agreed(ground, found, direction: str = "from") -> np.ndarray:
    count = len(found)
    table = tt.matrix(ground, found, found, direction=direction)
    minutes = np.full((count, count), np.inf)
    minutes[table["origin"], table["destination"]] = table["minutes"]
    turned = "to" if direction == "from" else "from"
    for one in range(count):
        single = found.only(one)
        for options in ({}, {"ranks": 1}):
            near = tt.nearest(ground, single, direction=turned, **options)
            np.testing.assert_allclose(near.at(found), minutes[:, one], rtol=1e-12, atol=1e-12)
        which, least = near.which(found)
        np.testing.assert_array_equal(which >= 0, np.isfinite(minutes[:, one]))
        np.testing.assert_array_equal(least, near.at(found))
    # A limit on the very minutes of a pair, and one below: nobody is lost, nobody counted twice.
    some = np.unique(minutes[np.isfinite(minutes) & (minutes > 1e-6)])
    limits = np.unique(np.r_[some[:: max(len(some) // 4, 1)], 0.05, 2.0])
    limits = limits[np.r_[True, np.diff(limits) > 1e-6]]
    people = 2.0 ** np.arange(count)
    sums = tt.reach(ground, found, found, people, limits, direction=direction)
    within = minutes[:, None, :] <= limits[:, None] + 1e-9
    np.testing.assert_allclose(sums, (within * people).sum(axis=2), rtol=1e-12)
    return minutes


def of_grid(text: str, *spots) -> tuple:
    ground = gridtown.surface_of(text)
    frame = gridtown.frame([str(i) for i in range(len(spots))], shapely.points(spots))
    return ground, tt.place(ground, frame, 5000)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("tags", [{}, {"oneway": "yes"}, {"access": "private"}])
def test_from_a_place_to_itself_is_nothing_on_streets(direction, tags):
    net = town.network((*STREET, tags), ((20, 0), (20, 9), (0, 9), (0, 0)))
    spots = [(0, 0), (5, 0), (5, 0.001), (5, 1.5), (7, 4.5), (20, 3), (21, -1)]
    assert (np.diag(between(net, *spots, direction=direction)) == 0).all()


@pytest.fixture(scope="module")
def real_streets(helsinki_pbf):
    return read_streets(helsinki_pbf)


@pytest.mark.parametrize("mode", ["walk", "drive"])
def test_from_a_place_to_itself_is_nothing_on_real_streets(real_streets, mode):
    net = tt.build_network(real_streets, load_catalog().mode(mode))
    rng = np.random.default_rng(1)
    low, high = np.percentile(net.xy, [20, 80], axis=0)
    spots = shapely.points(np.r_[rng.uniform(low, high, (100, 2)), net.vertex_xy[:100]])
    areas = shapely.buffer(shapely.points(rng.uniform(low, high, (10, 2))), 30)
    frame = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(210)]}, geometry=[*spots, *areas], crs=net.crs
    )
    placed = [tt.place(net, frame, 500, beside=beside) for beside in (False, True)]
    for direction, found in itertools.product(DIRECTIONS, placed):
        assert len(found) > 200
        table = tt.matrix(net, found, found, limit_min=1, direction=direction)
        own = table[table["origin"] == table["destination"]]
        assert len(own) == len(found) and (own["minutes"] == 0).all()
        assert (tt.nearest(net, found, direction=direction).at(found) == 0).all()
        which, least = tt.nearest(net, found, direction=direction, ranks=1).which(found)
        assert (which >= 0).all() and (least == 0).all()
        ones = tt.reach(net, found, found, np.ones(len(found)), [1e-6], direction=direction)
        assert (ones >= 1).all()


def test_from_a_place_to_itself_is_nothing_on_a_surface():
    wet = gridtown.centre(3, 2)
    ground, found = of_grid(gridtown.TOWN, gridtown.centre(0, 0), wet, (wet[0] + 20, wet[1]))
    assert found.moved_m[1] > 0
    minutes = agreed(ground, found)
    assert (np.diag(minutes) == 0).all()
    # Both are in the river: nobody walks over water, so it is by the bank as before.
    assert minutes[1, 2] == pytest.approx(found.beside_min[1:].sum() + 0.0)


def test_two_homes_nearer_to_each_other_than_to_the_street_are_a_straight_walk_apart():
    minutes = between(town.network(STREET), *HOMES)
    assert minutes[0, 1] == pytest.approx(0.2, rel=1e-3) and minutes[1, 0] == minutes[0, 1]
    # Beyond what both walk to the street, the street is the way.
    apart = between(town.network(STREET), (5, 1.5), (9, 1.5))
    assert apart[0, 1] == pytest.approx(1.5 + 4 + 1.5, rel=1e-3)


@pytest.mark.parametrize(
    ("wall", "parts"),
    [
        (MOTORWAY, True),
        ((*MOTORWAY[:2], {"highway": "motorway_link"}), True),
        ((*MOTORWAY[:2], {"highway": "trunk", "motorroad": "yes"}), True),
        ((*MOTORWAY[:2], {"highway": "motorway", "tunnel": "yes"}), False),
        ((*MOTORWAY[:2], {"highway": "motorway", "bridge": "yes"}), False),
        (((10, 0.5), (10, 1.4), {"highway": "motorway"}), False),
    ],
)
def test_a_motorway_between_them_leads_over_the_street(tmp_path, wall, parts):
    net = town.network(STREET, wall)
    expected = pytest.approx(3.2 if parts else 0.2, rel=1e-3)
    assert between(net, *HOMES)[0, 1] == expected
    stored = networks.load(networks.save(net, tmp_path / "net.npz"))
    assert between(stored, *HOMES)[0, 1] == expected


def test_a_river_or_a_fence_between_them_leads_over_the_street(tmp_path):
    dry = town.network(STREET)
    bank = town.places((9.99, 0.5), (10.01, 3), network=dry).total_bounds
    for net in (
        replace(dry, water=shapely.box(*bank)),
        replace(dry, water=shapely.MultiPolygon([shapely.box(*bank)])),
        replace(dry, fence_xy=bank.reshape(2, 2), fence_first=np.array([0, 2])),
    ):
        assert between(net, *HOMES)[0, 1] == pytest.approx(3.2, rel=1e-3)
        stored = networks.load(networks.save(net, tmp_path / "net.npz"))
        assert between(stored, *HOMES)[0, 1] == pytest.approx(3.2, rel=1e-3)
        # On one bank, and for who stands on it, nothing is between.
        assert between(net, (9, 1.5), (9.5, 1.5))[0, 1] == pytest.approx(0.5, rel=1e-3)


def test_a_city_knows_its_water(tmp_path):
    from townfolder import write_layer

    folder = town.write_street_city(tmp_path / "town")
    homes = [(105.4100, 28.9105), (105.4106, 28.9105)]  # 170 m north of the street, 58 m apart
    minutes = {}
    for name in ("dry", "wet"):
        city = up.City(folder)
        table = city.matrix(homes, homes, mode="walk", snap_m=500)
        minutes[name] = table.set_index(["origin", "destination"])["minutes"]
        bank = gpd.GeoSeries([shapely.box(105.41028, 28.9095, 105.41032, 28.9118)], crs=4326)
        write_layer(folder, "water", [("w", bank.to_crs("EPSG:4544").iloc[0], {})])
    assert minutes["dry"][0, 1] == pytest.approx(58.5 / 1000 * 12, rel=0.02)
    assert minutes["wet"][0, 1] == pytest.approx((2 * 166 + 58.5) / 1000 * 12, rel=0.02)
    ready = study.prepare(load_city(folder))
    assert ready.ways(load_catalog().mode("walk")).ground.water.equals(ready.ground.barrier)


def lonlat_streets(*ways) -> up.Streets:
    lines = [shapely.LineString([town.lonlat(*p) for p in way]) for way in ways]
    return up.Streets(gpd.GeoDataFrame(geometry=lines, crs=4326))


def test_every_question_of_streets_obeys_it():
    streets = lonlat_streets(STREET)
    home, clinic = (
        gpd.GeoDataFrame(
            {"id": [n], "people": [10], "doctors": [2]},
            geometry=[shapely.Point(town.lonlat(*p))],
            crs=4326,
        )
        for n, p in zip("hc", HOMES)
    )
    asked = {"demand": home, "value": "people", "snap_m": 500}
    straight = pytest.approx(0.24, rel=1e-2)  # 20 m at 5 km/h
    assert streets.matrix(home, clinic, minutes=1, snap_m=500)["minutes"].tolist() == [straight]
    assert streets.nearest(home, clinic, snap_m=500)["minutes"].tolist() == [straight]
    assert streets.reach(clinic, minutes=1, **asked)["people_1min"].tolist() == [10]
    assert streets.coverage(clinic, minutes=1, **asked)["share"].tolist() == [1.0]
    assert streets.coverage(clinic, minutes=1, rank=1, **asked)["share"].tolist() == [1.0]
    table = streets.access(clinic, capacity="doctors", minutes=1, method="2sfca", **asked)
    assert table["access"].iloc[0] > 0
    assert streets.site(clinic, p=1, minutes=1, **asked)["persons_new"].tolist() == [10]
    (shape,) = streets.isochrones(clinic, minutes=1, snap_m=500).geometry
    assert shape.covers(home.geometry.iloc[0])


SPOT = st.tuples(st.floats(-1, 7), st.floats(-1, 7))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SPOT, min_size=2, max_size=14),
    st.lists(st.tuples(SPOT, SPOT), max_size=2),
    st.lists(SPOT, max_size=2),
    st.sampled_from(DIRECTIONS),
    st.booleans(),
    st.permutations(range(14)),
)
def test_minutes_are_the_lesser_of_network_and_straight_walk(
    spots, roads, ponds, direction, oneway, order
):
    """Against every pair met with shapely, one by one; whoever shares the batch, in any order."""
    net = town.network(
        ((0, 0), (6, 0), {"oneway": "yes"} if oneway else {}),
        ((0, 0), (0, 6)),
        ((0, 6), (3, 6)),
        *((*r, {"highway": "motorway"}) for r in roads if r[0] != r[1]),
    )
    water = shapely.union_all([p.buffer(40) for p in town.places(*ponds, network=net).geometry]) if ponds else None  # fmt: skip
    net = replace(net, water=water)
    found = tt.place(net, town.places(*spots, network=net), 5000)
    by_street = tables(net, replace(found, moved_m=np.zeros(len(found))), direction)
    expected = np.minimum(by_street, naive(net, found))
    ours = agreed(net, found, direction)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    outside = expected == by_street
    np.testing.assert_array_equal(ours[outside], by_street[outside])
    rows = [i for i in order if i < len(spots)]
    np.testing.assert_array_equal(tables(net, found.of(np.sort(rows)), direction), ours)
    again = tt.place(net, town.places(*(spots[i] for i in rows), network=net), 5000)
    np.testing.assert_array_equal(tables(net, again, direction), ours[np.ix_(rows, rows)])
    if not oneway:
        # The same way back, but for the order of its sum; a straight walk to the bit.
        np.testing.assert_allclose(ours, ours.T, rtol=1e-12, atol=1e-9)
        np.testing.assert_array_equal(ours[~outside], ours.T[~outside])


def tables(net, found, direction) -> np.ndarray:
    table = tt.matrix(net, found, found, direction=direction)
    minutes = np.full((len(found), len(found)), np.inf)
    minutes[table["origin"], table["destination"]] = table["minutes"]
    return minutes


def naive(net, found) -> np.ndarray:
    """The straight walk of every pair that may take it, infinity for the others."""
    ends = [shapely.Point(xy) for xy in found.xy]
    street = shapely.union_all(net.lines)
    off = [p.distance(street) for p in ends]
    row = np.repeat(np.arange(len(net.motorway_first) - 1), np.diff(net.motorway_first))
    walls = list(shapely.linestrings(net.motorway_xy, indices=row))
    out = np.full((len(ends), len(ends)), np.inf)
    for i, a in enumerate(ends):
        for j, b in enumerate(ends):
            line, apart = shapely.LineString([a, b]), a.distance(b)
            shut = any(line.crosses(w) or line.overlaps(w) or line.within(w) for w in walls)
            if net.water is not None and (line & net.water).length > 0:
                shut = True
            if apart == 0 or (apart < off[i] + off[j] - 1e-3 and not shut):
                out[i, j] = apart * net.mode.streets.off_street_min_per_m
    return out


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("limit", [1.0, 4.0, 9.0])
def test_the_isochrone_of_a_place_contains_whom_reach_counts(direction, limit):
    cell = 5.0
    net = town.network(
        ((0, 0), (10, 0), (20, 0)), ((10, 0), (10, 6)), ((4, 0), (4, 9), {"highway": "motorway"})
    )
    bank = town.places((2, 0.2), (8, 0.6), network=net).total_bounds
    net = replace(net, water=shapely.box(*bank))
    rng = np.random.default_rng(3)
    spots = rng.uniform([1, -3], [19, 5], (400, 2))
    people = tt.place(net, town.places(*spots, network=net), 5000)
    near = people.of(np.flatnonzero(people.moved_m <= net.mode.streets.off_street_m))
    at = shapely.points(near.xy)
    for start in ((6, 1.5), (10.5, 2), (15, -2.6), (12, 0.3)):
        place = tt.place(net, town.places(start, network=net), 5000)
        table = tt.matrix(net, place, near, limit_min=limit, direction=direction)
        (count,) = tt.reach(net, place, near, np.ones(len(near)), [limit], direction=direction)
        assert count == len(table)
        (shape,) = tt.isochrones(net, place, [limit], direction=direction, cell_m=cell)[0]
        counted = at[table["destination"]]
        assert (shapely.distance(shape, counted) <= 1.5 * cell).all()
        # Nor does it promise more: who is within a cell of its middle is counted a cell later.
        later = tt.matrix(net, place, near, limit_min=limit + 2 * cell / 100, direction=direction)
        rest = np.setdiff1d(np.arange(len(near)), later["destination"])
        rest = rest[np.hypot(*(near.xy[rest] - place.xy[0]).T) > 50 + cell]
        assert not shapely.covers(shape.buffer(-1.5 * cell), at[rest]).any()


def test_the_isochrone_stops_where_the_straight_walk_does():
    net = town.network(STREET)
    bank = town.places((2, 1), (18, 1.2), network=net).total_bounds
    wet = replace(net, water=shapely.box(*bank))
    place = [tt.place(n, town.places((10, 2), network=n), 5000) for n in (net, wet)]
    (dry,), (by_bank,) = (tt.isochrones(n, p, [1.9])[0] for n, p in zip((net, wet), place))
    across = town.places((10, 0.5), network=net).geometry.iloc[0]
    assert dry.covers(across) and not by_bank.covers(across)
    assert by_bank.covers(town.places((10, 2.4), network=net).geometry.iloc[0])
