"""Long texts from files and servers cost time in proportion to their length, wherever a pattern meets them.

The bound is the test's own processor time and generous: what grows with the square of 100,000 characters takes
minutes or hours.
"""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Callable

import pytest

from urbanplan import files
from urbanplan.base.crs import parse_crs
from urbanplan.base.schema import id_of, normal, require_id
from urbanplan.city import facilities, rasters
from urbanplan.city.ingest import _plain_name
from urbanplan.cli import chinese
from urbanplan.errors import InputError, UrbanplanError, one_of
from urbanplan.files import cells, tables, texts
from urbanplan.output import rounding
from urbanplan.output.page import shell
from urbanplan.routing import street_rules
from urbanplan.sources import street_layers

LONG, PATIENCE_S = 60_000, 6.0
UNITS = (
    "0", "9", " ", ",", ".", ";", "|", "-", "a", "e", "(", ")", "[", "（", "【", "]", '"', "'", "\\", "{", "<", "=", "\n", "\t", "路",
    "\u0301\u0316", "\u0f73", "\u1100\u1161", "\u3099", "\ufdfa", "0,", ",0", "0 ", "0.", "0e", "1e5", "0a", '"\\', '"=>', "()", "(a)",
    "a b ", "has no ", "is not ", "; ", ": ", " / ", "x=", "init=", "per ", "sq ", "km/h;", "PT1H", "00:", "Mo-Su 00:00-24:00; ",
    "left|", "EPSG:", "POINT(", "万", "一", "十万", "°", "0°", "约", "-0", "+proj=", "grids=@null", "🙂",
)  # fmt: skip
#: What stands before and behind: the pattern begins, and does not end.
AROUND = (("0", "x"), ('"(', "路\n"), ("per 1 ", "!"))


def _hstore(text: str) -> None:
    list(street_layers._pairs(text))


READERS: dict[str, Callable[[str], object]] = {
    "a figure": lambda t: cells.figure(t, "persons"),
    "a figure of a head": lambda t: cells.figure("5", "persons", t),
    "decimal commas": lambda t: cells.uses_decimal_comma([t]),
    "a unit in a head": cells.unit_of,
    "a head without its unit": cells.without_unit,
    "a coordinate": tables.coordinate,
    "a total": tables.is_total,
    "a system in a head": cells.system_in,
    "a plain head": cells.plain,
    "heads": lambda t: cells.head_of([[t, "lat"], ["5", t]]),
    "a cell": texts.as_cell,
    "a cell back": texts.of_cell,
    "bytes of unknown letters": lambda t: texts.encoding_in([t.encode("utf-8", "replace")]),
    "a name of a district": _plain_name,
    "a name of a facility": facilities._institution,
    "tags in one column": _hstore,
    "a list in a column": street_layers._listed,
    "a speed": street_rules.parse_kmh,
    "a duration": street_rules.duration_min,
    "a unit of a raster": lambda t: rasters._unit_of(t, "a.tif"),
    "a coordinate system": parse_crs,
    "an id": lambda t: require_id(t, "a layer"),
    "an id of a name": lambda t: id_of(t, "a"),
    "a normal text": normal,
    "a name unlike others": lambda t: one_of(t, ["roads", t[:-1], t[1:]]),
    "an error in Chinese": lambda t: chinese.sentence(InputError(t, where=t, remedy=t), "zh"),
    "a remark in Chinese": lambda t: chinese.told(t, "zh"),
    "people in a text": lambda t: rounding._IN_TEXT.sub("", t),
    "a base map": shell._template,
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_a_long_text_is_read_or_refused_at_once(reader):
    read = READERS[reader]
    read_first = time.process_time()
    for unit in UNITS:
        text = (unit * (LONG // len(unit) + 1))[:LONG]
        for before, behind in AROUND:
            began = time.process_time()
            try:
                read(f"{before}{text}{behind}")
            except UrbanplanError as err:
                assert len(str(err)) < 20_000
            took = time.process_time() - began
            assert took < PATIENCE_S, f"{before!r} and {LONG:,} of {unit!r} took {took:.0f} s"
    assert time.process_time() - read_first < 60 * PATIENCE_S


def _table(head: str, cell: str) -> bytes:
    return f"lon,lat,{head}\n105,28,{cell}\n105.1,28.1,a\n".encode()


KML = (
    "<kml xmlns='http://www.opengis.net/kml/2.2'><Document><Placemark><name>a</name><Point><coordinates>"
    "105{},28</coordinates></Point></Placemark></Document></kml>"
)
FILES = {
    "a.csv": (
        _table("(" * LONG, "a"),
        _table("n", "0" * LONG),
        _table("n", "1" + " " * LONG + "x"),
        _table("n", "\u0301\u0316" * LONG),
        _table("\u0301\u0316" * 40_000, "a"),
        f"lon,lat\n1{' ' * LONG}x,28\n105,28\n".encode(),
        f"wkt\n{'POINT(' * 30_000}\nPOINT (105 28)\n".encode(),
        f"wkt\nSRID={'9' * LONG};POINT (105 28)\nPOINT (105 28)\n".encode(),
    ),
    "a.kml": (KML.format(" " * LONG).encode(), KML.format("," * LONG).encode()),
    "a.geojson": (
        json.dumps({"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"(" * 50_000: "\u0301\u0316" * LONG}, "geometry": {"type": "Point", "coordinates": [105, 28]}}
        ]}).encode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n, all_ in FILES.items() for i in range(len(all_))]
)
def test_a_file_with_a_long_text_is_read_or_refused_at_once(tmp_path, name, number):
    path = tmp_path / name
    path.write_bytes(FILES[name][number])
    began = time.process_time()
    try:
        files.read_delivery(path)
    except UrbanplanError as err:
        assert len(str(err)) < 20_000
    assert time.process_time() - began < 6 * PATIENCE_S


def test_each_column_of_a_table_is_looked_at_once(tmp_path, monkeypatch):
    """Not every one beside every other: a thousand columns took minutes."""
    seen = []
    look = tables.coordinate_columns
    monkeypatch.setattr(tables, "coordinate_columns", lambda names: seen.append(0) or look(names))
    path = tmp_path / "a.csv"
    path.write_text(
        f"lon,lat,{','.join(f'c{i}' for i in range(200))}\n105,28{',5' * 200}\n", "utf-8"
    )
    assert len(files.read_delivery(path).frame.columns) == 203 and len(seen) < 20


def test_marks_upon_one_letter_are_sorted_as_unicode_does():
    for text in (
        "é",
        "e\u0301",
        "ａ㎡",
        "\u0f73",
        "가",
        "नि",
        "e\u0316\u0301" * 500,
        "Ｅ" + "\u0301\u0316" * 15,
    ):
        assert normal(text) == unicodedata.normalize("NFKC", text)
        assert normal(text, "NFC") == unicodedata.normalize("NFC", text)
    assert normal("a" + "\u0301\u0316" * 40).count("\u034f") == 2
    assert len(normal("a" + "\u0f73" * 200_000)) > 400_000


def test_a_sentence_is_taken_apart_as_its_pattern_says():
    assert chinese._pieces("a has no b has no c", ("", " has no ", "")) == ["a", "b has no c"]
    assert chinese._pieces("layer 'x' of 'y' is out", ("layer '", "' of '", "' is out")) == [
        "x",
        "y",
    ]
    assert chinese._pieces("layer 'x'", ("layer '", "' of '", "'")) is None
    assert chinese._pieces("aba", ("ab", "ba")) is None
    assert chinese._pieces("same", ("same",)) == [] and chinese._pieces("other", ("same",)) is None


def test_tags_in_one_column_are_found_as_they_were_written():
    told = '"name"=>"a \\"b\\"", "surface"=>"asphalt","x"=>NULL, "y"=>"", "end'
    assert list(street_layers._pairs(told)) == [
        ("name", 'a \\"b\\"'),
        ("surface", "asphalt"),
        ("y", ""),
    ]


def test_a_crossing_takes_no_longer_than_a_month():
    for text in ("9" * 400, f"PT{'9' * 30}H", "99999:00", "PT1H" + "9" * 5000 + "M"):
        assert street_rules.duration_min(text) == 0.0
    assert street_rules.duration_min("P2DT3H") == 51 * 60.0
