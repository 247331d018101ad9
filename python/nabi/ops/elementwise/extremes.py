# SPDX-License-Identifier: Apache-2.0
"""Largest and smallest: of two tensors, of all elements, along a dimension; computed by numpy."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from ...autograd.graph import Node, record
from ...errors import fail, note
from ...tensor import Tensor, from_array, method, normal_dim
from ..promote import array_of, cast, check_tensor, common_dtype, through_numpy


class Maximum(Node):
    """max(input, other): the gradient goes to the larger one, half to each of equals."""

    __slots__ = ()
    title = "MaximumBackward0"
    saves = (0, 1)
    broadcasts = True
    above = staticmethod(np.greater)

    def _shares(self, a, b, dtype):
        equal = (a == b) * dtype.type(0.5)
        return np.asarray(self.above(a, b) + equal, dtype), np.asarray(self.above(b, a) + equal, dtype)

    def backward(self, grad):
        first, second = self._shares(*self.arrays(), grad.dtype)
        return np.asarray(grad * first), np.asarray(grad * second)

    def backward_plain(self, grad):
        a, b = self.tensors()
        first, second = self._shares(a._array, b._array, grad._array.dtype)
        return grad * from_array(first), grad * from_array(second)


class Minimum(Maximum):
    """min(input, other)"""

    __slots__ = ()
    title = "MinimumBackward0"
    above = staticmethod(np.less)


class MaxAll(Node):
    """The largest of all elements: equals share the gradient."""

    __slots__ = ()
    title = "MaxBackward1"
    saves = (0, -1)

    def _share(self, array, found, dtype):
        mask = np.asarray(np.isnan(array) if found != found else array == found)
        return np.asarray(np.asarray(mask, dtype) / dtype.type(mask.sum()))

    def backward(self, grad):
        return (np.asarray(grad * self._share(*self.arrays(), grad.dtype)),)

    def backward_plain(self, grad):
        array, found = (each._array for each in self.tensors())
        return (grad * from_array(self._share(array, found, grad._array.dtype)),)


class MinAll(MaxAll):
    """The smallest of all elements"""

    __slots__ = ()
    title = "MinBackward1"


class MaxDim(Node):
    """The largest along ``context[0]``: the gradient goes to the position found."""

    __slots__ = ()
    title = "MaxBackward0"

    def backward(self, grad):
        dim, positions, shape = self.context
        whole = np.zeros(shape, grad.dtype)
        if shape:
            np.put_along_axis(whole, positions, grad.reshape(positions.shape), dim)
        else:
            whole[...] = grad
        return (whole,)

    def backward_plain(self, grad):
        dim, positions, shape = self.context
        ones = np.ones(shape, grad._array.dtype)
        if shape:
            ones[...] = 0
            np.put_along_axis(ones, positions, 1, dim)
            grad = grad.reshape(positions.shape)
        return (grad * from_array(ones),)


class MinDim(MaxDim):
    """The smallest along a dimension"""

    __slots__ = ()
    title = "MinBackward0"


def _found_type(name: str):
    class Found(namedtuple(name, ("values", "indices"))):
        __slots__ = ()

        def __repr__(self) -> str:
            return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    Found.__name__ = Found.__qualname__ = name
    return Found


def _elementwise(name: str, ufunc, kind):
    def function(input, other):
        a, b = check_tensor(input, name), check_tensor(other, name, "other")
        wanted = common_dtype(a, b)
        if wanted.is_floating_point:
            a, b = cast(a, wanted), cast(b, wanted)
            return record(
                kind, through_numpy(name, ufunc, (a._array, b._array), wanted.numpy), wanted, (a, b)
            )
        return from_array(
            through_numpy(name, ufunc, (array_of(a, wanted), array_of(b, wanted)), wanted.numpy)
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {'larger' if name == 'maximum' else 'smaller'} of two tensors, element by element; NaN where either is."
    return method(name)(function)


maximum = _elementwise("maximum", np.maximum, Maximum)
minimum = _elementwise("minimum", np.minimum, Minimum)


def _extreme(name: str, reduce, position, pair, all_kind, dim_kind, word: str):
    found_type = _found_type(name)

    def function(input, dim=None, keepdim: bool = False, *, other=None):
        array = check_tensor(input, name)._array
        if isinstance(dim, Tensor):
            dim, other = None, dim
        if other is not None:
            return pair(input, other)
        floating = input.dtype.is_floating_point
        if dim is None:
            if array.size == 0:
                raise note(
                    RuntimeError, name, f"expected elements to choose from, got shape {array.shape}; give dim"
                )
            found = np.asarray(reduce(array))
            return record(all_kind, found, input.dtype, (input,)) if floating else from_array(found)
        dim = normal_dim(dim, array.ndim, name)
        if array.ndim == 0:
            positions, found = np.zeros((), np.int64), array.copy()
        else:
            if array.shape[dim] == 0:
                raise fail(IndexError, name, f"elements in dimension {dim}", f"shape {array.shape}")
            positions = np.asarray(position(array, axis=dim, keepdims=True), order="C")
            found = np.asarray(np.take_along_axis(array, positions, dim), order="C")
        kept = positions
        if array.ndim and not keepdim:
            found, kept = found.squeeze(dim), positions.squeeze(dim)
        values = (
            record(dim_kind, found, input.dtype, (input,), (dim, positions, array.shape))
            if floating
            else from_array(found)
        )
        return found_type(values, from_array(kept.copy()))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {word} of all elements, ``(values, indices)`` along ``dim``, or of two tensors.

    Args:
        input: any shape with elements.
        dim: a dimension (the first of equals is taken, a NaN before all), or another tensor.
        keepdim: keep the dimension with size 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html

    Example:
        >>> import nabi
        >>> nabi.{name}(nabi.tensor([[1.0, 3.0], [4.0, 2.0]]), dim=1).indices
        tensor([{"1, 0" if name == "max" else "0, 1"}])
    """
    return method(name)(function)


max = _extreme("max", np.max, np.argmax, maximum, MaxAll, MaxDim, "largest")
min = _extreme("min", np.min, np.argmin, minimum, MinAll, MinDim, "smallest")
