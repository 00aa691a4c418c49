"""What a page leaves out: columns wherever they stand, and sentences that quote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd

#: What scripts draw a result by; it is the result's own, not a column of the city's.
_KEYS = frozenset({"minutes", "class", "facilities", "mode", "area", "within_accuracy"})


def left_out(frame: gpd.GeoDataFrame, redact: Iterable[str]) -> gpd.GeoDataFrame:
    """A result's frame without the columns that the page must not have."""
    return frame.drop(columns=[c for c in redact if c in frame and c not in _KEYS])


def named(key: str, zh: str, en: str, redact: Iterable[str]) -> dict[str, str]:
    """What a record is called in both languages: `key` where that name is left out."""
    # Without any text the page would show the other language's name.
    return {"zh": key if "name_zh" in redact else zh, "en": key if "name_en" in redact else en}


def remarks(row: Mapping[str, Any], redact: Iterable[str]) -> dict[str, str]:
    """A record's remarks in both languages, but for those that are left out."""
    return {k: "" if k in redact else row[k] or "" for k in ("note_zh", "note_en")}


def secrets(results: Results, redact: Iterable[str]) -> frozenset[str]:
    """Every text that these columns hold, in the layers, the scenarios and the plan."""
    book = results.plan
    frames = (*(x.frame for x in results.layers.values()), book.targets, results.indicators)
    known, tasks = book.plan, book.plan.tasks
    rows = [
        *map(vars, results.scenarios.values()),
        *map(vars, tasks),
        *(vars(item) for task in tasks for item in task.items),
        *(*known.parts.values(), *known.documents, *known.series.values()),
    ]
    values: list[Any] = []
    for column in redact:
        values += [v for f in frames if column in f for v in f[column].dropna()]
        values += [row[column] for row in rows if row.get(column)]
    # A single letter is quoted by everything.
    return frozenset(str(v) for v in values if not isinstance(v, bool) and len(str(v)) > 1)


def quotes(text: str, secret: Iterable[str]) -> bool:
    """Whether a sentence tells any of what must not be told."""
    return any(value in text for value in secret)


def area_keys(results: Results, redact: Iterable[str]) -> dict[str, str]:
    """What tables call areas by, by their Chinese name: ids where that is left out."""
    hidden = "name_zh" in redact
    return {str(zh): str(key) if hidden else str(zh) for zh, _, key in _zones(results)}


def area_names(results: Results, redact: Iterable[str]) -> dict[str, str]:
    """What the English page calls areas, by what tables call them."""
    keys, hidden = area_keys(results, redact), "name_en" in redact
    found = {keys[str(zh)]: key if hidden else en for zh, en, key in _zones(results)}
    return {key: str(name) for key, name in found.items() if isinstance(name, str) and name}


def _zones(results: Results) -> list[tuple[Any, Any, Any]]:
    frames = [layer.frame for layer in results.layers.values() if layer.kind.role == "zone"]
    return [row for f in frames for row in zip(f["name_zh"], f["name_en"], f["id"])]
