"""Where people and facilities stand: on an edge of the streets, or in cells of a surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError, InputError
from urbanplan.network import Network
from urbanplan.surface import Surface

if TYPE_CHECKING:
    import geopandas as gpd

#: What minutes can be measured on.
Ground = Network | Surface


@dataclass(frozen=True)
class Links:
    """Nodes that each of n places is joined to, with the minutes between.

    Attributes
    ----------
    first : ndarray of int64, shape (n + 1,)
    node : ndarray of int64, shape (links,)
    minutes : ndarray of float64, shape (links,)
    """

    first: np.ndarray
    node: np.ndarray
    minutes: np.ndarray

    def of(self, rows: np.ndarray) -> Links:
        """Links of some of the places, in their order."""
        counts = np.diff(self.first)[rows]
        first = np.r_[0, np.cumsum(counts)]
        take = np.repeat(self.first[:-1][rows] - first[:-1], counts) + np.arange(first[-1])
        return Links(first, self.node[take], self.minutes[take])


@dataclass(frozen=True)
class Placed:
    """Features on a ground. A feature has one row, or one per way into it (polygons on streets).

    Attributes
    ----------
    ids : ndarray of object, shape (features,)
        Ids of the features that have a place.
    feature : ndarray of int64, shape (rows,)
        Which of `ids` each row belongs to.
    leave, arrive : Links
        From each row to nodes, and from nodes to each row; they differ in one-way streets.
    edge : ndarray of int64, shape (rows,)
        Edge of the street network that the row stands on, -1 where it stands on nodes.
    spot : ndarray of float64, shape (rows, 3)
        Share of the edge's length from its tail, minutes along it from the tail, minutes back.
    beside_min : ndarray of float64, shape (rows,)
        Minutes between the row's place and the street.
    moved_m : ndarray of float64, shape (rows,)
        Metres between where a feature is drawn and where it was put.
    xy : ndarray of float64, shape (rows, 2)
        Where it is drawn (of polygons: where it is entered).
    unplaced : tuple of str
        Ids farther from any street or land than the limit: reported, never silently dropped.
    """

    ids: np.ndarray
    feature: np.ndarray
    leave: Links
    arrive: Links
    edge: np.ndarray
    spot: np.ndarray
    beside_min: np.ndarray
    moved_m: np.ndarray
    xy: np.ndarray
    unplaced: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, feature: int) -> Placed:
        """One feature of them."""
        if len(self.ids) == 1:
            return self
        return self.of(np.flatnonzero(self.feature == feature))

    def of(self, rows: np.ndarray) -> Placed:
        """Some of the rows, as features of their own order."""
        kept, feature = np.unique(self.feature[rows], return_inverse=True)
        return replace(
            self,
            ids=self.ids[kept],
            feature=feature,
            leave=self.leave.of(rows),
            arrive=self.arrive.of(rows),
            edge=self.edge[rows],
            spot=self.spot[rows],
            beside_min=self.beside_min[rows],
            moved_m=self.moved_m[rows],
            xy=self.xy[rows],
        )


def place(
    ground: Ground, frame: gpd.GeoDataFrame, limit_m: float, *, beside: bool | np.ndarray = False
) -> Placed:
    """Put features on a ground.

    On streets, a point is put on the nearest place of the nearest edge, not on a node, and pays
    the walk to it; a line or polygon is entered from every street within 25 m of its outline (or,
    where there is none, from those hardly farther than the nearest), and by the gates on it; where
    a fence is drawn between, it is closed. On a surface, a point
    stands in its cell, anything else on every cell that it touches, and what stands where nobody
    can is moved to the nearest passable cell on the same bank.

    Parameters
    ----------
    ground : Network or Surface
    frame : GeoDataFrame
        With an ``id``, in the ground's system.
    limit_m : float
        Features farther than this from any street, or from passable land, are `unplaced`.
    beside : bool or ndarray of float64
        On streets, points are put on every edge within the mode's ``off_street_m`` (or within so many
        metres, one figure a feature), and on the nearest where there is none: the nearest may be a
        tunnel or a platform that leads elsewhere.

    Returns
    -------
    Placed

    Raises
    ------
    CrsError
        If the frame is in another system.
    InputError
        If two features have the same id, or one has no geometry.
    """
    if frame.crs is None or frame.crs != ground.crs:
        raise CrsError(
            f"places are in {frame.crs}, the ground is in {ground.crs}",
            remedy="reproject them with urbanplan.crs.to_crs first",
        )
    ids = np.asarray(frame["id"], object)
    if frame["id"].duplicated().any():
        twice = frame.loc[frame["id"].duplicated(), "id"].iloc[0]
        raise InputError(f"id '{twice}' occurs twice", remedy="give every place its own id")
    shapes = np.asarray(frame.geometry.values)
    for fid, shape in zip(ids, shapes):
        if shape is None or shape.is_empty:
            raise InputError(f"'{fid}' has no geometry", remedy="draw it, or leave it out")
    if isinstance(ground, Network):
        from urbanplan.traveltime.streets import place_on_streets

        rules = ground.mode.streets
        beside_m = beside
        if isinstance(beside, bool):
            beside_m = np.full(len(ids), rules.off_street_m if beside and rules else 0.0)
        return place_on_streets(ground, ids, shapes, limit_m, beside_m)
    from urbanplan.traveltime.cells import place_on_cells

    return place_on_cells(ground, ids, shapes, limit_m)


def at_nodes(ground: Ground, nodes: Sequence[int] | np.ndarray | None = None) -> Placed:
    """Every node of a ground (or some of them) as a place; ids are the streets' own node ids."""
    streets = isinstance(ground, Network)
    every = ground.nodes if streets else ground.graph.nodes
    nodes = np.arange(every) if nodes is None else np.asarray(nodes, np.int64)
    count = len(nodes)
    leave = Links(np.arange(count + 1), nodes, np.zeros(count))
    return Placed(
        ids=(ground.node_ids[nodes] if streets else nodes).astype(object),
        feature=np.arange(count),
        leave=leave,
        arrive=replace(leave, node=ground.arcs.arrive[nodes]) if streets else leave,
        edge=np.full(count, -1),
        spot=np.zeros((count, 3)),
        beside_min=np.zeros(count),
        moved_m=np.zeros(count),
        xy=ground.xy[nodes] if streets else np.full((count, 2), np.nan),
        unplaced=(),
    )
