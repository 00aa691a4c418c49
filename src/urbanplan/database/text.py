"""Names, words and rows in PostgreSQL's own writing, so that no text of the data is ever a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from urbanplan.errors import InputError

#: PostgreSQL cuts longer names without a word, and two names could become one.
MAX_NAME_BYTES = 63
#: A cell without a value.
NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def identifier(*names: str) -> str:
    """A name in quotes; several are joined by dots, the outermost first.

    Raises
    ------
    InputError
        If a name is empty, too long, or holds what cannot stand in a name.

    Examples
    --------
    >>> print(identifier("plan", 'a "b"; c'))
    "plan"."a ""b""; c"
    """
    return ".".join(f'"{_name(n)}"' for n in names)


def _name(name: str) -> str:
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise _unnamed(name, "holds half a character", "correct it") from None
    if "\0" in name or not name:
        raise _unnamed(name, "is empty or holds a null character", "name it")
    if size > MAX_NAME_BYTES:
        what = f"takes {size} bytes, and PostgreSQL keeps {MAX_NAME_BYTES}"
        raise _unnamed(name, what, "shorten it (a Chinese character takes 3)")
    return name.replace('"', '""')


def _unnamed(name: str, what: str, remedy: str) -> InputError:
    short = name if len(name) <= 80 else f"{name[:60]}…"
    return InputError(
        f"the name {ascii(short) if not short.isprintable() else repr(short)} {what}", remedy=remedy
    )


def literal(text: str) -> str:
    """A text in quotes, whatever the server takes a backslash for.

    Only for words that may stand nowhere else, as in comments; other values are parameters or
    cells.
    """
    if "\0" in text:
        raise InputError("a text holds a null character", remedy="remove it")
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def cell(text: str) -> str:
    """A text as a cell of ``COPY``."""
    return text.translate(_ESCAPES)


def lines(columns: Sequence[Sequence[str]]) -> bytes:
    """Cells, column by column, as rows of ``COPY``."""
    return ("\n".join(map("\t".join, zip(*columns))) + "\n").encode("utf-8")


def cells(rows: bytes, columns: int) -> Iterator[list[str | None]]:
    """Rows of ``COPY`` as lists of cells; None where there is no value.

    Raises
    ------
    ValueError
        If a row has another number of cells.
    """
    for line in rows.decode("utf-8").split("\n")[:-1]:
        row: list[str | None] = line.split("\t") if columns else []
        if len(row) != columns:
            raise ValueError(f"{len(row)} cells where {columns} were asked for")
        if "\\" in line:
            row = [None if c == NULL else _unescaped(c) if "\\" in c else c for c in row]
        yield row


def _unescaped(text: str) -> str:
    first, *parts = text.split("\\")
    found, parts = [first], iter(parts)
    for part in parts:
        # Two backslashes leave an empty part; the next one is then plain.
        found.append(
            "\\" + next(parts, "") if not part else _UNESCAPES.get(part[0], part[0]) + part[1:]
        )
    return "".join(found)
