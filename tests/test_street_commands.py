"""The street commands as others' scripts call them: files, fields, exit codes, one sentence each."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from test_cli import call
from urbanplan.routing import network


@pytest.fixture
def places(tmp_path):
    """Origins and people around the middle of the extract, and one far away."""
    rng = np.random.default_rng(4)
    lon, lat = 24.935 + rng.random(40) * 0.018, 60.163 + rng.random(40) * 0.008
    table = pd.DataFrame({"id": [f"p{i}" for i in range(40)], "lon": lon, "lat": lat})
    table["population"] = rng.integers(1, 90, 40)
    table.loc[40] = ["far", 10.0, 50.0, 7]
    table.to_csv(tmp_path / "people.csv", index=False)
    table.head(5).to_csv(tmp_path / "origins.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet"])
def test_isochrone_files_have_the_promised_fields(capsys, helsinki_pbf, tmp_path, ending):
    out = tmp_path / f"iso.{ending}"
    at = ["--at", "24.945,60.17", "--at", "24.94,60.165"]
    code, printed, told = call(
        capsys, "isochrone", "--streets", str(helsinki_pbf), *at, "--mode", "walk",
        "--minutes", "15,5", "--out", str(out),
    )  # fmt: skip
    assert (code, printed) == (0, f"{out}\n") and "not joined to the rest" in told
    frame = gpd.read_parquet(out) if ending == "parquet" else gpd.read_file(out)
    assert frame.crs == 4326 and len(frame) == 4
    assert frame["origin"].tolist() == ["24.945,60.17"] * 2 + ["24.94,60.165"] * 2
    assert frame["minutes"].tolist() == [5, 15, 5, 15] and set(frame["mode"]) == {"walk"}
    metric = frame.to_crs(32635).area / 1e6
    np.testing.assert_allclose(frame["area_km2"], metric, rtol=2e-3)
    assert frame["area_km2"].is_monotonic_increasing is False and frame.is_valid.all()
    for column, value in (("quality", "modelled"), ("licence", "ODbL-1.0"), ("direction", "from")):
        assert set(frame[column]) == {value}
    assert (frame["accuracy_m"] > 0).all() and frame["source"].str.contains("OpenStreetMap").all()


def test_a_stored_network_gives_the_same_isochrone(capsys, helsinki_pbf, tmp_path):
    kept = tmp_path / "walk.npz"
    code, printed, _ = call(
        capsys, "-q", "network", "--streets", str(helsinki_pbf), "--out", str(kept)
    )
    assert code == 0 and " nodes, " in printed and network.load(kept).mode.id == "walk"
    for n, streets in enumerate((helsinki_pbf, kept)):
        call(
            capsys, "-q", "isochrone", "--streets", str(streets), "--at", "24.945,60.17",
            "--minutes", "7", "--direction", "to", "--out", str(tmp_path / f"{n}.geojson"),
        )  # fmt: skip
    one, two = ((tmp_path / f"{n}.geojson").read_text().replace(f'"{n}"', "") for n in (0, 1))
    assert one == two
    code, _, told = call(
        capsys, "isochrone", "--streets", str(kept), "--mode", "bike", "--at", "24.945,60.17",
        "--out", str(tmp_path / "x.gpkg"),
    )  # fmt: skip
    assert code == 2 and "already built for mode 'walk'" in told


def test_matrix_and_reach_agree(capsys, helsinki_pbf, places):
    common = ["--streets", str(helsinki_pbf), "--mode", "bike"]
    files = ["--origins", str(places / "origins.csv")]
    for ending, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        code, _, told = call(
            capsys, "matrix", *common, *files, "--destinations", str(places / "people.csv"),
            "--max-minutes", "6", "--out", str(places / f"m.{ending}"),
        )  # fmt: skip
        table = read(places / f"m.{ending}")
        assert code == 0 and list(table.columns) == ["origin", "destination", "minutes"]
        assert "1 of 41 destinations" in told and "far" in told
    assert (table["minutes"] <= 6).all() and len(table) > 20
    code, _, told = call(
        capsys, "reach", *common, *files, "--demand", str(places / "people.csv"),
        "--minutes", "3,6", "--out", str(places / "r.gpkg"),
    )  # fmt: skip
    assert code == 0 and "7 of" in told and "left out with them" in told
    reached = gpd.read_file(places / "r.gpkg").set_index("origin")
    people = pd.read_csv(places / "people.csv").set_index("id")["population"]
    table["population"] = table["destination"].map(people)
    expected = table.groupby("origin")["population"].sum()
    np.testing.assert_array_equal(reached.loc[expected.index, "population_6min"], expected)
    assert (reached["population_3min"] <= reached["population_6min"]).all()


def test_reach_of_every_street_corner(capsys, helsinki_pbf, places):
    code, _, _ = call(
        capsys, "-q", "reach", "--streets", str(helsinki_pbf), "--demand", str(places / "people.csv"),
        "--value", "population", "--origins", "nodes", "--minutes", "15,30",
        "--out", str(places / "r.csv"),
    )  # fmt: skip
    table = pd.read_csv(places / "r.csv")
    assert code == 0 and len(table) > 2000
    total = pd.read_csv(places / "people.csv")["population"].head(40).sum()
    assert table["population_30min"].max() <= total and table["population_15min"].max() > 0
    assert {"origin", "mode", "lon", "lat", "quality", "source"} <= set(table.columns)


def test_origins_without_a_street_are_listed_and_empty(capsys, helsinki_pbf, places):
    code, _, told = call(
        capsys, "reach", "--streets", str(helsinki_pbf), "--demand", str(places / "people.csv"),
        "--origins", str(places / "people.csv"), "--minutes", "5", "--out", str(places / "r.parquet"),
    )  # fmt: skip
    table = gpd.read_parquet(places / "r.parquet").set_index("origin")
    assert code == 0 and "1 of 41 origins" in told
    assert len(table) == 41 and np.isnan(table.loc["far", "population_5min"])


def test_areas_of_demand_are_counted_at_a_point_inside_and_it_is_said(capsys, helsinki_pbf, places):
    people = pd.read_csv(places / "people.csv").head(40)
    points = gpd.GeoDataFrame(
        people, geometry=gpd.points_from_xy(people["lon"], people["lat"]), crs=4326
    )
    points.set_geometry(points.to_crs(32635).buffer(5).to_crs(4326)).to_file(places / "areas.gpkg")
    args = ["--streets", str(helsinki_pbf), "--minutes", "6", "--demand"]
    code, _, told = call(
        capsys, "reach", *args, str(places / "areas.gpkg"), "--out", str(places / "a.parquet")
    )
    call(
        capsys, "-q", "reach", *args, str(places / "people.csv"), "--out", str(places / "p.parquet")
    )
    assert code == 0 and "40 areas or lines are counted at one point" in told
    one, two = (gpd.read_parquet(places / f"{n}.parquet")["population_6min"] for n in "ap")
    # Points inside lie within a metre or two of the centres: a handful of corners may differ.
    assert (one == two).mean() > 0.9


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["isochrone", "--streets", "F", "--at", "1,1"], "none of the 1 places is within 250 m"),
        (["isochrone", "--streets", "nowhere.osm.pbf", "--at", "1,1"], "no such file"),
        (["isochrone", "--streets", "F", "--at", "24.94,60.17", "--mode", "fly"], "unknown mode"),
        (["isochrone", "--streets", "F"], "--at or with --points"),
        (["isochrone", "--streets", "F", "--at", "24.94,60.17", "--cell", "0"], "above 0"),
        (["isochrone", "--streets", "F", "--at", "24.94,60.17", "--dem", "no.tif"], "no such file"),
        (["isochrone", "luzhou", "--streets", "F", "--at", "24.94,60.17"], "leave CITY"),
        (["isochrone", "--at", "105.4,28.9", "--cell", "20"], "--cell needs --streets"),
        (
            ["matrix", "--streets", "F", "--origins", "O", "--destinations", "O"],
            "gpkg' are not written",
        ),
        (["reach", "--streets", "F", "--demand", "O", "--value", "beds"], "no column 'beds'"),
    ],
)
def test_bad_calls_are_one_sentence_and_exit_2(capsys, helsinki_pbf, places, args, said):
    names = {"F": str(helsinki_pbf), "O": str(places / "origins.csv")}
    out = places / "out.gpkg"
    out.write_text("what was there")
    code, _, told = call(capsys, *[names.get(a, a) for a in args], "--out", str(out))
    assert code == 2 and said in told and "Traceback" not in told
    assert out.read_text() == "what was there"


def test_the_benchmark_without_its_peers_says_what_to_install(capsys, monkeypatch, helsinki_pbf):
    real = importlib.import_module

    def missing(name, *rest):
        if name == "pandana":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "2"])
    with pytest.raises(SystemExit, match="pip install pandana"):
        runpy.run_path(str(Path(__file__).parents[1] / "benchmarks"), run_name="__main__")
