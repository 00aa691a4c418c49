"""KML: places, lines and areas with their data; links and overlays are never followed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.errors import InputError
from urbanplan.files.deliveries import texts
from urbanplan.files.deliveries.vectors import (
    MAX_FEATURES,
    Found,
    LayerInfo,
    beside_geometry,
    choose,
    finite,
    guarded,
    refuse_wide,
    too_many,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: Elements inside elements.
MAX_DEPTH = 200
#: Elements, and characters, that one placemark may have.
MAX_PARTS, MAX_TEXT = 1_000_000, 64 * 2**20
_PLACEMARK = re.compile(r"<(?:[\w.-]+:)?Placemark[\s/>]")
_LINKED = {"NetworkLink", "GroundOverlay", "ScreenOverlay", "PhotoOverlay", "Model"}


def read_kml(
    path: Path, *, layer: str | None = None, encoding: str | None = None, large: bool = False
) -> Found:
    """Read the placemarks of one folder of a KML file.

    Parameters
    ----------
    path : path
        A ``.kml`` file.
    layer : str, optional
        Name of the folder; needed where several hold placemarks.
    encoding : str, optional
        Of the text; UTF-8 or GB18030 are found out.
    large : bool
        Whether more than `MAX_FEATURES` are meant.

    Returns
    -------
    Found
        Columns ``Name``, ``Description`` and the placemarks' own data, in WGS84.
    """
    coding, notes = texts.encoding_of(path, encoding)
    limit = None if large else MAX_FEATURES
    count, tail = 0, ""
    for piece in texts.pieces(path, coding):
        texts.refuse_declarations(path, iter([(tail + piece).encode("utf-8", "replace")]), path)
        count += len(_PLACEMARK.findall(tail + piece)) - len(_PLACEMARK.findall(tail))
        if limit and count > limit:
            raise too_many(path, limit)
        tail = (tail + piece)[-64:]
    walk = _Walk(path)
    with guarded(path, "KML"):
        walk.run(coding)
        layers = [LayerInfo(name, len(rows)) for name, rows in walk.layers.items() if rows]
        if not layers:
            raise InputError(
                f"holds no placemarks{walk.linked()}",
                where=path,
                remedy="export the places themselves, not links to them",
            )
        index, rest = choose(path, layers, layer)
        name = layers[index].name
        found = _frame(path, walk.layers[name])
    several = name if len(layers) > 1 else None
    linked = (f"not followed{walk.linked()}",) if walk.links else ()
    return Found(found.frame, "format", notes + found.notes + rest + linked, several)


def _frame(path: Path, rows: list[tuple[dict[str, str], Any]]) -> Found:
    """Frame of placemarks."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from urbanplan.files.deliveries.tables import typed

    geometry = np.empty(len(rows), dtype=object)
    geometry[:] = [shape if shape is not False else None for _, shape in rows]
    broken = sum(shape is False for _, shape in rows)
    notes = (f"{broken:,} placemarks have a geometry that cannot be built",) if broken else ()
    absent = sum(shape is None for _, shape in rows)
    notes += (f"{absent:,} placemarks have no geometry",) if absent else ()
    geometry, odd = finite(geometry)
    names = dict.fromkeys(key for row, _ in rows for key in row)
    refuse_wide(path, len(names), len(rows))
    table = pd.DataFrame({n: pd.Series([r.get(n) for r, _ in rows], dtype=object) for n in names})
    columns, renamed = beside_geometry({n: typed(table[n]) for n in names})
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")
    return Found(frame, "format", notes + odd + renamed)


class _Walk:
    """One pass over a KML file, forgetting each element as it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layers: dict[str, list[tuple[dict[str, str], Any]]] = {}
        self.links: dict[str, int] = {}
        self._stack: list[Element] = []
        self._rows: list[list] = []
        self._names: list[str] = []
        self._in_placemark = self._parts = self._chars = 0

    def linked(self) -> str:
        """What was met and not followed."""
        return "".join(f", {n} {tag}" for tag, n in self.links.items()).replace(",", ":", 1)

    def run(self, encoding: str) -> None:
        """Read the file."""
        from xml.etree.ElementTree import XMLPullParser

        parser = XMLPullParser(events=("start", "end"))
        for piece in texts.pieces(self.path, encoding):
            self._chars += len(piece)
            if self._chars > MAX_TEXT:
                self._too_much()
            # Text, not bytes: what the file says of its own encoding no longer matters.
            parser.feed(piece)
            self._take(parser)
        parser.close()
        self._take(parser)

    def _take(self, parser: Any) -> None:
        for event, element in parser.read_events():
            if event == "start":
                self._start(element)
            else:
                self._end(element)

    def _too_much(self) -> None:
        raise InputError(
            "has a placemark with too many parts", where=self.path, remedy="simplify it first"
        )

    def _start(self, element: Element) -> None:
        element.tag = element.tag.rpartition("}")[2]
        self._stack.append(element)
        self._parts += 1
        if len(self._stack) > MAX_DEPTH:
            raise InputError(
                f"nests elements more than {MAX_DEPTH} deep", where=self.path, remedy="export again"
            )
        if self._parts > MAX_PARTS:
            self._too_much()
        if element.tag == "Placemark":
            self._in_placemark += 1
        elif element.tag in ("Folder", "Document", "kml"):
            self._rows.append([])
            self._names.append("")

    def _end(self, element: Element) -> None:
        self._stack.pop()
        tag, parent = element.tag, self._stack[-1] if self._stack else None
        if tag in _LINKED:
            self.links[tag] = self.links.get(tag, 0) + 1
        if tag == "Placemark":
            self._in_placemark -= 1
            if self._rows:
                self._rows[-1].append((_properties(element), _placed(element)))
        elif tag in ("Folder", "Document", "kml"):
            self._close_folder()
        elif tag == "name" and parent is not None and parent.tag in ("Folder", "Document"):
            self._names[-1] = (element.text or "").strip()
        if not self._in_placemark:
            # Nothing outside a placemark is needed again; keeping it would grow with the file.
            self._parts = self._chars = 0
            if parent is not None:
                parent.remove(element)

    def _close_folder(self) -> None:
        rows, name = self._rows.pop(), self._names.pop() or self.path.stem
        if rows:
            unique, n = name, 1
            while unique in self.layers:
                n += 1
                unique = f"{name} ({n})"
            self.layers[unique] = rows


def _properties(placemark: Element) -> dict[str, str]:
    """What a placemark says of itself."""
    found = {"Name": "", "Description": ""}
    # A number that the writer gave it by itself, as GDAL does (parks.7), is no id.
    if (own := placemark.get("id")) and not re.fullmatch(r".*\.\d+", own, re.DOTALL):
        found["id"] = own
    for child in placemark:
        if child.tag in ("name", "description"):
            found[child.tag.capitalize()] = (child.text or "").strip()
        elif child.tag == "ExtendedData":
            for one in child.iter():
                if one.tag == "Data":
                    value = next((v.text for v in one if v.tag == "value"), "")
                    found[one.get("name", "Data")] = (value or "").strip()
                elif one.tag == "SimpleData":
                    found[one.get("name", "SimpleData")] = (one.text or "").strip()
    return found


def _placed(placemark: Element) -> Any:
    """Geometry of a placemark; None where it has none, False where it cannot be built."""
    from shapely.errors import ShapelyError

    try:
        found = [shape for child in placemark for shape in _geometries(child)]
    except (ValueError, IndexError, ShapelyError):
        return False
    return found[0] if found else None


def _geometries(element: Element) -> list:
    """Geometries that an element stands for: none, one, or the one that collects its parts."""
    import shapely

    if element.tag == "Point":
        return [shapely.Point(_coordinates(element)[0])]
    if element.tag in ("LineString", "LinearRing"):
        return [shapely.LineString(_coordinates(element))]
    if element.tag == "Track":
        points = [(c.text or "").split() for c in element if c.tag == "coord"]
        return [shapely.LineString([[float(v) for v in p] for p in points])]
    if element.tag == "Polygon":
        rings: dict[str, list] = {"outerBoundaryIs": [], "innerBoundaryIs": []}
        for side in element:
            for ring in side if side.tag in rings else ():
                rings[side.tag].append(_coordinates(ring))
        return [shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"])]
    if element.tag in ("MultiGeometry", "MultiTrack"):
        return _collected([shape for child in element for shape in _geometries(child)])
    return []


def _collected(parts: list) -> list:
    """Parts as one multi-geometry where they are of one kind, else as a collection."""
    import shapely

    if not parts:
        return []
    kinds = {part.geom_type for part in parts}
    multi = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    make = multi.get(kinds.pop()) if len(kinds) == 1 else None
    return [(make or shapely.GeometryCollection)(parts)]


def _coordinates(element: Element) -> list[tuple[float, ...]]:
    """Positions of the ``coordinates`` inside an element, all of one dimension."""
    text = next((c.text for c in element if c.tag == "coordinates"), None) or ""
    text = ",".join(part.strip() for part in text.split(","))
    found = [tuple(float(v) for v in one.split(",") if v) for one in text.split()]
    if not found or min(map(len, found)) < 2:
        raise ValueError("no coordinates")
    size = min(3, min(map(len, found)))
    return [one[:size] for one in found]
