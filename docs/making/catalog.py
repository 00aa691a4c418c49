"""Pages of what the catalogue holds: indicators with their clauses, layers, modes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from making.markdown import escaped, table
from urbanplan.catalog import (
    COMMON_COLUMNS,
    QUALITIES,
    STATUSES,
    Catalog,
    Mode,
    load_catalog,
    read_aliases,
    read_osm_rules,
)
from urbanplan.catalog.standards import GRADES, Indicator, read_standards
from urbanplan.files import read_toml

#: Denominators in words, in English and Chinese.
_OF = {
    "people": ("people", "人口"),
    "area": ("land", "土地面积"),
    "built_up": ("built-up land", "建成区"),
    "residential": ("land for housing", "居住用地"),
    "villages": ("villages", "行政村"),
    "industrial_parks": ("industrial parks", "产业园区"),
}
#: Figures of a layer or of the street network.
_FIGURES = {
    "area_m2": ("square metres", "面积（平方米）"),
    "area_ha": ("hectares", "面积（公顷）"),
    "area_km2": ("square kilometres", "面积（平方公里）"),
    "length_m": ("metres", "长度（米）"),
    "length_km": ("kilometres", "长度（公里）"),
    "sum:persons": ("persons, added up", "人数合计"),
    "sum:capacity": ("places, added up", "容量合计"),
    "beds": ("beds", "床位"),
    "largest_km2": ("largest piece in square kilometres", "最大一片的面积（平方公里）"),
    "spacing_m": ("longest side of a block between streets, in metres", "街坊最长边（米）"),
    "stretches": ("separate stretches (ends within 50 m are joined)", "分段数（相距50米以内视为连通）"),
    "gaps_km": ("kilometres that are missing between its stretches", "断点合计（公里）"),
    "intersections": ("crossings of three and more streets", "三岔及以上路口"),
    "block_ha": ("median size of the blocks between streets, in hectares", "街坊面积中位数（公顷）"),
    "detour": ("mean way along the streets over the straight line", "沿街距离与直线距离之比的均值"),
    "betweenness": (
        "share of shortest ways that pass the busiest crossing",
        "经过最繁忙路口的最短路径占比",
    ),
}  # fmt: skip
#: Figures of streets that are ratios in themselves, not amounts per square kilometre.
_RATIOS = {"block_ha", "spacing_m", "detour", "betweenness"}
_LEVELS = {
    "obligatory": ("obligatory", "强制性"),
    "recommended": ("recommended", "推荐性"),
    "target": ("a target", "目标"),
    "definition": ("a definition", "定义"),
    "superseded": ("superseded", "已被替代"),
}
_DIRECTIONS = {
    "at_least": ("at least", "不小于"),
    "above": ("above", "大于"),
    "at_most": ("at most", "不大于"),
}
_ROLES = {
    "boundary": "the edge of what is looked at",
    "barrier": "cannot be crossed but on a bridge",
    "road": "is travelled along",
    "crossing": "crosses a barrier",
    "facility": "is reached: may be named with `--facilities`",
    "zone": "areas that figures are told for",
    "population": "who lives where",
    "context": "is shown, and measured by some indicators",
    "table": "has no place: figures and tasks",
}


def definition(one: Indicator, catalog: Catalog) -> tuple[str, str]:
    """What an indicator measures, in English and Chinese."""
    kind = catalog.layers.get(one.layer)
    layer = (f"{kind.name_en.lower()} (`{one.layer}`)", f"{kind.name_zh}（`{one.layer}`）") if kind else ("", "")  # fmt: skip
    if one.where:
        layer = (f"{layer[0]} with `{one.where}`", f"{layer[1]}（`{one.where}`）")
    of = _OF.get(one.of, ("", ""))
    if one.of_where:
        of = (f"{of[0]} with `{one.of_where}`", f"{of[1]}（`{one.of_where}`）")
    figure = _FIGURES.get(one.figure, (one.figure, one.figure))
    if one.measure == "minutes":
        mode = catalog.mode(one.mode)
        return (
            f"Share of {of[0]} that gets to {layer[0]} by {mode.name_en} (`{mode.id}`) within"
            f" {one.minutes:g} minutes, on the network.",
            f"{mode.name_zh}{one.minutes:g}分钟（按路网）内可到达{layer[1]}的{of[1]}占比。",
        )
    if one.measure == "metres":
        en, zh = _rings(one, layer)
        return (
            f"Share of {of[0]} within {en} as the crow flies.",
            f"直线距离{zh}以内的{of[1]}占比。",
        )
    if one.measure == "per_head":
        return f"{figure[0].capitalize()} of {layer[0]} per resident.", f"人均{layer[1]}{figure[1]}。"  # fmt: skip
    if one.measure == "density":
        return (
            f"{figure[0].capitalize()} of {layer[0]} per km² of {of[0]}.",
            f"每平方公里{of[1]}的{layer[1]}{figure[1]}。",
        )
    if one.measure == "least":
        return f"{figure[0].capitalize()} of the smallest of {layer[0]}.", f"{layer[1]}中最小一处的{figure[1]}。"  # fmt: skip
    if one.measure == "served":
        return (
            f"Square kilometres of {of[0]} that one of {layer[0]} is nearest to, the largest.",
            f"{layer[1]}中一处按直线最近划得的{of[1]}面积（平方公里），取最大者。",
        )
    if one.measure == "slope":
        return (
            f"Share of {of[0]} with a slope below {one.percent:g} %.",
            f"坡度小于{one.percent:g}%的{of[1]}占比。",
        )
    if one.measure == "unmeasured":
        zh, _, en = one.needs.partition(" / ")
        return f"Cannot be told today: it takes {en}.", f"目前无法判断：需要{zh}。"
    if one.measure == "total":
        return f"{figure[0].capitalize()} of {layer[0]}.", f"{layer[1]}：{figure[1]}。"
    if one.figure in _RATIOS:
        return (
            f"{figure[0].capitalize()}, of the street network on {of[0]}.",
            f"{of[1]}内街道网络的{figure[1]}。",
        )
    what = "kilometres of street" if one.figure == "length_km" else figure[0]
    zh = "街道长度（公里）" if one.figure == "length_km" else figure[1]
    return f"{what.capitalize()} per km² of {of[0]}.", f"每平方公里{of[1]}的{zh}。"


def _grades() -> dict[str, tuple[str, str]]:
    words = load_catalog().symbols.values["grade_means"]
    return {g: (words[f"grade {g}"]["en"], words[f"grade {g}"]["zh"]) for g in GRADES}


def _rings(one: Indicator, layer: tuple[str, str]) -> tuple[str, str]:
    if not one.rings:
        return f"{one.metres:g} m of {layer[0]}", f"{layer[1]}{one.metres:g}米"
    en = " or ".join(f"{m:g} m of one of at least {ha:g} ha" for ha, m in one.rings)
    zh = "、".join(f"{ha:g}公顷及以上者{m:g}米" for ha, m in one.rings)
    return f"{layer[0]}: {en},", f"{layer[1]}（{zh}）"


def _threshold(one: Indicator) -> str:
    level = _LEVELS[one.level]
    if one.threshold is None:
        return f"none was seen; {level[0]} / 未见标准值，{level[1]}"
    shown = f"{one.threshold:.0%}" if one.unit == "share" else f"{one.threshold:,g} {one.unit}"
    way = _DIRECTIONS[one.direction]
    return f"{way[0]} {shown}; {level[0]} / {way[1]}{shown}，{level[1]}"


def _entry(one: Indicator, catalog: Catalog) -> str:
    en, zh = definition(one, catalog)
    grade = _grades()[one.grade]
    where = one.clause or "not seen / 未见条款号"
    rows = {
        "id": f"`{one.id}`",
        "definition / 定义": f"{en} {zh}",
        "threshold / 标准值": _threshold(one),
        "document / 文件": f"{one.document}, {one.edition}",
        "clause / 条款": where + (f", page {one.page}" if one.page else ""),
        "figures quoted / 条文数值": one.quote,
        "borrowed / 借自他文": "; ".join(
            f"`{b.field}`: {' '.join(filter(None, (b.document, b.clause)))}, {b.quote} ({b.source})"
            for b in one.borrowed
        ),
        "grade / 核实等级": f"{one.grade}: {grade[0]} / {grade[1]}",
        "applies to / 适用": one.applies_to,
        "source / 来源": one.source,
        "note / 备注": one.note,
    }
    body = table(["", ""], ((k, v) for k, v in rows.items() if v))
    return f"(indicator-{one.id})=\n### {escaped(one.name_zh)} / {escaped(one.name_en)}\n\n{body}"


def indicators(catalog: Catalog, standards: Path, own: Mapping[str, Path]) -> str:
    """Every indicator: definition, threshold, document, clause, grade, source.

    Parameters
    ----------
    catalog : Catalog
    standards : path
        The folder of the shipped standards.
    own : mapping of str to path
        Standards of embedded cities, by the city's name.
    """
    known = read_standards()
    parts = [_INDICATORS.format(n=len(known), documents=len({i.standard for i in known.values()}))]
    parts.append(table(["grade", "meaning", "含义"], ((k, *v) for k, v in _grades().items())))
    for path in sorted(standards.glob("*.toml")):
        head = read_toml(path)["standard"]
        parts.append(f"## {head['document']} {head['name_zh']} / {head['name_en']}\n")
        parts += [_entry(i, catalog) for i in known.values() if i.standard == path.stem]
    for city, path in own.items():
        parts.append(f"## {city}: entries of the city's own `standards.toml`\n")
        parts += [_entry(i, catalog) for i in read_standards(path).values() if i.own]
    return "\n".join(parts)


def layers(catalog: Catalog) -> str:
    """Every kind of layer: geometry, role, columns, what people call them."""
    parts = [_LAYERS]
    names = catalog.fields
    common = ((f"`{c}`", names[c]["en"], names[c]["zh"]) for c in COMMON_COLUMNS)
    parts.append(table(["column", "meaning", "含义"], common))
    parts.append(f"`status` is one of {_code(STATUSES)}; `quality` one of {_code(QUALITIES)}.\n")
    parts.append("## Roles\n\n" + table(["role", "a layer of it"], ((f"`{k}`", v) for k, v in _ROLES.items())))  # fmt: skip
    rules = {rule.layer: rule for rule in read_osm_rules()}
    for chapter, title in catalog.chapters.items():
        parts.append(f"## {title['zh']} / {title['en']}\n")
        for kind in (k for k in catalog.layers.values() if k.chapter == chapter):
            parts.append(f"(layer-{kind.id})=\n### `{kind.id}` {kind.name_zh} / {kind.name_en}\n")
            parts.append(f"Geometry: {kind.geometry}. Role: {kind.role}.")
            if kind.id in rules:
                tags = rules[kind.id].tags
                said = (f"`{k}={'*' if v is True else '|'.join(sorted(v))}`" for k, v in tags.items())  # fmt: skip
                parts[-1] += f" From OpenStreetMap: {', '.join(said)}."
            own = ((f"`{c}`", _field(names, c), unit or "–") for c, unit in kind.columns.items())
            parts.append("\n" + table(["own column", "meaning / 含义", "unit"], own))
    aliases = ((f"`{c}`", "、".join(called)) for c, called in read_aliases().items())
    parts.append("## What columns are called in files that come in\n\n`import` recognises, likeliest first:\n")  # fmt: skip
    parts.append(table(["column", "names"], aliases))
    return "\n".join(parts)


def _field(names: Mapping[str, Mapping[str, str]], column: str) -> str:
    found = names.get(column)
    return f"{found['en']} / {found['zh']}" if found else column


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def modes(catalog: Catalog) -> str:
    """Every mode: pace on land, speed on roads, speed by class of street, with sources."""
    return "\n".join([_MODES, *(_mode(mode) for mode in catalog.modes.values())])


def _mode(mode: Mode) -> str:
    land = table(
        ["where", "speed (km/h)", "detour", "straight-line pace (min per km)"],
        (
            (name, f"{p.speed_kmh:g}", f"{p.detour:g}", f"{1000 * p.pace_min_per_m:.1f}")
            for name, p in (("built-up land", mode.built_up), ("open land", mode.open_land))
        ),
    )
    roads = "the road's own `speed_kmh`" if mode.on_roads == "posted" else f"{mode.on_roads:g} km/h"
    shut = f" Not on {_code(mode.forbidden_classes)}." if mode.forbidden_classes else ""
    parts = [
        f"(mode-{mode.id})=\n## `{mode.id}` {mode.name_zh} / {mode.name_en}\n",
        f"On a friction surface, along drawn roads and bridges: {roads}.{shut}\n\n{land}",
        f"Source: {escaped(mode.source)}.\n",
    ]
    if mode.streets is None:
        return "\n".join([*parts, "Not on mapped streets.\n"])
    rule = mode.streets
    parts.append(f"On mapped streets, in km/h by OpenStreetMap's `highway`; a class that is not listed is closed unless an access tag opens it (then {rule.other_kmh:g} km/h).\n")  # fmt: skip
    parts.append(table(["class", "km/h"], ((f"`{k}`", f"{v:g}") for k, v in rule.kmh.items())))
    said = {
        "access keys, general to specific": _code(rule.access),
        "values that open a way, any other closes it": _code(rule.open),
        "slower where an access key opens a class": ", ".join(f"`{k}` {v:g}" for k, v in rule.opened_kmh.items()),
        "one-way keys": _code(rule.oneway),
        "a posted `maxspeed`": "replaces the class speed" if rule.maxspeed else "is ignored",
        "pushing where dismounting is asked": f"{rule.push_kmh:g} km/h" if rule.push_kmh else "",
        "passed along only": _code(rule.no_stopping),
        "stopped by": _code(rule.barriers),
        "stopped by every barrier but": _code(rule.passes),
        "between street and place": f"on foot at {rule.off_street_kmh:g} km/h, at most {rule.off_street_m:g} m",
        "slopes": {"tobler": "Tobler's function", "power": "constant power", "none": "do not matter"}[rule.slope],
    }  # fmt: skip
    parts.append(table(["rule", "value"], ((k, v) for k, v in said.items() if v)))
    parts.append(f"Source: {escaped(rule.source)}.\n")
    return "\n".join(parts)


_INDICATORS = """# Indicators 指标

All {n} indicators of {documents} documents, as `urbanplan indicators` computes them and `urbanplan standards` lists them. A threshold judges
only if it was seen in a public text (grade V); whoever holds the paper confirms an entry by changing its `grade` in the TOML file.
Straight lines and minutes on the network are different measures and are never mixed.
"""
_LAYERS = """# Layers 图层

What a city's folder may hold. Every feature of every layer carries these columns:
"""
_MODES = """# Modes 出行方式

How fast, where, and on whose word. `--modes my.toml` changes a figure or adds a mode; the file has the shape of
the [shipped one](files/src/urbanplan/catalog/modes.toml).
"""
