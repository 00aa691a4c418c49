"""The page's values in few bytes: columns, differences of whole coordinates, gzip, base64."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import numpy as np

#: GeoJSON types by the number that stands for them.
TYPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
#: How many lists lie around a position in each type's coordinates.
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}  # fmt: skip


def pack(values: dict[str, Any]) -> str:
    """The values of a page as base64 text, for `decode.js` to unpack.

    Parameters
    ----------
    values : dict
        JSON values; each of ``values["layers"]`` has ``features`` with the same properties
        throughout, and ``decimals`` of a degree to which their coordinates are rounded.

    Returns
    -------
    str
        Letters, figures, ``+``, ``/`` and ``=`` only.
    """
    layers = [_packed(layer) for layer in values["layers"]]
    text = json.dumps(
        {**values, "layers": layers}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    # No time stamp: the same values give the same bytes. Half a letter stays what it is to JSON.
    return base64.b64encode(
        gzip.compress(text.encode("utf-8", "backslashreplace"), 9, mtime=0)
    ).decode()


def _packed(layer: dict[str, Any]) -> dict[str, Any]:
    features = layer["features"]
    columns = list(features[0]["properties"]) if features else []
    whole: list[int] = []
    last = np.zeros(2, dtype=np.int64)
    for feature in features:
        shape = feature["geometry"]
        whole.append(TYPES.index(shape["type"]))
        last = _flat(
            shape["coordinates"], _DEPTH[shape["type"]], 10 ** layer["decimals"], last, whole
        )
    return {
        **{k: v for k, v in layer.items() if k != "features"},
        "columns": columns,
        # One list per column: like values side by side compress well.
        "values": [[f["properties"][c] for f in features] for c in columns],
        "shapes": whole,
    }


def _flat(nested: list, depth: int, scale: int, last: np.ndarray, out: list[int]) -> np.ndarray:
    if depth > 1:
        out.append(len(nested))
        for inner in nested:
            last = _flat(inner, depth - 1, scale, last, out)
        return last
    if depth == 1:
        out.append(len(nested))
    at = np.rint(np.atleast_2d(np.asarray(nested, dtype=float))[:, :2] * scale).astype(np.int64)
    out.extend(np.diff(at, axis=0, prepend=last[None]).ravel().tolist())
    return at[-1]
