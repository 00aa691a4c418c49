"""Parquet: GeoParquet, or plain tables with coordinate columns; sized before it is expanded."""

from __future__ import annotations

import json
from pathlib import Path

from urbanplan.errors import InputError
from urbanplan.files.tables import placed
from urbanplan.files.vectors import MAX_FEATURES, Found, finite, guarded, too_many

#: Bytes that the columns of one file may have once they are expanded.
MAX_EXPANDED = 2**30
MAX_COLUMNS = 4096


def read_parquet(path: Path, *, large: bool = False) -> tuple[str, Found]:
    """Read a Parquet file, and say whether it is a GeoParquet or a plain one.

    Parameters
    ----------
    path : path
        A ``.parquet`` file.
    large : bool
        Whether more than `MAX_FEATURES` rows, or a gigabyte of columns, are meant.

    Returns
    -------
    driver : str
        "GeoParquet" or "Parquet".
    Found
        Its rows. GeoParquet that names no coordinate system is longitude and latitude by
        definition of the format; a plain table has none.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    with guarded(path, "Parquet"):
        with pq.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, file.metadata.num_columns
            about = file.schema_arrow.metadata or {}
            text = [f.name for f in file.schema_arrow if _is_bytes(f.type)]
        if not large and rows > MAX_FEATURES:
            raise too_many(path, MAX_FEATURES)
        if columns > MAX_COLUMNS:
            raise InputError(
                f"has more than {MAX_COLUMNS:,} columns", where=path, remedy="keep those you need"
            )
        if not large:
            _refuse_to_expand(path, text)
        if b"geo" in about:
            return "GeoParquet", _geo(path, json.loads(about[b"geo"]))
        table = pd.read_parquet(path, engine="pyarrow")
    return "Parquet", placed(path, table)


def _is_bytes(kind) -> bool:
    """Whether a column holds text or bytes of any length."""
    import pyarrow.types as types

    return types.is_string(kind) or types.is_binary(kind)


def _refuse_to_expand(path: Path, text: list[str]) -> None:
    """Add up what the columns hold once expanded, without expanding their dictionaries."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    with pq.ParquetFile(path, read_dictionary=text) as file:
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            for column in batch.columns:
                total += column.nbytes
                if isinstance(column, pa.DictionaryArray) and _is_bytes(column.dictionary.type):
                    sizes = pc.binary_length(column.dictionary).take(column.indices)
                    total += pc.sum(sizes).as_py() or 0
            if total > MAX_EXPANDED:
                raise InputError(
                    f"expands to more than {MAX_EXPANDED >> 30} GiB",
                    where=path,
                    remedy="cut it to the city, or pass large=True (--large)",
                )


def _geo(path: Path, about: dict) -> Found:
    """A GeoParquet file."""
    import geopandas as gpd
    import numpy as np

    frame = gpd.read_parquet(path)
    primary = about["columns"][about["primary_column"]]
    declared = primary.get("crs") is not None
    crs_from = "file" if declared else "format" if "crs" not in primary else ""
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    geometry, notes = finite(np.asarray(frame.geometry.array, dtype=object))
    if notes:
        frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    return Found(frame.reset_index(drop=True), crs_from, notes)
