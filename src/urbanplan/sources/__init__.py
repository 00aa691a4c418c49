"""Raw streets and places, one adapter per kind of input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from urbanplan.errors import InputError
from urbanplan.files import DELIVERY_DRIVERS, split_name
from urbanplan.sources.streets import Streets

__all__ = ["OSM_ENDINGS", "Streets", "read_streets"]

#: Endings of OpenStreetMap data; what holds changes or history is told apart by its reader.
OSM_ENDINGS = (
    *(f".{kind}{pack}" for kind in ("osm", "osc", "osh") for pack in ("", ".pbf", ".gz", ".bz2")),
    ".pbf",
)


def read_streets(path: Path | str, given: Mapping[str, str] | None = None) -> Streets:
    """Read streets from any of the files that hold them.

    Parameters
    ----------
    path : path
        OpenStreetMap data (``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``), an osmnx graph (``.graphml``), or a layer of
        lines in any file that `urbanplan.files.read_delivery` reads, its layer named behind it.
    given : mapping of str to str, optional
        What columns and values of a layer or graph mean; see `urbanplan.sources.street_layers.from_lines`.

    Raises
    ------
    InputError
        If the ending is another one, or the file holds no streets.
    """
    plain, _ = split_name(path)
    name = plain.name.lower()
    if name.endswith(OSM_ENDINGS):
        from urbanplan.sources.osm import read_osm

        if given:
            raise InputError(
                "holds OpenStreetMap's own tags: --map has nothing to say about them",
                where=path,
                remedy="leave --map out",
            )
        return read_osm(path)
    if name.endswith(".graphml"):
        from urbanplan.sources.street_layers import read_graphml

        return read_graphml(path, given)
    if plain.suffix.lower() in DELIVERY_DRIVERS:
        from urbanplan.sources.street_layers import read_lines

        return read_lines(path, given)
    raise InputError(
        f"files ending in '{plain.suffix}' are not read as streets",
        where=plain,
        remedy=f"use .osm.pbf, .osm.gz, .graphml, or one of {', '.join(DELIVERY_DRIVERS)}",
    )
