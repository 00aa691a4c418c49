"""How much supply (beds, seats, places) falls to each home, near and far, shared with the others?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.routing.times import NOISE_MIN

#: A weight per pair from its minutes; what lies beyond the limit never gets here.
Decay = Callable[[np.ndarray], np.ndarray]
#: Weights of the three zones of a catchment (Luo & Qi 2009, the slower decay of their table).
LUO_QI_WEIGHTS = (1.0, 0.68, 0.22)


@dataclass(frozen=True)
class Pairs:
    """Which demand reaches which supply, and in how many minutes; pairs beyond a limit are left out.

    Attributes
    ----------
    demand, supply : ndarray of int64, shape (pairs,)
        Row of the demand, and of the supply.
    minutes : ndarray of float64, shape (pairs,)
    """

    demand: np.ndarray
    supply: np.ndarray
    minutes: np.ndarray

    def within(self, limit_min: float) -> Pairs:
        """Pairs at most so many minutes apart."""
        keep = self.minutes <= limit_min + NOISE_MIN
        return Pairs(self.demand[keep], self.supply[keep], self.minutes[keep])


def stepwise(limit_min: float, weights: tuple[float, ...] = LUO_QI_WEIGHTS) -> Decay:
    """One weight per zone of equal width, from the nearest outwards (Luo & Qi 2009)."""
    edges = limit_min * np.arange(1, len(weights) + 1) / len(weights)

    def weigh(minutes: np.ndarray) -> np.ndarray:
        zone = np.searchsorted(edges + NOISE_MIN, minutes, "left")
        return np.r_[np.asarray(weights, float), 0.0][zone]

    return weigh


def gaussian(limit_min: float, at_limit: float = 0.01) -> Decay:
    """``exp(-t² / 2 s²)``, with s such that the weight is `at_limit` at the limit (Dai 2010)."""
    if not 0 < at_limit < 1:
        raise InputError(
            "the weight at the limit must lie between 0 and 1", remedy="use 0.01, for example"
        )
    two_s2 = -(limit_min**2) / np.log(at_limit)
    return lambda minutes: np.exp(-(minutes**2) / two_s2)


def exponential(per_min: float) -> Decay:
    """``exp(-b t)`` with b per minute (Wilson 1971)."""
    return lambda minutes: np.exp(-per_min * minutes)


def power(exponent: float, least_min: float = 1.0) -> Decay:
    """``t ** -b`` (Hansen 1959); nearer than `least_min` counts as that, or it would be infinite."""
    return lambda minutes: np.maximum(minutes, least_min) ** -exponent


def _flat(minutes: np.ndarray) -> np.ndarray:
    return np.ones(len(minutes))


def cumulative(pairs: Pairs, people: np.ndarray, supply: np.ndarray) -> np.ndarray:
    """Supply within the pairs' limit: cumulative opportunities (Wachs & Kumagai 1973).

    Parameters
    ----------
    pairs : Pairs
        Already cut at the limit.
    people : ndarray, shape (n,)
        Only its length is used.
    supply : ndarray, shape (m,)

    Returns
    -------
    ndarray of float64, shape (n,)
        In the supply's unit.
    """
    return gravity(pairs, people, supply, _flat)


def gravity(pairs: Pairs, people: np.ndarray, supply: np.ndarray, decay: Decay) -> np.ndarray:
    """Supply weighed by its distance: potential (Hansen 1959, How accessibility shapes land use).

    ``A_i = sum_j S_j f(t_ij)``; parameters as for `cumulative`.
    """
    return _per_home(pairs, people, supply[pairs.supply] * decay(pairs.minutes))


def two_step(
    pairs: Pairs, people: np.ndarray, supply: np.ndarray, decay: Decay = _flat
) -> np.ndarray:
    """Supply per head where everybody in reach competes for it: 2SFCA, and E2SFCA with a decay.

    ``R_j = S_j / sum_i P_i f(t_ij)``, ``A_i = sum_j R_j f(t_ij)``.

    Parameters
    ----------
    pairs : Pairs
        Already cut at the catchment's limit.
    people : ndarray, shape (n,)
    supply : ndarray, shape (m,)
        Capacity of each facility.
    decay : callable
        One within the limit by default.

    Returns
    -------
    ndarray of float64, shape (n,)
        Capacity per head. Its sum over all heads is the capacity that anybody reaches.

    References
    ----------
    Luo & Wang (2003), Environment and Planning B 30; Luo & Qi (2009), Health & Place 15.
    """
    weight = decay(pairs.minutes)
    ratio = _ratio(pairs, supply, people[pairs.demand] * weight)
    return _per_home(pairs, people, ratio[pairs.supply] * weight)


def three_step(pairs: Pairs, people: np.ndarray, supply: np.ndarray, decay: Decay) -> np.ndarray:
    """As `two_step`, but who has a choice of facilities burdens each with a share only: 3SFCA.

    ``G_ij = f_ij / sum_k f_ik``, ``R_j = S_j / sum_i G_ij P_i f_ij``, ``A_i = sum_j G_ij f_ij R_j``.

    References
    ----------
    Wan, Zou & Sternberg (2012), International Journal of Geographical Information Science 26.
    """
    weight = decay(pairs.minutes)
    weight = weight * _share(pairs, people, weight)
    ratio = _ratio(pairs, supply, people[pairs.demand] * weight)
    return _per_home(pairs, people, ratio[pairs.supply] * weight)


def huff_three_step(
    pairs: Pairs, people: np.ndarray, supply: np.ndarray, decay: Decay
) -> np.ndarray:
    """People choose by size and nearness (Huff), and distance still costs them access: MH3SFCA.

    ``H_ij = S_j f_ij / sum_k S_k f_ik``, ``R_j = S_j / sum_i P_i H_ij``, ``A_i = sum_j H_ij R_j f_ij``.
    Nobody's demand fades with distance, so access times people sums to less than the supply.

    References
    ----------
    Jörg, Lenz, Wetz & Widmer (2019), Ein Modell zur Analyse der Versorgungsdichte, Obsan;
    Subal, Paal & Krisp (2021), International Journal of Health Geographics 20.
    """
    weight = decay(pairs.minutes)
    chosen = _share(pairs, people, supply[pairs.supply] * weight)
    ratio = _ratio(pairs, supply, people[pairs.demand] * chosen)
    return _per_home(pairs, people, chosen * ratio[pairs.supply] * weight)


def _per_home(pairs: Pairs, people: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return np.bincount(pairs.demand, amount, minlength=len(people))


def _ratio(pairs: Pairs, supply: np.ndarray, burden: np.ndarray) -> np.ndarray:
    # Supply that nobody comes to falls to nobody.
    total = np.bincount(pairs.supply, burden, minlength=len(supply))
    return np.divide(supply, total, out=np.zeros(len(supply)), where=total > 0)


def _share(pairs: Pairs, people: np.ndarray, weight: np.ndarray) -> np.ndarray:
    total = _per_home(pairs, people, weight)[pairs.demand]
    return np.divide(weight, total, out=np.zeros(len(weight)), where=total > 0)


#: What `urbanplan access --method` offers, and which distance decay each has by default.
METHODS: Mapping[str, tuple[Callable, str]] = MappingProxyType(
    {
        "cumulative": (cumulative, "none"),
        "gravity": (gravity, "gaussian"),
        "2sfca": (two_step, "none"),
        "e2sfca": (two_step, "stepwise"),
        "3sfca": (three_step, "gaussian"),
        "mh3sfca": (huff_three_step, "gaussian"),
    }
)
#: Distance decays by name: each takes the limit in minutes and an optional figure of its own.
DECAYS: Mapping[str, Callable[[float, float | None], Decay]] = MappingProxyType(
    {
        "none": lambda limit, figure: _flat,
        "stepwise": lambda limit, figure: stepwise(limit),
        "gaussian": lambda limit, figure: gaussian(limit, 0.01 if figure is None else figure),
        "exponential": lambda limit, figure: exponential(4 / limit if figure is None else figure),
        "power": lambda limit, figure: power(1.0 if figure is None else figure),
    }
)


def access(
    pairs: Pairs,
    people: np.ndarray,
    supply: np.ndarray,
    method: str,
    limit_min: float,
    decay: str | None = None,
    figure: float | None = None,
) -> np.ndarray:
    """Access of each home by a method's name.

    Parameters
    ----------
    pairs : Pairs
    people : ndarray, shape (n,)
        At 0 or above.
    supply : ndarray, shape (m,)
        Capacities, at 0 or above.
    method : str
        One of `METHODS`.
    limit_min : float
        Size of the catchment; a facility exactly there is within.
    decay : str, optional
        One of `DECAYS`; the method's own by default.
    figure : float, optional
        The decay's parameter: weight at the limit (gaussian), per minute (exponential), exponent
        (power).

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    UnknownNameError
        For an unknown method or decay.
    InputError
        If people or supply are below 0 or missing, or the method takes no decay.
    """
    run, weigh = _chosen(method, decay, limit_min, figure)
    for what, amount in (("people", people), ("supply", supply)):
        if not (np.isfinite(amount) & (amount >= 0)).all():
            raise InputError(f"{what} must be 0 or more", remedy="correct or leave out the row")
    near = pairs.within(limit_min)
    if run is cumulative:
        return cumulative(near, people, supply)
    return run(near, np.asarray(people, float), np.asarray(supply, float), weigh)


def require_method(method: str, decay: str | None = None) -> None:
    """Raise unless `access` knows the method, the decay, and the two together.

    Raises
    ------
    UnknownNameError
        For an unknown method or decay.
    InputError
        If the method takes no decay.
    """
    _chosen(method, decay, 1.0, None)


def _chosen(
    method: str, decay: str | None, limit_min: float, figure: float | None
) -> tuple[Callable, Decay]:
    run, usual = _named(METHODS, method, "method")
    weigh = _named(DECAYS, decay or usual, "decay")(limit_min, figure)
    if run is cumulative and decay not in (None, "none"):
        raise InputError("method 'cumulative' takes no decay", remedy="use gravity")
    return run, weigh


def _named(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise UnknownNameError(f"unknown {what} '{name}'", remedy=one_of(name, table))
    return table[name]
