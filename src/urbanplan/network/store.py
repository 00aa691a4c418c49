"""A network as a file of plain arrays."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from urbanplan.catalog import Mode, mode_of
from urbanplan.crs import require_metric
from urbanplan.errors import CrsError, InputError
from urbanplan.files import read_arrays, write_arrays
from urbanplan.network.model import Network

#: Version of the arrays; another one is refused rather than misread.
_FORMAT = "urbanplan network 4"
#: Edges of the longest sequence that may be forbidden.
_LONGEST = 200
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
    try:
        mode = about.pop("mode")
        about["findings"] = tuple(map(str, about["findings"]))
        about["crs"] = require_metric(about["crs"], path)
        own = {k: v for k, v in mode.items() if k != "id"}
        network = Network(mode=mode_of(mode["id"], own, None), **arrays, **about)
        _require_sound(network)
    except CrsError:
        raise
    # What somebody else wrote may lack anything; the searches trust their arrays.
    except (ValueError, TypeError, KeyError, AttributeError, LookupError) as err:
        raise InputError(
            f"holds a street network that is broken ({str(err)[:120]})",
            where=path,
            remedy="build it again",
        ) from None
    return network


def _require_sound(network: Network) -> None:
    """Raise `ValueError` unless the arrays fit one another: compiled searches read past wrong ones."""
    nodes, edges, vertices = len(network.xy), len(network.tail), len(network.vertex_xy)
    shapes = {
        "xy": (np.float64, (nodes, 2)),
        "node_ids": (np.int64, (nodes,)),
        "tail": (np.int32, (edges,)),
        "head": (np.int32, (edges,)),
        "bend": (np.int64, (edges + 1,)),
        "vertex_xy": (np.float64, (vertices, 2)),
        "spent": (np.float64, (vertices, 2)),
        "length_m": (np.float64, (edges,)),
        "through": (np.bool_, (edges,)),
        "private": (np.bool_, (edges,)),
        "forbidden": (np.int64, (len(network.forbidden), _width(network.forbidden))),
        "part": (np.int32, (edges,)),
        "fence_xy": (np.float64, (len(network.fence_xy), 2)),
        "fence_first": (np.int64, (len(network.fence_first),)),
        "entrances": (np.float64, (len(network.entrances), 2)),
    }
    for name, (kind, shape) in shapes.items():
        array = getattr(network, name)
        if array.dtype != kind or array.shape != shape:
            raise ValueError(f"{name} has another type or length")
    for field in fields(network):
        if isinstance(getattr(network, field.name), np.ndarray) and field.name not in shapes:
            raise TypeError(field.name)
    if not all(isinstance(getattr(network, name), str) for name in ("source", "licence", "as_of")):
        raise ValueError("source has another type or length")
    ends, steps = np.r_[network.tail, network.head], np.diff(network.bend)
    sound = {
        "tail or head": not edges or (ends.min() >= 0 and ends.max() < nodes),
        "tail": np.all(np.diff(network.tail) >= 0),
        "bend": network.bend[0] == 0 and network.bend[-1] == vertices and np.all(steps >= 2),
        "xy": np.isfinite(network.xy).all() and np.isfinite(network.vertex_xy).all(),
        "part": np.all((network.part >= 0) & (network.part < edges)),
        "fence_first": network.fence_first[0] == 0
        and network.fence_first[-1] == len(network.fence_xy)
        and np.all(np.diff(network.fence_first) >= 2),
        "fence_xy": np.isfinite(network.fence_xy).all() and np.isfinite(network.entrances).all(),
        "spent": np.all(network.spent >= 0),
        "forbidden": _are_turns(network),
        "length_m": np.all(network.length_m >= 0) and np.isfinite(network.length_m).all(),
    }
    for name, good in sound.items():
        if not good:
            raise ValueError(f"{name} leads nowhere")


def _width(array: np.ndarray) -> int:
    return array.shape[1] if array.ndim == 2 else 0


def _are_turns(network: Network) -> bool:
    # Each two edges or more, one behind the other, then -1.
    rows, edges = network.forbidden, len(network.tail)
    if not len(rows):
        return True
    if not 2 <= rows.shape[1] <= _LONGEST or rows.min() < -1 or rows.max() >= 2 * edges:
        return False
    used = rows >= 0
    ends = np.stack([network.tail, network.head], axis=1)
    begin, end = ends[rows >> 1, rows & 1], ends[rows >> 1, 1 - (rows & 1)]
    joined = (end[:, :-1] == begin[:, 1:]) | ~used[:, 1:]
    return bool(used[:, :2].all() and (used[:, :-1] >= used[:, 1:]).all() and joined.all())


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
