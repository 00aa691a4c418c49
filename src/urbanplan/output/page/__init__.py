"""One self-contained page: opens by double click, asks no other host for anything."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.files import write_text
from urbanplan.output.page.content import content
from urbanplan.output.page.frames import folium_map, of_frames
from urbanplan.output.page.shell import BASEMAPS, LANGUAGES, Options, render
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["BASEMAPS", "LANGUAGES", "Options", "Page", "folium_map", "page", "write"]


@dataclass(frozen=True)
class Page:
    """A finished page; a notebook shows it, `write` keeps it."""

    text: str
    height_px: int = 640

    def _repr_html_(self) -> str:
        # A frame of its own: neither the notebook's styles nor its scripts reach the page.
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" title="urbanplan" width="100%"'
            f' height="{self.height_px}" style="border:1px solid #8a949e"'
            ' sandbox="allow-scripts allow-downloads allow-modals"></iframe>'
        )

    def write(self, path: Path | str) -> Path:
        """Write the page to an ``.html`` file, whole or not at all."""
        return write_text(path, self.text)


def page(
    what: Results | gpd.GeoDataFrame | gpd.GeoSeries | Mapping[str, gpd.GeoDataFrame],
    options: Options = Options(),  # noqa: B008
    *,
    by: str | None = None,
    height_px: int = 640,
) -> Page:
    """A run, or any frames, as an interactive map.

    Parameters
    ----------
    what : Results, GeoDataFrame, GeoSeries, or dict of str to one of the last two
        What a run found, or frames by the name that readers see. Frames may be in any declared
        coordinate system; the columns of a layer (``name_zh``, ``quality``, ``source`` ...) are
        shown as such where there are any.
    options : Options, optional
        Title, language, layers, what to leave out, and the base map that the reader may switch
        on: its host is the only one that the page is then allowed to ask for images.
    by : str, optional
        Column that colours the features of frames.
    height_px : int
        Height of the page in a notebook.

    Raises
    ------
    UrbanplanError
        If a frame has no coordinate system or no place, or the page would refer to anything that
        is not bundled.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import shapely
    >>> parks = gpd.GeoDataFrame(
    ...     {"name": ["North"]}, geometry=[shapely.box(105.4, 28.9, 105.5, 29.0)], crs=4326
    ... )
    >>> "</html>" in page(parks).text
    True
    """
    return Page(render(_values(what, options, by), options.tiles), height_px)


def _values(what: Any, options: Options, by: str | None) -> dict[str, Any]:
    if isinstance(what, Results):
        return content(what, options)
    frames = what if isinstance(what, Mapping) else {options.title or "图层": what}
    return of_frames(frames, options, by)


def write(
    what: Results | gpd.GeoDataFrame | gpd.GeoSeries | Mapping[str, gpd.GeoDataFrame],
    path: Path | str,
    options: Options = Options(),  # noqa: B008
    *,
    by: str | None = None,
) -> Path:
    """Write a run, or any frames, as an interactive map; see `page` for the parameters.

    Parameters
    ----------
    path : path
        The ``.html`` to write.
    """
    return page(what, options, by=by).write(path)
