"""Files as people really have them: each kind of fault gives the right value, or one sentence that says what to do."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

import deliveredfiles
from test_import import LAT, LON, bring, deliver, layer, square
from test_init import command
from urbanplan.base.crs import datum_error_m, wgs84_to_gcj02
from urbanplan.errors import CrsError, InputError
from urbanplan.files import read_delivery, read_raster
from urbanplan.files.tables import coordinate
from urbanplan.sources import read_streets
from urbanplan.sources.crs_of_file import parse_shift, settle
from urbanplan.sources.read import read


@pytest.fixture(scope="module")
def empty_city(tmp_path_factory):
    """江阳区, as init leaves it; tests copy it."""
    from urbanplan.cli import main

    folder = tmp_path_factory.mktemp("city") / "city"
    with pytest.raises(SystemExit):
        main(["-q", "init", str(folder), "--adcode", "510502"])
    return folder


@pytest.fixture
def folder(empty_city, tmp_path):
    return shutil.copytree(empty_city, tmp_path / "city")


def points(count=2):
    return [shapely.Point(LON + 0.01 * i, LAT + 0.005 * i) for i in range(count)]


def workbook(path, *rows):
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


# Layers.


@pytest.fixture
def two_layers(tmp_path):
    path = tmp_path / "two.gpkg"
    for year in (2010, 2024):
        frame = gpd.GeoDataFrame({"id": [f"c{year}"]}, geometry=[shapely.Point(10, 50)], crs=4326)
        frame.to_file(path, layer=f"clinics_{year}")
    return path


def test_places_of_several_layers_are_refused_and_one_may_be_named(two_layers):
    with pytest.raises(InputError, match=r"has 2 layers.*clinics_2010 .*clinics_2024 "):
        read(two_layers)
    for name in ("layername=clinics_2024", "clinics_2024"):
        frame = read(f"{two_layers}|{name}")
        assert list(frame["id"]) == ["c2024"]
        assert any("layers not read: clinics_2010" in note for note in frame.attrs["findings"])
    with pytest.raises(InputError, match="has no layer 'x'"):
        read(f"{two_layers}|x")
    with pytest.raises(InputError, match="cannot be understood"):
        read(f"{two_layers}|subset=id")


def test_every_command_takes_the_layer_behind_the_file(two_layers, tmp_path, capsys):
    line = shapely.LineString([(9.99, 50), (10.01, 50)])
    streets = tmp_path / "s.gpkg"
    for name in ("a", "b"):
        gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[line], crs=4326).to_file(
            streets, layer=name
        )
    asked = [
        "matrix",
        "--origins",
        f"{two_layers}|clinics_2024",
        "--destinations",
        f"{two_layers}|clinics_2010",
    ]
    out = tmp_path / "m.csv"
    code, _, err = command(capsys, *asked, "--streets", streets, "--out", out)
    assert code == 2 and "has 2 layers" in err and "a (1 feature)" in err
    assert command(capsys, *asked, "--streets", f"{streets}|layername=b", "--out", out)[0] == 0
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert rows[1][:2] == ["c2024", "c2010"]


def test_a_file_whose_own_name_has_the_mark_is_that_file(tmp_path):
    path = tmp_path / "a|b.geojson"
    deliver(tmp_path / "a.geojson", points()).rename(path)
    assert len(read_delivery(path).frame) == 2


def drawing(path, *entities, layers=()):
    """A DXF of closed polylines: (layer, west, south, side); layers are (name, colour, flags)."""
    table = "".join(f"0\nLAYER\n2\n{n}\n70\n{f}\n62\n{c}\n6\nCONTINUOUS\n" for n, c, f in layers)
    shapes = ""
    for name, x, y, side in entities:
        corners = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
        vertices = "".join(f"10\n{a}\n20\n{b}\n" for a, b in corners)
        shapes += f"0\nLWPOLYLINE\n8\n{name}\n100\nAcDbEntity\n100\nAcDbPolyline\n90\n4\n70\n1\n{vertices}"
    text = f"0\nSECTION\n2\nTABLES\n0\nTABLE\n2\nLAYER\n70\n9\n{table}0\nENDTAB\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n{shapes}0\nENDSEC\n0\nEOF\n"
    path.write_text(text, "utf-8")
    return path


def test_cad_layers_are_layers_and_those_that_are_off_or_frozen_are_left_out(tmp_path):
    layers = [("公园绿地", 3, 0), ("建筑", 7, 0), ("关闭", -5, 0), ("冻结", 7, 1)]
    shapes = [
        ("公园绿地", 0, 0, 10),
        ("公园绿地", 20, 0, 10),
        ("建筑", 40, 0, 5),
        ("关闭", 0, 0, 9),
        ("冻结", 0, 0, 8),
    ]
    path = drawing(tmp_path / "p.dxf", *shapes, layers=layers)
    with pytest.raises(
        InputError, match=r"2 CAD layers.*公园绿地 \(2 closed lines\), 建筑 \(1 closed line\)"
    ):
        read_delivery(path, family="polygon")
    parks = read_delivery(path, layer="公园绿地")
    assert len(parks.frame) == 2 and parks.layer == "公园绿地"
    gone = drawing(tmp_path / "q.dxf", *shapes[:2], *shapes[3:], layers=layers)
    only = read_delivery(gone, family="polygon")
    assert len(only.frame) == 2 and any("关闭 (1), 冻结 (1)" in note for note in only.notes)


def test_a_geodatabase_packed_without_its_folder(tmp_path):
    home = deliveredfiles.write(tmp_path / "real")["gdb"]
    whole = read_delivery(home)
    packed = tmp_path / "loose.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for member in home.iterdir():
            archive.write(member, member.name)
    assert len(read_delivery(packed).frame) == len(whole.frame)


# Coordinates.


@pytest.fixture
def both(tmp_path):
    there = np.array([[LON, LAT]])
    (moved,) = wgs84_to_gcj02(there)
    head = ["名称", "经度(GCJ02)", "纬度(GCJ02)", "经度(WGS84)", "纬度(WGS84)"]
    return workbook(tmp_path / "both.xlsx", head, ["甲院", *moved.tolist(), LON, LAT])


@pytest.mark.parametrize("crs", ["EPSG:4326", "gcj02", "EPSG:4490"])
def test_of_two_pairs_the_one_of_the_users_system_is_taken(both, crs, folder, capsys):
    code, _, err = bring(capsys, folder, both, "hospitals", "--crs", crs)
    assert code == 0, err
    (place,) = layer(folder, "hospitals").geometry
    assert (place.x, place.y) == pytest.approx((LON, LAT), abs=2e-6)


def test_two_pairs_and_no_word_are_refused(both, tmp_path):
    with pytest.raises(InputError, match="several pairs of coordinates"):
        read_delivery(both)
    plain = workbook(
        tmp_path / "p.xlsx", ["经度", "纬度", "经度(GCJ02)", "纬度(GCJ02)"], [LON, LAT, LON, LAT]
    )
    with pytest.raises(InputError, match="several pairs of coordinates"):
        read(plain)


def test_columns_that_name_another_system_than_the_user_are_refused(tmp_path):
    path = workbook(tmp_path / "g.xlsx", ["经度_GCJ02", "纬度_GCJ02"], [LON, LAT])
    with pytest.raises(InputError, match="in gcj02 by the names of its columns"):
        read_delivery(path, crs="EPSG:4326")
    back = read(path).geometry.iloc[0]
    assert wgs84_to_gcj02(np.array([[back.x, back.y]]))[0] == pytest.approx((LON, LAT), abs=1e-9)


@pytest.mark.parametrize("number", [0, -1])
def test_an_undefined_system_is_none(tmp_path, number, folder, capsys):
    path = deliver(tmp_path / "u.gpkg", points(), id=["a", "b"])
    with sqlite3.connect(path) as base:
        for table in ("gpkg_geometry_columns", "gpkg_contents"):
            base.execute(f"UPDATE {table} SET srs_id = {number}")
    base.close()
    with pytest.raises(CrsError, match="declares no coordinate system"):
        read(path)
    assert len(read(f"{path}|crs=EPSG:4326")) == 2
    code, _, err = bring(capsys, folder, path, "hospitals")
    assert code == 2 and "declares no coordinate system" in err and "--crs" in err


@pytest.mark.parametrize("code", ["EPSG:4610", "EPSG:4214", "EPSG:2343"])
def test_a_datum_without_a_transformation_costs_accuracy_and_is_said(
    tmp_path, folder, capsys, code
):
    frame = gpd.GeoDataFrame({"name": ["园"]}, geometry=[square()], crs=4326).to_crs(code)
    frame.to_file(tmp_path / "p.gpkg")
    done, _, err = bring(capsys, folder, tmp_path / "p.gpkg", "parks", "--accuracy", 1)
    assert done == 0 and "no transformation from" in err and "120 m off" in err
    assert layer(folder)["accuracy_m"].tolist() == [120.0]


@pytest.mark.parametrize("code", ["EPSG:4490", "EPSG:4544", "EPSG:32648", "EPSG:4258"])
def test_datums_on_the_ellipsoid_of_wgs84_are_exact(code):
    assert datum_error_m(code, np.array([[LON, LAT]])) == 0


def test_seven_parameters_are_projs_own_helmert():
    seven = (10.0, 20.0, -30.0, 0.1, -0.2, 0.3, 1.5)
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(500_000, 3_195_000)], crs="EPSG:2343")
    settled = settle(frame, "file", None, None, "f", parse_shift("10,20,-30,0.1,-0.2,0.3,1.5"))
    text = (
        "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=105 +k=1 +x_0=500000 +y_0=0 +a=6378140 +rf=298.257"
        " +step +proj=cart +a=6378140 +rf=298.257 +step +proj=helmert +x={} +y={} +z={} +rx={} +ry={} +rz={} +s={}"
        " +convention=position_vector +step +inv +proj=cart +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    x, y, _ = pyproj.Transformer.from_pipeline(text.format(*seven)).transform(500_000, 3_195_000, 0)
    (place,) = settled.frame.geometry
    assert (place.x, place.y) == pytest.approx((x, y), abs=1e-10)
    assert settled.error_m == 0
    for wrong in ("1,2,3", "a,b,c,d,e,f,g", "1,2,3,4,5,6,nan"):
        with pytest.raises(InputError, match="is not seven numbers"):
            parse_shift(wrong)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("105°26′24″", 105.44),
        ("105°26'24\"E", 105.44),
        ("东经105度26分24秒", 105.44),
        ("105:26:24", 105.44),
        ("105°26.4′", 105.44),
        ("22°54′S", -22.9),
        ("W 43.2", -43.2),
        ("１０５．４４", 105.44),
        ("105,44", 105.44),
        ("105.44°", 105.44),
        ("512,345.6 m", 512_345.6),
        ("3 195 432", 3_195_432.0),
    ],
)
def test_coordinates_as_people_write_them(text, degrees):
    assert coordinate(text) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["105°75′", "无", "105.44;28.8", "", "1.2.3", "--5", "E", "105°26′24″30"]
)
def test_what_is_no_coordinate_is_none(text):
    assert np.isnan(coordinate(text))


@given(st.floats(-180, 180), st.integers(0, 2))
def test_degrees_minutes_and_seconds_there_and_back(value, style):
    whole = abs(value)
    degrees = int(whole)
    minutes = int((whole - degrees) * 60)
    seconds = ((whole - degrees) * 60 - minutes) * 60
    if f"{seconds:.6f}" == "60.000000":
        return
    marks = (("°", "′", "″"), ("度", "分", "秒"), (":", ":", ""))[style]
    text = (
        f"{degrees}{marks[0]}{minutes}{marks[1]}{seconds:.6f}{marks[2]}{'W' if value < 0 else 'E'}"
    )
    assert coordinate(text) == pytest.approx(value, abs=1e-9)


# Cells, heads, encodings.


def test_figures_with_units_become_people(folder, tmp_path, capsys):
    cells = ["1.2万", "3500人", "约2000", "１２００", "1,200", "100-200", "40户"]
    rows = [[f"{i}村", LON + 0.002 * i, LAT, cell] for i, cell in enumerate(cells)]
    path = workbook(tmp_path / "w.xlsx", ["名称", "经度", "纬度", "常住人口"], *rows)
    code, _, err = bring(capsys, folder, path, "villages", "--crs", "EPSG:4326")
    assert code == 0
    people = layer(folder, "villages").set_index("name_zh")["persons"]
    assert [people[f"{i}村"] for i in range(5)] == [12_000, 3500, 2000, 1200, 1200]
    assert people[["5村", "6村"]].isna().all()
    assert "row 6 (5村): persons '100-200' is a range: left empty" in err
    assert "persons '40户' is in '户', not in persons: left empty" in err


def test_a_head_that_names_a_unit_is_the_same_column(folder, tmp_path, capsys):
    path = deliver(tmp_path / "p.geojson", [square()], 名称=["园"], **{"面积（亩）": [150]})
    assert bring(capsys, folder, path)[0] == 0
    assert layer(folder)["area_ha_published"].tolist() == [pytest.approx(10)]


def test_demand_is_read_with_its_units_and_a_bad_cell_is_named(tmp_path):
    from urbanplan.study.streets import numbers

    path = tmp_path / "d.csv"
    path.write_text("ID,lon,lat,人口(千人)\n510502,10,50,1.2\n510503,10,50,2万\n", "utf-8")
    amount = numbers(read(path), "人口(千人)")
    assert amount.to_dict() == {"510502": 1200, "510503": 20_000}
    path.write_text("ID,lon,lat,pop\n510502,10,50,1\n510503,10,50,5户\n", "utf-8")
    with pytest.raises(InputError, match=r"'pop' of '510503' \(row 2\) is not a number: '5户'"):
        numbers(read(path), "pop")


@pytest.mark.parametrize("name", ["ID", "id", "OBJECTID", "fid", "stop_id"])
def test_ids_in_any_case_are_ids(tmp_path, name):
    path = tmp_path / "p.csv"
    path.write_text(f"{name},lon,lat\n510502,10,50\n510503,10,50\n", "utf-8")
    assert list(read(path)["id"]) == ["510502", "510503"]


def test_numbered_rows_are_said(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("town,lon,lat\na,10,50\nb,,\n", "utf-8")
    frame = read(path)
    notes = frame.attrs["findings"]
    assert list(frame["id"]) == ["1"]
    assert any("rows are called by their number" in note for note in notes)
    assert any("1 of 2 rows have no place and are left out: row 2 (2)" in note for note in notes)


def test_properties_of_several_kinds(tmp_path):
    values = [5, "5 m", None, True, [1, 2], {"a": 1}, "2024-01-01", "{"]
    shape = shapely.geometry.mapping(shapely.Point(1, 2))
    rows = [
        {"type": "Feature", "properties": {"v": v, "n": "x"}, "geometry": shape} for v in values
    ]
    path = tmp_path / "m.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), "utf-8")
    got = read_delivery(path).frame
    assert got["v"].tolist() == [5, "5 m", None, True, "[1, 2]", '{"a": 1}', "2024-01-01", "{"]
    assert got["n"].tolist() == ["x"] * 8 and set(got.geometry) == {shapely.Point(1, 2)}


def dbf(path, fields, rows):
    """A .dbf of text fields: names and cells are bytes."""
    width = 10
    header = 32 + 32 * len(fields) + 1
    raw = bytes([3, 124, 1, 1]) + len(rows).to_bytes(4, "little") + header.to_bytes(2, "little")
    raw += (1 + width * len(fields)).to_bytes(2, "little") + bytes(20)
    for field in fields:
        raw += field.ljust(11, b"\0") + b"C" + bytes(4) + bytes([width]) + bytes(15)
    raw += b"\r" + b"".join(b" " + b"".join(c.ljust(width) for c in row) for row in rows) + b"\x1a"
    path.write_bytes(raw)


@pytest.fixture
def shapefile(tmp_path):
    deliver(tmp_path / "s.shp", points(), name=["a", "b"])
    (tmp_path / "s.cpg").unlink()
    return tmp_path / "s.shp"


def test_two_fields_of_one_name_are_both_kept(shapefile):
    dbf(
        shapefile.with_suffix(".dbf"),
        [b"name", b"name", b"name_1"],
        [[b"a", b"b", b"c"], [b"d", b"e", b"f"]],
    )
    got = read_delivery(shapefile)
    assert {c: got.frame[c].tolist() for c in got.frame.columns if c != "geometry"} == {
        "name": ["a", "d"], "name_2": ["b", "e"], "name_1": ["c", "f"],
    }  # fmt: skip
    assert any("two fields are called 'name': the later is 'name_2' here" in n for n in got.notes)


@pytest.mark.parametrize("encoding", [None, "gbk"])
def test_a_letter_that_a_field_cut_costs_that_letter(shapefile, encoding):
    cells = [["泸州市".encode("gbk")[:5]], ["忠山公园".encode("gbk")]]
    dbf(shapefile.with_suffix(".dbf"), [b"name"], [[c.ljust(5) for c in row] for row in cells])
    raw = (
        shapefile.with_suffix(".dbf")
        .read_bytes()
        .replace(cells[0][0] + b" " * 5, b" " * 5 + cells[0][0])
    )
    shapefile.with_suffix(".dbf").write_bytes(raw)
    got = read_delivery(shapefile, encoding=encoding)
    assert [t.strip() for t in got.frame["name"]] == ["泸州", "忠山公园"]
    assert any("in the middle of a letter" in n and "row 1, name" in n for n in got.notes)


@pytest.mark.parametrize(
    ("said", "real"),
    [
        ("GBK", "utf-8"),
        ("UTF-8", "gbk"),
        ("ISO-8859-1", "utf-8"),
        ("ISO-8859-1", "gbk"),
        ("1252", "gbk"),
        ("936", "utf-8"),
    ],
)
def test_a_cpg_that_contradicts_the_bytes_is_not_believed(shapefile, said, real):
    names = ["忠山公园", "滨江路"]
    dbf(shapefile.with_suffix(".dbf"), ["名称".encode(real)], [[n[:3].encode(real)] for n in names])
    shapefile.with_suffix(".cpg").write_text(said)
    got = read_delivery(shapefile)
    assert got.frame["名称"].tolist() == ["忠山公", "滨江路"]
    assert any("its .cpg is wrong" in note for note in got.notes)


@pytest.mark.parametrize("name", ["Größe", "Bäder Süd", "Café Été", "Ærø Å"])
def test_a_cpg_that_is_right_is_believed(shapefile, name):
    dbf(shapefile.with_suffix(".dbf"), [b"name"], [[name.encode("latin-1")], [b"plain"]])
    shapefile.with_suffix(".cpg").write_text("ISO-8859-1")
    assert read_delivery(shapefile).frame["name"].tolist() == [name, "plain"]


def test_one_bad_byte_costs_that_line_not_the_table(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{i},公园{i},10,50\n" for i in range(300)).encode("gb18030")
    path.write_bytes(b"id,name,lon,lat\n" + rows + "300,园".encode("gb18030") + b"\xff\xff,10,50\n")
    got = read_delivery(path)
    assert len(got.frame) == 301 and got.frame["name"].iloc[7] == "公园7"
    assert any("none in line 302" in note for note in got.notes)


def test_a_formula_without_a_result_is_said(folder, tmp_path, capsys):
    path = workbook(
        tmp_path / "f.xlsx",
        ["名称", "经度", "纬度", "床位"],
        ["甲院", LON, LAT, "=50*2"],
        ["乙院", LON, LAT, 200],
    )
    code, _, err = bring(capsys, folder, path, "hospitals", "--crs", "EPSG:4326")
    assert code == 0 and "1 formula has no stored result and was read as empty: D2" in err
    assert "open it in Excel and save it" in err
    places = workbook(tmp_path / "g.xlsx", ["名称", "经度", "纬度"], ["甲院", "=100+5", "=20+8"])
    with pytest.raises(InputError, match=r"formulas without a stored result: B2, C2"):
        read_delivery(places)


def test_errors_of_excel_are_empty_and_said(tmp_path):
    path = workbook(
        tmp_path / "e.xlsx", ["名称", "经度", "纬度", "床位"], ["甲院", LON, LAT, "#REF!"]
    )
    got = read_delivery(path)
    assert got.frame["床位"].tolist() == [None] and any(
        "1 cell holds an error" in n for n in got.notes
    )


def test_decimal_commas_between_semicolons(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("id;lon;lat;pop\na;10,25;50,5;1,5\n", "utf-8")
    got = read(path)
    assert (got.geometry[0].x, got.geometry[0].y, got["pop"][0]) == (10.25, 50.5, 1.5)


def test_stops_of_a_timetable(tmp_path):
    path = tmp_path / "stops.txt"
    path.write_text("stop_id,stop_name,stop_lat,stop_lon\nS1,Markt,50.5,10.25\n", "utf-8")
    (row,) = read(path).itertuples()
    assert (row.id, row.geometry.x, row.geometry.y) == ("S1", 10.25, 50.5)


@pytest.mark.parametrize("text", [False, True])
def test_wkb_in_a_plain_parquet(tmp_path, text):
    shapes = shapely.to_wkb(points(), hex=text)
    pd.DataFrame({"name": ["a", "b"], "geometry": shapes}).to_parquet(tmp_path / "w.parquet")
    got = read_delivery(tmp_path / "w.parquet")
    assert list(got.frame.geometry) == points() and got.frame.crs is None


def test_lists_records_and_missing_numbers_of_parquet_are_plain_cells(tmp_path):
    table = pd.DataFrame({"lon": [1.0, 2.0], "lat": [3.0, 4.0], "n": pd.array([1, None], "Int64"), "l": [[1, 2], None], "c": pd.Categorical(["a", None])})  # fmt: skip
    table.to_parquet(tmp_path / "t.parquet")
    got = read_delivery(tmp_path / "t.parquet").frame
    assert got["n"].tolist() == [1, None] and got["l"].tolist() == [[1, 2], None]
    assert got["c"].tolist() == ["a", None]
    assert read(tmp_path / "t.parquet")["l"].tolist() == ["[1, 2]", None]


# Rasters.


def test_ascii_grids_and_netcdf_are_rasters(tmp_path):
    (tmp_path / "g.asc").write_text(
        "ncols 2\nnrows 2\nxllcorner 10\nyllcorner 50\ncellsize 0.5\nNODATA_value -9999\n1 2\n3 -9999\n"
    )
    found = read_raster(tmp_path / "g.asc")
    assert found.crs is None and np.array_equal(found.band, [[1, 2], [3, np.nan]], equal_nan=True)
    assert read_raster(f"{tmp_path / 'g.asc'}|crs=EPSG:4326").crs == "EPSG:4326"
    with netcdf_file(tmp_path / "g.nc", "w") as sink:
        for name, values in (("lat", [50.75, 50.25]), ("lon", [10.25, 10.75])):
            sink.createDimension(name, 2)
            sink.createVariable(name, "f8", (name,))[:] = values
            sink.variables[name].units = "degrees_north" if name == "lat" else "degrees_east"
        for name in ("people", "other"):
            sink.createVariable(name, "f4", ("lat", "lon"))[:] = [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="has 2 variables"):
        read_raster(tmp_path / "g.nc")
    assert read_raster(f"{tmp_path / 'g.nc'}|layername=people").band.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="are not read as rasters"):
        read_raster(deliver(tmp_path / "p.geojson", points()))


def test_streets_are_read_from_every_format_that_places_are(tmp_path):
    line = shapely.LineString([(9.99, 50), (10.01, 50)])
    frame = gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[line], crs=4326)
    frame.to_file(tmp_path / "s.shp")
    assert read_streets(tmp_path / "s.shp").ways == 1


# Nothing is lost in silence.

CELLS = st.one_of(
    st.none(), st.sampled_from(["甲", "合计", "1.2万", "", "#REF!"]), st.integers(0, 9), st.floats()
)
SHAPES = st.sampled_from(
    [None, shapely.Point(), shapely.Point(LON, LAT), shapely.Point(LON + 0.01, LAT), shapely.Point(9, 9), square(),
     shapely.LineString([(LON, LAT), (LON + 0.01, LAT)]), shapely.Point(LON, LAT, 7)]
)  # fmt: skip


@settings(max_examples=25)
@given(st.lists(st.tuples(CELLS, CELLS, SHAPES), min_size=1, max_size=6))
def test_every_row_is_a_feature_or_said_to_be_left_out(empty_city, tmp_path, rows):
    from urbanplan.city.ingest import bring as take
    from urbanplan.city.profile import load_city
    from urbanplan.city.repair import Worth

    folder = tmp_path / "again"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(empty_city, folder)
    features = [
        {"type": "Feature", "properties": {"名称": a, "床位": None if b != b else b},
         "geometry": None if s is None else shapely.geometry.mapping(s)}
        for a, b, s in rows
    ]  # fmt: skip
    path = tmp_path / "rows.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    worth = Worth("existing", "derived", 5.0, "s", "l", "2024")
    delivery = read_delivery(path)
    try:
        report = take(load_city(folder), delivery, "hospitals", worth, day="2024-01-01")
    except (InputError, CrsError):
        # Nothing of it is taken, and the reason is said.
        return
    dropped = [f for f in report.repaired if f.rule == "duplicate"]
    totals = sum(int(n.split()[0]) for n in report.notes if "of totals left out" in n)
    assert report.rows_in == len(rows)
    assert report.rows_in == report.rows_out + len(report.refused) + len(dropped) + totals
    assert len(pyogrio.read_dataframe(report.path)) == report.rows_out
