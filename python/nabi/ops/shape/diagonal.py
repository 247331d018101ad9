# SPDX-License-Identifier: Apache-2.0
"""The diagonal of two dimensions, as a view."""

from __future__ import annotations

from ... import _C
from ...autograd.views import View, record_view
from ...errors import fail, note
from ...tensor import describe, from_array, method, normal_dim
from ..promote import check_tensor


class Diagonal(View):
    """diagonal(offset, dim1, dim2); ``context`` is (offset, dim1, dim2, shape of the input)."""

    __slots__ = ()
    title = "DiagonalBackward0"

    @staticmethod
    def view(array, context):
        offset, first, second, _ = context
        where = [slice(None)] * array.ndim
        where[first], where[second] = slice(max(-offset, 0), None), slice(max(offset, 0), None)
        part = array[tuple(where)]
        rest = [dim for dim in range(array.ndim) if dim not in (first, second)]
        length = min(part.shape[first], part.shape[second])
        return _C.as_strided(
            part,
            (*(part.shape[dim] for dim in rest), length),
            (*(part.strides[dim] for dim in rest), part.strides[first] + part.strides[second]),
        )

    def backward(self, grad):
        whole = _C.zeros(self.context[3], grad.dtype)
        self.view(whole, self.context)[...] = grad
        return (whole,)

    def backward_plain(self, grad):
        whole = from_array(_C.zeros(self.context[3], grad._array.dtype))
        record_view(Diagonal, whole, self.view(whole._array, self.context), self.context).copy_(grad)
        return (whole,)


@method("diagonal")
def diagonal(input, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """A view of the elements whose places in two dimensions differ by ``offset``; their dimension is the last one.

    Args:
        input: at least two dimensions.
        offset: 0 the main diagonal, positive above it, negative below.
        dim1, dim2: the two dimensions.

    Raises:
        IndexError: fewer than two dimensions, or no such dimension.
        RuntimeError: one dimension twice.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diagonal.html

    Example:
        >>> import nabi
        >>> nabi.diagonal(nabi.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    array = check_tensor(input, "diagonal")._array
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise fail(TypeError, "diagonal", "offset to be an integer", type(offset).__name__)
    if array.ndim < 2:
        raise fail(IndexError, "diagonal", "at least two dimensions", describe(input))
    first, second = normal_dim(dim1, array.ndim, "diagonal"), normal_dim(dim2, array.ndim, "diagonal")
    if first == second:
        raise note(RuntimeError, "diagonal", f"expected two dimensions, got {dim1} and {dim2}, which are one")
    context = (offset, first, second, array.shape)
    return record_view(Diagonal, input, Diagonal.view(array, context), context)
