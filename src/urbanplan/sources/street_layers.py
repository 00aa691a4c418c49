"""Streets that are no OpenStreetMap data: layers of lines, and graphs of osmnx."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, parse_crs, to_crs, transform
from urbanplan.base.schema import is_missing
from urbanplan.catalog import plain_name, read_street_schema
from urbanplan.errors import InputError, UnknownNameError, UrbanplanError, one_of
from urbanplan.files import existing, memory_limit, read_delivery, scan_xml, size_bytes
from urbanplan.sources.osm import LICENCE, SOURCE, WAY_KEYS
from urbanplan.sources.read import in_wgs84
from urbanplan.sources.streets import Streets, collect, continuous, require_lonlat

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx


#: Vertices are kept to this many degrees (about a centimetre).
_DEGREE = 1e-7
#: An end of a line so near to a vertex lies on it; one that touches nothing belongs to another end within the second
#: distance; within the third it may have been meant to. In metres.
_TOUCH_M, _JOIN_M, _NEAR_M = 0.012, 0.05, 0.5
#: Class of a line that names none.
PLAIN = "unclassified"
#: ogr2ogr's column of everything that has none of its own, as a PostgreSQL hstore.
_REST = "other_tags"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"(=>)?|\\?\Z)', re.DOTALL)
_YES, _NO = ("yes", "true", "t", "1", "y", "是"), ("no", "false", "f", "0", "n", "否")
#: Of Overture's subclasses, the one that changes a class.
_LINK = "link"
_LISTED = 8
#: Names that a column of classes may have, and many others too.
_ANYTHING = ("type", "kind", "等级", "类型", "级别")
#: Characters of a text that is taken for a list: parsing one takes hundreds of bytes for each.
_LONGEST_LIST = 10_000
#: A Shapefile cuts names after so many characters.
_CUT = 10


def read_lines(path: Path | str, given: Mapping[str, str] | None = None) -> Streets:
    """Read a layer of lines from any file that people have; see `from_lines`."""
    delivery = read_delivery(path, family="line")
    frame, notes = in_wgs84(delivery)
    streets = from_lines(frame, where=delivery.path, given=given)
    return replace(streets, findings=(*notes, *streets.findings))


def from_lines(
    frame: gpd.GeoDataFrame, where: object = None, given: Mapping[str, str] | None = None
) -> Streets:
    """Streets of a layer of lines, which meet where they share a vertex.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines with classes, limits and directions in columns of a schema that
        ``catalog/streets.toml`` knows. A line without a class counts as an ordinary street. Lines
        that cross without a common vertex do not meet, as on a bridge.
    where : object, optional
        The file, for messages.
    given : mapping of str to str, optional
        The user's own: tag to column (``highway`` to ``RDCLS``), and tag:value to the value that
        stands for it (``highway:residential`` to ``LOCAL``).

    Returns
    -------
    Streets
        Its findings say what of the layer was not understood.

    Raises
    ------
    InputError
        If it holds anything but lines.
    UnknownNameError
        If the user names a column that is not there, or a tag that nobody reads.
    """
    rows = to_crs(frame, WGS84, where).explode(ignore_index=True)
    rows = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    other = set(rows.geom_type) - {"LineString"}
    if other or not len(rows):
        raise InputError(
            f"holds {'/'.join(sorted(other)) or 'nothing'}, not lines",
            where=where,
            remedy="give the layer of street centre lines",
        )
    import shapely

    xy, line = shapely.get_coordinates(rows.geometry.values, return_index=True)
    xy = continuous(require_lonlat(xy, where))
    whole, refs = np.unique(np.rint(xy / _DEGREE).astype(np.int64), axis=0, return_inverse=True)
    first = np.searchsorted(line, np.arange(len(rows) + 1))
    refs, apart = _joined(xy, refs.ravel(), first)
    table = rows.drop(columns=rows.geometry.name)
    records = table.to_dict("records")
    reader = TagReader(list(table.columns), records, given or {})
    length_m = _lengths_m(rows)
    ways = [
        (reader.tags(record, length_m[i]), refs[first[i] : first[i + 1]])
        for i, record in enumerate(records)
    ]
    return collect(
        ways,
        np.arange(len(whole)),
        whole * _DEGREE,
        source=_common(rows, "source"),
        licence=_common(rows, "licence"),
        as_of=_common(rows, "as_of"),
        findings=(*reader.findings(), *apart),
    )


def _joined(xy: np.ndarray, refs: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, tuple]:
    # Ends that were drawn, cut or projected beside each other are one point: rounding alone parts them at some places.
    from scipy.spatial import cKDTree

    _, at = np.unique(refs, return_index=True)
    east = np.cos(np.radians(xy[:, 1].mean()))
    metres = (xy[at] - xy[0]) * [111_195 * east, 111_195]
    lines = np.c_[refs[first[:-1]], refs[first[1:] - 1]]
    end = np.isin(np.arange(len(at)), lines)
    loose, ends = end & (np.bincount(refs, minlength=len(at)) == 1), np.flatnonzero(end)
    near = cKDTree(metres).query_pairs(_TOUCH_M, output_type="ndarray")
    near = near[end[near].any(1)]
    wide = ends[cKDTree(metres[ends]).query_pairs(_NEAR_M, output_type="ndarray")]
    wide = wide[loose[wide].any(1)]
    # Ends between which short pieces lead are no gap.
    short = lines[(np.diff(first) == 2) & (_gaps(metres, lines) <= _NEAR_M)]
    wide = wide[_apart(len(at), np.r_[near, short], wide)]
    pairs = np.r_[near, wide[_gaps(metres, wide) <= _JOIN_M]]
    wide = wide[_apart(len(at), pairs, wide)]
    joined = _first_of_each(len(at), pairs)
    met = np.bincount(joined[refs], minlength=len(at))
    still = joined[wide]
    count = len(np.unique(still[met[still] == 1]))
    note = (
        f"{count:,} ends of lines lie within {_NEAR_M:g} m of another end without touching it:"
        " no way leads on there (snap them to each other if they should meet)"
    )
    return joined[refs], (note,) * bool(count)


def _gaps(places: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)


def _first_of_each(count: int, pairs: np.ndarray) -> np.ndarray:
    # For each point the first of those that pairs join it to.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), tuple(pairs.T)), shape=(count, count))
    part = connected_components(links, directed=False)[1]
    return np.unique(part, return_index=True)[1][part]


def _apart(count: int, joined: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    of = _first_of_each(count, joined)[pairs]
    return of[:, 0] != of[:, 1]


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values of an hstore. One that never ends is taken to the end, not looked for again."""
    last = None
    for found in _QUOTED.finditer(text):
        if last and found.start() == last.end():
            yield last[1], found[1]
        last = found if found[2] else None


def _lengths_m(rows: gpd.GeoDataFrame) -> np.ndarray:
    # Good enough for shares: degrees, with longitude shortened at the layer's latitude.
    import shapely

    south, north = rows.total_bounds[[1, 3]]
    squeezed = shapely.transform(
        rows.geometry.values, lambda xy: xy * [np.cos(np.radians((south + north) / 2)), 1]
    )
    return shapely.length(squeezed) * 111_195


@dataclass
class TagReader:
    """Reads the tags of streets out of rows, and remembers what it did not understand.

    Attributes
    ----------
    columns : sequence of str
        Columns of the layer (or keys of a graph's edges).
    records : sequence of mapping
        All rows: Geofabrik's T and F are told from truth values by what the column holds.
    given : mapping of str to str
        The user's own; see `from_lines`.
    """

    columns: Sequence[str]
    records: Sequence[Mapping[str, Any]]
    given: Mapping[str, str]
    _taken: dict[str, str] = field(default_factory=dict)
    _values: dict[tuple[str, str], str] = field(default_factory=dict)
    _unknown: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _length_m: float = 0.0

    def __post_init__(self) -> None:
        schema = read_street_schema()
        plain: dict[str, str] = {}
        for name in self.columns:
            plain.setdefault(plain_name(name), name)
        for key, theirs in self.given.items():
            tag, _, value = key.partition(":")
            if value:
                self._values[tag, plain_name(theirs)] = value
            else:
                self._taken[self._known(theirs)] = tag
            if tag not in WAY_KEYS:
                raise UnknownNameError(
                    f"'{tag}' is no tag that is read", remedy="use highway, oneway, maxspeed, …"
                )
        for key, names in schema.columns.items():
            if key in self._taken.values():
                continue
            held = [plain[plain_name(n)] for n in names if plain_name(n) in plain]
            held = [column for column in held if column not in self._taken]
            if key == "highway":
                held = self._by_known_classes(held)
            if held:
                self._taken[held[0]] = key
        for name in self.columns:
            tag = _way_key(str(name))
            if tag and tag not in self._taken.values():
                self._taken.setdefault(name, tag)
        self._along = self._along_and_against()

    def _by_known_classes(self, columns: list[str]) -> list[str]:
        # Of several columns that could hold classes, the one whose values are mostly classes; "type" may be anything.
        schema = read_street_schema()

        def share(column: str) -> float:
            values = [v for r in self.records for v in map(_text, _listed(r.get(column))) if v]
            known = [v for v in values if plain_name(v) in schema.classes or v.lower() in schema.osm_classes]  # fmt: skip
            return len(known) / len(values) if values else 0.0

        shares = {column: share(column) for column in columns}
        plainly = [c for c in columns if shares[c] > 0 or plain_name(c) not in _ANYTHING]
        return sorted(plainly, key=lambda column: -(shares[column] >= 0.5))

    def _known(self, column: str) -> str:
        if column not in self.columns:
            raise UnknownNameError(
                f"the file has no column '{column}'",
                remedy=one_of(column, map(str, self.columns)),
            )
        return column

    def _along_and_against(self) -> dict[str, str]:
        # Geofabrik and others write F (from), T (to) and B (both); elsewhere T is true and F false.
        column = next((c for c, key in self._taken.items() if key == "oneway"), None)
        if column is None:
            return {}
        held = {str(r.get(column)).strip().upper() for r in self.records}
        if "B" in held or any(plain_name(c) == "fclass" for c in self.columns):
            return {"F": "yes", "T": "-1", "B": "no"}
        return {}

    def tags(self, row: Mapping[str, Any], length_m: float = 0.0) -> dict[str, str]:
        """Tags of one row; `length_m` weighs what is not understood."""
        self._length_m += length_m
        tags: dict[str, str] = {}
        for column, key in self._taken.items():
            values = [v for v in map(_text, _listed(row.get(column))) if v]
            if values:
                tags |= self._read(key, values, length_m)
        for key, value in _pairs(_words(row.get(_REST))):
            if key in WAY_KEYS:
                tags.setdefault(key, value)
        if tags.pop("subclass", "") == _LINK and "highway" in tags:
            tags["highway"] += "" if tags["highway"].endswith("_link") else "_link"
        seconds = float(tags.pop("travel_time", 0) or 0)
        if seconds > 0 and length_m and not any(plain_name(c) == "speedkph" for c in self._taken):
            tags["maxspeed"] = f"{3.6 * length_m / seconds:g}"
        tags.setdefault("highway", PLAIN)
        return tags

    def _read(self, key: str, values: list[str], length_m: float) -> dict[str, str]:
        own = [self._values.get((key, plain_name(v)), v) for v in values]
        if key == "highway":
            return self._class(own, length_m)
        if key == "oneway":
            # A list is of an edge that was drawn along its direction already.
            said = self._oneway(own[0], length_m)
            return {"oneway": said} if said else {}
        if key in ("bridge", "tunnel"):
            low = own[0].lower()
            return {key: "yes" if low in _YES else "no" if low in _NO else own[0]}
        if key == "maxspeed":
            # The lowest of a list counts, wherever along the street it holds.
            return {key: ";".join(re.sub("(公里|千米)/?(小?时|h)", "", v) for v in own)}
        if key == "travel_time":
            return {key: own[0]} if re.fullmatch(r"\d{1,9}(\.\d*)?", own[0]) else {}
        if key in _ACCESS_KEYS:
            # An edge made of several streets is passed only if each of them is.
            return {key: next((v for v in own if v in _SHUT), own[0])}
        return {key: own[0]}

    def _class(self, values: list[str], length_m: float) -> dict[str, str]:
        schema, classes = read_street_schema(), []
        tags: dict[str, str] = {}
        for value in values:
            known = schema.classes.get(plain_name(value))
            if known is None and value.lower() not in schema.osm_classes:
                self._miss("highway", value, length_m)
            known = known or {"highway": value.lower() if value.isascii() else value}
            classes.append(known["highway"])
            tags |= known
        return tags | {"highway": ";".join(dict.fromkeys(classes))}

    def _oneway(self, value: str, length_m: float) -> str:
        hit = self._along.get(value.upper())
        for word, names in read_street_schema().oneway.items() if hit is None else ():
            if value.lower() in names:
                hit = word
        if hit is None:
            self._miss("oneway", value, length_m)
        return hit or ""

    def _miss(self, key: str, value: str, length_m: float) -> None:
        count = self._unknown.setdefault((key, value), [0, 0.0])
        count[0] += 1
        count[1] += length_m

    def findings(self) -> tuple[str, ...]:
        """What was not understood, most of it first."""
        schema, notes = read_street_schema(), []
        renamed = [f"{k} = {c}" for c, k in self._taken.items() if c != k and k != "travel_time"]
        if renamed:
            notes.append(f"columns read as tags: {', '.join(renamed)}")
        if "highway" not in self._taken.values() and not self._in_rest("highway"):
            notes.append(
                f"no column holds classes of streets: every line counts as an ordinary street"
                f" ({PLAIN}); if one does, name it with --map highway=COLUMN"
            )
        left = [
            str(c) for c in self.columns
            if c not in self._taken and c != _REST and plain_name(c) not in schema.passed
        ]  # fmt: skip
        if left:
            more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
            notes.append(f"columns not taken: {', '.join(left[:_LISTED])}{more}")
        own = [c for c in self._taken if plain_name(c) in ("speedkph", "traveltime")]
        if own:
            notes.append(f"'{own[0]}' is used as the speed of cars, in place of our own by class")
        for key, meaning in (("highway", "closed"), ("oneway", "taken for two-way")):
            notes += self._missed(key, meaning)
        return tuple(notes)

    def _in_rest(self, key: str) -> bool:
        return _REST in self.columns and any(f'"{key}"=>' in _words(r.get(_REST)) for r in self.records)  # fmt: skip

    def _missed(self, key: str, meaning: str) -> list[str]:
        rows = sorted(
            ((length, n, v) for (k, v), (n, length) in self._unknown.items() if k == key),
            key=lambda row: (-row[0], -row[1], row[2]),
        )
        if not rows:
            return []
        share = sum(r[0] for r in rows) / self._length_m if self._length_m else 0.0
        named = ", ".join(f"'{v[:40]}' ({n:,})" for _, n, v in rows[:_LISTED])
        more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
        example = f"--map {key}:{'residential' if key == 'highway' else 'yes'}={rows[0][2][:40]}"
        return [
            f"values of {key} not known: {named}{more}: {meaning}, {share:.1%} of the length"
            f" (say what one means with {example})"
        ]


#: Keys that say who may pass, and values that let nobody through without more ado.
_ACCESS_KEYS = ("access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot")
_SHUT = ("no", "private", "agricultural", "forestry", "military", "emergency", "delivery")


def _way_key(column: str) -> str:
    # OpenStreetMap's key that a column stands for: oneway:bicycle, also as oneway_bicycle or oneway_bic.
    low = column.lower()
    if low in WAY_KEYS:
        return low
    spelt = {key.replace(":", "_"): key for key in WAY_KEYS}
    if low in spelt:
        return spelt[low]
    cut = [key for name, key in spelt.items() if len(low) == _CUT < len(name) and name[:_CUT] == low]  # fmt: skip
    # motor_vehi is motor_vehicle rather than motor_vehicle:forward; oneway_mot may be either of two.
    shortest = min(cut, key=len, default="")
    return shortest if all(key.startswith(shortest) for key in cut) else ""


def _listed(value: Any) -> list[Any]:
    # osmnx joins streets into one edge and lists their values, in files as text.
    if isinstance(value, list | tuple | set | np.ndarray):
        return list(value)
    text = value.strip() if isinstance(value, str) else ""
    if text.startswith("[") and text.endswith("]") and len(text) <= _LONGEST_LIST:
        try:
            parts = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            parts = text[1:-1].split(",")
        return list(parts) if isinstance(parts, list) else [value]
    return [value]


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(value: Any) -> str:
    if not np.isscalar(value) and not isinstance(value, date):
        return ""  # nothing, or a list within a list
    if is_missing(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    text = (
        f"{value:g}" if isinstance(value, float | np.floating) else str(value).strip().strip("'\"")
    ).replace("\0", "")
    # Formats without truth values write them as words.
    return {"True": "yes", "False": "no", "nan": "", "None": ""}.get(text, text)


def _common(rows: gpd.GeoDataFrame, column: str) -> str:
    # What all rows say; several sources are listed.
    if column not in rows:
        return ""
    return "; ".join(sorted({text for value in rows[column] if (text := _text(value))}))


#: Memory that a graph may take, and so much for each byte of its file (osmnx's own take 15).
_FREE_BYTES, _MAX_RATIO = 2**29, 60


def read_graphml(path: Path | str, given: Mapping[str, str] | None = None) -> Streets:
    """Read a GraphML file written by osmnx.

    Raises
    ------
    InputError
        If it is not one.
    """
    import osmnx

    path, size = existing(path), size_bytes(path)
    try:
        scan_xml(path, lambda *_: None, lambda _: None, size)
        with memory_limit(_FREE_BYTES + _MAX_RATIO * size):
            return from_graph(osmnx.load_graphml(path), where=path, given=given)
    except UrbanplanError:
        raise
    except Exception as err:  # osmnx, networkx and expat each raise their own
        reason = (str(err).splitlines() or [type(err).__name__])[0][:120]
        raise InputError(
            f"cannot be read as an osmnx graph ({reason})",
            where=path,
            remedy="write it with osmnx.save_graphml",
        ) from None


def from_graph(
    graph: nx.Graph, where: object = None, given: Mapping[str, str] | None = None
) -> Streets:
    """Streets of a networkx graph with coordinates.

    Parameters
    ----------
    graph : networkx graph
        Nodes with ``x`` and ``y``; the graph's ``crs`` (WGS84 degrees if it names none). Edges may
        carry ``geometry`` and OpenStreetMap's tags, as osmnx graphs do; an edge without
        ``highway`` counts as an ordinary street. An edge of a directed graph leads one way, unless
        osmnx says ``oneway=False`` and the opposite edge is there too.
    where : object, optional
        The file, for messages.
    given : mapping of str to str, optional
        What the edges' keys and values mean; see `urbanplan.sources.street_layers.from_lines`.

    Returns
    -------
    Streets
        Its findings say what of the graph was not understood.

    Raises
    ------
    InputError
        If a node has no coordinates.
    """
    names = list(graph.nodes)
    try:
        xy = np.array([(graph.nodes[n]["x"], graph.nodes[n]["y"]) for n in names], float)
    except KeyError:
        raise InputError(
            "a node has no x or y", where=where, remedy="give every node its coordinates"
        ) from None
    number = {name: i for i, name in enumerate(names)}
    extra: list[tuple[float, float]] = []
    ways, seen = [], set()
    edges = [data for _, _, data in graph.edges(data=True)]
    keys = list(dict.fromkeys(key for data in edges for key in data))
    reader = TagReader(keys, edges, given or {})
    for u, v, data in graph.edges(data=True):
        tags = reader.tags(data, _length(data))
        turned = _runs_back(data, xy[number[u]], xy[number[v]], v)
        if turned and not graph.is_directed():
            u, v, turned = v, u, False
        if graph.is_directed():
            twin = (_hashable(data.get("osmid")), frozenset((u, v)), round(_length(data), 3))
            both = not _true(data.get("oneway", True)) and graph.has_edge(v, u)
            if both and u != v:
                if twin in seen:
                    continue
                seen.add(twin)
            # The graph has already turned what runs against its way.
            tags["oneway"] = "no" if both else "yes"
            tags.pop("junction", None)
        points = [number[u]]
        if "geometry" in data:
            inner = list(data["geometry"].coords)[1:-1]
            inner = inner[::-1] if turned else inner
            points += range(len(names) + len(extra), len(names) + len(extra) + len(inner))
            extra += [c[:2] for c in inner]
        ways.append((tags, [*points, number[v]]))
    xy = np.concatenate([xy.reshape(-1, 2), np.array(extra, float).reshape(-1, 2)])
    crs = graph.graph.get("crs")
    osm = any("osmid" in data for data in edges)
    return collect(
        ways,
        _ids(names, len(extra)),
        require_lonlat(xy if crs is None else transform(xy, parse_crs(crs, where), WGS84), where),
        source=SOURCE if osm else "",
        licence=LICENCE if osm else "",
        # A bare graph without classes is what it is: only what osmnx wrote should have them.
        findings=reader.findings() if osm or given else (),
    )


def _runs_back(data: Mapping[str, Any], start: np.ndarray, end: np.ndarray, v: Any) -> bool:
    # Whether an edge is drawn from its second node: undirected graphs of osmnx say "from", and some geometries run back.
    if "geometry" in data:
        first = np.array(data["geometry"].coords[0][:2])
        return bool(np.hypot(*(first - end)) < np.hypot(*(first - start)))
    return "from" in data and "to" in data and str(data["from"]) == str(v) != str(data["to"])


def _ids(names: list, extra: int) -> np.ndarray:
    whole = all(isinstance(n, int | np.integer) and abs(int(n)) < 2**62 for n in names)
    ids = np.array(names if whole else range(len(names)), np.int64)
    return np.concatenate([ids, np.full(extra, -1)])


def _true(value: Any) -> bool:
    return value in (True, "True", "true", "yes", "1", 1)


def _length(data: Mapping[str, Any]) -> float:
    return float(data.get("length", 0.0) or 0.0)


def _hashable(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list | tuple | set) else value


def to_graph(streets: Streets) -> nx.MultiDiGraph:
    """Streets as a graph in the form of osmnx's, with a node at every junction and end.

    Parameters
    ----------
    streets : Streets

    Returns
    -------
    networkx.MultiDiGraph
        ``crs`` is WGS84. Nodes have ``x``, ``y`` in degrees and the tags of their point, edges ``osmid``, ``length``
        (metres on the ellipsoid), ``oneway``, ``reversed``, ``geometry`` where it bends, and the tags of their way.
    """
    import geopandas as gpd
    import osmnx
    import pandas as pd
    import shapely
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    uses = np.bincount(streets.refs, minlength=len(streets.lonlat))
    ends = np.r_[streets.refs[streets.first[:-1]], streets.refs[streets.first[1:] - 1]]
    junction = uses > 1
    junction[ends] = True
    names = _node_names(streets)
    edges: list[dict[str, Any]] = []
    between: list[tuple[int, int, int]] = []
    parallel: Counter[tuple[int, int]] = Counter()
    for way in range(streets.ways):
        points = streets.refs[streets.first[way] : streets.first[way + 1]]
        tags = dict(streets.tags[streets.tags_of[way]])
        osmid, (ahead, back) = int(streets.way_ids[way]), _directions(tags)
        cuts = np.flatnonzero(junction[points])
        for a, b in zip(cuts[:-1], cuts[1:]):
            part = points[a : b + 1]
            line, xy = shapely.LineString(streets.lonlat[part]), streets.lonlat[part]
            about = {**tags, "osmid": osmid, "length": float(geod.line_length(*xy.T)), "oneway": not (ahead and back)}  # fmt: skip
            u, v = names[part[0]], names[part[-1]]
            for turned in (t for t, there in ((False, ahead), (True, back)) if there):
                bent = (line.reverse() if turned else line) if len(part) > 2 else None
                pair = (v, u) if turned else (u, v)
                between.append((*pair, parallel[pair]))
                parallel[pair] += 1
                edges.append({**about, "geometry": bent, "reversed": turned})
    used = {name for u, v, _ in between for name in (u, v)}
    at = [p for p in np.flatnonzero(junction) if names[p] in used]
    nodes = pd.DataFrame([streets.point_tags.get(int(p), {}) for p in at], [names[p] for p in at])
    nodes["x"], nodes["y"] = streets.lonlat[at].T
    lines = pd.DataFrame(edges, pd.MultiIndex.from_tuples(between), dtype=object)
    return osmnx.graph_from_gdfs(
        gpd.GeoDataFrame(nodes, geometry=shapely.points(streets.lonlat[at]), crs=WGS84),
        gpd.GeoDataFrame(lines, geometry=lines.pop("geometry"), crs=WGS84),
        graph_attrs={"crs": WGS84},
    )


def _node_names(streets: Streets) -> list[int]:
    # Ids of the source, where they tell all points apart.
    ids = streets.point_ids
    named = len(ids) == len(np.unique(ids)) and (ids >= 0).all()
    return [int(i) for i in (ids if named else np.arange(len(streets.lonlat)))]


def _directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    # Whether cars go along the way as it is drawn, and against it.
    oneway = tags.get("oneway", "")
    if oneway in ("-1", "reverse"):
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") == "motorway"  # fmt: skip
    return True, not (oneway in ("yes", "true", "1") or (implied and oneway != "no"))
