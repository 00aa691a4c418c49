"""The embedded city: held to what is published, whole, honest about itself, and rebuilt to the same bytes."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from pyproj import Geod

from urbanplan.catalog import COMMON_COLUMNS, QUALITIES
from urbanplan.city.checks import POSITION_UNIT, check_city, positions_of

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
GEOD = Geod(ellps="WGS84")


def geodesic_km2(shape):
    return abs(GEOD.geometry_area_perimeter(shape)[0]) / 1e6


def test_all_checks_pass_and_there_are_many(luzhou, luzhou_layers):
    table = check_city(luzhou, luzhou_layers)
    placed = table["unit"] == POSITION_UNIT
    assert list(table.loc[~placed & (table["verdict"] == "fail"), "id"]) == []
    published = table[~placed & (table["unit"] != "findings")]
    assert len(published) >= 40 and (table["unit"] == "findings").sum() >= 40
    assert published["drawn"].notna().all() and table["id"].is_unique


def test_nothing_lies_farther_off_than_it_states(luzhou, luzhou_layers):
    placed = positions_of(check_city(luzhou, luzhou_layers))
    assert list(placed.loc[placed["verdict"] == "fail", "check"]) == []
    # Half of them and more say something that the drawing was not made from.
    assert (~placed["drawn_from"]).sum() >= 60 and placed["layer"].nunique() >= 8


@pytest.mark.filterwarnings("ignore")
def test_a_course_without_its_points_still_comes_near_them():
    # With every second point left out the course misses them by four times what it may miss between all of them.
    from shapely import LineString, Point

    sys.path.insert(0, str(DATA / "build"))
    try:
        import expressways
        import network
        from rivers import metric
    finally:
        sys.path.pop(0)
    for road, points in expressways.POINTS.items():
        labels = [f"{road}:{label}" for label, _, _ in points]
        for at in range(1, len(labels) - 1):
            course = metric(LineString(network.through(labels[:at] + labels[at + 1 :])))
            assert course.distance(metric(Point(points[at][1:]))) <= 4 * expressways.ACCURACY_M


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", ["left", "right"])
def test_riverside_places_stand_on_their_own_bank(luzhou_layers, side):
    sys.path.insert(0, str(DATA / "build"))
    try:
        import origins
        import osm
    finally:
        sys.path.pop(0)
    from shapely import Point

    water = luzhou_layers["water"].frame.to_crs(4544).geometry.union_all()
    lines = luzhou_layers["river_lines"].frame.to_crs(4544).set_index("river").geometry
    area = luzhou_layers["study_area"].frame.geometry.iloc[0]
    points = gpd.GeoSeries({i: Point(p.lon, p.lat) for i, p in origins.read_points(area).items()}, crs=4326)  # fmt: skip
    points, middle = points.to_crs(4544), lines["yangtze"]
    for osm_id in osm.ON_LAND[side]:
        at = points[osm_id]
        assert not water.intersects(at), osm_id
        here = middle.project(at)
        a, b = middle.interpolate(here - 10), middle.interpolate(here + 10)
        cross = (b.x - a.x) * (at.y - a.y) - (b.y - a.y) * (at.x - a.x)
        assert (cross > 0) == (side == "left"), osm_id


def test_what_comes_from_openstreetmap_says_so(luzhou_layers):
    files = tomllib.loads((DATA / "layers/luzhou/manifest.toml").read_text("utf-8"))["files"]
    for name, layer in luzhou_layers.items():
        row, frame = files[f"{name}.geojson"], layer.frame
        theirs = frame["licence"] == "ODbL-1.0"
        # One of theirs puts the file under their licence; a drawing never claims to be theirs.
        assert (row["licence"] == "ODbL-1.0") == theirs.any() == ("geopi" in row["built_from"])
        assert frame.loc[theirs, "source"].str.contains("OpenStreetMap").all()
        assert not frame.loc[~theirs, "source"].str.contains("geopi").any()
        if theirs.any():
            assert layer.completeness == "partial"
    assert all(row["licence"] for row in files.values())


def test_the_figures_that_matter_most_are_checked(luzhou, luzhou_layers):
    table = check_city(luzhou, luzhou_layers).set_index("id")
    for name, tolerance in {
        "ring2_length": 0.03, "ring2_area": 0.05, "triangle_area": 0.05, "triangle_length": 0.03,
        "d_jiangyang_area": 0.005, "d_longmatan_area": 0.005, "d_naxi_area": 0.005, "people": 0,
        "yangtze_bridges_in_order": 0, "tuo_bridges_in_order": 0, "bridges_cross_once": 0,
        "roads_cross_water_only_on_bridges": 0, "port_limit_east": 0, "port_limit_west": 0,
    }.items():  # fmt: skip
        assert table.loc[name, "tolerance"] <= tolerance
    parks = [i for i in table.index if i.startswith("park_") and i.endswith("_area")]
    assert len(parks) >= 11 and (table.loc[parks, "tolerance"] <= 0.01).all()


@pytest.mark.parametrize("name, km2", [("江阳区", 649), ("龙马潭区", 333), ("纳溪区", 1150)])
def test_district_areas_measured_apart(luzhou_layers, name, km2):
    row = luzhou_layers["districts"].frame.set_index("name_zh").loc[name]
    assert geodesic_km2(row.geometry) == pytest.approx(km2, rel=0.005)


def test_census_is_exact(luzhou_layers):
    frame = luzhou_layers["population"].frame
    assert frame.groupby("district")["persons"].sum().to_dict() == {
        "江阳区": 761_576, "龙马潭区": 479_697, "纳溪区": 354_846,
    }  # fmt: skip
    assert set(frame["quality"]) == {"modelled"}


def test_people_on_the_grid_are_the_census(atlas):
    results = atlas[0]
    assert results.demand["persons"].sum() == pytest.approx(1_596_119, abs=1e-3)
    every = results.coverage.query("area == 'ALL'")["persons"]
    assert np.allclose(every, 1_596_119, atol=1e-3)


def test_nothing_pretends_to_be_surveyed(luzhou_layers):
    for layer in luzhou_layers.values():
        assert set(layer.frame["quality"]) <= set(QUALITIES) - {"surveyed"}
        assert tuple(layer.frame.columns[: len(COMMON_COLUMNS)]) == COMMON_COLUMNS
        for column in ("source", "licence", "as_of", "status"):
            assert layer.frame[column].astype(str).str.len().gt(2).all(), (layer.id, column)
        unplaced = layer.frame[layer.frame.geometry.isna()]
        assert unplaced["accuracy_m"].isna().all()


def test_the_axis_is_marked_as_a_reading(luzhou_layers):
    roads = luzhou_layers["roads"].frame
    axis = roads[roads["system"].str.contains("axis_")]
    assert len(axis) > 5 and axis["note_zh"].str.contains("非方案原文").all()


def test_planned_things_do_not_carry_traffic(atlas):
    # Opening the planned bridges must bring somebody inside, and never push anybody out.
    gains = atlas[0].scenario_coverage
    assert gains["persons_gained"].min() >= -1e-6
    assert gains.loc[gains["scenario"] == "all_bridges", "persons_gained"].max() > 1000


def test_coverage_never_falls_with_time_and_cars_beat_feet(atlas):
    table = atlas[0].coverage.query("area == 'ALL'")
    for _, part in table.groupby(["facilities", "mode"]):
        assert part["persons_covered"].is_monotonic_increasing
    wide = table.pivot(index=["facilities", "minutes"], columns="mode", values="share")
    assert (wide["bike"] >= wide["walk"]).all() and (wide["drive"] >= wide["walk"]).all()


def test_isochrones_are_valid_nested_and_dry(atlas):
    results = atlas[0]
    wet = results.layers["water"].frame.to_crs(4544).geometry.union_all()
    bank = wet.buffer(-0.05)
    for frame, keys in (
        (results.bands, ["facilities", "mode"]),
        (results.isochrones, ["origin", "mode"]),
    ):
        assert frame.is_valid.all()
        for _, part in frame.sort_values("minutes").groupby(keys):
            shapes = list(part.geometry)
            for small, large in zip(shapes, shapes[1:]):
                # What is left outside is float noise: under a square centimetre.
                assert small.difference(large).area * 1.1e10 < 1e-4
        # Vertices are rounded to a centimetre, so the bank is kept to five.
        assert (frame.to_crs(4544).intersection(bank).area < 1).all()
    assert len(results.isochrones) == 4 * sum(
        len(results.layers[f].with_status("existing")) for f in results.city.analysis.facilities
    ) * len(results.city.analysis.modes)


def test_manifest_knows_every_file():
    manifest = tomllib.loads((DATA / "layers/luzhou/manifest.toml").read_text("utf-8"))
    files = [p for p in DATA.rglob("*") if p.parts[-2] == "luzhou" and p.name != "manifest.toml"]
    assert sorted(p.name for p in files) == sorted(manifest["files"])
    for path in files:
        entry = manifest["files"][path.name]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], path.name
        assert set(entry["built_from"]) <= set(manifest["origins"])
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for origin, row in manifest["origins"].items():
        assert origin == "facts" or (origin in notice and row["version"] in notice)


@pytest.mark.filterwarnings("ignore")
def test_the_data_rebuilds_to_the_same_bytes(tmp_path):
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "data").rglob("*.geojson"):
        path.unlink()
    subprocess.run(
        [sys.executable, str(tmp_path / "data" / "build")], check=True, capture_output=True
    )
    for path in DATA.rglob("*"):
        if path.is_file() and path.parts[-2] == "luzhou":
            assert (tmp_path / path.relative_to(ROOT)).read_bytes() == path.read_bytes(), path.name


def test_no_machine_path_in_the_tree():
    pattern = re.compile(r"/(?:work|root|home)/|shared/")
    for path in [
        *ROOT.glob("*.md"),
        *DATA.rglob("*.*"),
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
    ]:
        if path.is_file() and "__pycache__" not in path.parts:
            assert not pattern.search(path.read_text("utf-8", errors="ignore")), path


def test_the_readme_says_what_a_run_says(atlas, luzhou, luzhou_layers):
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    plan, table = luzhou.analysis, atlas[0].coverage
    head = table[(table["facilities"] == plan.headline_facilities) & (table["minutes"] == 30)]
    for row in head[head["area"] == "ALL"].itertuples():
        assert f"{row.share:.1%}".replace("%", " %") in text, row.mode
    told = atlas[0].indicators
    known = told[told["verdict"] != "cannot be told"]["indicator"].nunique()
    assert f"{told['indicator'].nunique()} indicators two can be told" in text and known == 2
    checks = check_city(luzhou, luzhou_layers)
    placed = positions_of(checks)
    apart = int((~placed["drawn_from"]).sum())
    assert f"{len(placed)} against positions, {apart} of which nothing was drawn from" in text
    published = int((checks["unit"] != "findings").sum()) - len(placed)
    carried = int(checks["measure"].str.startswith("value:").sum())
    assert f"{len(checks)} checks, {published} of them against published figures" in text
    assert (
        f"({published - carried} measured on what is drawn or counted, {carried} carried as" in text
    )
    places = [x.frame for x in luzhou_layers.values() if x.kind.geometry != "none"]
    assert len(text.split()) <= 700
    unlocated = sum(int(f.geometry.isna().sum()) for f in places)
    assert f"({unlocated} of {sum(map(len, places))})" in text
