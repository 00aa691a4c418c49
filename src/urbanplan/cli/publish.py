"""Commands that write: maps, formats, servers, the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli.options import BASEMAP, CITY, KEY, MIN_PERSONS, OK, file_option, own_maps
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    from urbanplan.city.profile import City
    from urbanplan.study import Results


@click.group()
def publish() -> None:
    """Write one output, made as its readers want it."""


def _names(_context: click.Context, _option: click.Option, value: str | None):
    return None if value is None else tuple(x.strip() for x in value.split(",") if x.strip())


REDACT = click.option(
    "--redact", multiple=True, metavar="COLUMN", help="Leave a column out of the file."
)
#: Tables of a run that hold every count.
_EXACT = ("coverage.csv", "scenarios.csv", "indicators.csv", "checks.csv", "run.json")
CRS = click.option(
    "--crs",
    default="EPSG:4490",
    show_default=True,
    help="System to store in: EPSG:4490, EPSG:4326, a projected one, or 'projected' for the city's own zone.",
)


def _layers(text: str):
    return click.option("--layers", callback=_names, metavar="A,B", help=text)


def _results(screen: Screen, profile: City, min_persons: int) -> Results:
    from urbanplan import study
    from urbanplan.output.rounding import rounded

    results = rounded(study.run(profile, screen.stage), min_persons)
    if results.least:
        screen.note(results.findings[0])
    return results


@publish.command()
@CITY
@file_option("--out", "File to write; maps/CITY/index.html by default.")
@click.option("--title", help="Instead of the city's name.")
@click.option(
    "--lang",
    default="both",
    show_default=True,
    type=click.Choice(["both", "zh", "en"]),
    help="Language of the page; with both, the reader switches, and it opens in Chinese for a city in China, else in English.",
)
@_layers("Input layers to draw; all if none.")
@REDACT
@MIN_PERSONS
@click.option("--approval", metavar="NUMBER", help="Map approval number (审图号).")
@BASEMAP
@KEY
@click.pass_obj
def html(screen: Screen, city: str, out: Path | None, **made) -> int:
    """Write the page that opens by double click, without a network."""
    from urbanplan.city.profile import load_city
    from urbanplan.files import lock
    from urbanplan.output import page

    profile, options = load_city(city), page.Options(**made)
    options.require_known()
    path = out or own_maps(profile) / "index.html"
    with lock(path.parent), screen.progress():
        results = _results(screen, profile, options.min_persons)
        with screen.stage("page"):
            written = page.write(results, path, options)
        exact = sorted(p.name for p in path.parent.glob("*") if p.name in _EXACT)
        if results.least and exact:
            names, again = ", ".join(exact), f"urbanplan run {city} --min-persons {results.least}"
            screen.note(
                f"旁边有未取整的运行结果（{names}）：交出文件夹之前先用 `{again}` 重写 /"
                f" beside it lie tables of a run with every count ({names}): write them with `{again}`"
                " before the folder is given away"
            )
    screen.written({"page": written})
    return OK


@publish.command()
@CITY
@file_option("--out", "File to write; maps/CITY/CITY.gpkg by default.")
@CRS
@MIN_PERSONS
@click.pass_obj
def geopackage(screen: Screen, city: str, out: Path | None, crs: str, min_persons: int) -> int:
    """Write every layer and result as one GeoPackage: styles, metadata, a QGIS project inside."""
    from urbanplan.city.profile import load_city
    from urbanplan.files import lock
    from urbanplan.output import formats as outputs
    from urbanplan.output.vector import require_output_crs

    profile = load_city(city)
    require_output_crs(profile, crs)
    path = out or own_maps(profile) / f"{profile.id}.gpkg"
    with lock(path.parent), screen.progress():
        results = _results(screen, profile, min_persons)
        with screen.stage("geopackage"):
            written = outputs.write_package(results, path, crs)
    screen.written({"geopackage": written})
    return OK


@publish.command()
@CITY
@file_option("--out", "Folder to write; maps/CITY by default.")
@CRS
@MIN_PERSONS
@click.pass_obj
def qgis(screen: Screen, city: str, out: Path | None, crs: str, min_persons: int) -> int:
    """Write a QGIS project, and beside it the GeoPackage and the raster that it shows."""
    from urbanplan.city.profile import load_city
    from urbanplan.files import lock
    from urbanplan.output import formats as outputs
    from urbanplan.output import qgis as project
    from urbanplan.output.vector import require_output_crs

    profile = load_city(city)
    require_output_crs(profile, crs)
    folder = out or own_maps(profile)
    with lock(folder), screen.progress():
        results = _results(screen, profile, min_persons)
        with screen.stage("qgis"):
            written = {
                "geopackage": outputs.write_package(results, folder / f"{profile.id}.gpkg", crs),
                "raster": outputs.write_rasters(results, folder / "travel_minutes.tif"),
                "qgis": project.write(results, folder / f"{profile.id}.qgz", crs=crs),
            }
    screen.written(written)
    return OK


@publish.command()
@CITY
@file_option("--out", "Folder to write; maps/CITY/formats by default.")
@click.option(
    "--to",
    "wanted",
    callback=_names,
    metavar="A,B",
    help="geoparquet, flatgeobuf, geojson, shapefile, kml, gml, dxf, cog, sld, stac; all if none.",
)
@click.option(
    "--crs",
    default="EPSG:4490",
    show_default=True,
    help="System to store in: as for geopackage, or gcj02 for map services (marked in every file's name).",
)
@_layers("Layers to write; all if none.")
@click.option(
    "--encoding",
    default="utf-8",
    show_default=True,
    type=click.Choice(["utf-8", "gbk"]),
    help="Of Shapefiles.",
)
@click.option(
    "--onemap", is_flag=True, help="Names of layers and columns as the national database has them."
)
@REDACT
@MIN_PERSONS
@click.pass_obj
def formats(screen: Screen, city: str, out: Path | None, wanted, crs, layers, encoding, onemap, redact, min_persons) -> int:  # fmt: skip
    """Write the layers in the formats that other offices ask for, with checksums."""
    from urbanplan.city.profile import load_city
    from urbanplan.files import lock
    from urbanplan.output import formats as outputs
    from urbanplan.output.vector import require_output_crs

    profile, shift = load_city(city), crs == outputs.GCJ02
    options = outputs.Options(
        formats=wanted or (outputs.MAY_SHIFT if shift else tuple(outputs.FORMATS)),
        crs=crs, layers=layers, encoding=encoding, onemap=onemap, redact=redact,
    )  # fmt: skip
    if not shift:
        require_output_crs(profile, crs)
    folder = out or own_maps(profile, "formats")
    with lock(folder), screen.progress():
        # A city's own layers need no run: neither do their styles and their catalogue.
        ours = layers and not any(n.startswith("result_") for n in layers)
        if ours and not min_persons and "cog" not in (wanted or ()):
            from urbanplan.city.layers import load_layers
            from urbanplan.study import Inputs

            results: Inputs = Inputs(profile, load_layers(profile))
        else:
            results = _results(screen, profile, min_persons)
        with screen.stage("formats"):
            written = outputs.write_formats(results, folder, options)
    screen.written({"checksums": written["checksums"]})
    screen.note(f"{len(written)} files in {folder}")
    return OK


@publish.command()
@CITY
@click.option(
    "--dsn",
    required=True,
    envvar="URBANPLAN_DSN",
    metavar="URL",
    help="postgresql://user@host:5432/database; its password in PGPASSWORD, where no list of processes shows it.",
)
@click.option("--schema", metavar="NAME", help="Schema to fill; the city's id by default.")
@click.option(
    "--readers",
    metavar="ROLE",
    help="A role that may read all of it and nothing more; made if missing.",
)
@CRS
@MIN_PERSONS
@click.pass_obj
def postgis(
    screen: Screen, city: str, dsn: str, schema: str | None, readers: str | None, crs: str, min_persons: int
) -> int:  # fmt: skip
    """Put every layer and result into a PostGIS database, in one transaction."""
    from urbanplan import servers
    from urbanplan.city.profile import load_city
    from urbanplan.output import postgis as base
    from urbanplan.output.vector import require_output_crs

    profile, server = load_city(city), servers.parse_dsn(dsn)
    name, code = schema or profile.id, require_output_crs(profile, crs)
    # A wrong name or password is said before the work rather than after it.
    servers.identifier(name)
    servers.connect(server).close()
    with screen.progress():
        results = _results(screen, profile, min_persons)
        with screen.stage("postgis"):
            rows = base.write(results, server, name, readers=readers, crs=code)
    for table, count in rows.items():
        click.echo(f"{name}.{table}: {count:,}")
    return OK


#: Formats that `--format` takes, the default first.
_FORMATS = ("pdf", "html", "docx", "xlsx")


@click.command()
@CITY
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    help="Language of the report; Chinese for a city in China, else English.",
)
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="What to write; that of --out, else pdf."
)
@file_option(
    "--out",
    "File to write; maps/CITY/report.pdf (report_LANG.pdf in the other language) by default.",
)
@MIN_PERSONS
@click.pass_obj
def report(
    screen: Screen,
    city: str,
    lang: str | None,
    form: str | None,
    out: Path | None,
    min_persons: int,
) -> int:
    """Write a document to circulate: findings, maps, tables, method, data quality, sources."""
    from urbanplan.door import City
    from urbanplan.output import report as document

    model = City(city)
    own = model.profile.language
    lang = lang or own
    name = "report.{}" if lang == own else f"report_{lang}.{{}}"
    path = out or own_maps(model.profile) / name.format(form or _FORMATS[0])
    ending = document.require_known(path, lang)
    if form not in (None, ending):
        raise click.UsageError(
            f"--format {form} and --out {path.name} do not fit: leave one of them out"
        )
    with screen.progress():
        written = model.report(path, lang=lang, min_persons=min_persons, watch=screen.stage)
    screen.written({"report": written})
    return OK
