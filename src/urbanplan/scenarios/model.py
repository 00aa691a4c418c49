"""What a scenario is, and how a TOML table says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from urbanplan.catalog import STATUSES, load_catalog
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.records import (
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
    name = row.get("id")
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
