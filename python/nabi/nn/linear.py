# SPDX-License-Identifier: Apache-2.0
"""Linear, and Identity."""

from __future__ import annotations

import math

from nabi.nn import functional as F
from nabi.nn import init
from nabi.nn.module import Module
from nabi.nn.parameter import Parameter
from nabi.ops.creation import empty


class Identity(Module):
    """Gives back its input; takes any arguments, so that it can stand where another layer stood.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Identity(54, unused=True)(nabi.ones(2))
        tensor([1., 1.])
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        """input itself."""
        return input


class Linear(Module):
    """An affine map of the last dimension: ``y = x W^T + b``.

    Weight and bias start uniform in ``(-1/sqrt(in_features), 1/sqrt(in_features))``.

    Args:
        in_features: size of the last dimension of the input, (*, in_features).
        out_features: size of the last dimension of the output, (*, out_features).
        bias: whether there is a bias, (out_features,); the weight is (out_features, in_features).
        device: "cpu" or None.
        dtype: of the parameters; the default dtype if None.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.Linear(20, 30)(nabi.zeros(128, 20)).shape
        torch.Size([128, 30])
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, in this order."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        """Apply the layer to input, (*, in_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )
