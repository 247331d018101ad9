# SPDX-License-Identifier: Apache-2.0
"""softmax, log_softmax, cross_entropy."""

from __future__ import annotations

import numpy as np

from nabi.reference import softmax as reference

from ..case import Bad, Case, Sample, Stored


def _softmax_samples(draw):
    yield Sample(draw(2, 5), 1)
    yield Sample(draw(2, 5), 0)
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), -1)
    yield Sample(draw(), 0)
    for n in draw.lengths[1:]:
        yield Sample(draw(3, n), 1)
        yield Sample(draw(2, 3, n), 1)
        yield Sample(draw(n, 2), 0)
    yield Sample(draw(0, 3), 1)
    yield Sample(draw(0, 3, 2), 1)
    yield Sample(draw(3, 1, 1), 0)
    if not draw.quick:
        yield Sample(draw(2, 130, 35), 1)


def _classes(sample) -> int:
    x = sample.args[0]
    dim = sample.args[1] if isinstance(sample.args[1], int) else (0 if x.ndim == 1 else 1)
    return 4 + (x.shape[dim] if x.ndim else 1)


def _spread(x, dim):
    """|x - max|: rounding the difference moves a power of e by this many units."""
    return np.abs(x - np.max(x, axis=dim, keepdims=True))


def _softmax_size(sample):
    x, dim = sample.args
    shift = _spread(x, dim)
    return reference.softmax(x, dim) * (1 + np.where(np.isfinite(shift), shift, 0))


def _log_size(sample):
    x, dim = sample.args
    shift = _spread(x, dim)
    return np.where(np.isfinite(shift), shift, 0) + np.log(x.shape[dim] if x.ndim else 1) + 1


def _cross_entropy_samples(draw):
    classes = 5
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(4, classes), draw.labels(4, classes=classes), reduction=reduction)
        yield Sample(
            draw(4, classes), draw.labels(4, classes=classes), draw.positive(classes), reduction=reduction
        )
    yield Sample(draw(4, classes), draw.labels(4, classes=classes), label_smoothing=0.1)
    yield Sample(
        draw(4, classes), draw.labels(4, classes=classes), draw.positive(classes), label_smoothing=0.3
    )
    yield Sample(draw(4, classes), np.array([1, -100, 0, -100]))
    yield Sample(
        draw(4, classes), np.array([1, 2, 2, 0]), draw.positive(classes), ignore_index=2, label_smoothing=0.1
    )
    yield Sample(draw(4, classes), np.array([2, 2, 2, 2]), ignore_index=2, reduction="sum")
    yield Sample(draw(classes), draw.labels(classes=classes))
    yield Sample(draw(2, classes, 3), draw.labels(2, 3, classes=classes))
    yield Sample(draw(2, classes, 3), draw.labels(2, 3, classes=classes), reduction="none")
    for reduction in ("mean", "sum", "none"):
        yield Sample(draw(4, classes), draw.share((4, classes), 1), reduction=reduction)
    yield Sample(draw(4, classes), draw.share((4, classes), 1), draw.positive(classes), label_smoothing=0.1)
    yield Sample(draw(2, classes, 3), draw.share((2, classes, 3), 1))
    yield Sample(draw(classes), draw.share((classes,), 0))
    for n in draw.lengths[1:]:
        yield Sample(draw(3, n), draw.labels(3, classes=n))
        yield Sample(draw(n, 3), draw.labels(n, classes=3), reduction="sum")
    yield Sample(draw(0, 3), draw.labels(0, classes=3), reduction="sum")


def _cross_entropy_size(sample):
    """Each loss is a sum of |x - max| and the log of a sum; a mean or sum adds them up."""
    x = sample.args[0]
    dim = 0 if x.ndim == 1 else 1
    shift = _spread(x, dim)
    finite = np.where(np.isfinite(shift), shift, 0)
    rows = finite.max(dim, initial=0) + np.log(x.shape[dim]) + 1
    weight = sample.args[2] if len(sample.args) > 2 else np.ones(1)
    rows = rows * np.abs(weight).max()
    reduction = sample.options.get("reduction", "mean")
    return rows if reduction == "none" else rows.sum() if reduction == "sum" else rows.max(initial=0)


def _cross_entropy_terms(sample) -> int:
    x = sample.args[0]
    return 4 + x.shape[0 if x.ndim == 1 else 1] + (0 if sample.options.get("reduction") == "none" else x.size)


def _f(m):
    return m.nn.functional


CASES = [
    Case(
        "softmax",
        "nn.functional.softmax",
        reference.softmax,
        _softmax_samples,
        terms=_classes,
        magnitude=_softmax_size,
        bench=[((4096, 1024),)],
        stored=[Stored(Sample(np.array([0.0, np.inf, 1.0]), 0), [np.nan] * 3)],
        bad=[
            Bad(
                "a dimension outside",
                lambda m, t: _f(m).softmax(t(2, 3), 2),
                IndexError,
                "softmax: expected a dimension",
            ),
            Bad(
                "integers",
                lambda m, t: _f(m).softmax(t(2, 3, dtype="int64"), 1),
                NotImplementedError,
                "softmax: expected",
            ),
        ],
        why="x - max is rounded before the exponential, so its error grows with |x - max|: sum|terms| is y (1 + |x - max|)",
    ),
    Case(
        "log_softmax",
        "nn.functional.log_softmax",
        reference.log_softmax,
        _softmax_samples,
        terms=_classes,
        magnitude=_log_size,
        why="the terms are x - max and the log of the sum, which may cancel: |x - max| + log C + 1",
    ),
    Case(
        "cross_entropy",
        "nn.functional.cross_entropy",
        reference.cross_entropy,
        _cross_entropy_samples,
        fixed=(1, 2),
        special_keys=(0,),
        terms=_cross_entropy_terms,
        magnitude=_cross_entropy_size,
        bench=[((16, 10), (16,))],
        why="as log_softmax, and the losses of all rows meet in one sum",
        stored=[
            # Equal logits: every class has the same probability; the gradient is p - one-hot.
            Stored(Sample(np.zeros((1, 4)), np.array([2])), np.log(4.0), [[[0.25, 0.25, -0.75, 0.25]]]),
            Stored(Sample(np.array([[0.0, -np.inf]]), np.array([0])), 0.0, [[[0.0, 0.0]]]),
            Stored(Sample(np.zeros((2, 3)), np.array([-100, -100])), np.nan),
        ],
        bad=[
            Bad(
                "a label too large",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t.of(np.array([0, 5, 1]))),
                IndexError,
                "cross_entropy: expected indices from 0 to 4, got 5 at position 1",
            ),
            Bad(
                "a label below zero",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t.of(np.array([0, 1, -1]))),
                IndexError,
                "got -1 at position 2",
            ),
            Bad(
                "too few labels",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(2, dtype="int64")),
                ValueError,
                "cross_entropy: expected target",
            ),
            Bad(
                "labels of int32",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(3, dtype="int32")),
                RuntimeError,
                "target of dtype int64",
            ),
            Bad(
                "probabilities of another shape",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(3, 4)),
                RuntimeError,
                "probabilities",
            ),
            Bad(
                "weights for other classes",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(3, dtype="int64"), t(4)),
                RuntimeError,
                "weight with 5 entries",
            ),
            Bad(
                "reduction",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(3, dtype="int64"), reduction="average"),
                ValueError,
                "reduction",
            ),
            Bad(
                "label_smoothing above 1",
                lambda m, t: _f(m).cross_entropy(t(3, 5), t(3, dtype="int64"), label_smoothing=1.5),
                RuntimeError,
                "label_smoothing",
            ),
        ],
    ),
]

KERNELS = {
    "cross_entropy": lambda draw: (
        draw(3, 5),
        draw.labels(3, classes=5),
        draw.positive(5),
        -100,
        0.1,
        True,
        False,
        True,
        True,
    ),
    "cross_entropy_soft": lambda draw: (
        draw(3, 5),
        draw.share((3, 5), 1),
        draw.positive(5),
        0.1,
        True,
        True,
        True,
        True,
    ),
    "softmax": lambda draw: (draw(3, 5), True),
    "softmax_backward": lambda draw: (draw(3, 5), draw(3, 5), False),
    "softmax_across": lambda draw: (draw(2, 5, 3), True),
    "softmax_across_backward": lambda draw: (draw(2, 5, 3), draw(2, 5, 3), False),
    "scale_rows": lambda draw: (draw(3), draw(3, 5)),
}
