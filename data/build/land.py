"""Parks, industrial parks, rail, services, built-up land and townships as layers."""

from __future__ import annotations

import math

import network
import origins
import osm
import places
import shapely
import towns
from assemble import Base
from draw import blobs, port_area
from rivers import degrees, metric
from shapes import area_m2, solve
from write import DRAWN, feature, new_layer

from urbanplan.catalog import load_catalog

#: Central-city built-up area in 2020, km², on the newspaper's own definition.
BUILT_UP_KM2 = 170.0
_BUILT_UP = "http://lzby.lzep.cn:8088/lzrb/202107/01/content_152388.html"


def park_layer(base: Base) -> dict:
    """Parks with their published areas; those published by name only have no geometry."""
    layer = new_layer("parks", "area_ha_published")
    at = {
        "qiancao0": base.station("yangtze", (105.4580, 28.9080)), "qiancao1": base.station("yangtze", (105.4715, 28.9090)),
        "beibin0": base.station("tuo", "t6n") + 30, "nanbin0": base.station("tuo", "t6n") + 500, "nanbin1": base.station("tuo", "t3n") - 500,
        "zhangba0": base.station("yangtze", (105.4840, 28.8890)), "zhangba1": base.station("yangtze", (105.4950, 28.8710)),
    }  # fmt: skip
    for row in places.PARKS:
        fid, zh, en, kind, district, status, area, _, accuracy, as_of, source, note_zh, note_en = (
            row
        )
        shape, known = _shape(base, row, at)
        feature(
            layer, shape, id=fid, name_zh=zh, name_en=en, kind=kind, district=district or base.district_of(shape) if shape else district, status=status,
            as_of=as_of, area_ha_published=round(area, 4) if area else None,
            **_worth(known, accuracy, source, note_zh, note_en),
        )  # fmt: skip
    _add_rest(layer, base, polygons=True)
    return layer


def _shape(base: Base, row: tuple, stations: dict):
    # A drawing about a known place is as far off as the place, and its outline is still only indicated.
    known = osm.place(row[0], degrees(base.area))
    if known is None or (row[7] and row[7][0] == "strip"):
        return blobs(base, row, stations), {}
    (lon, lat), *_ = known["at"]
    if row[6] is None:
        known["note"] = osm.DISC
        return osm.disc(lon, lat), known
    shape = ("blob", lon, lat, *(row[7][3:] if row[7] and row[7][0] == "blob" else (1.4, 0)))
    known["quality"] = "schematic"
    # The middle is known, the outline is not: it may be off by as much as a disc of that area is wide.
    known["accuracy_m"] = max(known["accuracy_m"], round((row[6] * 1e4 / math.pi) ** 0.5, -2))
    return blobs(base, (*row[:7], shape), stations), known


def _worth(known: dict, accuracy: float, source: str, note_zh: str, note_en: str) -> dict:
    # Columns that say what a feature is worth; those of its object, if it has one, come first.
    if not known:
        return {"accuracy_m": accuracy, "source": source, "note_zh": note_zh, "note_en": note_en}
    return {
        "accuracy_m": known["accuracy_m"],
        "quality": known["quality"],
        "licence": known["licence"],
        "source": f"{source}; {known['source']}",
        "note_zh": note_zh + known["note"][0],
        "note_en": f"{note_en} {known['note'][1]}".strip(),
    }


def _add_rest(layer: dict, base: Base, *, polygons: bool) -> None:
    for shape, values in osm.rest(layer["id"], degrees(base.area), polygons):
        feature(layer, shape, **values)


def osm_layers(base: Base) -> list[dict]:
    """Layers that OpenStreetMap alone fills."""
    kinds, out = load_catalog().layers, []
    for name in ("residential", "markets", "libraries", "fire_stations", "police", "cemeteries", "stations"):  # fmt: skip
        layer = new_layer(name, *kinds[name].columns)
        _add_rest(layer, base, polygons=kinds[name].geometry == "polygon")
        out.append(layer)
    return out


def extent_layer() -> dict:
    """Boxes around townships, about 2019: neither their shapes nor their seats."""
    layer = new_layer("township_extents", "code")
    for code, name, english, *_ in towns.TOWNSHIPS:
        box = origins.read_boxes().get(name)
        if box is not None:
            feature(
                layer, shapely.box(*box), id=f"x_{code}", name_zh=f"{name}范围框", name_en=f"Extent of {english}", kind="extent",
                district=origins.ADCODES[code[:6]], quality="derived", accuracy_m=500, licence="MIT", source=origins.SIZHI, as_of="2019", code=code,
                note_zh="仅为外接矩形：不是辖区形状，也不是驻地；年代约2019年。", note_en="A bounding box only: neither the township's shape nor its seat; of about 2019.",
            )  # fmt: skip
    return layer


def industry_and_rail(base: Base) -> list[dict]:
    """Industrial parks (the port area from its four limits) and railways."""
    layer = new_layer("industrial_parks", "area_km2_published")
    port, neighbour, spur = port_area(base)
    drawn = {"port": port, "yijiao": neighbour}
    for row in places.INDUSTRY:
        fid, zh, en, kind, district, status, km2, how, accuracy, as_of, source, note_zh, note_en = (
            row
        )
        sized = (*row[:6], km2 * 100 if km2 else None, how)
        shape, known = (drawn[how[0]], {}) if how and how[0] in drawn else _shape(base, sized, {})
        feature(
            layer, shape, id=fid, name_zh=zh, name_en=en, kind=kind, district=district, status=status, as_of=as_of,
            area_km2_published=round(km2, 4) if km2 else None, **_worth(known, accuracy, source, note_zh, note_en),
        )  # fmt: skip
    _add_rest(layer, base, polygons=True)
    rail = new_layer("rail", "length_km_published")
    feature(
        rail, spur, id="rail_port", name_zh="进港铁路", name_en="Port railway", kind="freight", district="龙马潭区", accuracy_m=1500,
        as_of="2017", source="http://bizasean1.com/cj/2161.html", note_zh="仅作为临港片区北界公布，走向示意。",
        note_en="Published only as the northern limit of the port area; its course is indicated.",
    )  # fmt: skip
    course = network.through(["shuangjia", "rail1", "rail2", "rail3", "rail4", "rail5"])
    feature(
        rail, course, id="rail_longluxu", name_zh="隆泸叙铁路（三区段）", name_en="Long-Lu-Xu Railway (within the districts)", kind="railway",
        district=base.district_of(metric(course)), accuracy_m=3000, as_of="2025-12-25",
        source="https://luzhou.gov.cn/xw/jrxx/content_1128732", length_km_published=138.0,
        note_zh="全线138公里，设双加等11站，跨沱江、长江；仅示意三区内走向。",
        note_en="138 km and 11 stations in all, crossing the Tuo and the Yangtze; only its course in the districts is indicated.",
    )  # fmt: skip
    return [layer, rail]


_COLUMNS = {
    "hospitals": ("beds", "tier"),
    "education": ("students",),
    "culture_sport": ("seats", "area_ha_published"),
    "consumption": ("area_ha_published",),
    "finance": (),
    "agri_leisure": ("area_ha_published",),
    "logistics": ("area_ha_published", "capacity_teu"),
    "renewal": ("area_ha_published",),
}


def point_layers(base: Base) -> list[dict]:
    """Services and places as points; unpublished whereabouts stay without geometry."""
    out = []
    for name, rows in places.POINTS.items():
        layer = new_layer(name, *_COLUMNS[name])
        for (
            fid,
            zh,
            en,
            kind,
            district,
            status,
            at,
            accuracy,
            as_of,
            source,
            note_zh,
            note_en,
            own,
        ) in rows:
            own = {k: round(v, 4) if isinstance(v, float) else v for k, v in own.items()}
            known = osm.place(fid, degrees(base.area)) or {}
            at = known["at"][0] if known else at
            quality = {"quality": "derived"} if fid in places.PUBLISHED_POINTS else {}
            feature(
                layer, shapely.Point(at) if at else None, id=fid, name_zh=zh, name_en=en, kind=kind, district=district,
                status=status, as_of=as_of, **(quality | _worth(known, accuracy, source, note_zh, note_en)), **own,
            )  # fmt: skip
        _add_rest(layer, base, polygons=False)
        out.append(layer)
    return out


def township_layer() -> dict:
    """All 39 townships and streets; located only where something published says where."""
    known, layer = origins.read_towns(), new_layer("townships", "code", "seat_of")
    for code, name, english, place, why_zh, why_en in towns.TOWNSHIPS:
        at = known.get(name) or (network.PLACES[place] if place else None)
        gn, street = why_en == "GeoNames", name.endswith("街道")
        feature(
            layer, shapely.Point(at) if at else None, id=f"t_{code}", name_zh=name, name_en=f"{english} {'Street' if street else 'Town'}",
            kind="street" if street else "town", district=origins.ADCODES[code[:6]],
            quality="derived" if gn else "schematic", accuracy_m=2000 if gn else 3000, code=code, seat_of=name,
            source=f"{towns.SOURCE}; {origins.GEONAMES}" if gn else towns.SOURCE,
            licence="CC-BY-4.0" if gn else DRAWN, as_of="2022-10-31",
            note_zh="位置取自GeoNames。" if gn else (f"位置示意（依据：{why_zh}）。" if at else "驻地位置未见公布，不落图。"),
            note_en="Position from GeoNames." if gn else (f"Placed by {why_en}." if at else "Position unpublished; not drawn."),
        )  # fmt: skip
    return layer


def built_up_layer(base: Base) -> dict:
    """Schematic built-up land, grown until it makes up the published area."""
    core = [(row, metric(shapely.Polygon(row[4]))) for row in places.BUILT_UP]
    small = [
        ((f"bu_{p}", f"{name}建成区", f"{p.title()} town", district), metric(shapely.Point(network.PLACES[p])).buffer(400))
        for p, (name, district) in places.TOWN_PATCHES.items()
    ]  # fmt: skip

    def patches(grow: float) -> list:
        taken, out = base.land, []
        for row, shape in [*((r, s.buffer(grow)) for r, s in core), *small]:
            free = shape.intersection(base.metric[row[3]]).difference(taken)
            parts = [p for p in shapely.get_parts(free) if p.area > 20_000]
            out.append((row, shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]))
            taken = shapely.union_all([taken, *[p.buffer(1) for p in parts]])
        return out

    whole = solve(
        lambda g: shapely.union_all([s for _, s in patches(g)]), BUILT_UP_KM2 * 1e6, 0, 4000
    )
    low, high = 0.0, 4000.0
    for _ in range(30):
        middle = (low + high) / 2
        area = sum(area_m2(s) for _, s in patches(middle))
        low, high = (middle, high) if area < area_m2(whole) else (low, middle)
    layer = new_layer("built_up", "area_km2_published", "year")
    for row, shape in patches(high):
        feature(
            layer, shape, id=row[0], name_zh=row[1], name_en=row[2], kind="core" if len(row) == 5 else "town", district=row[3],
            accuracy_m=2000, as_of="2020", source=_BUILT_UP, year=2020,
            note_zh="范围示意；各片合计为报载2020年中心城区建成区170余平方公里，其口径未说明。",
            note_en="Extent indicated; all patches together make the newspaper's 2020 figure of over 170 km², whose definition is not stated.",
        )  # fmt: skip
    return layer
