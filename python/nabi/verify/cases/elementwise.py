# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, and activations."""

from __future__ import annotations

import numpy as np

from nabi.reference import elementwise as reference

from ..case import Bad, Case, Sample, Stored
from . import _bounds, _pointwise


def _pairs(second):
    """Samples of two operands; ``second(draw)`` gives what draws the second one."""

    def samples(draw):
        other = second(draw)
        yield Sample(draw(2, 3), other(2, 3))
        yield Sample(draw(2, 3), other(3))
        yield Sample(draw(2, 1, 3), other(4, 1))
        yield Sample(draw(), other(2, 2))
        yield Sample(draw(3, 5), other(3, 1))
        yield Sample(draw(2, 3), 2.5 if draw.kind != "integers" else 2)
        yield Sample(draw(0, 3), other(3))
        for n in draw.lengths:
            yield Sample(draw(n), other(n))
        yield Sample(draw(3, 33), other(33))

    return samples


def _any(draw):
    return draw


def _nonzero(draw):
    return draw.nonzero


def _scaled_samples(draw):
    yield Sample(draw(2, 3), draw(2, 3), alpha=2)
    yield Sample(draw(2, 3), draw(3), alpha=-0.5)


def _scaled_sum(sample) -> np.ndarray:
    a, b = sample.args
    return np.abs(a) + np.abs(b) * abs(sample.options["alpha"])


def _number_samples(draw):
    yield Sample(draw(2, 3), 2)
    yield Sample(draw(17), -1.5)


def _one(draw):
    yield Sample(draw(2, 3))
    yield Sample(draw())
    yield Sample(draw(2, 3, 4))
    for n in draw.lengths:
        yield Sample(draw(n))


def _wide(draw):
    """For functions that saturate: from -100 to 100, too."""
    yield from _one(draw)
    if draw.kind == "random":
        yield Sample(np.linspace(-100, 100, 41).astype(draw.dtype))


def _refusals(name):
    return [
        Bad(
            "shapes do not broadcast",
            lambda m, t: getattr(m, name)(t(2, 3), t(4, 3)),
            RuntimeError,
            rf"{name}: expected shapes that broadcast, got \(2, 3\) and \(4, 3\)",
        ),
        Bad("a string", lambda m, t: getattr(m, name)(t(2), "1"), TypeError, "expected"),
        Bad(
            "in place into a smaller shape",
            lambda m, t: getattr(m.Tensor, f"{name}_")(t(3), t(2, 3)),
            RuntimeError,
            f"{name}_: expected",
        ),
        Bad(
            "in place into repeated elements",
            lambda m, t: getattr(m.Tensor, f"{name}_")(t(1, 3).expand(2, 3), 1.0),
            RuntimeError,
            f"{name}_: expected",
        ),
        Bad(
            "in place into a leaf that requires grad",
            lambda m, t: getattr(m.Tensor, f"{name}_")(t(3, requires_grad=True), 1.0),
            RuntimeError,
            "leaf",
        ),
        Bad(
            "floats in place into integers",
            lambda m, t: getattr(m.Tensor, f"{name}_")(t(3, dtype="int64"), 1.5),
            RuntimeError,
            f"{name}_: .*int64",
        ),
    ]


def _inplace(name):
    return lambda m: lambda x, y: getattr(x.clone(), name)(y)


def _inplace_samples(draw):
    yield Sample(draw(2, 3), draw.nonzero(2, 3))
    yield Sample(draw(2, 3), draw.nonzero(3))
    yield Sample(draw(2, 33), draw.nonzero(2, 1))


# + - * / of two float32 numbers, rounded once, are what float64 gives when rounded again: == for any data.
_ROUNDED_ONCE = {"exact": ("integers", "random"), "signs": True}

CASES = [
    Case(
        "add",
        "add",
        reference.add,
        _pairs(_any),
        linear=True,
        bad=_refusals("add"),
        bench=[((16, 32), (16, 32))],
        **_ROUNDED_ONCE,
    ),
    Case("sub", "sub", reference.sub, _pairs(_any), linear=True, bad=_refusals("sub"), **_ROUNDED_ONCE),
    Case("mul", "mul", reference.mul, _pairs(_any), linear=True, bad=_refusals("mul"), **_ROUNDED_ONCE),
    Case(
        "div",
        "div",
        reference.div,
        _pairs(_nonzero),
        bad=[
            *_refusals("div"),
            Bad(
                "rounding_mode",
                lambda m, t: m.div(t(2), 2.0, rounding_mode="up"),
                RuntimeError,
                "rounding_mode",
            ),
        ],
        stored=[
            Stored(Sample(np.array([1.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])), [np.inf, -np.inf, 0.0])
        ],
        **_ROUNDED_ONCE,
    ),
    Case(
        "add alpha",
        "add",
        reference.add,
        _scaled_samples,
        exact=("integers",),
        linear=True,
        terms=lambda s: 2,
        magnitude=_scaled_sum,
    ),
    Case(
        "sub alpha",
        "sub",
        reference.sub,
        _scaled_samples,
        exact=("integers",),
        linear=True,
        terms=lambda s: 2,
        magnitude=_scaled_sum,
    ),
    Case("rsub", lambda m: lambda x, n: n - x, reference.rsub, _number_samples, linear=True, **_ROUNDED_ONCE),
    Case("neg", "neg", reference.neg, _one, linear=True, **_ROUNDED_ONCE),
    Case("add_", _inplace("add_"), reference.add, _inplace_samples, linear=True, **_ROUNDED_ONCE),
    Case("sub_", _inplace("sub_"), reference.sub, _inplace_samples, linear=True, **_ROUNDED_ONCE),
    Case("mul_", _inplace("mul_"), reference.mul, _inplace_samples, linear=True, **_ROUNDED_ONCE),
    Case("div_", _inplace("div_"), reference.div, _inplace_samples, **_ROUNDED_ONCE),
    Case(
        "relu",
        "relu",
        reference.relu,
        _one,
        exact=("integers", "random"),
        kinks=(0.0,),
        stored=[
            # At the kink the slope is 0, as PyTorch's.
            Stored(Sample(np.array([-1.0, -0.0, 0.0, 2.0])), [0.0, 0.0, 0.0, 2.0], [[0.0, 0.0, 0.0, 1.0]]),
            Stored(Sample(np.array([np.inf, -np.inf, np.nan])), [np.inf, 0.0, np.nan], [[1.0, 0.0, 1.0]]),
        ],
        bad=[
            Bad(
                "in place on a leaf that requires grad",
                lambda m, t: m.relu_(t(3, requires_grad=True)),
                RuntimeError,
                "leaf",
            )
        ],
        bench=[((16, 32),)],
    ),
    Case(
        "sigmoid",
        "sigmoid",
        reference.sigmoid,
        _wide,
        stored=[
            Stored(Sample(np.array([0.0, -0.0])), [0.5, 0.5], [[0.25, 0.25]]),
            Stored(Sample(np.array([np.inf, -np.inf, np.nan])), [1.0, 0.0, np.nan], [[0.0, 0.0, np.nan]]),
        ],
    ),
]

CASES += _pointwise.CASES + _bounds.CASES

KERNELS = {
    "add": lambda draw: (draw(3, 4), draw(3, 4)),
    "sub": lambda draw: (draw(3, 4), draw(4)),
    "mul": lambda draw: (draw(3, 1), draw(4)),
    "div": lambda draw: (draw(3, 4), draw.nonzero(3, 4)),
    "relu": lambda draw: (draw(3, 4),),
    "relu_backward": lambda draw: (draw(3, 4), draw(3, 4)),
    "sigmoid": lambda draw: (draw(3, 4),),
    "sigmoid_backward": lambda draw: (draw(3, 4), draw.probability(3, 4)),
    **_pointwise.KERNELS,
}
