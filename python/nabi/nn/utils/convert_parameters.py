# SPDX-License-Identifier: Apache-2.0
"""All parameters as one vector, and back."""

from __future__ import annotations

from nabi.errors import fail
from nabi.tensor import Tensor


def parameters_to_vector(parameters):
    """The parameters' elements in one vector, which autograd can go back through.

    Args:
        parameters: an iterable of contiguous tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
        torch.Size([8])
    """
    from nabi.ops.shape import cat

    return cat([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec, parameters) -> None:
    """Make the parameters views of consecutive pieces of a vector.

    Args:
        vec: a vector of at least as many elements as the parameters have.
        parameters: an iterable of tensors.

    Raises:
        TypeError: vec is not a tensor.
        ValueError: vec is too short; nothing is changed then.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html
    """
    if not isinstance(vec, Tensor):
        raise fail(TypeError, "vector_to_parameters", "a tensor", type(vec).__name__)
    parameters = list(parameters)
    needed = sum(parameter.numel() for parameter in parameters)
    if vec.dim() != 1 or vec.numel() < needed:
        expected = f"a vector of at least {needed} elements"
        raise fail(ValueError, "vector_to_parameters", expected, f"shape {tuple(vec.shape)}")
    start = 0
    for parameter in parameters:
        stop = start + parameter.numel()
        parameter.data = vec.detach()[start:stop].view(parameter.shape)
        start = stop
