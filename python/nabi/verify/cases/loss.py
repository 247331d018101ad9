# SPDX-License-Identifier: Apache-2.0
"""binary_cross_entropy."""

from __future__ import annotations

import numpy as np

from nabi.reference import loss as reference

from ..case import Bad, Case, Sample, Stored


def _samples(draw):
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw.probability(2, 3), draw.probability(2, 3), reduction=reduction)
        yield Sample(draw.probability(2, 3), draw.probability(2, 3), draw.positive(3), reduction=reduction)
    yield Sample(draw.probability(), draw.probability())
    for n in draw.lengths[1:]:
        yield Sample(draw.probability(n), draw.labels(n, classes=2).astype(draw.dtype))
    yield Sample(draw.probability(0), draw.probability(0), reduction="sum")


def _size(sample):
    """|log x| + |log(1 - x)|, both held at 100, of every element; a rounded 1 - x moves the second by one unit."""
    x, target = sample.args[:2]
    yes, no = (np.minimum(np.abs(np.log(each)), 100) for each in (x, 1 - x))
    each = np.abs(target) * yes + np.abs(1 - target) * no + 1
    if len(sample.args) > 2:
        each = each * sample.args[2]
    reduction = sample.options.get("reduction", "mean")
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


def _f(m):
    return m.nn.functional.binary_cross_entropy


CASES = [
    Case(
        "binary_cross_entropy",
        "nn.functional.binary_cross_entropy",
        reference.binary_cross_entropy,
        _samples,
        fixed=(1, 2),
        special_keys=(0,),
        terms=lambda sample: 4 + sample.args[0].size,
        magnitude=_size,
        stored=[
            # Logarithms are held at -100, slopes at 1 / 1e-12: (x - t) / max(x (1 - x), 1e-12).
            Stored(
                Sample(np.array([0.0, 1.0]), np.array([1.0, 0.0]), reduction="none"),
                [100.0, 100.0],
                [[-1e12, 1e12]],
            ),
            Stored(
                Sample(np.array([0.0, 1.0]), np.array([0.0, 1.0]), reduction="none"), [0.0, 0.0], [[0.0, 0.0]]
            ),
            Stored(Sample(np.array([0.5]), np.array([1.0])), np.log(2.0), [[-2.0]]),
        ],
        bad=[
            Bad(
                "another shape of target",
                lambda m, t: _f(m)(t(2, 3), t(3)),
                ValueError,
                "binary_cross_entropy: expected target",
            ),
            Bad(
                "an input above 1",
                lambda m, t: _f(m)(t.of(np.array([0.5, 1.5], np.float32)), t(2)),
                RuntimeError,
                "from 0 to 1, got 1.5.* at position 1",
            ),
            Bad(
                "an input below 0",
                lambda m, t: _f(m)(t.of(np.array([-0.5], np.float32)), t(1)),
                RuntimeError,
                "from 0 to 1",
            ),
            Bad(
                "NaN",
                lambda m, t: _f(m)(t.of(np.array([np.nan], np.float32)), t(1)),
                RuntimeError,
                "from 0 to 1",
            ),
            Bad(
                "a weight that does not broadcast",
                lambda m, t: _f(m)(t(2, 3), t(2, 3), t(2)),
                RuntimeError,
                "weight",
            ),
            Bad(
                "dtypes differ",
                lambda m, t: _f(m)(t(2), t(2, dtype="float64")),
                RuntimeError,
                "target of dtype float32",
            ),
            Bad("reduction", lambda m, t: _f(m)(t(2), t(2), reduction="average"), ValueError, "reduction"),
        ],
        bench=[((16, 1), (16, 1))],
        why="1 - x is rounded before the logarithm, so near 1 the error is a unit, not a unit of the loss: each term + 1",
    ),
]

KERNELS = {
    "binary_cross_entropy": lambda draw: (
        draw.probability(3, 4),
        draw.probability(3, 4),
        draw.positive(3, 4),
    ),
    "binary_cross_entropy_backward": lambda draw: (
        draw(3, 4),
        draw.probability(3, 4),
        draw.probability(3, 4),
        draw.positive(3, 4),
    ),
}
