"""Standards as data, and what they make of a town whose every share is arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from streettown import network as town
from urbanplan.base.grid import ALL, Grid, fractions, parts
from urbanplan.catalog import load_catalog
from urbanplan.catalog.standards import GRADES, LEVELS, Indicator, judge, pick, read_standards
from urbanplan.city.layers import Layer
from urbanplan.errors import CrsError, InputError, UnknownNameError
from urbanplan.files import write_xlsx
from urbanplan.measures.coverage import GAP_RADIUS_M, coverage, gap_areas
from urbanplan.measures.indicators import FIGURES, CannotTellError, Scene, Trust, check_up, wide
from urbanplan.study.supply import shares_in

CRS = "EPSG:4544"
#: Ten by ten cells of 100 m: a square kilometre, west half and east half.
GRID = Grid(CRS, 540_000.0, 3_190_000.0, 10, 10, 100.0)
WEST = shapely.box(540_000, 3_189_000, 540_500, 3_190_000)
EAST = shapely.box(540_500, 3_189_000, 541_000, 3_190_000)
AREAS = gpd.GeoDataFrame({"name": ["east", "west"]}, geometry=[EAST, WEST], crs=CRS)
TOML = """
[standard]
name_zh = "标准"
name_en = "Standard"
document = "X 1-2020"
edition = "2020"

[indicators.one]
name_zh = "一"
name_en = "one"
measure = "metres"
layer = "parks"
metres = 300
of = "people"
threshold = 0.5
direction = "at_least"
unit = "share"
level = "target"
grade = "V"
source = "somewhere"
"""


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(540_000 + x, 3_189_000 + y)


def layer(name: str, shapes, quality="surveyed", accuracy_m=5.0, **columns) -> Layer:
    count = len(shapes)
    frame = gpd.GeoDataFrame(
        {
            "id": [f"{name}{i}" for i in range(count)],
            "kind": [""] * count,
            "status": ["existing"] * count,
            "quality": quality,
            "accuracy_m": accuracy_m,
            **columns,
        },
        geometry=list(shapes),
        crs=CRS,
    )
    return Layer(load_catalog().layer(name), frame, Path(f"{name}.geojson"), "")


def scene(*layers: Layer, persons: float = 10.0, **changes) -> Scene:
    cells = np.arange(100)
    x, _ = GRID.centres(cells)
    demand = pd.DataFrame(
        {"persons": persons, "area": np.where(x < 540_500, "west", "east"), "km2": 0.01},
        index=pd.Index(cells, name="cell"),
    )

    def minutes(frame, mode):
        # As the crow flies at 100 m a minute.
        centres = shapely.points(np.c_[GRID.centres(cells)])
        return shapely.distance(centres, frame.geometry.union_all()) / 100

    def none():
        raise CannotTellError("no streets")

    whole = Scene(
        layers={one.id: one for one in layers},
        demand=demand,
        grid=GRID,
        crs=CRS,
        areas=AREAS,
        parts=parts(cells, GRID, AREAS, "name"),
        cells=minutes,
        at=lambda points, frame, mode: points.distance(frame.geometry.union_all()).to_numpy() / 100,
        mode=load_catalog().mode,
        streets=none,
        people_trust=Trust(frozenset({"modelled"}), 50.0),
        ground_trust=Trust(frozenset({"derived"}), 10.0),
    )
    return replace(whole, **changes)


def entry(**fields) -> Indicator:
    plain = {
        "id": "x", "standard": "s", "name_zh": "甲", "name_en": "x", "measure": "metres",
        "unit": "share", "level": "target", "grade": "V", "source": "here", "document": "X",
        "edition": "1", "layer": "parks", "of": "people",
    }  # fmt: skip
    return Indicator(**(plain | fields))


def values(indicator: Indicator, of: Scene) -> dict[str, float]:
    table = check_up({"x": indicator}, of).set_index("area")
    return table["value"].to_dict()


# ---- standards as data


def test_every_shipped_entry_says_where_it_is_from():
    known = read_standards()
    assert len(known) > 40
    layers = load_catalog().layers
    for one in known.values():
        assert one.source and one.document and one.name_zh and one.name_en and one.unit
        assert one.grade in GRADES and one.level in LEVELS
        assert one.measure == "streets" or one.layer in layers, one.id
        # Every link of a figure with a threshold that was never seen must not judge.
        if one.grade != "V" and one.threshold is not None:
            assert judge(one, 1e9) == judge(one, 0.0) == "threshold unverified"
    assert {i.grade for i in known.values()} == set(GRADES)
    assert "hospital_villages_30" in known
    own = read_standards(Path(__file__).parents[1] / "data/boundaries/luzhou/standards.toml")
    assert next(i for i in own.values() if i.own).id == "culture_sport_30"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "somewhere"\n', "", "has no source"),
        ('source = "somewhere"', 'source = " "', "has no source"),
        ('grade = "V"', 'grade = "A"', "grade = one of V, G, K"),
        ('measure = "metres"', 'measure = "miles"', "measure = one of"),
        ("metres = 300\n", "", "needs metres"),
        (
            "metres = 300",
            "metres = -1",
            "'metres' of indicator one cannot be -1 → write a number above 0",
        ),
        ('direction = "at_least"\n', "", "threshold without a direction"),
        ('direction = "at_least"', 'direction = "near"', "direction = one of"),
        ('of = "people"', 'of = "cats"', "of = one of"),
        ('of = "people"\n', "", "needs of"),
        ('unit = "share"', 'unit = "share"\ncolour = "red"', "unknown field 'colour'"),
        ('document = "X 1-2020"\n', "", "document"),
        ("[indicators.one]", "[thing.one]", "no [indicators.ID]"),
        (
            "threshold = 0.5",
            'threshold = "half"',
            "'threshold' of indicator one cannot be 'half' → write a number above 0",
        ),
        ("metres = 300", 'rings = [["a", 3]]', "'rings' of indicator one cannot be [['a', 3]]"),
    ],
)
def test_a_broken_entry_is_named(tmp_path, old, new, said):
    path = tmp_path / "standards.toml"
    assert old in TOML
    path.write_text(TOML.replace(old, new), "utf-8")
    with pytest.raises(InputError) as caught:
        read_standards(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_a_citys_own_entries_come_first_and_replace_visibly(tmp_path):
    path = tmp_path / "standards.toml"
    path.write_text(TOML + TOML.split("\n\n")[1].replace("one", "park_area_per_head"), "utf-8")
    known = read_standards(path)
    assert list(known)[:2] == ["one", "park_area_per_head"]
    assert known["one"].own and not known["one"].replaces
    assert known["park_area_per_head"].replaces == "GB 55014-2021"
    assert known["park_area_per_head"].metres == 300
    assert len(known) == len(read_standards()) + 1


def test_standards_are_picked_by_any_of_their_names():
    known = read_standards()
    both = pick(known, ("GB55014-2021", "rail_800m"))
    assert set(both) == {"park_area_per_head", "park_radius_share", "rail_800m"}
    assert set(pick(known, ("GB 55014-2021",))) == {"park_area_per_head", "park_radius_share"}
    assert pick(known, ()) is known
    with pytest.raises(UnknownNameError, match="unknown standard or indicator 'GB1'"):
        pick(known, ("GB1",))


def test_verdicts():
    least = entry(threshold=0.8, direction="at_least", metres=300.0)
    assert judge(least, 0.8) == "met" and judge(least, 0.7999) == "not met"
    above = replace(least, direction="above")
    assert judge(above, 0.8) == "not met" and judge(above, 0.81) == "met"
    most = replace(least, direction="at_most")
    assert judge(most, 0.8) == "met" and judge(most, 0.81) == "not met"
    assert judge(least, math.nan) == "cannot be told"
    assert judge(least, 0.9, sketched=True) == "indicative"
    assert judge(replace(least, grade="K"), 0.9) == "threshold unverified"
    assert judge(replace(least, threshold=None), 0.9) == "no threshold"


# ---- measures by arithmetic


def test_people_within_minutes():
    # A facility over the whole western edge: columns at 50, 150, ... metres.
    edge = layer("parks", [shapely.LineString([at(0, 0), at(0, 1000)]).buffer(0.01)])
    found = values(entry(measure="minutes", mode="walk", minutes=3.0), scene(edge))
    # Three of five columns of the west are within 300 m.
    assert found["west"] == pytest.approx(0.6) and found["east"] == 0
    assert found[ALL] == pytest.approx(0.3)


def test_people_within_metres_count_parts_of_cells():
    edge = layer("parks", [shapely.box(*at(-10, -500).coords[0], *at(0, 1500).coords[0])])
    found = values(entry(metres=250.0), scene(edge))
    # 250 of 500 metres: the third column counts by half, not by its centre.
    assert found["west"] == pytest.approx(0.5, abs=1e-6) and found["east"] == 0


def test_straight_line_and_network_are_told_apart():
    assert entry(metres=300.0).metric == "straight line"
    assert entry(measure="minutes", mode="walk", minutes=5.0).metric == "network"


def test_land_for_housing_within_rings_by_size():
    def square(x, y, side):
        return shapely.box(*at(x, y).coords[0], *at(x + side, y + side).coords[0])

    homes = layer("residential", [WEST, EAST])
    rings = ((0.2, 300.0), (0.5, 500.0))
    # 0.16 ha earns nothing, 0.25 ha 300 m, 1 ha 500 m.
    for side, metres in ((40, 0), (50, 300), (100, 500)):
        park = square(500 - side / 2, 500 - side / 2, side)
        found = values(entry(rings=rings, of="residential"), scene(homes, layer("parks", [park])))
        near = park.buffer(metres).intersection(WEST.union(EAST)).area if metres else 0.0
        assert found[ALL] == pytest.approx(near / 1e6, rel=2e-3), side
        assert found["west"] == pytest.approx(found["east"])


def test_points_have_no_size():
    table = check_up(
        {"x": entry(rings=((0.2, 300.0),), of="residential")},
        scene(layer("parks", [at(5, 5)]), layer("residential", [WEST])),
    )
    assert set(table["verdict"]) == {"cannot be told"} and "no outline" in table["why"][0]


def test_villages_within_minutes():
    hospital = layer("hospitals", [at(0, 500)])
    villages = layer("villages", [at(100, 500), at(450, 500), at(900, 500)])
    ask = entry(measure="minutes", layer="hospitals", mode="drive", minutes=4.0, of="villages")
    found = values(ask, scene(hospital, villages))
    assert found == {"east": 0.0, "west": 0.5, ALL: pytest.approx(1 / 3)}
    straight = entry(layer="hospitals", metres=460.0, of="villages")
    assert values(straight, scene(hospital, villages))[ALL] == pytest.approx(2 / 3)


def test_figures_per_head_density_and_total():
    parks = layer("parks", [shapely.box(*at(450, 0).coords[0], *at(650, 100).coords[0])])
    found = values(entry(measure="per_head", figure="area_m2", unit="m²"), scene(parks))
    # 5,000 m² in the west and 15,000 in the east, on the ellipsoid; 500 people in each.
    assert found["west"] == pytest.approx(10, rel=1e-3)
    assert found["east"] == pytest.approx(30, rel=1e-3)
    assert found[ALL] == pytest.approx(20, rel=1e-3)
    line = layer("greenway", [shapely.LineString([at(0, 10), at(750, 10)])])
    ask = entry(measure="density", layer="greenway", figure="length_km", of="area", unit="km/km²")
    found = values(ask, scene(line))
    assert found["west"] == pytest.approx(1, rel=1e-3) and found["east"] == pytest.approx(
        0.5, rel=1e-3
    )
    beds = layer("hospitals", [at(1, 1), at(900, 900)], beds=[100.0, 50.0])
    total = entry(
        measure="total",
        layer="hospitals",
        figure="sum:beds",
        unit="beds",
        threshold=150.0,
        direction="at_least",
    )
    table = check_up({"x": total}, scene(beds)).set_index("area")
    assert table["value"].to_dict() == {"east": 50.0, "west": 100.0, ALL: 150.0}
    assert table["verdict"].to_dict() == {
        "east": "part of a total",
        "west": "part of a total",
        ALL: "met",
    }


def test_what_the_data_cannot_tell_is_said():
    ask = entry(metres=500.0)

    def why(of: Scene, one: Indicator = ask) -> str:
        table = check_up({"x": one}, of)
        assert set(table["verdict"]) == {"cannot be told"} and table["value"].isna().all()
        return table["why"][0]

    park = [shapely.box(*at(0, 0).coords[0], *at(100, 100).coords[0])]
    assert why(scene()) == "没有图层“公园” / there is no layer of Parks"
    assert "Parks is only schematic" in why(scene(layer("parks", park, "schematic")))
    assert "200 m only, which cannot tell 500 m" in why(
        scene(layer("parks", park, accuracy_m=200.0))
    )
    assert "nobody knows who lives where" in why(scene(layer("parks", park), persons=np.nan))
    rough = Trust(frozenset({"modelled"}), 2000.0)
    assert "Population zones" in why(scene(layer("parks", park), people_trust=rough))
    planned = layer("parks", park)
    planned.frame["status"] = "planned"
    assert "no existing feature" in why(scene(planned))
    assert "no existing feature of Parks (kind=zoo)" in why(scene(layer("parks", park)), replace(ask, where="kind=zoo"))  # fmt: skip
    assert "no streets" in why(scene(), entry(measure="streets", figure="length_km", of="area"))
    # 150 of 500 metres is just accurate enough.
    assert values(ask, scene(layer("parks", park, accuracy_m=150.0)))["west"] > 0.2


def test_trust_names_every_quality_and_the_worst_accuracy():
    parks = layer(
        "parks", [at(0, 0), at(1, 1)], accuracy_m=[20.0, 90.0], quality=["surveyed", "schematic"]
    )
    judged = entry(metres=500.0, threshold=0.01, direction="at_least")
    row = check_up({"x": judged}, scene(parks)).iloc[-1]
    assert row["quality"] == "surveyed+schematic+modelled" and row["accuracy_m"] == 90
    assert row["verdict"] == "indicative"


def test_the_wide_table_reads_like_a_check_up():
    parks = layer("parks", [at(0, 0)])
    ask = entry(metres=500.0, threshold=0.8, direction="at_least", clause="3.1")
    unsure = replace(ask, id="y", grade="K")
    table = wide(check_up({"x": ask, "y": unsure}, scene(parks)))
    assert list(table) == [
        "indicator",
        "name_zh",
        "name_en",
        "clause",
        "threshold",
        "east",
        "west",
        ALL,
        "verdict",
        "trust",
    ]
    assert table["clause"][0] == "X 3.1" and table["threshold"].tolist() == [
        "≥ 80.0%",
        "≥ 80.0% (unverified)",
    ]
    assert table["verdict"].tolist() == ["not met", "threshold unverified"]
    assert table["east"][0].endswith("%") and "±50 m" in table["trust"][0]


# ---- the shape of streets


def test_street_figures_by_arithmetic():
    # A grid of three by three crossings, 200 m apart: four blocks of 4 ha.
    ways = [((0, y), (2, y), (4, y)) for y in (0, 2, 4)] + [
        ((x, 0), (x, 2), (x, 4)) for x in (0, 2, 4)
    ]
    network = town(*ways)
    west, south, east, north = shapely.bounds(shapely.union_all(network.lines))
    land = shapely.box(west - 1, south - 1, east + 1, north + 1)
    km2 = land.area / 1e6
    assert FIGURES["length_km"](network, land) * km2 == pytest.approx(6 * 0.4, rel=1e-3)
    # The corners are bends: only the middle and the four sides join three ways or more.
    assert FIGURES["intersections"](network, land) * km2 == pytest.approx(5)
    assert FIGURES["block_ha"](network, land) == pytest.approx(4, rel=2e-3)
    half = shapely.box(west - 1, south - 1, (west + east) / 2 + 1, north + 1)
    assert FIGURES["length_km"](network, half) * half.area / 1e6 == pytest.approx(1.4, rel=6e-3)


def test_a_detour_round_a_corner():
    # From one end of an L to the other: 6 + 8 units along, 10 straight; its bend is no node.
    network = town(((0, 0), (6, 0), (6, 8)))
    land = shapely.union_all(network.lines).envelope.buffer(5)
    assert FIGURES["detour"](network, land) == pytest.approx(1.4, rel=2e-3)
    straight = town(((0, 0), (8, 0)))
    assert FIGURES["detour"](
        straight, shapely.union_all(straight.lines).buffer(5)
    ) == pytest.approx(1, rel=2e-3)
    assert math.isnan(FIGURES["detour"](straight, shapely.Point(0, 0)))
    assert math.isnan(FIGURES["block_ha"](straight, land))


def test_all_ways_of_a_star_pass_its_middle():
    star = town(*[((0, 0), spot) for spot in ((5, 0), (-5, 0), (0, 5), (0, -5))])
    land = shapely.union_all(star.lines).envelope.buffer(5)
    # Twenty ordered pairs of five nodes; the twelve between two tips pass the middle.
    assert FIGURES["betweenness"](star, land) == pytest.approx(12 / 20)
    ring = town(((0, 0), (4, 0), (4, 4), (0, 4), (0, 0)), ((0, 0), (-2, -2)), ((4, 4), (6, 6)))
    found = FIGURES["betweenness"](ring, shapely.union_all(ring.lines).envelope.buffer(5))
    graph = nx.Graph([(0, 1), (1, 2), (2, 3)])
    # Bends are no nodes: two tips and two corners in a row, whatever the way round.
    busiest = max(nx.betweenness_centrality(graph, normalized=False).values())
    assert found == pytest.approx(2 * busiest / 12)


def test_greenway_stretches_and_what_is_missing_between_them():
    def line(x0, x1, y):
        return shapely.LineString([at(x0, y), at(x1, y)])

    # 40 m apart is joined; 200 m and 100 m are gaps.
    drawn = layer(
        "greenway", [line(0, 100, 5), line(140, 300, 5), line(500, 700, 5), line(500, 700, 105)]
    )
    ask = entry(measure="total", layer="greenway", figure="stretches", unit="段")
    assert values(ask, scene(drawn))[ALL] == 3
    gap = entry(measure="total", layer="greenway", figure="gaps_km", unit="km")
    assert values(gap, scene(drawn))[ALL] == pytest.approx(0.3, abs=2e-4)
    whole = layer("greenway", [line(0, 400, 5)])
    assert values(ask, scene(whole))[ALL] == 1 and values(gap, scene(whole))[ALL] == 0


def test_density_counts_what_lies_on_the_land_alone():
    # Two blocks with a street of 40 m between them: the street counts, the road outside does not.
    blocks = layer(
        "built_up",
        [
            shapely.box(*at(0, 0).coords[0], *at(480, 400).coords[0]),
            shapely.box(*at(520, 0).coords[0], *at(1000, 400).coords[0]),
        ],
    )
    street, outside = (
        shapely.LineString([at(500, 0), at(500, 400)]),
        shapely.LineString([at(0, 900), at(1000, 900)]),
    )
    roads = layer("roads", [street, outside])
    ask = entry(measure="density", layer="roads", figure="length_km", of="built_up", unit="km/km²")
    # A disc of 50 m that rolls along the blocks dips 4.2 m into the street at either end.
    km = 0.4 - 2 * (50 - math.sqrt(50**2 - 20**2)) / 1e3
    assert values(ask, scene(blocks, roads))[ALL] == pytest.approx(km / 0.4, rel=2e-3)


# ---- exact shares of cells


boxes = st.tuples(*[st.floats(-300, 1300) for _ in range(4)])


@settings(max_examples=100)
@given(boxes)
def test_fractions_are_areas(box):
    x0, y0, x1, y1 = box
    shape = shapely.box(
        *at(min(x0, x1), min(y0, y1)).coords[0], *at(max(x0, x1), max(y0, y1)).coords[0]
    )
    ((cells, part),) = fractions(GRID, [shape])
    whole = shape.intersection(WEST.union(EAST)).area
    assert (part * 1e4).sum() == pytest.approx(whole, abs=1.0)
    x, y = GRID.centres(cells)
    squares = shapely.box(x - 50, y - 50, x + 50, y + 50)
    assert (
        np.abs(shapely.area(shapely.intersection(squares, shape)) / 1e4 - part).max(initial=0)
        < 1e-4
    )


@settings(max_examples=50)
@given(
    st.floats(0, 1000), st.lists(st.floats(0, 100), min_size=100, max_size=100), st.floats(0, 15)
)
def test_coverage_adds_up_over_any_partition(cut, persons, limit):
    cells = np.arange(100)
    demand = pd.DataFrame({"persons": persons, "area": "", "km2": 0.01}, index=pd.Index(cells))
    x, y = GRID.centres(cells)
    minutes = pd.Series(np.hypot(x - 540_000, y - 3_189_000) / 100, cells)
    line = 540_000 + cut
    two = gpd.GeoDataFrame(
        {"name": ["left", "right"]},
        geometry=[
            shapely.box(539_000, 3_188_000, line, 3_191_000),
            shapely.box(line, 3_188_000, 542_000, 3_191_000),
        ],
        crs=CRS,
    )
    table = coverage(demand, minutes, [limit + 0.01], parts(cells, GRID, two, "name"))
    by = table.set_index("area")
    for column in ("persons", "persons_covered", "km2", "km2_covered"):
        total = by.loc[by.index != ALL, column].sum()
        assert total == pytest.approx(by.loc[ALL, column], rel=1e-6, abs=1e-6)
    assert by.loc[ALL, "persons"] == pytest.approx(sum(persons), rel=1e-6)
    assert by["share"].dropna().between(0, 1).all()
    wider = coverage(demand, minutes, [limit + 5], parts(cells, GRID, two, "name"))
    assert (wider["persons_covered"] >= table["persons_covered"] - 1e-9).all()


def test_areas_of_one_name_are_one_and_other_systems_are_refused():
    twice = AREAS.assign(name="both")
    found = parts(np.arange(100), GRID, twice, "name")
    assert list(found) == ["both"] and found["both"][1].sum() == pytest.approx(100)
    with pytest.raises(CrsError):
        parts(np.arange(100), GRID, AREAS.to_crs(4326), "name")
    lines = AREAS.set_geometry(AREAS.boundary)
    with pytest.raises(InputError, match="'east' is no polygon"):
        parts(np.arange(100), GRID, lines, "name")


def test_features_on_a_border_are_shared_out():
    people = gpd.GeoDataFrame(
        {"id": ["square", "point", "border"]},
        geometry=[
            shapely.box(*at(475, 0).coords[0], *at(575, 100).coords[0]),
            at(100, 100),
            at(500, 500),
        ],
        crs=CRS,
    )
    found = {name: dict(zip(rows, part)) for name, (rows, part) in shares_in(people, AREAS).items()}
    assert found["west"][0] == pytest.approx(0.25) and found["east"][0] == pytest.approx(0.75)
    assert found["west"][1] == 1 and 1 not in found["east"]
    # Who stands on the border itself is counted once.
    assert [2 in found[name] for name in ("east", "west")] == [True, False]


# ---- gap areas


def test_gap_areas_are_clusters_ranked_by_people():
    cells = np.arange(100)
    persons = np.zeros(100)
    persons[[0, 1, 11]] = 10  # touch at a side and at a corner
    persons[[88, 89]] = 40
    persons[55] = 7  # near enough
    demand = pd.DataFrame({"persons": persons, "area": "a", "km2": 0.01}, index=cells)
    minutes = pd.Series(20.0, cells)
    minutes[55], minutes[89] = 5.0, np.inf
    gaps = gap_areas(demand, minutes, 10, GRID)
    assert gaps["persons"].tolist() == [80, 30] and gaps["rank"].tolist() == [1, 2]
    assert gaps["km2"].tolist() == pytest.approx([0.02, 0.03])
    assert np.isnan(gaps["nearest_min"][0]) and gaps["nearest_min"][1] == 20
    assert gaps.geometry.area.tolist() == pytest.approx([2e4, 3e4]) and gaps.is_valid.all()
    assert gaps["persons"].sum() + persons[55] == persons.sum()
    assert len(gap_areas(demand, minutes, 10, GRID, least_persons=50)) == 1
    assert len(gap_areas(demand, minutes * 0, 10, GRID)) == 0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_gap_lies_in_one_area_and_around_one_place(seed):
    rng = np.random.default_rng(seed)
    grid = Grid(CRS, 540_000.0, 3_190_000.0, 60, 40, 500.0)
    cells = np.flatnonzero(rng.random(60 * 40) < rng.uniform(0.2, 1.0))
    demand = pd.DataFrame(
        {"persons": rng.integers(1, 500, len(cells)).astype(float), "km2": 0.25}, index=cells
    )
    demand["area"] = np.where(cells // 40 < rng.integers(1, 60), "north", "south")
    gaps = gap_areas(demand, pd.Series(30.0, cells), 15, grid)
    assert gaps["persons"].sum() == pytest.approx(demand["persons"].sum())
    assert gaps.union_all().area == pytest.approx(len(cells) * 500.0**2)
    at = gpd.GeoSeries(gpd.points_from_xy(*grid.centres(cells)), crs=CRS)
    for gap in gaps.itertuples():
        here = demand[at.within(gap.geometry).to_numpy()]
        assert set(here["area"]) == {gap.area}
        assert here["persons"].sum() == pytest.approx(gap.persons)
        xy = np.c_[grid.centres(here.index.to_numpy())]
        far = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)).max(0)
        assert far.min() <= GAP_RADIUS_M + 1e-6
    # However the rows come.
    again = gap_areas(
        demand.sample(frac=1, random_state=seed % 97), pd.Series(30.0, cells), 15, grid
    )
    assert again.geometry.geom_equals(gaps.geometry).all()


# ---- tables


def test_workbooks_hold_text_as_text_and_the_same_bytes(tmp_path):
    table = pd.DataFrame({"名": ["=1+1", "@cmd", "甲"], "n": [1.5, math.nan, math.inf]})
    first = write_xlsx(tmp_path / "a.xlsx", table).read_bytes()
    assert write_xlsx(tmp_path / "b.xlsx", table).read_bytes() == first
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [c.value for c in sheet["A"]] == ["名", "=1+1", "@cmd", "甲"]
    assert {c.data_type for c in sheet["A"]} == {"s"}
    assert [c.value for c in sheet["B"]] == ["n", 1.5, None, "inf"]
