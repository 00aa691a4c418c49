"""Does the atlas say what is published? Figures from facts.csv, rules from checks.toml."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from urbanplan.city import City
from urbanplan.errors import InputError
from urbanplan.files import read_csv, read_toml
from urbanplan.layers.model import Layer, load_layers, validate
from urbanplan.layers.rules import RULES, in_district, inside
from urbanplan.layers.select import choose, measure
from urbanplan.records import FIGURE, ID, NAME, NAMES, TABLE, TABLES, TEXT, Kind, require_fields

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the table of checks.
COLUMNS = (
    "id", "check", "layer", "measure", "published", "drawn", "unit", "difference", "tolerance",
    "verdict", "source",
)  # fmt: skip


def check_city(city: City, layers: dict[str, Layer] | None = None) -> pd.DataFrame:
    """Compare every layer with the published figures and with its rules.

    Parameters
    ----------
    city : City
    layers : dict, optional
        Its layers, when they are already loaded.

    Returns
    -------
    DataFrame
        One row per check: `published` and `drawn` in `unit`, `difference` and `tolerance` as
        shares of the published value, `verdict` ``ok`` or ``fail``. For rules `drawn` counts the
        features that break them and `source` names the first few.
    """
    import pandas as pd

    layers = load_layers(city) if layers is None else layers
    rows = [*_figures(city, layers), *_rules(city, layers)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _figures(city: City, layers: dict[str, Layer]):
    path = city.find("facts.csv")
    for row in read_csv(path):
        try:
            published, tolerance = float(row["value"]), float(row["tolerance_share"])
            drawn = measure(choose(layers, row["layer"], row["where"]), row["measure"])
        except (KeyError, ValueError, InputError) as err:
            raise InputError(
                f"row '{row.get('id', '?')}' cannot be used ({err})",
                where=path,
                remedy="correct it",
            ) from None
        difference = (drawn - published) / published if published else drawn - published
        yield {
            "id": row["id"],
            "check": row["name_zh"],
            "layer": row["layer"],
            "measure": row["measure"],
            "published": published,
            "drawn": drawn,
            "unit": row["unit"],
            "difference": difference,
            "tolerance": tolerance,
            # A tolerance of 0 means exact; the slack is one part in a billion of float noise.
            "verdict": "ok" if abs(difference) <= tolerance + 1e-9 else "fail",
            "source": row["source"],
        }


def _rules(city: City, layers: dict[str, Layer]):
    path = city.find("checks.toml")
    table = read_toml(path)
    require_fields(table, "the file", path, {}, {"inside": TABLE, "rule": TABLES})
    table.setdefault("inside", {})
    require_fields(table["inside"], "[inside]", path, {}, {"except": NAMES})
    except_ = set(table["inside"].get("except", []))
    for layer in layers.values():
        yield _rule_row(f"{layer.id}_valid", layer.id, "schema and geometry", _validate(layer))
        if layer.kind.geometry != "none" and layer.id != "study_area":
            yield _rule_row(
                f"{layer.id}_inside", layer.id, "inside study area", inside(layers, layer, except_)
            )
            yield _rule_row(
                f"{layer.id}_district", layer.id, "in named district", in_district(layers, layer)
            )
    for rule in table.get("rule", []):
        yield _declared(path, layers, rule)


def _declared(path: Any, layers: dict[str, Layer], rule: dict[str, Any]) -> dict[str, Any]:
    what, head = f"rule {rule.get('id')}", {"id": ID, "rule": NAME, "layer": NAME}
    options = {k: v for k, v in rule.items() if k not in head}
    require_fields({k: rule[k] for k in head if k in rule}, what, path, head)
    if rule["rule"] not in RULES:
        raise InputError(
            f"{what} is of no kind '{rule['rule']}'",
            where=path,
            remedy=f"rules are {', '.join(RULES)}",
        )
    function = RULES[rule["rule"]]
    require_fields(options, what, path, *_options(function))
    try:
        # "from" is a word of Python's own: the parameter is `from_`.
        given = {f"{k}_" if iskeyword(k) else k: v for k, v in options.items()}
        broken = function(layers, rule["layer"], **given)
    except (KeyError, InputError) as err:
        raise InputError(f"{what} cannot be used ({err})", where=path, remedy="correct it") from None  # fmt: skip
    return _rule_row(rule["id"], rule["layer"], rule["rule"], broken)


def _options(function: Callable) -> tuple[dict[str, Kind], dict[str, Kind]]:
    # What a rule needs and may have stands in its own signature.
    kinds = {"str": TEXT, "float": FIGURE}
    named = [p for p in signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    every = {p.name.rstrip("_"): kinds[p.annotation] for p in named}
    needed = {p.name.rstrip("_") for p in named if p.default is p.empty}
    return {k: every[k] for k in every if k in needed}, {
        k: every[k] for k in every if k not in needed
    }


def _validate(layer: Layer) -> list[str]:
    return [f"{f.feature}: {f.message}" for f in validate(layer)]


def _rule_row(name: str, layer: str, rule: str, broken: list[str]) -> dict[str, Any]:
    return {
        "id": name,
        "check": name.replace("_", " "),
        "layer": layer,
        "measure": rule,
        "published": 0.0,
        "drawn": float(len(broken)),
        "unit": "findings",
        "difference": math.nan,
        "tolerance": 0.0,
        "verdict": "fail" if broken else "ok",
        "source": "; ".join(broken[:3]),
    }
