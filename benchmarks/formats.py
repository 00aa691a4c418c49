"""Files of the same frame beside `geopandas.to_file`: python benchmarks/formats.py [--size 50000]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pages import parcels
from side_by_side import alternate
from urbanplan.files import (
    PackageNotes,
    write_flatgeobuf,
    write_geojson,
    write_geopackage,
    write_parquet,
    write_shapefile,
)


def main() -> None:
    """Measure and print the table."""
    ask = argparse.ArgumentParser(prog="benchmarks/formats.py", description=__doc__)
    ask.add_argument("--size", type=int, default=50_000)
    frame, folder = parcels(ask.parse_args().size), Path(tempfile.mkdtemp())
    notes = PackageNotes(titles={"p": "地块"})
    ours = {
        "GeoPackage": ("a.gpkg", lambda p: write_geopackage(p, {"p": frame}, notes=notes)),
        "GeoParquet": ("a.parquet", lambda p: write_parquet(p, frame)),
        "FlatGeobuf": ("a.fgb", lambda p: write_flatgeobuf(p, frame)),
        "GeoJSON": ("a.geojson", lambda p: write_geojson(p, frame)),
        "Shapefile": ("a.zip", lambda p: write_shapefile(p, frame)),
    }
    theirs = {
        "GeoPackage": ("b.gpkg", lambda p: frame.to_file(p, layer="p")),
        "GeoParquet": ("b.parquet", lambda p: frame.to_parquet(p)),
        "FlatGeobuf": ("b.fgb", lambda p: frame.to_file(p, driver="FlatGeobuf")),
        "GeoJSON": ("b.geojson", lambda p: frame.to_file(p, driver="GeoJSON")),
        "Shapefile": ("b.shp", lambda p: frame.to_file(p)),
    }
    print(f"{len(frame):,} areas of ten corners, six columns.\n")
    print("| format | urbanplan s | geopandas s | time | urbanplan MB | geopandas MB |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (mine, write) in ours.items():
        other, plain = theirs[name]
        a, b, _, _ = alternate(lambda w=write, m=mine: w(folder / m), lambda p=plain, o=other: p(folder / o))  # fmt: skip
        sizes = [sum(f.stat().st_size for f in folder.glob(f"{Path(x).stem}.*") if f.suffix in _parts(x)) for x in (mine, other)]  # fmt: skip
        print(f"| {name} | {a:.2f} | {b:.2f} | {a / b:.1f} × | {sizes[0] / 1e6:.1f} | {sizes[1] / 1e6:.1f} |")  # fmt: skip


def _parts(name: str) -> set[str]:
    return {".shp", ".shx", ".dbf", ".prj", ".cpg"} if name.endswith(".shp") else {Path(name).suffix}  # fmt: skip


if __name__ == "__main__":
    main()
