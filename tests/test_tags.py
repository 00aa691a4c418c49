"""What OpenStreetMap's tags mean: a ladder of tags beside the published behaviour of other engines."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streettown as town
from urbanplan import routing as tt
from urbanplan.catalog import load_catalog, read_tag_rules
from urbanplan.routing import build_network
from urbanplan.routing.street_rules import opens, parse_kmh, speeds_kmh, stops
from urbanplan.sources.osm import WAY_KEYS

MODES = tuple(load_catalog().mode(name) for name in ("walk", "bike", "drive"))
#: Why a row differs from another engine.
REASONS = {
    "access": "access=yes says nothing of a mode: it opens no class that is closed to it (OSM wiki)",
    "alpine": "from T4 on the hands are needed; the other engines leave that to a preference",
    "class": "a class that is no class of OpenStreetMap stays closed",
    "construction": "what is being built is no street, whatever its class; OSRM agrees for cars and bicycles",
    "cycleway": "closed to walkers by the wiki's table for all countries, as in OSRM and Valhalla, unless a key opens it",
    "destination": "who has his destination there may drive in; OSRM closes classes outside of its own list",
    "direction": "a key of one direction, or one mode's oneway, counts in that direction (OSM wiki, Key:access)",
    "discouraged": "discouraged is allowed",
    "disused": "no longer kept: walkers only",
    "escalator": "nobody walks against an escalator",
    "guideway": "a guided busway carries no other wheels",
    "hov": "a car with its driver alone may not; OSRM puts a heavy penalty on it",
    "impassable": "impassable for wheels, by definition of the value; OSRM agrees for cars",
    "indoor": "halls and lifts are walked and waited in, not driven; GraphHopper leaves them out",
    "key": "a key of the mode's own opens what exists on the ground; GraphHopper keeps to its list of classes",
    "lane": "a lane against the traffic leaves the street open both ways for bicycles",
    "list": "a street of several classes is passed as the slowest of them, not left out",
    "motorroad": "only a key of the mode's own overrules motorroad",
    "motorway": "motorways are one-way without saying so (OSM wiki); GraphHopper and Valhalla wait for the tag",
    "own": "private, delivery and the like let their own in and nobody through, as OSRM's and Valhalla's destinations; others shut them",
    "push": "minutes by bicycle are ridden; GraphHopper and OSRM let cyclists push here",
    "reverse": "reverse is a known misspelling of -1",
    "reversible": "the direction changes by the hour: nobody can count on it; OSRM agrees for cars",
    "road": "a road of unknown class is a road; OSRM leaves it out",
    "roundabout": "an explicit oneway=no counts; GraphHopper keeps the ring one-way",
    "season": "frozen for some months only",
    "sidepath": "whoever writes use_sidepath says that the way beside is drawn, and that this one is forbidden",
    "square": "as a line it is closed: squares are crossed (routing/build.py)",
    "steps": "oneway binds vehicles; GraphHopper reads it as an outdated way to say escalator",
    "track": "field tracks are for those who farm there, as in OSRM, unless a key opens them",
    "trunk": "open by the wiki's table for all countries; OSRM's cyclists avoid trunk roads",
    "unknown": "a value that is not known to open closes",
    "values": "of a list one value that opens is enough, and none that does not; OSRM looks the list up as one word",
    "vehicle": "a bicycle is a vehicle (OSM wiki); GraphHopper skips the key so that cyclists may push",
    "walkers": "agricultural, forestry and delivery close to all who are not named (OSM wiki)",
}


class Row(NamedTuple):
    text: str
    tags: dict[str, str]
    kmh: tuple[tuple[float, float], ...]
    engines: tuple[str, ...]
    why: tuple[str, ...]


def _row(line: str) -> Row:
    text, speeds, engines, why = (part.strip() for part in line.split(" |"))
    pairs = [pair.split("=", 1) for pair in text.split(" ")]
    kmh = [tuple(map(float, s.split("/"))) for s in speeds.split(" ")]
    return Row(
        text,
{key: value.replace("~", " ") for key, value in pairs},
        tuple(k * 2 if len(k) == 1 else k for k in kmh),
        tuple(engines.split(" ")),
        tuple(why.split()),
    )  # fmt: skip


LINES = (Path(__file__).parent / "tag_ladder.txt").read_text("utf-8").splitlines()
LADDER = [_row(line) for line in LINES if line and not line.startswith("#")]


def sign(along: float, against: float) -> str:
    return "-><+"[bool(along) + 2 * bool(against)]


@pytest.mark.parametrize("row", LADDER, ids=lambda row: row.text)
def test_a_rung_of_the_ladder(row):
    for mode, kmh in zip(MODES, row.kmh):
        assert speeds_kmh(row.tags, mode.streets) == pytest.approx(kmh, rel=1e-3), mode.id


def test_the_ladder_names_every_disagreement_and_no_other():
    assert len(LADDER) >= 300 and len({row.text for row in LADDER}) == len(LADDER)
    for row in LADDER:
        ours = "".join(sign(*kmh) for kmh in row.kmh)
        assert [len(engine) for engine in row.engines] == [3, 3, 3], row.text
        differs = any(b not in (a, "?") for engine in row.engines for a, b in zip(ours, engine))
        assert differs == bool(row.why), row.text
    assert {why for row in LADDER for why in row.why} == set(REASONS)
    # All three engines are looked at, and most of what they say is the same.
    said = [(a, b) for row in LADDER for engine in row.engines
            for a, b in zip("".join(sign(*k) for k in row.kmh), engine) if b != "?"]  # fmt: skip
    assert len(said) > 1400 and np.mean([a == b for a, b in said]) > 0.85


@pytest.mark.parametrize("row", LADDER[::6], ids=lambda row: row.text)
def test_a_street_under_test_beside_an_ordinary_one(row):
    """From P to Q 200 m by the way under test, 3.2 km by a residential street."""
    ways = (
        ((0, 0), (2, 0), row.tags),
        ((0, 0), (0, 15), (2, 15), (2, 0), {"highway": "residential"}),
    )
    for mode, kmh in zip(MODES, row.kmh):
        net = build_network(town.streets(*ways), mode, crs=town.CRS)
        at = tt.place(net, town.places((0, 0), (2, 0), network=net), 1)
        table = tt.matrix(net, at, at, limit_min=1e3).set_index(["origin", "destination"])
        loop = 0.06 * 3200 / mode.streets.kmh["residential"]
        for pair, speed in (((0, 1), kmh[0]), ((1, 0), kmh[1])):
            # Both stand on the street: what is for its own is open to them.
            direct = 0.06 * 200 / speed if speed else np.inf
            assert table["minutes"][pair] == pytest.approx(min(direct, loop), rel=1e-3), mode.id


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        # On foot, by bicycle, by car.
        ("barrier=bollard", "++-"), ("barrier=bollard motor_vehicle=yes", "+++"), ("barrier=bollard access=yes", "+++"),
        ("barrier=bollard bollard=rising", "++-"), ("barrier=bollard bicycle=no", "+--"), ("barrier=bollard motor_vehicle=private", "+++"),
        ("barrier=gate", "+++"), ("barrier=gate access=private", "+++"), ("barrier=gate access=military", "---"), ("barrier=gate access=no foot=yes", "+--"),
        ("barrier=gate locked=yes", "---"), ("barrier=gate locked=yes foot=yes", "+--"), ("barrier=gate locked=no", "+++"),
        ("barrier=lift_gate", "+++"), ("barrier=swing_gate", "+++"), ("barrier=sliding_gate", "+++"),
        ("barrier=lift_gate motor_vehicle=agricultural", "++-"), ("barrier=gate motor_vehicle=forestry;agricultural", "++-"),
        ("barrier=cycle_barrier", "++-"), ("barrier=motorcycle_barrier", "++-"), ("barrier=block", "++-"),
        ("barrier=kissing_gate", "+--"), ("barrier=stile", "+--"), ("barrier=turnstile", "+--"),
        ("barrier=full-height_turnstile", "+--"), ("barrier=kissing_gate bicycle=dismount", "++-"),
        ("barrier=kerb", "++-"), ("barrier=kerb kerb=lowered", "+++"), ("barrier=kerb kerb=raised", "++-"),
        ("barrier=kerb highway=crossing", "+++"), ("barrier=height_restrictor", "+++"), ("barrier=toll_booth", "+++"),
        ("barrier=border_control", "+++"), ("barrier=sally_port", "+++"), ("barrier=cattle_grid", "+++"),
        ("barrier=entrance", "+++"), ("barrier=no", "+++"), ("barrier=wall", "---"), ("barrier=fence", "---"),
        ("barrier=hedge", "---"), ("barrier=jersey_barrier", "++-"), ("barrier=planter", "++-"), ("barrier=debris", "+--"),
        ("barrier=yes", "+--"), ("barrier=some_tag", "++-"), ("barrier=bus_trap", "++-"), ("barrier=chain", "++-"),
    ],
)  # fmt: skip
def test_points_that_stop_by_mode(tags, passes):
    point = dict(pair.split("=", 1) for pair in tags.split())
    assert "".join("-+"[not stops(point, mode.streets)] for mode in MODES) == passes


def test_every_row_of_the_table_has_a_source_and_is_read():
    rules = read_tag_rules()
    for row in (*rules.implied, *rules.closed):
        assert re.search("OSM wiki", row.source), row
    asked = {key for row in rules.implied for key in (*row.when, *row.then, *row.unless)}
    asked |= {key for row in rules.closed for key in (row.key, row.to)}
    for mode in MODES:
        asked |= {*mode.streets.access, *mode.streets.oneway}
        asked |= {f"{k}:{way}" for k in mode.streets.access for way in ("forward", "backward")}
    # What a rule asks for is read from the file.
    assert asked <= set(WAY_KEYS)


VALUES = st.text(st.characters(categories=("Ll", "Nd"), include_characters="_:;|. "), max_size=12)
KEYS = st.sampled_from(sorted(set(WAY_KEYS) - {"highway", "area"}))


@settings(max_examples=300)
@given(st.sampled_from(sorted(read_tag_rules().built)), st.dictionaries(KEYS, VALUES, max_size=6))
def test_whatever_tags_say_speeds_are_sane(highway, more):
    for mode in MODES:
        for kmh in speeds_kmh({"highway": highway, **more}, mode.streets):
            assert kmh == 0 or 2 <= kmh <= 150
            top = read_tag_rules().most_kmh.get(highway, np.inf)
            assert kmh <= max(top, mode.streets.kmh.get(highway, 0), mode.streets.other_kmh)


@settings(max_examples=100)
@given(
    st.sampled_from(("access", "foot", "bicycle", "motorcar")), VALUES.filter(lambda v: v.strip())
)
def test_no_value_that_is_not_listed_opens(key, value):
    for mode in MODES:
        rules = mode.streets
        if key not in rules.access or value in ("unknown", "dismount") or opens(value, rules):
            continue
        assert speeds_kmh({"highway": "residential", key: value}, rules) == (0, 0)


@settings(max_examples=100)
@given(st.lists(st.integers(5, 160), min_size=1, max_size=4), st.sampled_from((";", "; ", "|")))
def test_the_lowest_of_several_limits_counts(limits, sign):
    assert parse_kmh(sign.join(map(str, limits))) == min(limits)


def test_turning_a_way_round_turns_its_meaning_round():
    turned = {"forward": "backward", "backward": "forward"}
    for key, way, value in product(("access", "foot", "bicycle", "motorcar", "vehicle"), turned, ("no", "yes")):  # fmt: skip
        for mode in MODES:
            one, other = (
                {"highway": "residential", f"{key}:{w}": value} for w in (way, turned[way])
            )
            assert speeds_kmh(one, mode.streets) == speeds_kmh(other, mode.streets)[::-1]
