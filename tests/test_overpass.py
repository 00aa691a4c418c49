"""Overpass, against a server on this machine: real sockets, real data, real faults."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import shapely

from overpass_server import Elements, serving
from test_fetch import BOX
from test_init import boundary, command
from urbanplan.catalog import read_osm_rules
from urbanplan.city.fetch import tag_keys
from urbanplan.errors import BusyServerError, InputError, WebError
from urbanplan.servers import web
from urbanplan.sources import overpass
from urbanplan.sources.extract import read_extract
from urbanplan.sources.overpass import download

pytestmark = pytest.mark.network
AREA = shapely.box(*BOX)
#: Pauses that a test can wait for.
SOON = (0.01, 0.02, 0.03)


@pytest.fixture(scope="module")
def elements(helsinki_pbf):
    return Elements(helsinki_pbf)


@pytest.fixture
def server(elements):
    with serving(elements) as found:
        yield found


def ask(server, cache, **more):
    more = {"allow_private": True, "pauses_s": SOON} | more
    return download(server.url, AREA, tag_keys(), cache, **more)


def content(path):
    """Streets and features by layer, as a city would take them."""
    found = read_extract(path, AREA, AREA.buffer(0.01), read_osm_rules())
    ways = {
        (tuple(found.streets.point_ids[found.streets.refs[a:b]]), found.streets.tags_of[i])
        for i, (a, b) in enumerate(zip(found.streets.first, found.streets.first[1:]))
    }
    tags = found.streets.tags
    return (
        {(points, tuple(sorted(tags[kind].items()))) for points, kind in ways},
        {layer: {f.id for f in features} for layer, features in found.features.items()},
        {found.streets.point_ids[p]: t for p, t in found.streets.point_tags.items()},
    )


def test_an_extract_asked_for_holds_what_the_extract_held(server, helsinki_pbf, tmp_path):
    got = read_extract(ask(server, tmp_path), AREA, AREA.buffer(0.01), read_osm_rules())
    assert got.as_of == "2026-11-01"
    ours, theirs = content(ask(server, tmp_path)), content(helsinki_pbf)
    # The extract also holds ways wholly outside the area that was asked for.
    assert ours[0] <= theirs[0] and len(ours[0]) > 0.97 * len(theirs[0])
    assert ours[1] == theirs[1] and sum(map(len, ours[1].values())) > 500
    assert ours[2].items() <= theirs[2].items() and ours[2]


def test_what_has_come_is_not_asked_for_again(server, tmp_path):
    first = ask(server, tmp_path, part_m2=4e5).read_bytes()
    parts = server.asked
    assert parts >= 4
    assert ask(server, tmp_path, part_m2=4e5).read_bytes() == first and server.asked == parts
    # Another question has other answers.
    ask(server, tmp_path)
    assert server.asked == parts + 1


def test_parts_make_the_same_whole(server, tmp_path):
    whole, parts = ask(server, tmp_path / "a"), ask(server, tmp_path / "b", part_m2=4e5)
    assert content(whole) == content(parts)


def test_a_killed_download_asks_only_for_what_is_missing(server, tmp_path):
    whole = ask(server, tmp_path / "whole", part_m2=4e5).read_bytes()
    parts, server.asked, server.answered, server.delay_s = server.asked, 0, 0, 0.3
    code = f"""
        import shapely
        from urbanplan.city.fetch import tag_keys
        from urbanplan.sources.overpass import download
        download({server.url!r}, shapely.box(*{BOX}), tag_keys(), {str(tmp_path / "cut")!r},
                 allow_private=True, part_m2=4e5)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    while server.answered < 3:
        assert child.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -9
    time.sleep(0.5)
    kept, server.asked, server.delay_s = server.answered, 0, 0.0
    assert ask(server, tmp_path / "cut", part_m2=4e5).read_bytes() == whole
    # One answer may have been on its way, or half on disk.
    assert parts - kept <= server.asked <= parts - kept + 2 < parts


def test_half_an_answer_on_disk_is_not_trusted(server, tmp_path):
    whole = ask(server, tmp_path).read_bytes()
    (kept,) = (p for p in tmp_path.glob("*/*.pbf") if p.name != "extract.osm.pbf")
    kept.write_bytes(kept.read_bytes()[:-1000])
    assert ask(server, tmp_path).read_bytes() == whole and server.asked == 2


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (["code:429"], "is busy (429"),
        (["code:504", "code:503"], "is busy (504"),
        (["drop"], "the connection failed"),
        (["half", "drop", "code:429"], "the connection failed"),
        (["chunk:-5", "chunk:zz", "chunk:ffffffffffffffff"], "the connection failed"),
    ],
)
def test_what_passes_is_tried_again(server, tmp_path, plan, told):
    whole = ask(server, tmp_path / "a").read_bytes()
    server.plan, server.asked, said = list(plan), 0, []
    assert ask(server, tmp_path / "b", note=said.append).read_bytes() == whole
    assert server.asked == len(plan) + 1 and len(said) == len(plan) and told in said[0]


def test_a_server_that_names_a_pause_gets_it(server, tmp_path):
    server.plan, began = ["code:429,1"], time.monotonic()
    ask(server, tmp_path)
    assert time.monotonic() - began >= 1.0


def test_a_server_that_fails_for_good_is_given_up(server, tmp_path):
    server.plan = ["answer", *["code:429"] * 4]
    with pytest.raises(WebError, match="failed 4 times") as err:
        ask(server, tmp_path, part_m2=4e5)
    assert "what has come is kept" in str(err.value) and server.asked == 5
    # The part that had come is kept.
    assert len(list(tmp_path.glob("*/*.pbf"))) == 1


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("page", "does not answer as an Overpass server"),
        ("code:400", "refuses .400"),
        ("code:403", "refuses .403"),
        ("code:500", "refuses .500"),
        ("remark", "Query timed out|holds nothing"),
    ],
)
def test_an_answer_that_is_none_is_told(server, tmp_path, plan, says):
    server.plan = [plan]
    with pytest.raises((WebError, InputError), match=says) as err:
        ask(server, tmp_path)
    assert err.value.remedy


def test_an_area_with_nothing_in_it_is_told(server, tmp_path):
    with pytest.raises(InputError, match="holds nothing of the city"):
        download(
            server.url, shapely.box(10, 10, 10.01, 10.01), tag_keys(), tmp_path, allow_private=True
        )


# ---------------------------------------------------------------- what may not reach in


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/api",
        "gopher://127.0.0.1:70/",
        "http://",
        "nonsense",
        "http://user:word@127.0.0.1/api",
        "http://127.0.0.1:99999/api",
        "http://0.0.0.0/api",
        "http://224.0.0.1/api",
        "http://[::]/api",
        "http://no.such.host.invalid/api",
    ],
)
def test_what_is_no_server_is_never_asked(url, allow):
    with pytest.raises(WebError) as err:
        web.require_url(url, allow_private=allow)
    assert err.value.remedy


PRIVATE = (
    "http://127.0.0.1/api", "http://localhost/api", "http://127.1/api",
    "http://2130706433/api", "http://0x7f.0.0.1/api", "http://0177.0.0.1/api", "http://[::1]/api",
    "http://[::ffff:127.0.0.1]/api", "http://10.0.0.1/api", "http://172.16.3.4/api",
    "http://192.168.1.1/api", "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/api",
    "http://[fd00::1]/api", "http://100.64.0.1/api",
)  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_ones_own_network_is_asked_only_if_allowed(url):
    with pytest.raises(WebError, match="not on the public internet") as err:
        web.require_url(url)
    assert "--allow-private" in str(err.value)
    assert web.require_url(url, allow_private=True) == url


def test_a_public_address_may_be_asked():
    assert web.require_url("https://1.1.1.1/api") == "https://1.1.1.1/api"


def test_a_server_at_home_is_not_asked_at_all(server, tmp_path):
    with pytest.raises(WebError, match="public internet"):
        ask(server, tmp_path, allow_private=False)
    assert server.asked == server.others == 0 and not list(tmp_path.iterdir())


def test_a_name_that_leads_home_later_is_never_asked_twice(server, tmp_path, monkeypatch):
    # The name leads to a public address the first time, and here from then on.
    real, asked = socket.getaddrinfo, []

    def flipping(host, port, *args, **kwargs):
        if host != "rebind.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        address = "198.41.0.4" if len(asked) % 2 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    reached = []
    monkeypatch.setattr(socket, "getaddrinfo", flipping)
    monkeypatch.setattr(socket.socket, "connect", lambda _own, to: reached.append(to) or _fail())

    def _fail():
        raise OSError("no way there")

    guard = web.Guard()
    with pytest.raises(BusyServerError, match="the connection failed"):
        guard.post(f"http://rebind.example:{server.server_address[1]}/api", {})
    assert len(asked) == 1 and reached == [("198.41.0.4", server.server_address[1])]
    # The second look-up leads home, and is refused before anything is sent.
    with pytest.raises(WebError, match=r"leads to 127\.0\.0\.1"):
        guard.post(f"http://rebind.example:{server.server_address[1]}/api", {})
    assert len(reached) == 1 and server.asked == 0


#: Ways to write an address that is not on the public internet: RFC 6052, 3056, 4291, 3879, 9637, 9602 ...
INWARD = (
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1", "fec0::1", "2001:0:a00:1::1", "2001:20::1",
    "192.0.0.9", "192.0.0.192", "192.88.99.1", "198.18.0.1", "203.0.113.7", "2001:db8::1",
    "3fff::1", "5f00::1", "100::1", "240.0.0.1", "0.1.2.3", "fd00:ec2::254", "100.64.0.1",
)  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_an_address_that_carries_or_is_a_special_one_is_refused(address):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(WebError, match="not on the public internet"):
        web.require_url(f"http://{host}/api")


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1"])
def test_public_addresses_may_be_asked(address):
    host = f"[{address}]" if ":" in address else address
    assert web.require_url(f"http://{host}/api")


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8\\@127.0.0.1/", "http://8.8.8.8:80\r\nX: y/", "http://8.8.8.8 /", "http://[::1/",
        "http://[fe80::1%25eth0]/", "http://8.8.8.8:0/", "http://8.8.8.8:-1/", "http://8.8.8.8:1e3/",
        "http://a:b@8.8.8.8/", "http://8.8.8.8%2f/", "http:8.8.8.8", "//8.8.8.8/", "http://\ud800/",
        "http://" + "a" * 300 + ".example/", "http://8.8.8.8/\u00fc", "http://a..b/",
    ],
)  # fmt: skip
def test_an_address_that_two_readers_may_take_differently_is_refused(url):
    with pytest.raises(WebError) as err:
        web.require_url(url)
    assert err.value.remedy


def test_proxies_are_used_only_if_named(server, tmp_path, monkeypatch, elements):
    with serving(elements) as proxy:
        at = f"http://127.0.0.1:{proxy.server_address[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, at)
        whole = ask(server, tmp_path / "a").read_bytes()
        assert server.asked == 1 and proxy.asked == 0
        guard = web.Guard(allow_private=True, proxy=at)
        assert ask(server, tmp_path / "b", guard=guard).read_bytes() == whole
        assert server.asked == 1 and proxy.asked == 1


@pytest.mark.parametrize(
    "to", ["http://10.0.0.1/api", "http://169.254.169.254/", "file:///etc/passwd", "/api/x"]
)
def test_nobody_follows_a_redirect(server, tmp_path, to):
    server.plan = [f"redirect:{to}"]
    with pytest.raises(WebError, match="points elsewhere"):
        ask(server, tmp_path)
    assert server.asked == 1 and server.others == 0


@pytest.mark.parametrize("plan", ["drip:body", "drip:headers"])
def test_what_drips_is_cut_off_in_time(server, tmp_path, plan):
    server.plan = [plan]
    guard = web.Guard(allow_private=True, max_seconds=1.0)
    began = time.monotonic()
    with pytest.raises(WebError, match="does not finish its answer within 1 s"):
        ask(server, tmp_path, guard=guard)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("plan", ["endless", "endless:gzip"])
def test_what_does_not_end_is_cut_off(server, tmp_path, plan):
    server.plan = [plan]
    guard = web.Guard(allow_private=True, max_bytes=2**20)
    with pytest.raises(WebError, match="answers with more than 1 MiB"):
        ask(server, tmp_path, guard=guard)


def test_the_clock_runs_over_the_look_up_of_the_name(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: time.sleep(30))
    with pytest.raises(WebError, match=r"within 0\.2 s"):
        web.Guard(max_seconds=0.2).post("http://slow.example/api", {})


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("7", 7.0), ("0", 0.0), ("-3", 0.0), ("inf", None), ("nan", None), ("soon", None), ("1e9", 1e9)],
)  # fmt: skip
def test_a_busy_server_says_when(server, after, seconds):
    server.plan = [f"code:429,{after}"]
    with pytest.raises(BusyServerError) as err:
        web.Guard(allow_private=True).post(f"{server.url}/interpreter", {"data": "x"})
    assert err.value.after_s == seconds


def test_a_date_to_come_again_is_read(server):
    server.plan = ["code:503,Fri, 01 Jan 2100 00:00:00 GMT"]
    with pytest.raises(BusyServerError) as err:
        web.Guard(allow_private=True).post(f"{server.url}/interpreter", {"data": "x"})
    assert err.value.after_s > 3600 * 24 * 365


@pytest.mark.parametrize("after", ["1e9", "700", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_nobody_waits_for_years(server, tmp_path, after):
    server.plan, slept = [f"code:429,{after}"], []
    with pytest.raises(WebError, match=r"asks for a pause of [0-9,]+ minutes"):
        ask(server, tmp_path, note=slept.append)
    assert server.asked == 1 and not slept


NODE = {"type": "node", "id": 1, "lat": 60.18, "lon": 24.95}
BAD = {
    "no longitude": {"type": "node", "id": 1, "lat": 60.0},
    "id a text": {**NODE, "id": "x"},
    "id too large": {**NODE, "id": 2**70},
    "id a float": {**NODE, "id": 1.5},
    "id true": {**NODE, "id": True},
    "id negative": {**NODE, "id": -1},
    "latitude a text": {**NODE, "lat": "60"},
    "latitude off the globe": {**NODE, "lat": 91},
    "tags a list": {**NODE, "tags": [1]},
    "tag a number": {**NODE, "tags": {"a": 5}},
    "tag too long": {**NODE, "tags": {"a": "x" * 3_000_000}},
    "tag with a zero": {**NODE, "tags": {"a\0b": "c"}},
    "tag with half a pair": {**NODE, "tags": {"a": "\ud800"}},
    "too many tags": {**NODE, "tags": {str(i): "" for i in range(6000)}},
    "no type": {"id": 1},
    "another type": {**NODE, "type": "changeset"},
    "a number": 5,
    "nothing": None,
    "way through a text": {"type": "way", "id": 1, "nodes": ["a"]},
    "way without a list": {"type": "way", "id": 1, "nodes": {"a": 1}},
    "members nothing": {"type": "relation", "id": 1, "members": None},
    "member without a type": {"type": "relation", "id": 1, "members": [{"ref": 1}]},
    "member of a wrong type": {"type": "relation", "id": 1, "members": [{"type": "x", "ref": 1}]},
    "role a number": {"type": "relation", "id": 1, "members": [{"type": "way", "ref": 1, "role": 2}]},
}  # fmt: skip
BODIES = {
    **{name: json.dumps({"elements": [NODE, bad]}).encode() for name, bad in BAD.items()},
    "not a number": b'{"elements":[{"type":"node","id":1,"lat":NaN,"lon":Infinity}]}',
    "elements a table": b'{"elements":{"a":1}}',
    "no elements": b'{"a":1}',
    "a list": b"[1]",
    "a text": b'"x"',
    "empty": b"",
    "not UTF-8": b'{"elements":["\xff"]}',
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "remark a number": json.dumps({"elements": [NODE], "remark": 5}).encode(),
    "half of it": json.dumps({"elements": [NODE]}).encode()[:-5],
    "huge number": b'{"elements":[{"type":"node","id":' + b"9" * 100_000 + b"}]}",
}


@pytest.mark.parametrize("name", BODIES)
def test_what_has_a_wrong_shape_is_refused_and_not_kept(server, tmp_path, name):
    server.bodies = [BODIES[name]]
    with pytest.raises(WebError, match="does not answer as an Overpass server"):
        ask(server, tmp_path)
    assert not list(tmp_path.glob("*/*"))
    # The next time, a right answer is taken.
    assert ask(server, tmp_path).stat().st_size > 10_000


def test_an_answer_too_long_is_asked_for_in_parts(server, tmp_path, monkeypatch):
    monkeypatch.setattr(overpass, "_SMALLEST_M2", 1e5)
    whole = ask(server, tmp_path / "a")
    size = len(server.last)
    server.asked = 0
    guard = web.Guard(allow_private=True, max_bytes=int(0.6 * size))
    parts = ask(server, tmp_path / "b", guard=guard)
    assert server.asked > 4 and content(parts) == content(whole)


def test_the_city_s_own_words_cannot_leave_their_place_in_a_question():
    from urbanplan.sources.overpass import _Questions

    hostile = {'a"];node(1);nwr["b': ['x"];out;', "\\"], "c": True}
    ask = _Questions("u", hostile, Path("x"), web.Guard(), (), None)
    query = ask._query(overpass._Box(1, 2, 3, 4))
    assert json.loads("[" + re.search(r"nwr\[(.*?)\];nwr", query).group(1).replace("=", ",") + "]") == [
        'a"];node(1);nwr["b', "\\"
    ]  # fmt: skip


# ---------------------------------------------------------------- the command


def test_a_city_is_filled_from_a_server(server, helsinki_pbf, tmp_path, capsys):
    path = boundary(tmp_path / "b.geojson")
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        assert command(capsys, "init", folder, "--boundary", path)[0] == 0
    code, _, err = command(capsys, "fetch", one, "--overpass", server.url)
    assert code == 2 and "--allow-private" in err and server.asked == 0
    assert command(capsys, "fetch", one, "--overpass", server.url, "--allow-private")[0] == 0
    # The next time it is asked for what is new.
    assert not (one / "layers/.overpass").exists()
    assert command(capsys, "fetch", other, "--pbf", helsinki_pbf)[0] == 0
    from urbanplan.city.layers import load_layers
    from urbanplan.city.profile import load_city

    ours, theirs = load_layers(load_city(one)), load_layers(load_city(other))
    for name in ("parks", "hospitals", "education", "stations", "greenway", "roads"):
        assert set(ours[name].frame["id"]) == set(theirs[name].frame["id"]), name
        assert set(ours[name].frame["as_of"]) == {"2026-11-01"}
