"""Minutes: to the nearest, from many to many, who is within a limit; and isochrones."""

from urbanplan.traveltime.isochrones import isochrones, service_areas
from urbanplan.traveltime.many import matrix, reach
from urbanplan.traveltime.nearest import Nearest, nearest
from urbanplan.traveltime.places import Ground, Links, Placed, at_nodes, place

__all__ = [
    "Ground",
    "Links",
    "Nearest",
    "Placed",
    "at_nodes",
    "isochrones",
    "matrix",
    "nearest",
    "place",
    "reach",
    "service_areas",
]
