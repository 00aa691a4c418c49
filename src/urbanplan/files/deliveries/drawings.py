"""DXF drawings: whole, and not larger than they look once their blocks are inserted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from urbanplan.errors import InputError
from urbanplan.files.deliveries import texts
from urbanplan.files.deliveries.checks import cut_off
from urbanplan.files.deliveries.vectors import MAX_FEATURES, Found, guarded, read_features, too_many

_LEADING = re.compile(rb"\s*([+-]?\d+)")
_NOT_ENTITIES = {b"SECTION", b"ENDSEC", b"BLOCK", b"ENDBLK", b"SEQEND", b"VERTEX", b"EOF"}
#: Blocks inside blocks.
MAX_DEPTH = 32


def read_drawing(path: Path, *, encoding: str | None = None, large: bool = False) -> Found:
    """Read the entities of a DXF drawing; it has no coordinate system.

    Parameters
    ----------
    path : path
        A ``.dxf`` file as text.
    encoding : str, optional
        Of its text; UTF-8 and GB18030 are told apart without it.
    large : bool
        Whether more than `MAX_FEATURES` entities are meant.
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
    return Found(found.frame, found.crs_from, notes + found.notes)


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
