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


def require_fit(shape: BaseGeometry, crs: str, where: object = None) -> None:
    """Raise `CrsError` if areas are off by more than 0.1 % and another zone would do better.

    Parameters
    ----------
    shape : geometry
        Lon/lat polygon of the area that will be measured.
    crs : str
        Projected system in metres.
    where : object, optional
        The file that named it.

    Notes
    -----
    At 29° N a 3-degree Gauss-Krüger zone one too far west or east is off by 0.16 to 0.27 %; the
    right one by less than 0.01 %, UTM by 0.08 %.
    """
    error = _area_error(shape, crs)
    if abs(error) <= 1e-3:
        return
    # At the edge of a UTM zone near the equator nothing fits better than that zone.
    best = metric_crs_of(np.array(shape.centroid.coords))
    if not abs(error) <= abs(_area_error(shape, best)):
        raise CrsError(
            f"areas in {crs} are off by {error:+.2%} here",
            where=where,
            remedy=f"set metric_crs to {best}, the zone of the city's longitude",
        )


def _area_error(shape: BaseGeometry, crs: str) -> float:
    import geopandas as gpd

    planar = gpd.GeoSeries([shape], crs=WGS84).to_crs(crs).area.iloc[0]
    return float(planar / area_m2(shape) - 1)


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


def metric_crs_of(lonlat: np.ndarray) -> str:
    """Projected system to measure in around some places.

    In China the CGCS2000 3-degree Gauss-Krüger zone of their longitude, elsewhere the UTM zone.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Degrees in WGS84.

    Examples
    --------
    >>> metric_crs_of(np.array([[105.4, 28.9]])), metric_crs_of(np.array([[-43.2, -22.9]]))
    ('EPSG:4544', 'EPSG:32723')
    """
    from urbanplan.crs.china import gauss_kruger

    lon, lat = (np.min(lonlat, axis=0) + np.max(lonlat, axis=0)) / 2
    if zone := gauss_kruger((float(lon), float(lat))):
        return zone
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def transform(xy: np.ndarray, source: str, target: str) -> np.ndarray:
    """Places (longitude or x first) from one system in another, shape (n, 2)."""
    from pyproj import Transformer

    turn = Transformer.from_crs(source, target, always_xy=True)
    return np.stack(turn.transform(xy[:, 0], xy[:, 1]), axis=1)
