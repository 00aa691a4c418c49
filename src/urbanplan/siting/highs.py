"""HiGHS, asked so that it can be stopped: by a time limit, by Ctrl-C, or once it is good enough.

HiGHS (Huangfu & Hall 2018, Mathematical Programming Computation 10) runs in a thread of its own, so
that this one can listen. One thread and a fixed seed, so that it does the same each time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from urbanplan.errors import UrbanplanError

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
    matrix: object
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

    def __init__(self, solver, mixed: bool) -> None:
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

    def _heed(self, event) -> None:
        self._hear(event)
        if self.stop:
            event.interrupt()

    def _hear(self, event) -> None:
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


def _loaded(model: Model, ask: Ask):
    import highspy

    class Quiet(highspy.Highs):
        def enableCallbacks(self):
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


def _options(ask: Ask) -> dict[str, object]:
    found: dict[str, object] = {
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
