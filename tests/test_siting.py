"""Siting: against every possible choice, by its properties, and in its answers."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanplan.errors import InputError, UnknownNameError
from urbanplan.measures.accessibility import Pairs
from urbanplan.siting import (
    MODELS,
    Effort,
    Problem,
    alternatives,
    conflicts,
    equity_weights,
    marginal_curve,
    solve,
)
from urbanplan.siting.core import Rows, Searcher, cliques, reduced, rounds
from urbanplan.siting.highs import prices, sets
from urbanplan.siting.problem import build, checked


def within(minutes: np.ndarray, limit: float = np.inf) -> Pairs:
    """Pairs of a table of minutes, demand by site."""
    demand, site = np.nonzero(minutes <= limit)
    return Pairs(demand, site, minutes[demand, site])


# ---- every possible choice


def choices(problem: Problem, most: int | None = None) -> np.ndarray:
    """Every choice that heeds the rules, as rows of marks over the sites."""
    m, free = problem.sites, problem.candidates
    marks = np.zeros((2 ** len(free), m), bool)
    marks[:, free] = np.array(list(itertools.product([False, True], repeat=len(free))))
    ok = np.ones(len(marks), bool) if most is None else marks.sum(1) <= most
    if problem.cost is not None:
        ok &= marks @ problem.cost <= problem.budget + 1e-9
    opened = marks | problem.fixed
    for a, b in problem.conflicts:
        if not (problem.fixed[a] and problem.fixed[b]):
            ok &= ~(opened[:, a] & opened[:, b])
    return marks[ok]


def values(problem: Problem, model: str, marks: np.ndarray) -> np.ndarray:
    """The objective of each choice; infinite where somebody must be served and is not."""
    pairs, opened = problem.pairs, marks | problem.fixed
    minutes = np.full((len(problem.weights), problem.sites), np.inf)
    minutes[pairs.demand, pairs.supply] = pairs.minutes
    near = np.where(opened[:, None, :], minutes, np.inf).min(2)
    lived = problem.weights > 0
    if model == "mclp":
        return (np.isfinite(near) * problem.worth)[:, lived].sum(1)
    due = lived & np.isfinite(minutes).any(1)
    near = near[:, due]
    if model == "lscp":
        return np.where(np.isfinite(near).all(1), marks.sum(1), np.inf)
    if model == "p_center":
        return near.max(1, initial=0.0)
    worth = problem.worth[due]
    return np.where(np.isfinite(near).all(1), np.where(np.isfinite(near), near, 0) @ worth, np.inf)


def best(problem: Problem, model: str, p: int | None, cuts=()) -> float | None:
    """The best objective of all choices, but those that hold a set of `cuts`; None if none is left."""
    marks = choices(problem, p)
    for cut in cuts:
        marks = marks[~marks[:, cut].all(1)]
    found = values(problem, model, marks)
    if not len(found):
        return None
    found = found.max() if model == "mclp" else found.min()
    return None if np.isinf(found) else float(found)


@st.composite
def problems(draw, most_sites: int = 12, most_rows: int = 9):
    """Small towns, with rules or without; minutes are often equal."""
    n, m = draw(st.integers(1, most_rows)), draw(st.integers(1, most_sites))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    minutes = random.integers(0, 12, (n, m)) * 1.0
    if draw(st.booleans()):
        minutes += random.random((n, m))
    minutes[0, 0] = 0.0
    limit = draw(st.sampled_from([2.0, 5.0, 8.0, 20.0]))
    weights = random.integers(0, 30, n) * 1.0
    weights[0] = 7.0
    rules = {}
    if draw(st.booleans()):
        rules["fixed"] = random.random(m) < 0.25
    if draw(st.integers(0, 2)) == 0:
        rules["cost"] = random.integers(0, 9, m) * 1.0
        rules["budget"] = float(draw(st.integers(0, 30)))
    if m > 1 and draw(st.integers(0, 2)) == 0:
        couples = random.integers(0, m, (m, 2))
        rules["conflicts"] = couples[couples[:, 0] != couples[:, 1]]
    if draw(st.integers(0, 2)) == 0:
        rules["worth"] = weights * random.uniform(0.5, 3.0, n)
    return Problem(within(minutes, limit), weights, m, **rules)


efforts = st.builds(
    Effort,
    rounds=st.sampled_from([0, 3, 30]),
    steps=st.sampled_from([1, 30, 600]),
    presolve=st.booleans(),
)
#: Every model, and how many sites it may choose.
asked = st.tuples(st.sampled_from(sorted(MODELS)), st.integers(0, 5))


def limit_of(problem: Problem, model: str, p: int) -> int | None:
    return None if model == "lscp" else min(p, len(problem.candidates))


@settings(max_examples=1000)
@given(problems(), asked, efforts)
def test_no_choice_is_better(problem, question, effort):
    model, p = question
    p = limit_of(problem, model, p)
    try:
        found = solve(problem, model, p, effort=effort)
    except InputError as error:
        refused = "reach no site" in str(error) or "buys no site" in str(error)
        assert refused or best(problem, model, p) is None
        return
    assert found.objective == pytest.approx(best(problem, model, p), rel=1e-9)
    assert found.proven and found.stopped == "optimal" and found.gap <= 1e-6
    # The choice itself heeds the rules and is worth what is said.
    mark = np.isin(np.arange(problem.sites), found.sites)
    assert (choices(problem, p) == mark).all(1).any()
    assert values(problem, model, mark[None])[0] == pytest.approx(found.objective, rel=1e-9)
    assert len(np.unique(found.sites)) == len(found.sites)


@settings(max_examples=60)
@given(problems(8, 7), asked)
def test_alternatives_come_in_order_and_none_is_missed(problem, question):
    model, p = question
    p = limit_of(problem, model, p)
    try:
        first = solve(problem, model, p)
    except InputError:
        return
    found, cuts, last = alternatives(problem, first, 3), [first.sites], 0.0
    for other in found:
        assert other.siting.proven
        assert other.siting.objective == pytest.approx(best(problem, model, p, cuts), rel=1e-9)
        assert other.worse == pytest.approx(abs(other.siting.objective - first.objective))
        assert other.worse >= last - 1e-9
        cuts.append(other.siting.sites)
        last = other.worse
    if len(found) < 3 and len(cuts[-1]):
        assert best(problem, model, p, cuts) is None


@settings(max_examples=50)
@given(problems(8, 7), st.sampled_from(["mclp", "p_median", "p_center"]))
def test_each_further_site_helps_or_does_no_harm(problem, model):
    most = min(4, len(problem.candidates))
    try:
        curve = marginal_curve(problem, model, most)
    except InputError:
        return
    assert curve.p.tolist() == list(range(most + 1)) and curve.proven.all()
    for p, objective in zip(curve.p, curve.objective):
        right = best(problem, model, int(p))
        assert objective == (np.inf if right is None else pytest.approx(right, rel=1e-9))
    known = curve.objective[np.isfinite(curve.objective)]
    step = np.diff(known) * (1 if model == "mclp" else -1)
    assert (step >= 0).all()
    assert np.isnan(curve.gain[0])
    assert curve.gain[np.isfinite(curve.gain)] == pytest.approx(step)


# ---- what the answer says


@settings(max_examples=150)
@given(problems(), asked)
def test_gains_and_people_add_up(problem, question):
    model, p = question
    try:
        found = solve(problem, model, limit_of(problem, model, p))
    except InputError:
        return
    pairs, weights = problem.pairs, problem.weights
    before = np.zeros(len(weights), bool)
    before[pairs.demand[problem.fixed[pairs.supply]]] = True
    assert found.served + found.unserved == pytest.approx(weights.sum())
    assert found.persons_new.sum() == pytest.approx(found.newly.persons.sum())
    for site, persons in zip(found.sites, found.persons_new):
        mine = found.newly.at(site)
        assert mine.persons.sum() == pytest.approx(persons)
        assert mine.persons == pytest.approx(weights[mine.demand])
        reached = pairs.demand[pairs.supply == site]
        assert np.isin(mine.demand, reached).all()
    assert len(np.unique(found.newly.demand)) == len(found.newly.demand)
    assert (found.assignment[found.flows.demand] == found.flows.site).all()
    assert (found.assignment >= 0).sum() == len(found.flows.demand)
    if model != "p_median":
        assert not before[found.newly.demand].any() or model == "p_center"
    none = np.zeros((1, problem.sites), bool)
    if model == "mclp":
        start = values(problem, model, none)[0]
        assert found.gains.sum() == pytest.approx(found.objective - start, abs=1e-9)
        assert (found.gains > 0).all()
        assert found.persons_new.sum() == pytest.approx(found.served - weights[before].sum())
    if model == "p_median" and np.isfinite(values(problem, model, none)[0]):
        start = values(problem, model, none)[0]
        assert found.gains.sum() == pytest.approx(start - found.objective, abs=1e-9)
    if model in ("lscp", "mclp"):
        assert (np.diff(found.gains) <= 1e-9).all()


def test_ranks_and_new_people_by_hand():
    # Row 0 has a clinic; site 1 brings rows 1 and 2, site 2 then row 3, site 3 nothing more.
    minutes = np.array(
        [[1.0, 9, 9, 9], [9, 1, 1, 9], [9, 1, 9, 1], [9, 9, 1, 9], [9, 9, 9, 9]], float
    )
    problem = Problem(
        within(minutes, 5), np.array([100.0, 40, 30, 20, 7]), 4, fixed=np.eye(4, dtype=bool)[0]
    )
    found = solve(problem, "mclp", 3)
    assert found.sites.tolist() == [1, 2] and found.objective == 190
    assert found.gains.tolist() == [70, 20] and found.persons_new.tolist() == [70, 20]
    assert found.newly.at(1).demand.tolist() == [1, 2] and found.newly.at(2).demand.tolist() == [3]
    assert found.assignment.tolist() == [0, 1, 1, 2, -1]
    assert found.unserved == 7 and found.unreachable.tolist() == [4]
    fewest = solve(problem, "lscp")
    assert sorted(fewest.sites.tolist()) == [1, 2] and fewest.objective == 2
    assert fewest.unreachable.tolist() == [4] and fewest.unserved == 7


def test_median_says_who_gets_nearer():
    minutes = np.array([[2.0, 5, 9], [8, 1, 9], [8, 9, 4]])
    problem = Problem(within(minutes), np.array([10.0, 10, 1]), 3, fixed=np.eye(3, dtype=bool)[0])
    found = solve(problem, "p_median", 2)
    assert found.sites.tolist() == [1, 2] and found.objective == 20 + 10 + 4
    assert found.gains.tolist() == [70, 4] and found.persons_new.tolist() == [10, 1]
    assert found.assignment.tolist() == [0, 1, 2]
    assert solve(problem, "p_median", 0).objective == 20 + 80 + 8


# ---- the same question, the same answer


@settings(max_examples=100)
@given(problems(), asked, st.randoms(use_true_random=False))
def test_order_and_repetition_of_pairs_do_not_matter(problem, question, random):
    model, p = question
    p = limit_of(problem, model, p)
    pairs = problem.pairs
    order = list(range(len(pairs.minutes))) * 2
    random.shuffle(order)
    mixed = Pairs(pairs.demand[order], pairs.supply[order], pairs.minutes[order])
    try:
        one = solve(problem, model, p)
    except InputError:
        return
    two = solve(replace(problem, pairs=mixed), model, p)
    assert one.sites.tolist() == two.sites.tolist()
    assert (one.objective, one.bound) == (two.objective, two.bound)
    assert one.assignment.tolist() == two.assignment.tolist()


def town(seed: int, rows: int, sites: int, limit: float = np.inf) -> Problem:
    """Homes and sites in a square of 100 minutes."""
    random = np.random.default_rng(seed)
    homes, places = random.uniform(0, 100, (rows, 2)), random.uniform(0, 100, (sites, 2))
    minutes = np.hypot(*(homes[:, None] - places).transpose(2, 0, 1))
    return Problem(within(minutes, limit), random.integers(1, 60, rows) * 1.0, sites)


_SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from test_siting import town
from urbanplan.siting import solve
for model, p in (("lscp", None), ("mclp", 6)):
    print(solve(town(3, 400, 40, 25.0), model, p).sites.tolist())
for model in ("p_median", "p_center"):
    print(solve(town(3, 120, 30), model, 6).sites.tolist())
"""


def test_two_processes_agree():
    script = _SCRIPT.format(tests=str(__file__).rsplit("/", 1)[0])
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    ]
    # Four answers, and nothing else on standard output.
    assert said[0] == said[1] and len(said[0].splitlines()) == 4


@pytest.mark.parametrize("seed", range(4))
def test_leaving_out_the_superfluous_changes_nothing(seed):
    problem = town(seed, 250, 40, 22.0)
    core = build(checked(problem, "mclp", 7)).core
    assert reduced(core)[0].savings.count < core.savings.count
    for model, p in (("mclp", 7), ("lscp", None)):
        plain = solve(problem, model, p, effort=Effort(presolve=False))
        assert plain.proven and plain.objective == solve(problem, model, p).objective


def test_a_site_that_another_betters_is_left_out():
    minutes = np.array([[1.0, 1, 9, 9], [9, 1, 1, 9], [9, 9, 1, 1]])
    task = checked(Problem(within(minutes, 5), np.ones(3), 4), "mclp", 1)
    assert reduced(build(task).core)[1].tolist() == [1, 2]
    # Not if it is cheaper, or if the better one is too near to a third.
    dear = replace(task.problem, cost=np.array([1.0, 2, 2, 2]), budget=4.0)
    assert 0 in reduced(build(replace(task, problem=dear)).core)[1]
    near = replace(task.problem, conflicts=np.array([[1, 2]]))
    assert reduced(build(replace(task, problem=near)).core)[1].tolist() == [0, 1, 2, 3]


# ---- the parts


@settings(max_examples=100)
@given(problems(10, 9), st.randoms(use_true_random=False))
def test_sets_add_up_to_savings(problem, random):
    task = checked(replace(problem, budget=None, cost=None), "mclp", 0)
    for model in ("mclp", "p_median"):
        rows = build(replace(task, model=model)).core.savings
        found = sets(rows)
        opened = np.array([random.random() < 0.4 for _ in range(rows.sites)], bool)
        held = np.zeros(len(found.weight), bool)
        for _ in held:
            for k in range(len(held)):
                mine = opened[found.site[found.start[k] : found.start[k + 1]]].any()
                held[k] = mine or (found.parent[k] >= 0 and held[found.parent[k]])
        total = found.weight[held].sum() + found.alone[opened].sum()
        assert total == pytest.approx(rows.best(np.flatnonzero(opened)).sum(), abs=1e-9)


@settings(max_examples=150)
@given(problems(9), asked, st.integers(1, 200))
def test_any_prices_bound_every_choice(problem, question, steps):
    model, p = question
    if model == "p_center":
        return
    p = limit_of(problem, model, p)
    try:
        built = build(checked(problem, model, p))
    except InputError:
        return
    right = best(problem, model, p)
    if right is None or built.core.hopeless:
        return
    found = prices(built.core, -np.inf, steps, lambda bound: False)
    bound = built.objective(found.bound)
    assert bound >= right - 1e-9 if model == "mclp" else bound <= right + 1e-9


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_cliques_hold_each_clash_and_nothing_else(couples):
    given_ = {tuple(sorted(c)) for c in couples if c[0] != c[1]}
    clash = np.array(sorted(given_), np.int64).reshape(-1, 2)
    inside = {pair for c in cliques(clash) for pair in itertools.combinations(c.tolist(), 2)}
    assert inside == given_


def test_rows_sort_the_most_valuable_first():
    rows = Rows.of(np.array([5, 5, 5, 2]), np.array([3, 1, 0, 2]), np.array([1.0, 4, 4, 0]), 4)
    assert rows.count == 1 and rows.site.tolist() == [0, 1, 3] and not rows.uniform


# ---- equity and spacing


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), min_size=1, max_size=20),
    st.floats(0, 1),
    st.floats(0, 5),
    st.randoms(use_true_random=False),
)
def test_the_worst_off_share_counts_more(rows, share, factor, random):
    weights, minutes = np.array(rows, float).T
    minutes[minutes == 5] = np.inf
    found = equity_weights(weights, minutes, share, factor)
    persons = weights.sum()
    assert found.sum() == pytest.approx(persons * (1 + (factor - 1) * share))
    assert equity_weights(weights, minutes, share, 1.0).tolist() == weights.tolist()
    part = np.divide(found, weights, out=np.full(len(weights), np.nan), where=weights > 0)
    lived = np.flatnonzero(weights > 0)
    for i, j in itertools.combinations(lived.tolist(), 2):
        if minutes[i] == minutes[j]:
            assert part[i] == pytest.approx(part[j])
        elif factor >= 1:
            worse, better = (i, j) if minutes[i] > minutes[j] else (j, i)
            assert part[worse] >= part[better] - 1e-9
    order = random.sample(range(len(rows)), len(rows))
    mixed = equity_weights(weights[order], minutes[order], share, factor)
    assert mixed == pytest.approx(found[order])


def test_the_border_row_is_split():
    # Ten people in all: one of the three at 30 minutes belongs to the worst-off tenth.
    found = equity_weights(np.array([4.0, 3, 3]), np.array([5.0, 30, 10]))
    assert found.tolist() == [4, 4, 3]


def test_equity_moves_a_site_but_counts_persons():
    minutes = np.array([[1.0, 9], [9, 1]])
    persons = np.array([60.0, 40])
    worth = equity_weights(persons, np.array([10.0, 50]), share=0.4, factor=2)
    plain = solve(Problem(within(minutes, 5), persons, 2), "mclp", 1)
    fair = solve(Problem(within(minutes, 5), persons, 2, worth=worth), "mclp", 1)
    assert plain.sites.tolist() == [0] and fair.sites.tolist() == [1]
    assert fair.objective == 80 and fair.persons_new.tolist() == [40] and fair.served == 40


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.floats(0, 8))
def test_sites_nearer_than_the_spacing_clash(points, spacing):
    xy = np.array(points, float).reshape(-1, 2)
    right = [
        [i, j]
        for i, j in itertools.combinations(range(len(xy)), 2)
        if np.hypot(*(xy[i] - xy[j])) < spacing
    ]
    assert conflicts(xy, spacing).tolist() == right


# ---- questions that make no sense

NEAR = np.array([[1.0, 9, 9], [9, 1, 9], [9, 9, 1]])
THREE = np.ones(3)


def ask(model="mclp", p=1, *, pairs=None, weights=THREE, sites=3, **rules):
    return solve(Problem(pairs or within(NEAR, 5), weights, sites, **rules), model, p)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"p": 4}, "4 of 3 candidate sites"),
        ({"p": -1}, "-1 of 3 candidate sites"),
        ({"p": 3, "fixed": np.eye(3, dtype=bool)[0]}, "3 of 2 candidate sites"),
        ({"p": None}, "mclp needs a limit"),
        ({"model": "lscp", "p": 2}, "finds the number of sites itself"),
        ({"weights": -THREE}, "weights: -1 in row 0"),
        ({"weights": THREE * np.nan}, "weights: nan in row 0"),
        ({"weights": 0 * THREE}, "nobody is to be served"),
        ({"worth": THREE * np.inf}, "worth: inf in row 0"),
        ({"pairs": within(NEAR, 0)}, "no site reaches anybody"),
        ({"pairs": Pairs(np.array([0]), np.array([0]), np.array([np.nan]))}, "minutes: nan"),
        ({"pairs": within(NEAR * 1e6)}, "minutes are no way"),
        ({"pairs": Pairs(np.array([3]), np.array([0]), np.array([1.0]))}, "demand row 3"),
        ({"pairs": Pairs(np.array([0]), np.array([-1]), np.array([1.0]))}, "site -1"),
        ({"pairs": Pairs(np.array([0, 1]), np.array([0]), np.array([1.0]))}, "differ in length"),
        ({"fixed": np.zeros(2, bool)}, "3 sites and 2 marks"),
        ({"capacity": -THREE}, "capacity: -1"),
        ({"cost": THREE}, "go together"),
        ({"budget": 3.0}, "go together"),
        ({"cost": THREE * 5, "budget": 4.0}, "4 buys no site: the cheapest costs 5"),
        ({"cost": THREE[:2], "budget": 4.0}, "3 figures are needed, not 2"),
        ({"conflicts": np.array([[0, 3]])}, r"\[0, 3\] are not two of the 3 sites"),
        ({"model": "lscp", "p": None, "conflicts": np.array([[0, 1]])}, "within spacing"),
        (
            {"model": "lscp", "p": None, "cost": THREE, "budget": 2.0},
            "no choice of sites serves everybody within budget",
        ),
        ({"p": 1.5}, "1.5 is no number of sites"),
        ({"p": "2"}, "2 is no number of sites"),
        ({"p": True}, "True is no number of sites"),
        ({"model": "p_median", "p": 2}, "no choice of 2 sites serves everybody"),
        ({"model": "p_center", "p": 2}, "no choice of 2 sites serves everybody"),
        ({"model": "p_center", "p": 3, "capacity": THREE / 2}, "within capacity"),
        (
            {"model": "p_median", "pairs": within(NEAR[:2], 5), "weights": THREE * 500},
            "500 people in 1 rows reach no site",
        ),
    ],
)
def test_bad_questions_are_refused(question, says):
    with pytest.raises(InputError, match=says) as caught:
        ask(**question)
    assert caught.value.remedy


def test_other_bad_questions_are_refused():
    with pytest.raises(UnknownNameError, match="p_mean"):
        ask("p_mean")
    with pytest.raises(InputError, match="itself"):
        marginal_curve(Problem(within(NEAR, 5), THREE, 3), "lscp", 2)
    with pytest.raises(InputError, match="share of 2"):
        equity_weights(THREE, THREE, share=2)
    with pytest.raises(InputError, match="minutes_now: nan"):
        equity_weights(THREE, THREE * np.nan)
    with pytest.raises(InputError, match="spacing"):
        conflicts(np.zeros((2, 2)), -1)


def test_spacing_spares_what_exists():
    # Two facilities that are too near to each other exist; a third may not come as near.
    problem = Problem(
        within(NEAR, 5),
        THREE,
        3,
        fixed=np.array([True, True, False]),
        conflicts=np.array([[0, 1], [1, 2]]),
    )
    found = solve(problem, "mclp", 1)
    assert found.objective == 2 and not len(found.sites)


def test_shaking_draws_the_same_each_time(monkeypatch):
    core = build(checked(town(7, 400, 120, 12.0), "mclp", 12)).core
    search, drawn = Searcher(core, 12), []
    real = Searcher.may_join
    monkeypatch.setattr(
        Searcher, "may_join", lambda self, kept: drawn.append(list(kept)) or real(self, kept)
    )
    begin = search.greedy([])
    for _ in range(2):
        drawn.append("again")
        rounds(search, begin, 8, lambda _: False)
    half = drawn.index("again"), len(drawn) - drawn[::-1].index("again") - 1
    assert drawn[half[0] : half[1]] == drawn[half[1] :] and half[1] - half[0] > 8


def test_a_search_in_which_nothing_beats_the_second_best_goes_on():
    one = build(checked(Problem(within(np.ones((2, 3)), 5), np.ones(2), 3), "mclp", 2)).core
    assert len(Searcher(one, 2).exchange([0, 1])) == 2
