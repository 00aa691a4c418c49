"""What a city's folder holds, by SHA-256 and origin: ``manifest.toml``, beside the layers.

A file that is listed and differs by one bit is refused by name; a file that is not listed (one's
own notes, a layer just drawn) is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urbanplan.errors import InputError, MissingFileError
from urbanplan.files import atomic, has, read_toml, sha256, write_toml

NAME = "manifest.toml"
#: Key under which the SHA-256 of a file stands while another takes its place.
_BEFORE = "before_sha256"
_TITLE = "What lies in this city's folder: where each file comes from, and its SHA-256.\n"


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Content of a folder's manifest: ``origins`` by name, ``files`` by file name.

    Returns
    -------
    dict
        With both tables, empty where the folder has no manifest.

    Raises
    ------
    InputError
        If it is not a manifest.
    """
    path = Path(folder) / NAME
    found: dict[str, Any] = read_toml(path) if has(path) else {}
    files = found.setdefault("files", {})
    origins = found.setdefault("origins", {})
    tables = (files, origins, *getattr(files, "values", list)())
    if not all(isinstance(t, Mapping) for t in tables) or not all(
        isinstance(row.get("sha256"), str) for row in files.values()
    ):
        raise InputError(
            "is not a manifest", where=path, remedy="restore it, or delete it and import again"
        )
    return found


def verify(path: Path, said: Mapping[str, Any]) -> Path:
    """Return `path` if its bytes are those that the manifest lists (or if it lists none).

    Raises
    ------
    MissingFileError
        If a listed file is gone.
    InputError
        If its bytes differ.
    """
    row = said["files"].get(path.name)
    if row is None:
        return path
    if not has(path):
        raise MissingFileError(
            "is listed in manifest.toml but is gone",
            where=path,
            remedy="restore it, or drop its lines from manifest.toml",
        )
    if sha256(path) not in (row["sha256"], row.get(_BEFORE)):
        raise InputError(
            "differs from what manifest.toml lists: it was edited or is damaged",
            where=path,
            remedy="restore it, or keep an edit with `urbanplan accept`",
        )
    return path


def lists(said: Mapping[str, Any], name: str) -> bool:
    """Whether a file must be there; one whose first writing was interrupted need not."""
    row = said["files"].get(name)
    return row is not None and row.get(_BEFORE) != ""


@contextmanager
def replacing(
    folder: Path | str, name: str, row: Mapping[str, Any], origins: Mapping[str, Any]
) -> Iterator[Path]:
    """Yield a path to write a file to, then put it in its place and list it.

    Until the file is in its place the manifest lists both the old bytes and the new, so that a
    reader finds either to be right, whenever the writer is stopped.

    Parameters
    ----------
    folder : path
        Where the manifest and the file lie.
    name : str
        The file's name.
    row : mapping
        What to say besides its SHA-256.
    origins : mapping
        Origins to add.
    """
    folder = Path(folder)
    with atomic(folder / name) as new:
        yield new
        own = {"sha256": sha256(new), **row}
        before = sha256(folder / name) if has(folder / name) else ""
        _enter(folder, name, {**own, _BEFORE: before}, origins)
    _enter(folder, name, own, {})


def accept(folder: Path | str, *others: Path | str) -> list[str]:
    """List every file of a manifest as it is now, and say which had changed.

    Parameters
    ----------
    folder : path
        Where the manifest lies.
    *others : path
        Folders where files that it lists may lie instead, such as a city's profile.
    """
    folder, changed = Path(folder), []
    said = read_manifest(folder)
    for name, row in said["files"].items():
        path = next((Path(f) / name for f in (folder, *others) if has(Path(f) / name)), None)
        if path is None:
            continue
        now = sha256(path)
        if now != row["sha256"]:
            changed.append(name)
            row["sha256"], row["edited"] = now, True
        row.pop(_BEFORE, None)
    if changed:
        _write(folder, said)
    return changed


def _enter(folder: Path, name: str, row: Mapping[str, Any], origins: Mapping[str, Any]) -> None:
    said = read_manifest(folder)
    said["origins"] |= dict(origins)
    said["files"][name] = dict(row)
    _write(folder, said)


def _write(folder: Path, said: dict[str, Any]) -> None:
    # Origins that no file is built from any more are forgotten.
    used = {name for row in said["files"].values() for name in row.get("built_from", [])}
    origins = {name: row for name, row in sorted(said["origins"].items()) if name in used}
    files = dict(sorted(said["files"].items()))
    write_toml(folder / NAME, {"origins": origins, "files": files}, _TITLE)
