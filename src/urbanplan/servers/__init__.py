"""What lies on another machine: the web, and PostgreSQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from urbanplan.errors import require

if TYPE_CHECKING:
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

#: A question that takes longer is given up, by the server and, a little later, from here.
MAX_SECONDS = 300.0
#: More than this is not taken for one question.
MAX_BYTES = 512 * 2**20


def __getattr__(name: str) -> Any:
    # The client of PostgreSQL is an extra: the web is asked without it.
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    require("postgis", "pg8000")
    parts = (import_module(f"urbanplan.servers.{part}") for part in ("postgres", "postgis"))
    return next(getattr(part, name) for part in parts if hasattr(part, name))
