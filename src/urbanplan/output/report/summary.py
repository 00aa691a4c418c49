"""The first sections: the message, and who reaches what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan.output.page.tables import figure, gain, percent, whole
from urbanplan.output.report import charts, pictures
from urbanplan.output.report.model import (
    ROUGH,
    Block,
    Column,
    Context,
    Facts,
    Section,
    Table,
    Text,
    clean,
)
from urbanplan.output.report.pictures import Maps
from urbanplan.output.rounding import ALL
from urbanplan.output.style import worth_of

if TYPE_CHECKING:
    import pandas as pd


#: Targets that the summary names.
_MOST_TARGETS = 3


def summary(context: Context) -> Section:
    """The first section of a report."""
    words = context.words
    if context.unknown:
        return Section("summary", words("h_summary"), (Text(unknown(context), "lead"), *_points(context)))  # fmt: skip
    found: list[Block] = [Text(_headline(context), "lead")]
    if context.land:
        found.append(Text(words("s_land"), "warning"))
    found += [Text(_known(context), "warning" if context.rough else "body"), _facts(context)]
    return Section("summary", words("h_summary"), (*found, *_points(context)))


def _points(context: Context) -> list[Text]:
    reached = [] if context.unknown else [*_modes(context), *_districts(context), *_out(context)]
    ahead = [] if context.unknown else [*_ahead(context), *_sites(context), *_bridges(context)]
    return [Text(p, "point") for p in (*reached, *_verdicts(context), *ahead, *_plan(context))]


def unknown(context: Context) -> str:
    """That nothing can be told of the headline, and what is missing."""
    return context.words("s_unknown", **_about(context))


def _about(context: Context) -> dict[str, str]:
    plan = context.results.city.analysis
    return {
        "kind": context.kind(context.facilities),
        "mode": context.mode(plan.headline_mode),
        "minutes": f"{plan.headline_minutes:g}",
    }


def _headline(context: Context) -> str:
    plan, words = context.results.city.analysis, context.words
    covered, of = context.held(context.whole)
    return words(
        "s_headline", headline=words.pair(plan.headline_zh, plan.headline_en), covered=context.amount(covered),
        of=context.amount(of), share=percent(context.share(context.whole)), **_about(context),
    )  # fmt: skip


def _known(context: Context) -> str:
    words = context.words
    accuracy = f"{worth_of(context.results)['accuracy_m']:,.0f}"
    said = []
    for name, found in context.rests_on.items():
        shown = [q for q in found if q in ROUGH] if context.rough else sorted(found)
        if shown:
            quality = words.listed([context.value("quality", q) for q in sorted(shown)])
            said.append(words("bracketed", what=context.kind(name), inner=quality))
    text = words("s_rough" if context.rough else "s_sound", layers=words.listed(said), accuracy=accuracy)  # fmt: skip
    layer = context.results.layers[context.facilities]
    lost = len(layer.frame) - len(layer.located)
    return text + (words("s_floor", lost=lost) if lost else "")


def _facts(context: Context) -> Facts:
    words = context.words
    covered, of = context.held(context.whole)
    told, every = _counted(context)
    items = [
        (percent(context.share(context.whole)), words("f_share", **_about(context))),
        (context.amount(covered), words("f_reached")),
        (context.amount(of - covered), words("f_out")),
        *([(f"{told} / {every}", words("f_told"))] if every else []),
    ]
    return Facts(tuple(items))


def _counted(context: Context) -> tuple[int, int]:
    table = context.results.indicators
    told = table[table["verdict"] != "cannot be told"]["indicator"].nunique()
    return int(told), int(table["indicator"].nunique())


def _modes(context: Context) -> list[str]:
    plan, words = context.results.city.analysis, context.words
    rows = context.headline[context.headline["area"] == ALL]
    others = [
        f"{context.mode(r.mode)} {percent(context.share(r))}"
        for r in rows.itertuples()
        if r.mode != plan.headline_mode
    ]
    return [words("s_modes", said=words.listed(others))] if others else []


def _districts(context: Context) -> list[str]:
    rows = context.of_mode[context.of_mode["area"] != ALL]
    rows = rows[rows[context.share_column].notna()].sort_values(context.share_column, kind="stable")
    if len(rows) < 2:
        return []
    worst, best = next(rows.head(1).itertuples()), next(rows.tail(1).itertuples())
    return [
        context.words(
            "s_districts", best=context.area(best.area), best_share=percent(context.share(best)),
            worst=context.area(worst.area), worst_share=percent(context.share(worst)),
        )
    ]  # fmt: skip


def _out(context: Context) -> list[str]:
    words, gaps = context.words, context.top_gaps
    if not len(gaps):
        return [everybody(context)]
    first = next(gaps.itertuples())
    nearest = first.nearest_min
    near = words("s_nearest", n=f"{nearest:.0f}") if nearest == nearest else ""
    held = first.km2 if context.land else first.persons
    return [words("s_out", area=context.area(first.area), amount=context.amount(held), nearest=near)]  # fmt: skip


def everybody(context: Context) -> str:
    """That nobody is out of reach, or too few to list."""
    covered, of = context.held(context.whole)
    key = "s_out_few" if of - covered > (0.005 if context.land else 0.5) else "s_out_none"
    key += "_land" if context.land else ""
    return context.words(key, amount=context.amount(of - covered), **_about(context))


def _verdicts(context: Context) -> list[str]:
    words, table = context.words, context.results.indicators
    told, every = _counted(context)
    if not every:
        return []
    whole_city = table[(table["area"] == ALL) & (table["verdict"] != "cannot be told")]
    counts = whole_city["verdict"].value_counts(sort=False)
    said = words.listed([f"{context.value('verdict', v)} {n}" for v, n in counts.items()])
    text = words("s_verdicts" if told else "s_verdicts_none", told=told, all=every, counts=said)
    failed = whole_city[whole_city["verdict"].str.startswith("not met")]
    names = [words.named(r) for r in failed.itertuples()]
    return [text + (words("s_not_met", names=words.listed(names)) if names else "")]


def _ahead(context: Context) -> list[str]:
    words, plan = context.words, context.results.city.analysis
    if len(context.results.scenarios) < 2:
        return [words("s_no_scenarios")]
    if context.land:
        return [words("s_scenarios_land")]
    best = context.best(plan.headline_mode)
    if best is None:
        return [words("s_best_none", **_about(context)), *_other_modes(context, None)]
    # "It also" speaks of the best: nothing stands between.
    said = [words("s_best", **_gain_of(context, best)), *_other_modes(context, best.scenario)]
    planned = context.best(plan.headline_mode, adding=False)
    if planned is not None and planned.scenario != best.scenario:
        said.append(words("s_best_planned", **_gain_of(context, planned)))
    return said


def _gain_of(context: Context, one: Any) -> dict[str, str]:
    return {
        "scenario": context.scenario(one.scenario),
        "gain": gain(one.persons_gained),
        "before": percent(one.share - one.share_gained),
        "after": percent(one.share),
    }


def _other_modes(context: Context, best: str | None) -> list[str]:
    words, plan = context.words, context.results.city.analysis
    found = {m: context.best(m) for m in plan.modes if m != plan.headline_mode}
    found = {m: one for m, one in found.items() if one is not None}
    if not found:
        return []
    if {one.scenario for one in found.values()} == {best}:
        said = [words("s_same", mode=context.mode(m), gain=gain(one.persons_gained)) for m, one in found.items()]  # fmt: skip
        return [words("s_others_same", said=words.listed(said))]
    said = [words("s_other", mode=context.mode(m), scenario=context.scenario(one.scenario), gain=gain(one.persons_gained)) for m, one in found.items()]  # fmt: skip
    return [words("s_others", said=words.listed(said))]


def _sites(context: Context) -> list[str]:
    words, plan = context.words, context.results.city.analysis
    said, best = [], context.best(plan.headline_mode)
    for name, kind, count in context.sited:
        if best is not None and (name, kind) == (best.scenario, context.facilities):
            continue
        one = context.outcomes
        one = one[(one["scenario"] == name) & (one["facilities"] == kind) & (one["mode"] == plan.headline_mode)]  # fmt: skip
        if len(one) and one["persons_gained"].notna().all():
            gained = gain(float(one["persons_gained"].iloc[0]))
            about = {**_about(context), "kind": context.kind(kind)}
            more = words("also_others") if context.mixed(name) else ""
            said.append(words("s_sites", scenario=context.scenario(name), more=more, count=count, gain=gained, **about))  # fmt: skip
    return said


def _bridges(context: Context) -> list[str]:
    table = context.bridges
    if table is None or not len(table) or not (table["persons_slower"] > 0).any():
        return []
    first = next(table.itertuples())
    return [
        context.words(
            "s_bridge", bridge=context.words.named(first), persons=whole(first.persons_slower),
            minutes=f"{first.minutes_lost:.1f}", lost=whole(first.persons_lost),
        )
    ]  # fmt: skip


def _plan(context: Context) -> list[str]:
    plan, words, said = context.results.plan, context.words, []
    if len(plan.ledger):
        missing = plan.ledger["missing_zh"].map(lambda v: bool(str(v or "").strip()))
        shown = (plan.ledger["located"].fillna(0).astype(float) > 0).sum()
        said.append(words("s_plan", items=len(plan.ledger), shown=int(shown), missing=int(missing.sum())))  # fmt: skip
    open_ = (
        plan.targets[plan.targets["still_needed"].fillna(0) > 0]
        if len(plan.targets)
        else plan.targets
    )
    if len(open_):
        names = [
            words(
                "s_target", name=words.named(r), latest=figure(r.latest), since=figure(r.latest_year), goal=figure(r.goal),
                year=figure(r.year), unit=context.unit(r.unit),
            )
            for r in open_.head(_MOST_TARGETS).itertuples()
        ]  # fmt: skip
        more = len(open_) - len(names)
        names += [words("targets_more", n=more)] if more else []
        said.append(words("s_targets", count=len(open_), names=words("semicolon").join(names)))
    if len(plan.conflicts):
        sure = int((~plan.conflicts["within_accuracy"].astype(bool)).sum())
        said.append(words("s_conflicts", count=len(plan.conflicts), sure=sure))
    return said


def drawn_plan(context: Context, maps: Maps | None) -> Section:
    """The plan's layers on the map."""
    words = context.words
    blocks: list[Block | None] = [Text(words("p_plan_map"))]
    if maps is not None:
        blocks.append(pictures.overview(maps))
        blocks.append(pictures.overview(maps, centre=True) if maps.has_centre else None)
    return Section("plan_map", words("h_plan_map"), tuple(b for b in blocks if b is not None))


def reach(context: Context, maps: Maps | None) -> Section:
    """Coverage by district, mode, kind and limit."""
    words, plan = context.words, context.results.city.analysis
    about = {"kind": context.kind(context.facilities), "mode": context.mode(plan.headline_mode), "minutes": f"{plan.headline_minutes:g}"}  # fmt: skip
    if context.unknown:
        kinds = [_by_kind(context)] if len(plan.facilities) > 1 else []
        return Section("reach", words("h_reach"), (Text(unknown(context), "warning"), *kinds))
    blocks: list[Block | None] = [Text(words("p_reach", **about))]
    if maps is not None:
        blocks.append(pictures.bands(maps))
        blocks.append(charts.by_district(context, maps.font, maps.form))
    blocks.append(_by_area(context))
    if maps is not None:
        blocks.append(pictures.districts(maps))
        blocks.append(charts.by_minutes(context, maps.font, maps.form))
    if len(plan.facilities) > 1:
        blocks.append(_by_kind(context))
    return Section("reach", words("h_reach"), tuple(b for b in blocks if b is not None))


def _order(context: Context) -> list[str]:
    # Areas by share, the whole last, as sums stand below.
    rows = context.of_mode.sort_values(context.share_column, ascending=False, kind="stable")
    return [*(a for a in rows["area"] if a != ALL), ALL]


def _by_area(context: Context) -> Table:
    import pandas as pd

    words, plan = context.words, context.results.city.analysis
    held = ("km2", "km2_covered", "km2") if context.land else ("persons", "persons_covered", "persons")  # fmt: skip
    own = context.of_mode.set_index("area").loc[_order(context)]
    frame = pd.DataFrame({"area": own.index, "name": [context.area(a) for a in own.index]})
    frame["of"], frame["covered"] = own[held[0]].to_numpy(), own[held[1]].to_numpy()
    columns = [
        Column("name", words("c_area"), weight=1),
        Column("of", words("c_land" if context.land else "c_people"), held[2]),
        Column("covered", words("c_covered", mode=context.mode(plan.headline_mode)), held[2]),
    ]
    for mode in plan.modes:
        rows = context.headline[context.headline["mode"] == mode].set_index("area")
        frame[mode] = rows[context.share_column].loc[own.index].to_numpy()
        columns.append(Column(mode, context.mode(mode), "share"))
    caption = words("t_by_area", kind=context.kind(context.facilities), minutes=f"{plan.headline_minutes:g}")  # fmt: skip
    return Table("coverage", caption, tuple(columns), frame, strong=("area", ALL))


def _by_kind(context: Context) -> Table:
    import pandas as pd

    words, plan = context.words, context.results.city.analysis
    table = context.results.coverage
    table = table[(table["mode"] == plan.headline_mode) & (table["minutes"] == plan.headline_minutes)]  # fmt: skip
    areas = _order(context)
    frame = pd.DataFrame({"area": areas, "name": [context.area(a) for a in areas]})
    columns = [Column("name", words("c_area"), weight=1)]
    for kind in plan.facilities:
        own = table[table["facilities"] == kind].set_index("area")
        frame[kind] = own[context.share_column].reindex(areas).to_numpy()
        columns.append(Column(kind, context.kind(kind), "share"))
    caption = words("t_by_kind", mode=context.mode(plan.headline_mode), minutes=f"{plan.headline_minutes:g}")  # fmt: skip
    return Table("kinds", caption, tuple(columns), frame, strong=("area", ALL))


def annex(context: Context) -> Section:
    """Every share of the coverage table."""
    words = context.words
    return Section("annex", words("h_annex"), (Text(words("p_annex")), _whole_table(context)))


def _whole_table(context: Context) -> Table:
    words, plan = context.words, context.results.city.analysis
    table = context.results.coverage
    held = "km2" if context.land else "persons"
    keys = ["facilities", "mode", "area"]
    frame = table.drop_duplicates(keys)[[*keys, held]].rename(columns={held: "of"})
    for limit in plan.minutes:
        own = table[table["minutes"] == limit].set_index(keys)[context.share_column]
        frame[f"m{limit:g}"] = own.reindex(frame.set_index(keys).index).to_numpy()
    frame["kind"] = [context.kind(k) for k in frame["facilities"]]
    frame["way"] = [context.mode(m) for m in frame["mode"]]
    frame["name"] = [context.area(a) for a in frame["area"]]
    columns = [
        Column("kind", words("c_kind"), weight=1),
        Column("way", words("c_mode"), weight=0.6),
        Column("name", words("c_area"), weight=1),
        Column("of", words("c_land" if context.land else "c_people"), held),
        *(Column(f"m{m:g}", words("c_within", n=f"{m:g}"), "share") for m in plan.minutes),
    ]
    return Table("coverage_all", words("t_annex"), tuple(columns), frame, strong=("area", ALL))


def gaps(context: Context, maps: Maps | None) -> Section:
    """Who is not reached."""
    words, plan = context.words, context.results.city.analysis
    about = {"kind": context.kind(context.facilities), "mode": context.mode(plan.headline_mode), "minutes": f"{plan.headline_minutes:g}"}  # fmt: skip
    covered, of = context.held(context.whole)
    if context.unknown or not len(context.gaps):
        said = unknown(context) if context.unknown else everybody(context)
        return Section("gaps", words("h_gaps"), (Text(said),))
    blocks: list[Block | None] = [Text(words("p_gaps", amount=context.amount(of - covered), **about))]  # fmt: skip
    if maps is not None:
        blocks.append(pictures.gaps(maps))
    blocks.append(_gap_table(context))
    return Section("gaps", words("h_gaps"), tuple(b for b in blocks if b is not None))


def _gap_table(context: Context) -> Table:
    import pandas as pd

    words, top = context.words, context.top_gaps
    frame = pd.DataFrame(
        {
            "number": range(1, len(top) + 1),
            "area": [context.area(a) for a in top["area"]],
            "places": [_places(context, shape) for shape in top.geometry],
            "persons": top["persons"].to_numpy(),
            "km2": top["km2"].to_numpy(),
            "nearest_min": top["nearest_min"].to_numpy(),
        }
    )
    columns = [
        Column("number", words("c_number"), "number"),
        Column("area", words("c_mostly_in"), weight=1),
        Column("places", words("c_places"), weight=2.2),
        *([] if context.land else [Column("persons", words("c_people"), "persons")]),
        Column("km2", words("c_land"), "km2"),
        Column("nearest_min", words("c_nearest"), "minutes"),
    ]
    rest = context.gaps.iloc[len(top) :]
    held = rest["km2" if context.land else "persons"].sum()
    note = words("n_gaps_rest", count=len(rest), amount=context.amount(held)) if len(rest) else ""
    return Table("gaps", words("t_gaps"), tuple(columns), frame, note)


def _places(context: Context, shape: Any) -> str:
    # Townships in it; without any, its roomiest place in degrees.
    layer = context.results.layers.get("townships")
    if layer is not None:
        inside: pd.DataFrame = layer.located[layer.located.within(shape)]
        names = [context.words.pair(r.name_zh, r.name_en) for r in inside.itertuples()]
        if any(names):
            return context.words.listed([clean(n) for n in names if n], 5)
    spot = shape.representative_point()
    return f"{spot.x:.3f}, {spot.y:.3f}"
