"""Files that pretend to be a layer and point at something else: another file, or a server."""

from __future__ import annotations

import io
import re
import shutil
import sqlite3
import struct
import zipfile
from pathlib import Path

import bombs
import pandas as pd

import deliveredfiles

#: Endings under which each disguise is tried.
ENDINGS = (
    *("geojson", "json", "gpkg", "shp", "kml", "kmz", "dxf", "fgb", "parquet"),
    *("geoparquet", "csv", "tsv", "txt", "xlsx", "gdb", "zip"),
)
SERVER = "http://127.0.0.1:9/x"


def texts(canary: Path) -> dict[str, str]:
    """Content that other drivers, and careless parsers, would follow to `canary` or a server."""
    return {
        "vrt": f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{canary}</SrcDataSource>'
        "<SrcLayer>canary</SrcLayer></OGRVRTLayer></OGRVRTDataSource>",
        "vrtweb": '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/vsicurl/'
        f"{SERVER}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "gml": '<?xml version="1.0"?><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x '
        f'{SERVER}.xsd y file://{canary}"><gml:featureMember><a xlink:href="{SERVER}"/>'
        "</gml:featureMember></gml:FeatureCollection>",
        "wfs": f"<OGRWFSDataSource><URL>{SERVER}</URL></OGRWFSDataSource>",
        "esri": '{"displayFieldName":"","geometryType":"esriGeometryPoint","exceededTransferLimit":'
        'true,"features":[{"attributes":{"OBJECTID":1},"geometry":{"x":1,"y":2}}]}',
        "topo": '{"type":"Topology","objects":{"a":{"type":"Point","coordinates":[1,2]}},"arcs":[]}',
        "gpx": '<gpx version="1.1" creator="x"><wpt lat="1" lon="2"><name>a</name></wpt></gpx>',
        "osm": '<osm version="0.6"><node id="1" lat="1" lon="2"/></osm>',
        "name": str(canary),
        "service": f"WFS:{SERVER}",
        "xxe": f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a SYSTEM "file://{canary}">'
        f'<!ENTITY % b SYSTEM "{SERVER}.dtd">%b;]><kml><Placemark><name>&a;</name>'
        "<Point><coordinates>1,2</coordinates></Point></Placemark></kml>",
    }


def geojson(crs: str, key: str = '"crs"') -> str:
    """GeoJSON with one point and what it says of its coordinate system."""
    return (
        f'{{"type":"FeatureCollection",{key}:{crs},"features":[{{"type":"Feature","properties":'
        '{"a":1},"geometry":{"type":"Point","coordinates":[1,2]}}]}'
    )


def systems(canary: Path) -> dict[str, str]:
    """GeoJSON whose coordinate system is somewhere else."""
    link = f'{{"type":"link","properties":{{"url":"{SERVER}"}}}}'
    return {
        "link": geojson(link),
        "href": geojson(f'{{"type":"link","properties":{{"href":"{SERVER}","type":"proj4"}}}}'),
        "url": geojson(f'{{"type":"URL","properties":{{"url":"{SERVER}"}}}}'),
        "name": geojson(f'{{"type":"name","properties":{{"name":"{SERVER}"}}}}'),
        "file": geojson(f'{{"type":"name","properties":{{"name":"{canary}"}}}}'),
        "code": geojson(f'{{"type":"EPSG","properties":{{"code":"{SERVER}"}}}}'),
        "escaped": geojson(link, r'"\u0063r\u0053"'),
        "upper": geojson(link, '"CRS"'),
        "single": geojson(link, "'crs'"),
        "comment": geojson(link, '"crs"/*x*/'),
        "far": geojson(link, '"crs"' + " " * 200_000),
        "late": geojson(link, '"a":"' + "x" * 2**20 + '","crs"'),
        "twice": geojson(
            '{"type":"name","properties":{"name":"EPSG:4326"},"type":"link",'
            f'"properties":{{"url":"{SERVER}"}}}}'
        ),
    }


def linked_kml(canary: Path) -> str:
    """A placemark among links and overlays that must not be followed."""
    return (
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-'
        f'instance" xsi:schemaLocation="x {SERVER}.xsd"><Document>'
        f"<NetworkLink><Link><href>{SERVER}.kml</href></Link></NetworkLink>"
        f"<NetworkLink><Link><href>file://{canary}</href></Link></NetworkLink>"
        f"<GroundOverlay><Icon><href>{canary}</href></Icon></GroundOverlay>"
        f'<Style id="s"><IconStyle><Icon><href>{SERVER}.png</href></Icon></IconStyle></Style>'
        f"<Placemark><styleUrl>{SERVER}.kml#s</styleUrl><name>a</name><Point><coordinates>1,2"
        "</coordinates></Point></Placemark></Document></kml>"
    )


LAUGHS = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12)
)


def entities(folder: Path, canary: Path) -> list[Path]:
    """XML with a document type or entities, in every wrapping and coding."""
    laughs = f"{LAUGHS}]><kml><Placemark><name>&m;</name></Placemark></kml>"
    found = []
    for name, data in {
        "xxe": texts(canary)["xxe"].encode(),
        "laughs": laughs.encode(),
        "utf16": ("\ufeff" + laughs).encode("utf-16-le"),
        "lower": laughs.replace("DOCTYPE", "doctype").encode(),
        "gbk": ("<?xml version='1.0' encoding='GBK'?><!-- 区 -->" + laughs).encode("gbk"),
    }.items():
        found.append(folder / f"entity-{name}.kml")
        found[-1].write_bytes(data)
        found.append(deliveredfiles.pack(folder / f"entity-{name}.kmz", {"doc.kml": data}))
        sheet = data.replace(b"kml", b"worksheet")
        found.append(bombs.workbook(folder / f"entity-{name}.xlsx", sheet))
    return found


def geopackage(path: Path, *statements: str) -> Path:
    """A real GeoPackage, and what is done to it."""
    if not path.exists():
        shutil.copyfile(path.parent / "real" / "区县.gpkg", path)
    base = sqlite3.connect(path)
    base.execute("PRAGMA writable_schema = ON")
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()
    return path


def databases(folder: Path, canary: Path) -> dict[str, Path]:
    """GeoPackages that would run something, or look elsewhere, as they are read."""
    schema = "INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql) VALUES"
    register = "INSERT INTO gpkg_contents(table_name,data_type,identifier) VALUES"
    return {
        "view": geopackage(
            folder / "view.gpkg",
            f"CREATE VIEW v AS SELECT fid, geom, load_extension('{canary}') AS a FROM 区县",
            f"{register}('v','features','v')",
        ),
        "system": geopackage(
            folder / "system.gpkg",
            "DROP TABLE IF EXISTS gpkg_extensions",
            "CREATE VIEW gpkg_extensions AS SELECT ogr_geocode('x') AS table_name",
        ),
        "virtual": geopackage(
            folder / "virtual.gpkg",
            f"{schema}('table','w','w',0,'CREATE VIRTUAL TABLE w USING VirtualOGR(''{canary}'')')",
            f"{register}('w','attributes','w')",
        ),
        "computed": geopackage(
            folder / "computed.gpkg",
            "CREATE TABLE g(fid INTEGER PRIMARY KEY, a TEXT AS (hex(zeroblob(9))) VIRTUAL)",
            f"{register}('g','attributes','g')",
        ),
        "system2": geopackage(
            folder / "srs.gpkg",
            f"UPDATE gpkg_spatial_ref_sys SET definition = '{SERVER}' WHERE srs_id = 4490",
        ),
        "file": geopackage(
            folder / "srsfile.gpkg",
            f"UPDATE gpkg_spatial_ref_sys SET definition = '{canary}' WHERE srs_id = 4490",
        ),
    }


def coded_flatgeobuf(source: Path, target: Path) -> Path:
    """FlatGeobuf whose definition of its coordinate system is the address of a server."""
    data = bytearray(source.read_bytes())
    at = re.search(rb"(GEOG|GEOD)\w+\[", data).start()
    size = struct.unpack_from("<I", data, at - 4)[0]
    data[at : at + size] = SERVER.encode().ljust(size)
    data = data.replace(struct.pack("<I", 4) + b"EPSG", struct.pack("<I", 4) + b"http")
    target.write_bytes(data)
    return target


def elsewhere(folder: Path, canary: Path) -> list[Path]:
    """Every file whose content points elsewhere, in `folder`."""
    real = deliveredfiles.write(folder / "real")
    made = []
    for name, text in texts(canary).items():
        for ending in ENDINGS:
            made.append(folder / f"{name}.{ending}")
            made[-1].write_text(text, encoding="utf-8")
    for name, text in systems(canary).items():
        made.append(folder / f"crs-{name}.geojson")
        made[-1].write_text(text, encoding="utf-8")
    made += entities(folder, canary)
    made += databases(folder, canary).values()
    for ending, source in real.items():
        if source.is_file():
            for other in ENDINGS:
                if other not in (ending, "geoparquet", "json") and (ending, other) not in SAME:
                    made.append(folder / f"real-{ending}.{other}")
                    shutil.copyfile(source, made[-1])
    return made


#: A file under another ending of the same kind is no disguise.
SAME = {("csv", "tsv"), ("csv", "txt"), ("geojson", "json"), ("parquet", "geoparquet")}
SAME |= {("kmz", "zip"), ("gdb", "zip")}


def harmless(folder: Path, canary: Path) -> list[Path]:
    """Files that are read, but whose links lead nowhere."""
    real = folder / "real"
    kml = folder / "linked.kml"
    kml.write_text(linked_kml(canary), encoding="utf-8")
    kmz = deliveredfiles.pack(folder / "linked.kmz", {"doc.kml": kml})
    shp = folder / "prj.shp"
    for ending in deliveredfiles.SIDES:
        shutil.copyfile(real / f"区县{ending}", shp.with_suffix(ending))
    shp.with_suffix(".prj").write_text(SERVER)
    file = folder / "prjfile.shp"
    for ending in deliveredfiles.SIDES:
        shutil.copyfile(real / f"区县{ending}", file.with_suffix(ending))
    file.with_suffix(".prj").write_text(str(canary))
    xlsx = folder / "linked.xlsx"
    held = io.BytesIO()
    pd.DataFrame({"lon": [1.0], "lat": [2.0]}).to_excel(held, index=False)
    with zipfile.ZipFile(held, "a") as z:
        z.writestr(
            "xl/worksheets/_rels/sheet1.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r9" Type="x/hyperlink" Target="{SERVER}" TargetMode="External"/>'
            f'<Relationship Id="r8" Type="x/externalLink" Target="file://{canary}"/>'
            "</Relationships>",
        )
    xlsx.write_bytes(held.getvalue())
    trigger = geopackage(
        folder / "trigger.gpkg",
        f"CREATE TRIGGER t BEFORE INSERT ON 区县 BEGIN SELECT load_extension('{canary}'); END",
    )
    fgb = coded_flatgeobuf(real / "区县.fgb", folder / "coded.fgb")
    return [kml, kmz, shp, file, xlsx, trigger, fgb]
