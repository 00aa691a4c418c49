"""Commands that write one output of a city, made as its readers want it."""

from __future__ import annotations

from pathlib import Path

import click

from urbanplan.cli.options import BASEMAP, CITY, KEY, OK
from urbanplan.cli.show import Screen


@click.group()
def publish() -> None:
    """Write one output, made as its readers want it."""


def _names(_context: click.Context, _option: click.Option, value: str | None):
    return None if value is None else tuple(x.strip() for x in value.split(",") if x.strip())


@publish.command()
@CITY
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write; maps/CITY/index.html by default."
)
@click.option("--title", help="Instead of the city's name.")
@click.option(
    "--lang",
    default="both",
    show_default=True,
    type=click.Choice(["both", "zh", "en"]),
    help="Language of the page; with both, the reader switches.",
)
@click.option("--layers", callback=_names, metavar="A,B", help="Input layers to draw; all if none.")
@click.option("--redact", multiple=True, metavar="COLUMN", help="Leave a column out of the file.")
@click.option(
    "--min-persons",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    help="Do not show counts of fewer people.",
)
@click.option("--approval", metavar="NUMBER", help="Map approval number (审图号).")
@BASEMAP
@KEY
@click.pass_obj
def html(screen: Screen, city: str, out: Path | None, **made) -> int:
    """Write the page that opens by double click, without a network."""
    from urbanplan import study
    from urbanplan.city import load_city
    from urbanplan.files import lock
    from urbanplan.publish import html as page

    profile, options = load_city(city), page.Options(**made)
    options.require_known()
    path = out or Path("maps") / profile.id / "index.html"
    with lock(path.parent), screen.progress():
        results = study.run(profile, screen.stage)
        with screen.stage("page"):
            written = page.write(results, path, options)
    screen.written({"page": written})
    return OK
