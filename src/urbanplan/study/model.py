"""A city's model: its layers, people and ways of travelling, ready for questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.base.crs import WGS84, require_fit, to_crs, transform
from urbanplan.base.grid import ALL, parts, union_of
from urbanplan.catalog import Mode
from urbanplan.city.layers import (
    Layer,
    gap_sentences,
    load_grounds,
    load_layers,
    require,
    require_usable,
)
from urbanplan.city.profile import City
from urbanplan.errors import InputError, UnknownNameError
from urbanplan.files import sha256
from urbanplan.measures.coverage import (
    LEAST_MIN,
    Parts,
    coverage,
    coverage_by,
    minutes_to_nearest,
    parts_of,
    share_in,
)
from urbanplan.measures.population import gather, spread, unpeopled
from urbanplan.routing import (
    Nearest,
    Network,
    Placed,
    at_nodes,
    build_network,
    matrix,
    nearest,
    place,
)
from urbanplan.routing.graph import ragged
from urbanplan.routing.network import kept, plain
from urbanplan.routing.places import place_at, together
from urbanplan.routing.surface import Ground, Surface, build_ground, build_surface
from urbanplan.sources import read_streets
from urbanplan.sources.streets import Streets, dry_ways, with_ways, without_ways

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

    from urbanplan.base.grid import Grid


#: A step from a home to its street that comes so far from the bank crosses the water, in metres.
_WET_M = 0.5
#: A facility's point is on its grounds, if it is so near.
_ON_GROUNDS_M = 1.0
#: Where more of the streets run in the water, the water is drawn wrong; quays and wharfs take less.
_WET_SHARE = 0.05
#: OpenStreetMap's classes of roads, by those of the layers.
_HIGHWAYS = {"expressway": "motorway"}
#: The file that holds a city's streets; without it, land is a friction surface.
STREETS = "streets.osm.pbf"


@dataclass
class Mapped:
    """A city's mapped streets: their file, read when a network must be built of it."""

    path: Path
    _dry: bool = field(default=False, init=False)

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return sha256(self.path)

    @cached_property
    def _read(self) -> Streets:
        return read_streets(self.path)

    def on(self, ground: Ground, city: City) -> Streets:
        """The streets; refused where much of them runs in the water."""
        if not self._dry:
            _require_dry(self._read, ground, city)
            self._dry = True
        return self._read


@dataclass(frozen=True)
class Ways:
    """How one mode gets about in a city.

    Attributes
    ----------
    ground : Network or Surface
    homes : Placed or None
        Each cell of the demand on the streets, its flat index as id; None on a surface.
    """

    ground: Network | Surface
    homes: Placed | None

    @property
    def mode(self) -> Mode:
        """The mode."""
        return self.ground.mode

    def per_cell(self, grid: Grid, found: Nearest) -> np.ndarray:
        """Minutes per cell of the grid, NaN where nobody can stand or nothing is known."""
        if isinstance(self.ground, Surface):
            return self.ground.on_grid(found.minutes[:, 0])
        assert self.homes is not None
        out = np.full(grid.rows * grid.columns, np.nan)
        out[self.homes.ids.astype(np.int64)] = found.at(self.homes)
        out[np.array(self.homes.unplaced, np.int64)] = np.inf
        return out.reshape(grid.shape)


@dataclass(frozen=True)
class Ready:
    """A city made ready for analysis: layers, land and demand in its metric system.

    `streets` are None where land is a friction surface; `heights` is a raster of heights, if any;
    `parts` say which rows of the demand lie in which district: wholly, as census zones do, or with
    their exact share where people come from a raster; `findings` say what the reader must know.
    On mapped streets, `joined` are ids of roads and bridges that are joined on, and the streets at
    the places of `shut` are closed. `grounds` are outlines in the metric system of facilities that
    their layers hold as points, by id.
    """

    city: City
    layers: Mapping[str, Layer]
    ground: Ground
    demand: pd.DataFrame
    parts: Parts
    streets: Mapped | None
    heights: Path | None
    findings: tuple[str, ...]
    joined: tuple[str, ...] = ()
    shut: tuple[tuple[float, float], ...] = ()
    grounds: Mapping[str, BaseGeometry] = field(default_factory=dict)

    def metric(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """`frame` in the city's metric system."""
        return to_crs(frame, self.city.metric_crs)

    def ways(self, mode: Mode, opened: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> Ways:
        """Streets of one mode, or its friction surface.

        Planned roads and bridges in `opened` are there, existing ones in `closed` are not.
        """
        import shapely

        if self.streets is None:
            return Ways(self._surface(mode, opened, closed), None)
        if closed:
            raise InputError(
                f"'{closed[0]}' cannot be closed by its name on streets from OpenStreetMap",
                where=self.city.id,
                remedy="close the street at a place, in a scenario: layer = 'streets', at = [lon, lat]",
            )
        build = partial(self._network, self.streets, mode, opened)
        if opened or self.joined or self.shut:
            network = build()
        else:
            held = [shapely.to_wkb(shape) for shape in (self.ground.barrier, self.ground.area)]
            of = {
                "streets": self.streets.sha256,
                "heights": None if self.heights is None else sha256(self.heights),
                "mode": plain(mode),
                "crs": self.city.metric_crs,
                "ground": [hashlib.sha256(wkb).hexdigest() for wkb in held],
            }
            network = kept(of, build)
        return Ways(network, self._homes(network))

    def _network(self, mapped: Mapped, mode: Mode, opened: tuple[str, ...]) -> Network:
        found = mapped.on(self.ground, self.city)
        streets = without_ways(with_ways(found, self._lines(opened)), self.shut)
        heights = None
        if self.heights is not None:
            from urbanplan.sources.rasters import street_heights

            heights = street_heights(self.heights, streets)
        crs, water = self.city.metric_crs, self.ground.barrier
        return build_network(streets, mode, crs=crs, heights_m=heights, water=water)

    def _lines(self, opened: tuple[str, ...]) -> dict[str, tuple[LineString, dict[str, str]]]:
        # Planned roads and bridges that are opened, as ways of a street map.
        found = {}
        for name in ("roads", "bridges"):
            if name in self.layers:
                frame = self.layers[name].located
                here = frame[frame["id"].isin((*opened, *self.joined))]
                for fid, line, kind, kmh in zip(here["id"], here.geometry, here["class"], here["speed_kmh"]):  # fmt: skip
                    tags = {"highway": _HIGHWAYS.get(str(kind), str(kind))}
                    tags |= {"maxspeed": f"{kmh:g}"} if kmh > 0 else {}
                    found[str(fid)] = (line, tags)
        return found

    def _surface(self, mode: Mode, opened: tuple[str, ...], closed: tuple[str, ...]) -> Surface:
        roads, bridges = (
            self.metric(frame[~frame["id"].isin(closed)])
            for layer in require(self.layers, "roads", "bridges")
            for frame in [layer.with_status("existing", also=opened)]
        )
        return build_surface(self.ground, mode, roads, bridges)

    def _homes(self, network: Network) -> Placed:
        # Where people of each cell step onto the street; nobody wades through the river to it.
        import geopandas as gpd
        import shapely

        cells, grid = self.demand.index.to_numpy(), self.ground.grid
        centres = shapely.points(np.c_[grid.centres(cells)])
        frame = gpd.GeoDataFrame({"id": cells}, geometry=centres, crs=grid.crs)
        homes = self._put(network, frame)
        if self.ground.barrier.is_empty or not len(homes):
            return homes
        deep = shapely.buffer(self.ground.barrier, -_WET_M)
        shapely.prepare(deep)
        dry, stranded = _ashore(network, homes, deep)
        ashore = homes.of(dry)
        if len(stranded):
            # The nearest street may lie across a basin, and the next one on their own bank, or the same one farther on.
            again = np.flatnonzero(np.isin(cells, homes.ids[stranded]))
            found = _own_bank(
                network, cells[again], centres[again], deep, self.city.analysis.snap_m
            )
            lost = np.setdiff1d(homes.ids[stranded].astype(np.int64), found.ids.astype(np.int64))
            ashore = replace(together(ashore, found), unplaced=tuple(map(str, lost)))
        return replace(ashore, unplaced=(*homes.unplaced, *ashore.unplaced))

    def stranded(self, ways: Ways) -> list[str]:
        """A sentence on the people who can step onto no street of a mode, if there are any."""
        if ways.homes is None:
            return []
        persons, mode = self.demand["persons"], ways.mode
        lost = persons.loc[np.array(ways.homes.unplaced, np.int64)].sum()
        if lost < 0.5:
            return []
        share, far = lost / persons.sum(), f"{self.city.analysis.snap_m:g}"
        return [
            f"{mode.name_zh}：{lost:,.0f} 人（{share:.1%}）距可{mode.name_zh}的街道超过 {far} 米或隔着水面，计为不可达 /"
            f" {mode.name_en}: {lost:,.0f} people ({share:.1%}) are farther than {far} m from any street open"
            " to it, or water lies between; they count as out of reach"
        ]

    def put(self, ways: Ways, frame: gpd.GeoDataFrame) -> Placed:
        """Features in the metric system, put on streets or surface; points by their grounds, where these are known."""
        return self._put(ways.ground, self.on_grounds(frame))

    def on_grounds(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Features in the metric system, points as the grounds that they stand on, where these are known."""
        # A point that was moved off its grounds, as by an edit, stands for itself.
        shapes = frame.geometry.to_numpy(copy=True)
        for row, fid in enumerate(frame.get("id", ()) if self.grounds else ()):
            ground = self.grounds.get(fid)
            if (
                ground is not None
                and shapes[row] is not None
                and ground.distance(shapes[row]) <= _ON_GROUNDS_M
            ):
                shapes[row] = ground
        return frame.set_geometry(shapes, crs=frame.crs) if self.grounds else frame

    def _put(self, ground: Network | Surface, frame: gpd.GeoDataFrame) -> Placed:
        return place(ground, frame, self.city.analysis.snap_m, beside=True)

    def homes(self, ways: Ways) -> Placed:
        """The cells of the demand as places of a mode; their ids are flat cells."""
        if ways.homes is not None:
            return replace(ways.homes, ids=ways.homes.ids.astype(np.int64))
        assert isinstance(ways.ground, Surface)
        cells = self.demand.index.to_numpy()
        node = ways.ground.node_of.ravel()[cells]
        return replace(at_nodes(ways.ground, node[node >= 0]), ids=cells[node >= 0])

    def minutes(
        self, ways: Ways, facilities: Placed, rank: int = 1, limit_min: float = np.inf
    ) -> np.ndarray:
        """Minutes per cell of the grid to the nearest facility, or to the `rank`-th nearest."""
        if rank == 1:
            return ways.per_cell(self.ground.grid, nearest(ways.ground, facilities))
        homes = self.homes(ways)
        out = np.full(self.ground.grid.rows * self.ground.grid.columns, np.nan)
        out[homes.ids] = minutes_to_rank(ways, facilities, homes, rank, limit_min)
        return out.reshape(self.ground.grid.shape)

    def placed(self, ways: Ways, facilities: str) -> Placed:
        """Existing facilities of one kind, put on streets or surface; those beyond the boundary too."""
        (layer,) = require(self.layers, facilities)
        return self.put(ways, self.metric(layer.reachable()))


def _ashore(network: Network, homes: Placed, deep: BaseGeometry) -> tuple[np.ndarray, np.ndarray]:
    # Rows of homes whose step to the street stays dry, and homes without any.
    import shapely

    on_street = shapely.line_interpolate_point(
        network.lines[homes.edge], homes.spot[:, 0], normalized=True
    )
    paths = shapely.linestrings(np.stack([homes.xy, shapely.get_coordinates(on_street)], axis=1))
    dry = np.flatnonzero(~shapely.intersects(deep, paths))
    return dry, np.setdiff1d(np.arange(len(homes)), homes.feature[dry])


def _own_bank(
    network: Network, ids: np.ndarray, at: np.ndarray, deep: BaseGeometry, limit_m: float
) -> Placed:
    # Points where the nearest piece of street is that no water parts them from; those without any are left out.
    import shapely

    edges = np.unique(network.index.query(at, predicate="dwithin", distance=limit_m)[1])
    edges = network.kerb[edges]
    vertex = ragged(network.bend[edges], network.bend[edges + 1] - 1)
    edge = np.repeat(edges, np.diff(network.bend)[edges] - 1)
    pieces = shapely.linestrings(
        np.stack([network.vertex_xy[vertex], network.vertex_xy[vertex + 1]], axis=1)
    )
    tree, left = shapely.STRtree(pieces), np.arange(len(at))
    taken = np.full(len(at), -1)
    # Wider and wider: few of them need to look far.
    for metres in limit_m * np.array([0.1, 0.2, 0.5, 1.0]):
        which, piece = tree.query(at[left], predicate="dwithin", distance=metres)
        paths = shapely.shortest_line(at[left][which], pieces[piece])
        dry = np.flatnonzero(~shapely.intersects(deep, paths))
        order = dry[np.lexsort((piece[dry], shapely.length(paths[dry]), which[dry]))]
        some, first = np.unique(which[order], return_index=True)
        taken[left[some]] = piece[order[first]]
        left = left[taken[left] < 0]
    kept = np.flatnonzero(taken >= 0)
    paths = shapely.shortest_line(at[kept], pieces[taken[kept]])
    xy, street = shapely.get_coordinates(paths).reshape(-1, 2, 2).transpose(1, 0, 2)
    return place_at(network, ids[kept].astype(object), xy, edge[taken[kept]], street)


def prepare(city: City, layers: Mapping[str, Layer] | None = None) -> Ready:
    """Read a city and lay out its ground and its people.

    Parameters
    ----------
    city : City
    layers : mapping, optional
        Its layers, when they are already loaded.
    """
    layers = load_layers(city) if layers is None else layers
    area, districts = (require_usable(x) for x in require(layers, "study_area", "districts"))
    require_fit(area.geometry.union_all(), city.metric_crs, city.id)
    # A city may have no river, and no land that is marked as built up.
    water, built_up = (
        require_usable(x) if len(x.located) else x.located
        for x in require(layers, "water", "built_up")
    )
    existing = built_up[built_up["status"] == "existing"]
    area, water, existing, districts = (
        to_crs(frame, city.metric_crs) for frame in (area, water, existing, districts)
    )
    streets = Mapped(Path(city.find(STREETS))) if city.has(STREETS) else None
    neighbours = 16 if streets is None else 0
    ground = build_ground(area, water, existing, city.analysis.cell_m, neighbours=neighbours)
    people, notes = _people(city, layers, districts, ground)
    notes = (*gap_sentences(city), *notes)
    heights = city.find("heights.tif") if city.has("heights.tif") else None
    if streets is None and not ("roads" in layers and len(layers["roads"].located)):
        notes = (
            *notes,
            "没有道路数据：按空地步速估算 / no streets and no roads: everybody is taken to cross open land;"
            " fetch or import streets",
        )
    share = parts_of(people)
    if city.has("population.tif") or union_of(list(districts.geometry)) is not None:
        # Whole zones lie in one district, unless districts overlap.
        share = parts(people.index.to_numpy(), ground.grid, districts, "name_zh", ground.area)
    grounds = to_crs(load_grounds(city).to_frame("geometry"), city.metric_crs).geometry
    held = dict(grounds.items())
    return Ready(city, layers, ground, people, share, streets, heights, notes, grounds=held)


def _require_dry(streets: Streets, ground: Ground, city: City) -> None:
    # Water that drowns the streets is drawn wrong: nobody could walk there, and no land would be left.
    import shapely

    way = np.repeat(np.arange(streets.ways), np.diff(streets.first))
    xy = transform(streets.lonlat, WGS84, city.metric_crs)[streets.refs]
    step = np.hypot(*np.diff(xy, axis=0).T)
    middle = (xy[1:] + xy[:-1]) / 2
    here = (way[1:] == way[:-1]) & dry_ways(streets)[way[1:]]
    here &= shapely.intersects_xy(ground.area, *middle.T)
    if ground.barrier.is_empty or not step[here].sum() > 0:
        return
    shapely.prepare(ground.barrier)
    wet = here & shapely.intersects_xy(ground.barrier, *middle.T)
    share = step[wet].sum() / step[here].sum()
    if share > _WET_SHARE:
        raise InputError(
            f"{share:.0%} of the streets run in the water, without bridges, tunnels and ferries",
            where=city.id,
            remedy="correct the layer 'water' (`import --kind water --replace`), or the streets'"
            " coordinates",
        )


def _people(
    city: City, layers: Mapping[str, Layer], districts: gpd.GeoDataFrame, ground: Ground
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    # From a raster of counts, else from census zones, else unknown.
    grid, passable = ground.grid, ground.passable
    if city.has("population.tif"):
        from urbanplan.sources.rasters import read_people

        xy, persons = read_people(city.find("population.tif"), grid.crs, grid.cell_m)
        return gather(xy, persons, districts, grid, ground.area, passable), ()
    census = layers.get("population")
    if census is None or not len(census.frame):
        return unpeopled(districts, grid, passable), (
            "没有人口数据：只能给出土地的覆盖率 / nobody knows who lives where: shares are of land;"
            " import a population layer or raster",
        )
    zones = require_usable(census, "persons")
    homeless = census.frame[~census.frame["id"].isin(zones["id"]) & (census.frame["persons"] > 0)]
    if len(homeless):
        raise InputError(
            f"zone '{homeless['id'].iloc[0]}' has people but no geometry",
            where=census.path,
            remedy="draw it, or add its people to a zone that is drawn",
        )
    return spread(to_crs(zones, city.metric_crs), districts, grid, passable), ()


def people_of(ready: Ready, layers: Mapping[str, Layer]) -> pd.DataFrame:
    """Who lives where, per cell, by other layers than the city's own."""
    (districts,) = require(layers, "districts")
    metric = ready.metric(require_usable(districts))
    return _people(ready.city, layers, metric, ready.ground)[0]


def check_opened(layers: Mapping[str, Layer], opened: tuple[str, ...]) -> None:
    """Raise `UnknownNameError` unless every id is a located road or bridge that is not there yet."""
    for fid in opened:
        known = [
            row
            for layer in require(layers, "roads", "bridges")
            for row in layer.located.loc[layer.located["id"] == fid, "status"]
        ]
        planned = sorted(
            f
            for n in ("bridges", "roads")
            for f in layers[n].with_status("planned", "announced")["id"]
        )
        if not known or known == ["existing"]:
            raise UnknownNameError(
                f"'{fid}' is not a planned road or bridge",
                remedy=f"use one of {', '.join(map(str, planned))}",
            )


def coverage_of(
    ready: Ready, ways: Ways, facilities: str, limits_min: Sequence[float]
) -> tuple[pd.DataFrame, np.ndarray, Placed]:
    """Coverage table, minutes per cell and placed features of one facility kind for one mode.

    Where no existing facility of the kind has a place, what is covered is NaN: it cannot be told.
    """
    (layer,) = require(ready.layers, facilities)
    frame = ready.metric(layer.reachable())
    table, cells, placed = cover(ready, ways, frame, limits_min, ready.parts)
    table.insert(0, "mode", ways.mode.id)
    table.insert(0, "facilities", facilities)
    return table, cells, placed


def cover(
    ready: Ready,
    ways: Ways,
    facilities: gpd.GeoDataFrame,
    limits_min: Sequence[float],
    parts: Parts,
    rank: int = 1,
    groups: np.ndarray | None = None,
) -> tuple[pd.DataFrame, np.ndarray, Placed]:
    """Coverage by any facilities in the metric system, for any areas and groups; as `coverage_of`.

    With a `rank`, who reaches so many facilities is covered.
    """
    placed = ready.put(ways, facilities)
    cells = ready.minutes(ways, placed, rank, max(limits_min))
    column = minutes_to_nearest(ready.demand, cells, ways.mode.id)
    if groups is None:
        table = coverage(ready.demand, column, limits_min, parts)
    else:
        table = coverage_by(ready.demand, column, limits_min, groups, parts)
    if not len(placed):
        # Nothing is known to be there, which is not the same as nobody being served.
        table[["persons_covered", "share", "km2_covered", "km2_share"]] = np.nan
    return table, cells, placed


def minutes_to_rank(
    ways: Ways, facilities: Placed, homes: Placed, rank: int, limit_min: float
) -> np.ndarray:
    """Minutes of each home to its `rank`-th nearest facility; infinity beyond the limit."""
    table = matrix(ways.ground, facilities, homes, limit_min=limit_min, direction="to")
    home, minutes = table["destination"].to_numpy(), table["minutes"].to_numpy()
    order = np.lexsort((minutes, home))
    home, minutes = home[order], minutes[order]
    first = np.searchsorted(home, np.arange(len(homes)))
    there = first + rank - 1 < np.searchsorted(home, np.arange(len(homes)), "right")
    out = np.full(len(homes), np.inf)
    out[there] = minutes[first[there] + rank - 1]
    return out


def bridge_dependence(
    ready: Ready, mode: Mode, facilities: gpd.GeoDataFrame, limit_min: float
) -> pd.DataFrame:
    """How much longer is the way to the nearest facility if one bridge is closed, and for whom?

    Parameters
    ----------
    ready : Ready
    mode : Mode
    facilities : GeoDataFrame
    limit_min : float
        People who are within it now, and no longer without the bridge, are lost.

    Returns
    -------
    DataFrame
        ``bridge, name_zh, name_en, persons_slower`` (by more than `LEAST_MIN`)``, minutes_lost`` (mean over those), ``persons_lost``
        (from within the limit), ``persons_cut_off`` (no way at all), ``quality, accuracy_m``; the
        bridge that costs most person-minutes first.

    Raises
    ------
    InputError
        If the city has no bridges, or its streets are mapped streets.
    """
    import pandas as pd

    (bridges,) = require(ready.layers, "bridges")
    existing = bridges.with_status("existing")
    if not len(existing):
        raise InputError("there is no existing bridge", where=ready.city.id, remedy="draw it; on mapped streets, close a street in a scenario (layer = 'streets', at = [lon, lat])")  # fmt: skip
    inside = share_in(ready.parts, ALL, len(ready.demand))
    persons = ready.demand["persons"].to_numpy(float) * inside
    there = ready.metric(facilities)

    def minutes(closed: tuple[str, ...]) -> np.ndarray:
        ways = ready.ways(mode, closed=closed)
        cells = ready.minutes(ways, ready.put(ways, there))
        return minutes_to_nearest(ready.demand, cells, mode.id).to_numpy()

    now, rows = minutes(()), []
    for bridge in existing.itertuples():
        then = minutes((bridge.id,))
        cut = np.isfinite(now) & np.isinf(then)
        slower = np.isfinite(then) & (then > now + LEAST_MIN)
        lost = np.where(slower, then - np.where(slower, now, 0), 0)
        people = persons[slower].sum()
        rows.append(
            {
                "bridge": bridge.id,
                "name_zh": bridge.name_zh,
                "name_en": bridge.name_en,
                "persons_slower": people,
                "minutes_lost": (persons * lost)[slower].sum() / people if people else 0.0,
                "persons_lost": persons[(now <= limit_min) & ~(then <= limit_min)].sum(),
                "persons_cut_off": persons[cut].sum(),
                "quality": f"{bridge.quality}+modelled",
                "accuracy_m": bridge.accuracy_m,
            }
        )
    table = pd.DataFrame(rows)
    cost = table["persons_slower"] * table["minutes_lost"] + 1e9 * table["persons_cut_off"]
    order = cost.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
