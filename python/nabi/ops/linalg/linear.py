# SPDX-License-Identifier: Apache-2.0
"""linear: a matrix product with its bias, one kernel call."""

from __future__ import annotations

from ... import _C
from ...autograd.graph import Node, record
from ...errors import fail
from ...tensor import describe
from ..promote import check_tensor, same_float
from .product import count_of, matmul

_C_linear, _C_linear_backward = _C.linear, _C.linear_backward


class Linear(Node):
    """input weight^T + bias"""

    __slots__ = ()
    title = "AddmmBackward0"
    saves = (0, 1)
    adds_into = (1, 2)

    def backward(self, grad):
        input, weight = self.arrays()
        edges = self.edges
        return _C_linear_backward(
            grad,
            input,
            weight,
            edges[0] is not None,
            edges[1] is not None,
            len(edges) == 3 and edges[2] is not None,
        )[: len(edges)]

    def backward_into(self, grad, into):
        input, weight = self.arrays()
        wanted = [edge is not None for edge in self.edges] + [False]
        found = _C_linear_backward(
            grad, input, weight, wanted[0], into.get(1, wanted[1]), into.get(2, wanted[2])
        )
        return [None if at in into else part for at, part in enumerate(found[: len(self.edges)])]

    def backward_plain(self, grad):
        input, weight = self.tensors()
        count = count_of(grad.shape[:-1])
        rows = grad.reshape(count, grad.shape[-1])
        d_input = matmul(grad, weight)
        d_weight = matmul(rows.transpose(0, 1), input.reshape(count, input.shape[-1]))
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


class LinearRowsApart(Linear):
    """more than one leading dimension, of an input that is not contiguous"""

    __slots__ = ()
    title = "AddBackward0"


class LinearRow(Linear):
    """one row, without bias"""

    __slots__ = ()
    title = "SqueezeBackward4"


def _given(*tensors) -> tuple:
    return tuple(tensor for tensor in tensors if tensor is not None)


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
    if array.ndim == 1:
        return record(
            LinearRow if bias is None else LinearRows, array, input.dtype, _given(input, weight, bias)
        )
    if bias is None:
        return record(LinearMatrix if matrix else LinearRowsPlain, array, input.dtype, (input, weight))
    kind = Linear if matrix else LinearRows if input._array.flags.c_contiguous else LinearRowsApart
    return record(kind, array, input.dtype, (input, weight, bias))


def _linear_checked(input, weight, bias):
    """Says what was wrong, in the user's words; takes the rare one-dimensional weight."""
    check_tensor(input, "linear")
    check_tensor(weight, "linear", "weight")
    if bias is not None:
        check_tensor(bias, "linear", "bias")
    if weight._array.ndim == 1:
        same_float("linear", ("input", input), ("weight", weight), ("bias", bias))
        if bias is not None:
            raise fail(
                RuntimeError,
                "linear",
                "weight of shape (out_features, in_features) with a bias",
                describe(weight),
            )
        if input._array.ndim == 0 or input._array.shape[-1] != weight._array.shape[0]:
            raise fail(
                RuntimeError,
                "linear",
                f"input with {weight._array.shape[0]} features",
                f"shape {tuple(input._array.shape)}",
            )
        return matmul(input, weight)
    if weight._array.ndim != 2:
        raise fail(RuntimeError, "linear", "weight of shape (out_features, in_features)", describe(weight))
    features = weight._array.shape[1]
    if input._array.ndim == 0 or input._array.shape[-1] != features:
        raise fail(
            RuntimeError, "linear", f"input with {features} features", f"shape {tuple(input._array.shape)}"
        )
    if bias is not None and bias._array.shape != weight._array.shape[:1]:
        raise fail(RuntimeError, "linear", f"bias of shape ({weight._array.shape[0]},)", describe(bias))
    same_float("linear", ("input", input), ("weight", weight), ("bias", bias))
    array = _C_linear(input._array, weight._array, None if bias is None else bias._array)
    raise AssertionError(f"linear: the kernel refused and accepted the same arrays, {array.shape}")
