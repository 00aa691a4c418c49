"""Streets from an OpenStreetMap extract (``.osm.pbf``), read in one pass by pyosmium."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from urbanplan.errors import InputError
from urbanplan.files import existing
from urbanplan.sources.streets import Streets

#: Tags that decide who may use a way, in which direction and how fast.
_ALWAYS = (
    "highway", "area", "access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot",
    "oneway", "oneway:foot", "oneway:bicycle", "junction", "maxspeed", "maxspeed:forward", "maxspeed:backward",
)  # fmt: skip
#: Tags that only matter where a way is one-way.
_ONEWAY = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
WAY_KEYS = (*_ALWAYS, *_ONEWAY)
_AT_ONEWAY, _AT_JUNCTION = _ALWAYS.index("oneway"), _ALWAYS.index("junction")
#: Tags that decide whom a point stops.
POINT_KEYS = ("barrier", "access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot")
SOURCE = "OpenStreetMap contributors"
LICENCE = "ODbL-1.0"
#: pyosmium keeps coordinates as integers of this many degrees.
_DEGREE = 1e-7
#: pyosmium's coordinate of a point that the extract does not hold.
_NOWHERE = 2**31 - 1


def read_osm(path: Path | str) -> Streets:
    """Read every way with a ``highway`` tag.

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
    Ferries have no ``highway`` tag and are left out. Ways that run out of the extract end at the
    last point that it holds.
    """
    path = existing(path)
    kinds: dict[tuple, int] = {}
    tags_of, ends, ids, xs, ys = array("i"), array("q"), array("q"), array("i"), array("i")
    gates: dict[int, dict[str, str]] = {}
    for item in _items(path):
        if item.is_node():
            if "barrier" in item.tags:
                gates[item.id] = {k: item.tags[k] for k in POINT_KEYS if k in item.tags}
            continue
        tags, nodes = item.tags, item.nodes
        kind = [tags.get("highway")]
        if kind[0] is None:
            continue  # a wall or a fence
        if len(tags) > 1:
            kind += [tags.get(key) for key in _ALWAYS[1:]]
            if kind[_AT_ONEWAY] or kind[_AT_JUNCTION] or kind[0] == "motorway":
                kind += [tags.get(key) for key in _ONEWAY]
        tags_of.append(kinds.setdefault(tuple(kind), len(kinds)))
        # The shortest way to a node's numbers: its iterator and its x and y are Python in between.
        for node in map(nodes.__getitem__, range(len(nodes))):
            place = node.location
            ids.append(node.ref)
            xs.append(place.x)
            ys.append(place.y)
        ends.append(len(ids))
    if not tags_of:
        raise InputError(
            "holds no street (a way with a highway tag)", where=path, remedy="check the extract"
        )
    return _streets(kinds, tags_of, ends, ids, xs, ys, gates, _as_of(path))


def _items(path: Path) -> Iterator:
    import osmium
    from osmium.filter import KeyFilter

    kinds = osmium.osm.NODE | osmium.osm.WAY
    try:
        reader = osmium.FileProcessor(str(path), kinds)
        yield from reader.with_locations().with_filter(KeyFilter("highway", "barrier"))
    except RuntimeError as err:
        raise InputError(
            f"cannot be read as OpenStreetMap data ({str(err).splitlines()[0][:120]})",
            where=path,
            remedy="download or export the extract again as .osm.pbf",
        ) from None


def _as_of(path: Path) -> str:
    import osmium

    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        return reader.header().get("osmosis_replication_timestamp", "")[:10]


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
        tags=tuple({k: v for k, v in zip(WAY_KEYS, kind) if v is not None} for kind in kinds),
        tags_of=np.frombuffer(tags_of, np.int32)[way[here][first[:-1]]],
        point_ids=point_ids,
        point_tags=on_street,
        source=SOURCE,
        licence=LICENCE,
        as_of=as_of,
    )
