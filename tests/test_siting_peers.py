"""Siting beside others: PySAL's spopt, and scipy's programs of the textbook models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_siting import MODELS, choices, problems, town, within
from urbanplan.errors import InputError
from urbanplan.siting import Effort, Problem, alternatives, solve


def median_by_scipy(minutes: np.ndarray, worth: np.ndarray, p: int) -> float:
    """The textbook model: one column per pair, each held by its site."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix, hstack, identity, kron

    n, m = minutes.shape
    pairs = n * m
    served = hstack([csr_matrix((n, m)), kron(identity(n), np.ones((1, m)))])
    opened = hstack([-kron(np.ones((n, 1)), identity(m)), identity(pairs)])
    number = np.r_[np.ones(m), np.zeros(pairs)][None, :]
    rules = [
        LinearConstraint(served, 1, 1),
        LinearConstraint(opened, -np.inf, 0),
        LinearConstraint(number, 0, p),
    ]
    cost = np.r_[np.zeros(m), (worth[:, None] * minutes).ravel()]
    whole = np.r_[np.ones(m), np.zeros(pairs)]
    options = {"mip_rel_gap": 0.0}
    return milp(
        cost, constraints=rules, integrality=whole, bounds=Bounds(0, 1), options=options
    ).fun


@pytest.mark.parametrize("p", [5, 33])
def test_medians_of_a_graph_are_those_of_the_textbook_model(p):
    # As OR-Library's smallest p-median problems are made (Beasley 1985): 100 vertices, 200 edges, costs of 1 to 100.
    from scipy.sparse.csgraph import floyd_warshall

    random = np.random.default_rng(p)
    tail, head = random.integers(0, 100, (2, 200))
    tail[:100], head[:100] = np.arange(100), np.roll(np.arange(100), 1)
    cost = np.full((100, 100), np.inf)
    cost[tail, head] = random.integers(1, 101, 200)
    minutes = floyd_warshall(cost, directed=False)
    assert np.isfinite(minutes).all()
    problem = Problem(within(minutes), np.ones(100), 100)
    found, right = solve(problem, "p_median", p), median_by_scipy(minutes, np.ones(100), p)
    assert found.objective == found.bound == pytest.approx(right) and found.proven
    # The same by HiGHS alone, without prices that settle sites before it.
    plain = solve(problem, "p_median", p, effort=Effort(rounds=0, steps=1))
    assert plain.objective == pytest.approx(right) and plain.proven


@pytest.mark.parametrize("seed", range(12))
def test_medians_far_and_near_are_proven_alike(seed):
    # Sites a thousand times farther than others must not blur what the near ones are worth.
    random = np.random.default_rng(seed)
    n, m = int(random.integers(20, 50)), int(random.integers(10, 30))
    minutes = np.hypot(*random.uniform(0, 100, (2, n, m)))
    minutes[:, random.integers(0, m)] = 10.0 ** random.integers(2, 6)
    minutes[random.random((n, m)) < 0.2] += 10.0 ** random.integers(1, 5)
    worth, p = random.uniform(0, 1000, n), int(random.integers(2, m))
    found = solve(Problem(within(minutes), worth, m), "p_median", p)
    assert found.proven
    assert found.objective == pytest.approx(median_by_scipy(minutes, worth, p), rel=1e-6)


# ---- spopt


@pytest.fixture(scope="module")
def pulp_highs():
    """HiGHS by way of pulp, as spopt wants it."""
    import pulp

    return pulp.HiGHS(msg=False, threads=1)


def objective(model) -> float:
    import pulp

    assert model.problem.status == 1
    return pulp.value(model.problem.objective)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kept", [False, True])
def test_equal_to_spopt(pulp_highs, seed, kept):
    from spopt.locate import LSCP, MCLP, PCenter, PMedian

    table, limit, p = town(seed, 60, 14), 32.0, 4
    minutes = np.zeros((60, 14))
    minutes[table.pairs.demand, table.pairs.supply] = table.pairs.minutes
    fixed = np.zeros(14, bool)
    fixed[:2] = kept
    theirs = fixed.astype(int) if kept else None
    near = Problem(within(minutes, limit), table.weights, 14, fixed=fixed)
    all_pairs = Problem(within(minutes), table.weights, 14, fixed=fixed)
    more = {"predefined_facilities_arr": theirs}
    total = p + int(fixed.sum())

    peer = MCLP.from_cost_matrix(minutes, table.weights, limit, total, **more)
    assert solve(near, "mclp", p).objective == pytest.approx(objective(peer.solve(pulp_highs)))
    peer = PMedian.from_cost_matrix(minutes, table.weights, total, **more)
    found = solve(all_pairs, "p_median", p)
    assert found.objective == pytest.approx(objective(peer.solve(pulp_highs)))
    peer = PCenter.from_cost_matrix(minutes, total, **more)
    found = solve(all_pairs, "p_center", p)
    assert found.objective == pytest.approx(objective(peer.solve(pulp_highs)))
    enough = minutes.min(1).max() * 1.3
    wide = Problem(within(minutes, enough), table.weights, 14, fixed=fixed)
    peer = LSCP.from_cost_matrix(minutes, enough, **more)
    assert solve(wide, "lscp").objective + fixed.sum() == objective(peer.solve(pulp_highs))


@pytest.mark.filterwarnings("ignore")
def test_equal_to_spopt_with_capacities(pulp_highs):
    from spopt.locate import LSCP

    table = town(8, 40, 10)
    minutes = np.zeros((40, 10))
    minutes[table.pairs.demand, table.pairs.supply] = table.pairs.minutes
    capacity = np.random.default_rng(0).integers(200, 500, 10) * 1.0
    problem = Problem(within(minutes, 60.0), table.weights, 10, capacity=capacity)
    peer = LSCP.from_cost_matrix(
        minutes, 60.0, demand_quantity_arr=table.weights, facility_capacity_arr=capacity
    )
    assert solve(problem, "lscp").objective == objective(peer.solve(pulp_highs))


# ---- capacities, against scipy's linear program for every choice


def shared_out(problem: Problem, opened: np.ndarray, model: str, limit=np.inf) -> float | None:
    """What the open sites come to at best; None if they cannot serve everybody who must be."""
    from scipy.optimize import linprog

    pairs = problem.pairs
    lived = problem.weights[pairs.demand] > 0
    held = opened[pairs.supply] & lived & (pairs.minutes <= limit)
    rows = np.unique(pairs.demand[lived])
    demand, site, minutes = pairs.demand[held], pairs.supply[held], pairs.minutes[held]
    at = np.arange(len(demand))
    if not len(at):
        return 0.0 if model == "mclp" else None
    loads = np.zeros((problem.sites, len(at)))
    loads[site, at] = problem.weights[demand]
    served = np.zeros((len(rows), len(at)))
    served[np.searchsorted(rows, demand), at] = 1
    worth = problem.worth[demand]
    if model == "mclp":
        limits = np.r_[problem.capacity, np.ones(len(rows))]
        return -linprog(-worth, np.vstack([loads, served]), limits, bounds=(0, 1)).fun
    cost = worth * minutes if model == "p_median" else 0 * worth
    found = linprog(cost, loads, problem.capacity, served, np.ones(len(rows)), bounds=(0, 1))
    return found.fun if found.status == 0 else None


def best_with_capacity(problem: Problem, model: str, p: int | None) -> float | None:
    found = []
    for mark in choices(problem, p):
        opened = mark | problem.fixed
        if model == "p_center":
            levels = np.unique(problem.pairs.minutes)
            enough = (t for t in levels if shared_out(problem, opened, model, t) is not None)
            value = next(enough, None)
        else:
            value = shared_out(problem, opened, model)
            value = int(mark.sum()) if model == "lscp" and value is not None else value
        found += [] if value is None else [float(value)]
    return (max if model == "mclp" else min)(found, default=None)


@settings(max_examples=50)
@given(problems(4, 6), st.sampled_from(sorted(MODELS)), st.integers(0, 3), st.integers(0, 2**32))
def test_no_choice_is_better_with_capacities(problem, model, p, seed):
    from dataclasses import replace

    random = np.random.default_rng(seed)
    persons = problem.weights.sum()
    capacity = random.integers(0, max(int(persons), 1) + 1, problem.sites) * 1.0
    problem = replace(problem, capacity=capacity)
    p = None if model == "lscp" else min(p, len(problem.candidates))
    try:
        found = solve(problem, model, p)
    except InputError as error:
        refused = "reach no site" in str(error) or "buys no site" in str(error)
        assert refused or best_with_capacity(problem, model, p) is None
        return
    right = best_with_capacity(problem, model, p)
    assert found.objective == pytest.approx(right, rel=1e-6, abs=1e-6) and found.proven
    mark = np.isin(np.arange(problem.sites), found.sites)
    assert (choices(problem, p) == mark).all(1).any()
    flows = found.flows
    assert np.isin(flows.site, np.r_[found.sites, np.flatnonzero(problem.fixed)]).all()
    loads = np.bincount(flows.site, flows.persons, minlength=problem.sites)
    assert (loads <= capacity * (1 + 1e-6) + 1e-6).all()
    rows = np.bincount(flows.demand, flows.persons, minlength=len(problem.weights))
    assert (rows <= problem.weights * (1 + 1e-6) + 1e-6).all()
    assert found.persons_new.sum() == pytest.approx(found.newly.persons.sum(), abs=1e-6)
    if model == "mclp":
        start = shared_out(problem, problem.fixed, model)
        assert found.gains.sum() == pytest.approx(found.objective - start, abs=1e-5)


def test_a_row_is_split_between_sites_that_are_full():
    minutes = np.array([[1.0, 4.0], [9.0, 2.0]])
    problem = Problem(within(minutes, 5), np.array([100.0, 50]), 2, capacity=np.array([60.0, 70]))
    found = solve(problem, "mclp", 2)
    assert found.objective == pytest.approx(130) and found.unserved == pytest.approx(20)
    assert found.assignment.tolist() == [0, 1]
    # Of the ways to serve as many the one with the fewest minutes.
    assert found.flows.at(0).persons == pytest.approx([60])
    assert found.flows.at(1).persons == pytest.approx([20, 50])
    others = alternatives(problem, found, 2)
    assert [round(a.siting.objective) for a in others] == [70, 60]
