"""Where new facilities should be: cover, distance, capacity, budget, spacing; proven, and explained."""

from urbanplan.siting.more import Alternative, Curve, alternatives, marginal_curve
from urbanplan.siting.problem import Problem, conflicts, equity_weights
from urbanplan.siting.result import Flows, Siting
from urbanplan.siting.search import Effort
from urbanplan.siting.solve import solve
from urbanplan.siting.tasks import MODELS

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
