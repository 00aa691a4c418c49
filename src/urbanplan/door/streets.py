"""Streets of a file or a graph as an object: the questions of `Model`, and ways in and out of osmnx."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from urbanplan import study
from urbanplan.catalog import Mode
from urbanplan.door.city import City, _metres
from urbanplan.door.folder import CityFolder
from urbanplan.door.model import Findings, Model, _mode
from urbanplan.door.places import Note, Places, require_declared, table_html
from urbanplan.errors import InputError
from urbanplan.files import existing, sha256, split_name
from urbanplan.routing import Network
from urbanplan.routing.network import kept, plain
from urbanplan.sources import OSM_ENDINGS, read_streets
from urbanplan.sources.streets import Streets as Ways_
from urbanplan.study.model import Ways
from urbanplan.study.streets import network_of

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx

#: Places farther from any street are left out and listed.
SNAP_M = 250.0


class Streets(Model):
    """Streets, and the questions that are asked of them.

    Parameters
    ----------
    source : path, networkx graph or GeoDataFrame
        OpenStreetMap data (``.osm.pbf`` …), an osmnx graph or its ``.graphml``, a layer of lines, or a network
        kept by the command ``network`` (``.npz``).
    dem : path, optional
        GeoTIFF of heights in metres: slopes then change the speed.
    columns : mapping of str to str, optional
        What columns of a layer or keys of a graph mean: tag to column (``highway`` to ``RDCLS``), and
        tag:value to the value that stands for it.
    note : callable, optional
        Told each finding as it comes.

    Raises
    ------
    InputError
        If it is none of these.

    Notes
    -----
    A file is read at the first question, once for all modes. It holds no water, and only the motorways
    and fences that are drawn in it: a straight walk off the street may cross a river, as no city's does.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import shapely
    >>> import urbanplan as up
    >>> lines = [shapely.LineString([(24.94, 60.17), (24.95, 60.17), (24.96, 60.17)])]
    >>> streets = up.Streets(gpd.GeoDataFrame(geometry=lines, crs=4326))
    >>> streets
    <Streets: 1 way>
    >>> streets.nearest([(24.941, 60.17)], [(24.95, 60.17)])["minutes"].round(1).tolist()
    [6.0]
    """

    def __init__(
        self,
        source: Path | str | nx.Graph | gpd.GeoDataFrame,
        *,
        dem: Path | str | None = None,
        columns: Mapping[str, str] | None = None,
        note: Note | None = None,
    ) -> None:
        self._dem, self._columns, self._note = dem, columns, note
        self._networks: list[tuple[Mode, Network]] = []
        self._name = ""
        self._raw: Ways_ | None = None
        self._path: Path | str | None = None
        if isinstance(source, str | Path):
            existing(split_name(source)[0])
            self._path, self._name = source, split_name(source)[0].name
        else:
            self._raw = _of(source, columns)

    @classmethod
    def from_osmnx(
        cls, graph: nx.Graph, *, dem: Path | str | None = None, note: Note | None = None
    ) -> Streets:
        """Streets of an osmnx or other networkx graph whose nodes have ``x`` and ``y``.

        Parameters
        ----------
        graph : networkx graph
            As from ``osmnx.graph_from_place``; its ``crs`` says what `x` and `y` are in (degrees if it says nothing).
        dem, note
            See `Streets`.

        Returns
        -------
        Streets

        Raises
        ------
        InputError
            If it is no graph, or a node has no coordinates.

        Examples
        --------
        >>> import networkx as nx
        >>> import urbanplan as up
        >>> graph = nx.MultiDiGraph(crs="EPSG:4326")
        >>> graph.add_node(1, x=24.94, y=60.17)
        >>> graph.add_node(2, x=24.95, y=60.17)
        >>> for u, v in ((1, 2), (2, 1)):
        ...     _ = graph.add_edge(u, v, osmid=7, highway="residential", oneway=False, length=555.0)
        >>> up.Streets.from_osmnx(graph)
        <Streets: 1 way>
        """
        if not hasattr(graph, "edges"):
            raise InputError(f"a {type(graph).__name__} is no graph", where="graph", remedy="give a graph of osmnx or networkx")  # fmt: skip
        return cls(graph, dem=dem, note=note)

    def to_networkx(self) -> nx.MultiDiGraph:
        """The streets as a graph that osmnx and networkx work with.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes at junctions and ends with ``x`` and ``y`` in degrees (WGS84), edges with ``osmid``, ``length``
            (metres), ``oneway``, ``geometry`` and the tags of the way; one for each direction that cars may take.

        Raises
        ------
        InputError
            If the streets were kept as a network of one mode (``.npz``).

        Notes
        -----
        Forbidden turns, gates and fences have no place in such a graph.

        Examples
        --------
        >>> import geopandas as gpd
        >>> import shapely
        >>> import urbanplan as up
        >>> lines = [shapely.LineString([(24.94, 60.17), (24.95, 60.17)])]
        >>> graph = up.Streets(gpd.GeoDataFrame(geometry=lines, crs=4326)).to_networkx()
        >>> len(graph.nodes), len(graph.edges)
        (2, 2)
        """
        from urbanplan.sources.street_layers import to_graph

        return to_graph(self._streets)

    def __repr__(self) -> str:
        ways = "" if self._raw is None else f"{self._raw.ways:,} way{'s' * (self._raw.ways != 1)}"
        told = ": ".join(part for part in (self._name, ways) if part)
        return f"<Streets {told}>" if self._name else f"<Streets: {told}>"

    def _repr_html_(self) -> str:
        rows = [("file", self._name)] if self._name else []
        if not self._name.lower().endswith(".npz"):
            own = self._streets
            rows += [("ways", f"{own.ways:,}"), ("points", f"{len(own.lonlat):,}")]
            rows += [(n, v) for n, v in (("source", own.source), ("licence", own.licence), ("as of", own.as_of)) if v]  # fmt: skip
        return table_html(("Streets", ""), rows)

    def __getattr__(self, name: str) -> NoReturn:
        # What a city alone can do is said, rather than that there is no such attribute.
        if name in _CITY_ONLY:
            raise InputError(f"streets alone have no '{name}'", where="Streets", remedy="ask a city: urbanplan.City(folder)")  # fmt: skip
        raise AttributeError(f"'Streets' object has no attribute '{name}'")

    def __getitem__(self, name: str) -> NoReturn:
        raise InputError(f"streets alone have no layer '{name}'", where="Streets", remedy="ask a city: urbanplan.City(folder)")  # fmt: skip

    @cached_property
    def _streets(self) -> Ways_:
        if self._raw is None:
            assert self._path is not None
            if self._name.lower().endswith(".npz"):
                raise InputError("holds a network of one mode, not the streets", where=self._path, remedy="give the streets themselves")  # fmt: skip
            self._raw = read_streets(self._path, self._columns)
        return self._raw

    @property
    def ways(self) -> int:
        """Number of ways; the file is read if it was not yet."""
        return self._streets.ways

    def network(self, mode: str | Mode = "walk") -> Network:
        """The network of one mode: arrays that `urbanplan.routing` works with.

        Parameters
        ----------
        mode : str or Mode

        Returns
        -------
        Network
            Lengths in metres, minutes for each direction; see `urbanplan.routing.Network`.

        Raises
        ------
        InputError
            If the file holds no streets that the mode may use.

        Examples
        --------
        >>> import geopandas as gpd
        >>> import shapely
        >>> import urbanplan as up
        >>> lines = [shapely.LineString([(24.94, 60.17), (24.95, 60.17)])]
        >>> network = up.Streets(gpd.GeoDataFrame(geometry=lines, crs=4326)).network("walk")
        >>> network.nodes, round(float(network.length_m.sum()))
        (2, 555)
        """
        return self._network(_mode(mode), self._asked())

    def _network(self, mode: Mode, say: Findings) -> Network:
        for known, network in self._networks:
            if known == mode:
                return network
        if self._name.lower().endswith(".npz"):
            assert self._path is not None
            network = study.open_streets(self._path, mode, self._dem, given=self._columns)
        elif self._raw is None and self._name.lower().endswith(OSM_ENDINGS):
            # Reading a map and building of it take longer than the question: both are done once.
            assert self._path is not None
            of = {
                "streets": sha256(split_name(self._path)[0]),
                "dem": None if self._dem is None else sha256(self._dem),
                "mode": plain(mode),
                "columns": None if self._columns is None else dict(self._columns),
            }
            network = kept(of, lambda: self._built(mode, say))
            say(*network.findings)
        else:
            network = self._built(mode, say)
        self._networks.append((mode, network))
        return network

    def _built(self, mode: Mode, say: Findings) -> Network:
        say(*self._streets.findings)
        return network_of(self._streets, mode, self._dem)

    # How streets answer the questions of `Model`.

    def _ways(self, mode: Mode, opened: tuple[str, ...], say: Findings) -> Ways:
        if opened:
            raise InputError("planned roads and bridges are known of a city only", where="opened", remedy="leave opened out, or ask a city")  # fmt: skip
        return Ways(self._network(mode, say), None)

    def _snap(self, snap_m: float | None) -> float:
        return SNAP_M if snap_m is None else _metres(snap_m)

    def _layer_of(self) -> None:
        return None

    def _require_people(self, question: str) -> None:
        raise InputError("streets alone do not know who lives where", where=question, remedy="give demand: people as points or areas, with a column of persons")  # fmt: skip

    def _drawn(self, ways: Ways, places: Places, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        assert isinstance(ways.ground, Network)
        return study.street_isochrones(ways.ground, places.frame, limits, **asked)

    def _covered(self, ways: Ways, facilities: gpd.GeoDataFrame, limits: tuple[float, ...], **asked: Any) -> study.Answer:  # fmt: skip
        people, value = asked.pop("people"), asked.pop("value")
        return study.coverage_on(ways.ground, facilities, people, value, limits, **asked)

    def _grid(self, spacing_m: float, shut: gpd.GeoDataFrame | None, anywhere: bool) -> NoReturn:
        raise InputError("land is only known of a city", where="candidates", remedy="give candidates as places, or ask a city")  # fmt: skip


#: What a city can do and streets cannot.
_CITY_ONLY = frozenset(
    n for n in {*vars(City), *vars(CityFolder)} - {*vars(Model)} if not n.startswith("_")
)


def _of(source: Any, columns: Mapping[str, str] | None) -> Ways_:
    import geopandas as gpd

    if isinstance(source, Ways_):
        return source
    if isinstance(source, gpd.GeoDataFrame | gpd.GeoSeries):
        from urbanplan.sources.street_layers import from_lines

        frame = gpd.GeoDataFrame(geometry=source) if isinstance(source, gpd.GeoSeries) else source
        return from_lines(require_declared(frame, "streets"), None, columns)
    if hasattr(source, "edges") and hasattr(source, "nodes"):
        from urbanplan.sources.street_layers import from_graph

        return from_graph(source, given=columns)
    raise InputError(f"a {type(source).__name__} is no streets", where="streets", remedy="give a .osm.pbf, a .graphml, a graph of osmnx, or a GeoDataFrame of lines")  # fmt: skip
