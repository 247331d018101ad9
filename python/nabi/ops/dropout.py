# SPDX-License-Identifier: Apache-2.0
"""Dropout."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..autograd.graph import Node, record
from ..autograd.views import before_change, prepare_inplace, write_result
from ..errors import fail
from ..tensor import from_array
from .promote import check_tensor


class Dropout(Node):
    """input * mask / (1 - p); the mask is kept as one bit an element."""

    __slots__ = ()
    title = "MulBackward0"

    def backward(self, grad):
        p, strides = self.context
        return (_C.dropout_backward(_in_layout(grad, strides), self.arrays()[0], p),)

    def backward_plain(self, grad):
        p, strides = self.context
        ones = _in_layout(np.ones_like(grad._array), strides)
        return (grad * from_array(_C.dropout_backward(ones, self.arrays()[0], p)),)


def _in_layout(array: np.ndarray, strides: tuple) -> np.ndarray:
    """The array in the output's memory order, in which the bits lie."""
    if array.strides == strides:
        return array
    laid = np.lib.stride_tricks.as_strided(np.empty(array.size, array.dtype), array.shape, strides)
    laid[...] = array
    return laid


def dropout(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """In training: zeroes each element with probability p and divides the rest by 1 - p; else returns the input.

    Args:
        input: any shape, floating point; draws go to elements in memory order, as PyTorch's default stream does.
        p: probability of zeroing, from 0 to 1.
        training: False returns ``input``.
        inplace: write into ``input``.

    Raises:
        ValueError: p outside [0, 1].

    Source: Srivastava et al. 2014; https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html

    Example:
        >>> import nabi
        >>> import nabi.nn.functional as F
        >>> F.dropout(nabi.ones(3), p=0.5, training=False)
        tensor([1., 1., 1.])
    """
    if not 0.0 <= p <= 1.0:
        raise fail(ValueError, "dropout", "p from 0 to 1", p)
    check_tensor(input, "dropout")
    if not training or p == 0.0 or input._array.size == 0:
        return input
    if inplace:
        prepare_inplace(input, "dropout_")
        return write_result(input, dropout(before_change(input), p, True), "dropout_")
    if not input.dtype.is_floating_point:
        raise fail(RuntimeError, "dropout", "input of a floating-point dtype", input.dtype)
    from ..generator import default_generator

    output, mask = _C.dropout(default_generator, input._array, float(p))
    return record(Dropout, output, input.dtype, (input,), (float(p), output.strides), (mask,))
