"""A run turned into a report: sections in order, findings first, numbered throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from urbanplan import __version__
from urbanplan.output.report import scenarios, standards
from urbanplan.output.report import summary as reach
from urbanplan.output.report.model import (
    Block,
    Context,
    Facts,
    Figure,
    Report,
    Section,
    Table,
    Text,
    Words,
    clean,
)
from urbanplan.output.report.pictures import Maps
from urbanplan.output.report.summary import summary
from urbanplan.study import Results

if TYPE_CHECKING:
    import pandas as pd

#: The day of a report whose data states none.
_NO_DAY = (2000, 1, 1)
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


def report(
    results: Results,
    lang: str = "zh",
    *,
    pictures: str | None = "svg",
    bridges: pd.DataFrame | None = None,
) -> Report:
    """Everything that a report says, as plain values.

    Parameters
    ----------
    results : Results
    lang : {'zh', 'en'}
    pictures : {'svg', 'png', None}
        How maps and charts are drawn; None leaves them out.
    bridges : DataFrame, optional
        From `urbanplan.study.bridge_dependence`.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If no report is written in that language.
    UrbanplanError
        If pictures are wanted and no font with Chinese is installed.
    """
    words = Words(lang)
    context = Context(results, words, bridges)
    city = results.city
    day = _newest(results)
    # Years and months stay what they are: a day that nobody stated is not made up.
    until = words("data_until", date=day[0]) if day[0] else ""
    made = words("made", version=__version__)
    return Report(
        lang=lang,
        title=words("title", city=words.pair(city.name_zh, city.name_en)),
        subtitle=until,
        notice=words.pair(city.notice_zh, city.notice_en),
        made=made,
        date=day[1],
        sections=tuple(_numbered(_sections(context, pictures))),
    )


def _sections(context: Context, pictures: str | None) -> list[Section]:
    if pictures is None:
        return _parts(context, None)
    from urbanplan.output.report.draw import styled

    with styled(context.words.lang) as font:
        return _parts(context, Maps(context, font, pictures, context.source_line))


def _parts(context: Context, maps: Maps | None) -> list[Section]:
    found = [
        summary(context),
        reach.drawn_plan(context, maps),
        reach.reach(context, maps),
        reach.gaps(context, maps),
        standards.indicators(context),
        standards.ledger(context, maps),
        scenarios.scenarios(context, maps),
        scenarios.siting(context),
        scenarios.bridges(context),
        standards.method(context),
        standards.quality(context),
        standards.sources(context),
        standards.versions(context),
        reach.annex(context),
    ]
    return [s for s in found if s is not None]


def _numbered(sections: list[Section]) -> Iterator[Section]:
    counts: dict[type[Block], int] = {Table: 0, Figure: 0}
    for number, section in enumerate(sections, start=1):
        blocks = []
        for block in section.blocks:
            if isinstance(block, Table | Figure):
                counts[type(block)] += 1
                block = replace(block, number=counts[type(block)])
            blocks.append(_cleaned(block))
        yield replace(section, number=number, blocks=tuple(blocks))


def _cleaned(block: Block) -> Block:
    # One line each, whatever the data carries.
    if isinstance(block, Text):
        return replace(block, text=clean(block.text))
    if isinstance(block, Facts):
        return Facts(tuple((clean(a), clean(b)) for a, b in block.items))
    return replace(block, caption=clean(block.caption))


def _newest(results: Results) -> tuple[str, tuple[int, int, int]]:
    # The newest day that any row states, as it is stated and as a day.
    stated = {
        str(v).strip()
        for layer in results.layers.values()
        for v in layer.frame["as_of"].dropna()
    }  # fmt: skip
    days = [(found.groups(), text) for text in stated if (found := _DAY.match(text))]
    if not days:
        return "", _NO_DAY
    (year, month, day), text = max(days, key=lambda d: tuple(x or "00" for x in d[0]))
    return text, (int(year), _within(month, 12), _within(day, 28))


def _within(text: str | None, most: int) -> int:
    return min(max(int(text or 1), 1), most)
