"""Which coordinate systems outputs are written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanplan.city import City
from urbanplan.crs import CGCS2000, WGS84, require_metric
from urbanplan.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd

#: What `--crs projected` stands for is the city's own metric system.
PROJECTED = "projected"


def require_output_crs(city: City, name: str) -> str:
    """The coordinate system that is meant, as ``EPSG:…``, or raise.

    Parameters
    ----------
    city : City
    name : str
        ``projected`` (the city's own zone), CGCS2000 (``EPSG:4490``), WGS84 (``EPSG:4326``), or a
        projected system in metres.

    Raises
    ------
    CrsError
        If it is neither, or Web Mercator.
    """
    if name == PROJECTED:
        return city.metric_crs
    if name.lower() in ("gcj02", "bd09"):
        raise CrsError(
            f"{name} is no coordinate system that this can be stored in",
            where="--crs",
            remedy="for a map service that is in it, use 'urbanplan publish formats --crs gcj02'",
        )
    code = f"EPSG:{name}" if name.isdigit() else name.upper()
    return code if code in (CGCS2000, WGS84) else require_metric(code, where="--crs")


def projected(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """A frame in WGS84 as it is stored in `crs`.

    WGS84 and CGCS2000 differ by less than a decimetre, far below any layer's accuracy, so between
    those two the numbers stay as they are and only the system's name changes.
    """
    if crs in (CGCS2000, WGS84):
        return frame.set_crs(crs, allow_override=True)
    return frame.to_crs(crs)
