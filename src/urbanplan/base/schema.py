"""What a table of a TOML file may hold: each field's kind, and one sentence where it holds another."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from urbanplan.errors import InputError, one_of


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN of any kind, NaT or pandas.NA.

    Examples
    --------
    >>> [is_missing(v) for v in (None, math.nan, "", 0, [math.nan])]
    [True, True, False, False, False]
    """
    if value is None or isinstance(value, str):
        return value is None
    # pandas.NA differs from itself by NA, which is neither true nor false.
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return not hasattr(value, "__len__") and bool(value != value)
    except (TypeError, ValueError, ArithmeticError):
        return False


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


def _is_id(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_ID
        and not value.startswith(".")
        and ".." not in value
        and unicodedata.is_normalized("NFC", value)
        and all(c in "_-." or _is_letter(c) for c in value)
    )


def _is_letter(char: str) -> bool:
    # Letters of any script with the marks that belong to them, and figures from 0 to 9.
    return char in "0123456789" or unicodedata.category(char) in (
        "Lu",
        "Ll",
        "Lo",
        "Lm",
        "Mn",
        "Mc",
    )


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _pair_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: _list_of(fits)(value) and len(value) == 2


def _is_place(value: Any) -> bool:
    return _pair_of(_is_figure)(value) and abs(value[0]) <= 180 and abs(value[1]) <= 90


#: Longest id, in characters.
MAX_ID = 80
TEXT = Kind("a text", _is_text)
#: What becomes a file's name or a key: nothing that a path, a page or a command reads as its own.
ID = Kind(
    f"an id of letters, figures, _, - and . ({MAX_ID} at most; no . at its start, no ..)", _is_id
)
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


def require_id(name: Any, what: str, where: object = None) -> str:
    """Return `name` if it is an id, which is what becomes a file's name, an address or a key.

    Parameters
    ----------
    name : any
        What stands in the file.
    what : str
        What it would be the id of, such as ``a mode``.
    where : object, optional
        The file.

    Raises
    ------
    InputError
        If it holds anything but letters of any script, figures, ``_``, ``-`` and ``.``, begins
        with a dot, holds two together, or is longer than `MAX_ID` characters.

    Examples
    --------
    >>> require_id("second_bridge", "a scenario"), require_id("滨江公园-2", "a scenario")
    ('second_bridge', '滨江公园-2')
    """
    if not _is_id(name):
        raise InputError(
            f"{_said(name)} cannot be the id of {what}", where=where, remedy=f"write {ID.wanted}"
        )
    return name


#: Marks upon one letter (UAX #15, stream-safe text), and letters that come apart into marks only.
_MAX_MARKS, _ALL_MARKS = 30, "\u0f73\u0f75\u0f81"


def normal(text: str, form: Literal["NFC", "NFKC"] = "NFKC") -> str:
    """`unicodedata.normalize` in linear time: marks are sorted letter by letter, at most 30 together.

    Parameters
    ----------
    text : str
        Any text, however long.
    form : {'NFKC', 'NFC'}

    Returns
    -------
    str
        Where more marks stand upon one letter than any language has, with a joiner (U+034F) between.

    References
    ----------
    Unicode Standard Annex #15, section 13, Stream-Safe Text Format.
    """
    if text.isascii():
        return text
    if (len(text) > _MAX_MARKS and any(map(unicodedata.combining, text))) or any(
        c in text for c in _ALL_MARKS
    ):
        safe, run = [], 0
        for c in text:
            run = run + 1 if unicodedata.combining(c) or c in _ALL_MARKS else 0
            if run > _MAX_MARKS:
                safe.append("\u034f")
                run = 1
            safe.append(c)
        text = "".join(safe)
    return unicodedata.normalize(form, text)


def id_of(text: str, otherwise: str) -> str:
    """An id made from a name that people gave: what an id cannot hold becomes ``_``.

    Examples
    --------
    >>> id_of("My city (2)", "city"), id_of("格子镇", "city"), id_of("..", "city")
    ('My_city_2', '格子镇', 'city')
    """
    text = normal(text[: 4 * MAX_ID], "NFC")
    kept = "".join(c if c in "-." or _is_letter(c) else "_" for c in text)[:MAX_ID]
    return re.sub(r"_{2,}", "_", re.sub(r"\.{2,}", ".", kept)).lstrip(".").strip("_") or otherwise


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
