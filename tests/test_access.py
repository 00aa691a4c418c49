"""Access and equity: against PySAL's access, against hand-made tables, and by their properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanplan.errors import InputError, UnknownNameError
from urbanplan.measures.accessibility import (
    DECAYS,
    METHODS,
    Pairs,
    access,
    exponential,
    gaussian,
    power,
    stepwise,
    two_step,
)
from urbanplan.measures.coverage import (
    concentration,
    gini,
    inequality,
    lorenz,
    palma,
    theil,
    worst_tenth,
)


def every_pair(minutes: np.ndarray) -> Pairs:
    """A full table of minutes, demand by supply."""
    demand, supply = np.indices(minutes.shape)
    return Pairs(demand.ravel(), supply.ravel(), minutes.ravel())


@st.composite
def towns(draw):
    homes, sites = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    minutes = draw(
        st.lists(st.floats(0, 60), min_size=homes * sites, max_size=homes * sites).map(np.array)
    ).reshape(homes, sites)
    people = np.array(draw(st.lists(st.integers(1, 1000), min_size=homes, max_size=homes)), float)
    supply = np.array(draw(st.lists(st.integers(1, 500), min_size=sites, max_size=sites)), float)
    return minutes, people, supply


# Two homes of 100 and 300, two clinics of 4 and 6 doctors.
MINUTES = np.array([[5.0, 25.0], [15.0, 8.0]])
PEOPLE, DOCTORS = np.array([100.0, 300.0]), np.array([4.0, 6.0])


def test_two_steps_by_hand():
    # Within 20 minutes: home 0 reaches clinic 0 alone, home 1 reaches both.
    found = access(every_pair(MINUTES), PEOPLE, DOCTORS, "2sfca", 20)
    assert found == pytest.approx([4 / 400, 4 / 400 + 6 / 300])


def test_enhanced_steps_by_hand():
    # Zones of 10 minutes weigh 1, 0.68, 0.22: home 1 stands in clinic 0's second zone, and so on.
    found = access(every_pair(MINUTES), PEOPLE, DOCTORS, "e2sfca", 30)
    r0, r1 = 4 / (100 + 0.68 * 300), 6 / (0.22 * 100 + 300)
    assert found == pytest.approx([r0 + 0.22 * r1, 0.68 * r0 + r1])


def test_huff_by_hand():
    found = access(every_pair(MINUTES), PEOPLE, DOCTORS, "mh3sfca", 30, decay="stepwise")
    h00, h01 = 4 / (4 + 6 * 0.22), 6 * 0.22 / (4 + 6 * 0.22)
    h10, h11 = 4 * 0.68 / (4 * 0.68 + 6), 6 / (4 * 0.68 + 6)
    r0, r1 = 4 / (100 * h00 + 300 * h10), 6 / (100 * h01 + 300 * h11)
    assert found == pytest.approx([h00 * r0 + h01 * r1 * 0.22, h10 * r0 * 0.68 + h11 * r1])


def test_opportunities_by_hand():
    pairs = every_pair(MINUTES)
    assert access(pairs, PEOPLE, DOCTORS, "cumulative", 20) == pytest.approx([4, 10])
    assert access(pairs, PEOPLE, DOCTORS, "gravity", 60, "power", 1.0) == pytest.approx(
        [4 / 5 + 6 / 25, 4 / 15 + 6 / 8]
    )
    near = access(pairs, PEOPLE, DOCTORS, "gravity", 60, "exponential", 0.1)
    assert near == pytest.approx(
        [4 * np.exp(-0.5) + 6 * np.exp(-2.5), 4 * np.exp(-1.5) + 6 * np.exp(-0.8)]
    )


def test_decays_at_their_corners():
    minutes = np.array([0.0, 10.0, 10.1, 20.0, 29.9, 30.0])
    assert stepwise(30.0)(minutes).tolist() == [1, 1, 0.68, 0.68, 0.22, 0.22]
    assert gaussian(30.0, 0.01)(minutes)[[0, -1]] == pytest.approx([1, 0.01])
    assert exponential(0.1)(np.array([10.0])) == pytest.approx(np.exp(-1))
    assert power(2.0)(np.array([0.0, 0.5, 2.0])).tolist() == [1.0, 1.0, 0.25]


def peer(town, method, weigh):
    """The same numbers from PySAL's access."""
    from access import Access

    minutes, people, supply = town
    homes = pd.DataFrame({"geoid": range(len(people)), "people": people})
    sites = pd.DataFrame({"geoid": range(len(supply)), "beds": supply})
    rows, columns = np.indices(minutes.shape)
    cost = pd.DataFrame(
        {"origin": rows.ravel(), "dest": columns.ravel(), "minutes": minutes.ravel()}
    )
    a = Access(
        demand_df=homes, demand_index="geoid", demand_value="people",
        supply_df=sites, supply_index="geoid", supply_value="beds",
        cost_df=cost, cost_origin="origin", cost_dest="dest", cost_name="minutes",
    )  # fmt: skip
    if method == "3sfca":
        # PySAL's own three stages weigh with a function of the cost in each of them.
        found = a.three_stage_fca(
            name="x", cost="minutes", supply_values="beds", max_cost=30.0, weight_fn=weigh
        )
    else:
        found = a.two_stage_fca(
            name="x", cost="minutes", supply_values="beds", max_cost=30.0, weight_fn=weigh
        )
    return found["x_beds"].reindex(range(len(people))).fillna(0.0).to_numpy()


def our_weights(decay):
    # PySAL shares preferences out over all pairs, so what lies beyond the limit must weigh nothing.
    weigh = DECAYS[decay](30.0, None)
    return lambda minutes: float(weigh(np.array([minutes]))[0]) if minutes <= 30 else 0.0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("method", "decay"),
    [("2sfca", "none"), ("e2sfca", "stepwise"), ("e2sfca", "gaussian"), ("3sfca", "gaussian")],
)
def test_equal_to_pysal_number_by_number(method, decay):
    random = np.random.default_rng(5)
    town = (
        random.uniform(0, 60, (60, 12)),
        random.integers(1, 900, 60) * 1.0,
        random.integers(1, 90, 12) * 1.0,
    )
    ours = access(every_pair(town[0]), town[1], town[2], method, 30.0, decay)
    theirs = peer(town, method, None if decay == "none" else our_weights(decay))
    assert (ours > 0).sum() > 40
    assert np.abs(ours - theirs).max() < 1e-12


@settings(max_examples=200)
@given(towns(), st.floats(1, 60))
def test_floating_catchments_hand_out_all_that_is_reached(town, limit):
    minutes, people, supply = town
    reached = supply[(minutes <= limit).any(0)].sum()
    pairs = every_pair(minutes)
    for method in ("2sfca", "e2sfca", "3sfca"):
        found = access(pairs, people, supply, method, limit)
        assert (found * people).sum() == pytest.approx(reached, rel=1e-9, abs=1e-9), method
    huff = access(pairs, people, supply, "mh3sfca", limit)
    assert (huff * people).sum() <= reached * (1 + 1e-9)


@settings(max_examples=100)
@given(towns(), st.floats(1, 60), st.sampled_from(sorted(METHODS)), st.randoms())
def test_access_scales_and_does_not_mind_the_order(town, limit, method, random):
    minutes, people, supply = town
    pairs = every_pair(minutes)
    base = access(pairs, people, supply, method, limit)
    assert (base >= 0).all()
    assert access(pairs, people, 2 * supply, method, limit) == pytest.approx(2 * base)
    order = list(range(len(pairs.minutes)))
    random.shuffle(order)
    mixed = Pairs(pairs.demand[order], pairs.supply[order], pairs.minutes[order])
    assert access(mixed, people, supply, method, limit) == pytest.approx(base)
    # Who reaches nothing has nothing, and nobody else.
    none = ~(minutes <= limit).any(1)
    assert (base[none] == 0).all() and (base[~none] > 0).all()


def test_more_people_leave_less_for_each():
    more = access(every_pair(MINUTES), PEOPLE * [1, 2], DOCTORS, "2sfca", 20)
    assert (more < access(every_pair(MINUTES), PEOPLE, DOCTORS, "2sfca", 20)).all()


def test_empty_places_and_idle_supply_are_nobodys():
    pairs = every_pair(np.array([[5.0, 50.0]]))
    assert two_step(pairs.within(10), np.array([10.0]), np.array([3.0, 9.0])) == pytest.approx(
        [0.3]
    )
    assert access(pairs, np.array([0.0]), np.array([3.0, 9.0]), "2sfca", 10).tolist() == [0.0]


def test_bad_questions_are_refused():
    pairs = every_pair(MINUTES)
    with pytest.raises(UnknownNameError, match="4sfca"):
        access(pairs, PEOPLE, DOCTORS, "4sfca", 20)
    with pytest.raises(UnknownNameError, match="decay 'steep'"):
        access(pairs, PEOPLE, DOCTORS, "gravity", 20, "steep")
    with pytest.raises(InputError, match="takes no decay"):
        access(pairs, PEOPLE, DOCTORS, "cumulative", 20, "power")
    with pytest.raises(InputError, match="people must be 0 or more"):
        access(pairs, -PEOPLE, DOCTORS, "2sfca", 20)
    with pytest.raises(InputError, match="supply must be 0 or more"):
        access(pairs, PEOPLE, DOCTORS * np.nan, "2sfca", 20)
    with pytest.raises(InputError, match="between 0 and 1"):
        access(pairs, PEOPLE, DOCTORS, "e2sfca", 20, "gaussian", 2.0)


# ---- equity


def test_inequality_of_known_distributions():
    one = np.ones(10)
    assert gini(one, one) == pytest.approx(0) and palma(one, one) == pytest.approx(0.25)
    # One of ten has all: 1 - 1/n.
    alone = np.r_[np.zeros(9), 1.0]
    assert gini(alone, one) == pytest.approx(0.9)
    assert theil(alone, one)[0] == pytest.approx(np.log(10))
    assert palma(alone, one) == np.inf and worst_tenth(alone, one) == 0
    # 1, 2, 3, 4: Gini = 1/4, as sum |xi - xj| / (2 n² mean) = 20 / (2 · 16 · 2.5).
    four = np.arange(1.0, 5.0)
    assert gini(four, np.ones(4)) == pytest.approx(0.25)
    x, y = lorenz(four, np.ones(4))
    assert x.tolist() == [0, 0.25, 0.5, 0.75, 1] and y == pytest.approx([0, 0.1, 0.3, 0.6, 1])
    # 1 to 10: the last tenth has 10 of 55, the first four tenths 10 of 55.
    ten = np.arange(1.0, 11.0)
    assert palma(ten, one) == pytest.approx(1.0) and worst_tenth(ten, one) == pytest.approx(1.0)


def test_concentration_follows_the_rank():
    values, people = np.arange(1.0, 5.0), np.ones(4)
    assert concentration(values, people, values) == pytest.approx(0.25)
    assert concentration(values, people, -values) == pytest.approx(-0.25)
    assert concentration(values, people, np.zeros(4)) == pytest.approx(0)


def test_theil_between_and_within_by_hand():
    values, people = np.array([1.0, 1.0, 3.0, 3.0]), np.array([1.0, 1.0, 1.0, 1.0])
    total, between, within = theil(values, people, np.array(["a", "a", "b", "b"]))
    by_hand = 0.5 * (0.5 * np.log(0.5) + 1.5 * np.log(1.5))
    assert total == pytest.approx(by_hand) and between == pytest.approx(by_hand)
    assert within == pytest.approx(0, abs=1e-15)
    _, between, within = theil(values, people, np.array(["a", "b", "a", "b"]))
    assert between == pytest.approx(0, abs=1e-15) and within == pytest.approx(by_hand)


figures = st.floats(0, 1e4).map(lambda v: round(v, 3))
held = st.lists(st.tuples(figures, st.floats(0.1, 1e4)), min_size=2, max_size=30).filter(
    lambda rows: sum(v * p for v, p in rows) > 1e-3
)


@settings(max_examples=200)
@given(held, st.floats(0.01, 100), st.randoms())
def test_indices_mind_neither_scale_nor_order_nor_splitting(rows, factor, random):
    values, people = np.array(rows).T
    mixed = list(rows)
    random.shuffle(mixed)
    shuffled = np.array(mixed).T
    for index in (gini, palma, lambda v, p: theil(v, p)[0]):
        base = index(values, people)
        for other in (
            (values * factor, people),
            (values, people * factor),
            tuple(shuffled),
            (np.r_[values, values], np.r_[people, people] / 2),
        ):
            assert index(*other) == pytest.approx(base, rel=1e-6, abs=1e-9)
    assert 0 <= gini(values, people) < 1
    total, between, within = theil(values, people, np.arange(len(values)) % 2)
    assert total >= -1e-9 and between >= -1e-9 and within >= -1e-9


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), min_size=2, max_size=12))
def test_gini_is_the_mean_difference(rows):
    values, people = np.array(rows).T
    each = np.repeat(values, people.astype(int))
    if each.sum() <= 1e-6:
        return
    independent = np.abs(each[:, None] - each).mean() / (2 * each.mean())
    assert gini(values, people) == pytest.approx(independent, abs=1e-9)


def test_the_whole_table_of_inequality():
    values, people = np.array([1.0, 2.0, 3.0, 6.0]), np.array([10.0, 10.0, 10.0, 10.0])
    found = inequality(
        values, people, np.array(["a", "a", "b", "b"]), np.array([False, True, True, True])
    )
    assert found["mean"] == 3 and found["best_to_worst"] == pytest.approx(4.5 / 1.5)
    assert found["urban_rural_gap"] == pytest.approx(11 / 3 - 1)
    assert found["theil"] == pytest.approx(found["theil_between"] + found["theil_within"])
    assert np.isnan(inequality(values, people, np.array(["a"] * 4))["urban_rural_gap"])


def test_inequality_of_nothing_is_refused():
    with pytest.raises(InputError, match="nobody"):
        gini(np.ones(2), np.zeros(2))
    with pytest.raises(InputError, match="0 or more"):
        gini(np.array([1.0, -1.0]), np.ones(2))
    with pytest.raises(InputError, match="rank"):
        concentration(np.ones(2), np.ones(2), np.array([0.0, np.nan]))
