# SPDX-License-Identifier: Apache-2.0
"""What dtype and shape a user's data has: numbers, nested sequences, arrays, tensors."""

from __future__ import annotations

import numpy as np

from ..dtype import as_dtype, bool_, get_default_dtype, int64, promote_types
from ..dtype import from_numpy as numpy_dtype
from ..errors import fail, note
from ..tensor import Tensor
from .promote import copied

_PYTHON = {float, int, bool}


def _first_leaf(data):
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    return data


def _collect(data, dtypes: set, types: set) -> None:
    """Adds the dtypes that the elements of nested sequences bring, and the types of those that bring none."""
    if isinstance(data, (list, tuple, range)):
        kinds = set(map(type, data))
        types |= kinds & _PYTHON
        if not kinds <= _PYTHON:
            for each in data:
                if type(each) not in _PYTHON:
                    _collect(each, dtypes, types)
    elif isinstance(data, Tensor):
        dtypes.add(data.dtype)
    elif isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind in "fiub":
        dtypes.add(numpy_dtype(data.dtype))
    else:
        types.add(type(data))


def array_of(data, dtype, op: str) -> np.ndarray:
    """A fresh array with the values of numbers, nested sequences, arrays or tensors."""
    wanted = None if dtype is None else as_dtype(dtype, op)
    if isinstance(data, Tensor):
        return copied(data._array, None if wanted is None else wanted.numpy)
    if isinstance(data, np.ndarray):
        if data.dtype.kind == "c":
            raise _complex(op)
        target = numpy_dtype(data.dtype) if wanted is None else wanted
        with np.errstate(all="ignore"):
            return np.array(data, dtype=target.numpy, order="K", subok=False)
    if not isinstance(data, (list, tuple, str, bytes, dict, np.generic)):
        if hasattr(data, "__array__"):
            return array_of(np.asarray(data), dtype, op)
        if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
            data = list(data)
    dtypes: set = set()
    types: set = set()
    _collect(data, dtypes, types)
    for kind in types - _PYTHON:
        if kind is complex or issubclass(kind, np.complexfloating):
            raise _complex(op)
        if issubclass(kind, (str, bytes, np.generic)):
            raise fail(TypeError, op, "numbers, sequences of them, arrays or tensors", _kind(data))
        if kind not in (list, tuple, range) and not issubclass(kind, (float, int, list, tuple)):
            raise fail(
                RuntimeError,
                op,
                "numbers, sequences of them, arrays or tensors",
                f"{kind.__name__} in {_kind(data)}" if kind is not type(data) else kind.__name__,
            )
    if wanted is None:
        wanted = _common(dtypes, types)
    if dtypes and any(isinstance(each, Tensor) for each in _leaves(data)):
        data = _numbers(data, op)
    try:
        array = np.array(data)
    except ValueError as error:
        kind = TypeError if _mixed(data) else ValueError
        raise note(kind, op, f"expected numbers in a regular shape ({error})") from None
    if array.dtype.kind in "Ou" and not dtypes and array.size:
        # Python integers beyond int64 (kind u: beyond int64, within uint64).
        if not wanted.is_floating_point:
            raise note(ValueError, op, "expected integers within int64, got a larger one (Overflow)")
        array = array.astype(np.float64)
    if array.size == 0:
        return array.astype(wanted.numpy)
    if wanted.numpy.kind in "iu" and array.dtype != wanted.numpy:
        _check_range(array, wanted, op)
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f" and wanted.numpy.kind == "u":
            array = array.astype(np.int64)
        return array.astype(wanted.numpy, copy=False)


def _complex(op: str) -> Exception:
    return fail(TypeError, op, "real numbers", "complex ones, which nabi does not support")


def _common(dtypes: set, types: set):
    """The dtype of elements with these dtypes and Python types: the widest of all."""
    found = None
    own = {int: int64, bool: bool_, float: get_default_dtype()}
    for each in (*dtypes, *(own[kind] for kind in own if kind in types)):
        found = each if found is None else promote_types(found, each)
    return get_default_dtype() if found is None else found


def _check_range(array: np.ndarray, wanted, op: str) -> None:
    limits = np.iinfo(wanted.numpy)
    lowest = limits.min or -limits.max  # negative numbers wrap in uint8
    low, high = array.min(), array.max()
    if not (lowest <= low and high <= limits.max):
        raise fail(
            RuntimeError, op, f"values that {wanted.name} can hold", low if not lowest <= low else high
        )


def _leaves(data):
    if isinstance(data, (list, tuple)):
        for each in data:
            yield from _leaves(each)
    else:
        yield data


def _mixed(data) -> bool:
    """True where a sequence and a number stand side by side."""
    if not isinstance(data, (list, tuple)):
        return False
    nested = [isinstance(each, (list, tuple, np.ndarray)) for each in data]
    return any(nested) != all(nested) or any(_mixed(each) for each in data)


def _numbers(data, op: str):
    if isinstance(data, Tensor):
        if data._array.size != 1:
            raise fail(
                TypeError,
                op,
                "tensors of one element inside a sequence",
                f"shape {tuple(data._array.shape)}; use stack",
            )
        return data._array.item()
    return [_numbers(each, op) for each in data] if isinstance(data, (list, tuple)) else data


def _kind(data) -> str:
    leaf = _first_leaf(data)
    return f"a {type(data).__name__}" + (f" of {type(leaf).__name__}" if leaf is not data else "")
