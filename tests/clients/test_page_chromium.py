"""The page in a real browser: silent, offline, safe, and its numbers are the run's numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import geopandas as gpd
import numpy as np
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from pyproj import Geod

import gridtown
from browsing import open_page
from patience import PATIENCE_S
from townfolder import HOSTILE, write_hostile_town, write_layer, write_town
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.output import page as html
from urbanplan.output.page.content import content
from urbanplan.output.page.shell import render
from urbanplan.output.page.tables import gain

pytestmark = pytest.mark.client


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
    assert luzhou_page.inner_text("#approval") == "仅供内部使用"
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
    box = luzhou_page.get_by_role("checkbox", name="产业园区").first
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
    words = {"surveyed": "实测", "derived": "推导", "schematic": "示意", "modelled": "推算"}
    assert row["source"] in card and row["licence"] in card and words[row["quality"]] in card
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
          const map = window.urbanplan.map;
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
    title, legend = (page.locator(x).bounding_box() for x in ("#title", "#p-legend"))
    assert title["y"] + title["height"] <= box["y"]
    assert legend["y"] >= box["y"] + box["height"]
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


def shown(page):
    """Ids of the layers that are on, as the share link has them."""
    page.click("#t-share")
    state = parse_qs(page.input_value("#link").split("#")[1])
    return set(state["on"][0].split(",")), state


@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, atlas, width, lang, scheme):
    page = open_page(browser, atlas[2]["page"], width, 900, f"#lang={lang}", color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    found = Axe().run(page).response["violations"]
    serious = [
        (v["id"], v["nodes"][0]["target"]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.click("#p-layers .entry button >> nth=1")
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.noise == []
    page.close()


def test_both_languages_say_the_same_in_their_own_words(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    figures = page.locator("#coverage td").all_inner_texts()
    page.click("#t-lang")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.inner_text("#title") == atlas[0].city.name_en
    assert page.locator("#coverage td").all_inner_texts() == figures
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    # Names of places without an English name, clauses and sources stay as they are published.
    for part in ("#headline", "#p-coverage", "#p-layers", "#p-legend", "#tools", "#p-scenarios"):
        text = page.inner_text(part).replace("中文", "")
        assert not re.search("[\u4e00-\u9fff]", text), (part, text)
    page.click("#t-lang")
    assert page.inner_text("#title") == atlas[0].city.name_zh and page.noise == []
    page.close()


@pytest.mark.parametrize("asked", ["龙马潭区", "longmatanqu", "lmtq", "longmatan district"])
def test_a_name_is_found_however_it_is_typed(browser, atlas, asked):
    page = open_page(browser, atlas[2]["page"])
    page.fill("#q", asked)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".card")
    assert page.inner_text(".card h2") == "龙马潭区"
    page.fill("#q", "没有这个地方")
    assert page.inner_text("#status") == "没有匹配的名称" and page.noise == []
    page.close()


def test_a_link_opens_what_was_shown(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.select_option("#c-facilities", "hospitals")
    page.select_option("#c-mode", "walk")
    page.select_option("#c-minutes", "15")
    page.get_by_role("checkbox", name="产业园区").first.check()
    on, _ = shown(page)
    link = page.input_value("#link")
    other = open_page(browser, atlas[2]["page"], state="#" + link.split("#")[1])
    again, state = shown(other)
    assert again == on and "industrial_parks" in on and "bands:hospitals:walk" in on
    assert state["c"] == ["hospitals/walk/15/ALL"]
    assert (
        other.locator("#coverage td").all_inner_texts()
        == page.locator("#coverage td").all_inner_texts()
    )
    assert page.noise == other.noise == []
    page.close()
    other.close()


@pytest.mark.parametrize(
    "state",
    [
        "#c=x/y/z/w&v=a/b/c&on=nothing&lang=xx",
        "#v=99/999/999",
        "#<img src=x onerror=alert(1)>",
        "#c=%00",
    ],
)
def test_a_made_up_link_opens_the_page_all_the_same(browser, atlas, state):
    page = open_page(browser, atlas[2]["page"], state=state)
    assert page.input_value("#c-facilities") == atlas[0].city.analysis.headline_facilities
    assert page.noise == []
    page.close()


def test_minutes_choose_the_bands_on_the_map_and_the_bars(browser, atlas):
    results = atlas[0]
    page = open_page(browser, atlas[2]["page"])
    plan = results.city.analysis
    for minutes in plan.minutes:
        page.select_option("#c-minutes", f"{minutes:g}")
        drawn = page.locator(".leaflet-z420-pane path").count()
        bands = results.bands
        bands = bands[
            (bands["facilities"] == plan.headline_facilities)
            & (bands["mode"] == plan.headline_mode)
        ]
        assert drawn == (bands["minutes"] <= minutes).sum()
        table = results.coverage
        wanted = table[
            (table["facilities"] == plan.headline_facilities)
            & (table["mode"] == plan.headline_mode)
            & (table["minutes"] == minutes)
        ]
        bars = page.locator("#chart text").all_text_contents()[1::2]
        assert bars == [f"{share:.1%}" for share in wanted["share"]]
        assert page.inner_text("#coverage tr.chosen th") == f"{minutes:g}"
    page.close()


def test_indicators_equal_the_run_and_lead_to_the_people_out_of_reach(browser, atlas):
    results = atlas[0]
    page = open_page(browser, atlas[2]["page"])
    page.evaluate("document.getElementById('p-indicators').open = true")
    told = results.indicators[results.indicators["verdict"] != "cannot be told"]
    assert page.locator("#indicators tbody tr").count() == len(told) > 0
    page.select_option("#i-verdict", "not met")
    failed = results.indicators[results.indicators["verdict"] == "not met"]
    assert page.locator("#indicators tbody tr").count() == len(failed) > 0
    page.select_option("#i-verdict", "")
    assert page.locator("#indicators tbody tr").count() == len(results.indicators)
    assert not any(on.startswith("gaps:") for on in shown(page)[0])
    page.select_option("#i-area", "纳溪区")
    page.locator("#indicators tbody button").first.click()
    assert "gaps:drive" in shown(page)[0]
    gaps = results.gaps[(results.gaps["mode"] == "drive") & (results.gaps["area"] == "纳溪区")]
    west, south, east, north = gaps.total_bounds
    seen = page.evaluate(
        "(() => { const b = window.urbanplan.map.getBounds();"
        "return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
    )
    assert seen[0] <= west + 0.01 and seen[1] <= south + 0.01
    assert seen[2] >= east - 0.01 and seen[3] >= north - 0.01 and page.noise == []
    page.close()


def saved(page, selector):
    with page.expect_download() as download:
        page.click(selector)
    return Path(download.value.path()).read_text("utf-8-sig")


def test_tables_and_layers_are_saved_as_they_are(browser, atlas):
    results = atlas[0]
    page = open_page(browser, atlas[2]["page"])
    rows = list(csv.DictReader(io.StringIO(saved(page, "#x-coverage"))))
    assert [(r["area"], r["share"]) for r in rows] == [
        (r.area, f"{r.share:.1%}") for r in results.coverage.itertuples()
    ]
    page.get_by_label("属性表 医院", exact=True).click()
    layer = json.loads(saved(page, "#x-geojson"))
    located = results.layers["hospitals"].located
    assert [f["properties"]["id"] for f in layer["features"]] == list(located["id"])
    there = shapely.from_geojson([json.dumps(f["geometry"]) for f in layer["features"]])
    # Rounded by no more than a tenth of the best accuracy, which is 100 m; see `decimals_of`.
    assert located["accuracy_m"].min() == 100
    assert max(shapely.distance(there, located.geometry.array)) * 111_000 < 10
    assert {f["properties"]["licence"] for f in layer["features"]} == set(located["licence"])
    page.close()


def test_a_spreadsheet_cannot_be_made_to_run_a_cell(browser, tmp_path):
    folder = write_town(tmp_path / "town")
    names = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", 'say "hi", you']
    place = shapely.Point(gridtown.centre(1, 1))
    write_layer(
        folder, "hospitals", [(f"h{i}", place, {"name_zh": n}) for i, n in enumerate(names)]
    )
    page = open_page(browser, html.write(study.run(load_city(folder)), tmp_path / "index.html"))
    page.get_by_label("属性表 医院", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(saved(page, "#x-csv"))))
    assert len(rows) == len(names)
    for row, name in zip(rows, names, strict=True):
        assert row["name_zh"] == (name if name[0] not in "=+-@\t" else "'" + name)
    page.close()


def test_a_line_is_measured_by_mouse_and_by_keyboard(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.click("#t-measure")
    box = page.locator(".folium-map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(middle[0] - 150, middle[1])
    page.mouse.click(middle[0] + 150, middle[1])
    ends = page.evaluate(
        """() => {
          const map = window.urbanplan.map, c = map.getSize().divideBy(2);
          return [-150, 150].map((x) => map.containerPointToLatLng([c.x + x, c.y])).map((p) => [p.lng, p.lat]);
        }"""
    )
    metres = Geod(ellps="WGS84").line_length(*zip(*ends))
    told = float(re.match(r"([\d.]+) km", page.inner_text("#status")).group(1)) * 1000
    # A sphere is within 0.6 % of the ellipsoid; clicks are within a pixel.
    assert told == pytest.approx(metres, rel=0.01)
    assert page.locator(".card").count() == 0
    page.focus(".folium-map")
    page.keyboard.press("Enter")
    assert "km²" in page.inner_text("#status")
    page.keyboard.press("Escape")
    assert page.inner_text("#status") == "" and page.noise == []
    page.close()


def test_the_keyboard_reaches_every_feature_through_its_table(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.get_by_label("属性表 公园", exact=True).focus()
    page.keyboard.press("Enter")
    first = page.locator("#sheet-table tbody button").first
    name = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".card")
    assert page.inner_text(".card h2") == name and page.noise == []
    page.close()


def test_a_sheet_of_paper_has_title_map_legend_and_scale(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.evaluate(
        "window.print = () => { window.sheet = [...document.querySelectorAll('style')].at(-1).textContent; }"
    )
    for size, most in (("a4", 297), ("a3", 420)):
        page.click(f"#t-{size}")
        rule = page.evaluate("window.sheet")
        assert f"size:{size.upper()} landscape" in rule
        page.add_style_tag(content=rule)
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        wide = max(float(x) for x in re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", pdf))
        assert wide == pytest.approx(most / 25.4 * 72, rel=0.01)
    page.emulate_media(media="print")
    for part in (
        "#title",
        "#approval",
        "#notice",
        ".folium-map",
        "#legend",
        ".north",
        ".leaflet-control-scale",
        "#sources",
    ):
        assert page.locator(part).first.is_visible(), part
    assert not page.locator("#tools").is_visible() and page.noise == []
    page.close()


def test_one_language_only_and_an_approval_number(browser, atlas, tmp_path):
    options = html.Options(lang="en", approval="川S〔2026〕00001号", title="<b>Our map</b>")
    page = open_page(browser, html.write(atlas[0], tmp_path / "i.html", options))
    assert page.inner_text("#title") == "<b>Our map</b>"
    assert page.inner_text("#approval") == "Map approval number: 川S〔2026〕00001号"
    assert not page.locator("#t-lang").is_visible() and page.noise == []
    page.close()


def many(geometry, shapes):
    """A layer with so many features that it is painted tile by tile."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"m{i}", "name_zh": f"第{i}号", "status": "existing", "quality": "derived"},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for i, shape in enumerate(shapes)
    ]  # fmt: skip
    return {
        "id": "many", "zh": "地块", "en": "Parcels", "chapter": "base", "geometry": geometry, "role": "context",
        "color": "#d07a1f", "open": True, "label": None, "units": {}, "total": len(features), "decimals": 6,
        "pinyin": [""] * len(features), "features": features,
    }  # fmt: skip


def large_page(browser, atlas, tmp_path, geometry, shapes, zoom=12):
    values = content(atlas[0])
    values["layers"] = [
        *(x for x in values["layers"] if x["id"] == "districts"),
        many(geometry, shapes),
    ]
    path = tmp_path / "large.html"
    path.write_text(render(values), "utf-8")
    west, south, east, north = shapely.total_bounds(shapes)
    return open_page(browser, path, state=f"#v={zoom}/{(south + north) / 2}/{(west + east) / 2}")


def lon_lat(page, x, y):
    return page.evaluate(
        """([x, y]) => {
          const map = window.urbanplan.map, box = map.getContainer().getBoundingClientRect();
          const p = map.containerPointToLatLng([x - box.left, y - box.top]);
          return [p.lng, p.lat];
        }""",
        [x, y],
    )


def test_large_layers_open_the_card_of_what_is_clicked(browser, atlas, tmp_path):
    rng = np.random.default_rng(7)
    # Squares with a hole each, some over others, on a loose grid of 45 by 45.
    places = [(105.35 + i % 45 * 0.004, 28.80 + i // 45 * 0.004) for i in range(2025)]
    shapes = []
    for x, y in places:
        r = rng.uniform(0.001, 0.0026)
        shapes.append(
            shapely.box(x - r, y - r, x + r, y + r)
            - shapely.box(x - r / 3, y - r / 3, x + r / 3, y + r / 3)
        )
    page = large_page(browser, atlas, tmp_path, "polygon", shapes, 14)
    assert page.locator(".leaflet-tile-container canvas").count() > 4
    assert page.locator(".leaflet-z430-pane path").count() == 0
    districts = atlas[0].layers["districts"].frame.set_index("name_zh").geometry

    def district(here):
        return districts.index[districts.contains(here)].item()

    opened = missed = 0
    for x, y in rng.uniform((500, 150), (1150, 800), (15, 2)):
        here = shapely.Point(lon_lat(page, x, y))
        # Within two pixels of an edge either answer will do.
        if min(s.boundary.distance(here) for s in shapes) < 0.0002:
            continue
        page.keyboard.press("Escape")
        page.evaluate("document.querySelectorAll('.leaflet-popup').forEach((p) => p.remove())")
        page.mouse.click(x, y)
        names = page.locator(".card h2").all_inner_texts()
        # The map makes room for a card; the next click waits for it to stand still.
        page.wait_for_timeout(400)
        inside = [i for i, s in enumerate(shapes) if s.contains(here)]
        # Where there is no parcel, the district below answers.
        assert names == [f"第{inside[-1]}号" if inside else district(here)], (x, y)
        opened, missed = opened + bool(inside), missed + (not inside)
    assert opened >= 3 and missed >= 1 and page.noise == []
    page.close()


@pytest.mark.parametrize("geometry", ["polygon", "line", "point"])
def test_every_feature_of_a_large_layer_leaves_its_mark(browser, atlas, tmp_path, geometry):
    places = [(105.30 + i % 50 * 0.005, 28.76 + i // 50 * 0.005) for i in range(2000)]
    made = {
        # A square of two metres is a hundredth of a pixel wide here.
        "polygon": [shapely.box(x, y, x + 2e-5, y + 2e-5) for x, y in places],
        "line": [shapely.LineString([(x, y), (x + 0.002, y)]) for x, y in places],
        "point": [shapely.Point(p) for p in places],
    }[geometry]
    page = large_page(browser, atlas, tmp_path, geometry, made)
    drawn = page.evaluate(
        """(places) => {
          const map = window.urbanplan.map, size = map.getSize();
          const tiles = [...document.querySelectorAll(".leaflet-tile-container canvas")].map((c) => [c.getBoundingClientRect(), c]);
          const box = map.getContainer().getBoundingClientRect();
          let inView = 0, marked = 0;
          for (const [lng, lat] of places) {
            const p = map.latLngToContainerPoint([lat, lng]);
            if (p.x < 8 || p.y < 8 || p.x > size.x - 8 || p.y > size.y - 8) continue;
            inView += 1;
            const [x, y] = [p.x + box.left, p.y + box.top];
            const found = tiles.some(([r, c]) => {
              if (x < r.left || x >= r.right || y < r.top || y >= r.bottom) return false;
              const k = c.width / r.width;
              const around = c.getContext("2d", { willReadFrequently: true }).getImageData(Math.max(0, (x - r.left) * k - 2), Math.max(0, (y - r.top) * k - 2), 5, 5).data;
              return around.some((v, i) => i % 4 === 3 && v > 0);
            });
            marked += found;
          }
          return [inView, marked];
        }""",
        places,
    )
    assert drawn[0] == drawn[1] > 500
    # Only the reading of pixels above is told that it is slow.
    assert all("getImageData" in text for text in page.noise)
    page.noise.clear()
    page.get_by_label("属性表 地块", exact=True).click()
    assert page.locator("#sheet-table tbody tr").count() == 500
    assert len(saved(page, "#x-csv").splitlines()) == 2001
    page.locator("#sheet-table tbody button").nth(3).click()
    assert page.inner_text(".card h2") == "第3号" and page.noise == []
    page.close()


def test_a_notebook_shows_a_frame_in_a_frame_of_its_own(browser, tmp_path):
    places = shapely.points([(105.4, 28.9), (105.5, 28.8)])
    frame = gpd.GeoDataFrame(
        {"name_zh": ["甲", "乙"], "use": ["A", "B"]}, geometry=places, crs=4326
    )
    cell = tmp_path / "cell.html"
    shown = html.page(frame, by="use")._repr_html_()
    cell.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{shown}", "utf-8")
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    noise = []
    page.on("console", lambda m: noise.append(m.text))
    page.on("pageerror", lambda e: noise.append(str(e)))
    page.goto(cell.as_uri())
    inner = page.frame_locator("iframe")
    inner.locator("html[data-ready=yes]").wait_for()
    assert inner.locator("#legend .key").all_inner_texts()[-3:] == ["A", "B", "其他或无值"]
    assert inner.locator("path.leaflet-interactive").count() == 2
    for part in ("#p-coverage", "#p-headline", "#p-indicators", "#p-unlocated"):
        assert not inner.locator(part).is_visible()
    inner.locator("#t-lang").click()
    inner.locator("path.leaflet-interactive").first.dispatch_event("click")
    assert "not stated" in inner.locator(".card").inner_text() and noise == []
    page.close()


def pane_box(page, name):
    return page.evaluate(f"getComputedStyle(document.querySelector('.leaflet-{name}-pane')).clipPath")  # fmt: skip


def test_a_scenario_is_set_beside_the_baseline(browser, atlas):
    """Swipe, map of change and ranked table, by mouse and keyboard, and kept in the link."""
    results = atlas[0]
    page = open_page(browser, atlas[2]["page"])
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    names = page.locator("#scenarios tbody th").all_inner_texts()
    plan = results.city.analysis
    table = results.scenario_coverage
    table = table[(table["minutes"] == plan.headline_minutes) & (table["mode"] == plan.headline_mode) & (table["facilities"] == plan.headline_facilities) & (table["area"] == "ALL")]  # fmt: skip
    wanted = table.assign(rank=table["persons_gained"].round()).sort_values("rank", ascending=False, kind="stable")  # fmt: skip
    assert names == list(wanted["name_zh"]) and len(names) == len(results.scenarios) - 1
    figures = page.locator("#scenarios tbody tr:nth-child(2n)").all_inner_texts()
    gained = [row.split("\t")[-2] for row in figures]
    assert gained == [gain(x) for x in wanted["persons_gained"]]
    # A name in the table shows where minutes change.
    page.locator("#scenarios tbody th button", has_text="全部规划桥梁建成").click()
    key = f"{plan.headline_facilities}:{plan.headline_mode}"
    assert f"change:all_bridges:{key}" in shown(page)[0]
    drawn = page.locator(".leaflet-z423-pane path").count()
    changes = results.differences.query("scenario == 'all_bridges'")
    assert 0 < drawn <= len(changes)
    page.uncheck("#s-change")
    page.check("#s-swipe")
    assert page.locator("#swiper").is_visible() and page.locator(".swipe-line").count() == 1
    left, right = pane_box(page, "z420"), pane_box(page, "z421")
    assert left.startswith("polygon") and right.startswith("polygon") and left != right
    page.focus("#swipe-at")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.input_value("#swipe-at") == "60" and pane_box(page, "z420") != left
    _, state = shown(page)
    other = open_page(browser, atlas[2]["page"], state="#" + page.input_value("#link").split("#")[1])  # fmt: skip
    assert state["s"] == [f"all_bridges/{plan.headline_facilities}/{plan.headline_mode}/1/0/60"]
    assert other.locator("#swiper").is_visible() and other.input_value("#swipe-at") == "60"
    page.select_option("#s-which", "greenway")
    assert not page.locator("#swiper").is_visible() and "不改变" in page.inner_text("#s-note")
    rows = list(csv.DictReader(io.StringIO(saved(page, "#x-scenarios"))))
    assert len(rows) == (results.scenario_coverage["minutes"] == plan.headline_minutes).sum()
    assert page.noise == other.noise == []
    page.close()
    other.close()


def test_the_plans_tree_drives_the_map(browser, atlas):
    results = atlas[0]
    page = open_page(browser, atlas[2]["page"])
    page.locator("#p-plan > summary").click()
    assert page.locator("#plan-tree .task").count() == len(results.plan.plan.tasks) == 15
    assert results.plan.plan.about["cut_off_zh"] in page.inner_text("#plan-about")
    # One item of a task: only its layer and the base are shown, each of its features ringed.
    page.locator("#plan-tree .task summary", has_text="先进制造业").click()
    page.get_by_role("button", name="5.1").click()
    shown = set(page.evaluate("[...document.querySelectorAll('#layers input:checked')].map(x => x.closest('.layer').querySelector('span').textContent)"))  # fmt: skip
    assert shown == {"产业园区", "三区行政区划", "长江与沱江"}
    ids = results.plan.shown["5.1"]["industrial_parks"]
    located = results.layers["industrial_parks"].located
    assert page.locator(".leaflet-marks-pane path").count() == located["id"].isin(ids).sum() == 3
    # What the ledger says is what the page says.
    row = results.plan.ledger.set_index("item").loc["4.5"]
    page.locator("#plan-tree .task summary", has_text="现代服务业").click()
    said = page.locator("#plan-tree .item", has_text="4.5").inner_text()
    assert row["values_zh"] in said and row["missing_zh"] in said and row["promised_zh"] in said
    # By agency: only tasks that it leads.
    page.select_option("#plan-agency", "市卫生健康委")
    numbers = page.locator("#plan-tree .task summary b").all_inner_texts()
    led = results.plan.ledger[results.plan.ledger["agencies"].str.split("; ").map(lambda a: "市卫生健康委" in a)]  # fmt: skip
    assert numbers == [str(n) for n in sorted(set(led["task"]))]
    # Goals, and what answers back its task: an indicator and a feature's card.
    needed = results.plan.targets.set_index("name_zh").loc["城市人口", "still_needed"]
    assert (
        f"{needed:,.0f}" in page.locator("#plan-targets tbody tr", has_text="城市人口").inner_text()
    )
    page.locator("#p-indicators > summary").click()
    assert "规划任务 4" in page.locator("#indicators tbody tr", has_text="30分钟文体服务圈").first.inner_text()  # fmt: skip
    page.fill("#q", "西南医科大学附属医院")
    page.locator("#hits button").first.click()
    assert "规划任务" in page.locator(".card").inner_text() and "4、8" in page.locator(".card").inner_text()  # fmt: skip
    exported = list(csv.DictReader(io.StringIO(saved(page, "#x-plan"))))
    assert len(exported) == len(results.plan.plan.items)
    assert page.noise == []
    page.close()


def test_conflicts_are_a_layer_of_the_page(browser, atlas):
    page = open_page(browser, atlas[2]["page"])
    page.get_by_role("checkbox", name="一致性核对").check()
    page.get_by_label("属性表 一致性核对", exact=True).click()
    assert page.locator("#sheet-table tbody tr").count() == len(atlas[0].plan.conflicts) > 0
    assert "恒力" in page.inner_text("#sheet-table")
    assert page.noise == []
    page.close()


@pytest.mark.parametrize("kept", [("study_area", "districts"), ("study_area", "districts", "roads", "water")])  # fmt: skip
def test_a_city_that_has_nothing_yet_opens_and_says_so(browser, tmp_path, kept):
    """As `init` leaves it: an outline, and no layer that anybody could reach."""
    folder = write_town(tmp_path / "town")
    for path in folder.glob("*.geojson"):
        if path.stem not in kept:
            write_layer(folder, path.stem, [])
    (folder / "scenarios.toml").unlink()
    (folder / "checks.toml").write_text("", "utf-8")
    (folder / "facts.csv").write_text((folder / "facts.csv").read_text("utf-8").splitlines()[0], "utf-8")  # fmt: skip
    results = study.run(load_city(folder))
    page = open_page(browser, html.write(results, tmp_path / "i.html"))
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    for words in ("无法判断", "cannot be told"):
        assert words in page.inner_text("#headline")
        assert page.locator("#headline table").count() == 0
        # Attributes too: a chart tells its figures to screen readers there.
        shown = page.evaluate("document.body.outerHTML.replace(/<script.*?<.script>/gs, '')")
        assert not re.search(r"\b(NaN|nan|undefined|Infinity|null)\b", shown)
        assert set(page.locator(".label.districts").all_inner_texts()) == {"北岸", "南岸"}
        page.click("#t-lang")
    # The districts fill the map: it opens on them, not on the world.
    box = page.locator(".leaflet-z410-pane path").first.bounding_box()
    assert box["width"] > 300
    page.select_option("#c-minutes", "1")
    page.reload()
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    assert page.noise == []
    page.close()


@pytest.mark.parametrize(("lang", "other"), [("zh", "en"), ("en", "zh")])
def test_what_one_language_leaves_out_is_not_shown_in_the_other(browser, tmp_path, lang, other):
    folder = write_town(tmp_path / "town")
    told = {f"{k}_{x}": f"{k} in {x}" for k in ("name", "note") for x in ("zh", "en")}
    place = shapely.Point(gridtown.centre(1, 1))
    write_layer(folder, "hospitals", [("a", place, told), ("b", None, told)])
    options = html.Options(redact=(f"note_{lang}", f"name_{lang}"))
    path = html.write(study.run(load_city(folder)), tmp_path / "i.html", options)
    for spoken in (lang, other):
        page = open_page(browser, path, state=f"#lang={spoken}")
        page.get_by_label(
            "属性表 医院" if spoken == "zh" else "Table Hospitals", exact=True
        ).click()
        page.locator("#sheet-table tbody button").first.click()
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        card = page.locator(".card").last.inner_text()
        lost = page.inner_text("#unlocated tbody")
        # Labels that moved fade out while the new ones are there.
        labels = set(page.locator(".label.hospitals").all_inner_texts())
        assert (f"note in {other}" in card) == (f"note in {other}" in lost) == (spoken == other)
        assert f"name in {other}" in card
        assert page.locator(".card h2").last.inner_text() == (
            f"name in {other}" if spoken == other else "医院" if spoken == "zh" else "Hospitals"
        )
        assert labels == ({f"name in {other}"} if spoken == other else set())
        assert page.noise == []
        page.close()
