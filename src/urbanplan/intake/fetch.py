"""A city's layers and streets from an OpenStreetMap extract."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan import manifest
from urbanplan.catalog import LayerKind, OsmRule, load_catalog, read_osm_rules
from urbanplan.city import City
from urbanplan.crs import WGS84, transform, unwrapped
from urbanplan.errors import InputError
from urbanplan.files import sha256
from urbanplan.intake.fields import Worth, columns_of, fill
from urbanplan.intake.folder import district_names, write_layer
from urbanplan.intake.shapes import cut, doubles, repair
from urbanplan.layers import load_layer
from urbanplan.manifest import DataGap, covered_gap, with_gaps
from urbanplan.sources.extract import Extract, Feature, read_extract, sea_of
from urbanplan.sources.osm import write_osm

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: The file that holds a city's streets.
STREETS = "streets.osm.pbf"
#: Name of the origin in the manifest.
_ORIGIN = "openstreetmap"
#: Streets are read so far around the city: the shortest way may lead outside.
_AROUND_M = 2000.0
#: Positional accuracy that stands in for OpenStreetMap's, which states none.
#: Haklay (2010), Environment and Planning B 37, found a mean of about 6 m in London.
_ACCURACY_M = 10.0
_NOTES = ("OpenStreetMap未说明精度，按10米计", "OpenStreetMap states no accuracy, taken as 10 m")
#: Classes with other names here.
_CLASSES = {"motorway": "expressway", "motorway_link": "expressway"}
#: Kilometres in a mile, for speeds posted in mph.
_KM_PER_MILE = 1.609344


@dataclass(frozen=True)
class Fetched:
    """What came of an extract.

    Attributes
    ----------
    features : mapping of str to int
        Features written, by layer.
    ways : int
        Ways of the streets.
    kept : tuple of str
        Layers that hold other data already and were left alone.
    notes : tuple of str
    """

    features: Mapping[str, int]
    ways: int
    kept: tuple[str, ...]
    notes: tuple[str, ...]


def tag_keys() -> dict[str, Any]:
    """Keys and values that a download must ask for: streets, ferries, coast and every layer's tags."""
    wanted: dict[str, Any] = {
        **dict.fromkeys(("highway", "barrier"), True),
        "route": {"ferry"},
        "natural": {"coastline"},
    }
    for rule in read_osm_rules():
        for key, values in rule.tags.items():
            if wanted.get(key) is True or values is True:
                wanted[key] = True
            else:
                wanted[key] = set(wanted.get(key, ())) | set(values)
    return {k: v if v is True else sorted(v) for k, v in sorted(wanted.items())}


def area_of(city: City) -> BaseGeometry:
    """The city's study area in WGS84."""
    located = load_layer(city, "study_area").located
    if located.empty:
        raise InputError(
            "the city has no study area",
            where=city.layers_folder,
            remedy="set the folder up with `urbanplan init`",
        )
    return located.geometry.union_all()


def around(city: City) -> BaseGeometry:
    """The study area with a margin of 2 km, in WGS84."""
    import geopandas as gpd

    area = gpd.GeoDataFrame(geometry=[area_of(city)], crs=WGS84)
    wide = (
        area.to_crs(city.metric_crs).buffer(_AROUND_M).simplify(_AROUND_M / 20).to_frame("geometry")
    )
    west, _, east, _ = area.total_bounds
    return unwrapped(wide.to_crs(WGS84), (west + east) / 2).geometry.iloc[0]


def fetch(city: City, path: Path | str, *, day: str, replace: bool = False) -> Fetched:
    """Fill a city's layers and streets from an extract.

    Parameters
    ----------
    city : City
    path : path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` that covers the city.
    day : str
        Today, for the manifest.
    replace : bool
        Also replace layers that hold data from elsewhere.

    Returns
    -------
    Fetched
    """
    catalog, area = load_catalog(), area_of(city)
    rules = [r for r in read_osm_rules() if replace or _may_fill(city, r.layer)]
    kept = tuple(r.layer for r in read_osm_rules() if r not in rules)
    extract = read_extract(path, area, around(city), rules)
    found: dict[str, tuple[Any, np.ndarray]] = {}
    water = _metric(city, [f.geometry for f in _of(extract, "water")])
    sea = sea_of(area, extract.coast)
    districts = load_layer(city, "districts").located if city.has("districts.geojson") else None
    for rule in rules:
        kind = catalog.layer(rule.layer)
        features = _chosen(city, rule, extract, kind, [*water, *_metric(city, [sea])])
        rows, shapes = _rows(features, rule, kind, area, extract)
        if rule.layer == "water" and not sea.is_empty:
            rows, shapes = _with_sea(rows, shapes, sea, kind, extract)
        rows["district"] = district_names(shapes, districts)
        found[rule.layer] = rows[columns_of(kind)], shapes
    origin, gaps = _origin(Path(path), extract, day), _gaps(city, area, extract)
    said = with_gaps({"built_from": [_ORIGIN]}, gaps)
    for name, (rows, shapes) in found.items():
        if len(rows) or _held(city, name):
            write_layer(city.layers_folder, catalog.layer(name), rows, shapes, said, origin)
    said = {"ways": extract.streets.ways, **said}
    with manifest.replacing(city.layers_folder, STREETS, said, origin) as new:
        write_osm(new, extract.streets)
    counts = {name: len(rows) for name, (rows, _) in found.items()}
    notes = tuple(gap.sentence("提取文件", "the extract") for gap in gaps)
    return Fetched(counts, extract.streets.ways, kept, notes)


def _gaps(city: City, area: BaseGeometry, extract: Extract) -> tuple[DataGap, ...]:
    # What an extract lacks looks like what is not there: it must be said.
    import shapely

    inside = area.intersection(shapely.box(*extract.bounds))
    (whole,) = _metric(city, [area])
    share = sum(s.area for s in _metric(city, [inside])) / whole.area
    gaps = [*covered_gap(share, _ORIGIN)]
    if extract.left_out:
        why = "伸出提取文件边缘，无法闭合 / they reach over its edge and could not be closed"
        gaps.append(DataGap("left_out", None, extract.left_out, why, _ORIGIN))
    return (*gaps, *(DataGap("note", why=text, origin=_ORIGIN) for text in extract.findings))


def _of(extract: Extract, layer: str) -> Sequence[Feature]:
    return extract.features.get(layer, ())


def _held(city: City, name: str) -> Mapping[str, Any]:
    # What the manifest says of a layer.
    return city.manifest["files"].get(f"{name}.geojson", {})


def _may_fill(city: City, name: str) -> bool:
    # Empty slots, and what an earlier fetch has left.
    fetched = _held(city, name).get("built_from") == [_ORIGIN]
    return fetched or not city.has(f"{name}.geojson") or load_layer(city, name).frame.empty


def _metric(city: City, shapes: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    import shapely

    return [
        shapely.transform(s, lambda xy: transform(xy, WGS84, city.metric_crs))
        for s in shapes
        if not s.is_empty
    ]


def _chosen(
    city: City, rule: OsmRule, extract: Extract, kind: LayerKind, water: Sequence[BaseGeometry]
) -> list[Feature]:
    # Large enough, near enough to water, and not the same thing twice.
    import shapely

    features = list(_of(extract, rule.layer))
    shapes = np.array(_metric(city, [f.geometry for f in features]), object)
    keep = np.ones(len(features), bool)
    if rule.min_m2 and len(features):
        keep &= shapely.area(shapes) >= rule.min_m2
    if rule.near_water_m is not None and len(features):
        lines = _metric(city, [f.geometry for f in _of(extract, "river_lines")])
        banks = shapely.union_all(shapely.buffer([*water, *lines], rule.near_water_m))
        shapely.prepare(banks)
        near = shapely.intersects(banks, shapes)
        wet = shapely.length(shapely.intersection(shapes, banks))
        keep &= near & (wet >= 0.5 * shapely.length(shapes))
    if kind.geometry == "point":
        keep &= ~_inside_another(features, shapes)
    return [f for f, k in zip(features, keep) if k]


def _inside_another(features: Sequence[Feature], shapes: np.ndarray) -> np.ndarray:
    # A hospital drawn as an area and once more as a point on it is one hospital.
    import shapely

    out = np.zeros(len(features), bool)
    points = np.flatnonzero([f.id[0] == "n" for f in features])
    areas = np.flatnonzero([f.id[0] != "n" for f in features])
    if len(points) and len(areas):
        tree = shapely.STRtree(shapes[areas])
        point, area = tree.query(shapes[points], predicate="intersects")
        for p, a in zip(points[point], areas[area]):
            one, other = features[p].tags.get("name"), features[a].tags.get("name")
            out[p] |= one is None or one == other
    return out


def _rows(features, rule: OsmRule, kind: LayerKind, area: BaseGeometry, extract: Extract):
    import pandas as pd

    shapes = np.array([f.geometry for f in features], object)
    labels = np.array([f.id for f in features], object)
    if kind.geometry == "point":
        shapes = np.array([s.representative_point() for s in shapes], object)
    done = repair(shapes, labels, kind)
    shapes = cut(done.shapes, area, kind.geometry)
    keep = done.keep & np.array([s is not None for s in shapes], bool)
    table = pd.DataFrame([_tagged(f, rule) for f in features], columns=columns_of(kind))
    mapped = {c: c for c in table.columns}
    rows, _ = fill(table, shapes, mapped, kind, _worth(extract))
    rows["note_zh"], rows["note_en"] = _NOTES
    keep[doubles(shapes, rows["name_zh"].to_numpy(), keep)] = False
    return rows[keep].reset_index(drop=True), shapes[keep]


def _worth(extract: Extract) -> Worth:
    as_of = extract.as_of or "not stated"
    return Worth("existing", "derived", _ACCURACY_M, extract.source, extract.licence, as_of)


def _tagged(feature: Feature, rule: OsmRule) -> dict[str, Any]:
    tags = feature.tags
    row: dict[str, Any] = {"id": feature.id}
    name = tags.get("name")
    row["name_zh"] = tags.get("name:zh") or tags.get("name:zh-Hans") or name
    row["name_en"] = tags.get("name:en") or name
    row["kind"] = next((tags[k] for k in rule.kind if k in tags), None)
    for column, key in rule.columns.items():
        value = tags.get(key)
        if column == "speed_kmh":
            value = _kmh(value)
        elif column == "class":
            value = _CLASSES.get(value, value)
        row[column] = value
    return row


def _kmh(posted: str | None) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mph|km/h)?", posted or "")
    if not found:
        return None
    return float(found.group(1)) * (_KM_PER_MILE if found.group(2) == "mph" else 1.0)


def _with_sea(rows, shapes, sea: BaseGeometry, kind: LayerKind, extract: Extract):
    import pandas as pd

    one = pd.DataFrame(
        [{"id": "sea", "name_zh": "海域", "name_en": "sea", "kind": "sea"}],
        columns=columns_of(kind),
    )
    own, _ = fill(one, np.array([sea], object), {c: c for c in one.columns}, kind, _worth(extract))
    own["note_zh"], own["note_en"] = _NOTES
    both = pd.concat([rows, own], ignore_index=True)
    return both, np.array([*shapes, sea], object)


def _origin(path: Path, extract: Extract, day: str) -> dict[str, dict[str, str]]:
    row = {
        "title": "OpenStreetMap",
        "extract": path.name,
        "sha256": sha256(path),
        "source": extract.source,
        "licence": extract.licence,
        "url": "https://www.openstreetmap.org/copyright",
        "as_of": extract.as_of,
        "fetched": day,
    }
    return {_ORIGIN: {k: v for k, v in row.items() if v}}
