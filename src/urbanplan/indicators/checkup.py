"""The city check-up: every indicator for every area, with verdict, clause and trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.catalog import load_catalog
from urbanplan.catalog.standards import Indicator, judge
from urbanplan.coverage import ALL
from urbanplan.indicators.measures import compute
from urbanplan.indicators.scene import CannotTellError, Scene, require_covered
from urbanplan.indicators.wording import figure_text

if TYPE_CHECKING:
    import pandas as pd

#: One row per indicator and area.
COLUMNS = (
    "indicator", "name_zh", "name_en", "standard", "document", "edition", "clause", "page",
    "level", "applies_to", "area", "value", "unit", "threshold", "direction", "verdict", "metric",
    "of", "quality", "accuracy_m", "grade", "source", "why", "note", "own", "replaces",
)  # fmt: skip
#: What stands beside a standard that another country made.
_ABROAD = "他国标准，仅列数值 / a standard of another country: the value only"


def check_up(standards: Mapping[str, Indicator], scene: Scene) -> pd.DataFrame:
    """Compute every indicator that the data can tell, and say why where it cannot.

    Parameters
    ----------
    standards : mapping of str to Indicator
        From `urbanplan.catalog.standards.read_standards`.
    scene : Scene

    Returns
    -------
    DataFrame
        `COLUMNS`; one row per indicator and area, `ALL` last. `verdict` is ``met``, ``not met``,
        ``indicative`` (schematic data), ``threshold unverified``, ``no threshold``, ``not
        applicable`` (another country's) or ``cannot be told`` (then `value` is NaN and `why` says what is missing). Totals are judged for all areas together only.
    """
    import pandas as pd

    rows = [row for one in standards.values() for row in rows_of(one, scene)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(indicator: Indicator, scene: Scene) -> list[dict]:
    """One indicator for every area, as rows of the table of `check_up`."""
    about = {c: getattr(indicator, c) for c in COLUMNS if hasattr(indicator, c)}
    about |= {"indicator": indicator.id, "why": "", "quality": "", "accuracy_m": np.nan}
    about["threshold"] = np.nan if indicator.threshold is None else float(indicator.threshold)
    if indicator.abroad == "hidden":
        about["threshold"], about["direction"] = np.nan, ""
    if indicator.abroad:
        about["note"] = "；".join(filter(None, (_ABROAD, indicator.note)))
    try:
        found = compute(indicator, scene)
        require_covered(found.trust)
    except CannotTellError as err:
        nothing = {"value": np.nan, "verdict": "cannot be told", "why": err.what}
        return [about | nothing | {"area": area} for area in scene.outlines]
    about |= {"quality": found.trust.quality, "accuracy_m": found.trust.accuracy_m}
    rows = []
    for area in scene.outlines:
        value = found.values[area]
        whole = indicator.measure != "total" or area == ALL
        sketched = "schematic" in found.trust.qualities
        verdict = judge(indicator, value, sketched) if whole else "part of a total"
        why = "此处没有分母 / there is nothing to count here" if np.isnan(value) else ""
        rows.append(about | {"area": area, "value": value, "verdict": verdict, "why": why})
    return rows


def wide(table: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """One row per indicator, one column per area: as a planner reads it, figures in words of a language.

    Returns
    -------
    DataFrame
        ``indicator, name_zh, name_en, clause, threshold``, a column per area, ``verdict`` (of `ALL`), ``trust``.
    """
    import pandas as pd

    areas = list(dict.fromkeys(table["area"]))
    rows = []
    for _, part in table.groupby("indicator", sort=False):
        by = part.drop_duplicates("area").set_index("area")
        # A table of one area has no row of all of them.
        whole = by.loc[ALL if ALL in by.index else by.index[-1]]
        rows.append(
            {
                "indicator": whole["indicator"],
                "name_zh": whole["name_zh"],
                "name_en": whole["name_en"],
                "clause": " ".join(filter(None, (whole["document"], whole["clause"]))),
                "threshold": _threshold(whole, lang),
                **{a: figure_text(by["value"].get(a, np.nan), whole["unit"], lang) for a in areas},
                "verdict": whole["verdict"],
                "trust": _trust(whole, lang),
            }
        )
    columns = ["indicator", "name_zh", "name_en", "clause", "threshold", *areas, "verdict", "trust"]
    return pd.DataFrame(rows, columns=columns)


def _threshold(row: pd.Series, lang: str) -> str:
    if np.isnan(row["threshold"]):
        return ""
    sign = {"at_least": "≥", "above": ">", "at_most": "≤"}[row["direction"]]
    mark = "" if row["grade"] == "V" else "（待核）" if lang == "zh" else " (unverified)"
    return f"{sign} {figure_text(row['threshold'], row['unit'], lang)}{mark}"


def _trust(row: pd.Series, lang: str) -> str:
    if row["why"]:
        return row["why"]
    known = load_catalog().symbols.values["quality"]
    quality = "+".join(known[q][lang] for q in row["quality"].split("+") if q)
    metres = row["accuracy_m"]
    return f"{quality} ±{metres:,.0f} m" if metres > 0 else quality
