"""The terminal's Chinese: help, tables, errors and remedies."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import click

from urbanplan.errors import InputError, UrbanplanError, printable

#: click's own words around ours.
_HEADINGS = {
    "Usage:": "用法：",
    "Options:": "选项：",
    "Commands:": "命令：",
    "Show this message and exit.": "显示本帮助后退出。",
    "[required]": "[必需]",
    "[default:": "[默认：",
    "; required]": "；必需]",
}
#: click counts characters, and a Chinese one is two columns wide.
_WIDTH = 58


def in_chinese(command: click.Command) -> click.Command:
    """The same command, and all below it, with Chinese help; nothing is translated until it is asked for.

    Parameters
    ----------
    command : click.Command
        Stays as it is.
    """
    told: Any = copy(command)
    told.context_settings = {**command.context_settings, "max_content_width": _WIDTH}
    own = type(told)
    told.get_help = lambda context: _headed(own.get_help(_worded(told), context))
    told.get_short_help_str = lambda limit=45: own.get_short_help_str(_worded(told), limit)
    if isinstance(told, click.Group):
        told.commands = {name: in_chinese(c) for name, c in told.commands.items()}
    return told


def _worded(command: click.Command) -> click.Command:
    told = copy(command)
    told.help = command.help and translated(command.help)
    told.params = [_option(p) for p in command.params]
    return told


def _option(param: click.Parameter) -> click.Parameter:
    if not isinstance(param, click.Option) or not param.help:
        return param
    told = copy(param)
    told.help = translated(param.help)
    return told


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text, each on one line."""
    return [" ".join(p.split()) for p in inspect.cleandoc(text).split("\n\n") if p.strip()]


def translated(text: str) -> str:
    """A help text in Chinese, paragraph by paragraph; what nobody translated stays."""
    return "\n\n".join(_help_words().get(p, p) for p in paragraphs(text))


def _headed(text: str) -> str:
    for english, chinese in _HEADINGS.items():
        # A narrow terminal may have broken it between two words.
        text = re.sub(re.escape(english).replace("\\ ", r"\s+"), chinese, text)
    return re.sub(r"(：)\s+(?=\S+\])", r"\1", text)


@cache
def _help_words() -> Mapping[str, str]:
    from urbanplan.files import read_toml

    return read_toml(Path(__file__).parent / "help_zh.toml")


#: Asked in this order, as POSIX does, after a variable of our own; the first that is set decides.
VARIABLES = ("URBANPLAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
_ZH, _EN = ("zh", "cmn"), ("en",)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Sentences inside sentences, and parts of one, that are looked up.
_MAX_DEPTH, _MAX_PARTS = 6, 100
#: A piece of a sentence that changes. Braces of a template such as {z} are no piece.
_PIECE = "{}"


def language(environ: Mapping[str, str] | None = None) -> str:
    """``zh`` where the locale is Chinese, else ``en``.

    Raises
    ------
    InputError
        If the variable of our own names another language: nobody sets it by accident.

    Examples
    --------
    >>> language({"LANG": "zh_CN.UTF-8"}), language({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"})
    ('zh', 'en')
    """
    values = os.environ if environ is None else environ
    own = values.get(VARIABLES[0], "").lower()
    if own and not own.startswith((*_ZH, *_EN)):
        raise InputError(
            f"{VARIABLES[0]} is '{own}', which is no language of urbanplan", remedy="use zh or en"
        )
    chosen = next((values[name] for name in VARIABLES if values.get(name)), "")
    return "zh" if chosen.lower().startswith(_ZH) else "en"


def half(text: str, lang: str) -> str:
    """One language of a "中文 / English" pair; any other text as it is.

    Examples
    --------
    >>> half("没有人口数据 / nobody knows who lives where", "en")
    'nobody knows who lives where'
    >>> half("5 km / h", "zh")
    '5 km / h'
    """
    parts = text.split(" / ")
    middle = len(parts) // 2
    zh, en = " / ".join(parts[:middle]), " / ".join(parts[middle:])
    # Names may be Chinese in both halves, and a slash may stand in either.
    if not zh or not _CHINESE.search(zh) or not re.search("[A-Za-z]", en):
        return text
    return zh if lang == "zh" else en


def told(text: str, lang: str) -> str:
    """A remark or title: its half, or, in Chinese, its translation where there is one."""
    text = half(text, lang)
    return text if lang == "en" else _translated(text)


def sentence(error: UrbanplanError, lang: str) -> str:
    """An error as one sentence: where, what, and what to do."""
    if lang == "en":
        return str(error)
    where = "" if error.where is None else f"{_translated(printable(str(error.where)))}："
    remedy = f" → {told(error.remedy, lang)}" if error.remedy else ""
    return f"{where}{told(error.what, lang)}{remedy}"


def column(name: str, lang: str) -> str:
    """What the head of a column says: its own name, or what the catalogue calls it in Chinese."""
    if lang == "en":
        return name
    from urbanplan.catalog import load_catalog

    own, fields = _words()["columns"], load_catalog().fields
    if name in own:
        return own[name]
    return fields[name]["zh"] if name in fields else name


def value(cell: Any, name: str, lang: str) -> Any:
    """A cell of a column: in Chinese, what the catalogue has a word for is said in words."""
    if lang == "en":
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if not isinstance(cell, str):
        return cell
    known = _values(name)
    # Qualities are joined where several count.
    parts = cell.split("+")
    return "+".join(known.get(p, p) for p in parts) if len(parts) > 1 else known.get(cell, half(cell, lang))  # fmt: skip


@cache
def _values(name: str) -> Mapping[str, str]:
    from urbanplan.catalog import load_catalog

    catalog = load_catalog()
    known = {k: v["zh"] for k, v in catalog.symbols.values.get(name, {}).items()}
    # The column `layer` keeps what is typed; its table names the layers beside it.
    if name == "facilities":
        known |= {k: kind.name_zh for k, kind in catalog.layers.items()}
    if name == "mode":
        known |= {k: mode.name_zh for k, mode in catalog.modes.items()}
    if name.startswith("verdict_"):
        known |= _values("verdict")
    return known | _words()["values"].get(name, {})


@cache
def _words() -> Mapping[str, Mapping]:
    from urbanplan.files import read_toml

    return read_toml(Path(__file__).parent / "words_zh.toml")


@cache
def _patterns(table: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    # Sentences with more of their own words are tried first: "{} has no {}" must not take the rest.
    known = _words()[table]
    order = sorted(known, key=lambda key: -len(key.replace(_PIECE, "")))
    return tuple((tuple(key.split(_PIECE)), known[key]) for key in order)


def _pieces(text: str, own: tuple[str, ...]) -> list[str] | None:
    """What stands between a sentence's own words, each as short as can be; None if it is another."""
    if len(own) == 1:
        return [] if text == own[0] else None
    first, *middle, last = own
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    at, end, found = len(first), len(text) - len(last), []
    # The first place of each is the one that leaves most for the others.
    for words in middle:
        next_at = text.find(words, at, end)
        if next_at < 0:
            return None
        found.append(text[at:next_at])
        at = next_at + len(words)
    return [*found, text[at:end]]


def _translated(text: str, depth: int = 0) -> str:
    if text in _words()["things"]:
        return _words()["things"][text]
    # A name made of our own words could be taken apart without end.
    if depth > _MAX_DEPTH:
        return text
    found = _matched(text, "sentences", depth)
    if found is not None:
        return found
    # Titles and remarks are often put together: each part may be known.
    for mark in ("; ", ": "):
        parts = text.split(mark)
        if 1 < len(parts) <= _MAX_PARTS:
            return mark.join(_translated(part, depth + 1) for part in parts)
    return _matched(text, "phrases", depth) or text


def _matched(text: str, table: str, depth: int) -> str | None:
    for own, chinese in _patterns(table):
        found = _pieces(text, own)
        if found is not None:
            pieces = [_translated(p, depth + 1) if " " in p or p in _words()["things"] else p for p in found]  # fmt: skip
            return _filled(chinese, pieces)
    return None


def _filled(chinese: str, pieces: list[str]) -> str:
    rest = iter(pieces)
    numbered = re.compile(r"\{(\d?)\}")
    return numbered.sub(lambda m: pieces[int(m[1])] if m[1] else next(rest), chinese)
