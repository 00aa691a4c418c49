"""Population zones from the census, targets, and the plan's systems that have no place on a map."""

from __future__ import annotations

import shapely
from assemble import CENSUS, DISTRICTS, Base
from rivers import metric
from write import PLAN, feature, new_layer

#: Published: urban residents of Naxi 2020; urbanisation of Longmatan 2020.
NAXI_URBAN, LONGMATAN_RATE = 169_594, 0.80
#: Residents of the city's districts at the end of 2022, in 10,000: urban and all (communiqué, as quoted on the page).
URBAN_2022, ALL_2022 = 115.2, 160.4
_URBAN_2022 = "https://www.hongheiku.com/?p=1869"


def urban_persons() -> dict[str, tuple[int, str, str]]:
    """Urban residents by district, with what they rest on."""
    total = {name: row[4] for name, row in DISTRICTS.items()}
    longmatan = round(LONGMATAN_RATE * total["龙马潭区"])
    everyone = round(sum(total.values()) * URBAN_2022 / ALL_2022)
    return {
        "纳溪区": (NAXI_URBAN, "城镇人口为公布值。", "Urban residents as published."),
        "龙马潭区": (
            longmatan,
            "按公布的城镇化率80%推算。",
            "From the published urbanisation of 80 %.",
        ),
        "江阳区": (
            everyone - NAXI_URBAN - longmatan,
            f"区级城镇人口未公布：由2022年市辖区常住人口160.4万、其中城镇115.2万（{_URBAN_2022}）减去另两区推算，约59万。",
            f"Unpublished for the district: what the city's districts of 2022 (1.604 million, 1.152 million of them urban; {_URBAN_2022}) leave beside the other two, about 590,000.",
        ),
    }


def population_layer(base: Base, built_up: dict) -> dict:
    """Six zones: each district's built-up land and the rest of its land."""
    layer = new_layer("population", "persons", "settlement", "year")
    patches = [(v["district"], metric(g)) for v, g in built_up["rows"]]
    for name, (fid, english, _, _, persons) in DISTRICTS.items():
        urban, why_zh, why_en = urban_persons()[name]
        town = shapely.union_all([g for d, g in patches if d == name])
        open_land = base.metric[name].difference(shapely.union_all([base.wet, town.buffer(1)]))
        open_land = shapely.MultiPolygon([p for p in shapely.get_parts(open_land) if p.area > 1000])
        for kind, zh, shape, count in (
            ("urban", "城镇", town, urban),
            ("rural", "乡村", open_land, persons - urban),
        ):
            feature(
                layer, shape, id=f"pop_{fid[2:]}_{kind}", name_zh=f"{name}{zh}人口", name_en=f"{english} {kind} population", kind=kind,
                district=name, quality="modelled", accuracy_m=2000, source=CENSUS, licence="facts: not copyrightable; model MIT", as_of="2020-11-01",
                persons=count, settlement=kind, year=2020,
                note_zh=f"普查总数分摊到{'示意建成区' if kind == 'urban' else '其余土地'}。{why_zh}",
                note_en=f"Census total spread over {'schematic built-up land' if kind == 'urban' else 'the remaining land'}. {why_en}",
            )  # fmt: skip
    return layer


# id, name_zh, name_en, metric, value, unit, year, baseline value, baseline year, source, note_zh, note_en
TARGETS = [
    ("tg_area", "建成区面积", "Built-up area", "built_up_km2", 200, "km²", 2025, 170, 2020, PLAN, "基期为报载“170余平方公里”，口径未说明。", "Baseline as the newspaper prints it (over 170), definition not stated."),
    ("tg_people", "城市人口", "City population", "persons", 2_000_000, "persons", 2025, 1_596_119, 2020, PLAN, "基期为三区普查常住人口之和；“双两百”的200万另有口径。", "Baseline is the census sum of the three districts; the target may use another definition."),
    ("tg_gdp", "地区生产总值", "Gross domestic product", "gdp_100m_yuan", 2200, "100m yuan", 2025, None, None, PLAN, "三区合计基期未公布。", "No published baseline for the three districts together."),
    ("tg_2035", "2035年目标：“三高地”全面建成", "2035: the three highlands complete", "qualitative", None, "", 2035, None, None, PLAN, "定性目标：区域现代服务业、先进制造业、都市现代农业高地，三区一体格局全面形成。", "Qualitative: regional highlands of services, manufacturing and urban farming; the three districts as one."),
    ("tg_shuang200", "“双两百”", "Double 200", "persons_and_km2", 200, "万人、km²", 2025, None, None, "http://eecv.cn/e/wap/show.php?classid=50&id=2650", "2016年首次提出时以2020年为目标。", "First set in 2016 for 2020."),
    ("tg_greenway", "沿江百里绿色长廊", "Hundred-li riverside greenway", "length_km", 50, "km", None, None, None, PLAN, "百里即50公里；完成年份未公布。图上两岸绿道仅绘城区段，合计长度不作为完成情况。", "A hundred li are 50 km; no year is published. What is drawn covers the city only and says nothing about progress."),
    ("tg_circle", "“30分钟文体服务圈”", "30-minute culture and sports circle", "minutes", 30, "min", None, None, None, PLAN, "出行方式未说明，本图集分步行、骑行、驾车给出。", "The mode of travel is not stated; the atlas gives walking, cycling and driving."),
    ("tg_naxi_area", "纳溪建成区", "Naxi built-up area", "built_up_km2", 40, "km²", 2025, None, None, "https://luzhou.scol.com.cn/nxq/202103/58069217.html", "同一来源2023年的目标为30平方公里。", "The same page's target for 2023 is 30 km²."),
    ("tg_naxi_people", "纳溪城区人口", "Naxi town population", "persons", 400_000, "persons", 2025, None, None, "https://luzhou.scol.com.cn/nxq/202103/58069217.html", "同一来源2023年的目标为30万人。", "The same page's target for 2023 is 300,000."),
    ("tg_naxi_parks", "纳溪园区建成区", "Naxi parks' built-up area", "built_up_km2", 10, "km²", None, None, None, "https://luzhou.scol.com.cn/nxq/202103/58069217.html", "超过；原文列2023、2025两期目标，此项未注明属哪一期。", "More than; the page gives targets for 2023 and 2025 and does not say which this is."),
    ("tg_naxi_green", "纳溪人均公园绿地", "Naxi park green per head", "m2_per_head", 14.5, "m²", 2025, None, None, "https://luzhou.scol.com.cn/nxq/202103/58069217.html", "不低于；原文列2023、2025两期目标，此项按2025年。", "At least; of the page's two dates 2025 is taken."),
]  # fmt: skip

# id, name_zh, name_en, task, note_zh, note_en
PROGRAMMES = [
    ("pg_1n", "“1+2+N+X”规划实施体系", "1+2+N+X planning system", "1", "具体所指未公布。", "What it consists of is unpublished."),
    ("pg_sponge", "海绵城市示范、国家生态园林城市", "Sponge city and ecological garden city", "3", "创建目标。", "Titles sought."),
    ("pg_citybrain", "城市大脑与感知源", "City brain and sensing", "7", "智慧城市。", "Smart city."),
    ("pg_app", "“酒城e通”城市超级APP", "City super-app", "7", "智慧城市。", "Smart city."),
    ("pg_equal", "基本公共服务均等化便利化", "Equal public services", "8", "教育、医疗、社保、养老、就业、户籍一体化与“一卡通”。", "Schooling, care, insurance and registration across districts; one card."),
    ("pg_river", "长江、沱江水体联防联控", "Joint protection of the Yangtze and Tuo", "9", "图上对应河流图层。", "The rivers are in the water layer."),
    ("pg_eco", "生态环境“三统一”", "Unified environmental standards, monitoring and enforcement", "9", "", ""),
    ("pg_emergency", "突发环境事件应急联动", "Joint response to environmental emergencies", "9", "", ""),
    ("pg_governance", "社会治理联动高效", "Joint social governance", "10", "公布文本在此处中断，措施未见。", "The published text breaks off here; its measures are unseen."),
]  # fmt: skip


def table_layers() -> list[dict]:
    """Targets and programmes: rows without geometry."""
    targets = new_layer(
        "targets", "metric", "value", "unit", "year", "baseline_value", "baseline_year"
    )
    for (
        fid,
        zh,
        en,
        metric_name,
        value,
        unit,
        year,
        base,
        base_year,
        source,
        note_zh,
        note_en,
    ) in TARGETS:
        feature(
            targets, None, id=fid, name_zh=zh, name_en=en, kind="target", status="planned", source=source, as_of="2021-12-10",
            note_zh=note_zh, note_en=note_en, metric=metric_name, value=value, unit=unit, year=year, baseline_value=base, baseline_year=base_year,
        )  # fmt: skip
    programmes = new_layer("programmes", "task")
    for fid, zh, en, task, note_zh, note_en in PROGRAMMES:
        feature(
            programmes, None, id=fid, name_zh=zh, name_en=en, kind="programme", status="planned", source=PLAN, as_of="2021-12-10",
            note_zh=note_zh, note_en=note_en, task=task,
        )  # fmt: skip
    return [targets, programmes]
