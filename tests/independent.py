"""Ten numbers of a place, from its extract and its boundary, without a line of this package.

Its own reading of OpenStreetMap's tags after the wiki's pages, its own water, facilities and shortest ways (pyosmium,
shapely, pyproj, networkx): where ours and these agree, no fault of ours made both.

    python tests/test_independent.py EXTRACT BOUNDARY CITY RUN [RASTER]

prints them beside those of a city's folder and of what `urbanplan run` wrote for it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import osmium
import pyogrio
import pyproj
import shapely
import shapely.ops

WALK_KMH = 5.0
#: A home steps onto any street so near, an area is entered from any street so near, in metres.
STEP_M, KERB_M, FAR_M = 50.0, 25.0, 500.0
#: Who stands beside shorter parts of the streets only steps onto a longer one as well, in metres.
FRAGMENT_M = 1000.0
#: Classes that people walk on, and cars drive on with their km/h (OSM wiki, Access restrictions; OSRM's car profile).
FOOT = {
    "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link", "unclassified",
    "residential", "living_street", "road", "service", "track", "pedestrian", "footway", "path", "steps", "corridor", "platform",
    "elevator",
}  # fmt: skip
CAR = {
    "motorway": 90, "motorway_link": 75, "trunk": 85, "trunk_link": 70, "primary": 65, "primary_link": 60, "secondary": 55,
    "secondary_link": 50, "tertiary": 40, "tertiary_link": 30, "unclassified": 25, "residential": 25, "road": 25,
    "living_street": 10, "service": 15,
}  # fmt: skip
#: Limits by law where none is posted (OSM wiki, Key:maxspeed:type and Default speed limits; of the places tried, no law differs).
ZONES = {"urban": 50, "30": 30, "zone30": 30}
GRANTED = {"yes", "permissive", "designated", "official", "public", "discouraged"}
LOCAL = {"private", "destination", "customers", "residents", "delivery", "permit", "employees", "members"}  # fmt: skip
CAR_GATES = {"entrance", "gate", "lift_gate", "swing_gate", "sliding_gate", "cattle_grid", "border_control", "toll_booth", "sally_port", "height_restrictor"}  # fmt: skip
#: What makes a thing a hospital, a school, a park.
KINDS = {
    "hospitals": {"amenity": {"hospital", "clinic"}, "healthcare": {"hospital", "clinic"}},
    "education": {"amenity": {"kindergarten", "school", "college", "university"}},
    "parks": {"leisure": {"park", "garden", "nature_reserve"}},
}
GONE = ("disused", "abandoned", "demolished", "destroyed", "razed", "removed", "ruins", "closed")


@dataclass
class Map:
    """Nodes, ways and relations of an extract by id, with tags, in any order of the file."""

    box: tuple[float, ...] | None = None
    nodes: dict = field(default_factory=dict)
    node_tags: dict = field(default_factory=dict)
    ways: dict = field(default_factory=dict)
    relations: dict = field(default_factory=dict)

    def line(self, refs):
        """Coordinates of a way, None where a node is not in the extract."""
        if any(ref not in self.nodes for ref in refs):
            return None
        return [self.nodes[ref] for ref in refs]


def read_map(path, middle: float = 0.0) -> Map:
    """Everything of an extract; longitudes within 180 degrees of `middle`."""
    found = Map()
    with osmium.io.Reader(str(path)) as reader:
        box = reader.header().box()
        if box.valid():
            found.box = (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)  # fmt: skip
    for thing in osmium.FileProcessor(str(path)):
        tags = {tag.k: tag.v for tag in thing.tags}
        if thing.is_node() and thing.location.valid():
            lon = thing.lon + 360 * round((middle - thing.lon) / 360)
            found.nodes[thing.id] = (lon, thing.lat)
            if tags:
                found.node_tags[thing.id] = tags
        elif thing.is_way():
            found.ways[thing.id] = ([node.ref for node in thing.nodes], tags)
        elif thing.is_relation():
            members = [(m.type, m.ref, m.role) for m in thing.members]
            found.relations[thing.id] = (members, tags)
    return found


def read_boundary(path):
    """The boundary as one shape, continuous across the 180th meridian."""
    shapes = pyogrio.read_dataframe(path).to_crs(4326).geometry.to_numpy()
    west = shapely.bounds(shapely.get_parts(shapes))[:, 0]
    if west.max() - west.min() > 180:
        shapes = [
            shapely.transform(p, lambda c: c + np.array([360, 0]))
            if shapely.bounds(p)[2] <= 0
            else p
            for p in shapely.get_parts(shapes)
        ]
    return shapely.unary_union(shapely.make_valid(shapes))


class Flat:
    """Metres east and north of the middle of a place (azimuthal, of equal areas)."""

    def __init__(self, boundary) -> None:
        x, y = boundary.centroid.coords[0]
        there = f"+proj=laea +lat_0={y} +lon_0={x} +datum=WGS84 +units=m"
        self.to = pyproj.Transformer.from_crs(4326, there, always_xy=True).transform

    def __call__(self, shape):
        """A shape in metres."""
        return shapely.transform(shape, lambda c: np.column_stack(self.to(c[:, 0], c[:, 1])))


# ---------------------------------------------------------------- areas


def outline(world: Map, kind: str, ref: int):
    """The area of a closed way or a multipolygon, by the even-odd rule; None where it is not whole."""
    if kind == "w":
        refs, _ = world.ways[ref]
        line = world.line(refs)
        if len(refs) < 4 or refs[0] != refs[-1] or line is None:
            return None
        return shapely.make_valid(shapely.Polygon(line))
    members, tags = world.relations[ref]
    if tags.get("type") not in ("multipolygon", "boundary"):
        return None
    lines = []
    for what, way, role in members:
        if what == "w" and role in ("outer", "inner", ""):
            line = world.line(world.ways[way][0]) if way in world.ways else None
            if line is None or len(line) < 2:
                return None
            lines.append(shapely.LineString(line))
    area = shapely.build_area(shapely.unary_union(lines)) if lines else None
    return None if area is None or area.is_empty else area


def tagged(world: Map, wanted: dict, points: bool = True):
    """Everything with one of the tags: (id, tags, shape)."""

    def fits(tags):
        return any(
            value.strip() in values
            for key, values in wanted.items()
            for value in tags.get(key, "").split(";")
        )

    held = {w: r for r, (m, t) in world.relations.items() if fits(t) for k, w, _ in m if k == "w"}
    rows = [("n", ref, tags) for ref, tags in world.node_tags.items()] if points else []
    rows += [("w", ref, tags) for ref, (_, tags) in world.ways.items() if ref not in held]
    rows += [("r", ref, tags) for ref, (_, tags) in world.relations.items()]
    for kind, ref, tags in rows:
        if fits(tags):
            shape = shapely.Point(world.nodes[ref]) if kind == "n" else outline(world, kind, ref)
            if shape is not None and not shape.is_empty:
                yield f"{kind}{ref}", tags, shape


def sea(world: Map, boundary):
    """Sea within the boundary: land is on the left of a coastline, so its right is water."""
    coast = [
        shapely.LineString(line)
        for refs, tags in world.ways.values()
        if tags.get("natural") == "coastline"
        for line in [world.line([r for r in refs if r in world.nodes])]
        if len(line) > 1
    ]
    if not coast:
        return shapely.Polygon()
    here = shapely.envelope(boundary) if world.box is None else shapely.box(*world.box)
    # A coast that ends just inside the edge goes on to it.
    drawn = [*coast]
    ends = Counter(tuple(line.coords[i]) for line in coast for i in (0, -1))
    for end in (shapely.Point(e) for e, n in ends.items() if n == 1):
        if here.covers(end) and here.boundary.distance(end) < 0.003:
            coast.append(shapely.LineString(shapely.ops.nearest_points(end, here.boundary)))
    cut = shapely.unary_union([here.boundary, *coast])
    faces = [f for f in shapely.get_parts(shapely.polygonize(shapely.get_parts(cut))) if here.covers(f.representative_point())]  # fmt: skip
    tree = shapely.STRtree(faces)
    wet = Counter()
    for line in drawn:
        xy = shapely.get_coordinates(line)
        step = np.diff(xy, axis=0)
        size = np.hypot(*step.T)[:, None]
        side = np.c_[step[:, 1], -step[:, 0]] / np.where(size > 0, size, 1) * 1e-7
        middle = (xy[1:] + xy[:-1]) / 2
        for sign in (1, -1):
            at, face = tree.query(shapely.points(middle + sign * side), predicate="within")
            for a, f in zip(at, face):
                wet[int(f)] += sign * float(size[a, 0])
    return shapely.intersection(
        shapely.unary_union([faces[f] for f, score in wet.items() if score > 0]), boundary
    )


def water(world: Map, boundary, flat: Flat):
    """All water within the boundary, as a shape in metres."""
    wanted = {
        "natural": {"water"},
        "waterway": {"riverbank", "dock"},
        "landuse": {"reservoir"},
    }
    fresh = [
        shape
        for _, tags, shape in tagged(world, wanted, points=False)
        if tags.get("amenity") not in ("fountain", "swimming_pool")
        and tags.get("water") != "fountain"
        and tags.get("tunnel") not in ("yes", "culvert")
        and tags.get("covered") != "yes"
    ]
    fresh = [s for s in fresh if flat(s).area >= 1000]
    shape = shapely.unary_union([*fresh, sea(world, boundary)])
    return flat(shapely.intersection(shapely.make_valid(shape), boundary))


# ---------------------------------------------------------------- facilities


def facilities(world: Map, boundary, flat: Flat, kind: str):
    """Facilities in the whole extract as (shape in metres, inside?): one for each name and each outline."""
    rows = []
    for _, tags, shape in tagged(world, KINDS[kind], points=kind != "parks"):
        if _shut(kind, tags):
            continue
        if kind == "parks" and (
            flat(shape).area < 400 or tags.get("garden:type") in ("residential", "private")
        ):
            continue
        # Parts without a name belong to the institution beside them.
        parted = kind == "hospitals" or tags.get("amenity") in ("university", "college")
        rows.append((plain(tags.get("name", "")), flat(shape), shape, parted))
    # Drawn large first: what lies on its grounds, or stands near by under its name, is the same one.
    rows.sort(key=lambda row: -row[1].area)
    kept = []
    for name, metric, shape, parted in rows:
        same = kind != "parks" and any(_one(kind, name, metric, parted, other) for other in kept)
        if not same:
            kept.append([name, metric, shape, parted])
    return [(m, bool(shapely.intersects(s, boundary)), name) for name, m, s, _ in kept]


def _one(kind: str, name: str, metric, parted: bool, other: list) -> bool:
    called, area, _, whole = other
    near = metric.distance(area)
    if name and name == called and near <= 300:
        return True
    if not name and parted and whole and area.area and near <= (50 if called else 10):
        return True
    if not (area.area and area.contains(metric.centroid)):
        return False
    if name and not called:
        # Grounds without a name are those of the first that stands on them.
        other[0] = name
        return True
    return kind == "hospitals" or not name


def plain(name: str) -> str:
    """A name without accents, hyphens and other marks."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("-", " "))
    return " ".join("".join(c for c in letters if c.isalnum() or c == " ").split())


def _shut(kind: str, tags: dict) -> bool:
    closed = ("no",) if kind == "education" else ("private", "no", "residents", "members")
    return (
        tags.get("access") in closed
        or any(tags.get(key, "no") != "no" for key in GONE)
        or any(f"{p}:{k}" in tags for p in (*GONE, "was") for k in KINDS[kind])
        or tags.get("building") == "construction"
        or (kind == "hospitals" and "veterinary" in tags.values())
        or (kind == "hospitals" and tags.get("healthcare") == "doctor" and "amenity" not in tags)
    )


# ---------------------------------------------------------------- streets


def word(tags: dict, keys: tuple[str, ...]) -> str | None:
    """What the most specific access key says."""
    return next((tags[k] for k in keys if tags.get(k, "unknown") != "unknown"), None)


def foot(tags: dict) -> tuple[bool, bool, float, float]:
    """On foot: open?, only for its own?, km/h along, km/h back."""
    said = word(tags, ("foot", "access"))
    if said is None and {tags.get(k) for k in ("sidewalk", "sidewalk:left", "sidewalk:right", "sidewalk:both")} & {"yes", "both", "left", "right"}:  # fmt: skip
        said = "yes"
    if tags.get("motorroad") == "yes" and "foot" not in tags:
        said = "no"
    if tags.get("area") == "yes" or tags.get("construction", "no") not in ("no", "minor", "widening"):  # fmt: skip
        return False, False, 0, 0
    if tags.get("sac_scale", "").endswith("alpine_hiking"):
        return False, False, 0, 0
    known = tags.get("highway") in FOOT or (
        (("foot" in tags) or (said == "yes" and "access" not in tags))
        and tags.get("highway") in {*CAR, "cycleway", "bridleway", "busway"}
    )
    granted = set((said or "").split(";"))
    if not known or (said and not granted & (GRANTED | LOCAL)):
        return False, False, 0, 0
    back = 0 if tags.get("conveying") == "forward" or tags.get("oneway:foot") == "yes" else WALK_KMH
    ahead = 0 if tags.get("conveying") == "backward" else WALK_KMH
    return True, bool(granted & LOCAL) and not granted & GRANTED, ahead, back


def car(tags: dict) -> tuple[bool, bool, float, float]:
    """By car: open?, only for its own?, km/h along, km/h back."""
    said = word(tags, ("motorcar", "motor_vehicle", "vehicle", "access"))
    if tags.get("service") == "emergency_access":
        said = "no"
    shut = False, False, 0, 0
    if tags.get("area") == "yes" or tags.get("construction", "no") not in ("no", "minor", "widening"):  # fmt: skip
        return shut
    kmh = CAR.get(tags.get("highway"), 0)
    specific = any(k in tags for k in ("motorcar", "motor_vehicle", "vehicle"))
    built = {"track", "pedestrian", "footway", "path", "cycleway", "bridleway", "busway"}
    opened = not kmh and specific and said and tags.get("highway") in built
    granted = set((said or "").split(";"))
    if not (kmh or opened) or (said and not granted & (GRANTED | LOCAL)):
        return shut
    zone = next((tags[k] for k in ("maxspeed:type", "zone:maxspeed", "source:maxspeed") if k in tags), "")  # fmt: skip
    general = kmh_of(tags.get("maxspeed")) or ZONES.get(zone.partition(":")[2], 0)
    posted = {
        way: kmh_of(tags.get(f"maxspeed:{way}")) or general for way in ("forward", "backward")
    }
    ahead, back = ((min(10.0, posted[w] or 10) if opened else posted[w] or kmh) for w in posted)
    one = tags.get("oneway", "")
    if one not in ("no", "false", "0") and (
        one in ("yes", "true", "1")
        or tags.get("highway") in ("motorway", "motorway_link")
        or tags.get("junction") in ("roundabout", "circular")
    ):
        back = 0
    if one in ("-1", "reverse"):
        ahead, back = 0, back or kmh
    if one == "reversible":
        return shut
    one = tags.get("oneway:motor_vehicle", tags.get("oneway:motorcar"))
    if one in ("yes", "-1"):
        ahead, back = (ahead, 0) if one == "yes" else (0, back)
    if tags.get("motor_vehicle:forward") == "no":
        ahead = 0
    if tags.get("motor_vehicle:backward") == "no":
        back = 0
    if not ahead and not back:
        return shut
    return True, bool(granted & LOCAL) and not granted & GRANTED, ahead, back


def kmh_of(text: str | None) -> float:
    """A posted limit in km/h, 0 where it is no figure."""
    found = []
    for part in (text or "").split(";"):
        number, _, unit = part.strip().partition(" ")
        number, unit = (number[:-3], "mph") if number.endswith("mph") else (number, unit)
        try:
            value = float(number) * (1.609344 if unit.lower() == "mph" else 1)
        except ValueError:
            continue
        found += [value] if 5 <= value <= 160 else []
    return min(found, default=0.0)


def blocked(tags: dict, mode: str) -> bool:
    """Does a node stop the mode?"""
    said = word(tags, ("foot", "access") if mode == "walk" else ("motorcar", "motor_vehicle", "vehicle", "access"))  # fmt: skip
    if said:
        return not set(said.split(";")) & (GRANTED | LOCAL)
    if tags.get("locked") == "yes":
        return True
    kind = tags.get("barrier")
    if mode == "walk":
        return kind in ("wall", "fence", "hedge", "city_wall", "retaining_wall", "guard_rail")
    lowered = kind == "kerb" and tags.get("kerb") in ("no", "lowered", "flush", "rolled")
    return bool(kind) and kind != "no" and kind not in CAR_GATES and not lowered


GEOD = pyproj.Geod(ellps="WGS84")


@dataclass
class Streets:
    """Pieces of street open to a mode: ends, metres, minutes along and back, private?, the way."""

    mode: str
    u: list
    v: list
    metres: np.ndarray
    ahead: np.ndarray
    back: np.ndarray
    private: np.ndarray
    way: list


def streets(world: Map, mode: str) -> Streets:
    """All pieces of street of an extract that a mode may use."""
    rule = foot if mode == "walk" else car
    u, v, along, back, private, way = [], [], [], [], [], []
    for ref, (refs, tags) in world.ways.items():
        if {"platform", "pier"} & {
            tags.get(k) for k in ("railway", "public_transport", "man_made")
        }:
            tags = {"highway": "platform", **tags}
        if "highway" not in tags:
            continue
        opened, own, ahead_kmh, back_kmh = rule(tags)
        if not opened:
            continue
        for a, b in zip(refs, refs[1:]):
            if a in world.nodes and b in world.nodes and a != b:
                for many, one in zip((u, v, along, back, private, way), (a, b, ahead_kmh, back_kmh, own, ref)):  # fmt: skip
                    many.append(one)
    start, end = (np.array([world.nodes[n] for n in ends]) for ends in (u, v))
    metres = GEOD.inv(*start.T, *end.T)[2]
    with np.errstate(divide="ignore"):
        ahead_min, back_min = (0.06 * metres / np.array(k, float) for k in (along, back))
    stop = {n for n, tags in world.node_tags.items() if blocked(tags, mode)}
    # A node that stops the mode is a dead end for each street that meets it.
    u = [(n, i) if n in stop else n for i, n in enumerate(u)]
    v = [(n, -i) if n in stop else n for i, n in enumerate(v)]
    private = np.array(private, bool)
    return Streets(mode, u, v, metres, ahead_min, back_min, _enclosed(u, v, metres, private), way)


def _parts(u, v, chosen) -> np.ndarray:
    # Which part each piece of street is on, of those that hang together over the chosen ones; -1 elsewhere.
    graph = nx.Graph((u[i], v[i]) for i in np.flatnonzero(chosen))
    part = {n: k for k, group in enumerate(nx.connected_components(graph)) for n in group}
    return np.array([part[n] if here else -1 for n, here in zip(u, chosen)], int)


def _enclosed(u, v, metres, private) -> np.ndarray:
    # Streets behind a private one seldom say so: parts less than half as long as the longest are private too.
    street, whole = _parts(u, v, ~private), _parts(u, v, np.ones(len(u), bool))
    length, longest = Counter(), Counter()
    for part, m in zip(street, metres):
        length[part] += m
    for part, all_of_it in zip(street, whole):
        if part >= 0:
            longest[all_of_it] = max(longest[all_of_it], length[part])
    behind = [length[p] < longest[w] / 2 for p, w in zip(street, whole)]
    return private | np.array(behind, bool)


def length_km(world: Map, found: Streets, boundary, flat: Flat) -> float:
    """Kilometres of street within the boundary."""
    base = lambda n: n[0] if isinstance(n, tuple) else n  # noqa: E731
    ends = [[world.nodes[base(a)], world.nodes[base(b)]] for a, b in zip(found.u, found.v)]
    lines = shapely.linestrings(ends)
    shapely.prepare(boundary)
    inside = shapely.covers(boundary, lines)
    edge = shapely.intersects(boundary, lines) & ~inside
    part = shapely.length(shapely.intersection(lines[edge], boundary)) / shapely.length(lines[edge])
    return (
        float(found.metres[inside].sum() + (found.metres[edge] * np.nan_to_num(part)).sum()) / 1000
    )


def turns(world: Map):
    """Forbidden turns at nodes: (from way, node) -> (ways forbidden, ways that alone are allowed)."""
    found = {}
    for members, tags in world.relations.values():
        kind = tags.get("restriction") or tags.get("restriction:motorcar") or ""
        roles = {role: (what, ref) for what, ref, role in members}
        if tags.get("type") != "restriction" or roles.get("via", "?")[0] != "n":
            continue
        if "motorcar" in tags.get("except", "") or {"hour_on", "day_on", "time"} & set(tags):
            continue
        # One that names a way that is not there, or that runs on beyond the point, cannot be followed.
        ends = [world.ways.get(roles.get(role, (0, 0))[1], ([0], {}))[0] for role in ("from", "to")]
        if any(roles["via"][1] not in (refs[0], refs[-1]) for refs in ends):
            continue
        if "from" in roles and "to" in roles and kind.startswith(("no_", "only_")):
            at = found.setdefault((roles["from"][1], roles["via"][1]), ([], []))
            at[kind.startswith("only_")].append((roles["to"][1], kind))
    return found


def minutes_between(world: Map, found: Streets, pairs) -> list[float]:
    """Minutes of pairs of nodes on public streets; by car over pieces of street, so that turns are obeyed."""
    usable = [i for i in range(len(found.u)) if not found.private[i]]
    if found.mode == "walk":
        graph = nx.DiGraph()
        for i in usable:
            for a, b, m in ((found.u[i], found.v[i], found.ahead[i]), (found.v[i], found.u[i], found.back[i])):  # fmt: skip
                if np.isfinite(m) and m < graph.get_edge_data(a, b, {"weight": np.inf})["weight"]:
                    graph.add_edge(a, b, weight=m)
        return [_way(graph, a, b) for a, b in pairs]
    leaving: dict = {}
    for i in usable:
        for sign, a, m in ((1, found.u[i], found.ahead[i]), (-1, found.v[i], found.back[i])):
            if np.isfinite(m):
                leaving.setdefault(a, []).append((i, sign))
    banned, graph = turns(world), nx.DiGraph()
    for i in usable:
        for sign, end, m in ((1, found.v[i], found.ahead[i]), (-1, found.u[i], found.back[i])):
            if not np.isfinite(m):
                continue
            graph.add_edge((i, sign), ("at", end), weight=m)
            on = [(j, s) for j, s in leaving.get(end, []) if j != i]
            no, only = banned.get((found.way[i], end), ((), ()))
            for j, s in on or leaving.get(end, []):
                to = found.way[j]
                if any(to == w for w, kind in no if kind != "no_u_turn") or (only and all(to != w for w, _ in only)):  # fmt: skip
                    continue
                graph.add_edge((i, sign), (j, s), weight=m)
    for a, _ in pairs:
        for step in leaving.get(a, []):
            graph.add_edge(("from", a), step, weight=0.0)
    return [_way(graph, ("from", a), ("at", b)) for a, b in pairs]


def _way(graph, a, b) -> float:
    try:
        return float(nx.dijkstra_path_length(graph, a, b))
    except (nx.NetworkXNoPath, nx.NodeNotFound):
        return float("inf")


def three_pairs(world: Map, by_foot: Streets, by_car: Streets, boundary):
    """West to east, south to north, middle to west: nodes on public streets of the largest part of both modes."""
    held = []
    for found in (by_foot, by_car):
        graph = nx.DiGraph()
        for i in np.flatnonzero(~found.private & (found.metres > 0)):
            if found.mode == "drive" and world.ways[found.way[i]][1]["highway"].startswith("motorway"):  # fmt: skip
                continue
            for a, b, m in ((found.u[i], found.v[i], found.ahead[i]), (found.v[i], found.u[i], found.back[i])):  # fmt: skip
                if np.isfinite(m):
                    graph.add_edge(a, b)
        held.append(max(nx.strongly_connected_components(graph), key=len, default=set()))
    plain = sorted(n for n in held[0] & held[1] if not isinstance(n, tuple))
    xy = np.array([world.nodes[n] for n in plain]).reshape(-1, 2)
    inside = shapely.contains_xy(boundary, *xy.T)
    plain, xy = np.array(plain)[inside], xy[inside]
    if len(plain) < 4:
        return []
    middle = np.hypot(*(xy - np.median(xy, axis=0)).T).argmin()
    west, east, south, north = xy[:, 0].argmin(), xy[:, 0].argmax(), xy[:, 1].argmin(), xy[:, 1].argmax()  # fmt: skip
    return [
        (int(plain[a]), int(plain[b])) for a, b in ((west, east), (south, north), (middle, west))
    ]


# ---------------------------------------------------------------- people


def people(raster, boundary):
    """Points of people and how many each: the middle of every pixel, with its share in the boundary."""
    import rasterio

    with rasterio.open(raster) as held:
        values, grid = held.read(1).astype(float), held.transform
        values[~np.isfinite(values) | (values == held.nodata) | (values < 0)] = 0
    row, column = np.nonzero(values)
    west, north = grid.c + column * grid.a, grid.f + row * grid.e
    cells = shapely.box(west, north + grid.e, west + grid.a, north)
    shapely.prepare(boundary)
    share = shapely.covers(boundary, cells).astype(float)
    edge = shapely.intersects(boundary, cells) & (share == 0)
    share[edge] = shapely.area(shapely.intersection(cells[edge], boundary)) / shapely.area(cells[edge])  # fmt: skip
    xy = np.c_[west + grid.a / 2, north + grid.e / 2]
    return xy[share > 0], (values[row, column] * share)[share > 0]


def ashore(xy, wet, boundary, flat: Flat):
    """Points, those in the water moved to the nearest land within the boundary."""
    xy = np.array(xy, float)
    spots = shapely.points(np.column_stack(flat.to(*xy.T)))
    shapely.prepare(wet)
    land = shapely.difference(flat(boundary), wet)
    for i in np.flatnonzero(shapely.contains(wet, spots)):
        bank = shapely.ops.nearest_points(land, spots[i])[0]
        xy[i] = flat.to(bank.x, bank.y, direction="INVERSE")
    return xy


def _long(found: Streets) -> np.ndarray:
    # Pieces of street on parts that are no fragments.
    which = _parts(found.u, found.v, np.ones(len(found.u), bool))
    return np.bincount(which, found.metres)[which] >= FRAGMENT_M


def _steps(lines, large, spots, wet):
    # Pairs of a place and a piece of street it steps onto, never through water.
    # What only touches the bank is dry.
    deep = shapely.buffer(wet, -0.5)
    shapely.prepare(deep)

    def nearest(who, pieces, metres, every):
        tree = shapely.STRtree(lines[pieces])
        at, edge = tree.query(spots[who], "dwithin", distance=metres)
        at, edge = who[at], pieces[edge]
        dry = ~shapely.intersects(deep, shapely.shortest_line(spots[at], lines[edge]))
        at, edge = at[dry], edge[dry]
        if every:
            return at, edge
        far, least = shapely.distance(spots[at], lines[edge]), np.full(len(spots), np.inf)
        np.minimum.at(least, at, far)
        return at[far <= least[at]], edge[far <= least[at]]

    every = np.arange(len(lines))
    # Every street beside it; the nearest where there is none; and where all are fragments, the next larger one.
    home, edge = nearest(np.arange(len(spots)), every, STEP_M, True)
    more = nearest(np.setdiff1d(np.arange(len(spots)), home), every, FAR_M, False)
    home, edge = np.r_[home, more[0]], np.r_[edge, more[1]]
    lost = np.setdiff1d(home, home[large[edge]])
    more = nearest(lost, every[large], FAR_M, False)
    return np.r_[home, more[0]], np.r_[edge, more[1]]


def homes_share(world: Map, found: Streets, flat: Flat, places, xy, persons, limit_min=15.0, wet=None):  # fmt: skip
    """Share of the people who walk to a place within the limit, in through private streets at either end.

    Nobody steps onto a street through water (`wet`, in metres).
    """
    base = lambda n: n[0] if isinstance(n, tuple) else n  # noqa: E731
    nodes = {n: world.nodes[base(n)] for n in {*found.u, *found.v}}
    at = dict(zip(nodes, np.column_stack(flat.to(*np.array(list(nodes.values())).T))))
    ends = np.array([[at[a], at[b]] for a, b in zip(found.u, found.v)])
    lines = shapely.linestrings(ends)
    tree = shapely.STRtree(lines)
    # Towards a home: private streets, then public ones, then private ones again.
    graph = nx.DiGraph()
    for i, (a, b) in enumerate(zip(found.u, found.v)):
        for layer in (0, 2) if found.private[i] else (1,):
            for s, t, m in ((a, b, found.back[i]), (b, a, found.ahead[i])):
                if np.isfinite(m):
                    old = graph.get_edge_data((s, layer), (t, layer), {"weight": np.inf})["weight"]
                    graph.add_edge((s, layer), (t, layer), weight=min(m, old))
    for n in nodes:
        graph.add_edge((n, 0), (n, 1), weight=0.0)
        graph.add_edge((n, 1), (n, 2), weight=0.0)
    pace, large = 0.06 / WALK_KMH, _long(found)
    for shape in places:
        if shape.area:
            edges = tree.query(shape, "dwithin", distance=KERB_M)
            if not len(edges):
                edges = tree.query_nearest(shape, max_distance=FAR_M)
        else:
            edges = _steps(lines, large, np.array([shape]), shapely.Polygon())[1]
        near = shapely.buffer(shape, KERB_M) if shape.area else None
        for e in edges:
            if found.metres[e] <= 0:
                continue
            part = lines[e] if near is None else lines[e].intersection(near)
            if part.is_empty or near is None:
                part = shapely.ops.nearest_points(lines[e], shape)[0]
            for spot in shapely.points(shapely.get_coordinates(part)):
                where = lines[e].project(spot, normalized=True)
                cost, layer = pace * spot.distance(shape), 0 if found.private[e] else 1
                for end, m in ((found.u[e], found.ahead[e] * where), (found.v[e], found.back[e] * (1 - where))):  # fmt: skip
                    if np.isfinite(m):
                        old = graph.get_edge_data("go", (end, layer), {"weight": np.inf})["weight"]
                        graph.add_edge("go", (end, layer), weight=min(old, cost + m))
    if "go" not in graph:
        return float("nan")
    reached = nx.single_source_dijkstra_path_length(graph, "go", cutoff=limit_min)
    minutes = {n: min(reached.get((n, k), np.inf) for k in range(3)) for n in nodes}
    spots = shapely.points(np.column_stack(flat.to(*np.asarray(xy).T)))
    home, edge = _steps(lines, large, spots, shapely.Polygon() if wet is None else wet)
    where = shapely.line_locate_point(lines[edge], spots[home], normalized=True)
    beside = pace * shapely.distance(lines[edge], spots[home])
    t = np.array([[minutes[found.u[e]], minutes[found.v[e]]] for e in edge])
    best = np.full(len(spots), np.inf)
    along, back = found.ahead[edge], found.back[edge]
    with np.errstate(invalid="ignore"):
        by = np.minimum(t[:, 0] + np.nan_to_num(where * back, nan=np.inf), t[:, 1] + np.nan_to_num((1 - where) * along, nan=np.inf))  # fmt: skip
    np.minimum.at(best, home, by + beside)
    return float(persons[best <= limit_min].sum() / persons.sum())


# ---------------------------------------------------------------- the numbers


def numbers(extract, boundary_file, raster=None) -> dict:
    """What is to be compared, and under `pairs` the places of the ways."""
    boundary = read_boundary(boundary_file)
    flat, world = Flat(boundary), read_map(extract, boundary.centroid.x)
    found = {"area km2": GEOD.geometry_area_perimeter(shapely.orient_polygons(boundary))[0] / 1e6}
    wet = water(world, boundary, flat)
    found["water ha"] = wet.area / 1e4
    by_foot, by_car = streets(world, "walk"), streets(world, "drive")
    for mode in (by_foot, by_car):
        found[f"{mode.mode} km"] = length_km(world, mode, boundary, flat)
    places = {kind: facilities(world, boundary, flat, kind) for kind in KINDS}
    for kind, rows in places.items():
        found[kind] = sum(inside for _, inside, _ in rows)
    pairs = three_pairs(world, by_foot, by_car, boundary)
    for mode in (by_foot, by_car):
        for i, m in enumerate(minutes_between(world, mode, pairs)):
            found[f"{mode.mode} min {i + 1}"] = m
    found["pairs"] = [(world.nodes[a], world.nodes[b]) for a, b in pairs]
    if raster is not None:
        xy, persons = people(raster, boundary)
        found["people"] = float(persons.sum())
        xy = ashore(xy, wet, boundary, flat)
        for kind, rows in places.items():
            shapes = [shape for shape, _, _ in rows]
            if shapes:
                found[f"walk share {kind}"] = homes_share(
                    world, by_foot, flat, shapes, xy, persons, wet=wet
                )
    return found
