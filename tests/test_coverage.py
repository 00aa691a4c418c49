"""Coverage and demand: arithmetic on the grid town, and what must hold for any town."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridtown as town
from urbanplan.base.grid import ALL
from urbanplan.errors import CrsError, InputError
from urbanplan.measures.coverage import coverage, minutes_to_nearest
from urbanplan.measures.population import blocks, spread, unassigned


def people():
    """North bank 300 people on 30 cells, south bank 600 on 30."""
    ground = town.ground_of()
    north = shapely.box(town.WEST, town.NORTH - 300, town.WEST + 1000, town.NORTH)
    south = shapely.box(town.WEST, town.NORTH - 700, town.WEST + 1000, town.NORTH - 400)
    zones = town.frame(["n", "s"], [north, south], persons=[300, 600])
    areas = town.frame(
        ["n", "s"], [north, south.buffer(100, cap_style="square")], name_zh=["北", "南"]
    )
    return ground, spread(zones, areas, ground.grid, ground.passable)


def test_people_are_spread_evenly_and_nobody_is_lost():
    _, demand = people()
    assert demand["persons"].sum() == pytest.approx(900, abs=1e-9)
    assert demand.groupby("area")["persons"].sum().to_dict() == pytest.approx(
        {"北": 300, "南": 600}
    )
    assert set(demand.loc[demand["area"] == "北", "persons"]) == {10.0}


def test_coverage_by_hand():
    _, demand = people()
    cells = town.minutes_from(town.surface_of(), town.facilities_of())
    minutes = minutes_to_nearest(demand, cells, "m")
    table = coverage(demand, minutes, [1, 1.5, 99]).set_index(["minutes", "area"])
    # Within a minute: the eight road cells and the seven above, seven below, one to the left ...
    road = range(1, 8)
    one = {(1, c) for c in road} | {(0, 1), (2, 1), (1, 0)}
    assert table.loc[(1, "北"), "persons_covered"] == pytest.approx(10 * len(one))
    assert table.loc[(1, "南"), "persons_covered"] == 0
    assert table.loc[(99, ALL), "share"] == 1
    assert table.loc[(99, ALL), "km2"] == pytest.approx(0.6)
    assert table.loc[(1, "北"), "km2_share"] == pytest.approx(len(one) / 30)


def test_a_place_exactly_at_the_limit_is_within():
    _, demand = people()
    minutes = pd.Series(0.1 + 0.2, demand.index)  # 0.30000000000000004
    assert (coverage(demand, minutes, [0.3])["share"] == 1).all()
    assert (coverage(demand, minutes + 1e-6, [0.3])["share"] == 0).all()


def test_people_outside_every_area_are_reported():
    _, demand = people()
    assert unassigned(demand) == []
    demand.loc[demand["area"] == "南", "area"] = ""
    assert "600 people live outside" in unassigned(demand)[0]


def test_minutes_of_a_block_are_weighted_by_persons():
    ground = town.ground_of("..\n..\n")
    zones = town.frame(
        ["many", "few"],
        [town.cell_box(0, 0), town.cell_box(0, 1).union(town.cell_box(1, 1))],
        persons=[90, 10],
    )
    demand = spread(zones, zones.assign(name_zh=["a", "b"]), ground.grid, ground.passable)
    (square,) = blocks(demand, ground.grid, {"m": np.array([[2.0, 12.0]] * 2)}, 2).itertuples()
    assert square.m == pytest.approx(0.9 * 2 + 0.1 * 12) and square.area == "a"


def test_the_table_adds_up_over_areas():
    _, demand = people()
    minutes = pd.Series(np.arange(len(demand)), demand.index, dtype=float)
    table = coverage(demand, minutes, [5, 20, 45])
    for _, part in table.groupby("minutes"):
        inside = part[part["area"] != ALL]
        total = part[part["area"] == ALL].iloc[0]
        for column in ("persons", "persons_covered", "km2", "km2_covered"):
            assert inside[column].sum() == pytest.approx(total[column])


def test_unreachable_people_are_not_covered_and_empty_areas_have_no_share():
    demand = pd.DataFrame({"persons": [5.0, 0.0], "area": ["a", "b"], "km2": [1.0, 1.0]})
    table = coverage(demand, pd.Series([np.inf, 0.0]), [30]).set_index("area")
    assert table.loc["a", "share"] == 0
    assert np.isnan(table.loc["b", "share"]) and table.loc["b", "km2_share"] == 1


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e4), st.sampled_from("ab"), st.floats(0, 200)),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.floats(0.1, 100), min_size=2, max_size=4, unique=True),
    st.floats(0, 100),
)
def test_longer_limits_and_quicker_ways_never_cover_less(rows, limits, quicker):
    demand = pd.DataFrame(rows, columns=["persons", "area", "m"]).assign(km2=0.01)
    limits, noise = sorted(limits), 1e-12 * demand["persons"].sum()
    table = coverage(demand, demand["m"], limits)
    assert ((table["share"].isna()) | table["share"].between(0, 1 + 1e-12)).all()
    for _, part in table.groupby("area"):
        # Sums over different cells may differ in their last bit.
        assert (part["persons_covered"].diff().dropna() >= -noise).all()
    better = coverage(demand, np.maximum(demand["m"] - quicker, 0), limits)
    assert (better["persons_covered"] >= table["persons_covered"] - noise).all()
    same = coverage(demand, demand["m"].copy(), limits)
    pd.testing.assert_frame_equal(table, same)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 500_000), min_size=1, max_size=6), st.integers(1, 5))
def test_any_census_is_conserved(persons, side):
    ground = town.ground_of("\n".join(["." * 12] * 6) + "\n")
    strips = [
        shapely.box(town.WEST + 200 * i, town.NORTH - 600, town.WEST + 200 * (i + 1), town.NORTH)
        for i in range(len(persons))
    ]
    zones = town.frame(range(len(persons)), strips, persons=persons)
    areas = town.frame(["a"], [shapely.union_all(strips)], name_zh=["a"])
    demand = spread(zones, areas, ground.grid, ground.passable)
    assert demand["persons"].sum() == pytest.approx(sum(persons), rel=1e-12, abs=1e-6)
    squares = blocks(demand, ground.grid, {"m": np.full(ground.grid.shape, 7.0)}, side)
    assert squares["persons"].sum() == pytest.approx(sum(persons), rel=1e-12, abs=1e-6)
    assert (squares["m"] - 7).abs().max() < 1e-9 or squares.empty


def test_a_zone_without_land_is_refused():
    ground = town.ground_of()
    wet = town.frame(["wet"], [town.cell_box(3, 0)], persons=[5])
    with pytest.raises(InputError, match=r"wet.*no land cell"):
        spread(wet, wet.assign(name_zh="a"), ground.grid, ground.passable)


def test_zones_in_another_system_are_refused():
    ground, _ = people()
    zones = town.frame(["n"], [town.cell_box(0, 0)], persons=[1])
    with pytest.raises(CrsError, match="different systems"):
        spread(zones, zones.assign(name_zh="a").to_crs(4326), ground.grid, ground.passable)
