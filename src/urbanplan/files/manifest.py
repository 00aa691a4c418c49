"""What a city's folder holds, by SHA-256 and origin: ``manifest.toml``, beside the layers.

A file that is listed and differs by one bit is refused by name; a file that is not listed (one's
own notes, a layer just drawn) is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from urbanplan.base.schema import TEXT, WHOLE, Kind, require_fields, require_id
from urbanplan.errors import InputError, MissingFileError
from urbanplan.files.reading import has, read_toml, require_inside, sha256
from urbanplan.files.writing import atomic, remove_file, write_toml

NAME = "manifest.toml"
#: What a file may lack, by kind, in both languages: `share` is of the city's area. A note is all in its `why`.
GAP_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "covered": (
            "只覆盖城市面积的{share}；其外的一律按没有计",
            "covers {share} of the city; what lies outside counts as not there",
        ),
        "void": ("在城市面积的{share}上没有数值", "holds no value on {share} of the city"),
        "left_out": ("有{count}项未采用", "{count} things left out"),
        "refused": ("有{count}个要素被拒收", "{count} features refused"),
        "partial": (
            "登记不全，{of}；据此的占比是下限",
            "a partial register, {of}; a share that rests on it is a lower bound",
        ),
        "note": ("", ""),
    }
)
#: What covers less of a city is said to.
_ALL_SHARE = 0.99
#: The row's field that holds what a file lacks.
_GAPS = "data_gaps"
_SHARE = Kind("a number from 0 to 1", lambda v: isinstance(v, int | float) and 0 <= v <= 1)
_KIND = Kind(f"one of {', '.join(GAP_KINDS)}", lambda v: v in tuple(GAP_KINDS))
_GAP_FIELDS = {"share": _SHARE, "count": WHOLE, "total": WHOLE, "why": TEXT, "origin": TEXT}
#: Key under which the SHA-256 of a file stands while another takes its place.
_BEFORE = "before_sha256"
_TITLE = "What lies in this city's folder: where each file comes from, and its SHA-256.\n"


@dataclass(frozen=True)
class DataGap:
    """Something that a file does not hold of the city, though it looks as if it were not there.

    Attributes
    ----------
    kind : str
        One of `GAP_KINDS`.
    share : float or None
        Of the city's area: what is covered (``covered``), or has no value (``void``).
    count : int or None
        How many things are lacking (``left_out``, ``refused``), or there (``partial``).
    total : int or None
        How many there are by what is published (``partial``).
    why : str
        A pair ``中文 / English``, or nothing.
    origin : str
        The origin that lacks it, as `built_from` names it.
    """

    kind: str
    share: float | None = None
    count: int | None = None
    why: str = ""
    origin: str = ""
    total: int | None = None

    def sentence(self, zh: str, en: str) -> str:
        """``中文 / English`` about what is called `zh` and `en`."""
        numbers = {"share": _percent(self.share), "count": f"{self.count or 0:,}"}
        why_zh, _, why_en = self.why.partition(" / ")
        why_en = why_en or why_zh
        if self.kind == "note":
            return f"{zh}：{why_zh} / {en}: {why_en}"
        of = (
            ("总数未公布", "the total unpublished")
            if self.total is None
            else (
                f"公布的{self.total:,}处中有{self.count or 0:,}处",
                f"{self.count or 0:,} of {self.total:,} published",
            )
        )
        said_zh, said_en = (
            text.format(**numbers, of=o) for text, o in zip(GAP_KINDS[self.kind], of)
        )
        if self.why:
            said_zh, said_en = f"{said_zh}（{why_zh}）", f"{said_en} ({why_en})"
        colon = self.share is None
        return f"{zh}{'：' * colon}{said_zh} / {en}{':' * colon} {said_en}"


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    # A share of 99.7 % is not all, and 0.3 % is not nothing.
    return f"{share:.0%}" if 0.01 <= share <= 0.99 else f"{share:.1%}"


def covered_gap(share: float, origin: str) -> tuple[DataGap, ...]:
    """That a file covers a `share` of the city (0-1) only; nothing where it covers all of it."""
    # Boundaries are not exact to a hundredth.
    return () if share >= _ALL_SHARE else (DataGap("covered", round(share, 4), origin=origin),)


def with_gaps(row: Mapping[str, Any], gaps: Iterable[DataGap]) -> dict[str, Any]:
    """A file's row for `replacing`, with what the file lacks; what it said before stays, once each."""
    said = [dict(g) for g in row.get(_GAPS, ())]
    for gap in gaps:
        one = {k: v for k, v in asdict(gap).items() if v not in (None, "")}
        said += [one] * (one not in said)
    return {**row, **({_GAPS: said} if said else {})}


def held_of(said: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], tuple[DataGap, ...]]:
    """Origins that a file is built from, and what it lacks, as the manifest `said` has it."""
    row = said["files"].get(name, {})
    return tuple(row.get("built_from", ())), tuple(DataGap(**gap) for gap in row.get(_GAPS, ()))


def read_manifest(folder: Path | str, *, links: bool = False) -> dict[str, Any]:
    """Content of a folder's manifest: ``origins`` by name, ``files`` by file name.

    Parameters
    ----------
    folder : path
    links : bool
        Whether the manifest may be a link, as installers make them of what ships.

    Returns
    -------
    dict
        With both tables, empty where the folder has no manifest.

    Raises
    ------
    InputError
        If it is not a manifest, is a link, or lists what is no file's name.
    """
    path = Path(folder) / NAME
    found: dict[str, Any] = read_toml(path, links=links) if has(path) else {}
    files = found.setdefault("files", {})
    origins = found.setdefault("origins", {})
    tables = (files, origins, *getattr(files, "values", list)())
    if not all(isinstance(t, Mapping) for t in tables) or not all(
        isinstance(row.get("sha256"), str) and isinstance(row.get(_GAPS, []), list)
        for row in files.values()
    ):
        raise InputError(
            "is not a manifest", where=path, remedy="restore it, or delete it and import again"
        )
    for gap in (gap for row in files.values() for gap in row.get(_GAPS, ())):
        require_fields(gap, "data_gaps", path, {"kind": _KIND}, _GAP_FIELDS)
    for name in files:
        require_id(name, "a file", path)
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
        home = next((Path(f) for f in (folder, *others) if has(Path(f) / name)), None)
        if home is None:
            continue
        now = sha256(require_inside(home / name, home))
        if now != row["sha256"]:
            changed.append(name)
            row["sha256"], row["edited"] = now, True
        row.pop(_BEFORE, None)
    if changed:
        _write(folder, said)
    return changed


def drop(folder: Path | str, name: str) -> None:
    """Take a file out of the manifest, and away; nothing is done where it is not there."""
    said = read_manifest(folder)
    if said["files"].pop(name, None) is not None:
        _write(Path(folder), said)
    remove_file(Path(folder) / name)


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
