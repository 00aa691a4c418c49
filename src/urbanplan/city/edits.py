"""Layers that somebody edited in the GeoPackage of a run, taken back: what changed, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, transform
from urbanplan.base.schema import is_missing
from urbanplan.catalog import COMMON_COLUMNS
from urbanplan.city.folder import district_names, marked, write_layer
from urbanplan.city.layers import Finding, Layer
from urbanplan.city.profile import City
from urbanplan.city.repair import Worth, columns_of, fill, repair
from urbanplan.errors import InputError
from urbanplan.files import Delivery, geopackage_identifiers, geopackage_layers, read_delivery
from urbanplan.files.manifest import held_of, with_gaps
from urbanplan.sources.crs_of_file import settle

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

#: Shapes nearer than this to what they were have not been moved: a city's layers are stored to six
#: decimals of a degree, which is within 0.08 m.
_STILL_M = 0.1
#: Figures that differ by less than this share are the same figure.
_SAME = 1e-9
#: What the table of changes says of each.
COLUMNS = ("layer", "id", "name_zh", "change", "metres", "column", "before", "after")


@dataclass(frozen=True)
class Edits:
    """A city's layers with the edits of a GeoPackage.

    Attributes
    ----------
    layers : dict of str to Layer
        All of the city's, edited or not.
    changes : DataFrame
        Columns `COLUMNS`; ``change`` is added, removed, moved or changed; ``metres`` how far the
        farthest vertex moved.
    findings : tuple of Finding
        What was repaired or filled in, and what was left out.
    origin : Delivery or None
        The package, None where nothing was edited.
    """

    layers: Mapping[str, Layer]
    changes: pd.DataFrame
    findings: tuple[Finding, ...]
    origin: Delivery | None


def take(city: City, base: Mapping[str, Layer], path: Path | str) -> Edits:
    """Read the layers of a GeoPackage that stand for a city's, and compare them with its own.

    Parameters
    ----------
    city : City
    base : dict of str to Layer
        The city's layers as they are.
    path : path
        A ``.gpkg`` that a run has written and somebody has edited. Tables that are no layer of the
        city, such as results, are not looked at.

    Returns
    -------
    Edits
        Rows without changes are exactly the city's own.

    Raises
    ------
    InputError
        If the package is another city's, has none of the city's layers, or one lacks a column that
        layers carry.
    """
    import pandas as pd

    path = Path(path)
    if path.suffix.lower() != ".gpkg":
        raise InputError(
            "is no GeoPackage", where=path, remedy="edit the .gpkg that 'urbanplan run' wrote"
        )
    there = [n for n in geopackage_layers(path) if n in base and base[n].kind.geometry != "none"]
    if not there:
        raise InputError(
            "has none of the city's layers",
            where=path,
            remedy=f"keep the names that 'urbanplan run' gave them, such as {next(iter(base))}",
        )
    _require_own_id(city, path, there)
    deliveries = {name: read_delivery(path, layer=name) for name in there}
    _require_own_place(city, base, deliveries, path)
    layers, rows, findings, origin = dict(base), [], [], None
    for name, delivery in deliveries.items():
        one = _compared(city, base[name], delivery)
        if one.rows:
            origin = delivery
            layers[name] = replace(base[name], frame=one.frame, path=path, sha256=f"{delivery.sha256}:{name}")  # fmt: skip
        rows += one.rows
        findings += one.findings
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Edits(layers, table, tuple(findings), origin)


def _require_own_id(city: City, path: Path, there: list[str]) -> None:
    # A run writes whose layers they are into their metadata: "<city>.<layer>".
    ids = geopackage_identifiers(path)
    cities = {ids[n].removesuffix(f".{n}") for n in there if ids.get(n, "").endswith(f".{n}")}
    if cities and city.id not in cities:
        raise InputError(
            f"holds the city '{min(cities)}', not '{city.id}'",
            where=path,
            remedy=f"name that city's folder, or give the GeoPackage of a run of '{city.id}'",
        )


def _require_own_place(
    city: City, base: Mapping[str, Layer], deliveries: Mapping[str, Delivery], path: Path
) -> None:
    # Where no metadata is left: its area, or else all that it has, is nowhere near the city's.
    import shapely

    frames = [n for n in ("study_area", "districts") if n in deliveries] or list(deliveries)
    own = [n for n in ("study_area", "districts") if n in base] or list(base)
    here = shapely.total_bounds([g for n in own for g in base[n].located.geometry])
    shapes = [g for n in frames for g in _settled(base[n], deliveries[n])[1] if g is not None]
    there = shapely.total_bounds(shapes)
    # Without any shape, nothing can be said.
    if np.isfinite([*here, *there]).all() and shapely.box(*here).disjoint(shapely.box(*there)):
        west, south, east, north = there
        raise InputError(
            f"holds another city than '{city.id}': it lies between {west:.2f}, {south:.2f} and"
            f" {east:.2f}, {north:.2f}",
            where=path,
            remedy=f"give the GeoPackage of a run of '{city.id}'",
        )


@dataclass(frozen=True)
class _One:
    frame: gpd.GeoDataFrame
    rows: list[dict[str, Any]]
    findings: list[Finding]


def _compared(city: City, layer: Layer, delivery: Delivery) -> _One:
    table, shapes = _settled(layer, delivery)
    old = layer.frame.set_index("id", drop=False)
    given = [_plain(v) for v in table["id"]]
    # Drawn in QGIS without an id: made from what they are, so they are known again when looked at
    # twice. Apart, since a new row without an id must not cost the others theirs.
    drawn, findings = _fitted(layer, table, shapes, [i for i, v in enumerate(given) if v is None])
    seen: set[str] = set()
    kept: list[str] = []
    edited: list[int] = []
    added, rows = [], []
    for i, fid in enumerate(given):
        if fid is None:
            continue
        if str(fid) not in old.index or str(fid) in seen:
            added.append(i)
            continue
        seen.add(str(fid))
        told = list(_differences(layer, old.loc[str(fid)], table.iloc[i], shapes[i], city))
        rows += told
        if told:
            edited.append(i)
        else:
            kept.append(str(fid))
    for _, row in drawn[drawn["id"].isin(old.index)].iterrows():
        seen.add(row["id"])
        told = list(_differences(layer, old.loc[row["id"]], row, row.geometry, city))
        rows += told
        if not told:
            kept.append(row["id"])
            drawn = drawn[drawn["id"] != row["id"]]
    changed, more = _fitted(layer, table, shapes, edited)
    new, most = _fitted(layer, table, shapes, added)
    fresh = [new, drawn[~drawn["id"].isin(old.index)]]
    rows += [_row(layer, r.id, r.name_zh, "added") for part in fresh for r in part.itertuples()]
    for fid in old.index.difference(list(seen)):
        rows.append(_row(layer, fid, old.loc[fid, "name_zh"], "removed"))
    frame = _ordered(layer, list(old.index), [old.loc[kept], changed, new, drawn])
    return _One(frame, rows, [*findings, *more, *most])


def _ordered(layer: Layer, order: list[str], parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    # In the city's own order, what is new behind.
    import geopandas as gpd
    import pandas as pd

    tables = [pd.DataFrame(p.drop(columns="geometry")).astype(object) for p in parts if len(p)]
    empty = pd.DataFrame(columns=columns_of(layer.kind))
    table = pd.concat(tables, ignore_index=True) if tables else empty
    shapes = [g for p in parts for g in p.geometry]
    frame = gpd.GeoDataFrame(table[columns_of(layer.kind)], geometry=shapes, crs=WGS84)
    place = {fid: i for i, fid in enumerate(order)}
    at = sorted(range(len(frame)), key=lambda i: (place.get(frame["id"].iloc[i], len(place)), str(frame["id"].iloc[i])))  # fmt: skip
    frame = frame.iloc[at].reset_index(drop=True)
    for column in ("accuracy_m", *(c for c, unit in layer.kind.columns.items() if unit)):
        frame[column] = frame[column].astype(float)
    return frame


def _settled(layer: Layer, delivery: Delivery) -> tuple[pd.DataFrame, np.ndarray]:
    frame = delivery.frame
    missing = [c for c in (*COMMON_COLUMNS, *layer.kind.columns) if c not in frame.columns]
    if missing:
        raise InputError(
            f"layer '{layer.id}' lacks the column(s) {', '.join(missing)}",
            where=delivery.path,
            remedy="leave the columns of a layer as they are",
        )
    settled = settle(frame, delivery.crs_from, None, None, delivery.path).frame
    shapes = np.array(list(settled.geometry.values), object)
    return frame.drop(columns=frame.geometry.name), shapes


def _moved_m(before: BaseGeometry | None, after: BaseGeometry | None, crs: str) -> float:
    # How far the farthest vertex is from what was; infinite where a place came or went.
    import shapely

    none = [g is None or g.is_empty for g in (before, after)]
    if any(none):
        return 0.0 if all(none) else float("inf")
    if shapely.equals_exact(shapely.normalize(before), shapely.normalize(after), 1e-12):
        return 0.0
    one, other = (shapely.transform(g, lambda xy: transform(xy, WGS84, crs)) for g in (before, after))  # fmt: skip
    apart = float(shapely.hausdorff_distance(one, other))
    a, b = shapely.get_coordinates(one), shapely.get_coordinates(other)
    if len(a) != len(b):
        return apart
    # Vertex by vertex, where they still stand in their order; a ring begun elsewhere does not.
    steps = np.hypot(*(a - b).T)
    ordered = (steps <= _STILL_M).any() or steps.max() <= 2 * apart
    return float(steps.max()) if ordered else apart


def _differences(layer: Layer, old: Any, new: Any, shape: Any, city: City) -> Iterator[dict]:
    metres = _moved_m(old["geometry"], shape, city.metric_crs)
    if metres > _STILL_M:
        known = round(metres, 3) if np.isfinite(metres) else None
        yield _row(layer, old["id"], old["name_zh"], "moved", metres=known)
    for column in columns_of(layer.kind):
        before, after = _plain(old[column]), _plain(new[column])
        if column == "district" and after is None:
            # Where a feature lies is filled in as it is taken over.
            continue
        if not _same(before, after):
            yield _row(layer, old["id"], old["name_zh"], "changed", column=column, before=before, after=after)  # fmt: skip


def _row(layer: Layer, fid: Any, name: Any, change: str, **more: Any) -> dict[str, Any]:
    none = dict.fromkeys(COLUMNS)
    return none | {"layer": layer.id, "id": str(fid), "name_zh": name, "change": change} | more


def _plain(value: Any) -> Any:
    # QGIS writes an empty cell as NULL, and a number as a number of another type.
    if is_missing(value) or (isinstance(value, str) and not value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return value.item() if hasattr(value, "item") else value


def _same(before: Any, after: Any) -> bool:
    figures = all(isinstance(v, int | float) for v in (before, after))
    if figures and not any(isinstance(v, bool) for v in (before, after)):
        return abs(before - after) <= _SAME * max(abs(before), abs(after))
    return before == after or (before is not None and after is not None and str(before) == str(after))  # fmt: skip


def _fitted(
    layer: Layer, table: pd.DataFrame, shapes: np.ndarray, rows: list[int]
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    # Edited and new rows pass the repairs and defaults of an import; the others do not.
    import geopandas as gpd

    part, own = table.iloc[rows].reset_index(drop=True), shapes[rows]
    labels = np.array([f"{layer.id} {v}" for v in part["id"]], object)
    done = repair(own, labels, layer.kind)
    named = {c: c for c in columns_of(layer.kind)}
    worth = Worth(
        status="planned", quality="schematic", accuracy_m=None, as_of="未注明 not stated",
        source="手工编辑 edited by hand", licence="未注明 not stated",
    )  # fmt: skip
    filled, findings = fill(part, done.shapes, named, layer.kind, worth)
    findings = [*done.repaired, *done.refused, *findings, *_defaulted(layer, part, filled)]
    # A package stores every area as several; what is one is one again.
    single = [g.geoms[0] if hasattr(g, "geoms") and len(g.geoms) == 1 else g for g in done.shapes]
    frame = gpd.GeoDataFrame(filled, geometry=single, crs=WGS84)
    return frame[done.keep][[*columns_of(layer.kind), "geometry"]], findings


def _defaulted(layer: Layer, given: pd.DataFrame, filled: pd.DataFrame) -> Iterator[Finding]:
    for column in ("status", "quality", "source"):
        for fid, before, after in zip(filled["id"], given[column], filled[column]):
            if _plain(before) is None:
                yield Finding(layer.id, fid, column, f"{column} is not filled in: taken as {after}")


def keep(city: City, edits: Edits, day: str = "") -> dict[str, Path]:
    """Write the edited layers into a city's own folder, and say in its manifest where they are from.

    Parameters
    ----------
    city : City
        Not one that ships with the package.
    edits : Edits
        From `take`.
    day : str
        Today, for the manifest.
    """
    written = {}
    for name in dict.fromkeys(edits.changes["layer"]):
        layer, origin = edits.layers[name], edits.origin
        assert origin is not None
        row = {"title": f"{origin.path.name}, layer {name}", "format": origin.driver, "sha256": origin.sha256, "imported": day}  # fmt: skip
        key = f"{origin.path.name}-{origin.sha256[:8]}"
        built_from, gaps = held_of(city.manifest, f"{name}.geojson")
        said = with_gaps({"built_from": sorted({*built_from, key})}, gaps)
        frame = layer.frame
        districts = edits.layers.get("districts")
        if name not in ("districts", "study_area") and districts is not None:
            here = district_names(np.array(list(frame.geometry), object), districts.located)
            frame = frame.assign(district=[h or d for h, d in zip(here, frame["district"])])
        frame = marked(frame, layer.outside)
        table = frame.drop(columns="geometry")
        written[name] = write_layer(
            city.layers_folder, layer.kind, table, frame.geometry, said, {key: row}
        )
    return written
