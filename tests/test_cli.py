"""The command line as its users meet it: tables, files, exit codes, one-sentence errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest

from pagereader import plain, values
from townfolder import write_town
from urbanplan import __version__
from urbanplan.cli import main
from urbanplan.cli.show import Screen


@pytest.fixture
def town(tmp_path):
    return str(write_town(tmp_path / "town"))


def call(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        main([*args])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def test_version(capsys):
    assert call(capsys, "--version")[:2] == (0, f"urbanplan, version {__version__}\n")


def test_coverage_table_as_json_is_the_arithmetic(capsys, town):
    code, out, _ = call(
        capsys,
        "-q",
        "coverage",
        town,
        "--facilities",
        "hospitals",
        "--mode",
        "drive",
        "--minutes",
        "1",
        "--json",
    )
    rows = {r["area"]: r for r in json.loads(out)}
    assert code == 0 and set(rows) == {"北岸", "南岸", "ALL"}
    assert rows["ALL"]["persons"] == pytest.approx(900)
    # Built-up and open land differ in pace by mode, so only what no pace can change is exact here:
    # the eight road cells are within a minute of the hospital.
    assert rows["北岸"]["persons_covered"] >= 70 and rows["南岸"]["persons_covered"] == 0


def test_opening_the_planned_bridge_brings_people_in(capsys, town):
    args = ("-q", "coverage", town, "--facilities", "hospitals", "--minutes", "5", "--json")
    before = {r["area"]: r["persons_covered"] for r in json.loads(call(capsys, *args)[1])}
    after = {
        r["area"]: r["persons_covered"]
        for r in json.loads(call(capsys, *args, "--open", "bridge_new")[1])
    }
    assert after["南岸"] > before["南岸"] and after["北岸"] == before["北岸"]


def test_layers_and_check(capsys, town):
    code, out, _ = call(capsys, "layers", town, "--json")
    rows = {r["layer"]: r for r in json.loads(out)}
    assert code == 0 and rows["hospitals"]["features"] == 3 and rows["hospitals"]["located"] == 2
    code, out, err = call(capsys, "check", town)
    assert code == 0 and "0 failed" in out
    assert err.splitlines()[-1].endswith(
        "(4 measured on what is drawn or counted, 0 carried as numbers), 0 failed"
    )


def test_one_layer_is_listed_and_written(capsys, town, tmp_path):
    path = tmp_path / "h.csv"
    code, out, err = call(capsys, "layers", town, "hospitals", "--out", str(path))
    table = pd.read_csv(path)
    assert code == 0 and str(path) in out and len(table) == 3 and table["lon"].notna().sum() == 2
    assert all(name in out for name in table["id"]) and "3 features, 2 with a place" in err
    code, out, err = call(capsys, "layers", town, "hospitals", "--json", "--out", str(path))
    assert len(json.loads(out)) == 3 and str(path) in err


def test_a_long_table_is_printed_in_part(capsys, tmp_path):
    screen, table = Screen(quiet=False), pd.DataFrame({"n": range(100, 1000)})
    screen.answer({"numbers": table}, tmp_path / "n.csv", False)
    told = capsys.readouterr()
    assert "129" in told.out and "130" not in told.out and "first 30 of 900 rows" in told.err
    assert len(pd.read_csv(tmp_path / "n.csv")) == 900


@pytest.mark.parametrize(
    "args",
    [
        ("coverage {town} --facilities hospitls", "hospitals"),
        ("coverage {town} --facilities hospitals --mode drives", "drive"),
        ("layers {town} hosptals", "hospitals"),
        ("compare {town} baseline second_brige", "second_bridge"),
        ("import f.csv --kind hospital --into {town}", "hospitals"),
        ("indicators {town} --standard GB55014-2O21", "GB55014-2021"),
    ],
    ids=lambda a: a[1],
)
def test_a_name_that_is_nearly_right_is_guessed(capsys, town, args):
    words, meant = args
    code, out, err = call(capsys, *(w.format(town=town) for w in words.split(" ")))
    assert code == 2 and not out and f"did you mean '{meant}'?" in err


def test_a_failed_check_is_exit_code_1(capsys, town, tmp_path):
    path = tmp_path / "town" / "facts.csv"
    path.write_text(path.read_text("utf-8").replace("900", "901"), "utf-8")
    assert call(capsys, "check", town)[0] == 1
    assert call(capsys, "run", town, "--out", str(tmp_path / "out"))[0] == 1
    assert (tmp_path / "out" / "coverage.csv").is_file()


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_isochrone_file(capsys, town, tmp_path, ending):
    out = tmp_path / f"iso.{ending}"
    frame = gpd.read_file(f"{town}/hospitals.geojson").iloc[0].geometry
    lon, lat = f"{frame.x:.6f}", f"{frame.y:.6f}"
    code, *_ = call(
        capsys,
        "isochrone",
        town,
        "--at",
        f"{lon},{lat}",
        "--mode",
        "walk",
        "--minutes",
        "5,2",
        "--out",
        str(out),
    )
    found = gpd.read_file(out)
    assert code == 0 and list(found["minutes"]) == [2, 5]
    assert set(found.columns) >= {"origin", "minutes", "mode", "area_km2", "quality"}
    found = found.to_crs(4544)
    assert found.area.iloc[1] > found.area.iloc[0] and found.is_valid.all()
    assert found.area.iloc[1] / 1e6 == pytest.approx(found["area_km2"].iloc[1], rel=1e-3)


@pytest.mark.parametrize(
    "args, says",
    [
        (["coverage", "atlantis", "--facilities", "hospitals"], "luzhou"),
        (["coverage", "TOWN", "--facilities", "spaceports"], "hospitals"),
        (["coverage", "TOWN", "--facilities", "hospitals", "--mode", "fly"], "walk, bike, drive"),
        (["coverage", "TOWN", "--facilities", "parks"], "parks.geojson"),
        (["coverage", "TOWN", "--facilities", "hospitals", "--minutes", "abc"], "5,15,30"),
        (["coverage", "TOWN", "--facilities", "hospitals", "--minutes", "-5"], "above 0"),
        (["coverage", "TOWN", "--facilities", "hospitals", "--minutes", "nan"], "above 0"),
        (["coverage", "TOWN", "--facilities", "hospitals", "--open", "bridge_old"], "bridge_new"),
        (
            ["isochrone", "TOWN", "--at", "104.0,28.8", "--out", "o.geojson"],
            "outside the study area",
        ),
        (["isochrone", "TOWN", "--at", "28.8,195.4", "--out", "o.geojson"], "longitude first"),
        (["isochrone", "TOWN", "--at", "somewhere", "--out", "o.geojson"], "LON,LAT"),
        (["isochrone", "TOWN", "--at", "105.4,28.8", "--out", "o.docx"], ".geojson"),
        (["run", "TOWN", "--out", "OUT", "--basemap", "javascript:alert(1)"], "basemap"),
        (["run", "TOWN", "--out", "FILE/x"], "cannot be locked"),
        (["frobnicate"], "No such command"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(capsys, town, tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("in the way")
    code, _, err = call(capsys, *[town if a == "TOWN" else a for a in args])
    assert code == 2 and says in err and "Traceback" not in err


def test_run_writes_everything_and_twice_the_same_bytes(capsys, town, tmp_path):
    shown = []
    for name in ("a", "b"):
        code, out, _ = call(capsys, "run", town, "--out", str(tmp_path / name))
        assert code == 0
        shown.append(out.replace(str(tmp_path / name), ""))
    assert shown[0] == shown[1] and "Two-minute hospital" in shown[0]
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == [
        "checks.csv", "conflicts.csv", "coverage.csv", "data_gaps.csv", "gridtown.gpkg", "gridtown.qgz", "index.html", "indicators.csv", "run.json", "scenarios.csv", "travel_minutes.tif",
    ]  # fmt: skip
    for name in set(files) - {"run.json"}:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    log = json.loads((tmp_path / "a" / "run.json").read_text("utf-8"))
    assert log["urbanplan"] == __version__ and {"roads", "city.toml", "study.toml"} <= set(
        log["inputs_sha256"]
    )
    assert len(log["inputs_sha256"]) == 12 and log["resumed"] == []
    assert {s["stage"] for s in log["stages"]} >= {"layers", "checks", "page"}


def test_as_a_program(town):
    done = subprocess.run(
        [sys.executable, "-m", "urbanplan", "coverage", "nowhere", "--facilities", "hospitals"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


def test_no_facility_is_not_nobody_served(capsys, town, tmp_path):
    path = tmp_path / "town" / "hospitals.geojson"
    path.write_text(path.read_text("utf-8").replace('"existing"', '"planned"'), "utf-8")
    args = ("coverage", town, "--facilities", "hospitals", "--minutes", "5", "--json")
    code, out, err = call(capsys, *args)
    assert code == 0 and "cannot be told" in err
    assert {r["share"] for r in json.loads(out)} == {None}
    code, out, err = call(capsys, "run", town, "--out", str(tmp_path / "out"))
    assert code == 0 and "cannot be told" in out
    # The end of a run names the commonest reasons, and where the others are.
    said, rest = (int(n) for n in re.findall(r"(\d+) (?:indicators, |more for other reasons)", err))
    assert said > rest > 0 and f"`urbanplan indicators {town}` tells them" in err


def test_publish_html_takes_every_option(capsys, town, tmp_path):
    out = tmp_path / "shared" / "map.html"
    code, said, err = call(
        capsys, "-q", "publish", "html", town, "--out", str(out), "--title", "对外版", "--lang", "zh",
        "--layers", "districts,hospitals", "--redact", "note_zh", "--min-persons", "100",
        "--approval", "川S〔2026〕1号", "--basemap", "https://tiles.example.cn/{z}/{x}/{y}.png",
    )  # fmt: skip
    assert code == 0, err
    text = out.read_text("utf-8")
    data = values(text)
    assert data["city"]["zh"] == "对外版" and data["lang"] == "zh" and data["least"] == 100
    assert data["approval"] == "川S〔2026〕1号" and "tiles.example.cn" in text
    drawn = {x["id"] for x in data["layers"] if ":" not in x["id"]}
    assert drawn == {"districts", "hospitals"}
    assert all("note_zh" not in f["properties"] for x in data["layers"] for f in x["features"])
    assert str(out) in said


def test_a_key_for_tianditu_is_never_printed(capsys, town, tmp_path, monkeypatch):
    key = "0123456789abcdef0123456789abcdef"
    monkeypatch.setenv("URBANPLAN_TIANDITU_KEY", key)
    out = tmp_path / "map.html"
    code, said, err = call(
        capsys, "publish", "html", town, "--out", str(out), "--basemap", "tianditu"
    )
    assert code == 0 and key not in said + err and key in plain(out.read_text("utf-8"))


@pytest.mark.parametrize("wide", [60, 80, 120])
def test_no_figure_is_cut_in_a_narrow_terminal(tmp_path, capsys, monkeypatch, wide):
    town = write_town(tmp_path / "town")
    monkeypatch.setenv("COLUMNS", str(wide))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ask = ("coverage", str(town), "--facilities", "hospitals", "--minutes", "2，5")
    with pytest.raises(SystemExit) as stop:
        main(list(ask))
    out = capsys.readouterr().out
    assert stop.value.code == 0 and "…" not in out
    with pytest.raises(SystemExit):
        main([*ask, "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert {row["minutes"] for row in rows} == {2, 5}
    for row in rows:
        assert f"{row['persons_covered']:,.0f}" in out and f"{row['share']:.1%}" in out
    # What the title says stands in no column.
    assert "facilities" not in out and "hospitals" in out


def drawn_on(path):
    return {layer["zh"] for layer in values(path.read_text("utf-8"))["layers"]}


def test_two_scenarios_on_a_page(capsys, town, tmp_path):
    out = tmp_path / "c.html"
    code, _, err = call(capsys, "compare", town, "baseline", "second_bridge", "--mode", "walk", "--map", str(out))  # fmt: skip
    assert code == 0 and "c.html: minutes to the nearest of hospitals by walk" in err
    drawn = drawn_on(out)
    assert drawn == {
        "之前 / Before: baseline",
        "之后 / After: second_bridge",
        "时间变化 / Change of minutes",
        "医院 / Hospitals",
    }
    call(capsys, "compare", town, "baseline", "second_bridge", "--map", str(tmp_path / "c.gpkg"))
    told = gpd.read_file(tmp_path / "c.gpkg")
    assert set(told["facilities"]) == {"hospitals"} and set(told["mode"]) == {"drive"}


def test_sites_and_whom_they_serve_on_a_page(capsys, town, tmp_path):
    out = tmp_path / "s.html"
    asked = ("siting", town, "--candidates", "grid:300", "--anywhere", "--facilities", "hospitals", "--p", "1")  # fmt: skip
    code, said, _ = call(capsys, *asked, "--minutes", "2", "--out", str(out))
    assert code == 0 and str(out) in said and "rank" in said
    assert {"选址 / Sites", "服务对象 / Whom they serve"} == drawn_on(out)
    served = pd.read_csv(tmp_path / "s_served.csv").query("area == 'ALL'")["persons"].sum()
    held = values(out.read_text("utf-8"))["layers"]
    homes = next(layer for layer in held if layer["zh"].startswith("服务对象"))
    assert sum(f["properties"]["persons"] for f in homes["features"]) == pytest.approx(served)
