# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, and activations."""

from .activation import relu, relu_, sigmoid, sigmoid_
from .arithmetic import add, div, mul, neg, positive, sub
from .rounding import floor_divide, remainder

__all__ = [
    "add", "div", "floor_divide", "mul", "neg", "positive", "relu", "relu_", "remainder", "sigmoid", "sigmoid_", "sub",
]  # fmt: skip
