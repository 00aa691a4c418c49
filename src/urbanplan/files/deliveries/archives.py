"""Archives: judged by their directory, unpacked by our own hand, counted byte by byte."""

from __future__ import annotations

import contextlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from urbanplan.errors import InputError
from urbanplan.files.deliveries.vectors import guarded
from urbanplan.records import normal

#: Unpacked bytes per packed byte above which an archive is refused.
MAX_RATIO = 100
#: Archives that unpack into less than this are never refused for their ratio.
SMALL = 2**20
#: Bytes that all members may have together.
MAX_UNPACKED = 2 * 2**30
#: Members that an archive may have.
MAX_MEMBERS = 10_000
#: Archives inside an archive: never unpacked.
NESTED = (".zip", ".kmz", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_CHUNK = 2**20


def refuse(path: Path, what: str, remedy: str = "unpack it yourself and look at it first"):
    """Raise the error of an archive that will not be unpacked."""
    raise InputError(what, where=path, remedy=remedy)


def members(path: Path) -> tuple[list[tuple[zipfile.ZipInfo, str]], tuple[str, ...]]:
    """Members of a zip that may be unpacked, with their names decoded, and notes.

    Nothing is unpacked: everything is judged by what the directory says.

    Raises
    ------
    InputError
        If any member has an unsafe name or kind, or all of them are too much.
    """
    with guarded(path, "a zip archive", "a program for archives"), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        refuse(path, f"has more than {MAX_MEMBERS:,} members")
    judge_size(path, infos)
    kept, notes, seen = [], [], set()
    recoded = False
    for info in infos:
        name, guessed = _decoded(info)
        recoded |= guessed
        _judge(path, info, name)
        key = normal(name.rstrip("/"), "NFC").casefold()
        if key in seen:
            refuse(path, f"has the member '{name}' twice")
        seen.add(key)
        if name.endswith("/"):
            continue
        if name.lower().endswith(NESTED):
            notes.append(f"'{name}' is an archive inside the archive and was not opened")
        elif not name.startswith("__MACOSX/"):
            kept.append((info, name))
    _no_file_is_a_folder(path, kept)
    if recoded:
        notes.append("names of members were read as GB18030")
    return kept, tuple(notes)


def judge_size(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose directory promises too much."""
    total = sum(info.file_size for info in infos)
    packed = path.stat().st_size
    if total > MAX_UNPACKED:
        refuse(path, f"would unpack into more than {MAX_UNPACKED >> 30} GiB")
    if total > SMALL and total > MAX_RATIO * packed:
        refuse(path, f"would unpack into {total // packed} times its size")
    if sum(info.compress_size for info in infos) > packed:
        refuse(path, "has members that overlap", "pack the files again")


def _decoded(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Name of a member, and whether its encoding was guessed."""
    name, guessed = info.orig_filename, False
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name, guessed = raw.decode("gb18030", errors="replace"), True
    return name.replace("\\", "/"), guessed


def _judge(path: Path, info: zipfile.ZipInfo, name: str) -> None:
    """Refuse a member by its name or kind."""
    shown = name.encode("unicode_escape").decode() if not name.isprintable() else name
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not name.isprintable():
        refuse(path, f"has the member '{shown}' with control characters in its name")
    if name.startswith("/") or ":" in name.split("/")[0]:
        refuse(path, f"has the member '{shown}' with an absolute path")
    if ".." in name.split("/"):
        refuse(path, f"has the member '{shown}' that leads out of the archive")
    if kind == stat.S_IFLNK:
        refuse(path, f"has the member '{shown}' that is a symbolic link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse(path, f"has the member '{shown}' that is a device")
    if info.flag_bits & 0x1:
        refuse(path, f"has the encrypted member '{shown}'", "unpack it with its password first")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(path, f"has the member '{shown}' packed in an unusual way", "pack it as plain zip")
    if len(name.encode()) > 1000 or any(len(part.encode()) > 250 for part in name.split("/")):
        refuse(path, f"has the member '{shown[:60]}…' with too long a name")


def _no_file_is_a_folder(path: Path, kept: list[tuple[zipfile.ZipInfo, str]]) -> None:
    names = {name.casefold() for _, name in kept}
    for _, name in kept:
        for parent in PurePosixPath(name).parents:
            if str(parent).casefold() in names:
                refuse(path, f"has '{parent}' as a file and as a folder")


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Unpack a zip into a temporary folder, which is gone afterwards whatever happens.

    Yields
    ------
    folder : Path
        Where the members are, under their decoded names.
    notes : tuple of str
        What was skipped or guessed.
    """
    kept, notes = members(path)
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as name:
        folder = Path(name)
        with (
            guarded(path, "a zip archive", "a program for archives"),
            zipfile.ZipFile(path) as archive,
        ):
            budget = min(MAX_UNPACKED, max(SMALL, MAX_RATIO * path.stat().st_size))
            for info, member in kept:
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                budget -= _copy(archive, info, target, path, budget)
        yield folder, notes


def _copy(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, path: Path, budget: int
) -> int:
    """Unpack one member, and say how many bytes really came."""
    # Mode "x": a member never overwrites another, whatever the file system folds together.
    with archive.open(info) as source, open(target, "xb") as sink:
        done = 0
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            if done > min(budget, info.file_size):
                refuse(path, f"holds more than its directory says, or too much, in '{target.name}'")
            sink.write(chunk)
    if done != info.file_size:
        refuse(path, f"holds less than its directory says in '{target.name}'", "pack it again")
    return done
