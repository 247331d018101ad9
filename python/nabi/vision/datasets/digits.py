# SPDX-License-Identifier: Apache-2.0
"""The 1,797 handwritten digits that come with nabi."""

from __future__ import annotations

import os

import numpy as np

from nabi.tensor import from_array

from .base import GrayImages
from .idx import read_pair

_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data")


class Digits(GrayImages):
    """1,797 handwritten digits of 8 x 8 pixels, inside the package: nothing to fetch.

    The file holds the original values v from 0 to 16 (how many of 4 x 4 black-and-white pixels were set);
    `data` holds them as bytes from 0 to 255, `(255 v + 8) // 16`, so that ToTensor gives numbers from 0 to 1.

    The test images are every sixth one of the file, from the first on (300); the other 1,497 are for
    training. The 13 writers follow each other in the file, so each of them is in both parts: the accuracy is
    that for new digits by known hands. (With the last 297 images as test, the same small network makes two to
    three times as many mistakes.)

    Args:
        train: the training images, else the test images.
        transform: function of the image; ToTensor makes a Tensor of shape (1, 8, 8) of it.
        target_transform: function of the label.

    Source: E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning
        Repository, 1998, https://doi.org/10.24432/C50P49 (its test part), as scikit-learn ships it.

    Example:
        >>> from nabi.vision.datasets import Digits
        >>> train_set, test_set = Digits(train=True), Digits(train=False)
        >>> len(train_set), len(test_set), train_set.data.shape
        (1497, 300, torch.Size([1497, 8, 8]))
    """

    classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]

    def __init__(self, train: bool = True, transform=None, target_transform=None) -> None:
        images, labels = read_pair(
            os.path.join(_FOLDER, "digits-images-idx3-ubyte.gz"),
            os.path.join(_FOLDER, "digits-labels-idx1-ubyte.gz"),
            len(self.classes),
            (8, 8),
        )
        chosen = (np.arange(len(labels)) % 6 != 0) == bool(train)
        pixels = ((images[chosen].astype(np.int64) * 255 + 8) // 16).astype(np.uint8)
        super().__init__(
            from_array(pixels), from_array(labels[chosen]), train, None, transform, target_transform
        )
