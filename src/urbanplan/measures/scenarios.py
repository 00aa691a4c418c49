"""Named changes on copies of a city's layers, modes and standards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.schema import (
    FLAG,
    FROM_0,
    ID,
    NAME,
    NAME_OR_NAMES,
    NAMES,
    PLACE,
    PLACES,
    SCALAR,
    TABLE,
    TABLES,
    TEXT,
    Kind,
    require_fields,
    require_id,
    upto,
)
from urbanplan.catalog import COMMON_COLUMNS, STATUSES, Mode, load_catalog
from urbanplan.catalog.standards import Indicator
from urbanplan.city.layers import Layer, validate, with_figures
from urbanplan.errors import InputError, UnknownNameError, one_of

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = [
    "BASELINE",
    "Change",
    "Scenario",
    "State",
    "applied",
    "chain",
    "parse_scenarios",
    "pick_scenario",
]


#: What every scenario starts from: the city as its folder holds it.
BASELINE = "baseline"
#: Scenarios that a file may hold.
_MOST = 1000
_NAMED = {"id": ID, "name_zh": NAME, "name_en": NAME}
_BESIDES = {"base": TEXT, "change": TABLES, "cost": FROM_0, "cost_unit": TEXT, "note_zh": TEXT, "note_en": TEXT}  # fmt: skip
_DO = {"do": NAME}
_ROWS = {**_DO, "layer": NAME, "ids": NAMES}
#: What each kind of change needs, and what it may have besides.
_FIELDS: Mapping[str, tuple[Mapping[str, Kind], Mapping[str, Kind]]] = MappingProxyType(
    {
        "open": ({**_DO, "layer": NAME_OR_NAMES}, {"ids": NAMES, "status": NAME}),
        "close": ({**_DO, "layer": NAME}, {"ids": NAMES, "at": PLACE}),
        "add": (
            {**_DO, "layer": NAME, "id": NAME},
            {"at": PLACE, "along": PLACES, "around": PLACES, "values": TABLE},
        ),
        "move": ({**_ROWS, "at": PLACE}, {}),
        "set": ({**_ROWS, "column": NAME, "value": SCALAR}, {}),
        "speed": ({**_DO, "class": NAME}, {"kmh": upto(500), "factor": upto(100)}),
        "grow": (
            _DO,
            {"to": upto(1e9), "factor": upto(1000), "district": NAME, "settlement": NAME},
        ),
        "standard": (
            {**_DO, "id": NAME},
            {"minutes": upto(1440), "metres": upto(1e6), "threshold": upto(1e12)},
        ),
    }
)
#: Streets of a map, which no layer holds.
STREETS = "streets"


@dataclass(frozen=True)
class Change:
    """One change; `scenarios.toml` of the embedded city shows each kind.

    Attributes
    ----------
    do : str
        ``open`` what is planned, ``close`` what exists, ``add``, ``move`` or ``set`` features,
        ``speed`` of a class of roads, ``grow`` the people, a ``standard`` otherwise.
    values : mapping
        What that needs.
    """

    do: str
    values: Mapping[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """One of its values."""
        return self.values.get(name, default)


@dataclass(frozen=True)
class Scenario:
    """Named changes upon another scenario, or upon the baseline.

    Attributes
    ----------
    id, name_zh, name_en : str
    base : str
        The scenario that it stands on.
    changes : tuple of Change
    cost : float or None
        What its own changes cost, in `cost_unit`; None where nobody has said.
    cost_unit, note_zh, note_en : str
    """

    id: str
    name_zh: str
    name_en: str
    base: str = BASELINE
    changes: tuple[Change, ...] = ()
    cost: float | None = None
    cost_unit: str = ""
    note_zh: str = ""
    note_en: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that its layers could not be called by."""
        require_id(self.id, "a scenario")


#: The city as it is.
_AS_IT_IS = Scenario(BASELINE, "现状基准", "Baseline")


def parse_scenarios(
    table: Mapping[str, Any], where: object = None, upon: Mapping[str, Scenario] | None = None
) -> Mapping[str, Scenario]:
    """Scenarios of a TOML file, by id, the baseline first.

    Parameters
    ----------
    table : mapping
        With an array of tables ``scenario``.
    where : object, optional
        The file, for messages.
    upon : mapping of str to Scenario, optional
        Others that are known, which these may stand on.

    Raises
    ------
    InputError
        If an entry lacks something, names what is not there, or stands on itself.
    """
    found = {BASELINE: _AS_IT_IS, **(upon or {})}
    require_fields(table, "the file", where, {}, {"scenario": TABLES})
    # Each is looked up with all that it stands on.
    if len(table.get("scenario", [])) > _MOST:
        raise InputError(
            f"has more than {_MOST:,} scenarios", where=where, remedy="keep those that count"
        )
    for row in table.get("scenario", []):
        one = _scenario(row, where)
        if one.id in found:
            raise InputError(f"scenario '{one.id}' is there twice", where=where, remedy="rename it")
        found[one.id] = one
    for one in found.values():
        chain(found, one.id, where)
    return found


def _scenario(row: Mapping[str, Any], where: object) -> Scenario:
    name: Any = row.get("id")
    if not NAME.fits(name) or name == BASELINE:
        raise InputError("a scenario has no id of its own", where=where, remedy="give it one")
    require_fields(row, f"scenario {name}", where, _NAMED, _BESIDES)
    cost = row.get("cost")
    if cost is not None and not row.get("cost_unit"):
        raise _wrong(name, "has a cost without a cost_unit", where)
    changes = tuple(_change(name, c, where) for c in row.get("change", []))
    words = {k: row[k] for k in ("cost_unit", "note_zh", "note_en") if k in row}
    return Scenario(
        name, row["name_zh"], row["name_en"], row.get("base") or BASELINE, changes,
        None if cost is None else float(cost), **words,
    )  # fmt: skip


def _wrong(name: str, what: str, where: object) -> InputError:
    return InputError(
        f"scenario '{name}' {what}", where=where, remedy="compare with the embedded city's"
    )


def _change(name: str, row: Mapping[str, Any], where: object) -> Change:
    do = row.get("do")
    if not isinstance(do, str) or do not in _FIELDS:
        raise _wrong(name, f"has a change '{do}', which is none of {', '.join(_FIELDS)}", where)
    require_fields(row, f"'{do}' of scenario {name}", where, *_FIELDS[do])
    values = {k: v for k, v in row.items() if k != "do"}
    _check_together(name, do, values, where)
    return Change(do, values)


def _check_together(name: str, do: str, values: Mapping[str, Any], where: object) -> None:
    # What no field says by itself.
    layers = values.get("layer", ())
    for layer in [layers] if isinstance(layers, str) else layers:
        if not (do == "close" and layer == STREETS):
            load_catalog().layer(layer)
    if do == "open" and ("ids" in values) == ("status" in values):
        raise _wrong(name, "'open' needs ids or a status", where)
    if "ids" in values and isinstance(layers, list):
        raise _wrong(name, "'open' with ids needs one layer", where)
    if "status" in values and values["status"] not in STATUSES[1:]:
        raise _wrong(name, f"'open' needs a status of {', '.join(STATUSES[1:])}", where)
    if do == "close" and ("at" if values["layer"] == STREETS else "ids") not in values:
        raise _wrong(name, "'close' needs ids, or for streets the place at which", where)
    if do == "speed" and ("kmh" in values) == ("factor" in values):
        raise _wrong(name, "'speed' needs kmh or a factor", where)
    if do == "grow" and ("to" in values) == ("factor" in values):
        raise _wrong(name, "'grow' needs to (persons) or a factor", where)
    if do == "add" and sum(k in values for k in ("at", "along", "around")) != 1:
        raise _wrong(name, "'add' needs one of at, along, around", where)


def chain(known: Mapping[str, Scenario], name: str, where: object = None) -> tuple[Scenario, ...]:
    """A scenario and all that it stands on, the baseline first.

    Raises
    ------
    UnknownNameError
        If one of them is not known.
    InputError
        If it stands on itself.
    """
    found: dict[str, Scenario] = {}
    while name:
        one = pick_scenario(known, name, where)
        if one.id in found:
            raise InputError(
                f"scenario '{one.id}' stands on itself", where=where, remedy="correct its base"
            )
        found[one.id] = one
        name = "" if one.id == BASELINE else one.base
    return tuple(reversed(found.values()))


def pick_scenario(known: Mapping[str, Scenario], name: str, where: object = None) -> Scenario:
    """The scenario of a name; raises `UnknownNameError` with those that there are."""
    if name not in known:
        raise UnknownNameError(f"no scenario '{name}'", where=where, remedy=one_of(name, known))
    return known[name]


#: Degrees beyond a city's outline at which nothing of it can be meant.
_FAR_DEG = 1.0
#: Layers whose features are ways; opening and closing them changes how one gets about.
WAYS = ("roads", "bridges")


@dataclass(frozen=True)
class State:
    """A city as a scenario leaves it.

    Attributes
    ----------
    layers : dict of str to Layer
        Their `sha256` differs exactly where a layer was changed.
    modes : dict of str to Mode
    standards : dict of str to Indicator
    opened : frozenset of (layer, id)
        Ways that were opened or added: on mapped streets they are joined to these.
    closed : frozenset of (lon, lat)
        Places of mapped streets that are closed.
    growth : tuple of (district, settlement, total or None, factor or None)
        What is asked of people whose layer does not know them so; else the layer is changed itself.
    """

    layers: Mapping[str, Layer]
    modes: Mapping[str, Mode]
    standards: Mapping[str, Indicator]
    opened: frozenset[tuple[str, str]] = frozenset()
    closed: frozenset[tuple[float, float]] = frozenset()
    growth: tuple[tuple[str, str, float | None, float | None], ...] = ()


def applied(state: State, scenarios: Sequence[Scenario]) -> State:
    """The state after all changes of some scenarios, one after the other.

    Parameters
    ----------
    state : State
        Stays as it is.
    scenarios : sequence of Scenario
        From `urbanplan.measures.scenarios.chain`.

    Raises
    ------
    UrbanplanError
        If a change names what is not there.
    """
    for scenario in scenarios:
        for change in scenario.changes:
            try:
                state = _HOW[change.do](state, change)
            except (InputError, UnknownNameError) as err:
                # Which scenario asked for it is what a reader needs first.
                raise type(err)(err.what, where=f"scenario '{scenario.id}'", remedy=err.remedy) from None  # fmt: skip
    return state


def _layer(state: State, name: str) -> Layer:
    if name not in state.layers:
        raise UnknownNameError(f"the city has no layer '{name}'", remedy=one_of(name, state.layers))
    return state.layers[name]


def _with(state: State, layer: Layer, frame: gpd.GeoDataFrame, change: Change) -> State:
    said = json.dumps([change.do, dict(change.values)], sort_keys=True, ensure_ascii=False)
    token = hashlib.sha256(f"{layer.sha256}{said}".encode()).hexdigest()
    new = replace(layer, frame=frame, sha256=token)
    return replace(state, layers=MappingProxyType({**state.layers, layer.id: new}))


def _rows(layer: Layer, change: Change) -> np.ndarray:
    # Rows that a change names, each of which must be there.
    ids = [str(i) for i in change.get("ids")]
    known = layer.frame["id"].astype(str)
    for fid in ids:
        if fid not in set(known):
            raise UnknownNameError(
                f"'{fid}' is no feature of '{layer.id}'",
                remedy=one_of(fid, known),
            )
    return known.isin(ids).to_numpy()


def _open(state: State, change: Change) -> State:
    layers = change.get("layer")
    for name in [layers] if isinstance(layers, str) else layers:
        if "status" in change.values and name not in state.layers:
            continue
        layer = _layer(state, name)
        frame = layer.frame
        if "status" in change.values:
            upto = STATUSES[1 : STATUSES.index(change.get("status")) + 1]
            hit = frame["status"].isin(upto).to_numpy()
        else:
            hit = _rows(layer, change)
            there = frame.loc[hit & (frame["status"] == "existing").to_numpy(), "id"]
            if len(there):
                raise InputError(f"'{there.iloc[0]}' is there already", remedy="leave it out")
        if not hit.any():
            continue
        new = frame.assign(status=np.where(hit, "existing", frame["status"]))
        state = _with(state, layer, new, change)
        if name in WAYS:
            ids = {(name, str(i)) for i in frame.loc[hit, "id"]}
            state = replace(state, opened=state.opened | ids)
    return state


def _close(state: State, change: Change) -> State:
    name = change.get("layer")
    if name == STREETS:
        lon, lat = change.get("at")
        return replace(state, closed=state.closed | {(float(lon), float(lat))})
    layer = _layer(state, name)
    hit = _rows(layer, change)
    gone = {(name, str(i)) for i in layer.frame.loc[hit, "id"]}
    state = _with(state, layer, layer.frame[~hit].reset_index(drop=True), change)
    return replace(state, opened=state.opened - gone)


def _add(state: State, change: Change) -> State:
    import geopandas as gpd
    import pandas as pd

    layer, fid = _layer(state, change.get("layer")), str(change.get("id"))
    if fid in set(layer.frame["id"].astype(str)):
        raise InputError(f"'{layer.id}' has a feature '{fid}' already", remedy="give it another id")
    given = dict(change.get("values", {}))
    for column, value in given.items():
        if not (SCALAR.fits(value) or FLAG.fits(value)):
            raise InputError(f"'{column}' cannot be {value!r:.40}", remedy=f"write {SCALAR.wanted}")
    known = [*COMMON_COLUMNS, *layer.kind.columns]
    odd = set(given) - set(known)
    if odd:
        raise UnknownNameError(
            f"'{sorted(odd)[0]}' is no column of '{layer.id}'", remedy=one_of(sorted(odd)[0], known)
        )
    values = dict.fromkeys(known)
    values |= {
        "name_zh": fid, "name_en": fid, "kind": "scenario", "district": "", "status": "existing",
        "quality": "schematic", "accuracy_m": 100.0, "source": "scenario", "licence": "scenario",
        "as_of": "scenario", "note_zh": "情景假设", "note_en": "assumed by a scenario",
    }  # fmt: skip
    row = {**values, **given, "id": fid}
    one = gpd.GeoDataFrame([row], geometry=[_shape(state, layer, change)], crs=layer.frame.crs)
    one = _sound(layer, one)
    both = pd.concat([layer.frame.astype(object), one.astype(object)], ignore_index=True)
    frame = gpd.GeoDataFrame(pd.DataFrame(both).drop(columns="geometry"), geometry=list(both["geometry"]), crs=layer.frame.crs)  # fmt: skip
    for column in layer.frame.columns.drop("geometry"):
        if layer.frame[column].dtype.kind == "f":
            frame[column] = frame[column].astype(float)
    state = _with(state, layer, frame, change)
    opened = {(layer.id, fid)} if layer.id in WAYS else set()
    return replace(state, opened=state.opened | opened)


def _sound(layer: Layer, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    # What a scenario makes is held to what is asked of a file.
    frame = with_figures(layer.kind, frame, None)
    for wrong in validate(replace(layer, frame=frame)):
        raise InputError(
            f"feature '{wrong.feature}' of '{layer.id}': {wrong.message}",
            remedy="correct the change",
        )
    return frame


def _near(state: State, shape: Any, change: Change) -> Any:
    # A place far from the city serves nobody: most likely its numbers stand the wrong way round.
    ground = next((state.layers[n] for n in ("study_area", "districts") if n in state.layers), None)
    if ground is None or not len(ground.located):
        return shape
    west, south, east, north = ground.located.total_bounds
    x0, y0, x1, y1 = shape.bounds
    if (
        x1 < west - _FAR_DEG
        or x0 > east + _FAR_DEG
        or y1 < south - _FAR_DEG
        or y0 > north + _FAR_DEG
    ):
        raise InputError(
            f"'{change.do}' of '{change.get('layer')}' lies far outside the city ({x0:g}, {y0:g})",
            remedy="write longitude first, then latitude, in WGS84",
        )
    return shape


def _shape(state: State, layer: Layer, change: Change) -> Any:
    import shapely

    wanted = {"point": "at", "line": "along", "polygon": "around"}.get(layer.kind.geometry)
    key = next(k for k in ("at", "along", "around") if k in change.values)
    value = change.get(key)
    # A park may be added by its middle alone: a few metres across, as its entrance.
    by_middle = wanted == "around" and key == "at"
    if key != wanted and not by_middle:
        remedy = f"give {wanted}" if wanted else "write it into the layer"
        raise InputError(f"'{layer.id}' holds {layer.kind.geometry}s", remedy=remedy)
    if key != "at" and len(value) < (2 if key == "along" else 3):
        raise InputError(f"{key} has too few places", remedy="give at least two, three for an area")
    make = {"at": shapely.Point, "along": shapely.LineString, "around": shapely.Polygon}[key]
    shape = _near(state, make(value), change)
    return shape.buffer(1e-4, quad_segs=2) if by_middle else shape


def _move(state: State, change: Change) -> State:
    import shapely

    layer = _layer(state, change.get("layer"))
    hit, frame = _rows(layer, change), layer.frame
    if layer.kind.geometry != "point":
        raise InputError(f"'{layer.id}' holds no points", remedy="close it and add it elsewhere")
    shapes = frame.geometry.to_numpy().copy()
    shapes[hit] = _near(state, shapely.Point(change.get("at")), change)
    return _with(state, layer, frame.set_geometry(shapes, crs=frame.crs), change)


def _set(state: State, change: Change) -> State:
    layer, column = _layer(state, change.get("layer")), change.get("column")
    if column not in layer.frame or column in ("id", "geometry", "source", "licence", "quality"):
        choices = list(layer.kind.columns)
        raise UnknownNameError(
            f"'{column}' of '{layer.id}' is not set by a scenario", remedy=one_of(column, ['status', *choices])
        )  # fmt: skip
    hit, frame = _rows(layer, change), layer.frame
    old, value = frame[column], change.get("value")
    if old.dtype.kind in "fi" and not FROM_0.fits(value):
        raise InputError(f"'{column}' is a figure of 0 or more, not '{value}'", remedy="give a number")  # fmt: skip
    new = frame.assign(**{column: old.astype(object).mask(hit, value).infer_objects()})
    _sound(layer, new[hit])
    return _with(state, layer, new, change)


def _speed(state: State, change: Change) -> State:
    which, factor, kmh = change.get("class"), change.get("factor"), change.get("kmh")
    found = False
    for name in WAYS:
        layer = state.layers.get(name)
        if layer is None or not len(layer.frame):
            continue
        hit = (layer.frame["class"] == which).to_numpy()
        speed = layer.frame["speed_kmh"].to_numpy(float)
        new = np.where(hit, speed * factor if factor else kmh, speed)
        if hit.any():
            found = True
            state = _with(state, layer, layer.frame.assign(speed_kmh=new), change)
    modes = {}
    for key, mode in state.modes.items():
        streets = mode.streets
        if streets is None or which not in streets.kmh or key == "walk":
            continue
        found = True
        new_kmh = streets.kmh[which] * factor if factor else float(kmh)
        rules = replace(streets, kmh=MappingProxyType({**streets.kmh, which: new_kmh}))
        modes[key] = replace(mode, streets=rules)
    if not found:
        raise UnknownNameError(f"no road is of the class '{which}'", remedy="correct the class")
    return replace(state, modes=MappingProxyType({**state.modes, **modes}))


def _grow(state: State, change: Change) -> State:
    district, settlement = change.get("district", ""), change.get("settlement", "")
    to, factor = change.get("to"), change.get("factor")
    asked = (district, settlement, to and float(to), factor and float(factor))
    layer = state.layers.get("population")
    named: Any = layer.frame["district"].fillna("").astype(str).str.split(";") if layer else ()
    if layer is None or not len(layer.frame) or (district and not named.map(any).any()):
        # People of a raster, and zones that name no district, are asked where they live.
        areas = state.layers["districts"].frame["name_zh"] if "districts" in state.layers else ()
        if district and district not in set(areas):
            raise UnknownNameError(f"nobody lives in '{district}'", remedy=one_of(district, areas))
        return replace(state, growth=(*state.growth, asked))
    frame = layer.frame
    hit = np.ones(len(frame), bool)
    if district:
        hit &= named.map(lambda d: district in d).to_numpy()
    if settlement:
        hit &= (frame["settlement"] == settlement).to_numpy()
    persons = frame["persons"].to_numpy(float)
    now = persons[hit].sum()
    if not now > 0:
        where = " ".join(filter(None, (district, settlement)))
        every = sorted({d for names in named for d in names if d})
        remedy = f"districts are {', '.join(every)}; settlements {', '.join(sorted(set(frame['settlement'].dropna())))}"
        raise UnknownNameError(f"nobody lives in '{where}'", remedy=remedy)
    by = float(to) / now if to else float(factor)
    return _with(state, layer, frame.assign(persons=np.where(hit, persons * by, persons)), change)


def _standard(state: State, change: Change) -> State:
    name = change.get("id")
    if name not in state.standards:
        raise UnknownNameError(f"no indicator '{name}'", remedy=one_of(name, state.standards))
    own: dict[str, Any] = {k: float(v) for k, v in change.values.items() if k != "id"}
    old = state.standards[name]
    for key in own:
        if key in ("minutes", "metres") and key != old.measure:
            raise InputError(f"'{name}' is measured in {old.measure}", remedy=f"leave {key} out")
    if "threshold" in own and not old.direction:
        raise InputError(f"'{name}' has no threshold to change", remedy="leave it out")
    # Whoever sets a threshold wants to be judged by it.
    new = replace(old, **own, abroad="" if "threshold" in own else old.abroad)
    return replace(state, standards=MappingProxyType({**state.standards, name: new}))


_HOW: Mapping[str, Callable[[State, Change], State]] = MappingProxyType(
    {
        "open": _open,
        "close": _close,
        "add": _add,
        "move": _move,
        "set": _set,
        "speed": _speed,
        "grow": _grow,
        "standard": _standard,
    }
)
