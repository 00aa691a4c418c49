"""Small files that ask for much: refused by one sentence before a library takes the memory or the time."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import struct
import zipfile
import zlib

import networkx as nx
import numpy as np
import osmium
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanplan.base.crs import parse_crs
from urbanplan.catalog import read_osm_rules
from urbanplan.errors import CrsError, InputError
from urbanplan.files import read_arrays, read_delivery, read_toml, write_arrays
from urbanplan.sources import pbf, read_streets
from urbanplan.sources.extract import read_extract


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def zigzag(n: int) -> bytes:
    return varint(n << 1 if n >= 0 else ~(n << 1))


def text(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def block(kind: bytes, raw: bytes, *, said: int | None = None) -> bytes:
    blob = varint(2 << 3) + varint(len(raw) if said is None else said) + text(3, zlib.compress(raw))
    head = text(1, kind) + varint(3 << 3) + varint(len(blob))
    return struct.pack(">I", len(head)) + head + blob


HEADER = block(b"OSMHeader", text(4, b"OsmSchema-V0.6") + text(4, b"DenseNodes"))


def strings(*of: bytes) -> bytes:
    return text(1, b"".join(text(1, s) for s in of))


def dense(count: int, tags: int = 0, length: int = 1) -> bytes:
    same = varint(0) * (count - 1)
    parts = text(1, zigzag(1) * count) + text(8, zigzag(5 * 10**8) + same)
    parts += text(9, zigzag(10**8) + same) + text(10, (b"\1\2" * tags + b"\0") * count)
    table = strings(b"", b"k" * length, b"v" * length)
    return block(b"OSMData", table + text(2, text(2, parts)))


def way(refs: bytes, tags: int = 1, number: int = 1) -> bytes:
    own = varint(1 << 3) + varint(number) + text(2, b"\1" * tags) + text(3, b"\2" * tags)
    return text(3, own + text(8, refs))


def ways(*own: bytes) -> bytes:
    return block(b"OSMData", strings(b"", b"highway", b"path") + text(2, b"".join(own)))


BOMBS = {
    "tags of one long text": dense(4000, 1000, 1000),
    "tags of one node": dense(1, 10_000),
    "points of a way": ways(way(zigzag(1) + zigzag(0) * 1_000_000)),
    "points of many ways": ways(*(way(zigzag(1) + zigzag(0) * 90_000, 1, i) for i in range(1, 40))),
    "nodes": dense(2_000_000),
    "texts of a table": block(b"OSMData", text(1, text(1, b"") * 5_000_000)),
    "tags of a way": ways(way(zigzag(1), 10_000)),
    "a header": block(b"OSMHeader", text(4, b"x" * 2 * 2**20)),
    "many blocks": dense(500_000) * 9,
}
DAMAGES = {
    "no pbf": b"hello",
    "a block of 2 GiB": block(b"OSMData", b"x", said=2**31),
    "a block larger than said": block(b"OSMData", b"x" * 1000, said=10),
    "a text that is not there": ways(text(3, varint(8) + varint(1) + text(2, b"\x7f"))),
    "a broken number": ways(text(3, b"\x08" + b"\xff" * 12)),
    # libosmium ends a text there and reads on behind the tags: the process died.
    "a text with NUL": block(b"OSMData", strings(b"", b"barr\0er", b"gate"))
    + dense(3, 1),
    "no UTF-8": block(b"OSMData", strings(b"", b"\xff\xfe")),
    "cut off": dense(10)[:-5],
    "a blob that is twice there": struct.pack(">I", 13)
    + text(1, b"OSMData") + varint(3 << 3) + varint(6) + text(1, b"a") + text(1, b"b"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_pbf_that_decodes_to_gigabytes(tmp_path, kind):
    path = tmp_path / "bomb.osm.pbf"
    path.write_bytes(HEADER + BOMBS[kind])
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match="would take more memory than a map of its size does"):
        read_streets(path)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_pbf(tmp_path, kind):
    path = tmp_path / "bad.osm.pbf"
    path.write_bytes(HEADER * (kind != "no pbf") + DAMAGES[kind])
    with pytest.raises(InputError, match="cannot be read as OpenStreetMap data"):
        read_streets(path)


_ID = st.integers(-(10**9), 10**9)
_TAGS = st.dictionaries(st.text(max_size=20).filter(lambda t: "\0" not in t), st.sampled_from(["a", "é" * 30, "路"]), max_size=5)  # fmt: skip


@given(
    nodes=st.lists(st.tuples(_ID, _TAGS), max_size=20),
    drawn=st.lists(st.tuples(_ID, st.lists(_ID, max_size=30), _TAGS), max_size=10),
)
@settings(max_examples=60)
def test_the_walk_sees_what_libosmium_writes(tmp_path_factory, nodes, drawn):
    path = tmp_path_factory.mktemp("walk") / "a.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, tags in nodes:
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(1, 2), tags=tags))
        for number, refs, tags in drawn:
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=refs, tags=tags))
    with open(path, "rb") as file:
        walked = pbf.walk(file, 2**30)
    ids = [(0, n) for n, _ in nodes] + [(1, n) for n, *_ in drawn]
    ordered = all(a < b for a, b in zip(ids, ids[1:])) and all(n > 0 for _, n in ids)
    assert walked.ordered == ordered and not walked.deleted
    told = sum(len(k.encode()) + len(v.encode()) + 2 for *_, tags in [*nodes, *drawn] for k, v in tags.items())  # fmt: skip
    kept = 72 * len(ids) + 24 * sum(len(refs) for _, refs, _ in drawn) + told
    assert kept <= walked.decoded < kept + 1000 + 40 * len(ids) + told


XML = "<osm version='0.6'>{}</osm>"
XML_BOMBS = {
    "a.osm": XML.format(f"<node id='1' lat='1' lon='1' user='{'x' * 3_000_000}'/>").encode(),
    "b.osm": XML.format("<way id='1'>" + "<nd ref='1'/>" * 200_000 + "</way>").encode(),
    "c.osm": XML.format("<x>" * 100_000).encode(),
    "d.osm.gz": gzip.compress(b"<osm>" + b" " * 300 * 2**20, 9),
    "e.osm.bz2": bz2.compress(b"<osm>" + b" " * 300 * 2**20, 9),
}


@pytest.mark.parametrize("name", XML_BOMBS)
def test_a_small_xml_that_grows(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(XML_BOMBS[name])
    with pytest.raises(InputError, match="would take more memory than a map of its size does"):
        read_streets(path)


@pytest.mark.parametrize(("name", "root"), [("a.osm", "osm"), ("a.graphml", "graphml")])
def test_entities_are_refused(tmp_path, name, root):
    laughs = "".join(f"<!ENTITY a{i + 1} '{f'&a{i};' * 10}'>" for i in range(12))
    path = tmp_path / name
    path.write_text(f"<!DOCTYPE {root} [<!ENTITY a0 'ha'>{laughs}]><{root}>&a12;</{root}>")
    with pytest.raises(InputError, match="it has a document type of its own"):
        read_streets(path)


def npz(path, *, method=zipfile.ZIP_STORED, **members: bytes):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(shape: str, data: bytes = b"", kind: str = "'<f8'") -> bytes:
    head = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


@pytest.mark.parametrize(
    "data",
    [
        npy("(10000000000,)"),
        npy("(3,)", b"x" * 8),
        npy("(-1,)"),
        npy("(" + "9" * 5000 + ",)"),
        npy("(" * 900 + ")" * 900),
        npy("(1,)", b"x" * 8, "'|O'"),
    ],
)
def test_an_array_that_states_more_than_it_has(tmp_path, data):
    with pytest.raises(InputError, match="does not hold arrays of urbanplan"):
        read_arrays(npz(tmp_path / "a.npz", about=data))


def test_arrays_that_unpack_to_more(tmp_path):
    zeros = npy("(1000000,)", bytes(8_000_000))
    path = npz(tmp_path / "a.npz", method=zipfile.ZIP_DEFLATED, a=zeros)
    with pytest.raises(InputError, match="more memory than the file"):
        read_arrays(path)


def test_what_is_said_of_arrays_may_be_anything(tmp_path):
    for said in ("[]", "1", "{}", "[" * 100_000, '{"sha256": null}'):
        about = np.frombuffer(said.encode(), np.uint8)
        out = io.BytesIO()
        np.savez(out, about=about)
        (tmp_path / "a.npz").write_bytes(out.getvalue())
        with pytest.raises(InputError):
            read_arrays(tmp_path / "a.npz")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A stored network, as its arrays and what is said of them."""
    from urbanplan.catalog import load_catalog
    from urbanplan.routing import build_network
    from urbanplan.routing.network import save
    from urbanplan.sources.street_layers import from_graph

    graph = nx.MultiGraph()
    for i in range(6):
        graph.add_node(i, x=10 + i / 1000, y=50 + (i % 2) / 1000)
    nx.add_path(graph, range(6))
    graph.add_edge(0, 3)
    built = build_network(from_graph(graph), load_catalog().mode("walk"))
    return read_arrays(save(built, tmp_path_factory.mktemp("n") / "n.npz"))


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("tail", lambda a: a + 1_000_000),
        ("head", lambda a: a - 5),
        ("bend", lambda a: a * 1000),
        ("bend", lambda a: a[:-1]),
        ("xy", lambda a: a * np.nan),
        ("spent", lambda a: -1 - a),
        ("spent", lambda a: a * np.nan),
        ("length_m", lambda a: a.astype(str)),
        ("vertex_xy", lambda a: a[:1]),
        ("through", lambda a: a.astype(float)),
    ],
)
def test_a_stored_network_that_leads_nowhere(tmp_path, network, name, broken):
    from urbanplan.routing.network import load

    arrays, about = network
    path = write_arrays(tmp_path / "n.npz", {**arrays, name: broken(arrays[name])}, about)
    with pytest.raises(InputError, match="holds a street network that is broken"):
        load(path)


@pytest.mark.parametrize(
    "change",
    [{"mode": None}, {"mode": {}}, {"crs": 7}, {"crs": "EPSG:4326"}, {"findings": 3}, {"more": 1}],
)
def test_a_stored_network_of_which_nonsense_is_said(tmp_path, network, change):
    from urbanplan.routing.network import load

    arrays, about = network
    path = write_arrays(tmp_path / "n.npz", arrays, {**about, **change})
    with pytest.raises((InputError, CrsError)):
        load(path)


@pytest.mark.parametrize(
    "toml",
    [
        "a = 0x" + "f" * 2_000_000,
        "a = " + "9" * 2_000_000,
        ".".join(["a"] * 900_000) + " = 1",
        "[" + ".".join(["a"] * 900_000) + "]",
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        ".".join(["a"] * 100) + " = 1",
        "a = 1e200",
        "a = 1e999",
        "a = inf",
        "a = [1, {b = nan}]",
        "a = 99999999999999999999",
        "#" * 5_000_000,
        "a = 1\n" * 2,
    ],
    ids=lambda t: f"{t[:8]}{len(t)}",
)
def test_toml_without_bound(tmp_path, toml):
    path = tmp_path / "city.toml"
    path.write_text(toml)
    with pytest.raises(InputError) as caught:
        read_toml(path)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "said",
    [
        "+init=/tmp/list:1",
        "+proj=longlat +ellps=bessel +nadgrids=@/etc/passwd",
        "+proj=longlat +ellps=bessel +nadgrids=@null,/etc/passwd +type=crs",
        "+proj=utm +zone=1 +geoidgrids=/etc/passwd +type=crs",
        "+proj=pipeline +step +proj=hgridshift +grids=/etc/passwd",
        'GEOGCS["x",DATUM["y",SPHEROID["b",6377397,299.1],EXTENSION["PROJ4_GRIDS","/etc/passwd"]],PRIMEM["G",0],UNIT["degree",0.0174]]',
        'PROJCS["x",GEOGCS["x",DATUM["y",SPHEROID["b",6377397,299.1]],PRIMEM["G",0],UNIT["degree",0.0174]],PROJECTION["Mercator_1SP"],'
        'UNIT["metre",1],EXTENSION["PROJ4","+proj=merc +nadgrids=/etc/passwd"]]',
        '{"type": "BoundCRS", "transformation": {"parameters": [{"name": "NTv2 file", "value": "\\u002fetc/passwd"}]}}',
        {"type": "BoundCRS", "transformation": {"parameters": [{"name": "NTv2 file", "value": "/etc/passwd"}]}},
        "http://localhost/crs",
        "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_coordinate_system_opens_no_file(said):
    with pytest.raises(CrsError, match="names a file or a server as its coordinate system"):
        parse_crs(said)
    graph = nx.Graph(crs=json.dumps(said) if isinstance(said, dict) else said)
    graph.add_edge(1, 2)
    nx.set_node_attributes(graph, 1.0, "x")
    nx.set_node_attributes(graph, 1.0, "y")
    from urbanplan.sources.street_layers import from_graph

    with pytest.raises(CrsError, match="names a file or a server"):
        from_graph(graph)


def test_plain_coordinate_systems_are_known():
    from pyproj import CRS

    web = CRS("EPSG:3857")
    for said, code in (
        ("EPSG:4326", 4326),
        ("+init=epsg:4326 +type=crs", 4326),
        ("urn:ogc:def:crs:EPSG::4544", 4544),
        (web.to_wkt("WKT1_GDAL"), 3857),
        (web.to_json(), 3857),
        (web.to_json_dict(), 3857),
        (web, 3857),
    ):
        assert parse_crs(said).to_epsg() == code


@pytest.mark.parametrize("said", ["", "x", "9" * 100_000, "EPSG:99999999", {}, [], 7.5, "{"])
def test_unknown_coordinate_systems(said):
    with pytest.raises(CrsError):
        parse_crs(said)


def graphml(tmp_path, node="1", x="1", y="1", crs="epsg:4326", osmid="7"):
    keys = "".join(
        f"<key id='{k}' for='{f}' attr.name='{k}' attr.type='string'/>"
        for k, f in (("x", "node"), ("y", "node"), ("crs", "graph"), ("osmid", "edge"))
    )
    path = tmp_path / "g.graphml"
    path.write_text(
        f"<graphml>{keys}<graph edgedefault='directed'><data key='crs'>{crs}</data>"
        f"<node id='{node}'><data key='x'>{x}</data><data key='y'>{y}</data></node>"
        "<node id='2'><data key='x'>1.001</data><data key='y'>1</data></node>"
        f"<edge source='{node}' target='2'><data key='osmid'>{osmid}</data></edge></graph></graphml>"
    )
    return path


def test_a_graph_may_have_ids_of_any_size(tmp_path):
    streets = read_streets(graphml(tmp_path, node=str(2**70)))
    assert streets.point_ids.tolist() == [0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": "nan"},
        {"y": "inf"},
        {"x": "500000"},
        {"x": "1e999"},
        {"crs": "junk"},
        {"crs": "+init=/etc/passwd:1"},
        {"node": "9" * 5000},
        {"node": "a"},
        {"osmid": "[" * 5000 + "]"},
        {"osmid": "9" * 5000},
    ],
    ids=str,
)
def test_a_graph_with_nonsense(tmp_path, wrong):
    with pytest.raises((InputError, CrsError)):
        read_streets(graphml(tmp_path, **wrong))


def test_no_memory_is_one_sentence(monkeypatch, capsys):
    from urbanplan import cli

    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr(cli.cli, "main", greedy)
    monkeypatch.setenv("URBANPLAN_LANG", "en")
    with pytest.raises(SystemExit) as end:
        cli.main(["layers"])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("urbanplan: there is not enough memory for this")


def _extract_of(path):
    area = shapely.box(9.9, 49.9, 10.1, 50.2)
    return read_extract(path, area, area, read_osm_rules())


@pytest.mark.parametrize(
    "lat", ["nan", "inf", "1e999", "9" * 400, "x", "50 -1003", "", "91", "0x1f"]
)
def test_a_place_that_is_none_is_told(tmp_path, lat):
    node = "<node id='{}' version='1' lat='{}' lon='10'{}"
    tagged = node.format(1, lat, "><tag k='amenity' v='school'/></node>")
    way = "<way id='1' version='1'><nd ref='1'/><nd ref='2'/><tag k='highway' v='path'/></way>"
    bounds = f"<bounds minlat='{lat}' minlon='1' maxlat='{lat}' maxlon='2'/>"
    (tmp_path / "node.osm").write_text(XML.format(tagged + node.format(2, 50, "/>") + way))
    whole = node.format(1, 50, "/>") + node.format(2, 50.1, "/>") + way
    (tmp_path / "bounds.osm").write_text(XML.format(bounds + whole))
    for name in ("node", "bounds"):
        for read in (read_streets, _extract_of):
            with contextlib.suppress(InputError):
                read(tmp_path / f"{name}.osm")
    if lat not in ("91", "", "1e999"):
        with pytest.raises(InputError, match="cannot be read as OpenStreetMap data"):
            read_streets(tmp_path / "node.osm")


@pytest.mark.parametrize(("rows", "columns"), [(5000, 5000), (20_000, 2000)])
def test_a_small_geojson_of_many_columns(tmp_path, rows, columns):
    place = {"type": "Point", "coordinates": [1, 2]}
    features = [
        {"type": "Feature", "properties": {f"k{i % columns}": i}, "geometry": place}
        for i in range(rows)
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with pytest.raises(InputError, match="columns"):
        read_delivery(path)
