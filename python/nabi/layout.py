# SPDX-License-Identifier: Apache-2.0
"""Where the elements of an array lie in memory."""

from __future__ import annotations

import numpy as np

from . import _C


def address(array: np.ndarray) -> int:
    """Where the first element lies."""
    return array.__array_interface__["data"][0]


def copy_layout(array: np.ndarray) -> np.ndarray:
    """A copy that keeps the memory order of a dense array's dimensions, as PyTorch's clone does."""
    return _C.copy_laid_out(array, array)


def write_into(target: np.ndarray, source: np.ndarray) -> None:
    """target[...] = source, broadcast. Conversions are numpy's, and so is writing one value to repeated elements."""
    if source.dtype == target.dtype and can_write(target):
        _C.copy(source, target)
        return
    with np.errstate(all="ignore"):
        np.copyto(target, source, casting="unsafe")


def is_dense(array: np.ndarray) -> bool:
    """True where the elements fill their memory without gaps or repeats, in whatever order of dimensions."""
    expected = array.itemsize
    for size, step in sorted(zip(array.shape, array.strides, strict=True), key=lambda pair: pair[1]):
        if size == 1:
            continue
        if step != expected:
            return False
        expected *= size
    return True


def can_write(array: np.ndarray) -> bool:
    """False where one memory cell stands for several elements (stride 0, as after expand)."""
    if array.flags.forc or 0 not in array.strides:
        return True
    return (
        all(step or size <= 1 for size, step in zip(array.shape, array.strides, strict=True))
        or array.size == 0
    )
