"""From an extract to a network one can route on."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

from ground import Ground
from side_by_side import Row, alternate, need
from urbanplan.catalog import load_catalog
from urbanplan.routing import build_network
from urbanplan.sources.osm import read_osm


def rows(ground: Ground) -> list[Row]:
    """Against pyrosm, and against osmnx from an .osm file of the same extract."""
    pyrosm, osmnx = need("pyrosm", "pyrosm"), need("osmnx", "osmnx")
    logging.disable(logging.WARNING)
    walk = load_catalog().mode("walk")
    work = "`.osm.pbf` to routable walking network"

    def ours():
        network = build_network(read_osm(ground.path), walk)
        return network.graph.nodes

    def by_pyrosm():
        data = pyrosm.OSM(str(ground.path))
        nodes, edges = data.get_network("walking", nodes=True)
        return len(data.to_graph(nodes, edges, graph_type="igraph").vs)

    def by_osmnx(path: Path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return len(osmnx.graph_from_xml(path, bidirectional=True, retain_all=False))

    mine, theirs, count, points = alternate(ours, by_pyrosm)
    said = f"{count:,} contracted nodes; {points:,} street points"
    found = [Row(work, "pyrosm `get_network` + `to_graph` (igraph)", mine, theirs, said, 5)]
    with tempfile.TemporaryDirectory() as folder:
        xml = _as_xml(ground.path, Path(folder) / "streets.osm")
        mine, theirs, count, nodes = alternate(ours, lambda: by_osmnx(xml))
    said = f"{count:,} nodes; {nodes:,} simplified nodes"
    found.append(Row(work, "osmnx `graph_from_xml`", mine, theirs, said, 5))
    return found


def _as_xml(extract: Path, path: Path) -> Path:
    # osmnx reads XML only, and no way that runs out of the extract; the conversion is not timed.
    import osmium

    nodes, ways = osmium.osm.NODE, osmium.osm.WAY
    wanted = osmium.filter.KeyFilter("highway")
    held = {n.id for n in osmium.FileProcessor(str(extract), nodes)}
    kept = {}
    for way in osmium.FileProcessor(str(extract), ways).with_filter(wanted):
        refs = [n.ref for n in way.nodes if n.ref in held]
        if len(refs) > 1:
            kept[way.id] = refs
    used = {ref for refs in kept.values() for ref in refs}
    with osmium.SimpleWriter(str(path)) as out:
        for node in osmium.FileProcessor(str(extract), nodes):
            if node.id in used:
                out.add_node(node)
        for way in osmium.FileProcessor(str(extract), ways).with_filter(wanted):
            if way.id in kept:
                out.add_way(way.replace(nodes=kept[way.id]))
    return path
