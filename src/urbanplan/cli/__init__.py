"""The command line: parse, call, print. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from urbanplan import __version__
from urbanplan.cli.show import Screen
from urbanplan.errors import UrbanplanError

#: Exit codes: all well, a check failed, bad input.
OK, CHECK_FAILED, BAD_INPUT = 0, 1, 2

CITY = click.argument("city", default="luzhou")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")


def _minutes(_context: Any, _option: Any, value: str) -> tuple[float, ...]:
    try:
        minutes = tuple(sorted({float(part) for part in value.split(",")}))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of minutes such as 5,15,30") from None
    if not all(0 < m < float("inf") for m in minutes):
        raise click.BadParameter("minutes must be above 0 and finite")
    return minutes


def _places(
    _context: Any, _option: Any, values: tuple[str, ...]
) -> tuple[tuple[float, float], ...]:
    found = []
    for value in values:
        try:
            lon, lat = (float(part) for part in value.split(","))
        except ValueError:
            raise click.BadParameter(f"'{value}' is not LON,LAT such as 105.44,28.87") from None
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise click.BadParameter(f"'{value}' is not LON,LAT in degrees (longitude first)")
        found.append((lon, lat))
    return tuple(found)


#: Columns of the checks that only matter once something fails.
_QUIET = ("id", "layer", "source")

MINUTES = click.option(
    "--minutes", default="5,10,15,30", show_default=True, callback=_minutes, help="Limits."
)
OPEN = click.option(
    "--open", "opened", multiple=True, metavar="ID", help="Treat a planned road or bridge as built."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="urbanplan")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only results.")
@click.pass_context
def cli(context: click.Context, quiet: bool) -> None:
    """Who reaches what, in how many minutes, on whose data.

    CITY is the id of an embedded city or a folder with a city.toml; the default is luzhou.
    """
    context.obj = Screen(quiet)


@cli.command()
@CITY
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write; maps/CITY by default."
)
@click.option(
    "--basemap", metavar="URL", help="XYZ template of a base map the reader may switch on."
)
@click.pass_obj
def run(screen: Screen, city: str, out: Path | None, basemap: str | None) -> int:
    """Build the atlas: GeoPackage, page, raster, tables."""
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.publish import atlas, html

    profile = load_city(city)
    html.require_basemap(basemap)
    folder = out or Path("maps") / profile.id
    with screen.progress():
        results = study.run(profile, screen.stage)
        written = atlas.write(results, folder, basemap=basemap, watch=screen.stage)
        written["log"] = atlas.write_log(results, folder, written, screen.stages)
    screen.headline(results)
    screen.written(written)
    failed = results.checks[results.checks["verdict"] == "fail"]
    screen.note(f"{len(results.checks)} checks, {len(failed)} failed")
    return CHECK_FAILED if len(failed) else OK


@cli.command()
@CITY
@JSON
@click.pass_obj
def layers(screen: Screen, city: str, as_json: bool) -> int:
    """List the layers, what each feature carries, and how well they are known."""
    from urbanplan.city import load_city
    from urbanplan.layers import load_layers, summary

    screen.table(summary(load_layers(load_city(city))), as_json, title=city)
    return OK


@cli.command()
@CITY
@JSON
@click.pass_obj
def check(screen: Screen, city: str, as_json: bool) -> int:
    """Compare every layer with the published figures and rules."""
    from urbanplan.city import load_city
    from urbanplan.layers import check_city

    table = check_city(load_city(city))
    failed = int((table["verdict"] == "fail").sum())
    title = f"{city}: {len(table)} checks, {failed} failed"
    screen.table(table, as_json, title=title, hide=("id", "layer") if failed else _QUIET)
    return CHECK_FAILED if failed else OK


@cli.command()
@CITY
@click.option("--facilities", required=True, help="A facility layer, such as hospitals.")
@click.option("--mode", default="walk", show_default=True, help="walk, bike or drive.")
@MINUTES
@OPEN
@JSON
@click.pass_obj
def coverage(
    screen: Screen, city: str, facilities: str, mode: str, minutes, opened, as_json: bool
) -> int:
    """Who is within so many minutes of a facility, by district and in all?"""
    from urbanplan import study
    from urbanplan.catalog import load_catalog
    from urbanplan.city import load_city, require_facility
    from urbanplan.demand import unassigned

    profile, way = load_city(city), load_catalog().mode(mode)
    require_facility(facilities)
    with screen.progress(), screen.stage("travel times"):
        ready = study.prepare(profile)
        study.check_opened(ready.layers, opened)
        surface = ready.surface(way, opened)
        table, _, placed = study.coverage_of(ready, surface, facilities, minutes)
    screen.table(table, as_json, title=f"{profile.name_zh} · {facilities} · {way.name_zh}")
    count = len(placed.starts)
    screen.note(
        f"{count} existing facilities with a published place; the share is a floor"
        if count
        else f"no existing facility of '{facilities}' has a published place: coverage cannot be told"
    )
    for remark in unassigned(ready.demand):
        screen.note(remark)
    for fid in placed.unplaced:
        screen.note(f"{fid}: too far from passable land, not counted")
    return OK


@cli.command()
@CITY
@click.option("--at", multiple=True, required=True, metavar="LON,LAT", callback=_places)
@click.option("--mode", default="walk", show_default=True, help="walk, bike or drive.")
@MINUTES
@OPEN
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".geojson or .gpkg")
@click.pass_obj
def isochrone(screen: Screen, city: str, at, mode: str, minutes, opened, out: Path) -> int:
    """Draw what lies within so many minutes of one or more places."""
    from urbanplan import study
    from urbanplan.catalog import load_catalog
    from urbanplan.city import load_city
    from urbanplan.publish import vector

    profile, way = load_city(city), load_catalog().mode(mode)
    vector.require_ending(out)
    with screen.progress(), screen.stage("isochrones"):
        ready = study.prepare(profile)
        study.check_opened(ready.layers, opened)
        frame = study.isochrones_at(ready, ready.surface(way, opened), at, minutes)
    screen.written({"isochrones": vector.write(frame, out)})
    return OK


def main(args: list[str] | None = None) -> None:
    """Entry point: run a command, turn errors into one sentence and an exit code."""
    try:
        code = cli.main(args, prog_name="urbanplan", standalone_mode=False)
    except UrbanplanError as err:
        click.echo(f"urbanplan: {err}", err=True)
        code = BAD_INPUT
    except click.ClickException as err:
        click.echo(f"urbanplan: {err.format_message()}", err=True)
        code = BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("urbanplan: stopped; what was finished before is on disk", err=True)
        code = 130
    sys.exit(code or OK)
