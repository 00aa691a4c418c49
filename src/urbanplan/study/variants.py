"""A city and its scenarios: what one leaves alone is computed once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.catalog import read_modes
from urbanplan.city.layers import Layer, require
from urbanplan.city.profile import City
from urbanplan.errors import InputError
from urbanplan.files import read_toml
from urbanplan.measures.coverage import coverage, minutes_to_nearest
from urbanplan.measures.indicators import COLUMNS, rows_of
from urbanplan.measures.scenarios import BASELINE, Scenario, State, applied, chain, parse_scenarios
from urbanplan.routing import Placed
from urbanplan.study.checkup import scene_of, standards_of
from urbanplan.study.model import Ready, Ways, people_of, prepare

if TYPE_CHECKING:
    import pandas as pd

#: What a city's own scenarios are called.
OWN = "scenarios.toml"
#: Layers that a scenario may not touch: the ground that everything stands on.
_FRAME = ("study_area", "districts", "water", "built_up")
#: Measures that depend on how one gets about.
_MOVING = ("minutes", "streets")


def scenarios_of(city: City, more: Path | str | None = None) -> Mapping[str, Scenario]:
    """A city's scenarios by id, the baseline first, and those of another file that may stand on them.

    Raises
    ------
    InputError
        If `more` holds no scenario, or one cannot be used.
    """
    known = parse_scenarios({})
    if city.has(OWN):
        path = city.find(OWN)
        known = parse_scenarios(read_toml(path), path)
    if more is None:
        return known
    table = read_toml(more)
    if not table.get("scenario"):
        raise InputError("has no [[scenario]]", where=more, remedy="add one")
    return parse_scenarios(table, Path(more), known)


class Variants:
    """A city under its scenarios.

    Parameters
    ----------
    city : City
    known : mapping of str to Scenario, optional
        The city's own by default.
    ready : Ready, optional
        The city made ready, if that is done already.

    Notes
    -----
    Everything is kept under a key of what it depends on: the hashes of layers, the modes' speeds,
    the growth of people. A scenario therefore costs what it touches: one facility more costs one
    search per mode, a standard that is changed costs nothing but the comparison; an empty one is
    the baseline itself.
    """

    def __init__(
        self,
        city: City,
        known: Mapping[str, Scenario] | None = None,
        ready: Ready | None = None,
    ) -> None:
        self.city = city
        self.known = scenarios_of(city) if known is None else known
        self._base = prepare(city) if ready is None else ready
        self._start = State(self._base.layers, read_modes(), standards_of(city))
        self._kept: dict[Hashable, Any] = {}

    def state(self, name: str) -> State:
        """The city's layers, modes and standards under a scenario."""
        return self._once(("state", name), lambda: self._applied(name))

    def _applied(self, name: str) -> State:
        state = applied(self._start, chain(self.known, name))
        for layer in _FRAME:
            old, new = self._start.layers.get(layer), state.layers.get(layer)
            if old is not None and (new is None or old.sha256 != new.sha256):
                raise InputError(
                    f"changes the layer '{layer}', on which everything stands",
                    where=f"scenario '{name}'",
                    remedy="edit the layer itself, and run the city anew",
                )
        return state

    def _once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def share(self, key: Hashable, value: Any) -> None:
        """Keep what was computed elsewhere, such as a run's ways, under the baseline's key."""
        self._kept[key] = value

    # Keys: what a thing depends on.

    def _people_key(self, state: State) -> tuple:
        layer = state.layers.get("population")
        return (layer.sha256 if layer else "", state.growth)

    def ways_key(self, name: str, mode: str) -> tuple:
        """What a mode's ways depend on under a scenario."""
        state = self.state(name)
        own = state.modes[mode]
        speeds = tuple(sorted(own.streets.kmh.items())) if own.streets else ()
        lines = tuple(state.layers[n].sha256 for n in ("roads", "bridges") if n in state.layers)
        return ("ways", mode, speeds, lines, tuple(sorted(state.closed)))

    def _layer_key(self, name: str, layer: str) -> str:
        found = self.state(name).layers.get(layer)
        return found.sha256 if found else ""

    # Things.

    def ready(self, name: str) -> Ready:
        """The city made ready under a scenario."""
        state = self.state(name)
        layers = tuple(x.sha256 for x in state.layers.values())
        key = ("ready", layers, state.growth, state.closed)
        return self._once(key, lambda: self._ready(state))

    def _ready(self, state: State) -> Ready:
        people = self._once(("people", self._people_key(state)), lambda: self._people(state))
        return replace(
            self._base,
            layers=state.layers,
            demand=people,
            joined=tuple(sorted(fid for _, fid in state.opened)),
            shut=tuple(sorted(state.closed)),
        )

    def _people(self, state: State) -> pd.DataFrame:
        same = self._people_key(state)[0] == self._people_key(self._start)[0]
        demand = self._base.demand if same else people_of(self._base, state.layers)
        for district, settlement, to, factor in state.growth:
            hit = np.ones(len(demand), bool)
            if district:
                hit &= (demand["area"] == district).to_numpy()
            if settlement:
                hit &= (demand["group"] == settlement).to_numpy()
            now = demand["persons"].to_numpy(float)
            total = now[hit].sum()
            if not total > 0:
                raise InputError(
                    f"nobody is known to live in '{district or self.city.name_zh}'",
                    where=self.city.id,
                    remedy="import a population layer or raster",
                )
            by = to / total if to else factor
            demand = demand.assign(persons=np.where(hit, now * by, now))
        return demand

    def ways(self, name: str, mode: str) -> Ways:
        """How a mode gets about under a scenario."""
        state = self.state(name)
        made = lambda: self.ready(name).ways(state.modes[mode])  # noqa: E731
        return self._once(self.ways_key(name, mode), made)

    def placed(self, name: str, facilities: str, mode: str) -> Placed:
        """Facilities of one kind that exist under a scenario, put on its ways."""
        key = ("placed", self.ways_key(name, mode), facilities, self._layer_key(name, facilities))
        made = lambda: self.ready(name).placed(self.ways(name, mode), facilities)  # noqa: E731
        return self._once(key, made)

    def cells(self, name: str, facilities: str, mode: str) -> np.ndarray:
        """Minutes to the nearest facility per cell of the grid."""
        key = self.cells_key(name, facilities, mode)
        made = lambda: self.ready(name).minutes(self.ways(name, mode), self.placed(name, facilities, mode))  # noqa: E731  # fmt: skip
        return self._once(key, made)

    def cells_key(self, name: str, facilities: str, mode: str) -> tuple:
        """What those minutes depend on."""
        key = self._layer_key(name, facilities)
        return ("cells", self.ways_key(name, mode), facilities, key)

    def minutes(self, name: str, facilities: str, mode: str) -> np.ndarray:
        """Minutes per row of the demand; infinity where there is no way."""
        cells = self.cells(name, facilities, mode)
        return minutes_to_nearest(self.ready(name).demand, cells, mode).to_numpy()

    def coverage(self, name: str, facilities: str, mode: str, people: str = "") -> pd.DataFrame:
        """As `urbanplan.study.coverage_of`, under a scenario; of the people of another one, if `people` names it."""
        whose = people or name
        key = ("coverage", self.cells_key(name, facilities, mode), self._people_key(self.state(whose)))  # fmt: skip
        return self._once(key, lambda: self._coverage(name, facilities, mode, whose))

    def _coverage(self, name: str, facilities: str, mode: str, whose: str) -> pd.DataFrame:
        ready = self.ready(whose)
        require(ready.layers, facilities)
        cells = self.cells(name, facilities, mode)
        column = minutes_to_nearest(ready.demand, cells, mode)
        table = coverage(ready.demand, column, self.city.analysis.minutes, ready.parts)
        known = (len(self.placed(n, facilities, mode)) for n in (BASELINE, name))
        if not any(known):
            # Nothing is known to be there, which is not the same as nobody being served: unless a
            # scenario closed it all.
            table[["persons_covered", "share", "km2_covered", "km2_share"]] = np.nan
        table.insert(0, "mode", mode)
        table.insert(0, "facilities", facilities)
        return table

    def indicators(self, name: str) -> pd.DataFrame:
        """The check-up under a scenario; see `urbanplan.measures.indicators.check_up`."""
        import pandas as pd

        state = self.state(name)
        scene = self._once(
            ("scene", tuple(x.sha256 for x in state.layers.values()), state.growth, state.closed, self._modes_key(name)),
            lambda: scene_of(self.ready(name), ways=lambda mode: self.ways(name, mode)),
        )  # fmt: skip
        rows = []
        for one in state.standards.values():
            moving = self.ways_key(name, one.mode or "drive") if one.measure in _MOVING else ()
            used = tuple(self._layer_key(name, n) for n in (one.layer, one.of) if n)
            key = ("indicator", one, used, moving, self._people_key(state))
            rows += self._once(key, partial(rows_of, one, scene))
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _modes_key(self, name: str) -> tuple:
        return tuple(self.ways_key(name, m) for m in self.city.analysis.modes)

    def names(self) -> list[str]:
        """Scenarios but for the baseline."""
        return [n for n in self.known if n != BASELINE]

    def layers(self, name: str) -> Mapping[str, Layer]:
        """All layers under a scenario."""
        return MappingProxyType(dict(self.state(name).layers))
