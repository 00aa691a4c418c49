"""The page in a real browser: silent, offline, safe, and its numbers are the run's numbers."""

from __future__ import annotations

import io
import json

import pytest
import shapely
from PIL import Image
from playwright.sync_api import sync_playwright

import gridtown
from townfolder import HOSTILE, write_hostile_town, write_layer, write_town
from urbanplan import study
from urbanplan.city import load_city
from urbanplan.publish import html

pytestmark = pytest.mark.client
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


def open_page(browser, path, width=1280, height=900):
    page = browser.new_page(viewport={"width": width, "height": height})
    page.noise = []
    page.on(
        "console", lambda m: page.noise.append(m.text) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda e: page.noise.append(str(e)))
    page.on(
        "request",
        lambda r: (
            page.noise.append(r.url)
            if not r.url.startswith(("file://" + str(path), "data:"))
            else None
        ),
    )
    page.goto(f"file://{path}")
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'", timeout=20_000)
    return page


@pytest.fixture(scope="module")
def luzhou_page(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    yield page
    page.close()


def test_no_request_no_error(luzhou_page):
    assert luzhou_page.noise == []


def test_the_map_is_drawn(luzhou_page):
    picture = Image.open(io.BytesIO(luzhou_page.screenshot())).convert("RGB")
    part = picture.crop((372, 0, 1280, 900))
    assert len(part.getcolors(1 << 24)) > 200
    assert luzhou_page.locator(".folium-map path.leaflet-interactive").count() > 100
    assert luzhou_page.evaluate("document.fonts.check('14px \"Noto Sans CJK SC\"')")


def test_title_notice_and_headline(luzhou_page, atlas):
    results = atlas[0]
    assert luzhou_page.inner_text("#title") == results.city.name_zh
    assert luzhou_page.inner_text("#notice") == results.city.notice_zh
    plan, table = results.city.analysis, results.coverage
    row = table[
        (table["facilities"] == plan.headline_facilities)
        & (table["mode"] == plan.headline_mode)
        & (table["minutes"] == plan.headline_minutes)
        & (table["area"] == "ALL")
    ].iloc[0]
    share, people = luzhou_page.inner_text("#headline .big").split("\n")
    assert share.strip() == f"{row.share:.1%}"
    assert people.startswith(f"{row.persons_covered:,.0f} / {row.persons:,.0f} 人")


def test_every_located_layer_has_a_switch(luzhou_page, atlas):
    results = atlas[0]
    names = luzhou_page.locator("#layers label.layer span:nth-of-type(1)").all_inner_texts()
    for layer in results.layers.values():
        assert (layer.kind.name_zh in names) == bool(len(layer.located)), layer.id
    assert sum("等时圈" in n for n in names) == len(results.minutes)


def test_coverage_table_equals_the_run_for_every_choice(luzhou_page, atlas):
    coverage = atlas[0].coverage
    for (facilities, mode, area), part in coverage.groupby(["facilities", "mode", "area"]):
        luzhou_page.select_option("#c-facilities", facilities)
        luzhou_page.select_option("#c-mode", mode)
        luzhou_page.select_option("#c-area", area)
        shown = [t.split("\t") for t in luzhou_page.inner_text("#coverage tbody").split("\n")]
        wanted = [
            [
                f"{r.minutes:g}",
                f"{r.share:.1%}",
                f"{r.persons_covered:,.0f}",
                f"{r.persons:,.0f}",
                f"{r.km2_covered:,.0f}" if r.km2_covered >= 10 else f"{r.km2_covered:.1f}",
            ]
            for r in part.itertuples()
        ]
        assert shown == wanted
        on = luzhou_page.locator("#layers input:checked").count()
        assert on > 0
    assert luzhou_page.noise == []


def test_a_switch_changes_the_map(luzhou_page):
    box = luzhou_page.get_by_label("产业园区", exact=False).first
    before = luzhou_page.locator(".folium-map path").count()
    box.check()
    after = luzhou_page.locator(".folium-map path").count()
    box.uncheck()
    assert after > before and luzhou_page.locator(".folium-map path").count() == before


def test_unlocated_things_are_listed(luzhou_page, atlas):
    shown = luzhou_page.locator("#unlocated tbody tr").count()
    assert shown == sum(len(x.frame) - len(x.located) for x in atlas[0].layers.values()) > 20


def test_a_phone_can_use_it(browser, atlas):
    page = open_page(browser, atlas[2]["page"], 360, 740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("#toggle")
    assert page.evaluate("document.getElementById('panel').getBoundingClientRect().height") < 80
    assert page.noise == []
    page.close()


def test_hostile_names_are_shown_as_text_and_never_run(browser, tmp_path):
    folder = write_hostile_town(tmp_path / "town")
    path = html.write(study.run(load_city(folder)), tmp_path / "index.html")
    page = open_page(browser, path)
    assert page.inner_text("#title") == HOSTILE[0]
    seen = set()
    points = page.locator(".folium-map .leaflet-z460-pane path, .folium-map path[d*='a7,7']")
    for i in range(points.count()):
        points.nth(i).dispatch_event("click")
        page.wait_for_timeout(120)
        for card in page.locator(".card h2").all_inner_texts():
            seen.add(card)
    assert {n.strip("\u2028") for n in HOSTILE} <= {s.strip("\u2028 ") for s in seen}
    assert page.evaluate("window.pwned") is None and page.noise == []
    page.close()


def test_a_card_says_quality_accuracy_source_and_licence(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.locator(".folium-map path[d*='a7,7']").first.dispatch_event("click")
    page.wait_for_selector(".card")
    name, card = page.inner_text(".card h2"), page.inner_text(".card")
    row = atlas[0].layers["culture_sport"].frame.set_index("name_zh").loc[name]
    assert row["source"] in card and row["licence"] in card and row["quality"] in card
    assert f"± {row['accuracy_m']:g} m" in card
    page.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_city_name_is_text_everywhere(browser, tmp_path, name):
    folder = write_town(tmp_path / "town")
    profile = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(profile.replace('"格子镇"', json.dumps(name)), "utf-8")
    path = html.write(study.run(load_city(folder)), tmp_path / "index.html")
    page = open_page(browser, path)
    # Leaflet writes attributions as markup, which the policy alone must not have to stop.
    shown = page.locator(".leaflet-control-attribution").text_content()
    assert (
        name in shown and page.locator(".leaflet-control-attribution img, svg[onload]").count() == 0
    )
    assert page.evaluate("window.pwned") is None and page.noise == []
    page.close()


def test_one_facility_in_several_places(browser, tmp_path):
    folder = write_town(tmp_path / "town")
    places = shapely.MultiPoint([gridtown.centre(1, 1), gridtown.centre(1, 7)])
    write_layer(folder, "hospitals", [("both", places, {})])
    page = open_page(browser, html.write(study.run(load_city(folder)), tmp_path / "index.html"))
    assert page.locator(".folium-map path[d*='a7,7']").count() == 2 and page.noise == []
    page.close()


def test_points_show_status_and_quality_as_the_legend_says(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    seen = page.evaluate(
        """() => {
          document.querySelectorAll("#layers input").forEach((box) => box.checked || box.click());
          const map = window[Object.keys(window).find((k) => /^map_\\d+$/.test(k))];
          const found = [];
          map.eachLayer((shape) => {
            if (!(shape instanceof L.CircleMarker)) return;
            const { status, quality } = shape.feature.properties;
            found.push([status, quality, shape.options.fillColor === "#fff", Boolean(shape.options.dashArray), shape.options.color === "#fff"]);
          });
          return found;
        }"""
    )
    assert {status for status, *_ in seen} >= {"existing", "planned"}
    for status, quality, hollow, dashed, white in seen:
        assert hollow == (status != "existing")
        assert dashed == (quality in ("schematic", "modelled"))
        # A white dashed ring cannot be told from a solid one.
        assert not (dashed and white)
    page.close()


def test_another_area_leaves_the_switches_alone(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.locator("#layers input:checked").first.uncheck()
    extra = page.get_by_label("医院 · 步行等时圈", exact=False).first
    extra.check()
    before = page.locator("#layers input:checked").count()
    page.locator("#c-area").select_option(index=0)
    assert extra.is_checked() and page.locator("#layers input:checked").count() == before
    page.close()


def test_paper_shows_the_map(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.emulate_media(media="print")
    box = page.locator(".folium-map").bounding_box()
    assert box["x"] == 0 and box["width"] > 1000 and box["height"] > 500
    assert page.locator("#panel").bounding_box()["y"] >= box["height"]
    page.close()


def test_tables_fit_the_panel(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    wide = page.evaluate(
        """() => { document.querySelectorAll("details").forEach((d) => { d.open = true; });
          return [...document.querySelectorAll("#panel .scroll")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.firstElementChild.id); }"""
    )
    assert wide == []
    page.close()
