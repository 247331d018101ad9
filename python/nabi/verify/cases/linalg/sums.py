# SPDX-License-Identifier: Apache-2.0
"""addmm, baddbmm, addbmm, addmv, addr."""

from __future__ import annotations

from nabi.reference import linalg as reference

from ...case import Bad, Case, Sample
from ._magnitude import sums


def _matrices(draw):
    for m, k, n in (*draw.products[:6], (17, 12, 5)):
        yield Sample(draw(m, n), draw(m, k), draw(k, n))
        yield Sample(draw(n), draw(m, k), draw(k, n), beta=2, alpha=0.5)
    yield Sample(draw(3, 1), draw(3, 4), draw(4, 5), beta=-1)
    yield Sample(draw(), draw(3, 4), draw(4, 5), alpha=2)
    yield Sample(draw(3, 5), draw(3, 4), draw(4, 5), beta=0)


def _batches(draw):
    for m, k, n in draw.products[:6]:
        yield Sample(draw(2, m, n), draw(2, m, k), draw(2, k, n), beta=0.5, alpha=2)
    yield Sample(draw(5), draw(2, 3, 4), draw(2, 4, 5))
    yield Sample(draw(3, 5), draw(0, 3, 4), draw(0, 4, 5))


def _summed_batches(draw):
    for m, k, n in draw.products[:6]:
        yield Sample(draw(m, n), draw(2, m, k), draw(2, k, n), beta=0.5, alpha=2)
    yield Sample(draw(5), draw(3, 3, 4), draw(3, 4, 5))


def _vectors(draw):
    yield Sample(draw(3), draw(3, 4), draw(4))
    yield Sample(draw(), draw(9, 17), draw(17), beta=2, alpha=-0.5)
    yield Sample(draw(2), draw(2, 0), draw(0))
    yield Sample(draw(3), draw(3, 4), draw(4), beta=0)


def _outer(draw):
    yield Sample(draw(3, 4), draw(3), draw(4))
    yield Sample(draw(4), draw(9), draw(4), beta=2, alpha=-0.5)
    yield Sample(draw(3, 4), draw(3), draw(4), beta=0)


def _terms(sample) -> int:
    batch = sample.args[1].shape[0] if sample.args[1].ndim == 3 else 1
    return batch * sample.args[1].shape[-1] + 3


# PyTorch lays results out like its BLAS; these are contiguous.
_COMMON = {"exact": ("integers",), "linear": True, "terms": _terms, "blocks": True, "strides": False}

CASES = [
    Case(
        "addmm",
        "addmm",
        reference.addmm,
        _matrices,
        magnitude=sums(reference.addmm),
        bad=[
            Bad(
                "inner sizes differ",
                lambda m, t: m.addmm(t(5), t(3, 4), t(6, 5)),
                RuntimeError,
                "addmm: expected matrices",
            ),
            Bad(
                "input too large",
                lambda m, t: m.addmm(t(4, 5), t(3, 4), t(4, 5)),
                RuntimeError,
                r"addmm: expected input that expands to shape \(3, 5\)",
            ),
            Bad(
                "dtypes differ",
                lambda m, t: m.addmm(t(5, dtype="float64"), t(3, 4), t(4, 5)),
                RuntimeError,
                "one dtype",
            ),
            Bad(
                "three dimensions",
                lambda m, t: m.addmm(t(5), t(2, 3, 4), t(4, 5)),
                RuntimeError,
                "addmm: expected matrices",
            ),
            Bad(
                "a fraction of integers",
                lambda m, t: m.addmm(
                    t(5, dtype="int64"), t(3, 4, dtype="int64"), t(4, 5, dtype="int64"), alpha=0.5
                ),
                RuntimeError,
                "addmm: expected alpha to be an integer",
                torch=False,  # it takes 0.5 for 0
            ),
        ],
        **_COMMON,
    ),
    Case(
        "baddbmm",
        "baddbmm",
        reference.baddbmm,
        _batches,
        magnitude=sums(reference.baddbmm),
        bad=[
            Bad(
                "batches differ",
                lambda m, t: m.baddbmm(t(5), t(2, 3, 4), t(3, 4, 5)),
                RuntimeError,
                "baddbmm: expected",
            )
        ],
        **_COMMON,
    ),
    Case(
        "addbmm",
        "addbmm",
        reference.addbmm,
        _summed_batches,
        magnitude=sums(reference.addbmm),
        bad=[
            Bad(
                "batches differ",
                lambda m, t: m.addbmm(t(5), t(2, 3, 4), t(3, 4, 5)),
                RuntimeError,
                "addbmm: expected",
            )
        ],
        **_COMMON,
    ),
    Case(
        "addmv",
        "addmv",
        reference.addmv,
        _vectors,
        magnitude=sums(reference.addmv),
        bad=[
            Bad(
                "inner sizes differ",
                lambda m, t: m.addmv(t(3), t(3, 4), t(5)),
                RuntimeError,
                "addmv: expected a matrix",
            )
        ],
        **_COMMON,
    ),
    Case(
        "addr",
        "addr",
        reference.addr,
        _outer,
        magnitude=sums(reference.addr),
        bad=[
            Bad(
                "a matrix",
                lambda m, t: m.addr(t(3, 4), t(3, 1), t(4)),
                RuntimeError,
                "addr: expected two vectors",
            ),
            Bad(
                "input too large",
                lambda m, t: m.addr(t(4, 4), t(3), t(4)),
                RuntimeError,
                "addr: expected input",
            ),
        ],
        **{**_COMMON, "terms": lambda sample: 4, "blocks": False},
    ),
]
