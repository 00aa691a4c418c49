"""What a report holds, as plain values that every writer turns into its own format."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from urbanplan.publish.html.tables import figure, gain, percent, plain, square_km, whole
from urbanplan.publish.xml import text_of

if TYPE_CHECKING:
    import pandas as pd

#: How a column's values are read: text first, then figures, which stand to the right.
TEXTS = ("text", "code")
_POINT = "–"


#: Fields that find something in a frame, and are not written.
_LOOKED_UP = ("key", "name", "raw", "strong")


class _Written:
    """Texts that every format can hold: what XML has no place for is dropped once, before any writer sees it."""

    def __post_init__(self) -> None:
        """Drop it."""
        for field in fields(self):
            if field.name in _LOOKED_UP:
                continue
            object.__setattr__(self, field.name, _writable(getattr(self, field.name)))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return text_of(value)
    return tuple(map(_writable, value)) if type(value) is tuple else value


@dataclass(frozen=True)
class Column(_Written):
    """A column of a table.

    Attributes
    ----------
    name : str
        In the frame.
    title : str
        As readers see it.
    kind : {'text', 'code', 'figure', 'persons', 'gain', 'share', 'points', 'km2', 'minutes', 'degrees', 'number'}
        ``code`` is text in one width, ``figure`` a figure that is text already.
    weight : float
        Of a text column: its share of the width that figures leave; 0 takes what it needs.
    raw : str
        The frame's column of bare figures behind a ``figure``, for workbooks.
    """

    name: str
    title: str
    kind: str = "text"
    weight: float = 0.0
    raw: str = ""

    @property
    def is_text(self) -> bool:
        """Whether its values stand to the left."""
        return self.kind in TEXTS


@dataclass(frozen=True)
class Table(_Written):
    """A numbered table: the run's own values in `frame`, and how each column is shown.

    `strong` names a text column and the value whose rows are totals.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    note: str = ""
    strong: tuple[str, str] | None = None
    number: int = 0

    def cells(self) -> list[list[str]]:
        """Every row as readers see it."""
        kinds = [c.kind for c in self.columns]
        rows = self.frame[[c.name for c in self.columns]].itertuples(index=False, name=None)
        return [[text_of(shown(v, k)) for v, k in zip(row, kinds)] for row in rows]

    def totals(self) -> list[bool]:
        """Which rows are totals."""
        if self.strong is None:
            return [False] * len(self.frame)
        return [v == self.strong[1] for v in self.frame[self.strong[0]]]


@dataclass(frozen=True)
class Figure(_Written):
    """A numbered picture (`image` is SVG or PNG), with what it shows in words for those who cannot see it."""

    key: str
    caption: str
    alt: str
    image: bytes
    width_mm: float
    height_mm: float
    number: int = 0


@dataclass(frozen=True)
class Text(_Written):
    """A paragraph; `role` is ``lead``, ``body``, ``point`` (of a list), ``note`` or ``warning``."""

    text: str
    role: str = "body"


@dataclass(frozen=True)
class Facts(_Written):
    """A few figures that stand large: (figure, what it is)."""

    items: tuple[tuple[str, str], ...]


Block = Text | Facts | Table | Figure


@dataclass(frozen=True)
class Section(_Written):
    """A numbered part of the report."""

    key: str
    heading: str
    blocks: tuple[Block, ...]
    number: int = 0


@dataclass(frozen=True)
class Report(_Written):
    """A whole report in one language.

    Attributes
    ----------
    lang : {'zh', 'en'}
    title, subtitle, notice : str
        The notice says what the report must not be taken for.
    made : str
        With what it was made; no time, so that the same run gives the same bytes.
    date : tuple of int
        Year, month and day of the newest data.
    sections : tuple of Section
    """

    lang: str
    title: str
    subtitle: str
    notice: str
    made: str
    date: tuple[int, int, int]
    sections: tuple[Section, ...]

    def tables(self) -> list[Table]:
        """Every table, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Table)]

    def figures(self) -> list[Figure]:
        """Every picture, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Figure)]


def points(share: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    if share != share:
        return _POINT
    text = f"{abs(share) * 100:.1f}"
    sign = "" if float(text) == 0 else "+" if share > 0 else "−"
    return sign + text


def _minutes(value: float) -> str:
    return _POINT if value != value else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


#: Each kind of figure as readers see it.
_SHOWN = {
    "persons": whole,
    "gain": lambda v: gain(v).replace("-", "−"),
    "share": percent,
    "points": points,
    "km2": square_km,
    "minutes": _minutes,
    "degrees": lambda v: f"{v:.3f}",
    "number": figure,
    "figure": str,
}


def shown(value: Any, kind: str) -> str:
    """A value of a table as readers see it; a dash where nothing is known."""
    if kind in TEXTS:
        return "" if plain(value) is None else figure(value)
    value = plain(value)
    if value is None:
        return _POINT
    return value if isinstance(value, str) else _SHOWN[kind](value)
