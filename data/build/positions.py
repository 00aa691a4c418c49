"""Positions from independent sources, which what is drawn is held to: positions.csv."""

from __future__ import annotations

import expressways
import origins
import osm
import shapely

HEADER = ("id", "name_zh", "layer", "where", "lon", "lat", "drawn_from", "source")
#: Positions that other pages give: id, name, layer, condition, longitude, latitude, page.
PUBLISHED = [
    ("wiki_olympic", "泸州奥林匹克体育公园（维基）", "culture_sport", "id=c_olympic", 105.4156, 28.9068, "https://en.wiki.x.io/wiki/Luzhou_Olympic_Sports_Park_Stadium"),
    ("geonames_naxi", "纳溪城区（GeoNames）", "built_up", "id=bu_naxi", *origins.read_towns()["纳溪城区"], origins.GEONAMES),
]  # fmt: skip


def rows(area, roads: dict[str, str]) -> list[tuple]:
    """All rows of positions.csv; `roads` is which features each expressway is drawn as."""
    found = origins.read_points(area)
    out = []
    for osm_id, (layer, feature, _) in osm.MATCHED.items():
        # These parks lie along a bank, where it was drawn before the object was known.
        apart = feature in ("park_beibin", "park_zhangba")
        out.append(_row(found[osm_id], f"osm_{osm_id}", layer, f"id={feature}", "no" if apart else "yes"))  # fmt: skip
    for number, (osm_id, layer, where) in enumerate(osm.BESIDE, 1):
        out.append(_row(found[osm_id], f"beside_{number}", layer, where, "no"))
    for point in found.values():
        if point.kind == "residential" and point.district and not point.name.endswith("镇"):
            out.append(_row(point, f"estate_{point.osm_id}", "built_up", "", "no"))
    for road, points in expressways.POINTS.items():
        for label, lon, lat in points:
            if road in roads and area.contains(shapely.Point(lon, lat)):
                name, at = f"{road} {label}", f"{road}_{label}".replace("+", "")
                out.append((at, name, "roads+bridges", roads[road], lon, lat, "yes", expressways.SOURCE))  # fmt: skip
    for fid, name, layer, where, lon, lat, page in PUBLISHED:
        out.append((fid, name, layer, where, lon, lat, "no", page))
    return out


def _row(point: origins.Point, fid: str, layer: str, where: str, drawn: str) -> tuple:
    return (fid, point.name, layer, where, point.lon, point.lat, drawn, origins.osm_source(point))
