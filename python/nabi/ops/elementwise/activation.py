# SPDX-License-Identifier: Apache-2.0
"""Activations."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, record
from ...autograd.views import before_change, prepare_inplace, write_result
from ...errors import note
from ...tensor import from_array, method
from ..promote import cast, check_tensor, through_numpy


class Relu(Node):
    """max(input, 0)"""

    __slots__ = ()
    title = "ReluBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.relu_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * (output > 0).to(grad.dtype),)


def _float_input(input, op: str):
    check_tensor(input, op)
    if input.dtype.is_floating_point:
        return input
    from ...dtype import get_default_dtype

    return cast(input, get_default_dtype())


def relu(input, inplace: bool = False):
    """max(input, 0), element by element; NaN stays NaN.

    Args:
        input: any shape.
        inplace: write into ``input`` and return it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html

    Example:
        >>> import nabi
        >>> nabi.relu(nabi.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    if inplace:
        return relu_(input)
    check_tensor(input, "relu")
    if not input.dtype.is_floating_point:
        if input.dtype.name == "bool":
            raise note(RuntimeError, "relu", "expected numbers, got a bool tensor")
        array = input._array
        return from_array(
            through_numpy("relu", lambda x, out: np.maximum(x, 0, out=out), (array,), array.dtype)
        )
    return record(Relu, _C.relu(input._array), input.dtype, (input,))


@method("relu")
def _relu_method(self):
    """max(self, 0), element by element."""
    return relu(self)


@method("relu_")
def relu_(input):
    """In-place form of :func:`nabi.relu`."""
    check_tensor(input, "relu_")
    prepare_inplace(input, "relu_")
    return write_result(input, relu(before_change(input)), "relu_")


class Sigmoid(Node):
    """1 / (1 + exp(-input))"""

    __slots__ = ()
    title = "SigmoidBackward0"
    saves = (-1,)

    def backward(self, grad):
        return (_C.sigmoid_backward(grad, self.arrays()[0]),)

    def backward_plain(self, grad):
        (output,) = self.tensors()
        return (grad * output * (1 - output),)


@method("sigmoid")
def sigmoid(input):
    """1 / (1 + exp(-input)), element by element; integers give float32.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html

    Example:
        >>> import nabi
        >>> nabi.sigmoid(nabi.tensor([0.0]))
        tensor([0.5000])
    """
    input = _float_input(input, "sigmoid")
    return record(Sigmoid, _C.sigmoid(input._array), input.dtype, (input,))


@method("sigmoid_")
def sigmoid_(input):
    """In-place form of :func:`nabi.sigmoid`."""
    check_tensor(input, "sigmoid_")
    prepare_inplace(input, "sigmoid_")
    return write_result(input, sigmoid(before_change(input)), "sigmoid_")
