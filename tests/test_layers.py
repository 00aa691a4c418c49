"""Layers: what is read, what is refused, and checks that can fail."""

from __future__ import annotations

import json
import re

import pytest
import shapely

import gridtown as town
import pagereader
from townfolder import write_layer, write_town
from urbanplan import study
from urbanplan.catalog import load_catalog
from urbanplan.city.checks import check_city, crosses_once
from urbanplan.city.layers import load_layer, load_layers, measure, select, validate
from urbanplan.city.profile import load_city
from urbanplan.errors import CrsError, InputError, MissingFileError, UrbanplanError
from urbanplan.output import formats


@pytest.fixture
def folder(tmp_path):
    return write_town(tmp_path / "town")


def verdicts(folder):
    table = check_city(load_city(folder))
    return dict(zip(table["id"], table["verdict"]))


def change(folder, name, edit):
    path = folder / f"{name}.geojson"
    data = json.loads(path.read_text("utf-8"))
    edit(data["features"])
    path.write_text(json.dumps(data, ensure_ascii=False), "utf-8")


def shorten(feature):
    """Leave the first tenth of a line."""
    (x0, y0), (x1, y1) = feature["geometry"]["coordinates"]
    feature["geometry"]["coordinates"][1] = [x0 + (x1 - x0) / 10, y0 + (y1 - y0) / 10]


def test_the_town_passes_every_check(folder):
    assert set(verdicts(folder).values()) == {"ok"}


def test_unlocated_features_stay_in_their_layer(folder):
    layer = load_layer(load_city(folder), "hospitals")
    assert len(layer.frame) == 3 and len(layer.located) == 2 and not validate(layer)


@pytest.mark.parametrize(
    "layer, edit, broken",
    [
        ("population", lambda f: f[0]["properties"].update(persons=301), "people"),
        ("bridges", lambda f: f.pop(), "bridges"),
        ("roads", lambda f: shorten(f[0]), "road"),
        ("bridges", lambda f: f[1]["properties"].update(order=1), "bridge_order"),
        ("bridges", lambda f: f[1]["properties"].update(order=0), "bridge_order"),
        ("bridges", lambda f: shorten(f[0]), "bridges_cross_once"),
        ("roads", lambda f: f[0]["properties"].update(status="built"), "roads_valid"),
        ("roads", lambda f: f[0]["properties"].update(source=" "), "roads_valid"),
        ("roads", lambda f: f[0]["properties"].update(accuracy_m=0), "roads_valid"),
        ("hospitals", lambda f: f[0]["geometry"].update(coordinates=[105.0, 28.0]), "hospitals_inside"),
        ("hospitals", lambda f: f[0]["properties"].update(district="南岸"), "hospitals_district"),
        ("hospitals", lambda f: f[0]["properties"].update(district="无此区"), "hospitals_district"),
        (
            "water",
            lambda f: f[0]["geometry"]["coordinates"][0].insert(2, f[0]["geometry"]["coordinates"][0][0]),
            "water_valid",
        ),
    ],
)  # fmt: skip
def test_each_check_fails_when_the_layer_is_wrong(folder, layer, edit, broken):
    change(folder, layer, edit)
    assert verdicts(folder)[broken] == "fail"


def test_a_road_through_the_river_is_found(folder):
    wet = shapely.LineString([town.centre(2, 8), town.centre(4, 8)])
    write_layer(
        folder, "roads", [("wet", wet, {"class": "primary", "speed_kmh": 60.0, "kind": "street"})]
    )
    assert verdicts(folder)["roads_dry"] == "fail"


RULES = {
    "joined": ('to = "roads"', "bridges", True),
    "connected": ("", "roads+bridges", True),
    "disjoint": ("", "districts", False),
}


@pytest.mark.parametrize("rule", RULES)
def test_network_and_overlap_rules(folder, rule):
    option, layer, breaks = RULES[rule]
    text = f'[[rule]]\nid = "r"\nrule = "{rule}"\nlayer = "{layer}"\n{option}\n'
    (folder / "checks.toml").write_text(text, "utf-8")
    assert verdicts(folder)["r"] == ("fail" if breaks else "ok")
    if rule == "disjoint":
        change(
            folder,
            "districts",
            lambda f: f.append(
                json.loads(json.dumps(f[0])) | {"properties": f[0]["properties"] | {"id": "twin"}}
            ),
        )
        assert verdicts(folder)["r"] == "fail"


@pytest.mark.parametrize("rule", ["dry", "joined", "connected", "disjoint"])
def test_a_rule_about_nothing_is_not_kept(folder, rule):
    option = {"dry": 'water = "water"', "joined": 'to = "roads"'}.get(rule, "")
    (folder / "checks.toml").write_text(
        f'[[rule]]\nid = "r"\nrule = "{rule}"\nlayer = "roads"\nwhere = "id=typo"\n{option}\n', "utf-8"
    )  # fmt: skip
    assert verdicts(folder)["r"] == "fail"


def _redraw(row, *points, **own):
    def edit(features):
        x, y = features[row]["geometry"]["coordinates"][0]
        moved = [[x, y + north] for north in points]
        features[row]["geometry"]["coordinates"] = moved or features[row]["geometry"]["coordinates"]
        features[row]["properties"].update(own)

    return edit


@pytest.mark.parametrize(
    "edit, says",
    [
        (_redraw(0, 0.0001, 0.0002, river="typo"), "bridge_old names the unknown river typo"),
        (_redraw(0, 0, -0.0013), "bridge_old ends in the water"),
        (_redraw(0, river="other"), "bridge_old crosses brook 1 times"),
    ],
)
def test_a_crossing_goes_from_land_to_land_over_its_own_river(folder, edit, says):
    change(folder, "bridges", edit)
    assert says in crosses_once(load_layers(load_city(folder)), "bridges", water="water")


@pytest.mark.parametrize("side, where, verdict", [
    ("left", "id=north", "ok"), ("right", "id=north", "fail"), ("right", "id=south", "ok"),
])  # fmt: skip
def test_bank_faces_downstream(folder, side, where, verdict):
    # The axis runs west to east, so north is on the left.
    (folder / "checks.toml").write_text(
        f'[[rule]]\nid = "r"\nrule = "bank"\nlayer = "roads"\nwhere = "{where}"\nalong = "river_lines"\n'
        f'by_where = "river=brook"\nside = "{side}"\n', "utf-8")  # fmt: skip
    assert verdicts(folder)["r"] == verdict


@pytest.mark.parametrize(
    "where, verdict", [("id=mid", "ok"), ("id=out", "fail"), ("id=none", "fail")]
)
def test_between_two_crossings(folder, where, verdict):
    write_layer(
        folder, "parks", [("mid", town.cell_box(2, 3), {}), ("out", town.cell_box(2, 8), {})]
    )
    (folder / "checks.toml").write_text(
        f'[[rule]]\nid = "r"\nrule = "between"\nlayer = "parks"\nwhere = "{where}"\nalong = "river_lines"\n'
        'by_where = "river=brook"\nfrom = "bridge_new"\nto = "bridge_old"\n', "utf-8")  # fmt: skip
    assert verdicts(folder)["r"] == verdict


@pytest.mark.parametrize("side, verdict", [("S", "ok"), ("N", "fail")])
def test_bounded_by_the_river(folder, side, verdict):
    park = shapely.union_all([town.cell_box(r, c) for r in range(3) for c in range(10)])
    write_layer(folder, "industrial_parks", [("p", park, {})])
    (folder / "checks.toml").write_text(
        f'[[rule]]\nid = "r"\nrule = "bounded"\nlayer = "industrial_parks"\nwhere = "id=p"\nside = "{side}"\n'
        'by = "water"\nby_where = "river=brook"\nwithin_m = 50\n', "utf-8")  # fmt: skip
    assert verdicts(folder)["r"] == verdict


def test_enclosed_area_of_a_ring(folder):
    corners = [town.centre(0, 0), town.centre(0, 9), town.centre(6, 9), town.centre(6, 0)]
    street = {"class": "primary", "speed_kmh": 60.0}
    sides = [shapely.LineString([a, b]) for a, b in zip(corners, corners[1:] + corners[:1])]
    write_layer(folder, "roads", [(f"s{i}", s, street) for i, s in enumerate(sides)])
    frame = load_layer(load_city(folder), "roads").frame
    assert measure(frame, "enclosed_km2") == pytest.approx(0.9 * 0.6, rel=1e-3)
    assert measure(frame, "length_km") == pytest.approx(3.0, rel=1e-3)
    assert measure(frame.iloc[:3], "enclosed_km2") != measure(frame.iloc[:3], "enclosed_km2")  # NaN


def test_conditions():
    import pandas as pd

    frame = pd.DataFrame({"a": ["x", "y", None], "s": ["p;q", "q", ""], "n": [1, 2, 3]})
    assert list(select(frame, "s~q").index) == [0, 1]
    assert list(select(frame, "s~q&a=y").index) == [1]
    assert list(select(frame, "n=3").index) == [2]
    with pytest.raises(InputError, match="names no column"):
        select(frame, "zzz=1")


def test_bad_folders_say_what_is_wrong(folder, tmp_path):
    city = load_city(folder)
    with pytest.raises(MissingFileError, match=r"parks\.geojson"):
        load_layer(city, "parks")
    change(folder, "roads", lambda f: [x["properties"].pop("source") for x in f])
    with pytest.raises(InputError, match=r"roads\.geojson: lacks the column\(s\) source"):
        dict(load_layers(city))
    change(folder, "roads", lambda f: [x["properties"].update(source="s", id="same") for x in f])
    with pytest.raises(InputError, match="same more than once"):
        dict(load_layers(city))


def test_a_fact_that_cannot_be_used_is_named(folder):
    with (folder / "facts.csv").open("a", encoding="utf-8") as f:
        f.write("odd,怪,roads,colour=red,count,1,n,0,2020,s,\n")
    with pytest.raises(InputError, match=r"facts\.csv: row 'odd'"):
        check_city(load_city(folder))


def test_an_unknown_rule_is_named(folder):
    (folder / "checks.toml").write_text(
        '[[rule]]\nid = "r"\nrule = "levitates"\nlayer = "roads"\n', "utf-8"
    )
    with pytest.raises(InputError, match=r"checks\.toml: rule r"):
        check_city(load_city(folder))


def _metres(features):
    features[0]["geometry"]["coordinates"] = [540150, 3189850]


def _swapped(features):
    features[0]["geometry"]["coordinates"].reverse()


@pytest.mark.parametrize(
    "layer, edit, says",
    [
        ("hospitals", _metres, "'h1' has the coordinate 540150"),
        ("hospitals", _swapped, "longitude and latitude"),
        ("roads", lambda f: [x["properties"].update(speed_kmh="fast") for x in f], "'north' has speed_kmh = 'fast'"),
        ("roads", lambda f: f[0]["properties"].update(speed_kmh=None), "'north' has no speed_kmh"),
        ("roads", lambda f: f[0]["properties"].update({"class": None}), "'north' has no class"),
        ("population", lambda f: f[0]["properties"].update(persons=-5), "'n' has persons = '-5'"),
        ("population", lambda f: f[0]["properties"].update(persons=None), "'n' has no persons"),
        ("population", lambda f: f[0].update(geometry=None), "'n' has people but no geometry"),
        ("roads", lambda f: f[0]["properties"].update(status="Existing"), "'north' has the status 'Existing'"),
        ("study_area", lambda f: f.clear(), "no feature with a geometry"),
        (
            "water",
            lambda f: f[0]["geometry"]["coordinates"][0].insert(2, f[0]["geometry"]["coordinates"][0][0]),
            "'brook' has an invalid geometry",
        ),
    ],
)  # fmt: skip
def test_an_analysis_refuses_what_it_cannot_use_and_names_it(folder, layer, edit, says):
    change(folder, layer, edit)
    city = load_city(folder)
    with pytest.raises(UrbanplanError, match=re.escape(says)):
        ready = study.prepare(city)
        ready.placed(ready.ways(load_catalog().mode("drive")), "hospitals")


@pytest.mark.parametrize("layer", ["roads", "bridges", "water", "built_up", "hospitals"])
def test_an_empty_layer_is_a_city_without_such_things(folder, layer, tmp_path):
    change(folder, layer, lambda f: f.clear())
    if layer in ("bridges", "roads"):
        (folder / "scenarios.toml").unlink()
    results = study.run(load_city(folder))
    formats.write_atlas(results, tmp_path / "out")
    assert results.coverage["persons"].max() == pytest.approx(900)


def test_a_city_may_call_its_layers_otherwise(folder, tmp_path):
    path = folder / "city.toml"
    path.write_text(path.read_text("utf-8") + '\n[titles]\nwater = { name_zh = "小溪" }\n', "utf-8")
    layers = load_layers(load_city(folder))
    assert (
        layers["water"].kind.name_zh == "小溪" and layers["water"].kind.name_en == "Water (barrier)"
    )
    assert layers["districts"].kind.name_zh == "行政区划"
    written = formats.write_atlas(study.run(load_city(folder)), tmp_path / "out")["page"]
    page = pagereader.plain(written.read_text("utf-8"))
    assert '"zh":"小溪"' in page


def test_without_any_road_it_is_said(folder):
    change(folder, "roads", lambda f: f.clear())
    assert any("no streets and no roads" in f for f in study.prepare(load_city(folder)).findings)


def test_without_people_shares_are_of_land(folder, tmp_path):
    change(folder, "population", lambda f: f.clear())
    results = study.run(load_city(folder))
    assert results.coverage[["persons", "persons_covered", "share"]].isna().all(axis=None)
    assert results.coverage["km2_share"].between(0, 1).all()
    assert any("shares are of land" in f for f in results.findings)
    page = pagereader.plain(
        formats.write_atlas(results, tmp_path / "out")["page"].read_text("utf-8")
    )
    assert '"land":true' in page


@pytest.mark.parametrize("old, new, says", [
    ("cell_m = 100", "cell_m = nan", "cell_m"),
    ("snap_m = 500", "snap_m = nan", "snap_m"),
    ("[1, 2, 5]", "[1, 2, inf]", "'minutes' has a number without bound"),
    ("minutes = 2\n", "minutes = 3\n", "headline is not among the minutes"),
    ('mode = "drive"', 'mode = "bike"', "headline is not among the modes"),
    ('facilities = "hospitals"', 'facilities = "parks"', "headline is not among the facilities"),
    ('facilities = ["hospitals"]', "facilities = []", "facilities must name each once"),
    ('["walk", "drive"]', '["drive", "drive"]', "modes must name each once"),
])  # fmt: skip
def test_a_profile_that_cannot_be_run_is_refused(folder, old, new, says):
    text = (folder / "study.toml").read_text("utf-8")
    assert text.count(old) == 1
    (folder / "study.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=says):
        load_city(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('rule = "dry"', "'rule' of the file cannot be 'dry' → write an array of tables"),
        ('inside = ["roads:north"]', "'inside' of the file cannot be"),
        ('[[rule]]\nid = "r"\nrule = "dry"\nlayer = "roads"\nwater = 5', "'water' of rule r cannot be 5"),
        ('[[rule]]\nid = "r"\nrule = "dry"\nlayer = "roads"', "rule r has no water"),
        ('[[rule]]\nid = "r"\nrule = "dry"\nlayer = "roads"\nwater = "water"\nwet = "x"', "unknown field 'wet'"),
    ],
)  # fmt: skip
def test_checks_of_the_wrong_kind_are_refused(folder, text, says):
    (folder / "checks.toml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=says):
        check_city(load_city(folder))


def test_planned_built_up_land_is_not_built_yet(folder):
    assert study.prepare(load_city(folder)).ground.built_up.any()
    change(folder, "built_up", lambda f: f[0]["properties"].update(status="planned"))
    assert not study.prepare(load_city(folder)).ground.built_up.any()


def test_what_a_bridge_gains_is_the_difference(folder):
    results = study.run(load_city(folder))
    keys = ["facilities", "mode", "minutes", "area"]
    both = results.scenario_coverage.merge(results.coverage, on=keys, suffixes=("", "_before"))
    assert len(both) == len(results.scenario_coverage) and both["persons_gained"].max() > 0
    gained = both["persons_covered"] - both["persons_covered_before"]
    assert both["persons_gained"].tolist() == pytest.approx(gained.tolist())


def test_the_wrong_zone_is_refused(folder):
    text = (folder / "city.toml").read_text("utf-8")
    for wrong in ("4543", "4545"):
        (folder / "city.toml").write_text(text.replace("4544", wrong), "utf-8")
        with pytest.raises(CrsError, match="off by"):
            study.prepare(load_city(folder))
