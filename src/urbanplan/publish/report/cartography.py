"""Shapes on paper, drawn as a rule's look says: the same colours, dashes and stripes as in QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.crs import to_crs
from urbanplan.publish.report.paper import pt
from urbanplan.publish.symbols import Look

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from shapely.geometry.base import BaseGeometry

#: Stripes of modelled areas: distance and width, as in the QGIS project.
_STRIPES_MM, _STRIPE_MM = 1.8, 0.25
#: Detail that nobody sees on paper.
_DETAIL_MM = 0.04


@dataclass(frozen=True)
class Frame:
    """A window of the ground (metric bounds) and its place on paper (millimetres)."""

    bounds: tuple[float, float, float, float]
    box: tuple[float, float, float, float]

    @property
    def mm_per_m(self) -> float:
        """Scale of the map."""
        return (self.box[2] - self.box[0]) / (self.bounds[2] - self.bounds[0])

    def on_paper(self, shapes: Any) -> np.ndarray:
        """Metric shapes cut to the window, in millimetres; empty ones are left out."""
        import shapely

        # One line of a fence must not spoil the map: what is broken is mended for the eye.
        shapes = np.asarray(shapes, dtype=object)
        shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        if not len(shapes):
            return shapes
        cut = shapely.clip_by_rect(shapely.make_valid(shapes), *self.bounds)
        cut = cut[~shapely.is_empty(cut)]
        scale, (west, south), (x, y) = self.mm_per_m, self.bounds[:2], self.box[:2]
        moved = shapely.transform(cut, lambda at: (at - (west, south)) * scale + (x, y))
        return shapely.simplify(moved, _DETAIL_MM)


def framed(bounds: tuple, box: tuple[float, float, float, float], margin: float = 0.04) -> Frame:
    """A window around bounds that fills a box on paper."""
    west, south, east, north = bounds
    wide, high = max(east - west, 1.0) * (1 + 2 * margin), max(north - south, 1.0) * (1 + 2 * margin)  # fmt: skip
    ratio = (box[3] - box[1]) / (box[2] - box[0])
    wide, high = max(wide, high / ratio), max(high, wide * ratio)
    x, y = (west + east) / 2, (south + north) / 2
    return Frame((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), box)


def draw(ax: Axes, shapes: np.ndarray, look: Look, order: float, clip: Any = None) -> None:
    """Draw shapes in millimetres as a look says."""
    if not len(shapes):
        return
    made = {"point": _points, "line": _lines, "polygon": _areas}[look.geometry](shapes, look)
    for patch, step in made:
        patch.set_zorder(order + step)
        # The sheet's limits are set: asking every patch for its own takes a second a map.
        ax.add_artist(patch)
        if clip is not None:
            patch.set_clip_path(clip)


def _patch(path: Any, **look: Any) -> Any:
    from matplotlib.patches import PathPatch

    return PathPatch(path, **look)


def _dashes(look: Look) -> Any:
    return (0, tuple(pt(x) for x in look.dash_mm)) if look.dash_mm else "solid"


def _stroke(path: Any, look: Look) -> Any:
    return _patch(
        path, fill=False, edgecolor=look.stroke, linewidth=pt(look.width_mm), alpha=look.opacity,
        linestyle=_dashes(look), capstyle="butt", joinstyle="round",
    )  # fmt: skip


def _points(shapes: np.ndarray, look: Look) -> list[tuple[Any, float]]:
    import shapely
    from matplotlib.path import Path

    spots = shapely.get_coordinates(shapely.centroid(shapes) if _has_parts(shapes) else shapes)
    circles = Path.make_compound_path(*(Path.circle(s, look.size_mm / 2) for s in spots))
    fill = _patch(circles, facecolor=look.fill, edgecolor="none", alpha=look.fill_opacity)
    return [(fill, 0.0), (_stroke(circles, look), 0.01)]


def _has_parts(shapes: np.ndarray) -> bool:
    import shapely

    return bool((shapely.get_type_id(shapes) > 0).any())


def _lines(shapes: np.ndarray, look: Look) -> list[tuple[Any, float]]:
    path = path_of(shapes)
    return [] if path is None else [(_stroke(path, look), 0.0)]


def _areas(shapes: np.ndarray, look: Look) -> list[tuple[Any, float]]:
    path = path_of(shapes)
    if path is None:
        return []
    opacity = look.fill_opacity * (0.6 if look.hatch else 1)
    made = []
    if opacity:
        made.append((_patch(path, facecolor=look.fill, edgecolor="none", alpha=opacity), 0.0))
    stripes = path_of(striped(shapes)) if look.hatch else None
    if stripes is not None:
        own = min(1.0, look.fill_opacity + 0.2)
        line = Look("line", look.fill, look.fill, _STRIPE_MM, (), own)
        made.append((_stroke(stripes, line), 0.005))
    return [*made, (_stroke(path, look), 0.01)]


def striped(shapes: np.ndarray) -> np.ndarray:
    """Stripes at 45 degrees within areas; those of neighbours meet, since all lie on one lattice."""
    import shapely

    area = shapely.union_all(shapely.make_valid(shapes), grid_size=1e-4)
    if shapely.is_empty(area):
        return np.array([], dtype=object)
    west, south, east, north = shapely.bounds(area)
    step = _STRIPES_MM * np.sqrt(2)
    first, last = np.ceil((south - east) / step), np.floor((north - west) / step)
    offsets = np.arange(first, last + 1) * step
    ends = np.stack([np.c_[np.full(len(offsets), west), west + offsets], np.c_[np.full(len(offsets), east), east + offsets]], axis=1)  # fmt: skip
    if not len(ends):
        return np.array([], dtype=object)
    shapely.prepare(area)
    cut = shapely.intersection(shapely.linestrings(ends), area)
    return cut[~shapely.is_empty(cut)]


def path_of(shapes: np.ndarray) -> Any:
    """One path of all lines, or of all rings: holes run the other way round, so they stay open."""
    import shapely
    from matplotlib.path import Path

    parts = shapely.get_parts(shapes)
    while (shapely.get_type_id(parts) >= 4).any():
        parts = shapely.get_parts(parts)
    kinds = shapely.get_type_id(parts)
    rings = shapely.get_rings(shapely.orient_polygons(parts[kinds == 3]))
    lines = parts[(kinds == 1) | (kinds == 2)]
    vertices, codes = [], []
    for ring in (*rings, *lines):
        at = shapely.get_coordinates(ring)
        if len(at) < 2:
            continue
        code = np.full(len(at), Path.LINETO, dtype=Path.code_type)
        code[0] = Path.MOVETO
        if shapely.get_type_id(ring) == 2:
            code[-1] = Path.CLOSEPOLY
        vertices.append(np.round(at, 3))
        codes.append(code)
    return Path(np.concatenate(vertices), np.concatenate(codes)) if vertices else None


def metric(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """A layer's located rows in the city's own system."""
    import shapely

    shapes = frame.geometry.values
    return to_crs(frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))], crs)


def inside(shape: BaseGeometry, count: int = 24) -> list[tuple[float, float]]:
    """Places within an area for its name, the roomiest first."""
    import shapely

    parts = shapely.get_parts(shapely.make_valid(shape))
    parts = parts[shapely.area(parts) > 0]
    if not len(parts):
        at = shapely.centroid(shape)
        return [] if shapely.is_empty(at) else [(at.x, at.y)]
    part = parts[np.argmax(shapely.area(parts))]
    circle = shapely.maximum_inscribed_circle(part, tolerance=0.5)
    best = shapely.get_coordinates(circle)[0]
    west, south, east, north = shapely.bounds(part)
    steps = int(np.sqrt(count)) + 1
    grid = np.stack(np.meshgrid(np.linspace(west, east, steps + 2)[1:-1], np.linspace(south, north, steps + 2)[1:-1]), -1).reshape(-1, 2)  # fmt: skip
    grid = grid[shapely.contains_xy(part, grid)]
    near = grid[np.argsort(((grid - best) ** 2).sum(1), kind="stable")]
    return [tuple(map(float, p)) for p in (best, *near)]
