"""The page as text: bundled, closed to the network, safe against its own data, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import gridtown
from pagereader import packed, plain, values
from townfolder import FACTS, HOSTILE, write_hostile_town, write_layer, write_town
from urbanplan import study
from urbanplan.catalog import load_catalog
from urbanplan.city.profile import load_city
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.output import page
from urbanplan.output.page import shell
from urbanplan.output.page.content import content
from urbanplan.output.page.shell import pack
from urbanplan.output.page.tables import figure, gain, percent, whole
from urbanplan.output.page.tables import plain as plain_value


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = write_hostile_town(tmp_path_factory.mktemp("hostile") / "town")
    path = page.write(study.run(load_city(folder)), folder.parent / "index.html")
    return path.read_text("utf-8")


def test_nothing_is_fetched_from_anywhere(text):
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)\s*=""", markup)
    assert "url(" not in re.sub(
        r"url\(#", "", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    )
    assert not re.findall(r"<script[^>]+src=", text)


def test_the_policy_allows_exactly_the_scripts_that_are_there(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy
    scripts = policy.split("script-src")[1].split(";")[0]
    assert "unsafe" not in scripts
    found = re.findall(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", text, re.DOTALL)
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() + "'"
        for s in found
    }
    # Leaflet and our own: nothing else runs.
    assert hashes == set(scripts.split()) and len(found) == 2


def test_hostile_names_stay_data(text):
    data = values(text)
    names = {
        f["properties"]["name_zh"]
        for layer in data["layers"]
        for f in layer["features"]
        if "name_zh" in f["properties"]
    }
    assert set(HOSTILE) <= names | {data["city"]["zh"]}
    assert re.fullmatch(r'"[A-Za-z0-9+/=]+"', packed(text))
    outside = text.replace(packed(text), "")
    for name in HOSTILE:
        assert name not in outside


def test_every_layer_every_number_and_every_unlocated_row_is_on_the_page(text, tmp_path):
    folder = write_town(tmp_path / "town")
    results = study.run(load_city(folder))
    data = values(page.write(results, tmp_path / "i.html").read_text("utf-8"))
    shown = {layer["id"]: layer for layer in data["layers"]}
    for name, layer in results.layers.items():
        assert len(shown[name]["features"]) == len(layer.located)
    assert {f"bands:hospitals:{m}" for m in ("walk", "drive")} <= set(shown)
    for row, there in zip(results.coverage.itertuples(), data["coverage"], strict=True):
        assert (
            there["share"] == f"{row.share:.1%}"
            and there["persons"] == f"{row.persons_covered:,.0f}"
        )
    assert [r["name"] for r in data["unlocated"]] == ["h3"]
    for layer in data["layers"]:
        assert all(f["properties"]["quality"] for f in layer["features"])


def test_an_asset_that_is_not_bundled_is_an_error():
    for markup in (
        '<script src="https://cdn.example/x.js"></script>',
        "<link rel=stylesheet href='x.css'>",
        "<style>@import 'x'</style>",
        '<div style="background:url(http://x/y.png)">',
        "<script src=https://cdn.example/x.js></script>",
        '<img srcset="https://cdn.example/x.png 2x">',
        '<video poster="//cdn.example/x.png"></video>',
    ):
        with pytest.raises(UrbanplanError, match="would fetch"):
            shell._require_bundled(f"<html><head></head><body>{markup}</body></html>")


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)//{z}{x}{y}",
        "https://t.example/{z}/{x}",
        "//t/{z}/{x}/{y}",
        "https://t.example/{z}/{x}/{y}' onload='",
        "file:///etc/{z}/{x}/{y}",
        "https://{z}.{x}.{y}/tile.png",
        "https://t.example/{z}/{x}/{y}; script-src *",
    ],
)
def test_odd_basemaps_are_refused(bad):
    with pytest.raises(InputError, match="basemap"):
        page.Options(basemap=bad)


def test_a_basemap_opens_one_host_for_images_only(tmp_path):
    results = study.run(load_city(write_town(tmp_path / "town")))
    options = page.Options(basemap="https://t{s}.tiles.example/{z}/{x}/{y}.png")
    text = page.write(results, tmp_path / "i.html", options).read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert "img-src data: https://*.tiles.example;" in policy and policy.count("example") == 1


def test_two_processes_write_the_same_bytes(tmp_path):
    folder = write_town(tmp_path / "town")
    code = (
        "import sys; from urbanplan import study; from urbanplan.city.profile import load_city; from urbanplan.output import page;"
        "page.write(study.run(load_city(sys.argv[1])), sys.argv[2])"
    )
    pages = []
    for name in ("a.html", "b.html"):
        subprocess.run([sys.executable, "-c", code, str(folder), str(tmp_path / name)], check=True)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_a_page_that_is_refused_is_not_written(tmp_path, monkeypatch):
    results = study.run(load_city(write_town(tmp_path / "town")))
    real = shell.read_text

    def with_a_link(path):
        extra = '<link rel="stylesheet" href="https://cdn.example/x.css">'
        return real(path) + (extra if path.name == "atlas.html" else "")

    monkeypatch.setattr(shell, "read_text", with_a_link)
    with pytest.raises(UrbanplanError, match="would fetch"):
        page.write(results, tmp_path / "i.html")
    assert not (tmp_path / "i.html").exists()


def test_no_library_of_others_is_left(text):
    for name in ("jquery", "bootstrap", "awesome", "glyphicons", "jsdelivr", "cdnjs"):
        assert name not in text.lower(), name


def test_browsers_learn_the_language_the_characters_and_that_readers_may_enlarge(text):
    assert '<html lang="zh-CN">' in text[:200]
    # Browsers look for the character set in the first kilobyte only.
    assert b"charset=UTF-8" in text.encode()[:1024]
    assert "user-scalable" not in text.split("</head>")[0].split("<script")[0]


def test_numbers_are_printed_as_people_read_them():
    assert percent(0.12345) == "12.3%" and percent(float("nan")) == "–"
    assert whole(1_234_567.4) == "1,234,567" and whole(float("nan")) == "–"
    # What a sum of rounding errors gives must not read "-0".
    assert whole(-1e-9) == "0" and gain(-1e-9) == "0"
    assert gain(1234.2) == "+1,234" and gain(-3) == "-3"


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT, "", float("inf")])
def test_what_is_missing_is_left_out_of_a_card(value):
    assert plain_value(value) is None


@pytest.mark.parametrize(
    ("value", "wanted"), [(5.0, 5), (np.float64(2.5), 2.5), (np.int64(3), 3), (True, True)]
)
def test_values_become_json(value, wanted):
    assert plain_value(value) == wanted and type(plain_value(value)) is type(wanted)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(86.66666, "86.67"), (2025, "2025"), (12345.0, "12,345"), (100, "100"), ("a", "a")],
)
def test_figures_in_the_table_read_like_the_cards(value, shown):
    assert figure(value) == shown


def test_every_column_has_a_name_people_read():
    for kind in load_catalog().layers.values():
        assert not set(kind.columns) - set(load_catalog().fields), kind.id


def test_the_embedded_citys_page_stays_small(atlas):
    assert atlas[2]["page"].stat().st_size <= 2_500_000


DEGREES = st.floats(-170, 170)
PATHS = st.lists(st.tuples(DEGREES, DEGREES), min_size=2, max_size=6, unique=True)
SECRETS = {"note_zh": "机密备注-七号库", "name_en": "Hidden Depot", "beds": 7391.0}


@pytest.fixture(scope="module")
def secret_run(tmp_path_factory):
    """A town whose hospitals, one without a place, carry what must not get out."""
    folder = write_town(tmp_path_factory.mktemp("secret") / "town")
    place = shapely.Point(gridtown.centre(1, 1))
    write_layer(folder, "hospitals", [("a", place, SECRETS), ("b", None, SECRETS)])
    return study.run(load_city(folder))


@pytest.mark.parametrize("column", SECRETS)
def test_a_redacted_column_is_not_in_the_bytes(secret_run, tmp_path, column):
    def holds(options):
        text = page.write(secret_run, tmp_path / "i.html", options).read_text("utf-8")
        told = str(SECRETS[column]).removesuffix(".0")
        return told in plain(text) + text.replace(packed(text), ""), values(text)

    assert holds(page.Options())[0]
    there, data = holds(page.Options(redact=(column,)))
    assert not there
    assert all(column not in f["properties"] for x in data["layers"] for f in x["features"])


#: A scenario and a plan whose remarks, like everything else in them, name their own column.
SECRET_SCENARIOS = """
[[scenario]]
id = "second_bridge"
name_zh = "机密 name_zh scenario"
name_en = "机密 name_en scenario"
note_zh = "机密 note_zh scenario"
note_en = "机密 note_en scenario"
change = [{ do = "open", layer = "bridges", ids = ["bridge_new"] }]
"""
SECRET_PLAN = """
[plan]
id = "p"
title_zh = "计划"
title_en = "Plan"
document = "文〔1〕"
source = "s"

[[part]]
id = "1"
name_zh = "机密 name_zh part"
name_en = "机密 name_en part"

[[series]]
target = "goal"
points = [{ year = 2020, value = 5, source = "s" }]
note_zh = "机密 note_zh series"
note_en = "机密 note_en series"

[[task]]
number = 1
part = "1"
name_zh = "机密 name_zh task"
name_en = "机密 name_en task"
agencies = ["局"]

[[task.item]]
id = "1.1"
name_zh = "机密 name_zh item"
name_en = "机密 name_en item"
promised_zh = "建"
note_zh = "机密 note_zh item"
note_en = "机密 note_en item"
shows = ["hospitals"]
"""
PAIRS = ("name_zh", "name_en", "note_zh", "note_en")


def secret(what, **own):
    return {c: f"机密 {c} {what}" for c in PAIRS} | own


@pytest.fixture(scope="module")
def remarked_run(tmp_path_factory):
    """A town with names and remarks in its layers, with and without a place, scenarios and plan."""
    folder = write_town(tmp_path_factory.mktemp("remarked") / "town")
    (folder / "scenarios.toml").write_text(SECRET_SCENARIOS, "utf-8")
    (folder / "plan.toml").write_text(SECRET_PLAN, "utf-8")
    place = shapely.Point(gridtown.centre(1, 1))
    write_layer(
        folder, "hospitals", [("a", place, secret("hospital")), ("b", None, secret("lost"))]
    )
    write_layer(folder, "targets", [("goal", None, secret("target", target_value=10.0, target_year=2025.0, unit="km²"))])  # fmt: skip
    west, north = gridtown.WEST, gridtown.NORTH
    shores = [
        (name, shapely.box(west, north - low, west + 1000, north - high), secret(name))
        for name, low, high in (("north", 350, 0), ("south", 700, 350))
    ]
    write_layer(folder, "districts", shores)
    (folder / "facts.csv").write_text(FACTS.splitlines()[0], "utf-8")
    results = study.run(load_city(folder))
    # Whatever a sentence of the run or of the plan quotes.
    quoting = tuple(
        f"见“机密 {c} {w}” / quoted" for c in PAIRS for w in ("item", "scenario", "lost")
    )
    plan = replace(results.plan, findings=(*results.plan.findings, *quoting))
    return replace(results, plan=plan, findings=(*results.findings, *quoting))


def texts(value):
    """Every text of decoded values, keys too."""
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in (k, *texts(v))]
    if isinstance(value, list):
        return [t for v in value for t in texts(v)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("column", PAIRS)
def test_a_redacted_column_is_in_no_table_and_no_sentence(remarked_run, tmp_path, column):
    def told(*redact):
        text = page.write(remarked_run, tmp_path / "i.html", page.Options(redact=redact)).read_text(
            "utf-8"
        )
        return texts(values(text)), values(text)

    before, _ = told()
    for what in ("hospital", "lost", "target", "scenario", "item"):
        assert any(f"机密 {column} {what}" in t for t in before), what
    # What is in the district's own column is another column's.
    after, data = told(column, "district")
    assert [t for t in after if f"机密 {column}" in t] == []
    others = [c for c in PAIRS if c != column]
    for what in ("hospital", "target", "scenario", "item"):
        for other in others:
            assert any(f"机密 {other} {what}" in t for t in after), (what, other)
    # The page is told, so that it does not show the other language's text in its place.
    assert data["hidden"] == [column, "district"]


@given(
    st.lists(
        st.one_of(
            st.builds(shapely.Point, DEGREES, DEGREES),
            st.builds(shapely.MultiPoint, PATHS),
            st.builds(shapely.LineString, PATHS),
            st.builds(lambda a, b: shapely.MultiLineString([a, b]), PATHS, PATHS),
            st.builds(lambda x, y: shapely.Point(x, y).buffer(0.1, quad_segs=2), DEGREES, DEGREES),
            st.builds(
                lambda x, y: shapely.MultiPolygon(
                    [
                        shapely.box(x, y, x + 1, y + 1)
                        - shapely.box(x + 0.2, y + 0.2, x + 0.5, y + 0.5),
                        shapely.box(x + 2, y, x + 3, y + 1),
                    ]
                ),
                DEGREES,
                DEGREES,
            ),
        ),
        max_size=6,
    )
)
def test_packing_moves_no_point_by_more_than_half_a_step(shapes):
    features = [
        {
            "type": "Feature",
            "properties": {"n": i, "t": f"<{i}>"},
            "geometry": json.loads(shapely.to_geojson(s)),
        }
        for i, s in enumerate(shapes)
    ]
    text = pack({"layers": [{"id": "a", "decimals": 5, "features": features}]})
    page = f'<script type="application/json" id="atlas-data">"{text}"</script>'
    again = values(page)["layers"][0]["features"]
    assert [f["properties"] for f in again] == [f["properties"] for f in features]
    for there, here in zip(again, features, strict=True):
        assert there["geometry"]["type"] == here["geometry"]["type"]
        one, other = (
            shapely.get_coordinates(shapely.from_geojson(json.dumps(f["geometry"])))
            for f in (there, here)
        )
        assert np.abs(one - other).max() <= 0.5000001e-5


def test_names_that_are_redacted_leave_no_sound_behind(secret_run):
    shown = content(secret_run, page.Options(redact=("name_zh", "name_en")))
    assert all(not layer.get("pinyin") for layer in shown["layers"])
    assert "name_zh" not in json.dumps(shown["layers"])


@pytest.mark.parametrize("column", ["quality", "source", "licence", "accuracy_m", "status"])
def test_how_well_a_feature_is_known_cannot_be_left_out(column):
    with pytest.raises(InputError, match="every output shows"):
        page.Options(redact=(column,))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lang": "de"}, "language"),
        ({"layers": ("nothing",)}, "layer kind"),
        ({"redact": ("no_such",)}, "no layer has a column"),
        ({"min_persons": -1}, "least count"),
        ({"basemap": "tianditu"}, "key"),
        ({"basemap": "tianditu", "key": "a b'<script>"}, "key"),
    ],
)
def test_options_that_no_page_can_be_made_with(wrong, said):
    with pytest.raises(UrbanplanError, match=said):
        page.Options(**wrong).require_known()


def test_least_counts_hold_on_every_row(secret_run):
    least = 100
    shown = content(secret_run, page.Options(min_persons=least))
    rows = shown["coverage"] + shown["headline"]["rows"]
    for row in rows:
        n, total = (int(row[c].replace(",", "")) for c in ("persons", "of"))
        # Every count is a multiple, and every share is made of two of them.
        assert n % least == total % least == 0 and row["part"] == round(n / total, 4)
    for layer in shown["layers"]:
        if layer["role"] == "gap":
            found = [f["properties"]["persons"] for f in layer["features"]]
            assert all(p is None or p >= least for p in found)


def test_only_the_layers_that_are_asked_for_are_drawn(secret_run):
    shown = content(secret_run, page.Options(layers=("districts", "water")))
    own = {x["id"] for x in shown["layers"] if x["role"] not in ("band", "gap", "after", "change")}
    assert own == {"districts", "water"}
    assert shown["unlocated"] == [] and len(shown["coverage"]) == len(secret_run.coverage)


def test_tianditu_with_ones_own_key(secret_run, tmp_path):
    options = page.Options(basemap="tianditu", key="0123456789abcdef0123456789abcdef")
    text = page.write(secret_run, tmp_path / "i.html", options).read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert "img-src data: https://*.tianditu.gov.cn;" in policy
    tiles = [tile["url"] for tile in values(text)["tiles"]]
    assert [options.key in url for url in tiles] == [True, True]
    assert "LAYER=vec" in tiles[0] and "LAYER=cva" in tiles[1]


def test_names_are_found_by_their_sound(atlas):
    layers = {x["id"]: x for x in content(atlas[0])["layers"]}
    sounds = dict(
        zip(
            [f["properties"]["name_zh"] for f in layers["districts"]["features"]],
            layers["districts"]["pinyin"],
            strict=True,
        )
    )
    assert sounds["龙马潭区"] == "longmatanqu lmtq" and sounds["纳溪区"] == "naxiqu nxq"


def test_every_indicator_and_every_gap_is_on_the_page(atlas):
    results, shown = atlas[0], content(atlas[0])
    assert [(r["id"], r["area"], r["verdict"]) for r in shown["indicators"]] == [
        (r.indicator, r.area, r.verdict) for r in results.indicators.itertuples()
    ]
    gaps = [x for x in shown["layers"] if x["role"] == "gap"]
    people = sum(f["properties"]["persons"] for x in gaps for f in x["features"])
    assert people == pytest.approx(results.gaps["persons"].sum(), rel=1e-4)


def test_what_a_scenario_gains_is_a_difference_of_rounded_counts():
    """Neither figure, nor share, nor place in the order gives the exact count away."""
    from urbanplan.output.page.content import scenario_rows
    from urbanplan.output.rounding import scenario_coverage

    # Covered, and gained, of a thousand people each; what the page says of them.
    told = [
        (4, 4, "0", "0", "0.0%", 0),
        (997, 500, "1,000", "+505", "100.0%", 505),
        (500, 3, "500", "+5", "50.0%", 5),
        (500, -3, "500", "0", "50.0%", 0),
        (500, 5, "500", "+5", "50.0%", 5),
        (500, 0, "500", "0", "50.0%", 0),
    ]
    about = {"scenario": "s", "facilities": "hospitals", "mode": "walk", "minutes": 15.0, "persons": 1000.0}  # fmt: skip
    table = pd.DataFrame(
        {**about, "area": f"d{i}", "persons_covered": float(n), "share": n / 1000, "persons_gained": float(g)}
        for i, (n, g, *_) in enumerate(told)
    )  # fmt: skip
    base = table.drop(columns=["scenario", "persons_gained"])
    base = base.assign(persons_covered=table["persons_covered"] - table["persons_gained"])
    results = SimpleNamespace(
        scenario_coverage=scenario_coverage(table, base, 5),
        city=SimpleNamespace(analysis=SimpleNamespace(headline_minutes=15.0)),
    )
    for row, (_, _, *shown) in zip(scenario_rows(results), told, strict=True):
        assert [row[k] for k in ("persons", "gained", "share", "rank")] == shown


def test_sentences_of_the_ledger_that_quote_what_is_left_out_are_left_out():
    from urbanplan.output.page.content import _item

    row = {f"{k}_{x}": f"{k} of 秘园 {x}" for k in ("promised", "values", "distance", "missing", "note") for x in ("zh", "en")}  # fmt: skip
    row |= {"item": "1.1", "name_zh": "甲", "name_en": "A", "features": 1, "located": 1, "quality": "", "indicators": ""}  # fmt: skip
    told = _item(row, {}, (), ("name_zh",), frozenset({"秘园"}))
    for key in ("values", "distance", "missing"):
        assert told[f"{key}_zh"] == told[f"{key}_en"] == ""
    # What the plan itself says is its own column, and goes where that is asked.
    assert told["promised_zh"] == row["promised_zh"]
    assert _item(row, {}, (), ("note_zh",), frozenset())["note_zh"] == ""
    assert _item(row, {}, (), ("note_zh",), frozenset())["values_zh"] == row["values_zh"]
