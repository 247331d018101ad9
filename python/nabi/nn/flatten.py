# SPDX-License-Identifier: Apache-2.0
"""Flatten and Unflatten."""

from __future__ import annotations

from nabi.errors import fail
from nabi.nn.module import Module


class Flatten(Module):
    """Merges the dimensions start_dim ... end_dim into one.

    Args:
        start_dim: first dimension to merge.
        end_dim: last dimension to merge.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Flatten()(nabi.zeros(32, 1, 5, 5)).shape
        torch.Size([32, 25])
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input):
        """Apply to a tensor that has these dimensions."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits one dimension into several.

    Args:
        dim: the dimension to split.
        unflattened_size: a tuple or list of ints whose product is its size.

    Raises:
        TypeError: unflattened_size holds something else.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Unflatten(1, (2, 5, 5))(nabi.zeros(2, 50)).shape
        torch.Size([2, 2, 5, 5])
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise fail(
                TypeError,
                "Unflatten",
                "unflattened_size to be a tuple of ints",
                type(unflattened_size).__name__,
            )
        for place, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                got = f"{type(size).__name__} at position {place}"
                raise fail(TypeError, "Unflatten", "unflattened_size to be a tuple of ints", got)
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input):
        """Apply to a tensor that has this dimension."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
