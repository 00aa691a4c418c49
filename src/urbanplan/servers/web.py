"""The only module that lets a socket be opened: which hosts, how much, how long."""

from __future__ import annotations

import http.client
import ipaddress
import math
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from urbanplan.errors import BusyServerError, TooLongError, WebError

#: An answer larger than this is not read to its end. What JSON of this size grows to in memory stays below 2 GiB.
MAX_BYTES = 64 * 2**20
#: An exchange (name, connection, question, headers and body) that takes longer is given up.
MAX_SECONDS = 300.0
#: Answers that ask to come again later.
_LATER = (429, 502, 503, 504)
_PART = 65536
#: IANA registries of special-purpose addresses (November 2025), and prefixes that carry another address inside:
#: Python's `is_global` grew over its versions, and calls some of them global.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *(
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "100:0:0:1::/64",
        ),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16"),
        *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
#: A host and port, as URLs may write them here: nothing that two readers could take for two things.
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\\@\[\]:%/?#]+)(:\d{1,5})?", re.ASCII)


class _Server(NamedTuple):
    """Where a URL leads."""

    secure: bool
    host: str
    port: int
    path: str


def require_url(url: str, *, allow_private: bool = False) -> str:
    """Return a URL unchanged if it leads to a web server that may be asked.

    Parameters
    ----------
    url : str
    allow_private : bool
        The server may stand in one's own network.

    Raises
    ------
    WebError
        If it is not http or https, carries a user's name, or leads to this machine, a private
        network, or nowhere.
    """
    server = _server_of(url)
    _addresses(server.host, server.port, allow_private)
    return url


def _server_of(url: str) -> _Server:
    try:
        if not url.isprintable():
            raise ValueError
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not _NETLOC.fullmatch(parts.netloc):
            raise ValueError
        host = (parts.hostname or "").encode("idna").decode("ascii")
        path = (parts.path or "/").encode("ascii").decode("ascii")
    except ValueError:
        raise WebError(
            "is not a plain http or https address",
            where=url,
            remedy="write it like https://overpass.example.org/api",
        ) from None
    secure = parts.scheme == "https"
    try:
        port = (443 if secure else 80) if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise WebError("has an impossible port", where=url, remedy="correct it")
    return _Server(secure, host, port, path)


def _addresses(host: str, port: int, allow_private: bool) -> list[tuple[int, Any]]:
    # Whatever the name's spelling, what counts is where it leads. The connection is made to what is judged here:
    # a name that is asked twice may lead elsewhere the second time.
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise WebError(
            f"cannot be found ({err})", where=host, remedy="check the address and the network"
        ) from None
    for row in rows:
        _require_address(str(row[4][0]), host, allow_private)
    return [(row[0], row[4]) for row in rows]


def _require_address(address: str, host: str, allow_private: bool) -> None:
    at = ipaddress.ip_address(address.split("%")[0])
    at = getattr(at, "ipv4_mapped", None) or at
    never = at.is_multicast or at.is_unspecified or str(at) == "255.255.255.255"
    special = not at.is_global or any(at in n for n in _NOT_PUBLIC if n.version == at.version)
    if never or (special and not allow_private):
        raise WebError(
            f"leads to {address}, which is not on the public internet",
            where=host,
            remedy="allow it with --allow-private if it is your own server"
            if not never
            else "check the address",
        )


@dataclass(frozen=True)
class Guard:
    """Limits of an exchange with a server.

    Parameters
    ----------
    allow_private : bool
        Servers in one's own network may be asked.
    max_bytes : int
        Of one answer, once it is unpacked.
    max_seconds : float
        Of one exchange, from the look-up of the name to the last byte of the answer.
    proxy : str, optional
        URL of a proxy through which to ask. Those of the environment are not used.
    """

    allow_private: bool = False
    max_bytes: int = MAX_BYTES
    max_seconds: float = MAX_SECONDS
    proxy: str | None = None

    def post(self, url: str, fields: Mapping[str, str]) -> bytes:
        """Send a form to a server.

        Parameters
        ----------
        url : str
        fields : mapping of str to str

        Returns
        -------
        bytes
            The body of its answer.

        Raises
        ------
        BusyServerError
            If it asks to come again later, or the connection breaks.
        WebError
            If the server may not be asked, refuses, points elsewhere, says too much, or is not
            done within `max_seconds`, however slowly it drips.
        """
        exchange = _Exchange(self, url, urlencode(fields).encode())
        # A look-up of a name cannot be stopped, and a read that drips looks alive: the clock is outside.
        thread = threading.Thread(target=exchange.run, daemon=True)
        thread.start()
        thread.join(self.max_seconds)
        if thread.is_alive():
            exchange.end()
            raise WebError(
                f"does not finish its answer within {self.max_seconds:g} s",
                where="the server",
                remedy="try again later, or use an extract with --pbf",
            )
        if exchange.error is not None:
            raise exchange.error
        return exchange.body


class _Exchange:
    """One question and its answer, in a thread of its own."""

    def __init__(self, guard: Guard, url: str, content: bytes) -> None:
        self.guard, self.url, self.content = guard, url, content
        self.connection: http.client.HTTPConnection | None = None
        self.body = b""
        self.error: BaseException | None = None

    def run(self) -> None:
        """Ask, and leave the answer or what went wrong."""
        try:
            self.body = self._ask(_server_of(self.url))
        except ssl.SSLCertVerificationError as err:
            self.error = WebError(
                f"has a certificate that is not trusted ({err.verify_message})",
                where=self.url,
                remedy="ask its administrator",
            )
        except WebError as err:
            self.error = err
        # Of a part with a negative length http.client says ValueError.
        except (OSError, http.client.HTTPException, ValueError) as err:
            self.error = BusyServerError(
                f"the connection failed ({type(err).__name__})", where=self.url
            )
        except BaseException as err:
            self.error = err
        finally:
            self.end()

    def end(self) -> None:
        """Close the connection, which also ends a read that another thread waits in."""
        connection = self.connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        if connection is not None:
            connection.close()

    def _ask(self, server: _Server) -> bytes:
        connection, target = self._connect(server)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept-Encoding": "gzip",
            "User-Agent": "urbanplan",
        }
        connection.request("POST", target, self.content, headers)
        with connection.getresponse() as response:
            self._judge(response, server.host)
            return self._read(response, server.host)

    def _connect(self, server: _Server) -> tuple[http.client.HTTPConnection, str]:
        # A connection, left where `end` finds it too, and what to ask it for.
        kind = http.client.HTTPSConnection if server.secure else http.client.HTTPConnection
        timeout = self.guard.max_seconds
        if self.guard.proxy is not None:
            proxy = _server_of(self.guard.proxy)
            self.connection = made = kind(proxy.host, proxy.port, timeout=timeout)
            if not server.secure:
                return made, self.url
            made.set_tunnel(server.host, server.port)
            return made, server.path
        rows = _addresses(server.host, server.port, self.guard.allow_private)
        self.connection = made = kind(server.host, server.port, timeout=timeout)
        made.sock = self._socket(rows)
        if server.secure:
            context = ssl.create_default_context()
            made.sock = context.wrap_socket(made.sock, server_hostname=server.host)
        return made, server.path

    def _socket(self, rows: list[tuple[int, Any]]) -> socket.socket:
        failed: OSError | None = None
        for family, address in rows:
            made = socket.socket(family, socket.SOCK_STREAM)
            made.settimeout(self.guard.max_seconds)
            try:
                made.connect(address)
            except OSError as err:
                made.close()
                failed = err
            else:
                return made
        raise failed or ConnectionError

    def _judge(self, response: http.client.HTTPResponse, where: str) -> None:
        code, reason = response.status, response.reason
        if 300 <= code < 400:
            raise WebError(
                f"points elsewhere ({response.headers.get('location', 'nowhere')})",
                where=where,
                remedy="give the address that it points to, if you trust it",
            )
        if code in _LATER:
            raise BusyServerError(
                f"is busy ({code} {reason})",
                where=where,
                remedy="try again later",
                after_s=_seconds(response.headers.get("retry-after")),
            )
        if not 200 <= code < 300:
            raise WebError(
                f"refuses ({code} {reason})",
                where=where,
                remedy="check the address of its interface, e.g. https://overpass.example.org/api",
            )

    def _read(self, response: http.client.HTTPResponse, where: str) -> bytes:
        packed = response.headers.get("content-encoding", "").lower() in ("gzip", "deflate")
        unpack = zlib.decompressobj(47) if packed else None
        body = bytearray()
        while part := response.read(_PART):
            try:
                while part:
                    # At most a part at a time comes out, however much it grows to.
                    body += unpack.decompress(part, _PART) if unpack else part
                    part = unpack.unconsumed_tail if unpack else b""
                    if len(body) > self.guard.max_bytes:
                        raise TooLongError(
                            f"answers with more than {self.guard.max_bytes >> 20} MiB",
                            where=where,
                            remedy="ask for a smaller area, or use an extract with --pbf",
                        )
            except zlib.error:
                raise http.client.HTTPException("damaged") from None
        # http.client takes an answer that is cut off for a short one.
        if response.length or (unpack and not unpack.eof):
            raise http.client.IncompleteRead(b"")
        return bytes(body)


def _seconds(text: str | None) -> float | None:
    # Seconds, or a date; None where it is neither.
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
