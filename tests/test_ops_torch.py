# SPDX-License-Identifier: Apache-2.0
"""The same program on PyTorch and on nabi: value, dtype, shape, strides, history, gradients, exceptions, warnings."""

from __future__ import annotations

import operator
import warnings
from pathlib import Path

import numpy as np
import pytest

import nabi

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
LAYOUTS = ["plain", "permuted", "sliced", "expanded"]


class Given:
    """An input: an array, how its tensor lies in memory, whether it requires grad."""

    def __init__(self, array, layout="plain", grad=False):
        self.array = np.asarray(array)
        self.layout = layout
        self.grad = bool(grad) and self.array.dtype.kind == "f"

    def tensor(self, T):
        a = self.array
        if a.size == 0:
            t = T.zeros(*a.shape, dtype=getattr(T, a.dtype.name))
        elif self.layout == "permuted" and a.ndim:
            t = T.from_numpy(np.ascontiguousarray(a.T).copy()).permute(*reversed(range(a.ndim)))
        elif self.layout == "sliced" and a.ndim:
            wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
            wide[..., ::2] = a
            t = T.from_numpy(wide)[..., ::2]
        elif self.layout == "expanded" and a.ndim:
            t = T.from_numpy(a[..., :1].copy()).expand(*a.shape)
        else:
            t = T.from_numpy(a.copy())
        return t.detach().requires_grad_() if self.grad else t

    def __repr__(self):
        return f"{self.array.dtype.name}{list(self.array.shape)} {self.layout}{' grad' if self.grad else ''}"


def is_tensor(value) -> bool:
    return isinstance(value, (torch.Tensor, nabi.Tensor))


def strides(t) -> tuple:
    """Strides that matter: not those of dimensions of size 1, nor of tensors without elements."""
    return tuple(None if size == 1 else step for size, step in zip(t.shape, t.stride())) if t.numel() else ()


def describe(value, inputs):
    """What a user can see of a result, and its arrays apart."""
    if is_tensor(value):
        node = value.grad_fn
        name = (
            None if node is None else type(node).__name__ if isinstance(value, torch.Tensor) else node.name()
        )
        seen = {
            "dtype": str(value.dtype),
            "shape": tuple(value.shape),
            "strides": strides(value),
            "requires_grad": value.requires_grad,
            "grad_fn": name,
            "is_leaf": value.is_leaf,
            "is input": [i for i, each in enumerate(inputs) if each is value],
            "shares memory": [
                i
                for i, each in enumerate(inputs)
                if is_tensor(each) and value.numel() and overlaps(each, value)
            ][:1],
        }
        return seen, [value.detach().numpy()]
    if isinstance(value, (tuple, list)):
        parts = [describe(each, inputs) for each in value]
        return [seen for seen, _ in parts], [array for _, arrays in parts for array in arrays]
    return str(value), []


def overlaps(whole, part) -> bool:
    if not whole.numel():
        return False
    reach = sum((size - 1) * step for size, step in zip(whole.shape, whole.stride())) + 1
    return whole.data_ptr() <= part.data_ptr() < whole.data_ptr() + reach * whole.element_size()


def run(T, program, given):
    """(outcome, arrays, gradients, warnings) of a program."""
    inputs = [each.tensor(T) if isinstance(each, Given) else each for each in given]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            out = program(T, *inputs)
        except Exception as error:
            return ("raises", type(error).__name__, str(error)), [], [], None
        seen, arrays = describe(out, inputs)
        gradients = differentiate(T, out, inputs)
    return ("returns", seen), arrays, gradients, sorted(w.category.__name__ for w in caught)


def differentiate(T, out, inputs):
    total = None
    for each in out if isinstance(out, (tuple, list)) else [out]:
        if is_tensor(each) and each.requires_grad:
            seed = (
                np.random.RandomState(3)
                .randint(-3, 4, size=tuple(each.shape))
                .astype(each.detach().numpy().dtype)
            )
            part = (each * T.from_numpy(np.asarray(seed))).sum().to(T.float64)
            total = part if total is None else total + part
    if total is None:
        return []
    try:
        total.backward()
    except RuntimeError:
        return ["raises"]
    return [
        each.grad.numpy().copy() if is_tensor(each) and each.is_leaf and each.grad is not None else None
        for each in inputs
    ]


def same(program, *given, tolerance=1e-5):
    """Asserts that both libraries do the same."""
    theirs, ours = run(torch, program, given), run(nabi, program, given)
    if theirs[0][0] == "raises" or ours[0][0] == "raises":
        assert ours[0][:2] == theirs[0][:2], (given, ours[0], theirs[0])
        return
    assert ours[0] == theirs[0], given
    assert ours[3] == theirs[3], given
    assert len(ours[2]) == len(theirs[2]), given
    for mine, other in zip(ours[1] + ours[2], theirs[1] + theirs[2], strict=True):
        if isinstance(mine, np.ndarray) and isinstance(other, np.ndarray):
            assert mine.dtype == other.dtype, given
            if tolerance and mine.dtype.kind == "f":
                np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance, err_msg=str(given))
            else:
                np.testing.assert_array_equal(mine, other, err_msg=str(given))
        else:
            assert type(mine) is type(other) and (not isinstance(mine, str) or mine == other), given


def values(r, shape, dtype):
    if dtype.startswith("float"):
        return np.asarray(r.randint(-8, 9, size=shape) / 4).astype(dtype)
    low, high = (0, 2) if dtype == "bool" else (0, 10) if dtype == "uint8" else (-5, 10)
    return np.asarray(r.randint(low, high, size=shape)).astype(dtype)


def one(r, shape, dtype=None, grad=0.6):
    dtype = dtype or str(r.choice(DTYPES))
    return Given(values(r, shape, dtype), str(r.choice(LAYOUTS)), r.rand() < grad)


PAIRS = [
    ((), ()), ((3,), ()), ((), (3,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0, 3), (3,)), ((1,), (5,)), ((2, 3), (4,)),
    ((2, 3, 4), (2, 3, 4)), ((1, 1), (1, 1)), ((0,), (1,)), ((3, 1, 2), (1, 4, 1)),
]  # fmt: skip
BINARY = {
    "+": lambda T, a, b: a + b,
    "-": lambda T, a, b: a - b,
    "*": lambda T, a, b: a * b,
    "/": lambda T, a, b: a / b,
    "//": lambda T, a, b: (a // b).detach(),
    "%": lambda T, a, b: a % b,
    "add alpha": lambda T, a, b: T.add(a, b, alpha=2),
    "sub alpha": lambda T, a, b: T.sub(a, b, alpha=2),
    "mul": lambda T, a, b: T.mul(a, other=b),
    "div": lambda T, a, b: T.div(a, b),
    "div trunc": lambda T, a, b: T.div(a, b, rounding_mode="trunc"),
    "div floor": lambda T, a, b: T.div(a, b, rounding_mode="floor"),
    "==": lambda T, a, b: a == b,
    "ne": lambda T, a, b: T.ne(a, b),
    "<": lambda T, a, b: a < b,
    "<=": lambda T, a, b: a <= b,
    "gt": lambda T, a, b: T.gt(a, b),
    ">=": lambda T, a, b: a >= b,
    "logical_and": lambda T, a, b: T.logical_and(a.contiguous(), b.contiguous()),
    "isclose": lambda T, a, b: T.isclose(a, b),
    "allclose": lambda T, a, b: T.allclose(a, b, equal_nan=True),
    "equal": lambda T, a, b: T.equal(a, b),
    "result_type": lambda T, a, b: T.result_type(a, b),
    "+=": lambda T, a, b: operator.iadd(a.detach().clone(), b.detach() if is_tensor(b) else b),
    "*=": lambda T, a, b: operator.imul(a * 1, b.to(a.dtype) if is_tensor(b) else b),
    "/=": lambda T, a, b: operator.itruediv(a * 1, b.to(a.dtype) if is_tensor(b) else b),
    "-= on a leaf": lambda T, a, b: operator.isub(a, b),
    "copy_": lambda T, a, b: (a * 1).copy_(b),
}


def misfits(program, *given) -> bool:
    """Bitwise operations and rounding of shapes that do not fit and of dtypes they do not take: either error will do."""
    return run(torch, program, given)[0][0] == "raises" and run(nabi, program, given)[0][0] == "raises"


@pytest.mark.parametrize("name", BINARY)
def test_two_tensors(name):
    r = np.random.RandomState(1)
    for first in DTYPES:
        for second in DTYPES:
            for _ in range(2):
                a, b = PAIRS[r.randint(len(PAIRS))]
                pair = one(r, a, first), one(r, b, second)
                if not misfits(BINARY[name], *pair):
                    same(BINARY[name], *pair)


NUMBERS = [
    2, 2.5, True, -1, 0, 0.0, float("nan"), float("inf"), 300, -300, 2**40, np.float32(1.5), np.float64(2.5),
    np.int64(3), np.int8(3), "a", None,
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(BINARY) - {"result_type"}))
def test_a_tensor_and_a_number(name):
    r = np.random.RandomState(2)
    for number in NUMBERS:
        for dtype in DTYPES:
            t = one(r, [(), (3,), (2, 3), (0,)][r.randint(4)], dtype)
            for given in ((t, number), (number, t)):
                if given[0] is number and (name == "%" or isinstance(number, np.generic)):
                    continue  # numpy calls the tensor's own operators
                if not misfits(BINARY[name], *given):
                    same(BINARY[name], *given)


def test_bitwise():
    r = np.random.RandomState(3)
    for program in (
        lambda T, a, b: a & b,
        lambda T, a, b: a | b,
        lambda T, a, b: a ^ b,
        lambda T, a, b: T.bitwise_and(a, b),
    ):
        for first in DTYPES:
            for second in DTYPES:
                a, b = PAIRS[r.randint(len(PAIRS))]
                pair = one(r, a, first), one(r, b, second)
                if not misfits(program, *pair):
                    same(program, *pair)
            same(program, one(r, (2, 3), first), 3)


SHAPES = [
    (), (1,), (5,), (2, 3), (1, 3), (3, 1), (1, 1), (2, 3, 4), (1, 3, 1), (2, 1, 4), (0,), (0, 3), (2, 0, 3), (3, 2, 1, 2),
    (1, 1, 1, 4),
]  # fmt: skip


def relaid(t, seed):
    """The tensor seen through some random views."""
    r = np.random.RandomState(seed)
    for _ in range(r.randint(0, 3)):
        kind, ndim = r.randint(6), t.dim()
        dim = int(r.randint(ndim)) if ndim else 0
        if kind == 0 and ndim > 1:
            t = t.permute(*[int(i) for i in r.permutation(ndim)])
        elif kind == 1 and ndim:
            t = t[(slice(None),) * dim + (slice(None, None, 2),)]
        elif kind == 2:
            t = t.unsqueeze(dim)
        elif kind == 3 and ndim and t.shape[dim] > 1:
            t = t[(slice(None),) * dim + (slice(1, None),)]
        elif kind == 4:
            t = t.expand(2, *t.shape)
        elif kind == 5 and ndim > 1:
            t = t.squeeze()
    return t


def sizes(r, count) -> list[int]:
    found = []
    for _ in range(r.randint(0, 4)):
        size = int(r.choice([d for d in range(1, count + 1) if count % d == 0] if count else [0, 1, 2]))
        found.append(size)
        count = count // size if size else count
    found.append(count)
    if r.rand() < 0.3:
        found[r.randint(len(found))] = -1
    if r.rand() < 0.3:
        found.insert(r.randint(len(found) + 1), 1)
    return found


def at(r, ndim) -> int:
    """A dimension, sometimes one outside."""
    outside = r.rand() < 0.1
    return int(r.randint(-ndim - 1, ndim + 2) if outside else r.randint(-max(ndim, 1), max(ndim, 1)))


ONE = {
    "view": lambda T, t, r: t.view(*sizes(r, t.numel())),
    "view list": lambda T, t, r: t.view(sizes(r, t.numel())),
    "reshape": lambda T, t, r: T.reshape(t, tuple(sizes(r, t.numel()))),
    "permute": lambda T, t, r: (
        t.permute(*[int(i) for i in r.permutation(t.dim())]) if t.dim() else t.permute(())
    ),
    "transpose": lambda T, t, r: T.transpose(t, dim0=at(r, t.dim()), dim1=at(r, t.dim())),
    "t": lambda T, t, r: t.t(),
    "T": lambda T, t, r: t.T if t.dim() == 2 else None,  # PyTorch warns about other ranks once a process
    "mT": lambda T, t, r: t.mT if t.dim() else None,
    "movedim": lambda T, t, r: t.movedim(at(r, t.dim()), at(r, t.dim())),
    "squeeze": lambda T, t, r: t.squeeze(),
    "squeeze dim": lambda T, t, r: t.squeeze(at(r, t.dim())),
    "squeeze dims": lambda T, t, r: t.squeeze((at(r, t.dim()), at(r, t.dim()))),
    "unsqueeze": lambda T, t, r: T.unsqueeze(t, dim=at(r, t.dim() + 1)),
    "expand": lambda T, t, r: t.expand(
        2, *[int(r.randint(0, 4)) if s == 1 or r.rand() < 0.1 else -1 for s in t.shape]
    ),
    "expand_as": lambda T, t, r: t.expand_as(T.zeros(2, *t.shape)),
    "broadcast_to": lambda T, t, r: T.broadcast_to(t, (2, *t.shape)),
    "flatten": lambda T, t, r: T.flatten(t, at(r, t.dim()), at(r, t.dim())),
    "unflatten": lambda T, t, r: t.unflatten(at(r, t.dim()), sizes(r, 6)) if t.dim() else None,
    "clone": lambda T, t, r: t.clone(),
    "contiguous": lambda T, t, r: t.contiguous(),
    "is_contiguous": lambda T, t, r: t.is_contiguous(),
    "double": lambda T, t, r: t.double(),
    "to": lambda T, t, r: t.to(T.float32),
    "to copy": lambda T, t, r: t.to(T.float32, copy=True),
    "long": lambda T, t, r: t.long(),
    "type_as": lambda T, t, r: t.type_as(T.zeros(1, dtype=T.float64)),
    "cat": lambda T, t, r: T.cat([t, t * 2, t], at(r, t.dim())),
    "cat of dtypes": lambda T, t, r: T.cat((t, t.double().detach(), T.zeros(0))),
    "stack": lambda T, t, r: T.stack([t, t * 2], at(r, t.dim() + 1)),
    "zeros_like": lambda T, t, r: T.zeros_like(t),
    "ones_like": lambda T, t, r: T.ones_like(t, dtype=T.int64),
    "full_like": lambda T, t, r: T.full_like(t, 2),
    "sum": lambda T, t, r: t.sum(),
    "sum dim": lambda T, t, r: t.sum(dim=at(r, t.dim()), keepdim=bool(r.randint(2))),
    "sum dims": lambda T, t, r: T.sum(t, dim=(at(r, t.dim()), at(r, t.dim()))),
    "sum ()": lambda T, t, r: t.sum(()),
    "sum dtype": lambda T, t, r: t.sum(at(r, t.dim()), dtype=T.float64),
    "sum of integers": lambda T, t, r: t.long().sum(at(r, t.dim())),
    "mean": lambda T, t, r: t.mean(),
    "mean dims": lambda T, t, r: T.mean(t, (at(r, t.dim()), at(r, t.dim())), True),
    "mean dim": lambda T, t, r: t.mean(at(r, t.dim())),
    "mean of integers": lambda T, t, r: t.long().mean(),
    "mean dtype": lambda T, t, r: t.long().mean(-1, dtype=T.float32),
    "softmax": lambda T, t, r: t.softmax(at(r, t.dim())),
    "softmax dtype": lambda T, t, r: T.softmax(t, at(r, t.dim()), dtype=T.float64),
    "softmax without dim": lambda T, t, r: T.nn.functional.softmax(t),
    "log_softmax": lambda T, t, r: T.log_softmax(t, dim=at(r, t.dim())),
    "log_softmax without dim": lambda T, t, r: T.nn.functional.log_softmax(t),
    "argmax": lambda T, t, r: t.argmax(at(r, t.dim())),
    "argmax of all": lambda T, t, r: t.argmax(keepdim=bool(r.randint(2))),
    "argmin": lambda T, t, r: T.argmin(t, dim=at(r, t.dim()), keepdim=True),
    "max": lambda T, t, r: t.max(),
    "max dim": lambda T, t, r: tuple(T.max(t, at(r, t.dim()), keepdim=bool(r.randint(2)))),
    "min dim": lambda T, t, r: tuple(t.min(dim=at(r, t.dim()))),
    "all": lambda T, t, r: t.all(),
    "any": lambda T, t, r: (t > 0).any(at(r, t.dim())),
    "relu": lambda T, t, r: T.nn.functional.relu(t),
    "relu_": lambda T, t, r: (t * 1).relu_(),
    "relu of integers": lambda T, t, r: t.long().relu(),
    "sigmoid": lambda T, t, r: T.sigmoid(t),
    "sigmoid_": lambda T, t, r: (t * 1).sigmoid_(),
    "sigmoid of integers": lambda T, t, r: t.long().sigmoid(),
    "neg": lambda T, t, r: -t,
    "neg_": lambda T, t, r: t.clone().neg_(),
    "isnan": lambda T, t, r: t.isnan(),
    "logical_not": lambda T, t, r: T.logical_not(t),
    "~": lambda T, t, r: ~(t > 0),
    "zero_": lambda T, t, r: t.clone().zero_(),
    "fill_": lambda T, t, r: t.clone().fill_(2),
    "fill_ tensor": lambda T, t, r: t.clone().fill_(T.tensor(3.0)),
    "copy_": lambda T, t, r: t.clone().copy_(T.ones(1)),
    "dropout": lambda T, t, r: (T.manual_seed(5), T.nn.functional.dropout(t, 0.4))[1],
    "dropout in place": lambda T, t, r: (
        T.manual_seed(5),
        T.nn.functional.dropout(t.clone(), 0.4, inplace=True),
    )[1],
    "dropout all": lambda T, t, r: T.nn.functional.dropout(t, 1.0),
    "dropout none": lambda T, t, r: T.nn.functional.dropout(t, 0.0),
    "dropout in eval": lambda T, t, r: T.nn.functional.dropout(t, 0.5, False),
    "exp": lambda T, t, r: t.exp(),
    "log": lambda T, t, r: T.log(t),
    "sqrt_": lambda T, t, r: t.clone().sqrt_(),
    "tanh": lambda T, t, r: t.tanh(),
    "erf": lambda T, t, r: T.erf(t),
    "expm1 of integers": lambda T, t, r: t.long().expm1(),
    "log1p": lambda T, t, r: t.log1p(),
    "sin_": lambda T, t, r: (t * 1).sin_(),
    "cos": lambda T, t, r: t.cos(),
    "abs": lambda T, t, r: abs(t),
    "square": lambda T, t, r: T.square(t),
    "pow": lambda T, t, r: t ** [0, 1, 2, 3, -1, 0.5, -1.5][r.randint(7)],
    "pow of a number": lambda T, t, r: [0, 2, 2.5][r.randint(3)] ** t,
    "pow of integers": lambda T, t, r: t.long() ** [0, 1, 2, 3, -1][r.randint(5)],
    "clamp": lambda T, t, r: t.clamp([-1, None, 0.5][r.randint(3)], [1, None, 0.25][r.randint(3)]),
    "clamp_": lambda T, t, r: t.clone().clamp_(min=-0.5, max=1),
    "maximum": lambda T, t, r: T.maximum(t, t.detach().mean() if t.numel() else t),
    "minimum": lambda T, t, r: T.min(t, t * t),
    "new_zeros": lambda T, t, r: t.new_zeros(2, 3),
    "new_full": lambda T, t, r: t.new_full((2,), 3),
    "type": lambda T, t, r: [t.type(), t.type(T.float64), t.type("torch.LongTensor")],
    "tolist": lambda T, t, r: t.tolist(),
}


@pytest.mark.parametrize("name", ONE)
def test_one_tensor_in_many_layouts(name):
    for i in range(60):
        r = np.random.RandomState(7 * i + len(name))
        shape, seed, choices = (
            SHAPES[r.randint(len(SHAPES))],
            int(r.randint(1 << 30)),
            int(r.randint(1 << 30)),
        )
        given = Given(values(r, shape, "float32"), "plain" if r.rand() < 0.6 else "permuted", r.rand() < 0.6)
        same(lambda T, t, s=seed, c=choices: ONE[name](T, relaid(t, s), np.random.RandomState(c)), given)


EXPRESSIONS = (Path(__file__).parent / "ops_expressions.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression):
    """Creation, conversion, arguments, refusals."""
    same(lambda T: eval(expression, {"T": T, "np": np}), tolerance=0)


MATRICES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)), ((0, 3), (3, 2)),
    ((2, 0), (0, 3)), ((0,), (0,)), ((1, 1), (1, 1)), ((2, 3), (2, 3)), ((), (2,)), ((2, 2), ()), ((5, 2, 3), (4, 3, 2)),
    ((0, 2, 3), (3, 4)), ((2, 3, 4, 5), (5,)), ((1, 3), (3, 1)), ((2, 1, 2, 3), (1, 3, 3, 2)),
]  # fmt: skip


@pytest.mark.parametrize("name", ["matmul", "mm", "mv", "dot", "bmm"])
def test_products(name):
    r = np.random.RandomState(4)
    for a, b in MATRICES:
        if name == "mv" and () in (a, b):
            continue  # which of two errors a 0-d operand gets is no promise
        for _ in range(6):
            dtype = "float32" if r.rand() < 0.7 else str(r.choice(DTYPES[:-1]))
            other = dtype if r.rand() < 0.9 else "float64"
            same(lambda T, x, y: getattr(T, name)(x, y), one(r, a, dtype), one(r, b, other))
            same(lambda T, x, y: getattr(x, name)(y), one(r, a, dtype), one(r, b, dtype))


LINEAR = [
    ((2, 3), (4, 3), (4,)), ((5, 2, 3), (4, 3), (4,)), ((0, 3), (4, 3), (4,)), ((2, 3), (4, 3), None), ((3,), (4, 3), None),
    ((5, 2, 3), (4, 3), None), ((2, 3), (3,), None), ((3,), (3,), None), ((5, 2, 3), (3,), None), ((2, 4), (4, 3), (4,)),
    ((2, 3), (4, 3), (3,)), ((), (4, 3), None), ((2, 3), (4, 3, 1), None), ((2, 3), (0, 3), (0,)), ((2, 0), (4, 0), (4,)),
    ((1, 3), (1, 3), (1,)), ((2, 3, 1, 3), (4, 3), (4,)),
]  # fmt: skip


def test_linear():
    """With more than two dimensions PyTorch's last operation depends on every layout: values only."""
    r = np.random.RandomState(5)
    for x, w, b in LINEAR:
        for _ in range(12):
            given = [one(r, x, "float32"), one(r, w, "float32"), None if b is None else one(r, b, "float32")]
            same(lambda T, x, w, b: T.nn.functional.linear(input=x, weight=w, bias=b) * 1, *given)
            if len(x) == 2:
                same(lambda T, x, w, b: T.nn.functional.linear(x, w, b), *given)


@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy(soft):
    r = np.random.RandomState(6)
    for _ in range(250):
        classes, rows = int(r.choice([1, 2, 5])), int(r.choice([0, 1, 3, 4]))
        shape = [(rows, classes), (classes,), (rows, classes, 2), (rows, classes, 2, 3)][r.randint(4)]
        labels = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        options = {}
        if r.rand() < 0.7:
            options["reduction"] = str(r.choice(["mean", "sum", "none", "all"], p=[0.32, 0.32, 0.32, 0.04]))
        if r.rand() < 0.3:
            options["label_smoothing"] = float(r.choice([0.0, 0.1, 1.0, 1.2], p=[0.3, 0.4, 0.25, 0.05]))
        if r.rand() < 0.06:
            options["size_average"] = bool(r.rand() < 0.5)
        if r.rand() < 0.06:
            options["reduce"] = bool(r.rand() < 0.5)
        weight = Given(np.abs(r.randn(classes)).astype(np.float32)) if r.rand() < 0.4 else None
        if soft:
            target = Given(np.abs(r.randn(*shape)).astype(np.float32), "plain", r.rand() < 0.3)
        else:
            index = r.randint(0, classes, size=labels)
            if r.rand() < 0.4:
                options["ignore_index"] = int(r.choice([-100, 0, 1, 7]))
                index = np.where(r.rand(*labels) < 0.4, options["ignore_index"], index)
            if index.size and r.rand() < 0.05:
                index = np.where(r.rand(*labels) < 0.5, classes + 2, index)
            if index.size and r.rand() < 0.05:
                index = index.astype(np.int8)
            target = Given(
                np.asarray(index, index.dtype if index.dtype == np.int8 else np.int64),
                str(r.choice(LAYOUTS[:3])),
            )
        logits = Given(r.randn(*shape).astype(np.float32), str(r.choice(LAYOUTS)), r.rand() < 0.7)

        def program(T, x, t, w, options=options):
            loss = T.nn.functional.cross_entropy(x, t, weight=w, **options)
            # PyTorch's last operation on probabilities depends on sizes and weights: values only.
            return loss * 1 if soft else loss

        same(program, logits, target, weight, tolerance=2e-5)


def test_binary_cross_entropy():
    r = np.random.RandomState(7)
    for _ in range(300):
        shape = [(4,), (2, 3), (), (0,), (3, 1), (2, 3, 4)][r.randint(6)]
        options = {}
        if r.rand() < 0.7:
            options["reduction"] = str(r.choice(["mean", "sum", "none", "all"], p=[0.32, 0.32, 0.32, 0.04]))
        if r.rand() < 0.06:
            options["size_average"] = bool(r.rand() < 0.5)
        p = r.rand(*shape)
        p = np.round(p) if r.rand() < 0.3 else p + 1.5 if r.rand() < 0.05 else p
        x = Given(np.asarray(p, np.float32), str(r.choice(LAYOUTS)), r.rand() < 0.7)
        t = Given(
            np.asarray(r.rand(*(shape if r.rand() < 0.93 else (2,))), np.float32),
            str(r.choice(LAYOUTS)),
            r.rand() < 0.3,
        )
        w = None
        if r.rand() < 0.4:
            w = Given(
                np.asarray(r.rand(*[shape, shape[-1:], (1,) * len(shape), (2, 3)][r.randint(4)]), np.float32)
            )
        same(
            lambda T, x, t, w, o=options: T.nn.functional.binary_cross_entropy(x, t, weight=w, **o),
            x,
            t,
            w,
            tolerance=2e-5,
        )
