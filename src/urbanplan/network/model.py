"""The street network of one mode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanplan.catalog import Mode
from urbanplan.graph import Graph, build_graph
from urbanplan.network.turns import Arcs, with_turns

#: A part of the streets shorter than this, joined to nothing, may be a fault of the map: what stands beside it may also
#: step onto a street of a longer part.
FRAGMENT_M = 1000.0


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
    private : ndarray of bool, shape (edges,)
        Edges that are open at the beginning and the end of a trip only.
    forbidden : ndarray of int64, shape (n, longest)
        Sequences of directed edges that are forbidden, filled up with -1: 2e is edge e from its
        tail to its head, 2e + 1 the other direction.
    part : ndarray of int32, shape (edges,)
        Which part of the streets each edge belongs to, the longest being 0; nothing joins two parts.
    fence_xy : ndarray of float64, shape (n, 2)
        Vertices of fences and walls, one after the other.
    fence_first : ndarray of int64, shape (fences + 1,)
        Where each begins.
    entrances : ndarray of float64, shape (m, 2)
        Gates and entrances that anybody may use.
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
    private: np.ndarray
    forbidden: np.ndarray
    part: np.ndarray
    fence_xy: np.ndarray
    fence_first: np.ndarray
    entrances: np.ndarray
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
    def arcs(self) -> Arcs:
        """What a search runs over, see `urbanplan.network.turns.Arcs`."""
        forbidden = (tuple(a for a in row if a >= 0) for row in self.forbidden.tolist())
        edges = (self.nodes, self.tail, self.head, self.minutes, self.private)
        return with_turns(*edges, forbidden, self.mode.streets.u_turns)

    @cached_property
    def graph(self) -> Graph:
        """Its arcs; the first nodes are the junctions."""
        arcs = self.arcs
        ends = (arcs.start, arcs.end, arcs.enter, arcs.leave, arcs.arrive)
        states = max(int(end.max(initial=-1)) for end in ends) + 1
        return build_graph(max(states, self.nodes), arcs.start, arcs.end, arcs.minutes)

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
    def part_m(self) -> np.ndarray:
        """Length of each part in metres."""
        return np.bincount(self.part, self.length_m)

    @cached_property
    def main_kerb(self) -> np.ndarray:
        """Those of `kerb` that are on no fragment, in the order of `main_index`."""
        return self.kerb[self.part_m[self.part[self.kerb]] >= FRAGMENT_M]

    @cached_property
    def main_index(self):
        """Spatial index of the `lines` of `main_kerb`."""
        import shapely

        return shapely.STRtree(self.lines[self.main_kerb])

    @cached_property
    def fences(self) -> np.ndarray:
        """Fences and walls as lines, shape (fences,)."""
        import shapely

        row = np.repeat(np.arange(len(self.fence_first) - 1), np.diff(self.fence_first))
        return shapely.linestrings(self.fence_xy, indices=row)

    @cached_property
    def fence_index(self):
        """Spatial index of `fences`."""
        import shapely

        return shapely.STRtree(self.fences)

    @cached_property
    def entrance_index(self):
        """Spatial index of `entrances`."""
        import shapely

        return shapely.STRtree(shapely.points(self.entrances))

    @cached_property
    def doors(self) -> dict[bool, tuple[np.ndarray, ...]]:
        """States at the ends of the edges, for trips to somewhere (True) and from somewhere (False).

        Six arrays each: the state at every tail and at every head, shape (edges,); where the edges
        of each state begin that have it at their tail, and those edges; the same of the heads.
        """
        found = {}
        for to, ends in ((True, self.arcs.leave), (False, self.arcs.enter)):
            rows = []
            for side in np.ascontiguousarray(ends.T):
                edges = np.argsort(side, kind="stable")
                rows += [np.searchsorted(side[edges], np.arange(self.graph.nodes + 1)), edges]
            found[to] = (*np.ascontiguousarray(ends.T), *rows)
        return found
