"""Rows brought into a layer's form: columns mapped, values understood, geometry repaired; what is refused is said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.base.schema import is_missing
from urbanplan.catalog import (
    COMMON_COLUMNS,
    GEOMETRY_TYPES,
    QUALITIES,
    STATUSES,
    LayerKind,
    plain_name,
    read_aliases,
)
from urbanplan.city.layers import Finding
from urbanplan.errors import UnknownNameError, one_of
from urbanplan.files import cell_text
from urbanplan.files.cells import figure, unit_of, uses_decimal_comma, without_unit

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry


#: Words for a status, as plans and cadastres use them.
_STATUS_WORDS = {
    "existing": ("现状", "已建", "建成", "已建成", "现有", "运营", "在用", "existing", "built", "open"),
    "planned": ("规划", "在建", "新建", "改建", "扩建", "planned", "proposed", "construction"),
    "announced": ("拟建", "远期", "意向", "announced"),
}  # fmt: skip
#: Metres that stand in for an accuracy that nobody stated; rows that take it say so.
UNSTATED_M = 100.0
_UNSTATED = (
    f"位置精度未说明，按{UNSTATED_M:g}米计",
    f"accuracy not stated, taken as {UNSTATED_M:g} m",
)


@dataclass(frozen=True)
class Worth:
    """What rows say of themselves where the delivery does not.

    Attributes
    ----------
    status, quality : str
    accuracy_m : float or None
        None: not stated; rows then say that `UNSTATED_M` is assumed.
    source, licence, as_of : str
    """

    status: str
    quality: str
    accuracy_m: float | None
    source: str
    licence: str
    as_of: str


def columns_of(kind: LayerKind) -> list[str]:
    """Columns of a layer in their order, without the geometry."""
    return [*COMMON_COLUMNS, *kind.columns]


def match(names: list[str], kind: LayerKind, given: Mapping[str, str]) -> dict[str, str]:
    """Which column of a delivery fills which column of the layer.

    Parameters
    ----------
    names : list of str
        Columns of the delivery.
    kind : LayerKind
    given : mapping of str to str
        The user's own: layer column to delivery column.

    Returns
    -------
    dict of str to str
        Layer column to delivery column; what nobody calls by a known name is left out.

    Raises
    ------
    UnknownNameError
        If the user names a column that is not there.
    """
    wanted = columns_of(kind)
    for own, theirs in given.items():
        if own not in wanted:
            raise UnknownNameError(
                f"'{own}' is no column of the layer '{kind.id}'",
                remedy=one_of(own, wanted),
            )
        if theirs not in names:
            raise UnknownNameError(
                f"the file has no column '{theirs}'", remedy=one_of(theirs, names)
            )
    plain: dict[str, str] = {}
    bare: dict[str, str] = {}
    for name in names:
        plain.setdefault(plain_name(name), name)
        if unit_of(name):
            # "人口（万人）" is the column "人口", in another unit.
            bare.setdefault(plain_name(without_unit(name)), name)
    found, taken = dict(given), set(given.values())
    for column in wanted:
        if column in found:
            continue
        aliases = (column, *read_aliases().get(column, ()))
        known = [plain.get(plain_name(alias)) for alias in aliases]
        if kind.columns.get(column):
            known += [bare.get(plain_name(without_unit(a) or a)) for a in aliases]
        hit = next((name for name in known if name is not None and name not in taken), None)
        if hit is not None:
            found[column] = hit
            taken.add(hit)
    if "name_zh" not in found:
        # "医院名称", "公园名": one column alone that ends so holds the names.
        called = [n for n in names if n not in taken and plain_name(n).endswith(_NAMED)]
        found |= {"name_zh": called[0]} if len(called) == 1 else {}
    return {column: found[column] for column in wanted if column in found}


#: How a column of names ends, whatever stands before.
_NAMED = ("名称", "名字", "公园名", "医院名", "学校名", "校名", "单位名")


def fill(
    table: pd.DataFrame,
    shapes: np.ndarray,
    mapped: Mapping[str, str],
    kind: LayerKind,
    worth: Worth,
    labels: Sequence[str] | np.ndarray | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Rows with every column of the layer, and what had to be read otherwise than it stands.

    Parameters
    ----------
    table : DataFrame
        The delivery's rows.
    shapes : ndarray of geometry or None, shape (rows,)
    mapped : mapping
        From `match`.
    kind : LayerKind
    worth : Worth
        For what the delivery does not say.
    labels : sequence of str, optional
        What to call each row in findings; its id by default.

    Returns
    -------
    table : DataFrame
        Columns of `columns_of`, without geometry; ids are unique.
    findings : list of Finding
    """
    import pandas as pd

    rows = pd.DataFrame(index=range(len(table)))
    for column in columns_of(kind):
        theirs = mapped.get(column)
        values = table[theirs].tolist() if theirs is not None else [None] * len(table)
        rows[column] = pd.Series([_value(v) for v in values], dtype=object)
    findings: list[Finding] = []
    _name(rows, kind)
    _identify(rows, shapes, kind, findings)
    labels = list(rows["id"]) if labels is None else labels
    _status(rows, kind, worth, labels, findings)
    for column, value in (
        ("source", worth.source),
        ("licence", worth.licence),
        ("as_of", worth.as_of),
    ):
        rows[column] = [str(v) if v is not None else value for v in rows[column]]
    rows["kind"] = [v if v is not None else kind.id for v in rows["kind"]]
    for column, unit in kind.columns.items():
        if unit:
            _figures(rows, column, mapped.get(column, ""), unit, kind, labels, findings)
    _accuracy(rows, shapes, worth, kind, mapped.get("accuracy_m", ""), labels, findings)
    return rows, findings


def _value(value: Any) -> Any:
    # Missing is None; whole floats lose their point; dates, lists and the like become text.
    value = cell_text(value)
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return (
            int(value) if float(value).is_integer() and abs(float(value)) < 1e15 else float(value)
        )
    text = str(value)
    # A day that Excel keeps is a moment at midnight.
    return text.removesuffix(" 00:00:00")


def _name(rows: pd.DataFrame, kind: LayerKind) -> None:
    zh, en = rows["name_zh"], rows["name_en"]
    rows["named"] = [a is not None or b is not None for a, b in zip(zh, en)]
    rows["name_zh"] = [
        str(a if a is not None else b if b is not None else f"{kind.name_zh}（未命名）")
        for a, b in zip(zh, en)
    ]
    rows["name_en"] = [
        str(b if b is not None else a if a is not None else f"{kind.name_en} (unnamed)")
        for a, b in zip(zh, en)
    ]
    for column in ("district", "note_zh", "note_en"):
        rows[column] = [str(v) if v is not None else "" for v in rows[column]]


def _identify(
    rows: pd.DataFrame,
    shapes: Iterable[BaseGeometry | None],
    kind: LayerKind,
    findings: list[Finding],
) -> None:
    given = [str(v) if v is not None else None for v in rows["id"]]
    usable = None not in given and len(set(given)) == len(given)
    if usable:
        rows["id"] = given
        return
    if any(v is not None for v in given):
        message = "ids are missing or occur twice: new ones were made"
        findings.append(Finding(kind.id, "", "id", message))
    # From what a row is, not from where it stands: the same rows in another order keep their ids.
    seen: dict[str, int] = {}
    made = []
    for name, shape in zip(rows["name_zh"], shapes):
        key = content_id(kind, name, shape)
        seen[key] = seen.get(key, 0) + 1
        made.append(key if seen[key] == 1 else f"{key}_{seen[key]}")
    rows["id"] = made


def content_id(kind: LayerKind, name: str, shape: Any) -> str:
    """An id from what a feature is: its name and its shape."""
    content = name.encode() + (shape.wkb if shape is not None else b"")
    return f"{kind.id}_{hashlib.sha256(content).hexdigest()[:10]}"


def _status(
    rows: pd.DataFrame,
    kind: LayerKind,
    worth: Worth,
    labels: Iterable[str],
    findings: list[Finding],
) -> None:
    words = {word: status for status, all_ in _STATUS_WORDS.items() for word in all_}
    for column, known, default in (
        ("status", {**words, **{s: s for s in STATUSES}}, worth.status),
        ("quality", {q: q for q in QUALITIES}, worth.quality),
    ):
        values = []
        for label, value in zip(labels, rows[column]):
            text = str(value).strip().casefold() if value is not None else None
            if text is not None and text not in known:
                message = f"{column} '{value}' is not known: taken as {default}"
                findings.append(Finding(kind.id, label, column, message))
            values.append(default if text is None else known.get(text, default))
        rows[column] = values


def _figures(
    rows: pd.DataFrame, column: str, theirs: str, unit: str, kind: LayerKind, labels: Iterable[str], findings: list[Finding]) -> None:  # fmt: skip
    values, comma = [], uses_decimal_comma(rows[column])
    for label, value in zip(labels, rows[column]):
        number, why = figure(value, unit, theirs, decimal_comma=comma)
        if number is not None and number < 0:
            number, why = None, "is below 0"
        if why:
            what = why if number is not None else f"{why}: left empty"
            rule = "figure" if number is not None else column
            findings.append(Finding(kind.id, label, rule, f"{column} '{value}' {what}"))
        values.append(number)
    rows[column] = np.array([np.nan if v is None else v for v in values], float)


def _accuracy(
    rows: pd.DataFrame,
    shapes: Iterable[BaseGeometry | None],
    worth: Worth,
    kind: LayerKind,
    theirs: str,
    labels: Iterable[str],
    findings: list[Finding],
) -> None:
    _figures(rows, "accuracy_m", theirs, "m", kind, labels, findings)
    placed = np.array([s is not None for s in shapes], bool)
    stated = rows["accuracy_m"].to_numpy(float)
    bare = placed & ~(stated > 0)
    default = UNSTATED_M if worth.accuracy_m is None else worth.accuracy_m
    rows["accuracy_m"] = np.where(placed, np.where(bare, default, stated), np.nan)
    if worth.accuracy_m is None:
        for column, note in zip(("note_zh", "note_en"), _UNSTATED):
            joined = [
                f"{v}；{note}" if column == "note_zh" and v else f"{v}; {note}" if v else note
                for v in rows[column]
            ]
            rows[column] = np.where(bare, joined, rows[column])


#: Polygons narrower than this (twice the area over the perimeter) are slivers, in degrees: 5 cm.
_SLIVER_DEG = 5e-7
#: A line whose ends are closer than this is meant to be closed, in degrees: 1 m.
_CLOSED_DEG = 1e-5
#: Why a row is refused, by the rule of its finding.
REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "coordinates": "坐标不是数字 / a coordinate is no number",
        "geometry": "几何类型不符 / geometry of another kind",
        "make_valid": "不围成面积 / no area enclosed",
        "sliver": "细于5厘米 / thinner than 5 cm",
        "length": "没有长度 / a line without length",
        "place": "没有这样的区 / no district is called so",
        "empty": "既无位置也无名称 / neither a place nor a name",
    }
)


class Repaired(NamedTuple):
    """Geometries fit for a layer.

    Attributes
    ----------
    shapes : ndarray of object, shape (rows,)
        None where a row has no place, or was refused.
    keep : ndarray of bool, shape (rows,)
        False for rows that are refused.
    repaired, refused : list of Finding
    """

    shapes: np.ndarray
    keep: np.ndarray
    repaired: list[Finding]
    refused: list[Finding]


class _Desk:
    """Geometries on their way through the repairs."""

    def __init__(self, shapes: np.ndarray, labels: np.ndarray, kind: LayerKind) -> None:
        self.shapes, self.labels, self.kind = shapes.copy(), labels, kind
        self.keep = np.ones(len(shapes), bool)
        self.repaired: list[Finding] = []
        self.refused: list[Finding] = []

    def here(self, mask: np.ndarray) -> np.ndarray:
        """Rows of a mask that are still in and have a geometry."""
        there = np.array([s is not None for s in self.shapes], bool)
        return np.flatnonzero(mask & self.keep & there)

    def change(self, rows: np.ndarray, new: np.ndarray, rule: str, message: str) -> None:
        """Put new geometries in, and say so."""
        if len(rows):
            self.shapes[rows] = new
        for row in rows:
            self.repaired.append(Finding(self.kind.id, self.labels[row], rule, message))

    def refuse(self, rows: np.ndarray, rule: str, why: Callable[[int], str] | str) -> None:
        """Take rows out, and say why."""
        for row in rows:
            message = why if isinstance(why, str) else why(row)
            self.refused.append(Finding(self.kind.id, self.labels[row], rule, message))
        self.keep[rows] = False


def repair(
    shapes: np.ndarray, labels: np.ndarray, kind: LayerKind, *, clockwise: bool = False
) -> Repaired:
    """Make delivered geometries fit for a layer.

    Parameters
    ----------
    shapes : ndarray of geometry or None, shape (rows,)
        In WGS84 degrees.
    labels : ndarray of str, shape (rows,)
        What to call each row in findings.
    kind : LayerKind
        Its geometry family decides what fits.
    clockwise : bool
        The delivery's format asks for clockwise rings (shapefile): turning them is no finding.

    Returns
    -------
    Repaired
        Coordinates that are no numbers are refused; heights are dropped; collections are taken
        apart; closed lines become areas where areas are wanted, areas the point inside them where
        points are; invalid areas are made valid, slivers dropped, rings turned as RFC 7946 has
        them (outer rings anticlockwise).
    """
    desk = _Desk(shapes, labels, kind)
    _numbers(desk)
    _flat(desk)
    _family(desk)
    if kind.geometry == "polygon":
        _valid(desk)
        _slivers(desk)
        _turned(desk, clockwise)
    elif kind.geometry == "line":
        _moving(desk)
    return Repaired(desk.shapes, desk.keep, desk.repaired, desk.refused)


def _every(desk: _Desk) -> np.ndarray:
    return desk.here(np.ones(len(desk.shapes), bool))


def _numbers(desk: _Desk) -> None:
    import shapely

    rows = _every(desk)
    xy, of = shapely.get_coordinates(desk.shapes[rows], return_index=True)
    odd = np.unique(of[~np.isfinite(xy).all(axis=1)])
    desk.refuse(rows[odd], "coordinates", "has a coordinate that is no number")
    rows = _every(desk)
    empty = rows[shapely.is_empty(desk.shapes[rows])]
    desk.shapes[empty] = None


def _flat(desk: _Desk) -> None:
    import shapely

    rows = _every(desk)
    rows = rows[shapely.has_z(desk.shapes[rows])]
    desk.change(rows, shapely.force_2d(desk.shapes[rows]), "heights", "its heights were dropped")


def _family(desk: _Desk) -> None:
    # What can stand for the family does; the rest is refused.
    wanted = GEOMETRY_TYPES[desk.kind.geometry]
    for row in _every(desk):
        shape = desk.shapes[row]
        if shape.geom_type in wanted:
            continue
        new, message = _as_family(shape, desk.kind.geometry)
        at = np.array([row])
        if new is None:
            desk.refuse(
                at,
                "geometry",
                f"is a {shape.geom_type}, the layer holds {desk.kind.geometry}s",
            )
        else:
            desk.shapes[row] = new
            desk.change(at, desk.shapes[at], "geometry", message)


def _as_family(shape: BaseGeometry, family: str) -> tuple[BaseGeometry | None, str]:
    import shapely

    parts = [p for p in shapely.get_parts(shape) if not p.is_empty]
    own = [p for p in parts if p.geom_type in GEOMETRY_TYPES[family]]
    if shape.geom_type == "GeometryCollection" and own:
        return shapely.union_all(own) if len(own) > 1 else own[0], "was taken out of a collection"
    if family == "point" and parts:
        return shape.representative_point(), f"{shape.geom_type}: a point inside it stands for it"
    if family == "polygon":
        rings = [_ring(p) for p in parts if p.geom_type in ("LineString", "LinearRing")]
        if rings and all(r is not None for r in rings) and len(rings) == len(parts):
            return shapely.union_all(shapely.make_valid(rings)), "a closed line became an area"
    return None, ""


def _ring(line: BaseGeometry) -> BaseGeometry | None:
    # The area inside a line that is closed, or nearly.
    import shapely

    xy = shapely.get_coordinates(line)
    if len(xy) < 3 or np.hypot(*(xy[0] - xy[-1])) > _CLOSED_DEG:
        return None
    xy = np.vstack([xy[:-1], xy[:1]]) if len(xy) > 3 else np.vstack([xy, xy[:1]])
    return shapely.Polygon(xy) if len(xy) >= 4 else None


def _valid(desk: _Desk) -> None:
    import shapely

    rows = _every(desk)
    rows = rows[~shapely.is_valid(desk.shapes[rows])]
    reasons = [r.split("[")[0].lower() for r in shapely.is_valid_reason(desk.shapes[rows])]
    for row, reason in zip(rows, reasons):
        fixed = shapely.make_valid(desk.shapes[row], method="structure", keep_collapsed=False)
        parts = [p for p in shapely.get_parts(fixed) if p.geom_type == "Polygon" and p.area]
        at = np.array([row])
        if not parts:
            desk.refuse(at, "make_valid", f"encloses no area ({reason})")
        else:
            desk.shapes[row] = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
            desk.change(at, desk.shapes[at], "make_valid", f"was made valid ({reason})")


def _slivers(desk: _Desk) -> None:
    import shapely

    rows = _every(desk)
    if not len(rows):
        return
    parts, of = shapely.get_parts(desk.shapes[rows], return_index=True)
    thin = 2 * shapely.area(parts) < _SLIVER_DEG * shapely.length(parts)
    for index in np.unique(of[thin]):
        row, left = rows[index], parts[(of == index) & ~thin]
        at = np.array([row])
        if not len(left):
            desk.refuse(at, "sliver", "is thinner than 5 cm")
            continue
        dropped = int(thin[of == index].sum())
        desk.shapes[row] = left[0] if len(left) == 1 else shapely.MultiPolygon(list(left))
        desk.change(at, desk.shapes[at], "sliver", f"{dropped} parts thinner than 5 cm dropped")


def _turned(desk: _Desk, clockwise: bool) -> None:
    import shapely

    rows = _every(desk)
    turned = shapely.orient_polygons(desk.shapes[rows])
    other = ~shapely.equals_exact(turned, desk.shapes[rows], tolerance=0.0, normalize=False)
    if clockwise:
        desk.shapes[rows] = turned
    else:
        desk.change(rows[other], turned[other], "winding", "its rings were turned (RFC 7946)")


def _moving(desk: _Desk) -> None:
    rows = _every(desk)
    rows = rows[_motionless(desk.shapes[rows])]
    desk.refuse(rows, "length", "is a line without length")


def _motionless(lines: np.ndarray) -> np.ndarray:
    # Layers are stored to six decimals of a degree: what is shorter becomes a point.
    import shapely

    return shapely.length(shapely.transform(lines, lambda xy: np.round(xy, 6))) == 0


def doubles(shapes: np.ndarray, names: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Rows that repeat an earlier one: the same shape (whatever its first vertex) and name."""
    import shapely

    seen: set[tuple[bytes, str]] = set()
    twice = []
    for row in np.flatnonzero(keep):
        if shapes[row] is None:
            continue
        key = (shapely.to_wkb(shapely.normalize(shapes[row])), str(names[row]))
        if key in seen:
            twice.append(row)
        seen.add(key)
    return np.array(twice, np.int64)


def cut(shapes: np.ndarray, area: BaseGeometry, family: str) -> np.ndarray:
    """Shapes as far as they lie in an area; None where they do not.

    Parameters
    ----------
    shapes : ndarray of geometry or None
    area : geometry
        In the same system.
    family : {"point", "line", "polygon"}
        Only parts of this family are kept.
    """
    import shapely

    shapely.prepare(area)
    out = np.full(len(shapes), None, object)
    there = np.array([s is not None for s in shapes], bool)
    rows = np.flatnonzero(there)
    rows = rows[shapely.intersects(area, shapes[rows])]
    out[rows] = shapes[rows]
    if family == "point":
        return out
    over = rows[~shapely.covers(area, shapes[rows])]
    for row, part in zip(over, shapely.intersection(shapes[over], area)):
        out[row] = _only(part, family)
    return out


def cut_beyond(
    shapes: np.ndarray, area: BaseGeometry, near: BaseGeometry, family: str
) -> np.ndarray:
    """Shapes as far as they lie near an area but not in it; None where they do not.

    Parameters
    ----------
    shapes, family
        As for `cut`.
    area, near : geometry
        In the same system; `near` holds `area`.
    """
    import shapely

    shapely.prepare(near)
    out = np.full(len(shapes), None, object)
    rows = np.flatnonzero([s is not None for s in shapes])
    rows = rows[shapely.intersects(near, shapes[rows]) & ~shapely.covers(area, shapes[rows])]
    if family == "point":
        rows = rows[~shapely.intersects(area, shapes[rows])]
        out[rows] = shapes[rows]
        return out
    ring = near.difference(area)
    for row, part in zip(rows, shapely.intersection(shapes[rows], ring)):
        out[row] = _only(part, family)
    return out


def _only(shape: BaseGeometry, family: str) -> BaseGeometry | None:
    import shapely

    parts = [p for p in shapely.get_parts(shape) if p.geom_type in GEOMETRY_TYPES[family]]
    flat = np.array([q for p in parts for q in shapely.get_parts(p)], object)
    if family == "polygon":
        flat = flat[2 * shapely.area(flat) >= _SLIVER_DEG * shapely.length(flat)]
    elif family == "line":
        flat = flat[~_motionless(flat)]
    if not len(flat):
        return None
    many = shapely.multipolygons if family == "polygon" else shapely.multilinestrings
    return flat[0] if len(flat) == 1 else many(flat)
