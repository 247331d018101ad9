# SPDX-License-Identifier: Apache-2.0
"""Functions of one element, and powers.

Part of the family elementwise.
"""

from __future__ import annotations

import numpy as np

from nabi.reference import elementwise as reference

from ..case import Bad, Case, Sample, Stored


def _one(draw):
    yield Sample(draw(2, 3))
    yield Sample(draw())
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(0, 3))
    for n in draw.lengths:
        yield Sample(draw(n))


def _wide(draw):
    """For functions that saturate or turn: from -100 to 100, too."""
    yield from _one(draw)
    if draw.kind == "random":
        yield Sample(np.linspace(-100, 100, 41).astype(draw.dtype))


def _above(bound):
    """Samples above a bound, an eighth away from it; special values as they come."""

    def samples(draw):
        for sample in _one(draw):
            yield (
                sample
                if draw.kind == "special"
                else sample.map(lambda path, x: np.abs(x) + x.dtype.type(bound + 0.125))
            )

    return samples


_above_zero = _above(0)


def _refused_in_place(name, *others):
    """In place into a leaf and, floats, into integers; of a string."""
    return [
        Bad(
            "in place into a leaf that requires grad",
            lambda m, t: getattr(m.Tensor, f"{name}_")(t(3, requires_grad=True), *others),
            RuntimeError,
            "leaf",
        ),
        Bad("of a string", lambda m, t: getattr(m, name)("1", *others), TypeError, f"{name}: expected"),
    ]


def _refused_integers(name):
    return Bad(
        "floats in place into integers",
        lambda m, t: getattr(m.Tensor, f"{name}_")(t(3, dtype="int64")),
        RuntimeError,
        f"{name}_: .*int64",
    )


def _powers(draw):
    above = list(_above_zero(draw))
    for exponent in (2.5, 0.5, -1, -1.5):
        yield Sample(above[0].args[0], exponent)
    for exponent in (0, 1, 2, 3):
        yield Sample(draw(2, 3), exponent)
    yield Sample(above[2].args[0], draw(2, 3, 4))
    yield Sample(above[2].args[0], draw(3, 1))
    yield Sample(2.0, draw(2, 3))
    yield Sample(0.5, draw(17))


def _refused_pairs(name):
    return [
        Bad(
            "shapes do not broadcast",
            lambda m, t: getattr(m, name)(t(2, 3), t(4, 3)),
            RuntimeError,
            rf"{name}: expected shapes that broadcast",
        ),
        Bad("a string", lambda m, t: getattr(m, name)(t(2), "1"), TypeError, f"{name}: expected"),
    ]


def _stored(a, b, expected, *grads):
    return Stored(Sample(np.array(a), np.array(b)), expected, grads)


# Every kernel here is good to 2 units in the last place (cpp/tests/per_set/math_test.cpp): one rounding's tolerance, 4.
CASES = [
    Case(
        "exp",
        "exp",
        reference.exp,
        _wide,
        stored=[Stored(Sample(np.array([0.0, -np.inf, np.inf])), [1.0, 0.0, np.inf], [[1.0, 0.0, np.inf]])],
        bad=[*_refused_in_place("exp"), _refused_integers("exp")],
    ),
    Case(
        "expm1",
        "expm1",
        reference.expm1,
        _wide,
        stored=[
            Stored(
                Sample(np.array([0.0, -0.0, -np.inf, np.inf])),
                [0.0, -0.0, -1.0, np.inf],
                [[1.0, 1.0, 0.0, np.inf]],
            )
        ],
        bad=[*_refused_in_place("expm1"), _refused_integers("expm1")],
        signs=True,
    ),
    Case(
        "log",
        "log",
        reference.log,
        _above_zero,
        stored=[Stored(Sample(np.array([0.0, 1.0, -1.0])), [-np.inf, 0.0, np.nan], [[np.inf, 1.0, -1.0]])],
        bad=[*_refused_in_place("log"), _refused_integers("log")],
    ),
    Case(
        "log1p",
        "log1p",
        reference.log1p,
        _above(-1),
        stored=[
            Stored(
                Sample(np.array([-1.0, 0.0, -0.0, -2.0])),
                [-np.inf, 0.0, -0.0, np.nan],
                [[np.inf, 1.0, 1.0, -1.0]],
            )
        ],
        bad=[*_refused_in_place("log1p"), _refused_integers("log1p")],
        signs=True,
    ),
    Case(
        "sqrt",
        "sqrt",
        reference.sqrt,
        _above_zero,
        stored=[Stored(Sample(np.array([0.0, 4.0, -1.0])), [0.0, 2.0, np.nan], [[np.inf, 0.25, np.nan]])],
        bad=[*_refused_in_place("sqrt"), _refused_integers("sqrt")],
        exact=("integers", "random"),
    ),
    Case(
        "tanh",
        "tanh",
        reference.tanh,
        _wide,
        stored=[Stored(Sample(np.array([0.0, -np.inf, np.inf])), [0.0, -1.0, 1.0], [[1.0, 0.0, 0.0]])],
        bad=[*_refused_in_place("tanh"), _refused_integers("tanh")],
        signs=True,
    ),
    Case(
        "erf",
        "erf",
        reference.erf,
        _wide,
        stored=[
            Stored(
                Sample(np.array([0.0, -np.inf, np.inf, np.nan])),
                [0.0, -1.0, 1.0, np.nan],
                [[2 / np.sqrt(np.pi), 0.0, 0.0, np.nan]],
            )
        ],
        bad=[*_refused_in_place("erf"), _refused_integers("erf")],
        signs=True,
    ),
    Case(
        "sin",
        "sin",
        reference.sin,
        _wide,
        stored=[
            Stored(
                Sample(np.array([0.0, -0.0, -np.inf, np.inf])),
                [0.0, -0.0, np.nan, np.nan],
                [[1.0, 1.0, np.nan, np.nan]],
            )
        ],
        bad=[*_refused_in_place("sin"), _refused_integers("sin")],
        signs=True,
    ),
    Case(
        "cos",
        "cos",
        reference.cos,
        _wide,
        stored=[
            Stored(
                Sample(np.array([0.0, -0.0, -np.inf, np.inf])),
                [1.0, 1.0, np.nan, np.nan],
                [[-0.0, 0.0, np.nan, np.nan]],
            )
        ],
        bad=[*_refused_in_place("cos"), _refused_integers("cos")],
    ),
    Case(
        "abs",
        "abs",
        reference.abs,
        _one,
        kinks=(0.0,),
        signs=True,
        stored=[
            # At the kink the slope is 0, as PyTorch's; so it is for NaN.
            Stored(Sample(np.array([-2.0, -0.0, 0.0, 3.0])), [2.0, 0.0, 0.0, 3.0], [[-1.0, 0.0, 0.0, 1.0]]),
            Stored(Sample(np.array([-np.inf, np.nan])), [np.inf, np.nan], [[-1.0, 0.0]]),
            Stored(Sample(np.array([-2, 0, 3])), [2, 0, 3]),
        ],
        bad=_refused_in_place("abs"),
        exact=("integers", "random"),
    ),
    Case(
        "square",
        "square",
        reference.square,
        _one,
        bad=_refused_in_place("square"),
        exact=("integers", "random"),
    ),
    Case(
        "pow",
        "pow",
        reference.pow,
        _powers,
        stored=[
            Stored(Sample(np.array([0.0, -2.0]), 0), [1.0, 1.0], [[0.0, 0.0]]),
            Stored(Sample(np.array([0.0, -2.0]), 1), [0.0, -2.0], [[1.0, 1.0]]),
            Stored(Sample(0.0, np.array([0.0, 2.0])), [1.0, 0.0], [[0.0, 0.0]]),
            _stored(
                [0.0, 0.0, 2.0], [0.0, 2.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, np.log(2)]
            ),
            _stored([2, -1, 1, 3], [3, -3, -2, -1], [8, -1, 1, 0]),
        ],
        bad=[
            *_refused_pairs("pow"),
            *_refused_in_place("pow", 2),
            Bad(
                "integers to -1", lambda m, t: m.pow(t(2, dtype="int64"), -1), RuntimeError, "pow: .*negative"
            ),
        ],
    ),
]

KERNELS = {
    "pow": lambda draw: (draw.positive(3, 4), draw(3, 4)),
    "pow_base_slope": lambda draw: (draw.positive(3, 4), draw(4)),
    "pow_exponent_slope": lambda draw: (draw.positive(3, 1), draw(4)),
    **{name: lambda draw: (draw(3, 4),) for name in ("exp", "expm1", "tanh", "erf", "sin", "cos", "abs")},
    **{name: lambda draw: (draw.positive(3, 4),) for name in ("log", "log1p", "sqrt")},
    **{
        f"{name}_backward": lambda draw: (draw(3, 4), draw.positive(3, 4))
        for name in ("expm1", "log1p", "sqrt", "tanh", "erf", "sin", "cos", "abs")
    },
}
