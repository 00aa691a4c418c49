"""urbanplan: who reaches what, in how many minutes, on whose data.

The package turns a city's plan layers into travel times, coverage tables and maps in which
every feature says where it comes from and how well it is known.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanplan.sources.read import read

__version__ = "0.1.0"

#: Public names, and the modules that they are loaded from once somebody asks for them.
_DOOR = {"read": "urbanplan.sources.read"}
__all__ = ["__version__", "read"]


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'urbanplan' has no attribute '{name}'")
    return getattr(import_module(_DOOR[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
