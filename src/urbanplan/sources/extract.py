"""A city's streets and layers from an OpenStreetMap extract, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from urbanplan.base.crs import near_meridian, unwrapped_shapes
from urbanplan.catalog import OsmRule
from urbanplan.errors import InputError, require
from urbanplan.files import existing, points_within, scratch_folder, size_bytes
from urbanplan.sources.osm import (
    AREA_KEYS,
    LICENCE,
    SOURCE,
    STREET_KEYS,
    StreetReader,
    as_of,
    in_order,
    readable,
    stated_bounds,
)
from urbanplan.sources.streets import Streets, clipped

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Coordinates of larger extracts are kept on disk instead of in memory while reading.
_IN_MEMORY_BYTES = 256 * 2**20
#: Way to the sea: what OpenStreetMap calls the line with land on its left.
_COAST = ("natural", "coastline")
#: Relations that are areas.
_AREAS = ("multipolygon", "boundary")
#: A face of which more of the coast than this says the contrary of the rest cannot be told.
_CONTRARY_SHARE = 0.02
#: Sea in which more of all streets than this would run is none.
_DROWNED_SHARE = 0.05
#: A gap in the coast that is shorter than this, beside the diagonal of the area, is closed without a word.
_SURE_SHARE = 0.02
#: A coast is carried on in the direction of its last part, of this share of the diagonal.
_BACK_SHARE = 0.05
#: It goes straight on to the edge, unless that is so many times farther than the edge's nearest point.
_DETOUR = 3.0
#: Points along the diagonal by which it is told what is nearer to a guess than to mapped coast.
_SAMPLES = 400
#: Degrees: lines that come so near touch; and how far aside of the coast its two sides are looked at.
_TOUCHES_DEG, _ASIDE_DEG = 1e-9, 1e-9
_KM_PER_DEGREE = 111.2
_OVER_EDGE = "伸出提取文件边缘，无法闭合 / they reach over its edge and could not be closed"
_OPEN = "轮廓不闭合 / their outline does not close"
_ENDS = (
    "海岸线在城市内中断，附近{km2}平方千米判断不了是海是陆，按陆地计",
    "the coastline ends inside the city: {km2} km² near its ends cannot be told and are taken as land",
)
_CONTRARY = (
    "海岸线各段方向矛盾，{km2}平方千米判断不了是海是陆，按陆地计",
    "coastlines contradict each other: {km2} km² cannot be told and are taken as land",
)
_DROWNED = (
    "按海岸线应为海的{km2}平方千米内有街道，判断不了，按陆地计",
    "streets run in {km2} km² that are sea by the coastline: they cannot be told and are taken as land",
)


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
    left_out : mapping of str to int
        How many shapes could not be built, by the reason (a pair as well).
    bounds : (west, south, east, north)
        What it covers: as its header states, else as far as what was read of it reaches.
    stated : bool
        Whether its header states the bounds.
    middles : bool
        Whether areas are there by their middle only.
    """

    streets: Streets
    features: Mapping[str, list[Feature]]
    coast: list[BaseGeometry]
    source: str
    licence: str
    as_of: str
    findings: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    stated: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    middles: bool = False


#: Extract of China's named objects that a package carries, and its day.
_CHINA = ("geopi", "data", "city_shp", "china_poi.shp")
_CHINA_DAY = "2024-08-21"


def read_china(around: BaseGeometry, rules: Sequence[OsmRule]) -> Extract:
    """Read a city's facilities from the named objects of China that the optional package geopi carries.

    Its description says GCJ-02, its numbers are WGS84 (a college stands 3 m from where it is known to
    be, and 487 m if they are converted).

    Parameters
    ----------
    around : shapely geometry
        Read this far, in WGS84.
    rules : sequence of OsmRule
        Those that name classes (`fclass`) find something.

    Returns
    -------
    Extract
        Points only, without streets; large things are there by their middle.
    """
    from importlib.metadata import version
    from importlib.util import find_spec

    import shapely

    require("china", "geopi", instead=", or give an extract with --pbf")
    spec = find_spec(_CHINA[0])
    assert spec is not None and spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]).joinpath(*_CHINA[1:])
    shapely.prepare(around)
    features: dict[str, list[Feature]] = {rule.layer: [] for rule in rules}
    seen: set[tuple[str, str]] = set()
    for said, x, y in points_within(path, "ESRI Shapefile", around.bounds):
        for rule in rules:
            # One object may stand there twice, under two classes of one layer.
            known = (rule.layer, said["osm_id"])
            at = shapely.Point(x, y)
            if said["fclass"] in rule.fclass and known not in seen and around.covers(at):
                seen.add(known)
                tags = {"name": said["name"], rule.kind[0]: said["fclass"]}
                features[rule.layer].append(Feature(f"osm_{said['osm_id']}", tags, at))
    nothing = Streets(np.zeros((0, 2)), np.zeros(0, np.int32), np.zeros(1, np.int64), (), np.zeros(0, np.int32), np.zeros(0, np.int64))  # fmt: skip
    origin = f"{SOURCE}, by way of geopi {version('geopi')}"
    return Extract(
        nothing, features, [], origin, LICENCE, _CHINA_DAY, (), around.bounds, middles=True
    )


def read_extract(
    path: Path | str,
    area: BaseGeometry,
    around: BaseGeometry,
    rules: Sequence[OsmRule],
    beyond: Collection[str] = (),
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
    beyond : collection of str
        Layers that are read as far as the streets.

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
    path = existing(path)
    west, _, east, _ = around.bounds
    about = (west + east) / 2 if west < -180 or east > 180 else None
    streets, things = StreetReader(around.bounds), _Things(area, around, rules, beyond, about)
    with in_order(path) as ordered:
        for item in _items(ordered, rules):
            streets.add(item)
            things.add(item)
        left_out = things.rebuild(ordered)
    found, coast = things.found, things.coast
    read, stated = streets.streets(path, as_of(path)), _stated(path, about)
    return Extract(
        streets=_near(read, around, path),
        features=found,
        coast=coast,
        source=SOURCE,
        licence=LICENCE,
        as_of=read.as_of,
        findings=(),
        bounds=stated or _reached(read, found, coast),
        stated=stated is not None,
        left_out=left_out,
    )


class _Things:
    """Gathers the features and the coast among the items of an extract, as they come by."""

    def __init__(
        self,
        area: BaseGeometry,
        around: BaseGeometry,
        rules: Sequence[OsmRule],
        beyond: Collection[str],
        about: float | None,
    ) -> None:
        import shapely

        shapely.prepare(area)
        shapely.prepare(around)
        self._area, self._around, self._rules, self._beyond = area, around, rules, beyond
        # The longitude about which shapes are drawn, where the city lies on both sides of the 180th meridian.
        self._about = about
        self._box = shapely.box(*around.bounds)
        self._areal = [rule for rule in rules if "area" in rule.sources]
        # What has no shape yet: its tags, and the rules that it meets.
        self._torn: dict[str, tuple[dict[str, str], list[OsmRule]]] = {}
        self._built: set[str] = set()
        self.found: dict[str, list[Feature]] = {rule.layer: [] for rule in rules}
        self.coast: list[BaseGeometry] = []

    def add(self, item: Any) -> None:
        """Take what belongs to a layer, or to the coast."""
        kind = _kind(item)
        wanted = [r for r in self._rules if kind in r.sources and r.holds(item.tags)]
        if kind == "way":
            if item.tags.get(_COAST[0]) == _COAST[1]:
                line = _line(item)
                line = line if line is None else self._drawn(line)
                if line is not None and line.intersects(self._box):
                    self.coast.append(line)
            elif "highway" not in item.tags:
                areal = [r for r in self._areal if r.holds(item.tags)]
                if areal and not item.is_closed():
                    self._torn[f"w{item.id}"] = ({}, [])
                elif areal and not all(node.location.valid() for node in item.nodes):
                    self._torn[f"w{item.id}"] = (dict(item.tags), areal)
        elif kind == "relation" and item.tags.get("type") in _AREAS:
            areal = [r for r in self._areal if r.holds(item.tags)]
            if areal and f"r{item.id}" not in self._built:
                self._torn[f"r{item.id}"] = (dict(item.tags), areal)
        if not wanted:
            return
        shape = _line(item) if kind == "way" else _shape(item, kind)
        if shape is not None:
            self._keep(_name(item, kind), dict(item.tags), shape, wanted)
        elif kind == "area":
            self._torn[_name(item, kind)] = (dict(item.tags), wanted)
        if shape is not None and kind == "area" and not item.from_way():
            self._built.add(_name(item, kind))

    def rebuild(self, path: Path) -> dict[str, int]:
        """Draw areas that libosmium refuses from their ways; how many cannot be, by the reason."""
        import shapely

        torn = {name: held for name, held in self._torn.items() if name not in self._built}
        # Over the 180th meridian the box says nothing of degrees as they stand in the file.
        box = self._box if self._about is None else shapely.box(-180, -90, 180, 90)
        shapes, left_out = _rebuilt(path, torn, box)
        for name, shape in shapes.items():
            self._keep(name, self._torn[name][0], shape, self._torn[name][1])
        return left_out

    def _drawn(self, shape: BaseGeometry) -> BaseGeometry:
        if self._about is None:
            return shape
        return unwrapped_shapes(np.array([shape], object), self._about)[0]

    def _keep(
        self, name: str, tags: Mapping[str, str], shape: BaseGeometry, wanted: Sequence[OsmRule]
    ) -> None:
        shape = self._drawn(shape)
        near = self._around.intersects(shape)
        inside = near and self._area.intersects(shape)
        for rule in wanted:
            if inside or (near and rule.layer in self._beyond):
                self.found[rule.layer].append(Feature(name, tags, shape))


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
    streets: Streets, found: Mapping[str, list[Feature]], coast: Sequence[BaseGeometry]
) -> tuple[float, float, float, float]:
    # As far as the streets and shapes near the city reach; an extract that covers it goes beyond.
    import shapely

    west, south = streets.lonlat.min(axis=0)
    east, north = streets.lonlat.max(axis=0)
    boxes = [f.geometry.bounds for features in found.values() for f in features]
    boxes += [line.bounds for line in coast]
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
    with scratch_folder() as folder, readable(path):
        # pyosmium would trust what an earlier run left in the file: it must be new.
        large = size_bytes(path) > _IN_MEMORY_BYTES
        places = f"sparse_file_array,{folder}/places" if large else "flex_mem"
        reader = osmium.FileProcessor(str(path)).with_locations(places)
        reader = reader.with_areas(KeyFilter(*AREA_KEYS, *of_areas))
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
    # None where its outline does not close as it stands.
    import osmium
    import shapely

    try:
        if kind == "node":
            return shapely.Point(item.lon, item.lat)
        return shapely.from_wkb(osmium.geom.WKBFactory().create_multipolygon(item))
    except (RuntimeError, osmium.InvalidLocationError):
        return None


def _line(way: Any) -> BaseGeometry | None:
    # What the extract holds of a way: it is torn where points are missing, never joined across.
    import shapely

    runs, run = [], []
    for node in way.nodes:
        at = node.location
        if at.valid():
            run.append((at.lon, at.lat))
        else:
            runs.append(run)
            run = []
    lines = [r for r in (*runs, run) if len(r) > 1]
    if not lines:
        return None
    return shapely.LineString(lines[0]) if len(lines) == 1 else shapely.MultiLineString(lines)


def _rebuilt(
    path: Path, torn: Mapping[str, Any], box: BaseGeometry
) -> tuple[dict[str, BaseGeometry], dict[str, int]]:
    """Areas that libosmium refuses, drawn from their ways as they are; why those near cannot be."""
    import osmium
    import shapely

    if not torn:
        return {}, {}
    members = {name: [int(name[1:])] for name in torn if name[0] == "w"}
    item: Any  # of the kind that is read
    with readable(path):
        for item in osmium.FileProcessor(str(path), osmium.osm.RELATION):
            parts = [m.ref for m in item.members if m.type == "w"]
            if f"r{item.id}" in torn:
                members[f"r{item.id}"] = parts
            if item.tags.get("type") in _AREAS:
                # The outline is that of the relation, whatever its ways are tagged.
                for way in parts:
                    if not torn.get(f"w{way}", (0, 1))[1]:
                        members.pop(f"w{way}", None)
        ways: dict[int, tuple[BaseGeometry | None, bool]] = {}
        wanted = {way for ids in members.values() for way in ids}
        reader = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
        for item in reader.with_locations().with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
            if item.id in wanted:
                whole = all(node.location.valid() for node in item.nodes)
                ways[item.id] = _line(item), whole
    shapes: dict[str, BaseGeometry] = {}
    over, open_ = 0, 0
    for name, ids in members.items():
        held = [ways[i] for i in ids if i in ways]
        lines = [line for line, _ in held if line is not None]
        if not any(line.intersects(box) for line in lines):
            continue
        shape = shapely.build_area(shapely.union_all(lines))
        if len(held) < len(ids) or not all(whole for _, whole in held):
            over += 1
        elif shape.is_empty or not torn[name][1]:
            open_ += 1
        else:
            shapes[name] = shapely.Polygon(lines[0].coords) if name[0] == "w" else shape
    return shapes, {why: n for why, n in ((_OVER_EDGE, over), (_OPEN, open_)) if n}


class Sea(NamedTuple):
    """What of an area is sea.

    Attributes
    ----------
    shape : MultiPolygon
        What is known to be sea; what cannot be told stays land.
    findings : tuple of str
        What cannot be told and why, each a pair ``中文 / English``.
    """

    shape: BaseGeometry
    findings: tuple[str, ...]


def sea_of(
    area: BaseGeometry,
    coast: Sequence[BaseGeometry],
    bounds: tuple[float, float, float, float] | None = None,
    streets: Sequence[BaseGeometry] | np.ndarray = (),
) -> Sea:
    """The part of an area that is sea, by the coastlines in it (land lies on their left).

    Parameters
    ----------
    area : Polygon or MultiPolygon
        Lon/lat.
    coast : sequence of LineString
    bounds : (west, south, east, north), optional
        What the extract says that it holds: nothing is told beyond.
    streets : sequence of LineString
        Streets on dry ground (no bridges, tunnels, piers, ferries): what drowns them is no sea.

    Returns
    -------
    Sea

    Notes
    -----
    Coastlines cut the area's box into faces, and each face is what the coast around it says. A
    coastline that ends inside the box is carried on: to the one that goes on behind a hole, or to
    the box's edge. What lies nearer to a long guess of such a kind than to mapped coast cannot be
    told. Nor can a face that some of its coast calls land and some sea, or in which streets run.

    References
    ----------
    OpenStreetMap wiki, Tag:natural=coastline: the water is on the right of the way.
    """
    import shapely

    box = shapely.box(*area.bounds)
    if bounds is not None:
        box = box.intersection(shapely.box(*bounds))
    if not box.area:
        return Sea(shapely.MultiPolygon(), ())
    # A degree of longitude is shorter than one of latitude.
    squeeze = np.cos(np.radians((box.bounds[1] + box.bounds[3]) / 2))
    plane, back = (
        lambda shapes, by=by: shapely.transform(shapes, lambda xy: xy * [by, 1.0])
        for by in (squeeze, 1 / squeeze)
    )
    frame = plane(box)
    lines = _chains(plane(np.array(list(coast), object)))
    dry = plane(np.array(list(streets), object))
    sea = _sea_in(frame, lines, dry[shapely.intersects(dry, frame)], bounds is not None)
    wet = shapely.intersection(back(sea.shape), area)
    parts = [p for p in shapely.get_parts(wet) if p.geom_type == "Polygon" and p.area]
    return Sea(shapely.MultiPolygon(parts), sea.findings)


def _chains(coast: np.ndarray) -> np.ndarray:
    # Ways that follow one another as one line; a way that stands there twice counts once.
    import shapely

    ways = {shapely.to_wkb(line): line for line in shapely.get_parts(coast) if line.length}
    merged = shapely.line_merge(shapely.MultiLineString([*ways.values()]), directed=True)
    return shapely.get_parts(merged)


def _sea_in(frame: BaseGeometry, coast: np.ndarray, dry: np.ndarray, bounded: bool) -> Sea:
    import shapely

    mapped = np.array([c for c in shapely.clip_by_rect(coast, *frame.bounds) if c.length], object)
    if not len(mapped):
        return _all_or_nothing(frame, coast, dry)
    size = float(np.hypot(*np.ptp(shapely.get_coordinates(frame), axis=0)))
    guesses = _guesses(frame, coast)
    # Whatever crosses the frame is cut by it once, so that no line ends a hair short of it.
    faces = shapely.get_parts(
        shapely.polygonize(
            [
                shapely.union_all(
                    [*coast[shapely.intersects(coast, frame)], *guesses, frame.exterior]
                )
            ]
        )
    )
    faces = faces[shapely.contains(frame, shapely.point_on_surface(faces))]
    land, sea = _votes(faces, mapped)
    contrary = np.minimum(land, sea) > _CONTRARY_SHARE * (land + sea)
    wet = (sea > land) & ~contrary
    drowned = wet & (_streets_in(faces, wet, dry) > _DROWNED_SHARE * shapely.length(dry).sum())
    doubt = _in_doubt(frame, mapped, guesses[shapely.length(guesses) > _SURE_SHARE * size], size, bounded)  # fmt: skip
    told = shapely.union_all(faces[wet & ~drowned])
    findings = [
        _untold(text, shapely.union_all(parts))
        for text, parts in (
            (_CONTRARY, faces[contrary]),
            (_DROWNED, faces[drowned]),
            (_ENDS, doubt),
        )
        if len(parts)
    ]
    return Sea(told.difference(shapely.union_all(doubt)), tuple(findings))


def _all_or_nothing(frame: BaseGeometry, coast: np.ndarray, dry: np.ndarray) -> Sea:
    # No coast comes in: streets are on land, else the nearest coast outside says on which side it is.
    import shapely

    none = shapely.MultiPolygon()
    if not len(coast) or len(dry):
        return Sea(none, ())
    line = coast[np.argmin(shapely.distance(coast, frame))]
    there = shapely.line_interpolate_point(line, shapely.line_locate_point(line, frame.centroid))
    reach = 1e-6
    near = shapely.get_coordinates(shapely.intersection(line, there.buffer(reach)))
    ends = (shapely.get_point(line, 0), shapely.get_point(line, -1))
    if not line.is_closed and there.distance(shapely.multipoints(ends)) <= reach:
        return Sea(none, (_untold(_ENDS, frame),))
    (ax, ay), (bx, by) = near[0], near[-1]
    right = (bx - ax) * (frame.centroid.y - ay) - (by - ay) * (frame.centroid.x - ax) < 0
    return Sea(frame if right else none, ())


def _guesses(frame: BaseGeometry, coast: np.ndarray) -> np.ndarray:
    """Lines that carry on each coastline that ends inside the frame, the shortest first."""
    import shapely

    ends = np.concatenate([shapely.get_point(coast, -1), shapely.get_point(coast, 0)])
    line, last = np.tile(np.arange(len(coast)), 2), np.arange(len(ends)) < len(coast)
    # An end that another end, or the middle of a line, meets is none.
    near = shapely.STRtree(coast).query(ends, predicate="dwithin", distance=_TOUCHES_DEG)
    meets = np.bincount(near[0], minlength=len(ends)) > 1
    loose = np.flatnonzero(~meets & ~shapely.is_closed(coast)[line] & shapely.contains(frame, ends))
    choices = [(*_to_edge(frame, coast[line[i]], last[i]), i, i) for i in loose]
    for i in loose[last[loose]]:
        for j in loose[~last[loose]]:
            gap = shapely.linestrings([ends[i].coords[0], ends[j].coords[0]])
            choices.append((gap.length, gap, i, j))
    used, guesses = set(), []
    for length, guess, i, j in sorted(choices, key=lambda c: (c[0], c[2], c[3])):
        if i in used or j in used or not length:
            continue
        inner = shapely.line_interpolate_point(guess, [0.001, 0.999], normalized=True)
        if i != j and shapely.intersects(coast, shapely.linestrings(shapely.get_coordinates(inner))).any():  # fmt: skip
            continue
        used |= {i, j}
        guesses.append(guess)
    return np.array(guesses, object)


def _to_edge(frame: BaseGeometry, line: BaseGeometry, last: bool) -> tuple[float, BaseGeometry]:
    # Straight on, unless the edge is much nearer elsewhere; a little too far, so that it crosses.
    import shapely

    size = np.hypot(*np.ptp(shapely.get_coordinates(frame), axis=0))
    back = min(line.length, _BACK_SHARE * size)
    end, before = (line.interpolate(d) for d in ((line.length, line.length - back) if last else (0, back)))  # fmt: skip
    x, y = end.x, end.y
    along = np.array([x - before.x, y - before.y])
    ahead = along / max(np.hypot(*along), 1e-300)
    ray = shapely.linestrings([(x, y), tuple(np.array([x, y]) + ahead * 2 * size)])
    on = shapely.get_coordinates(shapely.intersection(ray, frame))[-1]
    nearest = shapely.get_coordinates(shapely.shortest_line(frame.exterior, end))[0]
    if np.hypot(*(on - (x, y))) > _DETOUR * np.hypot(*(nearest - (x, y))):
        on = nearest
    step = on - (x, y)
    beyond = on + step / max(np.hypot(*step), 1e-300) * 1e-6
    return float(np.hypot(*step)), shapely.linestrings([(x, y), tuple(beyond)])


def _votes(faces: np.ndarray, mapped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Length of the coast that calls each face land, and that calls it sea.
    import shapely

    xy, of = shapely.get_coordinates(shapely.get_parts(mapped), return_index=True)
    step = np.diff(xy, axis=0)
    long = np.hypot(*step.T)
    real = (of[1:] == of[:-1]) & (long > 0)
    step, long, middle = step[real], long[real], ((xy[1:] + xy[:-1]) / 2)[real]
    aside = np.c_[-step[:, 1], step[:, 0]] / long[:, None] * _ASIDE_DEG
    tree = shapely.STRtree(faces)
    sums = []
    for side in (1, -1):
        point, face = tree.query(shapely.points(middle + side * aside), predicate="within")
        sums.append(np.bincount(face, long[point], minlength=len(faces)))
    return sums[0], sums[1]


def _streets_in(faces: np.ndarray, wet: np.ndarray, dry: np.ndarray) -> np.ndarray:
    # Length of the streets in each face that is taken for sea.
    import shapely

    out = np.zeros(len(faces))
    tree = shapely.STRtree(dry)
    for face in np.flatnonzero(wet) if len(dry) else ():
        met = dry[tree.query(faces[face], predicate="intersects")]
        out[face] = shapely.length(shapely.intersection(met, faces[face])).sum()
    return out


def _in_doubt(
    frame: BaseGeometry, mapped: np.ndarray, guesses: np.ndarray, size: float, bounded: bool
) -> np.ndarray:
    """What lies nearer to a guess than to mapped coast; farther away than the coast is long, too."""
    import shapely

    if not len(guesses):
        return np.array([], object)
    step = size / _SAMPLES
    both = [
        shapely.segmentize(shapely.simplify(lines, step / 4), step) for lines in (mapped, guesses)
    ]
    samples = [np.unique(shapely.get_coordinates(lines), axis=0) for lines in both]
    on_coast = set(map(tuple, samples[0].tolist()))
    guessed = [xy for xy in samples[1].tolist() if tuple(xy) not in on_coast]
    points = np.r_[samples[0], guessed]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=frame, ordered=True)
    )
    doubt = [shapely.union_all(cells[len(samples[0]) :])]
    if not bounded:
        reach = np.hypot(*np.ptp(np.reshape(shapely.total_bounds(mapped), (2, 2)), axis=0))
        doubt.append(frame.difference(shapely.union_all(shapely.buffer(mapped, reach))))
    return np.array([d for d in shapely.intersection(doubt, frame) if d.area], object)


def _untold(text: tuple[str, str], where: BaseGeometry) -> str:
    km2 = where.area * _KM_PER_DEGREE**2
    return " / ".join(
        part.format(km2=f"{km2:,.2g}" if km2 < 10 else f"{km2:,.0f}") for part in text
    )
