# SPDX-License-Identifier: Apache-2.0
"""What pickle.dumps(tensor) and copy.copy(tensor) store: the memory's array, and the view of it."""

from __future__ import annotations

import numpy as np

from ..tensor import from_array, method
from .storage import address, flatten, locate, owner, place

OWN = frozenset(
    {"dtype", "persistent"}
)  # what tensors keep in their instance dictionary besides _private names


@method("__reduce_ex__")
def _reduce_ex(tensor, protocol):
    return reduce_tensor(tensor)


def reduce_tensor(tensor) -> tuple:
    """Give the function, arguments and attributes that make a tensor again.

    The owner of the memory is pickled as the array it is: pickle's memo keeps tensors of one pickle sharing it.
    """
    flat, offset, stride = locate(tensor._array)
    whole = owner(tensor._array)
    keeps_order = type(whole) is np.ndarray and (whole.flags.c_contiguous or whole.flags.f_contiguous)
    if (
        not keeps_order
        or whole.dtype != flat.dtype
        or address(whole) != address(flat)
        or whole.size != flat.size
    ):
        whole = flat
    arguments = (whole, offset, tuple(tensor.shape), stride, tensor.requires_grad)
    return rebuild_tensor, arguments, attributes(tensor) or None


def attributes(tensor) -> dict:
    """Give what a user has set on a tensor."""
    return {
        name: value for name, value in vars(tensor).items() if name not in OWN and not name.startswith("_")
    }


def rebuild_tensor(whole, offset: int, size: tuple, stride: tuple, requires_grad: bool):
    """Make a tensor from its memory's array, offset, size and stride (in elements); the array isn't copied."""
    return from_array(place(flatten(whole), offset, size, stride), requires_grad=requires_grad)
