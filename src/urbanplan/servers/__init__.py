"""What lies on another machine: the web, and PostgreSQL."""

from __future__ import annotations

from urbanplan.servers.postgis import (
    Shape,
    Table,
    View,
    crs_of,
    postgis_schema,
    read_query,
    replace,
)
from urbanplan.servers.postgres import (
    MAX_BYTES,
    MAX_SECONDS,
    Dsn,
    Server,
    connect,
    identifier,
    literal,
    parse_dsn,
)

__all__ = [
    "MAX_BYTES",
    "MAX_SECONDS",
    "Dsn",
    "Server",
    "Shape",
    "Table",
    "View",
    "connect",
    "crs_of",
    "identifier",
    "literal",
    "parse_dsn",
    "postgis_schema",
    "read_query",
    "replace",
]
