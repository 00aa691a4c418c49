"""The command that writes a document to circulate."""

from __future__ import annotations

from pathlib import Path

import click

from urbanplan.cli.options import CITY, MIN_PERSONS, OK, file_option, own_maps
from urbanplan.cli.show import Screen

#: Formats that `--format` takes, the default first.
_FORMATS = ("pdf", "html", "docx", "xlsx")


@click.command()
@CITY
@click.option(
    "--lang",
    default="zh",
    show_default=True,
    type=click.Choice(["zh", "en"]),
    help="Language of the report.",
)
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="What to write; that of --out, else pdf."
)
@file_option("--out", "File to write; maps/CITY/report.pdf (report_en.pdf) by default.")
@MIN_PERSONS
@click.pass_obj
def report(
    screen: Screen, city: str, lang: str, form: str | None, out: Path | None, min_persons: int
) -> int:
    """Write a document to circulate: findings, maps, tables, method, data quality, sources."""
    from urbanplan.door import City
    from urbanplan.publish import report as document

    model = City(city)
    name = "report.{}" if lang == "zh" else f"report_{lang}.{{}}"
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
