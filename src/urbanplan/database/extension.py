"""PostGIS in a database: where it is, and which coordinate systems it knows."""

from __future__ import annotations

import re

from urbanplan.crs import parse_crs
from urbanplan.database.server import Server
from urbanplan.database.text import identifier
from urbanplan.errors import CrsError, WebError

#: `geometry(Point,4490)` as PostgreSQL writes a type.
_SRID = re.compile(r",(\d+)\)$")


def postgis_schema(server: Server) -> str | None:
    """The schema that PostGIS is in, or None if the database has none."""
    found = server.ask(
        "SELECT nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'postgis'"
    )
    return found[0][0] if found else None


def require_postgis(server: Server, srids: set[int]) -> str:
    """The schema that PostGIS is in, added to the database if it is missing and may be added.

    Raises
    ------
    WebError
        If it is missing, or does not know one of these coordinate systems.
    """
    if not srids:
        return ""
    schema = postgis_schema(server)
    if schema is None:
        _add_postgis(server)
        schema = str(postgis_schema(server))
    table = identifier(schema, "spatial_ref_sys")
    for srid in sorted(srids):
        if not server.ask(f"SELECT 1 FROM {table} WHERE srid = $1::int", srid):
            raise WebError(
                f"does not know the coordinate system {srid}",
                where=str(server.dsn),
                remedy="update PostGIS, or publish in another system",
            )
    return schema


def _add_postgis(server: Server) -> None:
    if not server.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        raise WebError(
            "has no PostGIS", where=str(server.dsn), remedy="ask its administrator to install it"
        )
    try:
        server.do("CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public")
    except WebError:
        raise WebError(
            f"has no PostGIS in this database, and '{server.dsn.user}' may not add it",
            where=str(server.dsn),
            remedy="ask its administrator to run there: CREATE EXTENSION postgis",
        ) from None


def crs_of(server: Server, srids: set[int], declared: str, schema: str, where: str) -> str:
    """Coordinate system of rows, by the numbers that they carry and the database's list of systems.

    Parameters
    ----------
    server : Server
    srids : set of int
        What the rows carry.
    declared : str
        The column's type, such as ``geometry(Point,4490)``, which counts where there are no rows.
    schema : str
        Where PostGIS is.
    where : str
        The table, for messages.

    Raises
    ------
    CrsError
        If there is none, several, or one that cannot be understood.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError as ProjError

    if len(srids) > 1:
        raise CrsError(
            f"has rows in several coordinate systems ({', '.join(map(str, sorted(srids)))})",
            where=where,
            remedy="make a view that transforms them into one with ST_Transform",
        )
    stated = _SRID.search(declared)
    srid = next(iter(srids), int(stated[1]) if stated else 0)
    if srid <= 0:
        raise CrsError(
            "has no coordinate system",
            where=where,
            remedy="declare it in the database with UpdateGeometrySRID or ST_SetSRID",
        )
    table = identifier(schema, "spatial_ref_sys")
    sql = f"SELECT auth_name, auth_srid, srtext FROM {table} WHERE srid = $1::int"
    found = server.ask(sql, srid)
    name, number, text = found[0] if found else (None, None, None)
    try:
        if str(name).upper() == "EPSG" and number:
            return CRS.from_epsg(number).to_string()
        return parse_crs(text or "", where).to_string()
    except (ProjError, CrsError):
        raise CrsError(
            f"is in a coordinate system that is not known here (SRID {srid})",
            where=where,
            remedy="transform it into one with an EPSG code with ST_Transform",
        ) from None
