"""The QGIS project and the styled GeoPackage in the real QGIS 3.22: what a GIS officer would find."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from PIL import Image
from pyproj import Geod

import gridtown
from patience import PATIENCE_S
from townfolder import write_town
from urbanplan.cli import cli
from urbanplan.output import formats, qgis
from urbanplan.output.qgis.project import layer_id
from urbanplan.output.qgis.style import rule_key
from urbanplan.output.style import drawn_of, tables_of

pytestmark = pytest.mark.client
PROBE = Path(__file__).parent / "qgis_probe.py"


def in_qgis(script, *args, home):
    """Run a script with Debian's Python, which has QGIS; give back its output and what it warned of."""
    done = subprocess.run(
        ["/usr/bin/python3", str(script), *map(str, args)],
        capture_output=True, text=True, timeout=PATIENCE_S,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": "", "HOME": str(home),
             "XDG_RUNTIME_DIR": str(home)},
    )  # fmt: skip
    assert "RESULT" in done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout.split("RESULT")[1]), done.stderr


@pytest.fixture(scope="module")
def seen(atlas, tmp_path_factory):
    """What QGIS finds in the project that a run leaves, moved to a folder with another name."""
    folder = tmp_path_factory.mktemp("qgis") / "moved 目录"
    folder.mkdir()
    for name in ("geopackage", "raster", "qgis"):
        shutil.copy(atlas[2][name], folder)
    project = folder / atlas[2]["qgis"].name
    out, warned = in_qgis(PROBE, project, folder, home=folder)
    return out, warned, folder


def test_it_opens_without_a_word(seen):
    out, warned, _ = seen
    assert out["read"] and out["error"] == "" and out["said"] == []
    assert "partially supported" not in warned
    assert out["macros"] == "" and out["absolute"] is False


def test_every_layer_is_valid_complete_and_named_in_chinese(seen, atlas):
    out, results = seen[0], atlas[0]
    tables = tables_of(results)
    for one in drawn_of(results):
        row = out["layers"][layer_id(one.id)]
        assert row["valid"] and row["name"] == one.name_zh, one.id
        assert row["count"] == len(one.rows(tables)), one.id
        assert re.search("[\u4e00-\u9fff]", row["name"])
        if one.geometry != "none":
            assert row["crs"] == "EPSG:4490" and row["renderer"] == "RuleRenderer"
            here, there = np.array(one.rows(tables).total_bounds), np.array(row["extent"])
            # Things that are published by name only have no extent.
            if one.table == one.id and np.isfinite(here).all():
                assert np.abs(here - there).max() < 1e-6, one.id
    raster = out["layers"][layer_id("minutes")]
    assert raster["valid"] and raster["crs"] == results.grid.crs
    assert len(out["layers"]) == len(drawn_of(results)) + 1
    assert all(not Path(r["source"].split("|")[0]).is_absolute() or "moved 目录" in r["source"] for r in out["layers"].values())  # fmt: skip


def test_it_measures_in_the_citys_zone_on_the_right_ellipsoid(seen, atlas):
    assert seen[0]["crs"] == atlas[0].city.metric_crs and seen[0]["ellipsoid"] == "EPSG:1024"


def test_groups_follow_the_plans_chapters(seen, atlas):
    from urbanplan.output.style import chapters

    drawn = drawn_of(atlas[0])
    wanted = {}
    for key, names in chapters().items():
        here = [d.name_zh for d in drawn if d.chapter == key]
        tasks = {n for d in drawn if d.chapter == key for n in atlas[0].plan.plan.tasks_of(d.table)}
        serves = f"（任务{'、'.join(map(str, sorted(tasks)))}）" if tasks else ""
        if here:
            wanted[names["zh"] + serves] = sorted(here)
    assert any("任务" in name for name in wanted)
    groups = {name: sorted(n for n in rows if "minutes" not in n) for name, rows in seen[0]["groups"].items()}  # fmt: skip
    assert groups == wanted and list(seen[0]["groups"]) == list(wanted)
    opened = {layer_id(d.id) for d in drawn if d.shown and d.geometry != "none"}
    assert set(seen[0]["shown"]) == opened


def test_every_rule_draws_something_and_every_row_has_a_rule(seen, atlas):
    results, drawn_rules = atlas[0], 0
    tables = tables_of(results)
    for one in drawn_of(results):
        if one.geometry == "none":
            continue
        rules = seen[0]["layers"][layer_id(one.id)]["rules"]
        # Whatever an editor adds later is drawn as well.
        assert ("其他" in rules) == (one.chapter not in ("results", "scenarios"))
        assert set(rules) == {r.name_zh for r in one.rules}
        rows = one.rows(tables)
        rows = rows[~(shapely.is_missing(rows.geometry) | shapely.is_empty(rows.geometry))]
        if not len(rows):
            continue
        hits = sum(rule.holds(rows).astype(int) for rule in one.rules)
        if one.table == "result_demand":
            assert (hits[rows["persons"].notna()] == 1).all()
        else:
            assert (hits == 1).all(), one.id
        for rule in one.rules:
            if rule.holds(rows).any():
                # A white ground and at least one colour more.
                assert rules[rule.name_zh][0] >= 2, (one.id, rule.name_zh)
                drawn_rules += 1
    assert drawn_rules > 100


def test_names_are_written_in_chinese_from_a_scale_on(seen, atlas):
    written = 0
    for one in drawn_of(atlas[0]):
        labels = seen[0]["layers"][layer_id(one.id)].get("labels")
        if one.label_scale is None:
            assert labels is None
        elif len(one.rules) > 1:
            assert labels[0] == "name_zh" and labels[2] == one.label_scale, one.id
            # A name of two characters darkens at least some thirty pixels.
            assert labels[1] > 30, one.id
            written += 1
    assert written >= 8


def test_columns_and_their_codes_are_told_in_chinese(seen):
    fields = seen[0]["layers"][layer_id("hospitals")]["fields"]
    assert fields["beds"][0] == "床位" and fields["quality"][0] == "数据质量"
    assert {"现状": "existing"} in fields["status"][1] and {"示意": "schematic"} in fields["quality"][1]  # fmt: skip
    bands = seen[0]["layers"][layer_id("bands_hospitals_walk")]["fields"]
    assert bands["minutes"][0] == "时限" and {"步行": "walk"} in bands["mode"][1]
    unnamed = {
        (row["name"], c)
        for row in seen[0]["layers"].values()
        for c, (alias, _) in row.get("fields", {}).items()
        if not re.search("[\u4e00-\u9fff]", alias)
    }
    allowed = {"standard", "edition", "page", "level", "applies_to", "metric", "of", "own", "replaces", "block", "check", "layer", "measure", "published", "drawn", "difference", "tolerance"}  # fmt: skip
    assert {c for _, c in unnamed} <= allowed, unnamed


def test_metadata_says_source_licence_and_what_it_must_not_be_taken_for(seen, atlas):
    row = seen[0]["layers"][layer_id("hospitals")]
    frame = atlas[0].layers["hospitals"].frame
    assert row["licences"] == sorted(set(frame["licence"]))
    assert set(row["history"]) == set(frame["source"])
    assert row["rights"] == [atlas[0].city.notice_zh] and row["title"].startswith("医院")


def test_themes_show_what_their_names_say(seen, atlas):
    themes, results = seen[0]["themes"], atlas[0]
    plan, drawn = results.city.analysis, {d.id: d for d in drawn_of(results)}
    stages = [n for n in themes if n.split()[0][:2] in ("现状", "规划", "远景")]
    assert sorted(stages) == sorted(["现状 Existing", "规划2025（已定项目）Planned", "远景2035（含拟议项目）Announced"])  # fmt: skip
    _, checked = themes["现状 Existing"]
    keys = {rule_key("bridges", r) for r in drawn["bridges"].rules if r.otherwise or dict(r.where)["status"] == ("existing",)}  # fmt: skip
    assert set(checked[layer_id("bridges")]) == keys and len(keys) < len(drawn["bridges"].rules)
    headline = drawn[f"bands_{plan.headline_facilities}_{plan.headline_mode}"]
    for minutes in plan.minutes:
        visible, checked = themes[f"{headline.name_zh} ≤ {minutes:g} 分钟"]
        wanted = {rule_key(headline.id, r) for r in headline.rules if r.where[0][1][0] <= minutes}
        assert layer_id(headline.id) in visible and set(checked[layer_id(headline.id)]) == wanted
    assert any("未覆盖" in name for name in themes)
    own = [d for d in drawn.values() if d.chapter == "scenarios"]
    assert {f"情景 {d.name_zh}" for d in own} == {n for n in themes if n.startswith("情景")}
    others = 3 + len(plan.minutes) + len(plan.facilities) * len(plan.modes) - 1 + 3
    # Whatever of a task is on the map, is in its theme; what the plan does not publish has none.
    tasks = [n for n in themes if n.startswith("任务")]
    assert len(own) > 10 and len(themes) == others + len(own) + len(tasks)
    numbers = {int(n.split()[0].removeprefix("任务")) for n in tasks}
    assert numbers == {1, 2, 3, 4, 5, 6, 8, 9, 10}
    assert layer_id("hospitals") in themes["任务8 基本公共服务均等化便利化"][0]


def test_bookmarks_lead_to_each_district(seen, atlas):
    names = [n for n, _ in seen[0]["bookmarks"]]
    assert names == [atlas[0].city.name_zh, *atlas[0].layers["districts"].frame["name_zh"]]
    assert {c for _, c in seen[0]["bookmarks"]} == {atlas[0].city.metric_crs}


def test_sheets_are_exported_to_paper(seen, atlas):
    out, _, folder = seen
    assert len(out["layouts"]) == 2
    for row in out["layouts"].values():
        assert row["pdf"] == 0 and row["png"] == 0 and row["size"] == [420, 297]
        for item in ("Map", "Legend", "ScaleBar", "Picture"):
            assert f"QgsLayoutItem{item}" in row["items"]
        assert row["items"].count("QgsLayoutItemLabel") == 3
    pages = [r["pages"] for r in out["layouts"].values() if r["pages"]]
    assert [sorted(p) for p in pages] == [sorted(atlas[0].layers["districts"].frame["name_zh"])]
    for name in ("sheet", "atlas"):
        pdf = (folder / f"{name}.pdf").read_bytes()
        # GDAL writes a page's object again to note where on earth it lies.
        pages = set(re.findall(rb"(\d+) 0 obj\s*<<\s*/Type\s*/Page\b", pdf))
        assert pdf.startswith(b"%PDF") and len(pages) == (3 if name == "atlas" else 1)
        picture = np.asarray(Image.open(folder / f"{name}.png").convert("RGB"))
        # Title, map, legend and sources: each of them has ink on it.
        high, wide, _ = picture.shape
        parts = {"title": (8, 18, 10, 200), "map": (30, 250, 12, 300), "legend": (28, 120, 326, 400), "sources": (274, 285, 10, 380)}  # fmt: skip
        for part, (top, bottom, left, right) in parts.items():
            box = picture[int(top / 297 * high) : int(bottom / 297 * high), int(left / 420 * wide) : int(right / 420 * wide)]  # fmt: skip
            assert (box.min(axis=2) < 120).mean() > 0.002, (name, part)


def test_the_project_inside_the_package_opens_too(atlas, tmp_path):
    package = tmp_path / "luzhou.gpkg"
    shutil.copy(atlas[2]["geopackage"], package)
    name = atlas[0].city.name_zh
    out, _ = in_qgis(PROBE, f"geopackage:{package}?projectName={name}", tmp_path, "--quick", home=tmp_path)  # fmt: skip
    assert out["read"] and all(row["valid"] for row in out["layers"].values())
    assert len(out["layers"]) == len(drawn_of(atlas[0])) and len(out["layouts"]) == 2


STYLES = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer, QgsProviderRegistry
app = QgsApplication([], False); app.initQgis()
package, names, slds = sys.argv[1], sys.argv[2].split(","), json.loads(open(sys.argv[3]).read())
out = {}
for name in names:
    layer = QgsVectorLayer(f"{package}|layername={name}", name, "ogr")
    plain = QgsVectorLayer(f"{package}|layername={name}", name, "ogr")
    said, ok = plain.loadSldStyle(slds[name])
    sld = plain.renderer()
    out[name] = dict(
        renderer=layer.renderer().type(), rules=[r.label() for r in layer.renderer().rootRule().children()],
        labels=layer.labelsEnabled(), alias=layer.attributeAlias(layer.fields().indexOf("quality")),
        title=layer.metadata().title(), sld=[ok, said, sld.type(), len(sld.rootRule().children()) if sld.type() == "RuleRenderer" else 1],
    )
print("RESULT" + json.dumps(out))
"""


def test_a_layer_that_is_simply_added_is_styled_and_its_sld_is_read(atlas, tmp_path):
    results, package = atlas[0], atlas[2]["geopackage"]
    tables = [n for n, t in tables_of(results).items() if "geometry" in t.columns]
    with sqlite3.connect(f"file:{package}?mode=ro", uri=True) as base:
        stored = dict(base.execute("SELECT f_table_name, styleSLD FROM layer_styles"))
    assert set(stored) == set(tables)
    slds = {}
    for name, text in stored.items():
        slds[name] = str(tmp_path / f"{name}.sld")
        Path(slds[name]).write_text(text, "utf-8")
    (tmp_path / "slds.json").write_text(json.dumps(slds), "utf-8")
    script = tmp_path / "styles.py"
    script.write_text(STYLES, "utf-8")
    out, _ = in_qgis(script, package, ",".join(tables), tmp_path / "slds.json", home=tmp_path)
    drawn = {d.table: d for d in drawn_of(results) if d.id == d.table}
    for name, row in out.items():
        assert row["renderer"] == "RuleRenderer" and row["title"], name
        assert row["alias"] == "数据质量", name
        assert row["sld"][0], (name, row["sld"][1])
        if name in drawn:
            assert row["rules"] == [r.name_zh for r in drawn[name].rules]
            assert row["labels"] == (drawn[name].label_scale is not None)
            assert row["sld"][3] >= len(drawn[name].rules), name


EDIT = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer, QgsFeature, QgsGeometry, QgsPointXY
app = QgsApplication([], False); app.initQgis()
lon, lat = map(float, sys.argv[2:4])
def opened(name): return QgsVectorLayer(f"{sys.argv[1]}|layername={name}", name, "ogr")
land = opened("built_up"); land.startEditing()
one = next(land.getFeatures())
shape = one.geometry(); v = shape.vertexAt(0)
shape.moveVertex(v.x() + 0.0003, v.y(), 0); land.changeGeometry(one.id(), shape)
assert land.commitChanges(), land.commitErrors()
beds = opened("hospitals"); beds.startEditing()
rows = {f["id"]: f.id() for f in beds.getFeatures()}
beds.changeAttributeValue(rows["h1"], beds.fields().indexOf("beds"), 1234)
new = QgsFeature(beds.fields()); new["name_zh"] = "新医院"; new["status"] = "existing"
new.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(lon, lat))); beds.addFeature(new)
beds.deleteFeature(rows["h2"])
assert beds.commitChanges(), beds.commitErrors()
print("RESULT" + json.dumps([one["id"], v.y()]))
"""


def invoke(*args):
    done = CliRunner().invoke(cli, ["-q", *map(str, args)])
    assert done.exit_code in (0, 1), done.output
    return done.stdout


def test_what_is_edited_in_qgis_comes_back(tmp_path):
    """A vertex moved, a value changed, a feature added and one deleted, by QGIS itself."""
    folder = write_town(tmp_path / "town")
    first, second = tmp_path / "first", tmp_path / "second"
    invoke("run", folder, "--out", first)
    package, script = first / "gridtown.gpkg", tmp_path / "edit.py"
    assert json.loads(invoke("changes", folder, package, "--json")) == []
    script.write_text(EDIT, "utf-8")
    place = gpd.GeoSeries([shapely.Point(gridtown.centre(5, 3))], crs=gridtown.CRS).to_crs(4326)[0]
    (land, lat), _ = in_qgis(script, package, place.x, place.y, home=tmp_path)
    before, layers = package.read_bytes(), {p: p.read_bytes() for p in folder.rglob("*.geojson")}
    rows = json.loads(invoke("changes", folder, package, "--json"))
    told = {(r["layer"], r["change"]): r for r in rows}
    assert len(told) == len(rows) == 4
    moved = told["built_up", "moved"]
    metres = Geod(ellps="WGS84").inv(105.4, lat, 105.4003, lat)[2]
    assert moved["id"] == land and moved["metres"] == pytest.approx(metres, abs=0.05)
    changed = told["hospitals", "changed"]
    assert (changed["id"], changed["column"]) == ("h1", "beds")
    assert (changed["before"], changed["after"]) == (100, 1234)
    assert told["hospitals", "removed"]["id"] == "h2"
    assert told["hospitals", "added"]["name_zh"] == "新医院"
    # A run with the edits counts them, and touches neither the package nor the city.
    invoke("run", folder, "--layers", package, "--out", second)
    tables = [pd.read_csv(x / "coverage.csv") for x in (first, second)]
    covered = [t[(t["area"] == "ALL") & (t["mode"] == "walk")]["persons_covered"].sum() for t in tables]  # fmt: skip
    assert covered[1] > covered[0] and len(pd.read_csv(second / "changes.csv")) == 4
    assert package.read_bytes() == before
    assert {p: p.read_bytes() for p in folder.rglob("*.geojson")} == layers
    # Taken over, the city holds them; the next look finds nothing more.
    invoke("import", package, "--into", folder)
    assert json.loads(invoke("changes", folder, package, "--json")) == []
    held = gpd.read_file(folder / "hospitals.geojson").set_index("name_zh")
    assert (
        held.loc["新医院", "source"].startswith("手工编辑")
        and held.loc["新医院", "accuracy_m"] == 100
    )
    assert "h2" not in set(held["id"]) and held.loc["新医院", "district"] == "南岸"


@pytest.mark.parametrize("crs", ["EPSG:4523", "4326"])
def test_other_systems_are_stored_as_they_are_named(atlas, tmp_path, crs):
    results = atlas[0]
    formats.write_package(results, tmp_path / "city.gpkg", crs)
    qgis.write(results, tmp_path / "city.qgz", crs=crs, raster=None)
    out, _ = in_qgis(PROBE, tmp_path / "city.qgz", tmp_path, "--quick", home=tmp_path)
    code = {"4326": "EPSG:4326"}.get(crs, crs)
    parks = out["layers"][layer_id("parks")]
    assert parks["valid"] and parks["crs"] == code
    wanted = results.layers["parks"].located.to_crs(code).total_bounds
    assert np.abs(np.array(parks["extent"]) - wanted).max() < (1e-6 if code == "EPSG:4326" else 0.01)  # fmt: skip


def test_validators_of_gdal_find_no_fault(atlas):
    for check, name in (("validate_gpkg", "geopackage"), ("validate_cloud_optimized_geotiff", "raster")):  # fmt: skip
        done = subprocess.run(
            ["/usr/bin/python3", "-m", f"osgeo_utils.samples.{check}", str(atlas[2][name])],
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "is NOT" not in done.stdout and "Error" not in done.stdout


def test_the_archive_holds_the_project_alone(atlas):
    with zipfile.ZipFile(atlas[2]["qgis"]) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    assert name == "luzhou.qgs" and str(Path.home()) not in text and "/tmp" not in text
    sources = re.findall(r"<datasource>([^<]*)</datasource>", text)
    assert len(sources) > 40 and all(s.startswith("./") for s in sources)
