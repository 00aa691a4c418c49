"""Layers in the formats that other programs read: GeoPackage, Shapefile, DXF, KML, GML, FlatGeobuf."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.schema import is_missing
from urbanplan.errors import InputError, WriteError
from urbanplan.files.texts import NOT_XML, as_cell
from urbanplan.files.writing import made, scratch_folder, write_bytes, zipped

if TYPE_CHECKING:
    import sqlite3

    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry


#: Every time stamp of a package: the same input gives the same bytes.
_STAMP = "2000-01-01T00:00:00.000Z"
_SCHEMA = {
    "layer_styles": """CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
 f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
 useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))""",
    "qgis_projects": "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)",
    "gpkg_metadata": """CREATE TABLE gpkg_metadata (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
 md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '')""",
    "gpkg_metadata_reference": """CREATE TABLE gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
 timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
 CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
 CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id))""",
    "gpkg_data_columns": """CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
 mime_type TEXT, constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))""",
    "gpkg_data_column_constraints": """CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
 min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT, CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))""",
}  # fmt: skip
#: Extensions of the standard that those tables are, by name and definition.
_EXTENSIONS = {
    "gpkg_metadata": ("gpkg_metadata", "http://www.geopackage.org/spec130/#extension_metadata"),
    "gpkg_metadata_reference": ("gpkg_metadata", "http://www.geopackage.org/spec130/#extension_metadata"),
    "gpkg_data_columns": ("gpkg_schema", "http://www.geopackage.org/spec130/#extension_schema"),
    "gpkg_data_column_constraints": ("gpkg_schema", "http://www.geopackage.org/spec130/#extension_schema"),
}  # fmt: skip


@dataclass(frozen=True)
class PackageNotes:
    """What stands in a GeoPackage beside its rows.

    Attributes
    ----------
    titles : dict of str to str
        A layer's description.
    styles : dict of str to (name, QML, SLD)
        The style that a layer opens with.
    metadata : sequence of (layer or None, address of the standard, XML)
    columns : dict of str to dict of str to (title, description)
        By layer and column.
    lists : dict of str to dict of str to str
        Columns that hold one of a few codes, and what each means; for every layer that has them.
    project : (name, bytes of a .qgz), optional
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    styles: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    metadata: Sequence[tuple[str | None, str, str]] = ()
    columns: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    project: tuple[str, bytes] | None = None


def write_geopackage(
    path: Path | str,
    layers: Mapping[str, pd.DataFrame],
    types: Mapping[str, str] | None = None,
    notes: PackageNotes | None = None,
) -> Path:
    """Write frames as the layers of one GeoPackage 1.3, in order; plain tables stay tables.

    Parameters
    ----------
    path : path
        The ``.gpkg`` to write.
    layers : mapping of str to DataFrame or GeoDataFrame
        Layer name to rows.
    types : mapping of str to str, optional
        Layer name to geometry type, for layers where the rows alone cannot tell.
    notes : PackageNotes, optional
        Styles, metadata, names of columns and their values, a QGIS project.

    Notes
    -----
    Version 1.3 because QGIS 3.22 warns about 1.4. The file's time stamps are fixed, so that
    the same input gives the same bytes. The whole file is made in memory.
    """
    types = types or {}
    with made(path):
        parts = (_one_layer(n, rows, types.get(n)) for n, rows in layers.items())
        package = _join(parts, path, notes)
    return write_bytes(path, package)


def _one_layer(name: str, frame: pd.DataFrame, geometry_type: str | None) -> memoryview:
    """A GeoPackage of one layer."""
    import geopandas as gpd
    import pyogrio

    options: dict[str, Any] = {}
    if isinstance(frame, gpd.GeoDataFrame):
        options["layer_options"] = {"SPATIAL_INDEX": "YES"}
        if geometry_type:
            options["geometry_type"] = geometry_type
            options["promote_to_multi"] = "Multi" in geometry_type
    out = io.BytesIO()
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP})
    try:
        pyogrio.write_dataframe(
            frame, out, layer=name, driver="GPKG", dataset_options={"VERSION": "1.3"}, **options
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return out.getbuffer()


def _join(
    packages: Iterator[memoryview], path: Path | str, notes: PackageNotes | None = None
) -> bytes:
    """One GeoPackage with the layers of several, in order; they are databases of one layout."""
    import sqlite3

    first = next(packages, None)
    if first is None:
        raise WriteError("has no layers", where=path, remedy="give at least one")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.deserialize(first)
        del first
        for package in packages:
            base.execute("ATTACH ':memory:' AS other")
            base.deserialize(package, name="other")
            base.execute("BEGIN")
            _add_tables(base, path)
            base.execute("COMMIT")
            base.execute("DETACH other")
        if notes is not None:
            base.execute("BEGIN")
            _note(base, notes)
            base.execute("COMMIT")
        return base.serialize()


def _add_tables(base: sqlite3.Connection, path: Path | str) -> None:
    """Bring the tables, spatial indexes and triggers of the database `other` into the main one."""
    have = {(kind, name) for kind, name in base.execute("SELECT type, name FROM sqlite_master")}
    kinds = dict(base.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'other'"))
    rows = base.execute("SELECT type, name, sql FROM other.sqlite_master ORDER BY rowid").fetchall()
    for kind, name, sql in rows:
        # Shadow tables come with their index, the others with what they belong to.
        if kind != "table" or kinds[name] == "shadow" or name.startswith("sqlite_"):
            continue
        shared = name.startswith("gpkg_")
        if not (shared and (kind, name) in have):
            base.execute(sql)
        quoted = '"' + name.replace('"', '""') + '"'
        ignore = "OR IGNORE" if shared else ""
        base.execute(f"INSERT {ignore} INTO main.{quoted} SELECT * FROM other.{quoted}")
        lost = f"SELECT * FROM other.{quoted} EXCEPT SELECT * FROM main.{quoted}"
        if shared and base.execute(lost).fetchone():
            # Two systems without an EPSG code have one number, each in its own package.
            raise WriteError(
                f"cannot hold these layers together ({name} differs)",
                where=path,
                remedy="bring them into one coordinate system, or one with an EPSG code",
            )
    # Triggers last: they would count the rows again.
    for kind, name, sql in rows:
        if kind in ("trigger", "index", "view") and sql and (kind, name) not in have:
            base.execute(sql)


def _note(base: sqlite3.Connection, notes: PackageNotes) -> None:
    """Write styles, metadata, columns and the project into a package's own tables."""
    for name, text in notes.titles.items():
        base.execute("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (text, name))
    if notes.styles:
        _table(base, "layer_styles")
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (_STAMP,),
        )
    for layer, (name, qml, sld) in notes.styles.items():
        (column,) = base.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
        # QGIS finds no style unless catalogue and schema are empty text and the column is named.
        base.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,"
            " styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)"
            " VALUES ('', '', ?, ?, ?, ?, ?, 1, ?, '', ?)",
            (layer, column, name, qml, sld, name, _STAMP),
        )
    _describe(base, notes)
    if notes.project is not None:
        _table(base, "qgis_projects")
        name, content = notes.project
        about = '{"last_modified_time": "2000-01-01T00:00:00", "last_modified_user": "urbanplan"}'
        # QGIS keeps the archive as text of hexadecimal figures.
        base.execute(
            "INSERT INTO qgis_projects VALUES (?, ?, ?)", (name, about, content.hex().encode())
        )


def _describe(base: sqlite3.Connection, notes: PackageNotes) -> None:
    """Metadata by layer, names of columns, and lists of values."""
    if notes.metadata:
        _table(base, "gpkg_metadata")
        _table(base, "gpkg_metadata_reference")
    for number, (layer, standard, text) in enumerate(notes.metadata, 1):
        base.execute(
            "INSERT INTO gpkg_metadata VALUES (?, 'dataset', ?, 'text/xml', ?)",
            (number, standard, text),
        )
        scope = "geopackage" if layer is None else "table"
        base.execute(
            "INSERT INTO gpkg_metadata_reference VALUES (?, ?, NULL, NULL, ?, ?, NULL)",
            (scope, layer, _STAMP, number),
        )
    if notes.columns:
        _table(base, "gpkg_data_columns")
        _table(base, "gpkg_data_column_constraints")
    for column, values in notes.lists.items() if notes.columns else ():
        rows = [(column, "enum", code, title) for code, title in values.items()]
        base.executemany(
            "INSERT INTO gpkg_data_column_constraints VALUES (?, ?, ?, NULL, NULL, NULL, NULL, ?)",
            rows,
        )
    for layer, columns in notes.columns.items():
        for column, (title, text) in columns.items():
            listed = column if column in notes.lists else None
            base.execute(
                "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, ?, NULL, ?)",
                (layer, column, column, title, text, listed),
            )


def _table(base: sqlite3.Connection, name: str) -> None:
    base.execute(_SCHEMA[name])
    if name in _EXTENSIONS:
        base.execute(
            "CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,"
            " definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))"
        )
        extension, definition = _EXTENSIONS[name]
        base.execute(
            "INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, 'read-write')",
            (name, extension, definition),
        )


#: Where a text is cut into two pieces of CDATA.
_CUT = "\U0010fff0"
#: Bytes of a Shapefile's column name and of its longest text.
_NAME_BYTES, _TEXT_BYTES = 10, 254
#: Character sets of Shapefiles: Python's name, GDAL's, and what stands in the .cpg.
ENCODINGS: Mapping[str, tuple[str, str]] = {"utf-8": ("UTF-8", "UTF-8"), "gbk": ("CP936", "936")}


def write_flatgeobuf(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as FlatGeobuf; with rows that have no place, it has no spatial index."""
    index = "NO" if _placeless(frame).any() else "YES"
    return _in_memory(path, frame, "FlatGeobuf", layer_options={"SPATIAL_INDEX": index})


def write_kml(path: Path | str, frame: gpd.GeoDataFrame, title: str) -> Path:
    """Write one frame as KML; the column ``Name`` is what a globe shows beside each place."""
    # GDAL writes texts with markup as CDATA, which a text's own marks of CDATA would end or pass for:
    # they are held apart until it is done. A private letter is in no text of a map.
    marked = _for_xml(
        frame,
        lambda text: (
            text.replace(_CUT, "")
            .replace("]]>", f"]]{_CUT}>")
            .replace("<![CDATA[", f"<{_CUT}![CDATA[")
        ),
    )
    # Ids become attributes, which GDAL writes without a look at their letters.
    for name in (c for c in frame.columns if c.lower() == "id"):
        marked[name] = [html.escape(NOT_XML.sub("", str(v))).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;") for v in frame[name]]  # fmt: skip
    text = bytes(_made(path, marked, "LIBKML", layer=title)).decode("utf-8")
    return write_bytes(path, text.replace(_CUT, "]]><![CDATA[").encode("utf-8"))


def write_gml(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as GML 3.2."""
    options = {"FORMAT": "GML3.2", "XSISCHEMA": "OFF", "SRSNAME_FORMAT": "OGC_URN"}
    frame = _for_xml(frame)
    return _in_memory(path, frame, "GML", layer=Path(path).stem, dataset_options=options)


def _for_xml(
    frame: gpd.GeoDataFrame, also: Callable[[str], str] = lambda text: text
) -> gpd.GeoDataFrame:
    """The frame with texts that hold only what XML can."""
    frame = frame.copy()
    for name in frame.columns.drop(frame.active_geometry_name):
        if frame[name].dtype.kind not in "biufcmM":
            frame[name] = [also(NOT_XML.sub("", v)) if isinstance(v, str) else v for v in frame[name]]  # fmt: skip
    return frame


def write_dxf(path: Path | str, frames: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """Write the shapes of several frames as one DXF, a layer each (R2004)."""
    import geopandas as gpd
    import pandas as pd

    parts = []
    for name, frame in frames.items():
        shapes = frame.geometry[~_placeless(frame)]
        if len(shapes):
            rows = {"Layer": [name] * len(shapes)}
            parts.append(gpd.GeoDataFrame(rows, geometry=shapes.values, crs=frame.crs))
    if not parts:
        raise WriteError("would hold nothing", where=path, remedy="give a layer with places")
    return _in_memory(path, pd.concat(parts, ignore_index=True), "DXF")


def _placeless(frame: gpd.GeoDataFrame) -> np.ndarray:
    import shapely

    shapes = frame.geometry.values
    return shapely.is_missing(shapes) | shapely.is_empty(shapes)


def _in_memory(path: Path | str, frame: gpd.GeoDataFrame, driver: str, **options: Any) -> Path:
    return write_bytes(path, _made(path, frame, driver, **options))


def _made(path: Path | str, frame: gpd.GeoDataFrame, driver: str, **options: Any) -> memoryview:
    import pyogrio

    out = io.BytesIO()
    with made(path), _unplaced_is_meant():
        pyogrio.write_dataframe(frame, out, driver=driver, **{"layer": Path(path).stem, **options})
    return out.getbuffer()


def short_names(columns: list[str]) -> dict[str, str]:
    """Names of at most ten bytes, each its own, by the full name.

    Examples
    --------
    >>> short_names(["id", "area_km2_published", "area_ha_published"])
    {'id': 'id', 'area_km2_published': 'area_km2_p', 'area_ha_published': 'area_ha_pu'}
    """
    found: dict[str, str] = {}
    for name in columns:
        short, number = _cut(name, _NAME_BYTES), 1
        while short.lower() in {s.lower() for s in found.values()}:
            tail = f"_{number}"
            short, number = _cut(name, _NAME_BYTES - len(tail)) + tail, number + 1
        found[name] = short
    return found


def _cut(text: str, size: int, encoding: str = "utf-8") -> str:
    # At a character's border, never inside one.
    return text.encode(encoding)[:size].decode(encoding, "ignore")


def write_shapefile(path: Path | str, frame: gpd.GeoDataFrame, encoding: str = "utf-8") -> Path:
    """Write one frame as a zipped Shapefile, with a table of its shortened column names.

    Parameters
    ----------
    path : path
        The ``.zip`` to write.
    frame : GeoDataFrame
        Of one family of geometry (points among groups of points become groups); without a system, no ``.prj`` is written.
    encoding : {'utf-8', 'gbk'}

    Raises
    ------
    InputError
        If a text cannot be written in that character set.

    Notes
    -----
    Text is cut at 254 bytes, at a character's border; the table of names says how often. GDAL does not report
    every failed write, so what it wrote is read back and compared before it is kept.
    """
    frame, names, cut = _shortened(frame, encoding, path)
    if set(frame.geom_type.dropna()) > {"MultiPoint"}:
        # A Shapefile has points or groups of points, not both.
        frame = frame.set_geometry([_grouped(shape) for shape in frame.geometry], crs=frame.crs)
    stem = Path(path).stem
    with made(path), scratch_folder() as folder:
        file = folder / f"{stem}.shp"
        _write_parts(file, frame, ENCODINGS[encoding][0])
        _require_same(file, frame, ENCODINGS[encoding][0], path)
        parts = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix != ".cpg"}
    parts[f"{stem}.cpg"] = ENCODINGS[encoding][1].encode()
    out = io.StringIO()
    rows = [[as_cell(s), as_cell(full), cut.get(full, 0)] for full, s in names.items()]
    csv.writer(out, lineterminator="\n").writerows(
        [["shapefile", "column", "texts_cut_at_254_bytes"], *rows]
    )
    parts[f"{stem}_fields.csv"] = f"\ufeff{out.getvalue()}".encode()
    return write_bytes(path, zipped(parts))


def _grouped(shape: BaseGeometry | None) -> BaseGeometry | None:
    from shapely import MultiPoint

    return MultiPoint([shape]) if shape is not None and shape.geom_type == "Point" else shape


def _shortened(
    frame: gpd.GeoDataFrame, encoding: str, path: Path | str
) -> tuple[gpd.GeoDataFrame, dict[str, str], dict[str, int]]:
    if encoding not in ENCODINGS:
        raise InputError(
            f"no character set '{encoding}'", where=path, remedy=f"one of {', '.join(ENCODINGS)}"
        )
    frame, cut = frame.copy(), {}
    columns = [c for c in frame.columns if c != frame.active_geometry_name]
    for name in columns:
        values = frame[name]
        if values.dtype.kind == "b":
            frame[name] = values.astype("int32")
        # A Shapefile has days, and no hours: moments are texts.
        if not (values.dtype == object or values.dtype.kind == "M" or str(values.dtype).startswith("str")):  # fmt: skip
            continue
        texts = [None if is_missing(v) else str(v) for v in values]
        frame[name] = [None if t is None else _fitting(t, encoding, name, path) for t in texts]
        cut[name] = sum(t is not None and t != s for t, s in zip(texts, frame[name]))
    names = short_names(columns)
    return frame.rename(columns=names), names, cut


def _fitting(text: str, encoding: str, column: str, path: Path | str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError as err:
        odd = text[err.start : err.end]
        raise InputError(
            f"column '{column}' holds '{odd}', which {encoding} does not have",
            where=path,
            remedy="write it as utf-8, or change the text",
        ) from None
    return _cut(text, _TEXT_BYTES, encoding)


@contextlib.contextmanager
def _unplaced_is_meant() -> Iterator[None]:
    # Shifted coordinates must not declare a system, and features without a place are meant to have none:
    # pyogrio warns of what is wanted here.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        warnings.filterwarnings("ignore", "Empty multi geometry", RuntimeWarning)
        yield


def _write_parts(file: Path, frame: gpd.GeoDataFrame, encoding: str) -> None:
    import pyogrio

    options = {"DBF_DATE_LAST_UPDATE": "2000-01-01", "RESIZE": "YES"}
    with _unplaced_is_meant():
        pyogrio.write_dataframe(
            frame, file, driver="ESRI Shapefile", encoding=encoding, layer_options=options
        )


def _require_same(file: Path, frame: gpd.GeoDataFrame, encoding: str, path: Path | str) -> None:
    import pyogrio
    import shapely

    again = pyogrio.read_dataframe(file, encoding=encoding)
    here, there = frame.geometry.values, again.geometry.values
    same = len(again) == len(frame) and np.array_equal(
        shapely.get_coordinates(shapely.normalize(shapely.force_2d(here))).sum(0).round(6),
        shapely.get_coordinates(shapely.normalize(there)).sum(0).round(6),
    )
    if not same:
        raise WriteError(
            "was not written whole", where=path, remedy="free some space and write it again"
        )
