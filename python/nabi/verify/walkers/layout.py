# SPDX-License-Identifier: Apache-2.0
"""Inputs in other layouts: transposed, permuted, sliced, at an offset, repeated by stride 0. The same values come out.

One operation has one arithmetic whatever the layout, so the results are the same bits as from contiguous copies, for
random data that rounds.
"""

from __future__ import annotations

import numpy as np

from ..case import Case, Sample
from ..compare import same_bits
from ..settings import Log, Settings, switched
from ._run import backward, changed, copies, forward, samples, upstream


def transposed(x: np.ndarray) -> np.ndarray:
    """Fortran order."""
    return x.copy(order="F")


def permuted(x: np.ndarray) -> np.ndarray:
    """Dense, with the first dimension innermost and the rest in order."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0) if x.ndim > 2 else transposed(x)


def sliced(x: np.ndarray) -> np.ndarray:
    """Every second element of a larger array, whose other elements are NaN or absurd labels."""
    big = np.full([2 * size + 1 for size in x.shape], np.nan if x.dtype.kind == "f" else 1)
    big = big.astype(x.dtype)
    view = big[tuple(slice(1, None, 2) for _ in x.shape)] if x.ndim else big[...]
    view[...] = x
    return view


def offset(x: np.ndarray) -> np.ndarray:
    """Contiguous, but one element into its memory: aligned to the element and to nothing wider."""
    flat = np.empty(x.size + 1, x.dtype)
    flat[1:] = x.reshape(-1)
    return flat[1:].reshape(x.shape)


def repeated(x: np.ndarray) -> np.ndarray:
    """The first slice of the first dimension everywhere, by stride 0."""
    if x.ndim == 0 or x.shape[0] == 0:
        return x
    return np.lib.stride_tricks.as_strided(x, x.shape, (0, *x.strides[1:]))


LAYOUTS = (transposed, permuted, sliced, offset, repeated)


def layout(case: Case, log: Log, settings: Settings) -> None:
    """Forward and backward from every layout, of all arrays at once and of each alone."""
    if not case.layouts:
        return
    kind = "random"
    dtypes = settings.dtypes[:1] if settings.quick else settings.dtypes
    for isa in settings.plainest_and_best if settings.quick else settings.isas:
        for dtype in dtypes:
            for number, sample in enumerate(samples(case, kind, dtype, settings.quick)):
                leaves = sample.leaves()
                alone = [{path} for path, _ in leaves] if len(leaves) > 1 else []
                for relaid in LAYOUTS:
                    for paths in ({path for path, _ in leaves}, *alone):
                        with switched(isa=isa):
                            _one(case, sample, relaid, paths, kind, dtype, number, log, isa)


def _one(case, sample: Sample, relaid, paths, kind, dtype, number, log, isa) -> None:
    other = sample.map(lambda path, x: relaid(x) if path in paths else x)
    straight = other.map(lambda path, x: x.copy(order="C"))
    where = f"{case.name}{sample} {isa} with {relaid.__name__} {'arrays' if len(paths) > 1 else 'array'}"
    before = copies(other)
    expected, found = forward(case, straight), forward(case, other)
    for got, wanted in zip(found, expected):
        log.check(same_bits(got, wanted), where)
    log.check(changed(other, before), where)
    wanting = case.differentiable(sample)
    if not wanting:
        return
    seeds = upstream(expected, kind, dtype, number)
    # A seed of another layout with the same values, as after sum() or a transpose.
    odd = [relaid(seed) for seed in seeds]
    wanted = backward(case, straight, wanting, [seed.copy(order="C") for seed in odd])
    for got, correct in zip(backward(case, other, wanting, odd), wanted):
        log.check(same_bits(got, correct), f"{where}, backward")
