"""Objects of OpenStreetMap: which of them the plan's features are, and which layer the rest belongs to.

The first table is checked by hand: name, district and what stands around agree. A middle of an outline is known to
50-100 m for buildings and to 300 m for campuses and large parks.
"""

from __future__ import annotations

import origins
import shapely
from rivers import metric

from urbanplan.catalog import read_osm_rules
from urbanplan.city.layers import MARKER_M

#: osm_id: (layer, feature, accuracy in m). The plan's feature is this object.
MATCHED = {
    "980172885": ("hospitals", "h_renmin_shaxi", 100),
    "729848724": ("hospitals", "h_tcm_chengnan", 100),
    "607932126": ("hospitals", "h_swmu_zhong", 100),
    "729848739": ("hospitals", "h_swmu_kang", 300),
    "607932125": ("education", "e_swmu_zhong", 300),
    "615538341": ("education", "e_swmu_north", 300),
    "615538360": ("education", "e_lzvtc", 300),
    "607932128": ("education", "e_police", 300),
    "955933781": ("education", "e_qixie", 300),
    "975429878": ("parks", "park_beibin", 300),
    "975429879": ("parks", "park_beibin", 300),
    "980475428": ("parks", "park_yuzixi", 300),
    "607932122": ("parks", "park_zhongshan", 300),
    "611942461": ("parks", "park_zhangba", 300),
    "979355687": ("parks", "park_dongyan", 300),
    "980182530": ("parks", "park_changshi", 300),
    "753623526": ("parks", "park_yudaihe", 300),
    "953072826": ("parks", "park_longjianxi", 300),
    "979580328": ("parks", "park_yangdashan", 300),
    "617548996": ("parks", "park_jiangyang", 300),
    "955930868": ("parks", "park_lianjiang", 300),
    "662364551": ("culture_sport", "c_olympic", 100),
    "753623533": ("culture_sport", "c_tiyu", 300),
    "1208017401": ("industrial_parks", "ip_longma", 300),
    "978769349": ("industrial_parks", "ip_hengli", 300),
    "978847351": ("industrial_parks", "ip_zongbao", 300),
    "609665245": ("logistics", "l_container", 300),
    "915698192": ("logistics", "l_station", 100),
    "729937744": ("finance", "f_centre", 100),
    "978782690": ("renewal", "r_qiancao", 300),
}

#: Places on land where the 1:4M map has the Yangtze, by bank (facing downstream): the banks are held to them.
ON_LAND = {
    "left": [
        "1025060365", "1025060384", "10311165262", "3372307105", "5774465509", "5774465510", "615095096",
        "615095099", "615095102", "615095110", "1171457988",
    ],
    "right": [
        "1011485600", "1011485601", "611942461", "979355687", "979358707", "980172875", "983635111",
        "985009967", "985009982", "985009983", "985014708", "985873534", "985873537",
    ],
}  # fmt: skip

#: Objects beside a feature that has no object of its own: (osm_id, layer, condition).
BESIDE = [
    ("5772741402", "roads", "id=cityhall_y4"),
    ("5174808297", "townships", "seat_of=大渡口镇"),
    ("615778739", "townships", "seat_of=况场街道"),
    ("1076864836", "townships", "seat_of=鱼塘街道"),
    ("979673481", "townships", "seat_of=蓝田街道"),
    ("981828152", "townships", "seat_of=黄舣镇"),
    ("981828152", "industrial_parks", "id=ip_baijiu"),
    ("981755436", "industrial_parks", "id=ip_baijiu"),
    ("978840512", "industrial_parks", "id=ip_lingang"),
    ("609665245", "industrial_parks", "id=ip_lingang"),
    ("611942461", "culture_sport", "id=c_zhangba"),
    ("955933782", "education", "id=e_med2"),
]

#: Objects that their class alone puts wrong: layer and kind, or None where no layer has room for them.
OTHER = {
    "1025199229": (
        "education",
        "college",
    ),  # 中共泸州市委党校: trains officials, no school for children
    "631705829": ("education", "college"),  # 泸州市职业技术学校
    "988459183": ("education", "college"),  # 泸州财经学校
    "979673480": ("education", "college"),  # 泸州市江阳职业高中学校
    "974667463": (
        "libraries",
        "college_library",
    ),  # 泸州职业技术学院图书馆: not a public hall of culture
    "954696495": ("consumption", "furniture"),  # 富森美家居
    "977009284": ("consumption", "wholesale"),  # 西南商贸城: a wholesale town, no food market
    "976622732": ("consumption", "wholesale"),
    "976622728": ("consumption", "wholesale"),
    "615538343": ("consumption", "wholesale"),
    "977009285": ("markets", "wholesale"),  # 粮油批发
    "976622725": ("markets", "wholesale"),  # 水果批发
    "729937747": ("markets", "market_place"),  # 环球生活广场·华升农贸商城
    "618444471": ("logistics", "logistics_park"),  # 海吉星农产品物流园
    "979674815": ("logistics", "logistics_park"),  # 三友物流集团
    "630566350": ("stations", "bus_station"),  # 泸州客运中心站
    "1222903850": ("police", "police"),  # 公安派出所 at the railway station
    "980182534": ("police", "vehicle_office"),  # 车管所: no station that answers calls
    "630566394": ("consumption", "mall"),  # 万达广场
    "985978886": ("consumption", "mall"),  # 步步高
    "665071485": ("consumption", "mall"),  # 泸州万象汇
    "1233841071": ("consumption", "mall"),  # 泸州高新爱琴海购物中心
    "615095112": ("consumption", "scenic"),  # 泸州老窖旅游景区
    "979358707": ("consumption", "theme_park"),  # 泸州发现王国
    "615538365": ("consumption", "theme_park"),  # 酒城乐园
    "621412002": ("consumption", "theme_park"),  # 泸州欢乐派海滩公园: a water park behind a ticket
    "981830605": ("consumption", "exhibition"),  # 泸州国际会展中心
    "615538337": None,  # 泸州奥林匹克体育公园: c_olympic is its stadium
    "1253541653": None,  # 规划泸州江北港: a port that is planned, drawn as a park
    "491137168": None,  # 金龙镇: a town, no housing estate
    "1171457988": None,  # former housing
    "1171457989": None,  # brownfields
    "1156610748": None,
    "1171454411": None,
    "1086587470": ("hospitals", "specialised"),  # 西南医科大学附属口腔医院
    "729937748": ("hospitals", "specialised"),  # 泸州锦欣妇产医院
    "979575089": ("hospitals", "tcm"),  # 西南医科大学附属中医医院
    "665071429": None,  # 泸州化工园区: another estate than ip_lutianhua_w
    "953127340": ("education", "college"),  # 四川警察学院, its second campus
}
#: Schools by what stands in their name; the rest stays "school".
SCHOOLS = {"小学": "primary_school", "中学": "middle_school", "高中": "middle_school", "附小": "primary_school"}  # fmt: skip
#: Metres that the middle of an area of a layer may lie from the thing itself.
ACCURACY_M = {"parks": 300, "industrial_parks": 300, "universities": 300, "cemeteries": 300}
_LICENCE = "ODbL-1.0"
_NOTE = ("位置取自OpenStreetMap（2024-08-21）。", "Position from OpenStreetMap, 2024-08-21.")
_MIDDLE = ("面状对象取其中点。", "The middle of an area.")
DISC = (
    "仅知中点，以半径25米的圆表示；圆不是其范围，面积不作数。",
    "Only its middle is known: the disc of 25 m radius is neither its outline nor its area.",
)


def place(feature: str, area) -> dict | None:
    """What the object of a plan's feature gives it: where it is, how well known, from whom."""
    found = origins.read_points(area)
    ids = [i for i, (_, f, _) in MATCHED.items() if f == feature]
    if not ids:
        return None
    points = [found[i] for i in ids]
    return {
        "at": [(p.lon, p.lat) for p in points],
        "accuracy_m": max(MATCHED[i][2] for i in ids),
        "quality": "derived",
        "licence": _LICENCE,
        "source": "; ".join(map(origins.osm_source, points)),
        "note": _NOTE,
    }


def disc(lon: float, lat: float):
    """A disc that marks a place of unknown extent, in metres."""
    return metric(shapely.Point(lon, lat)).buffer(MARKER_M)


def rest(layer: str, area, polygons: bool) -> list[tuple]:
    """Objects that no feature of the plan is, as (geometry, values) for `write.feature`."""
    rules = {r.layer: r.fclass for r in read_osm_rules()}
    out = []
    for point in origins.read_points(area).values():
        if not point.district or point.osm_id in MATCHED:
            continue
        if point.osm_id in OTHER:
            own = OTHER[point.osm_id]
            if own is None or own[0] != layer:
                continue
            kind = own[1]
        elif point.kind in rules.get(layer, ()):
            kind = _school(point) if point.kind == "school" else point.kind
        else:
            continue
        large = layer if kind not in ("university", "college") else "universities"
        note = DISC if polygons else _MIDDLE
        values = {
            "id": f"osm_{point.osm_id}", "name_zh": point.name, "name_en": "", "kind": kind,
            "district": point.district, "quality": "derived", "accuracy_m": ACCURACY_M.get(large, 100),
            "source": origins.osm_source(point), "licence": _LICENCE, "as_of": "2024-08-21",
            "note_zh": note[0], "note_en": note[1],
        }  # fmt: skip
        shape = disc(point.lon, point.lat) if polygons else shapely.Point(point.lon, point.lat)
        out.append((shape, values))
    return out


def _school(point: origins.Point) -> str:
    if "中小学" in point.name:
        return "school"
    if point.name.endswith("中"):
        return "middle_school"
    return next((kind for word, kind in SCHOOLS.items() if word in point.name), "school")
