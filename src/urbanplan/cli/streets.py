"""Commands about streets: isochrones, matrices, reach, and how fast they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli import completion
from urbanplan.cli.options import (
    AT,
    CELL,
    DEFAULT_CITY,
    DEM,
    DIRECTION,
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
    read_places,
    refuse_over,
    street_network,
)
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    import geopandas as gpd


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

    On the streets of a file (--streets), or on a CITY's friction surface.
    """
    from urbanplan import study
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.publish import vector

    vector.require_ending(out)
    refuse_over(out, points, streets)
    way = require_mode(read_modes(modes), mode)
    if streets is None:
        only_with_streets(cell=cell, dem=dem)
        from urbanplan.city import load_city

        profile = load_city(city or DEFAULT_CITY)
        places = _places(screen, at, points)
        with screen.progress(), screen.stage("isochrones"):
            ready = study.prepare(profile)
            study.check_opened(ready.layers, opened)
            ways = ready.ways(way, opened)
            frame = study.isochrones_at(ready, ways, places, minutes, direction)
    else:
        if city or opened:
            raise click.UsageError("--streets asks about a file: leave CITY and --open out")
        places = _places(screen, at, points)
        with screen.progress():
            network = street_network(screen, streets, way, dem)
            with screen.stage("isochrones"):
                answer = study.street_isochrones(
                    network, places, minutes, direction=direction, snap_m=snap, cell_m=cell
                )
        frame = screen.told(answer)
    screen.written({"isochrones": vector.write(frame, out)})
    return OK


@click.command()
@file_option("--streets", STREETS, required=True, metavar="F")
@MAP
@LAYER
@file_option("--origins", "Places as a layer, or .csv with lon and lat.", required=True)
@file_option("--destinations", "The same.", required=True)
@MODE
@click.option("--max-minutes", type=float, default=60.0, show_default=True, help="Limit of a pair.")
@DEM
@SNAP
@MODES
@OUT
@click.pass_obj
def matrix(
    screen: Screen, streets, origins, destinations, mode, max_minutes, dem, snap, modes, out
) -> int:
    """Minutes from every origin to every destination within a limit (.parquet or .csv)."""
    from urbanplan import study
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.publish import vector

    if not max_minutes > 0:
        raise click.BadParameter("--max-minutes must be above 0")
    vector.require_ending(out, table=True)
    refuse_over(out, origins, destinations, streets)
    way = require_mode(read_modes(modes), mode)
    starts, ends = read_places(screen, origins), read_places(screen, destinations)
    with screen.progress():
        network = street_network(screen, streets, way, dem)
        with screen.stage("matrix"):
            answer = study.street_matrix(
                network, starts, ends, max_minutes, snap_m=snap, progress=screen.count
            )
    screen.written({"matrix": vector.write_table(screen.told(answer), out)})
    return OK


@click.command()
@file_option("--streets", STREETS, required=True, metavar="F")
@MAP
@LAYER
@file_option(
    "--demand", "People (jobs, pupils) as points, or .csv with lon and lat.", required=True
)
@click.option("--value", default="population", show_default=True, help="Column that is summed.")
@click.option("--origins", default="nodes", show_default=True, help="'nodes', or a file of places.")
@MODE
@MINUTES
@DIRECTION
@DEM
@SNAP
@MODES
@OUT
@click.pass_obj
def reach(
    screen: Screen, streets, demand, value, origins, mode, minutes, direction, dem, snap, modes, out
) -> int:
    """How many people are within so many minutes of each place, or of each street corner?"""
    from urbanplan import study
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.publish import vector

    table = Path(out).suffix.lower() == ".csv"
    vector.require_ending(out, table=table)
    refuse_over(out, demand, origins, streets)
    way = require_mode(read_modes(modes), mode)
    people = read_places(screen, demand)
    starts = read_places(screen, None if origins == "nodes" else origins)
    study.require_amounts(people, value)
    with screen.progress():
        network = street_network(screen, streets, way, dem)
        with screen.stage("reach"):
            answer = study.street_reach(
                network,
                starts,
                people,
                value,
                minutes,
                snap_m=snap,
                direction=direction,
                progress=screen.count,
            )
    frame = screen.told(answer)
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
@LAYER
@MODE
@DEM
@MODES
@file_option(
    "--out", "File to write (.npz): give it to --streets to skip the reading.", metavar="F"
)
@click.pass_obj
def network(screen: Screen, streets, mode, dem, modes, out) -> int:
    """Build the street network of one mode, say what it holds, and keep it."""
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.network import store

    if out is not None and Path(out).suffix.lower() != ".npz":
        raise click.BadParameter(f"'{out}' must end in .npz")
    way = require_mode(read_modes(modes), mode)
    with screen.progress():
        built = street_network(screen, streets, way, dem)
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


def _places(
    screen: Screen, at: tuple[tuple[float, float], ...], points: Path | None
) -> gpd.GeoDataFrame:
    if bool(at) == (points is not None):
        raise click.UsageError("give places either with --at or with --points")
    if points is not None:
        return read_places(screen, points)
    from urbanplan.sources.read import places_at

    return places_at(at)
