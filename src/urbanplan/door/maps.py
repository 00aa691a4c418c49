"""Frames as a map that needs no network, in a notebook or as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.door.city import City
from urbanplan.door.places import require_declared
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import write_text
from urbanplan.output.page.frames import folium_map

if TYPE_CHECKING:
    import folium
    import geopandas as gpd


def explore(
    what: gpd.GeoDataFrame | gpd.GeoSeries | Mapping[str, gpd.GeoDataFrame] | City,
    *,
    by: str | None = None,
    out: Path | str | None = None,
) -> folium.Map:
    """Frames as an offline map: a notebook shows it, a browser opens its file, folium adds to it.

    Parameters
    ----------
    what : GeoDataFrame, GeoSeries, City, or dict of str to GeoDataFrame
        Frames in any declared coordinate system, by the name that readers see.
    by : str, optional
        Column that gives features their colour.
    out : path, optional
        An ``.html`` to write besides.

    Returns
    -------
    folium.Map
        Any object of folium or branca may be added to it.

    Raises
    ------
    InputError
        If there is nothing to draw, or no frame.
    CrsError
        If a frame declares no coordinate system.
    UnknownNameError
        If no frame has the column `by`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import shapely
    >>> import urbanplan as up
    >>> parks = gpd.GeoDataFrame({"use": ["park"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> type(up.explore(parks, by="use")).__name__
    'Map'
    """
    frames = _frames(what)
    columns = sorted({str(c) for frame in frames.values() for c in frame.columns})
    if by is not None and str(by) not in columns:
        raise UnknownNameError(f"no frame has a column '{by}'", remedy=one_of(str(by), columns))
    if out is not None and Path(out).suffix.lower() not in (".html", ".htm"):
        raise InputError("a map is written as .html", where=out, remedy="let its name end in .html")
    view = folium_map(frames, by=by)
    if out is not None:
        write_text(out, view.get_root().render())
    return view


def _frames(what: object) -> dict[str, gpd.GeoDataFrame]:
    import geopandas as gpd

    if isinstance(what, City):
        what = {name: f for name, f in what.layers.items() if f.geometry.notna().any()}
    found = dict(what) if isinstance(what, Mapping) else {"图层 / Layer": what}
    out = {}
    for name, frame in found.items():
        if isinstance(frame, gpd.GeoSeries):
            frame = gpd.GeoDataFrame(geometry=frame)
        if not isinstance(frame, gpd.GeoDataFrame):
            raise InputError(f"a {type(frame).__name__} is nothing to draw", where=str(name), remedy="give a GeoDataFrame, a GeoSeries, a City, or a dict of frames")  # fmt: skip
        out[str(name)] = require_declared(frame, str(name))
    return out
