"""Commands about what might be: scenarios, and one against another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli import options
from urbanplan.cli.options import CITY, JSON, OK, file_option
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    import pandas as pd

    from urbanplan.study import Comparison

SCENARIOS = file_option(
    "--scenarios", "More scenarios (.toml), beside those of the city.", metavar="F"
)


@click.command()
@CITY
@SCENARIOS
@JSON
@click.pass_obj
def scenarios(screen: Screen, city: str, scenarios: Path | None, as_json: bool) -> int:
    """List a city's scenarios: what each stands on, and what it changes."""
    import pandas as pd

    from urbanplan import study
    from urbanplan.city.profile import load_city

    known = study.scenarios_of(load_city(city), scenarios)
    rows = [
        {
            "scenario": s.id,
            "name_zh": s.name_zh,
            "name_en": s.name_en,
            "base": s.base if s.changes else "",
            "changes": "; ".join(f"{c.do} {_what(c)}" for c in s.changes),
            "note": s.note_zh,
        }
        for s in known.values()
    ]
    screen.table(
        pd.DataFrame(rows), as_json, title=f"{city}: {len(rows)} scenarios", hide=("note",)
    )
    return OK


def _what(change) -> str:
    values = dict(change.values)
    layer = values.pop("layer", "")
    names = layer if isinstance(layer, str) else "+".join(layer)
    return " ".join([names, *(f"{k}={v}" for k, v in values.items())]).strip()


@click.command()
@CITY
@click.argument("a", shell_complete=options.SCENARIOS)
@click.argument("b", shell_complete=options.SCENARIOS)
@SCENARIOS
@click.option(
    "--facilities",
    help="For the map: the headline's by default.",
    shell_complete=options.FACILITIES,
)
@click.option(
    "--mode", help="For the map: the headline's by default.", shell_complete=options.MODE_NAMES
)
@file_option(
    "--map", "Map of where minutes change (.html, .gpkg, .geojson, .parquet).", metavar="F"
)
@file_option("--out", "Folder for every table (.csv), or one workbook (.xlsx).", metavar="F")
@JSON
@click.pass_obj
def compare(
    screen: Screen, city: str, a: str, b: str, scenarios: Path | None, facilities, mode, map, out, as_json
) -> int:  # fmt: skip
    """Set scenario B against A: every indicator by district, who gains, who loses, at what cost.

    A and B are scenarios of the city; 'baseline' is the city as it is.
    """
    from urbanplan.city.profile import require_facility
    from urbanplan.door import City
    from urbanplan.output import vector

    if facilities is not None:
        require_facility(facilities, "--facilities")
    if map is None and (facilities or mode):
        raise click.UsageError("--facilities and --mode are for the map: give --map")
    as_page = map is not None and vector.require_map(map)
    model, written = City(city, note=screen.note), {}
    screen.of(model.profile)
    plan = model.profile.analysis
    with screen.progress():
        if map is not None:
            frame = model.compare_map(
                a,
                b,
                facilities=facilities,
                mode=mode,
                scenarios=scenarios,
                out=map if as_page else None,
            )
            written["map"] = map if as_page else vector.write(frame, map)
            screen.note(
                f"{map.name}: minutes to the nearest of {facilities or plan.headline_facilities} by {mode or plan.headline_mode}"
            )
        found = model.compare(a, b, scenarios=scenarios, watch=screen.stage)
    if out is not None:
        written |= _kept(found, out)
    _told(screen, found, plan, as_json)
    screen.written(written, as_json=as_json)
    return OK


def _tables(found: Comparison) -> dict:
    return {k: getattr(found, k) for k in ("indicators", "coverage", "people", "layers", "costs")}


def _kept(found: Comparison, out: Path) -> dict[str, Path]:
    from urbanplan.files import write_csv, write_workbook

    tables = _tables(found)
    if out.suffix.lower() == ".xlsx":
        return {"tables": write_workbook(out, tables)}
    return {name: write_csv(out / f"{name}.csv", table) for name, table in tables.items()}


def _told(screen: Screen, found: Comparison, plan, as_json: bool) -> None:
    from urbanplan.base.grid import ALL

    if as_json:
        screen.records(_tables(found))
        return
    title = f"{found.a} → {found.b}"
    limit, cover = found.coverage["minutes"] == plan.headline_minutes, found.coverage
    other = (cover["gained"].abs() >= 0.5) | (
        cover["covered_a"].isna() != cover["covered_b"].isna()
    )
    whole = found.people[found.people["area"] == ALL]
    touched = whole[whole.drop(columns=["facilities", "mode", "area"]).sum(axis=1) >= 0.5]
    parts = {
        f"within {plan.headline_minutes:g} min": (cover[limit & other], ("persons_a",)),
        "people (all areas; by district with --out)": (touched, ("area",)),
        "indicators": (_worded(found.indicators, screen.lang), ()),
        "layers": (found.layers, ()),
    }
    for name, (table, hide) in parts.items():
        if len(table):
            screen.table(table, False, f"{title}: {name}", hide)
        else:
            screen.note(f"{title}: {name}: nothing changes")
    if len(found.costs):
        screen.table(found.costs, False, f"{title}: costs")


def _worded(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Indicators that two scenarios tell otherwise, their figures in words with units."""
    from urbanplan.measures.indicators import change_text, figure_text

    same = table["difference"].abs() <= 1e-9
    both = table["value_a"].isna() & table["value_b"].isna()
    asked = (table["threshold_a"] == table["threshold_b"]) | (
        table["threshold_a"].isna() & table["threshold_b"].isna()
    )
    kept = (same | both) & asked & (table["verdict_a"] == table["verdict_b"])
    told = table[~kept]
    out = told[["indicator", "name_zh", "name_en", "area"]].copy()
    for name in ("value_a", "value_b", "threshold_a", "threshold_b"):
        out[name] = [figure_text(v, u, lang) for v, u in zip(told[name], told["unit"])]
    changes = zip(told["difference"], told["unit"])
    out["shift"] = [change_text(d, u, lang) for d, u in changes]
    return out.assign(verdict_a=told["verdict_a"], verdict_b=told["verdict_b"], why=told["why"])
