"""Stages that are finished, kept on disk until the run is: what was interrupted goes on from there."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from urbanplan import __version__, catalog
from urbanplan.city import City
from urbanplan.errors import InputError
from urbanplan.files import (
    has,
    hash_folder,
    read_arrays,
    sha256,
    write_arrays,
)
from urbanplan.layers import GROUNDS, Layer

#: Files beside the layers that a run reads.
INPUTS = (
    "city.toml", "study.toml", "standards.toml", "scenarios.toml", "plan.toml", "streets.osm.pbf", "population.tif", "heights.tif",
    GROUNDS,
)  # fmt: skip
#: Libraries whose version can change a stage.
_LIBRARIES = (
    "numpy", "scipy", "shapely", "pyproj", "geopandas", "contourpy", "numba", "exactextract",
)  # fmt: skip


def inputs_of(city: City, layers: Mapping[str, Layer]) -> dict[str, str]:
    """SHA-256 of every file that a run reads, by layer or file name."""
    inputs = {name: layer.sha256 for name, layer in layers.items()}
    return inputs | {name: sha256(city.find(name)) for name in INPUTS if city.has(name)}


def run_key(city: City, layers: Mapping[str, Layer]) -> str:
    """SHA-256 of all that a stage depends on: inputs, settings, versions."""
    folder = Path(catalog.__file__).parent
    about = {
        "urbanplan": __version__,
        "catalogue": [hash_folder(f, ".toml") for f in (folder, folder / "standards")],
        "libraries": {name: version(name) for name in _LIBRARIES},
        "inputs": inputs_of(city, layers),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class Keep:
    """Finished stages of a run in a folder.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        From `run_key`; stages of another key are not used.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder, self._key = folder, key
        self.resumed: list[str] = []

    def stage(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a stage found: from disk if it was finished before, else computed and kept.

        Parameters
        ----------
        name : str
        compute : callable
            Gives a mapping of name to DataFrame, GeoDataFrame, ndarray or list of text.
        """
        if self._folder is None:
            return compute()
        path = self._folder / f"{name.replace(' ', '_')}.npz"
        if has(path):
            try:
                arrays, about = read_arrays(path)
            except InputError:
                arrays, about = {}, {}
            if about.get("key") == self._key:
                self.resumed.append(name)
                return _unpacked(arrays, about)
        found = compute()
        arrays, kinds = _packed(found)
        write_arrays(path, arrays, {"key": self._key, **kinds})
        return found


def _packed(found: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    import geopandas as gpd
    import pandas as pd

    arrays, kinds, texts = {}, {}, {}
    for number, (name, value) in enumerate(found.items()):
        if isinstance(value, list):
            texts[name] = value
            continue
        kinds[f"v{number}"] = [name, "array"]
        if isinstance(value, pd.DataFrame):
            shapes = isinstance(value, gpd.GeoDataFrame)
            kinds[f"v{number}"][1] = "shapes" if shapes else "table"
            out = io.BytesIO()
            value.to_parquet(out)
            value = np.frombuffer(out.getvalue(), np.uint8)
        arrays[f"v{number}"] = value
    return arrays, {"kinds": kinds, "texts": texts}


def _unpacked(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    import geopandas as gpd
    import pandas as pd

    found: dict[str, Any] = dict(about["texts"])
    for number, (name, kind) in about["kinds"].items():
        value = arrays[number]
        if kind != "array":
            read = gpd.read_parquet if kind == "shapes" else pd.read_parquet
            value = read(io.BytesIO(value.tobytes()))
        found[name] = value
    return found
