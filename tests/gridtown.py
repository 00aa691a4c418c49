"""A town drawn from text on a known metric grid, so that every expected minute is arithmetic.

One character is one cell of 100 m: ``.`` land, ``~`` water, ``=`` road, ``B`` bridge over water,
``F`` facility on a road, ``#`` built-up land. Roads and bridges run along rows.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from urbanplan.catalog import LandSpeed, Mode
from urbanplan.routing import nearest, place
from urbanplan.routing.surface import Ground, Surface, build_ground, build_surface

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


def ground_of(
    text: str = TOWN,
    cell_m: float = CELL,
    *,
    neighbours: int = 8,
    water: BaseGeometry | None = None,
) -> Ground:
    """Ground of a drawn town; eight neighbours keep minutes arithmetic, `water` is added to ``~``."""
    lines = rows_of(text)
    area = shapely.box(WEST, NORTH - CELL * len(lines), WEST + CELL * len(lines[0]), NORTH)
    wet = [cell_box(r, c) for r, c in cells_of(text, "~B")]
    wet += [] if water is None else [water]
    built = [cell_box(r, c) for r, c in cells_of(text, "#")]
    return build_ground(
        frame(["area"], [area]),
        frame(["water"], [shapely.union_all(wet)]) if wet else frame([], []),
        frame(range(len(built)), built),
        cell_m,
        neighbours=neighbours,
    )


def surface_of(
    text: str = TOWN, mode: Mode = MODE, *, bridges: bool = True, neighbours: int = 8
) -> Surface:
    crossings = bridges_of(text)
    return build_surface(
        ground_of(text, neighbours=neighbours),
        mode,
        roads_of(text),
        crossings if bridges else crossings.iloc[:0],
    )


def roadless(ground: Ground, mode: Mode = MODE) -> Surface:
    """A surface of land alone."""
    nothing = roads_of("..\n")
    return build_surface(ground, mode, nothing, nothing)


def nodes_from(
    surface: Surface, places: gpd.GeoDataFrame, limit_m: float = 0, **options
) -> np.ndarray:
    """Minutes per node between it and the nearest place; `options` are those of `nearest`."""
    return nearest(surface, place(surface, places, limit_m), **options).minutes[:, 0]


def minutes_from(
    surface: Surface, places: gpd.GeoDataFrame, limit_m: float = 0, **options
) -> np.ndarray:
    """Minutes per cell between it and the nearest place, NaN where nobody can stand."""
    return surface.on_grid(nodes_from(surface, places, limit_m, **options))


def spot(row: float, column: float) -> gpd.GeoDataFrame:
    """One place, called ``a``, at the centre of a cell."""
    return frame(["a"], [shapely.Point(centre(row, column))])


def facilities_of(text: str = TOWN) -> gpd.GeoDataFrame:
    spots = cells_of(text, "F")
    return frame([f"f{i}" for i in range(len(spots))], [shapely.Point(centre(*s)) for s in spots])
