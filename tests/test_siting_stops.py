"""Siting when it is stopped: by a time limit, by Ctrl-C, or because it is good enough."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from test_siting import town, within
from urbanplan.siting import Effort, Problem, marginal_curve, solve


def crowded() -> Problem:
    """Cover by circles that overlap everywhere, so that the bound closes slowly."""
    random = np.random.default_rng(4)
    middle = random.uniform(0, 100, (12, 2))
    homes = middle[random.integers(0, 12, 4000)] + random.normal(0, 9, (4000, 2))
    places = middle[random.integers(0, 12, 300)] + random.normal(0, 10, (300, 2))
    minutes = np.hypot(*(homes[:, None] - places).transpose(2, 0, 1))
    return Problem(within(minutes, 10.0), random.integers(1, 60, 4000) * 1.0, 300)


@pytest.fixture(scope="module")
def hard() -> Problem:
    return crowded()


@pytest.fixture(scope="module")
def cover(hard) -> float:
    """A cover of the hard town that is known to be had."""
    return solve(hard, "mclp", 20, effort=Effort(seconds=2.0)).objective


def test_a_time_limit_gives_the_best_known_and_its_bound(hard, cover):
    found = solve(hard, "mclp", 20, effort=Effort(seconds=0.05))
    assert found.stopped == "time" and not found.proven
    assert 0.9 * cover < found.objective <= found.bound and cover <= found.bound
    assert found.gap == pytest.approx((found.bound - found.objective) / found.objective)
    assert found.gap < 0.2 and len(found.sites) == 20


@pytest.mark.parametrize("model", ["lscp", "p_center", "p_median"])
def test_a_time_limit_leaves_a_bound_below_what_is_least(model):
    problem = town(5, 500, 60, 30.0 if model == "lscp" else np.inf)
    p = None if model == "lscp" else 9
    short = solve(problem, model, p, effort=Effort(seconds=0.01, rounds=0, steps=5))
    full = solve(problem, model, p)
    assert full.proven and short.bound <= full.objective <= short.objective
    assert short.proven == (short.stopped == "optimal")


def test_good_enough_is_enough(hard):
    heard = []
    found = solve(
        hard, "mclp", 20, effort=Effort(gap=0.03), progress=lambda *news: heard.append(news)
    )
    assert found.gap <= 0.03 + 1e-9 and found.bound >= found.objective
    assert heard[-1][2] <= 0.03


def test_progress_never_goes_back(hard):
    heard = []
    solve(hard, "mclp", 20, effort=Effort(seconds=1.5), progress=lambda *news: heard.append(news))
    best, bound, gap = np.array(heard).T
    assert len(heard) > 10 and (np.diff(best) >= 0).all() and (np.diff(bound) <= 0).all()
    assert (best <= bound).all() and gap[-1] < 0.05
    known = np.isfinite(gap)
    assert gap[known] == pytest.approx((bound - best)[known] / best[known])


@pytest.mark.parametrize("model", ["mclp", "lscp", "p_median", "p_center"])
@pytest.mark.parametrize("turn", [2, 5, 12])
def test_an_interruption_keeps_what_is_known(hard, model, turn):
    problem = hard if model == "mclp" else town(5, 500, 60, 30.0 if model == "lscp" else np.inf)
    p = {"mclp": 20, "lscp": None}.get(model, 9)
    calls = 0

    def tired(best, bound, gap):
        nonlocal calls
        calls += 1
        if calls == turn:
            raise KeyboardInterrupt

    found = solve(problem, model, p, progress=tired)
    if calls < turn:
        assert found.proven
        return
    assert found.stopped == "interrupted" or found.proven
    if model == "mclp":
        assert found.objective <= found.bound
    else:
        assert found.bound <= found.objective
    assert np.isfinite(found.bound)


def test_an_interruption_under_capacity_keeps_what_is_known():
    problem = town(5, 600, 80, 25.0)
    limited = replace(problem, capacity=np.random.default_rng(0).uniform(500, 1300, 80))

    def tired(best, bound, gap):
        raise KeyboardInterrupt

    found = solve(limited, "mclp", 12, progress=tired)
    assert found.stopped == "interrupted" and found.objective <= found.bound
    assert found.objective > 0 and found.bound <= problem.weights.sum() and found.gap < 0.3


_CTRL_C = """
import os, signal, sys, threading
sys.path.insert(0, {tests!r})
from test_siting_stops import crowded
from urbanplan.siting import solve
problem = crowded()
threading.Timer({after}, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
found = solve(problem, "mclp", 20)
print(found.stopped, found.objective, found.bound)
"""


def test_ctrl_c_ends_with_an_answer(cover):
    script = _CTRL_C.format(tests=str(Path(__file__).parent), after=2.0)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stopped, objective, bound = done.stdout.split()
    assert stopped == "interrupted" and float(objective) <= float(bound)
    assert float(objective) > 0.95 * cover


def test_an_interrupted_curve_is_a_shorter_curve():
    problem, calls = town(2, 300, 30, 20.0), 0

    def tired(best, bound, gap):
        nonlocal calls
        calls += 1
        if calls == 40:
            raise KeyboardInterrupt

    curve = marginal_curve(problem, "mclp", 25, progress=tired)
    assert 1 < len(curve.p) < 26 and len(curve.objective) == len(curve.sites) == len(curve.p)
    assert (np.diff(curve.objective) >= 0).all() and (curve.bound >= curve.objective).all()
