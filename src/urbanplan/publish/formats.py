"""Layers and results in the formats that other offices ask for, with checksums and a catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.catalog import COMMON_COLUMNS, read_onemap
from urbanplan.crs import CGCS2000, WGS84, area_m2
from urbanplan.crs.china import wgs84_to_gcj02
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import (
    ENCODINGS,
    file_name,
    sha256,
    write_dxf,
    write_flatgeobuf,
    write_geojson,
    write_gml,
    write_kml,
    write_parquet,
    write_shapefile,
    write_text,
)
from urbanplan.publish import raster, stac
from urbanplan.publish.content import tables_of, types_of
from urbanplan.publish.drawn import drawn_of
from urbanplan.publish.metadata import about_of
from urbanplan.publish.projection import projected, require_output_crs
from urbanplan.publish.sld import sld
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd

#: The formats, and what each is for.
FORMATS: Mapping[str, str] = {
    "geoparquet": "GeoParquet 1.1: analysis",
    "flatgeobuf": "FlatGeobuf: large, read over a network",
    "geojson": "GeoJSON (RFC 7946, WGS84): the web",
    "shapefile": "zipped Shapefile with its shortened column names",
    "kml": "KML (WGS84): globes",
    "gml": "GML 3.2: exchange between authorities",
    "dxf": "DXF: drawing programs, in the city's own zone",
    "cog": "Cloud Optimized GeoTIFF: minutes per cell",
    "sld": "SLD: styles for GeoServer",
    "stac": "STAC 1.1 catalogue of the folder",
}
#: In these a position is a longitude and a latitude in WGS84, whatever is asked.
_DEGREES = ("geojson", "kml")
#: Shifted coordinates: only where a file may say nothing of its system.
GCJ02 = "gcj02"
MAY_SHIFT = ("geojson", "kml", "shapefile", "flatgeobuf", "geoparquet")


@dataclass(frozen=True)
class Options:
    """What is written and how.

    Attributes
    ----------
    formats : tuple of str
        Of `FORMATS`.
    crs : str
        As `urbanplan.publish.projection.require_output_crs` takes it, or ``gcj02``: then every
        file's name ends in ``_gcj02`` and none declares a system.
    layers : tuple of str, optional
        Tables to write, all by default.
    encoding : {'utf-8', 'gbk'}
        Of Shapefiles.
    onemap : bool
        Names of layers and columns as the national planning database has them, where known.
    redact : tuple of str
        Columns that are left out.
    """

    formats: tuple[str, ...] = tuple(FORMATS)
    crs: str = CGCS2000
    layers: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    onemap: bool = False
    redact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be written."""
        for name in self.formats:
            if name not in FORMATS:
                raise UnknownNameError(f"no format '{name}'", remedy=f"one of {', '.join(FORMATS)}")
        if self.encoding not in ENCODINGS:
            raise InputError(
                f"no character set '{self.encoding}'", remedy=f"one of {', '.join(ENCODINGS)}"
            )
        wrong = [f for f in self.formats if f not in MAY_SHIFT]
        if self.crs == GCJ02 and wrong:
            raise InputError(
                f"{wrong[0]} is not written in GCJ-02",
                where="--crs",
                remedy=f"choose among {', '.join(MAY_SHIFT)}",
            )
        hidden = [c for c in self.redact if c in _NEVER_HIDDEN]
        if hidden:
            raise InputError(
                f"column '{hidden[0]}' can not be left out: every output shows how well a feature is known",
                remedy="leave out other columns, or the whole layer with --layers",
            )


_NEVER_HIDDEN = frozenset(COMMON_COLUMNS) - {"name_zh", "name_en", "note_zh", "note_en", "kind", "district"}  # fmt: skip


def write(results: Results, folder: Path | str, options: Options = Options()) -> dict[str, Path]:
    """Write each layer in each format to a folder of its own, checksums and catalogue beside them.

    Parameters
    ----------
    results : Results
    folder : path
        Files are replaced one by one, each whole or not at all.
    options : Options, optional

    Returns
    -------
    dict of str to Path
        What was written, by ``format/layer``; last the checksums.
    """
    folder, frames = Path(folder), _frames(results, options)
    shift = options.crs == GCJ02
    crs = WGS84 if shift else require_output_crs(results.city, options.crs)
    mark = "_gcj02" if shift else ""
    written: dict[str, Path] = {}
    for name in options.formats:
        make = _WRITERS.get(name)
        if make is not None:
            for layer, frame in frames.items():
                path = folder / name / f"{layer}{mark}{make[0]}"
                written[f"{name}/{layer}"] = make[1](
                    _placed(frame, name, crs, shift), path, options
                )
    if "dxf" in options.formats:
        # Degrees are of no use on a drawing board, nor are results unless they are asked for.
        drawn = [n for n in frames if options.layers or not n.startswith("result_")]
        metric = {n: frames[n].to_crs(results.city.metric_crs) for n in drawn}
        written["dxf"] = write_dxf(folder / "dxf" / f"{results.city.id}.dxf", metric)
    if "cog" in options.formats:
        written["cog"] = raster.write(results, folder / "cog" / "travel_minutes.tif")
    if "sld" in options.formats:
        written |= _styles(results, folder, set(frames))
    if "stac" in options.formats:
        about = about_of(results, crs)
        if options.onemap:
            about = {
                read_onemap()[n].table if n in read_onemap() else n: a for n, a in about.items()
            }
        written |= stac.write(results.city, about, written, folder)
    lines = [f"{sha256(p)}  {p.relative_to(folder).as_posix()}" for p in written.values()]
    written["checksums"] = write_text(folder / "SHA256SUMS", "\n".join(sorted(lines)) + "\n")
    return written


def _frames(results: Results, options: Options) -> dict[str, gpd.GeoDataFrame]:
    tables, types = tables_of(results), types_of(results)
    for name in options.layers or ():
        if name not in types:
            raise UnknownNameError(f"no layer '{name}' with a place", remedy=one_of(name, types))
    known = {c for name in types for c in tables[name].columns}
    for column in options.redact:
        if column not in known:
            raise UnknownNameError(
                f"no layer has a column '{column}'", remedy=one_of(column, sorted(known))
            )
    chosen = [n for n in types if options.layers is None or n in options.layers]
    frames = {n: tables[n].drop(columns=list(options.redact), errors="ignore") for n in chosen}
    return dict(_renamed(n, f) for n, f in frames.items()) if options.onemap else frames


def _renamed(name: str, frame: gpd.GeoDataFrame) -> tuple[str, gpd.GeoDataFrame]:
    # As the national database names it: its columns first, then what says how well it is known.
    entry = read_onemap().get(name)
    if entry is None:
        return name, frame
    frame = frame.assign(area_m2=[area_m2(g) if g is not None else None for g in frame.geometry])
    new = frame[[]].assign(YSDM=entry.code)
    for column, ours in entry.columns.items():
        new[column] = ours[1:] if ours.startswith("=") else frame.get(ours)
    kept = ["status", "quality", "accuracy_m", "source", "licence", "as_of"]
    return entry.table, frame[[*kept, "geometry"]].join(new)[[*new.columns, *kept, "geometry"]]


def _placed(frame: gpd.GeoDataFrame, name: str, crs: str, shift: bool) -> gpd.GeoDataFrame:
    import shapely

    if not shift:
        return projected(frame, WGS84 if name in _DEGREES else crs)
    moved = shapely.transform(frame.geometry.values, wgs84_to_gcj02)
    moved = frame.set_geometry(moved, crs=None).set_crs(None, allow_override=True)
    return moved.assign(coordinates="GCJ-02")


def _styles(results: Results, folder: Path, chosen: set[str]) -> dict[str, Path]:
    found = {}
    for one in drawn_of(results):
        if one.geometry != "none" and one.table in chosen:
            text = sld(one.table, one.name_zh, one.rules, one.label_scale)
            name = file_name(re.sub(r"[^\w.-]", "_", one.id), ".sld")
            found[f"sld/{one.id}"] = write_text(folder / "sld" / name, text)
    return found


def _kml(frame: gpd.GeoDataFrame, path: Path, _options: Options) -> Path:
    name = frame["name_zh"] if "name_zh" in frame else frame.iloc[:, 0]
    return write_kml(path, frame.assign(Name=name.astype(str)), path.stem)


def _geojson(frame: gpd.GeoDataFrame, path: Path, _options: Options) -> Path:
    # RFC 7946 has no member for a system: shifted coordinates are told by name and column.
    return write_geojson(path, frame if frame.crs else frame.set_crs(WGS84))


_WRITERS: Mapping[str, tuple[str, Callable[[gpd.GeoDataFrame, Path, Options], Path]]] = {
    "geoparquet": (".parquet", lambda frame, path, _: write_parquet(path, frame)),
    "flatgeobuf": (".fgb", lambda frame, path, _: write_flatgeobuf(path, frame)),
    "geojson": (".geojson", _geojson),
    "shapefile": (".zip", lambda frame, path, o: write_shapefile(path, frame, o.encoding)),
    "kml": (".kml", _kml),
    "gml": (".gml", lambda frame, path, _: write_gml(path, frame)),
}
