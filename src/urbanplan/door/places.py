"""Places as a caller gives them, a frame, a file, a layer's name or pairs, and the labels by which they are known."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, parse_crs, to_crs
from urbanplan.errors import CrsError, InputError
from urbanplan.sources.read import read

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanplan.city.layers import Layer

#: Takes each sentence that the caller must know.
Note = Callable[[str], None]
#: Takes a layer's name and what is asked of it, and gives its features.
LayerOf = Callable[[str, str], "gpd.GeoDataFrame"]
#: Rows left out that are named.
_NAMED = 5
#: Names of columns of degrees in a plain table, in small letters.
_LON, _LAT = ("lon", "lng", "longitude", "经度"), ("lat", "latitude", "纬度")
_REMEDY = "give a GeoDataFrame, a GeoSeries, the path of a file, or (lon, lat) pairs"


@dataclass(frozen=True)
class Places:
    """Places as the engine takes them.

    Attributes
    ----------
    frame : GeoDataFrame
        In WGS84, with an ``id`` of text; only rows that have a place.
    index : Index
        The caller's, of every row.
    rows : ndarray of int64, shape (rows of the frame,)
        Which of `index` each row of the frame is.
    labels : mapping of str to object
        What the caller calls each ``id``.
    has_ids : bool
        Whether these are in a column ``id`` of the caller's.
    """

    frame: gpd.GeoDataFrame
    index: pd.Index
    rows: np.ndarray
    labels: dict[str, Any]
    has_ids: bool = True

    def named(self, ids: pd.Series) -> pd.Series:
        """Ids of the engine as the caller's own."""
        if all(key is label for key, label in self.labels.items()):
            return ids
        return ids.map(lambda fid: self.labels.get(fid, fid))

    def on_index(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with a row for each row of the frame, on the caller's index; rows without a place are empty."""
        table = table.set_axis(self.rows, axis=0)
        if len(self.rows) < len(self.index):
            table = table.reindex(np.arange(len(self.index)))
        return table.set_axis(self.index, axis=0)


def places_of(given: Any, what: str, say: Note, layer_of: LayerOf | None = None) -> Places:
    """Read places in any form that a question takes.

    Parameters
    ----------
    given : GeoDataFrame, GeoSeries, DataFrame with lon and lat, path, str, or sequence of (lon, lat)
        A frame in any declared system, its geometry called by any name, its ``id`` optional.
    what : str
        What they are called in messages, such as ``origins``.
    say : callable
        Told what is left out.
    layer_of : callable, optional
        Finds a layer by its name; without it there are none.

    Raises
    ------
    InputError
        If it is none of these, or holds no place.
    CrsError
        If a frame declares no coordinate system.
    """
    import geopandas as gpd
    import pandas as pd

    if isinstance(given, str | Path):
        if isinstance(given, str) and not Path(given).suffix:
            return _of_layer(given, what, layer_of)
        frame = read(given)
        for finding in frame.attrs["findings"]:
            say(finding)
        return _of_frame(frame, what, say, text=True)
    if isinstance(given, gpd.GeoSeries):
        given = gpd.GeoDataFrame(geometry=given)
    if isinstance(given, gpd.GeoDataFrame):
        return _of_frame(require_declared(given, what), what, say)
    if isinstance(given, pd.DataFrame):
        return _of_frame(_of_columns(given, what), what, say)
    return _of_frame(_of_pairs(given, what), what, say)


def _of_layer(name: str, what: str, layer_of: LayerOf | None) -> Places:
    if layer_of is None:
        raise InputError(
            f"'{name}' is no file, and only a city has layers with names",
            where=what,
            remedy=_REMEDY,
        )
    frame = layer_of(name, what)
    rows = np.arange(len(frame))
    return Places(frame, frame.index, rows, {fid: fid for fid in frame["id"]})


def require_declared(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """A frame with its geometry in ``geometry``; raise unless it has one, one level of columns and a system."""
    if frame.columns.nlevels > 1:
        raise InputError("the columns have several levels", where=what, remedy="use one level, e.g. frame.droplevel(0, axis=1)")  # fmt: skip
    _require_once(frame, what)
    name = frame.active_geometry_name
    if name is None or name not in frame:
        raise InputError("the frame has no geometry", where=what, remedy="set it with frame.set_geometry(column)")  # fmt: skip
    if frame.crs is None:
        raise CrsError(
            "declares no coordinate system",
            where=what,
            remedy="name the one that it is in: frame.set_crs('EPSG:4326')",
        )
    parse_crs(frame.crs, what)
    if name != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    return frame


def _require_once(table: pd.DataFrame, what: str) -> None:
    # Of two columns of one name, nobody can tell which is meant.
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise InputError(f"column {_short(twice[0])} is there twice", where=what, remedy="rename one, or drop it")  # fmt: skip


def _of_columns(table: pd.DataFrame, what: str) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    _require_once(table, what)
    names = {str(c).strip().lower(): c for c in table.columns}
    lon, lat = (next((names[n] for n in known if n in names), None) for known in (_LON, _LAT))
    if lon is None or lat is None:
        raise InputError("the table has no places", where=what, remedy="add columns lon and lat, or give a GeoDataFrame")  # fmt: skip
    xy = np.c_[tuple(pd.to_numeric(table[c], errors="coerce").to_numpy(float) for c in (lon, lat))]
    _require_degrees(xy[np.isfinite(xy).all(axis=1)], what)
    shapes = gpd.points_from_xy(*xy.T, crs=WGS84)
    plain = table.drop(columns="geometry", errors="ignore")
    return gpd.GeoDataFrame(plain, geometry=np.where(np.isfinite(xy).all(axis=1), shapes, None), crs=WGS84)  # fmt: skip


def _of_pairs(given: Any, what: str) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    try:
        xy = np.asarray(given if isinstance(given, np.ndarray) else list(given), float)
    except (TypeError, ValueError):
        raise InputError(f"a {type(given).__name__} is no places", where=what, remedy=_REMEDY) from None  # fmt: skip
    xy = xy[None] if xy.shape == (2,) else xy
    if xy.ndim != 2 or xy.shape[1] != 2 or isinstance(given, dict):
        raise InputError(
            f"a {type(given).__name__} is no (lon, lat) pairs", where=what, remedy=_REMEDY
        )
    _require_degrees(xy, what)
    return gpd.GeoDataFrame(geometry=shapely.points(xy), crs=WGS84)


def _require_degrees(xy: np.ndarray, what: str) -> None:
    wrong = ~((np.abs(xy[:, 0]) <= 360) & (np.abs(xy[:, 1]) <= 90))
    if wrong.any():
        x, y = xy[wrong.argmax()]
        raise InputError(
            f"{x:g}, {y:g} is not longitude and latitude in degrees",
            where=what,
            remedy="put longitude first, or give a frame that names its system",
        )


def _of_frame(frame: gpd.GeoDataFrame, what: str, say: Note, *, text: bool = False) -> Places:
    import pandas as pd
    import shapely

    from urbanplan.files.vector import finite

    if not len(frame):
        raise InputError("there is nothing in it", where=what, remedy="give at least one place")
    labels = pd.Index(frame["id"]) if _named(frame) else frame.index
    source = "id" if _named(frame) else "the label"
    if labels.has_duplicates:
        twice = labels[labels.duplicated()][0]
        raise InputError(f"{source} '{twice}' occurs twice", where=what, remedy="give every row its own, e.g. with frame.reset_index(drop=True)")  # fmt: skip
    ids = [str(label) for label in labels]
    if len(set(ids)) < len(ids):
        # Labels that are told apart by their type only.
        ids = [f"{fid} ({row})" for row, fid in enumerate(ids, 1)]
    # A place of missing coordinates is no place: geopandas calls it neither missing nor empty.
    shapes = finite(frame.geometry.to_numpy())[0]
    crossed = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
    if len(crossed):
        # No library cuts or joins areas that cross themselves.
        shapes = shapes.copy()
        shapes[crossed] = shapely.make_valid(shapes[crossed], method="structure", keep_collapsed=False)  # fmt: skip
        say(f"{len(crossed)} of {len(ids)} {what} cross themselves: the areas that they enclose are taken")  # fmt: skip
    frame = frame.set_geometry(shapes, crs=frame.crs)
    here = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    if not here.any():
        raise InputError("no row has a place", where=what, remedy="draw them, or fill their coordinates")  # fmt: skip
    if not here.all():
        lost = [fid for fid, there in zip(ids, here) if not there]
        some = ", ".join(lost[:_NAMED]) + (" …" if len(lost) > _NAMED else "")
        say(f"{len(lost)} of {len(ids)} {what} have no place and are left out: {some}")
    rows = np.flatnonzero(here)
    found = frame.assign(id=ids)[here].reset_index(drop=True)
    known = {fid: fid if text else label for fid, label in zip(ids, labels)}
    return Places(to_crs(found, WGS84, what), frame.index, rows, known, _named(frame))


def _named(frame: gpd.GeoDataFrame) -> bool:
    # A column of ids with gaps names nothing: the caller's index does.
    return "id" in frame.columns and bool(frame["id"].notna().all())


def limits_of(minutes: Any) -> tuple[float, ...]:
    """Limits in minutes, ascending, each once, from a number or any sequence of them.

    Raises
    ------
    InputError
        If one is no number above 0.

    Examples
    --------
    >>> limits_of([15, 5, 5.0]), limits_of(30)
    ((5.0, 15.0), (30.0,))
    """
    remedy = "give numbers above 0, such as 15 or [5, 15, 30]"
    try:
        every = [minutes] if np.ndim(minutes) == 0 and not _many(minutes) else list(minutes)
        if any(isinstance(m, bool | str | bytes | np.bool_) for m in every):
            raise TypeError
        limits = tuple(sorted({float(m) for m in every}))
    except (TypeError, ValueError):
        raise InputError(f"minutes are {_short(minutes)}", where="minutes", remedy=remedy) from None
    if not limits or not all(0 < m < np.inf for m in limits):
        raise InputError(f"minutes are {_short(minutes)}", where="minutes", remedy=remedy)
    return limits


def limit_of(minutes: Any) -> float:
    """One limit in minutes; None is none, infinity."""
    if minutes is None or (np.isscalar(minutes) and minutes == np.inf):
        return float(np.inf)
    limits = limits_of(minutes)
    if len(limits) > 1:
        raise InputError("takes one limit", where="minutes", remedy="ask once for each, or give the longest")  # fmt: skip
    return limits[0]


def _many(value: Any) -> bool:
    return isinstance(value, Sequence | set | frozenset | range) and not isinstance(value, str)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


class Layers(Mapping[str, "gpd.GeoDataFrame"]):
    """A city's layers by name, each a GeoDataFrame in WGS84; read when they are asked for."""

    def __init__(self, held: Mapping[str, Layer], layer_of: Callable[[str], Layer]) -> None:
        self._held, self._layer_of = held, layer_of

    def __getitem__(self, name: str) -> gpd.GeoDataFrame:
        return self._layer_of(name).frame.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __repr__(self) -> str:
        return f"<layers {', '.join(self) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = [(name, f"{len(layer.frame):,}") for name, layer in self._held.items()]
        return table_html(("layer", "features"), rows)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


def table_html(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    """A small table as a notebook shows it."""
    cells = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
    top = "".join(f"<th>{html.escape(h)}</th>" for h in head)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{cells}</tbody></table>"
