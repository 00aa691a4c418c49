"""What urbanplan knows before it sees a city: layer kinds and travel modes, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import numpy as np

from urbanplan.base.schema import (
    FIGURE,
    FLAG,
    FROM_0,
    NAME,
    NAMES,
    SCALAR,
    TABLE,
    TEXT,
    Kind,
    require_fields,
    require_id,
    upto,
)
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import read_toml

_Kept = TypeVar("_Kept")
#: Columns that every layer carries, in this order.
COMMON_COLUMNS = (
    "id", "name_zh", "name_en", "kind", "district", "status", "quality", "accuracy_m",
    "source", "licence", "as_of", "note_zh", "note_en",
)  # fmt: skip
#: Whether a thing is there (existing), decided (planned) or spoken of (announced).
STATUSES = ("existing", "planned", "announced")
#: How well a geometry is known, best first.
QUALITIES = ("surveyed", "derived", "schematic", "modelled")
#: Shapely geometry types behind each geometry family.
GEOMETRY_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "point": ("Point", "MultiPoint"),
        "line": ("LineString", "MultiLineString"),
        "polygon": ("Polygon", "MultiPolygon"),
        "none": (),
    }
)


@dataclass(frozen=True)
class LayerKind:
    """One kind of layer: its names, geometry family, role in the analysis and extra columns."""

    id: str
    name_zh: str
    name_en: str
    geometry: str
    role: str
    chapter: str
    color: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class LandSpeed:
    """Movement where no street is drawn: speed along streets and their detour factor."""

    speed_kmh: float
    detour: float

    @property
    def pace_min_per_m(self) -> float:
        """Minutes per straight-line metre."""
        return self.detour * 0.06 / self.speed_kmh


@dataclass(frozen=True)
class StreetRules:
    """What a mode may do on streets, in OpenStreetMap's tags; `modes.toml` explains each field."""

    access: tuple[str, ...]
    open: tuple[str, ...]
    oneway: tuple[str, ...]
    implied_oneway: tuple[str, ...]
    no_stopping: tuple[str, ...]
    contraflow: tuple[str, ...]
    barriers: tuple[str, ...]
    push_kmh: float
    maxspeed: bool
    off_street_kmh: float
    off_street_m: float
    slope: str
    other_kmh: float
    kmh: Mapping[str, float]
    source: str
    source_zh: str = ""
    opened_kmh: Mapping[str, float] = field(default_factory=dict)
    passes: tuple[str, ...] = ()
    squares: bool = False
    own: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    u_turns: bool = True
    ferries: bool = False
    ferry_kmh: float = 15.0

    @property
    def off_street_min_per_m(self) -> float:
        """Minutes per metre between a street and a place beside it."""
        return 0.06 / self.off_street_kmh


@dataclass(frozen=True)
class Mode:
    """A way of travelling, over a surface and on streets; `source` says where speeds come from."""

    id: str
    name_zh: str
    name_en: str
    built_up: LandSpeed
    open_land: LandSpeed
    on_roads: float | Literal["posted"]
    forbidden_classes: tuple[str, ...]
    source: str
    streets: StreetRules | None = None
    source_zh: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that its results could not be called by."""
        require_id(self.id, "a mode")


@dataclass(frozen=True)
class Symbols:
    """Colours, widths and words that all outputs draw and speak with; see `symbols.toml`."""

    ramp: tuple[str, ...]
    gap: str
    conflict: tuple[str, str]
    less: tuple[str, ...]
    same: str
    more: tuple[str, ...]
    roads: Mapping[str, Mapping]
    fill: Mapping[str, float]
    values: Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Catalog:
    """All layer kinds, chapters, names of fields, modes and symbols, in their order of presentation."""

    layers: Mapping[str, LayerKind]
    chapters: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, str]]
    modes: Mapping[str, Mode]
    symbols: Symbols

    def layer(self, name: str) -> LayerKind:
        """Return the layer kind called `name`; raise `UnknownNameError` with the choices."""
        return _pick(self.layers, name, "layer kind")

    def mode(self, name: str) -> Mode:
        """Return the mode called `name`; raise `UnknownNameError` with the choices."""
        return require_mode(self.modes, name)


def require_mode(modes: Mapping[str, Mode], name: str) -> Mode:
    """Return the mode called `name`; raise `UnknownNameError` with the choices."""
    return _pick(modes, name, "mode")


def _pick(table: Mapping[str, _Kept], name: str, what: str) -> _Kept:
    try:
        return table[name]
    except KeyError:
        raise UnknownNameError(f"unknown {what} '{name}'", remedy=one_of(name, table)) from None


#: Kilometres an hour; what is faster is a slip of the hand.
_KMH = upto(500)
_MODE = {
    **dict.fromkeys(("name_zh", "name_en", "source"), NAME),
    **dict.fromkeys(("built_up", "open_land"), TABLE),
    "on_roads": SCALAR,
    "forbidden_classes": NAMES,
}
_LAND = {"speed_kmh": _KMH, "detour": Kind("a number of 1 or more", lambda v: FIGURE.fits(v) and v >= 1)}  # fmt: skip
_LISTS = ("access", "open", "oneway", "implied_oneway", "no_stopping", "contraflow", "barriers")
_STREETS = {
    **dict.fromkeys(_LISTS, NAMES),
    **dict.fromkeys(("push_kmh", "off_street_m"), FROM_0),
    **dict.fromkeys(("off_street_kmh", "other_kmh"), _KMH),
    "maxspeed": FLAG,
    "slope": NAME,
    "kmh": TABLE,
    "source": NAME,
}
#: What `on_roads` says where the road's own speed counts.
_POSTED: Final = "posted"


def _land_speed(what: str, row: Any, where: object) -> LandSpeed:
    require_fields(row, what, where, _LAND)
    return LandSpeed(float(row["speed_kmh"]), float(row["detour"]))


def mode_of(name: str, row: Any, where: object) -> Mode:
    """A mode of a table such as ``modes.toml`` has; raise `InputError` where a figure or a text cannot be."""
    what = f"mode {require_id(name, 'a mode', where)}"
    require_fields(row, what, where, _MODE, {"streets": TABLE, "source_zh": TEXT})
    on_roads = row["on_roads"]
    if on_roads != _POSTED and not _KMH.fits(on_roads):
        raise InputError(f"{what}: on_roads is '{on_roads}'", where=where, remedy=f"write '{_POSTED}' or km/h")  # fmt: skip
    return Mode(
        id=name,
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        built_up=_land_speed(f"{what}.built_up", row["built_up"], where),
        open_land=_land_speed(f"{what}.open_land", row["open_land"], where),
        on_roads=_POSTED if on_roads == _POSTED else float(on_roads),
        forbidden_classes=tuple(row["forbidden_classes"]),
        source=row["source"],
        streets=_street_rules(what, row["streets"], where) if "streets" in row else None,
        source_zh=row.get("source_zh", ""),
    )


def _street_rules(mode: str, row: Any, where: object) -> StreetRules:
    what = f"{mode}.streets"
    more = {
        "source_zh": TEXT,
        "opened_kmh": TABLE,
        "passes": NAMES,
        "squares": FLAG,
        "own": NAMES,
        "turns": NAMES,
        "u_turns": FLAG,
        "ferries": FLAG,
        "ferry_kmh": _KMH,
    }
    require_fields(row, what, where, _STREETS, more)
    opened = row.get("opened_kmh", {})
    require_fields(row["kmh"], f"{what}.kmh", where, {}, dict.fromkeys(row["kmh"], _KMH))
    require_fields(opened, f"{what}.opened_kmh", where, {}, dict.fromkeys(opened, FROM_0))
    if row["slope"] not in SPEED_FACTORS:
        choices = ", ".join(SPEED_FACTORS)
        raise InputError(
            f"{what} has the unknown slope '{row['slope']}'",
            where=where,
            remedy=f"use one of {choices}",
        )
    values = dict(row) | {
        key: tuple(row.get(key, ())) for key in (*_LISTS, "passes", "own", "turns")
    }
    for key, speeds in (("kmh", row["kmh"]), ("opened_kmh", opened)):
        values[key] = MappingProxyType({k: float(v) for k, v in speeds.items()})
    return StreetRules(**values)


def read_modes(path: Path | str | None = None) -> Mapping[str, Mode]:
    """Modes that ship with the package, changed and added to by a file of the user's.

    Parameters
    ----------
    path : path, optional
        A TOML file like ``catalog/modes.toml``; what it names replaces the shipped figure, what
        it leaves out stays.

    Returns
    -------
    mapping of str to Mode

    Raises
    ------
    InputError
        If a new mode lacks a field, or a figure cannot be.
    """
    rows = read_toml(Path(__file__).parent / "modes.toml")
    if path is not None:
        rows = _merged(rows, read_toml(path))
    return MappingProxyType({name: mode_of(name, row, path) for name, row in rows.items()})


def _merged(base: Mapping, over: Mapping) -> dict:
    both = dict(base)
    for key, value in over.items():
        old = both.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merged(old, value)
        both[key] = value
    return both


#: Values of a tag that are wanted, or True for every value but "no".
Wanted = Mapping[str, frozenset[str] | Literal[True]]


def has_tag(tags: Mapping[str, str], wanted: Wanted) -> bool:
    """Whether any tag has a wanted value; of a list ``a;b`` any will do, remarks do not count."""
    for key, values in wanted.items():
        for value in tags.get(key, "").split(";"):
            plain = value.split('"')[0].strip()
            if plain and (plain != "no" if values is True else plain in values):
                return True
    return False


@dataclass(frozen=True)
class Implied:
    """Tags that other tags of a way amount to, unless it says otherwise itself."""

    when: Mapping[str, tuple[str, ...]]
    then: Mapping[str, str]
    source: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closed:
    """A tag that keeps out the modes that obey an access key, whatever else a way says."""

    key: str
    to: str
    source: str
    values: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Whether a way has the tag."""
        value = tags.get(self.key)
        return value is not None and (value in self.values or bool(self.but and value not in self.but))  # fmt: skip


@dataclass(frozen=True)
class TagRules:
    """What tags mean whatever the mode; `tags.toml` explains each field."""

    built: frozenset[str]
    implied: tuple[Implied, ...]
    closed: tuple[Closed, ...]
    kmh: Mapping[str, float]
    mph: frozenset[str]
    posted_kmh: tuple[float, float]
    most_kmh: Mapping[str, float]


@cache
def read_tag_rules() -> TagRules:
    """The meaning of OpenStreetMap's tags that ships with the package."""
    rows = read_toml(Path(__file__).parent / "tags.toml")
    return TagRules(
        built=frozenset(rows["built"]),
        implied=tuple(
            Implied(**{**row, "unless": tuple(row.get("unless", ()))}) for row in rows["implied"]
        ),
        closed=tuple(Closed(**row) for row in rows["closed"]),
        kmh=rows["kmh"],
        mph=frozenset(rows["mph"]["countries"]),
        posted_kmh=(rows["posted"]["least_kmh"], rows["posted"]["most_kmh"]),
        most_kmh=rows["most_kmh"],
    )


@dataclass(frozen=True)
class StreetSchema:
    """What other people's street layers call tags and their values; see `streets.toml`."""

    columns: Mapping[str, tuple[str, ...]]
    passed: frozenset[str]
    classes: Mapping[str, Mapping[str, str]]
    osm_classes: frozenset[str]
    oneway: Mapping[str, tuple[str, ...]]


def plain_name(name: object) -> str:
    """A name without case, blanks, underscores and brackets, as names of columns are compared."""
    return re.sub(r"[\s_（）()]", "", str(name)).casefold()


@cache
def read_street_schema() -> StreetSchema:
    """The names that ship with the package; classes of OpenStreetMap are those that a mode knows."""
    rows = read_toml(Path(__file__).parent / "streets.toml")
    modes = [mode.streets for mode in load_catalog().modes.values() if mode.streets]
    return StreetSchema(
        columns={key: tuple(names) for key, names in rows["columns"].items()},
        passed=frozenset(map(plain_name, rows["passed"]["names"])),
        classes={plain_name(name): tags for name, tags in rows["classes"].items()},
        osm_classes=read_tag_rules().built.union(*(mode.kmh for mode in modes)),
        oneway={word: tuple(names) for word, names in rows["oneway"].items()},
    )


@dataclass(frozen=True)
class OsmRule:
    """What in OpenStreetMap belongs to a layer; `osm.toml` explains each field."""

    layer: str
    tags: Wanted
    unless: Wanted
    sources: frozenset[str]
    kind: tuple[str, ...]
    columns: Mapping[str, str]
    min_m2: float
    near_water_m: float | None
    stays: bool
    whole: tuple[tuple[str, ...], ...]
    same_m: float
    fclass: frozenset[str]

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Whether a thing with these tags belongs to the layer."""
        return has_tag(tags, self.tags) and not has_tag(tags, self.unless)


@dataclass(frozen=True)
class OsmExclusion:
    """What is left out of layers though its tags say that it belongs there; see `osm.toml`."""

    layers: frozenset[str]
    of: Wanted
    tags: Wanted
    but: Wanted
    prefixes: tuple[str, ...]
    before: str
    after: str
    below_m2: float
    unnamed: bool
    reason: tuple[str, str]

    def holds(self, rule: OsmRule, tags: Mapping[str, str], m2: float, day: str) -> bool:
        """Whether a thing of a layer, of so many square metres, is left out on a day (ISO)."""
        if (rule.layer not in self.layers) if self.layers else rule.stays:
            return False
        if (self.of and not has_tag(tags, self.of)) or has_tag(tags, self.but):
            return False
        if (self.unnamed and tags.get("name")) or (self.below_m2 and m2 >= self.below_m2):
            return False
        if self.before or self.after:
            date = tags.get(self.before or self.after, "")
            if not re.fullmatch(r"\d{4}(-\d\d){0,2}", date):
                return False
            now = day[: len(date)]
            return date < now if self.before else date > now
        if self.prefixes:
            own = {tags[key] for key in rule.tags if key in tags}
            once = (tags.get(f"{p}:{key}") for p in self.prefixes for key in rule.tags)
            return bool(own.intersection(once))
        return has_tag(tags, self.tags)


def _wanted(row: Mapping[str, Any]) -> Wanted:
    return {k: v if v is True else frozenset(v) for k, v in row.items()}


@cache
def walked_tags() -> Mapping[str, frozenset[str]]:
    """Tags that make a street of a way without ``highway``, such as ``railway=platform``."""
    rows = [row.when.items() for row in read_tag_rules().implied if "highway" in row.then]
    return {key: frozenset(values) for row in rows for key, values in row}


@cache
def read_osm_rules() -> tuple[OsmRule, ...]:
    """The tag catalogue that ships with the package, one rule per layer."""
    rows = read_toml(Path(__file__).parent / "osm.toml")
    return tuple(
        OsmRule(
            layer=name,
            tags=_wanted(row["tags"]),
            unless=_wanted(row.get("not", {})),
            sources=frozenset(row["from"]),
            kind=tuple(row["kind"]),
            columns=row.get("columns", {}),
            min_m2=float(row.get("min_m2", 0)),
            near_water_m=row.get("near_water_m"),
            stays=row.get("stays", False),
            whole=tuple(map(tuple, row.get("whole", ()))),
            same_m=float(row.get("same_m", 0)),
            fclass=frozenset(row.get("fclass", ())),
        )
        for name, row in rows.items()
        if name != "left_out"
    )


@cache
def read_osm_exclusions() -> tuple[OsmExclusion, ...]:
    """What the tag catalogue leaves out of the layers, in its order."""
    rows = read_toml(Path(__file__).parent / "osm.toml")["left_out"]
    return tuple(
        OsmExclusion(
            layers=frozenset(row.get("layers", ())),
            of=_wanted(row.get("of", {})),
            tags=_wanted(row.get("tags", {})),
            but=_wanted(row.get("but", {})),
            prefixes=tuple(row.get("prefixes", ())),
            before=row.get("before", ""),
            after=row.get("after", ""),
            below_m2=float(row.get("below_m2", 0)),
            unnamed=row.get("unnamed", False),
            reason=tuple(row["reason"]),
        )
        for row in rows
    )


@cache
def read_aliases() -> Mapping[str, tuple[str, ...]]:
    """What people call each column, likeliest first."""
    rows = read_toml(Path(__file__).parent / "aliases.toml")
    return MappingProxyType({column: tuple(names) for column, names in rows.items()})


@dataclass(frozen=True)
class OneMapEntry:
    """What the national planning database calls a layer and its columns; see `onemap.toml`."""

    table: str
    code: str
    columns: Mapping[str, str]


@cache
def read_onemap() -> Mapping[str, OneMapEntry]:
    """Layers with a name in the national planning database, by our own."""
    rows = read_toml(Path(__file__).parent / "onemap.toml")
    return MappingProxyType({name: OneMapEntry(**row) for name, row in rows.items()})


@dataclass(frozen=True)
class Consistency:
    """What of one plan layer must not meet what of another; see `consistency.toml`."""

    name_zh: str
    name_en: str
    kind: str
    a: str
    least: float
    b: str = ""
    joins: tuple[str, ...] = ()


@cache
def read_consistency() -> Mapping[str, Consistency]:
    """Rules that plan layers are held to among themselves, by id."""
    rows = read_toml(Path(__file__).parent / "consistency.toml")
    rows = {name: row | {"joins": tuple(row.get("joins", ()))} for name, row in rows.items()}
    return MappingProxyType({name: Consistency(**row) for name, row in rows.items()})


@cache
def load_catalog() -> Catalog:
    """Read the catalogue that ships with the package.

    Returns
    -------
    Catalog
        Layer kinds and modes in file order.
    """
    here = Path(__file__).parent
    layers = read_toml(here / "layers.toml")
    return Catalog(
        layers=MappingProxyType(
            {name: LayerKind(id=name, **row) for name, row in layers["layers"].items()}
        ),
        chapters=MappingProxyType(layers["chapters"]),
        fields=MappingProxyType(layers["fields"]),
        modes=read_modes(),
        symbols=Symbols(**read_toml(here / "symbols.toml")),
    )


#: Rider with bicycle, rolling resistance, drag area, air density, gravity.
_MASS_KG, _ROLLING, _DRAG_M2, _AIR, _G = 90.0, 0.005, 0.5, 1.2, 9.81
#: Power of an everyday rider on the flat; downhill riders brake (22 km/h flat, 25 km/h at -3 %).
_WATTS, _DOWNHILL = 150.0, 25 / 22
#: No street is steeper, as rise over run: what a height model says beyond is its own fault.
STEEPEST = 1.0
#: Nobody rides slower than this share of the flat speed: they push.
_PUSH = 4 / 15


def tobler(slope: np.ndarray) -> np.ndarray:
    """Walking speed on a slope as a share of that on the flat.

    Parameters
    ----------
    slope : ndarray
        Rise over run, positive uphill.

    Notes
    -----
    Tobler (1993), Three presentations on geographical analysis and modeling, NCGIA report 93-1:
    W = 6 exp(-3.5 |S + 0.05|) km/h, here relative to W(0), so that the flat keeps the mode's speed.

    Examples
    --------
    >>> tobler(np.array([0.0, -0.05, 0.1])).round(3).tolist()
    [1.0, 1.191, 0.705]
    """
    return np.exp(-3.5 * (np.abs(np.asarray(slope) + 0.05) - 0.05))


def power(slope: np.ndarray) -> np.ndarray:
    """Cycling speed on a slope as a share of that on the flat, at constant power.

    Parameters
    ----------
    slope : ndarray
        Rise over run, positive uphill.

    Notes
    -----
    Martin et al. (1998), Validation of a mathematical model for road cycling power, J. Applied
    Biomechanics 14: P = v (m g (C_rr + S) + rho C_d A v² / 2), solved for v by Newton's method.
    P is 150 W, what everyday riders give on the flat in Parkin and Rotheram (2010), Transport
    Policy 17(5); rider and bicycle of 90 kg, C_rr 0.005 and C_d A 0.5 m² are assumptions. Downhill
    is held to 25/22 of the flat speed, the ratio of that paper's 85th-percentile speeds at -3 %
    and 0 %; uphill never falls below pushing (4 of 15 km/h).

    Examples
    --------
    >>> power(np.array([0.0, 0.02, 0.06, -0.03, 0.3])).round(3).tolist()
    [1.0, 0.69, 0.346, 1.136, 0.267]
    """
    slope = np.asarray(slope, float)
    share = _speed_ms(slope) / _speed_ms(np.zeros(1))[0]
    return np.clip(share, _PUSH, _DOWNHILL)


def _speed_ms(slope: np.ndarray) -> np.ndarray:
    drag, weight = 0.5 * _AIR * _DRAG_M2, _MASS_KG * _G
    pull = weight * (_ROLLING + slope)
    v = np.full(slope.shape, 40.0)
    # The cubic is convex right of its root and starts above it, so Newton comes down to it.
    for _ in range(40):
        rise = np.maximum(pull + 3 * drag * v**2, 1e-9)
        v = np.maximum(v - (v * (pull + drag * v**2) - _WATTS) / rise, 1e-3)
    return v


def none(slope: np.ndarray) -> np.ndarray:
    """Slopes do not matter."""
    return np.ones_like(np.asarray(slope, float))


#: By the name that a mode's `slope` gives.
SPEED_FACTORS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"none": none, "tobler": tobler, "power": power}
)
