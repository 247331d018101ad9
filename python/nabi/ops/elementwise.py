# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, and activations."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..autograd.graph import Node, mode, record
from ..autograd.views import before_change, prepare_inplace, write_result
from ..errors import fail, note
from ..tensor import Tensor, bump, from_array, method
from .promote import NUMBERS, cast, check_tensor, common_dtype, is_number

_C_add, _C_sub, _C_mul, _C_div = _C.add, _C.sub, _C.mul, _C.div


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


def _broadcasts(op: str, a: np.ndarray, b: np.ndarray) -> None:
    for m, n in zip(reversed(a.shape), reversed(b.shape), strict=False):
        if m != n and m != 1 and n != 1:
            raise note(RuntimeError, op, f"expected shapes that broadcast, got {a.shape} and {b.shape}")


def _slow(op: str, kernel, ufunc, kind, number_kind, input, other, divides: bool = False):
    """Everything the fast paths leave: promotion, integers, numbers on the left."""
    for each in (input, other):
        if not isinstance(each, Tensor) and not is_number(each):
            return NotImplemented
    wanted = common_dtype(input, other)
    if divides and not wanted.is_floating_point:
        from ..dtype import get_default_dtype

        wanted = get_default_dtype()
    if wanted.is_floating_point:
        left, right = ((cast(e, wanted) if isinstance(e, Tensor) else float(e)) for e in (input, other))
        if type(right) is float:
            return record(number_kind, kernel(left._array, right), wanted, (left,), right)
        if type(left) is float:
            left = from_array(np.asarray(left, wanted.numpy))
        return record(kind, kernel(left._array, right._array), wanted, (left, right))
    arrays = [
        e._array if isinstance(e, Tensor) else np.asarray(_wrapped(e, wanted), wanted.numpy) for e in (input, other)
    ]
    _broadcasts(op, *arrays)
    with np.errstate(all="ignore"):
        return from_array(_as_array(ufunc(*(array.astype(wanted.numpy, copy=False) for array in arrays))))


def _wrapped(value, wanted):
    """An integer as the dtype holds it: PyTorch wraps where numpy would refuse."""
    value = int(value)
    bits = wanted.itemsize * 8
    if wanted.name == "bool":
        return bool(value)
    value &= (1 << bits) - 1
    return value - (1 << bits) if wanted.is_signed and value >> (bits - 1) else value


def _as_array(value) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value)


def _fast(input, other) -> bool:
    return isinstance(other, Tensor) and input.dtype is other.dtype and input.dtype.is_floating_point


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
    check_tensor(input, "add")
    if alpha != 1:
        other = other * alpha
    return _operands(_add(input, other), "add", other)


@method("__sub__")
def _sub(self, other):
    dtype = self.dtype
    if dtype.is_floating_point:
        if type(other) in NUMBERS:
            return record(SubNumber, _C_sub(self._array, other), dtype, (self,))
        if isinstance(other, Tensor) and other.dtype is dtype:
            return record(Sub, _C_sub(self._array, other._array), dtype, (self, other))
    if dtype.name == "bool" or getattr(getattr(other, "dtype", None), "name", "") == "bool":
        raise note(RuntimeError, "sub", "expected numbers, got a bool tensor; use logical_xor or ~ instead")
    return _slow("sub", _C_sub, np.subtract, Sub, SubNumber, self, other)


@method("sub", "subtract")
def sub(input, other, *, alpha=1):
    """``input - alpha * other`` with broadcasting and type promotion."""
    check_tensor(input, "sub")
    if alpha != 1:
        other = other * alpha
    return _operands(_sub(input, other), "sub", other)


@method("__rsub__")
def _rsub(self, other):
    if type(other) in NUMBERS and self.dtype.is_floating_point:
        return record(NegAdd, _C_sub(other, self._array), self.dtype, (self,))
    if not is_number(other):
        return NotImplemented
    if isinstance(other, np.generic):
        other = other.item()
    return _add(_mul(self, -1), other)


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
    check_tensor(input, "mul")
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


@method("__rtruediv__")
def _rdiv(self, other):
    return _slow("div", _C_div, np.divide, Div, DivNumber, other, self, divides=True)


@method("div", "divide", "true_divide")
def div(input, other, *, rounding_mode=None):
    """``input / other``; integers divide into floats. ``rounding_mode``: None, "trunc" or "floor"."""
    check_tensor(input, "div")
    if rounding_mode is None:
        return _operands(_div(input, other), "div", other)
    if rounding_mode not in ("trunc", "floor"):
        raise fail(RuntimeError, "div", "rounding_mode None, 'trunc' or 'floor'", repr(rounding_mode))
    wanted = common_dtype(input, other)
    left, right = (
        e._array.astype(wanted.numpy) if isinstance(e, Tensor) else np.asarray(e, wanted.numpy) for e in (input, other)
    )
    if not wanted.is_floating_point and (right == 0).any():
        raise note(RuntimeError, "div", "ZeroDivisionError: integer division by zero")
    with np.errstate(all="ignore"):
        if rounding_mode == "floor":
            found = np.floor_divide(left, right)
        elif wanted.is_floating_point:
            found = np.trunc(left / right)
        else:
            found = (left - np.fmod(left, right)) // right
    return from_array(_as_array(found))


@method("__neg__", "neg", "negative")
def neg(input):
    """``-input``."""
    if input.dtype.name == "bool":
        raise note(RuntimeError, "neg", "expected numbers, got a bool tensor; use ~ or logical_not instead")
    if not input.dtype.is_floating_point:
        return _mul(input, -1)
    return record(Neg, _C_mul(input._array, -1.0), input.dtype, (input,))


@method("__pos__", "positive")
def positive(input):
    """The tensor itself."""
    return input


def _operands(result, op: str, other):
    if result is NotImplemented:
        raise fail(TypeError, op, "other to be a Tensor or a number", type(other).__name__)
    return result


def _inplace(op: str, function, kernel):
    """The in-place form: one kernel call into the tensor where nothing is recorded, else the operation and a copy."""

    def inplace(self, other, **options):
        prepare_inplace(self, f"{op}_")
        array = self._array
        if not options and self.dtype.is_floating_point and not (self.requires_grad and mode.enabled):
            if type(other) in NUMBERS:
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
        result = function(before_change(self), other, **options)
        if result is NotImplemented:
            return result
        return write_result(self, result, f"{op}_")

    inplace.__name__ = f"{op}_"
    inplace.__doc__ = f"In-place form of :func:`nabi.{op}`."
    return inplace


add_ = method("add_")(_inplace("add", add, _C_add))
sub_ = method("sub_", "subtract_")(_inplace("sub", sub, _C_sub))
mul_ = method("mul_", "multiply_")(_inplace("mul", mul, _C_mul))
div_ = method("div_", "divide_")(_inplace("div", div, _C_div))
method("__iadd__")(_inplace("add", _add, _C_add))
method("__isub__")(_inplace("sub", _sub, _C_sub))
method("__imul__")(_inplace("mul", _mul, _C_mul))
method("__itruediv__")(_inplace("div", _div, _C_div))


class Relu(Node):
    """max(input, 0)"""

    __slots__ = ()
    title = "ReluBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.relu_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * (output > 0).to(grad.dtype),)


def _float_input(input, op: str):
    check_tensor(input, op)
    if input.dtype.is_floating_point:
        return input
    from ..dtype import get_default_dtype

    return cast(input, get_default_dtype())


@method("relu")
def relu(input, inplace: bool = False):
    """max(input, 0), element by element; NaN stays NaN.

    Args:
        input: any shape.
        inplace: write into ``input`` and return it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html

    Example:
        >>> import nabi
        >>> nabi.relu(nabi.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    if inplace:
        return relu_(input)
    check_tensor(input, "relu")
    if not input.dtype.is_floating_point:
        if input.dtype.name == "bool":
            raise note(RuntimeError, "relu", "expected numbers, got a bool tensor")
        return from_array(np.maximum(input._array, 0))
    return record(Relu, _C.relu(input._array), input.dtype, (input,))


@method("relu_")
def relu_(input):
    """In-place form of :func:`nabi.relu`."""
    check_tensor(input, "relu_")
    prepare_inplace(input, "relu_")
    return write_result(input, relu(before_change(input)), "relu_")


class Sigmoid(Node):
    """1 / (1 + exp(-input))"""

    __slots__ = ()
    title = "SigmoidBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.sigmoid_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * output * (1 - output),)


@method("sigmoid")
def sigmoid(input):
    """1 / (1 + exp(-input)), element by element; integers give float32.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html

    Example:
        >>> import nabi
        >>> nabi.sigmoid(nabi.tensor([0.0]))
        tensor([0.5000])
    """
    input = _float_input(input, "sigmoid")
    return record(Sigmoid, _C.sigmoid(input._array), input.dtype, (input,))


@method("sigmoid_")
def sigmoid_(input):
    """In-place form of :func:`nabi.sigmoid`."""
    check_tensor(input, "sigmoid_")
    prepare_inplace(input, "sigmoid_")
    return write_result(input, sigmoid(before_change(input)), "sigmoid_")
