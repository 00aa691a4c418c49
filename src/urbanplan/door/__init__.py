"""The way in from Python: a city or streets as an object, the same questions asked of both."""

from __future__ import annotations

from urbanplan.door.city import City, create_city
from urbanplan.door.maps import explore
from urbanplan.door.streets import Streets

__all__ = ["City", "Streets", "create_city", "explore"]
