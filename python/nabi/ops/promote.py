# SPDX-License-Identifier: Apache-2.0
"""Operands as PyTorch sees them: numbers and tensors, brought to one dtype."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..autograd.graph import Node, record
from ..dtype import ALL, as_dtype, dtype, of_number, result_of
from ..errors import fail, note
from ..layout import is_dense
from ..tensor import Tensor, device, from_array, method

_dtype_class = dtype
_by_name = {each.name: each for each in ALL}
NUMBERS = frozenset((float, int, bool))


class Cast(Node):
    """``input.to(dtype)``."""

    __slots__ = ()
    title = "ToCopyBackward0"

    def backward(self, grad):
        return (grad.astype(self.context.numpy),)

    def backward_plain(self, grad):
        return (cast(grad, self.context),)


def cast(input: Tensor, wanted: dtype) -> Tensor:
    """The tensor in another dtype; the tensor itself where it has that dtype already."""
    if input.dtype is wanted:
        return input
    array = copied(input._array, wanted.numpy)
    if input.dtype.is_floating_point and wanted.is_floating_point:
        return record(Cast, array, wanted, (input,), input.dtype)
    return from_array(array)


def is_number(value: object) -> bool:
    """True for what takes part in arithmetic as a Python number: numpy's scalars too."""
    return type(value) in NUMBERS or isinstance(value, (float, int, np.generic))


def common_dtype(*operands) -> dtype:
    """The result type of tensors and numbers."""
    return result_of(
        [
            (each.dtype, 2 if each._array.ndim else 1)
            if isinstance(each, Tensor)
            else (of_number(_plain(each)), 0)
            for each in operands
        ]
    )


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def operand(value):
    """A Tensor, or a number as Python's own; an array as a Tensor. None for what takes no part in arithmetic."""
    if isinstance(value, Tensor) or type(value) in NUMBERS:
        return value
    if isinstance(value, np.ndarray) and value.ndim:
        from .creation import as_tensor

        return as_tensor(value)
    if isinstance(value, (float, int, np.generic, np.ndarray)):
        value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
        return value if isinstance(value, (float, int)) else None
    return None


def result_type(tensor1, tensor2) -> dtype:
    """The dtype an operation on the two would have.

    Example:
        >>> import nabi
        >>> nabi.result_type(nabi.tensor([1, 2]), 1.0)
        torch.float32
    """
    for each in (tensor1, tensor2):
        if not isinstance(each, Tensor) and not is_number(each):
            raise fail(TypeError, "result_type", "Tensors and numbers", type(each).__name__)
    return common_dtype(tensor1, tensor2)


def wrapped(value, wanted: dtype):
    """A number as the dtype holds it: PyTorch wraps integers where numpy would refuse. OverflowError beyond int64."""
    if wanted.is_floating_point:
        return float(value)
    if wanted.name == "bool":
        return bool(value)
    value = int(value)
    if not -(1 << 63) <= value < 1 << 63:
        raise note(OverflowError, "number", f"expected an integer within int64, got {value}")
    bits = wanted.itemsize * 8
    value &= (1 << bits) - 1
    return value - (1 << bits) if wanted.is_signed and value >> (bits - 1) else value


def checked_number(value, wanted: dtype, op: str):
    """A number that is written into a tensor; RuntimeError where the dtype cannot hold it (a negative one wraps in
    uint8, a fraction is cut off)."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (float, int)):
        raise fail(TypeError, op, "a number", type(value).__name__)
    if wanted.is_floating_point:
        value = float(value)
        limit = float(np.finfo(wanted.numpy).max)
        fits = not limit < abs(value) < float("inf")
    elif wanted.name == "bool":
        return bool(value)
    else:
        limits = np.iinfo(wanted.numpy)
        fits = (limits.min or -limits.max) <= value <= limits.max
    if not fits:
        raise fail(RuntimeError, op, f"a value that {wanted.name} can hold", value)
    return wrapped(value, wanted)


def copied(array: np.ndarray, wanted: np.dtype | None = None) -> np.ndarray:
    """A copy, in another dtype if given, that keeps a dense array's strides; else the memory order of its dimensions."""
    if wanted is None or wanted == array.dtype:
        return _C.copy(array)
    # Conversions are numpy's, into the pool's memory.
    out = empty_laid_out(array.shape, (array,), wanted)
    with np.errstate(all="ignore"):
        np.copyto(out, array, casting="unsafe")
    return out


def array_of(value, wanted: dtype) -> np.ndarray:
    """A tensor's array, or a number as a 0-d array, of the wanted dtype."""
    if isinstance(value, Tensor):
        return value._array.astype(wanted.numpy, copy=False)
    return np.asarray(wrapped(value, wanted), wanted.numpy)


def through_numpy(op: str, ufunc, arrays, result: np.dtype) -> np.ndarray:
    """What ``ufunc`` makes of the arrays, in the memory layout that PyTorch's elementwise operations give."""
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise note(RuntimeError, op, f"expected shapes that broadcast, got {shapes}") from None
    out = empty_laid_out(shape, arrays, result)
    with np.errstate(all="ignore"):
        return ufunc(*arrays, out=out)


def empty_laid_out(shape: tuple[int, ...], arrays, result: np.dtype) -> np.ndarray:
    """An empty array with the strides of an elementwise result: the operands' memory order, the first decides."""
    if all(array.flags.c_contiguous and (array.shape == shape or array.ndim == 0) for array in arrays):
        return _C.empty(shape, result)
    if 0 in shape:
        return _C.empty(shape, result)
    ndim = len(shape)
    steps = []
    for array in arrays:
        extra = ndim - array.ndim
        own = zip(array.shape, shape[extra:], array.strides, strict=True)
        steps.append([0] * extra + [0 if a == 1 != s else step // array.itemsize for a, s, step in own])
    first = arrays[0]
    if (
        first.shape == shape
        and is_dense(first)
        and all(
            array.shape == shape
            and all(size == 1 or a == b for size, a, b in zip(shape, own, steps[0], strict=True))
            for array, own in zip(arrays, steps, strict=True)
        )
    ):
        strides = tuple(step * result.itemsize for step in steps[0])
        return _C.as_strided(_C.empty((first.size,), result), shape, strides)
    order = list(range(ndim - 1, -1, -1))  # the innermost first
    for i in range(1, ndim):
        moving = i
        for j in range(i - 1, -1, -1):
            comparison = _outside(order[j], order[moving], steps, shape)
            if comparison > 0:
                order[j], order[moving] = order[moving], order[j]
                moving = j
            elif comparison < 0:
                break
    outer_first = order[::-1]
    dense = _C.empty(tuple(shape[d] for d in outer_first), result)
    return dense.transpose([outer_first.index(d) for d in range(ndim)])


def _outside(a: int, b: int, steps, shape) -> int:
    """Positive: dimension a lies outside b in memory; negative: inside; 0: the operands don't say."""
    for own in steps:
        if own[a] == 0 or own[b] == 0:
            continue
        if own[a] != own[b]:
            return -1 if own[a] < own[b] else 1
        if shape[a] > shape[b]:
            return 1
    return 0


def check_tensor(value: object, op: str, name: str = "input") -> Tensor:
    """``value`` itself; TypeError where it is not a Tensor."""
    if not isinstance(value, Tensor):
        hint = "; nabi.from_numpy makes one" if isinstance(value, np.ndarray) else ""
        raise note(TypeError, op, f"expected {name} to be a Tensor, got {type(value).__name__}{hint}")
    return value


def same_float(op: str, *named) -> dtype:
    """The one floating-point dtype of (name, tensor) pairs; RuntimeError where they differ."""
    first_name, first = named[0]
    if not first.dtype.is_floating_point:
        raise fail(RuntimeError, op, f"{first_name} of a floating-point dtype", first.dtype)
    for name, tensor in named[1:]:
        if tensor is not None and tensor.dtype is not first.dtype:
            raise fail(
                RuntimeError, op, f"{name} of dtype {first.dtype.name} like {first_name}", tensor.dtype.name
            )
    return first.dtype


@method("to")
def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """The tensor in another dtype (``to(dtype)``, ``to("cpu")``, ``to(device, dtype)``, ``to(other)``).

    The tensor itself where nothing changes and ``copy`` is False. ``non_blocking`` has no effect on a CPU.
    """
    flags = []
    for arg in args:
        if isinstance(arg, _dtype_class) or arg in (float, int, bool):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, bool):
            flags.append(arg)
        else:
            device = arg
    if len(flags) > 1:
        copy = flags[1]
    check_device(device)
    wanted = self.dtype if dtype is None else as_dtype(dtype, "to")
    if wanted is self.dtype:
        return record(Cast, copied(self._array), wanted, (self,), wanted) if copy else self
    return cast(self, wanted)


def check_device(value) -> None:
    """RuntimeError for any device but the CPU."""
    if value is not None and type(value) is not device:
        device(value)


def _conversion(wanted: dtype):
    def convert(self, memory_format=None):
        return cast(self, wanted)

    convert.__doc__ = f"The tensor as {wanted.name}."
    return convert


for _name, _wanted in {
    "float": _by_name["float32"],
    "double": _by_name["float64"],
    "long": _by_name["int64"],
    "int": _by_name["int32"],
    "short": _by_name["int16"],
    "char": _by_name["int8"],
    "byte": _by_name["uint8"],
    "bool": _by_name["bool"],
}.items():
    method(_name)(_conversion(_wanted))


@method("cpu")
def cpu(self, memory_format=None):
    """The tensor itself: it is there already."""
    return self


@method("cuda")
def cuda(self, *args, **kwargs):
    """Raises: nabi runs on the CPU."""
    raise note(
        RuntimeError,
        "cuda",
        "nabi runs on the CPU only; leave the call out, or use .to(device) with device 'cpu'",
    )


@method("type_as")
def type_as(self, other):
    """The tensor in ``other``'s dtype."""
    return cast(self, other.dtype)


@method("half", "bfloat16")
def half(self, *args):
    """Raises: nabi computes in float32 and float64."""
    raise note(NotImplementedError, "half", "nabi has no 16-bit floats yet; use float32")
