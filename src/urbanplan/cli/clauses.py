"""Commands about standards: the check-up, and what each clause asks for."""

from __future__ import annotations

import click

from urbanplan.cli import completion
from urbanplan.cli.measure import AREAS
from urbanplan.cli.options import (
    CITY,
    JSON,
    LAYER,
    OK,
    file_option,
    read_places,
)
from urbanplan.cli.show import Screen


@click.command()
@CITY
@click.option(
    "--standard",
    "names",
    multiple=True,
    metavar="ID",
    help="A standard or indicator.",
    shell_complete=completion.STANDARDS,
)
@AREAS
@LAYER
@file_option("--out", "Table to write (.xlsx, .csv, .parquet, .json).", metavar="F")
@JSON
@click.pass_obj
def indicators(screen: Screen, city: str, names, areas, out, as_json: bool) -> int:
    """The city check-up: every indicator, its clause, the value by district, and the verdict."""
    from urbanplan import study
    from urbanplan.catalog.standards import pick
    from urbanplan.city import load_city
    from urbanplan.indicators import check_up, wide
    from urbanplan.publish import vector

    if out is not None:
        vector.require_ending(out, table=True)
    profile = load_city(city)
    screen.of(profile)
    chosen = pick(study.standards_of(profile, names), names)
    borders = read_places(screen, areas)
    with screen.progress(), screen.stage("indicators"):
        table = check_up(chosen, study.scene_of(study.prepare(profile), borders))
    for one in chosen.values():
        if one.replaces:
            screen.note(f"{one.id}: the city's own entry stands in place of {one.replaces}")
    if out is not None:
        screen.written({"indicators": vector.write_table(table, out)})
    elif as_json:
        screen.table(table, True, title="")
    else:
        shown, known = wide(table, screen.lang), study.plan_of(profile)
        if known.tasks:
            names = table["indicator"].drop_duplicates()
            shown["tasks"] = [", ".join(map(str, known.tasks_of_indicator(n))) for n in names]
        title = f"{profile.name_zh} · 城市体检 / {profile.name_en} · city check-up"
        screen.table(shown, False, title)
        told = table[table["verdict"] != "cannot be told"]["indicator"].nunique()
        screen.note(f"{table['indicator'].nunique()} indicators, {told} can be told from this data")
        if any(one.abroad for one in chosen.values()):
            screen.note(
                "standards of another country judge nothing here; name one with --standard to see its thresholds"
            )
    return OK


@click.command()
@click.argument("names", nargs=-1, metavar="[ID]...", shell_complete=completion.STANDARDS)
@click.option(
    "--city",
    shell_complete=completion.cities,
    help="With the entries of this city's own standards.toml.",
)
@JSON
@click.pass_obj
def standards(screen: Screen, names, city, as_json: bool) -> int:
    """What standards ask for, clause by clause, and how well each threshold is verified."""
    from urbanplan import study
    from urbanplan.catalog.standards import pick, read_standards
    from urbanplan.city import load_city

    known = read_standards() if city is None else study.standards_of(load_city(city))
    table = study.listed(pick(known, names))
    hide = ("source", "standard")
    screen.table(table, as_json, title="standards", hide=hide)
    screen.note("grade: V seen in a public text (may judge), G quoted in code, K general knowledge")
    return OK
