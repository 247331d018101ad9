# SPDX-License-Identifier: Apache-2.0
"""Sums and means."""

from __future__ import annotations

import math

import numpy as np

from .. import _C
from ..autograd.graph import Node, record
from ..dtype import as_dtype
from ..errors import fail, note
from ..tensor import Tensor, from_array, method, normal_dim
from .promote import cast, check_tensor

_C_sum = _C.sum


class Sum(Node):
    """Sum of all elements, divided by ``context[1]``."""

    __slots__ = ()
    title = "SumBackward0"

    def backward(self, grad):
        shape, divisor = self.context
        if divisor != 1:
            grad = _C.div(grad, divisor)
        return (np.broadcast_to(grad, shape),)

    def backward_plain(self, grad):
        shape, divisor = self.context
        return ((grad / divisor if divisor != 1 else grad).expand(shape),)


class Mean(Sum):
    """Mean of all elements."""

    __slots__ = ()
    title = "MeanBackward0"


class SumDims(Node):
    """Sum over the dimensions ``context[1]``, divided by ``context[2]``."""

    __slots__ = ()
    title = "SumBackward1"

    def backward(self, grad):
        shape, dims, divisor = self.context
        if divisor != 1:
            grad = _C.div(grad, divisor)
        return (np.broadcast_to(grad.reshape(_kept(shape, dims)), shape),)

    def backward_plain(self, grad):
        shape, dims, divisor = self.context
        return ((grad / divisor if divisor != 1 else grad).reshape(_kept(shape, dims)).expand(shape),)


class MeanDims(SumDims):
    """Mean over some dimensions."""

    __slots__ = ()
    title = "MeanBackward1"


def normal_dims(dim, ndim: int, op: str) -> list[int]:
    """Dimensions counted from the front, in ascending order, each once. None and () mean all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return list(range(ndim))
    if type(dim) is int and ndim:
        return [normal_dim(dim, ndim, op)]
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    found = [normal_dim(each, ndim, op) for each in dims]
    if len(set(found)) != len(found):
        raise fail(RuntimeError, op, "each dimension once", tuple(dims))
    return sorted(found) if ndim else []


def _reduce(input, dim, keepdim: bool, op: str, all_kind, dims_kind, mean: bool) -> Tensor:
    array = input._array
    shape = array.shape
    if dim is None and not keepdim:
        divisor = float(array.size) if mean else 1.0
        return record(all_kind, _C_sum(array, None, False, divisor), input.dtype, (input,), (shape, divisor))
    dims = tuple(normal_dims(dim, len(shape), op))
    divisor = float(math.prod(shape[d] for d in dims)) if mean else 1.0
    found = _C_sum(array, dims, keepdim, divisor)
    return record(dims_kind, found, input.dtype, (input,), (shape, dims, divisor))


def _kept(shape, dims) -> tuple[int, ...]:
    """The shape with 1 where it was summed."""
    return tuple(1 if d in dims else size for d, size in enumerate(shape))


@method("sum")
def sum(input, dim=None, keepdim: bool = False, *, dtype=None, axis=None, keepdims: bool = False):
    """The sum of all elements or over ``dim``, in a fixed pairwise order. Integers and bools give int64.

    Args:
        input: any shape.
        dim: a dimension, a tuple of them, or None for all.
        keepdim: keep summed dimensions with size 1.
        dtype: cast first.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sum.html

    Example:
        >>> import nabi
        >>> nabi.sum(nabi.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
        tensor([3., 7.])
    """
    check_tensor(input, "sum")
    if axis is not None or keepdims:
        dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    if dtype is not None:
        dtype = as_dtype(dtype, "sum")
        input = cast(input, dtype)
    if input.dtype.is_floating_point:
        if dim is None and not keepdim:
            array = input._array
            return record(Sum, _C_sum(array, None, False, 1.0), input.dtype, (input,), (array.shape, 1.0))
        return _reduce(input, dim, keepdim, "sum", Sum, SumDims, mean=False)
    dims = tuple(normal_dims(dim, input._array.ndim, "sum"))
    with np.errstate(all="ignore"):
        found = input._array.sum(
            axis=dims, keepdims=keepdim, dtype=np.int64 if dtype is None else dtype.numpy
        )
    return from_array(np.asarray(found, order="C"))


@method("mean")
def mean(input, dim=None, keepdim: bool = False, *, dtype=None, axis=None, keepdims: bool = False):
    """The mean of all elements or over ``dim``.

    Raises:
        RuntimeError: a dtype that is not floating point (pass ``dtype=``).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mean.html

    Example:
        >>> import nabi
        >>> nabi.mean(nabi.tensor([1.0, 2.0, 6.0]))
        tensor(3.)
    """
    check_tensor(input, "mean")
    if axis is not None or keepdims:
        dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    if dtype is not None:
        input = cast(input, as_dtype(dtype, "mean"))
    if not input.dtype.is_floating_point:
        raise note(
            RuntimeError,
            "mean",
            f"expected a floating point dtype, got {input.dtype}; pass dtype= or call .float()",
        )
    return _reduce(input, dim, keepdim, "mean", Mean, MeanDims, mean=True)
