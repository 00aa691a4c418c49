"""Styles of layers: QML for QGIS, SLD for servers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from urbanplan.output.metadata import node, options, rgba, serial
from urbanplan.output.style import MM_PER_PX, Look, Rule

#: The oldest QGIS that the files are made for, and tested with.
VERSION = "3.22.16-Białowieża"
#: Fonts of Chinese names, first those of Windows.
FONTS = ("Microsoft YaHei", "Noto Sans CJK SC", "PingFang SC")
_GEOMETRY_CODES = {"point": 0, "line": 1, "polygon": 2, "none": 4}


def rule_key(layer: str, rule: Rule) -> str:
    """The key of a rule, the same in every run."""
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, f"urbanplan/{layer}/{rule.key}")) + "}"


def expression(rule: Rule) -> str:
    """The rule's condition in QGIS's expression language."""
    if rule.otherwise:
        return "ELSE"
    parts = []
    for column, values in rule.where:
        listed = ", ".join(literal(v) for v in values)
        one = f"{quoted(column)} = {listed}"
        parts.append(one if len(values) == 1 else f"{quoted(column)} IN ({listed})")
    if rule.between is not None:
        column, low, high = rule.between
        parts += [f"{quoted(column)} > {literal(low)}"] if low is not None else []
        parts += [f"{quoted(column)} <= {literal(high)}"] if high is not None else []
    return " AND ".join(parts)


def quoted(name: str) -> str:
    """A column in QGIS's expression language, and in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value in QGIS's expression language."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{value:.10g}"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def shown(text: str) -> str:
    """A text for where QGIS computes what stands between ``[%`` and ``%]``: it stays a text.

    Examples
    --------
    >>> shown("100 [% @user_full_name %]")
    "100 [% '[%' %] @user_full_name %]"
    """
    return text.replace("[%", "[% '[%' %]")


def renderer(layer: str, rules: Sequence[Rule]) -> ET.Element:
    """A rule-based renderer; each rule's key is that of `rule_key`."""
    rows = [
        node(
            "rule",
            {
                "key": rule_key(layer, rule),
                "symbol": i,
                "label": rule.name_zh,
                "description": rule.name_en,
                "filter": expression(rule) or "TRUE",
            },
        )
        for i, rule in enumerate(rules)
    ]
    root = str(uuid.uuid5(uuid.NAMESPACE_URL, f"urbanplan/{layer}"))
    symbols = [symbol(rule.look, str(i)) for i, rule in enumerate(rules)]
    bands = any(column == "minutes" for rule in rules for column, _ in rule.where)
    # The farthest first: nearer bands lie on top of it.
    clause = node("orderByClause", {"asc": 0, "nullsFirst": 0}, '"minutes"')
    return node(
        "renderer-v2",
        {"type": "RuleRenderer", "symbollevels": 0, "forceraster": 0, "enableorderby": bands},
        node("rules", {"key": "{" + root + "}"}, *rows),
        node("symbols", {}, *symbols),
        node("orderby", {}, clause) if bands else None,
    )


def symbol(look: Look, name: str) -> ET.Element:
    """One symbol of a renderer."""
    kind = {"point": "marker", "line": "line", "polygon": "fill"}[look.geometry]
    made = {"point": _marker, "line": _line, "polygon": _fill}[look.geometry](look, name)
    about = {"type": kind, "name": name, "alpha": 1, "clip_to_extent": 1, "force_rhr": 0}
    return node("symbol", about, *made)


def _layer(kind: str, values: dict, *children: ET.Element) -> ET.Element:
    about = {"class": kind, "enabled": 1, "locked": 0, "pass": 0}
    return node("layer", about, options(values), *children)


def _dashes(look: Look) -> dict:
    if not look.dash_mm:
        return {"use_custom_dash": 0}
    pattern = ";".join(f"{x:g}" for x in look.dash_mm)
    return {"use_custom_dash": 1, "customdash": pattern, "customdash_unit": "MM"}


def _stroke(look: Look) -> ET.Element:
    return _layer(
        "SimpleLine",
        {
            "line_color": rgba(look.stroke, look.opacity),
            "line_width": look.width_mm,
            "line_width_unit": "MM",
            "line_style": "solid",
            "joinstyle": "round",
            "capstyle": "flat",
            **_dashes(look),
        },
    )


def _line(look: Look, _name: str) -> list[ET.Element]:
    return [_stroke(look)]


def _marker(look: Look, _name: str) -> list[ET.Element]:
    return [
        _layer(
            "SimpleMarker",
            {
                "name": "circle",
                "color": rgba(look.fill, look.fill_opacity),
                "outline_color": rgba(look.stroke, look.opacity),
                "outline_style": "dash" if look.dash_mm else "solid",
                "outline_width": look.width_mm,
                "outline_width_unit": "MM",
                "size": look.size_mm,
                "size_unit": "MM",
            },
        )
    ]


def _fill(look: Look, name: str) -> list[ET.Element]:
    base = _layer(
        "SimpleFill",
        {"color": rgba(look.fill, look.fill_opacity * (0.6 if look.hatch else 1)), "style": "solid", "outline_style": "no"},
    )  # fmt: skip
    parts = [base]
    if look.hatch:
        stripe = Look("line", look.fill, look.fill, 0.25, (), min(1.0, look.fill_opacity + 0.2))
        inner = symbol(stripe, f"@{name}@1")
        values = {"angle": 45, "distance": 1.8, "distance_unit": "MM", "line_width": 0.25}
        parts.append(_layer("LinePatternFill", values, inner))
    return [*parts, _stroke(look)]


def labeling(
    geometry: str, column: str, scale: int, size_pt: float = 8.5, color: str = "#26323d"
) -> ET.Element:
    """Names beside points, along lines, within areas; from a scale on, and none over another."""
    families = node("families", {}, *(node("family", {"name": f}) for f in FONTS))
    halo = node(
        "text-buffer",
        {"bufferDraw": 1, "bufferSize": 0.7, "bufferSizeUnits": "MM", "bufferColor": "255,255,255,230",
         "bufferOpacity": 0.9, "bufferJoinStyle": 128, "bufferNoFill": 1},
    )  # fmt: skip
    style = node(
        "text-style",
        {"fieldName": column, "isExpression": 0, "fontFamily": FONTS[0], "fontSize": size_pt,
         "fontSizeUnit": "Point", "fontWeight": 50, "textColor": rgba(color), "textOpacity": 1,
         "multilineHeight": 1, "namedStyle": ""},
        families,
        halo,
    )  # fmt: skip
    # Around points in order of preference, along lines, horizontal within areas.
    where = {"point": 6, "line": 3, "polygon": 4}[geometry]
    place = node(
        "placement",
        {"placement": where, "placementFlags": 10, "polygonPlacementFlags": 2, "dist": 1.2, "distUnits": "MM",
         "predefinedPositionOrder": "R,TR,BR,L,TL,BL,TSR,BSR", "priority": 5, "maxCurvedCharAngleIn": 25,
         "maxCurvedCharAngleOut": -25, "offsetType": 1 if geometry == "point" else 0},
    )  # fmt: skip
    show = node(
        "rendering",
        {"scaleVisibility": 1, "scaleMin": 0, "scaleMax": scale, "obstacle": 1, "displayAll": 0, "drawLabels": 1,
         "labelPerPart": 0, "limitNumLabels": 0, "maxNumLabels": 2000, "mergeLines": 1 if geometry == "line" else 0},
    )  # fmt: skip
    return node(
        "labeling",
        {"type": "simple"},
        node("settings", {"calloutType": "simple"}, style, place, show),
    )


def fields(
    titles: Mapping[str, str], lists: Mapping[str, Mapping[str, str]]
) -> tuple[ET.Element, ET.Element]:
    """Names of columns, and for columns with few values a list of them to choose from."""
    shown = [
        node(
            "field",
            {"name": column, "configurationFlags": "None"},
            node("editWidget", {"type": "ValueMap"}, node("config", {}, _value_map(values))),
        )
        for column, values in lists.items()
        if column in titles
    ]
    aliases = [
        node("alias", {"index": i, "field": column, "name": title})
        for i, (column, title) in enumerate(titles.items())
    ]
    return node("fieldConfiguration", {}, *shown), node("aliases", {}, *aliases)


def _value_map(values: Mapping[str, str]) -> ET.Element:
    rows = [
        node(
            "Option",
            {"type": "Map"},
            node("Option", {"type": "QString", "name": name, "value": code}),
        )
        for code, name in values.items()
    ]
    return node("Option", {"type": "Map"}, node("Option", {"type": "List", "name": "map"}, *rows))


def qml(geometry: str, *parts: ET.Element | None) -> str:
    """A whole style document, as it stands in ``layer_styles`` and in ``.qml`` files."""
    labels = any(p is not None and p.tag == "labeling" for p in parts)
    about = {
        "version": VERSION,
        "styleCategories": "Symbology|Labeling|Fields",
        "labelsEnabled": labels,
    }
    code = node("layerGeometryType", {}, _GEOMETRY_CODES[geometry])
    return serial(node("qgis", about, *(p for p in parts if p is not None), code), doctype=True)


_SLD, _OGC = "http://www.opengis.net/sld", "http://www.opengis.net/ogc"
#: A font that servers have, and one that shows Chinese.
_FONTS = ("Noto Sans CJK SC", "Microsoft YaHei")


def sld(name: str, title: str, rules: Sequence[Rule], label_scale: int | None = None) -> str:
    """A layer's style as SLD.

    Parameters
    ----------
    name : str
        The layer's name on the server.
    title : str
    rules : sequence of Rule
    label_scale : int, optional
        The smallest scale, as its denominator, at which ``name_zh`` is written.
    """
    ET.register_namespace("sld", _SLD)
    ET.register_namespace("ogc", _OGC)
    made = [_rule(rule) for rule in rules]
    if label_scale is not None:
        made.append(_labels(label_scale))
    root = _sld(
        "StyledLayerDescriptor",
        _sld(
            "NamedLayer",
            _sld("Name", name),
            _sld("UserStyle", _sld("Title", title), _sld("FeatureTypeStyle", *made)),
        ),
        version="1.0.0",
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + serial(root)


def _sld(tag: str, *children: Any, **attributes: Any) -> ET.Element:
    return node(f"{{{_SLD}}}{tag}", attributes, *children)


def _ogc(tag: str, *children: Any) -> ET.Element:
    return node(f"{{{_OGC}}}{tag}", {}, *children)


def _rule(rule: Rule) -> ET.Element:
    condition = _condition(rule)
    return _sld(
        "Rule",
        _sld("Name", rule.key),
        _sld("Title", rule.name_zh),
        _sld("Abstract", rule.name_en),
        _ogc("Filter", condition) if condition is not None else None,
        _sld("ElseFilter") if rule.otherwise else None,
        *_symbols(rule.look),
    )


def _condition(rule: Rule) -> ET.Element | None:
    parts = []
    for column, values in rule.where:
        same = [_compared("PropertyIsEqualTo", column, v) for v in values]
        parts.append(same[0] if len(same) == 1 else _ogc("Or", *same))
    if rule.between is not None:
        column, low, high = rule.between
        parts += [_compared("PropertyIsGreaterThan", column, low)] if low is not None else []
        parts += (
            [_compared("PropertyIsLessThanOrEqualTo", column, high)] if high is not None else []
        )
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else _ogc("And", *parts)


def _compared(how: str, column: str, value: Any) -> ET.Element:
    # Without a point and zeros behind it; truth is written small.
    figure = isinstance(value, int | float) and not isinstance(value, bool)
    shown = f"{value:.10g}" if figure else str(value)
    shown = shown.lower() if isinstance(value, bool) else shown
    return _ogc(how, _ogc("PropertyName", column), _ogc("Literal", shown))


def _parameters(**values: Any) -> list[ET.Element]:
    return [
        _sld("CssParameter", v, name=k.replace("_", "-"))
        for k, v in values.items()
        if v is not None
    ]


def _pixels(mm: float) -> float:
    return round(mm / MM_PER_PX, 2)


def _sld_stroke(look: Look) -> ET.Element:
    dash = " ".join(f"{_pixels(x):g}" for x in look.dash_mm) or None
    return _sld(
        "Stroke",
        *_parameters(
            stroke=look.stroke,
            stroke_width=_pixels(look.width_mm),
            stroke_opacity=look.opacity,
            stroke_dasharray=dash,
        ),
    )


def _symbols(look: Look) -> list[ET.Element]:
    fill = _sld("Fill", *_parameters(fill=look.fill, fill_opacity=round(look.fill_opacity, 3)))
    if look.geometry == "line":
        return [_sld("LineSymbolizer", _sld_stroke(look))]
    if look.geometry == "point":
        mark = _sld("Mark", _sld("WellKnownName", "circle"), fill, _sld_stroke(look))
        return [_sld("PointSymbolizer", _sld("Graphic", mark, _sld("Size", _pixels(look.size_mm))))]
    area = [_sld("PolygonSymbolizer", fill, _sld_stroke(look))]
    if look.hatch:
        # GeoServer's name for stripes; servers that do not know it draw the plain fill below.
        stripe = _sld("Stroke", *_parameters(stroke=look.fill, stroke_width=1))
        mark = _sld("Mark", _sld("WellKnownName", "shape://slash"), stripe)
        drawn = _sld("GraphicFill", _sld("Graphic", mark, _sld("Size", 8)))
        area.append(_sld("PolygonSymbolizer", _sld("Fill", drawn)))
    return area


def _labels(scale: int) -> ET.Element:
    fonts = [_sld("CssParameter", f, name="font-family") for f in _FONTS]
    return _sld(
        "Rule",
        _sld("Name", "labels"),
        _sld("MaxScaleDenominator", scale),
        _sld(
            "TextSymbolizer",
            _sld("Label", _ogc("PropertyName", "name_zh")),
            _sld("Font", *fonts, *_parameters(font_size=11)),
            _sld("Halo", _sld("Radius", 1.5), _sld("Fill", *_parameters(fill="#ffffff"))),
            _sld("Fill", *_parameters(fill="#26323d")),
        ),
    )
