"""Heads of tables: in which rows they stand, and which of their columns place a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from urbanplan.errors import InputError
from urbanplan.records import normal

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
    return {4326: "wgs84", 4490: "cgcs2000"}.get(parsed.to_epsg(), system)


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
    names: list[Any]

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


def distinct(names: Sequence[Any]) -> list[str]:
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
