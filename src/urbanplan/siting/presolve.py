"""Sites and rows that another makes superfluous."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanplan.siting.core import Core
from urbanplan.siting.rows import Rows, same_sets

#: Beyond so many comparisons of entries it would take longer than it saves.
_COMPARISONS = 3e8
#: Rows may make sites superfluous, and those rows again; it seldom goes on for longer.
_TURNS = 5


def reduced(core: Core) -> tuple[Core, np.ndarray]:
    """A smaller core with the same optimum (Toregas & ReVelle 1972, Papers of the RSA 28).

    Returns
    -------
    Core
    keep : ndarray of int64
        The old number of each of its sites.
    """
    core, keep = _merged(core), np.arange(core.sites)
    for _ in range(_TURNS):
        rows, sites = core.need.count, core.sites
        core = _fewer_needs(core)
        left = np.setdiff1d(np.arange(core.sites), dominated(core))
        core, left, _ = core.after(np.empty(0, np.int64), left)
        core, keep = _merged(core), keep[left]
        if core.need.count == rows and core.sites == sites:
            break
    return core, keep


def dominated(core: Core) -> np.ndarray:
    """Sites that can be left out, since another does all that they do, and more or as much.

    The other must save as much for each row, serve the same rows, cost no more and clash with no
    site that the first does not clash with. Of sites that are alike the lowest stays. Sites in a
    set to be avoided stay, or their replacement could complete it.
    """
    savings, need = core.savings, core.need
    if core.cuts or not savings.uniform or _work(savings) + _work(need) > _COMPARISONS:
        return np.empty(0, np.int64)
    from scipy.sparse import vstack

    (saves, _), (serves, _) = savings.pattern, need.pattern
    does = vstack([saves, serves], format="csr")
    shared = (does.T @ does).tocoo()
    size = shared.tocsr().diagonal()
    a, b = shared.row, shared.col
    # All that site a does is also done by site b.
    inside = (a != b) & (shared.data == size[a])
    a, b = a[inside].astype(np.int64), b[inside].astype(np.int64)
    if core.cost is not None:
        cheap = core.cost[b] <= core.cost[a]
        a, b = a[cheap], b[cheap]
    if len(core.clash):
        tame = _clashes_within(core, a, b)
        a, b = a[tame], b[tame]
    return _out(a, b, size, core)


def _work(rows: Rows) -> float:
    return float((np.diff(rows.start).astype(float) ** 2).sum())


def _clashes_within(core: Core, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Does b clash with no other sites than a does, but for a itself?"""
    touching = core.touching
    shared = np.asarray(touching[b].multiply(touching[a]).sum(1)).ravel()
    degree = np.asarray(touching.sum(1)).ravel()
    to_a = np.asarray(touching[b, a]).ravel() if len(a) else np.empty(0)
    return degree[b] - to_a == shared


def _out(a: np.ndarray, b: np.ndarray, size: np.ndarray, core: Core) -> np.ndarray:
    """Of pairs "a is no better than b", the sites that go; of sites that are alike, not the lowest."""
    back = set(zip(b.tolist(), a.tolist()))
    out = {i for i, j in zip(a.tolist(), b.tolist()) if j < i or (i, j) not in back}
    idle = np.flatnonzero(size == 0)
    # A site that does nothing is never worth opening.
    return np.array(sorted(out | set(idle.tolist())), np.int64)


def _merged(core: Core) -> Core:
    if not core.savings.uniform:
        return core
    return replace(core, savings=core.savings.merged()[0])


def _fewer_needs(core: Core) -> Core:
    """Leave out rows that are served whenever another one is."""
    need = core.need
    if not need.count or (np.diff(need.start) == 0).any():
        return core
    first, _ = same_sets(need, need.start[1:] - 1)
    need = _only(need, first)
    if _work_of_sites(need) <= _COMPARISONS:
        pattern = need.pattern[0]
        shared = (pattern @ pattern.T).tocoo()
        size = np.diff(need.start)
        a, b = shared.row, shared.col
        holds = (a != b) & (shared.data == size[b])
        # Row a holds all sites of row b, so serving b serves a; no two rows are alike any more.
        need = _only(need, np.setdiff1d(np.arange(need.count), a[holds]))
    return replace(core, need=need)


def _work_of_sites(rows: Rows) -> float:
    return float((np.bincount(rows.site, minlength=rows.sites).astype(float) ** 2).sum())


def _only(rows: Rows, which: np.ndarray) -> Rows:
    size = np.diff(rows.start)[which]
    start = np.r_[0, np.cumsum(size)]
    at = np.repeat(rows.start[which] - start[:-1], size) + np.arange(start[-1])
    return Rows(start, rows.site[at], rows.value[at], rows.sites)
