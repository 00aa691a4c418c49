"""How each layer is drawn, as rules: one description for QGIS, SLD and printed maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from urbanplan.catalog import LayerKind, load_catalog

if TYPE_CHECKING:
    import pandas as pd

#: Millimetres of a screen's pixel at 96 dots an inch.
MM_PER_PX = 25.4 / 96
#: Dash and gap in millimetres: schematic lines, modelled lines, things that are not there yet.
_DASHES = {"schematic": (1.6, 1.1), "modelled": (0.3, 1.1), "planned": (0.5, 1.6)}
#: Names are shown once a map is at least this large in scale, by layer; facilities at the last.
_LABEL_SCALES = {
    "districts": 2_000_000, "water": 500_000, "bridges": 75_000, "parks": 75_000,
    "industrial_parks": 75_000, "townships": 150_000,
}  # fmt: skip
_FACILITY_SCALE = 75_000


@dataclass(frozen=True)
class Look:
    """How a feature is drawn; lengths in millimetres on paper, shares from 0 to 1.

    Attributes
    ----------
    geometry : {'point', 'line', 'polygon'}
    stroke, fill : str
        ``#rrggbb``.
    width_mm : float
        Of line and outline.
    dash_mm : tuple of float
        Dash and gap; empty for a solid line.
    opacity, fill_opacity : float
    hatch : bool
        Stripes over the fill: modelled surfaces.
    size_mm : float
        Of a point.
    """

    geometry: str
    stroke: str
    fill: str
    width_mm: float = 0.3
    dash_mm: tuple[float, ...] = ()
    opacity: float = 1.0
    fill_opacity: float = 0.4
    hatch: bool = False
    size_mm: float = 3.0


@dataclass(frozen=True)
class Rule:
    """Features whose columns hold one of these values, and how they are drawn.

    `where` is a tuple of (column, values); all must hold, and `between`, a column of figures with
    a lower bound that is left out and an upper one that is not (None: without). The rule that is
    `otherwise` draws what no other one does.
    """

    key: str
    name_zh: str
    name_en: str
    where: tuple[tuple[str, tuple], ...]
    look: Look
    between: tuple[str, float | None, float | None] | None = None
    otherwise: bool = False

    def holds(self, frame: pd.DataFrame) -> pd.Series:
        """Which rows of a frame the rule draws by its own condition; none for what is left over."""
        import pandas as pd

        if self.otherwise:
            return pd.Series(False, index=frame.index)

        kept = pd.Series(True, index=frame.index)
        for column, values in self.where:
            kept &= frame[column].isin(values)
        if self.between is not None:
            column, low, high = self.between
            kept &= (frame[column] > low) if low is not None else True
            kept &= (frame[column] <= high) if high is not None else True
        return kept


def ramp_of(minutes: Sequence[float]) -> dict[str, str]:
    """Colour of each limit as text, nearest darkest; more limits than colours repeat the palest."""
    ramp = load_catalog().symbols.ramp
    return {f"{m:g}": ramp[min(i, len(ramp) - 1)] for i, m in enumerate(minutes)}


def label_scale(kind: LayerKind) -> int | None:
    """The smallest scale (as its denominator) at which a layer's names are shown, if at all."""
    facility = _FACILITY_SCALE if kind.role == "facility" else None
    return _LABEL_SCALES.get(kind.id, facility)


def rules_of(kind: LayerKind, frame: pd.DataFrame) -> tuple[Rule, ...]:
    """Rules for what a layer holds: by class (roads, bridges), status and quality.

    Parameters
    ----------
    kind : LayerKind
    frame : DataFrame
        Only combinations that occur get a rule, so that a legend lists what there is; a last one
        draws what somebody adds later.

    Returns
    -------
    tuple of Rule
        Every row is drawn by exactly one.
    """
    values, found = load_catalog().symbols.values, []
    classes = list(values["class"]) if "class" in kind.columns else [None]
    columns = [*(["class"] if "class" in kind.columns else []), "status", "quality"]
    there = set(frame[columns].itertuples(index=False, name=None))
    for name, status, quality in product(classes, values["status"], values["quality"]):
        where = [("status", (status,)), ("quality", (quality,))]
        words = [("status", status), ("quality", quality)]
        if name is not None:
            where.insert(0, ("class", (name,)))
            words.insert(0, ("class", name))
        if tuple(v for _, v in words) not in there:
            continue
        found.append(
            Rule(
                key="-".join(v for _, v in words),
                name_zh=" · ".join(values[c][v]["zh"] for c, v in words),
                name_en=", ".join(values[c][v]["en"] for c, v in words),
                where=tuple(where),
                look=_look(kind, name, status, quality),
            )
        )
    plain = _look(kind, None, "existing", "derived")
    return (*found, Rule("others", "其他", "others", (), plain, otherwise=True))


def _look(kind: LayerKind, name: str | None, status: str, quality: str) -> Look:
    symbols, ahead = load_catalog().symbols, status != "existing"
    loose = quality in ("schematic", "modelled")
    dash = _DASHES.get(quality, ())
    if kind.geometry == "point":
        # Hollow: not there yet. A dashed rim: the place is rough.
        return Look(
            "point", kind.color if ahead or loose else "#ffffff", "#ffffff" if ahead else kind.color,
            0.45, (0.7, 0.5) if loose else (), 1.0, 0.95 if ahead or not loose else 0.6,
            size_mm=3.6 if kind.role == "facility" else 2.2,
        )  # fmt: skip
    if kind.geometry == "line":
        road = symbols.roads.get(name or "", {})
        width = road.get("width_px", 2.2) + (1.4 if kind.role == "crossing" else 0)
        color = road.get("color", kind.color) if kind.role == "road" else kind.color
        return Look(
            "line", color, color, round(width * MM_PER_PX, 2),
            _DASHES["planned"] if ahead else dash, 0.65 if ahead else 0.95,
        )  # fmt: skip
    return Look(
        "polygon", kind.color, kind.color, 0.45 if kind.role == "zone" else 0.2 if kind.id == "water" else 0.3,
        _DASHES["planned"] if ahead else dash, 0.9,
        symbols.fill.get(kind.id, 0.12 if ahead else 0.4), quality == "modelled",
    )  # fmt: skip


def outside_color(kind: LayerKind) -> str:
    """A facility's colour, half as strong: it lies beyond the boundary and is not the city's."""
    return "#" + "".join(f"{(int(kind.color[i : i + 2], 16) + 255) // 2:02x}" for i in (1, 3, 5))


def outside_rules(kind: LayerKind) -> tuple[Rule, ...]:
    """The one rule for facilities beyond the boundary."""
    look = Look("point", "#ffffff", outside_color(kind), 0.3, (), 0.8, 0.8, size_mm=2.8)
    return (Rule("outside", "城市范围外", "Beyond the boundary", (), look),)


def band_rules(minutes: Sequence[float]) -> tuple[Rule, ...]:
    """Rules for bands and isochrones: one per limit, farthest first so that nearer lie on top."""
    ramp = ramp_of(minutes)
    return tuple(
        Rule(
            f"{m:g}min", f"≤ {m:g} 分钟", f"≤ {m:g} min", (("minutes", (float(m),)),),
            Look("polygon", ramp[f"{m:g}"], ramp[f"{m:g}"], 0.2, (), 0.9, 0.55, True),
        )
        for m in sorted(minutes, reverse=True)
    )  # fmt: skip


def gap_rules() -> tuple[Rule, ...]:
    """The one rule for people out of reach."""
    color = load_catalog().symbols.gap
    look = Look("polygon", color, color, 0.2, (), 0.9, 0.5, True)
    return (Rule("gap", "时限内到不了的人口", "People out of reach", (), look),)


def conflict_rules() -> tuple[Rule, ...]:
    """Rules for places where plan layers contradict each other."""
    sure, maybe = load_catalog().symbols.conflict
    kinds = ((False, "sure", "超出位置精度的矛盾", "Deeper than the accuracy", sure), (True, "maybe", "可能是绘图误差", "May be a matter of drawing", maybe))  # fmt: skip
    return tuple(
        Rule(key, zh, en, (("within_accuracy", (value,)),), Look("polygon", color, color, 0.5, (), 1.0, 0.35, value))
        for value, key, zh, en, color in kinds
    )  # fmt: skip


#: Words for the classes of a change in minutes, most saved first; the middle one is no change.
_CHANGES = (
    "快10分钟以上",
    "快5–10分钟",
    "快0.5–5分钟",
    "",
    "慢0.5–5分钟",
    "慢5–10分钟",
    "慢10分钟以上",
)
_CHANGES_EN = ("> 10 min saved", "5–10 min saved", "0.5–5 min saved", "", "0.5–5 min lost", "5–10 min lost", "> 10 min lost")  # fmt: skip


def change_colors() -> tuple[str, ...]:
    """Colour of each class of a change in minutes, most saved first."""
    symbols = load_catalog().symbols
    return (*reversed(symbols.more), symbols.same, *reversed(symbols.less))


def change_words() -> list[tuple[int, str, str, str]]:
    """Number, Chinese and English words, and colour of each class that is a change."""
    rows = enumerate(zip(_CHANGES, _CHANGES_EN, change_colors(), strict=True))
    return [(i, zh, en, color) for i, (zh, en, color) in rows if zh]


def change_rules() -> tuple[Rule, ...]:
    """Rules for where minutes change under a scenario."""
    return tuple(
        Rule(f"change{i}", zh, en, (("class", (i,)),), Look("polygon", c, c, 0.05, (), 0.6, 0.8))
        for i, zh, en, c in change_words()
    )


def shaded(
    column: str, breaks: Sequence[float], colors: Sequence[str], unit: str = ""
) -> tuple[Rule, ...]:
    """Rules for areas shaded by a figure: up to each bound, and what lies above the last but one."""
    rules, low = [], None
    for i, (high, color) in enumerate(zip(breaks, colors, strict=True)):
        top = None if i == len(breaks) - 1 else float(high)
        words = f"> {low:,.4g}" if top is None and low is not None else f"≤ {high:,.4g}"
        look = Look("polygon", color, color, 0.05, (), 0.6, 0.75)
        words = f"{words} {unit}".strip()
        rules.append(Rule(f"{column}{i}", words, words, (), look, (column, low, top)))
        low = top
    return tuple(rules)
