"""How places hang on a graph: points on an edge, areas by their entrances, cells by their ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError, InputError
from urbanplan.routing.graph import ragged
from urbanplan.routing.network import FRAGMENT_M, Network
from urbanplan.routing.surface import Surface, same_bank

if TYPE_CHECKING:
    import geopandas as gpd
    from scipy.spatial import KDTree
    from shapely import Point, STRtree
    from shapely.geometry.base import BaseGeometry


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
            remedy="reproject them with urbanplan.base.crs.to_crs first",
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
        if isinstance(beside, bool):
            beside = np.full(len(ids), ground.rules.off_street_m if beside else 0.0)
        return place_on_streets(ground, ids, shapes, limit_m, beside)
    return place_on_cells(ground, ids, shapes, limit_m)


def place_at(network: Network, ids: np.ndarray, xy: np.ndarray, edge: np.ndarray, street: np.ndarray) -> Placed:  # fmt: skip
    """Points of which it is known where they step onto the streets: the edge of each, and the place on it."""
    spot, _ = _spots(network, edge, street)
    moved = np.hypot(*(street - xy).T)
    beside = moved * pace_beside(network)
    leave, arrive = _links(network, edge, spot, beside)
    return Placed(ids, np.arange(len(ids)), leave, arrive, edge, spot, beside, moved, xy, ())


def together(a: Placed, b: Placed) -> Placed:
    """Two groups of places on one ground as one; none is in both."""

    def links(one: Links, other: Links) -> Links:
        first = np.r_[one.first, one.first[-1] + other.first[1:]]
        return Links(first, np.r_[one.node, other.node], np.r_[one.minutes, other.minutes])

    return Placed(
        ids=np.r_[a.ids, b.ids],
        feature=np.r_[a.feature, len(a) + b.feature],
        leave=links(a.leave, b.leave),
        arrive=links(a.arrive, b.arrive),
        edge=np.r_[a.edge, b.edge],
        spot=np.concatenate([a.spot, b.spot]),
        beside_min=np.r_[a.beside_min, b.beside_min],
        moved_m=np.r_[a.moved_m, b.moved_m],
        xy=np.concatenate([a.xy, b.xy]),
        unplaced=(*a.unplaced, *b.unplaced),
    )


def at_nodes(ground: Ground, nodes: Sequence[int] | np.ndarray | None = None) -> Placed:
    """Every node of a ground (or some of them) as a place; ids are the streets' own node ids."""
    streets = ground if isinstance(ground, Network) else None
    every = streets.nodes if streets else ground.graph.nodes
    nodes = np.arange(every) if nodes is None else np.asarray(nodes, np.int64)
    count = len(nodes)
    leave = Links(np.arange(count + 1), nodes, np.zeros(count))
    return Placed(
        ids=(streets.node_ids[nodes] if streets else nodes).astype(object),
        feature=np.arange(count),
        leave=leave,
        arrive=replace(leave, node=streets.arcs.arrive[nodes]) if streets else leave,
        edge=np.full(count, -1),
        spot=np.zeros((count, 3)),
        beside_min=np.zeros(count),
        moved_m=np.zeros(count),
        xy=streets.xy[nodes] if streets else np.full((count, 2), np.nan),
        unplaced=(),
    )


#: By less than so many metres nobody is nearer: a straight walk over the street itself adds up to the same.
_HAIR_M = 1e-3


@dataclass(frozen=True)
class Strolls:
    """The places off every street or land among some, for the straight walk between two that are nearer.

    Attributes
    ----------
    ground : Network or Surface
    row : ndarray of int64, shape (n,)
        Which row of the places each is: of a feature's rows at one spot, that nearest to a street.
    xy : ndarray of float64, shape (n, 2)
    off_m : ndarray of float64, shape (n,)
        Metres to the street or land.
    """

    ground: Ground
    row: np.ndarray
    xy: np.ndarray
    off_m: np.ndarray

    @classmethod
    def of(cls, ground: Ground, places: Placed) -> Strolls:
        """Those of some places that are off every street or land."""
        spots = np.c_[places.feature, places.xy]
        order = np.lexsort((places.moved_m, *spots.T[::-1]))
        first = np.ones(len(order), bool)
        first[1:] = (spots[order][1:] != spots[order][:-1]).any(axis=1)
        row = order[first]
        row = row[places.moved_m[row] > 0]
        return cls(ground, row, places.xy[row], places.moved_m[row])

    @cached_property
    def _tree(self) -> STRtree:
        import shapely

        return shapely.STRtree(self._squares())

    def _squares(self) -> np.ndarray:
        import shapely

        return shapely.box(*(self.xy - self.off_m[:, None]).T, *(self.xy + self.off_m[:, None]).T)

    def to(self, others: Strolls, limit_min: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Straight walks within a limit to others, where two are nearer to each other than to the street.

        That is, than what both of them walk to it; and no water, motorway or fence lies between,
        as far as the ground knows of any.

        Returns
        -------
        row, other_row : ndarray of int64
        minutes : ndarray of float64
        """
        if not len(self.row) or not len(others.row):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        a, b = others._tree.query(self._squares())
        apart = np.hypot(*(self.xy[a] - others.xy[b]).T)
        minutes = apart * pace_beside(self.ground)
        near = (apart == 0) | (apart < self.off_m[a] + others.off_m[b] - _HAIR_M)
        near = np.flatnonzero(near & (minutes <= limit_min))
        a, b, minutes = a[near], b[near], minutes[near]
        open_ = (minutes == 0) | ~walled(self.ground, self.xy[a], others.xy[b])
        return self.row[a[open_]], others.row[b[open_]], minutes[open_]


def pace_beside(ground: Ground) -> float:
    """Minutes per metre between a place and its street, or its land."""
    if isinstance(ground, Network):
        return ground.rules.off_street_min_per_m
    return ground.mode.open_land.pace_min_per_m


def walled(ground: Ground, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether something that nobody walks across lies between each two points, shape (n, 2)."""
    import shapely

    found, tree = np.zeros(len(a), bool), ground.walls
    if not len(tree) or not len(a):
        return found
    lines = shapely.linestrings(np.stack([a, b], axis=1))
    line, wall = tree.query(lines)
    walls, lines = tree.geometries[wall], lines[line]
    # Who stands on a bank, or at a gate, only touches it.
    met = np.flatnonzero(shapely.intersects(walls, lines))
    found[line[met[~shapely.touches(walls[met], lines[met])]]] = True
    return found


#: So many of the nearest cells are tried for one on the same bank.
_NEIGHBOURS = 16


def place_on_cells(surface: Surface, ids: np.ndarray, shapes: np.ndarray, limit_m: float) -> Placed:
    """See `urbanplan.routing.place`."""
    found, tree = [], None
    for i, shape in enumerate(shapes):
        nodes = _cells_of(surface, shape)
        moved = 0.0
        if not len(nodes):
            tree = tree or _centre_tree(surface)
            moved, node = _nearest_land(surface, tree, shape.representative_point())
            if node < 0 or not moved <= limit_m:
                continue
            nodes = np.array([node])
        found.append((i, nodes, moved))
    kept = np.array([f[0] for f in found], np.int64)
    moved_m = np.array([f[2] for f in found], float)
    beside = moved_m * pace_beside(surface)
    counts = np.array([len(f[1]) for f in found], np.int64)
    links = Links(
        np.r_[0, np.cumsum(counts)].astype(np.int64),
        np.concatenate([f[1] for f in found]) if found else np.zeros(0, np.int64),
        np.repeat(beside, counts),
    )
    return Placed(
        ids=ids[kept],
        feature=np.arange(len(kept)),
        leave=links,
        arrive=links,
        edge=np.full(len(kept), -1),
        spot=np.zeros((len(kept), 3)),
        beside_min=beside,
        moved_m=moved_m,
        xy=np.array([shapes[i].representative_point().coords[0][:2] for i in kept]).reshape(-1, 2),
        unplaced=tuple(str(i) for i in np.delete(ids, kept)),
    )


def _cells_of(surface: Surface, shape: BaseGeometry) -> np.ndarray:
    grid, flat = surface.grid, surface.node_of.ravel()
    if shape.geom_type == "Point":
        cells = grid.cells_at(np.array([shape.x]), np.array([shape.y]))
    else:
        cells = np.flatnonzero(grid.covered([shape], touched=True).ravel())
    cells = cells[cells >= 0]
    cells = cells[flat[cells] >= 0]
    return flat[cells[same_bank(surface, shape, cells)]]


def _centre_tree(surface: Surface) -> KDTree:
    from scipy.spatial import KDTree

    return KDTree(np.c_[surface.grid.centres(surface.cells)])


def _nearest_land(surface: Surface, tree: KDTree, at: Point) -> tuple[float, int]:
    # The nearest cell on the same bank; for a place in the river the nearest of any bank.
    distance, node = (np.atleast_1d(v) for v in tree.query([at.x, at.y], k=_NEIGHBOURS))
    found = np.isfinite(distance)
    if not found.any():
        return np.inf, -1
    distance, node = distance[found], node[found]
    first = int(np.argmax(same_bank(surface, at, surface.cells[node])))
    return float(distance[first]), int(node[first])


#: An area is entered from every street within so many metres of its outline: a kerb, a pavement, a verge.
KERB_M = 25.0
#: Places along such a street are so many metres apart, and more where there would be more of them than this.
_STEP_M, _MOST_STEPS = 5.0, 400
#: What is drawn within so many metres of an outline is on it.
_OUTLINE_M = 3.0


def place_on_streets(
    network: Network, ids: np.ndarray, shapes: np.ndarray, limit_m: float, beside_m: np.ndarray
) -> Placed:
    """See `urbanplan.routing.place`."""
    import shapely

    points = shapely.get_type_id(shapes) == 0
    feature, edge, xy = _points(network, shapes, np.flatnonzero(points), limit_m, beside_m)
    spot, moved = _spots(network, edge, xy)
    ways = [(feature, edge, xy, spot, moved)]
    for i in np.flatnonzero(~points):
        edge, street, into, apart = _entrances(network, shapes[i], limit_m)
        spot = _spots(network, edge, street)[0]
        ways.append((np.full(len(edge), i), edge, into, spot, apart))
    feature, edge, xy, spot, moved = map(np.concatenate, zip(*ways))
    order = np.lexsort((spot[:, 0], edge, feature))
    feature, edge, xy, spot, moved = (a[order] for a in (feature, edge, xy, spot, moved))
    beside = moved * pace_beside(network)
    placed, number = np.unique(feature, return_inverse=True)
    leave, arrive = _links(network, edge, spot, beside)
    return Placed(
        ids=ids[placed],
        feature=number,
        leave=leave,
        arrive=arrive,
        edge=edge,
        spot=spot,
        beside_min=beside,
        moved_m=moved,
        xy=xy,
        unplaced=tuple(str(i) for i in np.delete(ids, placed)),
    )


def _points(
    network: Network, shapes: np.ndarray, rows: np.ndarray, limit_m: float, beside_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # The nearest edge of each point; of equally near ones the first. Or every edge beside it.
    import shapely

    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
    which, edge = _nearest_edges(network.index, network.kerb, shapes[rows], limit_m)
    if (beside_m[rows] > 0).any():
        near_m = np.minimum(beside_m[rows], limit_m)
        more, others = network.index.query(shapes[rows], predicate="dwithin", distance=near_m)
        which, edge = np.r_[which, more], np.r_[edge, network.kerb[others]]
    on_main = np.isin(np.arange(len(rows)), which[network.part_m[network.part[edge]] >= FRAGMENT_M])
    lost = np.flatnonzero(~on_main & np.isin(np.arange(len(rows)), which))
    if len(lost):
        more, others = _nearest_edges(
            network.main_index, network.main_kerb, shapes[rows[lost]], limit_m
        )
        which, edge = np.r_[which, lost[more]], np.r_[edge, others]
    # One number a pair sorts faster than two columns do.
    which, edge = np.divmod(np.unique(which * network.edges + edge), network.edges)
    rows = rows[which]
    return rows, edge, shapely.get_coordinates(shapes[rows])


def _nearest_edges(
    index: STRtree, kerb: np.ndarray, shapes: np.ndarray, limit_m: float
) -> tuple[np.ndarray, np.ndarray]:
    which, edge = index.query_nearest(shapes, max_distance=max(limit_m, 1e-9), all_matches=True)
    edge = kerb[edge]
    order = np.lexsort((edge, which))
    which, first = np.unique(which[order], return_index=True)
    return which, edge[order][first]


def _entrances(network: Network, shape: BaseGeometry, limit_m: float) -> tuple[np.ndarray, ...]:
    # Edges from which a line or polygon is entered: where on each, where into the shape, and the metres between.
    import shapely

    nothing = np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    hit, apart = network.index.query_nearest(
        shape, max_distance=max(limit_m, 1e-9), return_distance=True
    )
    if not len(hit):
        return nothing
    # Where no street is at the kerb, all that are hardly farther than the nearest are as good.
    near_m = KERB_M if apart[0] <= KERB_M else min(apart[0] + KERB_M, limit_m)
    edges = network.kerb[np.sort(network.index.query(shape, predicate="dwithin", distance=near_m))]
    edge, street = _along(network, edges, shape, near_m)
    into = shapely.get_coordinates(shapely.shortest_line(shapely.points(street), shape)).reshape(
        -1, 2, 2
    )[:, 1]
    ways = edge, street, into, np.hypot(*(into - street).T)
    shut = _fenced(network, shape, ways, near_m)
    gates = _gates(network, shape, limit_m)
    if shut.all() and not len(gates[0]):
        return ways  # people get in somewhere, though no gate is mapped
    return tuple(np.concatenate([w[~shut], g]) for w, g in zip(ways, gates))


def _along(
    network: Network, edges: np.ndarray, shape: BaseGeometry, near_m: float
) -> tuple[np.ndarray, np.ndarray]:
    # Places on the stretches of some edges that lie near a shape: their ends, what is nearest, and between.
    import shapely

    lines = network.lines[edges]
    stretch, whose = shapely.get_parts(
        shapely.intersection(lines, shape.buffer(near_m)), return_index=True
    )
    # Where an edge only touches, its nearest place says all.
    long = shapely.length(stretch) > 0
    stretch, whose = stretch[long], whose[long]
    length = shapely.length(stretch)
    step = max(_STEP_M, length.sum() / _MOST_STEPS)
    count = np.ceil(length / step).astype(np.int64) + 1
    k = ragged(np.zeros_like(count), count)
    share = k / np.repeat(np.maximum(count - 1, 1), count)
    between = (
        shapely.line_interpolate_point(np.repeat(stretch, count), share, normalized=True)
        if len(stretch)
        else stretch
    )
    nearest = shapely.get_coordinates(shapely.shortest_line(lines, shape))[::2]
    edge = np.concatenate([edges[np.repeat(whose, count)], edges]).astype(np.int64)
    return edge, np.concatenate([shapely.get_coordinates(between).reshape(-1, 2), nearest])


def _fenced(
    network: Network, shape: BaseGeometry, ways: tuple[np.ndarray, ...], near_m: float
) -> np.ndarray:
    # Steps from a street into a shape that a fence crosses; who is on a street inside is in.
    import shapely

    _, street, into, apart = ways
    shut = np.zeros(len(street), bool)
    if not len(network.fences):
        return shut
    fences = network.fences[network.fence_index.query(shape, predicate="dwithin", distance=near_m)]
    outside = np.flatnonzero(apart > 0)
    if not len(fences) or not len(outside):
        return shut
    # A little beyond the outline, on which fences are drawn.
    beyond = into + (into - street) * (_OUTLINE_M / np.maximum(apart, 1e-9))[:, None]
    steps = shapely.linestrings(np.stack([street, beyond], axis=1)[outside])
    shut[outside] = shapely.intersects(steps, shapely.union_all(fences))
    return shut


def _gates(
    network: Network, shape: BaseGeometry, limit_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # From the nearest street to every gate on the outline.
    import shapely

    on = network.entrance_index.query(shape.boundary, predicate="dwithin", distance=_OUTLINE_M)
    gate = network.entrances[np.sort(on)]
    which, edge = _nearest_edges(network.index, network.kerb, shapely.points(gate), limit_m)
    gate = gate[which]
    street = shapely.get_coordinates(
        shapely.shortest_line(network.lines[edge], shapely.points(gate))
    )[::2]
    return edge, street, gate, np.hypot(*(gate - street).T)


def _spots(network: Network, edge: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # (share, minutes along, minutes back) of the place on each edge nearest to xy, and how far off.
    from urbanplan.routing.paint import locate

    return locate(edge, xy, network.bend, network.vertex_xy, network.spent)


def _links(
    network: Network, edge: np.ndarray, spot: np.ndarray, beside: np.ndarray
) -> tuple[Links, Links]:
    # Both ends of the edge, in the directions that are open.
    total = network.minutes[edge]
    at_tail, at_head = spot[:, 0] == 0, spot[:, 0] == 1
    with np.errstate(invalid="ignore"):
        to_tail = np.where(at_tail, 0.0, spot[:, 2])
        to_head = np.where(at_head, 0.0, total[:, 0] - spot[:, 1])
        from_tail = np.where(at_tail, 0.0, spot[:, 1])
        from_head = np.where(at_head, 0.0, total[:, 1] - spot[:, 2])
    arcs = network.arcs
    return (
        _open(arcs.leave[edge], np.stack([to_tail, to_head], axis=1) + beside[:, None]),
        _open(arcs.enter[edge], np.stack([from_tail, from_head], axis=1) + beside[:, None]),
    )


def _open(ends: np.ndarray, minutes: np.ndarray) -> Links:
    use = np.isfinite(minutes)
    return Links(np.r_[0, np.cumsum(use.sum(1))], ends[use], np.maximum(minutes[use], 0.0))
