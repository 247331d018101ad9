# SPDX-License-Identifier: Apache-2.0
"""Data sets of images under torchvision's names, and the handwritten digits that come with nabi."""

from .base import VisionDataset
from .digits import Digits
from .mnist import KMNIST, MNIST, FashionMNIST

__all__ = ["KMNIST", "MNIST", "Digits", "FashionMNIST", "VisionDataset"]
