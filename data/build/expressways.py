"""Points of the expressways G76, G93, G4215 and G8515, in their order along each road, WGS84.

Facts read off OpenStreetMap by Travel Mapping (https://travelmapping.net), which lists a road by its interchanges and by points that
shape its course between them. A point is on the road; between two points the course is interpolated.
"""

from __future__ import annotations

import shapely
from rivers import metric
from shapely.ops import substring

SOURCE = "points read off OpenStreetMap by Travel Mapping, https://travelmapping.net"

#: Road: (label, longitude, latitude), from north to south or from west to east; a label with + only shapes the course.
POINTS = {
    "G76": [
        ("821", 105.338116, 28.431261),
        ("+X735155", 105.319405, 28.448845),
        ("+X377852", 105.328159, 28.51614),
        ("+X718144", 105.316916, 28.526849),
        ("839", 105.337257, 28.569371),
        ("+X937334", 105.329189, 28.612103),
        ("+X862858", 105.34893, 28.653989),
        ("+X386920", 105.333223, 28.688103),
        ("+X436238", 105.346184, 28.706323),
        ("858", 105.343952, 28.730711),
        ("859", 105.343984, 28.737306),
        ("861", 105.340948, 28.757953),
        ("+X277743", 105.333051, 28.771271),
        ("+X982442", 105.327558, 28.845576),
        ("878", 105.351934, 28.892854),
        ("+X666077", 105.370388, 28.920955),
        ("884", 105.373735, 28.949499),
        ("+X836904", 105.372877, 28.987345),
        ("893", 105.359573, 29.030957),
        ("+X848204", 105.353909, 29.055194),
        ("1897", 105.348244, 29.067405),
        ("900", 105.332279, 29.083776),
    ],
    "G93": [
        ("S214", 105.114623, 28.689948),
        ("+X524918", 105.151337, 28.671932),
        ("+X171604", 105.246191, 28.692169),
        ("591", 105.280319, 28.708318),
        ("+X199538", 105.311594, 28.721754),
        ("+X465535", 105.317924, 28.732564),
        ("584", 105.343984, 28.737306),
        ("+X758278", 105.389442, 28.753664),
        ("570", 105.462828, 28.807527),
        ("+X144247", 105.558572, 28.819419),
        ("558", 105.583248, 28.82708),
        ("+X991237", 105.635433, 28.832343),
        ("546", 105.698503, 28.826939),
    ],
    "G4215": [
        ("223", 105.273871, 29.079782),
        ("+X839450", 105.324254, 29.055607),
        ("G76", 105.359573, 29.030957),
        ("+X989341", 105.384003, 29.024639),
        ("253", 105.501076, 28.945453),
        ("256", 105.52248, 28.916297),
        ("+X965275", 105.541191, 28.904952),
        ("265", 105.56076, 28.87166),
        ("+X541076", 105.579386, 28.848358),
        ("269", 105.583248, 28.82708),
        ("272", 105.591488, 28.808637),
        ("276", 105.624104, 28.75547),
        ("+X673835", 105.678864, 28.696385),
        ("288", 105.689464, 28.666566),
    ],
    "G8515": [
        ("262", 105.519229, 29.158064),
        ("264", 105.534647, 29.145799),
        ("+X311277", 105.54132, 29.116142),
        ("274", 105.527651, 29.053244),
        ("280", 105.510142, 29.003899),
        ("287", 105.501076, 28.945453),
        ("XinRd", 105.497503, 28.936918),
    ],
}

#: How far the drawn course may be off. Between two points it is interpolated; with every second point left out, it misses those by
#: 2.5 km at most (half a kilometre in the median), and that error goes down with the square of the distance between points.
ACCURACY_M = 700
#: Piece: (id, name_zh, name_en, road, from, to, systems); "" is where the study area ends.
PIECES = [
    ("x_longna", "隆纳高速（G76）", "Longna Expwy (G76)", "G76", "859", "893", "triangle;longna"),
    ("x_g76_s", "厦蓉高速（G76）纳溪以南", "G76 south of Naxi", "G76", "", "859", "radial"),
    ("x_g76_n", "厦蓉高速（G76）泸州以北", "G76 north of Luzhou", "G76", "893", "", "radial"),
    ("x_luyu", "泸渝高速（G93）", "Luyu Expwy (G93)", "G93", "584", "558", "triangle"),
    ("x_g93_w", "成渝环线（G93）西段", "G93, west", "G93", "", "584", "radial"),
    ("x_g93_e", "成渝环线（G93）东段", "G93, east", "G93", "558", "", "radial"),
    ("x_czlc", "成自泸赤高速（G4215）", "Chengzilu-Chi Expwy (G4215)", "G4215", "G76", "269", "triangle;czlc"),
    ("x_g4215_n", "蓉遵高速（G4215）北段", "G4215, north", "G4215", "", "G76", "radial"),
    ("x_g4215_s", "蓉遵高速（G4215）南段", "G4215, south", "G4215", "269", "", "radial"),
    ("x_g8515", "广泸高速（G8515）", "Guanglu Expwy (G8515)", "G8515", "", "XinRd", "radial"),
]  # fmt: skip
#: Where an expressway crosses a river: id, names, river, systems, by piece and river.
CROSSINGS = {
    ("x_longna", "yangtze"): ("br_x_longna_y", "隆纳高速跨长江处", "Longna Expwy over the Yangtze"),
    ("x_longna", "tuo"): ("br_x_longna_t", "隆纳高速跨沱江处", "Longna Expwy over the Tuo"),
    ("x_czlc", "yangtze"): ("br_x_czlc", "成自泸赤高速跨长江处", "Chengzilu-Chi Expwy over the Yangtze"),
}  # fmt: skip
#: A bridge stands on land by this much at each end, in metres.
_HEAD_M = 60.0


def place_names() -> dict[str, tuple[float, float]]:
    """Places of the network that are points of expressways, as ``ROAD:LABEL``."""
    return {
        f"{road}:{label}": (lon, lat) for road, row in POINTS.items() for label, lon, lat in row
    }


def drawn(through, area, water: dict) -> tuple[list[tuple], dict]:
    """Roads as (piece, number, line) and crossings by (piece, river) as lines, all in metres.

    Parameters
    ----------
    through : callable
        Names of places to a smooth line in degrees.
    area : shapely geometry
        What is drawn, in metres.
    water : dict
        River to its polygon, in metres.
    """
    roads, bridges = [], {}
    for piece in PIECES:
        fid, *_, road, first, last, _ = piece
        for line in _dry(fid, _course(through, road, first, last, area), water, bridges):
            roads.append((piece, line))
    return roads, bridges


def _course(through, road: str, first: str, last: str, area):
    # The whole road is smoothed at once, so that pieces meet without a corner.
    labels = [label for label, _, _ in POINTS[road]]
    whole = through([f"{road}:{label}" for label in labels])
    vertices = list(whole.coords)
    at = [vertices.index(POINTS[road][labels.index(x)][1:]) if x else None for x in (first, last)]
    line = metric(shapely.LineString(vertices[at[0] : None if at[1] is None else at[1] + 1]))
    parts = [p for p in shapely.get_parts(line.intersection(area)) if p.length > 300]
    return max(parts, key=lambda p: p.length)


def _dry(fid: str, line, water: dict, bridges: dict) -> list:
    cuts = []
    for river, shape in water.items():
        wet = [p for p in shapely.get_parts(line.intersection(shape)) if p.length > 0]
        if wet:
            ends = [line.project(shapely.Point(c)) for p in wet for c in p.coords]
            a, b = min(ends) - _HEAD_M, max(ends) + _HEAD_M
            cuts.append((a, b))
            bridges[fid, river] = shapely.LineString([line.interpolate(a), line.interpolate(b)])
    out, start = [], 0.0
    for a, b in sorted(cuts):
        out.append(substring(line, start, a))
        start = b
    return [*out, substring(line, start, line.length)]
