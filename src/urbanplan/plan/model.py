"""What a plan is, and how a TOML file says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from urbanplan.catalog import load_catalog
from urbanplan.errors import InputError

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
        What shows it on the map; the condition is one of `urbanplan.layers.select`.
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
        If an entry lacks something, is there twice, or names a layer that no city has.
    """
    head = table.get("plan")
    if not isinstance(head, Mapping):
        raise InputError("has no [plan]", where=where, remedy="say which plan it is")
    for key in ("id", "title_zh", "title_en", "document", "source"):
        if not str(head.get(key, "")).strip():
            raise InputError(f"[plan] has no {key}", where=where, remedy="add it")
    parts = {str(p["id"]): _part(p, where) for p in table.get("part", [])}
    tasks = tuple(_task(t, parts, where) for t in table.get("task", []))
    numbers = [t.number for t in tasks]
    items = [i.id for t in tasks for i in t.items]
    told = [str(s.get("target")) for s in table.get("series", [])]
    for name, ids in (("task", numbers), ("item", items), ("series of", told)):
        doubled = {i for i in ids if ids.count(i) > 1}
        if doubled:
            raise InputError(
                f"{name} {sorted(doubled)[0]} is there twice", where=where, remedy="renumber it"
            )
    documents = tuple(_document(d, where) for d in table.get("document", []))
    series = {str(s.get("target")): _series(s, where) for s in table.get("series", [])}
    order = sorted(documents, key=lambda d: (d["precedence"], d["id"]))
    return Plan(dict(head), parts, tasks, tuple(order), series)


def _part(row: Mapping[str, Any], where: object) -> dict[str, Any]:
    _named(row, f"part {row.get('id')}", where)
    return {"name_zh": row["name_zh"], "name_en": row["name_en"], "published": row.get("published", True)}  # fmt: skip


def _named(row: Mapping[str, Any], what: str, where: object) -> None:
    for key in ("name_zh", "name_en"):
        if not str(row.get(key, "")).strip():
            raise InputError(f"{what} has no {key}", where=where, remedy="name it")


def _task(row: Mapping[str, Any], parts: Mapping[str, Any], where: object) -> Task:
    what = f"task {row.get('number')}"
    if not isinstance(row.get("number"), int):
        raise InputError(f"{what} has no whole number", where=where, remedy="number it")
    _named(row, what, where)
    if str(row.get("part")) not in parts:
        raise InputError(f"{what} is of no part '{row.get('part')}'", where=where, remedy=f"one of {', '.join(parts)}")  # fmt: skip
    published = bool(row.get("published", True))
    agencies = tuple(map(str, row.get("agencies", ())))
    if published and not agencies:
        raise InputError(f"{what} has no lead agency", where=where, remedy="name it, or published = false")  # fmt: skip
    items = tuple(_item(i, agencies, where) for i in row.get("item", []))
    return Task(row["number"], str(row["part"]), row["name_zh"], row["name_en"], agencies, items, published)  # fmt: skip


def _item(row: Mapping[str, Any], agencies: tuple[str, ...], where: object) -> Item:
    what = f"item {row.get('id')}"
    _named(row, what, where)
    published = bool(row.get("published", True))
    if published and not str(row.get("promised_zh", "")).strip():
        raise InputError(f"{what} promises nothing", where=where, remedy="say what, or published = false")  # fmt: skip
    layers, indicators = [], []
    for shown in row.get("shows", []):
        if shown.startswith(INDICATOR):
            indicators.append(shown.removeprefix(INDICATOR))
            continue
        layer, _, condition = shown.partition(":")
        if layer not in load_catalog().layers:
            raise InputError(f"{what} is shown by an unknown layer '{layer}'", where=where, remedy="name a kind of the catalogue")  # fmt: skip
        layers.append((layer, condition))
    words = {k: str(row.get(k, "")) for k in ("promised_zh", "promised_en", "note_zh", "note_en")}
    return Item(
        id=str(row["id"]), name_zh=row["name_zh"], name_en=row["name_en"],
        agencies=tuple(map(str, row.get("agencies", agencies))), layers=tuple(layers),
        indicators=tuple(indicators), published=published, **words,
    )  # fmt: skip


def _document(row: Mapping[str, Any], where: object) -> dict[str, Any]:
    _named(row, f"document {row.get('id')}", where)
    if not isinstance(row.get("precedence"), int):
        raise InputError(f"document {row.get('id')} has no precedence", where=where, remedy="1 goes first")  # fmt: skip
    goals = [dict(g) for g in row.get("goals", [])]
    if not all(str(g.get("target", "")).strip() and _figure(g.get("value")) for g in goals):
        raise InputError(f"a goal of document {row.get('id')} has no target or figure", where=where, remedy="add it")  # fmt: skip
    keys = ("id", "name_zh", "name_en", "document", "level", "kind", "slot")
    return {k: str(row.get(k, "")) for k in keys} | {
        "slot_known": bool(row.get("slot_known", True)), "precedence": row["precedence"], "goals": goals,
    }  # fmt: skip


def _series(row: Mapping[str, Any], where: object) -> dict[str, Any]:
    points = row.get("points", [])
    fine = all(isinstance(p.get("year"), int) and _figure(p.get("value")) and p.get("source") for p in points)  # fmt: skip
    if not points or not fine:
        raise InputError(
            f"series of '{row.get('target')}' needs points with year, value and source",
            where=where,
            remedy="add them",
        )
    years = [p["year"] for p in points]
    if len(set(years)) < len(years):
        raise InputError(f"series of '{row.get('target')}' has two values of one year", where=where, remedy="keep one")  # fmt: skip
    ordered = sorted(points, key=lambda p: p["year"])
    return {"points": ordered, "note_zh": str(row.get("note_zh", "")), "note_en": str(row.get("note_en", ""))}  # fmt: skip


def _figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
