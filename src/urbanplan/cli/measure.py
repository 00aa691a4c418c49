"""Commands that set facilities against people and standards: coverage, access, the check-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli import completion
from urbanplan.cli.options import (
    CITY,
    DEFAULT_CITY,
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
    only_with_streets,
    positive,
    read_places,
    refuse_over,
    street_network,
)
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    import geopandas as gpd
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
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.publish import vector

    if out is not None:
        vector.require_ending(out, table=True)
    if gaps is not None:
        vector.require_ending(gaps)
    for written in (out, gaps):
        refuse_over(written, demand, areas, facilities, streets)
    way = require_mode(read_modes(modes), mode)
    asked = {"rank": rank, "by": by}
    if streets is not None:
        if city or opened or gaps:
            raise click.UsageError("--streets asks about a file: leave CITY, --open, --gaps out")
        if demand is None:
            raise click.UsageError("--streets needs --demand: who lives where")
        table = _on_streets(
            screen, streets, facilities, demand, value, areas, way, minutes, dem, snap, asked
        )
        title = f"{Path(facilities).stem} · {screen.named(way)}"
    else:
        only_with_streets(dem=dem)
        table, title, gap = _in_city(
            screen,
            city or DEFAULT_CITY,
            facilities,
            demand,
            value,
            areas,
            way,
            minutes,
            opened,
            asked,
        )
        if gaps is not None:
            screen.written({"gaps": vector.write(gap(), gaps)})
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


def _on_streets(screen, streets, facilities, demand, value, areas, way, minutes, dem, snap, asked):
    from urbanplan import study

    there, people, borders = (read_places(screen, f) for f in (facilities, demand, areas))
    # What cannot be answered is told before the streets are read.
    study.require_amounts(people, value)
    study.require_group(people, asked["by"])
    _require_named(borders)
    with screen.progress():
        network = street_network(screen, streets, way, dem)
        with screen.stage("coverage"):
            answer = study.street_coverage(
                network, there, people, value, minutes, snap_m=snap, areas=borders, **asked
            )
    return screen.told(answer)


def _in_city(screen, city, facilities, demand, value, areas, way, minutes, opened, asked):
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.demand import unassigned

    profile = load_city(city)
    screen.of(profile)
    borders, people = read_places(screen, areas), read_places(screen, demand)
    if people is not None:
        study.require_amounts(people, value)
        study.require_group(people, asked["by"])
    _require_named(borders)
    with screen.progress(), screen.stage("travel times"):
        ready = study.prepare(profile)
        study.check_opened(ready.layers, opened)
        there = _facilities(screen, ready.layers, facilities)
        ways = ready.ways(way, opened)
        if people is None:
            table, placed, cells = study.city_coverage(
                ready, ways, there, minutes, borders, **asked
            )
        else:
            table, placed, cells, notes = study.city_coverage_of(
                ready, ways, there, people, value, minutes, borders, **asked
            )
    table.insert(0, "mode", way.id)
    table.insert(0, "facilities", Path(facilities).stem)
    count = len(placed)
    screen.note(
        f"{count} existing facilities with a published place; the share is a floor"
        if count
        else f"no existing facility of '{facilities}' has a published place: coverage cannot be told"
    )
    if asked.get("rank", 1) > count > 0:
        screen.note(
            f"只有 {count} 处：没有人能到第 {asked['rank']} 处 / there are only {count}: nobody reaches {asked['rank']}"
        )
    for remark in unassigned(ready.demand) if people is None else notes:
        screen.note(remark)
    for fid in placed.unplaced:
        screen.note(f"{fid}: too far from passable land, not counted")
    title = screen.asked(profile, facilities, way)
    return table, title, lambda: study.gaps_of(ready, cells, way.id, minutes)


def _require_named(areas: gpd.GeoDataFrame | None) -> None:
    from urbanplan.crs import WGS84
    from urbanplan.study.checkup import named_areas

    if areas is not None:
        named_areas(areas, WGS84)


def _facilities(screen: Screen, layers, name: str, *, beyond: bool = True) -> gpd.GeoDataFrame:
    from urbanplan.city import require_facility
    from urbanplan.layers.model import require

    if Path(name).suffix:
        return read_places(screen, name)
    require_facility(name)
    (layer,) = require(layers, name)
    return layer.reachable() if beyond else layer.with_status("existing")


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
@file_option("--demand", DEMAND + " Needed with --streets.", metavar="F")
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
    from urbanplan.access import require_method
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.publish import vector

    table = Path(out).suffix.lower() in (".csv", ".xlsx", ".json")
    vector.require_ending(out, table=table)
    refuse_over(out, demand, supply, streets)
    way = require_mode(read_modes(modes), mode)
    asked = {"decay": decay, "figure": figure}
    require_method(method, decay)
    if streets is not None:
        if city or demand is None:
            raise click.UsageError("--streets asks about a file: give --demand, leave CITY out")
        there, people = read_places(screen, supply), read_places(screen, demand)
        study.require_amounts(there, capacity)
        study.require_amounts(people, value, "people")
        with screen.progress():
            network = street_network(screen, streets, way, dem)
            with screen.stage("access"):
                answer = study.street_access(
                    network, there, capacity, people, value, method, minutes, snap_m=snap, **asked
                )
        frame = screen.told(answer)
        fair = study.fairness(frame, "access", value)
    else:
        only_with_streets(dem=dem, demand=demand)
        from urbanplan.city import load_city
        from urbanplan.layers import load_layers

        profile = load_city(city or DEFAULT_CITY)
        with screen.progress(), screen.stage("access"):
            layers = load_layers(profile)
            # Whom those beyond the boundary serve besides is not known.
            there = _facilities(screen, layers, supply, beyond=False)
            study.require_supply(there, capacity)
            ready = study.prepare(profile, layers)
            answer = study.city_access(
                ready, ready.ways(way), there, capacity, method, minutes, **asked
            )
        frame = screen.told(answer)
        fair = study.fairness(frame, "access", "persons", "area")
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
    from urbanplan import study
    from urbanplan.catalog import load_catalog
    from urbanplan.city import load_city
    from urbanplan.publish import vector

    if out is not None:
        vector.require_ending(out, table=True)
    profile, way = load_city(city), load_catalog().mode(mode)
    with screen.progress(), screen.stage("bridges"):
        ready = study.prepare(profile)
        there = _facilities(screen, ready.layers, facilities)
        table = study.bridge_dependence(ready, way, there, minutes)
    if out is None:
        screen.table(table, as_json, title=screen.asked(profile, facilities, way))
    else:
        screen.written({"bridges": vector.write_table(table, out)})
    return OK
