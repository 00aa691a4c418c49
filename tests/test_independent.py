"""A city's numbers beside those of `independent.py`, which shares no code with the package.

python tests/test_independent.py EXTRACT BOUNDARY CITY RUN RASTER prints both for any place: RUN is the folder that
`urbanplan run` wrote, RASTER the people that were imported.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
import independent
from urbanplan.catalog import load_catalog
from urbanplan.city.layers import load_layers, measure
from urbanplan.city.profile import load_city
from urbanplan.cli import cli
from urbanplan.routing import build_network
from urbanplan.sources import read_streets

#: How far the numbers may be apart, as a share; those of people as a share of all of them.
SAME = {"km2": 1e-6, "ha": 0.02, "km": 1e-3, "min": 1e-6, "share": 0.02, "count": 0.0}


def answer(*args) -> str:
    """What a command writes."""
    done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.stdout


def ground(folder: Path) -> dict[str, float]:
    """Area, water, streets and facilities of a city's folder."""
    city = load_city(folder)
    layers = load_layers(city)
    area = layers["study_area"].located.to_crs(city.metric_crs).geometry.union_all()
    wet = layers["water"].located.to_crs(city.metric_crs).geometry.union_all()
    found = {"area km2": measure(layers["study_area"].located, "area_km2")}
    found["water ha"] = wet.intersection(area).area / 1e4
    streets = read_streets(city.find("streets.osm.pbf"))
    for name in ("walk", "drive"):
        mode = load_catalog().mode(name)
        # Lines across squares are the package's own.
        mode = replace(mode, streets=replace(mode.streets, squares=False))
        network = build_network(streets, mode, crs=city.metric_crs)
        part = shapely.length(shapely.intersection(network.lines, area))
        ratio = part / np.maximum(shapely.length(network.lines), 1e-9)
        found[f"{name} km"] = float((ratio * network.length_m).sum()) / 1000
    return found | {kind: len(layers[kind].frame) for kind in independent.KINDS}


def between(folder: Path, pairs: list, work: Path) -> dict[str, float]:
    """Minutes of pairs of places, as `matrix` has them."""
    found = {}
    for name, side in (("origins", 0), ("destinations", 1)):
        rows = [(f"{name[0]}{i}", *(pair[side])) for i, pair in enumerate(pairs)]
        pd.DataFrame(rows, columns=["id", "lon", "lat"]).to_csv(work / f"{name}.csv", index=False)
    # Lines across squares are the package's own.
    (work / "modes.toml").write_text("[walk.streets]\nsquares = false\n", "utf-8")
    for mode in ("walk", "drive"):
        answer("matrix", "--modes", work / "modes.toml", "--streets", folder / "layers/streets.osm.pbf", "--mode", mode, "--max-minutes", 5000,
               "--origins", work / "origins.csv", "--destinations", work / "destinations.csv", "--out", work / "m.csv")  # fmt: skip
        table = pd.read_csv(work / "m.csv").set_index(["origin", "destination"])["minutes"]
        for i in range(len(pairs)):
            found[f"{mode} min {i + 1}"] = float(table.get((f"o{i}", f"d{i}"), np.inf))
    return found


def differences(theirs: dict, ours: dict) -> pd.DataFrame:
    """Both, and how far ours are from theirs: relative, of shares absolute."""
    rows = pd.DataFrame({"theirs": theirs, "ours": pd.Series(ours)})
    share = rows.index.str.contains("share")
    rows["difference"] = (rows["ours"] - rows["theirs"]) / np.where(share, 1, rows["theirs"])
    rows.loc[rows["ours"] == rows["theirs"], "difference"] = 0.0
    return rows


def tolerance(name: str) -> float:
    """How far a number may be apart."""
    return next((SAME[word] for word in name.split() if word in SAME), SAME["count"])


def test_an_independent_reading_of_the_extract_has_the_same_numbers(helsinki, helsinki_pbf, tmp_path):  # fmt: skip
    theirs = independent.numbers(helsinki_pbf, helsinki.parent / "b.gpkg")
    pairs = theirs.pop("pairs")
    rows = differences(theirs, ground(helsinki) | between(helsinki, pairs, tmp_path))
    far = rows[~(rows["difference"].abs() <= rows.index.map(tolerance))]
    assert len(rows) == 13 and far.empty, far.to_string()
    assert (rows["theirs"] > 0).sum() >= 12


@pytest.mark.parametrize(("kind", "limit_min"), [("parks", 2), ("education", 3)])
def test_an_independent_walk_serves_the_same_people(
    helsinki, helsinki_pbf, tmp_path, kind, limit_min
):
    world = independent.read_map(helsinki_pbf, 24.9)
    boundary = independent.read_boundary(helsinki.parent / "b.gpkg")
    flat = independent.Flat(boundary)
    west, south, east, north = boundary.bounds
    lon, lat = np.meshgrid(np.linspace(west, east, 33)[1:-1], np.linspace(south, north, 53)[1:-1])
    xy = np.c_[lon.ravel(), lat.ravel()]
    dry = ~shapely.contains(
        independent.water(world, boundary, flat), shapely.points(*flat.to(*xy.T))
    )
    xy = xy[dry]
    people = pd.DataFrame({"id": range(len(xy)), "lon": xy[:, 0], "lat": xy[:, 1]})
    people["population"] = 1 + people["id"] % 7
    people.to_csv(tmp_path / "people.csv", index=False)
    told = answer("coverage", helsinki, "--facilities", kind, "--mode", "walk", "--minutes", limit_min,
                  "--demand", tmp_path / "people.csv", "--json")  # fmt: skip
    ours = pd.DataFrame(json.loads(told)).set_index("area").loc["ALL"]
    places = [shape for shape, _, _ in independent.facilities(world, boundary, flat, kind)]
    persons = people["population"].to_numpy(float)
    theirs = independent.homes_share(
        world, independent.streets(world, "walk"), flat, places, xy, persons, limit_min
    )
    assert ours["persons"] == persons.sum() and 0.1 < theirs < 0.95
    assert ours["share"] == pytest.approx(theirs, abs=SAME["share"])


def table(extract, boundary, folder: Path, run: Path, raster, work: Path) -> pd.DataFrame:
    """All numbers of a place that was run."""
    theirs = independent.numbers(extract, boundary, raster)
    ours = ground(folder) | between(folder, theirs.pop("pairs"), work)
    served = pd.read_csv(run / "coverage.csv").query("area == 'ALL' and minutes == 15 and mode == 'walk'")  # fmt: skip
    served = served.set_index("facilities")
    ours["people"] = float(served["persons"].iloc[0])
    ours |= {f"walk share {kind}": served["share"].get(kind) for kind in independent.KINDS}
    return differences(theirs, {name: ours[name] for name in theirs})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(table(*map(Path, sys.argv[1:6]), Path(scratch)).round(4).to_string())
