"""Sections on standards, and on what the data is worth."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from urbanplan import __version__
from urbanplan.catalog import QUALITIES, Mode, load_catalog
from urbanplan.catalog.standards import GRADES
from urbanplan.output.metadata import versions_of
from urbanplan.output.page.tables import figure, percent, whole
from urbanplan.output.report import pictures
from urbanplan.output.report.model import Block, Column, Context, Section, Table, Text, clean
from urbanplan.output.report.pictures import Maps
from urbanplan.output.rounding import ALL
from urbanplan.study.run import inputs_of

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
    frame["clause"] = [
        words("semicolon").join(filter(None, (f"{clean(r.document)} {clean(r.clause)}".strip(), words.part(r.borrowed))))
        for r in rows
    ]  # fmt: skip
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
    return Table("indicators", words("t_indicators"), columns, frame, _grades(context), ("area", ALL))  # fmt: skip


def _grades(context: Context) -> str:
    # What each grade is called and allows.
    words, grades = context.words, context.results.indicators["grade"].unique()
    said = [f"{context.value('grade', g)}{words('colon')}{context.value('grade_means', f'grade {g}')}" for g in GRADES if g in grades]  # fmt: skip
    return words("n_grade", grades=words("semicolon").join(said))


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


#: Libraries whose version can change a figure or a picture.
_LIBRARIES = (
    "numpy", "pandas", "geopandas", "shapely", "pyproj", "scipy", "numba", "contourpy", "exactextract", "matplotlib",
    "typst", "python-docx", "openpyxl",
)  # fmt: skip
#: Unlocated features and sources that are listed before the rest is counted.
_MOST_UNLOCATED = 120


def method(context: Context) -> Section:
    """How minutes and shares come about."""
    words, plan = context.words, context.results.city.analysis
    ground = words("p_streets") if context.on_streets else words("p_surface", cell=f"{plan.cell_m:g}")  # fmt: skip
    limits = words.listed([f"{m:g}" for m in plan.minutes], 12)
    blocks: list[Block] = [
        Text(ground),
        Text(words("p_limits", limits=limits, snap=f"{plan.snap_m:g}")),
        Text(words("p_people_land" if context.land else "p_people")),
        Text(words("p_free_flow")),
        _speeds(context),
    ]
    clauses = _clauses(context)
    return Section("method", words("h_method"), (*blocks, *([clauses] if clauses else [])))


def _speeds(context: Context) -> Table:
    import pandas as pd

    words = context.words
    rows = []
    for name in context.results.city.analysis.modes:
        mode = load_catalog().mode(name)
        rows.append({"mode": words.named(mode), **_pace(context, mode)})
    keys = [k for k in ("streets", "built_up", "open_land", "roads", "source") if k in rows[0]]
    weights = {"streets": 2.4, "built_up": 1, "open_land": 1, "roads": 1, "source": 2.4}
    columns = (
        Column("mode", words("c_mode"), weight=0.6),
        *(Column(k, words(f"c_{k}_speed" if k != "source" else "c_source"), weight=weights[k]) for k in keys),
    )  # fmt: skip
    return Table("speeds", words("t_speeds"), columns, pd.DataFrame(rows))


def _pace(context: Context, mode: Mode) -> dict[str, str]:
    words = context.words
    if context.on_streets and mode.streets is not None:
        groups: dict[float, list[str]] = {}
        for kind, kmh in mode.streets.kmh.items():
            groups.setdefault(kmh, []).append(kind)
        if len(groups) == 1:
            said = f"{next(iter(groups)):g} km/h"
        else:
            said = words("semicolon").join(f"{kmh:g}: {words.listed(kinds, 4)}" for kmh, kinds in sorted(groups.items(), reverse=True))  # fmt: skip
        return {"streets": said, "source": words.own(mode.streets, "source")}
    roads = words("posted") if isinstance(mode.on_roads, str) else f"{mode.on_roads:g} km/h"
    return {
        "built_up": f"{mode.built_up.speed_kmh:g} km/h ÷ {mode.built_up.detour:g}",
        "open_land": f"{mode.open_land.speed_kmh:g} km/h ÷ {mode.open_land.detour:g}",
        "roads": roads,
        "source": words.own(mode, "source"),
    }


def _clauses(context: Context) -> Table | None:
    words, table = context.words, context.results.indicators
    own = table[table["area"] == ALL].drop_duplicates("indicator")
    if not len(own):
        return None
    rows = list(own.itertuples())
    frame = own[["indicator", "document", "clause", "grade"]].reset_index(drop=True)
    frame["name"] = [words.named(r) for r in rows]
    frame["asked"] = [asked(context, r) for r in rows]
    frame["level_text"] = [words(f"level_{r.level}") for r in rows]
    columns = (
        Column("document", words("c_document"), weight=1.5),
        Column("clause", words("c_clause"), weight=0.9),
        Column("name", words("c_indicator"), weight=2.4),
        Column("asked", words("c_threshold"), "figure"),
        Column("level_text", words("c_level"), weight=0.8),
        Column("grade", words("c_grade")),
    )
    return Table("clauses", words("t_clauses"), columns, frame, _grades(context))


def quality(context: Context) -> Section:
    """How well each layer is known, and what is known by name only."""
    words, results = context.words, context.results
    failed = results.checks[results.checks["verdict"] == "fail"]
    blocks: list[Block] = [
        Text(words("p_quality")),
        _layers(context),
        Text(words("p_checks", count=len(results.checks), failed=len(failed))),
    ]
    if len(failed):
        blocks.append(_failed(context, failed))
    unlocated = _unlocated(context)
    if unlocated is not None:
        blocks += [Text(words("p_unlocated")), unlocated]
    outside = _outside(context)
    if outside is not None:
        blocks += [Text(words("p_outside")), outside]
    notes = [words.part(f) for f in results.findings]
    if any(notes):
        blocks.append(Text(words("p_findings")))
        blocks += [Text(n, "point") for n in notes if n]
    return Section("quality", words("h_quality"), tuple(blocks))


def _layers(context: Context) -> Table:
    import pandas as pd

    words, rows = context.words, []
    for layer in context.results.layers.values():
        frame, there = layer.frame, layer.located
        if not len(frame):
            continue
        worst = there["accuracy_m"].astype(float).max() if len(there) else float("nan")
        rows.append(
            {"layer": layer.id, "name": words.named(layer.kind), "features": len(frame), "located": len(there)}
            | {q: int((frame["quality"] == q).sum()) for q in QUALITIES}
            | {"accuracy_m": worst}
        )  # fmt: skip
    columns = (
        Column("name", words("c_layer"), weight=1),
        Column("features", words("c_features"), "number"),
        Column("located", words("c_located"), "number"),
        *(Column(q, context.value("quality", q), "number") for q in QUALITIES),
        Column("accuracy_m", words("c_worst"), "number"),
    )
    return Table("layers", words("t_layers"), columns, pd.DataFrame(rows))


def _outside(context: Context) -> Table | None:
    import pandas as pd

    words, frame = context.words, context.results.outside
    if not len(frame):
        return None
    rows = [
        {
            "layer": words.named(context.results.layers[name].kind),
            "count": len(part),
            "name": words.listed(
                [words.named(one) or clean(one.id) for one in part.itertuples()], 60
            ),
        }
        for name, part in frame.groupby("facilities", sort=False)
    ]
    columns = (
        Column("layer", words("c_layer"), weight=0.8),
        Column("name", words("c_name"), weight=3),
        Column("count", words("c_count"), "number"),
    )
    return Table("outside", words("t_outside"), columns, pd.DataFrame(rows))


def _failed(context: Context, failed: pd.DataFrame) -> Table:
    words = context.words
    columns = (
        Column("check", words("c_check"), weight=2),
        Column("published", words("c_published"), "number"),
        Column("drawn", words("c_drawn"), "number"),
        Column("unit", words("c_unit"), weight=0.7),
    )
    return Table("failed", words("t_failed"), columns, failed.reset_index(drop=True))


def _unlocated(context: Context) -> Table | None:
    import pandas as pd

    # Things of one layer that share status, note and source stand in one row.
    words = context.words
    found: dict[tuple, list[str]] = {}
    for layer in context.results.layers.values():
        if layer.kind.geometry == "none":
            continue
        frame = layer.frame[~layer.frame["id"].isin(layer.located["id"])]
        for one in frame.itertuples():
            note, status = words.pair(one.note_zh, one.note_en), context.value("status", one.status)
            key = (words.named(layer.kind), status, note, clean(one.source))
            found.setdefault(key, []).append(words.named(one) or clean(one.id))
    if not found:
        return None
    rows = [(k[0], words.listed(names, 60), len(names), *k[1:]) for k, names in found.items()]
    frame = pd.DataFrame(rows, columns=["layer", "name", "count", "status", "note", "source"])
    columns = (
        Column("layer", words("c_layer"), weight=0.8),
        Column("name", words("c_name"), weight=1.8),
        Column("count", words("c_count"), "number"),
        Column("status", words("c_status"), weight=0.5),
        Column("note", words("c_note"), weight=1.9),
        Column("source", words("c_source"), weight=2.2),
    )
    rest = frame.iloc[_MOST_UNLOCATED:]["count"].sum()
    note = words("n_more", count=int(rest)) if rest else ""
    return Table("unlocated", words("t_unlocated"), columns, frame.head(_MOST_UNLOCATED), note)


def sources(context: Context) -> Section:
    """Where everything comes from, and on which terms."""
    words = context.words
    blocks: list[Block | None] = [Text(words("p_sources"))]
    if context.on_osm:
        blocks.append(Text(words("p_osm"), "body"))
    blocks += [_origins(context), _licences(context)]
    return Section("sources", words("h_sources"), tuple(b for b in blocks if b is not None))


def _origins(context: Context) -> Table | None:
    import pandas as pd

    words, rows = context.words, []
    for name, one in dict(context.results.city.manifest.get("origins", {})).items():
        one = one if isinstance(one, dict) else {}
        title, get = words.own(one, "title") or clean(name), one.get
        rows.append(
            {
                "title": " ".join(x for x in (title, clean(get("version", ""))) if x),
                "licence": clean(get("licence", "")),
                "used_for": words.own(one, "used_for"),
                "url": clean(get("url", "")),
            }
        )
    if not rows:
        return None
    columns = (
        Column("title", words("c_origin"), weight=2),
        Column("licence", words("c_licence"), weight=1),
        Column("used_for", words("c_used_for"), weight=1.8),
        Column("url", words("c_url"), weight=1.4),
    )
    return Table("origins", words("t_origins"), columns, pd.DataFrame(rows))


def _licences(context: Context) -> Table:
    import pandas as pd

    words, rows = context.words, []
    for layer in context.results.layers.values():
        frame = layer.frame
        if not len(frame):
            continue
        said = {c: sorted({clean(v) for v in frame[c].dropna()} - {""}) for c in ("source", "licence", "as_of")}  # fmt: skip
        rows.append(
            {
                "layer": layer.id,
                "name": words.named(layer.kind),
                "sources": words("semicolon").join(said["source"]),
                "licences": words("semicolon").join(said["licence"]),
                "as_of": max(said["as_of"], default=""),
            }
        )
    columns = (
        Column("name", words("c_layer"), weight=0.9),
        Column("sources", words("c_sources"), weight=3.4),
        Column("licences", words("c_licence"), weight=1.1),
        Column("as_of", words("c_as_of"), weight=0.6),
    )
    return Table("sources", words("t_sources"), columns, pd.DataFrame(rows))


def versions(context: Context) -> Section:
    """With what the report was made, and from which bytes."""
    import pandas as pd

    words, results = context.words, context.results
    made = {"urbanplan": __version__, "Python": platform.python_version()}
    made |= versions_of(_LIBRARIES)
    blocks = (
        Text(words("p_versions")),
        Text(words.listed([f"{k} {v}" for k, v in made.items()], 40)),
        Table(
            "inputs",
            words("t_inputs"),
            (Column("file", words("c_file"), weight=1), Column("sha256", "SHA-256", "code")),
            pd.DataFrame(sorted(inputs_of(results.city, results.layers).items()), columns=["file", "sha256"]),
        ),
    )  # fmt: skip
    return Section("versions", words("h_versions"), blocks)
