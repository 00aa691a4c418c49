"""A network as a file of plain arrays."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from urbanplan.catalog import LandSpeed, Mode, StreetRules
from urbanplan.errors import InputError
from urbanplan.files import read_arrays, write_arrays
from urbanplan.network.model import Network

#: Version of the arrays; another one is refused rather than misread.
_FORMAT = "urbanplan network 2"
#: Fields of the rules that are tables.
_TABLES = ("kmh", "opened_kmh")


def save(network: Network, path: Path | str) -> Path:
    """Write a network to a file that `load` reads back, the same bytes for the same network."""
    arrays, about = {}, {"format": _FORMAT}
    for field in fields(network):
        value = getattr(network, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif field.name == "mode":
            about["mode"] = _plain(value)
        else:
            about[field.name] = value
    return write_arrays(path, arrays, about)


def load(path: Path | str) -> Network:
    """Read a network that `save` wrote.

    Raises
    ------
    InputError
        If the file is something else, of another version, or damaged.
    """
    arrays, about = read_arrays(path)
    if about.pop("format", None) != _FORMAT:
        raise InputError(
            "holds no street network of this version", where=path, remedy="build it again"
        )
    mode = about.pop("mode")
    about["findings"] = tuple(about["findings"])
    return Network(mode=_mode(mode), **arrays, **about)


def _plain(mode: Mode) -> dict[str, Any]:
    # asdict copies mappings, which a read-only one does not allow.
    return {
        **{f.name: getattr(mode, f.name) for f in fields(mode) if f.name != "streets"},
        "built_up": asdict(mode.built_up),
        "open_land": asdict(mode.open_land),
        "streets": {
            f.name: dict(v) if f.name in _TABLES else v
            for f in fields(mode.streets)
            for v in [getattr(mode.streets, f.name)]
        },
    }


def _mode(said: dict[str, Any]) -> Mode:
    rules = {k: tuple(v) if isinstance(v, list) else v for k, v in said["streets"].items()}
    rules |= {name: MappingProxyType(rules[name]) for name in _TABLES}
    return Mode(
        **{
            **said,
            "built_up": LandSpeed(**said["built_up"]),
            "open_land": LandSpeed(**said["open_land"]),
            "forbidden_classes": tuple(said["forbidden_classes"]),
            "streets": StreetRules(**rules),
        }
    )
