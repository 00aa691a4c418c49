"""The command that writes a document to circulate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli.options import CITY, MIN_PERSONS, OK, file_option
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    import pandas as pd

    from urbanplan.city import City

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
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.files import lock
    from urbanplan.publish import report as document
    from urbanplan.publish.rounding import floored, rounded

    profile = load_city(city)
    name = "report.{}" if lang == "zh" else f"report_{lang}.{{}}"
    path = out or Path("maps") / profile.id / name.format(form or _FORMATS[0])
    ending = document.require_known(path, lang)
    if form not in (None, ending):
        raise click.UsageError(
            f"--format {form} and --out {path.name} do not fit: leave one of them out"
        )
    # What is missing is said before the work rather than after it.
    document.require_ready(ending, lang)
    with lock(path.parent), screen.progress():
        results = rounded(study.run(profile, screen.stage), min_persons)
        with screen.stage("bridges"):
            bridges = _bridges(profile)
            if bridges is not None and results.least:
                bridges = floored(bridges, results.least)
        with screen.stage("report"):
            written = document.write(results, path, lang=lang, bridges=bridges)
    screen.written({"report": written})
    return OK


def _bridges(profile: City) -> pd.DataFrame | None:
    # None where nobody can tell: no bridges, or mapped streets.
    from urbanplan import study
    from urbanplan.catalog import load_catalog
    from urbanplan.errors import InputError
    from urbanplan.layers.model import require

    plan = profile.analysis
    ready = study.prepare(profile)
    try:
        (layer,) = require(ready.layers, plan.headline_facilities)
        there, mode = layer.reachable(), load_catalog().mode(plan.headline_mode)
        return study.bridge_dependence(ready, mode, there, plan.headline_minutes)
    except InputError:
        return None
