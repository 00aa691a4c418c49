"""Who reaches what, and who does not: maps, charts and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan.publish.report import charts, panels, pictures
from urbanplan.publish.report.context import ALL, Context
from urbanplan.publish.report.maps import Maps
from urbanplan.publish.report.model import Block, Column, Section, Table, Text
from urbanplan.publish.report.summary import everybody, unknown
from urbanplan.publish.report.words import clean

if TYPE_CHECKING:
    import pandas as pd


def drawn_plan(context: Context, maps: Maps | None) -> Section:
    """The plan's layers on the map."""
    words = context.words
    blocks: list[Block] = [Text(words("p_plan_map"))]
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
        blocks.append(panels.districts(maps))
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
