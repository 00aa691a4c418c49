"""A report as one HTML file: pictures inside, no script, nothing asked of any host."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import Any

from urbanplan.files import read_text
from urbanplan.publish.report.blocks import grouped, heading, label
from urbanplan.publish.report.model import Block, Facts, Figure, Report, Table, Text
from urbanplan.publish.report.words import Words

_KINDS = {Text: "text", Facts: "facts", Figure: "figure", Table: "table", list: "points"}


def page(report: Report) -> str:
    """The report as HTML; its pictures must be SVG."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    here, words = Path(__file__).parent, Words(report.lang)
    # Every text is escaped; only our own style sheet is not.
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(read_text(here / "report.html"))
    return template.render(
        report=report,
        words=words,
        style=Markup(read_text(here / "report.css")),
        heading=heading,
        label=partial(label, words),
        grouped=grouped,
        kind_of=_kind_of,
        data_of=_data_of,
        rows_of=_rows_of,
    )


def _kind_of(block: Block | list[str]) -> str:
    return _KINDS[type(block)]


def _data_of(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.image).decode()


def _rows_of(table: Table) -> list[tuple[list[tuple[str, Any]], bool]]:
    return [
        (list(zip(row, table.columns)), total) for row, total in zip(table.cells(), table.totals())
    ]
