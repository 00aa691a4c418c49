"""GeoPackages: made in memory layer by layer, joined, and noted: styles, metadata, columns, a project."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.errors import WriteError
from urbanplan.files.writing import made, write_bytes

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

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
