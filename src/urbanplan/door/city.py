"""A city's folder as an object: its layers, the questions of `Model`, and what only a city can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan import study
from urbanplan.base.crs import WGS84, to_crs
from urbanplan.catalog import Mode, load_catalog
from urbanplan.city.layers import GROUNDS, Layer, load_layers, require
from urbanplan.city.profile import City as Profile
from urbanplan.city.profile import load_city, load_own_city, require_facility
from urbanplan.door.model import MINUTES, Findings, Model, _ids, _mode
from urbanplan.door.places import Layers, Note, Places, limit_of, limits_of, table_html
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import lock, remove_folder
from urbanplan.measures.population import unassigned
from urbanplan.study.checkup import areas_of
from urbanplan.study.model import Ready, Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanplan.city.edits import Edits
    from urbanplan.city.fetch import Fetched
    from urbanplan.city.ingest import Report
    from urbanplan.measures.scenarios import Scenario
    from urbanplan.study import Comparison, Results

#: Places that people go to: those beyond the boundary count, too.
_REACHED = ("facilities", "destinations", "existing")


class City(Model):
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

    def __init__(self, city: str | Path | Profile, *, note: Note | None = None) -> None:
        if not isinstance(city, str | Path | Profile):
            raise InputError(f"a {type(city).__name__} is no city", where="city", remedy="give the id of an embedded city, or a folder")  # fmt: skip
        self._given, self._note = city, note
        #: The profile: names, metric system, folders, what a run asks.
        self.profile: Profile = city if isinstance(city, Profile) else load_city(city)
        self._known_ways: list[tuple[Mode, tuple[str, ...], Ways]] = []
        self._known_variants: dict[Path | str | None, study.Variants] = {}
        #: What became of the rows of the file that its boundary came from, where `create_city` read one.
        self.boundary: Report | None = None

    def __repr__(self) -> str:
        return f"<City {self.profile.id}: {self.profile.name_en or self.profile.name_zh}>"

    def _repr_html_(self) -> str:
        own = self.profile
        filled = sum(len(layer.frame) > 0 for layer in self._layers.values())
        rows = [
            ("city", f"{own.name_zh} / {own.name_en}"),
            ("metric system", own.metric_crs),
            ("layers", f"{filled} of {len(self._layers)} filled"),
            ("ways", "streets" if own.has("streets.osm.pbf") else "land, roads and bridges"),
            ("modes", ", ".join(own.analysis.modes)),
        ]
        return table_html(("City", own.id), rows)

    def __getitem__(self, name: str) -> gpd.GeoDataFrame:
        return self.layers[name]

    def __contains__(self, name: object) -> bool:
        return name in self.layers

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.layers)

    @property
    def layers(self) -> Layers:
        """Layers by name, each a GeoDataFrame in WGS84."""
        return Layers(self._layers, self._layer)

    @cached_property
    def _layers(self) -> Mapping[str, Layer]:
        return load_layers(self.profile)

    @cached_property
    def _ready(self) -> Ready:
        return study.prepare(self.profile, self._layers)

    def _layer(self, name: str) -> Layer:
        if name not in self._layers:
            known = load_catalog().layers
            if name in known:
                require(self._layers, name)
            raise UnknownNameError(f"the city has no layer '{name}'", where=self.profile.id, remedy=one_of(str(name), self._layers))  # fmt: skip
        return self._layers[name]

    def _forget(self) -> None:
        # What was read of the folder is not what is there any more.
        for name in ("_layers", "_ready"):
            self.__dict__.pop(name, None)
        self._known_ways, self._known_variants = [], {}
        self.profile = load_city(self.profile.folders[0])

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

    # What only a city can do.

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

    def run(
        self,
        out: Path | str | None = None,
        *,
        layers: Path | str | None = None,
        basemap: str | None = None,
        key: str | None = None,
        min_persons: int = 0,
        watch: study.Watch = nullcontext,
    ) -> Results:
        """Compute everything that the city's profile asks for, and write the atlas.

        Parameters
        ----------
        out : path, optional
            Folder to write: page, GeoPackage, QGIS project, raster, tables, log. Without it nothing is written.
        layers : path, optional
            A GeoPackage of a run that was edited in QGIS: its layers are used.
        basemap, key : str, optional
            Of the page: ``tianditu``, ``osm`` or an XYZ template, and the reader's own key for Tianditu.
        min_persons : int
            Round every count of people so that none tells of fewer than so many.
        watch : callable, optional
            Called with each stage's name; returns a context manager.

        Returns
        -------
        Results
            Tables and frames of the run, and in ``written`` its files; see `urbanplan.study.Results`.

        Raises
        ------
        InputError
            If a layer cannot be used, or `out` is a city's folder.
        """
        from urbanplan.files import write_csv
        from urbanplan.output import formats
        from urbanplan.output.page import Options
        from urbanplan.output.rounding import rounded

        page = Options(basemap=basemap, key=key, min_persons=min_persons)
        say, timed = self._asked(), study.Timed(watch)
        folder = None if out is None else self._apart(Path(out), layers)
        self._require_filled(say)
        with nullcontext() if folder is None else lock(folder):
            edits = None if layers is None else self._edited(layers, timed, say)
            used = self._layers if edits is None else edits.layers
            stages = None if folder is None else folder / ".stages"
            results = rounded(study.run(self.profile, timed, stages, used), min_persons)
            if folder is None or stages is None:
                return results
            written = formats.write_atlas(results, folder, page=page, watch=timed)
            if edits is not None and not results.least:
                written["changes"] = write_csv(folder / "changes.csv", edits.changes)
            written["log"] = formats.write_log(results, folder, written, timed.stages)
            remove_folder(stages)
        return replace(results, written=written)

    def _apart(self, folder: Path, layers: Path | str | None) -> Path:
        from urbanplan.files import is_city_folder

        if is_city_folder(folder) or folder.resolve() in [
            f.resolve() for f in self.profile.folders
        ]:
            raise InputError("is a city's folder", where=folder, remedy="choose another folder for what a run writes")  # fmt: skip
        # What somebody edited must not be written over by what is made of it.
        if layers is not None and Path(layers).resolve().parent == folder.resolve():
            raise InputError(f"would be written over, since the run writes to '{folder}'", where=layers, remedy="name another folder with --out, or move the file")  # fmt: skip
        return folder

    def _require_filled(self, say: Findings) -> None:
        # A folder that nothing was put into yet is not one that something was lost from.
        ways = (
            f"fill it with `urbanplan fetch {self._folder} --pbf EXTRACT.osm.pbf`, or with"
            f" `urbanplan import FILE --kind parks --into {self._folder}`"
        )
        if not self._layers:
            raise InputError("has no layers yet", where=self._folder, remedy=ways)
        filled = {n for n, layer in self._layers.items() if len(layer.frame)}
        if filled <= {"districts", "study_area"} and not self.profile.has("streets.osm.pbf"):
            say(f"its layers are all empty, so little can be told: {ways}")

    def _edited(self, file: Path | str, watch: study.Watch, say: Findings) -> Edits:
        from urbanplan.city.edits import take

        with watch("edits"):
            edits = take(self.profile, self._layers, file)
        say(*(f"{f.layer} {f.feature}: {f.message}" for f in edits.findings))
        counts = edits.changes["change"].value_counts()
        said = ", ".join(f"{n} {what}" for what, n in counts.items())
        say(f"{Path(file).name}: {said or 'nothing is changed'}")
        return edits

    def changes(self, file: Path | str, *, watch: study.Watch = nullcontext) -> Edits:
        """What was edited in the GeoPackage of a run: added, removed, moved by how much, changed.

        Nothing is written: `run` with ``layers`` computes with the edits, `take` keeps them.

        Parameters
        ----------
        file : path
            A ``.gpkg`` that a run has written.
        watch : callable, optional
            Called with each stage's name; returns a context manager.

        Returns
        -------
        Edits
            ``changes``, a row for each edited feature; ``layers``, the city's with the edits.

        Raises
        ------
        InputError
            If it is another city's, or has none of the city's layers.
        """
        return self._edited(file, watch, self._asked())

    def take(self, file: Path | str) -> dict[str, Path]:
        """Keep what was edited in the GeoPackage of a run: its layers take the place of the city's.

        Parameters
        ----------
        file : path
            A ``.gpkg`` that a run has written.

        Returns
        -------
        dict of str to Path
            The layers that were written.

        Raises
        ------
        InputError
            If it is another city's, or the city ships with the package.
        """
        from urbanplan.city.edits import keep, take

        own, say = load_own_city(self._folder), self._asked()
        with lock(own.layers_folder):
            edits = take(own, load_layers(own), file)
            say(*(f"{row.layer} {row.id} ({row.name_zh}): {row.change}" for row in edits.changes.itertuples()))  # fmt: skip
            written = keep(own, edits, today())
        notes = [f"{f.layer} {f.feature}: {f.message}" for f in edits.findings]
        say(*(notes or ([] if written else ["nothing has changed"])))
        self._forget()
        return written

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

    def fetch(
        self,
        pbf: Path | str | None = None,
        *,
        overpass: str | None = None,
        points: str | None = None,
        allow_private: bool = False,
        proxy: str | None = None,
        replace: bool = False,
        watch: study.Watch = nullcontext,
    ) -> Fetched:
        """Fill the city's layers and streets from OpenStreetMap.

        Parameters
        ----------
        pbf : path, optional
            An extract that covers the city, such as those of Geofabrik.
        overpass : str, optional
            Address of an Overpass server to ask instead.
        points : {'china'}, optional
            Facilities alone, from a package of OpenStreetMap's named objects instead.
        allow_private : bool
            The server is in your own network.
        proxy : str, optional
            Ask through this proxy.
        replace : bool
            Also replace layers that came from elsewhere.
        watch : callable, optional
            Called with each stage's name; returns a context manager.

        Returns
        -------
        Fetched
            ``features`` (count for each layer), ``ways`` (count), ``kept``, ``notes``.

        Raises
        ------
        InputError
            If none or several are given, the file cannot be read, or the city ships with the package.
        """
        from urbanplan.city import fetch as intake
        from urbanplan.servers.web import Guard

        if [pbf, overpass, points].count(None) != 2 or points not in (None, "china"):
            raise InputError("give one of an extract, a server and points='china'", where="fetch", remedy="city.fetch('EXTRACT.osm.pbf'), or city.fetch(overpass='https://…')")  # fmt: skip
        own, say = load_own_city(self._folder), self._asked()
        with lock(own.layers_folder):
            if points is not None:
                with watch("read"):
                    found = intake.fetch_points(own, day=today(), replace=replace)
            elif overpass is None:
                assert pbf is not None
                with watch("read"):
                    found = intake.fetch(own, pbf, day=today(), replace=replace)
            else:
                guard = Guard(allow_private=allow_private, proxy=proxy)
                found = intake.fetch_from(
                    own, overpass, guard, day=today(), replace=replace, note=say, watch=watch
                )
        say(*found.notes)
        self._forget()
        return found

    def add(
        self,
        file: Path | str,
        kind: str,
        *,
        crs: str | None = None,
        transform: tuple[float, ...] | None = None,
        encoding: str | None = None,
        layer: str | None = None,
        columns: Mapping[str, str] | None = None,
        keep: str = "",
        strict: bool = False,
        large: bool = False,
        band: int | None = None,
        unit: str | None = None,
        status: str = "existing",
        quality: str = "derived",
        accuracy_m: float | None = None,
        source: str | None = None,
        licence: str = "not stated",
        as_of: str = "not stated",
    ) -> Report:
        """Make a planner's file a layer of the city, and say what was mapped, repaired and refused.

        Parameters
        ----------
        file : path
            Shapefile, GeoPackage, GeoJSON, KML, DXF, Excel, CSV and others, a zip of them, or a raster.
        kind : str
            The layer that it becomes, such as ``parks``; ``streets``; ``population`` or ``heights``.
        crs : str, optional
            ``gcj02``, ``bd09`` or ``EPSG:n``, before the file's own.
        transform : tuple of 7 floats, optional
            Its datum to WGS84: three shifts in metres, three rotations in seconds of arc, scale in ppm.
        encoding, layer : str, optional
            Of its text, such as ``gbk``; which layer, where a file has several.
        columns : mapping of str to str, optional
            Our columns to those of the file, such as ``{"name_zh": "名称"}``.
        keep : {"", "append", "replace"}
            What becomes of the features that are there: with none, a layer that is filled is refused.
        strict : bool
            Any repair, refusal or suspicion is an error.
        large : bool
            Allow more than 5 million features.
        band, unit : optional
            Of a raster: its band; persons, persons/km2 or persons/ha.
        status, quality, licence, as_of, source : str
            What its rows are worth.
        accuracy_m : float, optional
            Its positional accuracy in metres.

        Returns
        -------
        Report
            Path of the layer, counts of rows (0 of rasters and streets), columns mapped, repairs, refusals, notes.

        Raises
        ------
        InputError
            If nothing of the file can be used, or the city ships with the package.
        CrsError
            If it declares no coordinate system.
        """
        from urbanplan.city.ingest import bring_file
        from urbanplan.city.repair import Worth
        from urbanplan.files import split_name

        own = load_own_city(self._folder)
        made = source or f"file {split_name(file)[0].name}"
        worth = Worth(status, quality, accuracy_m, made, licence, as_of)
        with lock(own.layers_folder):
            report = bring_file(
                own, file, kind, worth, crs=crs, layer=layer, encoding=encoding, given=columns or {},
                seven=transform, keep=keep, strict=strict, large=large, band=band, unit=unit, day=today(),
            )  # fmt: skip
        self._asked()(*report.notes, *report.summary())
        self._forget()
        return report

    @property
    def _folder(self) -> Path | str:
        return self._given if isinstance(self._given, str | Path) else self.profile.folders[0]


def today() -> str:
    """The day, as manifests have it."""
    return datetime.now(UTC).date().isoformat()


def _metres(value: Any) -> float:
    from urbanplan.door.model import _require_above_0

    _require_above_0(snap_m=value)
    return float(value)
