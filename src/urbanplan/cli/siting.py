"""The command that asks where the next facilities should be."""

from __future__ import annotations

from pathlib import Path

import click

from urbanplan.cli import options
from urbanplan.cli.options import (
    DEM,
    JSON,
    LAYER,
    MAP,
    MODE,
    MODES,
    OK,
    SNAP,
    STREETS,
    file_option,
    model_of,
    named_mode,
    places,
    plain,
    positive,
    refuse_over,
)
from urbanplan.cli.show import Screen


def _number(name: str, text: str, **more):
    return click.option(name, type=float, callback=positive, help=text, **more)


class _Model(click.Choice):
    """A model by its name; two names of before are still taken."""

    def convert(self, value, param, ctx):
        """The name as the solver has it."""
        before = {"pmedian": "p_median", "pcenter": "p_center"}
        return super().convert(before.get(value, value), param, ctx)


@click.command()
@click.argument("city", required=False, shell_complete=options.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@click.option(
    "--candidates", required=True, metavar="F|grid:M",
    help="Places that could take a facility: a file, or a grid of places M metres apart on built-up land.",
)  # fmt: skip
@click.option(
    "--model", type=_Model(["mclp", "lscp", "p_median", "p_center"]), default="mclp", show_default=True,
    help="Most people within the limit; fewest sites for everybody; least minutes in all; least for the farthest.",
)  # fmt: skip
@click.option("--p", type=click.IntRange(min=1), help="How many new sites; lscp finds it itself.")
@_number("--minutes", "The limit.", default=15.0, show_default=True)
@MODE
@click.option("--facilities", help="A CITY's facility layer whose existing features are there already.", shell_complete=options.FACILITIES)  # fmt: skip
@file_option("--existing", "Facilities that are there already.", metavar="F")
@file_option("--exclude", "Areas where nothing may be built.", metavar="F")
@click.option("--anywhere", is_flag=True, help="A grid on open land too, not built-up land alone.")
@file_option("--demand", "People as points or areas, or .csv with lon and lat.", metavar="F")
@click.option("--value", default="population", show_default=True, help="Column of persons.")
@_number("--budget", "What the sites may cost, by the candidates' column 'cost'.")
@click.option("--capacity", metavar="COLUMN", help="The candidates' column of persons that a site serves.")  # fmt: skip
@_number("--spacing", "Least metres between sites, those that are there included.")
@_number("--equity", "The worst-off tenth counts so many times.", default=1.0)
@_number("--seconds", "Time limit of the solver: then the best known and its bound.")
@click.option("--curve", type=click.IntRange(min=0), default=0, help="What each next site still brings, up to so many.")  # fmt: skip
@click.option("--alternatives", type=click.IntRange(min=0), default=0, help="So many near-optimal choices.")  # fmt: skip
@LAYER
@DEM
@SNAP
@MODES
@file_option(
    "--out", "Map of the sites (.html, .gpkg, .geojson, .parquet), tables beside it.", metavar="F"
)
@JSON
@click.pass_obj
def siting(screen: Screen, city, streets, **asked) -> int:
    """Where should the next facilities be? Proven as far as it can be, and explained.

    In a CITY, for its own people, or on the streets of a file (--streets) with --demand.
    """
    from urbanplan.city.profile import require_facility
    from urbanplan.output import vector

    out = asked["out"]
    if out is not None:
        vector.require_map(out)
        refuse_over(
            out, *(asked[k] for k in ("candidates", "existing", "exclude", "demand")), streets
        )
    if asked["model"] == "lscp" and asked["p"] is not None:
        raise click.UsageError("lscp finds the number of sites itself: leave --p out")
    if asked["model"] != "lscp" and asked["p"] is None and asked["budget"] is None:
        raise click.UsageError("--p says how many sites; or give a --budget")
    _require_grid(asked["candidates"], streets)
    if asked["facilities"] and asked["existing"]:
        raise click.UsageError("give --facilities or --existing, not both")
    way = named_mode(asked["modes"], asked["mode"])
    city_only = {k: asked[k] for k in ("facilities", "anywhere")}
    model = model_of(screen, city, streets, asked["dem"], **city_only)
    if streets is not None and asked["demand"] is None:
        raise click.UsageError("--streets needs --demand: who lives where")
    if asked["facilities"]:
        require_facility(asked["facilities"], "--facilities")
    same = (
        "value", "anywhere", "model", "p", "minutes", "budget",
        "capacity", "equity", "seconds", "curve", "alternatives",
    )  # fmt: skip
    candidates = asked["candidates"]
    with screen.progress(), screen.stage("siting"):
        answer = model.siting(
            candidates if candidates.startswith("grid:") else places(screen, candidates),
            demand=places(screen, asked["demand"]), exclude=places(screen, asked["exclude"]),
            existing=asked["facilities"] or places(screen, asked["existing"]), mode=way,
            snap_m=asked["snap"], spacing_m=asked["spacing"] or 0.0,
            progress=_told_progress(screen), **{k: asked[k] for k in same},
        )  # fmt: skip
    _explained(screen, answer, out, asked["as_json"], asked["equity"])
    return OK


def _told_progress(screen: Screen):
    return lambda best, bound, gap: screen.say(f"best {best:,.6g}, bound {bound:,.6g}, gap {gap:.2%}")  # fmt: skip


def _require_grid(text: str, streets: Path | None) -> None:
    if not text.startswith("grid:"):
        return
    try:
        spacing = float(text[5:])
    except ValueError:
        raise click.BadParameter(f"'{text}' is no grid such as grid:500") from None
    if not 0 < spacing < float("inf"):
        raise click.BadParameter("grid: needs metres above 0")
    if streets is not None:
        raise click.UsageError("--streets needs a file of candidates: land is only known of a CITY")


#: What a model's objective counts.
_UNITS = {
    "lscp": "sites",
    "mclp": "persons within the limit",
    "p_median": "person-minutes",
    "p_center": "minutes of the farthest",
}


def _drawn(answer, out: Path) -> Path:
    """The sites as a map, or as a page together with whom they serve."""
    from urbanplan.output import page, vector

    if not vector.require_map(out):
        return vector.write(plain(answer.sites), out)
    shown = {"服务对象 / Whom they serve": plain(answer.homes), "选址 / Sites": plain(answer.sites)}
    return page.write({k: f for k, f in shown.items() if len(f)}, out, by="rank")


def _explained(screen: Screen, answer, out: Path | None, as_json: bool, equity: float) -> None:
    from urbanplan.output import vector

    sites = plain(answer.sites)
    table = sites.drop(columns="geometry").assign(
        lon=sites.representative_point().x.round(5), lat=sites.representative_point().y.round(5)
    )
    tables = {"sites": table, "served": answer.served, "curve": answer.curve, "alternatives": answer.others}  # fmt: skip
    if as_json:
        screen.records(tables)
    else:
        hide = ("model", "minutes", "mode", "quality", "accuracy_m", "source")
        screen.table(table, False, "sites", hide)
        for name in ("served", "curve", "alternatives"):
            if len(tables[name]):
                screen.table(tables[name], False, name)
    if out is not None:
        written = {"sites": _drawn(answer, out)}
        for name in ("served", "curve", "alternatives"):
            if len(tables[name]):
                path = out.with_name(f"{out.stem}_{name}.csv")
                written[name] = vector.write_table(tables[name], path)
        screen.written(written, as_json=as_json)
    if len(answer.curve) and len(table) > 1:
        screen.note(
            "ranks order this choice; each row of the curve is the best choice of its own size,"
            " and need not hold the site ranked first"
        )
    found = answer.siting
    how = "proven" if found.proven else f"gap {found.gap:.2%}, stopped by {found.stopped}"
    unit = _UNITS[found.model]
    if equity != 1 and found.model in ("mclp", "p_median"):
        unit = f"weighted {unit}"
    screen.note(f"objective {found.objective:,.2f} ({unit}), bound {found.bound:,.2f}: {how}")
