"""Commands on a city's folder: begin, fetch, import, check, run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanplan.cli import options
from urbanplan.cli.chinese import told
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
    parse_map,
)
from urbanplan.cli.show import Screen, echo

if TYPE_CHECKING:
    from urbanplan.city.edits import Edits
    from urbanplan.city.layers import Layer
    from urbanplan.city.profile import City


def _shift(_context: click.Context, _option: click.Parameter, value: str | None):
    if value is None:
        return None
    from urbanplan.sources.crs_of_file import parse_shift

    return parse_shift(value)


CRS = click.option("--crs", metavar="SYSTEM", help="gcj02, bd09 or EPSG:n, before the file's own.")
TRANSFORM = click.option(
    "--transform",
    metavar="P",
    help="Its datum to WGS84 by seven parameters: dx,dy,dz,rx,ry,rz,scale (m, seconds of arc, ppm).",
    callback=_shift,
)
ENCODING = click.option("--encoding", metavar="NAME", help="Of its text, e.g. gbk.")
LAYER = click.option("--layer", metavar="NAME", help="Which layer, where a file has several.")
MAP = click.option(
    "--map",
    "given",
    multiple=True,
    metavar="OURS=THEIRS",
    callback=parse_map,
    help="Column, e.g. name_zh=名称.",
)
LARGE = click.option("--large", is_flag=True, help="Allow more than 5 million features.")
SOURCE = click.option("--source", metavar="TEXT", help="Who made it; the file's name by default.")
LICENCE = click.option("--licence", default="not stated", metavar="TEXT", help="Its licence.")


def _date(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A year, a month or a day, as figures or with 年, 月, 日."""
    from datetime import date

    if value is None:
        return None
    parts = [p for p in re.split(r"[-/.年月日]", value.strip()) if p]
    try:
        year, *rest = map(int, parts)
        date(year, *[*rest, 1, 1][:2])
        if len(rest) > 2 or not 1000 <= year <= 9999:
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"'{value}' is no date such as 2024, 2024-03 or 2024-03-01") from None  # fmt: skip
    return "-".join([f"{year:04}", *(f"{n:02}" for n in rest)])


AS_OF = click.option("--as-of", metavar="DATE", help="How old it is.", callback=_date)
QUALITY = click.option(
    "--quality",
    type=click.Choice(["surveyed", "derived", "schematic", "modelled"]),
    default="derived",
    show_default=True,
    help="How well its geometry is known.",
)
ACCURACY = click.option(
    "--accuracy",
    type=click.FloatRange(min=0, min_open=True),
    metavar="M",
    help="Its positional accuracy.",
)


def _split(file: Path, layer: str | None, crs: str | None, encoding: str | None):
    """A file's own path, and what its name or the options say of it."""
    from urbanplan.files import split_name

    plain, said = split_name(file)
    return (
        plain,
        layer or said.get("layername"),
        crs or said.get("crs"),
        encoding or said.get("encoding"),
    )


def _described(command: Any) -> Any:
    # Options about a delivery: what it is in, and what its rows are worth.
    options = (CRS, TRANSFORM, ENCODING, LAYER, MAP, SOURCE, LICENCE, AS_OF, QUALITY, ACCURACY)
    for option in reversed(options):
        command = option(command)
    return command


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _worth(path: Path, source, licence, as_of, quality, accuracy, status: str = "existing"):
    from urbanplan.city.repair import Worth

    said = source or f"file {path.name}"
    return Worth(status, quality, accuracy, said, licence, as_of or "not stated")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--adcode", metavar="CODE", help="Six digits of a city or district of China.")
@click.option(
    "--name",
    metavar="NAME",
    help="Its name, with or without 市, 区, 县; or any name with --boundary.",
)
@file_option("--boundary", "A file with one area for each district.", metavar="F")
@click.option("--copy", metavar="CITY", help="Everything that another city holds, to be edited.")
@_described
@click.pass_obj
def init(
    screen: Screen, folder, adcode, name, boundary, copy, crs, transform, encoding, layer, given, source,
    licence, as_of, quality, accuracy,
) -> int:  # fmt: skip
    """Set up a folder for another city: profile, districts, a slot for every layer."""
    from urbanplan.city import create

    create.require_new(folder)
    if copy is not None:
        if adcode or name or boundary:
            raise click.UsageError("--copy brings its own area: leave the others out")
        from urbanplan.city.profile import load_city

        city = create.begin_copy(folder, load_city(copy))
        echo(f"{city.name_zh}: {city.metric_crs}, {folder}")
        screen.note(
            f"next: edit its files, then urbanplan accept {folder} and urbanplan run {folder}"
        )
        return OK
    if boundary is None:
        if (adcode is None) == (name is None):
            raise click.UsageError("give one of --adcode, --name, --boundary or --copy")
        from urbanplan.sources.crs_of_file import find_division

        city = create.begin_division(folder, find_division(adcode, name), _today())
    else:
        if adcode is not None:
            raise click.UsageError("--boundary brings its own area: leave --adcode out")
        from urbanplan.files import read_delivery

        boundary, layer, crs, encoding = _split(boundary, layer, crs, encoding)
        city, report = create.begin_boundary(
            folder,
            read_delivery(boundary, layer=layer, encoding=encoding, crs=crs, family="polygon"),
            _worth(boundary, source, licence, as_of, quality, accuracy),
            name=name or folder.resolve().name,
            crs=crs,
            given=given,
            day=_today(),
            seven=transform,
        )
        _told(screen, report)
    echo(f"{city.name_zh}: {city.metric_crs}, {folder}")
    screen.note(f"next: urbanplan fetch {folder} --pbf EXTRACT.osm.pbf")
    return OK


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@file_option("--pbf", "An OpenStreetMap extract that covers the city.", metavar="F")
@click.option("--overpass", metavar="URL", help="An Overpass server to ask instead.")
@click.option("--allow-private", is_flag=True, help="The server is in your own network.")
@click.option(
    "--proxy", metavar="URL", help="Ask through this proxy; those of the environment are not used."
)
@click.option("--replace", is_flag=True, help="Also replace layers that came from elsewhere.")
@click.pass_obj
def fetch(screen: Screen, folder, pbf, overpass, allow_private, proxy, replace) -> int:
    """Fill a city's layers and streets from OpenStreetMap."""
    from urbanplan.city import fetch as intake
    from urbanplan.city.profile import load_own_city
    from urbanplan.files import lock
    from urbanplan.servers.web import Guard

    if (pbf is None) == (overpass is None):
        raise click.UsageError(
            "give one of --pbf and --overpass: an extract such as those of Geofabrik"
            " (download.geofabrik.de), or the address of an Overpass server"
        )
    city = load_own_city(folder)
    with lock(city.layers_folder), screen.progress():
        if overpass is not None:
            guard = Guard(allow_private=allow_private, proxy=proxy)
            found = intake.fetch_from(
                city, overpass, guard, day=_today(), replace=replace, note=screen.note, watch=screen.stage
            )  # fmt: skip
        else:
            with screen.stage("read"):
                found = intake.fetch(city, pbf, day=_today(), replace=replace)
    for name, count in found.features.items():
        click.echo(f"{name}: {count:,}")
    click.echo(f"streets: {found.ways:,} ways")
    for name in found.kept:
        screen.note(f"{name}: holds other data, left alone (--replace takes OpenStreetMap's)")
    for remark in found.notes:
        screen.note(remark)
    return OK


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--kind",
    shell_complete=options.LAYERS,
    help="The layer it becomes, e.g. parks, or streets; population or heights for a raster."
    " Without it: every layer that was edited in the GeoPackage of a run.",
)
@click.option(
    "--into",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The city's folder.",
)
@_described
@click.option("--strict", is_flag=True, help="Any repair, refusal or suspicion is an error.")
@LARGE
@click.option("--append", "keep", flag_value="append", default="", help="Add to what is there.")
@click.option(
    "--replace", "keep", flag_value="replace", help="Put it in the place of what is there."
)
@click.option(
    "--status",
    type=click.Choice(["existing", "planned", "announced"]),
    default="existing",
    show_default=True,
)
@click.option("--band", type=click.IntRange(1), help="Which band of a raster that has several.")
@click.option(
    "--unit",
    type=click.Choice(["persons", "persons/km2", "persons/ha"]),
    help="What a raster of people counts in: per cell, or densities.",
)
@click.pass_obj
def import_(
    screen: Screen, file, kind, folder, crs, transform, encoding, layer, given, strict, large, keep, status,
    band, unit, source, licence, as_of, quality, accuracy,
) -> int:  # fmt: skip
    """Make a planner's file a layer of a city, and say what was mapped, repaired and refused."""
    from urbanplan.city.ingest import bring_file
    from urbanplan.city.profile import load_own_city
    from urbanplan.files import lock, split_name

    plain = split_name(file)[0]
    city, worth = (
        load_own_city(folder),
        _worth(plain, source, licence, as_of, quality, accuracy, status),
    )
    with lock(city.layers_folder), screen.progress(), screen.stage("import"):
        if kind is None:
            return _take_edits(screen, city, plain)
        report = bring_file(
            city, file, kind, worth, crs=crs, layer=layer, encoding=encoding, given=given, seven=transform,
            keep=keep, strict=strict, large=large, band=band, unit=unit, day=_today(),
        )  # fmt: skip
    if not report.rows_in:
        return _noted(screen, {kind: report.path}, report.notes)
    _told(screen, report)
    screen.written({kind: report.path})
    return OK


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.pass_obj
def accept(screen: Screen, folder) -> int:
    """Keep edits: list the layers' files in the manifest as they are now."""
    from urbanplan.city.profile import load_own_city
    from urbanplan.files import lock, manifest

    *profile, layers = load_own_city(folder, verified=False).folders
    with lock(layers):
        changed = manifest.accept(layers, *profile)
    click.echo("\n".join(changed) if changed else told("nothing has changed", screen.lang))
    return OK


def _take_edits(screen: Screen, city, file: Path) -> int:
    from urbanplan.city.edits import keep, take
    from urbanplan.city.layers import load_layers

    if file.suffix.lower() != ".gpkg":
        raise click.UsageError("--kind says which layer the file becomes, e.g. --kind parks")
    edits = take(city, load_layers(city), file)
    for row in edits.changes.itertuples():
        screen.note(f"{row.layer} {row.id} ({row.name_zh}): {row.change}")
    notes = [f"{f.layer} {f.feature}: {f.message}" for f in edits.findings]
    written = keep(city, edits, _today())
    return _noted(screen, written, notes or (["nothing has changed"] if not written else []))


def _noted(screen: Screen, written: dict[str, Path], notes: Sequence[str]) -> int:
    for remark in notes:
        screen.note(remark)
    screen.written(written)
    return OK


def _counted(report: Any) -> str:
    came = f"{report.rows_in:,} {'row' if report.rows_in == 1 else 'rows'} in"
    if not report.appended:
        return (
            f"{came}, {report.rows_out:,} {'feature' if report.rows_out == 1 else 'features'} out"
        )
    if not report.added and not report.changed:
        return "already there: nothing added"
    if not report.changed:
        return f"{came}, {report.added:,} added, {report.rows_out:,} in the layer"
    return (
        f"{came}, {report.added:,} added, {report.changed:,} changed,"
        f" {report.rows_out:,} in the layer"
    )


def _told(screen: Screen, report: Any) -> None:
    echo(told(_counted(report), screen.lang))
    for ours, theirs in report.mapped.items():
        if ours != theirs:
            screen.note(f"column {ours} ← {theirs}")
    if report.unmapped:
        screen.note(f"columns not taken: {', '.join(report.unmapped)}")
    for line in (*report.notes, *report.summary()):
        screen.note(line)


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
    from urbanplan.city.profile import load_city
    from urbanplan.errors import InputError
    from urbanplan.files import is_city_folder, lock, remove_folder, write_csv
    from urbanplan.output import formats
    from urbanplan.output import page as html
    from urbanplan.output.rounding import rounded

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
        written = formats.write_atlas(results, folder, page=page, watch=screen.stage)
        if edits is not None and not results.least:
            written["changes"] = write_csv(folder / "changes.csv", edits.changes)
        written["log"] = formats.write_log(results, folder, written, screen.stages)
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
    from urbanplan.city.layers import load_layers
    from urbanplan.errors import InputError

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
    from urbanplan.city.edits import take

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
    from urbanplan.city.layers import load_layers
    from urbanplan.city.profile import load_city
    from urbanplan.output import vector

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
    from urbanplan.city.layers import load_layers, summary
    from urbanplan.city.profile import load_city

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
    from urbanplan.city.checks import check_city
    from urbanplan.city.profile import load_city

    table = check_city(load_city(city))
    failed = int((table["verdict"] == "fail").sum())
    title = f"{city}: {len(table)} checks, {failed} failed"
    screen.table(table, as_json, title=title, hide=("id", "layer") if failed else _QUIET)
    return CHECK_FAILED if failed else OK
