"""Files in the formats of others: Shapefile, FlatGeobuf, KML, GML, DXF; read back before they are kept."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanplan.errors import InputError, WriteError
from urbanplan.files.deliveries.texts import NOT_XML, as_cell
from urbanplan.files.writing import made, scratch_folder, write_bytes, zipped
from urbanplan.records import is_missing

if TYPE_CHECKING:
    import geopandas as gpd

#: Where a text is cut into two pieces of CDATA.
_CUT = "\U0010fff0"
#: Bytes of a Shapefile's column name and of its longest text.
_NAME_BYTES, _TEXT_BYTES = 10, 254
#: Character sets of Shapefiles: Python's name, GDAL's, and what stands in the .cpg.
ENCODINGS: Mapping[str, tuple[str, str]] = {"utf-8": ("UTF-8", "UTF-8"), "gbk": ("CP936", "936")}


def write_flatgeobuf(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as FlatGeobuf; with rows that have no place, it has no spatial index."""
    index = "NO" if _placeless(frame).any() else "YES"
    return _in_memory(path, frame, "FlatGeobuf", layer_options={"SPATIAL_INDEX": index})


def write_kml(path: Path | str, frame: gpd.GeoDataFrame, title: str) -> Path:
    """Write one frame as KML; the column ``Name`` is what a globe shows beside each place."""
    # GDAL writes texts with markup as CDATA, which a text's own marks of CDATA would end or pass for:
    # they are held apart until it is done. A private letter is in no text of a map.
    marked = _for_xml(
        frame,
        lambda text: (
            text.replace(_CUT, "")
            .replace("]]>", f"]]{_CUT}>")
            .replace("<![CDATA[", f"<{_CUT}![CDATA[")
        ),
    )
    # Ids become attributes, which GDAL writes without a look at their letters.
    for name in (c for c in frame.columns if c.lower() == "id"):
        marked[name] = [html.escape(NOT_XML.sub("", str(v))).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;") for v in frame[name]]  # fmt: skip
    text = bytes(_made(path, marked, "LIBKML", layer=title)).decode("utf-8")
    return write_bytes(path, text.replace(_CUT, "]]><![CDATA[").encode("utf-8"))


def write_gml(path: Path | str, frame: gpd.GeoDataFrame) -> Path:
    """Write one frame as GML 3.2."""
    options = {"FORMAT": "GML3.2", "XSISCHEMA": "OFF", "SRSNAME_FORMAT": "OGC_URN"}
    frame = _for_xml(frame)
    return _in_memory(path, frame, "GML", layer=Path(path).stem, dataset_options=options)


def _for_xml(
    frame: gpd.GeoDataFrame, also: Callable[[str], str] = lambda text: text
) -> gpd.GeoDataFrame:
    """The frame with texts that hold only what XML can."""
    frame = frame.copy()
    for name in frame.columns.drop(frame.active_geometry_name):
        if frame[name].dtype.kind not in "biufcmM":
            frame[name] = [also(NOT_XML.sub("", v)) if isinstance(v, str) else v for v in frame[name]]  # fmt: skip
    return frame


def write_dxf(path: Path | str, frames: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """Write the shapes of several frames as one DXF, a layer each (R2004)."""
    import geopandas as gpd
    import pandas as pd

    parts = []
    for name, frame in frames.items():
        shapes = frame.geometry[~_placeless(frame)]
        if len(shapes):
            rows = {"Layer": [name] * len(shapes)}
            parts.append(gpd.GeoDataFrame(rows, geometry=shapes.values, crs=frame.crs))
    if not parts:
        raise WriteError("would hold nothing", where=path, remedy="give a layer with places")
    return _in_memory(path, pd.concat(parts, ignore_index=True), "DXF")


def _placeless(frame: gpd.GeoDataFrame) -> np.ndarray:
    import shapely

    shapes = frame.geometry.values
    return shapely.is_missing(shapes) | shapely.is_empty(shapes)


def _in_memory(path: Path | str, frame: gpd.GeoDataFrame, driver: str, **options) -> Path:
    return write_bytes(path, _made(path, frame, driver, **options))


def _made(path: Path | str, frame: gpd.GeoDataFrame, driver: str, **options) -> memoryview:
    import pyogrio

    out = io.BytesIO()
    with made(path), _unplaced_is_meant():
        pyogrio.write_dataframe(frame, out, driver=driver, **{"layer": Path(path).stem, **options})
    return out.getbuffer()


def short_names(columns: list[str]) -> dict[str, str]:
    """Names of at most ten bytes, each its own, by the full name.

    Examples
    --------
    >>> short_names(["id", "area_km2_published", "area_ha_published"])
    {'id': 'id', 'area_km2_published': 'area_km2_p', 'area_ha_published': 'area_ha_pu'}
    """
    found: dict[str, str] = {}
    for name in columns:
        short, number = _cut(name, _NAME_BYTES), 1
        while short.lower() in {s.lower() for s in found.values()}:
            tail = f"_{number}"
            short, number = _cut(name, _NAME_BYTES - len(tail)) + tail, number + 1
        found[name] = short
    return found


def _cut(text: str, size: int, encoding: str = "utf-8") -> str:
    # At a character's border, never inside one.
    return text.encode(encoding)[:size].decode(encoding, "ignore")


def write_shapefile(path: Path | str, frame: gpd.GeoDataFrame, encoding: str = "utf-8") -> Path:
    """Write one frame as a zipped Shapefile, with a table of its shortened column names.

    Parameters
    ----------
    path : path
        The ``.zip`` to write.
    frame : GeoDataFrame
        Of one family of geometry; without a system, no ``.prj`` is written.
    encoding : {'utf-8', 'gbk'}

    Raises
    ------
    InputError
        If a text cannot be written in that character set.

    Notes
    -----
    Text is cut at 254 bytes, at a character's border; the table of names says how often. GDAL does not report
    every failed write, so what it wrote is read back and compared before it is kept.
    """
    frame, names, cut = _shortened(frame, encoding, path)
    stem = Path(path).stem
    with made(path), scratch_folder() as folder:
        file = folder / f"{stem}.shp"
        _write_parts(file, frame, ENCODINGS[encoding][0])
        _require_same(file, frame, ENCODINGS[encoding][0], path)
        parts = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix != ".cpg"}
    parts[f"{stem}.cpg"] = ENCODINGS[encoding][1].encode()
    out = io.StringIO()
    rows = [[as_cell(s), as_cell(full), cut.get(full, 0)] for full, s in names.items()]
    csv.writer(out, lineterminator="\n").writerows(
        [["shapefile", "column", "texts_cut_at_254_bytes"], *rows]
    )
    parts[f"{stem}_fields.csv"] = f"\ufeff{out.getvalue()}".encode()
    return write_bytes(path, zipped(parts))


def _shortened(frame: gpd.GeoDataFrame, encoding: str, path):
    if encoding not in ENCODINGS:
        raise InputError(
            f"no character set '{encoding}'", where=path, remedy=f"one of {', '.join(ENCODINGS)}"
        )
    frame, cut = frame.copy(), {}
    columns = [c for c in frame.columns if c != frame.active_geometry_name]
    for name in columns:
        values = frame[name]
        if values.dtype.kind == "b":
            frame[name] = values.astype("int32")
        if not (values.dtype == object or str(values.dtype).startswith("str")):
            continue
        texts = [None if is_missing(v) else str(v) for v in values]
        frame[name] = [None if t is None else _fitting(t, encoding, name, path) for t in texts]
        cut[name] = sum(t is not None and t != s for t, s in zip(texts, frame[name]))
    names = short_names(columns)
    return frame.rename(columns=names), names, cut


def _fitting(text: str, encoding: str, column: str, path) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError as err:
        odd = text[err.start : err.end]
        raise InputError(
            f"column '{column}' holds '{odd}', which {encoding} does not have",
            where=path,
            remedy="write it as utf-8, or change the text",
        ) from None
    return _cut(text, _TEXT_BYTES, encoding)


@contextlib.contextmanager
def _unplaced_is_meant() -> Iterator[None]:
    # Shifted coordinates must not declare a system, and features without a place are meant to have none:
    # pyogrio warns of what is wanted here.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        warnings.filterwarnings("ignore", "Empty multi geometry", RuntimeWarning)
        yield


def _write_parts(file: Path, frame: gpd.GeoDataFrame, encoding: str) -> None:
    import pyogrio

    options = {"DBF_DATE_LAST_UPDATE": "2000-01-01", "RESIZE": "YES"}
    with _unplaced_is_meant():
        pyogrio.write_dataframe(
            frame, file, driver="ESRI Shapefile", encoding=encoding, layer_options=options
        )


def _require_same(file: Path, frame: gpd.GeoDataFrame, encoding: str, path) -> None:
    import pyogrio
    import shapely

    again = pyogrio.read_dataframe(file, encoding=encoding)
    here, there = frame.geometry.values, again.geometry.values
    same = len(again) == len(frame) and np.array_equal(
        shapely.get_coordinates(shapely.normalize(shapely.force_2d(here))).sum(0).round(6),
        shapely.get_coordinates(shapely.normalize(there)).sum(0).round(6),
    )
    if not same:
        raise WriteError(
            "was not written whole", where=path, remedy="free some space and write it again"
        )
