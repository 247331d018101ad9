# SPDX-License-Identifier: Apache-2.0
"""Operations that look at the same memory through another shape."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import record
from ...autograd.views import View, record_view
from ...dtype import dtype as _dtype_class
from ...errors import fail, note
from ...tensor import Tensor, describe, method, normal_dim
from ..promote import check_tensor


class ViewShape(View):
    """view(shape); ``context`` is (new shape, old shape)."""

    __slots__ = ()
    title = "ViewBackward0"

    @staticmethod
    def view(array, context):
        return _view_as(array, context[0])

    def backward(self, grad):
        return (_C.reshaped(grad, self.context[1]),)

    def backward_plain(self, grad):
        return (grad.reshape(self.context[1]),)


class Permute(View):
    """permute(dims); ``context`` is the order."""

    __slots__ = ()
    title = "PermuteBackward0"

    @staticmethod
    def view(array, context):
        return array.transpose(context)

    def _inverse(self):
        inverse = [0] * len(self.context)
        for to, source in enumerate(self.context):
            inverse[source] = to
        return tuple(inverse)

    def backward(self, grad):
        return (grad.transpose(self._inverse()),)

    def backward_plain(self, grad):
        return (permute(grad, self._inverse()),)


class Transpose(Permute):
    """transpose(a, b)"""

    __slots__ = ()
    title = "TransposeBackward0"


class T(Permute):
    """t()"""

    __slots__ = ()
    title = "TBackward0"


class Squeeze(ViewShape):
    """squeeze"""

    __slots__ = ()
    title = "SqueezeBackward0"


class SqueezeDim(ViewShape):
    """squeeze(dim)"""

    __slots__ = ()
    title = "SqueezeBackward1"


class SqueezeDims(ViewShape):
    """squeeze((dim, ...))"""

    __slots__ = ()
    title = "SqueezeBackward2"


class Unsqueeze(ViewShape):
    """unsqueeze"""

    __slots__ = ()
    title = "UnsqueezeBackward0"


class Expand(View):
    """expand(shape); ``context`` is (new shape, old shape)."""

    __slots__ = ()
    title = "ExpandBackward0"
    broadcasts = True  # the walk sums what was repeated

    @staticmethod
    def view(array, context):
        return _expanded(array, context[0])

    def backward(self, grad):
        return (grad,)

    backward_plain = backward


def _view_as(array: np.ndarray, shape: tuple) -> np.ndarray | None:
    """A numpy view of that shape, or None where only a copy could have it."""
    if array.flags.c_contiguous:
        return array.reshape(shape)
    strides = _C.view_strides(array, shape)
    return None if strides is None else _C.as_strided(array, shape, strides)


def normal_shape(shape, count: int, op: str) -> tuple[int, ...]:
    """The shape with -1 worked out; RuntimeError where it does not hold ``count`` elements."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    for size in shape:
        if not hasattr(size, "__index__"):
            raise fail(TypeError, op, "sizes to be ints", type(size).__name__)
    shape = tuple(int(size.__index__()) for size in shape)
    unknown, known = -1, 1
    for d, size in enumerate(shape):
        if size == -1:
            if unknown >= 0:
                raise note(
                    RuntimeError,
                    op,
                    "expected at most one size of -1 (only one dimension can be inferred), got more",
                )
            unknown = d
        elif size < 0:
            raise fail(RuntimeError, op, "sizes of at least 0, or one -1", list(shape))
        else:
            known *= size
    if unknown >= 0:
        if known == 0:
            raise fail(RuntimeError, op, "sizes from which -1 follows", f"{list(shape)} for {count} elements")
        if count % known == 0:
            return (*shape[:unknown], count // known, *shape[unknown + 1 :])
    elif known == count:
        return shape
    raise fail(RuntimeError, op, f"a shape of {count} elements", list(shape))


def _sizes_fit(shape) -> bool:
    """False where numpy took a size below -1 for an unknown one."""
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return all(size >= -1 for size in sizes)


@method("view")
def view(self, *shape, size=None, dtype=None):
    """The same memory in another shape; one size may be -1.

    Raises:
        RuntimeError: another number of elements, or strides that no view of that shape has (use ``reshape``).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html

    Example:
        >>> import nabi
        >>> nabi.arange(4).view(2, 2)
        tensor([[0, 1],
                [2, 3]])
    """
    array = self._array
    if size is not None:
        shape = (size,)
    if array.flags.c_contiguous:
        try:
            found = array.reshape(*shape)
        except (ValueError, TypeError):
            pass  # what is wrong is said below
        else:
            if found.shape == shape or _sizes_fit(shape):
                return record_view(ViewShape, self, found, (found.shape, array.shape))
    if dtype is not None or (len(shape) == 1 and type(shape[0]) is _dtype_class):
        raise note(
            NotImplementedError, "view", "view(dtype) is not supported; use .to(dtype) to convert values"
        )
    shape = normal_shape(shape, array.size, "view")
    found = _view_as(array, shape)
    if found is None:
        raise note(
            RuntimeError,
            "view",
            f"expected strides that shape {list(shape)} can be seen through, got {self.stride()} of {describe(self)}; "
            "use reshape(), which copies",
        )
    return record_view(ViewShape, self, found, (shape, array.shape))


@method("view_as")
def view_as(self, other):
    """``view(other.shape)``."""
    return view(self, other._array.shape)


class ReshapeAlias(ViewShape):
    """reshape of a tensor that is not contiguous but can be seen in that shape"""

    __slots__ = ()
    title = "ReshapeAliasBackward0"


class Reshape(ViewShape):
    """reshape that had to copy"""

    __slots__ = ()
    title = "UnsafeViewBackward0"


@method("reshape")
def reshape(input, *sizes, shape=None):
    """``view`` where the strides allow it, else a copy in that shape.

    Example:
        >>> import nabi
        >>> nabi.arange(6).reshape(2, -1).shape
        torch.Size([2, 3])
    """
    array = check_tensor(input, "reshape")._array
    shape = sizes if shape is None else (shape,)
    if array.flags.c_contiguous:
        try:
            found = array.reshape(*shape)
        except (ValueError, TypeError):
            pass  # what is wrong is said below
        else:
            if found.shape == shape or _sizes_fit(shape):
                return record_view(ViewShape, input, found, (found.shape, array.shape))
    shape = normal_shape(shape, array.size, "reshape")
    found = _view_as(array, shape)
    if found is not None:
        return record_view(ReshapeAlias, input, found, (shape, array.shape))
    return record(Reshape, _C.reshaped(array, shape), input.dtype, (input,), (shape, array.shape))


@method("reshape_as")
def reshape_as(self, other):
    """``reshape(other.shape)``."""
    return reshape(self, other._array.shape)


@method("flatten")
def flatten(input, start_dim: int = 0, end_dim: int = -1):
    """Dimensions from ``start_dim`` to ``end_dim`` as one."""
    array = check_tensor(input, "flatten")._array
    ndim = array.ndim
    start, end = normal_dim(start_dim, ndim, "flatten"), normal_dim(end_dim, ndim, "flatten")
    if start > end:
        raise fail(RuntimeError, "flatten", "start_dim not after end_dim", f"{start_dim} and {end_dim}")
    if ndim == 0:
        return reshape(input, 1)
    if start == end:
        return input
    middle = 1
    for size in array.shape[start : end + 1]:
        middle *= size
    return reshape(input, (*array.shape[:start], middle, *array.shape[end + 1 :]))


@method("unflatten")
def unflatten(input, dim: int, sizes):
    """One dimension split into ``sizes`` (one may be -1)."""
    array = check_tensor(input, "unflatten")._array
    dim = normal_dim(dim, array.ndim, "unflatten")
    if array.ndim == 0:
        raise fail(RuntimeError, "unflatten", "a tensor with dimensions", describe(input))
    sizes = normal_shape((sizes,) if isinstance(sizes, int) else tuple(sizes), array.shape[dim], "unflatten")
    return view(input, (*array.shape[:dim], *sizes, *array.shape[dim + 1 :]))


@method("permute")
def permute(input, *order, dims=None):
    """The dimensions in another order.

    Example:
        >>> import nabi
        >>> nabi.zeros(2, 3, 4).permute(2, 0, 1).shape
        torch.Size([4, 2, 3])
    """
    dims = order if dims is None else (dims,)
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = dims[0]
    ndim = check_tensor(input, "permute")._array.ndim
    order = tuple(normal_dim(d, ndim, "permute") for d in dims)
    if len(order) != ndim or len(set(order)) != ndim:
        raise fail(RuntimeError, "permute", f"each of {ndim} dimensions once", tuple(dims))
    return record_view(Permute, input, input._array.transpose(order), order)


@method("transpose", "swapaxes", "swapdims")
def transpose(input, dim0: int, dim1: int):
    """Two dimensions exchanged."""
    ndim = check_tensor(input, "transpose")._array.ndim
    a, b = normal_dim(dim0, ndim, "transpose"), normal_dim(dim1, ndim, "transpose")
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = order[b], order[a]
    return record_view(Transpose, input, input._array.transpose(order), tuple(order))


@method("t")
def t(input):
    """A matrix transposed; vectors and numbers as they are."""
    ndim = check_tensor(input, "t")._array.ndim
    if ndim > 2:
        raise fail(RuntimeError, "t", "at most 2 dimensions", describe(input))
    order = (1, 0) if ndim == 2 else tuple(range(ndim))
    return record_view(T, input, input._array.transpose(order), order)


def _reversed_dims(self):
    """All dimensions in reverse order; other than for matrices with PyTorch's deprecation warning."""
    ndim = self._array.ndim
    if ndim != 2:
        _deprecated(
            f"T on a tensor with {ndim} dimensions is deprecated; use mT for batches of matrices, or permute"
        )
    order = tuple(reversed(range(ndim)))
    return record_view(Permute, self, self._array.transpose(order), order)


def _matrix_transposed(self):
    """The last two dimensions exchanged."""
    if self._array.ndim == 0:
        _deprecated("mT on a 0-d tensor is deprecated; it is the tensor itself")
        return self
    if self._array.ndim == 1:
        raise fail(RuntimeError, "mT", "at least 2 dimensions", describe(self))
    return transpose(self, -2, -1)


def _deprecated(sentence: str) -> None:
    import warnings

    warnings.warn(sentence, UserWarning, stacklevel=3)


Tensor.T = property(_reversed_dims)
Tensor.mT = property(_matrix_transposed)


@method("movedim", "moveaxis")
def movedim(input, source, destination):
    """Dimensions moved to other places, the rest in order."""
    ndim = check_tensor(input, "movedim")._array.ndim
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    sources = [normal_dim(d, ndim, "movedim") for d in sources]
    targets = [normal_dim(d, ndim, "movedim") for d in targets]
    if len(sources) != len(targets) or len(set(sources)) != len(sources) or len(set(targets)) != len(targets):
        raise fail(
            RuntimeError, "movedim", "as many different targets as sources", f"{source} and {destination}"
        )
    if ndim == 0:
        return permute(input, ())
    order = [d for d in range(ndim) if d not in sources]
    for to, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(to, origin)
    return permute(input, order)


@method("squeeze")
def squeeze(input, dim=None):
    """Dimensions of size 1 left out: all, or those named."""
    array = check_tensor(input, "squeeze")._array
    kind, dims = Squeeze, range(array.ndim)
    if dim is not None:
        kind = SqueezeDims if isinstance(dim, (tuple, list)) else SqueezeDim
        dims = [normal_dim(d, array.ndim, "squeeze") for d in (dim if kind is SqueezeDims else (dim,))]
        if len(set(dims)) != len(dims):
            raise fail(RuntimeError, "squeeze", "each dimension once", tuple(dim))
    found = array.squeeze(tuple(d for d in dims if d < array.ndim and array.shape[d] == 1))
    return record_view(kind, input, found, (found.shape, array.shape))


@method("unsqueeze")
def unsqueeze(input, dim: int):
    """A dimension of size 1 put in at ``dim``."""
    array = check_tensor(input, "unsqueeze")._array
    at = normal_dim(dim, array.ndim + 1, "unsqueeze")
    shape = (*array.shape[:at], 1, *array.shape[at:])
    if array.flags.c_contiguous:
        found = array.reshape(shape)
    else:
        step = array.shape[at] * array.strides[at] if at < array.ndim else array.itemsize
        strides = (*array.strides[:at], step, *array.strides[at:])
        found = _C.as_strided(array, shape, tuple(strides))
    return record_view(Unsqueeze, input, found, (shape, array.shape))


@method("expand")
def expand(input, *sizes, size=None):
    """Dimensions of size 1 (and new leading ones) repeated without a copy; -1 keeps a size.

    Example:
        >>> import nabi
        >>> nabi.tensor([[1], [2]]).expand(2, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """
    if size is not None:
        sizes = (size,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    for size in sizes:
        if not hasattr(size, "__index__"):
            raise fail(TypeError, "expand", "sizes to be ints", type(size).__name__)
    old = check_tensor(input, "expand")._array.shape
    extra = len(sizes) - len(old)
    if extra < 0:
        raise fail(RuntimeError, "expand", f"at least {len(old)} sizes", list(sizes))
    shape = []
    for d, size in enumerate(sizes):
        have = old[d - extra] if d >= extra else None
        if size == -1:
            if have is None:
                raise fail(RuntimeError, "expand", "a size for each new dimension", list(sizes))
            size = have
        elif size < 0 or (have not in (None, 1) and have != size):
            raise fail(RuntimeError, "expand", f"sizes that {describe(input)} expands to", list(sizes))
        shape.append(int(size))
    shape = tuple(shape)
    return record_view(Expand, input, _expanded(input._array, shape), (shape, old))


def _expanded(array: np.ndarray, shape: tuple) -> np.ndarray:
    extra = len(shape) - array.ndim
    # A new dimension of size 1 gets the stride that PyTorch computes for it; numpy gives it 0.
    strides = [0] * len(shape)
    for d in range(len(shape) - 1, -1, -1):
        if d < extra:
            if shape[d] == 1:
                strides[d] = strides[d + 1] * shape[d + 1] if d + 1 < len(shape) else array.itemsize
        elif array.shape[d - extra] == shape[d]:
            strides[d] = array.strides[d - extra]
    # Not broadcast_to: its result is read-only; prepare_inplace refuses repeated elements by their strides.
    return _C.as_strided(array, shape, tuple(strides))


@method("expand_as")
def expand_as(self, other):
    """``expand(other.shape)``."""
    return expand(self, other._array.shape)


@method("broadcast_to")
def broadcast_to(input, size):
    """``expand(size)``."""
    return expand(input, size)
