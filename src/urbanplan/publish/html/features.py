"""Rows of a frame as the page holds them: GeoJSON features, rounded, with the sound of names."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from urbanplan.catalog import load_catalog
from urbanplan.publish.html.tables import plain

if TYPE_CHECKING:
    import geopandas as gpd

#: Metres of a degree of latitude; of longitude there are fewer.
_M_PER_DEGREE = 111_320
#: Decimals of a degree for the worst and the best accuracy, and where none is stated.
_LEAST, _MOST = 4, 6


def decimals_of(frame: gpd.GeoDataFrame) -> int:
    """Decimals of a degree at which rounding moves nothing by a tenth of its accuracy.

    Parameters
    ----------
    frame : GeoDataFrame
        The best ``accuracy_m`` of its rows decides; without one, 0.1 m is kept.
    """
    import pandas as pd

    known = pd.to_numeric(frame["accuracy_m"], errors="coerce") if "accuracy_m" in frame else None
    best = 0.0 if known is None or known.isna().all() else float(known.min())
    if best <= 0:
        return _MOST
    needed = -math.log10(best / 10 / _M_PER_DEGREE * 2)
    return max(_LEAST, min(_MOST, math.ceil(needed)))


def features(frame: gpd.GeoDataFrame, columns: list[str], decimals: int) -> list[dict[str, Any]]:
    """GeoJSON features of a frame in WGS84, coordinates rounded."""
    import shapely

    rounded = shapely.transform(frame.geometry.values, lambda xy: xy.round(decimals))
    texts = shapely.to_geojson(rounded)
    return [
        {
            "type": "Feature",
            "properties": {c: plain(v) for c, v in zip(columns, values)},
            "geometry": None if text is None else json.loads(text),
        }
        for values, text in zip(frame[columns].values.tolist(), texts)
    ]


def spoken() -> dict[str, Any]:
    """What every page speaks and draws with: names of columns and values, lines and fills."""
    catalog = load_catalog()
    return {
        "fields": {k: dict(v) for k, v in catalog.fields.items()},
        "values": catalog.symbols.values,
        "roads": catalog.symbols.roads,
        "fill": catalog.symbols.fill,
    }


def sounds(names: Any) -> list[str]:
    """What Chinese names sound like, whole and by initials: ``longmatanqu lmtq``."""
    from pypinyin import Style, lazy_pinyin

    def heard(name: str) -> str:
        if not re.search(r"[\u4e00-\u9fff]", name):
            return ""
        initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
        return f"{''.join(lazy_pinyin(name))} {''.join(initials)}".lower()

    return [heard(str(name)) for name in names]
