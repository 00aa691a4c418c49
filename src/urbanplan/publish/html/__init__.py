"""One self-contained page: opens by double click, asks no other host for anything."""

from __future__ import annotations

from pathlib import Path

from urbanplan.files import write_text
from urbanplan.publish.html.content import content
from urbanplan.publish.html.options import BASEMAPS, LANGUAGES, Options
from urbanplan.publish.html.page import render
from urbanplan.study import Results

__all__ = ["BASEMAPS", "LANGUAGES", "Options", "write"]


def write(results: Results, path: Path | str, options: Options = Options()) -> Path:  # noqa: B008
    """Write the interactive map of a run.

    Parameters
    ----------
    results : Results
        What a run found.
    path : path
        The ``.html`` to write.
    options : Options, optional
        Title, language, layers, what to leave out, and the base map that the reader may switch
        on: its host is the only one that the page is then allowed to ask for images.

    Raises
    ------
    UrbanplanError
        If the page would refer to anything that is not bundled.
    """
    return write_text(path, render(content(results, options), options.tiles))
