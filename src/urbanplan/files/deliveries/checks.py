"""What is looked at before GDAL sees a file: names, links, databases, references to elsewhere."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from urbanplan.errors import InputError
from urbanplan.files.deliveries import texts
from urbanplan.files.deliveries.vectors import MAX_FEATURES, LayerInfo, guarded, too_many

_SERVICE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
# Keys may be written with escapes, in any case, and by lenient writers in single quotes.
_CRS = re.compile(rb"""["'](?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)["']""", re.I)
_FEATURE = re.compile(rb"""["']type["']\s*:\s*["']Feature["']""")
_NAMED = re.compile(
    r"(urn:(x-)?ogc:def:crs:[\w.]+:[\w.]*:\w+|(EPSG|OGC|ESRI|CRS|AUTO):\w+)", re.IGNORECASE
)
#: How GML names a system: by its code, whoever registers it.
_SRS = re.compile(
    rf"{_NAMED.pattern}|http://www\.opengis\.net/(gml/srs/epsg\.xml#\d+|def/crs/\w+/[\w.]+/\w+)", re.IGNORECASE
)  # fmt: skip
#: What holds features in GML; nesting beyond which GDAL gives up without a word, and most names of elements.
_MEMBERS, _MAX_DEPTH, _MAX_NAMES = ("featureMember", "featureMembers", "member"), 60, 4096
#: Ends of arcs, in degrees, and how far they may be from 0.
_ANGLES, _MAX_ANGLE = ("startAngle", "endAngle"), 720.0
_SYSTEM_TABLES = re.compile(r"(gpkg|rtree|sqlite|geometry_columns$|spatial_ref_sys$)", re.I)
_WINDOW = 65_536
_IDENTIFIER = re.compile(
    r"<(?:\w+:)?fileIdentifier\b[^<>]*>\s*<(?:\w+:)?CharacterString\b[^<>]*>([^<>]*)<"
)


def refuse_services(path: Path | str) -> Path:
    """Return `path` as a `Path`, or refuse it where GDAL would take it for something else.

    Raises
    ------
    InputError
        If it names a virtual file system, a database or a service of GDAL.
    """
    text = os.fspath(path)
    straight = os.path.normpath(Path(text).absolute()).replace("//", "/")
    if "\0" in text or _SERVICE.match(text) or straight.lower().startswith("/vsi"):
        raise InputError(
            "names a service or virtual file, not a file",
            where=text.replace("\0", "\\0"),
            remedy="download or unpack it, and give the file's own path",
        )
    return Path(path)


def refuse_links(path: Path, members: Iterable[Path], folder: Path) -> None:
    """Refuse members of `folder` that are symbolic links to outside of it, or no files at all."""
    inside = folder.resolve()
    for member in members:
        target = member.resolve()
        if not target.is_relative_to(inside) or not (target.is_file() or target.is_dir()):
            raise InputError(
                f"has the member '{member.name}' that leads out of its folder",
                where=path,
                remedy="put the file itself there",
            )


def check_geojson(path: Path, *, large: bool) -> bool:
    """Refuse GeoJSON with too many features, or whose ``crs`` points at a file or a server.

    GDAL would fetch what a linked coordinate system names, as soon as the file is opened.

    Returns
    -------
    bool
        Whether the file declares a coordinate system.
    """
    limit = None if large else MAX_FEATURES
    count, declared = 0, False
    for seen, upto in texts.windows(path, _WINDOW):
        count += sum(m.start() < upto for m in _FEATURE.finditer(seen))
        if limit and count > limit:
            raise too_many(path, limit)
        for match in _CRS.finditer(seen):
            if match.start() < upto:
                declared |= _judge_crs(path, seen[match.end() : match.start() + _WINDOW])
    return declared


def _judge_crs(path: Path, rest: bytes) -> bool:
    """Whether what stands after a key ``crs`` names a system; an error if it points elsewhere."""
    after = rest.lstrip()
    if after[:1] in (b",", b"}", b"]"):
        # A value that happens to be the word.
        return False
    value = after[1:].lstrip() if after[:1] == b":" else b"{"
    if value[:1] in tuple(b"%c" % c for c in b'"-0123456789ntf['):
        return False
    with contextlib.suppress(ValueError, RecursionError, TypeError, AttributeError, KeyError):
        decoder = json.JSONDecoder(object_pairs_hook=_strict)
        said, _ = decoder.raw_decode(value.decode("utf-8", errors="replace"))
        (key, name), *more = said["properties"].items()
        form = (said["type"], key)
        named = form == ("name", "name") or form == ("OGC", "urn")
        coded = form == ("EPSG", "code") and isinstance(name, int)
        if len(said) == 2 and not more and (coded or (named and _NAMED.fullmatch(name))):
            return True
    raise InputError(
        "declares its coordinate system by something that is no plain name",
        where=path,
        remedy="write it as an EPSG code, or take the member 'crs' out",
    )


def _strict(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Pairs as a dictionary; GDAL and Python differ on which of two equal keys counts."""
    found = dict(pairs)
    if len({key.casefold() for key in found}) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def check_gml(path: Path) -> int:
    """Refuse GML that is no XML, declares entities, is too deep or wide, or has a file or a server for its system.

    GDAL gives the rows before a fault, and does not say that there was one.

    Returns
    -------
    int
        How many features it has.
    """
    from xml.parsers import expat

    above, names, written, count = [], set(), [], 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += len(above) == 2 and above[-1].rpartition(":")[2] in _MEMBERS
        above.append(name)
        names.add(name)
        written.clear()
        if len(above) > _MAX_DEPTH or len(names) > _MAX_NAMES:
            raise InputError(
                f"nests elements more than {_MAX_DEPTH} deep, or has more than {_MAX_NAMES:,} names of them",
                where=path,
                remedy="export it again as GeoPackage",
            )
        if not _SRS.fullmatch(attributes.get("srsName", "EPSG:4326")):
            raise InputError(
                "declares its coordinate system by something that is no plain name",
                where=path,
                remedy="write it as an EPSG code",
            )

    def end(name: str) -> None:
        above.pop()
        if name.rpartition(":")[2] in _ANGLES:
            _judge_angle(path, "".join(written))
        written.clear()

    texts.refuse_declarations(path, texts.chunks(path), path)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = lambda text: (
        above and above[-1].rpartition(":")[2] in _ANGLES and written.append(text)
    )
    with guarded(path, "GML"):
        for piece in texts.chunks(path):
            parser.Parse(piece)
        parser.Parse(b"", True)
    return count


def _judge_angle(path: Path, text: str) -> None:
    # GDAL draws an arc by a point at every few degrees, however many there are.
    with contextlib.suppress(ValueError):
        if abs(float(text)) <= _MAX_ANGLE:
            return
    raise InputError(
        f"has an arc to '{text.strip()[:40]}' degrees",
        where=path,
        remedy="export it again with plain lines",
    )


def cut_off(path: Path, what: str) -> InputError:
    """The error for a file that ends before it should."""
    return InputError(
        f"is cut off ({what})", where=path, remedy="copy or download it again from its source"
    )


def check_geodatabase(path: Path, members: Iterable[Path]) -> None:
    """Refuse a file geodatabase whose lists of rows have lost their end."""
    for member in members:
        if member.suffix == ".gdbtablx":
            with open(member, "rb") as f:
                head = f.read(16)
            _, blocks, _, width = struct.unpack("<4I", head.ljust(16, b"\xff"))
            if len(head) < 16 or 16 + 1024 * blocks * width > member.stat().st_size:
                raise cut_off(path, f"its member {member.name} is too short")


def check_shapefile(path: Path, sidecars: Mapping[str, Path]) -> None:
    """Refuse a shapefile of which a file is shorter than its own header says."""
    for ending in (".shp", ".shx"):
        if ending in sidecars:
            with open(sidecars[ending], "rb") as f:
                head = f.read(100)
            said = struct.unpack(">i", head[24:28])[0] if len(head) == 100 else None
            if said is None or 2 * said > sidecars[ending].stat().st_size:
                raise cut_off(path, f"its {ending} is shorter than it says")
    if ".shx" in sidecars:
        _refuse_shared_records(path, sidecars[".shx"])
    if ".dbf" in sidecars:
        with open(sidecars[".dbf"], "rb") as f:
            head = f.read(12)
        rows, header, width = struct.unpack("<IHH", head[4:12]) if len(head) == 12 else (1, 0, 0)
        if header + rows * width > sidecars[".dbf"].stat().st_size or not header:
            raise cut_off(path, "its .dbf is shorter than it says")


def _refuse_shared_records(path: Path, index: Path) -> None:
    # A large record that each row names anew makes terabytes of a small file.
    import numpy as np

    words = np.fromfile(index, ">i4", offset=100)
    lengths = words[: len(words) // 2 * 2].reshape(-1, 2)[:, 1].astype("int64")
    if 2 * int(lengths.clip(0).sum()) > path.stat().st_size:
        raise InputError(
            "has an index (.shx) in which rows share their geometry",
            where=path,
            remedy="take the .shx away, or export it again",
        )


def inspect_geopackage(path: Path) -> list[LayerInfo]:
    """Layers of a GeoPackage, found without GDAL; its database is checked on the way.

    Raises
    ------
    InputError
        If it is damaged, in use, or has views or virtual tables where layers should be.
    """
    for ending in ("-wal", "-journal"):
        beside = path.with_name(path.name + ending)
        if beside.is_file() and beside.stat().st_size:
            raise InputError(
                f"is being written by another program ('{beside.name}' is there)",
                where=path,
                remedy="close it in QGIS first",
            )
    with _database(path) as base:
        return _inspect(path, base)


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a GeoPackage, for reading only."""
    with guarded(path, "GPKG"):
        uri = path.absolute().as_uri() + "?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as base:
            base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 256 * 2**20)
            base.execute("PRAGMA trusted_schema = OFF")
            yield base


def identifiers(path: Path) -> dict[str, str]:
    """By table, the identifier in the ISO 19115 metadata that a checked GeoPackage has of it."""
    found: dict[str, str] = {}
    with _database(path) as base:
        own = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gpkg_metadata%'"
        if len(base.execute(own).fetchall()) < 2:
            return found
        rows = base.execute(
            "SELECT r.table_name, m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r"
            " ON r.md_file_id = m.id WHERE m.metadata LIKE '%fileIdentifier%'"
        )
        for table, text in rows:
            said = _IDENTIFIER.search(str(text)[:_WINDOW])
            if said and table:
                found[str(table)] = html.unescape(said[1].strip())
    return found


def _inspect(path: Path, base: sqlite3.Connection) -> list[LayerInfo]:
    """Check an open database, and list its layers."""

    def wrong(what: str) -> InputError:
        return InputError(what, where=path, remedy="export its layers to a new GeoPackage")

    master = base.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    kinds: dict[str, str] = {}
    for kind, name, _, sql in master:
        if kind == "view" and _SYSTEM_TABLES.match(name):
            raise wrong(f"has the view '{name}' in place of a table of its own")
        virtual = re.match(r"\s*CREATE\s+VIRTUAL\s+TABLE\b", sql or "", re.I)
        if virtual and not re.search(r"\bUSING\s+rtree\b", sql, re.I):
            raise wrong(f"has the virtual table '{name}'")
        if kind in ("table", "view"):
            kinds[name.casefold()] = kind
    if "gpkg_contents" not in kinds:
        raise wrong("is not a GeoPackage (it has no table gpkg_contents)")
    said = base.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise InputError(
            f"is damaged ({said.splitlines()[-1][:120]})",
            where=path,
            remedy="restore it from its source",
        )
    _judge_systems(base, kinds, wrong)
    shapes = set()
    if "gpkg_geometry_columns" in kinds:
        found = base.execute("SELECT table_name FROM gpkg_geometry_columns")
        shapes = {str(name).casefold() for (name,) in found}
    layers = []
    listed = base.execute(
        "SELECT table_name, data_type FROM gpkg_contents"
        " WHERE lower(data_type) IN ('features', 'attributes', 'aspatial')"
    ).fetchall()
    for name, _ in listed:
        if kinds.get(str(name).casefold()) == "view":
            raise wrong(f"has the view '{name}' as a layer")
        if str(name).casefold() not in kinds:
            raise wrong(f"lists the layer '{name}' that is not there")
        quoted = '"' + name.replace('"', '""') + '"'
        if any(row[6] in (2, 3) for row in base.execute(f"PRAGMA table_xinfo({quoted})")):
            raise wrong(f"has columns in the layer '{name}' that are computed as they are read")
        (count,) = base.execute(f"SELECT count(*) FROM {quoted}").fetchone()
        layers.append(LayerInfo(name, count, name.casefold() in shapes))
    return layers


def _judge_systems(base: sqlite3.Connection, kinds: dict[str, str], wrong) -> None:
    """Refuse coordinate systems that are the name of a file or a server."""
    if "gpkg_spatial_ref_sys" not in kinds:
        return
    rows = base.execute("SELECT srs_id, definition FROM gpkg_spatial_ref_sys")
    for number, definition in rows:
        text = str(definition or "undefined").strip()
        if not re.match(r"(undefined$|[A-Za-z_]+\s*[\[(])", text, re.I):
            raise wrong(f"defines its coordinate system {number} by something that is no WKT")
