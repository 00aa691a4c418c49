"""How a slope changes a speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

#: Rider with bicycle, rolling resistance, drag area, air density, gravity.
_MASS_KG, _ROLLING, _DRAG_M2, _AIR, _G = 90.0, 0.005, 0.5, 1.2, 9.81
#: Power of an everyday rider on the flat; downhill riders brake (22 km/h flat, 25 km/h at -3 %).
_WATTS, _DOWNHILL = 150.0, 25 / 22
#: No street is steeper, as rise over run: what a height model says beyond is its own fault.
STEEPEST = 1.0
#: Nobody rides slower than this share of the flat speed: they push.
_PUSH = 4 / 15


def tobler(slope: np.ndarray) -> np.ndarray:
    """Walking speed on a slope as a share of that on the flat.

    Parameters
    ----------
    slope : ndarray
        Rise over run, positive uphill.

    Notes
    -----
    Tobler (1993), Three presentations on geographical analysis and modeling, NCGIA report 93-1:
    W = 6 exp(-3.5 |S + 0.05|) km/h, here relative to W(0), so that the flat keeps the mode's speed.

    Examples
    --------
    >>> tobler(np.array([0.0, -0.05, 0.1])).round(3).tolist()
    [1.0, 1.191, 0.705]
    """
    return np.exp(-3.5 * (np.abs(np.asarray(slope) + 0.05) - 0.05))


def power(slope: np.ndarray) -> np.ndarray:
    """Cycling speed on a slope as a share of that on the flat, at constant power.

    Parameters
    ----------
    slope : ndarray
        Rise over run, positive uphill.

    Notes
    -----
    Martin et al. (1998), Validation of a mathematical model for road cycling power, J. Applied
    Biomechanics 14: P = v (m g (C_rr + S) + rho C_d A v² / 2), solved for v by Newton's method.
    P is 150 W, what everyday riders give on the flat in Parkin and Rotheram (2010), Transport
    Policy 17(5); rider and bicycle of 90 kg, C_rr 0.005 and C_d A 0.5 m² are assumptions. Downhill
    is held to 25/22 of the flat speed, the ratio of that paper's 85th-percentile speeds at -3 %
    and 0 %; uphill never falls below pushing (4 of 15 km/h).

    Examples
    --------
    >>> power(np.array([0.0, 0.02, 0.06, -0.03, 0.3])).round(3).tolist()
    [1.0, 0.69, 0.346, 1.136, 0.267]
    """
    slope = np.asarray(slope, float)
    share = _speed_ms(slope) / _speed_ms(np.zeros(1))[0]
    return np.clip(share, _PUSH, _DOWNHILL)


def _speed_ms(slope: np.ndarray) -> np.ndarray:
    drag, weight = 0.5 * _AIR * _DRAG_M2, _MASS_KG * _G
    pull = weight * (_ROLLING + slope)
    v = np.full(slope.shape, 40.0)
    # The cubic is convex right of its root and starts above it, so Newton comes down to it.
    for _ in range(40):
        rise = np.maximum(pull + 3 * drag * v**2, 1e-9)
        v = np.maximum(v - (v * (pull + drag * v**2) - _WATTS) / rise, 1e-3)
    return v


def none(slope: np.ndarray) -> np.ndarray:
    """Slopes do not matter."""
    return np.ones_like(np.asarray(slope, float))


#: By the name that a mode's `slope` gives.
SPEED_FACTORS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"none": none, "tobler": tobler, "power": power}
)
