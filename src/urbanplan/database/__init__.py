"""The only module that talks to a PostgreSQL server: where it is, how long, and in whose words."""

from urbanplan.database.dsn import Dsn, parse_dsn
from urbanplan.database.extension import crs_of, postgis_schema
from urbanplan.database.frames import Shape, read_query
from urbanplan.database.schema import Table, View, replace
from urbanplan.database.server import MAX_BYTES, MAX_SECONDS, Server, connect
from urbanplan.database.text import identifier, literal

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
