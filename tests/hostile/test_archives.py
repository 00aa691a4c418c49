"""Archives: judged by their directory, counted as they unpack, gone when we are done."""

from __future__ import annotations

import struct
import tempfile
import zipfile
from pathlib import Path

import pytest

import deliveredfiles
from urbanplan.errors import InputError
from urbanplan.files import checks, read_delivery

POINT = b"lon,lat\n105,29\n"


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """A folder of our own for temporary folders, empty again after every test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def packed(path: Path, *members: tuple[str, bytes, int], mode: int = 0) -> Path:
    """A zip of members (name, data, external attributes)."""
    with zipfile.ZipFile(path, "w", mode or zipfile.ZIP_DEFLATED) as z:
        for name, data, attributes in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = attributes << 16
            info.compress_type = mode or zipfile.ZIP_DEFLATED
            z.writestr(info, data)
    return path


@pytest.mark.parametrize("ending", ["zip", "kmz"])
@pytest.mark.parametrize(
    "name, attributes, word",
    [
        ("../a.csv", 0, "leads out"),
        ("a/../../b.csv", 0, "leads out"),
        ("a\\..\\..\\b.csv", 0, "leads out"),
        ("/etc/a.csv", 0, "absolute"),
        ("\\a.csv", 0, "absolute"),
        ("C:\\a.csv", 0, "absolute"),
        ("c:a.csv", 0, "absolute"),
        ("a\n.csv", 0, "control"),
        ("a\u202e.csv", 0, "control"),
        ("link.csv", 0o120777, "symbolic link"),
        ("device.csv", 0o020666, "device"),
        ("block.csv", 0o060666, "device"),
        ("fifo.csv", 0o010666, "device"),
        ("x" * 300 + ".csv", 0, "too long"),
    ],
)
def test_unsafe_members_are_refused_by_name(tmp_path, ending, name, attributes, word):
    path = packed(
        tmp_path / f"a.{ending}", ("good.csv", POINT, 0), (name, b"/etc/passwd", attributes)
    )
    with pytest.raises(InputError, match=word) as caught:
        read_delivery(path)
    assert f"a.{ending}: " in str(caught.value) and "→" in str(caught.value)
    assert not (tmp_path / "b.csv").exists() and not (tmp_path.parent / "a.csv").exists()


@pytest.mark.parametrize(
    "names", [("a.csv", "a.csv"), ("a.csv", "A.CSV"), ("é.csv", "e\u0301.csv")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path, names):
    path = packed(tmp_path / "a.zip", *((name, POINT, 0) for name in names))
    with pytest.raises(InputError, match="twice"):
        read_delivery(path)


def test_a_file_that_is_also_a_folder_is_refused(tmp_path):
    path = packed(tmp_path / "a.zip", ("a.csv", POINT, 0), ("a.csv/b.csv", POINT, 0))
    with pytest.raises(InputError, match="as a file and as a folder"):
        read_delivery(path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = packed(tmp_path / "a.zip", ("a.csv", POINT, 0))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"encrypted member 'a\.csv'"):
        read_delivery(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(tmp_path, method):
    with pytest.raises(InputError, match="unusual"):
        read_delivery(packed(tmp_path / "a.zip", ("a.csv", POINT, 0), mode=method))


def test_archives_inside_are_named_and_not_opened(tmp_path):
    inner = packed(tmp_path / "inner.zip", ("b.csv", POINT, 0)).read_bytes()
    path = packed(tmp_path / "a.zip", ("inner.zip", inner, 0), ("a.csv", POINT, 0))
    assert "'inner.zip' is an archive inside the archive and was not opened" in (
        read_delivery(path).notes
    )
    with pytest.raises(InputError, match=r"inner\.zip"):
        read_delivery(packed(tmp_path / "b.zip", ("inner.zip", inner, 0)))


def test_the_ratio_is_judged_before_anything_is_unpacked(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", ("a.csv", POINT + b"0" * 20_000_000, 0))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(InputError, match="times its size"):
        read_delivery(path)


def claimed(path: Path, size: int) -> Path:
    """The same zip, but its directory and the member's header say another size."""
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, size)
    struct.pack_into("<I", data, 22, size)
    path.write_bytes(data)
    return path


def test_more_than_two_gibibytes_are_refused_by_the_directory(tmp_path, monkeypatch):
    path = claimed(packed(tmp_path / "a.zip", ("a.csv", POINT, 0)), 2**31 + 1)
    monkeypatch.setattr(checks, "MAX_RATIO", 10**9)
    with pytest.raises(InputError, match="more than 2 GiB"):
        read_delivery(path)


@pytest.mark.parametrize("size", [10, len(POINT) - 1, len(POINT) + 1, 900_000])
def test_a_directory_that_lies_is_found_out_while_unpacking(tmp_path, size):
    path = claimed(packed(tmp_path / "a.zip", ("a.csv", POINT, 0)), size)
    with pytest.raises(InputError, match=r"a\.zip: .*(directory|CRC|it is damaged)"):
        read_delivery(path)


def test_bytes_are_counted_even_if_the_directory_is_not_believed(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", ("a.csv", POINT + b"0" * 20_000_000, 0))
    monkeypatch.setattr(checks, "judge_size", lambda *_: None)
    with pytest.raises(InputError, match=r"too much, in 'a\.csv'"):
        read_delivery(path)


def test_members_that_overlap_are_refused(tmp_path):
    path = packed(tmp_path / "a.zip", *((f"{n}.csv", bytes(range(256)) * 40, 0) for n in range(3)))
    with zipfile.ZipFile(path) as z:
        infos = z.infolist()
    for info in infos:
        info.compress_size = path.stat().st_size
    with pytest.raises(InputError, match="overlap"):
        checks.judge_size(path, infos)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "MAX_MEMBERS", 2)
    path = packed(tmp_path / "a.zip", *((f"{n}.csv", POINT, 0) for n in range(3)))
    with pytest.raises(InputError, match="more than 2 members"):
        read_delivery(path)


def test_temporary_folders_are_gone_after_an_error_too(tmp_path, scratch):
    broken = packed(tmp_path / "a.zip", ("a.geojson", b"{", 0))
    with pytest.raises(InputError, match=r"a\.zip \(a\.geojson\)|a\.zip: ") as caught:
        read_delivery(broken)
    assert str(scratch) not in str(caught.value)


def test_members_of_folders_that_lead_elsewhere_are_refused(tmp_path):
    real = deliveredfiles.write(tmp_path / "real")
    secret = tmp_path / "secret.dbf"
    real["shp"].with_suffix(".dbf").rename(secret)
    real["shp"].with_suffix(".dbf").symlink_to(secret)
    with pytest.raises(InputError, match="leads out of its folder"):
        read_delivery(real["shp"])
    victim = next(p for p in sorted(real["gdb"].iterdir()) if p.suffix == ".gdbtable")
    victim.rename(tmp_path / "elsewhere")
    victim.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="leads out of its folder"):
        read_delivery(real["gdb"])


def test_a_link_that_stays_inside_is_followed(tmp_path):
    real = deliveredfiles.write(tmp_path / "real")
    dbf = real["shp"].with_suffix(".dbf")
    dbf.rename(dbf.with_name("data.bin"))
    dbf.symlink_to("data.bin")
    assert len(read_delivery(real["shp"]).frame) == 4
