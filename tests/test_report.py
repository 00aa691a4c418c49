"""The report: the run's own numbers in four formats, the same bytes each time, hostile text as text."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import string
import subprocess
import sys
import tomllib
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pypdfium2 as pdfium
import pytest
import shapely
from click.testing import CliRunner
from docx import Document
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html as markup
from PIL import Image

import gridtown
from patience import PATIENCE_S
from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.cli.publish import report as command
from urbanplan.cli.show import Screen
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.measures.ledger import COLUMNS as CONFLICTS
from urbanplan.measures.ledger import LEDGER
from urbanplan.measures.scenarios import BASELINE, parse_scenarios
from urbanplan.output import report
from urbanplan.output.page.tables import percent, whole
from urbanplan.output.report import draw, fonts, pdf, pictures
from urbanplan.output.report.draw import Labels, new_paper, saved, styled
from urbanplan.output.report.model import Figure, Section, Table, Text, Words, clean, points, texts
from urbanplan.output.style import Look, drawn_of

SRC = Path(report.__file__).parent
#: Text that would run where markup of the typesetter is made of it.
TYPST = (
    '#panic("x")', '#read("/etc/passwd")', "$x$", "= heading", "\\u{41}", "*bold* _em_ `raw`", "#import \"@preview/x:0.1.0\": *",
    "@label <label>", "// gone", "/* gone */", "#{1+1}", "#show: none", "\\", "- item", "+ item", "/ term: x", "```x```",
    "#set page(width: 1mm)", "~ -- --- ...", "https://example.org/a?b=c#d", "]", "#[", "\"", "'", "#sys.inputs", "0x1F600 😀 𠮷",
)  # fmt: skip
HOSTILE = (
    *PAYLOADS,
    *TYPST,
    "\x01\x1b\x7fctrl",
    "\ud83d half",
    "a\nb\rc\td",
    "&amp;lt;",
    "x" * 300,
)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return study.run(load_city(write_town(tmp_path_factory.mktemp("report") / "town")))


@pytest.fixture(scope="module")
def written(town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    return {e: report.write(town, folder / f"town.{e}") for e in report.FORMATS}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A town whose every name, note and source is text that would like to be more."""
    folder = write_town(tmp_path_factory.mktemp("report") / "hostile")
    safe = [t.encode("utf-8", "ignore").decode() for t in HOSTILE]
    rows = [
        (f"u{i}", None, {"name_zh": t, "name_en": t, "note_zh": t, "note_en": t, "source": t, "licence": t})
        for i, t in enumerate(safe)
        if t.strip()
    ]  # fmt: skip
    spots = [shapely.Point(gridtown.centre(r, c)) for r in (0, 1, 2) for c in range(10)]
    placed = [(f"p{i}", spot, {"name_zh": t, "name_en": t}) for i, (spot, t) in enumerate(zip(spots, TYPST))]  # fmt: skip
    write_layer(folder, "hospitals", [*rows, *placed])
    profile = (folder / "city.toml").read_text("utf-8")
    title = f'name_zh = {json.dumps(TYPST[0] + "<b>&")}\nname_en = "=1+1 \\\\ #x"\nnotice_zh = "$x$ #panic()"'
    profile = re.sub(r"name_zh = .*\nname_en = .*", lambda _: title, profile)
    (folder / "city.toml").write_text(profile, "utf-8")
    return study.run(load_city(folder)), safe


def table(made, key) -> Table:
    return next(t for t in made.tables() if t.key == key)


def said(made) -> str:
    return "\n".join(b.text for s in made.sections for b in s.blocks if isinstance(b, Text))


# The run's numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_share_is_that_of_the_coverage_table(atlas, lang):
    results, _, files = atlas
    made = report.report(results, lang, pictures=None)
    plan, csv = results.city.analysis, pd.read_csv(files["coverage"])
    full = table(made, "coverage_all").frame
    for limit in plan.minutes:
        own = csv[csv["minutes"] == limit].set_index(["facilities", "mode", "area"])["share"]
        shown = full.set_index(["facilities", "mode", "area"])[f"m{limit:g}"]
        assert len(shown) == len(own)
        assert np.allclose(shown, own.reindex(shown.index), atol=1e-12)
    head = csv[(csv["facilities"] == plan.headline_facilities) & (csv["minutes"] == plan.headline_minutes)]  # fmt: skip
    by_area = table(made, "coverage").frame.set_index("area")
    for row in head.itertuples():
        assert by_area.loc[row.area, row.mode] == pytest.approx(row.share, abs=1e-12)
    kinds = table(made, "kinds").frame.set_index("area")
    own = csv[(csv["mode"] == plan.headline_mode) & (csv["minutes"] == plan.headline_minutes)]
    assert all(kinds.loc[r.area, r.facilities] == pytest.approx(r.share) for r in own.itertuples())
    one = head[(head["mode"] == plan.headline_mode) & (head["area"] == "ALL")].iloc[0]
    lead = made.sections[0].blocks[0].text
    assert all(t in lead for t in (percent(one.share), whole(one.persons_covered), whole(one.persons)))  # fmt: skip


def number(text: str) -> float:
    """A printed figure as a number again; nothing known is NaN."""
    if text == "–":
        return np.nan
    bare = text.replace(",", "").replace("−", "-").replace("+", "")
    return float(bare.removesuffix("%")) / 100 if bare.endswith("%") else float(bare)


def printed(made, key) -> pd.DataFrame:
    """A table as readers see it: text only, by the names of its columns; rows in the frame's order."""
    one = table(made, key)
    return pd.DataFrame(one.cells(), columns=[c.name for c in one.columns], index=one.frame.index)


@pytest.fixture(scope="module", params=["zh", "en"])
def made(request, atlas):
    return report.report(atlas[0], request.param, pictures=None)


def close(shown, real, step):
    """Printed figures are the real ones to half of the last place that is printed."""
    shown = np.array([number(t) for t in shown])
    real = np.asarray(real, float)
    both = np.isnan(shown) == np.isnan(real)
    return both.all() and np.nanmax(np.abs(shown - real), initial=0) <= step / 2 * (1 + 1e-9)


def test_printed_coverage_is_that_of_the_files(atlas, made):
    results, _, files = atlas
    plan, csv = results.city.analysis, pd.read_csv(files["coverage"])
    head = csv[(csv["facilities"] == plan.headline_facilities) & (csv["minutes"] == plan.headline_minutes)]  # fmt: skip
    shown, ids = printed(made, "coverage"), table(made, "coverage").frame["area"]
    for mode in plan.modes:
        own = head[head["mode"] == mode].set_index("area").loc[ids]
        assert close(shown[mode], own["share"], 1e-3)
        if mode == plan.headline_mode:
            assert close(shown["of"], own["persons"], 1)
            assert close(shown["covered"], own["persons_covered"], 1)
    full, own = table(made, "coverage_all").frame, csv.set_index(["facilities", "mode", "area", "minutes"])  # fmt: skip
    shown = printed(made, "coverage_all")
    assert len(shown) == len(own) / len(plan.minutes)
    for limit in plan.minutes:
        keys = [(f, m, a, limit) for f, m, a in full[["facilities", "mode", "area"]].values]
        assert close(shown[f"m{limit:g}"], own.loc[keys, "share"], 1e-3)
    assert close(shown["of"], own.loc[keys, "persons"], 1)


def test_printed_gaps_are_the_largest_of_the_layer(atlas, made):
    results = atlas[0]
    plan, shown = results.city.analysis, printed(made, "gaps")
    own = results.gaps[results.gaps["mode"] == plan.headline_mode].sort_values("rank")
    top, rest = own.iloc[: len(shown)], own.iloc[len(shown) :]
    assert shown["number"].tolist() == [str(n) for n in range(1, len(shown) + 1)]
    assert close(shown["persons"], top["persons"], 1) and close(shown["km2"], top["km2"], 1)
    assert close(shown["nearest_min"], top["nearest_min"], 1)
    assert top["persons"].min() >= rest["persons"].max()
    note = table(made, "gaps").note
    assert str(len(rest)) in note and whole(rest["persons"].sum()) in note


def test_printed_scenarios_are_those_of_the_run(atlas, made):
    results = atlas[0]
    plan, cover = results.city.analysis, results.scenario_coverage
    base = results.coverage.set_index(["facilities", "mode", "minutes", "area"])
    after = cover.set_index(["scenario", "facilities", "mode", "minutes", "area"])
    told, frame = printed(made, "scenarios"), table(made, "scenarios").frame
    assert len(told) > 10 and not (frame["scenario"] == BASELINE).any()
    at = [(f, plan.headline_mode, plan.headline_minutes, "ALL") for f in frame["facilities"]]
    own = after.loc[[(s, *a) for s, a in zip(frame["scenario"], at)]]
    was = base.loc[at]
    assert close(told["persons"], own["persons"], 1)
    assert close(told["persons_covered"], own["persons_covered"], 1)
    assert close(told["share"], own["share"], 1e-3)
    # A star marks where there are other people than now: what is gained is told of today's.
    grown = own["persons"].to_numpy() != was["persons"].to_numpy()
    assert (told["name"].str.endswith("*") == grown).all() and grown.any() and not grown.all()
    more = own["persons_covered"].to_numpy() - was["persons_covered"].to_numpy()
    gained = np.where(grown, own["persons_gained"].to_numpy(), more)
    v = study.Variants(results.city)
    people = v.ready(BASELINE).demand
    held = people["persons"].to_numpy() * (people["area"] != "").to_numpy()
    k = int(np.flatnonzero(grown & (frame["facilities"] == plan.headline_facilities))[0])
    before, after_ = (
        held[v.minutes(n, plan.headline_facilities, plan.headline_mode) <= plan.headline_minutes].sum()
        for n in (BASELINE, frame["scenario"][k])
    )  # fmt: skip
    assert gained[k] == pytest.approx(after_ - before, abs=1e-6) and 0 < gained[k] < more[k] / 10
    points_ = (own["share"].to_numpy() - was["share"].to_numpy()) * 100
    assert close(told["persons_gained"], gained, 1) and close(told["share_gained"], points_, 0.1)
    assert (told["persons_gained"].str.startswith("+") == (gained.round() > 0)).all()
    modes, frame = printed(made, "scenario_modes"), table(made, "scenario_modes").frame
    for mode in plan.modes:
        at = (plan.headline_facilities, mode, plan.headline_minutes, "ALL")
        own = after.loc[[(s, *at) for s in frame["scenario"]]]
        same = own["persons"].to_numpy() == base.loc[at, "persons"]
        more = own["persons_covered"].to_numpy() - base.loc[at, "persons_covered"]
        assert close(modes[mode], own["persons_gained"], 1) and close(
            modes[mode][same], more[same], 1
        )


def test_printed_sites_stand_where_the_scenario_puts_them(atlas, made):
    results = atlas[0]
    shown, sites = printed(made, "sites"), table(made, "sites").frame["site"]
    there = {
        change.get("id"): (change.get("at"), change.get("values")["accuracy_m"])
        for one in results.scenarios.values()
        for change in one.changes
        if change.do == "add"
    }
    for row, site in zip(shown.itertuples(), sites):
        (lon, lat), accuracy = there[site]
        assert abs(float(row.lon) - lon) <= 5e-4 and abs(float(row.lat) - lat) <= 5e-4
        assert float(row.accuracy_m) == accuracy
    assert set(sites) == set(there)
    gains, frame = printed(made, "site_gains"), table(made, "site_gains").frame
    base = results.coverage.set_index(["facilities", "mode", "minutes", "area"])["persons_covered"]
    after = results.scenario_coverage.set_index(["scenario", "facilities", "mode", "minutes", "area"])["persons_covered"]  # fmt: skip
    for limit in results.city.analysis.minutes:
        added = [results.scenarios[s].changes[0].get("layer") for s in frame["scenario"]]
        at = [(f, m, limit, "ALL") for f, m in zip(added, frame["mode"])]
        own = [after[(s, *a)] - base[a] for s, a in zip(frame["scenario"], at)]
        assert close(gains[f"m{limit:g}"], own, 1)


def test_printed_goals_conflicts_and_layers_are_those_of_the_city(atlas, made):
    results = atlas[0]
    told, frame = printed(made, "targets"), table(made, "targets").frame
    own = results.plan.targets.set_index("target").loc[frame["target"]]
    for name in ("goal", "latest", "still_needed", "per_year"):
        first = [t.split(" ")[0].split("（")[0].split("(")[0] for t in told[f"{name}_text"]]
        assert close(first, own[name], 1), name
    years = [m and int(m[1]) for m in (re.search(r"[（(](\d{4})", t) for t in told["goal_text"])]
    assert years == [None if g != g or y != y else int(y) for g, y in zip(own["goal"], own["year"])]
    told = printed(made, "conflicts")
    own = results.plan.conflicts.sort_values("rank")
    for row, real in zip(told.itertuples(), own.itertuples()):
        value, unit = row.size.split()
        known = {"ha": real.area_ha, "km": real.length_km, "km²": real.area_ha / 100}[unit]
        assert abs(number(value) - known) <= 0.005
        assert number(row.accuracy_m) == real.accuracy_m
    told, frame = printed(made, "layers"), table(made, "layers").frame
    for row, name in zip(told.itertuples(), frame["layer"]):
        layer = results.layers[name]
        assert int(row.features) == len(layer.frame) and int(row.located) == len(layer.located)
        for quality in ("surveyed", "derived", "schematic", "modelled"):
            assert int(getattr(row, quality)) == (layer.frame["quality"] == quality).sum()
        assert number(row.accuracy_m) == layer.located["accuracy_m"].max() or not len(layer.located)
    assert len(told) == len(results.layers)


def test_the_findings_are_those_of_the_run(atlas):
    results = atlas[0]
    made = report.report(results, "zh", pictures=None)
    plan, text = results.city.analysis, said(made)
    gaps = results.gaps[results.gaps["mode"] == plan.headline_mode].sort_values("persons", ascending=False)  # fmt: skip
    listed = table(made, "gaps").frame
    assert listed["persons"].tolist() == gaps["persons"].tolist()[: len(listed)]
    assert listed["nearest_min"].round(6).tolist() == gaps["nearest_min"].round(6).tolist()[: len(listed)]  # fmt: skip
    rest = gaps["persons"].iloc[len(listed) :].sum()
    assert whole(rest) in table(made, "gaps").note and whole(gaps["persons"].iloc[0]) in text
    scenarios = results.scenario_coverage
    own = scenarios[(scenarios["minutes"] == plan.headline_minutes) & (scenarios["area"] == "ALL")]
    shown = table(made, "scenarios").frame
    for row in shown.itertuples():
        same = own[(own["scenario"] == row.scenario) & (own["facilities"] == row.facilities) & (own["mode"] == plan.headline_mode)]  # fmt: skip
        assert same["persons_gained"].iloc[0] == row.persons_gained
    # Growth of the city is not what a scenario gains: the best one leaves people where they are.
    still = shown[~shown["people_change"].astype(bool) & (shown["facilities"] == plan.headline_facilities)]  # fmt: skip
    best = still.sort_values("persons_gained", ascending=False).iloc[0]
    assert results.scenarios[best.scenario].name_zh in text
    told = results.indicators[results.indicators["verdict"] != "cannot be told"]
    assert f"{told['indicator'].nunique()} 项" in text
    assert len(table(made, "indicators").frame) == len(told)
    inputs = table(made, "inputs").frame.set_index("file")["sha256"]
    assert all(inputs[n] == layer.sha256 for n, layer in results.layers.items())


def test_a_report_says_how_well_it_is_known(town, atlas):
    assert "量级" in said(report.report(atlas[0], "zh", pictures=None))
    layers = {
        n: replace(layer, frame=layer.frame.assign(quality="surveyed"))
        for n, layer in town.layers.items()
    }
    sure = said(report.report(replace(town, layers=layers), "en", pictures=None))
    assert "order of magnitude" not in sure and "surveyed or derived" in sure


def test_tables_and_pictures_are_numbered_in_order(town):
    made = report.report(town, "en")
    for blocks in (made.tables(), made.figures()):
        assert [b.number for b in blocks] == list(range(1, len(blocks) + 1))
        assert len({b.key for b in blocks}) == len(blocks)
    assert [s.number for s in made.sections] == list(range(1, len(made.sections) + 1))
    assert made.sections[0].key == "summary" and isinstance(made.sections[0].blocks[0], Text)


# Cities that lack something ----------------------------------------------------------------------


def test_without_people_shares_are_of_land_and_that_is_said(tmp_path):
    folder = write_town(tmp_path / "town")
    (folder / "population.geojson").unlink()
    facts = (folder / "facts.csv").read_text("utf-8").splitlines()
    (folder / "facts.csv").write_text("\n".join(f for f in facts if "population" not in f), "utf-8")
    results = study.run(load_city(folder))
    made = report.report(results, "en")
    text = said(made)
    assert "every share below is of land" in text and "km²" in made.sections[0].blocks[0].text
    one = results.coverage[(results.coverage["mode"] == "drive") & (results.coverage["minutes"] == 2)]  # fmt: skip
    by_area = table(made, "coverage").frame.set_index("area")
    for row in one.itertuples():
        assert by_area.loc[row.area, "drive"] == row.km2_share
        assert by_area.loc[row.area, "covered"] == row.km2_covered
    assert not {"scenarios", "site_gains"} & {t.key for t in made.tables()}
    assert not re.search(r"\d people\b", text)
    assert pdf.pdf(made)[:5] == b"%PDF-"


@pytest.mark.parametrize(("lang", "words"), [("zh", "无法判断"), ("en", "cannot be told")])
def test_without_any_facility_nobody_is_said_to_be_reached(tmp_path, lang, words):
    folder = write_town(tmp_path / "town")
    write_layer(folder, "hospitals", [("h", None, {})])
    made = report.report(study.run(load_city(folder)), lang)
    text = said(made)
    assert words in made.sections[0].blocks[0].text and words in text.split("\n", 1)[1]
    assert not any(w in text for w in ("everybody", "all land", "所有人", "全部土地", "nan"))
    assert not {"bands", "by_district", "gaps"} & {f.key for f in made.figures()}
    assert pdf.pdf(made)[:5] == b"%PDF-"


def test_targets_that_are_not_named_are_counted(town):
    whole = planned(town)
    rows = pd.concat([whole.plan.targets] * 5, ignore_index=True)
    many = replace(whole, plan=replace(whole.plan, targets=rows))
    text = said(report.report(many, "en", pictures=None))
    assert "5 targets are not reached yet" in text and "2 more" in text


def test_without_scenarios_and_indicators_that_is_told(town, tmp_path):
    bare = replace(
        town,
        scenarios={BASELINE: town.scenarios[BASELINE]},
        scenario_coverage=town.scenario_coverage.iloc[:0],
        scenario_bands=town.scenario_bands.iloc[:0],
        differences=town.differences.iloc[:0],
        indicators=town.indicators.iloc[:0],
        gaps=town.gaps.iloc[:0],
    )
    text = said(report.report(bare, "zh", pictures=None))
    assert "没有设定情景" in text and "没有计算指标" in text
    assert report.write(bare, tmp_path / "bare.pdf").stat().st_size > 10_000


def test_sited_facilities_become_advice(town):
    rows = {
        "scenario": [
            {
                "id": "clinic", "name_zh": "新医院", "name_en": "New hospital",
                "change": [{"do": "add", "layer": "hospitals", "id": "n1", "at": [105.41, 28.83], "values": {"name_zh": "选址", "name_en": "Site", "quality": "modelled", "accuracy_m": 500.0}}],
            }
        ]
    }  # fmt: skip
    scenarios = parse_scenarios(rows)
    own = town.scenario_coverage.assign(scenario="clinic", name_zh="新医院", name_en="New hospital")
    results = replace(town, scenarios=scenarios, scenario_coverage=own, scenario_bands=town.scenario_bands.iloc[:0], differences=town.differences.iloc[:0])  # fmt: skip
    made = report.report(results, "en", pictures=None)
    site = table(made, "sites").frame.iloc[0]
    assert (site["name"], site["lon"], site["lat"]) == ("Site", 105.41, 28.83)
    gains = table(made, "site_gains").frame.set_index("mode")
    wanted = own[(own["area"] == "ALL") & (own["minutes"] == 2)].set_index("mode")["persons_gained"]
    assert gains["m2"].to_dict() == wanted.to_dict()
    assert "not a plot" in said(made)
    plain = printed(made, "site_gains")["name"].tolist()
    assert not any("†" in n for n in plain) and not table(made, "site_gains").note
    # Where a bridge is shut as well, nobody may take the figure for the hospital's alone.
    rows["scenario"][0]["change"].append({"do": "close", "layer": "bridges", "ids": ["bridge_old"]})
    made = report.report(replace(results, scenarios=parse_scenarios(rows)), "en", pictures=None)
    assert printed(made, "site_gains")["name"].tolist() == [f"{n} †" for n in plain]
    assert "changes other things too" in table(made, "site_gains").note


def test_what_is_said_of_the_best_scenario_follows_it(atlas):
    """ "It also" is the best, not the one named in between."""
    results = atlas[0]
    lines = said(report.report(results, "en", pictures=None)).split("\n")
    k = next(i for i, line in enumerate(lines) if "It also gains most" in line)
    assert results.scenarios["sites_sport"].name_en in lines[k - 1]
    assert "planned" in lines[k + 1]


def planned(town):
    """The town with the least that a plan's ledger tells."""
    rows = {
        "task": 1, "item": "1.1", "name_zh": "桥梁", "name_en": "Bridges", "agencies": "市交通局", "promised_zh": "建成二桥",
        "promised_en": "Second bridge", "layers": "桥梁 2", "layers_en": "Bridges 2", "located": 2, "features": 2, "indicators": "",
        "quality": "schematic", "missing_zh": "造价未公布", "missing_en": "no cost is published",
    }  # fmt: skip
    ledger = pd.DataFrame([{c: rows.get(c, "") for c in LEDGER}])
    targets = pd.DataFrame(
        [["people", "人口", "People", "persons", 2030.0, 1200.0, 900.0, 2020.0, 900.0, 2020.0, 300.0, 30.0]],
        columns=["target", "name_zh", "name_en", "unit", "year", "goal", "baseline", "baseline_year", "latest", "latest_year", "still_needed", "per_year"],
    )  # fmt: skip
    conflicts = gpd.GeoDataFrame(
        [[1, "r", "医院压水", "Hospital in water", "hospitals", "h1", "", "", "water", "brook", "", "", "北岸", 1.5, np.nan, False, 50.0, "schematic"]],
        columns=CONFLICTS, geometry=[town.layers["water"].frame.geometry.iloc[0]], crs=4326,
    )  # fmt: skip
    findings = ("没有图层 / no layer of that",)
    book = replace(town.plan, ledger=ledger, targets=targets, conflicts=conflicts, findings=findings)  # fmt: skip
    return replace(town, plan=book)


@pytest.mark.parametrize(("lang", "words"), [("zh", ("建成二桥", "桥梁 2", "造价未公布", "没有图层", "900（2020）→ 1200 人")), ("en", ("Second bridge", "Bridges 2", "no cost is published", "no layer of that", "300 people"))])  # fmt: skip
def test_a_plan_ledger_has_its_section(town, lang, words):
    made = report.report(planned(town), lang, pictures=None)
    everything = "\n".join(texts(made))
    assert all(w in everything for w in words)
    assert table(made, "targets").frame["still_needed"].tolist() == [300.0]
    assert table(made, "conflicts").frame["area_ha"].tolist() == [1.5]
    assert "ledger" not in {t.key for t in report.report(town, lang, pictures=None).tables()}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_embedded_plan_is_in_the_report(atlas, lang):
    plan, made = atlas[0].plan, report.report(atlas[0], lang, pictures=None)
    shown = table(made, "ledger").frame
    assert len(shown) == len(plan.ledger) == 28
    for name in ("promised", "missing"):
        assert [seen(x) for x in shown[name]] == [seen(x) for x in plan.ledger[f"{name}_{lang}"]]
    for said, value, distance in zip(shown["values"], plan.ledger[f"values_{lang}"], plan.ledger[f"distance_{lang}"]):  # fmt: skip
        assert seen(value) in seen(said) and seen(distance) in seen(said)
    assert table(made, "targets").frame["goal"].equals(plan.targets["goal"])
    assert len(table(made, "conflicts").frame) == len(plan.conflicts)


def test_what_depends_on_bridges_is_told_where_it_was_asked(town):
    bridges = pd.DataFrame(
        [["b", "老桥", "Old bridge", 500.0, 3.25, 120.0, 0.0, "schematic+modelled", 50.0]],
        columns=["bridge", "name_zh", "name_en", "persons_slower", "minutes_lost", "persons_lost", "persons_cut_off", "quality", "accuracy_m"],
    )  # fmt: skip
    made = report.report(town, "en", pictures=None, bridges=bridges)
    assert "Old bridge" in said(made) and table(made, "bridges").cells()[0][1] == "500"
    assert "bridges" not in {s.key for s in report.report(town, "en", pictures=None).sections}


# Bytes -------------------------------------------------------------------------------------------

_TWICE = """
import hashlib, sys
from pathlib import Path
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.output import report
results = study.run(load_city(sys.argv[1]))
for ending in report.FORMATS:
    path = report.write(results, Path(sys.argv[2]) / f"r.{ending}", lang="en")
    print(ending, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_two_processes_write_the_same_bytes(town, tmp_path):
    folder, started = town.city.folders[0], []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        line = [sys.executable, "-c", _TWICE, str(folder), str(tmp_path / seed)]
        env = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
        started.append(subprocess.Popen(line, stdout=subprocess.PIPE, env=env, text=True))
    said = [p.communicate(timeout=PATIENCE_S)[0] for p in started]
    assert [p.returncode for p in started] == [0, 0]
    assert said[0] == said[1] and len(said[0].splitlines()) == len(report.FORMATS)


@pytest.mark.parametrize("form", ["svg", "png"])
def test_a_picture_has_the_same_bytes_and_no_date(town, form):
    one, other = (report.report(town, "zh", pictures=form).figures() for _ in range(2))
    assert [hashlib.sha256(f.image).digest() for f in one] == [hashlib.sha256(f.image).digest() for f in other]  # fmt: skip
    assert all(b"<dc:date>" not in f.image and b"Software" not in f.image for f in one)


# Hostile text ------------------------------------------------------------------------------------


def seen(text: str) -> str:
    """A text without what nobody sees: spaces, line ends, places where it may break."""
    kinds = ("Cc", "Cf", "Zs", "Zl", "Zp", "Cs")
    return "".join(c for c in text if unicodedata.category(c) not in kinds)


def test_hostile_text_is_text_in_the_pdf(hostile, tmp_path):
    results, names = hostile
    path = report.write(results, tmp_path / "h.pdf")
    font = fonts.font_of("zh")
    document = pdfium.PdfDocument(path)
    pages = [p.get_textpage().get_text_range() for p in document]
    document.close()
    # Lines of one cell lie among those of its neighbours: characters are held, in any order of cells.
    text = seen("".join(pages))
    whole_page = seen(font.fit(TYPST[0] + "<b>&"))
    assert whole_page in text and "root:" not in text
    for name in names:
        shown = seen(font.fit(clean(name)))
        head = shown[:12]
        assert head in text, name
    raw = path.read_bytes()
    assert b"/JavaScript" not in raw and b"/Launch" not in raw and b"/URI" not in raw


def test_hostile_text_is_text_in_the_page(hostile, tmp_path):
    results, names = hostile
    content = report.write(results, tmp_path / "h.html").read_text("utf-8")
    tree = markup.fromstring(content)
    assert not tree.xpath("//script|//iframe|//object|//embed|//form|//svg|//base|//link")
    attributes = {a for e in tree.iter() if isinstance(e.tag, str) for a in e.attrib}
    assert attributes <= {"alt", "aria-label", "aria-labelledby", "charset", "class", "content", "href", "http-equiv", "id", "lang", "name", "role", "scope", "src", "style", "tabindex"}  # fmt: skip
    assert all(h.startswith("#") for h in tree.xpath("//@href"))
    assert all(s.startswith("data:image/svg+xml;base64,") for s in tree.xpath("//@src"))
    cells = {seen(c.text_content()) for c in tree.xpath("//td")}
    # What shares its row with others is one of several names.
    shown = [seen(clean(n)) for n in names]
    assert [n for n in shown if not any(n in c for c in cells)] == []


def test_hostile_text_is_text_in_office_files(hostile, tmp_path):
    results, names = hostile
    document = Document(report.write(results, tmp_path / "h.docx"))
    cells = {seen(c.text) for t in document.tables for row in t._tbl.tr_lst for c in row.tc_lst for c in [SimpleNamespace(text="".join(x.text or "" for x in c.iter("{*}t")))]}  # fmt: skip
    book = openpyxl.load_workbook(report.write(results, tmp_path / "h.xlsx"))
    sheets = {seen(str(c.value)) for ws in book for row in ws.iter_rows() for c in row if c.value is not None}  # fmt: skip
    kinds = {c.data_type for ws in book for row in ws.iter_rows() for c in row}
    assert "f" not in kinds
    for name in names:
        shown = seen(clean(name))
        # What shares its row with others is one of several names.
        assert not shown or any(shown in c for c in cells), name
        assert not shown or any(shown in c for c in sheets), name
    for path in (tmp_path / "h.docx", tmp_path / "h.xlsx"):
        with zipfile.ZipFile(path) as parts:
            bad = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
            assert not any(bad.search(parts.read(n)) for n in parts.namelist() if n.endswith(".xml"))  # fmt: skip
            assert not any("vbaProject" in n or "externalLink" in n for n in parts.namelist())


@given(st.text(max_size=60))
def test_any_text_becomes_one_line_that_every_format_can_hold(text):
    line = clean(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line)  # fmt: skip
    line.encode("utf-8")
    fitted = fonts.font_of("zh").fit(line)
    assert not fonts.font_of("zh").lacks(fitted)
    assert pdf.breakable(fitted).replace("\u200b", "") == fitted


CODE = st.text(
    alphabet=st.sampled_from('#$=*_`\\"\'[]{}()<>@~/-+ \n"x1好，😀\u202e\u200d'), max_size=40
)


@settings(max_examples=5)
@given(st.lists(CODE, min_size=25, max_size=25))
@example([""] * 23 + ["111111111111-", "--"])
def test_no_text_is_read_as_code_by_the_typesetter(several):
    lines = [clean(f"A{text}Z") for text in several]
    blocks = tuple(Text(line) for line in lines)
    made = report.Report("zh", "t", "", "", "m", (2000, 1, 1), (Section("s", "h", blocks, 1),))
    # poppler gives every glyph; pdfium leaves out a hyphen where it thinks that a line breaks.
    read = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf.pdf(made), capture_output=True, check=True)  # fmt: skip
    shown = seen(read.stdout.decode("utf-8"))
    assert all(seen(fonts.font_of("zh").fit(line)) in shown for line in lines)


# Fonts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_character_of_a_report_is_without_a_glyph(atlas, lang):
    font = fonts.font_of("zh")
    made = report.report(atlas[0], lang, pictures=None)
    assert {c for t in texts(made) for c in font.lacks(t)} == set()
    words = tomllib.loads((SRC / "words.toml").read_text("utf-8"))
    assert {c for pair in words.values() for t in pair for c in font.lacks(t)} == set()


def test_what_the_font_lacks_is_marked_and_not_tofu():
    font = replace(fonts.font_of("zh"), characters=frozenset(map(ord, "ab〓 ")))
    assert font.fit("axb") == "a〓b" and font.fit("a\u3000b\u200d\ue000") == "a b"
    assert replace(font, characters=frozenset(map(ord, "ab?"))).fit("axb") == "a?b"


@pytest.fixture
def no_chinese_font(monkeypatch):
    monkeypatch.setattr(fonts, "_KNOWN", {"No Such Family": ("/nowhere/at-all.ttf",)})
    fonts.font_of.cache_clear()
    yield
    fonts.font_of.cache_clear()


def test_without_a_chinese_font_one_sentence_says_what_to_install(no_chinese_font):
    with pytest.raises(UrbanplanError, match="fonts-noto-cjk"):
        fonts.font_of("zh")


def test_english_needs_no_chinese_font(town, no_chinese_font, tmp_path):
    document = pdfium.PdfDocument(report.write(town, tmp_path / "r.pdf", lang="en"))
    text = "".join(p.get_textpage().get_text_range() for p in document)
    assert "Grid Town" in text and "〓" not in text and len(document) > 3
    document.close()
    # A Chinese name in it is marked rather than shown as boxes.
    assert fonts.font_of("en").fit("North 北岸") == "North ??"
    assert report.write(town, tmp_path / "r.docx", lang="en").stat().st_size > 10_000


def test_a_stale_list_of_fonts_does_not_hide_a_font(monkeypatch):
    from matplotlib.font_manager import fontManager

    monkeypatch.setattr(fontManager, "ttflist", [])
    fonts.font_of.cache_clear()
    assert fonts.font_of("zh").family == "Noto Sans CJK SC"
    assert any(e.name == "Noto Sans CJK SC" and e.weight >= 600 for e in fontManager.ttflist)


# PDF ---------------------------------------------------------------------------------------------


def test_the_pdf_is_whole(atlas, tmp_path):
    results = atlas[0]
    path = report.write(results, tmp_path / "luzhou.pdf")
    document = pdfium.PdfDocument(path)
    pages = [p.get_textpage().get_text_range() for p in document]
    assert len(pages) > 10 and all(len(t) > 60 for t in pages)
    first = pages[0]
    assert results.city.name_zh in first and "1,292,635" in first and "81.0%" in first
    # Every page says what it must not be taken for.
    notice = seen(results.city.notice_zh)
    assert all(notice in seen(t) for t in pages)
    made = report.report(results, "zh", pictures=None)
    text = seen("".join(pages))
    assert all(seen(s.heading) in text for s in made.sections)
    for page in document:
        picture = np.asarray(page.render(scale=0.4).to_pil().convert("L"))
        ink = (picture < 200).mean()
        assert 0.002 < ink < 0.6, ink
        # Nothing reaches the edge of the paper.
        assert (picture[:, :8] > 240).all() and (picture[:, -8:] > 240).all()
    used = [o.get_font() for p in list(document)[:3] for o in p.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_TEXT])]  # fmt: skip
    assert used and all(f.is_embedded for f in used)
    assert {f.get_base_name().split("+")[-1].split("-")[0] for f in used} == {"NotoSansCJKsc"}
    about = document.get_metadata_dict()
    assert about["Title"].startswith(results.city.name_zh) and about["CreationDate"].startswith("D:20")  # fmt: skip
    document.close()
    raw = path.read_bytes()
    # Tagged and archival: pictures carry what they show.
    assert b"/MarkInfo" in raw and b"pdfaid" in raw and b"pdfuaid" in raw


def test_pages_of_a_small_town_are_neither_blank_nor_black(town):
    pages = pdf.typeset(report.report(town, "zh"), "png", ppi=40)
    for page in pages:
        picture = np.asarray(Image.open(io.BytesIO(page)).convert("L"))
        assert 0.001 < (picture < 200).mean() < 0.6


# Other formats -----------------------------------------------------------------------------------


def test_the_document_has_styles_heads_that_repeat_and_words_for_pictures(town, written):
    document = Document(written["docx"])
    heads = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    made = report.report(town, "zh", pictures=None)
    assert heads == [f"{s.number} {s.heading}" for s in made.sections]
    assert document.core_properties.modified.year == 2020
    xml = document.element.xml
    assert xml.count("w:tblHeader") == len(made.tables())
    assert "TOC \\o" in xml and xml.count("w:hyperlink ") == len(made.sections)
    pictures = list(document.element.iter("{*}docPr"))
    assert pictures and all(len(e.get("descr")) > 8 for e in pictures)
    page = document.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    assert made.title in page.header.paragraphs[0].text
    assert 'w:eastAsia="Microsoft YaHei"' in document.styles.element.xml
    with zipfile.ZipFile(written["docx"]) as parts:
        assert {e.date_time for e in parts.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert "docProps/thumbnail.jpeg" not in parts.namelist()


def test_the_workbook_holds_the_figures_themselves(town, written):
    book = openpyxl.load_workbook(written["xlsx"])
    made = report.report(town, "zh", pictures=None)
    assert len(book.sheetnames) == len(made.tables()) + 1
    rows = list(next(ws for ws in book if "覆盖率全表" in ws.title).iter_rows(values_only=True))
    plan, table = town.city.analysis, town.coverage
    for row in rows[1:]:
        own = table[(table["facilities"] == "hospitals")]
        mode = {"步行": "walk", "驾车": "drive"}[row[1]]
        area = "ALL" if row[2] == "全部范围" else row[2]
        own = own[(own["mode"] == mode) & (own["area"] == area)].set_index("minutes")["share"]
        assert list(row[4:]) == pytest.approx([own[m] for m in plan.minutes])


def test_the_page_stands_alone_and_reads_in_order(written):
    tree = markup.fromstring(written["html"].read_text("utf-8"))
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert tree.get("lang") == "zh-CN" and len(tree.xpath("//h1")) == 1
    targets = {h.removeprefix("#") for h in tree.xpath("//nav//@href")}
    assert targets == set(tree.xpath("//section/@id"))
    assert all(len(a) > 8 for a in tree.xpath("//img/@alt"))
    assert all(len(t.xpath("./caption")) == 1 for t in tree.xpath("//table"))
    styles = "".join(tree.xpath("//style/text()"))
    assert "@page" in styles and "url(" not in styles and "@import" not in styles


def test_what_is_not_known_is_refused_in_one_sentence(town, tmp_path):
    with pytest.raises(InputError, match=r"no report is written as '\.txt'.*\.pdf"):
        report.write(town, tmp_path / "a.txt")
    with pytest.raises(InputError, match="no report is written in 'fr'"):
        report.write(town, tmp_path / "a.html", lang="fr")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_what_is_asked(town, tmp_path):
    def run(*args):
        return CliRunner().invoke(command, [str(town.city.folders[0]), *map(str, args)], obj=Screen(True), standalone_mode=False)  # fmt: skip

    done = run("--lang", "en", "--out", tmp_path / "a.html")
    assert done.exception is None and "Grid Town" in (tmp_path / "a.html").read_text("utf-8")
    assert "What depends on what" in (tmp_path / "a.html").read_text("utf-8")
    assert "do not fit" in str(run("--format", "pdf", "--out", tmp_path / "a.html").exception)
    assert "no report" in str(run("--out", tmp_path / "a.odt").exception)


# Maps --------------------------------------------------------------------------------------------


def figure_of(made, key) -> str:
    return next(f for f in made.figures() if f.key == key).image.decode()


def test_maps_have_the_colours_and_dashes_of_the_rules(town):
    made = report.report(town, "zh")
    plan, svg = figure_of(made, "plan"), figure_of(made, "bands")
    drawn = {d.id: d for d in drawn_of(town)}
    for name in ("districts", "water", "roads", "bridges", "hospitals", "built_up"):
        for rule in drawn[name].rules:
            if not rule.otherwise:
                assert rule.look.stroke in plan, (name, rule.key)
                if rule.look.dash_mm:
                    dash = rule.look.dash_mm[0] * 72 / 25.4
                    assert re.search(rf"stroke-dasharray: {dash:.6g}"[:26], plan), (name, rule.key)
    for rule in drawn["bands_hospitals_drive"].rules:
        assert rule.look.fill in svg
    for figure in made.figures():
        assert b"<text" not in figure.image and b"href=\"http" not in figure.image.replace(b'xmlns:xlink="http', b"")  # fmt: skip


def test_every_map_has_its_surroundings(town, monkeypatch):
    sheets: list[list[str]] = []
    real, begin = draw.Paper.text, draw.open_sheet

    def write(self, x, y, text, *args, **more):
        if sheets:
            sheets[-1].append(text)
        return real(self, x, y, text, *args, **more)

    def opened(*args):
        sheets.append([])
        return begin(*args)

    monkeypatch.setattr(draw.Paper, "text", write)
    monkeypatch.setattr(pictures, "open_sheet", opened)
    city = replace(town.city, notice_zh="不得作为测绘成果")
    report.report(replace(town, city=city), "zh")
    assert len(sheets) == 4
    for lines in sheets:
        joined = "\n".join(lines)
        assert "N" in lines and "图例" in lines and "≈ 1:" in joined and " m" in joined
        assert "不得作为测绘成果" in joined and "来源：" in joined and len(lines[0]) > 4


@given(st.lists(st.tuples(st.floats(5, 95), st.floats(5, 75), st.text("甲乙ab", min_size=1, max_size=8)), max_size=25))  # fmt: skip
@settings(max_examples=20)
def test_names_never_lie_on_one_another(names):
    with styled("zh") as font:
        labels = Labels(new_paper(font, 100, 80), (0, 0, 100, 80))
        for x, y, text in names:
            labels.beside((x, y), text, 7)
    boxes = [shapely.box(*b) for b in labels.taken]
    assert len(boxes) + len(labels.left_out) == len(names)
    for i, one in enumerate(boxes):
        assert shapely.box(0, 0, 100, 80).covers(one)
        assert all(one.intersection(other).area < 1e-9 for other in boxes[i + 1 :])


def test_holes_stay_open_and_stripes_stay_inside():
    ring = shapely.Polygon([(10, 10), (90, 10), (90, 70), (10, 70)], [[(30, 30), (70, 30), (70, 50), (30, 50)]])  # fmt: skip
    lines = draw.striped(np.array([ring]))
    assert len(lines) > 20 and all(ring.buffer(1e-3).covers(x) for x in lines)
    with styled("zh") as font:
        paper = new_paper(font, 100, 80)
        draw.draw(paper.ax, np.array([ring]), Look("polygon", "#ff0000", "#ff0000", 0.1, (), 1.0, 1.0), 1)  # fmt: skip
        picture = np.asarray(Image.open(io.BytesIO(saved(paper.figure, "png"))).convert("RGB"))
    high, wide, _ = picture.shape
    assert tuple(picture[high // 2, wide // 2]) == (255, 255, 255)
    assert tuple(picture[high // 2, int(wide * 0.2)]) == (255, 0, 0)


@given(st.floats(0.5, 1e7))
def test_scale_bars_are_round_and_fit(metres):
    length = draw.nice_length(metres)
    assert length <= metres * (1 + 1e-6) < length * 2.5001
    assert f"{length:.0e}"[0] in "125"


def test_north_is_turned_as_the_grid_is():
    # East of the central meridian, true north lies to the left of the grid's.
    assert draw.turn_of_north((600_000, 3_190_000, 601_000, 3_191_000), "EPSG:4544") > 0
    assert draw.turn_of_north((499_500, 3_190_000, 500_500, 3_191_000), "EPSG:4544") == 0.0


def test_a_window_keeps_the_scale_both_ways():
    frame = draw.framed((0, 0, 1000, 100), (10, 20, 110, 90))
    west, south, east, north = frame.bounds
    assert (east - west) / (north - south) == pytest.approx(100 / 70)
    square = frame.on_paper([shapely.box(400, 0, 500, 100)])[0]
    x0, y0, x1, y1 = square.bounds
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert not len(frame.on_paper([None, shapely.Point()]))


# Words -------------------------------------------------------------------------------------------


def test_every_word_is_there_twice_with_the_same_values():
    words = tomllib.loads((SRC / "words.toml").read_text("utf-8"))
    for key, pair in words.items():
        assert len(pair) == 2 and all(isinstance(t, str) and t for t in pair), key
        fields = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in pair]
        assert fields[0] == fields[1] or key in ("title",), key
        assert re.search("[\u3400-\u9fff]|^[^a-z]*$|\\{", pair[0]), key
        assert not re.search("[\u3400-\u9fff]", pair[1]), key


def test_every_word_that_is_asked_for_is_there_and_none_is_left_over():
    words = set(tomllib.loads((SRC / "words.toml").read_text("utf-8")))
    asked, begun = set(), set()
    for path in [*SRC.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                asked.add(node.value)
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):  # fmt: skip
                begun.add(str(node.values[0].value))
    template = (SRC / "report.html").read_text("utf-8")
    asked |= set(re.findall(r"words\('(\w+)'\)", template))
    loose = {w for w in words - asked if not any(b and w.startswith(b) for b in begun)}
    assert loose - {"s_out_none_land", "s_out_few_land"} == set()


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("医院：1 处 / Hospitals: 1", "医院：1 处", "Hospitals: 1"),
        ("甲 / 乙：移至岸上 / h1: moved", "甲 / 乙：移至岸上", "h1: moved"),
        ("only one", "only one", "only one"),
        ("甲 / 乙", "甲", "乙"),
    ],
)
def test_a_text_in_two_languages_is_split_at_its_own_mark(text, zh, en):
    assert (Words("zh").part(text), Words("en").part(text)) == (zh, en)


def test_points_have_a_sign_unless_they_are_nothing():
    shown = [points(x) for x in (0.0486, -0.0012, 0.0001, float("nan"))]
    assert shown == ["+4.9", "−0.1", "0.0", "–"]


def test_english_reports_are_english(town):
    # Cells quote the data, such as titles of standards; all else is ours.
    made = report.report(town, "en", pictures=None)
    ours = [made.title, made.subtitle, made.made, *(s.heading for s in made.sections)]
    ours += said(made).splitlines()
    for one in made.tables():
        ours += [one.caption, one.note, *(c.title for c in one.columns)]
    text = "\n".join(ours).replace("北岸", "").replace("南岸", "")
    assert not re.findall("[\u3400-\u9fff“”，。]", text)


def test_alternative_words_and_captions_of_pictures_differ(town):
    for figure in report.report(town, "zh").figures():
        assert (
            isinstance(figure, Figure) and figure.alt != figure.caption and figure.width_mm == 170
        )
        assert 20 < figure.height_mm < 230


def test_every_figure_of_the_summary_is_the_runs(town):
    made = report.report(town, "en", pictures=None)
    plan, table = town.city.analysis, town.coverage
    own = table[
        (table["facilities"] == plan.headline_facilities)
        & (table["minutes"] == plan.headline_minutes)
    ]
    drive = own[own["mode"] == plan.headline_mode].set_index("area")
    whole_city = drive.loc["ALL"]
    facts = {b: a for a, b in next(b for b in made.sections[0].blocks if hasattr(b, "items")).items}
    assert facts["reached"].startswith(whole(whole_city["persons_covered"]))
    assert facts["not reached"].startswith(
        whole(whole_city["persons"] - whole_city["persons_covered"])
    )
    points = "\n".join(
        b.text for b in made.sections[0].blocks if isinstance(b, Text) and b.role == "point"
    )
    shares = drive["share"].drop("ALL")
    names = {"北岸": "North bank", "南岸": "South bank"}
    assert shares.idxmax() in names and shares.idxmin() in names
    assert re.search(
        rf"Best is \S.* \({percent(shares.max())}\), worst \S.* \({percent(shares.min())}\)", points
    )
    one = town.scenario_coverage.query(
        "scenario == 'second_bridge' and mode == @plan.headline_mode and minutes == @plan.headline_minutes and area == 'ALL'"
    ).iloc[0]
    assert f"{percent(whole_city['share'])} → {percent(one['share'])}" in points
