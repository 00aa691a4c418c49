"""One city: its names, metric coordinate system, folders, and what an analysis of it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanplan.base import crs as crs_
from urbanplan.base.schema import (
    ABOVE_0,
    FROM_0,
    ID,
    NAME,
    NAMES,
    TABLE,
    TEXT,
    listed,
    require_fields,
    require_id,
    upto,
)
from urbanplan.catalog import load_catalog
from urbanplan.errors import InputError, MissingFileError, UnknownNameError, one_of
from urbanplan.files import (
    has,
    is_city_folder,
    is_folder,
    list_folders,
    read_toml,
    require_inside,
    require_own,
    require_still,
)
from urbanplan.files.manifest import lists, read_manifest, verify

_CITY = {"id": ID, **dict.fromkeys(("name_zh", "name_en", "metric_crs"), NAME)}
_BESIDES = {
    **dict.fromkeys(("layers", "notice_zh", "notice_en", "country"), TEXT),
    "adcodes": NAMES,
}
#: Longer than a day is a slip of the hand.
_MINUTES = upto(1440)
_STUDY = {"cell_m": ABOVE_0, "facilities": NAMES, "modes": NAMES, "minutes": listed(_MINUTES), "snap_m": FROM_0, "headline": TABLE}  # fmt: skip
_HEADLINE = {
    **dict.fromkeys(("name_zh", "name_en", "facilities", "mode"), NAME),
    "minutes": _MINUTES,
}


@dataclass(frozen=True)
class Analysis:
    """What a run computes.

    Attributes
    ----------
    cell_m : float
        Cell of the friction surface in metres.
    facilities, modes : tuple of str
        Layer ids and mode ids.
    minutes : tuple of float
        Limits, ascending.
    snap_m : float
        Facilities farther than this from passable land are reported, not moved.
    headline_facilities, headline_mode, headline_minutes
        The one figure that the page opens with.
    headline_zh, headline_en : str
        Its name, as the plan words it.
    """

    cell_m: float
    facilities: tuple[str, ...]
    modes: tuple[str, ...]
    minutes: tuple[float, ...]
    snap_m: float
    headline_facilities: str
    headline_mode: str
    headline_minutes: float
    headline_zh: str
    headline_en: str


@dataclass(frozen=True)
class City:
    """A city's profile; `folders` are searched in order for layer files.

    `manifest` is what `urbanplan.files.manifest.read_manifest` found in the last of them, `titles` what
    this city calls its layers (``name_zh``, ``name_en``) where the catalogue's names do not do,
    `country` the ISO 3166 code of the country whose standards judge it, empty where nobody said.
    """

    id: str
    name_zh: str
    name_en: str
    metric_crs: str
    folders: tuple[Path, ...]
    notice_zh: str
    notice_en: str
    analysis: Analysis
    manifest: Mapping[str, Any]
    titles: Mapping[str, Mapping[str, str]]
    country: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that its files could not be called by."""
        require_id(self.id, "a city")

    @property
    def language(self) -> str:
        """In which of two languages the city's page opens and its report is written: Chinese in China, else English.

        A profile that names no country, but calls the city in Chinese letters only, is taken for one of China.
        """
        chinese = self.country == "CN" or (
            not self.country and _is_chinese(self.name_zh, self.name_en)
        )
        return "zh" if chinese else "en"

    @property
    def layers_folder(self) -> Path:
        """Where its layers and its manifest lie; looked at anew each time, as it is what is written to."""
        return self._still(self.folders[-1])

    def _still(self, folder: Path) -> Path:
        # The first is what the user named, maybe by a link; the other is the city's own.
        return folder if folder == self.folders[0] else require_still(folder)

    def find(self, filename: str) -> Path:
        """Path of a file of this city.

        Raises
        ------
        MissingFileError
            Naming the folders that were searched.
        InputError
            If the file is a link to one outside the city's folders, or its bytes are not those
            that the manifest lists.
        """
        for folder in self.folders:
            if has(folder / filename):
                home = self._still(folder)
                return verify(require_inside(home / filename, home), self.manifest)
        places = " or ".join(str(f) for f in self.folders)
        raise MissingFileError(
            f"no file '{filename}' in {places}",
            where=self.id,
            remedy="add it or restore the folder",
        )

    def has(self, filename: str) -> bool:
        """Whether one of the city's folders holds `filename`.

        Raises
        ------
        MissingFileError
            If the manifest lists the file and none does.
        """
        held = any(has(folder / filename) for folder in self.folders)
        if not held and lists(self.manifest, filename):
            verify(self.layers_folder / filename, self.manifest)
        return held


def embedded_data() -> Path:
    """Folder of the cities that ship with the package: inside the wheel, or beside the source."""
    inside = Path(__file__).parents[1] / "data"
    return inside if is_folder(inside) else Path(__file__).parents[3] / "data"


def embedded_cities() -> list[str]:
    """Ids of the cities that ship with the package."""
    return [p.name for p in list_folders(embedded_data() / "boundaries") if is_city_folder(p)]


def load_city(city: str | Path, *, verified: bool = True) -> City:
    """Read a city's profile.

    Parameters
    ----------
    city : str or path
        The id of an embedded city, or a folder with a ``city.toml``.
    verified : bool
        Whether the profile's bytes must be those that the manifest lists.

    Returns
    -------
    City

    Raises
    ------
    UnknownNameError
        If it is neither.
    InputError
        If the profile or its ``study.toml`` lacks a key or names an unknown layer or mode.
    """
    if str(city) in embedded_cities():
        folder = embedded_data() / "boundaries" / str(city)
    elif is_city_folder(city):
        folder = Path(city)
    else:
        raise UnknownNameError(
            f"'{city}' is neither an embedded city nor a folder with a city.toml",
            remedy=f"use one of {', '.join(embedded_cities())}, or a folder",
        )
    path, study = folder / "city.toml", folder / "study.toml"
    # What ships with the package may be links, as some installers make them.
    links = folder.is_relative_to(embedded_data())
    analysis = _analysis(read_toml(study, links=links), study)
    found = _city(folder, path, read_toml(path, links=links), analysis)
    if verified:
        for profile in (path, study):
            verify(profile, found.manifest)
    return found


def load_own_city(folder: str | Path, *, verified: bool = True) -> City:
    """Read the profile of a city that may be written to.

    Raises
    ------
    InputError
        If it is one that ships with the package.
    """
    city = load_city(folder, verified=verified)
    if city.layers_folder.resolve().is_relative_to(embedded_data().resolve()):
        raise InputError(
            "ships with the package and is not written to",
            where=city.id,
            remedy="set up a folder of your own with `urbanplan init`",
        )
    return city


def _city(folder: Path, path: Path, profile: dict[str, Any], analysis: Analysis) -> City:
    require_fields(profile, "the profile", path, {"city": TABLE}, {"titles": TABLE})
    row, titles = profile["city"], profile.get("titles", {})
    require_fields(row, "[city]", path, _CITY, _BESIDES)
    for layer, names in titles.items():
        load_catalog().layer(layer)
        require_fields(names, f"titles.{layer}", path, {}, {"name_zh": NAME, "name_en": NAME})
    folders = [folder]
    if "layers" in row:
        layers = folder / row["layers"]
        # The folder of an embedded city may lie beside it; a stranger's profile stays at home.
        shipped = folder.is_relative_to(embedded_data())
        held = require_inside(layers, embedded_data()) if shipped else require_own(layers, folder)
        folders.append(held.resolve())
    manifest = read_manifest(folders[-1], links=folder.is_relative_to(embedded_data()))
    return City(
        id=row["id"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        metric_crs=crs_.require_metric(row["metric_crs"], path),
        folders=tuple(folders),
        notice_zh=row.get("notice_zh", ""),
        notice_en=row.get("notice_en", ""),
        analysis=analysis,
        manifest=manifest,
        titles=titles,
        country=row.get("country", _country_of(row)),
    )


def _country_of(row: Mapping[str, Any]) -> str:
    # A profile that does not say: only cities of China have codes, or are measured in CGCS2000.
    chinese = bool(row.get("adcodes")) or crs_.is_cgcs2000(row["metric_crs"])
    return "CN" if chinese else ""


def _is_chinese(name: str, english: str) -> bool:
    # Of a city abroad, `init` writes the same name twice, in whatever letters its people use.
    return name != english and any("\u4e00" <= letter <= "\u9fff" for letter in name)


def _analysis(row: dict[str, Any], path: Path) -> Analysis:
    require_fields(row, "the study", path, _STUDY)
    catalog, head = load_catalog(), row["headline"]
    require_fields(head, "[headline]", path, _HEADLINE)
    minutes = tuple(float(m) for m in row["minutes"])
    if not minutes or list(minutes) != sorted(set(minutes)):
        raise InputError(
            "minutes must be positive and ascending", where=path, remedy="e.g. [5, 10, 15, 30]"
        )
    for name in (*row["facilities"], head["facilities"]):
        require_facility(name, path)
    for name in (*row["modes"], head["mode"]):
        catalog.mode(name)
    for key, name in (("facilities", "facilities"), ("modes", "mode")):
        asked = row[key]
        if not asked or len(set(asked)) != len(asked):
            raise InputError(f"{key} must name each once", where=path, remedy="correct the list")
        if head[name] not in asked:
            raise InputError(f"the headline is not among the {key}", where=path, remedy="add it")
    if float(head["minutes"]) not in minutes:
        raise InputError("the headline is not among the minutes", where=path, remedy="add it")
    return Analysis(
        cell_m=float(row["cell_m"]),
        facilities=tuple(row["facilities"]),
        modes=tuple(row["modes"]),
        minutes=minutes,
        snap_m=float(row["snap_m"]),
        headline_facilities=head["facilities"],
        headline_mode=head["mode"],
        headline_minutes=float(head["minutes"]),
        headline_zh=head["name_zh"],
        headline_en=head["name_en"],
    )


def require_facility(name: str, where: object = None) -> None:
    """Raise unless `name` is a facility layer of the catalogue, listing those that are."""
    layers = load_catalog().layers
    known = [n for n, kind in layers.items() if kind.role == "facility"]
    if name not in known:
        raise UnknownNameError(
            f"'{name}' is not a facility layer",
            where=where,
            remedy=one_of(name, known),
        )
