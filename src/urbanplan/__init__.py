"""urbanplan: who reaches what, in how many minutes, on whose data.

The package turns a city's plan layers into travel times, coverage tables and maps in which
every feature says where it comes from and how well it is known. `City` and `Streets` are the way
in; each name is loaded when it is used first.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanplan.catalog import Mode, read_modes
    from urbanplan.city.profile import embedded_cities as cities
    from urbanplan.door import City, Streets, create_city, explore
    from urbanplan.errors import (
        CrsError,
        InputError,
        MissingFileError,
        UnknownNameError,
        UrbanplanError,
        WriteError,
    )
    from urbanplan.sources.read import read

__version__ = "0.1.0"

#: Where each public name is made, and what it is called there.
_MADE = {
    "City": ("door", "City"),
    "CrsError": ("errors", "CrsError"),
    "InputError": ("errors", "InputError"),
    "MissingFileError": ("errors", "MissingFileError"),
    "Mode": ("catalog", "Mode"),
    "Streets": ("door", "Streets"),
    "UnknownNameError": ("errors", "UnknownNameError"),
    "UrbanplanError": ("errors", "UrbanplanError"),
    "WriteError": ("errors", "WriteError"),
    "cities": ("city.profile", "embedded_cities"),
    "create_city": ("door", "create_city"),
    "explore": ("door", "explore"),
    "read": ("sources.read", "read"),
    "read_modes": ("catalog", "read_modes"),
}
__all__ = [
    "City",
    "CrsError",
    "InputError",
    "MissingFileError",
    "Mode",
    "Streets",
    "UnknownNameError",
    "UrbanplanError",
    "WriteError",
    "cities",
    "create_city",
    "explore",
    "read",
    "read_modes",
]


def __getattr__(name: str) -> Any:
    if name not in _MADE:
        raise AttributeError(f"module 'urbanplan' has no attribute '{name}'")
    module, own = _MADE[name]
    found = getattr(import_module(f"urbanplan.{module}"), own)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
