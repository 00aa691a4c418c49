"""Streets as arrays, and what a way of travelling makes of them."""

from urbanplan.network.build import build_network
from urbanplan.network.model import Network

__all__ = ["Network", "build_network"]
