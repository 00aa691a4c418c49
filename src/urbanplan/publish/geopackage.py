"""All layers and results of a run in one GeoPackage: styled, described, with a QGIS project inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.crs import CGCS2000
from urbanplan.files import PackageNotes, write_geopackage, zipped
from urbanplan.publish.content import tables_of, types_of
from urbanplan.publish.drawn import Drawn, drawn_of, titles_of, value_lists
from urbanplan.publish.metadata import About, about_of, iso, qgis
from urbanplan.publish.projection import projected, require_output_crs
from urbanplan.publish.qgis import style
from urbanplan.publish.qgis.project import labels, project
from urbanplan.publish.sld import sld
from urbanplan.publish.symbols import Rule
from urbanplan.publish.xml import serial
from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

_QMD, _ISO = "http://mrcc.com/qgis.dtd", "http://www.isotc211.org/2005/gmd"


def write(results: Results, path: Path | str, crs: str = CGCS2000) -> Path:
    """Write every layer, then the results, with all that QGIS needs to draw and explain them.

    Parameters
    ----------
    results : Results
        What a run found.
    path : path
        The ``.gpkg`` to write.
    crs : str, optional
        Coordinate system to store in: CGCS2000 (EPSG:4490) by default, or see
        `urbanplan.publish.projection`.

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
        metadata.append((table, _QMD, serial(qgis(one, "qgis"), doctype=True)))
        metadata.append((table, _ISO, iso(one)))
    return PackageNotes(
        titles={t: f"{a.title_zh} / {a.title_en}" for t, a in about.items()},
        styles=dict(_styles(results, tables, about)),
        metadata=metadata,
        columns={t: _columns(frame, names) for t, frame in tables.items()},
        lists=lists,
        project=(results.city.name_zh, zipped({"project.qgs": project(results, package, crs)})),
    )


def _columns(frame: pd.DataFrame, names: Mapping) -> dict[str, tuple[str, str]]:
    own = [c for c in frame.columns if c != "geometry"]
    return {c: names.get(c, (c, c)) for c in own}


def _styles(results: Results, tables: Mapping[str, pd.DataFrame], about: Mapping[str, About]):
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
            parts.append(labels(drawn))
        text = style.qml(drawn.geometry, *parts, *style.fields({"fid": "序", **columns}, lists))
        name = about[table].title_zh[:30]
        yield table, (name, text, sld(table, about[table].title_zh, rules, drawn.label_scale))


def _of_part(rule: Rule, drawn: Drawn) -> Rule:
    more = tuple((column, (value,)) for column, value in drawn.only)
    return replace(rule, where=(*more, *rule.where))
