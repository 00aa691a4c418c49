"""Real-looking faults in files, given to every command that takes one: no traceback, whatever they are.

The short run is in the suite (`test_mutations.py`); the long one is

    python tests/hostile/mutations.py --times 2000 [--seed 1] [COMMAND ...]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import shapely

sys.path.insert(0, str(Path(__file__).parents[1]))
from townfolder import write_town
from urbanplan.cli import main

#: Where the grid town is, and its streets.
LON, LAT, STEP = 105.4, 28.9, 0.002
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


def rows_of(rng: random.Random, count: int = 6) -> list[tuple[dict, object]]:
    """Plain places on the streets: properties and a geometry each."""
    areas = rng.random() < 0.4
    rows = []
    for i in range(count):
        x, y = LON + STEP * rng.uniform(0.1, 3.9), LAT + STEP * rng.uniform(0.1, 3.9)
        shape = shapely.box(x, y, x + STEP / 2, y + STEP / 2) if areas else shapely.Point(x, y)
        about = {"id": f"p{i}", "name": f"地点{i}", "population": 100 * (i + 1), "beds": 10}
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
    kind = rng.choice(
        ("geojson", "geojson", "csv", "csv", "xlsx", "gpkg", "shp", "fgb", "parquet", "kml")
    )
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
    path = folder / "f.geojson"
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
        name = rng.choice(
            ("urn:ogc:def:crs:EPSG::4610", "urn:ogc:def:crs:EPSG::999999", "EPSG:3857", "x")
        )
        held["crs"] = {"type": "name", "properties": {"name": name}}
    path.write_text(json.dumps(held, ensure_ascii=rng.random() < 0.2), "utf-8")
    return path


def _table(rng: random.Random, rows: list, path: Path) -> Path:
    heads = rng.choice(
        (
            ("lon", "lat"),
            ("经度", "纬度"),
            ("x", "y"),
            ("经度(GCJ02)", "纬度(GCJ02)"),
            ("lat", "lon"),
            ("wkt", ""),
        )
    )
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
        path.write_bytes(
            out.getvalue().encode(
                rng.choice(("utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16")), "replace"
            )
        )
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


def damage(rng: random.Random, path: Path) -> Path:
    """Sometimes cut a file, turn a few of its bytes, or give it another ending."""
    what = rng.random()
    raw = path.read_bytes()
    if what < 0.08 and len(raw) > 2:
        path.write_bytes(raw[: rng.randrange(len(raw))])
    elif what < 0.16 and raw:
        turned = bytearray(raw)
        for _ in range(rng.choice((1, 1, 3, 20))):
            turned[rng.randrange(len(turned))] = rng.randrange(256)
        path.write_bytes(bytes(turned))
    elif what < 0.2:
        other = path.with_suffix(
            rng.choice(
                (
                    ".csv",
                    ".geojson",
                    ".gpkg",
                    ".xlsx",
                    ".shp",
                    ".kml",
                    ".zip",
                    ".tif",
                    ".dxf",
                    ".xls",
                    "",
                )
            )
        )
        return path.rename(other)
    elif what < 0.24:
        return Path(
            f"{path}|{rng.choice(('layername=second', 'crs=gcj02', 'crs=EPSG:4610', 'crs=x', 'second', 'encoding=gbk'))}"
        )
    return path


def delivered(rng: random.Random, folder: Path) -> Path:
    """One file with up to four faults."""
    rows = rows_of(rng)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 4))):
        if rows:
            rng.choice(SPOILS)(rng, rows)
    return damage(rng, write(rng, rows, folder))


def spoilt_toml(rng: random.Random, path: Path) -> None:
    """Change a value, a key or a character of a TOML file."""
    lines = path.read_text("utf-8").split("\n")
    i = rng.choice([n for n, line in enumerate(lines) if line.strip()])
    key, sign, _ = lines[i].partition("=")
    new = rng.choice(
        (
            "5",
            '"x"',
            "[]",
            "{}",
            "true",
            "-1",
            "1e999",
            "nan",
            '""',
            "[[1]]",
            "2020-01-01",
            "“x”",
            "0",
            '["walk"]',
            "",
            "'''",
        )
    )
    lines[i] = rng.choice(
        (
            f"{key}{sign} {new}",
            f"x{lines[i]}",
            lines[i][: len(lines[i]) // 2],
            "",
            f"{lines[i]}\n{lines[i]}",
            lines[i].replace('"', "”"),
        )
    )
    path.write_text("\n".join(lines), "utf-8")


class Ground:
    """The town, the streets and the command lines that get a mutated file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.streets = folder / "streets.gpkg"
        lines = [
            line
            for k in range(5)
            for line in (
                shapely.LineString([(LON + STEP * i, LAT + STEP * k) for i in range(5)]),
                shapely.LineString([(LON + STEP * k, LAT + STEP * i) for i in range(5)]),
            )
        ]
        gpd.GeoDataFrame(
            {"highway": "residential"}, geometry=lines, index=range(10), crs=4326
        ).to_file(self.streets)
        rows = rows_of(random.Random(0))
        self.places = folder / "good.csv"
        good = [
            [a["id"], s.representative_point().x, s.representative_point().y, 10, 10]
            for a, s in rows
        ]
        with open(self.places, "w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows([["id", "lon", "lat", "population", "beds"], *good])
        districts = gpd.GeoDataFrame(
            {"name": ["甲"]},
            geometry=[shapely.box(LON - 0.01, LAT - 0.01, LON + 0.02, LAT + 0.02)],
            crs=4326,
        )
        districts.to_file(folder / "districts.geojson")
        self.city = folder / "city"
        run("-q", "init", self.city, "--boundary", folder / "districts.geojson", "--name", "镇")
        self.town = write_town(folder / "town")

    def commands(self) -> dict[str, Callable[[random.Random, Path], list]]:
        """By name: the arguments that a mutated file is put into."""
        on, good, out = ("--streets", self.streets), self.places, self.folder / "out.csv"

        def imported(rng, work):
            kind = rng.choice(
                ("parks", "hospitals", "villages", "population", "roads", "districts", "streets")
            )
            system = rng.choice(
                (*[["--crs", "EPSG:4326"]] * 5, [], ["--crs", "gcj02"], ["--crs", "EPSG:4544"])
            )
            if (work / "c").exists():
                shutil.rmtree(work / "c")
            shutil.copytree(self.city, work / "c")
            more = rng.choice(
                (*[[]] * 6, ["--strict"], ["--encoding", "gbk"], ["--transform", "1,2,3,0,0,0,1"])
            )
            return [
                "import",
                delivered(rng, work),
                "--kind",
                kind,
                "--into",
                work / "c",
                "--replace",
                *system,
                *more,
            ]

        def city(rng, work):
            if (work / "town").exists():
                shutil.rmtree(work / "town")
            shutil.copytree(self.town, work / "town")
            files = sorted(p for p in (work / "town").rglob("*.toml"))
            spoilt_toml(rng, rng.choice(files))
            return [
                *rng.choice(
                    (
                        ["layers"],
                        ["check"],
                        ["coverage", "--facilities", "hospitals"],
                        ["indicators"],
                    )
                ),
                work / "town",
            ]

        return {
            "import": imported,
            "init": lambda rng, work: ["init", work / f"n{rng.random()}", "--boundary", delivered(rng, work), "--name", "镇"],
            "matrix": lambda rng, work: ["matrix", *on, "--origins", delivered(rng, work), "--destinations", good, "--out", out],
            "coverage": lambda rng, work: _either(rng, work, ["coverage", *on], {"--facilities": good, "--demand": good, "--areas": None}),
            "isochrone": lambda rng, work: ["isochrone", *on, "--points", delivered(rng, work), "--minutes", "1", "--cell", "50", "--out", self.folder / "o.geojson"],
            "access": lambda rng, work: _either(rng, work, ["access", *on, "--out", out], {"--supply": good, "--demand": good}),
            "reach": lambda rng, work: _either(rng, work, ["reach", *on, "--minutes", "2", "--out", out], {"--demand": good, "--origins": good}),
            "siting": lambda rng, work: _either(rng, work, ["siting", *on, "--p", "1", "--out", self.folder / "s.geojson"], {"--candidates": good, "--demand": good, "--exclude": None, "--existing": None}),
            "streets": lambda rng, work: ["network", "--streets", delivered(rng, work)],
            "city": city,
        }  # fmt: skip


def _either(rng, work, args: list, options: dict) -> list:
    """A command with a mutated file in one of its options."""
    chosen = rng.choice(list(options))
    for name, good in options.items():
        value = delivered(rng, work) if name == chosen else good
        args = args if value is None else [*args, name, value]
    return args


def run(*args) -> tuple[int, str]:
    """Exit code and messages of a command, in this process."""
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            main([str(a) for a in args])
            code = 0
        except SystemExit as stopped:
            code = stopped.code
        # A traceback is what is looked for: URBANPLAN_DEBUG lets it through.
        except Exception:
            return -1, traceback.format_exc()
    return code, out.getvalue()


def fuzz(command: str, times: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    """Exit codes of a command over so many mutated files, and each fault with what makes it again."""
    ground = Ground(folder / "ground")
    make, codes, faults = ground.commands()[command], Counter(), []
    for n in range(times):
        rng = random.Random(f"{command} {seed} {n}")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            args = make(rng, Path(work))
            code, said = run("-q", *args)
        codes[code] += 1
        if code not in (0, 1, 2) or "Traceback" in said or "not foreseen" in said:
            faults.append(
                f"{command} seed {seed} number {n}: {' '.join(map(str, args))}\n{said[-1500:]}"
            )
    return codes, faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("commands", nargs="*")
    asked = parser.parse_args()
    os.environ["URBANPLAN_DEBUG"] = "1"
    wrong = 0
    with tempfile.TemporaryDirectory() as base:
        every = asked.commands or list(
            Ground.commands(
                type("G", (), dict.fromkeys(("streets", "places", "folder"), Path(base)))()
            )
        )
        for name in every:
            begun = time.perf_counter()
            codes, faults = fuzz(name, asked.times, asked.seed, Path(base) / name)
            wrong += len(faults)
            print(
                f"{name}: {asked.times} files, exit codes {dict(codes)}, {len(faults)} tracebacks, {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
            for fault in faults:
                print(fault, flush=True)
    sys.exit(bool(wrong))
