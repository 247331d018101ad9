# SPDX-License-Identifier: Apache-2.0
"""Activations, element by element."""

from __future__ import annotations

from nabi.nn import functional as F
from nabi.nn.module import Module


class ReLU(Module):
    """``max(x, 0)``.

    Args:
        inplace: write into the input.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.ReLU()(nabi.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        """Apply to a tensor of any shape."""
        return F.relu(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Sigmoid()(nabi.zeros(2))
        tensor([0.5000, 0.5000])
    """

    def forward(self, input):
        """Apply to a tensor of any shape."""
        return F.sigmoid(input)


class Softmax(Module):
    """``exp(x_i) / sum_j exp(x_j)`` along one dimension.

    Args:
        dim: the dimension whose sums are 1; None chooses one, with a warning.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Softmax(dim=1)(nabi.zeros(1, 2))
        tensor([[0.5000, 0.5000]])
    """

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        """Apply to a tensor that has this dimension."""
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """``log(exp(x_i) / sum_j exp(x_j))`` along one dimension.

    Args:
        dim: the dimension that is summed over; None chooses one, with a warning.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.LogSoftmax(dim=1)(nabi.zeros(1, 2))
        tensor([[-0.6931, -0.6931]])
    """

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        """Apply to a tensor that has this dimension."""
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
