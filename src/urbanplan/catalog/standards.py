"""What the standards ask for: named indicators with threshold, clause and how well they are verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from urbanplan.base.schema import (
    ABOVE_0,
    NAME,
    PAIRS,
    TABLE,
    TEXT,
    id_of,
    require_fields,
    require_id,
)
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import list_files, read_toml

#: How a value is compared with its threshold.
DIRECTIONS = ("at_least", "above", "at_most")
#: What an indicator measures, and the fields that it cannot do without.
MEASURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "minutes": ("layer", "mode", "minutes", "of"),
        "metres": ("layer", "of"),
        "per_head": ("layer", "figure"),
        "density": ("layer", "figure", "of"),
        "total": ("layer", "figure"),
        "streets": ("figure", "of"),
        "least": ("layer", "figure"),
        "served": ("layer", "of"),
        "slope": ("of", "percent"),
        "unmeasured": ("needs",),
    }
)
#: Denominators that clauses name.
DENOMINATORS = ("people", "area", "built_up", "residential", "villages", "industrial_parks")
#: How far an entry's threshold was verified: only the first may judge; the last belongs to no standard.
GRADES = ("V", "G", "K", "D")
#: How binding it is; what is superseded binds nobody.
LEVELS = ("obligatory", "recommended", "target", "definition", "superseded")
#: What a verdict ends with where a part of its entry is not the clause's own.
PART_BORROWED = ", part borrowed"


@dataclass(frozen=True)
class Borrowed:
    """A part of an entry that its clause does not hold: the field, and whose text it is from."""

    field: str
    document: str
    quote: str
    source: str
    clause: str = ""


@dataclass(frozen=True)
class Indicator:
    """One measure of one standard; `standards/GB55014-2021.toml` explains each field.

    `own` says that it comes from the city's folder; `replaces` that it took a shipped entry's place.
    `country` (ISO 3166) is where the standard holds, anywhere if empty; `abroad` is ``hidden`` or
    ``shown`` where it judges another country's city not at all: its threshold is left out, or told.
    """

    id: str
    standard: str
    name_zh: str
    name_en: str
    measure: str
    unit: str
    level: str
    grade: str
    source: str
    document: str
    edition: str
    layer: str = ""
    where: str = ""
    figure: str = ""
    mode: str = ""
    minutes: float = 0.0
    metres: float = 0.0
    percent: float = 0.0
    rings: tuple[tuple[float, float], ...] = ()
    of: str = ""
    of_where: str = ""
    needs: str = ""
    threshold: float | None = None
    direction: str = ""
    clause: str = ""
    page: str = ""
    quote: str = ""
    borrowed: tuple[Borrowed, ...] = ()
    applies_to: str = ""
    note: str = ""
    own: bool = False
    replaces: str = ""
    country: str = ""
    abroad: str = ""

    def __post_init__(self) -> None:
        """Refuse ids that its rows could not be found by."""
        require_id(self.id, "an indicator")
        require_id(self.standard, "a standard")

    @property
    def metric(self) -> str:
        """Whether distance is minutes on the network or a straight line; the two are never mixed."""
        return {"minutes": "network", "metres": "straight line"}.get(self.measure, "")

    @property
    def reach_m(self) -> float:
        """Longest straight distance that the clause names, in metres."""
        return max((m for _, m in self.rings), default=self.metres)


_HEAD = dict.fromkeys(("name_zh", "name_en", "edition", "country"), TEXT)
_NEEDED = dict.fromkeys(("name_zh", "name_en", "measure", "unit", "level", "grade", "source"), NAME)
_BESIDES = {
    **dict.fromkeys(
        ("document", "edition", "layer", "where", "figure", "mode", "of", "of_where", "direction", "clause", "page", "quote", "applies_to", "note"),
        TEXT,
    ),
    **dict.fromkeys(("threshold", "minutes", "metres", "percent"), ABOVE_0),
    "rings": PAIRS,
    "needs": NAME,
    "borrowed": TABLE,
}  # fmt: skip
_BORROWED = dict.fromkeys(("document", "quote", "source"), NAME)
#: What may be another text's: all that says how a share is measured.
_PARTS = ("minutes", "metres", "percent", "rings", "of", "mode", "figure")


def _indicator(where: object, standard: str, head: Mapping, name: str, row: Mapping) -> Indicator:
    def wrong(what: str) -> InputError:
        return InputError(
            f"indicator '{name}' {what}", where=where, remedy="compare with the shipped standards"
        )

    require_id(name, "an indicator", where)
    require_fields(row, f"indicator {name}", where, _NEEDED, _BESIDES)
    about = {k: head.get(k, "") for k in ("document", "edition", "country")}
    values: dict[str, Any] = {**about, **row}
    values["rings"] = tuple(sorted((float(ha), float(m)) for ha, m in row.get("rings", ())))
    for key, allowed in (("measure", MEASURES), ("grade", GRADES), ("level", LEVELS)):
        if values[key] not in allowed:
            raise wrong(f"needs {key} = one of {', '.join(allowed)}")
    lacks = [k for k in MEASURES[values["measure"]] if not values.get(k)]
    if values["measure"] == "metres" and not (values.get("metres") or values["rings"]):
        lacks.append("metres")
    if lacks:
        raise wrong(f"needs {lacks[0]}")
    if values.get("of") and values["of"] not in DENOMINATORS:
        raise wrong(f"needs of = one of {', '.join(DENOMINATORS)}")
    if ("threshold" in row) != ("direction" in row):
        raise wrong("has a threshold without a direction, or the other way round")
    if "direction" in row and row["direction"] not in DIRECTIONS:
        raise wrong(f"needs direction = one of {', '.join(DIRECTIONS)}")
    if values["grade"] == "D" and "threshold" in row:
        raise wrong("is a definition of grade D and has a threshold, which only a standard can set")
    values["borrowed"] = _borrowed(where, name, row.get("borrowed", {}))
    return Indicator(id=name, standard=standard, **values)


def _borrowed(where: object, name: str, parts: Mapping) -> tuple[Borrowed, ...]:
    require_fields(parts, f"borrowed of indicator {name}", where, {}, dict.fromkeys(_PARTS, TABLE))
    for field, about in parts.items():
        what = f"borrowed.{field} of indicator {name}"
        require_fields(about, what, where, _BORROWED, {"clause": TEXT})
    return tuple(Borrowed(field, **about) for field, about in parts.items())


def _read(path: Path) -> dict[str, Indicator]:
    table = read_toml(path)
    if not isinstance(table.get("standard"), Mapping):
        raise InputError("has no [standard] with a document", where=path, remedy="name its source")
    head = require_fields(table["standard"], "[standard]", path, {"document": NAME}, _HEAD)
    rows = table.get("indicators")
    if not isinstance(rows, Mapping) or not rows:
        raise InputError("has no [indicators.ID]", where=path, remedy="add one")
    # A standard is called as its file is, whatever people call their files.
    standard = id_of(path.stem, "standard")
    return {n: _indicator(path, standard, head, n, row) for n, row in rows.items()}


@cache
def _shipped() -> Mapping[str, Indicator]:
    found: dict[str, Indicator] = {}
    for path in list_files(Path(__file__).parent / "standards", ".toml"):
        found |= _read(path)
    return MappingProxyType(found)


def read_standards(own: Path | None = None) -> Mapping[str, Indicator]:
    """Every indicator that is known, by id.

    Parameters
    ----------
    own : path, optional
        A TOML file of the user's, like those in ``catalog/standards``: what it names is added, and
        takes the place of a shipped entry of the same id.

    Returns
    -------
    mapping of str to Indicator
        The user's first.

    Raises
    ------
    InputError
        If an entry lacks a source, a grade or another field, naming the file and the entry.
    """
    from dataclasses import replace

    shipped = _shipped()
    if own is None:
        return shipped
    mine = {
        name: replace(one, own=True, replaces=shipped[name].document if name in shipped else "")
        for name, one in _read(own).items()
    }
    return MappingProxyType(mine | {k: v for k, v in shipped.items() if k not in mine})


def held_in(
    known: Mapping[str, Indicator], country: str, asked: tuple[str, ...] = ()
) -> Mapping[str, Indicator]:
    """Entries as they hold for a city of some country.

    Parameters
    ----------
    known : mapping of str to Indicator
    country : str
        ISO 3166 code of the city's country; empty where it is not known.
    asked : tuple of str
        Indicators or standards, as for `pick`, whose threshold is told wherever the city lies.

    Returns
    -------
    mapping of str to Indicator
        Those of another country are `abroad`: they give the value and no verdict.
    """
    from dataclasses import replace

    told = set(asked)
    return MappingProxyType(
        {
            name: one
            if one.country in ("", country)
            else replace(
                one, abroad="shown" if told & {one.id, one.standard, one.document} else "hidden"
            )
            for name, one in known.items()
        }
    )


def pick(known: Mapping[str, Indicator], names: tuple[str, ...]) -> Mapping[str, Indicator]:
    """Entries called so, or of the standards called so; all of them without a name.

    Raises
    ------
    UnknownNameError
        If neither an indicator nor a standard has such a name.
    """
    if not names:
        return known
    for name in names:
        if not any(name in (i.id, i.standard, i.document) for i in known.values()):
            some = sorted({i.standard for i in known.values()})
            raise UnknownNameError(
                f"unknown standard or indicator '{name}'", remedy=one_of(name, some)
            )
    chosen = set(names)
    return MappingProxyType(
        {k: i for k, i in known.items() if chosen & {i.id, i.standard, i.document}}
    )


def judge(indicator: Indicator, value: float, sketched: bool = False) -> str:
    """``met`` or ``not met``; or why the entry may not judge.

    A standard of another country is ``not applicable``.

    Only a threshold that was seen in a public text (grade V) and is in force judges, and only what
    is more than `sketched`: a figure that rests on schematic data, or that a substitute stands in
    for, is ``indicative``. Where a part of the entry is not the clause's own, the verdict ends
    with ``, part borrowed``.
    """
    if value != value:
        return "cannot be told"
    if indicator.abroad:
        return "not applicable"
    if indicator.threshold is None:
        return "no threshold"
    if indicator.level == "superseded":
        return "superseded"
    if indicator.grade != "V":
        return "threshold unverified"
    if sketched:
        return "indicative"
    judged = meets(value, indicator.threshold, indicator.direction)
    return judged + (PART_BORROWED if indicator.borrowed else "")


def meets(value: float, threshold: float, direction: str) -> str:
    """``met`` or ``not met``: a value beside a threshold; ``cannot be told`` without a value."""
    if value != value:
        return "cannot be told"
    slack = 1e-12 * abs(threshold)
    good = {
        "at_least": value >= threshold - slack,
        "above": value > threshold,
        "at_most": value <= threshold + slack,
    }
    return "met" if good[direction] else "not met"
