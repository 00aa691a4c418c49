"""All layers and results of a run in one GeoPackage."""

from __future__ import annotations

from pathlib import Path

from urbanplan import crs
from urbanplan.files import write_geopackage
from urbanplan.study import Results

_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}


def write(results: Results, path: Path | str) -> Path:
    """Write every layer, then the results, in CGCS2000 (EPSG:4490).

    Parameters
    ----------
    results : Results
        What a run found.
    path : path
        The ``.gpkg`` to write.

    Notes
    -----
    WGS84 and CGCS2000 differ by less than a decimetre, far below any layer's accuracy, so the
    numbers of the coordinates stay as they are and only the system's name changes.
    """
    layers, types = {}, {}
    for name, layer in results.layers.items():
        table = layer.frame
        if layer.kind.geometry == "none":
            layers[name] = table.drop(columns="geometry")
        else:
            layers[name] = table.set_crs(crs.CGCS2000, allow_override=True)
            types[name] = _TYPES[layer.kind.geometry]
            if (layer.located.geom_type == "MultiPoint").any():
                types[name] = "MultiPoint"
    for name in ("bands", "isochrones", "gaps", "demand"):
        frame = getattr(results, name).set_crs(crs.CGCS2000, allow_override=True)
        layers[f"result_{name}"], types[f"result_{name}"] = frame, _TYPES["polygon"]
    layers["result_coverage"] = results.coverage
    if len(results.what_ifs):
        layers["result_what_ifs"] = results.what_ifs
    layers["result_indicators"] = results.indicators
    layers["result_checks"] = results.checks
    return write_geopackage(path, layers, types)
