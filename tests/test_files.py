"""Files: only the named driver, old or new but never half, same input same bytes."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from urbanplan import files
from urbanplan.errors import InputError, MissingFileError, WriteError

ONE_POINT_LINE = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},'
    '"geometry":{"type":"LineString","coordinates":[[105,29]]}}]}'
)
FRAME = gpd.GeoDataFrame(
    {"name": ["一", "二"]}, geometry=shapely.points([[105, 29], [106, 28]]), crs=4326
)


def test_a_disguised_vrt_is_refused_and_opens_nothing(tmp_path):
    secret = tmp_path / "secret.geojson"
    files.write_geojson(secret, FRAME)
    lure = tmp_path / "districts.geojson"
    lure.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{secret}</SrcDataSource>'
        "<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(InputError, match=r"districts\.geojson: cannot be read as GeoJSON"):
        files.read_vector(lure)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", ONE_POINT_LINE, "\x00\x01", '{"type":"FeatureCollection"}']
)
def test_damaged_geojson_is_one_sentence(tmp_path, text):
    path = tmp_path / "roads.geojson"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        files.read_vector(path)
    assert "roads.geojson" in str(caught.value) and "→" in str(caught.value)


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        files.read_vector(tmp_path / "none.geojson")
    odd = tmp_path / "roads.xyz"
    odd.write_text("x")
    with pytest.raises(InputError, match=r"\.xyz"):
        files.read_vector(odd)


def test_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(files.deliveries, "MAX_BYTES", 10)
    files.write_geojson(tmp_path / "a.geojson", FRAME)
    with pytest.raises(InputError, match="larger than"):
        files.read_vector(tmp_path / "a.geojson")


def test_round_trip_keeps_rows_and_system(tmp_path):
    for name in ("a.geojson", "a.gpkg"):
        if name.endswith("gpkg"):
            files.write_geopackage(tmp_path / name, {"a": FRAME})
        else:
            files.write_geojson(tmp_path / name, FRAME)
        back = files.read_vector(tmp_path / name)
        assert list(back["name"]) == ["一", "二"] and back.crs == FRAME.crs
        assert back.geometry.geom_equals_exact(FRAME.geometry, 1e-6).all()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.atomic(path) as tmp:
        tmp.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="cannot be written"):
        files.write_text(tmp_path / "file" / "a.txt", "x")


def test_geopackage_bytes_do_not_change(tmp_path):
    tables = {"points": FRAME, "table": pd.DataFrame({"a": [1.5]})}
    a = files.write_geopackage(tmp_path / "1" / "a.gpkg", tables).read_bytes()
    b = files.write_geopackage(tmp_path / "2" / "a.gpkg", tables).read_bytes()
    assert a == b


def test_csv_opens_in_excel_with_chinese(tmp_path):
    path = files.write_csv(tmp_path / "a.csv", pd.DataFrame({"区": ["江"]}))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert files.read_csv(path) == [{"区": "江"}]


def test_a_ragged_csv_names_its_line(tmp_path):
    path = tmp_path / "facts.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(InputError, match="line 3"):
        files.read_csv(path)


@pytest.mark.parametrize("text, word", [("a = ", "TOML"), (b"\xff\xfe", "UTF-8")])
def test_bad_toml(tmp_path, text, word):
    path = tmp_path / "city.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=word):
        files.read_toml(path)


def test_cog_is_tiled_has_overviews_nodata_and_names(tmp_path):
    bands = np.arange(2 * 1100 * 1200, dtype="float32").reshape(2, 1100, 1200)
    bands[0, 0, 0] = np.nan
    path = files.write_cog(
        tmp_path / "a.tif",
        bands,
        ["甲", "b"],
        shape=bands.shape[1:],
        crs="EPSG:4544",
        transform=Affine(100, 0, 5e5, 0, -100, 3.2e6),
        tags={"unit": "min"},
    )
    with rasterio.open(path) as src:
        assert src.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and src.overviews(1)
        assert (
            src.descriptions == ("甲", "b") and np.isnan(src.nodata) and src.tags()["unit"] == "min"
        )
        np.testing.assert_array_equal(src.read(), bands)


def test_geojson_is_lon_lat_with_six_decimals(tmp_path):
    path = files.write_geojson(tmp_path / "a.geojson", FRAME.to_crs(4544))
    data = json.loads(path.read_text("utf-8"))
    assert "crs" not in data
    assert data["features"][0]["geometry"]["coordinates"] == [105.0, 29.0]
