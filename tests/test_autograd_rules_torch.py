# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: B023  (every lambda runs before the loop goes on)
"""Modes, in-place rules, assignment, leaves: the same scenarios with PyTorch and with nabi."""

from __future__ import annotations

import pytest

import nabi
from twins import attempt, compare

torch = pytest.importorskip("torch")

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def leaf(T, *values, dtype=None):
    return T.tensor(list(values) or [1.0, 2.0, 3.0], dtype=dtype, requires_grad=True)


@scenario
def modes(T):
    x = leaf(T)
    log = []

    def note():
        log.append((T.is_grad_enabled(), T.is_inference_mode_enabled(), (x * 1).requires_grad))

    with T.no_grad():
        note()
        with T.enable_grad():
            note()
            with T.set_grad_enabled(False):
                note()
            note()
        note()
    T.set_grad_enabled(False)
    note()
    T.set_grad_enabled(True)
    with T.inference_mode():
        note()
        with T.inference_mode(False):
            note()
        with T.enable_grad():
            note()
    note()

    @T.no_grad()
    def plain():
        note()
        return 3

    @T.no_grad
    def bare():
        note()

    @T.enable_grad()
    def recorded():
        note()

    @T.set_grad_enabled(False)
    def switched():
        note()

    @T.inference_mode()
    def inference():
        note()

    @T.no_grad()
    def generator():
        note()
        got = yield 1
        note()
        log.append(got)
        try:
            yield 2
        except ValueError:
            note()
        return 5

    for each in (plain, bare, recorded, switched, inference):
        each()
        note()
    with T.no_grad():
        recorded()
    running = generator()
    log.append(next(running))
    note()
    log.append(running.send("sent"))
    try:
        running.throw(ValueError("thrown"))
    except StopIteration as stop:
        log.append(stop.value)
    note()
    try:
        with T.no_grad():
            raise KeyError
    except KeyError:
        note()
    return log


@scenario
def mode_arguments(T):
    return [
        attempt(lambda: T.set_grad_enabled("yes")),
        attempt(lambda: T.set_grad_enabled(1)),
        T.is_grad_enabled(),
        plain_name(T),
    ]


def plain_name(T):
    @T.no_grad()
    def documented():
        """Words."""

    return [documented.__name__, documented.__doc__]


@scenario
def inference_tensors(T):
    x = leaf(T)
    with T.inference_mode():
        made = T.ones(3)
        view_of_made, view, result = made.view(3, 1), x.view(3, 1), x * 2
        inside = attempt(lambda: made.add_(1))
        version = attempt(lambda: made._version)
        wants = attempt(lambda: T.ones(1).requires_grad_().requires_grad)
        x.add_(1)
    return [
        [
            each.is_inference()
            for each in (
                made,
                view_of_made,
                view,
                result,
                made.view(1, 3),
                made + 1,
                made.clone(),
                made.detach(),
            )
        ],
        [each.requires_grad for each in (made, view_of_made, result)],
        isinstance(inside, str),
        version,
        wants,
        x._version,
        attempt(lambda: made * x),
        attempt(lambda: made + x),
        attempt(lambda: made.add_(1)),
        attempt(lambda: made.view(3).add_(1)),
        attempt(lambda: made.requires_grad_()),
        attempt(lambda: view.add_(1)),
        attempt(lambda: T.ones(3).copy_(result)),
    ]


@scenario
def in_place_rules(T):
    x = leaf(T)
    y = x * 1
    return [
        attempt(lambda: x.mul_(2)),
        attempt(lambda: x.__setitem__(0, 1.0)),
        attempt(lambda: x[0].add_(1)),
        attempt(lambda: x.view(3, 1)[0].mul_(2)),
        attempt(lambda: x.zero_()),
        attempt(lambda: x.detach().add_(1)),
        attempt(lambda: y.expand(2, 3).add_(1)),
        attempt(lambda: T.ones(3).add_(T.ones(2, 3))),
        attempt(lambda: T.ones(3).add_(T.ones(2))),
        x,
        x._version,
    ]


@scenario
def views_made_without_grad(T):
    x = leaf(T)
    y = x * 1
    plain = T.zeros(3)
    with T.no_grad():
        views = [x[:1], y[:1], plain[:1]]
        views[0].mul_(3)
        x[2] = 5.0
    return [
        attempt(lambda: views[0].add_(1)),
        attempt(lambda: views[1].add_(1)),
        attempt(lambda: views[2].add_(1)),
        attempt(lambda: views[2].add_(x[0])),
        attempt(lambda: views[2].__setitem__(0, x[0])),
        plain,
        x,
    ]


@scenario
def changed_in_place(T):
    results = []
    for change in (
        lambda t: t.add_(1),
        lambda t: t.detach().add_(1),
        lambda t: t.__setitem__(0, 3.0),
        lambda t: t[1:].mul_(2),
        lambda t: t.copy_(T.ones(3)),
    ):
        for operation in (
            lambda t: t * t,
            lambda t: t.sigmoid(),
            lambda t: t.relu(),
            lambda t: t + 1,
            lambda t: t / (t + 1),
            lambda t: t.sum(),
        ):
            x = leaf(T)
            y = x * 1
            z = operation(y)
            change(y)
            results.append(attempt(lambda: z.sum().backward()))
            results.append(x.grad)
            y = x * 1
            z = operation(y)
            if z.dim():
                change(z)
                results.append(attempt(lambda: z.sum().backward()))
    x = leaf(T)
    y = x * 1
    z = y * y
    y.data.add_(1)
    z.sum().backward()
    return [results, x.grad]


@scenario
def optimizer_steps_are_noticed(T):
    w = leaf(T)
    x = leaf(T)
    loss = (w * x).sum()
    optimizer = T.optim.SGD([w], lr=0.1)
    loss.backward(retain_graph=True)
    optimizer.step()
    return [w._version, attempt(lambda: loss.backward()), w]


@scenario
def written_by_hand(T):
    w = leaf(T)
    for _ in range(3):
        loss = ((w - 1) * (w - 1)).sum()
        loss.backward()
        with T.no_grad():
            w -= 0.1 * w.grad
            w.grad.zero_()
    return [w, w.grad, w._version, w.is_leaf]


@scenario
def time_steps(T):
    x = T.linspace(0.1, 1.0, 12).view(4, 3).requires_grad_()
    w = T.linspace(-0.5, 0.5, 9).view(3, 3).requires_grad_()
    out = T.zeros(3, 4)
    h = T.zeros(3)
    for t in range(4):
        h = T.sigmoid(x[t] + h @ w)
        out[:, t] = h
    (out * out).sum().backward()
    return [out, x.grad, w.grad, out._version]


@scenario
def sums_into_rows(T):
    x = T.arange(6.0).view(2, 3).requires_grad_()
    y = x * 1
    y[0] += x[1] * 2
    y[1:].mul_(3)
    y[..., 0] -= y[..., 2]
    y[:, 1] /= 2
    y.sum().backward()
    return [y, x.grad, y._version]


@scenario
def overlapping_assignment(T):
    x = leaf(T, 1.0, 2.0, 3.0, 4.0)
    y = x * 1
    y[1:] = y[:-1].clone()
    y[[0, 1]] = y[[1, 0]]
    (y * T.arange(4.0)).sum().backward()
    return [y, x.grad]


@scenario
def chosen_elements(T):
    x = T.arange(12.0).view(3, 4).requires_grad_()
    v = leaf(T, 5.0, 6.0)
    y = x * 2
    y[T.tensor([0, 2]), T.tensor([1, 1])] = v
    y[y > 15] = 0.0
    y[0, [0, 3]] = v * 3
    y[[1, 1, 2]].sum().backward()
    z = x * 1
    z[:, [0, 0, 2]].mul(T.arange(9.0).view(3, 3)).sum().backward()
    return [y, x.grad, v.grad]


@scenario
def data_and_detach(T):
    x = leaf(T)
    d, e = x.data, x.detach()
    d[0] = 9.0
    e.mul_(2)
    before = [x._version, d._version, e._version, d.requires_grad, e.requires_grad]
    x.data = T.ones(2)
    y = x * 2
    y.detach_()
    return [
        *before,
        x,
        e,
        x._version,
        y,
        y.is_leaf,
        attempt(lambda: x.view(1, 2).detach_()),
        attempt(lambda: setattr(x, "data", 3)),
        attempt(lambda: setattr(x, "data", T.ones(1, dtype=T.int64))),
    ]


@scenario
def requires_grad_rules(T):
    x = leaf(T)
    return [
        attempt(lambda: setattr(x, "requires_grad", 1)),
        attempt(lambda: (x * 2).requires_grad_(False)),
        attempt(lambda: (x * 2).requires_grad_(True)),
        attempt(lambda: T.tensor(1).requires_grad_()),
        attempt(lambda: T.tensor(1).requires_grad_(False)),
        attempt(lambda: T.tensor([1], requires_grad=True)),
        attempt(lambda: setattr(x, "grad", 1)),
        attempt(lambda: setattr(x, "grad", T.ones(4))),
        attempt(lambda: setattr(x, "grad", T.ones(3, dtype=T.float64))),
        attempt(lambda: setattr(x, "grad", x)),
        attempt(lambda: setattr(x, "grad", T.ones(3))),
        attempt(lambda: (x * 2).grad),
        x.is_leaf,
        (x * 2).is_leaf,
        x.detach().is_leaf,
        (x * 2).sum().item(),
    ]


@scenario
def node_names(T):
    x = leaf(T)
    y = x * 2
    y.add_(1)
    z = T.zeros(3)
    z[0] = y[0]
    return [
        y.grad_fn.name(),
        z.grad_fn.name().rpartition(":")[2],
        x.grad_fn,
        y.grad_fn.next_functions[0][0].name(),
        y.grad_fn.next_functions[0][0].next_functions[0][0].name(),
        y.grad_fn.next_functions[0][0].next_functions[0][0].variable is x,
        [
            each.grad_fn.name()
            for each in (x + 1, x - x, x / 2, -x, x.sum(), x.mean(), x[0], x[1:], x.view(3, 1), x.relu())
        ],
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    compare(torch, nabi, SCENARIOS[name])
