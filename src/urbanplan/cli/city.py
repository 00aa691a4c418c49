"""Commands about a city's folder."""

from __future__ import annotations

from pathlib import Path

import click

from urbanplan.cli.options import BASEMAP, CHECK_FAILED, CITY, JSON, KEY, OK
from urbanplan.cli.show import Screen

#: Columns of the checks that only matter once something fails.
_QUIET = ("id", "layer", "source")


@click.command()
@CITY
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write; maps/CITY by default."
)
@BASEMAP
@KEY
@click.pass_obj
def run(screen: Screen, city: str, out: Path | None, basemap: str | None, key: str | None) -> int:
    """Build the atlas: GeoPackage, page, raster, tables."""
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.files import lock, remove_folder
    from urbanplan.publish import atlas, html

    profile = load_city(city)
    page = html.Options(basemap=basemap, key=key)
    folder = out or Path("maps") / profile.id
    with lock(folder), screen.progress():
        stages = folder / ".stages"
        results = study.run(profile, screen.stage, stages)
        written = atlas.write(results, folder, page=page, watch=screen.stage)
        written["log"] = atlas.write_log(results, folder, written, screen.stages)
        remove_folder(stages)
    if results.resumed:
        screen.note(f"went on from an interrupted run: {', '.join(results.resumed)} were finished")
    screen.headline(results)
    screen.written(written)
    failed = results.checks[results.checks["verdict"] == "fail"]
    screen.note(f"{len(results.checks)} checks, {len(failed)} failed")
    return CHECK_FAILED if len(failed) else OK


@click.command()
@CITY
@JSON
@click.pass_obj
def layers(screen: Screen, city: str, as_json: bool) -> int:
    """List the layers, what each feature carries, and how well they are known."""
    from urbanplan.city import load_city
    from urbanplan.layers import load_layers, summary

    screen.table(summary(load_layers(load_city(city))), as_json, title=city)
    return OK


@click.command()
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
