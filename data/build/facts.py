"""Published figures that the drawn layers are held to."""

from __future__ import annotations

import network as n
import places
from assemble import _BANKS, _BUILT_8, _WALK_48, CENSUS, DISTRICTS
from land import _BUILT_UP
from people import NAXI_URBAN

HEADER = (
    "id",
    "name_zh",
    "layer",
    "where",
    "measure",
    "value",
    "unit",
    "tolerance_share",
    "year",
    "source",
    "note",
)
_AREAS = {
    "江阳区": "https://en.m.wikipedia.org./wiki/Jiangyang_District",
    "龙马潭区": "http://www.phoer.net/geography/luzhou/longmatan.htm",
    "纳溪区": "http://9aivip.com/item/%E7%BA%B3%E6%BA%AA%E5%8E%BF/4089970",
}


def rows() -> list[tuple]:
    """All rows of facts.csv."""
    return [*_people(), *_roads(), *_green(), *_parks(), *_counts()]


def _people():
    for name, (fid, _, _, km2, persons) in DISTRICTS.items():
        yield (
            f"{fid}_area",
            f"{name}面积",
            "districts",
            f"name_zh={name}",
            "area_km2",
            km2,
            "km²",
            0.005,
            2020,
            _AREAS[name],
            "",
        )
        yield (
            f"{fid}_people",
            f"{name}常住人口",
            "population",
            f"district={name}",
            "sum:persons",
            persons,
            "persons",
            0,
            2020,
            CENSUS,
            "",
        )
    total = sum(r[4] for r in DISTRICTS.values())
    yield (
        "people",
        "三区常住人口",
        "population",
        "",
        "sum:persons",
        total,
        "persons",
        0,
        2020,
        CENSUS,
        "derived sum",
    )
    yield (
        "naxi_urban",
        "纳溪城镇人口",
        "population",
        "id=pop_naxi_urban",
        "sum:persons",
        NAXI_URBAN,
        "persons",
        0,
        2020,
        "https://wikiwand.com/zh-mo/articles/%E7%B4%8D%E6%BA%AA%E7%B8%A3",
        "",
    )
    yield (
        "longmatan_urban",
        "龙马潭城镇人口（城镇化率80%）",
        "population",
        "id=pop_longmatan_urban",
        "sum:persons",
        0.8 * 479_697,
        "persons",
        0.001,
        2020,
        "https://kiwix.haohe.fun/content/wikipedia_zh_all_maxi_2024-04/A/%E9%BE%99%E9%A9%AC%E6%BD%AD",
        "",
    )
    yield (
        "built_up",
        "中心城区建成区",
        "built_up",
        "",
        "area_km2",
        170,
        "km²",
        0.03,
        2020,
        _BUILT_UP,
        "printed as over 170; definition not stated",
    )


def _roads():
    ring = ("roads+bridges", "system~ring2&status=existing")
    yield ("ring2_length", "二环路长度", *ring, "length_km", 52.5, "km", 0.03, 2023, n.RING, "")
    yield (
        "ring2_area",
        "二环路围合面积",
        *ring,
        "enclosed_km2",
        130,
        "km²",
        0.05,
        2023,
        n.RING,
        "",
    )
    yield (
        "ring2_speed",
        "二环路设计车速",
        "roads",
        "id=ring2_e",
        "value:speed_kmh",
        80,
        "km/h",
        0,
        2023,
        n.RING,
        "",
    )
    yield (
        "ring2_lanes",
        "二环路车道",
        "roads",
        "id=ring2_n",
        "value:lanes",
        8,
        "lanes",
        0,
        2023,
        n.RING,
        "",
    )
    yield (
        "ring2_naxi",
        "二环路纳溪段",
        "roads",
        "id=ring2_naxi",
        "length_km",
        9.36,
        "km",
        0.03,
        2020,
        "https://m.163.com/dy/article/FA3RE0HJ0514DASH.html",
        "",
    )
    triangle = ("roads+bridges", "system~triangle")
    yield (
        "triangle_length",
        "绕城高速三角环长度",
        *triangle,
        "length_km",
        93,
        "km",
        0.03,
        2014,
        n.TRIANGLE,
        "",
    )
    yield (
        "triangle_area",
        "绕城高速三角环围合面积",
        *triangle,
        "enclosed_km2",
        411,
        "km²",
        0.05,
        2014,
        n.TRIANGLE,
        "",
    )
    for name, zh, km in (("longna", "隆纳高速边长", 34), ("czlc", "成自泸赤高速边长", 33)):
        side = ("roads+bridges", f"system~{name}")
        yield (
            name,
            zh,
            *side,
            "length_km",
            km,
            "km",
            0.05,
            2014,
            n.TRIANGLE,
            "with its river crossings",
        )
    yield (
        "luyu",
        "泸渝高速边长",
        "roads",
        "id=x_luyu",
        "length_km",
        26,
        "km",
        0.05,
        2014,
        n.TRIANGLE,
        "",
    )
    yield (
        "binjiang",
        "长江滨江路（小关门—柏木溪）",
        "roads",
        "id=binjiang",
        "length_km",
        6,
        "km",
        0.05,
        2023,
        n.BINJIANG,
        "printed as about 6 km",
    )
    yield (
        "nanbin_rd",
        "南滨路",
        "roads",
        "id=nanbin",
        "length_km",
        1.33,
        "km",
        0.05,
        2019,
        n.TUOBANKS,
        "",
    )
    yield (
        "beibin_1",
        "北滨路（沱江西路）",
        "roads",
        "id=beibin_1",
        "length_km",
        3.935,
        "km",
        0.05,
        2019,
        n.TUOBANKS,
        "",
    )
    yield (
        "beibin_2",
        "北滨路（规划二路）",
        "roads",
        "id=beibin_2",
        "length_km",
        0.407,
        "km",
        0.05,
        2019,
        n.TUOBANKS,
        "",
    )
    yield (
        "zhaohe",
        "兆和路",
        "roads",
        "id=zhaohe",
        "length_km",
        1.4,
        "km",
        0.05,
        2019,
        "https://2000zi.500zi.com/n/8/13/D6JD9njq4o.html",
        "printed as about 1.4 km",
    )
    for order, length in ((1, 1573), (2, 2189), (3, 1190), (4, 1252.5), (6, 1722)):
        source = next(b[-1] for b in n.BRIDGES if b[0] == f"br_yangtze_{order}")
        yield (
            f"y{order}_length",
            f"长江{order}号桥公布桥长",
            "bridges",
            f"id=br_yangtze_{order}",
            "value:length_m_published",
            length,
            "m",
            0,
            2023,
            source,
            "carried as a figure; the drawn bridge spans a wider river",
        )


def _green():
    yield (
        "gw_built",
        "馆驿嘴—恒大御景湾绿道",
        "greenway",
        "id=gw_guanyizui",
        "length_km",
        8,
        "km",
        0.05,
        2024,
        _BUILT_8,
        "printed as about 8 km",
    )
    yield (
        "gw_walk",
        "中心城区漫游步道",
        "greenway",
        "id=gw_walk",
        "length_km",
        4.8,
        "km",
        0.05,
        2017,
        _WALK_48,
        "",
    )
    yield (
        "gw_total",
        "两江四岸绿道总长（百里）",
        "greenway",
        "",
        "length_km",
        50,
        "km",
        0.05,
        "",
        "seed: the plan, task 3",
        _BANKS and "a hundred li; built and planned together",
    )


def _parks():
    for row in places.PARKS:
        if row[6] and row[7]:
            yield (
                f"{row[0]}_area",
                f"{row[1]}面积",
                "parks",
                f"id={row[0]}",
                "area_ha",
                round(row[6], 4),
                "ha",
                0.01,
                row[9],
                row[10],
                "",
            )
    for row in places.INDUSTRY:
        if row[6] and row[7]:
            yield (
                f"{row[0]}_area",
                f"{row[1]}面积",
                "industrial_parks",
                f"id={row[0]}",
                "area_km2",
                round(row[6], 4),
                "km²",
                0.01,
                row[9],
                row[10],
                "",
            )
    yield (
        "lutianhua_area",
        "泸天化化工园区面积（东西两区）",
        "industrial_parks",
        "kind=chemical",
        "area_ha",
        round(5239 / 15, 4),
        "ha",
        0.01,
        2025,
        "https://m.semuli.com/news/202502/7719.html",
        "",
    )


def _counts():
    src = places.TOWNSHIPS_SOURCE
    yield ("townships", "乡镇街道数", "townships", "", "count", 39, "units", 0, 2022, src, "")
    for name, count in (("江阳区", 15), ("纳溪区", 13), ("龙马潭区", 11)):
        yield (
            f"townships_{DISTRICTS[name][0][2:]}",
            f"{name}乡镇街道数",
            "townships",
            f"district={name}",
            "count",
            count,
            "units",
            0,
            2022,
            src,
            "",
        )
    yield (
        "bridges_yangtze",
        "已建长江大桥（按编号）",
        "bridges",
        "river=yangtze&kind=bridge&status=existing",
        "count",
        5,
        "bridges",
        0,
        2023,
        n.BRIDGES_2020,
        "numbers 1, 2, 3, 4 and 6 in use",
    )
    yield (
        "bridges_yangtze_planned",
        "规划长江大桥",
        "bridges",
        "river=yangtze&kind=bridge&status=planned",
        "count",
        3,
        "bridges",
        0,
        2020,
        n.BRIDGES_2020,
        "numbers 5, 7 and 8",
    )
    yield (
        "bridges_tuo",
        "已建沱江大桥",
        "bridges",
        "river=tuo&kind=bridge&status=existing",
        "count",
        4,
        "bridges",
        0,
        2023,
        n.BRIDGES_2017,
        "numbers 1, 2, 3 and 6",
    )
    yield (
        "bridges_tuo_planned",
        "规划沱江大桥",
        "bridges",
        "river=tuo&kind=bridge&status=planned",
        "count",
        3,
        "bridges",
        0,
        2017,
        n.BRIDGES_2017,
        "numbers 4, 5 and 7",
    )
    yield (
        "beds_renmin",
        "市人民医院三院区床位",
        "hospitals",
        "kind=general",
        "sum:beds",
        1400,
        "beds",
        0,
        2025,
        "https://c.m.163.com/news/a/IKQ8LB230514CK0S.html",
        "1,000 + 300 after rebuilding + 100",
    )
    yield (
        "students_med2",
        "第二医教园区学生",
        "education",
        "id=e_med2",
        "value:students",
        30000,
        "students",
        0,
        2020,
        "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html",
        "",
    )
    yield (
        "seats_olympic",
        "奥体公园座位",
        "culture_sport",
        "id=c_olympic",
        "value:seats",
        20883,
        "seats",
        0,
        2013,
        "https://en.wiki.x.io/wiki/Luzhou_Olympic_Sports_Park_Stadium",
        "",
    )
    yield (
        "teu",
        "集装箱码头年吞吐",
        "logistics",
        "id=l_container",
        "value:capacity_teu",
        1_000_000,
        "TEU",
        0,
        2020,
        "http://bdf.7508854.cn/31944/30320.html",
        "",
    )
