"""A server on this machine that speaks Overpass, serves real data, and misbehaves when asked to."""

from __future__ import annotations

import contextlib
import functools
import gzip
import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import osmium
import shapely

#: `nwr["amenity"="bank"]` or `nwr["highway"]`, once for each thing that is asked for.
FILTER = re.compile(r'nwr\["([^"]+)"(?:="([^"]*)")?\]')
BOX = re.compile(r"\[bbox:([^\]]+)\]")
KINDS = {"n": "node", "w": "way", "r": "relation"}


class Elements:
    """Everything that an extract holds, as Overpass words it."""

    def __init__(self, pbf: Path) -> None:
        self.of = {"node": {}, "way": {}, "relation": {}}
        for item in osmium.FileProcessor(str(pbf)):
            tags = {t.k: t.v for t in item.tags}
            if item.is_node():
                own = {"type": "node", "lat": item.lat, "lon": item.lon}
            elif item.is_way():
                own = {"type": "way", "nodes": [n.ref for n in item.nodes]}
            else:
                members = [
                    {"type": KINDS[m.type], "ref": m.ref, "role": m.role} for m in item.members
                ]
                own = {"type": "relation", "members": members}
            self.of[own["type"]][item.id] = {**own, "id": item.id, "tags": tags}

    @functools.cache  # noqa: B019 -- it lives as long as its file of tests, which ask the same.
    def answer(self, query: str) -> list[dict]:
        """What a query asks for, with what it recurses down to."""
        south, west, north, east = map(float, BOX.search(query).group(1).split(","))
        area = shapely.box(west, south, east, north)
        nodes, ways = self.of["node"], self.of["way"]
        shapely.prepare(area)
        inside = {i for i, n in nodes.items() if shapely.intersects_xy(area, n["lon"], n["lat"])}
        near = {i for i, w in ways.items() if inside.intersection(w["nodes"])}
        within = {"node": inside, "way": near}
        within["relation"] = {
            i
            for i, r in self.of["relation"].items()
            if any(m["ref"] in within.get(m["type"], ()) for m in r["members"])
        }
        found = {"node": set(), "way": set(), "relation": set()}
        for kind, (key, value) in itertools.product(found, FILTER.findall(query)):
            for i in within[kind]:
                held = self.of[kind][i]["tags"].get(key)
                if held is not None and value in ("", held):
                    found[kind].add(i)
        for i in found["relation"]:
            for m in self.of["relation"][i]["members"]:
                if m["type"] != "relation" and m["ref"] in self.of[m["type"]]:
                    found[m["type"]].add(m["ref"])
        found["node"] |= {n for i in found["way"] for n in ways[i]["nodes"] if n in nodes}
        return [self.of[kind][i] for kind in found for i in sorted(found[kind])]


class Overpass(ThreadingHTTPServer):
    """The server; `plan` holds what the next answers do, then all are as they should be."""

    daemon_threads = True

    def __init__(self, elements: Elements) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.elements, self.plan, self.delay_s = elements, [], 0.0
        # What the next answers hold in place of the elements, and what the last one held.
        self.bodies, self.last = [], b""
        self.asked, self.answered, self.others = 0, 0, 0
        self.lock, self.over = threading.Lock(), threading.Event()

    @property
    def url(self) -> str:
        """Its interface."""
        return f"http://127.0.0.1:{self.server_address[1]}/api"

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One exchange."""

    server: Overpass

    def log_message(self, *_args) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A page nobody should have asked for."""
        self.server.others += 1
        self._send(404, b"")

    def do_POST(self) -> None:
        """An answer, or what the plan has instead."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with self.server.lock:
            self.server.asked += 1
            do = self.server.plan.pop(0) if self.server.plan else "answer"
        time.sleep(self.server.delay_s)
        name, _, detail = do.partition(":")
        getattr(self, f"_{name}")(parse_qs(body)["data"][0], detail)

    def _send(self, code: int, content: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _content(self, query: str) -> bytes:
        if self.server.bodies:
            return self.server.bodies.pop(0)
        answer = {
            "version": 0.6,
            "osm3s": {"timestamp_osm_base": "2026-11-01T00:00:00Z"},
            "elements": self.server.elements.answer(query),
        }
        self.server.last = json.dumps(answer).encode()
        return self.server.last

    def _answer(self, query: str, _detail: str) -> None:
        self._send(200, self._content(query))
        with self.server.lock:
            self.server.answered += 1

    def _code(self, _query: str, detail: str) -> None:
        code, _, after = detail.partition(",")
        self._send(int(code), b"{}", **({"retry_after": after} if after else {}))

    def _drop(self, _query: str, _detail: str) -> None:
        self.connection.shutdown(2)

    def _half(self, query: str, _detail: str) -> None:
        content = self._content(query)
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.connection.shutdown(2)

    def _chunk(self, _query: str, size: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        self.wfile.write(f"{size}\r\nabc".encode())

    def _drip(self, _query: str, where: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if where == "body":
            self.wfile.write(b"content-length: 1000000\r\n\r\n")
        while not self.server.over.is_set():
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)

    def _endless(self, _query: str, packed: str) -> None:
        self.send_response(200)
        if packed:
            self.send_header("content-encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b" " * 64 * 2**20))
            return
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(b" " * 65536)

    def _redirect(self, _query: str, to: str) -> None:
        self._send(302, b"", location=to)

    def _page(self, _query: str, _detail: str) -> None:
        self._send(200, b"<html><body>Hello</body></html>", content_type="text/html")

    def _remark(self, _query: str, _detail: str) -> None:
        text = 'runtime error: Query timed out in "query" at line 1 after 3 seconds.'
        self._send(200, json.dumps({"elements": [], "remark": text}).encode())


@contextlib.contextmanager
def serving(elements: Elements) -> Iterator[Overpass]:
    """A server, as long as the block lasts."""
    with Overpass(elements) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
