"""A run: from a city's folder to results, stage by stage, with what each stage cost."""

from urbanplan.study.bridges import bridge_dependence
from urbanplan.study.checkup import listed, scene_of, standards_of
from urbanplan.study.compare import Comparison, compare, difference_map
from urbanplan.study.homes import grid_candidates
from urbanplan.study.planned import plan_of
from urbanplan.study.reach import isochrones_at
from urbanplan.study.ready import Ready, check_opened, coverage_of, prepare
from urbanplan.study.results import Results, Watch
from urbanplan.study.run import run
from urbanplan.study.sites import (
    SitingAnswer,
    SitingQuestion,
    city_sites,
    street_sites,
)
from urbanplan.study.streets import (
    Answer,
    open_streets,
    street_isochrones,
    street_matrix,
    street_reach,
)
from urbanplan.study.supply import (
    city_access,
    city_coverage,
    city_coverage_of,
    fairness,
    gaps_of,
    require_amounts,
    require_group,
    require_supply,
    street_access,
    street_coverage,
)
from urbanplan.study.variants import Variants, scenarios_of

__all__ = [
    "Answer",
    "Comparison",
    "Ready",
    "Results",
    "SitingAnswer",
    "SitingQuestion",
    "Variants",
    "Watch",
    "bridge_dependence",
    "check_opened",
    "city_access",
    "city_coverage",
    "city_coverage_of",
    "city_sites",
    "compare",
    "coverage_of",
    "difference_map",
    "fairness",
    "gaps_of",
    "grid_candidates",
    "isochrones_at",
    "listed",
    "open_streets",
    "plan_of",
    "prepare",
    "require_amounts",
    "require_group",
    "require_supply",
    "run",
    "scenarios_of",
    "scene_of",
    "standards_of",
    "street_access",
    "street_coverage",
    "street_isochrones",
    "street_matrix",
    "street_reach",
    "street_sites",
]
