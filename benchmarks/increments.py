"""One more facility as a scenario beside a whole run: python benchmarks/increments.py [CITY]."""

from __future__ import annotations

import statistics
import sys

import numpy as np

from side_by_side import timed
from urbanplan import study
from urbanplan.city.profile import City, load_city
from urbanplan.measures.scenarios import BASELINE, parse_scenarios

#: Times that either is measured.
REPEATS = 5


def main(name: str = "luzhou") -> None:
    """Print both, their ratio, and how far the answers agree."""
    city = load_city(name)
    plan = city.analysis
    # Compiled once, so that neither side pays for it.
    base = study.run(city)
    lon, lat = _worst_off(base)
    values = {
        "name_zh": "新设施",
        "name_en": "One more",
        "quality": "modelled",
        "accuracy_m": 500.0,
    }
    layer = plan.headline_facilities
    added = {"do": "add", "layer": layer, "id": "one_more", "at": [lon, lat], "values": values}
    row = {"id": "one_more", "name_zh": "新设施", "name_en": "One more", "change": [added]}
    known = parse_scenarios({"scenario": [row]})
    whole, part, found = [], [], None
    for _ in range(REPEATS):
        whole.append(timed(lambda: study.run(city))[0])
        variants = _warm(city, known)
        seconds, found = timed(lambda v=variants: _asked(v, "one_more"))
        part.append(seconds)
    full, one = statistics.median(whole), statistics.median(part)
    # From nothing, in the same words: what was reused must not show.
    fresh = _asked(study.Variants(city, known), "one_more")
    off = max(np.nanmax(np.abs(a["persons_covered"] - b["persons_covered"])) for a, b in zip(found, fresh))  # fmt: skip
    print("| work | whole run | one more facility | ratio | agreement with a fresh computation |")
    print("|---|---|---|---|---|")
    print(f"| {city.id}: coverage of every kind and mode, minutes, map of change | {full:.2f} s | {one:.3f} s | 1/{full / one:.0f} | {off:g} people |")  # fmt: skip


def _worst_off(base: study.Results) -> tuple[float, float]:
    plan = base.city.analysis
    gap = base.gaps[base.gaps["mode"] == plan.headline_mode].iloc[0]
    point = gap.geometry.representative_point()
    return float(point.x), float(point.y)


def _warm(city: City, known) -> study.Variants:
    # As in a session that has shown the baseline: its minutes are there.
    variants = study.Variants(city, known)
    _asked(variants, BASELINE)
    return variants


def _asked(variants: study.Variants, name: str):
    plan = variants.city.analysis
    tables = [variants.coverage(name, f, m) for f in plan.facilities for m in plan.modes]
    if name != BASELINE:
        study.difference_map(variants, BASELINE, name, plan.headline_facilities, plan.headline_mode)
    return tables


if __name__ == "__main__":
    main(*sys.argv[1:2])
