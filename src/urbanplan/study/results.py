"""What a run found, as values for publishers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanplan.catalog import COMMON_COLUMNS
from urbanplan.city import City
from urbanplan.crs import WGS84
from urbanplan.layers import Layer, data_gaps
from urbanplan.plan import PlanBook
from urbanplan.scenarios import Scenario

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from urbanplan.grid import Grid

#: Called with a stage's name; the context it returns is left when the stage is done.
Watch = Callable[[str], AbstractContextManager]


@dataclass(frozen=True)
class Results:
    """What a run found; publishers turn it into files and compute nothing themselves.

    Attributes
    ----------
    city : City
    layers : dict of str to Layer
        Input layers in the catalogue's order.
    checks : DataFrame
        See `urbanplan.layers.check_city`.
    coverage : DataFrame
        Columns ``facilities, mode, minutes, area, persons, persons_covered, share, km2,
        km2_covered, km2_share``; `area` is a district's name or ``ALL``.
    scenarios : dict of str to Scenario
        The baseline first.
    scenario_coverage : DataFrame
        Coverage under each scenario: ``scenario, name_zh, name_en, facilities, mode, minutes, area, persons,
        persons_covered, share, persons_gained`` (of the baseline's people, against the baseline).
    scenario_bands : GeoDataFrame
        As `bands`, with ``scenario``: the headline's mode, where a scenario changes the minutes.
    differences : GeoDataFrame
        WGS84; where minutes change under a scenario, in classes: see `urbanplan.study.compare`.
    bands : GeoDataFrame
        WGS84; ``facilities, mode, minutes, area_km2, quality``: everywhere within `minutes` of any facility.
    isochrones : GeoDataFrame
        WGS84; ``facilities, origin, name_zh, name_en, mode, minutes, area_km2``: one per facility.
    indicators : DataFrame
        The city check-up; see `urbanplan.indicators.check_up`.
    gaps : GeoDataFrame
        WGS84; clusters of people farther than the headline's limit, per mode: ``mode, rank, area,
        persons, km2, minutes, nearest_min, quality, accuracy_m``.
    demand : GeoDataFrame
        WGS84 squares of five by five cells: ``persons``, ``area`` and one ``<facilities>_<mode>_min`` column
        (person-weighted mean minutes to the nearest facility, NaN where nobody lives).
    plan : PlanBook
        The plan's ledger, targets, and conflicts; see `urbanplan.plan`.
    minutes : dict of (str, str) to ndarray
        (facilities, mode) to minutes per cell of `grid`; NaN where there is no way.
    grid : Grid
    findings : tuple of str
        What the reader must know: facilities without a place, points that were moved, and so on.
    resumed : tuple of str
        Stages that an interrupted run had finished before.
    least : int
        Counts of people are multiples of it; 0 where they are exact. See `urbanplan.publish.rounding`.
    """

    city: City
    layers: Mapping[str, Layer]
    checks: pd.DataFrame
    coverage: pd.DataFrame
    scenarios: Mapping[str, Scenario]
    scenario_coverage: pd.DataFrame
    scenario_bands: gpd.GeoDataFrame
    differences: gpd.GeoDataFrame
    bands: gpd.GeoDataFrame
    isochrones: gpd.GeoDataFrame
    indicators: pd.DataFrame
    gaps: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    plan: PlanBook
    minutes: Mapping[tuple[str, str], np.ndarray]
    grid: Grid
    findings: tuple[str, ...]
    resumed: tuple[str, ...] = ()
    least: int = 0

    @property
    def outside(self) -> gpd.GeoDataFrame:
        """Facilities beyond the boundary that count in travel times: points, and in ``facilities`` their layer."""
        import geopandas as gpd
        import pandas as pd

        frames = [
            layer.outside.assign(
                facilities=name, geometry=layer.outside.geometry.representative_point()
            )
            for name, layer in self.layers.items()
            if layer.outside is not None
        ]
        columns = ["facilities", *COMMON_COLUMNS, "geometry"]
        if not frames:
            return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=WGS84)
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True)[columns], crs=WGS84)

    @property
    def data_gaps(self) -> pd.DataFrame:
        """What the city's files lack; see `urbanplan.layers.data_gaps`."""
        return data_gaps(self.city)
