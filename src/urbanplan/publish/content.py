"""What a run's database holds: every layer and result by table name, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan import __version__
from urbanplan.layers import accuracy_under
from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

#: OGC geometry type of a table by the family of its layer kind.
_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
#: Results that have a place, and those that are tables only.
_MAPS = (
    "bands",
    "isochrones",
    "gaps",
    "demand",
    "scenario_bands",
    "differences",
    "conflicts",
    "outside",
)
_TABLES = (
    "coverage", "scenario_coverage", "indicators", "checks", "data_gaps", "ledger", "targets",
)  # fmt: skip
#: Maps that a city without scenarios, or without conflicts, does not have.
_MAYBE = ("scenario_bands", "differences", "conflicts", "outside")
#: Results that are the plan's.
_OF_PLAN = ("conflicts", "ledger", "targets")


def tables_of(results: Results) -> dict[str, pd.DataFrame]:
    """Frames (WGS84) and plain tables by name: input layers first, results as ``result_…``.

    A kind without geometry is a plain table; a result that is empty is left out. Results with a
    place say what they are worth in the columns that layers do.
    """
    tables: dict[str, pd.DataFrame] = {}
    for name, layer in results.layers.items():
        bare = layer.kind.geometry == "none"
        tables[name] = layer.frame.drop(columns="geometry") if bare else layer.frame
    worth = worth_of(results)
    for name in (*_MAPS, *_TABLES):
        table = _result(results, name)
        if name in _MAPS:
            own = {c: v for c, v in worth.items() if c not in table}
            at = [*(c for c in table if c != "geometry"), *own, "geometry"]
            table = table.assign(**own)[at]
        if len(table) or (name in _MAPS and name not in _MAYBE):
            tables[f"result_{name}"] = table
    return tables


def _result(results: Results, name: str) -> pd.DataFrame:
    return getattr(results.plan if name in _OF_PLAN else results, name)


def worth_of(results: Results) -> dict[str, Any]:
    """What a result is worth: computed, no better placed than the roughest thing that it rests on."""
    plan = results.city.analysis
    everything = [layer.frame for layer in results.layers.values()]
    licences = {str(x) for f in everything for x in f["licence"].dropna() if x}
    dates = {str(x) for f in everything for x in f["as_of"].dropna() if x}
    return {
        "quality": "modelled",
        "accuracy_m": accuracy_under(results.layers, plan.facilities, plan.cell_m),
        "source": f"urbanplan {__version__}",
        "licence": "; ".join(sorted(licences)),
        "as_of": max(dates, default=""),
    }


def types_of(results: Results) -> dict[str, str]:
    """OGC geometry type of each table that has one: one for all its rows."""
    there = [n for n in _MAPS if n not in _MAYBE or len(_result(results, n))]
    points = ("outside",)
    types = {f"result_{n}": _TYPES["point" if n in points else "polygon"] for n in there}
    for name, layer in results.layers.items():
        if layer.kind.geometry != "none":
            several = (layer.located.geom_type == "MultiPoint").any()
            types[name] = "MultiPoint" if several else _TYPES[layer.kind.geometry]
    return types
