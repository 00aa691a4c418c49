"""One self-contained page: opens by double click, asks no other host for anything."""

from __future__ import annotations

from pathlib import Path

from urbanplan.files import write_text
from urbanplan.publish.html.content import content
from urbanplan.publish.html.page import render, require_basemap
from urbanplan.study import Results

__all__ = ["require_basemap", "write"]


def write(results: Results, path: Path | str, *, basemap: str | None = None) -> Path:
    """Write the interactive map of a run.

    Parameters
    ----------
    results : Results
        What a run found.
    path : path
        The ``.html`` to write.
    basemap : str, optional
        XYZ template of a base map that the reader may switch on. It is off when the page opens,
        and its host is the only one that the page is then allowed to ask for images.

    Raises
    ------
    InputError
        If `basemap` is not an http(s) address with ``{z}``, ``{x}`` and ``{y}``.
    UrbanplanError
        If the page would refer to anything that is not bundled.
    """
    return write_text(path, render(results.city, content(results), basemap))
