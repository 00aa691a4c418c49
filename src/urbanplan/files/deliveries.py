"""Files that others deliver: chosen by ending, looked at, read by a named driver."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from urbanplan.base.crs import parse_crs
from urbanplan.errors import InputError, MissingFileError, UrbanplanError
from urbanplan.files import checks, texts
from urbanplan.files.cells import MAX_COLUMNS
from urbanplan.files.tables import placed
from urbanplan.files.vector import (
    MAX_FEATURES,
    Found,
    LayerInfo,
    choose,
    feature_ids,
    finite,
    guarded,
    is_undefined,
    list_layers,
    read_features,
    refuse_nested,
    too_many,
    which_layer,
    with_plain_cells,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa


#: Larger files and folders are refused unless the user says that they are meant to be.
MAX_BYTES = 512 * 2**20
#: Kinds by file ending; a file is never read as any other, whatever it contains.
DELIVERY_DRIVERS: Mapping[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".kml": "KML",
    ".kmz": "KML",
    ".gml": "GML",
    ".dxf": "DXF",
    ".fgb": "FlatGeobuf",
    ".parquet": "GeoParquet",
    ".geoparquet": "GeoParquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".xlsx": "XLSX",
    ".gdb": "OpenFileGDB",
    ".zip": "zip",
}
#: Endings that say a table or a description as often as a layer: read from an archive only
#: where it holds nothing else.
SECOND_CHOICE = (".json", ".csv", ".tsv", ".txt", ".xlsx")
_REMEDIES = {
    ".xls": "save it as .xlsx",
    ".et": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".dwg": "save it as .dxf",
    ".rar": "unpack it, or pack it as .zip",
    ".7z": "unpack it, or pack it as .zip",
    ".dbf": "name its .shp",
    ".shx": "name its .shp",
    ".prj": "name its .shp",
    ".mdb": "export it to a .gdb folder or GeoPackage",
    ".tab": "export it to GeoPackage",
}


def kind_of(path: Path) -> str:
    """What a file's ending says it is."""
    ending = path.suffix.lower()
    if ending not in DELIVERY_DRIVERS:
        raise InputError(
            f"files ending in '{path.suffix}' are not read",
            where=path,
            remedy=_REMEDIES.get(ending, f"use one of {', '.join(DELIVERY_DRIVERS)}"),
        )
    return DELIVERY_DRIVERS[ending]


def members_of(path: Path) -> list[Path]:
    """Files that make up what the user named, sorted, none of them elsewhere."""
    kind = kind_of(path)
    if kind == "OpenFileGDB":
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "no such folder"
            error = InputError if path.exists() else MissingFileError
            raise error(what, where=path, remedy="name the .gdb folder, or a .zip of it")
        found = sorted(path.iterdir())
        checks.refuse_links(path, found, path)
        return [one for one in found if one.is_file() and not one.name.endswith(".lock")]
    if not path.is_file():
        what = "is not a file" if path.exists() else "no such file"
        error = InputError if path.exists() else MissingFileError
        raise error(what, where=path, remedy="check the name and the folder")
    if kind == "ESRI Shapefile":
        found = list(sidecars(path).values())
        checks.refuse_links(path, found, path.parent)
        return sorted(found)
    return [path]


def sidecars(path: Path) -> dict[str, Path]:
    """Files of one shapefile by their endings in small letters."""
    found = {".shp": path}
    for one in sorted(path.parent.iterdir()):
        ending = one.name[len(path.stem) :].lower()
        if one.name.startswith(path.stem + ".") and ending in (
            ".dbf",
            ".shx",
            ".prj",
            ".cpg",
            ".qix",
            ".sbn",
            ".sbx",
            ".idm",
            ".ind",
        ):
            found.setdefault(ending, one)
    return found


def hash_of(path: Path, members: list[Path]) -> str:
    """SHA-256 of a file's bytes, or over the names and bytes of several."""
    found = hashlib.sha256()
    for member in members:
        if len(members) > 1 or path.is_dir():
            found.update(f"{member.name}\0{member.stat().st_size}\0".encode())
        for piece in texts.chunks(member):
            found.update(piece)
    return found.hexdigest()


#: Bytes that the columns of one file may have once they are expanded.
MAX_EXPANDED = 2**30
#: Times its size that a file may expand, once it is above so many bytes.
MAX_RATIO, EXPANDED_SMALL = 100, 2**28


def read_parquet(path: Path, *, large: bool = False, crs: str | None = None) -> tuple[str, Found]:
    """Read a Parquet file, and say whether it is a GeoParquet or a plain one.

    Parameters
    ----------
    path : path
        A ``.parquet`` file.
    large : bool
        Whether more than `MAX_FEATURES` rows, or a gigabyte of columns, are meant.
    crs : str, optional
        The system that the user named.

    Returns
    -------
    driver : str
        "GeoParquet" or "Parquet".
    Found
        Its rows. GeoParquet that names no coordinate system is longitude and latitude by
        definition of the format; a plain table has none.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    with guarded(path, "Parquet"):
        with pq.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, file.metadata.num_columns
            about = file.schema_arrow.metadata or {}
            leaves = [file.metadata.schema.column(i) for i in range(columns)]
            text = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        if not large and rows > MAX_FEATURES:
            raise too_many(path, MAX_FEATURES)
        if columns > MAX_COLUMNS:
            raise InputError(
                f"has more than {MAX_COLUMNS:,} columns",
                where=path,
                remedy="keep those you need",
            )
        if not large:
            _refuse_to_expand(path, text)
        if b"geo" in about:
            kind, found = "GeoParquet", _geo(path, json.loads(about[b"geo"]))
        else:
            table = _unrounded(path, pd.read_parquet(path, engine="pyarrow"))
            kind, found = "Parquet", placed(path, table, crs=crs)
        # Texts that are none show only when somebody looks at them.
        for column in found.frame.columns:
            found.frame[column].to_numpy(object)
    return kind, found


def _refuse_to_expand(path: Path, text: list[str]) -> None:
    """Add up what the columns hold once expanded, without expanding their dictionaries."""
    import pyarrow.parquet as pq

    limit = min(MAX_EXPANDED, max(EXPANDED_SMALL, MAX_RATIO * path.stat().st_size))
    error = InputError(
        f"expands to more than {limit >> 20:,} MiB",
        where=path,
        remedy="cut it to the city, or pass large=True (--large)",
    )
    total = 0
    with pq.ParquetFile(path, read_dictionary=text) as file:
        about = file.metadata
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        # Lists of numbers can be long without holding any bytes in the file.
        values = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
        if 4 * values > limit:
            raise error
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            total += sum(_expanded(column) for column in batch.columns)
            if total > limit:
                raise error


def _expanded(column: pa.Array) -> int:
    """Bytes of a column with every value written out."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        if types.is_string(column.dictionary.type) or types.is_binary(column.dictionary.type):
            # Batches share their dictionary, so its own bytes say nothing.
            sizes = pc.binary_length(column.dictionary).take(column.indices)
            return column.indices.nbytes + (pc.sum(sizes).as_py() or 0)
    elif types.is_struct(column.type):
        return sum(map(_expanded, column.flatten()))
    elif types.is_map(column.type):
        return _expanded(column.keys) + _expanded(column.items)
    elif types.is_nested(column.type):
        return 8 * len(column) + _expanded(column.flatten())
    return column.nbytes


def _refuse_nested(path: Path, columns: list[str]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192, columns=columns, use_threads=False):
            for column in batch.columns:
                refuse_nested(path, (value.as_py() for value in column))


def _unrounded(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    # Whole numbers beside missing ones have become floats: those that a float rounds are read again.
    import numpy as np
    import pyarrow.parquet as pq
    import pyarrow.types as types

    for field in pq.read_schema(path):
        whole = types.is_integer(field.type) and field.name in frame
        column = frame[field.name] if whole else np.zeros(0)
        if column.dtype.kind == "f" and (np.abs(column) > 2**53).any():
            exact = pq.read_table(path, columns=[field.name]).column(0).to_pylist()
            frame[field.name] = np.array([*exact, None], object)[:-1]
    return frame


def _geo(path: Path, about: dict) -> Found:
    """A GeoParquet file."""
    import geopandas as gpd
    import numpy as np

    for column in about["columns"].values():
        if column.get("crs"):
            parse_crs(column["crs"], path)
    _refuse_nested(path, [n for n, c in about["columns"].items() if c.get("encoding") == "WKB"])
    frame = _unrounded(path, gpd.read_parquet(path))
    primary = about["columns"][about["primary_column"]]
    declared = primary.get("crs") is not None
    crs_from = "file" if declared else "format" if "crs" not in primary else ""
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    if frame.crs is not None and is_undefined(frame.crs):
        frame, crs_from = frame.set_crs(None, allow_override=True), ""
    geometry, notes = finite(np.asarray(frame.geometry.array, dtype=object))
    if notes:
        frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    return Found(frame.reset_index(drop=True), crs_from, notes)


@dataclass(frozen=True)
class Delivery:
    """What was read from a file that somebody delivered.

    Parameters
    ----------
    path : Path
        What the user named.
    sha256 : str
        Of the file's bytes; of a folder, or a shapefile with its sidecars, over the sorted
        names and bytes of its members.
    driver : str
        "GeoJSON", "ESRI Shapefile", "CSV", "XLSX", "GeoParquet" and the like.
    layer : str or None
        Which layer was read, where the file has several.
    frame : GeoDataFrame
        All columns as in the file; geometry may be None in rows, and ``crs`` None where the
        file declares none.
    crs_from : str
        "file", "format" (WGS84 by definition of the format), "columns" (by their names), "user"
        (by `crs`, or behind the path), or "" where there is none.
    notes : tuple of str
        What the reader must know.
    system : str
        The system that the user or the names of the columns say, such as "gcj02", or "".
    """

    path: Path
    sha256: str
    driver: str
    layer: str | None
    frame: gpd.GeoDataFrame
    crs_from: str
    notes: tuple[str, ...]
    system: str = ""


class Asked(NamedTuple):
    """What the user said of a file.

    Attributes
    ----------
    layer : str or None
        Which layer, sheet, folder or member.
    encoding : str or None
        Of its text.
    large : bool
        Whether more features than usual are meant.
    crs : str or None
        Its coordinate system.
    family : str
        What is looked for: "point", "line", "polygon", or "" for whatever is there.
    """

    layer: str | None = None
    encoding: str | None = None
    large: bool = False
    crs: str | None = None
    family: str = ""


def split_name(name: Path | str) -> tuple[Path, dict[str, str]]:
    """A file's path, and what is said behind it: ``FILE|layername=A|crs=gcj02|encoding=gbk``.

    Parameters
    ----------
    name : path
        As QGIS writes it; ``FILE|A`` names the layer too. A file whose own name has the mark is that file.

    Raises
    ------
    InputError
        If something else is said.
    """
    plain, *parts = str(name).split("|")
    if not parts or Path(name).exists():
        return Path(name), {}
    said: dict[str, str] = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign:
            key, value = "layername", part
        key = key.strip().lower()
        if key in said or key not in ("layername", "crs", "encoding") or not value.strip():
            raise InputError(
                f"'{part}' behind the file's name cannot be understood",
                where=plain,
                remedy="write FILE|layername=NAME, with |crs=SYSTEM or |encoding=NAME behind it",
            )
        said[key] = value.strip()
    return Path(plain), said


def read_delivery(
    path: Path | str,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    large: bool = False,
    crs: str | None = None,
    family: str = "",
    placeless: bool = False,
) -> Delivery:
    """Read one layer of a file that planners have, without trusting it.

    Parameters
    ----------
    path : path
        A file ending in one of `DELIVERY_DRIVERS`, or a ``.gdb`` folder; see `split_name`.
    layer : str, optional
        Which layer, sheet, folder or member; needed where there are several.
    encoding : str, optional
        Of its text; UTF-8 and GB18030 are told apart without it.
    large : bool
        Whether a file of more than 5,000,000 features or 512 MiB is meant.
    crs : str, optional
        The system that the user names; it chooses among several pairs of columns.
    family : {"", "point", "line", "polygon"}
        What is looked for: a drawing's other layers are then left out.
    placeless : bool
        Whether a table without coordinates will do: its rows are placed by name.

    Returns
    -------
    Delivery
        Its rows as they are, and what the reader must know about them.

    Raises
    ------
    InputError
        If it cannot be read safely and wholly; the message says what to do.
    MissingFileError
        If it is not there.
    """
    path, said = split_name(checks.refuse_services(path))
    asked = Asked(
        layer or said.get("layername"),
        encoding or said.get("encoding"),
        large,
        crs or said.get("crs"),
        family,
    )
    members = members_of(path)
    if not large and sum(member.stat().st_size for member in members) > MAX_BYTES:
        raise InputError(
            f"is larger than {MAX_BYTES >> 20} MiB",
            where=path,
            remedy="cut it to the city, or pass large=True (--large)",
        )
    sha256 = hash_of(path, members)
    driver, found = _read(path, asked)
    if found.placeless and not placeless:
        raise InputError(found.placeless, where=path, remedy="call them lon and lat, x and y, or wkt")  # fmt: skip
    system = asked.crs or found.system
    crs_from = "user" if asked.crs else found.crs_from or ("columns" if system else "")
    frame = with_plain_cells(found.frame)
    return Delivery(path, sha256, driver, found.layer, frame, crs_from, found.notes, system)


def geopackage_layers(path: Path | str) -> list[str]:
    """Names of a GeoPackage's layers, its database checked on the way."""
    path = checks.refuse_services(path)
    members_of(path)
    return [info.name for info in checks.inspect_geopackage(path)]


def geopackage_identifiers(path: Path | str) -> dict[str, str]:
    """By table, the identifier that a GeoPackage's metadata (ISO 19115) gives it."""
    path = checks.refuse_services(path)
    members_of(path)
    checks.inspect_geopackage(path)
    return checks.identifiers(path)


def _read(path: Path, asked: Asked) -> tuple[str, Found]:
    """Read a file whose members were looked at."""
    kind = kind_of(path)
    if path.suffix.lower() in (".zip", ".kmz"):
        with checks.unpacked(path) as (folder, notes):
            return _read_unpacked(path, folder, notes, asked)
    if asked.layer not in (None, path.stem) and kind in ("CSV", "GeoParquet"):
        raise InputError(
            f"has no layer '{asked.layer}'",
            where=path,
            remedy=f"leave --layer out: a {kind} has one",
        )
    return _READERS[kind](path, asked)


def _geojson(path: Path, asked: Asked) -> tuple[str, Found]:
    import numpy as np

    with _as_utf8(path, asked.encoding) as (plain, notes), _spoken_of(plain, path):
        if texts.first_of(plain) == "[":
            from urbanplan.files.tables import read_records

            return "JSON", read_records(plain, notes, crs=asked.crs)
        declared = checks.check_geojson(plain, large=asked.large)
        found = _named(plain, "GeoJSON", asked)
        if "id" not in found.frame and len(ids := feature_ids(plain)) == len(found.frame):
            found.frame["id"] = np.array([*ids, None], object)[:-1]
    return "GeoJSON", replace(
        found, crs_from="file" if declared else "format", notes=notes + found.notes
    )


#: How XML in UTF-8 begins.
_UTF8 = '<?xml version="1.0" encoding="UTF-8"?>\n'


@contextlib.contextmanager
def _as_utf8(
    path: Path, encoding: str | None, *, xml: bool = False
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The file itself, or a copy in UTF-8 that is gone afterwards; XML is always copied, to be alone."""
    coding, notes = texts.encoding_of(path, encoding)
    if coding == "utf-8-sig" and not xml:
        yield path, notes
        return
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as folder:
        copy = Path(folder) / path.name
        with open(copy, "w", encoding="utf-8", newline="") as sink:
            pieces = texts.pieces(path, coding)
            if xml:
                # What it says of its own encoding is no longer true.
                sink.write(re.sub(r"^\s*(<\?xml[^>]*\?>)?\s*", _UTF8, next(pieces, "")))
            sink.writelines(pieces)
        yield copy, notes


def _gml(path: Path, asked: Asked) -> tuple[str, Found]:
    # Schemas beside the file, which GDAL would follow, are not copied with it.
    with _as_utf8(path, asked.encoding, xml=True) as (copy, notes), _spoken_of(copy, path):
        count = checks.check_gml(copy)
        found = _named(copy, "GML", asked)
        if not found.layer and len(found.frame) < count:
            raise InputError(
                f"is damaged (only {len(found.frame):,} of {count:,} features can be read)",
                where=copy,
                remedy="restore it from its source",
            )
    corners = [n for n in ("lowerCorner", "upperCorner") if n in found.frame]
    return "GML", replace(found, frame=found.frame.drop(columns=corners), notes=notes + found.notes)


def _named(path: Path, driver: str, asked: Asked) -> Found:
    """One layer of a file that GDAL reads, by its name."""
    # These formats have one layer, and listing it would read the whole file once more.
    if asked.layer is None and driver in ("GeoJSON", "FlatGeobuf"):
        return read_features(path, driver, large=asked.large)
    layers = list_layers(path, driver)
    index, notes = choose(path, layers, asked.layer)
    found = read_features(path, driver, index, large=asked.large)
    name = layers[index].name if len(layers) > 1 else None
    return replace(found, notes=found.notes + notes, layer=name)


def _flatgeobuf(path: Path, asked: Asked) -> tuple[str, Found]:
    return "FlatGeobuf", _named(path, "FlatGeobuf", asked)


def _geodatabase(path: Path, asked: Asked) -> tuple[str, Found]:
    checks.check_geodatabase(path, members_of(path))
    return "OpenFileGDB", _named(path, "OpenFileGDB", asked)


def _dxf(path: Path, asked: Asked) -> tuple[str, Found]:
    from urbanplan.files.drivers import read_drawing

    return "DXF", read_drawing(
        path, layer=asked.layer, encoding=asked.encoding, large=asked.large, family=asked.family
    )


def _geopackage(path: Path, asked: Asked) -> tuple[str, Found]:
    layers = checks.inspect_geopackage(path)
    index, notes = choose(path, layers, asked.layer)
    only = layers[index]
    found = read_features(path, "GPKG", only.name, expected=only.count, large=asked.large)
    name = only.name if len(layers) > 1 else None
    return "GPKG", replace(found, notes=found.notes + notes, layer=name)


def _shapefile(path: Path, asked: Asked) -> tuple[str, Found]:
    from urbanplan.files.drivers import read_shapefile

    found = read_shapefile(path, sidecars(path), encoding=asked.encoding, large=asked.large)
    if asked.layer is not None:
        choose(path, [LayerInfo(path.stem, len(found.frame))], asked.layer)
    return "ESRI Shapefile", found


def _kml(path: Path, asked: Asked) -> tuple[str, Found]:
    from urbanplan.files.drivers import read_kml

    return "KML", read_kml(path, layer=asked.layer, encoding=asked.encoding, large=asked.large)


def _parquet(path: Path, asked: Asked) -> tuple[str, Found]:
    return read_parquet(path, large=asked.large, crs=asked.crs)


def _csv(path: Path, asked: Asked) -> tuple[str, Found]:
    from urbanplan.files.tables import read_csv_table

    return "CSV", read_csv_table(path, encoding=asked.encoding, large=asked.large, crs=asked.crs)


def _xlsx(path: Path, asked: Asked) -> tuple[str, Found]:
    from urbanplan.files.tables import read_xlsx

    return "XLSX", read_xlsx(path, layer=asked.layer, crs=asked.crs)


_READERS: Mapping[str, Callable] = {
    "GeoJSON": _geojson,
    "GPKG": _geopackage,
    "ESRI Shapefile": _shapefile,
    "KML": _kml,
    "GML": _gml,
    "DXF": _dxf,
    "FlatGeobuf": _flatgeobuf,
    "OpenFileGDB": _geodatabase,
    "GeoParquet": _parquet,
    "CSV": _csv,
    "XLSX": _xlsx,
}


@contextlib.contextmanager
def _spoken_of(copy: Path, path: Path) -> Iterator[None]:
    """Let errors about a temporary copy, or files in a temporary folder, name the user's file."""
    folder = copy if copy.is_dir() else copy.parent
    try:
        yield
    except UrbanplanError as err:
        what, where = err.what.replace(f"{folder}/", ""), err.where
        if copy == path:
            raise
        if isinstance(where, Path) and where.is_relative_to(folder):
            inside = where.relative_to(folder)
            where = path if inside.name == path.name else f"{path} ({inside})"
        err.what, err.where = what, where
        raise err from None


def _read_unpacked(
    path: Path, folder: Path, notes: tuple[str, ...], asked: Asked
) -> tuple[str, Found]:
    """Read the one layer that an unpacked archive holds, or that was named."""
    _into_geodatabases(path, folder)
    held = _held(folder)
    endings = (".kml",) if path.suffix.lower() == ".kmz" else tuple(DELIVERY_DRIVERS)
    held = [one for one in held if one.suffix.lower() in endings]
    if path.suffix.lower() == ".kmz":
        # By convention the first .kml of the archive is the document.
        held.sort(key=lambda one: (one.name.lower() != "doc.kml", len(one.parts)))
        rest = [f"'{one.relative_to(folder)}'" for one in held[1:]]
        held, notes = held[:1], notes + ((f"not read: {', '.join(rest)}",) if rest else ())
    if not held:
        raise InputError(
            "holds nothing that is read" + (f" ({'; '.join(notes)})" if notes else ""),
            where=path,
            remedy=f"pack a file of one of these kinds: {', '.join(endings)}",
        )
    names = _names(folder, held)
    with _spoken_of(folder, path):
        chosen, inner = held[0], asked.layer
        if len(held) > 1:
            chosen, inner = _pick(path, held, names, asked.layer)
            others = [names[one] for one in held if one != chosen]
            notes += (f"not read: {', '.join(others[:50])}",)
        members_of(chosen)
        driver, found = _read(chosen, asked._replace(layer=inner))
    name = found.layer if len(held) == 1 else "/".join(filter(None, (names[chosen], found.layer)))
    return driver, replace(found, layer=name, notes=notes + found.notes)


def _into_geodatabases(path: Path, folder: Path) -> None:
    """Give tables of a file geodatabase that were packed without their .gdb folder one of their own."""
    for table in sorted(folder.rglob("a00000001.gdbtable")):
        home = table.parent
        if home.suffix.lower() == ".gdb":
            continue
        target = home / f"{path.stem if home == folder else home.name}.gdb"
        target.mkdir()
        for member in list(home.iterdir()):
            if member.is_file() and (
                member.suffix.startswith(".gdb") or member.name in ("gdb", "timestamps")
            ):
                member.rename(target / member.name)


def _held(folder: Path) -> list[Path]:
    """Files in an unpacked archive that can be read; tables only where there is nothing else."""
    found = []
    for one in sorted(folder.rglob("*")):
        if one.suffix.lower() in DELIVERY_DRIVERS and not any(
            up.suffix.lower() == ".gdb" for up in one.relative_to(folder).parents
        ):
            found.append(one)
    first = [one for one in found if one.suffix.lower() not in SECOND_CHOICE]
    return first or found


def _names(folder: Path, held: list[Path]) -> dict[Path, str]:
    """What each file is called as a layer: its stem, or its path where that is not enough."""
    stems = [one.stem for one in held]
    return {
        one: one.stem if stems.count(one.stem) == 1 else one.relative_to(folder).as_posix()
        for one in held
    }


def _pick(
    path: Path, held: list[Path], names: dict[Path, str], layer: str | None
) -> tuple[Path, str | None]:
    """Which file of an archive a layer's name means, and which layer inside it."""
    for one in held:
        if layer is not None and (layer == names[one] or layer.startswith(names[one] + "/")):
            return one, layer[len(names[one]) + 1 :] or None
    what = f"holds {len(held)} layers" if layer is None else f"has no layer '{layer}'"
    raise which_layer(what, path, {names[one]: f"{names[one]}{_counted(one)}" for one in held})


def _counted(path: Path) -> str:
    """How many features a file has, in brackets, where that is quickly said."""
    kind = DELIVERY_DRIVERS[path.suffix.lower()]
    with contextlib.suppress(UrbanplanError):
        layers: list[LayerInfo] = []
        if kind == "GPKG":
            layers = checks.inspect_geopackage(path)
        elif kind in ("ESRI Shapefile", "FlatGeobuf", "OpenFileGDB"):
            layers = list_layers(path, kind)
        if len(layers) == 1:
            return f" ({layers[0].many})"
        if layers:
            return f" with the layers {', '.join(map(str, layers[:20]))}"
    return ""
