# SPDX-License-Identifier: Apache-2.0
"""Operations without PyTorch: messages, planned names, second derivatives, memory layouts, what must not change."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
import nabi.nn.functional as F
from nabi import planned


def test_a_label_out_of_range_is_named_with_its_position():
    with pytest.raises(IndexError, match="cross_entropy: expected indices from 0 to 2, got 7 at position 1"):
        F.cross_entropy(nabi.zeros(3, 3), nabi.tensor([0, 7, 9]))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: F.linear(nabi.zeros(64, 28, 28), nabi.zeros(10, 784)),
            RuntimeError,
            r"linear: expected input with 784 features, got shape \(64, 28, 28\)",
        ),
        (
            lambda: nabi.ones(2, 3) + nabi.ones(4),
            RuntimeError,
            r"add: expected shapes that broadcast, got \(2, 3\) and \(4,\)",
        ),
        (
            lambda: nabi.ones(2, 3) == nabi.ones(4),
            RuntimeError,
            r"eq: expected shapes that broadcast, got \(2, 3\) and \(4,\)",
        ),
        (lambda: nabi.tensor([1]) - True, RuntimeError, "sub: expected numbers, got bools"),
        (lambda: nabi.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
        (lambda: nabi.add(nabi.ones(2), np.ones(2)), TypeError, "nabi.from_numpy"),
        (
            lambda: nabi.full((2,), 300, dtype=nabi.uint8),
            RuntimeError,
            "full: expected a value that uint8 can hold, got 300",
        ),
        (
            lambda: nabi.zeros(2, dtype=nabi.int64).fill_(float("nan")),
            RuntimeError,
            "fill_: expected a value that int64",
        ),
        (lambda: nabi.tensor([2**63]), ValueError, "tensor: expected integers within int64"),
        (lambda: nabi.tensor(np.zeros(2, np.float16)), TypeError, "float16"),
        (lambda: nabi.tensor(np.zeros(2, np.complex64)), TypeError, "complex"),
        (lambda: nabi.tensor([1j]), TypeError, "complex"),
        (lambda: nabi.tensor([[1, 2], [3]]), ValueError, "tensor: expected numbers in a regular shape"),
        (lambda: nabi.tensor([1, [2]]), TypeError, "tensor: expected numbers in a regular shape"),
        (lambda: nabi.tensor(None), RuntimeError, "tensor: expected numbers.*NoneType"),
        (lambda: nabi.tensor(x for x in (1, 2)), RuntimeError, "generator"),
        (lambda: nabi.tensor([nabi.ones(2)]), TypeError, "use stack"),
        (lambda: nabi.tensor([2]) ** -1, RuntimeError, "pow: expected integers to a power of at least 0"),
        (lambda: nabi.ones(2).clamp(), RuntimeError, "clamp: expected at least one of min and max"),
        (lambda: nabi.max(nabi.zeros(0)), RuntimeError, "max: expected elements"),
        (lambda: nabi.max(nabi.zeros(2, 0), 1), IndexError, "max: expected elements in dimension 1"),
        (lambda: nabi.ones(2).view(-2, -1), RuntimeError, "view: expected"),
        (lambda: nabi.ones(2).view(2.0), TypeError, "view: expected sizes to be ints"),
        (lambda: nabi.ones(2).view(nabi.int32), NotImplementedError, r"view\(dtype\)"),
        (lambda: nabi.cat([]), ValueError, "cat: expected a non-empty list"),
        (lambda: nabi.stack(nabi.ones(2, 2)), TypeError, "stack: expected a sequence"),
        (
            lambda: nabi.ones(2, 2) @ nabi.ones(2, 2).long(),
            RuntimeError,
            "matmul: expected operands of one dtype",
        ),
        (lambda: nabi.ones(2).squeeze((0, 0)), RuntimeError, "squeeze: expected each dimension once"),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message) as caught:
        call()
    assert caught.type is kind


def test_a_refused_value_leaves_the_tensor_as_it_was():
    t = nabi.tensor([1, 2], dtype=nabi.uint8)
    before = t._version
    for change in (
        lambda: t.fill_(300),
        lambda: t.add_(1.5),
        lambda: t.copy_(nabi.ones(3)),
        lambda: t.div_(2),
    ):
        with pytest.raises(RuntimeError):
            change()
    assert t.tolist() == [1, 2] and t._version == before


def test_planned_names_say_so():
    with pytest.raises(
        AttributeError, match=r"Tensor\.sort is planned and does not exist yet; until then use "
    ):
        _ = nabi.ones(2).sort
    with pytest.raises(
        AttributeError, match=r"nabi\.hstack is planned and does not exist yet; until then use cat"
    ):
        _ = nabi.hstack
    with pytest.raises(AttributeError, match=r"nabi\.jit is not supported; use "):
        _ = nabi.jit
    with pytest.raises(AttributeError, match="module 'nabi' has no attribute 'nonsense'"):
        _ = nabi.nonsense
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'nonsense'"):
        _ = nabi.ones(2).nonsense


@pytest.mark.parametrize("name", sorted(planned._functions))
def test_a_planned_function_does_not_exist(name):
    assert not hasattr(nabi, name)


@pytest.mark.parametrize("name", sorted(planned._methods))
def test_a_planned_method_does_not_exist(name):
    assert not hasattr(nabi.Tensor, name)
    assert not hasattr(nabi.ones(1), name)


def test_planned_names_cost_other_attributes_nothing():
    assert not any("__getattr__" in vars(each) for each in nabi.Tensor.__mro__)
    t = nabi.ones(1)
    t.sort = 3  # a user's own attribute
    assert t.sort == 3


PLAIN = {
    "add": lambda t: t + t[0],
    "sub": lambda t: t - 1.5 * t[:, :1],
    "rsub": lambda t: 2 - t,
    "mul": lambda t: t * t[0],
    "div": lambda t: t / (t[0] + 1),
    "number / t": lambda t: 2 / t,
    "remainder": lambda t: t % 0.7,
    "exp": lambda t: t.exp(),
    "log": lambda t: t.log(),
    "sqrt": lambda t: t.sqrt(),
    "tanh": lambda t: t.tanh(),
    "sigmoid": lambda t: t.sigmoid(),
    "abs": lambda t: (t - 1.1).abs(),
    "square": lambda t: t**2,
    "cube": lambda t: t**3,
    "negative power": lambda t: t**-1.5,
    "number ** t": lambda t: 2.5**t,
    "t ** t": lambda t: t ** (t + 0.5),
    "clamp": lambda t: t.clamp(0.8, 1.6),
    "max": lambda t: t.max(),
    "min dim": lambda t: t.min(1).values,
    "maximum": lambda t: nabi.maximum(t, 1.3 * t - 0.2),
    "softmax": lambda t: t.softmax(0),
    "log_softmax": lambda t: t.log_softmax(1),
    "mv": lambda t: t @ t[0],
    "dot": lambda t: t[0] @ t[1],
    "vm": lambda t: t[:, 0] @ t,
    "mm": lambda t: t @ t.reshape(3, 2),
    "bmm": lambda t: t[None] @ t.transpose(0, 1)[None],
    "linear of a row": lambda t: F.linear(t[0], t, t[:, 0]),
    "linear of rows of rows": lambda t: F.linear(t[None], t, t[:, 0]),
    "linear without bias": lambda t: F.linear(t[0], t),
    "sum": lambda t: t.sum((0,), keepdim=True),
    "mean": lambda t: t.mean(1),
    "copy_": lambda t: (t * 2).copy_(t**2),
    "cross_entropy": lambda t: F.cross_entropy(t, nabi.tensor([2, 0]), reduction="none"),
    "smoothed": lambda t: F.cross_entropy(t, nabi.tensor([2, 0]), label_smoothing=0.2),
    "planes": lambda t: F.cross_entropy(t[..., None], nabi.tensor([[2], [0]]), reduction="none"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_both_backwards_and_central_differences_agree(name):
    function = PLAIN[name]
    values = np.array([[0.5, 1.5, 2.0], [1.25, 0.75, 3.0]])
    t = nabi.from_numpy(values.copy()).requires_grad_()
    out = function(t)
    weights = nabi.from_numpy(np.asarray(np.random.RandomState(0).randn(*out.shape)))
    (kernels,) = nabi.autograd.grad((out * weights).sum(), t, retain_graph=True)
    (plain,) = nabi.autograd.grad((out * weights).sum(), t, create_graph=True)
    np.testing.assert_allclose(plain.detach().numpy(), kernels.numpy(), rtol=1e-10, atol=1e-12)
    slopes = np.zeros_like(values)
    for at in np.ndindex(values.shape):
        for sign in (1, -1):
            moved = values.copy()
            moved[at] += sign * 1e-6
            slopes[at] += sign * (function(nabi.from_numpy(moved)) * weights).sum().item()
    np.testing.assert_allclose(kernels.numpy(), slopes / 2e-6, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "abs", "square"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_one_element(name, dtype):
    x = np.linspace(0.01, 20, 1001).astype(dtype)
    exact = getattr(np, name)(x.astype(np.longdouble))
    found = getattr(nabi, name)(nabi.from_numpy(x)).numpy()
    assert found.dtype == dtype
    assert (np.abs(found - exact) <= 2 * np.finfo(dtype).eps * np.abs(exact)).all()


@pytest.mark.parametrize(
    "function",
    [nabi.relu, nabi.sigmoid, lambda t: t + t, lambda t: t > 0, lambda t: t.long() * 2, lambda t: t.exp()],
)
def test_results_keep_the_strides_of_dense_tensors(function):
    t = nabi.randn(2, 3, 4).permute(2, 0, 1)
    assert function(t).stride() == t.stride()
    assert function(t[::2]).is_contiguous() is False
    assert function(t.expand(5, 4, 2, 3)).shape == (5, 4, 2, 3)


def test_max_along_a_dimension():
    values, indices = nabi.tensor([[1.0, 3.0, 3.0], [float("nan"), 2.0, 9.0]]).max(dim=1)
    assert indices.tolist() == [1, 0]
    assert values.tolist()[0] == 3.0 and values.isnan().tolist() == [False, True]
    found = nabi.max(nabi.tensor([[1, 5]]), 1, keepdim=True)
    assert found.values.shape == (1, 1) and found.indices.tolist() == [[1]]
    assert repr(found).startswith("torch.return_types.max(")


def test_equals_share_the_gradient_of_max():
    t = nabi.tensor([2.0, 1.0, 2.0], requires_grad=True)
    t.max().backward()
    assert t.grad.tolist() == [0.5, 0.0, 0.5]


def test_arange_and_linspace_end_where_they_should():
    assert nabi.arange(0, 1, 0.1).shape == (10,)
    assert nabi.arange(5, 2, -1).tolist() == [5, 4, 3]
    assert nabi.linspace(0, 1, 11)[-1].item() == 1.0
    assert nabi.arange(2**62, 2**62 + 3).tolist() == [2**62, 2**62 + 1, 2**62 + 2]


def test_arrays_beside_tensors():
    """Operators take numpy's arrays on either side and give Tensors; functions ask for Tensors."""
    t, array = nabi.tensor([1.0, 2.0]), np.array([3.0, 4.0])
    for found in (t * array, array * t):
        assert isinstance(found, nabi.Tensor) and found.tolist() == [3.0, 8.0]
    assert (t < array).tolist() == [True, True]
    with pytest.raises(TypeError, match="nabi.from_numpy"):
        nabi.mul(t, array)


def test_new_values_are_copies():
    array = np.arange(6.0).reshape(2, 3)
    t = nabi.tensor(array.T)
    assert t.stride() == (1, 3)
    array[...] = 0
    assert t.sum().item() == 15.0


SCALARS = {
    "exp": lambda t: t.exp(),
    "log": lambda t: t.log(),
    "sqrt": lambda t: t.sqrt(),
    "tanh": lambda t: t.tanh(),
    "abs": lambda t: t.abs(),
    "pow": lambda t: t**3,
    "number ** t": lambda t: 2.0**t,
    "0 ** t": lambda t: 0**t,
    "t ** t": lambda t: t**t,
    "clamp": lambda t: t.clamp(0, 1),
    "max": lambda t: t.max(),
    "min dim": lambda t: t.min(0).values,
    "maximum": lambda t: nabi.maximum(t, t * 0.5),
    "remainder": lambda t: t % (t * 0.3),
    "rounded": lambda t: nabi.div(t, t * 0.3, rounding_mode="floor"),
    "binary_cross_entropy": lambda t: F.binary_cross_entropy(t, nabi.tensor(0.25, dtype=nabi.float64)),
    "fill_": lambda t: (t * 1).fill_(2.0),
    "softmax": lambda t: t.softmax(0),
}


@pytest.mark.parametrize("name", SCALARS)
def test_numbers_through_both_backwards(name):
    """numpy makes scalars of what it computes from 0-d arrays; gradients are arrays all the same."""
    t = nabi.tensor(0.75, dtype=nabi.float64, requires_grad=True)
    out = SCALARS[name](t)
    (kernels,) = nabi.autograd.grad(out, t, retain_graph=True)
    (plain,) = nabi.autograd.grad(out, t, create_graph=True)
    assert kernels.shape == plain.shape == ()
    assert plain.item() == pytest.approx(kernels.item(), rel=1e-12, abs=1e-12)
