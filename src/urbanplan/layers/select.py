"""Choosing features by a one-line condition, and measuring what was chosen."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from urbanplan import crs
from urbanplan.errors import InputError
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanplan.layers.model import Layer


def select(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Rows that meet a condition: ``col=value``, ``col~token`` (in a ``;`` list), joined by ``&``.

    Parameters
    ----------
    frame : DataFrame
        Rows to choose from.
    where : str
        The condition; empty chooses all.

    Raises
    ------
    InputError
        If the condition cannot be read or names a column that is not there.
    """
    for column, op, value in conditions(where, frame.columns):
        text = frame[column].map(lambda v: "" if is_missing(v) else f"{v}")
        if op == "~":
            frame = frame[[value in tokens for tokens in text.str.split(";")]]
        else:
            frame = frame[text == value]
    return frame


def conditions(where: str, columns: Collection[str]) -> list[tuple[str, str, str]]:
    """A condition's parts as (column, ``=`` or ``~``, value).

    Raises
    ------
    InputError
        If it cannot be read or names none of the columns.
    """
    found = []
    for part in filter(None, (p.strip() for p in where.split("&"))):
        op = "~" if "~" in part.split("=")[0] else "="
        column, sign, value = (s.strip() for s in part.partition(op))
        if not sign or column not in columns:
            raise InputError(
                f"condition '{part}' names no column of the layer", remedy="use col=value"
            )
        found.append((column, op, value))
    return found


def choose(layers: dict[str, Layer], names: str, where: str) -> gpd.GeoDataFrame:
    """Features of one layer or of several (``roads+bridges``) that meet a condition."""
    import pandas as pd

    frames = []
    for name in names.split("+"):
        if name not in layers:
            raise InputError(f"the city has no layer '{name}'", remedy="correct the check")
        frames.append(select(layers[name].frame, where))
    if len(frames) == 1:
        return frames[0]
    shared = [c for c in frames[0].columns if all(c in f.columns for f in frames)]
    return pd.concat([f[shared] for f in frames if len(f)], ignore_index=True)


def located(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Features that have a geometry."""
    return frame[~(frame.geometry.isna() | frame.geometry.is_empty)]


def measure(frame: gpd.GeoDataFrame, what: str) -> float:
    """One figure of a set of features, on the ellipsoid.

    Parameters
    ----------
    frame : GeoDataFrame
        Features in WGS84.
    what : str
        ``area_km2``, ``area_ha``, ``length_km``, ``enclosed_km2`` (area inside the ring that the
        lines close), ``count``, ``sum:COLUMN`` or ``value:COLUMN`` (of the only feature).

    Returns
    -------
    float
        NaN when nothing was chosen.
    """
    name, _, column = what.partition(":")
    if name == "count":
        return float(len(frame))
    if not len(frame):
        return math.nan
    if name == "sum":
        return float(frame[column].sum())
    if name == "value":
        return float(frame[column].iloc[0]) if len(frame) == 1 else math.nan
    frame = located(frame)
    if not len(frame):
        return math.nan
    if name == "length_km":
        return sum(map(crs.length_m, frame.geometry)) / 1e3
    if name == "enclosed_km2":
        return _enclosed_m2(frame) / 1e6
    scale = {"area_km2": 1e6, "area_ha": 1e4}.get(name)
    if scale is None:
        raise InputError(f"unknown measure '{what}'", remedy="correct facts.csv")
    return crs.area_m2(frame.geometry.union_all()) / scale


def _enclosed_m2(frame: gpd.GeoDataFrame) -> float:
    from shapely import polygonize, union_all

    rings = polygonize(list(frame.geometry.explode().values))
    return crs.area_m2(union_all([rings])) if len(rings.geoms) else math.nan
