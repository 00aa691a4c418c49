"""Every writer of `urbanplan.files` with something to write: two small versions and a large one."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

#: How many rows a version has; "large" is more than a 400 kB disk holds, however well packed.
ROWS = {"old": 80, "new": 90, "large": 12_000}


def sha(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def frame(version: str):
    """Rows with an id, Chinese text, numbers and gaps; noise does not compress."""
    import numpy as np
    import pandas as pd

    rows = ROWS[version]
    chance = np.random.default_rng(rows)
    return pd.DataFrame(
        {
            "id": [f"x{i}" for i in range(rows)],
            "name_zh": ["江阳" if i % 3 else None for i in range(rows)],
            "minutes": chance.normal(size=rows),
            "noise": [chance.bytes(24).hex() for _ in range(rows)],
        }
    )


def shapes(version: str):
    """The same rows as points in WGS84."""
    import geopandas as gpd
    import numpy as np
    import shapely

    rows = ROWS[version]
    chance = np.random.default_rng(rows + 1)
    points = shapely.points(chance.uniform([105, 28], [106, 29], (rows, 2)))
    return gpd.GeoDataFrame(frame(version), geometry=points, crs=4326)


def noise(version: str) -> bytes:
    """Bytes that do not compress."""
    import numpy as np

    return np.random.default_rng(ROWS[version]).bytes(ROWS[version] * 60)


def package(version: str) -> dict:
    """Points, areas and a plain table."""
    import shapely

    points = shapes(version)
    areas = points.set_geometry(
        shapely.buffer(points.geometry.to_numpy(), 0.01, quad_segs=2), crs=4326
    )
    return {"points": points, "areas": areas, "table": frame(version)}


def bands(version: str):
    """Two bands, wider than one tile so that there are overviews; noise in a corner."""
    import numpy as np

    side = {"old": 20, "new": 22, "large": 300}[version]
    cells = np.full((2, 530, 530), np.nan, "float32")
    cells[:, :side, :side] = np.random.default_rng(side).normal(size=(2, side, side))
    return cells


@cache
def value(writer: str, version: str):
    """What a writer is asked to write, made once per process."""
    make = {
        "bytes": noise,
        "text": lambda v: noise(v).hex() + "泸",
        "csv": frame,
        "arrays": lambda v: {"a": frame(v)["minutes"].to_numpy(), "b": bytes_array(v)},
        "parquet": frame,
        "geoparquet": shapes,
        "json": lambda v: {"泸": noise(v).hex(), "rows": list(range(ROWS[v]))},
        "toml": lambda v: {"泸": noise(v).hex(), "rows": list(range(ROWS[v]))},
        "osm": streets,
        "geojson": shapes,
        "geopackage": package,
        "cog": bands,
    }
    return make[writer](version)


def streets(version: str):
    """Ways through random points."""
    import numpy as np

    from urbanplan.sources.streets import collect

    count = ROWS[version] * 10
    lonlat = np.random.default_rng(count).uniform([105, 28], [106, 29], (count, 2)).round(7)
    ways = [({"highway": "path"}, range(i, i + 10)) for i in range(0, count, 10)]
    return collect(ways, np.arange(1, count + 1), lonlat)


def osm(path: Path, value) -> Path:
    """Write streets as an OpenStreetMap extract."""
    from urbanplan.sources.osm import write_osm

    return write_osm(path, value)


def bytes_array(version: str):
    """Noise as an array."""
    import numpy as np

    return np.frombuffer(noise(version), np.uint8)


def cog(path: Path, cells) -> Path:
    """Write bands with everything else a raster needs."""
    from affine import Affine

    from urbanplan import files

    place = {"crs": "EPSG:4544", "shape": cells.shape[1:]}
    place["transform"] = Affine(100, 0, 5e5, 0, -100, 3.2e6)
    return files.write_cog(path, cells, ["甲", "b"], **place, tags={"unit": "min"})


def writers() -> dict[str, tuple[str, Callable]]:
    """Name of each writer -> the file it writes, and how it is called."""
    from urbanplan import files

    return {
        "bytes": ("a.bin", files.write_bytes),
        "text": ("a.txt", files.write_text),
        "csv": ("a.csv", files.write_csv),
        "arrays": ("a.npz", lambda p, v: files.write_arrays(p, v, {"mode": "walk", "区": 1})),
        "parquet": ("a.parquet", files.write_parquet),
        "geoparquet": ("g.parquet", files.write_parquet),
        "json": ("a.json", files.write_json),
        "toml": ("a.toml", files.write_toml),
        "osm": ("a.osm.pbf", osm),
        "geojson": ("a.geojson", files.write_geojson),
        "geopackage": ("a.gpkg", files.write_geopackage),
        "cog": ("a.tif", cog),
    }


NAMES = list(writers())
#: Those whose system calls come in one order. libosmium makes its file in memory with threads of its
#: own, then it is written like any bytes.
ORDERLY = [name for name in NAMES if name != "osm"]


def write(writer: str, folder: Path, version: str) -> Path:
    """Write one version with one writer into a folder."""
    name, call = writers()[writer]
    call(folder / name, value(writer, version))
    return folder / name


if __name__ == "__main__":
    # Write everything once, as a process of its own: folder, and the mask of permissions.
    os.umask(int(sys.argv[2], 8))
    for each in NAMES:
        for size in ("new", "large"):
            place = Path(sys.argv[1]) / size
            write(each, place, size)
