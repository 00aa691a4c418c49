"""How Sphinx sets the pages that `docs/build.py` writes."""

from __future__ import annotations

import re
from typing import Any

from sphinx.search.en import SearchEnglish

project = "urbanplan"
author = "urbanplan contributors"
copyright = "urbanplan contributors, MIT"
extensions = ["myst_parser"]
myst_heading_anchors = 3
highlight_language = "text"
# The theme is plain HTML with a style sheet and a script of its own: no host is asked for a font.
html_theme = "furo"
html_title = "urbanplan"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options: dict[str, Any] = {"top_of_page_buttons": []}
html_search_language = "pairs"
# Summaries are fetched, which a browser refuses to a page that was opened by double click.
html_show_search_summary = False
# Quotes in commands are typed as they stand.
smartquotes = False
nitpicky = True


class Pairs(SearchEnglish):
    """Words as in English, and Chinese by pairs of characters: found without a dictionary."""

    lang = "pairs"
    js_splitter_code = """
var splitQuery = (query) => (query.match(/[\\u4e00-\\u9fff]+|[A-Za-z0-9_]+/g) || []).flatMap((run) =>
  run.charCodeAt(0) < 0x4e00 || run.length < 3 ? [run] : Array.from(run).slice(1).map((c, i) => run[i] + c));
"""

    def split(self, input: str) -> list[str]:
        """Words of Latin letters and figures, and every two neighbouring Chinese characters."""
        found: list[str] = []
        for run in re.findall(r"[\u4e00-\u9fff]+|[A-Za-z0-9_]+", input):
            pairs = run[0] >= "\u4e00" and len(run) > 2
            found += [a + b for a, b in zip(run, run[1:])] if pairs else [run]
        return found


def _language(_app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    # Screen readers and browsers must know which pages are Chinese.
    if page.startswith("zh/"):
        context["language"] = "zh-CN"


def setup(app: Any) -> dict[str, bool]:
    """Join in where Sphinx hands a page to its template, and where it cuts text into words."""
    app.add_search_language(Pairs)
    app.connect("html-page-context", _language)
    return {"parallel_read_safe": True}
