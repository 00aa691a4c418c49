"""A directed graph as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanplan.errors import InputError


@dataclass(frozen=True)
class Graph:
    """Minutes from node to node, in compressed sparse rows.

    Attributes
    ----------
    first : ndarray of int32, shape (nodes + 1,)
        Where the arcs of each node begin.
    to : ndarray of int32, shape (arcs,)
        Node that each arc leads to.
    minutes : ndarray of float64, shape (arcs,)
        What it takes; zero or more.
    symmetric : bool
        Whether every arc has its opposite with the same minutes.
    """

    first: np.ndarray
    to: np.ndarray
    minutes: np.ndarray
    symmetric: bool = False

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.first) - 1

    @property
    def arcs(self) -> int:
        """Number of arcs."""
        return len(self.to)

    @cached_property
    def tails(self) -> np.ndarray:
        """Node that each arc leaves, shape (arcs,)."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), np.diff(self.first))

    @cached_property
    def mean_min(self) -> float:
        """Minutes of a mean arc; 1 where there is none."""
        return float(self.minutes.mean()) if self.arcs and self.minutes.any() else 1.0

    @property
    def backward(self) -> Graph:
        """The same arcs turned round: searching it from a place gives the minutes *to* the place."""
        return self if self.symmetric else self._turned

    @cached_property
    def _turned(self) -> Graph:
        return build_graph(self.nodes, self.to, self.tails, self.minutes)


def build_graph(
    nodes: int,
    tail: np.ndarray,
    head: np.ndarray,
    minutes: np.ndarray,
    *,
    symmetric: bool = False,
) -> Graph:
    """Sort arcs by tail and head, keep the quickest of parallel ones, drop loops and closed ones.

    Parameters
    ----------
    nodes : int
    tail, head : ndarray of int, shape (n,)
    minutes : ndarray of float, shape (n,)
        Infinity closes an arc.
    symmetric : bool
        Promise that every arc comes with its opposite.

    Returns
    -------
    Graph

    Raises
    ------
    InputError
        If an arc takes less than no time, or an unknown time.
    """
    if len(minutes) and not minutes.min() >= 0:
        raise InputError("an arc takes less than no time, or NaN", remedy="correct its speed")
    from urbanplan.routing.search import into_rows

    first, to, spent = into_rows(nodes, tail, head, minutes)
    return Graph(first, to, spent, symmetric)


def both(a: Graph, b: Graph) -> Graph:
    """The arcs of two graphs together, the quicker of parallel ones; the second may have more nodes."""
    from urbanplan.routing.search import merge_rows

    first, to, spent = merge_rows(a.first, a.to, a.minutes, b.first, b.to, b.minutes)
    return Graph(first, to, spent, a.symmetric and b.symmetric)


#: Bits per axis: a city of 60 km is told apart to a metre.
_BITS = 16


def hilbert(xy: np.ndarray) -> np.ndarray:
    """Position along a Hilbert curve of each place.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Coordinates in any unit.

    Returns
    -------
    ndarray of int64, shape (n,)

    Notes
    -----
    Hilbert (1891), Über die stetige Abbildung einer Linie auf ein Flächenstück; the bitwise walk
    down the quadrants.

    Examples
    --------
    >>> hilbert(np.array([[0, 0], [0, 1], [1, 1], [1, 0]])).argsort().tolist()
    [0, 1, 2, 3]
    """
    if not len(xy):
        return np.zeros(0, np.int64)
    low, size = xy.min(0), max(float(np.ptp(xy, axis=0).max()), 1e-9)
    x, y = ((xy - low) / size * (2**_BITS - 1)).astype(np.int64).T.copy()
    place = np.zeros(len(xy), np.int64)
    side = 1 << (_BITS - 1)
    while side:
        right, up = (x & side) > 0, (y & side) > 0
        place += side * side * ((3 * right) ^ up)
        flip = ~up & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
        side >>= 1
    return place


def ragged(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Indices ``begin[0]..end[0], begin[1]..end[1], ...`` one after the other.

    Parameters
    ----------
    begin, end : ndarray of int, shape (n,)

    Examples
    --------
    >>> ragged(np.array([3, 8]), np.array([5, 9])).tolist()
    [3, 4, 8]
    """
    counts = end - begin
    offset = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(begin, counts) + np.arange(counts.sum()) - offset
