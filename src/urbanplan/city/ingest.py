"""A planner's file becomes a layer of a city: what was mapped, repaired, refused, and said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, transform
from urbanplan.base.grid import Grid, grid_over
from urbanplan.base.schema import is_missing, normal
from urbanplan.catalog import LayerKind, load_catalog
from urbanplan.city.fetch import around
from urbanplan.city.folder import (
    PEOPLE,
    district_names,
    marked,
    require_free,
    write_layer,
    write_people,
)
from urbanplan.city.layers import OUTSIDE, Finding, Layer, load_layer, with_figures
from urbanplan.city.profile import City
from urbanplan.city.repair import (
    REFUSALS,
    Worth,
    columns_of,
    cut,
    cut_beyond,
    doubles,
    fill,
    match,
    repair,
)
from urbanplan.errors import InputError
from urbanplan.files import (
    RASTER_DRIVERS,
    Delivery,
    has,
    is_total,
    manifest,
    read_delivery,
    split_name,
)
from urbanplan.files.manifest import DataGap, held_of, with_gaps
from urbanplan.sources.crs_of_file import Settled, divisions_near, require_near, settle

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

#: What the name of a district may end in, and a table leaves out.
_ENDING = re.compile(r"(街道办事处|街道办|街道|办事处|自治县|自治旗|社区|镇|乡|市|区|县|旗)$")
#: Layers that say where the city is; they are not cut at its edge.
_FRAMES = ("districts", "study_area")


@dataclass(frozen=True)
class Report:
    """What an import did.

    Attributes
    ----------
    path : Path
        The file that was written.
    rows_in, rows_out : int
        Rows of the delivery, and features that the layer has now.
    added, changed : int
        Features that the layer did not have before, and those that it had otherwise.
    appended : bool
        Whether the layer had features that stay.
    mapped : mapping of str to str
        Layer column to the delivery's column.
    unmapped : tuple of str
        Columns of the delivery that no column of the layer takes.
    repaired, refused : tuple of Finding
    notes : tuple of str
        What else the reader must know: who declared the system, a suspected shift, and so on.
    """

    path: Path
    rows_in: int
    rows_out: int
    added: int
    changed: int
    appended: bool
    mapped: Mapping[str, str]
    unmapped: tuple[str, ...]
    repaired: tuple[Finding, ...]
    refused: tuple[Finding, ...]
    notes: tuple[str, ...]

    def summary(self) -> list[str]:
        """Findings by rule, with how many rows and the first few of them."""
        lines = []
        for word, findings in (("repaired", self.repaired), ("refused", self.refused)):
            count = Counter(f.rule for f in findings)
            for rule, number in sorted(count.items()):
                first = [f for f in findings if f.rule == rule][:3]
                some = "; ".join(f"{f.feature}: {f.message}".lstrip(": ") for f in first)
                lines.append(f"{word} {number} × {rule} ({some}{' …' if number > 3 else ''})")
        return lines


def bring_file(
    city: City,
    file: Path | str,
    kind: str,
    worth: Worth,
    *,
    crs: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    given: Mapping[str, str],
    seven: tuple[float, ...] | None = None,
    keep: str = "",
    strict: bool = False,
    large: bool = False,
    band: int | None = None,
    unit: str | None = None,
    day: str,
) -> Report:
    """Make a file what it is, by its ending and `kind`: a raster, streets, people at points, or any other layer.

    Parameters
    ----------
    file : path
        What stands behind it, as in ``FILE|layername=NAME``, holds where nothing else is said.
    kind : str
        A layer, ``streets``, or a raster's name.
    band, unit
        Of a raster; see `urbanplan.city.rasters.bring_raster`.
    crs, layer, encoding, large
        See `urbanplan.files.read_delivery`.
    city, worth, given, seven, keep, strict, day
        See `bring`.

    Returns
    -------
    Report
        Without counts, but with the path and notes, of rasters, streets and people at points.
    """
    path, said = split_name(file)
    layer, crs = layer or said.get("layername"), crs or said.get("crs")
    how: dict[str, Any] = {"layer": layer, "crs": crs, "large": large}
    how["encoding"] = encoding or said.get("encoding")
    replace = keep == "replace"
    if path.suffix.lower() in RASTER_DRIVERS:
        from urbanplan.city.rasters import bring_raster

        return _uncounted(*bring_raster(
            city, path, kind, worth, crs=crs, replace=replace, day=day, band=band, unit=unit, variable=layer,
        ))  # fmt: skip
    if kind == "streets":
        from urbanplan.city.fetch import bring_streets

        return _uncounted(*bring_streets(
            city, path, worth, replace=replace, day=day, given=given, seven=seven, **how,
        ))  # fmt: skip
    people = kind == "population"
    delivery = read_delivery(
        path, placeless=people, family=load_catalog().layer(kind).geometry, **how
    )
    if people and people_at_points(delivery.frame):
        return _uncounted(*bring_people(
            city, delivery, worth, crs=crs, given=given, replace=replace, strict=strict, day=day,
        ))  # fmt: skip
    return bring(
        city, delivery, kind, worth, crs=crs, given=given, strict=strict, keep=keep, day=day, seven=seven
    )  # fmt: skip


def _uncounted(path: Path, notes: Sequence[str]) -> Report:
    return Report(path, 0, 0, 0, 0, False, {}, (), (), (), tuple(notes))


def bring(
    city: City,
    delivery: Delivery,
    name: str,
    worth: Worth,
    *,
    crs: str | None = None,
    given: Mapping[str, str] | None = None,
    strict: bool = False,
    keep: str = "",
    day: str = "",
    seven: tuple[float, ...] | None = None,
) -> Report:
    """Make a delivery a layer of a city.

    Parameters
    ----------
    city : City
    delivery : Delivery
        From `urbanplan.files.read_delivery`.
    name : str
        The layer.
    worth : Worth
        What rows say of themselves where the delivery does not.
    crs : str, optional
        ``gcj02``, ``bd09`` or a code, if the file's own is missing or wrong.
    given : mapping, optional
        Layer column to delivery column, before what is recognised.
    strict : bool
        Any repair, refusal or suspicion is an error, and nothing is written.
    keep : {"", "append", "replace"}
        What becomes of features that the layer has already; by default that is an error.
    day : str
        Today, for the manifest.
    seven : tuple of 7 floats, optional
        How the datum of its coordinates is brought to WGS84, see `urbanplan.base.crs.with_shift`.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If nothing of the delivery can be used, or `strict` finds something.
    """
    kind = load_catalog().layer(name)
    if kind.geometry == "none":
        raise InputError(f"'{name}' is a table, not a map layer", remedy="edit its file by hand")
    before = _before(city, name, keep)
    raster = name == "population" and _raster_to_go(city, keep)
    districts = _frame(city, "districts")
    area = None if name in _FRAMES else _area(city)
    mapped = match(_columns(delivery.frame), kind, given or {})
    frame, totals = _without_totals(delivery.frame.reset_index(drop=True), mapped)
    joined, unjoined, theirs = list[str](), list[Finding](), mapped
    if name == "population" and len(frame) and not _has_place(frame).any():
        frame, by, joined, unjoined = joined_by_name(
            frame, mapped, kind, worth, districts, delivery.path
        )
        theirs = {"persons": mapped["persons"], "name_zh": by}
        mapped = {c: c for c in frame.columns if c != "geometry"}
    settled = settle(
        frame, delivery.crs_from, crs or delivery.system, _middle(city), delivery.path, seven
    )
    notes = [
        *delivery.notes,
        *(joined or settled.notes()),
        *_left_out(totals),
        *_unnamed(frame, mapped, kind),
    ]
    suspicion = _suspicion(settled, area, districts, delivery.path)
    notes += [suspicion] * bool(suspicion)
    near = None if area is None or kind.role != "facility" else around(city)
    rows, shapes, repaired, refused = _fitted(
        settled.frame, kind, mapped, worth, area, near, delivery
    )
    refused += unjoined
    if strict:
        repairs = [*_left_out(totals), *(f"{f.feature}: {f.message}" for f in repaired)]
        found = (len(totals) + len(repaired), len(refused))
        firsts = [suspicion] * bool(suspicion) + [f"{f.feature}: {f.message}" for f in refused]
        _require_nothing(delivery.path, found, [*firsts, *repairs])
    # Nothing is better placed than the datum that it came in.
    rows["accuracy_m"] = rows["accuracy_m"].clip(lower=settled.error_m or None)
    if not len(rows):
        raise _nothing(kind, delivery.path, refused)
    if districts is not None and name not in _FRAMES:
        # Where a feature lies is what its shape says.
        here = district_names(shapes, districts)
        rows["district"] = [h or d for h, d in zip(here, rows["district"])]
    notes += _beyond(rows)
    added, changed = _news(before, rows, shapes)
    rows, every = _together(before, rows, shapes)
    origin = _origin(delivery, settled, worth, day)
    built_from, gaps = held_of(city.manifest, f"{name}.geojson") if before else ((), ())
    gaps = (*gaps, *_gaps(refused, next(iter(origin))))
    said = with_gaps({"built_from": sorted({*built_from, *origin})}, gaps)
    path = write_layer(city.layers_folder, kind, rows, every, said, origin)
    if raster:
        manifest.drop(city.layers_folder, PEOPLE)
    unmapped = tuple(c for c in _columns(delivery.frame) if c not in theirs.values())
    return Report(
        path, len(delivery.frame), len(rows), added, changed, before is not None, theirs, unmapped,
        tuple(repaired), tuple(refused), tuple(notes),
    )  # fmt: skip


def _suspicion(
    settled: Settled, area: BaseGeometry | None, districts: gpd.GeoDataFrame | None, where: object
) -> str:
    # Boundaries are compared with the installed divisions, what lies in them with the boundaries.
    if area is not None:
        require_near(settled.frame, area, settled.system, where)
    known = districts if area is not None else divisions_near(settled.frame)
    return settled.suspicion(known)


def _beyond(rows: pd.DataFrame) -> list[str]:
    beyond = int(rows[OUTSIDE].sum())
    return [
        f"{beyond}处在城市范围外，计入出行时间，不计入城市的设施数 / {beyond} lie beyond the boundary:"
        " they count in travel times, not among the city's facilities"
    ] * bool(beyond)


def _without_totals(
    frame: gpd.GeoDataFrame, mapped: Mapping[str, str]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    # A row that adds up the others is no feature. It has its word where names stand, or first.
    table = frame.drop(columns=frame.geometry.name)
    columns = [table[c].tolist() for c in table.columns]
    named = [table[mapped[c]].tolist() for c in ("name_zh", "name_en") if c in mapped]
    placed = _has_place(frame)
    keep, words = np.ones(len(frame), bool), []
    for i in range(len(frame)):
        texts = (c[i] for c in columns if isinstance(c[i], str) and c[i].strip())
        word = next(filter(is_total, (*(c[i] for c in named), next(texts, None))), None)
        # A filling station may be called Total: with a place, only what nothing else is called.
        if word is not None and not (placed[i] and word.isascii()):
            keep[i] = False
            words.append(word.strip())
    return frame[keep], words


def _has_place(frame: gpd.GeoDataFrame) -> np.ndarray:
    import shapely

    shapes = frame.geometry.values
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _raster_to_go(city: City, keep: str) -> bool:
    # A raster of people goes before zones: they would be stored and counted nowhere.
    path = city.layers_folder / PEOPLE
    if has(path) and keep != "replace":
        raise InputError(
            "holds the city's people, and goes before zones",
            where=path,
            remedy="say --replace to put the zones in its place",
        )
    return has(path)


def joined_by_name(
    frame: gpd.GeoDataFrame,
    mapped: Mapping[str, str],
    kind: LayerKind,
    worth: Worth,
    districts: gpd.GeoDataFrame | None,
    where: object,
) -> tuple[gpd.GeoDataFrame, str, list[str], list[Finding]]:
    """People of a table without coordinates, summed over the districts that its rows name.

    Parameters
    ----------
    frame : GeoDataFrame
        The delivery's rows; none has a geometry.
    mapped : mapping
        From `urbanplan.city.repair.match`.
    kind : LayerKind
        Of the population.
    worth : Worth
    districts : GeoDataFrame or None
        The city's, in WGS84.
    where : object
        The file, for messages.

    Returns
    -------
    frame : GeoDataFrame
        One row per district that is named, with its outline: ``id, name_zh, name_en, persons``.
    by : str
        The column that names them.
    notes : list of str
        What was joined.
    refused : list of Finding
        Rows with people that name no district.

    Raises
    ------
    InputError
        If no column holds people, or none names a district.
    """
    import geopandas as gpd

    if "persons" not in mapped:
        raise _no_people(frame, where)
    if districts is None:
        raise InputError("the city has no districts", where=where, remedy="import them first")
    table = frame.drop(columns=frame.geometry.name)
    rows, _ = fill(table, np.full(len(table), None, object), mapped, kind, worth)
    persons = rows["persons"].to_numpy(float)
    known = _names_of(districts)
    named = {c: np.array([_district_at(v, known) for v in table[c]]) for c in table.columns}
    best = max(named, key=lambda c: ((named[c] >= 0).sum(), c == mapped.get("name_zh")))
    at = named[best]
    if not (at >= 0).any():
        some = ", ".join(districts["name_zh"].astype(str)[:5]) + " …" * (len(districts) > 5)
        raise InputError(
            f"has no coordinates, and no column names the city's districts ({some})", where=where,
            remedy="add lon and lat, bring zones with outlines, or name the district of each row",
        )  # fmt: skip
    # A row that is called like its district elsewhere, beside rows that lie in it, is their sum.
    own = np.any([named[c] == at for c in named if c != best], axis=0)
    total = own & (at >= 0) & (np.bincount(at[at >= 0], minlength=len(districts))[at] > 1)
    take, lost = (at >= 0) & ~total & ~np.isnan(persons), (at < 0) & (persons > 0)
    sums = np.bincount(at[take], persons[take], minlength=len(districts))
    used = np.flatnonzero(np.bincount(at[take], minlength=len(districts)))
    out = districts.iloc[used][["id", "name_zh", "name_en", "geometry"]].reset_index(drop=True)
    out.insert(3, "persons", sums[used])
    notes = [f"{take.sum():,} rows without coordinates were joined to {len(used)} districts by '{best}'"]  # fmt: skip
    if total.any():
        notes.append(f"{total.sum():,} rows that sum up their district were left out")
    labels = _labels(frame, mapped)
    refused = [
        Finding(
            kind.id,
            labels[i],
            "place",
            f"no district is called {table[best].iloc[i]}: its {persons[i]:,.0f} people are left out",
        )
        for i in np.flatnonzero(lost)
    ]
    return gpd.GeoDataFrame(out, geometry="geometry", crs=districts.crs), str(best), notes, refused


def _no_people(frame: gpd.GeoDataFrame, where: object) -> InputError:
    listed = ", ".join(_columns(frame)[:20])
    return InputError(
        f"no column holds people (it has {listed})", where=where,
        remedy="name it, e.g. --map persons=人口",
    )  # fmt: skip


def _names_of(districts: gpd.GeoDataFrame) -> dict[str, int]:
    # Every way to call a district that means one only: its names, code and id, whole and bare.
    found: dict[str, set[int]] = {}
    for row, texts in enumerate(districts[["name_zh", "name_en", "adcode", "id"]].values):
        for text in filter(None, map(_plain_name, texts)):
            for name in {text, _ENDING.sub("", text)}:
                found.setdefault(name, set()).add(row)
    return {name: rows.pop() for name, rows in found.items() if len(rows) == 1 and len(name) > 1}


def _plain_name(text: Any) -> str:
    if is_missing(text):
        return ""
    text = str(int(text)) if isinstance(text, float) and text.is_integer() else str(text)
    return re.sub(r"\s", "", normal(text)).casefold()


def _district_at(text: Any, known: Mapping[str, int]) -> int:
    # By its name, without its ending, behind that of its city, or by code; -1 where none is called so.
    name = _plain_name(text)
    if name in known:
        return known[name]
    bare = _ENDING.sub("", name)
    if len(bare) > 1 and bare in known:
        return known[bare]
    ends = {row for full, row in known.items() if len(full) > 2 and name.endswith(full)}
    return ends.pop() if len(ends) == 1 else -1


def people_at_points(frame: gpd.GeoDataFrame) -> bool:
    """Whether all that has a place in a delivery is a point: people at their homes, not in zones."""
    kinds = set(frame.geom_type[_has_place(frame)])
    return bool(kinds) and kinds <= {"Point", "MultiPoint"}


def bring_people(
    city: City,
    delivery: Delivery,
    worth: Worth,
    *,
    crs: str | None,
    given: Mapping[str, str],
    replace: bool,
    strict: bool,
    day: str,
) -> tuple[Path, list[str]]:
    """People at points become persons per cell of the city: the raster that a run reads.

    Parameters
    ----------
    city : City
    delivery : Delivery
        Points with a column of persons.
    worth : Worth
    crs, given, strict, day
        As for `bring`.
    replace : bool
        Whether a raster of people that is there already may go.

    Returns
    -------
    path : Path
    notes : list of str
        Whose people are left out among them; all others are in the raster, to the last one.

    Raises
    ------
    InputError
        If no column holds people, or nobody lives in the city.
    """
    import shapely

    require_free(city, PEOPLE, replace)
    kind = load_catalog().layer("population")
    mapped = match(_columns(delivery.frame), kind, given)
    if "persons" not in mapped:
        raise _no_people(delivery.frame, delivery.path)
    frame, totals = _without_totals(delivery.frame.reset_index(drop=True), mapped)
    settled = settle(frame, delivery.crs_from, crs or delivery.system, _middle(city), delivery.path)
    area = _area(city)
    require_near(settled.frame, area, settled.system, delivery.path)
    shapes = np.array(list(settled.frame.geometry.values), object)
    rows, findings = fill(frame.drop(columns=frame.geometry.name), shapes, mapped, kind, worth)
    persons = rows["persons"].to_numpy(float)
    placed = np.flatnonzero(_has_place(settled.frame))
    xy, inside = np.zeros((len(shapes), 2)), np.zeros(len(shapes), bool)
    xy[placed] = shapely.get_coordinates(shapely.centroid(shapes[placed]))
    shapely.prepare(area)
    inside[placed] = shapely.intersects_xy(area, *xy[placed].T) & (persons[placed] > 0)
    lost = ~inside & (persons > 0)
    unknown = int(np.isnan(persons).sum())
    notes = [f"{persons[inside].sum():,.0f} people at {inside.sum():,} places in the city"]
    doubts = [f"{f.feature}: {f.message}" for f in findings if f.rule == "persons"]
    doubts += [f"{unknown:,} places have no figure of people and are left out"] * bool(unknown)
    doubts += [f"{persons[lost].sum():,.0f} people at {lost.sum():,} places outside the city are left out"] * bool(lost.any())  # fmt: skip
    districts = _frame(city, "districts")
    doubts += filter(None, [settled.suspicion(districts)])
    if strict and doubts:
        _require_nothing(delivery.path, (unknown, int(lost.sum())), doubts)
    if not inside.any():
        raise InputError("holds nobody in the city", where=delivery.path, remedy="check the file")
    band, grid = _per_cell(city, area, xy[inside], persons[inside])
    path = write_people(city, band, grid, worth, _origin(delivery, settled, worth, day))
    return path, [*delivery.notes, *settled.notes(), *_left_out(totals), *notes, *doubts]


def _per_cell(
    city: City, area: BaseGeometry, lonlat: np.ndarray, persons: np.ndarray
) -> tuple[np.ndarray, Grid]:
    # Each goes into the cell that it stands in, or the nearest whose middle lies in the city.
    import geopandas as gpd
    from scipy.ndimage import distance_transform_edt

    shape = gpd.GeoSeries([area], crs=WGS84).to_crs(city.metric_crs).iloc[0]
    grid = grid_over(shape, city.metric_crs, city.analysis.cell_m)
    held = grid.covered([shape])
    if not held.any():
        raise InputError(
            f"the city is smaller than a cell of {grid.cell_m:g} m", where=city.id,
            remedy="use a smaller cell_m in study.toml",
        )  # fmt: skip
    row, column = distance_transform_edt(~held, return_distances=False, return_indices=True)
    cell = grid.cells_at(*transform(lonlat, WGS84, city.metric_crs).T)
    cell = (row * grid.columns + column).ravel()[cell]
    return np.bincount(cell, persons, grid.rows * grid.columns).reshape(grid.shape), grid


def _left_out(totals: list[str]) -> list[str]:
    if not totals:
        return []
    some = ", ".join(totals[:3]) + " …" * (len(totals) > 3)
    return [f"{len(totals)} {'row' if len(totals) == 1 else 'rows'} of totals left out: {some}"]


def _unnamed(frame: gpd.GeoDataFrame, mapped: Mapping[str, str], kind: LayerKind) -> list[str]:
    if "name_zh" in mapped or "name_en" in mapped or not len(frame):
        return []
    return [
        f"no column was taken for the names: all are called '{kind.name_zh}（未命名）'; say --map name_zh=COLUMN"
    ]


def _require_nothing(path: Path, found: tuple[int, int], said: list[str]) -> None:
    # For --strict: nothing may have been repaired, refused, left out or suspected.
    if said:
        raise InputError(
            f"--strict found {found[0]} repairs and {found[1]} refusals ({said[0].strip(': ')})",
            where=path,
            remedy="correct the file, or import it without --strict",
        )


def _nothing(kind: LayerKind, path: Path, refused: list[Finding]) -> InputError:
    why = refused[0].message if refused else "it has no rows"
    remedy = "check --kind and --layer"
    if kind.id == "population" and refused and refused[0].rule == "geometry":
        remedy = "bring zones with people, points with people, or a raster"
    what = f"holds nothing that can be a feature of '{kind.id}' ({why})"
    return InputError(what, where=path, remedy=remedy)


def _news(before: Layer | None, rows: pd.DataFrame, shapes: np.ndarray) -> tuple[int, int]:
    # How many features the layer did not have, and how many it had otherwise.
    if before is None:
        return len(rows), 0
    old = _marked_rows(before).drop_duplicates("id").set_index("id")
    known = rows["id"].isin(old.index).to_numpy()
    same = [
        _same(old.loc[rows["id"].iloc[i]], rows.iloc[i], shapes[i]) for i in np.flatnonzero(known)
    ]
    return int((~known).sum()), same.count(False)


def _same(old: pd.Series, new: pd.Series, shape: Any) -> bool:
    import shapely

    place = old["geometry"]
    if (place is None) != (shape is None):
        return False
    # Layers are stored to six decimals of a degree.
    if place is not None and shapely.hausdorff_distance(place, shape) > 2e-6:
        return False
    return all(_plain(old[c]) == _plain(new[c]) for c in new.index if c != "id")


def _plain(value: Any) -> Any:
    # What is missing is None; a figure is the same whether whole or not.
    if is_missing(value) or (isinstance(value, str) and not value):
        return None
    return float(value) if isinstance(value, int | float | np.number) else str(value)


def _fitted(
    frame: gpd.GeoDataFrame, kind: LayerKind, mapped: Mapping[str, str], worth: Worth,
    area: BaseGeometry | None, near: BaseGeometry | None, delivery: Delivery,
) -> tuple[pd.DataFrame, np.ndarray, list[Finding], list[Finding]]:  # fmt: skip
    # Rows and shapes that are fit for the layer, and what it took.
    shapes = np.array(list(frame.geometry.values), object)
    labels = _labels(frame, mapped)
    clockwise = delivery.driver in ("ESRI Shapefile", "OpenFileGDB")
    done = repair(shapes, labels, kind, clockwise=clockwise)
    repaired, refused, keep, shapes = done.repaired, done.refused, done.keep, done.shapes
    left, outside = np.ones(len(shapes)), np.zeros(len(shapes), bool)
    if area is not None:
        inside = cut(shapes, area, kind.geometry)
        if near is not None:
            # The people inside reach what is near the boundary.
            outside = np.array([s is None for s in inside], bool)
            inside[outside] = cut_beyond(shapes, area, near, kind.geometry)[outside]
            outside &= np.array([s is not None for s in inside], bool)
        for row in np.flatnonzero(keep):
            if shapes[row] is not None and inside[row] is None:
                refused.append(
                    Finding(kind.id, labels[row], "outside", "lies outside the study area")
                )
                keep[row] = False
            elif shapes[row] is not inside[row]:
                if kind.geometry == "polygon":
                    left[row] = inside[row].area / shapes[row].area
                repaired.append(
                    Finding(kind.id, labels[row], "cut", "was cut at the study area's edge")
                )
        shapes = inside
    table = frame.drop(columns=frame.geometry.name)
    rows, findings = fill(table, shapes, mapped, kind, worth, labels)
    for row in doubles(shapes, rows["name_zh"].to_numpy(), keep):
        repaired.append(
            Finding(kind.id, labels[row], "duplicate", "repeats an earlier row: dropped")
        )
        keep[row] = False
    for row in np.flatnonzero(keep):
        if shapes[row] is None and not rows.at[row, "named"]:
            refused.append(Finding(kind.id, labels[row], "empty", "has neither a place nor a name"))
            keep[row] = False
    repaired += [*findings, *_shared(rows, left, keep, kind, labels)]
    rows = rows.loc[keep, columns_of(kind)].assign(**{OUTSIDE: outside[keep]})
    return rows.reset_index(drop=True), shapes[keep], repaired, refused


def _shared(
    rows: pd.DataFrame, left: np.ndarray, keep: np.ndarray, kind: LayerKind, labels: np.ndarray
) -> list[Finding]:
    # People of a zone that was cut go with its land; nobody knows better where in it they live.
    found = []
    for column in [c for c, unit in kind.columns.items() if unit == "persons"]:
        for row in np.flatnonzero(keep & (left < 1) & (rows[column].to_numpy(float) > 0)):
            whole = float(rows.at[row, column])
            rows.at[row, column] = whole * left[row]
            message = (
                f"lost with the land {whole * (1 - left[row]):,.0f} of its {whole:,.0f} {column}"
            )
            found.append(Finding(kind.id, labels[row], "shared", message))
    return found


def _labels(frame: gpd.GeoDataFrame, mapped: Mapping[str, str]) -> np.ndarray:
    theirs = mapped.get("name_zh")
    names = frame[theirs].tolist() if theirs else [None] * len(frame)
    return np.array(
        [
            f"row {i + 1 if isinstance(i, int) else i}" + (f" ({n})" if not is_missing(n) else "")
            for i, n in zip(frame.index, names)
        ],
        object,
    )


def _columns(frame: gpd.GeoDataFrame) -> list[str]:
    return [str(c) for c in frame.columns if c != frame.geometry.name]


def _before(city: City, name: str, keep: str) -> Layer | None:
    # What the layer holds already; None where it is empty or is to be replaced.
    if keep == "replace" or not city.has(f"{name}.geojson"):
        return None
    layer = load_layer(city, name)
    if layer.frame.empty:
        return None
    if keep != "append":
        raise InputError(
            f"the layer holds {len(layer.frame)} features already",
            where=layer.path,
            remedy="say --append to add to them, or --replace to put these in their place",
        )
    return layer


def _marked_rows(layer: Layer) -> gpd.GeoDataFrame:
    # Features in the city and beyond its boundary, and which are which.
    rows = marked(layer.frame, layer.outside)
    return rows.assign(**{OUTSIDE: rows.get(OUTSIDE, False)})


def _together(
    before: Layer | None, rows: pd.DataFrame, shapes: np.ndarray
) -> tuple[pd.DataFrame, Iterable[BaseGeometry | None]]:
    import pandas as pd

    if before is None:
        return rows, shapes
    # What comes again under its id comes in the place of the old.
    old = _marked_rows(before)
    old = old[~old["id"].isin(rows["id"])]
    both = pd.concat(
        [pd.DataFrame(old.drop(columns="geometry")).astype(object), rows.astype(object)]
    )
    # Figures stay figures: a column of mixed objects would be written as text.
    both[OUTSIDE] = both[OUTSIDE].astype(bool)
    return with_figures(before.kind, both.reset_index(drop=True), None), [*old.geometry, *shapes]


def _gaps(refused: list[Finding], origin: str) -> list[DataGap]:
    # What lies outside the city lacks nowhere in it.
    count = Counter(f.rule for f in refused if f.rule != "outside")
    return [
        DataGap("refused", None, n, REFUSALS[rule], origin) for rule, n in sorted(count.items())
    ]


def _origin(
    delivery: Delivery, settled: Settled, worth: Worth, day: str
) -> dict[str, dict[str, str]]:
    row = {
        "title": delivery.path.name + (f", layer {delivery.layer}" if delivery.layer else ""),
        "format": delivery.driver,
        "sha256": delivery.sha256,
        "coordinates": settled.system,
        "coordinates_declared_by": settled.declared_by,
        "datum_error_m": f"{settled.error_m:g}" if settled.error_m else "",
        "source": worth.source,
        "licence": worth.licence,
        "as_of": worth.as_of,
        "imported": day,
    }
    return {f"{delivery.path.name}-{delivery.sha256[:8]}": {k: v for k, v in row.items() if v}}


def _frame(city: City, name: str) -> gpd.GeoDataFrame | None:
    if not city.has(f"{name}.geojson"):
        return None
    located = load_layer(city, name).located
    return located if len(located) else None


def _area(city: City) -> BaseGeometry:
    frame = _frame(city, "study_area")
    if frame is None:
        raise InputError(
            "the city has no study area", where=city.layers_folder, remedy="import one first"
        )
    return frame.geometry.union_all()


def _middle(city: City) -> tuple[float, float] | None:
    frame = _frame(city, "study_area")
    if frame is None:
        return None
    at = frame.geometry.union_all().representative_point()
    return (at.x, at.y)
