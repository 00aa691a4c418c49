"""Deliveries: a file as a planner has it, read with one named driver after it was looked at."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import InputError, UrbanplanError
from urbanplan.files.deliveries import archives, checks, texts
from urbanplan.files.deliveries.kinds import (
    DELIVERY_DRIVERS,
    MAX_BYTES,
    SECOND_CHOICE,
    hash_of,
    kind_of,
    members_of,
    sidecars,
)
from urbanplan.files.deliveries.vectors import Found, LayerInfo, choose, list_layers, read_features

if TYPE_CHECKING:
    import geopandas as gpd


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
        "file", "format" (WGS84 by definition of the format), or "" where there is none.
    notes : tuple of str
        What the reader must know.
    """

    path: Path
    sha256: str
    driver: str
    layer: str | None
    frame: gpd.GeoDataFrame
    crs_from: str
    notes: tuple[str, ...]


def read_delivery(
    path: Path | str,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    large: bool = False,
) -> Delivery:
    """Read one layer of a file that planners have, without trusting it.

    Parameters
    ----------
    path : path
        A file ending in one of `DELIVERY_DRIVERS`, or a ``.gdb`` folder.
    layer : str, optional
        Which layer, sheet, folder or member; needed where there are several.
    encoding : str, optional
        Of its text; UTF-8 and GB18030 are told apart without it.
    large : bool
        Whether a file of more than 5,000,000 features or 512 MiB is meant.

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
    path = checks.refuse_services(path)
    members = members_of(path)
    if not large and sum(member.stat().st_size for member in members) > MAX_BYTES:
        raise InputError(
            f"is larger than {MAX_BYTES >> 20} MiB",
            where=path,
            remedy="cut it to the city, or pass large=True (--large)",
        )
    sha256 = hash_of(path, members)
    driver, found = _read(path, layer, encoding, large)
    return Delivery(path, sha256, driver, found.layer, found.frame, found.crs_from, found.notes)


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


def _read(path: Path, layer: str | None, encoding: str | None, large: bool) -> tuple[str, Found]:
    """Read a file whose members were looked at."""
    kind = kind_of(path)
    if path.suffix.lower() in (".zip", ".kmz"):
        with archives.unpacked(path) as (folder, notes):
            return _read_unpacked(path, folder, notes, layer, encoding, large)
    if layer not in (None, path.stem) and kind in ("CSV", "DXF", "GeoParquet"):
        raise InputError(
            f"has no layer '{layer}'", where=path, remedy=f"leave --layer out: a {kind} has one"
        )
    return _READERS[kind](path, layer, encoding, large)


def _geojson(path: Path, layer: str | None, encoding: str | None, large: bool):
    with _as_utf8(path, encoding) as (plain, notes), _spoken_of(plain, path):
        declared = checks.check_geojson(plain, large=large)
        found = _named(plain, "GeoJSON", layer, large)
    return "GeoJSON", replace(
        found, crs_from="file" if declared else "format", notes=notes + found.notes
    )


@contextlib.contextmanager
def _as_utf8(path: Path, encoding: str | None) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The file itself, or a copy in UTF-8 that is gone afterwards."""
    coding, notes = texts.encoding_of(path, encoding)
    if coding == "utf-8-sig":
        yield path, notes
        return
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as folder:
        copy = Path(folder) / path.name
        with open(copy, "w", encoding="utf-8", newline="") as sink:
            sink.writelines(texts.pieces(path, coding))
        yield copy, notes


def _named(path: Path, driver: str, layer: str | None, large: bool) -> Found:
    """One layer of a file that GDAL reads, by its name."""
    # These formats have one layer, and listing it would read the whole file once more.
    if layer is None and driver in ("GeoJSON", "FlatGeobuf"):
        return read_features(path, driver, large=large)
    layers = list_layers(path, driver)
    index, notes = choose(path, layers, layer)
    found = read_features(path, driver, index, large=large)
    name = layers[index].name if len(layers) > 1 else None
    return replace(found, notes=found.notes + notes, layer=name)


def _flatgeobuf(path: Path, layer: str | None, encoding: str | None, large: bool):
    return "FlatGeobuf", _named(path, "FlatGeobuf", layer, large)


def _geodatabase(path: Path, layer: str | None, encoding: str | None, large: bool):
    checks.check_geodatabase(path, members_of(path))
    return "OpenFileGDB", _named(path, "OpenFileGDB", layer, large)


def _dxf(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.drawings import read_drawing

    return "DXF", read_drawing(path, encoding=encoding, large=large)


def _geopackage(path: Path, layer: str | None, encoding: str | None, large: bool):
    layers = checks.inspect_geopackage(path)
    index, notes = choose(path, layers, layer)
    at = [one.name for one in list_layers(path, "GPKG")]
    if layers[index].name not in at:
        raise InputError(
            f"has a layer '{layers[index].name}' that GDAL cannot read",
            where=path,
            remedy="export its layers to a new GeoPackage",
        )
    found = read_features(
        path, "GPKG", at.index(layers[index].name), expected=layers[index].count, large=large
    )
    name = layers[index].name if len(layers) > 1 else None
    return "GPKG", replace(found, notes=found.notes + notes, layer=name)


def _shapefile(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.shapefiles import read_shapefile

    found = read_shapefile(path, sidecars(path), encoding=encoding, large=large)
    if layer is not None:
        choose(path, [LayerInfo(path.stem, len(found.frame))], layer)
    return "ESRI Shapefile", found


def _kml(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.kml import read_kml

    return "KML", read_kml(path, layer=layer, encoding=encoding, large=large)


def _parquet(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.parquet import read_parquet

    return read_parquet(path, large=large)


def _csv(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.tables import read_csv_table

    return "CSV", read_csv_table(path, encoding=encoding, large=large)


def _xlsx(path: Path, layer: str | None, encoding: str | None, large: bool):
    from urbanplan.files.deliveries.sheets import read_xlsx

    return "XLSX", read_xlsx(path, layer=layer)


_READERS: Mapping[str, Callable] = {
    "GeoJSON": _geojson,
    "GPKG": _geopackage,
    "ESRI Shapefile": _shapefile,
    "KML": _kml,
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
        raise type(err)(what, where=where, remedy=err.remedy) from None


def _read_unpacked(
    path: Path,
    folder: Path,
    notes: tuple[str, ...],
    layer: str | None,
    encoding: str | None,
    large: bool,
) -> tuple[str, Found]:
    """Read the one layer that an unpacked archive holds, or that was named."""
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
        chosen, inner = held[0], layer
        if len(held) > 1:
            chosen, inner = _pick(path, held, names, layer, encoding)
            others = [names[one] for one in held if one != chosen]
            notes += (f"not read: {', '.join(others[:50])}",)
        members_of(chosen)
        driver, found = _read(chosen, inner, encoding, large)
    name = found.layer if len(held) == 1 else "/".join(filter(None, (names[chosen], found.layer)))
    return driver, replace(found, layer=name, notes=notes + found.notes)


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
    path: Path, held: list[Path], names: dict[Path, str], layer: str | None, encoding: str | None
) -> tuple[Path, str | None]:
    """Which file of an archive a layer's name means, and which layer inside it."""
    for one in held:
        if layer is not None and (layer == names[one] or layer.startswith(names[one] + "/")):
            return one, layer[len(names[one]) + 1 :] or None
    listed = ", ".join(f"{names[one]}{_counted(one)}" for one in held[:50])
    what = f"holds {len(held)} layers" if layer is None else f"has no layer '{layer}'"
    raise InputError(what, where=path, remedy=f"name one with --layer: {listed}")


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
