# SPDX-License-Identifier: Apache-2.0
"""Copies: clone, contiguous, cat, stack, and writing one tensor into another."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, _attach, edge_of, mode, record
from ...autograd.views import check_view, prepare_inplace, rebase
from ...errors import fail, note
from ...layout import write_into
from ...tensor import Tensor, bump, describe, from_array, method, normal_dim
from ..promote import cast, check_tensor, checked_number, common_dtype, copied, is_number, operand


class Clone(Node):
    """A copy"""

    __slots__ = ()
    title = "CloneBackward0"

    def backward(self, grad):
        return (grad,)

    backward_plain = backward


@method("clone")
def clone(input, *, memory_format=None):
    """A copy with a history: gradients flow back to ``input``. Keeps the strides of dense tensors."""
    return record(Clone, copied(check_tensor(input, "clone")._array), input.dtype, (input,))


@method("contiguous")
def contiguous(self, memory_format=None):
    """The tensor itself where it is contiguous, else a contiguous copy."""
    if self._array.flags.c_contiguous:
        return self
    return record(Clone, _C.contiguous_copy(self._array), self.dtype, (self,))


class Cat(Node):
    """cat along ``context[0]``; ``context[1]`` are the sizes."""

    __slots__ = ()
    title = "CatBackward0"

    def _parts(self, grad):
        dim, sizes = self.context
        at = 0
        rest = (slice(None),) * dim
        for edge, size in zip(self.edges, sizes, strict=True):
            yield None if edge is None or size is None else grad[(*rest, slice(at, at + size))]
            at += size or 0

    def backward(self, grad):
        return tuple(self._parts(grad))

    backward_plain = backward


class Stack(Cat):
    """cat of tensors with a new dimension; the parts lose it again"""

    __slots__ = ()
    title = "StackBackward0"

    def _parts(self, grad):
        rest = (slice(None),) * self.context[0]
        for i, edge in enumerate(self.edges):
            yield None if edge is None else grad[(*rest, i, ...)]


def _sequence(op: str, tensors) -> tuple:
    if not isinstance(tensors, (tuple, list)):
        raise fail(TypeError, op, "a sequence of Tensors (tuple or list)", type(tensors).__name__)
    return tuple(tensors)


def cat(tensors, dim: int = 0, *, out=None, axis=None):
    """Tensors behind each other along ``dim``.

    Args:
        tensors: a sequence of tensors of the same shape except in ``dim``; empty 1-d tensors are passed over.
        dim: the dimension.

    Raises:
        RuntimeError: no tensors, or shapes that differ elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cat.html

    Example:
        >>> import nabi
        >>> nabi.cat([nabi.tensor([1, 2]), nabi.tensor([3])])
        tensor([1, 2, 3])
    """
    if out is not None:
        raise note(NotImplementedError, "cat", "out= is not supported; assign the result")
    tensors, dim = _sequence("cat", tensors), dim if axis is None else axis
    if not tensors:
        raise note(ValueError, "cat", "expected a non-empty list of Tensors, got none")
    for each in tensors:
        check_tensor(each, "cat", "tensors")
    # PyTorch's old rule: an empty vector fits everything.
    shaped = [each for each in tensors if each._array.shape != (0,)] or list(tensors[:1])
    first = shaped[0]._array
    if first.ndim == 0:
        raise note(RuntimeError, "cat", "zero-dimensional tensor cannot be concatenated; use stack()")
    dim = normal_dim(dim, first.ndim, "cat")
    for each in shaped[1:]:
        shape = each._array.shape
        if (
            len(shape) != first.ndim
            or shape[:dim] != first.shape[:dim]
            or shape[dim + 1 :] != first.shape[dim + 1 :]
        ):
            raise fail(
                RuntimeError,
                "cat",
                f"tensors of shape {tuple(first.shape)} except in dimension {dim}",
                describe(each),
            )
    wanted = common_dtype(*tensors)
    tensors = tuple(cast(each, wanted) for each in tensors)
    sizes = [
        None if each._array.shape == (0,) and first.ndim > 1 else each._array.shape[dim] for each in tensors
    ]
    total = sum(size for size in sizes if size)
    joined = _C.empty((*first.shape[:dim], total, *first.shape[dim + 1 :]), wanted.numpy)
    at, rest = 0, (slice(None),) * dim
    for each, size in zip(tensors, sizes, strict=True):
        if size:
            if each._array.size:
                _C.copy(each._array, joined[(*rest, slice(at, at + size))])
            at += size
    return record(Cat, joined, wanted, tensors, (dim, sizes))


concat = concatenate = cat


def stack(tensors, dim: int = 0, *, out=None, axis=None):
    """Tensors of one shape as slices of a new dimension.

    Example:
        >>> import nabi
        >>> nabi.stack([nabi.tensor([1, 2]), nabi.tensor([3, 4])])
        tensor([[1, 2],
                [3, 4]])
    """
    tensors, dim = _sequence("stack", tensors), dim if axis is None else axis
    if not tensors:
        raise note(RuntimeError, "stack", "expected a non-empty list of Tensors, got none")
    shape = check_tensor(tensors[0], "stack", "tensors")._array.shape
    for each in tensors[1:]:
        if check_tensor(each, "stack", "tensors")._array.shape != shape:
            raise fail(RuntimeError, "stack", f"tensors of shape {tuple(shape)}", describe(each))
    dim = normal_dim(dim, len(shape) + 1, "stack")
    if out is not None:
        raise note(NotImplementedError, "stack", "out= is not supported; assign the result")
    wanted = common_dtype(*tensors)
    tensors = tuple(cast(each, wanted) for each in tensors)
    joined = _C.empty((*shape[:dim], len(tensors), *shape[dim:]), wanted.numpy)
    rest = (slice(None),) * dim
    if joined.size:
        for i, each in enumerate(tensors):
            _C.copy(each._array, joined[(*rest, i, ...)])
    return record(Stack, joined, wanted, tensors, (dim, None))


class Copy(Node):
    """The tensor after ``copy_(src)``: edges are its older history, which gets zeros, and the source."""

    __slots__ = ()
    title = "CopyBackwards"
    broadcasts = True

    def backward(self, grad):
        return _C.zeros(grad.shape, grad.dtype), grad

    def backward_plain(self, grad):
        return from_array(_C.zeros(grad._array.shape, grad._array.dtype)), grad


class Fill(Node):
    """The tensor after ``fill_``: its older history gets zeros."""

    __slots__ = ()
    title = "FillBackward2"

    def backward(self, grad):
        return (_C.zeros(grad.shape, grad.dtype),)

    def backward_plain(self, grad):
        return (from_array(_C.zeros(grad._array.shape, grad._array.dtype)),)


class FillTensor(Copy):
    """The tensor after ``fill_(0-d tensor)``"""

    __slots__ = ()
    title = "FillBackward3"


class Zero(Fill):
    """The tensor after ``zero_``"""

    __slots__ = ()
    title = "ZeroBackward0"


def _older(tensor: Tensor) -> Tensor:
    """The tensor's place in the graph before an in-place change that does not read its values."""
    twin = from_array(tensor._array)
    edge = edge_of(tensor) if mode.enabled else None
    if edge is not None:
        _attach(twin, edge)
    return twin


def _overwrite(op: str, kind, tensor: Tensor, array: np.ndarray, *sources: Tensor) -> Tensor:
    """Writes ``array``, broadcast, into the tensor; ``sources`` are what it was made of."""
    if array.shape != tensor._array.shape:
        array = np.broadcast_to(array, tensor._array.shape)
    result = record(kind, array, tensor.dtype, (_older(tensor), *sources))
    recorded = result.requires_grad
    if recorded:
        check_view(tensor, op)
    write_into(tensor._array, array)
    bump(tensor)
    if recorded:
        rebase(tensor, edge_of(result))
    return tensor


@method("copy_")
def copy_(self, src, non_blocking: bool = False):
    """Writes ``src`` (broadcast, cast) into the tensor."""
    if not isinstance(src, Tensor) and is_number(src):
        src = cast(from_array(np.asarray(operand(src))), self.dtype)
    check_tensor(src, "copy_", "src")
    prepare_inplace(self, "copy_")
    try:
        shape = np.broadcast_shapes(src._array.shape, self._array.shape)
    except ValueError:
        shape = None
    if shape != self._array.shape:
        raise fail(RuntimeError, "copy_", f"a source that broadcasts to {describe(self)}", describe(src))
    src = cast(src, self.dtype)
    return _overwrite("copy_", Copy, self, src._array, src)


@method("fill_")
def fill_(self, value):
    """Writes one value everywhere.

    Raises:
        RuntimeError: a number that the dtype cannot hold, or a tensor that is not 0-d.
    """
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise fail(RuntimeError, "fill_", "a number or a 0-d tensor", describe(value))
        prepare_inplace(self, "fill_")
        value = cast(value, self.dtype)
        return _overwrite("fill_", FillTensor, self, value._array, value)
    filled = np.asarray(checked_number(value, self.dtype, "fill_"), self._array.dtype)
    prepare_inplace(self, "fill_")
    return _overwrite("fill_", Fill, self, filled)


@method("zero_")
def zero_(self):
    """Writes zeros everywhere."""
    prepare_inplace(self, "zero_")
    return _overwrite("zero_", Zero, self, np.zeros((), self._array.dtype))
