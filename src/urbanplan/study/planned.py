"""The city's plan against what the city's layers and check-up say."""

from __future__ import annotations

from urbanplan.city import City
from urbanplan.files import read_toml
from urbanplan.plan import Plan, parse_plan

_FILE = "plan.toml"


def plan_of(city: City) -> Plan:
    """A city's plan; one without tasks if its folder holds none.

    Raises
    ------
    InputError
        If the file breaks its form.
    """
    if not city.has(_FILE):
        return Plan()
    path = city.find(_FILE)
    return parse_plan(read_toml(path), path)
