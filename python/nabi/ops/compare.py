# SPDX-License-Identifier: Apache-2.0
"""Comparisons, logic, and the positions of extremes: results without gradients, computed by numpy."""

from __future__ import annotations

import numpy as np

from ..errors import fail
from ..tensor import Tensor, from_array, method, normal_dim
from .promote import check_tensor, common_dtype, is_number


def _operands(input, other):
    """Both as arrays of the common dtype, or None where ``other`` is neither tensor nor number."""
    if not isinstance(other, Tensor) and not is_number(other):
        return None
    wanted = common_dtype(input, other).numpy
    right = other._array if isinstance(other, Tensor) else np.asarray(other)
    if right.dtype.kind == "i" and wanted.kind != "f" and right.ndim == 0:
        return input._array.astype(np.int64), right  # a number outside a narrow integer's range compares, too
    return input._array.astype(wanted, copy=False), right.astype(wanted, copy=False)


def _comparison(name: str, ufunc, *names: str):
    def compare(input, other):
        operands = _operands(input, other)
        if operands is None:
            return NotImplemented
        with np.errstate(all="ignore"):
            try:
                found = ufunc(*operands)
            except ValueError:
                raise fail(
                    RuntimeError, name, "shapes that broadcast", f"{operands[0].shape} and {operands[1].shape}"
                ) from None
        return from_array(np.asarray(found))

    compare.__name__ = name
    compare.__doc__ = f"``input {names[0]} other``, element by element, as a bool tensor."
    method(f"__{name}__")(compare)

    def checked(input, other):
        found = compare(check_tensor(input, name), other)
        if found is NotImplemented:
            raise fail(TypeError, name, "other to be a Tensor or a number", type(other).__name__)
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


def _logic(name: str, ufunc, *names: str):
    def combine(input, other):
        wanted = common_dtype(input, other)
        if wanted.is_floating_point:
            raise fail(RuntimeError, name, "integer or bool tensors", wanted)
        right = other._array if isinstance(other, Tensor) else np.asarray(other)
        return from_array(
            np.asarray(ufunc(input._array.astype(wanted.numpy, copy=False), right.astype(wanted.numpy, copy=False)))
        )

    combine.__doc__ = f"Bitwise {name[8:]}; logical for bools."
    for each in (name, *names):
        method(each)(combine)
    return combine


bitwise_and = _logic("bitwise_and", np.bitwise_and, "__and__", "__rand__")
bitwise_or = _logic("bitwise_or", np.bitwise_or, "__or__", "__ror__")
bitwise_xor = _logic("bitwise_xor", np.bitwise_xor, "__xor__", "__rxor__")


@method("__invert__", "bitwise_not")
def bitwise_not(input):
    """Bits flipped; for bools, not."""
    if input.dtype.is_floating_point:
        raise fail(RuntimeError, "bitwise_not", "an integer or bool tensor", input.dtype)
    return from_array(np.invert(input._array))


@method("logical_not")
def logical_not(input):
    """True where the element is zero."""
    return from_array(np.logical_not(input._array))


def _test(name: str, ufunc):
    def test(input):
        if not input.dtype.is_floating_point:
            return from_array(np.full(input._array.shape, name == "isfinite"))
        return from_array(np.asarray(ufunc(input._array)))

    test.__name__, test.__doc__ = name, f"{name[2:]}, element by element."
    return method(name)(test)


isnan = _test("isnan", np.isnan)
isinf = _test("isinf", np.isinf)
isfinite = _test("isfinite", np.isfinite)


def _extreme(name: str, ufunc):
    def position(input, dim=None, keepdim: bool = False):
        array = check_tensor(input, name)._array
        if array.size == 0 and (dim is None or array.shape[normal_dim(dim, array.ndim, name)] == 0):
            raise fail(IndexError, name, "at least one element to choose from", f"shape {array.shape}")
        if dim is None:
            found = np.asarray(ufunc(array.reshape(-1)))
            return from_array(found.reshape((1,) * array.ndim) if keepdim else found)
        if array.ndim == 0:
            normal_dim(dim, 0, name)
            return from_array(np.asarray(0))
        return from_array(np.asarray(ufunc(array, axis=normal_dim(dim, array.ndim, name), keepdims=keepdim)))

    position.__name__ = name
    position.__doc__ = f"The index of the {'largest' if name == 'argmax' else 'smallest'} element, of all or along ``dim``; the first of equals, a NaN before all."
    return method(name)(position)


argmax = _extreme("argmax", np.argmax)
argmin = _extreme("argmin", np.argmin)


def _quantifier(name: str):
    def quantify(input, dim=None, keepdim: bool = False):
        array = check_tensor(input, name)._array
        axis = None if dim is None else normal_dim(dim, array.ndim, name)
        return from_array(np.asarray(getattr(array.astype(bool), name)(axis=axis, keepdims=keepdim)))

    quantify.__name__, quantify.__doc__ = name, f"True where {name} element is not zero, of all or along ``dim``."
    return method(name)(quantify)


all = _quantifier("all")
any = _quantifier("any")


@method("equal")
def equal(input, other) -> bool:
    """True where both have the same shape and elements."""
    return input._array.shape == other._array.shape and bool((input._array == other._array).all())


@method("allclose")
def allclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where |input - other| <= atol + rtol |other| everywhere."""
    if input.dtype is not other.dtype:
        raise fail(RuntimeError, "allclose", f"other of dtype {input.dtype.name}", other.dtype.name)
    return bool(np.allclose(input._array, other._array, rtol=rtol, atol=atol, equal_nan=equal_nan))


def is_tensor(obj) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)
