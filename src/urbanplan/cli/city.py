"""Commands about a city's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli.options import (
    BASEMAP,
    CHECK_FAILED,
    CITY,
    JSON,
    KEY,
    MIN_PERSONS,
    OK,
    file_option,
    own_maps,
)
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    from urbanplan.city import City
    from urbanplan.intake.edits import Edits
    from urbanplan.layers import Layer

#: Columns of the checks that only matter once something fails.
_QUIET = ("id", "layer", "source")


@click.command()
@CITY
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write; maps/CITY by default."
)
@file_option(
    "--layers", "A GeoPackage of a run that was edited in QGIS: its layers are used.", metavar="F"
)
@BASEMAP
@KEY
@MIN_PERSONS
@click.pass_obj
def run(
    screen: Screen, city: str, out: Path | None, layers: Path | None, basemap: str | None, key: str | None, min_persons: int
) -> int:  # fmt: skip
    """Build the atlas: GeoPackage, QGIS project, page, raster, tables."""
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.errors import InputError
    from urbanplan.files import is_city_folder, lock, remove_folder, write_csv
    from urbanplan.publish import atlas, html
    from urbanplan.publish.rounding import rounded

    profile = load_city(city)
    screen.of(profile)
    page = html.Options(basemap=basemap, key=key, min_persons=min_persons)
    folder = out or own_maps(profile)
    if is_city_folder(folder) or folder.resolve() in [f.resolve() for f in profile.folders]:
        raise InputError(
            "is a city's folder", where=folder, remedy="choose another folder for what a run writes"
        )
    if layers is not None:
        _require_elsewhere(layers, folder)
    own = _own_layers(screen, profile, city)
    with lock(folder), screen.progress():
        stages = folder / ".stages"
        edits = None if layers is None else _edits(screen, profile, own, layers)
        results = study.run(profile, screen.stage, stages, own if edits is None else edits.layers)
        results = rounded(results, min_persons)
        written = atlas.write(results, folder, page=page, watch=screen.stage)
        if edits is not None and not results.least:
            written["changes"] = write_csv(folder / "changes.csv", edits.changes)
        written["log"] = atlas.write_log(results, folder, written, screen.stages)
        remove_folder(stages)
    if results.resumed:
        screen.note(f"went on from an interrupted run: {', '.join(results.resumed)} were finished")
    screen.headline(results)
    screen.written(written)
    if results.least:
        screen.note(results.findings[0])
    failed = results.checks[results.checks["verdict"] == "fail"]
    screen.note(f"{len(results.checks)} checks, {len(failed)} failed")
    return CHECK_FAILED if len(failed) else OK


def _own_layers(screen: Screen, city: City, folder: str) -> Mapping[str, Layer]:
    # A folder that nothing was put into yet is not one that something was lost from.
    from urbanplan.errors import InputError
    from urbanplan.layers import load_layers

    layers = load_layers(city)
    ways = (
        f"fill it with `urbanplan fetch {folder} --pbf EXTRACT.osm.pbf`, or with"
        f" `urbanplan import FILE --kind parks --into {folder}`"
    )
    if not layers:
        raise InputError("has no layers yet", where=folder, remedy=ways)
    filled = [n for n, layer in layers.items() if len(layer.frame)]
    if set(filled) <= {"districts", "study_area"} and not city.has("streets.osm.pbf"):
        screen.note(f"its layers are all empty, so little can be told: {ways}")
    return layers


def _require_elsewhere(layers: Path, folder: Path) -> None:
    # What somebody edited must not be written over by what is made of it.
    from urbanplan.errors import InputError

    if layers.resolve().parent == folder.resolve():
        raise InputError(
            f"would be written over, since the run writes to '{folder}'",
            where=layers,
            remedy="name another folder with --out, or move the file",
        )


def _edits(screen: Screen, city: City, own: Mapping[str, Layer], path: Path) -> Edits:
    from urbanplan.intake.edits import take

    with screen.stage("edits"):
        edits = take(city, own, path)
    for finding in edits.findings:
        screen.note(f"{finding.layer} {finding.feature}: {finding.message}")
    counts = edits.changes["change"].value_counts()
    said = ", ".join(f"{n} {what}" for what, n in counts.items())
    screen.note(f"{path.name}: {said or 'nothing is changed'}")
    return edits


@click.command()
@CITY
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")
@JSON
@click.pass_obj
def changes(screen: Screen, city: str, file: Path, out: Path | None, as_json: bool) -> int:
    """What was edited in the GeoPackage of a run: added, removed, moved by how much, changed.

    Nothing is written into the city: 'run --layers FILE' computes with the edits, 'import FILE'
    takes them over.
    """
    from urbanplan.city import load_city
    from urbanplan.layers import load_layers
    from urbanplan.publish import vector

    if out is not None:
        vector.require_ending(out, table=True)
    profile = load_city(city)
    edits = _edits(screen, profile, load_layers(profile), file)
    if out is None and not as_json and edits.changes.empty:
        # It is said already: a table without rows says no more.
        return OK
    if out is None:
        screen.table(edits.changes, as_json, title=f"{file.name}: {len(edits.changes)} changes")
    else:
        screen.written({"changes": vector.write_table(edits.changes, out)})
    return OK


@click.command()
@CITY
@JSON
@click.pass_obj
def layers(screen: Screen, city: str, as_json: bool) -> int:
    """List the layers, what each feature carries, how well they are known, and the plan's tasks they serve."""
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.layers import load_layers, summary

    profile = load_city(city)
    known, table = study.plan_of(profile), summary(load_layers(profile))
    if known.tasks:
        tasks = [known.tasks_of(name) for name in table["layer"]]
        table["tasks"] = [", ".join(map(str, numbers)) for numbers in tasks]
    screen.table(table, as_json, title=city)
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
