"""Commands about what might be built: scenarios and where to put the next facility."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli.options import CITY, JSON, OK, file_option
from urbanplan.cli.show import Screen

if TYPE_CHECKING:
    from urbanplan.city import City
    from urbanplan.study import Comparison, Variants

SCENARIOS = file_option(
    "--scenarios", "More scenarios (.toml), beside those of the city.", metavar="F"
)


def _variants(city: City, own: Path | None) -> Variants:
    from urbanplan import study
    from urbanplan.errors import InputError
    from urbanplan.files import read_toml
    from urbanplan.scenarios import parse_scenarios

    known = study.scenarios_of(city)
    if own is not None:
        rows = [_row(s) for s in known.values()]
        more = read_toml(own).get("scenario", [])
        if not isinstance(more, list) or not more:
            raise InputError("has no [[scenario]]", where=own, remedy="add one")
        known = parse_scenarios({"scenario": [*rows[1:], *more]}, own)
    return study.Variants(city, known)


def _row(scenario) -> dict:
    # A scenario as its file has it, so that those of two files may stand on one another.
    row = {k: getattr(scenario, k) for k in ("id", "name_zh", "name_en", "base", "note_zh", "note_en")}  # fmt: skip
    if scenario.cost is not None:
        row |= {"cost": scenario.cost, "cost_unit": scenario.cost_unit}
    return row | {"change": [{"do": c.do, **c.values} for c in scenario.changes]}


@click.command()
@CITY
@SCENARIOS
@JSON
@click.pass_obj
def scenarios(screen: Screen, city: str, scenarios: Path | None, as_json: bool) -> int:
    """List a city's scenarios: what each stands on, and what it changes."""
    import pandas as pd

    from urbanplan.city import load_city

    known = _variants(load_city(city), scenarios).known
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
@click.argument("a")
@click.argument("b")
@SCENARIOS
@click.option("--facilities", help="For the map: the headline's by default.")
@click.option("--mode", help="For the map: the headline's by default.")
@file_option("--map", "Map of where minutes change (.gpkg, .geojson, .parquet).", metavar="F")
@file_option("--out", "Folder for every table (.csv), or one workbook (.xlsx).", metavar="F")
@JSON
@click.pass_obj
def compare(
    screen: Screen, city: str, a: str, b: str, scenarios: Path | None, facilities, mode, map, out, as_json
) -> int:  # fmt: skip
    """Set scenario B against A: every indicator by district, who gains, who loses, at what cost.

    A and B are scenarios of the city; 'baseline' is the city as it is.
    """
    from urbanplan import study
    from urbanplan.city import load_city, require_facility
    from urbanplan.publish import vector

    if map is not None:
        vector.require_ending(map)
    profile = load_city(city)
    plan = profile.analysis
    if facilities is not None:
        require_facility(facilities, "--facilities")
    with screen.progress():
        with screen.stage("city"):
            variants = _variants(profile, scenarios)
            for name in (a, b):
                variants.state(name)
        with screen.stage("compare"):
            found = study.compare(variants, a, b)
            written = {}
            if map is not None:
                which = (facilities or plan.headline_facilities, mode or plan.headline_mode)
                frame = study.difference_map(variants, a, b, *which)
                written["map"] = vector.write(frame, map)
    if out is not None:
        written |= _kept(found, out)
    if out is None:
        _told(screen, found, plan, as_json)
    screen.written(written)
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
    from urbanplan.coverage import ALL

    if as_json:
        screen.records(_tables(found))
        return
    title = f"{found.a} → {found.b}"
    limit = found.coverage["minutes"] == plan.headline_minutes
    gained = found.coverage[limit & (found.coverage["gained"].abs() >= 0.5)]
    whole = found.people[found.people["area"] == ALL]
    touched = whole[whole.drop(columns=["facilities", "mode", "area"]).sum(axis=1) >= 0.5]
    told = found.indicators[found.indicators["difference"].abs() > 1e-9]
    parts = {
        f"within {plan.headline_minutes:g} min": (gained, ("persons_a",)),
        "people (all areas; by district with --out)": (touched, ("area",)),
        "indicators": (told, ("name_en", "quality", "accuracy_m")),
        "layers": (found.layers, ("name_en",)),
    }
    for name, (table, hide) in parts.items():
        if len(table):
            screen.table(table, False, f"{title}: {name}", hide)
        else:
            screen.note(f"{title}: {name}: nothing changes")
    if len(found.costs):
        screen.table(found.costs, False, f"{title}: costs")
