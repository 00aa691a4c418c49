"""Commands on a city's folder: begin, fetch, import, check, run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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


def _described(command: Any) -> Any:
    # Options about a delivery: what it is in, and what its rows are worth.
    options = (CRS, TRANSFORM, ENCODING, LAYER, MAP, SOURCE, LICENCE, AS_OF, QUALITY, ACCURACY)
    for option in reversed(options):
        command = option(command)
    return command


def _worth(source, licence, as_of, quality, accuracy) -> dict[str, Any]:
    # What the rows of a delivery are worth, as the door has it.
    given = {"source": source, "licence": licence, "quality": quality, "accuracy_m": accuracy}
    return given | {"as_of": as_of or "not stated"}


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
    from urbanplan.door import create_city

    if copy is not None and (adcode or name or boundary):
        raise click.UsageError("--copy brings its own area: leave the others out")
    if copy is None and boundary is None and (adcode is None) == (name is None):
        raise click.UsageError("give one of --adcode, --name, --boundary or --copy")
    if boundary is not None and adcode is not None:
        raise click.UsageError("--boundary brings its own area: leave --adcode out")
    made = create_city(
        folder, name=name, adcode=adcode, boundary=boundary, copy=copy, crs=crs, transform=transform,
        encoding=encoding, layer=layer, columns=given, note=screen.note,
        **_worth(source, licence, as_of, quality, accuracy),
    )  # fmt: skip
    if made.boundary is not None:
        _told(screen, made.boundary)
    echo(f"{made.profile.name_zh}: {made.profile.metric_crs}, {folder}")
    if copy is not None:
        screen.note(
            f"next: edit its files, then urbanplan accept {folder} and urbanplan run {folder}"
        )
    else:
        screen.note(f"next: urbanplan fetch {folder} --pbf EXTRACT.osm.pbf")
    return OK


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@file_option("--pbf", "An OpenStreetMap extract that covers the city.", metavar="F")
@click.option("--overpass", metavar="URL", help="An Overpass server to ask instead.")
@click.option("--points", type=click.Choice(["china"]), help="Facilities alone, from a package.")
@click.option("--allow-private", is_flag=True, help="The server is in your own network.")
@click.option(
    "--proxy", metavar="URL", help="Ask through this proxy; those of the environment are not used."
)
@click.option("--replace", is_flag=True, help="Also replace layers that came from elsewhere.")
@click.pass_obj
def fetch(screen: Screen, folder, pbf, overpass, points, allow_private, proxy, replace) -> int:
    """Fill a city's layers and streets from OpenStreetMap."""
    from urbanplan.door import City

    if [pbf, overpass, points].count(None) != 2:
        raise click.UsageError(
            "give one of --pbf, --overpass and --points: an extract such as those of Geofabrik"
            " (download.geofabrik.de), the address of an Overpass server, or china"
        )
    with screen.progress():
        found = City(folder, note=screen.note).fetch(
            pbf, overpass=overpass, points=points, allow_private=allow_private, proxy=proxy, replace=replace, watch=screen.stage
        )  # fmt: skip
    for name, count in found.features.items():
        click.echo(f"{name}: {count:,}")
    if points is None:
        click.echo(f"streets: {found.ways:,} ways")
    for name in found.kept:
        screen.note(f"{name}: holds other data, left alone (--replace takes OpenStreetMap's)")
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
    from urbanplan.door import City
    from urbanplan.files import split_name

    if kind is None and split_name(file)[0].suffix.lower() != ".gpkg":
        raise click.UsageError("--kind says which layer the file becomes, e.g. --kind parks")
    model = City(folder, note=screen.note)
    with screen.progress(), screen.stage("import"):
        if kind is None:
            screen.written(model.take(file))
            return OK
        report = model.add(
            file, kind, crs=crs, layer=layer, encoding=encoding, columns=given, transform=transform,
            keep=keep, strict=strict, large=large, band=band, unit=unit, status=status,
            **_worth(source, licence, as_of, quality, accuracy),
        )  # fmt: skip
    if report.rows_in:
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
    from urbanplan.city.checks import told as counts_of
    from urbanplan.door import City
    from urbanplan.study import counted, untold

    model = City(city, note=screen.note)
    screen.of(model.profile)
    with screen.progress():
        results = model.run(
            out or own_maps(model.profile), layers=layers, basemap=basemap, key=key, min_persons=min_persons, watch=screen.stage
        )  # fmt: skip
    if results.resumed:
        screen.note(f"went on from an interrupted run: {', '.join(results.resumed)} were finished")
    screen.headline(results)
    screen.written(results.written)
    if results.least:
        screen.note(results.findings[0])
    screen.note(counts_of(results.checks))
    if len(results.indicators):
        screen.note(counted(results.indicators))
        screen.reasons(untold(results.indicators), city)
    return CHECK_FAILED if (results.checks["verdict"] == "fail").any() else OK


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
    from urbanplan.door import City
    from urbanplan.output import vector

    if out is not None:
        vector.require_ending(out, table=True)
    edits = City(city, note=screen.note).changes(file, watch=screen.stage)
    if out is None and not as_json and edits.changes.empty:
        # It is said already: a table without rows says no more.
        return OK
    return screen.answer(
        {f"{file.name}: {len(edits.changes)} changes": edits.changes}, out, as_json
    )


@click.command()
@CITY
@click.argument("name", required=False, shell_complete=options.LAYERS)
@file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")
@JSON
@click.pass_obj
def layers(screen: Screen, city: str, name: str | None, out: Path | None, as_json: bool) -> int:
    """List the layers, what each feature carries, how well they are known, and the plan's tasks they serve.

    With NAME: the features of that layer, with all that each carries and where it is.
    """
    from urbanplan import study
    from urbanplan.city.layers import load_layers, summary
    from urbanplan.city.profile import load_city

    if name is not None:
        from urbanplan.door import City

        return _layer(screen, City(city), name, out, as_json)
    profile = load_city(city)
    known, table = study.plan_of(profile), summary(load_layers(profile))
    if known.tasks:
        tasks = [known.tasks_of(name) for name in table["layer"]]
        table["tasks"] = [", ".join(map(str, numbers)) for numbers in tasks]
    return screen.answer({city: table}, out, as_json)


#: Columns of a layer that a terminal has no room for: which layer it is, and texts that a table beside holds.
_LONG = ("kind", "source", "licence", "as_of", "note_zh", "note_en")


def _layer(screen: Screen, city: Any, name: str, out: Path | None, as_json: bool) -> int:
    frame = city[name]
    screen.of(city.profile)
    table = frame.drop(columns="geometry", errors="ignore")
    if "geometry" in frame and frame.geometry.notna().any():
        at = frame.geometry.representative_point()
        table = table.assign(lon=at.x.round(5), lat=at.y.round(5))
    placed = int(table["lon"].notna().sum()) if "lon" in table else 0
    screen.answer({name: table}, out, as_json, hide=_LONG)
    counts = ", ".join(f"{count} {quality}" for quality, count in table["quality"].value_counts().items())  # fmt: skip
    accuracy = table["accuracy_m"].astype(float).median()
    known = f", about {accuracy:g} m off (median)" if accuracy == accuracy else ""
    screen.note(f"{len(table)} features, {placed} with a place: {counts or 'none'}{known}")
    return OK


@click.command()
@CITY
@JSON
@click.pass_obj
def check(screen: Screen, city: str, as_json: bool) -> int:
    """Compare every layer with the published figures, independent positions and rules."""
    from urbanplan.city.checks import positions_of
    from urbanplan.city.checks import told as counts_of
    from urbanplan.door import City

    table = City(city).check()
    failed = int((table["verdict"] == "fail").sum())
    title = f"{city}: {len(table)} checks, {failed} failed"
    quiet = ("id", "layer") if failed else _QUIET
    placed = positions_of(table)
    rest = table if as_json else table.drop(placed.index)
    screen.table(rest, as_json, title=title, hide=quiet)
    if len(placed) and not as_json:
        screen.table(placed, False, title="positions against independent sources", hide=quiet)
    screen.note(counts_of(table))
    return CHECK_FAILED if failed else OK
