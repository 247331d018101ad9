# SPDX-License-Identifier: Apache-2.0
"""Losses."""

from __future__ import annotations

import warnings

from nabi.nn import functional as F
from nabi.nn.module import Module


def _reduction(size_average, reduce, reduction):
    """reduction, or what the two arguments that came before it mean."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        reduction = "none"
    else:
        reduction = "mean" if size_average is None or size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction


class _WeightedLoss(Module):
    """A loss with a weight, which is a buffer, and a reduction."""

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        self.reduction = _reduction(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(_WeightedLoss):
    """The negative log of the softmax at the target class, from raw scores (logits).

    ``l_n = -w[y_n] log softmax(x_n)[y_n]``; the mean divides by the summed weights of the targets.

    Args:
        weight: (C,), one weight a class.
        size_average, reduce: deprecated, use reduction.
        ignore_index: targets that count nothing.
        reduction: "mean", "sum" or "none".
        label_smoothing: in [0, 1]: how much of each target is spread evenly over all classes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.CrossEntropyLoss()(nabi.zeros(3, 2), nabi.tensor([0, 1, 1]))
        tensor(0.6931)
    """

    def __init__(
        self,
        weight=None,
        size_average=None,
        ignore_index=-100,
        reduce=None,
        reduction="mean",
        label_smoothing=0.0,
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        """The loss of logits, (N, C), (C) or (N, C, d1, ...), for class indices or probabilities."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_WeightedLoss):
    """Binary cross-entropy of probabilities: ``-w (y log x + (1 - y) log(1 - x))``, each log at least -100.

    Args:
        weight: broadcast against the batch.
        size_average, reduce: deprecated, use reduction.
        reduction: "mean", "sum" or "none".

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.BCELoss()(nabi.tensor([0.5, 0.5]), nabi.tensor([0.0, 1.0]))
        tensor(0.6931)
    """

    def forward(self, input, target):
        """The loss of probabilities in [0, 1] for targets in [0, 1], both of the same shape."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)
