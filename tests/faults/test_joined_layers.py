"""Layers joined in memory are what GDAL itself would have written into one file, table by table."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import fault_writers
import geopandas as gpd
import pyogrio
import pytest

from urbanplan import files
from urbanplan.errors import WriteError

LOCAL = "+proj=aeqd +lat_0=29 +lon_0={} +datum=WGS84 +units=m"


def layers() -> dict:
    """A table first, then shapes in two systems, names that need quoting, and no rows."""
    found = fault_writers.package("new")
    return {
        "table": found["table"],
        'points "1"': found["points"],
        "地块": found["areas"].to_crs(4544),
        "none": found["points"].iloc[:0],
    }


def by_gdal(path: Path, frames: dict) -> Path:
    """The same layers, appended one by one by GDAL to a file on disk."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    for n, (name, frame) in enumerate(frames.items()):
        shaped = isinstance(frame, gpd.GeoDataFrame)
        options = {"layer_options": {"SPATIAL_INDEX": "YES"}} if shaped else {}
        if n == 0:
            options["dataset_options"] = {"VERSION": "1.3"}
        if name == "none":
            options["geometry_type"] = "Point"
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=n > 0, **options)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return path


def content(path: Path) -> dict:
    """What a database says of itself, and its tables, indexes, triggers and rows."""
    with contextlib.closing(sqlite3.connect(path)) as base:
        made = "SELECT type, name, sql FROM sqlite_master"
        found = {(kind, name): sql for kind, name, sql in base.execute(made)}
        for kind, name in [*found]:
            quoted = '"' + name.replace('"', '""') + '"'
            # How an index packs its nodes is its own affair; what it finds is compared.
            if kind == "table" and not name.endswith(("_node", "_parent", "_rowid")):
                found[name] = sorted(map(repr, base.execute(f"SELECT * FROM {quoted}")))
            if kind == "table" and name.startswith("rtree_") and name.endswith("_geom"):
                assert base.execute("SELECT rtreecheck(?)", [name]).fetchone() == ("ok",)
        # A sequence that has given nothing may be listed or not.
        found["sqlite_sequence"] = [r for r in found["sqlite_sequence"] if not r.endswith(", 0)")]
        for pragma in ("user_version", "application_id", "page_size", "integrity_check"):
            found[pragma] = base.execute(f"PRAGMA {pragma}").fetchall()
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        return found


def test_joined_layers_equal_gdals_own(tmp_path):
    frames = layers()
    ours = files.write_geopackage(tmp_path / "a.gpkg", frames, {"none": "Point"})
    theirs = by_gdal(tmp_path / "b.gpkg", frames)
    assert pyogrio.list_layers(ours).tolist() == pyogrio.list_layers(theirs).tolist()
    assert content(ours) == content(theirs)


def test_what_cannot_be_joined_is_one_sentence(tmp_path):
    points = fault_writers.shapes("new")
    one, two = (points.to_crs(LOCAL.format(lon)) for lon in (105, 106))
    path = files.write_geopackage(tmp_path / "same.gpkg", {"a": one, "b": one})
    assert pyogrio.read_info(path, layer="b")["crs"] == pyogrio.read_info(path, layer="a")["crs"]
    for frames in ({"a": one, "b": two}, {"a": one, "A": one}, {}):
        with pytest.raises(WriteError, match=r"bad\.gpkg: .*→"):
            files.write_geopackage(tmp_path / "bad.gpkg", frames)
    assert [p.name for p in tmp_path.iterdir()] == ["same.gpkg"]
