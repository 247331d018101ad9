# SPDX-License-Identifier: Apache-2.0
"""``backward`` against ``backward_plain`` (the walk with create_graph), and second derivatives by differences."""

from __future__ import annotations

import numpy as np

import nabi
from nabi.tensor import from_array

from ..case import Case
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import as_tensors, backward, path_text, samples, upstream

STEP = 1e-5


def plain(case: Case, log: Log, settings: Settings) -> None:
    """Both backwards give the same in float64, up to rounding; the plain one can be differentiated again."""
    if not case.plain:
        return
    with switched(isa=settings.isas[-1]):
        for number, sample in enumerate(samples(case, "random", "float64", settings.quick)):
            paths = case.differentiable(sample)
            if paths:
                seeds = upstream(case.expected(sample), "random", "float64", number)
                _first(case, sample, paths, seeds, log)
                _second(case, sample, paths, seeds, log)


def _with_graph(case, sample, paths, seeds):
    """The gradients as Tensors with a history, and the leaves."""
    made, leaves = as_tensors(sample, set(paths))
    outputs = case.call(nabi, made)
    starts = [from_array(seed) for seed in seeds]
    wanted = [leaves[path] for path in paths]
    found = nabi.autograd.grad(outputs, wanted, starts, create_graph=True, allow_unused=True)
    return found, wanted


def _first(case, sample, paths, seeds, log) -> None:
    fast = backward(case, sample, paths, seeds)
    slow, _ = _with_graph(case, sample, paths, seeds)
    reach = sum(seed.size for seed in seeds) + 1
    for path, got, wanted in zip(paths, slow, fast):
        got = np.zeros_like(wanted) if got is None else got._array
        room = 1e-14 * reach * max(np.abs(wanted).max(initial=0), 1e-2)
        log.check(difference(got, wanted, room), f"{case.name}{sample} backward_plain of {path_text(path)}")


def _second(case, sample, paths, seeds, log) -> None:
    """g(x) = sum of w * gradient; its gradient along four random directions against differences of g."""
    found, leaves = _with_graph(case, sample, paths, seeds)
    random = np.random.default_rng(len(paths))
    weights = [random.standard_normal(leaf._array.shape) for leaf in leaves]
    # What is linear has gradients without a history: their slope is zero.
    parts = [(g, w) for g, w in zip(found, weights) if g is not None and g.requires_grad]
    slopes = [np.zeros_like(leaf._array) for leaf in leaves]
    if parts:
        again = nabi.autograd.grad(
            [g for g, _ in parts], leaves, [from_array(w) for _, w in parts], allow_unused=True
        )
        slopes = [s if each is None else each._array for s, each in zip(slopes, again)]

    def total(ways, step):
        moves = dict(zip(paths, ways))
        moved = sample.map(lambda path, x: x + step * moves[path] if path in moves else x)
        return sum(float((w * g).sum()) for w, g in zip(weights, backward(case, moved, paths, seeds)))

    for _ in range(4):
        ways = [random.choice([-1.0, 1.0], leaf._array.shape) for leaf in leaves]
        wanted = (total(ways, STEP) - total(ways, -STEP)) / (2 * STEP)
        got = sum(float((slope * way).sum()) for slope, way in zip(slopes, ways))
        size = 1 + sum(float(np.abs(slope).sum()) for slope in slopes) + abs(total(ways, 0.0))
        bad = not abs(got - wanted) <= 1e-6 * size
        fault = f"expected a second slope of {wanted!r}, got {got!r}" if bad else None
        log.check(fault, f"{case.name}{sample} second derivative")
