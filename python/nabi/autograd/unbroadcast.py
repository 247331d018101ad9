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
        return _C.reshaped(grad, shape)
    dims = (
        *range(extra),
        *(extra + d for d in range(len(shape)) if shape[d] == 1 and grad.shape[extra + d] != 1),
    )
    return _C.reshaped(_C.sum(grad, dims, True, 1.0) if dims else grad, shape)


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
