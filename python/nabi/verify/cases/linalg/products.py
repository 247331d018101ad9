# SPDX-License-Identifier: Apache-2.0
"""linear, matmul, mm, bmm, mv, dot."""

from __future__ import annotations

from nabi.reference import linalg as reference

from ...case import Bad, Case, Sample
from ._magnitude import sums


def _linear_samples(draw):
    yield Sample(draw(3, 4), draw(5, 4), draw(5))
    yield Sample(draw(2, 3, 4), draw(5, 4))
    yield Sample(draw(4), draw(5, 4), draw(5))
    yield Sample(draw(2, 4), draw(4), bias=None)
    for m, k, n in draw.products:
        yield Sample(draw(m, k), draw(n, k), draw(n))


def _depth(sample) -> int:
    return sample.args[0].shape[-1] + 1


def _matmul_samples(draw):
    yield Sample(draw(3, 4), draw(4, 2))
    yield Sample(draw(4), draw(4))
    yield Sample(draw(4), draw(4, 3))
    yield Sample(draw(2, 4), draw(4))
    yield Sample(draw(2, 3, 4), draw(4))
    yield Sample(draw(4), draw(2, 4, 3))
    yield Sample(draw(2, 3, 4), draw(4, 5))
    yield Sample(draw(3, 4), draw(2, 4, 5))
    yield Sample(draw(2, 1, 3, 4), draw(3, 4, 2))
    yield Sample(draw(2, 0, 3), draw(2, 3, 4))
    yield Sample(draw(0), draw(0))


def _mm_samples(draw):
    for m, k, n in draw.products:
        yield Sample(draw(m, k), draw(k, n))


def _bmm_samples(draw):
    yield Sample(draw(2, 3, 4), draw(2, 4, 5))
    yield Sample(draw(0, 3, 4), draw(0, 4, 5))
    for m, k, n in draw.products[:12]:
        yield Sample(draw(3, m, k), draw(3, k, n))


def _mv_samples(draw):
    for m, k, n in draw.products:
        if n == 1 or m < 2:
            yield Sample(draw(m, k), draw(k))


def _dot_samples(draw):
    for size in (0, 1, 3, 8, 17, 67):
        yield Sample(draw(size), draw(size))


_COMMON = {"exact": ("integers",), "linear": True, "terms": _depth, "blocks": True}

CASES = [
    Case(
        "linear",
        "nn.functional.linear",
        reference.linear,
        _linear_samples,
        magnitude=sums(reference.linear),
        bench=[((64, 784), (512, 784), (512,)), ((16, 32), (32, 32), (32,))],
        bad=[
            Bad(
                "features differ",
                lambda m, t: m.nn.functional.linear(t(64, 28, 28), t(10, 784), t(10)),
                RuntimeError,
                r"linear: expected input with 784 features, got shape \(64, 28, 28\)",
            ),
            Bad(
                "bias of another size",
                lambda m, t: m.nn.functional.linear(t(3, 4), t(5, 4), t(6)),
                RuntimeError,
                "bias",
            ),
            Bad(
                "input without dimensions",
                lambda m, t: m.nn.functional.linear(t(), t(5, 4)),
                RuntimeError,
                "features",
            ),
            Bad(
                "dtypes differ",
                lambda m, t: m.nn.functional.linear(t(3, 4), t(5, 4, dtype="float64")),
                RuntimeError,
                "weight of dtype float32",
            ),
            Bad(
                "integers",
                lambda m, t: m.nn.functional.linear(t(3, 4, dtype="int64"), t(5, 4)),
                RuntimeError,
                "floating-point",
            ),
            Bad(
                "weight of three dimensions",
                lambda m, t: m.nn.functional.linear(t(3, 4), t(5, 4, 2)),
                RuntimeError,
                "weight",
            ),
        ],
        **_COMMON,
    ),
    Case(
        "matmul",
        "matmul",
        reference.matmul,
        _matmul_samples,
        magnitude=sums(reference.matmul),
        bad=[
            Bad(
                "inner sizes differ",
                lambda m, t: m.matmul(t(3, 4), t(5, 6)),
                RuntimeError,
                r"matmul: expected .*got shape \(5, 6\)",
            ),
            Bad("vectors of two lengths", lambda m, t: m.matmul(t(3), t(4)), RuntimeError, "matmul"),
            Bad("a number", lambda m, t: m.matmul(t(), t(4)), RuntimeError, "at least one dimension"),
            Bad(
                "batches do not broadcast",
                lambda m, t: m.matmul(t(2, 3, 4), t(3, 4, 5)),
                RuntimeError,
                "broadcast",
            ),
            Bad(
                "dtypes differ",
                lambda m, t: m.matmul(t(3, 4), t(4, 2, dtype="float64")),
                RuntimeError,
                "dtype",
            ),
            Bad(
                "float and int", lambda m, t: m.matmul(t(3, 4), t(4, 2, dtype="int64")), RuntimeError, "dtype"
            ),
        ],
        **_COMMON,
    ),
    Case(
        "mm",
        "mm",
        reference.mm,
        _mm_samples,
        magnitude=sums(reference.mm),
        bench=[((64, 64), (64, 64)), ((1024, 1024), (1024, 1024))],
        bad=[
            Bad("inner sizes differ", lambda m, t: m.mm(t(3, 4), t(5, 6)), RuntimeError, "mm: expected"),
            Bad(
                "three dimensions",
                lambda m, t: m.mm(t(2, 3, 4), t(4, 5)),
                RuntimeError,
                "mm: expected matrices",
            ),
        ],
        **_COMMON,
    ),
    Case(
        "bmm",
        "bmm",
        reference.bmm,
        _bmm_samples,
        magnitude=sums(reference.bmm),
        bad=[
            Bad("batches differ", lambda m, t: m.bmm(t(2, 3, 4), t(3, 4, 5)), RuntimeError, "bmm: expected"),
            Bad("two dimensions", lambda m, t: m.bmm(t(3, 4), t(4, 5)), RuntimeError, "bmm: expected"),
        ],
        **_COMMON,
    ),
    Case(
        "mv",
        "mv",
        reference.matmul,
        _mv_samples,
        magnitude=sums(reference.matmul),
        bad=[
            Bad(
                "inner sizes differ", lambda m, t: m.mv(t(3, 4), t(3)), RuntimeError, "mv: expected a matrix"
            ),
            Bad("two matrices", lambda m, t: m.mv(t(3, 4), t(4, 1)), RuntimeError, "mv: expected a matrix"),
        ],
        **_COMMON,
    ),
    Case(
        "dot",
        "dot",
        reference.matmul,
        _dot_samples,
        magnitude=sums(reference.matmul),
        bad=[Bad("lengths differ", lambda m, t: m.dot(t(3), t(4)), RuntimeError, "dot: expected vectors")],
        **_COMMON,
    ),
]

KERNELS = {
    "linear": lambda draw: (draw(3, 4), draw(5, 4), draw(5)),
    "linear_backward": lambda draw: (draw(3, 5), draw(3, 4), draw(5, 4), True, True, True),
    "matmul": lambda draw: (draw(3, 4), draw(4, 5), 0.5),
    "batched_matmul": lambda draw: (draw(2, 3, 4), draw(2, 4, 5), 0.5),
}
