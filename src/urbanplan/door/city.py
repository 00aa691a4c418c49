"""A city as an object: the questions of `Model`, and those that only a city can answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan import study
from urbanplan.base.crs import WGS84, to_crs
from urbanplan.catalog import Mode, load_catalog
from urbanplan.city.layers import GROUNDS
from urbanplan.city.profile import require_facility
from urbanplan.door.folder import CityFolder
from urbanplan.door.model import MINUTES, Findings, _ids, _mode, _require_above_0
from urbanplan.door.places import Places, limit_of, limits_of
from urbanplan.errors import InputError
from urbanplan.files import lock
from urbanplan.measures.population import unassigned
from urbanplan.study.checkup import areas_of
from urbanplan.study.model import Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanplan.measures.ledger import PlanBook
    from urbanplan.measures.scenarios import Scenario
    from urbanplan.study import Comparison

#: Places that people go to: those beyond the boundary count, too.
_REACHED = ("facilities", "destinations", "existing")


class City(CityFolder):
    """A city: its layers, and the questions that are asked of it.

    Parameters
    ----------
    city : str or path
        The id of an embedded city, of `urbanplan.cities`, or a folder with a ``city.toml``.
    note : callable, optional
        Told each finding as it comes.

    Raises
    ------
    UnknownNameError
        If there is no such city.
    InputError
        If its profile cannot be used.

    Examples
    --------
    >>> import urbanplan as up
    >>> city = up.City(up.cities()[0])
    >>> len(city["hospitals"]) > 0, "roads" in city.layers, repr(city).startswith("<City ")
    (True, True, True)
    """

    _beside = True

    # How a city answers the questions of `Model`.

    def _ways(self, mode: Mode, opened: tuple[str, ...], say: Findings) -> Ways:
        made = [w for known, ids, w in self._known_ways if known == mode and ids == opened]
        if not made:
            study.check_opened(self._ready.layers, opened)
            made = [self._ready.ways(mode, opened)]
            self._known_ways.append((mode, opened, made[0]))
        say(*self._ready.findings)
        return made[0]

    def _snap(self, snap_m: float | None) -> float:
        return self.profile.analysis.snap_m if snap_m is None else _metres(snap_m)

    def _layer_of(self) -> Callable[[str, str], gpd.GeoDataFrame]:
        return self._places_of

    def _places_of(self, name: str, what: str) -> gpd.GeoDataFrame:
        if what in ("facilities", "existing"):
            require_facility(name)
        layer = self._layer(name)
        if what not in _REACHED:
            return layer.with_status("existing")
        return self._entered(layer.reachable())

    def _entered(self, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        # Facilities whose layers hold points are entered from all around their grounds.
        if not self.profile.has(GROUNDS):
            return facilities
        return to_crs(self._ready.on_grounds(self._ready.metric(facilities)), WGS84)

    def _some(self, given: Any, what: str, say: Findings) -> Places:
        found = super()._some(given, what, say)
        if isinstance(given, str) and given in self._layers:
            kind, frame = self._layer(given).kind, self._layer(given).frame
            lost = int((frame["status"] == "existing").sum()) - int(frame["id"].isin(found.frame["id"]).sum())  # fmt: skip
            if lost > 0:
                say(f"{kind.name_zh}：{lost} 处已公布名称但未公布位置，未计入 / {kind.name_en}: {lost} published without a location, not counted")  # fmt: skip
        return found

    def _supply(self, given: Any, say: Findings) -> gpd.GeoDataFrame:
        # Whom those beyond the boundary serve besides is not known.
        if isinstance(given, str) and not Path(given).suffix:
            require_facility(given)
            return self._entered(self._layer(given).with_status("existing"))
        return super()._supply(given, say)

    def _require_people(self, question: str) -> None:
        """A city has its own people; whether anybody knows them is said by the question."""

    def _drawn(self, ways: Ways, places: Places, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        if asked["cell_m"] is not None:
            raise InputError("a city draws outlines on its own grid", where="cell_m", remedy="leave cell_m out")  # fmt: skip
        return study.isochrones_at(
            self._ready, ways, places.frame, limits, asked["direction"], asked["snap_m"]
        )

    def _covered(self, ways: Ways, facilities: gpd.GeoDataFrame, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        people, value, snap_m = (asked.pop(k) for k in ("people", "value", "snap_m"))
        if people is not None:
            named, _ = areas_of(self._ready, asked.pop("areas"))
            return study.coverage_on(
                ways.ground, facilities, people, value, limits,
                snap_m=snap_m, beside=self._beside, areas=named, **asked,
            )  # fmt: skip
        table, placed, _ = study.city_coverage(self._ready, ways, facilities, limits, **asked)
        count, rank = len(placed), asked["rank"]
        notes = [
            f"{count} existing facilities with a published place; the share is a floor"
            if count
            else "no existing facility has a published place: coverage cannot be told"
        ]
        if rank > count > 0:
            notes.append(f"只有 {count} 处：没有人能到第 {rank} 处 / there are only {count}: nobody reaches {rank}")  # fmt: skip
        notes += [*unassigned(self._ready.demand), *self._ready.stranded(ways)]
        notes += [f"{fid}: too far from passable land, not counted" for fid in placed.unplaced]
        return study.Answer(table, tuple(notes))

    def _reached(self, ways: Ways, origins: gpd.GeoDataFrame | None, value: str, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        if origins is None:
            raise InputError("a city is asked about places", where="origins", remedy="give origins, such as the name of a layer")  # fmt: skip
        return study.city_reach(self._ready, ways, origins, value, limits, **asked)

    def _shared(self, ways: Ways, supply: gpd.GeoDataFrame, capacity: str, method: str, limit: float, **asked: Any) -> study.Answer:  # fmt: skip
        return study.city_access(self._ready, ways, supply, capacity, method, limit, **asked)

    def _sited(self, ways: Ways, question: study.SitingQuestion, candidates: gpd.GeoDataFrame, existing: gpd.GeoDataFrame | None, progress: Any) -> study.SitingAnswer:  # fmt: skip
        return study.city_sites(self._ready, ways, question, candidates, existing, progress)

    def _grid(self, spacing_m: float, shut: gpd.GeoDataFrame | None, anywhere: bool) -> gpd.GeoDataFrame:  # fmt: skip
        return study.grid_candidates(self._ready, spacing_m, shut, anywhere)

    # What only a city can answer.

    def indicators(self, names: Sequence[str] = (), *, areas: Any = None) -> pd.DataFrame:
        """The city check-up: each indicator with its clause, the value by district, and the verdict.

        Parameters
        ----------
        names : sequence of str
            Standards or indicators; all that apply to the city if none.
        areas : places, optional
            Areas to tell by, in any form that a question takes; districts if none.

        Returns
        -------
        DataFrame
            A row for each indicator and area; columns as in ``indicators.csv`` of a run.

        Raises
        ------
        UnknownNameError
            If there is no such standard or indicator.

        Examples
        --------
        >>> import urbanplan as up
        >>> table = up.City(up.cities()[0]).indicators(["culture_sport_30"])
        >>> table["area"].iloc[-1], table["unit"].iloc[0]
        ('ALL', 'share')
        """
        from urbanplan.catalog.standards import pick
        from urbanplan.measures.indicators import check_up

        say, wanted = self._asked(), tuple(names)
        chosen = pick(study.standards_of(self.profile, wanted), wanted)
        borders = None if areas is None else self._some(areas, "areas", say).frame
        return say.on(check_up(chosen, study.scene_of(self._ready, borders)))

    def plan(self) -> PlanBook:
        """The plan as a ledger: what is promised, on the map, measured, still needed, missing.

        Returns
        -------
        PlanBook
            ``ledger``, ``targets``, ``conflicts`` (where layers contradict each other) and the ``plan`` itself.

        Raises
        ------
        InputError
            If the city has no plan, or its file breaks its form.

        Examples
        --------
        >>> import urbanplan as up
        >>> book = up.City(up.cities()[0]).plan()
        >>> len(book.plan.tasks), {"task", "agencies"} <= set(book.ledger)
        (15, True)
        """
        from urbanplan.catalog.standards import pick
        from urbanplan.measures.indicators import check_up
        from urbanplan.measures.ledger import book

        known, standards = study.plan_of(self.profile), study.standards_of(self.profile)
        if not known.tasks:
            raise InputError(f"the city '{self._given}' has no plan", remedy="write its tasks into plan.toml beside its layers; docs/guide.md shows how")  # fmt: skip
        names = tuple(n for n in known.indicators if n in standards)
        told = check_up(pick(standards, names) if names else {}, study.scene_of(self._ready))
        return book(known, self._ready.layers, told, self.profile.metric_crs)

    def gaps(
        self,
        facilities: Any,
        *,
        rank: int = 1,
        mode: str | Mode = "walk",
        minutes: float | Sequence[float] = MINUTES,
        opened: Sequence[str] = (),
    ) -> gpd.GeoDataFrame:
        """Where do the city's people live who are farther than each limit?

        Parameters
        ----------
        facilities : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        rank, mode, minutes, opened
            See `coverage`.

        Returns
        -------
        GeoDataFrame
            WGS84, clusters, the largest first for each limit: ``mode``, ``rank``, ``area``, ``persons``, ``km2`` (km²),
            ``minutes``, ``nearest_min`` (minutes), ``quality``, ``accuracy_m`` (metres).

        Raises
        ------
        InputError
            If an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> gaps = up.City(up.cities()[0]).gaps("hospitals", mode="drive", minutes=15)
        >>> int(gaps["rank"].iloc[0]), bool((gaps["persons"] > 0).all())
        (1, True)
        """
        say, limits = self._asked(), limits_of(minutes)
        there = self._places(facilities, "facilities", say)
        ways = self._ways(_mode(mode), _ids(opened), say)
        placed = self._ready.put(ways, self._ready.metric(there.frame))
        cells = self._ready.minutes(ways, placed, rank, max(limits))
        return say.on(study.gaps_of(self._ready, cells, ways.mode.id, limits))

    def bridges(self, facilities: Any, *, mode: str | Mode = "walk", minutes: float = 30.0) -> pd.DataFrame:  # fmt: skip
        """What depends on each bridge: who would be slower, and how much, if it were closed?

        Parameters
        ----------
        facilities : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        mode : str or Mode
        minutes : float
            People who are within this limit now, and no longer without the bridge, are lost.

        Returns
        -------
        DataFrame
            A row for each bridge, the one that costs most first: ``bridge``, names, ``persons_slower`` (persons),
            ``minutes_lost`` (minutes, mean over those), ``persons_lost``, ``persons_cut_off`` (persons).

        Raises
        ------
        InputError
            If the city has no bridges, or its streets are mapped streets.

        Examples
        --------
        >>> import urbanplan as up
        >>> up.City(up.cities()[0]).bridges("hospitals", minutes=0)
        Traceback (most recent call last):
        urbanplan.errors.InputError: minutes: minutes are 0 → give numbers above 0, such as 15 or [5, 15, 30]
        """
        say, limit = self._asked(), limits_of(limit_of(minutes))[0]
        there = self._places(facilities, "facilities", say)
        return say.on(study.bridge_dependence(self._ready, _mode(mode), there.frame, limit))

    def check(self) -> pd.DataFrame:
        """Compare every layer with the published figures, independent positions and rules.

        Returns
        -------
        DataFrame
            One row per check: ``published`` and ``drawn`` in ``unit``, ``difference`` and ``tolerance`` as shares (0-1),
            ``verdict`` ``ok`` or ``fail``, and ``source``.

        Raises
        ------
        InputError
            If a figure or a rule cannot be used.

        Examples
        --------
        >>> import urbanplan as up
        >>> set(up.City(up.cities()[0]).check()["verdict"])
        {'ok'}
        """
        from urbanplan.city.checks import check_city

        return check_city(self.profile, self._layers)

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The city's scenarios by their ids, ``baseline``, the city as it is, first."""
        return study.scenarios_of(self.profile)

    def compare(
        self,
        a: str,
        b: str,
        *,
        scenarios: Path | str | None = None,
        watch: study.Watch = nullcontext,
    ) -> Comparison:
        """Set scenario `b` against `a`: every indicator, who gains, who loses, at what cost.

        Parameters
        ----------
        a, b : str
            Scenarios of the city; ``baseline`` is the city as it is.
        scenarios : path, optional
            More scenarios (``.toml``), beside those of the city.
        watch : callable, optional
            Called with each stage's name; returns a context manager.

        Returns
        -------
        Comparison
            Tables ``indicators``, ``coverage``, ``people`` (persons and minutes), ``layers`` (km, km²), ``costs``.

        Raises
        ------
        UnknownNameError
            If there is no such scenario.

        Examples
        --------
        >>> import urbanplan as up
        >>> try:
        ...     up.City(up.cities()[0]).compare("baseline", "nowhere")
        ... except up.UnknownNameError as err:
        ...     print(err.what)
        no scenario 'nowhere'
        """
        with watch("city"):
            variants = self._variants(a, b, scenarios)
        with watch("compare"):
            return study.compare(variants, a, b)

    def compare_map(
        self,
        a: str,
        b: str,
        *,
        facilities: str | None = None,
        mode: str | None = None,
        scenarios: Path | str | None = None,
        out: Path | str | None = None,
    ) -> gpd.GeoDataFrame:
        """Where scenario `b` changes the minutes of `a`.

        Parameters
        ----------
        a, b, scenarios
            See `compare`.
        facilities, mode : str, optional
            Those of the city's headline by default.
        out : path, optional
            An ``.html`` to write: the change, and what is within each limit before and after.

        Returns
        -------
        GeoDataFrame
            WGS84, a row for each class of change: ``facilities``, ``mode``, ``class``, ``from_min``, ``to_min`` (minutes),
            ``persons`` (persons), ``km2`` (km²), ``quality``, ``accuracy_m`` (metres).

        Raises
        ------
        UnknownNameError
            If there is no such scenario, layer or mode.

        Examples
        --------
        >>> import urbanplan as up
        >>> try:
        ...     up.City(up.cities()[0]).compare_map("baseline", "baseline", mode="walks")
        ... except up.UnknownNameError as err:
        ...     print(err)
        unknown mode 'walks' → did you mean 'walk'?
        """
        plan = self.profile.analysis
        which = facilities or plan.headline_facilities, mode or plan.headline_mode
        require_facility(which[0], "facilities")
        load_catalog().mode(which[1])
        variants = self._variants(a, b, scenarios)
        frame = study.difference_map(variants, a, b, *which)
        if out is not None:
            from urbanplan.output import page

            title = f"{a} → {b} · {which[0]} · {which[1]}"
            shown = study.before_and_after(variants, a, b, *which)
            page.write(shown, out, page.Options(title=title), by="minutes")
        frame.insert(0, "facilities", which[0])
        frame.insert(1, "mode", which[1])
        return frame

    def _variants(self, a: str, b: str, scenarios: Path | str | None) -> study.Variants:
        if scenarios not in self._known_variants:
            known = study.scenarios_of(self.profile, scenarios)
            self._known_variants[scenarios] = study.Variants(self.profile, known, self._ready)
        for name in (a, b):
            self._known_variants[scenarios].state(name)
        return self._known_variants[scenarios]

    def report(
        self,
        out: Path | str,
        *,
        lang: str | None = None,
        min_persons: int = 0,
        watch: study.Watch = nullcontext,
    ) -> Path:
        """Write a document to circulate: findings, maps, tables, method, data quality, sources.

        Parameters
        ----------
        out : path
            Its ending chooses the format: ``.pdf``, ``.docx``, ``.html`` or ``.xlsx``.
        lang : {"zh", "en"}, optional
            Without it Chinese for a city in China, else English.
        min_persons : int
            Round every count of people so that none tells of fewer than so many.
        watch : callable, optional
            Called with each stage's name; returns a context manager.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If the ending or the language is not known, or a font or a library is missing.
        """
        from urbanplan.output import report as document
        from urbanplan.output.rounding import floored, rounded

        path, lang = Path(out), lang or self.profile.language
        # What is missing is said before the work rather than after it.
        document.require_ready(document.require_known(path, lang), lang)
        with lock(path.parent):
            results = rounded(study.run(self.profile, watch, None, self._layers), min_persons)
            with watch("bridges"):
                bridges = self._bridges_of_headline()
                if bridges is not None and results.least:
                    bridges = floored(bridges, results.least)
            with watch("report"):
                return document.write(results, path, lang=lang, bridges=bridges)

    def _bridges_of_headline(self) -> pd.DataFrame | None:
        # None where nobody can tell: no bridges, or mapped streets.
        plan = self.profile.analysis
        try:
            return self.bridges(plan.headline_facilities, mode=plan.headline_mode, minutes=plan.headline_minutes)  # fmt: skip
        except InputError:
            return None


def _metres(value: Any) -> float:
    _require_above_0(snap_m=value)
    return float(value)
