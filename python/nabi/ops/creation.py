# SPDX-License-Identifier: Apache-2.0
"""Tensors from data and from nothing."""

from __future__ import annotations

import math

import numpy as np

from ..dtype import ALL, as_dtype, get_default_dtype, int64, of_number
from ..dtype import from_numpy as numpy_dtype
from ..errors import fail, note
from ..tensor import Size, Tensor, from_array, method
from ._data import array_of
from .promote import check_device, check_tensor, checked_number, copied, empty_laid_out


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
    out = from_array(array_of(data, dtype, "tensor"))
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
        raise note(
            ValueError,
            "from_numpy",
            "expected native byte order, got the other; use array.astype(array.dtype.newbyteorder('='))",
        )
    if not ndarray.flags.aligned or any(step % ndarray.itemsize for step in ndarray.strides):
        raise note(
            ValueError, "from_numpy", "expected an aligned array, got a misaligned one; use array.copy()"
        )
    if any(step < 0 for step in ndarray.strides):
        raise note(
            ValueError, "from_numpy", "expected strides of at least 0, got negative ones; use array.copy()"
        )
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
    return from_array(array_of(data, dtype, "as_tensor"))


def _shape(size, op: str) -> tuple[int, ...]:
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    elif not size:
        raise note(TypeError, op, "expected sizes, got none; () makes a 0-d tensor")
    shape = []
    for each in size:
        if isinstance(each, bool) or not hasattr(each, "__index__"):
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
        raise note(
            RuntimeError, op, f"expected a size that memory can hold, got {list(shape)} ({error})"
        ) from None


def zeros(
    *sizes,
    size=None,
    dtype=None,
    device=None,
    requires_grad: bool = False,
    out=None,
    layout=None,
    pin_memory=False,
) -> Tensor:
    """Zeros of a shape: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _filled(np.zeros, sizes if size is None else (size,), dtype, device, requires_grad, out, "zeros")


def ones(
    *sizes,
    size=None,
    dtype=None,
    device=None,
    requires_grad: bool = False,
    out=None,
    layout=None,
    pin_memory=False,
) -> Tensor:
    """Ones of a shape."""
    return _filled(np.ones, sizes if size is None else (size,), dtype, device, requires_grad, out, "ones")


def empty(
    *sizes,
    size=None,
    dtype=None,
    device=None,
    requires_grad: bool = False,
    out=None,
    layout=None,
    pin_memory=False,
    memory_format=None,
) -> Tensor:
    """A tensor whose values are whatever was in memory."""
    return _filled(np.empty, sizes if size is None else (size,), dtype, device, requires_grad, out, "empty")


def _filled(make, size, dtype, device, requires_grad, out, op: str) -> Tensor:
    if out is not None:
        raise note(NotImplementedError, op, "out= is not supported; assign the result")
    return _finish(_allocate(make, _shape(size, op), _wanted(dtype, op), op), device, requires_grad)


def full(size, fill_value, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """One value everywhere; its type decides the dtype unless given.

    Raises:
        RuntimeError: a value that the dtype cannot hold.
    """
    if not isinstance(size, (tuple, list)):
        raise fail(TypeError, "full", "size to be a tuple of ints", type(size).__name__)
    value = fill_value.item() if isinstance(fill_value, (Tensor, np.generic)) else fill_value
    wanted = as_dtype(dtype, "full") if dtype is not None else of_number(value)
    value = checked_number(value, wanted, "full")
    shape = _shape((size,), "full")
    return _finish(
        _allocate(lambda s, d: np.full(s, value, d), shape, wanted.numpy, "full"), device, requires_grad
    )


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to but without ``end``; int64 unless an argument is a float.

    Example:
        >>> import nabi
        >>> nabi.arange(1, 2.5, 0.5)
        tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        start, end = 0, start
    bounds = [each.item() if isinstance(each, (Tensor, np.generic)) else each for each in (start, end, step)]
    for each in bounds:
        if not isinstance(each, (float, int)):
            raise fail(TypeError, "arange", "numbers", type(each).__name__)
    floats = any(isinstance(each, float) for each in bounds)
    wanted = as_dtype(dtype, "arange") if dtype is not None else get_default_dtype() if floats else int64
    if wanted.name == "bool":
        raise note(NotImplementedError, "arange", "expected a dtype of numbers, got bool")
    if any(each in (math.inf, -math.inf) or each != each for each in bounds):
        raise fail(RuntimeError, "arange", "finite bounds", f"{bounds[0]}, {bounds[1]}, step {bounds[2]}")
    if wanted is int64:
        bounds = [int(each) for each in bounds]
    start, end, step = bounds
    if step == 0:
        raise fail(RuntimeError, "arange", "step not zero", step)
    if (end - start) * step < 0:
        raise fail(
            RuntimeError, "arange", "bounds in the direction of the step", f"{start}, {end}, step {step}"
        )
    count = -((start - end) // step) if wanted is int64 else math.ceil((end - start) / step)
    positions = _allocate(lambda s, d: np.arange(s[0], dtype=d), (count,), np.int64, "arange")
    if not wanted.is_floating_point:
        start, step = int(start), int(step)
    elif floats:
        positions = positions.astype(np.float64)
    with np.errstate(all="ignore"):
        return _finish((start + step * positions).astype(wanted.numpy), device, requires_grad)


def linspace(start, end, steps: int, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """``steps`` values from ``start`` to ``end``, both included, evenly apart, from both ends to the middle."""
    wanted = _wanted(dtype, "linspace")
    if not hasattr(steps, "__index__"):
        raise fail(TypeError, "linspace", "steps to be an int", type(steps).__name__)
    steps = steps.__index__()
    if steps < 0:
        raise fail(RuntimeError, "linspace", "steps of at least 0", steps)
    start, end = (each.item() if isinstance(each, Tensor) else each for each in (start, end))
    scalar = wanted.type if wanted.kind == "f" else np.float64
    if steps == 1:
        return _finish(np.array([start]).astype(wanted), device, requires_grad)
    step = scalar((scalar(end) - scalar(start)) / scalar(max(steps - 1, 1)))
    at = np.arange(steps)
    array = np.where(
        at < steps // 2,
        scalar(start) + step * at.astype(scalar),
        scalar(end) - step * (steps - at - 1).astype(scalar),
    )
    return _finish(array.astype(wanted), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an (n, m) matrix."""
    for each in (n,) if m is None else (n, m):
        if not hasattr(each, "__index__"):
            raise fail(TypeError, "eye", "sizes to be ints", type(each).__name__)
        if each < 0:
            raise fail(RuntimeError, "eye", "sizes of at least 0", each)
    return _finish(np.eye(n, m, dtype=_wanted(dtype, "eye")), device, requires_grad)


def _like(make, name: str):
    def like(input, *, dtype=None, device=None, requires_grad: bool = False, memory_format=None, layout=None):
        array = check_tensor(input, name)._array
        wanted = input.dtype if dtype is None else as_dtype(dtype, name)
        dense = empty_laid_out(array.shape, (array,), wanted.numpy)
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
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    out._array[...] = checked_number(fill_value, out.dtype, "full_like")
    if requires_grad:
        out.requires_grad = True
    return out


def _new(make):
    def new(self, *size, dtype=None, device=None, requires_grad: bool = False):
        return make(
            *size, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad
        )

    new.__doc__ = f"``{make.__name__}`` with this tensor's dtype."
    return new


method("new_zeros")(_new(zeros))
method("new_ones")(_new(ones))
method("new_empty")(_new(empty))


@method("new_full")
def _new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad: bool = False):
    """``full`` with this tensor's dtype."""
    return full(
        size,
        fill_value,
        dtype=self.dtype if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
    )


@method("new_tensor")
def _new_tensor(self, data, *, dtype=None, device=None, requires_grad: bool = False):
    """``tensor(data)`` with this tensor's dtype."""
    return tensor(
        data, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad
    )


def _constructed(*data, dtype=None, op: str = "Tensor") -> Tensor:
    """``Tensor(data)`` and ``Tensor(2, 3)``: PyTorch's old constructors, float32 unless they name another dtype."""
    wanted = get_default_dtype() if dtype is None else dtype
    if not data:
        return empty(0, dtype=wanted)
    first = data[0]
    if len(data) > 1 or isinstance(first, (int, Size)):
        return empty(*data, dtype=wanted)
    if isinstance(first, Tensor) and dtype is None:
        return from_array(first._array)
    if not isinstance(first, (list, tuple, range, np.ndarray, Tensor)):
        raise fail(TypeError, op, "sizes or a sequence of numbers", type(first).__name__)
    return from_array(array_of(first, wanted, op))


Tensor._constructor = staticmethod(_constructed)


def _legacy(name: str, wanted):
    def construct(*data) -> Tensor:
        return _constructed(*data, dtype=wanted, op=name)

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = f"``Tensor(...)`` in {wanted.name}: PyTorch's old constructor."
    return construct


_OLD_NAMES = {
    "float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "int16": "Short", "int8": "Char",
    "uint8": "Byte", "bool": "Bool",
}  # fmt: skip


_by_old_name = {f"{_OLD_NAMES[each.name]}Tensor": each for each in ALL}
FloatTensor = _legacy("FloatTensor", _by_old_name["FloatTensor"])
DoubleTensor = _legacy("DoubleTensor", _by_old_name["DoubleTensor"])
LongTensor = _legacy("LongTensor", _by_old_name["LongTensor"])
IntTensor = _legacy("IntTensor", _by_old_name["IntTensor"])
ShortTensor = _legacy("ShortTensor", _by_old_name["ShortTensor"])
CharTensor = _legacy("CharTensor", _by_old_name["CharTensor"])
ByteTensor = _legacy("ByteTensor", _by_old_name["ByteTensor"])
BoolTensor = _legacy("BoolTensor", _by_old_name["BoolTensor"])


@method("type")
def type_(self, dtype=None, non_blocking: bool = False):
    """Without an argument the old type's name (``torch.FloatTensor``), else ``to(dtype)``; takes such names, too."""
    if dtype is None:
        return f"torch.{_OLD_NAMES[self.dtype.name]}Tensor"
    name = dtype if isinstance(dtype, str) else f"torch.{getattr(dtype, '__name__', '')}"
    if name.removeprefix("torch.") in _by_old_name:
        return self.to(_by_old_name[name.removeprefix("torch.")])
    if isinstance(dtype, str):
        raise fail(ValueError, "type", "a dtype or a name such as torch.FloatTensor", repr(dtype))
    return self.to(as_dtype(dtype, "type"))


def scalar_tensor(s, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of a number; float32 unless given."""
    return full(
        (),
        s,
        dtype=get_default_dtype() if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
    )


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad: bool = False) -> Tensor:
    """``as_tensor``, with a copy if asked for."""
    out = as_tensor(obj, dtype=dtype, device=device)
    if copy:
        out = from_array(copied(out._array))
    if requires_grad:
        out.requires_grad = True
    return out


def numel(input) -> int:
    """The number of elements."""
    return check_tensor(input, "numel")._array.size


def is_floating_point(input) -> bool:
    """True for float32 and float64 tensors."""
    return check_tensor(input, "is_floating_point").dtype.is_floating_point


__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "ShortTensor",
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like",
    "is_floating_point", "linspace", "numel", "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip
