"""What is answered: the sites, how good they are, how good any could be, and whom they serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: A gap up to this counts as none: the solver holds its constraints to a millionth.
PROVEN_GAP = 1e-6


@dataclass(frozen=True)
class Flows:
    """Who is served where.

    Attributes
    ----------
    demand, site : ndarray of int64, shape (flows,)
        Row of the demand, and the site; in the order of rows.
    persons : ndarray of float64, shape (flows,)
        All persons of the row, or a part of them where capacity splits it.
    """

    demand: np.ndarray
    site: np.ndarray
    persons: np.ndarray

    def at(self, site: int) -> Flows:
        """Those of one site."""
        mine = self.site == site
        return Flows(self.demand[mine], self.site[mine], self.persons[mine])


@dataclass(frozen=True)
class Siting:
    """A choice of sites, with what is proven about it.

    Attributes
    ----------
    model : str
        One of `MODELS`.
    p : int or None
        How many sites were asked for.
    sites : ndarray of int64
        The chosen ones, existing facilities left out, the one that brings most first: each next
        brings the most beside those before it. With limited capacity, by the persons they serve.
        A site that brings nothing is not chosen, so there may be fewer than p.
    objective : float
        lscp: number of chosen sites; mclp: worth served; p_median: worth times minutes;
        p_center: the most minutes that anybody needs. Without any choice yet: the worst there is.
    bound : float
        No choice is better than this.
    gap : float
        Distance of the two as a share of the objective.
    proven : bool
        Is the gap nil, up to rounding?
    stopped : str
        ``"optimal"``, ``"time"`` or ``"interrupted"``.
    assignment : ndarray of int64, shape (n,)
        The nearest open site of each demand row, or -1; with limited capacity, the one that
        serves most of it.
    flows : Flows
        Who is served where, by existing and chosen sites.
    gains : ndarray of float64, shape (chosen,)
        What each site adds beside the existing and those before it: worth newly served (for lscp
        and p_center, persons); for p_median, worth times minutes saved by those who were within
        reach before, nan with limited capacity.
    newly : Flows
        Whom each chosen site serves newly: for coverage, those that no existing facility and no
        site before it serves; for p_median, those to whom it is nearer than every other. With
        limited capacity and everybody to be served, simply those that it serves.
    persons_new : ndarray of float64, shape (chosen,)
        Their number.
    served, unserved : float
        Persons with and without a site.
    unreachable : ndarray of int64
        Demand rows with people that no site reaches; lscp leaves them out.
    """

    model: str
    p: int | None
    sites: np.ndarray
    objective: float
    bound: float
    gap: float
    proven: bool
    stopped: str
    assignment: np.ndarray
    flows: Flows
    gains: np.ndarray
    newly: Flows
    persons_new: np.ndarray
    served: float
    unserved: float
    unreachable: np.ndarray


def gap(objective: float, bound: float) -> float:
    """Distance of the bound as a share of the objective."""
    if objective == bound:
        return 0.0
    apart = abs(objective - bound)
    return apart / abs(objective) if objective and np.isfinite(apart) else np.inf
