"""Which system a delivery's coordinates are in: taken from it or from the user, never assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.crs import WGS84, china, parse_crs, unwrapped
from urbanplan.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

#: Vertices of a delivery that are compared with the boundaries, at most.
_SAMPLE = 2000
#: Boundaries farther than this from a vertex are not what it was drawn along, in degrees (2 km).
_NEAR_DEG = 0.02
#: A shift is suspected where undoing it brings the median vertex this many times nearer.
_NEARER = 4.0
#: So many vertices must lie near a boundary for the comparison to mean something.
_ENOUGH = 20


class Settled(NamedTuple):
    """Coordinates in WGS84, the system they came in, and who named it."""

    frame: gpd.GeoDataFrame
    system: str
    declared_by: str


def settle(
    frame: gpd.GeoDataFrame,
    crs_from: str,
    asked: str | None,
    city: tuple[float, float] | None,
    where: object,
) -> Settled:
    """Bring a delivery to WGS84.

    Parameters
    ----------
    frame : GeoDataFrame
        With the system that its file declares, or none.
    crs_from : {"file", "format", ""}
        Who declared that.
    asked : str, optional
        The user's ``--crs``: ``gcj02``, ``bd09`` or anything that pyproj understands; it goes
        before the file's.
    city : (lon, lat) or None
        Middle of the city, where it is known.
    where : object
        The file, for messages.

    Raises
    ------
    CrsError
        If no system is declared (likely ones are proposed), the user's is unknown, or the
        coordinates cannot be in it.
    """
    shifted = (asked or "").lower().replace("-", "")
    if shifted in china.SHIFTED:
        return Settled(_unshifted(frame, shifted, where), shifted, "user")
    if asked:
        known = parse_crs(asked, where, "use gcj02, bd09 or a code such as EPSG:4490")
        frame, system, by = frame.set_crs(known, allow_override=True), asked, "user"
    elif frame.crs is not None:
        system, by = frame.crs.to_string(), crs_from
    else:
        raise _undeclared(frame, city, where)
    _require_range(frame, system, city, where)
    frame = frame.to_crs(WGS84)
    return Settled(unwrapped(frame, city[0]) if city else unwrapped(frame), system, by)


def _unshifted(frame: gpd.GeoDataFrame, system: str, where: object) -> gpd.GeoDataFrame:
    import shapely

    if frame.crs is not None and not frame.crs.is_geographic:
        raise CrsError(
            f"declares {frame.crs.to_string()}, whose metres cannot be {system}",
            where=where,
            remedy="leave --crs out, or name the system it is really in",
        )
    frame = frame.set_crs(WGS84, allow_override=True)
    shapes = frame.geometry.values
    moved = shapely.transform(
        shapely.force_2d(np.asarray(shapes)), lambda xy: china.unshift(xy, system, where)
    )
    return frame.set_geometry(list(moved), crs=WGS84)


def _bounds(frame: gpd.GeoDataFrame) -> tuple[float, float, float, float] | None:
    import shapely

    xy = shapely.get_coordinates(frame.geometry.values)
    xy = xy[np.isfinite(xy).all(axis=1)]
    return (*xy.min(axis=0), *xy.max(axis=0)) if len(xy) else None


def _undeclared(frame: gpd.GeoDataFrame, city, where: object) -> CrsError:
    bounds = _bounds(frame)
    likely = china.proposals(bounds, city) if bounds else []
    if not likely:
        remedy = "ask whoever made it, and name the system with --crs"
    elif likely[0] in (WGS84, "EPSG:4490"):
        remedy = (
            f"name it with --crs: its degrees lie near the city and may be {' or '.join(likely)};"
            " ask whoever made it"
        )
    else:
        remedy = f"add --crs {likely[0]} if that is right: its coordinates look like it"
    return CrsError("declares no coordinate system", where=where, remedy=remedy)


def _require_range(frame: gpd.GeoDataFrame, system: str, city, where: object) -> None:
    bounds = _bounds(frame)
    if bounds is None:
        return
    west, south, east, north = bounds
    degrees = -180 <= west <= east <= 360 and -90 <= south <= north <= 90
    if frame.crs.is_geographic and not degrees:
        likely = china.proposals(bounds, city)
        remedy = (
            f"add --crs {likely[0]} if that is right" if likely else "name its system with --crs"
        )
        if -90 <= west <= east <= 90 and -180 <= south <= north <= 180:
            remedy = china.SWAPPED
        raise CrsError(
            f"is said to be in {system} but has the coordinates {west:g}, {south:g}, which are no degrees",
            where=where,
            remedy=remedy,
        )


def require_near(frame: gpd.GeoDataFrame, area: BaseGeometry, system: str, where: object) -> None:
    """Raise `CrsError` if none of the features lies in the city: the system is likely wrong."""
    import shapely

    shapes = np.array([g for g in frame.geometry.values if g is not None and not g.is_empty])
    if not len(shapes) or shapely.intersects(area, shapes).any():
        return
    x, y = shapely.get_coordinates(shapes)[0]
    remedy = "check the file, or name its system with --crs"
    if shapely.intersects(area, shapely.transform(shapes, lambda xy: xy[:, ::-1])).any():
        remedy = china.SWAPPED
    raise CrsError(
        f"none of its {len(shapes)} features lies in the city (the first, read as {system}, is at {x:.4f}, {y:.4f})",
        where=where,
        remedy=remedy,
    )


def suspected_shift(frame: gpd.GeoDataFrame, districts: gpd.GeoDataFrame) -> str:
    """Whether a layer said to be in WGS84 or CGCS2000 looks like GCJ-02 or BD-09.

    Parameters
    ----------
    frame, districts : GeoDataFrame
        In WGS84.

    Returns
    -------
    str
        A sentence for the reader, empty where nothing is suspected.

    Notes
    -----
    Vertices near the districts' boundaries are compared with them as they are and with each shift
    undone. Points scattered inside a district say nothing, unless undoing the shift brings those
    that lie outside all districts back in.
    """
    import shapely

    xy = shapely.get_coordinates(frame.geometry.values)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy) or not china.in_extent(xy).all():
        return ""
    xy = xy[:: max(1, len(xy) // _SAMPLE)]
    area = districts.geometry.union_all()
    lines = shapely.union_all(shapely.boundary(districts.geometry.values))
    shapely.prepare(lines)
    tried = {"": xy, **{name: back(xy) for name, back in china.SHIFTED.items()}}
    gap = {name: _gap_deg(at, lines) for name, at in tried.items()}
    near = gap[""] < _NEAR_DEG
    if near.sum() >= _ENOUGH and near.mean() > 0.2:
        median = {name: float(np.median(values[near])) for name, values in gap.items()}
        best = min(median, key=median.get)
        if best and median[best] * _NEARER < median[""]:
            return _suspicion(best, xy, tried[best])
    outside = {n: int((~shapely.intersects_xy(area, *at.T)).sum()) for n, at in tried.items()}
    best = min(outside, key=outside.get)
    if outside[""] >= 3 and outside[best] * _NEARER <= outside[""]:
        return _suspicion(best, xy, tried[best])
    return ""


def _gap_deg(xy: np.ndarray, lines: BaseGeometry) -> np.ndarray:
    import shapely

    # Degrees of longitude are shorter than those of latitude; for a ratio that does not matter.
    return shapely.distance(lines, shapely.points(xy))


def _suspicion(system: str, before: np.ndarray, after: np.ndarray) -> str:
    from pyproj import Geod

    metres = Geod(ellps="WGS84").inv(*before.T, *after.T)[2]
    return (
        f"looks like {system}: undoing it moves it by {np.median(metres):.0f} m onto the districts;"
        f" if so, import it with --crs {system}"
    )
