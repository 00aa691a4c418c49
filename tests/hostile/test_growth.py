"""Little that would become much, or end the process: refused at once, and what is damaged is told."""

from __future__ import annotations

import json
import sqlite3
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

from urbanplan.errors import InputError
from urbanplan.files import checks, read_delivery, read_raster, tables
from urbanplan.files.vector import MAX_NESTED, refuse_nested

GEO = json.dumps(
    {"version": "1.0.0", "primary_column": "g", "columns": {"g": {"encoding": "WKB", "geometry_types": []}}}
).encode()  # fmt: skip


def nested(depth: int, order: str = "<", kind: int = 7) -> bytes:
    """A point within so many collections."""
    mark = b"\1" if order == "<" else b"\0"
    head = mark + struct.pack(f"{order}II", kind, 1)
    return head * depth + mark + struct.pack(f"{order}Idd", 1, 105, 29)


def nested_text(depth: int) -> str:
    return "GEOMETRYCOLLECTION(" * depth + "POINT(105 29)" + ")" * depth


def parquet(path: Path, shape: bytes) -> Path:
    pq.write_table(pa.table({"g": pa.array([shape], pa.binary())}, metadata={b"geo": GEO}), path)
    return path


def table(path: Path, shape: str) -> Path:
    path.write_text(f'wkt\n"{shape}"\n')
    return path


MAKERS = {
    "a.parquet": lambda path, depth: parquet(path, nested(depth)),
    "b.parquet": lambda path, depth: parquet(path, nested(depth, ">")),
    "a.csv": lambda path, depth: table(path, nested_text(depth)),
    "b.csv": lambda path, depth: table(path, nested(depth).hex()),
}


@pytest.mark.parametrize("name", MAKERS)
def test_parts_within_parts_do_not_end_the_process(tmp_path, name):
    path = MAKERS[name](tmp_path / name, 100_000)
    code = "import sys; from urbanplan.files import read_delivery; read_delivery(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)  # fmt: skip
    assert "more than 1,000 parts within parts" in done.stderr and done.returncode == 1
    assert len(read_delivery(MAKERS[name](tmp_path / name, 3)).frame) == 1


def test_depth_is_told_from_breadth():
    for kind in (4, 7, 0x80000007, 0xA0000007, 1007, 2007, 3007, 10):
        for order in "<>":
            with pytest.raises(InputError, match="parts within parts"):
                refuse_nested("a", [nested(MAX_NESTED + 50, order, kind)])
    many = shapely.multipolygons([shapely.box(i, 0, i + 0.5, 1) for i in range(20_000)])
    points = shapely.multipoints(np.arange(40_000.0).reshape(-1, 2))
    lines = shapely.geometrycollections([shapely.linestrings([[0, i], [1, i]]) for i in range(9000)])  # fmt: skip
    for shape in (many, points, lines):
        refuse_nested("a", [shape.wkb, shape.wkb_hex, shape.wkt, None])


def points(path: Path) -> Path:
    frame = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=gpd.points_from_xy([105, 106], [29, 29]), crs=4326)  # fmt: skip
    frame.to_file(path)
    return path


def test_rows_of_a_shapefile_share_no_record(tmp_path):
    path = points(tmp_path / "a.shp")
    index = bytearray(path.with_suffix(".shx").read_bytes())
    again = bytes(index[100:108]) * 500
    index[24:28] = struct.pack(">i", (100 + len(again)) // 2)
    path.with_suffix(".shx").write_bytes(bytes(index[:100]) + again)
    with pytest.raises(InputError, match=r"a\.shp: has an index \(\.shx\) in which rows share"):
        read_delivery(path)


def test_geometry_that_is_damaged_is_told(tmp_path):
    path = points(tmp_path / "a.gpkg")
    with sqlite3.connect(path) as base:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            base.create_function(name, 1, lambda _: 0.0)
        broken = b"GP\0\1" + struct.pack("<i", 4326) + struct.pack("<BII", 1, 2, 2**31 - 1)
        base.execute("UPDATE a SET geom = ? WHERE fid = 2", (broken,))
    base.close()
    found = read_delivery(path)
    assert found.frame.geometry.isna().tolist() == [False, True]
    assert any("damaged geometry" in note and "row 2" in note for note in found.notes)
    assert not any("damaged" in note for note in read_delivery(points(tmp_path / "b.gpkg")).notes)
    path = points(tmp_path / "a.shp")
    data = bytearray(path.read_bytes())
    data[108:112] = struct.pack("<i", 5)
    path.write_bytes(data)
    found = read_delivery(path)
    assert any("damaged geometry" in note and "row 1" in note for note in found.notes)


@pytest.mark.parametrize("angle", ["1e18", "nan", "721", "-1e9", "x"])
def test_an_arc_without_end(tmp_path, angle):
    arc = (
        '<gml:Curve srsName="EPSG:4490"><gml:segments><gml:ArcByCenterPoint numArc="1"><gml:pos>29 105</gml:pos>'
        f"<gml:radius>1</gml:radius><gml:startAngle>0</gml:startAngle><gml:endAngle>{angle}</gml:endAngle>"
        "</gml:ArcByCenterPoint></gml:segments></gml:Curve>"
    )
    text = (
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"><gml:featureMember><a><g>'
        f"{arc}</g></a></gml:featureMember></gml:FeatureCollection>"
    )
    (tmp_path / "a.gml").write_text(text)
    with pytest.raises(InputError, match="has an arc to"):
        read_delivery(tmp_path / "a.gml")
    (tmp_path / "a.gml").write_text(text.replace(f">{angle}<", ">360<"))
    assert len(read_delivery(tmp_path / "a.gml").frame) == 1


def test_columns_of_each_row_s_own(tmp_path):
    rows = [{"lon": 105, "lat": 29, f"c{i}": 1} for i in range(5000)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    data = "".join(
        f'<Placemark><ExtendedData><Data name="c{i}"><value>1</value></Data></ExtendedData>'
        "<Point><coordinates>105,29</coordinates></Point></Placemark>"
        for i in range(5000)
    )
    (tmp_path / "a.kml").write_text(f"<kml><Document>{data}</Document></kml>")
    for name in ("a.json", "a.kml"):
        with pytest.raises(InputError, match="more than 4,096 columns"):
            read_delivery(tmp_path / name)


def test_many_layers_of_a_drawing(tmp_path):
    entities = [v for i in range(1500) for v in ("0", "POINT", "8", f"L{i}", "10", "0", "20", "0")]
    lines = ["0", "SECTION", "2", "ENTITIES", *entities, "0", "ENDSEC", "0", "EOF", ""]
    (tmp_path / "a.dxf").write_text("\n".join(lines))
    with pytest.raises(InputError, match="more than 1,000 CAD layers"):
        read_delivery(tmp_path / "a.dxf")
    assert len(read_delivery(tmp_path / "a.dxf", layer="L1400").frame) == 1


def workbook(path: Path, listed: str, linked: str = "") -> Path:
    """A workbook with more in its list of sheets."""
    made = openpyxl.Workbook()
    made.active.append(["lon", "lat"])
    made.active.append([105, 29])
    made.save(path.with_name("plain.xlsx"))
    with zipfile.ZipFile(path.with_name("plain.xlsx")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            text = text.replace("</sheets>", f"{listed}</sheets>") if name == "xl/workbook.xml" else text  # fmt: skip
            text = text.replace("</Relationships>", f"{linked}</Relationships>") if "workbook.xml.rels" in name else text  # fmt: skip
            new.writestr(name, text)
    return path


def sheet(number: int, link: str) -> str:
    named = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    return f'<sheet name="s{number}" sheetId="{number + 9}" r:id="{link}" {named}/>'


def test_sheets_that_are_one_and_the_same(tmp_path):
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    link = f'<Relationship Id="r9" Type="{kind}" Target="worksheets/./sheet&#49;.xml"/>'
    for listed, linked in ((sheet(1, "rId1"), ""), (sheet(1, "r9"), link)):
        with pytest.raises(InputError, match="one and the same"):
            read_delivery(workbook(tmp_path / "a.xlsx", listed, linked))
    many = "".join(sheet(i, f"x{i}") for i in range(tables.MAX_SHEETS + 1))
    with pytest.raises(InputError, match="more than 255 sheets"):
        read_delivery(workbook(tmp_path / "a.xlsx", many))
    assert len(read_delivery(workbook(tmp_path / "a.xlsx", ""), crs="EPSG:4490").frame) == 1


COUNTS = {
    "dimensions": b"CDF\1" + struct.pack(">III", 0, 10, 2**31 - 1),
    "some dimensions": b"CDF\1" + struct.pack(">III", 0, 10, 40_000_000),
    "attributes": b"CDF\2" + struct.pack(">IIIII", 0, 0, 0, 12, 2**30),
    "variables": b"CDF\1" + struct.pack(">IIIIIII", 0, 0, 0, 0, 0, 11, 2**30),
    "wide": b"CDF\5" + struct.pack(">QIQ", 0, 10, 2**40),
    "name": b"CDF\1" + struct.pack(">IIII", 0, 10, 1, 2**31 - 8),
    "head": b"CDF",
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_netcdf_that_counts_more_than_it_has(tmp_path, name):
    path = tmp_path / "a.nc"
    path.write_bytes(COUNTS[name] + bytes(50))
    began = time.process_time()
    with pytest.raises(InputError, match=r"a\.nc: cannot be read as NetCDF"):
        read_raster(path)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("version", [1, 2])
def test_the_head_of_a_netcdf_is_walked_to_its_end(tmp_path, version):
    from scipy.io import netcdf_file

    path = tmp_path / "a.nc"
    with netcdf_file(path, "w", version=version) as made:
        made.history = "x" * 7
        made.createDimension("t", None)
        made.createDimension("x", 3)
        field = made.createVariable("v", "f4", ("t", "x"))
        field.units, field.missing_value = "m", np.float32(-1)
        field[:] = np.zeros((2, 3))
        made.createVariable("w", "i2", ())
    checks.judge_netcdf(path)
    data = path.read_bytes()
    for end in range(4, data.index(b"missing_value"), 7):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"^$"):
            checks.judge_netcdf(path)


def test_a_small_picture_of_many_cells(tmp_path):
    path = tmp_path / "a.tif"
    size = {"width": 6000, "height": 6000, "count": 1, "dtype": "uint8"}
    place = rasterio.Affine(1e-4, 0, 105, 0, -1e-4, 29)
    with rasterio.open(path, "w", driver="GTiff", compress="deflate", crs="EPSG:4326", transform=place, **size) as made:  # fmt: skip
        made.write(np.zeros((1, 6000, 6000), np.uint8))
    with pytest.raises(InputError, match="far too small for so many cells"):
        read_raster(path)
    assert read_raster(path, (105.0, 28.9, 105.1, 29.0)).band.shape == (1000, 1000)


def test_a_raster_is_the_same_read_in_parts(tmp_path, monkeypatch):
    path, values = tmp_path / "a.tif", np.arange(35.0, dtype="float32").reshape(7, 5)
    values[2, 3], values[4, 1] = -9999, 3.4e38
    place = rasterio.Affine(0.1, 0, 105, 0, -0.1, 29)
    size = {"width": 5, "height": 7, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", nodata=-9999, crs="EPSG:4326", transform=place, **size) as made:  # fmt: skip
        made.write(values[None])
        made.scales, made.offsets = (2.0,), (1.0,)
    whole = read_raster(path)
    monkeypatch.setattr("urbanplan.files.reading._CELLS_AT_ONCE", 11)
    parts = read_raster(path)
    assert whole.voids == parts.voids == 1 and np.isnan(whole.band).sum() == 2
    np.testing.assert_array_equal(whole.band, parts.band)
    assert whole.band[6, 4] == 69.0
