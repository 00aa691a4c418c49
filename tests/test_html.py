"""The page as text: bundled, closed to the network, safe against its own data, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from townfolder import HOSTILE, write_hostile_town, write_town
from urbanplan import study
from urbanplan.catalog import load_catalog
from urbanplan.city import load_city
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.publish import html
from urbanplan.publish.html import page as page_module
from urbanplan.publish.html.content import _figure, _plain, gain, percent, whole


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = write_hostile_town(tmp_path_factory.mktemp("hostile") / "town")
    path = html.write(study.run(load_city(folder)), folder.parent / "index.html")
    return path.read_text("utf-8")


def block(text):
    return re.search(
        r'<script type="application/json" id="atlas-data">(.*?)</script>', text, re.DOTALL
    ).group(1)


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
    assert hashes == set(scripts.split()) and len(found) >= 3


def test_hostile_names_stay_data(text):
    data = json.loads(block(text))
    names = {
        f["properties"]["name_zh"]
        for layer in data["layers"]
        for f in layer["features"]
        if "name_zh" in f["properties"]
    }
    assert set(HOSTILE) <= names | {data["city"]["zh"]}
    assert "<" not in block(text) and "&" not in block(text) and "\u2028" not in block(text)
    outside = text.replace(block(text), "")
    for name in HOSTILE:
        assert name not in outside


def test_every_layer_every_number_and_every_unlocated_row_is_on_the_page(text, tmp_path):
    folder = write_town(tmp_path / "town")
    results = study.run(load_city(folder))
    data = json.loads(block(html.write(results, tmp_path / "i.html").read_text("utf-8")))
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
            page_module._require_bundled(f"<html><head></head><body>{markup}</body></html>")


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
        html.require_basemap(bad)


def test_a_basemap_opens_one_host_for_images_only(tmp_path):
    results = study.run(load_city(write_town(tmp_path / "town")))
    text = html.write(
        results, tmp_path / "i.html", basemap="https://t{s}.tiles.example/{z}/{x}/{y}.png"
    ).read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert "img-src data: https://*.tiles.example;" in policy and policy.count("example") == 1


def test_two_processes_write_the_same_bytes(tmp_path):
    folder = write_town(tmp_path / "town")
    code = (
        "import sys; from urbanplan import study; from urbanplan.city import load_city; from urbanplan.publish import html;"
        "html.write(study.run(load_city(sys.argv[1])), sys.argv[2])"
    )
    pages = []
    for name in ("a.html", "b.html"):
        subprocess.run([sys.executable, "-c", code, str(folder), str(tmp_path / name)], check=True)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_a_page_that_is_refused_is_not_written(tmp_path, monkeypatch):
    results = study.run(load_city(write_town(tmp_path / "town")))
    real = page_module.read_text

    def with_a_link(path):
        extra = '<link rel="stylesheet" href="https://cdn.example/x.css">'
        return real(path) + (extra if path.name == "atlas.html" else "")

    monkeypatch.setattr(page_module, "read_text", with_a_link)
    with pytest.raises(UrbanplanError, match="would fetch"):
        html.write(results, tmp_path / "i.html")
    assert not (tmp_path / "i.html").exists()


def test_none_of_foliums_own_libraries_is_left(text):
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
    assert _plain(value) is None


@pytest.mark.parametrize(
    ("value", "plain"), [(5.0, 5), (np.float64(2.5), 2.5), (np.int64(3), 3), (True, True)]
)
def test_values_become_json(value, plain):
    assert _plain(value) == plain and type(_plain(value)) is type(plain)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(86.66666, "86.67"), (2025, "2025"), (12345.0, "12,345"), (100, "100"), ("a", "a")],
)
def test_figures_in_the_table_read_like_the_cards(value, shown):
    assert _figure(value) == shown


def test_every_column_has_a_name_people_read():
    for kind in load_catalog().layers.values():
        assert not set(kind.columns) - set(load_catalog().fields), kind.id


def test_the_embedded_citys_page_stays_small(atlas):
    assert atlas[2]["page"].stat().st_size <= 2_500_000
