# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: B023  (every lambda runs before the loop goes on)
"""autograd.Function: the same user operations with PyTorch and with nabi."""

from __future__ import annotations

import pytest

import nabi
from twins import attempt, compare

torch = pytest.importorskip("torch")

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def make(T, forward, backward, **more):
    """A Function class of these static methods."""
    members = {
        name: staticmethod(each)
        for name, each in (("forward", forward), ("backward", backward), *more.items())
    }
    return type("Mine", (T.autograd.Function,), members)


def leaf(T, *values):
    return T.tensor(list(values) or [1.0, 2.0], requires_grad=True)


def scaled(T):
    def forward(ctx, x, n):
        ctx.n = n
        ctx.save_for_backward(x)
        return x * n

    return make(T, forward, lambda ctx, g: (g * ctx.n, None))


@scenario
def numbers_and_attributes(T):
    x = leaf(T)
    out = scaled(T).apply(x, 3)
    out.sum().backward()
    again = attempt(lambda: out.sum().backward())
    return [out, out.grad_fn.name(), out.grad_fn.n, x.grad, out.requires_grad, out.is_leaf, again]


@scenario
def saved_inputs_and_outputs(T):
    seen = []

    def forward(ctx, x, y):
        z = x * y
        ctx.save_for_backward(x, z, None)
        ctx.y = y
        return z

    def backward(ctx, g):
        x, z, nothing = ctx.saved_tensors
        seen.append([x.requires_grad, z.requires_grad, z, nothing, z.grad_fn is not None])
        return g * ctx.y, g * x

    x, y = leaf(T), leaf(T, 3.0, 4.0)
    out = make(T, forward, backward).apply(x * 1, y)
    out.sum().backward(retain_graph=True)
    out.sum().backward()
    return [
        seen,
        x.grad,
        y.grad,
        attempt(lambda: out.sum().backward()),
        attempt(lambda: out.grad_fn.saved_tensors),
    ]


@scenario
def changed_saved_tensors(T):
    results = []
    for change in (lambda x, out: x.add_(1), lambda x, out: out.mul_(2), lambda x, out: None):

        def forward(ctx, x):
            out = x * 2
            ctx.save_for_backward(x, out)
            return out

        x = leaf(T) * 1
        out = make(T, forward, lambda ctx, g: g * ctx.saved_tensors[0] + ctx.saved_tensors[1]).apply(x)
        change(x, out)
        results.append(attempt(lambda: out.sum().backward()))
    return results


@scenario
def gradients_of_every_kind(T):
    results = []
    for backward in (
        lambda ctx, g: g,
        lambda ctx, g: (g, g),
        lambda ctx, g: (g, g, None),
        lambda ctx, g: (g, g, g),
        lambda ctx, g: (T.ones(3), g),
        lambda ctx, g: (1, g),
        lambda ctx, g: (None, None),
        lambda ctx, g: (None, g),
        lambda ctx, g: (g.double(), g),
        lambda ctx, g: (T.ones(4, 2), g),
        lambda ctx, g: (T.ones(1), g),
        lambda ctx, g: (g.sum(), g),
        lambda ctx, g: [g, g],
        lambda ctx, g: 1 / 0,
    ):
        x, y = leaf(T), leaf(T)
        try:
            results.append(
                attempt(lambda: make(T, lambda ctx, x, y: x * y, backward).apply(x, y).sum().backward())
            )
        except ZeroDivisionError:
            results.append("zero")
        results.append([x.grad, y.grad, T.is_grad_enabled()])
    x = leaf(T)
    results.append(
        attempt(lambda: make(T, lambda ctx, x, n: x * n, lambda ctx, g: (g, g)).apply(x, 3).sum().backward())
    )
    return results


@scenario
def forward_raises(T):
    def forward(ctx, x):
        raise ValueError("no")

    return [attempt(lambda: make(T, forward, lambda ctx, g: g).apply(leaf(T))), T.is_grad_enabled()]


@scenario
def dirty(T):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    function = make(T, forward, lambda ctx, g: g * 2)
    x = leaf(T)
    y = x * 1
    out = function.apply(y)
    before = [out is y, y._version, y.requires_grad]
    (out * 3).sum().backward()
    z = x * 1
    view = z[:1]
    function.apply(view)
    z.sum().backward()
    plain = T.ones(2)

    def forgets(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    return [
        before,
        x.grad,
        view,
        z,
        attempt(lambda: function.apply(leaf(T))),
        attempt(lambda: make(T, forgets, lambda ctx, g: g).apply(leaf(T) * 1)),
        function.apply(plain) is plain,
        plain,
    ]


@scenario
def inputs_returned(T):
    function = make(T, lambda ctx, x: x, lambda ctx, g: g * 7)
    x = leaf(T)
    y = x * 1
    out = function.apply(y)
    out.sum().backward()
    with T.no_grad():
        quiet = function.apply(x)
    plain = T.ones(2)
    return [
        out is y,
        out.data_ptr() == y.data_ptr(),
        x.grad,
        attempt(lambda: out.add_(1)),
        quiet is x,
        quiet.requires_grad,
        function.apply(plain) is plain,
        function.apply(plain).requires_grad,
    ]


@scenario
def views_returned(T):
    function = make(T, lambda ctx, x: x[:1], lambda ctx, g: T.cat([g, g * 0]))
    x = leaf(T)
    out = function.apply(x * 1)
    out.sum().backward()
    return [out, x.grad, attempt(lambda: function.apply(x * 1).add_(1))]


@scenario
def many_outputs(T):
    seen = []

    def forward(ctx, x):
        count = x.to(T.int64)
        plain = x * 3
        ctx.mark_non_differentiable(plain)
        return x * 2, plain, count, 5, "words", None, x * 4

    def backward(ctx, *grads):
        seen.append(list(grads))
        return grads[0] + grads[6]

    def kept(ctx, x):
        ctx.set_materialize_grads(False)
        return forward(ctx, x)

    def sparse(ctx, *grads):
        seen.append(list(grads))
        return grads[0]

    x = leaf(T)
    first = make(T, forward, backward).apply(x)
    first[0].sum().backward()
    (first[6] * 2 + first[0]).sum().backward()
    second = make(T, kept, sparse).apply(x)
    second[0].sum().backward()
    listed = make(T, lambda ctx, x: [x * 1, x * 2], backward).apply(x)
    return [
        list(first),
        list(second),
        seen,
        x.grad,
        type(listed).__name__,
        [each.requires_grad for each in listed],
    ]


@scenario
def needs_input_grad(T):
    seen = []

    def forward(ctx, x, y, n):
        seen.append((ctx.needs_input_grad, T.is_grad_enabled()))
        return x * y * n

    def backward(ctx, g):
        seen.append((ctx.needs_input_grad, T.is_grad_enabled()))
        return g, g, None

    function = make(T, forward, backward)
    x, y = leaf(T), T.ones(2)
    function.apply(x, y, 2).sum().backward()
    out = function.apply(y, y, 2)
    (g,) = T.autograd.grad(function.apply(x, y, 2).sum(), x, create_graph=True)
    return [seen, x.grad, out.requires_grad, g]


@scenario
def second_derivatives(T):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    cube = make(T, forward, lambda ctx, g: 3 * g * ctx.saved_tensors[0] * ctx.saved_tensors[0])

    def of_output(ctx, x):
        out = x.sigmoid()
        ctx.save_for_backward(out)
        return out

    def from_output(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out * (1 - out)

    sigmoid = make(T, of_output, from_output)
    x = leaf(T)
    (g,) = T.autograd.grad((cube.apply(x) * sigmoid.apply(x)).sum(), x, create_graph=True)
    (h,) = T.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = T.autograd.grad(h.sum(), x)
    return [g, h, k]


@scenario
def once_differentiable(T):
    once = T.autograd.function.once_differentiable
    function = make(T, lambda ctx, x: x * 2, once(lambda ctx, g: g * 2))
    x = leaf(T)
    (g,) = T.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    s = leaf(T)
    out = function.apply(x * s)
    (h,) = T.autograd.grad((out * out).sum(), x, create_graph=True)
    return [g, h, attempt(lambda: g.sum().backward()), attempt(lambda: h.sum().backward())]


@scenario
def setup_context(T):
    def forward(x, n):
        return x * n

    def setup(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output)
        ctx.n = inputs[1]

    def backward(ctx, g):
        x, out = ctx.saved_tensors
        return g * ctx.n + 0 * x * out, None

    x = leaf(T)
    out = make(T, forward, backward, setup_context=setup).apply(x, 3)
    out.sum().backward()
    return [out, x.grad]


@scenario
def misuse(T):
    function = scaled(T)
    bare = type("Bare", (T.autograd.Function,), {})
    no_backward = type("NoBackward", (T.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 1)})
    x = leaf(T)
    return [
        attempt(lambda: bare.apply(x)),
        attempt(lambda: no_backward.apply(x).sum().backward()),
        attempt(lambda: function.apply(x)),
        attempt(lambda: str(type(function()).__name__)),
        attempt(lambda: function()(x)),
        attempt(lambda: make(T, lambda ctx, x: ctx.save_for_backward(3), lambda ctx, g: g).apply(x)),
        attempt(lambda: make(T, lambda ctx, x: 3, lambda ctx, g: g).apply(x)),
        attempt(lambda: make(T, lambda ctx, x: None, lambda ctx, g: g).apply(x)),
    ]


@scenario
def mixed_dtypes(T):
    function = make(T, lambda ctx, x, y: (x.double() * 2, y * 3), lambda ctx, g, h: (g, h))
    x, y = leaf(T), leaf(T)
    a, b = function.apply(x, y)
    (a + b).sum().backward()
    return [a, b, x.grad, y.grad]


@scenario
def in_place_on_an_output(T):
    x = leaf(T)
    out = scaled(T).apply(x, 3)
    out.mul_(2)
    out[0] = 5.0
    out.sum().backward()
    a, b = make(T, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    a.add_(b)
    b.mul_(2)
    (a + b).sum().backward()
    return [out, a, b, x.grad]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    compare(torch, nabi, SCENARIOS[name])
