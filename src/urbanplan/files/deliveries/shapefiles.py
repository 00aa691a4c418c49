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
from urbanplan.files.deliveries.vectors import Found, beside_geometry, read_features

if TYPE_CHECKING:
    import geopandas as gpd

_DRIVER = "ESRI Shapefile"
_HEADER = 100


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
    frame, said = _decoded(path, raw.frame, _candidates(path, sidecars, encoding))
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
    if ".shx" in sidecars and all(path.with_suffix(e) == one for e, one in sidecars.items()):
        yield path, ()
        return
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as name:
        copy = Path(name) / "layer.shp"
        for ending in (".shp", ".shx", ".dbf", ".prj"):
            if ending in sidecars:
                shutil.copyfile(sidecars[ending], copy.with_suffix(ending))
        notes: tuple[str, ...] = ()
        if ".shx" not in sidecars:
            copy.with_suffix(".shx").write_bytes(_index(path))
            notes = ("its .shx is missing and was worked out from the .shp",)
        yield copy, notes


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
    path: Path, sidecars: Mapping[str, Path], encoding: str | None
) -> list[tuple[str, str]]:
    """Encodings to try in order, each with how we came to it."""
    if encoding is not None:
        return [(texts.known(encoding, path), "")]
    found = []
    if ".cpg" in sidecars:
        with open(sidecars[".cpg"], "rb") as f:
            said = f.read(64).decode("ascii", errors="replace").strip()
        with contextlib.suppress(InputError):
            found.append((texts.known(said, path), ""))
    for guess in ("utf-8", "gb18030"):
        if guess not in [name for name, _ in found]:
            why = "its .cpg is wrong" if found and found[0][1] == "" else "it has no .cpg"
            found.append((guess, f"text was read as {guess.upper()} ({why})"))
    return found


def _decoded(
    path: Path, frame: gpd.GeoDataFrame, candidates: list[tuple[str, str]]
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The frame with its Latin-1 text in the first encoding that all of it is in."""
    columns = [name for name in frame.columns if name != frame.geometry.name]
    texts_of = {n: frame[n] for n in columns if frame[n].dtype.kind == "O"}
    plain = all(name.isascii() for name in columns) and all(
        value.isascii() for column in texts_of.values() for value in column if type(value) is str
    )
    if plain:
        return frame, ()
    for encoding, why in candidates:
        with contextlib.suppress(UnicodeError):
            cut = [0]
            names = {n: _text(n, encoding, cut) for n in columns}
            table = {
                names[n]: _texts(texts_of[n], encoding, cut) if n in texts_of else frame[n]
                for n in columns
            }
            if len(table) < len(columns):
                continue
            notes = (why,) if why else ()
            if cut[0]:
                notes += (f"{cut[0]:,} texts end in the middle of a letter, which was left out",)
            table, renamed = beside_geometry(table)
            made = type(frame)(table, geometry=frame.geometry, crs=frame.crs)
            return made, notes + renamed
    tried = ", ".join(name.upper() for name, _ in candidates)
    raise InputError(
        f"has text that is not {tried}", where=path, remedy="name its encoding with --encoding"
    )


def _texts(column: Iterable, encoding: str, cut: list[int]) -> list:
    return [_text(v, encoding, cut) if type(v) is str else v for v in column]


def _text(value: str, encoding: str, cut: list[int]) -> str:
    """Text of Latin-1 letters as what its bytes say; fields are cut by bytes, not by letters."""
    if value.isascii():
        return value
    raw = value.encode("latin-1")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as err:
        if err.end < len(raw) or err.start < len(raw) - 3 or len(raw) < 10:
            raise
        cut[0] += 1
        return raw[: err.start].decode(encoding)
