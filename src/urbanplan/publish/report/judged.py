"""What the standards ask for and what the plan promises, held against what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan.publish.html.tables import figure, percent, whole
from urbanplan.publish.report import pictures
from urbanplan.publish.report.context import ALL, Context
from urbanplan.publish.report.maps import Maps
from urbanplan.publish.report.model import Block, Column, Section, Table, Text
from urbanplan.publish.report.words import clean

if TYPE_CHECKING:
    import pandas as pd

#: Reasons why an indicator cannot be told that are listed.
_MOST_REASONS = 12


def measured(context: Context, value: float, unit: str) -> str:
    """A figure with its unit, as readers see it."""
    if value != value:
        return "–"
    if unit == "share":
        return percent(value)
    return f"{whole(value) if unit == 'persons' else figure(value)} {context.unit(unit)}".strip()


def indicators(context: Context) -> Section:
    """The check-up: what can be told, and why the rest cannot."""
    words, table = context.words, context.results.indicators
    if not len(table):
        return Section("indicators", words("h_indicators"), (Text(words("p_no_indicators")),))
    told = table[table["verdict"] != "cannot be told"]
    every, some = table["indicator"].nunique(), told["indicator"].nunique()
    blocks: list[Block] = [Text(words("p_indicators", told=some, all=every))]
    if len(told):
        blocks.append(_told(context, told))
    untold = table[(table["verdict"] == "cannot be told") & (table["area"] == ALL)]
    if len(untold):
        blocks.append(_reasons(context, untold))
    return Section("indicators", words("h_indicators"), tuple(blocks))


def asked(context: Context, row: Any) -> str:
    """A threshold in words, or a dash."""
    if row.threshold != row.threshold:
        return "–"
    return f"{context.words(f'dir_{row.direction}')} {measured(context, row.threshold, row.unit)}"


def _told(context: Context, told: pd.DataFrame) -> Table:
    words = context.words
    rows = list(told.itertuples())
    frame = told[["indicator", "area", "value", "unit", "threshold", "verdict"]].reset_index(drop=True)  # fmt: skip
    frame["name"] = [words.named(r) for r in rows]
    frame["place"] = [context.area(r.area) for r in rows]
    frame["value_text"] = [measured(context, r.value, r.unit) for r in rows]
    frame["asked"] = [asked(context, r) for r in rows]
    frame["said"] = [context.value("verdict", r.verdict) for r in rows]
    frame["clause"] = [f"{clean(r.document)} {clean(r.clause)}".strip() for r in rows]
    frame["quality"] = [context.qualities(r.quality) for r in rows]
    columns = (
        Column("name", words("c_indicator"), weight=2.2),
        Column("place", words("c_area"), weight=1),
        Column("value_text", words("c_value"), "figure", raw="value"),
        Column("asked", words("c_threshold"), "figure", raw="threshold"),
        Column("said", words("c_verdict"), weight=1.1),
        Column("clause", words("c_clause"), weight=1.8),
        Column("quality", words("c_quality"), weight=1.4),
    )
    return Table("indicators", words("t_indicators"), columns, frame, words("n_grade"), ("area", ALL))  # fmt: skip


def _reasons(context: Context, untold: pd.DataFrame) -> Table:
    words = context.words
    counts = untold["why"].map(words.part).value_counts(sort=False)
    frame = counts.rename_axis("why").reset_index(name="count")
    frame = frame.sort_values(["count", "why"], ascending=[False, True], kind="stable").reset_index(drop=True)  # fmt: skip
    rest = frame.iloc[_MOST_REASONS:]["count"].sum()
    columns = (Column("why", words("c_why"), weight=1), Column("count", words("c_indicators"), "number"))  # fmt: skip
    note = words("n_reasons", count=int(rest)) if rest else ""
    return Table("untold", words("t_untold"), columns, frame.head(_MOST_REASONS), note)


def ledger(context: Context, maps: Maps | None) -> Section | None:
    """The plan's targets, promises and contradictions, where there is a plan."""
    plan, words = context.results.plan, context.words
    if not (len(plan.ledger) or len(plan.targets) or len(plan.conflicts)):
        return None
    promised = bool(len(plan.ledger) or len(plan.targets))
    blocks: list[Block | None] = [Text(words("p_ledger" if promised else "p_consistency"))]
    if len(plan.targets):
        blocks.append(_targets(context))
    if len(plan.ledger):
        blocks.append(_ledger(context))
    if len(plan.conflicts):
        blocks.append(pictures.conflicts(maps) if maps is not None else None)
        blocks.append(_conflicts(context))
    notes = [words.part(f) for f in plan.findings]
    blocks += [Text(n, "point") for n in notes if n]
    return Section(
        "ledger",
        words("h_ledger" if promised else "h_consistency"),
        tuple(b for b in blocks if b is not None),
    )


def _either(context: Context, table: pd.DataFrame, name: str) -> list[str]:
    # A column that is there in both languages.
    return [context.words.pair(a, b) for a, b in zip(table[f"{name}_zh"], table[f"{name}_en"])]


def _with_year(context: Context, value: float, unit: str, year: float) -> str:
    text = measured(context, value, unit)
    return text if year != year or value != value else context.words("bracketed", what=text, inner=f"{year:.0f}")  # fmt: skip


def _targets(context: Context) -> Table:
    words, targets = context.words, context.results.plan.targets
    rows = list(targets.itertuples())
    frame = targets[["target", "goal", "baseline", "latest", "still_needed", "per_year"]].reset_index(drop=True)  # fmt: skip
    frame["name"] = _either(context, targets, "name")
    units = [clean(u) for u in targets["unit"]]
    for name, year in (("goal", "year"), ("baseline", "baseline_year"), ("latest", "latest_year")):
        frame[f"{name}_text"] = [_with_year(context, float(getattr(r, name)), u, float(getattr(r, year))) for r, u in zip(rows, units)]  # fmt: skip
    for name in ("still_needed", "per_year"):
        frame[f"{name}_text"] = [measured(context, float(getattr(r, name)), u) for r, u in zip(rows, units)]  # fmt: skip
    columns = (
        Column("name", words("c_target"), weight=1.3),
        *(Column(f"{n}_text", words(f"c_{n}"), "figure", 1, n) for n in ("baseline", "latest", "goal", "still_needed", "per_year")),
    )  # fmt: skip
    return Table("targets", words("t_targets"), columns, frame, words("n_targets"))


def _ledger(context: Context) -> Table:
    words, table = context.words, context.results.plan.ledger
    frame = table[["task", "item", "located", "features"]].reset_index(drop=True)
    frame["name"] = _either(context, table, "name")
    frame["agencies"] = [clean(a) for a in table["agencies"]]
    frame["promised"] = _either(context, table, "promised")
    layers = "layers" if words.lang == "zh" else "layers_en"
    mapped = [
        words("on_map", layers=clean(name), located=f"{located:g}", features=f"{features:g}") if features else ""
        for name, located, features in zip(table[layers], table["located"], table["features"])
    ]  # fmt: skip
    frame["mapped"] = mapped
    values, distance = _either(context, table, "values"), _either(context, table, "distance")
    frame["values"] = [words("semicolon").join(x for x in pair if x) for pair in zip(values, distance)]  # fmt: skip
    frame["quality"] = [context.qualities(q) for q in table["quality"]]
    frame["missing"] = _either(context, table, "missing")
    columns = (
        Column("item", words("c_item"), "code"),
        Column("name", words("c_task"), weight=1.5),
        Column("promised", words("c_promised"), weight=2.5),
        Column("mapped", words("c_on_map"), weight=1.5),
        Column("values", words("c_values"), weight=1.6),
        Column("quality", words("c_quality"), weight=0.8),
        Column("missing", words("c_missing"), weight=1.7),
    )
    return Table("ledger", words("t_ledger"), columns, frame)


def _conflicts(context: Context) -> Table:
    words, table = context.words, context.results.plan.conflicts
    frame = table[["rank", "rule", "area_ha", "length_km", "accuracy_m"]].reset_index(drop=True)
    frame["name"] = _either(context, table, "name")
    frame["between"] = [_between(context, r) for r in table.itertuples()]
    frame["place"] = [context.area(d) if clean(d) else "" for d in table["district"]]
    frame["size"] = [_size(r) for r in table.itertuples()]
    frame["sure"] = [words("may_be_drawing" if w else "deeper") for w in table["within_accuracy"]]
    frame["quality"] = [context.qualities(q) for q in table["quality"]]
    columns = (
        Column("rank", words("c_number"), "number"),
        Column("name", words("c_rule"), weight=1.5),
        Column("between", words("c_between"), weight=2),
        Column("place", words("c_district"), weight=0.9),
        Column("size", words("c_size"), "figure"),
        Column("sure", words("c_sure"), weight=1.1),
        Column("accuracy_m", words("c_accuracy"), "number"),
        Column("quality", words("c_quality"), weight=0.9),
    )
    return Table("conflicts", words("t_conflicts"), columns, frame)


def _between(context: Context, row: Any) -> str:
    ends = []
    for which in "ab":
        names = [f"feature_{which}_{context.words.lang}", f"feature_{which}_zh", f"feature_{which}"]
        own = next(filter(None, (clean(getattr(row, n)) for n in names)), "")
        kind = context.kind(getattr(row, f"layer_{which}"))
        ends.append(context.words("bracketed", what=own, inner=kind) if own else kind)
    return " × ".join(ends)


def _size(row: Any) -> str:
    parts = [f"{figure(row.area_ha)} ha"] if row.area_ha == row.area_ha else []
    parts += [f"{figure(row.length_km)} km"] if row.length_km == row.length_km else []
    return ", ".join(parts) or "–"
