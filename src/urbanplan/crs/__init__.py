"""Coordinates: which system they are in, measuring on the ellipsoid, and no silent mixing."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

#: Geographic system of every layer file (RFC 7946).
WGS84 = "EPSG:4326"
#: China Geodetic Coordinate System 2000; equal to WGS84 within the accuracy of any layer here.
CGCS2000 = "EPSG:4490"
#: Longest definition that is looked at; the longest of EPSG takes 6,000 characters.
_MAX_DEFINITION = 32_768
#: What PROJ would open a file for: grids of shifts, but not the one called null; lists of systems.
_OPENS = re.compile(
    r"(?:grids|file|model|catalog|init)\s*=\s*(?!@null(?![\w,.@/]))|PROJ4_GRIDS|PARAMETERFILE", re.I
)
#: Old spelling of a code of EPSG.
_INIT = re.compile(r"\s*\+?init=epsg:(\d{4,6})(\s+\+(?:type=crs|no_defs|wktext))*\s*", re.I)


def parse_crs(said: Any, where: object = None, remedy: str = "name it by its EPSG code") -> CRS:
    """The coordinate system that a file or a user names, if naming it opens no file.

    Parameters
    ----------
    said : str, dict or CRS
        A code, WKT, PROJ string or PROJJSON.
    where : object, optional
        Where it is named, for messages.
    remedy : str, optional

    Raises
    ------
    CrsError
        If it is unknown, or names a file or a server: PROJ would open grids and lists by any path.

    References
    ----------
    PROJ documentation, "Known grid shift files" (``+nadgrids``), "init files"; OGC 18-010r11,
    PARAMETERFILE.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError as ProjError

    texts = _texts_of(said.to_json_dict() if isinstance(said, CRS) else said)
    if sum(map(len, texts)) > _MAX_DEFINITION:
        raise CrsError(
            "names its coordinate system at too great length", where=where, remedy=remedy
        )
    if isinstance(said, str) and (code := _INIT.fullmatch(said)):
        said, texts = f"EPSG:{code[1]}", []
    url = isinstance(said, str) and re.match(r"\s*\w+://", said) and "opengis.net/" not in said
    if url or any(_OPENS.search(text) for text in texts):
        raise CrsError(
            "names a file or a server as its coordinate system", where=where, remedy=remedy
        )
    try:
        return said if isinstance(said, CRS) else CRS.from_user_input(said)
    except (ProjError, ValueError, TypeError, RecursionError):
        short = " ".join(str(said).split())[:60]
        raise CrsError(f"unknown coordinate system '{short}'", where=where, remedy=remedy) from None


def _texts_of(said: Any) -> list[str]:
    """All texts of a definition; a file that PROJJSON names as a parameter is marked as such."""
    if isinstance(said, str):
        try:
            inner = json.loads(said) if said.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            inner = None
        return [said] if inner is None else _texts_of(inner)
    found: list[str] = []
    todo = [said]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            todo += part.values()
            if isinstance(part.get("value"), str):
                found.append(f"file={part['value']}")
        elif isinstance(part, list):
            todo += part
        elif isinstance(part, str):
            found.append(part)
    return found


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
    remedy = "name a projected system in metres, such as EPSG:4544 (CGCS2000, 105° E)"
    parsed = parse_crs(crs, where, remedy)
    if not parsed.is_projected or parsed.axis_info[0].unit_name != "metre":
        raise CrsError(f"'{crs}' is not a projected system in metres", where=where, remedy=remedy)
    if parsed.to_epsg() == 3857:
        raise CrsError("Web Mercator cannot be measured in", where=where, remedy=remedy)
    return parsed.to_string()


def is_cgcs2000(crs: str) -> bool:
    """Whether a system rests on China's geodetic datum of 2000.

    Examples
    --------
    >>> is_cgcs2000("EPSG:4544"), is_cgcs2000("EPSG:32635")
    (True, False)
    """
    from pyproj import CRS

    geographic = CRS.from_user_input(crs).geodetic_crs
    return geographic is not None and geographic.to_epsg() == 4490


def to_crs(frame: gpd.GeoDataFrame, crs: Any, where: object = None) -> gpd.GeoDataFrame:
    """Reproject `frame`; a frame without a system is refused rather than guessed.

    Raises
    ------
    CrsError
        If it has none, or nothing leads from its own to the one asked for.
    """
    from pyproj.exceptions import ProjError

    if frame.crs is None:
        raise CrsError(
            "declares no coordinate system",
            where=where,
            remedy="name it behind the file, as FILE|crs=EPSG:4490, or with --crs where there is one",
        )
    try:
        moved = frame if frame.crs == crs else frame.to_crs(crs)
    except ProjError as err:
        raise CrsError(
            f"is in '{frame.crs.name}', from which nothing leads to {crs}",
            where=where,
            remedy="name the system it is really in: FILE|crs=EPSG:4490, or --crs",
        ) from err
    return unwrapped(moved) if crs == WGS84 else moved


def meridian_of(lon: np.ndarray) -> float | None:
    """180 if longitudes lie on both sides of the 180th meridian and nowhere else, else None.

    Examples
    --------
    >>> meridian_of(np.array([179.9, -179.9])), meridian_of(np.array([-120.0, 120.0, 0.0]))
    (180.0, None)
    """
    lon = lon[np.isfinite(lon)]
    if not len(lon) or np.ptp(lon) <= 180:
        return None
    return 180.0 if np.ptp(np.where(lon < 0, lon + 360, lon)) < 180 else None


def near_meridian(lon: np.ndarray, about: float) -> np.ndarray:
    """Longitudes less than half a turn away from `about`; they may be beyond 180 degrees."""
    return lon + 360.0 * np.round((about - lon) / 360.0)


def unwrapped(frame: gpd.GeoDataFrame, about: float | None = None) -> gpd.GeoDataFrame:
    """A frame in degrees without a jump at the 180th meridian.

    Inside urbanplan a place on both sides of it has longitudes beyond 180 degrees, so that what is near lies
    near; halves that a file had to cut there (RFC 7946, section 3.1.9) are joined. `files.write_geojson` cuts again.

    Parameters
    ----------
    frame : GeoDataFrame
    about : float, optional
        Longitude of the place; told by the frame itself if not given.
    """
    import shapely

    shapes = np.asarray(frame.geometry.values, dtype=object)
    lon = shapely.get_coordinates(shapes)[:, 0]
    about = meridian_of(lon) if about is None else about
    if about is None or not len(lon) or np.abs(lon - about).max() <= 180:
        return frame
    return frame.set_geometry(list(unwrapped_shapes(shapes, about)), crs=frame.crs)


def unwrapped_shapes(shapes: np.ndarray, about: float) -> np.ndarray:
    """Shapes in degrees moved beside `about`, the halves that were cut at the 180th meridian joined."""
    import shapely

    moved = shapely.transform(shapes, lambda xy: np.c_[near_meridian(xy[:, 0], about), xy[:, 1]])
    for row in np.flatnonzero([s is not None and hasattr(s, "geoms") for s in moved]):
        lon = shapely.get_coordinates(moved[row])[:, 0]
        if moved[row].geom_type == "MultiPolygon" and (np.abs(lon) == 180).any():
            moved[row] = shapely.union_all(list(moved[row].geoms))
        elif moved[row].geom_type == "MultiLineString" and (np.abs(lon) == 180).any():
            moved[row] = shapely.line_merge(moved[row])
    return moved


#: Metres that stand in for the shift between two datums of which no transformation is known.
BALLPARK_M = 120.0


def datum_error_m(crs: Any, lonlat: np.ndarray) -> float:
    """How far off places may be that were brought from a system to WGS84, for its datum alone.

    Parameters
    ----------
    crs : CRS or str
        As the file or the user names it.
    lonlat : ndarray, shape (n, 2)
        Where the places are, roughly, in degrees.

    Returns
    -------
    float
        Metres: 0 where the datum's ellipsoid is WGS84's own (CGCS2000, ETRS89 and the like), the
        accuracy of the transformation that PROJ has for that region, or `BALLPARK_M` where it has
        none and leaves the numbers as they are.
    """
    import warnings

    from pyproj import CRS
    from pyproj.aoi import AreaOfInterest
    from pyproj.transformer import TransformerGroup

    crs = CRS.from_user_input(crs)
    if crs.is_bound or crs.ellipsoid is None:
        return 0.0
    own = crs.ellipsoid
    flat = own.inverse_flattening
    if abs(own.semi_major_metre - 6_378_137.0) < 0.5 and abs(flat - 298.257223563) < 1e-3:
        return 0.0
    west, south, east, north = *lonlat.min(axis=0), *lonlat.max(axis=0)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return 0.0
    area = AreaOfInterest(west, south, east, north)
    with warnings.catch_warnings():
        # It warns of grids that are not on this machine.
        warnings.simplefilter("ignore")
        group = TransformerGroup(
            crs, WGS84, always_xy=True, area_of_interest=area, allow_ballpark=False
        )
    known = [t.accuracy for t in group.transformers if t.accuracy >= 0]
    return min(known) if known else BALLPARK_M


def with_shift(crs: Any, seven: tuple[float, ...]) -> Any:
    """A system whose datum is brought to WGS84 by seven parameters.

    Parameters
    ----------
    crs : CRS or str
    seven : tuple of 7 floats
        Shifts in metres, rotations in seconds of arc, scale in parts per million, in the position
        vector convention (EPSG method 9606, ``+towgs84``).

    Returns
    -------
    CRS
    """
    from pyproj import CRS
    from pyproj.crs import BoundCRS
    from pyproj.crs.coordinate_operation import ToWGS84Transformation

    source = CRS.from_user_input(crs)
    return BoundCRS(
        source_crs=source,
        target_crs=WGS84,
        transformation=ToWGS84Transformation(source.geodetic_crs, *seven),
    )


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
    return _turn(crs, WGS84).transform_bounds(*bounds)


def central_meridian(crs: str) -> float | None:
    """Longitude about which a projected system is drawn, None if it names none."""
    from pyproj import CRS

    operation = CRS.from_user_input(crs).coordinate_operation
    for parameter in operation.params if operation else ():
        if parameter.name.startswith("Longitude of"):
            return float(parameter.value)
    return None


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

    if (about := meridian_of(lonlat[:, 0])) is not None:
        lonlat = np.c_[near_meridian(lonlat[:, 0], about), lonlat[:, 1]]
    lon, lat = (np.min(lonlat, axis=0) + np.max(lonlat, axis=0)) / 2
    if zone := gauss_kruger((float(lon), float(lat))):
        return zone
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def transform(xy: np.ndarray, source: str | CRS, target: str) -> np.ndarray:
    """Places (longitude or x first) from one system in another, shape (n, 2)."""
    return np.stack(_turn(source, target).transform(xy[:, 0], xy[:, 1]), axis=1)


@lru_cache(maxsize=32)
def _turn(source: str | CRS, target: str):
    # Half a second to make, and asked for once a feature.
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)
