"""What urbanplan knows before it sees a city: layer kinds and travel modes, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from urbanplan.errors import InputError, UnknownNameError
from urbanplan.files import read_toml

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
class Mode:
    """A way of travelling over a surface; speeds in km/h, `source` says where they come from."""

    id: str
    name_zh: str
    name_en: str
    built_up: LandSpeed
    open_land: LandSpeed
    on_roads: float | str
    forbidden_classes: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Catalog:
    """All layer kinds, chapters, names of fields and modes, in their order of presentation."""

    layers: Mapping[str, LayerKind]
    chapters: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, str]]
    modes: Mapping[str, Mode]

    def layer(self, name: str) -> LayerKind:
        """Return the layer kind called `name`; raise `UnknownNameError` with the choices."""
        return _pick(self.layers, name, "layer kind")

    def mode(self, name: str) -> Mode:
        """Return the mode called `name`; raise `UnknownNameError` with the choices."""
        return _pick(self.modes, name, "mode")


def _pick(table: Mapping, name: str, what: str):
    try:
        return table[name]
    except KeyError:
        raise UnknownNameError(
            f"unknown {what} '{name}'", remedy=f"use one of {', '.join(table)}"
        ) from None


def _land_speed(where: str, value: Mapping) -> LandSpeed:
    speed = LandSpeed(float(value["speed_kmh"]), float(value["detour"]))
    if not (speed.speed_kmh > 0 and speed.detour >= 1):
        raise InputError(
            "speed_kmh must be above 0 and detour at least 1",
            where=where,
            remedy="correct the figure in modes.toml",
        )
    return speed


def _mode(name: str, row: Mapping) -> Mode:
    on_roads = row["on_roads"]
    return Mode(
        id=name,
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        built_up=_land_speed(f"mode {name}", row["built_up"]),
        open_land=_land_speed(f"mode {name}", row["open_land"]),
        on_roads=on_roads if isinstance(on_roads, str) else float(on_roads),
        forbidden_classes=tuple(row["forbidden_classes"]),
        source=row["source"],
    )


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
    modes = read_toml(here / "modes.toml")
    return Catalog(
        layers=MappingProxyType(
            {name: LayerKind(id=name, **row) for name, row in layers["layers"].items()}
        ),
        chapters=MappingProxyType(layers["chapters"]),
        fields=MappingProxyType(layers["fields"]),
        modes=MappingProxyType({name: _mode(name, row) for name, row in modes.items()}),
    )
