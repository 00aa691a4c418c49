"""Any frame as a page, in one line: what is there is shown, what is not stated is said."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from pagereader import values
from urbanplan.errors import CrsError, InputError, UrbanplanError
from urbanplan.output import page
from urbanplan.output.page.content import decimals_of


def frame(**columns):
    count = len(next(iter(columns.values())))
    places = shapely.points(np.c_[105.4 + np.arange(count) / 100, np.full(count, 28.9)])
    return gpd.GeoDataFrame(columns, geometry=places, crs=4326)


def layers(what, *args, **more):
    return values(page.page(what, *args, **more).text)["layers"]


def test_one_line_shows_every_row_and_column():
    (only,) = layers(frame(name_zh=["甲", "乙"], floors=[3, 12], built=[None, "1998"]))
    assert [f["properties"] for f in only["features"]] == [
        {"name_zh": "甲", "floors": 3, "built": None},
        {"name_zh": "乙", "floors": 12, "built": "1998"},
    ]
    assert only["pinyin"] == ["jia j", "yi y"] and only["total"] == 2


def test_other_systems_are_turned_and_none_is_refused():
    there = frame(a=[1])
    (turned,) = layers(there.to_crs(4544))
    assert turned["features"][0]["geometry"]["coordinates"] == pytest.approx([105.4, 28.9])
    with pytest.raises(CrsError, match="no coordinate system"):
        page.page(there.set_crs(None, allow_override=True))


def test_mixed_geometry_becomes_a_layer_each_and_rows_without_a_place_are_listed():
    shapes = [shapely.Point(105, 29), shapely.box(105, 29, 106, 30), None, shapely.Polygon()]
    mixed = gpd.GeoDataFrame({"id": list("abcd"), "n": [1, 2, 3, 4]}, geometry=shapes, crs=4326)
    data = values(page.page(mixed).text)
    assert {x["geometry"]: len(x["features"]) for x in data["layers"]} == {"point": 1, "polygon": 1}
    assert [r["name"] for r in data["unlocated"]] == ["c", "d"]
    assert {"called": {"zh": "n", "en": "n"}, "value": "3"} in data["unlocated"][0]["figures"]


def test_a_geometry_column_may_be_called_anything():
    (only,) = layers(frame(a=[1]).rename_geometry("geom"))
    assert only["features"][0]["properties"] == {"a": 1}


@pytest.mark.parametrize(
    ("columns", "zh"),
    [
        ({"a": [1]}, "未注明来源或精度"),
        ({"quality": ["schematic"], "source": ["x"]}, "不是测绘成果"),
        ({"quality": ["surveyed"], "source": ["x"]}, ""),
    ],
)
def test_what_is_not_stated_or_rough_is_said_above_the_map(columns, zh):
    notice = values(page.page(frame(**columns)).text)["notice"]["zh"]
    assert zh in notice and bool(zh) == bool(notice)


def test_licences_are_listed_or_said_to_be_unstated():
    data = values(page.page({"甲": frame(a=[1]), "乙": frame(quality=["derived"], licence=["MIT"])}).text)  # fmt: skip
    held = [(s["quality"], s["licence"], [x["zh"] for x in s["layers"]]) for s in data["sources"]]
    assert held == [
        ("unstated", "", ["甲"]),
        ("derived", "MIT", ["乙"]),
    ]


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60, unique=True))
def test_figures_fall_into_five_classes_that_hold_all_of_them(numbers):
    (only,) = layers(frame(v=numbers), by="v")
    shade = only["shade"]
    assert shade["figures"] and len(shade["colors"]) == len(shade["keys"]) <= 5
    assert shade["keys"] == sorted(shade["keys"]) and shade["keys"][-1] == max(numbers)
    sizes = np.diff([0, *(sum(v <= k for v in numbers) for k in shade["keys"])])
    assert sizes.sum() == len(numbers) and sizes.max() <= np.ceil(len(numbers) / 5) + 1


def test_names_keep_a_colour_each_and_the_rest_share_one():
    names = [f"n{i % 12}" for i in range(60)]
    (only,) = layers(frame(use=names), by="use")
    assert not only["shade"]["figures"] and len(set(only["shade"]["colors"])) == 8


@pytest.mark.parametrize(
    ("accuracy", "decimals"), [([300.0, 2000.0], 4), ([100.0], 4), ([10.0], 5), ([1.0], 6), ([], 6)]
)
def test_coordinates_are_rounded_to_what_is_known(accuracy, decimals):
    there = frame(accuracy_m=accuracy) if accuracy else frame(a=[1])
    assert decimals_of(there) == decimals


@given(st.floats(0.5, 5000))
def test_rounding_moves_nothing_by_a_tenth_of_its_accuracy(accuracy):
    half_step_m = 0.5 * 10 ** -decimals_of(frame(accuracy_m=[accuracy])) * 111_320
    assert half_step_m <= max(accuracy / 10, 0.06)


@pytest.mark.parametrize(
    ("options", "more", "said"),
    [
        ({"redact": ("nothing",)}, {}, "no frame has a column 'nothing'"),
        ({}, {"by": "nothing"}, "no frame has a column 'nothing'"),
        ({"min_persons": 5}, {}, "tables of a run"),
        ({"redact": ("quality",)}, {}, "every output shows"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, more, said):
    with pytest.raises(UrbanplanError, match=said):
        page.page(frame(a=[1]), page.Options(**options), **more)


def test_a_redacted_column_of_a_frame_is_not_in_the_file():
    text = page.page(frame(a=[1], owner=["秘密"]), page.Options(redact=("owner",))).text
    assert "owner" not in str(values(text)["layers"]) and "秘密" not in str(values(text))


def test_nothing_to_draw_and_shapes_that_are_several():
    with pytest.raises(UrbanplanError, match="nothing to draw"):
        page.page(frame(a=[1]).iloc[:0])
    both = shapely.GeometryCollection([shapely.Point(1, 1), shapely.box(0, 0, 1, 1)])
    with pytest.raises(UrbanplanError, match="GeometryCollection"):
        page.page(gpd.GeoDataFrame({"a": [1]}, geometry=[both], crs=4326))


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    one = page.write(frame(a=[1, 2]), tmp_path / "a.html").read_bytes()
    assert one == page.write(frame(a=[1, 2]), tmp_path / "b.html").read_bytes()


def labelled(*labels):
    """A frame of one row whose columns are called so, and its geometry otherwise."""
    row = pd.DataFrame([["a", *range(1, len(labels)), shapely.box(105, 28, 106, 29)]])
    return gpd.GeoDataFrame(row.set_axis([*labels, "place"], axis=1)).set_geometry(
        "place", crs=4326
    )


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ((0, 1), ["0", "1"]),
        (("x", "x", "x_2"), ["x", "x_3", "x_2"]),
        ((None, float("nan"), ("a", 1)), ["None", "nan", "('a', 1)"]),
        (("geometry", True, 2.5), ["geometry_2", "True", "2.5"]),
        (("__proto__", "constructor"), ["__proto__", "constructor"]),
    ],
)
def test_columns_may_be_called_by_anything(labels, shown):
    data = values(page.page(labelled(*labels), by=labels[-1]).text)
    (layer,) = data["layers"]
    assert layer["columns"] == shown and layer["shade"]["column"] == shown[-1]
    assert layer["features"][0]["properties"] == dict(zip(shown, ["a", 1, 2]))


def test_a_series_of_places_is_a_frame_without_columns():
    places = gpd.GeoSeries([shapely.Point(105, 28)], crs=4326)
    for what in (places, {"甲": places, 2: labelled("x")}):
        data = values(page.page(what).text)
        assert data["layers"][0]["columns"] == [] and len(data["layers"][0]["features"]) == 1
    assert [layer["zh"] for layer in data["layers"]] == ["甲", "2"]


@pytest.mark.parametrize("what", [pd.DataFrame({"a": [1]}), {"甲": [1, 2]}, None, [1]])
def test_what_is_no_frame_of_places_is_refused(what):
    with pytest.raises(InputError, match="is no frame with a geometry"):
        page.page(what)


def test_figures_that_no_browser_holds_are_not_made_others():
    row = {"id": [5105020010010000001], "f": [np.inf], "n": [2**53], "accuracy_m": ["5 m"]}
    frame = gpd.GeoDataFrame(row, geometry=[shapely.Point(105, 28)], crs=4326)
    (feature,) = values(page.page(frame, by="f").text)["layers"][0]["features"]
    assert feature["properties"] == {"id": "5105020010010000001", "f": None, "n": 2**53, "accuracy_m": "5 m"}  # fmt: skip
    lost = frame.set_geometry([shapely.Point(np.nan, 1)], crs=4326)
    data = values(page.page({"a": frame, "b": lost}).text)
    assert len(data["layers"]) == 1 and data["unlocated"][0]["layer"]["en"] == "b"


def test_a_folium_map_takes_more_of_folium_and_asks_no_host():
    import folium

    homes = gpd.GeoDataFrame(
        {"persons": range(12)}, geometry=[shapely.Point(i, 0) for i in range(12)], crs=4326
    )
    line = shapely.LineString([(0, 0), (11, 1)])
    view = page.folium_map({"小区": homes, "线": gpd.GeoSeries([line], crs=4326)}, by="persons")
    assert isinstance(view, folium.Map)
    folium.Circle([0, 0], radius=100).add_to(view)
    text = view.get_root().render()
    assert "L.circle(" in text and json.dumps("小区")[1:-1] in text
    assert not re.search(r"<(?:script|link)[^>]*(?:src|href)=", text)
    colors = set(re.findall(r'"color": "(#[0-9a-f]{6})"', text))
    # Five classes, the line, and the circle in folium's own blue.
    assert len(colors - {"#3388ff"}) == 6


@pytest.mark.parametrize(
    "payload",
    ["{{1111*7}}", "{% endraw %}{{1111*7}}", "</script><script>x()</script>", "<img onerror=x()>"],
)
def test_values_are_no_markup_and_no_template_to_folium(payload):
    frame = gpd.GeoDataFrame({payload: [payload]}, geometry=[shapely.Point(1, 2)], crs=4326)
    text = page.folium_map({payload: frame}, by=payload).get_root().render()
    # What a template would make of it, and markup that would open something, are not there.
    assert "7777" not in text and ("#123;1111*7}}" in text) == ("{{" in payload)
    assert "<img onerror" not in text and "<script>x()" not in text
