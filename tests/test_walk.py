"""Every public function that takes a frame, walked with frames that hold nothing, or hold it otherwise.

A function that is added must be entered here: the walk finds them by their signatures.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import urbanplan
from streettown import MODE, network, write_street_city
from townfolder import write_town
from urbanplan import study
from urbanplan.base import crs, grid
from urbanplan.catalog import load_catalog
from urbanplan.city import folder, layers, repair
from urbanplan.city import layers as layers_model
from urbanplan.city.ingest import joined_by_name, people_at_points
from urbanplan.city.profile import load_city
from urbanplan.city.repair import Worth
from urbanplan.door import places as door_places
from urbanplan.errors import UrbanplanError
from urbanplan.files import cells as heads
from urbanplan.files import exports, writing
from urbanplan.files import exports as packages
from urbanplan.files import tables as delivered
from urbanplan.files import vector as delivered_vectors
from urbanplan.files import writing as tables
from urbanplan.measures import coverage as cov
from urbanplan.measures import indicators, population
from urbanplan.measures.indicators import trust_of
from urbanplan.output import page, style, vector
from urbanplan.output import vector as projection
from urbanplan.output.page import frames
from urbanplan.output.page import tables as redact
from urbanplan.output.page.content import decimals_of, features, simplified
from urbanplan.output.report import draw, pictures
from urbanplan.routing import place, surface
from urbanplan.servers import Shape
from urbanplan.servers import postgis as database_frames
from urbanplan.sources import crs_of_file, street_layers
from urbanplan.study import checkup, streets, supply
from urbanplan.study import model as ready_
from urbanplan.study import streets as reach
from urbanplan.study.sites import SitingQuestion

ledger = importlib.import_module("urbanplan.measures.ledger")
WORTH = Worth("existing", "derived", 10.0, "s", "l", "2026")
KIND = load_catalog().layer("hospitals")


class Town:
    """A city on a surface, the same with streets, and what is computed of both."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.city = load_city(write_town(folder / "grid"))
        self.ready = study.prepare(self.city)
        self.ways = self.ready.ways(replace(load_catalog().mode("walk")))
        self.network = network(((0, 0), (4, 0), (8, 0)), ((4, 0), (4, 4)), ((8, 0), (8, 4), (4, 4)))
        self.streets = study.prepare(load_city(write_street_city(folder / "streets")))
        self.on_streets = self.streets.ways(load_catalog().mode("walk"))
        self.grid = self.ready.ground.grid
        hospitals = self.ready.metric(self.ready.layers["hospitals"].with_status("existing"))
        placed = self.ready.put(self.ways, hospitals)
        cells = self.ready.minutes(self.ways, placed)
        self.cells = cells
        self.minutes = cov.minutes_to_nearest(self.ready.demand, cells, "walk")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("walk"))


# ---------------------------------------------------------------- frames as they should be


def _in_network(town, *spots):
    from streettown import lonlat

    return [shapely.Point(*lonlat(*s)) for s in spots]


def points(town) -> gpd.GeoDataFrame:
    """Places beside the streets, in degrees."""
    return gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "name_zh": ["甲", "乙", "丙"], "population": [10.0, 20.0, 30.0],
         "beds": [5.0, 6.0, 7.0], "quality": "derived", "accuracy_m": 10.0},
        geometry=_in_network(town, (1, 0), (6, 0), (4, 2)), crs=4326,
    )  # fmt: skip


def areas(town) -> gpd.GeoDataFrame:
    """Two areas around those places, in degrees."""
    west, east = (
        shapely.convex_hull(shapely.MultiPoint(_in_network(town, *corners)))
        for corners in (((-1, -1), (5, -1), (5, 5), (-1, 5)), ((5, -1), (9, -1), (9, 5), (5, 5)))
    )
    return gpd.GeoDataFrame(
        {"id": ["w", "e"], "name": ["West", "East"]}, geometry=[west, east], crs=4326
    )


def homes(town) -> gpd.GeoDataFrame:
    """Places in the grid town, in degrees."""
    x, y = town.grid.centres(np.array([11, 15, 55]))
    frame = points(town).drop(columns="geometry")
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(x, y), crs=town.grid.crs).to_crs(
        4326
    )


def quarters(town) -> gpd.GeoDataFrame:
    """Two areas of the grid town, in degrees."""
    frame = town.ready.layers["districts"].frame
    return gpd.GeoDataFrame({"id": ["n", "s"], "name": ["North", "South"]}, geometry=frame.geometry.values, crs=4326)  # fmt: skip


def layer(town, name="hospitals") -> gpd.GeoDataFrame:
    return town.ready.layers[name].frame.copy()


def metric(town, name="hospitals") -> gpd.GeoDataFrame:
    return town.ready.metric(layer(town, name))


def people(town) -> pd.DataFrame:
    return town.ready.demand.copy()


def ways(town) -> gpd.GeoDataFrame:
    spots = _in_network(town, (0, 0), (4, 0), (8, 0))
    return gpd.GeoDataFrame(
        {"id": ["x", "y"], "class": "primary", "speed_kmh": 50.0},
        geometry=[shapely.LineString(spots[:2]), shapely.LineString(spots[1:])],
        crs=4326,
    )


def table(town) -> pd.DataFrame:
    return pd.DataFrame({"lon": [105.0, 105.1], "lat": [28.0, 28.1], "n": [1, 2]})


def checked(town) -> pd.DataFrame:
    known = study.standards_of(town.city)
    some = dict(list(known.items())[:6])
    return indicators.check_up(some, study.scene_of(town.ready))


def _plan(town):
    return study.plan_of(town.city)


def _placed(town, frame):
    return place(town.network, crs.to_crs(frame, town.network.crs), 500)


def _point_coverage(town, frame=None, zones=None):
    frame = crs.to_crs(points(town) if frame is None else frame, town.network.crs)
    zones = None if zones is None else checkup.named_areas(zones, town.network.crs)
    spots, where = _placed(town, points(town)), _placed(town, frame)
    persons = streets.numbers(frame, "population")
    return supply.point_coverage(ready_.Ways(town.network, where), spots, frame, persons, where, [5], zones)  # fmt: skip


SITES = SitingQuestion(model="mclp", p=1, minutes=5)

#: For each function and frame that it takes: the frame as it should be, and the call.
WALK = {
    "measures.coverage.minutes_to_nearest": (people, lambda t, f: cov.minutes_to_nearest(f, t.cells, "walk")),
    "measures.coverage.parts_of": (people, lambda t, f: cov.parts_of(f)),
    "measures.coverage.coverage": (people, lambda t, f: cov.coverage(f, t.minutes, [5])),
    "measures.coverage.coverage_by": (people, lambda t, f: cov.coverage_by(f, t.minutes, [5], np.full(len(f), "g"))),
    "measures.coverage.gap_areas": (people, lambda t, f: cov.gap_areas(f, t.minutes.reindex(f.index), 1, t.grid)),
    "base.crs.to_crs": (points, lambda t, f: crs.to_crs(f, "EPSG:32648")),
    "base.crs.unwrapped": (points, lambda t, f: crs.unwrapped(f)),
    "base.crs.require_same": (points, lambda t, f: crs.require_same(f, points(t))),
    "servers.postgis.columns_of": (points, lambda t, f: database_frames.columns_of(f, "t", Shape("POINT", 4326), "public")),
    "measures.population.spread[zones]": (lambda t: metric(t, "population"), lambda t, f: population.spread(f, metric(t, "districts"), t.grid, t.ready.ground.passable)),
    "measures.population.spread[areas]": (lambda t: metric(t, "districts"), lambda t, f: population.spread(metric(t, "population"), f, t.grid, t.ready.ground.passable)),
    "measures.population.gather": (lambda t: metric(t, "districts"), lambda t, f: population.gather(np.c_[t.grid.centres(np.array([11, 15]))], np.array([3.0, 4.0]), f, t.grid, t.ready.ground.area, t.ready.ground.passable)),
    "measures.population.unpeopled": (lambda t: metric(t, "districts"), lambda t, f: population.unpeopled(f, t.grid, t.ready.ground.passable)),
    "measures.population.unassigned": (people, lambda t, f: population.unassigned(f)),
    "measures.population.blocks": (people, lambda t, f: population.blocks(f, t.grid, {"m": t.cells}, 5)),
    "files.cells.without_blank": (table, lambda t, f: heads.without_blank(f, [str(c) for c in f])),
    "files.vector.with_plain_cells": (
        points,
        lambda t, f: delivered_vectors.with_plain_cells(f),
    ),
    "files.tables.typed": (lambda t: table(t).astype(str), lambda t, f: delivered.typed(f["n"])),
    "files.tables.placed": (lambda t: table(t).astype(str), lambda t, f: delivered.placed(t.folder / "f.csv", f).frame),
    "files.exports.write_flatgeobuf": (points, lambda t, f: exports.write_flatgeobuf(t.folder / "f.fgb", f)),
    "files.exports.write_kml": (points, lambda t, f: exports.write_kml(t.folder / "f.kml", f, "t")),
    "files.exports.write_gml": (points, lambda t, f: exports.write_gml(t.folder / "f.gml", f)),
    "files.exports.write_dxf": (points, lambda t, f: exports.write_dxf(t.folder / "f.dxf", {"p": f})),
    "files.exports.write_shapefile": (points, lambda t, f: exports.write_shapefile(t.folder / "f.zip", f)),
    "files.exports.write_geopackage": (points, lambda t, f: packages.write_geopackage(t.folder / "f.gpkg", {"p": f})),
    "files.writing.write_xlsx": (table, lambda t, f: tables.write_xlsx(t.folder / "f.xlsx", f)),
    "files.writing.write_workbook": (table, lambda t, f: tables.write_workbook(t.folder / "g.xlsx", {"a": f})),
    "files.writing.write_records": (table, lambda t, f: tables.write_records(t.folder / "f.json", f)),
    "files.writing.write_csv": (table, lambda t, f: writing.write_csv(t.folder / "f.csv", f)),
    "files.writing.write_parquet": (points, lambda t, f: writing.write_parquet(t.folder / "f.parquet", f)),
    "files.writing.write_geojson": (points, lambda t, f: writing.write_geojson(t.folder / "f.geojson", f)),
    "measures.indicators.wide": (checked, lambda t, f: indicators.wide(f)),
    "measures.indicators.has_outlines": (lambda t: metric(t, "districts"), lambda t, f: indicators.has_outlines(f)),
    "measures.indicators.trust_of": (layer, lambda t, f: trust_of(f).quality),
    "city.ingest.joined_by_name": (
        lambda t: gpd.GeoDataFrame({"name": ["北岸", "南岸"], "persons": [1, 2]}, geometry=[None, None], crs=4326),
        lambda t, f: joined_by_name(f, {"persons": "persons"}, load_catalog().layer("population"), WORTH, layer(t, "districts"), "f")[0],
    ),
    "city.ingest.people_at_points": (points, lambda t, f: people_at_points(f)),
    "sources.crs_of_file.settle": (points, lambda t, f: crs_of_file.settle(f, "file", None, None, "f").frame),
    "sources.crs_of_file.require_near": (homes, lambda t, f: crs_of_file.require_near(f, layer(t, "study_area").geometry.union_all(), "EPSG:4326", "f")),
    "sources.crs_of_file.divisions_near": (points, lambda t, f: crs_of_file.divisions_near(f)),
    "sources.crs_of_file.suspected_shift[frame]": (lambda t: layer(t, "districts"), lambda t, f: crs_of_file.suspected_shift(f, layer(t, "districts"))),
    "sources.crs_of_file.suspected_shift[districts]": (lambda t: layer(t, "districts"), lambda t, f: crs_of_file.suspected_shift(layer(t, "districts"), f)),
    "city.repair.fill": (lambda t: points(t).drop(columns="geometry"), lambda t, f: repair.fill(f, np.full(len(f), None, object), {"name_zh": "name_zh", "beds": "beds"}, KIND, WORTH)[0]),
    "city.folder.write_layer": (layer, lambda t, f: folder.write_layer(t.folder, KIND, pd.DataFrame(f[repair.columns_of(KIND)]), list(f.geometry), {"built_from": []}, {})),
    "city.folder.district_names": (lambda t: layer(t, "districts"), lambda t, f: folder.district_names(np.array(list(homes(t).geometry), object), f)),
    "city.layers.are_markers": (lambda t: metric(t, "districts"), lambda t, f: layers_model.are_markers(f.geometry.values).tolist()),
    "city.layers.told_apart": (areas, lambda t, f: layers_model.told_apart(f["name"])),
    "city.layers.with_figures": (layer, lambda t, f: layers_model.with_figures(KIND, f, "f")),
    "city.layers.select": (layer, lambda t, f: layers.select(f, "status=existing")),
    "city.layers.located": (points, lambda t, f: layers.located(f)),
    "city.layers.measure": (lambda t: layer(t, "districts"), lambda t, f: layers.measure(f, "area_km2")),
    "measures.ledger.book": (checked, lambda t, f: ledger.book(_plan(t), t.ready.layers, f, t.grid.crs).ledger),
    "measures.ledger.ledger": (checked, lambda t, f: ledger.ledger(_plan(t), t.ready.layers, f, ledger.target_table(_plan(t), None))),
    "measures.ledger.orphans": (checked, lambda t, f: ledger.orphans(_plan(t), t.ready.layers, f)),
    "measures.ledger.target_table": (checked, lambda t, f: ledger.target_table(_plan(t), None)),
    "output.page.page": (points, lambda t, f: page.page({"p": f})),
    "output.page.write": (points, lambda t, f: page.write({"p": f}, t.folder / "p.html")),
    "output.page.content.decimals_of": (layer, lambda t, f: decimals_of(f)),
    "output.page.content.features": (layer, lambda t, f: features(f, ["id", "name_zh"], 6)),
    "output.page.frames.folium_map": (points, lambda t, f: page.folium_map({"p": f})),
    "output.page.frames.of_frames": (points, lambda t, f: frames.of_frames({"p": f}, page.Options(), None)),
    "output.page.content.simplified": (lambda t: layer(t, "districts"), lambda t, f: simplified(f, t.city)),
    "output.page.tables.left_out": (points, lambda t, f: redact.left_out(f, ("beds",))),
    "output.vector.projected": (points, lambda t, f: projection.projected(f, "EPSG:4490")),
    "output.report.draw.metric": (points, lambda t, f: draw.metric(f, "EPSG:32648")),
    "output.report.pictures.existing": (layer, lambda t, f: pictures.existing(f)),
    "output.style.rules_of": (layer, lambda t, f: style.rules_of(KIND, f)),
    "output.vector.write": (points, lambda t, f: vector.write(f, t.folder / "v.gpkg")),
    "output.vector.write_table": (table, lambda t, f: vector.write_table(f, t.folder / "v.csv")),
    "sources.street_layers.from_lines": (ways, lambda t, f: street_layers.from_lines(f).ways),
    "study.model.bridge_dependence": (homes, lambda t, f: study.bridge_dependence(t.ready, load_catalog().mode("walk"), f, 5)),
    "study.checkup.named_areas": (quarters, lambda t, f: checkup.named_areas(f, t.grid.crs)),
    "study.checkup.areas_of": (quarters, lambda t, f: checkup.areas_of(t.ready, f)[0]),
    "study.checkup.scene_of": (quarters, lambda t, f: study.scene_of(t.ready, f).persons),
    "study.sites.grid_candidates": (quarters, lambda t, f: study.grid_candidates(t.ready, 200, f.iloc[:1], True)),
    "study.streets.isochrones_at": (homes, lambda t, f: reach.isochrones_at(t.ready, t.ways, f, [2]).rows),
    "study.model.cover": (homes, lambda t, f: ready_.cover(t.ready, t.ways, t.ready.metric(f), [2], t.ready.parts)[0]),
    "study.sites.city_sites[candidates]": (homes, lambda t, f: study.city_sites(t.ready, t.ways, SITES, f, None).sites),
    "study.sites.city_sites[existing]": (homes, lambda t, f: study.city_sites(t.ready, t.ways, SITES, homes(t), f).sites),
    "study.sites.sites_on[candidates]": (points, lambda t, f: study.sites_on(t.network, SITES, f, None, points(t), value="population", snap_m=300).sites),
    "study.sites.sites_on[existing]": (points, lambda t, f: study.sites_on(t.network, SITES, points(t), f, points(t), value="population", snap_m=300).sites),
    "study.sites.sites_on[people]": (points, lambda t, f: study.sites_on(t.network, SITES, points(t), None, f, value="population", snap_m=300).sites),
    "study.streets.put": (points, lambda t, f: streets.put(t.network, f, 300, "places")[1]),
    "study.streets.street_isochrones": (points, lambda t, f: study.street_isochrones(t.network, f, [2], direction="from", snap_m=300).rows),
    "study.streets.matrix_on[origins]": (points, lambda t, f: study.matrix_on(t.network, f, points(t), 30, snap_m=300).rows),
    "study.streets.matrix_on[destinations]": (points, lambda t, f: study.matrix_on(t.network, points(t), f, 30, snap_m=300).rows),
    "study.streets.reach_on[origins]": (points, lambda t, f: study.reach_on(t.network, f, points(t), "population", [5], snap_m=300).rows),
    "study.streets.reach_on[demand]": (points, lambda t, f: study.reach_on(t.network, points(t), f, "population", [5], snap_m=300).rows),
    "study.streets.nearest_on[origins]": (points, lambda t, f: study.nearest_on(t.network, f, points(t), snap_m=300).rows),
    "study.streets.nearest_on[destinations]": (points, lambda t, f: study.nearest_on(t.network, points(t), f, snap_m=300).rows),
    "study.streets.sums_around": (points, lambda t, f: streets.sums_around(t.network, f, place(t.network, crs.to_crs(points(t), t.network.crs), 300), np.ones(3), "population", [5], snap_m=300)[0]),
    "study.supply.city_reach": (homes, lambda t, f: study.city_reach(t.ready, t.ways, f, "population", [2], snap_m=300).rows),
    "door.explore": (points, lambda t, f: len(urbanplan.explore(f).get_root().render()) > 0),
    "door.places.require_declared": (points, lambda t, f: door_places.require_declared(f, "places")),
    "study.streets.as_points": (areas, lambda t, f: streets.as_points(f)[0]),
    "study.streets.numbers": (points, lambda t, f: streets.numbers(f, "beds")),
    "study.streets.worth": (points, lambda t, f: streets.worth(t.network, f.copy())),
    "study.supply.city_coverage[facilities]": (homes, lambda t, f: study.city_coverage(t.ready, t.ways, f, [2])[0]),
    "study.supply.city_coverage[areas]": (quarters, lambda t, f: study.city_coverage(t.ready, t.ways, homes(t), [2], f)[0]),
    "study.supply.point_coverage[people]": (points, lambda t, f: _point_coverage(t, f)),
    "study.supply.point_coverage[areas]": (areas, lambda t, f: _point_coverage(t, None, f)),
    "study.supply.require_group": (points, lambda t, f: supply.require_group(f, "name_zh")),
    "study.supply.shares_in[people]": (points, lambda t, f: supply.shares_in(f, areas(t))),
    "study.supply.shares_in[areas]": (areas, lambda t, f: supply.shares_in(points(t), f)),
    "study.supply.coverage_on[facilities]": (points, lambda t, f: study.coverage_on(t.network, f, points(t), "population", [5], snap_m=300).rows),
    "study.supply.coverage_on[demand]": (points, lambda t, f: study.coverage_on(t.network, points(t), f, "population", [5], snap_m=300).rows),
    "study.supply.coverage_on[areas]": (areas, lambda t, f: study.coverage_on(t.network, points(t), points(t), "population", [5], snap_m=300, areas=f).rows),
    "study.supply.access_on[supply]": (points, lambda t, f: study.access_on(t.network, f, "beds", points(t), "population", "2sfca", 30, snap_m=300).rows),
    "study.supply.access_on[demand]": (points, lambda t, f: study.access_on(t.network, points(t), "beds", f, "population", "2sfca", 30, snap_m=300).rows),
    "study.supply.city_access": (homes, lambda t, f: study.city_access(t.ready, t.ways, f, "beds", "2sfca", 30).rows),
    "study.supply.require_supply": (points, lambda t, f: supply.require_supply(f, "beds")[0]),
    "study.supply.fairness": (points, lambda t, f: study.fairness(f, "beds", "population")),
    "study.supply.require_amounts": (points, lambda t, f: supply.require_amounts(f, "beds")),
    "routing.surface.build_ground[study_area]": (lambda t: metric(t, "study_area"), lambda t, f: surface.build_ground(f, metric(t, "water"), metric(t, "built_up"), 100).passable),
    "routing.surface.build_ground[water]": (lambda t: metric(t, "water"), lambda t, f: surface.build_ground(metric(t, "study_area"), f, metric(t, "built_up"), 100).passable),
    "routing.surface.build_ground[built_up]": (lambda t: metric(t, "built_up"), lambda t, f: surface.build_ground(metric(t, "study_area"), metric(t, "water"), f, 100).built_up),
    "routing.surface.build_surface[roads]": (lambda t: metric(t, "roads"), lambda t, f: surface.build_surface(t.ready.ground, MODE, f, metric(t, "bridges")).graph.minutes.sum()),
    "routing.surface.build_surface[bridges]": (lambda t: metric(t, "bridges"), lambda t, f: surface.build_surface(t.ready.ground, MODE, metric(t, "roads"), f).graph.minutes.sum()),
    "routing.places.place": (points, lambda t, f: place(t.network, crs.to_crs(f, t.network.crs), 300).xy),
    "base.grid.parts": (lambda t: metric(t, "districts"), lambda t, f: grid.parts(t.ready.demand.index.to_numpy(), t.grid, f, "name_zh")),
}  # fmt: skip

#: Functions that take a frame of our own making only, or another function's result unchanged.
INSIDE = {
    "city.checks.positions_of": "the table of `check_city`",
    "city.checks.told": "the table of `check_city`",
    "study.checkup.counted": "the table of `check_up`",
    "study.checkup.untold": "the table of `check_up`",
    "city.folder.marked": "rows of `write_layer`",
    "measures.indicators.require_outlines": "why an indicator cannot be told; `has_outlines` is walked",
    "output.rounding.coverage": "the table of a run",
    "output.rounding.scenario_coverage": "the table of a run",
    "output.rounding.floored": "a column of those",
    "output.page.content.result_layer": "a layer of a run's results",
    "output.report.write": "the table of `bridge_dependence`",
    "output.report.content.report": "the table of `bridge_dependence`",
    "study.supply.access_of": "series by the ids of places",
}

# ---------------------------------------------------------------- frames as they come


def _other(frame, geometry):
    return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))


def _flat(frame):
    # Areas without a width, lines without a length.
    def thin(shape):
        at = shape.representative_point() if shape is not None and not shape.is_empty else None
        if at is None:
            return shape
        if shape.geom_type in ("Polygon", "MultiPolygon"):
            return shapely.Polygon([at, at, at, at])
        return shapely.LineString([at, at]) if "Line" in shape.geom_type else at

    return _other(frame, [thin(s) for s in frame.geometry])


#: Ways in which there is nothing, or little.
LESS = {
    "no row": lambda f: f.iloc[:0],
    "one row": lambda f: f.iloc[:1],
    "all-null geometry": lambda f: _other(f, [None] * len(f)),
    "all-empty geometry": lambda f: _other(f, [shapely.Point()] * len(f)),
    "a null among others": lambda f: _other(f, [None, *f.geometry.iloc[1:]]),
    "no extent": _flat,
    "no system": lambda f: f.set_crs(None, allow_override=True),
    "holes in every column": lambda f: _holed(_retyped(f)),
    "holes in every object": lambda f: _holed(f.astype(dict.fromkeys(_own(f), object))),
    "nothing in any column": lambda f: _holed(_retyped(f), len(f)),
}
#: Frames that our own code makes whole: a hole in them is no input.
WHOLE = (
    "measures.coverage.", "measures.population.", "measures.indicators.", "measures.ledger.", "study.supply.fairness", "study.supply.shares_in",
)  # fmt: skip
#: Cells that no file format has, but frames do.
ODD = {"na": pd.NA, "nat": pd.NaT, "true": np.True_, "tenth": Decimal("0.1"), "day": date(2026, 1, 2),
       "moment": pd.Timestamp("2026-01-02", tz="Asia/Shanghai"), "array": np.array([1, 2])}  # fmt: skip


def _own(frame):
    return [c for c in frame.columns if frame[c].dtype != "geometry"]


#: By what numpy calls a column, what pandas calls it where cells may be missing.
NULLABLE = {"i": "Int64", "f": "Float64", "b": "boolean"}


def _retyped(frame):
    texts = [c for c in _own(frame) if frame[c].map(lambda v: isinstance(v, str)).all()]
    kinds = {c: NULLABLE.get(frame[c].dtype.kind) for c in _own(frame)}
    return frame.astype({c: k for c, k in kinds.items() if k} | dict.fromkeys(texts, "string"))


def _holed(frame, rows=1):
    out = frame.copy()
    for name in _own(frame):
        out[name] = out[name].where(np.arange(len(out)) >= rows, pd.NA)
    return out


#: Ways in which the same is there in another dress: the answer is the same.
SAME = {
    "one index twice": lambda f: f.set_axis([7] * len(f), axis=0),
    "text as index": lambda f: f.set_axis([f"r{i}" for i in range(len(f))][::-1], axis=0),
    "geometry called otherwise": lambda f: f.rename_geometry("the_geom"),
    "columns called by numbers": lambda f: f.assign(**{}).pipe(lambda g: _with(g, {0: 1, 1: 2.5})),
    "columns of pandas' own kinds": lambda f: _retyped(f),
    "cells of every kind besides": lambda f: _with(f, {n: [v] * len(f) for n, v in ODD.items()}),
    "columns besides": lambda f: _with(f, {"list": [[1, 2]] * len(f), "day": pd.Timestamp("2026-01-02"), "nothing": None}),
}  # fmt: skip


def _with(frame, columns):
    out = frame.copy()
    for name, value in columns.items():
        out[name] = value
    return out


def public() -> dict[str, object]:
    """Functions of the package that say that they take a frame."""
    found = {}
    for info in pkgutil.walk_packages(urbanplan.__path__, "urbanplan."):
        if info.name.startswith("urbanplan.cli") or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if (
                not inspect.isfunction(thing)
                or name.startswith("_")
                or thing.__module__ != info.name
            ):
                continue
            hints = [p.annotation for p in inspect.signature(thing).parameters.values()]
            if any(
                isinstance(h, str) and re.search(r"(DataFrame|\bSeries|GeoSeries)\b", h)
                for h in hints
            ):
                found[f"{info.name.removeprefix('urbanplan.')}.{name}"] = thing
    return found


def test_every_public_function_that_takes_a_frame_is_walked():
    walked = {name.split("[")[0] for name in WALK} | set(INSIDE)
    assert set(public()) - walked == set(), "enter these in WALK"
    assert walked - set(public()) == set(), "these are gone"


def canonical(value):
    """A result as plain values, whatever its index."""
    if isinstance(value, pd.DataFrame | pd.Series):
        frame = pd.DataFrame(value).reset_index(drop=True)
        known = [
            c
            for c in frame
            if c not in (0, 1, "list", "day", "nothing", *ODD, "geometry", "the_geom")
        ]
        return [str(c) for c in known], frame[known].astype(str).values.tolist()
    if isinstance(value, np.ndarray):
        return np.asarray(value).tolist()
    if isinstance(value, dict):
        return {k: canonical(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [canonical(v) for v in value]
    return (
        value
        if (value is None or isinstance(value, str | int | float | bool))
        else type(value).__name__
    )


@pytest.fixture(scope="module")
def plain(town):
    known = {}

    def of(name):
        if name not in known:
            make, call = WALK[name]
            known[name] = call(town, make(town))
        return known[name]

    return of


def _spatial(frame):
    return isinstance(frame, gpd.GeoDataFrame)


@pytest.mark.parametrize("how", LESS)
@pytest.mark.parametrize("name", WALK)
def test_nothing_there_is_an_answer_or_a_sentence(town, plain, name, how):
    make, call = WALK[name]
    frame = make(town)
    if (
        not _spatial(frame)
        and how not in ("no row", "one row")
        and "column" not in how
        and "object" not in how
    ):
        pytest.skip("no geometry")
    if ("column" in how or "object" in how) and name.startswith(WHOLE):
        pytest.skip("made by our own code, without holes")
    usual = plain(name)
    if how == "no system" and name in (
        "files.exports.write_geopackage",
        "files.writing.write_geojson",
    ):
        pytest.skip("output.vector refuses it before")
    try:
        found = call(town, LESS[how](frame))
    except UrbanplanError as err:
        assert err.remedy and err.what
        return
    assert type(found).__name__ == type(usual).__name__
    if isinstance(usual, pd.DataFrame) and name != "measures.indicators.wide":
        # That one has a column for each area.
        assert list(found.columns) == list(usual.columns)


@pytest.mark.parametrize("how", SAME)
@pytest.mark.parametrize("name", WALK)
def test_the_same_in_another_dress_is_answered_the_same(town, plain, name, how):
    make, call = WALK[name]
    frame = make(town)
    if not _spatial(frame) and how == "geometry called otherwise":
        pytest.skip("no geometry")
    if "columns" in how and name.startswith(("files.", "output.page.")):
        pytest.skip("columns are given plain names before, by output.vector and page.frames")
    if "index" in how and make is people:
        pytest.skip("its index is the cell")
    if "kinds" in how and name.startswith(WHOLE):
        pytest.skip("made by our own code, of numpy's kinds")
    found = call(town, SAME[how](frame))
    assert canonical(found) == canonical(plain(name))
