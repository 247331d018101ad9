# SPDX-License-Identifier: Apache-2.0
"""Bounds, extremes and rounded division: numpy computes them, so there are no kernels and no threads.

Part of the family elementwise.
"""

from __future__ import annotations

import numpy as np

from nabi.reference import compare
from nabi.reference import elementwise as reference

from ..case import Bad, Case, Sample, Stored
from ._pointwise import _refused_in_place, _refused_pairs, _stored


def _bounds(draw):
    for low, high in ((-0.5, 1.0), (None, 1.0), (-0.5, None), (-np.inf, 1), (1.0, -0.5)):
        yield Sample(draw(2, 3), low, high)
    yield Sample(draw(), min=-0.5)
    yield Sample(draw(65), max=1.0)


def _without_ties(draw):
    """Random numbers of the two arrays stand on grids 1/16 apart."""

    def on_grid(x, start):
        return x if draw.kind != "random" else np.asarray(np.round(x * 8) / 8 + start, x.dtype)

    shapes = (
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 1, 3), (4, 1)),
        ((), (2, 2)),
        ((0, 3), (3,)),
        ((65,), (65,)),
    )
    for n, m in shapes:
        yield Sample(on_grid(draw(*n), 0), on_grid(draw(*m), 0.0625))


def _quotients(draw):
    """Random quotients a quarter away from the integers, where the rounded ones jump."""
    for n, m in (
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((3, 5), (3, 1)),
        ((0, 3), (3,)),
        ((65,), (65,)),
        ((), ()),
    ):
        a, b = draw(*n), draw.nonzero(*m)
        yield Sample(_between(draw, a, b), b)
    for number in (2, -0.5):
        yield Sample(_between(draw, draw(2, 3), number), number)


def _between(draw, a, b):
    if draw.kind != "random":
        return a
    return np.asarray((np.floor(2 * a) + (0.375 + a % 0.25)) * b, a.dtype)


def _apart(draw, *shape):
    """Distinct numbers 1/8 apart, in any order; special values as they come."""
    x = draw(*shape)
    return x if draw.kind == "special" else (x.argsort(None).argsort() / 8).reshape(shape).astype(x.dtype)


def _all_of(draw):
    for shape in ((2, 3), (), (2, 3, 4), (65,)):
        yield Sample(_apart(draw, *shape))


def _along(draw):
    for dim in (0, 1, -1):
        yield Sample(_apart(draw, 2, 3, 4), dim)
        yield Sample(_apart(draw, 2, 3, 4), dim, keepdim=True)
    yield Sample(_apart(draw, 65), 0)
    yield Sample(_apart(draw, 1, 3), 0)


def _values(name):
    return lambda m: lambda *args, **options: getattr(m, name)(*args, **options).values


def _indices(name):
    return lambda m: lambda *args: getattr(m, name)(*args).indices


def _refused_reductions(name):
    return [
        Bad(
            "no elements", lambda m, t: getattr(m, name)(t(0, 3)), RuntimeError, f"{name}: expected elements"
        ),
        Bad(
            "no elements along dim",
            lambda m, t: getattr(m, name)(t(0, 3), 0),
            IndexError,
            f"{name}: expected",
        ),
        Bad(
            "a dimension outside",
            lambda m, t: getattr(m, name)(t(2, 3), 2),
            IndexError,
            f"{name}: expected a dimension from -2 to 1, got 2",
        ),
    ]


def _division_by_zero(name):
    return Bad(
        "integers divided by zero",
        lambda m, t: getattr(m, name)(t(2, dtype="int64"), 0),
        RuntimeError,
        "ZeroDivisionError",
    )


_EXACT = {"exact": ("integers", "random"), "splits": False}
_SEVENS = ([7, -7, 7, -7], [2, 2, -2, -2])

CASES = [
    Case(
        "clamp",
        "clamp",
        reference.clamp,
        _bounds,
        kinks=(-0.5, 1.0),
        stored=[
            # At the bounds the slope is 1, as PyTorch's.
            Stored(
                Sample(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1, 1),
                [-1.0, -1.0, 0.0, 1.0, 1.0],
                [[0.0, 1.0, 1.0, 1.0, 0.0]],
            ),
            Stored(
                Sample(np.array([np.nan, -np.inf, np.inf]), -1, 1), [np.nan, -1.0, 1.0], [[0.0, 0.0, 0.0]]
            ),
            Stored(Sample(np.array([-2, 0, 3]), 0, 2), [0, 0, 2]),
        ],
        bad=[
            *_refused_in_place("clamp", 0.0),
            Bad(
                "a bound that the dtype cannot hold",
                lambda m, t: m.clamp(t(3, dtype="uint8"), max=300),
                RuntimeError,
                "clamp: expected a value that uint8 can hold",
            ),
            Bad("no bounds", lambda m, t: m.clamp(t(3)), RuntimeError, "clamp: expected at least one"),
            Bad("a string as a bound", lambda m, t: m.clamp(t(3), "0"), TypeError, "clamp: expected"),
        ],
        **_EXACT,
    ),
    *(
        Case(
            name,
            name,
            getattr(reference, name),
            _without_ties,
            stored=[
                # Equals share the gradient.
                _stored([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], values, first, first[::-1]),
                _stored([np.nan, 1.0], [1.0, np.nan], [np.nan, np.nan]),
            ],
            bad=_refused_pairs(name),
            **_EXACT,
        )
        for name, values, first in (
            ("maximum", [2.0, 2.0, 3.0], [0.0, 0.5, 1.0]),
            ("minimum", [1.0, 2.0, 2.0], [1.0, 0.5, 0.0]),
        )
    ),
    *(
        each
        for name, top, argument in (("max", 3.0, compare.argmax), ("min", -3.0, compare.argmin))
        for each in (
            Case(
                name,
                name,
                getattr(reference, name),
                _all_of,
                stored=[
                    Stored(Sample(np.array([0.0, top, top])), top, [[0.0, 0.5, 0.5]]),
                    Stored(Sample(np.array([0.0, np.nan, top])), np.nan, [[0.0, 1.0, 0.0]]),
                ],
                bad=_refused_reductions(name),
                **_EXACT,
            ),
            Case(
                f"{name} along dim",
                _values(name),
                getattr(reference, name),
                _along,
                stored=[
                    # The first of equals takes it all.
                    Stored(Sample(np.array([0.0, top, top]), 0), top, [[0.0, 1.0, 0.0]]),
                    Stored(Sample(np.array([0.0, np.nan, top]), 0), np.nan, [[0.0, 1.0, 0.0]]),
                ],
                **_EXACT,
            ),
            Case(
                f"{name} indices",
                _indices(name),
                argument,
                lambda draw: (sample for sample in _along(draw) if not sample.options),
                fixed=(0,),
                plain=False,
                stored=[Stored(Sample(np.array([0.0, top, top]), 0), 1)],
                **_EXACT,
            ),
        )
    ),
    Case(
        "floor_divide",
        "floor_divide",
        reference.floor_divide,
        _quotients,
        # PyTorch has no gradient here either. Infinite operands are stored: floor(a / b) does not define them.
        fixed=(0, 1),
        plain=False,
        special=False,
        stored=[
            _stored(*_SEVENS, [3, -4, -4, 3]),
            _stored([1.0, -1.0, np.inf, -1.0], [0.0, 0.0, 1.0, np.inf], [np.inf, -np.inf, np.nan, -1.0]),
        ],
        bad=[*_refused_pairs("floor_divide"), _division_by_zero("floor_divide")],
        **_EXACT,
    ),
    Case(
        "remainder",
        "remainder",
        reference.remainder,
        _quotients,
        exact=("integers",),
        signs=True,
        special=False,
        splits=False,
        magnitude=lambda s: 2 * np.abs(s.args[0]) + np.abs(s.args[1]),
        why="the definition subtracts: it is no better than its terms",
        stored=[
            _stored(*_SEVENS, [1, 1, -1, -1]),
            _stored([7.0, -7.0], [2.0, 2.0], [1.0, 1.0], [1.0, 1.0], [-3.0, 4.0]),
            _stored([1.0, -1.0, np.inf, 1.0], [np.inf, np.inf, 1.0, 0.0], [1.0, np.inf, np.nan, np.nan]),
        ],
        bad=[*_refused_pairs("remainder"), _division_by_zero("remainder")],
    ),
    *(
        Case(
            f"div {mode}",
            lambda m, mode=mode: lambda a, b: m.div(a, b, rounding_mode=mode),
            function,
            _quotients,
            special=False,
            stored=[_stored(*_SEVENS, values), _stored([7.0], [2.0], [3.0], [0.0], [0.0])],
            bad=[
                Bad(
                    "integers divided by zero",
                    lambda m, t, mode=mode: m.div(t(2, dtype="int64"), 0, rounding_mode=mode),
                    RuntimeError,
                    "ZeroDivisionError",
                )
            ],
            **_EXACT,
        )
        for mode, function, values in (
            ("floor", reference.floor_divide, [3, -4, -4, 3]),
            ("trunc", reference.trunc_divide, [3, -3, -3, 3]),
        )
    ),
]
