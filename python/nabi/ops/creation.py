# SPDX-License-Identifier: Apache-2.0
"""Tensors from data and from nothing."""

from __future__ import annotations

import numpy as np

from ..dtype import as_dtype, get_default_dtype, int64, of_number
from ..dtype import from_numpy as numpy_dtype
from ..errors import fail, note
from ..tensor import Tensor, from_array, method
from .promote import check_device


def _first_leaf(data):
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    return data


def _array_of(data, dtype, op: str) -> np.ndarray:
    """A fresh array with the values of numbers, nested sequences, arrays or tensors."""
    if isinstance(data, Tensor):
        data = data._array
    if isinstance(data, np.ndarray):
        array = np.array(data, order="C")
    else:
        if isinstance(data, (list, tuple)) and isinstance(_first_leaf(data), Tensor):
            data = _numbers(data)
        try:
            array = np.array(data)
        except (ValueError, OverflowError) as error:
            raise note(ValueError, op, f"expected numbers in a regular shape ({error})") from None
        if array.dtype == object or array.dtype.kind not in "fiub":
            if array.dtype.kind == "c":
                raise fail(TypeError, op, "real numbers", "complex ones, which nabi does not support")
            raise fail(TypeError, op, "numbers, sequences of them, arrays or tensors", _kind(data))
        if dtype is None and array.dtype == np.float64 and not isinstance(_first_leaf(data), np.generic):
            array = array.astype(get_default_dtype().numpy)
        elif array.dtype.kind == "u" and not isinstance(_first_leaf(data), np.generic):
            raise note(RuntimeError, op, "expected integers within int64, got a larger one (Overflow)")
    if dtype is not None:
        wanted = as_dtype(dtype, op).numpy
        if array.dtype != wanted:
            if wanted.kind in "iu" and array.dtype.kind in "iu" and not isinstance(data, np.ndarray) and array.size:
                limits = np.iinfo(wanted)
                if array.min() < limits.min or array.max() > limits.max:
                    raise fail(RuntimeError, op, f"values from {limits.min} to {limits.max} for {wanted}", _kind(data))
            with np.errstate(all="ignore"):
                array = array.astype(wanted)
    found = numpy_dtype(array.dtype)
    return array if array.dtype == found.numpy and array.dtype.isnative else array.astype(found.numpy)


def _numbers(data):
    if isinstance(data, Tensor):
        return data.item() if data._array.ndim == 0 else data._array.tolist()
    return [_numbers(each) for each in data] if isinstance(data, (list, tuple)) else data


def _kind(data) -> str:
    leaf = _first_leaf(data)
    return f"a {type(data).__name__}" + (f" of {type(leaf).__name__}" if leaf is not data else "")


def tensor(data, *, dtype=None, device=None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A Tensor with a copy of the data.

    Args:
        data: a number, nested sequences of numbers, a numpy array or a Tensor.
        dtype: default: float32 for Python floats, int64 for ints, bool for bools, an array's own.

    Raises:
        TypeError, ValueError: data that is not numbers in a regular shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor.html

    Example:
        >>> import nabi
        >>> nabi.tensor([[1, 2], [3, 4]]).shape
        torch.Size([2, 2])
    """
    check_device(device)
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
    out = from_array(_array_of(data, dtype, "tensor"))
    if requires_grad:
        out.requires_grad = True
    return out


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A Tensor on the array's own memory: each sees the other's writes.

    An array that kernels can't read (big-endian, misaligned, negative strides) is refused with what to do; a read-only
    one is taken with a warning, and in-place operations on it raise.

    Raises:
        TypeError: not an array, or a dtype nabi lacks. ValueError: byte order, alignment, negative strides.
    """
    if not isinstance(ndarray, np.ndarray):
        raise fail(TypeError, "from_numpy", "a numpy array", type(ndarray).__name__)
    numpy_dtype(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise note(ValueError, "from_numpy", "expected native byte order, got the other; use array.astype(array.dtype.newbyteorder('='))")
    if not ndarray.flags.aligned or any(step % ndarray.itemsize for step in ndarray.strides):
        raise note(ValueError, "from_numpy", "expected an aligned array, got a misaligned one; use array.copy()")
    if any(step < 0 for step in ndarray.strides):
        raise note(ValueError, "from_numpy", "expected strides of at least 0, got negative ones; use array.copy()")
    if not ndarray.flags.writeable:
        import warnings

        warnings.warn(
            "from_numpy: the array is read-only; the tensor on it can be read, but in-place operations will raise",
            UserWarning,
            stacklevel=2,
        )
    return from_array(_own_view(ndarray))


def _own_view(array: np.ndarray) -> np.ndarray:
    """The same memory as a plain array whose chain of owners ends here: a slice is saved and counted as a slice."""
    return np.asarray(memoryview(array)) if array.size else array.view(np.ndarray)


def as_tensor(data, dtype=None, device=None) -> Tensor:
    """``data`` as a Tensor, sharing memory where it can."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        wanted = None if dtype is None else as_dtype(dtype, "as_tensor")
        if (wanted is None or wanted.numpy == data.dtype) and data.flags.writeable:
            return from_numpy(data)
    return from_array(_array_of(data, dtype, "as_tensor"))


def _shape(size, op: str) -> tuple[int, ...]:
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    shape = []
    for each in size:
        if not hasattr(each, "__index__"):
            raise fail(TypeError, op, "sizes to be ints", type(each).__name__)
        each = each.__index__()
        if each < 0:
            raise fail(RuntimeError, op, "sizes of at least 0", list(size))
        shape.append(each)
    return tuple(shape)


def _finish(array: np.ndarray, device, requires_grad: bool) -> Tensor:
    check_device(device)
    out = from_array(array)
    if requires_grad:
        out.requires_grad = True
    return out


def _wanted(dtype, op: str) -> np.dtype:
    return (get_default_dtype() if dtype is None else as_dtype(dtype, op)).numpy


def _allocate(make, shape, dtype, op: str):
    try:
        return make(shape, dtype)
    except (ValueError, MemoryError) as error:
        raise note(RuntimeError, op, f"expected a size that memory can hold, got {list(shape)} ({error})") from None


def zeros(*size, dtype=None, device=None, requires_grad: bool = False, out=None, layout=None, pin_memory=False) -> Tensor:
    """Zeros of a shape: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _filled(np.zeros, size, dtype, device, requires_grad, out, "zeros")


def ones(*size, dtype=None, device=None, requires_grad: bool = False, out=None, layout=None, pin_memory=False) -> Tensor:
    """Ones of a shape."""
    return _filled(np.ones, size, dtype, device, requires_grad, out, "ones")


def empty(*size, dtype=None, device=None, requires_grad: bool = False, out=None, layout=None, pin_memory=False, memory_format=None) -> Tensor:
    """A tensor whose values are whatever was in memory."""
    return _filled(np.empty, size, dtype, device, requires_grad, out, "empty")


def _filled(make, size, dtype, device, requires_grad, out, op: str) -> Tensor:
    if out is not None:
        raise note(NotImplementedError, op, "out= is not supported; assign the result")
    return _finish(_allocate(make, _shape(size, op), _wanted(dtype, op), op), device, requires_grad)


def full(size, fill_value, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """One value everywhere; its type decides the dtype unless given."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    wanted = as_dtype(dtype, "full") if dtype is not None else of_number(value)
    shape = _shape((size,), "full")
    return _finish(_allocate(lambda s, d: np.full(s, value, d), shape, wanted.numpy, "full"), device, requires_grad)


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to but without ``end``; int64 unless an argument is a float."""
    if end is None:
        start, end = 0, start
    start, end, step = (each.item() if isinstance(each, (Tensor, np.generic)) else each for each in (start, end, step))
    if step == 0:
        raise fail(RuntimeError, "arange", "step not zero", step)
    if (end - start) * step < 0:
        raise fail(RuntimeError, "arange", "bounds in the direction of the step", f"{start}, {end}, step {step}")
    if dtype is None:
        floats = any(isinstance(each, float) for each in (start, end, step))
        wanted = get_default_dtype() if floats else int64
    else:
        wanted = as_dtype(dtype, "arange")
    if any(isinstance(each, float) for each in (start, end, step)):
        import math

        count = math.ceil((end - start) / step)
        array = (start + step * np.arange(count, dtype=np.float64)).astype(wanted.numpy)
    else:
        array = np.arange(start, end, step, dtype=np.int64).astype(wanted.numpy)
    return _finish(array, device, requires_grad)


def linspace(start, end, steps: int, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """``steps`` values from ``start`` to ``end``, both included, evenly apart, from both ends to the middle."""
    wanted = _wanted(dtype, "linspace")
    if steps < 0:
        raise fail(RuntimeError, "linspace", "steps of at least 0", steps)
    start, end = (each.item() if isinstance(each, Tensor) else each for each in (start, end))
    scalar = wanted.type if wanted.kind == "f" else np.float64
    if steps == 1:
        return _finish(np.array([start]).astype(wanted), device, requires_grad)
    step = scalar((scalar(end) - scalar(start)) / scalar(max(steps - 1, 1)))
    at = np.arange(steps)
    array = np.where(at < steps // 2, scalar(start) + step * at.astype(scalar), scalar(end) - step * (steps - at - 1).astype(scalar))
    return _finish(array.astype(wanted), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an (n, m) matrix."""
    return _finish(np.eye(n, m, dtype=_wanted(dtype, "eye")), device, requires_grad)


def _like(make, name: str):
    def like(input, *, dtype=None, device=None, requires_grad: bool = False, memory_format=None, layout=None):
        wanted = input.dtype if dtype is None else as_dtype(dtype, name)
        dense = np.empty_like(input._array, dtype=wanted.numpy, order="K")
        return _finish(make(dense), device, requires_grad)

    like.__name__, like.__doc__ = name, f"``{name[:-5]}`` with the shape, dtype and layout of ``input``."
    return like


def _zeroed(array):
    array[...] = 0
    return array


def _oned(array):
    array[...] = 1
    return array


zeros_like = _like(_zeroed, "zeros_like")
ones_like = _like(_oned, "ones_like")
empty_like = _like(lambda array: array, "empty_like")


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """``fill_value`` with the shape, dtype and layout of ``input``."""
    out = empty_like(input, dtype=dtype, device=device)
    out._array[...] = fill_value
    if requires_grad:
        out.requires_grad = True
    return out


def _new(make):
    def new(self, *size, dtype=None, device=None, requires_grad: bool = False):
        return make(*size, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)

    new.__doc__ = f"``{make.__name__}`` with this tensor's dtype."
    return new


method("new_zeros")(_new(zeros))
method("new_ones")(_new(ones))
method("new_empty")(_new(empty))


@method("new_full")
def _new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad: bool = False):
    """``full`` with this tensor's dtype."""
    return full(size, fill_value, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


@method("new_tensor")
def _new_tensor(self, data, *, dtype=None, device=None, requires_grad: bool = False):
    """``tensor(data)`` with this tensor's dtype."""
    return tensor(data, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


def _constructed(*data) -> Tensor:
    """``Tensor(data)`` and ``Tensor(2, 3)``: PyTorch's old constructor, float32."""
    if not data:
        return empty(0)
    if len(data) == 1 and not isinstance(data[0], int):
        return from_array(_array_of(data[0], get_default_dtype(), "Tensor"))
    return empty(*data)


Tensor._constructor = staticmethod(_constructed)


def FloatTensor(*data) -> Tensor:
    """``Tensor(...)`` in float32."""
    return _constructed(*data).float()


def LongTensor(*data) -> Tensor:
    """``Tensor(...)`` in int64."""
    if len(data) == 1 and not isinstance(data[0], int):
        return from_array(_array_of(data[0], int64, "LongTensor"))
    return empty(*data, dtype=int64)


@method("type")
def type_(self, dtype=None):
    """Without an argument the old type's name (``torch.FloatTensor``), else ``to(dtype)``."""
    if dtype is None:
        names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool"}
        return f"torch.{names[self.dtype.name]}Tensor"
    return self.to(dtype)


__all__ = [
    "FloatTensor", "LongTensor", "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like",
    "linspace", "ones", "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip
