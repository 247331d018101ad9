# SPDX-License-Identifier: Apache-2.0
"""Dropout."""

from __future__ import annotations

from nabi.errors import fail
from nabi.nn import functional as F
from nabi.nn.module import Module


class Dropout(Module):
    """Zeroes each element with probability p while training, and divides the others by 1 - p.

    Args:
        p: probability of a zero.
        inplace: write into the input.

    Raises:
        ValueError: p is not between 0 and 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Dropout(0.5).eval()(nabi.ones(3))
        tensor([1., 1., 1.])
    """

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise fail(ValueError, "Dropout", "a probability between 0 and 1", p)
        self.p = p
        self.inplace = inplace

    def forward(self, input):
        """Apply to a tensor of any shape."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
