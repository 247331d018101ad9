# SPDX-License-Identifier: Apache-2.0
"""Values kept within bounds, computed by numpy."""

from __future__ import annotations

import numpy as np

from ...autograd.graph import Node, record
from ...errors import fail, note
from ...tensor import Tensor, from_array, method
from ..promote import cast, check_tensor, checked_number, common_dtype, operand, through_numpy
from .pointwise import inplace_form


class Clamp(Node):
    """input within bounds: the gradient passes where input lies inside, bounds included"""

    __slots__ = ()
    title = "ClampBackward1"
    saves = (0,)

    def _inside(self, array, dtype):
        low, high = self.context
        inside = np.ones(array.shape, bool)
        with np.errstate(all="ignore"):
            if low is not None:
                inside &= array >= low
            if high is not None:
                inside &= array <= high
        return np.asarray(inside, dtype)

    def backward(self, grad):
        return (np.asarray(grad * self._inside(self.arrays()[0], grad.dtype)),)

    def backward_plain(self, grad):
        return (grad * from_array(self._inside(self.tensors()[0]._array, grad._array.dtype)),)


class ClampMin(Clamp):
    """clamp_min"""

    __slots__ = ()
    title = "ClampMinBackward0"


class ClampMax(Clamp):
    """clamp_max"""

    __slots__ = ()
    title = "ClampMaxBackward0"


def _clamp(op: str, kind, input, low, high) -> Tensor:
    check_tensor(input, op)
    bounds = [None if each is None else operand(each) for each in (low, high)]
    if low is None and high is None:
        raise note(RuntimeError, op, "expected at least one of min and max, got neither")
    for given, bound in zip((low, high), bounds, strict=True):
        if (given is not None and bound is None) or isinstance(bound, Tensor):
            raise fail(
                TypeError,
                op,
                "bounds to be numbers (for tensors use maximum and minimum)",
                type(given).__name__,
            )
    wanted = common_dtype(input, *(each for each in bounds if each is not None))
    if wanted.name == "bool":
        raise note(NotImplementedError, op, "expected numbers, got bools")
    low, high = (
        None if each is None else np.asarray(checked_number(each, wanted, op), wanted.numpy)
        for each in bounds
    )
    input = cast(input, wanted)

    def bounded(x, out):
        if low is not None:
            x = np.maximum(x, low, out=out)
        return x if high is None else np.minimum(x, high, out=out)

    found = through_numpy(op, bounded, (input._array,), wanted.numpy)
    return (
        record(kind, found, wanted, (input,), (low, high)) if wanted.is_floating_point else from_array(found)
    )


def clamp(input, min=None, max=None):
    """Elements below ``min`` become ``min``, those above ``max`` become ``max``; NaN stays NaN.

    Args:
        input: any shape.
        min, max: numbers; one may be None.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clamp.html

    Example:
        >>> import nabi
        >>> nabi.clamp(nabi.tensor([-1.0, 0.5, 2.0]), 0, 1)
        tensor([0.0000, 0.5000, 1.0000])
    """
    return _clamp("clamp", Clamp, input, min, max)


def clamp_min(input, min):
    """Elements below ``min`` become ``min``."""
    return _clamp("clamp_min", ClampMin, input, min, None)


def clamp_max(input, max):
    """Elements above ``max`` become ``max``."""
    return _clamp("clamp_max", ClampMax, input, None, max)


clip = clamp
method("clamp", "clip")(clamp)
method("clamp_min")(clamp_min)
method("clamp_max")(clamp_max)
clamp_ = clip_ = inplace_form("clamp", clamp)
method("clip_")(clamp_)
clamp_min_, clamp_max_ = inplace_form("clamp_min", clamp_min), inplace_form("clamp_max", clamp_max)
