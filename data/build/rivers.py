"""The two rivers as barriers and as lines: the 1:4M Yangtze, and the Tuo along the district boundary."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import Transformer
from shapely.ops import substring, transform

METRIC = "EPSG:4544"
TO_M = Transformer.from_crs("EPSG:4326", METRIC, always_xy=True).transform
TO_DEG = Transformer.from_crs(METRIC, "EPSG:4326", always_xy=True).transform
#: Nominal width of the Tuo in metres: no published width was found; it only has to be a barrier.
TUO_WIDTH_M = 200.0
#: Land around a place on the shore, and half of how far apart places of one shore are, in metres.
_SHORE_M, _JOINED_M = 120.0, 300.0


def metric(geometry):
    """A lon/lat geometry in EPSG:4544."""
    return transform(TO_M, geometry)


def degrees(geometry):
    """An EPSG:4544 geometry in lon/lat."""
    return transform(TO_DEG, geometry)


def study_area(districts: dict) -> shapely.Polygon:
    """The three districts and 3 km around them, so that travel may cross their border."""
    whole = shapely.union_all([metric(d) for d in districts.values()])
    area = whole.buffer(3000).simplify(50)
    return shapely.Polygon(area.exterior)


def held_to(river: shapely.Polygon, line: shapely.LineString, banks: dict) -> shapely.Polygon:
    """A river without the land that places on a bank (metric points by side) show to be there."""
    land = []
    for side, points in banks.items():
        flank = line.buffer((1 if side == "left" else -1) * 4000, single_sided=True)
        bank = river.boundary.intersection(flank)
        tongues = [
            shapely.union_all([p, bank.interpolate(bank.project(p))]).convex_hull.buffer(_SHORE_M)
            for p in points
        ]
        # Places of one shore, half a kilometre apart, have no water between them.
        shores = shapely.union_all([t.buffer(_JOINED_M) for t in tongues])
        for shore in shapely.get_parts(shores):
            held = [t for t in tongues if shore.contains(t)]
            land.append(shapely.union_all(held).convex_hull)
    cut = river.difference(shapely.union_all(land))
    return max(shapely.get_parts(cut), key=lambda part: part.area)


def midline(river: shapely.Polygon, upstream: tuple, downstream: tuple) -> shapely.LineString:
    """Line half-way between a river's two banks, from one end of the polygon to the other."""
    ring = river.exterior.segmentize(100)
    xy = np.asarray(ring.coords)[:-1]
    a = np.argmin(np.hypot(*(xy - upstream).T))
    b = np.argmin(np.hypot(*(xy - downstream).T))
    xy = np.roll(xy, -a, axis=0)
    b = (b - a) % len(xy)
    one, two = shapely.LineString(xy[: b + 1]), shapely.LineString(np.r_[xy[b:], xy[:1]][::-1])
    # Each point of one bank meets the nearest of the other; their middles, smoothed, are the line.
    middles = []
    for d in np.arange(0, one.length, 200):
        p = one.interpolate(d)
        q = two.interpolate(two.project(p))
        middles.append(((p.x + q.x) / 2, (p.y + q.y) / 2))
    line = np.array(middles)
    kernel = np.ones(7) / 7
    smooth = np.c_[[np.convolve(np.pad(c, 3, mode="edge"), kernel, "valid") for c in line.T]].T
    return shapely.LineString(smooth).simplify(20)


def tuo_line(jiangyang, longmatan, yangtze) -> shapely.LineString:
    """Shared boundary of the two districts from its upper end down to the Yangtze (metric)."""
    shared = shapely.line_merge(
        shapely.intersection(jiangyang.boundary, longmatan.boundary.buffer(0.5))
    )
    line = max(shapely.get_parts(shared), key=lambda p: p.length)
    if line.coords[0][0] > line.coords[-1][0]:
        line = line.reverse()
    # Follow it into the Yangtze as far as mid-stream, so that no dry gap is left at the mouth.
    wet = line.intersection(yangtze)
    first = min(line.project(shapely.Point(p.coords[0])) for p in shapely.get_parts(wet))
    return substring(line, 0, first + 150)


def tuo_upper_line(jiangyang, county, lower) -> shapely.LineString:
    """Boundary of 江阳 with the county to its north, from its upper end down to where `lower` starts."""
    shared = shapely.intersection(jiangyang.boundary, county.boundary.buffer(1))
    start = shapely.Point(lower.coords[0])
    parts = [p for p in shapely.get_parts(shapely.line_merge(shared)) if p.distance(start) < 5]
    line = max(parts, key=lambda p: p.length)
    if start.distance(shapely.Point(line.coords[0])) < start.distance(line.centroid):
        line = line.reverse()
    above = [c for c in line.coords if start.distance(shapely.Point(c)) > 5]
    return shapely.LineString([*above, lower.coords[0]])
