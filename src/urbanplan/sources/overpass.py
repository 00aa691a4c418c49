"""An extract of a city, asked of an Overpass server through osmnx."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan import web
from urbanplan.errors import InputError, WebError
from urbanplan.files import in_memory, list_files, read_bytes, remove_file
from urbanplan.sources.osm import writing_osm

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Larger areas are asked for in parts, in m² (15 km by 15 km).
PART_M2 = 225e6
#: Pauses in seconds before an exchange that failed is tried again.
PAUSES_S = (5.0, 15.0, 45.0, 90.0, 180.0)


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
        Keys of OpenStreetMap to True or to a list of values, as osmnx takes them.
    cache : path
        Folder for answers. A download that was interrupted goes on from them.
    allow_private : bool
        The server may stand in one's own network.
    note : callable, optional
        Told what goes on.
    part_m2 : float
        Larger areas are asked for in parts.
    pauses_s : sequence of float
        Before each further try of an exchange that failed; a server that names a longer one gets it.
    guard : Guard, optional
        Limits of an exchange.

    Returns
    -------
    Path
        An ``.osm.pbf`` in `cache`; the same answers give the same bytes.

    Raises
    ------
    WebError
        If the server may not be asked, or fails more often than there are pauses.
    InputError
        If its answers hold nothing.
    """
    said = json.dumps([url, area.wkt, part_m2, {k: keys[k] for k in sorted(keys)}], default=sorted)
    folder = Path(cache) / hashlib.sha256(said.encode()).hexdigest()[:16]
    web.require_url(url, allow_private=allow_private)
    guard = guard or web.Guard(allow_private=allow_private)
    _drop_halves(folder)
    for number, pause in enumerate((*pauses_s, None), 1):
        try:
            with _settings(url, folder, guard, part_m2):
                guard.run(lambda: _ask(area, keys))
            break
        except web.passing_errors() as err:
            if pause is None:
                raise WebError(
                    f"failed {number} times ({_reason(err)})",
                    where=url,
                    remedy="try again later: what has come is kept; or use --pbf",
                ) from None
            wait = max(pause, getattr(err, "after_s", None) or 0.0)
            if note is not None:
                note(f"{_reason(err)}; again in {wait:g} s")
            time.sleep(wait)
    return _extract(folder, url, area.bounds)


def _ask(area: BaseGeometry, keys: Mapping[str, Any]) -> None:
    import osmnx
    from osmnx._errors import CacheOnlyInterruptError, InsufficientResponseError

    tags = {key: True if values is True else sorted(values) for key, values in keys.items()}
    try:
        osmnx.features_from_polygon(area, tags)
    except CacheOnlyInterruptError:
        return
    except InsufficientResponseError as err:
        raise WebError(
            f"does not answer as an Overpass server ({str(err).splitlines()[0][:100]})",
            where="the server",
            remedy="check the address of its interface",
        ) from None


def _reason(err: Exception) -> str:
    if isinstance(err, WebError):
        return err.what
    return f"the connection failed ({type(err).__name__})"


@contextmanager
def _settings(url: str, folder: Path, guard: web.Guard, part_m2: float) -> Iterator[None]:
    # osmnx is steered by a module of settings: they are put back as they were.
    from osmnx import settings

    own = {
        "overpass_url": url,
        "cache_only_mode": True,
        "use_cache": True,
        "cache_folder": str(folder),
        "requests_kwargs": guard.options,
        "requests_timeout": math.ceil(guard.max_seconds),
        "max_query_area_size": part_m2,
        "doh_url_template": None,
        "log_console": False,
        "log_file": False,
    }
    before = {name: getattr(settings, name) for name in own}
    try:
        with web.own_names():
            for name, value in own.items():
                setattr(settings, name, value)
            yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def _drop_halves(folder: Path) -> None:
    # osmnx writes its answers in place: one that was cut off must be asked for again.
    for path in list_files(folder, ".json"):
        try:
            json.loads(read_bytes(path))
        except ValueError:
            remove_file(path)


def _extract(folder: Path, url: str, bounds: tuple[float, float, float, float]) -> Path:
    import osmium

    target, as_of, count = folder / "extract.osm.pbf", "", 0
    merged = osmium.MergeInputReader()
    for path in list_files(folder, ".json"):
        answer = json.loads(read_bytes(path))
        if "remark" in answer:
            raise WebError(
                f"gave up: {answer['remark'][:120]}", where=url, remedy="use --pbf instead"
            )
        as_of = max(as_of, answer.get("osm3s", {}).get("timestamp_osm_base", ""))
        count += len(answer["elements"])
        merged.add_buffer(_as_pbf(answer["elements"]), "pbf")
    if not count:
        raise InputError(
            "holds nothing of the city", where=url, remedy="check the area, or use --pbf"
        )
    header = osmium.io.Header()
    header.set("generator", "urbanplan")
    # All of it was asked for, however little is there.
    west, south, east, north = bounds
    header.add_box(osmium.osm.Box(west, south, east, north))
    if as_of:
        header.set("osmosis_replication_timestamp", as_of)
    with writing_osm(target, header) as writer:
        merged.apply(writer, simplify=True)
    return target


def _as_pbf(elements: Sequence[Mapping[str, Any]]) -> bytes:
    import osmium
    from osmium.osm import mutable

    with in_memory() as (place, made):
        to = osmium.io.File(place, "pbf")
        with osmium.SimpleWriter(to, overwrite=True) as writer:
            for item in elements:
                own = {"id": item["id"], "version": 1, "tags": item.get("tags", {})}
                if item["type"] == "node":
                    writer.add_node(mutable.Node(location=(item["lon"], item["lat"]), **own))
                elif item["type"] == "way":
                    writer.add_way(mutable.Way(nodes=item.get("nodes", []), **own))
                elif item["type"] == "relation":
                    members = [(m["type"], m["ref"], m.get("role", "")) for m in item["members"]]
                    writer.add_relation(mutable.Relation(members=members, **own))
        return made()
