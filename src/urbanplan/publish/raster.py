"""Minutes to the nearest facility as a Cloud Optimized GeoTIFF, one band per kind and mode."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from urbanplan.files import write_cog
from urbanplan.study import Results


def write(results: Results, path: Path | str) -> Path:
    """Write minutes per cell; nodata (NaN) is water, outside, or out of reach.

    Parameters
    ----------
    results : Results
    path : path
        The ``.tif`` to write; its bands are described ``<facilities> <mode> (min)``.
    """
    names = [f"{facilities} {mode} (min)" for facilities, mode in results.minutes]
    # As it is written, and in place: a sparse city's grid is large.
    bands = np.stack([minutes.astype(np.float32) for minutes in results.minutes.values()])
    bands[~np.isfinite(bands)] = np.nan
    tags = {
        "quality": "modelled",
        "unit": "minutes",
        "notice_en": results.city.notice_en,
        "notice_zh": results.city.notice_zh,
    }
    grid = results.grid
    return write_cog(path, bands, names, crs=grid.crs, transform=grid.transform, tags=tags)
