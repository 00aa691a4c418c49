"""Metadata: ISO 19115 and STAC."""

from __future__ import annotations

import calendar
import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from urbanplan import __version__
from urbanplan.catalog import load_catalog
from urbanplan.city.layers import gap_sentences
from urbanplan.city.profile import City
from urbanplan.files import sha256, size_bytes, write_json
from urbanplan.output.style import RESULTS, chapters, drawn_of, tables_of
from urbanplan.study import Inputs

if TYPE_CHECKING:
    import pandas as pd


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """The versions of those libraries that are installed: some come with an extra only."""
    found = {}
    for name in libraries:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def node(tag: str, attributes: dict[str, Any] | None = None, *children: Any) -> ET.Element:
    """An element with attributes and children; a child that is no element is its text."""
    made = ET.Element(tag, {k: text_of(v) for k, v in (attributes or {}).items()})
    for child in children:
        if isinstance(child, ET.Element):
            made.append(child)
        elif child is not None:
            made.text = text_of(child)
    return made


def text_of(value: Any) -> str:
    """A value as QGIS writes it; characters that XML cannot hold are dropped."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "".join(c for c in str(value) if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"))  # fmt: skip


def options(values: dict[str, Any]) -> ET.Element:
    """``<Option type="Map">`` as symbol layers and widgets hold their settings."""
    rows = [node("Option", {"type": "QString", "name": k, "value": v}) for k, v in values.items()]
    return node("Option", {"type": "Map"}, *rows)


def rgba(color: str, opacity: float = 1.0) -> str:
    """``#rrggbb`` as ``r,g,b,a``."""
    r, g, b = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"{r},{g},{b},{round(255 * opacity)}"


def serial(root: ET.Element, doctype: bool = False) -> str:
    """The document as text."""
    ET.indent(root, " ")
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" if doctype else ""
    return head + ET.tostring(root, encoding="unicode") + "\n"


_GMD, _GCO = "http://www.isotc211.org/2005/gmd", "http://www.isotc211.org/2005/gco"
#: ISO's code list for who may use what.
_LISTS = "http://www.isotc211.org/2005/resources/Codelist/gmxCodelists.xml"


@dataclass(frozen=True)
class About:
    """What must be known of a table.

    Attributes
    ----------
    id, title_zh, title_en, abstract : str
    keywords : tuple of str
    lineage : tuple of str
        Sources, one each.
    licences : tuple of str
    notice : str
        What it must not be taken for.
    date : str
        The newest date that its rows state, as they state it.
    accuracy_m : float or None
        The worst that its rows state.
    quality : str
        Rows by quality, in words.
    extent : tuple of float or None
        West, south, east, north in degrees.
    crs : str
    """

    id: str
    title_zh: str
    title_en: str
    abstract: str
    keywords: tuple[str, ...]
    lineage: tuple[str, ...]
    licences: tuple[str, ...]
    notice: str
    date: str
    accuracy_m: float | None
    quality: str
    extent: tuple[float, float, float, float] | None
    crs: str


def about_of(results: Inputs, crs: str) -> dict[str, About]:
    """What must be known of each of a run's tables, or of a city's layers, by name."""
    names: dict[str, tuple[str, str, str]] = {}
    for drawn in drawn_of(results):
        names.setdefault(drawn.table, (drawn.name_zh, drawn.name_en, drawn.chapter))
    for name, (zh, en) in _WHOLE.items():
        names[name] = (zh, en, names[name][2] if name in names else RESULTS)
    tables = tables_of(results)
    return {name: _about(results, name, names[name], tables[name], crs) for name in tables}


#: Tables that several layers of a map show parts of, or none where there is nothing to show.
_WHOLE = {
    "result_bands": ("等时圈", "Bands"),
    "result_isochrones": ("逐设施等时圈", "Isochrones of each facility"),
    "result_gaps": ("未覆盖人口", "People out of reach"),
    "result_scenario_bands": ("情景等时圈", "Bands under scenarios"),
    "result_differences": ("情景时间变化", "Change of minutes under scenarios"),
    "result_outside": ("城市范围外的设施", "Facilities beyond the boundary"),
    "result_conflicts": ("一致性核对", "Conflicts within the plan"),
    "result_demand": ("人口网格（推算）", "People per square (modelled)"),
}


def _stated(table: pd.DataFrame, column: str) -> tuple[str, ...]:
    if column not in table:
        return ()
    return tuple(sorted({str(v) for v in table[column].dropna() if str(v)}))


def _about(results: Inputs, name: str, names: tuple, table: pd.DataFrame, crs: str) -> About:
    zh, en, chapter = names
    words = load_catalog().symbols.values["quality"]
    counts = table["quality"].value_counts() if "quality" in table else {}
    quality = "；".join(f"{words[q]['zh']} {q}: {n}" for q, n in counts.items() if q in words)
    accuracy = table["accuracy_m"].max() if "accuracy_m" in table else float("nan")
    extent = None
    if "geometry" in table and not table.geometry.is_empty.all():
        west, south, east, north = (round(float(x), 6) for x in table.total_bounds)
        extent = west, south, east, north
    # Results rest on every file, a layer on its own.
    gaps = gap_sentences(results.city, None if name.startswith("result_") else f"{name}.geojson")
    tasks = [f"任务{number}" for number in results.planned.tasks_of(name)]
    return About(
        id=f"{results.city.id}.{name}",
        title_zh=zh,
        title_en=en,
        abstract="。".join(filter(None, (f"{zh} / {en}", f"{len(table)} 行 rows", quality, *gaps))),
        keywords=(chapters()[chapter]["zh"], results.city.name_zh, *tasks),
        lineage=_stated(table, "source") or (f"urbanplan {__version__}",),
        licences=_stated(table, "licence"),
        notice=results.city.notice_zh,
        date=max(_stated(table, "as_of"), default=""),
        accuracy_m=None if accuracy != accuracy else float(accuracy),
        quality=quality,
        extent=extent,
        crs=crs,
    )


def iso(about: About) -> str:
    """ISO 19139 XML: identification, extent, licence, lineage, accuracy, reference system."""
    ET.register_namespace("gmd", _GMD)
    ET.register_namespace("gco", _GCO)
    root = _gmd(
        "MD_Metadata",
        _gmd("fileIdentifier", _text(about.id)),
        _gmd("language", _text("chi")),
        _gmd("hierarchyLevel", _code("MD_ScopeCode", "dataset")),
        _gmd("contact", _party()),
        # The day of the data, not of the run: the same run gives the same bytes.
        _date("dateStamp", about.date),
        _gmd("metadataStandardName", _text("ISO 19115:2003/19139")),
        _gmd("referenceSystemInfo", _system(about.crs)),
        _gmd("identificationInfo", _identification(about)),
        _gmd("dataQualityInfo", _quality(about)),
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + serial(root)


def _gmd(tag: str, *children: Any) -> ET.Element:
    return node(f"{{{_GMD}}}{tag}", {}, *children)


def _text(value: str) -> ET.Element:
    return node(f"{{{_GCO}}}CharacterString", {}, value)


def _code(name: str, value: str) -> ET.Element:
    attributes = {"codeList": f"{_LISTS}#{name}", "codeListValue": value}
    return node(f"{{{_GMD}}}{name}", attributes, value)


def _date(tag: str, value: str) -> ET.Element:
    # Years and months are dates to ISO 8601 too; what is not known is said to be so.
    if not value:
        return node(f"{{{_GMD}}}{tag}", {f"{{{_GCO}}}nilReason": "unknown"})
    return _gmd(tag, node(f"{{{_GCO}}}Date", {}, value))


def _party() -> ET.Element:
    return _gmd(
        "CI_ResponsibleParty",
        _gmd("organisationName", _text(f"urbanplan {__version__}")),
        _gmd("role", _code("CI_RoleCode", "processor")),
    )


def _system(crs: str) -> ET.Element:
    known = _gmd("RS_Identifier", _gmd("code", _text(crs)))
    return _gmd("MD_ReferenceSystem", _gmd("referenceSystemIdentifier", known))


def _identification(about: About) -> ET.Element:
    dated = _gmd(
        "CI_Date",
        _date("date", about.date),
        _gmd("dateType", _code("CI_DateTypeCode", "revision")),
    )
    citation = _gmd(
        "CI_Citation",
        _gmd("title", _text(about.title_zh)),
        _gmd("alternateTitle", _text(about.title_en)),
        _gmd("date", dated),
    )
    keywords = _gmd("MD_Keywords", *(_gmd("keyword", _text(k)) for k in about.keywords))
    limits = [*about.licences, about.notice]
    legal = _gmd(
        "MD_LegalConstraints",
        _gmd("useLimitation", _text(about.notice)),
        _gmd("useConstraints", _code("MD_RestrictionCode", "license")),
        *(_gmd("otherConstraints", _text(x)) for x in limits if x),
    )
    return _gmd(
        "MD_DataIdentification",
        _gmd("citation", citation),
        _gmd("abstract", _text(about.abstract)),
        _gmd("descriptiveKeywords", keywords),
        _gmd("resourceConstraints", legal),
        _gmd("language", _text("chi")),
        _gmd("extent", _extent(about.extent)) if about.extent else None,
    )


def _extent(extent: tuple[float, float, float, float]) -> ET.Element:
    west, south, east, north = extent
    sides = {
        "westBoundLongitude": west,
        "eastBoundLongitude": east,
        "southBoundLatitude": south,
        "northBoundLatitude": north,
    }
    box = _gmd(
        "EX_GeographicBoundingBox",
        *(_gmd(tag, node(f"{{{_GCO}}}Decimal", {}, value)) for tag, value in sides.items()),
    )
    return _gmd("EX_Extent", _gmd("geographicElement", box))


def _quality(about: About) -> ET.Element:
    scope = _gmd("DQ_Scope", _gmd("level", _code("MD_ScopeCode", "dataset")))
    accuracy = None
    if about.accuracy_m is not None:
        value = node(f"{{{_GCO}}}Record", {}, f"{about.accuracy_m:g}")
        units = node(f"{{{_GMD}}}valueUnit", {"{http://www.w3.org/1999/xlink}href": "urn:ogc:def:uom:EPSG::9001"})  # fmt: skip
        result = _gmd("DQ_QuantitativeResult", units, _gmd("value", value))
        accuracy = _gmd("report", _gmd("DQ_AbsoluteExternalPositionalAccuracy", _gmd("result", result)))  # fmt: skip
    sources = [
        _gmd("source", _gmd("LI_Source", _gmd("description", _text(s)))) for s in about.lineage
    ]
    lineage = _gmd("LI_Lineage", _gmd("statement", _text(about.quality or "–")), *sources)
    return _gmd("DQ_DataQuality", _gmd("scope", scope), accuracy, _gmd("lineage", lineage))


def qgis_metadata(about: About, tag: str = "resourceMetadata") -> ET.Element:
    """The same for QGIS: an element of a project, or a whole ``.qmd`` document."""
    extent = None
    if about.extent:
        west, south, east, north = about.extent
        sides = {"minx": west, "miny": south, "maxx": east, "maxy": north, "minz": 0, "maxz": 0}
        box = node("spatial", {**sides, "dimensions": 2, "crs": "EPSG:4490"})
        extent = node("extent", {}, box)
    return node(
        tag,
        {},
        node("identifier", {}, about.id),
        node("language", {}, "zh-CN"),
        node("type", {}, "dataset"),
        node("title", {}, f"{about.title_zh} / {about.title_en}"),
        node("abstract", {}, about.abstract),
        node("keywords", {"vocabulary": "urbanplan"}, *(node("keyword", {}, k) for k in about.keywords)),
        *(node("history", {}, s) for s in about.lineage),
        node("rights", {}, about.notice),
        *(node("license", {}, x) for x in about.licences),
        node("constraints", {"type": "accuracy"}, f"± {about.accuracy_m:g} m" if about.accuracy_m else "–"),
        node("encoding", {}, "UTF-8"),
        extent,
    )  # fmt: skip


_TYPES = {
    ".parquet": "application/vnd.apache.parquet", ".fgb": "application/vnd.flatgeobuf", ".geojson": "application/geo+json",
    ".zip": "application/zip", ".kml": "application/vnd.google-earth.kml+xml", ".gml": "application/gml+xml",
    ".sld": "application/vnd.ogc.sld+xml", ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".dxf": "image/vnd.dxf",
}  # fmt: skip
#: STAC's extension for checksums; SHA-256 as a multihash starts with these bytes.
_FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_MULTIHASH = "1220"


def write(
    city: City, about: Mapping[str, About], written: Mapping[str, Path], folder: Path
) -> dict[str, Path]:
    """Write ``stac/catalog.json`` and a collection per layer.

    Parameters
    ----------
    city : City
    about : dict of str to About
        By table.
    written : dict of str to Path
        Files by ``format/layer``.
    folder : path
    """
    root, found = folder / "stac", {}
    layers: dict[str, dict[str, Path]] = {}
    for name, path in written.items():
        kind, _, layer = name.partition("/")
        if layer in about:
            layers.setdefault(layer, {})[kind] = path
    for layer, files in layers.items():
        path = root / layer / "collection.json"
        found[f"stac/{layer}"] = write_json(path, _collection(about[layer], files, path.parent))
    children = [
        {"rel": "child", "href": f"./{layer}/collection.json", "type": "application/json", "title": about[layer].title_zh}
        for layer in layers
    ]  # fmt: skip
    catalog = {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": city.id,
        "title": f"{city.name_zh} / {city.name_en}",
        "description": f"{city.notice_zh} {city.notice_en}".strip() or city.name_en,
        "links": [_link("root", "./catalog.json"), _link("self", "./catalog.json"), *children],
    }
    found["stac/catalog"] = write_json(root / "catalog.json", catalog)
    return found


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": "application/json"}


def _collection(about: About, files: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    box = list(about.extent or (-180.0, -90.0, 180.0, 90.0))
    assets = {
        kind: {
            "href": "../../" + path.relative_to(folder.parents[1]).as_posix(),
            "type": _TYPES[path.suffix],
            "title": f"{about.title_zh} ({kind})",
            "roles": ["data"],
            "file:size": size_bytes(path),
            "file:checksum": _MULTIHASH + sha256(path),
        }
        for kind, path in files.items()
    }
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [_FILE],
        "id": about.id,
        "title": about.title_zh,
        "description": f"{about.abstract} {about.notice}".strip(),
        "keywords": list(about.keywords),
        # The licences are several, and not all are SPDX names: they stand with each provider.
        "license": "other",
        "providers": [
            {"name": source[:200], "roles": ["producer"], "description": "；".join(about.licences)}
            for source in about.lineage[:20]
        ],
        "extent": {
            "spatial": {"bbox": [box]},
            "temporal": {"interval": [[None, _instant(about.date)]]},
        },
        "summaries": {"accuracy_m": [about.accuracy_m] if about.accuracy_m else [], "quality": [about.quality]},
        "links": [_link("root", "../catalog.json"), _link("parent", "../catalog.json")],
        "assets": assets,
    }  # fmt: skip


def _instant(date: str) -> str | None:
    # A year or month is over at its end; an interval needs an instant, and what is no date has none.
    stated = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?", date)
    if stated is None:
        return None
    year, month, day = (int(part or 0) for part in stated.groups())
    month = month or 12
    if not (year >= 1 and month <= 12 and day <= (last := calendar.monthrange(year, month)[1])):
        return None
    return f"{year:04d}-{month:02d}-{day or last:02d}T00:00:00Z"
