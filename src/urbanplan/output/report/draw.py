"""Paper, sheets, cartography and labels of the report, drawn by matplotlib."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import atan2, cos, degrees, floor, log10, sin
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import to_crs
from urbanplan.output.report.fonts import Font, font_of
from urbanplan.output.style import Look

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from shapely.geometry.base import BaseGeometry


#: Width of a text column on A4 with its margins.
WIDTH_MM = 170.0
#: The page's palette.
INK, SOFT, RULE, ACCENT, WARN = "#1f2933", "#55606b", "#c9d1d8", "#0b6b57", "#8a5a00"
_PT_PER_MM = 72 / 25.4
_PATHS, _DIGITS = re.compile(rb' d="[^"]*"'), re.compile(rb"(\.\d\d)\d+")
_PNG_DPI = 220


def pt(mm: float) -> float:
    """Points of so many millimetres."""
    return mm * _PT_PER_MM


@contextmanager
def styled(lang: str) -> Iterator[Font]:
    """Draw with a font that holds the language, and in the page's colours."""
    font = font_of(lang)
    import matplotlib

    rules: dict[Any, Any] = {
        "font.family": [font.family],
        "font.size": 8.0,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": RULE,
        "axes.linewidth": 0.6,
        "axes.unicode_minus": ord("−") in font.characters,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "lines.scale_dashes": False,
        "path.simplify": False,
        "svg.fonttype": "path",
        # Ids in an SVG are hashes; without a salt of ours they would be of chance.
        "svg.hashsalt": "urbanplan",
        "savefig.facecolor": "white",
        "text.parse_math": False,
    }
    with matplotlib.rc_context(rules):
        yield font


@dataclass(frozen=True)
class Paper:
    """A sheet of so many millimetres; `ax` measures it from its lower left corner."""

    figure: Figure
    ax: Axes
    width_mm: float
    height_mm: float
    font: Font

    def text(self, x: float, y: float, text: str, size: float = 8.0, **look: Any) -> Any:
        """Write a line; what the font lacks is marked."""
        look = {"va": "baseline", "color": INK, **look}
        return self.ax.text(x, y, self.font.fit(text), fontsize=size, **look)

    def width(self, text: str, size: float, weight: str = "normal") -> float:
        """How long a line is, in millimetres."""
        return text_width(self.font, text, size, weight)

    def lines(self, text: str, size: float, width: float) -> list[str]:
        """A text broken into lines of at most `width` millimetres."""
        found, line = [], ""
        for word in _words(self.font.fit(text).replace("\n", " ")):
            if line and self.width(line + word.rstrip(), size) > width:
                found.append(line.rstrip())
                line = ""
            line += word if line else word.lstrip()
        return [*found, line.rstrip()] if line.strip() else found


def text_width(font: Font, text: str, size: float, weight: str = "normal") -> float:
    """How long a line of a font is, in millimetres."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    look = FontProperties(family=font.family, size=size, weight=weight)
    wide, _, _ = text_to_path.get_text_width_height_descent(font.fit(text), look, False)
    return wide / _PT_PER_MM


def _words(text: str) -> list[str]:
    # Chinese breaks between any two characters but before a stop; other scripts after a space.
    found: list[str] = []
    for char in text:
        wide = ord(char) >= 0x2E80
        stop = char in "，。；：、！？）》”’"
        joins = found and not found[-1].endswith(" ") and (stop or not (wide or _wide_end(found)))
        if joins:
            found[-1] += char
        else:
            found.append(char)
    return found


def _wide_end(found: list[str]) -> bool:
    return ord(found[-1][-1]) >= 0x2E80


def new_paper(font: Font, width_mm: float, height_mm: float) -> Paper:
    """An empty sheet."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, width_mm)
    ax.set_ylim(0, height_mm)
    return Paper(figure, ax, float(width_mm), float(height_mm), font)


def saved(figure: Figure, form: str) -> bytes:
    """The picture as ``svg`` or ``png``; the same drawing gives the same bytes."""
    out = io.BytesIO()
    about = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    figure.savefig(out, format=form, dpi=_PNG_DPI, metadata=about)
    return _rounded(out.getvalue()) if form == "svg" else out.getvalue()


def _rounded(svg: bytes) -> bytes:
    # Hundredths of a point are finer than any printer: a third of the bytes are digits beyond.
    return _PATHS.sub(lambda m: _DIGITS.sub(rb"\1", m.group()), svg)


#: Millimetres of an em per point of size, and the space kept around a name.
_EM_MM, _AIR_MM = 25.4 / 72, 0.5
#: Beside a point, in order of preference: which side of it the name lies on, across and up.
_BESIDE = ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1))

Box = tuple[float, float, float, float]


@dataclass
class Labels:
    """Writes names into a window of a sheet, and remembers where something is.

    Parameters
    ----------
    paper : Paper
    box : tuple of float
        The window.
    """

    paper: Paper
    box: Box
    taken: list[Box] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def block(self, box: Box) -> None:
        """Keep names away from a box."""
        self.taken.append(box)

    def block_points(self, spots: Iterable[tuple[float, float]], size_mm: float) -> None:
        """Keep names off points."""
        half = size_mm / 2
        for x, y in spots:
            self.block((x - half, y - half, x + half, y + half))

    def beside(self, spot: tuple[float, float], text: str, size: float, gap_mm: float = 2.2, **look: Any) -> bool:  # fmt: skip
        """Write a name beside a point."""
        wide, high = self._size(text, size, look)
        places = []
        for across, up in _BESIDE:
            x = spot[0] + across * (gap_mm + wide / 2) * (0.8 if up and across else 1)
            y = spot[1] + up * (gap_mm * 0.5 + high / 2) * (1.2 if not across else 0.9)
            places.append((x, y))
        return self.at(places, text, size, **look)

    def at(self, places: Iterable[tuple[float, float]], text: str, size: float, **look: Any) -> bool:  # fmt: skip
        """Write a name at the first of these places where it covers nothing."""
        wide, high = self._size(text, size, look)
        for x, y in places:
            box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            if self.free(box):
                self.taken.append(box)
                self._write(x, y, text, size, look)
                return True
        self.left_out.append(text)
        return False

    def _size(self, text: str, size: float, look: dict) -> tuple[float, float]:
        width = self.paper.width(text, size, look.get("weight", "normal"))
        return width + 2 * _AIR_MM, size * _EM_MM * 1.05 + 2 * _AIR_MM

    def free(self, box: Box) -> bool:
        """Whether a box lies in the window and over nothing that is there."""
        inside = box[0] >= self.box[0] and box[1] >= self.box[1] and box[2] <= self.box[2] and box[3] <= self.box[3]  # fmt: skip
        if not inside:
            return False
        there = np.array(self.taken, float).reshape(-1, 4)
        apart = (there[:, 0] >= box[2]) | (there[:, 2] <= box[0]) | (there[:, 1] >= box[3]) | (there[:, 3] <= box[1])  # fmt: skip
        return bool(apart.all())

    def _write(self, x: float, y: float, text: str, size: float, look: dict) -> None:
        from matplotlib import patheffects

        halo = patheffects.withStroke(linewidth=2.2, foreground="white", alpha=0.85)
        style = {"color": INK, "zorder": 50, **look}
        self.paper.text(
            x, y - size * _EM_MM * 0.36, text, size, ha="center", path_effects=[halo], **style
        )


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
    return [(float(x), float(y)) for x, y in (best, *near)]


#: A legend beside the map where the city is high, below it where it is wide.
_LEGEND_MM, _GUTTER_MM, _ROW_MM = 46.0, 4.0, 4.5
#: Highest window, so that a sheet and its caption fit on a page.
_HIGHEST_MM = 168.0
_TITLE_MM, _SUBTITLE_MM, _FOOT_LINE_MM = 5.5, 4.5, 2.9


@dataclass(frozen=True)
class Entry:
    """A line of a legend; without a look it is a heading."""

    text: str
    look: Look | None = None


@dataclass(frozen=True)
class Sheet:
    """A map on paper, with the tool that writes names into it."""

    paper: Paper
    frame: Frame
    labels: Labels
    clip: Any


def open_sheet(
    font: Any, bounds: tuple, title: str, subtitle: str, foot: Sequence[tuple[str, str]],
    legend: Sequence[Entry], crs: str, margin: float = 0.04,
) -> Sheet:  # fmt: skip
    """An empty map with everything around it.

    Parameters
    ----------
    font : Font
    bounds : tuple of float
        What is shown, in metres of `crs`.
    title, subtitle : str
    foot : sequence of (text, colour)
        Notice and sources.
    legend : sequence of Entry
    crs : str
    margin : float
        Around the bounds, as a share of them.
    """
    high = (bounds[3] - bounds[1]) >= 0.95 * (bounds[2] - bounds[0])
    ratio = min(max((bounds[3] - bounds[1]) / (bounds[2] - bounds[0]), 0.45), 2.2)
    wide = WIDTH_MM - (_LEGEND_MM + _GUTTER_MM if high else 0)
    lines = _foot_lines(new_paper(font, 10, 10), foot)
    rows = int(np.ceil(len(legend) / 3))
    below = 0.0 if high else 3 + max(rows * _ROW_MM, 14)
    window = min(wide * ratio, _HIGHEST_MM - below)
    if high:
        window = max(window, min(len(legend) * _ROW_MM + 30, _HIGHEST_MM))
    head = _TITLE_MM + _SUBTITLE_MM + 2.5
    tail = 2.0 + len(lines) * _FOOT_LINE_MM
    paper = new_paper(font, WIDTH_MM, head + window + below + tail)
    top = paper.height_mm - head
    frame = framed(bounds, (0.3, top - window, wide - 0.3, top), margin)
    paper.text(0, paper.height_mm - _TITLE_MM + 1, title, 11, weight="bold")
    paper.text(0, top + 2.2, subtitle, 7.5, color=SOFT)
    _edge(paper, frame)
    _foot(paper, lines)
    if high:
        _legend(paper, legend, (wide + _GUTTER_MM, top), 1)
        at = (wide + _GUTTER_MM, top - window + 6)
    else:
        _legend(paper, legend, (0, top - window - 3), 3)
        at = (WIDTH_MM - 44, top - window - 12)
    _scale_bar(paper, frame, at)
    _north(paper, frame, (at[0] + 36, at[1] + 2), crs)
    return Sheet(paper, frame, Labels(paper, frame.box), _clip(paper, frame))


def _foot_lines(paper: Paper, foot: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(line, color) for text, color in foot for line in paper.lines(text, 5.8, WIDTH_MM)]


def _foot(paper: Paper, lines: Sequence[tuple[str, str]]) -> None:
    for i, (line, color) in enumerate(reversed(lines)):
        paper.text(0, 0.8 + i * _FOOT_LINE_MM, line, 5.8, color=color)


def _clip(paper: Paper, frame: Frame) -> Any:
    from matplotlib.patches import Rectangle

    west, south, east, north = frame.box
    return Rectangle((west, south), east - west, north - south, transform=paper.ax.transData)


def _edge(paper: Paper, frame: Frame) -> None:
    # Paper outside the window is white again, so that thick lines end at its edge.
    edge = _clip(paper, frame)
    edge.set(fill=False, edgecolor=RULE, linewidth=0.7, zorder=60)
    paper.ax.add_patch(edge)


def _legend(paper: Paper, entries: Sequence[Entry], at: tuple[float, float], columns: int) -> None:
    rows = int(np.ceil(len(entries) / columns))
    step = _LEGEND_MM if columns == 1 else 42.0
    for i, entry in enumerate(entries):
        column, row = divmod(i, max(rows, 1))
        x, y = at[0] + column * step, at[1] - (row + 1) * _ROW_MM + 1.2
        if entry.look is None:
            paper.text(x, y, entry.text, 7.2, weight="bold")
            continue
        draw(paper.ax, sample(entry.look, x, y - 0.4), entry.look, 30)
        room, size = step - 11.0, 6.8
        while paper.width(entry.text, size) > room and size > 5.0:
            size -= 0.2
        paper.text(x + 10, y, entry.text, size)


def sample(look: Look, x: float, y: float) -> np.ndarray:
    """A small shape that shows a look, for legends."""
    import shapely

    if look.geometry == "point":
        return np.array([shapely.Point(x + 4, y + 1.2)])
    if look.geometry == "line":
        return np.array([shapely.LineString([(x, y + 1.2), (x + 8, y + 1.2)])])
    return np.array([shapely.box(x, y - 0.2, x + 8, y + 2.8)])


def nice_length(metres: float) -> float:
    """The longest of 1, 2, 5, 10 … metres that is no longer than this."""
    power = 10 ** floor(log10(metres))
    return next(n * power for n in (5, 2, 1) if n * power <= metres * (1 + 1e-9))


def _scale_bar(paper: Paper, frame: Frame, at: tuple[float, float], room: float = 30.0) -> None:
    import shapely

    metres = nice_length(room / frame.mm_per_m)
    wide, (x, y) = metres * frame.mm_per_m, at
    halves = [shapely.box(x + i * wide / 2, y, x + (i + 1) * wide / 2, y + 1.3) for i in range(2)]
    for half, fill in zip(halves, (INK, "#ffffff")):
        draw(paper.ax, np.array([half]), Look("polygon", INK, fill, 0.2, (), 1.0, 1.0), 30)
    unit, of = ("km", 1000) if metres >= 1000 else ("m", 1)
    for share in (0, 0.5, 1):
        text = f"{share * metres / of:g}" + (f" {unit}" if share == 1 else "")
        paper.text(x + share * wide, y + 2.2, text, 6.2, ha="center" if share < 1 else "left" if wide < 8 else "center")  # fmt: skip
    # Printed scales hold only on this paper, so a round one is said.
    paper.text(x, y - 3.4, f"≈ 1:{_round(1000 / frame.mm_per_m):,}", 6.2, color=SOFT)


def _round(number: float) -> int:
    step = 10 ** max(floor(log10(number)) - 1, 0)
    return int(round(number / step) * step)


def _north(paper: Paper, frame: Frame, at: tuple[float, float], crs: str) -> None:
    import shapely

    turn = turn_of_north(frame.bounds, crs)
    shape = np.array([(0, 5.0), (-1.7, -1.5), (0, -0.3), (1.7, -1.5)])
    rotation = np.array([[cos(turn), -sin(turn)], [sin(turn), cos(turn)]])
    placed = shapely.polygons(shape @ rotation.T + at)
    draw(paper.ax, np.array([placed]), Look("polygon", INK, INK, 0.1, (), 1.0, 1.0), 30)
    paper.text(at[0], at[1] - 4.6, "N", 7, ha="center", weight="bold")


def turn_of_north(bounds: tuple, crs: str) -> float:
    """How far true north is turned to the left of the map's top, in radians."""
    from pyproj import Transformer

    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    there = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    back = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon, lat = there.transform(x, y)
    nx, ny = back.transform(lon, lat + 0.01)
    turn = atan2(-(nx - x), ny - y)
    return turn if abs(degrees(turn)) > 0.05 else 0.0


def foot_of(notice: str, sources: str) -> list[tuple[str, str]]:
    """Notice and sources as lines below a map."""
    return [(text, color) for text, color in ((notice, WARN), (sources, SOFT)) if text]
