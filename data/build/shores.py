"""Greenways on both banks of both rivers: what is said to be built, and the rest."""

from __future__ import annotations

import shapely
import shapely.ops
from assemble import Base
from shapes import bank_lines, clip_length, length_km
from write import PLAN, feature, new_layer

_BUILT_8 = "http://m.alsgstools.com/tushuo/211807.html"
_WALK_48 = "https://m.pouringspot.com/10462/10464/10465/10595/2017/10/17/10435916.shtml"
_BANKS = "https://m.yybnet.net/luzhou/news/201904/9016908.html"
_PLAN = f"{PLAN} (task 3)"


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


def cut(line, km: float, from_end: bool):
    """First or last `km` of a line, and what is left."""
    part = clip_length(line, km, from_end)
    rest = clip_length(line, length_km(line) - km, not from_end)
    return part, rest
