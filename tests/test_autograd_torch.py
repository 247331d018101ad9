# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: B023  (every lambda runs before the loop goes on)
"""backward, grad, create_graph and hooks: the same scenarios with PyTorch and with nabi."""

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
def accumulation(T):
    x = leaf(T)
    held = []
    for _ in range(3):
        (x * x).sum().backward()
        held.append(x.grad)
    before = x.grad._version
    x.sum().backward()
    return [held[0] is held[2], x.grad, x.grad._version - before, x.grad.requires_grad]


@scenario
def accumulation_into_a_given_gradient(T):
    x = leaf(T)
    mine = T.ones(3)
    x.grad = mine
    (x * 2).sum().backward()
    return [mine, x.grad is mine, mine._version]


@scenario
def gradients_are_not_shared(T):
    x, y = leaf(T), leaf(T)
    (x + y).sum().backward()
    x.grad.add_(5)
    first = [x.grad, y.grad]
    x.grad = y.grad = None
    z = x * 1
    z.retain_grad()
    (z + y).backward(T.ones(3))
    z.grad.mul_(3)
    return [*first, x.grad, y.grad, z.grad]


@scenario
def a_given_gradient_stays_the_users(T):
    x = leaf(T)
    seed = T.ones(3)
    (x + 0).backward(seed)
    x.grad.add_(1)
    return [seed, x.grad]


@scenario
def gradient_layout_is_the_leafs(T):
    w = T.arange(6.0).view(2, 3).t().clone().requires_grad_()
    (w * 2).sum().backward()
    v = T.arange(6.0).view(2, 3).t().detach().requires_grad_()
    (v.contiguous() * T.ones(3, 2)).sum().backward()
    s = T.arange(6.0)[::2].requires_grad_()
    (s * 2).sum().backward()
    return [w.grad, v.grad, s.grad]


@scenario
def backward_errors(T):
    x = leaf(T)
    y = (x * x).sum()
    return [
        attempt(lambda: (x * 2).backward()),
        attempt(lambda: T.ones(1).backward()),
        attempt(lambda: (x * 2).backward(T.ones(2))),
        attempt(lambda: (x * 2).backward(gradient=T.ones(3))),
        attempt(lambda: (x * 2).backward(3)),
        attempt(lambda: y.backward()),
        attempt(lambda: y.backward()),
        attempt(lambda: (x * 2).sum().backward(inputs=[])),
        attempt(lambda: (x * 2).sum().backward(inputs=[T.ones(1)])),
        attempt(lambda: T.autograd.backward([x * 2, x * 3], [T.ones(3)])),
        x.grad,
    ]


@scenario
def graphs_without_saved_arrays_walk_twice(T):
    x = leaf(T)
    y = (x + 1).sum()
    y.backward()
    return [attempt(lambda: y.backward()), x.grad]


@scenario
def retain_graph(T):
    x = leaf(T)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return [x.grad, attempt(lambda: y.backward())]


@scenario
def several_outputs_and_inputs(T):
    x, y = leaf(T), leaf(T)
    a, b = x * y, x + y
    T.autograd.backward([a.sum(), b], [None, T.full((3,), 2.0)])
    first = [x.grad.clone(), y.grad.clone()]
    c = x * y
    d = c * c
    d.sum().backward(inputs=[x, c])
    return [*first, x.grad, y.grad, attempt(lambda: c.grad)]


@scenario
def grad_function(T):
    x, y, unused = leaf(T), leaf(T), leaf(T)
    z = x * y
    out = (z * z).sum()
    grad = T.autograd.grad
    return [
        grad(out, x, retain_graph=True),
        grad(out, [x, y], retain_graph=True),
        grad(out, (z, x), retain_graph=True),
        grad(out, [x, x], retain_graph=True),
        grad(z, [x], T.ones(3), retain_graph=True),
        grad([z, out], [x], [T.ones(3), None], retain_graph=True),
        grad(out, [out], retain_graph=True),
        grad(x.sum(), x)[0].clone(),
        grad(x, x, T.ones(3)),
        attempt(lambda: grad(out, unused, retain_graph=True)),
        attempt(lambda: grad(out, T.ones(1), retain_graph=True)),
        grad(out, [unused, x], allow_unused=True, retain_graph=True),
        grad(out, [unused, x], materialize_grads=True, retain_graph=True),
        attempt(lambda: grad(out, [unused], allow_unused=False, materialize_grads=True, retain_graph=True)),
        attempt(lambda: grad(out, [], retain_graph=True)),
        x.grad,
        grad(out, x),
        attempt(lambda: grad(out, x)),
    ]


@scenario
def create_graph(T):
    x = leaf(T, 1.0, 2.0, 3.0, dtype=T.float64)
    w = leaf(T, 0.5, -1.0, 2.0, dtype=T.float64)
    y = ((x * w).sigmoid() * x / (w * w + 1) - x.relu() * w).sum()
    (first,) = T.autograd.grad(y, x, create_graph=True)
    (second,) = T.autograd.grad(first.sum(), w, create_graph=True)
    (third,) = T.autograd.grad((second * second).sum(), x)
    return [first, second, third]


@scenario
def gradient_penalty(T):
    x = leaf(T, 1.0, 2.0, 3.0, dtype=T.float64)
    w = T.tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 1.0]], dtype=T.float64, requires_grad=True)
    b = T.zeros(2, dtype=T.float64, requires_grad=True)
    out = T.nn.functional.linear(x.view(1, 3), w, b).sigmoid().sum()
    (g,) = T.autograd.grad(out, x, create_graph=True)
    ((g * g).sum() - 1).backward()
    return [g, w.grad, b.grad, x.grad]


@scenario
def double_backward_through_views(T):
    x = T.arange(6.0, dtype=T.float64).view(2, 3).requires_grad_()
    y = x * x
    y[0] += x[1] * 2
    y[:, 1:].mul_(3)
    z = y.t()[1] * y.view(-1)[:2]
    z = z.expand(2, 2).reshape(-1) * y[y > 1][:4]
    (g,) = T.autograd.grad(z.sum(), x, create_graph=True)
    (h,) = T.autograd.grad((g * g).sum(), x)
    return [g, h]


@scenario
def second_derivatives_of_shapes(T):
    x = T.arange(1.0, 7.0, dtype=T.float64).view(2, 3).requires_grad_()
    c = T.cat([x, x * 2], 1) + T.stack([x, x], 1).view(2, 6)
    y = (c * c).mean(1).unsqueeze(0).squeeze() * x.sum(1, keepdim=True).permute(1, 0)
    m = x @ x.transpose(0, 1)
    s = T.softmax(x, 1)
    total = (y.flatten() * m.flatten()[:2]).sum() + (s * s).sum() + x[:, [0, 2]].mul(x[:, 1:]).sum()
    (g,) = T.autograd.grad(total, x, create_graph=True)
    (h,) = T.autograd.grad((g * g).sum(), x)
    return [g.contiguous(), h.contiguous()]


@scenario
def tensor_hooks(T):
    x = leaf(T)
    log = []
    y = x * 2
    first = y.register_hook(lambda g: log.append(("y", g.clone())))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: log.append(("later", g.clone())))
    kept = x.register_hook(lambda g: log.append(("x", g.clone())))
    x.register_hook(lambda g: g + 1)
    (y * 3).sum().backward()
    first.remove()
    first.remove()
    kept.remove()
    (x * 2).sum().backward()
    with x.register_hook(lambda g: log.append("once")):
        x.sum().backward()
    x.sum().backward()
    return [log, x.grad]


@scenario
def hooks_and_retain_grad(T):
    x = leaf(T)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward()
    z = x * 1
    z.register_hook(lambda g: g * 10)
    z.retain_grad()
    (z * 3).sum().backward()
    return [y.grad, z.grad, y.retains_grad, x.retains_grad, x.grad]


@scenario
def hooks_seen_by_grad(T):
    x = leaf(T)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    alone = T.autograd.grad((y * 3).sum(), y, retain_graph=True)
    both = T.autograd.grad((y * 3).sum(), [x, y])
    x.register_hook(lambda g: g * 5)
    return [alone, both, T.autograd.grad((x * 3).sum(), x)]


@scenario
def hooks_after_in_place(T):
    x = leaf(T)
    log = []
    y = x * 1
    y.retain_grad()
    y.register_hook(lambda g: log.append(g.clone()))
    y.mul_(3)
    y.sum().backward()
    v = x * 1
    v.retain_grad()
    v[0] = 7.0
    (v * 2).sum().backward()
    return [log, y.grad, v.grad, x.grad]


@scenario
def bad_hooks(T):
    results = []
    for bad in (lambda g: T.ones(5), lambda g: 3, lambda g: 1 / 0):
        x = leaf(T)
        x.register_hook(bad)
        try:
            results.append(attempt(lambda: (x * 1).sum().backward()))
        except ZeroDivisionError:
            results.append("zero")
        results.append(x.grad)
    plain = T.ones(2)
    return [
        *results,
        attempt(lambda: plain.register_hook(print)),
        attempt(lambda: plain.retain_grad()),
        attempt(lambda: plain.register_post_accumulate_grad_hook(print)),
        attempt(lambda: (leaf(T) * 1).register_post_accumulate_grad_hook(print)),
        T.is_grad_enabled(),
    ]


@scenario
def post_accumulate_hooks(T):
    x = leaf(T)
    log = []
    handle = x.register_post_accumulate_grad_hook(lambda p: log.append(p.grad.clone()))
    (x * 1).sum().backward()
    T.autograd.grad((x * 1).sum(), x)
    (x * 1).sum().backward(inputs=[x])
    handle.remove()
    (x * 1).sum().backward()
    return [log, x.grad]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    compare(torch, nabi, SCENARIOS[name])
