# SPDX-License-Identifier: Apache-2.0
"""Matrix multiplication and what stands on it."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..autograd.graph import Node, record
from ..errors import fail, note
from ..tensor import Tensor, describe, method
from .promote import check_tensor, same_float

_C_linear, _C_linear_backward, _C_matmul = _C.linear, _C.linear_backward, _C.matmul


class Linear(Node):
    """input weight^T + bias"""

    __slots__ = ()
    title = "AddmmBackward0"
    saves = (0, 1)

    def backward(self, grad):
        input, weight = self.arrays()
        edges = self.edges
        return _C_linear_backward(
            grad, input, weight, edges[0] is not None, edges[1] is not None, len(edges) == 3 and edges[2] is not None
        )[: len(edges)]

    def backward_plain(self, grad):
        input, weight = self.tensors()
        rows = grad.reshape(-1, grad.shape[-1])
        d_input = matmul(grad, weight)
        d_weight = matmul(rows.transpose(0, 1), input.reshape(-1, input.shape[-1]))
        return (d_input, d_weight, rows.sum(0))[: len(self.edges)]


class LinearMatrix(Linear):
    """without bias, a matrix of rows"""

    __slots__ = ()
    title = "MmBackward0"


class LinearRows(Linear):
    """more than one leading dimension"""

    __slots__ = ()
    title = "ViewBackward0"


class LinearRowsPlain(Linear):
    """more than one leading dimension, without bias"""

    __slots__ = ()
    title = "UnsafeViewBackward0"


def linear(input, weight, bias=None):
    """y = x W^T + b.

    Args:
        input: (..., in_features).
        weight: (out_features, in_features), or (in_features) for one output without its dimension.
        bias: (out_features) or None.

    Returns:
        (..., out_features), contiguous.

    Raises:
        RuntimeError: shapes or dtypes that don't fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html

    Example:
        >>> import nabi
        >>> import nabi.nn.functional as F
        >>> F.linear(nabi.ones(1, 2), nabi.tensor([[1.0, 2.0]]), nabi.tensor([0.5]))
        tensor([[3.5000]])
    """
    try:
        array = _C_linear(input._array, weight._array, None if bias is None else bias._array)
    except (AttributeError, RuntimeError, TypeError):
        return _linear_checked(input, weight, bias)
    matrix = array.ndim == 2
    if bias is None:
        return record(LinearMatrix if matrix else LinearRowsPlain, array, input.dtype, (input, weight))
    return record(Linear if matrix else LinearRows, array, input.dtype, (input, weight, bias))


def _linear_checked(input, weight, bias):
    """Says what was wrong, in the user's words; takes the rare one-dimensional weight."""
    check_tensor(input, "linear")
    check_tensor(weight, "linear", "weight")
    if bias is not None:
        check_tensor(bias, "linear", "bias")
    if weight._array.ndim == 1:
        same_float("linear", ("input", input), ("weight", weight), ("bias", bias))
        out = matmul(input, weight)
        return out if bias is None else out + bias
    if weight._array.ndim != 2:
        raise fail(RuntimeError, "linear", "weight of shape (out_features, in_features)", describe(weight))
    features = weight._array.shape[1]
    if input._array.ndim == 0 or input._array.shape[-1] != features:
        raise fail(RuntimeError, "linear", f"input with {features} features", f"shape {tuple(input._array.shape)}")
    if bias is not None and bias._array.shape != weight._array.shape[:1]:
        raise fail(RuntimeError, "linear", f"bias of shape ({weight._array.shape[0]},)", describe(bias))
    same_float("linear", ("input", input), ("weight", weight), ("bias", bias))
    array = _C_linear(input._array, weight._array, None if bias is None else bias._array)
    raise AssertionError(f"linear: the kernel refused and accepted the same arrays, {array.shape}")


class MatMul(Node):
    """a b for matrices"""

    __slots__ = ()
    title = "MmBackward0"
    saves = (0, 1)

    def backward(self, grad):
        a, b = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else _C_matmul(grad, b.T),
            None if edges[1] is None else _C_matmul(a.T, grad),
        )

    def backward_plain(self, grad):
        a, b = self.tensors()
        return matmul(grad, b.transpose(0, 1)), matmul(a.transpose(0, 1), grad)


class BatchedMatMul(Node):
    """a b for batches of matrices"""

    __slots__ = ()
    title = "BmmBackward0"
    saves = (0, 1)

    def backward(self, grad):
        a, b = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else _C.batched_matmul(grad, b.swapaxes(1, 2)),
            None if edges[1] is None else _C.batched_matmul(a.swapaxes(1, 2), grad),
        )

    def backward_plain(self, grad):
        a, b = self.tensors()
        return bmm(grad, b.transpose(1, 2)), bmm(a.transpose(1, 2), grad)


def mm(input, mat2):
    """The product of two matrices, (n, k) and (k, m)."""
    a, b = check_tensor(input, "mm"), check_tensor(mat2, "mm", "mat2")
    if a._array.ndim != 2 or b._array.ndim != 2 or a._array.shape[1] != b._array.shape[0]:
        raise fail(RuntimeError, "mm", "matrices of shapes (n, k) and (k, m)", f"{describe(a)} and {describe(b)}")
    if not a.dtype.is_floating_point and a.dtype is b.dtype:
        return _integers(a, b, "mm")
    same_float("mm", ("input", a), ("mat2", b))
    return record(MatMul, _C_matmul(a._array, b._array), a.dtype, (a, b))


def bmm(input, mat2):
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    a, b = check_tensor(input, "bmm"), check_tensor(mat2, "bmm", "mat2")
    if (
        a._array.ndim != 3
        or b._array.ndim != 3
        or a._array.shape[0] != b._array.shape[0]
        or a._array.shape[2] != b._array.shape[1]
    ):
        raise fail(RuntimeError, "bmm", "shapes (b, n, k) and (b, k, m)", f"{describe(a)} and {describe(b)}")
    if not a.dtype.is_floating_point and a.dtype is b.dtype:
        return _integers(a, b, "bmm")
    same_float("bmm", ("input", a), ("mat2", b))
    return record(BatchedMatMul, _C.batched_matmul(a._array, b._array), a.dtype, (a, b))


method("mm")(mm)
method("bmm")(bmm)


def _integers(a: Tensor, b: Tensor, op: str) -> Tensor:
    from ..tensor import from_array

    if a.dtype.name == "bool":
        raise note(RuntimeError, op, "expected numbers, got bool tensors")
    with np.errstate(all="ignore"):
        return from_array(np.einsum("...ij,...jk->...ik", a._array, b._array))


@method("matmul", "__matmul__")
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
    m, n = a._array.ndim, b._array.ndim
    if m == 0 or n == 0:
        raise fail(RuntimeError, "matmul", "operands with at least one dimension", f"{describe(a)} and {describe(b)}")
    inner = b._array.shape[-2] if n > 1 else b._array.shape[0]
    if a._array.shape[-1] != inner:
        raise fail(
            RuntimeError, "matmul", f"other with {a._array.shape[-1]} rows for {describe(a)}", describe(b)
        )
    if m == 2 and n == 2:
        return mm(a, b)
    if m == 1 and n == 1:
        return mm(a.unsqueeze(0), b.unsqueeze(1)).reshape(())
    if m == 1:
        return matmul(a.unsqueeze(0), b).squeeze(-2)
    if n == 1:
        return matmul(a, b.unsqueeze(1)).squeeze(-1)
    if n == 2:
        # One product of all rows.
        rows = a.reshape(-1, a._array.shape[-1]) if a._array.size else a.reshape(_count(a._array.shape[:-1]), inner)
        return mm(rows, b).reshape((*a._array.shape[:-1], b._array.shape[1]))
    try:
        batch = np.broadcast_shapes(a._array.shape[:-2], b._array.shape[:-2])
    except ValueError:
        raise fail(
            RuntimeError, "matmul", "leading dimensions that broadcast", f"{describe(a)} and {describe(b)}"
        ) from None
    count = _count(batch)
    left = a.expand((*batch, *a._array.shape[-2:])).reshape(count, *a._array.shape[-2:])
    right = b.expand((*batch, *b._array.shape[-2:])).reshape(count, *b._array.shape[-2:])
    return bmm(left, right).reshape((*batch, a._array.shape[-2], b._array.shape[-1]))


def _count(shape) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


@method("__rmatmul__")
def _rmatmul(self, other):
    if isinstance(other, np.ndarray):
        from .creation import tensor

        return matmul(tensor(other), self)
    return NotImplemented
