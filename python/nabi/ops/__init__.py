# SPDX-License-Identifier: Apache-2.0
"""Operations, a file or folder per family; importing it registers the Tensor methods."""

from . import compare, creation, dropout, elementwise, linalg, loss, promote, random, reduce, shape, softmax

__all__ = [
    "compare", "creation", "dropout", "elementwise", "linalg", "loss", "promote", "random", "reduce", "shape", "softmax",
]  # fmt: skip
