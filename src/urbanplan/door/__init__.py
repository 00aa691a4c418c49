"""The way in from Python: a city or streets as an object, the same questions asked of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.door.city import City
from urbanplan.door.folder import today
from urbanplan.door.places import Note, require_declared
from urbanplan.door.streets import Streets
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.files import write_text
from urbanplan.output.page.frames import folium_map

if TYPE_CHECKING:
    import folium
    import geopandas as gpd

__all__ = ["City", "Streets", "create_city", "explore"]


def create_city(
    folder: Path | str,
    *,
    name: str | None = None,
    adcode: str | None = None,
    boundary: Path | str | None = None,
    copy: str | Path | None = None,
    crs: str | None = None,
    transform: tuple[float, ...] | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    quality: str = "derived",
    accuracy_m: float | None = None,
    source: str | None = None,
    licence: str = "not stated",
    as_of: str = "not stated",
    note: Note | None = None,
) -> City:
    """Set up a folder for another city: profile, districts, a slot for every layer.

    Parameters
    ----------
    folder : path
        A new one.
    name : str, optional
        A city or district of China, with or without 市, 区, 县; or any name with `boundary`.
    adcode : str, optional
        Six digits of a city or district of China.
    boundary : path, optional
        A file with one area for each district.
    copy : str or path, optional
        Everything that another city holds, to be edited.
    crs, transform, encoding, layer, columns, quality, accuracy_m, source, licence, as_of
        Of `boundary`; see `City.add`.
    note : callable, optional
        Told each finding as it comes.

    Returns
    -------
    City
        With `boundary`, what became of that file's rows.

    Raises
    ------
    InputError
        If the folder holds a city already, or not exactly one of the ways is given.

    Examples
    --------
    >>> import tempfile
    >>> import urbanplan as up
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mine = up.create_city(folder + "/mine", copy=up.cities()[0])
    >>> mine.profile.id == up.cities()[0]
    True
    """
    from urbanplan.city import create
    from urbanplan.city.profile import load_city
    from urbanplan.city.repair import Worth

    create.require_new(folder)
    report = None
    ways = [w for w in (adcode, boundary, copy) if w is not None]
    if len(ways) > 1 or (not ways and name is None):
        raise InputError("give one of name, adcode, boundary and copy", where=folder, remedy="e.g. create_city(folder, name='市名')")  # fmt: skip
    if copy is not None:
        create.begin_copy(Path(folder), load_city(copy))
    elif boundary is None:
        from urbanplan.sources.crs_of_file import find_division

        create.begin_division(Path(folder), find_division(adcode, name), today())
    else:
        from urbanplan.files import read_delivery

        delivery = read_delivery(
            boundary, layer=layer, crs=crs, encoding=encoding, family="polygon"
        )
        worth = Worth("existing", quality, accuracy_m, source or f"file {delivery.path.name}", licence, as_of)  # fmt: skip
        _, report = create.begin_boundary(
            Path(folder), delivery, worth, name=name or Path(folder).resolve().name,
            crs=delivery.system if delivery.crs_from == "user" else None,
            given=dict(columns or {}), day=today(), seven=transform,
        )  # fmt: skip
    city = City(Path(folder), note=note)
    if report is not None:
        city.boundary = report
        city._asked()(*report.notes, *report.summary())
    return city


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
