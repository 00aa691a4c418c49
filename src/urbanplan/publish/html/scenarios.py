"""Scenarios on the page: bands to set beside the baseline's, maps of change, and a ranked table."""

from __future__ import annotations

from typing import Any

from urbanplan.catalog import load_catalog
from urbanplan.publish.html.layers import result_layer, simplified
from urbanplan.publish.html.redact import left_out, named, remarks
from urbanplan.publish.html.tables import gain, percent, whole
from urbanplan.publish.symbols import change_words
from urbanplan.scenarios import BASELINE
from urbanplan.study import Results


def scenarios(results: Results, redact: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Every scenario by name, with what must be known of it; the baseline is not one of them."""
    return [
        {
            "id": one.id,
            **named(one.id, one.name_zh, one.name_en, redact),
            **remarks(vars(one), redact),
        }
        for one in results.scenarios.values()
        if one.id != BASELINE
    ]


def scenario_rows(results: Results) -> list[dict[str, Any]]:
    """Coverage under each scenario at the headline's limit, for kinds that it changes."""
    table = results.scenario_coverage
    if not len(table):
        return []
    table = table[table["minutes"] == results.city.analysis.headline_minutes]
    found = []
    for row in table.itertuples():
        found.append(
            {
                "id": row.scenario,
                "facilities": row.facilities,
                "mode": row.mode,
                "area": row.area,
                "gained": gain(row.persons_gained),
                # For the order of the table; nothing where nothing is told.
                "rank": 0
                if row.persons_gained != row.persons_gained
                else round(row.persons_gained),
                "share": percent(row.share),
                "persons": whole(row.persons_covered),
            }
        )
    return found


def scenario_layers(results: Results, redact: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Bands under each scenario, and where minutes change."""
    found = []
    bands = simplified(results.scenario_bands, results.city)
    for key, part in bands.groupby(["scenario", "facilities", "mode"], sort=False):
        found.append(_layer(results, "after", key, part.drop(columns="scenario"), ("", ""), redact))
    changes = simplified(results.differences, results.city)
    words = change_words()
    shade = {
        "column": "class",
        "figures": False,
        "keys": [i for i, *_ in words],
        "colors": [c for *_, c in words],
        "said": [zh for _, zh, _, _ in words],
        "said_en": [en for _, _, en, _ in words],
        "none": load_catalog().symbols.same,
    }
    for key, part in changes.groupby(["scenario", "facilities", "mode"], sort=False):
        few = (part["persons"] == 0) & (results.least > 0)
        own = part.assign(minutes=0.0, persons=part["persons"].round().mask(few))
        own = left_out(own.drop(columns=["scenario", "from_min", "to_min"]), redact)
        layer = _layer(results, "change", key, own, ("（时间变化）", ": change"), redact)
        found.append(layer | {"shade": shade, "units": {"persons": ""}})
    return found


def _layer(
    results: Results,
    role: str,
    key: tuple,
    part: Any,
    what: tuple[str, str],
    redact: tuple[str, ...],
) -> dict[str, Any]:
    scenario, facilities, mode = key
    one, kind = results.scenarios[scenario], results.layers[facilities].kind
    way = load_catalog().mode(mode)
    called = named(one.id, one.name_zh, one.name_en, redact)
    names = {
        "zh": f"{called['zh']} · {kind.name_zh} · {way.name_zh}{what[0]}",
        "en": f"{called['en']}: {kind.name_en}, {way.name_en}{what[1]}",
    }
    name = f"{role}:{scenario}:{facilities}:{mode}"
    return result_layer(name, part, names, role=role, open=False, chapter="scenarios")
