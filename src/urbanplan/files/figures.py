"""Figures as people write them: units, multipliers, Chinese numerals, thousands apart, and heads that name a unit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from urbanplan.records import is_missing, normal

#: Units by dimension: the words for each, and how many of the dimension's first unit it is.
_UNITS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "persons": (("人|名|口|位|口人|persons?|people|pers|inhabitants?|residents?|pop", 1.0),),
    "households": (("户|households?|hh|families", 1.0),),
    "beds": (("张床位|张床|床位|张|床|beds?", 1.0),),
    "seats": (("座位|座|席|个座位|seats?", 1.0),),
    "students": (("学生|人|名|位|students?|pupils?", 1.0),),
    "TEU/a": (("标准箱|标箱|teu|teu/a|teu/年|标箱/年|标准箱/年", 1.0),),
    "things": (("个|处|所|套|件|辆|班|places?|jobs?|岗", 1.0),),
    "ha": (
        ("公顷|ha|hectares?|hm2|hm\\^2", 1.0),
        ("亩|市亩|mu", 1 / 15),
        ("顷", 100 / 15),
        ("平方公里|平方千米|km2|km\\^2|sqkm|sq km", 100.0),
        ("平方米|平米|m2|m\\^2|sqm|sq m|方", 1e-4),
        ("acres?|英亩", 0.40468564224),
    ),
    "m": (
        ("米|m|metres?|meters?", 1.0),
        ("公里|千米|km|kilometres?|kilometers?", 1000.0),
        ("厘米|cm", 0.01),
        ("英尺|ft|feet", 0.3048),
        ("英里|mi|miles?", 1609.344),
    ),
    "km/h": (
        ("km/h|kmh|kph|公里/小时|公里/时|千米/小时|千米/时|公里每小时|千米每小时", 1.0),
        ("mph|英里/小时", 1.609344),
        ("m/s|米/秒", 3.6),
    ),
}  # fmt: skip
#: Columns whose unit is another than their dimension's first: (dimension, how many of its first).
_OF: Mapping[str, tuple[str, float]] = {"km²": ("ha", 100.0), "km": ("m", 1000.0)}
#: What a column of no known unit may count, besides bare figures.
_COUNTED = ("persons", "beds", "seats", "students", "TEU/a", "things")
_TIMES: Mapping[str, float] = {
    "": 1.0, "十": 10.0, "百": 100.0, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8,
    "k": 1e3, "thousand": 1e3, "thousands": 1e3, "million": 1e6, "millions": 1e6, "mio": 1e6, "mln": 1e6,
}  # fmt: skip
_TIMES_RE = "|".join(sorted(filter(None, _TIMES), key=len, reverse=True))
_PLAIN = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_ABOUT = re.compile(r"^(?:大约|约|近|接近|~|≈|ca\.?|circa|about|approx\.?)\s*")
_ABOUT_TAIL = re.compile(r"(?:左右|上下)$")
_RANGE = re.compile(rf"{_PLAIN}\s*[^\d\s]*?\s*(?:-|–|—|~|至|到|\bto\b)\s*{_PLAIN}")
_BOUND = re.compile(r"^(?:>|<|≥|≤|超过|不足|不少于|不超过|至少|over|under|more than|less than)|(?:以上|以下|以内|\+)$")  # fmt: skip
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "○": 0}
_DIGITS |= {c: i for i, c in enumerate("壹贰叁肆伍陆柒捌玖", 1)}
_PLACES = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_NUMERALS = "".join((*_DIGITS, *_PLACES, "万亿"))


class Figure(NamedTuple):
    """A cell as a number.

    Attributes
    ----------
    number : float or None
        In the unit asked for; None where the cell is empty or says no number.
    why : str
        Why there is none, or how it was read where that is more than its digits; else empty.
    """

    number: float | None
    why: str = ""


#: The longest text that is read as a figure, and as a column's name with a unit in it.
_MAX_CELL = 200


def figure(value: Any, unit: str = "", head: str = "", *, decimal_comma: bool = False) -> Figure:
    """Read one cell as a figure of a column's unit.

    Parameters
    ----------
    value : object
        The cell: a number, or text such as ``1.2万人``, ``500亩``, ``１２００``, ``约2000``.
    unit : str
        The unit wanted, as the catalogue names it; empty for a plain count.
    head : str
        The column's name where it was delivered: it may name a unit (``人口(万人)``), which holds for
        cells that name none.
    decimal_comma : bool
        Whether a comma stands before decimals, as in ``12,5``.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure("1.2万", "persons").number, figure("500亩", "ha").number.__round__(2)
    (12000.0, 33.33)
    >>> figure("1.2", "persons", "人口(万人)").number, figure("100-200", "persons").why
    (12000.0, 'is a range')
    """
    if is_missing(value):
        return Figure(None)
    if isinstance(value, bool):
        return Figure(None, "is yes or no")
    times, asked = _of_head(head[:_MAX_CELL], unit)
    if not isinstance(value, str):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return Figure(None, "is no figure")
        text = ""
    else:
        # Searching a cell as long as a book for marks of a range takes minutes.
        if len(value) > _MAX_CELL:
            return Figure(None, "is no figure")
        text = _folded(value)
        if not text:
            return Figure(None)
        number, own, why = _split(text, decimal_comma)
        if number is None:
            return Figure(None, why)
        if own is not None:
            times, asked = 1.0, own
        elif why == "times":
            times, asked = 1.0, asked and _first(asked)
    factor = _factor(asked, unit)
    if factor is None:
        return Figure(None, f"is in '{asked}', not in {unit or 'a count'}")
    number *= times * factor
    if not math.isfinite(number):
        return Figure(None, "is no figure")
    # What floats add in the last places is not the figure's.
    number = float(f"{number:.15g}")
    digits = re.match(rf"-?{_PLAIN}", _grouped(text, decimal_comma)) if text else None
    literal = float(digits[0]) if digits else None if text else float(value)
    return Figure(number, "" if literal == number else f"was read as {number:,.10g}")


def uses_decimal_comma(cells: Iterable[Any]) -> bool:
    """Whether the commas of a column's texts stand before decimals: some cannot part thousands, and none must."""
    some = False
    for cell in cells:
        if isinstance(cell, str) and "," in cell and len(cell) <= _MAX_CELL:
            text = re.sub(r"\s", "", _folded(cell))
            if re.search(r",\d+[,.]|\.\d+\.", text) and not re.search(r"\.\d{3},\d+$", text):
                return False
            some |= bool(re.search(r"\d,(?!\d{3}(?!\d))\d+", text))
    return some


def unit_of(head: str) -> str:
    """The word for a unit, with its multiplier, that a column's name ends in; empty where it names none.

    Examples
    --------
    >>> unit_of("人口（万人）"), unit_of("面积_亩"), unit_of("人口(2020年)"), unit_of("area_ha")
    ('万人', '亩', '', 'ha')
    """
    text = _folded(head[:_MAX_CELL])
    inside = re.findall(r"[(\[【]([^()\[\]【】]*)[)\]】]", text)
    tail = re.search(r"[/_:|\s,]([^/_:|\s,]+(?:/[^/_:|\s,]+)?)$", text)
    for word in (*reversed(inside), *([tail[1]] if tail else [])):
        if _known(re.sub(r"^(?:单位|in|unit)[:\s]*", "", word.strip())):
            return re.sub(r"^(?:单位|in|unit)[:\s]*", "", word.strip())
    ends = re.search(r"(?:万|千|百|亿)(?:人|亩|公顷|平方米|户)$|公顷$|亩$|平方公里$|平方千米$|平方米$|km2$", text)  # fmt: skip
    return ends[0] if ends and ends[0] != text else ""


def without_unit(head: str) -> str:
    """A column's name without the unit that it ends in, and without what brackets say."""
    if len(head) > _MAX_CELL:
        return head
    text, unit = _folded(head), unit_of(head)
    text = re.sub(r"[(\[【][^()\[\]【】]*[)\]】]", "", text)
    if unit and text.endswith(unit):
        text = text[: -len(unit)]
    return text.rstrip("/_:| ,")


def _folded(value: str) -> str:
    # Full-width digits, letters and marks, and signs such as ㎡ and ², become plain ones.
    text = normal(value).strip().lower()
    return text.replace("、", ",").replace("−", "-").replace("\u200b", "")


def _known(word: str) -> bool:
    times, bare = _times(word)
    return (times != 1 and not bare) or _dimensions(bare) != ()


def _times(word: str) -> tuple[float, str]:
    """The multiplier that a word for a unit begins with, and the unit's own word."""
    if _dimensions(word):
        return 1.0, word
    found = re.fullmatch(rf"({_TIMES_RE})\s*(.*)", word)
    if found and (not found[2] or _dimensions(found[2])):
        return _TIMES[found[1]], found[2]
    return 1.0, word


def _dimensions(word: str) -> tuple[tuple[str, float], ...]:
    """Which dimensions a word may be a unit of, and how many of its first unit it is."""
    return tuple(
        (dimension, factor)
        for dimension, units in _UNITS.items()
        for words, factor in units
        if word and re.fullmatch(words, word)
    )


def _first(word: str) -> str:
    return _times(word)[1]


def _of_head(head: str, unit: str) -> tuple[float, str]:
    """The multiplier and the unit that a column's name gives its bare figures."""
    word = unit_of(head) if head else ""
    times, bare = _times(word) if word else (1.0, "")
    return times, bare


def _factor(word: str, unit: str) -> float | None:
    """How many of `unit` one of what the word names is; None where it measures something else."""
    if not word:
        return 1.0
    wanted, size = _OF.get(unit, (unit, 1.0))
    for dimension, factor in _dimensions(word):
        if dimension == wanted:
            return factor / size
        if not unit and dimension in _COUNTED:
            return 1.0
    return None


def _split(text: str, decimal_comma: bool) -> tuple[float | None, str | None, str]:
    """Number and unit of a folded text; the unit is None where none is named.

    The last value says why there is no number, or "times" where the number has its own multiplier.
    """
    bare = _ABOUT_TAIL.sub("", _ABOUT.sub("", text))
    bare = re.sub(r"(?<=[\d十百千万亿])\s*[余多](?=\D|$)", "", bare)
    # Blanks are one each: what may stand between two figures is then found at once.
    if _RANGE.search(" ".join(bare.split())):
        return None, None, "is a range"
    if _BOUND.search(bare):
        return None, None, "is a bound, not a figure"
    negative = bare.startswith("-")
    bare = bare.removeprefix("-").strip()
    bare = _grouped(bare, decimal_comma)
    number, rest, multiplied = _leading(bare)
    if number is None:
        return None, None, "is no figure"
    rest = rest.strip().rstrip(".。")
    if rest and not _dimensions(rest):
        return None, None, f"has '{rest}' behind the figure"
    return (-number if negative else number), rest or None, "times" if multiplied else ""


def _grouped(text: str, decimal_comma: bool) -> str:
    """Text without the marks between thousands, and with a point before decimals."""
    if decimal_comma:
        text = re.sub(r"(?<=\d)[. '\u00a0](?=\d{3}(?!\d))", "", text)
        return re.sub(r"(?<=\d),(?=\d)", ".", text)
    head = re.match(r"\d{1,3}(?:[, '\u00a0]\d{3})+(?!\d)", text)
    return re.sub(r"\D", "", head[0]) + text[head.end() :] if head else text


def _leading(text: str) -> tuple[float | None, str, bool]:
    """The number that a text begins with, what is behind it, and whether it has a multiplier."""
    if text[:1] and text[0] in _NUMERALS:
        numeral = re.match(f"[{_NUMERALS}]+", text)[0]
        number = _numeral(numeral)
        return number, text[len(numeral) :], True
    total, multiplied, last = None, False, math.inf
    while found := re.match(rf"({_PLAIN})\s*({_TIMES_RE})?", text):
        word = found[2] or ""
        rest = text[found.end() :].strip()
        # The "m" of "5 million" is no metre, and the "千" of "5千米" no thousand.
        if word and not _times_holds(word, rest):
            word, rest = "", text[found.end(1) :].strip()
        size = _TIMES[word]
        if size >= last or (total is not None and float(found[1]) * size >= last):
            return None, text, False
        total, last = (total or 0.0) + float(found[1]) * size, size
        multiplied |= bool(word)
        text = rest
        if not word:
            break
    return total, text, multiplied


def _times_holds(word: str, rest: str) -> bool:
    return not _dimensions(word + rest) and (
        not rest or bool(_dimensions(rest)) or rest[0].isdigit()
    )


def _numeral(text: str) -> float | None:
    """A number in Chinese numerals; None where they do not make one.

    Examples
    --------
    >>> _numeral("一千二百"), _numeral("十二万"), _numeral("二〇二〇"), _numeral("三万五千")
    (1200.0, 120000.0, 2020.0, 35000.0)
    """
    if all(c in _DIGITS for c in text):
        return float("".join(str(_DIGITS[c]) for c in text))
    total = section = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _PLACES:
            section += (digit or 1) * _PLACES[c]
            digit = 0
        else:
            size = 10_000 if c == "万" else 100_000_000
            section = (section + digit) or 1
            total = (total + section) * size if size > 10_000 else total + section * size
            section = digit = 0
    return float(total + section + digit)
