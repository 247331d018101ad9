# SPDX-License-Identifier: Apache-2.0
"""The eight dtypes and PyTorch's promotion rules (which are not numpy's)."""

from __future__ import annotations

import numpy as np

from .errors import fail, note

# Categories: a result takes the highest among its operands.
BOOL, INTEGER, FLOAT = 0, 1, 2


class dtype:
    """An element type. ``repr`` is PyTorch's, so that what a script prints does not change with the import."""

    __slots__ = ("category", "is_floating_point", "is_signed", "itemsize", "name", "numpy")
    is_complex = False

    def __init__(self, name: str, category: int):
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.category = category
        self.is_floating_point = category == FLOAT
        self.is_signed = name not in ("uint8", "bool")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return _named, (self.name,)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


float32 = dtype("float32", FLOAT)
float64 = dtype("float64", FLOAT)
int64 = dtype("int64", INTEGER)
int32 = dtype("int32", INTEGER)
int16 = dtype("int16", INTEGER)
int8 = dtype("int8", INTEGER)
uint8 = dtype("uint8", INTEGER)
bool_ = dtype("bool", BOOL)

ALL = (float32, float64, int64, int32, int16, int8, uint8, bool_)
_by_name = {each.name: each for each in ALL}
_by_numpy = {each.numpy: each for each in ALL}
_by_python = {float: float64, int: int64, bool: bool_}
_default = float32


def _named(name: str) -> dtype:
    return _by_name[name]


def from_numpy(numpy_dtype: np.dtype) -> dtype:
    """nabi's dtype of a numpy dtype (either byte order); TypeError for one that nabi lacks."""
    found = _by_numpy.get(numpy_dtype)
    if found is None:
        numpy_dtype = np.dtype(numpy_dtype)
        found = _by_numpy.get(numpy_dtype.newbyteorder("="))
        if found is None:
            raise fail(TypeError, "dtype", f"one of {', '.join(_by_name)}", numpy_dtype)
    return found


def as_dtype(value: object, op: str) -> dtype:
    """A nabi dtype from a dtype argument: nabi's own, or Python's float, int and bool as PyTorch takes them."""
    if type(value) is dtype:
        return value
    if value in _by_python:
        return _by_python[value]
    raise fail(TypeError, op, "dtype to be a nabi dtype such as nabi.float32", repr(value))


def get_default_dtype() -> dtype:
    """The dtype of Python floats, float32 unless changed."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Makes ``d`` (float32 or float64) the dtype of Python floats in ``nabi.tensor`` and of creation functions."""
    global _default
    d = as_dtype(d, "set_default_dtype")
    if not d.is_floating_point:
        raise fail(TypeError, "set_default_dtype", "a floating-point dtype", d)
    _default = d


def of_number(value: object) -> dtype:
    """The dtype a Python number brings into an operation."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return _default


_RANK = {bool_: 0, uint8: 1, int8: 1, int16: 2, int32: 3, int64: 4, float32: 5, float64: 6}


def promote_types(a: dtype, b: dtype) -> dtype:
    """The narrowest dtype that both fit in: ``uint8`` with ``int8`` is ``int16``, any integer with float32 is float32."""
    if a is b:
        return a
    if _RANK[a] == _RANK[b]:
        return int16
    wider = a if _RANK[a] > _RANK[b] else b
    return wider


def result_of(operands: list[tuple[dtype, int]]) -> dtype:
    """PyTorch's result type. An operand is (dtype, kind): kind 2 for one with dimensions, 1 for a 0-d tensor, 0 for a
    Python number. A lower kind raises the result only where its category is higher."""
    best: dtype | None = None
    for kind in (2, 1, 0):
        own: dtype | None = None
        for operand, its_kind in operands:
            if its_kind == kind:
                own = operand if own is None else promote_types(own, operand)
        if own is None:
            continue
        if best is None:
            best = own
        elif own.category > best.category:
            best = promote_types(best, own) if kind else own
    if best is None:
        raise note(ValueError, "result_type", "expected at least one operand, got none")
    return best


def can_cast(source: dtype, target: dtype) -> bool:
    """True where an in-place operation may write ``source`` into ``target``: never to a lower category."""
    return source.category <= target.category
