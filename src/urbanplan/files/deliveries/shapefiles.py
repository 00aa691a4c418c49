"""Shapefiles: the encoding that nobody wrote down, the index that was not sent along."""

from __future__ import annotations

import contextlib
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import InputError
from urbanplan.files.deliveries import texts
from urbanplan.files.deliveries.checks import check_shapefile
from urbanplan.files.deliveries.heads import distinct
from urbanplan.files.deliveries.vectors import Found, beside_geometry, read_features

if TYPE_CHECKING:
    import geopandas as gpd

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
    notes = (why,) if why else ()
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
