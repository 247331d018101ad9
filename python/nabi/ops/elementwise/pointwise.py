# SPDX-License-Identifier: Apache-2.0
"""Exponentials, logarithms, roots and other functions of one element."""

from __future__ import annotations

import math

import numpy as np

from ... import _C
from ...autograd.graph import Node, record
from ...autograd.views import before_change, prepare_inplace, write_result
from ...errors import note
from ...tensor import from_array, method
from ..promote import check_tensor, through_numpy
from .activation import _float_input


class Exp(Node):
    """e^input"""

    __slots__ = ()
    title = "ExpBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.mul(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad * self.tensors()[0],)


class Expm1(Node):
    """e^input - 1"""

    __slots__ = ()
    title = "Expm1Backward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.expm1_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad * (self.tensors()[0] + 1),)


class Log(Node):
    """The natural logarithm"""

    __slots__ = ()
    title = "LogBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.div(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad / self.tensors()[0],)


class Log1p(Node):
    """The natural logarithm of 1 + input"""

    __slots__ = ()
    title = "Log1PBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.log1p_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad / (self.tensors()[0] + 1),)


class Sqrt(Node):
    """The square root"""

    __slots__ = ()
    title = "SqrtBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.sqrt_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad / (2 * self.tensors()[0]),)


class Tanh(Node):
    """The hyperbolic tangent"""

    __slots__ = ()
    title = "TanhBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.tanh_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * (1 - output * output),)


class Erf(Node):
    """The error function"""

    __slots__ = ()
    title = "ErfBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.erf_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (input,) = self.tensors()
        return (grad * (2 / math.sqrt(math.pi) * exp(-(input * input))),)


class Sin(Node):
    """The sine"""

    __slots__ = ()
    title = "SinBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.sin_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad * cos(self.tensors()[0]),)


class Cos(Node):
    """The cosine"""

    __slots__ = ()
    title = "CosBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.cos_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (-grad * sin(self.tensors()[0]),)


class Abs(Node):
    """|input|"""

    __slots__ = ()
    title = "AbsBackward0"
    saves = (0,)

    def backward(self, grad):
        return (_C.abs_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        return (grad * from_array(_signs(self.tensors()[0]._array)),)


def _signs(array):
    """-1, 0 or 1; 0 for NaN, as in PyTorch's gradient of abs."""
    return np.asarray(np.sign(np.where(array == array, array, 0)), array.dtype)


def _unary(name: str, kernel, kind, formula: str, at: float, shown: str):
    """The function, its method and its in-place form; `at` and what is `shown` there are its example."""

    def function(input):
        input = _float_input(input, name)
        return record(kind, kernel(input._array), input.dtype, (input,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{formula}, element by element; integers give float32.

    Args:
        input: any shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html

    Example:
        >>> import nabi
        >>> nabi.{name}(nabi.tensor([{at}]))
        tensor([{shown}])
    """
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


exp, exp_ = _unary("exp", _C.exp, Exp, "e to the power of input", 1.0, "2.7183")
expm1, expm1_ = _unary(
    "expm1", _C.expm1, Expm1, "e to the power of input minus 1, accurate near 0", 1e-5, "1.0000e-05"
)
log, log_ = _unary("log", _C.log, Log, "The natural logarithm", 2.0, "0.6931")
log1p, log1p_ = _unary(
    "log1p", _C.log1p, Log1p, "The natural logarithm of 1 + input, accurate near 0", 1.0, "0.6931"
)
sqrt, sqrt_ = _unary("sqrt", _C.sqrt, Sqrt, "The square root", 2.0, "1.4142")
tanh, tanh_ = _unary("tanh", _C.tanh, Tanh, "The hyperbolic tangent", 1.0, "0.7616")
erf, erf_ = _unary(
    "erf",
    _C.erf,
    Erf,
    "The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to input",
    1.0,
    "0.8427",
)
sin, sin_ = _unary("sin", _C.sin, Sin, "The sine of an angle in radians", 1.0, "0.8415")
cos, cos_ = _unary("cos", _C.cos, Cos, "The cosine of an angle in radians", 1.0, "0.5403")


def abs(input):
    """|input|, element by element.

    Args:
        input: any shape; integers stay integers.

    Raises:
        NotImplementedError: a bool tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.abs.html

    Example:
        >>> import nabi
        >>> nabi.abs(nabi.tensor([-1, 2]))
        tensor([1, 2])
    """
    check_tensor(input, "abs")
    if input.dtype.is_floating_point:
        return record(Abs, _C.abs(input._array), input.dtype, (input,))
    if input.dtype.name == "bool":
        raise note(NotImplementedError, "abs", "expected numbers, got a bool tensor")
    return from_array(through_numpy("abs", np.abs, (input._array,), input._array.dtype))


method("abs", "absolute", "__abs__")(abs)
absolute, abs_ = abs, inplace_form("abs", abs)
