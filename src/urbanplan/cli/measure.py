"""Commands that set facilities against people and standards: coverage, access, the check-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli import completion
from urbanplan.cli.options import (
    CITY,
    DEM,
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
    places,
    plain,
    positive,
    refuse_over,
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
@click.argument("city", required=False, shell_complete=completion.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@click.option(
    "--facilities",
    required=True,
    help="A facility layer such as hospitals, or a file.",
    shell_complete=completion.FACILITIES,
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
    from urbanplan.publish import vector

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
    if out is None:
        # The title says these.
        screen.table(table, as_json, title=title, hide=("facilities", "mode"))
    else:
        screen.written({"coverage": vector.write_table(table, out)})
    return OK


def _tell_overlap(screen: Screen, table: pd.DataFrame) -> None:
    # Who lives in two areas is counted in both; the whole counts each once.
    from urbanplan.coverage import ALL, OUTSIDE

    first = table[table["minutes"] == table["minutes"].min()]
    inside = first.loc[~first["area"].isin([ALL, OUTSIDE]), "persons"].sum()
    whole = first.loc[first["area"] == ALL, "persons"].sum()
    if inside > 0 and inside - whole >= 0.5:
        screen.note(
            f"各区有重叠：{inside - whole:,.0f} 人在多个区内计数，合计只计一次 /"
            f" the areas overlap: {inside - whole:,.0f} people count in more than one, and once in {ALL}"
        )


@click.command()
@click.argument("city", required=False, shell_complete=completion.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@LAYER
@click.option(
    "--supply",
    required=True,
    help="A facility layer such as hospitals, or a file.",
    shell_complete=completion.FACILITIES,
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
    from urbanplan.publish import vector

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
    shell_complete=completion.FACILITIES,
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
    from urbanplan.publish import vector

    if out is not None:
        vector.require_ending(out, table=True)
    way, model = named_mode(None, mode), model_of(screen, city, None, None)
    with screen.progress(), screen.stage("bridges"):
        table = plain(model.bridges(places(screen, facilities), mode=way, minutes=minutes))
    if out is None:
        screen.table(table, as_json, title=screen.asked(model.profile, facilities, way))
    else:
        screen.written({"bridges": vector.write_table(table, out)})
    return OK
