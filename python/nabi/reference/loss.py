# SPDX-License-Identifier: Apache-2.0
"""Losses element by element."""

from __future__ import annotations

import numpy as np


def binary_cross_entropy(x, target, weight=None, reduction="mean"):
    """-weight (target log x + (1 - target) log(1 - x)), logarithms not below -100"""
    yes, no = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
    losses = -(target * yes + (1 - target) * no)
    if weight is not None:
        losses = losses * weight
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()
