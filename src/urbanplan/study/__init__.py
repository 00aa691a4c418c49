"""A run: from a city's folder to results, stage by stage, with what each stage cost."""

from __future__ import annotations

from urbanplan.study.checkup import counted, grade_notes, listed, scene_of, standards_of, untold
from urbanplan.study.compare import Comparison, before_and_after, compare, difference_map
from urbanplan.study.model import Ready, bridge_dependence, check_opened, coverage_of, prepare
from urbanplan.study.run import Inputs, Results, Timed, Watch, plan_of, run
from urbanplan.study.sites import (
    SitingAnswer,
    SitingQuestion,
    city_sites,
    grid_candidates,
    sites_on,
)
from urbanplan.study.streets import (
    Answer,
    isochrones_at,
    matrix_on,
    nearest_on,
    open_streets,
    reach_on,
    street_isochrones,
)
from urbanplan.study.supply import (
    access_on,
    city_access,
    city_coverage,
    city_reach,
    coverage_on,
    fairness,
    gaps_of,
    require_amounts,
    require_group,
    require_supply,
)
from urbanplan.study.variants import Variants, scenarios_of

__all__ = [
    "Answer",
    "Comparison",
    "Inputs",
    "Ready",
    "Results",
    "SitingAnswer",
    "SitingQuestion",
    "Timed",
    "Variants",
    "Watch",
    "access_on",
    "before_and_after",
    "bridge_dependence",
    "check_opened",
    "city_access",
    "city_coverage",
    "city_reach",
    "city_sites",
    "compare",
    "counted",
    "coverage_of",
    "coverage_on",
    "difference_map",
    "fairness",
    "gaps_of",
    "grade_notes",
    "grid_candidates",
    "isochrones_at",
    "listed",
    "matrix_on",
    "nearest_on",
    "open_streets",
    "plan_of",
    "prepare",
    "reach_on",
    "require_amounts",
    "require_group",
    "require_supply",
    "run",
    "scenarios_of",
    "scene_of",
    "sites_on",
    "standards_of",
    "street_isochrones",
    "untold",
]
