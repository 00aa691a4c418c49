"""urbanplan: who reaches what, in how many minutes, on whose data.

The package turns a city's plan layers into travel times, coverage tables and maps in which
every feature says where it comes from and how well it is known.
"""

__version__ = "0.1.0"
