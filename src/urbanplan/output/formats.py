"""Everything that a run leaves: atlas, GeoPackage, rasters, layers in other formats."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan import __version__
from urbanplan.base.crs import CGCS2000, WGS84, area_m2, wgs84_to_gcj02
from urbanplan.catalog import COMMON_COLUMNS, read_onemap
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import (
    ENCODINGS,
    PackageNotes,
    file_name,
    sha256,
    write_cog,
    write_csv,
    write_dxf,
    write_flatgeobuf,
    write_geojson,
    write_geopackage,
    write_gml,
    write_json,
    write_kml,
    write_parquet,
    write_shapefile,
    write_text,
    zipped,
)
from urbanplan.output import metadata, qgis
from urbanplan.output import page as html
from urbanplan.output.metadata import About, about_of, iso, qgis_metadata, serial, versions_of
from urbanplan.output.qgis import style
from urbanplan.output.qgis.project import labels, project
from urbanplan.output.qgis.style import sld
from urbanplan.output.style import (
    Drawn,
    Rule,
    drawn_of,
    tables_of,
    titles_of,
    types_of,
    value_lists,
)
from urbanplan.output.vector import projected, require_output_crs
from urbanplan.study import Inputs, Results, Watch
from urbanplan.study.run import inputs_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def write_rasters(results: Results, path: Path | str) -> Path:
    """Write minutes per cell; nodata (NaN) is water, outside, or out of reach.

    Parameters
    ----------
    results : Results
    path : path
        The ``.tif`` to write; its bands are described ``<facilities> <mode> (min)``.
    """
    names = [f"{facilities} {mode} (min)" for facilities, mode in results.minutes]
    # One after the other: a sparse city's grid is large.
    bands = (np.where(np.isfinite(m), m, np.nan) for m in results.minutes.values())
    tags = {
        "quality": "modelled",
        "unit": "minutes",
        "notice_en": results.city.notice_en,
        "notice_zh": results.city.notice_zh,
    }
    grid = results.grid
    place = {"crs": grid.crs, "shape": grid.shape, "transform": grid.transform}
    return write_cog(path, bands, names, **place, tags=tags)


_QMD, _ISO = "http://mrcc.com/qgis.dtd", "http://www.isotc211.org/2005/gmd"


def write_package(results: Results, path: Path | str, crs: str = CGCS2000) -> Path:
    """Write every layer, then the results, with all that QGIS needs to draw and explain them.

    Parameters
    ----------
    results : Results
        What a run found.
    path : path
        The ``.gpkg`` to write.
    crs : str, optional
        Coordinate system to store in: CGCS2000 (EPSG:4490) by default, or see
        `urbanplan.output.vector`.

    Notes
    -----
    Beside the rows: a style per layer (QML, SLD), metadata (ISO 19115, and QGIS's own), names of
    columns and of the codes in them, and a QGIS project named after the city.
    """
    path, types = Path(path), types_of(results)
    code = require_output_crs(results.city, crs)
    layers = {
        name: projected(table, code) if name in types else table
        for name, table in tables_of(results).items()
    }
    return write_geopackage(path, layers, types, _notes(results, layers, f"./{path.name}", code))


def _notes(
    results: Results, tables: Mapping[str, pd.DataFrame], package: str, crs: str
) -> PackageNotes:
    about, names, lists = about_of(results, crs), titles_of(results), value_lists()
    metadata = []
    for table, one in about.items():
        metadata.append((table, _QMD, serial(qgis_metadata(one, "qgis"), doctype=True)))
        metadata.append((table, _ISO, iso(one)))
    return PackageNotes(
        titles={t: f"{a.title_zh} / {a.title_en}" for t, a in about.items()},
        styles=dict(_package_styles(results, tables, about)),
        metadata=metadata,
        columns={t: _columns(frame, names) for t, frame in tables.items()},
        lists=lists,
        project=(results.city.name_zh, zipped({"project.qgs": project(results, package, crs)})),
    )


def _columns(frame: pd.DataFrame, names: Mapping) -> dict[str, tuple[str, str]]:
    own = [c for c in frame.columns if c != "geometry"]
    return {c: names.get(c, (c, c)) for c in own}


def _package_styles(
    results: Results, tables: Mapping[str, pd.DataFrame], about: Mapping[str, About]
) -> Iterator[tuple[str, tuple[str, str, str]]]:
    # Of a table that several layers show parts of, the part that a map opens with.
    chosen: dict[str, Drawn] = {}
    for drawn in drawn_of(results):
        if drawn.geometry != "none" and (drawn.table not in chosen or drawn.shown):
            chosen[drawn.table] = drawn
    lists, names = value_lists(), titles_of(results)
    for table, drawn in chosen.items():
        rules = tuple(_of_part(rule, drawn) for rule in drawn.rules)
        columns = {c: names.get(c, (c, c))[0] for c in tables[table].columns if c != "geometry"}
        parts = [style.renderer(drawn.id, rules)]
        if drawn.label_scale is not None:
            parts.append(labels(drawn, drawn.label_scale))
        text = style.qml(drawn.geometry, *parts, *style.fields({"fid": "序", **columns}, lists))
        name = about[table].title_zh[:30]
        yield table, (name, text, sld(table, about[table].title_zh, rules, drawn.label_scale))


def _of_part(rule: Rule, drawn: Drawn) -> Rule:
    more = tuple((column, (value,)) for column, value in drawn.only)
    return replace(rule, where=(*more, *rule.where))


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
        As `urbanplan.output.vector.require_output_crs` takes it, or ``gcj02``: then every
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
                raise UnknownNameError(f"no format '{name}'", remedy=one_of(name, FORMATS))
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


def write_formats(
    results: Inputs, folder: Path | str, options: Options = Options()
) -> dict[str, Path]:
    """Write each layer in each format to a folder of its own, checksums and catalogue beside them.

    Parameters
    ----------
    results : Results or Inputs
        A run, or a city's layers alone; the raster of travel times needs a run.
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
    if "cog" in options.formats and isinstance(results, Results):
        written["cog"] = write_rasters(results, folder / "cog" / "travel_minutes.tif")
    if "sld" in options.formats:
        written |= _styles(results, folder, set(frames))
    if "stac" in options.formats:
        about = about_of(results, crs)
        if options.onemap:
            about = {
                read_onemap()[n].table if n in read_onemap() else n: a for n, a in about.items()
            }
        written |= metadata.write(results.city, about, written, folder)
    lines = [f"{sha256(p)}  {p.relative_to(folder).as_posix()}" for p in written.values()]
    written["checksums"] = write_text(folder / "SHA256SUMS", "\n".join(sorted(lines)) + "\n")
    return written


def _frames(results: Inputs, options: Options) -> dict[str, gpd.GeoDataFrame]:
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


def _styles(results: Inputs, folder: Path, chosen: set[str]) -> dict[str, Path]:
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


#: Libraries whose version can change a result.
_LIBRARIES = (
    "geopandas", "shapely", "pyproj", "pyogrio", "fiona", "rasterio", "scipy", "numpy", "pandas",
    "contourpy", "exactextract", "pypinyin",
)  # fmt: skip


def write_atlas(
    results: Results,
    folder: Path | str,
    *,
    page: html.Options = html.Options(),  # noqa: B008
    watch: Watch = nullcontext,
) -> dict[str, Path]:
    """Write GeoPackage, QGIS project, page, raster and tables of a run.

    Parameters
    ----------
    results : Results
    folder : path
        Created if it is missing; files of the same names are replaced one by one, atomically.
    page : urbanplan.output.page.shell.Options, optional
        How the page is made.
    watch : callable, optional
        Called with each output's name; returns a context manager.

    Returns
    -------
    dict of str to Path
        What was written, by name.
    """
    folder, city = Path(folder), results.city.id
    written = {}
    with watch("tables"):
        written["coverage"] = write_csv(folder / "coverage.csv", results.coverage)
        written["scenarios"] = write_csv(folder / "scenarios.csv", results.scenario_coverage)
        written["indicators"] = write_csv(folder / "indicators.csv", results.indicators)
        written["checks"] = write_csv(folder / "checks.csv", results.checks)
        written["data_gaps"] = write_csv(folder / "data_gaps.csv", results.data_gaps)
        book = results.plan
        if book.plan.tasks:
            written["plan"] = write_csv(folder / "plan.csv", book.ledger)
        if len(book.targets):
            written["targets"] = write_csv(folder / "targets.csv", book.targets)
        conflicts = book.conflicts.drop(columns="geometry")
        written["conflicts"] = write_csv(folder / "conflicts.csv", conflicts)
    with watch("raster"):
        written["raster"] = write_rasters(results, folder / "travel_minutes.tif")
    with watch("geopackage"):
        written["geopackage"] = write_package(results, folder / f"{city}.gpkg")
    with watch("qgis"):
        written["qgis"] = qgis.write(results, folder / f"{city}.qgz")
    with watch("page"):
        written["page"] = html.write(results, folder / "index.html", page)
    return written


def write_log(
    results: Results, folder: Path | str, written: Mapping[str, Path], stages: list[dict[str, Any]]
) -> Path:
    """Write ``run.json``: versions, hashes of inputs and outputs, and what each stage cost."""
    log = {
        "urbanplan": __version__,
        "city": results.city.id,
        "python": platform.python_version(),
        "libraries": versions_of(_LIBRARIES),
        "inputs_sha256": inputs_of(results.city, results.layers),
        "outputs_sha256": {path.name: sha256(path) for path in written.values()},
        "resumed": list(results.resumed),
        "stages": stages,
        "findings": list(results.findings),
        "data_gaps": results.data_gaps.astype(object)
        .where(results.data_gaps.notna(), None)
        .to_dict("records"),
    }
    return write_json(Path(folder) / "run.json", log)
