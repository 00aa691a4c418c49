"""Streets from an osmnx or other networkx graph, or from its GraphML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.crs import WGS84, parse_crs, transform
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.files import existing, memory_limit, scan_xml, size_bytes
from urbanplan.sources.lines import TagReader
from urbanplan.sources.osm import LICENCE, SOURCE
from urbanplan.sources.streets import Streets, collect, require_lonlat

if TYPE_CHECKING:
    import networkx as nx


#: Memory that a graph may take, and so much for each byte of its file (osmnx's own take 15).
_FREE_BYTES, _MAX_RATIO = 2**29, 60


def read_graphml(path: Path | str, given: Mapping[str, str] | None = None) -> Streets:
    """Read a GraphML file written by osmnx.

    Raises
    ------
    InputError
        If it is not one.
    """
    import osmnx

    path, size = existing(path), size_bytes(path)
    try:
        scan_xml(path, lambda *_: None, lambda _: None, size)
        with memory_limit(_FREE_BYTES + _MAX_RATIO * size):
            return from_graph(osmnx.load_graphml(path), where=path, given=given)
    except UrbanplanError:
        raise
    except Exception as err:  # osmnx, networkx and expat each raise their own
        reason = (str(err).splitlines() or [type(err).__name__])[0][:120]
        raise InputError(
            f"cannot be read as an osmnx graph ({reason})",
            where=path,
            remedy="write it with osmnx.save_graphml",
        ) from None


def from_graph(
    graph: nx.Graph, where: object = None, given: Mapping[str, str] | None = None
) -> Streets:
    """Streets of a networkx graph with coordinates.

    Parameters
    ----------
    graph : networkx graph
        Nodes with ``x`` and ``y``; the graph's ``crs`` (WGS84 degrees if it names none). Edges may
        carry ``geometry`` and OpenStreetMap's tags, as osmnx graphs do; an edge without
        ``highway`` counts as an ordinary street. An edge of a directed graph leads one way, unless
        osmnx says ``oneway=False`` and the opposite edge is there too.
    where : object, optional
        The file, for messages.
    given : mapping of str to str, optional
        What the edges' keys and values mean; see `urbanplan.sources.lines.from_lines`.

    Returns
    -------
    Streets
        Its findings say what of the graph was not understood.

    Raises
    ------
    InputError
        If a node has no coordinates.
    """
    names = list(graph.nodes)
    try:
        xy = np.array([(graph.nodes[n]["x"], graph.nodes[n]["y"]) for n in names], float)
    except KeyError:
        raise InputError(
            "a node has no x or y", where=where, remedy="give every node its coordinates"
        ) from None
    number = {name: i for i, name in enumerate(names)}
    extra: list[tuple[float, float]] = []
    ways, seen = [], set()
    edges = [data for _, _, data in graph.edges(data=True)]
    keys = list(dict.fromkeys(key for data in edges for key in data))
    reader = TagReader(keys, edges, given or {})
    for u, v, data in graph.edges(data=True):
        tags = reader.tags(data, _length(data))
        turned = _runs_back(data, xy[number[u]], xy[number[v]], v)
        if turned and not graph.is_directed():
            u, v, turned = v, u, False
        if graph.is_directed():
            twin = (_hashable(data.get("osmid")), frozenset((u, v)), round(_length(data), 3))
            both = not _true(data.get("oneway", True)) and graph.has_edge(v, u)
            if both and u != v:
                if twin in seen:
                    continue
                seen.add(twin)
            # The graph has already turned what runs against its way.
            tags["oneway"] = "no" if both else "yes"
            tags.pop("junction", None)
        points = [number[u]]
        if "geometry" in data:
            inner = list(data["geometry"].coords)[1:-1]
            inner = inner[::-1] if turned else inner
            points += range(len(names) + len(extra), len(names) + len(extra) + len(inner))
            extra += [c[:2] for c in inner]
        ways.append((tags, [*points, number[v]]))
    xy = np.concatenate([xy.reshape(-1, 2), np.array(extra, float).reshape(-1, 2)])
    crs = graph.graph.get("crs")
    osm = any("osmid" in data for data in edges)
    return collect(
        ways,
        _ids(names, len(extra)),
        require_lonlat(xy if crs is None else transform(xy, parse_crs(crs, where), WGS84), where),
        source=SOURCE if osm else "",
        licence=LICENCE if osm else "",
        # A bare graph without classes is what it is: only what osmnx wrote should have them.
        findings=reader.findings() if osm or given else (),
    )


def _runs_back(data, start, end, v) -> bool:
    # Whether an edge is drawn from its second node: undirected graphs of osmnx say "from", and some geometries run back.
    if "geometry" in data:
        first = np.array(data["geometry"].coords[0][:2])
        return bool(np.hypot(*(first - end)) < np.hypot(*(first - start)))
    return "from" in data and "to" in data and str(data["from"]) == str(v) != str(data["to"])


def _ids(names: list, extra: int) -> np.ndarray:
    whole = all(isinstance(n, int | np.integer) and abs(n) < 2**62 for n in names)
    ids = np.array(names if whole else range(len(names)), np.int64)
    return np.concatenate([ids, np.full(extra, -1)])


def _true(value: Any) -> bool:
    return value in (True, "True", "true", "yes", "1", 1)


def _length(data: Mapping[str, Any]) -> float:
    return float(data.get("length", 0.0) or 0.0)


def _hashable(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list | tuple | set) else value


def to_graph(streets: Streets) -> nx.MultiDiGraph:
    """Streets as a graph in the form of osmnx's, with a node at every junction and end.

    Parameters
    ----------
    streets : Streets

    Returns
    -------
    networkx.MultiDiGraph
        ``crs`` is WGS84. Nodes have ``x``, ``y`` in degrees and the tags of their point, edges ``osmid``, ``length``
        (metres on the ellipsoid), ``oneway``, ``reversed``, ``geometry`` where it bends, and the tags of their way.
    """
    import networkx as nx
    import shapely
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    graph = nx.MultiDiGraph(crs=WGS84)
    uses = np.bincount(streets.refs, minlength=len(streets.lonlat))
    ends = np.r_[streets.refs[streets.first[:-1]], streets.refs[streets.first[1:] - 1]]
    junction = uses > 1
    junction[ends] = True
    names = _node_names(streets)
    for way in range(streets.ways):
        points = streets.refs[streets.first[way] : streets.first[way + 1]]
        tags = dict(streets.tags[streets.tags_of[way]])
        osmid, (ahead, back) = int(streets.way_ids[way]), _directions(tags)
        cuts = np.flatnonzero(junction[points])
        for a, b in zip(cuts[:-1], cuts[1:]):
            part = points[a : b + 1]
            line, xy = shapely.LineString(streets.lonlat[part]), streets.lonlat[part]
            about = {**tags, "osmid": osmid, "length": float(geod.line_length(*xy.T)), "oneway": not (ahead and back)}  # fmt: skip
            u, v = names[part[0]], names[part[-1]]
            for turned in (t for t, there in ((False, ahead), (True, back)) if there):
                shape = {"geometry": line.reverse() if turned else line} if len(part) > 2 else {}
                graph.add_edge(*((v, u) if turned else (u, v)), **about, **shape, reversed=turned)
    for point in np.flatnonzero(junction):
        if names[point] in graph:
            x, y = streets.lonlat[point]
            graph.add_node(names[point], x=float(x), y=float(y), **streets.point_tags.get(int(point), {}))  # fmt: skip
    return graph


def _node_names(streets: Streets) -> list[int]:
    # Ids of the source, where they tell all points apart.
    ids = streets.point_ids
    named = len(ids) == len(np.unique(ids)) and (ids >= 0).all()
    return [int(i) for i in (ids if named else np.arange(len(streets.lonlat)))]


def _directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    # Whether cars go along the way as it is drawn, and against it.
    oneway = tags.get("oneway", "")
    if oneway in ("-1", "reverse"):
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") == "motorway"  # fmt: skip
    return True, not (oneway in ("yes", "true", "1") or (implied and oneway != "no"))
