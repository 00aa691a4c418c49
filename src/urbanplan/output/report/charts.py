"""Charts of a report: told apart by lightness, mark and direct labels, so that grey paper shows them too."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanplan.catalog import load_catalog
from urbanplan.output.report.draw import ACCENT, INK, RULE, SOFT, WIDTH_MM, saved
from urbanplan.output.report.model import Context, Figure, points
from urbanplan.output.rounding import ALL

#: Areas and scenarios that a chart shows at most; all stand in the tables.
_MOST_AREAS, _MOST_SCENARIOS = 24, 20
_MARKS = ("o", "s", "^", "D", "v")
_DASHES = ("solid", (0, (4, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))


def _colors(count: int) -> list[str]:
    # The ramp of the bands, dark first; its steps differ in lightness.
    ramp = load_catalog().symbols.ramp
    picked = [ramp[i] for i in (0, 1, 2, 3)]
    return [picked[i % len(picked)] for i in range(count)]


def _edges(count: int) -> list[str]:
    ramp = load_catalog().symbols.ramp
    return [ramp[0] if i % len(ramp) > 1 else "none" for i in range(count)]


def _figure(height_mm: float) -> Any:
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(WIDTH_MM / 25.4, height_mm / 25.4))


def _axes(figure: Any, box: tuple[float, float, float, float]) -> Any:
    # A box in millimetres from the lower left corner.
    wide, high = (x * 25.4 for x in figure.get_size_inches())
    ax = figure.add_axes((box[0] / wide, box[1] / high, (box[2] - box[0]) / wide, (box[3] - box[1]) / high))  # fmt: skip
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, labelsize=7)
    ax.set_axisbelow(True)
    return ax


def _heading(figure: Any, font: Any, title: str, what: str) -> None:
    high = figure.get_size_inches()[1] * 25.4
    figure.text(0, 1 - 4.2 / high, font.fit(title), fontsize=11, weight="bold", va="baseline")
    figure.text(0, 1 - 8.6 / high, font.fit(what), fontsize=7.5, color=SOFT, va="baseline")


def _done(figure: Any, form: str, key: str, caption: str, alt: str) -> Figure:
    wide, high = (x * 25.4 for x in figure.get_size_inches())
    return Figure(key, caption, alt, saved(figure, form), wide, high)


def _left(font: Any, names: list[str], size: float, most: float = 62.0) -> float:
    from urbanplan.output.report.draw import text_width

    return min(max((text_width(font, n, size) for n in names), default=10) + 3, most)


def _short(font: Any, name: str, size: float, most: float) -> str:
    from urbanplan.output.report.draw import text_width

    text = font.fit(name)
    if text_width(font, text, size) <= most:
        return text
    while text and text_width(font, text + "…", size) > most:
        text = text[:-1]
    return text.rstrip() + "…"


def by_district(context: Context, font: Any, form: str) -> Figure:
    """Share within the headline's limit, by district and mode."""
    words, plan = context.words, context.results.city.analysis
    table = context.headline
    order = table[table["mode"] == plan.headline_mode].sort_values(context.share_column, ascending=False, kind="stable")  # fmt: skip
    areas = [a for a in order["area"] if a != ALL][: _MOST_AREAS - 1]
    areas = [ALL, *areas]
    modes = list(plan.modes)
    thick = 3.4
    step = thick * len(modes) + 3.2
    high = 12 + step * len(areas) + 8
    figure = _figure(high)
    names = [context.area(a) for a in areas]
    left = _left(font, names, 8)
    ax = _axes(figure, (left, 7, WIDTH_MM - 12, high - 13))
    spots = np.arange(len(areas))[::-1] * step
    for i, (mode, color, edge) in enumerate(zip(modes, _colors(len(modes)), _edges(len(modes)))):
        own = table[table["mode"] == mode].set_index("area")[context.share_column]
        values = np.nan_to_num(own.reindex(areas).to_numpy(float))
        at = spots - (i - (len(modes) - 1) / 2) * thick
        ax.barh(at, values, height=thick * 0.86, color=color, edgecolor=edge, linewidth=0.5, label=font.fit(context.mode(mode)))  # fmt: skip
        for y, value, raw in zip(at, values, own.reindex(areas)):
            _label(ax, value + 0.008, y, context.percent(float(raw)))
    ax.set_yticks(spots, [_short(font, n, 8, left - 2) for n in names], fontsize=8, color=INK)
    ax.get_yticklabels()[0].set_fontweight("bold")
    _share_axis(ax, "x")
    ax.set_ylim(-step * 0.55, spots[0] + step * 0.55)
    _key(figure, ax, high)
    kind = context.kind(context.facilities)
    _heading(figure, font, words("chart_districts", kind=kind, minutes=f"{plan.headline_minutes:g}"), words("of_land" if context.land else "of_people"))  # fmt: skip
    caption = words("caption_chart_districts", kind=kind, minutes=f"{plan.headline_minutes:g}")
    return _done(figure, form, "by_district", caption, words("alt_chart_districts", kind=kind))


def _label(ax: Any, x: float, y: float, text: str) -> None:
    # White behind a figure, so that no line of the grid runs through it.
    from matplotlib import patheffects

    halo = [patheffects.withStroke(linewidth=2.0, foreground="white")]
    ax.text(x, y, text, va="center", fontsize=6.6, path_effects=halo)


def _key(figure: Any, ax: Any, high: float) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1, 1 - 9.4 / high), ncols=len(labels),
        fontsize=7.5, frameon=False, handlelength=1.6, handleheight=0.9, columnspacing=1.4, borderpad=0,
    )  # fmt: skip


def _share_axis(ax: Any, which: str) -> None:
    ticks = np.linspace(0, 1, 6)
    labels = [f"{t:.0%}" for t in ticks]
    if which == "x":
        ax.set_xlim(0, 1.0)
        ax.set_xticks(ticks, labels)
        ax.grid(axis="x", color=RULE, linewidth=0.4)
        ax.spines["bottom"].set_visible(False)
    else:
        ax.set_ylim(0, 1.0)
        ax.set_yticks(ticks, labels)
        ax.grid(axis="y", color=RULE, linewidth=0.4)
        ax.spines["left"].set_visible(False)


def by_minutes(context: Context, font: Any, form: str) -> Figure:
    """Share within each limit, a panel per kind of facility, a line per mode."""
    words, plan = context.words, context.results.city.analysis
    kinds = [context.facilities, *(f for f in plan.facilities if f != context.facilities)]
    columns = min(3, len(kinds))
    rows = int(np.ceil(len(kinds) / columns))
    tall = 44.0
    high = 20 + rows * (tall + 9) - 8
    figure = _figure(high)
    # Room for the axis at the left of the first panel, and for the last figure of every line.
    wide = (WIDTH_MM - 9) / columns - 13
    whole = context.results.coverage
    whole = whole[whole["area"] == ALL]
    for i, kind in enumerate(kinds):
        line, column = divmod(i, columns)
        x, top = 9 + column * (wide + 13), high - 20 - line * (tall + 9)
        ax = _axes(figure, (x, top - tall + 5, x + wide, top))
        _lines(context, font, ax, whole[whole["facilities"] == kind])
        bold = "bold" if kind == context.facilities else "normal"
        ax.set_title(_short(font, context.kind(kind), 8, wide), loc="left", fontsize=8, weight=bold, pad=4)  # fmt: skip
        if column:
            ax.tick_params(labelleft=False)
        if i == 0:
            first = ax
    _key(figure, first, high)
    _heading(figure, font, words("chart_minutes"), words("of_land_minutes" if context.land else "of_people_minutes"))  # fmt: skip
    return _done(figure, form, "by_minutes", words("caption_chart_minutes"), words("alt_chart_minutes"))  # fmt: skip


def _lines(context: Context, font: Any, ax: Any, table: Any) -> None:
    plan = context.results.city.analysis
    modes = plan.modes
    for i, (mode, color) in enumerate(zip(modes, _colors(len(modes)))):
        own = table[table["mode"] == mode].sort_values("minutes")
        shares = own[context.share_column].to_numpy(float)
        # The palest of the ramp is too pale for a line; mark and dash tell it apart as well.
        ink = color if i < 2 else SOFT
        ax.plot(
            own["minutes"], shares, color=ink, linewidth=1.4, linestyle=_DASHES[i % len(_DASHES)],
            marker=_MARKS[i % len(_MARKS)], markersize=3.2, markerfacecolor="white" if i else ink,
            markeredgewidth=0.9, label=font.fit(context.mode(mode)), clip_on=False,
        )  # fmt: skip
        ax.annotate(
            context.percent(float(shares[-1])), (own["minutes"].iloc[-1], np.nan_to_num(shares[-1])),
            xytext=(3.5, 0), textcoords="offset points", va="center", fontsize=6.2, annotation_clip=False,
        )  # fmt: skip
    _share_axis(ax, "y")
    ax.set_xlim(0, max(plan.minutes) * 1.02)
    ax.set_xticks(plan.minutes, [f"{m:g}" for m in plan.minutes])
    ax.tick_params(labelsize=6.2)


def scenarios(context: Context, font: Any, form: str) -> Figure | None:
    """Scenarios by what they add to the share within the headline's limit."""
    words, plan = context.words, context.results.city.analysis
    own = context.outcomes
    own = own[(own["mode"] == plan.headline_mode) & (own["facilities"] == context.facilities)]
    own = own[own["share_gained"].notna()].head(_MOST_SCENARIOS)
    if not len(own):
        return None
    rows = list(own.itertuples())
    names = [context.scenario(r.scenario) + (" *" if r.people_change else "") for r in rows]
    step, left = 6.2, _left(font, names, 7.6, 78)
    high = 17 + step * len(rows) + 7
    figure = _figure(high)
    ax = _axes(figure, (left, 7, WIDTH_MM - 40, high - 15))
    spots = np.arange(len(rows))[::-1] * step
    values = np.array([r.share_gained * 100 for r in rows])
    fills = ["white" if r.people_change else ACCENT for r in rows]
    ax.barh(spots, values, height=step * 0.62, color=fills, edgecolor=ACCENT, linewidth=0.8)
    ax.axvline(0, color=SOFT, linewidth=0.6)
    span = max(float(np.abs(values).max()), 0.1)
    ax.set_xlim(min(0.0, values.min() * 1.05), max(values.max(), 0.1) * 1.02)
    for y, row, value in zip(spots, rows, values):
        text = words("gain_label", points=points(row.share_gained), persons=_signed(row.persons_gained))  # fmt: skip
        _label(ax, max(value, 0) + span * 0.015, y, text)
    ax.set_yticks(spots, [_short(font, n, 7.6, left - 2) for n in names], fontsize=7.6, color=INK)
    ax.set_ylim(-step * 0.6, spots[0] + step * 0.6)
    ax.grid(axis="x", color=RULE, linewidth=0.4)
    ax.spines["bottom"].set_visible(False)
    kind, mode = context.kind(context.facilities), context.mode(plan.headline_mode)
    _heading(figure, font, words("chart_scenarios"), words("chart_scenarios_what", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}"))  # fmt: skip
    caption = words("caption_chart_scenarios")
    return _done(figure, form, "scenarios", caption, words("alt_chart_scenarios"))


def _signed(persons: float) -> str:
    from urbanplan.output.report.model import shown

    return shown(persons, "gain")
