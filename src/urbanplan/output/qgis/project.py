"""Names that are the same in every run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from urbanplan.base.crs import to_crs
from urbanplan.output.metadata import About, about_of, node, qgis_metadata, serial
from urbanplan.output.qgis import style
from urbanplan.output.qgis.layout import Sheet, layout
from urbanplan.output.style import (
    RESULTS,
    SCENARIOS,
    Drawn,
    chapters,
    drawn_of,
    ramp_of,
    tables_of,
    titles_of,
    types_of,
    value_lists,
)
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd


def layer_id(drawn: str) -> str:
    """A layer's id in the project, the same in every run (QGIS wants more than ten characters)."""
    return f"{drawn}_{uuid.uuid5(uuid.NAMESPACE_URL, 'urbanplan/' + drawn).hex}"


#: Layers that every theme shows, for orientation.
_BASE = ("districts", "water", "roads", "bridges")


@dataclass(frozen=True)
class Theme:
    """Which layers a theme shows, and of each which rules (all, where None)."""

    name: str
    layers: dict[str, tuple[str, ...] | None]


def themes_of(results: Results, drawn: Sequence[Drawn]) -> Iterator[Theme]:
    """A run's themes, in the order in which a list shows them."""
    plan = results.city.analysis
    inputs = {
        d.id: d for d in drawn if d.chapter not in (RESULTS, SCENARIOS) and d.geometry != "none"
    }
    near, far = _years(results)
    stages = {
        "现状 Existing": ("existing",),
        f"规划{near}（已定项目）Planned": ("existing", "planned"),
        f"远景{far}（含拟议项目）Announced": ("existing", "planned", "announced"),
    }
    areas = {"study_area", "population", "river_lines"}
    for name, statuses in stages.items():
        yield Theme(name, {k: v for k, v in _at(inputs, statuses).items() if k not in areas})
    existing = {k: v for k, v in _at(inputs, ("existing",)).items() if k in _BASE}
    headline = results.layers[plan.headline_facilities].kind
    mode = next(d for d in drawn if d.id == f"bands_{headline.id}_{plan.headline_mode}")
    here = existing | {headline.id: None}
    for minutes in plan.minutes:
        keys = tuple(r.key for r in mode.rules if r.where[0][1][0] <= minutes)
        yield Theme(f"{mode.name_zh} ≤ {minutes:g} 分钟", here | {mode.id: keys})
    for one in drawn:
        if one.table == "result_bands" and one.id != mode.id:
            facilities = dict(one.only)["facilities"]
            yield Theme(one.name_zh, existing | {facilities: None, one.id: None})
        if one.table == "result_gaps":
            yield Theme(one.name_zh, here | {one.id: None})
    yield from _of_scenarios(drawn, existing)
    yield from _of_tasks(results, inputs, existing)


def _of_scenarios(drawn: Sequence[Drawn], existing: dict) -> Iterator[Theme]:
    # A theme per scenario: its bands, with what it opens drawn too, and one of what changes.
    ways = dict.fromkeys(existing)
    for one in drawn:
        if one.chapter == SCENARIOS:
            facilities = dict(one.only)["facilities"]
            yield Theme(f"情景 {one.name_zh}", ways | {facilities: None, one.id: None})


def _of_tasks(results: Results, inputs: dict[str, Drawn], existing: dict) -> Iterator[Theme]:
    # A theme per task of the plan that anything on the map shows.
    for task in results.plan.plan.tasks:
        layers = dict.fromkeys(name for item in task.items for name, _ in item.layers)
        own = {name: None for name in layers if name in inputs}
        if own:
            yield Theme(f"任务{task.number} {task.name_zh}", existing | own)


def _years(results: Results) -> tuple[str, str]:
    # The plan's nearest and farthest horizon: what is decided is read as meant for the one, what
    # is only spoken of for the other.
    targets = results.layers.get("targets")
    if targets is None:
        return "", ""
    years = sorted({f"{y:.0f}" for y in targets.frame["year"].dropna().astype(float)})
    return (years[0], years[-1]) if years else ("", "")


def _at(inputs: dict[str, Drawn], statuses: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    # Of each layer, the rules of things that have one of these statuses.
    return {
        key: tuple(r.key for r in d.rules if r.otherwise or dict(r.where)["status"][0] in statuses)
        for key, d in inputs.items()
    }


def preset(theme: Theme, drawn: Sequence[Drawn]) -> ET.Element:
    """A theme as a project holds it."""
    by_id, parts = {d.id: d for d in drawn}, []
    for key, kept in theme.layers.items():
        if key not in by_id:
            continue
        rules = by_id[key].rules
        if kept is not None and not kept:
            continue
        parts.append(
            node("layer", {"id": layer_id(key), "visible": 1, "style": "default", "expanded": 0})
        )
        nodes = [
            node("checked-legend-node", {"id": style.rule_key(key, r)})
            for r in rules
            if kept is None or r.key in kept
        ]
        parts.append(node("checked-legend-nodes", {"id": layer_id(key)}, *nodes))
    return node("visibility-preset", {"name": theme.name, "has-checked-group-info": 0, "has-expanded-info": 0}, *parts)  # fmt: skip


_WKB = {"Point": "Point", "MultiPoint": "Point", "MultiLineString": "Line", "MultiPolygon": "Polygon"}  # fmt: skip
_RASTER = "minutes"


@dataclass(frozen=True)
class _Book:
    """A run, and what is asked of it again and again."""

    results: Results
    package: str
    crs: str
    raster: str | None

    @cached_property
    def drawn(self) -> list[Drawn]:
        """Layers of the map."""
        return drawn_of(self.results)

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """Columns of each table, without the geometry."""
        return {
            n: [c for c in t.columns if c != "geometry"] for n, t in tables_of(self.results).items()
        }

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """Chinese and English name of each column."""
        return titles_of(self.results)

    @cached_property
    def types(self) -> dict[str, str]:
        """Geometry type of each table that has one."""
        return types_of(self.results)

    @cached_property
    def about(self) -> dict[str, About]:
        """What must be known of each table."""
        return about_of(self.results, self.crs)


def project(results: Results, package: str, crs: str, raster: str | None = None) -> str:
    """The project as the text of a ``.qgs``.

    Parameters
    ----------
    results : Results
    package : str
        Where the GeoPackage lies, as the project will say it, such as ``./city.gpkg``.
    crs : str
        Coordinate system of its layers.
    raster : str, optional
        Where the raster of minutes lies.
    """
    city, book = results.city, _Book(results, package, crs, raster)
    drawn = book.drawn
    themes = list(themes_of(results, drawn))
    layers = [_maplayer(book, one) for one in drawn]
    if raster:
        layers.append(_raster(results, raster))
    root = node(
        "qgis",
        {"version": style.VERSION, "projectname": city.name_zh},
        node("homePath", {"path": ""}),
        node("title", {}, city.name_zh),
        node("projectCrs", {}, _srs(city.metric_crs)),
        _tree(book),
        node("projectlayers", {}, *layers),
        node("layerorder", {}),
        _properties(results),
        node("visibility-presets", {}, *(preset(t, drawn) for t in themes)),
        node("Bookmarks", {}, *_bookmarks(results)),
        _project_metadata(results),
        node("Layouts", {}, *(layout(s) for s in _sheets(book, themes))),
        _canvas(results),
    )
    return serial(root, doctype=True)


@cache
def _system(crs: str) -> tuple[str, str, str, bool]:
    from pyproj import CRS

    system = CRS.from_user_input(crs)
    authority = ":".join(system.to_authority() or ("", ""))
    return system.to_wkt("WKT2_2019"), authority, system.name, system.is_geographic


def _srs(crs: str) -> ET.Element:
    wkt, authority, name, geographic = _system(crs)
    return node(
        "spatialrefsys",
        {},
        node("wkt", {}, wkt),
        node("srid", {}, authority.split(":")[1]),
        node("authid", {}, authority),
        node("description", {}, name),
        node("geographicflag", {}, "true" if geographic else "false"),
    )


def _source(one: Drawn, package: str) -> str:
    rows = " AND ".join(f"{style.quoted(c)} = {style.literal(v)}" for c, v in one.only)
    return f"{package}|layername={one.table}" + (f"|subset={rows}" if rows else "")


def _maplayer(book: _Book, one: Drawn) -> ET.Element:
    about = book.about[one.table]
    columns = {c: book.names.get(c, (c, c))[0] for c in book.columns[one.table]}
    spatial = one.geometry != "none"
    configuration, aliases = style.fields({"fid": "序", **columns}, value_lists())
    kind = book.types[one.table] if spatial else "NoGeometry"
    attributes = {
        "type": "vector",
        "geometry": _WKB[kind] if spatial else "No geometry",
        "wkbType": kind,
        "labelsEnabled": one.label_scale is not None,
        "styleCategories": "AllStyleCategories",
    }
    drawing = [style.renderer(one.id, one.rules)] if spatial else []
    if one.label_scale is not None:
        drawing.append(labels(one, one.label_scale))
    return node(
        "maplayer",
        attributes,
        node("id", {}, layer_id(one.id)),
        node("datasource", {}, _source(one, book.package)),
        node("keywordList", {}, node("value", {}, "")),
        node("layername", {}, one.name_zh),
        node("title", {}, one.name_zh),
        node("abstract", {}, about.abstract),
        node("srs", {}, _srs(book.crs)) if spatial else None,
        qgis_metadata(about),
        node("provider", {"encoding": "UTF-8"}, "ogr"),
        node("map-layer-style-manager", {"current": "default"}, node("map-layer-style", {"name": "default"})),
        node("flags", {}, node("Identifiable", {}, 1), node("Removable", {}, 1), node("Searchable", {}, 1)),
        *drawing,
        configuration,
        aliases,
        node("previewExpression", {}, '"name_zh"' if "name_zh" in columns else ""),
    )  # fmt: skip


def labels(one: Drawn, scale: int) -> ET.Element:
    """How a layer's names are written, from a scale on."""
    sizes = {
        "districts": (15.0, "#55606b"),
        "water": (12.0, "#175f8b"),
        "bridges": (7.5, "#8c0f32"),
    }
    size, color = sizes.get(one.id, (8.5, "#26323d"))
    return style.labeling(one.geometry, "name_zh", scale, size, color)


def _raster(results: Results, path: str) -> ET.Element:
    plan = results.city.analysis
    band = list(results.minutes).index((plan.headline_facilities, plan.headline_mode)) + 1
    items = [
        node("item", {"value": m, "color": c, "alpha": 255, "label": f"≤ {m} min"})
        for m, c in ramp_of(plan.minutes).items()
    ]
    shader = node(
        "colorrampshader", {"colorRampType": "DISCRETE", "classificationMode": 1, "clip": 1}, *items
    )
    return node(
        "maplayer",
        {"type": "raster", "styleCategories": "AllStyleCategories"},
        node("id", {}, layer_id(_RASTER)),
        node("datasource", {}, path),
        node("layername", {}, _raster_name(results)),
        node("srs", {}, _srs(results.grid.crs)),
        node("provider", {}, "gdal"),
        node(
            "pipe",
            {},
            node(
                "rasterrenderer",
                {"type": "singlebandpseudocolor", "band": band, "opacity": 0.7, "alphaBand": -1, "nodataColor": ""},
                node("rastershader", {}, shader),
            ),
        ),
    )  # fmt: skip


def _raster_name(results: Results) -> str:
    plan = results.city.analysis
    return f"{results.layers[plan.headline_facilities].kind.name_zh} · 分钟栅格 / minutes"


def _ordered(drawn: Sequence[Drawn]) -> list[Drawn]:
    # Top first, as a legend lists them.
    return sorted(drawn, key=lambda d: -d.rank)


def _tree(book: _Book) -> ET.Element:
    groups, drawn, raster = [], book.drawn, book.raster
    for key, names in chapters().items():
        here = [d for d in _ordered(drawn) if d.chapter == key]
        rows = [
            _tree_layer(layer_id(d.id), d.name_zh, _source(d, book.package), d.shown) for d in here
        ]
        if key == RESULTS and raster:
            rows.append(
                _tree_layer(layer_id(_RASTER), _raster_name(book.results), raster, False, "gdal")
            )
        if rows:
            about = {"name": _group(names["zh"], here, book.results), "checked": "Qt::Checked", "expanded": 1 if key in ("base", RESULTS) else 0}  # fmt: skip
            groups.append(node("layer-tree-group", about, node("customproperties", {}), *rows))
    order = [node("item", {}, layer_id(d.id)) for d in _ordered(drawn) if d.geometry != "none"]
    order += [node("item", {}, layer_id(_RASTER))] if raster else []
    # Drawn by what covers what, listed by the plan's chapters.
    return node(
        "layer-tree-group", {}, node("customproperties", {}), *groups, node("custom-order", {"enabled": 1}, *order)
    )  # fmt: skip


def _group(name: str, drawn: Sequence[Drawn], results: Results) -> str:
    # A group answers which tasks of the plan its layers serve.
    numbers = sorted({n for d in drawn for n in results.plan.plan.tasks_of(d.table)})
    return f"{name}（任务{'、'.join(map(str, numbers))}）" if numbers else name


def _tree_layer(key: str, name: str, source: str, shown: bool, provider: str = "ogr") -> ET.Element:
    checked = "Qt::Checked" if shown else "Qt::Unchecked"
    about = {"id": key, "name": name, "source": source, "providerKey": provider, "checked": checked, "expanded": 0}  # fmt: skip
    return node("layer-tree-layer", about, node("customproperties", {}))


def _extents(results: Results) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    crs = results.city.metric_crs
    yield results.city.name_zh, to_crs(results.layers["districts"].located, crs)
    for i in range(len(results.layers["districts"].located)):
        row = results.layers["districts"].located.iloc[[i]]
        yield str(row["name_zh"].iloc[0]), to_crs(row, crs)


def _bookmarks(results: Results) -> Iterator[ET.Element]:
    for name, frame in _extents(results):
        west, south, east, north = (f"{x:.0f}" for x in frame.total_bounds)
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"urbanplan/bookmark/{name}"))
        yield node(
            "Bookmark",
            {"id": key, "name": name, "group": results.city.name_zh, "extent": f"POLYGON(({ring}))"},
            _srs(results.city.metric_crs),
        )  # fmt: skip


def _view(results: Results) -> tuple[float, float, float, float]:
    # Where the headline's bands lie, but for the farthest one.
    plan, bands = results.city.analysis, results.bands
    near = bands[
        (bands["facilities"] == plan.headline_facilities)
        & (bands["mode"] == plan.headline_mode)
        & (bands["minutes"] < bands["minutes"].max())
    ]
    if not len(near) or near.geometry.is_empty.all():
        near = results.layers["districts"].located
    west, south, east, north = map(float, to_crs(near, results.city.metric_crs).total_bounds)
    return west, south, east, north


def _sheets(book: _Book, themes: Sequence[Theme]) -> list[Sheet]:
    results, drawn = book.results, book.drawn
    plan, city = results.city.analysis, results.city
    name = f"bands_{plan.headline_facilities}_{plan.headline_mode}"
    theme = next(
        t for t in themes if name in t.layers and t.name.endswith(f"{max(plan.minutes):g} 分钟")
    )
    listed = [(layer_id(d.id), d.name_zh) for d in _ordered(drawn) if d.id in theme.layers]
    licences = sorted(
        {x for layer in results.layers.values() for x in layer.frame["licence"].dropna()}
    )
    sources = f"数据来源与许可 Sources: {'；'.join(licences)}。{city.notice_en}"
    title, notice, sources = map(style.shown, (f"{city.name_zh}：{plan.headline_zh}", city.notice_zh, sources))  # fmt: skip
    sheet = ("A3 总图", title, notice, sources, theme.name, _view(results), listed)
    each = f"[% @atlas_pagename %]：{style.shown(plan.headline_zh)}"
    pages = ("A3 分区图集", each, *sheet[2:])
    return [Sheet(*sheet), Sheet(*pages, atlas=layer_id("districts"))]


def _properties(results: Results) -> ET.Element:
    def typed(tag: str, kind: str, value: str) -> ET.Element:
        return node(tag, {"type": kind}, value)

    return node(
        "properties",
        {},
        node("Paths", {}, typed("Absolute", "bool", "false")),
        node("SpatialRefSys", {}, typed("ProjectionsEnabled", "int", "1")),
        node("Measure", {}, typed("Ellipsoid", "QString", "EPSG:1024")),
        node("Measurement", {}, typed("DistanceUnits", "QString", "meters"), typed("AreaUnits", "QString", "m2")),
        node("Gui", {}, *(typed(f"CanvasColor{c}Part", "int", v) for c, v in (("Red", "238"), ("Green", "241"), ("Blue", "240")))),
    )  # fmt: skip


def _project_metadata(results: Results) -> ET.Element:
    city = results.city
    return node(
        "projectMetadata",
        {},
        node("identifier", {}, city.id),
        node("language", {}, "zh-CN"),
        node("title", {}, f"{city.name_zh} / {city.name_en}"),
        node("abstract", {}, f"{city.notice_zh} {city.notice_en}"),
        node("author", {}, "urbanplan"),
    )


def _canvas(results: Results) -> ET.Element:
    west, south, east, north = _view(results)
    sides = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
    return node(
        "mapcanvas",
        {"name": "theMapCanvas", "annotationsVisible": 1},
        node("units", {}, "meters"),
        node("extent", {}, *(node(k, {}, f"{v:.1f}") for k, v in sides.items())),
        node("destinationsrs", {}, _srs(results.city.metric_crs)),
    )
