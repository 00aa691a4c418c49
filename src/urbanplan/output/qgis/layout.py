"""Sheets for paper: map, title, legend, scale bar, north arrow, sources; and one per district."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from urbanplan.output.metadata import node, options, rgba
from urbanplan.output.qgis.style import FONTS, shown

#: A3, landscape, in millimetres, and the parts of it: left, top, width, height.
_PAGE = (420.0, 297.0)
_MAP = (10.0, 26.0, 310.0, 246.0)
_LEGEND = (324.0, 26.0)
_NORTH = (302.0, 30.0, 14.0, 18.0)
_SCALE = (14.0, 256.0)
#: Item types of QGIS's layouts.
_PAGE_TYPE, _MAP_TYPE, _PICTURE, _LABEL, _LEGEND_TYPE, _SCALE_BAR = range(65638, 65644)
_SCALE_BAR = 65646
_ARROW = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 34"><path d="M12 1 19 24 12 19 5 24Z" fill="#1f2933"/>'
    '<text x="12" y="33" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="9" fill="#1f2933">N</text></svg>'
)
#: A page is exported under its district's name, as far as that can be a file's name.
_FILE_NAME = r"regexp_replace(@atlas_pagename, '[^\\p{L}\\p{N}_-]+', '_')"
_INK, _SOFT = "#1f2933", "#55606b"


@dataclass(frozen=True)
class Sheet:
    """A print layout.

    Attributes
    ----------
    name, title, notice, sources : str
    theme : str
        The map theme that it shows.
    extent : tuple of float
        West, south, east, north in the project's system.
    layers : sequence of (id, name)
        What the legend lists, top first.
    atlas : str, optional
        Layer whose features get a page each.
    """

    name: str
    title: str
    notice: str
    sources: str
    theme: str
    extent: tuple[float, float, float, float]
    layers: Sequence[tuple[str, str]]
    atlas: str | None = None


def layout(sheet: Sheet) -> ET.Element:
    """The sheet as QGIS reads it."""
    map_id = _uuid(sheet.name, "map")
    items = [
        _map(sheet, map_id),
        _label(sheet, "title", sheet.title, (10, 7, 310, 12), 22, _INK, bold=True),
        _label(sheet, "notice", sheet.notice, (10, 19, 310, 6), 9, "#8a5a00"),
        _legend(sheet, map_id),
        _scale_bar(sheet, map_id),
        _picture(sheet),
        _label(sheet, "sources", sheet.sources, (10, 274, 400, 18), 7.5, _SOFT),
    ]
    about = {"name": sheet.name, "units": "mm", "printResolution": 300, "worldFileMap": ""}
    parts = [node("PageCollection", {}, _page(sheet)), *reversed(items)]
    if sheet.atlas:
        parts.append(
            node(
                "Atlas",
                {"enabled": 1, "coverageLayer": sheet.atlas, "pageNameExpression": '"name_zh"', "hideCoverage": 0,
                 "filterFeatures": 0, "sortFeatures": 1, "sortKey": '"id"', "sortAscending": 1, "filenamePattern": _FILE_NAME},
            )
        )  # fmt: skip
    return node("Layout", about, *parts)


def _uuid(*names: str) -> str:
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, "urbanplan/layout/" + "/".join(names))) + "}"


def _item(
    sheet: Sheet, which: str, kind: int, box: Sequence[float], own: dict, *children: ET.Element
) -> ET.Element:
    left, top, width, height = box
    place = f"{left:g},{top:g},mm"
    key = _uuid(sheet.name, which)
    about: dict[str, Any] = {
        "type": kind, "id": which, "uuid": key, "templateUuid": key, "position": place, "positionOnPage": place,
        "size": f"{width:g},{height:g},mm", "itemRotation": 0, "zValue": _Z[which], "visibility": 1, "opacity": 1,
        "referencePoint": 0, "blendMode": 0, "excludeFromExports": 0, "positionLock": "false", "groupUuid": "",
        "outlineWidthM": "0.2,mm", "frameJoinStyle": "miter", "frame": "false", "background": "false",
    }  # fmt: skip
    frame = node("FrameColor", {"red": 138, "green": 148, "blue": 158, "alpha": 255})
    ground = node("BackgroundColor", {"red": 255, "green": 255, "blue": 255, "alpha": 255})
    return node("LayoutItem", about | own, frame, ground, *children)


#: Bottom to top.
_Z = {"page": 0, "map": 1, "title": 2, "notice": 3, "legend": 4, "scale": 5, "north": 6, "sources": 7}  # fmt: skip


def _page(sheet: Sheet) -> ET.Element:
    white = node(
        "symbol",
        {"type": "fill", "name": "", "alpha": 1},
        node(
            "layer",
            {"class": "SimpleFill", "enabled": 1, "pass": 0, "locked": 0},
            node(
                "Option",
                {"type": "Map"},
                node("Option", {"type": "QString", "name": "color", "value": "255,255,255,255"}),
                node("Option", {"type": "QString", "name": "outline_style", "value": "no"}),
            ),
        ),
    )
    return _item(sheet, "page", _PAGE_TYPE, (0, 0, *_PAGE), {"background": "true"}, white)


def _map(sheet: Sheet, key: str) -> ET.Element:
    west, south, east, north = _fitted(sheet.extent)
    own = {"uuid": key, "templateUuid": key, "followPreset": "true", "followPresetName": sheet.theme,
           "keepLayerSet": "false", "drawCanvasItems": "true", "frame": "true", "background": "true",
           "mapRotation": 0, "mapFlags": 1, "labelMargin": "0,mm"}  # fmt: skip
    sides = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
    atlas = {"atlasDriven": 1 if sheet.atlas else 0, "scalingMode": 2, "margin": 0.06}
    return _item(sheet, "map", _MAP_TYPE, _MAP, own, node("Extent", sides), node("AtlasMap", atlas))


def _fitted(extent: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    # The extent widened to the shape of the map's frame, or QGIS would move it.
    west, south, east, north = extent
    wide = max(east - west, (north - south) * _MAP[2] / _MAP[3])
    high = wide * _MAP[3] / _MAP[2]
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _text_style(size_pt: float, color: str, bold: bool = False) -> ET.Element:
    families = node("families", {}, *(node("family", {"name": f}) for f in FONTS))
    about = {"fontFamily": FONTS[0], "fontSize": size_pt, "fontSizeUnit": "Point",
             "fontWeight": 75 if bold else 50, "textColor": rgba(color), "textOpacity": 1,
             "multilineHeight": 1.15, "namedStyle": "", "allowHtml": 0}  # fmt: skip
    return node("text-style", about, families)


def _label(
    sheet: Sheet,
    which: str,
    text: str,
    box: Sequence[float],
    size_pt: float,
    color: str,
    bold: bool = False,
) -> ET.Element:
    own = {"labelText": text, "htmlState": 0, "marginX": 0, "marginY": 0, "halign": 1, "valign": 32}
    r, g, b, alpha = rgba(color).split(",")
    ink = node("FontColor", {"red": r, "green": g, "blue": b, "alpha": alpha})
    style = _text_style(size_pt, color, bold)
    return _item(sheet, which, _LABEL, box, own, _font("LabelFont", size_pt, bold), ink, style)


def _font(tag: str, size_pt: float, bold: bool) -> ET.Element:
    # What QGIS reads up to 3.22; later ones prefer the text style beside it.
    weight = 75 if bold else 50
    return node(
        tag, {"description": f"{FONTS[0]},{size_pt:g},-1,5,{weight},0,0,0,0,0", "style": ""}
    )


def _picture(sheet: Sheet) -> ET.Element:
    coded = base64.b64encode(_ARROW.encode()).decode()
    own = {"file": f"base64:{coded}", "mode": 1, "resizeMode": 0, "anchorPoint": 4,
           "northMode": 0, "northOffset": 0, "pictureRotation": 0, "pictureWidth": "nan", "pictureHeight": "nan"}  # fmt: skip
    return _item(sheet, "north", _PICTURE, _NORTH, own)


def _scale_bar(sheet: Sheet, map_id: str) -> ET.Element:
    west, _, east, _ = _fitted(sheet.extent)
    m_per_mm = (east - west) / _MAP[2]
    # A round number of kilometres, two of which are some 60 mm long.
    wanted = m_per_mm * 30 / 1000
    km = min((0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50), key=lambda k: abs(k - wanted))
    own = {"mapUuid": map_id, "style": "Single Box", "unitType": "km", "unitLabel": "km", "numMapUnitsPerScaleBarUnit": 1,
           "numUnitsPerSegment": km, "numSegments": 2, "numSegmentsLeft": 0, "segmentSizeMode": 0,
           "segmentMillimeters": km * 1000 / m_per_mm, "minBarWidth": 30, "maxBarWidth": 90, "height": 2.2,
           "labelBarSpace": 1.2, "boxContentSpace": 1, "alignment": 0, "outlineWidth": 0.25,
           "labelVerticalPlacement": 0, "labelHorizontalPlacement": 0}  # fmt: skip
    if sheet.atlas:
        # Each page has a scale of its own: the bar finds its width.
        own |= {"segmentSizeMode": 1}
    black = {"red": 31, "green": 41, "blue": 51, "alpha": 255}
    return _item(
        sheet, "scale", _SCALE_BAR, (*_SCALE, 80, 12), own, _text_style(9, _INK), node("fillColor", black),
        node("fillColor2", {"red": 255, "green": 255, "blue": 255, "alpha": 255}), node("strokeColor", black),
    )  # fmt: skip


def _legend(sheet: Sheet, map_id: str) -> ET.Element:
    own = {"map_uuid": map_id, "title": "图例", "legendFilterByMap": 1, "columnCount": 1, "symbolWidth": 7, "symbolHeight": 4,
           "columnSpace": 2, "boxSpace": 1, "wrapChar": "", "resizeToContents": 1, "splitLayer": 1,
           "titleAlignment": 1, "symbolAlignment": 1, "lineSpacing": 0.6, "equalColumnWidth": 0}  # fmt: skip
    sizes = {"title": (13, 2.5), "group": (10, 2.4), "subgroup": (10, 2.4), "symbol": (9, 1.2), "symbolLabel": (9, 1.2)}  # fmt: skip
    styles = node(
        "styles",
        {},
        *(
            node(
                "style",
                {"name": name, "alignment": 1, "marginTop": margin, "marginBottom": margin if name == "title" else 0,
                 "marginLeft": 1.5 if name == "symbolLabel" else 0, "indent": 0},
                _font("styleFont", size, name in ("title", "subgroup")),
                _text_style(size, _INK, name in ("title", "subgroup")),
            )
            for name, (size, margin) in sizes.items()
        ),
    )  # fmt: skip
    rows = [
        node(
            "layer-tree-layer",
            {"id": key, "name": name, "checked": "Qt::Checked", "expanded": 1, "providerKey": "ogr", "source": ""},
            # A legend computes names, unlike the list of layers.
            node("customproperties", {}, options({"legend/title-label": shown(name)})) if "[%" in name else None,
        )
        for key, name in sheet.layers
    ]  # fmt: skip
    tree = node("layer-tree-group", {}, *rows)
    return _item(sheet, "legend", _LEGEND_TYPE, (*_LEGEND, 88, 200), own, styles, tree)
