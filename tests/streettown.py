"""A town of streets drawn on a known metric grid, so that every expected minute is arithmetic.

One unit is 100 m on the ellipsoid: at 6 km/h one minute.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely
from pyproj import Geod

from urbanplan.catalog import Mode, load_catalog, walked_tags
from urbanplan.routing import Network, build_network
from urbanplan.sources.streets import Streets, collect

GEOD = Geod(ellps="WGS84")
#: On the central meridian and the equator, where the projection's scale hardly changes.
LON, LAT = 105.0, 0.0
CRS = "EPSG:32648"
UNIT_M = 100.0

_WALK = load_catalog().mode("walk")
#: One unit of street in a minute, and one unit beside it in a minute; nobody climbs here.
MODE = replace(
    _WALK,
    id="test",
    streets=replace(
        _WALK.streets,
        kmh=dict.fromkeys(_WALK.streets.kmh, 6.0),
        off_street_kmh=6.0,
        oneway=("oneway",),
        maxspeed=True,
    ),
)


def lonlat(x: float, y: float) -> tuple[float, float]:
    """Degrees of a place x units east and y units north."""
    lon, lat, _ = GEOD.fwd(LON, LAT, 90, x * UNIT_M)
    lon, lat, _ = GEOD.fwd(lon, lat, 0, y * UNIT_M)
    return lon, lat


def streets(*ways, gates=()) -> Streets:
    """Streets of ((x, y), (x, y), ...) in units; a way may end with a mapping of tags."""
    number: dict[tuple, int] = {}
    rows = []
    for way in ways:
        tags = {"highway": "residential"}
        if isinstance(way[-1], dict):
            # Platforms and piers are streets without being called so.
            tags = way[-1] if way[-1].keys() & walked_tags().keys() else tags | way[-1]
            way = way[:-1]
        rows.append((tags, [number.setdefault(tuple(p), len(number)) for p in way]))
    for spot, _ in gates:
        number.setdefault(tuple(spot), len(number))
    places = np.array([lonlat(*p) for p in number]).reshape(-1, 2)
    return collect(
        rows,
        np.arange(len(number)),
        places,
        point_tags={number[tuple(spot)]: tags for spot, tags in gates},
        source="drawn for a test",
        licence="CC0-1.0",
        as_of="2026-01-01",
    )


def network(*ways, mode: Mode = MODE, gates=(), **options) -> Network:
    options = {"crs": CRS, **options}
    return build_network(streets(*ways, gates=gates), mode, **options)


def places(*spots, ids=None, network: Network) -> gpd.GeoDataFrame:
    """Points at (x, y) in units, in the network's system."""
    points = shapely.points([lonlat(*s) for s in spots])
    ids = ids or [f"p{i}" for i in range(len(spots))]
    return gpd.GeoDataFrame({"id": ids}, geometry=points, crs=4326).to_crs(network.crs)


def node_at(found: Network, x: float, y: float) -> int:
    """Number of the node at (x, y); there must be one."""
    at = places((x, y), network=found).geometry.iloc[0]
    away = np.hypot(*(found.xy - [at.x, at.y]).T)
    assert away.min() < 0.01, f"no node at {x}, {y}"
    return int(away.argmin())


def segments_of(drawn: Streets, mode: Mode) -> nx.MultiDiGraph:
    """The plainest graph of the same streets: one arc per segment and direction, gates apart."""
    from urbanplan.routing.street_rules import speeds_kmh, stops

    graph, shut = nx.MultiDiGraph(), set()
    for point, tags in drawn.point_tags.items():
        if stops(tags, mode.streets):
            shut.add(point)
    for way in range(drawn.ways):
        ahead, back = speeds_kmh(drawn.tags[drawn.tags_of[way]], mode.streets)
        refs = drawn.refs[drawn.first[way] : drawn.first[way + 1]]
        for n, (a, b) in enumerate(zip(refs[:-1].tolist(), refs[1:].tolist())):
            metres = GEOD.inv(*drawn.lonlat[a], *drawn.lonlat[b])[2]
            u = (a, way, n, "out") if a in shut else a
            v = (b, way, n, "in") if b in shut else b
            if ahead:
                graph.add_edge(u, v, minutes=0.06 * metres / ahead)
            if back:
                graph.add_edge(v, u, minutes=0.06 * metres / back)
    return graph


#: A place on the only street that joins the two sides of the mapped town.
CLOSED = (105.4005, 28.9045)

_CITY = """
[city]
id = "mapped"
name_zh = "街镇"
name_en = "Street Town"
metric_crs = "EPSG:4544"
"""
_STUDY = """
cell_m = 100
facilities = ["hospitals"]
modes = ["walk"]
minutes = [5, 15]
snap_m = 500

[headline]
name_zh = "医院"
name_en = "Hospital"
facilities = "hospitals"
mode = "walk"
minutes = 15
"""


def write_street_city(folder):
    """A city on mapped streets: two sides joined in the west only, a bridge planned in the east.

    The hospital stands in the north-east, so the south-east must go round.
    """
    from townfolder import write_layer
    from urbanplan.sources.osm import write_osm

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(_CITY, "utf-8")
    (folder / "study.toml").write_text(_STUDY, "utf-8")

    def metric(*spots):
        points = gpd.GeoSeries(shapely.points(spots), crs=4326).to_crs("EPSG:4544")
        return [(p.x, p.y) for p in points]

    corners = metric((105.398, 28.898), (105.422, 28.898), (105.422, 28.912), (105.398, 28.912))
    box = shapely.Polygon(corners)
    write_layer(folder, "study_area", [("area", box, {})])
    write_layer(folder, "districts", [("全镇", box, {})])
    write_layer(folder, "population", [("p", box, {"persons": 1000})])
    for empty in ("water", "built_up"):
        write_layer(folder, empty, [])
    write_layer(folder, "hospitals", [("h", shapely.Point(metric((105.4195, 28.909))[0]), {})])
    bridge = shapely.LineString(metric((105.419, 28.900), (105.4192, 28.9045), (105.419, 28.909)))
    kind = {"class": "residential", "speed_kmh": 30.0, "status": "planned", "river": "brook"}
    write_layer(folder, "bridges", [("new", bridge, kind)])
    write_layer(folder, "roads", [])
    names = ((105.4005, 28.909), (105.41, 28.909), (105.42, 28.909), (105.4005, 28.9), (105.41, 28.9), (105.42, 28.9), (105.4005, 28.9045))  # fmt: skip
    tags = {"highway": "residential"}
    drawn = collect(
        [(tags, [0, 1, 2]), (tags, [3, 4, 5]), (tags, [0, 6, 3])],
        np.arange(1, 8),
        np.array(names),
        source="drawn for a test",
        licence="CC0-1.0",
        as_of="2026-01-01",
    )
    write_osm(folder / "streets.osm.pbf", drawn)
    return folder
