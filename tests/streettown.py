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

from urbanplan.catalog import Mode, load_catalog
from urbanplan.network import Network, build_network
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
            tags |= way[-1]
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
    options = {"keep_all": True, "crs": CRS, **options}
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
    from urbanplan.network.rules import speeds_kmh, stops

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
