"""Geometries as they are delivered, made fit for a layer: what was repaired, what was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.catalog import GEOMETRY_TYPES, LayerKind
from urbanplan.layers import Finding

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

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
    flat = list(flat)
    if not flat:
        return None
    many = shapely.MultiPolygon if family == "polygon" else shapely.MultiLineString
    return flat[0] if len(flat) == 1 else many(flat)
