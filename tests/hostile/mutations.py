"""Real-looking faults in files, given to every command that takes one: one sentence, whatever they are.

A fork of a process that has every library already takes some, in a folder in memory; where it dies, the next goes on. A find is: an end by a signal, a wait
of more than `PATIENCE_S`, an error that is none of ours, a refusal that is no sentence or leaves a file other than it was, a result that is half there.
The short run is in the suite (`test_mutations.py`); the long one, of which one number can be seen alone, is

    python tests/hostile/mutations.py --times 2000 [--seed 1] [--first 0] [COMMAND ...]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import faulthandler
import gc
import hashlib
import io
import itertools
import json
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import osmium
import shapely

sys.path.insert(0, str(Path(__file__).parents[1]))
from fuzz import flipped, pbf_flipped

from streettown import write_street_city
from townfolder import FACTS, write_town
from urbanplan.cli import main

#: Seconds that one command may take.
PATIENCE_S = 60
#: Where files are quick to write.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
#: Exit code of an error that nobody took.
FOREIGN = 70
#: Mutations that one fork takes before the next.
BATCH = 50
#: The commands that take a file or a city.
COMMANDS = (
    "init", "fetch", "import", "run", "changes", "accept", "check", "isochrone", "reach", "coverage", "access", "matrix", "nearest",
    "siting", "compare", "plan", "indicators", "layers", "publish html", "publish formats", "network",
)  # fmt: skip
#: What the towns hold besides their layers.
TOWN_FILES = {
    "plan.toml": """[plan]
id = "p"
title_zh = "计划"
title_en = "Plan"
document = "文〔1〕"
source = "s"

[[document]]
id = "p"
name_zh = "计划"
name_en = "Plan"
level = "市级"
kind = "总体方案"
slot = "1"
slot_known = true
precedence = 1

[[part]]
id = "1"
name_zh = "一"
name_en = "One"

[[task]]
number = 1
part = "1"
name_zh = "甲"
name_en = "A"
agencies = ["局"]
item = [{ id = "1.1", name_zh = "医院", name_en = "Hospitals", promised_zh = "建", shows = ["hospitals:status=existing", "indicator:clinic"] }]
""",
    "standards.toml": """[standard]
name_zh = "某某规范"
name_en = "Some code"
document = "DB 00/T 0000-2026"
edition = "2026"

[indicators.clinic]
name_zh = "医院"
name_en = "Hospital"
measure = "minutes"
layer = "hospitals"
mode = "walk"
minutes = 15
of = "people"
threshold = 0.9
direction = "at_least"
unit = "share"
clause = "4.2.1"
level = "recommended"
grade = "V"
source = "a public page"
""",
}
#: Layers that are imported, and what they hold.
SHAPES = {
    "parks": "areas", "hospitals": "points", "villages": "points", "population": "areas", "roads": "lines", "districts": "areas",
    "streets": "lines", "water": "areas", "bridges": "lines",
}  # fmt: skip
#: The south-west corner of the grid town, and the side of a block of streets.
LON, LAT, STEP = 105.4105, 28.8195, 0.0015
#: What people write into cells.
CELLS = (
    "1.2万", "500亩", "12000㎡", "约2000", "１２００", "1,200", "12,5", "100-200", "一千二百", "—", "/", "无", "暂无", "待定",
    "", " ", None, "NaN", "inf", "-inf", "1e400", "-5", 0, -1, 1e308, 2**70, True, "#REF!", "#N/A", "=1+1", "=A1", "2023-02-30",
    "45292", "105°26′24″", "北纬28.9", "28.9N", "105.44；28.9", "\u200b12", "a" * 5000, "\ufffd", "é", "𠮷", "\t", "x\ny", '"', "'",
    [1, 2], {"a": 1}, [], "合计", "total", "null", "None", "0x10", "1_000", "٣", "½", "1/2", "12%", "￥12", "1.2.3", "--5", "5-",
)  # fmt: skip
#: What columns are called.
HEADS = (
    "id", "ID", "OBJECTID", "fid", "geometry", "geom", "wkt", "lon", "经度", "经度(GCJ02)", "经度(WGS84)", "lat", "x", "y", "X", "Y", "",
    " ", "人口(万人)", "人口", "population", "面积(亩)", "name", "名称", "index", "level_0", "minutes", "area", "persons", "mode", "kind",
    "2020", "a.b", "a" * 300, "select", "坐标", "status", "quality", "accuracy_m", "district", "beds", "share", "origin",
)  # fmt: skip
#: Systems that files name.
SYSTEMS = (
    None, "EPSG:3857", "EPSG:4490", "EPSG:4610", "EPSG:4214", "EPSG:4544", "EPSG:2343", "EPSG:32648", "EPSG:4979", "EPSG:27700",
    "EPSG:9707", "EPSG:5773", "ESRI:102025", "EPSG:4978",
)  # fmt: skip


class _Sound(random.Random):
    """Chance that chooses no fault: what it makes is sound, and is answered."""

    def __init__(self, always: float) -> None:
        super().__init__(0)
        self.random, self.choice = lambda: always, lambda options: options[0]


def rows_of(rng: random.Random, kind: str = "") -> list[tuple[dict, object]]:
    """Plain points, areas or lines on the streets: properties and a geometry each."""
    kind = rng.choice((*[kind] * 19, "")) or rng.choice(("points", "points", "areas"))
    rows = []
    for i in range(6):
        x, y = LON + STEP * rng.uniform(0.1, 3.9), LAT + STEP * rng.uniform(0.1, 3.9)
        about = {"id": f"p{i}", "name": f"地点{i}", "population": 100 * (i + 1), "beds": 10}
        if kind == "lines":
            across = [(LON + STEP * k, LAT + STEP * i) for k in range(5)]
            shape = shapely.LineString(
                across if i % 2 else [(LON + y - LAT, LAT + x - LON) for x, y in across]
            )
            about = {
                "id": f"p{i}",
                "name": f"路{i}",
                "highway": "residential",
                "maxspeed": "30",
                "oneway": "no",
            }
        else:
            shape = (
                shapely.box(x, y, x + STEP / 2, y + STEP / 2)
                if kind == "areas"
                else shapely.Point(x, y)
            )
        rows.append((about, shape))
    return rows


def _spoil_cell(rng, rows):
    about, _ = rng.choice(rows)
    about[rng.choice(list(about) or ["id"])] = rng.choice(CELLS)


def _spoil_column(rng, rows):
    name = rng.choice(list(rows[0][0]) or ["id"])
    for about, _ in rows:
        about[name] = rng.choice(CELLS)


def _spoil_head(rng, rows):
    old, new = rng.choice(list(rows[0][0]) or ["id"]), rng.choice(HEADS)
    for about, _ in rows:
        if old in about:
            about[new] = about.pop(old)


def _spoil_shape(rng, rows):
    i = rng.randrange(len(rows))
    about = rows[i][0]
    x, y = LON, LAT
    new = rng.choice(
        [
            None, shapely.Point(), shapely.Polygon(), shapely.Point(y, x), shapely.Point(1e300, -1e300), shapely.Point(1e9, 5),
            shapely.Point(float("nan"), 1), shapely.Point(x, y, 5), shapely.LineString([(x, y), (x + 0.001, y)]),
            shapely.LineString([(x, y), (x, y)]), shapely.Polygon([(x, y), (x + 0.01, y + 0.01), (x + 0.01, y), (x, y + 0.01)]),
            shapely.Polygon([(x, y), (x, y), (x, y), (x, y)]), shapely.MultiPoint([(x, y), (x + 0.001, y)]),
            shapely.GeometryCollection([shapely.Point(x, y), shapely.box(x, y, x + 1e-3, y + 1e-3)]), shapely.GeometryCollection(),
            shapely.box(-180, -90, 180, 90), shapely.Point(180, 90), shapely.box(x, y, x + 1e-9, y + 1e-9), shapely.MultiPolygon(),
            shapely.box(x, y, x + 0.01, y + 0.01).boundary,
        ]
    )  # fmt: skip
    rows[i] = (about, new)


def _fewer(rng, rows):
    del rows[rng.randrange(len(rows)) :]


def _double(rng, rows):
    rows.append(rng.choice(rows))


def _no_columns(rng, rows):
    for about, _ in rows:
        about.clear()


SPOILS = (_spoil_cell, _spoil_cell, _spoil_column, _spoil_head, _spoil_head, _spoil_shape, _spoil_shape, _fewer, _double, _no_columns)  # fmt: skip


def write(rng: random.Random, rows: list, folder: Path) -> Path:
    """Write rows as one of the kinds of files that people have; what a writer refuses becomes GeoJSON."""
    kind = rng.choice(("geojson", "geojson", "csv", "csv", "xlsx", "gpkg", "shp", "fgb", "parquet", "kml"))  # fmt: skip
    path = folder / f"f.{kind}"
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind in ("csv", "xlsx"):
            return _table(rng, rows, path)
        if kind == "kml":
            return _kml(rows, path)
        if kind != "geojson" and rows:
            frame = gpd.GeoDataFrame([about for about, _ in rows], geometry=[s for _, s in rows])
            system = rng.choice((*SYSTEMS, *["EPSG:4326"] * 20))
            if system is not None:
                frame = frame.set_crs("EPSG:4326")
                if system not in ("EPSG:5773", "EPSG:9707"):
                    frame = frame.to_crs(system)
            write_frame = frame.to_parquet if kind == "parquet" else frame.to_file
            write_frame(path)
            if kind == "gpkg" and rng.random() < 0.1:
                frame.to_file(path, layer="second")
            return path
    return _geojson(rng, rows, folder / "f.geojson")


def _geojson(rng: random.Random, rows: list, path: Path) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": about,
            "geometry": None if shape is None else shapely.geometry.mapping(shape),
        }
        for about, shape in rows
    ]
    held = {"type": "FeatureCollection", "features": features}
    if rng.random() < 0.1:
        name = rng.choice(("urn:ogc:def:crs:EPSG::4610", "urn:ogc:def:crs:EPSG::999999", "EPSG:3857", "x"))  # fmt: skip
        held["crs"] = {"type": "name", "properties": {"name": name}}
    path.write_text(json.dumps(held, ensure_ascii=rng.random() < 0.2), "utf-8")
    return path


def _table(rng: random.Random, rows: list, path: Path) -> Path:
    pairs = ("lon lat", "经度 纬度", "x y", "经度(GCJ02) 纬度(GCJ02)", "lat lon")
    heads = rng.choice([*(pair.split() for pair in pairs), ("wkt", "")])
    table = []
    for about, shape in rows:
        at = shape.representative_point() if shape is not None and not shape.is_empty else None
        place = ("" if at is None else at.x, "" if at is None else at.y)
        if heads[1] == "":
            place = ("" if shape is None else shape.wkt, "")
        table.append([*about.values(), *place])
    names = [*(rows[0][0] if rows else {}), *heads]
    if path.suffix == ".csv":
        out = io.StringIO()
        writer = csv.writer(out, delimiter=rng.choice(",,,;\t"))
        if rng.random() < 0.1:
            writer.writerow(["某市统计表"])
        writer.writerows([names, *table])
        encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16"))
        path.write_bytes(out.getvalue().encode(encoding, "replace"))
        return path
    from openpyxl import Workbook

    book = Workbook()
    for row in ([None] * rng.choice((0, 0, 2)), names, *table):
        book.active.append([json.dumps(c) if isinstance(c, list | dict) else c for c in row])
    if rng.random() < 0.1:
        book.create_sheet("二").append(names)
    book.save(path)
    return path


def _kml(rows: list, path: Path) -> Path:
    marks = []
    for about, shape in rows:
        at = shape.representative_point()
        data = "".join(f'<Data name="{k}"><value>{v}</value></Data>' for k, v in about.items())
        marks.append(
            f"<Placemark><name>{about.get('name')}</name><ExtendedData>{data}</ExtendedData>"
            f"<Point><coordinates>{at.x},{at.y}</coordinates></Point></Placemark>"
        )
    path.write_text(
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(marks)}</Document></kml>',
        "utf-8",
    )
    return path


def _bytes(rng: random.Random, path: Path) -> None:
    """Cut a file, or turn a few of its bytes."""
    raw = path.read_bytes()
    if rng.random() < 0.5 and len(raw) > 2:
        path.write_bytes(raw[: rng.randrange(len(raw))])
    elif raw:
        turned = bytearray(raw)
        for _ in range(rng.choice((1, 1, 3, 20))):
            turned[rng.randrange(len(turned))] = rng.randrange(256)
        path.write_bytes(bytes(turned))


def damage(rng: random.Random, path: Path) -> Path:
    """Sometimes damage a file, give it another ending, or say more behind its name."""
    what = rng.random()
    if what < 0.16:
        _bytes(rng, path)
    elif what < 0.2:
        endings = (".csv", ".geojson", ".gpkg", ".xlsx", ".shp", ".kml", ".zip", ".tif", ".dxf", ".xls", ".osm", "")  # fmt: skip
        return path.rename(path.with_suffix(rng.choice(endings)))
    elif what < 0.24:
        said = rng.choice(("layername=second", "crs=gcj02", "crs=EPSG:4610", "crs=x", "second", "encoding=gbk"))  # fmt: skip
        return Path(f"{path}|{said}")
    return path


def delivered(rng: random.Random, folder: Path, kind: str = "") -> Path:
    """One file with up to four faults."""
    rows = rows_of(rng, kind)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 4))):
        if rows:
            rng.choice(SPOILS)(rng, rows)
    path = write(rng, rows, folder)
    return path if isinstance(rng, _Sound) else damage(rng, path)


def spoilt_toml(rng: random.Random, path: Path) -> None:
    """Change a value, a key or a character of a TOML file."""
    lines = path.read_text("utf-8").split("\n")
    i = rng.choice([n for n, line in enumerate(lines) if line.strip()])
    key, sign, _ = lines[i].partition("=")
    new = rng.choice(("5", '"x"', "[]", "{}", "true", "-1", "1e999", "nan", '""', "[[1]]", "2020-01-01", "“x”", "0", '["walk"]', "", "'''"))  # fmt: skip
    ways = (f"{key}{sign} {new}", f"x{lines[i]}", lines[i][: len(lines[i]) // 2], "", f"{lines[i]}\n{lines[i]}", lines[i].replace('"', "”"))  # fmt: skip
    lines[i] = rng.choice(ways)
    path.write_text("\n".join(lines), "utf-8")


def _spoilt_csv(rng: random.Random, path: Path) -> None:
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    row = rng.choice(rows)
    row[rng.randrange(len(row))] = rng.choice(CELLS)
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows(rows)


def _spoilt_layer(rng: random.Random, path: Path) -> None:
    read = json.loads(path.read_text("utf-8"))["features"]
    rows = [(f["properties"], f["geometry"] and shapely.geometry.shape(f["geometry"])) for f in read]  # fmt: skip
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rows:
            rng.choice(SPOILS)(rng, rows)
    _geojson(rng, rows, path)


def _spoilt_package(rng: random.Random, path: Path) -> None:
    """Change cells, names and tables of a GeoPackage, as an editor of databases would."""
    with contextlib.closing(sqlite3.connect(path)) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():  # fmt: skip
            base.execute(f'DROP TRIGGER "{name}"')
        tables = [t for (t,) in base.execute("SELECT table_name FROM gpkg_contents").fetchall()]
        own = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")
        for _ in range(rng.choice((1, 1, 2, 4))):
            table = rng.choice((*tables, *tables, *own))
            columns = [c[1] for c in base.execute(f'PRAGMA table_info("{table}")')]
            column, cell = rng.choice(columns or ["x"]), rng.choice(CELLS)
            cell = json.dumps(cell) if isinstance(cell, list | dict | int) else cell
            where = f'"{table}" WHERE rowid = (SELECT rowid FROM "{table}" ORDER BY rowid LIMIT 1 OFFSET {rng.randrange(3)})'
            wish, more = rng.choice(
                [(f'UPDATE {where.replace(" WHERE", f" SET {chr(34)}{column}{chr(34)} = ? WHERE", 1)}', (cell,))] * 6
                + [(f'UPDATE "{table}" SET "{column}" = NULL', ()), (f"DELETE FROM {where}", ()), (f'DELETE FROM "{table}"', ())]
                + [(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{rng.choice(HEADS)}"', ()), (f'DROP TABLE "{table}"', ())]
                + [(f'ALTER TABLE "{table}" ADD COLUMN "{rng.choice(HEADS)}" {rng.choice(("TEXT", "REAL", "BLOB", "JSON", ""))}', ())]
            )  # fmt: skip
            # What a database refuses, nobody has on disk.
            with contextlib.suppress(sqlite3.Error):
                base.execute(wish, more)
        base.commit()


def spoil(rng: random.Random, path: Path) -> None:
    """Give a file of a city's folder faults of its kind; sometimes it is damaged, or gone."""
    if isinstance(rng, _Sound):
        return
    kinds = {".toml": spoilt_toml, ".csv": _spoilt_csv, ".geojson": _spoilt_layer, ".gpkg": _spoilt_package}  # fmt: skip
    what = rng.random()
    if what < 0.03:
        path.unlink()
    elif what < 0.08:
        _bytes(rng, path)
    elif path.suffix == ".pbf":
        path.write_bytes(pbf_flipped(path.read_bytes(), rng))
    else:
        kinds[path.suffix](rng, path)


def extract(rng: random.Random, path: Path) -> Path:
    """A map of OpenStreetMap with up to four faults in its elements."""
    grid = [(LON + STEP * i, LAT + STEP * k) for k in range(5) for i in range(5)]
    rings = [[0, 1, 6, 5, 0], [6, 7, 12, 11, 6], [16, 17, 22, 21, 16]]
    about = [{"leisure": "park"}, {"amenity": "hospital", "beds": "50"}, {"natural": "water"}]
    ways = [([5 * k + i for i in range(5)], {"highway": "residential", "name": f"路{k}"}) for k in range(5)]  # fmt: skip
    ways += [([5 * i + k for i in range(5)], {"highway": "primary", "maxspeed": "60"}) for k in range(5)]  # fmt: skip
    parts = [
        f'<node id="{i + 1}" version="1" lat="{y:.6f}" lon="{x:.6f}"><tag k="amenity" v="school"/></node>'
        for i, (x, y) in enumerate(grid)
    ]
    for n, (refs, tags) in enumerate([*ways, *zip(rings, about)]):
        inner = [f'<nd ref="{r + 1}"/>' for r in refs] + [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]  # fmt: skip
        parts.append(f'<way id="{n + 1}" version="1">{"".join(inner)}</way>')
    parts.append('<relation id="1" version="1"><member type="way" ref="1" role="outer"/><tag k="type" v="multipolygon"/><tag k="natural" v="water"/></relation>')  # fmt: skip
    for _ in range(rng.choice((0, 1, 2, 4))):
        i = rng.choice([n for n, part in enumerate(parts) if '="' in part])
        cell = re.sub('[<&"]', "", str(rng.choice(CELLS)))
        cell = rng.choice((cell, "coastline", "no", "-1", "multipolygon", "private", "boundary", "90.0", "-180"))  # fmt: skip
        values = list(re.finditer(r'(?<==")[^"]*', parts[i]))
        at = rng.choice(values).span()
        text = rng.choice((parts[i][: at[0]] + cell + parts[i][at[1] :], "", parts[i] * 2, parts[i][: at[1]]))  # fmt: skip
        parts[i] = rng.choice((text, text, parts[i][: at[0]] + cell + parts[i][at[1] :]))
    if rng.random() < 0.1:
        rng.shuffle(parts)
    path.write_text(f'<osm version="0.6">{"".join(parts)}</osm>', "utf-8")
    return path


class Ground:
    """The towns, the streets and the command lines that get a mutated file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.process = os.getpid()
        self.folder, self.streets, self.places = folder, folder / "streets.gpkg", folder / "good.csv"  # fmt: skip
        steps = range(5)
        lines = [[(LON + STEP * i, LAT + STEP * k) for i in steps] for k in steps]
        lines += [[(LON + STEP * k, LAT + STEP * i) for i in steps] for k in steps]
        ways = [shapely.LineString(line) for line in lines]
        gpd.GeoDataFrame({"highway": "residential"}, geometry=ways, index=range(10), crs=4326).to_file(self.streets)  # fmt: skip
        rows = [(a["id"], s.representative_point()) for a, s in rows_of(random.Random(0))]
        with open(self.places, "w", encoding="utf-8", newline="") as f:
            good = [[name, at.x, at.y, 10, 10] for name, at in rows]
            csv.writer(f).writerows([["id", "lon", "lat", "population", "beds"], *good])
        around = shapely.box(LON - 0.01, LAT - 0.01, LON + 0.02, LAT + 0.02)
        self.boundary = folder / "districts.geojson"
        gpd.GeoDataFrame({"name": ["甲"]}, geometry=[around], crs=4326).to_file(self.boundary)
        self.city, self.pbf = folder / "city", folder / "town.osm.pbf"
        with osmium.SimpleWriter(str(self.pbf)) as to:
            for thing in osmium.FileProcessor(str(extract(_Sound(0.99), folder / "town.osm"))):
                to.add(thing)
        self._made("init", self.city, "--boundary", self.boundary, "--name", "镇")
        self.towns = (write_town(folder / "town"), write_street_city(folder / "mapped"))
        for town in self.towns:
            for name, text in TOWN_FILES.items():
                (town / name).write_text(text, "utf-8")
        self.package = folder / "run" / "gridtown.gpkg"

    def _made(self, *args) -> None:
        told, work = self.folder / "said", lambda: run(*args)
        # What is made in a fork of mutations is made there: it has the libraries.
        assert (forked(told, work) if os.getpid() == self.process else work()) == 0

    def town(self, rng: random.Random, work: Path) -> Path:
        """A town with faults in one of its files."""
        town = shutil.copytree(rng.choice((self.towns[0], *self.towns)), work / "town")
        if rng.random() < 0.5:
            # Rules and figures refuse most faults in layers before anything is computed of them.
            (town / "checks.toml").write_text("", "utf-8")
            (town / "facts.csv").write_text(FACTS.splitlines()[0], "utf-8")
        files = sorted(p for p in town.iterdir() if p.stat().st_size)
        for path in rng.sample(files, rng.choice((1, 1, 2))):
            spoil(rng, path)
        return town

    def edited(self, rng: random.Random, work: Path) -> Path:
        """The GeoPackage of a run, with faults."""
        if not self.package.exists():
            self._made("run", self.towns[0], "--out", self.package.parent)
        path = Path(shutil.copy(self.package, work / "edited.gpkg"))
        spoil(rng, path)
        return path

    def commands(self) -> dict[str, Callable[[random.Random, Path], list]]:
        """By name: the arguments that a mutated file is put into."""
        good = self.places

        def imported(rng, work):
            town = shutil.copytree(rng.choice((self.city, self.towns[0])), work / "c")
            if rng.random() < 0.1:
                return ["import", self.edited(rng, work), "--into", shutil.copytree(self.towns[0], work / "d")]  # fmt: skip
            kind = rng.choice(list(SHAPES))
            system = rng.choice((*[["--crs", "EPSG:4326"]] * 5, [], ["--crs", "gcj02"], ["--crs", "EPSG:4544"]))  # fmt: skip
            more = rng.choice((*[[]] * 6, ["--strict"], ["--encoding", "gbk"], ["--transform", "1,2,3,0,0,0,1"]))  # fmt: skip
            how = rng.choice(("--replace", "--replace", "--append"))
            return ["import", delivered(rng, work, SHAPES[kind]), "--kind", kind, "--into", town, how, *system, *more]  # fmt: skip

        def fetched(rng, work):
            path = rng.choice((extract, extract, lambda rng, path: path))(rng, work / "m.osm")
            if not path.exists():
                path = work / "m.osm.pbf"
                path.write_bytes(pbf_flipped(self.pbf.read_bytes(), rng))
            elif rng.random() < 0.1:
                path.write_bytes(flipped(path.read_bytes(), rng))
            return ["fetch", shutil.copytree(self.city, work / "c"), "--pbf", path]

        def put(files: dict, *args, city: tuple = (), out: str = ""):
            """A mutated file in one of the options on streets or in a town, or a mutated town."""

            def made(rng, work):
                end = ["--out", work / out] if out else []
                if city and rng.random() < 0.4:
                    return [args[0], self.town(rng, work), *city, *args[1:], *end]
                where = [self.towns[0]] if city and rng.random() < 0.3 else ["--streets", self.streets]  # fmt: skip
                chosen, more = rng.choice(list(files)), []
                for name, held in files.items():
                    value = delivered(rng, work) if name == chosen else held
                    more += [] if value is None else [name, value]
                return [args[0], *where, *args[1:], *more, *end]

            return made

        def of_town(*args, after: Callable = lambda rng, work: (), out: str = ""):
            end = (lambda work: ["--out", work / out]) if out else lambda work: []
            return lambda rng, work: [*args, self.town(rng, work), *after(rng, work), *end(work)]

        def run_of(rng, work):
            if rng.random() < 0.2:
                return ["run", self.towns[0], "--layers", self.edited(rng, work), "--out", work / "out"]  # fmt: skip
            return ["run", self.town(rng, work), "--out", work / "out"]

        names = ("hospitals", "districts", "population", "roads", "bridges", "water")
        people, two = {"--demand": good}, ("--origins", "hospitals", "--destinations", "hospitals")
        pairs = {"--origins": good, "--destinations": good}
        return {
            "init": lambda rng, work: ["init", work / "n", "--boundary", delivered(rng, work, "areas"), "--name", "镇"],
            "fetch": fetched,
            "import": imported,
            "run": run_of,
            "changes": lambda rng, work: ["changes", self.towns[0], self.edited(rng, work), "--out", work / "o.csv"],
            "accept": of_town("accept"),
            "check": of_town("check"),
            "isochrone": put({"--points": good}, "isochrone", "--minutes", "1", city=("--at", f"{LON + STEP},{LAT + STEP}"), out="o.geojson"),
            "reach": put(people | {"--origins": good}, "reach", "--minutes", "2", city=("--origins", "hospitals"), out="o.csv"),
            "coverage": put(people | {"--facilities": good, "--areas": None}, "coverage", city=("--facilities", "hospitals"), out="o.xlsx"),
            "access": put(people | {"--supply": good}, "access", city=("--supply", "hospitals"), out="o.json"),
            "matrix": put(pairs, "matrix", city=two, out="o.parquet"),
            "nearest": put(pairs, "nearest", city=two, out="o.csv"),
            "siting": put(people | {"--candidates": good, "--exclude": None, "--existing": None}, "siting", "--p", "1", city=("--candidates", "grid:300", "--anywhere", "--facilities", "hospitals"), out="o.geojson"),
            "compare": of_town("compare", after=lambda *_: ("baseline", "second_bridge"), out="o.xlsx"),
            "plan": of_town("plan", after=lambda rng, _: rng.choice((("--targets",), ("--conflicts",), ("--documents",), ("--task", "1"), ()))),
            "indicators": of_town("indicators", out="o.csv"),
            "layers": of_town("layers", after=lambda rng, _: rng.choice(((), (rng.choice(names),)))),
            "publish html": of_town("publish", "html", out="o.html"),
            "publish formats": of_town("publish", "formats", out="formats"),
            "network": lambda rng, work: ["network", "--streets", delivered(rng, work, "lines"), "--out", work / "o.npz"],
        }  # fmt: skip


def forked(told: Path, work: Callable[[], int]) -> int:
    """Exit code of a fork of this process that does some work; what it says is in `told`."""
    pid = os.fork()
    if not pid:
        code = FOREIGN
        try:
            out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            os.dup2(out, 1), os.dup2(out, 2)
            sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8") for n in (1, 2))
            faulthandler.enable(sys.stderr)
            code = work()
        # Nothing but the mutation itself can fail here.
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(*args) -> int:
    """Exit code of a command in this process, which is a fork."""
    os.truncate(1, 0)
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True, file=sys.stderr)
    code = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main(["-q", *map(str, args)])
    except SystemExit as stopped:
        code = stopped.code
    # A traceback is what is looked for: URBANPLAN_DEBUG lets it through.
    except BaseException as err:
        frames = (f for f in traceback.extract_tb(err.__traceback__) if "urbanplan" in f.filename)
        at = " ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames)
        print(f"Traceback {at} {type(err).__name__}: {err}", file=sys.stderr)
        code = FOREIGN
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.flush(), sys.stderr.flush()
    return code


def warmed(makes: list[Callable], folder: Path) -> None:
    """Load and compile here what the forks of a command need, and read the sound layers of the towns once for all."""
    from urbanplan.city import layers

    read, known = layers.load_layer, {}

    def once(city, name):
        path = city.find(f"{name}.geojson")
        key = (name, path.read_bytes(), str(city.titles), city.metric_crs)
        if key not in known:
            known[key] = read(city, name)
        return replace(known[key], path=path, frame=known[key].frame.copy())

    layers.load_layer = once
    for make, always in itertools.product(makes, (0.99, 0.0)):
        with tempfile.TemporaryDirectory(dir=folder) as work, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            args = ["-q", *map(str, make(_Sound(always), Path(work)))]
            out = io.StringIO()
            quiet = contextlib.redirect_stdout(out), contextlib.redirect_stderr(out)
            with quiet[0], quiet[1], contextlib.suppress(SystemExit):
                main(args)
    gc.freeze()


def held(folder: Path) -> dict[str, str]:
    """What lies in a folder: a hash by name."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def fault_of(code: int, said: str, before: dict[str, str], work: Path) -> str:
    """What is wrong with how a command ended; nothing if nothing is."""
    if code not in (0, 1, 2) or any(word in said for word in ("Traceback", "not foreseen", "Timeout (", "not enough memory")):  # fmt: skip
        return f"ended with {code}"
    after, told = held(work), said.strip().splitlines()
    if code == 2:
        ours = [line for line in told if line.startswith("urbanplan: ")]
        if len(ours) != 1 or ours[0] != told[-1]:
            return "is no sentence"
        return f"left {sorted(before.items() ^ after.items())}" if before != after else ""
    if any(re.match(r"(ERROR|Warning) \d|.*Warning: ", line) for line in told):
        return "says a library's words"
    if gone := before.keys() - after.keys():
        return f"lost {gone}"
    for name in after.keys() - before.keys():
        raw = (work / name).read_bytes()
        if not raw or ".tmp" in name:
            return f"half of {name}"
        if name.endswith((".json", ".geojson")):
            json.loads(raw)
    return ""


def fuzz(
    commands: Sequence[str], times: int, seed: int = 1, first: int = 0, *, warm: bool = True
) -> Iterator[tuple[int, str]]:
    """For so many mutated files of each command: its exit code, and its fault with what makes it again."""
    tasks = [(command, n) for command in commands for n in range(first, first + times)]
    with tempfile.TemporaryDirectory(dir=MEMORY) as base:
        folder = Path(base)
        work, told, ends = folder / "work", folder / "said", folder / "ends"
        makes = Ground(folder / "ground").commands()
        if warm:
            warmed([makes[command] for command in commands], folder)

        def some(which: list) -> int:
            with open(ends, "w", encoding="utf-8") as out:
                for command, n in which:
                    work.mkdir()
                    args = makes[command](random.Random(f"{command} {seed} {n}"), work)
                    before = held(work)
                    code = run(*args)
                    said = told.read_text("utf-8", "replace")
                    if fault := fault_of(code, said, before, work):
                        fault = f"{fault}: {' '.join(map(str, args))}\n{said[-1500:]}"
                    print(json.dumps([code, fault]), file=out, flush=True)
                    shutil.rmtree(work)
            return 0

        while tasks:
            which = tasks[:BATCH]
            status = forked(told, lambda: some(which))  # noqa: B023
            done = [json.loads(line) for line in ends.read_text("utf-8").splitlines()]
            if len(done) < len(which):
                # The one that it was at ended the process.
                said = told.read_text("utf-8", "replace")
                done.append([status, f"ended the process with {status}\n{said}"])
                shutil.rmtree(work)
            for (command, n), (code, fault) in zip(which, done):
                yield code, fault and f"{command} --seed {seed} --first {n} {fault}"
            del tasks[: len(done)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for option, value in (("times", 2000), ("seed", 1), ("first", 0)):
        parser.add_argument(f"--{option}", type=int, default=value)
    parser.add_argument("commands", nargs="*")
    asked = parser.parse_args()
    os.environ |= {"URBANPLAN_DEBUG": "1", "URBANPLAN_LANG": "en"}
    wrong = 0
    for name in asked.commands or COMMANDS:
        begun, codes, finds = time.perf_counter(), Counter(), 0
        for code, fault in fuzz([name], asked.times, asked.seed, asked.first):
            codes[code] += 1
            if fault:
                finds += 1
                print(fault, flush=True)
        took = time.perf_counter() - begun
        print(f"{name}: {asked.times} files, exit codes {dict(codes)}, {finds} finds, {took:.0f} s", flush=True)  # fmt: skip
        wrong += finds
    sys.exit(bool(wrong))
