"""Scenarios: named changes on copies of a city; they stack, they branch, and the base stays as it is."""

from urbanplan.scenarios.apply import State, applied
from urbanplan.scenarios.model import (
    BASELINE,
    Change,
    Scenario,
    chain,
    parse_scenarios,
    pick_scenario,
)

__all__ = [
    "BASELINE",
    "Change",
    "Scenario",
    "State",
    "applied",
    "chain",
    "parse_scenarios",
    "pick_scenario",
]
