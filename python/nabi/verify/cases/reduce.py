# SPDX-License-Identifier: Apache-2.0
"""sum and mean."""

from __future__ import annotations

import numpy as np

from nabi.reference import reduce as reference

from ..case import Bad, Case, Sample


def _samples(draw):
    yield Sample(draw(2, 3))
    yield Sample(draw())
    for dim in (0, 1, 2, -1, (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        yield Sample(draw(2, 3, 4), dim)
        yield Sample(draw(2, 3, 4), dim, keepdim=True)
    yield Sample(draw(2, 3), dim=None, keepdim=True)
    yield Sample(draw(0, 3), 0)
    yield Sample(draw(3, 0), 0)
    for n in draw.lengths:
        yield Sample(draw(n))
        yield Sample(draw(2, n), 1)
        yield Sample(draw(3, n), 0)
    if not draw.quick:
        yield Sample(draw(3, 2500))
        yield Sample(draw(130, 9), 0)
        yield Sample(draw(2, 70, 17), 1)


def _count(sample) -> int:
    return reference.count(sample.args[0], sample.args[1] if len(sample.args) > 1 else None)


def _sizes(function):
    def magnitude(sample):
        return function(np.abs(sample.args[0]), *sample.args[1:], **sample.options)

    return magnitude


def _refusals(name):
    return [
        Bad(
            "a dimension outside",
            lambda m, t: getattr(m, name)(t(2, 3), 2),
            IndexError,
            rf"{name}: expected a dimension from -2 to 1, got 2",
        ),
        Bad("a dimension twice", lambda m, t: getattr(m, name)(t(2, 3), (0, -2)), RuntimeError, "once"),
        Bad("a dimension by name", lambda m, t: getattr(m, name)(t(2, 3), 1.5), TypeError, "expected"),
    ]


CASES = [
    Case(
        "sum",
        "sum",
        reference.sum,
        _samples,
        exact=("integers",),
        linear=True,
        terms=_count,
        magnitude=_sizes(reference.sum),
        bad=_refusals("sum"),
        bench=[((16, 32),), ((4096, 1024),)],
    ),
    Case(
        "mean",
        "mean",
        reference.mean,
        _samples,
        exact=("integers",),
        # Not linear=True: the gradient, a quotient, rounds.
        terms=_count,
        magnitude=_sizes(reference.mean),
        bad=[
            *_refusals("mean"),
            Bad(
                "integers",
                lambda m, t: m.mean(t(2, 3, dtype="int64")),
                RuntimeError,
                "mean: expected a floating point",
            ),
        ],
    ),
]

KERNELS = {
    "sum": lambda draw: (draw(2, 3, 4), (0, 2), False, 1.0),
}
