"""One signed-in connection: every question within limits, every failure one sentence."""

from __future__ import annotations

import contextlib
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from urbanplan.database.dsn import Dsn, parse_dsn
from urbanplan.errors import BusyError, UrbanplanError, WebError, WriteError

#: A question that takes longer is given up, by the server and, a little later, from here.
MAX_SECONDS = 300.0
#: More than this is not taken for one question.
MAX_BYTES = 512 * 2**20
_GRACE_S = 5.0
#: So often the clock is looked at.
_TICK_S = 0.05
#: Words of the server are cut here.
_MAX_WORDS = 240

#: What the server says by code, what that means, and what to do.
_REFUSALS = {
    "28P01": ("does not accept this user with this password", "check both (PGPASSWORD)"),
    "28000": ("does not let this user in ({said})", "ask its administrator (pg_hba.conf)"),
    "3D000": ("has no database of this name", "check the name behind the last /"),
    "42501": ("does not allow that ({said})", "ask its administrator for the right"),
    "53300": ("has no connection left", "try again later"),
    "57P03": ("is not ready yet ({said})", "try again later"),
    "57P01": ("is being shut down", "try again later"),
    "57014": ("gave up after {seconds:g} s ({said})", "try again when it is less busy"),
    "53100": ("has no space left", "ask its administrator"),
    "25006": ("can only be read ({said})", "name the server that is written to"),
}
_BUSY = ("55P03", "40P01", "40001")
_OTHERS_NEED_IT = "2BP01"


def connect(
    dsn: str | Dsn, *, max_seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES
) -> Server:
    """Sign in.

    Parameters
    ----------
    dsn : str or Dsn
        See `parse_dsn`.
    max_seconds, max_bytes
        What one question may take, and its answer hold.

    Raises
    ------
    InputError
        If the DSN cannot be read.
    WebError
        If the server cannot be reached or does not let us in.
    """
    return Server(parse_dsn(dsn), max_seconds, max_bytes)


class Server:
    """A connection to one database; leave its context to close it."""

    def __init__(self, dsn: Dsn, max_seconds: float, max_bytes: int) -> None:
        from urbanplan.database.line import Line, tls

        self.dsn, self.max_seconds, self.max_bytes = dsn, max_seconds, max_bytes
        self._usable, self._late, self._inside = False, False, False
        self._until: float | None = None
        self._ended = threading.Event()
        # Made before it connects, so that connecting can be cut short as well.
        self._line = Line.__new__(Line)
        socket = f"{dsn.host}/.s.PGSQL.{dsn.port}" if dsn.host.startswith("/") else None
        context = False if socket else tls(dsn.sslmode, dsn.sslrootcert)
        proved = dsn.local or dsn.sslmode == "verify-full"
        threading.Thread(target=self._watch, daemon=True).start()

        def begin() -> None:
            self._line.__init__(
                str(dsn), proved,
                user=dsn.user, password=dsn.password, database=dsn.database,
                host=dsn.host, port=dsn.port, unix_sock=socket,
                ssl_context=context, timeout=dsn.connect_s,
                application_name="urbanplan", startup_params={"client_encoding": "UTF8"},
            )  # fmt: skip

        self._exchange(begin, dsn.connect_s)
        self._inside = True
        # From here on a read waits as long as a question may take.
        self._line._usock.settimeout(max_seconds + _GRACE_S)
        try:
            self._settle()
        except BaseException:
            self.close()
            raise

    def _settle(self) -> None:
        limit = int(self.max_seconds * 1000)
        self.do(
            f"SET statement_timeout = {limit};"
            # A writer whose machine is gone must not hold its locks for ever.
            f"SET idle_in_transaction_session_timeout = {limit};"
            "SET standard_conforming_strings = on; SET client_min_messages = warning;"
            "SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC'; SET extra_float_digits = 3;"
            "SET bytea_output = 'hex';"
            # Names that we do not qualify are PostgreSQL's own, whatever others put into `public`.
            "SET search_path = pg_catalog"
        )

    def __repr__(self) -> str:
        return f"<Server {self.dsn}>"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; a transaction that is open is undone."""
        line, self._usable = self._line, False
        self._ended.set()
        if getattr(line, "_usock", None) is not None:
            with contextlib.suppress(Exception):
                line.close()

    def do(self, sql: str) -> None:
        """Run statements without parameters, several if divided by semicolons."""
        self._exchange(partial(self._line.execute_simple, sql), self.max_seconds)

    def ask(self, sql: str, *values: object) -> list[list[Any]]:
        """Rows of a question; its parameters are ``$1`` and so on."""
        ask = partial(self._line.execute_unnamed, sql, values)
        return self._exchange(ask, self.max_seconds).rows or []

    def copy_in(self, target: str, rows: Iterable[bytes]) -> None:
        """Bring rows in `COPY`'s text form into ``target`` (a quoted name)."""
        sql = f"COPY {target} FROM STDIN"
        self._exchange(partial(self._line.execute_unnamed, sql, stream=rows), self.max_seconds)

    def copy_out(self, query: str) -> bytes:
        """Rows of a query in `COPY`'s text form."""
        import io

        found, sql = io.BytesIO(), f"COPY ({query}) TO STDOUT"
        self._exchange(partial(self._line.execute_unnamed, sql, stream=found), self.max_seconds)
        return found.getvalue()

    @contextlib.contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[None]:
        """All that is done inside happens, or nothing.

        Raises
        ------
        WriteError
            If the connection ends while the server is asked to keep it.
        """
        kind = "REPEATABLE READ READ ONLY" if read_only else "READ COMMITTED READ WRITE"
        self.do(f"BEGIN TRANSACTION ISOLATION LEVEL {kind}")
        try:
            yield
        except BaseException:
            if self._usable:
                with contextlib.suppress(UrbanplanError):
                    self.do("ROLLBACK")
            self.close()
            raise
        try:
            self.do("COMMIT")
        except WebError as err:
            if self._usable or read_only:
                raise
            raise WriteError(
                f"does not confirm that it kept what was written ({err.what})",
                where=str(self.dsn),
                remedy="look whether it is there, or write it again",
            ) from None

    @contextlib.contextmanager
    def attempt(self, lock_ms: int) -> Iterator[None]:
        """Try a part of a transaction, waiting for locks so long at most; undo it if it fails."""
        self.do(f"SAVEPOINT attempt; SET LOCAL lock_timeout = {lock_ms}")
        try:
            yield
        except UrbanplanError:
            if self._usable:
                self.do("ROLLBACK TO SAVEPOINT attempt")
            raise
        self.do("SET LOCAL lock_timeout = 0; RELEASE SAVEPOINT attempt")

    def _exchange(self, call: Callable[[], Any], seconds: float) -> Any:
        from pg8000.exceptions import DatabaseError, InterfaceError
        from scramp import ScramException

        odd = (struct.error, LookupError, UnicodeError)
        self._usable = False
        self._line.bytes_left = self.max_bytes
        self._until = time.monotonic() + seconds + _GRACE_S
        try:
            found = call()
            self._usable = True
            return found
        except UrbanplanError:
            raise
        except DatabaseError as err:
            # The server has said so itself and waits for the next question.
            self._usable = True
            failure = self._refusal(err.args[0], seconds)
        except (InterfaceError, OSError) as err:
            failure = self._lost(err, seconds)
        except ScramException as err:
            failure = self._error(
                f"and this side do not agree on how to sign in ({self._clean(str(err))})",
                "use scram-sha-256 there, and a password without rare characters",
            )
        except odd as err:
            failure = self._error(
                f"does not answer like a PostgreSQL server ({self._clean(str(err))})",
                "check the host and the port",
            )
        finally:
            self._until = None
            if not self._usable:
                self.close()
        # Raised here, it does not carry the server's own words along.
        raise failure

    def _watch(self) -> None:
        # A server can drip for ever, below any limit on a single read.
        while not self._ended.wait(_TICK_S):
            until = self._until
            if until is not None and time.monotonic() > until:
                self._late = True
                self._line.cut()

    def _error(self, what: str, remedy: str, kind: type[UrbanplanError] = WebError):
        return kind(what, where=str(self.dsn), remedy=remedy)

    def _refusal(self, said: dict[str, str], seconds: float) -> UrbanplanError:
        code = said.get("C", "")
        words = self._clean(said.get("M", ""))
        if code in _BUSY:
            return self._error(f"is busy ({words})", "try again later", BusyError)
        if code == _OTHERS_NEED_IT:
            return self._error(
                f"keeps what others built on these tables ({self._clean(said.get('D', words))})",
                "remove that first, or write to another schema",
                WriteError,
            )
        what, remedy = _REFUSALS.get(
            code, ("refuses ({said}, code {code})", "see what it says; nothing was changed")
        )
        return self._error(what.format(said=words, code=code, seconds=seconds), remedy)

    def _lost(self, err: Exception, seconds: float) -> WebError:
        cause = err.__cause__ or err
        if self._late or isinstance(cause, TimeoutError):
            return self._error(
                f"did not answer within {seconds:g} s", "check the address, or try again later"
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._error(
                f"does not prove who it is ({cause.verify_message})",
                "name its authority with sslrootcert, or use sslmode=require",
            )
        if "refuses SSL" in str(err):
            return self._error(
                "does not encrypt the line",
                "switch TLS on there, or say sslmode=disable if you trust the network",
            )
        words = self._clean(getattr(cause, "strerror", None) or str(cause))
        if self._inside:
            return self._error(f"hung up ({words})", "see its log; nothing was changed")
        return self._error(
            f"cannot be reached ({words})", "check that it runs, its host and its port"
        )

    def _clean(self, words: str) -> str:
        # Another's words reach a terminal: no control characters, no end without end, no secret.
        if self.dsn.password and len(self.dsn.password) > 2:
            words = words.replace(self.dsn.password, "***")
        words = "".join(c if c.isprintable() else " " for c in words)
        return " ".join(words.split())[:_MAX_WORDS]
