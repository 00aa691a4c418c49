"""HiGHS, and the bounds around it: mixed-integer programs, Lagrangian prices."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.errors import UrbanplanError
from urbanplan.siting.core import Core, Rows, same_sets

if TYPE_CHECKING:
    from highspy import Highs
    from scipy.sparse import csr_matrix

#: How often to pass on what the solver said.
_LOOK_S = 0.05
#: What its ways to end are called here.
_HOW = {
    "kOptimal": "optimal",
    "kInfeasible": "optimal",
    "kUnboundedOrInfeasible": "optimal",
    "kSolutionLimit": "optimal",
    "kTimeLimit": "time",
    "kInterrupt": "interrupted",
}


@dataclass(frozen=True)
class Model:
    """Minimise ``cost @ x + offset`` over ``lower <= x <= upper`` and ``low <= matrix @ x <= high``.

    Attributes
    ----------
    cost, lower, upper : ndarray of float64, shape (columns,)
    whole : ndarray of bool, shape (columns,)
        Which columns are whole numbers.
    matrix : scipy.sparse.csr_matrix
    low, high : ndarray of float64, shape (rows,)
    offset : float
    """

    cost: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    matrix: csr_matrix
    low: np.ndarray
    high: np.ndarray
    offset: float = 0.0


@dataclass
class Answer:
    """What HiGHS found.

    Attributes
    ----------
    values : ndarray of float64 or None
        The best columns, if any are known.
    bound : float
        Nothing is less than this; inf if the model cannot be met.
    how : str
        ``"optimal"``, ``"time"`` or ``"interrupted"``; the last whenever somebody asked for it, even if
        the search was over by then.
    seconds : float
        How long it took.
    """

    values: np.ndarray | None
    bound: float
    how: str
    seconds: float


@dataclass(frozen=True)
class Ask:
    """How to solve a model.

    Attributes
    ----------
    seconds : float or None
        Time limit.
    gap, share : float
        Gap at which a choice counts as optimal, absolute and as a share of the objective.
    start : ndarray of float64 or None
        Columns to begin with.
    tell : callable or None
        Gets the best objective (or inf) and the bound (or -inf) whenever HiGHS reports them.
    first : bool
        Is any solution enough?
    tight : bool
        Does the model come reduced, and with a good start, so that the bound is what is left?
    """

    seconds: float | None = None
    gap: float = 0.0
    share: float = 0.0
    start: np.ndarray | None = None
    tell: Callable[[float, float], None] | None = None
    first: bool = False
    tight: bool = False


def minimise(model: Model, ask: Ask) -> Answer:
    """Solve a linear or mixed model.

    HiGHS looks up from its work between two relaxations only: a stop may take as long as one.

    Raises
    ------
    UrbanplanError
        If HiGHS ends in a way that says nothing about the model.
    KeyboardInterrupt
        At a second Ctrl-C, while HiGHS has not yet come to a stop after the first.
    """
    call = _Call(_loaded(model, ask), bool(model.whole.any()))
    threading.Thread(target=call.run, daemon=True).start()
    try:
        while not call.done.wait(_LOOK_S):
            call.pass_on(ask.tell)
    except KeyboardInterrupt:
        call.stop = True
        call.done.wait()
    return call.answer()


class _Call:
    """One run of the solver in its own thread, and what it said on the way."""

    def __init__(self, solver: Highs, mixed: bool) -> None:
        self.solver, self.mixed = solver, mixed
        self.done, self.stop = threading.Event(), False
        self.news: deque[tuple[float, float]] = deque(maxlen=100)
        for event in (solver.cbMipInterrupt, solver.cbIpmInterrupt, solver.cbSimplexInterrupt):
            event += self._heed
        solver.cbMipImprovingSolution += self._hear

    def run(self) -> None:
        """What the thread does."""
        try:
            self.solver.run()
        finally:
            self.done.set()

    def _heed(self, event: Any) -> None:
        self._hear(event)
        if self.stop:
            event.interrupt()

    def _hear(self, event: Any) -> None:
        if self.mixed:
            self.news.append((event.data_out.mip_primal_bound, event.data_out.mip_dual_bound))

    def pass_on(self, tell: Callable[[float, float], None] | None) -> None:
        """In the thread that asked, so that what `tell` raises is raised there."""
        while self.news:
            best, bound = self.news.popleft()
            if tell is not None:
                tell(best, bound)

    def answer(self) -> Answer:
        """What the solver has by now."""
        import highspy

        solver, status = self.solver, self.solver.getModelStatus()
        kinds, info = highspy.HighsModelStatus, solver.getInfo()
        seconds = solver.getRunTime()
        how = "interrupted" if self.stop else _HOW.get(status.name)
        if how is None:
            raise UrbanplanError(
                f"HiGHS came to no end ({status.name})",
                where="siting",
                remedy="try again with less at once, and report it",
            )
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            return Answer(None, np.inf, how, seconds)
        known = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        values = np.array(solver.getSolution().col_value) if known else None
        if self.mixed:
            bound = info.mip_dual_bound
        else:
            done = status == kinds.kOptimal
            bound = info.objective_function_value if done else -np.inf
        return Answer(values, bound, how, seconds)


def _loaded(model: Model, ask: Ask) -> Highs:
    import highspy

    class Quiet(highspy.Highs):
        def enableCallbacks(self) -> None:
            # Says who it is at the first call, unless told not to before.
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    solver, program, rows = Quiet(), highspy.HighsLp(), model.matrix
    program.num_col_, program.num_row_ = len(model.cost), len(model.low)
    program.col_cost_, program.offset_ = model.cost, model.offset
    program.col_lower_, program.col_upper_ = model.lower, model.upper
    program.row_lower_, program.row_upper_ = model.low, model.high
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.num_col_, program.a_matrix_.num_row_ = len(model.cost), len(model.low)
    program.a_matrix_.start_ = rows.indptr.astype(np.int32)
    program.a_matrix_.index_ = rows.indices.astype(np.int32)
    program.a_matrix_.value_ = rows.data.astype(float)
    if model.whole.any():
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        program.integrality_ = [kinds[w] for w in model.whole.astype(int).tolist()]
    for name, value in _options(ask).items():
        solver.setOptionValue(name, value)
    solver.passModel(program)
    if ask.start is not None:
        begin = highspy.HighsSolution()
        begin.col_value = ask.start.tolist()
        solver.setSolution(begin)
    return solver


def _options(ask: Ask) -> dict[str, float | str]:
    found: dict[str, float | str] = {
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": ask.share,
        "mip_abs_gap": max(ask.gap, 1e-6),
        # The relaxation is large and flat: an interior point finds it many times sooner.
        "mip_lp_solver": "ipx",
    }
    if ask.seconds is not None:
        found["time_limit"] = max(ask.seconds, 0.0)
    if ask.first:
        found["mip_max_improving_sols"] = 1
    if ask.tight:
        found |= {"presolve": "off", "mip_heuristic_effort": 0.0}
    return found


@dataclass(frozen=True)
class Sets:
    """Sets of sites of which any one will do.

    Attributes
    ----------
    weight : ndarray of float64, shape (sets,)
        What it brings that one of them is open.
    alone : ndarray of float64, shape (sites,)
        The same for sets of a single site.
    parent : ndarray of int64, shape (sets,)
        A set that this one holds, or -1.
    start, site : ndarray of int64
        The sites that it adds to its parent, set by set.
    row : ndarray of int64, shape (sets,)
        A row that has this set,
    level : ndarray of float64, shape (sets,)
        and what its sites are worth to that row at least.
    """

    weight: np.ndarray
    alone: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    site: np.ndarray
    row: np.ndarray
    level: np.ndarray


def sets(rows: Rows) -> Sets:
    """Take rows apart into sets."""
    ends_row = np.zeros(len(rows.site), bool)
    ends_row[rows.start[1:] - 1] = True
    below = np.where(ends_row, 0.0, np.r_[rows.value[1:], 0.0])
    step = rows.value - below
    ends = np.flatnonzero(step > 0)
    first, group = same_sets(rows, ends)
    weight = np.bincount(group, step[ends], minlength=len(first))
    end, begin = ends[first], rows.start[rows.row[ends[first]]]
    single = end == begin
    alone = np.bincount(rows.site[end[single]], weight[single], minlength=rows.sites)
    # The set before in the same row is the parent, if it is more than one site.
    before = first - 1
    inside = (before >= 0) & (ends[before] > begin)
    parent = np.where(inside, group[before], -1)
    begin = np.where(inside, ends[before] + 1, begin)
    keep = np.flatnonzero(~single)
    number = np.cumsum(~single) - 1
    size = (end - begin + 1)[keep]
    start = np.r_[0, np.cumsum(size)]
    at = np.repeat(begin[keep] - start[:-1], size) + np.arange(start[-1])
    parent = np.where(parent[keep] >= 0, number[parent[keep]], -1)
    end = end[keep]
    return Sets(weight[keep], alone, parent, start, rows.site[at], rows.row[end], rows.value[end])


def model(core: Core) -> tuple[Model, Sets]:
    """Columns for sites, then for sets; minimised, so signs are turned."""
    from scipy.sparse import csr_matrix, hstack, vstack

    found = sets(core.savings)
    count, sites = len(found.weight), core.sites
    row = np.arange(count)
    has = found.parent >= 0
    adds = csr_matrix((-np.ones(len(found.site)), found.site, found.start), shape=(count, sites))
    own = csr_matrix(
        (
            np.r_[np.ones(count), -np.ones(has.sum())],
            (np.r_[row, row[has]], np.r_[row, found.parent[has]]),
        ),
        shape=(count, count),
    )
    rules, limit = core.rules
    rules = vstack([rules, csr_matrix(np.ones((1, sites)))])
    none = csr_matrix((rules.shape[0], count))
    high = np.r_[np.zeros(count), limit, float(core.most)]
    columns = sites + count
    return (
        Model(
            cost=np.r_[core.fee - found.alone, -found.weight],
            lower=np.zeros(columns),
            upper=np.ones(columns),
            whole=np.arange(columns) < sites,
            matrix=vstack([hstack([adds, own]), hstack([rules, none])], format="csr"),
            low=np.full(len(high), -np.inf),
            high=high,
        ),
        found,
    )


def start(found: Sets, rows: Rows, chosen: np.ndarray) -> np.ndarray:
    """The columns of a choice of sites."""
    opened = np.zeros(rows.sites)
    opened[chosen] = 1.0
    return np.r_[opened, rows.best(chosen)[found.row] >= found.level]


def solve(core: Core, chosen: np.ndarray | None, ask: Ask) -> Answer:
    """Solve the core to the end, or as far as the time goes.

    Parameters
    ----------
    core : Core
        With at least one site.
    chosen : ndarray of int64 or None
        A choice to begin with.
    ask : Ask
        Its `start` is set here.

    Returns
    -------
    Answer
        Values are 1 for sites that are opened; the bound is that of the core, from above.
    """
    built, found = model(core)
    begin = None if chosen is None else start(found, core.savings, chosen)
    answer = minimise(
        built,
        replace(ask, start=begin, tell=ask.tell and _turned(ask.tell), tight=begin is not None),
    )
    values = None if answer.values is None else np.round(answer.values[: core.sites])
    return Answer(values, -answer.bound, answer.how, answer.seconds)


def _turned(tell: Callable[[float, float], None]) -> Callable[[float, float], None]:
    return lambda best, bound: tell(-best, -bound)


#: Share of the last direction that is kept, and the steps without progress that halve the stride.
_MEMORY, _PATIENCE = 0.7, 30
#: The first stride and the last.
_STRIDE, _LEAST = 1.5, 1e-4


@dataclass(frozen=True)
class Prices:
    """Prices, and the bound that they prove.

    Attributes
    ----------
    rows : ndarray of float64
        Price of each row of the savings.
    rules : ndarray of float64
        Price of each rule, at 0 or above.
    profit : ndarray of float64
        What each site brings at these prices.
    bound : float
        No choice is better than this.
    """

    core: Core
    rows: np.ndarray
    rules: np.ndarray
    profit: np.ndarray
    bound: float

    @cached_property
    def _edge(self) -> tuple[np.ndarray, float, float]:
        """The sites picked, the profit a newcomer must beat, and that of the best left out."""
        picked = _pick(self.profit, self.core.most)
        order = np.sort(self.profit)[::-1]
        full = len(picked) == self.core.most
        last = max(order[self.core.most - 1], 0.0) if full and self.core.most else 0.0
        runner_up = max(order[self.core.most], 0.0) if self.core.most < len(order) else 0.0
        return picked, last, runner_up

    def settled(self, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Sites that every choice better than `floor` holds, and those that it may hold besides.

        Returns
        -------
        taken, keep : ndarray of int64
            Sorted.
        """
        picked, last, runner_up = self._edge
        bound = self.bound + self.profit - last
        bound[picked] = np.inf
        without = np.full(len(self.profit), np.inf)
        without[picked] = self.bound - self.profit[picked] + runner_up
        taken = without <= floor
        return np.flatnonzero(taken), np.flatnonzero((bound > floor) & ~taken)


def _pick(profit: np.ndarray, most: int) -> np.ndarray:
    if most < len(profit):
        best = np.argpartition(-profit, most - 1)[:most] if most else np.empty(0, np.int64)
    else:
        best = np.arange(len(profit))
    return best[profit[best] > 0]


@dataclass(frozen=True)
class _Table:
    """The two sums of a step: profits of sites at given prices, and how often rows are counted."""

    core: Core

    def profits(self, price: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What each site brings beyond the prices, and, unless all rows are uniform, from whom."""
        savings = self.core.savings
        if savings.uniform:
            return savings.pattern[1] @ np.maximum(savings.most - price, 0), None
        margin = savings.value - price[savings.row]
        above = np.maximum(margin, 0)
        return np.bincount(savings.site, above, minlength=savings.sites), margin > 0

    def counted(self, mark: np.ndarray, above: np.ndarray | None) -> np.ndarray:
        """How many of the picked sites bring something to each row."""
        savings = self.core.savings
        if above is None:
            return savings.pattern[0] @ mark
        held = mark[savings.site] * above
        return np.bincount(savings.row, held, minlength=savings.count)


def prices(
    core: Core,
    target: float,
    steps: int,
    enough: Callable[[float], bool],
    begin: np.ndarray | None = None,
) -> Prices:
    """Search for the prices with the least bound.

    Parameters
    ----------
    core : Core
    target : float
        The best objective known, which sets the stride; -inf where none is.
    steps : int
        At most so many.
    enough : callable
        Gets each better bound, and says whether it will do.
    begin : ndarray of float64, optional
        Prices of the rows to begin with.
    """
    table, (matrix, limit) = _Table(core), core.rules
    upright = matrix.T.tocsr()
    savings = core.savings
    row = savings.most / np.diff(savings.start) if begin is None else begin
    rule = _first_rules(core, len(limit))
    # Where no choice heeds the rules their prices would grow until sums lose all digits.
    highest = 100 * (1 + core.fee * core.sites + savings.most.sum())
    stride, waited, drift = _STRIDE if begin is None else _STRIDE / 4, 0, 0.0
    found = None
    for _ in range(max(steps, 1)):
        saved, above = table.profits(row)
        profit = saved - core.fee - upright @ rule
        picked = _pick(profit, core.most)
        bound = _sum(row, rule * limit, profit[picked])
        waited += 1
        if found is None or bound < found.bound:
            if found is None or bound < found.bound - 1e-5 * abs(found.bound):
                waited = 0
            found = Prices(core, row, rule, profit, bound)
            if enough(bound):
                break
        if waited > _PATIENCE:
            stride, waited = stride / 1.5, 0
        mark = np.zeros(core.sites)
        mark[picked] = 1.0
        slope = np.r_[1 - table.counted(mark, above), limit - matrix @ mark]
        drift = _MEMORY * drift + slope
        at, top = np.r_[row, rule], np.r_[savings.most, np.full(len(rule), highest)]
        # Where a price can go no further, its direction does not lengthen the step.
        way = np.where(((at <= 0) & (drift > 0)) | ((at >= top) & (drift < 0)), 0, drift)
        length = way @ way
        if length == 0 or stride < _LEAST:
            break
        aim = target if np.isfinite(target) else bound - 0.05 * (abs(bound) + 1)
        at = np.clip(at - stride * max(bound - aim, 1e-12) / length * way, 0, top)
        row, rule = at[: len(row)], at[len(row) :]
    assert found is not None
    return found


def _first_rules(core: Core, count: int) -> np.ndarray:
    """Nothing for rules that limit; rows that must be served share out the fee of a site."""
    first, need = np.zeros(count), core.need
    if core.fee and need.count:
        served = np.bincount(need.site, minlength=need.sites)
        share = core.fee / served[need.site]
        first[count - need.count :] = np.minimum.reduceat(share, need.start[:-1])
    return first


def _sum(*parts: np.ndarray) -> float:
    """A sum of sums, and what rounding may have taken from it."""
    return float(sum(p.sum() for p in parts) + 1e-13 * sum(np.abs(p).sum() for p in parts))
