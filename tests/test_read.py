"""The one reader: every question takes every format, and every format that is written is read back."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import deliveredfiles
import urbanplan
from test_cli import call
from urbanplan import files
from urbanplan.base.crs import gcj02_to_bd09, wgs84_to_gcj02
from urbanplan.errors import CrsError, InputError, LayersError, MissingFileError
from urbanplan.output import vector

#: South-west corner of a town of crossing streets, and their spacing in degrees (about 200 m).
LON, LAT, STEP, COUNT = 24.93, 60.16, 0.002, 7


def grid(offset: float, count: int) -> list[shapely.Point]:
    """Places beside the streets, to six decimals as GeoJSON keeps them."""
    rng = np.random.default_rng(count)
    xy = np.array([LON, LAT]) + offset + rng.random((count, 2)) * STEP * (COUNT - 2)
    return list(shapely.points(xy.round(6)))


def told(shapes: list, **columns) -> gpd.GeoDataFrame:
    """Rows called by their number, as those of a drawing are."""
    ids = [str(i + 1) for i in range(len(shapes))]
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=shapes, crs=4326)


def frames() -> dict[str, gpd.GeoDataFrame]:
    west, east = ((0, 0, 3.5, 7), (3.5, 0, 7, 7))
    boxes = [shapely.box(*(np.array(b) * STEP + [LON, LAT] * 2).round(6)) for b in (west, east)]
    return {
        "people": told(grid(0.0005, 30), population=[float(n % 7 + 1) for n in range(30)]),
        "sites": told(
            grid(0.0003, 6), name=[f"甲{n}" for n in range(6)], beds=[3.5, 5, 8, 2, 9, 4]
        ),
        "areas": told(boxes, name=["西区", "东区"]),
    }


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    at = [STEP * i for i in range(COUNT)]
    lines = [shapely.LineString([(LON + x, LAT + y) for x in at]) for y in at]
    lines += [shapely.LineString([(LON + x, LAT + y) for y in at]) for x in at]
    gpd.GeoDataFrame({"highway": "residential"}, geometry=lines, crs=4326, index=range(len(lines))).to_file(folder / "streets.geojson")  # fmt: skip
    return folder


# What planners have: each writes a frame and gives what is named on the command line.


def table(frame: gpd.GeoDataFrame, x: str = "经度", y: str = "纬度") -> pd.DataFrame:
    rows = pd.DataFrame(frame.drop(columns="geometry"))
    if set(frame.geom_type) == {"Point"}:
        return rows.assign(**{x: frame.geometry.x, y: frame.geometry.y})
    return rows.assign(wkt=frame.geometry.to_wkt(rounding_precision=9))


def _gpkg(frame, stem):
    path = stem.with_suffix(".gpkg")
    frame.to_file(path, layer="GREEN")
    frame.iloc[:1].to_file(path, layer="other")
    return path


def _gdb(frame, stem):
    path = stem.with_suffix(".gdb")
    pyogrio.write_dataframe(frame, path, driver="OpenFileGDB", layer="GREEN")
    return path


def _named(frame):
    # What a globe shows beside a place is its name.
    return frame.rename(columns={"name": "Name"}) if "name" in frame else frame.assign(Name="x")


def _kmz(frame, stem):
    kml = files.write_kml(stem.with_suffix(".kml"), _named(frame), stem.stem)
    return deliveredfiles.pack(stem.with_suffix(".kmz"), {"doc.kml": kml})


def _shp(frame, stem):
    frame.to_crs(4490).to_file(stem.with_suffix(".shp"), encoding="gbk")
    stem.with_suffix(".cpg").unlink()
    return stem.with_suffix(".shp")


def _csv(encoding: str, **how) -> Callable:
    def write(frame, stem):
        path = stem.with_suffix(".csv")
        rows = table(frame).to_csv(index=False, **how)
        path.write_bytes(rows.encode(encoding))
        return path

    return write


def _xlsx(frame, stem):
    path = stem.with_suffix(".xlsx")
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"说明": ["x"]}).to_excel(book, sheet_name="说明", index=False)
        table(frame, "lon", "lat").to_excel(book, sheet_name="表", index=False)
    return path


def _parquet(frame, stem):
    table(frame, "lng", "lat").to_parquet(stem.with_suffix(".parquet"))
    return stem.with_suffix(".parquet")


def _gcj02(frame, stem):
    moved = frame.set_geometry(shapely.transform(frame.geometry.values, wgs84_to_gcj02))
    moved.to_file(stem.with_suffix(".geojson"))
    return f"{stem.with_suffix('.geojson')}|crs=gcj02"


FORMATS: dict[str, Callable] = {
    "shp-gbk": _shp,
    "shp-zip": lambda f, s: files.write_shapefile(s.with_suffix(".zip"), f, "gbk"),
    "gpkg-of-two": _gpkg,
    "geoparquet": lambda f, s: files.write_parquet(s.with_suffix(".geoparquet"), f),
    "parquet": _parquet,
    "fgb": lambda f, s: files.write_flatgeobuf(s.with_suffix(".fgb"), f),
    "gdb": _gdb,
    "kml": lambda f, s: files.write_kml(s.with_suffix(".kml"), _named(f), s.stem),
    "kmz": _kmz,
    "gml": lambda f, s: files.write_gml(s.with_suffix(".gml"), f),
    "csv-gbk": _csv("gbk"),
    "csv-comma": _csv("utf-8-sig", sep=";", decimal=","),
    "xlsx": _xlsx,
    "json": lambda f, s: files.write_records(s.with_suffix(".json"), table(f, "lon", "lat")),
    "zone": lambda f, s: _geojson_in_zone(f, s),
}


def _geojson_in_zone(frame, stem):
    # Metres without a word about their system: it is named behind the file.
    files.write_parquet(stem.with_suffix(".parquet"), frame.to_crs(3067).set_crs(None, allow_override=True))  # fmt: skip
    return f"{stem.with_suffix('.parquet')}|crs=EPSG:3067"


QUESTIONS: dict[str, tuple[str, ...]] = {
    "isochrone": ("--points", "sites", "--minutes", "3"),
    "matrix": ("--origins", "people", "--destinations", "sites", "--max-minutes", "9"),
    "reach": ("--demand", "people", "--origins", "sites", "--minutes", "4"),
    "coverage": ("--facilities", "sites", "--demand", "people", "--areas", "areas", "--minutes", "3"),
    "access": ("--supply", "sites", "--demand", "people", "--capacity", "beds", "--minutes", "9"),
    "siting": ("--candidates", "sites", "--demand", "people", "--p", "2", "--minutes", "3", "--exclude", "far"),
}  # fmt: skip
#: Columns that answer; the others are the demand's own.
ANSWER = ["origin", "destination", "area", "site", "id", "minutes", "population_4min", "area_km2", "persons", "persons_covered", "access", "persons_new"]  # fmt: skip


def asked(
    capsys, town: Path, question: str, held: dict[str, object], streets: object = None
) -> pd.DataFrame:
    """The answer to a question whose files are `held`, without anything that its files do not decide."""
    ending = ".csv" if question in ("matrix", "reach", "coverage", "access") else ".geojson"
    out = town / f"answer{ending}"
    args = [str(held.get(arg, arg)) for arg in QUESTIONS[question]]
    code, _, said = call(capsys, question, "--streets", str(streets or town / "streets.geojson"), "--layer", "GREEN", *args, "--out", str(out))  # fmt: skip
    assert code == 0, said
    rows = gpd.read_file(out) if ending == ".geojson" else pd.read_csv(out, dtype={"id": str})
    table = pd.DataFrame(rows[[c for c in ANSWER if c in rows]])
    # FlatGeobuf keeps its rows in an order of its own.
    keys = [c for c in ("origin", "destination", "id", "site", "area") if c in table]
    table = table.astype(dict.fromkeys(keys, str))
    return table.sort_values([*keys, *table.columns.drop(keys)[:1]], ignore_index=True)


@pytest.fixture(scope="module")
def right(town):
    held = {}
    far = told([shapely.box(30, 60, 31, 61)])
    for name, frame in {**frames(), "far": far}.items():
        held[name] = files.write_geojson(town / f"{name}.geojson", frame)
    return held


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_gives_the_same_answer_from_every_format(capsys, town, right, question, tmp_path):  # fmt: skip
    expected = asked(capsys, town, question, right)
    assert len(expected) and len(expected.columns) >= 2
    for name, write in FORMATS.items():
        folder = tmp_path / name
        folder.mkdir()
        held = right | {key: write(frame, folder / key) for key, frame in frames().items()}
        got = asked(capsys, town, question, held)
        pd.testing.assert_frame_equal(got, expected, check_dtype=False, rtol=1e-6, obj=name)


@pytest.mark.parametrize("question", ["isochrone", "matrix", "siting"])
def test_drawings_are_places_too(capsys, town, right, question, tmp_path):
    sites = files.write_dxf(tmp_path / "sites.dxf", {"GREEN": frames()["sites"]})
    held = right | {"sites": f"{sites}|crs=EPSG:4326"}
    expected = asked(capsys, town, question, right)
    got = asked(capsys, town, question, held)
    pd.testing.assert_frame_equal(got, expected, check_dtype=False, rtol=1e-6)


def test_streets_are_lines_of_every_format(capsys, town, right, tmp_path):
    lines = gpd.read_file(town / "streets.geojson")
    expected = asked(capsys, town, "matrix", right)
    for name in ("shp-gbk", "gpkg-of-two", "kml", "gml", "csv-gbk", "xlsx", "json", "fgb"):
        (tmp_path / name).mkdir()
        path = FORMATS[name](lines.assign(id="a"), tmp_path / name / "streets")
        got = asked(capsys, town, "matrix", right, path)
        pd.testing.assert_frame_equal(got, expected, check_dtype=False, rtol=1e-6, obj=name)


@pytest.mark.parametrize(
    "args",
    [
        ("coverage", "{town}", "--facilities", "sites", "--demand", "people", "--areas", "areas"),
        ("isochrone", "{town}", "--points", "sites", "--minutes", "10"),
        (
            "indicators",
            "{town}",
            "--areas",
            "areas",
        ),
    ],
    ids=lambda args: args[0],
)
def test_a_city_is_asked_with_any_file_too(capsys, tmp_path, args):
    from test_measure_commands import inside
    from townfolder import write_town

    town = write_town(tmp_path / "town")
    xy = np.array([[float(v) for v in inside(c, 4).split(",")] for c in range(2, 8)]).round(6)
    west, east = shapely.box(*xy[0] - 0.003, *xy[2] + 0.003), shapely.box(*xy[3] - 0.003, *xy[5] + 0.003)  # fmt: skip
    own = {
        "sites": told(list(shapely.points(xy[::2]))),
        "people": told(list(shapely.points(xy)), population=[5.0, 1, 2, 3, 4, 7]),
        "areas": told([west, east], name=["西", "东"]),
    }
    answers = []
    for name in ("geojson", "shp-gbk", "xlsx", "kml"):
        (tmp_path / name).mkdir()
        write = FORMATS.get(name, lambda f, s: files.write_geojson(s.with_suffix(".geojson"), f))
        held = {key: str(write(frame, tmp_path / name / key)) for key, frame in own.items()}
        out = tmp_path / name / f"out{'.geojson' if args[0] == 'isochrone' else '.csv'}"
        called = [held.get(a, a.format(town=town)) for a in args]
        code, _, said = call(capsys, *called, "--out", str(out))
        assert code == 0, said
        table = gpd.read_file(out) if out.suffix == ".geojson" else pd.read_csv(out)
        answers.append(pd.DataFrame(table).drop(columns=["facilities", "geometry"], errors="ignore"))  # fmt: skip
    for other in answers[1:]:
        pd.testing.assert_frame_equal(other, answers[0], check_dtype=False, rtol=1e-6)


# What we write.


@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".parquet"])
def test_every_map_that_a_command_writes_is_read_back(tmp_path, ending):
    for name, frame in frames().items():
        path = vector.write(frame, tmp_path / f"{name}{ending}")
        got = urbanplan.read(path)
        assert got.attrs["findings"] == ()
        assert list(got["id"]) == list(frame["id"])
        for column in frame.columns.drop(["id", "geometry"]):
            assert got[column].tolist() == frame[column].tolist()
        assert shapely.equals_exact(
            got.geometry.normalize(), frame.geometry.normalize(), 1e-9
        ).all()


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".json"])
def test_every_table_that_a_command_writes_is_read_back(tmp_path, ending):
    frame = frames()["sites"].assign(name=["=1+1", "甲,乙", '"', "-5 m", "a\nb", "合计"])
    path = vector.write_table(table(frame, "lon", "lat"), tmp_path / f"t{ending}")
    got = urbanplan.read(path)
    for column in ("id", "name", "beds"):
        assert got[column].tolist() == frame[column].tolist()
    assert got.geometry.x.tolist() == frame.geometry.x.tolist()
    # A table without places is told to be one.
    path = vector.write_table(pd.DataFrame({"area": ["a"], "share": [0.5]}), tmp_path / f"c{ending}")  # fmt: skip
    with pytest.raises(InputError, match=r"no coordinate columns \(it has area, share\)"):
        urbanplan.read(path)


@pytest.mark.parametrize("crs", ["EPSG:4490", "projected", "gcj02"])
def test_every_file_of_publish_formats_is_read_back(tmp_path, crs):
    from townfolder import write_town
    from urbanplan import study
    from urbanplan.city.profile import load_city
    from urbanplan.output import formats

    results = study.run(load_city(write_town(tmp_path / "town")))
    own = results.layers["hospitals"].located
    wanted = [*formats.MAY_SHIFT, *(("gml", "dxf") if crs != "gcj02" else ())]
    options = formats.Options(formats=tuple(wanted), crs=crs, layers=("hospitals", "districts"))
    for name, path in formats.write_formats(results, tmp_path / "out", options).items():
        if name == "checksums" or name.endswith("/districts"):
            continue
        if name == "dxf":
            got = urbanplan.read(path, layer="hospitals", crs=results.city.metric_crs)
        else:
            got = urbanplan.read(path)
            assert got["id"].tolist() == own["id"].tolist(), name
        away = shapely.hausdorff_distance(np.array(got.geometry), np.array(own.geometry))
        # The file in GCJ-02 says so, and is brought back.
        assert away.max() < 2e-6, name
        shifted = any("coordinates: gcj02, declared by the columns" in f for f in got.attrs["findings"])  # fmt: skip
        assert shifted == (crs == "gcj02"), name


# The name in the package.


def test_what_is_said_of_a_file_may_stand_in_arguments_or_behind_it(tmp_path):
    frame = frames()["sites"]
    frame.to_file(tmp_path / "公园.shp", encoding="gbk")
    for ending in ("cpg", "prj"):
        (tmp_path / f"公园.{ending}").unlink()
    with pytest.raises(CrsError, match="declares no coordinate system"):
        urbanplan.read(tmp_path / "公园.shp")
    one = urbanplan.read(tmp_path / "公园.shp", crs="EPSG:4326", encoding="gbk")
    two = urbanplan.read(f"{tmp_path / '公园.shp'}|crs=EPSG:4326|encoding=gbk")
    assert one["name"].tolist() == two["name"].tolist() == frame["name"].tolist()
    with pytest.raises(CrsError, match="not a longitude and latitude in China"):
        urbanplan.read(tmp_path / "公园.shp", crs="gcj02")


def test_a_layer_is_named_and_the_error_lists_them(tmp_path):
    path = _gpkg(frames()["sites"], tmp_path / "a")
    with pytest.raises(LayersError, match=r"has 2 layers.*GREEN.*other") as caught:
        urbanplan.read(path)
    assert caught.value.layers == ("GREEN", "other")
    assert len(urbanplan.read(path, layer="other")) == 1
    packed = deliveredfiles.pack(tmp_path / "p.zip", {"a.gpkg": path})
    with pytest.raises(LayersError, match=r"p\.zip.*has 2 layers"):
        urbanplan.read(packed)
    with pytest.raises(MissingFileError):
        urbanplan.read(tmp_path / "none.shp")


def test_of_a_name_that_two_layers_have_none_is_taken(capsys, town, right, tmp_path):
    path = _gpkg(frames()["sites"], tmp_path / "a")
    args = ["--points", str(path), "--out", str(tmp_path / "i.gpkg")]
    asked = ["isochrone", "--streets", str(town / "streets.geojson"), *args]
    for more in ((), ("--layer", "GREEN", "--layer", "other"), ("--layer", "green")):
        code, _, said = call(capsys, *asked, *more)
        assert code == 2 and "has 2 layers" in said and "--layer" in said


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_a_shifted_file_is_suspected_whoever_asks(tmp_path, system):
    from urbanplan.sources.crs_of_file import shape_of

    right = shape_of("510502")
    shape = shapely.transform(right, wgs84_to_gcj02)
    if system == "bd09":
        shape = shapely.transform(shape, gcj02_to_bd09)
    for name, one in (("right", right), ("moved", shape)):
        told([one]).to_file(tmp_path / f"{name}.geojson")
    findings = urbanplan.read(tmp_path / "moved.geojson").attrs["findings"]
    assert any(f"looks like {system}" in f and f"FILE|crs={system}" in f for f in findings)
    assert urbanplan.read(tmp_path / "right.geojson").attrs["findings"] == ()
    back = urbanplan.read(tmp_path / "moved.geojson", crs=system)
    assert not any("looks like" in f for f in back.attrs["findings"])
    assert shapely.hausdorff_distance(back.geometry.iloc[0], right) < 1e-8


def test_a_table_in_china_says_that_its_system_is_supposed(tmp_path):
    (tmp_path / "p.csv").write_text("id,lon,lat\na,105.44,28.87\n", "utf-8")
    assert urbanplan.read(tmp_path / "p.csv").attrs["findings"] == ("p.csv: coordinates taken from lon, lat; coordinates: no system is named, taken as EPSG:4326",)  # fmt: skip
    (tmp_path / "p.csv").write_text("id,lon,lat\na,24.93,60.16\n", "utf-8")
    assert not any("no system" in f for f in urbanplan.read(tmp_path / "p.csv").attrs["findings"])


def test_findings_are_told_and_not_stored(tmp_path):
    (tmp_path / "p.csv").write_text("town,lon,lat\na,24.93,60.16\n", "utf-8")
    frame = urbanplan.read(tmp_path / "p.csv")
    assert any("rows are called by their number" in f for f in frame.attrs["findings"])
    path = files.write_parquet(tmp_path / "p.parquet", frame)
    assert b"called by their number" not in path.read_bytes() and frame.attrs["findings"]


def test_the_package_is_loaded_lightly_and_the_reader_when_asked():
    said = "import sys, urbanplan; assert 'read' in dir(urbanplan); print('numpy' in sys.modules); urbanplan.read; print('numpy' in sys.modules)"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'reed'"):
        urbanplan.reed  # noqa: B018


# GML and lists of records are read as carefully as the others.

GML = (
    '<?xml version="1.0" encoding="{encoding}"?>{doctype}<FeatureCollection xmlns="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml">'
    '<gml:featureMember><site><id>a</id><名称>甲</名称><at><gml:Point srsName="{srs}"><gml:pos>{pos}</gml:pos></gml:Point></at></site></gml:featureMember>'
    "</FeatureCollection>"
)


def gml(path: Path, **more) -> Path:
    said = {"encoding": "UTF-8", "doctype": "", "srs": "EPSG:4326", "pos": "24.93 60.16"} | more
    coding = said["encoding"]
    path.write_bytes(GML.format(**said).encode(coding))
    return path


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "UTF-16"])
@pytest.mark.parametrize(
    ("srs", "pos"),
    [
        ("EPSG:4326", "24.93 60.16"),
        ("urn:ogc:def:crs:EPSG::4490", "60.16 24.93"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "60.16 24.93"),
    ],
)
def test_gml_as_offices_exchange_it(tmp_path, encoding, srs, pos):
    (row,) = urbanplan.read(gml(tmp_path / "a.gml", encoding=encoding, srs=srs, pos=pos)).itertuples()  # fmt: skip
    assert (row.id, row.名称, row.geometry.x, row.geometry.y) == ("a", "甲", 24.93, 60.16)
    assert [p.name for p in tmp_path.iterdir()] == ["a.gml"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"doctype": "<!DOCTYPE a [<!ENTITY b 'c'>]>"}, "declares a document type"),
        ({"srs": "http://example.com/crs.xml"}, "no plain name"),
        ({"srs": "/etc/passwd"}, "no plain name"),
        ({"srs": "+proj=longlat +nadgrids=/etc/passwd"}, "no plain name"),
        ({"pos": "24.93 60.16</gml:pos>"}, "damaged, or something else"),
    ],
)
def test_gml_that_points_elsewhere_is_refused(tmp_path, more, what):
    with pytest.raises(InputError, match=what):
        urbanplan.read(gml(tmp_path / "a.gml", **more))


@pytest.mark.parametrize(
    "inside", ["<a>" * 300 + "</a>" * 300, "".join(f"<p{i}>1</p{i}>" for i in range(5000))]
)
def test_gml_that_gdal_would_read_in_part_or_for_minutes_is_refused(tmp_path, inside):
    path = gml(tmp_path / "a.gml")
    path.write_text(path.read_text("utf-8").replace("<id>", f"{inside}<id>"), "utf-8")
    with pytest.raises(InputError, match="nests elements more than 60 deep"):
        urbanplan.read(f"{path}|crs=EPSG:4326")


def test_schemas_beside_a_gml_are_not_followed(tmp_path):
    path = gml(tmp_path / "a.gml")
    (tmp_path / "a.xsd").write_text("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>")
    (tmp_path / "a.gfs").write_text("<GMLFeatureClassList><GMLFeatureClass><Name>no</Name></GMLFeatureClass></GMLFeatureClassList>")  # fmt: skip
    assert urbanplan.read(path)["id"].tolist() == ["a"]


@pytest.mark.parametrize("text", ["[1, 2]", "[" * 5000, '[{"lon": 1}', "[]", '[{"lon": 24.9, "lat": {"a": 1}}]'])  # fmt: skip
def test_lists_that_are_no_table_of_places_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError):
        urbanplan.read(tmp_path / "a.json")


def test_records_of_any_shape_are_cells(tmp_path):
    rows = [{"lon": 24.9, "lat": 60.1, "n": [1, 2]}, {"lon": 24.9, "lat": 60.2, "m": {"a": "甲"}}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    got = urbanplan.read(tmp_path / "a.json")
    assert got["n"].tolist() == ["[1, 2]", None] or got["n"].isna().iloc[1]
    assert got["m"].iloc[1] == '{"a": "甲"}'
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        z.write(tmp_path / "a.json", "a.json")
    assert len(urbanplan.read(tmp_path / "a.zip")) == 2


def _hex(srid, x, y):
    return shapely.to_wkb(shapely.set_srid(shapely.Point(x, y), srid), hex=True, include_srid=True)


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        # NAD27 lies 35 m from WGS84 here; metres are metres; ESRI's numbers count too.
        (["SRID=4267;POINT(-100 40)"], (-100.000416, 39.999997)),
        ([_hex(4267, -100, 40)], (-100.000416, 39.999997)),
        (["srid = 27700 ; POINT(530000 180000)"], (-0.128354, 51.503991)),
        ([_hex(102100, 1113194.91, 0)], (10.0, 0.0)),
        # A row that names none is in the system of the others; 0 is none.
        (["SRID=3857;POINT(1113194.91 0)", "POINT(0 0)"], (10.0, 0.0)),
        (["SRID=0;POINT(10 20)"], (10.0, 20.0)),
    ],
)
def test_the_srid_of_ewkt_and_ewkb_is_the_files_system(cells, place, tmp_path):
    rows = "".join(f'{i},"{cell}"\n' for i, cell in enumerate(cells))
    (tmp_path / "t.csv").write_text("id,wkt\n" + rows, "utf-8")
    frame = urbanplan.read(tmp_path / "t.csv")
    assert frame.get_coordinates().iloc[0].tolist() == pytest.approx(place, abs=2e-6)


def test_srids_that_contradict_are_a_sentence(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,wkt\na,SRID=4326;POINT(105 28)\nb,POINT(1 1)\nc,SRID=3857;POINT(10 20)\n")
    with pytest.raises(InputError, match="row 1 has SRID=4326 and row 3 SRID=3857"):
        urbanplan.read(path)
    path.write_text("id,wkt\na,SRID=4267;POINT(-100 40)\n")
    frame = urbanplan.read(path, crs="EPSG:4326")
    assert frame.geometry.iloc[0].x == -100.0
    assert "name EPSG:4267 (SRID): EPSG:4326 goes before it" in " ".join(frame.attrs["findings"])
    path.write_text("id,wkt\na,SRID=999999;POINT(-100 40)\n")
    with pytest.raises(
        CrsError, match="unknown coordinate system 'EPSG:999999' → correct the SRID"
    ):
        urbanplan.read(path)


def _collection(*features) -> str:
    rows = [
        {"type": "Feature", **top, "properties": own, "geometry": {"type": "Point", "coordinates": [24.9 + i / 100, 60]}}
        for i, (top, own) in enumerate(features)
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": rows})


LONG = 9824657365274853001  # a cell of S2, more than 2**63


@pytest.mark.parametrize(
    ("features", "ids"),
    [
        ([({"id": 501}, {}), ({"id": 502}, {})], ["501", "502"]),
        ([({"id": 0}, {}), ({"id": 1}, {})], ["0", "1"]),
        ([({"id": 7}, {}), ({"id": "a"}, {})], ["7", "a"]),
        ([({"id": LONG}, {}), ({"id": 2**53 + 1}, {})], [str(LONG), str(2**53 + 1)]),
        ([({}, {"id": LONG}), ({}, {"id": LONG + 2})], [str(LONG), str(LONG + 2)]),
        ([({}, {"id": 7}), ({}, {"id": "a"})], ["7", "a"]),
        ([({"id": 7}, {"id": "x"}), ({"id": 8}, {"id": "y"})], ["x", "y"]),
        # Nobody's ids: a record within a property, and a feature without one.
        ([({}, {"owner": {"id": 5}}), ({}, {"owner": {"id": 6}})], ["1", "2"]),
        ([({"id": 7}, {}), ({}, {})], ["1", "2"]),
    ],
)
def test_ids_of_geojson_are_those_that_the_file_gives(features, ids, tmp_path):
    (tmp_path / "t.geojson").write_text(_collection(*features))
    assert urbanplan.read(tmp_path / "t.geojson")["id"].tolist() == ids


def test_two_features_of_one_id_are_refused(tmp_path):
    (tmp_path / "t.geojson").write_text(_collection(({"id": 7}, {}), ({"id": 7}, {})))
    with pytest.raises(InputError, match="id '7' occurs twice"):
        urbanplan.read(tmp_path / "t.geojson")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "geojson", "gpkg", "geoparquet"])
def test_long_numbers_are_not_rounded_beside_missing_ones(suffix, tmp_path):
    values = [2**53 + 1, None, 3]
    path = tmp_path / f"t.{suffix.removeprefix('geo') if suffix != 'geojson' else suffix}"
    frame = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "osm": pd.array(values, "Int64"), "lon": [24.9, 24.91, 24.92], "lat": 60.0},
        geometry=gpd.points_from_xy([24.9, 24.91, 24.92], [60.0] * 3), crs=4326,
    )  # fmt: skip
    table = pd.DataFrame(frame.drop(columns="geometry"))
    if suffix == "csv":
        table.to_csv(path, index=False)
    elif suffix == "parquet":
        table.to_parquet(path)
    elif suffix == "geoparquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    got = urbanplan.read(path)["osm"].tolist()
    assert [None if v in (None, "") or v != v else int(v) for v in got] == values
