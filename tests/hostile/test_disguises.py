"""Nothing but the file itself is opened, and no socket is made: counted by the kernel's own record."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import disguises

from urbanplan import files
from urbanplan.errors import InputError, UrbanplanError

CHILD = Path(__file__).with_name("child.py")
CALL = re.compile(r'(?:openat|open)\((?:AT_FDCWD, |\d+[^,]*, )?"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The canary, the files that must be refused, and those that may be read."""
    canary = tmp_path_factory.mktemp("elsewhere") / "canary.geojson"
    canary.write_text(disguises.geojson("null").replace('"crs":null,', ""))
    folder = tmp_path_factory.mktemp("disguises")
    return canary, disguises.elsewhere(folder, canary), disguises.harmless(folder, canary)


@pytest.fixture(scope="module")
def traced(corpus, tmp_path_factory):
    """How each file ended in one child under strace, and the calls after its warm-up."""
    _canary, refused, read = corpus
    folder = tmp_path_factory.mktemp("trace")
    record, scratch = folder / "calls.txt", folder / "scratch"
    scratch.mkdir()
    real = refused[0].parent / "real"
    warm = "|".join(str(p) for p in sorted(real.glob("区县.*")) if p.suffix in WARM)
    calls = "openat,open,connect,socket,stat,newfstatat,statx"
    command = ["strace", "-f", "-qq", "-s", "4096", "-e", f"trace={calls}", "-o", record]
    command += [sys.executable, CHILD, "read", warm, *refused, *read]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**ENVIRONMENT, "TMPDIR": str(scratch)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    lines = record.read_text(errors="replace").splitlines()
    mark = next(i for i, line in enumerate(lines) if '"/MARK"' in line)
    assert list(scratch.iterdir()) == []
    return {end["path"]: end for end in ends}, lines[mark:], scratch


WARM = {".geojson", ".gpkg", ".shp", ".kml", ".kmz", ".dxf", ".fgb"}
WARM |= {".parquet", ".csv", ".xlsx", ".gdb", ".zip"}
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def decoded(path: str) -> str:
    """A path as strace writes it, with its octal escapes undone."""
    return path.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1").decode()


def opened(lines: list[str]) -> list[str]:
    return [decoded(m[1]) for line in lines if (m := CALL.search(line))]


def test_every_disguise_is_refused_by_name(corpus, traced):
    _, refused, _ = corpus
    ends, _, _ = traced
    wrong = {Path(p).name: ends[str(p)] for p in refused if ends[str(p)]["end"] != "refused"}
    assert not wrong


def test_what_is_read_follows_no_link(corpus, traced):
    _, _, read = corpus
    ends, _, _ = traced
    wrong = {Path(p).name: ends[str(p)] for p in read if ends[str(p)]["end"] != "read"}
    assert not wrong
    assert "not followed: 2 NetworkLink, 1 GroundOverlay" in ends[str(read[0])]["notes"]


def test_the_canary_is_never_opened_and_no_socket_is_made(corpus, traced, capsys):
    canary, refused, read = corpus
    _, lines, _ = traced
    sockets = [line for line in lines if re.search(r"\b(socket|connect)\(", line)]
    paths = opened(lines)
    with capsys.disabled():
        print(
            f"\n{len(refused)} refused and {len(read)} read under strace: {len(paths)} opens, "
            f"{sum(str(canary) in p for p in paths)} of the canary, {len(sockets)} sockets",
            end="",
        )
    assert len(paths) > len(refused)
    assert not [p for p in paths if "canary" in p or "127.0.0.1" in p]
    assert not [line for line in sockets if "AF_INET" in line]
    assert not sockets


def test_nothing_else_on_disk_is_opened(corpus, traced):
    _, refused, _ = corpus
    _, lines, scratch = traced
    allowed = [refused[0].parent, scratch, sys.prefix, sys.base_prefix]
    allowed += [sysconfig.get_path("stdlib"), Path(files.__file__).parents[2]]
    allowed += ["/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys", "/dev/null"]
    allowed += [
        "/usr/lib",
        "/usr/local/lib",
        "/lib",
        "/etc/ld.so.cache",
        "/usr/share/zoneinfo",
        "/etc/localtime",
    ]
    roots = tuple(str(one) for one in allowed)
    strange = sorted({p for p in opened(lines) if p.startswith("/") and not p.startswith(roots)})
    assert not strange


def test_the_trace_would_show_a_socket(tmp_path):
    """The record itself is tried: without our check GDAL does go to the server."""
    lure = tmp_path / "link.geojson"
    lure.write_text(disguises.systems(tmp_path / "x")["link"])
    code = f"import fiona; fiona.open({str(lure)!r}, enabled_drivers=['GeoJSON'])"
    record = tmp_path / "calls.txt"
    subprocess.run(
        [
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=socket,connect",
            "-o",
            record,
            sys.executable,
            "-c",
            code,
        ],
        check=False,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert "AF_INET" in record.read_text()


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://127.0.0.1:9/a.geojson",
        "//vsicurl/http://127.0.0.1:9/a.geojson",
        "/./vsizip/a.zip/a.shp",
        "/tmp/../vsizip/a.zip/a.shp",
        "/VSIZIP/a.zip/a.shp",
        "/vsimem/a.geojson",
        "/vsistdin/a.geojson",
        "/vsisubfile/0_10,a.geojson",
        "GPKG:a.gpkg:layer.gpkg",
        "SQLITE:a.gpkg",
        "http://127.0.0.1:9/a.geojson",
        "http:/127.0.0.1:9/a.geojson",
        "zip://a.zip!a.shp",
        "file:///etc/passwd.csv",
        "MVT:a.json",
        "PG:dbname=x.gpkg",
        "a\0.geojson",
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_services_and_virtual_files_are_no_files(name, kind):
    for read in (files.read_delivery, files.read_vector):
        with pytest.raises(InputError, match="names a service or virtual file"):
            read(kind(name))


def test_a_relative_name_at_the_root_is_no_virtual_file(monkeypatch):
    monkeypatch.chdir("/")
    with pytest.raises(InputError, match="virtual"):
        files.read_delivery("vsizip/a.zip/a.shp")


@pytest.mark.parametrize("name", ["link", "escaped", "upper", "name", "far", "late", "twice"])
def test_read_vector_holds_the_same_line(tmp_path, name):
    path = tmp_path / "a.geojson"
    path.write_text(disguises.systems(tmp_path / "x")[name])
    with pytest.raises(InputError, match="no plain name"):
        files.read_vector(path)


def test_special_files_are_refused(tmp_path):
    for ending in disguises.ENDINGS:
        (tmp_path / f"folder.{ending}").mkdir()
        with pytest.raises(UrbanplanError, match=rf"folder\.{ending}"):
            files.read_delivery(tmp_path / f"folder.{ending}")
    with pytest.raises(UrbanplanError, match="is not a file"):
        files.read_delivery(Path(tempfile.mkdtemp(suffix=".csv", dir=tmp_path)))
