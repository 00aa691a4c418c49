"""Maps of a report, drawn from the same layers and rules as the QGIS project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.measures.scenarios import chain
from urbanplan.output.report.draw import (
    ACCENT,
    INK,
    RULE,
    SOFT,
    WIDTH_MM,
    Entry,
    Frame,
    Paper,
    Sheet,
    draw,
    foot_of,
    framed,
    inside,
    metric,
    new_paper,
    nice_length,
    open_sheet,
    sample,
    saved,
)
from urbanplan.output.report.model import Context, Figure
from urbanplan.output.rounding import ALL
from urbanplan.output.style import Drawn, Look, Rule, drawn_of, tables_of

if TYPE_CHECKING:
    import geopandas as gpd


#: What lies under what is told: the city as it stands.
GROUND = ("districts", "water", "roads", "bridges")
#: Layers that say where something is but nothing of the plan.
_NOT_SHOWN = ("study_area", "population", "river_lines", "villages", "residential")
#: The centre is drawn once more where it is smaller than this share of the whole.
_MUCH_SMALLER = 0.6


@dataclass(frozen=True)
class Maps:
    """Draws the maps of one run.

    Parameters
    ----------
    context : Context
    font : Font
    form : {'svg', 'png'}
    sources : str
        What the maps rest on, in a line.
    """

    context: Context
    font: Any
    form: str
    sources: str
    _metric: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def drawn(self) -> dict[str, Drawn]:
        """Layers of the run's map, by id."""
        return {d.id: d for d in drawn_of(self.context.results)}

    @cached_property
    def tables(self) -> dict[str, Any]:
        """Their tables."""
        return tables_of(self.context.results)

    @property
    def crs(self) -> str:
        """The city's own system."""
        return self.context.results.city.metric_crs

    def rows(self, name: str) -> gpd.GeoDataFrame:
        """A layer's rows in metres."""
        if name not in self._metric:
            layer = self.drawn[name]
            rows = metric(layer.rows(self.tables), self.crs)
            computed = layer.table not in self.context.results.layers
            self._metric[name] = rows.clip(self.land, keep_geom_type=True) if computed and self.land is not None else rows  # fmt: skip
        return self._metric[name]

    @cached_property
    def land(self) -> Any:
        """The city's districts as one area: nothing is told of what lies outside."""
        if "districts" not in self.drawn or not len(self.rows("districts")):
            return None
        return self.rows("districts").geometry.make_valid().union_all()

    @cached_property
    def whole(self) -> tuple:
        """Bounds of the city."""
        for name in ("districts", "study_area", "demand"):
            if name in self.drawn and len(self.rows(name)):
                return tuple(self.rows(name).total_bounds)
        shown = [self.rows(d.id) for d in self.drawn.values() if d.geometry != "none"]
        boxes = np.array([r.total_bounds for r in shown if len(r)])
        return (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))

    @cached_property
    def centre(self) -> tuple:
        """Bounds of the headline's bands but for the farthest, within the city."""
        plan = self.context.results.city.analysis
        bands = self.rows(f"bands_{self.context.facilities}_{plan.headline_mode}")
        near = bands[bands["minutes"] < bands["minutes"].max()]
        near = near if len(near) else bands
        if not len(near):
            return self.whole
        west, south, east, north = near.total_bounds
        w, s, e, n = self.whole
        return max(west, w), max(south, s), min(east, e), min(north, n)

    @cached_property
    def has_centre(self) -> bool:
        """Whether the centre is much smaller than the whole."""
        sizes = [max(b[2] - b[0], b[3] - b[1]) for b in (self.centre, self.whole)]
        return sizes[0] < _MUCH_SMALLER * sizes[1]

    def sheet(self, bounds: tuple, title: str, subtitle: str, legend: list[Entry], margin: float = 0.04) -> Sheet:  # fmt: skip
        """An empty map with title, legend, notice and sources."""
        city, words = self.context.results.city, self.context.words
        notice = words.pair(city.notice_zh, city.notice_en)
        return open_sheet(self.font, bounds, title, subtitle, foot_of(notice, self.sources), legend, self.crs, margin)  # fmt: skip

    def figure(self, paper: Paper, key: str, caption: str, alt: str) -> Figure:
        """The finished map."""
        image = saved(paper.figure, self.form)
        return Figure(key, caption, alt, image, paper.width_mm, paper.height_mm)

    def paint(self, sheet: Sheet, name: str, only: Callable | None = None, order: float | None = None) -> None:  # fmt: skip
        """Draw a layer by its rules."""
        layer, rows = self.drawn[name], self.rows(name)
        if only is not None:
            rows = rows[only(rows)]
        rank = (layer.rank if order is None else order) * 1.0
        drawn = np.zeros(len(rows), bool)
        for step, rule in enumerate(layer.rules):
            hit = ~drawn if rule.otherwise else rule.holds(rows).to_numpy(bool)
            drawn |= hit
            shapes = sheet.frame.on_paper(rows.geometry.values[hit])
            draw(sheet.paper.ax, shapes, rule.look, rank + step * 0.02, sheet.clip)

    def entries(self, sheet_bounds: tuple, names: Iterable[str], text: Callable[[Drawn, Rule], str] | None = None, only: Callable | None = None) -> list[Entry]:  # fmt: skip
        """Legend lines for rules that something in the window is drawn by."""
        found = []
        for name in names:
            layer, rows = self.drawn[name], self.rows(name)
            rows = rows[only(rows)] if only is not None else rows
            rows = rows.cx[sheet_bounds[0] : sheet_bounds[2], sheet_bounds[1] : sheet_bounds[3]]
            for rule in layer.rules:
                if not rule.otherwise and rule.holds(rows).any():
                    words = text(layer, rule) if text else self.context.words.named(rule)
                    found.append(Entry(words, rule.look))
        return found

    def ground(self, sheet: Sheet) -> None:
        """Draw the city as it stands."""
        for name in self.there(GROUND):
            self.paint(sheet, name, existing)

    def there(self, names: Iterable[str]) -> list[str]:
        """Those of these layers that have something to draw."""
        return [n for n in names if n in self.drawn and len(self.rows(n))]

    def ground_entries(self, bounds: tuple) -> list[Entry]:
        """The ground's lines of a legend: one a layer, since its classes are not what is told."""
        found = []
        for name in self.there(GROUND):
            lines = self.entries(bounds, [name], lambda layer, _: self.context.words.named(layer), existing)  # fmt: skip
            found += lines[:1]
        return found

    def name_districts(self, sheet: Sheet, size: float = 8.0) -> None:
        """Write names of districts into them."""
        if "districts" not in self.drawn:
            return
        rows = self.rows("districts")
        for name, shape in _named(rows, self.context):
            cut = sheet.frame.on_paper([shape])
            if len(cut):
                sheet.labels.at(inside(cut[0]), name, size, color=SOFT, weight="bold")

    def name_water(self, sheet: Sheet, size: float = 6.6) -> None:
        """Write names of rivers and lakes into them."""
        done: set[str] = set()
        for layer in self.there(("water",)):
            rows = self.rows(layer)
            for name, shape in _named(rows, self.context):
                cut = sheet.frame.on_paper([shape])
                if len(cut) and name not in done and cut[0].area > 3:
                    done.add(name)
                    sheet.labels.at(inside(cut[0], 60), name, size, color="#2f6f95")

    def name_points(self, sheet: Sheet, name: str, size: float = 6.0, most: int = 40, **look: Any) -> None:  # fmt: skip
        """Write names of a layer's points beside them."""
        import shapely

        rows = self.rows(name).head(most)
        for text, shape in _named(rows, self.context):
            cut = sheet.frame.on_paper([shapely.point_on_surface(shape)])
            if len(cut):
                sheet.labels.beside(tuple(shapely.get_coordinates(cut)[0]), text, size, **look)

    def block_points(self, sheet: Sheet, name: str) -> None:
        """Keep names off a layer's points."""
        import shapely

        spots = shapely.get_coordinates(sheet.frame.on_paper(self.rows(name).geometry.values))
        sheet.labels.block_points(map(tuple, spots), 2.6)


def existing(rows: gpd.GeoDataFrame) -> Any:
    """Which rows stand already."""
    return rows["status"] == "existing"


def _named(rows: gpd.GeoDataFrame, context: Context) -> list[tuple[str, Any]]:
    pairs = zip(rows["name_zh"], rows["name_en"], rows.geometry)
    named = [(context.words.pair(zh, en), shape) for zh, en, shape in pairs]
    return [(name, shape) for name, shape in named if name]


def plan_layers(maps: Maps) -> list[str]:
    """Input layers that the maps of the plan show, bottom to top."""
    results = maps.context.results
    own = [d for d in maps.drawn.values() if d.table in results.layers and d.geometry != "none"]
    shown = [d.id for d in sorted(own, key=lambda d: d.rank) if d.id not in _NOT_SHOWN]
    return maps.there(shown)


def styles(maps: Maps) -> list[Entry]:
    """What solid, dashed, dotted and hatched mean."""
    words, grey = maps.context.words, "#66707a"
    rows = [
        ("style_solid", Look("line", grey, grey, 0.6)),
        ("style_dashed", Look("line", grey, grey, 0.6, (1.6, 1.1))),
        ("style_dotted", Look("line", grey, grey, 0.6, (0.5, 1.6), 0.8)),
        ("style_filled", Look("point", "#ffffff", grey, 0.45, (), 1.0, 0.95, size_mm=3.0)),
        ("style_hollow", Look("point", grey, "#ffffff", 0.45, (), 1.0, 0.95, size_mm=3.0)),
        ("style_ring", Look("point", grey, grey, 0.45, (0.7, 0.5), 1.0, 0.6, size_mm=3.0)),
    ]
    return [Entry(words("style")), *(Entry(words(key), look) for key, look in rows)]


#: Panels on one sheet: more districts than this are left to the page and to QGIS.
_MOST, _COLUMNS = 12, 3
_GAP_MM, _HEAD_MM = 4.0, 8.0
_VEIL = Look("polygon", "#ffffff", "#ffffff", 0.0, (), 0.0, 0.72)


def districts(maps: Maps) -> Figure | None:
    """Bands and gaps of the headline, district by district."""
    context, words = maps.context, maps.context.words
    if "districts" not in maps.drawn:
        return None
    rows = maps.rows("districts")
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
    return maps.figure(paper, "districts", caption, words("alt_districts"))


def _within(plan: Any) -> Any:
    # Beyond the headline's limit is what the gaps show.
    return lambda rows: rows["minutes"] <= plan.headline_minutes


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

    from urbanplan.output.report.draw import Labels, Sheet

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
    for i, (text, color) in enumerate(reversed(foot)):
        paper.text(0, 0.8 + i * 2.9, text, 5.8, color=color)
    top = len(foot) * 2.9 + 2.5 + int(np.ceil(len(legend) / 4)) * 4.5
    for i, entry in enumerate(legend):
        line, column = divmod(i, 4)
        x, y = column * WIDTH_MM / 4, top - line * 4.5 - 4.0
        if entry.look is not None:
            draw(paper.ax, sample(entry.look, x, y - 0.4), entry.look, 30)
        paper.text(x + 10, y, entry.text, 6.8)


#: What is computed lies over areas and under lines, so that roads stay readable.
RESULT_ORDER = 4.5
#: What a scenario opens or adds, on top of a map of change.
_OPENED = Look("line", INK, INK, 0.9, (), 1.0)
_ADDED = Look("point", "#ffffff", INK, 0.5, (), 1.0, 1.0, size_mm=3.4)


def overview(maps: Maps, centre: bool = False) -> Figure | None:
    """Every layer of the plan, over the whole city or its centre."""
    names, words = plan_layers(maps), maps.context.words
    if not names:
        return None
    bounds = maps.centre if centre else maps.whole
    legend = _plan_legend(maps, bounds, names)
    place = words("in_centre") if centre else words("in_whole")
    sheet = maps.sheet(bounds, words("map_plan"), words("map_plan_what", place=place), legend)
    for name in names:
        maps.paint(sheet, name)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    points = [n for n in names if maps.drawn[n].geometry == "point"]
    for name in points:
        maps.block_points(sheet, name)
    if centre:
        maps.name_points(sheet, "bridges", 5.6) if "bridges" in names else None
        for name in reversed(points):
            maps.name_points(sheet, name, 5.4)
    if not centre and maps.has_centre:
        _locator(maps, sheet)
    if not centre:
        maps.name_points(sheet, "townships", 5.2) if "townships" in names else None
    caption = words("caption_plan", place=place, layers=len(names))
    return maps.figure(sheet.paper, "plan_centre" if centre else "plan", caption, words("alt_plan", place=place))  # fmt: skip


def _locator(maps: Maps, sheet: Sheet) -> None:
    # The window of the next map.
    import shapely

    frame = framed(maps.centre, (0.0, 0.0, 1.0, 1.0), 0.02)
    look = Look("polygon", ACCENT, ACCENT, 0.35, (), 0.9, 0.0)
    box = sheet.frame.on_paper([shapely.box(*frame.bounds)])
    draw(sheet.paper.ax, box, look, 45, sheet.clip)


def _plan_legend(maps: Maps, bounds: tuple, names: list[str]) -> list[Entry]:
    found = [Entry(maps.context.words("legend"))]
    for name in reversed(names):
        layer = maps.drawn[name]
        rules = maps.entries(bounds, [name], lambda d, r: maps.context.words.named(d))
        if name == "roads":
            seen: dict[str, Entry] = {}
            for one in maps.entries(bounds, [name]):
                seen.setdefault(one.text.split(" · ")[0].split(", ")[0], one)
            found += [Entry(text, one.look) for text, one in seen.items()]
        elif rules:
            # What stands comes first among a layer's rules, and stands for it here.
            found.append(Entry(maps.context.words.named(layer), rules[0].look))
    return [*found, *styles(maps)]


def bands(maps: Maps) -> Figure:
    """How many minutes to the headline's facilities, and where these are."""
    context = maps.context
    plan, words = context.results.city.analysis, context.words
    name = f"bands_{context.facilities}_{plan.headline_mode}"
    beyond = f"outside_{context.facilities}"
    kind, mode = context.kind(context.facilities), context.mode(plan.headline_mode)
    legend = [Entry(words("legend")), *reversed(maps.entries(maps.whole, [name]))]
    legend += maps.entries(maps.whole, [context.facilities], lambda d, r: f"{kind}{words('colon')}{words.named(r)}")  # fmt: skip
    if beyond in maps.drawn:
        legend += maps.entries(maps.whole, [beyond], lambda d, r: words.named(d))
    legend += maps.ground_entries(maps.whole)
    title = words("map_bands", kind=kind, mode=mode)
    sheet = maps.sheet(maps.whole, title, words("map_bands_what"), legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    if beyond in maps.drawn:
        maps.paint(sheet, beyond, order=8.9)
    maps.paint(sheet, context.facilities, order=9)
    maps.block_points(sheet, context.facilities)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    maps.name_points(sheet, context.facilities)
    share = context.percent(context.share(context.whole))
    caption = words("caption_bands", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}", share=share)  # fmt: skip
    return maps.figure(sheet.paper, "bands", caption, words("alt_bands", kind=kind, mode=mode))


def gaps(maps: Maps) -> Figure | None:
    """Where people live who are not reached, the largest areas numbered as in the table."""
    context = maps.context
    plan, words = context.results.city.analysis, context.words
    name, table = f"gaps_{plan.headline_mode}", context.top_gaps
    if name not in maps.drawn or not len(table):
        return None
    kind, mode = context.kind(context.facilities), context.mode(plan.headline_mode)
    legend = [Entry(words("legend")), *maps.entries(maps.whole, [name])]
    legend += maps.entries(maps.whole, [context.facilities], lambda d, r: f"{kind}{words('colon')}{words.named(r)}")  # fmt: skip
    legend += maps.ground_entries(maps.whole)
    title = words("map_gaps", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}")
    sheet = maps.sheet(maps.whole, title, words("map_gaps_what"), legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    maps.paint(sheet, context.facilities, order=9)
    maps.block_points(sheet, context.facilities)
    for number, shape in enumerate(metric(context.top_gaps, maps.crs).geometry, start=1):
        _number(sheet, shape, number)
    maps.name_districts(sheet, 7.5)
    maps.name_water(sheet)
    caption = words("caption_gaps", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}")
    return maps.figure(sheet.paper, "gaps", caption, words("alt_gaps", kind=kind, mode=mode))


def conflicts(maps: Maps) -> Figure | None:
    """Where layers of the plan contradict each other, numbered as in the table."""
    if "conflicts" not in maps.drawn or not len(maps.rows("conflicts")):
        return None
    words, rows = maps.context.words, maps.rows("conflicts")
    legend = [Entry(words("legend")), *maps.entries(maps.whole, ["conflicts"])]
    names = [n for n in plan_layers(maps) if maps.drawn[n].geometry != "point"]
    legend += [*_plan_legend(maps, maps.whole, names)[1:]]
    sheet = maps.sheet(maps.whole, words("map_conflicts"), words("map_conflicts_what"), legend)
    for name in names:
        maps.paint(sheet, name)
    maps.paint(sheet, "conflicts", order=10)
    for number, shape in zip(rows["rank"], rows.geometry):
        _number(sheet, shape, int(number))
    maps.name_districts(sheet, 7.5)
    maps.name_water(sheet)
    return maps.figure(sheet.paper, "conflicts", words("caption_conflicts"), words("alt_conflicts"))


def _number(sheet: Sheet, shape: Any, number: int) -> None:
    cut = sheet.frame.on_paper([shape])
    if not len(cut):
        return
    for spot in inside(cut[0]):
        box = (spot[0] - 2.1, spot[1] - 2.1, spot[0] + 2.1, spot[1] + 2.1)
        if sheet.labels.free(box):
            break
    else:
        return
    sheet.labels.block(box)
    disc = Look("point", "#ffffff", INK, 0.3, (), 1.0, 1.0, size_mm=4.0)
    draw(sheet.paper.ax, _point(spot), disc, 40)
    sheet.paper.text(spot[0], spot[1] - 0.95, str(number), 6.2, ha="center", color="#ffffff", zorder=51, weight="bold")  # fmt: skip


def _point(spot: tuple[float, float]) -> np.ndarray:
    import shapely

    return np.array([shapely.Point(spot)])


def change(maps: Maps) -> Figure | None:
    """Where minutes change under the scenario that gains most among those that change any."""
    context, words = maps.context, maps.context.words
    told = most_changing(maps)
    if told is None:
        return None
    scenario, facilities, mode = told
    name = f"difference_{scenario}_{facilities}"
    legend = [Entry(words("legend")), *maps.entries(maps.whole, [name])]
    done = {c.do for one in chain(context.results.scenarios, scenario) for c in one.changes}
    marks = (("open", "opened", _OPENED), ("add", "added", _ADDED))
    legend += [Entry(words(key), look) for do, key, look in marks if do in done]
    legend += maps.ground_entries(maps.whole)
    title = words("map_change", scenario=context.scenario(scenario))
    what = words("map_change_what", kind=context.kind(facilities), mode=context.mode(mode))
    sheet = maps.sheet(maps.whole, title, what, legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    maps.paint(sheet, facilities, existing, order=9)
    _opened(maps, sheet, scenario)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    caption = words("caption_change", scenario=context.scenario(scenario), kind=context.kind(facilities), mode=context.mode(mode))  # fmt: skip
    return maps.figure(sheet.paper, "change", caption, words("alt_change", scenario=context.scenario(scenario)))  # fmt: skip


def most_changing(maps: Maps) -> tuple[str, str, str] | None:
    """Scenario, facilities and mode of the map of change that gains most people, or changes most land."""
    results = maps.context.results
    there = results.differences
    if not len(there):
        return None
    keys = ["scenario", "facilities", "mode"]
    sizes = there.groupby(keys, sort=False)["km2"].sum().reset_index()
    both = sizes.merge(maps.context.outcomes, on=keys, how="left")
    # Headline first, then people where their number stays, then land.
    both = both.assign(
        own=both["facilities"] == maps.context.facilities,
        stays=~both["people_change"].fillna(False).astype(bool),
        gain=both["share_gained"].fillna(0.0).round(6),
    )
    both = both.sort_values(["own", "stays", "gain", "km2"], ascending=False, kind="stable")
    return tuple(both.iloc[0][keys])


def _opened(maps: Maps, sheet: Sheet, scenario: str) -> None:
    # What the scenario opens is drawn over the map, what it adds is named.
    import geopandas as gpd
    import shapely

    results, words = maps.context.results, maps.context.words
    changes = [c for one in chain(results.scenarios, scenario) for c in one.changes]
    for one in changes:
        layers = one.get("layer", ())
        for layer in [layers] if isinstance(layers, str) else layers:
            held = results.layers.get(layer)
            if one.do == "open" and held is not None and len(held.located):
                rows = metric(held.located, maps.crs)
                hit = rows["id"].isin(one.get("ids", ())) | (rows["status"] == one.get("status"))
                shapes = sheet.frame.on_paper(rows.geometry.values[hit.to_numpy(bool)])
                look = _OPENED if held.kind.geometry == "line" else _ADDED
                shapes = shapely.boundary(shapes) if held.kind.geometry == "polygon" else shapes
                draw(sheet.paper.ax, shapes, _OPENED if held.kind.geometry == "polygon" else look, 9.5, sheet.clip)  # fmt: skip
        if one.do == "add" and one.get("at"):
            place = gpd.GeoSeries([shapely.Point(one.get("at"))], crs=4326).to_crs(maps.crs)
            cut = sheet.frame.on_paper(place.values)
            draw(sheet.paper.ax, cut, _ADDED, 9.6, sheet.clip)
            if len(cut):
                own = one.get("values", {})
                name = words.pair(own.get("name_zh", ""), own.get("name_en", "")) or str(one.get("id"))  # fmt: skip
                spot = (float(shapely.get_x(cut[0])), float(shapely.get_y(cut[0])))
                sheet.labels.block_points([spot], 3.4)
                sheet.labels.beside(spot, name, 6.4, color=ACCENT, weight="bold")
