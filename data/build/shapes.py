"""Drawing shapes to a published size: blobs, strips along a bank, and land that stops at the water."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from pyproj import Geod
from rivers import degrees, metric
from shapely.ops import substring

_GEOD = Geod(ellps="WGS84")


def area_m2(shape) -> float:
    """Ellipsoidal area of a metric shape."""
    return abs(_GEOD.geometry_area_perimeter(shapely.orient_polygons(degrees(shape)))[0])


def length_km(line) -> float:
    """Ellipsoidal length of a metric line in km."""
    return _GEOD.geometry_length(degrees(line)) / 1e3


def solve(make: Callable[[float], shapely.Geometry], target_m2: float, low: float, high: float):
    """Shape of the wanted area from a family that grows with its one parameter (bisection)."""
    for _ in range(60):
        middle = (low + high) / 2
        shape = make(middle)
        low, high = (middle, high) if area_m2(shape) < target_m2 else (low, middle)
    return make(high)


def blob(lon: float, lat: float, area_ha: float, aspect: float = 1.4, angle: float = 0.0, wet=None):
    """Rounded shape of `area_ha` about a place, `aspect` times longer than wide, kept off water."""
    from shapely.affinity import rotate, scale, translate

    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    unit = np.c_[
        np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.6, np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.6
    ]
    base = rotate(scale(shapely.Polygon(unit), aspect**0.5, aspect**-0.5), angle, origin=(0, 0))
    at = metric(shapely.Point(lon, lat))

    def make(r: float):
        shape = translate(scale(base, r, r, origin=(0, 0)), at.x, at.y)
        return largest(shape.difference(wet)) if wet is not None else shape

    return solve(make, area_ha * 1e4, 1, 20_000)


def strip(line, start_m: float, end_m: float, side: str, area_ha: float, wet):
    """Strip of `area_ha` along one bank of a river, between two stations of its line."""
    part = substring(line, start_m, end_m)
    sign = 1 if side == "left" else -1

    def make(w: float):
        flank = part.buffer(sign * w, single_sided=True, join_style="round").buffer(0)
        return largest(flank.difference(wet))

    return solve(make, area_ha * 1e4, 1, 6000).simplify(0.5)


def column(lon: float, south: float, land, area_ha: float, angle: float = 0.0):
    """Piece of `land` of `area_ha` about a meridian, from a parallel up to where the land ends."""
    from shapely.affinity import rotate

    at = metric(shapely.Point(lon, south))

    def make(half: float):
        box = shapely.box(at.x - half, at.y, at.x + half, at.y + 10_000)
        parts = shapely.get_parts(rotate(box, angle, origin=at).intersection(land))
        return min(parts, key=at.distance) if len(parts) else shapely.Polygon()

    return solve(make, area_ha * 1e4, 10, 8000)


def outline(corners: list[tuple[float, float]], area_ha: float, land):
    """Hand-entered outline on `land`, rounded, then scaled about its first corner to `area_ha`."""
    from shapely.affinity import scale

    shape = metric(shapely.Polygon(corners))
    anchor = shapely.get_point(shape.exterior, 0)
    shape = shape.buffer(-60).buffer(60)

    def make(factor: float):
        return largest(scale(shape, factor, factor, origin=anchor).intersection(land))

    return solve(make, area_ha * 1e4, 0.5, 2.0)


def largest(shape):
    """The biggest polygon of a shape."""
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
    return max(parts, key=lambda p: p.area) if parts else shapely.Polygon()


def bank_lines(line, edge, start_m: float, end_m: float, side: str) -> list:
    """Lines along one bank beside a reach of a river, in downstream order; short scraps left out."""
    part = substring(line, start_m, end_m)
    flank = part.buffer((1 if side == "left" else -1) * 1400, single_sided=True).buffer(0)
    pieces = shapely.get_parts(shapely.line_merge(flank.intersection(edge)))
    found = []
    for piece in pieces:
        if piece.geom_type == "LineString" and piece.length > 1500:
            ends = [line.project(shapely.Point(c)) for c in (piece.coords[0], piece.coords[-1])]
            found.append((min(ends), piece if ends[0] < ends[1] else piece.reverse()))
    return [piece for _, piece in sorted(found, key=lambda f: f[0])]


def clip_length(line, km: float, from_end: bool):
    """First (or last) `km` of a metric line, measured on the ellipsoid."""
    scale = length_km(line) * 1000 / line.length
    d = km * 1000 / scale
    return substring(line, line.length - d, line.length) if from_end else substring(line, 0, d)
