# SPDX-License-Identifier: Apache-2.0
"""Division with rounding and remainders, computed by numpy."""

from __future__ import annotations

import numpy as np

from ...autograd.graph import Node, record
from ...autograd.views import before_change, prepare_inplace, write_result
from ...errors import fail, note
from ...tensor import Tensor, from_array, method
from ..promote import array_of, cast, check_tensor, common_dtype, operand, through_numpy


class RoundedDiv(Node):
    """div with rounding: flat between its steps, so the gradients are zero"""

    __slots__ = ()
    title = "DivBackward2"
    broadcasts = True

    def backward(self, grad):
        zeros = np.zeros_like(grad)
        return zeros, zeros

    def backward_plain(self, grad):
        zeros = from_array(np.zeros_like(grad._array))
        return zeros, zeros


class FloorDivide(Node):
    """input // other, which PyTorch does not differentiate"""

    __slots__ = ()
    title = "NotImplemented"
    broadcasts = True

    def backward(self, grad):
        raise note(
            RuntimeError,
            "floor_divide",
            "expected no gradient to pass (derivative is not implemented), got one; use div(rounding_mode='floor')",
        )

    backward_plain = backward


class Remainder(Node):
    """input - floor(input / other) other"""

    __slots__ = ()
    title = "RemainderBackward1"
    saves = (0, 1)
    broadcasts = True

    def backward(self, grad):
        if self.edges[1] is None:
            return grad, None
        input, other = self.arrays()
        with np.errstate(all="ignore"):
            return grad, np.asarray(grad * -np.floor_divide(input, other))

    def backward_plain(self, grad):
        if self.edges[1] is None:
            return grad, None
        input, other = self.tensors()
        return grad, grad * -rounded_div(input, other, "floor")


class RemainderNumber(Remainder):
    """input - floor(input / number) number"""

    __slots__ = ()
    title = "RemainderBackward0"


def _toward_zero(a, b, out):
    if out.dtype.kind == "f":
        return np.trunc(np.divide(a, b, out=out), out=out)
    np.subtract(a, np.fmod(a, b), out=out)
    return np.floor_divide(out, b, out=out)


def _remainder(a, b, out):
    np.remainder(a, b, out=out)
    # numpy's zero has the divisor's sign, PyTorch's the dividend's.
    return np.copysign(out, a, out=out, where=out == 0) if out.dtype.kind == "f" else out


def _compute(op: str, ufunc, kind, input, other):
    wanted = common_dtype(input, other)
    if wanted.name == "bool":
        raise note(NotImplementedError, op, "expected numbers, got bools")
    if kind is Remainder and not isinstance(other, Tensor):
        kind = RemainderNumber
    tensors = tuple(
        cast(each, wanted) if isinstance(each, Tensor) else from_array(array_of(each, wanted))
        for each in (input, other)
    )
    arrays = tuple(each._array for each in tensors)
    if not wanted.is_floating_point and (arrays[1] == 0).any() and arrays[0].size:
        raise note(RuntimeError, op, "ZeroDivisionError: expected a divisor other than zero, got 0")
    found = through_numpy(op, ufunc, arrays, wanted.numpy)
    return record(kind, found, wanted, tensors) if wanted.is_floating_point else from_array(found)


def rounded_div(input, other, rounding_mode: str):
    """``input / other`` rounded down ("floor") or toward zero ("trunc")."""
    given, other = other, operand(other)
    if other is None:
        raise fail(TypeError, "div", "other to be a Tensor or a number", type(given).__name__)
    return _compute(
        "div", np.floor_divide if rounding_mode == "floor" else _toward_zero, RoundedDiv, input, other
    )


def _operator(op: str, ufunc, kind, symbol: str):
    def forward(self, other):
        other = operand(other)
        return NotImplemented if other is None else _compute(op, ufunc, kind, self, other)

    def reflected(self, other):
        other = operand(other)
        return NotImplemented if other is None else _compute(op, ufunc, kind, other, self)

    def function(input, other):
        if not isinstance(other, Tensor):
            check_tensor(input, op)
        arrays = isinstance(input, np.ndarray) or isinstance(other, np.ndarray)
        found = NotImplemented if arrays or operand(input) is None else forward(input, other)
        if found is NotImplemented:
            raise fail(
                TypeError, op, "Tensors or numbers", f"{type(input).__name__} and {type(other).__name__}"
            )
        return found

    def inplace(self, other):
        given, other = other, operand(other)
        if other is None:
            raise fail(TypeError, f"{op}_", "other to be a Tensor or a number", type(given).__name__)
        prepare_inplace(self, f"{op}_")
        return write_result(self, _compute(op, ufunc, kind, before_change(self), other), f"{op}_")

    function.__name__, inplace.__name__ = op, f"{op}_"
    function.__doc__ = f"``input {symbol} other``, rounded down, with broadcasting and type promotion."
    inplace.__doc__ = f"In-place form of :func:`nabi.{op}`."
    name = "floordiv" if op == "floor_divide" else "mod"
    method(f"__{name}__")(forward)
    method(f"__r{name}__")(reflected)
    method(op)(function)
    method(f"{op}_", f"__i{name}__")(inplace)
    return function


floor_divide = _operator("floor_divide", np.floor_divide, FloorDivide, "//")
remainder = _operator("remainder", _remainder, Remainder, "%")
