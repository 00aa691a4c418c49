"""Where new facilities should be: cover, distance, capacity, budget, spacing; proven, and explained."""

from __future__ import annotations

from urbanplan.siting.problem import MODELS, Flows, Problem, Siting, conflicts, equity_weights
from urbanplan.siting.search import Effort
from urbanplan.siting.solve import Alternative, Curve, alternatives, marginal_curve, solve

__all__ = [
    "MODELS",
    "Alternative",
    "Curve",
    "Effort",
    "Flows",
    "Problem",
    "Siting",
    "alternatives",
    "conflicts",
    "equity_weights",
    "marginal_curve",
    "solve",
]
