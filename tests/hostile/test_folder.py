"""A city's folder from somebody else: nothing outside it is opened, written or run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import gridtown
from patience import PATIENCE_S
from townfolder import write_layer, write_town
from urbanplan import files, study
from urbanplan.catalog import load_catalog
from urbanplan.city.create import begin_copy
from urbanplan.city.fetch import fetch_from
from urbanplan.city.folder import write_layer as write_layer_of
from urbanplan.city.layers import load_layer, load_layers
from urbanplan.city.profile import load_city
from urbanplan.cli import cli
from urbanplan.cli.options import own_maps
from urbanplan.errors import InputError, MissingFileError, UnknownNameError
from urbanplan.files import read_vector, require_own, write_csv
from urbanplan.files.manifest import accept
from urbanplan.servers.web import Guard
from urbanplan.sources import overpass

OURS = Path(files.__file__).parents[2]


@pytest.fixture
def town(tmp_path):
    """The grid town, its layers in a folder of their own as `init` makes them, and a stranger's file."""
    folder = write_town(tmp_path / "town")
    (folder / "layers").mkdir()
    for path in [*folder.glob("*.geojson"), folder / "facts.csv", folder / "checks.toml"]:
        path.rename(folder / "layers" / path.name)
    profile = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(f'{profile}layers = "layers"\n', "utf-8")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "theirs.toml").write_text("secret = 1", "utf-8")
    return folder


def turned_into_a_link(path: Path) -> None:
    """The same content, reached through a link."""
    elsewhere = path.parent.parent / f"elsewhere_{path.name}"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("name", ["city.toml", "study.toml", "layers/manifest.toml"])
def test_what_says_what_is_read_is_no_link(town, name):
    (town / "layers" / "manifest.toml").write_text("[files]\n", "utf-8")
    assert load_city(town).id == "gridtown"
    turned_into_a_link(town / name)
    with pytest.raises(InputError, match=rf"{Path(name).name}: is a link, which is not followed"):
        load_city(town)


def test_layers_lie_in_no_link(town):
    turned_into_a_link(town / "layers")
    with pytest.raises(InputError, match=r"leads out of the folder|is a link"):
        load_city(town)
    # Nor in one that stays at home.
    (town / "layers").unlink()
    shutil.move(town.parent / "elsewhere_layers", town / "real")
    (town / "layers").symlink_to("real")
    with pytest.raises(InputError, match="is a link, which is not followed"):
        load_city(town)


@pytest.mark.parametrize("layers", ["../victim", "/etc", "layers/../../victim", "../town2"])
def test_layers_stay_at_home(town, layers):
    profile = (town / "city.toml").read_text("utf-8")
    (town / "city.toml").write_text(profile.replace('"layers"', f'"{layers}"'), "utf-8")
    (town.parent / "town2").mkdir()
    with pytest.raises(InputError, match="leads out of the folder"):
        load_city(town)


@pytest.mark.parametrize("layers", ["a" * 300, "字/" * 3000, "a\\u0000b", "字" * 90])
def test_a_name_that_no_file_can_have_is_refused(town, layers):
    profile = (town / "city.toml").read_text("utf-8")
    (town / "city.toml").write_text(profile.replace('"layers"', f'"{layers}"'), "utf-8")
    with pytest.raises(InputError, match="cannot be the name of a file"):
        load_city(town)
    with pytest.raises(MissingFileError):
        files.existing("a" * 5000)
    with pytest.raises(UnknownNameError):
        load_city("a" * 5000)


def test_a_cache_holds_no_links(town, tmp_path):
    layers, cache = town / "layers", town / "layers" / ".overpass"
    assert require_own(cache, layers, whole=True) == cache
    cache.symlink_to(tmp_path / "victim")
    with pytest.raises(InputError, match="leads out of the folder"):
        require_own(cache, layers, whole=True)
    cache.unlink()
    cache.mkdir()
    # What is not there yet would be written through the link.
    (cache / "abc.json").symlink_to(tmp_path / "victim" / "new.json")
    with pytest.raises(InputError, match=r"abc\.json: is a link"):
        require_own(cache, layers, whole=True)


def swapped(town: Path) -> None:
    """Where the layers lay is a link to a folder of somebody else's, with files of the same names."""
    victim = town.parent / "victim"
    shutil.copytree(town / "layers", victim, dirs_exist_ok=True)
    shutil.move(town / "layers", town / "gone")
    (town / "layers").symlink_to(victim)


def test_layers_that_become_a_link_meanwhile_are_neither_read_nor_written(town):
    """A folder that others write to may change between any two steps of a command."""
    (town / "layers" / "manifest.toml").write_text("[files]\n", "utf-8")
    city = load_city(town)
    swapped(town)
    before = {p: p.read_bytes() for p in (town.parent / "victim").iterdir()}
    kind = load_catalog().layer("hospitals")
    steps = (
        lambda: dict(load_layers(city)),
        lambda: city.find("facts.csv"),
        lambda: write_layer_of(city.layers_folder, kind, None, None, {}, {}),
        lambda: fetch_from(city, "http://127.0.0.1:9", Guard(), day="2026-01-01"),
    )
    for step in steps:
        with pytest.raises(InputError, match="is a link, which is not followed"):
            step()
    assert {p: p.read_bytes() for p in (town.parent / "victim").iterdir()} == before


def test_a_layer_that_becomes_a_link_as_it_is_read_is_refused(town, monkeypatch):
    city, path = load_city(town), town / "layers" / "hospitals.geojson"
    theirs = town.parent / "victim" / "hospitals.geojson"

    def read(name):
        found = read_vector(name)
        shutil.move(path, theirs)
        path.symlink_to(theirs)
        return found

    monkeypatch.setattr(sys.modules["urbanplan.city.layers"], "read_vector", read)
    with pytest.raises(InputError, match="leads out of the folder"):
        load_layer(city, "hospitals")


def test_answers_are_not_kept_through_a_link_that_came_meanwhile(town, monkeypatch):
    victim, cache = town.parent / "victim", town / "layers" / ".overpass"

    def answer(_self, _query):
        cache.rename(town / "gone") if cache.exists() else None
        cache.symlink_to(victim)
        return overpass._Answer([], "")

    monkeypatch.setattr(overpass._Questions, "_answer", answer)
    cache.mkdir()
    before = sorted(victim.rglob("*"))
    with pytest.raises(InputError, match=r"leads out of the folder|is a link"):
        overpass.download(
            "http://127.0.0.1:9", shapely.box(0, 0, 0.01, 0.01), {}, cache, allow_private=True
        )
    assert sorted(victim.rglob("*")) == before


def test_nothing_is_written_through_links_of_a_folder_that_one_works_in(town, monkeypatch):
    victim = town.parent / "victim"
    before = sorted(victim.rglob("*"))
    monkeypatch.chdir(town)
    for link in ("maps", "maps/gridtown", "maps/gridtown/formats"):
        (town / link).parent.mkdir(exist_ok=True, parents=True)
        (town / link).symlink_to(victim)
        for command in (["run", "."], ["publish", "formats", "."], ["report", "."]):
            done = CliRunner().invoke(cli, command, standalone_mode=False)
            assert isinstance(done.exception, InputError), (link, command, done.exception)
            assert re.search("leads out of the folder|is a link", str(done.exception))
        (town / link).unlink()
    assert sorted(victim.rglob("*")) == before
    # Elsewhere, links are the user's own.
    monkeypatch.chdir(town.parent)
    (town.parent / "maps").symlink_to(victim)
    assert own_maps(load_city(town)) == Path("maps/gridtown")


def test_a_manifest_leads_nowhere_else(town, tmp_path):
    layers = town / "layers"
    for name in ("../../victim/theirs.toml", str(tmp_path / "victim" / "theirs.toml"), ".."):
        (layers / "manifest.toml").write_text(f'[files."{name}"]\nsha256 = "x"\n', "utf-8")
        with pytest.raises(InputError, match=r"manifest\.toml: .* cannot be the id of a file"):
            accept(layers)
    (layers / "manifest.toml").write_text('[files."x.toml"]\nsha256 = "x"\n', "utf-8")
    (layers / "x.toml").symlink_to(tmp_path / "victim" / "theirs.toml")
    with pytest.raises(InputError, match="leads out of the folder"):
        accept(layers)
    assert 'sha256 = "x"' in (layers / "manifest.toml").read_text("utf-8")


def test_a_copy_takes_nothing_from_elsewhere(town, tmp_path):
    (town / "layers" / "theirs.toml").symlink_to(tmp_path / "victim" / "theirs.toml")
    with pytest.raises(InputError, match="leads out of the folder"):
        begin_copy(tmp_path / "copy", load_city(town))
    assert not (tmp_path / "copy" / "city.toml").exists()


def test_an_output_replaces_a_link_and_not_what_it_leads_to(tmp_path):
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("theirs", "utf-8")
    (tmp_path / "a.csv").symlink_to(theirs)
    write_csv(tmp_path / "a.csv", pd.DataFrame({"a": [1]}))
    assert theirs.read_text("utf-8") == "theirs" and not (tmp_path / "a.csv").is_symlink()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "scenarios.toml",
            '[[scenario]]\nid = "../out"\nname_zh = "a"\nname_en = "a"\nchange = []',
        ),
        ("plan.toml", '[[task]]\nid = "../out"'),
        ("standards.toml", '[own]\nid = "../out"'),
    ],
)
def test_what_is_wrong_with_settings_is_said_before_anything_is_computed(
    town, monkeypatch, name, text
):
    (town / name).unlink(missing_ok=True)
    (town / "layers" / name).write_text(text, "utf-8")
    stages = sys.modules["urbanplan.study.run"]
    monkeypatch.setattr(stages, "load_layers", lambda *_: pytest.fail("it was begun"))
    with pytest.raises(InputError, match=Path(name).name):
        study.run(load_city(town))


TRAP = "x{%- endraw -%}{{ cycler.__init__.__globals__.os.system('touch pwned.txt') }}{%- raw -%}"
OPEN = re.compile(r'open(?:at)?\((?:AT_FDCWD, |\d+[^,]*, )?"((?:[^"\\]|\\.)*)", (\S+)')


def set_trap(town: Path, trap: str, victim: Path) -> None:
    """Write a template, a template's id or a path where the folder has a text."""
    changed = {"names": "city.toml", "an id": "scenarios.toml", "a path": "city.toml"}[trap]
    old, new = {
        "names": ('"格子镇"', TRAP),
        "an id": ('"second_bridge"', TRAP),
        "a path": ('"gridtown"', str(victim / "theirs")),
    }[trap]
    text = (town / changed).read_text("utf-8")
    assert old in text
    (town / changed).write_text(text.replace(old, json.dumps(new)), "utf-8")
    place = shapely.Point(gridtown.centre(1, 1))
    write_layer(town / "layers", "hospitals", [(TRAP, place, {"name_zh": TRAP})])


@pytest.mark.parametrize("trap", ["names", "an id", "a path"])
def test_a_run_of_a_strangers_folder_reaches_nothing_outside(town, tmp_path, trap):
    """`urbanplan run` under strace: nothing outside is written, nothing is run, no socket is made."""
    victim, record, out = tmp_path / "victim", tmp_path / "calls.txt", tmp_path / "out"
    set_trap(town, trap, victim)
    before = sorted(victim.rglob("*"))
    calls = "trace=openat,open,creat,connect,socket,execve"
    own = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    own |= {"PYTHONPATH": str(OURS), "HOME": str(tmp_path / "home")}
    own |= {k: v for k, v in os.environ.items() if k == "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        ["strace", "-f", "-qq", "-s", "4096", "-e", calls, "-o", record,
         sys.executable, "-m", "urbanplan", "run", town, "--out", out],
        capture_output=True, text=True, timeout=PATIENCE_S, cwd=tmp_path, check=False, env=own,
    )  # fmt: skip
    assert done.returncode == (0 if trap == "names" else 2), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    lines = record.read_text(errors="replace").splitlines()
    assert not list(tmp_path.rglob("pwned*")) and sorted(victim.rglob("*")) == before
    assert sum("execve(" in line for line in lines) == 1
    assert not [line for line in lines if "AF_INET" in line]
    # GDAL asks for its rasters in memory as if they were files: there are none of that name.
    there = [line for line in lines if "ENOENT" not in line]
    found = [m.groups() for m in map(OPEN.search, there) if m]
    written = [p for p, flags in found if re.search("O_WRONLY|O_RDWR|O_CREAT", flags)]
    roots = (str(town), str(out), str(tmp_path / "home"), "/dev/", "/proc/", "/tmp/urbanplan-")
    roots += (sys.prefix, str(OURS), sysconfig.get_path("stdlib"))
    assert len(found) > 100 and not [p for p in written if not p.startswith(roots)]
    assert not [p for p, _ in found if str(victim) in p]
