"""Standards as data, and what they make of a town whose every share is arithmetic."""

from __future__ import annotations

import math
import re
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
from urbanplan.catalog.standards import (
    GRADES,
    LEVELS,
    Borrowed,
    Indicator,
    judge,
    pick,
    read_standards,
)
from urbanplan.city.layers import Layer
from urbanplan.errors import CrsError, InputError, UnknownNameError
from urbanplan.files import write_xlsx
from urbanplan.measures.coverage import GAP_RADIUS_M, coverage, gap_areas
from urbanplan.measures.indicators import FIGURES, CannotTellError, Scene, Trust, check_up, wide
from urbanplan.study.checkup import counted, grade_notes, untold
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
    of_no_layer = ("streets", "slope", "unmeasured")
    for one in known.values():
        assert one.source and one.document and one.name_zh and one.name_en and one.unit
        assert one.grade in GRADES and one.level in LEVELS
        assert one.layer in layers or (not one.layer and one.measure in of_no_layer), one.id
        # Every link of a figure with a threshold that was never seen must not judge.
        if one.grade != "V" and one.threshold is not None:
            said = "superseded" if one.level == "superseded" else "threshold unverified"
            assert judge(one, 1e9) == judge(one, 0.0) == said
    assert {i.grade for i in known.values()} == set(GRADES)
    assert "hospital_villages_30" in known
    own = read_standards(Path(__file__).parents[1] / "data/boundaries/luzhou/standards.toml")
    assert next(i for i in own.values() if i.own).id == "culture_sport_30"


#: A page on the web, as sources write it.
ADDRESS = re.compile(r"(https?://)?(\w[\w-]*\.)+[a-z]{2,}/\S+")


def figures(text: str) -> set[float]:
    """Every number of a text, also in metres, in persons and as a share where its unit says so."""
    times = {"%": 0.01, " %": 0.01, "万": 1e4, " km": 1e3, "平方公里": 1.0}
    found = {1.0} if "全覆盖" in text else set()
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)( ?%|万| km(?!²)|)", text):
        found |= {float(number), round(float(number) * times.get(unit, 1.0), 9)}
    # Two ends of a range share its unit.
    for low, unit in re.findall(r"(\d+(?:\.\d+)?)–\d+(?:\.\d+)?( ?%|万| km(?!²))", text):
        found.add(round(float(low) * times[unit], 9))
    return found


def own_figures(one: Indicator) -> dict[str, set[float]]:
    """The figures of an entry by field."""
    fields = {f: {getattr(one, f)} for f in ("minutes", "metres", "percent") if getattr(one, f)}
    if one.rings:
        fields["rings"] = {n for ring in one.rings for n in ring}
    return fields


def shipped_and_luzhou() -> list[Indicator]:
    own = read_standards(Path(__file__).parents[1] / "data/boundaries/luzhou/standards.toml")
    return list(own.values())


@pytest.mark.parametrize(
    "one", [i for i in shipped_and_luzhou() if i.grade == "V"], ids=lambda i: i.id
)
def test_what_may_judge_quotes_its_figures_with_clause_and_address(one):
    assert one.clause and one.quote, "grade V needs the clause and its figures"
    assert ADDRESS.search(one.source), f"'{one.source}' is no address"
    borrowed = {b.field for b in one.borrowed}
    seen = figures(one.quote)
    asked = {f: n for f, n in own_figures(one).items() if f not in borrowed}
    if one.threshold is not None:
        asked["threshold"] = {one.threshold}
    for field, numbers in asked.items():
        assert numbers <= seen, f"{field} {numbers - seen} is not in the quotation '{one.quote}'"


def test_every_borrowed_part_has_its_own_source():
    lent = [(i, b) for i in shipped_and_luzhou() for b in i.borrowed]
    assert {"park_radius_share", "eco_garden_park_share", "garden_park_share"} <= {
        i.id for i, _ in lent
    }
    for one, part in lent:
        assert part.document != one.document and part.quote and part.field
        assert ADDRESS.search(part.source) or part.source == "docs/guide.md", one.id
        numbers = own_figures(one).get(part.field, set())
        assert numbers <= figures(part.quote), f"{one.id}: {part.field}"
        assert getattr(one, part.field) or part.field == "of"


def test_what_the_tool_defines_belongs_to_no_standard():
    known = read_standards()
    own = [i for i in known.values() if i.grade == "D"]
    assert {i.standard for i in own} == {"urban-form"} and len(own) == 11
    assert all(i.threshold is None and i.level == "definition" for i in own)
    assert {i.grade for i in known.values() if i.standard == "urban-form"} == {"D"}


def test_corrections_hold():
    known = read_standards()
    # 8 km/km² is asked of residential areas; of built-up land it was a target of 2020.
    assert known["road_density_residential"].document == "GB 50180-2018"
    assert known["road_density_residential"].of == "residential"
    assert (known["road_density_8"].document, known["road_density_8"].grade) == (
        "中发〔2016〕6号",
        "G",
    )
    assert not any("51328" in i.document for i in known.values())
    # Radii of schools belong to the code of 2002, the circle of 1 km to Shanghai.
    for name in ("kindergarten_300m", "primary_school_500m_gb", "middle_school_1km"):
        assert (known[name].grade, known[name].level) == ("K", "superseded")
        assert "2002" in known[name].document
    assert "上海" in known["life_circle_1km"].document and known["life_circle_1km"].grade == "G"
    # "Basically" is no number; what is superseded obliges nobody.
    assert known["large_city_500m"].threshold is None and "基本" in known["large_city_500m"].quote
    assert {known[f"bus_stop_{m}m"].level for m in (300, 500)} == {"superseded"}
    assert {i.level for i in known.values() if i.standard == "TDT1063-2021"} == {"definition"}
    # On foot or by bicycle: the walk alone is no threshold of the text.
    assert known["fitness_15_walk"].threshold is None
    assert known["park_area_per_head"].clause == known["park_radius_share"].clause == "2.1.3"
    # Clauses that name a share, with the residential land that it is a share of.
    parks = known["park_square_500m"]
    assert (parks.threshold, parks.direction, parks.of, parks.metres) == (
        0.9,
        "above",
        "residential",
        500,
    )
    assert (
        known["park_square_500m_new"].threshold == 1
        and known["park_square_500m_old"].threshold == 0.8
    )


def test_every_grade_is_named_and_explained_in_both_languages():
    words = load_catalog().symbols.values
    assert set(words["grade"]) == set(GRADES)
    assert set(words["grade_means"]) == {f"grade {g}" for g in GRADES}
    (note,) = grade_notes({"D"})
    assert note.startswith("D 本工具定义：") and " / D own definition: " in note
    guides = [Path(__file__).parents[1] / "docs" / g for g in ("guide.md", "zh/guide.md")]
    for guide in guides:
        text = guide.read_text("utf-8")
        assert all(f"| `{g}` |" in text for g in GRADES), guide


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "somewhere"\n', "", "has no source"),
        ('source = "somewhere"', 'source = " "', "has no source"),
        ('grade = "V"', 'grade = "A"', "grade = one of V, G, K, D"),
        ('grade = "V"', 'grade = "D"', "is a definition of grade D and has a threshold"),
        ('measure = "metres"', 'measure = "unmeasured"', "needs needs"),
        (
            'source = "somewhere"\n',
            'source = "somewhere"\nborrowed = { metres = { document = "Y", quote = "300 m" } }\n',
            "borrowed.metres of indicator one has no source",
        ),
        (
            'source = "somewhere"\n',
            'source = "somewhere"\nborrowed = { colour = { } }\n',
            "unknown field 'colour'",
        ),
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
    parks = {k for k, i in known.items() if i.document == "GB 55014-2021"}
    assert set(both) == parks | {"rail_800m"} and len(parks) == 4
    assert set(pick(known, ("GB 55014-2021",))) == parks
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
    assert judge(replace(least, level="superseded"), 0.9) == "superseded"
    lent = replace(least, borrowed=(Borrowed("rings", "Y", "300 m", "y.org/1"),))
    assert judge(lent, 0.9) == "met, part borrowed" and judge(lent, 0.7) == "not met, part borrowed"
    # A part of another text frees no verdict that the grade withholds.
    assert judge(replace(lent, grade="G"), 0.9) == "threshold unverified"


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


def test_a_borrowed_part_is_said_with_the_verdict():
    lent = Borrowed("rings", "城市体检", "0.2 ha 300 m", "y.org/1", "附件")
    ask = entry(rings=((0.2, 300.0),), threshold=0.5, direction="above", borrowed=(lent,))
    park = shapely.box(*at(0, 0).coords[0], *at(100, 1000).coords[0])
    table = check_up({"x": ask}, scene(layer("parks", [park])))
    row = table.iloc[-1]
    assert row["verdict"] == "not met, part borrowed"
    assert row["borrowed"] == "规模与半径借自城市体检 附件 / sizes and radii from 城市体检 附件"
    assert wide(table, "zh")["trust"][0].endswith("; 规模与半径借自城市体检 附件")


def test_estates_known_as_points_stand_in_for_their_land():
    estates = layer("residential", [at(100, 500), at(300, 500), at(900, 500)], quality="derived")
    park = layer("parks", [at(100, 500)])
    ask = entry(metres=250.0, of="residential", threshold=0.5, direction="at_least")
    table = check_up({"x": ask}, scene(estates, park)).set_index("area")
    assert table["value"].to_dict() == {"east": 0.0, "west": 1.0, ALL: pytest.approx(2 / 3)}
    # Counted one by one, they are not the clause's land: no verdict rests on them.
    assert set(table["verdict"]) == {"indicative"} and "derived" in table["quality"][ALL]
    assert "known as points: each counts once" in table["note"][ALL]
    dense = entry(measure="streets", figure="length_km", of="residential", layer="")
    table = check_up({"x": dense}, scene(estates, streets=lambda: town(((0, 0), (1, 0)))))
    assert table["why"][0].endswith("some of Land for housing have no outline, so no size")


def test_more_features_lower_what_is_smallest_and_a_partial_register_is_no_denominator():
    park = shapely.box(*at(0, 0).coords[0], *at(100, 1000).coords[0])
    few = replace(layer("parks", [park]), completeness="partial")
    lent = Borrowed("metres", "Y", "500 m", "y.org/1")
    ask = entry(metres=500.0, threshold=0.5, direction="at_least", borrowed=(lent,))

    def row(one, *layers):
        return check_up({"x": one}, scene(*layers)).set_index("area").loc[ALL]

    # 60 % are reached: more parks can only add. Of 90 % that are asked for nothing is settled.
    assert row(ask, few)["verdict"] == "met, part borrowed"
    assert "a lower bound" in row(ask, few)["note"]
    assert row(replace(ask, threshold=0.9), few)["why"].endswith("a bound cannot tell")
    # The smallest of some is 10 ha: a smaller one may be missing, so only a failure is settled.
    least = entry(
        measure="least", figure="area_ha", of="", unit="ha", threshold=5.0, direction="at_least"
    )
    assert (
        row(least, few)["verdict"] == "cannot be told"
        and "an upper bound" in row(least, few)["note"]
    )
    assert row(replace(least, threshold=20.0), few)["verdict"] == "not met"
    # A share of estates of which some are missing is no bound at all.
    homes = replace(layer("residential", [WEST]), completeness="partial")
    told = row(replace(ask, of="residential"), layer("parks", [park]), homes)
    assert told["verdict"] == "indicative" and "of that alone" in told["note"]
    assert "bound" not in told["note"]


def test_a_clause_may_speak_of_some_of_the_land():
    homes = layer("residential", [WEST, EAST])
    homes.frame["kind"] = ["new", "residential"]
    park = layer("parks", [WEST])
    ask = entry(metres=100.0, of="residential", of_where="kind=new")
    assert values(ask, scene(homes, park))[ALL] == pytest.approx(1)
    old = check_up({"x": replace(ask, of_where="kind=old")}, scene(homes, park))
    assert "Land for housing (kind=old)" in old["why"][0]


def test_the_smallest_and_the_land_that_one_serves():
    big, small = (
        shapely.box(*at(x, 0).coords[0], *at(x + s, s).coords[0]) for x, s in ((0, 200), (600, 100))
    )
    parks = layer("parks", [big, small])
    ask = entry(
        measure="least", figure="area_ha", of="", unit="ha", threshold=2.0, direction="at_least"
    )
    table = check_up({"x": ask}, scene(parks)).set_index("area")
    assert table["value"].to_dict() == {
        "east": pytest.approx(1, rel=2e-3),
        "west": pytest.approx(4, rel=2e-3),
        ALL: pytest.approx(1, rel=2e-3),
    }
    assert table["verdict"].to_dict() == {"east": "not met", "west": "met", ALL: "not met"}
    beds = layer("hospitals", [at(1, 1), at(900, 900)], beds=[100.0, math.nan])
    ask = entry(measure="least", layer="hospitals", figure="beds", of="", unit="beds")
    assert "some of Hospitals have no beds" in check_up({"x": ask}, scene(beds))["why"][0]
    # Half way between two places lies the border of what they serve.
    land = layer("built_up", [WEST, EAST])
    two = layer("hospitals", [at(100, 500), at(500.001, 500)])
    ask = entry(
        measure="served",
        layer="hospitals",
        of="built_up",
        unit="km²",
        threshold=0.5,
        direction="at_most",
    )
    table = check_up({"x": ask}, scene(land, two)).set_index("area")
    assert table["value"].to_dict() == {
        "west": pytest.approx(0.3, rel=1e-3),
        "east": pytest.approx(0.7, rel=1e-3),
        ALL: pytest.approx(0.7, rel=1e-3),
    }
    assert (
        set(table["verdict"]) == {"indicative"}
        and "nearest to as the crow flies" in table["note"][ALL]
    )
    one = layer("hospitals", [at(100, 500)])
    assert values(ask, scene(land, one))[ALL] == pytest.approx(1)
    same = layer("hospitals", [at(100, 500), at(100, 500)])
    assert values(ask, scene(land, same))[ALL] == pytest.approx(1)


def test_slopes_of_the_land_and_what_no_layer_tells():
    homes = layer("residential", [WEST])
    # The northern half is level, the southern steep.
    steep = np.where(np.arange(100) < 50, 3.0, 40.0)
    flat = Trust(frozenset({"derived"}), 100.0)
    ask = entry(measure="slope", layer="", of="residential", percent=25.0)
    assert values(ask, scene(homes, slopes=lambda: (steep, flat)))["west"] == pytest.approx(0.5)
    assert "there are no heights" in check_up({"x": ask}, scene(homes))["why"][0]
    void = np.full(100, np.nan)
    holes = check_up({"x": ask}, scene(homes, slopes=lambda: (void, flat)))
    assert "some of the land has no height" in holes["why"][0]
    untold_ = entry(
        measure="unmeasured",
        layer="",
        of="",
        needs="步道宽度 / the width of footways",
        threshold=2.5,
        direction="at_least",
    )
    row = check_up({"x": untold_}, scene()).iloc[-1]
    assert row["verdict"] == "cannot be told" and row["threshold"] == 2.5
    assert row["why"] == "需要步道宽度 / it takes the width of footways"


def test_the_largest_piece_of_town_spans_its_streets():
    blocks = [shapely.box(*at(x, 0).coords[0], *at(x + 300, 1000).coords[0]) for x in (0, 340, 690)]
    ask = entry(measure="total", layer="built_up", figure="largest_km2", of="", unit="km²")
    found = values(ask, scene(layer("built_up", blocks)))[ALL]
    # The first two are 40 m apart, the third 50 m: all one; 150 m apart it is not.
    assert found == pytest.approx(0.99, rel=5e-3)
    blocks[2] = shapely.box(*at(790, 0).coords[0], *at(1000, 1000).coords[0])
    assert values(ask, scene(layer("built_up", blocks)))[ALL] == pytest.approx(0.64, rel=5e-3)


def test_reasons_are_counted():
    park = layer("parks", [at(0, 0)])
    told = entry(metres=500.0)
    asks = {
        "a": told,
        "b": replace(told, id="b", layer="markets"),
        "c": replace(told, id="c", layer="markets"),
    }
    table = check_up(asks, scene(park))
    reasons = untold(table)
    assert reasons["count"].tolist() == [2] and reasons["indicators"].tolist() == ["b, c"]
    assert reasons["why"][0] == "没有图层“菜市场” / there is no layer of Food markets"
    assert counted(table) == "3 indicators, 1 can be told from this data"


def a_town_with_everything() -> Scene:
    """Streets every 200 m, heights, and a surveyed feature of every kind that a clause names."""

    def block(x, y, side=100):
        return shapely.box(*at(x, y).coords[0], *at(x + side, y + side).coords[0])

    def places(name, *kinds, **columns):
        spots = [at(100 + 150 * (i % 6), 500) for i in range(len(kinds))]
        one = layer(name, spots, **columns)
        one.frame["kind"] = kinds
        return one

    def areas(name, *kinds, **columns):
        one = layer(name, [block(150 * i, 300) for i in range(len(kinds))], **columns)
        one.frame["kind"] = kinds
        return one

    homes = layer("residential", [WEST, EAST])
    homes.frame["kind"] = ["new", "old"]
    land = layer("built_up", [WEST, EAST])
    land.frame["kind"] = ["core", "edge"]
    lines = [shapely.LineString([at(0, y), at(1000, y)]) for y in (200, 400, 600)]
    roads = layer("roads", lines)
    roads.frame["class"] = ["primary", "secondary", "tertiary"]
    grid = [((0, y), *((x, y) for x in range(2, 10, 2)), (10, y)) for y in range(0, 11, 2)]
    grid += [tuple((x, y) for y in range(0, 11, 2)) for x in range(0, 11, 2)]
    drawn = town(*grid)
    moved = np.array([540_000.0, 3_189_000.0]) - drawn.xy.min(axis=0)
    streets = replace(drawn, crs=CRS, xy=drawn.xy + moved, vertex_xy=drawn.vertex_xy + moved)
    return scene(
        homes,
        land,
        roads,
        layer("greenway", [shapely.LineString([at(0, 900), at(1000, 900)])]),
        areas("parks", "comprehensive", "community", "park"),
        areas("industrial_parks", "industrial"),
        areas("shelters", "emergency", "fixed", "central", capacity=[100.0, 500.0, 900.0]),
        places("fire_stations", "first_class", "second_class", "small", "suburban"),
        places("education", "kindergarten", "primary_school", "middle_school"),
        places("hospitals", "hospital", "clinic"),
        places("culture_sport", "library", "sports_centre"),
        places("elderly_care", "nursing_home", beds=[40.0]),
        places("stations", "bus_stop", "station"),
        places("markets", "marketplace"),
        places("consumption", "mall"),
        places("villages", "village"),
        streets=lambda: streets,
        slopes=lambda: (np.full(100, 3.0), Trust(frozenset({"derived"}), 100.0)),
    )


def test_a_town_that_has_everything_can_be_told_all_that_any_layer_tells():
    known = read_standards()
    table = check_up(known, a_town_with_everything())
    told = set(table.loc[table["verdict"] != "cannot be told", "indicator"])
    assert set(known) - told == {k for k, i in known.items() if i.measure == "unmeasured"}
    # What cannot be told says what it takes.
    reasons = untold(table)
    assert reasons["why"].str.contains(" / it takes ").all()
    by = table[table["area"] == ALL].set_index("indicator")
    # Streets every 200 m: 10 km/km² and more, blocks of 4 ha, no street farther than 200 m from the next.
    assert by.at["road_density_residential", "verdict"] == "met"
    assert by.at["road_spacing_300", "value"] == pytest.approx(200, rel=3e-3)
    assert by.at["residential_block_least", "verdict"] == "met"
    assert by.at["park_square_500m", "verdict"] in ("met", "not met")
    assert by.at["park_radius_share", "verdict"].endswith(", part borrowed")
    assert by.at["shelter_fixed_per_head", "verdict"].endswith(", part borrowed")
    assert by.at["fire_area_7", "verdict"] == "indicative"
    assert by.at["slope_residential", "value"] == 1 and by.at["road_density_8", "verdict"] == "threshold unverified"  # fmt: skip


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
    # Blocks of 200 by 200 m, and of 200 by 400 m where a street is missing.
    assert FIGURES["spacing_m"](network, land) == pytest.approx(200, rel=2e-3)
    wider = town(*[way for way in ways if way != ((0, 2), (2, 2), (4, 2))])
    assert FIGURES["spacing_m"](wider, land) == pytest.approx(400, rel=2e-3)
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
