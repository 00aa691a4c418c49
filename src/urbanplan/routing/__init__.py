"""Streets and land as graphs, and minutes on them: nearest, many to many, isochrones."""

from __future__ import annotations

from urbanplan.routing.build import build_network
from urbanplan.routing.graph import Graph, build_graph
from urbanplan.routing.isochrones import isochrones, service_areas
from urbanplan.routing.network import FRAGMENT_M, Network
from urbanplan.routing.places import Ground, Links, Placed, at_nodes, place
from urbanplan.routing.times import Nearest, matrix, nearest, reach

__all__ = [
    "FRAGMENT_M",
    "Graph",
    "Ground",
    "Links",
    "Nearest",
    "Network",
    "Placed",
    "at_nodes",
    "build_graph",
    "build_network",
    "isochrones",
    "matrix",
    "nearest",
    "place",
    "reach",
    "service_areas",
]
