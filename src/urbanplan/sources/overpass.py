"""An extract of a city, asked of an Overpass server."""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.errors import BusyServerError, InputError, TooLongError, WebError
from urbanplan.files import (
    in_memory,
    list_files,
    memory_limit,
    read_bytes,
    remove_file,
    require_own,
    write_bytes,
)
from urbanplan.servers import web
from urbanplan.sources.osm import as_of, in_order, writing_osm

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Larger areas are asked for in parts, in m² (10 km by 10 km); a part whose answer is too long is halved
#: both ways, down to the smallest.
PART_M2 = 100e6
_SMALLEST_M2 = 1e6
#: Pauses in seconds before an exchange that failed is tried again.
PAUSES_S = (5.0, 15.0, 45.0, 90.0, 180.0)
#: A server that wants a longer pause is not waited for.
MAX_PAUSE_S = 600.0
#: What the server is told of how long it may take and how much memory it may use.
_HEAD = "[out:json][timeout:180][maxsize:1073741824]"
_M_PER_DEGREE = 111_320.0
#: Bounds of what OpenStreetMap itself allows: characters of a text, tags, points of a way, members.
_MOST_CHARACTERS, _MOST_TAGS, _MOST_POINTS, _MOST_MEMBERS = 255, 5000, 2000, 32000
_TEXT = re.compile(rf"[^\0\ud800-\udfff]{{0,{_MOST_CHARACTERS}}}")
#: What the elements of an answer may take in memory, in bytes; 64 MiB of real ones take half of it.
_MOST_MEMORY = 2**30


class _Box(NamedTuple):
    """Degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def m2(self) -> float:
        """Its area on a sphere."""
        width = (self.east - self.west) * math.cos(math.radians((self.south + self.north) / 2))
        return width * (self.north - self.south) * _M_PER_DEGREE**2

    def cut(self, columns: int, rows: int) -> list[_Box]:
        """Equal parts of it."""
        x = np.linspace(self.west, self.east, columns + 1).tolist()
        y = np.linspace(self.south, self.north, rows + 1).tolist()
        return [_Box(x[i], y[j], x[i + 1], y[j + 1]) for j in range(rows) for i in range(columns)]


def download(
    url: str,
    area: BaseGeometry,
    keys: Mapping[str, Any],
    cache: Path | str,
    *,
    allow_private: bool = False,
    note: Callable[[str], None] | None = None,
    part_m2: float = PART_M2,
    pauses_s: Sequence[float] = PAUSES_S,
    guard: web.Guard | None = None,
) -> Path:
    """Download what a city needs, and leave it as an ordinary extract.

    Parameters
    ----------
    url : str
        Of the server's interface, such as ``https://overpass-api.de/api``.
    area : geometry
        Lon/lat polygon.
    keys : mapping
        Keys of OpenStreetMap to True or to a list of values.
    cache : path
        Folder for answers. A download that was interrupted goes on from them.
    allow_private : bool
        The server may stand in one's own network.
    note : callable, optional
        Told what goes on.
    part_m2 : float
        Larger areas are asked for in parts.
    pauses_s : sequence of float
        Before each further try of an exchange that failed; a server that names a longer one gets
        it, up to `MAX_PAUSE_S`.
    guard : Guard, optional
        Limits of an exchange.

    Returns
    -------
    Path
        An ``.osm.pbf`` in `cache`; the same answers give the same bytes.

    Raises
    ------
    WebError
        If the server may not be asked, fails more often than there are pauses, or answers with
        anything but OpenStreetMap's elements.
    InputError
        If its answers hold nothing.

    Notes
    -----
    Each part is asked for by one query of Overpass QL and kept as an ``.osm.pbf`` once every
    element of its answer has the right shape; the server's status is not asked for.
    """
    guard = guard or web.Guard(allow_private=allow_private)
    if guard.proxy is None:
        web.require_url(url, allow_private=guard.allow_private)
    said = json.dumps([url, area.wkt, part_m2, {k: keys[k] for k in sorted(keys)}], default=sorted)
    folder = Path(cache) / hashlib.sha256(said.encode()).hexdigest()[:16]
    ask = _Questions(url.rstrip("/"), keys, folder, guard, pauses_s, note)
    parts = [path for box in _parts(area, part_m2) for path in ask.part(box)]
    target = require_own(folder / "extract.osm.pbf", folder.parent.parent)
    return _extract(parts, target, url, area.bounds)


def _parts(area: BaseGeometry, part_m2: float) -> list[_Box]:
    import shapely

    whole = _Box(*area.bounds)
    side = math.sqrt(part_m2)
    high = (whole.north - whole.south) * _M_PER_DEGREE
    wide = whole.m2 / high if high else 0.0
    boxes = whole.cut(max(1, math.ceil(wide / side)), max(1, math.ceil(high / side)))
    near = [box for box in boxes if shapely.intersects(area, shapely.box(*box))]
    return [part for box in near for part in _within_180(box)]


def _within_180(box: _Box) -> list[_Box]:
    # A server knows no longitudes beyond 180: what lies over that meridian is asked for on each side.
    sides = []
    for turn in (-360.0, 0.0, 360.0):
        west, east = max(box.west + turn, -180.0), min(box.east + turn, 180.0)
        if west < east:
            sides.append(box._replace(west=west, east=east))
    return sides


class _Questions(NamedTuple):
    """What is asked of a server, and where its answers are kept."""

    url: str
    keys: Mapping[str, Any]
    folder: Path
    guard: web.Guard
    pauses_s: Sequence[float]
    note: Callable[[str], None] | None

    def part(self, box: _Box) -> list[Path]:
        """Extracts of a box: one, or more where the answer would be too long."""
        query = self._query(box)
        path = self.folder / f"{hashlib.sha256(query.encode()).hexdigest()[:32]}.osm.pbf"
        if self._kept(path):
            return [path]
        try:
            answer = self._answer(query)
        except TooLongError:
            if box.m2 < 4 * _SMALLEST_M2:
                raise
            return [made for part in box.cut(2, 2) for made in self.part(part)]
        write_bytes(require_own(path, self.folder.parent.parent), _as_pbf(answer))
        return [path]

    def _query(self, box: _Box) -> str:
        text = json.dumps
        wanted = []
        for key, values in sorted(self.keys.items()):
            every = [""] if values is True else [f"={text(v, ensure_ascii=False)}" for v in sorted(values)]  # fmt: skip
            wanted += [f"nwr[{text(key, ensure_ascii=False)}{value}];" for value in every]
        bounds = f"[bbox:{box.south:.7f},{box.west:.7f},{box.north:.7f},{box.east:.7f}]"
        return f"{_HEAD}{bounds};({''.join(wanted)});(._;>;);out body;"

    def _kept(self, path: Path) -> bool:
        # A file that is damaged, or that would not be read as an extract, is asked for again.
        if path not in list_files(self.folder, ".osm.pbf"):
            return False
        try:
            with in_order(path):
                pass
        except InputError:
            remove_file(path)
            return False
        return True

    def _answer(self, query: str) -> _Answer:
        to = self.url if self.url.endswith("/interpreter") else f"{self.url}/interpreter"
        number = 0
        while True:
            number += 1
            try:
                return _checked(self.guard.post(to, {"data": query}), self.url)
            except BusyServerError as err:
                self._wait(number, err)

    def _wait(self, number: int, err: BusyServerError) -> None:
        after = err.after_s or 0.0
        if after > MAX_PAUSE_S:
            raise WebError(
                f"{err.what} and asks for a pause of {after / 60:,.0f} minutes",
                where=self.url,
                remedy="try again later: what has come is kept; or use --pbf",
            )
        if number > len(self.pauses_s):
            raise WebError(
                f"failed {number} times ({err.what})",
                where=self.url,
                remedy="try again later: what has come is kept; or use --pbf",
            )
        wait = max(self.pauses_s[number - 1], after)
        if self.note is not None:
            self.note(f"{err.what}; again in {wait:g} s")
        time.sleep(wait)


class _Answer(NamedTuple):
    """The elements of an answer, each of the right shape, and how old they are."""

    elements: list[dict[str, Any]]
    as_of: str


class _WrongShapeError(ValueError):
    """An element that is none of OpenStreetMap's."""


def _checked(body: bytes, url: str) -> _Answer:
    # Nothing else is kept, handed to a library, or shown.
    try:
        # A list of nothings takes thirty times the memory of its text.
        with memory_limit(_MOST_MEMORY):
            answer = json.loads(body, parse_constant=_refuse)
        if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
            raise _WrongShapeError
        for element in answer["elements"]:
            _require_element(element)
        head = answer.get("osm3s", {})
        base = head.get("timestamp_osm_base", "") if isinstance(head, dict) else ""
        remark = answer.get("remark", "")
        if not isinstance(base, str) or not isinstance(remark, str):
            raise _WrongShapeError
    except MemoryError:
        raise TooLongError(
            f"answers with what takes more than {_MOST_MEMORY >> 20} MiB of memory", where=url, remedy="use --pbf instead"
        ) from None  # fmt: skip
    except (ValueError, RecursionError):
        raise WebError(
            "does not answer as an Overpass server", where=url, remedy="check the address of its interface"
        ) from None  # fmt: skip
    if "timed out" in remark or "out of memory" in remark:
        raise TooLongError(f"gave up: {remark[:120]}", where=url, remedy="use --pbf instead")
    if remark:
        raise WebError(f"gave up: {remark[:120]}", where=url, remedy="use --pbf instead")
    return _Answer(answer["elements"], _date(base))


def _refuse(text: str) -> None:
    raise _WrongShapeError(text)


def _date(text: str) -> str:
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return ""


def _require_element(element: Any) -> None:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in ("node", "way", "relation") or not _is_id(element.get("id")):
        raise _WrongShapeError
    tags = element.get("tags", {})
    if not isinstance(tags, dict) or len(tags) > _MOST_TAGS:
        raise _WrongShapeError
    if not all(_is_text(key) and _is_text(value) for key, value in tags.items()):
        raise _WrongShapeError
    if kind == "node":
        right = _within(element.get("lon"), 180) and _within(element.get("lat"), 90)
    elif kind == "way":
        right = _are(element.get("nodes", []), _MOST_POINTS, _is_id)
    else:
        right = _are(element.get("members", []), _MOST_MEMBERS, _is_member)
    if not right:
        raise _WrongShapeError


def _are(values: Any, most: int, fits: Callable[[Any], bool]) -> bool:
    return isinstance(values, list) and len(values) <= most and all(map(fits, values))


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**63


def _within(value: Any, most: float) -> bool:
    return type(value) in (int, float) and -most <= value <= most


def _is_text(value: Any) -> bool:
    # Neither half of a pair of code points, which UTF-8 has no bytes for, nor what ends a text in C.
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None


def _is_member(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in ("node", "way", "relation")
        and _is_id(value.get("ref"))
        and _is_text(value.get("role", ""))
    )


def _extract(
    parts: Sequence[Path], target: Path, url: str, bounds: tuple[float, float, float, float]
) -> Path:
    import osmium

    merged, count = osmium.MergeInputReader(), 0
    for path in parts:
        count += merged.add_buffer(read_bytes(path), "pbf")
    if not count:
        raise InputError(
            "holds nothing of the city", where=url, remedy="check the area, or use --pbf"
        )
    header = osmium.io.Header()
    header.set("generator", "urbanplan")
    # All of it was asked for, however little is there.
    for side in _within_180(_Box(*bounds)):
        header.add_box(osmium.osm.Box(*side))
    newest = max(as_of(path) for path in parts)
    if newest:
        header.set("osmosis_replication_timestamp", f"{newest}T00:00:00Z")
    with writing_osm(target, header) as writer:
        merged.apply(writer, simplify=True)
    return target


def _as_pbf(answer: _Answer) -> bytes:
    import osmium
    from osmium.osm import mutable

    header = osmium.io.Header()
    header.set("generator", "urbanplan")
    if answer.as_of:
        header.set("osmosis_replication_timestamp", answer.as_of)
    with in_memory() as (place, made):
        to = osmium.io.File(place, "pbf")
        with osmium.SimpleWriter(to, header=header, overwrite=True) as writer:
            for item in answer.elements:
                own = {"id": item["id"], "version": 1, "tags": item.get("tags", {})}
                if item["type"] == "node":
                    writer.add_node(mutable.Node(location=(item["lon"], item["lat"]), **own))
                elif item["type"] == "way":
                    writer.add_way(mutable.Way(nodes=item.get("nodes", []), **own))
                else:
                    rows = [
                        (m["type"], m["ref"], m.get("role", "")) for m in item.get("members", [])
                    ]
                    writer.add_relation(mutable.Relation(members=rows, **own))
        return made()
