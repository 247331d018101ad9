# SPDX-License-Identifier: Apache-2.0
"""Powers with broadcasting; integers go through numpy."""

from __future__ import annotations

import math

import numpy as np

from ... import _C
from ...autograd.graph import Node, record
from ...errors import fail, note
from ...tensor import Tensor, from_array, method
from ..promote import array_of, cast, check_tensor, common_dtype, copied, operand, through_numpy
from .pointwise import inplace_form, log


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
        return (_C.mul(grad, _C.mul(_power(base, exponent - 1), float(exponent))),)

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
        edges = self.edges
        return (
            None if edges[0] is None else _C.mul(grad, _C.pow_base_slope(base, exponent)),
            None if edges[1] is None else _C.mul(grad, _C.mul(output, _C.pow_exponent_slope(base, exponent))),
        )

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
        return _C.mul(output, _C.pow_exponent_slope(self.context, exponent))

    def backward(self, grad):
        return (_C.mul(grad, self._slope(*self.arrays())),)

    def backward_plain(self, grad):
        exponent, output = self.tensors()
        if self.context <= 0:
            return (grad * from_array(self._slope(exponent._array, output._array)),)
        return (grad * output * math.log(self.context),)


def _power(base: np.ndarray, exponent) -> np.ndarray:
    """base to the power of a number, which may have a shorter way."""
    if exponent == 2:
        return _C.mul(base, base)
    if exponent == 1:
        return base
    if exponent == 3:
        return _C.mul(_C.mul(base, base), base)
    if exponent == 0.5:
        return _C.sqrt(base)
    if exponent == -1:
        return _C.div(1.0, base)
    return _C.pow(base, float(exponent))


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
        found = copied(base._array) if exponent == 1 else _power(base._array, exponent)
        return record(PowNumber, found, wanted, (base,), exponent)
    power = cast(exponent, wanted)
    if not isinstance(input, Tensor):
        number, array = float(input), power._array
        # PyTorch's result is contiguous here, whatever the tensor is.
        array = array if array.flags.c_contiguous else array.copy(order="C")
        return record(NumberPow, _C.pow(number, array), wanted, (power,), number)
    base = cast(input, wanted)
    return record(Pow, _C.pow(base._array, power._array), wanted, (base, power))


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
