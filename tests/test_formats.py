"""Formats for other offices: read back by others, nothing lost, marked where coordinates are shifted."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import zipfile
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pystac
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from owslib.etree import etree
from owslib.iso import MD_Metadata
from pyproj import Geod
from pystac.validation import validate_dict

from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.base.crs import wgs84_to_gcj02
from urbanplan.catalog import load_catalog
from urbanplan.city.profile import load_city
from urbanplan.errors import UrbanplanError
from urbanplan.files import sha256, write_shapefile
from urbanplan.files.exports import short_names
from urbanplan.output import formats
from urbanplan.output import formats as geopackage
from urbanplan.output.qgis import style
from urbanplan.output.qgis.style import sld
from urbanplan.output.style import Look, Rule, rules_of, shaded, tables_of, types_of


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = write_town(tmp_path_factory.mktemp("formats") / "town")
    return study.run(load_city(folder))


@pytest.fixture(scope="module")
def written(town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return folder, formats.write_formats(town, folder)


def frames(town):
    tables, types = tables_of(town), types_of(town)
    return {n: tables[n] for n in types}


def same_places(one, other, within=1e-6):
    here, there = (shapely.get_coordinates(shapely.normalize(f.geometry.values)) for f in (one, other))  # fmt: skip
    return here.shape == there.shape and (not len(here) or np.abs(here - there).max() <= within)


@pytest.mark.parametrize("kind", ["geoparquet", "flatgeobuf", "geojson", "gml", "shapefile", "kml"])
def test_every_row_comes_back_from_every_format(town, written, kind):
    read = {"geoparquet": gpd.read_parquet}.get(kind, pyogrio.read_dataframe)
    for name, frame in frames(town).items():
        again = read(written[1][f"{kind}/{name}"])
        assert len(again) == len(frame), name
        if kind == "kml" or kind == "flatgeobuf":
            # FlatGeobuf lays rows along a curve, KML leaves order to folders: by id.
            key = "id" if "id" in frame else None
            if key is None:
                continue
            again, frame = again.sort_values(key), frame.sort_values(key)
        assert same_places(frame, again), name
        if "quality" in frame and kind != "kml":
            assert list(again["quality"]) == list(frame["quality"]), name
        wanted = 4326 if kind in ("geojson", "kml") else 4490
        assert again.crs.to_epsg() == wanted, name


def test_geoparquet_says_its_version_and_geojson_follows_the_rfc(written):
    import pyarrow.parquet as pq

    about = json.loads(pq.read_schema(written[1]["geoparquet/hospitals"]).metadata[b"geo"])
    assert about["version"] == "1.1.0"
    text = json.loads(written[1]["geojson/built_up"].read_text("utf-8"))
    assert "crs" not in text
    ring = text["features"][0]["geometry"]["coordinates"][0]
    while not isinstance(ring[0][0], float):
        ring = ring[0]
    assert shapely.LinearRing(ring).is_ccw


def test_a_shapefile_says_what_its_columns_were(town, written):
    with zipfile.ZipFile(written[1]["shapefile/built_up"]) as archive:
        names = archive.namelist()
        rows = list(csv.DictReader(io.StringIO(archive.read("built_up_fields.csv").decode("utf-8-sig"))))  # fmt: skip
        assert archive.read("built_up.cpg") == b"UTF-8"
    assert {"built_up.shp", "built_up.shx", "built_up.dbf", "built_up.prj"} <= set(names)
    long = {r["column"]: r["shapefile"] for r in rows}
    assert set(long) == {c for c in frames(town)["built_up"] if c != "geometry"}
    assert long["area_km2_published"] == "area_km2_p"
    again = pyogrio.read_dataframe(written[1]["shapefile/built_up"])
    assert list(again.columns[:-1]) == list(long.values())


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=30, unique=True))
def test_short_names_are_short_and_each_its_own(names):
    short = short_names(names)
    assert list(short) == names
    assert all(0 < len(s.encode()) <= 10 for s in short.values())
    folded = [s.lower() for s in short.values()]
    assert len(set(folded)) == len(folded)


def places(**columns):
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=shapely.points(np.c_[105 + np.arange(count) / 100, np.full(count, 28.9)]), crs=4490)  # fmt: skip


def test_gbk_is_read_by_others_and_what_it_lacks_is_refused(tmp_path):
    path = write_shapefile(tmp_path / "a.zip", places(name_zh=["泸州老窖", "龙马潭"]), "gbk")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "x")
    raw = (tmp_path / "x" / "a.dbf").read_bytes()
    assert "泸州老窖".encode("gbk") in raw and (tmp_path / "x" / "a.cpg").read_text() == "936"
    done = subprocess.run(["ogrinfo", "-q", "-al", str(tmp_path / "x" / "a.shp")], capture_output=True, check=True)  # fmt: skip
    assert "泸州老窖" in done.stdout.decode()
    with pytest.raises(UrbanplanError, match="utf-8"):
        write_shapefile(tmp_path / "b.zip", places(name_zh=["😀"]), "gbk")
    assert not (tmp_path / "b.zip").exists()


def test_long_texts_are_cut_at_a_character_and_counted(tmp_path):
    text = "长" * 200
    path = write_shapefile(tmp_path / "a.zip", places(note_zh=[text, "短"]))
    again = pyogrio.read_dataframe(path)
    assert again["note_zh"].tolist() == [text[:84], "短"]
    with zipfile.ZipFile(path) as archive:
        assert b"note_zh,note_zh,1" in archive.read("a_fields.csv")


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_shapefile_takes_points_among_groups_of_points(tmp_path, order):
    shapes = [shapely.Point(1, 2), shapely.MultiPoint([(3, 4), (5, 6)]), None][order]
    frame = gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=shapes, crs=4326)
    again = pyogrio.read_dataframe(write_shapefile(tmp_path / "a.zip", frame))
    assert [g and shapely.get_num_geometries(g) for g in again.geometry] == [1, 2, None][order]


def test_a_shapefile_that_was_not_written_whole_is_not_kept(tmp_path, monkeypatch):
    from urbanplan.files import exports

    def half(file, frame, encoding):
        pyogrio.write_dataframe(frame.iloc[:1], file, driver="ESRI Shapefile", encoding=encoding)

    monkeypatch.setattr(exports, "_write_parts", half)
    (tmp_path / "a.zip").write_bytes(b"old")
    with pytest.raises(UrbanplanError, match="not written whole"):
        write_shapefile(tmp_path / "a.zip", places(n=[1, 2]))
    assert (tmp_path / "a.zip").read_bytes() == b"old"


def test_dxf_has_a_layer_each_in_metres(town, written):
    done = subprocess.run(["ogrinfo", "-al", "-q", str(written[1]["dxf"])], capture_output=True, text=True, check=True)  # fmt: skip
    layers = set(re.findall(r"Layer \(String\) = (\w+)", done.stdout))
    located = {n for n, f in frames(town).items() if not n.startswith("result_") and (~f.geometry.isna()).any()}  # fmt: skip
    assert layers == located
    x = float(re.search(r"POINT \(([\d.]+)", done.stdout).group(1))
    assert 540_000 <= x <= 541_100


def test_checksums_and_catalogue_hold_for_every_file(written):
    folder, files = written
    listed = dict(reversed(line.split("  ")) for line in files["checksums"].read_text().splitlines())  # fmt: skip
    assert set(listed) == {p.relative_to(folder).as_posix() for k, p in files.items() if k != "checksums"}  # fmt: skip
    assert all(sha256(folder / name) == digest for name, digest in listed.items())
    catalog = pystac.Catalog.from_file(str(files["stac/catalog"]))
    children = list(catalog.get_children())
    assert len(children) > 10
    for child in children:
        raw = json.loads((files[f"stac/{child.id.split('.', 1)[1]}"]).read_text("utf-8"))
        raw["stac_extensions"] = []  # their schemas lie on another host
        validate_dict(raw)
        for asset in child.assets.values():
            path = (files["stac/catalog"].parent / child.id.split(".", 1)[1] / asset.href).resolve()
            assert path.is_file() and path.stat().st_size == asset.extra_fields["file:size"]
            assert asset.extra_fields["file:checksum"] == "1220" + sha256(path)
    validate_dict(json.loads(files["stac/catalog"].read_text("utf-8")))


def test_two_writings_give_the_same_bytes(town, written, tmp_path):
    again = formats.write_formats(town, tmp_path)
    assert {k: sha256(p) for k, p in again.items()} == {k: sha256(p) for k, p in written[1].items()}


def test_a_citys_own_layers_need_no_run(written, town, tmp_path, monkeypatch, capsys):
    from test_init import command

    def refuse(*_args, **_kwargs):
        raise AssertionError("a run was started")

    monkeypatch.setattr(study, "run", refuse)
    folder, out = town.city.folders[0], tmp_path / "out"
    code, _, err = command(capsys, "publish", "formats", folder, "--layers", "roads,hospitals", "--out", out)  # fmt: skip
    assert code == 0, err
    made = {p.relative_to(out) for p in out.rglob("*") if p.is_file()}
    # A drawing and a catalogue of fewer layers are others; each layer is the same.
    same = {p for p in made if p.parts[0] not in ("dxf", "SHA256SUMS") and p.name != "catalog.json"}
    assert len(same) >= 2 * 8
    for path in same:
        assert (out / path).read_bytes() == (written[0] / path).read_bytes(), path
    code, _, err = command(capsys, "publish", "formats", folder, "--layers", "roads,result_gaps", "--out", out)  # fmt: skip
    assert code == 1 and "AssertionError in publish" in err


@pytest.mark.parametrize("kind", formats.MAY_SHIFT)
def test_gcj02_is_marked_and_declares_nothing(town, tmp_path, kind):
    made = formats.write_formats(town, tmp_path, formats.Options((kind,), "gcj02", ("hospitals",)))
    path = made[f"{kind}/hospitals"]
    assert path.stem.endswith("_gcj02")
    read = gpd.read_parquet if kind == "geoparquet" else pyogrio.read_dataframe
    again = read(path).sort_values("id", ignore_index=True)
    if kind not in ("geojson", "kml"):
        assert again.crs is None
    assert set(again[next(c for c in again if c.startswith("coordinate"))]) == {"GCJ-02"}
    before = town.layers["hospitals"].frame.sort_values("id", ignore_index=True)
    there = ~shapely.is_missing(before.geometry.values)
    xy = [shapely.get_coordinates(f.geometry.values[there]) for f in (before, again)]
    assert np.abs(wgs84_to_gcj02(xy[0]) - xy[1]).max() < 2e-6
    metres = Geod(ellps="WGS84").inv(*xy[0].T, *xy[1].T)[2]
    assert (metres > 300).all()


def test_names_of_the_national_database_where_they_are_known(town, tmp_path):
    options = formats.Options(("geojson", "stac"), layers=("districts", "roads"), onemap=True)
    made = formats.write_formats(town, tmp_path, options)
    again = gpd.read_file(made["geojson/XZQ"])
    assert {"BSM", "XZQDM", "XZQMC", "MJ", "BZ", "quality", "source"} <= set(again)
    assert list(again["XZQMC"]) == list(town.layers["districts"].frame["name_zh"])
    geod = Geod(ellps="WGS84")
    wanted = [abs(geod.geometry_area_perimeter(g)[0]) for g in town.layers["districts"].frame.geometry]  # fmt: skip
    assert again["MJ"].tolist() == pytest.approx(wanted, rel=1e-9)
    assert "geojson/roads" in made and "stac/XZQ" in made


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"formats": ("shp",)}, "no format 'shp'"),
        ({"encoding": "latin1"}, "no character set"),
        ({"formats": ("dxf",), "crs": "gcj02"}, "not written in GCJ-02"),
        ({"redact": ("quality",)}, "every output shows"),
        ({"redact": ("nothing",)}, "no layer has a column"),
        ({"layers": ("nothing",)}, "no layer 'nothing'"),
        ({"crs": "EPSG:3857"}, "Web Mercator"),
        ({"crs": "EPSG:1"}, "unknown coordinate system"),
    ],
)
def test_what_cannot_be_written_is_refused(town, tmp_path, options, said):
    with pytest.raises(UrbanplanError, match=said):
        formats.write_formats(town, tmp_path, formats.Options(**options))
    assert not list(tmp_path.iterdir())


def test_a_redacted_column_is_in_no_format(tmp_path):
    folder = write_town(tmp_path / "town")
    place = shapely.Point(540_150, 3_189_850)
    write_layer(folder, "hospitals", [("a", place, {"note_zh": "机密备注七号库"})])
    results = study.run(load_city(folder))
    for redact, there in (((), True), (("note_zh",), False)):
        out = tmp_path / f"out{there}"
        options = formats.Options(("geojson", "kml", "gml", "flatgeobuf"), layers=("hospitals",), redact=redact)  # fmt: skip
        made = formats.write_formats(results, out, options)
        held = ["机密备注七号库".encode() in p.read_bytes() for k, p in made.items() if "/" in k]
        assert held == [there] * 4


# The package: styles, metadata, columns -----------------------------------------------------


@pytest.fixture(scope="module")
def package(town, tmp_path_factory):
    path = geopackage.write_package(town, tmp_path_factory.mktemp("gpkg") / "town.gpkg")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
        yield path, base


def test_the_same_run_gives_the_same_package(town, package, tmp_path):
    again = geopackage.write_package(town, tmp_path / "town.gpkg")
    assert sha256(again) == sha256(package[0])


def test_metadata_is_iso_19115_to_another_reader(town, package):
    rows = package[1].execute(
        "SELECT r.table_name, m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id"
        " WHERE m.md_standard_uri LIKE '%isotc211%'"
    ).fetchall()  # fmt: skip
    assert {n for n, _ in rows} == set(tables_of(town))
    for name, text in rows:
        read = MD_Metadata(etree.fromstring(text.encode()))
        about = read.identification[0]
        assert read.identifier == f"gridtown.{name}" and about.title and about.alternatetitle
        assert read.referencesystem.code == "EPSG:4490"
        if name in town.layers:
            frame = town.layers[name].frame
            assert set(frame["licence"]) <= set(about.otherconstraints)
            if town.layers[name].located.shape[0]:
                west, south, east, north = town.layers[name].located.total_bounds
                box = [float(x) for x in (about.bbox.minx, about.bbox.miny, about.bbox.maxx, about.bbox.maxy)]  # fmt: skip
                assert box == pytest.approx([west, south, east, north], abs=1e-6)
            assert f": {len(frame)}" in read.dataquality.lineage


def test_columns_and_values_are_described_in_the_package_itself(package):
    title, constraint = package[1].execute(
        "SELECT title, constraint_name FROM gpkg_data_columns WHERE table_name = 'hospitals' AND column_name = 'status'"
    ).fetchone()  # fmt: skip
    assert (title, constraint) == ("状态", "status")
    values = dict(package[1].execute("SELECT value, description FROM gpkg_data_column_constraints WHERE constraint_name = 'status'"))  # fmt: skip
    assert values == {"existing": "现状", "planned": "规划", "announced": "拟议"}


def test_results_say_what_they_are_worth_as_layers_do(town, package):
    worst = max(float(layer.located["accuracy_m"].max()) for layer in town.layers.values() if len(layer.located))  # fmt: skip
    for name in ("result_bands", "result_demand", "result_isochrones"):
        frame = gpd.read_file(package[0], layer=name)
        assert set(frame["quality"]) == {"modelled"} and frame["accuracy_m"].min() >= worst
        assert frame["source"].str.startswith("urbanplan").all() and (frame["licence"] == "MIT").all()  # fmt: skip
        assert (frame["as_of"].astype(str) == "2020").all()


# Rules ---------------------------------------------------------------------------------------

STATUS = st.sampled_from(["existing", "planned", "announced"])
QUALITY = st.sampled_from(["surveyed", "derived", "schematic", "modelled"])
CLASS = st.sampled_from(["expressway", "trunk", "primary", "secondary"])


@given(st.lists(st.tuples(STATUS, QUALITY, CLASS), min_size=1, max_size=40))
def test_every_row_of_a_layer_is_drawn_by_exactly_one_rule(rows):
    frame = pd.DataFrame(rows, columns=["status", "quality", "class"])
    for kind in ("roads", "parks", "hospitals"):
        rules = rules_of(load_catalog().layer(kind), frame)
        assert (sum(r.holds(frame).astype(int) for r in rules) == 1).all()
        assert rules[-1].otherwise and len({r.key for r in rules}) == len(rules)
        # Schematic and modelled things look different from what is known.
        for rule in rules[:-1]:
            quality, status = dict(rule.where)["quality"][0], dict(rule.where)["status"][0]
            if status == "existing":
                loose = quality in ("schematic", "modelled")
                assert bool(rule.look.dash_mm or rule.look.hatch) == loose


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=50))
def test_shades_part_the_figures(values):
    breaks = np.unique(np.quantile(values, [0.2, 0.4, 0.6, 0.8, 1.0]))
    rules = shaded("persons", breaks, ["#000000"] * len(breaks))
    frame = pd.DataFrame({"persons": values})
    assert (sum(r.holds(frame).astype(int) for r in rules) == 1).all()


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_values_stay_values_in_styles(text):
    """A rule's condition with any text as value: QGIS's and SLD's both hold it whole."""
    look = Look("polygon", "#112233", "#445566")
    rule = Rule("k", text, text, ((text or "c", (text, 5)),), look)
    condition = style.expression(rule)
    # One literal: a quote inside is doubled, so taking literals away leaves no text behind.
    bare = re.sub(r"'(?:[^'\\]|''|\\.)*'", "L", re.sub(r'"(?:[^"]|"")*"', "C", condition))
    assert bare == "C IN (L, 5)"
    clean = re.sub("[\x00-\x08\x0b-\x1f\x7f]", "", text).replace("\r", "\n")
    root = ET.fromstring(sld("t", text, [rule]))
    literals = [e.text for e in root.iter("{http://www.opengis.net/ogc}Literal")]
    assert [x.replace("\r", "\n") for x in literals] == [clean, "5"]
    qml = style.qml("polygon", style.renderer(text, [rule]))
    read = ET.fromstring(qml.split("\n", 1)[1])
    assert read.find(".//rule").get("symbol") == "0" and len(list(read.iter("rule"))) == 1
