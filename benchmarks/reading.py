"""From an extract to a network one can route on."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

from ground import Ground
from side_by_side import Row, alternate, need
from urbanplan.catalog import load_catalog
from urbanplan.network import build_network
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
    # osmnx reads XML only; the conversion is not timed, and keeps no more than the streets.
    import osmium

    with osmium.BackReferenceWriter(str(path), ref_src=str(extract), overwrite=True) as out:
        filter_ = osmium.filter.KeyFilter("highway")
        for way in osmium.FileProcessor(str(extract), osmium.osm.WAY).with_filter(filter_):
            out.add(way)
    return path
