"""A corpus of faults: each gets one sentence that names the file and a remedy, and exit code 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from test_init import command
from townfolder import write_town

RUN = ("run", "{town}", "--out", "{out}")
CHECK = ("check", "{town}")
IMPORT = ("import", "{file}", "--kind", "parks", "--into", "{town}", "--replace")


def text(name, content, encoding="utf-8"):
    """Replace a file of the town by some text."""

    def spoil(town, _file):
        (town / name).write_bytes(content.encode(encoding))

    return spoil


def edit(name, old, new):
    """Replace a piece of a file of the town."""

    def spoil(town, _file):
        content = (town / name).read_text("utf-8")
        assert old in content
        (town / name).write_text(content.replace(old, new), "utf-8")

    return spoil


def first(name, **own):
    """Change properties of a layer's first feature; `geometry` too."""

    def spoil(town, _file):
        path = town / f"{name}.geojson"
        layer = json.loads(path.read_text("utf-8"))
        feature = layer["features"][0]
        if "geometry" in own:
            feature["geometry"] = own["geometry"]
        feature["properties"] |= {k: v for k, v in own.items() if k != "geometry"}
        path.write_text(json.dumps(layer, ensure_ascii=False), "utf-8")

    return spoil


def without(name, column):
    """Take a column away from a layer."""

    def spoil(town, _file):
        path = town / f"{name}.geojson"
        layer = json.loads(path.read_text("utf-8"))
        for feature in layer["features"]:
            feature["properties"].pop(column)
        path.write_text(json.dumps(layer, ensure_ascii=False), "utf-8")

    return spoil


def half(name):
    """Cut a file in the middle."""

    def spoil(town, _file):
        path = town / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return spoil


def gone(name):
    """Take a file away."""
    return lambda town, _file: (town / name).unlink()


def folder_instead(name):
    """Put a folder where a file should be."""

    def spoil(town, _file):
        (town / name).unlink()
        (town / name).mkdir()

    return spoil


def link_outside(name):
    """Put a link that leads out of the city's folder."""

    def spoil(town, _file):
        shutil.move(town / name, town.parent / name)
        (town / name).symlink_to(town.parent / name)

    return spoil


def nothing(_town, _file):
    """The command itself is at fault."""


def given(content, encoding="utf-8"):
    """Write the file that is imported."""
    return lambda _town, file: file.write_bytes(content.encode(encoding))


def features(*rows):
    """GeoJSON text of (geometry, properties)."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": g, "properties": p} for g, p in rows],
        }
    )


USED = (
    "study_area",
    "districts",
    "water",
    "built_up",
    "population",
    "roads",
    "bridges",
    "hospitals",
)
SPACE = {"type": "Point", "coordinates": [500_000.0, 3_200_000.0]}
BOWTIE = {"type": "Polygon", "coordinates": [[[105, 28], [105.01, 28.01], [105.01, 28], [105, 28.01], [105, 28]]]}  # fmt: skip
AREAS = ("study_area", "districts", "water", "built_up", "population")

CORPUS = [
    # Every layer, damaged in every way that files are.
    *((f"{n} cut", half(f"{n}.geojson"), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} empty", text(f"{n}.geojson", ""), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} no json", text(f"{n}.geojson", "<html>"), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} no quality", without(n, "quality"), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} in space", first(n, geometry=SPACE), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} linked", link_outside(f"{n}.geojson"), CHECK, f"{n}.geojson") for n in USED),
    *((f"{n} bowtie", first(n, geometry=BOWTIE), RUN, f"{n}.geojson") for n in AREAS),
    *((f"{n} gone", gone(f"{n}.geojson"), RUN, n) for n in USED),
    ("an area as a road", first("roads", geometry=BOWTIE), CHECK, "roads.geojson: feature 'north' is a Polygon, the layer holds lines"),
    ("a figure that is none", first("hospitals", beds="many"), CHECK, "hospitals.geojson"),
    ("a negative figure", first("population", persons=-1), CHECK, "population.geojson"),
    ("a road without class", first("roads", **{"class": None}), RUN, "roads"),
    ("a road without speed", first("roads", speed_kmh=None), RUN, "roads"),
    ("people without a place", first("population", geometry=None), RUN, "population.geojson"),
    ("a status nobody knows", first("roads", status="Existing"), RUN, "roads.geojson"),
    # The profile.
    *(
        (f"city.toml lacks {k}", edit("city.toml", f"{k} =", f"x{k} ="), CHECK, "city.toml")
        for k in ("id", "name_zh", "name_en", "metric_crs")
    ),
    *(
        (f"study.toml lacks {k}", edit("study.toml", f"\n{k} =", f"\nx{k} ="), CHECK, "study.toml")
        for k in ("cell_m", "modes", "snap_m")
    ),
    ("no city table", edit("city.toml", "[city]", "[town]"), CHECK, "city.toml"),
    ("no headline", edit("study.toml", "[headline]", "[head]"), CHECK, "study.toml"),
    ("no study.toml", gone("study.toml"), CHECK, "study.toml"),
    ("a comma of a Chinese keyboard", text("study.toml", 'cell_m = 100， # 米'), CHECK, "line 1 has '，': write ,"),
    ("quotes of a Chinese keyboard", text("study.toml", '# “注”\nheadline = “x”'), CHECK, "line 2 has '“': write \""),
    ("city.toml no toml", text("city.toml", "id: x"), CHECK, "city.toml"),
    ("study.toml no toml", text("study.toml", "{"), CHECK, "study.toml"),
    ("city.toml in gbk", text("city.toml", "[city]\nid='泸州'", "gbk"), CHECK, "city.toml"),
    ("a title of no layer", edit("city.toml", "[city]", '[titles.moon]\nname_zh = "月"\n[city]'), CHECK, "moon"),
    ("a title that is none", edit("city.toml", "[city]", '[titles.water]\nzh = "水"\n[city]'), CHECK, "city.toml"),
    ("degrees", edit("city.toml", "EPSG:4544", "EPSG:4326"), CHECK, "city.toml"),
    ("mercator", edit("city.toml", "EPSG:4544", "EPSG:3857"), CHECK, "city.toml"),
    ("no such system", edit("city.toml", "EPSG:4544", "EPSG:1"), CHECK, "city.toml"),
    ("the next zone", edit("city.toml", "EPSG:4544", "EPSG:4545"), RUN, "EPSG:4544"),
    ("no such mode", edit("study.toml", '"walk"', '"fly"'), CHECK, "fly"),
    ("no such facility", edit("study.toml", '["hospitals"]', '["moon"]'), CHECK, "study.toml"),
    ("cells of nothing", edit("study.toml", "cell_m = 100", "cell_m = 0"), CHECK, "study.toml"),
    ("too many cells", edit("study.toml", "cell_m = 100", "cell_m = 0.01"), RUN, "cell_m"),
    ("minutes as a word", edit("study.toml", "[1, 2, 5]", '"all"'), CHECK, "study.toml"),
    ("a bridge nobody planned", edit("scenarios.toml", "bridge_new", "bridge_x"), RUN, "bridge_x"),
    ("layers elsewhere", edit("city.toml", 'id = "', 'layers = "../.."\nid = "'), CHECK, "folder"),
    # Facts, checks, manifest.
    ("facts with a hole", edit("facts.csv", ",900,", ","), CHECK, "facts.csv"),
    ("facts without a number", edit("facts.csv", ",900,", ",many,"), CHECK, "facts.csv"),
    ("facts of nothing", edit("facts.csv", "sum:persons", "sum:souls"), CHECK, "facts.csv"),
    ("facts without a column", edit("facts.csv", "id,name_zh,", "id,名称,"), CHECK, "facts.csv: lacks the column(s) name_zh"),
    ("facts of no size", edit("facts.csv", ",900,", ",nan,"), CHECK, "facts.csv: row 'people' has no numbers in value"),
    ("no facts", gone("facts.csv"), CHECK, "facts.csv"),
    ("no checks", gone("checks.toml"), CHECK, "checks.toml"),
    ("a rule nobody knows", edit("checks.toml", '"dry"', '"wet"'), CHECK, "checks.toml"),
    ("a rule without a layer", edit("checks.toml", 'layer = "roads"', ""), CHECK, "checks.toml"),
    ("a manifest of nonsense", text("manifest.toml", "files = 3"), CHECK, "manifest.toml"),
    ("a manifest of text", text("manifest.toml", "="), CHECK, "manifest.toml"),
    (
        "a file that was edited",
        text("manifest.toml", '[files."roads.geojson"]\nsha256 = "0"\n'),
        CHECK,
        "roads.geojson",
    ),
    (
        "a file that is gone",
        text("manifest.toml", '[files."parks.geojson"]\nsha256 = "0"\n'),
        CHECK,
        "parks.geojson",
    ),
    # The command line.
    ("no such city", nothing, ("run", "nowhere"), "nowhere"),
    ("a city that is a file", nothing, ("run", "{file}"), "in.geojson"),
    ("no such kind", nothing, ("coverage", "{town}", "--facilities", "moons"), "moons"),
    ("no such way", nothing, ("coverage", "{town}", "--facilities", "hospitals", "--mode", "fly"), "fly"),
    ("minutes below 0", nothing, ("coverage", "{town}", "--facilities", "hospitals", "--minutes", "-5"), "minutes"),
    ("minutes of nothing", nothing, ("coverage", "{town}", "--facilities", "hospitals", "--minutes", "x"), "minutes"),
    ("no such bridge", nothing, ("coverage", "{town}", "--facilities", "hospitals", "--open", "b9"), "b9"),
    ("a place in space", nothing, ("isochrone", "{town}", "--at", "500,3", "--out", "{out}.geojson"), "500,3"),
    ("a place elsewhere", nothing, ("isochrone", "{town}", "--at", "10,50", "--out", "{out}.geojson"), "10.0,50.0"),
    ("an ending nobody writes", nothing, ("isochrone", "{town}", "--at", "105,28", "--out", "{out}.xyz"), ".xyz"),
    ("no place", nothing, ("isochrone", "{town}", "--out", "{out}.geojson"), "--at"),
    ("no option of that name", nothing, ("run", "{town}", "--fast"), "--fast"),
    ("a base map of nothing", nothing, ("run", "{town}", "--basemap", "javascript:x"), "basemap"),
    ("Tianditu without a key", nothing, ("publish", "html", "{town}", "--basemap", "tianditu"), "--key"),
    ("a column nobody has", nothing, ("publish", "html", "{town}", "--redact", "moons"), "moons"),
    ("a column everybody must see", nothing, ("publish", "html", "{town}", "--redact", "quality"), "quality"),
    ("a layer nobody has", nothing, ("publish", "html", "{town}", "--layers", "moons"), "moons"),
    ("fewer than nobody", nothing, ("publish", "html", "{town}", "--min-persons", "-1"), "--min-persons"),
    ("no such language", nothing, ("publish", "html", "{town}", "--lang", "xx"), "--lang"),
    ("no such streets", nothing, ("network", "--streets", "{file}.osm.pbf"), "in.geojson.osm.pbf"),
    ("streets of words", given("abc"), ("network", "--streets", "{file}"), "in.geojson"),
    ("no such demand", given(""), ("reach", "--streets", "{file}", "--demand", "d.csv", "--out", "{out}.csv"), "d.csv"),
    # What is imported.
    ("no such file", nothing, IMPORT, "in.geojson"),
    ("an empty file", given(""), IMPORT, "in.geojson"),
    ("half a file", given('{"type": "FeatureCollection", "features": ['), IMPORT, "in.geojson"),
    ("no features", given(features()), IMPORT, "in.geojson"),
    ("a page", given("<html><body>404</body></html>"), IMPORT, "in.geojson"),
    ("points as parks", given(features(({"type": "Point", "coordinates": [105.5, 28.5]}, {}))), IMPORT, "in.geojson"),
    ("metres as degrees", given(features((SPACE, {"name": "a"}))), IMPORT, "in.geojson"),
    ("another city", given(features(({"type": "Point", "coordinates": [10, 50]}, {"name": "a"}))), IMPORT, "in.geojson"),
    ("no such layer kind", given(features()), (*IMPORT[:3], "moons", *IMPORT[4:]), "moons"),
    ("a table as a map", given(features()), (*IMPORT[:3], "targets", *IMPORT[4:]), "targets"),
    ("no such city folder", given(features()), (*IMPORT[:5], "nowhere"), "nowhere"),
    ("no such crs", given(features(({"type": "Point", "coordinates": [105, 28]}, {}))), (*IMPORT, "--crs", "x"), "in.geojson"),
    ("gcj02 elsewhere", given(features(({"type": "Point", "coordinates": [10, 50]}, {}))), (*IMPORT, "--crs", "gcj02"), "in.geojson"),
    ("an extract of words", given("abc"), ("fetch", "{town}", "--pbf", "{file}"), "in.geojson"),
    ("no extract", nothing, ("fetch", "{town}", "--pbf", "{file}"), "in.geojson"),
    ("a server of files", nothing, ("fetch", "{town}", "--overpass", "file:///etc/passwd"), "file:///etc/passwd"),
    ("a server at home", nothing, ("fetch", "{town}", "--overpass", "http://127.0.0.1:1/api"), "127.0.0.1"),
    ("an import into the package", given(features()), (*IMPORT[:5], "luzhou"), "luzhou"),
    ("a fetch into the package", given("x"), ("fetch", "luzhou", "--pbf", "{file}"), "luzhou"),
    ("a city that is there", nothing, ("init", "{town}", "--adcode", "510502"), "town"),
    ("a boundary of words", given("abc"), ("init", "{out}", "--boundary", "{file}"), "in.geojson"),
]  # fmt: skip


def test_the_corpus_is_large():
    assert len(CORPUS) >= 100 and len({name for name, *_ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(
    ("spoil", "args", "named"), [c[1:] for c in CORPUS], ids=[c[0] for c in CORPUS]
)
def test_a_fault_gets_a_sentence_with_its_file_and_a_remedy(
    tmp_path, monkeypatch, capsys, spoil, args, named
):
    town, file, out = write_town(tmp_path / "town"), tmp_path / "in.geojson", tmp_path / "out"
    spoil(town, file)
    before = _bytes(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, said = command(capsys, *(a.format(town=town, file=file, out=out) for a in args))
    assert code == 2, said
    last = said.strip().splitlines()[-1]
    assert last.startswith("urbanplan: ") and "Traceback" not in said, said
    assert named in last, last
    # What to do: after the arrow, or, for the command line itself, in the sentence.
    assert "→" in last or args[0] not in ("run", "check") or "--" in last, last
    # Nothing that was there has changed.
    after = _bytes(tmp_path)
    assert {p: after.get(p) for p in before} == before


@pytest.mark.parametrize("args", [RUN, CHECK])
@pytest.mark.parametrize("words", [{}, {"name_zh": [], "name_en": 5, "note_zh": {"a": 1}, "as_of": 2020}])  # fmt: skip
def test_a_town_without_faults_is_not_refused(tmp_path, capsys, args, words):
    town, out = write_town(tmp_path / "town"), tmp_path / "out"
    # Other programs leave words as numbers, lists or records.
    first("hospitals", **words)(town, None), first("districts", **words)(town, None)
    code, _, said = command(capsys, *(a.format(town=town, out=out) for a in args))
    assert code in (0, 1), said


def _bytes(folder: Path) -> dict[Path, bytes]:
    return {
        p: p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith(".urbanplan")
    }


def test_a_full_import_of_a_fault_free_file_still_works(tmp_path, capsys):
    town = write_town(tmp_path / "town")
    area = gpd.read_file(town / "study_area.geojson").geometry.iloc[0]
    park = shapely.Point(*np.array(area.representative_point().coords[0])).buffer(1e-4)
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[park], crs=4326).to_file(tmp_path / "p.geojson")
    assert (
        command(capsys, "import", tmp_path / "p.geojson", "--kind", "parks", "--into", town)[0] == 0
    )
