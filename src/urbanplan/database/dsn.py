"""Where a database is, who asks, and whether the line is encrypted; a password is never shown."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field

from urbanplan.errors import InputError

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
