"""Shapes of parks and industrial parks from their drawing instructions, and the port area."""

from __future__ import annotations

import shapely
from assemble import Base
from rivers import metric
from shapes import area_m2, blob, column, largest, outline, solve, strip


def blobs(base: Base, row: tuple, stations: dict):
    """Shape of a park or industrial park from its drawing instruction, in metres."""
    area_ha, how = row[6], row[7]
    if how is None:
        return None
    if how[0] == "strip":
        _, river, a, b, side = how
        return strip(base.lines[river], stations[a], stations[b], side, area_ha, base.land)
    if how[0] == "blob":
        return blob(*how[1:3], area_ha, *how[3:], wet=base.land)
    if how[0] == "outline":
        return outline(how[1], area_ha, base.metric[row[4]].difference(base.land))
    if how[0] == "column":
        return column(*how[1:3], base.metric[row[4]].difference(base.land), area_ha)
    if how[0] == "halves":
        _, lon, lat, total, part = how
        whole = blob(lon, lat, total, 1.5, 0, wet=base.land)
        x = solve_cut(whole)
        west, south, east, north = whole.bounds
        return whole.intersection(
            shapely.box(west, south, x, north) if part == 0 else shapely.box(x, south, east, north)
        )
    raise SystemExit(f"unknown drawing {how}")


def solve_cut(shape) -> float:
    """x of the meridian line that halves a shape."""
    west, south, east, north = shape.bounds
    half = area_m2(shape) / 2
    return solve(
        lambda w: shape.intersection(shapely.box(west, south, west + w, north)),
        half,
        0,
        east - west,
    ).bounds[2]


def port_area(base: Base):
    """The port area from its four limits, its western neighbour, and the port railway on its north."""
    west_x = metric(shapely.Point(105.4895, 28.90)).x
    lines = [line for piece, line in base.expressways if piece[0] == "x_czlc"]
    expressway = shapely.line_merge(
        shapely.union_all([*lines, base.crossings["x_czlc", "yangtze"]])
    )
    far = base.area.envelope
    sides = shapely.get_parts(
        shapely.polygonize([shapely.union_all([far.exterior, *_reach(expressway, far)])])
    )
    inside = next(p for p in sides if p.contains(metric(shapely.Point(105.50, 28.90))))
    east = base.area.bounds[2]
    below = metric(shapely.Point(105.50, 28.872)).y
    land = (
        inside.buffer(-60)
        .difference(base.wet.buffer(30))
        .intersection(shapely.box(west_x, below, east, 1e7))
    )
    land = next(
        p for p in shapely.get_parts(land) if p.contains(metric(shapely.Point(105.50, 28.90)))
    )
    shape = solve(
        lambda h: largest(land.intersection(shapely.box(west_x, below, east, below + h))),
        19.99e6,
        500,
        20_000,
    )
    top = shape.bounds[3]
    mid = (shape.bounds[1] + top) / 2
    neighbour = shapely.box(west_x - 1300, mid - 900, west_x - 40, top - 100)
    neighbour = largest(neighbour.difference(base.wet.buffer(40)))
    north = [c for c in shape.exterior.coords if abs(c[1] - top) < 1]
    rail = shapely.LineString(
        [
            (west_x - 4000, top + 900),
            (west_x - 1500, top + 250),
            (min(c[0] for c in north), top + 40),
            (max(c[0] for c in north), top + 40),
        ]
    )
    return shape.simplify(1), neighbour, rail


def _reach(line, frame):
    # The triangle's side, run out straight to the frame at both ends so that it cuts it in two.
    a, b = line.coords[0], line.coords[-1]
    _, south, _, north = frame.bounds
    return [
        line,
        shapely.LineString([a, (a[0], north + 1)]),
        shapely.LineString([b, (b[0], south - 1)]),
    ]
