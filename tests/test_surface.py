"""Minutes known from arithmetic, from an independent search, and from what must always hold."""

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
from urbanplan.catalog.slope import tobler
from urbanplan.city import load_city
from urbanplan.errors import InputError
from urbanplan.surface import build_surface
from urbanplan.traveltime import isochrones, nearest, place, service_areas
from urbanplan.traveltime.isochrones import margin_min

DIAGONAL = 2**0.5


def nodes_of(surface, minutes):
    """Minutes per cell as minutes per node; road vertices do not matter for outlines."""
    return minutes[surface.node_of >= 0]


def minutes_in(text=town.TOWN, **options):
    surface = town.surface_of(text, **options)
    placed = place(surface, town.facilities_of(text), 1000)
    return surface, town.minutes_from(surface, placed)


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


def test_a_river_narrower_than_a_cell_still_stops_everybody():
    x, y = town.centre(1, 0)
    brook = shapely.LineString([(x - 50, y + 50), (x + 350, y + 50)]).buffer(2, cap_style="flat")
    ground = town.ground_of("....\n....\n....\n", brook=brook)
    assert ground.passable.all()
    nothing = town.roads_of("..\n")
    surface = build_surface(ground, town.MODE, nothing, nothing)
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(0, 0))]), 10)
    minutes = town.minutes_from(surface, start)
    assert np.isfinite(minutes[0]).all() and np.isinf(minutes[1:]).all()


def test_no_diagonal_step_between_two_waters():
    text = "..~~\n..~~\n~~..\n~~..\n"
    surface = town.surface_of(text + "\n")
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(0, 0))]), 10)
    assert np.isinf(town.minutes_from(surface, start)[2:, 2:]).all()


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
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(4, 4))]), 10)
    return town.minutes_from(surface, start)


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
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(3, 0))]), 0)
    minutes = town.minutes_from(surface, start)
    assert minutes[3, 10] == pytest.approx(0.2 + 1.0 + 0.2)
    assert minutes[1, 5] == pytest.approx(0.2 + 5)  # nobody gets off half way


def test_an_expressway_bridge_is_entered_from_roads_only():
    bridge = expressway_town(fast=[(2, 5), (4, 5)])
    for roads, reached in (
        (expressway_town(a=[(2, 1), (2, 4)]), False),
        (expressway_town(a=[(2, 1), (2, 5)], b=[(4, 5), (4, 6)]), True),
    ):
        surface = build_surface(town.ground_of(), town.MODE, roads, bridge)
        start = place(surface, town.frame(["a"], [shapely.Point(town.centre(2, 5))]), 0)
        minutes = town.minutes_from(surface, start)
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
    brook = shapely.box(x - 50, y + 20, x + 350, y + 24)
    ground = town.ground_of("....\n....\n....\n", brook=brook)
    assert ground.passable.all()
    nothing = town.roads_of("..\n")
    return build_surface(ground, town.MODE, nothing, nothing), x, y


@pytest.mark.parametrize("shape", ["point", "park"])
def test_nothing_starts_on_the_other_bank_of_a_brook(shape):
    surface, x, y = brook_town()
    spot = shapely.Point(x, y + 40) if shape == "point" else shapely.box(x - 40, y + 24, x, y + 60)
    placed = place(surface, town.frame(["a"], [spot]), 500)
    minutes = town.minutes_from(surface, placed)
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
    start = place(surface, town.facilities_of(), 0)
    minutes = town.minutes_from(surface, start)
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
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(2, 9))]), 0)
    minutes = town.minutes_from(surface, start)
    assert minutes[5, 9] == pytest.approx(1 + 0.4) and minutes[4, 9] == pytest.approx(1.4 + 1)


def test_a_road_beside_a_brook_is_not_joined_to_the_other_bank():
    # Brook and road run through the same row of cells: the road on its north, centres on its south.
    x, y = town.centre(1, 0)
    brook = shapely.box(x - 50, y + 20, x + 350, y + 24)
    ground = town.ground_of("....\n....\n....\n", brook=brook)
    assert ground.passable.all()
    road = town.frame(
        ["r"],
        [shapely.LineString([(x, y + 40), (x + 300, y + 40), town.centre(0, 3)])],
        **{"class": ["primary"]},
        speed_kmh=[60.0],
    )
    surface = build_surface(ground, town.MODE, road, road.iloc[:0])
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(0, 3))]), 0)
    minutes = town.minutes_from(surface, start)
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
    assert placed.unplaced == ("far",)
    assert placed.moved_m[0] == pytest.approx(80)
    minutes = town.minutes_from(surface, placed)
    assert minutes[4, 1] == pytest.approx(0.8)


def test_polygons_start_on_every_cell_that_they_touch():
    surface = town.surface_of()
    park = shapely.union_all([town.cell_box(0, 8), town.cell_box(0, 9)]).buffer(-10)
    placed = place(surface, town.frame(["p"], [park]), 0)
    minutes = town.minutes_from(surface, placed)
    assert minutes[0, 8] == minutes[0, 9] == 0 and minutes[0, 7] > 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_equal_to_networkx_on_random_towns(data):
    width, height = data.draw(st.integers(3, 7)), data.draw(st.integers(3, 7))
    text = "\n".join(
        "".join(data.draw(st.sampled_from("...=~#F")) for _ in range(width)) for _ in range(height)
    )
    surface, minutes = minutes_in(text + "\n")
    starts = place(surface, town.facilities_of(text + "\n"), 1000)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(surface.graph.nodes))
    arcs = zip(surface.graph.tails.tolist(), surface.graph.to.tolist())
    graph.add_weighted_edges_from(
        (a, b, m) for (a, b), m in zip(arcs, surface.graph.minutes.tolist())
    )
    sources = set(starts.leave.node.tolist())
    truth = nx.multi_source_dijkstra_path_length(graph, sources) if sources else {}
    flat = minutes.ravel()[surface.cells]
    for node, value in enumerate(flat):
        assert value == pytest.approx(truth.get(node, np.inf), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6), st.integers(0, 9), st.integers(0, 6), st.integers(0, 9))
def test_a_new_facility_never_makes_anybody_later(r1, c1, r2, c2):
    surface = town.surface_of()
    spots = town.frame(
        ["a", "b"], [shapely.Point(town.centre(r1, c1)), shapely.Point(town.centre(r2, c2))]
    )
    starts = place(surface, spots, 1000)
    one, two = town.minutes_from(surface, starts.only(0)), town.minutes_from(surface, starts)
    other = town.minutes_from(surface, starts.only(1))
    land = ~np.isnan(one)
    assert (two[land] <= one[land]).all()
    np.testing.assert_array_equal(two[land], np.minimum(one, other)[land])


def test_opening_nothing_changes_nothing(tmp_path):
    ready = study.prepare(load_city(write_town(tmp_path)))
    mode = load_catalog().mode("walk")
    before, after = ready.surface(mode), ready.surface(mode, ())
    for part in ("first", "to", "minutes"):
        assert getattr(before.graph, part).tobytes() == getattr(after.graph, part).tobytes()
    one, two = (study.coverage_of(ready, s, "hospitals", [2, 5])[0] for s in (before, after))
    assert one.equals(two)
    opened = study.coverage_of(ready, ready.surface(mode, ("bridge_new",)), "hospitals", [2, 5])[0]
    assert not opened.equals(one) and (opened["persons_covered"] >= one["persons_covered"]).all()


def test_minutes_are_the_same_both_ways():
    graph = town.surface_of().graph
    there = {(a, b): m for a, b, m in zip(graph.tails, graph.to, graph.minutes)}
    assert there == {(b, a): m for (a, b), m in there.items()}
    assert graph.symmetric and graph.backward is graph


def test_the_limit_cuts_and_changes_nothing_else():
    surface = town.surface_of()
    placed = place(surface, town.facilities_of(), 0)
    full, cut = (
        town.minutes_from(surface, placed),
        town.minutes_from(surface, placed, limit_min=2.0),
    )
    np.testing.assert_array_equal(
        np.where(full <= 2.0, full, np.inf)[~np.isnan(full)], cut[~np.isnan(cut)]
    )


PLAIN = "\n".join(["." * 61] * 61) + "\n"


def plain(text=PLAIN):
    surface = town.surface_of(text)
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(30, 30))]), 10)
    return surface, town.minutes_from(surface, start)


def test_isochrone_on_open_land_is_the_octagon_of_eight_steps():
    surface, minutes = plain()
    (shape,) = service_areas(surface, nodes_of(surface, minutes), [10])
    # Eight neighbours reach an octagon with corners at r on the axes and r/√2·(1, 1) between.
    r = 1000.0
    octagon = 8 * 0.5 * r * r * np.sin(np.pi / 4)
    assert shape.area == pytest.approx(octagon, rel=0.01)


def test_isochrones_are_valid_nested_and_keep_their_holes():
    pond = [list(line) for line in town.rows_of(PLAIN)]
    for r in range(33, 37):
        for c in range(33, 37):
            pond[r][c] = "~"
    surface, minutes = plain("\n".join("".join(line) for line in pond) + "\n")
    bands = service_areas(surface, nodes_of(surface, minutes), [5, 10, 15, 20])
    for shape in bands:
        assert shape.is_valid and shape.area > 0
    for small, large in zip(bands, bands[1:]):
        assert large.covers(small)
    assert any(len(p.interiors) for p in bands[2].geoms)
    assert bands[2].intersection(surface.barrier).area == 0


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_isochrones_of_random_towns_are_valid_and_nested(data):
    text = "\n".join(
        "".join(data.draw(st.sampled_from("....=~")) for _ in range(9)) for _ in range(9)
    )
    surface = town.surface_of(text + "\n")
    if not len(surface.cells):
        return
    spot = town.frame(["a"], [shapely.Point(town.centre(4, 4))])
    starts = place(surface, spot, 1e6)
    if not len(starts):
        return
    (bands,) = isochrones(surface, starts, [1, 2, 4])
    for small, large in zip(bands, bands[1:]):
        assert small.is_valid and large.is_valid
        assert small.difference(large).area < 1e-6
        assert large.area >= small.area


def test_isochrone_does_not_depend_on_how_far_the_search_went():
    surface, minutes = plain()
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(30, 30))]), 10)
    cut = nearest(surface, start, limit_min=10 + margin_min(surface)).minutes[:, 0]
    (full,) = service_areas(surface, nodes_of(surface, minutes), [10])
    (short,) = service_areas(surface, cut, [10])
    assert full.equals(short)


def test_one_place_is_searched_far_enough():
    surface, minutes = plain()
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(30, 30))]), 10)
    whole = service_areas(surface, nodes_of(surface, minutes), [5, 10.5])
    for shape, full in zip(isochrones(surface, start, [5, 10.5])[0], whole):
        assert shape.equals(full)


def test_isochrones_stay_on_the_bank_that_is_reached():
    surface, minutes = minutes_in(bridges=False)
    for shape in service_areas(surface, nodes_of(surface, minutes), [5, 20]):
        assert shape.bounds[1] >= town.NORTH - 300
    surface, _, y = brook_town()
    start = place(surface, town.frame(["a"], [shapely.Point(town.centre(0, 0))]), 0)
    ((shape,),) = isochrones(surface, start, [9])
    assert shape.bounds[1] == pytest.approx(y + 24, abs=0.02)


@pytest.mark.parametrize("text", [town.TOWN, "F....\n", "F\n"])
def test_an_isochrone_of_everything_is_all_land_to_the_rim(text):
    surface, minutes = minutes_in(text)
    (shape,) = service_areas(surface, nodes_of(surface, minutes), [99])
    assert shape.area == pytest.approx(surface.area.difference(surface.barrier).area)


def test_limits_must_ascend():
    surface, minutes = plain()
    with pytest.raises(InputError, match="ascending"):
        service_areas(surface, nodes_of(surface, minutes), [10, 5])


def test_nothing_in_reach_gives_empty_bands():
    surface = town.surface_of()
    none = nearest(surface, place(surface, town.facilities_of("..\n"), 0)).minutes[:, 0]
    assert [b.is_empty for b in service_areas(surface, none, [5, 10])] == [True, True]


# ---------------------------------------------------------------- sixteen neighbours, slopes, hybrid


def wide(neighbours: int):
    surface = town.surface_of(PLAIN, neighbours=neighbours)
    return surface, place(surface, town.frame(["a"], [shapely.Point(town.centre(30, 30))]), 10)


def test_sixteen_neighbours_reach_the_sixteen_gon():
    surface, start = wide(16)
    ((shape,),) = isochrones(surface, start, [10])
    # Corners lie at r in the directions of all steps: along the axes, the diagonals, the knight's moves.
    kinds = {(0, 1), (1, 1), (1, 2)}
    span = range(-2, 3)
    steps = [(a, b) for a in span for b in span if tuple(sorted((abs(a), abs(b)))) in kinds]
    angles = np.sort([np.arctan2(b, a) for a, b in steps])
    gon = 0.5 * 1000.0**2 * np.sin(np.diff(np.r_[angles, angles[0] + 2 * np.pi])).sum()
    ((octagon,),) = isochrones(*wide(8), [10])
    assert len(angles) == 16 and shape.area == pytest.approx(gon, rel=0.01)
    assert octagon.area < shape.area < np.pi * 1000**2
    assert shape.buffer(1).covers(octagon)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_more_neighbours_are_never_slower_and_nobody_beats_the_straight_line(data):
    text = "\n".join(
        "".join(data.draw(st.sampled_from(".....~#")) for _ in range(9)) for _ in range(9)
    )
    spot = town.frame(["a"], [shapely.Point(town.centre(4, 4))])
    found = {}
    for neighbours in (8, 16):
        surface = town.surface_of(text + "\n", neighbours=neighbours)
        if not len(surface.cells):
            return
        found[neighbours] = town.minutes_from(surface, place(surface, spot, 1e4))
    land = ~np.isnan(found[8])
    assert (found[16][land] <= found[8][land] + 1e-12).all()
    assert (np.isinf(found[8]) >= np.isinf(found[16])).all()
    rows, columns = np.indices(land.shape)
    if text.split("\n")[4][4] != "~":
        straight = np.hypot(rows - 4, columns - 4)  # a cell a minute, by the crow
        assert (found[16][land] >= straight[land] - 1e-9).all()


def test_a_knights_step_jumps_no_wall_and_cuts_no_corner():
    for text in ("...\n~~~\n...\n...\n", "..~\n~~.\n...\n"):
        surface = town.surface_of(text, neighbours=16)
        start = place(surface, town.frame(["a"], [shapely.Point(town.centre(0, 0))]), 0)
        minutes = town.minutes_from(surface, start)
        assert np.isfinite(minutes[0, 0]) and np.isinf(minutes[2]).all()


def test_other_numbers_of_neighbours_are_refused():
    with pytest.raises(InputError, match="8 or 16"):
        town.ground_of(neighbours=12)


def test_uphill_is_slower_by_toblers_function():
    walk = load_catalog().mode("walk")
    ground = town.ground_of("....\n", neighbours=8)
    none = town.roads_of("..\n").iloc[:0]
    start = town.frame(["a"], [shapely.Point(town.centre(0, 0))])
    level = build_surface(ground, walk, none, none)
    flat = town.minutes_from(level, place(level, start, 0))[0, 1]
    same = replace(ground, heights_m=np.full((1, 4), 250.0))
    also = build_surface(same, walk, none, none)
    np.testing.assert_array_equal(also.graph.minutes, level.graph.minutes)
    hill = build_surface(replace(ground, heights_m=np.array([[0.0, 10, 20, 30]])), walk, none, none)
    placed = place(hill, start, 0)
    up = town.minutes_from(hill, placed, direction="from")[0, 1]
    down = town.minutes_from(hill, placed, direction="to")[0, 1]
    assert up == pytest.approx(flat / float(tobler(0.1))) and up > flat
    assert down == pytest.approx(flat / float(tobler(-0.1)))
    assert not hill.graph.symmetric and level.graph.symmetric


def test_walk_to_the_road_then_drive():
    hybrid = load_catalog().mode("walk_drive")
    walk = 0.1 * 60 / 5 * 1.25  # one cell of open land at 5 km/h with detour
    _, minutes = minutes_in(mode=hybrid)
    assert minutes[1, 7] == pytest.approx(0.6)  # six cells of road at its posted 60 km/h
    assert minutes[2, 7] == pytest.approx(0.6 + walk)
    assert minutes[5, 7] == pytest.approx(0.4 + walk + 0.2 + walk + 0.2)


def test_the_three_nearest_are_those_of_three_searches():
    surface = town.surface_of(PLAIN)
    spots = [(3, 4), (40, 50), (20, 9), (55, 5)]
    frame = town.frame(range(4), [shapely.Point(town.centre(*s)) for s in spots])
    placed = place(surface, frame, 0)
    ranked = nearest(surface, placed, ranks=3)
    each = np.stack([nearest(surface, placed.only(i)).minutes[:, 0] for i in range(4)], axis=1)
    np.testing.assert_allclose(ranked.minutes, np.sort(each, axis=1)[:, :3], rtol=1e-12)
    chosen = np.take_along_axis(each, ranked.facility.astype(int), axis=1)
    np.testing.assert_allclose(chosen, ranked.minutes, rtol=1e-12)
