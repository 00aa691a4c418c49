"""A PostgreSQL server: where it is, how long it may take, and how a value is written for it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pg8000 import native

from urbanplan.errors import BusyError, InputError, UrbanplanError, WebError, WriteError
from urbanplan.servers import MAX_BYTES, MAX_SECONDS

#: Whether the line is encrypted, and whether the server must prove its name.
SSLMODES = ("disable", "prefer", "require", "verify-full")
_EXAMPLE = "write it like postgresql://user@host:5432/database, with the password in PGPASSWORD"
#: A password may hold a colon; what else has a meaning in an address is written as %40 and so on.
_DSN = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@/?#\[\],]*)(?::(?P<port>[0-9]{1,5}))?"
    r"/(?P<database>[^@/?#]+)"
    r"(?:\?(?P<options>[^@#?]*))?"
)
_CODE = re.compile(rb"%([0-9A-Fa-f]{2})")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Dsn:
    """One database on one server, as one user.

    Attributes
    ----------
    user, database : str
    host : str
        A name or address; a path, beginning with ``/``, is the folder of a local socket.
    port : int
    password : str or None
        Left out of ``repr`` and ``str``.
    sslmode : {'disable', 'prefer', 'require', 'verify-full'}
    sslrootcert : str or None
        File of the authorities that ``verify-full`` trusts; the system's where it is None.
    connect_s : float
        Seconds within which the server must have answered.
    """

    user: str
    host: str
    port: int
    database: str
    password: str | None = field(repr=False)
    sslmode: str
    sslrootcert: str | None
    connect_s: float

    @property
    def local(self) -> bool:
        """Whether what is sent stays on this machine."""
        return _is_local(self.host)

    def __str__(self) -> str:
        user, database, host = (_shown(x) for x in (self.user, self.database, self.host))
        secret = ":***" if self.password else ""
        if host.startswith("/"):
            return f"postgresql://{user}{secret}@/{database}?host={host}"
        host = f"[{host}]" if ":" in host else host
        return f"postgresql://{user}{secret}@{host}:{self.port}/{database}"


def parse_dsn(text: str | Dsn) -> Dsn:
    """Read ``postgresql://user:password@host:port/database?sslmode=…``.

    Parameters
    ----------
    text : str or Dsn
        The password may be left out and stand in the variable ``PGPASSWORD``, where other users
        of this machine do not see it. ``?host=/folder`` names a local socket instead of a host.
        Other options are ``sslmode``, ``sslrootcert``, ``connect_timeout`` and ``port``.

    Returns
    -------
    Dsn

    Raises
    ------
    InputError
        If it cannot be read. The text is not repeated: a misplaced password would be in it.

    Notes
    -----
    Where ``sslmode`` is left out, it is ``prefer`` on this machine and ``require`` everywhere else,
    one's own network included: whoever has a server without TLS says so with ``sslmode=disable``.

    Examples
    --------
    >>> print(parse_dsn("postgresql://ann:pass%40word@db.example.org/plans"))
    postgresql://ann:***@db.example.org:5432/plans
    >>> parse_dsn("postgresql://ann@db.example.org/plans").sslmode
    'require'
    """
    if isinstance(text, Dsn):
        return text
    found = _DSN.fullmatch(text)
    if found is None or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise _wrong("is not the address of a database", _EXAMPLE)
    options = _options(found["options"] or "")
    user, database = _plain(found["user"] or ""), _plain(found["database"])
    host = options.get("host") or _plain(found["host"]).strip("[]")
    port = found["port"] or options.get("port") or "5432"
    if not (user and host):
        raise _wrong("names no user" if host else "names no host", _EXAMPLE)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise _wrong("has an impossible port", "correct it")
    seconds = options.get("connect_timeout", "10")
    if not (seconds.isascii() and seconds.isdigit() and 0 < int(seconds) <= 600):
        raise _wrong("has an impossible connect_timeout", "give seconds from 1 to 600")
    mode = options.get("sslmode", "prefer" if _is_local(host) else "require")
    if mode not in SSLMODES:
        raise _wrong("has an unknown sslmode", f"use one of {', '.join(SSLMODES)}")
    return Dsn(
        user=user,
        host=host,
        port=int(port),
        database=database,
        password=_plain(found["password"] or "") or os.environ.get("PGPASSWORD") or None,
        sslmode=mode,
        sslrootcert=options.get("sslrootcert"),
        connect_s=float(seconds),
    )


def _wrong(what: str, remedy: str) -> InputError:
    return InputError(what, where="the DSN", remedy=remedy)


def _options(text: str) -> dict[str, str]:
    known = ("host", "port", "sslmode", "sslrootcert", "connect_timeout")
    found = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        if name not in known:
            # Not repeated: it may be the end of a password with a ? in it.
            raise _wrong("has an unknown option", f"use {', '.join(known)} only")
        found[name] = _plain(value)
    return found


def _plain(text: str) -> str:
    # Nothing here raises on its own: such an error would carry the text, and a password in it.
    if _STRAY.search(text):
        raise _wrong("has a % that begins no code", "write % itself as %25")
    raw = _CODE.sub(lambda code: bytes.fromhex(code[1].decode()), text.encode("utf-8"))
    plain = raw.decode("utf-8", "replace")
    if plain.encode("utf-8") != raw:
        raise _wrong("is not UTF-8", "write other characters as the codes of UTF-8")
    if "\0" in plain:
        raise _wrong("holds a null character", "leave it out")
    return plain


def _is_local(host: str) -> bool:
    if host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


#: Before it has let us in, a server has little to say.
_GREETING_BYTES = 2**20
_OK, _CLEAR, _MD5, _SASL = 0, 3, 5, 10
#: The last step of SCRAM, in which the server proves that it knows the password too.
_PROVED = 4


class Line(native.Connection):
    """A connection of pg8000 that counts what comes in and judges how it is asked to sign in.

    Parameters
    ----------
    where : str
        The server, for messages.
    proved : bool
        The server has proved who it is, or stands on this machine.
    options
        As `pg8000.native.Connection` takes them.
    """

    def __init__(self, where: str, proved: bool, **options: Any) -> None:
        self.where, self.proved = where, proved
        self.bytes_left = _GREETING_BYTES
        super().__init__(**options)
        self.password = None

    # pg8000 reads every message from this file: whatever it is given is counted.
    @property
    def _sock(self) -> Any:
        return self.__dict__["_file"]

    @_sock.setter
    def _sock(self, file: Any) -> None:
        self.__dict__["_file"] = file if file is None else _Counted(file, self)

    def cut(self) -> None:
        """End whatever is waited for, from another thread."""
        found = self.__dict__.get("_usock")
        if found is not None:
            # Shut down rather than close, which would not wake a thread that reads.
            with contextlib.suppress(OSError):
                found.shutdown(2)

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:
        """Sign in as asked, unless others could learn the password by it."""
        asked = int.from_bytes(data[:4], "big")
        if asked == _OK and getattr(getattr(self, "auth", None), "stage", _PROVED) != _PROVED:
            self._refuse("lets us in without a proof that it knows the password", "check its name")
        if asked in (_CLEAR, _MD5, _SASL) and not self.password:
            self._refuse("asks for a password", "set PGPASSWORD")
        if asked in (_CLEAR, _MD5) and not self.proved:
            self._refuse(
                "asks for the password in a way that gives it away",
                "use sslmode=verify-full, or ask for scram-sha-256 in its pg_hba.conf",
            )
        super().handle_AUTHENTICATION_REQUEST(data, context)

    def _refuse(self, what: str, remedy: str) -> None:
        raise WebError(what, where=self.where, remedy=remedy)

    def count(self, size: int) -> None:
        """Note that a message of this size comes, and refuse one too many."""
        self.bytes_left -= size
        if size < 0 or self.bytes_left < 0:
            self._refuse("says more than was asked for", "ask for fewer rows")


class _Counted:
    """The file of a connection, read within a limit."""

    def __init__(self, file: Any, line: Line) -> None:
        self.file, self.line = file, line
        self.write, self.flush = file.write, file.flush

    def read(self, size: int) -> bytes:
        """So many bytes, if so many may still come."""
        self.line.count(size)
        return self.file.read(size)


def tls(sslmode: str, authorities: str | None) -> ssl.SSLContext | bool | None:
    """What pg8000 is to do about encryption: a context, none (False), or whatever is there (None)."""
    if sslmode == "disable":
        return False
    if sslmode == "prefer":
        return None
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as err:
        raise InputError(
            f"cannot be read ({err.strerror or 'it holds no certificate'})",
            where=authorities,
            remedy="name a file of certificates (PEM) with sslrootcert",
        ) from None
    if sslmode == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


#: PostgreSQL cuts longer names without a word, and two names could become one.
MAX_NAME_BYTES = 63
#: A cell without a value.
NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def identifier(*names: str) -> str:
    """A name in quotes; several are joined by dots, the outermost first.

    Raises
    ------
    InputError
        If a name is empty, too long, or holds what cannot stand in a name.

    Examples
    --------
    >>> print(identifier("plan", 'a "b"; c'))
    "plan"."a ""b""; c"
    """
    return ".".join(f'"{_name(n)}"' for n in names)


def _name(name: str) -> str:
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise _unnamed(name, "holds half a character", "correct it") from None
    if "\0" in name or not name:
        raise _unnamed(name, "is empty or holds a null character", "name it")
    if size > MAX_NAME_BYTES:
        what = f"takes {size} bytes, and PostgreSQL keeps {MAX_NAME_BYTES}"
        raise _unnamed(name, what, "shorten it (a Chinese character takes 3)")
    return name.replace('"', '""')


def _unnamed(name: str, what: str, remedy: str) -> InputError:
    short = name if len(name) <= 80 else f"{name[:60]}…"
    return InputError(
        f"the name {ascii(short) if not short.isprintable() else repr(short)} {what}", remedy=remedy
    )


def literal(text: str) -> str:
    """A text in quotes, whatever the server takes a backslash for.

    Only for words that may stand nowhere else, as in comments; other values are parameters or
    cells.
    """
    if "\0" in text:
        raise InputError("a text holds a null character", remedy="remove it")
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def cell(text: str) -> str:
    """A text as a cell of ``COPY``."""
    return text.translate(_ESCAPES)


def lines(columns: Sequence[Sequence[str]]) -> bytes:
    """Cells, column by column, as rows of ``COPY``."""
    return ("\n".join(map("\t".join, zip(*columns))) + "\n").encode("utf-8")


def cells(rows: bytes, columns: int) -> Iterator[list[str | None]]:
    """Rows of ``COPY`` as lists of cells; None where there is no value.

    Raises
    ------
    ValueError
        If a row has another number of cells.
    """
    for line in rows.decode("utf-8").split("\n")[:-1]:
        row = line.split("\t") if columns else []
        if len(row) != columns:
            raise ValueError(f"{len(row)} cells where {columns} were asked for")
        if "\\" in line:
            yield [None if c == NULL else _unescaped(c) if "\\" in c else c for c in row]
        else:
            yield [*row]


def _unescaped(text: str) -> str:
    parts = iter(text.split("\\"))
    found = [next(parts)]
    for part in parts:
        # Two backslashes leave an empty part; the next one is then plain.
        found.append(
            "\\" + next(parts, "") if not part else _UNESCAPES.get(part[0], part[0]) + part[1:]
        )
    return "".join(found)


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
            self._line.__init__(  # type: ignore[misc]  # made above, without it
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

    def _error(
        self, what: str, remedy: str, kind: type[UrbanplanError] = WebError
    ) -> UrbanplanError:
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

    def _lost(self, err: Exception, seconds: float) -> UrbanplanError:
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
