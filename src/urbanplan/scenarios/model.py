"""What a scenario is, and how a TOML table says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from urbanplan.catalog import STATUSES, load_catalog
from urbanplan.errors import InputError, UnknownNameError

#: What every scenario starts from: the city as its folder holds it.
BASELINE = "baseline"
#: What each kind of change needs, and what it may have besides.
_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "open": (("layer",), ("ids", "status")),
        "close": (("layer",), ("ids", "at")),
        "add": (("layer", "id"), ("at", "along", "around", "values")),
        "move": (("layer", "ids", "at"), ()),
        "set": (("layer", "ids", "column", "value"), ()),
        "speed": (("class",), ("kmh", "factor")),
        "grow": ((), ("to", "factor", "district", "settlement")),
        "standard": (("id",), ("minutes", "metres", "threshold")),
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


#: The city as it is.
_AS_IT_IS = Scenario(BASELINE, "现状基准", "Baseline")


def parse_scenarios(table: Mapping[str, Any], where: object = None) -> Mapping[str, Scenario]:
    """Scenarios of a TOML file, by id, the baseline first.

    Parameters
    ----------
    table : mapping
        With an array of tables ``scenario``.
    where : object, optional
        The file, for messages.

    Raises
    ------
    InputError
        If an entry lacks something, names what is not there, or stands on itself.
    """
    found = {BASELINE: _AS_IT_IS}
    rows = table.get("scenario", [])
    if not _are_tables(rows):
        raise InputError(
            "'scenario' is no array of tables", where=where, remedy="write [[scenario]]"
        )
    for row in rows:
        one = _scenario(row, where)
        if one.id in found:
            raise InputError(f"scenario '{one.id}' is there twice", where=where, remedy="rename it")
        found[one.id] = one
    for one in found.values():
        chain(found, one.id, where)
    return found


def _scenario(row: Mapping[str, Any], where: object) -> Scenario:
    name = str(row.get("id", "")).strip()
    if not name or name == BASELINE:
        raise InputError("a scenario has no id of its own", where=where, remedy="give it one")
    allowed = {"id", "name_zh", "name_en", "base", "change", "cost", "cost_unit", "note_zh", "note_en"}  # fmt: skip
    odd = set(row) - allowed
    if odd:
        raise _wrong(name, f"has the unknown field '{sorted(odd)[0]}'", where)
    for key in ("name_zh", "name_en"):
        if not str(row.get(key, "")).strip():
            raise _wrong(name, f"has no {key}", where)
    cost = row.get("cost")
    if cost is not None and not (_number(cost) and cost >= 0 and row.get("cost_unit")):
        raise _wrong(name, "needs a cost of 0 or more with a cost_unit", where)
    listed = row.get("change", [])
    if not _are_tables(listed):
        raise _wrong(name, "has changes that are no array of tables ([[scenario.change]])", where)
    changes = tuple(_change(name, c, where) for c in row.get("change", []))
    words = {k: str(row[k]) for k in ("cost_unit", "note_zh", "note_en") if k in row}
    return Scenario(
        name, str(row["name_zh"]), str(row["name_en"]), str(row.get("base") or BASELINE), changes,
        None if cost is None else float(cost), **words,
    )  # fmt: skip


def _wrong(name: str, what: str, where: object) -> InputError:
    return InputError(
        f"scenario '{name}' {what}", where=where, remedy="compare with the embedded city's"
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _change(name: str, row: Mapping[str, Any], where: object) -> Change:
    do = row.get("do")
    if not isinstance(do, str) or do not in _FIELDS:
        raise _wrong(name, f"has a change '{do}', which is none of {', '.join(_FIELDS)}", where)
    needed, allowed = _FIELDS[do]
    values = {k: v for k, v in row.items() if k != "do"}
    for key in needed:
        if key not in values:
            raise _wrong(name, f"'{do}' needs {key}", where)
    for key in values:
        if key not in (*needed, *allowed):
            raise _wrong(name, f"'{do}' has the unknown field '{key}'", where)
    for key, value in values.items():
        if not _is_shaped(key, value):
            raise _wrong(name, f"'{do}' has a {key} of the wrong kind: {value!r:.40}", where)
    _check_values(name, do, values, where)
    return Change(do, values)


def _are_texts(value: Sequence[Any]) -> bool:
    return all(isinstance(x, str) for x in value)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _is_shaped(key: str, value: Any) -> bool:
    # Whether a field holds the kind of value that it may; places and figures are judged further on.
    if key in ("id", "class", "column", "status", "district", "settlement"):
        return isinstance(value, str) and bool(value.strip())
    if key in ("ids", "along", "around"):
        return isinstance(value, list) and (key != "ids" or _are_texts(value))
    if key == "layer":
        return isinstance(value, str) or (isinstance(value, list) and _are_texts(value))
    if key == "value":
        return isinstance(value, str | int | float)
    return key != "values" or isinstance(value, Mapping)


def _check_values(name: str, do: str, values: dict[str, Any], where: object) -> None:
    layers = values.get("layer", ())
    for layer in [layers] if isinstance(layers, str) else layers:
        if not (do == "close" and layer == STREETS):
            load_catalog().layer(layer)
    for key in ("kmh", "factor", "to", "minutes", "metres", "threshold"):
        if key in values and not (_number(values[key]) and values[key] > 0):
            raise _wrong(name, f"'{do}' needs a {key} above 0", where)
    if do != "open" and isinstance(layers, list):
        raise _wrong(name, f"'{do}' needs one layer", where)
    if do == "open" and ("ids" in values) == ("status" in values):
        raise _wrong(name, "'open' needs ids or a status", where)
    if do == "open" and values.get("status", STATUSES[0]) not in STATUSES:
        raise _wrong(name, f"'open' needs a status of {', '.join(STATUSES[1:])}", where)
    if do == "close" and ("at" if values["layer"] == STREETS else "ids") not in values:
        raise _wrong(name, "'close' needs ids, or for streets the place at which", where)
    if do == "speed" and ("kmh" in values) == ("factor" in values):
        raise _wrong(name, "'speed' needs kmh or a factor", where)
    if do == "grow" and ("to" in values) == ("factor" in values):
        raise _wrong(name, "'grow' needs to (persons) or a factor", where)
    if do == "add" and sum(k in values for k in ("at", "along", "around")) != 1:
        raise _wrong(name, "'add' needs one of at, along, around", where)
    for key, places in (("at", [values.get("at")]), ("along", values.get("along")), ("around", values.get("around"))):  # fmt: skip
        if key in values and not all(_is_place(p) for p in places or [None]):
            raise _wrong(name, f"'{do}' needs {key} as [lon, lat] in degrees", where)


def _is_place(value: Any) -> bool:
    pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    return pair and all(map(_number, value)) and abs(value[0]) <= 180 and abs(value[1]) <= 90


def chain(known: Mapping[str, Scenario], name: str, where: object = None) -> tuple[Scenario, ...]:
    """A scenario and all that it stands on, the baseline first.

    Raises
    ------
    UnknownNameError
        If one of them is not known.
    InputError
        If it stands on itself.
    """
    found: list[Scenario] = []
    while name:
        one = pick_scenario(known, name, where)
        if one in found:
            raise InputError(
                f"scenario '{one.id}' stands on itself", where=where, remedy="correct its base"
            )
        found.append(one)
        name = "" if one.id == BASELINE else one.base
    return tuple(reversed(found))


def pick_scenario(known: Mapping[str, Scenario], name: str, where: object = None) -> Scenario:
    """The scenario of a name; raises `UnknownNameError` with those that there are."""
    if name not in known:
        raise UnknownNameError(f"no scenario '{name}'", where=where, remedy=_nearest(name, known))
    return known[name]


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    # What was probably meant, or all there is.
    from difflib import get_close_matches

    meant = get_close_matches(name, list(known), 1)
    return f"did you mean '{meant[0]}'?" if meant else f"one of {', '.join(known)}"
