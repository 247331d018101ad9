# SPDX-License-Identifier: Apache-2.0
"""dropout, with a fixed seed: the definition draws the same mask from its own stream."""

from __future__ import annotations

import nabi
from nabi.reference import dropout as reference

from ..case import Bad, Case, Sample

SEED = 20


def _samples(draw):
    for p in (0.0, 0.25, 0.5, 1.0):
        yield Sample(draw(5, 7), p)
    yield Sample(draw(), 0.5)
    for n in draw.lengths:
        yield Sample(draw(n), 0.5)
    if not draw.quick:
        yield Sample(draw(70, 33), 0.3)


def _seeded(m):
    def run(x, p):
        m.manual_seed(SEED)
        return m.nn.functional.dropout(x, p)

    return run


def _defined(x, p):
    return reference.dropout(x, p, reference.mask(SEED, x.shape, p))


CASES = [
    Case(
        "dropout",
        _seeded,
        _defined,
        _samples,
        # p of 1/2 and 1/4: 1 / (1 - p) times a small integer rounds once, in float64 as in float32.
        terms=lambda sample: 2,
        splits=False,  # the stream is drawn by one thread
        layouts=False,  # draws follow memory order: another layout has another mask (see the tests against PyTorch)
        torch=False,  # on Intel PyTorch draws other masks; tests/test_random_torch.py compares them where it does not
        bad=[
            Bad(
                "p above 1",
                lambda m, t: m.nn.functional.dropout(t(3), 1.5),
                ValueError,
                "dropout: expected p from 0 to 1, got 1.5",
            ),
            Bad(
                "p below 0",
                lambda m, t: m.nn.functional.dropout(t(3), -0.1),
                ValueError,
                "dropout: expected p",
            ),
            Bad(
                "NaN",
                lambda m, t: m.nn.functional.dropout(t(3), float("nan")),
                (ValueError),
                "dropout: expected p",
                torch=False,
            ),
        ],
        bench=[((64, 512),)],
    ),
]

KERNELS = {
    "dropout": lambda draw: (nabi.Generator().manual_seed(SEED), draw(3, 5), 0.5),
    "dropout_backward": lambda draw: (draw(3, 5), draw.labels(2, classes=256).astype("uint8"), 0.5),
}
