"""A map sheet: title, window, legend, scale bar, north arrow, notice and sources, each in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, floor, log10, sin
from typing import Any

import numpy as np

from urbanplan.publish.report.cartography import Frame, draw, framed
from urbanplan.publish.report.labels import Labels
from urbanplan.publish.report.paper import INK, RULE, SOFT, WARN, WIDTH_MM, Paper, new_paper
from urbanplan.publish.symbols import Look

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
