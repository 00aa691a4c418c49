"""Questions asked of streets alone, and isochrones anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from urbanplan.base.crs import WGS84, to_crs
from urbanplan.catalog import Mode
from urbanplan.errors import InputError
from urbanplan.files.cells import figure, uses_decimal_comma
from urbanplan.routing import (
    Ground,
    Network,
    Placed,
    at_nodes,
    build_network,
    isochrones,
    matrix,
    nearest,
    place,
    reach,
)
from urbanplan.routing.isochrones import default_cell_m
from urbanplan.routing.surface import Surface
from urbanplan.routing.times import Progress
from urbanplan.sources import read_streets
from urbanplan.sources.streets import Streets
from urbanplan.study.model import Ready, Ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely import MultiPolygon
    from shapely.geometry.base import BaseGeometry


class Answer(NamedTuple):
    """Rows, and what the reader must know about them."""

    rows: pd.DataFrame
    findings: tuple[str, ...]


def open_streets(
    path: Path | str,
    mode: Mode,
    dem: Path | str | None = None,
    *,
    given: Mapping[str, str] | None = None,
    note: Callable[[str], None] | None = None,
) -> Network:
    """The network of one mode: built from streets, or loaded if it was built before.

    Parameters
    ----------
    path : path
        See `urbanplan.sources.read_streets`; or an ``.npz`` from `urbanplan.routing.network.save`.
    mode : Mode
    dem : path, optional
        GeoTIFF of heights in metres, for slopes.
    given : mapping of str to str, optional
        What columns and values of a layer mean; see `urbanplan.sources.street_layers.from_lines`.
    note : callable, optional
        Told what of the file was not understood, before anything is computed; the network's
        findings hold it too.

    Raises
    ------
    InputError
        If a stored network is of another mode, or a height model is given for it.
    """
    if Path(path).suffix.lower() == ".npz":
        from urbanplan.routing.network import load

        network = load(path)
        if network.mode.id != mode.id or dem is not None or given:
            raise InputError(
                f"holds a network already built for mode '{network.mode.id}'",
                where=path,
                remedy="ask for that mode without --dem and --map, or give the streets themselves",
            )
        return network
    streets = read_streets(path, given)
    if note is not None:
        for finding in streets.findings:
            note(finding)
    return network_of(streets, mode, dem)


def network_of(streets: Streets, mode: Mode, dem: Path | str | None = None) -> Network:
    """The network of one mode, of streets that are read already; `dem` as for `open_streets`."""
    heights = None
    if dem is not None:
        from urbanplan.sources.rasters import street_heights

        heights = street_heights(dem, streets)
    return build_network(streets, mode, heights_m=heights)


def put(
    ground: Ground, frame: gpd.GeoDataFrame, snap_m: float, what: str, *, beside: bool = False
) -> tuple[Placed, tuple[str, ...]]:
    """Places on a ground, and a sentence about those that are too far from any way.

    Those `beside` streets step onto each one near them, as people of a city's cells do.

    Raises
    ------
    InputError
        If none of them is near enough.
    """
    on_streets = isinstance(ground, Network)
    placed = place(ground, to_crs(frame, ground.crs), snap_m, beside=beside)
    if not len(placed) and on_streets:
        raise InputError(
            f"none of the {len(frame)} {what} is within {snap_m:g} m of a street open to"
            f" '{ground.mode.id}'",
            remedy="check the coordinates (longitude first), or allow more with --snap",
        )
    left = placed.unplaced
    some = ", ".join(left[:5]) + (" …" if len(left) > 5 else "")
    if not len(placed):
        raise InputError(
            f"{len(frame)} of {len(frame)} {what} are outside the study area or more than {snap_m:g} m from land: {some}",
            remedy="check the coordinates (longitude first), or allow more with --snap",
        )
    if not left:
        return placed, ()
    way = "any street" if on_streets else "passable land"
    return placed, (
        f"{len(left)} of {len(frame)} {what} are farther than {snap_m:g} m from {way}"
        f" and left out: {some}",
    )


def cut_off(ground: Ground, places: Placed, others: Placed) -> tuple[np.ndarray, float]:
    """Which places are on parts of the streets that none of the others is on, and the parts' length in km."""
    if not isinstance(ground, Network):
        return np.zeros(0, int), 0.0
    reached = np.isin(ground.part[places.edge], ground.part[others.edge])
    lost = np.setdiff1d(np.arange(len(places)), places.feature[reached])
    parts = np.unique(ground.part[places.edge[np.isin(places.feature, lost)]])
    return lost, float(ground.part_m[parts].sum() / 1000)


def stranded(ground: Ground, places: Placed, leave: bool) -> np.ndarray:
    """Which places stand in pockets only: on streets that no way leaves (`leave`), or that none leads to."""
    if not isinstance(ground, Network):
        return np.zeros(0, int)
    free = ground.joined[places.edge, int(leave)]
    return np.setdiff1d(np.arange(len(places)), places.feature[free])


def apart(
    ground: Ground, places: Placed, others: Placed, what: str, other: str, *, leave: bool
) -> tuple[str, ...]:
    """Sentences about the places of `cut_off`, and of those `stranded`; () if there are none."""
    notes: tuple[str, ...] = ()
    lost, km = cut_off(ground, places, others)
    if len(lost):
        notes += (
            f"{len(lost)} of {len(places)} {what} are on parts of the streets ({km:.1f} km) that no {other} is on:"
            f" {_some(places, lost)}",
        )
    lost = np.setdiff1d(stranded(ground, places, leave), lost)
    if len(lost):
        way = "no way leaves" if leave else "no way leads to"
        notes += (
            f"{len(lost)} of {len(places)} {what} are on streets that {way}: {_some(places, lost)}",
        )
    return notes


def _some(places: Placed, rows: np.ndarray) -> str:
    return ", ".join(map(str, places.ids[rows[:5]])) + (" …" if len(rows) > 5 else "")


def findings_of(ground: Ground) -> tuple[str, ...]:
    """What the reader must know of a ground; a surface has nothing to say."""
    return ground.findings if isinstance(ground, Network) else ()


def street_isochrones(
    network: Network,
    places: gpd.GeoDataFrame,
    limits_min: Sequence[float],
    *,
    direction: str,
    snap_m: float,
    cell_m: float | None = None,
) -> Answer:
    """One polygon per place and limit.

    Returns
    -------
    Answer
        GeoDataFrame in WGS84: ``origin, minutes, mode, area_km2`` and what the polygon is worth.
    """
    import geopandas as gpd

    placed, notes = put(network, places, snap_m, "places")
    if cell_m is None:
        pace = network.rules.off_street_min_per_m
        cell_m = default_cell_m(min(limits_min) / pace)
    drawn = isochrones(network, placed, limits_min, direction=direction, cell_m=cell_m)
    rows = [
        {
            "origin": origin,
            "minutes": float(limit),
            "mode": network.mode.id,
            "area_km2": shape.area / 1e6,
            "direction": direction,
            "geometry": shape,
        }
        for origin, shapes in zip(placed.ids, drawn)
        for limit, shape in zip(limits_min, shapes)
    ]
    frame = to_crs(gpd.GeoDataFrame(rows, crs=network.crs), WGS84)
    return Answer(worth(network, frame, cell_m), (*network.findings, *notes))


def matrix_on(
    ground: Ground,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    limit_min: float,
    *,
    snap_m: float,
    direction: str = "from",
    progress: Progress | None = None,
) -> Answer:
    """Minutes of every pair within the limit: ``origin, destination, minutes``."""
    import pandas as pd

    starts, one = put(ground, origins, snap_m, "origins")
    ends, other = put(ground, destinations, snap_m, "destinations")
    table = matrix(
        ground, starts, ends, limit_min=limit_min, direction=direction, progress=progress
    )
    rows = pd.DataFrame(
        {
            "origin": starts.ids[table["origin"]],
            "destination": ends.ids[table["destination"]],
            "minutes": table["minutes"],
        }
    )
    alone = _apart_both(ground, starts, ends, direction)
    return Answer(rows, (*findings_of(ground), *one, *other, *alone))


def nearest_on(
    ground: Ground,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    limit_min: float = np.inf,
    *,
    snap_m: float,
    direction: str = "from",
) -> Answer:
    """The nearest destination of every origin: ``origin, destination, minutes``, in the order of the origins.

    Parameters
    ----------
    ground : Network or Surface
    origins, destinations : GeoDataFrame
        With ``id``.
    limit_min : float
        Nothing farther is looked for.
    snap_m : float
        Places farther from any way are left out.
    direction : {"from", "to"}
        From the origin to the destination, or back.

    Returns
    -------
    Answer
        `destination` is empty and `minutes` infinite where none is reached, NaN where the origin is
        too far from any way.
    """
    import pandas as pd

    starts, one = put(ground, origins, snap_m, "origins")
    ends, other = put(ground, destinations, snap_m, "destinations")
    turned = "to" if direction == "from" else "from"
    found = nearest(ground, ends, direction=turned, ranks=1, limit_min=limit_min)
    which, minutes = found.which(starts)
    names = np.where(which >= 0, ends.ids[which], None)
    rows = pd.DataFrame({"destination": names, "minutes": minutes}, index=starts.ids)
    rows = rows.reindex(origins["id"]).rename_axis("origin").reset_index()
    rows["destination"] = (
        rows["destination"].astype(object).where(rows["destination"].notna(), None)
    )
    lost = np.flatnonzero(np.isinf(minutes))
    alone = _apart_both(ground, starts, ends, direction)
    notes = _unreached(ground, starts, ends, lost, turned, limit_min) if len(lost) else ()
    return Answer(rows, (*findings_of(ground), *one, *other, *alone, *notes))


def _unreached(
    ground: Ground, starts: Placed, ends: Placed, lost: np.ndarray, turned: str, limit_min: float
) -> tuple[str, ...]:
    # Those beyond the limit, and those from whom no way leads at all, whatever the limit.
    ever = nearest(ground, ends, direction=turned, limit_min=np.inf).at(starts)
    far, never = lost[np.isfinite(ever[lost])], lost[np.isinf(ever[lost])]
    return (
        *(
            f"{len(far)} of {len(starts)} origins reach no destination within {limit_min:g} minutes: {_some(starts, far)}",
        )
        * bool(len(far)),
        *(
            f"{len(never)} of {len(starts)} origins are joined to no destination by any way: {_some(starts, never)}",
        )
        * bool(len(never)),
    )


def _apart_both(ground: Ground, starts: Placed, ends: Placed, direction: str) -> tuple[str, ...]:
    out = direction == "from"
    return (
        *apart(ground, starts, ends, "origins", "destination", leave=out),
        *apart(ground, ends, starts, "destinations", "origin", leave=not out),
    )


def reach_on(
    ground: Ground,
    origins: gpd.GeoDataFrame | None,
    demand: gpd.GeoDataFrame,
    value: str,
    limits_min: Sequence[float],
    *,
    snap_m: float,
    direction: str = "from",
    progress: Progress | None = None,
) -> Answer:
    """How much of `value` is within each limit of each origin (of every node of the streets, if none are given).

    Returns
    -------
    Answer
        GeoDataFrame of points in WGS84: ``origin, mode`` and one ``<value>_<minutes>min`` per
        limit; empty for origins too far from any way.
    """
    amount = numbers(demand, value)
    demand, areas = as_points(demand)
    kept, notes = put(ground, demand, snap_m, "places of demand")
    lost = amount.drop(kept.ids).sum()
    said = (f"{lost:,.6g} of {amount.sum():,.6g} {value} are left out with them",) if lost else ()
    frame, more = sums_around(
        ground, origins, kept, amount[kept.ids].to_numpy(), value, limits_min,
        snap_m=snap_m, direction=direction, progress=progress,
    )  # fmt: skip
    return Answer(frame, (*findings_of(ground), *areas, *notes, *more, *said))


def sums_around(
    ground: Ground,
    origins: gpd.GeoDataFrame | None,
    demand: Placed,
    amounts: np.ndarray,
    value: str,
    limits_min: Sequence[float],
    *,
    snap_m: float,
    direction: str = "from",
    progress: Progress | None = None,
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """As `reach_on`, of demand that is placed already; besides, what must be known of the origins."""
    import geopandas as gpd
    import pandas as pd

    starts: Placed
    notes: tuple[str, ...] = ()
    if origins is None:
        if isinstance(ground, Surface):
            raise InputError("a city without a street map has no corners of streets", where="origins", remedy="give origins, such as the name of a layer")  # fmt: skip
        starts, points = at_nodes(ground), gpd.points_from_xy(*ground.xy.T, crs=ground.crs)
        names = starts.ids.astype(str)
    else:
        origins, areas = as_points(origins)
        starts, more = put(ground, origins, snap_m, "origins")
        notes, names = (*areas, *more), origins["id"].to_numpy()
        points = to_crs(origins, ground.crs).geometry.values
    sums = reach(
        ground, starts, demand, amounts, limits_min, direction=direction, progress=progress
    )
    columns = [f"{value}_{limit:g}min" for limit in limits_min]
    table = pd.DataFrame(sums, columns=columns, index=starts.ids.astype(str)).reindex(names)
    table.insert(0, "mode", ground.mode.id)
    table.insert(0, "origin", names)
    frame = gpd.GeoDataFrame(table.reset_index(drop=True), geometry=points, crs=ground.crs)
    return worth(ground, to_crs(frame, WGS84)), notes


def as_points(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Places as points, and a sentence about those that were areas or lines; raise `InputError` for a broken one."""
    broken = frame.loc[~frame.geometry.is_valid, "id"]
    if len(broken):
        raise InputError(f"feature '{broken.iloc[0]}' has an invalid geometry", remedy="repair it (in QGIS: Fix geometries)")  # fmt: skip
    areas = int((frame.geom_type != "Point").sum())
    if not areas:
        return frame, ()
    note = f"{areas} areas or lines are counted at one point inside them"
    return frame.set_geometry(frame.representative_point()), (note,)


def numbers(frame: gpd.GeoDataFrame, column: str) -> pd.Series:
    """A column of figures by id; raise `InputError` where it is missing or no number."""
    import pandas as pd

    if column not in frame:
        raise InputError(
            f"there is no column '{column}'",
            remedy=f"use one of {', '.join(str(c) for c in frame.columns if c != 'geometry')}",
        )
    cells = frame[column].tolist()
    comma = uses_decimal_comma(cells)
    figures = [figure(cell, head=column, decimal_comma=comma) for cell in cells]
    for row, (cell, read, fid) in enumerate(zip(cells, figures, frame["id"]), 1):
        if read.number is None:
            why = f"'{cell}' {read.why}" if read.why else "empty"
            raise InputError(
                f"'{column}' of '{fid}' (row {row}) is not a number: {why}",
                remedy="fill it, with 0 if there is none",
            )
    return pd.Series([read.number for read in figures], frame["id"].to_numpy(), float)


def worth(ground: Ground, frame: gpd.GeoDataFrame, accuracy_m: float = np.nan) -> gpd.GeoDataFrame:
    """A frame whose features say what they are worth; OpenStreetMap states no accuracy, a surface has a cell's."""
    name = frame.geometry.name
    said: dict[str, object] = {"quality": "modelled", "accuracy_m": round(accuracy_m, 1)}
    if isinstance(ground, Network):
        said |= {"source": ground.source, "licence": ground.licence, "as_of": ground.as_of}
    else:
        said["accuracy_m"] = float(np.nanmax([ground.grid.cell_m, accuracy_m]))
    # What the answer is worth goes before what its input said of itself.
    shapes = frame.geometry
    rest = frame.drop(columns=[name, *(c for c in said if c in frame)])
    return rest.assign(**said, geometry=shapes).set_geometry("geometry", crs=frame.crs)


#: Where there are more facilities of a kind, they are only drawn together.
MOST_SINGLE = 100
#: Outlines around streets are no finer than this.
_OUTLINE_M = 10.0
#: They are smoothed by this share of that spacing.
_BEND = 0.25
#: Columns of the dissolved bands.
BAND_COLUMNS = ["facilities", "mode", "minutes", "area_km2", "quality", "geometry"]
#: Columns of one facility's isochrones.
ISOCHRONE_COLUMNS = [*BAND_COLUMNS[:1], "origin", "name_zh", "name_en", *BAND_COLUMNS[1:]]


def bands_of(ready: Ready, ways: Ways, facilities: str, placed: Placed) -> list[dict]:
    """From where one gets to any facility within each limit, as rows with `BAND_COLUMNS`."""
    limits = ready.city.analysis.minutes
    (shapes,) = _drawn(ready, ways, placed, limits, "to", together=True)
    return [
        {
            "facilities": facilities,
            "mode": ways.mode.id,
            "minutes": float(limit),
            "area_km2": metric.area / 1e6,
            "quality": "modelled",
            "geometry": shape,
        }
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes))
    ]


def isochrones_at(
    ready: Ready,
    ways: Ways,
    places: gpd.GeoDataFrame,
    limits: Sequence[float],
    direction: str = "from",
    snap_m: float | None = None,
) -> Answer:
    """Isochrones of places with an ``id``.

    Returns
    -------
    Answer
        GeoDataFrame in WGS84; ``origin, minutes, mode, area_km2, direction, quality``: one row per place and
        limit. Places farther from passable land than `snap_m` (the city's own limit) are left out and said.

    Raises
    ------
    InputError
        If all of them are.
    """
    import geopandas as gpd

    limit_m = ready.city.analysis.snap_m if snap_m is None else snap_m
    placed, notes = put(ways.ground, places, limit_m, "places")
    rows = [
        {
            "origin": name,
            "minutes": float(limit),
            "mode": ways.mode.id,
            "area_km2": metric.area / 1e6,
            "direction": direction,
            "quality": "modelled",
            "accuracy_m": _outline_m(ready, ways),
            "geometry": shape,
        }
        for name, shapes in zip(placed.ids, _drawn(ready, ways, placed, limits, direction))
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes))
    ]
    columns = ["origin", "minutes", "mode", "area_km2", "direction", "quality", "accuracy_m", "geometry"]  # fmt: skip
    return Answer(gpd.GeoDataFrame(rows, columns=columns, crs=WGS84), notes)


def isochrones_by_facility(ready: Ready, ways: Ways, facilities: str) -> list[dict]:
    """Isochrones of each facility of one kind, as rows with `ISOCHRONE_COLUMNS`.

    None where there are more than `MOST_SINGLE` of them, and on streets, where outlines are long,
    only those of the headline. Those beyond the city's boundary are not its own.
    """
    own = ready.layers[facilities].with_status("existing")
    names, limits = own.set_index("id"), ready.city.analysis.minutes
    rows: list[dict] = []
    placed = ready.put(ways, ready.metric(own))
    headline = facilities == ready.city.analysis.headline_facilities
    on_streets = isinstance(ways.ground, Network)
    if len(placed) > MOST_SINGLE or (on_streets and not headline):
        return rows
    for fid, shapes in zip(placed.ids, _drawn(ready, ways, placed, limits, "from")):
        for limit, metric, shape in zip(limits, shapes, _lonlat(ready, shapes)):
            rows.append(
                {
                    "facilities": facilities,
                    "origin": fid,
                    "name_zh": names.at[fid, "name_zh"],
                    "name_en": names.at[fid, "name_en"],
                    "mode": ways.mode.id,
                    "minutes": float(limit),
                    "area_km2": metric.area / 1e6,
                    "quality": "modelled",
                    "geometry": shape,
                }
            )
    return rows


def _outline_m(ready: Ready, ways: Ways) -> float:
    # Spacing of the grid that outlines are drawn on.
    cell_m = ready.ground.grid.cell_m
    return cell_m if isinstance(ways.ground, Surface) else max(_OUTLINE_M, cell_m / 4)


def _drawn(
    ready: Ready,
    ways: Ways,
    placed: Placed,
    limits: Sequence[float],
    direction: str,
    together: bool = False,
) -> list[list[MultiPolygon]]:
    # Outlines in metres; around streets they still have to stop at the water and the city's edge.
    import shapely

    cell_m = None if isinstance(ways.ground, Surface) else _outline_m(ready, ways)
    drawn = isochrones(
        ways.ground, placed, limits, direction=direction, cell_m=cell_m, together=together
    )
    if cell_m is None:
        return drawn
    land = ready.ground.area.difference(ready.ground.barrier)
    shapely.prepare(land)
    # Keeping the topology would cost twenty times what drawing does; `_areas` repairs it.
    bend_m = _BEND * cell_m
    return [
        [_areas(shapely.simplify(s, bend_m, preserve_topology=False), land) for s in shapes]
        for shapes in drawn
    ]


def _areas(shape: MultiPolygon, land: BaseGeometry) -> MultiPolygon:
    import shapely

    if not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shape if land.covers(shape) else shape.intersection(land))
    flat = [q for p in parts for q in shapely.get_parts(p)]
    return shapely.MultiPolygon([p for p in flat if p.geom_type == "Polygon"])


def _lonlat(ready: Ready, shapes: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    # A straight edge bends a little when it is reprojected, so nesting is made exact once more.
    import geopandas as gpd
    import shapely

    done: list[MultiPolygon] = []
    drawn = gpd.GeoDataFrame(geometry=list(shapes), crs=ready.city.metric_crs)
    for shape in to_crs(drawn, WGS84).geometry:
        shape = shapely.union(shape, done[-1]) if done else shape
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        done.append(shapely.MultiPolygon(parts))
    return done
