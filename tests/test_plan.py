"""The plan's ledger, its goals, its documents, and where its layers contradict each other."""

import copy
import io
import json
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanplan import study
from urbanplan.catalog import Consistency, load_catalog, read_consistency
from urbanplan.catalog.standards import pick
from urbanplan.city.layers import Layer, load_layers, select
from urbanplan.city.profile import load_city
from urbanplan.cli import main
from urbanplan.errors import InputError
from urbanplan.measures.indicators import check_up
from urbanplan.measures.ledger import book, conflicts, ledger, orphans, target_table
from urbanplan.measures.plan import parse_plan

UTM = "EPSG:32648"
#: Where drawn cases begin, in that system.
EAST, NORTH = 500_000.0, 3_190_000.0
NO_INDICATORS = pd.DataFrame(
    columns=["indicator", "name_zh", "name_en", "area", "value", "unit", "verdict", "why", "own"]
)
PLAN = {
    "plan": {"id": "p", "title_zh": "计划", "title_en": "Plan", "document": "文〔1〕", "source": "s"},
    "part": [{"id": "1", "name_zh": "一", "name_en": "One"}],
    "task": [
        {
            "number": 1, "part": "1", "name_zh": "甲", "name_en": "A", "agencies": ["局"],
            "item": [
                {"id": "1.1", "name_zh": "公园", "name_en": "Parks", "promised_zh": "建", "shows": ["parks:status=existing", "roads"]},
                {"id": "1.2", "name_zh": "空", "name_en": "None", "promised_zh": "建", "shows": [], "agencies": ["院"]},
            ],
        },
        {"number": 2, "part": "1", "name_zh": "乙", "name_en": "B", "published": False},
    ],
}  # fmt: skip


def layer(name, rows, accuracy=10.0, quality="derived"):
    """Rows of (id, shape in metres from the origin, extra columns) as a layer in WGS84."""
    import shapely.affinity

    shapes = [s if s is None else shapely.affinity.translate(s, EAST, NORTH) for _, s, _ in rows]
    frame = gpd.GeoDataFrame(
        [
            {"id": fid, "name_zh": fid, "name_en": fid, "district": "区", "status": "existing",
             "quality": quality, "accuracy_m": accuracy, "source": "s", "licence": "l", **more}
            for fid, _, more in rows
        ],
        geometry=shapes, crs=UTM,
    )  # fmt: skip
    return Layer(load_catalog().layer(name), frame.to_crs(4326), Path(name), "0")


def rule(kind, a, b="", least=1.0, joins=()):
    return {"r": Consistency("规", "rule", kind, a, least, b, joins)}


def found(rules, layers):
    return conflicts(rules, {x.kind.id: x for x in layers}, UTM)[0]


def line(*points):
    return shapely.LineString(points)


@pytest.fixture(scope="module")
def luzhou():
    city = load_city("luzhou")
    ready = study.prepare(city)
    plan = study.plan_of(city)
    standards = study.standards_of(city)
    told = check_up(pick(standards, plan.indicators), study.scene_of(ready))
    return city, plan, ready.layers, told


@pytest.fixture(scope="module")
def told(luzhou):
    city, plan, layers, indicators = luzhou
    return book(plan, layers, indicators, city.metric_crs)


# The plan's file


def test_luzhous_plan_has_fifteen_tasks_and_says_what_is_not_published(luzhou):
    plan = luzhou[1]
    assert [t.number for t in plan.tasks] == list(range(1, 16))
    assert [t.number for t in plan.tasks if not t.published] == [11, 12, 13, 14, 15]
    assert all(t.agencies for t in plan.tasks if t.published)
    assert all(not t.agencies and not t.items for t in plan.tasks if not t.published)
    assert plan.about["document"] == "泸市府办发〔2021〕40号"


def test_every_layer_and_indicator_that_the_plan_names_is_known(luzhou):
    _, plan, layers, _ = luzhou
    city = set(study.standards_of(luzhou[0]))
    for _, item in plan.items:
        assert set(item.indicators) <= city, item.id
        for name, condition in item.layers:
            # Every condition chooses something, so that none is a slip of the pen.
            assert name not in layers or len(select(layers[name].frame, condition)), (
                name,
                condition,
            )


def test_every_layer_of_luzhou_serves_a_task_and_answers_which(luzhou):
    _, plan, layers, indicators = luzhou
    assert orphans(plan, layers, indicators) == ()
    assert plan.tasks_of("culture_sport") == (4,)
    assert plan.tasks_of("hospitals") == (4, 8)
    assert plan.tasks_of_indicator("culture_sport_30") == (4,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.pop("plan"), "no [plan]"),
        (lambda p: p["plan"].pop("source"), "no source"),
        (lambda p: p["task"][0].pop("name_en"), "no name_en"),
        (lambda p: p["task"][0].update(part="9"), "of no part '9'"),
        (lambda p: p["task"][0].update(agencies=[]), "no lead agency"),
        (lambda p: p["task"][1].update(number=1), "task 1 is there twice"),
        (lambda p: p["task"][1].update(number="2"), "'number' of task 2 cannot be '2' → write a whole number"),
        (lambda p: p["task"][0]["item"][1].update(id="1.1"), "item 1.1 is there twice"),
        (lambda p: p["task"][0]["item"][0].pop("promised_zh"), "promises nothing"),
        (lambda p: p["task"][0]["item"][0].update(shows=["moon"]), "moon"),
        (lambda p: p.update(document=[{"id": "d", "name_zh": "文", "name_en": "D"}]), "no precedence"),
        (lambda p: p.update(series=[{"target": "t", "points": []}]), "series of 't'"),
        (lambda p: p.update(series=[{"target": "t", "points": [{"year": 2020, "value": float("nan"), "source": "s"}]}]), "series of 't'"),
        (lambda p: p.update(document=[{"id": "d", "name_zh": "文", "name_en": "D", "precedence": 1, "goals": [{"target": "t"}]}]), "goal of document d"),
    ],
)  # fmt: skip
def test_a_broken_plan_is_named_in_one_sentence(change, words):
    table = copy.deepcopy(PLAN)
    change(table)
    with pytest.raises(InputError, match=words.replace("[", r"\[").replace("]", r"\]")):
        parse_plan(table, Path("plan.toml"))


# The ledger


def test_an_item_counts_what_is_on_the_map_and_says_what_is_missing():
    parks = layer("parks", [
        ("a", shapely.box(0, 0, 9, 9), {}),
        ("b", None, {}),
        ("c", shapely.box(0, 0, 9, 9), {"status": "planned"}),
    ])  # fmt: skip
    rows = ledger(parse_plan(PLAN), {"parks": parks}, NO_INDICATORS, target_table(parse_plan(PLAN), None))  # fmt: skip
    first, second, third = rows.to_dict("records")
    # The planned park is not asked for; one of the others has no place; there are no roads.
    assert (first["features"], first["located"], first["existing"], first["planned"]) == (
        2,
        1,
        2,
        0,
    )
    assert "1 处位置未公布" in first["missing_zh"] and "没有图层“道路”" in first["missing_zh"]
    assert first["agencies"] == "局" and second["agencies"] == "院"
    assert "neither layer nor indicator" in second["missing_en"]
    assert third["missing_en"] == "the task is not published" and third["features"] == 0


def checked(*rows):
    """A check-up's table of (indicator, area, value, unit, verdict, why)."""
    return pd.DataFrame(
        [{"indicator": i, "name_zh": f"{i}率", "name_en": f"{i} rate", "area": a, "value": v, "unit": u, "verdict": w, "why": y, "own": False}
         for i, a, v, u, w, y in rows]
    )  # fmt: skip


def told_of(item, layers, indicators=NO_INDICATORS, targets=None):
    """The ledger's row of one item of a plan that has no other."""
    table = copy.deepcopy(PLAN)
    table["task"] = [{**table["task"][0], "item": [{"id": "1.1", "name_zh": "项", "name_en": "Item", "promised_zh": "建", **item}]}]  # fmt: skip
    plan = parse_plan(table)
    known = {x.kind.id: x for x in layers}
    (row,) = ledger(plan, known, indicators, target_table(plan, targets)).to_dict("records")
    return row


def test_conditions_on_one_layer_add_up_and_count_no_feature_twice():
    parks = layer("parks", [
        ("a", shapely.box(0, 0, 9, 9), {}),
        ("b", shapely.box(0, 0, 9, 9), {"status": "planned", "accuracy_m": 70.0, "quality": "schematic"}),
        ("c", None, {"status": "announced", "accuracy_m": 900.0}),
        ("d", shapely.box(0, 0, 9, 9), {"status": "announced", "accuracy_m": 500.0}),
    ])  # fmt: skip
    row = told_of({"shows": ["parks:status=existing", "parks:id=b", "parks:id=a", "parks:id=c"]}, [parks])  # fmt: skip
    assert (row["features"], row["located"]) == (3, 2)
    assert (row["existing"], row["planned"], row["announced"]) == (1, 1, 1)
    # The best quality is named first; what has no place is no rougher for it.
    assert row["quality"] == "derived+schematic" and row["accuracy_m"] == 70
    assert row["layers"] == "公园 3" and row["layers_en"] == "Parks 3"
    assert row["missing_zh"] == "公园 1 处位置未公布"
    assert row["missing_en"] == "Parks: 1 without a published place"


def test_a_table_is_not_the_map_and_that_is_said():
    targets = layer("targets", [("t", None, {"metric": "m"})])
    parks = layer("parks", [("a", shapely.box(0, 0, 9, 9), {})])
    row = told_of({"shows": ["targets"]}, [targets])
    assert (row["features"], row["located"], row["existing"]) == (0, 0, 1)
    assert row["missing_zh"] == "只有表格记录，没有上图" and np.isnan(row["accuracy_m"])
    row = told_of({"shows": ["targets", "parks"]}, [targets, parks])
    assert (row["features"], row["located"], row["missing_zh"]) == (1, 1, "")
    # Nothing there that is asked for is another thing than no layer at all.
    row = told_of({"shows": ["parks:status=planned", "hospitals"]}, [parks])
    assert row["missing_en"] == "nothing such in Parks; no layer of Hospitals"
    assert row["missing_zh"] == "“公园”没有这样的要素；没有图层“医院”"


def test_what_is_measured_is_that_of_the_whole_city_and_reasons_are_told():
    found = checked(
        ("a", "ALL", 0.5, "share", "met", ""), ("a", "区", 0.9, "share", "not met", ""),
        ("b", "ALL", 1234.5, "persons", "no threshold", ""), ("c", "ALL", np.nan, "share", "cannot be told", "没有图层 / no layer"),
        ("d", "ALL", 3.25, "km²", "not met", ""),
    )  # fmt: skip
    shows = [f"indicator:{x}" for x in "abcd"] + ["indicator:gone"]
    row = told_of({"shows": shows}, [], found)
    assert row["values_zh"] == "a率 50.0%（达标）；b率 1,234 人（无标准值）；c率 –（数据不足）；d率 3.25 km²（未达标）"  # fmt: skip
    assert row["values_en"] == "a rate 50.0% (met); b rate 1,234 people (no threshold); c rate – (cannot be told); d rate 3.25 km² (not met)"  # fmt: skip
    assert row["missing_zh"] == "c率：没有图层；没有指标 gone"
    assert row["missing_en"] == "c rate: no layer; no indicator 'gone'"
    assert row["indicators"] == "a; b; c; d; gone"


def test_an_item_that_is_not_published_says_so_first():
    row = told_of({"published": False, "promised_zh": ""}, [])
    assert not row["published"]
    assert row["missing_zh"] == "措施未公布；没有图层或指标能说明"
    assert row["missing_en"] == "measures not published; neither layer nor indicator shows it"


def test_only_goals_that_are_named_tell_how_far_it_is():
    rows = layer("targets", [("t", None, {}), ("u", None, {})])
    known = pd.concat([
        goals(baseline_value=150.0, baseline_year=2020),
        goals(id="u", name_zh="另", name_en="Other", value=10.0, year=np.nan, baseline_value=4.0, baseline_year=2020),
    ])  # fmt: skip
    row = told_of({"shows": ["targets:id=t"]}, [rows], targets=known)
    assert row["distance_zh"] == "目标：2020年至2025年尚需 50 km²"
    assert row["distance_en"] == "Goal: 50 km² still needed from 2020 to 2025"
    row = told_of({"shows": ["targets:id=u"]}, [rows], targets=known)
    assert row["distance_zh"] == "另：2020年起尚需 6 km²"
    assert row["distance_en"] == "Other: 6 km² still needed from 2020"
    row = told_of({"shows": ["targets"]}, [rows], targets=known)
    assert row["distance_zh"] == ""


def test_a_layer_without_task_and_a_task_without_layer_are_findings():
    plan = parse_plan(PLAN)
    bare = copy.deepcopy(PLAN)
    bare["task"][0]["item"] = bare["task"][0]["item"][1:]
    hospitals = layer("hospitals", [("h", shapely.Point(0, 0), {})])
    said = orphans(plan, {"hospitals": hospitals}, NO_INDICATORS.astype({"own": bool}))
    assert said == ("图层“医院”不属于任何任务 / layer 'hospitals' serves no task",)
    said = orphans(parse_plan(bare), {}, NO_INDICATORS.astype({"own": bool}))
    assert said == ("任务1没有图层或指标 / task 1 has neither layer nor indicator",)


def test_the_ledger_shows_the_very_figures_of_the_check_up(luzhou, told):
    indicators = luzhou[3]
    row = told.ledger.set_index("item").loc["4.5"]
    share = indicators.query("indicator == 'culture_sport_30' and area == 'ALL'")["value"].iloc[0]
    assert 0.5 < share < 1
    assert f"{share:.1%}" in row["values_zh"] and f"{share:.1%}" in row["values_en"]
    # What cannot be told from sketched greenways is missing, with its reason.
    assert "仅有示意数据" in told.ledger.set_index("item").loc["3.2", "missing_zh"]


# Goals


def goals(**row):
    base = {"id": "t", "name_zh": "目标", "name_en": "Goal", "unit": "km²", "value": 200.0, "year": 2025,
            "baseline_value": np.nan, "baseline_year": np.nan, "source": "s"}  # fmt: skip
    return pd.DataFrame([base | row])


def plan_with(points=(), documents=()):
    table = copy.deepcopy(PLAN)
    if points:
        table["series"] = [{"target": "t", "points": [{"year": y, "value": v, "source": "s"} for y, v in points]}]  # fmt: skip
    table["document"] = list(documents)
    return parse_plan(table)


@given(
    st.lists(st.tuples(st.integers(1990, 2020), st.floats(1, 1e6)), min_size=1, max_size=6, unique_by=lambda p: p[0]),
    st.floats(1, 1e6),
)  # fmt: skip
@settings(max_examples=60)
def test_what_is_still_needed_is_arithmetic_on_published_values(points, goal):
    row = target_table(plan_with(points), goals(value=goal)).iloc[0]
    first, last = min(points), max(points)
    assert row["latest"] == last[1] and row["latest_year"] == last[0]
    assert row["still_needed"] == pytest.approx(goal - last[1])
    assert row["per_year"] * (2025 - last[0]) == pytest.approx(goal - last[1])
    if len(points) > 1:
        assert row["past_per_year"] * (last[0] - first[0]) == pytest.approx(last[1] - first[1])
    else:
        assert np.isnan(row["past_per_year"])


def test_nothing_is_said_of_a_goal_without_published_values():
    row = target_table(plan_with(), goals()).iloc[0]
    assert row[["latest", "still_needed", "per_year", "past_per_year"]].isna().all()


def test_luzhou_lacked_thirty_square_kilometres_in_2020(told):
    row = told.targets.set_index("target").loc["tg_area"]
    # 170 km² published for 2020, 200 km² aimed at for 2025.
    assert (row["latest"], row["still_needed"], row["per_year"]) == (170, 30, 6)
    assert told.targets.set_index("target").loc["tg_gdp", ["latest"]].isna().all()


def test_the_document_that_goes_first_sets_the_goal():
    def doc(name, precedence, value):
        return {"id": name, "name_zh": name, "name_en": name, "precedence": precedence,
                "goals": [{"target": "t", "value": value}]}  # fmt: skip

    own = {"id": "p", "name_zh": "本", "name_en": "own", "precedence": 2}
    row = target_table(plan_with(documents=[own, doc("上位", 1, 190.0), doc("下位", 3, 210.0)]), goals()).iloc[0]  # fmt: skip
    assert row["goal"] == 190 and row["other_goals"] == "文〔1〕: 200; 下位: 210"
    row = target_table(plan_with(documents=[own, doc("下位", 3, 200.0)]), goals()).iloc[0]
    assert row["goal"] == 200 and row["other_goals"] == ""


# Conflicts


def test_an_overlap_has_the_area_that_it_has():
    a = layer("parks", [("p", shapely.box(0, 0, 400, 400), {}), ("far", shapely.box(9000, 0, 9100, 100), {})])  # fmt: skip
    b = layer("industrial_parks", [("i", shapely.box(300, 0, 700, 400), {})])
    hit = found(rule("overlap", "parks", "industrial_parks"), [a, b]).iloc[0]
    assert (hit["feature_a"], hit["feature_b"]) == ("p", "i")
    assert hit["area_ha"] == pytest.approx(4.0, rel=1e-3) and np.isnan(hit["length_km"])
    # 100 m wide, drawn to 10 m.
    assert not hit["within_accuracy"]


def test_an_overlap_no_wider_than_the_accuracy_may_be_a_matter_of_drawing():
    a = layer("parks", [("p", shapely.box(0, 0, 400, 400), {})], accuracy=150)
    b = layer("industrial_parks", [("i", shapely.box(300, 0, 700, 400), {})])
    sure = layer("parks", [("p", shapely.box(0, 0, 400, 400), {}), ("q", shapely.box(600, 0, 640, 400), {})])  # fmt: skip
    assert found(rule("overlap", "parks", "industrial_parks"), [a, b])["within_accuracy"].tolist() == [True]  # fmt: skip
    ranked = found(rule("overlap", "parks", "industrial_parks"), [sure, b])
    assert ranked["rank"].tolist() == [1, 2] and ranked["feature_a"].tolist() == ["p", "q"]


def test_a_road_through_a_park_has_the_length_inside():
    park = layer("parks", [("p", shapely.box(0, 0, 1000, 600), {})])
    road = layer("roads", [("r", line((-500, 300), (2000, 300)), {}), ("by", line((0, 601), (900, 601)), {})])  # fmt: skip
    hit = found(rule("through", "roads", "parks", least=50), [road, park])
    assert hit["feature_a"].tolist() == ["r"]
    assert hit["length_km"].iloc[0] == pytest.approx(1.0, rel=1e-3) and np.isnan(hit["area_ha"].iloc[0])  # fmt: skip
    # 300 m from the park's edge: no matter of 10 m.
    assert not hit["within_accuracy"].iloc[0]


def test_a_road_along_the_edge_of_a_park_is_within_the_accuracy():
    park = layer("parks", [("p", shapely.box(0, 0, 1000, 600), {})], accuracy=50)
    road = layer("roads", [("r", line((0, 590), (1000, 590)), {})])
    hit = found(rule("through", "roads", "parks", least=50), [road, park])
    assert hit["length_km"].iloc[0] == pytest.approx(1.0, rel=1e-3) and hit["within_accuracy"].iloc[0]  # fmt: skip


def test_only_what_is_beyond_the_growth_boundary_counts():
    inside = layer("industrial_parks", [("in", shapely.box(0, 0, 100, 100), {}), ("out", shapely.box(900, 0, 1100, 100), {})])  # fmt: skip
    limit = layer("growth_boundary", [("g", shapely.box(-10, -10, 1000, 1000), {})])
    hit = found(rule("outside", "industrial_parks", "growth_boundary"), [inside, limit])
    assert hit["feature_a"].tolist() == ["out"]
    assert hit["area_ha"].iloc[0] == pytest.approx(1.0, rel=1e-3)


def test_one_thing_under_two_names_and_two_under_one_are_told():
    there = layer("hospitals", [
        ("a", shapely.Point(0, 0), {"name_zh": "市医院"}),
        ("b", shapely.Point(20, 0), {"name_zh": "另一个"}),
        # Beside the first as a datum shift puts it; and one of that name elsewhere.
        ("c", shapely.Point(-600, 0), {"name_zh": "（市）医院"}),
        ("e", shapely.Point(9000, 0), {"name_zh": "市医院"}),
        ("d", shapely.Point(20_000, 0), {"name_zh": "远"}),
    ])  # fmt: skip
    hit = found(rule("twice", "hospitals"), [there])
    assert {tuple(r) for r in hit[["feature_a", "feature_b"]].values} == {("a", "b"), ("a", "c")}


@pytest.mark.parametrize("name", ["教育设施（未命名）", "幼儿园", ""])
def test_many_without_a_name_of_their_own_are_not_one_thing(name):
    """Three hundred schools 300 m apart, and two that stand in one yard."""
    schools = [(f"s{i}", shapely.Point(i % 20 * 300, i // 20 * 300), {"name_zh": name}) for i in range(300)]  # fmt: skip
    assert len(found(rule("twice", "education"), [layer("education", schools)])) == 0
    yard = [*schools, ("t", shapely.Point(3030, 900), {"name_zh": name})]
    hit = found(rule("twice", "education"), [layer("education", yard)])
    assert hit[["feature_a", "feature_b"]].values.tolist() == [["s70", "t"]]
    assert hit["length_km"].iloc[0] == pytest.approx(0.03, rel=1e-3)


def test_of_many_in_one_place_each_is_told_and_not_every_pair():
    place = [(f"s{i:03}", shapely.Point(0, 0), {"name_zh": f"n{i}"}) for i in range(400)]
    hit = found(rule("twice", "education"), [layer("education", place)])
    assert len(hit) == 399 and len({*hit["feature_a"], *hit["feature_b"]}) == 400


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("abcdefgh")), max_size=30))  # fmt: skip
@settings(max_examples=60)
def test_what_is_reported_twice_agrees_with_every_pair_tried(points):
    """Independent answer: every pair, on a lattice of 40 m."""
    rows = [(f"p{i}", shapely.Point(x * 40, y * 40), {"name_zh": n}) for i, (x, y, n) in enumerate(points)]  # fmt: skip
    if not rows:
        return
    hit = found(rule("twice", "education"), [layer("education", rows)])
    told = {tuple(int(f[1:]) for f in r) for r in hit[["feature_a", "feature_b"]].values}
    near, alike = set(), set()
    for i, (x, y, n) in enumerate(points):
        for j, (u, v, m) in enumerate(points[:i]):
            apart = 40 * np.hypot(x - u, y - v)
            near |= {(j, i)} if apart <= 50 else set()
            few = sum(n == k for *_, k in points) <= 3
            alike |= {(j, i)} if n == m and few and apart <= 700 else set()
    assert alike <= told <= near | alike
    # Whatever has another beside it is told of.
    assert {i for pair in near for i in pair} <= {i for pair in told for i in pair}


class Work:
    """How many coordinates shapely is given to buffer."""

    def __init__(self, monkeypatch):
        self.coordinates, buffer = 0, shapely.buffer

        def counted(shapes, *args, **how):
            self.coordinates += int(np.sum(shapely.get_num_coordinates(shapes)))
            return buffer(shapes, *args, **how)

        monkeypatch.setattr(shapely, "buffer", counted)
        monkeypatch.setattr(shapely.constructive, "buffer", counted)


def wavy(count, points=200):
    """A row of districts with winding borders, each as wide as 4 km."""
    y = np.linspace(0, 8000, points)
    lines = [np.c_[4000 * k + 200 * np.sin(y / 300 + k), y] for k in range(count + 1)]
    return [(f"d{k}", shapely.Polygon([*lines[k], *lines[k + 1][::-1]]), {}) for k in range(count)]


@pytest.mark.parametrize("kind", ["broken", "gap"])
def test_a_border_is_buffered_once_however_many_ways_end_there(monkeypatch, kind):
    work = []
    for districts, ways in ((4, 20), (4, 70), (16, 70)):
        areas = layer("districts", wavy(districts))
        # Each ends 50 m before the first border.
        roads = layer("roads", [
            (f"r{i:02}", line((4000 + 200 * np.sin(i * 110 / 300 + 1) - 50, i * 110), (1000, i * 110)), {}) for i in range(ways)
        ])  # fmt: skip
        with monkeypatch.context() as patch:
            counter = Work(patch)
            hit = found(rule(kind, "roads" if kind == "broken" else "districts", "districts", least=2000), [roads, areas])  # fmt: skip
            work.append(counter.coordinates)
        if kind == "broken":
            assert set(hit["feature_a"]) == {f"r{i:02}" for i in range(ways)}
        else:
            assert not len(hit)
    # Four times the ways: only each end's own circle more. Four times the districts: four times.
    assert work[1] <= work[0] + 60 * 10 and work[2] <= 5 * work[1]


def test_no_two_polygons_are_compared_that_lie_apart(monkeypatch):
    from urbanplan.city.checks import disjoint

    squares = [(f"z{i:03}", shapely.box(i * 200, 0, i * 200 + 150, 100), {}) for i in range(200)]
    squares += [("x", shapely.box(0, 50, 120, 400), {}), ("y", shapely.box(140, 0, 145, 10), {})]
    there = layer("population", squares)
    calls, intersection = [], shapely.intersection
    with monkeypatch.context() as patch:
        for module in (shapely, shapely.set_operations):
            patch.setattr(module, "intersection", lambda *a, **k: calls.append(1) or intersection(*a, **k))  # fmt: skip
        broken = disjoint({"population": there}, "population")
    assert broken == ["z000 overlaps x"] and len(calls) <= 4


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        ([line((-2000, 500), (-50, 500))], ["l0"]),
        # Another one goes on across the border.
        ([line((-2000, 500), (-50, 500)), line((-50, 500), (2000, 500))], []),
        # It ends far from it.
        ([line((-2000, 500), (-900, 500))], []),
        # It runs along it.
        ([line((-40, 4000), (-40, 500))], []),
    ],
)
def test_a_way_that_ends_at_the_border_of_two_districts_is_broken(lines, broken):
    areas = layer("districts", [
        ("west", shapely.box(-8000, -8000, 0, 8000), {}), ("east", shapely.box(0, -8000, 8000, 8000), {}),
    ])  # fmt: skip
    ways = layer("greenway", [(f"l{i}", x, {}) for i, x in enumerate(lines)])
    hit = found(rule("broken", "greenway", "districts"), [ways, areas])
    assert hit["feature_a"].tolist() == broken


def test_a_road_that_goes_on_over_a_bridge_is_not_broken():
    areas = layer("districts", [
        ("west", shapely.box(-8000, -8000, 0, 8000), {}), ("east", shapely.box(0, -8000, 8000, 8000), {}),
    ])  # fmt: skip
    road = layer("roads", [("r", line((-2000, 500), (-50, 500)), {})])
    bridge = layer("bridges", [("b", line((-50, 500), (60, 500)), {})])
    with_bridge = rule("broken", "roads", "districts", joins=("bridges",))
    assert len(found(with_bridge, [road, areas, bridge])) == 0
    assert len(found(with_bridge, [road, areas])) == 1


def test_a_gap_between_two_districts_is_found_and_open_country_is_not():
    west, east = shapely.box(-5000, 0, 0, 5000), shapely.box(60, 0, 5000, 5000)
    areas = layer("districts", [("west", west, {}), ("east", east.union(shapely.box(0, 0, 60, 1000)), {})])  # fmt: skip
    hit = found(rule("gap", "districts", least=2000), [areas])
    # 60 m by 4,000 m, but for the mouth that closing rounds.
    assert len(hit) == 1 and hit["area_ha"].iloc[0] == pytest.approx(24, rel=0.05)
    whole = layer("districts", [("west", west, {}), ("east", shapely.box(0, 0, 5000, 3000), {})])
    assert len(found(rule("gap", "districts", least=2000), [whole])) == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 8)), max_size=12))
@settings(max_examples=40)
def test_overlaps_agree_with_every_pair_tried(boxes):
    """Independent answer: squares on a lattice overlap by integer arithmetic."""
    parks = [(f"p{i}", shapely.box(x * 100, y * 100, (x + s) * 100, (y + s) * 100), {}) for i, (x, y, s) in enumerate(boxes)]  # fmt: skip
    fixed = (5, 5, 7)
    block = shapely.box(500, 500, 1200, 1200)
    want = {}
    for i, (x, y, s) in enumerate(boxes):
        w = min(x + s, fixed[0] + fixed[2]) - max(x, fixed[0])
        h = min(y + s, fixed[1] + fixed[2]) - max(y, fixed[1])
        if w > 0 and h > 0:
            want[f"p{i}"] = w * h
    if not parks:
        return
    hit = found(rule("overlap", "parks", "industrial_parks", least=100), [layer("parks", parks), layer("industrial_parks", [("i", block, {})])])  # fmt: skip
    assert set(hit["feature_a"]) == set(want)
    for row in hit.itertuples():
        assert row.area_ha == pytest.approx(want[row.feature_a], rel=1e-3)


def test_luzhous_conflicts_are_those_that_were_looked_at(told):
    rules = set(told.conflicts["rule"])
    # Hengli's park lies within the free-trade zone: both are drawn, and both are published.
    top = told.conflicts.iloc[0]
    assert (top["rule"], top["feature_a"], top["feature_b"]) == (
        "industry_twice",
        "ip_lingang",
        "ip_hengli",
    )
    assert 100 < top["area_ha"] < 200
    assert rules <= set(read_consistency())
    assert told.conflicts.crs == "EPSG:4326" and told.conflicts.geometry.is_valid.all()
    assert (told.conflicts["within_accuracy"].diff().dropna() >= 0).all()
    # What cannot be asked is said, by the layer that is lacking.
    assert any("城镇开发边界" in text for text in told.findings)


def test_every_rule_names_kinds_that_there_are():
    kinds = load_catalog().layers
    for name, one in read_consistency().items():
        assert one.a in kinds and (not one.b or one.b in kinds) and set(one.joins) <= set(kinds), (
            name
        )
        assert one.kind in {"overlap", "through", "outside", "gap", "twice", "broken"}
        assert one.least > 0


# Command line


def urbanplan(*args, lang="en"):
    # In this process: another one would load every library anew.
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("URBANPLAN_LANG", lang)
        with pytest.raises(SystemExit) as end:
            main(["-q", *args])
    return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue(), returncode=end.value.code)


def test_the_plan_on_the_command_line_by_task_and_by_agency(tmp_path):
    whole = json.loads(urbanplan("plan", "--json").stdout)
    assert len({r["task"] for r in whole}) == 15
    health = json.loads(urbanplan("plan", "--agency", "市卫生健康委", "--json").stdout)
    assert {r["item"] for r in health} == {
        r["item"] for r in whole if "市卫生健康委" in r["agencies"].split("; ")
    }
    assert {"4.2", "8.1"} <= {r["item"] for r in health}
    third = urbanplan("plan", "--task", "3", lang="zh").stdout
    assert "绿色长廊" in third and "市交通运输局" in third and "体育" not in third
    english = urbanplan("plan", "--task", "3", lang="en").stdout
    assert "promised" in english and "市交通运输局" in english and "承诺" not in english
    out = urbanplan("plan", "--conflicts", "--out", str(tmp_path / "c.xlsx"), "--map", str(tmp_path / "c.gpkg"))  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert len(gpd.read_file(tmp_path / "c.gpkg")) == len(pd.read_excel(tmp_path / "c.xlsx"))


def test_goals_in_the_terminal_have_years_shares_and_speeds_as_such():
    def cells(lang, name):
        lines = urbanplan("plan", "--targets", lang=lang).stdout.splitlines()
        head = [c.strip() for c in next(li for li in lines if li.startswith("┃")).strip("┃").split("┃")]  # fmt: skip
        row = next(li for li in lines if li.startswith(f"│ {name}"))
        return dict(zip(head, (c.strip() for c in row.strip("│").split("│"))))

    land = cells("en", "Built-up area")
    assert (land["unit"], land["goal"], land["year"], land["latest_year"]) == ("km²", "200", "2025", "2020")  # fmt: skip
    # 30 of 170 km² in five years; 170 less 55.25 in the fifteen before.
    assert (land["still_needed"], land["needed_share"], land["per_year"], land["past_per_year"]) == ("30", "17.6%", "6", "7.65")  # fmt: skip
    gdp = cells("zh", "地区生产总值")
    assert (gdp["单位"], gdp["目标值"], gdp["最新值"]) == ("亿元", "2,200", "")


def test_english_tables_name_districts_and_features_in_english():
    told = urbanplan("plan", "--conflicts", lang="en").stdout
    assert "Longmatan" in told and "龙马潭区" not in told and "Hengli Luzhou" in told
    assert "恒力" not in told
    chinese = urbanplan("plan", "--conflicts", lang="zh").stdout
    assert "龙马潭区" in chinese and "恒力" in chinese and "Longmatan" not in chinese
    cover = ("coverage", "luzhou", "--facilities", "hospitals", "--minutes", "30")
    told = urbanplan(*cover, lang="en").stdout
    assert "Naxi District" in told and "纳溪区" not in told
    # What programs read keeps the city's own keys.
    rows = json.loads(urbanplan(*cover, "--json", lang="en").stdout)
    assert {r["area"] for r in rows} == {"江阳区", "龙马潭区", "纳溪区", "ALL"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--task", "33"), "no task 33"),
        (("--agency", "火星局"), "no agency '火星局'"),
        (("--task", "3", "--targets"), "leave --task, --agency and --by out"),
        (("--targets", "--conflicts"), "give one of --targets, --conflicts"),
        (
            ("--task", "3", "--agency", "市卫生健康委"),
            "no agency '市卫生健康委' leads anything of task 3",
        ),
        (("--targets", "--by", "agency"), "leave --task, --agency and --by out"),
        (("--out", "x.doc"), ".doc"),
    ],
)
def test_what_the_plan_does_not_hold_is_one_sentence(args, words):
    done = urbanplan("plan", *args)
    assert done.returncode == 2 and words in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 2


def test_a_city_without_a_plan_says_how_to_write_one(tmp_path):
    from townfolder import write_town

    done = urbanplan("plan", str(write_town(tmp_path / "town")))
    assert done.returncode == 2 and "has no plan" in done.stderr and "plan.toml" in done.stderr


def test_layers_answer_with_their_tasks():
    rows = {r["layer"]: r["tasks"] for r in json.loads(urbanplan("layers", "--json").stdout)}
    assert rows["culture_sport"] == "4" and rows["hospitals"] == "4, 8" and rows["study_area"] == ""


def test_the_shipped_plan_reads_back_as_it_is_written(luzhou):
    path = luzhou[0].find("plan.toml")
    again = parse_plan(tomllib.loads(path.read_text(encoding="utf-8")), path)
    assert again == luzhou[1]
    assert set(again.series) <= set(load_layers(luzhou[0])["targets"].frame["id"])


def test_the_surer_conflict_goes_first_and_the_worse_quality_counts():
    parks = layer(
        "parks",
        [
            ("big", shapely.box(0, 0, 3000, 3000), {"accuracy_m": 9e3, "quality": "schematic"}),
            ("small", shapely.box(5000, 0, 5100, 100), {"accuracy_m": 5.0}),
        ],
    )
    industry = layer("industrial_parks", [("i", shapely.box(0, 0, 9000, 9000), {})], accuracy=5)
    hit = found(rule("overlap", "parks", "industrial_parks"), [parks, industry])
    assert hit["feature_a"].tolist() == ["small", "big"]
    assert hit["quality"].tolist() == ["derived", "schematic"]
    assert hit["within_accuracy"].tolist() == [False, True]
    assert hit["area_ha"].round(3).tolist() == [1.0, 900.0]


def test_still_needed_is_told_with_its_years_and_reached_as_reached():
    def told(value, year=2020):
        plan = copy.deepcopy(PLAN)
        plan["task"][0]["item"][0]["shows"] = ["targets:id=t"]
        plan["series"] = [{"target": "t", "points": [{"year": year, "value": value, "source": "s"}]}]  # fmt: skip
        known = parse_plan(plan)
        held = {"targets": layer("targets", [("t", None, {})])}
        return ledger(known, held, NO_INDICATORS, target_table(known, goals())).iloc[0]

    row = told(170)
    assert row["distance_en"].endswith("30 km² still needed from 2020 to 2025")
    assert (row["features"], row["located"]) == (0, 0) and "in a table only" in row["missing_en"]
    assert told(250)["distance_en"].endswith("reached in 2020") and "-" not in told(250)["distance_zh"]  # fmt: skip


def test_a_series_with_two_values_of_a_year_is_refused():
    plan = copy.deepcopy(PLAN)
    point = {"year": 2020, "value": 1, "source": "s"}
    plan["series"] = [{"target": "t", "points": [point, point | {"value": 2}]}]
    with pytest.raises(InputError, match="two values of one year"):
        parse_plan(plan)
    plan["series"] = [{"target": "t", "points": [point]}] * 2
    with pytest.raises(InputError, match="series of t is there twice"):
        parse_plan(plan)


def test_a_city_of_one_district_has_no_border_to_break_off_at(tmp_path):
    from townfolder import write_layer, write_town

    folder = write_town(tmp_path / "town")
    shapes = gpd.read_file(folder / "layers" / "districts.geojson").geometry if (folder / "layers").exists() else gpd.read_file(folder / "districts.geojson").geometry  # fmt: skip
    write_layer(folder, "districts", [("全", shapes.union_all(), {})])
    assert "district" in study.run(load_city(folder)).plan.conflicts
