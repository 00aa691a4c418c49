"""Coordinates as China hands them out: GCJ-02 and BD-09, and the zones of CGCS2000.

GCJ-02 shifts WGS84 by up to some 700 m, BD-09 shifts GCJ-02 once more; map services deliver in
them. Neither formula was published by its authority: both are the ones that have been in public
use since 2013 and agree with the services to within a few metres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from urbanplan.crs import CGCS2000, WGS84
from urbanplan.errors import CrsError

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
    west, south, east, north = CRS.from_user_input(code).area_of_use.bounds
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
