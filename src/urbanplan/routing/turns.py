"""Which street may follow which: private streets at the ends of a trip only, and turns that are forbidden."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from urbanplan.sources.streets import Restriction

#: Layers of a trip: on private streets before any public one, on public ones, on private ones after them.
_BEFORE, _PUBLIC, _AFTER = 0, 1, 2
#: A loop round the block is looked for so far, in arcs.
_LOOK = 3000
#: Keys by which restrictions were bound to certain hours and days before ``:conditional`` was there (OSM wiki, Relation:restriction).
_HOURS = (
    "hour_on",
    "hour_off",
    "day_on",
    "day_off",
    "date_on",
    "date_off",
    "time",
    "opening_hours",
)


class Arcs(NamedTuple):
    """What a search runs over: states (a junction, in a layer, after a turn) and arcs between them.

    Attributes
    ----------
    start, end : ndarray of int64, shape (n,)
        States; the first are the junctions themselves.
    minutes : ndarray of float64, shape (n,)
    enter, leave : ndarray of int64, shape (edges, 2)
        State from which one goes onto an edge to stop there (at its tail going along, at its head
        going against), and state that one comes to who started on it (at its tail, at its head).
    arrive : ndarray of int64, shape (junctions,)
        State of a trip that ends at a junction; one that begins there begins at the junction.
    """

    start: np.ndarray
    end: np.ndarray
    minutes: np.ndarray
    enter: np.ndarray
    leave: np.ndarray
    arrive: np.ndarray


def plain(nodes: int, tail: np.ndarray, head: np.ndarray, minutes: np.ndarray) -> Arcs:
    """Arcs where every street may follow every other: the junctions are the only states."""
    ends = np.stack([tail, head], axis=1).astype(np.int64)
    return Arcs(
        np.concatenate([tail, head]).astype(np.int64),
        np.concatenate([head, tail]).astype(np.int64),
        minutes.T.ravel(),
        ends,
        ends,
        np.arange(nodes),
    )


def layered(
    nodes: int, tail: np.ndarray, head: np.ndarray, minutes: np.ndarray, private: np.ndarray
) -> tuple[Arcs, np.ndarray]:
    """Arcs where private streets are used before and after the public ones, never in between.

    Parameters
    ----------
    nodes : int
    tail, head : ndarray of int, shape (edges,)
    minutes : ndarray of float64, shape (edges, 2)
    private : ndarray of bool, shape (edges,)

    Returns
    -------
    Arcs
    ndarray of int64, shape (edges,)
        Which private area each edge belongs to, -1 for public ones. Areas that only meet at a
        public junction are two.

    Notes
    -----
    A trip is private* public* private*: private edges are there twice. From the first copy one gets
    onto public streets at no cost, from those into the second copy, and never back.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.stack([tail, head], axis=1).astype(np.int64)
    area = np.full(len(tail), -1, np.int64)
    mine = np.flatnonzero(private)
    if not len(mine):
        return plain(nodes, tail, head, minutes), area
    public = np.zeros(nodes, bool)
    public[ends[~private]] = True
    # At public junctions areas end: each end there is a point of its own.
    point = ends[mine].copy()
    outer = public[point]
    point[outer] = nodes + np.arange(outer.sum())
    size = nodes + int(outer.sum())
    links = coo_array((np.ones(len(mine), np.int8), point.T), shape=(size, size))
    area[mine] = connected_components(links.tocsr(), directed=False)[1][point[:, 0]]
    pair, slot = np.unique(
        np.stack([ends[mine].ravel(), np.repeat(area[mine], 2)]), axis=1, return_inverse=True
    )
    junction, slot = pair[0], slot.reshape(-1, 2)
    edge_of_town = public[junction]
    before = np.where(edge_of_town, nodes + np.cumsum(edge_of_town) - 1, junction)
    after = nodes + int(edge_of_town.sum()) + np.arange(len(junction))
    leave, enter, arrive = ends.copy(), ends.copy(), np.arange(nodes)
    leave[mine], enter[mine] = before[slot], after[slot]
    arrive[junction[~edge_of_town]] = after[~edge_of_town]
    out = edge_of_town
    start = [leave[:, 0], leave[:, 1], enter[mine, 0], enter[mine, 1], before[out], junction]
    end = [leave[:, 1], leave[:, 0], enter[mine, 1], enter[mine, 0], junction[out], after]
    zero = np.zeros(int(out.sum()) + len(junction))
    spent = [*minutes.T, *minutes[mine].T, zero]
    begin, to, minutes = (np.concatenate(part) for part in (start, end, spent))
    return Arcs(begin, to, minutes, enter, leave, arrive), area


def enclosed(
    tail: np.ndarray, head: np.ndarray, length: np.ndarray, private: np.ndarray
) -> np.ndarray:
    """Private streets, and the public ones that only private ones lead to, shape (edges,).

    Streets behind a private gate seldom say that they are private themselves. Of public streets
    that hang together only over private ones, those count as enclosed that are less than half as
    long as the longest.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not private.any() or private.all():
        return private
    size = int(max(tail.max(), head.max())) + 1

    def parts(chosen: np.ndarray) -> np.ndarray:
        links = coo_array(
            (np.ones(chosen.sum(), np.int8), (tail[chosen], head[chosen])), shape=(size, size)
        )
        return connected_components(links.tocsr(), directed=False)[1]

    street, whole = parts(~private)[tail], parts(np.ones(len(tail), bool))[tail]
    metres = np.bincount(street[~private], length[~private], minlength=size)
    most = np.zeros(size)
    np.maximum.at(most, whole[~private], metres[street[~private]])
    return private | (metres[street] < most[whole] / 2)


# ---------------------------------------------------------------- forbidden turns


def with_turns(nodes: int, tail: np.ndarray, head: np.ndarray, minutes: np.ndarray, private: np.ndarray, forbidden: Iterable[tuple[int, ...]], u_turns: bool) -> Arcs:  # fmt: skip
    """Arcs without some sequences of edges.

    Parameters
    ----------
    nodes, tail, head, minutes, private
        See `layered`.
    forbidden : iterable of tuple of int
        Edges that must not follow each other, two or more: 2e for edge e from its tail to its head,
        2e + 1 for the other direction.
    u_turns : bool
        Whether one may turn round at any junction; if not, only where no other way leads on.

    Notes
    -----
    Only junctions where something is forbidden are expanded: every edge that ends there gets a
    state, every edge that begins there another, and an arc of no minutes for each turn that is
    allowed. An edge within a longer sequence is there once more for every beginning of a sequence
    that it ends (the automaton of Aho and Corasick 1975, Comm. ACM 18(6)). Where turning round is
    forbidden, so are the junctions around, as far as a loop round the block is longer than going
    there and back: beyond, nobody gains by turning.
    """
    base, area = layered(nodes, tail, head, minutes, private)
    rules = _Turns(tail, head, minutes, set(forbidden), u_turns)
    if not rules.forbidden:
        return base
    return _Expansion(base, area, private, rules).arcs(nodes)


class _Turns:
    """Directed edges at every junction, and what may follow what."""

    def __init__(
        self,
        tail: np.ndarray,
        head: np.ndarray,
        minutes: np.ndarray,
        forbidden: set[tuple[int, ...]],
        u_turns: bool,
    ) -> None:
        self.ends = np.stack([tail, head], axis=1)
        self.minutes, self.forbidden, self.u_turns = minutes.ravel(), forbidden, u_turns
        self.longest = max(map(len, forbidden), default=0)
        self.begun = {s[:n] for s in forbidden for n in range(2, len(s))}
        self.junctions = {self.end(a) for s in forbidden for a in s[:-1]}
        open_arcs = np.flatnonzero(np.isfinite(self.minutes))
        at = self.ends.ravel()
        self._out, self._into = (
            self._by(at[open_arcs], open_arcs),
            self._by(at[open_arcs ^ 1], open_arcs),
        )
        if not u_turns:
            for v in tuple(self.junctions):
                for arc in self.out(v):
                    self.junctions |= self._round_the_block(arc)

    def _by(self, node: np.ndarray, arcs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(node, kind="stable")
        first = np.searchsorted(node[order], np.arange(int(self.ends.max()) + 2))
        return first, arcs[order]

    def start(self, arc: int) -> int:
        """Junction where an edge begins."""
        return int(self.ends[arc >> 1, arc & 1])

    def end(self, arc: int) -> int:
        """Junction where an edge ends."""
        return int(self.ends[arc >> 1, 1 - (arc & 1)])

    def out(self, node: int) -> list[int]:
        """Edges that begin at a junction."""
        first, arcs = self._out
        return arcs[first[node] : first[node + 1]].tolist()

    def into(self, node: int) -> list[int]:
        """Edges that end at a junction."""
        first, arcs = self._into
        return arcs[first[node] : first[node + 1]].tolist()

    def copies(self, arc: int) -> list[tuple[int, ...]]:
        """What may be remembered of the way there by who goes along an edge."""
        return [(arc,), *sorted(s for s in self.begun if s[-1] == arc)]

    def after(self, past: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        """Edges that may follow, each with what is remembered then."""
        found = [(b, self._next(past, b)) for b in self.out(self.end(past[-1]))]
        allowed = [(b, memory) for b, memory in found if memory]
        if self.u_turns:
            return allowed
        onward = [(b, memory) for b, memory in allowed if b != past[-1] ^ 1]
        return onward or allowed

    def _next(self, past: tuple[int, ...], arc: int) -> tuple[int, ...]:
        way = (*past, arc)
        if any(way[i:] in self.forbidden for i in range(len(way) - 1)):
            return ()
        return next((way[i:] for i in range(len(way) - 1) if way[i:] in self.begun), (arc,))

    def _round_the_block(self, arc: int) -> set[int]:
        # Junctions to which one would go and come back sooner than come back over a loop.
        home, most = arc ^ 1, 0.0
        seen: set[tuple[int, ...]] = set()
        queue: list[tuple[float, int, tuple[int, ...]]] = [(self.minutes[arc], arc, (arc,))]
        while queue and len(seen) < _LOOK:
            most, here, past = heappop(queue)
            if here == home:
                break
            if past in seen:
                continue
            seen.add(past)
            for b, memory in self.after(past):
                heappush(queue, (most + self.minutes[b], b, memory))
        else:
            most = most if queue else np.inf
        near: set[int] = set()
        both: list[tuple[float, int]] = [(self.minutes[arc] + self.minutes[home], arc)]
        while both and len(near) < _LOOK:
            spent, here = heappop(both)
            v = self.end(here)
            if spent >= most or v in near:
                continue
            near.add(v)
            for b in self.out(v):
                if np.isfinite(self.minutes[b ^ 1]):
                    heappush(both, (spent + self.minutes[b] + self.minutes[b ^ 1], b))
        return near


class _Expansion:
    """Puts states of their own into the arcs, around the junctions of some turns."""

    def __init__(self, base: Arcs, area: np.ndarray, private: np.ndarray, rules: _Turns) -> None:
        self.base, self.area, self.private, self.rules = base, area, private, rules
        self.states = int(max(base.start.max(), base.end.max(), base.arrive.max())) + 1
        self.new: list[tuple[int, int, float]] = []
        self.begin: dict[tuple, int] = {}
        self.finish: dict[tuple, int] = {}

    def arcs(self, nodes: int) -> Arcs:
        """All arcs anew."""
        rules, base = self.rules, self.base
        enter, leave, arrive = base.enter.copy(), base.leave.copy(), base.arrive.copy()
        touched = sorted({a >> 1 for v in rules.junctions for a in (*rules.out(v), *rules.into(v))})
        directed = [a for e in touched for a in (2 * e, 2 * e + 1) if np.isfinite(rules.minutes[a])]
        for arc in directed:
            self._edge(arc)
        for arc in directed:
            e, way = arc >> 1, arc & 1
            here = [self.begin[arc, self._layers(arc)[-1], past] for past in rules.copies(arc)]
            enter[e, way] = here[0] if len(set(here)) == 1 else self._gathered(here)
            leave[e, 1 - way] = self.finish[arc, self._layers(arc)[0], (arc,)]
        for v in sorted(rules.junctions):
            arrive[v] = self._junction(v)
        # Whatever lay on the touched edges is there anew; nothing joins the old states of these junctions.
        kept = self._untouched(touched, nodes)
        start, end, minutes = (np.array(c) for c in zip(*self.new))
        return Arcs(
            np.concatenate([base.start[kept], start]).astype(np.int64),
            np.concatenate([base.end[kept], end]).astype(np.int64),
            np.concatenate([base.minutes[kept], minutes.astype(float)]),
            enter,
            leave,
            arrive,
        )

    def _untouched(self, touched: list[int], nodes: int) -> np.ndarray:
        # Rows of the base: edges along, edges against, private ones again, then the steps between layers.
        edges, mine = len(self.private), np.flatnonzero(self.private)
        row = np.concatenate([np.arange(edges), np.arange(edges), mine, mine])
        gone = np.zeros(edges, bool)
        gone[touched] = True
        steps = np.arange(len(row), len(self.base.start))
        ends = np.stack([self.base.start[steps], self.base.end[steps]], axis=1)
        inside = np.isin(ends, list(self.rules.junctions)).any(axis=1)
        return np.concatenate([np.flatnonzero(~gone[row]), steps[~inside]])

    def _layers(self, arc: int) -> tuple[int, ...]:
        return (_BEFORE, _AFTER) if self.private[arc >> 1] else (_PUBLIC,)

    def _state(self) -> int:
        self.states += 1
        return self.states - 1

    def _gathered(self, states: list[int]) -> int:
        here = self._state()
        self.new += [(state, here, 0.0) for state in states]
        return here

    def _edge(self, arc: int) -> None:
        # Every copy of an edge, from its beginning to its end.
        rules, e, way = self.rules, arc >> 1, arc & 1
        for layer in self._layers(arc):
            old = self.base.leave if layer == _BEFORE else self.base.enter
            for past in rules.copies(arc):
                key = (arc, layer, past)
                new = rules.start(arc) in rules.junctions
                self.begin[key] = self._state() if new else int(old[e, way])
                new = rules.end(arc) in rules.junctions
                self.finish[key] = self._state() if new else int(old[e, 1 - way])
                self.new.append((self.begin[key], self.finish[key], rules.minutes[arc]))

    def _junction(self, v: int) -> int:
        # Allowed turns, trips that begin here, and the state of those that end here.
        rules, area = self.rules, self.area
        public = any(not self.private[a >> 1] for a in (*rules.out(v), *rules.into(v)))
        ending = []
        for a in rules.into(v):
            for past in rules.copies(a):
                for layer in self._layers(a):
                    here = self.finish[a, layer, past]
                    if not (public and layer == _AFTER):
                        ending.append(here)
                    for b, memory in rules.after(past):
                        for onward in self._layers(b):
                            same = layer == onward and area[a >> 1] == area[b >> 1]
                            if same or layer < onward:
                                self.new.append((here, self.begin[b, onward, memory], 0.0))
        for b in rules.out(v):
            for layer in self._layers(b):
                if not (public and layer == _BEFORE):
                    self.new.append((v, self.begin[b, layer, (b,)], 0.0))
        return self._gathered(ending)


def binding(tags: Mapping[str, str], vehicles: tuple[str, ...]) -> str:
    """Kind of a turn restriction for a mode, "" where it does not bind it.

    Parameters
    ----------
    tags : mapping
        Of the relation.
    vehicles : tuple of str
        What the mode goes by, general to specific.

    Notes
    -----
    Source: OSM wiki, *Relation:restriction*: ``restriction:<vehicle>`` overrides ``restriction``,
    ``except`` lists those that are free; ``hour_on`` and the like bound it to certain hours.

    Examples
    --------
    >>> car = ("vehicle", "motor_vehicle", "motorcar")
    >>> binding({"restriction": "no_left_turn", "except": "bicycle;bus"}, car)
    'no_left_turn'
    >>> binding({"restriction:hgv": "no_left_turn"}, car), binding({"restriction": "no_u_turn", "except": "motorcar"}, car)
    ('', '')
    """
    free = {part.strip() for part in tags.get("except", "").split(";")}
    if not vehicles or free & set(vehicles) or any(key in tags for key in _HOURS):
        return ""
    named = (tags.get(f"restriction:{v}", "") for v in reversed(vehicles))
    kind = next(filter(None, named), tags.get("restriction", ""))
    return kind if kind.startswith(("no_", "only_")) else ""


def at_hours(tags: Mapping[str, str]) -> bool:
    """Does a turn restriction hold at certain hours only, by ``:conditional`` or the older keys of hours and days?"""
    by_key = (k.startswith("restriction") and k.endswith(":conditional") for k in tags)
    return any(by_key) or any(key in tags for key in _HOURS)


class Junctions:
    """Finds the edges of a network that restrictions name by ways and points of the source.

    Parameters
    ----------
    tail, head : ndarray of int, shape (edges,)
    minutes : ndarray of float64, shape (edges, 2)
    way_ids : ndarray of int64, shape (edges, 2)
        Way at the tail and at the head of each edge.
    node_ids : ndarray of int64, shape (nodes,)
    """

    def __init__(
        self,
        tail: np.ndarray,
        head: np.ndarray,
        minutes: np.ndarray,
        way_ids: np.ndarray,
        node_ids: np.ndarray,
    ) -> None:
        self._turns = _Turns(tail, head, minutes, set(), True)
        self._way, self._node_of = way_ids, dict(zip(node_ids.tolist(), range(len(node_ids))))
        self._by_way: dict[int, list[int]] = defaultdict(list)
        for arc in np.flatnonzero(np.isfinite(minutes.ravel())).tolist():
            self._by_way[self._last(arc)].append(arc)

    def _first(self, arc: int) -> int:
        return int(self._way[arc >> 1, arc & 1])

    def _last(self, arc: int) -> int:
        return int(self._way[arc >> 1, 1 - (arc & 1)])

    def forbidden(self, restrictions: Iterable[tuple[str, Restriction]]) -> tuple[set[tuple[int, ...]], int, int]:  # fmt: skip
        """Sequences of directed edges that restrictions forbid; how many bind; and how many are unclear."""
        found, only, unclear, binds = set(), defaultdict(set), 0, 0
        for kind, turn in restrictions:
            ways = self._over_ways(turn) if turn.via_ways else self._at_node(kind, turn)
            if ways is None:
                unclear += 1
                continue
            binds += bool(ways)
            for way in ways:
                if kind.startswith("no_"):
                    found.add(way)
                    continue
                for n in range(1, len(way)):
                    only[way[:n]].add(way[n])
        for begun, allowed in only.items():
            onward = self._turns.out(self._turns.end(begun[-1]))
            found |= {(*begun, b) for b in onward if b not in allowed}
        return found, binds, unclear

    def _at_node(self, kind: str, turn: Restriction) -> list[tuple[int, ...]] | None:
        # None if a way passes through the point: nobody can tell which side is meant.
        v = self._node_of.get(turn.via[0])
        if v is None:
            return []
        begun = [a for a in self._turns.into(v) if self._last(a) == turn.from_way]
        onward = [b for b in self._turns.out(v) if self._first(b) == turn.to_way]
        if turn.from_way == turn.to_way:
            back: list[tuple[int, ...]] = [(a, a ^ 1) for a in begun if a ^ 1 in onward]
            return back if kind == "no_u_turn" else None
        if len(begun) > 1 or len(onward) > 1:
            return None
        return [(a, b) for a in begun for b in onward]

    def _over_ways(self, turn: Restriction) -> list[tuple[int, ...]]:
        # The shortest sequence of edges through the ways in their order.
        queue: deque[tuple[tuple[int, ...], int]] = deque()
        queue += [((a,), -1) for a in self._by_way[turn.from_way]]
        while queue:
            past, at = queue.popleft()
            for b in self._turns.out(self._turns.end(past[-1])):
                if at == len(turn.via) - 1 and self._first(b) == turn.to_way:
                    return [(*past, b)]
                for onward in {max(at, 0), min(at + 1, len(turn.via) - 1)}:
                    if self._first(b) == turn.via[onward] and b not in past and b ^ 1 not in past:
                        queue.append(((*past, b), onward))
        return []
