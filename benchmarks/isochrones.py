"""A 30-minute walk from one point, drawn by several engines."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import shapely

from ground import Ground
from side_by_side import Row, alternate, need
from urbanplan import routing as tt

LIMIT_MIN = 30.0


def rows(ground: Ground) -> list[Row]:
    """Against the osmnx recipe, and against Valhalla."""
    return [_recipe(ground), _valhalla(ground)]


def _ours(ground: Ground):
    placed = tt.at_nodes(ground.network, [ground.middle])
    return lambda: tt.isochrones(ground.network, placed, [LIMIT_MIN])[0][0]


def _recipe(ground: Ground) -> Row:
    nx = need("networkx", "osmnx")
    need("osmnx", "osmnx")
    net = ground.network
    graph = nx.MultiDiGraph(crs=net.crs)
    graph.add_nodes_from((n, {"x": x, "y": y}) for n, (x, y) in enumerate(net.xy))
    for e in range(net.edges):
        shape, (ahead, back) = net.lines[e], net.minutes[e]
        for u, v, minutes in ((net.tail[e], net.head[e], ahead), (net.head[e], net.tail[e], back)):
            if np.isfinite(minutes):
                graph.add_edge(int(u), int(v), minutes=float(minutes), geometry=shape)
    width = net.mode.streets.off_street_m

    def recipe():
        part = nx.ego_graph(graph, ground.middle, radius=LIMIT_MIN, distance="minutes")
        edges = [d["geometry"] for _, _, d in part.edges(data=True)]
        return shapely.union_all(shapely.buffer(edges, width))

    ours, theirs, shape, buffered = alternate(_ours(ground), recipe)
    exact = _exact(ground)
    return Row(
        "30-minute walk isochrone from one point",
        "networkx `ego_graph`, edges buffered, union (the osmnx recipe)",
        ours,
        theirs,
        f"IoU {_iou(shape, exact):.3f} with exact partial edges at the same width,"
        f" {_iou(shape, buffered):.3f} with the recipe's whole edges",
        100,
    )


def _exact(ground: Ground, step_m: float = 5.0):
    # Every reached piece of street, buffered by the walk that is left, at most the full width.
    net, rules = ground.network, ground.network.mode.streets
    placed = tt.at_nodes(net, [ground.middle])
    minutes = tt.nearest(net, placed, direction="from").minutes[:, 0]
    shapes = []
    for e in np.flatnonzero(np.minimum(minutes[net.tail], minutes[net.head]) < LIMIT_MIN):
        here = slice(net.bend[e], net.bend[e + 1])
        xy, spent = net.vertex_xy[here], net.spent[here]
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
        at = np.unique(np.r_[along, np.linspace(0, along[-1], max(2, int(along[-1] / step_m) + 1))])
        tail = minutes[net.tail[e]] + np.interp(at, along, spent[:, 0])
        head = minutes[net.head[e]] + spent[-1, 1] - np.interp(at, along, spent[:, 1])
        left = LIMIT_MIN - np.minimum(tail, head)
        width = np.clip(left / rules.off_street_min_per_m, 0, rules.off_street_m)
        points = np.c_[np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])]
        pieces = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
        widths = (width[:-1] + width[1:]) / 2
        shapes.append(shapely.union_all(shapely.buffer(pieces[widths > 0], widths[widths > 0])))
    return shapely.union_all(shapes)


def _valhalla(ground: Ground) -> Row:
    valhalla = need("valhalla", "'pyvalhalla==3.2.0'")
    net = ground.network
    lon, lat = ground.streets.lonlat[
        np.searchsorted(ground.streets.point_ids, net.node_ids[ground.middle])
    ]
    with tempfile.TemporaryDirectory() as folder:
        actor = valhalla.Actor(_tiles(valhalla, ground.path, Path(folder)))
        question = json.dumps(
            {
                "locations": [{"lat": float(lat), "lon": float(lon)}],
                "costing": "pedestrian",
                "costing_options": {"pedestrian": {"walking_speed": 5.0}},
                "contours": [{"time": LIMIT_MIN}],
                "polygons": True,
            }
        )
        ours, theirs, shape, answer = alternate(_ours(ground), lambda: actor.isochrone(question))
    answer = json.loads(answer) if isinstance(answer, str) else answer
    drawn = shapely.make_valid(shapely.geometry.shape(answer["features"][0]["geometry"]))
    from urbanplan.base.crs import transform

    drawn = shapely.transform(drawn, lambda xy: transform(xy, "EPSG:4326", net.crs))
    return Row(
        "the same",
        "Valhalla isochrone",
        ours,
        theirs,
        f"IoU {_iou(shape, drawn):.2f}: Valhalla fills the blocks",
        5,
    )


def _tiles(valhalla, extract: Path, folder: Path) -> str:
    builder = shutil.which("valhalla_build_tiles")
    if builder is None:
        raise SystemExit(
            "benchmarks: valhalla_build_tiles is not on the PATH → see benchmarks/README.md"
        )
    config = valhalla.get_config(tile_extract="", tile_dir=str(folder / "tiles"))
    # An empty name is opened all the same; one that is not there is left alone.
    config["mjolnir"] |= {k: str(folder / k) for k in ("tile_extract", "traffic_extract")}
    path = folder / "valhalla.json"
    path.write_text(json.dumps(config), "utf-8")
    subprocess.run([builder, "-c", str(path), str(extract)], check=True, capture_output=True)
    return str(path)


def _iou(a, b) -> float:
    return a.intersection(b).area / a.union(b).area
