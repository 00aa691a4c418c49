"""Minutes over directed arcs: the arrays, and the searches over them."""

from urbanplan.graph.arcs import Graph, build_graph

__all__ = ["Graph", "build_graph"]
