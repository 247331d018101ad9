# SPDX-License-Identifier: Apache-2.0
"""Comparisons and positions of extremes: no kernels, no gradients, == always."""

from __future__ import annotations

import numpy as np

from nabi.reference import compare as reference

from ..case import Bad, Case, Sample, Stored

_OPTIONS = {"exact": ("integers", "random"), "fixed": (0, 1), "plain": False, "splits": False}


def _pairs(draw):
    yield Sample(draw(3, 4), draw(3, 4))
    yield Sample(draw(3, 4), draw(4))
    yield Sample(draw(3, 1), draw(4))
    yield Sample(draw(3, 4), 0.0)
    yield Sample(draw(0), draw(0))


def _one(draw):
    yield Sample(draw(3, 4))
    yield Sample(draw(17))


def _along(draw):
    yield Sample(draw(3, 4))
    for dim in (0, 1, -1):
        yield Sample(draw(3, 4), dim)
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(65))


def _refusals(name):
    return [
        Bad(
            "shapes do not broadcast",
            lambda m, t: getattr(m, name)(t(2, 3), t(4)),
            RuntimeError,
            f"{name}: expected shapes",
        ),
        Bad("a string", lambda m, t: getattr(m, name)(t(2), "1"), TypeError, f"{name}: expected"),
    ]


CASES = [
    *(
        Case(name, name, getattr(reference, name), _pairs, bad=_refusals(name), **_OPTIONS)
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    ),
    Case("isnan", "isnan", reference.isnan, _one, **_OPTIONS),
    Case(
        "argmax",
        "argmax",
        reference.argmax,
        _along,
        stored=[
            Stored(Sample(np.array([1.0, 3.0, 3.0])), 1),
            Stored(Sample(np.array([1.0, np.nan, 3.0])), 1),
        ],
        bad=[
            Bad(
                "a dimension outside",
                lambda m, t: m.argmax(t(2, 3), 2),
                IndexError,
                "argmax: expected a dimension",
            ),
            Bad(
                "nothing to choose from",
                lambda m, t: m.argmax(t(0)),
                IndexError,
                "argmax: expected at least one",
            ),
        ],
        **_OPTIONS,
    ),
    Case(
        "argmin",
        "argmin",
        reference.argmin,
        _along,
        stored=[Stored(Sample(np.array([3.0, 1.0, 1.0])), 1)],
        bad=[
            Bad(
                "nothing to choose from",
                lambda m, t: m.argmin(t(0)),
                IndexError,
                "argmin: expected at least one",
            )
        ],
        **_OPTIONS,
    ),
]

KERNELS: dict = {}
