"""DXF drawings: whole, and not larger than they look once their blocks are inserted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import InputError
from urbanplan.files.deliveries import texts
from urbanplan.files.deliveries.checks import cut_off
from urbanplan.files.deliveries.vectors import (
    MAX_FEATURES,
    MAX_LAYERS,
    Found,
    guarded,
    read_features,
    too_many,
    which_layer,
)

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

_LEADING = re.compile(rb"\s*([+-]?\d+)")
_NOT_ENTITIES = {b"SECTION", b"ENDSEC", b"BLOCK", b"ENDBLK", b"SEQEND", b"VERTEX", b"EOF"}
#: Blocks inside blocks.
MAX_DEPTH = 32


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
    if depth > MAX_DEPTH:
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
