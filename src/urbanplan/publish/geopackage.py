"""All layers and results of a run in one GeoPackage."""

from __future__ import annotations

from pathlib import Path

from urbanplan import crs
from urbanplan.files import write_geopackage
from urbanplan.publish.content import tables_of, types_of
from urbanplan.study import Results


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
    types = types_of(results)
    layers = {
        name: table.set_crs(crs.CGCS2000, allow_override=True) if name in types else table
        for name, table in tables_of(results).items()
    }
    return write_geopackage(path, layers, types)
