"""Text as planners have it: UTF-8 or GB18030, judged over the whole file before a parser sees it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from urbanplan.errors import InputError

#: What a spreadsheet takes for a formula, also behind blanks and in the width of Chinese letters;
#: a number with a sign is none.
_FORMULA = re.compile(r"[\s\0\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER = re.compile(r"[+\-][0-9][0-9,]*(?:\.[0-9]+)?%?")


#: Characters that no XML may hold.
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Where a spreadsheet that parts cells at semicolons or tabs begins another one, whatever quotes stand around ours.
_BEHIND = re.compile(r"(?<=[;\t\r\n])[^;\t\r\n]+")
#: There a number is one too: what stands in the next column would go on with it.
_FORMULA_BEHIND = re.compile(r"[\s\0\u200b\ufeff\"]*[=+\-@＝＋－＠]")


def _is_formula(text: str) -> bool:
    # One that is quoted already gets one quote more, so that nothing is lost on the way back.
    text = text.lstrip("'")
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def _is_formula_behind(part: str) -> bool:
    return bool(_FORMULA_BEHIND.match(part.lstrip("'")))


def as_cell(text: str) -> str:
    """A text as a cell of CSV: with a quote before what a spreadsheet would compute.

    Examples
    --------
    >>> as_cell("=1+1"), as_cell("'=1+1"), as_cell("-12.5"), as_cell("park"), as_cell("park;=1+1")
    ("'=1+1", "''=1+1", '-12.5', 'park', "park;'=1+1")
    """
    text = f"'{text}" if _is_formula(text) else text
    return _BEHIND.sub(lambda m: f"'{m[0]}" if _is_formula_behind(m[0]) else m[0], text)


def of_cell(text: str) -> str:
    """The text that `as_cell` made a cell of.

    Examples
    --------
    >>> of_cell("'=1+1"), of_cell("''=1+1"), of_cell("'twas"), of_cell("park;'=1+1")
    ('=1+1', "'=1+1", "'twas", 'park;=1+1')
    """
    text = _BEHIND.sub(
        lambda m: m[0][1:] if m[0][0] == "'" and _is_formula_behind(m[0]) else m[0], text
    )
    return text[1:] if text.startswith("'") and _is_formula(text) else text


#: Bytes that one line of a table may have.
MAX_LINE = 16 * 2**20
#: Share of the lines of a text that may hold bytes which are none.
MOST_BROKEN = 0.01
_CHUNK = 2**20
_DECLARATIONS = re.compile(rb"<!\s*(doctype|entity)", re.IGNORECASE)


def chunks(path: Path, size: int = _CHUNK) -> Iterator[bytes]:
    """Bytes of a file, piece by piece."""
    with open(path, "rb") as f:
        while piece := f.read(size):
            yield piece


def windows(path: Path, overlap: int) -> Iterator[tuple[bytes, int]]:
    """Pieces of a file that overlap, each with where the next one begins in it."""
    held = b""
    for piece in chunks(path):
        held += piece
        if len(held) > overlap:
            upto = len(held) - overlap
            yield held, upto
            held = held[upto:]
    yield held, len(held)


def known(encoding: str, path: Path) -> str:
    """Python's name of an encoding that a user or a file names; GBK and GB2312 mean GB18030.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    digits = re.fullmatch(r"(?:cp|ansi|windows|ms|oem)?[\s_-]*(\d{3,5})", encoding.strip().lower())
    name = encoding.strip()
    if digits:
        name = {"65001": "utf-8", "936": "gb18030", "54936": "gb18030"}.get(
            digits[1], f"cp{digits[1]}" if len(digits[1]) < 5 else name
        )
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        found = None
    # Some of Python's codecs are not text encodings, or run code of their own (idna, punycode).
    if found is None or not found._is_text_encoding or found.name in ("idna", "punycode"):
        raise InputError(
            f"knows no encoding called '{encoding}'",
            where=path,
            remedy="name one with --encoding, such as utf-8 or gb18030",
        )
    return "gb18030" if found.name in ("gbk", "gb2312") else found.name


def first_of(path: Path) -> str:
    """The first letter of a file in UTF-8 that is no blank; empty where there is none."""
    with open(path, encoding="utf-8-sig", errors="replace") as f:
        return f.read(4096).strip()[:1]


def is_broken(raw: bytes, encoding: str) -> bool:
    """Whether bytes are no text of that encoding."""
    try:
        raw.decode(encoding)
    except UnicodeError:
        return True
    return False


def encoding_in(raws: Iterable[bytes]) -> str:
    """What texts with other letters than ASCII are in by their own bytes; empty where they do not tell.

    Notes
    -----
    Other encodings hardly ever make whole letters of UTF-8. Chinese text in GB18030 is pairs of bytes,
    the first of most of them in B0 to D7, where the everyday characters are; European text has such
    pairs seldom.
    """
    held = list(raws)
    if not any(is_broken(raw, "utf-8") for raw in held):
        return "utf-8"
    pairs = everyday = alone = 0
    for raw in held:
        for high in re.findall(rb"[\x80-\xff]+", raw):
            leads = high[: len(high) // 2 * 2 : 2]
            pairs += len(leads)
            everyday += sum(0xB0 <= lead <= 0xD7 for lead in leads)
            alone += len(high) % 2
    chinese = pairs >= 2 and everyday >= 0.6 * pairs and alone <= 0.1 * pairs
    return "gb18030" if chinese else ""


def decodes(path: Path, encoding: str) -> bool:
    """Whether a whole file is text of that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in chunks(path):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def encoding_of(path: Path, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Encoding of a text file, and a note where it is not UTF-8.

    Parameters
    ----------
    path : path
        A text file.
    encoding : str, optional
        What the user says it is; nothing else is then tried.

    Returns
    -------
    encoding : str
        For `open`; a byte-order mark is dropped by it.
    notes : tuple of str
        What was guessed.
    """
    with open(path, "rb") as f:
        head = f.read(4)
    if encoding is not None:
        name = known(encoding, path)
        if not decodes(path, name):
            raise InputError(
                f"is not text in {encoding}", where=path, remedy="name another with --encoding"
            )
        return ("utf-8-sig" if name == "utf-8" else name), ()
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") and decodes(path, "utf-16"):
        return "utf-16", ("text was read as UTF-16",)
    if decodes(path, "utf-8"):
        return "utf-8-sig", ()
    if decodes(path, "gb18030"):
        return "gb18030", ("text was read as GB18030, as it is not UTF-8",)
    name, lines = min(((one, _broken_lines(path, one)) for one in ("utf-8", "gb18030")), key=lambda f: len(f[1]))  # fmt: skip
    if len(lines) <= 1 or len(lines) <= MOST_BROKEN * sum(p.count(b"\n") for p in chunks(path)):
        some = ", ".join(map(str, lines[:5])) + " …" * (len(lines) > 5)
        note = f"text was read as {name.upper()}; it holds bytes that are none in line {some}"
        return ("utf-8-sig" if name == "utf-8" else name), (note,)
    raise InputError(
        "is neither UTF-8 nor GB18030 text",
        where=path,
        remedy="name its encoding with --encoding, or save it as UTF-8",
    )


def _broken_lines(path: Path, encoding: str) -> list[int]:
    """Numbers of the lines that are no text of an encoding."""
    with open(path, "rb") as f:
        lines = iter(lambda: f.readline(MAX_LINE), b"")
        return [n for n, line in enumerate(lines, 1) if is_broken(line, encoding)]


def pieces(path: Path, encoding: str) -> Iterator[str]:
    """Text of a file, piece by piece; the few bytes that are none become a mark."""
    with open(path, encoding=encoding, errors="replace", newline="") as f:
        while piece := f.read(_CHUNK):
            yield piece


def refuse_declarations(path: Path, pieces_of: Iterator[bytes], where: Path | str) -> None:
    """Refuse XML that declares a document type or entities, before any parser sees it.

    Parameters
    ----------
    path : path
        What the user named.
    pieces_of : iterator of bytes
        The XML; bytes that are NUL are dropped, so that UTF-16 hides nothing.
    where : path or str
        Which part of the file it is.
    """
    tail = b""
    for piece in pieces_of:
        seen = tail + piece.replace(b"\0", b"")
        if _DECLARATIONS.search(seen):
            inside = "" if str(where) == str(path) else f" in '{where}'"
            raise InputError(
                f"declares a document type or entities{inside}, which can name other files",
                where=path,
                remedy="take the DOCTYPE out, or export it again",
            )
        tail = seen[-64:]


def refuse_odd_lines(path: Path) -> int:
    """Refuse a table with NUL bytes or a line without end; the number of its lines else."""
    lines, since = 0, 0
    for piece in chunks(path):
        if b"\0" in piece:
            raise InputError(
                "holds NUL bytes and is no text table",
                where=path,
                remedy="save it as 'CSV UTF-8'",
            )
        first, last = piece.find(b"\n"), piece.rfind(b"\n")
        longest = since + (len(piece) if first < 0 else first)
        since = longest if last < 0 else len(piece) - last - 1
        if longest > MAX_LINE:
            raise InputError(
                f"has a line of more than {MAX_LINE >> 20} MiB",
                where=path,
                remedy="check that its rows end in line breaks",
            )
        lines += piece.count(b"\n") or piece.count(b"\r")
    return lines


_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
#: What a string of TOML may not hold as it is, beside what JSON escapes.
_DELETE = "\x7f"


def toml_of(table: Mapping[str, Any]) -> str:
    """A mapping as TOML: values first, tables and lists of tables below them.

    Examples
    --------
    >>> print(toml_of({"city": {"id": "甲", "modes": ["walk"], "cell_m": 100.0}}), end="")
    [city]
    id = "甲"
    modes = [
        "walk",
    ]
    cell_m = 100.0
    """
    return "\n".join(_toml_parts(table, ""))


def _toml_parts(table: Mapping[str, Any], name: str, repeated: bool = False) -> Iterator[str]:
    below = {k: v for k, v in table.items() if isinstance(v, Mapping) or _is_tables(v)}
    lines = [f"{_toml_key(k)} = {_toml_value(v)}\n" for k, v in table.items() if k not in below]
    if repeated or (name and (lines or not below)):
        lines.insert(0, f"[[{name}]]\n" if repeated else f"[{name}]\n")
    if lines:
        yield "".join(lines)
    for key, value in below.items():
        inner = f"{name}.{_toml_key(key)}" if name else _toml_key(key)
        for part in [value] if isinstance(value, Mapping) else value:
            yield from _toml_parts(part, inner, not isinstance(value, Mapping))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(v, Mapping) for v in value)  # fmt: skip


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _toml_value(key)


def _toml_value(value: Any, depth: int = 1) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | date | time):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_toml_key(k)} = {_toml_value(v, depth)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        pad = "    " * depth
        inner = "".join(f"{pad}{_toml_value(v, depth + 1)},\n" for v in value)
        return f"[\n{inner}{pad[4:]}]" if inner else "[]"
    raise TypeError(f"TOML has no {type(value).__name__}")
