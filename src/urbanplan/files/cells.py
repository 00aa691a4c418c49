"""What heads of columns and cells of tables say: coordinates, figures, units."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from urbanplan.base.schema import is_missing, normal
from urbanplan.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


#: Columns that a table may have.
MAX_COLUMNS = 4096
#: Characters of a name that may say where a row is.
_MAX_NAME = 200
#: Lines in which the header is looked for; titles may stand above it.
HEADER_WITHIN = 10
#: Names of coordinate columns, the surest pair first: (longitude or east, latitude or north).
PAIRS = (
    (
        ("lon", "lng", "long", "longitude", "stoplon", "经度", "东经", "经度坐标"),
        ("lat", "latitude", "stoplat", "纬度", "北纬", "纬度坐标"),
    ),
    (
        ("easting", "east", "e", "东坐标", "东坐标e", "东", "东向坐标"),
        ("northing", "north", "n", "北坐标", "北坐标n", "北", "北向坐标"),
    ),
    (("x", "x坐标", "pointx", "coordx", "横坐标"), ("y", "y坐标", "pointy", "coordy", "纵坐标")),
)
WKT = (
    "wkt",
    "geometry",
    "geom",
    "wktgeom",
    "thegeom",
    "shape",
    "wkb",
    "wkbgeometry",
    "geometrywkt",
)
#: One column with both, as AMap's services write them: "105.44,28.87".
BOTH = ("location", "lnglat", "lonlat", "经纬度", "坐标")
#: A figure, as text.
NUMBER = r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"


def plain(name: Any) -> str:
    """A column's name without case, spaces, underscores and what stands in brackets."""
    text = str(name or "")
    # Behind the last bracket that closes none is opened: looking for its end would take the square.
    end = max(map(text.rfind, ")）]】")) + 1
    inside = re.sub(r"[\s_\-]|[(（\[【][^)）\]】]*[)）\]】]", "", text[:end])
    return (inside + re.sub(r"[\s_\-]", "", text[end:])).casefold()


#: What the name of a coordinate column says of its system; the first that is found counts.
_SYSTEMS = (
    ("gcj02", "gcj02|gcj|火星|高德|amap|腾讯"),
    ("bd09", "bd09ll|bd09mc|bd09|百度|baidu"),
    ("wgs84", "wgs1984|wgs84|wgs|epsg4326|4326"),
    ("cgcs2000", "cgcs2000|国家2000|2000国家大地坐标系|大地2000|epsg4490|4490"),
    ("", "西安80|西安1980|xian80|xian1980|北京54|beijing54"),
)


def system_in(name: Any) -> tuple[str, str]:
    """Which system a column's name says, and its name without that, as `plain` writes it.

    Examples
    --------
    >>> system_in("经度(WGS84)"), system_in("gcj02_lng"), system_in("经度")
    (('wgs84', '经度'), ('gcj02', 'lng'), ('', '经度'))
    """
    text = re.sub(r"[\s_\-]", "", normal(str(name or ""))).casefold()
    for system, words in _SYSTEMS:
        found = re.search(words, text)
        if found and system:
            return system, plain(text[: found.start()] + text[found.end() :])
    return "", plain(name)


def coordinate_pairs(names: Sequence[Any]) -> list[tuple[str, tuple[Any, Any]]]:
    """Pairs of columns that may place a row, the surest first, each with the system that its names say."""
    columns = [(*system_in(name), name) for name in names if len(str(name)) <= _MAX_NAME]
    found = []
    for xs, ys in PAIRS:
        for system in dict.fromkeys(system for system, _, _ in columns):
            x, y = (
                next((n for w in words for s, bare, n in columns if (s, bare) == (system, w)), None)
                for words in (xs, ys)
            )
            if x is not None and y is not None and x != y:
                found.append((system, (x, y)))
        if found:
            break
    return found


def coordinate_columns(names: Sequence[Any]) -> tuple[Any, ...]:
    """Which columns place a row: (WKT,), (both,), (x, y), or none.

    Parameters
    ----------
    names : sequence
        Names of columns.

    Returns
    -------
    tuple
        One or two of them; empty if none is recognised.
    """
    names = [name for name in names if len(str(name)) <= _MAX_NAME]
    named = {plain(name): name for name in reversed(names)}
    for name in WKT:
        if name in named:
            return (named[name],)
    for _, pair in coordinate_pairs(names):
        return pair
    return tuple(named[n] for n in BOTH if n in named)[:1]


def settled_columns(
    path: Path, names: Sequence[Any], crs: str | None
) -> tuple[tuple[Any, ...], str]:
    """Which columns place a row, and the system that their names say, once the user has said theirs.

    Raises
    ------
    InputError
        If two pairs could be meant, or the names contradict the user.
    """
    found = coordinate_columns(names)
    pairs = coordinate_pairs(names)
    if len(found) != 2:
        return found, ""
    asked = _asked(crs)
    if asked == "projected" and (
        metres := coordinate_pairs([n for n in names if n not in _degrees(names)])
    ):
        # Degrees stand beside the metres that the user named.
        pairs = metres
    again = [n for n in names if re.fullmatch(r".*\.\d+", str(n)) and plain(re.sub(r"\.\d+$", "", str(n))) in (*PAIRS[0][0], *PAIRS[0][1])]  # fmt: skip
    same = ("wgs84", "cgcs2000") if asked in ("wgs84", "cgcs2000") else ()
    right = pairs
    if crs:
        ranked = (asked, *same, "")
        right = next(([p for p in pairs if p[0] == one] for one in ranked if any(p[0] == one for p in pairs)), [])  # fmt: skip
    listed = "; ".join(f"{x}, {y}" for _, (x, y) in pairs)
    if len(right) > 1 or again:
        raise InputError(
            f"has several pairs of coordinates ({listed}{', '.join(('', *map(str, again)))})",
            where=path,
            remedy="say which system is meant with --crs, or behind the file as FILE|crs=gcj02, or take the others out",
        )
    if not right:
        raise InputError(
            f"has coordinates in {pairs[0][0]} by the names of its columns ({listed}), not in {crs}",
            where=path,
            remedy=f"say --crs {pairs[0][0]}, or rename the columns",
        )
    return right[0][1], right[0][0]


def _degrees(names: Sequence[Any]) -> list[Any]:
    return [n for n in names if system_in(n)[1] in (*PAIRS[0][0], *PAIRS[0][1])]


def _asked(crs: str | None) -> str:
    """The user's system as the names of columns say it; "projected" for metres, empty where nothing is said."""
    if not crs:
        return ""
    system = system_in(crs)[0]
    if system in ("gcj02", "bd09"):
        return system
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        parsed = CRS.from_user_input(crs)
    except CRSError:
        return ""
    if parsed.is_projected:
        return "projected"
    return {4326: "wgs84", 4490: "cgcs2000"}.get(parsed.to_epsg() or 0, system)


def header_row(rows: Sequence[Sequence[Any]]) -> int:
    """Number of the first row that names coordinate columns, else of the first that is filled."""
    for i, row in enumerate(rows):
        if coordinate_columns([cell for cell in row if isinstance(cell, str)]):
            return i
    return next((i for i, row in enumerate(rows) if any(row)), 0)


class Head(NamedTuple):
    """The head of a table: its first and last row, counted from 0, and what each column is called.

    Names are None where a column has none.
    """

    first: int
    last: int
    names: Sequence[Any]

    def notes(self) -> tuple[str, ...]:
        """What is above it, and whether it was put together."""
        two = ("the head stands in two rows: they were read as one",)
        return above(self.first) + two * (self.last > self.first)


def head_of(rows: Sequence[Sequence[Any]]) -> Head:
    """The head of a table, in one row or in two of which the second completes the first.

    Parameters
    ----------
    rows : sequence of sequence
        The first rows; empty cells are None or empty text. A merged cell is filled in its first
        place only.

    Returns
    -------
    Head
        Where two rows are one head, a column is called as in the lower row, else as in the upper.
    """
    rows = [[None if _blank(cell) else cell for cell in row] for row in rows]
    at = header_row(rows)
    if at + 1 < len(rows):
        found, below = _coordinates(rows[at]), _coordinates(rows[at + 1])
        if len(found) == 1 and len(below) == 2 and _words(rows[at + 1]):
            # "坐标" over "经度" and "纬度": the lower row is what names the columns.
            at += 1
    own = rows[at] if rows else []
    if at and _completes(rows[at - 1], own):
        return Head(at - 1, at, _joined(rows[at - 1], own))
    if at + 1 < len(rows) and _splits(own, rows[at + 1]):
        return Head(at, at + 1, _joined(own, rows[at + 1]))
    return Head(at, at, own)


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _coordinates(row: Sequence[Any]) -> tuple[Any, ...]:
    return coordinate_columns([cell for cell in row if isinstance(cell, str)])


def _words(row: Sequence[Any]) -> bool:
    """Whether a row has words only: no figure stands in a head."""
    filled = [cell for cell in row if cell is not None]
    return all(isinstance(c, str) and not re.fullmatch(NUMBER, c.strip()) for c in filled)


def _at(row: Sequence[Any], i: int) -> Any:
    return row[i] if i < len(row) else None


def _completes(upper: Sequence[Any], lower: Sequence[Any]) -> bool:
    """Whether an upper row names columns that the row with the coordinates leaves open."""
    filled = [i for i, cell in enumerate(upper) if cell is not None]
    # A single cell is a title, and so is what stands over a row without gaps.
    return len(filled) > 1 and _words(upper) and any(_at(lower, i) is None for i in filled)


def _splits(upper: Sequence[Any], lower: Sequence[Any]) -> bool:
    """Whether a lower row divides columns of a head that has its coordinates already."""
    placing = _coordinates(upper)
    filled = [i for i, cell in enumerate(lower) if cell is not None]
    if not placing or not filled or not _words(lower):
        return False
    under = [i for i in filled if i and _at(upper, i) is None]
    # A name above one that is divided stands over an open cell to its right.
    starts = [i for i in filled if _at(upper, i) is not None]
    divided = all(i + 1 in under and upper[i] not in placing for i in starts)
    return bool(under) and bool(starts) and divided and len(under) + len(starts) == len(filled)


def _joined(upper: Sequence[Any], lower: Sequence[Any]) -> list[Any]:
    width = max(len(upper), len(lower))
    pairs = ((_at(lower, i), _at(upper, i)) for i in range(width))
    return [own if own is not None else over for own, over in pairs]


def distinct(names: Iterable[Any]) -> list[str]:
    """Names of columns as text, each its own; those without one are called by their number."""
    found: list[str] = []
    for i, name in enumerate(names, 1):
        bare = str(name).strip() if name is not None else f"column {i}"
        found.append(bare if bare not in found else f"{bare}.{i}")
    return found


def without_blank(table: pd.DataFrame, names: Sequence[Any]) -> pd.DataFrame:
    """A table without the columns that have neither a name nor a filled cell."""
    blank = [c for c, n in zip(table.columns, names) if n is None and table[c].isna().all()]
    return table.drop(columns=blank)


def above(row: int) -> tuple[str, ...]:
    """A note on the rows above a header."""
    one = "1 row above the header was skipped"
    return (one if row == 1 else f"{row} rows above the header were skipped",) if row else ()


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
        number: float | None
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
        rest = text.lstrip(_NUMERALS)
        return _numeral(text[: len(text) - len(rest)]), rest, True
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
