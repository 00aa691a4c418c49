"""Deliveries: real districts of China come back the same from every format that planners have."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

import deliveredfiles
from urbanplan.errors import InputError, MissingFileError
from urbanplan.files import DELIVERY_DRIVERS, read_delivery
from urbanplan.files.cells import coordinate_columns

AREAS = [*["geojson", "gpkg", "shp", "fgb", "parquet", "gdb", "zip"]]
DRIVERS = {
    "geojson": "GeoJSON",
    "gpkg": "GPKG",
    "shp": "ESRI Shapefile",
    "kml": "KML",
    "kmz": "KML",
    "dxf": "DXF",
    "fgb": "FlatGeobuf",
    "parquet": "GeoParquet",
    "csv": "CSV",
    "xlsx": "XLSX",
    "gdb": "OpenFileGDB",
    "zip": "ESRI Shapefile",
}


@pytest.fixture(scope="module")
def truth():
    return deliveredfiles.districts().set_index("代码")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return deliveredfiles.write(tmp_path_factory.mktemp("deliveries"))


@pytest.mark.parametrize("kind", AREAS)
def test_areas_come_back_with_all_that_they_had(real, truth, kind):
    found = read_delivery(real[kind])
    frame = found.frame.set_index("代码").loc[truth.index]
    assert found.driver == DRIVERS[kind] and found.path == real[kind] and found.layer is None
    assert found.crs_from == "file" and frame.crs.to_epsg() == 4490
    assert list(frame["名称"]) == list(truth["名称"])
    assert list(frame["人口"]) == [1000, 2000, 3000, 4000]
    assert list(frame["面积"]) == [1.5, 2.5, 3.5, 4.5]
    between = shapely.symmetric_difference(np.asarray(frame.geometry), np.asarray(truth.geometry))
    assert (shapely.area(between) < 1e-9).all()


@pytest.mark.parametrize("kind", ["kml", "kmz"])
def test_placemarks_come_back_in_wgs84(real, truth, kind):
    found = read_delivery(real[kind])
    assert (found.driver, found.crs_from, found.frame.crs.to_epsg()) == ("KML", "format", 4326)
    assert list(found.frame["Name"]) == list(truth["名称"])
    assert list(found.frame["人口"]) == [1000, 2000, 3000, 4000]
    assert list(found.frame["代码"]) == list(truth.index)
    area = found.frame.geometry.apply(lambda g: max(p.area for p in g.geoms))
    most = truth.geometry.apply(lambda g: max(p.area for p in g.geoms))
    # KML holds the outer ring only, so a hole would make the difference.
    assert (area.to_numpy() >= most.to_numpy() - 1e-9).all()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_tables_become_points_of_no_known_system(real, truth, kind):
    found = read_delivery(real[kind])
    frame = found.frame.set_index("代码").loc[truth.index]
    assert (found.driver, found.crs_from, found.frame.crs) == (DRIVERS[kind], "", None)
    assert frame.geometry.within(truth.geometry.set_crs(None, allow_override=True)).all()
    assert "coordinates taken from 经度, 纬度" in found.notes


def test_drawings_have_lines_and_no_system(real, truth):
    found = read_delivery(real["dxf"])
    assert (found.driver, found.crs_from, found.frame.crs) == ("DXF", "", None)
    drawn = shapely.union_all(np.asarray(found.frame.geometry))
    outlines = shapely.boundary(np.asarray(truth.geometry))
    assert drawn.hausdorff_distance(shapely.union_all(outlines)) < 1e-9


def test_hashes_are_of_the_bytes(real, tmp_path):
    assert read_delivery(real["csv"]).sha256 == (
        hashlib.sha256(real["csv"].read_bytes()).hexdigest()
    )
    first = read_delivery(real["shp"]).sha256
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for ending in deliveredfiles.SIDES:
        shutil.copyfile(real["shp"].with_suffix(ending), folder / f"区县{ending}")
    assert read_delivery(folder / "区县.shp").sha256 == first
    with open(folder / "区县.dbf", "ab") as f:
        f.write(b" ")
    assert read_delivery(folder / "区县.shp").sha256 != first
    gdb = shutil.copytree(real["gdb"], tmp_path / "区县.gdb")
    assert read_delivery(gdb).sha256 == read_delivery(real["gdb"]).sha256
    (gdb / "x.lock").write_text("")
    assert read_delivery(gdb).sha256 == read_delivery(real["gdb"]).sha256


def test_what_is_missing_or_unknown_is_said_with_a_way_out(tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        read_delivery(tmp_path / "a.shp")
    with pytest.raises(MissingFileError, match="no such folder"):
        read_delivery(tmp_path / "a.gdb")
    (tmp_path / "a.gdb").write_text("x")
    with pytest.raises(InputError, match="not a folder"):
        read_delivery(tmp_path / "a.gdb")
    for name, way in [("a.xls", "xlsx"), ("a.dwg", "dxf"), ("a.rar", "zip"), ("a.dbf", "shp")]:
        with pytest.raises(InputError, match=rf"→ .*\.{way}"):
            read_delivery(tmp_path / name)
    with pytest.raises(InputError, match="use one of"):
        read_delivery(tmp_path / "a.txt~")
    assert set(DELIVERY_DRIVERS.values()) >= {"GeoJSON", "XLSX", "OpenFileGDB"}


class TestShapefile:
    """Shapefiles as they are really sent: incomplete, and in an encoding nobody wrote down."""

    def copy(self, real, folder, *endings) -> Path:
        for ending in (".shp", *endings):
            shutil.copyfile(real["shp"].with_suffix(ending), folder / f"a{ending}")
        return folder / "a.shp"

    def test_gbk_is_found_out(self, real, tmp_path, truth):
        found = read_delivery(self.copy(real, tmp_path, ".shx", ".dbf", ".prj"))
        assert list(found.frame["名称"]) == list(truth["名称"])
        assert "text was read as GB18030 (it has no .cpg)" in found.notes

    def test_utf8_is_found_out(self, tmp_path, truth):
        pyogrio.write_dataframe(truth.reset_index(), tmp_path / "a.shp", encoding="UTF-8")
        (tmp_path / "a.cpg").unlink()
        found = read_delivery(tmp_path / "a.shp")
        assert list(found.frame["名称"]) == list(truth["名称"])
        assert "text was read as UTF-8 (it has no .cpg)" in found.notes

    @pytest.mark.parametrize("said", ["UTF-8", "65001", "Big5-HKSCS-none", "", "\x00\xff", "idna"])
    def test_a_cpg_that_is_wrong_is_not_believed(self, real, tmp_path, truth, said):
        path = self.copy(real, tmp_path, ".shx", ".dbf", ".prj")
        (tmp_path / "a.cpg").write_text(said, encoding="latin-1")
        found = read_delivery(path)
        assert list(found.frame["名称"]) == list(truth["名称"])
        assert any(note.startswith("text was read as GB18030") for note in found.notes)

    @pytest.mark.parametrize("said", ["GBK", "936", "ANSI 936", "CP936", "GB2312", "gb18030"])
    def test_a_cpg_that_is_right_is_believed(self, real, tmp_path, truth, said):
        path = self.copy(real, tmp_path, ".shx", ".dbf", ".prj")
        (tmp_path / "a.cpg").write_text(said)
        found = read_delivery(path)
        assert list(found.frame["名称"]) == list(truth["名称"]) and found.notes == ()

    def test_an_encoding_that_is_named_is_kept_to(self, real, tmp_path, truth):
        path = self.copy(real, tmp_path, ".shx", ".dbf", ".prj")
        assert list(read_delivery(path, encoding="gbk").frame["名称"]) == list(truth["名称"])
        with pytest.raises(InputError, match=r"not UTF-8 .*--encoding"):
            read_delivery(path, encoding="utf-8")
        with pytest.raises(InputError, match="no encoding called 'klingon'"):
            read_delivery(path, encoding="klingon")

    def test_text_cut_in_the_middle_of_a_letter_is_kept_up_to_it(self, tmp_path):
        frame = gpd.GeoDataFrame(
            {"name": ["江" * 100, "短"]}, geometry=shapely.points([[1, 2], [3, 4]]), crs=4490
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio.write_dataframe(frame, tmp_path / "a.shp", encoding="UTF-8")
        data = (
            (tmp_path / "a.dbf").read_bytes().replace("江".encode() * 84, b"x" + "江".encode() * 84)
        )
        (tmp_path / "a.dbf").write_bytes(data[: len((tmp_path / "a.dbf").read_bytes())])
        found = read_delivery(tmp_path / "a.shp")
        assert set(found.frame["name"].iloc[0]) <= {"x", "江"}

    def test_what_is_missing_is_noted(self, real, tmp_path, truth):
        found = read_delivery(self.copy(real, tmp_path))
        assert found.frame.crs is None and found.crs_from == ""
        assert found.notes[:3] == (
            "its .shx is missing and was worked out from the .shp",
            "its .dbf is missing: no columns",
            "its .prj is missing: no coordinate system",
        )
        area = found.frame.geometry.set_axis(truth.index).symmetric_difference(
            truth.geometry.set_crs(None, allow_override=True)
        )
        assert (area.area < 1e-9).all()
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.shp"]

    def test_endings_in_capitals_are_found(self, real, tmp_path, truth):
        for ending in deliveredfiles.SIDES:
            shutil.copyfile(real["shp"].with_suffix(ending), tmp_path / f"A{ending.upper()}")
        found = read_delivery(tmp_path / "A.SHP")
        assert list(found.frame["名称"]) == list(truth["名称"])
        assert found.frame.crs.to_epsg() == 4490

    def test_rows_marked_as_deleted_are_counted(self, real, tmp_path):
        path = self.copy(real, tmp_path, ".shx", ".dbf", ".prj", ".cpg")
        data = bytearray((tmp_path / "a.dbf").read_bytes())
        data[int.from_bytes(data[8:10], "little")] = ord("*")
        (tmp_path / "a.dbf").write_bytes(data)
        found = read_delivery(path)
        assert len(found.frame) == 3
        assert "1 of 4 rows are marked as deleted and were not read" in found.notes

    def test_a_system_that_cannot_be_understood_is_left_out(self, real, tmp_path):
        path = self.copy(real, tmp_path, ".shx", ".dbf", ".cpg")
        (tmp_path / "a.prj").write_text("GEOGCS[broken")
        found = read_delivery(path)
        assert found.frame.crs is None and any("cannot be understood" in n for n in found.notes)


class TestLayers:
    """Files with several layers are read only if one is named."""

    @pytest.fixture
    def several(self, truth, tmp_path):
        frame = truth.reset_index()
        for name, driver in (("a.gpkg", "GPKG"), ("a.gdb", "OpenFileGDB")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for layer, rows in (("区县", frame), ("part", frame.head(1))):
                    pyogrio.write_dataframe(
                        rows,
                        tmp_path / name,
                        layer=layer,
                        driver=driver,
                        append=(tmp_path / name).exists(),
                    )
        return tmp_path

    @pytest.mark.parametrize("name", ["a.gpkg", "a.gdb"])
    def test_they_are_listed_with_their_counts(self, several, name):
        with pytest.raises(InputError) as caught:
            read_delivery(several / name)
        assert "layername=NAME: 区县 (4 features), part (1 feature)" in (str(caught.value))
        with pytest.raises(InputError, match=r"has no layer 'x' → .*区县"):
            read_delivery(several / name, layer="x")

    @pytest.mark.parametrize("name", ["a.gpkg", "a.gdb"])
    def test_one_is_read_and_the_rest_noted(self, several, name):
        found = read_delivery(several / name, layer="part")
        assert found.layer == "part" and len(found.frame) == 1
        assert "layers not read: 区县 (4 features)" in found.notes

    def test_a_table_without_geometry_is_no_rival(self, truth, tmp_path):
        path = tmp_path / "a.gpkg"
        pyogrio.write_dataframe(truth.reset_index(), path, layer="区县")
        styles = pd.DataFrame({"style": ["x"]})
        pyogrio.write_dataframe(styles, path, layer="layer_styles", append=True)
        found = read_delivery(path)
        assert found.layer == "区县" and len(found.frame) == 4
        assert "layers not read: layer_styles (1 feature, no geometry)" in found.notes
        table = read_delivery(path, layer="layer_styles")
        assert list(table.frame["style"]) == ["x"] and table.frame.geometry.isna().all()

    def test_an_archive_of_several_is_listed_and_read_by_name(self, real, several):
        sides = [real["shp"].with_suffix(e) for e in deliveredfiles.SIDES]
        members = {f"一/{p.name}": p for p in sides}
        members |= {f"二/规划{p.suffix}": p for p in sides}
        members |= {"表/a.gpkg": several / "a.gpkg", "说明.txt": b"x"}
        path = deliveredfiles.pack(several / "a.zip", members, "gbk")
        with pytest.raises(InputError) as caught:
            read_delivery(path)
        said = str(caught.value)
        assert "holds 3 layers" in said and "区县 (4 features)" in said
        assert "规划 (4 features)" in said and "a with the layers 区县 (4 features)" in said
        assert str(several / "a.zip") in said and "/tmp/urbanplan-" not in said
        found = read_delivery(path, layer="规划")
        assert (found.layer, found.driver, len(found.frame)) == ("规划", "ESRI Shapefile", 4)
        assert "names of members were read as GB18030" in found.notes
        inner = read_delivery(path, layer="a/part")
        assert (inner.layer, inner.driver, len(inner.frame)) == ("a/part", "GPKG", 1)
        with pytest.raises(InputError, match=r"a\.zip \(表/a\.gpkg\): has 2 layers"):
            read_delivery(path, layer="a")

    def test_a_zipped_geodatabase_is_read(self, real, truth, tmp_path):
        members = {f"资料/区县.gdb/{p.name}": p for p in real["gdb"].iterdir()}
        found = read_delivery(deliveredfiles.pack(tmp_path / "a.zip", members))
        assert found.driver == "OpenFileGDB"
        assert sorted(found.frame["名称"]) == sorted(truth["名称"])

    def test_kml_folders_are_layers(self, tmp_path):
        mark = "<Placemark><Point><coordinates>{}</coordinates></Point></Placemark>"
        folders = [f"<Folder><name>{n}</name>{mark.format(c)}</Folder>" for n, c in FOLDERS]
        path = tmp_path / "a.kml"
        path.write_text(f"<kml><Document>{''.join(folders)}</Document></kml>", encoding="utf-8")
        with pytest.raises(InputError, match=r"甲 \(1 feature\), 乙 \(1 feature\), 甲 \(2\)"):
            read_delivery(path)
        assert read_delivery(path, layer="甲 (2)").frame.geometry[0] == shapely.Point(5, 6)

    def test_sheets_are_layers_where_they_have_coordinates(self, tmp_path):
        path = tmp_path / "a.xlsx"
        table = pd.DataFrame({"lon": [1.0, None], "lat": [2.0, 3.0]})
        with pd.ExcelWriter(path) as book:
            pd.DataFrame({"说明": ["x"]}).to_excel(book, sheet_name="封面", index=False)
            table.to_excel(book, sheet_name="公园", index=False, startrow=2)
        found = read_delivery(path)
        assert found.layer == "公园" and len(found.frame) == 2
        assert "1 row without coordinates: row 2" in found.notes
        assert "2 rows above the header were skipped" in found.notes
        with pd.ExcelWriter(path, mode="a") as book:
            table.to_excel(book, sheet_name="学校", index=False)
        with pytest.raises(InputError, match=r"公园 \(2 features\), 学校 \(2 features\)"):
            read_delivery(path)
        assert read_delivery(path, layer="学校").layer == "学校"

    @pytest.mark.parametrize("kind", ["csv", "dxf", "parquet", "shp", "geojson"])
    def test_a_layer_that_is_not_there_is_refused(self, real, kind):
        with pytest.raises(InputError, match="no layer 'x'"):
            read_delivery(real[kind], layer="x")


FOLDERS = [("甲", "1,2"), ("乙", "3,4"), ("甲", "5,6")]


class TestText:
    """Encodings and separators of text formats."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
    def test_geojson(self, tmp_path, encoding):
        path = tmp_path / "a.geojson"
        path.write_text(
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
            '{"名称":"叙永县"},"geometry":{"type":"Point","coordinates":[105,28]}}]}',
            encoding=encoding,
        )
        found = read_delivery(path)
        assert found.frame["名称"][0] == "叙永县" and found.crs_from == "format"
        assert found.frame.crs.to_epsg() == 4326

    @pytest.mark.parametrize("encoding", ["utf-8", "gbk", "utf-16"])
    def test_kml(self, tmp_path, encoding):
        path = tmp_path / "a.kml"
        path.write_text(
            f'<?xml version="1.0" encoding="{encoding}"?><kml><Placemark><name>叙永县</name>'
            "<LineString><coordinates>105,28,0 106 , 29,1\n</coordinates></LineString>"
            "</Placemark></kml>",
            encoding=encoding,
        )
        found = read_delivery(path)
        assert found.frame["Name"][0] == "叙永县"
        assert found.frame.geometry[0].has_z and found.frame.geometry[0].length > 1

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_csv(self, tmp_path, encoding, separator, end):
        path = tmp_path / "a.csv"
        rows = [["名称", "lon", "lat"], ["叙永县", "105.4", "28.2"], ['"泸, 县"', "105.4", "29"]]
        text = end.join(separator.join(row) for row in rows) + end
        path.write_bytes(text.encode(encoding))
        found = read_delivery(path)
        assert list(found.frame["名称"]) == ["叙永县", "泸, 县"]
        assert found.frame.geometry[0] == shapely.Point(105.4, 28.2)
        assert any("GB18030" in n for n in found.notes) == encoding.startswith("gb")

    @pytest.mark.parametrize("version", ["AC1015", "AC1021"])
    @pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
    def test_dxf(self, tmp_path, version, encoding):
        path = tmp_path / "a.dxf"
        path.write_text(
            f"0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\n{version}\n9\n$DWGCODEPAGE\n3\nANSI_936\n"
            "0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nPOINT\n8\n道路中线\n10\n500000\n20\n3200000\n"
            "0\nENDSEC\n0\nEOF\n",
            encoding=encoding,
        )
        assert list(read_delivery(path).frame["Layer"]) == ["道路中线"]


class TestTables:
    """Which columns place a row."""

    @pytest.mark.parametrize(
        "names, chosen",
        [
            (("name", "lon", "lat"), ("lon", "lat")),
            (("Lng", "Lat"), ("Lng", "Lat")),
            (("LONGITUDE", "LATITUDE"), ("LONGITUDE", "LATITUDE")),
            (("经度", "纬度"), ("经度", "纬度")),
            (("经度(°)", "纬度（度）"), ("经度(°)", "纬度（度）")),
            (("东坐标", "北坐标"), ("东坐标", "北坐标")),
            (("X", "Y"), ("X", "Y")),
            (("X坐标(m)", "Y坐标(m)"), ("X坐标(m)", "Y坐标(m)")),
            (("POINT_X", "POINT_Y"), ("POINT_X", "POINT_Y")),
            (("x", "y", "lon", "lat"), ("lon", "lat")),
            (("wgs84_lng", "wgs84_lat"), ("wgs84_lng", "wgs84_lat")),
            (("gcj02经度", "gcj02纬度"), ("gcj02经度", "gcj02纬度")),
            (("lon", "lat", "WKT"), ("WKT",)),
            (("geom",), ("geom",)),
            (("location", "name"), ("location",)),
            (("name", "lat"), ()),
            (("latitude", "x"), ()),
        ],
    )
    def test_they_are_known_by_name(self, names, chosen):
        assert coordinate_columns(names) == chosen

    def read(self, tmp_path, text):
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="utf-8")
        return read_delivery(path)

    def test_wkt_becomes_geometry(self, tmp_path):
        big = shapely.Point(0, 0).buffer(1, quad_segs=3000)
        rows = f'a,"{big.wkt}"\nb,SRID=4326;POINT (1 2)\nc,\nd,POINT (1\n'
        found = self.read(tmp_path, "n,wkt\n" + rows)
        assert found.frame.geometry[0].equals(shapely.from_wkt(big.wkt))
        assert found.frame.geometry[1] == shapely.Point(1, 2) and "wkt" not in found.frame
        assert "1 rows have geometry that is neither WKT nor WKB: row 4" in found.notes
        assert "2 rows without coordinates: c, d" in found.notes

    def test_one_column_with_both_numbers(self, tmp_path):
        found = self.read(tmp_path, 'name,location\na,"105.44,28.87"\nb,105.5，28.9\nc,\n')
        assert found.frame.geometry[0] == shapely.Point(105.44, 28.87)
        assert found.frame.geometry[1] == shapely.Point(105.5, 28.9)
        assert found.frame.geometry[2] is None

    def test_a_northing_called_x_is_known_for_one(self, tmp_path):
        found = self.read(tmp_path, "X,Y\n3194000.5,35541000.25\n3195000,35542000\n")
        assert found.frame.geometry[0] == shapely.Point(35541000.25, 3194000.5)
        assert "X holds the northing and Y the easting; swapped" in found.notes
        straight = self.read(tmp_path, "X,Y\n541000,3194000\n")
        assert straight.frame.geometry[0] == shapely.Point(541000, 3194000)

    def test_codes_stay_text_and_numbers_become_numbers(self, tmp_path):
        found = self.read(
            tmp_path,
            "lon,lat,code,n,f,mixed,big,empty\n1,2,007,5,1.5,3,12345678901234567890,\n"
            "1,2,012,6,,x,1,\n",
        )
        frame = found.frame
        assert list(frame["code"]) == ["007", "012"] and list(frame["n"]) == [5, 6]
        assert frame["f"].dtype == "float64" and list(frame["mixed"]) == ["3", "x"]
        assert list(frame["big"]) == ["12345678901234567890", "1"]

    def test_no_coordinates_at_all_are_refused_with_the_names(self, tmp_path):
        with pytest.raises(InputError, match=r"no coordinate columns \(it has name, 地址\)"):
            self.read(tmp_path, "name,地址\na,b\n")
        with pytest.raises(InputError, match="no row with coordinates in lon and lat"):
            self.read(tmp_path, "lon,lat\na,b\n")

    def test_titles_above_the_header_are_skipped(self, tmp_path):
        found = self.read(tmp_path, "公园名录,,\n,,\n名称,lon,lat\na,105,28\n")
        assert list(found.frame["名称"]) == ["a"]
        assert "2 rows above the header were skipped" in found.notes

    def test_a_column_called_geometry_beside_one(self, tmp_path):
        path = tmp_path / "a.geojson"
        path.write_text(
            '{"type":"Feature","properties":{"geometry":"round"},"geometry":{"type":"Point",'
            '"coordinates":[1,2]}}'
        )
        found = read_delivery(path)
        assert list(found.frame["geometry_1"]) == ["round"]
        assert "the column 'geometry' is called 'geometry_1' here" in found.notes

    def test_excel_keeps_types_and_formulas_give_their_last_value(self, tmp_path):
        book = openpyxl.Workbook()
        for row in (["lon", "lat", "编号", "n", None], [105.5, 28, "007", 5], [None, 28, "x", 6]):
            book.active.append(row)
        book.save(tmp_path / "a.xlsx")
        frame = read_delivery(tmp_path / "a.xlsx").frame
        assert list(frame["编号"]) == ["007", "x"] and list(frame["n"]) == [5, 6]
        assert frame.geometry[0] == shapely.Point(105.5, 28) and frame.geometry[1] is None

    @pytest.mark.parametrize("ending", ["xlsx", "csv"])
    @pytest.mark.parametrize(
        ("head", "merged", "names"),
        [
            # Over two columns, and with a title above.
            ([["医院一览表"], ["名称", "位置", None, "床位"], [None, "经度", "纬度"]], ["B2:C2"], ["名称", "经度", "纬度", "床位"]),
            # Downwards, under a word that is known as a column of both coordinates.
            ([["名称", "坐标", None, "床位"], [None, "经度", "纬度"]], ["A1:A2", "B1:C1", "D1:D2"], ["名称", "经度", "纬度", "床位"]),
            # The coordinates stand in the upper row already.
            ([["名称", "经度", "纬度", "床位", None], [None, None, None, "编制", "开放"]], ["D1:E1"], ["名称", "经度", "纬度", "编制", "开放"]),
        ],
    )  # fmt: skip
    def test_a_head_in_two_rows_is_one(self, tmp_path, head, merged, names, ending):
        rows = [["甲", 105.3, 28.8, 100, 90], ["乙", 105.4, 28.9, 200, None]]
        rows = [row[: len(names)] for row in rows]
        if ending == "xlsx":
            book = openpyxl.Workbook()
            for row in [*head, *rows]:
                book.active.append(row)
            for cells in merged:
                book.active.merge_cells(cells)
            book.save(tmp_path / "a.xlsx")
        else:
            wide = [[*row, *[None] * (len(names) - len(row))] for row in [*head, *rows]]
            text = pd.DataFrame(wide).to_csv(index=False, header=False)
            (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        found = read_delivery(tmp_path / f"a.{ending}")
        assert list(found.frame.columns) == [*names, "geometry"]
        assert list(found.frame["名称"]) == ["甲", "乙"] and found.frame[names[3]].sum() == 300
        assert "the head stands in two rows: they were read as one" in found.notes

    @pytest.mark.parametrize(
        "rows",
        [
            # A title of two cells over a head without gaps.
            [["公园名录", "", "", "2024年"], ["名称", "lon", "lat", "面积"], ["a", 105, 28, 1]],
            # A first row that has no place, though it has words only.
            [["名称", "lon", "lat", "备注"], ["a", "", "", "在建"], ["b", 105, 28, "x"]],
        ],
    )
    def test_what_is_no_second_row_of_a_head_is_not_taken_for_one(self, tmp_path, rows):
        text = "\n".join(",".join(map(str, row)) for row in rows)
        found = self.read(tmp_path, text + "\n")
        assert list(found.frame.columns)[:3] == ["名称", "lon", "lat"]
        assert "a" in list(found.frame["名称"]) and "the head stands" not in " ".join(found.notes)

    def test_columns_without_a_name_are_kept_if_they_are_filled(self, tmp_path):
        book = openpyxl.Workbook()
        for row in (["lon", None, "lat", "n"], [105, None, 28, 1, None, "x"], [106, None, 29, 2]):
            book.active.append(row)
        book.save(tmp_path / "a.xlsx")
        frame = read_delivery(tmp_path / "a.xlsx").frame
        assert list(frame.columns) == ["lon", "lat", "n", "column 6", "geometry"]

    def test_rows_without_a_place_are_named(self, tmp_path):
        rows = "".join(f"{i},{name},,\n" for i, name in enumerate("甲乙丙丁")) + ",合计,,\n"
        found = self.read(tmp_path, f"序号,名称,lon,lat\n9,戊,105,28\n{rows}")
        assert "4 rows without coordinates: 甲, 乙, 丙 …" in found.notes


class TestParquet:
    """GeoParquet says its system, or is longitude and latitude by definition."""

    def test_a_plain_table_has_none(self, tmp_path):
        pd.DataFrame({"lng": [105.0], "lat": [28.0]}).to_parquet(tmp_path / "a.parquet")
        found = read_delivery(tmp_path / "a.parquet")
        assert (found.driver, found.crs_from, found.frame.crs) == ("Parquet", "", None)

    def test_a_system_that_is_null_is_none(self, truth, tmp_path):
        truth.set_crs(None, allow_override=True).to_parquet(tmp_path / "a.parquet")
        found = read_delivery(tmp_path / "a.parquet")
        assert (found.driver, found.crs_from, found.frame.crs) == ("GeoParquet", "", None)

    def test_geometry_may_be_called_otherwise(self, truth, tmp_path):
        truth.rename_geometry("shape").to_parquet(tmp_path / "a.geoparquet")
        found = read_delivery(tmp_path / "a.geoparquet")
        assert found.frame.geometry.name == "geometry" and found.crs_from == "file"

    def test_many_small_rows_do_not_count_as_large(self, tmp_path):
        x = np.arange(300_000.0)
        frame = gpd.GeoDataFrame({"x": x, "t": "公园"}, geometry=shapely.points(x, x), crs=4490)
        frame.to_parquet(tmp_path / "a.parquet")
        assert len(read_delivery(tmp_path / "a.parquet").frame) == 300_000

    def test_nested_columns_are_kept(self, tmp_path):
        table = pa.table(
            {
                "lon": [105.0, 106.0],
                "lat": [28.0, 29.0],
                "names": [{"primary": "公园", "all": ["a", "b"]}, None],
                "tags": pa.array([[("k", "v")], []], pa.map_(pa.string(), pa.string())),
            }
        )
        pq.write_table(table, tmp_path / "a.parquet")
        frame = read_delivery(tmp_path / "a.parquet").frame
        assert frame["names"][0]["primary"] == "公园" and frame["names"][1] is None
        assert list(frame["tags"][0]) == [("k", "v")]
