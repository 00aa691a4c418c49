"""A report as a value: sections of texts, facts, tables, figures; its words; what its sections are made from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.catalog import load_catalog
from urbanplan.errors import InputError
from urbanplan.files import read_toml
from urbanplan.measures.scenarios import BASELINE, chain
from urbanplan.output.metadata import text_of
from urbanplan.output.page.tables import figure, gain, of_land, percent, plain, square_km, whole
from urbanplan.output.rounding import ALL
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


#: Languages that a report is written in, and where each stands in a pair.
LANGUAGES = ("zh", "en")
_HAN = re.compile("[\u3400-\u9fff]")
#: Marks that turn the direction of text: a name must not be able to reorder its line.
_TURNING = set(range(0x202A, 0x202F)) | set(range(0x2066, 0x206A)) | {0x200E, 0x200F, 0xFEFF}


@cache
def _words() -> dict[str, list[str]]:
    return read_toml(Path(__file__).parent / "words.toml")


class Words:
    """Words of one language.

    Raises
    ------
    InputError
        If the language is not one of `LANGUAGES`.
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise InputError(
                f"no report is written in '{lang}'", where="--lang", remedy="use zh or en"
            )
        self.lang = lang
        self._at = LANGUAGES.index(lang)

    def __call__(self, key: str, **values: Any) -> str:
        """The words of a key, with values put in; a value is never read as a pattern itself."""
        return _words()[key][self._at].format(**values)

    def has(self, key: str) -> bool:
        """Whether there are words of that key."""
        return key in _words()

    def pair(self, zh: Any, en: Any) -> str:
        """The one of two names that is in this language, or the other where it is missing."""
        first, second = (zh, en) if self.lang == "zh" else (en, zh)
        return clean(first) or clean(second)

    def named(self, thing: Any) -> str:
        """The name of something with ``name_zh`` and ``name_en``."""
        return self.pair(thing.name_zh, thing.name_en)

    def own(self, thing: Any, name: str) -> str:
        """A text of a table or object, in Chinese where it also has one (``…_zh``) and that is the language."""
        get = thing.get if isinstance(thing, dict) else lambda key: getattr(thing, key, "")
        return (clean(get(f"{name}_zh")) if self.lang == "zh" else "") or clean(get(name))

    def part(self, text: str) -> str:
        """This language's part of a text that says it twice, as ``Chinese / English``."""
        parts = clean(text).split(" / ")
        if len(parts) < 2:
            return parts[0]
        # A name may hold the mark itself: English is what follows the last Chinese.
        cuts = range(1, len(parts))
        plain = [k for k in cuts if not _HAN.search(" / ".join(parts[k:]))]
        cut = plain[0] if plain else max(1, len(parts) // 2)
        return " / ".join(parts[:cut] if self.lang == "zh" else parts[cut:])

    def listed(self, names: list[str], most: int = 6) -> str:
        """Names one after another; of many, the first, and how many more there are."""
        mark = "、" if self.lang == "zh" else ", "
        text = mark.join(names[:most])
        more = len(names) - most
        return text if more <= 0 else self("and_more", names=text, more=more)


def clean(value: Any) -> str:
    """A value of the data as one line: no controls, no marks that turn it, no halves of characters."""
    value = plain(value)
    kept = []
    for char in "" if value is None else str(value):
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in ("Cc", "Cs") and ord(char) not in _TURNING:
            kept.append(char)
    return re.sub(" {2,}", " ", "".join(kept)).strip()


#: How a column's values are read: text first, then figures, which stand to the right.
TEXTS = ("text", "code")
_POINT = "–"


#: Fields that find something in a frame, and are not written.
_LOOKED_UP = ("key", "name", "raw", "strong")


@dataclass(frozen=True)
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
_SHOWN: Mapping[str, Callable[[Any], str]] = {
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


def label(words: Words, block: Table | Figure) -> str:
    """The number of a table or picture, in words."""
    key = "table" if isinstance(block, Table) else "figure"
    return f"{words(key)} {block.number}"


def grouped(section: Section) -> Iterator[Block | list[str]]:
    """Blocks of a section; points that follow one another come as one list of texts."""
    points: list[str] = []
    for block in section.blocks:
        if isinstance(block, Text) and block.role == "point":
            points.append(block.text)
            continue
        if points:
            yield points
            points = []
        yield block
    if points:
        yield points


def heading(section: Section) -> str:
    """A section's number and heading."""
    return f"{section.number} {section.heading}"


def texts(report: Report) -> Iterator[str]:
    """Every text of a report, for who must know which characters it takes."""
    yield from (report.title, report.subtitle, report.notice, report.made)
    for section in report.sections:
        yield section.heading
        for block in section.blocks:
            yield from _texts(block)


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield block.text
    elif isinstance(block, Figure):
        yield from (block.caption, block.alt)
    elif isinstance(block, Table):
        yield from (block.caption, block.note, *(c.title for c in block.columns))
        yield from (cell for row in block.cells() for cell in row)
    else:
        yield from (text for item in block.items for text in item)


#: Areas out of reach that are numbered and listed, and which part of the whole one must be.
MOST_GAPS, _LEAST_PART = 10, 0.001
#: Qualities that make every figure that rests on them an order of magnitude.
ROUGH = ("schematic", "modelled")


@dataclass(frozen=True)
class Context:
    """What every part of a report asks of a run.

    Attributes
    ----------
    results : Results
    words : Words
    bridges : DataFrame or None
        What depends on each bridge: see `urbanplan.study.bridge_dependence`.
    """

    results: Results
    words: Words
    bridges: pd.DataFrame | None = None

    @cached_property
    def land(self) -> bool:
        """Whether nobody knows who lives where, so that shares are of land."""
        return of_land(self.results)

    @cached_property
    def areas(self) -> Mapping[str, str]:
        """What each area of the tables is called."""
        names: dict[str, str] = {}
        for layer in self.results.layers.values():
            if layer.kind.role == "zone":
                pairs = zip(layer.frame["name_zh"], layer.frame["name_en"])
                names |= {str(zh): self.words.pair(zh, en) for zh, en in pairs}
        return {**names, ALL: self.words("all_areas")}

    def area(self, name: Any) -> str:
        """What an area is called."""
        return self.areas.get(str(name), clean(name))

    def kind(self, layer: str) -> str:
        """What a layer is called."""
        held = self.results.layers.get(layer)
        return self.words.named(held.kind if held else load_catalog().layer(layer))

    def mode(self, name: str) -> str:
        """What a mode is called."""
        return self.words.named(load_catalog().mode(name))

    def scenario(self, name: str) -> str:
        """What a scenario is called."""
        return self.words.named(self.results.scenarios[name])

    def value(self, column: str, code: Any) -> str:
        """What a code of a column means."""
        words = load_catalog().symbols.values[column].get(str(code))
        return words[self.words.lang] if words else clean(code)

    def qualities(self, text: str) -> str:
        """Qualities joined by ``+``, in words."""
        return " + ".join(self.value("quality", q) for q in clean(text).split("+") if q)

    @property
    def facilities(self) -> str:
        """The headline's facilities, as a layer."""
        return self.results.city.analysis.headline_facilities

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The headline's rows of the coverage table: every mode and area at its limit."""
        plan, table = self.results.city.analysis, self.results.coverage
        hit = (table["facilities"] == self.facilities) & (table["minutes"] == plan.headline_minutes)
        return table[hit]

    @cached_property
    def of_mode(self) -> pd.DataFrame:
        """Those of the headline's mode."""
        return self.headline[self.headline["mode"] == self.results.city.analysis.headline_mode]

    @cached_property
    def whole(self) -> Any:
        """That of the whole city."""
        return next(self.of_mode[self.of_mode["area"] == ALL].itertuples())

    @property
    def share_column(self) -> str:
        """Which share counts here."""
        return "km2_share" if self.land else "share"

    def share(self, row: Any) -> float:
        """A row's share, of people or of land."""
        return float(getattr(row, self.share_column))

    def amount(self, of: float) -> str:
        """So many people, or so much land, with the unit."""
        key = "so_much_land" if self.land else "so_many_people"
        return self.words(key, n=square_km(of) if self.land else whole(of))

    @property
    def unknown(self) -> bool:
        """Whether the headline cannot be told: nothing to reach has a place."""
        share = self.share(self.whole)
        return share != share

    def held(self, row: Any) -> tuple[float, float]:
        """What a row covers, and of how much."""
        if self.land:
            return float(row.km2_covered), float(row.km2)
        return float(row.persons_covered), float(row.persons)

    @cached_property
    def gaps(self) -> gpd.GeoDataFrame:
        """Areas out of reach by the headline's mode, most people (or land) first."""
        plan, table = self.results.city.analysis, self.results.gaps
        own = table[table["mode"] == plan.headline_mode]
        by = "km2" if self.land else "persons"
        return own.sort_values(by, ascending=False, kind="stable").reset_index(drop=True)

    @cached_property
    def top_gaps(self) -> gpd.GeoDataFrame:
        """The first of them that matter: a thousandth of all who are out of reach, or more."""
        by = "km2" if self.land else "persons"
        matter = self.gaps[self.gaps[by] >= _LEAST_PART * self.gaps[by].sum()]
        return matter.head(MOST_GAPS)

    @cached_property
    def rests_on(self) -> dict[str, set[str]]:
        """Qualities of what the headline rests on, by layer."""
        under = ("districts", "roads", "bridges", "water", "population", self.facilities)
        found = {}
        for name in dict.fromkeys(under):
            layer = self.results.layers.get(name)
            if layer is not None and len(layer.located):
                there = layer.located
                there = there[there["status"] == "existing"] if "status" in there else there
                found[name] = {str(q) for q in there["quality"].dropna()}
        return {k: v for k, v in found.items() if v}

    @property
    def rough(self) -> bool:
        """Whether the headline rests on anything schematic or modelled."""
        return any(q in ROUGH for found in self.rests_on.values() for q in found)

    @property
    def on_streets(self) -> bool:
        """Whether minutes follow mapped streets."""
        return self.results.city.has("streets.osm.pbf")

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """Scenarios at the headline's limit for the whole city: ``scenario, facilities, mode, persons,
        persons_covered, share, persons_gained, share_gained, people_change``; the largest gain in share first.
        """
        results, plan = self.results, self.results.city.analysis
        table = results.scenario_coverage
        keys = ["facilities", "mode", "minutes", "area"]
        before = results.coverage[[*keys, "persons", "share"]]
        both = table.merge(before, on=keys, suffixes=("", "_before"), how="left")
        own = both[(both["minutes"] == plan.headline_minutes) & (both["area"] == ALL)]
        own = own.assign(
            share_gained=own["share"] - own["share_before"],
            people_change=(own["persons"] - own["persons_before"]).abs() >= 0.5,
        )
        own = own[own["scenario"] != BASELINE]
        columns = ["scenario", "facilities", "mode", "persons", "persons_covered", "share", "persons_gained", "share_gained", "people_change"]  # fmt: skip
        return own.sort_values("share_gained", ascending=False, kind="stable")[columns].reset_index(drop=True)  # fmt: skip

    def best(self, mode: str, *, adding: bool = True) -> Any:
        """The scenario that gains most people for the headline's facilities where their number stays.

        None if none gains at least one; those that add facilities are left out without `adding`.
        """
        own = self.outcomes
        own = own[(own["mode"] == mode) & (own["facilities"] == self.facilities)]
        own = own[~own["people_change"].astype(bool) & (own["persons_gained"] >= 1)]
        known = self.results.scenarios
        adds = {n for n in known if any(c.do == "add" for s in chain(known, n) for c in s.changes)}
        own = own if adding else own[~own["scenario"].isin(adds)]
        return next(own.itertuples(), None)

    @cached_property
    def sited(self) -> list[tuple[str, str, int]]:
        """Scenarios that add facilities: its id, their layer, how many."""
        found: list[tuple[str, str, int]] = []
        for one in self.results.scenarios.values():
            layers = [c.get("layer") for c in one.changes if c.do == "add"]
            for layer in dict.fromkeys(layers):
                if load_catalog().layer(layer).role == "facility":
                    found.append((one.id, layer, layers.count(layer)))
        return found

    def mixed(self, scenario: str) -> bool:
        """Whether a scenario does other things than adding facilities of one kind."""
        done = [c for s in chain(self.results.scenarios, scenario) for c in s.changes]
        return len({(c.do, c.get("layer")) if c.do == "add" else c.do for c in done}) > 1

    @cached_property
    def on_osm(self) -> bool:
        """Whether anything comes from OpenStreetMap, whose licence asks to say so."""
        frames = [layer.frame for layer in self.results.layers.values()]
        return any(f["licence"].astype(str).str.startswith("ODbL").any() for f in frames)

    @cached_property
    def source_line(self) -> str:
        """What the maps rest on, in a line."""
        origins = dict(self.results.city.manifest.get("origins", {}))
        names = []
        for name, one in origins.items():
            about = one if isinstance(one, dict) else {}
            title = self.words.own(about, "title") or clean(name)
            licence = clean(about.get("licence", ""))
            names.append(self.words("bracketed", what=title, inner=licence) if licence else title)
        if self.on_osm:
            names.insert(0, "© OpenStreetMap contributors (ODbL)")
        if not names:
            frames = [layer.frame for layer in self.results.layers.values()]
            names = sorted({clean(v) for f in frames for v in f["source"].dropna()} - {""})
        return self.words("map_sources", names=self.words.listed(names, 4))

    def unit(self, unit: Any) -> str:
        """A unit of the data in words."""
        key = f"unit_{clean(unit)}"
        return self.words(key) if self.words.has(key) else clean(unit)

    def percent(self, share: float) -> str:
        """A share as text."""
        return percent(share)
