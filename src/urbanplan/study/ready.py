"""A city made ready for analysis: its ground, its people, its surfaces, one question at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanplan.catalog import Mode
from urbanplan.city import City
from urbanplan.coverage import coverage, minutes_to_nearest
from urbanplan.crs import require_fit, to_crs
from urbanplan.demand import spread
from urbanplan.errors import InputError, UnknownNameError
from urbanplan.layers import Layer, load_layers
from urbanplan.layers.model import require, require_usable
from urbanplan.surface import Ground, Surface, build_ground, build_surface
from urbanplan.traveltime import Placed, nearest, place

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Ready:
    """A city made ready for analysis: layers, ground and demand in its metric system."""

    city: City
    layers: Mapping[str, Layer]
    ground: Ground
    demand: pd.DataFrame

    def metric(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """`frame` in the city's metric system."""
        return to_crs(frame, self.city.metric_crs)

    def surface(self, mode: Mode, opened: tuple[str, ...] = ()) -> Surface:
        """Surface of one mode on existing roads and bridges, and on planned ones in `opened`."""
        roads, bridges = require(self.layers, "roads", "bridges")
        return build_surface(
            self.ground,
            mode,
            self.metric(roads.with_status("existing", also=opened)),
            self.metric(bridges.with_status("existing", also=opened)),
        )

    def placed(self, surface: Surface, facilities: str) -> Placed:
        """Existing facilities of one kind, put on a surface."""
        (layer,) = require(self.layers, facilities)
        here = self.metric(layer.with_status("existing"))
        return place(surface, here, self.city.analysis.snap_m)


def prepare(city: City, layers: Mapping[str, Layer] | None = None) -> Ready:
    """Read a city and lay out its ground and its people.

    Parameters
    ----------
    city : City
    layers : mapping, optional
        Its layers, when they are already loaded.
    """
    layers = load_layers(city) if layers is None else layers
    area, districts = (require_usable(x) for x in require(layers, "study_area", "districts"))
    (census,) = require(layers, "population")
    zones = require_usable(census, "persons")
    homeless = census.frame[~census.frame["id"].isin(zones["id"]) & (census.frame["persons"] > 0)]
    if len(homeless):
        raise InputError(
            f"zone '{homeless['id'].iloc[0]}' has people but no geometry",
            where=census.path,
            remedy="draw it, or add its people to a zone that is drawn",
        )
    require_fit(area.geometry.union_all(), city.metric_crs, city.id)
    # A city may have no river, and no land that is marked as built up.
    water, built_up = (
        require_usable(x) if len(x.located) else x.located
        for x in require(layers, "water", "built_up")
    )
    existing = built_up[built_up["status"] == "existing"]
    area, water, existing, zones, districts = (
        to_crs(frame, city.metric_crs) for frame in (area, water, existing, zones, districts)
    )
    ground = build_ground(area, water, existing, city.analysis.cell_m)
    people = spread(zones, districts, ground.grid, ground.passable)
    return Ready(city, layers, ground, people)


def check_opened(layers: Mapping[str, Layer], opened: tuple[str, ...]) -> None:
    """Raise `UnknownNameError` unless every id is a located road or bridge that is not there yet."""
    for fid in opened:
        known = [
            row
            for layer in require(layers, "roads", "bridges")
            for row in layer.located.loc[layer.located["id"] == fid, "status"]
        ]
        planned = sorted(
            f
            for n in ("bridges", "roads")
            for f in layers[n].with_status("planned", "announced")["id"]
        )
        if not known or known == ["existing"]:
            raise UnknownNameError(
                f"'{fid}' is not a planned road or bridge",
                remedy=f"use one of {', '.join(map(str, planned))}",
            )


def coverage_of(
    ready: Ready, surface: Surface, facilities: str, limits_min: Sequence[float]
) -> tuple[pd.DataFrame, np.ndarray, Placed]:
    """Coverage table, minutes per node and placed features of one facility kind on one surface.

    Where no existing facility of the kind has a place, what is covered is NaN: it cannot be told.
    """
    import numpy as np

    placed = ready.placed(surface, facilities)
    minutes = nearest(surface, placed).minutes[:, 0]
    cells = surface.on_grid(minutes)
    column = minutes_to_nearest(ready.demand, cells, f"{facilities}_{surface.mode.id}_min")
    table = coverage(ready.demand, column, limits_min)
    if not len(placed):
        # Nothing is known to be there, which is not the same as nobody being served.
        table[["persons_covered", "share", "km2_covered", "km2_share"]] = np.nan
    table.insert(0, "mode", surface.mode.id)
    table.insert(0, "facilities", facilities)
    return table, minutes, placed
