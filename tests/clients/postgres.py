"""A PostgreSQL server of a test session's own: begun, asked, and ended."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patience import PATIENCE_S

BINARIES = Path("/usr/lib/postgresql/15/bin")
#: What keeps a server of tests small and fast; nothing of it outlives the session.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "ssl": "on",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "password_encryption": "scram-sha-256",
    "log_statement": "all",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class Postgres:
    """A server that runs; `password` is that of its superuser."""

    folder: Path
    port: int
    password: str

    def dsn(self, database: str = "plans", user: str = "chief", password: str | None = None) -> str:
        """Where urbanplan finds it."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def psql(self, sql: str, database: str = "plans", user: str = "chief", password=None) -> str:
        """What PostgreSQL's own client prints; the password is not among its arguments."""
        done = subprocess.run(
            [BINARIES / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database,
             "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=sql, capture_output=True, text=True, timeout=PATIENCE_S,
            env={**os.environ, "PGPASSWORD": password or self.password, "PGCLIENTENCODING": "UTF8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    @property
    def log(self) -> str:
        """All that the server wrote down."""
        return (self.folder / "log").read_text("utf-8", errors="replace")


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _as_user() -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@contextlib.contextmanager
def serving() -> Iterator[Postgres]:
    """A server with an empty database `plans`, until the context ends."""
    assert BINARIES.is_dir(), "PostgreSQL 15 is missing: run tests/clients/install.sh"
    folder = Path(tempfile.mkdtemp(prefix="urbanplan-pg-"))
    found = Postgres(folder, free_port(), secrets.token_urlsafe(18))
    secret = folder / "secret"
    secret.write_text(found.password, "utf-8")
    owner = "postgres" if os.geteuid() == 0 else getpass.getuser()
    for path in (folder, secret):
        shutil.chown(path, owner)
        path.chmod(0o700)
    data, who = folder / "data", _as_user()
    subprocess.run(
        [*who, BINARIES / "initdb", "-D", data, "-U", "chief", "-E", "UTF8", "--locale=C.UTF-8",
         "-A", "scram-sha-256", f"--pwfile={secret}", "-N"],
        check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    secret.unlink()
    _make_certificate(folder, owner)
    files = {"ssl_cert_file": folder / "tls.crt", "ssl_key_file": folder / "tls.key"}
    options = [part for k, v in {**SETTINGS, **files}.items() for part in ("-c", f"{k}={v}")]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [*who, BINARIES / "postgres", "-D", data, "-p", str(found.port), "-k", folder, *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
    try:
        _wait(found, server)
        found.psql("CREATE DATABASE plans", "postgres")
        found.psql("CREATE EXTENSION postgis")
        yield found
    finally:
        stop = [*who, BINARIES / "pg_ctl", "stop", "-D", data, "-m", "immediate", "-t", "30"]
        subprocess.run(stop, capture_output=True, cwd="/")
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _make_certificate(folder: Path, owner: str) -> None:
    """A certificate for 127.0.0.1, and for no name, that signs itself."""
    key, made = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    for path in (key, made):
        shutil.chown(path, owner)
    key.chmod(0o600)


def _wait(found: Postgres, server: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE_S
    ask = [BINARIES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(found.port)]
    while subprocess.run(ask).returncode != 0:
        assert server.poll() is None and time.monotonic() < until, found.log[-2000:]
        time.sleep(0.05)
