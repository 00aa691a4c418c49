"""temp"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Delivery:
    path: Path
    sha256: str
    driver: str
    layer: str | None
    frame: Any
    crs_from: str
    notes: tuple[str, ...]


def read_delivery(path, *, layer=None, encoding=None, large=False):
    from urbanplan.files.reading import read_vector, sha256

    f = read_vector(path)
    return Delivery(Path(path), sha256(path), "GeoJSON", None, f, "file", ())
