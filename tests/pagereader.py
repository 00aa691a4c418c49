"""What a page holds, unpacked by other means than the page's own script."""

from __future__ import annotations

import base64
import gzip
import json
import re

_DEPTH = {0: ("Point", 0), 1: ("MultiPoint", 1), 2: ("LineString", 1), 3: ("MultiLineString", 2), 4: ("Polygon", 2), 5: ("MultiPolygon", 3)}  # fmt: skip


def packed(text: str) -> str:
    """The block as it stands in the page."""
    return re.search(
        r'<script type="application/json" id="atlas-data">(.*?)</script>', text, re.DOTALL
    ).group(1)


def plain(text: str) -> str:
    """The block's JSON text, before any coordinate is undone."""
    return gzip.decompress(base64.b64decode(json.loads(packed(text)))).decode()


def values(text: str) -> dict:
    """The page's values, each layer with GeoJSON features again."""
    data = json.loads(plain(text))
    for layer in data["layers"]:
        numbers, at, scale = iter(layer["shapes"]), [0, 0], 10 ** layer["decimals"]

        def read(depth, numbers=numbers, at=at, scale=scale):
            if depth:
                return [read(depth - 1) for _ in range(next(numbers))]
            at[0] += next(numbers)
            at[1] += next(numbers)
            return [at[0] / scale, at[1] / scale]

        layer["features"] = []
        for i, code in enumerate(numbers):
            kind, depth = _DEPTH[code]
            properties = {c: v[i] for c, v in zip(layer["columns"], layer["values"], strict=True)}
            geometry = {"type": kind, "coordinates": read(depth)}
            layer["features"].append(
                {"type": "Feature", "properties": properties, "geometry": geometry}
            )
    return data
