"""Published figures that the drawn layers are held to."""

from __future__ import annotations

import network as n
import notice
import places
import towns
from assemble import CENSUS, DISTRICTS
from land import _BUILT_UP
from people import LONGMATAN_RATE, NAXI_URBAN, TARGETS
from shores import _BUILT_8, _WALK_48

HEADER = (
    "id", "name_zh", "layer", "where", "measure", "value", "unit", "tolerance_share", "year", "source", "note",
)  # fmt: skip
_AREAS = {
    "江阳区": "https://en.m.wikipedia.org./wiki/Jiangyang_District",
    "龙马潭区": "http://www.phoer.net/geography/luzhou/longmatan.htm",
    "纳溪区": "http://9aivip.com/item/%E7%BA%B3%E6%BA%AA%E5%8E%BF/4089970",
}
_LONGMATAN = (
    "https://kiwix.haohe.fun/content/wikipedia_zh_all_maxi_2024-04/A/%E9%BE%99%E9%A9%AC%E6%BD%AD"
)
_NAXI = "https://wikiwand.com/zh-mo/articles/%E7%B4%8D%E6%BA%AA%E7%B8%A3"
_TUO = "https://v.lzep.cn/content/2022-03/24/content_630935.html"
_SPAN = "carried as a figure; the drawn bridge spans a wider river"


def rows() -> list[tuple]:
    """All rows of facts.csv."""
    return [*_people(), *_roads(), *_bridges(), *_green(), *_areas(), *_counts(), *_figures(), *_targets()]  # fmt: skip


def _people():
    for name, (fid, _, _, km2, persons) in DISTRICTS.items():
        yield (f"{fid}_area", f"{name}面积", "districts", f"name_zh={name}", "area_km2", km2, "km²", 0.005, 2020, _AREAS[name], "")  # fmt: skip
        yield (f"{fid}_people", f"{name}常住人口", "population", f"district={name}", "sum:persons", persons, "persons", 0, 2020, CENSUS, "")  # fmt: skip
    total = sum(r[4] for r in DISTRICTS.values())
    longmatan = round(LONGMATAN_RATE * DISTRICTS["龙马潭区"][4])
    yield from [
        ("people", "三区常住人口", "population", "", "sum:persons", total, "persons", 0, 2020, CENSUS, "derived sum"),
        ("naxi_urban", "纳溪城镇人口", "population", "id=pop_naxi_urban", "sum:persons", NAXI_URBAN, "persons", 0, 2020, _NAXI, ""),
        ("longmatan_urban", "龙马潭城镇人口（城镇化率80%）", "population", "id=pop_longmatan_urban", "sum:persons", longmatan, "persons", 0, 2020, _LONGMATAN, "80 % of 479,697"),
        ("jiangyang_urban", "江阳城镇人口（由市辖区推算）", "population", "id=pop_jiangyang_urban", "sum:persons", 590_000, "persons", 0.02, 2022, "https://www.hongheiku.com/?p=1869 ; http://psic.org.cn/sjrk/5948.html", "1.152 million urban residents of the city's districts, less 178,000 of Naxi (358,000 × 49.72 %) and 384,000 of Longmatan"),
        ("built_up", "中心城区建成区", "built_up", "", "area_km2", 170, "km²", 0.03, 2020, _BUILT_UP, "printed as over 170; definition not stated"),
        ("tuo_length", "沱江泸州段长度", "river_lines", "id=line_tuo", "length_km", 44.6, "km", 0.15, 2022, _TUO, "the published length also counts a reach in 泸县 above, which is not drawn"),
    ]  # fmt: skip


def _roads():
    ring = ("roads+bridges", "system~ring2&status=existing")
    yield from [
        ("ring2_length", "二环路长度", *ring, "length_km", 52.5, "km", 0.03, 2023, n.RING, ""),
        ("ring2_area", "二环路围合面积", *ring, "enclosed_km2", 130, "km²", 0.05, 2023, n.RING, ""),
        ("ring2_speed", "二环路设计车速", "roads", "id=ring2_e", "value:speed_kmh", 80, "km/h", 0, 2023, n.RING, ""),
        ("ring2_lanes", "二环路车道", "roads", "id=ring2_n", "value:lanes", 8, "lanes", 0, 2023, n.RING, ""),
        ("ring2_naxi", "二环路纳溪段", "roads", "id=ring2_naxi", "length_km", 9.36, "km", 0.03, 2020, "https://m.163.com/dy/article/FA3RE0HJ0514DASH.html", ""),
        ("triangle_length", "绕城高速三角环长度", "roads+bridges", "system~triangle", "length_km", 93, "km", 0.03, 2014, n.TRIANGLE, ""),
        ("triangle_area", "绕城高速三角环围合面积", "roads+bridges", "system~triangle", "enclosed_km2", 411, "km²", 0.05, 2014, n.TRIANGLE, ""),
        ("longna", "隆纳高速边长", "roads+bridges", "system~longna", "length_km", 34, "km", 0.05, 2014, n.TRIANGLE, "with its river crossings"),
        ("czlc", "成自泸赤高速边长", "roads+bridges", "system~czlc", "length_km", 33, "km", 0.05, 2014, n.TRIANGLE, "with its river crossings"),
        ("luyu", "泸渝高速边长", "roads", "id=x_luyu_1", "length_km", 26, "km", 0.05, 2014, n.TRIANGLE, ""),
        ("binjiang", "长江滨江路（小关门—柏木溪）", "roads", "id=binjiang", "length_km", 6, "km", 0.05, "", n.BINJIANG, "printed as about 6 km; no year printed"),
        ("nanbin_rd", "南滨路", "roads", "id=nanbin", "length_km", 1.33, "km", 0.05, 2019, n.TUOBANKS, ""),
        ("beibin_1", "北滨路（沱江西路）", "roads", "id=beibin_1", "length_km", 3.935, "km", 0.05, 2019, n.TUOBANKS, ""),
        ("beibin_2", "北滨路（规划二路）", "roads", "id=beibin_2", "length_km", 0.407, "km", 0.05, 2019, n.TUOBANKS, ""),
        ("zhaohe", "兆和路", "roads", "id=zhaohe", "length_km", 1.4, "km", 0.05, "", n.ZHAOHE, "printed as about 1.4 km; no year printed"),
    ]  # fmt: skip


def _bridges():
    for _, name, _, river, order, _, _, _, _, length, _, status, _, source in n.BRIDGES:
        if river == "yangtze" and order and length and status == "existing":
            yield (f"y{order}_length", f"{name}公布桥长", "bridges", f"id=br_yangtze_{order}", "value:length_m_published", length, "m", 0, n.year_of(source), source, _SPAN)  # fmt: skip
    yangtze, tuo = "river=yangtze&kind=bridge", "river=tuo&kind=bridge"
    yield from [
        ("t3_length", "沱江三桥公布主桥长", "bridges", "id=br_tuo_3", "value:length_m_published", 410.5, "m", 0, 2007, "http://cnenc.net/b1097404.html", _SPAN),
        ("numbered_yangtze", "编号长江大桥（已建与规划）", "bridges", yangtze, "count", 8, "bridges", 0, 2017, n.BRIDGES_2017, "city bridges planned by 2030"),
        ("numbered_tuo", "编号沱江大桥（已建与规划）", "bridges", tuo, "count", 7, "bridges", 0, 2017, n.BRIDGES_2017, "city bridges planned by 2030"),
        ("bridges_yangtze", "已建长江大桥（按编号）", "bridges", f"{yangtze}&status=existing", "count", 5, "bridges", 0, 2023, f"{n.BRIDGES_2020} ; {n.RING}", "numbers 1, 2, 3, 4 and 6 in use"),
        ("bridges_yangtze_planned", "规划长江大桥", "bridges", f"{yangtze}&status=planned", "count", 3, "bridges", 0, 2020, n.BRIDGES_2020, "numbers 5, 7 and 8"),
        ("bridges_tuo", "已建沱江大桥", "bridges", f"{tuo}&status=existing", "count", 4, "bridges", 0, 2017, n.BRIDGES_2017, "numbers 1, 2, 3 and 6"),
        ("bridges_tuo_planned", "规划沱江大桥", "bridges", f"{tuo}&status=planned", "count", 3, "bridges", 0, 2017, n.BRIDGES_2017, "numbers 4, 5 and 7"),
    ]  # fmt: skip


def _green():
    yield ("gw_built", "馆驿嘴—恒大御景湾绿道", "greenway", "id=gw_guanyizui", "length_km", 8, "km", 0.05, 2024, _BUILT_8, "printed as about 8 km")  # fmt: skip
    yield ("gw_walk", "中心城区漫游步道", "greenway", "id=gw_walk", "length_km", 4.8, "km", 0.05, 2017, _WALK_48, "")  # fmt: skip


def _areas():
    for row in places.PARKS:
        if row[6] and row[7]:
            yield (f"{row[0]}_area", f"{row[1]}面积", "parks", f"id={row[0]}", "area_ha", round(row[6], 4), "ha", 0.01, row[9], row[10], "")  # fmt: skip
    for row in places.INDUSTRY:
        if row[6] and row[7]:
            yield (f"{row[0]}_area", f"{row[1]}面积", "industrial_parks", f"id={row[0]}", "area_km2", round(row[6], 4), "km²", 0.01, row[9], row[10].split("; ")[-1], "")  # fmt: skip
    yield ("lutianhua_area", "泸天化化工园区面积（东西两区）", "industrial_parks", "kind=chemical", "area_ha", 349.2667, "ha", 0.01, 2025, "https://m.semuli.com/news/202502/7719.html", "5,239 mu; the parts' areas are unpublished")  # fmt: skip


def _counts():
    yield ("townships", "乡镇街道数", "townships", "", "count", 39, "units", 0, 2022, towns.SOURCE, "")  # fmt: skip
    for name, count in (("江阳区", 15), ("纳溪区", 13), ("龙马潭区", 11)):
        yield (f"townships_{DISTRICTS[name][0][2:]}", f"{name}乡镇街道数", "townships", f"district={name}", "count", count, "units", 0, 2022, towns.SOURCE, "")  # fmt: skip
    yield ("parks_seven", "主城区先进制造业园区数", "industrial_parks", f"source~{places._LIST7}", "count", 7, "parks", 0, 2020, places._LIST7, "the list's page stands first among their sources")  # fmt: skip


def _figures():
    yield from [
        ("beds_renmin", "市人民医院三院区床位", "hospitals", "kind=general", "sum:beds", 1400, "beds", 0, 2025, "https://c.m.163.com/news/a/IKQ8LB230514CK0S.html", "1,000 + 300 after rebuilding + 100"),
        ("beds_tcm", "市中医医院城南院区开放床位", "hospitals", "id=h_tcm_chengnan", "value:beds", 567, "beds", 0, 2025, "http://www.lzszyyy.com/content/3814.html", "1,000 staffed beds are planned"),
        ("students_med2", "第二医教园区学生", "education", "id=e_med2", "value:students", 30000, "students", 0, 2020, "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", "planned"),
        ("students_lzvtc", "泸州职业技术学院学生", "education", "id=e_lzvtc", "value:students", 15000, "students", 0, 2024, "http://myygl.org/myygl/7194725137086005251.html", "printed as over 15,000"),
        ("seats_olympic", "奥体公园座位", "culture_sport", "id=c_olympic", "value:seats", 20883, "seats", 0, 2013, "https://en.wiki.x.io/wiki/Luzhou_Olympic_Sports_Park_Stadium", ""),
        ("teu", "集装箱码头年吞吐", "logistics", "id=l_container", "value:capacity_teu", 1_000_000, "TEU", 0, "", "http://bdf.7508854.cn/31944/30320.html", ""),
        ("xueshishan_ha", "学士山片区更新面积", "renewal", "id=r_xueshi", "value:area_ha_published", 216.9, "ha", 0, 2022, "https://www.luzhou.gov.cn/sq/lylz/stmk/s2/content_987028", "about 3,253 mu"),
        ("auto_park_ha", "驭见纳溪·汽车消费公园面积", "consumption", "id=s_auto", "value:area_ha_published", 400, "ha", 0, 2025, "https://luzhou.scol.com.cn/sj/202507/83083417.html", "4 km²"),
        ("station_ha", "泸州站站场面积", "logistics", "id=l_station", "value:area_ha_published", 6.37, "ha", 0, 2020, "https://m.yybnet.net/luzhou/news/202003/10261099.html", "63,700 m²"),
    ]  # fmt: skip


def _targets():
    for fid, name, _, _, value, unit, year, _, _, source, *_ in TARGETS:
        if value is not None:
            yield (fid, f"目标：{name}", "targets", f"id={fid}", "value:value", value, unit, 0, year or "", source, "target")  # fmt: skip


#: Registers that are whole, and published totals of those that are not: (layer, kinds) to (total, page).
COMPLETE = ("districts", "townships", "bridges")
TOTALS = {
    "parks": (
        52,
        "2017年，中心城区 / 2017, central city: https://www.chuannan.net/cnzx2010_2019/185179.html",
    )
}


def registers(layers: list[dict]) -> dict[str, dict]:
    """What the manifest says of how complete each layer is."""
    out: dict[str, dict] = {name: {"completeness": "complete"} for name in COMPLETE}
    for layer in layers:
        if notice.licence(layer) != notice.ODBL:
            continue
        gap: dict = {"kind": "partial", "origin": "geopi"}
        if layer["id"] in TOTALS:
            total, why = TOTALS[layer["id"]]
            there = sum(1 for v, g in layer["rows"] if g is not None and v["status"] == "existing")
            gap |= {"count": there, "total": total, "why": why}
        out[layer["id"]] = {"data_gaps": [gap]}
    return out
