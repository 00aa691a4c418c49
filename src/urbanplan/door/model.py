"""Questions that are asked of a city and of streets in the same words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from urbanplan import study
from urbanplan.base.crs import WGS84
from urbanplan.catalog import Mode, load_catalog
from urbanplan.door.places import Note, Places, limit_of, limits_of, places_of
from urbanplan.errors import InputError, one_of, require
from urbanplan.measures.accessibility import require_method
from urbanplan.routing.times import require_direction
from urbanplan.siting import MODELS
from urbanplan.study.checkup import named_areas
from urbanplan.study.model import Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: Findings are logged here; nothing is shown unless the program that uses us asks for it.
_LOG = logging.getLogger("urbanplan")
_LOG.addHandler(logging.NullHandler())
#: Limits of questions with several.
MINUTES = (5, 10, 15, 30)


class Findings:
    """What the reader of one answer must know: each sentence once, logged as it comes."""

    def __init__(self, note: Note | None) -> None:
        self.told: list[str] = []
        self._note = note

    def __call__(self, *sentences: str) -> None:
        """Take sentences down."""
        for text in sentences:
            if text not in self.told:
                self.told.append(text)
                _LOG.info(text)
                if self._note is not None:
                    self._note(text)

    def on(self, frame: Any) -> Any:
        """A frame that carries them in ``.attrs["findings"]``."""
        frame.attrs = {"findings": list(self.told)}
        return frame


class Model:
    """How one gets about, and who lives where: what `City` and `Streets` have in common.

    Every question takes places as a GeoDataFrame or GeoSeries in any declared coordinate system, a
    table with ``lon`` and ``lat``, the path of a file, (lon, lat) pairs or, of a city, the name of a
    layer. Answers are frames on the caller's index, in WGS84 where they have a geometry;
    ``.attrs["findings"]`` lists what their reader must know, which is logged as ``urbanplan`` too.

    From a place to itself is 0 minutes. Two places nearer to each other than what both walk to the
    street take the straight walk, where it is shorter and no water (of a city), motorway or fence
    (of a street map) lies between.
    """

    _note: Note | None = None
    #: Whether people step onto every street near them, as a city's cells do, or onto the nearest, as pairs do.
    _beside: bool = False

    # What a city and streets do each in their own way.

    def _ways(self, mode: Mode, opened: tuple[str, ...], say: Findings) -> Ways:
        raise NotImplementedError

    def _snap(self, snap_m: float | None) -> float:
        raise NotImplementedError

    def _layer_of(self) -> Callable[[str, str], gpd.GeoDataFrame] | None:
        raise NotImplementedError

    def _require_people(self, question: str) -> None:
        raise NotImplementedError

    def _drawn(self, ways: Ways, places: Places, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        raise NotImplementedError

    def _covered(self, ways: Ways, facilities: gpd.GeoDataFrame, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        raise NotImplementedError

    # The questions.

    def isochrones(
        self,
        places: Any,
        *,
        mode: str | Mode = "walk",
        minutes: float | Sequence[float] = MINUTES,
        direction: str = "from",
        opened: Sequence[str] = (),
        snap_m: float | None = None,
        cell_m: float | None = None,
    ) -> gpd.GeoDataFrame:
        """What lies within so many minutes of each place?

        Parameters
        ----------
        places : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        mode : str or Mode
        minutes : float or sequence of float
            Limits in minutes.
        direction : {"from", "to"}
            Leaving the place, or getting to it.
        opened : sequence of str
            Planned roads and bridges of a city, by id, that are taken as built.
        snap_m : float, optional
            Places farther than so many metres from any way are left out; the city's own limit, or 250 m.
        cell_m : float, optional
            Spacing in metres of the outline's grid, on streets; a city draws on its own.

        Returns
        -------
        GeoDataFrame
            WGS84, a row for each place and limit on the caller's index: ``origin``, ``minutes``,
            ``mode``, ``area_km2`` (km²), ``direction``, ``quality``, ``accuracy_m`` (metres), geometry.

        Raises
        ------
        InputError
            If no place is near a way, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> city = up.City(up.cities()[0])
        >>> found = city.isochrones(city["bridges"].head(1), mode="walk", minutes=[5, 15])
        >>> found["minutes"].tolist(), bool(found["area_km2"].is_monotonic_increasing)
        ([5.0, 15.0], True)
        """
        say, limits = self._asked(), limits_of(minutes)
        require_direction(direction)
        _require_above_0(cell_m=cell_m)
        here = self._some(places, "places", say)
        ways = self._ways(_mode(mode), _ids(opened), say)
        answer = self._drawn(
            ways, here, limits, direction=direction, snap_m=self._snap(snap_m), cell_m=cell_m
        )
        say(*answer.findings)
        frame = answer.rows
        row = dict(zip(here.frame["id"], here.rows))
        frame.index = here.index[[row[fid] for fid in frame["origin"]]]
        frame["origin"] = here.named(frame["origin"])
        return say.on(frame)

    def matrix(
        self,
        origins: Any,
        destinations: Any,
        *,
        mode: str | Mode = "walk",
        minutes: float | None = 60.0,
        direction: str = "from",
        opened: Sequence[str] = (),
        snap_m: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """How long does it take from each origin to each destination?

        Parameters
        ----------
        origins, destinations : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        mode : str or Mode
        minutes : float, optional
            Pairs farther apart are left out; None leaves out those only between which there is no way.
        direction : {"from", "to"}
            From the origin to the destination, or back.
        opened, snap_m
            See `isochrones`.
        progress : callable, optional
            Called with (done, all) origins.

        Returns
        -------
        DataFrame
            A row for each pair within the limit, sorted: ``origin``, ``destination`` (the ids or labels
            of the caller), ``minutes``.

        Raises
        ------
        InputError
            If no origin or no destination is near a way, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> table = up.City(up.cities()[0]).matrix("bridges", "hospitals", mode="drive", minutes=30)
        >>> list(table.columns), bool((table["minutes"] <= 30).all())
        (['origin', 'destination', 'minutes'], True)
        """
        say, limit = self._asked(), limit_of(minutes)
        starts, ends, ways = self._both_ends(origins, destinations, mode, direction, opened, say)
        answer = study.matrix_on(
            ways.ground, starts.frame, ends.frame, limit,
            snap_m=self._snap(snap_m), direction=direction, progress=progress,
        )  # fmt: skip
        say(*answer.findings)
        rows = answer.rows
        rows["origin"], rows["destination"] = starts.named(rows["origin"]), ends.named(rows["destination"])  # fmt: skip
        return say.on(rows)

    def nearest(
        self,
        origins: Any,
        destinations: Any,
        *,
        mode: str | Mode = "walk",
        minutes: float | None = None,
        direction: str = "from",
        opened: Sequence[str] = (),
        snap_m: float | None = None,
    ) -> pd.DataFrame:
        """Which destination is nearest to each origin, and how far is it?

        Parameters
        ----------
        origins, destinations : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        mode : str or Mode
        minutes : float, optional
            Nothing farther is looked for.
        direction : {"from", "to"}
            From the origin to the destination, or back.
        opened, snap_m
            See `isochrones`.

        Returns
        -------
        DataFrame
            A row for each origin on the caller's index: ``origin``, what it is called where it has names,
            ``destination``, ``minutes``: infinite where no destination is reached, empty where the origin
            has no place or is too far from any way.

        Raises
        ------
        InputError
            If no origin or no destination is near a way, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> city = up.City(up.cities()[0])
        >>> found = city.nearest("bridges", "hospitals", mode="drive")
        >>> set(found["destination"]) <= set(city["hospitals"]["id"])
        True
        """
        say, limit = self._asked(), limit_of(minutes)
        starts, ends, ways = self._both_ends(origins, destinations, mode, direction, opened, say)
        answer = study.nearest_on(
            ways.ground, starts.frame, ends.frame, limit,
            snap_m=self._snap(snap_m), direction=direction,
        )  # fmt: skip
        say(*answer.findings)
        return say.on(starts.on_index(_called(answer.rows, starts, ends)))

    def reach(
        self,
        origins: Any = None,
        *,
        demand: Any = None,
        value: str = "population",
        mode: str | Mode = "walk",
        minutes: float | Sequence[float] = MINUTES,
        direction: str = "from",
        opened: Sequence[str] = (),
        snap_m: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> gpd.GeoDataFrame:
        """How many people (jobs, pupils) are within so many minutes of each origin?

        Parameters
        ----------
        origins : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat), optional
            Without any, every corner of the streets.
        demand : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat), optional
            Who or what is counted; of a city its own people by default.
        value : str
            Column of `demand` that is summed.
        mode, minutes, opened, snap_m
            See `isochrones`.
        direction : {"from", "to"}
            From the origin to the people, or from the people to the origin.
        progress : callable, optional
            Called with (done, all) origins.

        Returns
        -------
        GeoDataFrame
            WGS84 points, a row for each origin on the caller's index: ``origin``, ``mode``, one
            ``<value>_<minutes>min`` for each limit, in the unit of `value` and empty for origins
            too far from any way, ``quality``, ``accuracy_m`` (metres).

        Raises
        ------
        InputError
            If `demand` has no such column, nobody knows who lives where, or nothing is near a way.

        Examples
        --------
        >>> import urbanplan as up
        >>> found = up.City(up.cities()[0]).reach("hospitals", mode="walk", minutes=15)
        >>> bool((found["population_15min"] > 0).any())
        True
        """
        say, limits = self._asked(), limits_of(minutes)
        require_direction(direction)
        people = self._people(demand, value, "reach", say)
        if people is not None:
            study.require_amounts(people.frame, value)
        starts = None if origins is None else self._some(origins, "origins", say)
        ways = self._ways(_mode(mode), _ids(opened), say)
        asked: dict[str, Any] = {"snap_m": self._snap(snap_m), "direction": direction, "progress": progress}  # fmt: skip
        first = None if starts is None else starts.frame
        if people is not None:
            answer = study.reach_on(ways.ground, first, people.frame, value, limits, **asked)
        else:
            answer = self._reached(ways, first, value, limits, **asked)
        say(*answer.findings)
        frame = answer.rows
        if starts is None:
            return say.on(frame)
        frame["origin"] = starts.named(frame["origin"])
        return say.on(starts.on_index(frame))

    def coverage(
        self,
        facilities: Any,
        *,
        demand: Any = None,
        value: str = "population",
        areas: Any = None,
        rank: int = 1,
        by: str | None = None,
        mode: str | Mode = "walk",
        minutes: float | Sequence[float] = MINUTES,
        opened: Sequence[str] = (),
        snap_m: float | None = None,
    ) -> pd.DataFrame:
        """Who is within so many minutes of a facility, by area and in all?

        Parameters
        ----------
        facilities : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        demand : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat), optional
            Who is counted; of a city its own people by default.
        value : str
            Column of persons of `demand`.
        areas : GeoDataFrame, path or str, optional
            Reporting areas with a name; of a city its districts by default.
        rank : int
            Who reaches so many facilities is covered.
        by : str, optional
            Column of groups of `demand`; ``settlement`` of a city's own people.
        mode, minutes, opened, snap_m
            See `isochrones`.

        Returns
        -------
        DataFrame
            A row for each limit and area, the last of them all: ``area``, ``minutes``, ``persons``,
            ``persons_covered``, ``share`` (0-1), behind a ``group`` if asked by one; of a city's own
            people also ``km2``, ``km2_covered`` (km²) and ``km2_share`` (0-1) of the land.

        Raises
        ------
        InputError
            If `demand` has no such column, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> table = up.City(up.cities()[0]).coverage("hospitals", mode="drive", minutes=[15, 30])
        >>> bool(table["share"].between(0, 1).all()), sorted(table["minutes"].unique().tolist())
        (True, [15.0, 30.0])
        """
        say, limits = self._asked(), limits_of(minutes)
        _require_text(by=by)
        rank = _count("rank", rank)
        there = self._places(facilities, "facilities", say)
        people = self._people(demand, value, "coverage", say)
        borders = None if areas is None else self._some(areas, "areas", say).frame
        # What cannot be answered is told before the streets are read.
        if people is not None:
            study.require_amounts(people.frame, value)
            study.require_group(people.frame, by)
        if borders is not None:
            named_areas(borders, WGS84)
        ways = self._ways(_mode(mode), _ids(opened), say)
        answer = self._covered(
            ways, there.frame, limits, people=None if people is None else people.frame, value=value,
            areas=borders, rank=rank, by=by, snap_m=self._snap(snap_m),
        )  # fmt: skip
        say(*answer.findings)
        return say.on(answer.rows)

    def access(
        self,
        facilities: Any,
        *,
        capacity: str = "beds",
        demand: Any = None,
        value: str = "population",
        method: str = "2sfca",
        decay: str | None = None,
        figure: float | None = None,
        mode: str | Mode = "walk",
        minutes: float = 30.0,
        opened: Sequence[str] = (),
        snap_m: float | None = None,
    ) -> gpd.GeoDataFrame:
        """What of a supply (beds, seats, places) falls to each home, shared with the others?

        Parameters
        ----------
        facilities : GeoDataFrame, GeoSeries, path or str
        capacity : str
            Their column of capacities.
        demand : GeoDataFrame, GeoSeries, path or str, optional
            The homes; of a city the cells of its own people by default.
        value : str
            Column of persons of `demand`.
        method : {"2sfca", "e2sfca", "3sfca", "mh3sfca", "gravity", "cumulative"}
        decay : str, optional
            none, stepwise, gaussian, exponential or power.
        figure : float, optional
            The decay's own parameter.
        mode, opened, snap_m
            See `isochrones`.
        minutes : float
            Size of the catchments in minutes.

        Returns
        -------
        GeoDataFrame
            WGS84, the homes on the caller's index with ``access`` (units of `capacity` a person; of
            gravity and cumulative, units of `capacity`), ``mode``, ``quality``, ``accuracy_m`` (metres);
            of a city squares with ``persons``, ``area``, ``group``.

        Raises
        ------
        InputError
            If a column is missing or holds no figures, or the method is not known.

        Examples
        --------
        >>> import urbanplan as up
        >>> found = up.City(up.cities()[0]).access("hospitals", capacity="beds", mode="drive", minutes=30)
        >>> bool((found["access"] >= 0).all())
        True
        """
        say, limit = self._asked(), limits_of(limit_of(minutes))[0]
        _require_text(capacity=capacity, method=method, decay=decay)
        require_method(method, decay)
        _require_above_0(figure=figure)
        there = self._supply(facilities, say)
        people = self._people(demand, value, "access", say)
        supply, notes = study.require_supply(there, capacity)
        say(*notes)
        if people is not None:
            study.require_amounts(people.frame, value, "people")
        ways = self._ways(_mode(mode), _ids(opened), say)
        asked: dict[str, Any] = {"decay": decay, "figure": figure}
        if people is None:
            answer = self._shared(ways, supply, capacity, method, limit, **asked)
        else:
            answer = study.access_on(
                ways.ground, supply, capacity, people.frame, value, method, limit,
                snap_m=self._snap(snap_m), beside=self._beside, **asked,
            )  # fmt: skip
        say(*answer.findings)
        if people is None:
            return say.on(answer.rows)
        frame = answer.rows
        if people.has_ids:
            frame["id"] = people.named(frame["id"])
        else:
            frame = frame.drop(columns="id")
        return say.on(people.on_index(frame))

    def siting(
        self,
        candidates: Any,
        *,
        demand: Any = None,
        value: str = "population",
        existing: Any = None,
        exclude: Any = None,
        anywhere: bool = False,
        model: str = "mclp",
        p: int | None = None,
        mode: str | Mode = "walk",
        minutes: float = 15.0,
        budget: float | None = None,
        capacity: str | None = None,
        spacing_m: float = 0.0,
        equity: float = 1.0,
        seconds: float | None = None,
        curve: int = 0,
        alternatives: int = 0,
        opened: Sequence[str] = (),
        snap_m: float | None = None,
        progress: Callable[[float, float, float], None] | None = None,
    ) -> study.SitingAnswer:
        """Where should the next facilities be, whom do they serve, and what would others bring?

        Parameters
        ----------
        candidates : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
            Places that could take a facility; of a city also ``grid:500``, places 500 m apart on built-up land.
        demand : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat), optional
            Who is to be served; of a city its own people by default.
        value : str
            Column of persons of `demand`.
        existing : GeoDataFrame, GeoSeries, path or str, optional
            Facilities that are there already.
        exclude : GeoDataFrame, GeoSeries, path or str, optional
            Areas where nothing may be built.
        anywhere : bool
            A grid on open land too.
        model : {"mclp", "lscp", "p_median", "p_center"}
            Most people within the limit; fewest sites for everybody; least minutes in all; least for the farthest.
        p : int, optional
            How many new sites; lscp finds it itself.
        mode, opened, snap_m
            See `isochrones`.
        minutes : float
            The limit in minutes.
        budget : float, optional
            What the sites may cost, by the candidates' column ``cost``.
        capacity : str, optional
            The candidates' column of persons that a site serves.
        spacing_m : float
            Least metres between sites, those that are there included.
        equity : float
            The worst-off tenth counts so many times.
        seconds : float, optional
            Time limit of the solver.
        curve, alternatives : int
            What each next site still brings, up to so many; so many near-optimal choices.
        progress : callable, optional
            Called with the best objective, the bound and the gap.

        Returns
        -------
        SitingAnswer
            ``sites`` (as from `site`), ``served`` (persons for each site and area), ``curve``, ``others``,
            ``siting`` (objective, bound, whether it is proven) and ``findings``.

        Raises
        ------
        InputError
            If no candidate is near a way, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> answer = up.City(up.cities()[0]).siting("grid:2000", existing="hospitals", p=1, mode="drive")
        >>> answer.siting.proven, len(answer.sites)
        (True, 1)
        """
        require("siting", "highspy")
        say = self._asked()
        _require_text(capacity=capacity)
        question = study.SitingQuestion(
            model=_model(model, p, budget), p=None if p is None else _count("p", p),
            minutes=limits_of(limit_of(minutes))[0], spacing_m=spacing_m or 0.0, budget=budget,
            capacity=capacity, equity=equity, seconds=seconds, curve=_count("curve", curve, 0),
            alternatives=_count("alternatives", alternatives, 0),
        )  # fmt: skip
        _require_above_0(budget=budget, equity=equity, seconds=seconds, spacing_m=spacing_m or None)
        people = self._people(demand, value, "site", say)
        shut = None if exclude is None else self._some(exclude, "exclude", say).frame
        known = None if existing is None else self._places(existing, "existing", say).frame
        grid = _spacing_of(candidates)
        here = None if grid else self._some(candidates, "candidates", say)
        ways = self._ways(_mode(mode), _ids(opened), say)
        if here is None:
            frame = self._grid(grid, shut, anywhere)
        else:
            frame = here.frame if shut is None else _outside(here.frame, shut, say)
        if people is None:
            answer = self._sited(ways, question, frame, known, progress)
        else:
            answer = study.sites_on(
                ways.ground, question, frame, known, people.frame, value,
                snap_m=self._snap(snap_m), progress=progress,
            )  # fmt: skip
        say(*answer.findings)
        return _sites_on_index(answer, here, say)

    def site(self, candidates: Any, **asked: Any) -> gpd.GeoDataFrame:
        """Where should the next facilities be?

        Parameters
        ----------
        candidates : GeoDataFrame, GeoSeries, path, str or sequence of (lon, lat)
        **asked
            As for `siting`.

        Returns
        -------
        GeoDataFrame
            WGS84, the chosen candidates on the caller's index, best first: ``site``, ``rank``, ``persons_new``
            (persons), ``objective``, ``bound``, ``gap`` (0-1), ``proven``, ``minutes``, ``mode``, ``accuracy_m`` (metres).

        Raises
        ------
        InputError
            If no candidate is near a way, or an argument cannot be understood.

        Examples
        --------
        >>> import urbanplan as up
        >>> sites = up.City(up.cities()[0]).site("grid:2000", existing="hospitals", p=1, mode="drive")
        >>> sites["rank"].tolist(), bool(sites["proven"].all())
        ([1], True)
        """
        known = Model.siting.__annotations__
        for name in asked:
            if name not in known or name in ("candidates", "return"):
                raise InputError(
                    f"there is no argument '{name}'", where="site", remedy=one_of(name, list(known)[1:-1])
                )  # fmt: skip
        return self.siting(candidates, **asked).sites

    # Common to all.

    def _asked(self) -> Findings:
        return Findings(self._note)

    def _places(self, given: Any, what: str, say: Findings) -> Places:
        if given is None:
            raise InputError(f"there are no {what}", where=what, remedy="give a frame, a file or (lon, lat) pairs")  # fmt: skip
        return places_of(given, what, say, self._layer_of())

    def _some(self, given: Any, what: str, say: Findings) -> Places:
        found = self._places(given, what, say)
        if not len(found.frame):
            raise InputError(
                f"'{given}' has no feature with a published place", where=what, remedy="draw them, or give others"
            )  # fmt: skip
        return found

    def _both_ends(self, origins: Any, destinations: Any, mode: str | Mode, direction: str, opened: Any, say: Findings) -> tuple[Places, Places, Ways]:  # fmt: skip
        require_direction(direction)
        starts, ends = self._some(origins, "origins", say), self._some(destinations, "destinations", say)  # fmt: skip
        return starts, ends, self._ways(_mode(mode), _ids(opened), say)

    def _supply(self, given: Any, say: Findings) -> gpd.GeoDataFrame:
        return self._places(given, "facilities", say).frame

    def _people(self, demand: Any, value: str, question: str, say: Findings) -> Places | None:
        if demand is None:
            self._require_people(question)
            return None
        _require_text(value=value)
        return self._some(demand, "demand", say)

    def _reached(self, ways: Ways, origins: gpd.GeoDataFrame | None, value: str, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        raise NotImplementedError

    def _shared(self, ways: Ways, supply: gpd.GeoDataFrame, capacity: str, method: str, limit: float, **asked: Any) -> study.Answer:  # fmt: skip
        raise NotImplementedError

    def _sited(self, ways: Ways, question: study.SitingQuestion, candidates: gpd.GeoDataFrame, existing: gpd.GeoDataFrame | None, progress: Any) -> study.SitingAnswer:  # fmt: skip
        raise NotImplementedError

    def _grid(self, spacing_m: float, shut: gpd.GeoDataFrame | None, anywhere: bool) -> gpd.GeoDataFrame:  # fmt: skip
        raise NotImplementedError


def _mode(mode: str | Mode) -> Mode:
    if isinstance(mode, Mode):
        return mode
    return load_catalog().mode(mode if isinstance(mode, str) else repr(mode))


def _ids(opened: Any) -> tuple[str, ...]:
    every = (opened,) if isinstance(opened, str) or not isinstance(opened, Iterable) else opened
    return tuple(map(str, every))


def _count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(f"'{value}' is no whole number from {least} on", where=name, remedy=f"give {least}, {least + 1}, {least + 2} …")  # fmt: skip
    return int(value)


def _require_text(**names: Any) -> None:
    for name, value in names.items():
        if value is not None and not isinstance(value, str):
            raise InputError(f"'{value}' is no name", where=name, remedy="give a text")


def _require_above_0(**figures: Any) -> None:
    for name, value in figures.items():
        if value is None:
            continue
        plain = isinstance(value, Real) and not isinstance(value, bool)
        if not plain or not 0 < value < float("inf"):
            raise InputError(f"'{value}' must be above 0 and finite", where=name, remedy="give a number above 0")  # fmt: skip


def _model(name: str, p: Any, budget: float | None) -> str:
    model = name if isinstance(name, str) else repr(name)
    if model not in MODELS:
        raise InputError(f"unknown model '{model}'", where="model", remedy=one_of(model, MODELS))  # fmt: skip
    if model == "lscp" and p is not None:
        raise InputError("lscp finds the number of sites itself", where="p", remedy="leave p out")
    if model != "lscp" and p is None and budget is None:
        raise InputError("nothing says how many sites", where="p", remedy="give p, or a budget")
    return model


def _spacing_of(candidates: Any) -> float:
    if not isinstance(candidates, str) or not candidates.startswith("grid:"):
        return 0.0
    try:
        spacing = float(candidates[5:])
    except ValueError:
        spacing = 0.0
    if not 0 < spacing < float("inf"):
        raise InputError(f"'{candidates}' is no grid such as grid:500", where="candidates", remedy="write grid: and metres above 0")  # fmt: skip
    return spacing


def _outside(given: gpd.GeoDataFrame, exclude: gpd.GeoDataFrame, say: Findings) -> gpd.GeoDataFrame:
    """Candidates that do not lie where nothing may be built; how many do is said."""
    inside = given.intersects(exclude.geometry.union_all())
    if inside.all():
        raise InputError(f"all {len(given)} candidates lie where nothing may be built", where="exclude", remedy="give others, or a smaller area")  # fmt: skip
    if inside.any():
        say(f"排除区内的 {inside.sum()} 个候选点不计 / {inside.sum()} candidates lie where nothing may be built")  # fmt: skip
    return given[~inside]


def _called(rows: pd.DataFrame, starts: Places, ends: Places) -> pd.DataFrame:
    # What places are called goes beside their ids: columns that the callers' frames have.
    out = rows[["origin"]].copy()
    for column in ("name", "name_zh", "name_en", "district"):
        if column in starts.frame:
            out[column] = starts.frame[column].to_numpy()
    out["origin"], out["destination"] = starts.named(out["origin"]), ends.named(rows["destination"])
    names: Mapping[str, str] = {"name": "destination_name", "name_zh": "destination_zh", "name_en": "destination_en"}  # fmt: skip
    for column, shown in names.items():
        if column in ends.frame:
            known = dict(zip(ends.frame["id"], ends.frame[column]))
            out[shown] = rows["destination"].map(known)
    return out.assign(minutes=rows["minutes"])


def _sites_on_index(answer: study.SitingAnswer, here: Places | None, say: Findings) -> study.SitingAnswer:  # fmt: skip
    sites, served = answer.sites, answer.served
    if here is not None:
        row = dict(zip(here.frame["id"], here.rows))
        sites.index = here.index[[row[fid] for fid in sites["site"]]]
        sites["site"], served["site"] = here.named(sites["site"]), here.named(served["site"])
    return replace(answer, sites=say.on(sites), findings=tuple(say.told))
