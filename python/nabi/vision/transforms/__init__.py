# SPDX-License-Identifier: Apache-2.0
"""What happens to an image before it reaches the model: torchvision's `transforms`."""

from . import functional
from .transforms import Compose, Lambda, Normalize, ToTensor

__all__ = ["Compose", "Lambda", "Normalize", "ToTensor", "functional"]
