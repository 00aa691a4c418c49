"""What a plan is, and how a TOML file says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from urbanplan.base.schema import (
    DATE,
    FIGURE,
    FLAG,
    ID,
    NAME,
    NAMES,
    TABLE,
    TABLES,
    TEXT,
    WHOLE,
    require_fields,
)
from urbanplan.catalog import COMMON_COLUMNS, load_catalog
from urbanplan.city.layers import conditions
from urbanplan.errors import InputError

_NAMED = {"name_zh": NAME, "name_en": NAME}
_NOTES = {"note_zh": TEXT, "note_en": TEXT}
#: What marks an indicator among the things that show an item.
INDICATOR = "indicator:"


@dataclass(frozen=True)
class Item:
    """One promise within a task.

    Attributes
    ----------
    id, name_zh, name_en, promised_zh, promised_en, note_zh, note_en : str
    agencies : tuple of str
        Its own, or its task's.
    layers : tuple of (layer, condition)
        What shows it on the map; the condition is one of `urbanplan.city.layers`.
    indicators : tuple of str
    published : bool
        Whether the plan's text tells what is promised.
    """

    id: str
    name_zh: str
    name_en: str
    promised_zh: str
    promised_en: str
    agencies: tuple[str, ...]
    layers: tuple[tuple[str, str], ...]
    indicators: tuple[str, ...]
    published: bool
    note_zh: str
    note_en: str


@dataclass(frozen=True)
class Task:
    """A task with its lead agencies and items."""

    number: int
    part: str
    name_zh: str
    name_en: str
    agencies: tuple[str, ...]
    items: tuple[Item, ...]
    published: bool


@dataclass(frozen=True)
class Plan:
    """A plan: parts, tasks, documents of its system, and published values behind its targets; empty for a city without one.

    Attributes
    ----------
    about : dict of str to str
        ``id, title_zh, title_en, document, date, source, cut_off_zh, cut_off_en``.
    parts : dict of str to dict
        ``name_zh, name_en, published`` by id.
    tasks : tuple of Task
    documents : tuple of dict
        Plans by level, kind and precedence, the first goes before the others: ``id, name_zh, name_en, document,
        level, kind, slot, slot_known, precedence``, and ``goals``: ``target, value`` that it sets.
    series : dict of str to dict
        By target: ``points`` (``year, value, source``), ``note_zh, note_en``.
    """

    about: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()
    documents: tuple[Mapping[str, Any], ...] = ()
    series: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def items(self) -> tuple[tuple[Task, Item], ...]:
        """Every item with its task."""
        return tuple((task, item) for task in self.tasks for item in task.items)

    @property
    def indicators(self) -> tuple[str, ...]:
        """Every indicator that any item names."""
        return tuple(dict.fromkeys(name for _, item in self.items for name in item.indicators))

    def tasks_of(self, layer: str) -> tuple[int, ...]:
        """Numbers of the tasks that a layer shows."""
        found = {t.number for t, i in self.items if any(name == layer for name, _ in i.layers)}
        return tuple(sorted(found))

    def tasks_of_indicator(self, indicator: str) -> tuple[int, ...]:
        """Numbers of the tasks that an indicator measures."""
        return tuple(sorted({t.number for t, i in self.items if indicator in i.indicators}))


def parse_plan(table: Mapping[str, Any], where: object = None) -> Plan:
    """A plan from its TOML file.

    Raises
    ------
    InputError
        If an entry lacks something, has a field of the wrong kind or one that nobody reads, is there twice, or names
        a layer that no city has.
    """
    if "plan" not in table:
        raise InputError("has no [plan]", where=where, remedy="say which plan it is")
    held = dict.fromkeys(("part", "task", "document", "series"), TABLES)
    require_fields(table, "the file", where, {"plan": TABLE}, held)
    head = _about(table["plan"], where)
    parts = tuple(_part(p, where) for p in table.get("part", []))
    known = [name for name, _ in parts]
    tasks = tuple(_task(t, known, where) for t in table.get("task", []))
    documents = tuple(_document(d, where) for d in table.get("document", []))
    series = tuple(_series(s, where) for s in table.get("series", []))
    # A task without items stands in the ledger under its own number.
    items = [i for t in tasks for i in ([i.id for i in t.items] or [str(t.number)])]
    for name, ids in (
        ("part", known),
        ("task", [t.number for t in tasks]),
        ("item", items),
        ("document", [d["id"] for d in documents]),
        ("series of", [target for target, _ in series]),
    ):
        _require_once(name, ids, where)
    order = sorted(documents, key=lambda d: (d["precedence"], d["id"]))
    return Plan(head, dict(parts), tasks, tuple(order), dict(series))


def _require_once(name: str, ids: Sequence[Any], where: object) -> None:
    doubled = [i for i in ids if ids.count(i) > 1]
    if doubled:
        raise InputError(f"{name} {doubled[0]} is there twice", where=where, remedy="renumber it")


def _about(row: Mapping[str, Any], where: object) -> dict[str, str]:
    needed = {"id": ID, **dict.fromkeys(("title_zh", "title_en", "document", "source"), NAME)}
    besides = {"date": DATE, "cut_off_zh": TEXT, "cut_off_en": TEXT}
    return {k: str(v) for k, v in require_fields(row, "[plan]", where, needed, besides).items()}


def _part(row: Mapping[str, Any], where: object) -> tuple[str, dict[str, Any]]:
    what = f"part {row.get('id')}"
    require_fields(row, what, where, {"id": ID, **_NAMED}, {"published": FLAG})
    return row["id"], {"name_zh": row["name_zh"], "name_en": row["name_en"], "published": row.get("published", True)}  # fmt: skip


def _task(row: Mapping[str, Any], parts: Sequence[str], where: object) -> Task:
    what = f"task {row.get('number')}"
    needed = {"number": WHOLE, **_NAMED, "part": NAME}
    require_fields(row, what, where, needed, {"agencies": NAMES, "published": FLAG, "item": TABLES})
    if row["part"] not in parts:
        raise InputError(f"{what} is of no part '{row['part']}'", where=where, remedy=f"one of {', '.join(parts)}")  # fmt: skip
    published = row.get("published", True)
    agencies = tuple(row.get("agencies", ()))
    if published and not agencies:
        raise InputError(f"{what} has no lead agency", where=where, remedy="name it, or published = false")  # fmt: skip
    items = tuple(_item(i, agencies, where) for i in row.get("item", []))
    return Task(row["number"], row["part"], row["name_zh"], row["name_en"], agencies, items, published)  # fmt: skip


def _item(row: Mapping[str, Any], agencies: tuple[str, ...], where: object) -> Item:
    what = f"item {row.get('id')}"
    words = {"promised_zh": TEXT, "promised_en": TEXT, **_NOTES}
    besides = {**words, "agencies": NAMES, "shows": NAMES, "published": FLAG}
    require_fields(row, what, where, {"id": ID, **_NAMED}, besides)
    published = row.get("published", True)
    if published and not row.get("promised_zh", "").strip():
        raise InputError(f"{what} promises nothing", where=where, remedy="say what, or published = false")  # fmt: skip
    layers, indicators = [], []
    for shown in row.get("shows", []):
        if shown.startswith(INDICATOR):
            indicators.append(shown.removeprefix(INDICATOR))
            continue
        layer, _, condition = shown.partition(":")
        if layer not in load_catalog().layers:
            raise InputError(f"{what} is shown by an unknown layer '{layer}'", where=where, remedy="name a kind of the catalogue")  # fmt: skip
        try:
            conditions(condition, (*COMMON_COLUMNS, *load_catalog().layer(layer).columns))
        except InputError as err:
            raise InputError(f"{what}: {err.what}", where=where, remedy=err.remedy) from None
        layers.append((layer, condition))
    return Item(
        id=row["id"], name_zh=row["name_zh"], name_en=row["name_en"], agencies=tuple(row.get("agencies", agencies)),
        layers=tuple(layers), indicators=tuple(indicators), published=published, **{k: row.get(k, "") for k in words},
    )  # fmt: skip


def _document(row: Mapping[str, Any], where: object) -> dict[str, Any]:
    what = f"document {row.get('id')}"
    texts = dict.fromkeys(("document", "level", "kind", "slot"), TEXT)
    besides = {**texts, "slot_known": FLAG, "goals": TABLES}
    require_fields(row, what, where, {"id": ID, **_NAMED, "precedence": WHOLE}, besides)
    for goal in row.get("goals", []):
        require_fields(goal, f"a goal of {what}", where, {"target": NAME, "value": FIGURE})
    own = {k: row[k] for k in ("id", "name_zh", "name_en", "precedence")}
    goals = [dict(g) for g in row.get("goals", [])]
    return own | {k: row.get(k, "") for k in texts} | {"slot_known": row.get("slot_known", True), "goals": goals}  # fmt: skip


def _series(row: Mapping[str, Any], where: object) -> tuple[str, dict[str, Any]]:
    what = f"series of '{row.get('target')}'"
    require_fields(row, what, where, {"target": NAME, "points": TABLES}, _NOTES)
    if not row["points"]:
        raise InputError(f"{what} has no points", where=where, remedy="add it")
    for point in row["points"]:
        require_fields(point, f"a point of the {what}", where, {"year": WHOLE, "value": FIGURE, "source": NAME})  # fmt: skip
    years = [p["year"] for p in row["points"]]
    if len(set(years)) < len(years):
        raise InputError(f"{what} has two values of one year", where=where, remedy="keep one")
    ordered = sorted(row["points"], key=lambda p: p["year"])
    return row["target"], {"points": ordered, **{k: row.get(k, "") for k in _NOTES}}
