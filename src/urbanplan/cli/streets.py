"""Commands about streets: isochrones, matrices, reach, and how fast they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from urbanplan.cli import completion
from urbanplan.cli.options import (
    AT,
    CELL,
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
    refuse_over,
)
from urbanplan.cli.show import Screen


@click.command()
@click.argument("city", required=False, shell_complete=completion.cities)
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
    from urbanplan.publish import vector

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
    options = (
        click.argument("city", required=False, shell_complete=completion.cities),
        file_option("--streets", STREETS, metavar="F"), MAP, LAYER, ORIGINS, DESTINATIONS, MODE, LIMIT, DEM,
        SNAP, MODES, TABLE, JSON, click.pass_obj,
    )  # fmt: skip
    for option in reversed(options):
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
    from urbanplan.publish import vector

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
@click.argument("city", required=False, shell_complete=completion.cities)
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
    from urbanplan.publish import vector

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
    from urbanplan.network import store

    if out is not None and Path(out).suffix.lower() != ".npz":
        raise click.BadParameter(f"'{out}' must end in .npz")
    way = named_mode(modes, mode)
    with screen.progress(), screen.stage("streets"):
        built = model_of(screen, None, streets, dem).network(way)
    click.echo(
        f"{built.mode.name_en}: {built.nodes:,} nodes, {built.edges:,} edges,"
        f" {built.length_m.sum() / 1000:,.1f} km, {built.crs}"
    )
    for finding in built.findings:
        screen.note(finding)
    if out is not None:
        screen.written({"network": store.save(built, out)})
    return OK


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench(options: tuple[str, ...]) -> int:
    """Time the engine beside its peers, in one run: [--streets F] [--only 1,3] [--out F.md]."""
    import runpy
    import sys

    from urbanplan.city import embedded

    sys.argv = ["benchmarks", *options]
    runpy.run_path(str(embedded("benchmarks")), run_name="__main__")
    return OK
