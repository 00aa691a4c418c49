"""The same rules as Styled Layer Descriptors (OGC SLD 1.0.0 with symbology in pixels), for GeoServer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from urbanplan.publish.symbols import MM_PER_PX, Look, Rule
from urbanplan.publish.xml import node, serial

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


def _stroke(look: Look) -> ET.Element:
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
        return [_sld("LineSymbolizer", _stroke(look))]
    if look.geometry == "point":
        mark = _sld("Mark", _sld("WellKnownName", "circle"), fill, _stroke(look))
        return [_sld("PointSymbolizer", _sld("Graphic", mark, _sld("Size", _pixels(look.size_mm))))]
    area = [_sld("PolygonSymbolizer", fill, _stroke(look))]
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
