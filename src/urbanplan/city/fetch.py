"""A city's layers and streets from an OpenStreetMap extract."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, transform, unwrapped
from urbanplan.catalog import (
    GEOMETRY_TYPES,
    LayerKind,
    OsmRule,
    load_catalog,
    read_osm_rules,
    walked_tags,
)
from urbanplan.city.facilities import in_use, kind_of, one_each
from urbanplan.city.folder import district_names, write_layer
from urbanplan.city.layers import BEYOND, GROUNDS, MARKER_M, OUTSIDE, load_layer
from urbanplan.city.profile import City
from urbanplan.city.repair import (
    REFUSALS,
    Worth,
    columns_of,
    cut,
    cut_beyond,
    doubles,
    fill,
    repair,
)
from urbanplan.errors import InputError
from urbanplan.files import (
    has,
    manifest,
    read_delivery,
    remove_folder,
    require_own,
    sha256,
    write_geojson,
)
from urbanplan.files.manifest import DataGap, covered_gap, with_gaps
from urbanplan.sources import OSM_ENDINGS, read_streets
from urbanplan.sources.crs_of_file import require_near, settle
from urbanplan.sources.extract import Extract, Feature, read_china, read_extract, sea_of
from urbanplan.sources.osm import write_osm
from urbanplan.sources.street_layers import from_lines
from urbanplan.sources.streets import Streets, aground, clipped

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    from urbanplan.servers.web import Guard


#: The file that holds a city's streets.
STREETS = "streets.osm.pbf"
#: Name of the origin in the manifest.
_ORIGIN = "openstreetmap"
#: Streets are read so far around the city, at least and at most.
_AROUND_M = (2000.0, 5000.0)
#: Positional accuracy that stands in for OpenStreetMap's, which states none.
#: Haklay (2010), Environment and Planning B 37, found a mean of about 6 m in London.
_ACCURACY_M = 10.0
_NOTES = ("OpenStreetMap未说明精度，按10米计", "OpenStreetMap states no accuracy, taken as 10 m")
#: The same where areas are there by their middle.
_MIDDLE_M = 100.0
_MIDDLE_NOTES = (
    "OpenStreetMap对象，面状对象仅取中点（不表示范围和面积），按100米计",
    "an object of OpenStreetMap, an area by its middle only (neither outline nor size), taken as 100 m",
)
#: What everybody must know of points alone.
_POINTS_ONLY = (
    "仅为OpenStreetMap 2024年8月的有名对象，登记不全，无街道：按空地步速估算，占比是下限 /"
    " only OpenStreetMap's named objects of August 2024, a partial register without streets: everybody"
    " is taken to cross open land, and shares are lower bounds"
)
#: Classes with other names here.
_CLASSES = {"motorway": "expressway", "motorway_link": "expressway"}
#: Kilometres in a mile, for speeds posted in mph.
_KM_PER_MILE = 1.609344


@dataclass(frozen=True)
class Fetched:
    """What came of an extract.

    Attributes
    ----------
    features : mapping of str to int
        Features written, by layer.
    ways : int
        Ways of the streets.
    kept : tuple of str
        Layers that hold other data already and were left alone.
    notes : tuple of str
    """

    features: Mapping[str, int]
    ways: int
    kept: tuple[str, ...]
    notes: tuple[str, ...]


def tag_keys() -> dict[str, Any]:
    """Keys and values that a download must ask for: streets, turns, ways in, ferries, coast and every layer's tags."""
    wanted: dict[str, Any] = {
        **dict.fromkeys(("highway", "barrier", "entrance"), True),
        "route": {"ferry"},
        "type": {"restriction"},
        "natural": {"coastline"},
        **{key: set(values) for key, values in walked_tags().items()},
    }
    for rule in read_osm_rules():
        for key, values in rule.tags.items():
            if wanted.get(key) is True or values is True:
                wanted[key] = True
            else:
                wanted[key] = set(wanted.get(key, ())) | set(values)
    return {k: v if v is True else sorted(v) for k, v in sorted(wanted.items())}


def area_of(city: City) -> BaseGeometry:
    """The city's study area in WGS84."""
    located = load_layer(city, "study_area").located
    if located.empty:
        raise InputError(
            "the city has no study area",
            where=city.layers_folder,
            remedy="set the folder up with `urbanplan init`",
        )
    return located.geometry.union_all()


def around_m(city: City) -> float:
    """How far around a city its streets, and the facilities there, are read, in metres.

    As far as the fastest mode gets within the longest limit, in built-up land and straight ahead:
    2 km at least, since the shortest way may lead outside, and 5 km at most, since the surroundings
    of a town must not take more time than the town.
    """
    plan = city.analysis
    paces = (load_catalog().mode(m).built_up.pace_min_per_m for m in plan.modes)
    return float(np.clip(max(plan.minutes) / min(paces), *_AROUND_M))


def around(city: City) -> BaseGeometry:
    """The study area with a margin of `around_m`, in WGS84."""
    import geopandas as gpd

    area, margin = gpd.GeoDataFrame(geometry=[area_of(city)], crs=WGS84), around_m(city)
    wide = area.to_crs(city.metric_crs).buffer(margin).simplify(margin / 20).to_frame("geometry")
    west, _, east, _ = area.total_bounds
    return unwrapped(wide.to_crs(WGS84), (west + east) / 2).geometry.iloc[0]


def fetch(city: City, path: Path | str, *, day: str, replace: bool = False) -> Fetched:
    """Fill a city's layers and streets from an extract.

    Parameters
    ----------
    city : City
    path : path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` that covers the city.
    day : str
        Today, for the manifest.
    replace : bool
        Also replace layers that hold data from elsewhere.

    Returns
    -------
    Fetched
    """
    catalog, area, near = load_catalog(), area_of(city), around(city)
    rules = [r for r in read_osm_rules() if replace or _may_fill(city, r.layer)]
    kept = tuple(r.layer for r in read_osm_rules() if r not in rules)
    beyond = {r.layer for r in rules if catalog.layer(r.layer).role == "facility"}
    extract = read_extract(path, area, near, rules, beyond)
    sea = sea_of(
        area, extract.coast, extract.bounds if extract.stated else None, aground(extract.streets)
    )
    maker = _Maker(city, area, near, extract, day)
    found = {rule.layer: maker.layer(rule, catalog.layer(rule.layer), sea.shape) for rule in rules}
    origin = _origin(Path(path), extract, day)
    gaps = _gaps(city, area.difference(sea.shape), extract, maker.broken)
    untold = [DataGap("note", why=text, origin=_ORIGIN) for text in sea.findings]
    said = with_gaps({"built_from": [_ORIGIN]}, gaps)
    for name, (rows, shapes) in found.items():
        if len(rows) or _held(city, name):
            own = with_gaps(said, untold) if name == "water" else said
            write_layer(city.layers_folder, catalog.layer(name), rows, shapes, own, origin)
    _write_grounds(city, maker.grounds, origin)
    said = {"ways": extract.streets.ways, **said}
    with manifest.replacing(city.layers_folder, STREETS, said, origin) as new:
        write_osm(new, extract.streets)
    counts = {name: int((~rows[OUTSIDE]).sum()) for name, (rows, _) in found.items()}
    lacking = [gap.sentence("提取文件", "the extract") for gap in (*gaps, *untold)]
    return Fetched(counts, extract.streets.ways, kept, (*lacking, *maker.notes()))


def fetch_from(
    city: City,
    server: str,
    guard: Guard,
    *,
    day: str,
    replace: bool = False,
    note: Callable[[str], None] | None = None,
    watch: Callable[[str], AbstractContextManager] = nullcontext,
) -> Fetched:
    """As `fetch`, of what an Overpass server answers; an interrupted download goes on where it was.

    Parameters
    ----------
    city : City
    server : str
        Its address.
    guard : Guard
        What it may be and send.
    day, replace
        See `fetch`.
    note : callable, optional
        Told what the server makes one wait for.
    watch : callable, optional
        Called with ``download`` and ``read``; returns a context manager.

    Returns
    -------
    Fetched
    """
    from urbanplan.sources.overpass import download

    cache = require_own(city.layers_folder / ".overpass", city.layers_folder, whole=True)
    with watch("download"):
        pbf = download(server, around(city), tag_keys(), cache, guard=guard, note=note)
    with watch("read"):
        found = fetch(city, pbf, day=day, replace=replace)
    # Answers serve a download that was interrupted; the next one asks for what is new.
    remove_folder(cache)
    return found


def fetch_points(city: City, *, day: str, replace: bool = False) -> Fetched:
    """Fill a city's layers from the points of China that a package carries; no network is asked.

    Parameters
    ----------
    city : City
    day, replace
        See `fetch`.

    Returns
    -------
    Fetched
        Without streets.
    """
    catalog, area, near = load_catalog(), area_of(city), around(city)
    rules = [r for r in read_osm_rules() if r.fclass and (replace or _may_fill(city, r.layer))]
    kept = tuple(r.layer for r in read_osm_rules() if r.fclass and r not in rules)
    extract = read_china(near, rules)
    areal = [r.layer for r in rules if catalog.layer(r.layer).geometry == "polygon"]
    for name in areal:
        extract.features[name][:] = _discs(city, extract.features[name])
    maker = _Maker(city, area, near, extract, day)
    said = with_gaps({"built_from": [_ORIGIN]}, [DataGap("partial", origin=_ORIGIN)])
    origin = _origin(None, extract, day)
    counts, no_sea = {}, area.intersection(area.envelope.boundary).buffer(0)
    for rule in rules:
        rule, kind = dataclasses.replace(rule, min_m2=0.0), catalog.layer(rule.layer)
        rows, shapes = maker.layer(rule, kind, no_sea)
        if len(rows) or _held(city, rule.layer):
            write_layer(city.layers_folder, kind, rows, shapes, said, origin)
        counts[rule.layer] = int((~rows[OUTSIDE]).sum())
    return Fetched(counts, 0, kept, (_POINTS_ONLY, *maker.notes()))


def _discs(city: City, features: Sequence[Feature]) -> list[Feature]:
    import shapely

    middles = _metric(city, [f.geometry for f in features])
    discs = (shapely.transform(m.buffer(MARKER_M), lambda xy: transform(xy, city.metric_crs, WGS84)) for m in middles)  # fmt: skip
    return [f._replace(geometry=disc) for f, disc in zip(features, discs)]


def _write_grounds(
    city: City, shapes: Mapping[str, BaseGeometry], origin: Mapping[str, Any]
) -> None:
    # Outlines of what its layer holds as points: one gets in from every street around, not at the middle.
    import geopandas as gpd

    if not shapes and not city.has(GROUNDS):
        return
    frame = gpd.GeoDataFrame({"id": sorted(shapes)}, geometry=[shapes[k] for k in sorted(shapes)], crs=WGS84)  # fmt: skip
    said = {"features": len(frame), "built_from": [_ORIGIN]}
    with manifest.replacing(city.layers_folder, GROUNDS, said, origin) as new:
        write_geojson(new, frame)


def _gaps(
    city: City, land: BaseGeometry, extract: Extract, broken: Mapping[str, int]
) -> tuple[DataGap, ...]:
    # What an extract lacks looks like what is not there: it must be said.
    import shapely

    share = 1.0
    if land.area:
        inside = land.intersection(shapely.box(*extract.bounds))
        (whole,) = _metric(city, [land])
        share = sum(s.area for s in _metric(city, [inside])) / whole.area
    left_out = [
        DataGap("left_out", None, n, why, _ORIGIN)
        for why, n in sorted({**extract.left_out, **broken}.items())
    ]
    notes = [DataGap("note", why=text, origin=_ORIGIN) for text in extract.findings]
    return (*covered_gap(share, _ORIGIN), *left_out, *notes)


def _of(extract: Extract, layer: str) -> Sequence[Feature]:
    return extract.features.get(layer, ())


def _held(city: City, name: str) -> Mapping[str, Any]:
    # What the manifest says of a layer.
    return city.manifest["files"].get(f"{name}.geojson", {})


def _may_fill(city: City, name: str) -> bool:
    # Empty slots, and what an earlier fetch has left.
    fetched = _held(city, name).get("built_from") == [_ORIGIN]
    return fetched or not city.has(f"{name}.geojson") or load_layer(city, name).frame.empty


def _metric(city: City, shapes: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    import shapely

    return [
        shapely.transform(s, lambda xy: transform(xy, WGS84, city.metric_crs))
        for s in shapes
        if not s.is_empty
    ]


class _Maker:
    """Features of an extract on their way into layers, and what is said of them."""

    def __init__(
        self, city: City, area: BaseGeometry, near: BaseGeometry, extract: Extract, day: str
    ) -> None:
        self.city, self.area, self.near, self.extract = city, area, near, extract
        self.day = extract.as_of or day
        held = city.has("districts.geojson")
        self.districts = load_layer(city, "districts").located if held else None
        self.water = _metric(city, [f.geometry for f in _of(extract, "water")])
        self.grounds: dict[str, BaseGeometry] = {}
        self._left_out: Counter[tuple[str, str]] = Counter()
        self.broken: Counter[str] = Counter()
        self._mended = self._merged = self._outside = 0

    def layer(
        self, rule: OsmRule, kind: LayerKind, sea: BaseGeometry
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Rows and shapes of one layer, those beyond the boundary marked."""
        features = self._chosen(rule, kind, [*self.water, *_metric(self.city, [sea])])
        rows, shapes = self._rows(features, rule, kind)
        rows["district"] = district_names(shapes, self.districts)
        rows = rows[[*columns_of(kind), OUTSIDE]]
        if rule.layer == "water" and not sea.is_empty:
            rows, shapes = _with_sea(rows, shapes, sea, kind, self.extract)
            rows["district"] = district_names(shapes, self.districts)
        self._outside += int(rows[OUTSIDE].sum())
        return rows, shapes

    def notes(self) -> tuple[str, ...]:
        """What was mended, left out, and counted once."""
        said = [
            f"{n:,}处未采用：{zh} / {n:,} left out: {en}"
            for (zh, en), n in sorted(self._left_out.items())
        ]
        if self._mended:
            said.append(
                f"有{self._mended:,}个面轮廓自交等，已修复 / {self._mended:,} shapes whose outline"
                " crosses itself or the like were repaired"
            )
        if self._merged:
            said.append(
                f"有{self._merged:,}处是别处设施的一部分（建筑、入口、科室等），不另计 /"
                f" {self._merged:,} are parts of other facilities (buildings, entrances, departments)"
                " and not counted again"
            )
        if self._outside:
            said.append(
                f"城市范围外{self._around_km():g}千米内有{self._outside:,}处设施，计入出行时间，不计入城市的设施数 /"
                f" {self._outside:,} facilities within {self._around_km():g} km beyond the boundary count"
                " in travel times, not among the city's facilities"
            )
        return tuple(said)

    def _around_km(self) -> float:
        return around_m(self.city) / 1000

    def _chosen(
        self, rule: OsmRule, kind: LayerKind, water: Sequence[BaseGeometry]
    ) -> list[Feature]:
        # In use, large enough, near enough to water, and not the same thing twice.
        import shapely

        features = self._sound(_of(self.extract, rule.layer), kind)
        areas_m2 = shapely.area(self._shapes(features))
        features, left_out = in_use(features, areas_m2, rule, self.day)
        self._left_out += left_out
        shapes = self._shapes(features)
        keep = np.ones(len(features), bool)
        if rule.min_m2:
            keep &= shapely.area(shapes) >= rule.min_m2
        if rule.near_water_m is not None and len(features):
            lines = _metric(self.city, [f.geometry for f in _of(self.extract, "river_lines")])
            banks = shapely.union_all(shapely.buffer([*water, *lines], rule.near_water_m))
            shapely.prepare(banks)
            near = shapely.intersects(banks, shapes)
            wet = shapely.length(shapely.intersection(shapes, banks))
            keep &= near & (wet >= 0.5 * shapely.length(shapes))
        features = [f for f, k in zip(features, keep) if k]
        if kind.geometry != "point":
            return features
        single = one_each(features, shapes[keep], rule)
        self._merged += len(features) - len(single)
        return single

    def _shapes(self, features: Sequence[Feature]) -> np.ndarray:
        return np.array(_metric(self.city, [f.geometry for f in features]), object)

    def _sound(self, features: Sequence[Feature], kind: LayerKind) -> list[Feature]:
        # Areas are made valid as an import does it, before anything is asked of them.
        areal = [f.geometry.geom_type in GEOMETRY_TYPES["polygon"] for f in features]
        drawn = [f for f, a in zip(features, areal) if a]
        shapes = np.array([f.geometry for f in drawn], object)
        labels = np.array([f.id for f in drawn], object)
        done = repair(shapes, labels, dataclasses.replace(kind, geometry="polygon"), clockwise=True)
        self._mended += len({f.feature for f in done.repaired if f.rule == "make_valid"})
        self.broken += Counter(REFUSALS[f.rule] for f in done.refused)
        good = {
            f.id: f._replace(geometry=shape)
            for f, shape, k in zip(drawn, done.shapes, done.keep)
            if k
        }
        return [good[f.id] if a else f for f, a in zip(features, areal) if not a or f.id in good]

    def _rows(
        self, features: list[Feature], rule: OsmRule, kind: LayerKind
    ) -> tuple[pd.DataFrame, np.ndarray]:
        import pandas as pd

        shapes = np.array([f.geometry for f in features], object)
        labels = np.array([f.id for f in features], object)
        if kind.geometry == "point":
            shapes = np.array([s.representative_point() for s in shapes], object)
        done = repair(shapes, labels, kind)
        inside = cut(done.shapes, self.area, kind.geometry)
        beyond = np.full(len(shapes), None, object)
        if kind.role == "facility":
            beyond = cut_beyond(done.shapes, self.area, self.near, kind.geometry)
        rows, parts, outside = [], [], []
        for mark, pieces in ((False, inside), (True, beyond)):
            for i in np.flatnonzero(done.keep & np.array([s is not None for s in pieces], bool)):
                row = _tagged(features[i], rule)
                if mark and inside[i] is not None:
                    row["id"] += BEYOND
                rows.append(row)
                parts.append(pieces[i])
                outside.append(mark)
        table = pd.DataFrame(rows, columns=columns_of(kind))
        shapes = np.array(parts, object)
        mapped = {c: c for c in table.columns}
        table, _ = fill(table, shapes, mapped, kind, _worth(self.extract))
        notes = _MIDDLE_NOTES if self.extract.middles else _NOTES
        table["note_zh"], table["note_en"] = notes
        table[OUTSIDE] = np.array(outside, bool)
        keep = np.ones(len(table), bool)
        keep[doubles(shapes, table["name_zh"].to_numpy(), keep)] = False
        if kind.role == "facility" and kind.geometry == "point":
            held = set(table["id"][keep])
            self.grounds |= {f.id: f.geometry for f in features if f.id in held and f.geometry.area}
        return table[keep].reset_index(drop=True), shapes[keep]


def _worth(extract: Extract) -> Worth:
    as_of = extract.as_of or "not stated"
    accuracy_m = _MIDDLE_M if extract.middles else _ACCURACY_M
    return Worth("existing", "derived", accuracy_m, extract.source, extract.licence, as_of)


def _tagged(feature: Feature, rule: OsmRule) -> dict[str, Any]:
    tags = feature.tags
    row: dict[str, Any] = {"id": feature.id}
    name = tags.get("name")
    row["name_zh"] = tags.get("name:zh") or tags.get("name:zh-Hans") or name
    row["name_en"] = tags.get("name:en") or name
    row["kind"] = kind_of(tags, rule)
    for column, key in rule.columns.items():
        value: Any = tags.get(key)
        if column == "speed_kmh":
            value = _kmh(value)
        elif column == "class":
            value = _CLASSES.get(value, value)
        row[column] = value
    return row


def _kmh(posted: str | None) -> float | None:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(mph|km/h)?", posted or "")
    if not found:
        return None
    return float(found.group(1)) * (_KM_PER_MILE if found.group(2) == "mph" else 1.0)


def _with_sea(
    rows: pd.DataFrame, shapes: np.ndarray, sea: BaseGeometry, kind: LayerKind, extract: Extract
) -> tuple[pd.DataFrame, np.ndarray]:
    import pandas as pd

    one = pd.DataFrame(
        [{"id": "sea", "name_zh": "海域", "name_en": "sea", "kind": "sea"}],
        columns=columns_of(kind),
    )
    own, _ = fill(one, np.array([sea], object), {c: c for c in one.columns}, kind, _worth(extract))
    own["note_zh"], own["note_en"] = _NOTES
    own[OUTSIDE] = False
    both = pd.concat([rows, own], ignore_index=True)
    return both, np.array([*shapes, sea], object)


def _origin(path: Path | None, extract: Extract, day: str) -> dict[str, dict[str, str]]:
    row = {
        "title": "OpenStreetMap",
        "extract": "" if path is None else path.name,
        "sha256": "" if path is None else sha256(path),
        "source": extract.source,
        "licence": extract.licence,
        "url": "https://www.openstreetmap.org/copyright",
        "as_of": extract.as_of,
        "fetched": day,
    }
    return {_ORIGIN: {k: v for k, v in row.items() if v}}


def bring_streets(
    city: City,
    path: Path | str,
    worth: Worth,
    *,
    crs: str | None,
    layer: str | None,
    encoding: str | None,
    large: bool,
    replace: bool,
    day: str,
    given: Mapping[str, str] | None = None,
    seven: tuple[float, ...] | None = None,
) -> tuple[Path, list[str]]:
    """Make a file the streets of a city, as far as 2 km around it.

    Parameters
    ----------
    city : City
    path : path
        ``.osm.pbf``, osmnx's ``.graphml``, or any layer of lines with ``highway`` or ``class``.
    worth : Worth
    crs, layer, encoding, large
        As for any import; only for layers of lines.
    replace : bool
        Whether streets that are there already may go.
    day : str
        Today, for the manifest.
    given : mapping of str to str, optional
        What columns and values mean; see `urbanplan.sources.street_layers.from_lines`.
    seven : tuple of 7 floats, optional
        As for any import.

    Returns
    -------
    path : Path
    notes : list of str

    Raises
    ------
    InputError
        If it holds no street of the city, or there are streets already.
    """
    target = city.layers_folder / STREETS
    if has(target) and not replace:
        raise InputError("is there already", where=target, remedy="say --replace to take these")
    notes: list[str] = []
    if str(path).lower().endswith((*OSM_ENDINGS, ".graphml")):
        streets = read_streets(path, given)
    else:
        streets = _of_lines(
            city, path, crs, seven, notes, given, layer=layer, encoding=encoding, large=large
        )
    notes += streets.findings
    near = clipped(streets, around(city))
    if not near.ways:
        raise InputError(
            "holds no street of the city", where=path, remedy="give one that covers the city"
        )
    origin = f"{Path(path).name}-{sha256(path)[:8]}"
    row = {
        "title": Path(path).name,
        "sha256": sha256(path),
        "source": worth.source,
        "licence": worth.licence,
        "as_of": worth.as_of,
        "imported": day,
    }
    said = {"ways": near.ways, "built_from": [origin]}
    # What was not understood goes where every run tells it; what was merely renamed does not.
    gaps = [
        manifest.DataGap("note", why=f"读入路网时有未识别的列或值（见英文） / {finding}")
        for finding in streets.findings
        if not finding.startswith("columns read as tags")
    ]
    said = manifest.with_gaps(said, gaps)
    with manifest.replacing(city.layers_folder, STREETS, said, {origin: row}) as new:
        write_osm(new, near)
    return target, [
        *notes,
        f"{near.ways:,} ways, {streets.ways - near.ways:,} farther away dropped",
    ]


def _of_lines(
    city: City,
    path: Path | str,
    crs: str | None,
    seven: tuple[float, ...] | None,
    notes: list[str],
    given: Mapping[str, str] | None,
    **how: Any,
) -> Streets:
    delivery, area = read_delivery(path, crs=crs, family="line", **how), area_of(city)
    middle = area.representative_point()
    settled = settle(
        delivery.frame,
        delivery.crs_from,
        delivery.system,
        (middle.x, middle.y),
        delivery.path,
        seven,
    )
    require_near(settled.frame, area, settled.system, delivery.path)
    notes += [*delivery.notes, *settled.notes()]
    return from_lines(settled.frame, where=delivery.path, given=given)
