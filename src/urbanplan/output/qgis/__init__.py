"""A QGIS project beside the GeoPackage that it shows; no QGIS is needed to write it."""

from __future__ import annotations

from pathlib import Path

from urbanplan.base.crs import CGCS2000
from urbanplan.files import write_bytes, zipped
from urbanplan.output.qgis.project import project
from urbanplan.output.vector import require_output_crs
from urbanplan.study import Results

__all__ = ["project", "write"]


def write(
    results: Results,
    path: Path | str,
    package: str | None = None,
    *,
    raster: str | None = "travel_minutes.tif",
    crs: str = CGCS2000,
) -> Path:
    """Write a project with relative paths to files beside it.

    Parameters
    ----------
    results : Results
    path : path
        The ``.qgz`` to write.
    package : str, optional
        Name of the GeoPackage (`urbanplan.output.formats`); the project's own by default.
    raster : str, optional
        Name of the raster of minutes; None leaves it out.
    crs : str, optional
        What the GeoPackage is stored in.
    """
    path = Path(path)
    code = require_output_crs(results.city, crs)
    text = project(results, f"./{package or path.stem + '.gpkg'}", code, raster and f"./{raster}")
    return write_bytes(path, zipped({f"{path.stem}.qgs": text}))
