# SPDX-License-Identifier: Apache-2.0
"""The gradient of broadcasting: sums over the dimensions that were repeated."""

from __future__ import annotations

import numpy as np

from .. import _C
from ..tensor import Tensor


def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array's gradient summed to ``shape``."""
    extra = grad.ndim - len(shape)
    if extra < 0:
        return grad.reshape(shape)
    for dim in range(len(shape)):
        if shape[dim] == 1 and grad.shape[extra + dim] != 1:
            grad = _sum_dims(grad, extra + dim, extra + dim + 1, keep=True)
    if extra:
        grad = _sum_dims(grad, 0, extra, keep=False)
    return grad.reshape(shape)


def _sum_dims(array: np.ndarray, begin: int, end: int, keep: bool) -> np.ndarray:
    shape = array.shape
    outer = int(np.prod(shape[:begin], dtype=np.int64))
    middle = int(np.prod(shape[begin:end], dtype=np.int64))
    inner = int(np.prod(shape[end:], dtype=np.int64))
    total = _C.sum_middle(_C.reshaped(array, (outer, middle, inner)), 1.0)
    return total.reshape(shape[:begin] + ((1,) * (end - begin) if keep else ()) + shape[end:])


def unbroadcast_plain(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The same in Tensor operations."""
    extra = grad._array.ndim - len(shape)
    if extra < 0:
        return grad.reshape(shape)
    dims = [
        *range(extra),
        *(extra + d for d in range(len(shape)) if shape[d] == 1 and grad._array.shape[extra + d] != 1),
    ]
    if dims:
        grad = grad.sum(dims, keepdim=True)
    return grad.reshape(shape)
