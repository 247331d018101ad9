# SPDX-License-Identifier: Apache-2.0
"""What autograd promises without PyTorch at hand: lifetime of graphs, ownership, threads, gradcheck."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import nabi
from nabi.autograd import Function, gradcheck, gradgradcheck
from nabi.autograd.check import GradcheckError


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        out = x * x * x
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, _ = ctx.saved_tensors
        return 3 * x * x * grad


def step(weight, bias, x):
    """One of everything that leaves something behind: user Function, hooks, views, in-place, retain_grad, an error."""
    hidden = nabi.nn.functional.linear(x, weight, bias)
    hidden.retain_grad()
    hidden.register_hook(lambda g: g * 1)
    out = nabi.zeros(4, 6)
    out[:, :3] = Cube.apply(hidden)
    out[:, 3:] += hidden.sigmoid() * 2
    out[1:].mul_(0.5)
    loss = (out * out).mean()
    loss.backward()
    with nabi.no_grad():
        for each in (weight, bias):
            each -= 0.01 * each.grad
            each.grad = None


def setting():
    nabi.manual_seed(0)
    weight = (nabi.randn(3, 5) * 0.1).requires_grad_()
    weight.register_hook(lambda g: None)
    weight.register_post_accumulate_grad_hook(lambda p: None)
    return weight, nabi.zeros(3, requires_grad=True), nabi.randn(4, 5)


def test_graphs_die_by_reference_count():
    parts = setting()
    for _ in range(3):
        step(*parts)
    gc.collect()
    gc.disable()
    try:
        step(*parts)
        before, memory = len(gc.get_objects()), nabi.memory_stats()
        for _ in range(100):
            step(*parts)
        assert len(gc.get_objects()) - before < 50
        assert nabi.memory_stats()["allocated_bytes"] == memory["allocated_bytes"]
        found = gc.collect()
        assert found == 0, f"{found} objects in cycles"
    finally:
        gc.enable()


def test_second_derivatives_leave_no_cycles():
    x = nabi.tensor([1.0, 2.0], requires_grad=True)

    def once():
        (g,) = nabi.autograd.grad((Cube.apply(x) * x.sigmoid()).sum(), x, create_graph=True)
        nabi.autograd.grad((g * g).sum(), x)

    once()
    gc.collect()
    once()
    assert gc.collect() == 0


def test_a_graph_nobody_walks_dies():
    x = nabi.ones(3, requires_grad=True)
    gc.disable()
    try:
        y = Cube.apply(x * 2)
        y[0] = 1.0
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_saved_arrays_are_released_by_the_walk():
    x = nabi.ones(3, requires_grad=True)
    y = x * x
    out = Cube.apply(y)
    out.sum().backward()
    assert y.grad_fn.saved is None
    with pytest.raises(RuntimeError, match="retain_graph"):
        out.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.sum().backward()


def test_a_hundred_thousand_operations():
    x = nabi.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    del y
    y = x * 1
    for _ in range(100_000):
        y.add_(1)
    (g,) = nabi.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [1.0, 1.0]
    z = nabi.zeros(1)
    views = z
    for _ in range(2000):
        views = views.view(1)
        views.add_(x[:1])
    z.sum().backward()
    assert x.grad.tolist() == [2001.0, 1.0]


def test_threads_have_their_own_graphs_and_modes():
    shared = nabi.ones(8, requires_grad=True)
    failed = []

    def work(number):
        try:
            assert nabi.is_grad_enabled()
            for _ in range(50):
                if number % 2:
                    with nabi.no_grad():
                        assert not (shared * 2).requires_grad
                x = nabi.full((8,), float(number)).requires_grad_()
                (g,) = nabi.autograd.grad((Cube.apply(x) + shared).sum(), x)
                assert g.tolist() == [3.0 * number * number] * 8
        except BaseException as error:
            failed.append(error)

    with nabi.no_grad():
        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert not nabi.is_grad_enabled()
    assert not failed


def test_nobody_shares_a_gradient():
    a, b, c = (nabi.ones(3, requires_grad=True) for _ in range(3))
    activation = a * 1
    seed = nabi.ones(3)
    (activation + b + c).backward(seed, retain_graph=True)
    arrays = [a.grad._array, b.grad._array, c.grad._array, seed._array, activation._array]
    for i, one in enumerate(arrays):
        for other in arrays[i + 1 :]:
            assert not np.shares_memory(one, other)
    found = nabi.autograd.grad(activation + b, [activation, b, b], seed)
    for i, one in enumerate(found):
        one.add_(i + 1)
    assert [each.tolist() for each in found] == [[2.0] * 3, [3.0] * 3, [4.0] * 3]
    assert seed.tolist() == [1.0] * 3


def test_gradients_with_create_graph_are_the_leafs_own():
    a, b = nabi.ones(3, requires_grad=True), nabi.ones(3, requires_grad=True)
    (a + b).sum().backward(create_graph=True)
    a.grad.add_(1)
    assert b.grad.tolist() == [1.0] * 3


def test_a_hook_that_keeps_the_gradient_keeps_its_own():
    x = nabi.ones(3, requires_grad=True)
    kept = []
    x.register_hook(lambda g: kept.append(g))
    for _ in range(2):
        (x * 2).sum().backward()
    assert kept[0].tolist() == [2.0] * 3
    assert x.grad.tolist() == [4.0] * 3


def test_changed_in_place_names_the_operation():
    y = nabi.ones(3, requires_grad=True) * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="MulBackward0 expected it at version 0, got version 1"):
        z.sum().backward()


def test_an_in_place_result_is_saved_once():
    y = nabi.ones(3, requires_grad=True) * 1
    y.relu_()
    assert y.grad_fn.saved[0] is y._array
    y.mul_(2)
    with pytest.raises(RuntimeError, match="ReluBackward0"):
        y.sum().backward()


def test_nothing_is_written_where_an_in_place_operation_is_refused():
    leaf = nabi.ones(3, requires_grad=True)
    plain = nabi.zeros(3)
    with nabi.no_grad():
        view = plain[:1]
    for change in (
        lambda: leaf.mul_(2),
        lambda: leaf.__setitem__(0, 5.0),
        lambda: view.add_(leaf[:1]),
        lambda: view.__setitem__(0, leaf[0]),
        lambda: plain.add_(nabi.ones(2, 3)),
        lambda: nabi.tensor([1, 2]).add_(1.5),
        lambda: plain.__setitem__(slice(0, 2), nabi.ones(3)),
    ):
        with pytest.raises(RuntimeError):
            change()
    assert leaf.tolist() == [1.0] * 3
    assert plain.tolist() == [0.0] * 3
    assert plain._version == 0


def test_overlapping_values_are_read_before_they_are_written():
    x = nabi.arange(5.0)
    x[1:] = x[:-1]
    assert x.tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]
    x[[0, 1]] = x[[1, 4]]
    x[:2] += x[1:3]
    assert x.tolist() == [3.0, 4.0, 1.0, 2.0, 3.0]


def test_expanded_tensors():
    x = nabi.zeros(3, requires_grad=True) * 1
    wide = x.expand(2, 3)
    with pytest.raises(RuntimeError, match="clone"):
        wide.add_(1)
    wide[0] = nabi.ones(3)
    assert x.tolist() == [1.0] * 3
    wide.zero_()
    assert x.tolist() == [0.0] * 3


def test_views_of_any_strides_pass_gradients():
    base = nabi.arange(12.0).view(3, 4).t().clone().requires_grad_()
    y = base * 1
    flat = y.t().view(-1)
    flat[3:7].mul_(10)
    y.t()[0].view(2, 2).add_(1)
    y.sum().backward()
    expected = np.ones(12)
    expected[3:7] = 10
    assert base.grad.t().reshape(-1).tolist() == expected.tolist()
    assert base.grad.stride() == base.stride()


OPERATIONS = {
    "arithmetic": lambda x, w: (x * w + x / (w + 3) - (2 - x) * 1.5 - w) / 2,
    "broadcasting": lambda x, w: x * w[0] + x[:, :1] - w.sum(),
    "activations": lambda x, w: x.sigmoid() * (w + 0.1).relu(),
    "matmul": lambda x, w: x @ w.t() + (x.unsqueeze(0) @ w.t().unsqueeze(0)).sum(0),
    "linear": lambda x, w: nabi.nn.functional.linear(x, w, w[:, 0]),
    "softmax": lambda x, w: nabi.softmax(x, 1) * nabi.log_softmax(w, 0),
    "cross_entropy": lambda x, w: nabi.nn.functional.cross_entropy(x * w, nabi.tensor([2, 0])),
    "binary": lambda x, w: nabi.nn.functional.binary_cross_entropy(x.sigmoid(), w.detach().sigmoid()),
    "reductions": lambda x, w: x.sum(0) * w.mean(0, keepdim=True) + (x * w).mean(),
    "shapes": lambda x, w: (
        nabi.cat([x.reshape(3, 2), w.view(3, 2)], 1).permute(1, 0)[1:3] * nabi.stack([x, w])[1]
    ),
    "index": lambda x, w: x[:, [0, 2, 2]] * w[nabi.tensor([[True, False, True], [True, True, False]])].sum(),
    "assign": lambda x, w: _assigned(x, w),
    "expand": lambda x, w: x.unsqueeze(1).expand(2, 2, 3) * w,
}


def _assigned(x, w):
    y = x * 1
    y[0] = w[1] * w[1]
    y[:, 1:].mul_(w[:, :2])
    y[[0, 1], [0, 2]] += x[0, :2]
    y.t()[0].sigmoid_()
    return y * y


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_against_differences(name):
    random = np.random.default_rng(3)
    x, w = (nabi.tensor(random.uniform(0.2, 1.5, (2, 3)), requires_grad=True) for _ in range(2))
    if name == "binary":
        w.requires_grad = False
    assert gradcheck(OPERATIONS[name], (x, w))
    assert gradcheck(
        OPERATIONS[name], (x, w), fast_mode=True, check_undefined_grad=False, check_grad_dtypes=True
    )
    assert gradgradcheck(OPERATIONS[name], (x, w))


class Wrong(Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class Unsteady(Function):
    calls = 0

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        Unsteady.calls += 1
        return grad * (2 + 1e-7 * Unsteady.calls)


def test_gradcheck_finds_faults():
    x = nabi.tensor([0.5, 2.0], dtype=nabi.float64, requires_grad=True)
    assert gradcheck(lambda t: Wrong.apply(t, 2.0), x)
    for fast in (False, True):
        with pytest.raises(GradcheckError, match="Jacobian"):
            gradcheck(lambda t: Wrong.apply(t, 2.1), x, fast_mode=fast)
        assert not gradcheck(lambda t: Wrong.apply(t, 2.1), x, raise_exception=False, fast_mode=fast)
    assert gradcheck(lambda t: Wrong.apply(t, 2.1), x, atol=1.0)
    assert gradcheck(lambda t: Wrong.apply(t, 2.1), x, rtol=0.1)
    with pytest.raises(GradcheckError, match="twice"):
        gradcheck(Unsteady.apply, x)
    assert gradcheck(Unsteady.apply, x, nondet_tol=1e-6)


def test_gradcheck_refuses_what_it_does_not_do():
    x = nabi.tensor([0.5], dtype=nabi.float64, requires_grad=True)
    for options in (
        {"check_forward_ad": True},
        {"check_batched_grad": True},
        {"masked": True},
        {"check_backward_ad": False},
    ):
        with pytest.raises(NotImplementedError):
            gradcheck(lambda t: t * 2, x, **options)
    with pytest.raises(NotImplementedError):
        gradgradcheck(lambda t: t * t, x, gen_non_contig_grad_outputs=True)
    with pytest.raises(TypeError):
        gradcheck(lambda t: t * 2, x, tolerance=1)
    with pytest.raises(ValueError, match="require gradient"):
        gradcheck(lambda t: t * 2, x.detach())
    with pytest.warns(UserWarning, match="float64"):
        gradcheck(lambda t: t * 2, nabi.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)


def test_what_create_graph_cannot_do_names_the_operation():
    class NoFormula(nabi.autograd.Node):
        __slots__ = ()
        title = "NoFormulaBackward0"

        def backward(self, grad):
            return (grad,)

    from nabi.autograd.graph import record

    x = nabi.ones(2, requires_grad=True)
    y = record(NoFormula, x._array.copy(), x.dtype, (x,))
    y.sum().backward()
    with pytest.raises(RuntimeError, match="noformula.*create_graph"):
        nabi.autograd.grad(record(NoFormula, x._array.copy(), x.dtype, (x,)).sum(), x, create_graph=True)
