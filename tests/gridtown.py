"""A town drawn from text on a known metric grid, so that every expected minute is arithmetic.

One character is one cell of 100 m: ``.`` land, ``~`` water, ``=`` road, ``B`` bridge over water,
``F`` facility on a road, ``#`` built-up land. Roads and bridges run along rows.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from urbanplan.catalog import LandSpeed, Mode
from urbanplan.surface import Ground, Surface, build_ground, build_surface
from urbanplan.traveltime import Placed, nearest

CRS = "EPSG:4544"
CELL = 100.0
WEST, NORTH = 540_000.0, 3_190_000.0

TOWN = """
..........
.F======..
..........
~~~~~B~~~~
..........
..======..
..........
"""

#: 6 km/h makes one cell of 100 m one minute off the road; 60 km/h makes it 0.1 minutes on it.
MODE = Mode(
    "test", "测试", "test", LandSpeed(6.0, 1.0), LandSpeed(6.0, 1.0), "posted", (), "arithmetic"
)


def cell_box(row: int, column: int) -> shapely.Polygon:
    x, y = WEST + column * CELL, NORTH - row * CELL
    return shapely.box(x, y - CELL, x + CELL, y)


def centre(row: float, column: float) -> tuple[float, float]:
    return WEST + (column + 0.5) * CELL, NORTH - (row + 0.5) * CELL


def rows_of(text: str) -> list[str]:
    return text.strip("\n").split("\n")


def frame(ids, shapes, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": list(ids), **columns}, geometry=list(shapes), crs=CRS)


def cells_of(text: str, kinds: str) -> list[tuple[int, int]]:
    return [
        (r, c)
        for r, line in enumerate(rows_of(text))
        for c, kind in enumerate(line)
        if kind in kinds
    ]


def roads_of(text: str) -> gpd.GeoDataFrame:
    """One road per run of ``=`` and ``F`` in a row, from cell centre to cell centre."""
    lines = []
    for r, line in enumerate(rows_of(text)):
        on = [c for c, kind in enumerate(line) if kind in "=F"]
        if len(on) > 1:
            lines.append(shapely.LineString([centre(r, on[0]), centre(r, on[-1])]))
    count = len(lines)
    return frame(
        [f"road{i}" for i in range(count)],
        lines,
        **{"class": ["primary"] * count},
        speed_kmh=[60.0] * count,
    )


def bridges_of(text: str, speed_kmh: float = 60.0) -> gpd.GeoDataFrame:
    """One bridge per ``B``, from the land cell above to the land cell below."""
    lines = [
        shapely.LineString([centre(r - 1, c), centre(r + 1, c)]) for r, c in cells_of(text, "B")
    ]
    count = len(lines)
    return frame(
        [f"bridge{i}" for i in range(count)],
        lines,
        **{"class": ["primary"] * count},
        speed_kmh=[speed_kmh] * count,
    )


def ground_of(text: str = TOWN, cell_m: float = CELL, *, neighbours: int = 8, brook=None) -> Ground:
    """Ground of a drawn town; `brook` is more water, finer than its cells."""
    lines = rows_of(text)
    area = shapely.box(WEST, NORTH - CELL * len(lines), WEST + CELL * len(lines[0]), NORTH)
    water = [cell_box(r, c) for r, c in cells_of(text, "~B")] + ([brook] if brook else [])
    built = [cell_box(r, c) for r, c in cells_of(text, "#")]
    return build_ground(
        frame(["area"], [area]),
        frame(["water"], [shapely.union_all(water)]) if water else frame([], []),
        frame(range(len(built)), built),
        cell_m,
        neighbours=neighbours,
    )


def surface_of(
    text: str = TOWN, mode: Mode = MODE, *, bridges: bool = True, neighbours: int = 8
) -> Surface:
    crossings = bridges_of(text)
    ground = ground_of(text, neighbours=neighbours)
    return build_surface(ground, mode, roads_of(text), crossings if bridges else crossings.iloc[:0])


def minutes_from(surface: Surface, placed: Placed, **options) -> np.ndarray:
    """Minutes per cell between everywhere and the nearest of some places."""
    return surface.on_grid(nearest(surface, placed, **options).minutes[:, 0])


def facilities_of(text: str = TOWN) -> gpd.GeoDataFrame:
    spots = cells_of(text, "F")
    return frame([f"f{i}" for i in range(len(spots))], [shapely.Point(centre(*s)) for s in spots])
