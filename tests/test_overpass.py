"""Overpass through osmnx, against a server on this machine: real sockets, real data, real faults."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import osmnx
import pytest
import shapely

from overpass_server import Elements, serving
from test_fetch import BOX
from test_init import boundary, command
from urbanplan import web
from urbanplan.catalog import read_osm_rules
from urbanplan.errors import BusyServerError, InputError, WebError
from urbanplan.intake.fetch import tag_keys
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
        from urbanplan.intake.fetch import tag_keys
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
    (kept,) = tmp_path.glob("*/*.json")
    kept.write_bytes(kept.read_bytes()[:-1000])
    assert ask(server, tmp_path).read_bytes() == whole and server.asked == 2


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (["code:429"], "is busy (429"),
        (["code:504", "code:503"], "is busy (504"),
        (["drop"], "the connection failed"),
        (["half", "drop", "code:429"], "the connection failed"),
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
    assert len(list(tmp_path.glob("*/*.json"))) == 1


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


def test_a_name_that_leads_home_later_is_refused_when_it_does(server, tmp_path, monkeypatch):
    # The name is public when it is looked at, and leads here when the question leaves.
    guard = web.Guard(allow_private=False)
    monkeypatch.setattr(
        web, "require_url", lambda url, allow_private: url if "looked" not in seen else _refuse(url)
    )
    seen: list[str] = []

    def _refuse(url):
        raise WebError("leads home", where=url, remedy="none")

    seen.append("looked")
    with pytest.raises(WebError, match="leads home"):
        download(server.url, AREA, tag_keys(), tmp_path, guard=guard, pauses_s=SOON)
    assert server.asked == 0


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
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("plan", ["endless", "endless:gzip"])
def test_what_does_not_end_is_cut_off(server, tmp_path, plan):
    server.plan = [plan]
    guard = web.Guard(allow_private=True, max_bytes=2**20)
    with pytest.raises(WebError, match="answers with more than 1 MiB"):
        ask(server, tmp_path, guard=guard)


def test_osmnx_and_names_are_left_as_they_were(server, tmp_path):
    before = {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")}
    resolver = socket.getaddrinfo
    ask(server, tmp_path)
    server.plan = ["code:403"]
    with pytest.raises(WebError):
        ask(server, tmp_path / "b")
    assert {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")} == before
    assert socket.getaddrinfo is resolver


def test_a_busy_server_says_when(server):
    import requests

    guard = web.Guard(allow_private=True)
    server.plan = ["code:429,7"]
    with pytest.raises(BusyServerError) as err:
        requests.post(f"{server.url}/interpreter", data={"data": "x"}, timeout=5, **guard.options)
    assert err.value.after_s == 7.0


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
    from urbanplan.city import load_city
    from urbanplan.layers import load_layers

    ours, theirs = load_layers(load_city(one)), load_layers(load_city(other))
    for name in ("parks", "hospitals", "education", "stations", "greenway", "roads"):
        assert set(ours[name].frame["id"]) == set(theirs[name].frame["id"]), name
        assert set(ours[name].frame["as_of"]) == {"2026-11-01"}
