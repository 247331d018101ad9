# SPDX-License-Identifier: Apache-2.0
"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from nabi.errors import fail
from nabi.tensor import Tensor, from_array


def _instance(cls, data, requires_grad):
    """A tensor of class cls that shares data's array and version, apart from data's graph."""
    import numpy as np

    if data is None:
        data = from_array(np.empty(0, dtype=_default_numpy_dtype()))
    elif not isinstance(data, Tensor):
        raise fail(TypeError, cls.__name__, "a Tensor", type(data).__name__)
    if requires_grad and not data.is_floating_point():
        sentence = f"a floating point tensor, for only those can require gradients; got {data.dtype}"
        raise fail(RuntimeError, cls.__name__, sentence, "requires_grad=True")
    result = data.detach()
    result.__class__ = cls
    if requires_grad:
        result.requires_grad = True
    return result


def _default_numpy_dtype():
    from nabi.dtype import get_default_dtype

    return get_default_dtype().numpy


class Parameter(Tensor):
    """A tensor that is a module's parameter: assigned to a module it appears in ``parameters()``.

    Args:
        data: the tensor to share; an empty one if None.
        requires_grad: whether gradients are wanted; no_grad() has no influence on it.

    Raises:
        TypeError: data is not a Tensor.
        RuntimeError: requires_grad for a tensor that is not floating point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html

    Example:
        >>> import nabi
        >>> nabi.nn.Parameter(nabi.zeros(2))
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """

    _printed_name = "tensor"
    __format__ = object.__format__

    def __new__(cls, data=None, requires_grad=True):
        return _instance(cls, data, requires_grad)

    def __init__(self, data=None, requires_grad=True):
        pass

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        attributes = {k: v for k, v in self.__dict__.items() if k != "dtype" and not k.startswith("_")}
        return type(self), (self.detach(), self.requires_grad), attributes or None


class Buffer(Tensor):
    """A tensor that is a module's without being a parameter: assigned to it, it appears in ``buffers()``.

    Args:
        data: the tensor to share; an empty one if None.
        persistent: whether it is part of the module's state_dict.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html

    Example:
        >>> import nabi
        >>> nabi.nn.Buffer(nabi.ones(2))
        tensor([1., 1.])
    """

    _printed_name = "tensor"

    def __new__(cls, data=None, *, persistent=True):
        result = _instance(cls, data, data is not None and data.requires_grad)
        result.persistent = persistent
        return result

    def __init__(self, data=None, *, persistent=True):
        pass

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _rebuild_buffer(self.detach().clone(), self.persistent)
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _rebuild_buffer, (self.detach(), self.persistent)


def _rebuild_buffer(data, persistent):
    return Buffer(data, persistent=persistent)
