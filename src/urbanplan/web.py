"""The only module that lets a socket be opened: which hosts, how much, how long."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from urbanplan.errors import BusyServerError, WebError

Found = TypeVar("Found")

#: An answer larger than this is not read to its end.
MAX_BYTES = 256 * 2**20
#: An exchange (question, headers and body) that takes longer is given up.
MAX_SECONDS = 300.0
#: So often the clock is looked at.
_TICK_S = 0.05
#: Answers that ask to come again later.
_LATER = (429, 502, 503, 504)


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
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise WebError(
            "is not a plain http or https address",
            where=url,
            remedy="write it like https://overpass.example.org/api",
        )
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise WebError("has an impossible port", where=url, remedy="correct it") from None
    _require_public(parts.hostname, port, allow_private)
    return url


def _require_public(host: str, port: int, allow_private: bool) -> None:
    # Whatever the name's spelling, what counts is where it leads.
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise WebError(
            f"cannot be found ({err})", where=host, remedy="check the address and the network"
        ) from None
    for address in {str(row[4][0]) for row in found}:
        _require_address(address, host, allow_private)


def _require_address(address: str, host: str, allow_private: bool) -> None:
    at = ipaddress.ip_address(address.split("%")[0])
    at = getattr(at, "ipv4_mapped", None) or at
    never = at.is_multicast or at.is_unspecified
    if never or not (at.is_global or allow_private):
        raise WebError(
            f"leads to {address}, which is not on the public internet",
            where=host,
            remedy="allow it with --allow-private if it is your own server"
            if not never
            else "check the address",
        )


def passing_errors() -> tuple[type[Exception], ...]:
    """Errors of an exchange that may be gone at the next try."""
    from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout
    from urllib3.exceptions import ProtocolError

    return (BusyServerError, ChunkedEncodingError, ConnectionError, Timeout, ProtocolError)


class Guard:
    """Watches the exchanges that the `requests` library makes for another library.

    Parameters
    ----------
    allow_private : bool
        Servers in one's own network may be asked.
    max_bytes : int
        Of one answer, once it is unpacked.
    max_seconds : float
        Of one exchange, from the question to the last byte of the answer.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self.allow_private, self.max_bytes, self.max_seconds = allow_private, max_bytes, max_seconds
        self._began: float | None = None
        self._over = False

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for `requests.get` and `requests.post`."""
        return {
            "stream": True,
            "allow_redirects": False,
            "auth": self._leaving,
            "hooks": {"response": self._answered},
        }

    def _leaving(self, request: Any) -> Any:
        # Called with each question before it is sent; names resolve as they will for sending.
        if self._over:
            raise WebError("was given up", where=request.url, remedy="try again")
        require_url(request.url, allow_private=self.allow_private)
        self._began = time.monotonic()
        return request

    def _answered(self, response: Any, **_options: Any) -> Any:
        # Called with the headers of each answer: the body is read here, and no more of it.
        where = urlsplit(response.url).hostname
        if response.is_redirect or 300 <= response.status_code < 400:
            response.close()
            raise WebError(
                f"points elsewhere ({response.headers.get('location', 'nowhere')})",
                where=where,
                remedy="give the address that it points to, if you trust it",
            )
        body = bytearray()
        for part in response.iter_content(65536):
            body += part
            if len(body) > self.max_bytes:
                response.close()
                raise WebError(
                    f"answers with more than {self.max_bytes >> 20} MiB",
                    where=where,
                    remedy="ask for a smaller area, or use an extract with --pbf",
                )
        response._content, response._content_consumed = bytes(body), True
        self._began = None
        if response.status_code in _LATER:
            raise BusyServerError(
                f"is busy ({response.status_code} {response.reason})",
                where=where,
                remedy="try again later",
                after_s=_seconds(response.headers.get("retry-after")),
            )
        if not response.ok:
            raise WebError(
                f"refuses ({response.status_code} {response.reason})",
                where=where,
                remedy="check the address of its interface, e.g. https://overpass.example.org/api",
            )
        return response

    def run(self, call: Callable[[], Found]) -> Found:
        """Call something that makes exchanges, and give up when one takes too long.

        Raises
        ------
        WebError
            If an exchange is not over within `max_seconds`, however slowly it drips.
        """
        result: list[Any] = []

        def work() -> None:
            try:
                result.append((call(), None))
            except BaseException as err:
                result.append((None, err))

        # Nothing can stop a read that drips; the thread is left behind and dies with the process.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_TICK_S)
            began = self._began
            if began is not None and time.monotonic() - began > self.max_seconds:
                self._over = True
                raise WebError(
                    f"does not finish its answer within {self.max_seconds:g} s",
                    where="the server",
                    remedy="try again later, or use an extract with --pbf",
                )
        found, error = result[0]
        if error is not None:
            raise error
        return found


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None


@contextmanager
def own_names():
    """Put the resolver back that another library replaces."""
    resolver = socket.getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = resolver
