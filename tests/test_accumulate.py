# SPDX-License-Identifier: Apache-2.0
"""Matrix products that add to leaf.grad themselves (docs/design.md, decision 3): when they may, and that it shows nowhere
but in speed."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi import _C
from nabi.autograd import walk


@pytest.fixture
def offered(monkeypatch):
    """The inputs that each node was offered to add to."""
    seen = []
    before = walk._Direct.offer

    def offer(self, node, grad):
        into = before(self, node, grad)
        seen.append(sorted(into))
        return into

    monkeypatch.setattr(walk._Direct, "offer", offer)
    return seen


def leaves(dtype=nabi.float32):
    nabi.manual_seed(0)
    x = nabi.randn(6, 5, dtype=dtype)
    w = nabi.randn(4, 5, dtype=dtype, requires_grad=True)
    b = nabi.randn(4, dtype=dtype, requires_grad=True)
    return x, w, b


@pytest.mark.parametrize("dtype", [nabi.float32, nabi.float64])
def test_gradients_add_up_in_place(dtype, offered):
    x, w, b = leaves(dtype)
    nabi.nn.functional.linear(x, w, b).sum().backward()
    first, address = w.grad.clone(), w.grad.data_ptr()
    version = w.grad._version
    (nabi.nn.functional.linear(x, w, b) * 2).sum().backward()
    assert offered == [[], [1, 2]]
    assert w.grad.data_ptr() == address and w.grad._version == version + 1
    nabi.testing.assert_close(w.grad, 3 * first)
    nabi.testing.assert_close(b.grad, nabi.full((4,), 18.0, dtype=dtype))


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a @ b,
        lambda a, b: nabi.bmm(a.expand(2, 3, 3) * 1, b.expand(2, 3, 3) * 1).sum(0),
        lambda a, b: nabi.addmm(nabi.ones(3), a, b, alpha=0.5),
    ],
    ids=["mm", "not leaves", "addmm"],
)
def test_both_operands(operation, offered):
    a, b = nabi.randn(3, 3).requires_grad_(), nabi.randn(3, 3).requires_grad_()
    for _ in range(3):
        operation(a, b).sum().backward()
    once = nabi.autograd.grad(operation(a, b).sum(), (a, b))
    nabi.testing.assert_close(a.grad, 3 * once[0])
    nabi.testing.assert_close(b.grad, 3 * once[1])


def test_batches_add_in_place(offered):
    a, b = nabi.randn(2, 3, 4).requires_grad_(), nabi.randn(2, 4, 5).requires_grad_()
    for _ in range(2):
        nabi.bmm(a, b).sum().backward()
    assert offered == [[], [0, 1]]
    once = nabi.autograd.grad(nabi.bmm(a, b).sum(), (a, b))
    nabi.testing.assert_close(a.grad, 2 * once[0])


def test_a_leaf_used_twice_gets_one_sum(offered):
    x, w, b = leaves()
    f = nabi.nn.functional.linear
    for _ in range(2):
        (f(x, w, b) + f(2 * x, w, b)).sum().backward()
    assert offered[2:] == [[], []]
    nabi.testing.assert_close(w.grad, 2 * 3 * x.sum(0).expand(4, 5))
    nabi.testing.assert_close(b.grad, nabi.full((4,), 24.0))


def test_a_hook_sees_the_new_gradient_only(offered):
    x, w, b = leaves()
    seen = []
    w.register_hook(lambda grad: seen.append(grad.clone()) or 2 * grad)
    for _ in range(2):
        nabi.nn.functional.linear(x, w, b).sum().backward()
    assert offered == [[], [2]]
    nabi.testing.assert_close(seen[1], seen[0])
    nabi.testing.assert_close(w.grad, 4 * seen[0])


def test_a_post_accumulate_hook_runs_once_a_walk(offered):
    x, w, b = leaves()
    seen = []
    w.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.clone()))
    for _ in range(2):
        nabi.nn.functional.linear(x, w, b).sum().backward()
    assert offered == [[], [1, 2]] and len(seen) == 2
    nabi.testing.assert_close(seen[1], 2 * seen[0])


def test_a_gradient_that_the_product_reads_is_not_written_under_it(offered):
    x, w, b = leaves()
    nabi.nn.functional.linear(x, w, b).sum().backward()
    memory = nabi.zeros(6, 5)
    memory.copy_(x)
    w.grad = memory[:4]  # the input's own memory
    before = w.grad.clone()
    nabi.nn.functional.linear(memory, w, b).sum().backward()
    assert offered == [[], [2]]
    nabi.testing.assert_close(w.grad, before + x.sum(0).expand(4, 5))


def seeded(u, w, x):
    (u + (w @ x) * 2).backward(w.grad)


def hooked(u, w, x):
    both = u + (w @ x) * 2
    both.register_hook(lambda grad: w.grad)
    both.sum().backward()


def handed(u, w, x):
    class Hands(nabi.autograd.Function):
        """Gives w.grad itself as the gradient."""

        @staticmethod
        def forward(ctx, input):
            return input.clone()

        @staticmethod
        def backward(ctx, grad):
            return w.grad

    Hands.apply(u + (w @ x) * 2).sum().backward()


@pytest.mark.parametrize("way", [seeded, hooked, handed])
def test_a_gradient_that_waits_elsewhere_in_the_walk_is_not_written_under_it(way, offered):
    u, w, x = nabi.ones(2, 3).requires_grad_(), nabi.ones(2, 3).requires_grad_(), nabi.ones(3, 3)
    w.grad = nabi.ones(2, 3)
    way(u, w, x)
    assert nabi.equal(u.grad, nabi.ones(2, 3))
    assert nabi.equal(w.grad, nabi.full((2, 3), 7.0))


def test_a_walk_that_fails_later_has_run_the_hooks_of_what_it_added(offered):
    w, u, x = nabi.ones(2, 3).requires_grad_(), nabi.ones(2, 3).requires_grad_(), nabi.ones(3, 3)
    w.grad = nabi.zeros(2, 3)
    seen = []
    w.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.clone()))
    twice = u * 2

    def refuse(grad):
        raise ValueError("no")

    twice.register_hook(refuse)
    with pytest.raises(ValueError, match="no"):
        (twice + w @ x).sum().backward()
    assert len(seen) == 1 and nabi.equal(w.grad, seen[0])


def test_a_leaf_that_stopped_requiring_a_gradient_gets_none(offered):
    w, x = nabi.ones(2, 3).requires_grad_(), nabi.ones(3, 3)
    w.grad = nabi.ones(2, 3)
    outputs = [(w @ x).sum(), (w * 3).sum()]
    w.requires_grad_(False)
    for output in outputs:
        output.backward()
    assert nabi.equal(w.grad, nabi.ones(2, 3))


@pytest.mark.parametrize("layout", ["transposed", "sliced", "read-only"])
def test_a_gradient_of_another_layout_is_left_to_the_addition(layout, offered):
    x, w, b = leaves()
    if layout == "transposed":
        w.grad = nabi.zeros(5, 4).t()
    elif layout == "sliced":
        w.grad = nabi.zeros(4, 10)[:, ::2]
    else:
        frozen = np.zeros((4, 5), np.float32)
        w.grad = nabi.from_numpy(frozen)
        frozen.flags.writeable = False
        w.grad._array.flags.writeable = False
    if layout == "read-only":
        with pytest.raises((RuntimeError, ValueError), match="writ"):
            nabi.nn.functional.linear(x, w, b).sum().backward()
        assert not frozen.any()
        return
    nabi.nn.functional.linear(x, w, b).sum().backward()
    assert offered == [[]]
    nabi.testing.assert_close(w.grad, x.sum(0).expand(4, 5))


def test_a_gradient_with_history_stays_in_its_graph(offered):
    x, w, b = leaves()
    (nabi.nn.functional.linear(x, w, b) ** 2).sum().backward(create_graph=True)
    before = w.grad
    nabi.nn.functional.linear(x, w, b).sum().backward()
    assert 1 not in offered[-1]
    assert before.grad_fn is not None


def test_grad_and_chosen_inputs_touch_no_other_gradient(offered):
    x, w, b = leaves()
    nabi.nn.functional.linear(x, w, b).sum().backward()
    kept = w.grad.clone()
    nabi.autograd.grad(nabi.nn.functional.linear(x, w, b).sum(), w)
    nabi.nn.functional.linear(x, w, b).sum().backward(inputs=[b])
    assert nabi.equal(w.grad, kept)
    nabi.testing.assert_close(b.grad, nabi.full((4,), 12.0))


def test_a_graph_walked_before_says_so(offered):
    x, w, b = leaves()
    loss = nabi.nn.functional.linear(x, w, b).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        loss.backward()


def test_the_same_bits_for_any_number_of_threads():
    from nabi.verify.settings import switched

    found = []
    for threads in (1, 2, 3, 7):
        with switched(split=True, threads=threads):
            x, w, b = leaves()
            for _ in range(3):
                nabi.nn.functional.linear(x, w, b).square().sum().backward()
            found.append((w.grad.numpy().tobytes(), b.grad.numpy().tobytes()))
    assert len(set(found)) == 1


def test_the_binding_adds_only_where_it_may():
    a, b = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
    c = np.full((2, 4), 10, np.float32)
    assert _C.matmul(a, b, 2.0, c) is c and (c == 16).all()
    for wrong, match in (
        (np.zeros((2, 5), np.float32), r"expected c of shape \(2, 4\), got shape \(2, 5\)"),
        (np.zeros((2, 4), np.float64), "expected c of dtype float32"),
        (np.zeros((4, 2), np.float32).T, "contiguous"),
    ):
        with pytest.raises(RuntimeError, match=match):
            _C.matmul(a, b, 1.0, wrong)
        assert not wrong.any()
    with pytest.raises(TypeError):
        _C.matmul(a, b, 1.0, c, c)
