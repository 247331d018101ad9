# SPDX-License-Identifier: Apache-2.0
"""Gradients against differences of the float64 reference.

Linear operations on small integers: whole steps are exact, so is the gradient, with ==. Everything else: central
differences with a step of 1e-5 are good to about 1e-10; float64 gradients must agree within 1e-7 of the largest entry,
float32 ones within 16 eps sqrt(K), K the terms of the forward sum and of the sum over the upstream gradient.
"""

from __future__ import annotations

import numpy as np

from ..case import Case, Sample
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import backward, kinds, path_text, samples, upstream

FULL_JACOBIAN = 200
STEP = 1e-5


def gradient(case: Case, log: Log, settings: Settings) -> None:
    """Every sample's gradient with respect to every float array, on every set."""
    for kind in kinds(case):
        if kind == "integers" and not case.linear:
            continue
        wide = samples(case, kind, "float64", settings.quick)
        narrow = samples(case, kind, "float32", settings.quick)
        for number, (sample, single) in enumerate(zip(wide, narrow)):
            paths = case.differentiable(sample)
            if not paths:
                continue
            expected = case.expected(sample)
            seeds = upstream(expected, kind, "float64", number)
            exact = kind == "integers"
            for path in paths:
                _one_array(case, path, sample, single, expected, seeds, exact, settings, log)


def _one_array(case, path, sample, single, expected, seeds, exact, settings, log) -> None:
    array = dict(sample.leaves())[path]
    what = f"{case.name}{sample} gradient of {path_text(path)}"
    few = array.size <= FULL_JACOBIAN
    if few:
        jacobian = _jacobian(case, sample, path, 1.0 if exact else STEP)
        total = sum(seed.reshape(-1) @ rows for seed, rows in zip(seeds, jacobian))
        wanted = np.asarray(total, np.float64).reshape(array.shape)
    for isa in settings.isas:
        with switched(isa=isa):
            for dtype, each in (("float64", sample), ("float32", single)):
                if dtype not in settings.dtypes:
                    continue
                where = f"{what} {dtype} {isa}"
                (found,) = backward(case, each, [path], [seed.astype(dtype) for seed in seeds])
                if found.shape != array.shape or found.dtype != np.dtype(dtype):
                    log.check(f"expected {array.shape} {dtype}, got {found.shape} {found.dtype}", where)
                elif few:
                    room = 0.0 if exact else _room(case, sample, seeds, np.abs(wanted).max(initial=0), dtype)
                    log.check(difference(found, wanted, room), where)
                else:
                    _directions(case, sample, path, seeds, found, exact, dtype, log, where)
    if few and sum(each.size for each in expected) <= 32:
        _rows(case, sample, path, expected, jacobian, exact, log, what)


def _rows(case, sample, path, expected, jacobian, exact, log, what) -> None:
    """The full Jacobian: one backward an output element."""
    for which, output in enumerate(expected):
        for j in range(output.size):
            units = [np.zeros(each.shape) for each in expected]
            units[which].reshape(-1)[j] = 1.0
            (found,) = backward(case, sample, [path], units)
            row = jacobian[which][j].reshape(found.shape)
            room = 0.0 if exact else _room(case, sample, units, np.abs(row).max(initial=0), "float64")
            log.check(difference(found, row, room), f"{what}, row {j} of output {which}")


def _room(case, sample, seeds, largest, dtype) -> float:
    if dtype == "float64":
        return 1e-7 * max(float(largest), 1e-2)
    terms = 1 if case.terms is None else max(case.terms(sample), 1)
    reach = max((seed.size for seed in seeds), default=1)
    return float(16 * np.finfo(dtype).eps * np.sqrt(terms + reach) * max(float(largest), 1e-2))


def _moved(case: Case, sample: Sample, path, change) -> list[np.ndarray]:
    return case.expected(sample.map(lambda at, x: x + change if at == path else x))


def _jacobian(case: Case, sample: Sample, path, step: float) -> list[np.ndarray]:
    """d output / d array, by central differences: one matrix (elements of the output, elements of the array) each."""
    array = dict(sample.leaves())[path]
    columns = []
    for i in range(array.size):
        change = np.zeros(array.shape)
        change.reshape(-1)[i] = step
        sides = zip(_moved(case, sample, path, change), _moved(case, sample, path, -change))
        columns.append([((up - down) / (2 * step)).reshape(-1) for up, down in sides])
    if not columns:
        return [np.zeros((each.size, 0)) for each in case.expected(sample)]
    return [np.stack(each, axis=1) for each in zip(*columns)]


def _directions(case, sample, path, seeds, found, exact, dtype, log, where) -> None:
    """Four random directions, for arrays too large for a Jacobian."""
    random = np.random.default_rng(found.size)
    step = 1.0 if exact else STEP
    for _ in range(4):
        way = random.choice([-1.0, 1.0], found.shape)
        sides = zip(_moved(case, sample, path, step * way), _moved(case, sample, path, -step * way))
        slopes = [(up - down) / (2 * step) for up, down in sides]
        wanted = sum(float((seed * slope).sum()) for seed, slope in zip(seeds, slopes))
        got = float((found.astype(np.float64) * way).sum())
        size = float(np.abs(found).sum())
        room = 0.0 if exact else _room(case, sample, seeds, size, dtype)
        bad = abs(got - wanted) > room
        log.check(f"expected a slope of {wanted!r} along a direction, got {got!r}" if bad else None, where)
