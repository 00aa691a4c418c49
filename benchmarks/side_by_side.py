"""Timing two ways of doing the same work in one run, turn and turn about."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A way that takes longer than this is run once.
PATIENCE_S = 8.0
REPEATS = 7


@dataclass
class Row:
    """One line of the table."""

    work: str
    peer: str
    ours_s: float
    peer_s: float
    agreement: str
    target: float

    @property
    def ratio(self) -> float:
        """How many times faster than the peer."""
        return self.peer_s / self.ours_s


def alternate(
    ours: Callable[[], Any],
    peer: Callable[..., Any],
    fresh: Callable[[], Any] | None = None,
) -> tuple[float, float, Any, Any]:
    """Median seconds of both, warmed up and alternating, and what each gave.

    A peer slower than `PATIENCE_S` is its own warm-up and runs once. `fresh` makes, untimed, what
    the peer is called with, for peers that remember an earlier call.
    """

    def turn() -> tuple[float, Any]:
        given = () if fresh is None else (fresh(),)
        return timed(lambda: peer(*given))

    first, theirs = turn()
    ours()
    mine, other = [], [first]
    repeats = 3 if first > PATIENCE_S else REPEATS
    for _ in range(repeats):
        seconds, result = timed(ours)
        mine.append(seconds)
        if first <= PATIENCE_S:
            seconds, theirs = turn()
            other.append(seconds)
    if len(other) > 1:
        other = other[1:]  # the first call of a quick peer was its warm-up
    return statistics.median(mine), statistics.median(other), result, theirs


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def need(name: str, package: str) -> Any:
    """Import a peer, or stop with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SystemExit(f"benchmarks: {name} is not installed → pip install {package}") from None


def apart(a: np.ndarray, b: np.ndarray) -> str:
    """How far two arrays of minutes differ at most."""
    return f"at most {np.abs(a - b).max() * 60:.2g} s apart"


def markdown(rows: list[Row]) -> str:
    """The table as it is printed."""
    lines = [
        "| work | against | urbanplan | peer | faster | at least | same answer |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for r in rows:
        verdict = "" if r.ratio >= r.target else " **(missed)**"
        lines.append(
            f"| {r.work} | {r.peer} | {ms(r.ours_s)} | {ms(r.peer_s)} | {r.ratio:,.1f} ×{verdict}"
            f" | {r.target:g} × | {r.agreement} |"
        )
    return "\n".join(lines)


def ms(seconds: float) -> str:
    """Milliseconds in three figures, or seconds."""
    return f"{seconds:,.1f} s" if seconds >= 10 else f"{seconds * 1000:,.4g} ms"
