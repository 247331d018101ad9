# SPDX-License-Identifier: Apache-2.0
"""Between a numpy array with any strides and PyTorch's storage, offset, size, stride."""

from __future__ import annotations

import numpy as np


def owner(array: np.ndarray) -> np.ndarray:
    """Follow views to the array that holds the memory."""
    while True:
        base = array.base
        # as_strided puts a small object with a base of its own between a view and its array.
        base = base if isinstance(base, np.ndarray) else getattr(base, "base", None)
        if not isinstance(base, np.ndarray):
            return array
        array = base


def flatten(array: np.ndarray) -> np.ndarray | None:
    """Give a dense array's elements in memory order as a flat view; None if it has gaps or negative strides."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    ordered = array.transpose(order)
    return ordered.reshape(-1) if ordered.flags.c_contiguous else None


def locate(array: np.ndarray) -> tuple[np.ndarray, int, tuple[int, ...]]:
    """Give (flat storage, offset, strides) in elements; a copy where memory can't be described so."""
    flat = _flat_owner(array)
    if flat is not None:
        item = array.itemsize
        offset = address(array) - address(flat)
        strides = array.strides if array.size else _empty_strides(array)
        if not array.size and not 0 <= offset <= flat.nbytes:
            offset = 0
        reach = (
            sum((size - 1) * stride for size, stride in zip(array.shape, strides, strict=True)) + item
            if array.size
            else 0
        )
        aligned = offset % item == 0 and all(stride % item == 0 and stride >= 0 for stride in strides)
        if aligned and offset >= 0 and offset + reach <= flat.nbytes:
            return flat, offset // item, tuple(stride // item for stride in strides)
    copy = np.array(array, order="C").reshape(-1)
    return (
        copy,
        0,
        tuple(step // array.itemsize for step in np.ndarray(array.shape, array.dtype, copy).strides),
    )


def _empty_strides(array: np.ndarray) -> tuple[int, ...]:
    # numpy gives an empty array any strides; PyTorch's are those of sizes of at least one.
    steps, step = [], array.itemsize
    for size in reversed(array.shape):
        steps.append(step)
        step *= max(size, 1)
    return tuple(reversed(steps))


def _flat_owner(array: np.ndarray) -> np.ndarray | None:
    flat = flatten(owner(array).view(np.ndarray))
    if flat is None or flat.dtype == array.dtype:
        return flat
    if flat.dtype.hasobject or flat.nbytes % array.itemsize or address(flat) % array.itemsize:
        return None
    return flat.view(np.uint8).view(array.dtype)


def address(array: np.ndarray) -> int:
    """Give the address of an array's first element."""
    return array.__array_interface__["data"][0]


def identity(flat: np.ndarray) -> tuple[int, int]:
    """Give what tells one storage from another as long as both live."""
    return (address(flat), flat.nbytes) if flat.nbytes else (id(flat), 0)


def place(flat: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> np.ndarray:
    """View a flat storage with offset, sizes and strides in elements; ValueError beyond its bounds."""
    if len(size) != len(stride) or len(size) > 64:
        raise ValueError(f"{len(size)} sizes and {len(stride)} strides")
    item = flat.itemsize
    for value in (offset, *size, *stride):
        if type(value) is not int or not 0 <= value * item < 1 << 62:
            raise ValueError(f"offset, size or stride {str(value)[:80]} isn't a number from 0 to 2^62 bytes")
    last = (
        offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
        if all(size)
        else offset - 1
    )
    if last >= len(flat):
        raise ValueError(
            f"offset {offset}, size {size}, stride {stride} reach beyond a storage of {len(flat)}"
        )
    return np.ndarray(size, flat.dtype, flat, offset * item, tuple(step * item for step in stride))
