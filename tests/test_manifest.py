"""What a manifest lists is refused by name when a bit of it is gone or turned."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest

from test_import import LAT, LON, deliver, square, tif
from test_init import command
from urbanplan import manifest
from urbanplan.city import load_city
from urbanplan.errors import InputError
from urbanplan.sources.osm import read_osm, write_osm
from urbanplan.sources.streets import clipped

#: One file of every format that a city's folder holds.
NAMES = ("parks.geojson", "population.tif", "streets.osm.pbf", "facts.csv", "checks.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, helsinki_pbf):
    """A city whose manifest lists a layer, a raster, streets, a table and rules."""
    import shapely
    from click.testing import CliRunner

    from urbanplan.cli import cli

    made = tmp_path_factory.mktemp("listed")
    city = made / "city"
    park = deliver(made / "p.geojson", [square()], name=["公园"])
    people = tif(made / "p.tif", np.ones((10, 10)))
    for args in (
        ("init", city, "--adcode", "510502"),
        ("import", park, "--kind", "parks", "--into", city),
        ("import", people, "--kind", "population", "--into", city),
    ):
        done = CliRunner().invoke(cli, ["-q", *map(str, args)], standalone_mode=False)
        assert done.exception is None, done.exception
    layers = city / "layers"
    streets = clipped(read_osm(helsinki_pbf), shapely.box(24.94, 60.168, 24.945, 60.172))
    with manifest.replacing(layers, "streets.osm.pbf", {"built_from": []}, {}) as new:
        write_osm(new, streets)
    for name in ("facts.csv", "checks.toml"):
        content = (layers / name).read_bytes()
        with manifest.replacing(layers, name, {"built_from": []}, {}) as new:
            new.write_bytes(content)
    assert (LON, LAT) and set(NAMES) <= set(manifest.read_manifest(layers)["files"])
    return city


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["cut", "flip"])
def test_two_hundred_damages_of_each_format_are_refused_by_name(folder, name, how):
    chance = random.Random(f"{name} {how}")
    path, city = folder / "layers" / name, load_city(folder)
    whole = path.read_bytes()
    refused = 0
    try:
        for _ in range(200):
            damaged = bytearray(whole[: chance.randrange(len(whole))] if how == "cut" else whole)
            if how == "flip":
                damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=f"{name}: differs from what manifest.toml lists"):
                city.find(name)
            refused += 1
    finally:
        path.write_bytes(whole)
    assert refused == 200 and city.find(name) == path


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("parks.geojson", ("layers",)),
        ("facts.csv", ("check",)),
        ("checks.toml", ("check",)),
        ("population.tif", ("coverage", "--facilities", "parks")),
        ("streets.osm.pbf", ("coverage", "--facilities", "parks")),
    ],
)
def test_every_command_that_reads_a_file_refuses_its_damage(folder, tmp_path, capsys, name, args):
    city = tmp_path / "city"
    shutil.copytree(folder, city)
    path = city / "layers" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, _, err = command(capsys, args[0], city, *args[1:])
    assert code == 2 and name in err and "differs" in err


def test_the_embedded_city_is_held_to_its_manifest(luzhou):
    assert {"city.toml", "study.toml", "parks.geojson"} <= set(luzhou.manifest["files"])
    for name in luzhou.manifest["files"]:
        assert luzhou.find(name).name == name


def test_origins_that_nothing_comes_from_are_forgotten(folder, tmp_path, capsys):
    city = tmp_path / "city"
    shutil.copytree(folder, city)
    other = deliver(tmp_path / "q.geojson", [square(0.02)], name=["其他"])
    assert command(capsys, "import", other, "--kind", "parks", "--into", city, "--replace")[0] == 0
    origins = manifest.read_manifest(city / "layers")["origins"]
    titles = {row["title"] for row in origins.values()}
    assert "q.geojson" in titles and "p.geojson" not in titles and "p.tif" in titles


class Killed(BaseException):
    """As if the process had been killed."""


@pytest.mark.parametrize("there", [False, True])
def test_wherever_a_writer_is_stopped_the_folder_can_be_read(tmp_path, monkeypatch, there):
    import os
    from pathlib import Path

    from urbanplan.files import has, write_text

    name, calls, stop = "a.geojson", [0], [0]
    real = {"sync": os.fsync, "move": Path.replace}

    def counted(kind):
        def call(*args):
            calls[0] += 1
            if calls[0] == stop[0]:
                raise Killed
            return real[kind](*args)

        return call

    monkeypatch.setattr(os, "fsync", counted("sync"))
    monkeypatch.setattr(Path, "replace", counted("move"))

    def write(folder, content):
        with manifest.replacing(folder, name, {"built_from": []}, {}) as new:
            write_text(new, content)

    for n in range(1, 200):
        folder = tmp_path / str(n)
        folder.mkdir()
        stop[0] = 0
        if there:
            write(folder, "old")
        calls[0], stop[0] = 0, n
        try:
            write(folder, "new")
        except Killed:
            said = manifest.read_manifest(folder)
            if has(folder / name):
                assert manifest.verify(folder / name, said).read_text() in ("old", "new")
            else:
                assert not there and not manifest.lists(said, name)
            # Writing again ends well.
            stop[0] = 0
            write(folder, "newer")
            manifest.verify(folder / name, manifest.read_manifest(folder))
        else:
            break
    assert n >= 10
