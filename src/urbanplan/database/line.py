"""A line to a server that is not believed: how much it may say, and to whom a password is shown."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from pg8000 import native

from urbanplan.errors import InputError, WebError

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
