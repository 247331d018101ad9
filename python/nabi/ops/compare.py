# SPDX-License-Identifier: Apache-2.0
"""Comparisons, logic, and the positions of extremes: results without gradients, computed by numpy."""

from __future__ import annotations

import numpy as np

from ..errors import fail, note
from ..tensor import Tensor, from_array, method, normal_dim
from .promote import array_of, check_tensor, common_dtype, operand, through_numpy


def _wrong(op: str, value) -> Exception:
    if isinstance(value, np.ndarray):
        return fail(
            TypeError, op, "other to be a Tensor or a number", "ndarray; nabi.from_numpy makes a Tensor"
        )
    return fail(TypeError, op, "other to be a Tensor or a number", type(value).__name__)


def _comparison(name: str, ufunc, *names: str):
    def compare(input, other):
        other = operand(other)
        if other is None:
            return NotImplemented
        wanted = common_dtype(input, other)
        arrays = (array_of(input, wanted), array_of(other, wanted))
        return from_array(through_numpy(name, ufunc, arrays, np.dtype(bool)))

    compare.__name__ = name
    compare.__doc__ = f"``input {names[0]} other``, element by element, as a bool tensor. Numbers wrap to an integer tensor's dtype."
    method(f"__{name}__")(compare)

    def checked(input, other):
        check_tensor(input, name)
        found = NotImplemented if isinstance(other, np.ndarray) else compare(input, other)
        if found is NotImplemented:
            raise _wrong(name, other)
        return found

    checked.__name__, checked.__doc__ = name, compare.__doc__
    for each in (name, *names[1:]):
        method(each)(checked)
    return checked


eq = _comparison("eq", np.equal, "==")
ne = _comparison("ne", np.not_equal, "!=", "not_equal")
lt = _comparison("lt", np.less, "<", "less")
le = _comparison("le", np.less_equal, "<=", "less_equal")
gt = _comparison("gt", np.greater, ">", "greater")
ge = _comparison("ge", np.greater_equal, ">=", "greater_equal")
# A class that defines __eq__ loses its hash.
Tensor.__hash__ = object.__hash__


def _bitwise(name: str, ufunc, *names: str):
    def combine(input, other):
        other = operand(other)
        if other is None:
            return NotImplemented
        wanted = common_dtype(input, other)
        if wanted.is_floating_point:
            raise fail(NotImplementedError, name, "integer or bool tensors", wanted)
        return from_array(
            through_numpy(name, ufunc, (array_of(input, wanted), array_of(other, wanted)), wanted.numpy)
        )

    def checked(input, other):
        if not isinstance(input, Tensor) and isinstance(other, Tensor):
            input, other = other, input
        check_tensor(input, name)
        found = NotImplemented if isinstance(other, np.ndarray) else combine(input, other)
        if found is NotImplemented:
            raise _wrong(name, other)
        return found

    combine.__doc__ = checked.__doc__ = f"Bitwise {name[8:]}; logical for bools."
    checked.__name__ = name
    for each in names:
        method(each)(combine)
    return method(name)(checked)


bitwise_and = _bitwise("bitwise_and", np.bitwise_and, "__and__", "__rand__")
bitwise_or = _bitwise("bitwise_or", np.bitwise_or, "__or__", "__ror__")
bitwise_xor = _bitwise("bitwise_xor", np.bitwise_xor, "__xor__", "__rxor__")


def _logical(name: str, ufunc):
    def combine(input, other):
        arrays = (check_tensor(input, name)._array, check_tensor(other, name, "other")._array)
        return from_array(through_numpy(name, ufunc, arrays, np.dtype(bool)))

    combine.__name__, combine.__doc__ = name, f"True where ``{name[8:]}`` of both being not zero holds."
    return method(name)(combine)


logical_and = _logical("logical_and", np.logical_and)
logical_or = _logical("logical_or", np.logical_or)
logical_xor = _logical("logical_xor", np.logical_xor)


@method("__invert__", "bitwise_not")
def bitwise_not(input):
    """Bits flipped; for bools, not."""
    check_tensor(input, "bitwise_not")
    if input.dtype.is_floating_point:
        raise fail(TypeError, "bitwise_not", "an integer or bool tensor", input.dtype)
    return from_array(through_numpy("bitwise_not", np.invert, (input._array,), input._array.dtype))


@method("logical_not")
def logical_not(input):
    """True where the element is zero."""
    array = check_tensor(input, "logical_not")._array
    return from_array(through_numpy("logical_not", np.logical_not, (array,), np.dtype(bool)))


def _test(name: str, ufunc):
    def test(input):
        array = check_tensor(input, name)._array
        return from_array(through_numpy(name, ufunc, (array,), np.dtype(bool)))

    test.__name__, test.__doc__ = name, f"{name[2:]}, element by element."
    return method(name)(test)


isnan = _test("isnan", np.isnan)
isinf = _test("isinf", np.isinf)
isfinite = _test("isfinite", np.isfinite)


def _extreme(name: str, ufunc):
    def position(input, dim=None, keepdim: bool = False, *, axis=None):
        dim = axis if dim is None else dim
        array = check_tensor(input, name)._array
        if input.dtype.name == "bool":
            raise note(RuntimeError, name, "expected numbers, got a bool tensor; use .int()")
        if array.size == 0 and (dim is None or array.shape[normal_dim(dim, array.ndim, name)] == 0):
            raise fail(IndexError, name, "at least one element to choose from", f"shape {array.shape}")
        if dim is None:
            found = np.asarray(ufunc(array.reshape(-1)))
            return from_array(found.reshape((1,) * array.ndim) if keepdim else found)
        dim = normal_dim(dim, array.ndim, name)
        if array.ndim == 0:
            return from_array(np.asarray(0))
        return from_array(np.asarray(ufunc(array, axis=dim, keepdims=keepdim), order="C"))

    position.__name__ = name
    position.__doc__ = f"The index of the {'largest' if name == 'argmax' else 'smallest'} element, of all or along ``dim``; the first of equals, a NaN before all."
    return method(name)(position)


argmax = _extreme("argmax", np.argmax)
argmin = _extreme("argmin", np.argmin)


def _quantifier(name: str):
    def quantify(input, dim=None, keepdim: bool = False):
        array = check_tensor(input, name)._array
        dims = dim if isinstance(dim, (tuple, list)) else (dim,)
        axis = None if dim is None else tuple(normal_dim(d, array.ndim, name) for d in dims)
        if array.ndim == 0:
            axis = None
        found = np.asarray(getattr(array.astype(bool), name)(axis=axis, keepdims=keepdim), order="C")
        return from_array(found.astype(np.uint8) if input.dtype.name == "uint8" else found)

    quantify.__name__, quantify.__doc__ = (
        name,
        f"True where {name} element is not zero, of all or along ``dim``.",
    )
    return method(name)(quantify)


all = _quantifier("all")
any = _quantifier("any")


@method("equal")
def equal(input, other) -> bool:
    """True where both have the same shape and elements."""
    left, right = check_tensor(input, "equal"), check_tensor(other, "equal", "other")
    return left._array.shape == right._array.shape and bool((left._array == right._array).all())


@method("allclose")
def allclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where |input - other| <= atol + rtol |other| everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


@method("isclose")
def isclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    """Where |input - other| <= atol + rtol |other|."""
    check_tensor(input, "isclose")
    check_tensor(other, "isclose", "other")
    if input.dtype is not other.dtype:
        raise fail(RuntimeError, "isclose", f"other of dtype {input.dtype.name}", other.dtype.name)
    if rtol < 0 or atol < 0:
        raise fail(RuntimeError, "isclose", "rtol and atol of at least 0", f"{rtol} and {atol}")
    a, b = input._array, other._array

    def close(a, b, out):
        bound = np.abs(b) * b.dtype.type(rtol) if b.dtype.kind == "f" else np.abs(b.astype(np.float64)) * rtol
        near = np.isfinite(b) & (
            np.abs(a - b if b.dtype.kind == "f" else a.astype(np.float64) - b) <= atol + bound
        )
        both = (a != a) & (b != b) if equal_nan else False
        out[...] = (a == b) | near | both
        return out

    return from_array(through_numpy("isclose", close, (a, b), np.dtype(bool)))


def is_tensor(obj) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)
