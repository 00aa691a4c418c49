"""Streets from any layer of lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.crs import WGS84, to_crs
from urbanplan.errors import InputError
from urbanplan.files import read_vector
from urbanplan.sources.osm import WAY_KEYS
from urbanplan.sources.streets import Streets, collect

if TYPE_CHECKING:
    import geopandas as gpd

#: Vertices closer than this many degrees are one point (about a centimetre).
_DEGREE = 1e-7
#: Columns of urbanplan's own road layers, and the tags that they stand for.
_ALSO = {"class": "highway", "speed_kmh": "maxspeed"}


def read_lines(path: Path | str) -> Streets:
    """Read a vector layer of lines; see `from_lines`."""
    return from_lines(read_vector(path), where=path)


def from_lines(frame: gpd.GeoDataFrame, where: object = None) -> Streets:
    """Streets of a layer of lines, which meet where they share a vertex.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines with OpenStreetMap's tags as columns, or with ``class`` and ``speed_kmh``. A line
        without a class counts as an ordinary street. Lines that cross without a common vertex do
        not meet, as on a bridge.
    where : object, optional
        The file, for messages.

    Returns
    -------
    Streets

    Raises
    ------
    InputError
        If it holds anything but lines.
    """
    rows = to_crs(frame, WGS84).explode(ignore_index=True)
    rows = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    other = set(rows.geom_type) - {"LineString"}
    if other or not len(rows):
        raise InputError(
            f"holds {'/'.join(sorted(other)) or 'nothing'}, not lines",
            where=where,
            remedy="give the layer of street centre lines",
        )
    import shapely

    xy, line = shapely.get_coordinates(rows.geometry.values, return_index=True)
    whole, refs = np.unique(np.rint(xy / _DEGREE).astype(np.int64), axis=0, return_inverse=True)
    first = np.searchsorted(line, np.arange(len(rows) + 1))
    records = rows.drop(columns=rows.geometry.name).to_dict("records")
    refs = refs.ravel()
    ways = [(_tags(r), refs[first[i] : first[i + 1]]) for i, r in enumerate(records)]
    return collect(
        ways,
        np.arange(len(whole)),
        whole * _DEGREE,
        source=_common(rows, "source"),
        licence=_common(rows, "licence"),
        as_of=_common(rows, "as_of"),
    )


def _tags(row: dict[str, Any]) -> dict[str, str]:
    tags = {}
    for column, value in row.items():
        key = _ALSO.get(column, column)
        if key not in WAY_KEYS or value is None or value != value or value == "":
            continue
        if isinstance(value, bool | np.bool_):
            value = "yes" if value else "no"
        text = f"{value:g}" if isinstance(value, float) else str(value)
        # Formats without truth values write them as words.
        tags.setdefault(key, text.lower() if text in ("True", "False") else text)
    tags.setdefault("highway", "unclassified")
    return tags


def _common(rows, column: str) -> str:
    # What all rows say; several sources are listed.
    if column not in rows:
        return ""
    return "; ".join(sorted({str(v) for v in rows[column] if v is not None and v == v}))
