"""Tables of a page, and what is left out of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from urbanplan.base.schema import is_missing
from urbanplan.catalog import load_catalog
from urbanplan.city.layers import Layer
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


#: What scripts draw a result by; it is the result's own, not a column of the city's.
_KEYS = frozenset({"minutes", "class", "facilities", "mode", "area", "within_accuracy"})


def left_out(frame: gpd.GeoDataFrame, redact: Iterable[str]) -> gpd.GeoDataFrame:
    """A result's frame without the columns that the page must not have."""
    return frame.drop(columns=[c for c in redact if c in frame and c not in _KEYS])


def named(key: str, zh: str, en: str, redact: Iterable[str]) -> dict[str, str]:
    """What a record is called in both languages: `key` where that name is left out."""
    # Without any text the page would show the other language's name.
    return {"zh": key if "name_zh" in redact else zh, "en": key if "name_en" in redact else en}


def remarks(row: Mapping[str, Any], redact: Iterable[str]) -> dict[str, str]:
    """A record's remarks in both languages, but for those that are left out."""
    return {k: "" if k in redact else row[k] or "" for k in ("note_zh", "note_en")}


def secrets(results: Results, redact: Iterable[str]) -> frozenset[str]:
    """Every text that these columns hold, in the layers, the scenarios and the plan."""
    book = results.plan
    frames = (*(x.frame for x in results.layers.values()), book.targets, results.indicators)
    known, tasks = book.plan, book.plan.tasks
    rows = [
        *map(vars, results.scenarios.values()),
        *map(vars, tasks),
        *(vars(item) for task in tasks for item in task.items),
        *(*known.parts.values(), *known.documents, *known.series.values()),
    ]
    values: list[Any] = []
    for column in redact:
        values += [v for f in frames if column in f for v in f[column].dropna()]
        values += [row[column] for row in rows if row.get(column)]
    # A single letter is quoted by everything.
    return frozenset(str(v) for v in values if not isinstance(v, bool) and len(str(v)) > 1)


def quotes(text: str, secret: Iterable[str]) -> bool:
    """Whether a sentence tells any of what must not be told."""
    return any(value in text for value in secret)


def area_keys(results: Results, redact: Iterable[str]) -> dict[str, str]:
    """What tables call areas by, by their Chinese name: ids where that is left out."""
    hidden = "name_zh" in redact
    return {str(zh): str(key) if hidden else str(zh) for zh, _, key in _zones(results)}


def area_names(results: Results, redact: Iterable[str]) -> dict[str, str]:
    """What the English page calls areas, by what tables call them."""
    keys, hidden = area_keys(results, redact), "name_en" in redact
    found = {keys[str(zh)]: key if hidden else en for zh, en, key in _zones(results)}
    return {key: str(name) for key, name in found.items() if isinstance(name, str) and name}


def _zones(results: Results) -> list[tuple[Any, Any, Any]]:
    frames = [layer.frame for layer in results.layers.values() if layer.kind.role == "zone"]
    return [row for f in frames for row in zip(f["name_zh"], f["name_en"], f["id"])]


def plain(value: Any) -> Any:
    """A table's value as JSON has it; None where nothing is known."""
    # What is missing is left out of a card; whole floats read better without their ".0".
    if hasattr(value, "item") and value.ndim == 0:
        value = value.item()
    if is_missing(value):
        return None
    if not isinstance(value, str | int | float):
        return str(value)
    if value in ("", math.inf, -math.inf):
        return None
    # A browser's numbers end here: an id of 19 figures would become another.
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return int(value) if isinstance(value, float) and value == int(value) else value


def figure(value: Any) -> str:
    """A figure as the cards show it."""
    # As the cards show it: two decimals at most, thousands apart from 10,000 on (years stay years).
    value = plain(value)
    if isinstance(value, str) or value is None:
        return value or ""
    text = f"{value:,.2f}" if abs(value) >= 10_000 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share as the page prints it."""
    return "–" if share != share else f"{share:.1%}"


def whole(persons: float) -> str:
    """A count of people as the page prints it."""
    # The sum of rounding errors must not read "-0".
    return "–" if persons != persons else f"{round(persons):,}"


def square_km(area: float) -> str:
    """An area in km² as the page prints it: whole, with a decimal below 10."""
    return "–" if area != area else f"{area:,.0f}" if area >= 10 else f"{area:.1f}"


def gain(persons: float) -> str:
    """A difference in people as the page prints it, with its sign."""
    text = whole(persons)
    return text if text[0] in "-–" or text == "0" else f"+{text}"


def of_land(results: Results) -> bool:
    """Whether nobody knows who lives where, so that shares are of land."""
    return bool(results.coverage["persons"].isna().all())


def _row(row: Any, land: bool) -> dict[str, Any]:
    covered = row.km2_covered if land else row.persons_covered
    share = row.km2_share if land else row.share
    return {
        "facilities": row.facilities,
        "mode": row.mode,
        "minutes": f"{row.minutes:g}",
        "area": row.area,
        "share": percent(share),
        # For the chart; none where nothing is told.
        "part": None if share != share else round(float(share), 4),
        "persons": square_km(covered) if land else whole(covered),
        "of": square_km(row.km2) if land else whole(row.persons),
        "km2": square_km(row.km2_covered),
    }


def coverage(results: Results) -> list[dict[str, Any]]:
    """The coverage table, row by row."""
    return [_row(row, of_land(results)) for row in results.coverage.itertuples()]


def headline(results: Results) -> dict[str, Any]:
    """The headline's rows of the coverage table."""
    plan = results.city.analysis
    hit: pd.DataFrame = results.coverage[
        (results.coverage["facilities"] == plan.headline_facilities)
        & (results.coverage["minutes"] == plan.headline_minutes)
    ]
    return {
        "zh": plan.headline_zh,
        "en": plan.headline_en,
        "minutes": f"{plan.headline_minutes:g}",
        # Nothing to reach has a place, which is something else than a count that is kept back.
        "untold": bool(hit["km2_share"].isna().all()),
        "rows": [_row(row, of_land(results)) for row in hit.itertuples()],
    }


def indicators(results: Results, redact: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The check-up, row by row, as the page prints it."""
    found = []
    for row in results.indicators.itertuples():
        value = _measured(row.value, row.unit)
        found.append(
            {
                "id": row.indicator,
                **named(row.indicator, row.name_zh, row.name_en, redact),
                "area": row.area,
                "value": value,
                "threshold": _measured(row.threshold, row.unit),
                "direction": row.direction,
                "verdict": row.verdict,
                "clause": f"{row.document} {row.clause}".strip(),
                "quote": row.quote,
                "grade": row.grade,
                "borrowed": row.borrowed,
                "quality": row.quality,
                "why": row.why,
                "note": row.note,
            }
        )
    return found


def _measured(value: float, unit: str) -> str:
    if value != value:
        return ""
    if unit == "share":
        return percent(value)
    if unit == "persons":
        return whole(value)
    return f"{figure(value)} {unit}".strip()


def unlocated(layers: Mapping[str, Layer], redact: tuple[str, ...]) -> list[dict[str, Any]]:
    """What is published by name only, with its figures."""
    rows, fields = [], load_catalog().fields
    for layer in layers.values():
        frame = layer.frame[~layer.frame["id"].isin(layer.located["id"])]
        for values in frame.drop(columns="geometry").to_dict("records"):
            values = {k: "" if k in redact else v for k, v in values.items()}
            figures = [
                {"called": dict(fields[name]), "value": f"{figure(values[name])} {unit}".strip()}
                for name, unit in layer.kind.columns.items()
                if plain(values[name]) is not None
            ]
            rows.append(
                {
                    "layer": {"zh": layer.kind.name_zh, "en": layer.kind.name_en},
                    "name": values["name_zh"],
                    "en": values["name_en"],
                    "status": values["status"],
                    "note": values["note_zh"] or "",
                    "note_en": values["note_en"] or "",
                    "figures": figures,
                    "source": values["source"],
                }
            )
    return rows


def sources(layers: Mapping[str, Layer]) -> list[dict[str, Any]]:
    """One line per licence and quality, with the layers that rest on it."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for layer in layers.values():
        for pair in layer.frame[["quality", "licence"]].drop_duplicates().itertuples(index=False):
            found.setdefault((pair.quality, pair.licence), []).append(
                {"zh": layer.kind.name_zh, "en": layer.kind.name_en}
            )
    return [
        {"quality": quality, "licence": licence, "layers": names}
        for (quality, licence), names in found.items()
    ]
