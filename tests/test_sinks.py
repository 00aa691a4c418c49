"""A value is data at every sink: what is written is read by other parsers, and is the text it was."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from itertools import cycle
from xml.etree import ElementTree as ET

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridtown
import pagereader
from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.city.profile import load_city
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.files import read_csv, read_delivery, write_csv, write_gml, write_kml, write_xlsx
from urbanplan.files.texts import as_cell, of_cell
from urbanplan.output import formats, report
from urbanplan.output import formats as atlas
from urbanplan.output import page as html
from urbanplan.output.page import shell
from urbanplan.output.qgis.project import project
from urbanplan.output.report.docx import docx
from urbanplan.output.report.html_xlsx import page
from urbanplan.output.report.model import Column, Report, Section, Table, Text, clean
from urbanplan.output.style import tables_of

#: A payload of each kind in one line, for names of which there is one.
ALL = " ¦ ".join((*PAYLOADS[::9], *(p for p in PAYLOADS if re.search(r"\[%|endraw|]]>|#eval|__proto__|^=1|layername", p))))  # fmt: skip
#: Columns of a layer that are free text.
TEXTS = ("name_zh", "name_en", "kind", "note_zh", "note_en", "source", "licence", "as_of", "tier")


def without_controls(text: str) -> str:
    """What XML can hold of a text."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """The grid town, hostile wherever somebody may write: profile, study, layers, scenarios, clauses."""
    folder = write_town(tmp_path_factory.mktemp("sinks") / "town")
    said = json.dumps(ALL)
    profile = (folder / "city.toml").read_text("utf-8")
    profile = profile.replace('"格子镇"', said).replace('"Grid Town"', said)
    profile += f"notice_zh = {said}\nnotice_en = {said}\n[titles.hospitals]\nname_zh = {said}\n"
    (folder / "city.toml").write_text(profile, "utf-8")
    for name, texts in (
        ("study.toml", ("两分钟医院", "Two-minute hospital")),
        ("scenarios.toml", ("二桥", "Second bridge", "亿元")),
    ):
        table = (folder / name).read_text("utf-8")
        for text in texts:
            table = table.replace(f'"{text}"', said)
        (folder / name).write_text(table, "utf-8")
    spots = cycle([(1, 1), (1, 3), (1, 5), (1, 7), (5, 3), (5, 5), (5, 7), (0, 0)])
    rows = [
        (text, shapely.Point(gridtown.centre(*spot)), dict.fromkeys(TEXTS, text))
        for spot, text in zip(spots, PAYLOADS)
    ]
    write_layer(folder, "hospitals", rows)
    return study.run(load_city(folder))


@pytest.fixture(scope="module")
def written(town, tmp_path_factory):
    """Everything that a run and `publish` leave behind."""
    folder = tmp_path_factory.mktemp("written")
    files = atlas.write_atlas(town, folder / "atlas")
    options = formats.Options(formats=tuple(f for f in formats.FORMATS if f not in ("dxf", "cog")))
    return files | formats.write_formats(town, folder / "formats", options)


def test_the_page_holds_values_in_one_block_of_letters_and_figures(town, written):
    text = written["page"].read_text("utf-8")
    assert re.fullmatch(r'"[A-Za-z0-9+/=]+"', pagereader.packed(text))
    data = pagereader.values(text)
    hospitals = next(layer for layer in data["layers"] if layer["id"] == "hospitals")
    for column in ("id", *TEXTS):
        assert [f["properties"][column] for f in hospitals["features"]] == list(PAYLOADS)
    assert data["city"] == {"zh": ALL, "en": ALL} and data["notice"] == {"zh": ALL, "en": ALL}
    # The title is the one value outside the block.
    rest = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    assert rest.count("evil.example") == rest.split("</title>")[0].count("evil.example") > 0


class _Title(HTMLParser):
    """A page's title and its scripts, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.at, self.title, self.scripts = "", "", 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.at = tag
        self.scripts += tag == "script"

    def handle_endtag(self, tag):
        self.at = ""

    def handle_data(self, data):
        self.title += data if self.at == "title" else ""


def page_of(title="a", keys=("x",)):
    """The smallest page with these values."""
    layers = [{"id": key, "features": [], "decimals": 6} for key in keys]
    return shell.render(
        {
            "city": {"zh": title, "en": "b"},
            "lang": "both",
            "first": "zh",
            "view": [0, 0, 1, 1],
            "layers": layers,
        }
    )


#: Several at once, so that the test is quick; what must be equal is equal for each of them.
SOME = [PAYLOADS[i::6] for i in range(6)]


@pytest.fixture(scope="module")
def plain_page():
    return page_of()


@pytest.mark.parametrize("texts", SOME, ids=range(6))
def test_no_payload_changes_the_page_around_the_values(plain_page, texts):
    title, keys = " ¦ ".join(texts), [f"change:{text}:f:m" for text in texts]
    hostile = page_of(title, keys)
    read = _Title(hostile)
    assert read.scripts == 3 and read.title == f"{title} · b"
    assert [layer["id"] for layer in pagereader.values(hostile)["layers"]] == keys
    # But for title and block, not a byte differs: neither policy nor scripts hang on the data.
    frame = re.compile(r"<title>.*?</title>|(?<=atlas-data\">).*?(?=</script>)", re.DOTALL)
    assert frame.sub("", hostile) == frame.sub("", plain_page)


def test_a_page_with_a_script_that_is_not_ours_is_not_made(monkeypatch):
    real = shell.read_text

    def slipped(path):
        extra = "<script>window.pwned=1</script>" if path.name == "atlas.html" else ""
        return real(path) + extra

    monkeypatch.setattr(shell, "read_text", slipped)
    with pytest.raises(UrbanplanError, match="3 scripts that are not the 2"):
        page_of()


def test_a_script_that_is_changed_on_the_way_is_not_blessed(monkeypatch):
    # The policy is of what we ship, not of what the page came to hold.
    monkeypatch.setattr(shell, "_block", lambda *_: '""</script><script>window.pwned=1</script>')
    with pytest.raises(UrbanplanError, match="scripts that are not"):
        page_of()


def test_a_base_map_and_its_key_are_an_address_or_refused():
    asked = [{"basemap": "tianditu", "key": text} for text in PAYLOADS]
    asked += [{"basemap": text} for text in PAYLOADS]
    # One of them is a word, as a host may be.
    hosts = [text for text in PAYLOADS if not text.isalpha()]
    asked += [{"basemap": f"https://{host}/{{z}}/{{x}}/{{y}}.png"} for host in hosts]
    for options in asked:
        with pytest.raises(InputError):
            html.Options(**options)


@pytest.mark.parametrize("text", ["https://{s}/{z}/{x}/{y}", "https://{s}.cn/{z}/{x}/{y}", "https://t.cn/{z}/{x}/{y}?{key}"])  # fmt: skip
def test_a_base_map_names_its_host_and_no_other_fields(text):
    with pytest.raises(InputError, match="basemap"):
        html.Options(basemap=text)


def gpkg(path, sql):
    base = sqlite3.connect(path)
    try:
        return base.execute(sql).fetchall()
    finally:
        base.close()


def test_the_geopackage_holds_every_text_and_nothing_else(written):
    path = written["geopackage"]
    for column in TEXTS:
        found = gpkg(path, f"SELECT {column} FROM hospitals ORDER BY id")
        assert [v for (v,) in found] == sorted(PAYLOADS, key=lambda t: t.encode())
    (about,) = gpkg(path, "SELECT description FROM gpkg_contents WHERE table_name='hospitals'")
    assert about[0].startswith(ALL)
    for (text,) in gpkg(path, "SELECT metadata FROM gpkg_metadata"):
        ET.fromstring(re.sub("<!DOCTYPE[^>]*>", "", text.split("\n", 1)[-1] if text.startswith("<?") else text))  # fmt: skip
    for qml, sld in gpkg(path, "SELECT styleQML, styleSLD FROM layer_styles"):
        ET.fromstring(qml.split("\n", 1)[1])
        ET.fromstring(sld)


def shown_by_qgis(text: str) -> str:
    """What QGIS makes of a text that it computes: each `[% … %]` is replaced by its value."""
    assert set(re.findall(r"\[%(.*?)%\]", text, re.DOTALL)) <= {" '[%' ", " @atlas_pagename "}
    return text.replace("[% '[%' %]", "[%")


def test_the_qgis_project_computes_none_of_its_texts(town, written):
    with zipfile.ZipFile(written["qgis"]) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".qgs"))
        root = ET.fromstring(archive.read(name).decode().split("\n", 1)[1])
    said = without_controls(ALL)
    assert root.findtext("title") == said
    assert said in [node.findtext("layername") for node in root.iter("maplayer")]
    labels = {
        i.get("id"): i.get("labelText") for i in root.iter("LayoutItem") if i.get("labelText")
    }
    assert shown_by_qgis(labels["notice"]) == said and said in shown_by_qgis(labels["sources"])
    # Names of layers are computed in legends only.
    for tree in (n for i in root.iter("LayoutItem") for n in i.iter("layer-tree-layer")):
        own = [o.get("value") for o in tree.iter("Option") if o.get("name") == "legend/title-label"]
        assert shown_by_qgis(own[0] if own else tree.get("name")) == tree.get("name")
    # Whatever else QGIS computes is ours.
    computed = {n.get("filenamePattern") for n in root.iter("Atlas") if n.get("filenamePattern")}
    assert all("regexp_replace(@atlas_pagename" in text for text in computed)


def test_subsets_of_a_qgis_project_quote_what_they_compare(town):
    odd = "it's \" one"
    bands = town.bands.assign(mode=town.bands["mode"].replace("walk", odd))
    from urbanplan.output.qgis import style

    assert style.quoted(odd) == '"it\'s "" one"' and style.literal(odd) == "'it''s \" one'"
    assert len(bands) and "subset=\"facilities\" = 'hospitals'" in project(town, "./x.gpkg", "EPSG:4490").replace("&quot;", '"')  # fmt: skip


def test_styles_and_metadata_are_xml_and_stac_is_json(town, written):
    styles = [p for n, p in written.items() if n.startswith("sld/")]
    catalogues = [p for n, p in written.items() if n.startswith("stac/")]
    assert len(styles) > 5 and len(catalogues) > 5
    for path in styles:
        ET.parse(path)
    collection = json.loads(written["stac/hospitals"].read_text("utf-8"))
    assert collection["title"] == ALL and ALL in collection["keywords"]
    assert json.loads(written["stac/catalog"].read_text("utf-8"))["title"] == f"{ALL} / {ALL}"
    # A date that is none is not made one.
    assert collection["extent"]["temporal"]["interval"] == [[None, None]]


@pytest.mark.parametrize("name", ["flatgeobuf", "geojson", "geoparquet", "gml"])
def test_maps_of_other_formats_hold_every_text(written, name):
    path = written[f"{name}/hospitals"]
    read = gpd.read_parquet if name == "geoparquet" else pyogrio.read_dataframe
    frame = read(path)
    held = [without_controls(t).strip() if name == "gml" else t for t in PAYLOADS]
    assert sorted(str(v).strip() if name == "gml" else v for v in frame["name_zh"]) == sorted(held)


def test_kml_is_xml_with_every_name(written):
    root = ET.parse(written["kml/hospitals"]).getroot()
    names = [n.text for n in root.iter("{http://www.opengis.net/kml/2.2}name")]
    # A return is a new line to every reader of XML.
    assert {text.replace("\r", "\n") for text in PAYLOADS} <= set(names)


def test_texts_that_no_xml_can_hold_lose_what_it_cannot(tmp_path):
    frame = gpd.GeoDataFrame({"Name": ["a\x0bb\x1b[0m\ufffec"]}, geometry=[shapely.Point(1, 2)], crs=4326)  # fmt: skip
    for write in (lambda p: write_kml(p, frame, "t"), lambda p: write_gml(p, frame)):
        said = ET.parse(write(tmp_path / "a.xml")).getroot().itertext()
        assert "ab[0mc" in [text.strip() for text in said]


def test_tables_of_a_run_are_read_back_as_they_were(town, written):
    rows = read_csv(written["indicators"])
    assert len(rows) == len(town.indicators)
    # Our reader and another one: there, what would be computed begins with a quote.
    scenarios = read_csv(written["scenarios"])
    assert {r["scenario"] for r in scenarios} == set(town.scenario_coverage["scenario"])
    for name in ("coverage", "scenarios", "indicators", "checks", "conflicts"):
        text = written[name].read_text("utf-8-sig")
        cells = [c for row in csv.reader(io.StringIO(text, newline="")) for c in row]
        assert not [c for c in cells if re.match(r"\s*[=@＝＋－＠]|[\t\r\n]", c)]


CELLS = [*PAYLOADS, "'", "''=1", "-5", "+1,234", "-12.5%", "-5a", "\n=1", "a\rb", "a,\"b\";\nc", "\u200b=1"]  # fmt: skip


def test_a_csv_keeps_texts_from_being_computed_and_figures_figures(tmp_path):
    table = pd.DataFrame(
        {"=head": CELLS, "n": range(-3, len(CELLS) - 3), "lon": 105.0, "lat": 28.0}
    )
    path = write_csv(tmp_path / "a.csv", table)
    plain = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    for text, row in zip(CELLS, plain, strict=True):
        assert row["'=head"] == as_cell(text) and of_cell(as_cell(text)) == text
        if not re.fullmatch(r"[+-][0-9][0-9,.]*%?", text):
            assert not re.match(r"[\s\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]", row["'=head"])
    assert [int(r["n"]) for r in plain] == list(table["n"])
    assert [r["=head"] for r in read_csv(path)] == CELLS
    assert read_delivery(path).frame["=head"].tolist() == CELLS
    assert read_delivery(path).frame["n"].tolist() == list(table["n"])


BEHIND = (
    "x;=1+1", "x;=cmd|' /C calc'!A0;y", "a\n=1", "a\t+1", "x;-1", "x; =1", 'x;"=1"', "x;@SUM(1)", "x;'=1", ";=1", "=1;=2",
    "x;＝1", "park;lake", "105.4;28.9", "a\nb",
)  # fmt: skip


@pytest.mark.parametrize("mark", [";", "\t"])
def test_nothing_is_computed_where_semicolons_or_tabs_part_cells(tmp_path, mark):
    """A European Excel parts our lines at semicolons, and knows no quotes that stand within a cell."""
    table = pd.DataFrame({"id": "p", "text": BEHIND, "more": "0+cmd|' /C calc'!A0"})
    path = write_csv(tmp_path / "a.csv", table)
    assert [row["text"] for row in read_csv(path)] == list(BEHIND)
    back = read_delivery(write_csv(tmp_path / "b.csv", table.assign(lon=105.0, lat=28.0))).frame
    assert list(back["text"]) == list(BEHIND)
    for line in path.read_text("utf-8-sig").splitlines():
        for cell in (*line.split(mark), *next(csv.reader([line], delimiter=mark))):
            assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", cell), line


@settings(max_examples=60)
@given(st.lists(st.text(st.sampled_from("'=+-@＝－ \t\r\n\ufeff\"1,;a字"), min_size=1), min_size=1))
def test_any_text_comes_back_from_a_csv(tmp_path_factory, texts):
    path = write_csv(tmp_path_factory.mktemp("csv") / "a.csv", pd.DataFrame({"a": texts}))
    assert [row["a"] for row in read_csv(path)] == texts


def test_a_workbook_holds_texts_that_stay_texts(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", pd.DataFrame({"=head": CELLS, "n": -1.5}))
    sheet = openpyxl.load_workbook(path).active
    cells = [cell for (cell, _) in sheet.iter_rows(max_col=2)]
    assert {cell.data_type for cell in cells} == {"inlineStr"} or {c.data_type for c in cells} == {
        "s"
    }
    assert [str(cell.value) for cell in cells] == ["=head", *CELLS]
    marked = {cell.value: cell.quotePrefix for cell in cells}
    assert marked["=head"] and marked["＝1+1"] and not marked["-5"] and sheet["B2"].value == -1.5


#: What XML has no place for stands among other letters.
UNWRITABLE = "a\0\x01\x0b\x1b\ufffe\uffffb"


def test_what_no_office_can_hold_is_left_out(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", pd.DataFrame({UNWRITABLE: [UNWRITABLE]}))
    assert [[c.value for c in row] for row in openpyxl.load_workbook(path).active] == [["ab"], ["ab"]]  # fmt: skip
    table = Table(
        "t", UNWRITABLE, (Column("n", UNWRITABLE),), pd.DataFrame({"n": [UNWRITABLE]}), UNWRITABLE
    )
    assert (table.caption, table.note, table.cells()) == ("ab", "ab", [["ab"]])
    made = Report(
        "zh", UNWRITABLE, UNWRITABLE, UNWRITABLE, UNWRITABLE, (2026, 1, 1),
        sections=(Section("s", UNWRITABLE, (Text(UNWRITABLE), table)),),
    )  # fmt: skip
    assert b"PK" in docx(made)[:4]


def test_a_report_is_parsed_as_the_texts_it_was(town):
    made = report.report(town, "zh", pictures=None)
    read = _Title(page(made))
    assert read.scripts == 0 and clean(ALL) in " ".join(read.title.split())
    with zipfile.ZipFile(io.BytesIO(docx(made))) as parts:
        names = [n for n in parts.namelist() if n.endswith((".xml", ".rels"))]
        documents = {name: ET.fromstring(parts.read(name)) for name in names}
    text = documents["word/document.xml"]
    assert clean(ALL) in "".join(text.itertext())
    # Fields are computed by an office, and links lead out: none but ours.
    codes = ["".join(n.itertext()) for n in text.iter() if n.tag.endswith("instrText")]
    assert {code.split()[0] for code in codes} <= {"TOC", "PAGE", "NUMPAGES", "PAGEREF"}
    nodes = [n for document in documents.values() for n in document.iter()]
    assert not [n for n in nodes if n.get("TargetMode") == "External"]


def test_no_table_of_a_run_lacks_a_payload(town):
    # The trial itself is tried: the payloads are in what the sinks are given.
    tables = tables_of(town)
    assert set(tables["hospitals"]["name_zh"]) == set(PAYLOADS)
    assert replace(town.city, name_zh="x").name_zh == "x" and town.city.name_zh == ALL
