"""Everything that a run leaves behind, in one folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from urbanplan import __version__
from urbanplan.files import sha256, write_csv, write_json
from urbanplan.publish import geopackage, html, qgis, raster
from urbanplan.study import Results, Watch
from urbanplan.study.keep import inputs_of

#: Libraries whose version can change a result.
_LIBRARIES = (
    "geopandas", "shapely", "pyproj", "pyogrio", "fiona", "rasterio", "scipy", "numpy", "pandas",
    "contourpy", "exactextract", "pypinyin",
)  # fmt: skip


def write(
    results: Results,
    folder: Path | str,
    *,
    page: html.Options = html.Options(),  # noqa: B008
    watch: Watch = nullcontext,
) -> dict[str, Path]:
    """Write GeoPackage, QGIS project, page, raster and tables of a run.

    Parameters
    ----------
    results : Results
    folder : path
        Created if it is missing; files of the same names are replaced one by one, atomically.
    page : urbanplan.publish.html.Options, optional
        How the page is made.
    watch : callable, optional
        Called with each output's name; returns a context manager.

    Returns
    -------
    dict of str to Path
        What was written, by name.
    """
    folder, city = Path(folder), results.city.id
    written = {}
    with watch("tables"):
        written["coverage"] = write_csv(folder / "coverage.csv", results.coverage)
        written["scenarios"] = write_csv(folder / "scenarios.csv", results.scenario_coverage)
        written["indicators"] = write_csv(folder / "indicators.csv", results.indicators)
        written["checks"] = write_csv(folder / "checks.csv", results.checks)
        written["data_gaps"] = write_csv(folder / "data_gaps.csv", results.data_gaps)
        book = results.plan
        if book.plan.tasks:
            written["plan"] = write_csv(folder / "plan.csv", book.ledger)
        if len(book.targets):
            written["targets"] = write_csv(folder / "targets.csv", book.targets)
        conflicts = book.conflicts.drop(columns="geometry")
        written["conflicts"] = write_csv(folder / "conflicts.csv", conflicts)
    with watch("raster"):
        written["raster"] = raster.write(results, folder / "travel_minutes.tif")
    with watch("geopackage"):
        written["geopackage"] = geopackage.write(results, folder / f"{city}.gpkg")
    with watch("qgis"):
        written["qgis"] = qgis.write(results, folder / f"{city}.qgz")
    with watch("page"):
        written["page"] = html.write(results, folder / "index.html", page)
    return written


def write_log(
    results: Results, folder: Path | str, written: Mapping[str, Path], stages: list[dict[str, Any]]
) -> Path:
    """Write ``run.json``: versions, hashes of inputs and outputs, and what each stage cost."""
    log = {
        "urbanplan": __version__,
        "city": results.city.id,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "inputs_sha256": inputs_of(results.city, results.layers),
        "outputs_sha256": {path.name: sha256(path) for path in written.values()},
        "resumed": list(results.resumed),
        "stages": stages,
        "findings": list(results.findings),
        "data_gaps": results.data_gaps.astype(object)
        .where(results.data_gaps.notna(), None)
        .to_dict("records"),
    }
    return write_json(Path(folder) / "run.json", log)
