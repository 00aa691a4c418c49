"""Vector files through GDAL: one named driver, an honest count first, then rows in batches."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan.base.crs import parse_crs
from urbanplan.errors import InputError, LayersError, UrbanplanError
from urbanplan.files.cells import MAX_COLUMNS

if TYPE_CHECKING:
    import fiona
    import geopandas as gpd
    import numpy as np

#: So many cells may any layer have, a larger one so many for each byte of its file.
_FREE_CELLS, _MAX_CELLS = 20_000_000, 4
#: More features than this are refused unless the user says that the file is meant to be large.
MAX_FEATURES = 5_000_000
#: Features held as Python objects at a time while a file is read.
BATCH = 65_536
#: Layers of one file that are looked at.
MAX_LAYERS = 1000
#: Bytes of a GeoJSON whose mixed columns are read a second time.
MAX_MIXED = 256 * 2**20
#: The greatest whole number up to which a float holds every one, and from where on GDAL's are cut.
_EXACT, _BEYOND = 2**53, 2**63 - 1
#: What GDAL is told as it opens, by driver.
OPEN_OPTIONS = {
    "GPKG": {"LIST_ALL_TABLES": "NO", "IMMUTABLE": "YES"},
    # Fiona leaves columns of lists out without a word.
    "GeoJSON": {"ARRAY_AS_STRING": "YES"},
    "GML": {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO", "EXPOSE_GML_ID": "NO"},
}


#: Parts within parts that one geometry may have: GEOS goes down by recursion, and deeper ones end the process.
MAX_NESTED = 1000
#: How WKB begins what holds other geometries, in both orders of bytes, with Z and M in both manners.
_HOLDS = re.compile(
    rb"\x01(?:[\x04-\x0c]\0|[\xec-\xf4]\x03|[\xd4-\xdc]\x07|[\xbc-\xc4]\x0b)\0[\0\x20\x40\x60\x80\xa0\xc0\xe0]"
    rb"|\0[\0\x20\x40\x60\x80\xa0\xc0\xe0]\0(?:\0[\x04-\x0c]|\x03[\xec-\xf4]|\x07[\xd4-\xdc]|\x0b[\xbc-\xc4])"
)


@dataclass(frozen=True)
class LayerInfo:
    """One layer of a file, as listed before it is read.

    Parameters
    ----------
    name : str
        The layer's name.
    count : int or None
        Features in it; None where only reading it would tell.
    spatial : bool
        Whether its rows have geometry.
    """

    name: str
    count: int | None
    spatial: bool = True

    @property
    def many(self) -> str:
        """How many features it has, in words."""
        if self.count is None:
            return "not counted"
        return "1 feature" if self.count == 1 else f"{self.count:,} features"

    def __str__(self) -> str:
        return f"{self.name} ({self.many}{'' if self.spatial else ', no geometry'})"


@dataclass(frozen=True)
class Found:
    """One layer as read.

    Parameters
    ----------
    frame : GeoDataFrame
        Columns as in the file.
    crs_from : str
        "file", "format" or "".
    notes : tuple of str
        What the reader must know.
    layer : str or None
        Its name, where the file has several.
    system : str
        The system that the names of its columns say: "gcj02", "wgs84" and the like, or "".
    placeless : str
        Why no row of a table can have a place; empty where one could.
    """

    frame: gpd.GeoDataFrame
    crs_from: str = ""
    notes: tuple[str, ...] = ()
    layer: str | None = None
    system: str = ""
    placeless: str = ""


@contextlib.contextmanager
def guarded(path: Path, kind: str, program: str = "QGIS") -> Iterator[None]:
    """Turn whatever a reading library raises on damaged input into one sentence about `path`."""
    try:
        yield
    except UrbanplanError:
        raise
    except UnicodeDecodeError as err:
        raise InputError(
            f"has text that is not {err.encoding.upper()}",
            where=path,
            remedy="name its encoding with --encoding, or save it as UTF-8",
        ) from None
    # Libraries raise errors of every kind on damaged bytes, down to RecursionError.
    except Exception as err:
        # What a parser says of its own insides helps nobody; URBANPLAN_DEBUG=1 shows it.
        raise InputError(
            f"cannot be read as {kind}: it is damaged, or something else",
            where=path,
            remedy=f"open it in {program} and save it again, or restore it from its source",
        ) from err


def too_many(path: Path, limit: int) -> InputError:
    """The error for a file with more features than `limit`."""
    return InputError(
        f"has more than {limit:,} features",
        where=path,
        remedy="cut it to the city, or pass large=True (--large)",
    )


def refuse_nested(path: Path | str, shapes: Iterable[bytes | str | None]) -> None:
    """Refuse WKB (also as its hexadecimals) and WKT of parts within parts too deep for the libraries that read it."""
    for shape in shapes:
        # Each level takes nine bytes at least, so hardly any has to be looked at.
        if shape is None or len(shape) <= 9 * MAX_NESTED:
            continue
        if isinstance(shape, str) and "(" in shape:
            depth = _depth(shape)
        else:
            raw = bytes.fromhex(shape) if isinstance(shape, str) else shape
            # Figures may look like heads: only where there are many is the whole walked.
            most = sum(1 for _ in _HOLDS.finditer(raw))
            depth = _depth_of(raw) if most > MAX_NESTED else most
        if depth > MAX_NESTED:
            raise InputError(
                f"has a geometry of more than {MAX_NESTED:,} parts within parts",
                where=path,
                remedy="take its collections apart, and export it again as GeoPackage",
            )


def _depth(text: str) -> int:
    import numpy as np

    marks = np.frombuffer(text.encode(), np.uint8)
    return int(np.cumsum((marks == ord("(")).astype(int) - (marks == ord(")"))).max(initial=0))


def _depth_of(raw: bytes) -> int:
    """How deep geometries lie in one another in WKB, as far as it can be read."""
    open_counts: list[int] = []
    at = deepest = 0
    with contextlib.suppress(struct.error, IndexError):
        while at == 0 or open_counts:
            order = "<" if raw[at] else ">"
            (kind,) = struct.unpack_from(f"{order}I", raw, at + 1)
            at += 9 if kind & 0x20000000 else 5
            base, more = kind & 0xFFFF, (kind >> 31) + (kind >> 30 & 1)
            size = 8 * (2 + more + (0, 1, 1, 2)[base // 1000])
            if base % 1000 in (1, 2, 8):
                (count,) = (1,) if base % 1000 == 1 else struct.unpack_from(f"{order}I", raw, at)
                at += count * size + 4 * (base % 1000 != 1)
            elif base % 1000 == 3:
                (rings,) = struct.unpack_from(f"{order}I", raw, at)
                at += 4
                for _ in range(rings):
                    at += 4 + size * struct.unpack_from(f"{order}I", raw, at)[0]
            else:
                open_counts.append(struct.unpack_from(f"{order}I", raw, at)[0] + 1)
                deepest, at = max(deepest, len(open_counts)), at + 4
            while open_counts and open_counts[-1] <= 1:
                open_counts.pop()
            if open_counts:
                open_counts[-1] -= 1
    return deepest


class _Faults(logging.Handler):
    """Counts what GDAL says of features that it cannot read; it gives them without their geometry."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        self.count += 1

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Listen, as long as the block lasts."""
        logger = logging.getLogger("fiona._env")
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Fiona from printing a traceback where GDAL's own message is not UTF-8."""
    hooks = sys.unraisablehook, sys.excepthook

    def unraisable(said: Any) -> None:
        if not isinstance(said.exc_value, UnicodeDecodeError):
            hooks[0](said)

    def excepted(kind: type, value: BaseException, trace: Any) -> None:
        if not isinstance(value, UnicodeDecodeError):
            hooks[1](kind, value, trace)

    sys.unraisablehook, sys.excepthook = unraisable, excepted
    try:
        yield
    finally:
        sys.unraisablehook, sys.excepthook = hooks


@contextlib.contextmanager
def opened(
    path: Path,
    driver: str,
    index: int | str = 0,
    config: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[fiona.Collection]:
    """Open the layer of that number or name with `driver` and with no other, under GDAL's options `config`."""
    import fiona

    with _quiet(), fiona.Env(**(config or {})) as env:
        # An unknown name in `enabled_drivers` would make GDAL try every driver that it has.
        if driver not in env.drivers():
            raise InputError(
                f"needs GDAL's driver {driver}, which this installation does not have",
                where=path,
                remedy="install fiona from PyPI, or convert the file to GeoPackage",
            )
        with fiona.open(
            str(path.absolute()),
            layer=index or None,
            enabled_drivers=[driver],
            allow_unsupported_drivers=True,
            **OPEN_OPTIONS.get(driver, {}),
            **options,
        ) as src:
            yield src


def points_within(
    path: Path, driver: str, bounds: tuple[float, float, float, float]
) -> Iterator[tuple[Mapping[str, Any], float, float]]:
    """Properties, x and y of the points of a file inside a box, one by one: the rest is not looked at."""
    with guarded(path, driver), opened(path, driver) as src:
        for row in src.filter(bbox=bounds):
            x, y, *_ = row.geometry["coordinates"]
            yield row.properties, float(x), float(y)


def feature_count(src: fiona.Collection) -> int | None:
    """Number of features, where the driver knows it without reading them."""
    try:
        return len(src)
    except TypeError:
        return None


def list_layers(path: Path, driver: str) -> list[LayerInfo]:
    """Layers of a file, in its order."""
    found: list[LayerInfo] = []
    with guarded(path, driver):
        for index in range(MAX_LAYERS):
            try:
                with opened(path, driver, index) as src:
                    spatial = src.schema["geometry"] != "None"
                    found.append(LayerInfo(str(src.name), feature_count(src), spatial))
            # Fiona says "Null layer" beyond the last one.
            except ValueError as err:
                if "Null layer" not in str(err):
                    raise
                break
    return found


def which_layer(what: str, path: Path, layers: Mapping[str, str]) -> LayersError:
    """The error for a file whose layers, told by name, must be chosen from."""
    listed = ", ".join(list(layers.values())[:50]) + (" …" if len(layers) > 50 else "")
    remedy = f"name one with --layer, or as FILE|layername=NAME: {listed}"
    return LayersError(what, where=path, remedy=remedy, layers=layers)


def choose(path: Path, layers: list[LayerInfo], layer: str | None) -> tuple[int, tuple[str, ...]]:
    """Number of the layer to read, and a note on those that are not read.

    Raises
    ------
    LayersError
        If several could be meant, or none has the name asked for.
    """
    if not layers:
        raise InputError(
            "holds no layers", where=path, remedy="export it again with at least one layer"
        )
    names = {one.name: str(one) for one in layers}
    if layer is not None:
        named = [i for i, one in enumerate(layers) if one.name == layer]
        if len(named) != 1:
            what = "has no layer" if not named else "has more than one layer"
            raise which_layer(f"{what} '{layer}'", path, names)
        index = named[0]
    else:
        spatial = [i for i, one in enumerate(layers) if one.spatial]
        index = (spatial or [0])[0]
        if len(spatial) > 1 or (not spatial and len(layers) > 1):
            raise which_layer(f"has {len(layers)} layers", path, names)
    rest = [str(one) for i, one in enumerate(layers) if i != index]
    return index, ((f"layers not read: {', '.join(rest[:50])}",) if rest else ())


def read_features(
    path: Path,
    driver: str,
    index: int | str = 0,
    *,
    expected: int | None = None,
    large: bool = False,
    **options: Any,
) -> Found:
    """Read one layer, streaming it in batches.

    Parameters
    ----------
    path : path
        The file or folder.
    driver : str
        The GDAL driver; no other is tried.
    index : int or str
        Number or name of the layer.
    expected : int, optional
        Features that must come; the driver's own count if not given.
    large : bool
        Whether more than `MAX_FEATURES` are meant.
    **options
        Passed to `opened`.

    Returns
    -------
    Found
        Rows in the file's order, and its coordinate system.
    """
    limit = None if large else MAX_FEATURES
    with guarded(path, driver):
        with opened(path, driver, index, **options) as src:
            count = feature_count(src)
            if limit and count is None:
                _refuse_many(path, driver, index, limit, **options)
            if limit and max(count or 0, expected or 0) > limit:
                raise too_many(path, limit)
            refuse_wide(path, len(src.schema["properties"]), max(count or 0, expected or 0))
            packed = [n for n, kind in src.schema["properties"].items() if kind == "json"]
            if not packed:
                frame, notes = _stream(src, path, limit)
                crs, said = _declared_crs(src)
        long = _clamped(frame) if driver == "GeoJSON" and not packed else []
        if packed or long:
            return _read_packed(path, driver, packed or long, large=large)
        count = expected if expected is not None else count
        if count is not None and len(frame) < count:
            notes += _missing(path, driver, len(frame), count)
        if crs is not None:
            frame = frame.set_crs(crs)
    return Found(frame, "file" if crs is not None else "", notes + said)


def refuse_wide(path: Path, columns: int, rows: int) -> None:
    """Refuse what would be a table of nothings: each feature of some formats may have columns of its own."""
    if columns > MAX_COLUMNS:
        raise InputError(
            f"has more than {MAX_COLUMNS:,} columns", where=path, remedy="keep those you need"
        )
    if (
        columns * rows > _FREE_CELLS
        and path.is_file()
        and columns * rows > _MAX_CELLS * path.stat().st_size
    ):
        raise InputError(
            f"has {columns:,} columns, of which its features fill hardly any", where=path, remedy="keep those you need"
        )  # fmt: skip


def _refuse_many(path: Path, driver: str, index: int | str, limit: int, **options: Any) -> None:
    """Count by reading, and keep nothing, where the driver does not know its number."""
    with opened(path, driver, index, ignore_geometry=True, **options) as src:
        for n, _ in enumerate(src, 1):
            if n > limit:
                raise too_many(path, limit)


def _missing(path: Path, driver: str, got: int, count: int) -> tuple[str, ...]:
    """A note where rows may rightly be absent, else an error."""
    if driver == "ESRI Shapefile":
        return (f"{count - got:,} of {count:,} rows are marked as deleted and were not read",)
    raise InputError(
        f"is damaged (only {got:,} of {count:,} features can be read)",
        where=path,
        remedy="restore it from its source",
    )


def _declared_crs(src: fiona.Collection) -> tuple[Any, tuple[str, ...]]:
    """Coordinate system as the file declares it, and a note where it cannot be understood."""
    try:
        crs = parse_crs(src.crs.to_wkt()) if src.crs else None
    # What is wrong with a definition does not make the coordinates unreadable.
    except Exception:
        return None, ("its coordinate system cannot be understood and was left out",)
    if crs is not None and is_undefined(crs):
        return None, (f"its coordinate system is called '{crs.name}', which is none",)
    return crs, ()


def is_undefined(crs: Any) -> bool:
    """Whether a system only says that nobody named one: GeoPackage's 0 and -1, a drawing's own axes."""
    return crs.is_engineering or crs.name.casefold().startswith(("undefined", "unnamed local"))


def _stream(
    src: fiona.Collection, path: Path, limit: int | None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """All features of an open layer, and notes on what was changed."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    types = dict(src.schema["properties"])
    held: dict[str, list] = {name: [] for name in types}
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in types}
    shapes: list = []
    parts: list[np.ndarray] = []

    def flush() -> None:
        parts.append(_shapes(shapes))
        shapes.clear()
        for name, values in held.items():
            chunks[name].append(_column(values, types[name]))
            values.clear()

    faults, heard, broken = _Faults(), 0, []
    with faults.counting():
        for n, feature in enumerate(src, 1):
            if limit and n > limit:
                raise too_many(path, limit)
            shapes.append(feature.geometry)
            if faults.count > heard:
                heard = faults.count
                broken += [n] if shapes[-1] is None else []
            properties = feature.properties
            for name, values in held.items():
                values.append(properties.get(name))
            if len(shapes) == BATCH:
                flush()
    flush()
    geometry, notes = finite(np.concatenate(parts))
    if broken:
        some = ", ".join(map(str, broken[:3])) + " …" * (len(broken) > 3)
        notes += (
            f"{len(broken):,} rows have damaged geometry, which was left out (there may be more): row {some}",
        )
    columns, renamed = beside_geometry({name: np.concatenate(chunks.pop(name)) for name in types})
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=geometry), notes + renamed


def _clamped(frame: gpd.GeoDataFrame) -> list[str]:
    # GDAL turns whole numbers of more than 64 bits, such as S2's cells, into the greatest that it has.
    return [
        name
        for name, column in frame.items()
        if column.dtype.kind in "if" and bool((column.abs() >= _BEYOND).any())
    ]


def feature_ids(path: Path) -> list[Any]:
    """Ids that features of a GeoJSON have beside their properties, None where one has none; nothing where none has.

    GDAL keeps texts as a column, and drops numbers.

    References
    ----------
    RFC 7946, 3.2.
    """
    ids: list[Any] = []
    if path.stat().st_size > MAX_MIXED or b'"id"' not in path.read_bytes():
        return ids

    def taken(held: dict[str, Any]) -> None:
        if held.get("type") == "Feature":
            ids.append(held.get("id"))

    with guarded(path, "GeoJSON"):
        json.loads(path.read_text("utf-8-sig"), object_hook=taken)
    return ids if any(isinstance(i, int | float | str) for i in ids) else []


def _read_packed(path: Path, driver: str, names: list[str], *, large: bool) -> Found:
    """GeoJSON with columns of several kinds of values, which Fiona cannot take as they stand."""
    listed = ", ".join(f"'{name}'" for name in names)
    error = InputError(
        f"has several kinds of values, or numbers of more than 64 bits, in its column {listed}",
        where=path,
        remedy="make each column of one kind, in QGIS or a table program; long ids are texts",
    )
    if path.stat().st_size > MAX_MIXED:
        raise error
    held = json.loads(path.read_text("utf-8-sig"))
    for feature in held.get("features", [held]):
        properties = feature.get("properties") or {}
        # A mark before it, so that nothing takes a text for a date or a number.
        properties |= {n: f"={json.dumps(properties[n], ensure_ascii=False)}" for n in names if n in properties}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="urbanplan-") as folder:
        copy = Path(folder) / path.name
        copy.write_text(json.dumps(held, ensure_ascii=False), "utf-8")
        found = read_features(copy, driver, large=large)
    for name in names:
        own = name if name != "geometry" else "geometry_1"
        values = [json.loads(v[1:]) if isinstance(v, str) else None for v in found.frame[own]]
        texts = [json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v for v in values]  # fmt: skip
        found.frame[own] = _column(texts, "str")
    return found


def _shapes(geometries: list) -> np.ndarray:
    """Shapely geometries of Fiona's, None where there is none."""
    import numpy as np
    from shapely.geometry import shape

    found = np.empty(len(geometries), dtype=object)
    for i, geometry in enumerate(geometries):
        found[i] = None if geometry is None else shape(geometry)
    return found


def _column(values: list, kind: str) -> np.ndarray:
    """Values of one column as the narrowest array that holds them all."""
    import numpy as np

    bare = kind.split(":")[0]
    absent = None in values
    if bare.startswith("int") and absent and any(v is not None and abs(v) > _EXACT for v in values):
        # A float would round an id of this length.
        bare = "str"
    if bare == "float" or (bare.startswith("int") and absent):
        return np.array([np.nan if v is None else v for v in values], dtype="float64")
    if bare.startswith("int"):
        return np.array(values, dtype="int64")
    if bare == "bool" and not absent:
        return np.array(values, dtype=bool)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def finite(geometry: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Geometries with those taken out that have NaN or infinite coordinates, and a note on them."""
    import numpy as np
    import shapely

    xy, row = shapely.get_coordinates(geometry, return_index=True)
    # An empty point is NaN by definition and has no coordinates here.
    bad = np.unique(row[~np.isfinite(xy).all(axis=1)])
    if not len(bad):
        return geometry, ()
    geometry = geometry.copy()
    geometry[bad] = None
    return geometry, (f"{len(bad):,} rows have coordinates that are not numbers: no geometry",)


def beside_geometry(columns: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Columns with one called 'geometry' renamed, as the frame's own column has that name."""
    if "geometry" not in columns:
        return columns, ()
    name = next(n for n in map("geometry_{}".format, range(1, 10_000)) if n not in columns)
    renamed = {name if key == "geometry" else key: value for key, value in columns.items()}
    return renamed, (f"the column 'geometry' is called '{name}' here",)


def with_plain_cells(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame whose columns have names of text, each its own, and cells that Python compares as usual.

    Parquet has arrays, bytes, categories and numbers that may be missing in ways of its own.
    """
    import pandas as pd
    from pandas.api.types import is_extension_array_dtype

    place = frame.geometry.name
    taken: set[str] = {place}
    columns: dict[str, Any] = {}
    for i, name in enumerate(frame.columns):
        if name == place:
            continue
        column = frame.iloc[:, i]
        if is_extension_array_dtype(column.dtype) and column.dtype.kind != "M":
            column = column.astype(object).where(column.notna(), None)
        if column.dtype == object:
            cells = column.tolist()
            if any(_is_packed(cell) for cell in cells):
                column = pd.Series([_unpacked(cell) for cell in cells], column.index, object)
        text = str(name)
        own = next(
            n for n in chain((text,), map(f"{text}_{{}}".format, count(1))) if n not in taken
        )
        taken.add(own)
        columns[own] = column
    table = pd.DataFrame(columns, index=frame.index)
    return type(frame)(table, geometry=frame.geometry)


def _is_packed(cell: Any) -> bool:
    return not isinstance(cell, str) and (hasattr(cell, "__len__") or hasattr(cell, "__iter__"))


def _unpacked(cell: Any) -> Any:
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell).hex()
    return cell.tolist() if hasattr(cell, "tolist") else cell


def cell_text(cell: Any) -> Any:
    """A cell as it is, and a list or a record as its JSON."""
    packed = isinstance(cell, list | dict | tuple)
    return json.dumps(cell, ensure_ascii=False, default=str) if packed else cell
