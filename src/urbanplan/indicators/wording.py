"""Figures with their units, as people read them."""

from __future__ import annotations

from urbanplan.catalog import load_catalog


def figure_text(value: float, unit: str, lang: str) -> str:
    """A figure with its unit in one language: shares in per cent, thousands apart, a dash where nothing is known.

    Parameters
    ----------
    value : float
    unit : str
        As in tables; the catalogue knows what it is called. Empty for a bare figure.
    lang : {'zh', 'en'}

    Examples
    --------
    >>> figure_text(0.906, "share", "en"), figure_text(1596119, "persons", "zh"), figure_text(2.5, "ha", "en")
    ('90.6%', '1,596,119 人', '2.5 ha')
    """
    if value != value:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{text} {_word(unit, lang)}".strip()


def change_text(difference: float, unit: str, lang: str) -> str:
    """A difference of two figures with its sign; of shares in percentage points."""
    if difference != difference:
        return "–"
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    if unit == "share":
        points = f"{abs(difference) * 100:.1f}"
        return f"{sign if float(points) else ''}{points} {'个百分点' if lang == 'zh' else 'points'}"
    return sign + figure_text(abs(difference), unit, lang)


def _word(unit: str, lang: str) -> str:
    known = load_catalog().symbols.values["unit"]
    return known[unit][lang] if unit in known else unit
