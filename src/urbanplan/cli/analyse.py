"""Commands that ask a question of a city or of streets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanplan.cli import options
from urbanplan.cli.options import (
    AT,
    CELL,
    CITY,
    DEM,
    DIRECTION,
    JSON,
    LAYER,
    MAP,
    MINUTES,
    MODE,
    MODES,
    OK,
    OPEN,
    OUT,
    SNAP,
    STREETS,
    file_option,
    model_of,
    named_mode,
    only_with_streets,
    places,
    places_at,
    plain,
    positive,
    read_places,
    refuse_over,
    streets_of,
)
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    import pandas as pd


#: Columns of an access table that are not the demand's own.
_FAIRNESS = "公平性 / how unequally access is spread over people"
#: Measures of inequality in both languages, and whether they have the unit of access.
_MEASURES = {
    "mean": ("平均", "mean", True),
    "gini": ("基尼系数（0 均等，1 独占）", "Gini (0 equal, 1 one has all)", False),
    "theil": ("泰尔指数", "Theil", False),
    "theil_between": ("泰尔指数：区之间", "Theil between districts", False),
    "theil_within": ("泰尔指数：区之内", "Theil within districts", False),
    "palma": ("帕尔马比（最高10%/最低40%）", "Palma (top tenth to lowest four)", False),
    "best_to_worst": ("最好区与最差区之比", "best district to worst", False),
    "urban_rural_gap": ("城镇减乡村", "town less country", True),
    "worst_tenth": ("最不利的十分之一", "worst-off tenth", True),
}
AREAS = file_option("--areas", "Reporting areas (polygons with a name) in place of districts.")
DEMAND = "People as points or areas, or .csv with lon and lat."
VALUE = click.option("--value", default="population", show_default=True, help="Column of persons.")


@click.command()
@click.argument("city", required=False, shell_complete=options.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@click.option(
    "--facilities",
    required=True,
    help="A facility layer such as hospitals, or a file.",
    shell_complete=options.FACILITIES,
)
@file_option("--demand", DEMAND + " A city's own people by default.", metavar="F")
@VALUE
@AREAS
@click.option(
    "--rank",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many facilities must be within the limit.",
)
@click.option("--by", metavar="COLUMN", help="Groups of people, such as settlement.")
@MODE
@MINUTES
@OPEN
@DEM
@SNAP
@MODES
@file_option("--gaps", "Map of the people not covered, in clusters (of a CITY).", metavar="F")
@file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")
@JSON
@click.pass_obj
def coverage(
    screen: Screen, city, streets, facilities, demand, value, areas, rank, by, mode, minutes,
    opened, dem, snap, modes, gaps, out, as_json,
) -> int:  # fmt: skip
    """Who is within so many minutes of a facility, by district and in all?

    On the streets of a file (--streets), or in a CITY.
    """
    from urbanplan.output import vector

    if out is not None:
        vector.require_ending(out, table=True)
    if gaps is not None:
        vector.require_ending(gaps)
    for written in (out, gaps):
        refuse_over(written, demand, areas, facilities, streets)
    way = named_mode(modes, mode)
    there, people, borders = (places(screen, f) for f in (facilities, demand, areas))
    model = model_of(screen, city, streets, dem, open=opened, gaps=gaps)
    if streets is not None and demand is None:
        raise click.UsageError("--streets needs --demand: who lives where")
    asked = {"rank": rank, "mode": way, "minutes": minutes, "opened": opened}
    with screen.progress(), screen.stage("coverage"):
        table = plain(
            model.coverage(
                there, demand=people, value=value, areas=borders, by=by, snap_m=snap, **asked
            )
        )
        if gaps is not None:
            screen.written({"gaps": vector.write(plain(model.gaps(there, **asked)), gaps)})
    if streets is None:
        table.insert(0, "mode", way.id)
        table.insert(0, "facilities", Path(facilities).stem)
        title = screen.asked(screen.of(model.profile), facilities, way)
    else:
        title = f"{Path(facilities).stem} · {screen.named(way)}"
    _tell_overlap(screen, table)
    # The title says these.
    screen.answer({title: table}, out, as_json, hide=("facilities", "mode"))
    return OK


def _tell_overlap(screen: Screen, table: pd.DataFrame) -> None:
    # Who lives in two areas is counted in both; the whole counts each once.
    from urbanplan.base.grid import ALL
    from urbanplan.measures.coverage import OUTSIDE

    first = table[table["minutes"] == table["minutes"].min()]
    inside = first.loc[~first["area"].isin([ALL, OUTSIDE]), "persons"].sum()
    whole = first.loc[first["area"] == ALL, "persons"].sum()
    if inside > 0 and inside - whole >= 0.5:
        screen.note(
            f"各区有重叠：{inside - whole:,.0f} 人在多个区内计数，合计只计一次 /"
            f" the areas overlap: {inside - whole:,.0f} people count in more than one, and once in {ALL}"
        )


@click.command()
@click.argument("city", required=False, shell_complete=options.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@click.option(
    "--supply",
    required=True,
    help="A facility layer such as hospitals, or a file.",
    shell_complete=options.FACILITIES,
)
@click.option("--capacity", default="beds", show_default=True, help="Its column of capacities.")
@file_option("--demand", DEMAND + " A city's own people by default.", metavar="F")
@VALUE
@click.option(
    "--method",
    default="2sfca",
    show_default=True,
    help="2sfca, e2sfca, 3sfca, mh3sfca, gravity or cumulative.",
)
@click.option("--decay", help="none, stepwise, gaussian, exponential or power; see the guide.")
@click.option("--figure", type=float, callback=positive, help="The decay's own parameter.")
@MODE
@click.option(
    "--minutes",
    default=30.0,
    show_default=True,
    type=float,
    callback=positive,
    help="Size of catchments.",
)
@DEM
@SNAP
@MODES
@OUT
@click.pass_obj
def access(
    screen: Screen, city, streets, supply, capacity, demand, value, method, decay, figure, mode,
    minutes, dem, snap, modes, out,
) -> int:  # fmt: skip
    """What of a supply (beds, seats, places) falls to each home, shared with the others?"""
    from urbanplan import study
    from urbanplan.output import vector

    table = Path(out).suffix.lower() in (".csv", ".xlsx", ".json")
    vector.require_ending(out, table=table)
    refuse_over(out, demand, supply, streets)
    way = named_mode(modes, mode)
    there, people = places(screen, supply), places(screen, demand)
    model = model_of(screen, city, streets, dem)
    if streets is not None and demand is None:
        raise click.UsageError("--streets needs --demand: who lives where")
    with screen.progress(), screen.stage("access"):
        frame = plain(
            model.access(
                there, capacity=capacity, demand=people, value=value, method=method, decay=decay,
                figure=figure, mode=way, minutes=minutes, snap_m=snap,
            )
        )  # fmt: skip
    own = demand is None
    fair = study.fairness(frame, "access", "persons" if own else value, "area" if own else None)
    if table:
        point = frame.geometry.representative_point()
        frame = frame.assign(lon=point.x, lat=point.y).drop(columns="geometry")
        screen.written({"access": vector.write_table(frame, out)})
    else:
        screen.written({"access": vector.write(frame, out)})
    screen.table(_fair(fair, capacity, method), False, title=_FAIRNESS)
    return OK


def _fair(fair: pd.Series, capacity: str, method: str) -> pd.DataFrame:
    """Measures with their names and units; what falls to a person is told for a thousand."""
    import pandas as pd

    shared = method.endswith("sfca")
    unit = f"{capacity} / 1,000 persons" if shared else capacity
    rows = [
        (name, zh, en, value * 1000 if has_unit and shared else value, unit if has_unit else "")
        for name, value in fair.items()
        for zh, en, has_unit in [_MEASURES[name]]
    ]
    return pd.DataFrame(rows, columns=["measure", "name_zh", "name_en", "value", "unit"])


@click.command()
@CITY
@click.option(
    "--facilities",
    required=True,
    help="A facility layer such as hospitals, or a file.",
    shell_complete=options.FACILITIES,
)
@LAYER
@MODE
@click.option(
    "--minutes", default=30.0, show_default=True, type=float, callback=positive, help="Limit."
)
@file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")
@JSON
@click.pass_obj
def bridges(screen: Screen, city: str, facilities, mode, minutes, out, as_json: bool) -> int:
    """What depends on each bridge: who would be slower, and how much, if it were closed?"""
    from urbanplan.output import vector

    if out is not None:
        vector.require_ending(out, table=True)
    way, model = named_mode(None, mode), model_of(screen, city, None, None)
    with screen.progress(), screen.stage("bridges"):
        table = plain(model.bridges(places(screen, facilities), mode=way, minutes=minutes))
    screen.answer({screen.asked(model.profile, facilities, way): table}, out, as_json)
    return OK


@click.command()
@CITY
@click.option(
    "--standard",
    "names",
    multiple=True,
    metavar="ID",
    help="A standard or indicator.",
    shell_complete=options.STANDARDS,
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
    from urbanplan.door import City
    from urbanplan.measures.indicators import wide
    from urbanplan.output import vector

    if out is not None:
        vector.require_ending(out, table=True)
    model = City(city)
    profile = model.profile
    screen.of(profile)
    chosen = pick(study.standards_of(profile, names), names)
    borders = read_places(screen, areas)
    with screen.progress(), screen.stage("indicators"):
        table = plain(model.indicators(names, areas=borders))
    for one in chosen.values():
        if one.replaces:
            screen.note(f"{one.id}: the city's own entry stands in place of {one.replaces}")
    if as_json:
        screen.table(table, True, title="")
    else:
        shown, known = wide(table, screen.lang), study.plan_of(profile)
        if known.tasks:
            names = table["indicator"].drop_duplicates()
            shown["tasks"] = [", ".join(map(str, known.tasks_of_indicator(n))) for n in names]
        title = f"{profile.name_zh} · 城市体检 / {profile.name_en} · city check-up"
        screen.table(shown, False, title)
        for note in study.grade_notes(set(table["grade"])):
            screen.note(note)
        screen.note(study.counted(table))
        screen.reasons(study.untold(table))
        if any(one.abroad for one in chosen.values()):
            screen.note(
                "standards of another country judge nothing here; name one with --standard to see its thresholds"
            )
    if out is not None:
        screen.written({"indicators": vector.write_table(table, out)}, as_json=as_json)
    return OK


@click.command()
@click.argument("names", nargs=-1, metavar="[ID]...", shell_complete=options.STANDARDS)
@click.option(
    "--city",
    shell_complete=options.cities,
    help="With the entries of this city's own standards.toml.",
)
@JSON
@click.pass_obj
def standards(screen: Screen, names, city, as_json: bool) -> int:
    """What standards ask for, clause by clause, and how well each threshold is verified."""
    from urbanplan import study
    from urbanplan.catalog.standards import pick, read_standards
    from urbanplan.city.profile import load_city

    known = read_standards() if city is None else study.standards_of(load_city(city))
    table = study.listed(pick(known, names))
    hide = ("source", "standard", "quote", "borrowed")
    screen.table(table, as_json, title="standards", hide=hide)
    for note in study.grade_notes(set(table["grade"])):
        screen.note(note)
    return OK


@click.command()
@click.argument("city", required=False, shell_complete=options.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@AT
@file_option("--points", "Places as a layer, or .csv with lon and lat.", metavar="F")
@MODE
@MINUTES
@DIRECTION
@CELL
@DEM
@SNAP
@MODES
@OPEN
@OUT
@click.pass_obj
def isochrone(
    screen: Screen, city, streets, at, points, mode, minutes, direction, cell, dem, snap, modes,
    opened, out,
) -> int:  # fmt: skip
    """Draw what lies within so many minutes of one or more places.

    On the streets of a file (--streets), or in a CITY.
    """
    from urbanplan.output import vector

    vector.require_ending(out)
    refuse_over(out, points, streets)
    way = named_mode(modes, mode)
    if streets is None:
        only_with_streets(cell=cell)
    if bool(at) == (points is not None):
        raise click.UsageError("give places either with --at or with --points")
    given = places(screen, points) if points else places_at(at)
    with screen.progress(), screen.stage("isochrones"):
        frame = model_of(screen, city, streets, dem, open=opened).isochrones(
            given, mode=way, minutes=minutes, direction=direction, opened=opened, snap_m=snap,
            cell_m=cell,
        )  # fmt: skip
    screen.written({"isochrones": vector.write(plain(frame), out)})
    return OK


PLACES = "Places as a layer, or .csv with lon and lat"
ORIGINS = file_option("--origins", PLACES + "; of a CITY the name of a layer too.", required=True)
DESTINATIONS = file_option("--destinations", "The same.", required=True)
LIMIT = click.option(
    "--max-minutes", type=float, default=60.0, show_default=True, help="Limit of a pair."
)
TABLE = file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")


def _both_ends(command: Any) -> Any:
    # Options of questions about pairs of places.
    shared = (
        click.argument("city", required=False, shell_complete=options.cities),
        file_option("--streets", STREETS, metavar="F"), MAP, LAYER, ORIGINS, DESTINATIONS, MODE, LIMIT, DEM,
        SNAP, MODES, TABLE, JSON, click.pass_obj,
    )  # fmt: skip
    for option in reversed(shared):
        command = option(command)
    return command


@click.command()
@_both_ends
def matrix(
    screen: Screen, city, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out, as_json
) -> int:  # fmt: skip
    """Minutes from every origin to every destination within a limit.

    On the streets of a file (--streets), or in a CITY. Without --out, the longest first.
    """
    model, asked = _asked_pairs(
        screen, city, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out
    )
    with screen.progress(), screen.stage("matrix"):
        table = model.matrix(progress=screen.count, **asked)
    if out is None:
        table = table.sort_values("minutes", ascending=False, kind="stable")
    return screen.answer({"matrix": table}, out, as_json)


@click.command()
@_both_ends
def nearest(
    screen: Screen, city, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out, as_json
) -> int:  # fmt: skip
    """Which destination is nearest to each origin? Who has the longest way comes first.

    On the streets of a file (--streets), or in a CITY.
    """
    model, asked = _asked_pairs(
        screen, city, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out
    )
    with screen.progress(), screen.stage("nearest"):
        table = model.nearest(**asked)
    table = table.sort_values("minutes", ascending=False, kind="stable", na_position="first")
    return screen.answer({"nearest": table}, out, as_json)


def _asked_pairs(
    screen, city, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out
):
    from urbanplan.output import vector

    if not max_minutes > 0:
        raise click.BadParameter("--max-minutes must be above 0")
    if out is not None:
        vector.require_ending(out, table=True)
    refuse_over(out, origins, destinations, streets)
    way = named_mode(modes, mode)
    ends = {"origins": places(screen, origins), "destinations": places(screen, destinations)}
    model = model_of(screen, city, streets, dem)
    return model, {**ends, "mode": way, "minutes": max_minutes, "snap_m": snap}


@click.command()
@click.argument("city", required=False, shell_complete=options.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@file_option(
    "--demand",
    "People (jobs, pupils) as points, or .csv with lon and lat. A city's own people by default.",
    metavar="F",
)
@click.option("--value", default="population", show_default=True, help="Column that is summed.")
@click.option(
    "--origins", default="nodes", show_default=True, help="'nodes', or a file of places; of a CITY the name of a layer too."
)  # fmt: skip
@MODE
@MINUTES
@DIRECTION
@DEM
@SNAP
@MODES
@OUT
@click.pass_obj
def reach(
    screen: Screen, city, streets, demand, value, origins, mode, minutes, direction, dem, snap, modes, out
) -> int:  # fmt: skip
    """How many people are within so many minutes of each place, or of each street corner?

    On the streets of a file (--streets) with --demand, or in a CITY.
    """
    from urbanplan.output import vector

    table = Path(out).suffix.lower() == ".csv"
    vector.require_ending(out, table=table)
    refuse_over(out, demand, origins, streets)
    way = named_mode(modes, mode)
    people = places(screen, demand)
    starts = None if origins == "nodes" else places(screen, origins)
    model = model_of(screen, city, streets, dem)
    with screen.progress(), screen.stage("reach"):
        frame = plain(
            model.reach(
                starts, demand=people, value=value, mode=way, minutes=minutes, direction=direction,
                snap_m=snap, progress=screen.count,
            )
        )  # fmt: skip
    if table:
        frame = frame.assign(lon=frame.geometry.x, lat=frame.geometry.y).drop(columns="geometry")
        path = vector.write_table(frame, out)
    else:
        path = vector.write(frame, out)
    screen.written({"reach": path})
    return OK


@click.command()
@file_option("--streets", STREETS, required=True, metavar="F")
@MAP
@MODE
@DEM
@MODES
@file_option(
    "--out", "File to write (.npz): give it to --streets to skip the reading.", metavar="F"
)
@click.pass_obj
def network(screen: Screen, streets, mode, dem, modes, out) -> int:
    """Build the street network of one mode, say what it holds, and keep it."""
    from urbanplan.routing import network as networks

    if out is not None and Path(out).suffix.lower() != ".npz":
        raise click.BadParameter(f"'{out}' must end in .npz")
    way = named_mode(modes, mode)
    with screen.progress(), screen.stage("streets"):
        built = streets_of(screen, streets, dem).network(way)
    click.echo(
        f"{built.mode.name_en}: {built.nodes:,} nodes, {built.edges:,} edges,"
        f" {built.length_m.sum() / 1000:,.1f} km, {built.crs}"
    )
    for finding in built.findings:
        screen.note(finding)
    if out is not None:
        screen.written({"network": networks.save(built, out)})
    return OK
