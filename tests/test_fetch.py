"""A city filled from OpenStreetMap, and its atlas made on its own streets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely

import pagereader
from test_init import command
from urbanplan import study
from urbanplan.catalog import load_catalog, read_osm_rules
from urbanplan.city.checks import check_city
from urbanplan.city.fetch import tag_keys
from urbanplan.city.layers import load_layer, load_layers, validate
from urbanplan.city.profile import load_city
from urbanplan.output import formats
from urbanplan.routing import build_network
from urbanplan.sources.extract import sea_of
from urbanplan.sources.osm import read_osm, write_osm
from urbanplan.sources.streets import clipped

#: What the Helsinki extract holds of whole things: west, south, east, north.
BOX = (24.9351, 60.1641, 24.9535, 60.1792)


def independent(pbf, table: str, where: str, folder) -> gpd.GeoDataFrame:
    """Features that GDAL's own OpenStreetMap reader finds, with the ids that ours would have."""
    out = folder / f"{table}.gpkg"
    subprocess.run(
        ["ogr2ogr", "-where", where, str(out), str(pbf), table], capture_output=True, check=True
    )
    frame = gpd.read_file(out, on_invalid="ignore")
    if table == "points":
        frame["ours"] = "n" + frame["osm_id"]
    else:
        frame["ours"] = ("r" + frame["osm_id"]).fillna("w" + frame["osm_way_id"])
    return frame[frame.intersects(shapely.box(*BOX))]


@pytest.mark.client
@pytest.mark.parametrize(
    ("layer", "key", "values"),
    [
        ("finance", "amenity", ["bank"]),
        ("education", "amenity", ["kindergarten", "school", "college", "university"]),
        ("parks", "leisure", ["park", "garden", "nature_reserve"]),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_another_reader_finds_the_same(helsinki, helsinki_pbf, tmp_path, layer, key, values):
    words = ", ".join(f"'{v}'" for v in values)
    found = independent(helsinki_pbf, "multipolygons", f"{key} IN ({words})", tmp_path)
    if layer == "parks":
        found = found[found.to_crs(32635).area >= 400]
        expected = set(found["ours"])
    else:
        tagged = " OR ".join(f'other_tags LIKE \'%"{key}"=>"{v}"%\'' for v in values)
        points = independent(helsinki_pbf, "points", tagged, tmp_path)
        # A point on an area of the same kind is the same thing drawn twice.
        on_area = points.sjoin(found, rsuffix="area")
        same = on_area["name_left"].isna() | (on_area["name_left"] == on_area["name_area"])
        expected = {*found["ours"], *points["ours"]} - set(on_area.loc[same, "ours_left"])
    ours = load_layers(load_city(helsinki))[layer].frame
    # GDAL closes areas across what the extract does not hold; ours says that it left them out.
    torn = {
        f"w{way.id}"
        for way in osmium.FileProcessor(str(helsinki_pbf)).with_locations()
        if way.is_way() and not all(node.location.valid() for node in way.nodes)
    }
    missing = expected - torn - set(ours["id"])
    assert set(ours["id"]) <= expected and len(ours) >= 7 and len(missing) <= 2
    # One branch or campus drawn several times is one: what is missing stands beside one of its kind.
    drawn = found if layer == "parks" else pd.concat([found, points])
    lost = drawn[drawn["ours"].isin(missing)].to_crs(32635)
    assert all(ours.to_crs(32635).distance(shape).min() < 300 for shape in lost.geometry)


def test_every_feature_says_what_it_is_worth(helsinki):
    layers = load_layers(load_city(helsinki))
    filled = [
        x for x in layers.values() if x.id not in ("districts", "study_area") and len(x.frame)
    ]
    assert {"roads", "parks", "education", "culture_sport", "stations", "rail", "greenway"} <= {
        x.id for x in filled
    }
    for layer in filled:
        assert set(layer.frame["source"]) == {"OpenStreetMap contributors"}
        assert set(layer.frame["licence"]) == {"ODbL-1.0"} and set(layer.frame["accuracy_m"]) == {
            10
        }
        assert layer.frame["note_en"].str.contains("states no accuracy").all()
    assert not (check_city(load_city(helsinki))["verdict"] == "fail").any()


def test_the_streets_are_those_of_the_extract(helsinki, helsinki_pbf):
    whole, kept = read_osm(helsinki_pbf), read_osm(helsinki / "layers/streets.osm.pbf")
    # The extract is smaller than the city with its margin: nothing may be lost.
    assert kept.ways == whole.ways and len(kept.lonlat) == len(whole.lonlat)
    mode = load_catalog().mode("walk")
    one, other = build_network(whole, mode), build_network(kept, mode)
    assert np.array_equal(one.minutes, other.minutes)


def test_the_same_extract_gives_the_same_bytes(helsinki, helsinki_pbf, tmp_path, capsys):
    again = tmp_path / "hki"
    shutil.copytree(helsinki, again)
    assert command(capsys, "fetch", again, "--pbf", helsinki_pbf)[0] == 0
    for path in sorted((helsinki / "layers").iterdir()):
        assert path.read_bytes() == (again / "layers" / path.name).read_bytes(), path.name


def test_what_came_from_elsewhere_is_left_alone(helsinki, helsinki_pbf, tmp_path, capsys):
    city = tmp_path / "hki"
    shutil.copytree(helsinki, city)
    own = tmp_path / "own.geojson"
    at = [shapely.box(24.94, 60.17, 24.941, 60.171)]
    gpd.GeoDataFrame({"name": ["mine"]}, geometry=at, crs=4326).to_file(own)
    assert command(capsys, "import", own, "--kind", "parks", "--into", city, "--replace")[0] == 0
    before = (city / "layers/parks.geojson").read_bytes()
    code, _, err = command(capsys, "fetch", city, "--pbf", helsinki_pbf)
    assert code == 0 and "parks: holds other data, left alone" in err
    assert before == (city / "layers/parks.geojson").read_bytes()
    assert command(capsys, "fetch", city, "--pbf", helsinki_pbf, "--replace")[0] == 0
    assert (city / "layers/parks.geojson").read_bytes() == (
        helsinki / "layers/parks.geojson"
    ).read_bytes()


def test_an_extract_of_another_place_is_refused(helsinki_pbf, tmp_path, capsys):
    command(capsys, "init", tmp_path / "x", "--adcode", "510502")
    code, _, err = command(capsys, "fetch", tmp_path / "x", "--pbf", helsinki_pbf)
    assert code == 2 and "holds no street of the city" in err and "Helsinki.osm.pbf" in err
    assert "streets.osm.pbf" not in {p.name for p in (tmp_path / "x/layers").iterdir()}


@pytest.mark.parametrize("args", [(), ("--pbf", "a", "--overpass", "http://x")])
def test_one_source_is_needed(helsinki, capsys, args):
    code, _, err = command(capsys, "fetch", helsinki, *args)
    assert code == 2 and "Geofabrik (download.geofabrik.de)" in err


@pytest.mark.parametrize("header", [True, False])
def test_an_extract_of_a_part_says_how_much_it_covers(
    helsinki_pbf, tmp_path, capsys, monkeypatch, header
):
    # Half as much again to the east, beyond what the extract holds.
    area = shapely.box(BOX[0], BOX[1], BOX[2] + (BOX[2] - BOX[0]) / 2, BOX[3])
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[area], crs=4326).to_file(tmp_path / "b.gpkg")
    command(capsys, "init", tmp_path / "x", "--boundary", tmp_path / "b.gpkg")
    path = helsinki_pbf
    if not header:
        path = tmp_path / "bare.osm.pbf"
        with osmium.SimpleWriter(str(path), header=osmium.io.Header()) as bare:
            for item in osmium.FileProcessor(str(helsinki_pbf)):
                bare.add(item)
    code, _, err = command(capsys, "fetch", tmp_path / "x", "--pbf", path)
    assert code == 0
    said = re.search(r"the extract covers (\d+)% of the city; what lies outside counts as", err)
    # Two thirds of 98 %: BOX is a little larger than what the extract says that it holds.
    assert said and abs(int(said[1]) - 65.5) <= 1.5
    # It stays known of everything that came of the extract.
    manifest = load_city(tmp_path / "x").manifest
    for name in ("streets.osm.pbf", "parks.geojson"):
        (gap,) = (g for g in manifest["files"][name]["data_gaps"] if g["kind"] == "covered")
        assert f"{gap['share']:.0%}" == f"{said[1]}%"
    monkeypatch.setenv("URBANPLAN_LANG", "zh")
    assert "提取文件只覆盖城市面积的" in command(capsys, "fetch", tmp_path / "x", "--pbf", path)[2]


def test_an_extract_of_the_whole_says_nothing_of_it(helsinki_pbf, tmp_path, capsys):
    area = shapely.box(*BOX).buffer(-0.0005)
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[area], crs=4326).to_file(tmp_path / "b.gpkg")
    command(capsys, "init", tmp_path / "x", "--boundary", tmp_path / "b.gpkg")
    code, _, err = command(capsys, "fetch", tmp_path / "x", "--pbf", helsinki_pbf)
    assert code == 0 and "the extract covers" not in err


def test_the_tag_catalogue_names_layers_and_columns_that_exist():
    catalog = load_catalog()
    for rule in read_osm_rules():
        kind = catalog.layer(rule.layer)
        assert set(rule.columns) <= set(kind.columns), rule.layer
        wanted = {"point": {"node", "area"}, "line": {"way"}, "polygon": {"area"}}[kind.geometry]
        assert rule.sources <= wanted
    keys = tag_keys()
    assert keys["highway"] is True and "coastline" in keys["natural"] and "water" in keys["natural"]


# ---------------------------------------------------------------- the atlas on streets


def test_helsinki_from_start_to_finish(run_of):
    results, written = run_of
    table = results.coverage
    plan = results.city.analysis
    areas = {"Länsi", "Itä", "ALL"}
    assert len(table) == len(plan.facilities) * len(plan.modes) * len(plan.minutes) * 3
    assert set(table["area"]) == areas
    # Nobody knows who lives there: only land is counted.
    assert table["persons"].isna().all() and table["km2_share"].between(0, 1).all()
    walk = table[(table["mode"] == "walk") & (table["area"] == "ALL")]
    walk = walk.pivot(index="facilities", columns="minutes", values="km2_share")
    assert (walk.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert walk.at["parks", 15.0] > 0.9
    assert all(path.stat().st_size for path in written.values())
    page = pagereader.plain(written["page"].read_text("utf-8"))
    assert (
        "© OpenStreetMap contributors (ODbL)" in page and "示意图 schematic · Helsinki" not in page
    )


def test_bands_agree_with_the_minutes_of_cells(run_of):
    results, _ = run_of
    grid, bands = results.grid, results.bands.to_crs(results.grid.crs)
    x, y = grid.centres(np.arange(grid.rows * grid.columns))
    for (facilities, mode), minutes in results.minutes.items():
        flat = minutes.ravel()
        for row in bands[
            (bands["facilities"] == facilities) & (bands["mode"] == mode)
        ].itertuples():
            inside = shapely.contains_xy(row.geometry, x, y)
            # Bands end 50 m beside the street, so cells may be within the limit beyond them; a cell
            # inside is within it but for the outline's own spacing.
            slack = 0.5
            known = inside & np.isfinite(flat)
            assert (flat[known] <= row.minutes + slack).mean() > 0.995


def test_a_raster_of_people_gives_shares_of_people(helsinki, tmp_path, capsys):
    from test_import import tif

    city = tmp_path / "hki"
    shutil.copytree(helsinki, city)
    people = np.full((30, 30), 10.0)
    path = tif(tmp_path / "p.tif", people, west=24.93, north=60.185, step=0.001)
    assert command(capsys, "import", path, "--kind", "population", "--into", city)[0] == 0
    # Each cell of the raster belongs where its parts lie: the sum inside is a matter of area.
    inside = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1]) / 0.001**2 * 10
    ready = study.prepare(load_city(city))
    assert ready.demand["persons"].sum() == pytest.approx(inside, rel=0.02)
    table, _, _ = study.coverage_of(ready, ready.ways(load_catalog().mode("walk")), "parks", [15])
    row = table.set_index("area").loc["ALL"]
    assert row["share"] == pytest.approx(row["km2_share"], abs=0.02)


# ---------------------------------------------------------------- arithmetic


def straight_town(folder, capsys):
    """One street of 1 km from west to east, a clinic 50 m from its west end, cells of 25 m around it."""
    crs, x0, y0 = "EPSG:32635", 400_000.0, 6_700_000.0
    area = gpd.GeoSeries([shapely.box(x0, y0 - 100, x0 + 1000, y0 + 100)], crs=crs)
    area.to_frame("geometry").assign(name="town").to_file(folder / "b.gpkg")
    assert command(capsys, "init", folder / "t", "--boundary", folder / "b.gpkg")[0] == 0
    points = [(x0 + 100 * i, y0) for i in range(11)]
    street = gpd.GeoDataFrame(
        {"highway": ["residential"]}, geometry=[shapely.LineString(points)], crs=crs
    )
    street.to_file(folder / "s.gpkg")
    assert (
        command(capsys, "import", folder / "s.gpkg", "--kind", "streets", "--into", folder / "t")[0]
        == 0
    )
    at = gpd.GeoDataFrame({"name": ["clinic"]}, geometry=[shapely.Point(x0 + 50, y0)], crs=crs)
    at.to_file(folder / "h.gpkg")
    assert (
        command(capsys, "import", folder / "h.gpkg", "--kind", "hospitals", "--into", folder / "t")[
            0
        ]
        == 0
    )
    return load_city(folder / "t"), x0, y0


def test_minutes_on_a_straight_street_are_arithmetic(tmp_path, capsys):
    city, x0, y0 = straight_town(tmp_path, capsys)
    ready = study.prepare(city)
    ways = ready.ways(load_catalog().mode("walk"))
    _, cells, placed = study.coverage_of(ready, ways, "hospitals", [5])
    grid = ready.ground.grid
    x, y = grid.centres(np.arange(grid.rows * grid.columns))
    expected = (
        (np.clip(abs(x - x0 - 50), 0, 950) + np.hypot(abs(y - y0), np.clip(x - x0 - 1000, 0, None)))
        * 0.06
        / 5
    )
    known = np.isfinite(cells.ravel())
    assert known.sum() >= 300 and len(placed) == 1
    # UTM's scale there is 0.9997; cells lie up to the box's edge.
    assert np.abs(cells.ravel()[known] - expected[known]).max() < 0.02


def test_heights_make_the_way_up_longer(tmp_path, capsys):
    import rasterio
    from affine import Affine

    city, x0, y0 = straight_town(tmp_path, capsys)
    mode = load_catalog().mode("walk")
    level = study.prepare(city)
    _, flat, _ = study.coverage_of(level, level.ways(mode), "hospitals", [5])
    # The street falls from west to east by 10 in 100: whoever goes to the clinic walks up.
    heights = np.tile(200.0 - 2.0 * np.arange(250), (200, 1)).astype("float32")
    with rasterio.open(
        tmp_path / "h.tif", "w", driver="GTiff", width=250, height=200, count=1, dtype="float32",
        crs="EPSG:32635", transform=Affine(20, 0, x0 - 2000, 0, -20, y0 + 2000),
    ) as dst:  # fmt: skip
        dst.write(heights, 1)
    args = ("import", tmp_path / "h.tif", "--kind", "heights", "--into", tmp_path / "t")
    assert command(capsys, *args)[0] == 0
    steep = study.prepare(load_city(tmp_path / "t"))
    _, up, _ = study.coverage_of(steep, steep.ways(mode), "hospitals", [5])
    # Tobler (1993): exp(-3.5 |0.1 + 0.05|) against exp(-3.5 * 0.05) on level ground.
    slower = np.exp(-3.5 * 0.05) / np.exp(-3.5 * 0.15)
    grid = level.ground.grid
    x, y = grid.centres(np.arange(grid.rows * grid.columns))
    on_street = np.isfinite(flat.ravel()) & (abs(y - y0) < 13) & (x > x0 + 500) & (x < x0 + 990)
    walk = abs(y - y0)[on_street] * 0.06 / 5
    ratio = (up.ravel()[on_street] - walk) / (flat.ravel()[on_street] - walk)
    assert on_street.sum() >= 15 and np.abs(ratio / slower - 1).max() < 0.02


def test_nobody_wades_to_a_street(tmp_path, capsys):
    _, x0, y0 = straight_town(tmp_path, capsys)
    river = shapely.box(x0 - 50, y0 + 30, x0 + 1050, y0 + 50)
    path = tmp_path / "w.gpkg"
    gpd.GeoDataFrame({"name": ["river"]}, geometry=[river], crs="EPSG:32635").to_file(path)
    assert command(capsys, "import", path, "--kind", "water", "--into", tmp_path / "t")[0] == 0
    ready = study.prepare(load_city(tmp_path / "t"))
    ways = ready.ways(load_catalog().mode("walk"))
    _, cells, _ = study.coverage_of(ready, ways, "hospitals", [30])
    grid = ready.ground.grid
    _, y = grid.centres(np.arange(grid.rows * grid.columns))
    land = ready.ground.passable.ravel()
    beyond, here = land & (y > y0 + 50), land & (y < y0 + 30)
    assert beyond.any() and np.isinf(cells.ravel()[beyond]).all()
    assert np.isfinite(cells.ravel()[here]).all()
    # One person a cell: how many are cut off is said.
    ready = replace(ready, demand=ready.demand.assign(persons=1.0))
    (said,) = ready.stranded(ways)
    share = beyond.sum() / len(ready.demand)
    assert f"walk: {beyond.sum()} people ({share:.1%}) are farther than 500 m" in said


@pytest.mark.parametrize(
    "shared", [False, True], ids=["a street of its own", "one edge round the basin"]
)
def test_across_a_basin_people_take_the_street_on_their_own_bank(tmp_path, capsys, shared):
    _, x0, y0 = straight_town(tmp_path, capsys)
    crs, path, basin = "EPSG:32635", tmp_path / "w.gpkg", shapely.box(x0 - 50, y0 + 5, x0 + 900, y0 + 20)  # fmt: skip
    gpd.GeoDataFrame({"name": ["basin"]}, geometry=[basin], crs=crs).to_file(path)
    assert command(capsys, "import", path, "--kind", "water", "--into", tmp_path / "t")[0] == 0
    quay = [(x0, y0 + 95), (x0 + 1000, y0 + 95), (x0 + 1000, y0)]
    spur = [(x0 + 1000, y0 + 95), (x0 + 990, y0 + 99)]
    # Without the spur, quay and far bank are one edge of the network.
    drawn = [[(x0, y0), (x0 + 1000, y0)], quay, *([] if shared else [spur])]
    lines = [shapely.LineString(c) for c in drawn]
    gpd.GeoDataFrame({"highway": ["residential"] * len(lines)}, geometry=lines, crs=crs).to_file(tmp_path / "q.gpkg")  # fmt: skip
    args = ("import", tmp_path / "q.gpkg", "--kind", "streets", "--into", tmp_path / "t")
    assert command(capsys, *args, "--replace")[0] == 0
    ready = study.prepare(load_city(tmp_path / "t"))
    ways = ready.ways(load_catalog().mode("walk"))
    _, cells, _ = study.coverage_of(ready, ways, "hospitals", [30])
    grid = ready.ground.grid
    x, y = grid.centres(np.arange(grid.rows * grid.columns))
    # The street over the basin is 20 to 45 m away, that on their bank more than the 50 m of a step.
    here = (y > y0 + 20) & (y < y0 + 45) & (x > x0) & (x < x0 + 850) & ready.ground.passable.ravel()
    way = (y0 + 95 - y) + (x0 + 1000 - x) + 95 + 950
    assert here.sum() > 30
    assert cells.ravel()[here] == pytest.approx(way[here] * 0.06 / 5, abs=0.02)


def test_a_planned_bridge_cannot_be_opened_on_mapped_streets(helsinki, capsys):
    code, _, err = command(
        capsys, "coverage", helsinki, "--facilities", "parks", "--open", "nothing"
    )
    assert code == 2 and "'nothing'" in err


@pytest.mark.parametrize("ending", [".osm.pbf", ".graphml", ".shp"])
def test_streets_of_ones_own_are_taken_in(helsinki, helsinki_pbf, tmp_path, capsys, ending):
    import osmnx

    city, path = tmp_path / "hki", tmp_path / f"own{ending}"
    shutil.copytree(helsinki, city)
    streets = read_osm(helsinki_pbf)
    lines = [
        shapely.LineString(streets.lonlat[streets.refs[a:b]])
        for a, b in zip(streets.first, streets.first[1:])
        if b - a > 1
    ]
    if ending == ".osm.pbf":
        shutil.copy(helsinki_pbf, path)
    elif ending == ".shp":
        long = np.diff(streets.first) > 1
        kinds = [streets.tags[t].get("highway", "platform") for t in streets.tags_of[long]]
        gpd.GeoDataFrame({"highway": kinds}, geometry=lines, crs=4326).to_file(path)
    else:
        graph = nx.MultiDiGraph(crs="epsg:4326")
        graph.add_node(1, x=24.94, y=60.17)
        graph.add_node(2, x=24.95, y=60.17)
        graph.add_edge(1, 2, osmid=1, highway="residential", length=555.0, oneway=False)
        graph.add_edge(2, 1, osmid=1, highway="residential", length=555.0, oneway=False)
        osmnx.save_graphml(graph, path)
    args = ("import", path, "--kind", "streets", "--into", city)
    assert command(capsys, *args)[0] == 2
    assert command(capsys, *args, "--replace", "--source", "bureau")[0] == 0
    got = read_osm(city / "layers/streets.osm.pbf")
    length = sum(
        shapely.LineString(got.lonlat[got.refs[a:b]]).length
        for a, b in zip(got.first, got.first[1:])
        if b - a > 1
    )
    expected = 0.01 if ending == ".graphml" else sum(line.length for line in lines)
    assert length == pytest.approx(expected, rel=1e-4)
    said = tomllib.loads((city / "layers/manifest.toml").read_text("utf-8"))
    (origin,) = said["files"]["streets.osm.pbf"]["built_from"]
    assert said["origins"][origin]["source"] == "bureau"


# ---------------------------------------------------------------- parts


def test_streets_are_clipped_by_whole_ways(helsinki_pbf):
    whole = read_osm(helsinki_pbf)
    box = shapely.box(24.94, 60.168, 24.945, 60.172)
    part = clipped(whole, box)
    inside = shapely.contains_xy(box, *whole.lonlat.T)
    expected = [
        whole.point_ids[whole.refs[a:b]].tolist()
        for a, b in zip(whole.first, whole.first[1:])
        if inside[whole.refs[a:b]].any()
    ]
    got = [part.point_ids[part.refs[a:b]].tolist() for a, b in zip(part.first, part.first[1:])]
    assert got == expected and 0 < part.ways < whole.ways


def test_written_streets_open_as_openstreetmap(helsinki_pbf, tmp_path):
    streets = read_osm(helsinki_pbf)
    path = write_osm(tmp_path / "s.osm.pbf", streets)
    named = [
        {"highway", "barrier"} & {tag.k for tag in w.tags}
        or w.tags.get("route") == "ferry"
        or {"platform", "pier"} & {tag.v for tag in w.tags}
        for w in osmium.FileProcessor(str(path))
        if w.is_way()
    ]
    assert len(named) == streets.ways + len(streets.fence_first) - 1 and all(named)


def coast(*points):
    return shapely.LineString(points)


BAY = shapely.box(0, 0, 10, 10)


@pytest.mark.parametrize(
    ("lines", "sea"),
    [
        ([], 0.0),
        # Land on the left of a line that runs north: the sea is in the east.
        ([coast((4, -1), (4, 11))], 60.0),
        ([coast((4, 11), (4, -1))], 40.0),
        # The same coast in two ways.
        ([coast((4, -1), (4, 5)), coast((4, 5), (4, 11))], 60.0),
        # An island in that sea, its land inside.
        ([coast((4, -1), (4, 11)), coast((6, 4), (8, 4), (8, 6), (6, 6), (6, 4))], 56.0),
        # Two coasts face each other across a strait.
        ([coast((3, -1), (3, 11)), coast((7, 11), (7, -1))], 40.0),
        # It ends at the very edge, a hair short of it, or has a hole that is soon bridged.
        ([coast((4, 0), (4, 10))], 60.0),
        ([coast((4, -1), (4, 9.9))], 60.0),
        ([coast((4, -1), (4, 5)), coast((4, 5.1), (4, 15))], 60.0),
        # A lagoon is water inside; an island whose last corner is missing is land inside.
        ([coast((6, 4), (6, 6), (8, 6), (8, 4), (6, 4))], 4.0),
        ([coast((6, 4), (8, 4), (8, 6), (6, 6), (6, 4.1))], 96.0),
        # All land, and all sea, as the nearest coast outside says.
        ([coast((12, -1), (12, 15))], 0.0),
        ([coast((12, 15), (12, -1))], 100.0),
    ],
)
def test_the_sea_lies_right_of_the_coast(lines, sea):
    told = sea_of(BAY, lines)
    assert told.shape.area == pytest.approx(sea) and not told.findings


# ---------------------------------------------------------------- resuming


def test_an_interrupted_run_goes_on_from_its_last_stage(helsinki, run_of, tmp_path):
    whole, _ = run_of
    stages = tmp_path / "stages"

    class Stop(Exception):
        pass

    from contextlib import contextmanager

    @contextmanager
    def until_drive(name):
        if name == "ways drive":
            raise Stop
        yield

    with pytest.raises(Stop):
        study.run(load_city(helsinki), until_drive, stages)
    seen = []

    @contextmanager
    def watch(name):
        seen.append(name)
        yield

    results = study.run(load_city(helsinki), watch, stages)
    assert results.resumed == ("mode walk", "mode bike")
    assert "ways walk" not in seen and "ways drive" in seen
    one, other = (
        formats.write_atlas(whole, tmp_path / "a"),
        formats.write_atlas(results, tmp_path / "b"),
    )
    for name in one:
        assert one[name].read_bytes() == other[name].read_bytes(), name


def test_stages_of_other_inputs_are_not_used(helsinki, tmp_path):
    city = tmp_path / "hki"
    shutil.copytree(helsinki, city)
    text = (city / "study.toml").read_text("utf-8").replace('"walk", "bike", "drive"', '"walk"')
    facilities = text.index("facilities = [")
    text = text[:facilities] + 'facilities = ["parks"]' + text[text.index("]", facilities) + 1 :]
    (city / "study.toml").write_text(text, "utf-8")
    study.run(load_city(city), stages=tmp_path / "s")
    assert study.run(load_city(city), stages=tmp_path / "s").resumed == (
        "mode walk",
        "scenarios",
        "indicators",
    )
    (city / "study.toml").write_text(text.replace("[5, 10, 15, 30]", "[5, 15]"), "utf-8")
    assert study.run(load_city(city), stages=tmp_path / "s").resumed == ()
    # A stage that is damaged is computed anew.
    kept = next((tmp_path / "s").glob("mode*"))
    kept.write_bytes(kept.read_bytes()[:-100])
    assert study.run(load_city(city), stages=tmp_path / "s").resumed == ("scenarios", "indicators")


def test_the_manifest_holds_old_and_new_while_a_file_changes(helsinki, tmp_path):
    from urbanplan.files import manifest

    folder = tmp_path / "layers"
    shutil.copytree(helsinki / "layers", folder)
    old = (folder / "parks.geojson").read_bytes()
    said = {}
    with manifest.replacing(folder, "parks.geojson", {"built_from": []}, {}) as new:
        new.write_bytes(b"{}")
        said["before"] = manifest.read_manifest(folder)
    manifest.verify(folder / "parks.geojson", manifest.read_manifest(folder))
    row = manifest.read_manifest(folder)["files"]["parks.geojson"]
    assert "before_sha256" not in row
    # As if it had been stopped between the two renames.
    (folder / "parks.geojson").write_bytes(old)
    both = {
        "files": {
            "parks.geojson": {
                **row,
                "before_sha256": said["before"]["files"]["parks.geojson"]["sha256"],
            }
        }
    }
    manifest.verify(folder / "parks.geojson", both)
    text = (folder / "manifest.toml").read_text("utf-8")
    assert tomllib.loads(text)["files"]["parks.geojson"]["sha256"] == row["sha256"]
    assert json.dumps(row)


def test_points_of_china_fill_a_city_without_a_network(tmp_path, capsys):
    folder = tmp_path / "naxi"
    assert command(capsys, "init", folder, "--adcode", "510503")[0] == 0
    code, _, said = command(capsys, "fetch", folder, "--points", "china")
    assert code == 0 and "a partial register without streets" in said
    city = load_city(folder)
    hospitals = load_layer(city, "hospitals")
    assert "泸天化医院" in set(hospitals.frame["name_zh"]) and hospitals.completeness == "partial"
    assert set(hospitals.frame["licence"]) == {"ODbL-1.0"}
    parks = load_layer(city, "parks")
    assert len(parks.frame) and set(parks.located.geom_type) == {"Polygon"}
    for layer in (hospitals, parks):
        assert not validate(layer) and (layer.located["accuracy_m"] == 100).all()
    # What came from elsewhere stays, what an earlier fetch has left is replaced.
    assert command(capsys, "fetch", folder, "--points", "china")[0] == 0
    assert len(load_layer(load_city(folder), "hospitals").frame) == len(hospitals.frame)
