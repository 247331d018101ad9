# SPDX-License-Identifier: Apache-2.0
"""From samples to numbers, and the rounds in which samples are taken."""

from __future__ import annotations

import math
import time


def quantile(values: list[float], q: float) -> float:
    """The q-th quantile, between two samples on the straight line.

    Example:
        >>> quantile([4.0, 1.0, 2.0, 3.0], 0.5)
        2.5
    """
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def summary(values: list[float]) -> dict:
    """Minimum, median, quartiles, spread (the middle half's width over the median), and how many lie far out: more
    than three times the middle half's width above it.

    Example:
        >>> found = summary([1.0, 1.0, 1.1, 1.1, 9.0])
        >>> found["minimum"], found["median"], round(found["spread"], 3), found["outliers"]
        (1.0, 1.1, 0.091, 1)
    """
    low, median, high = (quantile(values, q) for q in (0.25, 0.5, 0.75))
    return {
        "minimum": min(values),
        "median": median,
        "low": low,
        "high": high,
        "spread": (high - low) / median if median else 0.0,
        "outliers": sum(value > high + 3 * (high - low) for value in values),
        "samples": len(values),
    }


def paired_ratio(ours: list[list[float]], theirs: list[list[float]]) -> dict:
    """Our time over theirs, round by round: each round's best sample of both, taken within moments of each other, so
    what slows the machine for a while slows both. The median over the rounds, and its quartiles.

    Args:
        ours, theirs: the samples of each round.

    Example:
        >>> paired_ratio([[1.0, 2.0], [4.0]], [[2.0], [8.0, 9.0]])["median"]
        0.5
    """
    ratios = [min(a) / min(b) for a, b in zip(ours, theirs)]
    return {
        "median": quantile(ratios, 0.5),
        "low": quantile(ratios, 0.25),
        "high": quantile(ratios, 0.75),
        "rounds": len(ratios),
    }


def geometric_mean(values: list[float]) -> float:
    """exp of the mean logarithm.

    Example:
        >>> round(geometric_mean([0.5, 2.0]), 12)
        1.0
    """
    return math.exp(sum(map(math.log, values)) / len(values))


class Method:
    """How long to measure.

    Args:
        rounds: how often every process has its turn.
        samples: how many times a turn measures.
        seconds: how long one measurement takes, in as many calls as that needs. Short: on a shared machine some of
            them fall between the interruptions.
        budget: after so many seconds a row stops, if three rounds are done.
    """

    def __init__(self, rounds: int = 12, samples: int = 10, seconds: float = 0.005, budget: float = 20.0):
        self.rounds, self.samples, self.seconds, self.budget = rounds, samples, seconds, budget

    @property
    def turn(self) -> float:
        """Seconds after which a turn has samples enough, however long one takes: twice what is planned."""
        return 2 * self.samples * self.seconds

    @classmethod
    def quick(cls) -> Method:
        """Enough to see that everything runs."""
        return cls(rounds=3, samples=2, seconds=0.002, budget=3.0)


def interleave(
    turns: dict, method: Method, between=None, clock=time.perf_counter
) -> dict[str, list[list[float]]]:
    """A B A B ...: every participant's turn in each round, until the rounds or the budget are used up.

    Args:
        turns: {name: () -> the samples of one turn}.
        between: called after each round.

    Returns:
        {name: [the samples of each round]}, rounds that all of them finished. When it is interrupted after the first
        round, what was measured so far is in the exception's ``measured``.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in turns}
    start = clock()
    try:
        for done in range(method.rounds):
            if done >= 3 and clock() - start > method.budget:
                break
            row = {name: turn() for name, turn in turns.items()}
            for name, samples in row.items():
                found[name].append(samples)
            if between is not None:
                between()
    except KeyboardInterrupt as stop:
        if done:
            stop.measured = found
        raise
    return found
