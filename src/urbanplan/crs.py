"""Coordinates: which system they are in, measuring on the ellipsoid, and no silent mixing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

#: Geographic system of every layer file (RFC 7946).
WGS84 = "EPSG:4326"
#: China Geodetic Coordinate System 2000; equal to WGS84 within the accuracy of any layer here.
CGCS2000 = "EPSG:4490"


def require_metric(crs: str, where: object = None) -> str:
    """Return `crs` if distances in it are metres that can be measured with, else raise.

    Web Mercator is refused: at 29° N it overstates areas by about 31 %.

    Parameters
    ----------
    crs : str
        Anything pyproj understands, such as ``"EPSG:4544"``.
    where : object, optional
        The file that named it, for the message.

    Raises
    ------
    CrsError
        If the system is unknown, geographic, not in metres, or Web Mercator.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError as ProjError

    remedy = "name a projected system in metres, such as EPSG:4544 (CGCS2000, 105° E)"
    try:
        parsed = CRS.from_user_input(crs)
    except ProjError:
        raise CrsError(f"unknown coordinate system '{crs}'", where=where, remedy=remedy) from None
    if not parsed.is_projected or parsed.axis_info[0].unit_name != "metre":
        raise CrsError(f"'{crs}' is not a projected system in metres", where=where, remedy=remedy)
    if parsed.to_epsg() == 3857:
        raise CrsError("Web Mercator cannot be measured in", where=where, remedy=remedy)
    return parsed.to_string()


def to_crs(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """Reproject `frame`; a frame without a system is refused rather than guessed."""
    if frame.crs is None:
        raise CrsError("the layer has no coordinate system", remedy="declare it before use")
    return frame if frame.crs == crs else frame.to_crs(crs)


def require_same(*frames: gpd.GeoDataFrame) -> None:
    """Raise `CrsError` unless all frames are in one coordinate system."""
    systems = {str(f.crs) for f in frames}
    if len(systems) > 1:
        raise CrsError(
            f"layers are in different systems: {', '.join(sorted(systems))}",
            remedy="reproject them with urbanplan.crs.to_crs first",
        )


def _geod():
    from pyproj import Geod

    return Geod(ellps="WGS84")


def area_m2(geometry: BaseGeometry) -> float:
    """Ellipsoidal area in m² of a lon/lat geometry (statutory areas are ellipsoidal).

    Source: Karney (2013), Algorithms for geodesics, J. Geodesy 87, as built into PROJ.
    """
    return abs(_geod().geometry_area_perimeter(_oriented(geometry))[0])


def length_m(geometry: BaseGeometry) -> float:
    """Ellipsoidal length in m of a lon/lat line (Karney 2013)."""
    return float(_geod().geometry_length(geometry))


def _oriented(geometry: BaseGeometry) -> BaseGeometry:
    # Holes are only subtracted when rings turn opposite ways.
    from shapely import orient_polygons

    return orient_polygons(geometry)


def bounds_wgs84(crs: str, bounds: np.ndarray) -> tuple[float, float, float, float]:
    """Bounds (west, south, east, north) in degrees of a box in `crs`."""
    from pyproj import Transformer

    return Transformer.from_crs(crs, WGS84, always_xy=True).transform_bounds(*bounds)
