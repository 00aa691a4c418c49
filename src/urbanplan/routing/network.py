"""One mode's streets as arrays, the file that keeps them, and figures of their shape."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import require_metric
from urbanplan.catalog import Mode, StreetRules, mode_of
from urbanplan.errors import CrsError, InputError, UrbanplanError
from urbanplan.files import has, hash_folder, make_room, read_arrays, write_arrays
from urbanplan.routing.graph import Graph, build_graph
from urbanplan.routing.turns import Arcs, with_turns

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from shapely import STRtree
    from shapely.geometry.base import BaseGeometry

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
    motorway_xy : ndarray of float64, shape (n, 2)
        Vertices of motorways on the ground, one after the other, whether the mode may use them or not.
    motorway_first : ndarray of int64, shape (motorways + 1,)
        Where each begins.
    entrances : ndarray of float64, shape (m, 2)
        Gates and entrances that anybody may use.
    source, licence, as_of : str
        Where the streets come from.
    findings : tuple of str
        What the reader must know, such as how much was cut off from the rest.
    water : geometry, optional
        Water in the same system; a city knows its own, a file of streets holds none.
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
    motorway_xy: np.ndarray
    motorway_first: np.ndarray
    entrances: np.ndarray
    source: str
    licence: str
    as_of: str
    findings: tuple[str, ...]
    water: BaseGeometry | None = None

    @property
    def rules(self) -> StreetRules:
        """What the mode may do on streets: no network is built without."""
        assert self.mode.streets is not None
        return self.mode.streets

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
        """What a search runs over, see `urbanplan.routing.turns.Arcs`."""
        forbidden = (tuple(a for a in row if a >= 0) for row in self.forbidden.tolist())
        edges = (self.nodes, self.tail, self.head, self.minutes, self.private)
        return with_turns(*edges, forbidden, self.rules.u_turns)

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
    def index(self) -> STRtree:
        """Spatial index of the `lines` of `kerb`."""
        import shapely

        return shapely.STRtree(self.lines[self.kerb])

    @cached_property
    def part_m(self) -> np.ndarray:
        """Length of each part in metres."""
        return np.bincount(self.part, self.length_m)

    @cached_property
    def joined(self) -> np.ndarray:
        """Whether one gets to each edge from the rest of its part, and away from it; bool, shape (edges, 2).

        The rest is where one gets everywhere and back: the longest such piece of a part, and each that is no fragment.
        Where a part has none (one-way streets only), nobody can tell what its rest is, and all is joined.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import breadth_first_order, connected_components

        ends = np.stack([self.tail, self.head], axis=1).astype(np.int64)
        open_ = np.isfinite(self.minutes)
        arcs = np.concatenate([ends[open_[:, 0]], ends[open_[:, 1]][:, ::-1]])
        hub = self.nodes

        def linked(rows: np.ndarray) -> csr_array:
            return coo_array(
                (np.ones(len(rows), np.int8), rows.T), shape=(hub + 1, hub + 1)
            ).tocsr()

        strong = connected_components(linked(arcs), connection="strong")[1]
        inner = strong[self.tail] == strong[self.head]
        metres = np.bincount(strong[self.tail[inner]], self.length_m[inner], minlength=hub + 1)
        most = np.zeros(len(self.part_m))
        np.maximum.at(most, self.part, metres[strong[self.tail]])
        rest = inner & (metres[strong[self.tail]] >= np.minimum(most[self.part], FRAGMENT_M))
        rest &= metres[strong[self.tail]] > 0
        nodes = np.unique(self.tail[rest])
        start = np.c_[np.full(len(nodes), hub), nodes]
        found = []
        for rows in (arcs, arcs[:, ::-1]):
            at = np.zeros(hub + 1, bool)
            graph = linked(np.concatenate([rows, start]))
            at[breadth_first_order(graph, hub, return_predecessors=False)] = True
            found.append(at)
        into, away = found
        # Into the edge from its tail, or from its head; away from it at its head, or at its tail.
        to = (open_[:, 0] & into[self.tail]) | (open_[:, 1] & into[self.head])
        out = (open_[:, 0] & away[self.head]) | (open_[:, 1] & away[self.tail])
        return np.stack([to, out], axis=1) | ~(most[self.part] > 0)[:, None]

    @cached_property
    def main_kerb(self) -> np.ndarray:
        """Those of `kerb` that are on no fragment, in the order of `main_index`."""
        return self.kerb[self.part_m[self.part[self.kerb]] >= FRAGMENT_M]

    @cached_property
    def main_index(self) -> STRtree:
        """Spatial index of the `lines` of `main_kerb`."""
        import shapely

        return shapely.STRtree(self.lines[self.main_kerb])

    @cached_property
    def fences(self) -> np.ndarray:
        """Fences and walls as lines, shape (fences,)."""
        import shapely

        return shapely.linestrings(self.fence_xy, indices=_rows(self.fence_first))

    @cached_property
    def fence_index(self) -> STRtree:
        """Spatial index of `fences`."""
        import shapely

        return shapely.STRtree(self.fences)

    @cached_property
    def walls(self) -> STRtree:
        """Spatial index of what nobody walks across beside the streets: fences, motorways, water."""
        import shapely

        roads = shapely.linestrings(self.motorway_xy, indices=_rows(self.motorway_first))
        found = np.concatenate([self.fences, roads, shapely.get_parts([self.water])])
        shapely.prepare(found)
        return shapely.STRtree(found)

    @cached_property
    def entrance_index(self) -> STRtree:
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


def _rows(first: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(first) - 1), np.diff(first))


#: Version of the arrays; another one is refused rather than misread.
_FORMAT = "urbanplan network 5"
#: Edges of the longest sequence that may be forbidden.
_LONGEST = 200
#: Fields of the rules that are tables.
_TABLES = ("kmh", "opened_kmh")


def save(network: Network, path: Path | str) -> Path:
    """Write a network to a file that `load` reads back, the same bytes for the same network."""
    from shapely import to_wkb

    arrays: dict[str, np.ndarray] = {}
    about: dict[str, Any] = {"format": _FORMAT}
    for field in fields(network):
        value = getattr(network, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif field.name == "mode":
            about["mode"] = plain(value)
        elif field.name == "water":
            about["water"] = None if value is None else to_wkb(value, hex=True)
        else:
            about[field.name] = value
    return write_arrays(path, arrays, about)


def load(path: Path | str) -> Network:
    """Read a network that `save` wrote.

    Raises
    ------
    InputError
        If the file is something else, of another version, or damaged.
    """
    from shapely import from_wkb
    from shapely.errors import ShapelyError

    held, about = read_arrays(path)
    arrays: dict[str, Any] = {**held}
    if about.pop("format", None) != _FORMAT:
        raise InputError(
            "holds no street network of this version", where=path, remedy="build it again"
        )
    try:
        mode = about.pop("mode")
        about["findings"] = tuple(map(str, about["findings"]))
        about["crs"] = require_metric(about["crs"], path)
        about["water"] = from_wkb(about["water"])
        own = {k: v for k, v in mode.items() if k != "id"}
        network = Network(mode=mode_of(mode["id"], own, None), **arrays, **about)
        _require_sound(network)
    except CrsError:
        raise
    # What somebody else wrote may lack anything; the searches trust their arrays.
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, ShapelyError) as err:
        raise InputError(
            f"holds a street network that is broken ({str(err)[:120]})",
            where=path,
            remedy="build it again",
        ) from None
    return network


#: Networks are kept up to so many bytes in all; what was asked for longest ago goes first.
_KEPT_BYTES = 2 * 2**30


def kept(of: Mapping[str, Any], build: Callable[[], Network]) -> Network:
    """The network that was built before of the same things, or one that is built now and kept.

    Parameters
    ----------
    of : mapping
        All that it depends on besides the program: hashes of files, the system. Plain values.
    build : callable

    Returns
    -------
    Network

    Notes
    -----
    Kept in the user's own cache (see `own_cache`; nowhere if ``URBANPLAN_CACHE`` is empty) under a
    SHA-256 of `of`, of this program and of the libraries that it builds with. A kept file is judged
    as any other; a damaged one is built again.
    """
    from urbanplan.files.compiled import own_cache

    folder = None if os.environ.get("URBANPLAN_CACHE") == "" else own_cache("networks")
    if folder is None:
        return build()
    text = json.dumps([of, _FORMAT, _program()], sort_keys=True, ensure_ascii=False)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.npz"
    if has(path):
        with suppress(InputError, OSError):
            network = load(path)
            os.utime(path)
            return network
    network = build()
    # A full disk costs the next start its time, not this one its answer.
    with suppress(UrbanplanError, OSError):
        save(network, path)
        make_room(folder, ".npz", _KEPT_BYTES)
    return network


@cache
def _program() -> list[str]:
    # What makes a network: another version may make another one of the same streets.
    package = Path(__file__).parents[1]
    rooms = ("base", "files", "catalog", "sources", "routing")
    hashes = [hash_folder(package / room, end) for room in rooms for end in (".py", ".toml")]
    return [*hashes, *(version(name) for name in ("numpy", "scipy", "shapely", "pyproj", "osmium"))]


def _require_sound(network: Network) -> None:
    """Raise `ValueError` unless the arrays fit one another: compiled searches read past wrong ones."""
    nodes, edges, vertices = len(network.xy), len(network.tail), len(network.vertex_xy)
    shapes = {
        "xy": (np.float64, (nodes, 2)),
        "node_ids": (np.int64, (nodes,)),
        "tail": (np.int32, (edges,)),
        "head": (np.int32, (edges,)),
        "bend": (np.int64, (edges + 1,)),
        "vertex_xy": (np.float64, (vertices, 2)),
        "spent": (np.float64, (vertices, 2)),
        "length_m": (np.float64, (edges,)),
        "through": (np.bool_, (edges,)),
        "private": (np.bool_, (edges,)),
        "forbidden": (np.int64, (len(network.forbidden), _width(network.forbidden))),
        "part": (np.int32, (edges,)),
        "fence_xy": (np.float64, (len(network.fence_xy), 2)),
        "fence_first": (np.int64, (len(network.fence_first),)),
        "motorway_xy": (np.float64, (len(network.motorway_xy), 2)),
        "motorway_first": (np.int64, (len(network.motorway_first),)),
        "entrances": (np.float64, (len(network.entrances), 2)),
    }
    for name, (kind, shape) in shapes.items():
        array = getattr(network, name)
        if array.dtype != kind or array.shape != shape:
            raise ValueError(f"{name} has another type or length")
    for field in fields(network):
        if isinstance(getattr(network, field.name), np.ndarray) and field.name not in shapes:
            raise TypeError(field.name)
    if not all(isinstance(getattr(network, name), str) for name in ("source", "licence", "as_of")):
        raise ValueError("source has another type or length")
    ends, steps = np.r_[network.tail, network.head], np.diff(network.bend)
    sound = {
        "mode": network.mode.streets is not None,
        "tail or head": not edges or (ends.min() >= 0 and ends.max() < nodes),
        "tail": np.all(np.diff(network.tail) >= 0),
        "bend": network.bend[0] == 0 and network.bend[-1] == vertices and np.all(steps >= 2),
        "xy": np.isfinite(network.xy).all() and np.isfinite(network.vertex_xy).all(),
        "part": np.all((network.part >= 0) & (network.part < edges)),
        "fence_first": _are_lines(network.fence_first, network.fence_xy),
        "fence_xy": np.isfinite(network.fence_xy).all() and np.isfinite(network.entrances).all(),
        "motorway_first": _are_lines(network.motorway_first, network.motorway_xy),
        "motorway_xy": np.isfinite(network.motorway_xy).all(),
        "spent": np.all(network.spent >= 0),
        "forbidden": _are_turns(network),
        "length_m": np.all(network.length_m >= 0) and np.isfinite(network.length_m).all(),
    }
    for name, good in sound.items():
        if not good:
            raise ValueError(f"{name} leads nowhere")


def _width(array: np.ndarray) -> int:
    return array.shape[1] if array.ndim == 2 else 0


def _are_lines(first: np.ndarray, xy: np.ndarray) -> bool:
    return bool(first[0] == 0 and first[-1] == len(xy) and np.all(np.diff(first) >= 2))


def _are_turns(network: Network) -> bool:
    # Each two edges or more, one behind the other, then -1.
    rows, edges = network.forbidden, len(network.tail)
    if not len(rows):
        return True
    if not 2 <= rows.shape[1] <= _LONGEST or rows.min() < -1 or rows.max() >= 2 * edges:
        return False
    used = rows >= 0
    ends = np.stack([network.tail, network.head], axis=1)
    begin, end = ends[rows >> 1, rows & 1], ends[rows >> 1, 1 - (rows & 1)]
    joined = (end[:, :-1] == begin[:, 1:]) | ~used[:, 1:]
    return bool(used[:, :2].all() and (used[:, :-1] >= used[:, 1:]).all() and joined.all())


def plain(mode: Mode) -> dict[str, Any]:
    """A mode as plain values that `mode_of` makes it of again."""
    # asdict copies mappings, which a read-only one does not allow.
    return {
        **{f.name: getattr(mode, f.name) for f in fields(mode) if f.name != "streets"},
        "built_up": asdict(mode.built_up),
        "open_land": asdict(mode.open_land),
        "streets": {
            f.name: dict(v) if f.name in _TABLES else v
            for f in fields(StreetRules)
            for v in [getattr(mode.streets, f.name)]
        },
    }


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

    here = _blocks(network, land)
    return float(np.median(shapely.area(here)) / 1e4) if len(here) else float("nan")


def _blocks(network: Network, land: BaseGeometry) -> np.ndarray:
    # What streets enclose on all sides, where a point inside it lies in the land.
    import shapely

    near = network.lines[shapely.intersects(land.envelope, network.lines)]
    blocks = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(near))))
    return blocks[shapely.intersects(land, shapely.point_on_surface(blocks))]


def spacing_m(network: Network, land: BaseGeometry) -> float:
    """Longest side of any block that streets enclose and that lies in the land, in metres.

    The side of the least rectangle round the block: how far apart the streets along it lie. NaN
    where streets enclose nothing.
    """
    import shapely

    rings = shapely.get_coordinates(shapely.oriented_envelope(_blocks(network, land)))
    # Five corners each, the last of them the first.
    sides = np.diff(rings.reshape(-1, 5, 2), axis=1)
    return float(np.hypot(*sides.transpose(2, 0, 1)).max()) if len(sides) else float("nan")


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


def _ways(network: Network, land: BaseGeometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Sampled nodes inside the land, metres from each of them to every node, and the node before.
    import shapely
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

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
        "spacing_m": spacing_m,
        "detour": detour_ratio,
        "betweenness": busiest_share,
    }
)
