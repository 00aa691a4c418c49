"""A city filled from OpenStreetMap, in real clients: its page in Chromium, its GeoPackage in QGIS."""

from __future__ import annotations

import io
import json
import os
import subprocess

import pytest
from PIL import Image
from test_geopackage_qgis import PROBE

from browsing import open_page

pytestmark = pytest.mark.client


def test_the_page_is_silent_drawn_and_says_whose_map_it_is(browser, run_of):
    results, written = run_of
    page = open_page(browser, written["page"])
    assert page.noise == []
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").crop((372, 0, 1280, 900))
    assert len(picture.getcolors(1 << 24)) > 200
    assert "© OpenStreetMap contributors (ODbL)" in page.inner_text(".leaflet-control-attribution")
    # A page of a city abroad opens in English.
    assert "shares are of land" in page.inner_text("#headline")
    plan = results.city.analysis
    table = results.coverage.set_index(["facilities", "mode", "minutes", "area"])
    lead = table.loc[(plan.headline_facilities, plan.headline_mode, plan.headline_minutes, "ALL")]
    assert page.inner_text("#headline .big").startswith(f"{lead['km2_share']:.1%}")
    page.close()


def test_qgis_opens_every_layer(run_of, tmp_path):
    _, written = run_of
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE, "utf-8")
    done = subprocess.run(
        ["/usr/bin/python3", str(probe), str(written["geopackage"]), str(written["raster"]), str(tmp_path / "o.png")],
        capture_output=True, text=True, check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    seen = json.loads(done.stdout.split("RESULT")[1])
    for name, row in seen.items():
        if name not in ("raster", "colours"):
            assert row["valid"], name
            assert not row.get("broken"), name
    assert seen["parks"]["count"] >= 9 and seen["result_isochrones"]["count"] >= 100
    assert seen["raster"]["valid"] and seen["raster"]["crs"] == "EPSG:32635"
    assert seen["colours"] > 3
