"""A city's folder: what is in it, what is put into it, and the atlas that is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan import study
from urbanplan.catalog import Mode, load_catalog
from urbanplan.city.layers import Layer, load_layers, require
from urbanplan.city.profile import City as Profile
from urbanplan.city.profile import load_city, load_own_city
from urbanplan.door.model import Findings, Model
from urbanplan.door.places import Layers, Note, table_html
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import lock, remove_folder
from urbanplan.study.model import Ready, Ways

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanplan.city.edits import Edits
    from urbanplan.city.fetch import Fetched
    from urbanplan.city.ingest import Report
    from urbanplan.study import Results


class CityFolder(Model):
    """What `City` does with its folder; its questions are there."""

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
