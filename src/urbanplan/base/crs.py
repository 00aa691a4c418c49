"""Coordinates: which system they are in, measuring on the ellipsoid, and no silent mixing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS, Geod, Transformer
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
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return 0.0
    area: Any = AreaOfInterest(west, south, east, north)  # the stub names another class
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
            remedy="reproject them with urbanplan.base.crs.to_crs first",
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


def _geod() -> Geod:
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
    if (about := meridian_of(lonlat[:, 0])) is not None:
        lonlat = np.c_[near_meridian(lonlat[:, 0], about), lonlat[:, 1]]
    lon, lat = (np.min(lonlat, axis=0) + np.max(lonlat, axis=0)) / 2
    if zone := gauss_kruger((float(lon), float(lat))):
        return zone
    utm = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + utm}"


def transform(xy: np.ndarray, source: str | CRS, target: str) -> np.ndarray:
    """Places (longitude or x first) from one system in another, shape (n, 2)."""
    return np.stack(_turn(source, target).transform(xy[:, 0], xy[:, 1]), axis=1)


@lru_cache(maxsize=32)
def _turn(source: str | CRS, target: str) -> Transformer:
    # Half a second to make, and asked for once a feature.
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


#: Krasovsky 1940, on which GCJ-02 shifts: semi-major axis in metres, squared eccentricity.
_AXIS_M, _E2 = 6_378_245.0, 0.006_693_421_622_965_943_23
#: Where GCJ-02 is in use, as the services draw it: west, south, east, north.
_EXTENT = (72.004, 0.8293, 137.8347, 55.8271)
#: Rounds of the inverse; each shrinks the error by a factor of about a thousand.
_ROUNDS = 8
#: Central meridians of the 3-degree zones without a zone number in x: 75° E is EPSG:4534.
_GK3_FIRST, _GK3_EPSG = 75, 4534
#: The same zones with the number in x (25 to 45), and the 6-degree zones (13 to 23).
_GK3_NUMBERED, _GK6_NUMBERED = (
    {25 + i: 4513 + i for i in range(21)},
    {13 + i: 4491 + i for i in range(11)},
)


def in_extent(lonlat: np.ndarray) -> np.ndarray:
    """Whether GCJ-02 is in use at each place, shape (n,)."""
    west, south, east, north = _EXTENT
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def wgs84_to_gcj02(lonlat: np.ndarray) -> np.ndarray:
    """Shift places from WGS84 to GCJ-02; outside China nothing moves.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Degrees.

    Examples
    --------
    >>> wgs84_to_gcj02(np.array([[105.44, 28.87]])).round(6).tolist()
    [[105.443594, 28.866965]]
    """
    lonlat = np.asarray(lonlat, float)
    x, y = lonlat[:, 0] - 105.0, lonlat[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    waves = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (
        waves
        + (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3))
        + (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30))
    ) * (2 / 3)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (
        waves
        + (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3))
        + (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30))
    ) * (2 / 3)
    latitude = np.radians(lonlat[:, 1])
    w2 = 1 - _E2 * np.sin(latitude) ** 2
    d_lat = np.degrees(north / (_AXIS_M * (1 - _E2) / w2**1.5))
    d_lon = np.degrees(east / (_AXIS_M / np.sqrt(w2) * np.cos(latitude)))
    moved = lonlat + np.stack([d_lon, d_lat], axis=1)
    return np.where(in_extent(lonlat)[:, None], moved, lonlat)


def gcj02_to_wgs84(lonlat: np.ndarray) -> np.ndarray:
    """Undo GCJ-02 by fixed-point iteration; there and back is far below a millimetre."""
    return _undone(wgs84_to_gcj02, lonlat)


def gcj02_to_bd09(lonlat: np.ndarray) -> np.ndarray:
    """Shift places from GCJ-02 to BD-09, shape (n, 2) in degrees."""
    lonlat = np.asarray(lonlat, float)
    x, y = lonlat[:, 0], lonlat[:, 1]
    turn = np.pi * 3000 / 180
    r = np.hypot(x, y) + 2e-5 * np.sin(y * turn)
    angle = np.arctan2(y, x) + 3e-6 * np.cos(x * turn)
    return np.stack([r * np.cos(angle) + 0.0065, r * np.sin(angle) + 0.006], axis=1)


def bd09_to_wgs84(lonlat: np.ndarray) -> np.ndarray:
    """Undo BD-09, then GCJ-02."""
    return gcj02_to_wgs84(_undone(gcj02_to_bd09, lonlat))


def _undone(shift: Callable[[np.ndarray], np.ndarray], lonlat: np.ndarray) -> np.ndarray:
    target = np.asarray(lonlat, float)
    found = target.copy()
    for _ in range(_ROUNDS):
        found -= shift(found) - target
    return found


#: Shifted systems by the name a user gives, and the way back to WGS84.
SHIFTED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
)


#: What to do about coordinates that stand the wrong way round.
SWAPPED = "its latitude and longitude are swapped: put longitude first"


def unshift(lonlat: np.ndarray, system: str, where: object = None) -> np.ndarray:
    """Places delivered in GCJ-02 or BD-09, in WGS84.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Degrees.
    system : {"gcj02", "bd09"}
    where : object, optional
        The file, for messages.

    Raises
    ------
    CrsError
        If a place is not in China, where these systems do not exist.
    """
    outside = ~in_extent(lonlat)
    if outside.any():
        x, y = lonlat[outside][0]
        remedy = "name the system the file is really in with --crs, e.g. EPSG:4326"
        if in_extent(lonlat[:, ::-1]).all():
            remedy = SWAPPED
        raise CrsError(
            f"{x:g}, {y:g} is not a longitude and latitude in China, where {system} is used",
            where=where,
            remedy=remedy,
        )
    return SHIFTED[system](lonlat)


def gauss_kruger(lonlat: tuple[float, float]) -> str | None:
    """CGCS2000 3-degree Gauss-Krüger system of a place; None outside China.

    The EPSG register says where each zone is in use.

    Examples
    --------
    >>> gauss_kruger((105.44, 28.87)), gauss_kruger((24.94, 60.17))
    ('EPSG:4544', None)
    """
    from pyproj import CRS

    zone = round((lonlat[0] - _GK3_FIRST) / 3)
    if not 0 <= zone <= 20:
        return None
    code = f"EPSG:{_GK3_EPSG + zone}"
    use = CRS.from_user_input(code).area_of_use
    if use is None:
        return None
    west, south, east, north = use.bounds
    here = west <= lonlat[0] <= east and south <= lonlat[1] <= north
    return code if here else None


def proposals(
    bounds: tuple[float, float, float, float], city: tuple[float, float] | None
) -> list[str]:
    """Systems that coordinates without one may be in, judged by their size: proposed, never assumed.

    Parameters
    ----------
    bounds : (west, south, east, north)
        Of the coordinates, in whatever units.
    city : (lon, lat) or None
        Middle of the city that they are for, where it is known.

    Returns
    -------
    list of str
        Values for ``--crs``, the likeliest first; empty where nothing fits.

    Examples
    --------
    >>> proposals((35_514_000, 3.18e6, 35_566_000, 3.22e6), (105.4, 28.9))
    ['EPSG:4523']
    >>> proposals((514_000, 3.18e6, 566_000, 3.22e6), (105.4, 28.9))
    ['EPSG:4544']
    """
    west, south, east, north = bounds
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        city = city or ((west + east) / 2, (south + north) / 2)
        lonlat = [CGCS2000, *SHIFTED] if gauss_kruger(city) else [WGS84]
        near = west - 3 <= city[0] <= east + 3 and south - 3 <= city[1] <= north + 3
        return lonlat if near else []
    if not 0 < south <= north < 6.5e6:
        return []
    zone = int(west // 1e6)
    if zone == int(east // 1e6) and zone > 12:
        code = _GK3_NUMBERED.get(zone) or _GK6_NUMBERED.get(zone)
        return [f"EPSG:{code}"] if code else []
    if city and 2e5 < west <= east < 8e5:
        return list(filter(None, [gauss_kruger(city)]))
    return []
