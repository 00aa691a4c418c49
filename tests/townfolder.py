"""The grid town as a city folder on disk, with every column that a layer must carry."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import shapely

import gridtown as town
from urbanplan.catalog import load_catalog

CITY_TOML = """
[city]
id = "gridtown"
name_zh = "格子镇"
name_en = "Grid Town"
metric_crs = "EPSG:4544"
"""

STUDY_TOML = """
cell_m = 100
facilities = ["hospitals"]
modes = ["walk", "drive"]
minutes = [1, 2, 5]
snap_m = 500

[headline]
name_zh = "两分钟医院"
name_en = "Two-minute hospital"
facilities = "hospitals"
mode = "drive"
minutes = 2
"""

SCENARIOS_TOML = """
[[scenario]]
id = "second_bridge"
name_zh = "二桥"
name_en = "Second bridge"
cost = 3
cost_unit = "亿元"
change = [{ do = "open", layer = "bridges", ids = ["bridge_new"] }]
"""

FACTS = """id,name_zh,layer,where,measure,value,unit,tolerance_share,year,source,note
people,总人口,population,,sum:persons,900,persons,0,2020,census,
road,道路长度,roads,kind=street,length_km,1.1,km,0.01,2020,survey,
bridges,桥梁数,bridges,,count,2,bridges,0,2020,survey,
north,北岸面积,districts,name_zh=北岸,area_km2,0.35,km²,0.01,2020,survey,
"""

CHECKS = """
[[rule]]
id = "bridges_cross_once"
rule = "crosses_once"
layer = "bridges"
water = "water"

[[rule]]
id = "bridge_order"
rule = "order"
layer = "bridges"
along = "river_lines"
column = "order"

[[rule]]
id = "roads_dry"
rule = "dry"
layer = "roads"
water = "water"
"""


def _feature(layer_kind, fid: str, geometry, /, **own) -> dict:
    values = dict.fromkeys(layer_kind.columns)
    values |= {
        "id": fid, "name_zh": fid, "name_en": fid, "kind": "test", "district": "",
        "status": "existing", "quality": "schematic", "accuracy_m": 50.0, "source": "grid town",
        "licence": "MIT", "as_of": "2020", "note_zh": "", "note_en": "",
    }  # fmt: skip
    values |= own
    if geometry is not None:
        place = gpd.GeoSeries([geometry], crs=town.CRS).to_crs(4326).iloc[0]
        geometry = json.loads(shapely.to_geojson(place))
    else:
        values["accuracy_m"] = None
    return {"type": "Feature", "properties": values, "geometry": geometry}


def write_layer(folder: Path, name: str, rows: list[tuple]) -> Path:
    kind = load_catalog().layer(name)
    features = [_feature(kind, fid, geometry, **own) for fid, geometry, own in rows]
    path = folder / f"{name}.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "utf-8"
    )
    return path


def _lines(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([town.centre(*p) for p in points])


def write_town(folder: Path) -> Path:
    """Write the town of `gridtown.TOWN`, with a second bridge planned in column 1."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(CITY_TOML, "utf-8")
    (folder / "study.toml").write_text(STUDY_TOML, "utf-8")
    (folder / "scenarios.toml").write_text(SCENARIOS_TOML, "utf-8")
    (folder / "facts.csv").write_text(FACTS, "utf-8")
    (folder / "checks.toml").write_text(CHECKS, "utf-8")
    west, north = town.WEST, town.NORTH
    river = shapely.box(west, north - 400, west + 1000, north - 300)
    # The districts meet in mid-river, and the river belongs to both.
    shore_n = shapely.box(west, north - 350, west + 1000, north)
    shore_s = shapely.box(west, north - 700, west + 1000, north - 350)
    street = {"class": "primary", "speed_kmh": 60.0, "kind": "street", "oneway": False}
    bridge = {"class": "primary", "speed_kmh": 60.0, "river": "brook"}
    write_layer(
        folder, "study_area", [("area", shapely.box(west, north - 700, west + 1000, north), {})]
    )
    write_layer(folder, "districts", [("北岸", shore_n, {}), ("南岸", shore_s, {})])
    write_layer(folder, "water", [("brook", river, {"river": "brook"})])
    write_layer(
        folder,
        "river_lines",
        [
            (
                "axis",
                shapely.LineString([(west, north - 350), (west + 1000, north - 350)]),
                {"river": "brook"},
            )
        ],
    )
    write_layer(folder, "built_up", [("core", town.cell_box(1, 1), {})])
    write_layer(
        folder,
        "population",
        [
            ("n", shapely.box(west, north - 300, west + 1000, north), {"persons": 300}),
            ("s", shapely.box(west, north - 700, west + 1000, north - 400), {"persons": 600}),
        ],
    )
    write_layer(
        folder,
        "roads",
        [("north", _lines((1, 1), (1, 7)), street), ("south", _lines((5, 2), (5, 7)), street)],
    )
    write_layer(
        folder,
        "bridges",
        [
            ("bridge_old", _lines((2, 5), (4, 5)), bridge | {"order": 1}),
            ("bridge_new", _lines((2, 1), (4, 1)), bridge | {"order": 2, "status": "planned"}),
        ],
    )
    write_layer(
        folder,
        "hospitals",
        [
            ("h1", shapely.Point(town.centre(1, 1)), {"beds": 100}),
            ("h2", shapely.Point(town.centre(5, 7)), {"status": "planned"}),
            ("h3", None, {"note_zh": "位置未公布"}),
        ],
    )
    return folder


#: Names that would run as code in a page that pastes them into markup or templates.
HOSTILE = (
    "</script><script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "<svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "${window.pwned=1}",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028window.pwned=1//",
    "&lt;b&gt;&amp;",
)


def write_hostile_town(folder: Path) -> Path:
    """The town with hospitals, districts and the city itself named to break pages."""
    write_town(folder)
    spots = [(1, 1), (1, 3), (1, 5), (1, 7), (5, 3), (5, 5), (5, 7), (0, 0)]
    write_layer(
        folder,
        "hospitals",
        [
            (
                f"h{i}",
                shapely.Point(town.centre(*spot)),
                {"name_zh": name, "name_en": name, "note_zh": name, "source": name},
            )
            for i, (spot, name) in enumerate(zip(spots, HOSTILE))
        ],
    )
    profile = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(profile.replace('"格子镇"', json.dumps(HOSTILE[0])), "utf-8")
    return folder
