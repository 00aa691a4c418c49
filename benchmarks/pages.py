"""The page beside stock folium, in one run: python benchmarks/pages.py [--sizes 5000,50000,200000].

Both pages are built from the same frame and opened in Debian's Chromium with software rendering.
Stock folium asks ten files of other hosts: Leaflet is answered from the copy that urbanplan
bundles, everything else with an empty file, at once, which is a favour to folium.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from playwright.sync_api import Browser, Page, sync_playwright

from urbanplan.output import page as html
from urbanplan.output.page.frames import COLORS
from urbanplan.output.page.shell import ASSETS

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
#: Size in MB, seconds until visible, seconds a pan: what the page aims at.
GOALS = {5_000: (0.8, 1.3, 0.1), 50_000: (4.0, 4.0, 0.3), 200_000: (15.0, 10.0, 1.0)}
#: folium's page of 200,000 took minutes; nobody waits longer.
PATIENCE_MS = 420_000
#: What the page says of itself once everything is drawn.
READY = "html[data-ready=yes]"
USES = ("居住", "商业", "工业", "绿地", "教育", "医疗", "仓储", "道路")
#: Five pans, the map's width being 900 pixels.
PANS = [[300, 150], [-200, 100], [100, -300], [-300, -100], [200, 200]]
#: Two frames after a pan, and no tile still to come: the map is as it will stay.
PAN = """async (by) => {
  const map = (window.urbanplan || {}).map || window[Object.keys(window).find((k) => /^map_/.test(k))];
  const frame = () => new Promise((r) => requestAnimationFrame(r));
  const busy = () => { let any = false; map.eachLayer((l) => { any = any || (l.isLoading && l.isLoading()); }); return any; };
  const began = performance.now();
  map.panBy(by, { animate: false });
  do await frame(); while (busy());
  await frame();
  return (performance.now() - began) / 1000;
}"""


@dataclass
class Seen:
    """One page in one browser."""

    mb: float
    built_s: float
    visible_s: float
    pan_s: float
    requests: int
    colours: int


def parcels(count: int) -> gpd.GeoDataFrame:
    """Parcels of ten corners with six attributes, side by side around 105.4° E, 28.9° N."""
    rng = np.random.default_rng(20250101)
    side = int(np.ceil(np.sqrt(count)))
    row, column = np.divmod(np.arange(count), side)
    step = 0.4 / side
    middle = np.stack([105.2 + (column + 0.5) * step, 28.7 + (row + 0.5) * step], axis=1)
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    reach = step / 2 * rng.uniform(0.6, 0.98, (count, 10))
    ring = middle[:, None] + np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=2)
    return gpd.GeoDataFrame(
        {
            "id": [f"p{i}" for i in range(count)],
            "name_zh": [f"地块{i}" for i in range(count)],
            "use": rng.choice(USES, count),
            "far": rng.uniform(0.5, 5, count).round(1),
            "area_ha": rng.uniform(0.1, 9, count).round(2),
            "accuracy_m": 5.0,
        },
        geometry=shapely.polygons(ring),
        crs=4326,
    )


def stock_folium(frame: gpd.GeoDataFrame, path: Path) -> None:
    """The page that folium's documentation leads to: one layer, a style function, a tooltip."""
    import folium

    colour = dict(zip(USES, COLORS, strict=True))
    view = folium.Map(location=[28.9, 105.4], zoom_start=11)
    folium.GeoJson(
        frame,
        style_function=lambda f: {"fillColor": colour[f["properties"]["use"]], "weight": 1},
        tooltip=folium.GeoJsonTooltip(["name_zh", "use", "far", "area_ha"]),
    ).add_to(view)
    view.save(str(path))


def _answer(route) -> None:
    # What a page asks of other hosts: Leaflet for real, the rest empty.
    url = route.request.url
    name = next((n for n in ("leaflet.js", "leaflet.css") if url.endswith(f"/{n}")), None)
    body = (ASSETS / name).read_text("utf-8") if name else ""
    route.fulfill(body=body, content_type="text/css" if url.endswith("css") else "text/javascript")


def look(browser: Browser, path: Path, built_s: float, ready: str) -> Seen:
    """Open a page, wait until it is painted, and pan it."""
    page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
    page.route(re.compile("^https?://"), _answer)
    began = time.perf_counter()
    page.goto(f"file://{path}", timeout=PATIENCE_MS)
    page.wait_for_selector(ready, state="attached")
    picture = page.screenshot(timeout=PATIENCE_MS)
    visible_s = time.perf_counter() - began
    pans = [page.evaluate(PAN, by) for by in PANS]
    page.close()
    return Seen(
        path.stat().st_size / 1e6,
        built_s,
        visible_s,
        statistics.median(pans),
        len([u for u in asked if "tile.openstreetmap" not in u]),
        _colours(picture),
    )


def _colours(picture: bytes) -> int:
    import io

    from PIL import Image

    return len(Image.open(io.BytesIO(picture)).convert("RGB").getcolors(1 << 24))


def compare(count: int, repeats: int) -> tuple[Seen, Seen, int]:
    """Both pages of `count` parcels, in one browser each time, and how many features ours holds."""
    frame = parcels(count)
    folder = Path(tempfile.mkdtemp())
    pages = {"ours": folder / "ours.html", "folium": folder / "folium.html"}
    built = {}
    began = time.perf_counter()
    html.write(frame, pages["ours"], html.Options(title="地块"), by="use")
    built["ours"] = time.perf_counter() - began
    began = time.perf_counter()
    stock_folium(frame, pages["folium"])
    built["folium"] = time.perf_counter() - began
    ready = {
        "ours": READY,
        "folium": "path.leaflet-interactive",
    }
    seen: dict[str, list[Seen]] = {"ours": [], "folium": []}
    with sync_playwright() as p:
        for turn in range(repeats):
            for name in pages:
                # A page that takes minutes is looked at once.
                if turn and name == "folium" and seen[name][0].visible_s > 60:
                    continue
                browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                seen[name].append(look(browser, pages[name], built[name], ready[name]))
                browser.close()
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        there = _held(browser, pages["ours"])
        browser.close()
    return _median(seen["ours"]), _median(seen["folium"]), there


def _held(browser: Browser, path: Path) -> int:
    # Features that the open page really holds, by what it saves as GeoJSON.
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"file://{path}")
    page.wait_for_selector(READY, state="attached")
    page.click("#p-layers .entry button")
    with page.expect_download() as download:
        page.click("#x-geojson")
    return len(json.loads(Path(download.value.path()).read_text("utf-8"))["features"])


def _median(seen: list[Seen]) -> Seen:
    return Seen(
        *(
            statistics.median([getattr(s, f) for s in seen])
            for f in Seen.__dataclass_fields__
        )
    )  # fmt: skip


def main() -> None:
    """Measure and print the table."""
    ask = argparse.ArgumentParser(prog="benchmarks/pages.py", description=__doc__)
    ask.add_argument("--sizes", default=",".join(map(str, GOALS)))
    ask.add_argument("--repeats", type=int, default=3)
    asked = ask.parse_args()
    print("| features | page | MB | built s | visible s | pan s | other hosts |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for count in map(int, asked.sizes.split(",")):
        ours, folium, there = compare(count, asked.repeats)
        for name, s in (("stock folium", folium), ("urbanplan", ours)):
            print(
                f"| {count:,} | {name} | {s.mb:.2f} | {s.built_s:.1f} | {s.visible_s:.1f}"
                f" | {s.pan_s:.2f} | {s.requests:.0f} |"
            )
        ratios = [
            getattr(folium, f) / getattr(ours, f) for f in ("mb", "built_s", "visible_s", "pan_s")
        ]
        print("| | times smaller, quicker | " + " | ".join(f"{r:.1f} ×" for r in ratios) + " | |")
        goal = GOALS.get(count)
        if goal:
            got = (ours.mb, ours.visible_s, ours.pan_s)
            missed = [f"{g:g}" for g, v in zip(goal, got) if v > g]
            print(
                f"| | goal | {goal[0]} | | {goal[1]} | {goal[2]} | 0 |"
                + (f" missed: {', '.join(missed)}" if missed else "")
            )
        print(
            f"| | features that the open page holds | {there:,} of {count:,} | | | | |", flush=True
        )


if __name__ == "__main__":
    main()
