"""Formats that need more than their driver: DXF, KML, Shapefile."""

from __future__ import annotations

import contextlib
import re
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.errors import InputError
from urbanplan.files import texts
from urbanplan.files.cells import distinct
from urbanplan.files.checks import check_shapefile, cut_off
from urbanplan.files.vector import (
    MAX_FEATURES,
    MAX_LAYERS,
    Found,
    LayerInfo,
    beside_geometry,
    choose,
    finite,
    guarded,
    read_features,
    refuse_wide,
    too_many,
    which_layer,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


_LEADING = re.compile(rb"\s*([+-]?\d+)")
_NOT_ENTITIES = {b"SECTION", b"ENDSEC", b"BLOCK", b"ENDBLK", b"SEQEND", b"VERTEX", b"EOF"}
#: Blocks inside blocks.
MAX_BLOCK_DEPTH = 32


#: Bits of a layer's flags (group 70): frozen.
_FROZEN = 1


def read_drawing(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    large: bool = False,
    family: str = "",
) -> Found:
    """Read the entities of one layer of a DXF drawing; it has no coordinate system.

    Layers that are off or frozen, and what stands on paper rather than in the model, are left out
    and named; of several layers that could be meant, none is chosen.

    Parameters
    ----------
    path : path
        A ``.dxf`` file as text.
    layer : str, optional
        Name of the CAD layer; needed where several could be meant.
    encoding : str, optional
        Of its text; UTF-8 and GB18030 are told apart without it.
    large : bool
        Whether more than `MAX_FEATURES` entities are meant.
    family : {"", "point", "line", "polygon"}
        What is looked for; layers that hold nothing of it are no candidates.
    """
    with open(path, "rb") as f:
        f.seek(max(0, path.stat().st_size - 256))
        # GDAL would give what is left of a drawing without a word.
        if f.read().rstrip(b"\r\n\t \0\x1a")[-3:] != b"EOF":
            raise cut_off(path, "a drawing ends in EOF")
    coding, notes = texts.encoding_of(path, encoding)
    if not large and _entities(path) > MAX_FEATURES:
        raise too_many(path, MAX_FEATURES)
    # GDAL believes the file's code page even where newer versions write UTF-8 under any.
    name = {"utf-8-sig": "UTF-8", "gb18030": "CP936"}.get(coding, coding.upper())
    found = read_features(path, "DXF", large=large, config={"DXF_ENCODING": name})
    with guarded(path, "DXF"):
        hidden = _hidden(path, coding)
    frame, index, said = _one_layer(path, found.frame, layer, family, hidden)
    return Found(frame, found.crs_from, notes + found.notes + said, index)


def _hidden(path: Path, coding: str) -> set[str]:
    """Layers that are off or frozen, in small letters: AutoCAD tells none from the other by case."""
    hidden: set[str] = set()
    table, kind, name = b"", b"", ""
    for code, value in _pairs(path):
        if code == 0:
            kind = value.upper()
            if kind in (b"ENDTAB", b"SECTION"):
                table = b""
        elif code == 2 and kind == b"TABLE":
            table = value.upper()
        elif table == b"LAYER" and kind == b"LAYER":
            if code == 2:
                name = value.decode(coding.removesuffix("-sig"), errors="replace").casefold()
            # A layer that is off has a negative colour.
            elif (code == 62 and _number(value, 0) < 0) or (
                code == 70 and _number(value, 0) & _FROZEN
            ):
                hidden.add(name)
    return hidden


def _one_layer(
    path: Path, frame: gpd.GeoDataFrame, layer: str | None, family: str, hidden: set[str]
) -> tuple[gpd.GeoDataFrame, str | None, tuple[str, ...]]:
    """The entities of one layer, its name, and notes on what was left out."""
    if "Layer" not in frame or not len(frame):
        return frame, None, ()
    names = frame["Layer"].fillna("").astype(str)
    notes: tuple[str, ...] = ()
    if "PaperSpace" in frame:
        paper = frame["PaperSpace"].fillna(0).astype(float) != 0
        if paper.any():
            notes += (f"{int(paper.sum()):,} entities on paper were left out",)
            frame, names = frame[~paper], names[~paper]
    off = names.str.casefold().isin(hidden)
    if off.any() and layer is None:
        gone = ", ".join(f"{n} ({c:,})" for n, c in names[off].value_counts(sort=False).items())
        notes += (f"layers that are off or frozen were left out: {gone}",)
        frame, names = frame[~off], names[~off]
    at = names.groupby(names.to_numpy(), sort=False).indices
    if layer is not None and layer in at:
        # The others are told by name only where there are few.
        at = {n: at[n] for n in [layer, *list(at)[:MAX_LAYERS]]}
    elif len(at) > MAX_LAYERS:
        raise InputError(
            f"has more than {MAX_LAYERS:,} CAD layers", where=path, remedy="name one with --layer"
        )
    held = {name: frame.iloc[at[name]] for name in dict.fromkeys(names) if name in at}
    if layer is not None:
        meant = [n for n in held if n.casefold() == layer.casefold()]
    else:
        meant = [n for n, rows in held.items() if _suits(rows, family)] or list(held)
    if len(meant) != 1:
        what = f"has no layer '{layer}'" if layer is not None else f"has {len(held)} CAD layers"
        if not held:
            raise InputError("holds nothing that is shown", where=path, remedy="switch a layer on")
        raise which_layer(what, path, {n: f"{n} ({_kinds(rows)})" for n, rows in held.items()})
    (name,) = meant
    rest = [n for n in held if n != name]
    if rest:
        others = ", ".join(f"{n} ({_kinds(held[n])})" for n in rest[:20])
        notes += (f"layers not read: {others}",)
    return held[name].reset_index(drop=True), name if rest or len(held) > 1 else None, notes


def _kinds(rows: gpd.GeoDataFrame) -> str:
    """How many entities of which kind, such as "3 closed lines"."""
    counts: dict[str, int] = {}
    for shape in rows.geometry:
        kind = "no geometry" if shape is None else _kind(shape)
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(
        f"{n:,} {kind if n == 1 or kind == 'no geometry' else kind + 's'}"
        for kind, n in counts.items()
    )


def _kind(shape: BaseGeometry) -> str:
    if "Polygon" in shape.geom_type:
        return "area"
    if "Line" in shape.geom_type:
        return "closed line" if getattr(shape, "is_closed", False) else "line"
    return "point" if "Point" in shape.geom_type else "collection"


def _suits(rows: gpd.GeoDataFrame, family: str) -> bool:
    """Whether a layer holds anything that can be of a family."""
    kinds = {_kind(shape) for shape in rows.geometry if shape is not None}
    wanted = {
        "polygon": {"area", "closed line", "collection"},
        "line": {"line", "closed line", "collection"},
    }
    return bool(kinds & wanted.get(family, kinds))


def _pairs(path: Path) -> Iterator[tuple[int, bytes]]:
    """Group codes and values; a line that is no code counts as -1."""
    with open(path, "rb") as f:
        for line in iter(lambda: f.readline(texts.MAX_LINE), b""):
            value = f.readline(texts.MAX_LINE)
            yield _number(line, -1), value.strip()


def _number(text: bytes, otherwise: int) -> int:
    found = _LEADING.match(text[:32])
    return int(found[1]) if found else otherwise


def _entities(path: Path) -> int:
    """Entities of a drawing with all its blocks inserted, before GDAL inserts any."""
    own: dict[bytes, int] = {}
    inserts: dict[bytes, list[list]] = {}
    where, kind, section = b"", b"", b""
    with guarded(path, "DXF"):
        for code, value in _pairs(path):
            if code == 0:
                kind = value.upper()
                if kind not in _NOT_ENTITIES:
                    own[where] = own.get(where, 0) + 1
                if kind in (b"INSERT", b"DIMENSION"):
                    inserts.setdefault(where, []).append([b"", 1, 1])
                elif kind in (b"ENDBLK", b"ENDSEC", b"SECTION"):
                    where = b"" if kind == b"SECTION" else b"\0outside"
            elif code == 2 and kind == b"SECTION":
                section = value.upper()
                where = b"" if section == b"ENTITIES" else b"\0outside"
            elif code == 2 and kind == b"BLOCK":
                where = b"\0block " + value.upper()
            elif kind in (b"INSERT", b"DIMENSION") and code in (2, 70, 71):
                last = inserts[where][-1]
                if code == 2:
                    last[0] = b"\0block " + value.upper()
                elif kind == b"INSERT":
                    last[code - 69] = max(1, abs(_number(value, 1)))
    return _expanded(path, b"", own, inserts, {}, 0)


def _expanded(
    path: Path, name: bytes, own: dict, inserts: dict, known: dict[bytes, int], depth: int
) -> int:
    """Entities of one block with those that it inserts."""
    if depth > MAX_BLOCK_DEPTH:
        raise InputError(
            "inserts blocks in one another without end",
            where=path,
            remedy="explode its blocks and save it again",
        )
    if name not in known:
        total = own.get(name, 0)
        for block, columns, rows in inserts.get(name, ()):
            inner = _expanded(path, block, own, inserts, known, depth + 1)
            total += min(inner * columns * rows, 10**12)
        known[name] = total
    return known[name]


#: Elements inside elements.
MAX_ELEMENT_DEPTH = 200
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

    from urbanplan.files.tables import typed

    geometry = np.empty(len(rows), dtype=object)
    geometry[:] = [shape if shape is not False else None for _, shape in rows]
    broken = sum(shape is False for _, shape in rows)
    notes: tuple[str, ...]
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

        parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
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
        if len(self._stack) > MAX_ELEMENT_DEPTH:
            raise InputError(
                f"nests elements more than {MAX_ELEMENT_DEPTH} deep",
                where=self.path,
                remedy="export again",
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


_DRIVER = "ESRI Shapefile"
_HEADER = 100
#: Share of the texts with other letters than ASCII that may be damaged in the encoding they are in.
_MOST_BROKEN = 0.1


def read_shapefile(
    path: Path, sidecars: Mapping[str, Path], *, encoding: str | None = None, large: bool = False
) -> Found:
    """Read a shapefile.

    Parameters
    ----------
    path : path
        The ``.shp``.
    sidecars : mapping of str to Path
        Its files by ending in small letters, ``.shp`` among them.
    encoding : str, optional
        Of its text; else what its ``.cpg`` says if that is true, else UTF-8, else GB18030.
    large : bool
        Whether more features than usual are meant.
    """
    check_shapefile(path, sidecars)
    with _whole(path, sidecars) as (ready, notes):
        # Every byte has a letter in Latin-1, so nothing is lost before we know the encoding.
        raw = read_features(ready, _DRIVER, large=large, encoding="ISO-8859-1")
    frame, said = _decoded(path, raw.frame, sidecars, encoding)
    if ".dbf" not in sidecars:
        notes += ("its .dbf is missing: no columns",)
    if ".prj" not in sidecars:
        notes += ("its .prj is missing: no coordinate system",)
    elif raw.frame.crs is None and not any("coordinate system" in n for n in raw.notes):
        notes += ("its .prj cannot be understood: no coordinate system",)
    return replace(raw, frame=frame, notes=notes + raw.notes + said)


@contextlib.contextmanager
def _whole(path: Path, sidecars: Mapping[str, Path]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The shapefile itself, or a temporary copy with what GDAL needs to find beside it."""
    fields = _distinct_fields(sidecars[".dbf"]) if ".dbf" in sidecars else ({}, ())
    beside = all(path.with_suffix(e) == one for e, one in sidecars.items())
    if ".shx" in sidecars and beside and not fields[1]:
        yield path, ()
        return
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as name:
        copy = Path(name) / "layer.shp"
        for ending in (".shp", ".shx", ".dbf", ".prj"):
            if ending in sidecars:
                shutil.copyfile(sidecars[ending], copy.with_suffix(ending))
        notes = fields[1]
        if notes:
            with open(copy.with_suffix(".dbf"), "r+b") as f:
                for at, field in fields[0].items():
                    f.seek(at)
                    f.write(field.ljust(11, b"\0"))
        if ".shx" not in sidecars:
            copy.with_suffix(".shx").write_bytes(_index(path))
            notes += ("its .shx is missing and was worked out from the .shp",)
        yield copy, notes


def _distinct_fields(dbf: Path) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """New names of fields that are called as an earlier one, by where they stand, and a note on each.

    Names of a .dbf have ten bytes: those that were longer often become equal. Fiona would mix them.
    """
    renamed: dict[int, bytes] = {}
    notes: list[str] = []
    with open(dbf, "rb") as f:
        header = f.read(struct.unpack("<H", f.read(10)[8:])[0] - 10)
    places = []
    for at in range(32, len(header) + 10, 32):
        field = header[at - 10 : at + 1]
        if len(field) < 11 or field[:1] in (b"\r", b""):
            break
        places.append((at, field.split(b"\0")[0]))
    taken = {field for _, field in places}
    seen: set[bytes] = set()
    for at, field in places:
        if field in seen:
            tries = (
                _short(field, 10 - len(end)) + end for end in (b"_%d" % n for n in range(1, 4096))
            )
            new = next(one for one in tries if one not in taken)
            taken.add(new)
            renamed[at] = new
            said = [_field_text(one)[0] for one in (field, new)]
            notes.append(f"two fields are called '{said[0]}': the later is '{said[1]}' here")
        seen.add(field)
    return renamed, tuple(notes)


def _short(field: bytes, size: int) -> bytes:
    """A field's name cut to so many bytes, not in the middle of a letter."""
    text, encoding = _field_text(field)
    while len(text.encode(encoding)) > size:
        text = text[:-1]
    return text.encode(encoding)


def _field_text(field: bytes) -> tuple[str, str]:
    """A field's name, and what it is in."""
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return field.decode(encoding), encoding
    return field.decode("latin-1"), "latin-1"


def _index(path: Path) -> bytes:
    """What the ``.shx`` of a ``.shp`` holds: where each record is, and how long."""
    size = path.stat().st_size
    records = bytearray()
    with open(path, "rb") as f:
        header = bytearray(f.read(_HEADER))
        at = _HEADER
        sound = len(header) == _HEADER and header[:4] == struct.pack(">i", 9994)
        while sound and at < size:
            f.seek(at)
            head = f.read(8)
            length = struct.unpack(">i", head[4:])[0] if len(head) == 8 else 0
            sound = length >= 2 and at + 8 + 2 * length <= size
            records += struct.pack(">ii", at // 2, length)
            at += 8 + 2 * length
    if not sound:
        raise InputError(
            "has no .shx, and is too damaged to work it out",
            where=path,
            remedy="ask for all files of the shapefile: .shp, .shx, .dbf, .prj, .cpg",
        )
    header[24:28] = struct.pack(">i", (_HEADER + len(records)) // 2)
    return bytes(header + records)


def _candidates(
    path: Path, sidecars: Mapping[str, Path], encoding: str | None, texts_in: Iterable[str]
) -> list[tuple[str, str]]:
    """Encodings to try in order, each with how we came to it."""
    if encoding is not None:
        return [(texts.known(encoding, path), "")]
    said = ""
    if ".cpg" in sidecars:
        with open(sidecars[".cpg"], "rb") as f:
            name = f.read(64).decode("ascii", errors="replace").strip()
        with contextlib.suppress(InputError):
            said = texts.known(name, path)
    own = texts.encoding_in(value.encode("latin-1") for value in texts_in)
    order = dict.fromkeys(filter(None, (own, said, "utf-8", "gb18030")))
    why = "its .cpg is wrong" if said else "it has no .cpg"
    return [
        (one, "" if one == said else f"text was read as {one.upper()} ({why})") for one in order
    ]


def _decoded(
    path: Path,
    frame: gpd.GeoDataFrame,
    sidecars: Mapping[str, Path],
    encoding: str | None,
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The frame with its Latin-1 text in the first encoding that all, or nearly all, of it is in."""
    columns = [name for name in frame.columns if name != frame.geometry.name]
    texts_of = {n: frame[n] for n in columns if frame[n].dtype.kind == "O"}
    values = [v for column in texts_of.values() for v in column if type(v) is str]
    odd = [v for v in (*columns, *values) if not v.isascii()]
    if not odd:
        return frame, ()
    candidates = _candidates(path, sidecars, encoding, odd)
    broken = {
        one: sum(texts.is_broken(v.encode("latin-1"), one) for v in odd) for one, _ in candidates
    }
    found, why = min(candidates, key=lambda one: broken[one[0]])
    # A few texts may be damaged, such as those that a field of few bytes cut in the middle of a letter.
    if broken[found] > 1 and broken[found] > _MOST_BROKEN * len(odd):
        tried = ", ".join(name.upper() for name, _ in candidates)
        raise InputError(
            f"has text that is not {tried}", where=path, remedy="name its encoding with --encoding"
        )
    cut: list[str] = []
    lost: list[str] = []
    names = {n: _text(n, found, cut, lost, "the columns") for n in columns}
    table = {
        name: [
            _text(v, found, cut, lost, f"row {i}, {name}") if type(v) is str else v
            for i, v in enumerate(frame[n], 1)
        ]
        if n in texts_of
        else frame[n]
        for n, name in zip(columns, distinct(names.values()))
    }
    notes: tuple[str, ...] = (why,) if why else ()
    if cut:
        notes += (
            f"{len(cut):,} {'text ends' if len(cut) == 1 else 'texts end'} in the middle of a letter,"
            f" which was left out: {_some(cut)}",
        )
    if lost:
        notes += (f"{len(lost):,} texts hold bytes that are not {found.upper()}: {_some(lost)}",)
    table, renamed = beside_geometry(table)
    made = type(frame)(table, geometry=frame.geometry, crs=frame.crs)
    return made, notes + renamed


def _some(places: list[str]) -> str:
    return "; ".join(places[:3]) + " …" * (len(places) > 3)


def _text(value: str, encoding: str, cut: list[str], lost: list[str], where: str) -> str:
    """Text of Latin-1 letters as what its bytes say; fields are cut by bytes, not by letters."""
    if value.isascii():
        return value
    raw = value.encode("latin-1")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as err:
        # The last letter of UTF-8 has up to three bytes left, of GB18030 one.
        if err.end >= len(raw) and err.start >= len(raw) - 3:
            text = raw[: err.start].decode(encoding)
            cut.append(f"{where} ({text})")
            return text
        lost.append(where)
        return raw.decode(encoding, errors="replace")
