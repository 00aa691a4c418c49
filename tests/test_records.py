"""Every value of every file that people write, replaced by every kind of value: understood, or one sentence."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import gridtown
from payloads import PAYLOADS
from townfolder import CHECKS, write_layer, write_town
from urbanplan import catalog
from urbanplan.base.schema import (
    ABOVE_0,
    FIGURE,
    FLAG,
    ID,
    NAME,
    NAMES,
    PLACE,
    WHOLE,
    id_of,
    require_fields,
    require_id,
)
from urbanplan.catalog import read_modes
from urbanplan.catalog.standards import read_standards
from urbanplan.city.checks import check_city
from urbanplan.city.layers import load_layers
from urbanplan.city.profile import load_city
from urbanplan.errors import InputError, UrbanplanError
from urbanplan.files import write_toml
from urbanplan.measures.plan import parse_plan
from urbanplan.measures.scenarios import Scenario, State, applied, chain, parse_scenarios

DATA = Path(__file__).parents[1] / "data"
SHIPPED = Path(catalog.__file__).parent
#: One value of each kind that TOML knows, and some of a right kind that no field means.
WRONG = [
    5, -1.5, 1e308, math.nan, math.inf, True, "abc", "", "\n", [], [5], ["a"], [[1, 2]], {}, {"a": 1}, [{}],
]  # fmt: skip
GONE = object()


def leaves(value, path=()):
    """Paths to everything in nested tables and lists."""
    if path:
        yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from leaves(value[key], (*path, key))


def put(table, path, value):
    """A copy with one value replaced, or left out."""
    table = copy.deepcopy(table)
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return table


def try_all(table, use) -> tuple[int, int]:
    """How often it was refused, and how often used; anything but an error of ours fails."""
    refused = used = 0
    for path in leaves(table):
        for value in (*WRONG, GONE):
            try:
                use(put(table, path, value))
                used += 1
            except UrbanplanError as err:
                refused += 1
                assert str(err).isprintable() and "→" in str(err), (path, value)
            except Exception as err:
                raise AssertionError(f"{path} = {value!r}: {err!r}") from err
    return refused, used


def shipped(name):
    """A file of the embedded city."""
    return tomllib.loads((DATA / name).read_text("utf-8"))


def test_a_plan():
    table = shipped("layers/luzhou/plan.toml")
    table["task"] = [t for t in table["task"] if t["number"] in (2, 4, 15)]
    refused, used = try_all(table, parse_plan)
    assert refused > 5 * used > 0


CHANGES = [
    {"do": "open", "layer": "bridges", "ids": ["bridge_new"]},
    {"do": "open", "layer": ["bridges", "roads"], "status": "planned"},
    {"do": "close", "layer": "bridges", "ids": ["bridge_old"]},
    {"do": "close", "layer": "streets", "at": [105.4, 28.8]},
    {"do": "add", "layer": "hospitals", "id": "n", "at": [105.4, 28.8], "values": {"beds": 5, "name_zh": "新", "accuracy_m": 10}},
    {"do": "add", "layer": "roads", "id": "n", "along": [[105.4, 28.8], [105.41, 28.81]], "values": {"class": "primary", "speed_kmh": 60, "oneway": False}},
    {"do": "add", "layer": "built_up", "id": "n", "around": [[105.4, 28.8], [105.41, 28.8], [105.41, 28.81]]},
    {"do": "move", "layer": "hospitals", "ids": ["h1"], "at": [105.4, 28.8]},
    {"do": "set", "layer": "hospitals", "ids": ["h1"], "column": "beds", "value": 3},
    {"do": "speed", "class": "primary", "kmh": 20},
    {"do": "speed", "class": "primary", "factor": 0.5},
    {"do": "grow", "to": 1800, "district": "北岸"},
    {"do": "grow", "factor": 2, "settlement": "urban"},
    {"do": "standard", "id": "park_area_per_head", "threshold": 4},
]  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    city = load_city(write_town(tmp_path_factory.mktemp("records") / "town"))
    return State(load_layers(city), read_modes(), read_standards())


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: f"{c['do']} {c.get('layer', '')}")
def test_a_scenario(state, change):
    table = {"scenario": [{"id": "x", "name_zh": "甲", "name_en": "A", "cost": 5, "cost_unit": "元", "change": [change]}]}  # fmt: skip

    def use(table):
        for name in parse_scenarios(table):
            applied(state, chain(parse_scenarios(table), name))

    refused, used = try_all(table, use)
    assert refused > used > 0


def through(path, use):
    """Use a table by way of its file."""

    def use_file(table):
        write_toml(path, table)
        use()

    return use_file


def test_standards(tmp_path):
    path = tmp_path / "standards.toml"
    table = shipped("boundaries/luzhou/standards.toml")
    refused, used = try_all(table, through(path, lambda: read_standards(path)))
    assert refused > used > 0


def test_modes(tmp_path):
    path = tmp_path / "modes.toml"
    table = {"bike": tomllib.loads((SHIPPED / "modes.toml").read_text("utf-8"))["bike"]}
    table["bike"]["streets"]["kmh"] = {"path": 15.0}
    # Another name, so that nothing shipped fills what is left out.
    refused, used = try_all({"trike": table["bike"]}, through(path, lambda: read_modes(path)))
    assert refused > used > 0


@pytest.mark.parametrize("name", ["city.toml", "study.toml"])
def test_a_profile(tmp_path, name):
    folder = write_town(tmp_path / "town")
    table = tomllib.loads((folder / name).read_text("utf-8"))
    refused, used = try_all(table, through(folder / name, lambda: load_city(folder)))
    assert refused > used > 0


def test_checks(tmp_path):
    folder = write_town(tmp_path / "town")
    city = load_city(folder)
    # Those that the rules are about: each is validated anew for every value.
    about = ("districts", "bridges", "roads", "water", "river_lines")
    layers = {name: layer for name, layer in load_layers(city).items() if name in about}
    facts = (folder / "facts.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "facts.csv").write_text("".join(facts[:1] + facts[3:4]), "utf-8")
    use = through(folder / "checks.toml", lambda: check_city(city, layers))
    refused, used = try_all(tomllib.loads(CHECKS), use)
    assert refused > used > 0


def test_figures_to_check(tmp_path):
    folder = write_town(tmp_path / "town")
    city = load_city(folder)
    layers = load_layers(city)
    with open(folder / "facts.csv", encoding="utf-8", newline="") as f:
        head, *rows = csv.reader(f)
    odd = ("", "x", "-1", "nan", "inf", "1e308", "sum:", "value:zz", "sum:name_zh", "roads+", "=", "a=b", "a~", "9" * 30)  # fmt: skip
    refused = 0
    for n, row in enumerate(rows[:2]):
        for k in map(head.index, ("layer", "where", "measure", "value", "tolerance_share")):
            for value in odd:
                changed = [*rows[:n], [*row[:k], value, *row[k + 1 :]], *rows[n + 1 :]]
                with open(folder / "facts.csv", "w", encoding="utf-8", newline="") as f:
                    csv.writer(f).writerows([head, *changed])
                try:
                    check_city(city, layers)
                except InputError:
                    refused += 1
    assert refused > 0


KINDS = {"name": NAME, "names": NAMES, "flag": FLAG, "whole": WHOLE, "figure": FIGURE, "size": ABOVE_0, "place": PLACE}  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-200, 200), st.floats(), st.text(max_size=3),
    st.lists(st.one_of(st.text(max_size=2), st.floats(-200, 200)), max_size=3),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*KINDS, "odd"]), VALUES))
def test_a_table_is_taken_if_and_only_if_all_of_it_fits(row):
    right = {
        "name": lambda v: isinstance(v, str) and v.strip() != "",
        "names": lambda v: type(v) is list and all(type(x) is str and x.strip() for x in v),
        "flag": lambda v: v is True or v is False,
        "whole": lambda v: type(v) is int,
        "figure": lambda v: type(v) in (int, float) and abs(v) < 1e300,
        "size": lambda v: type(v) in (int, float) and 0 < v < 1e300,
        "place": lambda v: type(v) is list and len(v) == 2 and all(type(x) is float for x in v) and abs(v[0]) <= 180 and abs(v[1]) <= 90,
    }  # fmt: skip
    fits = "name" in row and all(k in right and right[k](v) for k, v in row.items())
    needed = {"name": NAME}
    besides = {k: v for k, v in KINDS.items() if k != "name"}
    if fits:
        assert require_fields(row, "it", None, needed, besides) is row
    else:
        with pytest.raises(InputError, match=r"^(it has |'\w+' of it cannot be )"):
            require_fields(row, "it", None, needed, besides)


#: Ids that files may be called by, and what may not: paths, marks of markup, controls, look-alikes.
IDS = ["a", "A-1", "3.1", "x_y.z", "滨江公园", "Kópavogur", "ф", "九" * 80, "con"]
NO_IDS = [
    "", " ", "a b", "a/b", "/etc/x", "..", "../x", "a..b", ".hidden", "a\\b", "a:b", "a\0b", "a\n", "e\u0301", "x" * 81,
    "a'b", 'a"b', "a<b", "a{{b}}", "a|b", "a;b", "a%b", "a$b", "a#b", "a@b", "a=b", "a,b", "a＝b", "①", "²", "a\u200bb", "a\u202eb",
    5, None, True, ["a"], {},
]  # fmt: skip


@pytest.mark.parametrize("name", IDS)
def test_an_id_may_be_of_any_script(name):
    assert require_id(name, "a mode") == name and ID.fits(name) and id_of(name, "x") == name


@pytest.mark.parametrize("name", NO_IDS)
def test_what_is_no_id_is_refused_with_what_it_may_be(name):
    said = r"my\.toml: .* cannot be the id of a mode → write an id of letters"
    with pytest.raises(InputError, match=said):
        require_id(name, "a mode", "my.toml")
    assert not ID.fits(name)


@given(st.text(max_size=100))
def test_any_name_gives_an_id(name):
    assert ID.fits(id_of(name, "city"))
    # Whatever passes stays where it is put, in a path and in a page.
    if ID.fits(name):
        assert os.path.normpath(f"/out/{name}.gpkg") == f"/out/{name}.gpkg"
        assert not re.search(r"[\s<>&'\"{}%\\/]", name)


@pytest.mark.parametrize("name", [*PAYLOADS[::4], "/tmp/victim/theirs"])
def test_every_file_and_every_constructor_holds_to_ids(tmp_path, name):
    said = json.dumps(name)
    town = write_town(tmp_path / "town")
    city, mode = load_city(town), read_modes()["walk"]
    clause = next(iter(read_standards().values()))
    for held in (city, mode, clause):
        with pytest.raises(InputError, match="cannot be the id of"):
            replace(held, id=name)
    with pytest.raises(InputError, match="cannot be the id of a scenario"):
        Scenario(name, "a", "b")
    profile = town / "city.toml"
    own = profile.read_text("utf-8")
    profile.write_text(own.replace('"gridtown"', said), "utf-8")
    with pytest.raises(
        InputError, match=r"city\.toml: 'id' of \[city\] cannot be .* → write an id"
    ):
        load_city(town)
    row = {"id": name, "name_zh": "a", "name_en": "b"}
    with pytest.raises(InputError, match=r"s\.toml: 'id' of .* cannot be .* → write an id"):
        parse_scenarios({"scenario": [row]}, "s.toml")
    walk = tomllib.loads((SHIPPED / "modes.toml").read_text("utf-8"))["walk"]
    with pytest.raises(InputError, match="cannot be the id of a mode → write an id"):
        read_modes(write_toml(tmp_path / "m.toml", {name: walk}))
    rows = {"standard": {"document": "x"}, "indicators": {name: {}}}
    with pytest.raises(InputError, match="cannot be the id of an indicator → write an id"):
        read_standards(write_toml(tmp_path / "o.toml", rows))
    about = dict.fromkeys(("title_zh", "title_en", "document", "source"), "x")
    with pytest.raises(InputError, match=r"p\.toml: 'id' of \[plan\] cannot be"):
        parse_plan({"plan": {**about, "id": name}}, "p.toml")
    profile.write_text(own, "utf-8")
    (town / "manifest.toml").write_text(f"[files.{said}]\nsha256 = 'x'\n", "utf-8")
    with pytest.raises(InputError, match=r"manifest\.toml: .* cannot be the id of a file"):
        load_city(town)


def test_a_standard_is_called_as_its_file_whatever_that_is_called(tmp_path):
    text = (SHIPPED / "standards" / "GB55014-2021.toml").read_text("utf-8")
    (tmp_path / "my rules (2).toml").write_text(text, "utf-8")
    own = [i for i in read_standards(tmp_path / "my rules (2).toml").values() if i.own]
    assert own and {i.standard for i in own} == {"my_rules_2"}


def test_ids_of_features_stay_what_they_are(tmp_path):
    ids = ["way/123", "12", "w27", "a b", "OBJECTID=1", "../x"]
    town, place = write_town(tmp_path / "town"), shapely.Point(gridtown.centre(1, 1))
    write_layer(town, "hospitals", [(i, place, {}) for i in ids])
    assert load_layers(load_city(town))["hospitals"].frame["id"].tolist() == ids
