"""The shape of the street network: density, crossings, blocks, detours, and what all depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from urbanplan.network import Network

#: Origins and destinations of the detour are nodes this many apart in the network's own order.
_SAMPLES = 100
#: Nearer pairs say more about where the nodes lie than about the streets, in metres.
_NEAREST_M = 500.0


def length_km_per_km2(network: Network, land: BaseGeometry) -> float:
    """Kilometres of street per km² of land; a street along the border counts with what lies inside.

    Parameters
    ----------
    network : Network
    land : shapely geometry
        In the network's system.
    """
    import shapely

    inside = shapely.intersection(network.lines, land)
    # On the ellipsoid: the drawn length is scaled by each edge's own ratio.
    drawn = shapely.length(network.lines)
    ratio = np.divide(network.length_m, drawn, out=np.ones(len(drawn)), where=drawn > 0)
    return float((shapely.length(inside) * ratio).sum() / 1e3 / (land.area / 1e6))


def intersections_per_km2(network: Network, land: BaseGeometry) -> float:
    """Nodes where three or more street ends meet, per km² of land."""
    import shapely

    ends = np.bincount(np.r_[network.tail, network.head], minlength=len(network.xy))
    here = shapely.points(network.xy[ends >= 3])
    shapely.prepare(land)
    return float(shapely.intersects(land, here).sum() / (land.area / 1e6))


def block_ha(network: Network, land: BaseGeometry) -> float:
    """Median size in hectares of the blocks that streets enclose and that lie in the land.

    NaN where streets enclose nothing. A block belongs where a point inside it lies.
    """
    import shapely

    near = network.lines[shapely.intersects(land.envelope, network.lines)]
    noded = shapely.union_all(near)
    blocks = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    if not len(blocks):
        return float("nan")
    here = blocks[shapely.intersects(land, shapely.point_on_surface(blocks))]
    return float(np.median(shapely.area(here)) / 1e4) if len(here) else float("nan")


def detour_ratio(network: Network, land: BaseGeometry) -> float:
    """Mean way along the streets over the straight line, between crossings of the land.

    Of pairs at least 500 m apart; 1 would be straight (circuity; Boeing 2019, Papers in Applied
    Geography 5). About a hundred crossings are taken evenly along the network's space-filling
    order, so the figure is the same at every run.
    """
    picked, along, _ = _ways(network, land)
    if len(picked) < 2:
        return float("nan")
    along = along[:, picked]
    straight = np.hypot(*(network.xy[picked][:, None] - network.xy[picked]).transpose(2, 0, 1))
    pairs = (straight >= _NEAREST_M) & np.isfinite(along)
    return float(along[pairs].sum() / straight[pairs].sum()) if pairs.any() else float("nan")


def busiest_share(network: Network, land: BaseGeometry) -> float:
    """Share of shortest ways between crossings of the land that pass its busiest crossing.

    Betweenness (Freeman 1977, Sociometry 40) of the node that has most of it, estimated from
    the pairs of about a hundred nodes (Brandes & Pich 2007); a way's own ends do not count.
    """
    picked, along, before = _ways(network, land)
    if len(picked) < 3:
        return float("nan")
    passed, ways = np.zeros(len(network.xy) + 1), 0
    for row in range(len(picked)):
        # All ways from one crossing are followed back together, a step at a time.
        at = picked[np.isfinite(along[row, picked]) & (picked != picked[row])]
        ways += len(at)
        at = before[row, at]
        while len(at := at[at != picked[row]]):
            np.add.at(passed, at, 1)
            at = before[row, at]
    return float(passed.max() / ways) if ways else float("nan")


def _ways(network: Network, land: BaseGeometry):
    # Sampled nodes inside the land, metres from each of them to every node, and the node before.
    import shapely
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    from urbanplan.graph import build_graph

    shapely.prepare(land)
    inside = np.flatnonzero(shapely.intersects(land, shapely.points(network.xy)))
    if len(inside) < 2:
        return inside, np.empty((0, 0)), np.empty((0, 0), int)
    picked = inside[np.unique(np.linspace(0, len(inside) - 1, _SAMPLES).astype(int))]
    tail, head = np.r_[network.tail, network.head], np.r_[network.head, network.tail]
    # Metres take the place of minutes: form is measured on foot, both ways.
    graph = build_graph(len(network.xy), tail, head, np.tile(network.length_m, 2))
    ways = csr_matrix((graph.minutes, graph.to, graph.first), shape=(graph.nodes,) * 2)
    along, before = dijkstra(ways, indices=picked, return_predecessors=True)
    return picked, along, before


#: Figures of the street network by the name that standards call them, each of (network, land).
FIGURES: Mapping[str, Callable[[Network, BaseGeometry], float]] = MappingProxyType(
    {
        "length_km": length_km_per_km2,
        "intersections": intersections_per_km2,
        "block_ha": block_ha,
        "detour": detour_ratio,
        "betweenness": busiest_share,
    }
)
