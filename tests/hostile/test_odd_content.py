"""Odd content: counted before it is read, and never a foreign exception."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import warnings

import fiona
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import deliveredfiles
from urbanplan.errors import InputError
from urbanplan.files import (
    checks,
    drivers,
    read_delivery,
    tables,
    vector,
)
from urbanplan.files import (
    deliveries as kinds,
)
from urbanplan.files import (
    deliveries as parquet,
)

FORMATS = [*["geojson", "gpkg", "shp", "kml", "dxf", "fgb", "parquet", "csv", "gdb", "kmz", "zip"]]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return deliveredfiles.write(tmp_path_factory.mktemp("odd") / "real")


@pytest.fixture
def few(monkeypatch):
    """At most three features."""
    for module in (checks, drivers, drivers, parquet, tables, vector):
        monkeypatch.setattr(module, "MAX_FEATURES", 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_features_are_refused_unless_they_are_meant(real, few, kind, monkeypatch):
    def streamed(*_args):
        raise AssertionError("features were read before they were counted")

    with monkeypatch.context() as patch, pytest.raises(InputError, match="more than 3 features"):
        patch.setattr(vector, "_stream", streamed)
        patch.setattr(drivers._Walk, "run", streamed)
        patch.setattr(pd, "read_csv", streamed)
        read_delivery(real[kind])
    assert len(read_delivery(real[kind], large=True).frame) >= 4


@pytest.mark.parametrize("kind", [*FORMATS, "xlsx"])
def test_too_many_bytes_are_refused_unless_they_are_meant(real, kind, monkeypatch):
    from urbanplan.files import deliveries

    assert kinds.MAX_BYTES == 512 * 2**20
    monkeypatch.setattr(deliveries, "MAX_BYTES", 100)
    with pytest.raises(InputError, match=r"is larger than .* → .*--large"):
        read_delivery(real[kind])
    assert len(read_delivery(real[kind], large=True).frame) >= 4


def test_features_are_streamed_in_batches(tmp_path, monkeypatch):
    frame = gpd.GeoDataFrame(
        {"n": range(1000), "f": np.r_[np.nan, np.arange(999.0)], "t": ["字"] * 999 + [None]},
        geometry=shapely.points(np.arange(2000.0).reshape(-1, 2)),
        crs=4490,
    )
    frame.to_file(tmp_path / "a.gpkg", layer="a")
    whole = read_delivery(tmp_path / "a.gpkg").frame
    monkeypatch.setattr(vector, "BATCH", 7)
    parts = read_delivery(tmp_path / "a.gpkg").frame
    assert parts.equals(whole) and len(parts) == 1000
    assert parts["n"].dtype == "int64" and parts["f"].dtype == "float64"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"text"',
        "[1,2,3]",
        '{"type":"FeatureCollection"}',
        '{"type":"FeatureCollection","features":{}}',
        '{"type":"FeatureCollection","features":[1,2]}',
        '{"type":"FeatureCollection","features":["a"]}',
        '{"type":"FeatureCollection","features":[{"a":1}]}',
        '{"type":"Point","coordinates":"x"}',
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":[],"geometry":5}]}',
    ],
)
def test_geojson_of_something_else_is_refused_or_empty(tmp_path, text):
    path = tmp_path / "a.geojson"
    path.write_text(text)
    try:
        assert read_delivery(path).frame.geometry.isna().all()
    except InputError as err:
        assert "a.geojson" in str(err) and "→" in str(err)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_geojson_coordinates_that_are_no_numbers(tmp_path, value):
    path = tmp_path / "a.geojson"
    points = [f'{{"type":"Point","coordinates":[{x},2]}}' for x in (value, 1)]
    features = [f'{{"type":"Feature","properties":{{}},"geometry":{p}}}' for p in points]
    path.write_text(f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}')
    try:
        found = read_delivery(path)
    except InputError as err:
        assert "a.geojson" in str(err)
    else:
        xy = shapely.get_coordinates(found.frame.geometry.array)
        assert np.isfinite(xy).all() and len(found.frame) == 2


def test_coordinates_that_are_no_numbers_leave_their_row_without_a_place(tmp_path):
    odd = shapely.points([[np.inf, 1], [1, 2], [3, np.nan]])
    frame = gpd.GeoDataFrame({"n": [1, 2, 3]}, geometry=odd, crs=4326)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(tmp_path / "a.fgb")
        frame.to_file(tmp_path / "a.gpkg")
        frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.fgb", "a.gpkg", "a.parquet"):
        found = read_delivery(tmp_path / name)
        placed = found.frame.set_index("n").geometry
        assert placed[2] == shapely.Point(1, 2) and placed[1] is None
        assert any("coordinates that are not numbers" in note for note in found.notes)


@pytest.mark.parametrize("x", ["nan", "inf", "-inf", "1e999", "", " ", "#REF!", "一"])
def test_table_cells_that_are_no_numbers_leave_their_row_without_a_place(tmp_path, x):
    path = tmp_path / "a.csv"
    path.write_text(f"lon,lat,n\n{x},2,a\n105.5,29,b\n", encoding="utf-8")
    found = read_delivery(path)
    assert list(found.frame.geometry.isna()) == [True, False]
    assert "1 row without coordinates: a" in found.notes


def test_a_ragged_csv_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lon,lat\n1,2\n1,2,3,4\n")
    with pytest.raises(InputError, match=r"a\.csv"):
        read_delivery(path)


class TestGeoPackage:
    """Databases that are in use, damaged or no GeoPackage."""

    @pytest.mark.parametrize("ending", ["-wal", "-journal"])
    def test_one_in_use_is_refused(self, real, tmp_path, ending):
        path = shutil.copyfile(real["gpkg"], tmp_path / "a.gpkg")
        (tmp_path / f"a.gpkg{ending}").write_bytes(b"x" * 100)
        with pytest.raises(InputError, match="being written"):
            read_delivery(path)

    def test_a_database_of_another_kind_is_refused(self, tmp_path):
        sqlite3.connect(tmp_path / "a.gpkg").execute("CREATE TABLE a(b)").connection.close()
        with pytest.raises(InputError, match="is not a GeoPackage"):
            read_delivery(tmp_path / "a.gpkg")

    def test_a_listed_layer_that_is_not_there_is_refused(self, real, tmp_path):
        path = shutil.copyfile(real["gpkg"], tmp_path / "a.gpkg")
        base = sqlite3.connect(path)
        base.execute("INSERT INTO gpkg_contents(table_name,data_type) VALUES('gone','features')")
        base.commit()
        base.close()
        with pytest.raises(InputError, match="'gone' that is not there"):
            read_delivery(path)

    def test_reading_changes_nothing(self, real):
        before = real["gpkg"].read_bytes(), sorted(p.name for p in real["gpkg"].parent.iterdir())
        read_delivery(real["gpkg"])
        after = real["gpkg"].read_bytes(), sorted(p.name for p in real["gpkg"].parent.iterdir())
        assert before == after


def test_a_shapefile_without_index_that_is_damaged_is_refused(real, tmp_path):
    path = tmp_path / "a.shp"
    data = bytearray(real["shp"].read_bytes())
    struct.pack_into(">i", data, 104, 10**6)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"no \.shx"):
        read_delivery(path)


def test_a_driver_that_is_not_installed_is_named(real, monkeypatch):
    monkeypatch.setattr(fiona.Env, "drivers", lambda self: {"GML": "rw"})
    with pytest.raises(InputError, match="needs GDAL's driver FlatGeobuf"):
        read_delivery(real["fgb"])
