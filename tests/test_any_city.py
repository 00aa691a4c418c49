"""Any city: its sea, what in it is a facility, and what lies beyond its boundary."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from osmium.osm import Location
from osmium.osm.mutable import Node, Relation, Way

from test_init import command
from urbanplan import study
from urbanplan.catalog import has_tag, load_catalog, read_osm_exclusions, read_osm_rules
from urbanplan.city.facilities import in_use, one_each
from urbanplan.city.layers import load_grounds, load_layer, load_layers
from urbanplan.city.profile import load_city
from urbanplan.routing import nearest, place
from urbanplan.sources.extract import Feature, sea_of
from urbanplan.study import prepare

#: South-west corner of the made-up towns, and the distance of their streets in degrees.
X, Y, STEP = 10.0, 50.0, 0.002


class Town:
    """An extract drawn by hand: a grid of streets, and what is put on it."""

    def __init__(self, size: int = 8) -> None:
        self.nodes, self.ways, self.relations = [], [], []
        grid = [[self.node(X + i * STEP, Y + j * STEP) for j in range(size)] for i in range(size)]
        for i in range(size):
            self.way(grid[i], highway="residential")
            self.way([grid[j][i] for j in range(size)], highway="residential")

    def node(self, x, y, **tags):
        self.nodes.append(Node(id=len(self.nodes) + 1, location=Location(x, y), tags=tags))
        return len(self.nodes)

    def way(self, nodes, **tags):
        self.ways.append(Way(id=len(self.ways) + 1, nodes=nodes, tags=tags))
        return len(self.ways)

    def box(self, x, y, dx, dy, **tags):
        """A rectangle, in hundredths of a street's distance from the south-west corner."""
        x, y, dx, dy = X + x * STEP / 100, Y + y * STEP / 100, dx * STEP / 100, dy * STEP / 100
        ring = [self.node(*at) for at in ((x, y), (x + dx, y), (x + dx, y + dy), (x, y + dy))]
        return self.way([*ring, ring[0]], **{k.replace("__", ":"): v for k, v in tags.items()})

    def write(self, path):
        with osmium.SimpleWriter(str(path)) as writer:
            for node in self.nodes:
                writer.add_node(node)
            for way in self.ways:
                writer.add_way(way)
            for relation in self.relations:
                writer.add_relation(relation)
        return path


def fetched(town, folder, capsys, east=7 * STEP + 0.001, north=7 * STEP + 0.001):
    """A city around a town, filled from it; and what was said."""
    area = shapely.box(X - 0.001, Y - 0.001, X + east, Y + north)
    gpd.GeoDataFrame({"name": ["X"]}, geometry=[area], crs=4326).to_file(folder / "b.gpkg")
    assert command(capsys, "init", folder / "c", "--boundary", folder / "b.gpkg")[0] == 0
    code, _, err = command(capsys, "fetch", folder / "c", "--pbf", town.write(folder / "t.osm.pbf"))
    assert code == 0, err
    return load_city(folder / "c"), err


# ---------------------------------------------------------------- the sea


def blob(rng, middle, radius):
    """An irregular outline around a point."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, 60))
    waves = sum(rng.normal() / k * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 5))
    reach = np.maximum(radius * (1 + waves / 4), radius / 5)
    ring = np.c_[middle[0] + reach * np.cos(angle), middle[1] + reach * np.sin(angle)]
    return shapely.Polygon(ring).buffer(0)


def coast_of(land, rng):
    """Coastlines of some land, each ring in one to four ways, as arrays of points."""
    ways = []
    for part in shapely.get_parts(shapely.orient_polygons(land)):
        for ring in (part.exterior, *part.interiors):
            xy = np.array(shapely.segmentize(ring, 0.2).coords)[:-1]
            # A tiny ring has fewer points than it could have ways.
            cuts = np.sort(rng.choice(len(xy), min(rng.integers(1, 5), len(xy)), replace=False))
            twice = np.r_[xy, xy]
            ends = [*cuts[1:], cuts[0] + len(xy)]
            ways += [twice[a : b + 1] for a, b in zip(cuts, ends)]
    return ways


def held(way, inside):
    """What an extract keeps of a way: its points inside, in unbroken pieces."""
    at = np.flatnonzero(inside)
    for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
        if len(run) > 1:
            yield shapely.LineString(way[run])


@settings(max_examples=60)
@example(230829, "circle")
@given(st.integers(0, 10**6), st.sampled_from(["whole", "box", "circle", "holes"]))
def test_the_sea_is_right_or_said_to_be_untold(seed, kind):
    rng, bay = np.random.default_rng(seed), shapely.box(0, 0, 10, 10)
    land = shapely.union_all(
        [blob(rng, rng.uniform(-4, 14, 2), rng.uniform(0.5, 7)) for _ in range(rng.integers(1, 7))]
    )
    if rng.random() < 0.4:
        land = land.difference(blob(rng, rng.uniform(0, 10, 2), rng.uniform(0.3, 2)))
    ways, bounds, part = coast_of(land, rng), None, bay
    if kind == "circle":
        part = shapely.Point(5, 5).buffer(rng.uniform(5, 7))
        bounds = part.bounds if rng.random() < 0.5 else None
    elif kind == "box" and rng.random() < 0.5:
        bounds = bay.bounds
    coast = []
    for way in ways:
        keep = np.ones(len(way), bool)
        if kind in ("box", "circle"):
            keep = shapely.intersects_xy(part, *way.T)
        elif kind == "holes":
            for _ in range(rng.integers(0, 3)):
                at = rng.integers(len(way))
                keep[at : at + rng.integers(1, 4)] = False
        coast += held(way, keep)
    told, truth = sea_of(bay, coast, bounds), bay.difference(land)
    # Never inverted, whatever is said; and where nothing is said, all of it. Where the extract holds nothing,
    # a coast that lies there as a whole leaves no trace.
    wrong, unseen = told.shape.difference(truth), bay.difference(part)
    assert wrong.difference(unseen).area < 2 and wrong.area < 2 + unseen.area
    if coast and not told.findings and any(line.intersects(bay) for line in coast):
        assert truth.difference(told.shape).area < 2


@pytest.mark.parametrize(
    ("coast", "sea", "why"),
    [
        # Half of the coast is missing: what lies beyond its end is not told.
        ([[(4, -1), (4, 5)]], 25.2, "ends inside the city"),
        # The second half runs the other way.
        ([[(4, -1), (4, 5)], [(4, 15), (4, 5)]], 0.0, "contradict each other"),
        # Two coasts with their land on the same side.
        ([[(4, -1), (4, 11)], [(6, -1), (6, 11)]], 40.0, "contradict each other"),
    ],
)
def test_what_a_coast_cannot_tell_stays_land(coast, sea, why):
    told = sea_of(shapely.box(0, 0, 10, 10), [shapely.LineString(c) for c in coast])
    assert told.shape.area == pytest.approx(sea, abs=0.3)
    assert len(told.findings) == 1 and why in told.findings[0]


def test_streets_are_not_drowned_by_a_coast_that_runs_the_wrong_way():
    coast = [shapely.LineString([(4, 11), (4, -1)])]
    streets = [shapely.LineString([(1, 1), (3, 9)])]
    told = sea_of(shapely.box(0, 0, 10, 10), coast, streets=streets)
    assert told.shape.is_empty and "streets run in" in told.findings[0]
    east = [shapely.LineString([(5, 1), (9, 9)])]
    assert sea_of(shapely.box(0, 0, 10, 10), coast, streets=east).shape.area == pytest.approx(40)


@pytest.mark.parametrize("islet", [False, True])
def test_a_coast_that_ends_in_the_city_is_told(tmp_path, capsys, islet):
    town = Town()
    at = [(X + 7 * STEP + 0.0005, Y + y) for y in (-0.004, 3 * STEP, 6 * STEP)]
    town.way([town.node(*p) for p in at], natural="coastline")
    if islet:
        town.box(800, 300, 25, 25, natural="coastline")
    city, said = fetched(town, tmp_path, capsys, east=7 * STEP + 0.004)
    sea = load_layer(city, "water").frame.to_crs(city.metric_crs).area.sum()
    whole = load_layer(city, "study_area").frame.to_crs(city.metric_crs).area.sum()
    # The strip is 18.4 % of the box; its last fifth lies beyond the coast's end.
    assert 0.14 < sea / whole < 0.16 and "cannot be told and are taken as land" in said


def test_a_coast_whose_point_is_missing_is_read_as_far_as_it_is_there(tmp_path, capsys):
    town = Town()
    ends = [(X + 7 * STEP + 0.0005, Y + y) for y in (-0.004, 7 * STEP + 0.004)]
    town.way([*(town.node(*p) for p in ends), 999_999], natural="coastline")
    city, said = fetched(town, tmp_path, capsys, east=7 * STEP + 0.004)
    sea = load_layer(city, "water").frame.to_crs(city.metric_crs).area.sum()
    whole = load_layer(city, "study_area").frame.to_crs(city.metric_crs).area.sum()
    assert sea / whole == pytest.approx(0.0035 / 0.019, abs=0.002) and "told" not in said


def test_a_city_whose_streets_stand_in_the_water_is_refused(tmp_path, capsys):
    fetched(Town(), tmp_path, capsys)
    lake = shapely.box(X - 0.001, Y - 0.001, X + 2 * STEP + 0.0005, Y + 0.1)
    gpd.GeoDataFrame({"name": ["lake"]}, geometry=[lake], crs=4326).to_file(tmp_path / "w.gpkg")
    args = ("import", tmp_path / "w.gpkg", "--kind", "water", "--into", tmp_path / "c")
    assert command(capsys, *args)[0] == 0
    code, _, err = command(capsys, "coverage", tmp_path / "c", "--facilities", "parks")
    # Three of eight streets one way, two sevenths of those the other way, which are 0.64 as long.
    assert code == 2 and "34% of the streets run in the water" in err


# ---------------------------------------------------------------- what is a facility

RULES = {rule.layer: rule for rule in read_osm_rules()}


def counted(layer, m2=0.0, **tags):
    """Whether a thing with these tags counts in a layer."""
    tags = {k.replace("__", ":"): v for k, v in tags.items()}
    rule = RULES[layer]
    one = Feature("n1", tags, shapely.Point(0, 0))
    return rule.holds(tags) and bool(in_use([one], np.array([m2]), rule, "2026-11-27").features)


@pytest.mark.parametrize(
    ("counts", "layer", "tags"),
    [
        (True, "hospitals", {"amenity": "hospital"}),
        (True, "hospitals", {"amenity": "clinic;doctors"}),
        (True, "hospitals", {"amenity": "hospital", "operator:type": "private"}),
        (True, "hospitals", {"amenity": "hospital", "disused": "no", "opening_hours": "24/7"}),
        (True, "hospitals", {"amenity": "hospital", "opening_hours": 'Mo-Fr 08:00-18:00; Sa,Su off'}),
        (True, "hospitals", {"amenity": "hospital", "start_date": "1920", "end_date": "2090"}),
        (True, "hospitals", {"amenity": "clinic", "disused:amenity": "hospital"}),
        (False, "hospitals", {"disused:amenity": "hospital"}),
        (False, "hospitals", {"healthcare": "hospital", "abandoned:amenity": "hospital"}),
        (False, "hospitals", {"amenity": "hospital", "abandoned": "yes"}),
        (False, "hospitals", {"amenity": "hospital", "ruins": "yes"}),
        (False, "hospitals", {"amenity": "hospital", "demolished": "yes"}),
        (False, "hospitals", {"amenity": "hospital", "building": "construction"}),
        (False, "hospitals", {"amenity": "hospital", "opening_hours": 'closed "rebuilding"'}),
        (False, "hospitals", {"amenity": "hospital", "opening_hours": "off"}),
        (False, "hospitals", {"amenity": "hospital", "operational_status": "closed"}),
        (False, "hospitals", {"amenity": "hospital", "access": "private"}),
        (False, "hospitals", {"amenity": "hospital", "end_date": "2019-06"}),
        (False, "hospitals", {"amenity": "hospital", "opening_date": "2031"}),
        (False, "hospitals", {"amenity": "doctors", "healthcare": "clinic"}),
        (False, "hospitals", {"amenity": "clinic", "healthcare:speciality": "veterinary"}),
        (False, "hospitals", {"amenity": "veterinary", "healthcare": "clinic"}),
        (True, "education", {"amenity": "school", "access": "private"}),
        (False, "education", {"amenity": "school", "access": "no"}),
        (False, "education", {"amenity": "school", "school": "driving"}),
        (False, "education", {"amenity": "driving_school"}),
        (False, "education", {"amenity": "school", "leisure": "dance"}),
        (True, "parks", {"leisure": "park"}),
        (True, "parks", {"leisure": "garden", "garden:type": "botanical"}),
        (False, "parks", {"leisure": "garden", "garden:type": "residential"}),
        (False, "parks", {"leisure": "park", "access": "residents"}),
        (False, "parks", {"leisure": "park", "landuse": "cemetery"}),
        (True, "culture_sport", {"leisure": "swimming_pool", "name": "City Baths"}),
        (True, "culture_sport", {"leisure": "swimming_pool", "access": "public"}),
        (False, "culture_sport", {"leisure": "swimming_pool"}),
        (False, "culture_sport", {"leisure": "swimming_pool", "name": "Ours", "access": "private"}),
        (True, "water", {"natural": "water", "disused": "yes"}),
        (False, "rail", {"railway": "rail", "abandoned": "yes"}),
    ],
)  # fmt: skip
def test_what_counts_as_a_facility(counts, layer, tags):
    assert counted(layer, **{k.replace(":", "__"): v for k, v in tags.items()}) == counts


def test_a_pool_counts_from_four_lanes_of_25_m():
    assert not counted("culture_sport", 249, leisure="swimming_pool")
    assert counted("culture_sport", 250, leisure="swimming_pool")


def test_every_rule_has_a_reason_and_names_layers_that_exist():
    for rule in read_osm_exclusions():
        assert all(rule.reason) and rule.layers <= set(RULES)
        assert rule.tags or rule.prefixes or rule.before or rule.after
    assert has_tag({"a": "b;c"}, {"a": frozenset("c")}) and not has_tag({"a": "no"}, {"a": True})


def things(*rows):
    """Features of (id, tags, geometry in metres), and their geometries."""
    return [Feature(i, t, g) for i, t, g in rows], np.array([g for *_, g in rows], object)


def hospital(name=None, kind="hospital"):
    return {"amenity": kind} | ({"name": name} if name else {})


CAMPUS = [
    ("w1", hospital("City Hospital"), shapely.box(0, 0, 150, 150)),
    ("w2", hospital("City Hospital, Block A"), shapely.box(20, 20, 50, 50)),
    ("w3", hospital(), shapely.box(60, 20, 90, 50)),
    ("n4", hospital("Cardiology outpatients", "clinic"), shapely.Point(70, 70)),
    ("n5", hospital("City Hospital") | {"beds": "300"}, shapely.Point(80, -5)),
    ("n6", hospital(), shapely.Point(-20, 10)),
]


def test_a_hospital_drawn_in_six_parts_is_one():
    (one,) = one_each(*things(*CAMPUS), RULES["hospitals"])
    assert (one.id, one.tags["name"], one.tags["beds"]) == ("w1", "City Hospital", "300")


@pytest.mark.parametrize("order", range(4))
def test_hospitals_next_door_stay_two(order):
    other = [
        ("w7", hospital("St Mary"), shapely.box(155, 0, 300, 150)),
        ("w8", hospital(), shapely.box(300, 20, 320, 50)),
        ("n9", hospital("St Mary"), shapely.Point(140, 10)),
    ]
    rows = np.random.default_rng(order).permutation(len(CAMPUS) + len(other))
    mixed = [[*CAMPUS, *other][i] for i in rows]
    found = one_each(*things(*mixed), RULES["hospitals"])
    assert sorted(f.tags["name"] for f in found) == ["City Hospital", "St Mary"]


@pytest.mark.parametrize(
    ("layer", "rows", "count"),
    [
        # Without an outline of the grounds: what has the name of the institution before a comma.
        ("hospitals", [("w1", hospital("City Hospital"), shapely.box(0, 0, 40, 40)), ("w2", hospital("City Hospital - East Wing"), shapely.box(150, 0, 190, 40))], 1),
        ("hospitals", [("n1", hospital("City Hospital"), shapely.Point(0, 0)), ("n2", hospital("City Hospital"), shapely.Point(1000, 0))], 2),
        # One name in two spellings, and two names that differ by more than those.
        ("education", [("w1", {"amenity": "school", "name": "Lycée Albert 1er"}, shapely.box(0, 0, 90, 90)), ("r2", {"amenity": "school", "name": "Lycee Albert-1er"}, shapely.box(40, 0, 140, 95))], 1),
        ("education", [("w1", {"amenity": "school", "name": "Lycée"}, shapely.box(0, 0, 90, 90)), ("r2", {"amenity": "college", "name": "Lycée"}, shapely.box(0, 0, 90, 90) - shapely.box(30, 30, 60, 60))], 1),
        ("education", [("w1", {"amenity": "school", "name": "Lycée"}, shapely.box(0, 0, 90, 90)), ("w2", {"amenity": "kindergarten", "name": "Lycée"}, shapely.box(0, 0, 30, 30))], 2),
        ("education", [("n1", {"amenity": "school", "name": "St. John’s"}, shapely.Point(0, 0)), ("n2", {"amenity": "school", "name": "St Johns"}, shapely.Point(90, 0)), ("n3", {"amenity": "school", "name": "St Johnson"}, shapely.Point(90, 0))], 2),
        ("education", [("n1", {"amenity": "school", "name": "โรงเรียนบ้านนา"}, shapely.Point(0, 0)), ("n2", {"amenity": "school", "name": "โรงเรียนบานนา"}, shapely.Point(90, 0))], 2),
        # Grounds without a name take that of the point on them.
        ("hospitals", [("w1", hospital(), shapely.box(0, 0, 90, 90)), ("n2", hospital("Clinic", "clinic"), shapely.Point(5, 5))], 1),
        # A chain: 1 km apart, and across the street.
        ("consumption", [("n1", {"shop": "supermarket", "name": "Rewe"}, shapely.Point(0, 0)), ("n2", {"shop": "supermarket", "name": "Rewe"}, shapely.Point(1000, 0)), ("n3", {"shop": "supermarket", "name": "Rewe"}, shapely.Point(150, 0))], 3),
        ("consumption", [("w1", {"shop": "mall", "name": "Mall"}, shapely.box(0, 0, 90, 90)), ("n2", {"shop": "supermarket", "name": "Rewe"}, shapely.Point(5, 5))], 2),
        # Two schools share grounds; a kindergarten lies on those of a school; a faculty on a campus.
        ("education", [("w1", {"amenity": "school", "name": "First"}, shapely.box(0, 0, 90, 90)), ("n2", {"amenity": "school", "name": "Second"}, shapely.Point(5, 5))], 2),
        ("education", [("w1", {"amenity": "school", "name": "First"}, shapely.box(0, 0, 90, 90)), ("n2", {"amenity": "kindergarten"}, shapely.Point(5, 5))], 2),
        ("education", [("w1", {"amenity": "university", "name": "Uni"}, shapely.box(0, 0, 90, 90)), ("n2", {"amenity": "university", "name": "Physics"}, shapely.Point(5, 5))], 1),
        # Two schools on grounds that have no name, one of them drawn twice.
        ("education", [("w1", {"amenity": "school"}, shapely.box(0, 0, 90, 90)), ("n2", {"amenity": "school", "name": "First"}, shapely.Point(5, 5)), ("n3", {"amenity": "school", "name": "Second"}, shapely.Point(60, 5)), ("n4", {"amenity": "school", "name": "Second"}, shapely.Point(70, 5))], 2),
        # Schools without names, a street apart, are schools.
        ("education", [(f"n{i}", {"amenity": "school"}, shapely.Point(50 * i, 0)) for i in range(9)], 9),
        ("hospitals", [(f"n{i}", hospital(), shapely.Point(45 * i, 0)) for i in range(9)], 9),
    ],
)  # fmt: skip
def test_what_is_one_facility(layer, rows, count):
    assert len(one_each(*things(*rows), RULES[layer])) == count


def test_pools_gardens_and_a_campus_of_a_town(tmp_path, capsys):
    town = Town()
    for i in range(7):
        town.box(100 * i + 45, 45, 3, 3, leisure="swimming_pool")
    town.box(215, 215, 40, 40, leisure="garden", garden__type="residential")
    town.box(415, 215, 40, 40, leisure="garden", garden__type="private")
    town.box(210, 510, 80, 70, amenity="hospital", name="City Hospital")
    town.box(220, 520, 15, 15, amenity="hospital", building="hospital")
    town.node(X + 2.5 * STEP, Y + 5.5 * STEP, amenity="clinic", name="Outpatients")
    city, said = fetched(town, tmp_path, capsys)
    layers = load_layers(city)
    assert [len(layers[n].frame) for n in ("culture_sport", "parks", "hospitals")] == [0, 0, 1]
    assert "7 left out: small pools without a name" in said
    assert "2 left out: not open to the public" in said and "2 are parts of other" in said


def test_a_hospital_is_entered_from_every_street_around_its_grounds(tmp_path, capsys):
    town = Town()
    # 20 m from each of the four streets around it; a school of one building at a corner.
    town.box(210, 210, 80, 80, amenity="hospital", name="City Hospital")
    town.node(X + 5 * STEP, Y + 5 * STEP + 0.0001, amenity="school", name="School")
    city, _ = fetched(town, tmp_path, capsys)
    (shape,) = load_layer(city, "hospitals").frame.geometry
    assert shape.geom_type == "Point" and list(load_grounds(city).index) == ["w17"]
    ready = prepare(city)
    ways = ready.ways(load_catalog().mode("walk"))
    homes = [(2.5, 2), (2.5, 3), (2, 2.5), (3, 2.5)]
    homes = gpd.GeoSeries([shapely.Point(X + a * STEP, Y + b * STEP) for a, b in homes], crs=4326)
    homes = place(ways.ground, homes.to_crs(city.metric_crs).rename_axis("id").reset_index(name="geometry").set_geometry("geometry"), 50)  # fmt: skip
    minutes = nearest(ways.ground, ready.placed(ways, "hospitals")).at(homes)
    assert minutes == pytest.approx(0.1 * STEP * np.array([111_000] * 2 + [71_700] * 2) * 0.06 / 5, rel=0.03)  # fmt: skip
    # A point that somebody moved off them stands for itself.
    moved = ready.metric(load_layer(city, "hospitals").frame)
    moved = moved.set_geometry(moved.geometry.translate(200, 0))
    assert len(ready.put(ways, moved).edge) < 4
    # What is no longer there has no grounds.
    without = Town().write(tmp_path / "without.osm.pbf")
    assert command(capsys, "fetch", tmp_path / "c", "--pbf", without)[0] == 0
    assert load_grounds(load_city(tmp_path / "c")).empty
    # It is a file like any other: one that is not as it must be is refused with a sentence.
    path = tmp_path / "c/layers/grounds.geojson"
    shape = '{"type": "Point", "coordinates": [0, 0]}'
    path.write_text(f'{{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {{"n": 1}}, "geometry": {shape}}}]}}')  # fmt: skip
    code, _, err = command(capsys, "coverage", tmp_path / "c", "--facilities", "hospitals")
    assert code == 2 and "grounds.geojson" in err


# ---------------------------------------------------------------- shapes that do not close


def test_outlines_that_cross_themselves_are_repaired_and_others_named(tmp_path, capsys):
    town = Town()
    corners = [(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)]
    bow = [town.node(X + a * STEP, Y + b * STEP) for a, b in corners]
    town.way([*bow, bow[0]], leisure="park", name="Bow tie")
    town.way(bow[:3], leisure="park", name="Open")
    town.way([bow[0], bow[1], 999_999, bow[0]], leisure="park", name="Over the edge")
    # A relation of which a way is missing; and one whose ways are no areas of their own.
    lacking = [("w", 2, "outer"), ("w", 999_999, "outer")]
    town.relations.append(
        Relation(id=2, members=lacking, tags={"type": "multipolygon", "leisure": "park"})
    )
    ring = [town.node(X + (2 + a) * STEP, Y + b * STEP) for a, b in [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]]  # fmt: skip
    first, second = town.way(ring[:2], leisure="park"), town.way([*ring[1:], ring[0]])
    members = [("w", first, "outer"), ("w", second, "outer")]
    town.relations.append(
        Relation(
            id=1, members=members, tags={"type": "multipolygon", "leisure": "park", "name": "R"}
        )
    )
    city, said = fetched(town, tmp_path, capsys)
    parks = load_layer(city, "parks").frame
    assert sorted(parks["name_en"]) == ["Bow tie", "R"] and parks.geometry.is_valid.all()
    half = (0.6 * STEP) ** 2 / 2
    assert parks.set_index("name_en").geometry["Bow tie"].area == pytest.approx(half, rel=0.01)
    assert "1 shapes whose outline crosses itself or the like were repaired" in said
    assert "1 things left out (their outline does not close)" in said
    assert "2 things left out (they reach over its edge and could not be closed)" in said


# ---------------------------------------------------------------- beyond the boundary


@pytest.fixture
def border_town(tmp_path, capsys):
    """A town whose nearest hospital and park lie 100 m beyond its boundary."""
    town = Town(12)
    town.node(X + 8 * STEP + 0.0005, Y + 3 * STEP, amenity="hospital", name="Next door")
    town.node(X + 0.0005, Y, amenity="hospital", name="Far corner")
    town.box(820, 220, 60, 60, leisure="park", name="Next door park")
    town.box(20, 20, 60, 60, leisure="park", name="Far corner park")
    # Half of it lies on either side.
    town.box(690, 620, 120, 60, leisure="park", name="On both sides")
    return fetched(town, tmp_path, capsys)


def test_facilities_next_door_are_reached_but_not_counted(border_town, tmp_path, capsys):
    city, said = border_town
    assert "3 facilities within 5 km beyond the boundary count in travel times" in said
    layers = load_layers(city)
    assert list(layers["hospitals"].frame["name_en"]) == ["Far corner"]
    assert list(layers["hospitals"].outside["name_en"]) == ["Next door"]
    parks = layers["parks"].reachable().set_index("name_en").geometry
    assert len(layers["parks"].frame) == 2 and len(parks) == 3
    assert parks["On both sides"].area == pytest.approx(1.2 * 0.6 * STEP**2, rel=0.01)
    ready = study.prepare(city)
    ways = ready.ways(load_catalog().mode("walk"))
    _, cells, placed = study.coverage_of(ready, ways, "hospitals", [5.0, 15.0])
    assert set(placed.ids) == {*layers["hospitals"].frame["id"], *layers["hospitals"].outside["id"]}
    # At the east edge of the town it is 1.5 minutes to the one next door, and 13 to the other.
    grid = ready.ground.grid
    at = gpd.GeoSeries([shapely.Point(X + 7 * STEP, Y + 3 * STEP)], crs=4326).to_crs(grid.crs)
    cell = grid.cells_at(at.x.to_numpy(), at.y.to_numpy())[0]
    metres = 0.0025 * 111_320 * np.cos(np.radians(Y))
    assert cells.ravel()[cell] == pytest.approx(metres * 0.06 / 5, abs=0.5)


def test_facilities_next_door_reach_every_output(border_town, tmp_path, capsys):
    code, _, err = command(capsys, "run", tmp_path / "c", "--out", tmp_path / "out")
    assert code == 0, err
    (package,) = (tmp_path / "out").glob("*.gpkg")
    outside = gpd.read_file(package, layer="result_outside")
    assert sorted(outside["name_en"]) == ["Next door", "Next door park", "On both sides"]
    assert len(gpd.read_file(package, layer="hospitals")) == 1
    single = gpd.read_file(package, layer="result_isochrones")
    assert set(single["name_en"]) <= {"Far corner park", "On both sides"}


def test_an_imported_facility_next_door_is_kept_and_marked(border_town, tmp_path, capsys):
    at = [shapely.Point(X + STEP, Y), shapely.Point(X + 8 * STEP, Y), shapely.Point(X + 3, Y)]
    frame = gpd.GeoDataFrame({"name": ["in", "near", "far"]}, geometry=at, crs=4326)
    frame.to_file(tmp_path / "h.gpkg")
    args = ("import", tmp_path / "h.gpkg", "--kind", "hospitals", "--into", tmp_path / "c")
    code, _, err = command(capsys, *args, "--append")
    assert code == 0 and "1 lie beyond the boundary" in err and "refused 1 × outside" in err
    layer = load_layer(load_city(tmp_path / "c"), "hospitals")
    assert (
        sorted(layer.frame["name_en"].fillna("")) == ["Far corner", "in"] or len(layer.frame) == 2
    )
    assert len(layer.outside) == 2
    rows = json.loads((tmp_path / "c/layers/hospitals.geojson").read_text("utf-8"))["features"]
    assert [r["properties"]["outside"] for r in rows].count(True) == 2


def test_a_road_of_two_centimetres_is_dropped(tmp_path, capsys):
    town = Town()
    edge = 7 * STEP + 0.001
    at = [(3 * STEP, edge - 1e-7), (3 * STEP, edge + 0.009), (4 * STEP, edge + 0.009)]
    town.way([town.node(X + x, Y + y) for x, y in at], highway="secondary", name="Edge road")
    city, _ = fetched(town, tmp_path, capsys)
    assert not len(load_layer(city, "roads").frame)
