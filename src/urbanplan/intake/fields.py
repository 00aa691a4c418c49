"""A delivery's columns as the columns of a layer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.catalog import (
    COMMON_COLUMNS,
    QUALITIES,
    STATUSES,
    LayerKind,
    plain_name,
    read_aliases,
)
from urbanplan.errors import UnknownNameError
from urbanplan.files import cell_text
from urbanplan.files.figures import figure, unit_of, uses_decimal_comma, without_unit
from urbanplan.layers import Finding
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import pandas as pd

#: Words for a status, as plans and cadastres use them.
_STATUS_WORDS = {
    "existing": ("现状", "已建", "建成", "已建成", "现有", "运营", "在用", "existing", "built", "open"),
    "planned": ("规划", "在建", "新建", "改建", "扩建", "planned", "proposed", "construction"),
    "announced": ("拟建", "远期", "意向", "announced"),
}  # fmt: skip
#: Metres that stand in for an accuracy that nobody stated; rows that take it say so.
UNSTATED_M = 100.0
_UNSTATED = (
    f"位置精度未说明，按{UNSTATED_M:g}米计",
    f"accuracy not stated, taken as {UNSTATED_M:g} m",
)


@dataclass(frozen=True)
class Worth:
    """What rows say of themselves where the delivery does not.

    Attributes
    ----------
    status, quality : str
    accuracy_m : float or None
        None: not stated; rows then say that `UNSTATED_M` is assumed.
    source, licence, as_of : str
    """

    status: str
    quality: str
    accuracy_m: float | None
    source: str
    licence: str
    as_of: str


def columns_of(kind: LayerKind) -> list[str]:
    """Columns of a layer in their order, without the geometry."""
    return [*COMMON_COLUMNS, *kind.columns]


def match(names: list[str], kind: LayerKind, given: Mapping[str, str]) -> dict[str, str]:
    """Which column of a delivery fills which column of the layer.

    Parameters
    ----------
    names : list of str
        Columns of the delivery.
    kind : LayerKind
    given : mapping of str to str
        The user's own: layer column to delivery column.

    Returns
    -------
    dict of str to str
        Layer column to delivery column; what nobody calls by a known name is left out.

    Raises
    ------
    UnknownNameError
        If the user names a column that is not there.
    """
    wanted = columns_of(kind)
    for own, theirs in given.items():
        if own not in wanted:
            raise UnknownNameError(
                f"'{own}' is no column of the layer '{kind.id}'",
                remedy=f"use one of {', '.join(wanted)}",
            )
        if theirs not in names:
            raise UnknownNameError(
                f"the file has no column '{theirs}'", remedy=f"use one of {', '.join(names)}"
            )
    plain, bare = {}, {}
    for name in names:
        plain.setdefault(plain_name(name), name)
        if unit_of(name):
            # "人口（万人）" is the column "人口", in another unit.
            bare.setdefault(plain_name(without_unit(name)), name)
    found, taken = dict(given), set(given.values())
    for column in wanted:
        if column in found:
            continue
        aliases = (column, *read_aliases().get(column, ()))
        known = [plain.get(plain_name(alias)) for alias in aliases]
        if kind.columns.get(column):
            known += [bare.get(plain_name(without_unit(a) or a)) for a in aliases]
        theirs = next((name for name in known if name is not None and name not in taken), None)
        if theirs is not None:
            found[column] = theirs
            taken.add(theirs)
    if "name_zh" not in found:
        # "医院名称", "公园名": one column alone that ends so holds the names.
        called = [n for n in names if n not in taken and plain_name(n).endswith(_NAMED)]
        found |= {"name_zh": called[0]} if len(called) == 1 else {}
    return {column: found[column] for column in wanted if column in found}


#: How a column of names ends, whatever stands before.
_NAMED = ("名称", "名字", "公园名", "医院名", "学校名", "校名", "单位名")


def fill(
    table: pd.DataFrame,
    shapes: np.ndarray,
    mapped: Mapping[str, str],
    kind: LayerKind,
    worth: Worth,
    labels: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Rows with every column of the layer, and what had to be read otherwise than it stands.

    Parameters
    ----------
    table : DataFrame
        The delivery's rows.
    shapes : ndarray of geometry or None, shape (rows,)
    mapped : mapping
        From `match`.
    kind : LayerKind
    worth : Worth
        For what the delivery does not say.
    labels : sequence of str, optional
        What to call each row in findings; its id by default.

    Returns
    -------
    table : DataFrame
        Columns of `columns_of`, without geometry; ids are unique.
    findings : list of Finding
    """
    import pandas as pd

    rows = pd.DataFrame(index=range(len(table)))
    for column in columns_of(kind):
        theirs = mapped.get(column)
        values = table[theirs].tolist() if theirs is not None else [None] * len(table)
        rows[column] = pd.Series([_value(v) for v in values], dtype=object)
    findings: list[Finding] = []
    _name(rows, kind)
    _identify(rows, shapes, kind, findings)
    labels = list(rows["id"]) if labels is None else labels
    _status(rows, kind, worth, labels, findings)
    for column, value in (
        ("source", worth.source),
        ("licence", worth.licence),
        ("as_of", worth.as_of),
    ):
        rows[column] = [str(v) if v is not None else value for v in rows[column]]
    rows["kind"] = [v if v is not None else kind.id for v in rows["kind"]]
    for column, unit in kind.columns.items():
        if unit:
            _figures(rows, column, mapped.get(column, ""), unit, kind, labels, findings)
    _accuracy(rows, shapes, worth, kind, mapped.get("accuracy_m", ""), labels, findings)
    return rows, findings


def _value(value: Any) -> Any:
    # Missing is None; whole floats lose their point; dates, lists and the like become text.
    value = cell_text(value)
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)
    text = str(value)
    # A day that Excel keeps is a moment at midnight.
    return text.removesuffix(" 00:00:00")


def _name(rows: pd.DataFrame, kind: LayerKind) -> None:
    zh, en = rows["name_zh"], rows["name_en"]
    rows["named"] = [a is not None or b is not None for a, b in zip(zh, en)]
    rows["name_zh"] = [
        str(a if a is not None else b if b is not None else f"{kind.name_zh}（未命名）")
        for a, b in zip(zh, en)
    ]
    rows["name_en"] = [
        str(b if b is not None else a if a is not None else f"{kind.name_en} (unnamed)")
        for a, b in zip(zh, en)
    ]
    for column in ("district", "note_zh", "note_en"):
        rows[column] = [str(v) if v is not None else "" for v in rows[column]]


def _identify(rows: pd.DataFrame, shapes, kind: LayerKind, findings: list[Finding]) -> None:
    given = [str(v) if v is not None else None for v in rows["id"]]
    usable = None not in given and len(set(given)) == len(given)
    if usable:
        rows["id"] = given
        return
    if any(v is not None for v in given):
        message = "ids are missing or occur twice: new ones were made"
        findings.append(Finding(kind.id, "", "id", message))
    # From what a row is, not from where it stands: the same rows in another order keep their ids.
    seen: dict[str, int] = {}
    made = []
    for name, shape in zip(rows["name_zh"], shapes):
        key = content_id(kind, name, shape)
        seen[key] = seen.get(key, 0) + 1
        made.append(key if seen[key] == 1 else f"{key}_{seen[key]}")
    rows["id"] = made


def content_id(kind: LayerKind, name: str, shape: Any) -> str:
    """An id from what a feature is: its name and its shape."""
    content = name.encode() + (shape.wkb if shape is not None else b"")
    return f"{kind.id}_{hashlib.sha256(content).hexdigest()[:10]}"


def _status(
    rows: pd.DataFrame, kind: LayerKind, worth: Worth, labels, findings: list[Finding]
) -> None:
    words = {word: status for status, all_ in _STATUS_WORDS.items() for word in all_}
    for column, known, default in (
        ("status", {**words, **{s: s for s in STATUSES}}, worth.status),
        ("quality", {q: q for q in QUALITIES}, worth.quality),
    ):
        values = []
        for label, value in zip(labels, rows[column]):
            text = str(value).strip().casefold() if value is not None else None
            if text is not None and text not in known:
                message = f"{column} '{value}' is not known: taken as {default}"
                findings.append(Finding(kind.id, label, column, message))
            values.append(default if text is None else known.get(text, default))
        rows[column] = values


def _figures(
    rows: pd.DataFrame, column: str, theirs: str, unit: str, kind: LayerKind, labels, findings: list[Finding]
) -> None:  # fmt: skip
    values, comma = [], uses_decimal_comma(rows[column])
    for label, value in zip(labels, rows[column]):
        number, why = figure(value, unit, theirs, decimal_comma=comma)
        if number is not None and number < 0:
            number, why = None, "is below 0"
        if why:
            what = why if number is not None else f"{why}: left empty"
            rule = "figure" if number is not None else column
            findings.append(Finding(kind.id, label, rule, f"{column} '{value}' {what}"))
        values.append(number)
    rows[column] = np.array([np.nan if v is None else v for v in values], float)


def _accuracy(
    rows, shapes, worth: Worth, kind: LayerKind, theirs: str, labels, findings: list[Finding]
) -> None:
    _figures(rows, "accuracy_m", theirs, "m", kind, labels, findings)
    placed = np.array([s is not None for s in shapes], bool)
    stated = rows["accuracy_m"].to_numpy(float)
    bare = placed & ~(stated > 0)
    default = UNSTATED_M if worth.accuracy_m is None else worth.accuracy_m
    rows["accuracy_m"] = np.where(placed, np.where(bare, default, stated), np.nan)
    if worth.accuracy_m is None:
        for column, note in zip(("note_zh", "note_en"), _UNSTATED):
            joined = [
                f"{v}；{note}" if column == "note_zh" and v else f"{v}; {note}" if v else note
                for v in rows[column]
            ]
            rows[column] = np.where(bare, joined, rows[column])
