# SPDX-License-Identifier: Apache-2.0
"""MNIST and its relatives: 28 x 28 gray images in ten classes, 60,000 for training and 10,000 for testing."""

from __future__ import annotations

import os

from nabi.errors import note, unsupported
from nabi.tensor import from_array

from .base import GrayImages
from .idx import read_pair


class MNIST(GrayImages):
    """Handwritten digits.

    The files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
    `t10k-labels-idx1-ubyte`, each possibly with `.gz`) are looked for in `root/<class name>/raw`, where
    torchvision puts them, in `root/raw` and in `root`.

    Args:
        root: the folder the data sets are in.
        train: the training images, else the test images.
        transform: function of the image; ToTensor makes a Tensor of shape (1, 28, 28) of it.
        target_transform: function of the label.
        download: fetching is not built in yet: True raises unless the files are there.

    Raises: RuntimeError where the files are not found, naming every folder; ValueError for a damaged file.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html

    Example:
        >>> from nabi.vision.datasets import MNIST
        >>> train_set = MNIST("data", train=True)  # doctest: +SKIP
        >>> image, label = train_set[0]  # doctest: +SKIP
    """

    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]
    _system_folders: tuple[str, ...] = ()
    _how_to_get = "put the four files there (compressed with gzip or not)"

    def __init__(
        self, root, train: bool = True, transform=None, target_transform=None, download: bool = False
    ) -> None:
        self.root = os.path.expanduser(os.fspath(root))
        split = "train" if train else "t10k"
        paths = self._find(f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte")
        if paths is None:
            raise self._missing(split, download)
        images, labels = read_pair(*paths, len(self.classes), (28, 28))
        super().__init__(from_array(images), from_array(labels), train, root, transform, target_transform)

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "processed")

    def _folders(self) -> list[str]:
        return [self.raw_folder, os.path.join(self.root, "raw"), self.root, *self._system_folders]

    def _find(self, *names: str) -> list[str] | None:
        """The paths of these files in the first folder that has them all."""
        for folder in self._folders():
            paths = []
            for name in names:
                found = (os.path.join(folder, name + ending) for ending in ("", ".gz"))
                paths += [path for path in found if os.path.isfile(path)][:1]
            if len(paths) == len(names):
                return paths
        return None

    def _missing(self, split: str, download: bool) -> Exception:
        name = type(self).__name__
        folders = ", ".join(self._folders())
        if download:
            return unsupported(f"{name}(download=True)", f"{self._how_to_get}: {folders}")
        files = f"{split}-images-idx3-ubyte and {split}-labels-idx1-ubyte (with or without .gz)"
        return note(
            RuntimeError, name, f"Dataset not found. Looked for {files} in {folders}; {self._how_to_get}"
        )


class FashionMNIST(MNIST):
    """Articles of clothing; a harder drop-in for MNIST.

    Also looked for where Debian's package `dataset-fashion-mnist` puts it. Otherwise as MNIST.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FashionMNIST.html
    """

    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    _system_folders = ("/usr/share/datasets/fashion-mnist",)
    _how_to_get = (
        "`apt-get install dataset-fashion-mnist`, or put the four files there (compressed with gzip or not)"
    )


class KMNIST(MNIST):
    """Cursive Japanese characters, one of each of the ten rows of Hiragana. Otherwise as MNIST.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.KMNIST.html
    """

    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
