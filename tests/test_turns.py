"""Private streets and forbidden turns, against a search that remembers the whole way it came."""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import streettown as town
from urbanplan import routing as tt
from urbanplan.catalog import load_catalog
from urbanplan.routing import build_network, network
from urbanplan.sources.streets import Restriction

CAR = replace(
    town.MODE,
    streets=replace(town.MODE.streets, own=("private",), turns=("vehicle", "motorcar"), u_turns=False),
)  # fmt: skip


def turn(kind, start, via, end, over_ways=False, **tags):
    return Restriction(kind, start, via, over_ways, end, {"restriction": kind, **tags})


def built(ways, turns=(), mode=CAR, gates=(), **options):
    drawn = replace(town.streets(*ways, gates=gates), restrictions=tuple(turns))
    return build_network(drawn, mode, crs=town.CRS, **options)


def point(ways, spot) -> int:
    """Id of a point of a drawn town: they are numbered as they come."""
    number: dict[tuple, int] = {}
    for way in ways:
        for p in way:
            if not isinstance(p, dict):
                number.setdefault(tuple(p), len(number))
    return number[spot]


def minutes(net, start, end):
    places = [tt.place(net, town.places(p, network=net), 100) for p in (start, end)]
    table = tt.matrix(net, *places)
    there = table["minutes"].iloc[0] if len(table) else np.inf
    # Every search gives the same.
    assert tt.nearest(net, places[1]).at(places[0])[0] == pytest.approx(there)
    assert tt.nearest(net, places[0], direction="from").at(places[1])[0] == pytest.approx(there)
    assert tt.nearest(net, places[1], ranks=1).at(places[0])[0] == pytest.approx(there)
    back = tt.matrix(net, places[1], places[0], direction="to")
    assert (back["minutes"].iloc[0] if len(back) else np.inf) == pytest.approx(there)
    if np.isfinite(there):
        sums = tt.reach(net, *places, np.ones(1), [max(there - 0.01, 0.005), there + 0.01])
        assert sums.tolist() == [[float(there < 0.01), 1.0]]
    return there


# ---------------------------------------------------------------- hand-made towns

#: A cross with a block round its north-east quarter; arms of two units.
CROSS = [
    ((-2, 0), (0, 0)), ((0, 0), (2, 0)), ((0, 0), (0, 2)), ((0, -2), (0, 0)),
    ((2, 0), (2, 2)), ((2, 2), (0, 2)), ((2, 0), (4, 0)), ((0, 2), (0, 4)),
]  # fmt: skip
WEST, EAST, NORTH, SOUTH = 1, 2, 3, 4
MIDDLE = point(CROSS, (0, 0))


@pytest.mark.parametrize(
    ("turns", "there"),
    [
        ((), 2),
        # From the west to the north: into the dead end in the south, round there, and straight on.
        (("no_left_turn", WEST, NORTH), 1 + 2 + 2 + 1),
        # On to the east, and round the block.
        (("only_straight_on", WEST, EAST), 1 + 6 + 1),
        # To the south only: a dead end to turn in.
        (("only_right_turn", WEST, SOUTH), 1 + 2 + 2 + 1),
        (("no_right_turn", WEST, SOUTH), 2),
        (("no_straight_on", WEST, EAST), 2),
    ],
)
def test_turns_at_a_junction(turns, there):
    rows = [turn(turns[0], turns[1], (MIDDLE,), turns[2])] if turns else []
    net = built(CROSS, rows)
    assert minutes(net, (-1, 0), (0, 1)) == pytest.approx(there, rel=1e-3)
    # The other way round nothing is forbidden.
    assert minutes(net, (0, 1), (-1, 0)) == pytest.approx(2, rel=1e-3)
    assert any("1 turn restrictions are obeyed" in f for f in net.findings) == bool(turns)


def test_who_is_excepted_or_not_meant_turns():
    rule = ("no_left_turn", WEST, (MIDDLE,), NORTH)
    for tags in ({"except": "motorcar"}, {"except": "bus;vehicle"}, {"restriction": "", "restriction:hgv": "no_left_turn"}):  # fmt: skip
        net = built(CROSS, [turn(*rule)._replace(tags={"restriction": "no_left_turn"} | tags)])
        assert minutes(net, (-1, 0), (0, 1)) == pytest.approx(2, rel=1e-3)
    for tags in ({"except": "bicycle"}, {"restriction": "", "restriction:motorcar": "no_left_turn"}):  # fmt: skip
        net = built(CROSS, [turn(*rule)._replace(tags={"restriction": "no_left_turn"} | tags)])
        assert minutes(net, (-1, 0), (0, 1)) == pytest.approx(6, rel=1e-3)
    on_foot = built(CROSS, [turn(*rule)], mode=town.MODE)
    assert minutes(on_foot, (-1, 0), (0, 1)) == pytest.approx(2, rel=1e-3)
    older = {"restriction": "no_left_turn", "day_on": "Mo", "hour_on": "7", "hour_off": "18"}
    for tags in ({"restriction:conditional": "no_left_turn @ (Mo-Fr)"}, older):
        net = built(CROSS, [turn(*rule)._replace(tags=tags)])
        assert any(
            "1 turn restrictions for certain hours are not followed" in f for f in net.findings
        )
        assert minutes(net, (-1, 0), (0, 1)) == pytest.approx(2, rel=1e-3)


def test_who_must_go_where_nobody_gets_back_from_does_not_turn_instead():
    # The way straight on leads out of the map.
    ways = [*CROSS[:1], ((0, 0), (2, 0), {"oneway": "yes"}), *CROSS[2:4]]
    net = built(ways, [turn("only_straight_on", 1, (MIDDLE,), 2)])
    assert any("1 turn restrictions are obeyed" in f for f in net.findings)
    assert np.isinf(minutes(net, (-1, 0), (0, 1)))
    assert minutes(net, (0, 1), (-1, 0)) == pytest.approx(2, rel=1e-3)


def test_nobody_turns_round_but_where_no_other_way_leads_on():
    # A street with a side street; beyond it a long way to a dead end.
    ways = [((-2, 0), (0, 0)), ((0, 0), (0, 2)), ((0, 0), (1, 0)), ((1, 0), (1, 1)), ((1, 0), (5, 0))]  # fmt: skip
    left = turn("no_left_turn", 1, (point(ways, (0, 0)),), 2)
    # One unit on, into the side street of one unit, out again, and back.
    assert minutes(built(ways, [left]), (-1, 0), (0, 1)) == pytest.approx(1 + 1 + 2 + 1 + 1, rel=1e-3)  # fmt: skip
    turned = turn("no_u_turn", 4, (point(ways, (1, 1)),), 4)
    # Not there: on to the end of the long way.
    assert minutes(built(ways, [left, turned]), (-1, 0), (0, 1)) == pytest.approx(1 + 1 + 8 + 1 + 1, rel=1e-3)  # fmt: skip
    free = replace(CAR, streets=replace(CAR.streets, u_turns=True))
    assert minutes(built(ways, [left], free), (-1, 0), (0, 1)) == pytest.approx(4, rel=1e-3)


#: Two one-way carriageways, joined by a short way in the middle and at the eastern end.
DUAL = [
    ((0, 0), (3, 0), {"oneway": "yes"}), ((3, 0), (8, 0), {"oneway": "yes"}),
    ((8, 0.2), (3, 0.2), {"oneway": "yes"}), ((3, 0.2), (0, 0.2), {"oneway": "yes"}),
    ((3, 0), (3, 0.2)), ((8, 0), (8, 0.2)),
]  # fmt: skip


def test_a_turn_over_a_way():
    assert minutes(built(DUAL), (1, 0), (1, 0.2)) == pytest.approx(2 + 0.2 + 2, rel=1e-3)
    no = turn("no_u_turn", 1, (5,), 4, over_ways=True)
    net = built(DUAL, [no])
    assert minutes(net, (1, 0), (1, 0.2)) == pytest.approx(7 + 0.2 + 7, rel=1e-3)
    # Who starts on the short way, or goes to it, is free.
    assert minutes(net, (3, 0.1), (1, 0.2)) == pytest.approx(0.1 + 2, rel=1e-3)
    assert minutes(net, (1, 0), (3, 0.1)) == pytest.approx(2 + 0.1, rel=1e-3)
    assert minutes(built(DUAL, [turn("only_straight_on", 1, (2,), 6, over_ways=True)]), (1, 0), (1, 0.2)) == pytest.approx(14.2, rel=1e-3)  # fmt: skip


def test_a_restriction_on_a_way_that_runs_on_is_not_guessed():
    ways = [((-2, 0), (0, 0), (2, 0)), ((0, 0), (0, 2))]
    net = built(ways, [turn("no_left_turn", 1, (point(ways, (0, 0)),), 2)])
    assert any("1 turn restrictions are not obeyed" in f for f in net.findings)
    one_way = [((-2, 0), (0, 0), (2, 0), {"oneway": "yes"}), ((0, 0), (0, 2))]
    net = built(one_way, [turn("no_left_turn", 1, (point(one_way, (0, 0)),), 2)])
    assert minutes(net, (-1, 0), (0, 1)) == np.inf


def test_private_streets_are_used_at_the_ends_of_a_trip_only():
    own = {"access": "private"}
    # A ring of 16 units; a private street crosses it from west to east, with a house street in the middle.
    ring = ((0, 0), (4, 0), (4, 2), (4, 4), (0, 4), (0, 2), (0, 0))
    ways = [ring, ((0, 2), (2, 2), own), ((2, 2), (4, 2), own), ((2, 2), (2, 3), own), ((-1, 2), (0, 2)), ((4, 2), (5, 2))]  # fmt: skip
    net = built(ways)
    assert net.part.max() == 0
    assert minutes(net, (-0.5, 2), (4.5, 2)) == pytest.approx(0.5 + 8 + 0.5, rel=1e-3)
    assert minutes(net, (-0.5, 2), (2, 2.5)) == pytest.approx(0.5 + 2 + 0.5, rel=1e-3)
    assert minutes(net, (2, 2.5), (4.5, 2)) == pytest.approx(0.5 + 2 + 0.5, rel=1e-3)
    assert minutes(net, (1, 2), (3, 2)) == pytest.approx(2, rel=1e-3)
    for gate in ({"barrier": "gate", "access": "private"}, {"barrier": "lift_gate", "access": "residents"}):  # fmt: skip
        mode = replace(CAR, streets=replace(CAR.streets, own=("private", "residents")))
        untold = [way[:-1] if way[-1] is own else way for way in ways]
        gates = [((1.5, 2), gate), ((3.5, 2), gate)]
        untold[1], untold[2] = ((0, 2), (1.5, 2), (2, 2)), ((2, 2), (3.5, 2), (4, 2))
        guarded = built(untold, mode=mode, gates=gates)
        assert minutes(guarded, (-0.5, 2), (4.5, 2)) == pytest.approx(9, rel=1e-3)
        assert minutes(guarded, (-0.5, 2), (2, 2.5)) == pytest.approx(3, rel=1e-3)
        assert minutes(guarded, (2, 2.5), (4.5, 2)) == pytest.approx(3, rel=1e-3)


def test_two_private_areas_at_one_gate_are_two():
    own = {"access": "private"}
    # North and south of a street, gate opposite gate; in the north a short cut to another street.
    ways = [((-3, 0), (0, 0)), ((0, 0), (3, 0)), ((0, 0), (0, 2), own), ((0, 0), (0, -2), own), ((0, 2), (3, 2)), ((3, 2), (3, 0))]  # fmt: skip
    net = built(ways)
    assert minutes(net, (0, -1), (1, 2)) == pytest.approx(1 + 3 + 2 + 2, rel=1e-3)
    assert minutes(net, (0, -1), (0, 1)) == pytest.approx(2, rel=1e-3)


def test_isochrones_obey_too():
    rows = [turn("no_left_turn", WEST, (MIDDLE,), NORTH)]
    free, bound = built(CROSS), built(CROSS, rows)
    for net, area in ((free, "larger"), (bound, "smaller")):
        start = tt.place(net, town.places((-1, 0), network=net), 50)
        ((shape,),) = tt.isochrones(net, start, [3])
        north = town.places((0, 1), network=net).geometry.iloc[0]
        assert shape.contains(north) == (area == "larger")
        ((to,),) = tt.isochrones(net, start, [3], direction="to")
        assert to.contains(north)


def test_a_stored_network_keeps_its_turns(tmp_path):
    net = built(CROSS, [turn("no_left_turn", WEST, (MIDDLE,), NORTH)])
    back = network.load(network.save(net, tmp_path / "n.npz"))
    assert minutes(back, (-1, 0), (0, 1)) == pytest.approx(6, rel=1e-3)


def test_shipped_modes_say_whom_turns_bind():
    modes = load_catalog().modes
    assert modes["drive"].streets.turns[-1] == "motorcar" and not modes["drive"].streets.u_turns
    assert modes["walk"].streets.turns == () and modes["bike"].streets.turns[-1] == "bicycle"


# ---------------------------------------------------------------- random towns

GRID = [((x, y), (x + 1, y)) for x in range(2) for y in range(3)]
GRID += [((x, y), (x, y + 1)) for x in range(3) for y in range(2)]
TAGS = st.sampled_from([{}, {}, {}, {"access": "private"}, {"oneway": "yes"}, {"oneway": "-1"}])


@st.composite
def towns(draw, private=True):
    chosen = draw(st.lists(st.sampled_from(range(12)), min_size=4, max_size=12, unique=True))
    tags = [draw(TAGS) for _ in chosen]
    if not private:
        tags = [{} if "access" in t else t for t in tags]
    ways = [(*GRID[i], t) for i, t in zip(chosen, tags)]
    turns = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["no_left_turn", "no_straight_on", "only_right_turn", "no_u_turn"]))  # fmt: skip
        steps = [(a, b) for way in ways for a, b in (way[:2], way[1::-1])]
        path = [draw(st.sampled_from(steps))]
        for _ in range(draw(st.integers(1, 3))):
            onward = [s for s in steps if s[0] == path[-1][1] and set(s) not in map(set, path)]
            if onward:
                path.append(draw(st.sampled_from(onward)))
        if len(path) == 1:
            path.append(path[0][::-1])
            kind = "no_u_turn"
        number = [next(n for n, w in enumerate(ways, 1) if set(w[:2]) == set(s)) for s in path]
        over = len(path) > 2
        via = tuple(number[1:-1]) if over else (point(ways, path[0][1]),)
        turns.append((turn(kind, number[0], via, number[-1], over), path))
    return ways, turns


def steps_of(ways):
    """Open directed steps, and whether each is private."""
    found = {}
    for a, b, tags in ways:
        if tags.get("oneway") != "-1":
            found[a, b] = "access" in tags
        if tags.get("oneway") != "yes":
            found[b, a] = "access" in tags
    return found


def areas_of(steps):
    """Private areas by networkx, public parts that only they lead to included; and whether it is a close call."""
    public = nx.Graph(s for s, own in steps.items() if not own)
    whole = nx.Graph(list(steps))
    close, private = False, {frozenset(s) for s, own in steps.items() if own}
    for part in nx.connected_components(whole):
        inside = [c for c in nx.connected_components(public) if c <= part]
        size = {frozenset(c): public.subgraph(c).number_of_edges() for c in inside}
        most = max(size.values(), default=0)
        close |= any(abs(n - most / 2) < 0.01 for n in size.values())
        if private:
            for c in inside:
                if size[frozenset(c)] < most / 2:
                    private |= {frozenset(e) for e in public.subgraph(c).edges}
    outside = {v for s in steps if frozenset(s) not in private for v in s}
    links = nx.Graph()
    links.add_nodes_from(private)
    for e in private:
        for f in private:
            if e != f and (e & f) - outside:
                links.add_edge(e, f)
    area = {e: n for n, c in enumerate(nx.connected_components(links)) for e in c}
    return area, close


def brute(steps, area, forbidden, start, end):
    """Minutes between the middles of two streets; the state is the way come so far, as far as any rule looks."""
    queue = [(0.5, (s,), area.get(frozenset(s), -1), False) for s in (start, start[::-1]) if s in steps]  # fmt: skip
    if set(start) == set(end):
        return 0.0
    seen = set()
    while queue:
        spent, past, own, public = heappop(queue)
        key = (past, own, public)
        if past[-1] in (end, end[::-1]):
            return spent
        if key in seen:
            continue
        seen.add(key)
        onward = [s for s in steps if s[0] == past[-1][1]]
        allowed = []
        for s in onward:
            way = (*past, s)
            if not any(way[i:] == rule for rule in forbidden for i in range(len(way))):
                allowed.append(s)
        ahead = [s for s in allowed if s != past[-1][::-1]] or allowed
        for s in ahead:
            there = area.get(frozenset(s), -1)
            here = area.get(frozenset(past[-1]), -1)
            if there >= 0 and public and here >= 0 and there != here:
                continue  # from one private area into the next, at the end of a trip
            if there < 0 and public and here >= 0:
                continue  # out again
            left = public or here < 0 or (there != here)
            heappush(queue, (spent + (0.5 if s in (end, end[::-1]) else 1.0), (*past, s)[-4:], there, left))  # fmt: skip
    return np.inf


@settings(max_examples=60)
@given(towns())
def test_random_towns(drawn):
    ways, turns = drawn
    steps = steps_of(ways)
    area, close = areas_of(steps)
    assume(not close)
    forbidden = set()
    only: dict[tuple, set] = {}
    for rule, path in turns:
        if not all(s in steps for s in path):
            continue
        if rule.kind.startswith("no_"):
            forbidden.add(tuple(path))
            continue
        for n in range(1, len(path)):
            only.setdefault(tuple(path[:n]), set()).add(path[n])
    for begun, allowed in only.items():
        forbidden |= {(*begun, s) for s in steps if s[0] == begun[-1][1] and s not in allowed}
    net = built(ways, [rule for rule, _ in turns])
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b, _ in ways]
    at = tt.place(net, town.places(*middles, network=net), 5)
    table = np.full((len(ways), len(ways)), np.inf)
    pairs = tt.matrix(net, at, at)
    table[pairs["origin"], pairs["destination"]] = pairs["minutes"]
    for i, (a, b, _) in enumerate(ways):
        for j, (c, d, _) in enumerate(ways):
            expected = brute(steps, area, forbidden, (a, b), (c, d))
            assert table[i, j] == pytest.approx(expected, abs=1e-3), (ways[i], ways[j])
    turned = tt.matrix(net, at, at, direction="to")
    other = np.full_like(table, np.inf)
    other[turned["destination"], turned["origin"]] = turned["minutes"]
    np.testing.assert_allclose(other, table, atol=1e-9)
    for j in range(len(ways)):
        one = at.only(j)
        np.testing.assert_allclose(tt.nearest(net, one).at(at), table[:, j], atol=1e-9)
        away = tt.nearest(net, one, direction="from").at(at)
        np.testing.assert_allclose(away, table[j], atol=1e-9)
    sums = tt.reach(net, at, at, np.ones(len(ways)), [1.25, 3.25])
    np.testing.assert_array_equal(sums, np.stack([(table <= m).sum(1) for m in (1.25, 3.25)], 1))
