# SPDX-License-Identifier: Apache-2.0
"""Indexing and assignment: views for ints, slices, None and ...; copies for masks and integer tensors."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, _attach, edge_of, mode, record
from ...autograd.views import View, check_view, prepare_inplace, rebase, record_view
from ...errors import fail, note
from ...layout import can_write
from ...tensor import Tensor, bump, describe, from_array, method, normal_dim
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
        whole = _C.zeros(shape, grad.dtype)
        _C.copy(grad, whole[index])
        return (whole,)

    def backward_plain(self, grad):
        index, shape = self.context
        whole = from_array(_C.zeros(shape, grad._array.dtype))
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
        whole = _C.zeros(shape, grad.dtype)
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
    whole = _C.zeros(shape, values._array.dtype)
    np.add.at(whole, index, values._array)
    return record(PutAdd, whole, values.dtype, (values,), index)


def _take(input: Tensor, index) -> Tensor:
    found = input._array[index]
    if not found.flags.c_contiguous:
        found = _C.contiguous_copy(found)
    return record(Take, found, input.dtype, (input,), (index, input._array.shape))


_FULL = slice(None)
_KINDS = "ints, slices, None, ..., bool masks or integer tensors"


def _array_index(index) -> np.ndarray:
    """A copy of an index that chooses elements: bools for a mask, else integers."""
    if isinstance(index, Tensor):
        if index.dtype.name == "uint8":
            import warnings

            warnings.warn(
                "index: a mask of dtype uint8 is deprecated; use a bool tensor", UserWarning, stacklevel=4
            )
            return index._array.astype(bool)
        if index.dtype.name not in ("int64", "int32", "bool"):
            raise fail(IndexError, "index", "tensors of int64, int32 or bool as indices", index.dtype.name)
        return index._array.copy()
    if isinstance(index, (list, tuple, range)):
        index = np.asarray([each._array if isinstance(each, Tensor) else each for each in index])
        if index.size == 0:
            index = index.astype(np.int64)
    if index.dtype.kind not in "iub":
        raise fail(IndexError, "index", _KINDS, f"a sequence of {index.dtype}")
    return index.copy()


def _one(index):
    """One entry of an index as numpy takes it, and whether it only makes a view."""
    kind = type(index)
    if kind is int or index is None or index is Ellipsis:
        return index, True
    if kind is slice:
        if index.step is not None and index.step.__index__() <= 0:
            raise fail(ValueError, "index", "a slice step greater than zero", index.step)
        return index, True
    if isinstance(index, (bool, np.bool_)):
        return np.asarray(bool(index)), False
    if isinstance(index, Tensor) and index._array.ndim == 0 and index.dtype.category == 1:
        return int(index._array), True
    if isinstance(index, np.ndarray) and index.ndim == 0 and index.dtype.kind in "iu":
        return int(index), True
    if isinstance(index, (Tensor, list, tuple, range, np.ndarray)):
        return _array_index(index), False
    if isinstance(index, str):
        raise fail(TypeError, "index", _KINDS, "str")
    if hasattr(index, "__index__"):
        return index.__index__(), True
    raise fail(IndexError, "index", _KINDS, type(index).__name__)


def _entries(index) -> tuple:
    """The entries of an index. As in numpy's past, a list that holds sequences stands for the tuple of them."""
    if type(index) is tuple:
        return index
    if type(index) is list and any(
        each is None or each is Ellipsis or isinstance(each, (slice, list, tuple, Tensor, np.ndarray))
        for each in index
    ):
        import warnings

        warnings.warn(
            "index: a list of sequences is read as a tuple of indices, which is deprecated; use x[tuple(index)]",
            UserWarning,
            stacklevel=4,
        )
        return tuple(index)
    return (index,)


def _normal(index, shape: tuple) -> tuple[tuple | None, tuple | None]:
    """What an index means: the entries that make a view, then those that choose elements of that view; None for a part
    that changes nothing. As in PyTorch an int takes its dimension away first and is no array of indices."""
    entries = _entries(index)
    parts = [_one(each) for each in entries]
    if all(basic for _, basic in parts):
        found = [part for part, _ in parts]
        if not any(part is Ellipsis for part in found):
            found.append(Ellipsis)  # numpy would turn a full index into a number
        return tuple(found), None
    used = 0
    for part, basic in parts:
        if not basic:
            used += part.ndim if part.dtype == bool else 1
        elif part is not None and part is not Ellipsis:
            used += 1
    if used > len(shape):
        raise fail(IndexError, "index", f"at most {len(shape)} indices for shape {shape}", used)
    views: list = []
    chosen: list = []
    trivial, at = True, 0
    for part, basic in parts:
        if not basic:
            count = part.ndim if part.dtype == bool else 1
            if part.dtype == bool and part.shape != shape[at : at + count]:
                raise fail(
                    IndexError, "index", f"a mask of shape {shape[at : at + count]}", f"shape {part.shape}"
                )
            views.extend([_FULL] * count)
            chosen.append(part)
        elif part is Ellipsis:
            count = len(shape) - used
            views.extend([_FULL] * count)
            chosen.extend([_FULL] * count)
        else:
            count = 0 if part is None else 1
            views.append(part)
            trivial = trivial and part == _FULL
            if type(part) is not int:
                chosen.append(_FULL)
        at += count
    return None if trivial else (*views, Ellipsis), tuple(chosen)


def _explain(input: Tensor, error: IndexError) -> Exception:
    return note(IndexError, "index", f"{error}, got {describe(input)}")


def _seen(array: np.ndarray, views: tuple) -> np.ndarray:
    """array[views]; a new dimension gets the stride PyTorch gives it, as if the next one were cut into it."""
    found = array[views]
    if None not in views:
        return found
    strides, to, source = list(found.strides), 0, 0
    for part in views:
        if part is None:
            strides[to] = (
                array.shape[source] * array.strides[source] if source < array.ndim else array.itemsize
            )
            to += 1
        elif part is Ellipsis:
            count = array.ndim - sum(each is not None and each is not Ellipsis for each in views)
            to, source = to + count, source + count
        else:
            to, source = to + (type(part) is not int), source + 1
    return _C.as_strided(found, found.shape, tuple(strides))


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
        views, chosen = _normal(index, array.shape)
        if chosen is None:
            found = _seen(array, views)
            return record_view(Select if type(views[0]) is int else Slice, self, found, (views, array.shape))
        if views is not None:
            self = record_view(Slice, self, array[views], (views, array.shape))
        return _take(self, chosen)
    except IndexError as error:
        if hasattr(error, "nabi_op"):
            raise
        raise _explain(self, error) from None


class Assign(Node):
    """The tensor after ``tensor[index] = value``: edges are its older history and the value."""

    __slots__ = ()
    title = "CopySlices"
    broadcasts = True

    def backward(self, grad):
        whole = _C.contiguous_copy(grad)
        values = None if self.edges[1] is None else _C.contiguous_copy(whole[self.context])
        whole[self.context] = 0
        return whole, values

    def backward_plain(self, grad):
        values = getitem(grad, self.context).clone()
        whole = grad.clone()
        whole[self.context] = 0
        return whole, values


class AssignChosen(Assign):
    """The same for an index that chooses elements."""

    __slots__ = ()
    title = "IndexPutBackward0"


def _number(value, dtype) -> np.ndarray:
    """A number as a 0-d array; RuntimeError where the dtype can't hold it (a negative one wraps in uint8)."""
    if isinstance(value, np.generic):
        value = value.item()
    if dtype.category == 0:
        return np.asarray(bool(value))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise fail(ValueError, "setitem", "an integer within int64", value)
    if dtype.is_floating_point:
        limit = float(np.finfo(dtype.numpy).max)
        fits = value != value or abs(value) in (0, float("inf")) or abs(value) <= limit
    else:
        limits = np.iinfo(dtype.numpy)
        low = -limits.max if dtype.name == "uint8" else limits.min
        fits = value == value and low <= value <= limits.max
    if not fits:
        raise fail(RuntimeError, "setitem", f"a value that {dtype.name} can hold", value)
    if dtype.is_floating_point:
        return np.asarray(value, dtype.numpy)
    return np.asarray(int(value)).astype(dtype.numpy)


def _value(value, tensor: Tensor, chooses: bool) -> Tensor:
    """What is assigned, in the tensor's dtype."""
    dtype = tensor.dtype
    if isinstance(value, Tensor):
        if value.dtype is dtype:
            return value
        if chooses and value._array.ndim:
            raise fail(
                RuntimeError,
                "setitem",
                f"a value of dtype {dtype.name} for indices that choose elements",
                value.dtype.name,
            )
        return cast(value, dtype)
    if is_number(value):
        return from_array(_number(value, dtype))
    if isinstance(value, (np.ndarray, list, tuple)):
        from ..creation import tensor as make

        return make(value, dtype=dtype)
    raise fail(TypeError, "setitem", "a Tensor or a number", type(value).__name__)


@method("__setitem__")
def setitem(self, index, value) -> None:
    """``tensor[index] = value`` with broadcasting; the value is cast to the tensor's dtype.

    Raises:
        IndexError: as for reading.
        RuntimeError: a value whose shape does not broadcast, or a tensor that must not change in place.
    """
    array = self._array
    views, chosen = _normal(index, array.shape)
    value = _value(value, self, chosen is not None)
    repeated = chosen is None and not can_write(array)
    if not repeated:
        prepare_inplace(self, "setitem")
    try:
        if views is not None and (chosen is not None or repeated):
            self = record_view(Slice, self, array[views], (views, array.shape))
            array = self._array
            views = (Ellipsis,)
        if repeated:
            # What is written to may lie apart though the whole does not.
            prepare_inplace(self, "setitem")
        where = views if chosen is None else chosen
        written, place = value._array, array[where]
        # Leading dimensions of size 1 of the value are dropped, as in PyTorch.
        while written.ndim > place.ndim and written.shape[0] == 1:
            written = written[0]
        if written.ndim > place.ndim or np.broadcast_shapes(written.shape, place.shape) != place.shape:
            raise ValueError
    except IndexError as error:
        raise _explain(self, error) from None
    except ValueError:
        raise fail(
            RuntimeError, "setitem", f"a value that broadcasts to shape {tuple(place.shape)}", describe(value)
        ) from None
    taped = mode.enabled and value.requires_grad
    if taped:
        check_view(self, "setitem")
    if chosen is None:
        _C.copy(written, place)
    else:
        array[where] = written.copy() if np.may_share_memory(written, array) else written
    bump(self)
    if taped or (mode.enabled and self.requires_grad):
        holder = from_array(array)
        before = edge_of(self)
        if before is not None:
            _attach(holder, before)
        out = record(Assign if chosen is None else AssignChosen, array, self.dtype, (holder, value), where)
        rebase(self, edge_of(out))


@method("index_select")
def index_select(input, dim: int, index):
    """Slices of ``input`` along ``dim`` at the positions of the 1-d integer tensor ``index``."""
    if index._array.ndim > 1:
        raise fail(IndexError, "index_select", "a 1-d tensor of integers", describe(index))
    if index.dtype.name not in ("int64", "int32"):
        raise fail(RuntimeError, "index_select", "an index of dtype int64 or int32", index.dtype.name)
    dim = normal_dim(dim, input._array.ndim, "index_select")
    positions = index._array.reshape(-1).copy()
    size = input._array.shape[dim]
    if positions.size and (positions.min() < 0 or positions.max() >= size):
        raise fail(IndexError, "index_select", f"indices from 0 to {size - 1}", index.tolist())
    return _take(input, (*([slice(None)] * dim), positions))


@method("unbind")
def unbind(input, dim: int = 0):
    """The slices along ``dim``, as views."""
    if input._array.ndim == 0:
        raise note(IndexError, "unbind", "expected a tensor with dimensions, got a 0-d tensor")
    dim = normal_dim(dim, input._array.ndim, "unbind")
    rest = (slice(None),) * dim
    return tuple(getitem(input, (*rest, i)) for i in range(input._array.shape[dim]))


@method("__iter__")
def _iterate(self):
    if self._array.ndim == 0:
        raise note(TypeError, "iter", "expected a tensor with dimensions, got a 0-d tensor")
    return iter(unbind(self))


@method("__reversed__")
def _reversed(self):
    """The slices along the first dimension in reverse order, as a copy."""
    if self._array.ndim == 0:
        return self
    return _take(self, (np.arange(self._array.shape[0])[::-1].copy(),))


@method("select")
def select(input, dim: int, index: int):
    """The slice at ``index`` along ``dim``, as a view."""
    return getitem(input, (*([slice(None)] * normal_dim(dim, input._array.ndim, "select")), index))


@method("narrow")
def narrow(input, dim: int, start: int, length: int):
    """``length`` slices from ``start`` along ``dim``, as a view."""
    dim = normal_dim(dim, input._array.ndim, "narrow")
    size = input._array.shape[dim]
    begin = start + size if start < 0 else start
    if length < 0 or not 0 <= begin <= size - length:
        raise fail(RuntimeError, "narrow", f"start and length within {size}", f"{start} and {length}")
    return getitem(input, (*([slice(None)] * dim), slice(begin, begin + length)))


@method("split")
def split(tensor, split_size_or_sections, dim: int = 0):
    """Pieces of a size, or of the sizes listed, along ``dim``, as views."""
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
    if chunks <= 0:
        raise fail(RuntimeError, "chunk", "chunks > 0", chunks)
    size = input._array.shape[normal_dim(dim, input._array.ndim, "chunk")]
    return split(input, max((size + chunks - 1) // chunks, 1), dim)
