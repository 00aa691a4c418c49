"""Figures as people write them become a column's unit, or are left out and said: never another number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanplan.files.cells import figure, unit_of, uses_decimal_comma, without_unit


@pytest.mark.parametrize(
    ("cell", "unit", "head", "number"),
    [
        ("1.2万", "persons", "常住人口", 12_000),
        ("1.2万人", "persons", "", 12_000),
        ("3500人", "persons", "", 3500),
        ("约2000", "persons", "", 2000),
        ("2000余人", "persons", "", 2000),
        ("１２００", "persons", "", 1200),
        ("１．２万", "persons", "", 12_000),
        ("1,200", "persons", "", 1200),
        ("1 200", "persons", "", 1200),
        ("3万5000人", "persons", "", 35_000),
        ("1亿2000万", "persons", "", 120_000_000),
        ("一千二百", "persons", "", 1200),
        ("十二万人", "persons", "", 120_000),
        ("2.5 million", "persons", "", 2_500_000),
        ("120 thousand", "persons", "", 120_000),
        (1.2, "persons", "人口（万人）", 12_000),
        ("1.2", "persons", "人口/千人", 1200),
        ("3500人", "persons", "人口（万人）", 3500),
        ("1.2万", "persons", "人口（万人）", 12_000),
        ("500亩", "ha", "", 500 / 15),
        (500, "ha", "面积(亩)", 500 / 15),
        ("12000㎡", "ha", "", 1.2),
        ("1.2万平方米", "ha", "", 1.2),
        ("1.5平方公里", "ha", "", 150),
        ("1.5 km²", "km²", "", 1.5),
        ("150公顷", "km²", "", 1.5),
        ("10 acres", "ha", "", 4.0468564224),
        ("5千米", "m", "", 5000),
        (3, "m", "length_km", 3000),
        ("1.2公里", "km", "", 1.2),
        ("60 km/h", "km/h", "", 60),
        ("30 mph", "km/h", "", 48.28032),
        ("500张", "beds", "", 500),
        ("1.2万", "", "population", 12_000),
        ("3.5e3", "persons", "", 3500),
        (0, "persons", "", 0),
    ],
)
def test_a_figure_becomes_the_columns_unit(cell, unit, head, number):
    assert figure(cell, unit, head).number == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("cell", "unit", "why"),
    [
        ("100-200", "persons", "is a range"),
        ("100人～200人", "persons", "is a range"),
        ("2000以上", "persons", "is a bound, not a figure"),
        (">500", "persons", "is a bound, not a figure"),
        ("300户", "persons", "is in '户', not in persons"),
        ("12公顷", "persons", "is in '公顷', not in persons"),
        ("500人", "ha", "is in '人', not in ha"),
        ("1.2.3", "persons", "has '.3' behind the figure"),
        ("12%", "persons", "has '%' behind the figure"),
        ("暂无", "persons", "is no figure"),
        ("½", "persons", "has '⁄2' behind the figure"),
        ("0x10", "persons", "has 'x10' behind the figure"),
        ("12,5", "persons", "has ',5' behind the figure"),
        ("1e400", "persons", "is no figure"),
        (True, "persons", "is yes or no"),
    ],
)
def test_what_is_no_figure_is_left_out_with_its_reason(cell, unit, why):
    assert figure(cell, unit) == (None, why)


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan")])
def test_an_empty_cell_is_nothing_and_no_fault(cell):
    assert figure(cell, "persons") == (None, "")


def test_only_what_changes_a_figure_is_said():
    assert figure("12.5 公顷", "ha").why == figure("1,200", "persons").why == ""
    assert figure(7, "ha").why == ""
    assert figure("1.2万", "persons").why == "was read as 12,000"
    assert figure(500, "ha", "面积(亩)").why.startswith("was read as 33.33")


def test_commas_before_decimals_are_told_by_the_whole_column():
    assert uses_decimal_comma(["12,5", "3", "1,25"])
    assert not uses_decimal_comma(["1,200", "3,500"])
    assert not uses_decimal_comma(["1,200.5", "12,5"])
    assert figure("1.200,5", "ha", decimal_comma=True).number == 1200.5


@pytest.mark.parametrize(
    ("head", "unit", "bare"),
    [
        ("人口（万人）", "万人", "人口"),
        ("常住人口/万人", "万人", "常住人口"),
        ("面积_亩", "亩", "面积"),
        ("面积（单位：公顷）", "公顷", "面积"),
        ("人口(2020年)", "", "人口"),
        ("人口", "", "人口"),
        ("population (thousands)", "thousands", "population"),
        ("床位数", "", "床位数"),
    ],
)
def test_heads_that_name_a_unit(head, unit, bare):
    assert (unit_of(head), without_unit(head)) == (unit, bare)


FULL_WIDTH = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
WORDS = {"": 1, "万": 1e4, "千": 1e3, "亿": 1e8, "万人": 1e4, "人": 1, "千人": 1e3}


@given(
    st.integers(0, 10**9),
    st.integers(0, 3),
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(["", "约", "大约", "≈"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", " ", "\u3000"]),
)
def test_however_it_is_written_it_is_the_same_number(
    digits, places, word, about, wide, grouped, space
):
    value = digits / 10**places
    text = f"{value:,.{places}f}" if grouped else f"{value:.{places}f}"
    text = about + text + space * bool(word) + word
    text = text.translate(FULL_WIDTH) if wide else text
    got = figure(text, "persons").number
    assert got is not None and math.isclose(got, value * WORDS[word], rel_tol=1e-9, abs_tol=1e-9)


@given(st.text(max_size=30), st.sampled_from(["persons", "ha", "km", ""]), st.text(max_size=12))
def test_any_text_is_a_finite_figure_or_none_with_a_reason(text, unit, head):
    got = figure(text, unit, head)
    assert (got.number is None and (got.why or not text.strip())) or math.isfinite(got.number)
