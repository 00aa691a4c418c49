"""A STAC 1.1 catalogue of a folder: a collection per layer, its files as assets with checksums."""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from urbanplan.city import City
from urbanplan.files import sha256, size_bytes, write_text
from urbanplan.publish.metadata import About

_TYPES = {
    ".parquet": "application/vnd.apache.parquet", ".fgb": "application/vnd.flatgeobuf", ".geojson": "application/geo+json",
    ".zip": "application/zip", ".kml": "application/vnd.google-earth.kml+xml", ".gml": "application/gml+xml",
    ".sld": "application/vnd.ogc.sld+xml", ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".dxf": "image/vnd.dxf",
}  # fmt: skip
#: STAC's extension for checksums; SHA-256 as a multihash starts with these bytes.
_FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_MULTIHASH = "1220"


def write(
    city: City, about: Mapping[str, About], written: Mapping[str, Path], folder: Path
) -> dict[str, Path]:
    """Write ``stac/catalog.json`` and a collection per layer.

    Parameters
    ----------
    city : City
    about : dict of str to About
        By table.
    written : dict of str to Path
        Files by ``format/layer``.
    folder : path
    """
    root, found = folder / "stac", {}
    layers: dict[str, dict[str, Path]] = {}
    for name, path in written.items():
        kind, _, layer = name.partition("/")
        if layer in about:
            layers.setdefault(layer, {})[kind] = path
    for layer, files in layers.items():
        path = root / layer / "collection.json"
        found[f"stac/{layer}"] = _write(path, _collection(about[layer], files, path.parent))
    children = [
        {"rel": "child", "href": f"./{layer}/collection.json", "type": "application/json", "title": about[layer].title_zh}
        for layer in layers
    ]  # fmt: skip
    catalog = {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": city.id,
        "title": f"{city.name_zh} / {city.name_en}",
        "description": f"{city.notice_zh} {city.notice_en}".strip() or city.name_en,
        "links": [_link("root", "./catalog.json"), _link("self", "./catalog.json"), *children],
    }
    found["stac/catalog"] = _write(root / "catalog.json", catalog)
    return found


def _write(path: Path, value: Mapping[str, Any]) -> Path:
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": "application/json"}


def _collection(about: About, files: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    box = list(about.extent or (-180.0, -90.0, 180.0, 90.0))
    assets = {
        kind: {
            "href": "../../" + path.relative_to(folder.parents[1]).as_posix(),
            "type": _TYPES[path.suffix],
            "title": f"{about.title_zh} ({kind})",
            "roles": ["data"],
            "file:size": size_bytes(path),
            "file:checksum": _MULTIHASH + sha256(path),
        }
        for kind, path in files.items()
    }
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [_FILE],
        "id": about.id,
        "title": about.title_zh,
        "description": f"{about.abstract} {about.notice}".strip(),
        "keywords": list(about.keywords),
        # The licences are several, and not all are SPDX names: they stand with each provider.
        "license": "other",
        "providers": [
            {"name": source[:200], "roles": ["producer"], "description": "；".join(about.licences)}
            for source in about.lineage[:20]
        ],
        "extent": {
            "spatial": {"bbox": [box]},
            "temporal": {"interval": [[None, _instant(about.date)]]},
        },
        "summaries": {"accuracy_m": [about.accuracy_m] if about.accuracy_m else [], "quality": [about.quality]},
        "links": [_link("root", "../catalog.json"), _link("parent", "../catalog.json")],
        "assets": assets,
    }  # fmt: skip


def _instant(date: str) -> str | None:
    # A year or month is over at its end; an interval needs an instant, and what is no date has none.
    stated = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?", date)
    if stated is None:
        return None
    year, month, day = (int(part or 0) for part in stated.groups())
    month = month or 12
    if not (year >= 1 and month <= 12 and day <= (last := calendar.monthrange(year, month)[1])):
        return None
    return f"{year:04d}-{month:02d}-{day or last:02d}T00:00:00Z"
