"""What `--help` says in Chinese: copies of the commands with their help translated."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from copy import copy
from functools import cache
from pathlib import Path

import click

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
    told = copy(command)
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
    return "\n\n".join(_words().get(p, p) for p in paragraphs(text))


def _headed(text: str) -> str:
    for english, chinese in _HEADINGS.items():
        # A narrow terminal may have broken it between two words.
        text = re.sub(re.escape(english).replace("\\ ", r"\s+"), chinese, text)
    return re.sub(r"(：)\s+(?=\S+\])", r"\1", text)


@cache
def _words() -> Mapping[str, str]:
    from urbanplan.files import read_toml

    return read_toml(Path(__file__).parent / "help_zh.toml")
