"""A run: from a city's folder to results, stage by stage, with what each stage cost."""

from urbanplan.study.reach import isochrones_at
from urbanplan.study.ready import Ready, check_opened, coverage_of, prepare
from urbanplan.study.results import Results, Watch
from urbanplan.study.run import run
from urbanplan.study.streets import (
    Answer,
    open_streets,
    street_isochrones,
    street_matrix,
    street_reach,
)

__all__ = [
    "Answer",
    "Ready",
    "Results",
    "Watch",
    "check_opened",
    "coverage_of",
    "isochrones_at",
    "open_streets",
    "prepare",
    "run",
    "street_isochrones",
    "street_matrix",
    "street_reach",
]
