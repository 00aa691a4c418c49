"""What indicators are computed from, and what of it can be trusted for which distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.catalog import QUALITIES, Mode, load_catalog
from urbanplan.coverage import ALL, Parts, share_in
from urbanplan.errors import InputError
from urbanplan.layers import Layer
from urbanplan.layers.select import select

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    from urbanplan.grid import Grid
    from urbanplan.network import Network

#: No verdict rests on data that covers less of the city's area.
COVERED_ENOUGH = 0.95
#: Data may be wrong by this share of the distance that a clause names; beyond it nothing is told.
ACCURATE_ENOUGH = 0.3


class CannotTellError(InputError):
    """An indicator's data is missing, or too rough for the distance that its clause names."""


@dataclass(frozen=True)
class Trust:
    """What a figure rests on: every quality among its data, best first, and the worst accuracy.

    `covered_share` is the share of the city's area that all of its data covers, 0-1.
    """

    qualities: frozenset[str]
    accuracy_m: float
    covered_share: float = 1.0

    def __and__(self, other: Trust) -> Trust:
        """Both together."""
        worst = float(np.nanmax([self.accuracy_m, other.accuracy_m, 0.0]))
        covered = min(self.covered_share, other.covered_share)
        return Trust(self.qualities | other.qualities, worst, covered)

    @property
    def quality(self) -> str:
        """Qualities as text, such as ``derived+modelled``."""
        return "+".join(q for q in QUALITIES if q in self.qualities)


#: Of what needs no data.
CERTAIN = Trust(frozenset(), 0.0)


@dataclass(frozen=True)
class Scene:
    """A city as indicators see it, everything in its metric system.

    Attributes
    ----------
    layers : mapping of str to Layer
    demand : DataFrame
        ``persons, area, km2`` per flat cell.
    grid : Grid
    crs : str
        The metric system.
    areas : GeoDataFrame
        Reporting areas, ``name``; one row each.
    parts : mapping
        For each area, which rows of the demand lie in it and with what share.
    cells : callable
        (facilities in the metric system with ``id``, mode's id) to minutes per row of the demand.
    at : callable
        (points in the metric system with ``id``, facilities, mode's id) to minutes of each point.
    mode : callable
        Mode by id.
    streets : callable
        The streets of motor traffic as a `Network`; raises `CannotTellError` where there are none.
    people_trust, ground_trust : Trust
        How well it is known who lives where, and how one gets about.
    covered : callable
        Layer's id to the share of the city's area that its data covers.
    """

    layers: Mapping[str, Layer]
    demand: pd.DataFrame
    grid: Grid
    crs: str
    areas: gpd.GeoDataFrame
    parts: Parts
    cells: Callable[[gpd.GeoDataFrame, str], np.ndarray]
    at: Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame, str], np.ndarray]
    mode: Callable[[str], Mode]
    streets: Callable[[], Network]
    people_trust: Trust
    ground_trust: Trust
    covered: Callable[[str], float] = lambda _: 1.0

    @cached_property
    def outlines(self) -> Mapping[str, BaseGeometry]:
        """Each area's polygon, and `ALL` of them together."""
        named = dict(zip(self.areas["name"], self.areas.geometry))
        return named | {ALL: self.areas.geometry.union_all()}

    @cached_property
    def share(self) -> Mapping[str, np.ndarray]:
        """Share of every row of the demand in each area, and in `ALL`."""
        return {a: share_in(self.parts, a, len(self.demand)) for a in self.outlines}

    @cached_property
    def _persons(self) -> Mapping[str, float]:
        held = self.demand["persons"].to_numpy(float)
        return {a: float((held * s)[s > 0].sum()) for a, s in self.share.items()}

    @property
    def persons(self) -> Mapping[str, float]:
        """People of each area; raises `CannotTellError` where nobody knows them."""
        if np.isnan(self._persons[ALL]):
            raise CannotTellError("没有人口数据 / nobody knows who lives where")
        return self._persons

    def called(self, layer: str) -> tuple[str, str]:
        """What readers call a layer, in both languages: reasons stand in tables for no programmers."""
        held = self.layers.get(layer)
        kind = held.kind if held is not None else load_catalog().layer(layer)
        return kind.name_zh, kind.name_en

    def features(
        self, name: str, where: str = "", reach_m: float = np.inf, *, beyond: bool = False
    ):
        """Existing, located features of a layer in the metric system, and what they are worth.

        Parameters
        ----------
        name : str
        where : str
            Condition; see `urbanplan.layers.select`.
        reach_m : float
            The distance that they are asked about: what is drawn more roughly cannot tell.
        beyond : bool
            With those beyond the boundary: where it is asked what the people inside reach.

        Raises
        ------
        CannotTellError
            If there is no such layer or feature, all are schematic, or one is too rough.
        """
        if name not in self.layers:
            zh, en = self.called(name)
            raise CannotTellError(f"没有图层“{zh}” / there is no layer of {en}")
        layer = self.layers[name]
        if layer.kind.geometry == "none":
            frame = layer.frame
        else:
            frame = layer.reachable() if beyond else layer.with_status("existing")
        frame = select(frame[frame["status"] == "existing"], where)
        if not len(frame):
            zh, en = self.called(name)
            which = (f"（{where}）", f" ({where})") if where else ("", "")
            raise CannotTellError(
                f"{zh}{which[0]}没有已知位置的现状要素 / no existing feature of {en}{which[1]} has a place"
            )
        trust = replace(trust_of(frame), covered_share=self.covered(name))
        if (frame["quality"] == "schematic").all():
            zh, en = self.called(name)
            raise CannotTellError(f"{zh}仅有示意数据 / {en} is only schematic")
        require_accurate(trust, reach_m, self.called(name))
        return frame.to_crs(self.crs), trust

    def polygons(self, of: str, reach_m: float = np.inf):
        """The land that a clause takes as denominator, and what it is worth."""
        frame, trust = self.features(of, reach_m=reach_m)
        return frame.geometry.union_all(), trust


def trust_of(frame: pd.DataFrame) -> Trust:
    """Qualities and worst accuracy of some features."""
    return Trust(frozenset(frame["quality"]), float(frame["accuracy_m"].astype(float).max()))


def require_covered(trust: Trust) -> None:
    """Raise `CannotTellError` if the data covers too little of the city for a verdict."""
    if trust.covered_share < COVERED_ENOUGH:
        # 94.9 % is not 95 %.
        text = f"{np.floor(trust.covered_share * 1000) / 10:.3g}"
        raise CannotTellError(f"数据只覆盖城市面积的{text}% / the data covers {text}% of the city")


def require_accurate(trust: Trust, reach_m: float, called: tuple[str, str]) -> None:
    """Raise `CannotTellError` if a layer (so called) is too rough for the distance asked about."""
    if trust.accuracy_m > ACCURATE_ENOUGH * reach_m:
        zh, en = called
        raise CannotTellError(
            f"{zh}误差约 {trust.accuracy_m:,.0f} 米，判断不了 {reach_m:,.0f} 米 /"
            f" {en} is known to {trust.accuracy_m:,.0f} m only, which cannot tell {reach_m:,.0f} m"
        )
