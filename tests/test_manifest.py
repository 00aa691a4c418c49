"""What a manifest lists is refused by name when a bit of it is gone or turned."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import pagereader
from test_import import LAT, LON, deliver, square, tif
from test_init import command
from townfolder import write_town
from urbanplan import study
from urbanplan.city.layers import load_layer
from urbanplan.city.profile import load_city
from urbanplan.errors import InputError
from urbanplan.files import manifest
from urbanplan.measures.indicators import check_up
from urbanplan.output import report
from urbanplan.output.report.model import Text
from urbanplan.sources.osm import read_osm, write_osm
from urbanplan.sources.streets import clipped
from urbanplan.study.checkup import scene_of, standards_of

#: One file of every format that a city's folder holds.
NAMES = ("parks.geojson", "population.tif", "streets.osm.pbf", "facts.csv", "checks.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, helsinki_pbf):
    """A city whose manifest lists a layer, a raster, streets, a table and rules."""
    import shapely
    from click.testing import CliRunner

    from urbanplan.cli import cli

    made = tmp_path_factory.mktemp("listed")
    city = made / "city"
    park = deliver(made / "p.geojson", [square()], name=["公园"])
    people = tif(made / "p.tif", np.ones((10, 10)))
    for args in (
        ("init", city, "--adcode", "510502"),
        ("import", park, "--kind", "parks", "--into", city),
        ("import", people, "--kind", "population", "--into", city),
    ):
        done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
        assert done.exception is None, done.exception
    layers = city / "layers"
    streets = clipped(read_osm(helsinki_pbf), shapely.box(24.94, 60.168, 24.945, 60.172))
    with manifest.replacing(layers, "streets.osm.pbf", {"built_from": []}, {}) as new:
        write_osm(new, streets)
    for name in ("facts.csv", "checks.toml"):
        content = (layers / name).read_bytes()
        with manifest.replacing(layers, name, {"built_from": []}, {}) as new:
            new.write_bytes(content)
    assert (LON, LAT) and set(NAMES) <= set(manifest.read_manifest(layers)["files"])
    return city


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["cut", "flip"])
def test_two_hundred_damages_of_each_format_are_refused_by_name(folder, name, how):
    chance = random.Random(f"{name} {how}")
    path, city = folder / "layers" / name, load_city(folder)
    whole = path.read_bytes()
    refused = 0
    try:
        for _ in range(200):
            damaged = bytearray(whole[: chance.randrange(len(whole))] if how == "cut" else whole)
            if how == "flip":
                damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=f"{name}: differs from what manifest.toml lists"):
                city.find(name)
            refused += 1
    finally:
        path.write_bytes(whole)
    assert refused == 200 and city.find(name) == path


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("parks.geojson", ("layers",)),
        ("facts.csv", ("check",)),
        ("checks.toml", ("check",)),
        ("population.tif", ("coverage", "--facilities", "parks")),
        ("streets.osm.pbf", ("coverage", "--facilities", "parks")),
    ],
)
def test_every_command_that_reads_a_file_refuses_its_damage(folder, tmp_path, capsys, name, args):
    city = tmp_path / "city"
    shutil.copytree(folder, city)
    path = city / "layers" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, _, err = command(capsys, args[0], city, *args[1:])
    assert code == 2 and name in err and "differs" in err


def test_the_embedded_city_is_held_to_its_manifest(luzhou):
    assert {"city.toml", "study.toml", "parks.geojson"} <= set(luzhou.manifest["files"])
    for name in luzhou.manifest["files"]:
        assert luzhou.find(name).name == name


def test_origins_that_nothing_comes_from_are_forgotten(folder, tmp_path, capsys):
    city = tmp_path / "city"
    shutil.copytree(folder, city)
    other = deliver(tmp_path / "q.geojson", [square(0.02)], name=["其他"])
    assert command(capsys, "import", other, "--kind", "parks", "--into", city, "--replace")[0] == 0
    origins = manifest.read_manifest(city / "layers")["origins"]
    titles = {row["title"] for row in origins.values()}
    assert "q.geojson" in titles and "p.geojson" not in titles and "p.tif" in titles


class Killed(BaseException):
    """As if the process had been killed."""


@pytest.mark.parametrize("there", [False, True])
def test_wherever_a_writer_is_stopped_the_folder_can_be_read(tmp_path, monkeypatch, there):
    import os
    from pathlib import Path

    from urbanplan.files import has, write_text

    name, calls, stop = "a.geojson", [0], [0]
    real = {"sync": os.fsync, "move": Path.replace}

    def counted(kind):
        def call(*args):
            calls[0] += 1
            if calls[0] == stop[0]:
                raise Killed
            return real[kind](*args)

        return call

    monkeypatch.setattr(os, "fsync", counted("sync"))
    monkeypatch.setattr(Path, "replace", counted("move"))

    def write(folder, content):
        with manifest.replacing(folder, name, {"built_from": []}, {}) as new:
            write_text(new, content)

    for n in range(1, 200):
        folder = tmp_path / str(n)
        folder.mkdir()
        stop[0] = 0
        if there:
            write(folder, "old")
        calls[0], stop[0] = 0, n
        try:
            write(folder, "new")
        except Killed:
            said = manifest.read_manifest(folder)
            if has(folder / name):
                assert manifest.verify(folder / name, said).read_text() in ("old", "new")
            else:
                assert not there and not manifest.lists(said, name)
            # Writing again ends well.
            stop[0] = 0
            write(folder, "newer")
            manifest.verify(folder / name, manifest.read_manifest(folder))
        else:
            break
    assert n >= 10


# ---------------------------------------------------------------- what the data lacks


def half(values, west, step, path, **how):
    """A raster whose first column begins at `west`, north edge at the town's."""
    return tif(path, values, west=west, north=LAT + 0.1, step=step, **how)


@pytest.fixture
def plain(tmp_path, capsys):
    """A city that is a rectangle: 0.2 by 0.2 degrees around LON, LAT."""
    area = shapely.box(LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1)
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[area], crs=4326).to_file(tmp_path / "b.gpkg")
    assert command(capsys, "init", tmp_path / "x", "--boundary", tmp_path / "b.gpkg")[0] == 0
    return tmp_path / "x"


def scattered(values):
    """Only every third cell has a value: nobody lives in the others."""
    out = np.full(values.shape, np.nan)
    out[::3, ::3] = values[::3, ::3]
    return out


def right_half_empty(values):
    out = values.copy()
    out[:, values.shape[1] // 2 :] = np.nan
    return out


@pytest.mark.parametrize("kind", ["population", "heights"])
@pytest.mark.parametrize(
    ("make", "columns", "covered", "void"),
    [
        (lambda v: v, 20, None, None),
        (lambda v: v, 10, 0.5, None),
        (lambda v: v, 2, 0.1, None),
        (right_half_empty, 20, 0.5, None),
        (scattered, 20, None, 8 / 9),
        (scattered, 10, 0.5, 0.5 * 8 / 9),
    ],
)
def test_a_raster_says_how_much_of_the_city_it_covers(
    plain, tmp_path, capsys, kind, make, columns, covered, void
):
    values = make(np.ones((20, columns)))
    path = half(values, LON - 0.1, 0.01, tmp_path / "r.tif", nodata=-9)
    code, _, err = command(capsys, "import", path, "--kind", kind, "--into", plain)
    assert code == 0, err
    (name,) = {p.name for p in (plain / "layers").glob("*.tif")}
    gaps = {g.kind: g for g in manifest.held_of(load_city(plain).manifest, name)[1]}
    assert set(gaps) == {k for k, v in (("covered", covered), ("void", void)) if v is not None}
    for kind_of_gap, share in (("covered", covered), ("void", void)):
        if share is not None:
            # Of 40,000 places that are looked at.
            assert gaps[kind_of_gap].share == pytest.approx(share, abs=0.02)
            assert gaps[kind_of_gap].origin.startswith("r.tif-")
    if covered is not None:
        assert f"the raster covers {covered:.0%} of the city" in err
    # One that covers the city takes its place, and nothing is lacking any more.
    path = half(np.ones((20, 20)), LON - 0.1, 0.01, tmp_path / "s.tif")
    again = command(capsys, "import", path, "--kind", kind, "--into", plain, "--replace")
    assert again[0] == 0 and "covers" not in again[2]
    assert not manifest.held_of(load_city(plain).manifest, name)[1]


def test_a_raster_in_metres_covers_what_it_covers(plain, tmp_path, capsys):
    area = load_layer(load_city(plain), "study_area").frame.to_crs("EPSG:4544")
    west, south, east, north = area.total_bounds
    # As far as two thirds of the way east, judged by another library's areas.
    stop = west + (east - west) * 2 / 3
    step = (stop - west) / 40
    rows = int(np.ceil((north - south) / step))
    path = tif(tmp_path / "m.tif", np.ones((rows, 40)), west, north, step, "EPSG:4544")
    truth = area.intersection(shapely.box(west, north - rows * step, stop, north)).area / area.area
    assert command(capsys, "import", path, "--kind", "population", "--into", plain)[0] == 0
    (gap,) = manifest.held_of(load_city(plain).manifest, "population.tif")[1]
    assert gap.share == pytest.approx(truth.iloc[0], abs=0.01)


def test_features_refused_stay_known_and_edits_and_more_features_do_not_forget_them(
    plain, tmp_path, capsys
):
    shapes = [square(), shapely.Point(LON, LAT), shapely.Point(LON, LAT), square(east=5.0)]
    path = deliver(tmp_path / "p.geojson", shapes, name=list("abcd"))
    assert command(capsys, "import", path, "--kind", "parks", "--into", plain)[0] == 0
    one = manifest.DataGap("refused", None, 2, "几何类型不符 / geometry of another kind", "")
    (gap,) = manifest.held_of(load_city(plain).manifest, "parks.geojson")[1]
    # The one in another county lacks nowhere in the city.
    assert replace(gap, origin="") == one and gap.origin.startswith("p.geojson-")
    more = deliver(tmp_path / "q.geojson", [square(north=0.02)], name=["e"])
    for again in (more, path):
        args = ("import", again, "--kind", "parks", "--into", plain, "--append")
        assert command(capsys, *args)[0] == 0
    assert manifest.held_of(load_city(plain).manifest, "parks.geojson")[1] == (gap,)
    assert manifest.held_of(load_city(plain).manifest, "parks.geojson")[0] == (
        gap.origin, next(o for o in load_city(plain).manifest["origins"] if o.startswith("q."))
    )  # fmt: skip
    whole = command(capsys, "import", more, "--kind", "parks", "--into", plain, "--replace")
    assert whole[0] == 0 and not manifest.held_of(load_city(plain).manifest, "parks.geojson")[1]


@pytest.mark.parametrize(
    "gaps", ["5", "[1]", '[{ kind = "x" }]', '[{ kind = "covered", share = 2 }]', "[{ share = 1 }]",
             '[{ kind = "covered", colour = "red" }]', '[{ kind = "refused", count = "many" }]']
)  # fmt: skip
def test_what_is_no_gap_is_refused(plain, capsys, gaps):
    path = plain / "layers/manifest.toml"
    text = path.read_text("utf-8").replace("features = 1\n", f"features = 1\ndata_gaps = {gaps}\n")
    path.write_text(text, "utf-8")
    code, _, err = command(capsys, "layers", plain)
    assert code == 2 and "manifest.toml" in err and "Traceback" not in err


def lacking(folder, name, *gaps):
    """List a file of a folder as it is, and what it lacks."""
    content = (folder / name).read_bytes()
    row = manifest.with_gaps({"built_from": ["somewhere"]}, gaps)
    with manifest.replacing(folder, name, row, {"somewhere": {"title": "t"}}) as new:
        new.write_bytes(content)


COVERED = manifest.DataGap("covered", share=0.11, origin="somewhere")
LEFT_OUT = manifest.DataGap("left_out", count=7, why="无法闭合 / not closed", origin="somewhere")
STANDARDS = """
[standard]
name_zh = "标准"
name_en = "Standard"
document = "X 1-2020"
edition = "2020"

[indicators.homes]
name_zh = "家"
name_en = "homes"
measure = "minutes"
layer = "hospitals"
mode = "drive"
minutes = 500
of = "people"
threshold = 0.5
direction = "at_least"
unit = "share"
clause = "1"
level = "obligatory"
grade = "V"
source = "here"
"""


def town(folder, *gaps):
    """The grid town with a layer of hospitals that lacks something, and a standard that is met."""
    write_town(folder)
    (folder / "standards.toml").write_text(STANDARDS, "utf-8")
    for path in folder.glob("*.geojson"):
        # What is only schematic is not judged.
        path.write_text(path.read_text("utf-8").replace("schematic", "surveyed"), "utf-8")
    if gaps:
        lacking(folder, "hospitals.geojson", *gaps)
    return folder


def verdict(folder):
    table = study.prepare(load_city(folder))
    found = check_up({"homes": standards_of(load_city(folder))["homes"]}, scene_of(table))
    return found.set_index("area").loc["ALL"]


@pytest.mark.parametrize(
    ("share", "given"), [(1.0, True), (0.95, True), (0.9499, False), (0.11, False), (0.0, False)]
)
def test_no_verdict_rests_on_a_city_that_is_covered_less_than_nineteen_twentieths(
    tmp_path, share, given
):
    # Every home reaches the hospital within 500 minutes.
    row = verdict(town(tmp_path / "c", replace(COVERED, share=share)))
    if given:
        assert (row["verdict"], row["value"]) == ("met", 1.0)
    else:
        assert row["verdict"] == "cannot be told" and np.isnan(row["value"])
        said = {0.9499: "94.9", 0.11: "11", 0.0: "0"}[share]
        assert row["why"] == (f"数据只覆盖城市面积的{said}% / the data covers {said}% of the city")


@pytest.mark.parametrize(
    "name", ["population", "hospitals", "roads", "bridges", "water", "built_up"]
)
def test_a_verdict_rests_on_whatever_it_is_computed_from(tmp_path, name):
    folder = town(tmp_path / "c")
    assert verdict(folder)["verdict"] == "met"
    lacking(folder, f"{name}.geojson", COVERED)
    assert verdict(folder)["verdict"] == "cannot be told"


def test_a_verdict_does_not_rest_on_what_it_does_not_need(tmp_path):
    folder = town(tmp_path / "c")
    lacking(folder, "river_lines.geojson", COVERED)
    lacking(folder, "hospitals.geojson", LEFT_OUT)
    assert verdict(folder)["verdict"] == "met"


def test_what_the_data_lacks_stands_in_every_output(tmp_path, capsys):
    folder, out = town(tmp_path / "c", COVERED, LEFT_OUT), tmp_path / "out"
    lacking(folder, "population.geojson", COVERED)
    assert command(capsys, "run", folder, "--out", out)[0] == 0
    both = "医院、人口分区只覆盖城市面积的11%；其外的一律按没有计 / data of Hospitals, Population zones covers 11% of the city; what lies outside counts as not there"
    shapes = "医院：有7项未采用（无法闭合） / data of Hospitals: 7 things left out (not closed)"
    rows = pd.read_csv(out / "data_gaps.csv", dtype=str, keep_default_na=False).to_dict("records")
    assert [(r["file"], r["kind"], r["share"], r["count"]) for r in rows] == [
        ("hospitals.geojson", "covered", "0.11", ""), ("hospitals.geojson", "left_out", "", "7"),
        ("population.geojson", "covered", "0.11", ""),
    ]  # fmt: skip
    log = json.loads((out / "run.json").read_text("utf-8"))
    assert [g["share"] for g in log["data_gaps"]] == [0.11, None, 0.11]
    page = pagereader.values((out / "index.html").read_text("utf-8"))
    for findings in (log["findings"], page["findings"]):
        assert both in findings and shapes in findings
    with sqlite3.connect(out / "gridtown.gpkg") as base:
        assert base.execute("SELECT count(*) FROM result_data_gaps").fetchone() == (3,)
        notes = dict(base.execute(
            "SELECT table_name, metadata FROM gpkg_metadata_reference JOIN gpkg_metadata"
            " ON md_file_id = gpkg_metadata.id WHERE md_standard_uri LIKE '%isotc211%'"
        ))  # fmt: skip
    assert "医院只覆盖城市面积的11%" in notes["hospitals"] and both in notes["result_bands"]
    assert "只覆盖" not in notes["roads"]
    results = study.run(load_city(folder))
    for lang, text in (("zh", both.split(" / ")[0]), ("en", both.split(" / ")[1])):
        blocks = [b for s in report.report(results, lang, pictures=None).sections for b in s.blocks]
        assert text in {b.text for b in blocks if isinstance(b, Text)}
