"""Small XML: elements, and the option maps and colours that QGIS writes."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET


def node(tag: str, attributes: dict[str, Any] | None = None, *children: Any) -> ET.Element:
    """An element with attributes and children; a child that is no element is its text."""
    made = ET.Element(tag, {k: text_of(v) for k, v in (attributes or {}).items()})
    for child in children:
        if isinstance(child, ET.Element):
            made.append(child)
        elif child is not None:
            made.text = text_of(child)
    return made


def text_of(value: Any) -> str:
    """A value as QGIS writes it; characters that XML cannot hold are dropped."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "".join(c for c in str(value) if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"))  # fmt: skip


def options(values: dict[str, Any]) -> ET.Element:
    """``<Option type="Map">`` as symbol layers and widgets hold their settings."""
    rows = [node("Option", {"type": "QString", "name": k, "value": v}) for k, v in values.items()]
    return node("Option", {"type": "Map"}, *rows)


def rgba(color: str, opacity: float = 1.0) -> str:
    """``#rrggbb`` as ``r,g,b,a``."""
    r, g, b = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"{r},{g},{b},{round(255 * opacity)}"


def serial(root: ET.Element, doctype: bool = False) -> str:
    """The document as text."""
    ET.indent(root, " ")
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" if doctype else ""
    return head + ET.tostring(root, encoding="unicode") + "\n"
