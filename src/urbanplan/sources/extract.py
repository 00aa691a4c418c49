"""A city's streets and layers from an OpenStreetMap extract, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.catalog import OsmRule
from urbanplan.crs import near_meridian, unwrapped_shapes
from urbanplan.errors import InputError
from urbanplan.files import existing, scratch_folder, size_bytes
from urbanplan.sources.osm import (
    LICENCE,
    SOURCE,
    STREET_KEYS,
    StreetReader,
    as_of,
    stated_bounds,
)
from urbanplan.sources.osm_files import in_order, readable
from urbanplan.sources.streets import Streets, clipped

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Coordinates of larger extracts are kept on disk instead of in memory while reading.
_IN_MEMORY_BYTES = 256 * 2**20
#: Way to the sea: what OpenStreetMap calls the line with land on its left.
_COAST = ("natural", "coastline")


class Feature(NamedTuple):
    """One thing of an extract: its id there, its tags, its shape in WGS84."""

    id: str
    tags: Mapping[str, str]
    geometry: BaseGeometry


@dataclass(frozen=True)
class Extract:
    """What an extract holds of a city.

    Attributes
    ----------
    streets : Streets
        Every street and ferry that comes into the area.
    features : mapping of str to list of Feature
        By layer; they meet the area but are not cut.
    coast : list of LineString
        Coastlines near the area, land on their left.
    source, licence, as_of : str
    findings : tuple of str
        What the reader must know, each a pair ``中文 / English``.
    left_out : int
        Shapes that reach over the extract's edge and could not be closed.
    bounds : (west, south, east, north)
        What it covers: as its header states, else as far as what was read of it reaches.
    """

    streets: Streets
    features: Mapping[str, list[Feature]]
    coast: list[BaseGeometry]
    source: str
    licence: str
    as_of: str
    findings: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    left_out: int = 0


def read_extract(
    path: Path | str, area: BaseGeometry, around: BaseGeometry, rules: Sequence[OsmRule]
) -> Extract:
    """Read the streets and the layers of a city from an extract of OpenStreetMap.

    Parameters
    ----------
    path : path
    area : geometry
        Lon/lat polygon of the city: layers are read where they meet it.
    around : geometry
        Lon/lat polygon that holds `area`: streets are read as far as this.
    rules : sequence of OsmRule
        What belongs to which layer.

    Returns
    -------
    Extract

    Raises
    ------
    InputError
        If the file is damaged, or holds no street of the city.

    Notes
    -----
    One pass by pyosmium over nodes and ways (relations are listed first, to know which ways
    make up areas). What lies outside is dropped as it comes by; the coordinates of nodes of a
    large extract are kept in a file, so memory holds the city, not the extract.
    """
    import shapely

    path = existing(path)
    streets = StreetReader(around.bounds)
    found: dict[str, list[Feature]] = {rule.layer: [] for rule in rules}
    coast: list[BaseGeometry] = []
    shapely.prepare(area)
    box = shapely.box(*around.bounds)
    west, _, east, _ = around.bounds
    about = (west + east) / 2 if west < -180 or east > 180 else None
    broken = 0
    for item in _items(path, rules):
        kind = _kind(item)
        streets.add(item)
        wanted = [r for r in rules if kind in r.sources and r.holds(item.tags)]
        at_sea = kind == "way" and item.tags.get(_COAST[0]) == _COAST[1]
        if not wanted and not at_sea:
            continue
        shape = _shape(item, kind)
        if shape is None:
            broken += 1
            continue
        if about is not None:
            (shape,) = unwrapped_shapes(np.array([shape], object), about)
        if at_sea and shape.intersects(box):
            coast.append(shape)
        if wanted and area.intersects(shape):
            thing = Feature(_name(item, kind), dict(item.tags), shape)
            for rule in wanted:
                found[rule.layer].append(thing)
    read = streets.streets(path, as_of(path))
    return Extract(
        streets=_near(read, around, path),
        features=found,
        coast=coast,
        source=SOURCE,
        licence=LICENCE,
        as_of=read.as_of,
        findings=(),
        bounds=_stated(path, about) or _reached(read, found),
        left_out=broken,
    )


def _stated(path: Path, about: float | None) -> tuple[float, float, float, float] | None:
    bounds = stated_bounds(path)
    if bounds is None or about is None:
        return bounds
    west, south, east, north = bounds
    if east - west > 180:
        return about - 180, south, about + 180, north
    west, east = near_meridian(np.array([west, east]), about).tolist()
    return west, south, east, north


def _reached(
    streets: Streets, found: Mapping[str, list[Feature]]
) -> tuple[float, float, float, float]:
    # As far as the streets and shapes near the city reach; an extract that covers it goes beyond.
    import shapely

    west, south = streets.lonlat.min(axis=0)
    east, north = streets.lonlat.max(axis=0)
    boxes = [f.geometry.bounds for features in found.values() for f in features]
    of_all = shapely.total_bounds([shapely.box(*b) for b in [(west, south, east, north), *boxes]])
    return tuple(of_all.tolist())


def _near(streets: Streets, around: BaseGeometry, path: Path) -> Streets:
    near = clipped(streets, around)
    if not near.ways:
        west, south = streets.lonlat.min(axis=0)
        east, north = streets.lonlat.max(axis=0)
        raise InputError(
            f"holds no street of the city: its streets lie between {west:.2f}, {south:.2f} and"
            f" {east:.2f}, {north:.2f}",
            where=path,
            remedy="give an extract that covers the city",
        )
    return near


def _items(path: Path, rules: Sequence[OsmRule]) -> Iterator[Any]:
    import osmium
    from osmium.filter import KeyFilter

    keys = sorted({key for rule in rules for key in rule.tags})
    of_areas = sorted({key for rule in rules if "area" in rule.sources for key in rule.tags})
    with scratch_folder() as folder, in_order(path) as ordered, readable(path):
        # pyosmium would trust what an earlier run left in the file: it must be new.
        large = size_bytes(path) > _IN_MEMORY_BYTES
        places = f"sparse_file_array,{folder}/places" if large else "flex_mem"
        reader = osmium.FileProcessor(str(ordered)).with_locations(places)
        reader = reader.with_areas(KeyFilter(*of_areas))
        yield from reader.with_filter(KeyFilter(*STREET_KEYS, *keys))


def _kind(item: Any) -> str:
    if item.is_node():
        return "node"
    if item.is_way():
        return "way"
    return "area" if item.is_area() else "relation"


def _name(item: Any, kind: str) -> str:
    if kind == "area":
        return f"{'w' if item.from_way() else 'r'}{item.orig_id()}"
    return f"{kind[0]}{item.id}"


def _shape(item: Any, kind: str) -> BaseGeometry | None:
    # None where the extract does not hold all of it.
    import osmium
    import shapely

    make = osmium.geom.WKBFactory()
    try:
        if kind == "node":
            return shapely.Point(item.lon, item.lat)
        wkb = make.create_linestring(item) if kind == "way" else make.create_multipolygon(item)
        return shapely.from_wkb(wkb)
    except (RuntimeError, osmium.InvalidLocationError):
        return None


def sea_of(area: BaseGeometry, coast: Sequence[BaseGeometry]) -> BaseGeometry:
    """The part of an area that is sea, by the coastlines in it (land lies on their left).

    Parameters
    ----------
    area : Polygon
    coast : sequence of LineString

    Returns
    -------
    MultiPolygon
        Empty where no coastline cuts the area: then it is taken as land.

    References
    ----------
    OpenStreetMap wiki, Tag:natural=coastline: the water is on the right of the way.
    """
    import shapely

    box = shapely.box(*area.bounds).buffer(1e-3)
    lines = shapely.line_merge(shapely.union_all([c.intersection(box) for c in coast]))
    if lines.is_empty:
        return shapely.MultiPolygon()
    pieces = list(shapely.polygonize([shapely.union_all([lines, box.boundary])]).geoms)
    parts = [p for p in shapely.get_parts(lines) if p.length]
    sea = [piece for piece in pieces if _right_of(piece, parts)]
    wet = shapely.union_all(sea).intersection(area)
    return shapely.MultiPolygon([p for p in shapely.get_parts(wet) if p.geom_type == "Polygon"])


def _right_of(piece: BaseGeometry, lines: Sequence[BaseGeometry]) -> bool:
    # A piece is sea if the coast that bounds it runs clockwise around it (water on the right).
    import shapely

    ring = {tuple(xy) for xy in shapely.get_coordinates(piece.boundary).tolist()}
    for line in lines:
        xy = shapely.get_coordinates(line)
        on = np.array([tuple(p) in ring for p in xy.tolist()])
        for i in np.flatnonzero(on[:-1] & on[1:]):
            middle, step = (xy[i] + xy[i + 1]) / 2, xy[i + 1] - xy[i]
            if not np.hypot(*step):
                continue
            right = np.array([step[1], -step[0]]) / np.hypot(*step) * 1e-7
            return bool(piece.contains(shapely.Point(middle + right)))
    return False
