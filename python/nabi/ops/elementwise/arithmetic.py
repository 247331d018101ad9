# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting and type promotion."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, mode, record
from ...autograd.views import before_change, prepare_inplace, write_result
from ...dtype import get_default_dtype, of_number
from ...errors import fail, note
from ...tensor import Tensor, bump, from_array, method
from ..promote import NUMBERS, array_of, cast, check_tensor, common_dtype, is_number, operand, through_numpy
from .rounding import rounded_div

_C_add, _C_sub, _C_mul, _C_div = _C.add, _C.sub, _C.mul, _C.div
_PLAIN_NUMBERS = frozenset((float, int))


class Add(Node):
    """input + other"""

    __slots__ = ()
    title = "AddBackward0"
    broadcasts = True

    def backward(self, grad):
        return grad, grad

    backward_plain = backward


class AddNumber(Node):
    """input + number"""

    __slots__ = ()
    title = "AddBackward0"

    def backward(self, grad):
        return (grad,)

    backward_plain = backward


class SubNumber(AddNumber):
    """input - number"""

    __slots__ = ()
    title = "SubBackward0"


class Sub(Node):
    """input - other"""

    __slots__ = ()
    title = "SubBackward0"
    broadcasts = True

    def backward(self, grad):
        return grad, None if self.edges[1] is None else _C_mul(grad, -1.0)

    def backward_plain(self, grad):
        return grad, -grad


class NegAdd(Node):
    """number - input"""

    __slots__ = ()
    title = "RsubBackward1"

    def backward(self, grad):
        return (_C_mul(grad, -1.0),)

    def backward_plain(self, grad):
        return (-grad,)


class Mul(Node):
    """input * other"""

    __slots__ = ()
    title = "MulBackward0"
    saves = (0, 1)
    broadcasts = True

    def backward(self, grad):
        input, other = self.arrays()
        edges = self.edges
        return (
            None if edges[0] is None else _C_mul(grad, other),
            None if edges[1] is None else _C_mul(grad, input),
        )

    def backward_plain(self, grad):
        input, other = self.tensors()
        return grad * other, grad * input


class MulNumber(Node):
    """input * number"""

    __slots__ = ()
    title = "MulBackward0"

    def backward(self, grad):
        return (_C_mul(grad, self.context),)

    def backward_plain(self, grad):
        return (grad * self.context,)


class Neg(Node):
    """-input"""

    __slots__ = ()
    title = "NegBackward0"

    def backward(self, grad):
        return (_C_mul(grad, -1.0),)

    def backward_plain(self, grad):
        return (-grad,)


class Div(Node):
    """input / other"""

    __slots__ = ()
    title = "DivBackward0"
    saves = (0, 1)
    broadcasts = True

    def backward(self, grad):
        input, other = self.arrays()
        first = _C_div(grad, other)
        if self.edges[1] is None:
            return first, None
        # -grad * (input / other) / other, in PyTorch's order
        return first, _C_mul(_C_mul(grad, -1.0), _C_div(_C_div(input, other), other))

    def backward_plain(self, grad):
        input, other = self.tensors()
        return grad / other, -grad * ((input / other) / other)


class DivNumber(Node):
    """input / number"""

    __slots__ = ()
    title = "DivBackward0"

    def backward(self, grad):
        return (_C_div(grad, self.context),)

    def backward_plain(self, grad):
        return (grad / self.context,)


class NumberDiv(Node):
    """number / input, as number times the reciprocal"""

    __slots__ = ()
    title = "MulBackward0"
    saves = (0,)

    def backward(self, grad):
        inverse = _C_div(1.0, self.arrays()[0])
        return (_C_mul(_C_mul(grad, -self.context), _C_mul(inverse, inverse)),)

    def backward_plain(self, grad):
        (input,) = self.tensors()
        return (grad * -self.context / (input * input),)


def _slow(op: str, kernel, ufunc, kind, number_kind, input, other, divides: bool = False):
    """Everything the fast paths leave: promotion, integers, arrays, numpy's numbers."""
    input, other = operand(input), operand(other)
    if input is None or other is None:
        return NotImplemented
    wanted = common_dtype(input, other)
    if divides and not wanted.is_floating_point:
        wanted = get_default_dtype()
    if wanted.is_floating_point:
        input = cast(input, wanted)
        if not isinstance(other, Tensor):
            other = _within(other)
            return record(number_kind, kernel(input._array, other), wanted, (input,), other)
        other = cast(other, wanted)
        return record(kind, kernel(input._array, other._array), wanted, (input, other))
    arrays = (array_of(input, wanted), array_of(other, wanted))
    return from_array(through_numpy(op, ufunc, arrays, wanted.numpy))


def _within(number):
    """A number as a float; OverflowError for an integer beyond int64."""
    if isinstance(number, int) and not -(1 << 63) <= number < 1 << 63:
        raise note(OverflowError, "number", f"expected an integer within int64, got {number}")
    return float(number)


def _tensor_first(input, other, op: str):
    """The first operand of a function: a number beside a tensor becomes a 0-d tensor."""
    if isinstance(other, np.ndarray):
        check_tensor(other, op.split()[0], "other")
    if isinstance(input, Tensor) or not is_number(input) or not isinstance(other, Tensor):
        return check_tensor(input, op.split()[0])
    number = operand(input)
    # Division needs the number itself: -1 is not 255, whatever it is divided by.
    wanted = of_number(number) if op == "div" else common_dtype(number, other)
    return from_array(array_of(number, wanted))


def _scaled(op: str, input, other, alpha):
    """``other * alpha`` in the result's dtype."""
    if not isinstance(other, Tensor) and not is_number(other):
        raise fail(TypeError, op, "other to be a Tensor or a number", type(other).__name__)
    wanted = common_dtype(input, other)
    if not wanted.is_floating_point and isinstance(alpha, float):
        raise note(RuntimeError, op, f"expected an integer alpha for integer tensors, got {alpha}")
    if isinstance(alpha, bool) and wanted.name != "bool":
        raise note(
            RuntimeError, op, f"expected a number as alpha (a bool only for bool tensors), got {alpha}"
        )
    if wanted.name == "bool":
        alpha = bool(alpha)
    if isinstance(other, Tensor):
        return cast(other, wanted) * alpha
    return bool(other * alpha) if wanted.name == "bool" else other * alpha


@method("__add__", "__radd__")
def _add(self, other):
    dtype = self.dtype
    if dtype.is_floating_point:
        if type(other) in NUMBERS:
            return record(AddNumber, _C_add(self._array, other), dtype, (self,))
        if isinstance(other, Tensor) and other.dtype is dtype:
            return record(Add, _C_add(self._array, other._array), dtype, (self, other))
    return _slow("add", _C_add, np.add, Add, AddNumber, self, other)


@method("add")
def add(input, other, *, alpha=1):
    """``input + alpha * other`` with broadcasting and type promotion.

    Args:
        input: a Tensor.
        other: a Tensor of a shape that broadcasts with ``input``, or a number.
        alpha: a number.

    Raises:
        RuntimeError: shapes that don't broadcast.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.add.html

    Example:
        >>> import nabi
        >>> nabi.add(nabi.tensor([1.0, 2.0]), nabi.tensor([3.0, 4.0]), alpha=2)
        tensor([ 7., 10.])
    """
    input = _tensor_first(input, other, "add")
    if alpha != 1:
        other = _scaled("add", input, other, alpha)
    return _operands(_add(input, other), "add", other)


def _no_bools(*operands) -> None:
    for each in operands:
        if isinstance(each, bool) or (isinstance(each, Tensor) and each.dtype.name == "bool"):
            raise note(
                RuntimeError,
                "sub",
                "expected numbers, got bools; use ^ (logical_xor) or ~ (logical_not) instead",
            )


@method("__sub__")
def _sub(self, other):
    dtype = self.dtype
    if dtype.is_floating_point:
        if type(other) in _PLAIN_NUMBERS:
            return record(SubNumber, _C_sub(self._array, other), dtype, (self,))
        if isinstance(other, Tensor) and other.dtype is dtype:
            return record(Sub, _C_sub(self._array, other._array), dtype, (self, other))
    if operand(other) is None:
        return NotImplemented
    _no_bools(self, other)
    return _slow("sub", _C_sub, np.subtract, Sub, SubNumber, self, other)


@method("sub", "subtract")
def sub(input, other, *, alpha=1):
    """``input - alpha * other`` with broadcasting and type promotion."""
    if not isinstance(input, Tensor) and isinstance(other, Tensor):
        _no_bools(input, other)
    input = _tensor_first(input, other, "sub")
    if alpha != 1:
        _no_bools(input, other)
        other = _scaled("sub", input, other, alpha)
    return _operands(_sub(input, other), "sub", other)


@method("__rsub__")
def _rsub(self, other):
    if type(other) not in _PLAIN_NUMBERS:
        other = operand(other)
        if other is None:
            return NotImplemented
        if isinstance(other, Tensor):
            return _sub(other, self)
    _no_bools(self, other)
    wanted = common_dtype(self, other)
    if not wanted.is_floating_point:
        arrays = (array_of(other, wanted), array_of(self, wanted))
        return from_array(through_numpy("sub", np.subtract, arrays, wanted.numpy))
    self = cast(self, wanted)
    return record(NegAdd, _C_sub(_within(other), self._array), wanted, (self,))


@method("__mul__", "__rmul__")
def _mul(self, other):
    dtype = self.dtype
    if dtype.is_floating_point:
        if type(other) in NUMBERS:
            return record(MulNumber, _C_mul(self._array, other), dtype, (self,), other)
        if isinstance(other, Tensor) and other.dtype is dtype:
            return record(Mul, _C_mul(self._array, other._array), dtype, (self, other))
    return _slow("mul", _C_mul, np.multiply, Mul, MulNumber, self, other)


@method("mul", "multiply")
def mul(input, other):
    """``input * other`` with broadcasting and type promotion.

    Example:
        >>> import nabi
        >>> nabi.mul(nabi.tensor([1.0, 2.0]), 3)
        tensor([3., 6.])
    """
    input = _tensor_first(input, other, "mul")
    return _operands(_mul(input, other), "mul", other)


@method("__truediv__")
def _div(self, other):
    dtype = self.dtype
    if dtype.is_floating_point:
        if type(other) in NUMBERS:
            return record(DivNumber, _C_div(self._array, other), dtype, (self,), other)
        if isinstance(other, Tensor) and other.dtype is dtype:
            return record(Div, _C_div(self._array, other._array), dtype, (self, other))
    return _slow("div", _C_div, np.divide, Div, DivNumber, self, other, divides=True)


@method("__rtruediv__", "__rdiv__")
def _rdiv(self, other):
    other = operand(other)
    if other is None:
        return NotImplemented
    if isinstance(other, Tensor):
        return _div(other, self)
    self = cast(self, get_default_dtype()) if not self.dtype.is_floating_point else self
    other = _within(other)
    return record(NumberDiv, _C_mul(_C_div(1.0, self._array), other), self.dtype, (self,), other)


@method("div", "divide", "true_divide")
def div(input, other, *, rounding_mode=None):
    """``input / other``; integers divide into floats. ``rounding_mode``: None, "trunc" or "floor"."""
    input = _tensor_first(input, other, "div" if rounding_mode is None else "div rounded")
    if rounding_mode is None:
        return _operands(_div(input, other), "div", other)
    if rounding_mode not in ("trunc", "floor"):
        raise fail(RuntimeError, "div", "rounding_mode None, 'trunc' or 'floor'", repr(rounding_mode))
    return rounded_div(input, other, rounding_mode)


@method("__neg__", "neg", "negative")
def neg(input):
    """``-input``."""
    check_tensor(input, "neg")
    if input.dtype.name == "bool":
        raise note(RuntimeError, "neg", "expected numbers, got a bool tensor; use ~ or logical_not instead")
    if not input.dtype.is_floating_point:
        return _mul(input, -1)
    return record(Neg, _C_mul(input._array, -1.0), input.dtype, (input,))


@method("__pos__", "positive")
def positive(input):
    """The tensor itself."""
    if check_tensor(input, "positive").dtype.name == "bool":
        raise note(RuntimeError, "positive", "expected numbers, got a bool tensor")
    return input


def _operands(result, op: str, other):
    if result is NotImplemented:
        raise fail(TypeError, op, "other to be a Tensor or a number", type(other).__name__)
    return result


def _inplace(op: str, function, kernel, operator: bool = False):
    """The in-place form: one kernel call into the tensor where nothing is recorded, else the operation and a copy."""

    def inplace(self, other, **options):
        if type(other) not in NUMBERS and not isinstance(other, Tensor):
            given, other = other, operand(other)
            if other is None:
                if operator:
                    return NotImplemented
                raise fail(TypeError, f"{op}_", "other to be a Tensor or a number", type(given).__name__)
        prepare_inplace(self, f"{op}_")
        array = self._array
        if not options and self.dtype.is_floating_point and not (self.requires_grad and mode.enabled):
            if type(other) in _PLAIN_NUMBERS:
                kernel(array, other, array)
                bump(self)
                return self
            if (
                isinstance(other, Tensor)
                and other.dtype is self.dtype
                and not (other.requires_grad and mode.enabled)
                and (other._array.shape == array.shape or other._array.ndim == 0)
            ):
                kernel(array, other._array, array)
                bump(self)
                return self
        return write_result(self, function(before_change(self), other, **options), f"{op}_")

    inplace.__name__ = f"{op}_"
    inplace.__doc__ = f"In-place form of :func:`nabi.{op}`."
    return inplace


add_ = method("add_")(_inplace("add", add, _C_add))
sub_ = method("sub_", "subtract_")(_inplace("sub", sub, _C_sub))
mul_ = method("mul_", "multiply_")(_inplace("mul", mul, _C_mul))
div_ = method("div_", "divide_", "true_divide_")(_inplace("div", div, _C_div))
method("__iadd__")(_inplace("add", _add, _C_add, operator=True))
method("__isub__")(_inplace("sub", _sub, _C_sub, operator=True))
method("__imul__")(_inplace("mul", _mul, _C_mul, operator=True))
method("__itruediv__")(_inplace("div", _div, _C_div, operator=True))


@method("neg_", "negative_")
def neg_(input):
    """In-place form of :func:`nabi.neg`."""
    check_tensor(input, "neg_")
    prepare_inplace(input, "neg_")
    return write_result(input, neg(before_change(input)), "neg_")
