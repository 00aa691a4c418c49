"""Maps of a report, drawn from the same layers and rules as the QGIS project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.publish.content import tables_of
from urbanplan.publish.drawn import Drawn, drawn_of
from urbanplan.publish.report.cartography import draw, inside, metric
from urbanplan.publish.report.context import Context
from urbanplan.publish.report.model import Figure
from urbanplan.publish.report.paper import SOFT, saved
from urbanplan.publish.report.sheet import Entry, Sheet, foot_of, open_sheet
from urbanplan.publish.symbols import Look, Rule

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

    def figure(self, sheet: Sheet, key: str, caption: str, alt: str) -> Figure:
        """The finished map."""
        paper = sheet.paper
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
