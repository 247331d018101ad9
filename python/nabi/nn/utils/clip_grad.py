# SPDX-License-Identifier: Apache-2.0
"""Keeping gradients small."""

from __future__ import annotations

import types
import warnings

import numpy as np

from nabi.errors import fail, note
from nabi.tensor import Tensor, bump, from_array


def _tensors(op, tensors):
    if isinstance(tensors, Tensor):
        return [tensors]
    result = list(tensors)
    for tensor in result:
        if not isinstance(tensor, Tensor):
            raise fail(TypeError, op, "tensors", type(tensor).__name__)
    if not result and isinstance(tensors, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    return result


def _gradients(op, parameters):
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for grad in grads:
        if not grad._array.flags.writeable:
            raise fail(RuntimeError, op, "gradients that can be written", "a read-only one")
    return grads


def _norm(array, order):
    # Summed in float64, so that neither the order nor a large float32 value matters; numpy's own norm would
    # call BLAS.
    if order == np.inf:
        return np.max(np.abs(array), initial=0.0)
    if order == -np.inf:
        return np.min(np.abs(array), initial=np.inf)
    if order == 0:
        return np.count_nonzero(array)
    sizes = np.abs(array).astype(np.float64)
    return np.sum(sizes**order) ** (1.0 / order)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all tensors as if they were one vector.

    Args:
        tensors: a tensor or an iterable of tensors.
        norm_type: the order of the norm; may be "inf".
        error_if_nonfinite: raise where the norm is NaN or infinite.
        foreach: accepted, no effect.

    Returns:
        a tensor without dimensions; 0 for no tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.get_total_norm.html
    """
    tensors, order = _tensors("get_total_norm", tensors), float(norm_type)
    if not tensors:
        return from_array(np.array(0.0, dtype=np.float32))
    with np.errstate(all="ignore"):
        norms = np.array([_norm(tensor._array, order) for tensor in tensors], dtype=np.float64)
        total = np.asarray(_norm(norms, order)).astype(np.result_type(*(t._array.dtype for t in tensors)))
    if error_if_nonfinite and not np.isfinite(total):
        sentence = f"the total norm of order {order} is non-finite, so the gradients cannot be clipped"
        raise note(RuntimeError, "get_total_norm", f"{sentence}; error_if_nonfinite=False scales them anyway")
    return from_array(np.array(total))


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None) -> None:
    """Multiply the gradients by ``min(max_norm / (total_norm + 1e-6), 1)``, the norm being known."""
    parameters = _tensors("clip_grads_with_norm_", parameters)
    total = total_norm._array if isinstance(total_norm, Tensor) else np.float32(total_norm)
    kind = total.dtype.type
    with np.errstate(all="ignore"):
        factor = np.minimum(kind(float(max_norm)) / (total + kind(1e-6)), kind(1.0))
        for grad in _gradients("clip_grads_with_norm_", parameters):
            grad._array *= grad._array.dtype.type(factor)
            bump(grad)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale the gradients of all parameters together so that their norm is at most max_norm.

    Args:
        parameters: a tensor or an iterable of tensors; those without a gradient are skipped.
        max_norm: the largest norm that is left as it is.
        norm_type: the order of the norm; may be "inf".
        error_if_nonfinite: raise where the norm is NaN or infinite; nothing is scaled then.
        foreach: accepted, no effect.

    Returns:
        the norm before clipping, a tensor without dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html

    Example:
        >>> import nabi
        >>> p = nabi.nn.Parameter(nabi.zeros(2))
        >>> p.grad = nabi.tensor([3.0, 4.0])
        >>> nabi.nn.utils.clip_grad_norm_([p], max_norm=1.0)
        tensor(5.)
        >>> p.grad
        tensor([0.6000, 0.8000])
    """
    parameters = _tensors("clip_grad_norm_", parameters)
    grads = _gradients("clip_grad_norm_", parameters)
    total_norm = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total_norm)
    return total_norm


def clip_grad_value_(parameters, clip_value, foreach=None) -> None:
    """Limit every element of the gradients to [-clip_value, clip_value].

    Args:
        parameters: a tensor or an iterable of tensors; those without a gradient are skipped.
        clip_value: the largest size of an element.
        foreach: accepted, no effect.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
    """
    bound = float(clip_value)
    for grad in _gradients("clip_grad_value_", _tensors("clip_grad_value_", parameters)):
        kind = grad._array.dtype.type
        # NaN stays; with a negative bound the upper one wins, as in PyTorch.
        np.maximum(grad._array, kind(-bound), out=grad._array)
        np.minimum(grad._array, kind(bound), out=grad._array)
        bump(grad)
