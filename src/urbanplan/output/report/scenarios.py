"""What would change: scenarios, sites, and what depends on each bridge."""

from __future__ import annotations

from typing import Any

from urbanplan.measures.scenarios import BASELINE, Change, Scenario
from urbanplan.output.page.tables import figure
from urbanplan.output.report import charts, pictures
from urbanplan.output.report.model import Block, Column, Context, Section, Table, Text, clean
from urbanplan.output.report.pictures import Maps
from urbanplan.output.rounding import ALL


def scenarios(context: Context, maps: Maps | None) -> Section:
    """Scenarios by what they gain, what each changes, and where minutes change."""
    words = context.words
    known = [s for s in context.results.scenarios.values() if s.id != BASELINE]
    if not known:
        return Section("scenarios", words("h_scenarios"), (Text(words("s_no_scenarios")),))
    blocks: list[Block | None] = [Text(words("p_scenarios", count=len(known)))]
    if context.land:
        blocks.append(Text(words("s_scenarios_land")))
    else:
        if maps is not None:
            blocks.append(charts.scenarios(context, maps.font, maps.form))
        blocks += [_outcomes(context), _by_mode(context)]
    blocks.append(_changes(context, known))
    if maps is not None:
        blocks.append(pictures.change(maps))
    return Section("scenarios", words("h_scenarios"), tuple(b for b in blocks if b is not None))


def _outcomes(context: Context) -> Table | None:
    words, plan = context.words, context.results.city.analysis
    own = context.outcomes
    own = own[own["mode"] == plan.headline_mode].reset_index(drop=True)
    if not len(own):
        return None
    first = own["facilities"] == context.facilities
    frame = own.assign(first=first).sort_values(["first", "share_gained"], ascending=False, kind="stable").reset_index(drop=True)  # fmt: skip
    frame["name"] = [context.scenario(s) + (" *" if c else "") for s, c in zip(frame["scenario"], frame["people_change"])]  # fmt: skip
    frame["kind"] = [context.kind(f) for f in frame["facilities"]]
    columns = (
        Column("name", words("c_scenario"), weight=2),
        Column("kind", words("c_kind"), weight=1),
        Column("persons", words("c_people"), "persons"),
        Column("persons_covered", words("c_within", n=f"{plan.headline_minutes:g}"), "persons"),
        Column("share", words("c_share"), "share"),
        Column("persons_gained", words("c_gained"), "gain"),
        Column("share_gained", words("c_points"), "points"),
    )
    caption = words("t_outcomes", mode=context.mode(plan.headline_mode), minutes=f"{plan.headline_minutes:g}")  # fmt: skip
    note = words("n_people_change") if own["people_change"].any() else ""
    return Table("scenarios", caption, columns, frame, note)


def _by_mode(context: Context) -> Table | None:
    words, plan = context.words, context.results.city.analysis
    own = context.outcomes
    own = own[own["facilities"] == context.facilities]
    if not len(own) or len(plan.modes) < 2:
        return None
    wide = own.pivot(index="scenario", columns="mode", values="persons_gained")
    order = own[own["mode"] == plan.headline_mode]["scenario"]
    frame = wide.reindex(order).reset_index()
    changes = set(own[own["people_change"]]["scenario"])
    frame["name"] = [context.scenario(s) + (" *" if s in changes else "") for s in frame["scenario"]]  # fmt: skip
    modes = [m for m in plan.modes if m in frame]
    columns = (Column("name", words("c_scenario"), weight=1), *(Column(m, context.mode(m), "gain") for m in modes))  # fmt: skip
    caption = words("t_by_mode", kind=context.kind(context.facilities), minutes=f"{plan.headline_minutes:g}")  # fmt: skip
    return Table("scenario_modes", caption, columns, frame, words("n_people_change") if changes else "")  # fmt: skip


def _changes(context: Context, known: list[Scenario]) -> Table:
    import pandas as pd

    words = context.words
    rows = []
    for one in known:
        cost = "–" if one.cost is None else f"{one.cost:g} {clean(one.cost_unit)}".strip()
        rows.append(
            {
                "scenario": one.id,
                "name": words.named(one),
                "base": context.scenario(one.base),
                "changes": words("semicolon").join(changed(context, c) for c in one.changes) or words("none"),
                "note": words.pair(one.note_zh, one.note_en),
                "cost": cost,
            }
        )  # fmt: skip
    costs = any(s.cost is not None for s in known)
    columns = (
        Column("name", words("c_scenario"), weight=1.5),
        Column("base", words("c_base"), weight=0.9),
        Column("changes", words("c_changes"), weight=2.8),
        Column("note", words("c_note"), weight=1.6),
        *([Column("cost", words("c_cost"), "figure")] if costs else []),
    )
    note = "" if costs else words("n_no_cost")
    return Table("scenario_changes", words("t_changes"), columns, pd.DataFrame(rows), note)


def changed(context: Context, change: Change) -> str:
    """A change of a scenario in words."""
    words, get = context.words, change.get
    layers = get("layer", ())
    layers = [layers] if isinstance(layers, str) else list(layers)
    if change.do == "add":
        own = get("values", {})
        name = words.pair(own.get("name_zh", ""), own.get("name_en", "")) or clean(get("id"))
        return words("do_add", kind=context.kind(layers[0]), name=name)
    kinds = words.listed([words("streets") if n == "streets" else context.kind(n) for n in layers])
    if change.do == "open" and get("status"):
        return words("do_open_status", kinds=kinds, status=context.value("status", get("status")))
    if change.do in ("open", "close", "move"):
        names = _names(context, layers, get("ids", ()))
        return words(f"do_{change.do}", kinds=kinds, names=words.listed(names) or words("a_place"))
    if change.do == "set":
        listed = words.listed(_names(context, layers, get("ids", ())))
        return words("do_set", kinds=kinds, names=listed, column=clean(get("column")), value=clean(get("value")))  # fmt: skip
    if change.do == "grow":
        where = clean(get("district") or get("settlement") or "")
        place = context.area(where) if where else context.area(ALL)
        return words("do_grow_to" if "to" in change.values else "do_grow_by", place=place, n=figure(get("to", get("factor"))))  # fmt: skip
    if change.do == "speed":
        to = f"{get('kmh'):g} km/h" if "kmh" in change.values else f"× {get('factor'):g}"
        return words("do_speed", which=context.value("class", get("class")), to=to)
    figures = [f"{k} {get(k):g}" for k in ("threshold", "minutes", "metres") if k in change.values]
    return words("do_standard", which=clean(get("id")), to=words.listed(figures))


def _names(context: Context, layers: list[str], ids: Any) -> list[str]:
    names, found = [], set()
    for layer in layers:
        held = context.results.layers.get(layer)
        if held is not None:
            rows = held.frame[held.frame["id"].isin(list(ids))]
            names += [context.words.named(r) or clean(r.id) for r in rows.itertuples()]
            found |= set(rows["id"])
    # What another scenario brings in is no row of the city's own layers.
    return names + [clean(i) for i in ids if i not in found]


def siting(context: Context) -> Section | None:
    """Sites that scenarios add, and what each of those scenarios gains."""
    words = context.words
    if not context.sited:
        return None
    blocks: list[Block | None] = [Text(words("p_siting")), _sites(context)]
    if not context.land:
        blocks.append(_site_gains(context))
    blocks.append(Text(words("p_siting_care"), "warning"))
    return Section("siting", words("h_siting"), tuple(b for b in blocks if b is not None))


def _sites(context: Context) -> Table:
    import pandas as pd

    words, rows = context.words, []
    for name, kind, _ in context.sited:
        one = context.results.scenarios[name]
        for change in one.changes:
            if change.do == "add" and change.get("layer") == kind:
                own = change.get("values", {})
                lon, lat = _place(change)
                rows.append(
                    {
                        "site": change.get("id"),
                        "name": words.pair(own.get("name_zh", ""), own.get("name_en", "")) or clean(change.get("id")),
                        "kind": context.kind(kind),
                        "scenario": words.named(one),
                        "lon": lon,
                        "lat": lat,
                        "quality": context.qualities(own.get("quality", "")),
                        "accuracy_m": float(own.get("accuracy_m", float("nan"))),
                    }
                )  # fmt: skip
    columns = (
        Column("name", words("c_site"), weight=1.3),
        Column("kind", words("c_kind"), weight=0.8),
        Column("scenario", words("c_scenario"), weight=1.7),
        Column("lon", words("c_lon"), "degrees"),
        Column("lat", words("c_lat"), "degrees"),
        Column("accuracy_m", words("c_accuracy"), "number"),
        Column("quality", words("c_quality"), weight=0.7),
    )
    return Table("sites", words("t_sites"), columns, pd.DataFrame(rows))


def _place(change: Change) -> tuple[float, float]:
    places = [change.get("at")] if change.get("at") else change.get("along") or change.get("around")
    return sum(p[0] for p in places) / len(places), sum(p[1] for p in places) / len(places)


def _site_gains(context: Context) -> Table | None:
    import pandas as pd

    words, plan = context.words, context.results.city.analysis
    table, parts = context.results.scenario_coverage, []
    for name, kind, _ in context.sited:
        own = table[(table["scenario"] == name) & (table["facilities"] == kind) & (table["area"] == ALL)]  # fmt: skip
        wide = own.pivot(index="mode", columns="minutes", values="persons_gained")
        wide = wide.reindex([m for m in plan.modes if m in wide.index])
        wide.columns = [f"m{m:g}" for m in wide.columns]
        parts.append(wide.reset_index().assign(scenario=name, kind=context.kind(kind)))
    frame = pd.concat(parts, ignore_index=True)
    if not len(frame):
        return None
    mixed = {s for s in frame["scenario"] if context.mixed(s)}
    frame["name"] = [context.scenario(s) + (" †" if s in mixed else "") for s in frame["scenario"]]
    frame["way"] = [context.mode(m) for m in frame["mode"]]
    columns = (
        Column("name", words("c_scenario"), weight=2),
        Column("kind", words("c_kind"), weight=1),
        Column("way", words("c_mode"), weight=0.8),
        *(Column(f"m{m:g}", words("c_within", n=f"{m:g}"), "gain") for m in plan.minutes),
    )
    note = words("n_other_changes") if mixed else ""
    return Table("site_gains", words("t_site_gains"), columns, frame, note)


def bridges(context: Context) -> Section | None:
    """What depends on each bridge, where that was asked."""
    words, plan, table = context.words, context.results.city.analysis, context.bridges
    if table is None or not len(table):
        return None
    frame = table.reset_index(drop=True)
    frame["name"] = [words.named(r) for r in table.itertuples()]
    frame["known"] = [context.qualities(q) for q in table["quality"]]
    columns = (
        Column("name", words("c_bridge"), weight=1.6),
        Column("persons_slower", words("c_slower"), "persons"),
        Column("minutes_lost", words("c_lost_min"), "minutes"),
        Column("persons_lost", words("c_no_longer", n=f"{plan.headline_minutes:g}"), "persons"),
        Column("persons_cut_off", words("c_cut_off"), "persons"),
        Column("accuracy_m", words("c_accuracy"), "number"),
        Column("known", words("c_quality"), weight=1),
    )
    about = {"kind": context.kind(context.facilities), "mode": context.mode(plan.headline_mode)}
    one = Table("bridges", words("t_bridges", **about), columns, frame)
    return Section("bridges", words("h_bridges"), (Text(words("p_bridges", **about)), one))
