# SPDX-License-Identifier: Apache-2.0
"""Steps of SGD: one kernel call for all parameters."""

from __future__ import annotations

import numpy as np

from nabi.reference import optim as reference

from ..case import Bad, Case, Sample

OPTIONS = (
    {},
    {"momentum": 0.5},
    {"momentum": 0.5, "dampening": 0.25},
    {"momentum": 0.5, "nesterov": True},
    {"weight_decay": 0.5},
    {"momentum": 0.5, "weight_decay": 0.25, "maximize": True},
)


def _run(m):
    """The parameters after a step for each list of gradients."""

    def run(params, *grads, **options):
        held = [m.nn.Parameter(each.clone()) for each in params]
        optimizer = m.optim.SGD(held, **options)
        for step in grads:
            for parameter, grad in zip(held, step):
                parameter.grad = grad.clone()
            optimizer.step()
        return [each.detach() for each in held]

    return run


def _defined(params, *grads, **options):
    return [reference.sgd(p, [step[i] for step in grads], **options)[0] for i, p in enumerate(params)]


def _samples(draw):
    def arrays():
        return [draw(3, 4), draw(5), draw(), draw(2, 0)]

    for options in OPTIONS:
        yield Sample(arrays(), arrays(), arrays(), lr=0.5, **options)
    for n in draw.lengths:
        yield Sample([draw(n)], [draw(n)], [draw(n)], [draw(n)], lr=0.25, momentum=0.5)


def _size(sample):
    """Every term of every step, with its absolute value."""
    positive = sample.map(lambda path, x: np.abs(x))
    options = {**positive.options, "lr": -positive.options["lr"], "dampening": 0.0, "maximize": False}
    return _defined(*positive.args, **options)


def _sgd(m, t, **options):
    return m.optim.SGD([m.nn.Parameter(t(3))], **options)


CASES = [
    Case(
        "SGD",
        _run,
        _defined,
        _samples,
        op="SGD",
        exact=("integers",),
        fixed=(0, 1, 2, 3),
        terms=lambda sample: 4 * len(sample.args),
        magnitude=_size,
        plain=False,
        bad=[
            Bad(
                "a negative learning rate",
                lambda m, t: _sgd(m, t, lr=-0.1),
                ValueError,
                "SGD: expected lr >= 0, got -0.1",
            ),
            Bad(
                "NaN as learning rate",
                lambda m, t: _sgd(m, t, lr=float("nan")),
                (ValueError),
                "SGD: expected",
                torch=False,
            ),
            Bad(
                "negative momentum",
                lambda m, t: _sgd(m, t, lr=0.1, momentum=-0.5),
                ValueError,
                "SGD: expected momentum",
            ),
            Bad(
                "nesterov alone",
                lambda m, t: _sgd(m, t, lr=0.1, nesterov=True),
                ValueError,
                "SGD: expected momentum > 0",
            ),
            Bad("no parameters", lambda m, t: m.optim.SGD([], lr=0.1), ValueError, "expected"),
            Bad("a tensor, no list", lambda m, t: m.optim.SGD(t(3), lr=0.1), TypeError, "expected"),
        ],
        bench=[((784, 512), (512,), (512, 10), (10,))],
    ),
]

KERNELS = {
    "sgd_step": lambda draw: (
        [draw(3, 4), draw(5)],
        [draw(3, 4), draw(5)],
        [draw(3, 4), draw(5)],
        0.1,
        0.9,
        0.0,
        0.01,
        True,
        False,
        False,
    ),
}
