# SPDX-License-Identifier: Apache-2.0
"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, record
from ...errors import fail, note
from ...tensor import Tensor, describe, from_array, method
from ..promote import check_tensor, operand
from ..shape.views import Reshape

_C_matmul, _C_batched_matmul = _C.matmul, _C.batched_matmul


def product(a: np.ndarray, b: np.ndarray, into: np.ndarray | None = None, alpha: float = 1.0):
    """alpha a b as a fresh array; or None, after adding it to ``into``."""
    if into is None:
        return _C_matmul(a, b, alpha)
    _C_matmul(a, b, alpha, into)


def products(a: np.ndarray, b: np.ndarray, into: np.ndarray | None = None, alpha: float = 1.0):
    """:func:`product` for two batches."""
    if into is None:
        return _C_batched_matmul(a, b, alpha)
    _C_batched_matmul(a, b, alpha, into)


def outer_array(a: np.ndarray, b: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """alpha a b^T for two vectors."""
    return _C_matmul(a[:, None], b[None], alpha)


class MatMul(Node):
    """a b for matrices"""

    __slots__ = ()
    title = "MmBackward0"
    saves = (0, 1)
    adds_into = (0, 1)

    def backward(self, grad):
        return self.backward_into(grad, {})

    def backward_into(self, grad, into):
        a, b = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else product(grad, b.T, into.get(0)),
            None if edges[1] is None else product(a.T, grad, into.get(1)),
        )

    def backward_plain(self, grad):
        a, b = self.tensors()
        return matmul(grad, b.transpose(0, 1)), matmul(a.transpose(0, 1), grad)


class BatchedMatMul(Node):
    """a b for batches of matrices"""

    __slots__ = ()
    title = "BmmBackward0"
    saves = (0, 1)
    adds_into = (0, 1)

    def backward(self, grad):
        return self.backward_into(grad, {})

    def backward_into(self, grad, into):
        a, b = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else products(grad, b.swapaxes(1, 2), into.get(0)),
            None if edges[1] is None else products(a.swapaxes(1, 2), grad, into.get(1)),
        )

    def backward_plain(self, grad):
        a, b = self.tensors()
        return bmm(grad, b.transpose(1, 2)), bmm(a.transpose(1, 2), grad)


class MatVec(Node):
    """a v for a matrix and a vector"""

    __slots__ = ()
    title = "MvBackward0"
    saves = (0, 1)

    def backward(self, grad):
        a, v = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else outer_array(grad, v),
            None if edges[1] is None else _C_matmul(a.T, grad[:, None], 1.0).reshape(-1),
        )

    def backward_plain(self, grad):
        a, v = self.tensors()
        return mm(grad.unsqueeze(1), v.unsqueeze(0)), mv(a.transpose(0, 1), grad)


class Dot(Node):
    """The sum of products of two vectors"""

    __slots__ = ()
    title = "DotBackward0"
    saves = (0, 1)

    def backward(self, grad):
        a, b = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else _C.mul(grad, b),
            None if edges[1] is None else _C.mul(grad, a),
        )

    def backward_plain(self, grad):
        a, b = self.tensors()
        return grad * b, grad * a


class RowSqueeze(Node):
    """A row's product without the row's dimension; ``context`` is the shape with it."""

    __slots__ = ()
    title = "SqueezeBackward4"

    def backward(self, grad):
        return (grad.reshape(self.context),)

    backward_plain = backward


def operands(op: str, input, other, ranks: tuple[int, int], expected: str, name: str = "mat2"):
    """Both operands, checked: ranks, inner sizes, one dtype."""
    a, b = check_tensor(input, op), check_tensor(other, op, name)
    m, n = a._array, b._array
    inner = -2 if ranks[1] > 1 else -1
    if (
        (m.ndim, n.ndim) != ranks
        or m.shape[-1] != n.shape[inner]
        or (ranks[0] == 3 and m.shape[0] != n.shape[0])
    ):
        raise fail(RuntimeError, op, expected, f"{describe(a)} and {describe(b)}")
    if a.dtype is not b.dtype or not (a.dtype.is_floating_point or a.dtype.name != "bool"):
        if a.dtype.name == "bool" and a.dtype is b.dtype:
            raise note(NotImplementedError, op, "expected numbers, got bool tensors; use .int()")
        raise fail(RuntimeError, op, "operands of one dtype", f"{a.dtype.name} and {b.dtype.name}")
    return a, b


def _integers(a: np.ndarray, b: np.ndarray) -> Tensor:
    """Products of integers, which wrap; sums in the operands' own dtype."""
    with np.errstate(all="ignore"):
        return from_array(np.matmul(a, b))


def mm(input, mat2):
    """The product of two matrices, (n, k) and (k, m)."""
    a, b = operands("mm", input, mat2, (2, 2), "matrices of shapes (n, k) and (k, m)")
    if not a.dtype.is_floating_point:
        return _integers(a._array, b._array)
    return record(MatMul, _C_matmul(a._array, b._array, 1.0), a.dtype, (a, b))


def mv(input, vec):
    """The product of a matrix (n, k) and a vector (k)."""
    a, v = operands("mv", input, vec, (2, 1), "a matrix (n, k) and a vector (k)", "vec")
    if not a.dtype.is_floating_point:
        return _integers(a._array, v._array)
    return record(MatVec, _C_matmul(a._array, v._array[:, None], 1.0).reshape(-1), a.dtype, (a, v))


def dot(input, other):
    """The sum of products of two vectors of one length."""
    a, b = operands("dot", input, other, (1, 1), "vectors of one length", "other")
    if not a.dtype.is_floating_point:
        return _integers(a._array.reshape(1, -1), b._array.reshape(-1, 1)).reshape(())
    product = _C_matmul(a._array[None], b._array[:, None], 1.0).reshape(())
    return record(Dot, product, a.dtype, (a, b))


def bmm(input, mat2):
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    a, b = operands("bmm", input, mat2, (3, 3), "shapes (b, n, k) and (b, k, m)")
    if not a.dtype.is_floating_point:
        return _integers(a._array, b._array)
    return record(BatchedMatMul, _C_batched_matmul(a._array, b._array, 1.0), a.dtype, (a, b))


method("mm")(mm)
method("mv")(mv)
method("dot")(dot)
method("bmm")(bmm)


def matmul(input, other):
    """Matrix product with PyTorch's rules: vectors are rows or columns, leading dimensions broadcast.

    Args:
        input: (..., n, k) or (k).
        other: (..., k, m) or (k).

    Returns:
        (..., n, m); a vector's dimension is left out; two vectors give their dot product.

    Raises:
        RuntimeError: inner sizes that differ, 0-d operands, different dtypes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html

    Example:
        >>> import nabi
        >>> nabi.matmul(nabi.tensor([[1.0, 2.0]]), nabi.tensor([[3.0], [4.0]]))
        tensor([[11.]])
    """
    a, b = check_tensor(input, "matmul"), check_tensor(other, "matmul", "other")
    x, y = a._array, b._array
    m, n = x.ndim, y.ndim
    if m == 0 or n == 0:
        raise fail(
            RuntimeError, "matmul", "operands with at least one dimension", f"{describe(a)} and {describe(b)}"
        )
    rows = y.shape[-2] if n > 1 else y.shape[0]
    if x.shape[-1] != rows:
        raise fail(RuntimeError, "matmul", f"other with {x.shape[-1]} rows for {describe(a)}", describe(b))
    if a.dtype is not b.dtype:
        raise fail(RuntimeError, "matmul", "operands of one dtype", f"{a.dtype.name} and {b.dtype.name}")
    if m == 2 and n == 2:
        return mm(a, b)
    if m == 1 and n == 1:
        return dot(a, b)
    if m == 2 and n == 1:
        return mv(a, b)
    if m == 1 and n == 2:
        row = mm(a.unsqueeze(0), b)
        return record(RowSqueeze, row._array.reshape(-1), row.dtype, (row,), row._array.shape)
    if m == 1:
        found = matmul(a.unsqueeze(0), b)
        return _shaped(found, (*found._array.shape[:-2], found._array.shape[-1]))
    if n <= 2:
        # One product of all rows.
        flat = a.reshape(count_of(x.shape[:-1]), rows)
        found = mm(flat, b) if n == 2 else mv(flat, b)
        return _shaped(found, (*x.shape[:-1], *y.shape[1:]))
    try:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise fail(
            RuntimeError, "matmul", "leading dimensions that broadcast", f"{describe(a)} and {describe(b)}"
        ) from None
    count = count_of(batch)
    left = a.expand((*batch, *x.shape[-2:])).reshape(count, *x.shape[-2:])
    right = b.expand((*batch, *y.shape[-2:])).reshape(count, *y.shape[-2:])
    return _shaped(bmm(left, right), (*batch, x.shape[-2], y.shape[-1]))


method("matmul")(matmul)


def _shaped(product: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A fresh product in its final shape."""
    array = product._array
    return record(Reshape, array.reshape(shape), product.dtype, (product,), (shape, array.shape))


def count_of(shape) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


@method("__matmul__")
def _matmul(self, other):
    if isinstance(other, np.ndarray):
        other = operand(other)
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


@method("__rmatmul__")
def _rmatmul(self, other):
    return matmul(operand(other), self) if isinstance(other, np.ndarray) else NotImplemented
