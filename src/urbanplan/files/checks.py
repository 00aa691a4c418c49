"""What a delivered file must be before a library sees it; archives unpacked under limits."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import sqlite3
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn

from urbanplan.base.schema import normal
from urbanplan.errors import InputError
from urbanplan.files import texts
from urbanplan.files.vector import MAX_FEATURES, LayerInfo, guarded, too_many

#: Bytes of a head that are looked at; the library reads no more of it than is judged here.
_MAX_HEAD = 16 * 2**20
#: Most dimensions, attributes of one thing, and variables, as the library itself bounds what it writes.
_MOST = 8192
#: Tags of lists: absent, dimensions, variables, attributes.
_ABSENT, _DIMENSIONS, _VARIABLES, _ATTRIBUTES = 0, 10, 11, 12
#: Bytes of a value by its type.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}


def judge_netcdf(path: Path) -> None:
    """Raise `ValueError` if a NetCDF of the classic kind counts more than its bytes hold.

    The library takes memory for what is counted before it looks whether it is there.

    References
    ----------
    The NetCDF Classic Format Specification (CDF-1, CDF-2, CDF-5).
    """
    with open(path, "rb") as file:
        data = file.read(_MAX_HEAD)
    if data[:3] != b"CDF":
        # HDF5, which keeps its own books.
        return
    version = data[3] if len(data) > 3 else 0
    if version not in (1, 2, 5):
        raise ValueError
    head = _Head(data, 8 if version == 5 else 4, 4 if version == 1 else 8)
    at = 4 + head.width
    count, at = head.list(at, _DIMENSIONS)
    for _ in range(count):
        at = head.name(at) + head.width
    at = head.attributes(at)
    count, at = head.list(at, _VARIABLES)
    for _ in range(count):
        of, at = head.number(head.name(at), head.width)
        at = head.attributes(at + of * head.width) + 4 + head.width + head.offset
    if at > len(data):
        raise ValueError


class _Head(NamedTuple):
    """Bytes, and how wide counts and offsets in them are."""

    data: bytes
    width: int
    offset: int

    def number(self, at: int, width: int) -> tuple[int, int]:
        """A number, and where it ends."""
        raw = self.data[at : at + width]
        if len(raw) < width:
            raise ValueError
        return int.from_bytes(raw, "big"), at + width

    def list(self, at: int, wanted: int) -> tuple[int, int]:
        """How many members a list has, and where they begin."""
        tag, at = self.number(at, 4)
        count, at = self.number(at, self.width)
        if count > _MOST or (tag != wanted and (tag, count) != (_ABSENT, 0)):
            raise ValueError
        return count, at

    def name(self, at: int) -> int:
        """Where a name ends."""
        size, at = self.number(at, self.width)
        return at + (size + 3) // 4 * 4

    def attributes(self, at: int) -> int:
        """Where a list of attributes ends."""
        count, at = self.list(at, _ATTRIBUTES)
        for _ in range(count):
            kind, at = self.number(self.name(at), 4)
            values, at = self.number(at, self.width)
            at += (values * _BYTES.get(kind, 1) + 3) // 4 * 4
        return at


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

    above: list[str] = []
    names: set[str] = set()
    written: list[str] = []
    count = 0

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

    def data(text: str) -> None:
        if above and above[-1].rpartition(":")[2] in _ANGLES:
            written.append(text)

    texts.refuse_declarations(path, texts.chunks(path), path)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = data
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


def _judge_systems(
    base: sqlite3.Connection, kinds: dict[str, str], wrong: Callable[[str], InputError]
) -> None:
    """Refuse coordinate systems that are the name of a file or a server."""
    if "gpkg_spatial_ref_sys" not in kinds:
        return
    rows = base.execute("SELECT srs_id, definition FROM gpkg_spatial_ref_sys")
    for number, definition in rows:
        text = str(definition or "undefined").strip()
        if not re.match(r"(undefined$|[A-Za-z_]+\s*[\[(])", text, re.I):
            raise wrong(f"defines its coordinate system {number} by something that is no WKT")


#: Unpacked bytes per packed byte above which an archive is refused.
MAX_RATIO = 100
#: Archives that unpack into less than this are never refused for their ratio.
SMALL = 2**20
#: Bytes that all members may have together.
MAX_UNPACKED = 2 * 2**30
#: Members that an archive may have.
MAX_MEMBERS = 10_000
#: Archives inside an archive: never unpacked.
NESTED = (".zip", ".kmz", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_CHUNK = 2**20


def refuse(
    path: Path, what: str, remedy: str = "unpack it yourself and look at it first"
) -> NoReturn:
    """Raise the error of an archive that will not be unpacked."""
    raise InputError(what, where=path, remedy=remedy)


def members(path: Path) -> tuple[list[tuple[zipfile.ZipInfo, str]], tuple[str, ...]]:
    """Members of a zip that may be unpacked, with their names decoded, and notes.

    Nothing is unpacked: everything is judged by what the directory says.

    Raises
    ------
    InputError
        If any member has an unsafe name or kind, or all of them are too much.
    """
    with guarded(path, "a zip archive", "a program for archives"), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        refuse(path, f"has more than {MAX_MEMBERS:,} members")
    judge_size(path, infos)
    kept, notes, seen = [], [], set()
    recoded = False
    for info in infos:
        name, guessed = _decoded(info)
        recoded |= guessed
        _judge(path, info, name)
        key = normal(name.rstrip("/"), "NFC").casefold()
        if key in seen:
            refuse(path, f"has the member '{name}' twice")
        seen.add(key)
        if name.endswith("/"):
            continue
        if name.lower().endswith(NESTED):
            notes.append(f"'{name}' is an archive inside the archive and was not opened")
        elif not name.startswith("__MACOSX/"):
            kept.append((info, name))
    _no_file_is_a_folder(path, kept)
    if recoded:
        notes.append("names of members were read as GB18030")
    return kept, tuple(notes)


def judge_size(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose directory promises too much."""
    total = sum(info.file_size for info in infos)
    packed = path.stat().st_size
    if total > MAX_UNPACKED:
        refuse(path, f"would unpack into more than {MAX_UNPACKED >> 30} GiB")
    if total > SMALL and total > MAX_RATIO * packed:
        refuse(path, f"would unpack into {total // packed} times its size")
    if sum(info.compress_size for info in infos) > packed:
        refuse(path, "has members that overlap", "pack the files again")


def _decoded(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Name of a member, and whether its encoding was guessed."""
    name, guessed = info.orig_filename, False
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name, guessed = raw.decode("gb18030", errors="replace"), True
    return name.replace("\\", "/"), guessed


def _judge(path: Path, info: zipfile.ZipInfo, name: str) -> None:
    """Refuse a member by its name or kind."""
    shown = name.encode("unicode_escape").decode() if not name.isprintable() else name
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not name.isprintable():
        refuse(path, f"has the member '{shown}' with control characters in its name")
    if name.startswith("/") or ":" in name.split("/")[0]:
        refuse(path, f"has the member '{shown}' with an absolute path")
    if ".." in name.split("/"):
        refuse(path, f"has the member '{shown}' that leads out of the archive")
    if kind == stat.S_IFLNK:
        refuse(path, f"has the member '{shown}' that is a symbolic link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse(path, f"has the member '{shown}' that is a device")
    if info.flag_bits & 0x1:
        refuse(path, f"has the encrypted member '{shown}'", "unpack it with its password first")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(path, f"has the member '{shown}' packed in an unusual way", "pack it as plain zip")
    if len(name.encode()) > 1000 or any(len(part.encode()) > 250 for part in name.split("/")):
        refuse(path, f"has the member '{shown[:60]}…' with too long a name")


def _no_file_is_a_folder(path: Path, kept: list[tuple[zipfile.ZipInfo, str]]) -> None:
    names = {name.casefold() for _, name in kept}
    for _, name in kept:
        for parent in PurePosixPath(name).parents:
            if str(parent).casefold() in names:
                refuse(path, f"has '{parent}' as a file and as a folder")


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Unpack a zip into a temporary folder, which is gone afterwards whatever happens.

    Yields
    ------
    folder : Path
        Where the members are, under their decoded names.
    notes : tuple of str
        What was skipped or guessed.
    """
    kept, notes = members(path)
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as name:
        folder = Path(name)
        with (
            guarded(path, "a zip archive", "a program for archives"),
            zipfile.ZipFile(path) as archive,
        ):
            budget = min(MAX_UNPACKED, max(SMALL, MAX_RATIO * path.stat().st_size))
            for info, member in kept:
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                budget -= _copy(archive, info, target, path, budget)
        yield folder, notes


def _copy(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, path: Path, budget: int
) -> int:
    """Unpack one member, and say how many bytes really came."""
    # Mode "x": a member never overwrites another, whatever the file system folds together.
    with archive.open(info) as source, open(target, "xb") as sink:
        done = 0
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            if done > min(budget, info.file_size):
                refuse(path, f"holds more than its directory says, or too much, in '{target.name}'")
            sink.write(chunk)
    if done != info.file_size:
        refuse(path, f"holds less than its directory says in '{target.name}'", "pack it again")
    return done
