"""A hundred hostile texts in every place where a page takes text: none runs, all can be read."""

from __future__ import annotations

import copy
import csv
import io
import os
import re
import subprocess
from itertools import cycle, islice
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import gridtown
from browsing import open_page
from pagereader import packed
from patience import PATIENCE_S
from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.files.texts import as_cell
from urbanplan.output import page as html
from urbanplan.output.page.content import content
from urbanplan.output.page.shell import render

pytestmark = pytest.mark.client

#: What scripts look things up by; readers never see it.
_KEYS = {"id", "geometry", "role", "color", "chapter", "quality", "status", "verdict", "direction"}
_KEYS |= {"mode", "minutes", "facilities", "type", "lang", "river", "class", "area", "selected"}
#: Tables that are named by what is looked up in them.
_NAMED_BY = {"facilities", "modes", "areas", "chapters", "ramp", "roads", "fill", "units"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """The grid town with one hospital for every payload, in every column that is free text."""
    folder = write_town(tmp_path_factory.mktemp("payloads") / "town")
    spots = cycle([(1, 1), (1, 3), (1, 5), (1, 7), (5, 3), (5, 5), (5, 7), (0, 0)])
    rows = [
        (
            f"h{i}",
            shapely.Point(gridtown.centre(*spot)),
            dict.fromkeys(("name_zh", "name_en", "note_zh", "note_en", "source", "tier"), text),
        )
        for i, (spot, text) in enumerate(zip(spots, PAYLOADS))
    ]
    write_layer(folder, "hospitals", rows)
    return study.run(load_city(folder))


def poisoned(values, start, keys=False):
    """The same values with every text that readers see replaced, beginning with payload `start`.

    With `keys`, what scripts look things up by is replaced too: one payload for each, wherever it
    stands, so that what belongs together still does.
    """
    texts = islice(cycle(PAYLOADS), start, None)
    named = {}

    def turned(value, key):
        if isinstance(value, dict):
            return {
                turned_key(k) if key in _NAMED_BY else k: turned(v, k) for k, v in value.items()
            }
        if isinstance(value, list) and key not in ("coordinates", "view", "pinyin"):
            return [turned(v, key) for v in value]
        if not isinstance(value, str):
            return value
        return next(texts) if key not in _KEYS else turned_key(value)

    def turned_key(value):
        return (
            named.setdefault(value, PAYLOADS[(start + len(named)) % len(PAYLOADS)])
            if keys
            else value
        )

    kept = ("view", "land", "least", "checks") if keys else ("view", "layers", "ramp", "selected", "lang", "land", "least", "checks")  # fmt: skip
    new = {k: v if k in kept else turned(v, k) for k, v in copy.deepcopy(values).items()}
    if not keys:
        new["layers"] = [
            {k: next(texts) if k in ("zh", "en") else v for k, v in layer.items()}
            for layer in values["layers"]
        ]
        return new
    for layer, old in zip(new["layers"], values["layers"]):
        # How a shape is packed is no value.
        for feature, as_it_was in zip(layer["features"], old["features"]):
            feature["geometry"] = as_it_was["geometry"]
    return new


@pytest.fixture(scope="module")
def plain_town(tmp_path_factory):
    """The grid town as it is: few features, and every panel of the page."""
    return study.run(load_city(write_town(tmp_path_factory.mktemp("plain") / "town")))


def opened(browser, path):
    page = open_page(browser, path)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    return page


def silent(page):
    # A frame, a form or a picture made from data would be here even where the policy stops it.
    for tag in ("iframe", "object", "embed", "form", "img", "video", "audio", "base", "marquee"):
        assert page.locator(tag).count() == 0, tag
    assert page.evaluate("window.pwned") is None
    assert page.noise == []


#: What the rows of a layer's table are called, and what the head of every sixth one's card reads.
_ROWS_AND_CARDS = """(name) => {
  const open = document.querySelector(`#layers button[aria-label="${name}"]`);
  const rows = () => [...document.querySelectorAll("#sheet-table tbody tr button")];
  open.click();
  const names = rows().map((row) => row.textContent), heads = [];
  for (let i = 0; i < names.length; i += 6) {
    open.click();
    rows()[i].click();
    heads.push([...document.querySelectorAll(".card h2")].pop().textContent);
  }
  return [names, heads];
}"""


def test_there_are_sixty_payloads_and_more():
    assert len(set(PAYLOADS)) >= 60


def test_a_feature_with_each_payload_is_shown_as_written(browser, town, tmp_path):
    page = opened(browser, html.write(town, tmp_path / "index.html"))
    names, heads = page.evaluate(_ROWS_AND_CARDS, "属性表 医院")
    assert names == list(PAYLOADS) and heads == list(PAYLOADS[::6])
    silent(page)
    page.fill("#q", "window.pwned")
    assert page.locator("#hits button").count() == 12
    silent(page)
    page.close()


#: Makes the page anew from other values, without opening it anew: the browser, the policy and the scripts stay.
_AGAIN = """async ([body, block]) => {
  delete document.documentElement.dataset.ready;
  document.body.innerHTML = body;
  document.getElementById("atlas-data").textContent = block;
  await urbanplanAtlas();
  document.querySelectorAll("details").forEach((d) => (d.open = true));
  const said = document.body.textContent;
  document.getElementById("t-lang").click();
  for (const node of document.querySelectorAll("#layers .entry button, #sheet-close, .leaflet-interactive")) node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  return [said, document.documentElement.dataset.ready];
}"""


@pytest.mark.parametrize("keys", [False, True])
def test_every_place_of_the_page_takes_every_payload(browser, plain_town, tmp_path, keys):
    values = content(plain_town)
    text = render(values)
    (tmp_path / "index.html").write_text(text, "utf-8")
    page = opened(browser, tmp_path / "index.html")
    body = re.sub(r"<script>.*?</script>", "", text.split("<body>")[1], flags=re.DOTALL)
    for start in range(len(PAYLOADS)):
        new = poisoned(values, start, keys)
        block = packed(render(new))
        said, ready = page.evaluate(_AGAIN, [body, block])
        assert ready == "yes", (start, PAYLOADS[start])
        for shown in (new["city"]["zh"], new["headline"]["zh"], new["layers"][0]["zh"]):
            assert shown.strip() in said
        assert page.evaluate("window.pwned") is None and page.noise == [], (start, page.noise)
    silent(page)
    page.close()


def test_cells_of_a_saved_table_do_not_run(browser, town, tmp_path):
    page = opened(browser, html.write(town, tmp_path / "index.html"))
    page.get_by_label("属性表 医院", exact=True).click()
    with page.expect_download() as download:
        page.click("#x-csv")
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(PAYLOADS)
    for row, payload in zip(rows, PAYLOADS, strict=True):
        # As our own tables have it, so that our own reader takes the quote off again.
        guarded = as_cell(payload)
        assert row["name_zh"] == guarded and row["source"] == guarded
    assert not [c for row in rows for c in row.values() if re.match(r"\s*[=+@＝＋－＠]|[\t\r]", c)]
    page.close()


def test_frames_with_hostile_columns_values_and_names(browser, tmp_path):
    columns = [*PAYLOADS[::6], "__proto__", "constructor", "toString", 0, None]
    frame = gpd.GeoDataFrame(
        {text: list(PAYLOADS) for text in columns} | {"name_zh": list(PAYLOADS)},
        geometry=[shapely.Point(105.4 + i / 1000, 28.9) for i in range(len(PAYLOADS))],
        crs=4326,
    )
    frames = dict.fromkeys(PAYLOADS[:8], frame.head(2)) | {PAYLOADS[0]: frame}
    for by in PAYLOADS[:12:6]:
        path = html.write(frames, tmp_path / "index.html", by=by)
        page = opened(browser, path)
        assert page.locator("#layers .entry").count() == len(frames)
        assert PAYLOADS[0] in page.locator("#legend").text_content()
        page.locator("#layers .entry button").first.click()
        page.locator("#sheet-table tbody button").nth(5).click()
        assert page.locator(".card h2").text_content() == PAYLOADS[5]
        silent(page)
        page.close()


def test_a_file_may_be_called_anything(browser, town, tmp_path):
    names = [t for t in PAYLOADS if "/" not in t and len(t.encode()) < 200]
    assert len(names) > 25
    text = html.page(town).text
    for name in names[::6]:
        path = tmp_path / f"{name}.html"
        path.write_text(text, "utf-8")
        page = open_page(browser, path)
        silent(page)
        page.close()


def test_no_network_at_all(atlas, tmp_path):
    """In a network namespace without any interface, the page opens and says its figure."""
    unshare = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-rn"]
    done = subprocess.run(
        [*unshare, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom",
         atlas[2]["page"].as_uri()],
        capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert re.search(r'<html[^>]*data-ready="yes"', done.stdout)
    table = atlas[0].coverage.set_index(["facilities", "mode", "minutes", "area"])
    plan = atlas[0].city.analysis
    lead = table.loc[(plan.headline_facilities, plan.headline_mode, plan.headline_minutes, "ALL")]
    assert f"{lead['share']:.1%}" in done.stdout
