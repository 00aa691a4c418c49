"""The report's page in a real browser: it asks nobody, runs nothing, reads well, and prints."""

from __future__ import annotations

import io

import numpy as np
import pypdfium2 as pdfium
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import gridtown
from patience import PATIENCE_S
from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.output import report

pytestmark = pytest.mark.client


@pytest.fixture(scope="module")
def pages(atlas, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return {x: report.write(atlas[0], folder / f"{x}.html", lang=x) for x in ("zh", "en")}


def opened(browser, path, width=1280):
    """A page from disk; `page.noise` is what should not happen."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(1000 * PATIENCE_S)
    page.noise = []
    page.on("console", lambda m: page.noise.append(m.text))
    page.on("pageerror", lambda e: page.noise.append(str(e)))
    page.on("dialog", lambda d: (page.noise.append(d.message), d.dismiss()))
    page.on("request", lambda r: page.noise.append(r.url) if not r.url.startswith((path.as_uri(), "data:")) else None)  # fmt: skip
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    return page


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_silent_and_axe_finds_nothing_serious(browser, pages, lang, width):
    page = opened(browser, pages[lang], width)
    assert page.noise == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Every picture is drawn: the policy lets them in, and they have a size.
    sizes = page.evaluate("[...document.images].map((i) => [i.complete, i.naturalWidth])")
    assert len(sizes) >= 9 and all(done and wide > 100 for done, wide in sizes)
    found = Axe().run(page).response["violations"]
    serious = [(v["id"], v["nodes"][0]["target"]) for v in found if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []
    page.close()


def test_a_link_of_the_contents_leads_to_its_section(browser, pages):
    page = opened(browser, pages["zh"])
    page.click("nav a[href='#gaps']")
    top = page.locator("#gaps").bounding_box()["y"]
    assert abs(top) < 5 and page.noise == []
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert len(picture.getcolors(1 << 24)) > 200
    page.close()


def test_on_paper_no_page_is_blank_and_nothing_is_cut(browser, pages):
    page = opened(browser, pages["zh"])
    paper = pdfium.PdfDocument(page.pdf(prefer_css_page_size=True))
    assert 10 < len(paper) < 60
    for sheet in paper:
        assert [round(x * 25.4 / 72) for x in sheet.get_size()] == [210, 297]
        picture = np.asarray(sheet.render(scale=0.4).to_pil().convert("L"))
        assert (picture < 200).mean() > 0.001
        assert (picture[:, :10] > 240).all() and (picture[:, -10:] > 240).all()
    paper.close()
    page.close()


def test_hostile_names_do_nothing(browser, tmp_path):
    folder = write_town(tmp_path / "town")
    rows = [(f"h{i}", None, {"name_zh": t, "name_en": t, "note_zh": t, "source": t}) for i, t in enumerate(PAYLOADS)]  # fmt: skip
    write_layer(folder, "hospitals", [*rows, ("h", shapely.Point(gridtown.centre(1, 1)), {})])
    path = report.write(study.run(load_city(folder)), tmp_path / "hostile.html")
    page = opened(browser, path)
    assert page.noise == [] and page.evaluate("window.pwned") is None
    text = page.inner_text("body")
    assert "<script>window.pwned=1</script>" in text and "{{ 7 * 7 }}" in text
    page.close()
