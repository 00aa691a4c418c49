"""The street network of one mode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanplan.catalog import Mode
from urbanplan.graph import Graph, build_graph


@dataclass(frozen=True)
class Network:
    """Streets that one mode may use: junctions, and the edges between them with their bends.

    Attributes
    ----------
    mode : Mode
    crs : str
        Projected system of all coordinates, in metres.
    xy : ndarray of float64, shape (nodes, 2)
        Junctions and dead ends, in the order of a Hilbert curve.
    node_ids : ndarray of int64, shape (nodes,)
        Their ids in the source.
    tail, head : ndarray of int32, shape (edges,)
        Nodes that each edge joins.
    bend : ndarray of int64, shape (edges + 1,)
        Where each edge's vertices begin.
    vertex_xy : ndarray of float64, shape (vertices, 2)
        Vertices of every edge from tail to head, both included.
    spent : ndarray of float64, shape (vertices, 2)
        Minutes from the tail to a vertex, and from a vertex back to the tail; infinity where
        the edge may not be used in that direction.
    length_m : ndarray of float64, shape (edges,)
        Ellipsoidal length.
    through : ndarray of bool, shape (edges,)
        Edges that are passed along only: nobody gets on or off between their nodes.
    source, licence, as_of : str
        Where the streets come from.
    findings : tuple of str
        What the reader must know, such as how much was cut off from the rest.
    """

    mode: Mode
    crs: str
    xy: np.ndarray
    node_ids: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    bend: np.ndarray
    vertex_xy: np.ndarray
    spent: np.ndarray
    length_m: np.ndarray
    through: np.ndarray
    source: str
    licence: str
    as_of: str
    findings: tuple[str, ...]

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.xy)

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.tail)

    @cached_property
    def minutes(self) -> np.ndarray:
        """Minutes along each edge and against it, shape (edges, 2); infinity where closed."""
        return self.spent[self.bend[1:] - 1]

    @cached_property
    def graph(self) -> Graph:
        """Its edges as directed arcs."""
        return build_graph(
            self.nodes,
            np.concatenate([self.tail, self.head]),
            np.concatenate([self.head, self.tail]),
            self.minutes.T.ravel(),
        )

    @cached_property
    def lines(self) -> np.ndarray:
        """Geometry of every edge from tail to head, shape (edges,)."""
        import shapely

        return shapely.linestrings(
            self.vertex_xy, indices=np.repeat(np.arange(self.edges), np.diff(self.bend))
        )

    @cached_property
    def kerb(self) -> np.ndarray:
        """Edges that one may get on and off anywhere, in the order of `index`."""
        return np.flatnonzero(~self.through)

    @cached_property
    def index(self):
        """Spatial index of the `lines` of `kerb`."""
        import shapely

        return shapely.STRtree(self.lines[self.kerb])

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Edges at each node: where those it is the tail of begin, where those it is the head of
        begin in the third array, and that array."""
        nodes = np.arange(self.nodes + 1)
        into = np.argsort(self.head, kind="stable")
        return (
            np.searchsorted(self.tail, nodes),
            np.searchsorted(self.head[into], nodes),
            into,
        )
