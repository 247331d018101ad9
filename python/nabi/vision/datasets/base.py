# SPDX-License-Identifier: Apache-2.0
"""What the data sets of images have in common."""

from __future__ import annotations

import os

import numpy as np

from nabi.errors import fail
from nabi.tensor import Tensor, from_array
from nabi.utils.data.collate import default_collate
from nabi.utils.data.dataset import Dataset, as_index, gather
from nabi.vision.transforms.transforms import for_batches

_pillow = []


def as_image(array: np.ndarray):
    """A uint8 array of shape (H, W) as a Pillow image, or the array itself where Pillow is not installed."""
    if not _pillow:
        try:
            from PIL import Image
        except ImportError:
            Image = None
        _pillow.append(Image)
    return array if _pillow[0] is None else _pillow[0].fromarray(array)


class VisionDataset(Dataset):
    """Base of the data sets of images: holds the root folder and the transforms, and prints them.

    Args:
        root: the folder the files are in, or None.
        transforms: function of (image, target) that returns both; excludes the next two.
        transform: function of the image.
        target_transform: function of the target.

    Raises: ValueError for transforms together with transform or target_transform.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.VisionDataset.html
    """

    _repr_indent = 4

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None) -> None:
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise fail(
                ValueError, type(self).__name__, "either transforms or transform/target_transform", "both"
            )
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        return "\n".join(
            [f"Dataset {type(self).__name__}", *(" " * self._repr_indent + line for line in body)]
        )

    def extra_repr(self) -> str:
        return ""


class StandardTransform:
    """The pair of a transform for the image and one for the target, each possibly None."""

    def __init__(self, transform=None, target_transform=None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input, target):
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        body = [type(self).__name__]
        for head, transform in (
            ("Transform: ", self.transform),
            ("Target transform: ", self.target_transform),
        ):
            if transform is not None:
                first, *rest = repr(transform).splitlines()
                body += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join(body)


class GrayImages(VisionDataset):
    """Gray images with a class label each, all in memory.

    `data` is a uint8 Tensor of shape (N, H, W), `targets` an int64 Tensor of shape (N,). Sample i is the
    image (of Pillow, or a uint8 array of shape (H, W) where that is not installed: ToTensor gives the same
    for both) and the label as an int, each after its transform.

    The loader reads a whole batch at once where there is no transform (the batch is then a uint8 Tensor of
    shape (B, H, W)) or only ToTensor and Normalize.
    """

    classes: list[str]

    def __init__(self, data: Tensor, targets: Tensor, train: bool, root, transform, target_transform) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.data = data
        self.targets = targets

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: label for label, name in enumerate(self.classes)}

    def __getitem__(self, index: int):
        image, target = as_image(np.asarray(self.data[index])), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"

    def _batch_reader(self):
        overridden = type(self).__getitem__ is not GrayImages.__getitem__ or hasattr(self, "__getitems__")
        transform = None if overridden else for_batches(self.transform)
        if transform is None or not (
            _is_array_of(self.data, np.uint8, 3) and _is_array_of(self.targets, np.int64, 1)
        ):
            return None
        target_transform = self.target_transform

        def read(index):
            index = as_index(index)
            if index is None:
                return None
            images, targets = gather(self.data._array, index), gather(self.targets._array, index)
            if target_transform is None:
                return [transform(images), from_array(targets)]
            return [
                transform(images),
                default_collate([target_transform(target) for target in targets.tolist()]),
            ]

        return read


def _is_array_of(tensor, dtype, dimensions: int) -> bool:
    return isinstance(tensor, Tensor) and tensor._array.dtype == dtype and tensor._array.ndim == dimensions
