"""OpenStreetMap files: judged before libosmium sees them, and put in the order that it needs."""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from urbanplan.errors import InputError
from urbanplan.files import existing, scan_xml, scratch_folder, size_bytes, unpacked

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
        for item, kept in zip(osmium.FileProcessor(str(path)), keep):
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
