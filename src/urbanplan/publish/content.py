"""What a run's database holds: every layer and result by table name, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

#: OGC geometry type of a table by the family of its layer kind.
_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
#: Results that have a place, and those that are tables only.
_MAPS = ("bands", "isochrones", "gaps", "demand")
_TABLES = ("coverage", "what_ifs", "indicators", "checks")


def tables_of(results: Results) -> dict[str, pd.DataFrame]:
    """Frames (WGS84) and plain tables by name: input layers first, results as ``result_…``.

    A kind without geometry is a plain table; a result that is empty is left out.
    """
    tables: dict[str, pd.DataFrame] = {}
    for name, layer in results.layers.items():
        bare = layer.kind.geometry == "none"
        tables[name] = layer.frame.drop(columns="geometry") if bare else layer.frame
    for name in (*_MAPS, *_TABLES):
        table = getattr(results, name)
        if len(table) or name in _MAPS:
            tables[f"result_{name}"] = table
    return tables


def types_of(results: Results) -> dict[str, str]:
    """OGC geometry type of each table that has one: one for all its rows."""
    types = {f"result_{name}": _TYPES["polygon"] for name in _MAPS}
    for name, layer in results.layers.items():
        if layer.kind.geometry != "none":
            several = (layer.located.geom_type == "MultiPoint").any()
            types[name] = "MultiPoint" if several else _TYPES[layer.kind.geometry]
    return types
