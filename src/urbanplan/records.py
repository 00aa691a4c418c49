"""What a table of a TOML file may hold: each field's kind, and one sentence where it holds another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from urbanplan.errors import InputError, one_of


class Kind(NamedTuple):
    """A kind of value: how a remedy asks for it, and whether a value is of it."""

    wanted: str
    fits: Callable[[Any], bool]


def _is_figure(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # An integer of hundreds of digits is none that anything can be computed with.
    return number and abs(value) < 1e300 and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _pair_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: _list_of(fits)(value) and len(value) == 2


def _is_place(value: Any) -> bool:
    return _pair_of(_is_figure)(value) and abs(value[0]) <= 180 and abs(value[1]) <= 90


TEXT = Kind("a text", _is_text)
#: A text that says something.
NAME = Kind("a text", _is_name)
NAMES = Kind('a list of texts, e.g. ["a", "b"]', _list_of(_is_name))
NAME_OR_NAMES = Kind("a text or a list of texts", lambda v: _is_name(v) or NAMES.fits(v))
DATE = Kind("a date or a text", lambda v: _is_text(v) or isinstance(v, date))
FLAG = Kind("true or false", lambda v: isinstance(v, bool))
WHOLE = Kind("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool))
FIGURE = Kind("a number", _is_figure)
#: What is measured or counted and cannot be nothing.
ABOVE_0 = Kind("a number above 0", lambda v: _is_figure(v) and v > 0)
FROM_0 = Kind("a number of 0 or more", lambda v: _is_figure(v) and v >= 0)
SCALAR = Kind("a text or a number", lambda v: _is_text(v) or _is_figure(v))
PLACE = Kind("[lon, lat] in degrees", _is_place)
PAIRS = Kind("a list of pairs of numbers of 0 or more", _list_of(_pair_of(FROM_0.fits)))
PLACES = Kind("a list of [lon, lat] in degrees", _list_of(_is_place))
TABLE = Kind("a table", _is_table)
TABLES = Kind("an array of tables ([[…]])", _list_of(_is_table))


def upto(limit: float) -> Kind:
    """A number above 0 and at most `limit`: what is larger is a slip of the hand."""
    return Kind(f"a number above 0 and at most {limit:,.0f}", lambda v: _is_figure(v) and 0 < v <= limit)  # fmt: skip


def listed(kind: Kind) -> Kind:
    """A list of values of a kind."""
    return Kind(f"a list, each {kind.wanted}", _list_of(kind.fits))


def require_fields(
    row: Any,
    what: str,
    where: object,
    needed: Mapping[str, Kind],
    besides: Mapping[str, Kind] | None = None,
) -> Mapping[str, Any]:
    """Return `row` if it is a table that holds what it must, and nothing that nobody reads.

    Parameters
    ----------
    row : any
        What stands in the file.
    what : str
        What it is called in a message, such as ``item 3.1``.
    where : object
        The file.
    needed, besides : mapping of str to Kind
        Fields that it must have, and that it may have.

    Raises
    ------
    InputError
        If it is no table, lacks a field, has one that is not known or one of the wrong kind.
    """
    if not isinstance(row, Mapping):
        raise InputError(f"{what} is no table: {_said(row)}", where=where, remedy="write fields with values")  # fmt: skip
    known = {**needed, **(besides or {})}
    for key in needed:
        value = row.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise InputError(f"{what} has no {key}", where=where, remedy="add it")
    for key, value in row.items():
        if key not in known:
            raise InputError(
                f"{what} has the unknown field '{key}'", where=where, remedy=one_of(key, known)
            )
        if not known[key].fits(value):
            raise InputError(
                f"'{key}' of {what} cannot be {_said(value)}",
                where=where,
                remedy=f"write {known[key].wanted}",
            )
    return row


def _said(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
