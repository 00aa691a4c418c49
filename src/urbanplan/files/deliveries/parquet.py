"""Parquet: GeoParquet, or plain tables with coordinate columns; sized before it is expanded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.crs import parse_crs
from urbanplan.errors import InputError
from urbanplan.files.deliveries.tables import placed
from urbanplan.files.deliveries.vectors import (
    MAX_FEATURES,
    Found,
    finite,
    guarded,
    is_undefined,
    refuse_nested,
    too_many,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Bytes that the columns of one file may have once they are expanded.
MAX_EXPANDED = 2**30
#: Times its size that a file may expand, once it is above so many bytes.
MAX_RATIO, EXPANDED_SMALL = 100, 2**28
MAX_COLUMNS = 4096


def read_parquet(path: Path, *, large: bool = False, crs: str | None = None) -> tuple[str, Found]:
    """Read a Parquet file, and say whether it is a GeoParquet or a plain one.

    Parameters
    ----------
    path : path
        A ``.parquet`` file.
    large : bool
        Whether more than `MAX_FEATURES` rows, or a gigabyte of columns, are meant.
    crs : str, optional
        The system that the user named.

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
            leaves = [file.metadata.schema.column(i) for i in range(columns)]
            text = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        if not large and rows > MAX_FEATURES:
            raise too_many(path, MAX_FEATURES)
        if columns > MAX_COLUMNS:
            raise InputError(
                f"has more than {MAX_COLUMNS:,} columns", where=path, remedy="keep those you need"
            )
        if not large:
            _refuse_to_expand(path, text)
        if b"geo" in about:
            kind, found = "GeoParquet", _geo(path, json.loads(about[b"geo"]))
        else:
            table = _unrounded(path, pd.read_parquet(path, engine="pyarrow"))
            kind, found = "Parquet", placed(path, table, crs=crs)
        # Texts that are none show only when somebody looks at them.
        for column in found.frame.columns:
            found.frame[column].to_numpy(object)
    return kind, found


def _refuse_to_expand(path: Path, text: list[str]) -> None:
    """Add up what the columns hold once expanded, without expanding their dictionaries."""
    import pyarrow.parquet as pq

    limit = min(MAX_EXPANDED, max(EXPANDED_SMALL, MAX_RATIO * path.stat().st_size))
    error = InputError(
        f"expands to more than {limit >> 20:,} MiB",
        where=path,
        remedy="cut it to the city, or pass large=True (--large)",
    )
    total = 0
    with pq.ParquetFile(path, read_dictionary=text) as file:
        about = file.metadata
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        # Lists of numbers can be long without holding any bytes in the file.
        values = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
        if 4 * values > limit:
            raise error
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            total += sum(_expanded(column) for column in batch.columns)
            if total > limit:
                raise error


def _expanded(column: pa.Array) -> int:
    """Bytes of a column with every value written out."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        if types.is_string(column.dictionary.type) or types.is_binary(column.dictionary.type):
            # Batches share their dictionary, so its own bytes say nothing.
            sizes = pc.binary_length(column.dictionary).take(column.indices)
            return column.indices.nbytes + (pc.sum(sizes).as_py() or 0)
    elif types.is_struct(column.type):
        return sum(map(_expanded, column.flatten()))
    elif types.is_map(column.type):
        return _expanded(column.keys) + _expanded(column.items)
    elif types.is_nested(column.type):
        return 8 * len(column) + _expanded(column.flatten())
    return column.nbytes


def _refuse_nested(path: Path, columns: list[str]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192, columns=columns, use_threads=False):
            for column in batch.columns:
                refuse_nested(path, (value.as_py() for value in column))


def _unrounded(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    # Whole numbers beside missing ones have become floats: those that a float rounds are read again.
    import numpy as np
    import pyarrow.parquet as pq
    import pyarrow.types as types

    for field in pq.read_schema(path):
        whole = types.is_integer(field.type) and field.name in frame
        column = frame[field.name] if whole else np.zeros(0)
        if column.dtype.kind == "f" and (np.abs(column) > 2**53).any():
            exact = pq.read_table(path, columns=[field.name]).column(0).to_pylist()
            frame[field.name] = np.array([*exact, None], object)[:-1]
    return frame


def _geo(path: Path, about: dict) -> Found:
    """A GeoParquet file."""
    import geopandas as gpd
    import numpy as np

    for column in about["columns"].values():
        if column.get("crs"):
            parse_crs(column["crs"], path)
    _refuse_nested(path, [n for n, c in about["columns"].items() if c.get("encoding") == "WKB"])
    frame = _unrounded(path, gpd.read_parquet(path))
    primary = about["columns"][about["primary_column"]]
    declared = primary.get("crs") is not None
    crs_from = "file" if declared else "format" if "crs" not in primary else ""
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    if frame.crs is not None and is_undefined(frame.crs):
        frame, crs_from = frame.set_crs(None, allow_override=True), ""
    geometry, notes = finite(np.asarray(frame.geometry.array, dtype=object))
    if notes:
        frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    return Found(frame.reset_index(drop=True), crs_from, notes)
