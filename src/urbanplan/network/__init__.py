"""Streets as arrays, and what a way of travelling makes of them."""

from urbanplan.network.build import build_network
from urbanplan.network.model import FRAGMENT_M, Network

__all__ = ["FRAGMENT_M", "Network", "build_network"]
