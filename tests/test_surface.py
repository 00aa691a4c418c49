"""Minutes over land: from arithmetic, an independent search, and what must always hold."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridtown as town
from townfolder import write_town
from urbanplan import study
from urbanplan.catalog import LandSpeed, Mode, load_catalog
from urbanplan.city.profile import load_city
from urbanplan.errors import InputError
from urbanplan.routing import build_graph, isochrones, nearest, place, service_areas
from urbanplan.routing.isochrones import margin_min
from urbanplan.routing.surface import build_ground, build_surface

DIAGONAL = 2**0.5


def minutes_in(text=town.TOWN, **options):
    surface = town.surface_of(text, **options)
    return surface, town.minutes_from(surface, town.facilities_of(text), 1000)


def test_minutes_on_the_grid_town_are_arithmetic():
    _, minutes = minutes_in()
    assert minutes[1, 1] == 0
    assert minutes[1, 7] == pytest.approx(0.6)  # six cells of road at 60 km/h
    assert minutes[0, 1] == pytest.approx(1.0)  # one cell of land
    assert minutes[0, 8] == pytest.approx(0.6 + DIAGONAL)  # road, then a diagonal
    assert minutes[2, 5] == pytest.approx(0.4 + 1.0)  # road, then off it to the bridge head
    assert minutes[4, 5] == pytest.approx(1.4 + 0.2)  # 200 m of bridge at 60 km/h
    assert minutes[5, 7] == pytest.approx(1.6 + 1.0 + 0.2)  # land, then two cells of road
    assert np.isnan(minutes[3]).all()  # nobody stands in the river


def test_without_the_bridge_the_far_bank_is_out_of_reach():
    _, minutes = minutes_in(bridges=False)
    assert np.isinf(minutes[4:]).all() and np.isfinite(minutes[:3]).all()


THREE_ROWS = "....\n....\n....\n"


@pytest.mark.parametrize("neighbours", [8, 16])
def test_a_river_narrower_than_a_cell_still_stops_everybody(neighbours):
    x, y = town.centre(1, 0)
    brook = shapely.LineString([(x - 50, y + 50), (x + 350, y + 50)]).buffer(2, cap_style="flat")
    ground = town.ground_of(THREE_ROWS, water=brook, neighbours=neighbours)
    assert ground.passable.all()  # no cell is lost to the brook: only the steps know of it
    minutes = town.minutes_from(town.roadless(ground), town.spot(0, 0))
    assert np.isfinite(minutes[0]).all() and np.isinf(minutes[1:]).all()


@pytest.mark.parametrize("neighbours", [8, 16])
def test_no_diagonal_step_between_two_waters(neighbours):
    surface = town.surface_of("..~~\n..~~\n~~..\n~~..\n", neighbours=neighbours)
    assert np.isinf(town.minutes_from(surface, town.spot(0, 0))[2:, 2:]).all()


def limited_town(second_class: str, shared: bool):
    """A limited-access road past everything, and a side street that may or may not join it."""
    middle = town.centre(1, 4)
    fast = (
        [town.centre(1, 0), middle, town.centre(1, 8)]
        if shared
        else [town.centre(1, 0), town.centre(1, 8)]
    )
    side = [middle, town.centre(4, 4)]
    roads = town.frame(
        ["fast", "side"],
        [shapely.LineString(fast), shapely.LineString(side)],
        **{"class": [second_class, "primary"]},
        speed_kmh=[60.0, 60.0],
    )
    text = "\n".join(["." * 9] * 5) + "\n"
    surface = build_surface(town.ground_of(text), town.MODE, roads, roads.iloc[:0])
    return town.minutes_from(surface, town.spot(4, 4))


def test_limited_access_roads_are_entered_only_at_shared_vertices():
    open_road = limited_town("primary", shared=True)
    assert open_road[1, 0] == pytest.approx(0.3 + 0.4)  # turned onto it, and left it at its end
    apart = limited_town("expressway", shared=False)
    assert apart[1, 0] == pytest.approx(min(0.3 + 4, 0.2 + DIAGONAL + 3, 0.1 + 2 * DIAGONAL + 2))
    joined = limited_town("expressway", shared=True)
    # Its far end meets no other road, so nobody gets off there either.
    assert joined[1, 0] == pytest.approx(apart[1, 0])


def expressway_town(**lines):
    """Named lines on a plain 6 by 11 town; `fast` is an expressway, the others are streets."""
    return town.frame(
        lines,
        [shapely.LineString([town.centre(*p) for p in points]) for points in lines.values()],
        **{"class": ["expressway" if name == "fast" else "primary" for name in lines]},
        speed_kmh=[60.0] * len(lines),
    )


def test_an_expressway_is_used_between_its_interchanges():
    roads = expressway_town(on=[(3, 0), (1, 0)], fast=[(1, 0), (1, 10)], off=[(1, 10), (3, 10)])
    surface = build_surface(town.ground_of(PLAIN), town.MODE, roads, roads.iloc[:0])
    minutes = town.minutes_from(surface, town.spot(3, 0))
    assert minutes[3, 10] == pytest.approx(0.2 + 1.0 + 0.2)
    assert minutes[1, 5] == pytest.approx(0.2 + 5)  # nobody gets off half way


def test_an_expressway_bridge_is_entered_from_roads_only():
    bridge = expressway_town(fast=[(2, 5), (4, 5)])
    for roads, reached in (
        (expressway_town(a=[(2, 1), (2, 4)]), False),
        (expressway_town(a=[(2, 1), (2, 5)], b=[(4, 5), (4, 6)]), True),
    ):
        surface = build_surface(town.ground_of(), town.MODE, roads, bridge)
        minutes = town.minutes_from(surface, town.spot(2, 5))
        assert np.isfinite(minutes[4, 6]) == reached
        assert not reached or minutes[4, 6] == pytest.approx(0.2 + 0.1)


def test_a_road_that_is_no_line_is_refused():
    roads = town.roads_of(town.TOWN)
    roads.loc[0, "geometry"] = town.cell_box(1, 1)
    with pytest.raises(InputError, match=r"road0.*no line"):
        build_surface(town.ground_of(), town.MODE, roads, roads.iloc[:0])


def brook_town():
    """Three rows of land; a brook of 4 m through the middle row leaves its centres on the south."""
    x, y = town.centre(1, 0)
    ground = town.ground_of(THREE_ROWS, water=shapely.box(x - 50, y + 20, x + 350, y + 24))
    assert ground.passable.all()  # no cell is lost to the brook: its row is land on both banks
    return ground, x, y


@pytest.mark.parametrize("shape", ["point", "park"])
def test_nothing_starts_on_the_other_bank_of_a_brook(shape):
    ground, x, y = brook_town()
    spot = shapely.Point(x, y + 40) if shape == "point" else shapely.box(x - 40, y + 24, x, y + 60)
    minutes = town.minutes_from(town.roadless(ground), town.frame(["a"], [spot]), 500)
    assert minutes[0, 0] == pytest.approx(0.6 if shape == "point" else 0)
    assert np.isinf(minutes[1:]).all()


def test_a_road_drawn_through_the_river_is_no_crossing():
    roads = town.roads_of(town.TOWN)
    ford = town.frame(
        ["ford"],
        [shapely.LineString([town.centre(2, 8), town.centre(4, 8)])],
        **{"class": ["primary"]},
        speed_kmh=[60.0],
    )
    both = pd.concat([roads, ford], ignore_index=True)
    surface = build_surface(town.ground_of(), town.MODE, both, roads.iloc[:0])
    minutes = town.minutes_from(surface, town.facilities_of())
    assert np.isinf(minutes[4:]).all() and minutes[2, 8] == pytest.approx(0.6 + DIAGONAL)


def test_bridges_are_entered_at_their_heads_only():
    # A bridge from row 1 to row 5 passes over land in rows 2 and 4: no way on or off there.
    bridge = town.frame(
        ["b"],
        [shapely.LineString([town.centre(1, 9), town.centre(5, 9)])],
        **{"class": ["primary"]},
        speed_kmh=[60.0],
    )
    surface = build_surface(town.ground_of(), town.MODE, bridge.iloc[:0], bridge)
    minutes = town.minutes_from(surface, town.spot(2, 9))
    assert minutes[5, 9] == pytest.approx(1 + 0.4) and minutes[4, 9] == pytest.approx(1.4 + 1)


def test_a_road_beside_a_brook_is_not_joined_to_the_other_bank():
    # Brook and road run through the same row of cells: the road on its north, centres on its south.
    ground, x, y = brook_town()
    road = town.frame(
        ["r"],
        [shapely.LineString([(x, y + 40), (x + 300, y + 40), town.centre(0, 3)])],
        **{"class": ["primary"]},
        speed_kmh=[60.0],
    )
    surface = build_surface(ground, town.MODE, road, road.iloc[:0])
    minutes = town.minutes_from(surface, town.spot(0, 3))
    assert np.isfinite(minutes[0]).all() and np.isinf(minutes[1:]).all()


def test_forbidden_classes_are_not_used():
    mode = Mode("w", "步行", "walk", LandSpeed(6, 1), LandSpeed(6, 1), "posted", ("primary",), "x")
    _, minutes = minutes_in(mode=mode, bridges=False)
    assert minutes[1, 7] == pytest.approx(6.0)


def test_a_road_without_speed_is_refused():
    roads = town.roads_of(town.TOWN)
    roads["speed_kmh"] = np.nan
    with pytest.raises(InputError, match=r"road0.*no speed_kmh"):
        build_surface(town.ground_of(), town.MODE, roads, town.bridges_of(town.TOWN))


def test_built_up_land_has_its_own_pace():
    mode = Mode("m", "", "", LandSpeed(12, 1), LandSpeed(6, 1), "posted", (), "")
    text = "F###....\n"
    _, minutes = minutes_in(text, mode=mode)
    assert minutes[0, 3] == pytest.approx(1 * 0.75 + 2 * 0.5)  # half a cell of land, then built-up
    assert minutes[0, 5] == pytest.approx(minutes[0, 3] + 0.75 + 1)


def test_points_in_the_river_are_moved_to_the_bank_and_pay_for_it():
    surface = town.surface_of()
    x, y = town.centre(3, 1)
    wet = town.frame(["wet", "far"], [shapely.Point(x, y - 20), shapely.Point(x, y - 90_000)])
    placed = place(surface, wet, 1000)
    assert placed.unplaced == ("far",) and placed.ids.tolist() == ["wet"]
    assert placed.moved_m == pytest.approx([80])
    minutes = surface.on_grid(nearest(surface, placed.only(0)).minutes[:, 0])
    assert minutes[4, 1] == pytest.approx(0.8)


@pytest.mark.parametrize("limit_m", [1000, np.inf])
def test_where_there_is_no_land_nothing_is_placed(limit_m):
    placed = place(town.surface_of("~~\n~~\n"), town.spot(0, 0), limit_m)
    assert placed.unplaced == ("a",) and len(placed) == 0 and not len(placed.leave.node)


def test_polygons_start_on_every_cell_that_they_touch():
    surface = town.surface_of()
    park = shapely.union_all([town.cell_box(0, 8), town.cell_box(0, 9)]).buffer(-10)
    minutes = town.minutes_from(surface, town.frame(["p"], [park]))
    assert minutes[0, 8] == minutes[0, 9] == 0 and minutes[0, 7] > 0


@st.composite
def drawn_towns(draw, kinds, low=3, high=7):
    """Text of a random town; a kind that occurs twice in `kinds` is twice as likely."""
    width, height = draw(st.integers(low, high)), draw(st.integers(low, high))
    row = st.lists(st.sampled_from(kinds), min_size=width, max_size=width).map("".join)
    return "\n".join(draw(st.lists(row, min_size=height, max_size=height))) + "\n"


def in_networkx(graph):
    """The same arcs for an independent search."""
    other = nx.DiGraph()
    other.add_nodes_from(range(graph.nodes))
    other.add_weighted_edges_from(
        zip(graph.tails.tolist(), graph.to.tolist(), graph.minutes.tolist())
    )
    return other


@settings(max_examples=40)
@given(drawn_towns("...=~#F"), st.sampled_from([8, 16]))
def test_equal_to_networkx_on_random_towns(text, neighbours):
    surface = town.surface_of(text, neighbours=neighbours)
    placed = place(surface, town.facilities_of(text), 1000)
    sources = placed.leave.node.tolist()
    assert len(sources) == text.count("F") and not placed.leave.minutes.any()
    graph = in_networkx(surface.graph)
    truth = nx.multi_source_dijkstra_path_length(graph, set(sources)) if sources else {}
    for direction in ("to", "from"):
        minutes = nearest(surface, placed, direction=direction).minutes[:, 0]
        for node, value in enumerate(minutes):
            assert value == pytest.approx(truth.get(node, np.inf), rel=1e-9)


@settings(max_examples=30)
@given(drawn_towns("...=~#FF"), st.integers(1, 4))
def test_ranks_are_equal_to_networkx_on_random_towns(text, ranks):
    surface = town.surface_of(text, neighbours=16)
    placed = place(surface, town.facilities_of(text), 0)
    graph, count = in_networkx(surface.graph), surface.graph.nodes
    truth = np.full((len(placed) + ranks, count), np.inf)  # at least `ranks` rows to sort
    for facility, node in enumerate(placed.leave.node.tolist()):
        for other, minutes in nx.single_source_dijkstra_path_length(graph, node).items():
            truth[facility, other] = minutes
    found = nearest(surface, placed, ranks=ranks)
    assert found.minutes.shape == found.facility.shape == (count, ranks)
    np.testing.assert_allclose(found.minutes, np.sort(truth, axis=0)[:ranks].T, rtol=1e-9)
    np.testing.assert_array_equal(found.facility == -1, np.isinf(found.minutes))
    for node, row in enumerate(found.facility):
        there = row[row >= 0]
        assert len(set(there.tolist())) == len(there)
        np.testing.assert_allclose(truth[there, node], found.minutes[node, : len(there)], rtol=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 6), st.integers(0, 9), st.integers(0, 6), st.integers(0, 9))
def test_a_new_facility_never_makes_anybody_later(r1, c1, r2, c2):
    surface = town.surface_of()
    spots = town.frame(
        ["a", "b"], [shapely.Point(town.centre(r1, c1)), shapely.Point(town.centre(r2, c2))]
    )
    placed = place(surface, spots, 1000)
    assert placed.ids.tolist() == ["a", "b"]
    one, other, two = (
        nearest(surface, places).minutes for places in (placed.only(0), placed.only(1), placed)
    )
    assert (two <= one).all()
    np.testing.assert_array_equal(two, np.minimum(one, other))


def assert_same_graph(one, other):
    for name in ("first", "to", "minutes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_opening_nothing_changes_nothing(tmp_path):
    ready = study.prepare(load_city(write_town(tmp_path)))
    mode = load_catalog().mode("walk")
    before, after = ready.ways(mode), ready.ways(mode, ())
    assert_same_graph(before.ground.graph, after.ground.graph)
    one, two = (study.coverage_of(ready, s, "hospitals", [2, 5])[0] for s in (before, after))
    assert one.equals(two)
    opened = study.coverage_of(ready, ready.ways(mode, ("bridge_new",)), "hospitals", [2, 5])[0]
    assert not opened.equals(one) and (opened["persons_covered"] >= one["persons_covered"]).all()


@pytest.mark.parametrize("neighbours", [8, 16])
def test_minutes_are_the_same_both_ways(neighbours):
    graph = town.surface_of(neighbours=neighbours).graph
    assert graph.symmetric and graph.backward is graph
    assert_same_graph(graph, build_graph(graph.nodes, graph.to, graph.tails, graph.minutes))


def test_the_limit_cuts_and_changes_nothing_else():
    surface = town.surface_of()
    placed = place(surface, town.facilities_of(), 0)
    for ranks in (None, 1):
        full = nearest(surface, placed, ranks=ranks).minutes
        cut = nearest(surface, placed, ranks=ranks, limit_min=2.0).minutes
        np.testing.assert_array_equal(np.where(full <= 2.0, full, np.inf), cut)
        assert np.isinf(cut).any() and np.isfinite(cut).any()


PLAIN = "\n".join(["." * 61] * 61) + "\n"


def plain(text=PLAIN, neighbours=8):
    """Surface, the place in its middle, and minutes per node from there."""
    surface = town.surface_of(text, neighbours=neighbours)
    placed = place(surface, town.spot(30, 30), 10)
    return surface, placed, nearest(surface, placed).minutes[:, 0]


def test_isochrone_on_open_land_is_the_octagon_of_eight_steps():
    surface, _, minutes = plain()
    (shape,) = service_areas(surface, minutes, [10])
    # Eight neighbours reach an octagon with corners at r on the axes and r/√2·(1, 1) between.
    r = 1000.0
    octagon = 8 * 0.5 * r * r * np.sin(np.pi / 4)
    assert shape.area == pytest.approx(octagon, rel=0.01)


def test_isochrone_on_open_land_is_the_sixteen_gon_of_sixteen_steps():
    surface, placed, minutes = plain(neighbours=16)
    (shape,) = service_areas(surface, minutes, [10])
    # Corners at r on the axes and the diagonals, and at r/√5·(2, 1) where the knight's moves lead.
    r, corners = 1000.0, {(p * x, q * y) for x, y in [(1, 0), (0, 1), (1, 1), (2, 1), (1, 2)]
                          for p in (1, -1) for q in (1, -1)}  # fmt: skip
    x, y = town.centre(30, 30)
    hull = shapely.MultiPoint(
        [(x + r * i / np.hypot(i, j), y + r * j / np.hypot(i, j)) for i, j in corners]
    ).convex_hull
    sixteen_gon = 4 * r * r * (1 / 5**0.5 + 1 / 10**0.5)
    assert len(hull.exterior.coords) - 1 == 16 and hull.area == pytest.approx(sixteen_gon)
    assert shape.area == pytest.approx(sixteen_gon, rel=0.01)
    assert shape.symmetric_difference(hull).area < 0.01 * sixteen_gon
    octagon_surface, _, eight = plain()
    (octagon,) = service_areas(octagon_surface, eight, [10])
    circle = np.pi * r * r
    assert abs(shape.area - circle) < abs(octagon.area - circle) / 3
    ((drawn,),) = isochrones(surface, placed, [10])
    assert drawn.equals(shape)


def test_isochrones_are_valid_nested_and_keep_their_holes():
    pond = [list(line) for line in town.rows_of(PLAIN)]
    for r in range(33, 37):
        for c in range(33, 37):
            pond[r][c] = "~"
    surface, _, minutes = plain("\n".join("".join(line) for line in pond) + "\n")
    bands = service_areas(surface, minutes, [5, 10, 15, 20])
    for shape in bands:
        assert shape.is_valid and shape.area > 0
    for small, large in zip(bands, bands[1:]):
        assert large.covers(small)
    assert any(len(p.interiors) for p in bands[2].geoms)
    assert bands[2].intersection(surface.barrier).area == 0


@settings(max_examples=25)
@given(drawn_towns("....=~", 9, 9), st.sampled_from([8, 16]))
def test_isochrones_of_random_towns_are_valid_and_nested(text, neighbours):
    surface = town.surface_of(text, neighbours=neighbours)
    if not len(surface.cells):
        return
    placed = place(surface, town.spot(4, 4), 1e6)
    bands = service_areas(surface, nearest(surface, placed).minutes[:, 0], [1, 2, 4])
    for small, large in zip(bands, bands[1:]):
        assert small.is_valid and large.is_valid
        assert small.difference(large).area < 1e-6
        assert large.area >= small.area
    (short,) = isochrones(surface, placed, [1, 2, 4])
    assert all(one.equals(other) for one, other in zip(short, bands, strict=True))


@pytest.mark.parametrize("neighbours", [8, 16])
def test_isochrone_does_not_depend_on_how_far_the_search_went(neighbours):
    surface, placed, minutes = plain(neighbours=neighbours)
    cut = nearest(surface, placed, limit_min=10 + margin_min(surface)).minutes[:, 0]
    assert np.isinf(cut).sum() > np.isinf(minutes).sum()
    (full,), (short,) = service_areas(surface, minutes, [10]), service_areas(surface, cut, [10])
    assert full.equals(short)


@pytest.mark.parametrize("neighbours", [8, 16])
def test_one_place_is_searched_far_enough(neighbours):
    surface, placed, minutes = plain(neighbours=neighbours)
    whole = service_areas(surface, minutes, [5, 10.5])
    (shapes,) = isochrones(surface, placed, [5, 10.5])
    for shape, full in zip(shapes, whole, strict=True):
        assert shape.equals(full)


def test_each_place_has_its_own_isochrones():
    surface = town.surface_of()
    spots = town.frame("ab", [shapely.Point(town.centre(*at)) for at in [(1, 1), (5, 7)]])
    placed = place(surface, spots, 0)
    drawn = isochrones(surface, placed, [1, 2])
    for feature, shapes in enumerate(drawn):
        minutes = nearest(surface, placed.only(feature)).minutes[:, 0]
        for shape, alone in zip(shapes, service_areas(surface, minutes, [1, 2]), strict=True):
            assert shape.equals(alone) and shape.contains(spots.geometry[feature])
    assert len(drawn) == 2 and not drawn[0][1].equals(drawn[1][1])


def test_isochrones_stay_on_the_bank_that_is_reached():
    surface = town.surface_of(bridges=False)
    minutes = town.nodes_from(surface, town.facilities_of())
    for shape in service_areas(surface, minutes, [5, 20]):
        assert shape.bounds[1] >= town.NORTH - 300
    ground, _, y = brook_town()
    surface = town.roadless(ground)
    (shape,) = service_areas(surface, town.nodes_from(surface, town.spot(0, 0)), [9])
    assert shape.bounds[1] == pytest.approx(y + 24, abs=0.02)


@pytest.mark.parametrize("text", [town.TOWN, "F....\n", "F\n"])
def test_an_isochrone_of_everything_is_all_land_to_the_rim(text):
    surface = town.surface_of(text)
    (shape,) = service_areas(surface, town.nodes_from(surface, town.facilities_of(text)), [99])
    assert shape.area == pytest.approx(surface.area.difference(surface.barrier).area)


def test_limits_must_ascend():
    surface, placed, minutes = plain()
    with pytest.raises(InputError, match="ascending"):
        service_areas(surface, minutes, [10, 5])
    with pytest.raises(InputError, match="ascending"):
        isochrones(surface, placed, [10, 5])


def test_nothing_in_reach_gives_empty_bands():
    surface = town.surface_of()
    nowhere = place(surface, town.facilities_of("..\n"), 0)
    none = nearest(surface, nowhere).minutes[:, 0]
    assert [b.is_empty for b in service_areas(surface, none, [5, 10])] == [True, True]
    assert len(nowhere) == 0 and isochrones(surface, nowhere, [5, 10]) == []


# ---------------------------------------------------------------- sixteen neighbours


#: Built-up land twice as slow as the open, and roads that may be forbidden.
TWO_PACES = Mode("m", "", "", LandSpeed(3, 1), LandSpeed(6, 1), "posted", (), "")
LAND_ONLY = replace(TWO_PACES, forbidden_classes=("primary",))


@settings(max_examples=40)
@given(drawn_towns("....=~##F", 3, 9), st.sampled_from([TWO_PACES, LAND_ONLY]))
def test_sixteen_neighbours_are_between_eight_and_the_straight_line(text, mode):
    eight, sixteen = (town.surface_of(text, mode, neighbours=n) for n in (8, 16))
    facilities = town.facilities_of(text)
    slow, quick = (town.nodes_from(s, facilities) for s in (eight, sixteen))
    assert (quick <= slow).all()
    # More directions to go in open no way that was closed.
    np.testing.assert_array_equal(np.isinf(quick), np.isinf(slow))
    on_road = mode is TWO_PACES and len(town.roads_of(text)) > 0
    best = 0.06 / 60 if on_road else mode.open_land.pace_min_per_m
    xy = np.c_[sixteen.grid.centres(sixteen.cells)]
    straight = np.full(len(xy), np.inf)
    for point in facilities.geometry:
        straight = np.minimum(straight, np.hypot(*(xy - [point.x, point.y]).T))
    assert (quick[: len(xy)] >= straight * best * (1 - 1e-12)).all()


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (".#.\n...\n", (0, 5)),
        ("...\n.#.\n", (0, 5)),
        (".#.\n...\n", (2, 3)),
        ("...\n.#.\n", (2, 3)),
        ("..\n#.\n..\n", (0, 5)),
        ("..\n.#\n..\n", (0, 5)),
        ("..\n#.\n..\n", (1, 4)),
        ("..\n.#\n..\n", (1, 4)),
    ],
)
def test_a_knights_step_takes_a_quarter_of_its_length_from_each_cell_it_passes(text, ends):
    graph = town.surface_of(text, TWO_PACES, neighbours=16).graph
    for one, other in (ends, ends[::-1]):
        arc = (graph.tails == one) & (graph.to == other)
        assert graph.minutes[arc] == pytest.approx([5**0.5 * (1 + 2 + 1 + 1) / 4])


def test_a_knights_step_does_not_jump_a_wall_or_cut_its_corner():
    open_land = town.surface_of("......\n......\n......\n", neighbours=16)
    walled = town.surface_of("......\n~~~~..\n......\n", neighbours=16)
    free, minutes = (town.minutes_from(s, town.spot(0, 3)) for s in (open_land, walled))
    assert free[2, 4] == free[2, 2] == pytest.approx(5**0.5)
    assert minutes[1, 5] == pytest.approx(5**0.5)  # passes the wall's end at half a cell
    assert minutes[2, 4] == pytest.approx(1 + 2)  # there is no way through half of the last cell
    assert minutes[2, 3] == pytest.approx(1 + 2 + 1)  # nor round its far corner
    assert minutes[2, 2] == pytest.approx(1 + 2 + 2)
    closed = town.surface_of("......\n~~~~~~\n......\n", neighbours=16)
    assert np.isinf(town.minutes_from(closed, town.spot(0, 3))[2]).all()
    stairs = town.surface_of("...~\n..~.\n.~..\n~...\n", neighbours=16)
    beyond = town.minutes_from(stairs, town.spot(0, 0))
    assert np.isfinite(beyond).sum() == np.isinf(beyond).sum() == 6


@pytest.mark.parametrize("neighbours", [8, 16])
@pytest.mark.parametrize("beyond", [(3, 0), (0, 3)])
def test_no_step_jumps_a_gap_in_the_study_area(neighbours, beyond):
    # Two blocks of 2 by 2 cells with one cell of elsewhere, which is not water, between them.
    blocks = [town.cell_box(r + dr, c + dc) for r, c in [(0, 0), beyond]
              for dr in (0, 1) for dc in (0, 1)]  # fmt: skip
    area, nothing = town.frame(["area"], [shapely.union_all(blocks)]), town.frame([], [])
    ground = build_ground(area, nothing, nothing, town.CELL, neighbours=neighbours)
    minutes = town.minutes_from(town.roadless(ground), town.spot(0, 0))
    assert np.isfinite(minutes).sum() == np.isinf(minutes).sum() == 4


def test_other_numbers_of_neighbours_are_refused():
    with pytest.raises(InputError, match="4 neighbours"):
        town.ground_of(neighbours=4)


# ---------------------------------------------------------------- heights


def slope_town(rise_m, mode, text=".....\n" * 5, neighbours=16):
    """Flat and sloped surface of open land; each cell is `rise_m` (south, east) above the last."""
    ground = town.ground_of(text, neighbours=neighbours)
    row, column = np.indices(ground.grid.shape)
    sloped = replace(ground, heights_m=300.0 + rise_m[0] * row + rise_m[1] * column)
    return town.roadless(ground, mode), town.roadless(sloped, mode)


def walked(slope):
    """Tobler's (1993) walking speed in km/h as published, as a share of that on the flat."""
    return 6 * np.exp(-3.5 * np.abs(slope + 0.05)) / (6 * np.exp(-3.5 * 0.05))


@pytest.mark.parametrize("slope", [0.03, 0.05, 0.1, 0.4])
def test_uphill_is_slower_than_downhill_by_toblers_factors(slope):
    _, surface = slope_town((0, 100 * slope), load_catalog().mode("walk"), ".....\n")
    flat = 4 * 100 * 1.25 * 0.06 / 5  # four cells at 5 km/h with a detour of 1.25
    from_foot, to_foot = (
        town.minutes_from(surface, town.spot(0, 0), direction=d)[0, 4] for d in ("from", "to")
    )
    from_top, to_top = (
        town.minutes_from(surface, town.spot(0, 4), direction=d)[0, 0] for d in ("from", "to")
    )
    assert from_foot == to_top == pytest.approx(flat / walked(slope), rel=1e-12)
    assert to_foot == from_top == pytest.approx(flat / walked(-slope), rel=1e-12)
    assert from_foot > to_foot


@settings(max_examples=30)
@given(st.floats(-60, 60), st.floats(-60, 60), st.sampled_from([8, 16]))
def test_every_step_on_a_slope_is_as_slow_as_its_own_rise(south, east, neighbours):
    flat, sloped = slope_town((south, east), load_catalog().mode("walk"), neighbours=neighbours)
    for name in ("first", "to"):
        np.testing.assert_array_equal(getattr(flat.graph, name), getattr(sloped.graph, name))
    down, right = (
        np.subtract(a, b)
        for a, b in zip(np.divmod(flat.graph.to, 5), np.divmod(flat.graph.tails, 5))
    )
    slope = (down * south + right * east) / (100 * np.hypot(down, right))
    np.testing.assert_allclose(sloped.graph.minutes, flat.graph.minutes / walked(slope), rtol=1e-9)
    spot = town.spot(2, 2)
    to, away = (town.nodes_from(sloped, spot, direction=d) for d in ("to", "from"))
    # What is uphill from the middle is downhill from the cell on the other side of it.
    np.testing.assert_allclose(to, away[::-1], rtol=1e-9)
    truth = nx.single_source_dijkstra_path_length(in_networkx(sloped.graph), 12)
    np.testing.assert_allclose(away, [truth[node] for node in range(25)], rtol=1e-9)


@pytest.mark.parametrize("mode", ["walk", "bike", "drive", "walk_drive"])
def test_flat_or_unknown_heights_change_nothing(mode):
    mode = load_catalog().mode(mode)
    ground, roads, bridges = (
        town.ground_of(neighbours=16), town.roads_of(town.TOWN), town.bridges_of(town.TOWN)
    )  # fmt: skip
    without = build_surface(ground, mode, roads, bridges)
    for height in (0.0, 287.3, np.nan):
        heights = np.full(ground.grid.shape, height)
        surface = build_surface(replace(ground, heights_m=heights), mode, roads, bridges)
        assert_same_graph(without.graph, surface.graph)
        assert_same_graph(without.graph, surface.graph.backward)


@pytest.mark.parametrize("mode", [town.MODE, load_catalog().mode("drive")])
def test_slopes_do_not_matter_to_modes_without_a_rule_for_them(mode):
    flat, sloped = slope_town((7, 13), mode)
    assert_same_graph(flat.graph, sloped.graph)
    assert_same_graph(flat.graph, sloped.graph.backward)


# ---------------------------------------------------------------- ranks


@settings(max_examples=40)
@given(
    drawn_towns("....=~#", 4, 8),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=3),
    st.sampled_from(["to", "from"]),
    st.floats(-30, 30),
)
def test_three_ranks_are_three_searches_in_order(text, spots, direction, rise_m):
    ground = town.ground_of(text, neighbours=16)
    heights = rise_m * np.indices(ground.grid.shape)[1]
    surface = town.roadless(replace(ground, heights_m=heights), load_catalog().mode("walk"))
    places = town.frame("abc", [shapely.Point(town.centre(*at)) for at in spots])
    placed = place(surface, places, 1000)
    alone = np.full((3, surface.graph.nodes), np.inf)
    for feature in range(len(placed)):
        alone[feature] = nearest(surface, placed.only(feature), direction=direction).minutes[:, 0]
    order = np.argsort(alone, axis=0, kind="stable").T  # of equally near ones the lower number
    minutes = np.take_along_axis(alone.T, order, axis=1)
    found = nearest(surface, placed, direction=direction, ranks=3)
    np.testing.assert_array_equal(found.minutes, minutes)
    np.testing.assert_array_equal(found.facility, np.where(np.isinf(minutes), -1, order))
    one = nearest(surface, placed, direction=direction)
    np.testing.assert_array_equal(one.minutes[:, 0], minutes[:, 0])
    assert one.facility is None


def test_a_park_on_many_cells_is_one_facility_at_every_rank():
    surface = town.surface_of()
    park = shapely.union_all([town.cell_box(0, 8), town.cell_box(0, 9)]).buffer(-10)
    places = town.frame(["park", "spot"], [park, shapely.Point(town.centre(1, 1))])
    found = nearest(surface, place(surface, places, 0), ranks=3)
    here = surface.node_of[0, 8]
    assert found.facility[here].tolist() == [0, 1, -1]
    assert found.minutes[here] == pytest.approx([0, 0.6 + DIAGONAL, np.inf])


def test_walk_to_the_road_then_drive():
    hybrid = load_catalog().mode("walk_drive")
    walk = 0.1 * 60 / 5 * 1.25  # one cell of open land at 5 km/h with detour
    _, minutes = minutes_in(mode=hybrid)
    assert minutes[1, 7] == pytest.approx(0.6)  # six cells of road at its posted 60 km/h
    assert minutes[2, 7] == pytest.approx(0.6 + walk)
    assert minutes[5, 7] == pytest.approx(0.4 + walk + 0.2 + walk + 0.2)


def test_a_steep_slope_does_not_draw_the_outline_too_far():
    ground = town.ground_of(PLAIN, neighbours=16)
    hill = replace(ground, heights_m=50.0 * np.indices(ground.grid.shape)[1])  # one in two
    surface = town.roadless(hill, load_catalog().mode("walk"))
    start = place(surface, town.spot(30, 30), 0)
    ((shape,),) = isochrones(surface, start, [9.0])
    minutes = surface.on_grid(nearest(surface, start, direction="from").minutes[:, 0])
    # Straight uphill the limit falls just beyond the next cell, in proportion to its minutes.
    x, y = town.centre(30, 30)
    uphill = shape.intersection(shapely.LineString([(x, y), (x + 900, y)]))
    share = (9.0 - minutes[30, 31]) / (minutes[30, 32] - minutes[30, 31])
    assert 0 < share < 1 and uphill.length == pytest.approx(town.CELL * (1 + share), abs=0.1)
