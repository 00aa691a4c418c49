"""Broken files by the thousand, for every reader that parses what strangers send.

``python tests/hostile/fuzz.py READER SECONDS [SEED]`` mutates what the formats' own writers made, reads each file in a
process of its own, and ends with 1 if anything but an `UrbanplanError` came out, a process died, a file took more than
60 s, or memory rose above 2 GiB. READER is one of pbf, xml, graphml, npz, toml, geojson, overpass. The same seed gives the same files.
What failed is kept in ``fuzz-READER-NUMBER`` beside a line that says why.
"""

from __future__ import annotations

import bz2
import contextlib
import copy
import faulthandler
import functools
import gzip
import io
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from urbanplan.errors import UrbanplanError

#: Most seconds of a file, most MiB of a process, files that a process reads before the next takes over.
PATIENCE_S, MEMORY_MIB, BATCH = 60, 2048, 2000
#: Words that make readers stumble.
TOKENS = (
    b"nan", b"inf", b"-1", b"0", b"1e999", b"9" * 400, b"18446744073709551616", b"-9223372036854775809", b"\0", b"\xff",
    b"\xef\xbb\xbf", b"<", b">", b"&", b"&#0;", b"]]>", b"<!DOCTYPE a>", b"{" * 300, b"[" * 300, b"}", b'"', b"'", b"\n" * 50,
    b"null", b"true", b"+init=/etc/passwd:1", b"+proj=longlat +nadgrids=/etc/passwd", b"EPSG:3857", b"../../etc/passwd",
    b"\xf0\x9f\x98\x80", b"a.b" * 50, b"0x" + b"f" * 400, b"POLYGON EMPTY", b"LINESTRING (nan nan, 1 1)", b"[1, 2]", b"id", b"type",
)  # fmt: skip

#: Values that stand where an answer has another kind.
VALUES = (
    None, True, -1, 0, 2**63, 2**64, -(2**63), 1.5, 1e308, -0.0, 180.0000001, "", "a" * 256, "a" * 255, "\0", "\ud800", "node",
    "relation", [], {}, [[]], [None], {"a": 1}, {"": ""}, "9" * 400, "no_left_turn", "Mo-Su 00:00-24:00", "1" * 200 + " mph",
)  # fmt: skip


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Bytes with a few places changed, cut, doubled or filled with a word that hurts."""
    made = bytearray(data)
    for _ in range(1 + min(7, int(chance.expovariate(0.7)))):
        at = chance.randrange(len(made) + 1)
        size = min(len(made) - at, int(chance.expovariate(0.05)))
        match chance.randrange(7):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(made):
                made[at] = chance.choice((0, 1, 127, 128, 255))
            case 2:
                del made[at : at + size]
            case 3:
                made[at:at] = made[at : at + size] * chance.choice((1, 2, 50))
            case 4:
                made[at:at] = chance.choice(TOKENS)
            case 5:
                made[at : at + size] = chance.choice(TOKENS)
            case _:
                # A number of the text becomes another one.
                numbers = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(made)))
                if numbers:
                    number = chance.choice(numbers)
                    made[number.start() : number.end()] = chance.choice(TOKENS[:9])
    return bytes(made)


def pbf_flipped(data: bytes, chance: random.Random) -> bytes:
    """An ``.osm.pbf`` changed inside its compressed blocks, which fit their heads again."""
    from urbanplan.sources import pbf

    if chance.random() < 0.2:
        return flipped(data, chance)
    out = b""
    for kind, raw in pbf.blocks(io.BytesIO(data)):
        changed = flipped(raw, chance) if chance.random() < 0.7 else raw
        packed = zlib.compress(changed)
        blob = b"\x10" + varint(len(changed)) + b"\x1a" + varint(len(packed)) + packed
        head = b"\n" + varint(len(kind)) + kind + b"\x18" + varint(len(blob))
        out += struct.pack(">I", len(head)) + head + blob
    return out


def varint(n: int) -> bytes:
    """A number as protobuf writes it."""
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def npz_flipped(data: bytes, chance: random.Random) -> bytes:
    """Arrays of which some are changed, with a hash that is right again."""
    import numpy as np

    from urbanplan.files.reading import digest

    if chance.random() < 0.3:
        return flipped(data, chance)
    with np.load(io.BytesIO(data)) as held:
        arrays = {name: held[name] for name in held.files}
    about = json.loads(bytes(arrays.pop("about")))
    about.pop("sha256")
    for name in chance.sample(sorted(arrays), chance.randrange(3)):
        value = arrays[name]
        match chance.randrange(5):
            case 0 if value.size:
                raw = bytearray(value.tobytes())
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
                arrays[name] = np.frombuffer(bytes(raw), value.dtype).reshape(value.shape)
            case 1:
                arrays[name] = value[: chance.randrange(len(value) + 1)]
            case 2:
                arrays[name] = value.astype(chance.choice(["f4", "i8", "U5", "?", "u1", "c16"]))
            case 3:
                arrays[name] = value[..., None]
            case _:
                del arrays[name]
    if chance.random() < 0.6:
        try:
            about = json.loads(flipped(json.dumps(about).encode(), chance))
            about = about if isinstance(about, dict) else {"format": about}
        except ValueError:
            pass
    try:
        said = json.dumps({**about, "sha256": digest(arrays, about)}, sort_keys=True)
    except UnicodeError:  # half a pair of code points has no bytes, so no hash either
        return flipped(data, chance)
    out = io.BytesIO()
    np.savez(out, about=np.frombuffer(said.encode(), np.uint8), **arrays)
    return out.getvalue()


def json_flipped(data: bytes, chance: random.Random) -> bytes:
    """An answer in JSON of which some values are others, gone, doubled, or hold what was around them."""
    if chance.random() < 0.3:
        return flipped(data, chance)
    answer = json.loads(data)
    for _ in range(chance.randrange(1, 4)):
        at = answer
        while True:
            keys = list(range(len(at)) if isinstance(at, list) else at)
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(at[key], list | dict) and chance.random() < 0.85:
                at = at[key]
                continue
            match chance.randrange(4):
                case 0:
                    at[key] = copy.deepcopy(chance.choice(VALUES))
                case 1:
                    del at[key]
                case 2 if isinstance(at, list):
                    at.extend(copy.deepcopy(at[key:]) * chance.choice((1, 50, 3000)))
                case 2:
                    at[chance.choice(("id", "type", "tags", "nodes", "lat", "\0", "é" * 300))] = (
                        copy.deepcopy(at[key])
                    )
                case _:
                    at[key] = [at[key]] if chance.random() < 0.5 else {"type": at[key]}
            break
    made = json.dumps(answer).encode()
    # Longer ones are not read to their end, see `web.MAX_BYTES`.
    return made if len(made) < 2**22 else flipped(data, chance)


def _streets_of(path: Path) -> None:
    from urbanplan.catalog import load_catalog
    from urbanplan.routing import build_network
    from urbanplan.sources import read_streets

    streets = read_streets(path)
    build_network(streets, load_catalog().mode("walk"))


def _network_of(path: Path) -> None:
    import geopandas as gpd
    import shapely

    from urbanplan.routing import at_nodes, matrix, place
    from urbanplan.routing.network import load

    network = load(path)
    if network.nodes:
        at = gpd.GeoDataFrame(
            {"id": ["a"]}, geometry=shapely.points(network.xy[:1]), crs=network.crs
        )
        matrix(network, at_nodes(network), place(network, at, 1e4), limit_min=30.0)


def _settings_of(path: Path) -> None:
    from urbanplan.catalog import read_modes
    from urbanplan.catalog.standards import read_standards
    from urbanplan.city.profile import load_own_city
    from urbanplan.files import read_toml
    from urbanplan.measures.plan import parse_plan
    from urbanplan.measures.scenarios import parse_scenarios

    kind = path.name.split("-")[-1]
    if kind == "modes.toml":
        read_modes(path)
    elif kind == "standards.toml":
        read_standards(path)
    elif kind == "plan.toml":
        parse_plan(read_toml(path), path)
    elif kind == "scenarios.toml":
        parse_scenarios(read_toml(path), path)
    else:
        folder = path.with_suffix("")
        shutil.copytree(_city(), folder)
        shutil.copyfile(path, folder / kind)
        load_own_city(folder)


@functools.cache
def _city() -> Path:
    """A city's folder that changed settings are put into."""
    import geopandas as gpd
    import shapely

    from urbanplan.cli import cli

    place = Path(tempfile.mkdtemp())
    frame = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(10, 50, 10.1, 50.1)], crs=4326)
    frame.to_file(place / "b.geojson")
    args = [
        "-q",
        "init",
        str(place / "city"),
        "--boundary",
        str(place / "b.geojson"),
        "--name",
        "A",
    ]
    cli.main(args, standalone_mode=False)
    return place / "city"


def _features_of(path: Path) -> None:
    from urbanplan import files
    from urbanplan.sources.read import read

    for reader in (read, files.read_delivery):
        with contextlib.suppress(UrbanplanError):
            reader(path)


class _Answering(NamedTuple):
    """A guard whose server always gives the same answer."""

    body: bytes
    proxy: str = "none"

    def post(self, *_: object) -> bytes:
        """The answer."""
        return self.body


def _answer_of(path: Path) -> None:
    import shapely

    from urbanplan.sources.overpass import download

    area, cache = shapely.box(10, 50, 10.005, 50.005), path.with_suffix("")
    guard = _Answering(path.read_bytes())
    _streets_of(download("http://a/api", area, {"highway": True}, cache, pauses_s=(), guard=guard))


def _overpass_seeds() -> dict[str, bytes]:
    nodes = [
        {"type": "node", "id": i, "lat": 50 + i % 5 / 999, "lon": 10 + i / 999}
        | ({"tags": {"barrier": "gate", "access": "private"}} if i % 9 == 0 else {})
        for i in range(1, 40)
    ]
    street = {
        "highway": "residential",
        "maxspeed": "30 mph",
        "name": "路",
        "turn:lanes": "left|through",
    }
    ways = [
        {"type": "way", "id": i, "nodes": list(range(i, 40, 3 + i % 3)), "tags": street}
        for i in range(1, 9)
    ]
    via = [
        {"type": t, "ref": r, "role": role}
        for t, r, role in (("way", 1, "from"), ("node", 4, "via"), ("way", 2, "to"))
    ]
    turn = {"type": "relation", "id": 1, "members": via}
    turn["tags"] = {"type": "restriction", "restriction": "no_left_turn"}
    head = {"version": 0.6, "osm3s": {"timestamp_osm_base": "2026-01-01T00:00:00Z"}}
    return {"a.json": json.dumps(head | {"elements": [*nodes, *ways, turn]}).encode()}


def _streets_seeds() -> dict[str, bytes]:
    import networkx as nx
    import osmium
    import osmnx

    made, place = {}, Path(tempfile.mkdtemp())
    node, way, relation = (
        osmium.osm.mutable.Node,
        osmium.osm.mutable.Way,
        osmium.osm.mutable.Relation,
    )
    for name in ("dense.osm.pbf", "loose.osm.pbf", "a.osm", "a.osm.gz", "a.osm.bz2"):
        to = osmium.io.File(
            str(place / name), "pbf,pbf_dense_nodes=false" if name[0] == "l" else ""
        )
        with osmium.SimpleWriter(to if name[0] == "l" else str(place / name)) as writer:
            for i in range(1, 40):
                tags = {"barrier": "gate", "access": "private"} if i % 9 == 0 else {}
                writer.add_node(
                    node(id=i, version=1, location=(10 + i / 999, 50 + i % 5 / 999), tags=tags)
                )
            for i in range(1, 9):
                refs = list(range(i, 40, 3 + i % 3))
                writer.add_way(
                    way(
                        id=i,
                        version=2,
                        nodes=refs,
                        tags={"highway": "residential", "maxspeed": "30", "name": "路"},
                    )
                )
            members = [("w", 1, "from"), ("n", 4, "via"), ("w", 2, "to")]
            writer.add_relation(
                relation(
                    id=1,
                    members=members,
                    tags={"type": "restriction", "restriction": "no_left_turn"},
                )
            )
        made[name] = (place / name).read_bytes()
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for i in range(9):
        graph.add_node(i, x=10 + i / 999, y=50 + i % 3 / 999, street_count=2)
        graph.add_edge(
            i,
            (i * 2 + 1) % 9,
            osmid=[i, 5],
            highway="residential",
            oneway=bool(i % 2),
            length=9.5,
            geometry=None,
        )
    for *_, data in graph.edges(data=True):
        data.pop("geometry")
    osmnx.save_graphml(graph, place / "a.graphml")
    made["a.graphml"] = (place / "a.graphml").read_bytes()
    return made


def _npz_seeds() -> dict[str, bytes]:
    from urbanplan.catalog import load_catalog
    from urbanplan.routing import build_network
    from urbanplan.routing import network as store
    from urbanplan.sources import read_streets

    place = Path(tempfile.mkdtemp())
    (place / "a.osm").write_bytes(_streets_seeds()["a.osm"])
    network = build_network(read_streets(place / "a.osm"), load_catalog().mode("walk"))
    return {"a.npz": store.save(network, place / "a.npz").read_bytes()}


def _toml_seeds() -> dict[str, bytes]:
    import urbanplan.catalog
    from urbanplan.city.profile import embedded_data

    catalog = Path(urbanplan.catalog.__file__).parent
    seeds = {name: (_city() / name).read_bytes() for name in ("city.toml", "study.toml")}
    seeds["modes.toml"] = (catalog / "modes.toml").read_bytes()
    for path in sorted((catalog / "standards").glob("*.toml"))[:1]:
        seeds["standards.toml"] = path.read_bytes()
    for path in sorted((embedded_data() / "layers").rglob("*.toml")):
        if path.name in ("plan.toml", "scenarios.toml"):
            seeds[path.name] = path.read_bytes()
    return seeds


def _geojson_seeds() -> dict[str, bytes]:
    rows = [
        {"type": "Feature", "id": i, "properties": {"id": f"a{i}", "name": "路", "n": i * 1.5},
         "geometry": {"type": "Point", "coordinates": [10 + i, 50]}}
        for i in range(4)
    ]  # fmt: skip
    area = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    rows.append({"type": "Feature", "id": "x", "properties": {"id": 5}, "geometry": area})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}
    return {
        "a.geojson": json.dumps(
            {"type": "FeatureCollection", "crs": crs, "features": rows}
        ).encode()
    }


def _ending(*endings: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {n: d for n, d in _streets_seeds().items() if n.endswith(endings)}


Mutate = Callable[[bytes, random.Random], bytes]
READERS: dict[str, tuple[Callable[[], dict[str, bytes]], Mutate, Callable[[Path], None]]] = {
    "pbf": (_ending(".pbf"), pbf_flipped, _streets_of),
    "xml": (_ending(".osm", ".gz", ".bz2"), flipped, _streets_of),
    "graphml": (_ending(".graphml"), flipped, _streets_of),
    "npz": (_npz_seeds, npz_flipped, _network_of),
    "toml": (_toml_seeds, flipped, _settings_of),
    "geojson": (_geojson_seeds, flipped, _features_of),
    "overpass": (_overpass_seeds, json_flipped, _answer_of),
}


def one(reader: str, number: int, seeds: dict[str, bytes], folder: Path) -> str | None:
    """What is wrong with how the reader took the file of that number; None if nothing is."""
    chance = random.Random(f"{reader} {number}")
    name = chance.choice(sorted(seeds))
    packed = next((m for end, m in (("gz", gzip), ("bz2", bz2)) if name.endswith(end)), None)
    data = packed.decompress(seeds[name]) if packed and chance.random() < 0.8 else seeds[name]
    mutated = READERS[reader][1](data, chance)
    path = folder / f"{number}-{name}"
    path.write_bytes(packed.compress(mutated) if packed and data is not seeds[name] else mutated)
    began = time.perf_counter()
    fault = None
    try:
        READERS[reader][2](path)
    except UrbanplanError as err:
        if len(str(err).splitlines()) != 1 or not err.remedy:
            fault = f"unclear: {err!r}"
    except BaseException:
        fault = traceback.format_exc()
    took = time.perf_counter() - began
    if took > PATIENCE_S:
        fault = f"took {took:.0f} s"
    if fault:
        Path(f"fuzz-{reader}-{number}").write_bytes(path.read_bytes())
    path.unlink()
    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    return fault


def work(reader: str, first: int, until: float) -> None:
    """Read files from `first` on; a line of JSON for each fault, and one for how far it came."""
    from child import peak_mib

    seeds = READERS[reader][0]()
    with tempfile.TemporaryDirectory() as place:
        for name, data in seeds.items():
            # What is sound must be read; and what is compiled at its first use takes its time.
            whole = Path(place) / f"whole-{name}"
            whole.write_bytes(data)
            READERS[reader][2](whole)
        for number in range(first, first + BATCH):
            print(json.dumps({"at": number}), flush=True)
            faulthandler.dump_traceback_later(2 * PATIENCE_S, exit=True)
            fault = one(reader, number, seeds, Path(place))
            if fault is None and peak_mib() > MEMORY_MIB:
                fault = f"took {peak_mib():.0f} MiB"
            if fault:
                print(json.dumps({"number": number, "fault": fault}), flush=True)
            if time.time() > until or (fault or "").startswith("took"):
                break
    print(json.dumps({"peak_mib": peak_mib()}), flush=True)


def fuzz(
    reader: str, seconds: float, first: int = 0, most: int = 10**9
) -> tuple[int, list[str], float]:
    """Files read, what went wrong, and the most memory of a process in MiB."""
    until, number, faults, peak = time.time() + seconds, first, [], 0.0
    while time.time() < until and number < first + most:
        command = [sys.executable, __file__, "--work", reader, str(number), str(until)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        faults += [f"{s['number']}: {s['fault']}" for s in said if "fault" in s]
        peak = max([peak, *(s["peak_mib"] for s in said if "peak_mib" in s)])
        last = max((s["at"] for s in said if "at" in s), default=number)
        if done.returncode:
            faults.append(
                f"{last}: the process ended with {done.returncode}\n{done.stderr[-1500:]}"
            )
        number = last + 1
    return number - first, faults, peak


def main() -> int:
    """Run from the command line."""
    if sys.argv[1] == "--work":
        work(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
        return 0
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    count, faults, peak = fuzz(sys.argv[1], float(sys.argv[2]), first)
    print("\n".join(faults))
    print(f"{sys.argv[1]}: {count:,} files, {len(faults)} faults, {peak:.0f} MiB at most")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
