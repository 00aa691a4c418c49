"""A small map per district, side by side on one sheet."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanplan.publish.report.cartography import Frame, draw, framed
from urbanplan.publish.report.context import ALL
from urbanplan.publish.report.maps import GROUND, Maps, existing
from urbanplan.publish.report.model import Figure
from urbanplan.publish.report.paper import RULE, SOFT, WIDTH_MM, Paper, new_paper
from urbanplan.publish.report.sheet import Entry, foot_of, nice_length, sample
from urbanplan.publish.symbols import Look

#: Panels on one sheet: more districts than this are left to the page and to QGIS.
_MOST, _COLUMNS = 12, 3
_GAP_MM, _HEAD_MM = 4.0, 8.0
_VEIL = Look("polygon", "#ffffff", "#ffffff", 0.0, (), 0.0, 0.72)


def districts(maps: Maps) -> Figure | None:
    """Bands and gaps of the headline, district by district."""
    context, words = maps.context, maps.context.words
    rows = maps.rows("districts") if "districts" in maps.drawn else []
    table = context.of_mode[context.of_mode["area"] != ALL]
    by = "km2" if context.land else "persons"
    chosen = list(table.sort_values(by, ascending=False, kind="stable").head(_MOST).itertuples())
    chosen = [r for r in chosen if len(rows) and (rows["name_zh"] == r.area).any()]
    if len(chosen) < 2:
        return None
    plan = context.results.city.analysis
    legend = _legend(maps)
    columns = 2 if len(chosen) in (2, 4) else _COLUMNS
    wide = (WIDTH_MM - _GAP_MM * (columns - 1)) / columns
    shapes = [rows.geometry[rows["name_zh"] == r.area].union_all() for r in chosen]
    high = _height(shapes, wide)
    lines = int(np.ceil(len(chosen) / columns))
    strips = int(np.ceil(len(legend) / 4))
    notice = words.pair(context.results.city.notice_zh, context.results.city.notice_en)
    trial = new_paper(maps.font, 10, 10)
    foot = [(line, color) for text, color in foot_of(notice, maps.sources) for line in trial.lines(text, 5.8, WIDTH_MM)]  # fmt: skip
    tail = strips * 4.5 + 4 + len(foot) * 2.9
    paper = new_paper(maps.font, WIDTH_MM, 7 + lines * (high + _HEAD_MM + 3) + tail)
    title = words("map_districts", kind=context.kind(context.facilities), mode=context.mode(plan.headline_mode))  # fmt: skip
    paper.text(0, paper.height_mm - 4.5, title, 11, weight="bold")
    for i, (row, shape) in enumerate(zip(chosen, shapes)):
        line, column = divmod(i, columns)
        x, y = column * (wide + _GAP_MM), paper.height_mm - 7 - line * (high + _HEAD_MM + 3) - _HEAD_MM  # fmt: skip
        frame = framed(shape.bounds, (x + 0.3, y - high, x + wide - 0.3, y), 0.05)
        _panel(maps, paper, frame, shape, row)
    _foot(paper, legend, foot)
    caption = words("caption_districts", minutes=f"{plan.headline_minutes:g}", shown=len(chosen), of=len(table))  # fmt: skip
    return maps.figure(_Done(paper), "districts", caption, words("alt_districts"))


def _within(plan: Any) -> Any:
    # Beyond the headline's limit is what the gaps show.
    return lambda rows: rows["minutes"] <= plan.headline_minutes


class _Done:
    # What `Maps.figure` takes of a sheet.
    def __init__(self, paper: Paper) -> None:
        self.paper = paper


def _height(shapes: list[Any], wide: float) -> float:
    # Panels of one height: that of the highest district within bounds.
    ratios = [(s.bounds[3] - s.bounds[1]) / (s.bounds[2] - s.bounds[0]) for s in shapes]
    return float(np.clip(max(ratios) * wide, 0.6 * wide, 1.35 * wide))


def _legend(maps: Maps) -> list[Entry]:
    context, plan = maps.context, maps.context.results.city.analysis
    kind = context.kind(context.facilities)
    bands = f"bands_{context.facilities}_{plan.headline_mode}"
    found = list(reversed(maps.entries(maps.whole, [bands], None, _within(plan))))
    gap = f"gaps_{plan.headline_mode}"
    found += maps.entries(maps.whole, [gap]) if gap in maps.drawn else []
    found += maps.entries(maps.whole, [context.facilities], lambda d, r: kind, existing)[:1]
    return found


def _panel(maps: Maps, paper: Paper, frame: Frame, shape: Any, row: Any) -> None:
    import shapely
    from matplotlib.patches import Rectangle

    from urbanplan.publish.report.labels import Labels
    from urbanplan.publish.report.sheet import Sheet

    context, plan = maps.context, maps.context.results.city.analysis
    west, south, east, north = frame.box
    clip = Rectangle((west, south), east - west, north - south, transform=paper.ax.transData)
    sheet = Sheet(paper, frame, Labels(paper, frame.box), clip)
    for name in maps.there(GROUND):
        maps.paint(sheet, name, existing)
    gap = f"gaps_{plan.headline_mode}"
    if gap in maps.drawn:
        maps.paint(sheet, gap, order=4.4)
    maps.paint(sheet, f"bands_{context.facilities}_{plan.headline_mode}", _within(plan), 4.5)
    maps.paint(sheet, context.facilities, existing, order=9)
    # A veil over the neighbours: the district itself is what is told.
    around = shapely.box(*frame.bounds).difference(shape)
    draw(paper.ax, frame.on_paper([around]), _VEIL, 12, clip)
    outline = Look("polygon", SOFT, SOFT, 0.35, (), 0.9, 0.0)
    draw(paper.ax, frame.on_paper([shape]), outline, 13, clip)
    edge = Rectangle((west, south), east - west, north - south, fill=False, edgecolor=RULE, linewidth=0.6, zorder=60)  # fmt: skip
    paper.ax.add_patch(edge)
    covered, _ = context.held(row)
    paper.text(west, north + 4.3, context.area(row.area), 8, weight="bold")
    said = f"{context.percent(context.share(row))} · {context.amount(covered)}"
    paper.text(west, north + 1.2, said, 6.6, color=SOFT)
    metres = nice_length((east - west) * 0.3 / frame.mm_per_m)
    bar = metres * frame.mm_per_m
    line = Look("line", "#1f2933", "#1f2933", 0.45)
    draw(paper.ax, np.array([shapely.LineString([(east - 2 - bar, south + 2), (east - 2, south + 2)])]), line, 55)  # fmt: skip
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    halo = {"bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4}}
    paper.text(east - 2 - bar / 2, south + 2.9, text, 5.6, ha="center", zorder=55, **halo)


def _foot(paper: Paper, legend: list[Entry], foot: list[tuple[str, str]]) -> None:
    for i, (line, color) in enumerate(reversed(foot)):
        paper.text(0, 0.8 + i * 2.9, line, 5.8, color=color)
    top = len(foot) * 2.9 + 2.5 + int(np.ceil(len(legend) / 4)) * 4.5
    for i, entry in enumerate(legend):
        line, column = divmod(i, 4)
        x, y = column * WIDTH_MM / 4, top - line * 4.5 - 4.0
        draw(paper.ax, sample(entry.look, x, y - 0.4), entry.look, 30)
        paper.text(x + 10, y, entry.text, 6.8)
