"""GeoPackages of a run that come back: whose they are, and what a run leaves where it cannot begin."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

import pytest

from test_init import boundary, command
from townfolder import write_town


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The GeoPackage that a run of the grid town wrote."""
    from urbanplan import study
    from urbanplan.city.profile import load_city
    from urbanplan.output import formats

    folder = tmp_path_factory.mktemp("run")
    results = study.run(load_city(write_town(folder / "town")))
    return formats.write_package(results, folder / "gridtown.gpkg")


def bare(package, path):
    """The package as other programs write one: without metadata."""
    shutil.copy(package, path)
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.executescript(
            "DROP TABLE gpkg_metadata_reference; DROP TABLE gpkg_metadata;"
            "DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_metadata'; VACUUM"
        )
    return path


def test_a_package_without_changes_gets_one_line(package, tmp_path, capsys):
    town = write_town(tmp_path / "town")
    assert command(capsys, "changes", town, package) == (
        0,
        "",
        "gridtown.gpkg: nothing is changed\n",
    )
    assert command(capsys, "changes", town, package, "--json")[:2] == (0, "[]\n")
    plain = bare(package, tmp_path / "bare.gpkg")
    assert command(capsys, "changes", town, plain) == (0, "", "bare.gpkg: nothing is changed\n")


def test_another_citys_package_is_known_by_its_metadata(package, tmp_path, capsys):
    town, out = write_town(tmp_path / "town"), tmp_path / "out"
    profile = (town / "city.toml").read_text("utf-8").replace('"gridtown"', '"elsewhere"')
    (town / "city.toml").write_text(profile, "utf-8")
    for args in (
        ("changes", town, package),
        ("run", town, "--layers", package, "--out", out),
        ("import", package, "--into", town),
    ):
        code, _, err = command(capsys, *args)
        assert code == 2 and "holds the city 'gridtown', not 'elsewhere' →" in err
        assert "gridtown.gpkg" in err and "facts.csv" not in err
    assert not out.exists()


def test_another_citys_package_is_known_by_its_place(package, tmp_path, capsys):
    plain = bare(package, tmp_path / "bare.gpkg")
    far = tmp_path / "far"
    command(capsys, "init", far, "--boundary", boundary(tmp_path / "b.geojson"))
    code, _, err = command(capsys, "changes", far, plain)
    assert code == 2 and "bare.gpkg: holds another city than 'far': it lies between" in err


def test_a_city_without_layers_is_told_what_to_do(tmp_path, capsys):
    town, out = write_town(tmp_path / "town"), tmp_path / "deep" / "out"
    for path in (*town.glob("*.geojson"), town / "facts.csv", town / "checks.toml"):
        path.unlink()
    code, _, err = command(capsys, "run", town, "--out", out)
    assert code == 2 and "has no layers yet → fill it with `urbanplan fetch" in err
    assert "urbanplan import" in err and "facts.csv" not in err and not out.parent.exists()


def test_a_run_that_fails_at_once_leaves_no_folder(tmp_path, capsys):
    town, out = write_town(tmp_path / "town"), tmp_path / "deep" / "out"
    (town / "facts.csv").unlink()
    assert command(capsys, "run", town, "--out", out)[0] == 2
    assert not out.parent.exists()
    # A folder that was there, or has something in it, stays.
    out.mkdir(parents=True)
    assert command(capsys, "run", town, "--out", out)[0] == 2
    assert out.is_dir() and not list(out.iterdir())


def test_a_file_is_no_folder_to_write_to(tmp_path, capsys):
    town, out = write_town(tmp_path / "town"), tmp_path / "zones.geojson"
    out.write_text("mine", "utf-8")
    code, _, err = command(capsys, "run", town, "--out", out)
    assert code == 2 and "zones.geojson: is a file; --out takes a folder" in err
    assert out.read_text("utf-8") == "mine"


def test_a_city_of_empty_layers_is_told_so(tmp_path, capsys):
    command(capsys, "init", tmp_path / "x", "--adcode", "510502")
    code, _, err = command(capsys, "run", tmp_path / "x", "--out", tmp_path / "out")
    assert code == 0 and "its layers are all empty" in err
