"""OpenStreetMap's files: judged, put in order, and read as streets."""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from urbanplan.base.crs import near_meridian
from urbanplan.catalog import walked_tags
from urbanplan.errors import InputError
from urbanplan.files import (
    existing,
    in_memory,
    scan_xml,
    scratch_folder,
    size_bytes,
    unpacked,
    write_bytes,
)
from urbanplan.sources.streets import Restriction, Streets, between, continuous

#: So many bytes may any file take decoded; a larger one so many for each byte that it has.
#: Extracts of six cities take 20 to 40 for each byte, compressed XML 10 to 15.
_FREE_BYTES, _MAX_RATIO = 128 * 2**20, 200
#: Files that must be sorted are held in memory whole, so they may not take more.
_MAX_SORTED = 2**30
#: Most tags of an object, points or members of an object, as in `sources.pbf`.
_MAX_CHILDREN = 100_000
_KINDS = ("node", "way", "relation")
_CHANGES, _HISTORY = "holds changes to a map, not a map", "holds a map's history, not a map"
_FAULTS = (RuntimeError, ValueError, LookupError, ArithmeticError, OSError, zlib.error)
_AGAIN = "download or export the extract again as .osm.pbf"


@contextmanager
def in_order(path: Path | str) -> Iterator[Path]:
    """Yield an extract that libosmium may read: bounded, sorted, each object in its last version.

    Parameters
    ----------
    path : path
        OpenStreetMap data: ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.

    Yields
    ------
    Path
        The file itself if it is in order; else a sorted copy in a scratch folder, in which the
        negative ids of an editor became positive ones, and what the editor deleted is missing.

    Raises
    ------
    InputError
        If the file is damaged, holds changes or history instead of a map, or would take more
        memory than a map of its size ever does.

    References
    ----------
    OpenStreetMap wiki: PBF Format; OSM XML; JOSM file format; OsmChange.
    """
    path = existing(path)
    name = path.name.lower()
    if re.search(r"\.os[ch](\.|$)", name):
        raise _no_map(_CHANGES if ".osc" in name else _HISTORY, path)
    with readable(path):
        judge = _judge_pbf if name.endswith(".pbf") else _judge_xml
        ordered, decoded, dropped = judge(path)
    if ordered:
        yield path
        return
    if decoded > _MAX_SORTED:
        raise InputError(
            "is not sorted, and too large to be sorted here",
            where=path,
            remedy="sort it first: `osmium sort FILE -o sorted.osm.pbf`",
        )
    with scratch_folder() as folder:
        with readable(path):
            copy = _sorted(path, dropped, folder)
        yield copy


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of what fails to be read as OpenStreetMap data that it is the file's fault."""
    import osmium

    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise InputError(
            "would take more memory than a map of its size does", where=path, remedy=_AGAIN
        ) from None
    except (*_FAULTS, osmium.InvalidLocationError) as err:
        reason = (str(err).splitlines() or [type(err).__name__])[0][:120]
        raise InputError(
            f"cannot be read as OpenStreetMap data ({reason})", where=path, remedy=_AGAIN
        ) from None


def _no_map(what: str, path: Path) -> InputError:
    return InputError(what, where=path, remedy="give an extract of the map, as .osm.pbf")


def _judge_pbf(path: Path) -> tuple[bool, int, set[tuple[str, int]]]:
    # Whether it is in order, bytes that it takes decoded, and what an editor deleted.
    import osmium

    from urbanplan.sources import pbf

    with unpacked(path) as file:
        walked = pbf.walk(file, _FREE_BYTES + _MAX_RATIO * size_bytes(path))
    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        if walked.deleted or reader.header().has_multiple_object_versions:
            raise _no_map(_HISTORY, path)
    return walked.ordered, walked.decoded, set()


def _judge_xml(path: Path) -> tuple[bool, int, set[tuple[str, int]]]:
    ordered, depth, children, last = True, 0, 0, (0, 0)
    deleted: set[tuple[str, int]] = set()

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal ordered, depth, children, last
        depth += 1
        if depth == 1 and name == "osmChange":
            raise _no_map(_CHANGES, path)
        if name not in _KINDS:
            children += 1
            if children > _MAX_CHILDREN:
                raise MemoryError
            return
        children = 0
        number = int(attributes.get("id", 0))
        if attributes.get("action") == "delete":
            deleted.add((name, number))
        elif attributes.get("visible") == "false":
            raise _no_map(_HISTORY, path)
        here = (_KINDS.index(name), number)
        ordered &= number > 0 and here > last
        last = here

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    total = scan_xml(path, begin, end, _FREE_BYTES + _MAX_RATIO * size_bytes(path))
    return ordered and not deleted, total, deleted


def _sorted(path: Path, dropped: set[tuple[str, int]], folder: Path) -> Path:
    """A copy in order, each object once, all ids positive."""
    import osmium

    item: Any  # of any kind
    kinds, ids, versions = array("b"), array("q"), array("q")
    for item in osmium.FileProcessor(str(path)):
        kinds.append(_KINDS.index(_kind(item)))
        ids.append(item.id)
        versions.append(item.version)
    kind, number, version = np.array(kinds), np.array(ids, np.int64), np.array(versions)
    # The last of each object: by version, then by place in the file.
    order = np.lexsort((np.arange(len(kind)), version, number, kind))
    same = (np.diff(kind[order]) == 0) & (np.diff(number[order]) == 0)
    last = np.ones(len(kind), bool)
    last[order[:-1][same]] = False
    if not last.all() or dropped or number.min(initial=1) < 1:
        path = _rewritten(path, last, dropped, int(number.max(initial=0)), folder)
    loaded, copy = osmium.MergeInputReader(), folder / "sorted.osm.pbf"
    loaded.add_file(str(path))
    with osmium.SimpleWriter(str(copy), overwrite=True) as writer:
        loaded.apply(writer, simplify=False)
    return copy


def _rewritten(
    path: Path, keep: np.ndarray, dropped: set[tuple[str, int]], above: int, folder: Path
) -> Path:
    """A copy without what is dropped; ids that are not positive continue above the largest."""
    import osmium

    def own(number: int) -> int:
        return number if number > 0 else above + 1 - number

    copy = folder / "loose.osm.pbf"
    with osmium.SimpleWriter(str(copy), overwrite=True) as writer:
        items: Any = osmium.FileProcessor(str(path))
        for item, kept in zip(items, keep):
            kind = _kind(item)
            if not kept or (kind, item.id) in dropped:
                continue
            new: dict[str, Any] = {"id": own(item.id)}
            if kind == "way":
                new["nodes"] = [own(n.ref) for n in item.nodes]
            elif kind == "relation":
                new["members"] = [(m.type, own(m.ref), m.role) for m in item.members]
            getattr(writer, f"add_{kind}")(item.replace(**new))
    return copy


def _kind(item: Any) -> str:
    return "node" if item.is_node() else "way" if item.is_way() else "relation"


#: Keys that say who may pass, general to specific.
_ACCESS = ("access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot")
_SIDES = ("", ":left", ":right", ":both")
#: Key of our own: rings of a square that is a relation name it, the outer ring as `name`, its holes as `name/1`, `name/2`.
SQUARE = "urbanplan:square"
#: Rings of relations are numbered from here: no way of OpenStreetMap comes near.
_RINGS_FROM = 2**50
#: Tags that decide who may use a way, in which direction, how fast and on what ground.
WAY_KEYS = (
    "highway", "area", SQUARE, "place", "leisure", "landuse", "natural", "building", "route", "duration", "junction", "motorroad", "service", "construction", "disused", "abandoned",
    "bridge", "tunnel", "layer", "embankment", "covered", "indoor", "level", "conveying", "ford", "toll", "hov", "busway",
    "man_made", "railway", "public_transport", "floating", "ice_road", "winter_road", "seasonal", "surface", "tracktype", "smoothness", "sac_scale", "segregated", "psv", "bus",
    *_ACCESS, *(f"{key}:{way}" for key in _ACCESS for way in ("forward", "backward")),
    *("oneway" + mode for mode in ("", *(f":{key}" for key in _ACCESS[1:]))),
    *(f"cycleway{side}" for side in _SIDES), *(f"cycleway{side}:oneway" for side in _SIDES), *(f"sidewalk{side}" for side in _SIDES),
    "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type", "source:maxspeed", "zone:maxspeed", "zone:traffic",
    *(f"{key}:conditional" for key in (*_ACCESS, "oneway", "maxspeed")),
)  # fmt: skip
_KEPT = frozenset(WAY_KEYS)
#: Tags that decide whom a point stops.
POINT_KEYS = ("barrier", *_ACCESS, "locked", "bollard", "kerb", "highway")
#: Keys by which streets, ferries, gates and restrictions of turns are found.
STREET_KEYS = ("highway", "barrier", "entrance", "route", "type", *walked_tags())
#: Keys of the areas that are streets.
AREA_KEYS = ("highway", *walked_tags())
#: Ways that close an area, and points that open it.
FENCES = ("fence", "wall", "hedge", "city_wall", "retaining_wall", "wire_fence")
GATES = (
    "gate", "entrance", "lift_gate", "swing_gate", "sliding_gate", "kissing_gate", "wicket_gate", "hampshire_gate", "stile",
    "turnstile", "full-height_turnstile", "cycle_barrier", "bollard",
)  # fmt: skip
SOURCE = "OpenStreetMap contributors"
LICENCE = "ODbL-1.0"
#: pyosmium keeps coordinates as integers of this many degrees.
_DEGREE = 1e-7
#: pyosmium's coordinate of a point that the extract does not hold.
_NOWHERE = 2**31 - 1


def read_osm(path: Path | str) -> Streets:
    """Read every way with a ``highway`` tag, every platform, pier and square, and every ferry.

    Parameters
    ----------
    path : path
        An ``.osm.pbf`` file (or ``.osm``, ``.osm.gz``, ``.osm.bz2``), in any order.

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
    import osmium
    from osmium.filter import KeyFilter

    path, reader = existing(path), StreetReader()
    with in_order(path) as ordered, readable(path):
        items = osmium.FileProcessor(str(ordered)).with_locations().with_areas(KeyFilter(*AREA_KEYS))  # fmt: skip
        for item in items.with_filter(KeyFilter(*STREET_KEYS)):
            reader.add(item)
    return reader.streets(path, as_of(path))


class StreetReader:
    """Gathers the streets among the nodes and ways of an extract, as they come by.

    Parameters
    ----------
    box : (west, south, east, north), optional
        Ways whose first, middle and last point all lie outside it are passed over.
    """

    def __init__(self, box: tuple[float, float, float, float] | None = None) -> None:
        # In pyosmium's whole numbers; a box over the 180th meridian goes on at the other side.
        self._boxes: list[tuple[int, ...]] | None = box and [
            tuple(round(v / _DEGREE) for v in (box[0] + turn, box[1], box[2] + turn, box[3]))
            for turn in (-360.0, 0.0, 360.0)
            if box[0] + turn <= 180.0 and box[2] + turn >= -180.0
        ]
        self._kinds: dict[tuple, int] = {}
        self._gates: dict[int, dict[str, str]] = {}
        self._tags_of, self._ends, self._ids = array("i"), array("q"), array("q")
        self._way_ids, self._rings = array("q"), 0
        self._restrictions: list[Restriction] = []
        self._xs, self._ys = array("i"), array("i")
        self._fences: list[list[tuple[float, float]]] = []
        self._entrances: list[tuple[float, float]] = []

    def add(self, item: Any) -> None:
        """Take a barrier, an entrance, a street, a square, a ferry, or a relation that restricts turns."""
        if item.is_node():
            if _lets_in(item.tags) and self._inside(item.location):
                self._entrances.append((item.location.lon, item.location.lat))
            if "barrier" in item.tags:
                self._gates[item.id] = {k: item.tags[k] for k in POINT_KEYS if k in item.tags}
            return
        if item.is_relation():
            self._restrictions += _restrictions(item)
        elif item.is_area():
            self._add_square(item)
        else:
            self._add_way(item)

    def _add_way(self, item: Any) -> None:
        tags, nodes = item.tags, item.nodes
        street = _is_street(tags) or tags.get("route") == "ferry"
        fence = not street and tags.get("barrier") in FENCES
        if not (street or fence) or (self._boxes and not self._near(nodes)):
            return
        if fence:
            here = [n.location for n in nodes if n.location.valid()]
            if len(here) > 1:
                self._fences.append([(place.lon, place.lat) for place in here])
            return
        self._keep({tag.k: tag.v for tag in tags if tag.k in _KEPT}, item.id, nodes)

    def _add_square(self, area: Any) -> None:
        # Closed ways come as ways.
        if area.from_way() or not _is_street(area.tags):
            return
        own = {tag.k: tag.v for tag in area.tags if tag.k in _KEPT}
        for outer, ring in enumerate(area.outer_rings()):
            if self._boxes and not any(self._near([node]) for node in ring):
                continue
            name = f"{area.orig_id()}.{outer}"
            for n, nodes in enumerate([ring, *area.inner_rings(ring)]):
                square = name + (f"/{n}" if n else "")
                self._rings += 1
                self._keep({**own, "area": "yes", SQUARE: square}, _RINGS_FROM + self._rings, nodes)

    def _keep(self, tags: dict[str, str], number: int, nodes: Any) -> None:
        kind = tuple(sorted(tags.items()))
        self._tags_of.append(self._kinds.setdefault(kind, len(self._kinds)))
        self._way_ids.append(number)
        ids, xs, ys = self._ids, self._xs, self._ys
        # The shortest way to a node's numbers: its iterator and its x and y are Python in between.
        for node in map(nodes.__getitem__, range(len(nodes))):
            place = node.location
            ids.append(node.ref)
            xs.append(place.x)
            ys.append(place.y)
        self._ends.append(len(ids))

    def _inside(self, place: Any) -> bool:
        return place.valid() and (not self._boxes or self._holds(place.x, place.y))

    def _near(self, nodes: Any) -> bool:
        unknown = False
        for i in {0, len(nodes) // 2, len(nodes) - 1} if len(nodes) else ():
            at = nodes[i].location
            if self._holds(at.x, at.y):
                return True
            unknown |= at.x == _NOWHERE
        # The extract lacks one of the three: the others decide.
        return unknown and any(self._holds(n.location.x, n.location.y) for n in nodes)

    def _holds(self, x: int, y: int) -> bool:
        return any(w <= x <= e and s <= y <= n for w, s, e, n in self._boxes or ())

    def streets(self, path: Path, as_of: str = "") -> Streets:
        """All that was gathered from an extract of a date; `path` is for messages.

        Raises
        ------
        InputError
            If there was no street.
        """
        ids, way_ids = np.frombuffer(self._ids, np.int64), np.frombuffer(self._way_ids, np.int64)
        x, y = np.frombuffer(self._xs, np.int32), np.frombuffer(self._ys, np.int32)
        here = x != _NOWHERE
        if not here.any():
            here = " of the city" if self._boxes else ""
            raise InputError(
                f"holds no street{here} (a way with a highway tag)",
                where=path,
                remedy="give an extract that covers the place",
            )
        ends = np.frombuffer(self._ends, np.int64)
        way = np.repeat(np.arange(len(way_ids)), np.diff(ends, prepend=0))
        # A way is cut where the extract lacks a point, never joined across the hole.
        new = np.r_[True, (way[1:] != way[:-1]) | ~here[:-1]]
        piece = new.cumsum()[here]
        first = np.flatnonzero(np.r_[True, piece[1:] != piece[:-1], True])
        way = way[here][first[:-1]]
        point_ids, seen, refs = np.unique(ids[here], return_index=True, return_inverse=True)
        at = np.searchsorted(point_ids, np.array([*self._gates], np.int64)).tolist()
        return Streets(
            lonlat=continuous(np.c_[x[here][seen], y[here][seen]] * _DEGREE),
            refs=refs.astype(np.int32),
            first=first,
            tags=tuple(dict(kind) for kind in self._kinds),
            tags_of=np.frombuffer(self._tags_of, np.int32)[way],
            point_ids=point_ids,
            point_tags={
                int(i): self._gates[node]
                for i, node in zip(at, self._gates)
                if i < len(point_ids) and point_ids[i] == node
            },
            fence_lonlat=np.array([at for fence in self._fences for at in fence]).reshape(-1, 2),
            fence_first=np.r_[0, np.cumsum([len(f) for f in self._fences])].astype(np.int64),
            entrances=np.array(self._entrances).reshape(-1, 2),
            source=SOURCE,
            licence=LICENCE,
            as_of=as_of,
            way_ids=way_ids[way],
            restrictions=between(self._restrictions, way_ids[way], point_ids),
        )


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


def _is_street(tags: Any) -> bool:
    return "highway" in tags or any(tags.get(k) in values for k, values in walked_tags().items())


def _lets_in(tags: Any) -> bool:
    # Gates that nobody but their owner opens let nobody in.
    gate = tags.get("entrance", "no") not in ("no", "emergency") or tags.get("barrier") in GATES
    said = tags.get("foot", tags.get("access", "yes"))
    return gate and said not in ("no", "private") and tags.get("locked") != "yes"


def _restrictions(relation: Any) -> Iterator[Restriction]:
    # One for each pair of ways: `no_entry` may name several from, `no_exit` several to.
    tags = dict(relation.tags)
    if not tags.get("type", "").startswith("restriction"):
        return
    by_role: dict[str, list[tuple[str, int]]] = {"from": [], "via": [], "to": []}
    for member in relation.members:
        by_role.get(member.role, []).append((member.type, member.ref))
    kinds = {kind for kind, _ in by_role["via"]}
    if kinds not in ({"n"}, {"w"}) or (kinds == {"n"} and len(by_role["via"]) > 1):
        return  # nobody can tell where to turn
    via = tuple(number for _, number in by_role["via"])
    kind = tags.get("restriction", "")
    for one, from_way in by_role["from"]:
        for other, to_way in by_role["to"]:
            if one == other == "w":
                yield Restriction(kind, from_way, via, kinds == {"w"}, to_way, tags)


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
        Points and ways keep their ids if each has one of its own, else they are numbered in order.

    Notes
    -----
    The same streets give the same bytes.
    """
    import osmium

    header = osmium.io.Header()
    header.set("generator", "urbanplan")
    if streets.as_of:
        header.set("osmosis_replication_timestamp", f"{streets.as_of}T00:00:00Z")
    own, way_ids = _own_ids(streets.point_ids), _own_ids(streets.way_ids)
    point_of = dict(zip(streets.point_ids.tolist(), own.tolist()))
    way_of = dict(zip(streets.way_ids.tolist(), way_ids.tolist()))
    lonlat = np.c_[near_meridian(streets.lonlat[:, 0], 0.0), streets.lonlat[:, 1]].tolist()
    ids, refs, first = own.tolist(), streets.refs.tolist(), streets.first.tolist()
    with writing_osm(path, header) as writer:
        for i in np.argsort(own, kind="stable").tolist():
            place = osmium.osm.Location(*lonlat[i])
            tags = streets.point_tags.get(i, {})
            writer.add_node(osmium.osm.mutable.Node(id=ids[i], location=place, tags=tags))
        # Gates and fences after all that has an id of its own.
        number = max(ids, default=0)
        more = [{"entrance": "yes"}] * len(streets.entrances) + [{}] * len(streets.fence_lonlat)
        for n, at in enumerate([*streets.entrances.tolist(), *streets.fence_lonlat.tolist()], 1):
            place = osmium.osm.Location(float(near_meridian(np.array(at[0]), 0.0)), at[1])
            writer.add_node(
                osmium.osm.mutable.Node(id=number + n, location=place, tags=more[n - 1])
            )
        number += len(streets.entrances) + 1
        for way in np.argsort(way_ids, kind="stable").tolist():
            nodes = [ids[i] for i in refs[first[way] : first[way + 1]]]
            tags = streets.tags[streets.tags_of[way]]
            writer.add_way(osmium.osm.mutable.Way(id=int(way_ids[way]), nodes=nodes, tags=tags))
        ends = streets.fence_first.tolist()
        for way, (a, b) in enumerate(
            zip(ends[:-1], ends[1:]), max(way_ids.tolist(), default=0) + 1
        ):
            nodes = list(range(number + a, number + b))
            tags = {"barrier": "fence"}
            writer.add_way(osmium.osm.mutable.Way(id=way, nodes=nodes, tags=tags))
        for number, turn in enumerate(streets.restrictions, 1):
            via = way_of if turn.via_ways else point_of
            members = [
                ("w", way_of[turn.from_way], "from"),
                *(("w" if turn.via_ways else "n", via[one], "via") for one in turn.via),
                ("w", way_of[turn.to_way], "to"),
            ]
            relation = osmium.osm.mutable.Relation(id=number, members=members, tags=turn.tags)
            writer.add_relation(relation)
    return Path(path)


def _own_ids(ids: np.ndarray) -> np.ndarray:
    if len(ids) and (ids.min() < 1 or len(np.unique(ids)) < len(ids)):
        return np.arange(1, len(ids) + 1)
    return ids
