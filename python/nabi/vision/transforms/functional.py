# SPDX-License-Identifier: Apache-2.0
"""The transforms as plain functions."""

from __future__ import annotations

import sys

import numpy as np

from nabi.dtype import get_default_dtype
from nabi.errors import fail
from nabi.ops.creation import from_numpy
from nabi.tensor import Tensor, bump, from_array

_PIL_TYPES = {"I": np.int32, "I;16": np.int16, "I;16B": np.int16, "F": np.float32}


def is_pil_image(value) -> bool:
    """Whether this is a Pillow image; where Pillow was never imported nothing can be one."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def to_tensor(pic) -> Tensor:
    """An image as a Tensor of shape (C, H, W); bytes become numbers from 0 to 1.

    Args:
        pic: a Pillow image, or a numpy array of shape (H, W) or (H, W, C).

    Returns: Tensor of shape (C, H, W): uint8 values divided by 255 in the default dtype, other types as they
        are (a Pillow image of mode 1 counts as bytes 0 and 255).
    Raises: TypeError for anything else; ValueError for an array with another number of dimensions.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_tensor.html

    Example:
        >>> import numpy as np
        >>> from nabi.vision.transforms.functional import to_tensor
        >>> to_tensor(np.array([[0, 51], [102, 255]], dtype=np.uint8)).tolist()
        [[[0.0, 0.20000000298023224], [0.4000000059604645, 1.0]]]
    """
    if is_pil_image(pic):
        array = np.array(pic, _PIL_TYPES.get(pic.mode, np.uint8))
        if pic.mode == "1":
            array = array * np.uint8(255)
    elif isinstance(pic, np.ndarray):
        array = pic
        if array.ndim not in (2, 3):
            raise fail(
                ValueError, "ToTensor", "an array of shape (H, W) or (H, W, C)", f"shape {array.shape}"
            )
    else:
        raise fail(TypeError, "ToTensor", "a PIL image or a numpy array", type(pic).__name__)
    if array.ndim == 2:
        array = array[:, :, None]
    array = array.transpose(2, 0, 1)
    if array.dtype == np.uint8:
        return from_array(scale_bytes(array))
    return from_numpy(np.ascontiguousarray(array))


def scale_bytes(array: np.ndarray) -> np.ndarray:
    """uint8 values divided by 255 in the default dtype, contiguous."""
    dtype = get_default_dtype().numpy
    out = np.empty(array.shape, dtype)
    np.copyto(out, array)
    out /= dtype.type(255)
    return out


def normalize(tensor: Tensor, mean, std, inplace: bool = False) -> Tensor:
    """Shift and scale each channel: `out[..., c, :, :] = (tensor[..., c, :, :] - mean[c]) / std[c]`.

    Args:
        tensor: floating-point Tensor of shape (..., C, H, W).
        mean, std: one number per channel, or one for all.
        inplace: write into `tensor` instead of a new one.

    Returns: Tensor of the same shape.
    Raises: TypeError for what is no floating-point Tensor; ValueError for fewer than 3 dimensions or a std of
        0; RuntimeError where the number of channels does not fit.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.normalize.html

    Example:
        >>> import nabi
        >>> from nabi.vision.transforms.functional import normalize
        >>> normalize(nabi.tensor([[[0.0, 0.5, 1.0]]]), [0.5], [0.5]).tolist()
        [[[-1.0, 0.0, 1.0]]]
    """
    if not isinstance(tensor, Tensor):
        raise fail(TypeError, "Normalize", "a Tensor (put ToTensor before it)", type(tensor).__name__)
    if not tensor.dtype.is_floating_point:
        raise fail(TypeError, "Normalize", "a floating-point tensor", tensor.dtype)
    if len(tensor.shape) < 3:
        raise fail(
            ValueError, "Normalize", "a tensor of shape (..., C, H, W)", f"shape {tuple(tensor.shape)}"
        )
    array = tensor._array
    shift, scale = _per_channel("mean", mean, array), _per_channel("std", std, array)
    if not scale.all():
        raise fail(ValueError, "Normalize", f"std without a zero in {tensor.dtype}", std)
    if tensor.requires_grad:
        shift, scale = from_array(shift), from_array(scale)
        return tensor.sub_(shift).div_(scale) if inplace else (tensor - shift) / scale
    with np.errstate(all="ignore"):
        out = np.subtract(array, shift, out=array if inplace else None)
        out /= scale
    if inplace:
        bump(tensor)
        return tensor
    return from_array(out)


def _per_channel(name: str, values, array: np.ndarray) -> np.ndarray:
    """mean or std in the image's dtype, of shape (), (1, 1, 1) or (C, 1, 1)."""
    numbers = np.array(values._array if isinstance(values, Tensor) else values, array.dtype)
    if numbers.ndim == 1:
        numbers = numbers.reshape(-1, 1, 1)
    try:
        fits = np.broadcast_shapes(numbers.shape, array.shape[-3:]) == array.shape[-3:]
    except ValueError:
        fits = False
    if not fits:
        expected = f"{name} with {array.shape[-3]} values, one per channel, or 1"
        raise fail(RuntimeError, "Normalize", expected, numbers.size)
    return numbers
