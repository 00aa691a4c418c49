"""A run as a report looks at it: one language, the headline's rows, and names for everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from urbanplan.catalog import load_catalog
from urbanplan.publish.html.tables import of_land, percent, square_km, whole
from urbanplan.publish.report.words import Words, clean
from urbanplan.publish.rounding import ALL
from urbanplan.scenarios import BASELINE, chain
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: Areas out of reach that are numbered and listed, and which part of the whole one must be.
MOST_GAPS, _LEAST_PART = 10, 0.001
#: Qualities that make every figure that rests on them an order of magnitude.
ROUGH = ("schematic", "modelled")


@dataclass(frozen=True)
class Context:
    """What every part of a report asks of a run.

    Attributes
    ----------
    results : Results
    words : Words
    bridges : DataFrame or None
        What depends on each bridge: see `urbanplan.study.bridge_dependence`.
    """

    results: Results
    words: Words
    bridges: pd.DataFrame | None = None

    @cached_property
    def land(self) -> bool:
        """Whether nobody knows who lives where, so that shares are of land."""
        return of_land(self.results)

    @cached_property
    def areas(self) -> Mapping[str, str]:
        """What each area of the tables is called."""
        names: dict[str, str] = {}
        for layer in self.results.layers.values():
            if layer.kind.role == "zone":
                pairs = zip(layer.frame["name_zh"], layer.frame["name_en"])
                names |= {str(zh): self.words.pair(zh, en) for zh, en in pairs}
        return {**names, ALL: self.words("all_areas")}

    def area(self, name: Any) -> str:
        """What an area is called."""
        return self.areas.get(str(name), clean(name))

    def kind(self, layer: str) -> str:
        """What a layer is called."""
        held = self.results.layers.get(layer)
        return self.words.named(held.kind if held else load_catalog().layer(layer))

    def mode(self, name: str) -> str:
        """What a mode is called."""
        return self.words.named(load_catalog().mode(name))

    def scenario(self, name: str) -> str:
        """What a scenario is called."""
        return self.words.named(self.results.scenarios[name])

    def value(self, column: str, code: Any) -> str:
        """What a code of a column means."""
        words = load_catalog().symbols.values[column].get(str(code))
        return words[self.words.lang] if words else clean(code)

    def qualities(self, text: str) -> str:
        """Qualities joined by ``+``, in words."""
        return " + ".join(self.value("quality", q) for q in clean(text).split("+") if q)

    @property
    def facilities(self) -> str:
        """The headline's facilities, as a layer."""
        return self.results.city.analysis.headline_facilities

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The headline's rows of the coverage table: every mode and area at its limit."""
        plan, table = self.results.city.analysis, self.results.coverage
        hit = (table["facilities"] == self.facilities) & (table["minutes"] == plan.headline_minutes)
        return table[hit]

    @cached_property
    def of_mode(self) -> pd.DataFrame:
        """Those of the headline's mode."""
        return self.headline[self.headline["mode"] == self.results.city.analysis.headline_mode]

    @cached_property
    def whole(self) -> Any:
        """That of the whole city."""
        return next(self.of_mode[self.of_mode["area"] == ALL].itertuples())

    @property
    def share_column(self) -> str:
        """Which share counts here."""
        return "km2_share" if self.land else "share"

    def share(self, row: Any) -> float:
        """A row's share, of people or of land."""
        return float(getattr(row, self.share_column))

    def amount(self, of: float) -> str:
        """So many people, or so much land, with the unit."""
        key = "so_much_land" if self.land else "so_many_people"
        return self.words(key, n=square_km(of) if self.land else whole(of))

    @property
    def unknown(self) -> bool:
        """Whether the headline cannot be told: nothing to reach has a place."""
        share = self.share(self.whole)
        return share != share

    def held(self, row: Any) -> tuple[float, float]:
        """What a row covers, and of how much."""
        if self.land:
            return float(row.km2_covered), float(row.km2)
        return float(row.persons_covered), float(row.persons)

    @cached_property
    def gaps(self) -> gpd.GeoDataFrame:
        """Areas out of reach by the headline's mode, most people (or land) first."""
        plan, table = self.results.city.analysis, self.results.gaps
        own = table[table["mode"] == plan.headline_mode]
        by = "km2" if self.land else "persons"
        return own.sort_values(by, ascending=False, kind="stable").reset_index(drop=True)

    @cached_property
    def top_gaps(self) -> gpd.GeoDataFrame:
        """The first of them that matter: a thousandth of all who are out of reach, or more."""
        by = "km2" if self.land else "persons"
        matter = self.gaps[self.gaps[by] >= _LEAST_PART * self.gaps[by].sum()]
        return matter.head(MOST_GAPS)

    @cached_property
    def rests_on(self) -> dict[str, set[str]]:
        """Qualities of what the headline rests on, by layer."""
        under = ("districts", "roads", "bridges", "water", "population", self.facilities)
        found = {}
        for name in dict.fromkeys(under):
            layer = self.results.layers.get(name)
            if layer is not None and len(layer.located):
                there = layer.located
                there = there[there["status"] == "existing"] if "status" in there else there
                found[name] = {str(q) for q in there["quality"].dropna()}
        return {k: v for k, v in found.items() if v}

    @property
    def rough(self) -> bool:
        """Whether the headline rests on anything schematic or modelled."""
        return any(q in ROUGH for found in self.rests_on.values() for q in found)

    @property
    def on_streets(self) -> bool:
        """Whether minutes follow mapped streets."""
        return self.results.city.has("streets.osm.pbf")

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """Scenarios at the headline's limit for the whole city: ``scenario, facilities, mode, persons,
        persons_covered, share, persons_gained, share_gained, people_change``; the largest gain in share first.
        """
        results, plan = self.results, self.results.city.analysis
        table = results.scenario_coverage
        keys = ["facilities", "mode", "minutes", "area"]
        before = results.coverage[[*keys, "persons", "share"]]
        both = table.merge(before, on=keys, suffixes=("", "_before"), how="left")
        own = both[(both["minutes"] == plan.headline_minutes) & (both["area"] == ALL)]
        own = own.assign(
            share_gained=own["share"] - own["share_before"],
            people_change=(own["persons"] - own["persons_before"]).abs() >= 0.5,
        )
        own = own[own["scenario"] != BASELINE]
        columns = ["scenario", "facilities", "mode", "persons", "persons_covered", "share", "persons_gained", "share_gained", "people_change"]  # fmt: skip
        return own.sort_values("share_gained", ascending=False, kind="stable")[columns].reset_index(drop=True)  # fmt: skip

    def best(self, mode: str, *, adding: bool = True) -> Any:
        """The scenario that gains most people for the headline's facilities where their number stays.

        None if none gains at least one; those that add facilities are left out without `adding`.
        """
        own = self.outcomes
        own = own[(own["mode"] == mode) & (own["facilities"] == self.facilities)]
        own = own[~own["people_change"].astype(bool) & (own["persons_gained"] >= 1)]
        known = self.results.scenarios
        adds = {n for n in known if any(c.do == "add" for s in chain(known, n) for c in s.changes)}
        own = own if adding else own[~own["scenario"].isin(adds)]
        return next(own.itertuples(), None)

    @cached_property
    def sited(self) -> list[tuple[str, str, int]]:
        """Scenarios that add facilities: its id, their layer, how many."""
        found: list[tuple[str, str, int]] = []
        for one in self.results.scenarios.values():
            layers = [c.get("layer") for c in one.changes if c.do == "add"]
            for layer in dict.fromkeys(layers):
                if load_catalog().layer(layer).role == "facility":
                    found.append((one.id, layer, layers.count(layer)))
        return found

    def mixed(self, scenario: str) -> bool:
        """Whether a scenario does other things than adding facilities of one kind."""
        done = [c for s in chain(self.results.scenarios, scenario) for c in s.changes]
        return len({(c.do, c.get("layer")) if c.do == "add" else c.do for c in done}) > 1

    @cached_property
    def on_osm(self) -> bool:
        """Whether anything comes from OpenStreetMap, whose licence asks to say so."""
        frames = [layer.frame for layer in self.results.layers.values()]
        return any(f["licence"].astype(str).str.startswith("ODbL").any() for f in frames)

    @cached_property
    def source_line(self) -> str:
        """What the maps rest on, in a line."""
        origins = dict(self.results.city.manifest.get("origins", {}))
        names = []
        for name, one in origins.items():
            about = one if isinstance(one, dict) else {}
            title = self.words.own(about, "title") or clean(name)
            licence = clean(about.get("licence", ""))
            names.append(self.words("bracketed", what=title, inner=licence) if licence else title)
        if self.on_osm:
            names.insert(0, "© OpenStreetMap contributors (ODbL)")
        if not names:
            frames = [layer.frame for layer in self.results.layers.values()]
            names = sorted({clean(v) for f in frames for v in f["source"].dropna()} - {""})
        return self.words("map_sources", names=self.words.listed(names, 4))

    def unit(self, unit: Any) -> str:
        """A unit of the data in words."""
        key = f"unit_{clean(unit)}"
        return self.words(key) if self.words.has(key) else clean(unit)

    def percent(self, share: float) -> str:
        """A share as text."""
        return percent(share)
