"""The plan on the page: its tree of parts, tasks and items, and what it aims at."""

from __future__ import annotations

from typing import Any

from urbanplan.publish.html.layers import result_layer
from urbanplan.publish.html.redact import left_out, named, quotes, remarks, secrets
from urbanplan.publish.html.tables import figure, plain
from urbanplan.publish.symbols import conflict_rules
from urbanplan.study import Results

_BOTH = ("promised", "values", "distance", "missing", "note")


def plan_tree(results: Results, redact: tuple[str, ...]) -> dict[str, Any]:
    """Parts, tasks with their items, targets; nothing where the city has no plan.

    Each item names the layers, and the features of them, that show it: choosing it drives the map.
    """
    known, book = results.plan.plan, results.plan
    if not known.tasks:
        return {"tasks": [], "targets": []}
    rows = {row["item"]: row for row in book.ledger.to_dict("records")}
    secret = secrets(results, redact)
    quoted = secrets(results, [c for c in redact if c.startswith(("name_", "note_"))])
    about = known.about
    return {
        "zh": about["title_zh"],
        "en": about["title_en"],
        "document": about["document"],
        "source": about["source"],
        "cut": {"zh": about.get("cut_off_zh", ""), "en": about.get("cut_off_en", "")},
        "parts": {k: named(k, p["name_zh"], p["name_en"], redact) for k, p in known.parts.items()},
        "tasks": [
            {
                "number": task.number,
                "part": task.part,
                **named("–", task.name_zh, task.name_en, redact),
                "agencies": list(task.agencies),
                "published": task.published,
                "items": [
                    _item(rows[item.id], book.shown[item.id], item.agencies, redact, quoted)
                    for item in task.items
                ],
            }
            for task in known.tasks
        ],
        "targets": [_target(row, redact) for row in book.targets.to_dict("records")],
        "findings": [text for text in book.findings if not quotes(text, secret)],
    }


def _item(
    row: dict, shown: dict, agencies: tuple, redact: tuple[str, ...], quoted: frozenset[str]
) -> dict[str, Any]:
    both = [f"{k}_{lang}" for k in _BOTH for lang in ("zh", "en")]
    said = {k: "" if k in redact else row[k] for k in both}
    # What the ledger writes by itself names targets, layers and indicators.
    written = [k for k in both if k.startswith(("values_", "distance_", "missing_"))]
    said |= {k: "" for k in written if quotes(said[k], quoted)}
    return {
        "id": row["item"],
        # Its number stands before it.
        **named("–", row["name_zh"], row["name_en"], redact),
        "agencies": list(agencies),
        "features": int(row["features"]),
        "located": int(row["located"]),
        "quality": row["quality"],
        "shows": shown,
        "layers": list(shown),
        "indicators": [name for name in row["indicators"].split("；") if name],
        **said,
    }


def _target(row: dict, redact: tuple[str, ...]) -> dict[str, Any]:
    def year(value: float) -> str:
        return "" if value != value else f"{value:.0f}"

    return {
        "id": row["target"],
        **named(row["target"], row["name_zh"], row["name_en"], redact),
        "unit": row["unit"],
        "goal": figure(plain(row["goal"])),
        "year": year(row["year"]),
        "latest": figure(plain(row["latest"])),
        "latest_year": year(row["latest_year"]),
        "needed": figure(plain(row["still_needed"])),
        "per_year": figure(plain(row["per_year"])),
        **remarks(row, redact),
    }


def conflict_layers(results: Results, redact: tuple[str, ...]) -> list[dict[str, Any]]:
    """Where plan layers contradict each other: none, or one layer."""
    frame = results.plan.conflicts
    if not len(frame):
        return []
    rules = conflict_rules()
    # What must not be told of a feature is not told of its conflicts.
    names = {c.replace("name", f"feature_{x}") for c in redact if c in ("name_zh", "name_en") for x in "ab"}  # fmt: skip
    hidden = [*redact, *sorted(names)]
    frame = left_out(frame, hidden).assign(minutes=0.0)
    shade = {
        "column": "within_accuracy",
        "figures": False,
        "keys": [False, True],
        "colors": [r.look.fill for r in rules],
        "said": [r.name_zh for r in rules],
        "said_en": [r.name_en for r in rules],
        "title": {"zh": "一致性核对", "en": "Conflicts within the plan"},
        "none": rules[1].look.fill,
    }
    own = {"role": "conflict", "open": False, "units": {"area_ha": "ha", "length_km": "km"}}
    names = {"zh": "一致性核对", "en": "Conflicts within the plan"}
    layer = result_layer("conflicts", frame, names, color=rules[0].look.fill, **own)
    return [layer | {"shade": shade}]
