# SPDX-License-Identifier: Apache-2.0
"""The transforms as objects, to be given to a data set."""

from __future__ import annotations

from nabi.errors import fail
from nabi.nn import Module
from nabi.tensor import Tensor, from_array

from . import functional


class Compose:
    """Several transforms one after the other: `Compose([f, g])(x) = g(f(x))`.

    Args:
        transforms: a list of callables.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Compose.html

    Example:
        >>> from nabi.vision.transforms import Compose, Normalize, ToTensor
        >>> Compose([ToTensor(), Normalize((0.5,), (0.5,))])
        Compose(
            ToTensor()
            Normalize(mean=(0.5,), std=(0.5,))
        )
    """

    def __init__(self, transforms) -> None:
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = [f"    {transform}" for transform in self.transforms]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


class ToTensor:
    """An image of shape (H, W) or (H, W, C) as a Tensor of shape (C, H, W), bytes divided by 255.

    Takes Pillow images and numpy arrays; see `functional.to_tensor`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html

    Example:
        >>> import numpy as np
        >>> from nabi.vision.transforms import ToTensor
        >>> ToTensor()(np.zeros((2, 4, 3), dtype=np.uint8)).shape
        torch.Size([3, 2, 4])
    """

    def __call__(self, pic) -> Tensor:
        return functional.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize(Module):
    """Shift and scale each channel: `out[c] = (x[c] - mean[c]) / std[c]`.

    Args:
        mean, std: sequences with one number per channel.
        inplace: write into the given Tensor.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html

    Example:
        >>> import nabi
        >>> from nabi.vision.transforms import Normalize
        >>> Normalize((0.5,), (0.25,))(nabi.tensor([[[0.5, 1.0]]])).tolist()
        [[[0.0, 2.0]]]
    """

    def __init__(self, mean, std, inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return functional.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Lambda:
    """Any function as a transform.

    Args:
        lambd: a callable that takes and returns an image or Tensor.

    Raises: TypeError for what cannot be called.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Lambda.html

    Example:
        >>> from nabi.vision.transforms import Lambda
        >>> Lambda(lambda x: x + 1)(2)
        3
    """

    def __init__(self, lambd) -> None:
        if not callable(lambd):
            raise fail(TypeError, "Lambda", "a callable", type(lambd).__name__)
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def for_batches(transform):
    """The transform as a function from a uint8 array (B, H, W) to the batch of the B transformed images.

    None where that is not known to be the same: only ToTensor followed by any number of Normalize is, nested
        in Compose
    or not, and no transform at all.
    """
    steps = _flat(transform)
    if not steps:
        return from_array
    if type(steps[0]) is not ToTensor or any(type(step) is not Normalize for step in steps[1:]):
        return None

    def apply(images):
        batch = from_array(functional.scale_bytes(images[:, None]))
        for step in steps[1:]:
            batch = functional.normalize(batch, step.mean, step.std, inplace=True)
        return batch

    return apply


def _flat(transform) -> list:
    if transform is None:
        return []
    if type(transform) is Compose:
        return [step for part in transform.transforms for step in _flat(part)]
    return [transform]
