# SPDX-License-Identifier: Apache-2.0
"""Indexing and assignment: views for ints, slices, None and ...; copies for masks and integer tensors."""

from __future__ import annotations

import numpy as np

from ...autograd.graph import Node, edge_of, mode, record
from ...autograd.views import View, prepare_inplace, rebase, record_view
from ...errors import fail, note
from ...tensor import Tensor, bump, describe, from_array, method
from ..promote import cast, is_number


class Select(View):
    """input[basic index]"""

    __slots__ = ()
    title = "SelectBackward0"

    @staticmethod
    def view(array, context):
        return array[context[0]]

    def backward(self, grad):
        index, shape = self.context
        whole = np.zeros(shape, grad.dtype)
        whole[index] = grad
        return (whole,)

    def backward_plain(self, grad):
        index, shape = self.context
        whole = from_array(np.zeros(shape, grad._array.dtype))
        whole[index] = grad
        return (whole,)


class Slice(Select):
    """input[slices]"""

    __slots__ = ()
    title = "SliceBackward0"


class Take(Node):
    """input[mask or integer tensors]; elements taken twice add their gradients in the order of the result."""

    __slots__ = ()
    title = "IndexBackward0"

    def backward(self, grad):
        index, shape = self.context
        whole = np.zeros(shape, grad.dtype)
        np.add.at(whole, index, grad)
        return (whole,)

    def backward_plain(self, grad):
        return (put_add(grad, *self.context),)


class PutAdd(Node):
    """zeros(shape) with values added at an index"""

    __slots__ = ()
    title = "IndexPutBackward0"

    def backward(self, grad):
        return (grad[self.context],)

    def backward_plain(self, grad):
        return (_take(grad, self.context),)


def put_add(values: Tensor, index, shape) -> Tensor:
    """Zeros of ``shape`` with ``values`` added at ``index``."""
    whole = np.zeros(shape, values._array.dtype)
    np.add.at(whole, index, values._array)
    return record(PutAdd, whole, values.dtype, (values,), index)


def _take(input: Tensor, index) -> Tensor:
    return record(Take, input._array[index], input.dtype, (input,), (index, input._array.shape))


_BASIC = (int, slice, type(None), type(Ellipsis))


def _check_slice(index: slice) -> slice:
    if index.step is not None and index.step.__index__() <= 0:
        raise fail(ValueError, "index", "a slice step greater than zero", index.step)
    return index


def _one(index):
    """One entry of an index as numpy takes it, and whether it only makes a view."""
    kind = type(index)
    if kind is int or index is None or index is Ellipsis:
        return index, True
    if kind is slice:
        return _check_slice(index), True
    if isinstance(index, Tensor):
        name = index.dtype.name
        if index.dtype.is_floating_point:
            raise fail(IndexError, "index", "tensors of integers or bools as indices", index.dtype)
        if index._array.ndim == 0 and name != "bool":
            return int(index._array), True
        return (index._array.astype(bool) if name == "uint8" else index._array.copy()), False
    if isinstance(index, np.generic) and index.dtype.kind in "iu":
        return int(index), True
    if isinstance(index, (bool, np.bool_)):
        return np.asarray(bool(index)), False
    if isinstance(index, (list, tuple, range)):
        array = np.asarray([each._array if isinstance(each, Tensor) else each for each in index])
        if array.size == 0:
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise fail(IndexError, "index", "ints, slices, None, ..., bool masks or integer tensors", repr(index))
        return array, False
    if isinstance(index, np.ndarray) and index.dtype.kind in "iub":
        return index.copy(), False
    if hasattr(index, "__index__"):
        return index.__index__(), True
    raise fail(
        IndexError, "index", "ints, slices, None, ..., bool masks or integer tensors", type(index).__name__
    )


def _normal(index):
    """The index as numpy takes it, and whether it only makes a view."""
    if type(index) is not tuple:
        index = (index,)
    basic, parts = True, []
    for each in index:
        part, is_basic = _one(each)
        parts.append(part)
        basic = basic and is_basic
    if basic and not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)  # numpy would turn a full index into a number
    return tuple(parts), basic


def _explain(input: Tensor, error: IndexError) -> Exception:
    return note(IndexError, "index", f"{error}, got {describe(input)}")


@method("__getitem__")
def getitem(self, index):
    """``tensor[index]``: a view for ints, slices, None and ...; a copy for masks and integer tensors.

    Raises:
        IndexError: outside the tensor, too many entries, or an entry of another type.
        ValueError: a slice step that is not positive.

    Source: https://docs.pytorch.org/docs/stable/tensor_view.html
    """
    array = self._array
    try:
        if type(index) is int:
            found = array[index, ...]
            return record_view(Select, self, found, ((index, Ellipsis), array.shape))
        index, basic = _normal(index)
        found = array[index]
    except IndexError as error:
        if hasattr(error, "nabi_op"):
            raise
        raise _explain(self, error) from None
    if basic:
        return record_view(Select if type(index[0]) is int else Slice, self, found, (index, array.shape))
    return record(Take, found, self.dtype, (self,), (index, array.shape))


class Assign(Node):
    """The tensor after ``tensor[index] = value``: edges are its older history and the value."""

    __slots__ = ()
    title = "CopySlices"
    broadcasts = True

    def backward(self, grad):
        whole = grad.copy()
        part = whole[self.context]
        values = part.copy()
        whole[self.context] = 0
        return whole, values

    def backward_plain(self, grad):
        values = getitem(grad, self.context) if not _is_basic(self.context) else getitem(grad, self.context).clone()
        whole = grad.clone()
        whole[self.context] = 0
        return whole, values


def _is_basic(index: tuple) -> bool:
    return all(part is None or part is Ellipsis or type(part) in (int, slice) for part in index)


@method("__setitem__")
def setitem(self, index, value) -> None:
    """``tensor[index] = value`` with broadcasting; the value is cast to the tensor's dtype.

    Raises:
        IndexError: as for reading.
        RuntimeError: a value whose shape does not broadcast, or a tensor that must not change in place.
    """
    prepare_inplace(self, "setitem")
    index, _ = _normal(index)
    array = self._array
    if isinstance(value, Tensor):
        if value.dtype is not self.dtype:
            value = cast(value, self.dtype)
    elif is_number(value):
        if isinstance(value, np.generic):
            value = value.item()
        value = from_array(np.asarray(value).astype(array.dtype))
    elif isinstance(value, (np.ndarray, list, tuple)):
        from ..creation import tensor

        value = tensor(value, dtype=self.dtype)
    else:
        raise fail(TypeError, "setitem", "a Tensor or a number", type(value).__name__)
    written = value._array
    try:
        place = array[index]
        # Leading dimensions of size 1 of the value are dropped, as in PyTorch.
        while written.ndim > place.ndim and written.shape[0] == 1:
            written = written[0]
        if written.shape != place.shape:
            np.broadcast_to(written, place.shape)
        if np.may_share_memory(written, array):
            written = written.copy()
        array[index] = written
    except IndexError as error:
        raise _explain(self, error) from None
    except ValueError:
        raise fail(
            RuntimeError, "setitem", f"a value that broadcasts to shape {tuple(place.shape)}", describe(value)
        ) from None
    bump(self)
    if mode.enabled and (value.requires_grad or self.requires_grad):
        holder = from_array(array)
        before = edge_of(self)
        out = record(Assign, array, self.dtype, (_with_edge(holder, before), value), index)
        rebase(self, edge_of(out))


def _with_edge(tensor: Tensor, edge) -> Tensor:
    from ...autograd.graph import _attach

    if edge is not None:
        _attach(tensor, edge)
    return tensor


@method("index_select")
def index_select(input, dim: int, index):
    """Slices of ``input`` along ``dim`` at the positions of the 1-d integer tensor ``index``."""
    from ...tensor import normal_dim

    if index._array.ndim > 1 or index.dtype.is_floating_point:
        raise fail(IndexError, "index_select", "a 1-d tensor of integers", describe(index))
    dim = normal_dim(dim, input._array.ndim, "index_select")
    positions = index._array.reshape(-1).copy()
    size = input._array.shape[dim]
    if positions.size and (positions.min() < 0 or positions.max() >= size):
        raise fail(IndexError, "index_select", f"indices from 0 to {size - 1}", index.tolist())
    return _take(input, (*([slice(None)] * dim), positions))


@method("unbind")
def unbind(input, dim: int = 0):
    """The slices along ``dim``, as views."""
    from ...tensor import normal_dim

    dim = normal_dim(dim, input._array.ndim, "unbind")
    rest = (slice(None),) * dim
    return tuple(getitem(input, (*rest, i)) for i in range(input._array.shape[dim]))


@method("__iter__")
def _iterate(self):
    if self._array.ndim == 0:
        raise note(TypeError, "iter", "expected a tensor with dimensions, got a 0-d tensor")
    return iter(unbind(self))


@method("select")
def select(input, dim: int, index: int):
    """The slice at ``index`` along ``dim``, as a view."""
    from ...tensor import normal_dim

    return getitem(input, (*([slice(None)] * normal_dim(dim, input._array.ndim, "select")), index))


@method("narrow")
def narrow(input, dim: int, start: int, length: int):
    """``length`` slices from ``start`` along ``dim``, as a view."""
    from ...tensor import normal_dim

    dim = normal_dim(dim, input._array.ndim, "narrow")
    size = input._array.shape[dim]
    begin = start + size if start < 0 else start
    if length < 0 or not 0 <= begin <= size - length:
        raise fail(RuntimeError, "narrow", f"start and length within {size}", f"{start} and {length}")
    return getitem(input, (*([slice(None)] * dim), slice(begin, begin + length)))


@method("split")
def split(tensor, split_size_or_sections, dim: int = 0):
    """Pieces of a size, or of the sizes listed, along ``dim``, as views."""
    from ...tensor import normal_dim

    dim = normal_dim(dim, tensor._array.ndim, "split")
    size = tensor._array.shape[dim]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step <= 0 and size:
            raise fail(RuntimeError, "split", "a positive size", step)
        sections = [min(step, size - at) for at in range(0, size, max(step, 1))] or [0]
    else:
        sections = list(split_size_or_sections)
        if sum(sections) != size or min(sections, default=0) < 0:
            raise fail(RuntimeError, "split", f"sizes that add up to {size}", sections)
    pieces, at = [], 0
    for length in sections:
        pieces.append(narrow(tensor, dim, at, length))
        at += length
    return tuple(pieces)


@method("chunk")
def chunk(input, chunks: int, dim: int = 0):
    """At most ``chunks`` pieces of equal size (the last may be smaller), as views."""
    from ...tensor import normal_dim

    if chunks <= 0:
        raise fail(RuntimeError, "chunk", "chunks > 0", chunks)
    size = input._array.shape[normal_dim(dim, input._array.ndim, "chunk")]
    return split(input, max((size + chunks - 1) // chunks, 1), dim)
