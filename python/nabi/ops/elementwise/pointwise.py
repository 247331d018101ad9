# SPDX-License-Identifier: Apache-2.0
"""Powers, exponentials, bounds: functions of one element, computed by numpy."""

from __future__ import annotations

import math

import numpy as np

from ...autograd.graph import Node, record
from ...autograd.views import before_change, prepare_inplace, write_result
from ...errors import fail, note
from ...tensor import Tensor, from_array, method
from ..promote import array_of, cast, check_tensor, checked_number, common_dtype, operand, through_numpy
from .activation import _float_input


class Exp(Node):
    """e^input"""

    __slots__ = ()
    title = "ExpBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (np.asarray(grad * self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad * self.tensors()[0],)


class Log(Node):
    """The natural logarithm"""

    __slots__ = ()
    title = "LogBackward0"
    saves = (0,)

    def backward(self, grad):
        with np.errstate(all="ignore"):
            return (np.asarray(grad / self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad / self.tensors()[0],)


class Sqrt(Node):
    """The square root"""

    __slots__ = ()
    title = "SqrtBackward0"
    saves = (-1,)

    def backward(self, grad):
        with np.errstate(all="ignore"):
            return (np.asarray(grad / (2 * self.arrays()[0])),)

    def backward_plain(self, grad):
        return (grad / (2 * self.tensors()[0]),)


class Tanh(Node):
    """The hyperbolic tangent"""

    __slots__ = ()
    title = "TanhBackward0"
    saves = (-1,)

    def backward(self, grad):
        output = self.arrays()[0]
        return (np.asarray(grad * (1 - output * output)),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * (1 - output * output),)


class Abs(Node):
    """|input|"""

    __slots__ = ()
    title = "AbsBackward0"
    saves = (0,)

    def backward(self, grad):
        return (np.asarray(grad * _signs(self.arrays()[0])),)

    def backward_plain(self, grad):
        return (grad * from_array(_signs(self.tensors()[0]._array)),)


def _signs(array):
    """-1, 0 or 1; 0 for NaN, as in PyTorch's gradient of abs."""
    return np.asarray(np.sign(np.where(array == array, array, 0)), array.dtype)


def _unary(name: str, ufunc, kind, formula: str, integers: bool = False):
    def function(input):
        check_tensor(input, name)
        if integers and not input.dtype.is_floating_point:
            if input.dtype.name == "bool":
                raise note(NotImplementedError, name, "expected numbers, got a bool tensor")
            return from_array(through_numpy(name, ufunc, (input._array,), input._array.dtype))
        input = _float_input(input, name)
        found = through_numpy(name, ufunc, (input._array,), input._array.dtype)
        return record(kind, found, input.dtype, (input,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{formula}, element by element{'' if integers else '; integers give float32'}."
    method(name)(function)
    return function, inplace_form(name, function)


def inplace_form(name: str, function):
    """Registers ``name_``: the operation, then a copy into the tensor."""

    def inplace(input, *arguments, **options):
        check_tensor(input, f"{name}_")
        prepare_inplace(input, f"{name}_")
        return write_result(input, function(before_change(input), *arguments, **options), f"{name}_")

    inplace.__name__ = inplace.__qualname__ = f"{name}_"
    inplace.__doc__ = f"In-place form of :func:`nabi.{name}`."
    return method(f"{name}_")(inplace)


exp, exp_ = _unary("exp", np.exp, Exp, "e to the power of input")
log, log_ = _unary("log", np.log, Log, "The natural logarithm")
sqrt, sqrt_ = _unary("sqrt", np.sqrt, Sqrt, "The square root")
tanh, tanh_ = _unary("tanh", np.tanh, Tanh, "The hyperbolic tangent")
abs, abs_ = _unary("abs", np.abs, Abs, "The absolute value", integers=True)
absolute = abs
method("absolute", "__abs__")(abs)


class PowNumber(Node):
    """input to the power of a number"""

    __slots__ = ()
    title = "PowBackward0"
    saves = (0,)

    def backward(self, grad):
        (base,) = self.arrays()
        exponent = self.context
        if exponent == 0:
            return (np.zeros_like(grad),)
        with np.errstate(all="ignore"):
            return (np.asarray(grad * (exponent * _power(base, exponent - 1))),)

    def backward_plain(self, grad):
        (base,) = self.tensors()
        exponent = self.context
        if exponent == 0:
            return (grad * 0,)
        return (grad * (exponent * pow(base, exponent - 1)),)


class Pow(Node):
    """input to the power of other"""

    __slots__ = ()
    title = "PowBackward1"
    saves = (0, 1, -1)
    broadcasts = True

    def backward(self, grad):
        base, exponent, output = self.arrays()
        with np.errstate(all="ignore"):
            first = (
                None
                if self.edges[0] is None
                else grad * np.where(exponent == 0, 0, exponent * np.power(base, exponent - 1))
            )
            second = (
                None
                if self.edges[1] is None
                else grad * np.where((base == 0) & (exponent >= 0), 0, output * np.log(base))
            )
        return first if first is None else np.asarray(first), second if second is None else np.asarray(second)

    def backward_plain(self, grad):
        base, exponent, output = self.tensors()
        flat = from_array(np.asarray(exponent._array != 0, grad._array.dtype))
        away = from_array(np.asarray(~((base._array == 0) & (exponent._array >= 0)), grad._array.dtype))
        return (
            None if self.edges[0] is None else grad * (exponent * pow(base, exponent - flat)) * flat,
            None if self.edges[1] is None else grad * output * log(base * away + (1 - away)),
        )


class NumberPow(Node):
    """A number to the power of input"""

    __slots__ = ()
    title = "PowBackward2"
    saves = (0, -1)

    def _slope(self, exponent, output):
        base = output.dtype.type(self.context)
        with np.errstate(all="ignore"):
            slope = output * np.log(base)
        return np.asarray(np.where(exponent >= 0, output.dtype.type(0), slope) if base == 0 else slope)

    def backward(self, grad):
        with np.errstate(all="ignore"):
            return (np.asarray(grad * self._slope(*self.arrays())),)

    def backward_plain(self, grad):
        exponent, output = self.tensors()
        if self.context <= 0:
            return (grad * from_array(self._slope(exponent._array, output._array)),)
        return (grad * output * math.log(self.context),)


def _power(base: np.ndarray, exponent, out=None) -> np.ndarray:
    if exponent == 2:
        return np.multiply(base, base, out=out)
    if exponent == 0.5:
        return np.sqrt(base, out=out)
    return np.power(base, base.dtype.type(exponent), out=out)


def pow(input, exponent):
    """``input ** exponent`` with broadcasting and type promotion; either may be a number.

    Raises:
        RuntimeError: integers to a negative integer power, or shapes that don't broadcast.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.pow.html

    Example:
        >>> import nabi
        >>> nabi.pow(nabi.tensor([1.0, 2.0, 3.0]), 2)
        tensor([1., 4., 9.])
    """
    found = NotImplemented
    if (isinstance(input, Tensor) or isinstance(exponent, Tensor)) and not isinstance(input, np.ndarray):
        found = NotImplemented if isinstance(exponent, np.ndarray) else _pow(input, exponent)
    if found is NotImplemented:
        raise fail(
            TypeError, "pow", "Tensors or numbers", f"{type(input).__name__} and {type(exponent).__name__}"
        )
    return found


def _pow(input, exponent):
    input, exponent = operand(input), operand(exponent)
    if input is None or exponent is None:
        return NotImplemented
    wanted = common_dtype(input, exponent)
    if not wanted.is_floating_point:
        if wanted.name == "bool":
            raise note(NotImplementedError, "pow", "expected numbers, got bools")
        if not isinstance(exponent, Tensor) and exponent < 0:
            raise note(
                RuntimeError,
                "pow",
                "expected integers to a power of at least 0 (negative integer powers are not allowed)",
            )
        a, b = array_of(input, wanted), array_of(exponent, wanted)
        return from_array(through_numpy("pow", _integer_power, (a, b), wanted.numpy))
    if not isinstance(exponent, Tensor):
        base = cast(input, wanted)
        found = through_numpy("pow", lambda x, out: _power(x, exponent, out), (base._array,), wanted.numpy)
        return record(PowNumber, found, wanted, (base,), exponent)
    power = cast(exponent, wanted)
    if not isinstance(input, Tensor):
        base = wanted.numpy.type(input)
        found = through_numpy(
            "pow", lambda y, out: np.power(base, y, out=out), (power._array.copy(order="C"),), wanted.numpy
        )
        return record(NumberPow, found, wanted, (power,), float(input))
    base = cast(input, wanted)
    found = through_numpy("pow", np.power, (base._array, power._array), wanted.numpy)
    return record(Pow, found, wanted, (base, power))


def _integer_power(a, b, out):
    """Integers, which wrap; a negative power gives 1 / a, cut off."""
    negative = b < 0
    np.power(a, np.where(negative, 0, b), out=out)
    if negative.any():
        ones = np.where(a == 1, 1, np.where(a == -1, np.where(b % 2 == 0, 1, -1), 0))
        out[...] = np.where(negative, ones, out)
    return out


method("pow", "__pow__")(_pow_method := lambda self, exponent: _pow(self, exponent))
_pow_method.__name__, _pow_method.__doc__ = "pow", "``self ** exponent``."
method("__rpow__")(lambda self, base: _pow(base, self))
pow_ = inplace_form("pow", pow)
method("__ipow__")(pow_)


def square(input):
    """``input ** 2``."""
    return pow(check_tensor(input, "square"), 2)


method("square")(square)
square_ = inplace_form("square", square)


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
