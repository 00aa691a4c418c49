"""A run: from a city's folder to results, stage by stage, with what each stage cost."""

from urbanplan.study.reach import isochrones_at, isochrones_of
from urbanplan.study.ready import Ready, check_opened, coverage_of, prepare
from urbanplan.study.results import Results, Watch
from urbanplan.study.run import run

__all__ = [
    "Ready",
    "Results",
    "Watch",
    "check_opened",
    "coverage_of",
    "isochrones_at",
    "isochrones_of",
    "prepare",
    "run",
]
