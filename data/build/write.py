"""Features with the common columns, written the same way every time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import shapely
from rivers import degrees

from urbanplan.files.texts import toml_of

DATA = Path(__file__).parents[1]
COMMON = (
    "id", "name_zh", "name_en", "kind", "district", "status", "quality", "accuracy_m", "source",
    "licence", "as_of", "note_zh", "note_en",
)  # fmt: skip
#: Facts cannot be owned; what is drawn from them here is under the project's licence.
DRAWN = "facts: not copyrightable; drawing MIT"
#: A fact whose page prints no year is dated by the year in which the facts were gathered.
GATHERED = "2026"
#: The plan that the layers follow.
PLAN = "泸市府办发〔2021〕40号; https://www.yeyahui.com/archives/26384.html"


def feature(layer: dict, geometry, **own) -> None:
    """Add a feature to ``layer["rows"]``; `geometry` is metric, in degrees, or None."""
    values = {
        "status": "existing", "quality": "schematic", "accuracy_m": None, "licence": DRAWN,
        "as_of": GATHERED, "district": "", "note_zh": "", "note_en": "",
    }  # fmt: skip
    values |= {k: v for k, v in own.items() if not (k == "as_of" and not v)}
    if geometry is None:
        values["accuracy_m"] = None
    columns = [*COMMON, *layer["columns"]]
    unknown = set(values) - set(columns)
    if unknown:
        raise SystemExit(f"{layer['id']}: unknown columns {unknown}")
    layer["rows"].append(({c: values.get(c) for c in columns}, _rounded(geometry)))


def _rounded(geometry):
    # Coordinates above 180 are metres; everything is stored in degrees with 6 decimals.
    if geometry is None:
        return None
    if shapely.get_coordinates(geometry).max() > 1000:
        geometry = degrees(geometry)
    rounded = shapely.transform(geometry, lambda xy: xy.round(6))
    if rounded.geom_type.endswith("Polygon"):
        rounded = rounded if rounded.is_valid else shapely.set_precision(geometry, 1e-6)
        rounded = shapely.orient_polygons(rounded, exterior_cw=False)
    return rounded


def new_layer(name: str, *columns: str) -> dict:
    """An empty layer with its extra columns."""
    return {"id": name, "columns": columns, "rows": []}


def write(path: Path, text: str) -> None:
    """Write text beside its place, then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(f".{path.name}.tmp")
    tmp.write_text(text, "utf-8")
    tmp.replace(path)


def write_layer(folder: Path, layer: dict) -> Path:
    """Write a layer as RFC 7946 GeoJSON, one feature per line."""
    lines = [
        json.dumps(
            {
                "type": "Feature",
                "properties": values,
                "geometry": None if g is None else json.loads(shapely.to_geojson(g)),
            },
            ensure_ascii=False,
        )
        for values, g in layer["rows"]
    ]
    path = folder / f"{layer['id']}.geojson"
    body = ",\n".join(lines)
    write(path, '{"type": "FeatureCollection", "features": [\n' + body + "\n]}\n")
    return path


def write_table(path: Path, header: tuple[str, ...], rows: list[tuple]) -> Path:
    """Write a CSV table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write(path, out.getvalue())
    return path


def write_manifest(
    paths: list[tuple[Path, tuple[str, ...], str]], origins: dict, registers: dict
) -> None:
    """Write ``manifest.toml``: where everything comes from, its licence, and the SHA-256 of every file."""
    files = {}
    for path, built_from, licence in paths:
        register = registers.get(path.stem, {})
        content = path.read_bytes()
        files[path.name] = {"sha256": hashlib.sha256(content).hexdigest()}
        if path.suffix == ".geojson":
            files[path.name]["features"] = len(json.loads(content)["features"])
        files[path.name] |= {"licence": licence, **register}
        files[path.name]["built_from"] = sorted(built_from)
    text = toml_of({"origins": origins, "files": dict(sorted(files.items()))})
    title = "# Written by data/build; every committed data file with its origins and SHA-256.\n\n"
    write(DATA / "layers" / "luzhou" / "manifest.toml", title + text)
