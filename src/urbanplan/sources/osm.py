"""Streets from an OpenStreetMap extract (``.osm.pbf``), read in one pass by pyosmium."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from urbanplan.errors import InputError
from urbanplan.files import existing, in_memory, write_bytes
from urbanplan.sources.streets import Streets

#: Keys that say who may pass, general to specific.
_ACCESS = ("access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot")
_SIDES = ("", ":left", ":right", ":both")
#: Tags that decide who may use a way, in which direction, how fast and on what ground.
WAY_KEYS = (
    "highway", "area", "route", "duration", "junction", "motorroad", "service", "construction", "disused", "abandoned",
    "bridge", "tunnel", "layer", "embankment", "covered", "indoor", "level", "conveying", "ford", "toll", "hov", "busway",
    "ice_road", "winter_road", "seasonal", "surface", "tracktype", "smoothness", "sac_scale", "segregated", "psv", "bus",
    *_ACCESS, *(f"{key}:{way}" for key in _ACCESS for way in ("forward", "backward")),
    *("oneway" + mode for mode in ("", *(f":{key}" for key in _ACCESS[1:]))),
    *(f"cycleway{side}" for side in _SIDES), *(f"cycleway{side}:oneway" for side in _SIDES), *(f"sidewalk{side}" for side in _SIDES),
    "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type", "source:maxspeed", "zone:maxspeed", "zone:traffic",
    *(f"{key}:conditional" for key in (*_ACCESS, "oneway", "maxspeed")),
)  # fmt: skip
_KEPT = frozenset(WAY_KEYS)
#: Tags that decide whom a point stops.
POINT_KEYS = ("barrier", *_ACCESS, "locked", "bollard", "kerb", "highway")
SOURCE = "OpenStreetMap contributors"
LICENCE = "ODbL-1.0"
#: pyosmium keeps coordinates as integers of this many degrees.
_DEGREE = 1e-7
#: pyosmium's coordinate of a point that the extract does not hold.
_NOWHERE = 2**31 - 1


def read_osm(path: Path | str) -> Streets:
    """Read every way with a ``highway`` tag, and every ferry.

    Parameters
    ----------
    path : path
        An ``.osm.pbf`` file (or ``.osm``, ``.osm.bz2``).

    Returns
    -------
    Streets

    Raises
    ------
    InputError
        If the file is damaged or holds no way with a ``highway`` tag.

    Notes
    -----
    Ways that run out of the extract end at the
    last point that it holds.
    """
    path, reader = existing(path), StreetReader()
    for item in _items(path):
        reader.add(item)
    return reader.streets(path)


class StreetReader:
    """Gathers the streets among the nodes and ways of an extract, as they come by.

    Parameters
    ----------
    box : (west, south, east, north), optional
        Ways whose first, middle and last point all lie outside it are passed over.
    """

    def __init__(self, box: tuple[float, float, float, float] | None = None) -> None:
        self._box = None
        if box is not None:
            # In pyosmium's whole numbers.
            self._box = tuple(round(v / _DEGREE) for v in box)
        self._kinds: dict[tuple, int] = {}
        self._gates: dict[int, dict[str, str]] = {}
        self._tags_of, self._ends, self._ids = array("i"), array("q"), array("q")
        self._xs, self._ys = array("i"), array("i")

    def add(self, item) -> None:
        """Take a node with a barrier, a street or a ferry; anything else is passed over."""
        if item.is_node():
            if "barrier" in item.tags:
                self._gates[item.id] = {k: item.tags[k] for k in POINT_KEYS if k in item.tags}
            return
        tags, nodes = item.tags, item.nodes
        if "highway" not in tags and tags.get("route") != "ferry":
            return  # a wall or a fence
        if self._box is not None and not self._near(nodes):
            return
        kind = tuple(sorted([(tag.k, tag.v) for tag in tags if tag.k in _KEPT]))
        self._tags_of.append(self._kinds.setdefault(kind, len(self._kinds)))
        ids, xs, ys = self._ids, self._xs, self._ys
        # The shortest way to a node's numbers: its iterator and its x and y are Python in between.
        for node in map(nodes.__getitem__, range(len(nodes))):
            place = node.location
            ids.append(node.ref)
            xs.append(place.x)
            ys.append(place.y)
        self._ends.append(len(ids))

    def _near(self, nodes) -> bool:
        west, south, east, north = self._box
        unknown = False
        for i in {0, len(nodes) // 2, len(nodes) - 1} if len(nodes) else ():
            at = nodes[i].location
            if west <= at.x <= east and south <= at.y <= north:
                return True
            unknown |= at.x == _NOWHERE
        # The extract lacks one of the three: the others decide.
        return unknown and any(
            west <= n.location.x <= east and south <= n.location.y <= north for n in nodes
        )

    def streets(self, path: Path) -> Streets:
        """All that was gathered; `path` is the extract, for its date.

        Raises
        ------
        InputError
            If there was no street.
        """
        if not self._tags_of:
            here = "" if self._box is None else " of the city"
            raise InputError(
                f"holds no street{here} (a way with a highway tag)",
                where=path,
                remedy="give an extract that covers the place",
            )
        return _streets(
            self._kinds,
            self._tags_of,
            self._ends,
            self._ids,
            self._xs,
            self._ys,
            self._gates,
            as_of(path),
        )


def _items(path: Path) -> Iterator:
    import osmium
    from osmium.filter import KeyFilter

    kinds = osmium.osm.NODE | osmium.osm.WAY
    with readable(path):
        reader = osmium.FileProcessor(str(path), kinds)
        yield from reader.with_locations().with_filter(KeyFilter("highway", "barrier", "route"))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of what fails to be read as OpenStreetMap data that it is the file's fault."""
    try:
        yield
    except RuntimeError as err:
        raise InputError(
            f"cannot be read as OpenStreetMap data ({str(err).splitlines()[0][:120]})",
            where=path,
            remedy="download or export the extract again as .osm.pbf",
        ) from None


def as_of(path: Path) -> str:
    """Date of an extract, as its header states it; empty if it states none."""
    import osmium

    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        return reader.header().get("osmosis_replication_timestamp", "")[:10]


def stated_bounds(path: Path) -> tuple[float, float, float, float] | None:
    """West, south, east and north of an extract, as its header states them; None if it does not."""
    import osmium

    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return low.lon, low.lat, high.lon, high.lat


def _streets(kinds, tags_of, ends, ids, xs, ys, gates, as_of: str) -> Streets:
    ids, x, y = (np.frombuffer(a, d) for a, d in ((ids, np.int64), (xs, np.int32), (ys, np.int32)))
    here = x != _NOWHERE
    way = np.repeat(np.arange(len(tags_of)), np.diff(np.frombuffer(ends, np.int64), prepend=0))
    # A way is cut where the extract lacks a point, never joined across the hole.
    piece = np.r_[True, (way[1:] != way[:-1]) | ~here[:-1]].cumsum()[here]
    first = np.flatnonzero(np.r_[True, piece[1:] != piece[:-1], True])
    point_ids, seen, refs = np.unique(ids[here], return_index=True, return_inverse=True)
    at = np.searchsorted(point_ids, list(gates)) if gates else []
    on_street = {
        int(i): gates[node]
        for i, node in zip(at, gates)
        if i < len(point_ids) and point_ids[i] == node
    }
    return Streets(
        lonlat=np.c_[x[here][seen], y[here][seen]] * _DEGREE,
        refs=refs.astype(np.int32),
        first=first,
        tags=tuple(dict(kind) for kind in kinds),
        tags_of=np.frombuffer(tags_of, np.int32)[way[here][first[:-1]]],
        point_ids=point_ids,
        point_tags=on_street,
        source=SOURCE,
        licence=LICENCE,
        as_of=as_of,
    )


@contextmanager
def writing_osm(path: Path | str, header: Any) -> Iterator[Any]:
    """Yield pyosmium's writer of an ``.osm.pbf``, and write what it made.

    In between it lies in memory: at a full disk, libosmium ends the whole process.
    """
    import osmium

    with in_memory() as (place, made):
        to = osmium.io.File(place, "pbf")
        with osmium.SimpleWriter(to, header=header, overwrite=True) as writer:
            yield writer
        write_bytes(path, made())


def write_osm(path: Path | str, streets: Streets) -> Path:
    """Write streets as an ``.osm.pbf`` extract that any OpenStreetMap tool opens.

    Parameters
    ----------
    path : path
        Ending in ``.osm.pbf``.
    streets : Streets
        Points keep their ids if each has one of its own, ways are numbered in their order.

    Notes
    -----
    The same streets give the same bytes.
    """
    import osmium

    header = osmium.io.Header()
    header.set("generator", "urbanplan")
    if streets.as_of:
        header.set("osmosis_replication_timestamp", f"{streets.as_of}T00:00:00Z")
    own = streets.point_ids
    if len(own) and (own.min() < 1 or len(np.unique(own)) < len(own)):
        own = np.arange(1, len(own) + 1)
    lonlat = streets.lonlat.tolist()
    ids, refs, first = own.tolist(), streets.refs.tolist(), streets.first.tolist()
    with writing_osm(path, header) as writer:
        for i in np.argsort(own, kind="stable").tolist():
            place = osmium.osm.Location(*lonlat[i])
            tags = streets.point_tags.get(i, {})
            writer.add_node(osmium.osm.mutable.Node(id=ids[i], location=place, tags=tags))
        for way, kind in enumerate(streets.tags_of.tolist()):
            nodes = [ids[i] for i in refs[first[way] : first[way + 1]]]
            tags = streets.tags[kind]
            writer.add_way(osmium.osm.mutable.Way(id=way + 1, nodes=nodes, tags=tags))
    return Path(path)
