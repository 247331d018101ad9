# SPDX-License-Identifier: Apache-2.0
"""Losses element by element."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..autograd.graph import Node, record
from ..errors import fail
from ..tensor import describe, from_array
from .promote import check_tensor, same_float
from .softmax import legacy_reduction


class BinaryCrossEntropy(Node):
    """-w (t log x + (1 - t) log(1 - x)) for every element"""

    __slots__ = ()
    title = "BinaryCrossEntropyBackward0"
    saves = (0, 1)

    def backward(self, grad):
        input, target, weight = self.arrays()
        d_input = _C.binary_cross_entropy_backward(grad, input, target, weight)
        if self.edges[1] is None:
            return d_input, None
        with np.errstate(all="ignore"):
            slope = grad * (
                np.log1p(-input) - np.log(input)
            )  # the bound of -100 does not hold here, as in PyTorch
        return d_input, np.asarray(slope if weight is None else slope * weight)

    def backward_plain(self, grad):
        input, target, weight = self.tensors()
        if weight is not None:
            grad = grad * from_array(weight)
        room = (1 - input) * input
        # max(room, 1e-12) has no slope where the bound holds.
        bounded = from_array(np.asarray(np.where(room._array > 1e-12, 0, 1e-12)).astype(room._array.dtype))
        inside = from_array(np.asarray(room._array > 1e-12).astype(room._array.dtype))
        d_input = grad * (input - target) / (room * inside + bounded)
        if self.edges[1] is None:
            return d_input, None
        raise NotImplementedError(
            "binary_cross_entropy: expected a target without a gradient for create_graph"
        )


class BinaryCrossEntropyMean(BinaryCrossEntropy):
    """Its mean (context 1 / n) or sum (context 1)."""

    __slots__ = ()

    def backward(self, grad):
        return BinaryCrossEntropy.backward(self, self._spread(grad))

    def _spread(self, grad):
        shape, divisor = self.context
        spread = _C.empty(shape, grad.dtype)
        if spread.size:
            spread.fill(
                float(grad) if divisor == 1.0 else grad.dtype.type(float(grad)) / grad.dtype.type(divisor)
            )
        return spread

    def backward_plain(self, grad):
        shape, divisor = self.context
        return BinaryCrossEntropy.backward_plain(
            self, (grad / divisor if divisor != 1.0 else grad).expand(shape)
        )


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction: str = "mean"):
    """-weight (target log(input) + (1 - target) log(1 - input)), logarithms not below -100.

    Args:
        input: probabilities, any shape.
        target: of the same shape, from 0 to 1.
        weight: of a shape that broadcasts to it, or None.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: another shape of target.
        RuntimeError: an input outside [0, 1] (its position is named).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html

    Example:
        >>> import nabi
        >>> import nabi.nn.functional as F
        >>> F.binary_cross_entropy(nabi.tensor([0.5]), nabi.tensor([1.0]))
        tensor(0.6931)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise fail(ValueError, "binary_cross_entropy", "reduction 'mean', 'sum' or 'none'", repr(reduction))
    check_tensor(input, "binary_cross_entropy")
    check_tensor(target, "binary_cross_entropy", "target")
    x, t = input._array, target._array
    if x.shape != t.shape:
        raise fail(
            ValueError,
            "binary_cross_entropy",
            f"target of {describe(input)} like the input",
            describe(target),
        )
    same_float("binary_cross_entropy", ("input", input), ("target", target), ("weight", weight))
    if weight is not None:
        check_tensor(weight, "binary_cross_entropy", "weight")
        try:
            weight = _C.contiguous_copy(np.broadcast_to(weight._array, x.shape))
        except ValueError:
            raise fail(
                RuntimeError, "binary_cross_entropy", f"weight that broadcasts to {x.shape}", describe(weight)
            ) from None
    losses = _C.binary_cross_entropy(x, t, weight)
    if reduction == "none":
        return record(BinaryCrossEntropy, losses, input.dtype, (input, target), None, (weight,))
    divisor = float(x.size) if reduction == "mean" else 1.0
    total = _C.sum(losses, None, False, divisor)
    return record(BinaryCrossEntropyMean, total, input.dtype, (input, target), (x.shape, divisor), (weight,))
