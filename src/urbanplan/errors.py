"""What can go wrong, in one family: each error says what, where, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


class UrbanplanError(Exception):
    """Root of every error that urbanplan raises on purpose.

    Parameters
    ----------
    what : str
        One clause saying what is wrong.
    where : object, optional
        The file, layer or option it was found in.
    remedy : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: object = None, remedy: str = "") -> None:
        # Names come from files: a line break or an escape in one must not reach a terminal.
        self.what = _shortened(printable(what))
        self.where = printable(where) if isinstance(where, str) else where
        self.remedy = _shortened(printable(remedy))
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{printable(str(self.where))}: " if self.where is not None else ""
        tail = f" → {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{tail}"


#: Characters of a name that is looked for among others, and how many of these are compared with it.
_MAX_NAME, _MAX_NAMES = 200, 10_000


def one_of(name: str, known: Iterable[str], most: int = 20) -> str:
    """A remedy for a name that is not known: what was probably meant, or what there is."""
    # Only needed once something is wrong, and slow to load.
    from difflib import get_close_matches

    every = list(known)
    # Two names as long as a book, or a million of them, would be compared for hours.
    near = [n for n in every if max(len(n), len(name)) < _MAX_NAME]
    meant = get_close_matches(name, near[:_MAX_NAMES], 1)
    if meant:
        return f"did you mean '{meant[0]}'?"
    return f"one of {', '.join(every[:most])}" + (" …" if len(every) > most else "")


def printable(text: str, keep: str = "") -> str:
    r"""A text without what a terminal would take for a command: controls, and marks that turn lines.

    Examples
    --------
    >>> printable("a\x1b[2Jb\u202ec")
    'a [2Jb c'
    """
    return "".join(c if c.isprintable() or c in keep else " " for c in text)


#: A sentence stays one, whatever a cell holds: characters of a word, and of a sentence.
_MAX_WORD, _MAX_SENTENCE = 400, 4000


def _shortened(text: str) -> str:
    # The middle of a word that nobody reads to its end, such as a cell of 100,000 digits, is left out.
    half = _MAX_WORD // 2
    text = re.sub(rf"\S{{{_MAX_WORD},}}", lambda word: f"{word[0][:half]}…{word[0][-half:]}", text)
    if len(text) > _MAX_SENTENCE:
        text = f"{text[: _MAX_SENTENCE // 2]}…{text[-_MAX_SENTENCE // 2 :]}"
    return text


class MissingLibraryError(UrbanplanError, ImportError):
    """A library that only some questions need is not installed."""


#: Extras of pyproject.toml, and what is done with each.
EXTRAS = {
    "postgis": "PostgreSQL",
    "siting": "siting",
    "report": "a report",
    "page": "finding Chinese names by their sound on a page",
    "excel": "an Excel workbook",
    "china": "the boundaries and points of China",
}


def require(extra: str, *modules: str, instead: str = "") -> None:
    """Raise a `MissingLibraryError` with what to install unless these libraries are there.

    Parameters
    ----------
    extra : str
        The extra of urbanplan that brings them, of `EXTRAS`.
    modules : str
        Names as they are imported.
    instead : str, optional
        What else the user can do.
    """
    from importlib.util import find_spec

    missing = [m for m in modules if find_spec(m) is None]
    if missing:
        raise MissingLibraryError(
            f"{EXTRAS[extra]} needs {', '.join(missing)}, which is not installed",
            remedy=f"pip install 'urbanplan[{extra}]'{instead}",
        )


class InputError(UrbanplanError, ValueError):
    """The content of a file, layer or option cannot be used."""


class LayersError(InputError):
    """A file holds several layers and none is named, or not one that it has; `layers` are their names."""

    def __init__(self, what: str, *, layers: Iterable[str] = (), **more: Any) -> None:
        super().__init__(what, **more)
        self.layers = tuple(layers)


class MissingFileError(UrbanplanError, FileNotFoundError):
    """A file or folder that was named is not there."""


class UnknownNameError(UrbanplanError, LookupError):
    """A city, layer, mode or feature of that name is not known."""


class CrsError(UrbanplanError, ValueError):
    """Coordinates of two reference systems would be mixed, or one is missing."""


class WriteError(UrbanplanError, OSError):
    """An output could not be written; what was there before is still there."""


class WebError(UrbanplanError, OSError):
    """A server cannot or may not be asked, or does not answer as it should."""


class TooLongError(WebError):
    """A server answers with more than may be read."""


class BusyServerError(WebError):
    """A server asks to come again later; `after_s` seconds later, if it says so."""

    def __init__(
        self, what: str, *, where: object = None, remedy: str = "", after_s: float | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.after_s = after_s


class BusyError(UrbanplanError, OSError):
    """Another urbanplan is working in this folder."""
