"""The command that asks where the next facilities should be."""

from __future__ import annotations

from pathlib import Path

import click

from urbanplan.cli import completion
from urbanplan.cli.options import (
    DEFAULT_CITY,
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
    only_with_streets,
    positive,
    read_places,
    refuse_over,
    street_network,
)
from urbanplan.cli.show import Screen


def _number(name: str, text: str, **more):
    return click.option(name, type=float, callback=positive, help=text, **more)


@click.command()
@click.argument("city", required=False, shell_complete=completion.cities)
@file_option("--streets", STREETS, metavar="F")
@MAP
@click.option(
    "--candidates", required=True, metavar="F|grid:M",
    help="Places that could take a facility: a file, or a grid of places M metres apart on built-up land.",
)  # fmt: skip
@click.option(
    "--model", type=click.Choice(["mclp", "lscp", "pmedian", "pcenter"]), default="mclp", show_default=True,
    help="Most people within the limit; fewest sites for everybody; least minutes in all; least for the farthest.",
)  # fmt: skip
@click.option("--p", type=click.IntRange(min=1), help="How many new sites; lscp finds it itself.")
@_number("--minutes", "The limit.", default=15.0, show_default=True)
@MODE
@click.option("--facilities", help="A CITY's facility layer whose existing features are there already.", shell_complete=completion.FACILITIES)  # fmt: skip
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
    "--out", "Map of the sites (.gpkg, .geojson, .parquet), tables beside it.", metavar="F"
)
@JSON
@click.pass_obj
def siting(screen: Screen, city, streets, **asked) -> int:
    """Where should the next facilities be? Proven as far as it can be, and explained.

    In a CITY, for its own people, or on the streets of a file (--streets) with --demand.
    """
    from urbanplan.publish import vector

    out = asked["out"]
    if out is not None:
        vector.require_ending(out)
        refuse_over(
            out, *(asked[k] for k in ("candidates", "existing", "exclude", "demand")), streets
        )
    if asked["model"] == "lscp" and asked["p"] is not None:
        raise click.UsageError("lscp finds the number of sites itself: leave --p out")
    if asked["model"] != "lscp" and asked["p"] is None and asked["budget"] is None:
        raise click.UsageError("--p says how many sites; or give a --budget")
    answer = _on_streets(screen, city, streets, asked) if streets else _in_city(screen, city, asked)
    for finding in answer.findings:
        screen.note(finding)
    _explained(screen, answer, out, asked["as_json"], asked["equity"])
    return OK


def _question(asked: dict):
    from urbanplan.study import SitingQuestion

    model = {"pmedian": "p_median", "pcenter": "p_center"}.get(asked["model"], asked["model"])
    return SitingQuestion(
        model=model, p=None if model == "lscp" else asked["p"], minutes=asked["minutes"],
        spacing_m=asked["spacing"] or 0.0, budget=asked["budget"], capacity=asked["capacity"],
        equity=asked["equity"], seconds=asked["seconds"], curve=asked["curve"],
        alternatives=asked["alternatives"],
    )  # fmt: skip


def _told_progress(screen: Screen):
    return lambda best, bound, gap: screen.say(f"best {best:,.6g}, bound {bound:,.6g}, gap {gap:.2%}")  # fmt: skip


def _spacing_of(text: str) -> float | None:
    if not text.startswith("grid:"):
        return None
    try:
        spacing = float(text[5:])
    except ValueError:
        raise click.BadParameter(f"'{text}' is no grid such as grid:500") from None
    if not 0 < spacing < float("inf"):
        raise click.BadParameter("grid: needs metres above 0")
    return spacing


def _in_city(screen: Screen, city: str | None, asked: dict):
    from urbanplan import study
    from urbanplan.catalog import read_modes, require_mode
    from urbanplan.city import load_city, require_facility
    from urbanplan.layers.model import require

    only_with_streets(dem=asked["dem"])
    if asked["demand"] is not None:
        raise click.UsageError("--demand needs --streets: a CITY has its own people")
    if asked["facilities"] and asked["existing"]:
        raise click.UsageError("give --facilities or --existing, not both")
    profile, spacing = load_city(city or DEFAULT_CITY), _spacing_of(asked["candidates"])
    way = require_mode(read_modes(asked["modes"]), asked["mode"])
    if asked["facilities"]:
        require_facility(asked["facilities"], "--facilities")
    exclude, existing = (read_places(screen, asked[k]) for k in ("exclude", "existing"))
    given = read_places(screen, None if spacing else asked["candidates"])
    with screen.progress():
        with screen.stage("city"):
            ready = study.prepare(profile)
            ways = ready.ways(way)
            if asked["facilities"]:
                (layer,) = require(ready.layers, asked["facilities"])
                existing = layer.reachable()
        with screen.stage("siting"):
            if spacing:
                given = study.grid_candidates(ready, spacing, exclude, asked["anywhere"])
            elif exclude is not None:
                given = _outside(screen, given, exclude)
            return study.city_sites(
                ready, ways, _question(asked), given, existing, _told_progress(screen)
            )


def _outside(screen: Screen, given, exclude):
    """Candidates that do not lie where nothing may be built; how many do is said."""
    inside = given.intersects(exclude.to_crs(given.crs).geometry.union_all())
    if inside.any():
        screen.note(
            f"排除区内的 {inside.sum()} 个候选点不计 / {inside.sum()} candidates lie where nothing may be built"
        )
    return given[~inside]


def _on_streets(screen: Screen, city: str | None, streets: Path, asked: dict):
    from urbanplan import study
    from urbanplan.catalog import read_modes, require_mode

    if city or asked["facilities"] or asked["anywhere"]:
        raise click.UsageError("--streets asks about a file: leave CITY, --facilities, --anywhere out")  # fmt: skip
    if asked["demand"] is None:
        raise click.UsageError("--streets needs --demand: who lives where")
    if _spacing_of(asked["candidates"]):
        raise click.UsageError("--streets needs a file of candidates: land is only known of a CITY")
    way = require_mode(read_modes(asked["modes"]), asked["mode"])
    given, people = (read_places(screen, asked[k]) for k in ("candidates", "demand"))
    exclude, existing = (read_places(screen, asked[k]) for k in ("exclude", "existing"))
    if exclude is not None:
        given = _outside(screen, given, exclude)
    with screen.progress():
        network = street_network(screen, streets, way, asked["dem"])
        with screen.stage("siting"):
            return study.street_sites(
                network, _question(asked), given, existing, people, asked["value"],
                snap_m=asked["snap"], progress=_told_progress(screen),
            )  # fmt: skip


#: What a model's objective counts.
_UNITS = {
    "lscp": "sites",
    "mclp": "persons within the limit",
    "p_median": "person-minutes",
    "p_center": "minutes of the farthest",
}


def _explained(screen: Screen, answer, out: Path | None, as_json: bool, equity: float) -> None:
    from urbanplan.publish import vector

    sites = answer.sites
    table = sites.drop(columns="geometry").assign(
        lon=sites.representative_point().x.round(5), lat=sites.representative_point().y.round(5)
    )
    tables = {"sites": table, "served": answer.served, "curve": answer.curve, "alternatives": answer.others}  # fmt: skip
    if out is not None:
        written = {"sites": vector.write(sites, out)}
        for name in ("served", "curve", "alternatives"):
            if len(tables[name]):
                path = out.with_name(f"{out.stem}_{name}.csv")
                written[name] = vector.write_table(tables[name], path)
        screen.written(written)
    elif as_json:
        screen.records(tables)
    else:
        hide = ("model", "minutes", "mode", "quality", "accuracy_m", "source")
        screen.table(table, False, "sites", hide)
        for name in ("served", "curve", "alternatives"):
            if len(tables[name]):
                screen.table(tables[name], False, name)
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
