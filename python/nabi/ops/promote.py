# SPDX-License-Identifier: Apache-2.0
"""Operands as PyTorch sees them: numbers and tensors, brought to one dtype."""

from __future__ import annotations

import numpy as np

from ..autograd.graph import Node, record
from ..dtype import ALL, as_dtype, dtype, of_number, result_of
from ..errors import fail, note
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
    with np.errstate(all="ignore"):
        array = input._array.astype(wanted.numpy, order="K")
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
            (each.dtype, 2 if each._array.ndim else 1) if isinstance(each, Tensor) else (of_number(_plain(each)), 0)
            for each in operands
        ]
    )


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def result_type(tensor1, tensor2) -> dtype:
    """The dtype an operation on the two would have.

    Example:
        >>> import nabi
        >>> nabi.result_type(nabi.tensor([1, 2]), 1.0)
        torch.float32
    """
    return common_dtype(tensor1, tensor2)


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
            raise fail(RuntimeError, op, f"{name} of dtype {first.dtype.name} like {first_name}", tensor.dtype.name)
    return first.dtype


@method("to")
def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """The tensor in another dtype (``to(dtype)``, ``to("cpu")``, ``to(device, dtype)``, ``to(other)``).

    The tensor itself where nothing changes and ``copy`` is False. ``non_blocking`` has no effect on a CPU.
    """
    for arg in args:
        if isinstance(arg, _dtype_class):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, bool):
            continue
        else:
            device = arg
    check_device(device)
    wanted = self.dtype if dtype is None else as_dtype(dtype, "to")
    if wanted is self.dtype:
        return self.clone() if copy else self
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
    raise note(RuntimeError, "cuda", "nabi runs on the CPU only; leave the call out, or use .to(device) with device 'cpu'")


@method("type_as")
def type_as(self, other):
    """The tensor in ``other``'s dtype."""
    return cast(self, other.dtype)


@method("half", "bfloat16")
def half(self, *args):
    """Raises: nabi computes in float32 and float64."""
    raise note(NotImplementedError, "half", "nabi has no 16-bit floats yet; use float32")
