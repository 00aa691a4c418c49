"""What a layer is, how it is read from a city's folder, and which rows are wrong."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base import crs
from urbanplan.base.crs import WGS84, central_meridian, to_crs, unwrapped
from urbanplan.base.grid import ALL
from urbanplan.base.schema import is_missing
from urbanplan.catalog import (
    COMMON_COLUMNS,
    GEOMETRY_TYPES,
    QUALITIES,
    STATUSES,
    LayerKind,
    load_catalog,
)
from urbanplan.city.profile import City
from urbanplan.errors import InputError
from urbanplan.files import cell_text, read_vector, sha256
from urbanplan.files.manifest import DataGap, held_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry


#: Common columns that may be empty.
_MAY_BE_EMPTY = {"district", "note_zh", "note_en", "accuracy_m"}

#: Cities whose metric system is drawn about a longitude beyond this may lie on both sides of the 180th meridian.
_BESIDE_180 = 170.0


#: Member of a feature that lies beyond the city's boundary, and what its id ends with where it is
#: the rest of one that lies on both sides.
OUTSIDE, BEYOND = "outside", ":beyond"
#: A place of unknown outline in a layer of polygons is a disc of this radius: it marks where, not how large.
MARKER_M = 25.0
#: The file that holds outlines of facilities whose layers hold points.
GROUNDS = "grounds.geojson"


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one feature (or with the whole layer, when `feature` is empty)."""

    layer: str
    feature: str
    rule: str
    message: str


@dataclass(frozen=True)
class Layer:
    """Features of one kind in WGS84, with the file they came from and its SHA-256.

    `frame` holds the city's own; `outside`, where there are any, those beyond its boundary: they are
    reached by the people inside, and are in no count of the city's. `completeness` is ``complete``
    or ``partial`` where the manifest says so: a share that rests on a partial register is a lower bound.
    """

    kind: LayerKind
    frame: gpd.GeoDataFrame
    path: Path
    sha256: str
    outside: gpd.GeoDataFrame | None = None
    completeness: str = ""

    @property
    def id(self) -> str:
        """The layer kind's id."""
        return self.kind.id

    @cached_property
    def located(self) -> gpd.GeoDataFrame:
        """Features that have a place on the map (RFC 7946 allows features without)."""
        return self.frame[self.frame.geometry.notna() & ~self.frame.geometry.is_empty]

    def with_status(self, *statuses: str, also: tuple[str, ...] = ()) -> gpd.GeoDataFrame:
        """Located features of these statuses, and those whose id is in `also`.

        Raises
        ------
        InputError
            If a feature's status is none of `STATUSES`: it would be left out without a word.
        """
        frame = self.located
        odd = frame[~frame["status"].isin(STATUSES)]
        if len(odd):
            raise InputError(
                f"feature '{odd['id'].iloc[0]}' has the status '{odd['status'].iloc[0]}'",
                where=self.path,
                remedy=f"use one of {', '.join(STATUSES)}",
            )
        return frame[frame["status"].isin(statuses) | frame["id"].isin(also)]

    def reachable(self) -> gpd.GeoDataFrame:
        """Existing features of the city, and those beyond its boundary that its people reach.

        What lies on both sides of the boundary is one feature.
        """
        import pandas as pd

        own = self.with_status("existing")
        if self.outside is None:
            return own
        rest = self.outside[self.outside["status"] == "existing"]
        split = rest["id"].str.endswith(BEYOND)
        shapes = dict(zip(rest.loc[split, "id"].str.removesuffix(BEYOND), rest.geometry[split]))
        whole = [
            shape.union(shapes[fid]) if fid in shapes else shape
            for fid, shape in zip(own["id"], own.geometry)
        ]
        own = own.set_geometry(whole, crs=own.crs)
        return pd.concat([f for f in (own, rest[~split]) if len(f)] or [own], ignore_index=True)


def load_layer(city: City, name: str) -> Layer:
    """Read one layer of a city.

    Raises
    ------
    MissingFileError
        If the city has no such file.
    InputError
        If a common or extra column is missing, ids repeat, or the file is not in WGS84.
    """
    titles: dict[str, Any] = {**city.titles.get(name, {})}
    kind = replace(load_catalog().layer(name), **titles)
    path = city.find(f"{name}.geojson")
    read = read_vector(path)
    # What was put in its place meanwhile was not looked at.
    city.find(f"{name}.geojson")
    frame = to_crs(read, WGS84)
    if frame.empty:
        frame = frame.reindex(columns=[*COMMON_COLUMNS, *kind.columns, "geometry"])
    missing = [c for c in (*COMMON_COLUMNS, *kind.columns) if c not in frame.columns]
    if missing:
        raise InputError(
            f"lacks the column(s) {', '.join(missing)}",
            where=path,
            remedy="add them; `urbanplan layers` lists what each layer carries",
        )
    words = [c for c in COMMON_COLUMNS if c != "accuracy_m"]
    own = [c for c, unit in kind.columns.items() if not unit and frame[c].dtype == object]
    frame = frame.assign(
        **{c: _words(frame[c]) for c in words}, **{c: frame[c].map(cell_text) for c in own}
    )
    doubled = frame["id"][frame["id"].duplicated()].unique()
    if len(doubled):
        raise InputError(
            f"has the id(s) {', '.join(map(str, doubled[:5]))} more than once",
            where=path,
            remedy="give each feature an id of its own",
        )
    _require_degrees(read.to_crs(WGS84), path)
    _require_shapes(frame, kind, path)
    about = central_meridian(city.metric_crs)
    if about is not None and abs(about) > _BESIDE_180:
        frame = unwrapped(frame, about % 360)
    beyond = frame[OUTSIDE].eq(True) if OUTSIDE in frame.columns else None
    frame = frame[[*COMMON_COLUMNS, *kind.columns, "geometry"]].copy()
    _fill_names(frame)
    if name == "districts":
        # Everything that is told of a district is told by its name.
        for column in ("name_zh", "name_en"):
            frame[column] = told_apart(frame[column], frame["adcode"])
    frame = with_figures(kind, frame, path)
    known = completeness(city, f"{name}.geojson")
    if beyond is None or not beyond.any():
        return Layer(kind, frame, path, sha256(path), completeness=known)
    return Layer(kind, frame[~beyond], path, sha256(path), frame[beyond], known)


def load_grounds(city: City) -> gpd.GeoSeries:
    """Outlines of facilities that their layers hold as points, by id.

    Returns
    -------
    GeoSeries
        Polygons in WGS84 on the features' ids; empty where the city has none.

    Raises
    ------
    InputError
        If the file has no ids, or is not in WGS84.
    """
    import geopandas as gpd

    if not city.has(GROUNDS):
        return gpd.GeoSeries([], crs=WGS84)
    path = city.find(GROUNDS)
    read = read_vector(path)
    if read.empty:
        return gpd.GeoSeries([], crs=WGS84)
    if "id" not in read.columns:
        raise InputError("lacks the column(s) id", where=path, remedy="run `urbanplan fetch` again")
    frame = to_crs(read, WGS84)
    _require_degrees(frame, path)
    areal = frame.geometry.geom_type.isin(GEOMETRY_TYPES["polygon"])
    rows = frame[areal & ~frame["id"].duplicated()]
    return gpd.GeoSeries(rows.geometry.to_numpy(), rows["id"].astype(str), crs=WGS84)


def are_markers(shapes: Sequence[BaseGeometry] | gpd.GeoSeries) -> np.ndarray:
    """Which shapes of a metric system are discs that mark a place of unknown outline, see `MARKER_M`."""
    import shapely

    areas, lengths = shapely.area(shapes), shapely.length(shapes)
    # Corners take a little off a circle; projections stretch it by less than a hundredth.
    as_large = np.abs(np.sqrt(areas / np.pi) - MARKER_M) < 0.02 * MARKER_M
    round_ = 4 * np.pi * areas > 0.99 * lengths**2
    return np.asarray(as_large & round_)


def told_apart(names: pd.Series, codes: pd.Series | None = None) -> pd.Series:
    """Names of areas, those of several areas with what tells them apart behind: code, or number.

    Parameters
    ----------
    names : Series of str
        Missing ones stay so.
    codes : Series of str, optional
        Administrative codes. Rows of one name and one code are parts of one area and keep its name.

    Returns
    -------
    Series
        On the same index. No name is that of the whole, `urbanplan.base.grid.ALL`.

    Examples
    --------
    >>> import pandas as pd
    >>> told_apart(pd.Series(["Centre", "North", "Centre"])).tolist()
    ['Centre (1)', 'North', 'Centre (2)']
    >>> told_apart(pd.Series(["Centre", "Centre"]), pd.Series(["510502", "510503"])).tolist()
    ['Centre (510502)', 'Centre (510503)']
    """
    import pandas as pd

    called, out = list(names), list(names)
    code = [""] * len(called) if codes is None else list(codes.fillna("").astype(str))
    taken = {*names.dropna(), ALL}
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(called):
        if not is_missing(name):
            rows.setdefault(name, []).append(row)
    for name, here in rows.items():
        # Rows of one code are one area, if all have one.
        coded = all(code[row] for row in here)
        areas = list(dict.fromkeys(code[row] if coded else row for row in here))
        number = 0
        for area in areas if len(areas) > 1 or name == ALL else ():
            label = f"{name} ({area})" if coded else ""
            while not label or label in taken:
                number += 1
                label = f"{name} ({number})"
            taken.add(label)
            for row in here:
                out[row] = label if area == (code[row] if coded else row) else out[row]
    return pd.Series(out, names.index, names.dtype, name=names.name)


def _words(column: pd.Series) -> pd.Series:
    # Other programs leave names, ids and notes as numbers, lists or truth values; words are what is asked of them.
    from pandas.api.types import infer_dtype

    column = column.astype(object).where(column.notna(), None)
    if infer_dtype(column, skipna=True) in ("string", "empty"):
        return column
    whole = column.map(lambda v: int(v) if isinstance(v, float) and v.is_integer() else v)
    return whole.map(lambda v: None if v is None else str(cell_text(v))).astype(object)


def _fill_names(frame: gpd.GeoDataFrame) -> None:
    # A feature with a name in one language is called so in the other.
    blank = {c: frame[c].isna() | (frame[c] == "") for c in ("name_zh", "name_en")}
    for column, other in (("name_zh", "name_en"), ("name_en", "name_zh")):
        rows = blank[column] & ~blank[other]
        frame.loc[rows, column] = frame.loc[rows, other]


def with_figures(kind: LayerKind, frame: gpd.GeoDataFrame, where: object) -> gpd.GeoDataFrame:
    """A frame whose columns with a unit hold figures.

    Raises
    ------
    InputError
        Naming the first feature and column that hold none of 0 or more.
    """
    units = [c for c, unit in kind.columns.items() if unit]
    return frame.assign(**{c: _numbers(frame, c, where) for c in ("accuracy_m", *units)})


def _require_degrees(frame: gpd.GeoDataFrame, path: Path) -> None:
    import shapely

    # Each vertex knows its row, so that the feature at fault can be named.
    xy, row = shapely.get_coordinates(frame.geometry.values, return_index=True)
    wrong = ~((abs(xy[:, 0]) <= 180) & (abs(xy[:, 1]) <= 90))
    if wrong.any():
        x, y = xy[wrong][0]
        raise InputError(
            f"feature '{frame['id'].iloc[row[wrong][0]]}' has the coordinate {x:g}, {y:g}, which is not "
            "longitude and latitude in degrees",
            where=path,
            remedy="put longitude first, or export the layer in EPSG:4326",
        )


def _require_shapes(frame: gpd.GeoDataFrame, kind: LayerKind, path: Path) -> None:
    # An area among lines has no length and no ends: what it is asked for would be wrong, or nothing.
    shapes, types = frame.geometry, GEOMETRY_TYPES[kind.geometry]
    wrong = shapes.notna() & ~shapes.is_empty & ~shapes.geom_type.isin(types)
    if types and wrong.any():
        row = frame[wrong].iloc[0]
        raise InputError(
            f"feature '{row['id']}' is a {row.geometry.geom_type}, the layer holds {kind.geometry}s",
            where=path,
            remedy="correct it, or put it into another layer",
        )


def _numbers(frame: gpd.GeoDataFrame, column: str, where: object) -> pd.Series:
    # Figures with a unit are numbers, not negative, or empty.
    import pandas as pd

    values = pd.to_numeric(frame[column], errors="coerce")
    wrong = frame[column].notna() & ~((values >= 0) & (values < math.inf))
    if wrong.any():
        row = frame[wrong].iloc[0]
        raise InputError(
            f"feature '{row['id']}' has {column} = '{row[column]}', which is not a figure of 0 or more",
            where=where,
            remedy="correct it or leave it empty",
        )
    return values


def require_usable(layer: Layer, *columns: str) -> gpd.GeoDataFrame:
    """Located features of a layer that an analysis rests on: some, all valid, these columns filled.

    Raises
    ------
    InputError
        If there is no such feature, or naming the first that is broken.
    """
    frame = layer.located
    if frame.empty:
        raise InputError(
            "has no feature with a geometry", where=layer.path, remedy="add at least one"
        )
    broken = frame.loc[~frame.geometry.is_valid, "id"]
    if len(broken):
        raise InputError(
            f"feature '{broken.iloc[0]}' has an invalid geometry",
            where=layer.path,
            remedy="repair it (in QGIS: Fix geometries) and run `urbanplan check`",
        )
    for column in columns:
        empty = frame.loc[frame[column].isna(), "id"]
        if len(empty):
            raise InputError(
                f"feature '{empty.iloc[0]}' has no {column}", where=layer.path, remedy="fill it in"
            )
    return frame


class _Layers(Mapping[str, Layer]):
    """Layers by name, each read when it is asked for: a question needs few of them."""

    def __init__(self, city: City) -> None:
        self._city, self._read = city, dict[str, Layer]()
        self._names = [n for n in load_catalog().layers if city.has(f"{n}.geojson")]

    def __getitem__(self, name: str) -> Layer:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = load_layer(self._city, name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_layers(city: City) -> Mapping[str, Layer]:
    """Every layer the city has a file for, in the catalogue's order; each is read when it is asked for.

    Raises
    ------
    InputError
        When a layer is asked for, as `load_layer` does.
    """
    return _Layers(city)


def require(layers: Mapping[str, Layer], *names: str) -> list[Layer]:
    """Return the named layers, or say which one an analysis cannot do without."""
    for name in names:
        if name not in layers:
            raise InputError(
                f"the city has no layer '{name}'", remedy=f"add {name}.geojson to its folder"
            )
    return [layers[n] for n in names]


def accuracy_under(layers: Mapping[str, Layer], facilities: Sequence[str], least_m: float) -> float:
    """How far off what is computed may be, in metres: as far as the roughest thing that it rests on.

    Parameters
    ----------
    layers : dict of str to Layer
    facilities : sequence of str
        Layers of what is reached; roads, bridges and districts count besides.
    least_m : float
        What it is at least, such as the side of a cell.
    """
    under = ("roads", "bridges", "districts", *facilities)
    worst = [layers[n].located["accuracy_m"].astype(float).max() for n in under if n in layers]
    return float(max([least_m, *(w for w in worst if w == w)]))


def summary(layers: Mapping[str, Layer]) -> pd.DataFrame:
    """What a city holds: features, how many have a place, their quality and extra columns."""
    import pandas as pd

    rows = []
    for layer in layers.values():
        frame = layer.frame
        rows.append(
            {
                "layer": layer.id,
                "name_zh": layer.kind.name_zh,
                "name_en": layer.kind.name_en,
                "geometry": layer.kind.geometry,
                "features": len(frame),
                "located": len(layer.located),
                "existing": int((frame["status"] == "existing").sum()),
                **{q: int((frame["quality"] == q).sum()) for q in QUALITIES},
                "accuracy_m": layer.located["accuracy_m"].astype(float).median(),
                "completeness": layer.completeness,
                "columns": ", ".join(layer.kind.columns),
            }
        )
    return pd.DataFrame(rows)


#: What the files beside the layers are called.
_FILES = {
    "streets.osm.pbf": ("街道", "streets"),
    GROUNDS: ("设施用地轮廓", "grounds of facilities"),
    "population.tif": ("人口栅格", "people (raster)"),
    "heights.tif": ("高程", "heights"),
}
#: Columns of `data_gaps`.
_GAP_COLUMNS = (
    "file", "name_zh", "name_en", "kind", "share", "count", "total", "why", "origin",
)  # fmt: skip
#: Files that a sentence names before it counts the rest.
_MOST_NAMED = 3


def data_gaps(city: City) -> pd.DataFrame:
    """What the city's files lack, as its manifest has it: one row per file and thing.

    Returns
    -------
    DataFrame
        ``file, name_zh, name_en, kind, share, count, total, why, origin``; `share` is of the city's area,
        0-1 (of kind ``covered``: what is covered; ``void``: what has no value), `count` of things, `total`
        of those that are published (of kind ``partial``: `count` of them are there).
    """
    import pandas as pd

    rows = [
        {"file": name, "name_zh": zh, "name_en": en, **asdict(gap)}
        for name, (zh, en) in _named_files(city)
        for gap in held_of(city.manifest, name)[1]
    ]
    table = pd.DataFrame(rows, columns=list(_GAP_COLUMNS))
    whole = {c: table[c].astype("Int64") for c in ("count", "total")}
    return table.assign(share=table["share"].astype(float), **whole)


def completeness(city: City, file: str) -> str:
    """Whether a file is a ``complete`` or a ``partial`` register; empty where the manifest does not say."""
    if any(gap.kind == "partial" for gap in held_of(city.manifest, file)[1]):
        return "partial"
    return str(city.manifest["files"].get(file, {}).get("completeness", ""))


def covered_share(city: City, *files: str) -> float:
    """Share of the city's area that every one of these files covers, 0-1: that of the least."""
    gaps = (gap for name in files for gap in held_of(city.manifest, name)[1])
    return min((g.share for g in gaps if g.kind == "covered" and g.share is not None), default=1.0)


def _named_files(city: City) -> Iterator[tuple[str, tuple[str, str]]]:
    # Files of the manifest, and what readers call them.
    layers = load_catalog().layers
    for name in city.manifest["files"]:
        kind = layers.get(name.removesuffix(".geojson"))
        if kind is None:
            yield name, _FILES.get(name, (name, name))
        else:
            own = city.titles.get(kind.id, {})
            yield name, (own.get("name_zh", kind.name_zh), own.get("name_en", kind.name_en))


def gap_sentences(city: City, file: str | None = None) -> list[str]:
    """What the files (or one of them) lack, ``中文 / English``: what several lack is said once."""
    about: dict[DataGap, list[tuple[str, str]]] = {}
    for name, called in _named_files(city):
        for gap in held_of(city.manifest, name)[1] if file in (None, name) else ():
            about.setdefault(gap, []).append(called)
    said = []
    for gap, names in about.items():
        more = len(names) - _MOST_NAMED
        zh, en = ("、".join(n[0] for n in names[:_MOST_NAMED]), ", ".join(n[1] for n in names[:_MOST_NAMED]))  # fmt: skip
        if more > 0:
            zh, en = f"{zh}等{len(names)}项数据", f"{en} and {more} more"
        said.append(gap.sentence(zh, f"data of {en}"))
    return said


def validate(layer: Layer) -> list[Finding]:
    """All rows of a layer that break its schema or have a broken geometry."""
    return list(_findings(layer))


def _findings(layer: Layer) -> Iterator[Finding]:
    frame = layer.frame
    nothing = Finding(layer.id, "", "schema", "")
    for column in COMMON_COLUMNS:
        values = frame[column]
        if column not in _MAY_BE_EMPTY:
            for fid in frame["id"][values.isna() | (values.astype(str).str.strip() == "")]:
                yield replace(nothing, feature=fid, message=f"{column} is empty")
    for column, allowed in (("status", STATUSES), ("quality", QUALITIES)):
        for fid, value in frame.loc[~frame[column].isin(allowed), ["id", column]].values:
            yield replace(
                nothing, feature=fid, message=f"{column} '{value}' is not one of {allowed}"
            )
    located = layer.located
    types = GEOMETRY_TYPES[layer.kind.geometry]
    for fid, geometry, accuracy in located[["id", "geometry", "accuracy_m"]].values:
        if geometry.geom_type not in types:
            yield replace(
                nothing,
                feature=fid,
                message=f"{geometry.geom_type} in a {layer.kind.geometry} layer",
            )
        if not geometry.is_valid:
            yield Finding(layer.id, fid, "geometry", "geometry is not valid")
        if not (accuracy and accuracy > 0):
            yield replace(nothing, feature=fid, message="accuracy_m is not above 0")


def select(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Rows that meet a condition: ``col=value``, ``col~token`` (in a ``;`` list), joined by ``&``.

    Parameters
    ----------
    frame : DataFrame
        Rows to choose from.
    where : str
        The condition; empty chooses all.

    Raises
    ------
    InputError
        If the condition cannot be read or names a column that is not there.
    """
    for column, op, value in conditions(where, frame.columns):
        text = frame[column].map(lambda v: "" if is_missing(v) else f"{v}")
        if op == "~":
            frame = frame[[value in tokens for tokens in text.str.split(";")]]
        else:
            frame = frame[text == value]
    return frame


def conditions(where: str, columns: Collection[str]) -> list[tuple[str, str, str]]:
    """A condition's parts as (column, ``=`` or ``~``, value).

    Raises
    ------
    InputError
        If it cannot be read or names none of the columns.
    """
    found = []
    for part in filter(None, (p.strip() for p in where.split("&"))):
        op = "~" if "~" in part.split("=")[0] else "="
        column, sign, value = (s.strip() for s in part.partition(op))
        if not sign or column not in columns:
            raise InputError(
                f"condition '{part}' names no column of the layer", remedy="use col=value"
            )
        found.append((column, op, value))
    return found


def choose(layers: Mapping[str, Layer], names: str, where: str) -> gpd.GeoDataFrame:
    """Features of one layer or of several (``roads+bridges``) that meet a condition."""
    import pandas as pd

    frames = []
    for name in names.split("+"):
        if name not in layers:
            raise InputError(f"the city has no layer '{name}'", remedy="correct the check")
        frames.append(select(layers[name].frame, where))
    if len(frames) == 1:
        return frames[0]
    shared = [c for c in frames[0].columns if all(c in f.columns for f in frames)]
    return pd.concat([f[shared] for f in frames if len(f)], ignore_index=True)


def located(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Features that have a geometry."""
    return frame[~(frame.geometry.isna() | frame.geometry.is_empty)]


def measure(frame: gpd.GeoDataFrame, what: str) -> float:
    """One figure of a set of features, on the ellipsoid.

    Parameters
    ----------
    frame : GeoDataFrame
        Features in WGS84.
    what : str
        ``area_km2``, ``area_ha``, ``length_km``, ``enclosed_km2`` (area inside the ring that the
        lines close), ``count``, ``sum:COLUMN`` or ``value:COLUMN`` (of the only feature).

    Returns
    -------
    float
        NaN when nothing was chosen.
    """
    name, _, column = what.partition(":")
    if name == "count":
        return float(len(frame))
    if not len(frame):
        return math.nan
    if name == "sum":
        return float(frame[column].sum())
    if name == "value":
        return float(frame[column].iloc[0]) if len(frame) == 1 else math.nan
    frame = located(frame)
    if not len(frame):
        return math.nan
    if name == "length_km":
        return sum(map(crs.length_m, frame.geometry)) / 1e3
    if name == "enclosed_km2":
        return _enclosed_m2(frame) / 1e6
    scale = {"area_km2": 1e6, "area_ha": 1e4}.get(name)
    if scale is None:
        raise InputError(f"unknown measure '{what}'", remedy="correct facts.csv")
    return crs.area_m2(frame.geometry.union_all()) / scale


def _enclosed_m2(frame: gpd.GeoDataFrame) -> float:
    from shapely import polygonize, union_all

    rings = polygonize(list(frame.geometry.explode().values))
    return crs.area_m2(union_all([rings])) if len(rings.geoms) else math.nan
